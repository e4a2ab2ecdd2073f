//! Rules: they answer commands in any order, and what none of them matches the sandbox answers.

use super::actor::{Actor, Flow};
use super::connection_number;
use super::judge::{Judge, Ruling};
use super::message::Message;
use super::reply::code_of;
use crate::run::expect::Comparer;
use crate::scenario::server::{Rule, ServerTls};
use crate::scenario::{Rendered, TemplateError};
use crate::server::{Drip, Fallback, Next, PeerTrouble, Said};
use crate::smtp::command::{CommandLine, Verb};
use std::sync::Arc;
use std::time::Duration;

/// How long a silent client is waited for (RFC 5321 section 4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(300);

impl Actor {
    /// Answers whatever comes, until either side closes.
    pub(super) async fn follow_rules(&mut self, greets: bool) {
        if greets {
            let greeting = self.fallback.as_ref().map(Fallback::greeting);
            if let Some(greeting) = greeting
                && self.say(greeting.reply).await == Flow::Stop
            {
                return;
            }
        }
        loop {
            let line = match self.peer.read_line(self.shared.bounded(IDLE)).await {
                Ok(line) => line,
                Err(trouble) => return self.end_of_talk(trouble).await,
            };
            self.heard_credentials = self.hear_line(&line);
            if self.answer_line(&line).await == Flow::Stop {
                return;
            }
        }
    }

    /// No rule says when a client must go: its end is none of a script.
    async fn end_of_talk(&mut self, trouble: PeerTrouble) {
        match trouble {
            PeerTrouble::Closed { .. } => self.log.note(&self.session, "closed by the client"),
            PeerTrouble::Broken { reason, .. } => self.log.note(&self.session, &reason),
            PeerTrouble::Timeout { .. } => _ = self.say("421 4.4.2 idle for too long, closing".to_owned()).await,
            PeerTrouble::NotTls { reason } => self.log.note(&self.session, &reason),
            PeerTrouble::TooLong { .. } => _ = self.say("500 5.5.2 line too long, closing".to_owned()).await,
        }
    }

    async fn answer_line(&mut self, line: &[u8]) -> Flow {
        let shared = self.shared.clone();
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        self.chunk = CommandLine::parse(content).bdat();
        if CommandLine::parse(content).verb() == Verb::Bdat {
            return self.answer_chunk(line, content).await;
        }
        let rule = match self.matching(&shared.server.rules, content) {
            Ok(rule) => rule,
            Err(error) => return self.faulty_rule(&error),
        };
        let Some(rule) = rule else {
            let said = self.sandbox(|fallback| fallback.line(line));
            return self.say_and_go_on(said).await;
        };
        let (flow, code) = self.obey(rule).await;
        if flow == Flow::Stop {
            return Flow::Stop;
        }
        match code {
            Some(354) => {
                self.sandbox(|fallback| fallback.line(line));
                self.go_on(Next::MailData).await
            }
            Some(code) if code < 400 => {
                let said = self.sandbox(|fallback| fallback.line(line));
                // Mail data follow a 354 and nothing else.
                self.go_on(if said.next == Next::MailData { Next::Line } else { said.next }).await
            }
            _ => {
                if let Some(fallback) = &mut self.fallback {
                    fallback.overruled();
                }
                Flow::On
            }
        }
    }

    /// The octets of a chunk are on their way, whatever is answered: rules see the message with them.
    async fn answer_chunk(&mut self, line: &[u8], content: &[u8]) -> Flow {
        let mut said = self.sandbox(|fallback| fallback.line(line));
        let announced = if let Next::Chunk(octets) = said.next { Some(octets) } else { None };
        if let Some(octets) = announced
            && self.take_chunk(octets).await == Flow::Stop
        {
            return Flow::Stop;
        }
        let shared = self.shared.clone();
        match self.matching(&shared.server.rules, content) {
            Err(error) => self.faulty_rule(&error),
            Ok(None) => {
                if announced.is_some() {
                    said = self.sandbox(Fallback::chunk_ended);
                }
                self.say(said.reply).await
            }
            Ok(Some(rule)) => {
                let (flow, code) = self.obey(rule).await;
                if code.is_some_and(|code| code < 400) {
                    self.sandbox(Fallback::chunk_ended);
                } else if let Some(fallback) = &mut self.fallback {
                    fallback.forget_message();
                }
                flow
            }
        }
    }

    /// What comes after an answer.
    async fn go_on(&mut self, next: Next) -> Flow {
        match next {
            Next::Line => Flow::On,
            Next::Close => Flow::Stop,
            Next::StartTls => match self.upgrade(&ServerTls::default(), self.shared.timeout).await {
                Ok(()) => Flow::On,
                Err(_) => Flow::Stop,
            },
            Next::Chunk(octets) => {
                if self.take_chunk(octets).await == Flow::Stop {
                    return Flow::Stop;
                }
                let said = self.sandbox(Fallback::chunk_ended);
                self.say(said.reply).await
            }
            Next::MailData => self.take_mail_data().await,
        }
    }

