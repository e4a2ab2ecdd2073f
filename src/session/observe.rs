//! Taking down what comes, whatever it is: nothing of it is judged.
//!
//! Responsible for telling apart what may come in place of a reply, and for the words for what either side did. Called by
//! steps with `observe`.

use super::asked::AskedInOrder;
use super::{BrokenBy, End, Session, Transcript, Trouble};
use crate::net::clock;
use crate::smtp::offer::TLS_ALERT;
use crate::smtp::reply::Parsed;
use std::time::{Duration, Instant};

/// What `observe` took down that is no reply.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) kind: ObservedKind,
    /// What came; nothing where nothing did.
    pub(crate) bytes: Vec<u8>,
    pub(crate) elapsed: Duration,
    /// Whether a secret stands in it.
    pub(crate) holds_secret: bool,
}

/// What may come of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObservedKind {
    /// A whole reply of a server.
    Reply,
    /// A line of a client.
    Line,
    /// The beginning of a client's TLS handshake.
    Tls,
    /// Nothing, for as long as was waited.
    Silence,
    /// The end, in order.
    Closed,
    /// The end, by RST or a failure of the connection.
    Reset,
    /// Octets that are no whole reply.
    Bytes,
    /// A TLS alert.
    Alert,
}

impl Session {
    /// Waits for this long for the next thing to come. What had come before the time was over is taken as it is.
    pub(crate) async fn observe(&mut self, length: Duration, log: &mut Transcript) -> Result<(), Trouble> {
        let (due, began) = (clock::Instant::now() + length, Instant::now());
        let (kind, bytes) = loop {
            match self.parser.advance(self.inbox.unread()) {
                Parsed::Complete(reply, taken) => {
                    self.settle(reply, taken, log);
                    self.log_end(log);
                    log.observed(ObservedKind::Reply);
                    return Ok(());
                }
                Parsed::Malformed(_, taken) => {
                    let bytes = self.inbox.take(taken);
                    log.server_bytes(&self.name, &bytes);
                    self.settle_malformed();
                    break (ObservedKind::of_bytes(&bytes), bytes);
                }
                Parsed::Partial => {}
            }
            match self.fill(due, length, log).await {
                Ok(()) => {}
                Err(Trouble::Timeout { arrived, .. }) => break kind_of(arrived, ObservedKind::Silence),
                Err(Trouble::Closed { arrived }) => break kind_of(arrived, ObservedKind::Closed),
                Err(Trouble::Broken { arrived, .. }) => {
                    let alert = matches!(self.end, Some(End::Broken { by: BrokenBy::Alert, .. }));
                    break kind_of(arrived, if alert { ObservedKind::Alert } else { ObservedKind::Reset });
                }
                Err(Trouble::NotTls { bytes }) => break (ObservedKind::of_bytes(&bytes), bytes),
                Err(trouble) => return Err(trouble),
            }
        };
        let holds_secret = self.asked.is_secret() || log.masker().finds(&bytes);
        if self.end.is_some() {
            // Nobody answers any more what is still owed.
            self.dialogue.restart();
            self.asked = AskedInOrder::default();
        }
        log.observed(kind);
        self.observed = Some(Observed { kind, bytes, elapsed: began.elapsed(), holds_secret });
        Ok(())
    }
}

fn kind_of(arrived: Vec<u8>, without: ObservedKind) -> (ObservedKind, Vec<u8>) {
    if arrived.is_empty() { (without, arrived) } else { (ObservedKind::of_bytes(&arrived), arrived) }
}

impl ObservedKind {
    /// What bytes are that are no reply and no line.
    pub(crate) fn of_bytes(bytes: &[u8]) -> ObservedKind {
        if bytes.starts_with(&TLS_ALERT) { ObservedKind::Alert } else { ObservedKind::Bytes }
    }

    /// The word that templates and reports have for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ObservedKind::Reply => "reply",
            ObservedKind::Line => "line",
            ObservedKind::Tls => "tls",
            ObservedKind::Silence => "silence",
            ObservedKind::Closed => "closed",
            ObservedKind::Reset => "reset",
            ObservedKind::Bytes => "bytes",
            ObservedKind::Alert => "alert",
        }
    }
}
