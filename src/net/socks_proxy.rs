//! The SOCKS5 proxy that a person names for every session, and the hosts that it is not for.
//!
//! Responsible for the choice alone; `cli` reads it from the command line and the environment, `route` goes through it.

use super::connect::without_brackets;
use std::net::IpAddr;

/// The port of a SOCKS5 proxy that names none (RFC 1928 section 3).
pub(crate) const SOCKS_PORT: u16 = 1080;

/// A proxy, and what is reached without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksProxy {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is the environment's: this machine, and these hosts and their domains, are then reached directly.
    pub spares: Option<Vec<String>>,
}

impl SocksProxy {
    /// Whether a host is reached through it.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let Some(spared) = &self.spares else { return true };
        let host = without_brackets(host).trim_end_matches('.').to_ascii_lowercase();
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let within = |domain: &String| {
            let domain = domain.trim().trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
            domain == "*" || host == domain || !domain.is_empty() && host.ends_with(&format!(".{domain}"))
        };
        !is_here && !spared.iter().any(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_spares_this_machine_and_what_it_names() {
        let of = |spares: Option<&[&str]>| SocksProxy {
            host: "proxy".to_owned(),
            port: 1,
            spares: spares.map(|list| list.iter().map(|one| (*one).to_owned()).collect()),
        };
        assert!(of(None).is_for("127.0.0.1") && of(None).is_for("localhost"));
        let some = of(Some(&["corp.example", ".lan", "*.test"]));
        for host in ["127.0.0.1", "[::1]", "localhost", "corp.example", "MX.Corp.Example.", "a.lan", "b.test"] {
            assert!(!some.is_for(host), "{host}");
        }
        assert!(some.is_for("notcorp.example") && some.is_for("192.0.2.1") && !of(Some(&["*"])).is_for("mx.example"));
    }
}
