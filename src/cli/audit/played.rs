//! Plays the checks: first each server is asked what it says of itself, then every check that applies is played.

use super::result::{command, plain, told};
use crate::audit::{Check, CheckVerdict, Role, TIME_IS_OVER, Target, judge, make_of, played_again_after, probe};
use crate::cli::progress::{RunProgress, Standing};
use crate::cli::refusal::Refusal;
use crate::cli::run::TranscriptsOf;
use crate::cli::screen;
use crate::cli::values::ValueArguments;
use crate::report::audit::{Audit, AuditCheck, AuditTarget, AuditVerdict, CheckResult, Grade};
use crate::report::collect;
use crate::run::{
    Admission, Again, Course, Finished, Outcome, Plan, Play, Room, RunEvent, RunListener, RunRate, RunVerdict,
    Settings, Speaker, Stop, ensure_descriptors, play_all, room_for,
};
use crate::scenario::{Inputs, Scenario, Secret, Variables};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is to be played.
pub(super) struct Asked<'a> {
    pub(super) checks: &'a [Check],
    pub(super) targets: &'a [Target],
    pub(super) settings: Settings,
    pub(super) values: &'a ValueArguments,
    pub(super) jobs: usize,
    pub(super) per_target: usize,
    pub(super) slow: bool,
    pub(super) deliver: bool,
    pub(super) transcripts: TranscriptsOf,
    pub(super) quiet: bool,
}

/// What came of it.
pub(super) struct Played {
    pub(super) audit: Audit,
    pub(super) interrupted: bool,
}

/// What is known of a server before its checks.
struct Met {
    role: Role,
    make: Option<&'static str>,
    /// Why no check can be played.
    unreachable: Option<String>,
}

/// Plays everything.
pub(super) fn play(asked: &Asked<'_>) -> Result<Played, Refusal> {
    let secrets = Secrets::read(asked)?;
    let stop = Stop::default();
    // `--max-time` is for all checks together.
    let end = End { stop, deadline: asked.settings.max_time.map(|length| Instant::now() + length) };
    let settings = Settings { max_time: None, record: false, ..asked.settings.clone() };
    let (met, course) = meet(asked, &settings, &secrets, &end)?;
    let mut work = Work::new(asked, met, &settings, &secrets);
    if !asked.quiet {
        work.announce(asked);
    }
    let plays = std::mem::take(&mut work.plays);
    let plan = plan(asked, plays.len(), &end, played_again_after)?;
    let was_late = course.timed_out;
    let board = Arc::new(Mutex::new(Board { work, progress: RunProgress::new(!asked.quiet) }));
    let course = play_all(equipped(plays, plan.jobs), &plan, &listener(&board))?;
    let board = Arc::into_inner(board).map(|board| board.into_inner().unwrap_or_else(PoisonError::into_inner));
    let Some(mut board) = board else { return Err("the checks did not end".into()) };
    board.progress.end();
    let interrupted = course.stopped && !course.timed_out && !was_late;
    Ok(Played { audit: board.work.into_audit(asked), interrupted })
}

/// What ends everything: a signal, or the time.
struct End {
    stop: Stop,
    deadline: Option<Instant>,
}

fn plan(asked: &Asked<'_>, plays: usize, end: &End, again: Again) -> Result<Plan, Refusal> {
    let jobs = ensure_descriptors(asked.jobs.min(plays).max(1), 2, false)?;
    Ok(Plan {
        jobs,
        threads: None,
        pace: RunRate::default(),
        retries: 0,
        retry_delay: Duration::ZERO,
        again: Some(again),
        fail_fast: false,
        deadline: end.deadline,
        stop: end.stop.clone(),
    })
}

/// Many sessions at once do not overrun a server's queue.
fn equipped(mut plays: Vec<Play>, jobs: usize) -> Vec<Play> {
    if jobs > 1 {
        let admission = Admission::default();
        for play in &mut plays {
            play.settings.admission = Some(admission.clone());
        }
    }
    plays
}

