//! What each action does, and what is sent as it is written.
//!
//! Mail data goes out in `mail`, connections and handshakes are made in `opening`, what comes is read in `expecting`.

use crate::net::clock;
use crate::play::client::ground::StepAt;
use crate::play::client::guard::SecretGuard;
use crate::play::diagnose::Site;
use crate::play::divergence::{Divergence, Kind};
use crate::play::expect::Incoming;
use crate::scenario::Expectation;
use crate::scenario::{
    Action, Data, Misread, Mode, Named, RawBytes, Rendered, TemplateError, Text, decode_base64, decode_hex, render_data,
};
use crate::session::{Farewell, Outgoing, Trouble};
use crate::smtp::closing::Closing;
use std::time::Duration;

/// Bytes from their written form.
type Decode = fn(&str) -> Result<Vec<u8>, Misread>;

/// What comes of an action: nothing, or what diverged.
pub(crate) type StepDone = Result<(), Vec<Divergence>>;

impl StepAt<'_> {
    /// Does what the step says, then compares the reply with what it expects.
    pub(crate) async fn perform(&mut self) -> StepDone {
        self.set_pace()?;
        let step = self.step;
        // What a secret decides is as secret: the others see whether it happens.
        self.guard_secret(self.stage.names.flow().secrets_deciding(step).is_some() && step.is_seen())?;
        // What few steps do has a place of its own while it is done: a session that waits would hold room for it.
        match &step.action {
            Action::None | Action::Group(_) => {}
            Action::Send(_) | Action::Raw(_) | Action::Data(_) if self.has_left_as_expected().await => {}
            Action::Send(lines) => self.send(lines).await?,
            Action::Raw(raw) => self.raw(raw).await?,
            Action::Data(data) => return self.mail_data(data).await,
            Action::Bdat(bdat) => return Box::pin(self.bdat(bdat)).await,
            Action::StartTls(tls) => return Box::pin(self.starttls(&tls.client)).await,
            Action::Tls(tls) => return Box::pin(self.handshake(step.session_name(), &tls.client)).await,
            Action::Auth(auth) => return Box::pin(self.auth(auth)).await,
            Action::Connect(connect) => self.connect(connect).await?,
            Action::Close(closing) => self.close(*closing).await?,
            Action::Sleep(length) => {
                let length = self.length(length).map_err(|error| self.template(&error))?;
                clock::rest(self.stage.bounded(length)).await;
                self.refuse_cut_short()?;
            }
            Action::Skip(reason) => {
                let reason = self.stage.shown(reason, &self.scope());
                self.stage.not_applicable.get_or_insert(reason);
            }
            Action::Assert(assertion) => {
                self.refuse_cut_short()?;
                let place = |span| Site { span, ..self.place_of_action() };
                let false_one = self.stage.judge(assertion, &self.scope(), place);
                if let Some(divergence) = false_one.map_err(|error| self.template(&error))? {
                    return Err(vec![divergence]);
                }
            }
            Action::Set(settings) => {
                self.refuse_cut_short()?;
                self.set(settings)?;
            }
        }
        match &step.expect {
            Some(expectation) => self.expect(expectation).await,
            None => Ok(()),
        }
    }

    /// Whether the server has done already what the step expects it to do next: it has left, or said 421. When that is
    /// seen must not matter, so nothing is sent then.
    async fn has_left_as_expected(&mut self) -> bool {
        let Some(expectation) = &self.step.expect else { return false };
        let Some(open) = self.sessions.named_mut(self.step.session_name()) else { return false };
        let (farewell, session) = (open.session.farewell(&mut self.stage.log).await, open.session.name().clone());
        let as_expected = match farewell {
            None => false,
            Some(Farewell::Silent) => expectation.takes_end(),
            Some(Farewell::Said(reply)) => {
                let came = Incoming::Reply(&reply, Duration::ZERO);
                expectation.compares() && self.stage.comparer(&self.scope()).compare(expectation, &came).is_ok()
            }
        };
        if as_expected {
            self.stage.log.note(&session, "nothing was sent: the server had left before this step");
        }
        as_expected
    }

    /// A write that failed because the server left is no divergence where that is expected.
    fn wrote(&mut self, outcome: Result<(), Trouble>) -> StepDone {
        match outcome {
            Err(Trouble::Closed { arrived } | Trouble::Broken { arrived, .. })
                if self.step.expect.as_ref().is_some_and(Expectation::takes_end) =>
            {
                self.session()?.unread_again(&arrived);
                Ok(())
            }
            outcome => outcome.map_err(|trouble| self.trouble(&trouble, "the server to take what was sent")),
        }
    }

    /// What has arrived and was not asked for is seen before a session ends, also where the script ends it. After a
    /// divergence it is only shown.
    pub(crate) async fn refuse_unasked_before_end(&mut self) -> StepDone {
        let judged = self.stage.divergences.is_empty();
        let Some(open) = self.sessions.named_mut(self.step.session_name()) else { return Ok(()) };
        match open.session.refuse_unasked(&mut self.stage.log).await {
            Err(trouble) if judged => Err(vec![self.place_of_action().trouble(&trouble, "")]),
            _ => Ok(()),
        }
    }

    pub(crate) fn set(&mut self, settings: &[(Named, Data)]) -> StepDone {
        for (named, data) in settings {
            let value = render_data(data, &self.stage.templates, &self.scope());
            let (value, secret) = value.map_err(|error| self.template(&error))?;
            self.stage.names.set(&named.name, value, secret);
        }
        Ok(())
    }

    /// A wait that the end of the run cut short has not been waited for.
    pub(crate) fn refuse_cut_short(&self) -> StepDone {
        if self.stage.run_is_over() {
            return Err(vec![self.place().cut_off()]);
        }
        Ok(())
    }

    async fn send(&mut self, lines: &[Text]) -> StepDone {
        self.may_write().await?;
        let rendered = self.rendered_lines(lines)?;
        self.write(rendered).await
    }

    /// The lines of a `send`, each ended by CRLF.
    pub(crate) fn rendered_lines(&self, lines: &[Text]) -> Result<Rendered, Vec<Divergence>> {
        let mut whole = Rendered::default();
        for text in lines {
            let rendered = self.render(text, Mode::Line)?;
            whole.bytes.reserve(rendered.bytes.len() + 2);
            for line in trim_one_line_end(&rendered.bytes).split(|byte| *byte == b'\n') {
                whole.bytes.extend_from_slice(line);
                whole.bytes.extend_from_slice(b"\r\n");
            }
            let Rendered { mut shown, secret, .. } = rendered;
            if shown.ends_with('\n') {
                shown.pop();
            }
            if whole.shown.is_empty() {
                whole.shown = shown;
            } else {
                whole.shown.extend(["\n", &shown]);
            }
            whole.secret |= secret;
        }
        self.guard_secret(whole.secret)?;
        if self.ground.settings.show_secrets {
            whole.shown = shown_bytes(&whole.bytes);
        }
        Ok(whole)
    }

    async fn raw(&mut self, raw: &RawBytes) -> StepDone {
        self.may_write().await?;
        let mut rendered = self.rendered_raw(raw)?;
        self.log_raw(&mut rendered)?;
        self.write_out(&rendered).await
    }

    /// The bytes of a `raw`. They are shown as they are, unless they depend on a secret.
    pub(crate) fn rendered_raw(&self, raw: &RawBytes) -> Result<Rendered, Vec<Divergence>> {
        let (text, decode): (&Text, Decode) = match raw {
            RawBytes::Bytes(bytes) => return Ok(Rendered { bytes: bytes.clone(), ..Rendered::default() }),
            RawBytes::Text(text) => (text, |_| Ok(Vec::new())),
            RawBytes::Hex(text) => (text, decode_hex),
            RawBytes::Base64(text) => (text, decode_base64),
        };
        let mut rendered = self.render(text, Mode::Plain)?;
        self.guard_secret(rendered.secret)?;
        if !matches!(raw, RawBytes::Text(_)) {
            let fault = |misread: Misread| TemplateError { message: misread.into(), span: text.span, help: None };
            let digits = String::from_utf8_lossy(&rendered.bytes);
            rendered.bytes = decode(&digits).map_err(|misread| self.template(&fault(misread)))?;
        }
        Ok(rendered)
    }

    pub(crate) async fn write(&mut self, mut rendered: Rendered) -> StepDone {
        self.log_lines(&mut rendered)?;
        self.write_out(&rendered).await
    }

    /// Writes what is shown already. Advice is about the reply that comes next: the one to the first line.
    async fn write_out(&mut self, rendered: &Rendered) -> StepDone {
        if rendered.secret {
            self.count_as_shown(rendered.bytes.len(), &rendered.shown);
        }
        let outgoing =
            Outgoing { bytes: &rendered.bytes, shown: &rendered.shown, secret: self.ground.settings.hides(rendered) };
        let outcome = self.sessions.speaking(self.step)?.write(outgoing, self.wait, &self.stage.log).await;
        self.wrote(outcome)
    }

    /// Nothing may have come unasked, and the server must still be there.
    pub(crate) async fn may_write(&mut self) -> StepDone {
        let name = self.step.session_name();
        let Some(open) = self.sessions.named_mut(name) else {
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
                let mut divergence = self.place_of_action().fault(Kind::Closed, text);
                let help = "where the server may close, say so on the step before: `{code: 421, closed: true}`";
                divergence.diagnostic = divergence.diagnostic.help(help);
                Err(vec![divergence])
            }
            (false, false) => {
                let text = format!("the session `{name}` was closed before this step");
                Err(vec![self.place_of_action().fault(Kind::Closed, &text)])
            }
        }
    }

    /// Refuses to send a secret where it may not go.
    pub(crate) fn guard_secret(&self, secret: bool) -> StepDone {
        let Some(open) = self.open().filter(|_| secret) else { return Ok(()) };
        match (SecretGuard { ground: self.ground, stage: self.stage, step: self.step, open }).refusal() {
            None => Ok(()),
            Some((message, help)) => Err(vec![self.place_of_action().refused(&message, &help)]),
        }
    }

    /// Counts what an untrusted scenario sends by what is shown of it.
    pub(crate) fn count_as_shown(&mut self, sent: usize, shown: &str) {
        let untrusted = self.ground.settings.untrusted;
        if let Some(open) = self.sessions.named_mut(self.step.session_name()).filter(|_| untrusted) {
            let written = as_lines(shown);
            open.correction += i64::try_from(written).unwrap_or(0) - i64::try_from(sent).unwrap_or(0);
        }
    }

    async fn close(&mut self, closing: Closing) -> StepDone {
        let unasked = self.refuse_unasked_before_end().await;
        let name = self.step.session_name().to_owned();
        let Some(open) = self.sessions.named_mut(&name) else { return Ok(()) };
        match closing {
            Closing::Fin => open.session.close(&mut self.stage.log).await,
            Closing::Reset | Closing::Truncate => {
                open.session.break_off(closing == Closing::Reset, &mut self.stage.log);
            }
            Closing::Write => {
                let outcome = open.session.close_write(&mut self.stage.log).await;
                outcome.map_err(|trouble| self.trouble(&trouble, "the connection to be open"))?;
            }
        }
        unasked
    }
}

/// A block of lines ends in a line feed that is not a line of its own.
fn trim_one_line_end(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
}

/// How many octets a text has as lines on the wire.
pub(crate) fn as_lines(shown: &str) -> usize {
    shown.len() + shown.matches('\n').count() + 2
}
