//! A client that nobody of ours starts: somebody does by hand, or it lives elsewhere.
//!
//! Responsible for what its runs share, each of which is one session: where it comes to, how long it is waited for, and whom
//! it trusts. `cli::audit` makes it; `run::one` plays a server to it.

use crate::server::Authority;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A client that comes from outside, session by session.
pub struct OutsideClient {
    listener: TcpListener,
    address: SocketAddr,
    /// How long each of its sessions is waited for.
    wait: Duration,
    authority: Arc<Authority>,
    /// The host names and addresses that it may know the server by, beside those of loopback.
    names: Vec<String>,
    is_gone: AtomicBool,
}

impl OutsideClient {
    /// Listens from now on: whoever comes between two runs waits for the next one.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn new(
        listen: SocketAddr,
        wait: Duration,
        authority: Arc<Authority>,
        names: Vec<String>,
    ) -> io::Result<OutsideClient> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(OutsideClient { listener, address, wait, authority, names, is_gone: AtomicBool::new(false) })
    }

    /// Where it is waited for, with the port that was free.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long a session is waited for: one that did not come in its time is the last.
    pub(crate) fn patience(&self) -> Duration {
        if self.is_gone() { Duration::ZERO } else { self.wait }
    }

    pub(crate) fn authority(&self) -> Arc<Authority> {
        self.authority.clone()
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The listener, for one run.
    pub(crate) fn listener(&self) -> io::Result<tokio::net::TcpListener> {
        self.listener.try_clone().and_then(tokio::net::TcpListener::from_std)
    }

    /// Notes that it did not come: it is waited for no longer.
    pub(crate) fn give_up(&self) {
        self.is_gone.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }
}
