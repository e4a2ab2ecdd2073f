//! What each action does.

use super::connection::Endpoint;
use super::content::{MailContent, Stream};
use super::diagnose::Place;
use super::expect::{Came, Capture, Mismatch, allows_end, describe, describe_closed, named_groups};
use super::ground::StepAt;
use super::outcome::{Divergence, Kind};
use super::rewrite::rewrites;
use super::serving::Serving;
use super::sessions::Sessions;
use crate::net::tls::{Connector, TlsFailure, TlsFailureReason};
use crate::scenario::{
    Action, ClosedBy, Closing, Connect, Data, Expectation, Expected, MailData, Mode, Named, Pattern, RawBytes,
    Rendered, Span, TemplateError, Text, TlsSettings, decode_base64, decode_hex, render_data,
};
use crate::session::{Admitted, Answer, End, Session, Trouble, Written};
use crate::smtp::mail_data::{LineEndings, MailDataEncoder};
use std::time::{Duration, Instant};

/// How much of a file is read, and of mail data written, at once, in bytes: what stays in a processor's nearest cache.
pub(super) const CHUNK: usize = 64 * 1024;
/// The most that one TLS record holds, in bytes.
const TLS_RECORD: usize = 16 * 1024;

/// Bytes from their written form.
type Decode = fn(&str) -> Result<Vec<u8>, String>;

/// What an action comes to: nothing, or what diverged.
pub(super) type Done = Result<(), Vec<Divergence>>;

/// What the patterns captured, and whether a secret stood in what they were compared with.
pub(super) type Captured = (Vec<Capture>, bool);

