//! One connection of a scripted server: its steps one by one until one diverges, then its rules.
//!
//! Responsible for the order of things and for what came of each step. What a step does stands in `steps`.

use crate::play::divergence::Divergence;
use crate::play::outcome::{SessionOutcome, StepOutcome, Verdict};
use crate::play::scope::Binding;
use crate::play::server::connection::Connection;
use crate::play::server::record::{Record, connection_number, connection_outcome, pass_over, unplayed};
use crate::play::server::steps::ServerStepAt;
use crate::scenario::server::ServerTls;
use crate::scenario::{Action, Group, Step, TemplateError};
use std::pin::Pin;
use std::time::Duration;

/// The server on one connection.
pub(crate) struct Actor {
    pub(crate) on: Connection,
    opened: Duration,
}

/// Whether the steps go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionFlow {
    On,
    Stop,
}

impl Actor {
    pub(crate) fn new(on: Connection) -> Actor {
        Actor { opened: on.stage.log.elapsed(), on }
    }

    /// TLS from the first octet (RFC 8314).
    pub(crate) async fn begin_tls(&mut self) -> ConnectionFlow {
        let Err(trouble) = self.on.upgrade(&ServerTls::default(), self.on.script.timeout).await else {
            return ConnectionFlow::On;
        };
        let number = connection_number(self.on.number);
        let divergence = self.on.place(&number, None, self.on.span()).handshake_failed(&trouble);
        self.on.keep(divergence, &number);
        ConnectionFlow::Stop
    }

    /// What the client has sent and no step reads.
    pub(crate) async fn refuse_more(&mut self, steps: &[Step]) {
        let Some(last) = steps.last() else { return };
        let arrived = self.on.peer.take_arrived().await;
        if arrived.is_empty() {
            return;
        }
        self.on.hear_bytes(&arrived);
        let number = self.on.number_of(last);
        let divergence = self.on.place(&number, None, last.head.span).more_than_scripted(&arrived);
        self.on.keep(divergence, &number);
    }

    // --- steps -------------------------------------------------------------------------------------------------

