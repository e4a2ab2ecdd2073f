//! How much work templates may do: one expression, one text, a whole file while it is checked, and until when.

use super::expression::ExpressionFault;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much work one expression may do before it is stopped (minijinja's fuel).
pub(super) const EXPRESSION_FUEL: u64 = 200_000;
/// How much the expressions of one text may do.
const TEXT_FUEL: u64 = 1_000_000;
/// How much all templates of a file may do while it is checked.
const CHECK_FUEL: u64 = 1_000_000;
/// After how much work others want their turn.
const BREATH: u64 = 20_000;

/// Says whether the time of a run is over.
pub(crate) type Over = Arc<dyn Fn() -> bool + Send + Sync>;

/// What was used of it, and what may be.
pub(super) struct Fuel {
    used: AtomicU64,
    /// What was used when others had their turn last.
    used_before: AtomicU64,
    /// How much may be used in all, where that is limited.
    limit: u64,
    /// Whether the time for all this is over.
    over: Option<Over>,
}

impl Fuel {
    /// Without a limit for all templates together.
    pub(super) fn unlimited() -> Fuel {
        Fuel { used: AtomicU64::new(0), used_before: AtomicU64::new(0), limit: u64::MAX, over: None }
    }

    /// As much as all templates of a file have while it is checked.
    pub(super) fn for_check() -> Fuel {
        Fuel { limit: CHECK_FUEL, ..Fuel::unlimited() }
    }

    /// The same, of which nothing is left when `over` says so.
    pub(super) fn until(self, over: Over) -> Fuel {
        Fuel { over: Some(over), ..self }
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether enough was used since the last time for others to have their turn.
    pub(super) fn wants_a_breath(&self) -> bool {
        let used = self.used();
        let wants = used.saturating_sub(self.used_before.load(Ordering::Relaxed)) >= BREATH;
        if wants {
            self.used_before.store(used, Ordering::Relaxed);
        }
        wants
    }

    /// Evaluates nothing more when the time is over, or when all together have done enough.
    pub(super) fn refuse_more(&self, length: usize) -> Result<(), ExpressionFault> {
        if self.over.as_ref().is_some_and(|over| over()) {
            let message = "the time of the whole run is over".to_owned();
            return Err(ExpressionFault { message, range: 0..length, help: None });
        }
        if self.used() > self.limit { Err(too_much_work(0..length)) } else { Ok(()) }
    }

    /// One text may use a part of it only: `before` is what was used when it began, `range` the expression that went beyond.
    pub(super) fn refuse_text(&self, before: u64, range: &Range<usize>) -> Result<(), ExpressionFault> {
        if self.used() - before > TEXT_FUEL { Err(too_much_work(range.clone())) } else { Ok(()) }
    }

    /// Notes what an evaluation used, as minijinja counts it.
    pub(super) fn note(&self, levels: Option<(u64, u64)>) {
        self.used.fetch_add(levels.map_or(1, |(used, _)| used.max(1)), Ordering::Relaxed);
    }

    /// What failed has used all that it may use, as far as anyone knows.
    pub(super) fn failed(&self, error: &minijinja::Error, length: usize) -> ExpressionFault {
        let used = if error.kind() == minijinja::ErrorKind::OutOfFuel { EXPRESSION_FUEL } else { 1 };
        self.used.fetch_add(used, Ordering::Relaxed);
        ExpressionFault::of(error, length)
    }
}

fn too_much_work(range: Range<usize>) -> ExpressionFault {
    ExpressionFault { message: "the template does too much work".to_owned(), range, help: None }
}
