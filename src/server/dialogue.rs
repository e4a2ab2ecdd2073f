//! Cuts what a client sends into command lines, mail data and chunks, and collects the replies of the protocol and of rules.
//!
//! Pure as the protocol is, but fed with octets as they come from the wire, in pieces of any size. It keeps at most one
//! unfinished command line and the replies not yet sent. The sandbox's connections feed it, and `host::rules`, where a
//! scripted server has rules. An `Audience` hears what is said.

use crate::smtp::offer::TLS_HANDSHAKE;
use memchr::memchr;

use super::acceptor::Accepted;
use super::answer::{Answer, BadLine, NextInput};
use super::audience::{Audience, MessageEnd};
use super::mail_sink::MailSink;
use super::protocol::{AUTH_LINE, Protocol, TLS_READY, TLS_UNAVAILABLE};
use super::remarks::Remarks;
use super::rulebook::Interjection;
use crate::smtp::closing::Closing;
use crate::smtp::command::without_end;
use crate::smtp::mail_data::MailDataDecoder;
use std::sync::Arc;

/// What the connection does when the replies were sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum After {
    /// Read more.
    Read,
    /// Send what a rule says (`ServerDialogue::interjection`), then call `interjected`.
    Interject,
    /// Say whether there is TLS (`ServerDialogue::tls_ready` or `tls_unavailable`), shake hands, call `tls_started`.
    StartTls,
    /// Close.
    Close,
    /// Leave as a rule wants it.
    Leave(Closing),
}

