//! One connection of a scripted server: its steps one by one until one diverges, then its rules.
//!
//! Responsible for the order of things and for what came of each step. What a step does stands in `steps`.

use super::message::Message;
use super::scope::{ServerScope, server_value};
use super::{Record, Shared, connection_number, connection_outcome, pass_over, unplayed};
use crate::run::expect::Comparer;
use crate::run::group::Bound;
use crate::run::outcome::{Cause, CertificateOutcome, Divergence, Handshake, SessionOutcome, StepOutcome, Verdict};
use crate::run::scope::Names;
use crate::scenario::{
    Action, Group, Length, MAX_ITERATIONS, Mode, Span, Step, TemplateError, Text, parse_count, render_data,
};
use crate::server::{Accepted, Fallback, Peer};
use crate::session::Transcript;
use minijinja::value::{Value, ValueKind};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// After how many steps others have their turn, signals among them.
const STEPS_OF_A_BREATH: usize = 64;

/// What has come of the client and has not been answered yet.
#[derive(Debug, Default)]
pub(super) enum Pending {
    #[default]
    Nothing,
    /// A line, its end included.
    Line(Vec<u8>),
    /// A message after DATA.
    Message,
}

/// What a BDAT command announces (RFC 3030 section 2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    pub(super) octets: u64,
    pub(super) last: bool,
}

/// The server on one connection.
pub(super) struct Actor {
    pub(super) shared: Arc<Shared>,
    /// The how manyeth connection it is, from 1.
    pub(super) number: usize,
    pub(super) peer: Peer,
    pub(super) session: Arc<str>,
    pub(super) log: Transcript,
    pub(super) names: Names,
    /// The default time of a wait, at this place of the script.
    pub(super) timeout: Duration,
    /// What was captured, as it is shown.
    pub(super) captures: BTreeMap<String, String>,
    pub(super) message: Option<Arc<Message>>,
    pub(super) tls: Option<Arc<Accepted>>,
    /// The BDAT command that was read last, while its octets are still to come.
    pub(super) chunk: Option<Chunk>,
    /// Whether the message goes on with the next chunk.
    pub(super) more_chunks: bool,
    pub(super) pending: Pending,
    /// The sandbox, which answers what no rule does.
    pub(super) fallback: Option<Fallback>,
    /// For each rule how many commands matched it on this connection.
    pub(super) matched: Vec<u64>,
    pub(super) divergences: Vec<Divergence>,
    pub(super) messages: u64,
    steps: Vec<StepOutcome>,
    handshakes: Vec<Handshake>,
    iterations: u64,
    opened: Duration,
}

/// Whether the steps go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Stop,
}

impl Actor {
    pub(super) fn new(
        shared: Arc<Shared>,
        number: usize,
        tcp: TcpStream,
        address: SocketAddr,
        log: Transcript,
    ) -> Actor {
        let mut names = shared.names.clone();
        names.set("server", server_value(shared.address, Some((number, address))), false);
        let fallback = if shared.server.rules.is_empty() { None } else { Some(Fallback::new(&shared.fallback)) };
        let mut peer = Peer::new(tcp, address);
        peer.set_due(shared.due);
        Actor {
            matched: vec![0; shared.server.rules.len()],
            opened: log.elapsed(),
            session: Arc::from(format!("server {number}")),
            timeout: shared.timeout,
            captures: BTreeMap::new(),
            peer,
            message: None,
            tls: None,
            chunk: None,
            more_chunks: false,
            pending: Pending::Nothing,
            divergences: Vec::new(),
            messages: 0,
            steps: Vec::new(),
            handshakes: Vec::new(),
            iterations: 0,
            shared,
            number,
            log,
            names,
            fallback,
        }
    }

    /// Plays the connection from its beginning to its end.
    pub(super) async fn play(mut self) -> Record {
        let shared = self.shared.clone();
        let own = connection_number(self.number);
        self.log.begin_step(&own);
        self.log.note(&self.session, &format!("connection from {}", self.peer.address()));
        let stopped = tokio::select! {
            biased;
            () = self.play_all() => false,
            () = shared.stop.stopped() => true,
        };
        if stopped {
            self.interrupt();
        }
        self.log.begin_step(&own);
        if self.peer.is_open() {
            self.peer.close().await;
            self.log.note(&self.session, "closed by the server");
        }
        self.into_record()
    }

