//! What a scenario claims about the other side: how bad it is where that does not hold, by which RFC, and when it applies.
//!
//! Responsible for plain data. Reports group by it, the audit counts by it; whether a requirement holds `play` finds out.

use super::{Expression, Text};
use std::fmt;

/// How bad a divergence is, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It may be so: a fact, and hardly a fault.
    May,
    /// It should not be.
    Should,
    /// It must not be. What has no level has this one.
    Must,
}

/// From which level on a divergence fails a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Only where something must not be.
    #[default]
    Must,
    /// Where something should not be as well.
    Should,
    /// Whatever diverges.
    May,
    /// No divergence fails it.
    Never,
}

/// What a scenario says about itself beside its steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claim {
    pub(crate) level: Option<Level>,
    /// `5321 §4.1.1.4`: the sections that it rests on.
    pub(crate) rfc: Vec<String>,
    /// Why it matters, for somebody who does not know the RFC.
    pub(crate) why: Option<Text>,
    /// What to change, by the make of the server.
    pub(crate) mend: Vec<(String, Text)>,
}

/// Something that must be true for a scenario, or a group, to be about the other side at all.
#[derive(Debug, Clone)]
pub(crate) struct Requirement {
    pub(crate) when: Expression,
    /// What is said where it is false.
    pub(crate) reason: Option<Text>,
}

impl Level {
    /// All of them, the worst first.
    pub const ALL: [Level; 3] = [Level::Must, Level::Should, Level::May];

    /// The word that files and reports have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::Should => "should",
            Level::May => "may",
        }
    }

    /// The level of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FailOn {
    /// Whether a divergence of what has this level fails the run.
    #[must_use]
    pub fn counts(self, level: Option<Level>) -> bool {
        let level = level.unwrap_or(Level::Must);
        match self {
            FailOn::Never => false,
            FailOn::May => true,
            FailOn::Should => level >= Level::Should,
            FailOn::Must => level == Level::Must,
        }
    }
}
