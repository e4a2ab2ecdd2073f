//! Plays the checks of servers: first each is asked what it says of itself, then every check that applies is played.

use super::board::{AuditBounds, AuditShown, Schedule, play_checks};
use super::meeting::{MetServer, meet};
use super::result::{command, plain};
use super::secrets::{TargetSecrets, variables};
use super::work::{AuditWork, CheckPlay};
use crate::audit::{Check, NotPlayed, Role, Target, judge, played_again_after};
use crate::cli::refusal::Refusal;
use crate::cli::run::TranscriptsOf;
use crate::cli::screen;
use crate::cli::values::ValueArguments;
use crate::report::audit::{Audit, AuditTarget, AuditVerdict, CheckResult, Grade};
use crate::run::{Admission, Again, Play, Room, Settings, room_for};
use crate::scenario::Inputs;
use crate::smtp::idiom::Idiom;

/// What is to be played.
pub(super) struct AuditRequest<'a> {
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
pub(super) struct Audited {
    pub(super) audit: Audit,
    pub(super) interrupted: bool,
}

/// Plays everything.
pub(super) fn play(request: &AuditRequest<'_>) -> Result<Audited, Refusal> {
    let secrets = TargetSecrets::read(request)?;
    let bounds = AuditBounds::of(request.settings.max_time);
    let settings = Settings { max_time: None, record: false, idiom: Idiom::Options, ..request.settings.clone() };
    let (met, first) = meet(request, &settings, &secrets, &bounds)?;
    let ground =
        ServerGround { request, met: &met, settings, secrets, given: request.values.given(), rooms: rooms(request) };
    let subjects = request.targets.iter().zip(&met).map(|(target, met)| subject(target, met)).collect();
    let (work, plays) = AuditWork::new(request.checks, subjects, request.transcripts, judge, &|check, target| {
        ground.prepare(&request.checks[check], target)
    });
    if !request.quiet {
        announce(request, &met, &work);
    }
    let again = Some(played_again_after as Again);
    let plan = Schedule { jobs: request.jobs, descriptors: 2, again, bounds: &bounds }.plan(plays.len())?;
    let (work, course) = play_checks(work, equipped(plays, plan.jobs), &plan, AuditShown::unless(request.quiet))?;
    let interrupted = course.stopped && !course.timed_out && !first.timed_out;
    Ok(Audited { audit: work.into_audit(request.checks), interrupted })
}

/// Many sessions at once do not overrun a server's queue.
pub(super) fn equipped(mut plays: Vec<Play>, jobs: usize) -> Vec<Play> {
    if jobs > 1 {
        let admission = Admission::default();
        for play in &mut plays {
            play.settings.admission = Some(admission.clone());
        }
    }
    plays
}

/// What limits the sessions with each server.
fn rooms(request: &AuditRequest<'_>) -> Vec<Option<Room>> {
    request.targets.iter().map(|target| (!target.is_local()).then(|| room_for(request.per_target))).collect()
}

/// What the plays of all checks are made from.
struct ServerGround<'a> {
    request: &'a AuditRequest<'a>,
    met: &'a [MetServer],
    settings: Settings,
    secrets: TargetSecrets,
    given: Inputs,
    rooms: Vec<Option<Room>>,
}

impl ServerGround<'_> {
    /// The play of one check on one server, or why there is none.
    fn prepare(&self, check: &Check, index: usize) -> Result<CheckPlay, CheckResult> {
        let (target, met) = (&self.request.targets[index], &self.met[index]);
        let not_applicable = |reason| plain(AuditVerdict::NotApplicable, reason);
        applies(self.request, check, met.role).map_err(|NotPlayed(reason)| not_applicable(reason))?;
        let variables =
            variables(&check.scenario, target, met.role, &self.secrets, &self.given).map_err(not_applicable)?;
        if let Some(reason) = &met.unreachable {
            return Err(plain(AuditVerdict::Blocked, reason.clone()));
        }
        let (scenario, settings) = (check.scenario.clone(), self.settings.clone());
        let room = self.rooms[index].clone();
        Ok(CheckPlay {
            play: Play { scenario, variables, settings, label: String::new(), room },
            command: command(check, target, met.role, self.request.settings.insecure),
        })
    }
}

/// A server as reports have it, before any check.
fn subject(target: &Target, met: &MetServer) -> AuditTarget {
    AuditTarget {
        name: target.name.clone(),
        host: target.host.clone(),
        port: target.port,
        role: met.role.name().to_owned(),
        make: met.make.map(str::to_owned),
        grade: Grade::default(),
        not_applicable: 0,
        blocked: 0,
        unreachable: met.unreachable.clone(),
        duration: 0.0,
    }
}

/// Says before it begins what it will do to whom.
fn announce(request: &AuditRequest<'_>, met: &[MetServer], work: &AuditWork) {
    let met = request.targets.iter().enumerate().filter(|(index, _)| met[*index].unreachable.is_none());
    for (index, target) in met {
        let of_target = || work.checks_of(index).map(|check| &request.checks[check]);
        let (sessions, messages) = (of_target().count(), of_target().filter(|check| check.has_tag("delivers")).count());
        let at_once = if target.is_local() { request.jobs } else { request.per_target.min(request.jobs) };
        screen::notice(&format!(
            "notice: {} ({}): about {sessions} sessions, at most {at_once} at once; at most {messages} messages delivered",
            crate::visible(target.name.as_bytes()),
            crate::visible(target.address().as_bytes())
        ));
    }
}

/// Why a check is not about a server.
fn applies(request: &AuditRequest<'_>, check: &Check, role: Role) -> Result<(), NotPlayed> {
    if !check.is_for(role) {
        return Err(NotPlayed(format!("it is not about a server of the role {}", role.name())));
    }
    check.is_quick_or(request.slow)?;
    if check.has_tag("delivers") && !request.deliver {
        return Err(NotPlayed("give --deliver: it leaves a message in a mailbox".to_owned()));
    }
    Ok(())
}
