//! A session in figures: octets both ways, messages taken, handshakes, from when till when.

use crate::net::tls::TlsFacts;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// The figures of one session.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// When the connection was open.
    pub(crate) opened: Instant,
    /// When this side closed it; `None` while it is open.
    pub(crate) closed: Option<Instant>,
    /// The server's address; a unix socket has none.
    pub(crate) peer: Option<SocketAddr>,
    /// Octets that the connection took from this side, without those of TLS itself.
    pub(crate) sent: u64,
    /// Octets that came from the server, without those of TLS itself.
    pub(crate) received: u64,
    /// Messages that the server took: replies 2yz to the end of mail data.
    pub(crate) messages: u64,
    /// Each TLS handshake, and when it was done.
    pub(crate) handshakes: Vec<(Instant, Arc<TlsFacts>)>,
}

impl Ledger {
    pub(super) fn open(peer: Option<SocketAddr>) -> Ledger {
        let opened = Instant::now();
        Ledger { opened, closed: None, peer, sent: 0, received: 0, messages: 0, handshakes: Vec::new() }
    }
}
