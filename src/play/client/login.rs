//! The step `auth`: a whole SASL exchange (RFC 4954), every line of it in the transcript.
//!
//! Responsible for choosing the mechanism, for base64 and reply codes around the messages of [`SaslClient`], for showing
//! them as they could have been written in the scenario, and for saying which of them was refused. Called by `steps`.

use super::mechanism::{mechanism, offered};
use crate::play::client::ground::StepAt;
use crate::play::client::steps::StepDone;
use crate::play::divergence::{Divergence, Kind};
use crate::scenario::{Auth, Expected, Mode, Rendered, TemplateError, Text};
use crate::session::Answered;
use crate::smtp::auth::{AuthFault, CHALLENGE, Credentials, FaultKind, Mechanism, SaslClient};
use crate::smtp::reply::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The reply code of success (RFC 4954 section 6).
const SUCCEEDED: u16 = 235;

/// One of the step's values.
#[derive(Default)]
pub(super) struct Key {
    pub(super) value: String,
    /// As it would stand in a template: a name, or a text in quotes.
    written: String,
    pub(super) secret: bool,
}

/// All of the step's values.
struct Keys {
    username: Key,
    password: Key,
    token: Key,
    authzid: Key,
}

/// An exchange under way.
struct LoginDialogue {
    mechanism: Mechanism,
    keys: Keys,
    exchange: SaslClient,
    /// How many messages the client has sent.
    sent: usize,
}

impl StepAt<'_> {
    /// Plays the exchange and compares its last reply with what the step expects: 235 if nothing else is said.
    pub(crate) async fn auth(&mut self, auth: &Auth) -> StepDone {
        self.may_write().await?;
        let keys = keys(self, auth)?;
        let mechanism = mechanism(self, auth)?;
        self.guard_secret(keys.secret())?;
        let exchange = begin(self, mechanism, &keys)?;
        let mut dialogue = LoginDialogue { mechanism, keys, exchange, sent: 0 };
        let answer = dialogue.converse(self, auth.initial_response).await?;
        dialogue.judge(self, &answer).await
    }
}

// --- choosing ---------------------------------------------------------------------------------------------------

fn keys(at: &StepAt<'_>, auth: &Auth) -> Result<Keys, Vec<Divergence>> {
    let key = |text: &Option<Text>| text.as_ref().map_or_else(|| Ok(Key::default()), |text| key(at, text));
    Ok(Keys {
        username: key(&auth.username)?,
        password: key(&auth.password)?,
        token: key(&auth.token)?,
        authzid: key(&auth.authzid)?,
    })
}

pub(super) fn key(at: &StepAt<'_>, text: &Text) -> Result<Key, Vec<Divergence>> {
    let rendered = at.render(text, Mode::Plain)?;
    let value = String::from_utf8(rendered.bytes).map_err(|_| {
        let message = "this must be UTF-8".to_owned();
        at.template(&TemplateError { message, span: text.span, help: None })
    })?;
    let expression = text.source.trim().strip_prefix("<<").and_then(|source| source.strip_suffix(">>"));
    let written = match expression.filter(|inner| !inner.contains(['<', '>'])) {
        Some(inner) => inner.trim().to_owned(),
        None => format!("'{}'", rendered.shown),
    };
    Ok(Key { value, written, secret: rendered.secret })
}

fn begin(at: &StepAt<'_>, mechanism: Mechanism, keys: &Keys) -> Result<SaslClient, Vec<Divergence>> {
    let session = at.open().map(|open| &open.session);
    let binding = session.and_then(|session| session.tls()).and_then(|tls| tls.end_point.clone());
    let not_offered = session.is_some_and(|session| {
        let extensions = session.extensions();
        extensions.offers("AUTH", None) && !extensions.offers("AUTH", Some(mechanism.with_binding().name()))
    });
    let unbound = binding.is_some() && not_offered;
    let exchange = SaslClient::new(mechanism, keys.credentials(), &at.stage.templates.nonce(), binding, unbound);
    exchange.map_err(|fault| {
        let help = "check the values of `auth`, and whether TLS was begun";
        vec![at.place_of_action().refused(&fault.message, help)]
    })
}

impl LoginDialogue {
    // --- talking and judging -----------------------------------------------------------------------------------

