//! The step loop: plays the steps one by one until one diverges, then `finally`.

use super::Settings;
use super::connection::{Endpoint, Resolver, file_root};
use super::diagnose::Place;
use super::expect::Comparer;
use super::outcome::{Cause, Divergence, Outcome, SessionOutcome, StepOutcome, Verdict};
use super::rewrite::Rewrite;
use super::sandbox::sandbox_options;
use super::scope::{Names, StepScope};
use super::serving::{Listening, Phase, Serving};
use super::stop::Stop;
use crate::scenario::{
    Action, Chance, DEFAULT_TIMEOUT, Diagnostic, Length, Mode, Over, Scenario, Scope, Span, Speech, Step,
    TemplateError, Templates, TlsSettings, Variables,
};
use crate::secret::Masker;
use crate::server::Sandbox;
use crate::session::{Exchange, Session, Transcript};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long replies still owed are waited for after a divergence.
const LAST_REPLIES: Duration = Duration::from_secs(2);

/// After how many steps others have their turn, signals among them.
const STEPS_OF_A_BREATH: usize = 64;

/// A session and how it was opened.
pub(super) struct Open {
    /// The how manyeth session of the run it is.
    pub(super) serial: u64,
    pub(super) session: Session,
    pub(super) endpoint: Endpoint,
    pub(super) tls: TlsSettings,
    /// What is added to the octets that were sent, before anybody is told: of an untrusted scenario the figures go by what
    /// was written, since the length of a secret tells something of it.
    pub(super) correction: i64,
}

/// One run of one scenario.
pub(super) struct Player<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) settings: &'a Settings,
    pub(super) templates: Templates,
    pub(super) names: Names,
    pub(super) sessions: BTreeMap<String, Open>,
    pub(super) log: Transcript,
    pub(super) sandbox: Option<Arc<Sandbox>>,
    /// The server of the same file.
    pub(super) serving: Option<Serving>,
    /// The default time of a wait, at this place of the scenario.
    pub(super) timeout: Duration,
    /// When the whole run must be over.
    pub(super) due: Option<Instant>,
    pub(super) steps: Vec<StepOutcome>,
    pub(super) divergences: Vec<Divergence>,
    /// How often the steps of loops were played.
    pub(super) iterations: u64,
    /// How long the present step waited for its turn to connect.
    pub(super) held_back: Duration,
    /// How many sessions were opened.
    pub(super) opened: u64,
    /// Sessions that were closed and given up, in figures.
    pub(super) retired: Vec<SessionOutcome>,
    /// What happened on them, where that is kept.
    exchanges: Vec<Exchange>,
    /// What was captured, as it is shown.
    pub(super) captures: BTreeMap<String, String>,
    pub(super) rewrites: Vec<Rewrite>,
    /// Under an update: expectations that held.
    pub(super) held: Vec<Span>,
    began: Timestamp,
    /// What became of the steps of the server.
    pub(super) served_steps: Vec<StepOutcome>,
    notices: Vec<String>,
    /// Inside `finally`: whether the steps before it diverged.
    diverged: Option<bool>,
    /// Whether `finally` is played.
    cleaning: Arc<AtomicBool>,
}

/// Whether the steps go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Stop,
}

