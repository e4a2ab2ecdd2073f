//! Plays by the schedule of `run`, and gathers what comes of it: the first session with each, and then the checks.
//!
//! Called by `played` for servers and by `client_played` for clients.

use super::outside::SessionNotices;
use super::work::AuditWork;
use crate::cli::progress::RunProgress;
use crate::cli::refusal::Refusal;
use crate::run::{
    Again, Course, Finished, Outcome, Plan, Play, RunEvent, RunListener, RunRate, Stop, ensure_descriptors, play_all,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What ends everything: a signal, or the time of all checks together.
pub(super) struct AuditBounds {
    pub(super) stop: Stop,
    deadline: Option<Instant>,
}

impl AuditBounds {
    pub(super) fn of(max_time: Option<Duration>) -> AuditBounds {
        let deadline = max_time.and_then(|length| Instant::now().checked_add(length));
        AuditBounds { stop: Stop::default(), deadline }
    }
}

/// How plays are scheduled.
pub(super) struct Schedule<'a> {
    /// How many may be under way at once.
    pub(super) jobs: usize,
    /// How many descriptors each of them needs.
    pub(super) descriptors: usize,
    pub(super) again: Option<Again>,
    pub(super) bounds: &'a AuditBounds,
}

impl Schedule<'_> {
    /// The plan for so many plays.
    pub(super) fn plan(&self, plays: usize) -> Result<Plan, Refusal> {
        Ok(Plan {
            jobs: ensure_descriptors(self.jobs.min(plays).max(1), self.descriptors, false)?,
            threads: None,
            pace: RunRate::default(),
            retries: 0,
            retry_delay: Duration::ZERO,
            again: self.again,
            fail_fast: false,
            deadline: self.bounds.deadline,
            stop: self.bounds.stop.clone(),
        })
    }
}

/// Plays each once, and keeps what came of it by the number of the play; nothing of those that did not begin.
pub(super) fn outcomes_of(plays: Vec<Play>, plan: &Plan) -> Result<(Vec<Option<Outcome>>, Course), Refusal> {
    let outcomes: Arc<Mutex<Vec<Option<Outcome>>>> = Arc::new(Mutex::new(plays.iter().map(|_| None).collect()));
    let kept = outcomes.clone();
    let listener: RunListener = Arc::new(move |event| {
        if let RunEvent::Finished(finished) = event {
            let Finished { play, outcome, .. } = *finished;
            if let Some(place) = kept.lock().unwrap_or_else(PoisonError::into_inner).get_mut(play) {
                *place = Some(outcome);
            }
        }
    });
    let course = play_all(plays, plan, &listener)?;
    let outcomes = std::mem::take(&mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((outcomes, course))
}

/// Plays the checks, and shows meanwhile how far it is.
pub(super) fn play_checks(
    work: AuditWork,
    plays: Vec<Play>,
    plan: &Plan,
    shown: AuditShown,
) -> Result<(AuditWork, Course), Refusal> {
    let (quiet, sessions) = match shown {
        AuditShown::Nothing => (true, None),
        AuditShown::Progress => (false, None),
        AuditShown::Sessions(sessions) => (true, Some(sessions)),
    };
    let board = Arc::new(Mutex::new(AuditBoard { work, progress: RunProgress::new(!quiet), sessions }));
    let course = play_all(plays, plan, &listener(&board))?;
    let board = Arc::into_inner(board).map(|board| board.into_inner().unwrap_or_else(PoisonError::into_inner));
    let Some(mut board) = board else { return Err("the checks did not end".into()) };
    board.progress.end();
    Ok((board.work, course))
}

/// What is shown meanwhile.
pub(super) enum AuditShown {
    Nothing,
    /// How many checks are done.
    Progress,
    /// What each session came to.
    Sessions(SessionNotices),
}

impl AuditShown {
    pub(super) fn unless(quiet: bool) -> AuditShown {
        if quiet { AuditShown::Nothing } else { AuditShown::Progress }
    }
}

/// What the threads that report runs share.
struct AuditBoard {
    work: AuditWork,
    progress: RunProgress,
    sessions: Option<SessionNotices>,
}

fn listener(board: &Arc<Mutex<AuditBoard>>) -> RunListener {
    let board = board.clone();
    Arc::new(move |event| {
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        let AuditBoard { work, progress, sessions } = &mut *board;
        match event {
            RunEvent::Finished(finished) => {
                let (check, subject, verdict) = work.take(&finished);
                if let Some(sessions) = sessions {
                    sessions.tell(subject, check, verdict);
                }
            }
            RunEvent::Tick(under_way) => progress.tick(work.standing(under_way)),
        }
    })
}
