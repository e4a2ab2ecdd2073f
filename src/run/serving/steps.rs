//! What each step of a server does: expect, receive, reply, and the other actions.

use super::connection::{Connection, Pending};
use super::message::Message;
use super::reply::code_of;
use crate::run::diagnose::Place;
use crate::run::expect::{Capture, Comparer, Mismatch, allows_end, describe_closed, named_groups};
use crate::run::outcome::{Divergence, Kind};
use crate::scenario::server::{MailPart, Reply, ServerTls};
use crate::scenario::{
    Action, ClosedBy, Closing, Expectation, Expected, Length, Pace, Pattern, Rendered, Span, Step, TemplateError,
    TlsStep, render_data,
};
use crate::server::{Drip, HandshakeTrouble, PeerTrouble};
use crate::smtp::command::CommandLine;
use std::sync::Arc;
use std::time::Duration;

/// What `starttls` replies when the step says nothing else.
const READY: &[u8] = b"220 2.0.0 ready to start TLS\r\n";

type Done = Result<(), Vec<Divergence>>;

/// The step that is played, its number and name as they are shown, and the time its waits may take.
pub(super) struct ServerStepAt<'p> {
    on: &'p mut Connection,
    step: &'p Step,
    number: &'p str,
    name: Option<&'p str>,
    wait: Duration,
}

impl<'p> ServerStepAt<'p> {
    /// A step on its own, which may wait as long as it says itself.
    pub(super) fn new(
        on: &'p mut Connection,
        step: &'p Step,
        number: &'p str,
        name: Option<&'p str>,
    ) -> Result<ServerStepAt<'p>, Divergence> {
        let wait = on.stage.wait(&step.head, &on.scope()).map_err(|error| on.template(number, name, &error))?;
        Ok(ServerStepAt { on, step, number, name, wait })
    }

    fn place(&self, span: Span) -> Place<'_> {
        self.on.place(self.number, self.name, span)
    }

    fn template(&self, error: &TemplateError) -> Vec<Divergence> {
        vec![self.on.template(self.number, self.name, error)]
    }

    fn length(&self, length: &Length) -> Result<Duration, Vec<Divergence>> {
        self.on.stage.length(length, &self.on.scope()).map_err(|error| self.template(&error))
    }
}

