//! What each step of a server does: expect, receive, reply, and the other actions.

use super::actor::{Actor, Chunk, Pending};
use super::message::Message;
use super::reply::code_of;
use crate::run::diagnose::Place;
use crate::run::expect::{Capture, Comparer, Mismatch, allows_end, describe_closed, named_groups};
use crate::run::outcome::Divergence;
use crate::scenario::server::{MailPart, Reply, ServerTls};
use crate::scenario::{
    Action, ClosedBy, Closing, Expectation, Expected, Pace, Pattern, Rendered, Span, Step, TemplateError, TlsStep,
    render_data, value_from_bytes,
};
use crate::server::{Drip, HandshakeTrouble, PeerTrouble};
use crate::visible::visible;
use std::sync::Arc;
use std::time::Duration;

/// What `starttls` replies when the step says nothing else.
const READY: &[u8] = b"220 2.0.0 ready to start TLS\r\n";

type Done = Result<(), Vec<Divergence>>;

/// The step that is played, its number and name as they are shown, and the time its waits may take.
#[derive(Clone, Copy)]
pub(super) struct Now<'s> {
    number: &'s str,
    name: Option<&'s str>,
    wait: Duration,
}

impl Actor {
    /// In this order: what is expected, what is received, the reply, the action.
    pub(super) async fn perform(&mut self, step: &Step, number: &str, name: Option<&str>) -> Done {
        let own = step.head.timeout.as_ref().map(|length| self.length(length)).transpose();
        let own = own.map_err(|error| vec![self.template(number, name, &error)])?;
        let now = Now { number, name, wait: self.shared.bounded(own.unwrap_or(self.timeout)) };
        if let Some(expect) = &step.expect {
            self.expect(now, expect).await?;
        }
        if let Some(receive) = &step.receive {
            self.receive(now, receive.part, receive.span).await?;
        }
        if let Some(reply) = &step.reply {
            let rendered = self.rendered_reply(reply).map_err(|error| self.faulty(now, &error))?;
            self.wait_before(now, step).await?;
            self.answer(now, reply, rendered, step.pace.as_ref()).await?;
        }
        match &step.action {
            Action::None | Action::Group(_) => Ok(()),
            // A client's: `scenario::sides` gives them to no server.
            Action::Send(_) | Action::Data(_) | Action::Bdat(_) | Action::Auth(_) | Action::Connect(_) => Ok(()),
            Action::Raw(raw) => {
                let rendered = self.rendered_raw(raw).map_err(|error| self.faulty(now, &error))?;
                self.wait_before(now, step).await?;
                self.send_raw(now, rendered, step).await
            }
            Action::StartTls(starttls) => self.starttls(now, starttls, step).await,
            Action::Tls(tls) => self.tls(now, &tls.server, step).await,
            Action::Close(closing) => {
                self.close(*closing).await;
                Ok(())
            }
            Action::Sleep(length) => {
                let length = self.length(length).map_err(|error| self.faulty(now, &error))?;
                self.rest(now, step.head.span, length).await
            }
            Action::Set(settings) => {
                for (named, data) in settings {
                    let rendered = render_data(data, &self.shared.templates, &self.scope());
                    let (value, secret) = rendered.map_err(|error| self.faulty(now, &error))?;
                    self.names.set(&named.name, value, secret);
                }
                Ok(())
            }
            Action::Assert(expression) => {
                let scope = self.scope();
                let value = self.shared.templates.evaluate(expression, &scope);
                if value.map_err(|error| self.faulty(now, &error))?.is_true() {
                    return Ok(());
                }
                let parts = self.shared.templates.explain(expression, &scope);
                Err(vec![self.at(now, expression.span).assertion(&expression.source, &parts)])
            }
        }
    }

    fn at<'s>(&'s self, now: Now<'s>, span: Span) -> Place<'s> {
        self.place(now.number, now.name, span)
    }

    fn faulty(&self, now: Now<'_>, error: &TemplateError) -> Vec<Divergence> {
        vec![self.template(now.number, now.name, error)]
    }

