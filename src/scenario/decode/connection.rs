//! Reads `connect`: where to, and through what.

use super::decoder::{Decoder, Entries};
use super::tls;
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Address, Connect, ProxyProtocol};

const CONNECT_KEYS: [&str; 12] =
    ["host", "port", "unix", "mx", "every", "as", "tls", "ip", "local_address", "socks5", "proxy_protocol", "timeout"];
/// The keys of which one says where the connection goes.
const PLACES: [&str; 3] = ["host", "unix", "mx"];
/// Keys that say nothing about a unix socket.
const NETWORK_KEYS: [&str; 4] = ["port", "ip", "local_address", "socks5"];

/// `host:` or `mx:` with `port:`, or `unix:`.
fn connect_address(decoder: &mut Decoder<'_>, entries: &Entries<'_>) -> Option<Address> {
    let given: Vec<_> = PLACES.iter().filter_map(|key| entries.entry(key)).collect();
    let place = match given.as_slice() {
        [place] => *place,
        [] => {
            decoder.complain(Diagnostic::error(entries.span, "`connect` needs a `host`").help(
                "write `connect: HOST:PORT`, or `host:` and `port:`; `unix:` and `mx:` stand instead of `host:`",
            ));
            return None;
        }
        [first, second, ..] => {
            let text = format!("`{}` cannot stand beside `{}`", second.key, first.key);
            decoder.complain(Diagnostic::error(second.key_span, text).other(first.key_span, "the first"));
            return None;
        }
    };
    let text = decoder.text_of(place)?;
    let port = entries.value("port").and_then(|node| decoder.text(node));
    if let Some(every) = entries.entry("every").filter(|_| place.key != "mx") {
        decoder.complain(Diagnostic::error(every.key_span, "`every` belongs to `mx`"));
    }
    Some(match place.key {
        "host" => Address::Split { host: text, port },
        "mx" => Address::Mx { domain: text, port, every: decoder.flag(entries, "every", false) },
        _ => {
            if let Some(other) = NETWORK_KEYS.iter().find_map(|key| entries.entry(key)) {
                let text = format!("`{}` cannot stand beside `unix`: such a socket has none", other.key);
                decoder.complain(Diagnostic::error(other.key_span, text));
            }
            Address::Unix(text)
        }
    })
}

/// Only the connection that a scenario begins with can be every exchanger in turn.
pub(super) fn refuse_every(decoder: &mut Decoder<'_>, node: &Node) {
    let Value::Map(entries) = &node.value else { return };
    let every = entries.iter().find(|(key, _)| key.scalar().is_some_and(|scalar| scalar.text == "every"));
    if let Some((key, _)) = every {
        decoder.complain(
            Diagnostic::error(key.span, "`every` belongs to the `connect` at the top of the file")
                .help("the scenario is then played once with each mail exchanger"),
        );
    }
}

/// `{version: 1|2, source: IP:PORT, destination: IP:PORT}`; without addresses the proxy speaks for itself.
fn proxy_protocol(decoder: &mut Decoder<'_>, node: &Node) -> Option<ProxyProtocol> {
    let entries = decoder.entries(node, "`proxy_protocol`", &[&["version", "source", "destination"]])?;
    let version = match entries.value("version").and_then(Node::scalar).map(|scalar| scalar.text.as_str()) {
        Some("1") => 1,
        Some("2") => 2,
        _ => {
            let at = entries.value("version").map_or(entries.span, |node| node.span);
            decoder.complain(Diagnostic::error(at, "`version` of the PROXY protocol is `1` or `2`"));
            return None;
        }
    };
    let addresses = match (entries.entry("source"), entries.entry("destination")) {
        (Some(source), Some(destination)) => Some((decoder.text_of(source)?, decoder.text_of(destination)?)),
        (None, None) => None,
        (Some(alone), None) | (None, Some(alone)) => {
            decoder.complain(
                Diagnostic::error(alone.key_span, "`source` and `destination` go together")
                    .help("without both the header says that the proxy speaks for itself"),
            );
            return None;
        }
    };
    Some(ProxyProtocol { version, addresses, span: entries.span })
}

pub(super) fn connect(decoder: &mut Decoder<'_>, node: &Node) -> Option<Connect> {
    if node.is_null() {
        decoder.wrong_type_with(
            node,
            "an address",
            "write `connect: HOST:PORT`, as in `connect: mail.example.com:587`",
        );
        return None;
    }
    if node.scalar().is_some() {
        return decoder.text(node).map(|text| Connect::to(Address::Joined(text)));
    }
    let entries = decoder.entries(node, "`connect`", &[&CONNECT_KEYS, &tls::CLIENT_KEYS])?;
    let address = connect_address(decoder, &entries)?;
    let mut connect = Connect::to(address);
    connect.implicit_tls = entries.value("tls").and_then(|node| tls::begins_with_tls(decoder, node));
    connect.ip = entries.value("ip").and_then(|node| decoder.chosen(node));
    connect.local_address = entries.value("local_address").and_then(|node| decoder.text(node));
    connect.socks5 = entries.value("socks5").and_then(|node| decoder.text(node));
    connect.proxy_protocol = entries.value("proxy_protocol").and_then(|node| proxy_protocol(decoder, node));
    connect.session = entries.value("as").and_then(|node| decoder.named(node));
    connect.timeout = entries.value("timeout").and_then(|node| decoder.length(node));
    connect.tls = tls::tls_settings(decoder, &entries);
    Some(connect)
}
