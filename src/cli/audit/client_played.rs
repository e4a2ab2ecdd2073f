//! Plays the checks of clients: first each client meets a server that takes everything, and shows what it is set up to do; then
//! it is started for every check that applies.

use super::board::{AuditBounds, AuditShown, Schedule, outcomes_of, play_checks};
use super::clients::{AuditedClient, ClientSource, as_typed};
use super::outside::{SessionNotices, needs_command};
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
use crate::report::counted;
use crate::run::{Again, ClientExit, ClientProgram, Outcome, Plan, Play, Room, Settings, Speaker, room_for};
use crate::scenario::{Chance, Inputs, Scenario, Secret, Variables};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many descriptors a run needs: two ends of each of two connections, the program's output, its files.
const DESCRIPTORS: usize = 8;

/// How long a client may take for a check, and for one that is about the minutes which the RFC gives.
const LIMIT: Duration = Duration::from_secs(30);
const SLOW_LIMIT: Duration = Duration::from_secs(360);

/// What is to be played.
pub(super) struct ClientAuditRequest<'a> {
    pub(super) checks: &'a [Check],
    pub(super) clients: &'a [AuditedClient],
    pub(super) values: &'a ValueArguments,
    pub(super) expects: Option<Expects>,
    /// How long a client may take for each check, where the user says so.
    pub(super) limit: Option<Duration>,
    pub(super) max_time: Option<Duration>,
    pub(super) jobs: usize,
    pub(super) slow: bool,
    pub(super) transcripts: TranscriptsOf,
    pub(super) quiet: bool,
}

/// Plays everything.
pub(super) fn play(request: &ClientAuditRequest<'_>) -> Result<Audited, Refusal> {
    let ground = ClientGround::of(request)?;
    let bounds = AuditBounds::of(request.max_time);
    let from_outside = request.clients.iter().any(|client| client.words().is_none());
    // Whose turn it is stands in the rooms: each holds one session.
    let jobs = if from_outside { usize::MAX } else { request.jobs };
    let again = from_outside.then_some(said_nothing as Again);
    let schedule = Schedule { jobs, descriptors: DESCRIPTORS, again, bounds: &bounds };
    let probe = client_probe().map_err(|error| Refusal::from(error.to_string()))?;
    let plays = request.clients.iter().map(|client| ground.play(&probe, client, BTreeMap::new()));
    let plays = plays.collect::<Result<Vec<Play>, NotPlayed>>().map_err(|NotPlayed(reason)| reason)?;
    let plan = schedule.plan(plays.len())?;
    let (outcomes, first) = outcomes_of(plays, &plan)?;
    let met = request.clients.iter().zip(&outcomes).map(|(client, outcome)| met(request, client, outcome.as_ref()));
    let met = met.collect::<Result<Vec<_>, Refusal>>()?;
    let subjects = request.clients.iter().zip(&met).map(|(client, met)| subject(client, met.as_ref().err())).collect();
    let (work, plays) =
        AuditWork::new(request.checks, subjects, request.transcripts, judge_client, &|check, client| {
            ground.prepare(&request.checks[check], &request.clients[client], &met[client])
        });
    if !request.quiet {
        announce(request, &met, &work);
    }
    let plan = Plan { again: None, threads: from_outside.then_some(1), ..schedule.plan(plays.len())? };
    let shown = shown(request, &work);
    let (work, course) = play_checks(work, plays, &plan, shown)?;
    let interrupted = course.stopped && !course.timed_out && !first.timed_out;
    Ok(Audited { audit: work.into_audit(request.checks), interrupted })
}

/// What is shown while the checks are played.
fn shown(request: &ClientAuditRequest<'_>, work: &AuditWork) -> AuditShown {
    let ids = |client: usize| work.checks_of(client).map(|check| request.checks[check].id).collect();
    let sessions = if request.quiet { None } else { SessionNotices::begin(request.clients, &ids) };
    sessions.map_or_else(|| AuditShown::unless(request.quiet), AuditShown::Sessions)
}

/// Whoever connects and leaves without a word only looked whether somebody is there.
fn said_nothing(_: &Scenario, outcome: &Outcome) -> Option<Duration> {
    let said = outcome.transcript.iter().any(|entry| entry.speaker == Speaker::Client);
    let came = outcome.sessions.iter().any(|session| session.tls.is_empty());
    (came && !said).then_some(Duration::ZERO)
}

/// What the first session of a client says; a command that cannot be started is no client.
fn met(
    request: &ClientAuditRequest<'_>,
    client: &AuditedClient,
    outcome: Option<&Outcome>,
) -> Result<Result<Habits, NotPlayed>, Refusal> {
    let Some(outcome) = outcome else { return Ok(Err(NotPlayed(ENDED_EARLY.to_owned()))) };
    if let Some(ClientExit::NotStarted(reason)) = outcome.client_end.as_ref().map(|end| &end.exit) {
        let help = "the command follows `--`: `smtp-script audit-client -- ./send --port {port}`";
        return Err(format!("the command could not be started: {reason}\n  = help: {help}").into());
    }
    let habits = Habits::of(outcome, request.expects);
    let must_begin_with_tls = matches!(client.source, ClientSource::Outside { begins_tls: true, .. });
    Ok(match habits {
        Ok(Habits { tls, .. }) if must_begin_with_tls && tls != "implicit" => {
            Err(NotPlayed("it does not begin with TLS: let it begin with TLS, or wait for it at `--listen`".to_owned()))
        }
        habits => habits,
    })
}

