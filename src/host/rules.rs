//! Rules: they answer commands in any order, and what none of them matches the sandbox answers.

use crate::host::judge::{Judge, Ruling};
use crate::net::clock;
use crate::net::wire::Drip;
use crate::play::server::actor::ConnectionFlow;
use crate::play::server::connection::Connection;
use crate::play::server::message::ReceivedMessage;
use crate::play::server::record::connection_number;
use crate::play::server::reply::code_of;
use crate::scenario::server::{Rule, ServerTls};
use crate::scenario::{Rendered, TemplateError};
use crate::server::{Fallback, FallbackSaid, MessageEnd, NextInput, PeerTrouble};
use crate::smtp::command::{CommandLine, Verb};
use std::sync::Arc;
use std::time::Duration;

/// How long a silent client is waited for (RFC 5321 section 4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(300);
/// The reply code of a challenge (RFC 4954 section 4).
const CHALLENGE: u16 = 334;

/// The rules on a connection, after its steps.
pub(crate) struct RulesAt<'c> {
    on: &'c mut Connection,
    /// For each rule how many commands matched it on this connection.
    matched: Vec<u64>,
    /// A rule has said 334: what comes is the response.
    challenged: bool,
    /// Whether the line that is answered has credentials in it.
    credentials: bool,
}

