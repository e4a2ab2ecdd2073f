//! One connection's dialogue: send, read a reply, upgrade to TLS, close.
//!
//! Responsible for what a single session knows: which replies are owed, what has arrived and was not read yet, what the
//! server offered. Every wait has a deadline; whatever had arrived when something goes wrong is kept and shown. What is
//! expected is not its business: `play` compares, this reports a [`Trouble`].

mod admission;
mod exchange;
mod inbox;
mod ledger;
mod offered;
mod opening;
mod transcript;
mod wire;

pub use admission::Admission;
pub(crate) use admission::Admitted;
pub use exchange::{Event, Exchange};
pub(crate) use ledger::Ledger;
pub(crate) use offered::Offered;
pub(crate) use transcript::Transcript;
pub use transcript::{Entry, Observer, ReplyEntry, Speaker};
pub(crate) use wire::{Outgoing, WirePace, Written};

use crate::net::connect::ConnectFailure;
use crate::net::route::{self, Connected, Route, RouteFailure};
use crate::net::stream::Stream;
use crate::net::tls::{Connector, TlsFacts, TlsFailure};
use crate::secret::Masker;
use crate::smtp::command::Verb;
use crate::smtp::dialogue::{Awaited, Dialogue};
use crate::smtp::reply::{Fault, Parsed, Reply, ReplyParser, STANDARD_REPLY_LINE};
use inbox::Inbox;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most bytes that may have arrived and not been read by the scenario yet.
pub(crate) const MAX_UNREAD: usize = 16 * 1024 * 1024;

/// What went wrong on the wire. Bytes are as they came; whoever shows them masks them first.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No connection could be opened.
    NotConnected(ConnectFailure),
    /// A wait took longer than it may; what had arrived by then.
    Timeout { waited: Duration, arrived: Vec<u8> },
    /// The server closed; what had arrived of the next reply.
    Closed { arrived: Vec<u8> },
    /// The connection broke; what had arrived of the next reply.
    Broken { reason: String, arrived: Vec<u8> },
    /// A reply that is malformed.
    Malformed { fault: Fault, bytes: Vec<u8> },
    /// Bytes that no reply was owed for.
    Unasked { bytes: Vec<u8> },
    /// Plain bytes were left when a TLS handshake was to begin.
    PlainBeforeTls { bytes: Vec<u8> },
    /// The TLS handshake failed.
    Tls(Box<TlsFailure>),
    /// What came within the TLS session was no TLS: its first octets.
    NotTls { bytes: Vec<u8> },
    /// The server sent more than the scenario reads.
    TooMuchUnread,
    /// The session is not open (any more).
    NotOpen,
}

/// How the server ended its side.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// In order, by FIN (or `close_notify`).
    Closed,
    /// By RST or a failure of the connection.
    Broken { reset: bool, reason: String },
    /// By octets within the TLS session that were no TLS.
    NotTls { bytes: Vec<u8> },
}

/// How a server left that nobody had asked to.
#[derive(Debug)]
pub(crate) enum Farewell {
    /// Without a word.
    Silent,
    /// With a reply that was not read yet.
    Said(Reply),
}

/// A reply and how long it took to come.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) reply: Arc<Reply>,
    /// From the last byte that was written to the last byte of the reply.
    pub(crate) elapsed: Duration,
    /// The command it answers, where one was owed.
    pub(crate) command: Option<Awaited>,
    /// What asked for it.
    pub(crate) asked: Asked,
    /// Whether a secret stands in it: any part of it may be a part of the secret.
    pub(crate) holds_secret: bool,
}

/// What a reply is owed for, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The number of the step; empty for the greeting.
    pub(crate) step: String,
    /// The command line; empty for the greeting.
    pub(crate) command: String,
    /// Whether a secret went out with it: any part of the reply may be a part of the secret.
    pub(crate) secret: bool,
}

