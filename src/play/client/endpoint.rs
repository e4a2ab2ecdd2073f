//! Where a session goes, and with which TLS options: the scenario's words, the command line's, and the sandbox's.

use crate::net::connect::{IpFamily as NetIpVersion, Target};
use crate::net::route::{Destination, MxLookup, Route, exchangers};
use crate::net::tls::{TlsOptions, TlsVersion};
use crate::play::Settings;
use crate::scenario::address::{parse_port, split_address};
use crate::scenario::{
    Action, Address, Chosen, Connect, IpVersion, Mode, Scenario, Scope, Span, TemplateError, Templates, Text,
    TlsSettings, TlsVersionName,
};
use crate::scenario::{Chance, DEFAULT_TIMEOUT, Variables, reason, resolve_file};
use crate::server::Sandbox;
use crate::session::Transcript;
use crate::smtp::ports::{SMTP_PORT, SUBMISSIONS_PORT};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A connection to open, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The host, or what stands for it: a domain until its exchanger is known.
    pub(crate) target: Target,
    pub(crate) route: Route,
    pub(crate) implicit_tls: bool,
    /// Whether it is the server of the same file.
    pub(crate) is_own_server: bool,
    /// The host and port as the scenario names them.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What stands in for it: `the sandbox`, or the server of the command line.
    pub(crate) stand_in: Option<String>,
}

impl Endpoint {
    /// Says so where another server stands in for the one that the scenario names.
    pub(crate) fn note_stand_in(&self, session: &str, log: &mut Transcript) {
        let target = &self.target;
        if (&target.host, target.port) != (&self.host, self.port) {
            let text = format!("{}:{} stands in for {}:{}", target.host, target.port, self.host, self.port);
            log.note(&Arc::from(session), &text);
        }
    }
}

/// A version of TLS, as written.
type Version = Option<Chosen<TlsVersionName>>;

/// What `connect` names.
enum Addressee {
    Host(String, u16),
    Mx(String, u16),
    Unix(PathBuf),
}

impl Endpoint {
    /// The server as a person names it.
    pub(crate) fn shown(&self) -> String {
        match &self.route.to {
            Destination::Host(target) => format!("{}:{}", target.host, target.port),
            Destination::Unix(path) => path.display().to_string(),
            Destination::Mx(lookup) => format!("a mail exchanger of {}", lookup.target.host),
        }
    }
}

/// Renders what a connection needs.
pub(crate) struct Resolver<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) sandbox: Option<&'a Sandbox>,
    pub(crate) templates: &'a Templates,
    pub(crate) scope: &'a dyn Scope,
    pub(crate) file_root: Option<PathBuf>,
    /// Where the server of the same file listens.
    pub(crate) own_server: Option<SocketAddr>,
}