// --- secrets ---------------------------------------------------------------------------------------------------

/// The values of secrets, by name.
struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// Reads what was given; a user name without its password is a mistake.
    fn read(asked: &Asked<'_>) -> Result<Secrets, Refusal> {
        let scenarios: Vec<&Scenario> = asked.checks.iter().map(|check| &*check.scenario).collect();
        let inputs = asked.values.inputs(&scenarios)?;
        for target in asked.targets {
            let has_user = target.values.get("username").is_some_and(|user| !user.is_empty());
            if has_user && !inputs.secrets.contains_key(&target.secret) {
                let name = &target.secret;
                return Err(format!(
                    "`{}` has a user name, and the secret `{name}` has no value\n  = help: give it with `--secret {name}=…`, \
                     `--secrets-file FILE` or the environment variable SMTP_SCRIPT_SECRET_{}",
                    target.name,
                    name.to_uppercase()
                )
                .into());
            }
        }
        Ok(Secrets(inputs.secrets))
    }

    /// The values for a scenario: without a login nothing is sent of a password, whatever it is.
    fn for_target(&self, scenario: &Scenario, target: &Target) -> BTreeMap<String, Secret> {
        let value = |name: &str| {
            let name = if name == "password" { target.secret.as_str() } else { name };
            self.0.get(name).cloned().unwrap_or_else(|| Secret::new("no password was given"))
        };
        scenario.secrets.iter().map(|secret| (secret.name.clone(), value(&secret.name))).collect()
    }
}

/// The variables of a scenario for a target; the name of the first that must be given and is not.
fn variables(
    scenario: &Scenario,
    target: &Target,
    role: Role,
    secrets: &Secrets,
    given: &Inputs,
) -> Result<Variables, String> {
    let known = target.variables(role);
    let mut vars = BTreeMap::new();
    for var in &scenario.vars {
        let name = &var.name.name;
        match known.get(name).or_else(|| given.vars.get(name)) {
            Some(value) => _ = vars.insert(name.clone(), value.clone()),
            None if var.must_be_given() => return Err(format!("give --{name}")),
            None => {}
        }
    }
    let inputs = Inputs { vars, secrets: secrets.for_target(scenario, target), untrusted: false };
    Variables::resolve(scenario, &inputs)
        .map_err(|error| error.diagnostics.first().map(|first| first.message.clone()).unwrap_or_default())
}

// --- meeting ---------------------------------------------------------------------------------------------------

/// Asks each server what it says of itself.
fn meet(asked: &Asked<'_>, settings: &Settings, secrets: &Secrets, end: &End) -> Result<(Vec<Met>, Course), Refusal> {
    let scenario = probe().map_err(|error| Refusal::from(error.to_string()))?;
    let mut plays = Vec::new();
    for target in asked.targets {
        let role = target.role.unwrap_or(Role::Mx);
        let variables = variables(&scenario, target, role, secrets, &Inputs::default()).map_err(Refusal::from)?;
        let (scenario, settings) = (scenario.clone(), settings.clone());
        plays.push(Play { scenario, variables, settings, label: String::new(), room: None });
    }
    let said: Arc<Mutex<Vec<Option<Outcome>>>> = Arc::new(Mutex::new(asked.targets.iter().map(|_| None).collect()));
    let board = said.clone();
    let listener: RunListener = Arc::new(move |event| {
        if let RunEvent::Finished(finished) = event {
            let Finished { play, outcome, .. } = *finished;
            if let Some(place) = board.lock().unwrap_or_else(PoisonError::into_inner).get_mut(play) {
                *place = Some(outcome);
            }
        }
    });
    let plan = plan(asked, plays.len(), end, met_again_after)?;
    let course = play_all(equipped(plays, plan.jobs), &plan, &listener)?;
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    let met = asked.targets.iter().zip(said.iter()).map(|(target, outcome)| met(target, outcome.as_ref()));
    Ok((met.collect(), course))
}