    pub(crate) fn play_steps<'s>(
        &'s mut self,
        steps: &'s [Step],
    ) -> Pin<Box<dyn Future<Output = ConnectionFlow> + Send + 's>> {
        Box::pin(async move {
            for (index, step) in steps.iter().enumerate() {
                if self.play_step(step).await == ConnectionFlow::Stop {
                    let at = self.on.stage.log.elapsed();
                    pass_over(&steps[index + 1..], self.on.number, at, &mut self.on.stage.steps);
                    return ConnectionFlow::Stop;
                }
            }
            ConnectionFlow::On
        })
    }

    async fn play_step(&mut self, step: &Step) -> ConnectionFlow {
        self.on.stage.breathe().await;
        let started = self.on.stage.log.elapsed();
        let number = self.on.number_of(step);
        self.on.stage.log.begin_step(number.as_str());
        let name = self.on.stage.shown_name(step.head.name.as_ref(), &self.on.scope());
        match self.on.stage.is_wanted(&step.head, &self.on.scope()) {
            Ok(true) => {}
            Ok(false) => {
                let at = self.on.stage.steps.len();
                pass_over(std::slice::from_ref(step), self.on.number, started, &mut self.on.stage.steps);
                self.on.stage.steps[at..].iter_mut().for_each(|outcome| outcome.verdict = Verdict::Skipped);
                return ConnectionFlow::On;
            }
            Err(error) => {
                let divergence = self.on.template(&number, name.as_deref(), &error);
                return self.record(step, name, started, Err(vec![divergence]));
            }
        }
        if let Action::Group(group) = &step.action {
            return self.play_group(step, group, name).await;
        }
        let outcome = match ServerStepAt::new(&mut self.on, step, &number, name.as_deref()) {
            Ok(mut at) => at.perform().await,
            Err(divergence) => Err(vec![divergence]),
        };
        let flow = self.record(step, name, started, outcome);
        if matches!(step.action, Action::Skip(_)) { ConnectionFlow::Stop } else { flow }
    }

    fn record(
        &mut self,
        step: &Step,
        name: Option<String>,
        started: Duration,
        outcome: Result<(), Vec<Divergence>>,
    ) -> ConnectionFlow {
        let number = self.on.number_of(step);
        let before = self.on.stage.failures();
        let divergences = outcome.err();
        let failed = divergences.as_ref().is_some_and(|all| all.iter().any(|divergence| !divergence.is_warning()));
        for divergence in divergences.unwrap_or_default() {
            self.on.keep(divergence, &number);
        }
        let verdict = match (failed, self.on.stage.failures() > before) {
            (false, _) => Verdict::Followed,
            (true, true) => Verdict::Diverged,
            (true, false) => Verdict::Unreached,
        };
        let duration = self.on.stage.log.elapsed().saturating_sub(started);
        let observed = self.on.stage.log.take_observed();
        let (_, received) = self.on.stage.log.take_received();
        let outcome =
            StepOutcome { name, verdict, duration, observed, received, ..unplayed(step, self.on.number, started) };
        self.on.stage.keep_step(outcome);
        if failed && !self.continues(step) { ConnectionFlow::Stop } else { ConnectionFlow::On }
    }

    // --- groups ------------------------------------------------------------------------------------------------

    async fn play_group(&mut self, step: &Step, group: &Group, name: Option<String>) -> ConnectionFlow {
        let started = self.on.stage.log.elapsed();
        let outcome = StepOutcome { name: name.clone(), ..unplayed(step, self.on.number, started) };
        let open = self.on.stage.begin_group(outcome);
        let flow = match self.enter(step, group) {
            Ok(bindings) => {
                let flow = match self.unmet(group) {
                    Ok(true) => ConnectionFlow::On,
                    Ok(false) => self.play_iterations(step, group, name.as_deref()).await,
                    Err(error) => self.group_fault(step, group, name.as_deref(), &error),
                };
                self.on.stage.unbind(bindings);
                flow
            }
            Err(error) => self.group_fault(step, group, name.as_deref(), &error),
        };
        self.on.stage.end_group(&open);
        if flow == ConnectionFlow::Stop && self.continues(step) { ConnectionFlow::On } else { flow }
    }

    /// Passes over the steps of a group whose requirement does not hold.
    fn unmet(&mut self, group: &Group) -> Result<bool, TemplateError> {
        let Some(reason) = self.on.stage.unmet(&group.requires, &self.on.scope())? else { return Ok(false) };
        let (before, at) = (self.on.stage.steps.len(), self.on.stage.log.elapsed());
        pass_over(&group.steps, self.on.number, at, &mut self.on.stage.steps);
        self.on.stage.say_skipped(before - 1, &reason);
        Ok(true)
    }

    /// The time-out and the names that hold inside of the group.
    fn enter(&mut self, step: &Step, group: &Group) -> Result<Vec<Binding>, TemplateError> {
        let (timeout, values) = self.on.stage.inside(step, group, &self.on.scope())?;
        self.on.stage.timeout = timeout;
        Ok(self.on.stage.bind_all(values))
    }

    async fn play_iterations(&mut self, step: &Step, group: &Group, name: Option<&str>) -> ConnectionFlow {
        let iterations = match self.on.stage.iterations(group, &self.on.scope()) {
            Ok(iterations) => iterations,
            Err(error) => return self.group_fault(step, group, name, &error),
        };
        for iteration in iterations {
            let bindings = self.on.stage.begin_iteration(iteration);
            let flow = match self.on.stage.count_iteration() {
                Ok(()) => self.play_steps(&group.steps).await,
                Err(why) => {
                    let number = self.on.number_of(step);
                    let divergence = self.on.place(&number, name, step.head.span).no_iteration(&why);
                    self.on.keep(divergence, &number);
                    ConnectionFlow::Stop
                }
            };
            self.on.stage.unbind(bindings);
            if flow == ConnectionFlow::Stop {
                return ConnectionFlow::Stop;
            }
        }
        ConnectionFlow::On
    }

    fn group_fault(&mut self, step: &Step, group: &Group, name: Option<&str>, error: &TemplateError) -> ConnectionFlow {
        let number = self.on.number_of(step);
        let divergence = self.on.template(&number, name, error);
        self.on.keep(divergence, &number);
        let at = self.on.stage.log.elapsed();
        pass_over(&group.steps, self.on.number, at, &mut self.on.stage.steps);
        ConnectionFlow::Stop
    }

    /// Whether a divergence of this step is not the end: not where nobody is there any more, nor where the run was asked
    /// for wrongly.
    fn continues(&self, step: &Step) -> bool {
        let refused = self.on.stage.divergences.iter().any(Divergence::ends_the_run);
        let applies = self.on.stage.not_applicable.is_none();
        step.head.continues && applies && self.on.peer.is_open() && !self.on.peer.has_ended() && !refused
    }

    // --- the end -----------------------------------------------------------------------------------------------

    /// The user wants an end now.
    pub(crate) fn interrupt(&mut self) {
        let number = self.on.stage.log.step().clone();
        let step = self.on.script.server.steps(self.on.number).iter().find(|step| *self.on.number_of(step) == *number);
        let span = step.map_or_else(|| self.on.span(), |step| step.head.span);
        // Rules have no end of their own: stopping them is what the user asked for.
        if !self.on.script.server.steps(self.on.number).is_empty() {
            let divergence = self.on.place(&number, None, span).interrupted();
            self.on.keep(divergence, &number);
        }
    }

    pub(crate) fn into_record(mut self) -> Record {
        let closed = self.on.stage.log.elapsed();
        let diverged = self.on.stage.failures() > 0;
        let mut told: Vec<&str> = self.on.stage.steps.iter().map(|step| step.number.as_str()).collect();
        told.sort_unstable();
        let mut all = Vec::new();
        pass_over(self.on.script.server.steps(self.on.number), self.on.number, closed, &mut all);
        all.retain(|step| told.binary_search(&step.number.as_str()).is_err());
        self.on.stage.steps.extend(all);
        let unreached = !diverged && self.on.stage.steps.iter().any(|step| step.verdict == Verdict::Unreached);
        let verdict = match () {
            () if diverged => Verdict::Diverged,
            () if unreached => Verdict::Unreached,
            () => Verdict::Followed,
        };
        let served = self.on.script.server.served(self.on.number);
        let name = served.and_then(|served| self.on.stage.shown_name(served.name.as_ref(), &self.on.scope()));
        let whole = StepOutcome {
            name,
            duration: closed.saturating_sub(self.opened),
            ..connection_outcome(self.on.number, self.on.span(), verdict, self.opened)
        };
        self.on.stage.steps.insert(0, whole);
        let address = self.on.script.address;
        let session = SessionOutcome {
            name: self.on.session.clone(),
            host: address.ip().to_string(),
            port: address.port(),
            stand_in: None,
            address: Some(self.on.peer.address().to_string()),
            opened: self.opened,
            closed,
            sent: self.on.peer.sent,
            received: self.on.peer.received(),
            messages: self.on.messages,
            tls: self.on.handshakes,
            refused_certificate: None,
        };
        Record {
            number: self.on.number,
            steps: self.on.stage.steps,
            divergences: self.on.stage.divergences,
            session: Some(session),
            captures: self.on.stage.captures,
            not_applicable: self.on.stage.not_applicable,
        }
    }
}