    /// Sends the command and answers challenges until another reply comes.
    async fn converse(&mut self, at: &mut StepAt<'_>, initial_response: bool) -> Result<Answered, Vec<Divergence>> {
        let first = if initial_response { self.exchange.initial_response() } else { None };
        let line = format!("AUTH {}", self.mechanism);
        let mut sent = Rendered::fixed(&line);
        if let Some(message) = first {
            let encoded = if message.is_empty() { "=".to_owned() } else { STANDARD.encode(message) };
            let message = self.show(&encoded, at.ground.settings.show_secrets);
            sent = Rendered {
                bytes: format!("{line} {encoded}\r\n").into_bytes(),
                shown: format!("{line} {}", message.shown),
                secret: message.secret,
            };
            self.sent += 1;
        }
        at.write(sent).await?;
        loop {
            let read = at.read_reply("a challenge (334) or the end of the exchange (235)").await;
            let answer = read.map_err(|divergences| self.unanswered(divergences))?;
            if answer.reply.code() != CHALLENGE {
                return Ok(answer);
            }
            let responded = decoded(&answer.reply).and_then(|challenge| self.exchange.respond(&challenge));
            let message = match responded {
                Ok(message) => STANDARD.encode(message),
                Err(fault) => return Err(vec![self.cancel(at, &answer, &fault).await]),
            };
            at.write(self.show(&message, at.ground.settings.show_secrets)).await?;
            self.sent += 1;
            // What advises on replies wants to know the command, not a line of its exchange.
            let command = format!("AUTH {}", self.mechanism);
            at.session()?.asked().name_last(&command);
        }
    }

    /// Ends an exchange that cannot go on as RFC 4954 section 4 has it, so that `finally` finds a usable session.
    async fn cancel(&self, at: &mut StepAt<'_>, answer: &Answered, fault: &AuthFault) -> Divergence {
        let mut divergence = self.fault(at, fault);
        if fault.kind != FaultKind::Signature {
            let place = at.place_of_action();
            let challenge = decoded(&answer.reply).unwrap_or_default();
            let quoted = if challenge.is_empty() || challenge.starts_with(b"v=") {
                place.quoted(&answer.reply.joined())
            } else {
                place.quoted(&challenge)
            };
            divergence.diagnostic = divergence.diagnostic.note(format!("the challenge was {quoted}"));
        }
        // The exchange has diverged already: what becomes of its end changes nothing.
        if at.write(Rendered::fixed("*")).await.is_ok() {
            _ = at.read_reply("the end of the exchange").await;
        }
        divergence
    }

