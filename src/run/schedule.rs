//! Which scenario is played when: one after the other, many at once, again and again, at a rate, a part of all.
//!
//! Responsible for the order of runs, retries, and what is under way at once. What a run is, is `player`'s business; what
//! its outcome means is the caller's, who hears of each as it ends. Runs are spread over one thread a processor.

use super::fault::RunFault;
use super::one;
use super::pace_of_runs::Tickets;
use super::plan::{Course, Finished, Plan, Play, RunEvent, RunListener};
use super::processor_time::processor_time;
use crate::net::clock;
use crate::play::Settings;
use crate::play::outcome::Outcome;
use crate::play::props::Props;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

/// How often the caller hears that time goes by.
const TICK: Duration = Duration::from_millis(200);

/// Plays everything as planned; blocks the thread until all is over.
///
/// SIGINT, SIGTERM and SIGHUP stop it: runs under way end with what they have. A second signal ends the process.
///
/// # Errors
/// The system gives no threads or sockets.
pub fn play_all(mut plays: Vec<Play>, plan: &Plan, listener: &RunListener) -> Result<Course, RunFault> {
    let began = Instant::now();
    for play in &mut plays {
        play.settings.stop = Some(plan.stop.clone());
    }
    let shared = Arc::new(Schedule {
        tickets: Tickets::new(&plan.pace, plays.len(), began),
        props: plays.iter().map(|_| OnceLock::new()).collect(),
        plays,
        plan: plan.clone(),
        listener: listener.clone(),
        began,
        halted: AtomicBool::new(false),
        timed_out: AtomicBool::new(false),
        under_way: AtomicU64::new(0),
        peak: AtomicU64::new(0),
        never_begun: AtomicU64::new(0),
    });
    let runtime = runtime()?;
    let threads = thread_count(plan);
    let before = processor_time();
    let outcome = runtime.block_on(async {
        let work = async {
            if threads == 1 {
                LocalSet::new().run_until(work(shared.clone(), 0, 1)).await;
                Ok(())
            } else {
                work_in_threads(&shared, threads).await
            }
        };
        // In a task of its own: beside the work all of it would be asked each time that something comes.
        tokio::spawn(watch(shared.clone()));
        work.await
    });
    // A name lookup that was given up still runs in a thread: nobody waits for it.
    runtime.shutdown_background();
    outcome?;
    let peak = shared.peak.load(Ordering::Relaxed);
    let never_begun = shared.never_begun.load(Ordering::Relaxed);
    let duration = began.elapsed();
    let taken = before.zip(processor_time()).map(|(before, now)| now.saturating_sub(before));
    let busy = taken.map(|taken| part_of(taken, duration, threads));
    let timed_out = shared.timed_out.load(Ordering::Relaxed);
    Ok(Course { peak, never_begun, duration, busy, stopped: plan.stop.is_stopped(), timed_out })
}

/// What all threads of one schedule share.
struct Schedule {
    plays: Vec<Play>,
    /// Of each play what its runs have in common, from the first one on.
    props: Vec<OnceLock<Arc<Props>>>,
    plan: Plan,
    tickets: Tickets,
    listener: RunListener,
    began: Instant,
    /// Nothing more begins.
    halted: AtomicBool,
    /// The deadline came.
    timed_out: AtomicBool,
    under_way: AtomicU64,
    peak: AtomicU64,
    never_begun: AtomicU64,
}

/// A run that is to begin.
#[derive(Debug, Clone, Copy)]
struct Due {
    play: usize,
    number: u64,
    at: Instant,
}

fn runtime() -> Result<tokio::runtime::Runtime, RunFault> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunFault::System)
}

/// One run at a time needs no further thread.
fn thread_count(plan: &Plan) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if plan.jobs == 1 { 1 } else { plan.threads.unwrap_or_else(processors).clamp(1, plan.jobs) }
}

/// Which part of a time this many threads were busy that took this much together.
fn part_of(taken: Duration, time: Duration, threads: usize) -> f64 {
    let whole = time.saturating_mul(u32::try_from(threads).unwrap_or(u32::MAX)).as_secs_f64();
    // What the kernel counts in ticks may be a little more than there was.
    if whole > 0.0 { (taken.as_secs_f64() / whole).min(1.0) } else { 0.0 }
}

async fn work_in_threads(shared: &Arc<Schedule>, threads: usize) -> Result<(), RunFault> {
    let (done, mut all_done) = tokio::sync::mpsc::channel(threads);
    for thread in 0..threads {
        let (shared, done) = (shared.clone(), done.clone());
        let body = move || {
            let outcome = runtime().map(|runtime| {
                runtime.block_on(LocalSet::new().run_until(work(shared, thread, threads)));
                runtime.shutdown_background();
            });
            _ = done.blocking_send(outcome);
        };
        let spawned = std::thread::Builder::new().name(format!("runs {thread}")).spawn(body);
        spawned.map_err(RunFault::System)?;
    }
    drop(done);
    let mut outcome = Ok(());
    while let Some(one) = all_done.recv().await {
        outcome = outcome.and(one);
    }
    outcome
}

/// Hears signals and the clock as long as there is work.
async fn watch(shared: Arc<Schedule>) {
    let stop = shared.plan.stop.clone();
    tokio::join!(super::stop_on_signal(move || stop.stop()), stop_when_due(&shared), tick(&shared));
}

/// Stops everything when the time of all is over; runs under way end with what they have.
async fn stop_when_due(shared: &Schedule) {
    if let Some(due) = shared.plan.deadline {
        clock::rest_until(due.into()).await;
        if !shared.plan.stop.is_stopped() {
            shared.timed_out.store(true, Ordering::Relaxed);
            shared.plan.stop.stop();
        }
    }
    std::future::pending::<()>().await;
}

