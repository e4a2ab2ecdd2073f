//! Which servers may be probed: patterns such as `*.example.com:587` or `192.0.2.0/24:25`.
//!
//! Responsible for reading a pattern and for holding a target against it. Without such patterns whoever reaches the
//! exporter could make it connect anywhere.

use crate::visible;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetPattern {
    hosts: Hosts,
    /// Any, where none is named.
    ports: Vec<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    /// A name in lower case, in which `*` stands for any characters.
    Named(String),
    /// An address and how many of its bits count.
    Network(IpAddr, u8),
}

/// Text that is no pattern of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoPattern(String);

impl fmt::Display for NoPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = visible(self.0.as_bytes());
        write!(
            formatter,
            "`{text}` is no pattern of targets: expected HOST:PORT, such as `*.example.com:587`, `192.0.2.0/24:25,587` or `*:*`"
        )
    }
}

impl std::error::Error for NoPattern {}

impl TargetPattern {
    /// Whether this host and port are meant. A name is not looked up: it has to match as it is written.
    pub(crate) fn matches(&self, host: &str, port: u16) -> bool {
        let host = bare(host).to_ascii_lowercase();
        let port_fits = self.ports.is_empty() || self.ports.contains(&port);
        port_fits
            && match &self.hosts {
                Hosts::Named(pattern) => wild_match(pattern.as_bytes(), host.as_bytes()),
                Hosts::Network(network, bits) => {
                    host.parse().is_ok_and(|address: IpAddr| within(address.to_canonical(), *network, *bits))
                }
            }
    }
}

impl FromStr for TargetPattern {
    type Err = NoPattern;

    fn from_str(text: &str) -> Result<TargetPattern, NoPattern> {
        let expected = || NoPattern(text.to_owned());
        let split = text.rfind(':').filter(|colon| text.rfind(']').is_none_or(|bracket| bracket < *colon));
        let (hosts, ports) = text.split_at(split.ok_or_else(expected)?);
        if hosts.is_empty() || (hosts.contains(':') && !hosts.starts_with('[')) {
            return Err(expected());
        }
        let ports = match &ports[1..] {
            "*" => Vec::new(),
            list => {
                let read = |port: &str| port.trim().parse().ok().filter(|port| *port > 0);
                list.split(',').map(read).collect::<Option<Vec<u16>>>().ok_or_else(expected)?
            }
        };
        Ok(TargetPattern { hosts: Hosts::read(bare(hosts)).ok_or_else(expected)?, ports })
    }
}

impl Hosts {
    fn read(text: &str) -> Option<Hosts> {
        let Some((address, bits)) = text.split_once('/') else {
            return Some(match text.parse::<IpAddr>() {
                Ok(address) => Hosts::Network(address.to_canonical(), width(address.to_canonical())),
                Err(_) => Hosts::Named(text.to_ascii_lowercase()),
            });
        };
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        (bits <= width(address)).then_some(Hosts::Network(address, bits))
    }
}

/// Without the brackets of an IPv6 address, and without the dot at the end of a full name.
fn bare(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    inner.strip_suffix('.').unwrap_or(inner)
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differing = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()) << 96,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    differing.leading_zeros() >= u32::from(bits)
}

/// Whether the text is as the pattern, in which `*` stands for any characters. Linear for each star.
fn wild_match(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, read));
            at += 1;
        } else if pattern.get(at) == Some(&text[read]) {
            at += 1;
            read += 1;
        } else if let Some((place, taken)) = star {
            star = Some((place, taken + 1));
            (at, read) = (place + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allows(pattern: &str, host: &str, port: u16) -> bool {
        pattern.parse::<TargetPattern>().unwrap().matches(host, port)
    }

    #[test]
    fn what_is_meant_matches() {
        for (pattern, host, port) in [
            ("mx.example.com:25", "MX.example.com", 25),
            ("mx.example.com:25", "mx.example.com.", 25),
            ("*.example.com:587", "a.b.example.com", 587),
            ("*:*", "anything.example", 1),
            ("192.0.2.0/24:25,587", "192.0.2.77", 587),
            ("192.0.2.0/24:25", "[::ffff:192.0.2.1]", 25),
            ("[2001:db8::/32]:*", "[2001:db8:1::1]", 465),
            ("[::1]:25", "[0:0:0:0:0:0:0:1]", 25),
            ("0.0.0.0/0:25", "203.0.113.9", 25),
        ] {
            assert!(allows(pattern, host, port), "{pattern} {host}:{port}");
        }
    }

    #[test]
    fn nothing_else_does() {
        for (pattern, host, port) in [
            ("mx.example.com:25", "mx.example.com", 26),
            ("*.example.com:587", "example.com", 587),
            ("*.example.com:587", "a.example.com.evil.example", 587),
            ("*.example.com:587", "a.example.comx", 587),
            ("192.0.2.0/24:25", "192.0.3.1", 25),
            ("192.0.2.0/24:25", "mx.192.0.2.1", 25),
            ("[2001:db8::/32]:25", "[2001:db9::1]", 25),
            ("127.0.0.1:25", "127.1", 25),
        ] {
            assert!(!allows(pattern, host, port), "{pattern} {host}:{port}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "mx", "mx:", ":25", "mx:0", "mx:70000", "mx:25,", "192.0.2.0/33:25", "a/8:25", "::1:25", "*"] {
            assert!(text.parse::<TargetPattern>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(pattern in "[a-z0-9.*:/\\[\\],]{0,30}", host in any::<String>(), port in 1u16..) {
            if let Ok(pattern) = pattern.parse::<TargetPattern>() {
                _ = pattern.matches(&host, port);
            }
        }

        #[test]
        fn a_name_is_its_own_pattern(host in "[a-z][a-z0-9.-]{0,20}[a-z]", port in 1u16..) {
            let own = format!("{host}:{port}");
            prop_assert!(allows(&own, &host, port));
        }

        #[test]
        fn a_star_stands_for_any_characters(start in "[a-c]{0,5}", end in "[a-c]{0,5}", middle in "[a-c.]{0,9}") {
            let pattern = format!("{start}*{end}");
            let text = format!("{start}{middle}{end}");
            prop_assert!(wild_match(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