/// A server that was not reached is tried once more.
fn met_again_after(_: &Scenario, outcome: &Outcome) -> Option<Duration> {
    (outcome.verdict() == RunVerdict::Unreachable).then_some(Duration::from_millis(500))
}

fn met(target: &Target, outcome: Option<&Outcome>) -> Met {
    let Some(outcome) = outcome else {
        let unreachable = Some(TIME_IS_OVER.to_owned());
        return Met { role: target.role.unwrap_or(Role::Mx), make: None, unreachable };
    };
    let heard = outcome.transcript.iter().filter(|entry| entry.speaker == Speaker::Server);
    let said: Vec<&str> = heard.map(|entry| entry.text.as_str()).collect();
    let offers_login = said.iter().any(|line| line.get(4..).is_some_and(|word| word.starts_with("AUTH")));
    let role = target.role.unwrap_or(if offers_login { Role::Submission } else { Role::Mx });
    let first = outcome.divergences.first().map(|first| first.diagnostic.message.clone());
    let unreachable = match outcome.verdict() {
        RunVerdict::Unreachable => first,
        RunVerdict::Interrupted => Some(TIME_IS_OVER.to_owned()),
        _ if said.is_empty() => Some("it says nothing: no greeting came".to_owned()),
        _ => None,
    };
    Met { role, make: make_of(&said.join("\n")), unreachable }
}

// --- checks ----------------------------------------------------------------------------------------------------

/// What is to be done, and what has come of it.
struct Work {
    plays: Vec<Play>,
    /// For each play its check and its target.
    of_play: Vec<(usize, usize)>,
    met: Vec<Met>,
    scenarios: Vec<Arc<Scenario>>,
    results: BTreeMap<(usize, usize), CheckResult>,
    /// What the scenarios say with the values of a run, by check.
    told: BTreeMap<usize, (Option<String>, BTreeMap<String, String>)>,
    /// The command that plays each check for each target.
    commands: BTreeMap<(usize, usize), String>,
    spans: Vec<Option<(Duration, Duration)>>,
    transcripts: TranscriptsOf,
    done: u64,
    failed: u64,
}

impl Work {
    fn new(asked: &Asked<'_>, met: Vec<Met>, settings: &Settings, secrets: &Secrets) -> Work {
        let given = asked.values.given();
        let mut work = Work {
            plays: Vec::new(),
            of_play: Vec::new(),
            met,
            scenarios: asked.checks.iter().map(|check| check.scenario.clone()).collect(),
            results: BTreeMap::new(),
            told: BTreeMap::new(),
            commands: BTreeMap::new(),
            spans: asked.targets.iter().map(|_| None).collect(),
            transcripts: asked.transcripts,
            done: 0,
            failed: 0,
        };
        let rooms: Vec<Option<Room>> =
            asked.targets.iter().map(|target| (!target.is_local()).then(|| room_for(asked.per_target))).collect();
        for (at, check) in asked.checks.iter().enumerate() {
            for (index, target) in asked.targets.iter().enumerate() {
                let role = work.met[index].role;
                let blocked = work.met[index].unreachable.clone();
                let wanted = applies(asked, check, role)
                    .map_or_else(Err, |()| variables(&check.scenario, target, role, secrets, &given));
                let result = match (wanted, blocked) {
                    (Err(reason), _) => plain(AuditVerdict::NotApplicable, reason),
                    (Ok(_), Some(reason)) => plain(AuditVerdict::Blocked, reason),
                    (Ok(variables), None) => {
                        let (scenario, settings) = (check.scenario.clone(), settings.clone());
                        let room = rooms[index].clone();
                        work.plays.push(Play { scenario, variables, settings, label: String::new(), room });
                        work.of_play.push((at, index));
                        work.commands.insert((at, index), command(check, target, role, asked.settings.insecure));
                        continue;
                    }
                };
                work.results.insert((at, index), result);
            }
        }
        work
    }