    async fn play_all(&mut self) {
        let shared = self.shared.clone();
        let steps = shared.server.steps(self.number);
        if implicit_tls(&shared, self.number) && self.begin_tls().await == Flow::Stop {
            return;
        }
        if self.play_steps(steps).await == Flow::Stop || !self.peer.is_open() {
            return;
        }
        if shared.server.rules.is_empty() {
            self.refuse_more(steps).await;
        } else {
            self.log.begin_step(&connection_number(self.number));
            self.follow_rules(steps.is_empty()).await;
        }
    }

    /// TLS from the first octet (RFC 8314).
    async fn begin_tls(&mut self) -> Flow {
        let Err(trouble) = self.upgrade(&crate::scenario::server::ServerTls::default(), self.shared.timeout).await
        else {
            return Flow::On;
        };
        let number = connection_number(self.number);
        let divergence = self.place(&number, None, self.span()).handshake_failed(&trouble);
        self.keep(divergence, &number);
        Flow::Stop
    }

    /// What the client has sent and no step reads.
    async fn refuse_more(&mut self, steps: &[Step]) {
        let Some(last) = steps.last() else { return };
        let arrived = self.peer.take_arrived().await;
        if arrived.is_empty() {
            return;
        }
        self.log.client_bytes(&self.session, &arrived);
        let number = self.number_of(last);
        let divergence = self.place(&number, None, last.head.span).more_than_scripted(&arrived);
        self.keep(divergence, &number);
    }

    /// Where the connection stands in the file.
    pub(super) fn span(&self) -> Span {
        self.shared.server.served(self.number).map_or(self.shared.server.span, |served| served.span)
    }

    pub(super) fn keep(&mut self, divergence: Divergence, number: &str) {
        // What a client no longer does after it left its own script says nothing about it.
        let follows = matches!(divergence.kind, "closed" | "reset" | "timeout" | "tls");
        if follows && self.shared.is_abandoned() {
            return;
        }
        // A step without a line of its own happened behind the last one of the connection.
        let line = self.log.last_of(number).or_else(|| self.log.last_in(&self.session));
        self.divergences.push(Divergence { line, ..divergence });
    }

    // --- steps -------------------------------------------------------------------------------------------------

    pub(super) fn play_steps<'s>(&'s mut self, steps: &'s [Step]) -> Pin<Box<dyn Future<Output = Flow> + Send + 's>> {
        Box::pin(async move {
            for (index, step) in steps.iter().enumerate() {
                if self.play_step(step).await == Flow::Stop {
                    let at = self.log.elapsed();
                    pass_over(&steps[index + 1..], self.number, at, &mut self.steps);
                    return Flow::Stop;
                }
            }
            Flow::On
        })
    }

    async fn play_step(&mut self, step: &Step) -> Flow {
        // Steps that wait for nothing would keep signals from being heard.
        if self.shared.templates.wants_a_breath() || self.steps.len().is_multiple_of(STEPS_OF_A_BREATH) {
            tokio::task::yield_now().await;
        }
        let started = self.log.elapsed();
        let number = self.number_of(step);
        self.log.begin_step(&number);
        let name = self.shown_name(step.head.name.as_ref());
        match self.is_wanted(step) {
            Ok(true) => {}
            Ok(false) => {
                let at = self.steps.len();
                pass_over(std::slice::from_ref(step), self.number, started, &mut self.steps);
                self.steps[at..].iter_mut().for_each(|outcome| outcome.verdict = Verdict::Skipped);
                return Flow::On;
            }
            Err(error) => {
                let divergence = self.template(&number, name.as_deref(), &error);
                return self.record(step, name, started, Err(vec![divergence]));
            }
        }
        if let Action::Group(group) = &step.action {
            return self.play_group(step, group, name).await;
        }
        let outcome = self.perform(step, &number, name.as_deref()).await;
        self.record(step, name, started, outcome)
    }

    fn is_wanted(&self, step: &Step) -> Result<bool, TemplateError> {
        let Some(when) = &step.head.when else { return Ok(true) };
        self.shared.templates.evaluate(when, &self.scope()).map(|value| value.is_true())
    }