impl<'a> Resolver<'a> {
    /// What is known before anything is played: no server runs, and no file is read.
    fn before_the_run(settings: &'a Settings, templates: &'a Templates, scope: &'a Variables) -> Resolver<'a> {
        Resolver { settings, sandbox: None, templates, scope, file_root: None, own_server: None }
    }
}

impl Resolver<'_> {
    /// Where a connection goes.
    pub(crate) fn endpoint(&self, connect: &Connect) -> Result<Endpoint, TemplateError> {
        let place = self.place(connect)?;
        let (host, port) = match &place {
            Addressee::Host(host, port) | Addressee::Mx(host, port) => (host.clone(), *port),
            // Its certificate, if there is ever one, can only be for this machine.
            Addressee::Unix(_) => ("localhost".to_owned(), SMTP_PORT),
        };
        let implicit_tls = match &connect.implicit_tls {
            Some(chosen) => self.templates.chosen(chosen, self.scope)?.0,
            None => port == SUBMISSIONS_PORT,
        };
        let is_own_server = self
            .own_server
            .is_some_and(|own| own.port() == port && host.trim_matches(['[', ']']).parse::<IpAddr>() == Ok(own.ip()));
        // The file's own server is the one that is meant, and is no stranger.
        let instead = self.instead(implicit_tls, port).filter(|_| !is_own_server);
        let stand_in = instead.as_ref().map(|(host, port)| match &self.settings.to {
            Some(_) => format!("{host}:{port}"),
            None => "the sandbox".to_owned(),
        });
        let (to_host, to_port) = instead.clone().unwrap_or((host.clone(), port));
        let local_address = connect.local_address.as_ref().map(|text| self.local_address(text)).transpose()?;
        let ip =
            connect.ip.as_ref().map(|version| self.templates.chosen(version, self.scope)).transpose()?.map(|version| {
                match version {
                    IpVersion::V4 => NetIpVersion::V4,
                    IpVersion::V6 => NetIpVersion::V6,
                }
            });
        let named = |host: &str| self.settings.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
        let public_only = self.settings.untrusted && instead.is_none() && !named(&host) && !is_own_server;
        if public_only && matches!(place, Addressee::Unix(_)) {
            return Err(fault(connect.span(), "an untrusted scenario reaches no unix socket".to_owned()));
        }
        let target = Target { host: to_host, port: to_port, ip, local_address, public_only };
        let to = match place {
            Addressee::Unix(path) if instead.is_none() => Destination::Unix(path),
            Addressee::Mx(..) if instead.is_none() => Destination::Mx(MxLookup {
                target: target.clone(),
                resolver: self.settings.resolver,
                only: self.settings.exchanger.clone(),
                seed: self.templates.chance().number(),
            }),
            _ => Destination::Host(target.clone()),
        };
        let route = self.route(connect, to)?;
        let stand_in = stand_in.filter(|_| (&target.host, target.port) != (&host, port));
        Ok(Endpoint { target, route, implicit_tls, is_own_server, host, port, stand_in })
    }

    /// The server that takes the place of every other: the command line's, or the sandbox.
    fn instead(&self, implicit_tls: bool, own_port: u16) -> Option<(String, u16)> {
        let sandbox = |sandbox: &Sandbox| {
            let address = if implicit_tls { sandbox.tls_address() } else { sandbox.address() };
            (address.ip().to_string(), address.port())
        };
        let to = self.settings.to.clone().map(|(host, port)| (host, port.unwrap_or(own_port)));
        to.or_else(|| self.sandbox.map(sandbox))
    }