impl ServerStepAt<'_> {
    /// In this order: what is expected, what is received, the reply, the action.
    pub(super) async fn perform(&mut self) -> Done {
        let step = self.step;
        if let Some(expect) = &step.expect {
            self.expect(expect).await?;
        }
        if let Some(receive) = &step.receive {
            self.receive(receive.part, receive.span).await?;
        }
        if let Some(reply) = &step.reply {
            let rendered = self.on.rendered_reply(reply).map_err(|error| self.template(&error))?;
            self.wait_before(step).await?;
            self.answer(reply, rendered, step.pace.as_ref()).await?;
        }
        match &step.action {
            Action::None | Action::Group(_) => Ok(()),
            // A client's: `scenario::sides` gives them to no server.
            Action::Send(_) | Action::Data(_) | Action::Bdat(_) | Action::Auth(_) | Action::Connect(_) => Ok(()),
            Action::Raw(raw) => {
                let rendered = self.on.rendered_raw(raw).map_err(|error| self.template(&error))?;
                self.wait_before(step).await?;
                self.send_raw(rendered, step).await
            }
            Action::StartTls(starttls) => self.starttls(starttls, step).await,
            Action::Tls(tls) => self.tls(&tls.server, step).await,
            Action::Close(closing) => {
                self.on.close(*closing).await;
                Ok(())
            }
            Action::Sleep(length) => {
                let length = self.length(length)?;
                self.rest(step.head.span, length).await
            }
            Action::Set(settings) => {
                for (named, data) in settings {
                    let rendered = render_data(data, &self.on.stage.templates, &self.on.scope());
                    let (value, secret) = rendered.map_err(|error| self.template(&error))?;
                    self.on.stage.names.set(&named.name, value, secret);
                }
                Ok(())
            }
            Action::Assert(expression) => {
                let falsity = self.on.stage.falsity(expression, &self.on.scope());
                match falsity.map_err(|error| self.template(&error))? {
                    Some(parts) => Err(vec![self.place(expression.span).assertion(&expression.source, &parts)]),
                    None => Ok(()),
                }
            }
        }
    }

    // --- expecting ---------------------------------------------------------------------------------------------

    async fn expect(&mut self, expectation: &Expectation) -> Done {
        match &expectation.kind {
            Expected::Line(pattern) => self.expect_line(expectation, pattern).await,
            Expected::Raw(pattern) => self.expect_raw(expectation, pattern).await,
            Expected::Closed(closed) => self.expect_end(*closed, expectation.span).await,
            Expected::Silence(length) => {
                let length = self.length(length)?;
                self.expect_silence(length, expectation.span).await
            }
            _ => self.expect_command(expectation).await,
        }
    }

    async fn expect_command(&mut self, expectation: &Expectation) -> Done {
        let expected = describe(expectation);
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
        compare(&comparer, expectation, content)
    }

    async fn expect_line(&mut self, expectation: &Expectation, pattern: &Pattern) -> Done {
        let expected = describe(expectation);
        let line = self.on.peer.read_line(self.wait).await;
        let line = line.map_err(|trouble| self.trouble(&trouble, &expected, expectation.span))?;
        let secret = self.on.hear_line(&line);
        let content = line.strip_suffix(b"\n").unwrap_or(&line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let whole = Expectation { span: expectation.span, kind: Expected::Pattern(pattern.clone()) };
        let captures = self.compare(&whole, content);
        let captures =
            captures.map_err(|mismatches| vec![self.place(expectation.span).other_bytes(&line, &mismatches)])?;
        self.capture(captures, content, secret);
        self.on.chunk = CommandLine::parse(content).bdat();
        self.on.pending = Pending::Line(line);
        Ok(())
    }

    async fn expect_raw(&mut self, expectation: &Expectation, pattern: &Pattern) -> Done {
        let regex = {
            let scope = self.on.scope();
            let comparer = self.on.stage.comparer(&scope);
            comparer.compiled(pattern).map_err(|error| self.template(&error))?.0
        };
        let found = |bytes: &[u8]| regex.find(bytes).map(|found| found.end());
        let bytes = self.on.peer.read_until(self.wait, &found).await;
        let bytes = bytes.map_err(|trouble| self.trouble(&trouble, &describe(expectation), expectation.span))?;
        let secret = self.on.hear_bytes(&bytes);
        let captures = regex.captures(&bytes).map(|groups| named_groups(&regex, &groups)).unwrap_or_default();
        self.capture(captures, &bytes, secret);
        Ok(())
    }

    async fn expect_end(&mut self, closed: ClosedBy, span: Span) -> Done {
        let expected = describe_closed(closed).replace("server", "client");
        let outcome = self.on.peer.read_end(self.wait).await;
        match outcome {
            Err(trouble) => return Err(self.trouble(&trouble, &expected, span)),
            Ok(Some(bytes)) => {
                self.on.hear_bytes(&bytes);
                let place = self.place(span);
                let text = format!("expected {expected}, but it sent {}", place.quoted(&bytes));
                return Err(vec![place.fault(Kind::Unasked, &text)]);
            }
            Ok(None) => {}
        }
        let reset = self.on.peer.was_reset();
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

    async fn expect_silence(&mut self, length: Duration, span: Span) -> Done {
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

    fn trouble(&mut self, trouble: &PeerTrouble, expected: &str, span: Span) -> Vec<Divergence> {
        match trouble {
            PeerTrouble::Timeout { arrived, .. } => self.on.hear_arrived(arrived),
            PeerTrouble::Closed { arrived } => {
                self.on.hear_arrived(arrived);
                self.on.stage.log.note(&self.on.session, "closed by the client");
            }
            PeerTrouble::Broken { reason, arrived, .. } => {
                self.on.hear_arrived(arrived);
                self.on.stage.log.note(&self.on.session, reason);
            }
            PeerTrouble::TooLong { bytes } => {
                let text = format!("a line of more than {} octets", bytes.len());
                self.on.stage.log.note(&self.on.session, &text);
            }
        }
        vec![self.place(span).peer_trouble(trouble, expected)]
    }

    // --- receiving ---------------------------------------------------------------------------------------------

    async fn receive(&mut self, part: MailPart, span: Span) -> Done {
        let mut message = Message::default();
        let (outcome, expected) = match part {
            MailPart::Data => {
                let outcome = self.on.peer.read_mail_data(self.wait, &mut |octets| message.push(octets)).await;
                self.on.watch.mail_data_ended();
                (outcome, "mail data and the line with the dot")
            }
            MailPart::Bdat => {
                let Some(chunk) = self.on.chunk.take() else {
                    let text = "no BDAT command was read before this, which says how many octets there are";
                    return Err(vec![self.place(span).fault(Kind::Bdat, text)]);
                };
                message = self.on.begun_message(chunk.last);
                let outcome = self.on.peer.read_octets(chunk.octets, self.wait, &mut |part| message.push(part)).await;
                self.on.watch.content(chunk.octets);
                (outcome, "the octets that the BDAT command announced")
            }
        };
        self.on.log_message(&message, part == MailPart::Data && outcome.is_ok());
        message.holds_secret = self.on.is_secret(message.bytes());
        if part == MailPart::Data {
            self.on.pending = Pending::Message;
        }
        if let Some(fallback) = &mut self.on.fallback {
            fallback.content(message.bytes());
        }
        self.on.message = Some(Arc::new(message));
        outcome.map_err(|trouble| self.trouble(&trouble, expected, span))
    }

    // --- replying ----------------------------------------------------------------------------------------------

    async fn wait_before(&mut self, step: &Step) -> Done {
        let Some(delay) = &step.delay else { return Ok(()) };
        let length = self.length(delay)?;
        self.rest(step.head.span, length).await
    }

    async fn rest(&mut self, span: Span, length: Duration) -> Done {
        tokio::time::sleep(self.on.stage.bounded(length)).await;
        self.refuse_cut_short(span)
    }

    /// A wait that the end of the run cut short has not been waited for.
    fn refuse_cut_short(&self, span: Span) -> Done {
        if self.on.stage.run_is_over() {
            return Err(vec![self.place(span).fault(Kind::MaxTime, "the time of the whole run is over")]);
        }
        Ok(())
    }

    async fn answer(&mut self, reply: &Reply, rendered: Rendered, pace: Option<&Pace>) -> Done {
        self.guard_secret(rendered.secret, reply.span)?;
        self.on.log_sent(&rendered);
        let drip = self.drip(pace)?;
        let outcome = self.on.peer.write(&rendered.bytes, self.wait, drip).await;
        self.on.told(&rendered.bytes);
        outcome.map_err(|trouble| self.trouble(&trouble, "the client to take the reply", reply.span))
    }

    async fn send_raw(&mut self, rendered: Rendered, step: &Step) -> Done {
        self.guard_secret(rendered.secret, step.head.span)?;
        self.on.log_sent(&rendered);
        let drip = self.drip(step.pace.as_ref())?;
        let outcome = self.on.peer.write(&rendered.bytes, self.wait, drip).await;
        self.on.told(&rendered.bytes);
        outcome.map_err(|trouble| self.trouble(&trouble, "the client to take what is sent", step.head.span))
    }

    fn drip(&self, pace: Option<&Pace>) -> Result<Option<Drip>, Vec<Divergence>> {
        let Some(pace) = pace else { return Ok(None) };
        let every = self.length(&pace.every)?;
        Ok(Some(Drip { octets: pace.bytes, every }))
    }

    /// A secret goes over TLS or to this machine only, unless the user says otherwise.
    fn guard_secret(&self, secret: bool, span: Span) -> Done {
        let local = self.on.peer.address().ip().is_loopback();
        if !secret || local || self.on.peer.is_tls() || self.on.shared.insecure_secrets {
            return Ok(());
        }
        let message = format!("a secret would go to {} in plain text", self.on.peer.address());
        Err(vec![self.place(span).refused(&message, "begin TLS first, or allow it with `--insecure-secrets`")])
    }

    // --- TLS and closing ---------------------------------------------------------------------------------------

    async fn starttls(&mut self, starttls: &TlsStep, step: &Step) -> Done {
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

    async fn tls(&mut self, tls: &ServerTls, step: &Step) -> Done {
        let arrived = self.on.peer.unread().to_vec();
        if !arrived.is_empty() && !begins_tls(&arrived) {
            self.on.hear_bytes(&arrived);
            return Err(vec![self.place(step.head.span).client_injected(&arrived)]);
        }
        let outcome = self.on.upgrade(tls, self.wait).await;
        match (outcome, &step.fails) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(pattern)) => {
                let text =
                    format!("expected a failure matching {}, but the TLS handshake succeeded", pattern.text.source);
                Err(vec![self.place(pattern.text.span).fault(Kind::Fails, &text)])
            }
            (Err(trouble), None) => Err(vec![self.place(step.head.span).handshake_failed(&trouble)]),
            (Err(HandshakeTrouble::TimedOut), Some(_)) if self.on.stage.run_is_over() => {
                self.refuse_cut_short(step.head.span)
            }
            (Err(trouble), Some(pattern)) => {
                let reason = match &trouble {
                    HandshakeTrouble::TimedOut => format!("timed out: {trouble}"),
                    HandshakeTrouble::Failed(reason) => reason.clone(),
                };
                let scope = self.on.scope();
                let comparer = self.on.stage.comparer(&scope);
                let found = comparer.found(pattern, reason.as_bytes(), pattern.text.span, "a failure matching");
                let mismatches = found.map(|_| ());
                mismatches.map_err(|list| vec![self.place(pattern.text.span).other_bytes(reason.as_bytes(), &list)])
            }
        }
    }
}

impl Connection {
    /// A message is made of chunks: this one goes on with what the others brought.
    pub(super) fn begun_message(&mut self, last: bool) -> Message {
        let begun = std::mem::replace(&mut self.more_chunks, !last);
        let message = self.message.take().filter(|_| begun);
        message.map(Arc::unwrap_or_clone).unwrap_or_default()
    }

    /// `dot`: the line that ends mail data came as well.
    pub(super) fn log_message(&mut self, message: &Message, dot: bool) {
        let text = String::from_utf8_lossy(message.bytes()).replace("\r\n", "\n");
        if message.size() == 0 && !dot {
            return;
        }
        let end = if dot { "\n." } else { "" };
        let shown = format!("{}{end}", text.strip_suffix('\n').unwrap_or(&text));
        self.stage.log.mail_data(&self.session, &shown, message.size());
    }

    pub(super) fn log_sent(&mut self, rendered: &Rendered) {
        self.watch.said(&rendered.bytes);
        let shown_whole = !rendered.secret || self.shared.show_secrets;
        if shown_whole && is_lines(&rendered.bytes) {
            let text = String::from_utf8_lossy(&rendered.bytes).replace("\r\n", "\n");
            self.stage.log.served(&self.session, text.strip_suffix('\n').unwrap_or(&text));
        } else if shown_whole {
            self.stage.log.server_bytes(&self.session, &rendered.bytes);
        } else {
            self.stage.log.served(&self.session, &rendered.shown);
        }
    }

    /// The sandbox hears of what took effect: it answers what comes behind the steps.
    fn told(&mut self, bytes: &[u8]) {
        let accepted = code_of(bytes).is_some_and(|code| code < 400);
        let pending = std::mem::take(&mut self.pending);
        if accepted && matches!(pending, Pending::Message) {
            self.messages += 1;
        }
        let Some(fallback) = &mut self.fallback else { return };
        match pending {
            Pending::Line(line) if accepted => _ = fallback.line(&line),
            Pending::Message if accepted => _ = fallback.mail_data_ended(),
            Pending::Message => fallback.forget_message(),
            Pending::Line(_) | Pending::Nothing => {}
        }
    }

    /// Shakes hands; what was said before counts no more.
    pub(super) async fn upgrade(&mut self, tls: &ServerTls, wait: Duration) -> Result<(), HandshakeTrouble> {
        let acceptor = self.acceptor(tls).map_err(HandshakeTrouble::Failed)?;
        let outcome = self.peer.upgrade(&acceptor, wait).await;
        let accepted = outcome.inspect_err(|reason| {
            self.stage.log.note(&self.session, &format!("TLS handshake failed: {reason}"));
        })?;
        let asked = accepted.server_name.as_ref().map(|name| format!(", for {name}")).unwrap_or_default();
        self.stage.log.note(&self.session, &format!("{}, {}{asked}", accepted.version, accepted.cipher));
        if let Some(certificate) = accepted.client.as_deref().and_then(crate::net::certificate::Certificate::from_der) {
            let verified = if accepted.verified { "verified" } else { "NOT verified" };
            let text = format!("the client's {}, {verified}", certificate.describe(jiff::Timestamp::now()));
            self.stage.log.note(&self.session, &text);
        }
        self.watch.restart();
        self.note_handshake(&accepted);
        self.tls = Some(Arc::new(accepted));
        self.pending = Pending::Nothing;
        if let Some(fallback) = &mut self.fallback {
            fallback.tls_started();
        }
        Ok(())
    }

    pub(super) async fn close(&mut self, closing: Closing) {
        let text = match closing {
            Closing::Fin => {
                self.peer.close().await;
                "closed by the server"
            }
            Closing::Reset => {
                self.peer.reset();
                "reset by the server"
            }
            Closing::Write => {
                self.peer.close_write().await;
                "write half closed by the server"
            }
        };
        self.stage.log.note(&self.session, text);
    }
}

/// What a form of `expect` for commands finds in a line.
fn compare(comparer: &Comparer<'_>, expectation: &Expectation, content: &[u8]) -> Result<Vec<Capture>, Vec<Mismatch>> {
    match &expectation.kind {
        Expected::Pattern(pattern) => comparer.found(pattern, content, expectation.span, "a line matching"),
        Expected::All(list) => {
            let outcomes: Vec<_> = list.iter().map(|one| compare(comparer, one, content)).collect();
            let missed: Vec<Mismatch> =
                outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).flatten().cloned().collect();
            let captures = outcomes.into_iter().filter_map(Result::ok).flatten().collect();
            if missed.is_empty() { Ok(captures) } else { Err(missed) }
        }
        Expected::Any(list) => {
            let found = list.iter().filter(|one| !matches!(one.kind, Expected::Closed(_)));
            let found = found.map(|one| compare(comparer, one, content)).find_map(Result::ok);
            found.ok_or_else(|| vec![Mismatch::plain(expectation.span, describe(expectation))])
        }
        _ => Ok(Vec::new()),
    }
}

