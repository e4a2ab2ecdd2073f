//! How often each rule of a server was matched, and how often it answered.
//!
//! Responsible for what all connections of a server count together; what is counted anew on each connection a connection
//! keeps itself. Asked by `host::judge`, whichever server the rules belong to.

use crate::scenario::server::Rule;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// For how many sets of values at most it is known how often they came: whoever sends more begins anew.
const MAX_SETS: usize = 100_000;

/// The counts of all rules, in the order of the file.
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    matched: Vec<u64>,
    matched_with: HashMap<(usize, Vec<Vec<u8>>), u64>,
    answered: Vec<u64>,
}

impl Tally {
    pub(crate) fn new(rules: usize) -> Tally {
        Tally(Mutex::new(Counts { matched: vec![0; rules], answered: vec![0; rules], ..Counts::default() }))
    }

    /// A line matched a rule; how often that has happened, with these values where it is counted by values.
    pub(crate) fn matched(&self, rule: usize, values: Option<Vec<Vec<u8>>>) -> u64 {
        self.with(|counts| {
            let count = match values {
                None => counts.matched.get_mut(rule),
                Some(values) => {
                    if counts.matched_with.len() >= MAX_SETS {
                        counts.matched_with.clear();
                    }
                    Some(counts.matched_with.entry((rule, values)).or_default())
                }
            };
            count.map_or(0, |count| {
                *count += 1;
                *count
            })
        })
    }

    /// A rule answers, or takes note.
    pub(crate) fn answered(&self, rule: usize) {
        self.with(|counts| counts.answered.get_mut(rule).into_iter().for_each(|count| *count += 1));
    }

    /// How often each of these rules answered.
    pub(crate) fn answers<'r>(&self, rules: &'r [Rule]) -> Vec<(&'r Rule, u64)> {
        self.with(|counts| rules.iter().zip(counts.answered.iter().copied()).collect())
    }

    /// Whether there are rules that demand to have answered, and all of them have.
    pub(crate) fn is_content(&self, rules: &[Rule]) -> bool {
        let answers = self.answers(rules);
        let least = |rule: &Rule| rule.demand.at_least;
        answers.iter().any(|(rule, _)| least(rule).is_some())
            && answers.iter().all(|(rule, count)| least(rule).is_none_or(|least| *count >= least))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is wrong with how often a rule answered, in words: where its demand is not met.
pub(crate) fn unmet(rule: &Rule, answers: u64) -> Option<String> {
    if rule.demand.is_met_by(answers) {
        return None;
    }
    let count = |count: u64| match (count, rule.answers()) {
        (0, true) => "no answer by this rule".to_owned(),
        (1, true) => "1 answer by this rule".to_owned(),
        (count, true) => format!("{count} answers by this rule"),
        (0, false) => "no line that this rule matches".to_owned(),
        (1, false) => "1 line that this rule matches".to_owned(),
        (count, false) => format!("{count} lines that this rule matches"),
    };
    let wanted = match (rule.demand.at_least, rule.demand.at_most) {
        (Some(least), Some(most)) if least == most => count(least),
        (Some(least), _) if answers < least => format!("at least {}", count(least)),
        (_, Some(0)) => count(0),
        (_, most) => format!("at most {}", count(most.unwrap_or(answers))),
    };
    let got = if answers == 0 { "none".to_owned() } else { answers.to_string() };
    Some(format!("expected {wanted}, got {got}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_values_are_counted_apart_and_bounded() {
        let tally = Tally::new(1);
        let set = |text: &str| Some(vec![text.as_bytes().to_vec()]);
        assert_eq!((tally.matched(0, set("a")), tally.matched(0, set("b")), tally.matched(0, set("a"))), (1, 1, 2));
        (0..=MAX_SETS).for_each(|number| _ = tally.matched(0, set(&number.to_string())));
        assert!(tally.with(|counts| counts.matched_with.len()) <= MAX_SETS);
        assert_eq!(tally.matched(0, None), 1);
        assert_eq!(tally.matched(7, None), 0);
    }
}
