//! The way to a server: a host, a unix socket or a domain's mail exchangers, directly or through a SOCKS5 proxy, with or
//! without a PROXY header.
//!
//! Responsible for putting these together and for each attempt's deadline. The single steps are `connect`, `mx`, `socks5`
//! and `proxy_protocol`. Called by `session`.

use super::clock;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::connect::{ConnectFailure, ConnectFailureKind, Target, connect, in_words, none_accepted};
use super::dns::{self, MailExchanger, Records};
use super::mx;
use super::proxy_protocol::ProxyHeader;
use super::socks5;
use super::stream::Stream;

/// Where to connect to, and how.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) to: Destination,
    /// The SOCKS5 proxy to go through: host and port.
    pub(crate) socks5: Option<(String, u16)>,
    /// What is said before all else.
    pub(crate) proxy_header: Option<ProxyHeader>,
}

/// The other end.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    Host(Target),
    /// A unix socket, by its path.
    Unix(PathBuf),
    Mx(MxLookup),
}

/// The mail exchangers of a domain, each in turn.
#[derive(Debug, Clone)]
pub(crate) struct MxLookup {
    /// The domain as host; port, IP version and local address are every exchanger's.
    pub(crate) target: Target,
    /// Whom to ask for MX records and for the exchangers' addresses; without one, the machine's resolvers and its own
    /// lookup of names.
    pub(crate) resolver: Option<SocketAddr>,
    /// Decides among exchangers of the same preference.
    pub(crate) seed: u64,
    /// The one exchanger to go to, where it was chosen before.
    pub(crate) only: Option<String>,
}

/// An open connection and how it came about.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) stream: Stream,
    /// The host that was chosen, where the route left a choice.
    pub(crate) exchanger: Option<String>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum RouteFailure {
    Failed(ConnectFailure),
    /// Nothing came of it in time.
    TooSlow,
}

/// Opens the connection. `attempt` bounds each attempt at one host.
///
/// `note` hears what happens on the way.
///
/// # Errors
/// Every host tried and why it failed.
pub(crate) async fn open(
    route: &Route,
    attempt: Duration,
    note: &mut (dyn FnMut(&str) + Send),
) -> Result<Connected, RouteFailure> {
    let mut connected = match &route.to {
        Destination::Host(target) => {
            let stream = attempt_at(target, route.socks5.as_ref(), attempt).await?;
            Connected { stream, exchanger: None }
        }
        Destination::Unix(path) => Connected { stream: in_time(attempt, to_socket(path)).await?, exchanger: None },
        Destination::Mx(lookup) => to_exchanger(lookup, route.socks5.as_ref(), attempt, note).await?,
    };
    if let Some(header) = &route.proxy_header {
        let octets = header.octets();
        in_time(attempt, async {
            let sent = async {
                connected.stream.write_all(&octets).await?;
                connected.stream.flush().await
            };
            sent.await.map_err(|error| other(format!("the PROXY header could not be sent: {}", in_words(&error))))
        })
        .await?;
    }
    Ok(connected)
}

/// An attempt at one host, through the proxy where there is one. Which of the two does not answer is said.
async fn attempt_at(target: &Target, socks5: Option<&(String, u16)>, limit: Duration) -> Result<Stream, RouteFailure> {
    let reached = AtomicBool::new(false);
    match (in_time(limit, to_host(target, socks5, &reached)).await, socks5) {
        (Err(RouteFailure::TooSlow), Some((host, port))) => {
            let proxy = format!("the SOCKS5 proxy `{host}:{port}`");
            let message = if reached.load(Ordering::Relaxed) {
                format!("{proxy} did not reach `{}` in time", target.host)
            } else {
                format!("{proxy} did not answer in time")
            };
            Err(RouteFailure::Failed(ConnectFailure { kind: ConnectFailureKind::Proxy, message }))
        }
        (outcome, _) => outcome,
    }
}

async fn in_time<T>(
    limit: Duration,
    attempt: impl Future<Output = Result<T, ConnectFailure>>,
) -> Result<T, RouteFailure> {
    match clock::within(limit, attempt).await {
        Ok(outcome) => outcome.map_err(RouteFailure::Failed),
        Err(_) => Err(RouteFailure::TooSlow),
    }
}

/// Directly, or to the proxy, which then connects to the host.
async fn to_host(
    target: &Target,
    socks5: Option<&(String, u16)>,
    reached: &AtomicBool,
) -> Result<Stream, ConnectFailure> {
    let Some((host, port)) = socks5 else { return connect(target).await };
    let proxy = Target { host: host.clone(), port: *port, ..target.clone() };
    let mut stream = connect(&proxy).await.map_err(|failure| ConnectFailure {
        message: format!("the SOCKS5 proxy `{host}`: {}", failure.message),
        kind: match failure.kind {
            ConnectFailureKind::OutOfBounds => ConnectFailureKind::OutOfBounds,
            _ => ConnectFailureKind::Proxy,
        },
    })?;
    reached.store(true, Ordering::Relaxed);
    socks5::connect_through(&mut stream, &target.host, target.port).await?;
    Ok(stream)
}

