//! Groups: `repeat`, `for_each`, the time-out and the names that hold inside of them. The same on both sides.
//!
//! Responsible for their meaning; the loops that play their steps stand in `client::attempts` and in
//! `server::actor`.

use crate::play::outcome::{StepOutcome, Verdict};
use crate::play::scope::Binding;
use crate::play::stage::Stage;
use crate::scenario::{Data, Group, Mode, Named, Scope, Step, TemplateError, parse_count, render_data};
use minijinja::value::{Value, ValueKind};
use std::time::Duration;

/// The name that holds the turn of a loop.
const ITERATION: &str = "iteration";

/// A name, its value, and whether that depends on a secret.
pub(crate) type Bound = (String, Value, bool);

/// One time around a loop.
#[derive(Debug)]
pub(crate) struct Iteration {
    /// Its number, counted from 1.
    number: Option<usize>,
    /// What `for_each` gives it.
    each: Option<Bound>,
}

/// A group that is being played.
pub(crate) struct OpenGroup {
    /// How many divergences there were before it, warnings left out.
    before: usize,
    started: Duration,
    /// The default time of a wait outside of it.
    outer: Duration,
}

impl Stage {
    /// A group is recorded before its steps.
    pub(crate) fn begin_group(&mut self, outcome: StepOutcome) -> OpenGroup {
        let (started, before) = (outcome.started, self.failures());
        self.open_groups.push(self.steps.len());
        self.keep_step(outcome);
        OpenGroup { before, started, outer: self.timeout }
    }

    /// It diverged when one of its steps did. Its time-out ends with it.
    pub(crate) fn end_group(&mut self, group: &OpenGroup) {
        self.timeout = group.outer;
        let duration = self.log.elapsed().saturating_sub(group.started);
        let diverged = self.failures() > group.before;
        if let Some(outcome) = self.open_groups.pop().and_then(|place| self.steps.get_mut(place)) {
            outcome.duration = duration;
            outcome.verdict = match (diverged, &outcome.reason) {
                (true, _) => Verdict::Diverged,
                (false, Some(_)) => Verdict::Skipped,
                (false, None) => Verdict::Followed,
            };
        }
    }

    /// The time-out that holds inside of a group, and the values of its names.
    pub(crate) fn inside(
        &self,
        step: &Step,
        group: &Group,
        scope: &dyn Scope,
    ) -> Result<(Duration, Vec<Bound>), TemplateError> {
        let own = step.head.timeout.as_ref().map(|length| self.length(length, scope)).transpose()?;
        let value = |(name, data): &(Named, Data)| {
            let (value, secret) = render_data(data, &self.templates, scope)?;
            Ok((name.name.clone(), value, secret))
        };
        let values = group.bindings.iter().map(value).collect::<Result<Vec<Bound>, TemplateError>>()?;
        Ok((own.unwrap_or(self.timeout), values))
    }

    /// How often the steps are played, and what the names are each time. A group without a loop is played once.
    pub(crate) fn iterations(&self, group: &Group, scope: &dyn Scope) -> Result<Vec<Iteration>, TemplateError> {
        if let Some((name, list)) = &group.for_each {
            let (value, secret) = render_data(list, &self.templates, scope)?;
            let fault = |message: String| TemplateError { message, span: name.span, help: None };
            if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
                return Err(fault(format!("`for_each` takes a list, not {}", value.kind())));
            }
            let items = value.try_iter().map_err(|error| fault(error.to_string()))?;
            let iteration =
                |(index, value)| Iteration { number: Some(index + 1), each: Some((name.name.clone(), value, secret)) };
            return Ok(items.enumerate().map(iteration).collect());
        }
        let Some(repeat) = &group.repeat else { return Ok(vec![Iteration { number: None, each: None }]) };
        let rendered = self.templates.render(repeat, Mode::Plain, scope)?;
        let count = parse_count(&String::from_utf8_lossy(&rendered.bytes)).map_err(|misread| {
            let message = rendered.without_secret(misread.into());
            TemplateError { message, span: repeat.span, help: None }
        })?;
        Ok((1..=count).map(Iteration::numbered).collect())
    }

    pub(crate) fn begin_iteration(&mut self, iteration: Iteration) -> Vec<Binding> {
        self.bind_all(iteration.into_bindings())
    }

    pub(crate) fn bind_all(&mut self, values: Vec<Bound>) -> Vec<Binding> {
        let turn = values.iter().find(|(name, ..)| name == ITERATION).and_then(|(_, value, _)| value.as_usize());
        if turn.is_some() {
            self.turns = self.turns.iter().copied().chain(turn).collect();
        }
        values.into_iter().map(|(name, value, secret)| self.names.bind(&name, value, secret)).collect()
    }

    /// The names are what they were before.
    pub(crate) fn unbind(&mut self, bindings: Vec<Binding>) {
        for binding in bindings.into_iter().rev() {
            if binding.is_of(ITERATION) {
                self.turns = self.turns[..self.turns.len().saturating_sub(1)].into();
            }
            self.names.restore(binding);
        }
    }
}

impl Iteration {
    pub(crate) fn numbered(number: usize) -> Iteration {
        Iteration { number: Some(number), each: None }
    }

    /// The names of this iteration.
    pub(crate) fn into_bindings(self) -> Vec<Bound> {
        let number = self.number.map(|number| (ITERATION.to_owned(), Value::from(number), false));
        number.into_iter().chain(self.each).collect()
    }
}
