//! Opening a TCP connection: from a host and port to an open, plain [`Stream`].
//!
//! Responsible for name resolution, address order, the local address and for saying, address by address, why none
//! answered. Not responsible for deadlines (the caller's) nor TLS (`tls`). Called by `session`.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use super::stream::Stream;
use crate::public::is_public;

/// Where to connect to, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name, an IPv4 address, or an IPv6 address with or without brackets.
    pub(crate) host: String,
    /// The TCP port.
    pub(crate) port: u16,
    /// Only addresses of this IP version.
    pub(crate) ip: Option<IpFamily>,
    /// The address and port to connect from; port 0 lets the system choose.
    pub(crate) local_address: Option<(IpAddr, u16)>,
    /// Whether loopback, private and link-local addresses are out of bounds, whatever name leads to them.
    pub(crate) public_only: bool,
}

/// An IP version to insist on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IpFamily {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl IpFamily {
    fn of(address: IpAddr) -> IpFamily {
        match address {
            IpAddr::V4(_) => IpFamily::V4,
            IpAddr::V6(_) => IpFamily::V6,
        }
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IpFamily::V4 => "IPv4",
            IpFamily::V6 => "IPv6",
        })
    }
}

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectFailure {
    /// The failure's class; of several addresses, the most telling one: refused before unreachable before other.
    pub(crate) kind: ConnectFailureKind,
    /// Every address tried and why it failed, in lower case.
    pub(crate) message: String,
}

/// What to do where nothing answered the connection.
pub(crate) const NOTHING_ANSWERED: &str =
    "a firewall drops the packets, or the port is wrong: many networks block port 25; try 587 or 2525";

/// The classes of [`ConnectFailure`], the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ConnectFailureKind {
    /// The proxy on the way does not do its part.
    Proxy,
    /// The name has no (fitting) address.
    Name,
    /// Nobody listens on the port, or the connection was reset at once.
    Refused,
    /// There is no way to the address.
    Unreachable,
    /// The address may not be reached: only public ones may.
    OutOfBounds,
    /// Anything else, such as a local address that isn't this host's.
    Other,
}

impl ConnectFailureKind {
    /// Its name for machines.
    pub(crate) fn word(self) -> &'static str {
        match self {
            ConnectFailureKind::Proxy => "proxy",
            ConnectFailureKind::Name => "name",
            ConnectFailureKind::Refused => "refused",
            ConnectFailureKind::Unreachable => "unreachable",
            ConnectFailureKind::OutOfBounds => "out_of_bounds",
            ConnectFailureKind::Other => "other",
        }
    }

    /// What to do about it.
    pub(crate) fn help(self) -> &'static str {
        match self {
            ConnectFailureKind::Proxy => {
                "it is the proxy of `--proxy`, of ALL_PROXY, or of `socks5:` in the scenario: does a SOCKS5 proxy without a login run there?"
            }
            ConnectFailureKind::Name => "is the name right, and does this machine resolve names?",
            ConnectFailureKind::Refused => {
                "nothing listens there: is the server running, and is this its port (25, 587, 465)?"
            }
            ConnectFailureKind::Unreachable => {
                "is there a route, and does a firewall block the port? Many providers block port 25"
            }
            ConnectFailureKind::OutOfBounds => "allow it with `--allow-host HOST`",
            ConnectFailureKind::Other => "check the address and the port",
        }
    }
}

/// Connects to the first address of the target that accepts.
///
/// Has no deadline of its own: wrap it in one. A name lookup that is given up goes on in a thread of the runtime's, so a
/// runtime that must end at once needs `shutdown_background`.
///
/// # Errors
/// A [`ConnectFailure`] that names each address tried.
pub(crate) async fn connect(target: &Target) -> Result<Stream, ConnectFailure> {
    let addresses = addresses(target).await?;
    let mut failures = Vec::new();
    for address in addresses {
        match connect_to(address, target.local_address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failures.push((address, error)),
        }
    }
    Err(none_accepted(&failures))
}

async fn connect_to(address: SocketAddr, local: Option<(IpAddr, u16)>) -> io::Result<Stream> {
    let tcp = match local {
        None => TcpStream::connect(address).await?,
        Some((ip, port)) => {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // A fixed local port must be usable again while its last connection is in TIME_WAIT.
            socket.set_reuseaddr(port != 0)?;
            socket.bind(SocketAddr::new(ip, port)).map_err(|error| bind_error(ip, port, &error))?;
            socket.connect(address).await?
        }
    };
    Stream::plain(tcp.into())
}

