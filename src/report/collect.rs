//! Fills the report from what was played. The only file of this folder, beside `human`, that sees an outcome.

use super::model::{
    Attempt, Certificate, Closed, Diagnostic, Divergence, Level, Line, Place, Program, Received, Reply, Report,
    ScenarioReport, Session, Shard, Speaker, Step, StepVerdict, Summary, Tls, VERSION, Verdict,
};
use super::values::Values;
use super::words;
use crate::run::{self, Outcome, RunVerdict};
use crate::scenario::{self, Footnote, Sources, Span};
use crate::visible::{inert, visible};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// What stands in a transcript for a message that is left out.
const LEFT_OUT: &str = "[mail data left out]";

/// What a scenario's outcome does not tell itself.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// What tells it from all others, the same in every run.
    pub id: String,
    /// Its place among all that were named.
    pub position: u64,
    /// When it began, from the start of the run.
    pub offset: Duration,
    /// Attempts that diverged before.
    pub attempts: Vec<Attempt>,
    /// Whether the lines of messages are left out of the transcript.
    pub without_body: bool,
    /// Whether there is no transcript at all.
    pub without_transcript: bool,
    /// The columns of its case, and the variables that it was played with.
    pub values: Values,
}

/// The report of a scenario that was played. `warnings` are what `check` said of it.
#[must_use]
pub fn played(outcome: &Outcome, circumstances: Circumstances, warnings: &[scenario::Diagnostic]) -> ScenarioReport {
    let sources = &outcome.sources;
    let divergences: Vec<Divergence> = outcome.divergences.iter().map(|one| divergence(one, outcome)).collect();
    let verdict = verdict(outcome, &circumstances);
    let (transcript, places) = if circumstances.without_transcript {
        (Vec::new(), Vec::new())
    } else {
        transcript(outcome, circumstances.without_body)
    };
    ScenarioReport {
        id: circumstances.id,
        position: circumstances.position,
        path: inert(&outcome.path),
        name: inert(&outcome.name),
        tags: outcome.tags.iter().map(|tag| inert(tag)).collect(),
        level: outcome.claim.level.map(level),
        rfc: outcome.claim.rfc.iter().map(|section| inert(section)).collect(),
        why: outcome.claim.why.as_deref().map(inert),
        mend: outcome.claim.mend.iter().map(|(make, text)| (inert(make), inert(text))).collect(),
        reason: outcome.not_applicable.as_deref().map(inert),
        case: circumstances.values.case,
        vars: circumstances.values.vars,
        verdict,
        exit_code: outcome.verdict().exit_code(),
        started: moment(outcome.started),
        offset: seconds(circumstances.offset),
        duration: seconds(outcome.duration),
        attempts: circumstances.attempts,
        divergences: divergences
            .into_iter()
            .map(|one| Divergence { line: one.line.and_then(|line| places.get(line).copied()), ..one })
            .collect(),
        errors: Vec::new(),
        warnings: warnings.iter().map(|one| diagnostic(one, sources)).collect(),
        notices: outcome.notices.clone(),
        steps: outcome.steps.iter().map(|step| self::step(step, outcome)).collect(),
        sessions: outcome.sessions.iter().map(session).collect(),
        captures: outcome.captures.iter().cloned().collect(),
        transcript,
        script: None,
        options: Vec::new(),
        recording: None,
    }
}

/// As much of it as a summary needs: of a scenario whose report nobody reads.
#[must_use]
pub fn headline(outcome: &Outcome, circumstances: Circumstances) -> ScenarioReport {
    let verdict = verdict(outcome, &circumstances);
    ScenarioReport {
        position: circumstances.position,
        verdict,
        exit_code: outcome.verdict().exit_code(),
        duration: seconds(outcome.duration),
        ..unplayed(circumstances.id, inert(&outcome.path), verdict)
    }
}

fn verdict(outcome: &Outcome, circumstances: &Circumstances) -> Verdict {
    match outcome.verdict() {
        RunVerdict::Followed if circumstances.attempts.is_empty() => Verdict::Followed,
        RunVerdict::Followed => Verdict::Flaky,
        RunVerdict::Refused | RunVerdict::Bug => Verdict::Broken,
        RunVerdict::Unreachable => Verdict::Unreachable,
        RunVerdict::Interrupted => Verdict::Interrupted,
        RunVerdict::Diverged => Verdict::Diverged,
        RunVerdict::Warned => Verdict::Warned,
        RunVerdict::NotApplicable => Verdict::NotApplicable,
    }
}

/// The report of a scenario that could not be run at all.
#[must_use]
pub fn broken(
    id: String,
    name: Option<&str>,
    sources: &Sources,
    diagnostics: &[scenario::Diagnostic],
) -> ScenarioReport {
    let path = inert(sources.name());
    let (errors, warnings) = diagnostics.iter().partition::<Vec<_>, _>(|one| one.is_error());
    let told = |list: Vec<&scenario::Diagnostic>| list.into_iter().map(|one| diagnostic(one, sources)).collect();
    ScenarioReport {
        name: name.map_or_else(|| path.clone(), |name| inert(name)),
        errors: told(errors),
        warnings: told(warnings),
        exit_code: RunVerdict::Refused.exit_code(),
        ..unplayed(id, path, Verdict::Broken)
    }
}