/// An open (or closed) connection to a server.
#[derive(Debug)]
pub(crate) struct Session {
    name: Arc<str>,
    /// The mail exchanger that was chosen, where a domain was to be reached.
    exchanger: Option<String>,
    is_local: bool,
    stream: Option<Stream>,
    inbox: Inbox,
    parser: ReplyParser,
    dialogue: Dialogue,
    end: Option<End>,
    /// Whether the transcript says so already.
    end_noted: bool,
    last_write: Instant,
    /// The first reply, for what it tells about the server.
    greeting: Option<Arc<Reply>>,
    last: Option<Answered>,
    extensions: Arc<Offered>,
    tls: Option<Arc<TlsFacts>>,
    /// The last EHLO, LHLO or HELO as it was sent, unless it held a secret.
    hello: Vec<u8>,
    /// For each reply owed what asked for it.
    asked: VecDeque<Asked>,
    /// Whether a reply was read since the TLS handshake.
    answered_over_tls: bool,
    long_line_noted: bool,
    pace: Option<WirePace>,
    /// When the whole run is over, and with it every write.
    due: Option<Instant>,
    ledger: Ledger,
    /// Keeps what happens, where that is wanted.
    recorder: Option<exchange::Recorder>,
    /// Held until the server speaks: the next connection waits for it.
    admitted: Option<Admitted>,
    is_tls_port: bool,
}

impl Session {
    /// Opens a connection, which owes the greeting. `deadline` bounds each attempt at one host.
    pub(crate) async fn open(
        name: &str,
        route: &Route,
        deadline: Duration,
        log: &mut Transcript,
    ) -> Result<Session, Trouble> {
        let name: Arc<str> = Arc::from(name);
        let opened = route::open(route, deadline, &mut |text| log.note(&name, text)).await;
        let Connected { stream, exchanger } = match opened {
            Ok(connected) => connected,
            Err(RouteFailure::Failed(failure)) => return Err(Trouble::NotConnected(failure)),
            Err(RouteFailure::TooSlow) => return Err(Trouble::Timeout { waited: deadline, arrived: Vec::new() }),
        };
        log.note(&name, &opening::described(route, exchanger.as_deref(), stream.peer()));
        if let Some(header) = &route.proxy_header {
            log.client(&name, &header.shown());
        }
        let is_local = opening::is_local(route, stream.peer());
        let ledger = Ledger::open(stream.peer());
        Ok(Session {
            name,
            exchanger,
            is_local,
            stream: Some(stream),
            inbox: Inbox::default(),
            parser: ReplyParser::default(),
            dialogue: Dialogue::greeting(),
            end: None,
            end_noted: false,
            last_write: Instant::now(),
            greeting: None,
            last: None,
            extensions: Arc::default(),
            tls: None,
            hello: Vec::new(),
            asked: VecDeque::from([Asked::default()]),
            answered_over_tls: false,
            long_line_noted: false,
            pace: None,
            due: None,
            ledger,
            recorder: None,
            admitted: None,
            is_tls_port: false,
        })
    }

    /// Keeps this until the server speaks.
    pub(crate) fn admit(&mut self, admitted: Option<Admitted>) {
        self.admitted = admitted;
    }

    /// From now on keeps what happens.
    pub(crate) fn record(&mut self) {
        self.recorder = Some(exchange::Recorder::default());
    }

    /// What happened, where it was kept; secrets are hidden.
    pub(crate) fn exchange(&self, opened: Duration, masker: &Masker) -> Option<Exchange> {
        self.recorder.as_ref().map(|recorder| recorder.finish(opened, masker))
    }

    fn note_event(&mut self, event: Event) {
        if let Some(recorder) = &mut self.recorder {
            recorder.note(event);
        }
    }

    /// What this session came to so far, in figures.
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger { received: self.inbox.arrived(), ..self.ledger.clone() }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether this side still holds the connection.
    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether both sides still hold the connection, as far as is known.
    pub(crate) fn is_alive(&self) -> bool {
        self.is_open() && self.end.is_none()
    }

    /// Whether this plain session has come to a port that begins with TLS.
    pub(crate) fn is_tls_port(&self) -> bool {
        self.is_tls_port
    }

    pub(crate) fn set_tls_port(&mut self) {
        self.is_tls_port = true;
    }