    // --- expecting ---------------------------------------------------------------------------------------------

    async fn expect(&mut self, now: Now<'_>, expectation: &Expectation) -> Done {
        match &expectation.kind {
            Expected::Line(pattern) => self.expect_line(now, expectation, pattern).await,
            Expected::Raw(pattern) => self.expect_raw(now, expectation, pattern).await,
            Expected::Closed(closed) => self.expect_end(now, *closed, expectation.span).await,
            Expected::Silence(length) => {
                let length = self.length(length).map_err(|error| self.faulty(now, &error))?;
                self.expect_silence(now, length, expectation.span).await
            }
            _ => self.expect_command(now, expectation).await,
        }
    }

    async fn expect_command(&mut self, now: Now<'_>, expectation: &Expectation) -> Done {
        let expected = describe(expectation);
        let line = match self.peer.read_line(now.wait).await {
            Ok(line) => line,
            Err(PeerTrouble::Closed { arrived }) if allows_end(expectation, &arrived, false) => return Ok(()),
            Err(PeerTrouble::Broken { arrived, .. }) if allows_end(expectation, &arrived, true) => return Ok(()),
            Err(trouble) => return Err(self.trouble(now, &trouble, &expected, expectation.span)),
        };
        let Some(content) = command_of(&line) else {
            self.log.client_bytes(&self.session, &line);
            let fault = if line.ends_with(b"\r\n") { "NUL or CR within it" } else { "it ends with a bare LF" };
            return Err(vec![self.at(now, expectation.span).malformed_line(&line, fault, &expected)]);
        };
        self.log.client_bytes(&self.session, content);
        let captures = self.compare(expectation, content);
        let captures =
            captures.map_err(|mismatches| vec![self.at(now, expectation.span).other_bytes(content, &mismatches)])?;
        self.capture(captures, content);
        self.chunk = announced(content);
        self.pending = Pending::Line(line);
        Ok(())
    }

