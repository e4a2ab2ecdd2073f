//! The words for a port that a server of this program cannot have.
//!
//! Responsible for one wording wherever something listens: the sandbox, scripted servers, the proxy of `record`.

use std::io;
use std::net::SocketAddr;

/// Says where it cannot listen, and why.
pub(crate) fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not listen on that port".to_owned(),
        _ => error.to_string(),
    };
    format!("cannot listen on {address}: {why}")
}