fn is_slow(scenario: &Scenario) -> bool {
    scenario.tags.iter().any(|tag| tag == "slow")
}

/// What the plays of all checks are made from.
struct ClientGround<'a> {
    request: &'a ClientAuditRequest<'a>,
    given: Inputs,
    /// The password that clients log in with: the user's, else one that is made up, so that it is known wherever it appears.
    password: Secret,
    password_is_given: bool,
    /// Of each client from outside, whose sessions follow each other.
    rooms: BTreeMap<String, Room>,
}

impl<'a> ClientGround<'a> {
    fn of(request: &'a ClientAuditRequest<'a>) -> Result<ClientGround<'a>, Refusal> {
        let given = request.values.secret("password")?;
        let outside = request.clients.iter().filter(|client| client.words().is_none());
        Ok(ClientGround {
            request,
            given: request.values.given(),
            password_is_given: given.is_some(),
            password: given.unwrap_or_else(|| Secret::new(format!("pw-{}", Chance::fresh().word(16)))),
            rooms: outside.map(|client| (client.name.clone(), room_for(1))).collect(),
        })
    }

    /// The play of one check with one client, or why there is none.
    fn prepare(
        &self,
        check: &Check,
        client: &AuditedClient,
        met: &Result<Habits, NotPlayed>,
    ) -> Result<CheckPlay, CheckResult> {
        let not_applicable = |NotPlayed(reason)| plain(AuditVerdict::NotApplicable, reason);
        check.is_quick_or(self.request.slow).map_err(not_applicable)?;
        if client.words().is_none() {
            self.can_be_shown(check).map_err(not_applicable)?;
        }
        let habits = met.as_ref().map_err(|reason| plain(AuditVerdict::Blocked, reason.0.clone()))?;
        Ok(CheckPlay {
            play: self.play(&check.scenario, client, habits.variables()).map_err(not_applicable)?,
            command: format!("smtp-script audit-client --only {} {}", check.id, client.as_typed()),
        })
    }

    /// Why a check proves nothing of a client that comes by itself.
    fn can_be_shown(&self, check: &Check) -> Result<(), NotPlayed> {
        let needs = needs_command(check).map(str::to_owned);
        let unknown = !self.password_is_given && !check.scenario.secrets.is_empty();
        let password = || "the password of the client is not known: give it with `--secret password=…`".to_owned();
        needs.or_else(|| unknown.then(password)).map_or(Ok(()), |reason| Err(NotPlayed(reason)))
    }

    /// A scenario with the client that it is played to.
    fn play(
        &self,
        scenario: &Arc<Scenario>,
        client: &AuditedClient,
        known: BTreeMap<String, String>,
    ) -> Result<Play, NotPlayed> {
        let mut vars = known;
        if let ClientSource::Outside { host, .. } = &client.source {
            vars.insert("host".to_owned(), host.clone());
        }
        vars.extend(self.given.vars.clone());
        vars.retain(|name, _| scenario.vars.iter().any(|var| var.name.name == *name));
        let secrets = scenario.secrets.iter().map(|secret| (secret.name.clone(), self.password.clone()));
        let inputs = Inputs { vars, secrets: secrets.collect(), ..Inputs::default() };
        let mut variables = Variables::resolve(scenario, &inputs).map_err(|error| {
            NotPlayed(error.diagnostics.first().map(|first| first.message.clone()).unwrap_or_default())
        })?;
        // Wherever the password appears it is masked, also where a check has no use for it.
        Arc::make_mut(&mut variables.secrets).insert("password".to_owned(), self.password.clone());
        let mut settings = Settings::default();
        match &client.source {
            ClientSource::Command(words) => {
                settings.client_program = Some(Arc::new(self.program(words, &variables, is_slow(scenario))));
            }
            ClientSource::Outside { client, .. } => settings.outside_client = Some(client.clone()),
        }
        let room = self.rooms.get(&client.name).cloned();
        Ok(Play { scenario: scenario.clone(), variables, settings, label: String::new(), room })
    }

    /// The program, with the values that it is given.
    fn program(&self, words: &[String], variables: &Variables, slow: bool) -> ClientProgram {
        let value = |name: &str, usual: &str| variables.text(name).unwrap_or_else(|| usual.to_owned());
        let values = [("host", HOST), ("user", USER), ("from", SENDER), ("to", RECIPIENT)];
        ClientProgram {
            words: words.to_vec(),
            values: values.map(|(name, usual)| (name, value(name, usual))).to_vec(),
            password: self.password.clone(),
            message: value("mail", MESSAGE).into_bytes(),
            limit: self.request.limit.unwrap_or(if slow { SLOW_LIMIT } else { LIMIT }),
        }
    }
}

/// A client as reports have it, before any check.
fn subject(client: &AuditedClient, never: Option<&NotPlayed>) -> AuditTarget {
    AuditTarget {
        name: client.name.clone(),
        host: client.words().map_or_else(|| client.name.clone(), as_typed),
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
                let checks = counted(work.checks_of(index).count() as u64, "check");
                let what = if client.words().is_some() { "it is started for" } else { "a session for each of" };
                format!("notice: {name}: {}; {what} {checks}", habits.describe())
            }
            Err(NotPlayed(reason)) => format!("warning: {name}: no check can be played: {reason}"),
        };
        screen::notice(&text);
    }
}
