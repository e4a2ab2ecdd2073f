//! Where a `connect` step goes to, through what, and with which TLS options: plain data.

use super::chosen::{Chosen, ImplicitTls, TlsVersionName};
use super::{Length, Misread, Named, Span, Text};
use std::net::SocketAddr;
use std::sync::OnceLock;

/// A connection to open.
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub(crate) address: Address,
    /// The address itself where no template stands in it, once that is known.
    split: OnceLock<(String, u16)>,
    pub(crate) implicit_tls: Option<Chosen<ImplicitTls>>,
    pub(crate) ip: Option<Chosen<IpVersion>>,
    pub(crate) local_address: Option<Text>,
    /// A SOCKS5 proxy, `HOST:PORT`.
    pub(crate) socks5: Option<Text>,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    pub(crate) session: Option<Named>,
    pub(crate) timeout: Option<Length>,
    pub(crate) tls: TlsSettings,
}

/// The version of IP to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IpVersion {
    V4,
    V6,
}

/// TLS options as written; what is not set is inherited.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsSettings {
    pub(crate) verify: Option<Chosen<bool>>,
    pub(crate) server_name: Option<Text>,
    pub(crate) ca_file: Option<Text>,
    pub(crate) client_certificate: Option<Text>,
    pub(crate) client_key: Option<Text>,
    pub(crate) min_version: Option<Chosen<TlsVersionName>>,
    pub(crate) max_version: Option<Chosen<TlsVersionName>>,
    /// What TLS up to 1.2 offers, in OpenSSL's notation.
    pub(crate) ciphers: Option<Text>,
}

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

impl TlsSettings {
    /// The templates of its options that name no file and no server.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &Text> {
        let versions = [&self.min_version, &self.max_version].into_iter().flatten().filter_map(Chosen::template);
        self.verify.iter().filter_map(Chosen::template).chain(versions).chain(&self.ciphers)
    }

    pub(super) fn files(&self) -> Vec<&Text> {
        [&self.ca_file, &self.client_certificate, &self.client_key].into_iter().flatten().collect()
    }
}

impl Connect {
    /// A connection to this place, and nothing else said of it.
    pub(super) fn to(address: Address) -> Connect {
        Connect {
            address,
            split: OnceLock::new(),
            implicit_tls: None,
            ip: None,
            local_address: None,
            socks5: None,
            proxy_protocol: None,
            session: None,
            timeout: None,
            tls: TlsSettings::default(),
        }
    }

    /// Host and port of an address that is written as one, kept where it is the same in every run.
    pub(crate) fn split<E>(
        &self,
        text: &Text,
        split: impl FnOnce() -> Result<(String, u16), E>,
    ) -> Result<(String, u16), E> {
        if let Some(known) = self.split.get() {
            return Ok(known.clone());
        }
        let found = split()?;
        Ok(if text.is_literal() { self.split.get_or_init(|| found).clone() } else { found })
    }

    /// The templates of its options that name no place.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &Text> {
        let ip = self.ip.iter().filter_map(Chosen::template);
        self.implicit_tls.iter().filter_map(Chosen::template).chain(ip)
    }

    /// The place of the address.
    pub(crate) fn span(&self) -> Span {
        match &self.address {
            Address::Joined(text) | Address::Unix(text) => text.span,
            Address::Split { host: text, .. } | Address::Mx { domain: text, .. } => text.span,
        }
    }

    /// The places it goes to, as they are written.
    pub(super) fn written(&self) -> Vec<String> {
        let with_port = |name: &Text, port: &Option<Text>| match port {
            Some(port) => format!("{}:{}", name.source, port.source),
            None => name.source.clone(),
        };
        let place = match &self.address {
            Address::Joined(text) => text.source.clone(),
            Address::Unix(path) => format!("the socket {}", path.source),
            Address::Split { host, port } => with_port(host, port),
            Address::Mx { domain, port, .. } => format!("the mail exchangers of {}", with_port(domain, port)),
        };
        let proxy = self.socks5.iter().map(|text| format!("the SOCKS5 proxy {}", text.source));
        std::iter::once(place).chain(proxy).collect()
    }
}

/// The two addresses of a PROXY header, both of one IP version.
pub(crate) fn proxied(source: &str, destination: &str) -> Result<(SocketAddr, SocketAddr), Misread> {
    let address = |text: &str| {
        text.trim().parse::<SocketAddr>().map_err(|_| {
            Misread::new(format!("`{text}` is not an IP address with a port, such as `192.0.2.1:2525` or `[::1]:25`"))
        })
    };
    let (source, destination) = (address(source)?, address(destination)?);
    if source.is_ipv4() != destination.is_ipv4() {
        return Err(Misread::new(format!("`{source}` and `{destination}` are not of the same IP version")));
    }
    Ok((source, destination))
}