async fn tick(shared: &Schedule) {
    loop {
        clock::rest(TICK).await;
        (shared.listener)(RunEvent::Tick(shared.under_way.load(Ordering::Relaxed)));
    }
}

/// One thread's part: it keeps its share of the jobs busy, or begins its share of the runs when they are due.
async fn work(shared: Arc<Schedule>, thread: usize, threads: usize) {
    let jobs = shared.plan.jobs / threads + usize::from(thread < shared.plan.jobs % threads);
    if shared.tickets.is_open_loop() {
        begin_when_due(&shared, thread, threads, jobs).await;
    } else {
        let slots: Vec<_> = (0..jobs)
            .map(|slot| {
                let wait = shared.tickets.ramp_of_slot(slot * threads + thread, shared.plan.jobs);
                let wait = shared.plan.pace.duration.map_or(wait, |duration| wait.min(duration));
                tokio::task::spawn_local(one_after_the_other(shared.clone(), wait))
            })
            .collect();
        for slot in slots {
            _ = slot.await;
        }
    }
}

/// Closed loop: the next run begins when one ends.
async fn one_after_the_other(shared: Arc<Schedule>, wait: Duration) {
    if !wait.is_zero() {
        tokio::select! {
            () = clock::rest(wait) => {}
            () = shared.plan.stop.stopped() => return,
        }
    }
    while !shared.is_over() {
        let Some((number, play)) = shared.tickets.next() else { return };
        // What a slot begins at once is due at once: the server's slowness is the run's own.
        play_turn(&shared, Due { play, number, at: Instant::now() }).await;
    }
}

/// Open loop: a run begins when it is due, however long the others take, as long as `jobs` allows it.
async fn begin_when_due(shared: &Arc<Schedule>, thread: usize, threads: usize, jobs: usize) {
    let slots = Arc::new(Semaphore::new(jobs));
    let mut local = thread as u64;
    let mut under_way = tokio::task::JoinSet::new();
    while let Some((number, play, due)) = shared.tickets.due(local) {
        local += threads as u64;
        let wait = async {
            clock::rest_until(due.into()).await;
            slots.clone().acquire_owned().await
        };
        let slot = tokio::select! {
            slot = wait => slot,
            () = shared.plan.stop.stopped() => break,
        };
        if shared.is_over() {
            let left = (local..).step_by(threads).take_while(|one| shared.tickets.due(*one).is_some()).count();
            let waits = !shared.plan.stop.is_stopped() && !shared.halted.load(Ordering::Relaxed);
            shared.never_begun.fetch_add(if waits { left as u64 + 1 } else { 0 }, Ordering::Relaxed);
            break;
        }
        let shared = shared.clone();
        under_way.spawn_local(async move {
            play_turn(&shared, Due { play, number, at: due }).await;
            drop(slot);
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

/// One run with its retries. A panic in it is a bug that ends no other run.
async fn play_turn(shared: &Schedule, due: Due) {
    let now = Instant::now();
    let under_way = shared.under_way.fetch_add(1, Ordering::Relaxed) + 1;
    shared.peak.fetch_max(under_way, Ordering::Relaxed);
    let mut before = Vec::new();
    let play = &shared.plays[due.play];
    let room = match &play.room {
        Some(room) => room.clone().acquire_owned().await.ok(),
        None => None,
    };
    let began = Instant::now();
    let outcome = loop {
        let outcome = attempt(shared, due).await;
        let Some(wait) = shared.plan.wait_before_another(play, &outcome, before.len()) else { break outcome };
        if shared.plan.stop.is_stopped() {
            break outcome;
        }
        before.push(outcome);
        tokio::select! {
            () = clock::rest(wait) => {}
            () = shared.plan.stop.stopped() => {}
        }
    };
    drop(room);
    shared.under_way.fetch_sub(1, Ordering::Relaxed);
    if shared.plan.fail_fast && outcome.verdict().exit_code() != 0 {
        shared.halted.store(true, Ordering::Relaxed);
    }
    (shared.listener)(RunEvent::Finished(Box::new(Finished {
        play: due.play,
        number: due.number,
        offset: began.saturating_duration_since(shared.began),
        late: now.saturating_duration_since(due.at),
        before,
        outcome,
    })));
}

async fn attempt(shared: &Schedule, due: Due) -> Outcome {
    let play = &shared.plays[due.play];
    // Each run of a seed is another one, and the same one each time.
    let seeded = play.settings.seed.map(|seed| {
        let seed = Some(seed.wrapping_add(due.number));
        Settings { seed, ..play.settings.clone() }
    });
    let settings = seeded.as_ref().unwrap_or(&play.settings);
    let props = shared.props(due.play);
    let run = one::play(&play.scenario, &play.variables, &props, settings);
    let mut outcome = unless_it_panics(run).await.unwrap_or_else(|| one::broken_off(&play.scenario));
    outcome.label(&play.label);
    outcome
}

/// What comes of a run; nothing where it ends in a panic, which has been reported by then.
async fn unless_it_panics<T>(run: impl Future<Output = T>) -> Option<T> {
    let mut run = pin!(run);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
        Ok(Poll::Ready(outcome)) => Poll::Ready(Some(outcome)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

impl Schedule {
    /// Kept where there are further runs: of many scenarios each of which is played once nothing need be held.
    fn props(&self, play: usize) -> Arc<Props> {
        let Play { variables, settings, .. } = &self.plays[play];
        let made = || Arc::new(Props::new(variables, settings));
        if self.plan.pace.is_load() { self.props[play].get_or_init(made).clone() } else { made() }
    }

    fn is_over(&self) -> bool {
        self.halted.load(Ordering::Relaxed) || self.plan.stop.is_stopped() || self.tickets.is_over()
    }
}
