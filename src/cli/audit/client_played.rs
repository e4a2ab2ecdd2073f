//! Plays the checks of clients: first each client meets a server that takes everything, and shows what it is set up to do; then
//! it is started for every check that applies.

use super::clients::{Client, as_typed};
use super::result::{plain, told};
use crate::audit::{
    Check, CheckVerdict, ENDED_EARLY, Expects, HOST, Habits, MESSAGE, RECIPIENT, SENDER, USER, client_probe,
    judge_client,
};
use crate::cli::progress::{RunProgress, Standing};
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::cli::values::ValueArguments;
use crate::report::audit::{Audit, AuditCheck, AuditTarget, AuditVerdict, CheckResult, Grade};
use crate::report::collect;
use crate::run::{
    ClientExit, ClientProgram, Finished, Outcome, Plan, Play, RunEvent, RunListener, RunRate, Settings, Stop,
    ensure_descriptors, play_all,
};
use crate::scenario::{Chance, Inputs, Scenario, Secret, Variables};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is to be played.
pub(super) struct Asked<'a> {
    pub(super) checks: &'a [Check],
    pub(super) clients: &'a [Client],
    pub(super) values: &'a ValueArguments,
    pub(super) expects: Option<Expects>,
    /// How long a client may take for each check.
    pub(super) limit: Duration,
    pub(super) deadline: Option<Instant>,
    pub(super) jobs: usize,
    pub(super) slow: bool,
    pub(super) quiet: bool,
}

/// What came of it.
pub(super) struct PlayedClients {
    pub(super) audit: Audit,
    pub(super) interrupted: bool,
}

/// Plays everything.
pub(super) fn play(asked: &Asked<'_>) -> Result<PlayedClients, Refusal> {
    let props = Props { given: asked.values.given(), password: password(asked)?, stop: Stop::default() };
    let probe = client_probe().map_err(|error| Refusal::from(error.to_string()))?;
    let plays = asked.clients.iter().map(|client| props.play(&probe, client, asked, BTreeMap::new()));
    let plays = plays.collect::<Result<Vec<Play>, String>>()?;
    let first = Arc::new(Mutex::new(BTreeMap::new()));
    let course = asked.play(plays, &props.stop, &keeping(&first))?;
    let first = std::mem::take(&mut *first.lock().unwrap_or_else(PoisonError::into_inner));
    let met: Vec<Result<Habits, String>> =
        (0..asked.clients.len()).map(|at| met(asked, first.get(&at))).collect::<Result<_, Refusal>>()?;
    let (work, plays) = Work::new(asked, met, &props);
    if !asked.quiet {
        work.announce(asked);
    }
    let board = Arc::new(Mutex::new(Board { work, progress: RunProgress::new(!asked.quiet) }));
    let again = asked.play(plays, &props.stop, &board_listener(&board))?;
    let board = Arc::into_inner(board).map(|board| board.into_inner().unwrap_or_else(PoisonError::into_inner));
    let Some(mut board) = board else { return Err("the checks did not end".into()) };
    board.progress.end();
    let interrupted = props.stop.is_stopped() && !again.timed_out && !course.timed_out;
    Ok(PlayedClients { audit: board.work.into_audit(asked), interrupted })
}

/// The password that clients log in with: the user's, else one that is made up, so that it is known wherever it appears.
fn password(asked: &Asked<'_>) -> Result<Secret, Refusal> {
    let inputs = asked.values.inputs(&[])?;
    let made_up = || Secret::new(format!("pw-{}", Chance::fresh().word(16)));
    Ok(inputs.secrets.get("password").cloned().unwrap_or_else(made_up))
}

/// What the first session of a client says; a command that cannot be started is no client.
fn met(asked: &Asked<'_>, outcome: Option<&Outcome>) -> Result<Result<Habits, String>, Refusal> {
    let Some(outcome) = outcome else { return Ok(Err(ENDED_EARLY.to_owned())) };
    if let Some(ClientExit::NotStarted(reason)) = outcome.client_end.as_ref().map(|end| &end.exit) {
        let help = "the command stands behind `--`: `smtp-script audit-client -- ./send --port {port}`";
        return Err(format!("the command could not be started: {reason}\n  = help: {help}").into());
    }
    Ok(Habits::of(outcome, asked.expects))
}

