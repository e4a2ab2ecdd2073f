//! Plays the checks of clients: first each client meets a server that takes everything, and shows what it is set up to do; then
//! it is started for every check that applies.

use super::board::{AuditBounds, Schedule, outcomes_of, play_checks};
use super::clients::{AuditedClient, as_typed};
use super::played::Audited;
use super::result::plain;
use super::work::{AuditWork, CheckPlay};
use crate::audit::{
    Check, ENDED_EARLY, Expects, HOST, Habits, MESSAGE, NotPlayed, RECIPIENT, SENDER, USER, client_probe, judge_client,
};
use crate::cli::refusal::Refusal;
use crate::cli::run::TranscriptsOf;
use crate::cli::screen;
use crate::cli::values::ValueArguments;
use crate::report::audit::{AuditTarget, AuditVerdict, CheckResult, Grade};
use crate::run::{ClientExit, ClientProgram, Outcome, Play, Settings};
use crate::scenario::{Chance, Inputs, Scenario, Secret, Variables};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many descriptors a run needs: two ends of each of two connections, the program's output, its files.
const DESCRIPTORS: usize = 8;

/// What is to be played.
pub(super) struct ClientAuditRequest<'a> {
    pub(super) checks: &'a [Check],
    pub(super) clients: &'a [AuditedClient],
    pub(super) values: &'a ValueArguments,
    pub(super) expects: Option<Expects>,
    /// How long a client may take for each check.
    pub(super) limit: Duration,
    pub(super) max_time: Option<Duration>,
    pub(super) jobs: usize,
    pub(super) slow: bool,
    pub(super) transcripts: TranscriptsOf,
    pub(super) quiet: bool,
}

/// Plays everything.
pub(super) fn play(request: &ClientAuditRequest<'_>) -> Result<Audited, Refusal> {
    let ground = ClientGround { request, given: request.values.given(), password: password(request)? };
    let bounds = AuditBounds::of(request.max_time);
    let schedule = Schedule { jobs: request.jobs, descriptors: DESCRIPTORS, again: None, bounds: &bounds };
    let probe = client_probe().map_err(|error| Refusal::from(error.to_string()))?;
    let plays = request.clients.iter().map(|client| ground.play(&probe, client, BTreeMap::new()));
    let plays = plays.collect::<Result<Vec<Play>, NotPlayed>>().map_err(|NotPlayed(reason)| reason)?;
    let plan = schedule.plan(plays.len())?;
    let (outcomes, first) = outcomes_of(plays, &plan)?;
    let met = outcomes.iter().map(|outcome| met(request, outcome.as_ref())).collect::<Result<Vec<_>, Refusal>>()?;
    let subjects = request.clients.iter().zip(&met).map(|(client, met)| subject(client, met.as_ref().err())).collect();
    let (work, plays) =
        AuditWork::new(request.checks, subjects, request.transcripts, judge_client, &|check, client| {
            ground.prepare(&request.checks[check], &request.clients[client], &met[client])
        });
    if !request.quiet {
        announce(request, &met, &work);
    }
    let plan = schedule.plan(plays.len())?;
    let (work, course) = play_checks(work, plays, &plan, request.quiet)?;
    let interrupted = course.stopped && !course.timed_out && !first.timed_out;
    Ok(Audited { audit: work.into_audit(request.checks), interrupted })
}

/// The password that clients log in with: the user's, else one that is made up, so that it is known wherever it appears.
fn password(request: &ClientAuditRequest<'_>) -> Result<Secret, Refusal> {
    let made_up = || Secret::new(format!("pw-{}", Chance::fresh().word(16)));
    Ok(request.values.secret("password")?.unwrap_or_else(made_up))
}

/// What the first session of a client says; a command that cannot be started is no client.
fn met(request: &ClientAuditRequest<'_>, outcome: Option<&Outcome>) -> Result<Result<Habits, NotPlayed>, Refusal> {
    let Some(outcome) = outcome else { return Ok(Err(NotPlayed(ENDED_EARLY.to_owned()))) };
    if let Some(ClientExit::NotStarted(reason)) = outcome.client_end.as_ref().map(|end| &end.exit) {
        let help = "the command follows `--`: `smtp-script audit-client -- ./send --port {port}`";
        return Err(format!("the command could not be started: {reason}\n  = help: {help}").into());
    }
    Ok(Habits::of(outcome, request.expects))
}

