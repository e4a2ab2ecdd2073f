//! In which order steps have their turn, and what has decided by then.
//!
//! What a step finds out decides about all that come after it: a mismatch ends the run, a pause makes them late. In a loop
//! the last step comes before the first one, too. Responsible for what lies before each step of a side; `uses` tells it of
//! steps and of what decides, in the order of the file, and `flow` asks for the secrets among these.

use crate::scenario::Span;

/// A step or a rule, with what decides whether it has its turn.
#[derive(Debug)]
pub(super) struct StepTurn {
    pub(super) span: Span,
    /// The conditions and counts that it stands under: indexes of uses.
    pub(super) under: Vec<usize>,
    /// Which of what has decided on its side comes before it.
    since: usize,
    before: usize,
}

/// The turns of both sides.
#[derive(Debug, Default)]
pub(super) struct Turns {
    all: Vec<StepTurn>,
    /// Uses by whose value it is decided how things go on.
    decisions: Vec<usize>,
    since: usize,
}

impl Turns {
    /// Another side: nothing has decided about it yet.
    pub(super) fn begin_side(&mut self) {
        self.since = self.decisions.len();
    }

    /// How things go on depends on a use.
    pub(super) fn decide(&mut self, by: usize) {
        self.decisions.push(by);
    }

    /// A step or a rule has its turn.
    pub(super) fn take(&mut self, span: Span, under: &[usize]) {
        self.all.push(StepTurn { span, under: under.to_vec(), since: self.since, before: self.decisions.len() });
    }

    /// What has been decided since then decides about the last one as well: when it speaks.
    pub(super) fn delay_last(&mut self) {
        if let Some(last) = self.all.last_mut() {
            last.before = self.decisions.len();
        }
    }

    /// How many turns there have been.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Those from `first` on come again.
    pub(super) fn come_again(&mut self, first: usize) {
        let before = self.decisions.len();
        self.all[first..].iter_mut().for_each(|turn| turn.before = before);
    }

    /// Each turn, with whether a decision by one of the uses that `tells` names comes before it.
    pub(super) fn after(&self, tells: impl Fn(usize) -> bool) -> impl Iterator<Item = (&StepTurn, bool)> {
        let telling = self.decisions.iter().enumerate().filter(|(_, by)| tells(**by)).map(|(place, _)| place);
        let telling: Vec<usize> = telling.collect();
        self.all.iter().map(move |turn| {
            let first = telling.partition_point(|place| *place < turn.since);
            (turn, telling.get(first).is_some_and(|place| *place < turn.before))
        })
    }
}
