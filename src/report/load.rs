//! The figures of many runs of the same scenarios: counts, rates, latencies of each step, replies, errors.
//!
//! Responsible for adding up, run by run here and report by report in `merge`. What is added in another order comes to the
//! same: the parts of a run that several machines shared add up to what one of them would have reported.

use super::latency::Latencies;
use super::model::{ErrorFigures, Load, StepFigures};
use crate::run::{Cause, Finished, Outcome, RunVerdict, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A run that begins this much later than it was due is reported: the limit of jobs held it back.
const LATE: Duration = Duration::from_millis(10);

/// Figures that grow with each run; their size does not.
#[derive(Debug, Clone, Default)]
pub struct LoadFigures {
    /// Counts and rates; what follows is added to it when it is reported.
    totals: Load,
    latency: Latencies,
    /// By the scenario's id and the step's number.
    steps: BTreeMap<String, BTreeMap<Arc<str>, StepTotals>>,
    /// Replies by their code, beside those of the totals.
    codes: BTreeMap<u16, u64>,
    errors: BTreeMap<ErrorKey, (String, u64)>,
}

#[derive(Debug, Clone, Default)]
struct StepTotals {
    name: String,
    diverged: u64,
    latency: Latencies,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ErrorKey {
    scenario: String,
    step: String,
    kind: String,
}

impl LoadFigures {
    /// Adds a run of the scenario with this id.
    pub fn add(&mut self, id: &str, finished: &Finished) {
        let outcome = &finished.outcome;
        let load = &mut self.totals;
        load.runs += 1;
        *match outcome.verdict() {
            RunVerdict::Followed | RunVerdict::NotApplicable => &mut load.followed,
            RunVerdict::Refused | RunVerdict::Bug => &mut load.broken,
            RunVerdict::Unreachable => &mut load.unreachable,
            RunVerdict::Interrupted => &mut load.interrupted,
            RunVerdict::Diverged | RunVerdict::Warned => &mut load.diverged,
        } += 1;
        load.late += u64::from(finished.late > LATE);
        for session in &outcome.sessions {
            load.sessions += 1;
            load.messages += session.messages;
            load.sent += session.sent;
            load.received += session.received;
        }
        if outcome.followed() {
            let before: Duration = finished.before.iter().map(|outcome| outcome.duration).sum();
            self.latency.record(finished.late + before + outcome.duration);
        }
        self.add_steps(id, outcome);
        self.add_errors(id, outcome);
    }

    fn add_steps(&mut self, id: &str, outcome: &Outcome) {
        let steps = self.steps.entry(id.to_owned()).or_default();
        for step in &outcome.steps {
            for reply in &step.replies {
                *self.codes.entry(reply.code).or_default() += 1;
            }
            let (followed, diverged) = (step.verdict == Verdict::Followed, step.verdict == Verdict::Diverged);
            if !followed && !diverged {
                continue;
            }
            let totals = steps.entry(step.number.text().clone()).or_default();
            totals.call(step.name.as_deref().unwrap_or(&step.title));
            totals.diverged += u64::from(diverged);
            if followed {
                totals.latency.record(step.duration);
            }
        }
        for (number, step) in outcome.passed.steps() {
            let totals = steps.entry(number.text().clone()).or_default();
            totals.call(&step.name);
            totals.diverged += step.diverged;
            step.followed().for_each(|duration| totals.latency.record(duration));
        }
        for (code, count) in outcome.passed.replies() {
            *self.codes.entry(code).or_default() += count;
        }
    }

    fn add_errors(&mut self, id: &str, outcome: &Outcome) {
        for divergence in outcome.divergences.iter().filter(|divergence| divergence.cause != Cause::Interrupted) {
            let error = ErrorFigures {
                scenario: id.to_owned(),
                step: divergence.step.to_string(),
                kind: divergence.kind.name().to_owned(),
                message: crate::visible(divergence.diagnostic.message.as_bytes()),
                count: 1,
            };
            self.add_error(error);
        }
    }

    fn add_error(&mut self, error: ErrorFigures) {
        let ErrorFigures { scenario, step, kind, message, count } = error;
        let (told, total) = self.errors.entry(ErrorKey { scenario, step, kind }).or_default();
        // One message stands for all; which one does not depend on what came first.
        if told.is_empty() || message < *told {
            *told = message;
        }
        *total += count;
    }

    /// The steps of every scenario, in the order of the file.
    fn told_steps(&self) -> Vec<StepFigures> {
        let mut told = Vec::new();
        for (scenario, steps) in &self.steps {
            let mut steps: Vec<_> = steps.iter().map(|(number, totals)| (place_of(number), number, totals)).collect();
            steps.sort_by(|(place, number, _), (other, another, _)| (place, number).cmp(&(other, another)));
            told.extend(steps.into_iter().map(|(_, number, totals)| told_step(scenario, number, totals)));
        }
        told
    }

    /// Adds the figures of another report.
    pub(super) fn add_load(&mut self, other: &Load) {
        let load = &mut self.totals;
        load.jobs += other.jobs;
        load.rate = match (load.rate, other.rate) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        for (total, more) in [
            (&mut load.runs, other.runs),
            (&mut load.followed, other.followed),
            (&mut load.diverged, other.diverged),
            (&mut load.unreachable, other.unreachable),
            (&mut load.broken, other.broken),
            (&mut load.interrupted, other.interrupted),
            (&mut load.peak, other.peak),
            (&mut load.late, other.late),
            (&mut load.never_begun, other.never_begun),
            (&mut load.sessions, other.sessions),
            (&mut load.messages, other.messages),
            (&mut load.sent, other.sent),
            (&mut load.received, other.received),
        ] {
            *total += more;
        }
        load.duration = load.duration.max(other.duration);
        // The busiest of several clients is the one that may have held the load back.
        load.client_busy = match (load.client_busy, other.client_busy) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        for (code, count) in &other.replies {
            *load.replies.entry(code.clone()).or_default() += count;
        }
        self.latency.add(&Latencies::from(&other.latency));
        for step in &other.steps {
            let totals =
                self.steps.entry(step.scenario.clone()).or_default().entry(step.step.as_str().into()).or_default();
            totals.name.clone_from(&step.name);
            totals.diverged += step.diverged;
            totals.latency.add(&Latencies::from(&step.latency));
        }
        for error in &other.errors {
            self.add_error(error.clone());
        }
    }

    /// How many runs did not follow their script.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.totals.runs - self.totals.followed
    }

    /// How many runs are over.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.totals.runs
    }

    /// The figures so far, of runs that took `duration` altogether.
    #[must_use]
    pub fn told(&self, plan: LoadPlan) -> Load {
        let totals = Load {
            jobs: plan.jobs,
            rate: plan.rate,
            peak: plan.peak,
            never_begun: plan.never_begun,
            client_busy: plan.busy.map(|part| (part * 1000.0).round() / 1000.0),
            ..self.totals.clone()
        };
        self.finish(Load { duration: super::collect::seconds(plan.duration), ..totals })
    }

    /// The figures of reports that were added.
    pub(super) fn merged(&self) -> Load {
        self.finish(self.totals.clone())
    }

    #[expect(clippy::cast_precision_loss, reason = "of 2^53 runs none is reached")]
    fn finish(&self, totals: Load) -> Load {
        let each_second = |count: u64| if totals.duration > 0.0 { count as f64 / totals.duration } else { 0.0 };
        let mut errors: Vec<ErrorFigures> = self.errors.iter().map(told_error).collect();
        errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        let mut replies = totals.replies;
        for (code, count) in &self.codes {
            *replies.entry(code.to_string()).or_default() += count;
        }
        Load {
            runs_per_second: each_second(totals.runs - totals.interrupted),
            sessions_per_second: each_second(totals.sessions),
            messages_per_second: each_second(totals.messages),
            latency: self.latency.figures(),
            steps: self.told_steps(),
            replies,
            errors,
            ..totals
        }
    }
}