    fn record(
        &mut self,
        step: &Step,
        name: Option<String>,
        started: Duration,
        outcome: Result<(), Vec<Divergence>>,
    ) -> Flow {
        let number = self.number_of(step);
        let before = self.divergences.len();
        let failed = outcome.is_err();
        for divergence in outcome.err().unwrap_or_default() {
            self.keep(divergence, &number);
        }
        let verdict = match (failed, self.divergences.len() > before) {
            (false, _) => Verdict::Followed,
            (true, true) => Verdict::Diverged,
            (true, false) => Verdict::Unreached,
        };
        let duration = self.log.elapsed().saturating_sub(started);
        self.steps.push(StepOutcome { name, verdict, duration, ..unplayed(step, self.number, started) });
        if failed && !self.continues(step) { Flow::Stop } else { Flow::On }
    }

    // --- groups ------------------------------------------------------------------------------------------------

    async fn play_group(&mut self, step: &Step, group: &Group, name: Option<String>) -> Flow {
        let started = self.log.elapsed();
        let place = self.steps.len();
        let before = self.divergences.len();
        self.steps.push(StepOutcome { name: name.clone(), ..unplayed(step, self.number, started) });
        let outer = self.timeout;
        let flow = self.play_turns(step, group, name.as_deref()).await;
        self.timeout = outer;
        let duration = self.log.elapsed().saturating_sub(started);
        let diverged = self.divergences.len() > before;
        if let Some(outcome) = self.steps.get_mut(place) {
            outcome.duration = duration;
            outcome.verdict = if diverged { Verdict::Diverged } else { Verdict::Followed };
        }
        if flow == Flow::Stop && self.continues(step) { Flow::On } else { flow }
    }

    /// Whether a divergence of this step is not the end: not where nobody is there any more, nor where the run was asked
    /// for wrongly.
    fn continues(&self, step: &Step) -> bool {
        let refused = self.divergences.iter().any(|divergence| divergence.cause == Cause::User);
        step.head.continues && self.peer.is_open() && !self.peer.has_ended() && !refused
    }

    async fn play_turns(&mut self, step: &Step, group: &Group, name: Option<&str>) -> Flow {
        let turns = match self.entered(step).and_then(|()| self.turns(group)) {
            Ok(turns) => turns,
            Err(error) => {
                let number = self.number_of(step);
                let divergence = self.template(&number, name, &error);
                self.keep(divergence, &number);
                let at = self.log.elapsed();
                pass_over(&group.steps, self.number, at, &mut self.steps);
                return Flow::Stop;
            }
        };
        for turn in turns {
            let bindings: Vec<_> =
                turn.into_iter().map(|(name, value, secret)| self.names.bind(&name, value, secret)).collect();
            let flow = match self.count_iteration(step, name) {
                Ok(()) => self.play_steps(&group.steps).await,
                Err(divergence) => {
                    self.keep(divergence, &self.number_of(step));
                    Flow::Stop
                }
            };
            bindings.into_iter().rev().for_each(|binding| self.names.restore(binding));
            if flow == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::On
    }

    /// The group's time-out holds from now on.
    fn entered(&mut self, step: &Step) -> Result<(), TemplateError> {
        if let Some(length) = &step.head.timeout {
            self.timeout = self.length(length)?;
        }
        Ok(())
    }

    /// Counts an iteration of a loop: loops within loops must end as well.
    fn count_iteration(&mut self, step: &Step, name: Option<&str>) -> Result<(), Divergence> {
        self.iterations += 1;
        if self.iterations <= MAX_ITERATIONS {
            return Ok(());
        }
        let message = format!("the loops of this run go round more than {MAX_ITERATIONS} times");
        Err(self.place(&self.number_of(step), name, step.head.span).refused(&message, "repeat less often"))
    }

    /// The names of each turn, with their values. A group without a loop has one turn.
    fn turns(&self, group: &Group) -> Result<Vec<Vec<Bound>>, TemplateError> {
        let iteration = |index: usize| ("iteration".to_owned(), Value::from(index + 1), false);
        if let Some((name, list)) = &group.for_each {
            let (value, secret) = render_data(list, &self.shared.templates, &self.scope())?;
            let fault = |message: String| TemplateError { message, span: name.span, help: None };
            if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
                return Err(fault(format!("`for_each` takes a list, not {}", value.kind())));
            }
            let items = value.try_iter().map_err(|error| fault(error.to_string()))?;
            let turn = |(index, value)| vec![iteration(index), (name.name.clone(), value, secret)];
            return Ok(items.enumerate().map(turn).collect());
        }
        let Some(repeat) = &group.repeat else { return Ok(vec![Vec::new()]) };
        let rendered = self.shared.templates.render(repeat, Mode::Plain, &self.scope())?;
        let count = parse_count(&String::from_utf8_lossy(&rendered.bytes)).map_err(|message| {
            let message = rendered.without_secret(message);
            TemplateError { message, span: repeat.span, help: None }
        })?;
        Ok((0..count).map(|index| vec![iteration(index)]).collect())
    }

