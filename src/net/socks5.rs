//! The client's half of SOCKS5 (RFC 1928), without authentication; names are resolved by the proxy.
//!
//! Responsible for the exchange on an open connection to the proxy, and for its refusals in words. Called by `route`.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connect::{ConnectFailure, ConnectFailureKind, without_brackets};
use super::stream::Stream;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const CONNECT: u8 = 1;

/// Has the proxy connect to a host; afterwards the stream is that connection.
///
/// # Errors
/// The proxy refuses, cannot reach the host, or does not speak SOCKS5.
pub(super) async fn connect_through(stream: &mut Stream, host: &str, port: u16) -> Result<(), ConnectFailure> {
    let host = without_brackets(host);
    let request = request(host, port)?;
    exchange(stream, &request).await.map_err(|error| match error {
        SocksRefusal::Io(error) => failure(ConnectFailureKind::Proxy, host, &format!("it broke off: {error}")),
        SocksRefusal::NotSocks(byte) => {
            failure(ConnectFailureKind::Proxy, host, &format!("it does not speak SOCKS5: it answered 0x{byte:02x}"))
        }
        SocksRefusal::Authentication => failure(ConnectFailureKind::Proxy, host, "it insists on authentication"),
        SocksRefusal::Code(code) => failure(kind_of(code), host, reason_of(code)),
    })
}

enum SocksRefusal {
    Io(io::Error),
    NotSocks(u8),
    Authentication,
    Code(u8),
}

impl From<io::Error> for SocksRefusal {
    fn from(error: io::Error) -> SocksRefusal {
        SocksRefusal::Io(error)
    }
}

async fn exchange(stream: &mut Stream, request: &[u8]) -> Result<(), SocksRefusal> {
    send(stream, &[VERSION, 1, NO_AUTHENTICATION]).await?;
    let [version, method] = read(stream).await?;
    match (version, method) {
        (VERSION, NO_AUTHENTICATION) => {}
        (VERSION, _) => return Err(SocksRefusal::Authentication),
        _ => return Err(SocksRefusal::NotSocks(version)),
    }
    send(stream, request).await?;
    let [version, code, _reserved, address_type] = read(stream).await?;
    if version != VERSION {
        return Err(SocksRefusal::NotSocks(version));
    }
    if code != 0 {
        return Err(SocksRefusal::Code(code));
    }
    // The address that the proxy uses, and its port: not of interest, but they must not be taken for the greeting.
    let length = match address_type {
        1 => 4,
        4 => 16,
        3 => usize::from(read::<1>(stream).await?[0]),
        other => return Err(SocksRefusal::NotSocks(other)),
    };
    let mut bound = vec![0; length + 2];
    stream.read_exact(&mut bound).await?;
    Ok(())
}

async fn send(stream: &mut Stream, octets: &[u8]) -> io::Result<()> {
    stream.write_all(octets).await?;
    stream.flush().await
}

async fn read<const N: usize>(stream: &mut Stream) -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    stream.read_exact(&mut octets).await?;
    Ok(octets)
}

fn request(host: &str, port: u16) -> Result<Vec<u8>, ConnectFailure> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        Err(_) => {
            let too_long = |_| failure(ConnectFailureKind::Name, host, "the name is longer than 255 octets");
            request.extend([3, u8::try_from(host.len()).map_err(too_long)?]);
            request.extend(host.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    Ok(request)
}

fn failure(kind: ConnectFailureKind, host: &str, reason: &str) -> ConnectFailure {
    ConnectFailure { kind, message: format!("the SOCKS5 proxy does not connect to `{host}`: {reason}") }
}

/// RFC 1928 section 6.
fn reason_of(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "its rules do not allow it",
        3 => "the network is unreachable",
        4 => "the host is unreachable, or its name is not known",
        5 => "the connection was refused",
        6 => "its TTL expired",
        7 => "it does not support CONNECT",
        8 => "it does not support this type of address",
        _ => "for a reason that RFC 1928 does not name",
    }
}

fn kind_of(code: u8) -> ConnectFailureKind {
    match code {
        5 => ConnectFailureKind::Refused,
        3 | 4 | 6 => ConnectFailureKind::Unreachable,
        _ => ConnectFailureKind::Proxy,
    }
}
