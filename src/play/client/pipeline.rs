//! Pipelined groups (RFC 2920): everything is sent without waiting, then the replies are compared in order.
//!
//! Reading goes on while writing, so that neither side can block the other, however many replies there are.

use crate::play::client::ground::StepAt;
use crate::play::client::player::{Flow, Player};
use crate::play::client::steps::StepDone;
use crate::play::group::Bound;
use crate::play::outcome::Verdict;
use crate::scenario::{Action, Group, Rendered, Step};
use crate::session::Outgoing;
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
    /// Whether a group around it goes on after a divergence.
    continues: bool,
}

/// What has been gathered of a pipelined group.
#[derive(Default)]
struct Pipeline<'s> {
    bytes: Vec<u8>,
    /// The same as it is shown.
    shown: String,
    /// Whether something that is not shown as it is stands among them.
    hides: bool,
    /// The step of each line of it.
    askers: Vec<&'s str>,
    /// The last step that has something among them: all of them go to its session.
    writer: Option<&'s Step>,
    sent: Vec<Sent<'s>>,
    /// The names that groups give at this moment.
    bindings: Vec<Bound>,
    /// Whether a group around the present step goes on after a divergence.
    continues: bool,
    /// The sessions that were looked at for what is left over.
    began: BTreeSet<&'s str>,
}

