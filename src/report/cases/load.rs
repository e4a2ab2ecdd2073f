//! A run under load as one suite: a case for each step, with how often it went wrong.
//!
//! Called by `cases`.

use super::{CameTo, Suite, TestCase, TestFault, words};
use crate::report::model::{ErrorFigures, Load};

/// One case for each step, with how often it went wrong, and one for what went wrong elsewhere.
pub(super) fn of_load<'r>(load: &'r Load, started: &'r str) -> Suite<'r> {
    let mut left: Vec<&ErrorFigures> = load.errors.iter().collect();
    let mut cases = Vec::new();
    for step in &load.steps {
        let here = |one: &&ErrorFigures| one.scenario == step.scenario && one.step == step.step;
        let (own, others) = left.iter().copied().partition::<Vec<_>, _>(here);
        left = others;
        let number = if step.step.is_empty() { String::new() } else { format!("{} ", words::line(&step.step)) };
        let faults: Vec<TestFault> = own.into_iter().map(TestFault::under_load).collect();
        cases.push(TestCase {
            name: format!("{number}{}", words::line(&step.name)),
            class: words::line(&step.scenario),
            place: None,
            duration: step.latency.p50,
            came_to: if faults.is_empty() { CameTo::Passed } else { CameTo::Failed(faults) },
            attempts: Vec::new(),
            warnings: Vec::new(),
        });
    }
    let elsewhere = |one: &'r ErrorFigures| {
        TestCase::failed(&words::step_number(&one.step), &words::line(&one.scenario), vec![TestFault::under_load(one)])
    };
    cases.extend(left.into_iter().map(elsewhere));
    let facts = [
        ("runs_per_second", load.runs_per_second),
        ("sessions_per_second", load.sessions_per_second),
        ("messages_per_second", load.messages_per_second),
    ];
    Suite {
        name: "load".to_owned(),
        started,
        duration: load.duration,
        facts: facts.map(|(name, value)| (name.to_owned(), format!("{value:.3}"))).to_vec(),
        cases,
        output: words::load(load),
    }
}

impl<'r> TestFault<'r> {
    fn under_load(error: &'r ErrorFigures) -> TestFault<'r> {
        let message = format!("{} times: {}", error.count, words::line(&error.message));
        TestFault { kind: &error.kind, of_server: true, message, diagnostic: None, divergence: None }
    }
}
