//! Where a session goes, and with which TLS options: the scenario's words, the command line's, and the sandbox's.

use super::Settings;
use crate::net::connect::{IpVersion as NetIpVersion, Target};
use crate::net::tls::TlsOptions;
use crate::scenario::{
    Action, Address, Connect, IpVersion, Mode, Scenario, Scope, Span, TemplateError, Templates, Text, TlsSettings,
};
use crate::scenario::{Chance, Variables, reason, resolve_file};
use crate::server::Sandbox;
use crate::session::Transcript;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The port where TLS begins at once (RFC 8314 section 3).
const SUBMISSIONS_PORT: u16 = 465;
/// The port of a connection that names none.
const SMTP_PORT: u16 = 25;

/// A connection to open, resolved.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) target: Target,
    pub(super) implicit_tls: bool,
    /// The host and port as the scenario names them.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Endpoint {
    /// Says so where another server stands in for the one that the scenario names.
    pub(super) fn note_stand_in(&self, session: &str, log: &mut Transcript) {
        let target = &self.target;
        if (&target.host, target.port) != (&self.host, self.port) {
            let text = format!("{}:{} stands in for {}:{}", target.host, target.port, self.host, self.port);
            log.note(&Arc::from(session), &text);
        }
    }
}

/// Renders what a connection needs.
pub(super) struct Resolver<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sandbox: Option<&'a Sandbox>,
    pub(super) templates: &'a Templates,
    pub(super) scope: &'a dyn Scope,
    pub(super) file_root: PathBuf,
}

impl Resolver<'_> {
    /// Where a connection goes.
    pub(super) fn endpoint(&self, connect: &Connect) -> Result<Endpoint, TemplateError> {
        let (host, port) = self.address(&connect.address)?;
        let implicit_tls = connect.implicit_tls.unwrap_or(port == SUBMISSIONS_PORT);
        let (to_host, to_port) = match (&self.settings.to, self.sandbox) {
            (Some((host, port)), _) => (host.clone(), *port),
            (None, Some(sandbox)) => {
                let address = if implicit_tls { sandbox.tls_address() } else { sandbox.address() };
                (address.ip().to_string(), address.port())
            }
            (None, None) => (host.clone(), port),
        };
        let local_address = connect.local_address.as_ref().map(|text| self.local_address(text)).transpose()?;
        let ip = connect.ip.map(|version| match version {
            IpVersion::V4 => NetIpVersion::V4,
            IpVersion::V6 => NetIpVersion::V6,
        });
        Ok(Endpoint { target: Target { host: to_host, port: to_port, ip, local_address }, implicit_tls, host, port })
    }

    fn address(&self, address: &Address) -> Result<(String, u16), TemplateError> {
        match address {
            Address::Joined(text) => {
                let whole = self.text(text)?;
                split_address(whole.trim()).map_err(|message| fault(text.span, message))
            }
            Address::Split { host, port } => {
                let name = self.text(host)?;
                let port = port.as_ref().map(|text| self.port(text)).transpose()?.unwrap_or(SMTP_PORT);
                Ok((name.trim().to_owned(), port))
            }
        }
    }

    fn port(&self, text: &Text) -> Result<u16, TemplateError> {
        let written = self.text(text)?;
        parse_port(&written).map_err(|message| fault(text.span, message))
    }

    fn local_address(&self, text: &Text) -> Result<(IpAddr, u16), TemplateError> {
        let written = self.text(text)?;
        let alone = written.trim().trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| (ip, 0));
        let with_port = written.trim().parse::<std::net::SocketAddr>().map(|address| (address.ip(), address.port()));
        alone.or(with_port).map_err(|_| {
            fault(text.span, format!("`{written}` is not an IP address of this machine, with or without a port"))
        })
    }

    /// The name that the certificate must be for.
    pub(super) fn server_name(
        &self,
        endpoint: &Endpoint,
        own: &TlsSettings,
        connection: &TlsSettings,
    ) -> Result<String, TemplateError> {
        let named = own.server_name.as_ref().or(connection.server_name.as_ref());
        match named {
            Some(text) => self.text(text),
            None if self.sandbox.is_some() && self.settings.to.is_none() => Ok(endpoint.host.clone()),
            None => Ok(endpoint.target.host.trim_matches(['[', ']']).to_owned()),
        }
    }

    /// The options of a handshake: the step's own, else the connection's; the command line's above both.
    pub(super) fn tls_options(&self, own: &TlsSettings, connection: &TlsSettings) -> Result<TlsOptions, TemplateError> {
        let verify = own.verify.or(connection.verify).unwrap_or(true) && !self.settings.insecure;
        let file = |own: &Option<Text>, connection: &Option<Text>| -> Result<Option<Vec<u8>>, TemplateError> {
            own.as_ref().or(connection.as_ref()).map(|text| self.file(text)).transpose()
        };
        let version = |own: &Option<crate::scenario::Named>, connection: &Option<crate::scenario::Named>| {
            own.as_ref().or(connection.as_ref()).and_then(|named| named.name.parse().ok())
        };
        let ca_pem = match (&self.settings.ca_pem, self.sandbox) {
            (Some(pem), _) => Some(pem.clone()),
            (None, Some(sandbox)) if self.settings.to.is_none() => Some(
                sandbox
                    .ca_pem()
                    .map_err(|error| fault(Span::default(), format!("the sandbox has no certificate: {error}")))?,
            ),
            _ => file(&own.ca_file, &connection.ca_file)?,
        };
        let certificate = file(&own.client_certificate, &connection.client_certificate)?;
        let key = file(&own.client_key, &connection.client_key)?;
        Ok(TlsOptions {
            verify,
            ca_pem,
            identity: certificate.zip(key),
            min_version: version(&own.min_version, &connection.min_version),
            max_version: version(&own.max_version, &connection.max_version),
        })
    }

    /// The path of a file that the scenario names.
    pub(super) fn path(&self, text: &Text) -> Result<PathBuf, TemplateError> {
        let name = self.text(text)?;
        resolve_file(&self.file_root, &name).map_err(|message| fault(text.span, message))
    }

    fn file(&self, text: &Text) -> Result<Vec<u8>, TemplateError> {
        let path = self.path(text)?;
        std::fs::read(&path)
            .map_err(|error| fault(text.span, format!("cannot read `{}`: {}", text.source, reason(&error))))
    }

    fn text(&self, text: &Text) -> Result<String, TemplateError> {
        let rendered = self.templates.render(text, Mode::Line, self.scope)?;
        String::from_utf8(rendered.bytes).map_err(|_| fault(text.span, "this must be UTF-8".to_owned()))
    }
}

