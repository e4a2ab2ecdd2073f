//! What an audit has to play, and what has come of it so far.

use super::meeting::MetServer;
use super::played::AuditRequest;
use super::result::{command, plain, told};
use super::secrets::{TargetSecrets, variables};
use crate::audit::{Check, CheckVerdict, ENDED_EARLY, Role, judge};
use crate::cli::progress::Standing;
use crate::cli::run::TranscriptsOf;
use crate::cli::screen;
use crate::report::audit::{Audit, AuditCheck, AuditTarget, AuditVerdict, CheckResult, Grade};
use crate::report::collect;
use crate::run::{Finished, Play, Room, Settings, room_for};
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What is to be done, and what has come of it.
pub(super) struct AuditWork {
    plays: Vec<Play>,
    /// For each play its check and its target.
    of_play: Vec<(usize, usize)>,
    met: Vec<MetServer>,
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

impl AuditWork {
    pub(super) fn new(
        request: &AuditRequest<'_>,
        met: Vec<MetServer>,
        settings: &Settings,
        secrets: &TargetSecrets,
    ) -> AuditWork {
        let given = request.values.given();
        let mut work = AuditWork {
            plays: Vec::new(),
            of_play: Vec::new(),
            met,
            scenarios: request.checks.iter().map(|check| check.scenario.clone()).collect(),
            results: BTreeMap::new(),
            told: BTreeMap::new(),
            commands: BTreeMap::new(),
            spans: request.targets.iter().map(|_| None).collect(),
            transcripts: request.transcripts,
            done: 0,
            failed: 0,
        };
        let rooms: Vec<Option<Room>> =
            request.targets.iter().map(|target| (!target.is_local()).then(|| room_for(request.per_target))).collect();
        for (at, check) in request.checks.iter().enumerate() {
            for (index, target) in request.targets.iter().enumerate() {
                let role = work.met[index].role;
                let blocked = work.met[index].unreachable.clone();
                let wanted = applies(request, check, role)
                    .map_or_else(Err, |()| variables(&check.scenario, target, role, secrets, &given));
                let result = match (wanted, blocked) {
                    (Err(reason), _) => plain(AuditVerdict::NotApplicable, reason),
                    (Ok(_), Some(reason)) => plain(AuditVerdict::Blocked, reason),
                    (Ok(variables), None) => {
                        let (scenario, settings) = (check.scenario.clone(), settings.clone());
                        let room = rooms[index].clone();
                        work.plays.push(Play { scenario, variables, settings, label: String::new(), room });
                        work.of_play.push((at, index));
                        work.commands.insert((at, index), command(check, target, role, request.settings.insecure));
                        continue;
                    }
                };
                work.results.insert((at, index), result);
            }
        }
        work
    }

    /// Says before it begins what it will do to whom.
    pub(super) fn announce(&self, request: &AuditRequest<'_>) {
        let met = request.targets.iter().enumerate().filter(|(index, _)| self.met[*index].unreachable.is_none());
        for (index, target) in met {
            let of_target =
                || self.of_play.iter().filter(|(_, at)| *at == index).map(|(check, _)| &request.checks[*check]);
            let (sessions, messages) =
                (of_target().count(), of_target().filter(|check| check.has_tag("delivers")).count());
            let at_once = if target.is_local() { request.jobs } else { request.per_target.min(request.jobs) };
            screen::notice(&format!(
                "notice: {} ({}): about {sessions} sessions, at most {at_once} at once; at most {messages} messages delivered",
                crate::visible(target.name.as_bytes()),
                crate::visible(target.address().as_bytes())
            ));
        }
    }

    /// The plays, for the schedule.
    pub(super) fn take_plays(&mut self) -> Vec<Play> {
        std::mem::take(&mut self.plays)
    }

    /// How far it is, while `under_way` checks are being played.
    pub(super) fn standing(&self, under_way: u64) -> Standing {
        Standing { done: self.done, of: Some(self.of_play.len() as u64), failed: self.failed, under_way, time: None }
    }

    /// Keeps what came of one play.
    pub(super) fn take(&mut self, finished: &Finished) {
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

    pub(super) fn into_audit(mut self, request: &AuditRequest<'_>) -> Audit {
        let mut audit = Audit::default();
        for (index, (target, met)) in request.targets.iter().zip(&self.met).enumerate() {
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
        for (at, check) in request.checks.iter().enumerate() {
            let (why, mend) = self.told.remove(&at).unwrap_or_default();
            let results = request.targets.iter().enumerate().map(|(index, target)| {
                let over = || plain(AuditVerdict::Blocked, ENDED_EARLY.to_owned());
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
fn applies(request: &AuditRequest<'_>, check: &Check, role: Role) -> Result<(), String> {
    if !check.is_for(role) {
        return Err(format!("it is not about a server of the role {}", role.name()));
    }
    if check.has_tag("slow") && !request.slow {
        return Err("give --slow: it takes longer than 20 s".to_owned());
    }
    if check.has_tag("delivers") && !request.deliver {
        return Err("give --deliver: it leaves a message in a mailbox".to_owned());
    }
    Ok(())
}