impl Asked<'_> {
    fn play(&self, plays: Vec<Play>, stop: &Stop, listener: &RunListener) -> Result<crate::run::Course, Refusal> {
        let jobs = ensure_descriptors(self.jobs.min(plays.len()).max(1), 8, false)?;
        let plan = Plan {
            jobs,
            threads: None,
            pace: RunRate::default(),
            retries: 0,
            retry_delay: Duration::ZERO,
            again: None,
            fail_fast: false,
            deadline: self.deadline,
            stop: stop.clone(),
        };
        Ok(play_all(plays, &plan, listener)?)
    }
}

/// What all plays share.
struct Props {
    given: Inputs,
    password: Secret,
    stop: Stop,
}

impl Props {
    /// A scenario with the program that it is played to.
    fn play(
        &self,
        scenario: &Arc<Scenario>,
        client: &Client,
        asked: &Asked<'_>,
        known: BTreeMap<String, String>,
    ) -> Result<Play, String> {
        let declared = |name: &String| scenario.vars.iter().any(|var| var.name.name == *name);
        let mut vars = known;
        vars.extend(self.given.vars.clone());
        vars.retain(|name, _| declared(name));
        let secrets = BTreeMap::from([("password".to_owned(), self.password.clone())]);
        let secrets = if scenario.secrets.is_empty() { BTreeMap::new() } else { secrets };
        let inputs = Inputs { vars, secrets, untrusted: false };
        let mut variables = Variables::resolve(scenario, &inputs)
            .map_err(|error| error.diagnostics.first().map(|first| first.message.clone()).unwrap_or_default())?;
        // Wherever the password appears it is masked, also where a check has no use for it.
        variables.secrets.insert("password".to_owned(), self.password.clone());
        let value = |name: &str, usual: &str| variables.text(name).unwrap_or_else(|| usual.to_owned());
        let program = ClientProgram {
            words: client.words.clone(),
            values: vec![
                ("host", value("host", HOST)),
                ("user", value("user", USER)),
                ("from", value("from", SENDER)),
                ("to", value("to", RECIPIENT)),
            ],
            password: self.password.clone(),
            message: value("mail", MESSAGE).into_bytes(),
            limit: asked.limit,
        };
        let settings = Settings { client_program: Some(Arc::new(program)), ..Settings::default() };
        Ok(Play { scenario: scenario.clone(), variables, settings, label: String::new(), room: None })
    }
}

/// Keeps each outcome by the number of its play.
fn keeping(outcomes: &Arc<Mutex<BTreeMap<usize, Outcome>>>) -> RunListener {
    let outcomes = outcomes.clone();
    Arc::new(move |event| {
        if let RunEvent::Finished(finished) = event {
            let Finished { play, outcome, .. } = *finished;
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(play, outcome);
        }
    })
}

// --- checks ----------------------------------------------------------------------------------------------------

/// What is to be done, and what has come of it.
struct Work {
    /// For each play its check and its client.
    of_play: Vec<(usize, usize)>,
    met: Vec<Result<Habits, String>>,
    scenarios: Vec<Arc<Scenario>>,
    results: BTreeMap<(usize, usize), CheckResult>,
    /// What the scenarios say with the values of a run, by check.
    told: BTreeMap<usize, (Option<String>, BTreeMap<String, String>)>,
    commands: Vec<String>,
    spans: Vec<Option<(Duration, Duration)>>,
    failed: u64,
}