#[cfg(unix)]
async fn to_socket(path: &Path) -> Result<Stream, ConnectFailure> {
    let connected = match tokio::net::UnixStream::connect(path).await {
        Ok(unix) => Stream::plain(unix.into()),
        Err(error) => Err(error),
    };
    connected.map_err(|error| {
        let mut failure = none_accepted(&[(path.display().to_string(), error)]);
        failure.message = format!("the unix socket {}", failure.message);
        failure
    })
}

#[cfg(not(unix))]
async fn to_socket(_: &Path) -> Result<Stream, ConnectFailure> {
    Err(other("this system has no unix sockets".to_owned()))
}

/// The mail exchangers of a domain, the best first.
///
/// # Errors
/// As [`mx::hosts`], or no answer in time.
pub(crate) async fn exchangers(lookup: &MxLookup, limit: Duration) -> Result<Vec<String>, RouteFailure> {
    Ok(look_up(lookup, limit).await?.into_iter().map(|exchanger| exchanger.host).collect())
}

async fn look_up(lookup: &MxLookup, limit: Duration) -> Result<Vec<MailExchanger>, RouteFailure> {
    let resolvers = lookup.resolver.map_or_else(dns::system_resolvers, |resolver| vec![resolver]);
    in_time(limit, mx::hosts(&lookup.target.host, &resolvers, lookup.seed)).await
}

/// Each exchanger by its preference, until one accepts.
async fn to_exchanger(
    lookup: &MxLookup,
    socks5: Option<&(String, u16)>,
    attempt: Duration,
    note: &mut (dyn FnMut(&str) + Send),
) -> Result<Connected, RouteFailure> {
    let domain = &lookup.target.host;
    let hosts = if let Some(host) = &lookup.only {
        note(&format!("MX of {domain}: {host}"));
        vec![MailExchanger { preference: 0, host: host.clone() }]
    } else {
        let hosts = look_up(lookup, attempt).await?;
        note(&format!("MX of {domain}: {}", described(&hosts)));
        hosts
    };
    let mut failures: Vec<ConnectFailure> = Vec::new();
    for exchanger in hosts {
        let target = Target { host: exchanger.host.clone(), ..lookup.target.clone() };
        let named = match (lookup.resolver, socks5) {
            (Some(resolver), None) => in_time(attempt, to_named(&target, resolver)).await,
            // A proxy resolves names itself.
            _ => attempt_at(&target, socks5, attempt).await,
        };
        let failure = match named {
            Ok(stream) => return Ok(Connected { stream, exchanger: Some(exchanger.host) }),
            Err(RouteFailure::Failed(failure)) => failure,
            Err(RouteFailure::TooSlow) => {
                ConnectFailure { kind: ConnectFailureKind::Unreachable, message: "no answer in time".to_owned() }
            }
        };
        note(&format!("MX host {} did not accept: {}", exchanger.host, failure.message));
        failures.push(ConnectFailure { message: format!("`{}`: {}", exchanger.host, failure.message), ..failure });
    }
    let kind = failures.iter().map(|failure| failure.kind).min().unwrap_or(ConnectFailureKind::Other);
    let reasons: Vec<String> = failures.into_iter().map(|failure| failure.message).collect();
    let message = format!("no mail exchanger of `{domain}` accepted: {}", reasons.join("; "));
    Err(RouteFailure::Failed(ConnectFailure { kind, message }))
}

/// A host whose addresses the given resolver knows.
async fn to_named(target: &Target, resolver: SocketAddr) -> Result<Stream, ConnectFailure> {
    let unknown = |reason: &str| ConnectFailure {
        kind: ConnectFailureKind::Name,
        message: format!("the name `{}` could not be resolved: {reason}", target.host),
    };
    let answer = dns::addresses(&target.host, &[resolver]).await.map_err(|fault| unknown(&fault.to_string()))?;
    let addresses = match answer {
        Records::NoSuchName => return Err(unknown("it does not exist")),
        Records::Records(list) if list.is_empty() => return Err(unknown("it has no address")),
        Records::Records(list) => list,
    };
    let mut last = None;
    for address in addresses {
        match connect(&Target { host: address.to_string(), ..target.clone() }).await {
            Ok(stream) => return Ok(stream),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| unknown("it has no address")))
}

fn described(hosts: &[MailExchanger]) -> String {
    let list: Vec<String> = hosts.iter().map(|mx| format!("{} {}", mx.preference, mx.host)).collect();
    list.join(", ")
}

fn other(message: String) -> ConnectFailure {
    ConnectFailure { kind: ConnectFailureKind::Other, message }
}
