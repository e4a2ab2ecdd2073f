//! What the server says, as it is read: whole replies, lines, octets, silence, the end.
//!
//! Responsible for settling the oldest reply owed by what was read, and for what nothing had asked for. `wire` fills the
//! inbox; `play` compares.

use super::{Answered, Asked, End, Farewell, Offered, Session, Transcript, Trouble};
use crate::net::clock;
use crate::net::wire::{self, Sought};
use crate::smtp::command::Verb;
use crate::smtp::dialogue::Awaited;
use crate::smtp::reply::{Fault, MAX_REPLY, MAX_REPLY_LINE, Parsed, Reply, ReplyParser, STANDARD_REPLY_LINE};
use std::sync::Arc;
use std::time::Duration;

impl Session {
    /// Reads the next whole reply, which settles the oldest one owed. The deadline covers all of it.
    pub(crate) async fn read_reply(&mut self, deadline: Duration, log: &mut Transcript) -> Result<Answered, Trouble> {
        let due = clock::Instant::now() + deadline;
        loop {
            match self.parser.advance(self.inbox.unread()) {
                Parsed::Complete(reply, taken) => {
                    let answer = self.settle(reply, taken, log);
                    self.log_end(log);
                    return Ok(answer);
                }
                Parsed::Malformed(fault, taken) => {
                    let bytes = self.inbox.take(taken);
                    log.server_bytes(&self.name, &bytes);
                    return Err(Trouble::Malformed { fault, bytes });
                }
                Parsed::Partial => self.fill(due, deadline, log).await?,
            }
        }
    }

    /// Takes a whole reply out of the inbox, where it has this many octets.
    pub(super) fn settle(&mut self, reply: Reply, octets: usize, log: &mut Transcript) -> Answered {
        let first = log.server(&self.name, &reply, |end| self.inbox.arrived_at(end));
        let arrived = self.inbox.arrived_at(octets);
        self.inbox.pass_over(octets);
        if reply.longest_line() > STANDARD_REPLY_LINE && !self.long_line_noted {
            self.long_line_noted = true;
            let length = reply.longest_line();
            log.note(&self.name, &format!("a reply line of {length} octets: RFC 5321 allows {STANDARD_REPLY_LINE}"));
        }
        let (command, asked) = self.settle_oldest(reply.code()).unzip();
        let asked = asked.unwrap_or_default();
        let reply = Arc::new(reply);
        if matches!(command, Some(Awaited::Command(Verb::Ehlo | Verb::Lhlo))) && reply.code() == 250 {
            self.extensions = Arc::new(Offered::by(reply.clone()));
        }
        if command == Some(Awaited::Greeting) {
            self.greeting = Some(reply.clone());
        }
        let elapsed = arrived.saturating_duration_since(self.last_write);
        let holds_secret = asked.secret || self.echoes.are_in(reply.raw(), log.masker());
        self.answered_over_tls = true;
        if command == Some(Awaited::MailDataEnd) && reply.code() / 100 == 2 {
            self.ledger.messages += 1;
        }
        log.reply(&self.name, &reply, first, (arrived, elapsed));
        self.admitted = None;
        let answer = Answered { reply, elapsed, command, asked, holds_secret };
        self.last = Some(answer.clone());
        self.observed = None;
        answer
    }

    /// Reads the next single line, with its line end. When it is the last of a reply, that reply is settled.
    pub(crate) async fn read_line(&mut self, deadline: Duration, log: &mut Transcript) -> Result<Vec<u8>, Trouble> {
        self.read_piece(deadline, (MAX_REPLY_LINE, Fault::LineTooLong), &wire::line_end, log).await
    }

    /// Reads until `found` names the end of what it looks for. Nothing found is a time-out or the end of the session.
    pub(crate) async fn read_until(
        &mut self,
        deadline: Duration,
        found: &(dyn Fn(&[u8]) -> Option<usize> + Sync),
        log: &mut Transcript,
    ) -> Result<Vec<u8>, Trouble> {
        self.read_piece(deadline, (MAX_REPLY, Fault::TooLarge), found, log).await
    }

