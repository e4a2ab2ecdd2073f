//! Reads the rules of a server.

use super::advice::list_some;
use super::decoder::{Decoder, KeyValue};
use super::{actions, content, reply};
use crate::scenario::Pattern;
use crate::scenario::server::Rule;
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};

const RULE_KEYS: [&str; 10] = ["match", "reply", "times", "after", "per", "when", "delay", "pace", "close", "name"];

// --- rules -------------------------------------------------------------------------------------------------

pub(super) fn rules(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Vec<Rule> {
    let Value::List(items) = &entry.value.value else {
        let error = Diagnostic::error(entry.value_span(), "`rules` takes a list");
        decoder.complain(error.help("each rule begins with `- match: PATTERN`"));
        return Vec::new();
    };
    items.iter().filter_map(|item| rule(decoder, item)).collect()
}

fn rule(decoder: &mut Decoder<'_>, node: &Node) -> Option<Rule> {
    let entries = decoder.entries(node, "a rule", &[&RULE_KEYS])?;
    let Some(pattern) = entries.entry("match") else {
        let error = Diagnostic::error(entries.span, "a rule needs `match`");
        decoder.complain(error.help(format!("write {} …", list_some(&[&["match", "reply"]]))));
        return None;
    };
    if entries.entry("reply").is_none() && entries.entry("close").is_none() {
        let error = Diagnostic::error(entries.span, "this rule does nothing: it has neither `reply` nor `close`");
        decoder.complain(error.help("what no rule matches is answered as the sandbox answers it"));
    }
    let most = u64::from(u32::MAX);
    Some(Rule {
        name: entries.value("name").and_then(|node| decoder.text(node)),
        pattern: Pattern::of_command(decoder.text_of(pattern)?),
        when: entries.value("when").and_then(|node| decoder.expression(node)),
        times: entries.value("times").and_then(|node| decoder.count(node, 1, most)),
        after: entries.value("after").and_then(|node| decoder.count(node, 0, most)).unwrap_or(0),
        counts_all: entries.value("per").is_some_and(|node| counts_all(decoder, node)),
        delay: entries.value("delay").and_then(|node| decoder.length(node)),
        reply: entries.entry("reply").and_then(|entry| reply::reply(decoder, entry)),
        pace: entries.value("pace").and_then(|node| content::pace(decoder, node)),
        close: entries.value("close").and_then(|node| actions::closing(decoder, node)),
    })
}

fn counts_all(decoder: &mut Decoder<'_>, node: &Node) -> bool {
    match node.scalar().map(|scalar| scalar.text.as_str()) {
        Some("server") => true,
        Some("connection") => false,
        _ => {
            decoder.wrong_type(node, "`connection` or `server`: what `times` and `after` count over");
            false
        }
    }
}