/// The report of a scenario whose turn never came.
#[must_use]
pub fn not_played(id: String, name: &str, path: &str) -> ScenarioReport {
    ScenarioReport { name: inert(name), ..unplayed(id, inert(path), Verdict::NotPlayed) }
}

fn unplayed(id: String, path: String, verdict: Verdict) -> ScenarioReport {
    ScenarioReport {
        id,
        position: 0,
        name: path.clone(),
        path,
        tags: Vec::new(),
        level: None,
        rfc: Vec::new(),
        why: None,
        mend: BTreeMap::new(),
        reason: None,
        case: BTreeMap::new(),
        vars: BTreeMap::new(),
        verdict,
        exit_code: RunVerdict::Followed.exit_code(),
        started: moment(Timestamp::now()),
        offset: 0.0,
        duration: 0.0,
        attempts: Vec::new(),
        divergences: Vec::new(),
        errors: Vec::new(),
        warnings: Vec::new(),
        notices: Vec::new(),
        steps: Vec::new(),
        sessions: Vec::new(),
        captures: BTreeMap::new(),
        transcript: Vec::new(),
        script: None,
        options: Vec::new(),
        recording: None,
    }
}

impl Report {
    /// An empty report of a run that begins now.
    #[must_use]
    pub fn begin() -> Report {
        Report {
            version: VERSION,
            program: Program {
                name: "smtp-script".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            },
            started: moment(Timestamp::now()),
            duration: 0.0,
            interrupted: false,
            exit_code: RunVerdict::Followed.exit_code(),
            shard: None,
            summary: Summary::default(),
            scenarios: Vec::new(),
            errors: Vec::new(),
            load: None,
        }
    }

    /// The same as one part of a run.
    #[must_use]
    pub fn of_shard(self, index: u32, count: u32) -> Report {
        Report { shard: Some(Shard { index, count }), ..self }
    }

    /// Counts the scenarios and their steps anew; what was left out or not selected stays.
    pub fn count(&mut self) {
        let Summary { left_out, not_selected, .. } = self.summary;
        let mut summary = Summary { left_out, not_selected, ..Summary::default() };
        for scenario in &self.scenarios {
            summary.count(scenario);
        }
        self.summary = summary;
    }
}

impl Summary {
    fn count(&mut self, scenario: &ScenarioReport) {
        self.scenarios += 1;
        *match scenario.verdict {
            Verdict::Followed => &mut self.followed,
            Verdict::Flaky => &mut self.flaky,
            Verdict::Diverged => &mut self.diverged,
            Verdict::Unreachable => &mut self.unreachable,
            Verdict::Broken => &mut self.broken,
            Verdict::Interrupted => &mut self.interrupted,
            Verdict::NotPlayed => &mut self.not_played,
            Verdict::Warned => &mut self.warned,
            Verdict::NotApplicable => &mut self.not_applicable,
        } += 1;
        for step in &scenario.steps {
            *match step.verdict {
                StepVerdict::Followed => &mut self.steps.followed,
                StepVerdict::Diverged => &mut self.steps.diverged,
                StepVerdict::Skipped => &mut self.steps.skipped,
                StepVerdict::Unreached => &mut self.steps.unreached,
            } += 1;
        }
    }
}

fn level(level: scenario::Level) -> Level {
    match level {
        scenario::Level::Must => Level::Must,
        scenario::Level::Should => Level::Should,
        scenario::Level::May => Level::May,
    }
}

fn step(step: &run::StepOutcome, outcome: &Outcome) -> Step {
    let reply = |reply: &run::ReplyEntry| Reply {
        code: reply.code,
        enhanced: reply.enhanced.clone(),
        lines: outcome
            .transcript
            .get(reply.lines.clone())
            .unwrap_or_default()
            .iter()
            .map(|one| kept(&one.text))
            .collect(),
        at: seconds(reply.at),
        elapsed: seconds(reply.elapsed),
        octets: reply.octets,
    };
    Step {
        number: step.number.to_string(),
        name: step.name.as_ref().map(|name| inert(name)),
        action: step.action.to_owned(),
        title: inert(&step.title),
        turn: step.turns.last().copied(),
        path: (!step.turns.is_empty()).then(|| path(step)),
        place: place(step.span, &outcome.sources),
        session: inert(&step.session),
        verdict: match step.verdict {
            run::Verdict::Followed => StepVerdict::Followed,
            run::Verdict::Diverged => StepVerdict::Diverged,
            run::Verdict::Skipped => StepVerdict::Skipped,
            run::Verdict::Unreached => StepVerdict::Unreached,
        },
        started: seconds(step.started),
        duration: seconds(step.duration),
        replies: step.replies.iter().map(reply).collect(),
        observed: step.observed.map(str::to_owned),
        reason: step.reason.as_deref().map(inert),
        received: listened(step).then(|| Received { octets: step.received.octets, text: step.received.text.clone() }),
        closed: step.received.reset.map(|reset| if reset { Closed::Reset } else { Closed::Fin }),
    }
}

