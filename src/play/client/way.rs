//! The way to a server: through which proxy, and with which header of the PROXY protocol.
//!
//! Called by `endpoint`, which knows where it leads.

use super::endpoint::{Resolver, fault};
use crate::net::proxy_protocol::{ProxyHeader, ProxyVersion};
use crate::net::route::{Destination, Route};
use crate::net::socks_proxy::SOCKS_PORT;
use crate::scenario::address::split_address_or;
use crate::scenario::{Connect, ProxyProtocol, TemplateError, Text, proxied};
use crate::smtp::idiom::Idiom;

impl Resolver<'_> {
    /// Proxies stand between us and a server; the sandbox is right here and expects none.
    pub(super) fn route(&self, connect: &Connect, to: Destination) -> Result<Route, TemplateError> {
        if self.sandbox.is_some() {
            return Ok(Route { to, socks5: None, proxy_header: None });
        }
        let own = connect.socks5.as_ref().map(|text| self.proxy_address(text)).transpose()?;
        let socks5 = match own {
            Some(own) => Some(own),
            None => self.given_proxy(connect, &to)?,
        };
        let proxy_header = connect.proxy_protocol.as_ref().map(|header| self.proxy_header(header)).transpose()?;
        Ok(Route { to, socks5, proxy_header })
    }

    /// The proxy of the command line. A stranger's scenario could reach through it what is behind it.
    fn given_proxy(&self, connect: &Connect, to: &Destination) -> Result<Option<(String, u16)>, TemplateError> {
        let target = match to {
            Destination::Host(target) => target,
            Destination::Mx(lookup) => &lookup.target,
            Destination::Unix(_) => return Ok(None),
        };
        let own_server =
            self.own_server.is_some_and(|own| own.port() == target.port && own.ip().to_string() == target.host);
        let Some(proxy) = self.settings.proxy.as_ref().filter(|proxy| !own_server && proxy.is_for(&target.host)) else {
            return Ok(None);
        };
        if target.public_only {
            let message = format!("an untrusted scenario reaches `{}` through no proxy of yours", target.host);
            let help = Some("if that is meant, allow it with `--allow-host HOST` or `--to HOST:PORT`".to_owned());
            return Err(TemplateError { help, ..fault(connect.span(), message) });
        }
        Ok(Some((proxy.host.clone(), proxy.port)))
    }

    fn proxy_address(&self, text: &Text) -> Result<(String, u16), TemplateError> {
        let written = self.text(text)?;
        let (host, port) = split_address_or(written.trim(), SOCKS_PORT, Idiom::Scenario)
            .map_err(|message| fault(text.span, message))?;
        Ok((host, port))
    }

    fn proxy_header(&self, header: &ProxyProtocol) -> Result<ProxyHeader, TemplateError> {
        let addresses = match &header.addresses {
            None => None,
            Some((source, destination)) => {
                let parsed = proxied(&self.text(source)?, &self.text(destination)?);
                Some(parsed.map_err(|message| fault(header.span, message))?)
            }
        };
        let version = if header.version == 1 { ProxyVersion::One } else { ProxyVersion::Two };
        Ok(ProxyHeader { version, addresses })
    }
}
