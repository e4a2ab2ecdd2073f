//! The steps that send one message: greeting, TLS, login, envelope, the message, the end.
//!
//! Responsible for their order and for what each expects. Not for what the message is, nor for where it goes. Called by
//! `send`, which plays them, and by `starter`, which writes them down.

use crate::scenario::write::{DraftAction, DraftExpect, DraftStep};
use crate::smtp::auth::Mechanism;

/// What is sent, and how.
pub(super) struct FirstMessage {
    pub(super) starttls: bool,
    pub(super) login: Option<FirstLogin>,
    /// Templates of the addresses.
    pub(super) recipients: Vec<String>,
    pub(super) message: DraftAction,
}

/// How to log in.
pub(super) struct FirstLogin {
    /// The name of the step.
    pub(super) name: &'static str,
    /// Without one the strongest that both sides have.
    pub(super) mechanism: Option<Mechanism>,
    /// The names of the values.
    pub(super) username: &'static str,
    pub(super) secret: &'static str,
}

impl FirstMessage {
    /// The steps, in their order.
    pub(super) fn steps(self) -> Vec<DraftStep> {
        let mut steps = vec![expect("^220")];
        if self.starttls {
            steps.push(line("EHLO <<client>>", "^250[ -]STARTTLS"));
            steps.push(DraftStep::new(DraftAction::StartTls(Vec::new())));
        }
        match self.login {
            None => steps.push(line("EHLO <<client>>", "^250")),
            Some(login) => steps.extend(login.steps()),
        }
        steps.push(line("MAIL FROM:<<<from>>>", "^250"));
        steps.extend(self.recipients.iter().map(|to| line(&format!("RCPT TO:<{to}>"), "^250")));
        steps.push(line("DATA", "^354"));
        steps.push(DraftStep {
            name: Some("the message is accepted".to_owned()),
            expect: Some(DraftExpect::Reply("^250".to_owned())),
            ..DraftStep::new(self.message)
        });
        steps.push(line("QUIT", "^221"));
        steps
    }
}

impl FirstLogin {
    fn steps(&self) -> [DraftStep; 2] {
        let offered = self.mechanism.map_or_else(String::new, |it| format!(" .*{}", it.name()));
        let mechanism = self.mechanism.map(|it| ("mechanism".to_owned(), it.name().to_owned()));
        let key = if self.mechanism.is_some_and(Mechanism::takes_token) { "token" } else { "password" };
        let credentials = [("username", self.username), (key, self.secret)];
        let credentials = credentials.map(|(key, name)| (key.to_owned(), format!("<<{name}>>")));
        let login = DraftStep {
            name: Some(self.name.to_owned()),
            ..DraftStep::new(DraftAction::Auth(mechanism.into_iter().chain(credentials).collect()))
        };
        [line("EHLO <<client>>", &format!("^250[ -]AUTH{offered}")), login]
    }
}

fn expect(pattern: &str) -> DraftStep {
    DraftStep { expect: Some(DraftExpect::Reply(pattern.to_owned())), ..DraftStep::default() }
}

fn line(text: &str, pattern: &str) -> DraftStep {
    DraftStep { action: DraftAction::Send(text.to_owned()), ..expect(pattern) }
}
