//! Pipelined groups (RFC 2920): everything is sent without waiting, then the replies are compared in order.
//!
//! Reading goes on while writing, so that neither side can block the other, however many replies there are.

use super::group::{Bound, Turn};
use super::outcome::Verdict;
use super::player::{Flow, Player};
use super::steps::{Done, Now};
use crate::scenario::{Action, Group, Rendered, Step, render_data};
use minijinja::value::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many bytes are gathered before they are written.
const WRITE_SIZE: usize = 64 * 1024;

/// A step that was sent, and what its reply is compared with under.
struct Sent<'s> {
    step: &'s Step,
    name: Option<String>,
    started: Duration,
    /// The names of the groups at that time.
    bindings: Vec<Bound>,
    /// The default time of a wait at that place.
    timeout: Duration,
}

/// What has been gathered of a pipelined group.
#[derive(Default)]
struct Pipeline<'s> {
    bytes: Vec<u8>,
    /// The same as it is shown.
    shown: String,
    /// The step of each line of it.
    askers: Vec<&'s str>,
    /// The last step that has something among them: all of them go to its session.
    writer: Option<&'s Step>,
    sent: Vec<Sent<'s>>,
    /// The names that groups give at this moment.
    bindings: Vec<Bound>,
    /// The sessions that were looked at for what is left over.
    began: BTreeSet<&'s str>,
}