/// Plays a scenario from its connection to its end.
pub(super) async fn play(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Outcome {
    let mut player = Player::new(scenario, variables, settings);
    if let Err(error) = player.start_sandbox(variables) {
        return not_started(scenario, &error);
    }
    if let Err(error) = player.refuse_endless() {
        return not_startable(scenario, &error);
    }
    if let Err(error) = player.start_server(variables).await {
        return not_startable(scenario, &error);
    }
    let stop = settings.stop.clone().unwrap_or_default();
    tokio::select! {
        biased;
        () = player.play_all() => {}
        () = stop.stopped() => player.interrupt(),
    }
    player.close_all().await;
    let phase = player.last_phase();
    player.finish_server(phase).await;
    player.into_outcome()
}

/// Plays the server's side alone; `ready` is told where it listens.
pub(super) async fn serve(
    scenario: &Scenario,
    variables: &Variables,
    settings: &Settings,
    ready: &mut dyn FnMut(&Listening),
) -> Outcome {
    let mut player = Player::new(scenario, variables, settings);
    if let Err(error) = player.start_server(variables).await {
        return not_startable(scenario, &error);
    }
    let Some(serving) = &player.serving else { return not_started(scenario, "this file has no `server:`") };
    let listening = match serving.trust_pem() {
        Ok(trust_pem) => Listening { address: serving.address(), trust_pem },
        Err(error) => return not_started(scenario, &error),
    };
    ready(&listening);
    let wanted = scenario.server.as_ref().and_then(|server| server.listed());
    player.finish_server(Phase::Open { wanted }).await;
    player.into_outcome()
}

/// Says when a run evaluates nothing more: when it is to stop, and at its end; `cleaning` gives `finally` a moment.
pub(super) fn over(due: Option<Instant>, settings: &Settings, cleaning: &Arc<AtomicBool>) -> Over {
    let (stop, cleaning) = (settings.stop.clone(), cleaning.clone());
    Arc::new(move || {
        let due = due.map(|due| if cleaning.load(Ordering::Relaxed) { due + LAST_REPLIES } else { due });
        due.is_some_and(|due| Instant::now() >= due) || stop.as_ref().is_some_and(Stop::is_stopped)
    })
}

/// The outcome of a run whose server could not begin.
fn not_startable(scenario: &Scenario, error: &TemplateError) -> Outcome {
    let mut outcome = not_started(scenario, "");
    for divergence in &mut outcome.divergences {
        divergence.diagnostic = error.clone().into_diagnostic();
    }
    outcome
}

/// The outcome of a run that could not begin.
pub(super) fn not_started(scenario: &Scenario, error: &str) -> Outcome {
    nothing_played(scenario, Cause::User, "start", &format!("the run could not be started: {error}"))
}

/// The outcome of a run that ended in a bug of this program.
pub(super) fn broken_off(scenario: &Scenario) -> Outcome {
    nothing_played(
        scenario,
        Cause::Bug,
        "bug",
        "a bug in smtp-script ended this run: please report it, with the scenario",
    )
}

fn nothing_played(scenario: &Scenario, cause: Cause, kind: &'static str, message: &str) -> Outcome {
    let diagnostic = Diagnostic::error(Span::default(), message);
    Outcome {
        name: scenario.name.clone().unwrap_or_else(|| scenario.sources.name().to_owned()),
        path: scenario.sources.name().to_owned(),
        sources: scenario.sources.clone(),
        tags: scenario.tags.clone(),
        started: Timestamp::now(),
        duration: Duration::ZERO,
        steps: Vec::new(),
        divergences: vec![Divergence {
            step: String::new(),
            cause,
            kind,
            reason: None,
            reply_code: None,
            line: None,
            diagnostic,
        }],
        sessions: Vec::new(),
        captures: Vec::new(),
        rewrites: Vec::new(),
        held: Vec::new(),
        transcript: Vec::new(),
        exchanges: Vec::new(),
        notices: Vec::new(),
    }
}

impl<'a> Player<'a> {
    fn new(scenario: &'a Scenario, variables: &Variables, settings: &'a Settings) -> Player<'a> {
        let masker = if settings.show_secrets { Masker::default() } else { Masker::new(&variables.secrets) };
        let notices = masker
            .too_short()
            .iter()
            .map(|name| format!("the secret `{name}` is so short that it is not searched for in what the server sends"))
            .collect();
        let due = settings.max_time.map(|length| Instant::now() + length);
        let cleaning = Arc::new(AtomicBool::new(false));
        Player {
            templates: Templates::new(settings.seed.map_or_else(Chance::fresh, Chance::seeded))
                .until(over(due, settings, &cleaning)),
            cleaning,
            names: Names::new(variables),
            sessions: BTreeMap::new(),
            log: Transcript::new(Arc::new(masker), settings.observer.clone()),
            sandbox: None,
            serving: None,
            timeout: settings.timeout.or(scenario.timeout).unwrap_or(DEFAULT_TIMEOUT),
            due,
            steps: Vec::new(),
            divergences: Vec::new(),
            iterations: 0,
            held_back: Duration::ZERO,
            opened: 0,
            retired: Vec::new(),
            exchanges: Vec::new(),
            captures: BTreeMap::new(),
            rewrites: Vec::new(),
            held: Vec::new(),
            began: Timestamp::now(),
            served_steps: Vec::new(),
            notices,
            diverged: None,
            scenario,
            settings,
        }
    }

    /// Starts the built-in server: any user name with one of the secrets as password is let in.
    fn start_sandbox(&mut self, variables: &Variables) -> Result<(), String> {
        if !self.settings.sandbox || self.settings.to.is_some() {
            return Ok(());
        }
        if let Some(shared) = &self.settings.shared_sandbox {
            self.sandbox = Some(shared.server().clone());
            return Ok(());
        }
        let options = sandbox_options([(self.scenario, variables, self.settings)]);
        let sandbox = Sandbox::start(options).map_err(|error| format!("the sandbox: {error}"))?;
        self.sandbox = Some(Arc::new(sandbox));
        Ok(())
    }

    async fn play_all(&mut self) {
        let scenario = self.scenario;
        let mut flow = Flow::On;
        if let Some(opening) = &scenario.opening {
            flow = self.play_steps(std::slice::from_ref(opening)).await;
        }
        if flow == Flow::On {
            flow = self.play_steps(&scenario.steps).await;
        }
        if let Some(serving) = self.serving.as_ref().filter(|_| flow == Flow::Stop) {
            serving.abandon();
        }
        self.finally(&scenario.finally).await;
        if flow == Flow::On {
            self.refuse_unasked_at_the_end().await;
        }
    }

    /// The user wants an end now: what was under way is told, `finally` is not played.
    fn interrupt(&mut self) {
        let number = self.log.step().to_owned();
        let steps = self.scenario.all_steps();
        let step = steps.iter().find(|step| step.head.number == number).or(steps.first());
        let Some(step) = step.copied() else { return };
        for open in self.sessions.values_mut() {
            open.session.show_unread(&mut self.log);
        }
        let now = self.log.elapsed();
        if self.steps.iter().all(|outcome| outcome.number != number) {
            let name = self.step_name(step);
            let started = self.steps.last().map_or(Duration::ZERO, |last| last.started + last.duration);
            self.record(step, name, started, Vec::new());
        }
        for outcome in &mut self.steps {
            if number == outcome.number || number.starts_with(&format!("{}.", outcome.number)) {
                outcome.verdict = Verdict::Diverged;
                outcome.duration = now.saturating_sub(outcome.started);
            }
        }
        let name = self.step_name(step);
        let divergence = self.place(step, name.as_deref()).interrupted();
        let line = self.log.last_of(&number);
        self.divergences.push(Divergence { line, ..divergence });
    }

    pub(super) fn play_steps<'s>(&'s mut self, steps: &'s [Step]) -> Pin<Box<dyn Future<Output = Flow> + 's>> {
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
        // Steps that wait for nothing would keep signals from being heard.
        if self.templates.wants_a_breath() || self.steps.len().is_multiple_of(STEPS_OF_A_BREATH) {
            tokio::task::yield_now().await;
        }
        let started = self.log.elapsed();
        self.log.begin_step(&step.head.number);
        let name = self.step_name(step);
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
        let outcome = self.perform(step, name.as_deref()).await;
        self.record(step, name, started, outcome.err().unwrap_or_default())
    }

    /// Whether a step is to be played: its `when` holds, and inside `finally` its session can still be spoken to.
    pub(super) fn is_wanted(&self, step: &Step, name: Option<&str>) -> Result<bool, Divergence> {
        if let Some(when) = &step.head.when {
            let value = self.templates.evaluate(when, &self.scope(step));
            match value {
                Ok(value) if value.is_true() => {}
                Ok(_) => return Ok(false),
                Err(error) => return Err(self.place(step, name).template(&error)),
            }
        }
        if self.diverged.is_none() {
            return Ok(true);
        }
        let speech = step.action.speaks();
        let speaks = !matches!(speech, Speech::Nothing | Speech::Opens);
        let reachable = self.open(step).is_some_and(|open| open.session.is_alive() && !open.session.is_in_mail_data());
        let wait_for_end = speech == Speech::Listens && self.open(step).is_some_and(|open| open.session.is_open());
        Ok(!speaks || reachable || wait_for_end)
    }

    pub(super) fn record(
        &mut self,
        step: &Step,
        name: Option<String>,
        started: Duration,
        divergences: Vec<Divergence>,
    ) -> Flow {
        let verdict = if divergences.is_empty() { Verdict::Followed } else { Verdict::Diverged };
        // A connect that waited for its turn took no longer for it.
        let started = started + std::mem::take(&mut self.held_back);
        let duration = self.log.elapsed().saturating_sub(started);
        let replies = self.log.take_replies();
        self.steps.push(StepOutcome { name, verdict, duration, replies, ..Self::unplayed(step, started) });
        let stops = !divergences.is_empty() && !step.head.continues;
        // A run that was asked for wrongly does not go on, whatever the step says.
        let refused = divergences.iter().any(|divergence| divergence.cause == Cause::User);
        let line = self.log.last_of(&step.head.number);
        self.divergences.extend(divergences.into_iter().map(|divergence| Divergence { line, ..divergence }));
        if stops || refused { Flow::Stop } else { Flow::On }
    }

    /// Whether the run was asked for wrongly: nothing goes on then.
    pub(super) fn is_refused(&self) -> bool {
        self.divergences.iter().any(|divergence| divergence.cause == Cause::User)
    }

    /// Records steps that are not played.
    pub(super) fn pass_over(&mut self, steps: &[Step], verdict: Verdict) {
        for step in steps {
            let started = self.log.elapsed();
            let name = self.step_name(step);
            self.steps.push(StepOutcome { name, verdict, ..Self::unplayed(step, started) });
            if let Action::Group(group) = &step.action {
                self.pass_over(&group.steps, verdict);
            }
        }
    }

    /// A step that nothing is known of but where it stands.
    fn unplayed(step: &Step, started: Duration) -> StepOutcome {
        StepOutcome {
            number: step.head.number.clone(),
            name: None,
            action: step.keyword(),
            span: step.head.span,
            session: Self::session_name(step).to_owned(),
            verdict: Verdict::Unreached,
            started,
            duration: Duration::ZERO,
            replies: Vec::new(),
        }
    }

    // --- the end -----------------------------------------------------------------------------------------------

    async fn finally(&mut self, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        self.diverged = Some(!self.divergences.is_empty());
        self.cleaning.store(true, Ordering::Relaxed);
        if self.run_is_over() {
            // What cleans up needs a moment of its own.
            self.due = Some(Instant::now() + LAST_REPLIES);
        }
        self.read_last_replies().await;
        self.play_steps(steps).await;
    }

    /// Replies still owed are read before what follows a divergence, shown and not judged: no later step may take one of
    /// them for its own.
    pub(super) async fn read_last_replies(&mut self) {
        let until = Instant::now() + self.bounded(LAST_REPLIES);
        for open in self.sessions.values_mut() {
            while open.session.owed() > 0 && open.session.is_alive() {
                let left = until.saturating_duration_since(Instant::now());
                if open.session.read_reply(left, &mut self.log).await.is_err() {
                    break;
                }
            }
        }
    }

    async fn refuse_unasked_at_the_end(&mut self) {
        let last = self.scenario.steps.last().or(self.scenario.opening.as_ref());
        let Some(step) = last else { return };
        let mut troubles = Vec::new();
        for (name, open) in &mut self.sessions {
            if let Err(trouble) = open.session.refuse_unasked(&mut self.log).await {
                troubles.push((name.clone(), trouble));
            }
        }
        for (session, trouble) in troubles {
            let host = self.sessions.get(&session).map_or("", |open| self.known_host(open));
            let place = Place { host, ..self.place(step, None) };
            let mut divergence = place.trouble(&trouble, "");
            "after this step".clone_into(&mut divergence.diagnostic.label);
            self.divergences.push(divergence);
        }
    }

    async fn close_all(&mut self) {
        self.log.begin_step("");
        for open in self.sessions.values_mut() {
            if open.session.is_open() {
                open.session.close(&mut self.log).await;
            }
        }
    }

    /// A session that is given up leaves its figures.
    pub(super) fn retire(&mut self, open: &Open) {
        let outcome = SessionOutcome::of(open, self.log.start());
        self.exchanges.extend(open.session.exchange(outcome.opened, self.log.masker()));
        self.retired.push(outcome);
    }

    fn into_outcome(mut self) -> Outcome {
        for open in std::mem::take(&mut self.sessions).into_values() {
            self.retire(&open);
        }
        self.complete_steps();
        self.steps.extend(std::mem::take(&mut self.served_steps));
        let (mut main, finally): (Vec<_>, Vec<_>) =
            self.divergences.into_iter().partition(|divergence| !divergence.step.starts_with("finally"));
        main.extend(finally);
        Outcome {
            name: self.log.masker().mask_text(self.scenario.name.as_deref().unwrap_or(self.scenario.sources.name())),
            path: self.scenario.sources.name().to_owned(),
            sources: self.scenario.sources.clone(),
            tags: self.scenario.tags.iter().map(|tag| self.log.masker().mask_text(tag)).collect(),
            started: self.began,
            duration: self.log.elapsed(),
            steps: self.steps,
            divergences: main,
            sessions: self.retired,
            captures: self.captures.into_iter().collect(),
            rewrites: self.rewrites,
            held: self.held,
            transcript: self.log.into_entries(),
            exchanges: self.exchanges,
            notices: self.notices,
        }
    }

    /// Steps that were never come to are unreached. A group that was sent in a pipeline stands before its first step.
    fn complete_steps(&mut self) {
        let now = self.log.elapsed();
        let mut told: BTreeSet<String> = self.steps.iter().map(|step| step.number.clone()).collect();
        for step in self.scenario.all_steps() {
            if told.contains(&step.head.number) {
                continue;
            }
            let inner = format!("{}.", step.head.number);
            let first = self.steps.iter().position(|outcome| outcome.number.starts_with(&inner));
            let mut outcome = StepOutcome { name: self.step_name(step), ..Self::unplayed(step, now) };
            let place = match first.filter(|_| matches!(step.action, Action::Group(_))) {
                Some(first) => {
                    outcome.encompass(self.steps[first..].iter().filter(|step| step.number.starts_with(&inner)));
                    first
                }
                None => self.steps.len(),
            };
            told.insert(step.head.number.clone());
            self.steps.insert(place, outcome);
        }
    }

    // --- what steps need ---------------------------------------------------------------------------------------

    /// The name of the session that a step speaks in; of `connect` the one it opens.
    pub(super) fn session_name(step: &Step) -> &str {
        let opened = match &step.action {
            Action::Connect(connect) => connect.session.as_ref(),
            _ => None,
        };
        opened.or(step.session.as_ref()).map_or("main", |named| named.name.as_str())
    }

    pub(super) fn open(&self, step: &Step) -> Option<&Open> {
        self.sessions.get(Self::session_name(step))
    }

    pub(super) fn scope(&self, step: &Step) -> StepScope<'_> {
        StepScope { names: &self.names, session: self.open(step).map(|open| &open.session), diverged: self.diverged }
    }

    pub(super) fn comparer<'s>(&'s self, scope: &'s StepScope<'s>) -> Comparer<'s> {
        Comparer { templates: &self.templates, scope, masker: self.log.masker() }
    }

    pub(super) fn place<'s>(&'s self, step: &'s Step, name: Option<&'s str>) -> Place<'s> {
        let open = self.open(step);
        Place {
            number: &step.head.number,
            name,
            span: step.expect.as_ref().map_or(step.head.span, |expect| expect.span),
            session: open.map(|open| &open.session),
            host: open.map_or("", |open| self.known_host(open)),
            masker: self.log.masker(),
            run_is_over: self.due.is_some_and(|due| Instant::now() >= due),
        }
    }

    /// The host that is really spoken to, for advice; the sandbox plays the part of the scenario's.
    fn known_host<'s>(&self, open: &'s Open) -> &'s str {
        if self.settings.to.is_some() { &open.endpoint.target.host } else { &open.endpoint.host }
    }

    /// The same, pointing at what the step does.
    pub(super) fn place_of_action<'s>(&'s self, step: &'s Step, name: Option<&'s str>) -> Place<'s> {
        Place { span: step.head.span, ..self.place(step, name) }
    }

    pub(super) fn resolver<'s>(&'s self, scope: Option<&'s StepScope<'s>>) -> Resolver<'s> {
        Resolver {
            settings: self.settings,
            sandbox: self.sandbox.as_deref(),
            templates: &self.templates,
            scope: scope.map_or(&self.names as &dyn Scope, |scope| scope),
            file_root: file_root(self.scenario, self.settings),
            own_server: self.serving.as_ref().map(Serving::address),
        }
    }

    /// How long this step may wait: its own time-out or the current one, and never beyond the end of the run.
    pub(super) fn wait(&self, step: &Step) -> Result<Duration, TemplateError> {
        let own = step.head.timeout.as_ref().map(|length| self.length(step, length)).transpose()?;
        Ok(self.bounded(own.unwrap_or(self.timeout)))
    }

    /// `length`, cut at the end of the run.
    pub(super) fn bounded(&self, length: Duration) -> Duration {
        self.due.map_or(length, |due| length.min(due.saturating_duration_since(Instant::now())))
    }

    pub(super) fn run_is_over(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    pub(super) fn length(&self, step: &Step, length: &Length) -> Result<Duration, TemplateError> {
        self.comparer(&self.scope(step)).length(length)
    }

    /// The step's name as it is shown: rendered, without secrets.
    pub(super) fn step_name(&self, step: &Step) -> Option<String> {
        let text = step.head.name.as_ref()?;
        let rendered = self.templates.render(text, Mode::Plain, &self.scope(step));
        Some(rendered.map_or_else(|_| text.source.clone(), |rendered| self.log.masker().mask_text(&rendered.shown)))
    }
}
