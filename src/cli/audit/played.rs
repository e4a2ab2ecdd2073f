//! Plays the checks: first each server is asked what it says of itself, then every check that applies is played.

use super::meeting::meet;
use super::secrets::TargetSecrets;
use super::work::AuditWork;
use crate::audit::{Check, Target, played_again_after};
use crate::cli::progress::RunProgress;
use crate::cli::refusal::Refusal;
use crate::cli::run::TranscriptsOf;
use crate::cli::values::ValueArguments;
use crate::report::audit::Audit;
use crate::run::{
    Admission, Again, Plan, Play, RunEvent, RunListener, RunRate, Settings, Stop, ensure_descriptors, play_all,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    let stop = Stop::default();
    // `--max-time` is for all checks together.
    let end = AuditBounds { stop, deadline: request.settings.max_time.map(|length| Instant::now() + length) };
    let settings = Settings { max_time: None, record: false, ..request.settings.clone() };
    let (met, course) = meet(request, &settings, &secrets, &end)?;
    let mut work = AuditWork::new(request, met, &settings, &secrets);
    if !request.quiet {
        work.announce(request);
    }
    let plays = work.take_plays();
    let plan = plan(request, plays.len(), &end, played_again_after)?;
    let was_late = course.timed_out;
    let board = Arc::new(Mutex::new(AuditBoard { work, progress: RunProgress::new(!request.quiet) }));
    let course = play_all(equipped(plays, plan.jobs), &plan, &listener(&board))?;
    let board = Arc::into_inner(board).map(|board| board.into_inner().unwrap_or_else(PoisonError::into_inner));
    let Some(mut board) = board else { return Err("the checks did not end".into()) };
    board.progress.end();
    let interrupted = course.stopped && !course.timed_out && !was_late;
    Ok(Audited { audit: board.work.into_audit(request), interrupted })
}

/// What ends everything: a signal, or the time.
pub(super) struct AuditBounds {
    stop: Stop,
    deadline: Option<Instant>,
}

/// How the plays are scheduled.
pub(super) fn plan(request: &AuditRequest<'_>, plays: usize, end: &AuditBounds, again: Again) -> Result<Plan, Refusal> {
    let jobs = ensure_descriptors(request.jobs.min(plays).max(1), 2, false)?;
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
pub(super) fn equipped(mut plays: Vec<Play>, jobs: usize) -> Vec<Play> {
    if jobs > 1 {
        let admission = Admission::default();
        for play in &mut plays {
            play.settings.admission = Some(admission.clone());
        }
    }
    plays
}

/// What the threads that report runs share.
struct AuditBoard {
    work: AuditWork,
    progress: RunProgress,
}

fn listener(board: &Arc<Mutex<AuditBoard>>) -> RunListener {
    let board = board.clone();
    Arc::new(move |event| {
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        let AuditBoard { work, progress } = &mut *board;
        match event {
            RunEvent::Finished(finished) => work.take(&finished),
            RunEvent::Tick(under_way) => progress.tick(work.standing(under_way)),
        }
    })
}
