//! The TLS handshake, after which the conversation starts anew, and the ways in which the client closes.

use super::asked::AskedInOrder;
use super::{Event, OWN_CLOSE, Session, Transcript, Trouble, exchange};
use crate::net::clock;
use crate::net::tls::{Connector, TlsFacts};
use crate::net::tls_port::TlsLook;
use crate::smtp::dialogue::{Awaited, Dialogue};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Session {
    /// Shakes hands. The conversation starts anew: what the server offered before counts no more (RFC 3207 section 4.2).
    pub(crate) async fn upgrade(
        &mut self,
        connector: &Connector,
        server_name: &str,
        deadline: Duration,
        log: &mut Transcript,
    ) -> Result<(), Trouble> {
        let greeting_owed = self.dialogue.oldest() == Some(Awaited::Greeting);
        // Before the greeting there is nothing to inject into: a server that greets in plain text does not speak TLS,
        // and the handshake says so.
        if self.end.is_none() && !greeting_owed {
            self.take_in_arrived(log).await;
        }
        if !self.inbox.unread().is_empty() {
            let bytes = self.take_arrived();
            log.server_bytes(&self.name, &bytes);
            return Err(Trouble::PlainBeforeTls { bytes });
        }
        let stream = self.stream.take().ok_or(Trouble::NotOpen)?;
        self.tls_look = Some(TlsLook::Begun);
        let handshake = clock::within(deadline, stream.upgrade(connector, server_name)).await;
        let (stream, facts) = match handshake {
            Ok(Ok(done)) => done,
            Ok(Err(failure)) => {
                log.note(&self.name, &format!("TLS handshake failed: {}", failure.message));
                exchange::note(&mut self.recorder, Event::Handshake(false));
                return Err(Trouble::Tls(Box::new(failure)));
            }
            Err(_) => {
                log.note(&self.name, "TLS handshake: no answer in time");
                exchange::note(&mut self.recorder, Event::Handshake(false));
                return Err(Trouble::Timeout { waited: deadline, arrived: Vec::new() });
            }
        };
        self.stream = Some(stream);
        exchange::note(&mut self.recorder, Event::Handshake(true));
        self.dialogue.restart();
        if greeting_owed {
            self.dialogue = Dialogue::greeting();
        }
        self.asked = AskedInOrder::by_nobody(self.dialogue.owed());
        self.answered_over_tls = false;
        self.extensions = Arc::default();
        self.last_write = Instant::now();
        log_tls(&self.name, &facts, log);
        let facts = Arc::new(facts);
        self.ledger.handshakes.push((Instant::now(), facts.clone()));
        self.tls = Some(facts);
        Ok(())
    }

    /// Closes in order: `close_notify` where there is TLS, then FIN.
    pub(crate) async fn close(&mut self, log: &mut Transcript) {
        if let Some(stream) = self.stream.take() {
            stream.close().await;
            self.ledger.closed = Some(Instant::now());
            log.note(&self.name, OWN_CLOSE);
        }
    }

    /// Closes without a word: with RST, or else by FIN alone, without `close_notify`.
    pub(crate) fn break_off(&mut self, with_reset: bool, log: &mut Transcript) {
        let Some(stream) = self.stream.take() else { return };
        let told = if with_reset {
            stream.reset();
            "reset by the client"
        } else {
            stream.truncate();
            "closed by the client, without close_notify"
        };
        self.ledger.closed = Some(Instant::now());
        log.note(&self.name, told);
    }

    /// Closes the write half only; replies can still be read.
    pub(crate) async fn close_write(&mut self, log: &mut Transcript) -> Result<(), Trouble> {
        let stream = self.stream.as_mut().ok_or(Trouble::NotOpen)?;
        log.note(&self.name, "write half closed by the client");
        stream.close_write().await.map_err(|error| Trouble::Broken { reason: error.to_string(), arrived: Vec::new() })
    }
}

/// What a handshake agreed on, in two lines of the transcript.
fn log_tls(session: &Arc<str>, facts: &TlsFacts, log: &mut Transcript) {
    let verified = if facts.verified { "verified" } else { "NOT verified" };
    log.note(session, &format!("{}, {}, certificate {verified}", facts.version, facts.cipher));
    if let Some(certificate) = &facts.certificate {
        log.note(session, &certificate.describe(jiff::Timestamp::now()));
    }
}
