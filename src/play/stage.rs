//! What playing a scenario needs on either side: names and their values, the transcript, time, what came of each step.
//!
//! Responsible for what must mean the same whoever plays: how long a wait may take, when the run is over, how often loops
//! go round, what is shown of a name and of a capture. It has no sockets. `player` owns one, each connection of a server
//! another.

use crate::play::diagnose::Site;
use crate::play::divergence::{Divergence, Kind};
use crate::play::expect::{Capture, Comparer};
use crate::play::outcome::{StepOutcome, Verdict};
use crate::play::passed::PassedSteps;
use crate::play::scope::ScopeNames;
use crate::scenario::{
    Assertion, Expression, Footnote, Head, Length, MAX_ITERATIONS, Mode, Requirement, Scope, Span, TemplateError,
    Templates, Text, value_from_bytes,
};
use crate::secret::Masker;
use crate::session::Transcript;
use crate::visible::visible;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many steps are kept of a run that is one of many.
const RECENT_STEPS: usize = 100;
/// How many lines of the transcript are kept of such a run.
const RECENT_LINES: usize = 300;

/// After how many steps others have their turn, signals among them.
const STEPS_OF_A_BREATH: usize = 64;

/// Why there is no further iteration.
pub(crate) enum NoIteration {
    RunIsOver,
    /// Loops have gone round more often than they may.
    TooMany,
}

/// What a player works with.
pub(crate) struct Stage {
    pub(crate) templates: Arc<Templates>,
    pub(crate) names: ScopeNames,
    pub(crate) log: Transcript,
    /// The default time of a wait, at this place of the script.
    pub(crate) timeout: Duration,
    /// When the whole run must be over.
    pub(crate) due: Option<Instant>,
    pub(crate) steps: Vec<StepOutcome>,
    /// What is left of steps that are not kept.
    pub(crate) passed: PassedSteps,
    /// The places of the groups that are under way, among the steps.
    pub(crate) open_groups: Vec<usize>,
    pub(crate) divergences: Vec<Divergence>,
    /// What was captured, as it is shown.
    pub(crate) captures: BTreeMap<String, String>,
    /// Why the scenario is not about this other side, where that has come out.
    pub(crate) not_applicable: Option<String>,
    /// How often the steps of loops were played.
    iterations: u64,
    /// The turns of the loops that are played now, the outermost first.
    pub(super) turns: Arc<[usize]>,
}

impl Stage {
    pub(crate) fn new(
        templates: Arc<Templates>,
        names: ScopeNames,
        log: Transcript,
        timeout: Duration,
        due: Option<Instant>,
    ) -> Stage {
        Stage {
            templates,
            names,
            log,
            timeout,
            due,
            steps: Vec::new(),
            passed: PassedSteps::default(),
            open_groups: Vec::new(),
            divergences: Vec::new(),
            captures: BTreeMap::new(),
            not_applicable: None,
            iterations: 0,
            turns: Arc::default(),
        }
    }

    /// Lets go of steps and lines that lie far back: of steps only the figures are kept.
    pub(crate) fn keep_recent(&mut self) {
        self.log.keep_last(RECENT_LINES);
        if self.steps.len() < 2 * RECENT_STEPS {
            return;
        }
        let recent_from = self.steps.len() - RECENT_STEPS;
        let (open, mut kept) = (std::mem::take(&mut self.open_groups), Vec::with_capacity(2 * RECENT_STEPS));
        for (place, step) in std::mem::take(&mut self.steps).into_iter().enumerate() {
            let is_open = open.contains(&place);
            if is_open {
                self.open_groups.push(kept.len());
            }
            if is_open || place >= recent_from { kept.push(step) } else { self.passed.add(step) }
        }
        self.steps = kept;
    }

    // --- time --------------------------------------------------------------------------------------------------

    /// `length`, cut at the end of the run.
    pub(crate) fn bounded(&self, length: Duration) -> Duration {
        self.due.map_or(length, |due| length.min(due.saturating_duration_since(Instant::now())))
    }

    pub(crate) fn run_is_over(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    /// How long a step may wait: its own time-out or the current one, and never beyond the end of the run.
    pub(crate) fn wait(&self, head: &Head, scope: &dyn Scope) -> Result<Duration, TemplateError> {
        let own = head.timeout.as_ref().map(|length| self.length(length, scope)).transpose()?;
        Ok(self.bounded(own.unwrap_or(self.timeout)))
    }

    pub(crate) fn length(&self, length: &Length, scope: &dyn Scope) -> Result<Duration, TemplateError> {
        self.comparer(scope).length(length)
    }

    // --- names and values --------------------------------------------------------------------------------------

    pub(crate) fn comparer<'s>(&'s self, scope: &'s dyn Scope) -> Comparer<'s> {
        Comparer { templates: &self.templates, scope, masker: self.log.masker() }
    }

    /// A name as it is shown: rendered, without secrets.
    pub(crate) fn shown_name(&self, name: Option<&Text>, scope: &dyn Scope) -> Option<String> {
        name.map(|text| self.shown(text, scope))
    }

    /// Whether a step is wanted where it stands: its `when` holds.
    pub(crate) fn is_wanted(&self, head: &Head, scope: &dyn Scope) -> Result<bool, TemplateError> {
        let Some(when) = &head.when else { return Ok(true) };
        self.templates.evaluate(when, scope).map(|value| value.is_true())
    }

    /// Why something is not to be played, where a requirement does not hold.
    pub(crate) fn unmet<'r>(
        &self,
        requires: impl IntoIterator<Item = &'r Requirement>,
        scope: &dyn Scope,
    ) -> Result<Option<String>, TemplateError> {
        for requirement in requires {
            if self.templates.evaluate(&requirement.when, scope)?.is_true() {
                continue;
            }
            let reason = requirement.reason.as_ref().map(|reason| self.shown(reason, scope));
            return Ok(Some(reason.unwrap_or_else(|| format!("`{}` is not true", requirement.when.source))));
        }
        Ok(None)
    }

