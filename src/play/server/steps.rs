//! What each step of a server does: receive, reply, and the other actions.
//!
//! What it expects is read in `expecting`, handshakes are in `handshake`.

use crate::net::clock;
use crate::net::wire::Drip;
use crate::play::diagnose::Site;
use crate::play::divergence::{Divergence, Kind};
use crate::play::server::connection::{Connection, Pending};
use crate::play::server::message::{Begun, ReceivedMessage};
use crate::scenario::server::{MailPart, Reply};
use crate::scenario::{Action, Assertion, Data, Length, Named, Pace, Rendered, Span, Step, TemplateError, render_data};
use std::sync::Arc;
use std::time::Duration;

pub(crate) type ServerStepDone = Result<(), Vec<Divergence>>;

/// The step that is played, its number and name as they are shown, and the time its waits may take.
pub(crate) struct ServerStepAt<'p> {
    pub(crate) on: &'p mut Connection,
    pub(super) step: &'p Step,
    number: &'p str,
    name: Option<&'p str>,
    pub(crate) wait: Duration,
}

impl<'p> ServerStepAt<'p> {
    /// A step on its own, which may wait as long as it says itself.
    pub(crate) fn new(
        on: &'p mut Connection,
        step: &'p Step,
        number: &'p str,
        name: Option<&'p str>,
    ) -> Result<ServerStepAt<'p>, Divergence> {
        let wait = on.stage.wait(&step.head, &on.scope()).map_err(|error| on.template(number, name, &error))?;
        Ok(ServerStepAt { on, step, number, name, wait })
    }

    pub(crate) fn place(&self, span: Span) -> Site<'_> {
        self.on.place(self.number, self.name, span)
    }

    pub(crate) fn template(&self, error: &TemplateError) -> Vec<Divergence> {
        vec![self.on.template(self.number, self.name, error)]
    }

    pub(crate) fn length(&self, length: &Length) -> Result<Duration, Vec<Divergence>> {
        self.on.stage.length(length, &self.on.scope()).map_err(|error| self.template(&error))
    }
}

