//! What came of a run: plain data that every report is made from.

mod certificate;

pub use certificate::CertificateOutcome;

use super::divergence::{Cause, Divergence};
use super::passed::PassedSteps;
use super::program::ClientEnd;
use super::step_number::StepNumber;
use crate::net::tls::TlsFacts;
use crate::play::client::sessions::Open;
use crate::play::rewrite::Rewrite;
use crate::scenario::{Level, Severity, Sources, Span};
use crate::session::{Arrivals, Entry, Exchange, ReplyEntry};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What came of playing one scenario.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The scenario's name, or its file's.
    pub name: String,
    /// The file as it was given.
    pub path: String,
    /// The files that spans refer to.
    pub sources: Sources,
    /// What the scenario is tagged with.
    pub tags: Vec<String>,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Every step in the order of the file, those of a group after it.
    pub steps: Vec<StepOutcome>,
    /// What the scenario claims about the other side.
    pub claim: ClaimOutcome,
    /// Whether a divergence is a warning, by its level.
    pub is_warning: bool,
    /// Why the scenario is not about this other side, where that came out: nothing was tested then.
    pub not_applicable: Option<String>,
    /// The figures of steps that lie further back than is kept.
    pub passed: PassedSteps,
    /// What diverged, in the order it happened; the first is the headline.
    pub divergences: Vec<Divergence>,
    /// The connections, in the order they were closed.
    pub sessions: Vec<SessionOutcome>,
    /// What was captured from replies, masked and made visible, by name.
    pub captures: Vec<(String, String)>,
    /// What expectations must become to hold; empty unless an update was asked for.
    pub rewrites: Vec<Rewrite>,
    /// Expectations that held, where an update was asked for.
    pub held: Vec<Span>,
    /// What went over the wire.
    pub transcript: Vec<Entry>,
    /// What both sides did on each connection, where [`Settings::record`](crate::play::Settings) asks for it.
    pub exchanges: Vec<Exchange>,
    /// Things to know that are no divergence.
    pub notices: Vec<String>,
    /// What came of the client program, where there was one.
    pub client_end: Option<ClientEnd>,
}

/// What a scenario claims, with its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimOutcome {
    /// How bad it is where that does not hold.
    pub level: Option<Level>,
    /// The sections that it rests on.
    pub rfc: Vec<String>,
    /// Why it matters.
    pub why: Option<String>,
    /// What to change, by the make of the server.
    pub mend: Vec<(String, String)>,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutcome {
    /// `7`, nested `2.3`; empty for the top-level `connect`.
    pub number: StepNumber,
    /// The step's name, rendered.
    pub name: Option<String>,
    /// What it does, by the key that it is written with: `send`, `expect`, `steps` …
    pub action: &'static str,
    /// What it is called where it has no name: `send MAIL FROM:<<<from>>>`, as the file says it.
    pub title: Arc<str>,
    /// Where it stands.
    pub span: Span,
    /// The session that it speaks in.
    pub session: Arc<str>,
    /// What became of it.
    pub verdict: Verdict,
    /// When it began, from the start of the run.
    pub started: Duration,
    /// How long it took.
    pub duration: Duration,
    /// The turns of the loops around it, the outermost first.
    pub turns: Arc<[usize]>,
    /// The whole replies that it read.
    pub replies: Vec<ReplyEntry>,
    /// What it observed: `reply`, `silence`, `closed`, `reset`, `bytes` or `alert`.
    pub observed: Option<&'static str>,
    /// Why it was not played, where that is not its own `when`.
    pub reason: Option<String>,
    /// All that came while it was played.
    pub received: Arrivals,
}

/// One connection, in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOutcome {
    /// Its name: `main` where the scenario gives none.
    pub name: Arc<str>,
    /// The server as the scenario names it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What stood in for it: `the sandbox`, or the server of the command line as `HOST:PORT`.
    pub stand_in: Option<String>,
    /// The server's address that was connected to; a unix socket has none.
    pub address: Option<String>,
    /// When it was open, from the start of the run.
    pub opened: Duration,
    /// When it was closed by this side, from the start of the run.
    pub closed: Duration,
    /// Octets sent, those of TLS itself left out.
    pub sent: u64,
    /// Octets received, those of TLS itself left out.
    pub received: u64,
    /// Messages that the server took: replies 2yz to the end of mail data.
    pub messages: u64,
    /// Each TLS handshake.
    pub tls: Vec<Handshake>,
    /// The certificate that this side refused, if it could be seen.
    pub refused_certificate: Option<CertificateOutcome>,
}

/// What a TLS handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// When it was done, from the start of the run.
    pub at: Duration,
    /// `TLSv1.3` and the like; `unknown` where it could not be read.
    pub version: String,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// Whether the certificate was verified.
    pub verified: bool,
    /// The other side's certificate.
    pub certificate: Option<CertificateOutcome>,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything came as expected.
    Followed,
    /// Something else came.
    Diverged,
    /// Its `when` was false, or its group does not apply.
    Skipped,
    /// A step before it diverged.
    Unreached,
}

