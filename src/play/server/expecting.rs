//! `expect` of a server: reads what a client does, and has it compared.

use crate::play::divergence::{Divergence, Kind};
use crate::play::expect::{Capture, Incoming, Mismatch, allows_end};
use crate::play::expected::{OtherSide, describe};
use crate::play::server::connection::Pending;
use crate::play::server::steps::{ServerStepAt, ServerStepDone};
use crate::scenario::{ClosedBy, Expectation, Expected, Pattern, Span};
use crate::server::PeerTrouble;
use crate::smtp::command::{CommandLine, without_end};
use std::time::Duration;

impl ServerStepAt<'_> {
    pub(crate) async fn expect(&mut self, expectation: &Expectation) -> ServerStepDone {
        match &expectation.kind {
            Expected::Line(pattern) => self.expect_line(expectation, pattern).await,
            Expected::Raw(pattern) => self.expect_raw(expectation, pattern).await,
            Expected::Closed(closed) => self.expect_end(*closed, expectation.span).await,
            Expected::Silence(length) => {
                let length = self.length(length)?;
                self.expect_silence(length, expectation.span).await
            }
            Expected::Observe(length) => self.observe(length).await,
            _ => self.expect_command(expectation).await,
        }
    }

    async fn expect_command(&mut self, expectation: &Expectation) -> ServerStepDone {
        let expected = describe(expectation, OtherSide::Client);
        let line = match self.on.peer.read_line(self.wait).await {
            Ok(line) => line,
            Err(PeerTrouble::Closed { arrived }) if allows_end(expectation, &arrived, false) => return Ok(()),
            Err(PeerTrouble::Broken { arrived, .. }) if allows_end(expectation, &arrived, true) => return Ok(()),
            Err(trouble) => return Err(self.trouble(&trouble, &expected, expectation.span)),
        };
        let Some(content) = command_of(&line) else {
            self.on.hear_line(&line);
            let fault = if line.ends_with(b"\r\n") { "NUL or CR within it" } else { "it ends with a bare LF" };
            return Err(vec![self.place(expectation.span).malformed_line(&line, fault, &expected)]);
        };
        let secret = self.on.hear_line(&line);
        let captures = self.compare(expectation, content);
        let captures =
            captures.map_err(|mismatches| vec![self.place(expectation.span).other_bytes(content, &mismatches)])?;
        self.capture(captures, content, secret);
        self.on.chunk = CommandLine::parse(content).bdat();
        self.on.pending = Pending::Line(line);
        Ok(())
    }

    fn compare(&self, expectation: &Expectation, content: &[u8]) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let scope = self.on.scope();
        let comparer = self.on.stage.comparer(&scope);
        comparer.compare(expectation, &Incoming::Command(content))
    }

    async fn expect_line(&mut self, expectation: &Expectation, pattern: &Pattern) -> ServerStepDone {
        let expected = describe(expectation, OtherSide::Client);
        let line = self.on.peer.read_line(self.wait).await;
        let line = line.map_err(|trouble| self.trouble(&trouble, &expected, expectation.span))?;
        let secret = self.on.hear_line(&line);
        let content = without_end(&line);
        let whole = Expectation { span: expectation.span, kind: Expected::Pattern(pattern.clone()) };
        let captures = self.compare(&whole, content);
        let captures =
            captures.map_err(|mismatches| vec![self.place(expectation.span).other_bytes(&line, &mismatches)])?;
        self.capture(captures, content, secret);
        self.on.chunk = CommandLine::parse(content).bdat();
        self.on.pending = Pending::Line(line);
        Ok(())
    }

    async fn expect_raw(&mut self, expectation: &Expectation, pattern: &Pattern) -> ServerStepDone {
        let matcher = {
            let scope = self.on.scope();
            let comparer = self.on.stage.comparer(&scope);
            comparer.compiled(pattern).map_err(|error| self.template(&error))?.0
        };
        let found = |bytes: &[u8]| matcher.end_in(bytes);
        let bytes = self.on.peer.read_until(self.wait, &found).await;
        let bytes = bytes
            .map_err(|trouble| self.trouble(&trouble, &describe(expectation, OtherSide::Client), expectation.span))?;
        let secret = self.on.hear_bytes(&bytes);
        let captures = matcher.captures(&bytes).unwrap_or_default();
        self.capture(captures, &bytes, secret);
        Ok(())
    }

    async fn expect_end(&mut self, closed: ClosedBy, span: Span) -> ServerStepDone {
        let expected = OtherSide::Client.to_close(closed);
        let outcome = self.on.peer.read_end(self.wait).await;
        match outcome {
            Err(trouble) => return Err(self.trouble(&trouble, expected, span)),
            Ok(Some(bytes)) => {
                self.on.hear_bytes(&bytes);
                let place = self.place(span);
                let text = format!("expected {expected}, but it sent {}", place.quoted(&bytes));
                return Err(vec![place.fault(Kind::Unasked, &text)]);
            }
            Ok(None) => {}
        }
        let reset = self.on.peer.was_reset();
        self.on.stage.log.ended(reset);
        self.on.stage.log.note(&self.on.session, if reset { "reset by the client" } else { "closed by the client" });
        match (closed, reset) {
            (ClosedBy::Either, _) | (ClosedBy::Fin, false) | (ClosedBy::Reset, true) => Ok(()),
            (ClosedBy::Fin, true) => {
                Err(vec![self.place(span).fault(Kind::Reset, "expected FIN, the client sent RST")])
            }
            (ClosedBy::Reset, false) => {
                Err(vec![self.place(span).fault(Kind::Closed, "expected RST, the client closed in order (FIN)")])
            }
        }
    }

    async fn expect_silence(&mut self, length: Duration, span: Span) -> ServerStepDone {
        let length = self.on.stage.bounded(length);
        let text = match self.on.peer.read_end(length).await {
            Err(PeerTrouble::Timeout { .. }) => return self.refuse_cut_short(span),
            Err(trouble) => return Err(self.trouble(&trouble, "silence", span)),
            Ok(None) => "expected silence, but the client closed the connection".to_owned(),
            Ok(Some(bytes)) => {
                self.on.hear_bytes(&bytes);
                format!("expected silence, but the client sent {}", self.place(span).quoted(&bytes))
            }
        };
        Err(vec![self.place(span).fault(Kind::Unasked, &text)])
    }

    /// Captured text becomes variables; out of a line with a secret, or with credentials, all of it is kept as one.
    fn capture(&mut self, captures: Vec<Capture>, from: &[u8], credentials: bool) {
        let secret = credentials || self.on.is_secret(from);
        self.on.stage.capture(captures, secret);
    }

    pub(crate) fn trouble(&mut self, trouble: &PeerTrouble, expected: &str, span: Span) -> Vec<Divergence> {
        match trouble {
            PeerTrouble::Timeout { arrived, .. } => self.on.hear_arrived(arrived),
            PeerTrouble::Closed { arrived } => {
                self.on.hear_arrived(arrived);
                self.on.stage.log.ended(false);
                self.on.stage.log.note(&self.on.session, "closed by the client");
            }
            PeerTrouble::Broken { reason, arrived, reset } => {
                self.on.hear_arrived(arrived);
                if *reset {
                    self.on.stage.log.ended(true);
                }
                self.on.stage.log.note(&self.on.session, reason);
            }
            PeerTrouble::NotTls { reason } => self.on.stage.log.note(&self.on.session, reason),
            PeerTrouble::TlsBegun { bytes } => {
                let text = format!("the client began TLS, with {} octets", bytes.len());
                self.on.stage.log.note(&self.on.session, &text);
            }
            PeerTrouble::TooLong { bytes, .. } => {
                let text = format!("a line of more than {} octets", bytes.len());
                self.on.stage.log.note(&self.on.session, &text);
            }
        }
        vec![self.place(span).peer_trouble(trouble, expected)]
    }
}

/// A command line without its CRLF, where it is one.
pub(crate) fn command_of(line: &[u8]) -> Option<&[u8]> {
    let content = line.strip_suffix(b"\r\n")?;
    memchr::memchr2(b'\0', b'\r', content).is_none().then_some(content)
}
