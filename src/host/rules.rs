//! Rules after the steps of a scripted server: they answer commands in any order, and what none of them matches the sandbox
//! answers.
//!
//! Responsible for the connection and its transcript. What a client's octets mean, which answer a rule takes the place of and what
//! the protocol makes of it is `server::dialogue`'s business, as before the sandbox.

use super::SERVED_LINES;
use crate::host::judge::{Judge, ruling};
use crate::net::clock;
use crate::net::wire::Drip;
use crate::play::server::actor::ConnectionFlow;
use crate::play::server::connection::Connection;
use crate::play::server::message::{Begun, ReceivedMessage};
use crate::play::server::record::connection_number;
use crate::scenario::server::ServerTls;
use crate::scenario::{Rendered, TemplateError};
use crate::server::{
    Accepted, After, Audience, Discard, Fallback, IDLE, Input, Interjection, MessageEnd, PeerTrouble, RuleFault,
    ServerDialogue,
};
use std::sync::Arc;

/// The rules on a connection.
pub(crate) struct RulesAt<'c> {
    dialogue: ServerDialogue<Discard, RulesAudience<'c>>,
}

/// Hears what is said on it, and has its rules.
struct RulesAudience<'c> {
    on: &'c mut Connection,
    /// For each rule how many commands matched it on this connection.
    matched: Vec<u64>,
    /// Whether the line that is answered has credentials in it.
    credentials: bool,
    /// The message that comes, and what there was of it before the chunk.
    coming: Option<(ReceivedMessage, Begun)>,
}

impl<'c> RulesAt<'c> {
    pub(crate) fn new(on: &'c mut Connection) -> RulesAt<'c> {
        let fallback = on.fallback.take().unwrap_or_else(|| Fallback::new(&on.script.fallback));
        let matched = vec![0; on.script.server.rules.len()];
        let audience = RulesAudience { matched, credentials: false, coming: None, on };
        RulesAt { dialogue: ServerDialogue::new(fallback.into_protocol(), audience) }
    }

    /// Answers whatever comes, until either side closes.
    pub(crate) async fn follow(&mut self, greets: bool) {
        let mut after = if greets { self.dialogue.tell(Input::Connected) } else { After::Read };
        loop {
            if self.send_replies().await == ConnectionFlow::Stop {
                return;
            }
            after = match after {
                After::Read => self.hear().await,
                After::Interject => self.interject().await,
                After::StartTls => self.start_tls().await,
                After::Leave(closing) => return self.on().close(closing).await,
                After::Close => return,
            };
        }
    }

    /// The server ends: a client that is still there is told so (RFC 5321 section 3.8).
    pub(crate) async fn farewell(&mut self) {
        self.dialogue.tell(Input::ShuttingDown);
        self.send_replies().await;
    }

    fn on(&mut self) -> &mut Connection {
        self.dialogue.audience().on
    }

    /// The next line, or octets of a message.
    async fn hear(&mut self) -> After {
        let reads_lines = self.dialogue.reads_lines();
        let on = self.on();
        let wait = on.stage.bounded(IDLE);
        if reads_lines {
            return match on.peer.read_line(wait).await {
                Ok(line) | Err(PeerTrouble::TooLong { bytes: line, .. }) => self.dialogue.take_next(&line).1,
                Err(trouble) => self.end_of_talk(&trouble),
            };
        }
        if let Err(trouble) = on.peer.wait_for_octets(wait).await {
            return self.end_of_talk(&trouble);
        }
        let unread = on.peer.unread().to_vec();
        let (used, after) = self.dialogue.take_next(&unread);
        self.on().peer.pass_over(used);
        after
    }

    /// Rules do not say when a client leaves: that is no divergence.
    fn end_of_talk(&mut self, trouble: &PeerTrouble) -> After {
        let audience = self.dialogue.audience();
        audience.show_message(None);
        let reason = match trouble {
            PeerTrouble::Timeout { .. } => return self.dialogue.tell(Input::IdleTooLong),
            PeerTrouble::Closed { .. } => "closed by the client",
            PeerTrouble::TlsBegun { .. } => {
                "the client began TLS where plain text begins: set it to STARTTLS, or this server to `tls: implicit`"
            }
            PeerTrouble::Broken { reason, .. } | PeerTrouble::NotTls { reason } => reason,
            PeerTrouble::TooLong { .. } => return After::Close,
        };
        audience.on.stage.log.note(&audience.on.session, reason);
        After::Close
    }

    async fn start_tls(&mut self) -> After {
        let tls = ServerTls::default();
        if self.on().acceptor(&tls).is_err() {
            return self.dialogue.tell(Input::TlsUnavailable);
        }
        self.dialogue.tls_ready();
        if self.send_replies().await == ConnectionFlow::Stop {
            return After::Close;
        }
        let on = self.on();
        let wait = on.script.timeout;
        match (on.upgrade(&tls, wait).await, on.tls.clone()) {
            (Ok(()), Some(accepted)) => {
                self.dialogue.tls_started(accepted);
                After::Read
            }
            _ => After::Close,
        }
    }

    // --- sending -----------------------------------------------------------------------------------------------

    async fn send_replies(&mut self) -> ConnectionFlow {
        let replies = self.dialogue.replies().to_vec();
        self.dialogue.replies_sent();
        self.write(&replies, None).await
    }

    /// Sends what a rule says, as late and as slowly as it wants it.
    async fn interject(&mut self) -> After {
        let Some(interjection) = self.dialogue.interjection() else { return After::Read };
        clock::rest(self.on().stage.bounded(interjection.delay)).await;
        self.dialogue.audience().interject(&interjection);
        match self.write(&interjection.bytes, interjection.pace).await {
            ConnectionFlow::On => self.dialogue.interjected(),
            ConnectionFlow::Stop => After::Close,
        }
    }

    async fn write(&mut self, bytes: &[u8], drip: Option<Drip>) -> ConnectionFlow {
        let on = self.on();
        let wait = on.stage.bounded(on.script.timeout);
        match on.peer.write(bytes, wait, drip).await {
            Ok(()) => ConnectionFlow::On,
            Err(trouble) => {
                if let PeerTrouble::Broken { reason, .. } = trouble {
                    on.stage.log.note(&on.session, &reason);
                }
                ConnectionFlow::Stop
            }
        }
    }
}

impl Audience for RulesAudience<'_> {
    fn client(&mut self, line: &[u8], _: bool) {
        self.credentials = self.on.hear_line(line);
        // One client may go on for days.
        self.on.stage.log.keep_last(SERVED_LINES);
    }

