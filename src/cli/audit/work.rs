//! What an audit has to play, and what has come of it so far: of servers and of clients alike.

use super::result::{plain, told};
use crate::audit::{Check, CheckVerdict, ENDED_EARLY, Judged};
use crate::cli::progress::Standing;
use crate::cli::run::TranscriptsOf;
use crate::report::audit::{Audit, AuditCheck, AuditTarget, AuditVerdict, CheckResult};
use crate::report::collect;
use crate::run::{Finished, Outcome, Play};
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What an outcome of a check says.
type Judge = fn(&Scenario, &Outcome) -> Judged;

/// One check of one server or client, ready to be played.
pub(super) struct CheckPlay {
    pub(super) play: Play,
    /// The command that plays just this one.
    pub(super) command: String,
}

/// What is to be done, and what has come of it.
pub(super) struct AuditWork {
    /// For each play its check and its server or client.
    of_play: Vec<(usize, usize)>,
    /// The servers or clients, as reports have them.
    subjects: Vec<AuditTarget>,
    scenarios: Vec<Arc<Scenario>>,
    ids: Vec<&'static str>,
    judge: Judge,
    results: BTreeMap<(usize, usize), CheckResult>,
    /// What the scenarios say with the values of a run, by check.
    told: BTreeMap<usize, (Option<String>, BTreeMap<String, String>)>,
    /// The command that plays each check for each of them.
    commands: BTreeMap<(usize, usize), String>,
    spans: Vec<Option<(Duration, Duration)>>,
    transcripts: TranscriptsOf,
    done: u64,
    failed: u64,
}

impl AuditWork {
    /// Every check of every server or client, by their numbers; `prepare` says why one is not played.
    pub(super) fn new(
        checks: &[Check],
        subjects: Vec<AuditTarget>,
        transcripts: TranscriptsOf,
        judge: Judge,
        prepare: &dyn Fn(usize, usize) -> Result<CheckPlay, CheckResult>,
    ) -> (AuditWork, Vec<Play>) {
        let mut work = AuditWork {
            of_play: Vec::new(),
            spans: subjects.iter().map(|_| None).collect(),
            subjects,
            scenarios: checks.iter().map(|check| check.scenario.clone()).collect(),
            ids: checks.iter().map(|check| check.id).collect(),
            judge,
            results: BTreeMap::new(),
            told: BTreeMap::new(),
            commands: BTreeMap::new(),
            transcripts,
            done: 0,
            failed: 0,
        };
        let pairs = (0..checks.len()).flat_map(|check| (0..work.subjects.len()).map(move |subject| (check, subject)));
        let mut plays = Vec::new();
        for (check, subject) in pairs {
            match prepare(check, subject) {
                Ok(CheckPlay { play, command }) => {
                    plays.push(play);
                    work.of_play.push((check, subject));
                    work.commands.insert((check, subject), command);
                }
                Err(result) => _ = work.results.insert((check, subject), result),
            }
        }
        (work, plays)
    }

    /// The checks that are played of one server or client.
    pub(super) fn checks_of(&self, subject: usize) -> impl Iterator<Item = usize> {
        self.of_play.iter().filter(move |(_, at)| *at == subject).map(|(check, _)| *check)
    }

    /// How far it is, while `under_way` checks are being played.
    pub(super) fn standing(&self, under_way: u64) -> Standing {
        Standing { done: self.done, of: Some(self.of_play.len() as u64), failed: self.failed, under_way, time: None }
    }

    /// Keeps what came of one play; gives its check, whose it is, and the verdict.
    pub(super) fn take(&mut self, finished: &Finished) -> (&'static str, usize, AuditVerdict) {
        let (check, subject) = self.of_play[finished.play];
        let outcome = &finished.outcome;
        let judged = (self.judge)(&self.scenarios[check], outcome);
        self.done += 1;
        self.failed += u64::from(judged.verdict == CheckVerdict::Fail);
        let end = finished.offset + outcome.duration;
        let span = self.spans[subject].get_or_insert((finished.offset, end));
        *span = (span.0.min(finished.offset), span.1.max(end));
        let claim = &outcome.claim;
        self.told.entry(check).or_insert_with(|| (claim.why.clone(), claim.mend.iter().cloned().collect()));
        let shown = self.transcripts.takes(judged.verdict != CheckVerdict::Fail);
        let mut result = told(judged, outcome, shown);
        if result.verdict == AuditVerdict::Fail {
            result.play = self.commands.get(&(check, subject)).cloned();
        }
        let verdict = result.verdict;
        self.results.insert((check, subject), result);
        (self.ids[check], subject, verdict)
    }

    pub(super) fn into_audit(mut self, checks: &[Check]) -> Audit {
        let mut audit = Audit { targets: std::mem::take(&mut self.subjects), ..Audit::default() };
        for (target, span) in audit.targets.iter_mut().zip(&self.spans) {
            let (from, to) = span.unwrap_or_default();
            target.duration = to.saturating_sub(from).as_secs_f64();
        }
        for (at, check) in checks.iter().enumerate() {
            let (why, mend) = self.told.remove(&at).unwrap_or_default();
            let results = audit.targets.iter().enumerate().map(|(index, target)| {
                let over = || plain(AuditVerdict::Blocked, ENDED_EARLY.to_owned());
                (target.name.clone(), self.results.remove(&(at, index)).unwrap_or_else(over))
            });
            let results = results.collect();
            audit.checks.push(AuditCheck {
                id: check.id.to_owned(),
                rfc: check.scenario.claim.rfc.clone(),
                level: collect::level(check.level()),
                group: check.group.to_owned(),
                name: check.scenario.name.clone().unwrap_or_default(),
                why,
                mend,
                results,
            });
        }
        audit.count();
        audit
    }
}
