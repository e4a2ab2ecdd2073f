//! Checks groups: which names hold inside of them, and what a pipelined one may hold.

use super::{Checker, connection, expect, steps};
use crate::scenario::source::Diagnostic;
use crate::scenario::{Action, Group, Step, parse_count};

/// The names that a group gives hold inside of it.
pub(super) fn group(checker: &mut Checker<'_>, group: &Group) {
    let (before, bound) = (checker.names.clone(), checker.bound.clone());
    for (name, data) in &group.bindings {
        checker.data(data);
        checker.bind(&name.name, name.span);
    }
    checker.requirements(&group.requires);
    if let Some(repeat) = &group.repeat {
        checker.text(repeat);
        checker.known_to_parse(repeat, |known| parse_count(known).map(|_| ()));
    }
    if let Some(retry) = &group.retry {
        checker.length(&retry.delay);
        retry.attempts.template().iter().for_each(|text| checker.text(text));
        connection::known(checker, &retry.attempts);
    }
    if let Some((name, list)) = &group.for_each {
        checker.data(list);
        checker.assign(&name.name, name.span);
    }
    if group.goes_round() {
        checker.names.insert("iteration".to_owned());
    }
    if group.pipeline {
        pipelined(checker, &group.steps);
    }
    for step in &group.steps {
        if group.pipeline {
            steps::check_step(checker, &without_expectations(step));
        } else {
            steps::check_step(checker, step);
        }
    }
    if group.pipeline {
        // All is sent before the first reply is read: what a reply gives is not known to any of it.
        late_expectations(checker, &group.steps);
    }
    let own: Vec<&String> = group.bindings.iter().map(|(name, _)| &name.name).collect();
    let loop_name = group.for_each.as_ref().map(|(name, _)| &name.name);
    let outlives = |name: &String| {
        before.contains(name) || !(own.contains(&name) || Some(name) == loop_name || name == "iteration")
    };
    checker.names.retain(outlives);
    checker.bound = bound;
}

fn late_expectations(checker: &mut Checker<'_>, steps: &[Step]) {
    for step in steps {
        if let Action::Group(group) = &step.action {
            let before = checker.names.clone();
            let bound = group.bindings.iter().map(|(name, _)| name).chain(group.for_each.iter().map(|(name, _)| name));
            let names: Vec<String> = bound.map(|name| name.name.clone()).chain(["iteration".to_owned()]).collect();
            checker.names.extend(names.iter().cloned());
            late_expectations(checker, &group.steps);
            checker.names.retain(|name| before.contains(name) || !names.contains(name));
        }
        if let Some(expect) = &step.expect {
            expect::expectation(checker, expect);
        }
    }
}

/// What is sent without waiting: lines and bytes. Everything else waits for the server.
fn pipelined(checker: &mut Checker<'_>, steps: &[Step]) {
    for step in steps {
        let fits = match &step.action {
            Action::None | Action::Send(_) | Action::Raw(_) | Action::Data(_) | Action::Set(_) => true,
            Action::Group(group) => group.retry.is_none(),
            _ => false,
        };
        let reads_otherwise = step.expect.as_ref().is_some_and(|expect| !expect.compares());
        if !fits {
            let error =
                Diagnostic::error(step.head.span, "this waits for the server and cannot stand in a pipelined group");
            checker.diagnostics.push(error.help("only `send`, `raw`, `data`, `set` and loops of them can"));
        } else if reads_otherwise && let Some(expect) = &step.expect {
            let error = Diagnostic::error(expect.span, "a pipelined step compares one whole reply");
            checker.diagnostics.push(error.help("write this `expect` after the group"));
        }
        if let Action::Group(group) = &step.action {
            pipelined(checker, &group.steps);
        }
    }
}

/// A step as a pipelined group sends it.
fn without_expectations(step: &Step) -> Step {
    let mut silent = Step { expect: None, ..step.clone() };
    if let Action::Group(group) = &mut silent.action {
        group.steps = group.steps.iter().map(without_expectations).collect();
    }
    silent
}
