//! The last probes, for the start page: as many as fit.
//!
//! Responsible for memory: their number and the size of their transcripts are bounded, and those that failed are kept
//! longer than those that did not.

use crate::report::model::ScenarioReport;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many probes that succeeded are kept, and how many that failed.
const KEPT: usize = 50;
/// The octets of all transcripts together.
const OCTETS: usize = 8 * 1024 * 1024;

/// A probe that is over.
pub(super) struct PastProbe {
    /// Its number since the start, from 1.
    pub(super) number: u64,
    pub(super) scenario: String,
    pub(super) target: String,
    pub(super) report: ScenarioReport,
    octets: usize,
}

/// The last ones, the newest last.
#[derive(Default)]
pub(super) struct History {
    kept: VecDeque<Arc<PastProbe>>,
    last_number: u64,
    octets: usize,
}

impl History {
    pub(super) fn add(&mut self, scenario: &str, target: &str, report: ScenarioReport) -> Arc<PastProbe> {
        self.last_number += 1;
        let octets = size(&report);
        let done = Arc::new(PastProbe {
            number: self.last_number,
            scenario: scenario.to_owned(),
            target: target.to_owned(),
            report,
            octets,
        });
        self.octets += octets;
        self.kept.push_back(done.clone());
        let succeeded = is_success(&done);
        if self.kept.iter().filter(|one| is_success(one) == succeeded).count() > KEPT {
            let oldest = self.kept.iter().position(|one| is_success(one) == succeeded);
            self.forget(oldest);
        }
        while self.octets > OCTETS && self.kept.len() > 1 {
            self.forget(Some(0));
        }
        done
    }

    fn forget(&mut self, at: Option<usize>) {
        let gone = at.and_then(|at| self.kept.remove(at));
        self.octets -= gone.map_or(0, |done| done.octets);
    }

    pub(super) fn find(&self, number: u64) -> Option<Arc<PastProbe>> {
        self.kept.iter().find(|done| done.number == number).cloned()
    }

    /// All that are kept, the newest first.
    pub(super) fn newest_first(&self) -> Vec<Arc<PastProbe>> {
        self.kept.iter().rev().cloned().collect()
    }
}

fn is_success(done: &PastProbe) -> bool {
    !done.report.verdict.is_failure()
}

/// About what a report takes in memory.
fn size(report: &ScenarioReport) -> usize {
    let line = size_of::<crate::report::model::Line>();
    let lines: usize = report.transcript.iter().map(|it| line + it.text.len() + it.session.len() + it.step.len()).sum();
    let replies: usize =
        report.steps.iter().flat_map(|step| &step.replies).flat_map(|reply| &reply.lines).map(|it| it.len() + 24).sum();
    let captures: usize = report.captures.iter().map(|(name, value)| name.len() + value.len()).sum();
    let told: usize = report.divergences.iter().map(|one| one.diagnostic.rendered.len() * 3).sum();
    lines + replies + captures + told + report.steps.len() * 400
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Verdict;
    use crate::report::samples;

    fn probe(verdict: Verdict, octets: usize) -> ScenarioReport {
        let mut report = samples::diverged().scenarios.remove(0);
        report.verdict = verdict;
        report.transcript[0].text = "x".repeat(octets);
        report
    }

    #[test]
    fn failures_outlive_successes() {
        let mut history = History::default();
        history.add("a", "mx:25", probe(Verdict::Diverged, 10));
        for _ in 0..500 {
            history.add("a", "mx:25", probe(Verdict::Followed, 10));
        }
        assert_eq!(history.newest_first().len(), KEPT + 1);
        assert!(history.find(1).is_some() && history.find(2).is_none() && history.find(501).is_some());
    }

    #[test]
    fn long_transcripts_push_others_out() {
        let mut history = History::default();
        for _ in 0..40 {
            history.add("a", "mx:25", probe(Verdict::Diverged, 1024 * 1024));
        }
        assert!(history.octets <= OCTETS && history.newest_first().len() < 9);
        history.add("a", "mx:25", probe(Verdict::Diverged, 2 * OCTETS));
        assert_eq!(history.newest_first().len(), 1, "the newest is kept whatever its size");
    }
}
