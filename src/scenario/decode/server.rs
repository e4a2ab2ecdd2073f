//! Reads `server:`: where it listens, and its connections.

use super::decoder::{Decoder, KeyValue};
use super::{rules, steps, tls};
use crate::scenario::server::{ConnectionPlan, MAX_CONNECTIONS, Served, Server};
use crate::scenario::sides::Side;
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};

const SERVER_KEYS: [&str; 5] = ["listen", "tls", "connections", "steps", "rules"];
const SERVED_KEYS: [&str; 4] = ["name", "times", "tls", "steps"];

pub(super) fn server(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Server> {
    decoder.side = Side::Server;
    let server = server_content(decoder, entry);
    decoder.side = Side::Client;
    server
}

fn server_content(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Server> {
    if let Some(address) = entry.value.scalar().filter(|scalar| !scalar.text.is_empty()) {
        let error = Diagnostic::error(entry.value.span, "`server` holds what a server does, and no address");
        let help = format!(
            "where a client connects to is `connect: {0}`; where a server listens is `server: {{listen: …}}`",
            address.text
        );
        decoder.complain(error.help(help));
        return None;
    }
    let entries = decoder.entries(entry.value, "`server`", &[&SERVER_KEYS, &tls::SERVER_KEYS])?;
    let plan = match (entries.entry("connections"), entries.entry("steps")) {
        (Some(connections), None) => ConnectionPlan::Listed(served_list(decoder, connections)),
        (None, Some(steps)) => ConnectionPlan::Each(steps::steps(decoder, steps, "")),
        (None, None) => ConnectionPlan::Rules,
        (Some(connections), Some(steps)) => {
            let text = "`steps` cannot stand beside `connections`";
            let error = Diagnostic::error(steps.key_span, text).other(connections.key_span, "the connections");
            decoder.complain(error.help("`steps` are played on every connection, `connections` on one each"));
            ConnectionPlan::Rules
        }
    };
    let rules = entries.entry("rules").map(|entry| rules::rules(decoder, entry));
    if rules.is_none() && matches!(plan, ConnectionPlan::Rules) && entries.entry("connections").is_none() {
        decoder.complain(
            Diagnostic::error(entry.key_span, "this server does nothing")
                .help("give it `connections:`, `steps:` or `rules:`"),
        );
    }
    Some(Server {
        span: entry.key_span,
        listen: entries.value("listen").and_then(|node| decoder.text(node)),
        implicit_tls: entries.value("tls").and_then(|node| tls::implicit_tls(decoder, node)).unwrap_or(false),
        tls: tls::server_tls(decoder, &entries),
        plan,
        rules: rules.unwrap_or_default(),
    })
}

fn served_list(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Vec<Served> {
    let Value::List(items) = &entry.value.value else {
        decoder.complain(
            Diagnostic::error(entry.value_span(), "`connections` takes a list: the first connection, the second …")
                .help("each connection begins with `- steps:`"),
        );
        return Vec::new();
    };
    if items.is_empty() {
        let error = Diagnostic::error(entry.key_span, "`connections` is empty: no connection may come");
        decoder.complain(error.help("list at least one, with its `steps:`"));
    }
    items.iter().filter_map(|item| served(decoder, item)).collect()
}

fn served(decoder: &mut Decoder<'_>, node: &Node) -> Option<Served> {
    let entries = decoder.entries(node, "a connection", &[&SERVED_KEYS, &tls::SERVER_KEYS])?;
    let times = entries.value("times").map_or(Some(1), |node| {
        let most = u64::from(MAX_CONNECTIONS);
        decoder.count(node, 1, most).and_then(|count| u32::try_from(count).ok())
    });
    Some(Served {
        span: node.span,
        name: entries.value("name").and_then(|node| decoder.text(node)),
        times: times.unwrap_or(1),
        implicit_tls: entries.value("tls").and_then(|node| tls::implicit_tls(decoder, node)),
        tls: tls::server_tls(decoder, &entries),
        steps: entries.entry("steps").map(|entry| steps::steps(decoder, entry, "")).unwrap_or_default(),
    })
}