impl<'c> RulesAt<'c> {
    pub(crate) fn new(on: &'c mut Connection) -> RulesAt<'c> {
        RulesAt { matched: vec![0; on.script.server.rules.len()], challenged: false, credentials: false, on }
    }

    /// Answers whatever comes, until either side closes.
    pub(crate) async fn follow(&mut self, greets: bool) {
        if greets {
            let greeting = self.on.fallback.as_ref().map(Fallback::greeting);
            if let Some(greeting) = greeting
                && self.say(greeting.reply).await == ConnectionFlow::Stop
            {
                return;
            }
        }
        loop {
            let line = match self.next_line().await {
                Ok(line) => line,
                Err(trouble) => return self.end_of_talk(trouble).await,
            };
            self.credentials = self.on.hear_line(&line);
            if self.answer_line(&line).await == ConnectionFlow::Stop {
                return;
            }
        }
    }

    /// Reads a line. Of one that has no end for too long the rest is thrown away, and it is too long still.
    async fn next_line(&mut self) -> Result<Vec<u8>, PeerTrouble> {
        let mut begun = Vec::new();
        loop {
            match self.on.peer.read_line(self.on.stage.bounded(IDLE)).await {
                Ok(_) if !begun.is_empty() => return Ok(begun),
                Err(PeerTrouble::TooLong { bytes, .. }) if begun.is_empty() => begun = bytes,
                Err(PeerTrouble::TooLong { .. }) => {}
                other => return other,
            }
        }
    }

    /// Rules do not say when a client leaves: that is no divergence.
    async fn end_of_talk(&mut self, trouble: PeerTrouble) {
        match trouble {
            PeerTrouble::Closed { .. } => self.on.stage.log.note(&self.on.session, "closed by the client"),
            PeerTrouble::Broken { reason, .. } => self.on.stage.log.note(&self.on.session, &reason),
            PeerTrouble::Timeout { .. } => {
                let said = self.sandbox(Fallback::idle_too_long);
                self.say(said.reply).await;
            }
            PeerTrouble::NotTls { reason } => self.on.stage.log.note(&self.on.session, &reason),
            PeerTrouble::TlsBegun { .. } => {
                let text = "the client began TLS where plain text begins: set it to STARTTLS, or this server to `tls: implicit`";
                self.on.stage.log.note(&self.on.session, text);
            }
            PeerTrouble::TooLong { .. } => {}
        }
    }

    /// The server ends: a client that is still there is told so (RFC 5321 section 3.8).
    pub(crate) async fn farewell(&mut self) {
        let said = self.sandbox(Fallback::shutting_down);
        self.say(said.reply).await;
    }

    async fn answer_line(&mut self, line: &[u8]) -> ConnectionFlow {
        let script = self.on.script.clone();
        let challenged = std::mem::take(&mut self.challenged);
        if let Some(said) = self.on.fallback.as_mut().and_then(|fallback| fallback.too_long(line, challenged)) {
            return self.say_and_go_on(said).await;
        }
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        self.on.chunk = CommandLine::parse(content).bdat();
        if CommandLine::parse(content).verb() == Verb::BdatCommand {
            return self.answer_chunk(line, content).await;
        }
        let rule = match self.matching(&script.server.rules, content) {
            Ok(rule) => rule,
            Err(error) => return self.faulty_rule(&error),
        };
        let Some(rule) = rule else {
            let said = self.sandbox(|fallback| fallback.line(line));
            return self.say_and_go_on(said).await;
        };
        let (flow, code) = self.obey(rule).await;
        if flow == ConnectionFlow::Stop {
            return ConnectionFlow::Stop;
        }
        self.challenged = code == Some(CHALLENGE);
        let next = self.on.fallback.as_mut().map_or(NextInput::Line, |fallback| fallback.ruled(line, code));
        self.go_on(next).await
    }

    /// The octets of a chunk are on their way, whatever is answered: rules see the message with them.
    async fn answer_chunk(&mut self, line: &[u8], content: &[u8]) -> ConnectionFlow {
        let mut said = self.sandbox(|fallback| fallback.line(line));
        let announced = if let NextInput::Chunk(octets) = said.next { Some(octets) } else { None };
        if let Some(octets) = announced
            && self.take_chunk(octets).await == ConnectionFlow::Stop
        {
            return ConnectionFlow::Stop;
        }
        let script = self.on.script.clone();
        match self.matching(&script.server.rules, content) {
            Err(error) => self.faulty_rule(&error),
            Ok(None) => {
                if announced.is_some() {
                    said = self.sandbox(Fallback::chunk_ended);
                }
                self.say(said.reply).await
            }
            Ok(Some(rule)) => {
                let (flow, code) = self.obey(rule).await;
                self.message_ruled(code, MessageEnd::Chunk);
                flow
            }
        }
    }

    /// What comes after an answer.
    async fn go_on(&mut self, next: NextInput) -> ConnectionFlow {
        match next {
            NextInput::Line => ConnectionFlow::On,
            NextInput::Close => ConnectionFlow::Stop,
            NextInput::StartTls => match self.on.upgrade(&ServerTls::default(), self.on.script.timeout).await {
                Ok(()) => ConnectionFlow::On,
                Err(_) => ConnectionFlow::Stop,
            },
            NextInput::Chunk(octets) => {
                if self.take_chunk(octets).await == ConnectionFlow::Stop {
                    return ConnectionFlow::Stop;
                }
                let said = self.sandbox(Fallback::chunk_ended);
                self.say(said.reply).await
            }
            NextInput::MailData => self.take_mail_data().await,
        }
    }

    /// The end of the mail data is matched as the line that it is: `.`.
    async fn take_mail_data(&mut self) -> ConnectionFlow {
        let mut message = ReceivedMessage::default();
        let wait = self.on.stage.bounded(IDLE);
        let outcome = self.on.peer.read_mail_data(wait, &mut |octets| message.push(octets)).await;
        self.on.watch.mail_data_ended();
        self.credentials = false;
        self.on.log_message(&message, outcome.is_ok());
        message.holds_secret = self.on.is_secret(message.bytes());
        self.sandbox_content(message.bytes());
        self.on.message = Some(Arc::new(message));
        if let Err(trouble) = outcome {
            self.end_of_talk(trouble).await;
            return ConnectionFlow::Stop;
        }
        let script = self.on.script.clone();
        match self.matching(&script.server.rules, b".") {
            Err(error) => self.faulty_rule(&error),
            Ok(None) => {
                let said = self.sandbox(Fallback::mail_data_ended);
                self.on.messages += u64::from(said.reply.starts_with('2'));
                self.say_and_go_on(said).await
            }
            Ok(Some(rule)) => {
                let (flow, code) = self.obey(rule).await;
                self.on.messages += u64::from(self.message_ruled(code, MessageEnd::Dot));
                flow
            }
        }
    }

    async fn take_chunk(&mut self, octets: u64) -> ConnectionFlow {
        let last = self.on.chunk.take().is_some_and(|chunk| chunk.last);
        let mut message = self.on.begun_message(last);
        let wait = self.on.stage.bounded(IDLE);
        let outcome = self.on.peer.read_octets(octets, wait, &mut |part| message.push(part)).await;
        self.on.watch.content(octets);
        self.on.log_message(&message, false);
        message.holds_secret = self.on.is_secret(message.bytes());
        self.sandbox_content(message.bytes());
        self.on.message = Some(Arc::new(message));
        match outcome {
            Ok(()) => ConnectionFlow::On,
            Err(trouble) => {
                self.end_of_talk(trouble).await;
                ConnectionFlow::Stop
            }
        }
    }

    // --- the sandbox -------------------------------------------------------------------------------------------

    /// There is one wherever there are rules.
    fn sandbox(&mut self, ask: impl FnOnce(&mut Fallback) -> FallbackSaid) -> FallbackSaid {
        match &mut self.on.fallback {
            Some(fallback) => ask(fallback),
            None => FallbackSaid { reply: String::new(), next: NextInput::Close },
        }
    }

    /// A rule has answered a message by this code; whether it took it.
    fn message_ruled(&mut self, code: Option<u16>, end: MessageEnd) -> bool {
        self.on.fallback.as_mut().is_some_and(|fallback| fallback.message_ruled(code, end))
    }

    fn sandbox_content(&mut self, octets: &[u8]) {
        if let Some(fallback) = &mut self.on.fallback {
            fallback.content(octets);
        }
    }

    async fn say_and_go_on(&mut self, mut said: FallbackSaid) -> ConnectionFlow {
        if said.next == NextInput::StartTls {
            let has_certificate = self.on.acceptor(&ServerTls::default()).is_ok();
            said = Fallback::asked_for_tls(has_certificate);
        }
        match self.say(said.reply).await {
            ConnectionFlow::On => Box::pin(self.go_on(said.next)).await,
            ConnectionFlow::Stop => ConnectionFlow::Stop,
        }
    }

    async fn say(&mut self, reply: String) -> ConnectionFlow {
        if reply.is_empty() {
            return ConnectionFlow::On;
        }
        let bytes = format!("{reply}\r\n").into_bytes();
        let rendered = Rendered { bytes, shown: reply, secret: false };
        self.on.log_sent(&rendered);
        let wait = self.on.stage.bounded(self.on.script.timeout);
        self.after_write(wait, &rendered.bytes, None).await
    }

    async fn after_write(&mut self, wait: Duration, bytes: &[u8], drip: Option<Drip>) -> ConnectionFlow {
        match self.on.peer.write(bytes, wait, drip).await {
            Ok(()) => ConnectionFlow::On,
            Err(trouble) => {
                if let PeerTrouble::Broken { reason, .. } = trouble {
                    self.on.stage.log.note(&self.on.session, &reason);
                }
                ConnectionFlow::Stop
            }
        }
    }

    // --- rules -------------------------------------------------------------------------------------------------

    fn matching<'r>(&mut self, rules: &'r [Rule], content: &[u8]) -> Result<Option<&'r Rule>, TemplateError> {
        let mut judge = Judge {
            templates: &self.on.stage.templates,
            masker: self.on.stage.log.masker(),
            names: &mut self.on.stage.names,
            captures: Some(&mut self.on.stage.captures),
            message: self.on.message.as_ref(),
            tls: self.on.tls.as_ref(),
            observed: self.on.observed.as_ref(),
            matched: &mut self.matched,
            tally: &self.on.script.tally,
        };
        judge.first(rules, content, self.credentials)
    }

    /// Answers as the rule says; the code that it answered with.
    async fn obey(&mut self, rule: &Rule) -> (ConnectionFlow, Option<u16>) {
        let mut code = None;
        let outcome = self.obeyed(rule, &mut code).await;
        match outcome {
            Err(error) => (self.faulty_rule(&error), code),
            Ok(ConnectionFlow::Stop) => (ConnectionFlow::Stop, code),
            Ok(ConnectionFlow::On) => match rule.close {
                Some(closing) => {
                    self.on.close(closing).await;
                    (ConnectionFlow::Stop, code)
                }
                None => (ConnectionFlow::On, code),
            },
        }
    }

    async fn obeyed(&mut self, rule: &Rule, code: &mut Option<u16>) -> Result<ConnectionFlow, TemplateError> {
        let may_tell =
            self.on.peer.address().ip().is_loopback() || self.on.peer.is_tls() || self.on.script.insecure_secrets;
        let ruling = {
            let scope = self.on.scope();
            let comparer = self.on.stage.comparer(&scope);
            Ruling::of(rule, &comparer, may_tell)?
        };
        clock::rest(self.on.stage.bounded(ruling.delay)).await;
        let Some(rendered) = ruling.reply else { return Ok(ConnectionFlow::On) };
        *code = code_of(&rendered.bytes);
        self.on.log_sent(&rendered);
        let wait = self.on.stage.bounded(self.on.script.timeout);
        Ok(self.after_write(wait, &rendered.bytes, ruling.pace).await)
    }

    /// A template of a rule that cannot be rendered is the scenario's fault, and a divergence as everywhere.
    fn faulty_rule(&mut self, error: &TemplateError) -> ConnectionFlow {
        let number = connection_number(self.on.number);
        let divergence = self.on.template(&number, None, error);
        self.on.keep(divergence, &number);
        ConnectionFlow::Stop
    }
}