    async fn read_piece(
        &mut self,
        deadline: Duration,
        (longest, fault): (usize, Fault),
        found: &(dyn Fn(&[u8]) -> Option<usize> + Sync),
        log: &mut Transcript,
    ) -> Result<Vec<u8>, Trouble> {
        let due = clock::Instant::now() + deadline;
        let length = loop {
            match self.inbox.sought(longest, found) {
                Sought::Found(length) => break length,
                Sought::TooLong => return Err(Trouble::Malformed { fault, bytes: self.show_unread(log) }),
                Sought::Partial => self.fill(due, deadline, log).await?,
            }
        };
        let bytes = self.inbox.take(length);
        log.server_bytes(&self.name, &bytes);
        // Lines that were read one by one settle a reply with their last.
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let code =
                line.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|text| text.parse().ok());
            if line.get(3) != Some(&b'-') {
                self.settle_oldest(code.unwrap_or(0));
            }
        }
        self.parser = ReplyParser::default();
        Ok(bytes)
    }

    /// What came in place of the oldest reply owed was none: it is waited for no longer.
    pub(crate) fn settle_malformed(&mut self) {
        self.settle_oldest(0);
    }

    /// Settles the oldest reply that is owed: what it answers, and what asked for it.
    fn settle_oldest(&mut self, code: u16) -> Option<(Awaited, Asked)> {
        let settled = self.dialogue.replied(code)?;
        Some((settled.answers, self.asked.settle(settled.one_more)))
    }

    /// Gives up what has arrived and was not read: the next reply begins after it.
    pub(super) fn take_arrived(&mut self) -> Vec<u8> {
        self.parser = ReplyParser::default();
        self.inbox.take_all()
    }

    /// Shows what has arrived and was not read: nothing more will be read.
    pub(crate) fn show_unread(&mut self, log: &mut Transcript) -> Vec<u8> {
        let bytes = self.take_arrived();
        log.server_bytes(&self.name, &bytes);
        bytes
    }

    /// Waits this long for the server to say nothing and close nothing.
    pub(crate) async fn read_silence(&mut self, length: Duration, log: &mut Transcript) -> Result<(), Trouble> {
        let due = clock::Instant::now() + length;
        while self.inbox.unread().is_empty() {
            match self.fill(due, length, log).await {
                Err(Trouble::Timeout { .. }) => return Ok(()),
                Err(trouble) => return Err(trouble),
                // The server closed: the same wait says how.
                Ok(()) if self.inbox.unread().is_empty() => return self.fill(due, length, log).await,
                Ok(()) => {}
            }
        }
        Err(unasked(self, log))
    }

    /// Waits for the server to close. Bytes before that are a divergence.
    pub(crate) async fn read_end(&mut self, deadline: Duration, log: &mut Transcript) -> Result<End, Trouble> {
        let due = clock::Instant::now() + deadline;
        loop {
            if !self.inbox.unread().is_empty() {
                return Err(unasked(self, log));
            }
            match &self.end {
                Some(End::NotTls { bytes }) => return Err(Trouble::NotTls { bytes: bytes.clone() }),
                Some(end) => return Ok(end.clone()),
                None => {}
            }
            match self.fill(due, deadline, log).await {
                Ok(()) | Err(Trouble::Closed { .. } | Trouble::Broken { .. } | Trouble::NotTls { .. }) => {}
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// Whether the server has left already, or what it said first of it (421), though nothing was asked. Does not wait.
    pub(crate) async fn farewell(&mut self, log: &mut Transcript) -> Option<Farewell> {
        if self.dialogue.owed() > 0 || !self.is_open() {
            return None;
        }
        if self.inbox.unread().is_empty() && self.end.is_none() {
            self.take_in_arrived(log).await;
            self.just_looked = self.inbox.unread().is_empty() && self.end.is_none();
        }
        if self.inbox.unread().is_empty() {
            let left = self.end.as_ref().is_some_and(|end| !matches!(end, End::NotTls { .. }));
            return left.then_some(Farewell::Silent);
        }
        match ReplyParser::default().advance(self.inbox.unread()) {
            Parsed::Complete(reply, _) if reply.code() == 421 => Some(Farewell::Said(reply)),
            _ => None,
        }
    }

    /// What arrived is read after all.
    pub(crate) fn unread_again(&mut self, arrived: &[u8]) {
        self.inbox.push(arrived);
    }

    /// Nothing may have arrived that was not asked for: called before the script writes, and at the end.
    pub(crate) async fn refuse_unasked(&mut self, log: &mut Transcript) -> Result<(), Trouble> {
        if self.dialogue.owed() > 0 || !self.is_open() {
            return Ok(());
        }
        let just_looked = std::mem::take(&mut self.just_looked);
        if self.inbox.unread().is_empty() && self.end.is_none() && !just_looked {
            self.take_in_arrived(log).await;
        }
        if self.inbox.unread().is_empty() {
            return Ok(());
        }
        Err(unasked(self, log))
    }
}

/// Bytes that no reply was owed for, shown.
fn unasked(session: &mut Session, log: &mut Transcript) -> Trouble {
    let bytes = session.show_unread(log);
    session.log_end(log);
    Trouble::Unasked { bytes }
}
