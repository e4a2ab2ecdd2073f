//! Bytes over the wire: writing while reading, so that neither side can block the other for good.

use super::{BrokenBy, End, Event as Happened, MAX_UNREAD, Session, Transcript, Trouble, exchange};
use crate::net::clock;
use crate::net::stream::Stream;
use crate::net::tls::SessionFailure;
use crate::net::wire::{Drip, Inbox, poll_read};
use crate::smtp::reply::MAX_REPLY;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;

/// What goes over the wire, and how it is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'b> {
    pub(crate) bytes: &'b [u8],
    /// What the bytes are for, as it stands in the transcript.
    pub(crate) shown: &'b str,
    /// Whether the bytes depend on a secret that is not shown.
    pub(crate) secret: bool,
}

/// Whether all was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    /// The server spoke before all was written, and the rest was kept back.
    Interrupted,
}

/// How many octets of what a server said last are read at once.
const LAST_WORDS_AT_ONCE: usize = 8 * 1024;

impl Session {
    /// Writes a command's bytes and counts the replies they owe. `stalled` bounds each wait without progress.
    pub(crate) async fn write(
        &mut self,
        outgoing: Outgoing<'_>,
        stalled: Duration,
        log: &Transcript,
    ) -> Result<(), Trouble> {
        let Outgoing { bytes, shown, secret } = outgoing;
        let in_mail_data = self.dialogue.is_in_mail_data();
        let carries_login = self.overheard.written();
        if let Some(recorder) = self.recorder.as_mut().filter(|_| !in_mail_data) {
            recorder.wrote(bytes, shown, secret || carries_login);
        }
        self.write_bytes(bytes, stalled, false).await?;
        self.dialogue.wrote(bytes);
        if in_mail_data {
            exchange::note(&mut self.recorder, Happened::MailData { complete: !self.dialogue.is_in_mail_data() });
        }
        let greets = |hello: &[u8; 5]| bytes.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(hello));
        if !secret && [b"EHLO ", b"LHLO ", b"HELO "].into_iter().any(greets) {
            self.hello = bytes.to_vec();
        }
        self.asked.note(self.dialogue.owed(), shown, secret, log.step());
        Ok(())
    }

    /// Writes a part of mail data, until the server speaks.
    ///
    /// While replies are owed, the server speaks for other reasons, and sending goes on.
    pub(crate) async fn write_mail_data(&mut self, bytes: &[u8], stalled: Duration) -> Result<Written, Trouble> {
        let lock_step = self.dialogue.owed() == 0;
        exchange::note(&mut self.recorder, Happened::MailData { complete: false });
        self.write_bytes(bytes, stalled, lock_step).await
    }

    /// Writes a BDAT command with its octets (RFC 3030). While nothing else is owed, the server's speaking stops it, and
    /// the octets not sent stay missing.
    pub(crate) async fn write_chunk(
        &mut self,
        command: &str,
        octets: &[u8],
        stalled: Duration,
        log: &Transcript,
    ) -> Result<Written, Trouble> {
        let line = [command.as_bytes(), b"\r\n"].concat();
        let until_spoken_to = self.dialogue.owed() == 0;
        self.dialogue.wrote(&line);
        self.asked.note(self.dialogue.owed(), command, false, log.step());
        exchange::note(&mut self.recorder, Happened::Line { text: command.to_owned(), secret: false });
        exchange::note(&mut self.recorder, Happened::Chunk);
        let written = self.write_bytes(&[&line, octets].concat(), stalled, until_spoken_to).await?;
        if written == Written::All {
            self.dialogue.wrote(octets);
        }
        Ok(written)
    }

    /// From now on what is written goes out at this pace; `None` is full speed.
    pub(crate) fn set_pace(&mut self, pace: Option<Drip>) {
        self.pace = pace;
    }

    /// No write goes on beyond this, however steadily the server takes it.
    pub(crate) fn set_due(&mut self, due: Option<Instant>) {
        self.due = due;
    }

    /// The mail data is complete: replies are owed for it.
    pub(crate) fn end_mail_data(&mut self, log: &Transcript) {
        self.dialogue.mail_data_ended();
        exchange::note(&mut self.recorder, Happened::MailData { complete: true });
        self.asked.note(self.dialogue.owed(), "DATA", false, log.step());
    }

    /// The mail data was sent without its end.
    pub(crate) fn leave_mail_data_open(&mut self) {
        self.dialogue.mail_data_left_open();
    }

    /// Whether the server has said something that was not read yet.
    pub(crate) fn has_unread(&self) -> bool {
        !self.inbox.unread().is_empty() || self.end.is_some()
    }

    async fn write_bytes(
        &mut self,
        bytes: &[u8],
        stalled: Duration,
        until_spoken_to: bool,
    ) -> Result<Written, Trouble> {
        let Some(pace) = self.pace else {
            return self.write_piece(bytes, stalled, until_spoken_to).await;
        };
        let mut pieces = pace.pieces(bytes);
        while let Some(piece) = pieces.next() {
            if self.write_piece(piece, stalled, until_spoken_to).await? == Written::Interrupted {
                return Ok(Written::Interrupted);
            }
            if pieces.peek().is_some() && self.rest(pace, until_spoken_to).await? == Written::Interrupted {
                return Ok(Written::Interrupted);
            }
        }
        Ok(Written::All)
    }

    /// Waits before the next octets, reading meanwhile.
    async fn rest(&mut self, pace: Drip, until_spoken_to: bool) -> Result<Written, Trouble> {
        let rested = clock::Instant::now() + pace.every;
        let until = self.due.map_or(rested, |due| rested.min(due.into()));
        loop {
            if until_spoken_to && self.has_unread() {
                return Ok(Written::Interrupted);
            }
            if self.end.is_some() {
                clock::rest_until(until).await;
                break;
            }
            if self.inbox.unread().len() > MAX_UNREAD {
                return Err(Trouble::TooMuchUnread);
            }
            let stream = self.stream.as_mut().ok_or(Trouble::NotOpen)?;
            match clock::until(until, poll_fn(|cx| poll_read(stream, &mut self.inbox, cx))).await {
                Ok(outcome) => self.note_read(outcome),
                Err(_) => break,
            }
        }
        if until < rested {
            return Err(Trouble::Timeout { waited: pace.every, arrived: self.inbox.take_all() });
        }
        Ok(Written::All)
    }

    async fn write_piece(
        &mut self,
        bytes: &[u8],
        stalled: Duration,
        until_spoken_to: bool,
    ) -> Result<Written, Trouble> {
        let mut written = 0;
        while written < bytes.len() {
            if until_spoken_to && self.has_unread() {
                return Ok(Written::Interrupted);
            }
            if self.inbox.unread().len() > MAX_UNREAD {
                return Err(Trouble::TooMuchUnread);
            }
            let stalled = cut(stalled, self.due);
            let is_over = self.due.is_some_and(|due| Instant::now() >= due);
            let stream = self.stream.as_mut().ok_or(Trouble::NotOpen)?;
            let progress = poll_fn(|cx| poll_either(stream, &mut self.inbox, cx, &bytes[written..]));
            // A future that is ready is never found too late: what is over must be asked for.
            let outcome = if is_over { None } else { clock::within(stalled, progress).await.ok() };
            match outcome {
                None => return Err(Trouble::Timeout { waited: stalled, arrived: self.take_arrived() }),
                Some(First::Wrote(Ok(count))) => {
                    written += count;
                    self.ledger.sent += count as u64;
                }
                Some(First::Wrote(Err(error))) => return self.write_failed(&error, until_spoken_to).await,
                Some(First::Read(outcome)) => self.note_read(outcome),
            }
        }
        self.flush(stalled, until_spoken_to).await
    }

    async fn flush(&mut self, stalled: Duration, until_spoken_to: bool) -> Result<Written, Trouble> {
        let stalled = cut(stalled, self.due);
        let stream = self.stream.as_mut().ok_or(Trouble::NotOpen)?;
        let flushed = clock::within(stalled, poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx))).await;
        self.last_write = Instant::now();
        match flushed {
            Ok(Ok(())) => Ok(Written::All),
            Ok(Err(error)) => self.write_failed(&error, until_spoken_to).await,
            Err(_) => Err(Trouble::Timeout { waited: stalled, arrived: self.take_arrived() }),
        }
    }

    /// A write fails when the server has closed: its last words may still be readable, and say why.
    async fn write_failed(&mut self, error: &io::Error, until_spoken_to: bool) -> Result<Written, Trouble> {
        let mut last_words = vec![0; LAST_WORDS_AT_ONCE];
        if let Some(stream) = self.stream.as_mut() {
            while let Some(Ok(count)) = stream.read_now(&mut last_words).await {
                if count == 0 {
                    self.end.get_or_insert(End::Closed);
                }
                if count == 0 || self.inbox.unread().len() > MAX_UNREAD {
                    break;
                }
                self.inbox.push(&last_words[..count]);
                if let Some(recorder) = &mut self.recorder {
                    recorder.note(Happened::Received(last_words[..count].to_vec()));
                }
            }
        }
        self.end.get_or_insert_with(|| end_of_write(error));
        if until_spoken_to {
            return Ok(Written::Interrupted);
        }
        let reason = error.to_string();
        Err(Trouble::Broken { reason, arrived: self.take_arrived() })
    }

    /// Notes how a read ended; what came of it is in the inbox.
    fn note_read(&mut self, outcome: io::Result<usize>) {
        match outcome {
            Ok(0) => self.end = Some(End::Closed),
            Ok(count) => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.note(Happened::Received(self.inbox.newest(count).to_vec()));
                }
            }
            Err(error) => self.end = Some(end_of(&error)),
        }
        if let Some(end) = &self.end {
            let reset = matches!(end, End::Broken { by: BrokenBy::Reset, .. });
            exchange::note(&mut self.recorder, Happened::ServerEnded { reset });
        }
    }

    /// Waits for more bytes. `Ok` means that there are some, or that the server has closed: the next call says how.
    pub(super) async fn fill(
        &mut self,
        due: clock::Instant,
        waited: Duration,
        log: &mut Transcript,
    ) -> Result<(), Trouble> {
        if let Some(end) = self.end.clone() {
            let arrived = self.take_arrived();
            log.server_bytes(&self.name, &arrived);
            self.log_end(log);
            return Err(match end {
                End::Closed => Trouble::Closed { arrived },
                End::Broken { reason, .. } => Trouble::Broken { reason, arrived },
                End::NotTls { bytes } => Trouble::NotTls { bytes },
            });
        }
        let stream = self.stream.as_mut().ok_or(Trouble::NotOpen)?;
        let due = self.due.map_or(due, |end| due.min(end.into()));
        if let Ok(outcome) = clock::until(due, poll_fn(|cx| poll_read(stream, &mut self.inbox, cx))).await {
            self.note_read(outcome);
            self.log_end(log);
            Ok(())
        } else {
            let arrived = self.take_arrived();
            log.server_bytes(&self.name, &arrived);
            Err(Trouble::Timeout { waited, arrived })
        }
    }

    /// Takes in what has arrived already, without waiting.
    pub(super) async fn take_in_arrived(&mut self, log: &mut Transcript) {
        let mut buffer = [0; 1024];
        while let Some(stream) = self.stream.as_mut() {
            let Some(outcome) = stream.read_now(&mut buffer).await else { return };
            self.inbox.push(&buffer[..*outcome.as_ref().unwrap_or(&0)]);
            self.note_read(outcome);
            if self.end.is_some() || self.inbox.unread().len() > MAX_REPLY {
                self.log_end(log);
                return;
            }
        }
    }

    /// Notes once that the server has ended its side, after everything that it sent before.
    pub(super) fn log_end(&mut self, log: &mut Transcript) {
        if self.end_noted || !self.inbox.unread().is_empty() {
            return;
        }
        self.end_noted = self.end.is_some();
        match &self.end {
            Some(End::Closed) => {
                log.ended(false);
                log.note(&self.name, "closed by the server");
            }
            Some(End::Broken { reason, by }) => {
                if *by == BrokenBy::Reset {
                    log.ended(true);
                }
                log.note(&self.name, reason);
            }
            Some(End::NotTls { bytes }) => {
                log.server_bytes(&self.name, bytes);
                log.note(&self.name, "this came within the TLS session and is no TLS");
            }
            None => {}
        }
    }
}