/// What came of a run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunVerdict {
    /// The conversation followed its script to the end.
    Followed,
    /// The other side left it.
    Diverged,
    /// Nothing that diverged is more than a warning, by the level of the scenario or by a `warn`.
    Warned,
    /// It is not about this other side: nothing was tested.
    NotApplicable,
    /// The scenario could not be played as it was asked for.
    Refused,
    /// There was no connection.
    Unreachable,
    /// The user ended it.
    Interrupted,
    /// It ended in a bug of smtp-script.
    Bug,
}

impl Outcome {
    /// Adds to its name what tells it from other runs of the same scenario.
    pub(crate) fn label(&mut self, label: &str) {
        if !label.is_empty() {
            let name = if self.name == self.path { String::new() } else { format!("{} ", self.name) };
            self.name = format!("{name}{label}");
        }
    }

    /// What diverged is reported as a warning, where it is one.
    pub(crate) fn soften(&mut self) {
        if self.verdict() == RunVerdict::Warned {
            for divergence in &mut self.divergences {
                divergence.diagnostic.severity = Severity::Warning;
            }
        }
    }

    /// Its transcript begins with this line: places in it are counted from there.
    pub(crate) fn count_lines_from(&mut self, first: usize) {
        if first == 0 {
            return;
        }
        for divergence in &mut self.divergences {
            divergence.line = divergence.line.and_then(|line| line.checked_sub(first));
        }
        for reply in self.steps.iter_mut().flat_map(|step| &mut step.replies) {
            reply.lines = reply.lines.start.saturating_sub(first)..reply.lines.end.saturating_sub(first);
        }
    }

    /// Whether the conversation followed its script to the end.
    #[must_use]
    pub fn followed(&self) -> bool {
        self.divergences.is_empty()
    }

    /// What came of the whole run.
    #[must_use]
    pub fn verdict(&self) -> RunVerdict {
        let has =
            |cause| self.divergences.iter().any(|divergence| divergence.cause == cause && !divergence.is_warning());
        match () {
            () if has(Cause::Bug) => RunVerdict::Bug,
            () if has(Cause::Interrupted) => RunVerdict::Interrupted,
            () if has(Cause::User) => RunVerdict::Refused,
            () if has(Cause::Server) && self.is_warning => RunVerdict::Warned,
            () if has(Cause::Server) => RunVerdict::Diverged,
            () if has(Cause::Network) => RunVerdict::Unreachable,
            () if !self.followed() => RunVerdict::Warned,
            () if self.not_applicable.is_some() => RunVerdict::NotApplicable,
            () => RunVerdict::Followed,
        }
    }
}

impl RunVerdict {
    /// The exit code that it asks for, and the number in reports: here and nowhere else.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            RunVerdict::Followed | RunVerdict::Warned | RunVerdict::NotApplicable => 0,
            RunVerdict::Diverged => 1,
            RunVerdict::Refused => 2,
            RunVerdict::Unreachable => 3,
            RunVerdict::Bug => 70,
            RunVerdict::Interrupted => 130,
        }
    }
}

impl StepOutcome {
    /// A step that was not reached: where it stands, and nothing else. Its session is the caller's to say.
    pub(crate) fn unreached(
        number: StepNumber,
        action: &'static str,
        title: Arc<str>,
        span: Span,
        started: Duration,
    ) -> StepOutcome {
        StepOutcome {
            number,
            name: None,
            action,
            title,
            span,
            session: Arc::default(),
            verdict: Verdict::Unreached,
            started,
            duration: Duration::ZERO,
            turns: Arc::default(),
            replies: Vec::new(),
            observed: None,
            reason: None,
            received: Arrivals::default(),
        }
    }

    /// Takes on what became of the steps of a group.
    pub(crate) fn encompass<'a>(&mut self, steps: impl Iterator<Item = &'a StepOutcome>) {
        let mut end = Duration::ZERO;
        self.verdict = Verdict::Skipped;
        for step in steps {
            self.started = self.started.min(step.started);
            end = end.max(step.started + step.duration);
            self.verdict = match (self.verdict, step.verdict) {
                (Verdict::Diverged, _) | (_, Verdict::Diverged) => Verdict::Diverged,
                (Verdict::Followed, _) | (_, Verdict::Followed) => Verdict::Followed,
                (_, other) => other,
            };
        }
        self.duration = end.saturating_sub(self.started);
    }
}

impl SessionOutcome {
    pub(crate) fn of(open: &Open, start: Instant) -> SessionOutcome {
        let ledger = open.session.ledger();
        let since = |at: Instant| at.saturating_duration_since(start);
        let handshake = |(at, facts): &(Instant, Arc<TlsFacts>)| Handshake {
            at: since(*at),
            version: facts.version.clone(),
            cipher: facts.cipher.clone(),
            verified: facts.verified,
            certificate: facts.certificate.as_ref().map(CertificateOutcome::of),
        };
        SessionOutcome {
            name: open.session.name().clone(),
            host: open.endpoint.host.clone(),
            port: open.endpoint.port,
            stand_in: open.endpoint.stand_in.clone(),
            address: ledger.peer.map(|peer| peer.to_string()),
            opened: since(ledger.opened),
            closed: ledger.closed.map_or_else(|| start.elapsed(), since),
            sent: ledger.sent.saturating_add_signed(open.correction),
            received: ledger.received,
            messages: ledger.messages,
            tls: ledger.handshakes.iter().map(handshake).collect(),
            refused_certificate: open.refused.as_ref().map(CertificateOutcome::of),
        }
    }
}