    /// A text as it is shown: rendered, without secrets; as it is written where it cannot be rendered.
    pub(crate) fn shown(&self, text: &Text, scope: &dyn Scope) -> String {
        let rendered = self.templates.render(text, Mode::Plain, scope);
        rendered.map_or_else(|_| text.source.clone(), |rendered| self.log.masker().mask_text(&rendered.shown))
    }

    /// What is said of an assertion that is false, or of its `warn`; `place` is where an expression stands.
    pub(crate) fn judge<'s>(
        &self,
        assertion: &Assertion,
        scope: &dyn Scope,
        place: impl Fn(Span) -> Site<'s>,
    ) -> Result<Option<Divergence>, TemplateError> {
        let condition = &assertion.condition;
        if let Some(parts) = self.falsity(condition, scope)? {
            return Ok(Some(place(condition.span).assertion(&condition.source, &parts)));
        }
        let Some(warn) = &assertion.warn else { return Ok(None) };
        let parts = self.falsity(warn, scope)?;
        Ok(parts.map(|parts| place(warn.span).warning(&warn.source, &parts)))
    }

    /// How many divergences there are that are no warnings.
    pub(crate) fn failures(&self) -> usize {
        self.divergences.iter().filter(|divergence| !divergence.is_warning()).count()
    }

    /// Nothing where an assertion is true; the values of its parts where it is false.
    fn falsity(&self, expression: &Expression, scope: &dyn Scope) -> Result<Option<Vec<String>>, TemplateError> {
        let value = self.templates.evaluate(expression, scope)?;
        Ok((!value.is_true()).then(|| self.templates.explain(expression, scope)))
    }

    /// Captured text becomes variables. Out of what held a secret all of it is kept as one: it may be a part of it.
    pub(crate) fn capture(&mut self, captures: Vec<Capture>, secret: bool) {
        for (name, bytes) in captures {
            let shown = shown_capture(self.log.masker(), &bytes, secret);
            self.captures.insert(name.clone(), shown);
            self.names.set(&name, value_from_bytes(bytes), secret);
        }
    }

    /// The steps from this place on were not played, for this reason.
    pub(crate) fn say_skipped(&mut self, from: usize, reason: &str) {
        for step in self.steps.iter_mut().skip(from) {
            step.verdict = Verdict::Skipped;
            step.reason = Some(reason.to_owned());
        }
    }

    /// Keeps what became of a step, with the turns that its loops are at.
    pub(crate) fn keep_step(&mut self, step: StepOutcome) {
        self.steps.push(StepOutcome { turns: self.turns.clone(), ..step });
    }

    /// Keeps what diverged at this place of the script.
    pub(crate) fn keep_divergence(&mut self, mut divergence: Divergence, line: Option<usize>) {
        if let Some(turn) = self.turns.last() {
            divergence.diagnostic.footnotes.push(Footnote::Fact(format!("this is iteration {turn}")));
        }
        self.divergences.push(Divergence { line, turns: self.turns.clone(), ..divergence });
    }

    /// Counts an iteration: loops within loops must end as well.
    pub(crate) fn count_iteration(&mut self) -> Result<(), NoIteration> {
        self.iterations += 1;
        match () {
            () if self.run_is_over() => Err(NoIteration::RunIsOver),
            () if self.iterations > MAX_ITERATIONS => Err(NoIteration::TooMany),
            () => Ok(()),
        }
    }

    /// Steps that wait for nothing would keep signals from being heard.
    pub(crate) async fn breathe(&self) {
        if self.templates.wants_a_breath() || self.steps.len().is_multiple_of(STEPS_OF_A_BREATH) {
            tokio::task::yield_now().await;
        }
    }
}

impl Site<'_> {
    /// A loop does not go on.
    pub(crate) fn no_iteration(&self, why: &NoIteration) -> Divergence {
        match why {
            NoIteration::RunIsOver => self.cut_off(),
            NoIteration::TooMany => {
                let message = format!("the loops of this run go round more than {MAX_ITERATIONS} times");
                self.refused(&message, "repeat less often")
            }
        }
    }

    /// What the end of the run cut short has not been waited for.
    pub(crate) fn cut_off(&self) -> Divergence {
        self.fault(Kind::MaxTime, "the time of the whole run is over")
    }
}

/// What reports show of captured text.
pub(crate) fn shown_capture(masker: &Masker, bytes: &[u8], secret: bool) -> String {
    if secret { "<<a secret>>".to_owned() } else { visible(&masker.mask(bytes)) }
}