/// A wait without progress, cut at the end of the run.
fn cut(stalled: Duration, due: Option<Instant>) -> Duration {
    due.map_or(stalled, |due| stalled.min(due.saturating_duration_since(Instant::now())))
}

/// What happened first.
enum First {
    Wrote(io::Result<usize>),
    Read(io::Result<usize>),
}

/// Writes if that is possible now, else reads: a server that waits for us to read must not keep us from it.
fn poll_either(stream: &mut Stream, inbox: &mut Inbox, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<First> {
    if let Poll::Ready(outcome) = Pin::new(&mut *stream).poll_write(cx, bytes) {
        return Poll::Ready(First::Wrote(outcome));
    }
    poll_read(stream, inbox, cx).map(First::Read)
}

/// A write that ends in a broken pipe met a server that had closed in order before it reset.
fn end_of_write(error: &io::Error) -> End {
    if error.kind() == io::ErrorKind::BrokenPipe { End::Closed } else { end_of(error) }
}

fn end_of(error: &io::Error) -> End {
    let by = match SessionFailure::within(error) {
        Some(SessionFailure::NotTls(bytes)) => return End::NotTls { bytes: bytes.clone() },
        Some(SessionFailure::Alert(_)) => BrokenBy::Alert,
        None if error.kind() == io::ErrorKind::ConnectionReset => BrokenBy::Reset,
        None => BrokenBy::Failure,
    };
    End::Broken { by, reason: error.to_string() }
}
