//! What is played, how often and how much at once; and what the caller hears of it.
//!
//! Plain data between the caller and the `schedule`, which keeps to it.

use super::pace_of_runs::RunRate;
use crate::play::outcome::{Outcome, RunVerdict};
use crate::play::{Settings, Stop};
use crate::scenario::{Scenario, Variables};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// One scenario with one set of variables.
pub struct Play {
    /// The scenario, checked.
    pub scenario: Arc<Scenario>,
    /// The values of its variables and secrets.
    pub variables: Variables,
    /// How it is played.
    pub settings: Settings,
    /// What its outcome is called beside the scenario's name: its case, its mail exchanger.
    pub label: String,
    /// How many of those that share this are under way at once; without it the plan alone says.
    pub room: Option<Room>,
}

/// Room for a number of runs at once: those to one server, which is not to be overrun.
pub type Room = Arc<Semaphore>;

/// What is played how often, and how much at once.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The most runs under way at once; at least 1.
    pub jobs: usize,
    /// How many threads they are spread over; one a processor where nothing is said.
    pub threads: Option<usize>,
    /// When runs begin, and how many there are.
    pub pace: RunRate,
    /// How many more times a scenario is played that diverged.
    pub retries: u32,
    /// How long it waits before each of them.
    pub retry_delay: Duration,
    /// Whether, and after which wait, a run is played once more that could not tell; in place of `retries`.
    pub again: Option<Again>,
    /// Whether nothing more begins after the first one that does not follow its script.
    pub fail_fast: bool,
    /// When everything ends, whatever is still to be done.
    pub deadline: Option<Instant>,
    /// Ends everything at once.
    pub stop: Stop,
}

/// The wait before a run is played again, by what came of it.
pub type Again = fn(&Scenario, &Outcome) -> Option<Duration>;

/// A run that is over.
#[derive(Debug)]
pub struct Finished {
    /// Which of the plays it was.
    pub play: usize,
    /// The run's number among all, counted from 0.
    pub number: u64,
    /// When it began, from the start of all.
    pub offset: Duration,
    /// How much later than it was due it began.
    pub late: Duration,
    /// The attempts that diverged before.
    pub before: Vec<Outcome>,
    /// What came of the last attempt.
    pub outcome: Outcome,
}

/// What the caller hears while plays are under way.
pub enum RunEvent {
    /// A run is over; runs of other threads wait while the caller hears of it.
    Finished(Box<Finished>),
    /// Time went by; this many runs are under way.
    Tick(u64),
}

/// What came of the schedule itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// The most runs that were under way at once.
    pub peak: u64,
    /// How long it took.
    pub duration: Duration,
    /// Runs that were due, but for which the time was over before there was room for them.
    pub never_begun: u64,
    /// Which part of that time its threads were busy; `None` where the system does not tell.
    pub busy: Option<f64>,
    /// Whether it was stopped before its end, by a signal or by the [`Plan`]'s deadline.
    pub stopped: bool,
    /// Whether it was the deadline that stopped it.
    pub timed_out: bool,
}

/// Hears of events, on whatever thread they happen.
pub type RunListener = Arc<dyn Fn(RunEvent) + Send + Sync>;

impl Plan {
    /// How long is waited before a run is played once more; nothing where it is not.
    pub(super) fn wait_before_another(&self, play: &Play, outcome: &Outcome, before: usize) -> Option<Duration> {
        if let Some(again) = self.again {
            return if before == 0 { again(&play.scenario, outcome) } else { None };
        }
        let went_wrong =
            matches!(outcome.verdict(), RunVerdict::Diverged | RunVerdict::Warned | RunVerdict::Unreachable);
        (went_wrong && before < self.retries as usize).then_some(self.retry_delay)
    }
}
