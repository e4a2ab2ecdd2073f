//! What each action does.

use super::content::{MailContent, Stream};
use super::diagnose::Place;
use super::disclosure::{chooses_whom_to_trust, is_seen};
use super::expect::{Came, Capture, Mismatch, allows_end, describe, describe_closed, named_groups};
use super::outcome::Divergence;
use super::player::{Open, Player};
use super::rewrite::rewrites;
use super::serving::Serving;
use crate::net::tls::{Connector, TlsFailure};
use crate::scenario::{
    Action, ClosedBy, Closing, Connect, Expectation, Expected, MailData, Mode, Pattern, RawBytes, Rendered, Span, Step,
    TemplateError, Text, TlsSettings, decode_base64, decode_hex, render_data, value_from_bytes,
};
use crate::session::{Admitted, Answer, End, Session, Trouble, Written};
use crate::smtp::mail_data::{LineEndings, MailDataEncoder};
use crate::visible::visible;
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

/// The step that is being played, with its name as it is shown and the time its waits may take.
#[derive(Clone, Copy)]
pub(super) struct Now<'s> {
    pub(super) step: &'s Step,
    pub(super) name: Option<&'s str>,
    pub(super) wait: Duration,
}

impl Player<'_> {
    /// Does what the step says, then compares the reply with what it expects.
    pub(super) async fn perform(&mut self, step: &Step, name: Option<&str>) -> Done {
        let wait = self.wait(step).map_err(|error| vec![self.place(step, name).template(&error)])?;
        let now = Now { step, name, wait };
        self.set_pace(now)?;
        self.guard_decided(now)?;
        match &step.action {
            Action::None | Action::Group(_) => {}
            Action::Send(lines) => self.send(now, lines).await?,
            Action::Raw(raw) => self.raw(now, raw).await?,
            Action::Data(data) => return self.mail_data(now, data).await,
            Action::Bdat(bdat) => return self.bdat(now, bdat).await,
            Action::StartTls(tls) => return self.starttls(now, &tls.client).await,
            Action::Tls(tls) => return self.tls(now, &tls.client).await,
            Action::Auth(auth) => return self.auth(now, auth).await,
            Action::Connect(connect) => self.connect(now, connect).await?,
            Action::Close(closing) => self.close(now, *closing).await?,
            Action::Sleep(length) => {
                let length = self.length(step, length).map_err(|error| self.template(now, &error))?;
                tokio::time::sleep(self.bounded(length)).await;
                self.refuse_cut_short(now)?;
            }
            Action::Assert(expression) => {
                self.refuse_cut_short(now)?;
                let scope = self.scope(step);
                let value = self.templates.evaluate(expression, &scope).map_err(|error| self.template(now, &error))?;
                if !value.is_true() {
                    let parts = self.templates.explain(expression, &scope);
                    let place = Place { span: expression.span, ..self.place_of_action(step, name) };
                    return Err(vec![place.assertion(&expression.source, &parts)]);
                }
            }
            Action::Set(settings) => {
                self.refuse_cut_short(now)?;
                for (named, data) in settings {
                    let scope = self.scope(step);
                    let (value, secret) =
                        render_data(data, &self.templates, &scope).map_err(|error| self.template(now, &error))?;
                    self.names.set(&named.name, value, secret);
                }
            }
        }
        match &step.expect {
            Some(expectation) => self.expect(now, expectation).await,
            None => Ok(()),
        }
    }

    /// A wait that the end of the run cut short has not been waited for.
    fn refuse_cut_short(&self, now: Now<'_>) -> Done {
        if self.run_is_over() {
            return Err(vec![self.place(now.step, now.name).fault("max-time", "the time of the whole run is over")]);
        }
        Ok(())
    }

    // --- sending -----------------------------------------------------------------------------------------------

    async fn send(&mut self, now: Now<'_>, lines: &[Text]) -> Done {
        self.may_write(now).await?;
        let rendered = self.rendered_lines(now, lines)?;
        self.write(now, &rendered.bytes, &rendered.shown).await
    }

    /// The lines of a `send`, each ended by CRLF.
    pub(super) fn rendered_lines(&self, now: Now<'_>, lines: &[Text]) -> Result<Rendered, Vec<Divergence>> {
        let mut whole = Rendered::default();
        for text in lines {
            let rendered = self.render(now, text, Mode::Line)?;
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
        self.guard_secret(now, whole.secret)?;
        if self.settings.show_secrets {
            whole.shown = shown_bytes(&whole.bytes);
        }
        Ok(whole)
    }

    async fn raw(&mut self, now: Now<'_>, raw: &RawBytes) -> Done {
        self.may_write(now).await?;
        let rendered = self.rendered_raw(now, raw)?;
        self.write_raw(now, &rendered).await
    }

    /// The bytes of a `raw`. They are shown as they are, unless they depend on a secret.
    pub(super) fn rendered_raw(&self, now: Now<'_>, raw: &RawBytes) -> Result<Rendered, Vec<Divergence>> {
        let (text, decode): (&Text, Decode) = match raw {
            RawBytes::Bytes(bytes) => return Ok(Rendered { bytes: bytes.clone(), ..Rendered::default() }),
            RawBytes::Text(text) => (text, |_| Ok(Vec::new())),
            RawBytes::Hex(text) => (text, decode_hex),
            RawBytes::Base64(text) => (text, decode_base64),
        };
        let mut rendered = self.render(now, text, Mode::Plain)?;
        self.guard_secret(now, rendered.secret)?;
        if !matches!(raw, RawBytes::Text(_)) {
            let fault = |message| TemplateError { message, span: text.span, help: None };
            let digits = String::from_utf8_lossy(&rendered.bytes);
            rendered.bytes = decode(&digits).map_err(|message| self.template(now, &fault(message)))?;
        }
        Ok(rendered)
    }

    async fn write_raw(&mut self, now: Now<'_>, rendered: &Rendered) -> Done {
        self.log_raw(now, rendered)?;
        if rendered.secret {
            self.count_as_shown(now, rendered.bytes.len(), &rendered.shown);
        }
        // Advice is about the reply that comes next: the one to the first line.
        let shown = if rendered.secret {
            rendered.shown.clone()
        } else {
            String::from_utf8_lossy(&rendered.bytes).into_owned()
        };
        let outcome = Self::reading(&mut self.sessions, now)?.write(&rendered.bytes, &shown, now.wait, &self.log).await;
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the server to take what was sent"))
    }

    pub(super) fn log_raw(&mut self, now: Now<'_>, rendered: &Rendered) -> Done {
        let session = self.session(now)?.name().clone();
        if rendered.secret && !self.settings.show_secrets {
            self.log.client(&session, &rendered.shown);
        } else {
            self.log.client_bytes(&session, &rendered.bytes);
        }
        Ok(())
    }

    pub(super) async fn write(&mut self, now: Now<'_>, bytes: &[u8], shown: &str) -> Done {
        let session = self.session(now)?.name().clone();
        self.log.client(&session, shown);
        self.count_as_shown(now, bytes.len(), shown);
        let outcome = Self::reading(&mut self.sessions, now)?.write(bytes, shown, now.wait, &self.log).await;
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the server to take what was sent"))
    }

    /// Counts what an untrusted scenario sends by what is shown of it.
    fn count_as_shown(&mut self, now: Now<'_>, sent: usize, shown: &str) {
        let untrusted = self.settings.untrusted;
        if let Some(open) = self.sessions.get_mut(Self::session_name(now.step)).filter(|_| untrusted) {
            let written = as_lines(shown);
            open.correction += i64::try_from(written).unwrap_or(0) - i64::try_from(sent).unwrap_or(0);
        }
    }

    /// Nothing may have come unasked, and the server must still be there.
    pub(super) async fn may_write(&mut self, now: Now<'_>) -> Done {
        let name = Self::session_name(now.step).to_owned();
        let Some(open) = self.sessions.get_mut(&name) else {
            let text = format!("the session `{name}` is not open");
            return Err(vec![self.place_of_action(now.step, now.name).fault("closed", &text)]);
        };
        open.session.set_due(self.due);
        let alive = match open.session.refuse_unasked(&mut self.log).await {
            Ok(()) => open.session.is_alive(),
            Err(trouble) => return Err(vec![self.place_of_action(now.step, now.name).trouble(&trouble, "")]),
        };
        let open_here = open.session.is_open();
        match (alive, open_here) {
            (true, _) => Ok(()),
            (false, true) => {
                let text = "the server had closed the connection before this step";
                Err(vec![self.place_of_action(now.step, now.name).fault("closed", text)])
            }
            (false, false) => {
                let text = format!("the session `{name}` was closed before this step");
                Err(vec![self.place_of_action(now.step, now.name).fault("closed", &text)])
            }
        }
    }

    /// A secret goes over a verified TLS session or to this machine only, unless the user says otherwise. An untrusted
    /// scenario sends it to no other host than the user named for it.
    pub(super) fn guard_secret(&self, now: Now<'_>, secret: bool) -> Done {
        let Some(open) = self.open(now.step).filter(|_| secret) else { return Ok(()) };
        self.guard_bound(now, open)?;
        if self.settings.insecure_secrets {
            return Ok(());
        }
        let local = open.session.is_local();
        let why = match open.session.tls() {
            _ if local => return Ok(()),
            Some(tls) if tls.verified => return Ok(()),
            Some(_) => "whose certificate was not verified",
            None => "in plain text",
        };
        let message = format!("a secret would go to {} over a connection {why}", open.endpoint.target.host);
        let help = "begin TLS first (`- starttls`), or allow it with `--insecure-secrets`";
        Err(vec![self.place_of_action(now.step, now.name).refused(&message, help)])
    }

    fn guard_bound(&self, now: Now<'_>, open: &Open) -> Done {
        if !self.settings.untrusted {
            return Ok(());
        }
        let (bound, target) = (&self.settings.bound, open.endpoint.target.host.as_str());
        let hosts = [if self.settings.to.is_some() { target } else { open.endpoint.host.as_str() }, target];
        let own_trust = chooses_whom_to_trust(self.scenario, Self::session_name(now.step)) && !open.session.is_local();
        for secret in self.names.flow().secrets_told_by(now.step) {
            let message = if !bound.allows(&secret, &hosts) {
                format!("the secret `{secret}` would go to {target}, and it was not given for that host")
            } else if own_trust && !bound.is_made_up(&secret) {
                format!("the secret `{secret}` would go to {target} by a certificate that the scenario chooses")
            } else {
                continue;
            };
            let help = format!("`--allow-secret {secret}@{target}` allows it, for a certificate of that name");
            return Err(vec![self.place_of_action(now.step, now.name).refused(&message, &help)]);
        }
        Ok(())
    }

    /// What a secret decides is as secret: the others see whether it happens.
    fn guard_decided(&self, now: Now<'_>) -> Done {
        let decided = self.names.flow().secrets_deciding(now.step).is_some();
        self.guard_secret(now, decided && is_seen(now.step))
    }

    // --- mail data ---------------------------------------------------------------------------------------------

    pub(super) async fn mail_data(&mut self, now: Now<'_>, data: &MailData) -> Done {
        self.may_write(now).await?;
        let written = self.write_mail(now, data).await?;
        let Some(expectation) = &now.step.expect else {
            if written == Written::All {
                return Ok(());
            }
            return Err(vec![self.spoke_too_early(now)]);
        };
        let outcome = self.expect(now, expectation).await;
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
    pub(super) async fn write_mail(&mut self, now: Now<'_>, data: &MailData) -> Result<Written, Vec<Divergence>> {
        let written = match self.mail_content(now, data)? {
            MailContent::Rendered(rendered) => self.send_mail_text(now, data, rendered).await?,
            MailContent::Stream(stream) => self.mail_stream(now, data, stream).await?,
        };
        let session = Self::reading(&mut self.sessions, now)?;
        if written == Written::All && data.terminate {
            session.end_mail_data(&self.log);
        } else {
            session.leave_mail_data_open();
        }
        Ok(written)
    }

    fn spoke_too_early(&self, now: Now<'_>) -> Divergence {
        self.place_of_action(now.step, now.name)
            .fault("early", "the server replied before all of the mail data was sent")
    }

    async fn send_mail_text(
        &mut self,
        now: Now<'_>,
        data: &MailData,
        rendered: Rendered,
    ) -> Result<Written, Vec<Divergence>> {
        self.guard_secret(now, rendered.secret)?;
        let mut encoded = Vec::with_capacity(rendered.bytes.len() + 1024);
        let mut encoder = encoder_of(data);
        encoder.encode(&rendered.bytes, &mut encoded);
        encoder.finish(data.terminate, &mut encoded);
        let session = self.session(now)?.name().clone();
        let mut shown = if self.settings.show_secrets { shown_bytes(&rendered.bytes) } else { rendered.shown };
        if data.transparency {
            shown = with_transparency(&shown);
        }
        if data.terminate {
            shown = format!("{}\n.", shown.strip_suffix('\n').unwrap_or(&shown));
        }
        let mut size = encoded.len();
        if rendered.secret && self.settings.untrusted {
            self.count_as_shown(now, size, &shown);
            size = as_lines(&shown);
        }
        self.log.mail_data(&session, &shown, size as u64);
        let outcome = self.session(now)?.write_mail_data(&encoded, now.wait).await;
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the server to take the mail data"))
    }

    /// Streams a file: it is never held in memory.
    async fn mail_stream(
        &mut self,
        now: Now<'_>,
        data: &MailData,
        mut stream: Stream,
    ) -> Result<Written, Vec<Divergence>> {
        let size = stream.size;
        let session = self.session(now)?.name().clone();
        self.log.client(&session, &format!("[mail data: {size} octets of {}]", stream.name));
        let mut encoder = encoder_of(data);
        // Memory that a small file doesn't need is not touched. A pipe's size is 0.
        let room = usize::try_from(size).map_or(CHUNK, |size| if size == 0 { CHUNK } else { size.clamp(1024, CHUNK) });
        let mut input = vec![0; room];
        let mut output = Vec::with_capacity(2 * room);
        loop {
            let count = self.read_stream(now, &mut stream, &mut input)?;
            if count == 0 {
                encoder.finish(data.terminate, &mut output);
                return self.write_chunk(now, &output).await;
            }
            encoder.encode(&input[..count], &mut output);
            // Whole TLS records, or each write ends in a short one.
            let whole = output.len() - output.len() % TLS_RECORD;
            if self.write_chunk(now, &output[..whole]).await? == Written::Interrupted {
                return Ok(Written::Interrupted);
            }
            output.drain(..whole);
        }
    }

    async fn write_chunk(&mut self, now: Now<'_>, bytes: &[u8]) -> Result<Written, Vec<Divergence>> {
        let outcome = self.session(now)?.write_mail_data(bytes, now.wait).await;
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the server to take the mail data"))
    }

    // --- connections and TLS -----------------------------------------------------------------------------------

    async fn connect(&mut self, now: Now<'_>, connect: &Connect) -> Done {
        let name = Self::session_name(now.step);
        let mut endpoint = {
            let scope = self.scope(now.step);
            self.resolver(Some(&scope)).endpoint(connect).map_err(|error| self.template(now, &error))?
        };
        let wait = match &connect.timeout {
            Some(length) => self.bounded(self.length(now.step, length).map_err(|error| self.template(now, &error))?),
            None => now.wait,
        };
        let now = Now { wait, ..now };
        if let Some(before) = self.sessions.get_mut(name)
            && before.session.is_open()
        {
            before.session.close(&mut self.log).await;
        }
        let decided = self.names.flow().secrets_deciding(now.step).is_some() && !self.settings.insecure_secrets;
        if decided && !endpoint.is_own_server && self.sandbox.is_none() {
            let message = "whether this connection is opened depends on a secret";
            let help = "open it in any case, or allow it with `--insecure-secrets`";
            return Err(vec![self.place_of_action(now.step, now.name).refused(message, help)]);
        }
        endpoint.note_stand_in(name, &mut self.log);
        let before = Instant::now();
        let admitted = match &self.settings.admission {
            Some(admission) => Some(admission.enter().await),
            None => None,
        };
        self.held_back = before.elapsed();
        // Several mail exchangers may take as many waits, but none goes beyond the end of the run.
        let left = self.bounded(Duration::MAX);
        let opening = tokio::time::timeout(left, Session::open(name, &endpoint.route, wait, &mut self.log)).await;
        let opened = opening.unwrap_or(Err(Trouble::Timeout { waited: left, arrived: Vec::new() }));
        let mut session = match (opened, &now.step.fails) {
            (Ok(session), _) => session,
            (Err(trouble), Some(pattern)) => return self.fails_as_expected(now, pattern, &trouble_text(&trouble)),
            (Err(trouble), None) => {
                return Err(vec![self.place_of_action(now.step, now.name).trouble(&trouble, "a connection")]);
            }
        };
        session.admit(admitted.map(Admitted::connected));
        if self.settings.record && !self.settings.show_secrets {
            session.record();
        }
        if let Some(exchanger) = session.exchanger() {
            exchanger.clone_into(&mut endpoint.target.host);
        }
        let implicit = endpoint.implicit_tls;
        self.opened += 1;
        let open = Open { serial: self.opened, session, endpoint, tls: connect.tls.clone(), correction: 0 };
        if let Some(before) = self.sessions.insert(name.to_owned(), open) {
            self.retire(&before);
        }
        if implicit {
            return self.handshake(now, name, &TlsSettings::default()).await;
        }
        match &now.step.fails {
            Some(pattern) => Err(vec![self.did_not_fail(now, pattern, "the connection was opened")]),
            None => Ok(()),
        }
    }

    async fn starttls(&mut self, now: Now<'_>, settings: &TlsSettings) -> Done {
        self.may_write(now).await?;
        self.write(now, b"STARTTLS\r\n", "STARTTLS").await?;
        let answer = match &now.step.expect {
            Some(expectation) => {
                self.expect(now, expectation).await?;
                self.open(now.step).and_then(|open| open.session.last_answer().cloned())
            }
            None => Some(self.read_code(now, 220).await?),
        };
        match answer {
            Some(answer) if answer.reply.code() == 220 => self.tls(now, settings).await,
            _ => Ok(()),
        }
    }

    /// Reads a reply that must have this code: what a shorthand step expects when nothing else is said.
    async fn read_code(&mut self, now: Now<'_>, code: u16) -> Result<Answer, Vec<Divergence>> {
        let expected = format!("reply code {code}");
        let answer = self.read_reply(now, &expected).await?;
        if answer.reply.code() == code { Ok(answer) } else { Err(self.other_code(now, code, &answer)) }
    }

    /// A reply without the code that a shorthand step expects.
    pub(super) fn other_code(&self, now: Now<'_>, code: u16, answer: &Answer) -> Vec<Divergence> {
        let mismatch = Mismatch::plain(now.step.head.span, format!("reply code {code}"));
        vec![self.place_of_action(now.step, now.name).mismatch(answer, &[mismatch])]
    }

    async fn tls(&mut self, now: Now<'_>, settings: &TlsSettings) -> Done {
        let name = Self::session_name(now.step).to_owned();
        self.handshake(now, &name, settings).await
    }

    async fn handshake(&mut self, now: Now<'_>, session: &str, settings: &TlsSettings) -> Done {
        let Some(open) = self.sessions.get(session) else {
            let text = format!("the session `{session}` is not open");
            return Err(vec![self.place_of_action(now.step, now.name).fault("closed", &text)]);
        };
        let (options, server_name) = {
            let scope = self.scope(now.step);
            let resolver = self.resolver(Some(&scope));
            let mut options = resolver.tls_options(settings, &open.tls).map_err(|error| self.template(now, &error))?;
            if open.endpoint.is_own_server && settings.ca_file.is_none() && open.tls.ca_file.is_none() {
                // The authority that this run made is trusted by this run.
                options.ca_pem = self.serving.as_ref().and_then(Serving::authority_pem);
            }
            let name = resolver
                .server_name(&open.endpoint, settings, &open.tls)
                .map_err(|error| self.template(now, &error))?;
            (options, name)
        };
        let connector = Connector::new(&options).map_err(|error| {
            let help = error.help.unwrap_or_default();
            vec![self.place_of_action(now.step, now.name).refused(&error.message, &help)]
        })?;
        let Some(open) = self.sessions.get_mut(session) else { return Ok(()) };
        let outcome = open.session.upgrade(&connector, &server_name, now.wait, &mut self.log).await;
        match (outcome, &now.step.fails) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(pattern)) => Err(vec![self.did_not_fail(now, pattern, "the TLS handshake succeeded")]),
            (Err(Trouble::Tls(failure)), Some(pattern)) => self.fails_as_expected(now, pattern, &tls_text(&failure)),
            (Err(trouble @ Trouble::Timeout { .. }), Some(pattern)) if !self.run_is_over() => {
                self.fails_as_expected(now, pattern, &trouble_text(&trouble))
            }
            (Err(mut trouble), _) => {
                self.look_at_certificate(now, session, &mut trouble).await;
                Err(vec![self.place_of_action(now.step, now.name).trouble(&trouble, "the TLS handshake to succeed")])
            }
        }
    }

    /// `fails: PATTERN`: it failed, and the reason must be the one that was meant.
    fn fails_as_expected(&self, now: Now<'_>, pattern: &Pattern, text: &str) -> Done {
        let scope = self.scope(now.step);
        let outcome = self.comparer(&scope).found(pattern, text.as_bytes(), pattern.text.span, "a failure matching");
        match outcome {
            Ok(_) => Ok(()),
            Err(mismatches) => Err(vec![self.place(now.step, now.name).other_bytes(text.as_bytes(), &mismatches)]),
        }
    }

    fn did_not_fail(&self, now: Now<'_>, pattern: &Pattern, what: &str) -> Divergence {
        let place = Place { span: pattern.text.span, ..self.place(now.step, now.name) };
        place.fault("fails", &format!("expected a failure matching {}, but {what}", pattern.text.source))
    }

    async fn close(&mut self, now: Now<'_>, closing: Closing) -> Done {
        let name = Self::session_name(now.step).to_owned();
        let Some(open) = self.sessions.get_mut(&name) else { return Ok(()) };
        match closing {
            Closing::Fin => open.session.close(&mut self.log).await,
            Closing::Reset => open.session.reset(&mut self.log),
            Closing::Write => {
                let outcome = open.session.close_write(&mut self.log).await;
                return outcome.map_err(|trouble| self.trouble(now, &trouble, "the connection to be open"));
            }
        }
        Ok(())
    }

    // --- expecting ---------------------------------------------------------------------------------------------

    pub(super) async fn expect(&mut self, now: Now<'_>, expectation: &Expectation) -> Done {
        let (captures, echo) = match &expectation.kind {
            Expected::Line(pattern) => self.expect_line(now, expectation, pattern).await?,
            Expected::Raw(pattern) => self.expect_raw(now, expectation, pattern).await?,
            Expected::Closed(closed) => return self.expect_end(now, *closed, expectation.span).await,
            Expected::Silence(length) => {
                let length = self.length(now.step, length).map_err(|error| self.template(now, &error))?;
                let length = self.bounded(length);
                let outcome = Self::reading(&mut self.sessions, now)?.read_silence(length, &mut self.log).await;
                outcome.map_err(|trouble| self.trouble(now, &trouble, "silence"))?;
                return self.refuse_cut_short(now);
            }
            _ => self.expect_reply(now, expectation).await?,
        };
        self.keep(captures, echo);
        let closes = match &expectation.kind {
            Expected::Fields(fields) => fields.closed,
            _ => None,
        };
        match closes {
            Some((closed, span)) => self.expect_end(now, closed, span).await,
            None => Ok(()),
        }
    }

    pub(super) async fn expect_reply(
        &mut self,
        now: Now<'_>,
        expectation: &Expectation,
    ) -> Result<Captured, Vec<Divergence>> {
        let outcome = Self::reading(&mut self.sessions, now)?.read_reply(now.wait, &mut self.log).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(trouble) if ends_as_expected(expectation, &trouble) => return Ok((Vec::new(), false)),
            Err(trouble) => return Err(self.trouble(now, &trouble, &describe(expectation))),
        };
        if self.settings.update {
            return self.compare_or_rewrite(now, expectation, &answer);
        }
        self.compare(now, expectation, &answer)
    }

    /// Compares, and where that fails notes what would hold, if that can be said.
    fn compare_or_rewrite(
        &mut self,
        now: Now<'_>,
        expectation: &Expectation,
        answer: &Answer,
    ) -> Result<Captured, Vec<Divergence>> {
        let compared = {
            let scope = self.scope(now.step);
            let came = Came { reply: &answer.reply, elapsed: answer.elapsed };
            self.comparer(&scope).compare(expectation, &came)
        };
        let missed = match compared {
            Ok(captures) => {
                self.held.push(expectation.span);
                return Ok((captures, answer.holds_secret));
            }
            Err(missed) => missed,
        };
        match rewrites(expectation, &missed, &answer.reply, &self.scenario.sources) {
            Some(rewrites) => {
                self.rewrites.extend(rewrites);
                Ok((Vec::new(), false))
            }
            None => Err(vec![self.place(now.step, now.name).mismatch(answer, &missed)]),
        }
    }

    /// Compares a reply that was read with what is expected of it.
    pub(super) fn compare(
        &self,
        now: Now<'_>,
        expectation: &Expectation,
        answer: &Answer,
    ) -> Result<Captured, Vec<Divergence>> {
        let scope = self.scope(now.step);
        let came = Came { reply: &answer.reply, elapsed: answer.elapsed };
        let captures = self
            .comparer(&scope)
            .compare(expectation, &came)
            .map_err(|mismatches| vec![self.place(now.step, now.name).mismatch(answer, &mismatches)])?;
        Ok((captures, answer.holds_secret))
    }

    async fn expect_line(
        &mut self,
        now: Now<'_>,
        expectation: &Expectation,
        pattern: &Pattern,
    ) -> Result<Captured, Vec<Divergence>> {
        let outcome = Self::reading(&mut self.sessions, now)?.read_line(now.wait, &mut self.log).await;
        let line = outcome.map_err(|trouble| self.trouble(now, &trouble, &describe(expectation)))?;
        let content = line.strip_suffix(b"\n").unwrap_or(&line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let scope = self.scope(now.step);
        let found = self.comparer(&scope).found(pattern, content, expectation.span, "a line matching");
        let captures =
            found.map_err(|mismatches| vec![self.place(now.step, now.name).other_bytes(&line, &mismatches)])?;
        Ok((captures, self.log.masker().finds(&line)))
    }

    async fn expect_raw(
        &mut self,
        now: Now<'_>,
        expectation: &Expectation,
        pattern: &Pattern,
    ) -> Result<Captured, Vec<Divergence>> {
        let (regex, rendered) = {
            let scope = self.scope(now.step);
            self.comparer(&scope).compiled(pattern).map_err(|error| self.template(now, &error))?
        };
        let found = |bytes: &[u8]| regex.find(bytes).map(|found| found.end());
        let outcome = Self::reading(&mut self.sessions, now)?.read_until(now.wait, &found, &mut self.log).await;
        let bytes = outcome.map_err(|trouble| {
            let mut divergences = self.trouble(now, &trouble, &describe(expectation));
            if let (Some(first), Some(rendered)) = (divergences.first_mut(), &rendered) {
                first.diagnostic = first.diagnostic.clone().note(format!("the pattern with its values: {rendered}"));
            }
            divergences
        })?;
        let captures = regex.captures(&bytes).map(|groups| named_groups(&regex, &groups)).unwrap_or_default();
        Ok((captures, self.log.masker().finds(&bytes)))
    }

    pub(super) async fn expect_end(&mut self, now: Now<'_>, closed: ClosedBy, span: Span) -> Done {
        let expected = describe_closed(closed);
        let outcome = Self::reading(&mut self.sessions, now)?.read_end(now.wait, &mut self.log).await;
        let place = Place { span, ..self.place(now.step, now.name) };
        let end = outcome.map_err(|trouble| vec![place.trouble(&trouble, expected)])?;
        match (closed, &end) {
            (ClosedBy::Either, _)
            | (ClosedBy::Fin, End::Closed)
            | (ClosedBy::Reset, End::Broken { reset: true, .. }) => Ok(()),
            (_, End::Closed) => {
                Err(vec![place.fault("closed", &format!("expected {expected}, but it closed in order (FIN)"))])
            }
            (_, End::Broken { reason, .. }) => {
                Err(vec![place.fault("reset", &format!("expected {expected}, but {reason}"))])
            }
        }
    }

    pub(super) async fn read_reply(&mut self, now: Now<'_>, expected: &str) -> Result<Answer, Vec<Divergence>> {
        let outcome = Self::reading(&mut self.sessions, now)?.read_reply(now.wait, &mut self.log).await;
        outcome.map_err(|trouble| self.trouble(now, &trouble, expected))
    }

    /// Captured text becomes variables. Out of an `echo` of a secret all of it is kept as a secret: it may be a part of one.
    pub(super) fn keep(&mut self, captures: Vec<Capture>, echo: bool) {
        for (name, bytes) in captures {
            let shown = if echo { "<<a secret>>".to_owned() } else { visible(&self.log.masker().mask(&bytes)) };
            self.captures.insert(name.clone(), shown);
            self.names.set(&name, value_from_bytes(bytes), echo);
        }
    }

    // --- shorthands --------------------------------------------------------------------------------------------

    pub(super) fn render(&self, now: Now<'_>, text: &Text, mode: Mode) -> Result<Rendered, Vec<Divergence>> {
        let scope = self.scope(now.step);
        let mut rendered = self.templates.render(text, mode, &scope).map_err(|error| self.template(now, &error))?;
        if self.names.flow().secrets_deciding(now.step).is_some() {
            rendered.secret = true;
            rendered.shown.clone_from(&text.source);
        }
        Ok(rendered)
    }

    pub(super) fn template(&self, now: Now<'_>, error: &TemplateError) -> Vec<Divergence> {
        vec![self.place(now.step, now.name).template(error)]
    }

    pub(super) fn trouble(&self, now: Now<'_>, trouble: &Trouble, expected: &str) -> Vec<Divergence> {
        vec![self.place(now.step, now.name).trouble(trouble, expected)]
    }

    pub(super) fn session(&mut self, now: Now<'_>) -> Result<&mut Session, Vec<Divergence>> {
        Self::reading(&mut self.sessions, now)
    }

    /// The session of a step, borrowed apart from the transcript.
    pub(super) fn reading<'s>(
        sessions: &'s mut std::collections::BTreeMap<String, Open>,
        now: Now<'_>,
    ) -> Result<&'s mut Session, Vec<Divergence>> {
        let name = Self::session_name(now.step);
        sessions.get_mut(name).map(|open| &mut open.session).ok_or_else(|| {
            let message = format!("step {} diverged: the session `{name}` is not open", now.step.head.number);
            let diagnostic = crate::scenario::Diagnostic::error(now.step.head.span, message);
            vec![Divergence {
                step: now.step.head.number.clone(),
                cause: super::Cause::Server,
                kind: "closed",
                reason: None,
                reply_code: None,
                line: None,
                diagnostic,
            }]
        })
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

/// How many octets a text has as lines on the wire.
fn as_lines(shown: &str) -> usize {
    shown.len() + shown.matches('\n').count() + 2
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

/// What `fails` of a handshake is compared with: the reason's name and the message.
fn tls_text(failure: &TlsFailure) -> String {
    let reason = format!("{:?}", failure.reason);
    format!("{}: {}", spaced(&reason), failure.message)
}

/// `WrongName` as `wrong name`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
