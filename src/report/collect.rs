//! Fills the report from what was played. The only file of this folder, beside `human`, that sees an outcome.

mod parts;

use super::model::{Attempt, Divergence, Program, Report, ScenarioReport, StepVerdict, Summary, VERSION, Verdict};
use super::values::Values;
use crate::run::{Outcome, RunVerdict};
use crate::scenario::{self, Sources};
use crate::visible::inert;
use jiff::Timestamp;
pub(super) use parts::diagnostic;
pub(crate) use parts::level;
use parts::{divergence, session, step, transcript};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a scenario's outcome does not say itself.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// What distinguishes it from all others, the same in every run.
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
        name: name.map_or_else(|| path.clone(), inert),
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
            audit: None,
            changes: None,
        }
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
    /// Scenarios that did not do what they should, as [`Verdict::is_failure`] tells of each.
    pub(crate) fn failed(&self) -> u64 {
        self.diverged + self.unreachable + self.broken + self.interrupted + self.not_played
    }

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

/// The conversation of an outcome.
pub(crate) fn lines(outcome: &Outcome) -> Vec<super::model::Line> {
    transcript(outcome, false).0
}

/// Seconds to the microsecond.
pub(super) fn seconds(duration: Duration) -> f64 {
    Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}

/// A moment to the millisecond (RFC 3339).
pub(super) fn moment(moment: Timestamp) -> String {
    format!("{moment:.3}")
}