    // --- the end -----------------------------------------------------------------------------------------------

    /// The user wants an end now.
    fn interrupt(&mut self) {
        let number = self.log.step().to_owned();
        let step = self.shared.server.steps(self.number).iter().find(|step| self.number_of(step) == number);
        let span = step.map_or_else(|| self.span(), |step| step.head.span);
        // Rules have no end of their own: whoever ends them wants no more of them.
        if !self.shared.server.steps(self.number).is_empty() {
            let divergence = self.place(&number, None, span).interrupted();
            self.keep(divergence, &number);
        }
    }

    fn into_record(mut self) -> Record {
        let closed = self.log.elapsed();
        let diverged = !self.divergences.is_empty();
        let mut told: Vec<&str> = self.steps.iter().map(|step| step.number.as_str()).collect();
        told.sort_unstable();
        let mut all = Vec::new();
        pass_over(self.shared.server.steps(self.number), self.number, closed, &mut all);
        all.retain(|step| told.binary_search(&step.number.as_str()).is_err());
        self.steps.extend(all);
        let unreached = !diverged && self.steps.iter().any(|step| step.verdict == Verdict::Unreached);
        let verdict = match () {
            () if diverged => Verdict::Diverged,
            () if unreached => Verdict::Unreached,
            () => Verdict::Followed,
        };
        let name = self.shared.server.served(self.number).and_then(|served| self.shown_name(served.name.as_ref()));
        let whole = StepOutcome {
            name,
            duration: closed.saturating_sub(self.opened),
            ..connection_outcome(self.number, self.span(), verdict, self.opened)
        };
        self.steps.insert(0, whole);
        let address = self.shared.address;
        let session = SessionOutcome {
            name: self.session.clone(),
            host: address.ip().to_string(),
            port: address.port(),
            address: Some(self.peer.address().to_string()),
            opened: self.opened,
            closed,
            sent: self.peer.sent,
            received: self.peer.received,
            messages: self.messages,
            tls: self.handshakes,
        };
        Record {
            number: self.number,
            steps: self.steps,
            divergences: self.divergences,
            session: Some(session),
            captures: self.captures,
        }
    }

    // --- what steps need ---------------------------------------------------------------------------------------

    pub(super) fn number_of(&self, step: &Step) -> String {
        format!("{}.{}", connection_number(self.number), step.head.number)
    }

    pub(super) fn scope(&self) -> ServerScope<'_> {
        ServerScope { names: &self.names, message: self.message.as_ref(), tls: self.tls.as_ref() }
    }

    pub(super) fn length(&self, length: &Length) -> Result<Duration, TemplateError> {
        let scope = self.scope();
        Comparer { templates: &self.shared.templates, scope: &scope, masker: self.log.masker() }.length(length)
    }

    pub(super) fn is_secret(&self, bytes: &[u8]) -> bool {
        self.log.masker().finds(bytes)
    }

    /// A name as it is shown: rendered, without secrets.
    pub(super) fn shown_name(&self, name: Option<&Text>) -> Option<String> {
        let text = name?;
        let scope = self.scope();
        let rendered = self.shared.templates.render(text, Mode::Plain, &scope);
        Some(rendered.map_or_else(|_| text.source.clone(), |rendered| self.log.masker().mask_text(&rendered.shown)))
    }

    pub(super) fn note_handshake(&mut self, accepted: &Accepted) {
        let certificate = accepted.client.as_deref().and_then(crate::net::certificate::Certificate::from_der);
        self.handshakes.push(Handshake {
            at: self.log.elapsed(),
            version: accepted.version.clone(),
            cipher: accepted.cipher.clone(),
            verified: accepted.verified,
            certificate: certificate.as_ref().map(CertificateOutcome::of),
        });
    }
}

fn implicit_tls(shared: &Shared, connection: usize) -> bool {
    let own = shared.server.served(connection).and_then(|served| served.implicit_tls);
    own.unwrap_or(shared.server.implicit_tls)
}