/// What the plays of all checks are made from.
struct ClientGround<'a> {
    request: &'a ClientAuditRequest<'a>,
    given: Inputs,
    password: Secret,
}

impl ClientGround<'_> {
    /// The play of one check with one client, or why there is none.
    fn prepare(
        &self,
        check: &Check,
        client: &AuditedClient,
        met: &Result<Habits, NotPlayed>,
    ) -> Result<CheckPlay, CheckResult> {
        let not_applicable = |NotPlayed(reason)| plain(AuditVerdict::NotApplicable, reason);
        check.is_quick_or(self.request.slow).map_err(not_applicable)?;
        let habits = met.as_ref().map_err(|reason| plain(AuditVerdict::Blocked, reason.0.clone()))?;
        Ok(CheckPlay {
            play: self.play(&check.scenario, client, habits.variables()).map_err(not_applicable)?,
            command: format!("smtp-script audit-client --only {} -- {}", check.id, as_typed(&client.words)),
        })
    }

    /// A scenario with the program that it is played to.
    fn play(
        &self,
        scenario: &Arc<Scenario>,
        client: &AuditedClient,
        known: BTreeMap<String, String>,
    ) -> Result<Play, NotPlayed> {
        let mut vars = known;
        vars.extend(self.given.vars.clone());
        vars.retain(|name, _| scenario.vars.iter().any(|var| var.name.name == *name));
        let secrets = scenario.secrets.iter().map(|secret| (secret.name.clone(), self.password.clone()));
        let inputs = Inputs { vars, secrets: secrets.collect(), untrusted: false };
        let mut variables = Variables::resolve(scenario, &inputs).map_err(|error| {
            NotPlayed(error.diagnostics.first().map(|first| first.message.clone()).unwrap_or_default())
        })?;
        // Wherever the password appears it is masked, also where a check has no use for it.
        variables.secrets.insert("password".to_owned(), self.password.clone());
        let settings =
            Settings { client_program: Some(Arc::new(self.program(client, &variables))), ..Settings::default() };
        Ok(Play { scenario: scenario.clone(), variables, settings, label: String::new(), room: None })
    }

    /// The program, with the values that it is given.
    fn program(&self, client: &AuditedClient, variables: &Variables) -> ClientProgram {
        let value = |name: &str, usual: &str| variables.text(name).unwrap_or_else(|| usual.to_owned());
        let values = [("host", HOST), ("user", USER), ("from", SENDER), ("to", RECIPIENT)];
        ClientProgram {
            words: client.words.clone(),
            values: values.map(|(name, usual)| (name, value(name, usual))).to_vec(),
            password: self.password.clone(),
            message: value("mail", MESSAGE).into_bytes(),
            limit: self.request.limit,
        }
    }
}

/// A client as reports have it, before any check.
fn subject(client: &AuditedClient, never: Option<&NotPlayed>) -> AuditTarget {
    AuditTarget {
        name: client.name.clone(),
        host: as_typed(&client.words),
        port: 0,
        role: "client".to_owned(),
        make: None,
        grade: Grade::default(),
        not_applicable: 0,
        blocked: 0,
        unreachable: never.map(|reason| reason.0.clone()),
        duration: 0.0,
    }
}

/// Says before it begins what will be done, and what of a client is taken for its purpose.
fn announce(request: &ClientAuditRequest<'_>, met: &[Result<Habits, NotPlayed>], work: &AuditWork) {
    for (index, client) in request.clients.iter().enumerate() {
        let name = crate::visible(client.name.as_bytes());
        let text = match &met[index] {
            Ok(habits) => {
                let count = work.checks_of(index).count();
                format!("notice: {name}: {}; it is started for {count} checks", habits.describe())
            }
            Err(NotPlayed(reason)) => format!("warning: {name}: no check can be played: {reason}"),
        };
        screen::notice(&text);
    }
}