impl ServerStepAt<'_> {
    /// In this order: what is expected, what is received, the reply, the action.
    pub(crate) async fn perform(&mut self) -> ServerStepDone {
        let step = self.step;
        if let Some(expect) = &step.expect {
            self.expect(expect).await?;
        }
        if let Some(receive) = &step.receive {
            self.receive(receive.part, receive.span).await?;
        }
        let decides = self.on.stage.names.flow().secrets_deciding(step).is_some();
        self.guard_secret(decides && step.is_seen(), step.head.span)?;
        if let Some(reply) = &step.reply {
            let rendered = self.on.rendered_reply(reply).map_err(|error| self.template(&error))?;
            self.wait_before(step).await?;
            self.answer(reply, rendered, step.pace.as_ref()).await?;
        }
        match &step.action {
            Action::None | Action::Group(_) => Ok(()),
            // A client's: `scenario::sides` gives them to no server.
            Action::Send(_) | Action::Data(_) | Action::Bdat(_) | Action::Auth(_) | Action::Connect(_) => Ok(()),
            Action::Raw(raw) => {
                let rendered = self.on.rendered_raw(raw).map_err(|error| self.template(&error))?;
                self.wait_before(step).await?;
                self.send_raw(rendered, step).await
            }
            Action::StartTls(starttls) => self.starttls(starttls, step).await,
            Action::Tls(tls) => self.tls(&tls.server, step).await,
            Action::Close(closing) => {
                self.on.close(*closing).await;
                Ok(())
            }
            Action::Sleep(length) => {
                let length = self.length(length)?;
                self.rest(step.head.span, length).await
            }
            Action::Set(settings) => {
                self.refuse_cut_short(step.head.span)?;
                self.set(settings)
            }
            Action::Skip(reason) => {
                let reason = self.on.stage.shown(reason, &self.on.scope());
                self.on.stage.not_applicable.get_or_insert(reason);
                Ok(())
            }
            Action::Assert(assertion) => self.assert(assertion),
        }
    }

    fn assert(&self, assertion: &Assertion) -> ServerStepDone {
        self.refuse_cut_short(assertion.condition.span)?;
        let false_one = self.on.stage.judge(assertion, &self.on.scope(), |span| self.place(span));
        false_one.map_err(|error| self.template(&error))?.map_or(Ok(()), |divergence| Err(vec![divergence]))
    }

    fn set(&mut self, settings: &[(Named, Data)]) -> ServerStepDone {
        for (named, data) in settings {
            let rendered = render_data(data, &self.on.stage.templates, &self.on.scope());
            let (value, secret) = rendered.map_err(|error| self.template(&error))?;
            self.on.stage.names.set(&named.name, value, secret);
        }
        Ok(())
    }

    async fn receive(&mut self, part: MailPart, span: Span) -> ServerStepDone {
        let (mut message, mut begun) = (ReceivedMessage::default(), Begun::default());
        let (outcome, expected) = match part {
            MailPart::Data => {
                let outcome = self.on.peer.read_mail_data(self.wait, &mut |octets| message.push(octets)).await;
                self.on.watch.mail_data_ended();
                (outcome, "mail data and the line with the dot")
            }
            MailPart::Bdat => {
                let Some(chunk) = self.on.chunk.take() else {
                    let text = "no BDAT command was read before this, which says how many octets there are";
                    return Err(vec![self.place(span).fault(Kind::Bdat, text)]);
                };
                message = self.on.begun_message(chunk.last);
                begun = message.begun();
                let outcome = self.on.peer.read_octets(chunk.octets, self.wait, &mut |part| message.push(part)).await;
                self.on.watch.content(chunk.octets);
                (outcome, "the octets that the BDAT command announced")
            }
        };
        self.on.log_message(&message, begun, part == MailPart::Data && outcome.is_ok());
        message.holds_secret = self.on.is_secret(message.bytes());
        if part == MailPart::Data {
            self.on.pending = Pending::Message;
        }
        if let Some(fallback) = &mut self.on.fallback {
            fallback.content(message.since(begun));
        }
        self.on.message = Some(Arc::new(message));
        outcome.map_err(|trouble| self.trouble(&trouble, expected, span))
    }

    async fn wait_before(&mut self, step: &Step) -> ServerStepDone {
        let Some(delay) = &step.delay else { return Ok(()) };
        let length = self.length(delay)?;
        self.rest(step.head.span, length).await
    }

    async fn rest(&mut self, span: Span, length: Duration) -> ServerStepDone {
        clock::rest(self.on.stage.bounded(length)).await;
        self.refuse_cut_short(span)
    }

    /// A wait that the end of the run cut short has not been waited for.
    pub(crate) fn refuse_cut_short(&self, span: Span) -> ServerStepDone {
        if self.on.stage.run_is_over() {
            return Err(vec![self.place(span).cut_off()]);
        }
        Ok(())
    }

    async fn answer(&mut self, reply: &Reply, rendered: Rendered, pace: Option<&Pace>) -> ServerStepDone {
        self.guard_secret(rendered.secret, reply.span)?;
        self.on.log_sent(&rendered);
        let drip = self.drip(pace)?;
        let outcome = self.on.peer.write(&rendered.bytes, self.wait, drip).await;
        self.on.told(&rendered.bytes);
        outcome.map_err(|trouble| self.trouble(&trouble, "the client to take the reply", reply.span))
    }

    async fn send_raw(&mut self, rendered: Rendered, step: &Step) -> ServerStepDone {
        self.guard_secret(rendered.secret, step.head.span)?;
        self.on.log_sent(&rendered);
        let drip = self.drip(step.pace.as_ref())?;
        let outcome = self.on.peer.write(&rendered.bytes, self.wait, drip).await;
        self.on.told(&rendered.bytes);
        outcome.map_err(|trouble| self.trouble(&trouble, "the client to take what is sent", step.head.span))
    }

    fn drip(&self, pace: Option<&Pace>) -> Result<Option<Drip>, Vec<Divergence>> {
        let Some(pace) = pace else { return Ok(None) };
        let every = self.length(&pace.every)?;
        Ok(Some(Drip { octets: pace.bytes, every }))
    }

    fn guard_secret(&self, secret: bool, span: Span) -> ServerStepDone {
        if !secret || self.on.may_tell() {
            return Ok(());
        }
        let message = format!("a secret would go to {} in plain text", self.on.peer.address());
        Err(vec![self.place(span).refused(&message, "begin TLS first, or allow it with `--insecure-secrets`")])
    }
}
