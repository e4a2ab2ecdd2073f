//! What is left of steps that lie far back in a run that is one of many: how long each took, and which replies it read.
//!
//! Responsible for keeping the figures of a load exact while steps and lines are let go. Filled by `stage`, read by
//! `report::load`.

use super::outcome::{StepOutcome, Verdict};
use super::step_number::StepNumber;
use std::collections::BTreeMap;
use std::time::Duration;

/// The figures of steps that are not kept.
#[derive(Debug, Clone, Default)]
pub struct PassedSteps {
    steps: BTreeMap<StepNumber, PassedStep>,
    replies: BTreeMap<u16, u64>,
}

/// One step, every time that it was played.
#[derive(Debug, Clone)]
pub struct PassedStep {
    /// Its name the first time, else its title.
    pub name: String,
    /// How many times it diverged.
    pub diverged: u64,
    /// How long it took each time that it was followed, in microseconds.
    followed: Vec<u32>,
}

impl PassedStep {
    /// How long it took each time that it was followed.
    pub fn followed(&self) -> impl Iterator<Item = Duration> {
        self.followed.iter().map(|micros| Duration::from_micros((*micros).into()))
    }
}

impl PassedSteps {
    pub(super) fn add(&mut self, step: StepOutcome) {
        for reply in &step.replies {
            *self.replies.entry(reply.code).or_default() += 1;
        }
        let StepOutcome { number, name, title, verdict, duration, .. } = step;
        let new = || PassedStep { name: name.unwrap_or_else(|| title.to_string()), diverged: 0, followed: Vec::new() };
        match verdict {
            Verdict::Followed => {
                let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
                self.steps.entry(number).or_insert_with(new).followed.push(micros);
            }
            Verdict::Diverged => self.steps.entry(number).or_insert_with(new).diverged += 1,
            Verdict::Skipped | Verdict::Unreached => {}
        }
    }

    /// Each step that was followed or diverged.
    pub fn steps(&self) -> impl Iterator<Item = (&StepNumber, &PassedStep)> {
        self.steps.iter()
    }

    /// How many times each reply code came.
    pub fn replies(&self) -> impl Iterator<Item = (u16, u64)> {
        self.replies.iter().map(|(code, count)| (*code, *count))
    }
}
