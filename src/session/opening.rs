//! What is shown of a connection that was opened, and what follows from the way it took.

use crate::net::connect::Target;
use crate::net::route::{Destination, Route};
use crate::smtp::ports::host_port;
use std::net::SocketAddr;

/// `connected to mx.example:25 (192.0.2.1)`: the server as it was asked for, and its address where that says more.
pub(super) fn described(route: &Route, exchanger: Option<&str>, peer: Option<SocketAddr>) -> String {
    let asked = match &route.to {
        Destination::Host(target) => host_port(&target.host, target.port),
        Destination::Unix(path) => return format!("connected to the unix socket {}", path.display()),
        Destination::Mx(lookup) => host_port(exchanger.unwrap_or(&lookup.target.host), lookup.target.port),
    };
    if let Some((host, port)) = &route.socks5 {
        return format!("connected to {asked} through the SOCKS5 proxy {}", host_port(host, *port));
    }
    match peer {
        Some(peer) if peer.to_string() != asked => format!("connected to {asked} ({})", peer.ip()),
        _ => format!("connected to {asked}"),
    }
}

/// Whether the server is surely on this machine. Behind a proxy nobody knows.
pub(super) fn is_local(route: &Route, peer: Option<SocketAddr>) -> bool {
    let unix = matches!(route.to, Destination::Unix(_));
    unix || route.socks5.is_none() && peer.is_some_and(|peer| peer.ip().is_loopback())
}

impl From<Target> for Route {
    fn from(target: Target) -> Route {
        Route { to: Destination::Host(target), socks5: None, proxy_header: None }
    }
}