/// What is known of a run under load beside its outcomes.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadPlan {
    /// The most runs that were to be under way at once.
    pub jobs: u64,
    /// How many runs were to begin each second.
    pub rate: Option<f64>,
    /// The most runs that were under way at once.
    pub peak: u64,
    /// Runs that were due and never begun.
    pub never_begun: u64,
    /// How long it took.
    pub duration: Duration,
    /// Which part of that time the client's threads were busy, where it is known.
    pub busy: Option<f64>,
}

impl StepTotals {
    /// What it is called is what the first run calls it.
    fn call(&mut self, name: &str) {
        if self.name.is_empty() {
            name.clone_into(&mut self.name);
        }
    }
}

/// The place of a step by its number: `2.10` comes after `2.9`.
fn place_of(number: &str) -> Vec<u32> {
    let place = number.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect();
    if number.is_empty() { Vec::new() } else { place }
}

fn told_step(scenario: &str, number: &str, totals: &StepTotals) -> StepFigures {
    StepFigures {
        scenario: scenario.to_owned(),
        step: number.to_owned(),
        name: crate::visible::inert(&totals.name),
        diverged: totals.diverged,
        latency: totals.latency.figures(),
    }
}

fn told_error((key, (message, count)): (&ErrorKey, &(String, u64))) -> ErrorFigures {
    ErrorFigures {
        scenario: key.scenario.clone(),
        step: key.step.clone(),
        kind: key.kind.clone(),
        message: message.clone(),
        count: *count,
    }
}
