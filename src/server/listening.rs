//! The words for a port that a server of this program cannot have.
//!
//! Responsible for one wording wherever something listens: the sandbox, scripted servers, the proxy of `record`.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Where something cannot listen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenFault(pub(crate) String);

impl fmt::Display for ListenFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ListenFault {}

/// Says where it cannot listen, and why.
pub(crate) fn cannot_listen(address: SocketAddr, error: &io::Error) -> ListenFault {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not listen on that port".to_owned(),
        _ => error.to_string(),
    };
    ListenFault(format!("cannot listen on {address}: {why}"))
}
