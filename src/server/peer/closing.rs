//! How a server leaves: in order, by a reset, or with one half only.

use super::Peer;
use crate::net::clock;
use crate::net::wire::{LAST_OCTETS, discard_arrived};
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;

impl Peer {
    /// Closes in order: `close_notify` where there is TLS, then FIN. What has arrived is thrown away, or the kernel would
    /// reset the connection and take our last words with it.
    pub(crate) async fn close(&mut self) {
        if let Some(stream) = &mut self.stream {
            _ = clock::within(LAST_OCTETS, stream.shutdown()).await;
            discard_arrived(&SockRef::from(stream.tcp()));
        }
        self.stream = None;
    }

    /// Closes with RST.
    pub(crate) fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            _ = SockRef::from(stream.tcp()).set_linger(Some(Duration::ZERO));
        }
    }

    /// Closes by FIN alone, whatever layer lies over it.
    pub(crate) fn truncate(&mut self) {
        if let Some(stream) = self.stream.take() {
            _ = SockRef::from(stream.tcp()).shutdown(Shutdown::Write);
            discard_arrived(&SockRef::from(stream.tcp()));
        }
    }

    /// Closes the half that writes; reading goes on.
    pub(crate) async fn close_write(&mut self) {
        if let Some(stream) = &mut self.stream {
            _ = clock::within(LAST_OCTETS, stream.shutdown()).await;
        }
    }
}