    async fn judge(&self, at: &mut StepAt<'_>, answer: &Answered) -> StepDone {
        let compared = match &at.step.expect {
            Some(expectation) => at.compare(expectation, answer),
            None if answer.reply.code() == SUCCEEDED => Ok((Vec::new(), false)),
            None => Err(at.other_code(SUCCEEDED, answer)),
        };
        let (captures, echo) = compared.map_err(|divergences| self.explained(at, answer, divergences))?;
        if answer.reply.code() == SUCCEEDED
            && let Err(fault) = self.exchange.finish()
        {
            return Err(vec![self.fault(at, &fault)]);
        }
        at.stage.capture(captures, echo);
        match at.step.expect.as_ref().map(|expectation| &expectation.kind) {
            Some(Expected::Fields(fields)) => match fields.closed {
                Some((closed, span)) => at.expect_end(closed, span).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn fault(&self, at: &StepAt<'_>, fault: &AuthFault) -> Divergence {
        let message = format!("{}: {}", self.mechanism, fault.message);
        at.place_of_action().fault(Kind::Auth, &message)
    }

    /// Says of a refusal which line of the exchange it answers, and what else is known about it.
    fn explained(&self, at: &StepAt<'_>, answer: &Answered, mut divergences: Vec<Divergence>) -> Vec<Divergence> {
        let Some(first) = divergences.first_mut().filter(|_| answer.reply.code() >= 400) else { return divergences };
        let mut diagnostic = first.diagnostic.clone().note(format!("this answers {}", self.last_said()));
        if let Some(error) = self.exchange.server_error() {
            let quoted = at.place().quoted(error.as_bytes());
            diagnostic = diagnostic.note(format!("before it the server said why: {quoted}"));
        }
        if self.sent <= 1
            && let Some(list) = offered(at)
        {
            diagnostic = diagnostic.note(format!("the last EHLO reply offers {list}"));
        }
        first.diagnostic = diagnostic;
        divergences
    }
}

impl Keys {
    fn secret(&self) -> bool {
        [&self.username, &self.password, &self.token, &self.authzid].iter().any(|key| key.secret)
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            username: self.username.value.clone(),
            password: self.password.value.clone(),
            token: self.token.value.clone(),
            authzid: self.authzid.value.clone(),
        }
    }
}

impl LoginDialogue {
    /// Says of a wait that failed what it was for.
    fn unanswered(&self, mut divergences: Vec<Divergence>) -> Vec<Divergence> {
        if let Some(first) = divergences.first_mut() {
            first.diagnostic = first.diagnostic.clone().note(format!("nothing answered {}", self.last_said()));
        }
        divergences
    }

    /// The client's next message as it could have been written: the base64 itself where no secret is in it.
    fn show(&self, encoded: &str, show_secrets: bool) -> Rendered {
        let is_proof = self.is_scram() && self.sent == 1;
        match self.written() {
            Some((secret, written)) if is_proof || secret && !show_secrets => {
                Rendered { shown: format!("<<{written}>>"), secret: true, ..Rendered::fixed(encoded) }
            }
            _ => Rendered::fixed(encoded),
        }
    }

    /// The client's next message as a template, and whether it depends on a secret.
    fn written(&self) -> Option<(bool, String)> {
        let Keys { username: user, password, token, authzid } = &self.keys;
        let for_user = |call: String| {
            if authzid.written.is_empty() { call } else { format!("{call}, authzid={}", authzid.written) }
        };
        let (secret, written) = match (self.mechanism, self.sent) {
            (Mechanism::Plain, 0) => {
                let call = for_user(format!("auth_plain({}, {}", user.written, password.written));
                (self.keys.secret(), format!("{call})"))
            }
            (Mechanism::Login, 0) => (user.secret, format!("{} | b64encode", user.written)),
            (Mechanism::Login, 1) => (password.secret, format!("{} | b64encode", password.written)),
            (Mechanism::CramMd5, 0) => {
                let call = format!("auth_cram_md5(challenge, {}, {})", user.written, password.written);
                (user.secret || password.secret, call)
            }
            (Mechanism::XOAuth2, 0) => {
                (user.secret || token.secret, format!("auth_xoauth2({}, {})", user.written, token.written))
            }
            (Mechanism::OAuthBearer, 0) => {
                let name = if user.written.is_empty() { "''" } else { &user.written };
                (user.secret || token.secret, format!("auth_oauthbearer({name}, {})", token.written))
            }
            (Mechanism::External, 0) => (authzid.secret, format!("{} | b64encode", authzid.written)),
            (Mechanism::Anonymous, 0) => (user.secret, format!("{} | b64encode", user.written)),
            (_, 0) => {
                let call = for_user(format!("scram_first({}", user.written));
                (user.secret || authzid.secret, format!("{call})"))
            }
            (_, 1) if self.is_scram() => (true, format!("scram_final(first, {}, challenge)", password.written)),
            _ => return None,
        };
        Some((secret, written))
    }

    /// What the client had said last when the exchange ended.
    fn last_said(&self) -> &'static str {
        match (self.mechanism, self.sent) {
            (_, 0) => "the AUTH command itself: no credentials were sent",
            (Mechanism::Plain, _) => "the user name and password",
            (Mechanism::Login, 1) => "the user name: the password was not sent",
            (Mechanism::Login, _) => "the password",
            (Mechanism::CramMd5, _) => "the user name and the digest of the password",
            (Mechanism::XOAuth2 | Mechanism::OAuthBearer, _) => "the token",
            (Mechanism::External, _) => "the request to log in as the client certificate's owner",
            (Mechanism::Anonymous, _) => "the request to log in as nobody",
            (_, 1) => "the user name (SCRAM's first message): no proof of the password was sent",
            (_, 2) => "the proof of the password (SCRAM's final message)",
            _ => "the end of the exchange",
        }
    }

    fn is_scram(&self) -> bool {
        self.mechanism.name().starts_with("SCRAM-")
    }
}

/// What a challenge holds; blanks around it are some servers' habit.
fn decoded(reply: &Reply) -> Result<Vec<u8>, AuthFault> {
    let text = reply.texts().next().unwrap_or_default();
    STANDARD
        .decode(text.trim_ascii())
        .map_err(|_| AuthFault { kind: FaultKind::Challenge, message: "the challenge is not base64".to_owned() })
}