    fn server(&mut self, replies: &str) {
        let bytes = format!("{replies}\r\n").into_bytes();
        self.on.log_sent(&Rendered { bytes, shown: replies.to_owned(), secret: false });
    }

    fn interject(&mut self, interjection: &Interjection) {
        let Interjection { bytes, shown, secret, .. } = interjection.clone();
        if !bytes.is_empty() {
            self.on.log_sent(&Rendered { bytes, shown, secret });
        }
    }

    /// The transcript shows the conversation itself.
    fn remark(&mut self, _: impl FnOnce() -> String) {}

    /// The connection knows it from its handshake.
    fn tls_started(&mut self, _: Arc<Accepted>) {}

    fn message_begins(&mut self, goes_on: bool) {
        let message = ReceivedMessage::going_on(&mut self.on.message, goes_on);
        let begun = message.begun();
        self.coming = Some((message, begun));
    }

    fn content(&mut self, octets: &[u8]) {
        if let Some((message, _)) = &mut self.coming {
            message.push(octets);
        }
    }

    fn message_came(&mut self, end: MessageEnd) {
        self.show_message(Some(end));
    }

    fn message_taken(&mut self) {
        self.on.messages += 1;
    }

    fn has_rules(&self) -> bool {
        true
    }

    fn answer(&mut self, line: &[u8], _: bool) -> Result<Option<Interjection>, RuleFault> {
        self.ruling(line).map_err(|error| {
            // A template of a rule that cannot be rendered is the scenario's fault, and a divergence as everywhere.
            let number = connection_number(self.on.number);
            let divergence = self.on.template(&number, None, &error);
            self.on.keep(divergence, &number);
            RuleFault(String::new())
        })
    }
}

impl RulesAudience<'_> {
    /// What has come of a message is shown, and rules see it. Without an end the connection broke off.
    fn show_message(&mut self, end: Option<MessageEnd>) {
        let Some((mut message, begun)) = self.coming.take() else { return };
        match end {
            Some(MessageEnd::Chunk) => self.on.watch.content(message.size_since(begun)),
            Some(MessageEnd::Dot) | None => self.on.watch.mail_data_ended(),
        }
        self.credentials = false;
        self.on.log_message(&message, begun, end == Some(MessageEnd::Dot));
        message.holds_secret = self.on.is_secret(message.bytes());
        self.on.message = Some(Arc::new(message));
    }

    fn ruling(&mut self, line: &[u8]) -> Result<Option<Interjection>, TemplateError> {
        let script = self.on.script.clone();
        let mut judge = Judge {
            templates: &self.on.stage.templates,
            masker: self.on.stage.log.masker(),
            names: &mut self.on.stage.names,
            captures: Some(&mut self.on.stage.captures),
            message: self.on.message.as_ref(),
            tls: self.on.tls.as_ref(),
            observed: self.on.observed.as_ref(),
            matched: &mut self.matched,
            tally: &script.tally,
        };
        let Some(rule) = judge.first(&script.server.rules, line, self.credentials)? else { return Ok(None) };
        let scope = self.on.scope();
        let decides = self.on.stage.names.flow().secrets_deciding_at(rule.span).is_some();
        ruling(rule, &self.on.stage.comparer(&scope), self.on.may_tell(), decides).map(Some)
    }
}