impl Work {
    fn new(asked: &Asked<'_>, met: Vec<Result<Habits, String>>, props: &Props) -> (Work, Vec<Play>) {
        let mut work = Work {
            of_play: Vec::new(),
            met,
            scenarios: asked.checks.iter().map(|check| check.scenario.clone()).collect(),
            results: BTreeMap::new(),
            told: BTreeMap::new(),
            commands: asked.clients.iter().map(|client| as_typed(&client.words)).collect(),
            spans: vec![None; asked.clients.len()],
            failed: 0,
        };
        let mut plays = Vec::new();
        for (at, check) in asked.checks.iter().enumerate() {
            for (index, client) in asked.clients.iter().enumerate() {
                let play = match &work.met[index] {
                    _ if check.has_tag("slow") && !asked.slow => {
                        Err(plain(AuditVerdict::NotApplicable, "give --slow: it takes longer than 20 s".to_owned()))
                    }
                    Err(reason) => Err(plain(AuditVerdict::Blocked, reason.clone())),
                    Ok(habits) => props
                        .play(&check.scenario, client, asked, habits.variables())
                        .map_err(|reason| plain(AuditVerdict::NotApplicable, reason)),
                };
                match play {
                    Ok(play) => {
                        plays.push(play);
                        work.of_play.push((at, index));
                    }
                    Err(result) => _ = work.results.insert((at, index), result),
                }
            }
        }
        (work, plays)
    }

    /// Says before it begins what will be done, and what of a client is taken for its purpose.
    fn announce(&self, asked: &Asked<'_>) {
        for (index, client) in asked.clients.iter().enumerate() {
            let name = crate::visible(client.name.as_bytes());
            let count = self.of_play.iter().filter(|(_, at)| *at == index).count();
            let text = match &self.met[index] {
                Ok(habits) => format!("notice: {name}: {}; it is started for {count} checks", habits.describe()),
                Err(reason) => format!("warning: {name}: no check can be played: {reason}"),
            };
            screen::notice(&text);
        }
    }

    fn take(&mut self, finished: &Finished) {
        let (check, client) = self.of_play[finished.play];
        let outcome = &finished.outcome;
        let judged = judge_client(&self.scenarios[check], outcome);
        self.failed += u64::from(judged.verdict == CheckVerdict::Fail);
        let end = finished.offset + outcome.duration;
        let span = self.spans[client].get_or_insert((finished.offset, end));
        *span = (span.0.min(finished.offset), span.1.max(end));
        let claim = &outcome.claim;
        self.told.entry(check).or_insert_with(|| (claim.why.clone(), claim.mend.iter().cloned().collect()));
        self.results.insert((check, client), told(judged, outcome, true));
    }

    fn into_audit(mut self, asked: &Asked<'_>) -> Audit {
        let mut audit = Audit::default();
        for (index, client) in asked.clients.iter().enumerate() {
            let (from, to) = self.spans[index].unwrap_or_default();
            audit.targets.push(AuditTarget {
                name: client.name.clone(),
                host: self.commands[index].clone(),
                port: 0,
                role: "client".to_owned(),
                make: None,
                grade: Grade::default(),
                not_applicable: 0,
                blocked: 0,
                unreachable: self.met[index].as_ref().err().cloned(),
                duration: to.saturating_sub(from).as_secs_f64(),
            });
        }
        for (at, check) in asked.checks.iter().enumerate() {
            let (why, mend) = self.told.remove(&at).unwrap_or_default();
            let results = asked.clients.iter().enumerate().map(|(index, client)| {
                let over = || plain(AuditVerdict::Blocked, ENDED_EARLY.to_owned());
                let mut result = self.results.remove(&(at, index)).unwrap_or_else(over);
                if result.verdict == AuditVerdict::Fail {
                    result.play =
                        Some(format!("smtp-script audit-client --only {} -- {}", check.id, self.commands[index]));
                }
                (client.name.clone(), result)
            });
            audit.checks.push(AuditCheck {
                id: check.id.to_owned(),
                rfc: check.scenario.claim.rfc.clone(),
                level: collect::level(check.level()),
                group: check.group.to_owned(),
                name: check.scenario.name.clone().unwrap_or_default(),
                why,
                mend,
                results: results.collect(),
            });
        }
        audit.count();
        audit
    }
}

/// What the threads that report runs share.
struct Board {
    work: Work,
    progress: RunProgress,
}

fn board_listener(board: &Arc<Mutex<Board>>) -> RunListener {
    let board = board.clone();
    Arc::new(move |event| {
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        let Board { work, progress } = &mut *board;
        match event {
            RunEvent::Finished(finished) => work.take(&finished),
            RunEvent::Tick(under_way) => progress.tick(Standing {
                done: work.results.len() as u64,
                of: Some((work.scenarios.len() * work.met.len()) as u64),
                failed: work.failed,
                under_way,
                time: None,
            }),
        }
    })
}
