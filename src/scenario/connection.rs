//! Where a `connect` step goes to and through what: plain data.

use super::{Span, Text};
use std::net::SocketAddr;

/// The server, as written.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// `HOST[:PORT]`
    Joined(Text),
    Split {
        host: Text,
        port: Option<Text>,
    },
    /// A unix socket, by its path.
    Unix(Text),
    /// The mail exchangers of a domain, each in turn.
    Mx {
        domain: Text,
        port: Option<Text>,
        /// Whether the scenario is played once with each, instead of with the first that accepts.
        every: bool,
    },
}

/// A header of the PROXY protocol.
#[derive(Debug, Clone)]
pub(crate) struct ProxyProtocol {
    /// 1 or 2.
    pub(crate) version: u8,
    /// Source and destination; without them the proxy speaks for itself.
    pub(crate) addresses: Option<(Text, Text)>,
    pub(crate) span: Span,
}

/// The two addresses of a PROXY header, both of one IP version.
pub(crate) fn proxied(source: &str, destination: &str) -> Result<(SocketAddr, SocketAddr), String> {
    let address = |text: &str| {
        text.trim()
            .parse::<SocketAddr>()
            .map_err(|_| format!("`{text}` is not an IP address with a port, such as `192.0.2.1:2525` or `[::1]:25`"))
    };
    let (source, destination) = (address(source)?, address(destination)?);
    if source.is_ipv4() != destination.is_ipv4() {
        return Err(format!("`{source}` and `{destination}` are not of the same IP version"));
    }
    Ok((source, destination))
}