impl Player<'_> {
    /// Sends all, then compares each reply with its step's `expect`.
    pub(crate) async fn play_pipeline(&mut self, step: &Step, group: &Group) -> Flow {
        let mut pipeline = Pipeline { continues: step.head.continues, ..Pipeline::default() };
        let gathered = self.gather_iterations(step, group, &mut pipeline).await;
        // What was gathered before a step that cannot be sent stands in the transcript: it goes out.
        if let Err(divergences) = self.flush(&mut pipeline).await {
            self.stage.divergences.extend(divergences);
            for sent in pipeline.sent {
                self.pass_over(std::slice::from_ref(sent.step), Verdict::Unreached);
            }
            return Flow::Stop;
        }
        let outer = self.stage.timeout;
        let flow = self.compare_in_order(pipeline.sent).await;
        self.stage.timeout = outer;
        match gathered {
            Ok(()) => flow,
            Err(divergences) => {
                self.stage.divergences.extend(divergences);
                Flow::Stop
            }
        }
    }

    /// Compares one reply after the other. In a group that goes on after a divergence one reply that is another than it
    /// should be says nothing of the next: all are compared, until no reply comes.
    async fn compare_in_order(&mut self, sent: Vec<Sent<'_>>) -> Flow {
        let (mut flow, mut diverged) = (Flow::On, false);
        for one in sent {
            if flow == Flow::Stop {
                self.pass_over(std::slice::from_ref(one.step), Verdict::Unreached);
                continue;
            }
            let continues = one.continues;
            flow = self.compare_one(one).await;
            if flow == Flow::Stop && continues && self.was_answered() {
                (flow, diverged) = (Flow::On, true);
            }
        }
        if diverged { Flow::Stop } else { flow }
    }

    async fn compare_one(&mut self, one: Sent<'_>) -> Flow {
        self.stage.log.begin_step(one.step.head.number.clone());
        self.stage.timeout = one.timeout;
        let bound = self.stage.bind_all(one.bindings);
        let outcome = match &one.step.expect {
            Some(expectation) => match self.at(one.step, one.name.as_deref()) {
                Ok(mut at) => at.expect(expectation).await,
                Err(divergence) => Err(vec![divergence]),
            },
            None => Ok(()),
        };
        self.stage.unbind(bound);
        self.record(one.step, one.name, one.started, outcome.err().unwrap_or_default())
    }

    /// Whether the last divergence is that of a reply, which came.
    fn was_answered(&self) -> bool {
        self.stage.divergences.last().is_some_and(|divergence| divergence.reply_code.is_some())
    }

    fn gather_iterations<'s, 'f>(
        &'f mut self,
        step: &'s Step,
        group: &'s Group,
        pipeline: &'f mut Pipeline<'s>,
    ) -> std::pin::Pin<Box<dyn Future<Output = StepDone> + 'f>>
    where
        's: 'f,
    {
        Box::pin(async move {
            let iterations = self.stage.iterations(group, &self.view().scope(step));
            let iterations =
                iterations.map_err(|error| vec![self.view().place_of_action(step, None).template(&error)])?;
            for iteration in iterations {
                self.count_iteration(step).map_err(|divergence| vec![divergence])?;
                let depth = pipeline.bindings.len();
                let values = iteration.into_bindings();
                pipeline.bindings.extend(values.iter().cloned());
                let bound = self.stage.bind_all(values);
                let mut outcome = Ok(());
                for inner in &group.steps {
                    outcome = self.gather(inner, pipeline).await;
                    if outcome.is_err() {
                        break;
                    }
                }
                self.stage.unbind(bound);
                pipeline.bindings.truncate(depth);
                outcome?;
            }
            Ok(())
        })
    }

    /// Renders one step and gathers its bytes.
    async fn gather<'s>(&mut self, step: &'s Step, pipeline: &mut Pipeline<'s>) -> StepDone {
        self.stage.log.begin_step(step.head.number.clone());
        let name = self.view().step_name(step);
        let started = self.stage.log.elapsed();
        if !self.is_wanted(step, name.as_deref()).map_err(|divergence| vec![divergence])? {
            self.pass_over(std::slice::from_ref(step), Verdict::Skipped);
            return Ok(());
        }
        if let Action::Group(group) = &step.action {
            return self.gather_group(step, group, pipeline).await;
        }
        let mut at = self.at(step, name.as_deref()).map_err(|divergence| vec![divergence])?;
        match &step.action {
            Action::Send(lines) => {
                pipeline.begin(step, &mut at).await?;
                let mut rendered = at.rendered_lines(lines)?;
                at.log_lines(&mut rendered)?;
                self.push(step, pipeline, &rendered).await?;
            }
            Action::Raw(raw) => {
                pipeline.begin(step, &mut at).await?;
                let mut rendered = at.rendered_raw(raw)?;
                at.log_raw(&mut rendered)?;
                self.push(step, pipeline, &rendered).await?;
            }
            Action::Data(data) => {
                pipeline.begin(step, &mut at).await?;
                self.flush(pipeline).await?;
                let mut at = self.at(step, name.as_deref()).map_err(|divergence| vec![divergence])?;
                at.write_mail(data).await?;
            }
            Action::Set(settings) => at.set(settings)?,
            _ => {}
        }
        let (bindings, timeout) = (pipeline.bindings.clone(), self.stage.timeout);
        let continues = pipeline.continues;
        pipeline.sent.push(Sent { step, name, started, bindings, timeout, continues });
        Ok(())
    }

    /// A group within: its names and its time-out hold for its steps, also when their replies are compared.
    async fn gather_group<'s>(&mut self, step: &'s Step, group: &'s Group, pipeline: &mut Pipeline<'s>) -> StepDone {
        let (outer, depth) = (self.stage.timeout, pipeline.bindings.len());
        let inside = self.stage.inside(step, group, &self.view().scope(step));
        let (timeout, values) =
            inside.map_err(|error| vec![self.view().place_of_action(step, None).template(&error)])?;
        self.stage.timeout = timeout;
        pipeline.bindings.extend(values.iter().cloned());
        let around = pipeline.continues;
        pipeline.continues |= step.head.continues;
        let bound = self.stage.bind_all(values);
        let outcome = self.gather_iterations(step, group, pipeline).await;
        self.stage.unbind(bound);
        pipeline.bindings.truncate(depth);
        pipeline.continues = around;
        self.stage.timeout = outer;
        outcome
    }

    async fn push<'s>(&mut self, step: &'s Step, pipeline: &mut Pipeline<'s>, rendered: &Rendered) -> StepDone {
        if pipeline.writer.is_some_and(|writer| writer.session_name() != step.session_name()) {
            self.flush(pipeline).await?;
        }
        pipeline.writer = Some(step);
        pipeline.askers.extend(rendered.shown.split('\n').map(|_| &*step.head.number));
        pipeline.bytes.extend_from_slice(&rendered.bytes);
        pipeline.shown.push_str(&rendered.shown);
        pipeline.shown.push('\n');
        pipeline.hides |= rendered.secret && !self.ground.settings.show_secrets;
        if pipeline.bytes.len() >= WRITE_SIZE { self.flush(pipeline).await } else { Ok(()) }
    }

    async fn flush(&mut self, pipeline: &mut Pipeline<'_>) -> StepDone {
        let Some(last) = pipeline.writer.take() else { return Ok(()) };
        let bytes = std::mem::take(&mut pipeline.bytes);
        let shown = std::mem::take(&mut pipeline.shown);
        let secret = std::mem::take(&mut pipeline.hides);
        let askers = std::mem::take(&mut pipeline.askers);
        let at = self.at(last, None).map_err(|divergence| vec![divergence])?;
        let session = at.sessions.speaking(last)?;
        let before = session.dialogue().owed();
        let outcome = session.write(Outgoing { bytes: &bytes, shown: &shown, secret }, at.wait, &at.stage.log).await;
        session.asked().name_steps(before, &askers);
        outcome.map_err(|trouble| at.trouble(&trouble, "the server to take what was sent"))
    }
}

impl<'s> Pipeline<'s> {
    /// Nothing may be left over from before: within the group nothing is checked.
    async fn begin(&mut self, step: &'s Step, at: &mut StepAt<'_>) -> StepDone {
        let session = step.session_name();
        if self.began.contains(session) {
            return Ok(());
        }
        at.set_pace()?;
        at.may_write().await?;
        self.began.insert(session);
        Ok(())
    }
}
