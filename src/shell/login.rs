//! `.auth`, and credentials that are typed by hand: both are secrets from the moment they are known.

use super::Shell;
use crate::scenario::Chance;
use crate::secret;
use crate::session::{Outgoing, Session};
use crate::smtp::auth::{AuthFault, Credentials, FaultKind, Mechanism, SaslClient, strongest};
use crate::smtp::dialogue::Phase;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What stands for credentials where they would be shown.
const CREDENTIALS: &str = "<<credentials>>";

impl Shell {
    /// Logs in. `force` shows a password without TLS.
    pub(super) async fn auth(&mut self, arguments: &str, force: bool) {
        if self.session.is_none() {
            return self.not_connected();
        }
        if self.held.is_some() {
            return self.complain("lines are held back, and a login waits for replies: `.wait` first");
        }
        let mut words = arguments.split_ascii_whitespace();
        let (mechanism, user) = (words.next(), words.next());
        if words.next().is_some() {
            return self.complain("`.auth` takes a mechanism and a user, and asks for the password itself");
        }
        let exchange = self.choose(mechanism, force).and_then(|mechanism| {
            let credentials = self.credentials(mechanism, user)?;
            Ok((mechanism, self.exchange(mechanism, credentials)?))
        });
        match exchange {
            Ok((mechanism, exchange)) => self.converse(mechanism, exchange).await,
            Err(message) => self.complain(&message),
        }
    }

    fn choose(&self, name: Option<&str>, force: bool) -> Result<Mechanism, String> {
        let Some(session) = &self.session else { return Err("there is no connection".to_owned()) };
        let tls = session.tls().is_some();
        let safe = tls || session.is_local() || force;
        let mechanism = match name {
            Some(name) => name.parse().map_err(|fault: AuthFault| fault.message)?,
            None => {
                let binding = session.tls().is_some_and(|tls| tls.end_point.is_some());
                strongest(session.extensions(), safe, false, binding).ok_or_else(|| unusable(session))?
            }
        };
        if mechanism.is_plain_text() && !safe {
            return Err(format!(
                "{mechanism} would show the password to whoever listens: begin TLS with `.starttls`, or insist with `.auth! {mechanism}`"
            ));
        }
        Ok(mechanism)
    }

    fn credentials(&mut self, mechanism: Mechanism, user: Option<&str>) -> Result<Credentials, String> {
        let mut credentials = Credentials::default();
        let user = user.map(str::to_owned).or_else(|| self.settings.user.clone());
        let needs = mechanism.needs();
        if let Some(user) = user {
            credentials.username = user;
        } else if needs.contains(&"username") {
            credentials.username = (self.asker)("username", false)?;
        }
        for (name, value) in [("password", &mut credentials.password), ("token", &mut credentials.token)] {
            if needs.contains(&name) {
                *value = (self.asker)(name, true)?;
                self.learn_secret(name, value);
            }
        }
        Ok(credentials)
    }

    fn exchange(&self, mechanism: Mechanism, credentials: Credentials) -> Result<SaslClient, String> {
        let session = self.session.as_ref();
        let binding = session.and_then(Session::tls).and_then(|tls| tls.end_point.clone());
        let offered = session.is_some_and(|session| {
            let extensions = session.extensions();
            !extensions.offers("AUTH", None) || extensions.offers("AUTH", Some(mechanism.with_binding().name()))
        });
        let unbound = binding.is_some() && !offered;
        let exchange = SaslClient::new(mechanism, credentials, &Chance::fresh().nonce(), binding, unbound);
        exchange.map_err(|fault| fault.message)
    }

    /// Sends the command and answers challenges until another reply comes.
    async fn converse(&mut self, mechanism: Mechanism, mut exchange: SaslClient) {
        let mut line = format!("AUTH {mechanism}");
        let mut shown = line.clone();
        if let Some(message) = exchange.initial_response() {
            line.push(' ');
            line.push_str(&if message.is_empty() { "=".to_owned() } else { STANDARD.encode(message) });
            shown = format!("{shown} {CREDENTIALS}");
        }
        loop {
            if !self.say(&line, &shown).await {
                return;
            }
            let Some(answer) = self.read_reply().await else { return };
            if answer.reply.code() != 334 {
                let believed = answer.reply.code() != 235 || exchange.finish().is_ok();
                return if believed { self.quote_refusal(&exchange) } else { self.disbelieve(&exchange) };
            }
            let text = answer.reply.texts().next().unwrap_or_default().trim_ascii().to_vec();
            let challenge = STANDARD.decode(text);
            let challenge = challenge.map_err(|_| AuthFault {
                kind: FaultKind::Challenge,
                message: "the challenge is not base64".to_owned(),
            });
            match challenge.and_then(|challenge| exchange.respond(&challenge)) {
                Ok(message) => (line, shown) = (STANDARD.encode(message), CREDENTIALS.to_owned()),
                Err(fault) => {
                    self.complain(&fault.message);
                    if self.say("*", "*").await {
                        self.read_reply().await;
                    }
                    return;
                }
            }
        }
    }

    fn disbelieve(&mut self, exchange: &SaslClient) {
        if let Err(fault) = exchange.finish() {
            self.complain(&fault.message);
        }
    }

    /// OAuth and SCRAM say in a challenge why they refuse.
    fn quote_refusal(&mut self, exchange: &SaslClient) {
        if let Some(error) = exchange.server_error() {
            let error = error.to_owned();
            self.complain(&format!("the server said why: {error}"));
        }
    }

    /// Sends one line of an exchange, shown without its credentials.
    async fn say(&mut self, line: &str, shown: &str) -> bool {
        let bytes = format!("{line}\r\n").into_bytes();
        let wait = self.settings.timeout;
        let Some(session) = self.session.as_mut() else { return false };
        let name = session.name().clone();
        self.log.client(&name, shown);
        let outgoing = Outgoing { bytes: &bytes, shown, secret: line != shown };
        let outcome = session.write(outgoing, wait, &self.log).await;
        self.tap.client(&bytes);
        if let Err(trouble) = &outcome {
            self.trouble(trouble, "logging in");
        }
        outcome.is_ok()
    }

    /// Lines of AUTH, and those that answer it or are meant to, hold secrets: whole, decoded, and in their parts.
    pub(super) fn learn_credentials(&mut self, bytes: &[u8]) {
        let mut dialogue = self.tap.dialogue().clone();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = line.trim_ascii_end();
            if dialogue.phase() == Phase::Commands
                && let Some(range) = secret::credentials(text, dialogue.is_response(text))
            {
                self.learn_message(&String::from_utf8_lossy(&text[range]));
            }
            dialogue.wrote(line);
        }
    }

    fn learn_message(&mut self, message: &str) {
        if matches!(message, "" | "=") {
            return;
        }
        if let Ok(decoded) = STANDARD.decode(message) {
            let decoded = String::from_utf8_lossy(&decoded).into_owned();
            // PLAIN: what it is for, who, and the password; LOGIN: one of the last two.
            let password = decoded.rsplit('\0').next().unwrap_or_default();
            self.learn_secret("password", password);
        }
        self.learn_secret("credentials", message);
    }
}

fn unusable(session: &Session) -> String {
    match session.extensions().parameters("AUTH") {
        None => "the last EHLO reply offers no AUTH: send EHLO (`.ehlo`), after TLS once more".to_owned(),
        Some(list) => format!(
            "the server offers {}: nothing that can be used{}; name one to insist: `.auth! MECHANISM`",
            list.join(" "),
            if session.tls().is_some() { "" } else { " without TLS" }
        ),
    }
}
