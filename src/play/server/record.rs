//! What came of one connection, and its steps that were not reached.

use crate::play::divergence::Divergence;
use crate::play::outcome::{SessionOutcome, StepOutcome, Verdict};
use crate::scenario::{Action, Span, Step};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What came of one connection.
pub(crate) struct Record {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) steps: Vec<StepOutcome>,
    pub(crate) divergences: Vec<Divergence>,
    pub(crate) session: Option<SessionOutcome>,
    /// What was captured, as it is shown.
    pub(crate) captures: BTreeMap<String, String>,
    /// Why the scenario is not about this client, where that has come out.
    pub(crate) not_applicable: Option<String>,
}

impl Record {
    /// Of a connection on which nothing was played.
    pub(crate) fn of_none(number: usize, whole: StepOutcome, divergences: Vec<Divergence>) -> Record {
        Record {
            number,
            steps: vec![whole],
            divergences,
            session: None,
            captures: BTreeMap::new(),
            not_applicable: None,
        }
    }
}

/// `server.2`: what belongs to a connection as a whole.
pub(crate) fn connection_number(connection: usize) -> String {
    format!("server.{connection}")
}

fn session_name(connection: usize) -> String {
    format!("server {connection}")
}

/// A connection stands before its steps, as a group does.
pub(crate) fn connection_outcome(connection: usize, span: Span, verdict: Verdict, started: Duration) -> StepOutcome {
    let (number, session) = (connection_number(connection).into(), Arc::from(session_name(connection)));
    let title = "connection".into();
    StepOutcome { session, verdict, ..StepOutcome::unreached(number, "connection", title, span, started) }
}

/// A step of which only the position is known.
pub(crate) fn unplayed(step: &Step, connection: usize, started: Duration) -> StepOutcome {
    let number = format!("server.{connection}.{}", step.head.number).into();
    let (span, session) = (step.head.span, Arc::from(session_name(connection)));
    StepOutcome {
        name: step.head.name.as_ref().map(|name| name.source.clone()),
        session,
        ..StepOutcome::unreached(number, step.keyword(), step.title(), span, started)
    }
}

/// Records steps that were not reached.
pub(crate) fn pass_over(steps: &[Step], connection: usize, at: Duration, list: &mut Vec<StepOutcome>) {
    for step in steps {
        list.push(unplayed(step, connection, at));
        if let Action::Group(group) = &step.action {
            pass_over(&group.steps, connection, at, list);
        }
    }
}
