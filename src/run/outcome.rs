//! What came of a run: plain data that every report is made from.

use crate::scenario::{Diagnostic, Sources};
use crate::session::Entry;
use std::time::Duration;

/// What came of playing one scenario.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The scenario's name, or its file's.
    pub name: String,
    /// The file as it was given.
    pub path: String,
    /// The files that spans refer to.
    pub sources: Sources,
    /// How long it took.
    pub duration: Duration,
    /// Every step in the order of the file, those of a group behind it.
    pub steps: Vec<StepOutcome>,
    /// What diverged, in the order it happened; the first is the headline.
    pub divergences: Vec<Divergence>,
    /// What went over the wire.
    pub transcript: Vec<Entry>,
    /// Things to know that are no divergence.
    pub notices: Vec<String>,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutcome {
    /// `7`, nested `2.3`; empty for the top-level `connect`.
    pub number: String,
    /// The step's name, rendered.
    pub name: Option<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// When it began, from the start of the run.
    pub started: Duration,
    /// How long it took.
    pub duration: Duration,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything came as expected.
    Followed,
    /// Something else came.
    Diverged,
    /// Its `when` was false.
    Skipped,
    /// A step before it diverged.
    Unreached,
}

/// Something that did not follow the script.
#[derive(Debug, Clone)]
pub struct Divergence {
    /// The number of the step; empty for the top-level `connect`.
    pub step: String,
    /// Whose doing it is.
    pub cause: Cause,
    /// The class of what happened, for machines: `reply`, `timeout`, `closed` …
    pub kind: &'static str,
    /// The code of the reply that was not expected.
    pub reply_code: Option<u16>,
    /// The line of the transcript that it is about, where there is one.
    pub line: Option<usize>,
    /// Message, place, what came, and what helps.
    pub diagnostic: Diagnostic,
}

/// Whose doing a divergence is; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server's: exit 1.
    Server,
    /// The scenario or the way it was called: exit 2.
    User,
    /// There was no connection at all: exit 3.
    Network,
}

impl Outcome {
    /// Whether the conversation followed its script to the end.
    #[must_use]
    pub fn followed(&self) -> bool {
        self.divergences.is_empty()
    }

    /// The exit code that this outcome asks for: 0, 1, 2 or 3.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let has = |cause| self.divergences.iter().any(|divergence| divergence.cause == cause);
        match () {
            () if has(Cause::User) => 2,
            () if has(Cause::Server) => 1,
            () if has(Cause::Network) => 3,
            () => 0,
        }
    }
}
