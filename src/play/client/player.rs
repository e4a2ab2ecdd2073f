//! The step loop: plays the steps one by one until one diverges, then `finally`.

use crate::play::Settings;
use crate::play::applies::untested;
use crate::play::client::ground::{Ground, StepAt, Updates, View};
use crate::play::client::sessions::Sessions;
use crate::play::diagnose::Site;
use crate::play::divergence::Divergence;
use crate::play::door;
use crate::play::outcome::{Outcome, StepOutcome, Verdict};
use crate::play::props::Props;
use crate::play::stage::Stage;
use crate::play::step_number::StepNumber;
use crate::play::stop::Stop;
use crate::scenario::{Action, Chance, DEFAULT_TIMEOUT, Over, Scenario, Speech, Step, Templates};
use crate::session::Transcript;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long replies still owed are waited for after a divergence.
const LAST_REPLIES: Duration = Duration::from_secs(2);

/// One run of one scenario.
pub(crate) struct Player<'a> {
    pub(crate) ground: Ground<'a>,
    pub(crate) stage: Stage,
    pub(crate) sessions: Sessions,
    updates: Updates,
    began: Timestamp,
    /// What became of the steps of the server.
    pub(crate) served_steps: Vec<StepOutcome>,
    pub(crate) notices: Vec<String>,
    /// Whether `finally` is played.
    cleaning: Arc<AtomicBool>,
    /// Whether a group is under way whose steps may be played, and told, anew.
    pub(super) in_attempts: bool,
}

/// Whether the steps go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    On,
    Stop,
}

/// Says when a run evaluates nothing more: when it is to stop, and at its end; `cleaning` gives `finally` a moment.
pub(crate) fn over(due: Option<Instant>, settings: &Settings, cleaning: &Arc<AtomicBool>) -> Over {
    let (stop, cleaning) = (settings.stop.clone(), cleaning.clone());
    Arc::new(move || {
        let due = due.map(|due| if cleaning.load(Ordering::Relaxed) { due + LAST_REPLIES } else { due });
        due.is_some_and(|due| Instant::now() >= due) || stop.as_ref().is_some_and(Stop::is_stopped)
    })
}