/// The folder that a scenario's files are read from.
pub(crate) fn file_root(scenario: &Scenario, settings: &Settings) -> PathBuf {
    let own = || Path::new(scenario.sources.name()).parent().map(Path::to_path_buf).unwrap_or_default();
    let root = settings.file_root.clone().unwrap_or_else(own);
    if root.as_os_str().is_empty() { PathBuf::from(".") } else { root }
}

/// Every host and server name of a scenario that is known before the run: what the sandbox's certificate is for.
pub(super) fn known_hosts(scenario: &Scenario, resolver: &Resolver<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for step in scenario.all_steps() {
        let settings = match &step.action {
            Action::Connect(connect) => {
                names.extend(resolver.endpoint(connect).ok().map(|endpoint| endpoint.host));
                &connect.tls
            }
            Action::StartTls(settings) | Action::Tls(settings) => settings,
            _ => continue,
        };
        names.extend(settings.server_name.as_ref().and_then(|text| resolver.text(text).ok()));
    }
    names.sort();
    names.dedup();
    names
}

/// Which secrets the steps of which session send, with the address that session goes to.
pub(crate) fn secrets_by_host(
    scenario: &Scenario,
    variables: &Variables,
    settings: &Settings,
) -> Vec<(String, Vec<String>)> {
    let templates = Templates::new(Chance::seeded(0));
    let file_root = file_root(scenario, settings);
    let resolver = Resolver { settings, sandbox: None, templates: &templates, scope: variables, file_root };
    let mut addresses: BTreeMap<&str, String> = BTreeMap::new();
    let mut secrets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for step in scenario.all_steps() {
        let session = step.session.as_ref().map_or("main", |named| named.name.as_str());
        if let Action::Connect(connect) = &step.action
            && let Ok(endpoint) = resolver.endpoint(connect)
        {
            let session = connect.session.as_ref().map_or(session, |named| named.name.as_str());
            let target = endpoint.target;
            addresses.insert(session, format!("{}:{}", target.host, target.port));
        }
        let Some(address) = addresses.get(session) else { continue };
        let sent = step.sent_names();
        let secret = scenario.secrets.iter().map(|named| &named.name).filter(|name| sent.contains(*name));
        secrets.entry(address.clone()).or_default().extend(secret.cloned());
    }
    let list = secrets.into_iter().filter(|(_, names)| !names.is_empty());
    list.map(|(address, names)| (address, names.into_iter().collect())).collect()
}

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
pub(crate) fn split_address(text: &str) -> Result<(String, u16), String> {
    if text.is_empty() {
        return Err("the host is empty".to_owned());
    }
    let bare_ipv6 = !text.starts_with('[') && text.matches(':').count() > 1;
    if bare_ipv6 {
        return Err(format!("`{text}`: an IPv6 address stands in brackets: `[{text}]:{SMTP_PORT}`"));
    }
    let split = text.rfind(':').filter(|colon| text.rfind(']').is_none_or(|bracket| bracket < *colon));
    let Some(colon) = split else { return Ok((text.to_owned(), SMTP_PORT)) };
    let host = &text[..colon];
    if host.is_empty() {
        return Err(format!("`{text}` has no host"));
    }
    Ok((host.to_owned(), parse_port(&text[colon + 1..])?))
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("`{text}` is not a port: a number from 1 to 65535")),
    }
}

fn fault(span: Span, message: String) -> TemplateError {
    TemplateError { message, span, help: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, host, port) in [
            ("mx.example", "mx.example", 25),
            ("mx.example:587", "mx.example", 587),
            ("127.0.0.1:2525", "127.0.0.1", 2525),
            ("[::1]", "[::1]", 25),
            ("[::1]:465", "[::1]", 465),
        ] {
            assert_eq!(split_address(text), Ok((host.to_owned(), port)));
        }
        for bad in ["", "::1", "a:b", "a:0", "a:99999", ":25"] {
            assert!(split_address(bad).is_err(), "{bad}");
        }
    }
}
