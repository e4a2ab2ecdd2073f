//! What a connection of a scripted server shows of what was said, and how it goes over to TLS or ends.

use crate::play::server::connection::{Connection, Pending};
use crate::play::server::message::{Begun, ReceivedMessage};
use crate::play::server::reply::may_tell;
use crate::scenario::Rendered;
use crate::scenario::server::ServerTls;
use crate::server::HandshakeTrouble;
use crate::smtp::closing::Closing;
use crate::smtp::reply::code_of;
use std::sync::Arc;
use std::time::Duration;

impl Connection {
    /// A message is made of chunks: this one goes on with what the others brought.
    pub(crate) fn begun_message(&mut self, last: bool) -> ReceivedMessage {
        let goes_on = std::mem::replace(&mut self.more_chunks, !last);
        ReceivedMessage::going_on(&mut self.message, goes_on)
    }

    /// Whether a secret may be sent to this client.
    pub(crate) fn may_tell(&self) -> bool {
        may_tell(self.peer.address(), self.peer.is_tls(), self.script.insecure_secrets)
    }

    /// Shows what has come of a message since it had `begun`. `dot`: the line that ends mail data came as well.
    pub(crate) fn log_message(&mut self, message: &ReceivedMessage, begun: Begun, dot: bool) {
        let (bytes, size) = (message.since(begun), message.size_since(begun));
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        if size == 0 && !dot {
            return;
        }
        let end = if dot { "\n." } else { "" };
        let shown = format!("{}{end}", text.strip_suffix('\n').unwrap_or(&text));
        self.stage.log.receive(bytes.len() + if dot { 3 } else { 0 }, "");
        self.stage.log.mail_data(&self.session, &shown, size);
    }

    pub(crate) fn log_sent(&mut self, rendered: &Rendered) {
        self.watch.said(&rendered.bytes);
        let shown_whole = !rendered.secret || self.script.show_secrets;
        if shown_whole && is_lines(&rendered.bytes) {
            let text = String::from_utf8_lossy(&rendered.bytes).replace("\r\n", "\n");
            self.stage.log.served(&self.session, text.strip_suffix('\n').unwrap_or(&text));
        } else if shown_whole {
            self.stage.log.served_bytes(&self.session, &rendered.bytes);
        } else {
            self.stage.log.served(&self.session, &rendered.shown);
        }
    }

    /// The sandbox hears of what took effect: it answers what comes after the steps.
    pub(crate) fn told(&mut self, bytes: &[u8]) {
        let accepted = code_of(bytes).is_some_and(|code| code < 400);
        let pending = std::mem::take(&mut self.pending);
        // A reply that is cut off before its line end takes nothing.
        if accepted && bytes.contains(&b'\n') && matches!(pending, Pending::Message) {
            self.messages += 1;
        }
        let Some(fallback) = &mut self.fallback else { return };
        match pending {
            Pending::Line(line) if accepted => fallback.line(&line),
            Pending::Message if accepted => fallback.mail_data_ended(),
            Pending::Message => fallback.forget_message(),
            Pending::Line(_) | Pending::Nothing => {}
        }
    }

    /// Shakes hands; what was said before counts no more, and what came in plain text after STARTTLS is not read
    /// (RFC 3207 section 4.2).
    pub(crate) async fn upgrade(&mut self, tls: &ServerTls, wait: Duration) -> Result<(), HandshakeTrouble> {
        let acceptor = self.acceptor(tls).map_err(|fault| HandshakeTrouble::not_begun(fault.0))?;
        let dropped = self.peer.drop_unread();
        if !dropped.is_empty() {
            self.hear_bytes(&dropped);
            self.stage.log.note(&self.session, "this came in plain text before TLS, and was dropped");
        }
        let outcome = self.peer.upgrade(&acceptor, wait).await;
        let accepted = outcome.inspect_err(|reason| {
            self.stage.log.note(&self.session, &format!("TLS handshake failed: {reason}"));
        })?;
        let asked = accepted.server_name.as_ref().map(|name| format!(", for {name}")).unwrap_or_default();
        self.stage.log.note(&self.session, &format!("{}, {}{asked}", accepted.version, accepted.cipher));
        if let Some(certificate) = accepted.certificate() {
            let verified = if accepted.verified { "verified" } else { "NOT verified" };
            let text = format!("the client's {}, {verified}", certificate.describe(jiff::Timestamp::now()));
            self.stage.log.note(&self.session, &text);
        }
        self.watch.restart();
        self.note_handshake(&accepted);
        if let Some(fallback) = &mut self.fallback {
            fallback.tls_started(&accepted);
        }
        self.tls = Some(Arc::new(accepted));
        self.pending = Pending::Nothing;
        Ok(())
    }

    pub(crate) async fn close(&mut self, closing: Closing) {
        let text = match closing {
            Closing::Fin => {
                self.peer.close().await;
                "closed by the server"
            }
            Closing::Reset => {
                self.peer.reset();
                "reset by the server"
            }
            Closing::Truncate => {
                self.peer.truncate();
                "closed by the server, without close_notify"
            }
            Closing::Write => {
                self.peer.close_write().await;
                "write half closed by the server"
            }
        };
        self.stage.log.note(&self.session, text);
    }
}

/// Whether bytes are whole lines of text ended by CRLF.
fn is_lines(bytes: &[u8]) -> bool {
    let Some(content) = bytes.strip_suffix(b"\r\n").filter(|content| std::str::from_utf8(content).is_ok()) else {
        return false;
    };
    content.split(|byte| *byte == b'\n').rev().skip(1).all(|line| line.ends_with(b"\r"))
        && !content.split(|byte| *byte == b'\n').any(|line| line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r'))
}
