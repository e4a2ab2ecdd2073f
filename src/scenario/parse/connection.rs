//! Reads where `connect` goes to: `host`, `unix` or `mx`, and `proxy_protocol`.

use super::{Decoder, Entries};
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Address, ProxyProtocol};

/// The keys of which one says where the connection goes.
const PLACES: [&str; 3] = ["host", "unix", "mx"];
/// Keys that say nothing about a unix socket.
const NETWORK_KEYS: [&str; 4] = ["port", "ip", "local_address", "socks5"];

impl Decoder<'_> {
    /// `host:` or `mx:` with `port:`, or `unix:`.
    pub(super) fn connect_address(&mut self, entries: &Entries<'_>) -> Option<Address> {
        let given: Vec<_> = PLACES.iter().filter_map(|key| entries.entry(key)).collect();
        let place = match given.as_slice() {
            [place] => *place,
            [] => {
                self.errors.push(Diagnostic::error(entries.span, "`connect` needs a `host`").help(
                    "write `connect: HOST:PORT`, or `host:` and `port:`; `unix:` and `mx:` stand instead of `host:`",
                ));
                return None;
            }
            [first, second, ..] => {
                let text = format!("`{}` cannot stand beside `{}`", second.key, first.key);
                self.errors.push(Diagnostic::error(second.key_span, text).other(first.key_span, "the first"));
                return None;
            }
        };
        let text = self.text_of(place)?;
        let port = entries.value("port").and_then(|node| self.text(node));
        if let Some(every) = entries.entry("every").filter(|_| place.key != "mx") {
            self.errors.push(Diagnostic::error(every.key_span, "`every` belongs to `mx`"));
        }
        Some(match place.key {
            "host" => Address::Split { host: text, port },
            "mx" => Address::Mx { domain: text, port, every: self.flag(entries, "every", false) },
            _ => {
                if let Some(other) = NETWORK_KEYS.iter().find_map(|key| entries.entry(key)) {
                    let text = format!("`{}` cannot stand beside `unix`: such a socket has none", other.key);
                    self.errors.push(Diagnostic::error(other.key_span, text));
                }
                Address::Unix(text)
            }
        })
    }

    /// Only the connection that a scenario begins with can be every exchanger in turn.
    pub(super) fn refuse_every(&mut self, node: &Node) {
        let Value::Map(entries) = &node.value else { return };
        let every = entries.iter().find(|(key, _)| key.scalar().is_some_and(|scalar| scalar.text == "every"));
        if let Some((key, _)) = every {
            self.errors.push(
                Diagnostic::error(key.span, "`every` belongs to the `connect` at the top of the file")
                    .help("the scenario is then played once with each mail exchanger"),
            );
        }
    }

    /// `{version: 1|2, source: IP:PORT, destination: IP:PORT}`; without addresses the proxy speaks for itself.
    pub(super) fn proxy_protocol(&mut self, node: &Node) -> Option<ProxyProtocol> {
        let entries = self.entries(node, "`proxy_protocol`", &[&["version", "source", "destination"]])?;
        let version = match entries.value("version").and_then(Node::scalar).map(|scalar| scalar.text.as_str()) {
            Some("1") => 1,
            Some("2") => 2,
            _ => {
                let at = entries.value("version").map_or(entries.span, |node| node.span);
                self.errors.push(Diagnostic::error(at, "`version` of the PROXY protocol is `1` or `2`"));
                return None;
            }
        };
        let addresses = match (entries.entry("source"), entries.entry("destination")) {
            (Some(source), Some(destination)) => Some((self.text_of(source)?, self.text_of(destination)?)),
            (None, None) => None,
            (Some(alone), None) | (None, Some(alone)) => {
                self.errors.push(
                    Diagnostic::error(alone.key_span, "`source` and `destination` go together")
                        .help("without both the header says that the proxy speaks for itself"),
                );
                return None;
            }
        };
        Some(ProxyProtocol { version, addresses, span: entries.span })
    }
}
