//! Which reply answers what: a conversation as exchanges.
//!
//! Responsible for giving each reply to what it answers, as the dialogue counts them, from what was said alone. What is
//! made of an exchange is decided elsewhere.

use super::{RecordedMailData, Said};
use crate::scenario::write::DraftExpect;
use crate::secret::credentials;
use crate::smtp::command::{CommandLine, Verb};
use crate::smtp::dialogue::Dialogue;
use crate::smtp::reply::Reply;
use std::collections::VecDeque;

/// What one side asked, and what came back.
pub(super) struct AnsweredCommand<'c> {
    pub(super) asked: AskedCommand<'c>,
    /// One reply, and after LHLO one for each recipient; none where the conversation ended before.
    pub(super) replies: Vec<&'c Reply>,
    /// What a script wants in place of a reply.
    pub(super) wanted: Option<(u16, &'c DraftExpect)>,
    /// What came in place of a reply.
    pub(super) malformed: Option<&'c [u8]>,
    /// What was asked that may hold credentials.
    pub(super) credentials: Vec<&'c [u8]>,
    /// Whether it answers a challenge of AUTH, or is meant to.
    pub(super) is_response: bool,
    /// Whether it was asked before the exchange above was answered.
    pub(super) pipelined: bool,
    /// Whether both shook hands after the reply, or tried to.
    pub(super) handshake: bool,
    /// The reason for which they could not, as a pattern.
    pub(super) failed: Option<&'c str>,
    /// Whether the server closed after the reply, or in place of it.
    pub(super) closed: bool,
    /// What a reader should know.
    pub(super) remarks: Vec<&'c str>,
}

/// What the client did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedCommand<'c> {
    /// Nothing: the greeting, or a reply that nobody asked for.
    Nothing,
    Line(&'c [u8]),
    Bytes(&'c [u8]),
    MailData(&'c RecordedMailData),
    Chunk {
        command: &'c [u8],
        octets: &'c RecordedMailData,
    },
    Handshake,
}

impl<'c> AnsweredCommand<'c> {
    fn new(asked: AskedCommand<'c>) -> AnsweredCommand<'c> {
        AnsweredCommand {
            asked,
            replies: Vec::new(),
            wanted: None,
            malformed: None,
            credentials: Vec::new(),
            is_response: false,
            pipelined: false,
            handshake: false,
            failed: None,
            closed: false,
            remarks: Vec::new(),
        }
    }

    /// The command that was sent; an empty one where there was none.
    pub(super) fn command(&self) -> CommandLine<'c> {
        match self.asked {
            AskedCommand::Line(line) | AskedCommand::Chunk { command: line, .. } => CommandLine::parse(line),
            _ => CommandLine::parse(&[]),
        }
    }

    /// The verb of the command, in upper case; empty where there is none.
    pub(super) fn verb(&self) -> String {
        self.command().name()
    }

    /// What follows the verb.
    pub(super) fn argument(&self) -> &'c [u8] {
        self.command().argument()
    }

    /// The code of the reply.
    pub(super) fn code(&self) -> Option<u16> {
        let wanted = self.wanted.map(|(code, _)| code);
        self.replies.first().map(|reply| reply.code()).or(wanted)
    }

    /// Whether it is a greeting of the client: EHLO, LHLO or HELO.
    pub(super) fn greets(&self) -> bool {
        matches!(self.verb().as_str(), "EHLO" | "LHLO" | "HELO")
    }
}

/// Puts replies to what they answer.
pub(super) fn exchanges(said: &[Said]) -> Vec<AnsweredCommand<'_>> {
    let mut pairing = Pairing::default();
    if !begins_without_greeting(said) {
        pairing.dialogue = Dialogue::greeting();
        pairing.ask(AskedCommand::Nothing);
    }
    for event in said {
        pairing.take(event);
    }
    let last_remarks = std::mem::take(&mut pairing.remarks);
    pairing.exchanges.retain(|exchange| exchange.asked != AskedCommand::Nothing || exchange.says_something());
    leave_out_what_nobody_heard(&mut pairing.exchanges);
    if let Some(last) = pairing.exchanges.last_mut() {
        last.remarks.extend(last_remarks);
    }
    pairing.exchanges
}