    /// Says before it begins what it will do to whom.
    fn announce(&self, asked: &Asked<'_>) {
        for (index, target) in asked.targets.iter().enumerate() {
            let of_target =
                || self.of_play.iter().filter(|(_, at)| *at == index).map(|(check, _)| &asked.checks[*check]);
            let (sessions, messages) =
                (of_target().count(), of_target().filter(|check| check.has_tag("delivers")).count());
            let at_once = if target.is_local() { asked.jobs } else { asked.per_target.min(asked.jobs) };
            screen::notice(&format!(
                "notice: {} ({}): about {sessions} sessions, at most {at_once} at once; at most {messages} messages delivered",
                crate::visible(target.name.as_bytes()),
                crate::visible(target.address().as_bytes())
            ));
        }
    }

    fn take(&mut self, finished: &Finished) {
        let (check, target) = self.of_play[finished.play];
        let outcome = &finished.outcome;
        let judged = judge(&self.scenarios[check], outcome);
        self.done += 1;
        self.failed += u64::from(judged.verdict == CheckVerdict::Fail);
        let end = finished.offset + outcome.duration;
        let span = self.spans[target].get_or_insert((finished.offset, end));
        *span = (span.0.min(finished.offset), span.1.max(end));
        let claim = &outcome.claim;
        self.told.entry(check).or_insert_with(|| (claim.why.clone(), claim.mend.iter().cloned().collect()));
        let shown = self.transcripts.takes(judged.verdict != CheckVerdict::Fail);
        let mut result = told(judged, outcome, shown);
        if result.verdict == AuditVerdict::Fail {
            result.play = self.commands.get(&(check, target)).cloned();
        }
        self.results.insert((check, target), result);
    }

    fn into_audit(mut self, asked: &Asked<'_>) -> Audit {
        let mut audit = Audit::default();
        for (index, (target, met)) in asked.targets.iter().zip(&self.met).enumerate() {
            let (from, to) = self.spans[index].unwrap_or_default();
            audit.targets.push(AuditTarget {
                name: target.name.clone(),
                host: target.host.clone(),
                port: target.port,
                role: met.role.name().to_owned(),
                make: met.make.map(str::to_owned),
                grade: Grade::default(),
                not_applicable: 0,
                blocked: 0,
                unreachable: met.unreachable.clone(),
                duration: to.saturating_sub(from).as_secs_f64(),
            });
        }
        for (at, check) in asked.checks.iter().enumerate() {
            let (why, mend) = self.told.remove(&at).unwrap_or_default();
            let results = asked.targets.iter().enumerate().map(|(index, target)| {
                let over = || plain(AuditVerdict::Blocked, TIME_IS_OVER.to_owned());
                (target.name.clone(), self.results.remove(&(at, index)).unwrap_or_else(over))
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

/// Why a check is not about a server.
fn applies(asked: &Asked<'_>, check: &Check, role: Role) -> Result<(), String> {
    if !check.is_for(role) {
        return Err(format!("it is not about a server of the role {}", role.name()));
    }
    if check.has_tag("slow") && !asked.slow {
        return Err("give --slow: it takes longer than 20 s".to_owned());
    }
    if check.has_tag("delivers") && !asked.deliver {
        return Err("give --deliver: it leaves a message in a mailbox".to_owned());
    }
    Ok(())
}

// --- while it is under way -------------------------------------------------------------------------------------

/// What the threads that report runs share.
struct Board {
    work: Work,
    progress: RunProgress,
}

fn listener(board: &Arc<Mutex<Board>>) -> RunListener {
    let board = board.clone();
    Arc::new(move |event| {
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        let Board { work, progress } = &mut *board;
        match event {
            RunEvent::Finished(finished) => work.take(&finished),
            RunEvent::Tick(under_way) => progress.tick(Standing {
                done: work.done,
                of: Some(work.of_play.len() as u64),
                failed: work.failed,
                under_way,
                time: None,
            }),
        }
    })
}