    fn place(&self, connect: &Connect) -> Result<Addressee, TemplateError> {
        let port_of = |port: &Option<Text>| port.as_ref().map_or(Ok(SMTP_PORT), |text| self.port(text));
        match &connect.address {
            Address::Joined(text) => {
                let split = || split_address(self.text(text)?.trim()).map_err(|message| fault(text.span, message));
                let (host, port) = connect.split(text, split)?;
                Ok(Addressee::Host(host, port))
            }
            Address::Split { host, port } => Ok(Addressee::Host(self.text(host)?.trim().to_owned(), port_of(port)?)),
            Address::Mx { domain, port, .. } => {
                let name = self.text(domain)?.trim().to_owned();
                if name.is_empty() {
                    return Err(fault(domain.span, "the domain is empty"));
                }
                Ok(Addressee::Mx(name, port_of(port)?))
            }
            Address::Unix(path) => Ok(Addressee::Unix(PathBuf::from(self.text(path)?))),
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
    pub(crate) fn server_name(
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
    pub(crate) fn tls_options(&self, own: &TlsSettings, connection: &TlsSettings) -> Result<TlsOptions, TemplateError> {
        let verify = self.verifies(own, connection)?;
        let file = |own: &Option<Text>, connection: &Option<Text>| -> Result<Option<Vec<u8>>, TemplateError> {
            own.as_ref().or(connection.as_ref()).map(|text| self.file(text)).transpose()
        };
        let version = |own: &Version, connection: &Version| -> Result<Option<TlsVersion>, TemplateError> {
            let chosen = own
                .as_ref()
                .or(connection.as_ref())
                .map(|chosen| self.templates.chosen(chosen, self.scope))
                .transpose()?;
            Ok(chosen.and_then(|TlsVersionName(name)| name.parse().ok()))
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
            min_version: version(&own.min_version, &connection.min_version)?,
            max_version: version(&own.max_version, &connection.max_version)?,
            ciphers: own.ciphers.as_ref().or(connection.ciphers.as_ref()).map(|list| self.text(list)).transpose()?,
        })
    }

    /// Whether a handshake verifies the certificate.
    pub(crate) fn verifies(&self, own: &TlsSettings, connection: &TlsSettings) -> Result<bool, TemplateError> {
        let chosen = own.verify.as_ref().or(connection.verify.as_ref());
        let verify = chosen.map_or(Ok(true), |chosen| self.templates.chosen(chosen, self.scope))?;
        Ok(verify && !self.settings.insecure)
    }

    /// The path of a file that the scenario names.
    pub(crate) fn path(&self, text: &Text) -> Result<PathBuf, TemplateError> {
        let name = self.text(text)?;
        resolve_file(self.file_root.as_deref(), &name).map_err(|message| fault(text.span, message))
    }

    fn file(&self, text: &Text) -> Result<Vec<u8>, TemplateError> {
        let path = self.path(text)?;
        std::fs::read(&path)
            .map_err(|error| fault(text.span, format!("cannot read `{}`: {}", text.source, reason(&error))))
    }

    pub(super) fn text(&self, text: &Text) -> Result<String, TemplateError> {
        let rendered = self.templates.render(text, Mode::Line, self.scope)?;
        String::from_utf8(rendered.bytes).map_err(|_| fault(text.span, "this must be UTF-8".to_owned()))
    }
}

/// The folder that a scenario's files are read from.
///
/// An untrusted scenario reads none unless a folder was named.
pub(crate) fn file_root(scenario: &Scenario, settings: &Settings) -> Option<PathBuf> {
    if settings.untrusted && settings.file_root.is_none() {
        return None;
    }
    let own = || Path::new(scenario.sources.name()).parent().map(Path::to_path_buf).unwrap_or_default();
    let root = settings.file_root.clone().unwrap_or_else(own);
    Some(if root.as_os_str().is_empty() { PathBuf::from(".") } else { root })
}

/// Every host and server name of a scenario that is known before the run: what the sandbox's certificate is for.
pub(crate) fn known_hosts(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Vec<String> {
    let templates = Templates::new(Chance::seeded(0));
    let resolver = Resolver::before_the_run(settings, &templates, variables);
    let mut names = Vec::new();
    for step in scenario.all_steps() {
        let settings = match &step.action {
            Action::Connect(connect) => {
                names.extend(resolver.endpoint(connect).ok().map(|endpoint| endpoint.host));
                &connect.tls
            }
            Action::StartTls(tls) | Action::Tls(tls) => &tls.client,
            _ => continue,
        };
        names.extend(settings.server_name.as_ref().and_then(|text| resolver.text(text).ok()));
    }
    names
}

/// The mail exchangers that a scenario is to be played with, one after the other: those of `connect: {mx: …, every: true}`.
///
/// None where nothing of that kind is asked for, and where they cannot be found out: playing the scenario tells why.
pub(crate) async fn every_exchanger(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Vec<String> {
    let Some(Action::Connect(connect)) = scenario.opening.as_ref().map(|opening| &opening.action) else {
        return Vec::new();
    };
    if !matches!(connect.address, Address::Mx { every: true, .. }) || settings.sandbox {
        return Vec::new();
    }
    let templates = Templates::new(settings.seed.map_or_else(Chance::fresh, Chance::seeded));
    let resolver = Resolver::before_the_run(settings, &templates, variables);
    let wait = settings.timeout.or(scenario.timeout).unwrap_or(DEFAULT_TIMEOUT);
    match resolver.endpoint(connect).map(|endpoint| endpoint.route.to) {
        Ok(Destination::Mx(lookup)) => exchangers(&lookup, wait).await.unwrap_or_default(),
        _ => Vec::new(),
    }
}

pub(super) fn fault(span: Span, message: impl Into<String>) -> TemplateError {
    TemplateError { message: message.into(), span, help: None }
}