/// A client may write on until it notices that the server has closed. What no server read cannot be played again.
fn leave_out_what_nobody_heard(exchanges: &mut Vec<AnsweredCommand<'_>>) {
    let Some(last) = exchanges.iter().position(AnsweredCommand::ends_session) else { return };
    let unheard = &exchanges[last + 1..];
    let is_heard = |exchange: &AnsweredCommand<'_>| exchange.handshake || exchange.is_answered();
    if unheard.is_empty() || unheard.iter().any(is_heard) {
        return;
    }
    let closed = unheard.iter().any(|exchange| exchange.closed);
    exchanges.truncate(last + 1);
    if let Some(last) = exchanges.last_mut() {
        last.closed |= closed && last.verb() != "QUIT";
        last.remarks.push("what the client wrote after the server had closed is left out");
    }
}

impl AnsweredCommand<'_> {
    /// Whether the server says in its reply that it closes (RFC 5321 sections 3.8 and 4.1.1.10).
    fn ends_session(&self) -> bool {
        let code = self.code();
        code == Some(421) || code == Some(221) && self.verb() == "QUIT" || self.closed && self.is_answered()
    }

    fn is_answered(&self) -> bool {
        !self.replies.is_empty() || self.wanted.is_some() || self.malformed.is_some()
    }

    fn says_something(&self) -> bool {
        self.is_answered() || self.closed
    }
}

/// A transcript may begin after the greeting; a greeting is 220, 421 or 554 (RFC 5321 section 4.2.2).
fn begins_without_greeting(said: &[Said]) -> bool {
    let is_line = said.iter().find(|event| !matches!(event, Said::Remark(_)));
    let first = said.iter().find_map(|event| match event {
        Said::Reply(reply) => Some(reply.code()),
        Said::Wanted(code, _) => Some(*code),
        _ => None,
    });
    matches!(is_line, Some(Said::Line(_))) && !matches!(first, Some(220 | 421 | 554))
}

#[derive(Default)]
struct Pairing<'c> {
    exchanges: Vec<AnsweredCommand<'c>>,
    /// For each reply that is owed the exchange it belongs to.
    owed: VecDeque<usize>,
    /// How many that are; they stand in `owed` in the same order.
    dialogue: Dialogue,
    remarks: Vec<&'c str>,
}

impl<'c> Pairing<'c> {
    fn take(&mut self, event: &'c Said) {
        match event {
            Said::Line(line) => self.line(line),
            Said::Bytes(bytes) => self.bytes(bytes),
            Said::RecordedMailData(data) => {
                self.dialogue.mail_data_ended();
                self.ask(AskedCommand::MailData(data));
            }
            Said::Chunk(octets) => self.chunk(octets),
            Said::Reply(reply) => {
                self.greet_late(reply);
                let at = self.oldest(reply.code());
                self.exchanges[at].replies.push(reply);
            }
            Said::Malformed(bytes) => {
                let at = self.oldest(0);
                self.exchanges[at].malformed = Some(bytes);
            }
            Said::Wanted(code, expect) => {
                let at = self.oldest(*code);
                self.exchanges[at].wanted = Some((*code, expect));
            }
            Said::Handshake => self.handshake(None),
            Said::HandshakeFailed(reason) => self.handshake(Some(reason)),
            Said::ServerClosed => self.server_closed(),
            Said::ClientClosed => self.forget_owed(),
            Said::Remark(text) => self.remarks.push(text),
        }
    }

