//! A divergence: where the conversation left its script, whose doing that is, and of which kind.

use super::step_number::StepNumber;
use crate::scenario::Diagnostic;
use std::sync::Arc;

/// Something that did not follow the script.
#[derive(Debug, Clone)]
pub struct Divergence {
    /// The number of the step; empty for the top-level `connect`.
    pub step: StepNumber,
    /// Whose doing it is.
    pub cause: Cause,
    /// The class of what happened.
    pub kind: Kind,
    /// What kept a connection or a TLS handshake from succeeding, for machines: `name`, `refused`, `expired` …
    pub reason: Option<&'static str>,
    /// The code of the reply that was not expected.
    pub reply_code: Option<u16>,
    /// The line of the transcript that it is about, where there is one.
    pub line: Option<usize>,
    /// The turns of the loops around the step, the outermost first.
    pub turns: Arc<[usize]>,
    /// What was expected, in the words of the message.
    pub expected: Option<Box<str>>,
    /// What came instead, masked and made visible.
    pub got: Option<Box<str>>,
    /// Message, place, what came, and what helps.
    pub diagnostic: Diagnostic,
}

impl Divergence {
    /// Of which nothing more is known than what is said about it.
    pub(crate) fn new(step: StepNumber, cause: Cause, kind: Kind, diagnostic: Diagnostic) -> Divergence {
        Divergence {
            step,
            cause,
            kind,
            reason: None,
            reply_code: None,
            line: None,
            turns: Arc::default(),
            expected: None,
            got: None,
            diagnostic,
        }
    }

    /// Whether the run was asked for wrongly, so that nothing of it goes on. A template that fails spoils its step alone.
    pub(crate) fn ends_the_run(&self) -> bool {
        self.cause == Cause::User && self.kind != Kind::Template
    }

    /// Whether it is a warning only: a `warn` that is not true.
    pub(crate) fn is_warning(&self) -> bool {
        !self.diagnostic.is_error()
    }

    /// With what was expected and what came instead.
    pub(crate) fn between(self, expected: &str, got: String) -> Divergence {
        let expected = (!expected.is_empty()).then(|| expected.into());
        Divergence { expected, got: Some(got.into()), ..self }
    }
}

/// The class of what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Another reply, line or bytes than expected.
    Reply,
    /// A wait took longer than it may.
    Timeout,
    /// The connection was closed.
    Closed,
    /// The connection was reset.
    Reset,
    /// What came is no reply or no command line.
    Malformed,
    /// Plain text stood before a TLS handshake.
    Injection,
    /// A template could not be rendered.
    Template,
    /// The run was asked for wrongly.
    Refused,
    /// An assertion is false.
    Assert,
    /// The user ended the run.
    Interrupted,
    /// The time of the whole run is over.
    MaxTime,
    /// Something came that nothing had asked for.
    Unasked,
    /// A TLS handshake failed.
    Tls,
    /// There was no connection.
    Connect,
    /// A login could not go on.
    Auth,
    /// No BDAT command said how much to read.
    Bdat,
    /// A reply came before all of the mail data was sent.
    Early,
    /// What must fail did not.
    Fails,
    /// Nothing reads what is sent on and on.
    Unread,
    /// The run could not begin.
    Start,
    /// A bug in smtp-script.
    Bug,
    /// Another number of connections than listed.
    Connections,
    /// A rule answered more or less often than it must.
    Rule,
}

/// What came in place of what was expected, in one word: a reply code, `closed`, `reset`, `silence` or `bytes`.
/// `kind` is a [`Kind::name`].
pub(crate) fn what_came(reply_code: Option<u16>, kind: &str) -> String {
    match (reply_code, kind) {
        (Some(code), _) => code.to_string(),
        (None, "timeout") => "silence".to_owned(),
        (None, "closed" | "reset") => kind.to_owned(),
        _ => "bytes".to_owned(),
    }
}

impl Kind {
    /// The word that reports have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Reply => "reply",
            Kind::Timeout => "timeout",
            Kind::Closed => "closed",
            Kind::Reset => "reset",
            Kind::Malformed => "malformed",
            Kind::Injection => "injection",
            Kind::Template => "template",
            Kind::Refused => "refused",
            Kind::Assert => "assert",
            Kind::Interrupted => "interrupted",
            Kind::MaxTime => "max-time",
            Kind::Unasked => "unasked",
            Kind::Tls => "tls",
            Kind::Connect => "connect",
            Kind::Auth => "auth",
            Kind::Bdat => "bdat",
            Kind::Early => "early",
            Kind::Fails => "fails",
            Kind::Unread => "unread",
            Kind::Start => "start",
            Kind::Bug => "bug",
            Kind::Connections => "connections",
            Kind::Rule => "rule",
        }
    }
}

/// Whose doing a divergence is; it decides the verdict on the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server's.
    Server,
    /// The scenario or the way it was called.
    User,
    /// There was no connection at all.
    Network,
    /// Nobody's: the run was interrupted.
    Interrupted,
    /// A bug in smtp-script.
    Bug,
}
