//! A client that is audited: what it is set up to do, as a first session showed, and the values that its checks are played
//! with.

use super::judge_client::{NOBODY_CAME, told};
use crate::audit::NotPlayed;
use crate::run::{Kind, Outcome, RunVerdict, Speaker};
use std::collections::BTreeMap;

/// The user name that clients log in with.
pub(crate) const USER: &str = "audit-user";
/// The addresses that they send from and to.
pub(crate) const SENDER: &str = "sender@client.example";
pub(crate) const RECIPIENT: &str = "recipient@server.example";
/// What they connect to: the certificate is for this name, and for the loopback addresses.
pub(crate) const HOST: &str = "localhost";
/// The message that they are asked to send, where a check wants no other.
pub(crate) const MESSAGE: &str = "From: <sender@client.example>\r\nTo: <recipient@server.example>\r\n\
                                  Subject: smtp-script audit\r\nMessage-ID: <audit@client.example>\r\n\
                                  Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nA message of the audit.\r\n";

/// What a client is set up to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Habits {
    /// `none`, `starttls` or `implicit`.
    pub(crate) tls: String,
    /// Whether it must not go on without TLS.
    pub(crate) requires_tls: bool,
    /// The mechanism that it logs in by, in lower case, or `none`.
    pub(crate) login: String,
    /// How many recipients a message of it has.
    pub(crate) recipients: usize,
}

/// What `--expects` says of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expects {
    /// It is set up to use TLS, and never to go on without it.
    Tls,
    /// It is set up to log in; TLS is welcome.
    Auth,
    /// Neither.
    Plain,
}

impl Habits {
    /// As the first session showed it.
    ///
    /// # Errors
    /// Why no check can be played.
    pub(crate) fn of(outcome: &Outcome, expects: Option<Expects>) -> Result<Habits, NotPlayed> {
        if let Some(never) = never_came(outcome) {
            return Err(NotPlayed(never));
        }
        let lines = outcome.transcript.iter().filter(|entry| entry.speaker == Speaker::Client);
        let words: Vec<Vec<String>> = lines.map(|entry| words(&entry.text)).collect();
        let verb = |line: &Vec<String>, verb: &str| line.first().is_some_and(|word| word == verb);
        let implicit = outcome.steps.iter().any(|step| step.observed == Some("tls"));
        let shook_hands = outcome.sessions.iter().any(|session| !session.tls.is_empty());
        let asked = words.iter().any(|line| verb(line, "STARTTLS"));
        if (implicit || asked) && !shook_hands {
            return Err(NotPlayed(untrusting(outcome)));
        }
        let login = words.iter().find(|line| verb(line, "AUTH")).and_then(|line| line.get(1));
        Ok(Habits {
            tls: if implicit {
                "implicit"
            } else if asked {
                "starttls"
            } else {
                "none"
            }
            .to_owned(),
            requires_tls: expects.map_or(shook_hands, |expects| expects == Expects::Tls),
            login: login.map_or("none".to_owned(), |mechanism| mechanism.to_lowercase()),
            recipients: words.iter().filter(|line| verb(line, "RCPT")).count().max(1),
        })
    }

    /// The variables that checks are played with.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let own = [
            ("tls_mode", self.tls.clone()),
            ("tls_required", yes(self.requires_tls)),
            ("login", self.login.clone()),
            ("recipients", self.recipients.to_string()),
        ];
        own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What was seen, in words.
    pub(crate) fn describe(&self) -> String {
        let tls = match self.tls.as_str() {
            "implicit" => "begins with TLS",
            "starttls" => "asks for STARTTLS",
            _ => "uses no TLS",
        };
        let login = if self.login == "none" {
            "does not log in".to_owned()
        } else {
            format!("logs in by {}", self.login.to_uppercase())
        };
        format!("it {tls} and {login}")
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_ascii_whitespace().take(2).map(str::to_uppercase).collect()
}

/// Why there was no session.
fn never_came(outcome: &Outcome) -> Option<String> {
    let ended = outcome.client_end.as_ref().map_or_else(|| "the connection ended".to_owned(), told);
    if outcome.divergences.iter().any(|divergence| divergence.kind == Kind::Connections) {
        let never = || format!("it never connected: {ended}");
        return Some(outcome.client_end.as_ref().map_or_else(|| NOBODY_CAME.to_owned(), |_| never()));
    }
    let silent = !outcome.transcript.iter().any(|entry| entry.speaker == Speaker::Client);
    let implicit = outcome.steps.iter().any(|step| step.observed == Some("tls"));
    match outcome.verdict() {
        RunVerdict::Interrupted => Some(super::ENDED_EARLY.to_owned()),
        _ if silent && !implicit => Some(format!("it connected and said nothing: {ended}")),
        _ => None,
    }
}

/// Without trust there is no session under TLS, and each check of certificates would pass for the wrong reason.
fn untrusting(outcome: &Outcome) -> String {
    let refuses = "it refuses a certificate that is right: let it trust the authority";
    match &outcome.client_end {
        Some(end) => format!("{refuses} in {{ca}} (SMTP_CA); {}", told(end)),
        None => format!("{refuses} that `--ca-out` writes, and know the server by the name that `--host` says"),
    }
}