    /// Something was asked, which the dialogue knows already.
    fn ask(&mut self, asked: AskedCommand<'c>) {
        let waits_for_greeting = matches!(self.exchanges.first(), Some(first) if first.asked == AskedCommand::Nothing && first.code().is_none());
        let pipelined = !self.owed.is_empty() && !waits_for_greeting;
        let at = self.exchanges.len();
        self.owed.resize(self.dialogue.owed(), at);
        self.exchanges.push(AnsweredCommand {
            pipelined,
            remarks: std::mem::take(&mut self.remarks),
            ..AnsweredCommand::new(asked)
        });
    }

    fn line(&mut self, line: &'c [u8]) {
        let is_response = self.dialogue.is_response(line);
        self.dialogue.wrote_command(line);
        self.ask(AskedCommand::Line(line));
        if let Some(exchange) = self.exchanges.last_mut() {
            exchange.is_response = is_response;
            exchange.credentials.extend(credentials(line, is_response).map(|range| &line[range]));
        }
    }

    /// Lines that end with a bare LF, and what has no end at all.
    fn bytes(&mut self, bytes: &'c [u8]) {
        let mut carried = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let content = line.trim_ascii_end();
            carried.extend(credentials(content, self.dialogue.is_response(content)).map(|range| &content[range]));
            if line.ends_with(b"\n") {
                self.dialogue.wrote_odd_line(content);
            }
        }
        self.ask(AskedCommand::Bytes(bytes));
        if let Some(exchange) = self.exchanges.last_mut() {
            exchange.credentials = carried;
        }
    }

    /// The octets belong to the command above them.
    fn chunk(&mut self, octets: &'c RecordedMailData) {
        match self.exchanges.last_mut().map(|last| &mut last.asked) {
            Some(asked)
                if let AskedCommand::Line(command) = *asked
                    && CommandLine::parse(command).verb() == Verb::BdatCommand =>
            {
                *asked = AskedCommand::Chunk { command, octets };
            }
            _ => self.ask(AskedCommand::Bytes(&octets.octets)),
        }
    }

    /// The greeting of a server that serves nobody, to a client that had not waited for it, stands where it came.
    fn greet_late(&mut self, reply: &Reply) {
        let waits = matches!(self.exchanges.first(), Some(first) if first.asked == AskedCommand::Nothing && first.code().is_none());
        if waits && self.exchanges.len() > 1 && self.owed.front() == Some(&0) && reply.code() >= 400 {
            let greeting = self.exchanges.remove(0);
            self.exchanges.push(greeting);
            self.owed = VecDeque::from([self.exchanges.len() - 1]);
            self.dialogue = Dialogue::greeting();
            self.exchanges.iter_mut().for_each(|exchange| exchange.pipelined = false);
        }
    }

    /// The exchange whose reply is owed the longest, which this code settles; a new one where nothing is owed.
    fn oldest(&mut self, code: u16) -> usize {
        let settled = self.dialogue.replied(code);
        let Some(at) = self.owed.pop_front() else {
            self.ask(AskedCommand::Nothing);
            return self.exchanges.len() - 1;
        };
        if let Some(place) = settled.and_then(|settled| settled.one_more).filter(|place| *place <= self.owed.len()) {
            self.owed.insert(place, self.owed.get(place - 1).copied().unwrap_or(at));
        }
        at
    }

    /// Nobody waits any longer for what was owed.
    fn forget_owed(&mut self) {
        self.owed.clear();
        self.dialogue.restart();
    }

    fn handshake(&mut self, failed: Option<&'c str>) {
        self.forget_owed();
        match self.exchanges.last_mut() {
            Some(last) if last.verb() == "STARTTLS" && last.code() == Some(220) => {
                last.handshake = true;
                last.failed = failed;
            }
            _ => self.ask(AskedCommand::Handshake),
        }
    }

    /// Closing is part of what was answered last, or takes the place of an answer.
    fn server_closed(&mut self) {
        let waiting = self.owed.front().copied();
        self.forget_owed();
        let last = self.exchanges.len().checked_sub(1);
        if let Some(exchange) = waiting.or(last).and_then(|at| self.exchanges.get_mut(at)) {
            exchange.closed = exchange.replies.is_empty() || exchange.verb() != "QUIT";
        }
    }
}
