//! What a server sends: at once, or slowly.

use super::layer::{Layer, end_of};
use super::trouble::PeerEnd;
use super::{Peer, PeerTrouble};
use crate::net::clock;
use crate::net::wire::Drip;
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

impl Peer {
    /// Sends all of `bytes`; `wait` bounds each wait without progress.
    pub(crate) async fn write(&mut self, bytes: &[u8], wait: Duration, drip: Option<Drip>) -> Result<(), PeerTrouble> {
        let Some(drip) = drip else { return self.write_piece(bytes, wait).await };
        let mut pieces = drip.pieces(bytes);
        while let Some(piece) = pieces.next() {
            self.write_piece(piece, wait).await?;
            if pieces.peek().is_some() {
                let rested = clock::Instant::now() + drip.every;
                let until = self.due.map_or(rested, |due| rested.min(due));
                clock::rest_until(until).await;
                if until < rested {
                    return Err(PeerTrouble::Timeout { waited: drip.every, arrived: Vec::new() });
                }
            }
        }
        Ok(())
    }

    async fn write_piece(&mut self, bytes: &[u8], wait: Duration) -> Result<(), PeerTrouble> {
        let mut written = 0;
        while written < bytes.len() {
            let Some(stream) = self.stream.as_mut() else { return Err(PeerTrouble::Closed { arrived: Vec::new() }) };
            let stalled = clock::Instant::now() + wait;
            let until = self.due.map_or(stalled, |due| stalled.min(due));
            let outcome = match stream {
                Layer::Plain(tcp) => clock::until(until, tcp.write(&bytes[written..])).await,
                Layer::Tls(tls) => clock::until(until, tls.write(&bytes[written..])).await,
            };
            match outcome {
                Ok(Ok(count)) => {
                    written += count;
                    self.sent += count as u64;
                }
                Ok(Err(error)) => return Err(self.broken(&error)),
                Err(_) => return Err(PeerTrouble::Timeout { waited: wait, arrived: Vec::new() }),
            }
        }
        Ok(())
    }

    fn broken(&mut self, error: &io::Error) -> PeerTrouble {
        let end = end_of(error);
        self.end = Some(end);
        let reason = match end {
            PeerEnd::Broken { reset: true } => "the connection was reset by the client",
            _ => "the client has closed the connection",
        };
        PeerTrouble::Broken {
            reset: end == PeerEnd::Broken { reset: true },
            reason: reason.to_owned(),
            arrived: Vec::new(),
        }
    }
}