impl<'a> Player<'a> {
    pub(crate) fn new(scenario: &'a Scenario, props: &Props, settings: &'a Settings) -> Player<'a> {
        let due = settings.max_time.map(|length| Instant::now() + length);
        let cleaning = Arc::new(AtomicBool::new(false));
        let templates = Templates::new(settings.seed.map_or_else(Chance::fresh, Chance::seeded));
        let templates = templates.until(over(due, settings, &cleaning));
        let log = Transcript::new(props.masker.clone(), settings.observer.clone());
        let timeout = settings.timeout.or(scenario.timeout).unwrap_or(DEFAULT_TIMEOUT);
        Player {
            ground: Ground { scenario, settings, sandbox: None, own_server: None, diverged: None },
            stage: Stage::new(Arc::new(templates), props.names.clone(), log, timeout, due),
            sessions: Sessions::default(),
            updates: Updates::default(),
            began: Timestamp::now(),
            served_steps: Vec::new(),
            notices: props.notices.clone(),
            cleaning,
            in_attempts: false,
        }
    }

    pub(crate) async fn play_all(&mut self) {
        let scenario = self.ground.scenario;
        let flow = self.play_script().await;
        if let Some(server) = self.ground.own_server.as_ref().filter(|_| flow == Flow::Stop) {
            server.abandon();
        }
        self.finally(&scenario.finally).await;
        if flow == Flow::On {
            self.refuse_unasked_at_the_end().await;
        }
    }

    /// The user wants an end now: what was under way is reported, `finally` is not played.
    pub(crate) fn interrupt(&mut self) {
        let number = StepNumber::from(self.stage.log.step().clone());
        let steps = self.ground.scenario.all_steps();
        let step = steps.iter().find(|step| &*step.head.number == number.as_str()).or(steps.first());
        let Some(step) = step.copied() else { return };
        self.sessions.show_unread(&mut self.stage.log);
        let now = self.stage.log.elapsed();
        if self.stage.steps.iter().all(|outcome| outcome.number != number) {
            let name = self.view().step_name(step);
            let started = self.stage.steps.last().map_or(Duration::ZERO, |last| last.started + last.duration);
            self.record(step, name, started, Vec::new());
        }
        for outcome in &mut self.stage.steps {
            if number == outcome.number || outcome.number.holds(&number) {
                outcome.verdict = Verdict::Diverged;
                outcome.duration = now.saturating_sub(outcome.started);
            }
        }
        let name = self.view().step_name(step);
        let divergence = self.view().place(step, name.as_deref()).interrupted();
        let line = self.stage.log.last_of(number.as_str());
        self.stage.divergences.push(Divergence { line, ..divergence });
    }

    pub(crate) fn play_steps<'s>(&'s mut self, steps: &'s [Step]) -> Pin<Box<dyn Future<Output = Flow> + 's>> {
        Box::pin(async move {
            for (index, step) in steps.iter().enumerate() {
                if self.play_step(step).await == Flow::Stop {
                    self.pass_over(&steps[index + 1..], Verdict::Unreached);
                    return Flow::Stop;
                }
            }
            Flow::On
        })
    }

    async fn play_step(&mut self, step: &Step) -> Flow {
        self.stage.breathe().await;
        let started = self.stage.log.elapsed();
        self.stage.log.begin_step(step.head.number.clone());
        let name = self.view().step_name(step);
        match self.is_wanted(step, name.as_deref()) {
            Ok(true) => {}
            Ok(false) => {
                self.pass_over(std::slice::from_ref(step), Verdict::Skipped);
                return Flow::On;
            }
            Err(divergence) => return self.record(step, name, started, vec![divergence]),
        }
        if let Action::Group(group) = &step.action {
            return self.play_group(step, group, name).await;
        }
        self.read_late_replies(step).await;
        let outcome = match self.at(step, name.as_deref()) {
            Ok(mut at) => at.perform().await,
            Err(divergence) => Err(vec![divergence]),
        };
        let flow = self.record(step, name, started, outcome.err().unwrap_or_default());
        if matches!(step.action, Action::Skip(_)) { Flow::Stop } else { flow }
    }

    /// Whether a step is to be played: its `when` holds, and inside `finally` its session can still be spoken to.
    pub(crate) fn is_wanted(&self, step: &Step, name: Option<&str>) -> Result<bool, Divergence> {
        let wanted = self.stage.is_wanted(&step.head, &self.view().scope(step));
        if !wanted.map_err(|error| self.view().place(step, name).template(&error))? {
            return Ok(false);
        }
        if self.ground.diverged.is_none() {
            return Ok(true);
        }
        let speech = step.action.speaks();
        let speaks = !matches!(speech, Speech::Nothing | Speech::Opens);
        let reachable = self
            .sessions
            .of(step)
            .is_some_and(|open| open.session.is_alive() && !open.session.dialogue().is_in_mail_data());
        let wait_for_end =
            speech == Speech::Listens && self.sessions.of(step).is_some_and(|open| open.session.is_open());
        Ok(!speaks || reachable || wait_for_end)
    }

    pub(crate) fn record(
        &mut self,
        step: &Step,
        name: Option<String>,
        started: Duration,
        divergences: Vec<Divergence>,
    ) -> Flow {
        let failed = divergences.iter().any(|divergence| !divergence.is_warning());
        let verdict = if failed { Verdict::Diverged } else { Verdict::Followed };
        // A connect that waited for its turn took no longer for it.
        let started = started + std::mem::take(&mut self.sessions.held_back);
        let duration = self.stage.log.elapsed().saturating_sub(started);
        let observed = self.stage.log.take_observed();
        let (replies, received) = self.stage.log.take_received();
        let unplayed = self.unplayed(step, started);
        let outcome = StepOutcome { name, verdict, duration, replies, observed, received, ..unplayed };
        self.stage.keep_step(outcome);
        let stops = failed && !step.head.continues;
        // A run that was asked for wrongly does not go on, whatever the step says.
        let refused = divergences.iter().any(Divergence::ends_the_run);
        if !divergences.is_empty() {
            let line = self.stage.log.last_of(&step.head.number);
            for divergence in divergences {
                self.stage.keep_divergence(divergence, line);
            }
        }
        if stops || refused { Flow::Stop } else { Flow::On }
    }

    /// Whether the run was asked for wrongly: nothing goes on then.
    pub(crate) fn is_refused(&self) -> bool {
        self.stage.divergences.iter().any(Divergence::ends_the_run)
    }

    /// Records steps that are not played.
    pub(crate) fn pass_over(&mut self, steps: &[Step], verdict: Verdict) {
        for step in steps {
            let started = self.stage.log.elapsed();
            let name = self.view().step_name(step);
            self.stage.keep_step(StepOutcome { name, verdict, ..self.unplayed(step, started) });
            if let Action::Group(group) = &step.action {
                self.pass_over(&group.steps, verdict);
            }
        }
    }

    /// A step of which only the position is known.
    pub(crate) fn unplayed(&self, step: &Step, started: Duration) -> StepOutcome {
        let number = step.head.number.clone().into();
        let open = self.sessions.of(step).map(|open| open.session.name().clone());
        let session = open.unwrap_or_else(|| step.session_name().into());
        StepOutcome { session, ..StepOutcome::unreached(number, step.keyword(), step.title(), step.head.span, started) }
    }

    // --- the end -----------------------------------------------------------------------------------------------

    async fn finally(&mut self, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        self.ground.diverged = Some(self.stage.failures() > 0);
        self.cleaning.store(true, Ordering::Relaxed);
        if self.stage.run_is_over() {
            // What cleans up needs a moment of its own.
            self.stage.due = Some(Instant::now() + LAST_REPLIES);
        }
        self.read_last_replies().await;
        self.play_steps(steps).await;
    }

    /// Replies still owed are read before what follows a divergence.
    pub(crate) async fn read_last_replies(&mut self) {
        let until = Instant::now() + self.stage.bounded(LAST_REPLIES);
        self.sessions.read_last_replies(None, until, &mut self.stage.log).await;
    }

    /// Replies that a group left behind when it diverged are read before its session is spoken to again. A session that is
    /// replaced or closed needs none of them.
    async fn read_late_replies(&mut self, step: &Step) {
        let Some(number) = self.sessions.late_replies(step) else { return };
        if matches!(step.action.speaks(), Speech::Opens | Speech::Closes) {
            return;
        }
        self.stage.log.begin_step(number);
        let until = Instant::now() + self.stage.bounded(LAST_REPLIES);
        self.sessions.read_last_replies(Some(step.session_name()), until, &mut self.stage.log).await;
        self.stage.log.begin_step(step.head.number.clone());
    }

    async fn refuse_unasked_at_the_end(&mut self) {
        let last = self.ground.scenario.steps.last().or(self.ground.scenario.opening.as_ref());
        let Some(step) = last else { return };
        for (session, trouble) in self.sessions.unasked(&mut self.stage.log).await {
            let view = self.view();
            let host = view.sessions.named(&session).map_or("", |open| view.known_host(open));
            let mut divergence = Site { host, ..view.place(step, None) }.trouble(&trouble, "");
            "after this step".clone_into(&mut divergence.diagnostic.label);
            self.stage.divergences.push(divergence);
        }
    }

    pub(crate) async fn close_all(&mut self) {
        self.stage.log.begin_step("");
        self.sessions.close_all(&mut self.stage.log).await;
    }

    pub(crate) fn into_outcome(mut self) -> Outcome {
        self.complete_steps();
        let claim = self.ground.scenario.claim.told(&self.stage);
        let is_warning = !self.ground.settings.fail_on.counts(claim.level);
        let not_applicable = self.stage.not_applicable.take().or_else(|| untested(self.ground.scenario, &self.stage));
        let (sessions, exchanges) = self.sessions.into_outcomes(&self.stage.log);
        self.stage.steps.extend(std::mem::take(&mut self.served_steps));
        let mut main = self.stage.divergences;
        main.sort_by_key(|divergence| (divergence.is_warning(), divergence.step.is_finally()));
        let masker = self.stage.log.masker().clone();
        let duration = self.stage.log.elapsed();
        let (transcript, left_out) = self.stage.log.into_entries();
        let mut outcome = Outcome {
            name: self.ground.scenario.name.as_deref().unwrap_or(self.ground.scenario.sources.name()).to_owned(),
            path: self.ground.scenario.sources.name().to_owned(),
            sources: self.ground.scenario.sources.clone(),
            tags: self.ground.scenario.tags.clone(),
            started: self.began,
            duration,
            steps: self.stage.steps,
            claim,
            is_warning,
            not_applicable,
            passed: self.stage.passed,
            divergences: main,
            sessions,
            captures: self.stage.captures.into_iter().collect(),
            rewrites: self.updates.rewrites,
            held: self.updates.held,
            transcript,
            exchanges,
            notices: self.notices,
            client_end: None,
        };
        outcome.soften();
        outcome.count_lines_from(left_out);
        door::hide(&mut outcome, &masker);
        outcome
    }

    /// Steps that were never reached are unreached. A group that was sent in a pipeline stands before its first step.
    fn complete_steps(&mut self) {
        let now = self.stage.log.elapsed();
        let all = self.ground.scenario.all_steps();
        if all.iter().map(|step| &*step.head.number).eq(self.stage.steps.iter().map(|step| step.number.as_str())) {
            return;
        }
        let passed = self.stage.passed.steps().map(|(number, _)| number);
        let numbers = self.stage.steps.iter().map(|step| &step.number).chain(passed);
        let mut told = BTreeSet::new();
        // One by one: of a loop the same numbers come again and again.
        told.extend(numbers.map(|number| number.text().clone()));
        for step in all {
            if told.contains(&step.head.number) {
                continue;
            }
            let number = StepNumber::from(step.head.number.clone());
            let first = self.stage.steps.iter().position(|outcome| number.holds(&outcome.number));
            let mut outcome = StepOutcome { name: self.view().step_name(step), ..self.unplayed(step, now) };
            let place = match first.filter(|_| matches!(step.action, Action::Group(_))) {
                Some(first) => {
                    outcome.encompass(self.stage.steps[first..].iter().filter(|step| number.holds(&step.number)));
                    first
                }
                None => self.stage.steps.len(),
            };
            told.insert(step.head.number.clone());
            self.stage.steps.insert(place, outcome);
        }
    }

    // --- what steps need ---------------------------------------------------------------------------------------

    pub(crate) fn view(&self) -> View<'_> {
        View { ground: &self.ground, stage: &self.stage, sessions: &self.sessions }
    }

    /// A step on its own, which may wait as long as it says itself.
    pub(crate) fn at<'s>(&'s mut self, step: &'s Step, name: Option<&'s str>) -> Result<StepAt<'s>, Divergence> {
        let wait = self.view().wait(step).map_err(|error| self.view().place(step, name).template(&error))?;
        Ok(StepAt {
            ground: &self.ground,
            stage: &mut self.stage,
            sessions: &mut self.sessions,
            updates: &mut self.updates,
            step,
            name,
            wait,
        })
    }
}
