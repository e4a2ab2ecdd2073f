//! The dialogue where rules may answer in the protocol's place.
//!
//! Responsible for what the protocol makes of that. A command that a rule answers by 2yz or 3yz takes effect as far as the
//! protocol would have let it, whatever it would have said; of any other the protocol never hears. Mail data follow a
//! 354 and nothing else, the octets of a chunk always follow BDAT.

use super::{After, Input, NextInput, ServerDialogue};
use crate::server::answer::Answer;
use crate::server::audience::Audience;
use crate::server::mail_sink::MailSink;
use crate::server::protocol::Protocol;
use crate::server::rulebook::Interjection;
use crate::smtp::auth::CHALLENGE;
use crate::smtp::command::{CommandLine, Verb};

impl<S: MailSink, A: Audience> ServerDialogue<S, A> {
    /// The answer of the first rule that takes the event, or the protocol's.
    pub(super) fn ruled(&mut self, event: Input<'_>) -> Answer {
        let mut heard = None;
        if let Input::Line(command) = event
            && CommandLine::parse(command.as_bytes()).verb() == Verb::BdatCommand
        {
            let answer = self.said(event);
            if matches!(answer.next, NextInput::Chunk(_)) {
                self.chunk_announced(command);
                return answer;
            }
            heard = Some(answer);
        }
        let secret = self.in_exchange();
        let chunk = self.rules.chunk.take();
        let line = match event {
            Input::Line(line) => line.as_bytes(),
            Input::BadLine(line, _) if !line.is_empty() => line,
            Input::MailDataEnded => b".",
            Input::ChunkEnded => chunk.as_deref().unwrap_or_default(),
            _ => return self.said(event),
        };
        let secret = secret || CommandLine::parse(line).verb() == Verb::AuthCommand;
        self.rules.challenged = false;
        match self.audience.answer(line, secret) {
            Ok(None) => {
                let answer = heard.unwrap_or_else(|| self.said(event));
                self.count_message(event, answer.reply.starts_with('2'));
                answer
            }
            Ok(Some(interjection)) => {
                self.count_message(event, Protocol::<S>::granted(interjection.code()).is_some());
                let next = if heard.is_some() { NextInput::Line } else { self.effect(event, interjection.code()) };
                self.rules.pending = Some((interjection, next));
                Answer::from("")
            }
            Err(fault) => {
                self.audience.remark(|| fault.0);
                self.protocol.overruled(true);
                Answer::from("").then(NextInput::Close)
            }
        }
    }

    fn count_message(&mut self, event: Input<'_>, taken: bool) {
        if taken && matches!(event, Input::MailDataEnded) {
            self.audience.message_taken();
        }
    }

    /// The octets are on their way, whoever answers them.
    fn chunk_announced(&mut self, command: &str) {
        let is_last = CommandLine::parse(command.as_bytes()).bdat().is_some_and(|bdat| bdat.last);
        let goes_on = std::mem::replace(&mut self.rules.more_chunks, !is_last);
        self.rules.chunk = Some(command.as_bytes().to_vec());
        self.audience.message_begins(goes_on);
    }

    /// Tells the protocol what a rule has answered by this code; what is read next.
    fn effect(&mut self, event: Input<'_>, code: Option<u16>) -> NextInput {
        let ends_message = matches!(event, Input::MailDataEnded | Input::ChunkEnded);
        let Some(code) = Protocol::<S>::granted(code) else {
            self.protocol.overruled(ends_message);
            self.rules.more_chunks &= !ends_message;
            return NextInput::Line;
        };
        self.protocol.forgive();
        let next = self.said(event).next;
        self.rules.challenged = code == CHALLENGE;
        self.protocol.after_rule(code, next)
    }

    /// What a rule wants to be sent now, after the replies.
    pub(crate) fn interjection(&self) -> Option<Interjection> {
        self.rules.pending.as_ref().map(|(interjection, _)| interjection.clone())
    }

    /// It was sent: goes on with what the client had sent after it.
    pub(crate) fn interjected(&mut self) -> After {
        let unread = std::mem::take(&mut self.rules.unread);
        let Some((interjection, next)) = self.rules.pending.take() else { return After::Read };
        if let Some(closing) = interjection.closing {
            return After::Leave(closing);
        }
        self.rules.tls_ready = next == NextInput::StartTls;
        match self.go_on(next) {
            After::Read => self.take(&unread),
            After::Interject => {
                self.rules.unread = unread;
                After::Interject
            }
            end => end,
        }
    }
}
