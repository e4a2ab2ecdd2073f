//! Groups: once, `repeat`, `for_each`, `retry`, `pipeline`, and the names that hold inside of them.

use super::outcome::{Divergence, Verdict};
use super::player::{Flow, Player};
use super::scope::Binding;
use crate::scenario::{
    Group, MAX_ITERATIONS, Mode, Retry, RetryOn, Step, TemplateError, Text, parse_count, render_data,
};
use minijinja::value::{Value, ValueKind};
use std::sync::Arc;

/// A name, its value, and whether that depends on a secret.
pub(super) type Bound = (String, Value, bool);

impl Player<'_> {
    /// A group is recorded before its steps; it diverged when one of them did.
    pub(super) async fn play_group(&mut self, step: &Step, group: &Group, name: Option<String>) -> Flow {
        let place = self.steps.len();
        let before = self.divergences.len();
        let started = self.log.elapsed();
        self.record(step, name.clone(), started, Vec::new());
        let outer = self.timeout;
        let flow = match self.enter(step, group) {
            Ok(bindings) => {
                let flow = self.play_ways(step, group).await;
                for binding in bindings.into_iter().rev() {
                    self.names.restore(binding);
                }
                flow
            }
            Err(error) => self.group_fault(step, group, &error),
        };
        self.timeout = outer;
        let duration = self.log.elapsed().saturating_sub(started);
        let diverged = self.divergences.len() > before;
        if let Some(outcome) = self.steps.get_mut(place) {
            outcome.duration = duration;
            outcome.verdict = if diverged { Verdict::Diverged } else { Verdict::Followed };
        }
        if flow == Flow::Stop && step.head.continues && !self.is_refused() {
            self.log.begin_step(&step.head.number);
            self.read_last_replies().await;
            return Flow::On;
        }
        flow
    }

    /// The time-out and the names that hold inside of the group.
    fn enter(&mut self, step: &Step, group: &Group) -> Result<Vec<Binding>, TemplateError> {
        let values = self.values(step, group)?;
        Ok(self.bind_all(values))
    }

    /// Sets the time-out of the group and renders the values of its names.
    pub(super) fn values(&mut self, step: &Step, group: &Group) -> Result<Vec<Bound>, TemplateError> {
        if let Some(length) = &step.head.timeout {
            self.timeout = self.length(step, length)?;
        }
        let mut values = Vec::new();
        for (name, data) in &group.bindings {
            let (value, secret) = render_data(data, &self.templates, &self.scope(step))?;
            values.push((name.name.clone(), value, secret));
        }
        Ok(values)
    }

    pub(super) fn bind_all(&mut self, values: Vec<Bound>) -> Vec<Binding> {
        values.into_iter().map(|(name, value, secret)| self.names.bind(&name, value, secret)).collect()
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
                return self.play_attempts(step, group, retry).await;
            }
            let turns = match self.turns(step, group) {
                Ok(turns) => turns,
                Err(error) => return self.group_fault(step, group, &error),
            };
            for turn in turns {
                let bindings = self.begin_turn(turn);
                let flow = match self.count_iteration(step) {
                    Ok(()) => self.play_steps(&group.steps).await,
                    Err(divergence) => self.stop_with(divergence),
                };
                self.end_turn(bindings);
                if flow == Flow::Stop {
                    return Flow::Stop;
                }
            }
            Flow::On
        })
    }

    /// How often the steps are played, and what the names are in each turn. A group without a loop has one turn.
    pub(super) fn turns(&self, step: &Step, group: &Group) -> Result<Vec<Turn>, TemplateError> {
        if let Some((name, list)) = &group.for_each {
            let (value, secret) = render_data(list, &self.templates, &self.scope(step))?;
            let fault = |message: String| TemplateError { message, span: name.span, help: None };
            if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
                return Err(fault(format!("`for_each` takes a list, not {}", value.kind())));
            }
            let items = value.try_iter().map_err(|error| fault(error.to_string()))?;
            let turn =
                |(index, value)| Turn { iteration: Some(index + 1), each: Some((name.name.clone(), value, secret)) };
            return Ok(items.enumerate().map(turn).collect());
        }
        let Some(repeat) = &group.repeat else { return Ok(vec![Turn { iteration: None, each: None }]) };
        let count = self.count(step, repeat)?;
        Ok((1..=count).map(|iteration| Turn { iteration: Some(iteration), each: None }).collect())
    }

    fn count(&self, step: &Step, repeat: &Text) -> Result<usize, TemplateError> {
        let rendered = self.templates.render(repeat, Mode::Plain, &self.scope(step))?;
        let written = String::from_utf8_lossy(&rendered.bytes).into_owned();
        parse_count(&written).map_err(|message| {
            let message = rendered.without_secret(message);
            TemplateError { message, span: repeat.span, help: None }
        })
    }

    pub(super) fn begin_turn(&mut self, turn: Turn) -> Vec<Binding> {
        let mut bindings = Vec::new();
        if let Some(iteration) = turn.iteration {
            bindings.push(self.names.bind("iteration", Value::from(iteration), false));
        }
        if let Some((name, value, secret)) = turn.each {
            bindings.push(self.names.bind(&name, value, secret));
        }
        bindings
    }

    pub(super) fn end_turn(&mut self, bindings: Vec<Binding>) {
        for binding in bindings.into_iter().rev() {
            self.names.restore(binding);
        }
    }

    /// Counts a turn of a loop: loops within loops must end as well.
    pub(super) fn count_iteration(&mut self, step: &Step) -> Result<(), Divergence> {
        self.iterations += 1;
        if self.run_is_over() {
            return Err(self.place_of_action(step, None).fault("max-time", "the time of the whole run is over"));
        }
        if self.iterations <= MAX_ITERATIONS {
            return Ok(());
        }
        let message = format!("the loops of this run go round more than {MAX_ITERATIONS} times");
        Err(self.place_of_action(step, None).refused(&message, "repeat less often"))
    }

    // --- retry -------------------------------------------------------------------------------------------------

    /// Each attempt starts with the names as before the group; sessions that it opened are closed in between.
    async fn play_attempts(&mut self, step: &Step, group: &Group, retry: &Retry) -> Flow {
        let (names, steps, divergences, opened) =
            (self.names.clone(), self.steps.len(), self.divergences.len(), self.opened);
        for attempt in 1..=retry.attempts {
            let bindings = self.begin_turn(Turn { iteration: Some(attempt as usize), each: None });
            let flow = self.play_steps(&group.steps).await;
            self.end_turn(bindings);
            let missed = &self.divergences[divergences..];
            let worth_it = !missed.is_empty() && missed.iter().all(|divergence| retry.mends(divergence));
            if !worth_it || attempt == retry.attempts || self.run_is_over() {
                return flow;
            }
            let delay = match self.length(step, &retry.delay) {
                Ok(delay) => self.bounded(delay),
                Err(error) => return self.group_fault(step, group, &error),
            };
            let message = self.divergences[divergences].diagnostic.message.clone();
            let session = Arc::from(Self::session_name(step));
            self.log.note(&session, &format!("attempt {attempt} of {}: {message}", retry.attempts));
            self.divergences.truncate(divergences);
            self.steps.truncate(steps);
            self.names = names.clone();
            self.close_opened_after(opened).await;
            self.read_last_replies().await;
            tokio::time::sleep(delay).await;
        }
        Flow::On
    }

    async fn close_opened_after(&mut self, serial: u64) {
        for open in self.sessions.values_mut().filter(|open| open.serial > serial) {
            open.session.close(&mut self.log).await;
        }
        let (opened, kept) = std::mem::take(&mut self.sessions).into_iter().partition(|(_, open)| open.serial > serial);
        self.sessions = kept;
        let opened: std::collections::BTreeMap<_, _> = opened;
        for open in opened.values() {
            self.retire(open);
        }
    }

    // --- faults ------------------------------------------------------------------------------------------------

    pub(super) fn group_fault(&mut self, step: &Step, group: &Group, error: &TemplateError) -> Flow {
        let divergence = self.place_of_action(step, None).template(error);
        self.pass_over(&group.steps, Verdict::Unreached);
        self.stop_with(divergence)
    }

    pub(super) fn stop_with(&mut self, divergence: Divergence) -> Flow {
        self.divergences.push(divergence);
        Flow::Stop
    }
}

/// One turn of a loop.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) iteration: Option<usize>,
    pub(super) each: Option<Bound>,
}

impl Retry {
    /// Whether another attempt may mend this.
    fn mends(&self, divergence: &Divergence) -> bool {
        self.on.iter().any(|on| match on {
            RetryOn::Code(code) => divergence.reply_code.is_some_and(|reply| code.matches(reply)),
            RetryOn::Closed => matches!(divergence.kind, "closed" | "reset"),
            RetryOn::Timeout => divergence.kind == "timeout",
            RetryOn::Refused => divergence.kind == "connect",
        })
    }
}