impl StepAt<'_> {
    /// Does what the step says, then compares the reply with what it expects.
    pub(super) async fn perform(&mut self) -> Done {
        self.set_pace()?;
        let step = self.step;
        match &step.action {
            Action::None | Action::Group(_) => {}
            Action::Send(lines) => self.send(lines).await?,
            Action::Raw(raw) => self.raw(raw).await?,
            Action::Data(data) => return self.mail_data(data).await,
            Action::Bdat(bdat) => return self.bdat(bdat).await,
            Action::StartTls(tls) => return self.starttls(&tls.client).await,
            Action::Tls(tls) => return self.tls(&tls.client).await,
            Action::Auth(auth) => return self.auth(auth).await,
            Action::Connect(connect) => self.connect(connect).await?,
            Action::Close(closing) => self.close(*closing).await?,
            Action::Sleep(length) => {
                let length = self.length(length).map_err(|error| self.template(&error))?;
                tokio::time::sleep(self.stage.bounded(length)).await;
                self.refuse_cut_short()?;
            }
            Action::Assert(expression) => {
                let falsity = self.stage.falsity(expression, &self.scope()).map_err(|error| self.template(&error))?;
                if let Some(parts) = falsity {
                    let place = Place { span: expression.span, ..self.place_of_action() };
                    return Err(vec![place.assertion(&expression.source, &parts)]);
                }
            }
            Action::Set(settings) => self.set(settings)?,
        }
        match &step.expect {
            Some(expectation) => self.expect(expectation).await,
            None => Ok(()),
        }
    }

    pub(super) fn set(&mut self, settings: &[(Named, Data)]) -> Done {
        for (named, data) in settings {
            let value = render_data(data, &self.stage.templates, &self.scope());
            let (value, secret) = value.map_err(|error| self.template(&error))?;
            self.stage.names.set(&named.name, value, secret);
        }
        Ok(())
    }

    /// A wait that the end of the run cut short has not been waited for.
    fn refuse_cut_short(&self) -> Done {
        if self.stage.run_is_over() {
            return Err(vec![self.place().fault(Kind::MaxTime, "the time of the whole run is over")]);
        }
        Ok(())
    }

    // --- sending -----------------------------------------------------------------------------------------------

    async fn send(&mut self, lines: &[Text]) -> Done {
        self.may_write().await?;
        let rendered = self.rendered_lines(lines)?;
        self.write(&rendered.bytes, &rendered.shown).await
    }

    /// The lines of a `send`, each ended by CRLF.
    pub(super) fn rendered_lines(&self, lines: &[Text]) -> Result<Rendered, Vec<Divergence>> {
        let mut whole = Rendered::default();
        for text in lines {
            let rendered = self.render(text, Mode::Line)?;
            for line in trim_one_line_end(&rendered.bytes).split(|byte| *byte == b'\n') {
                whole.bytes.extend_from_slice(line);
                whole.bytes.extend_from_slice(b"\r\n");
            }
            if !whole.shown.is_empty() {
                whole.shown.push('\n');
            }
            whole.shown.push_str(rendered.shown.strip_suffix('\n').unwrap_or(&rendered.shown));
            whole.secret |= rendered.secret;
        }
        self.guard_secret(whole.secret)?;
        if self.ground.settings.show_secrets {
            whole.shown = shown_bytes(&whole.bytes);
        }
        Ok(whole)
    }

    async fn raw(&mut self, raw: &RawBytes) -> Done {
        self.may_write().await?;
        let rendered = self.rendered_raw(raw)?;
        self.write_raw(&rendered).await
    }

    /// The bytes of a `raw`. They are shown as they are, unless they depend on a secret.
    pub(super) fn rendered_raw(&self, raw: &RawBytes) -> Result<Rendered, Vec<Divergence>> {
        let (text, decode): (&Text, Decode) = match raw {
            RawBytes::Bytes(bytes) => return Ok(Rendered { bytes: bytes.clone(), ..Rendered::default() }),
            RawBytes::Text(text) => (text, |_| Ok(Vec::new())),
            RawBytes::Hex(text) => (text, decode_hex),
            RawBytes::Base64(text) => (text, decode_base64),
        };
        let mut rendered = self.render(text, Mode::Plain)?;
        self.guard_secret(rendered.secret)?;
        if !matches!(raw, RawBytes::Text(_)) {
            let fault = |message| TemplateError { message, span: text.span, help: None };
            let digits = String::from_utf8_lossy(&rendered.bytes);
            rendered.bytes = decode(&digits).map_err(|message| self.template(&fault(message)))?;
        }
        Ok(rendered)
    }

    async fn write_raw(&mut self, rendered: &Rendered) -> Done {
        self.log_raw(rendered)?;
        // Advice is about the reply that comes next: the one to the first line.
        let shown = if rendered.secret {
            rendered.shown.clone()
        } else {
            String::from_utf8_lossy(&rendered.bytes).into_owned()
        };
        let outcome =
            self.sessions.speaking(self.step)?.write(&rendered.bytes, &shown, self.wait, &self.stage.log).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "the server to take what was sent"))
    }

    pub(super) fn log_raw(&mut self, rendered: &Rendered) -> Done {
        let session = self.session()?.name().clone();
        if rendered.secret && !self.ground.settings.show_secrets {
            self.stage.log.client(&session, &rendered.shown);
        } else {
            self.stage.log.client_bytes(&session, &rendered.bytes);
        }
        Ok(())
    }

    pub(super) async fn write(&mut self, bytes: &[u8], shown: &str) -> Done {
        let session = self.session()?.name().clone();
        self.stage.log.client(&session, shown);
        let outcome = self.sessions.speaking(self.step)?.write(bytes, shown, self.wait, &self.stage.log).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "the server to take what was sent"))
    }

    /// Nothing may have come unasked, and the server must still be there.
    pub(super) async fn may_write(&mut self) -> Done {
        let name = Sessions::name_of(self.step).to_owned();
        let Some(open) = self.sessions.named_mut(&name) else {
            let text = format!("the session `{name}` is not open");
            return Err(vec![self.place_of_action().fault(Kind::Closed, &text)]);
        };
        open.session.set_due(self.stage.due);
        let alive = match open.session.refuse_unasked(&mut self.stage.log).await {
            Ok(()) => open.session.is_alive(),
            Err(trouble) => return Err(vec![self.place_of_action().trouble(&trouble, "")]),
        };
        let open_here = open.session.is_open();
        match (alive, open_here) {
            (true, _) => Ok(()),
            (false, true) => {
                let text = "the server had closed the connection before this step";
                Err(vec![self.place_of_action().fault(Kind::Closed, text)])
            }
            (false, false) => {
                let text = format!("the session `{name}` was closed before this step");
                Err(vec![self.place_of_action().fault(Kind::Closed, &text)])
            }
        }
    }

    /// A secret goes over a verified TLS session or to this machine only, unless the user says otherwise.
    pub(super) fn guard_secret(&self, secret: bool) -> Done {
        let Some(open) = self.open().filter(|_| secret && !self.ground.settings.insecure_secrets) else {
            return Ok(());
        };
        let local = open.session.is_local();
        let why = match open.session.tls() {
            _ if local => return Ok(()),
            Some(tls) if tls.verified => return Ok(()),
            Some(_) => "whose certificate was not verified",
            None => "in plain text",
        };
        let message = format!("a secret would go to {} over a connection {why}", open.endpoint.target.host);
        let help = "begin TLS first (`- starttls`), or allow it with `--insecure-secrets`";
        Err(vec![self.place_of_action().refused(&message, help)])
    }

    // --- mail data ---------------------------------------------------------------------------------------------

    pub(super) async fn mail_data(&mut self, data: &MailData) -> Done {
        self.may_write().await?;
        let written = self.write_mail(data).await?;
        let Some(expectation) = &self.step.expect else {
            if written == Written::All {
                return Ok(());
            }
            return Err(vec![self.spoke_too_early()]);
        };
        let outcome = self.expect(expectation).await;
        if written == Written::Interrupted {
            return outcome.map_err(|mut divergences| {
                for divergence in &mut divergences {
                    let note = "the server replied before all of the mail data was sent: the rest was kept back";
                    divergence.diagnostic = divergence.diagnostic.clone().note(note);
                }
                divergences
            });
        }
        outcome
    }

    /// Sends the mail data and counts the replies that it owes.
    pub(super) async fn write_mail(&mut self, data: &MailData) -> Result<Written, Vec<Divergence>> {
        let written = match self.mail_content(data)? {
            MailContent::Rendered(rendered) => self.send_mail_text(data, rendered).await?,
            MailContent::Stream(stream) => self.mail_stream(data, stream).await?,
        };
        let session = self.sessions.speaking(self.step)?;
        if written == Written::All && data.terminate {
            session.end_mail_data(&self.stage.log);
        } else {
            session.leave_mail_data_open();
        }
        Ok(written)
    }

    fn spoke_too_early(&self) -> Divergence {
        self.place_of_action().fault(Kind::Early, "the server replied before all of the mail data was sent")
    }

    async fn send_mail_text(&mut self, data: &MailData, rendered: Rendered) -> Result<Written, Vec<Divergence>> {
        self.guard_secret(rendered.secret)?;
        let mut encoded = Vec::with_capacity(rendered.bytes.len() + 1024);
        let mut encoder = encoder_of(data);
        encoder.encode(&rendered.bytes, &mut encoded);
        encoder.finish(data.terminate, &mut encoded);
        let session = self.session()?.name().clone();
        let mut shown = if self.ground.settings.show_secrets { shown_bytes(&rendered.bytes) } else { rendered.shown };
        if data.transparency {
            shown = with_transparency(&shown);
        }
        if data.terminate {
            shown = format!("{}\n.", shown.strip_suffix('\n').unwrap_or(&shown));
        }
        self.stage.log.mail_data(&session, &shown, encoded.len() as u64);
        let outcome = self.sessions.speaking(self.step)?.write_mail_data(&encoded, self.wait).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "the server to take the mail data"))
    }

    /// Streams a file: it is never held in memory.
    async fn mail_stream(&mut self, data: &MailData, mut stream: Stream) -> Result<Written, Vec<Divergence>> {
        let size = stream.size;
        let session = self.session()?.name().clone();
        self.stage.log.client(&session, &format!("[mail data: {size} octets of {}]", stream.name));
        let mut encoder = encoder_of(data);
        // Memory that a small file doesn't need is not touched. A pipe's size is 0.
        let room = usize::try_from(size).map_or(CHUNK, |size| if size == 0 { CHUNK } else { size.clamp(1024, CHUNK) });
        let mut input = vec![0; room];
        let mut output = Vec::with_capacity(2 * room);
        loop {
            let count = self.read_stream(&mut stream, &mut input)?;
            if count == 0 {
                encoder.finish(data.terminate, &mut output);
                return self.write_chunk(&output).await;
            }
            encoder.encode(&input[..count], &mut output);
            // Whole TLS records, or each write ends in a short one.
            let whole = output.len() - output.len() % TLS_RECORD;
            if self.write_chunk(&output[..whole]).await? == Written::Interrupted {
                return Ok(Written::Interrupted);
            }
            output.drain(..whole);
        }
    }

    async fn write_chunk(&mut self, bytes: &[u8]) -> Result<Written, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.write_mail_data(bytes, self.wait).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "the server to take the mail data"))
    }

    // --- connections and TLS -----------------------------------------------------------------------------------

    async fn connect(&mut self, connect: &Connect) -> Done {
        let name = Sessions::name_of(self.step);
        let endpoint = {
            let scope = self.scope();
            self.view().resolver(&scope).endpoint(connect).map_err(|error| self.template(&error))?
        };
        let wait = match &connect.timeout {
            Some(length) => self.stage.bounded(self.length(length).map_err(|error| self.template(&error))?),
            None => self.wait,
        };
        // Only of what the connection itself needs, and not of its greeting.
        let own = std::mem::replace(&mut self.wait, wait);
        let done = self.opened(name, connect, endpoint).await;
        self.wait = own;
        done
    }

    /// Opens the session, over TLS where that comes first.
    async fn opened(&mut self, name: &str, connect: &Connect, mut endpoint: Endpoint) -> Done {
        if let Some(before) = self.sessions.named_mut(name)
            && before.session.is_open()
        {
            before.session.close(&mut self.stage.log).await;
        }
        endpoint.note_stand_in(name, &mut self.stage.log);
        let before = Instant::now();
        let admitted = match &self.ground.settings.admission {
            Some(admission) => Some(admission.enter().await),
            None => None,
        };
        self.sessions.held_back = before.elapsed();
        // Several mail exchangers may take as many waits, but none goes beyond the end of the run.
        let left = self.stage.bounded(Duration::MAX);
        let opening =
            tokio::time::timeout(left, Session::open(name, &endpoint.route, self.wait, &mut self.stage.log)).await;
        let opened = opening.unwrap_or(Err(Trouble::Timeout { waited: left, arrived: Vec::new() }));
        let mut session = match (opened, &self.step.fails) {
            (Ok(session), _) => session,
            (Err(trouble), Some(pattern)) => return self.fails_as_expected(pattern, &trouble_text(&trouble)),
            (Err(trouble), None) => {
                return Err(vec![self.place_of_action().trouble(&trouble, "a connection")]);
            }
        };
        session.admit(admitted.map(Admitted::connected));
        if self.ground.settings.record && !self.ground.settings.show_secrets {
            session.record();
        }
        if let Some(exchanger) = session.exchanger() {
            exchanger.clone_into(&mut endpoint.target.host);
        }
        let implicit = endpoint.implicit_tls;
        self.sessions.add(name, session, endpoint, connect.tls.clone(), &self.stage.log);
        if implicit {
            return self.handshake(name, &TlsSettings::default()).await;
        }
        match &self.step.fails {
            Some(pattern) => Err(vec![self.did_not_fail(pattern, "the connection was opened")]),
            None => Ok(()),
        }
    }

    async fn starttls(&mut self, settings: &TlsSettings) -> Done {
        self.may_write().await?;
        self.write(b"STARTTLS\r\n", "STARTTLS").await?;
        let answer = match &self.step.expect {
            Some(expectation) => {
                self.expect(expectation).await?;
                self.open().and_then(|open| open.session.last_answer().cloned())
            }
            None => Some(self.read_code(220).await?),
        };
        match answer {
            Some(answer) if answer.reply.code() == 220 => self.tls(settings).await,
            _ => Ok(()),
        }
    }

    /// Reads a reply that must have this code: what a shorthand step expects when nothing else is said.
    async fn read_code(&mut self, code: u16) -> Result<Answer, Vec<Divergence>> {
        let expected = format!("reply code {code}");
        let answer = self.read_reply(&expected).await?;
        if answer.reply.code() == code { Ok(answer) } else { Err(self.other_code(code, &answer)) }
    }

    /// A reply without the code that a shorthand step expects.
    pub(super) fn other_code(&self, code: u16, answer: &Answer) -> Vec<Divergence> {
        let mismatch = Mismatch::plain(self.step.head.span, format!("reply code {code}"));
        vec![self.place_of_action().mismatch(answer, &[mismatch])]
    }

    async fn tls(&mut self, settings: &TlsSettings) -> Done {
        let name = Sessions::name_of(self.step).to_owned();
        self.handshake(&name, settings).await
    }

    async fn handshake(&mut self, session: &str, settings: &TlsSettings) -> Done {
        let Some(open) = self.sessions.named(session) else {
            let text = format!("the session `{session}` is not open");
            return Err(vec![self.place_of_action().fault(Kind::Closed, &text)]);
        };
        let (options, server_name) = {
            let scope = self.scope();
            let resolver = self.view().resolver(&scope);
            let mut options = resolver.tls_options(settings, &open.tls).map_err(|error| self.template(&error))?;
            if open.endpoint.is_own_server && settings.ca_file.is_none() && open.tls.ca_file.is_none() {
                // The authority that this run made is trusted by this run.
                options.ca_pem = self.ground.serving.as_ref().and_then(Serving::authority_pem);
            }
            let name =
                resolver.server_name(&open.endpoint, settings, &open.tls).map_err(|error| self.template(&error))?;
            (options, name)
        };
        let connector = Connector::new(&options).map_err(|error| {
            let help = error.help.unwrap_or_default();
            vec![self.place_of_action().refused(&error.message, &help)]
        })?;
        let Some(open) = self.sessions.named_mut(session) else { return Ok(()) };
        let outcome = open.session.upgrade(&connector, &server_name, self.wait, &mut self.stage.log).await;
        match (outcome, &self.step.fails) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(pattern)) => Err(vec![self.did_not_fail(pattern, "the TLS handshake succeeded")]),
            (Err(Trouble::Tls(failure)), Some(pattern)) => self.fails_as_expected(pattern, &tls_text(&failure)),
            (Err(trouble @ Trouble::Timeout { .. }), Some(pattern)) if !self.stage.run_is_over() => {
                self.fails_as_expected(pattern, &trouble_text(&trouble))
            }
            (Err(mut trouble), _) => {
                self.look_at_certificate(session, &mut trouble).await;
                Err(vec![self.place_of_action().trouble(&trouble, "the TLS handshake to succeed")])
            }
        }
    }

    /// `fails: PATTERN`: it failed, and the reason must be the one that was meant.
    fn fails_as_expected(&self, pattern: &Pattern, text: &str) -> Done {
        let scope = self.scope();
        let outcome =
            self.stage.comparer(&scope).found(pattern, text.as_bytes(), pattern.text.span, "a failure matching");
        match outcome {
            Ok(_) => Ok(()),
            Err(mismatches) => Err(vec![self.place().other_bytes(text.as_bytes(), &mismatches)]),
        }
    }

    fn did_not_fail(&self, pattern: &Pattern, what: &str) -> Divergence {
        let place = Place { span: pattern.text.span, ..self.place() };
        place.fault(Kind::Fails, &format!("expected a failure matching {}, but {what}", pattern.text.source))
    }

    async fn close(&mut self, closing: Closing) -> Done {
        let name = Sessions::name_of(self.step).to_owned();
        let Some(open) = self.sessions.named_mut(&name) else { return Ok(()) };
        match closing {
            Closing::Fin => open.session.close(&mut self.stage.log).await,
            Closing::Reset => open.session.reset(&mut self.stage.log),
            Closing::Write => {
                let outcome = open.session.close_write(&mut self.stage.log).await;
                return outcome.map_err(|trouble| self.trouble(&trouble, "the connection to be open"));
            }
        }
        Ok(())
    }

    // --- expecting ---------------------------------------------------------------------------------------------

    pub(super) async fn expect(&mut self, expectation: &Expectation) -> Done {
        let (captures, echo) = match &expectation.kind {
            Expected::Line(pattern) => self.expect_line(expectation, pattern).await?,
            Expected::Raw(pattern) => self.expect_raw(expectation, pattern).await?,
            Expected::Closed(closed) => return self.expect_end(*closed, expectation.span).await,
            Expected::Silence(length) => {
                let length = self.length(length).map_err(|error| self.template(&error))?;
                let length = self.stage.bounded(length);
                let outcome = self.sessions.speaking(self.step)?.read_silence(length, &mut self.stage.log).await;
                outcome.map_err(|trouble| self.trouble(&trouble, "silence"))?;
                return self.refuse_cut_short();
            }
            _ => self.expect_reply(expectation).await?,
        };
        self.stage.capture(captures, echo);
        let closes = match &expectation.kind {
            Expected::Fields(fields) => fields.closed,
            _ => None,
        };
        match closes {
            Some((closed, span)) => self.expect_end(closed, span).await,
            None => Ok(()),
        }
    }

    pub(super) async fn expect_reply(&mut self, expectation: &Expectation) -> Result<Captured, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.read_reply(self.wait, &mut self.stage.log).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(trouble) if ends_as_expected(expectation, &trouble) => return Ok((Vec::new(), false)),
            Err(trouble) => return Err(self.trouble(&trouble, &describe(expectation))),
        };
        if self.ground.settings.update {
            return self.compare_or_rewrite(expectation, &answer);
        }
        self.compare(expectation, &answer)
    }

    /// Compares, and where that fails notes what would hold, if that can be said.
    fn compare_or_rewrite(&mut self, expectation: &Expectation, answer: &Answer) -> Result<Captured, Vec<Divergence>> {
        let compared = {
            let scope = self.scope();
            let came = Came { reply: &answer.reply, elapsed: answer.elapsed };
            self.stage.comparer(&scope).compare(expectation, &came)
        };
        let missed = match compared {
            Ok(captures) => {
                self.updates.held.push(expectation.span);
                return Ok((captures, answer.holds_secret));
            }
            Err(missed) => missed,
        };
        match rewrites(expectation, &missed, &answer.reply, &self.ground.scenario.sources) {
            Some(rewrites) => {
                self.updates.rewrites.extend(rewrites);
                Ok((Vec::new(), false))
            }
            None => Err(vec![self.place().mismatch(answer, &missed)]),
        }
    }

    /// Compares a reply that was read with what is expected of it.
    pub(super) fn compare(&self, expectation: &Expectation, answer: &Answer) -> Result<Captured, Vec<Divergence>> {
        let scope = self.scope();
        let came = Came { reply: &answer.reply, elapsed: answer.elapsed };
        let captures = self
            .stage
            .comparer(&scope)
            .compare(expectation, &came)
            .map_err(|mismatches| vec![self.place().mismatch(answer, &mismatches)])?;
        Ok((captures, answer.holds_secret))
    }

    async fn expect_line(&mut self, expectation: &Expectation, pattern: &Pattern) -> Result<Captured, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.read_line(self.wait, &mut self.stage.log).await;
        let line = outcome.map_err(|trouble| self.trouble(&trouble, &describe(expectation)))?;
        let content = line.strip_suffix(b"\n").unwrap_or(&line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let scope = self.scope();
        let found = self.stage.comparer(&scope).found(pattern, content, expectation.span, "a line matching");
        let captures = found.map_err(|mismatches| vec![self.place().other_bytes(&line, &mismatches)])?;
        Ok((captures, self.stage.log.masker().finds(&line)))
    }

    async fn expect_raw(&mut self, expectation: &Expectation, pattern: &Pattern) -> Result<Captured, Vec<Divergence>> {
        let (regex, rendered) = {
            let scope = self.scope();
            self.stage.comparer(&scope).compiled(pattern).map_err(|error| self.template(&error))?
        };
        let found = |bytes: &[u8]| regex.find(bytes).map(|found| found.end());
        let outcome = self.sessions.speaking(self.step)?.read_until(self.wait, &found, &mut self.stage.log).await;
        let bytes = outcome.map_err(|trouble| {
            let mut divergences = self.trouble(&trouble, &describe(expectation));
            if let (Some(first), Some(rendered)) = (divergences.first_mut(), &rendered) {
                first.diagnostic = first.diagnostic.clone().note(format!("the pattern with its values: {rendered}"));
            }
            divergences
        })?;
        let captures = regex.captures(&bytes).map(|groups| named_groups(&regex, &groups)).unwrap_or_default();
        Ok((captures, self.stage.log.masker().finds(&bytes)))
    }

    pub(super) async fn expect_end(&mut self, closed: ClosedBy, span: Span) -> Done {
        let expected = describe_closed(closed);
        let outcome = self.sessions.speaking(self.step)?.read_end(self.wait, &mut self.stage.log).await;
        let place = Place { span, ..self.place() };
        let end = outcome.map_err(|trouble| vec![place.trouble(&trouble, expected)])?;
        match (closed, &end) {
            (ClosedBy::Either, _)
            | (ClosedBy::Fin, End::Closed)
            | (ClosedBy::Reset, End::Broken { reset: true, .. }) => Ok(()),
            (_, End::Closed) => {
                Err(vec![place.fault(Kind::Closed, &format!("expected {expected}, but it closed in order (FIN)"))])
            }
            (_, End::Broken { reason, .. }) => {
                Err(vec![place.fault(Kind::Reset, &format!("expected {expected}, but {reason}"))])
            }
        }
    }

    pub(super) async fn read_reply(&mut self, expected: &str) -> Result<Answer, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.read_reply(self.wait, &mut self.stage.log).await;
        outcome.map_err(|trouble| self.trouble(&trouble, expected))
    }
}