fn bind_error(ip: IpAddr, port: u16, error: &io::Error) -> io::Error {
    let local = SocketAddr::new(ip, port);
    let text = format!("the local address `{local}` can't be used: {}", in_words(error));
    io::Error::new(io::ErrorKind::AddrNotAvailable, text)
}

/// The target's addresses, in the resolver's order, of the wanted IP version and the local address's.
async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, ConnectFailure> {
    let host = without_brackets(&target.host);
    let found = match host.parse::<IpAddr>() {
        Ok(literal) => vec![SocketAddr::new(literal, target.port)],
        Err(_) => look_up(host, target.port).await?,
    };
    let local = target.local_address.map(|(ip, _port)| IpFamily::of(ip));
    let versions: Vec<IpFamily> = target.ip.into_iter().chain(local).collect();
    let fits = |address: &SocketAddr| versions.iter().all(|it| *it == IpFamily::of(address.ip()));
    let fitting: Vec<SocketAddr> = found.iter().copied().filter(fits).collect();
    if fitting.is_empty() {
        return Err(no_fitting_address(host, &found, &versions));
    }
    let inner = fitting.iter().find(|address| target.public_only && !is_public(address.ip()));
    match inner {
        Some(address) => Err(out_of_bounds(host, address.ip())),
        None => Ok(fitting),
    }
}

fn out_of_bounds(host: &str, address: IpAddr) -> ConnectFailure {
    let message = if host.parse::<IpAddr>().is_ok() {
        format!("`{host}` is not a public address")
    } else {
        format!("`{host}` resolves to {address}, not a public address")
    };
    ConnectFailure { kind: ConnectFailureKind::OutOfBounds, message }
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectFailure> {
    let failed = |reason: String| ConnectFailure {
        kind: ConnectFailureKind::Name,
        message: format!("the name `{host}` could not be resolved: {reason}"),
    };
    if host.is_empty() {
        return Err(failed("it is empty".to_owned()));
    }
    let found = tokio::net::lookup_host((host, port)).await;
    let mut found: Vec<SocketAddr> = found.map_err(|error| failed(in_words(&error)))?.collect();
    let mut seen = Vec::new();
    found.retain(|address| {
        !seen.contains(address) && {
            seen.push(*address);
            true
        }
    });
    if found.is_empty() {
        return Err(failed("it has no address".to_owned()));
    }
    Ok(found)
}

fn no_fitting_address(host: &str, found: &[SocketAddr], wanted: &[IpFamily]) -> ConnectFailure {
    let found: Vec<String> = found.iter().map(|it| it.ip().to_string()).collect();
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let message = format!(
        "`{host}` has no address that is {}: it has {}; check `ip` and `local_address`",
        wanted.join(" and "),
        found.join(", ")
    );
    ConnectFailure { kind: ConnectFailureKind::Name, message }
}

pub(super) fn none_accepted<A: fmt::Display>(failures: &[(A, io::Error)]) -> ConnectFailure {
    let kind = failures.iter().map(|(_, error)| kind_of(error)).min();
    let reasons: Vec<String> =
        failures.iter().map(|(address, error)| format!("{address}: {}", in_words(error))).collect();
    ConnectFailure { kind: kind.unwrap_or(ConnectFailureKind::Other), message: reasons.join("; ") }
}

fn kind_of(error: &io::Error) -> ConnectFailureKind {
    use io::ErrorKind as Kind;
    match error.kind() {
        // A server that accepts and resets at once may win the race against our own look at the new socket.
        Kind::ConnectionRefused | Kind::ConnectionReset | Kind::NotConnected => ConnectFailureKind::Refused,
        Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::NetworkDown | Kind::TimedOut => {
            ConnectFailureKind::Unreachable
        }
        _ => ConnectFailureKind::Other,
    }
}

/// An operating system's error in lower case and without its number, in this crate's manner.
pub(super) fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    // Only a capital that starts a sentence goes: `EPIPE` or `TLS` stay as they are.
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// `[::1]` without its brackets; anything else as it is.
pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host)
}