/// `2.1[3]`
fn path(step: &run::StepOutcome) -> String {
    let turns: String = step.turns.iter().map(|turn| format!("[{turn}]")).collect();
    format!("{}{turns}", step.number)
}

/// Whether a step was played in which something could come.
fn listened(step: &run::StepOutcome) -> bool {
    let played = matches!(step.verdict, run::Verdict::Followed | run::Verdict::Diverged);
    played && !matches!(step.action, "assert" | "connection" | "set" | "sleep" | "steps")
}

fn session(session: &run::SessionOutcome) -> Session {
    let tls = |handshake: &run::Handshake| Tls {
        at: seconds(handshake.at),
        version: handshake.version.clone(),
        cipher: handshake.cipher.clone(),
        verified: handshake.verified,
        certificate: handshake.certificate.as_ref().map(|certificate| Certificate {
            subject: visible(certificate.subject.as_bytes()),
            issuer: visible(certificate.issuer.as_bytes()),
            names: certificate.names.iter().map(|name| visible(name.as_bytes())).collect(),
            not_before: moment(certificate.not_before),
            not_after: moment(certificate.not_after),
            days_left: certificate.days_left,
        }),
    };
    Session {
        name: inert(&session.name),
        host: inert(&session.host),
        port: session.port,
        address: session.address.clone(),
        opened: seconds(session.opened),
        closed: seconds(session.closed),
        sent: session.sent,
        received: session.received,
        messages: session.messages,
        tls: session.tls.iter().map(tls).collect(),
    }
}

fn divergence(divergence: &run::Divergence, outcome: &Outcome) -> Divergence {
    let of_step = |step: &run::StepOutcome| step.number == divergence.step;
    let of_turn = |step: &run::StepOutcome| of_step(step) && *step.turns == *divergence.turns;
    let index = outcome.steps.iter().rposition(of_turn).or_else(|| outcome.steps.iter().rposition(of_step));
    Divergence {
        step: divergence.step.to_string(),
        index,
        kind: divergence.kind.name().to_owned(),
        cause: match divergence.cause {
            run::Cause::Server => "server",
            run::Cause::User => "user",
            run::Cause::Network => "network",
            run::Cause::Interrupted => "interrupted",
            run::Cause::Bug => "bug",
        }
        .to_owned(),
        reason: divergence.reason.map(str::to_owned),
        reply_code: divergence.reply_code,
        expected: divergence.expected.as_deref().map(inert),
        got: divergence.got.as_deref().map(str::to_owned),
        line: divergence.line,
        diagnostic: diagnostic(&divergence.diagnostic, &outcome.sources),
    }
}

/// A diagnostic as every format tells it.
pub(super) fn diagnostic(diagnostic: &scenario::Diagnostic, sources: &Sources) -> Diagnostic {
    let (mut notes, mut help) = (Vec::new(), Vec::new());
    for footnote in &diagnostic.footnotes {
        match footnote {
            Footnote::Fact(text) | Footnote::Note(text) => notes.push(inert(text)),
            Footnote::Help(text) => help.push(inert(text)),
        }
    }
    Diagnostic {
        message: inert(&diagnostic.message),
        place: place(diagnostic.span, sources),
        label: inert(&diagnostic.label),
        notes,
        help,
        rendered: diagnostic.render(sources, false),
    }
}

fn place(span: Span, sources: &Sources) -> Place {
    let position = sources.position(span);
    let file = sources.file(span.file).map_or("", |source| source.name.as_str());
    Place { file: inert(file), line: position.line, column: position.column }
}

/// The lines, and for each entry of the outcome the line that shows it.
fn transcript(outcome: &Outcome, without_body: bool) -> (Vec<Line>, Vec<usize>) {
    let mut lines: Vec<Line> = Vec::with_capacity(outcome.transcript.len());
    let mut places = Vec::with_capacity(outcome.transcript.len());
    let mut left_out = false;
    for entry in &outcome.transcript {
        let hidden = without_body && entry.mail_data;
        if !(hidden && left_out) {
            lines.push(Line {
                at: seconds(entry.at),
                session: inert(&entry.session),
                speaker: match entry.speaker {
                    run::Speaker::Client => Speaker::Client,
                    run::Speaker::Server => Speaker::Server,
                    run::Speaker::Note => Speaker::Note,
                },
                text: if hidden { LEFT_OUT.to_owned() } else { kept(&entry.text) },
                step: entry.step.to_string(),
            });
        }
        left_out = hidden;
        places.push(lines.len() - 1);
    }
    (lines, places)
}

/// What a report keeps of a line: messages of megabytes in few lines would make it as large.
fn kept(line: &str) -> String {
    words::cut(line, words::LINE_LENGTH).into_owned()
}

/// Seconds to the microsecond.
pub(super) fn seconds(duration: Duration) -> f64 {
    Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}

/// A moment to the millisecond (RFC 3339).
pub(super) fn moment(moment: Timestamp) -> String {
    format!("{moment:.3}")
}