    /// The end of the mail data is matched as the line that it is: `.`.
    async fn take_mail_data(&mut self) -> Flow {
        let mut message = Message::default();
        let wait = self.shared.bounded(IDLE);
        let outcome = self.peer.read_mail_data(wait, &mut |octets| message.push(octets)).await;
        self.watch.mail_data_ended();
        self.heard_credentials = false;
        self.log_message(&message, outcome.is_ok());
        message.holds_secret = self.is_secret(message.bytes());
        self.sandbox_content(message.bytes());
        self.message = Some(Arc::new(message));
        if let Err(trouble) = outcome {
            self.end_of_talk(trouble).await;
            return Flow::Stop;
        }
        let shared = self.shared.clone();
        match self.matching(&shared.server.rules, b".") {
            Err(error) => self.faulty_rule(&error),
            Ok(None) => {
                let said = self.sandbox(Fallback::mail_data_ended);
                self.messages += u64::from(said.reply.starts_with('2'));
                self.say_and_go_on(said).await
            }
            Ok(Some(rule)) => {
                let (flow, code) = self.obey(rule).await;
                if code.is_some_and(|code| code < 400) {
                    self.messages += 1;
                    self.sandbox(Fallback::mail_data_ended);
                } else if let Some(fallback) = &mut self.fallback {
                    fallback.forget_message();
                }
                flow
            }
        }
    }

    async fn take_chunk(&mut self, octets: u64) -> Flow {
        let last = self.chunk.take().is_some_and(|chunk| chunk.last);
        let mut message = self.begun_message(last);
        let wait = self.shared.bounded(IDLE);
        let outcome = self.peer.read_octets(octets, wait, &mut |part| message.push(part)).await;
        self.watch.content(octets);
        self.log_message(&message, false);
        message.holds_secret = self.is_secret(message.bytes());
        self.sandbox_content(message.bytes());
        self.message = Some(Arc::new(message));
        match outcome {
            Ok(()) => Flow::On,
            Err(trouble) => {
                self.end_of_talk(trouble).await;
                Flow::Stop
            }
        }
    }

    // --- the sandbox -------------------------------------------------------------------------------------------

    /// There is one wherever there are rules.
    fn sandbox(&mut self, ask: impl FnOnce(&mut Fallback) -> Said) -> Said {
        match &mut self.fallback {
            Some(fallback) => ask(fallback),
            None => Said { reply: String::new(), next: Next::Close },
        }
    }

    fn sandbox_content(&mut self, octets: &[u8]) {
        if let Some(fallback) = &mut self.fallback {
            fallback.content(octets);
        }
    }

    async fn say_and_go_on(&mut self, said: Said) -> Flow {
        match self.say(said.reply).await {
            Flow::On => Box::pin(self.go_on(said.next)).await,
            Flow::Stop => Flow::Stop,
        }
    }

    async fn say(&mut self, reply: String) -> Flow {
        if reply.is_empty() {
            return Flow::On;
        }
        let bytes = format!("{reply}\r\n").into_bytes();
        let rendered = Rendered { bytes, shown: reply, secret: false };
        self.log_sent(&rendered);
        let wait = self.shared.bounded(self.shared.timeout);
        self.after_write(wait, &rendered.bytes, None).await
    }

    async fn after_write(&mut self, wait: Duration, bytes: &[u8], drip: Option<Drip>) -> Flow {
        match self.peer.write(bytes, wait, drip).await {
            Ok(()) => Flow::On,
            Err(trouble) => {
                if let PeerTrouble::Broken { reason, .. } = trouble {
                    self.log.note(&self.session, &reason);
                }
                Flow::Stop
            }
        }
    }

    // --- rules -------------------------------------------------------------------------------------------------

    fn matching<'r>(&mut self, rules: &'r [Rule], content: &[u8]) -> Result<Option<&'r Rule>, TemplateError> {
        let mut judge = Judge {
            templates: &self.shared.templates,
            masker: self.log.masker(),
            names: &mut self.names,
            message: self.message.as_ref(),
            tls: self.tls.as_ref(),
            matched: &mut self.matched,
            matched_by_all: &self.shared.matched,
        };
        judge.first(rules, content, self.heard_credentials)
    }

    /// Answers as the rule says; the code that it answered with.
    async fn obey(&mut self, rule: &Rule) -> (Flow, Option<u16>) {
        let mut code = None;
        let outcome = self.obeyed(rule, &mut code).await;
        match outcome {
            Err(error) => (self.faulty_rule(&error), code),
            Ok(Flow::Stop) => (Flow::Stop, code),
            Ok(Flow::On) => match rule.close {
                Some(closing) => {
                    self.close(closing).await;
                    (Flow::Stop, code)
                }
                None => (Flow::On, code),
            },
        }
    }

    async fn obeyed(&mut self, rule: &Rule, code: &mut Option<u16>) -> Result<Flow, TemplateError> {
        let may_tell = self.peer.address().ip().is_loopback() || self.peer.is_tls() || self.shared.insecure_secrets;
        let ruling = {
            let scope = self.scope();
            let comparer = Comparer { templates: &self.shared.templates, scope: &scope, masker: self.log.masker() };
            Ruling::of(rule, &comparer, may_tell)?
        };
        tokio::time::sleep(self.shared.bounded(ruling.delay)).await;
        let Some(rendered) = ruling.reply else { return Ok(Flow::On) };
        *code = code_of(&rendered.bytes);
        self.log_sent(&rendered);
        let wait = self.shared.bounded(self.shared.timeout);
        Ok(self.after_write(wait, &rendered.bytes, ruling.pace).await)
    }

    /// A template of a rule that cannot be rendered is the scenario's fault, and a divergence as everywhere.
    fn faulty_rule(&mut self, error: &TemplateError) -> Flow {
        let number = connection_number(self.number);
        let divergence = self.template(&number, None, error);
        self.keep(divergence, &number);
        Flow::Stop
    }
}
