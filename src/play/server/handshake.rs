//! `starttls` and `tls` of a server: the command, the reply, the handshake, or its failure.

use crate::play::divergence::Kind;
use crate::play::expect::Mismatch;
use crate::play::server::expecting::command_of;
use crate::play::server::steps::{ServerStepAt, ServerStepDone};
use crate::scenario::server::ServerTls;
use crate::scenario::{Pattern, Rendered, Step, TlsStep};
use crate::server::{HandshakeFailure, HandshakeTrouble};

/// What `starttls` replies when the step says nothing else.
const READY: &[u8] = b"220 2.0.0 ready to start TLS\r\n";

impl ServerStepAt<'_> {
    pub(crate) async fn starttls(&mut self, starttls: &TlsStep, step: &Step) -> ServerStepDone {
        let line = self.on.peer.read_line(self.wait).await;
        let line = line.map_err(|trouble| self.trouble(&trouble, "the command STARTTLS", step.head.span))?;
        let content = command_of(&line).unwrap_or(&line);
        self.on.hear_line(&line);
        if !content.eq_ignore_ascii_case(b"STARTTLS") {
            let mismatch = Mismatch::plain(step.head.span, "the command STARTTLS".to_owned());
            return Err(vec![self.place(step.head.span).other_bytes(&line, &[mismatch])]);
        }
        let mut rendered = Rendered { bytes: READY.to_vec(), ..Rendered::default() };
        if let Some(inject) = &starttls.inject {
            let text = self.on.stage.templates.render(inject, crate::scenario::Mode::Plain, &self.on.scope());
            rendered.bytes.extend(text.map_err(|error| self.template(&error))?.bytes);
        }
        self.on.log_sent(&rendered);
        let outcome = self.on.peer.write(&rendered.bytes, self.wait, None).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "the client to take the reply", step.head.span))?;
        self.tls(&starttls.server, step).await
    }

    pub(crate) async fn tls(&mut self, tls: &ServerTls, step: &Step) -> ServerStepDone {
        let arrived = self.on.peer.unread().to_vec();
        if !arrived.is_empty() && !begins_tls(&arrived) {
            self.on.hear_bytes(&arrived);
            return Err(vec![self.place(step.head.span).client_injected(&arrived)]);
        }
        let outcome = self.on.upgrade(tls, self.wait).await;
        match (outcome, &step.fails) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(pattern)) => self.refused_after_all(pattern).await,
            (Err(trouble), None) => Err(vec![self.place(step.head.span).handshake_failed(&trouble)]),
            (Err(HandshakeTrouble::TimedOut), Some(_)) if self.on.stage.run_is_over() => {
                self.refuse_cut_short(step.head.span)
            }
            // Who goes on in plain text did not refuse: what it says next would go out in clear.
            (Err(trouble @ HandshakeTrouble::Failed { failure: HandshakeFailure::NotTls(_), .. }), Some(_)) => {
                Err(vec![self.place(step.head.span).handshake_failed(&trouble)])
            }
            (Err(trouble), Some(pattern)) => {
                let reason = match &trouble {
                    HandshakeTrouble::TimedOut => format!("timed out: {trouble}"),
                    HandshakeTrouble::Failed { failure, .. } => failure.to_string(),
                };
                self.fails_as_expected(pattern, &reason)
            }
        }
    }

    /// The handshake was done, and the client was to refuse it: it may still do so before it says anything.
    async fn refused_after_all(&mut self, pattern: &Pattern) -> ServerStepDone {
        let Some(reason) = self.on.peer.refusal(self.wait).await else {
            let text = format!("expected a failure matching {}, but the TLS handshake succeeded", pattern.text.source);
            return Err(vec![self.place(pattern.text.span).fault(Kind::Fails, &text)]);
        };
        self.on.stage.log.note(&self.on.session, &format!("refused after the TLS handshake: {reason}"));
        self.fails_as_expected(pattern, &reason)
    }

    /// `fails: PATTERN`: the reason must be the one that was meant.
    fn fails_as_expected(&self, pattern: &Pattern, reason: &str) -> ServerStepDone {
        let scope = self.on.scope();
        let comparer = self.on.stage.comparer(&scope);
        let found = comparer.found(pattern, reason.as_bytes(), pattern.text.span, "a failure matching");
        let mismatches = found.map(|_| ());
        mismatches.map_err(|list| vec![self.place(pattern.text.span).other_bytes(reason.as_bytes(), &list)])
    }
}

/// A TLS handshake begins with a record of type 22, an SSL 2 one with another first octet (RFC 5246 appendix E.2).
fn begins_tls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x16 | 0x80..))
}
