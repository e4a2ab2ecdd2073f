//! The PROXY protocol header, versions 1 and 2: what a load balancer says of a connection before its first octet.
//!
//! Pure: octets from addresses. Sent by `route`, right after the connection was opened and before TLS.

use std::net::{IpAddr, SocketAddr};

/// What every header of version 2 begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, command PROXY: on behalf of another connection.
const PROXY: u8 = 0x21;
/// Version 2, command LOCAL: the proxy speaks for itself.
const LOCAL: u8 = 0x20;

/// A header to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyHeader {
    pub(crate) version: ProxyVersion,
    /// Source and destination, both of one IP version; without them the connection is the proxy's own.
    pub(crate) addresses: Option<(SocketAddr, SocketAddr)>,
}

/// The form of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyVersion {
    /// One line of text.
    One,
    /// Binary.
    Two,
}

impl ProxyHeader {
    /// The octets for the wire.
    pub(crate) fn octets(&self) -> Vec<u8> {
        match self.version {
            ProxyVersion::One => format!("{}\r\n", self.line()).into_bytes(),
            ProxyVersion::Two => self.binary(),
        }
    }

    /// How the transcript shows it.
    pub(crate) fn shown(&self) -> String {
        match (self.version, self.addresses) {
            (ProxyVersion::One, _) => self.line(),
            (ProxyVersion::Two, None) => "[PROXY protocol version 2, LOCAL]".to_owned(),
            (ProxyVersion::Two, Some((source, destination))) => {
                format!("[PROXY protocol version 2: {source} to {destination}]")
            }
        }
    }

    fn line(&self) -> String {
        let Some((source, destination)) = self.addresses else { return "PROXY UNKNOWN".to_owned() };
        let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let (from, to) = (source.ip(), destination.ip());
        format!("PROXY {family} {from} {to} {} {}", source.port(), destination.port())
    }

    fn binary(&self) -> Vec<u8> {
        let mut octets = SIGNATURE.to_vec();
        let Some((source, destination)) = self.addresses else {
            octets.extend([LOCAL, 0, 0, 0]);
            return octets;
        };
        // Address family in the high half, the transport (1, a stream) in the low one; then how many octets follow.
        octets.extend(if source.is_ipv4() { [PROXY, 0x11, 0, 12] } else { [PROXY, 0x21, 0, 36] });
        for ip in [source.ip(), destination.ip()] {
            match ip {
                IpAddr::V4(ip) => octets.extend(ip.octets()),
                IpAddr::V6(ip) => octets.extend(ip.octets()),
            }
        }
        octets.extend(source.port().to_be_bytes());
        octets.extend(destination.port().to_be_bytes());
        octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: ProxyVersion, source: &str, destination: &str) -> ProxyHeader {
        ProxyHeader { version, addresses: Some((source.parse().unwrap(), destination.parse().unwrap())) }
    }

    #[test]
    fn version_1_is_a_line() {
        let four = header(ProxyVersion::One, "192.0.2.1:1000", "198.51.100.2:25");
        assert_eq!(four.octets(), b"PROXY TCP4 192.0.2.1 198.51.100.2 1000 25\r\n");
        let six = header(ProxyVersion::One, "[2001:db8::1]:1000", "[2001:db8::2]:25");
        assert_eq!(six.octets(), b"PROXY TCP6 2001:db8::1 2001:db8::2 1000 25\r\n");
        assert_eq!(ProxyHeader { addresses: None, ..six }.octets(), b"PROXY UNKNOWN\r\n");
    }

    #[test]
    fn version_2_is_binary() {
        let four = header(ProxyVersion::Two, "192.0.2.1:258", "198.51.100.2:25");
        let expected = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x01\x02\0\x19";
        assert_eq!(four.octets(), expected);
        let six = header(ProxyVersion::Two, "[::1]:1", "[::2]:2").octets();
        assert_eq!((six.len(), &six[12..16]), (52, &b"\x21\x21\0\x24"[..]));
        assert_eq!(ProxyHeader { addresses: None, ..four }.octets(), b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
    }
}