    fn compare(&self, expectation: &Expectation, content: &[u8]) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let scope = self.scope();
        let comparer = Comparer { templates: &self.shared.templates, scope: &scope, masker: self.log.masker() };
        compare(&comparer, expectation, content)
    }

    async fn expect_line(&mut self, now: Now<'_>, expectation: &Expectation, pattern: &Pattern) -> Done {
        let expected = describe(expectation);
        let line = self.peer.read_line(now.wait).await;
        let line = line.map_err(|trouble| self.trouble(now, &trouble, &expected, expectation.span))?;
        self.log.client_bytes(&self.session, command_of(&line).unwrap_or(&line));
        let content = line.strip_suffix(b"\n").unwrap_or(&line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let whole = Expectation { span: expectation.span, kind: Expected::Pattern(pattern.clone()) };
        let captures = self.compare(&whole, content);
        let captures =
            captures.map_err(|mismatches| vec![self.at(now, expectation.span).other_bytes(&line, &mismatches)])?;
        self.capture(captures, content);
        self.chunk = announced(content);
        self.pending = Pending::Line(line);
        Ok(())
    }

    async fn expect_raw(&mut self, now: Now<'_>, expectation: &Expectation, pattern: &Pattern) -> Done {
        let regex = {
            let scope = self.scope();
            let comparer = Comparer { templates: &self.shared.templates, scope: &scope, masker: self.log.masker() };
            comparer.compiled(pattern).map_err(|error| self.faulty(now, &error))?.0
        };
        let found = |bytes: &[u8]| regex.find(bytes).map(|found| found.end());
        let bytes = self.peer.read_until(now.wait, &found).await;
        let bytes = bytes.map_err(|trouble| self.trouble(now, &trouble, &describe(expectation), expectation.span))?;
        self.log.client_bytes(&self.session, &bytes);
        let captures = regex.captures(&bytes).map(|groups| named_groups(&regex, &groups)).unwrap_or_default();
        self.capture(captures, &bytes);
        Ok(())
    }

    async fn expect_end(&mut self, now: Now<'_>, closed: ClosedBy, span: Span) -> Done {
        let expected = describe_closed(closed).replace("server", "client");
        let outcome = self.peer.read_end(now.wait).await;
        match outcome {
            Err(trouble) => return Err(self.trouble(now, &trouble, &expected, span)),
            Ok(Some(bytes)) => {
                self.log.client_bytes(&self.session, &bytes);
                let place = self.at(now, span);
                let text = format!("expected {expected}, but it sent {}", place.quoted(&bytes));
                return Err(vec![place.fault("unasked", &text)]);
            }
            Ok(None) => {}
        }
        let reset = self.peer.was_reset();
        self.log.note(&self.session, if reset { "reset by the client" } else { "closed by the client" });
        match (closed, reset) {
            (ClosedBy::Either, _) | (ClosedBy::Fin, false) | (ClosedBy::Reset, true) => Ok(()),
            (ClosedBy::Fin, true) => Err(vec![self.at(now, span).fault("reset", "expected FIN, the client sent RST")]),
            (ClosedBy::Reset, false) => {
                Err(vec![self.at(now, span).fault("closed", "expected RST, the client closed in order (FIN)")])
            }
        }
    }

    async fn expect_silence(&mut self, now: Now<'_>, length: Duration, span: Span) -> Done {
        let length = self.shared.bounded(length);
        let text = match self.peer.read_end(length).await {
            Err(PeerTrouble::Timeout { .. }) => return self.refuse_cut_short(now, span),
            Err(trouble) => return Err(self.trouble(now, &trouble, "silence", span)),
            Ok(None) => "expected silence, but the client closed the connection".to_owned(),
            Ok(Some(bytes)) => {
                self.log.client_bytes(&self.session, &bytes);
                format!("expected silence, but the client sent {}", self.at(now, span).quoted(&bytes))
            }
        };
        Err(vec![self.at(now, span).fault("unasked", &text)])
    }

    /// Captured text becomes variables; out of a line with a secret all of it is kept as one.
    fn capture(&mut self, captures: Vec<Capture>, from: &[u8]) {
        let secret = self.is_secret(from);
        for (name, bytes) in captures {
            let shown = if secret { "<<a secret>>".to_owned() } else { visible(&self.log.masker().mask(&bytes)) };
            self.captures.insert(name.clone(), shown);
            self.names.set(&name, value_from_bytes(bytes), secret);
        }
    }

    fn trouble(&mut self, now: Now<'_>, trouble: &PeerTrouble, expected: &str, span: Span) -> Vec<Divergence> {
        match trouble {
            PeerTrouble::Timeout { arrived, .. } => self.show(arrived),
            PeerTrouble::Closed { arrived } => {
                self.show(arrived);
                self.log.note(&self.session, "closed by the client");
            }
            PeerTrouble::Broken { reason, arrived, .. } => {
                self.show(arrived);
                self.log.note(&self.session, reason);
            }
            PeerTrouble::TooLong { bytes } => {
                let text = format!("a line of more than {} octets", bytes.len());
                self.log.note(&self.session, &text);
            }
        }
        vec![self.at(now, span).peer_trouble(trouble, expected)]
    }

    fn show(&mut self, arrived: &[u8]) {
        if !arrived.is_empty() {
            self.log.client_bytes(&self.session, &arrived[..arrived.len().min(1000)]);
        }
    }

    // --- receiving ---------------------------------------------------------------------------------------------

    async fn receive(&mut self, now: Now<'_>, part: MailPart, span: Span) -> Done {
        let mut message = Message::default();
        let (outcome, expected) = match part {
            MailPart::Data => {
                let outcome = self.peer.read_mail_data(now.wait, &mut |octets| message.push(octets)).await;
                (outcome, "mail data and the line with the dot")
            }
            MailPart::Bdat => {
                let Some(chunk) = self.chunk.take() else {
                    let text = "no BDAT command was read before this, which says how many octets there are";
                    return Err(vec![self.at(now, span).fault("bdat", text)]);
                };
                message = self.begun_message(chunk.last);
                let outcome = self.peer.read_octets(chunk.octets, now.wait, &mut |part| message.push(part)).await;
                (outcome, "the octets that the BDAT command announced")
            }
        };
        self.log_message(&message, part == MailPart::Data && outcome.is_ok());
        message.holds_secret = self.is_secret(message.bytes());
        if part == MailPart::Data {
            self.pending = Pending::Message;
        }
        if let Some(fallback) = &mut self.fallback {
            fallback.content(message.bytes());
        }
        self.message = Some(Arc::new(message));
        outcome.map_err(|trouble| self.trouble(now, &trouble, expected, span))
    }

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
        self.log.mail_data(&self.session, &shown, message.size());
    }

    // --- replying ----------------------------------------------------------------------------------------------

    async fn wait_before(&mut self, now: Now<'_>, step: &Step) -> Done {
        let Some(delay) = &step.delay else { return Ok(()) };
        let length = self.length(delay).map_err(|error| self.faulty(now, &error))?;
        self.rest(now, step.head.span, length).await
    }

    async fn rest(&mut self, now: Now<'_>, span: Span, length: Duration) -> Done {
        tokio::time::sleep(self.shared.bounded(length)).await;
        self.refuse_cut_short(now, span)
    }

    /// A wait that the end of the run cut short has not been waited for.
    fn refuse_cut_short(&self, now: Now<'_>, span: Span) -> Done {
        if self.shared.run_is_over() {
            return Err(vec![self.at(now, span).fault("max-time", "the time of the whole run is over")]);
        }
        Ok(())
    }

    async fn answer(&mut self, now: Now<'_>, reply: &Reply, rendered: Rendered, pace: Option<&Pace>) -> Done {
        self.guard_secret(now, rendered.secret, reply.span)?;
        self.log_sent(&rendered);
        let drip = self.drip(now, pace)?;
        let outcome = self.peer.write(&rendered.bytes, now.wait, drip).await;
        self.told(&rendered.bytes);
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the client to take the reply", reply.span))
    }

    async fn send_raw(&mut self, now: Now<'_>, rendered: Rendered, step: &Step) -> Done {
        self.guard_secret(now, rendered.secret, step.head.span)?;
        self.log_sent(&rendered);
        let drip = self.drip(now, step.pace.as_ref())?;
        let outcome = self.peer.write(&rendered.bytes, now.wait, drip).await;
        self.told(&rendered.bytes);
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the client to take what is sent", step.head.span))
    }

    pub(super) fn log_sent(&mut self, rendered: &Rendered) {
        let shown_whole = !rendered.secret || self.shared.show_secrets;
        if shown_whole && is_lines(&rendered.bytes) {
            let text = String::from_utf8_lossy(&rendered.bytes).replace("\r\n", "\n");
            self.log.served(&self.session, text.strip_suffix('\n').unwrap_or(&text));
        } else if shown_whole {
            self.log.server_bytes(&self.session, &rendered.bytes);
        } else {
            self.log.served(&self.session, &rendered.shown);
        }
    }

    fn drip(&self, now: Now<'_>, pace: Option<&Pace>) -> Result<Option<Drip>, Vec<Divergence>> {
        let Some(pace) = pace else { return Ok(None) };
        let every = self.length(&pace.every).map_err(|error| self.faulty(now, &error))?;
        Ok(Some(Drip { octets: pace.bytes, every }))
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

    /// A secret goes over TLS or to this machine only, unless the user says otherwise.
    fn guard_secret(&self, now: Now<'_>, secret: bool, span: Span) -> Done {
        let local = self.peer.address().ip().is_loopback();
        if !secret || local || self.peer.is_tls() || self.shared.insecure_secrets {
            return Ok(());
        }
        let message = format!("a secret would go to {} in plain text", self.peer.address());
        Err(vec![self.at(now, span).refused(&message, "begin TLS first, or allow it with `--insecure-secrets`")])
    }

    // --- TLS and closing ---------------------------------------------------------------------------------------

    async fn starttls(&mut self, now: Now<'_>, starttls: &TlsStep, step: &Step) -> Done {
        let line = self.peer.read_line(now.wait).await;
        let line = line.map_err(|trouble| self.trouble(now, &trouble, "the command STARTTLS", step.head.span))?;
        let content = command_of(&line).unwrap_or(&line);
        self.log.client_bytes(&self.session, content);
        if !content.eq_ignore_ascii_case(b"STARTTLS") {
            let mismatch = Mismatch::plain(step.head.span, "the command STARTTLS".to_owned());
            return Err(vec![self.at(now, step.head.span).other_bytes(&line, &[mismatch])]);
        }
        let mut rendered = Rendered { bytes: READY.to_vec(), ..Rendered::default() };
        if let Some(inject) = &starttls.inject {
            let text = self.shared.templates.render(inject, crate::scenario::Mode::Plain, &self.scope());
            rendered.bytes.extend(text.map_err(|error| self.faulty(now, &error))?.bytes);
        }
        self.log_sent(&rendered);
        let outcome = self.peer.write(&rendered.bytes, now.wait, None).await;
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the client to take the reply", step.head.span))?;
        self.tls(now, &starttls.server, step).await
    }

    async fn tls(&mut self, now: Now<'_>, tls: &ServerTls, step: &Step) -> Done {
        let arrived = self.peer.unread().to_vec();
        if !arrived.is_empty() && !begins_tls(&arrived) {
            self.log.client_bytes(&self.session, &arrived);
            return Err(vec![self.at(now, step.head.span).client_injected(&arrived)]);
        }
        let outcome = self.upgrade(tls, now.wait).await;
        match (outcome, &step.fails) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(pattern)) => {
                let text =
                    format!("expected a failure matching {}, but the TLS handshake succeeded", pattern.text.source);
                Err(vec![self.at(now, pattern.text.span).fault("fails", &text)])
            }
            (Err(trouble), None) => Err(vec![self.at(now, step.head.span).handshake_failed(&trouble)]),
            (Err(HandshakeTrouble::TimedOut), Some(_)) if self.shared.run_is_over() => {
                self.refuse_cut_short(now, step.head.span)
            }
            (Err(trouble), Some(pattern)) => {
                let reason = match &trouble {
                    HandshakeTrouble::TimedOut => format!("timed out: {trouble}"),
                    HandshakeTrouble::Failed(reason) => reason.clone(),
                };
                let scope = self.scope();
                let comparer = Comparer { templates: &self.shared.templates, scope: &scope, masker: self.log.masker() };
                let found = comparer.found(pattern, reason.as_bytes(), pattern.text.span, "a failure matching");
                let mismatches = found.map(|_| ());
                mismatches.map_err(|list| vec![self.at(now, pattern.text.span).other_bytes(reason.as_bytes(), &list)])
            }
        }
    }

    /// Shakes hands; what was said before counts no more.
    pub(super) async fn upgrade(&mut self, tls: &ServerTls, wait: Duration) -> Result<(), HandshakeTrouble> {
        let acceptor = self.acceptor(tls).map_err(HandshakeTrouble::Failed)?;
        let outcome = self.peer.upgrade(&acceptor, wait).await;
        let accepted = outcome.inspect_err(|reason| {
            self.log.note(&self.session, &format!("TLS handshake failed: {reason}"));
        })?;
        let asked = accepted.server_name.as_ref().map(|name| format!(", for {name}")).unwrap_or_default();
        self.log.note(&self.session, &format!("{}, {}{asked}", accepted.version, accepted.cipher));
        if let Some(certificate) = accepted.client.as_deref().and_then(crate::net::certificate::Certificate::from_der) {
            let verified = if accepted.verified { "verified" } else { "NOT verified" };
            let text = format!("the client's {}, {verified}", certificate.describe(jiff::Timestamp::now()));
            self.log.note(&self.session, &text);
        }
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
        self.log.note(&self.session, text);
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

/// What follows a line, where it is a BDAT command.
pub(super) fn announced(line: &[u8]) -> Option<Chunk> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    words.next().filter(|verb| verb.eq_ignore_ascii_case("BDAT"))?;
    let octets = words.next()?.parse().ok()?;
    Some(Chunk { octets, last: words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST")) })
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
