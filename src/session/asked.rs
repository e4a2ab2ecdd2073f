//! For each reply that is owed what asked for it, as it is shown.

use std::collections::VecDeque;
use std::sync::Arc;

/// What a reply is owed for, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The number of the step; empty for the greeting.
    pub(crate) step: Arc<str>,
    /// The command line; empty for the greeting.
    pub(crate) command: Arc<str>,
    /// Whether a secret went out with it: any part of the reply may be a part of the secret.
    pub(crate) secret: bool,
}

/// They in the order of the replies.
#[derive(Debug, Default)]
pub(crate) struct AskedInOrder(VecDeque<Asked>);

impl AskedInOrder {
    /// `owed` replies that no command asked for.
    pub(super) fn by_nobody(owed: usize) -> AskedInOrder {
        AskedInOrder(std::iter::repeat_n(Asked::default(), owed).collect())
    }

    /// Says what the newest reply owed is for, where the line itself does not: a line of an AUTH exchange.
    pub(crate) fn name_last(&mut self, command: &str) {
        if let Some(asked) = self.0.back_mut() {
            asked.command = command.into();
        }
    }

    /// Says which steps asked for the replies owed beyond the first `before`.
    pub(crate) fn name_steps(&mut self, before: usize, steps: &[&str]) {
        for (asked, step) in self.0.iter_mut().skip(before).zip(steps) {
            asked.step = (*step).into();
        }
    }

    /// Remembers what the replies are owed for that were not owed before: line by line of what is shown.
    pub(super) fn note(&mut self, owed: usize, shown: &str, secret: bool, step: &Arc<str>) {
        let mut lines = shown.split('\n');
        let mut command = "";
        while self.0.len() < owed {
            command = lines.next().unwrap_or(command).trim_end_matches('\r');
            self.0.push_back(Asked { step: step.clone(), command: command.into(), secret });
        }
    }

    /// Takes what asked for the oldest; where it owes one more reply, at which place that one is.
    pub(super) fn settle(&mut self, one_more: Option<usize>) -> Asked {
        let asked = self.0.pop_front().unwrap_or_default();
        if let Some(place) = one_more.filter(|place| *place <= self.0.len()) {
            let same = self.0.get(place - 1).cloned().unwrap_or_default();
            self.0.insert(place, same);
        }
        asked
    }

    /// Whether a secret went out with what is answered next.
    pub(super) fn is_secret(&self) -> bool {
        self.0.front().is_some_and(|asked| asked.secret)
    }
}