impl Player<'_> {
    /// Sends all, then compares each reply with its step's `expect`.
    pub(super) async fn play_pipeline(&mut self, step: &Step, group: &Group) -> Flow {
        let mut pipeline = Pipeline::default();
        let gathered = self.gather_turns(step, group, &mut pipeline).await;
        // What was gathered before a step that cannot be sent stands in the transcript: it goes out.
        if let Err(divergences) = self.flush(&mut pipeline).await {
            self.divergences.extend(divergences);
            for sent in pipeline.sent {
                self.pass_over(std::slice::from_ref(sent.step), Verdict::Unreached);
            }
            return Flow::Stop;
        }
        let outer = self.timeout;
        let flow = self.compare_in_order(pipeline.sent).await;
        self.timeout = outer;
        match gathered {
            Ok(()) => flow,
            Err(divergences) => {
                self.divergences.extend(divergences);
                Flow::Stop
            }
        }
    }

    async fn compare_in_order(&mut self, sent: Vec<Sent<'_>>) -> Flow {
        let mut flow = Flow::On;
        for one in sent {
            if flow == Flow::Stop {
                self.pass_over(std::slice::from_ref(one.step), Verdict::Unreached);
                continue;
            }
            self.log.begin_step(&one.step.head.number);
            self.timeout = one.timeout;
            let bound: Vec<_> =
                one.bindings.into_iter().map(|(name, value, secret)| self.names.bind(&name, value, secret)).collect();
            let outcome = match &one.step.expect {
                Some(expectation) => match self.wait(one.step) {
                    Ok(wait) => {
                        let now = Now { step: one.step, name: one.name.as_deref(), wait };
                        self.expect(now, expectation).await
                    }
                    Err(error) => Err(vec![self.place(one.step, one.name.as_deref()).template(&error)]),
                },
                None => Ok(()),
            };
            self.end_turn(bound);
            flow = self.record(one.step, one.name, one.started, outcome.err().unwrap_or_default());
        }
        flow
    }

    fn gather_turns<'s, 'f>(
        &'f mut self,
        step: &'s Step,
        group: &'s Group,
        pipeline: &'f mut Pipeline<'s>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Done> + 'f>>
    where
        's: 'f,
    {
        Box::pin(async move {
            let turns =
                self.turns(step, group).map_err(|error| vec![self.place_of_action(step, None).template(&error)])?;
            for turn in turns {
                self.count_iteration(step).map_err(|divergence| vec![divergence])?;
                let depth = pipeline.bindings.len();
                pipeline.bindings.extend(turn.bindings());
                let bound = self.begin_turn(turn);
                let mut outcome = Ok(());
                for inner in &group.steps {
                    outcome = self.gather(inner, pipeline).await;
                    if outcome.is_err() {
                        break;
                    }
                }
                self.end_turn(bound);
                pipeline.bindings.truncate(depth);
                outcome?;
            }
            Ok(())
        })
    }

    /// Renders one step and gathers its bytes.
    async fn gather<'s>(&mut self, step: &'s Step, pipeline: &mut Pipeline<'s>) -> Done {
        self.log.begin_step(&step.head.number);
        let name = self.step_name(step);
        let started = self.log.elapsed();
        if !self.is_wanted(step, name.as_deref()).map_err(|divergence| vec![divergence])? {
            self.pass_over(std::slice::from_ref(step), Verdict::Skipped);
            return Ok(());
        }
        let wait = self.wait(step).map_err(|error| vec![self.place(step, name.as_deref()).template(&error)])?;
        let now = Now { step, name: name.as_deref(), wait };
        if let Action::Group(group) = &step.action {
            return self.gather_group(step, group, pipeline).await;
        }
        match &step.action {
            Action::Send(lines) => {
                self.begin_pipeline(step, now, pipeline).await?;
                let rendered = self.rendered_lines(now, lines)?;
                let session = self.session(now)?.name().clone();
                self.log.client(&session, &rendered.shown);
                self.push(step, pipeline, &rendered).await?;
            }
            Action::Raw(raw) => {
                self.begin_pipeline(step, now, pipeline).await?;
                let rendered = self.rendered_raw(now, raw)?;
                self.log_raw(now, &rendered)?;
                self.push(step, pipeline, &rendered).await?;
            }
            Action::Data(data) => {
                self.begin_pipeline(step, now, pipeline).await?;
                self.flush(pipeline).await?;
                self.write_mail(now, data).await?;
            }
            Action::Set(settings) => {
                for (named, data) in settings {
                    let rendered = render_data(data, &self.templates, &self.scope(step));
                    let (value, secret) = rendered.map_err(|error| self.template(now, &error))?;
                    self.names.set(&named.name, value, secret);
                }
            }
            _ => {}
        }
        pipeline.sent.push(Sent { step, name, started, bindings: pipeline.bindings.clone(), timeout: self.timeout });
        Ok(())
    }

    /// A group within: its names and its time-out hold for its steps, also when their replies are compared.
    async fn gather_group<'s>(&mut self, step: &'s Step, group: &'s Group, pipeline: &mut Pipeline<'s>) -> Done {
        let (outer, depth) = (self.timeout, pipeline.bindings.len());
        let entered = self.values(step, group);
        let values = entered.map_err(|error| vec![self.place_of_action(step, None).template(&error)])?;
        pipeline.bindings.extend(values.iter().cloned());
        let bound = self.bind_all(values);
        let outcome = self.gather_turns(step, group, pipeline).await;
        self.end_turn(bound);
        pipeline.bindings.truncate(depth);
        self.timeout = outer;
        outcome
    }

    /// Nothing may be left over from before: within the group nothing is checked.
    async fn begin_pipeline<'s>(&mut self, step: &'s Step, now: Now<'_>, pipeline: &mut Pipeline<'s>) -> Done {
        let session = Self::session_name(step);
        if pipeline.began.contains(session) {
            return Ok(());
        }
        self.set_pace(now)?;
        self.may_write(now).await?;
        pipeline.began.insert(session);
        Ok(())
    }

    async fn push<'s>(&mut self, step: &'s Step, pipeline: &mut Pipeline<'s>, rendered: &Rendered) -> Done {
        if pipeline.writer.is_some_and(|writer| Self::session_name(writer) != Self::session_name(step)) {
            self.flush(pipeline).await?;
        }
        pipeline.writer = Some(step);
        pipeline.askers.extend(rendered.shown.split('\n').map(|_| step.head.number.as_str()));
        pipeline.bytes.extend_from_slice(&rendered.bytes);
        pipeline.shown.push_str(&rendered.shown);
        pipeline.shown.push('\n');
        if pipeline.bytes.len() >= WRITE_SIZE { self.flush(pipeline).await } else { Ok(()) }
    }

    async fn flush(&mut self, pipeline: &mut Pipeline<'_>) -> Done {
        let Some(last) = pipeline.writer.take() else { return Ok(()) };
        let wait = self.wait(last).map_err(|error| vec![self.place(last, None).template(&error)])?;
        let now = Now { step: last, name: None, wait };
        let bytes = std::mem::take(&mut pipeline.bytes);
        let shown = std::mem::take(&mut pipeline.shown);
        let askers = std::mem::take(&mut pipeline.askers);
        let session = Self::reading(&mut self.sessions, now)?;
        let before = session.owed();
        let outcome = session.write(&bytes, &shown, wait, &self.log).await;
        session.name_askers(before, &askers);
        outcome.map_err(|trouble| self.trouble(now, &trouble, "the server to take what was sent"))
    }
}

impl Turn {
    /// The names of this turn, for when its replies are compared.
    fn bindings(&self) -> Vec<Bound> {
        let iteration = self.iteration.map(|iteration| ("iteration".to_owned(), Value::from(iteration), false));
        iteration.into_iter().chain(self.each.clone()).collect()
    }
}
