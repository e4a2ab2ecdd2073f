//! How a client plays a group: once, in loops, in attempts.
//!
//! Responsible for the order of its steps; what a loop means stands in `group`, a pipeline in `pipeline`.

use crate::net::clock;
use crate::play::client::player::{Flow, Player};
use crate::play::divergence::{Divergence, Kind};
use crate::play::group::Iteration;
use crate::play::outcome::{StepOutcome, Verdict};
use crate::play::scope::Binding;
use crate::scenario::{Attempts, Group, Retry, RetryOn, Step, TemplateError};
use std::sync::Arc;

impl Player<'_> {
    /// Plays a group, in whichever way it is to be played.
    pub(crate) async fn play_group(&mut self, step: &Step, group: &Group, name: Option<String>) -> Flow {
        let started = self.stage.log.elapsed();
        let open = self.stage.begin_group(StepOutcome { name, ..self.unplayed(step, started) });
        let flow = match self.enter(step, group) {
            Ok(bindings) => {
                let flow = match self.unmet(step, group) {
                    Ok(true) => Flow::On,
                    Ok(false) => self.play_ways(step, group).await,
                    Err(error) => self.group_fault(step, group, &error),
                };
                self.stage.unbind(bindings);
                flow
            }
            Err(error) => self.group_fault(step, group, &error),
        };
        self.stage.end_group(&open);
        let applies = self.stage.not_applicable.is_none();
        if flow == Flow::Stop && step.head.continues && applies && !self.is_refused() {
            self.sessions.note_late_replies(&step.head.number);
            return Flow::On;
        }
        flow
    }

    /// Passes over the steps of a group whose requirement does not hold.
    pub(crate) fn unmet(&mut self, step: &Step, group: &Group) -> Result<bool, TemplateError> {
        let Some(reason) = self.stage.unmet(&group.requires, &self.view().scope(step))? else { return Ok(false) };
        let before = self.stage.steps.len();
        self.pass_over(&group.steps, Verdict::Skipped);
        self.stage.say_skipped(before - 1, &reason);
        Ok(true)
    }

    /// The time-out and the names that hold inside of the group.
    fn enter(&mut self, step: &Step, group: &Group) -> Result<Vec<Binding>, TemplateError> {
        let (timeout, values) = self.stage.inside(step, group, &self.view().scope(step))?;
        self.stage.timeout = timeout;
        Ok(self.stage.bind_all(values))
    }

    fn play_ways<'s>(
        &'s mut self,
        step: &'s Step,
        group: &'s Group,
    ) -> std::pin::Pin<Box<dyn Future<Output = Flow> + 's>> {
        Box::pin(async move {
            if group.pipeline {
                return self.play_pipeline(step, group).await;
            }
            if let Some(retry) = &group.retry {
                let outer = std::mem::replace(&mut self.in_attempts, true);
                let flow = self.play_attempts(step, group, retry).await;
                self.in_attempts = outer;
                return flow;
            }
            let iterations = match self.stage.iterations(group, &self.view().scope(step)) {
                Ok(iterations) => iterations,
                Err(error) => return self.group_fault(step, group, &error),
            };
            for iteration in iterations {
                let bindings = self.stage.begin_iteration(iteration);
                let flow = match self.count_iteration(step) {
                    Ok(()) => self.play_steps(&group.steps).await,
                    Err(divergence) => self.stop_with(divergence),
                };
                self.stage.unbind(bindings);
                if flow == Flow::Stop {
                    return Flow::Stop;
                }
                if self.ground.settings.recent_only && !self.in_attempts {
                    self.stage.keep_recent();
                }
            }
            Flow::On
        })
    }

    /// Counts an iteration of a loop.
    pub(crate) fn count_iteration(&mut self, step: &Step) -> Result<(), Divergence> {
        let counted = self.stage.count_iteration();
        counted.map_err(|why| self.view().place_of_action(step, None).no_iteration(&why))
    }

    // --- retry -------------------------------------------------------------------------------------------------

    /// Each attempt starts with the names as before the group; sessions that it opened are closed in between.
    async fn play_attempts(&mut self, step: &Step, group: &Group, retry: &Retry) -> Flow {
        let (names, opened) = (self.stage.names.clone(), self.sessions.opened());
        let (steps, divergences) = (self.stage.steps.len(), self.stage.divergences.len());
        let most = match self.stage.templates.chosen(&retry.attempts, &self.view().scope(step)) {
            Ok(Attempts(most)) => most,
            Err(error) => return self.group_fault(step, group, &error),
        };
        for attempt in 1..=most {
            let bindings = self.stage.begin_iteration(Iteration::numbered(attempt as usize));
            let flow = self.play_steps(&group.steps).await;
            self.stage.unbind(bindings);
            let since = self.stage.divergences.iter().skip(divergences);
            let missed: Vec<&Divergence> = since.filter(|divergence| !divergence.is_warning()).collect();
            let worth_it = missed.iter().all(|divergence| retry.mends(divergence));
            let first = missed.first().map(|divergence| divergence.diagnostic.message.clone());
            let Some(message) = first.filter(|_| worth_it) else { return flow };
            if attempt == most || self.stage.run_is_over() {
                return flow;
            }
            let delay = match self.stage.length(&retry.delay, &self.view().scope(step)) {
                Ok(delay) => self.stage.bounded(delay),
                Err(error) => return self.group_fault(step, group, &error),
            };
            let session = Arc::from(step.session_name());
            self.stage.log.note(&session, &format!("attempt {attempt} of {most}: {message}"));
            self.stage.divergences.truncate(divergences);
            self.stage.steps.truncate(steps);
            self.stage.names = names.clone();
            self.sessions.close_opened_after(opened, &mut self.stage.log).await;
            self.read_last_replies().await;
            clock::rest(delay).await;
        }
        Flow::On
    }

    // --- faults ------------------------------------------------------------------------------------------------

    pub(crate) fn group_fault(&mut self, step: &Step, group: &Group, error: &TemplateError) -> Flow {
        let divergence = self.view().place_of_action(step, None).template(error);
        self.pass_over(&group.steps, Verdict::Unreached);
        self.stop_with(divergence)
    }

    pub(crate) fn stop_with(&mut self, divergence: Divergence) -> Flow {
        self.stage.keep_divergence(divergence, None);
        Flow::Stop
    }
}

impl Retry {
    /// Whether another attempt may mend this.
    fn mends(&self, divergence: &Divergence) -> bool {
        self.on.iter().any(|on| match on {
            RetryOn::Code(code) => divergence.reply_code.is_some_and(|reply| code.matches(reply)),
            RetryOn::Closed => matches!(divergence.kind, Kind::Closed | Kind::Reset),
            RetryOn::Timeout => divergence.kind == Kind::Timeout,
            RetryOn::Refused => divergence.kind == Kind::Connect,
        })
    }
}