/// `any: [..., {closed: true}]`: the end of the session is one of the answers.
fn ends_as_expected(expectation: &Expectation, trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Closed { arrived } => allows_end(expectation, arrived, false),
        Trouble::Broken { arrived, .. } => allows_end(expectation, arrived, true),
        _ => false,
    }
}

pub(super) fn encoder_of(data: &MailData) -> MailDataEncoder {
    let line_endings = if data.keep_line_endings { LineEndings::Keep } else { LineEndings::Crlf };
    MailDataEncoder::new(line_endings, data.transparency)
}

/// A block of lines ends in a line feed that is not a line of its own.
fn trim_one_line_end(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

/// Mail data as it goes over the wire: a leading dot is doubled (RFC 5321 section 4.5.2).
fn with_transparency(shown: &str) -> String {
    let line = |line: &str| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() };
    shown.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn shown_bytes(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
}

/// What `fails` of a connection is compared with.
fn trouble_text(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NotConnected(failure) => failure.message.clone(),
        Trouble::Timeout { .. } => "timed out".to_owned(),
        _ => "failed".to_owned(),
    }
}

/// What `fails` of a handshake is compared with: the reason, as words, and the message.
fn tls_text(failure: &TlsFailure) -> String {
    let reason = match failure.reason {
        TlsFailureReason::Alert(code) => format!("alert({code})"),
        reason => reason.word().replace('_', " "),
    };
    format!("{reason}: {}", failure.message)
}
