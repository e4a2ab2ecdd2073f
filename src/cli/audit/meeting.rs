//! The first session with each server: which role and which make it has, and whether it can be reached at all.

use super::board::{AuditBounds, Schedule, outcomes_of};
use super::played::{AuditRequest, equipped};
use super::secrets::{TargetSecrets, variables};
use crate::audit::{ENDED_EARLY, Role, Target, in_words, make_of, probe};
use crate::cli::refusal::Refusal;
use crate::run::{Again, Course, Divergence, Outcome, Play, RunVerdict, Settings, Speaker};
use crate::scenario::{Inputs, Scenario};
use std::time::Duration;

/// What is known of a server before its checks.
pub(super) struct MetServer {
    pub(super) role: Role,
    pub(super) make: Option<&'static str>,
    /// Why no check can be played.
    pub(super) unreachable: Option<String>,
}

/// Asks each server what it says of itself.
pub(super) fn meet(
    request: &AuditRequest<'_>,
    settings: &Settings,
    secrets: &TargetSecrets,
    bounds: &AuditBounds,
) -> Result<(Vec<MetServer>, Course), Refusal> {
    let scenario = probe().map_err(|error| Refusal::from(error.to_string()))?;
    let mut plays = Vec::new();
    for target in request.targets {
        let role = target.role.unwrap_or(Role::Mx);
        let variables = variables(&scenario, target, role, secrets, &Inputs::default()).map_err(Refusal::from)?;
        let (scenario, settings) = (scenario.clone(), settings.clone());
        plays.push(Play { scenario, variables, settings, label: String::new(), room: None });
    }
    let again = Some(met_again_after as Again);
    let plan = Schedule { jobs: request.jobs, descriptors: 2, again, bounds }.plan(plays.len())?;
    let (outcomes, course) = outcomes_of(equipped(plays, plan.jobs), &plan)?;
    let met = request.targets.iter().zip(&outcomes).map(|(target, outcome)| met(target, outcome.as_ref()));
    Ok((met.collect(), course))
}

/// A server that was not reached is tried once more.
fn met_again_after(_: &Scenario, outcome: &Outcome) -> Option<Duration> {
    (outcome.verdict() == RunVerdict::Unreachable).then_some(Duration::from_millis(500))
}

fn met(target: &Target, outcome: Option<&Outcome>) -> MetServer {
    let Some(outcome) = outcome else {
        let unreachable = Some(ENDED_EARLY.to_owned());
        return MetServer { role: target.role.unwrap_or(Role::Mx), make: None, unreachable };
    };
    let heard = outcome.transcript.iter().filter(|entry| entry.speaker == Speaker::Server);
    let said: Vec<&str> = heard.map(|entry| entry.text.as_str()).collect();
    let offers_login = said.iter().any(|line| line.get(4..).is_some_and(|word| word.starts_with("AUTH")));
    let role = target.role.unwrap_or(if offers_login { Role::Submission } else { Role::Mx });
    let first = outcome.divergences.first();
    let unreachable = match outcome.verdict() {
        RunVerdict::Unreachable => first.map(in_words),
        RunVerdict::Interrupted => Some(ENDED_EARLY.to_owned()),
        _ if said.is_empty() => Some(silent(first)),
        _ => None,
    };
    MetServer { role, make: make_of(&said.join("\n")), unreachable }
}

/// Of a server that accepts connections, and no more.
fn silent(first: Option<&Divergence>) -> String {
    let nothing = "it says nothing: no greeting came";
    let begins_with_tls = first.is_some_and(|first| in_words(first).contains("begins with TLS"));
    if begins_with_tls {
        format!("{nothing}; this port begins with TLS: give `--tls implicit`")
    } else {
        nothing.to_owned()
    }
}