    /// The mail exchanger that was chosen, where a domain was to be reached.
    pub(crate) fn exchanger(&self) -> Option<&str> {
        self.exchanger.as_deref()
    }

    /// Whether the server is surely on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.is_local
    }

    pub(crate) fn tls(&self) -> Option<&Arc<TlsFacts>> {
        self.tls.as_ref()
    }

    pub(crate) fn extensions(&self) -> &Arc<Offered> {
        &self.extensions
    }

    pub(crate) fn last_answer(&self) -> Option<&Answered> {
        self.last.as_ref()
    }

    pub(crate) fn greeting(&self) -> Option<&Arc<Reply>> {
        self.greeting.as_ref()
    }

    /// The last EHLO, LHLO or HELO as it was sent, its CRLF included; empty where there was none.
    pub(crate) fn hello(&self) -> &[u8] {
        &self.hello
    }

    /// Whether the server said anything since the TLS handshake.
    pub(crate) fn answered_over_tls(&self) -> bool {
        self.answered_over_tls
    }

    pub(crate) fn owed(&self) -> usize {
        self.dialogue.owed()
    }

    pub(crate) fn is_in_mail_data(&self) -> bool {
        self.dialogue.is_in_mail_data()
    }

    /// Says what the newest reply owed is for, where the line itself does not: a line of an AUTH exchange.
    pub(crate) fn name_last_asked(&mut self, command: &str) {
        if let Some(asked) = self.asked.back_mut() {
            command.clone_into(&mut asked.command);
        }
    }

    /// Remembers what the replies are owed for that were not owed before: line by line of what is shown.
    fn note_asked(&mut self, shown: &str, secret: bool, log: &Transcript) {
        let mut lines = shown.split('\n');
        let mut command = "";
        while self.asked.len() < self.dialogue.owed() {
            command = lines.next().unwrap_or(command).trim_end_matches('\r');
            self.asked.push_back(Asked { step: log.step().to_owned(), command: command.to_owned(), secret });
        }
    }

    /// Says which steps asked for the replies owed beyond the first `before`.
    pub(crate) fn name_askers(&mut self, before: usize, steps: &[&str]) {
        for (asked, step) in self.asked.iter_mut().skip(before).zip(steps) {
            (*step).clone_into(&mut asked.step);
        }
    }

    // --- reading -----------------------------------------------------------------------------------------------

    /// Reads the next whole reply, which settles the oldest one owed. The deadline covers all of it.
    pub(crate) async fn read_reply(&mut self, deadline: Duration, log: &mut Transcript) -> Result<Answered, Trouble> {
        let due = tokio::time::Instant::now() + deadline;
        loop {
            match self.parser.advance(self.inbox.unread()) {
                Parsed::Complete(reply, taken) => {
                    let times: Vec<Instant> = reply.line_ends().map(|end| self.inbox.arrived_at(end)).collect();
                    self.inbox.take(taken);
                    let answer = self.settle(reply, &times, log);
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

    fn settle(&mut self, reply: Reply, times: &[Instant], log: &mut Transcript) -> Answered {
        let first = log.server(&self.name, reply.lines(), times);
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
        let arrived = times.last().copied().unwrap_or_else(Instant::now);
        let elapsed = arrived.saturating_duration_since(self.last_write);
        let holds_secret = asked.secret || log.masker().finds(reply.raw());
        self.answered_over_tls = true;
        if command == Some(Awaited::MailDataEnd) && reply.code() / 100 == 2 {
            self.ledger.messages += 1;
        }
        log.reply(&self.name, &reply, first, elapsed);
        self.admitted = None;
        let answer = Answered { reply, elapsed, command, asked, holds_secret };
        self.last = Some(answer.clone());
        answer
    }

    /// Reads the next single line, with its line end. When it is the last of a reply, that reply is settled.
    pub(crate) async fn read_line(&mut self, deadline: Duration, log: &mut Transcript) -> Result<Vec<u8>, Trouble> {
        let due = tokio::time::Instant::now() + deadline;
        loop {
            if let Some(newline) = memchr::memchr(b'\n', self.inbox.unread()) {
                let line = self.inbox.take(newline + 1);
                log.server_bytes(&self.name, &line);
                self.settle_bytes(&line);
                return Ok(line);
            }
            if self.inbox.unread().len() > crate::smtp::reply::MAX_REPLY_LINE {
                let bytes = self.take_arrived();
                log.server_bytes(&self.name, &bytes);
                return Err(Trouble::Malformed { fault: Fault::LineTooLong, bytes });
            }
            self.fill(due, deadline, log).await?;
        }
    }

    /// Reads until `found` names the end of what it looks for. Nothing found is a time-out or the end of the session.
    pub(crate) async fn read_until(
        &mut self,
        deadline: Duration,
        found: &(dyn Fn(&[u8]) -> Option<usize> + Sync),
        log: &mut Transcript,
    ) -> Result<Vec<u8>, Trouble> {
        let due = tokio::time::Instant::now() + deadline;
        loop {
            if let Some(end) = found(self.inbox.unread()) {
                let bytes = self.inbox.take(end);
                log.server_bytes(&self.name, &bytes);
                self.settle_bytes(&bytes);
                return Ok(bytes);
            }
            if self.inbox.unread().len() > crate::smtp::reply::MAX_REPLY {
                let bytes = self.take_arrived();
                log.server_bytes(&self.name, &bytes);
                return Err(Trouble::Malformed { fault: Fault::TooLarge, bytes });
            }
            self.fill(due, deadline, log).await?;
        }
    }

    /// Lines that were read one by one settle a reply with their last.
    fn settle_bytes(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let code =
                line.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|text| text.parse().ok());
            if line.get(3) != Some(&b'-') {
                self.settle_oldest(code.unwrap_or(0));
            }
        }
        self.parser = ReplyParser::default();
    }

    /// What came in place of the oldest reply owed was none: it is waited for no longer.
    pub(crate) fn settle_malformed(&mut self) {
        self.settle_oldest(0);
    }

    /// Settles the oldest reply that is owed: what it answers, and what asked for it.
    fn settle_oldest(&mut self, code: u16) -> Option<(Awaited, Asked)> {
        let settled = self.dialogue.replied(code)?;
        let asked = self.asked.pop_front().unwrap_or_default();
        if let Some(place) = settled.one_more.filter(|place| *place <= self.asked.len()) {
            let same = self.asked.get(place - 1).cloned().unwrap_or_default();
            self.asked.insert(place, same);
        }
        Some((settled.answers, asked))
    }

    /// Gives up what has arrived and was not read: the next reply begins behind it.
    fn take_arrived(&mut self) -> Vec<u8> {
        self.parser = ReplyParser::default();
        self.inbox.take_all()
    }

    /// Shows what has arrived and was not read: nothing more will be read.
    pub(crate) fn show_unread(&mut self, log: &mut Transcript) {
        let bytes = self.take_arrived();
        log.server_bytes(&self.name, &bytes);
    }

    /// Waits for the server to say nothing and close nothing for so long.
    pub(crate) async fn read_silence(&mut self, length: Duration, log: &mut Transcript) -> Result<(), Trouble> {
        let due = tokio::time::Instant::now() + length;
        while self.inbox.unread().is_empty() {
            match self.fill(due, length, log).await {
                Err(Trouble::Timeout { .. }) => return Ok(()),
                Err(trouble) => return Err(trouble),
                // The server closed: the same wait says how.
                Ok(()) if self.inbox.unread().is_empty() => return self.fill(due, length, log).await,
                Ok(()) => {}
            }
        }
        let bytes = self.take_arrived();
        log.server_bytes(&self.name, &bytes);
        self.log_end(log);
        Err(Trouble::Unasked { bytes })
    }

    /// Waits for the server to close. Bytes before that are a divergence.
    pub(crate) async fn read_end(&mut self, deadline: Duration, log: &mut Transcript) -> Result<End, Trouble> {
        let due = tokio::time::Instant::now() + deadline;
        loop {
            if !self.inbox.unread().is_empty() {
                let bytes = self.take_arrived();
                log.server_bytes(&self.name, &bytes);
                self.log_end(log);
                return Err(Trouble::Unasked { bytes });
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
        if self.inbox.unread().is_empty() && self.end.is_none() {
            self.take_in_arrived(log).await;
        }
        if self.inbox.unread().is_empty() {
            return Ok(());
        }
        let bytes = self.take_arrived();
        log.server_bytes(&self.name, &bytes);
        self.log_end(log);
        Err(Trouble::Unasked { bytes })
    }

    // --- TLS and closing ---------------------------------------------------------------------------------------

    /// Shakes hands. The conversation starts anew: what the server offered before counts no more (RFC 3207 section 4.2).
    pub(crate) async fn upgrade(
        &mut self,
        connector: &Connector,
        server_name: &str,
        deadline: Duration,
        log: &mut Transcript,
    ) -> Result<(), Trouble> {
        let greeting_owed = self.dialogue.oldest() == Some(Awaited::Greeting);
        // Before the greeting there is nothing to inject into: a server that greets in plain text does not speak TLS,
        // and the handshake says so.
        if self.end.is_none() && !greeting_owed {
            self.take_in_arrived(log).await;
        }
        if !self.inbox.unread().is_empty() {
            let bytes = self.take_arrived();
            log.server_bytes(&self.name, &bytes);
            return Err(Trouble::PlainBeforeTls { bytes });
        }
        let stream = self.stream.take().ok_or(Trouble::NotOpen)?;
        let handshake = tokio::time::timeout(deadline, stream.upgrade(connector, server_name)).await;
        let (stream, facts) = match handshake {
            Ok(Ok(done)) => done,
            Ok(Err(failure)) => {
                log.note(&self.name, &format!("TLS handshake failed: {}", failure.message));
                self.note_event(Event::Handshake(false));
                return Err(Trouble::Tls(Box::new(failure)));
            }
            Err(_) => {
                log.note(&self.name, "TLS handshake: no answer in time");
                self.note_event(Event::Handshake(false));
                return Err(Trouble::Timeout { waited: deadline, arrived: Vec::new() });
            }
        };
        self.stream = Some(stream);
        self.note_event(Event::Handshake(true));
        self.dialogue.restart();
        if greeting_owed {
            self.dialogue = Dialogue::greeting();
        }
        self.asked = std::iter::repeat_n(Asked::default(), self.dialogue.owed()).collect();
        self.answered_over_tls = false;
        self.extensions = Arc::default();
        self.last_write = Instant::now();
        log_tls(&self.name, &facts, log);
        let facts = Arc::new(facts);
        self.ledger.handshakes.push((Instant::now(), facts.clone()));
        self.tls = Some(facts);
        Ok(())
    }

    /// Closes in order: `close_notify` where there is TLS, then FIN.
    pub(crate) async fn close(&mut self, log: &mut Transcript) {
        if let Some(stream) = self.stream.take() {
            stream.close().await;
            self.ledger.closed = Some(Instant::now());
            log.note(&self.name, "closed by the client");
        }
    }

    /// Closes with RST.
    pub(crate) fn reset(&mut self, log: &mut Transcript) {
        if let Some(stream) = self.stream.take() {
            stream.reset();
            self.ledger.closed = Some(Instant::now());
            log.note(&self.name, "reset by the client");
        }
    }

    /// Closes the write half only; replies can still be read.
    pub(crate) async fn close_write(&mut self, log: &mut Transcript) -> Result<(), Trouble> {
        let stream = self.stream.as_mut().ok_or(Trouble::NotOpen)?;
        log.note(&self.name, "write half closed by the client");
        stream.close_write().await.map_err(|error| Trouble::Broken { reason: error.to_string(), arrived: Vec::new() })
    }
}

/// What a handshake agreed on, in two lines of the transcript.
fn log_tls(session: &Arc<str>, facts: &TlsFacts, log: &mut Transcript) {
    let verified = if facts.verified { "verified" } else { "NOT verified" };
    log.note(session, &format!("{}, {}, certificate {verified}", facts.version, facts.cipher));
    if let Some(certificate) = &facts.certificate {
        log.note(session, &certificate.describe(jiff::Timestamp::now()));
    }
}