/// What is expected of a client, to follow "expected".
fn describe(expectation: &Expectation) -> String {
    let list = |list: &[Expectation], word: &str| list.iter().map(describe).collect::<Vec<_>>().join(word);
    match &expectation.kind {
        Expected::Pattern(pattern) | Expected::Line(pattern) => format!("a line matching {}", pattern.text.source),
        Expected::Raw(pattern) => format!("bytes matching {}", pattern.text.source),
        Expected::Closed(closed) => describe_closed(*closed).replace("server", "client"),
        Expected::Any(alternatives) => list(alternatives, ", or "),
        Expected::All(parts) => list(parts, " and "),
        Expected::Silence(_) | Expected::Code(_) | Expected::Fields(_) => "silence".to_owned(),
    }
}

/// A command line without its CRLF, where it is one.
fn command_of(line: &[u8]) -> Option<&[u8]> {
    let content = line.strip_suffix(b"\r\n")?;
    memchr::memchr2(b'\0', b'\r', content).is_none().then_some(content)
}

/// A TLS handshake begins with a record of type 22, an SSL 2 one with another first octet (RFC 5246 appendix E.2).
fn begins_tls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x16 | 0x80..))
}

/// Whether bytes are whole lines of text ended by CRLF.
fn is_lines(bytes: &[u8]) -> bool {
    let Some(content) = bytes.strip_suffix(b"\r\n").filter(|content| std::str::from_utf8(content).is_ok()) else {
        return false;
    };
    content.split(|byte| *byte == b'\n').rev().skip(1).all(|line| line.ends_with(b"\r"))
        && !content.split(|byte| *byte == b'\n').any(|line| line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r'))
}