/// What an answer is due to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a> {
    /// The client has connected.
    Connected,
    /// A command, or the response to a challenge.
    Line(&'a str),
    /// A line that is not worth reading, without its end; empty where it was too long.
    BadLine(&'a [u8], BadLine),
    /// The end of the mail data after DATA.
    MailDataEnded,
    /// The last octet of a BDAT command's chunk.
    ChunkEnded,
    /// STARTTLS was taken, but there is no certificate.
    TlsUnavailable,
    /// The client has sent nothing for too long.
    IdleTooLong,
    /// There are too many clients.
    TooBusy,
    /// The server ends.
    ShuttingDown,
}

/// One connection's dialogue, from the server's side.
pub(crate) struct ServerDialogue<S, A> {
    protocol: Protocol<S>,
    reading: ReadingState,
    /// The start of a line whose end has not arrived: never more than one octet beyond the longest line.
    line: Vec<u8>,
    line_too_long: bool,
    replies: Vec<u8>,
    audience: A,
    rules: Rules,
    remarks: Remarks,
}

/// What rules have to do with it.
#[derive(Default)]
struct Rules {
    /// What a rule says, until it is sent, and what is read then.
    pending: Option<(Interjection, NextInput)>,
    /// What the client had sent after it.
    unread: Vec<u8>,
    /// A rule has said 334: what comes is a secret, whatever the protocol thinks.
    challenged: bool,
    /// A rule has answered STARTTLS.
    tls_ready: bool,
    /// The BDAT command whose octets are on their way, for the rules, and whether the message goes on after them.
    chunk: Option<Vec<u8>>,
    more_chunks: bool,
}

enum ReadingState {
    Lines,
    MailData(MailDataDecoder),
    Chunk { left: u64 },
}

impl<S: MailSink, A: Audience> ServerDialogue<S, A> {
    pub(crate) fn new(protocol: Protocol<S>, audience: A) -> Self {
        Self {
            protocol,
            reading: ReadingState::Lines,
            line: Vec::new(),
            line_too_long: false,
            replies: Vec::new(),
            audience,
            rules: Rules::default(),
            remarks: Remarks::default(),
        }
    }

    /// Where every answer comes from: a rule if there is one for it, else the protocol.
    fn answer(&mut self, event: Input<'_>) -> Answer {
        if self.audience.has_rules() { self.ruled(event) } else { self.said(event) }
    }

    /// The protocol's answer.
    fn said(&mut self, event: Input<'_>) -> Answer {
        match event {
            Input::Connected => self.protocol.greeting(),
            Input::Line(line) => {
                let secret = self.in_exchange();
                let answer = self.protocol.line(line);
                let remark = self.remarks.of_line(line, secret, &answer, &self.protocol);
                if let Some(text) = remark {
                    self.audience.remark(|| text);
                }
                answer
            }
            Input::BadLine(_, refusal) => {
                let answer = self.protocol.bad_line(refusal);
                let remark = self.remarks.of_line("[a line that is none]", false, &answer, &self.protocol);
                if let Some(text) = remark {
                    self.audience.remark(|| text);
                }
                answer
            }
            Input::MailDataEnded => {
                let answer = self.protocol.mail_data_ended();
                self.remarks.of_message(&answer);
                answer
            }
            Input::ChunkEnded => {
                let answer = self.protocol.chunk_ended();
                self.remarks.of_message(&answer);
                answer
            }
            Input::TlsUnavailable => TLS_UNAVAILABLE.into(),
            Input::IdleTooLong => self.protocol.idle_too_long(),
            Input::TooBusy => self.protocol.too_busy(),
            Input::ShuttingDown => self.protocol.shutting_down(),
        }
    }

    /// Hears what happened outside of the client's octets: its connection, a time-out, the server's end.
    pub(crate) fn tell(&mut self, event: Input<'_>) -> After {
        if matches!(event, Input::TlsUnavailable) && std::mem::take(&mut self.rules.tls_ready) {
            // A rule has promised TLS: nothing that could be said now would be read.
            return After::Close;
        }
        let answer = self.answer(event);
        self.follow(&answer)
    }

    /// Answers STARTTLS, now that the certificate is there.
    pub(crate) fn tls_ready(&mut self) {
        if !std::mem::take(&mut self.rules.tls_ready) {
            self.say(TLS_READY);
        }
    }

    /// Goes on over TLS, or begins with it.
    pub(crate) fn tls_started(&mut self, accepted: Arc<Accepted>) {
        self.protocol.tls_started(accepted.facts());
        self.audience.tls_started(accepted);
    }

    /// Who hears it.
    pub(crate) fn audience(&mut self) -> &mut A {
        &mut self.audience
    }

    /// The connection ended in order: what is to say of it.
    pub(crate) fn ended_in_order(&mut self) {
        if let Some(text) = self.remarks.of_end() {
            self.audience.remark(|| text);
        }
    }

    /// The replies to send, in order.
    pub(crate) fn replies(&self) -> &[u8] {
        &self.replies
    }

    /// Forgets the replies, which were sent.
    pub(crate) fn replies_sent(&mut self) {
        self.replies.clear();
    }

    /// Takes what the client sent. Octets after a STARTTLS or the end of the session are dropped unread: nobody on
    /// the way may put commands in front of the handshake (RFC 3207 5, CVE-2011-0411).
    pub(crate) fn take(&mut self, mut input: &[u8]) -> After {
        while !input.is_empty() {
            let (used, after) = self.take_next(input);
            input = &input[used..];
            match after {
                After::Read => {}
                After::Interject => {
                    self.rules.unread = input.to_vec();
                    return After::Interject;
                }
                end => return end,
            }
        }
        After::Read
    }

    /// Takes the octets up to the end of a line, of mail data or of a chunk: how many that are, and what comes then.
    pub(crate) fn take_next(&mut self, input: &[u8]) -> (usize, After) {
        let (used, answer) = match &mut self.reading {
            ReadingState::Lines => self.take_line(input),
            ReadingState::MailData(_) => self.take_mail_data(input),
            ReadingState::Chunk { .. } => self.take_chunk(input),
        };
        (used, answer.map_or(After::Read, |answer| self.follow(&answer)))
    }

    /// Whether the client's next octets are a line.
    pub(crate) fn reads_lines(&self) -> bool {
        matches!(self.reading, ReadingState::Lines)
    }

    fn take_line(&mut self, input: &[u8]) -> (usize, Option<Answer>) {
        if input.starts_with(&TLS_HANDSHAKE) && self.line.is_empty() && self.remarks.is_fresh() {
            let text =
                "the client began TLS where plain text begins: let it use STARTTLS, or the port of `--tls-listen`";
            self.audience.remark(|| text.to_owned());
            return (input.len(), Some(Answer::from("").then(NextInput::Close)));
        }
        let Some(line_feed) = memchr(b'\n', input) else {
            self.hold(input);
            return (input.len(), None);
        };
        let used = line_feed + 1;
        if self.line.is_empty() && !self.line_too_long {
            return (used, Some(self.answer_line(&input[..used])));
        }
        self.hold(&input[..used]);
        if std::mem::take(&mut self.line_too_long) {
            return (used, Some(self.refuse(b"[a line that is too long]\r\n", BadLine::TooLong)));
        }
        let line = std::mem::take(&mut self.line);
        (used, Some(self.answer_line(&line)))
    }

    /// Keeps a part of a line, or only the fact that it is too long.
    fn hold(&mut self, part: &[u8]) {
        if self.line_too_long {
            return;
        }
        let room = AUTH_LINE + 1 - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        if self.line.len() > self.line_limit(&self.line) {
            self.line_too_long = true;
            self.line = Vec::new();
        }
    }

    /// Answers a line with its LF.
    fn answer_line(&mut self, line: &[u8]) -> Answer {
        if line.len() > self.line_limit(line) {
            return self.refuse(line, BadLine::TooLong);
        }
        match BadLine::text_of(line) {
            Ok(text) => {
                self.hear(line);
                self.answer(Input::Line(text))
            }
            Err(refusal) => self.refuse(line, refusal),
        }
    }

    fn refuse(&mut self, line: &[u8], refusal: BadLine) -> Answer {
        self.hear(line);
        let content = if refusal == BadLine::TooLong { b"" } else { without_end(line) };
        self.answer(Input::BadLine(content, refusal))
    }

    fn hear(&mut self, line: &[u8]) {
        let secret = self.in_exchange();
        self.audience.client(line, secret);
    }

    /// Whether the next line answers a challenge.
    fn in_exchange(&self) -> bool {
        self.protocol.in_exchange() || self.rules.challenged
    }

    fn line_limit(&self, start: &[u8]) -> usize {
        if self.rules.challenged { AUTH_LINE } else { self.protocol.line_limit(start) }
    }

    fn take_mail_data(&mut self, input: &[u8]) -> (usize, Option<Answer>) {
        let ReadingState::MailData(decoder) = &mut self.reading else { return (0, None) };
        let (protocol, audience) = (&mut self.protocol, &mut self.audience);
        let decoded = decoder.read(input, |octets| {
            audience.content(octets);
            protocol.content(octets);
        });
        if !decoded.finished {
            return (decoded.consumed, None);
        }
        self.reading = ReadingState::Lines;
        self.audience.message_came(MessageEnd::Dot);
        (decoded.consumed, Some(self.answer(Input::MailDataEnded)))
    }

    fn take_chunk(&mut self, input: &[u8]) -> (usize, Option<Answer>) {
        let ReadingState::Chunk { left } = &mut self.reading else { return (0, None) };
        let used = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
        *left -= used as u64;
        let ended = *left == 0;
        self.audience.content(&input[..used]);
        self.protocol.content(&input[..used]);
        if !ended {
            return (used, None);
        }
        self.reading = ReadingState::Lines;
        self.audience.message_came(MessageEnd::Chunk);
        (used, Some(self.answer(Input::ChunkEnded)))
    }

    fn follow(&mut self, answer: &Answer) -> After {
        if self.rules.pending.is_some() {
            return After::Interject;
        }
        self.say(&answer.reply);
        self.go_on(answer.next)
    }

    fn go_on(&mut self, next: NextInput) -> After {
        match next {
            NextInput::Line => {}
            NextInput::MailData => {
                self.reading = ReadingState::MailData(MailDataDecoder::new());
                self.audience.message_begins(false);
            }
            NextInput::Chunk(0) => {
                self.audience.message_came(MessageEnd::Chunk);
                return self.tell(Input::ChunkEnded);
            }
            NextInput::Chunk(octets) => self.reading = ReadingState::Chunk { left: octets },
            NextInput::StartTls => return After::StartTls,
            NextInput::Close => return After::Close,
        }
        After::Read
    }

    fn say(&mut self, replies: &str) {
        if !replies.is_empty() {
            self.audience.server(replies);
            self.replies.extend_from_slice(replies.as_bytes());
            self.replies.extend_from_slice(b"\r\n");
        }
    }
}

mod ruled;

#[cfg(test)]
mod tests;
