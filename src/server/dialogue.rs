//! Cuts what a client sends into command lines, mail data and chunks, and collects the protocol's replies.
//!
//! Pure as the protocol is, but fed with octets as they come from the wire, in pieces of any size. It keeps at most one
//! unfinished command line and the replies not yet sent. The sandbox's connections feed it.

use memchr::{memchr, memchr2};

use super::mail_data::{MailDataReader, Progress};
use super::mail_sink::MailSink;
use super::protocol::{AUTH_LINE, Answer, BadLine, Next, Protocol};

/// What the connection does when the replies were sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum After {
    /// Read more.
    Read,
    /// Shake hands, then call `Dialogue::tls_started`.
    StartTls,
    /// Close.
    Close,
}

/// One connection's dialogue, from the server's side.
pub(crate) struct Dialogue<S> {
    protocol: Protocol<S>,
    reading: Reading,
    /// The start of a line whose end has not arrived: never more than one octet beyond the longest line.
    line: Vec<u8>,
    line_too_long: bool,
    replies: Vec<u8>,
}

enum Reading {
    Lines,
    MailData(MailDataReader),
    Chunk { left: u64 },
}

impl<S: MailSink> Dialogue<S> {
    pub(crate) fn new(protocol: Protocol<S>) -> Self {
        Self { protocol, reading: Reading::Lines, line: Vec::new(), line_too_long: false, replies: Vec::new() }
    }

    /// Opens the session with the greeting.
    pub(crate) fn greet(&mut self) -> After {
        let greeting = self.protocol.greeting();
        self.follow(&greeting)
    }

    /// Says farewell to a silent client.
    pub(crate) fn idle_too_long(&mut self) -> After {
        let farewell = self.protocol.idle_too_long();
        self.follow(&farewell)
    }

    /// Goes on over TLS.
    pub(crate) fn tls_started(&mut self) {
        self.protocol.tls_started();
    }

    /// The replies to send, in order.
    pub(crate) fn replies(&self) -> &[u8] {
        &self.replies
    }

    /// Forgets the replies, which were sent.
    pub(crate) fn replies_sent(&mut self) {
        self.replies.clear();
    }

    /// Takes what the client sent. Octets behind a STARTTLS or the end of the session are dropped unread: nobody on
    /// the way may put commands in front of the handshake (RFC 3207 5, CVE-2011-0411).
    pub(crate) fn take(&mut self, mut input: &[u8]) -> After {
        while !input.is_empty() {
            let (used, answer) = match &mut self.reading {
                Reading::Lines => self.take_line(input),
                Reading::MailData(_) => self.take_mail_data(input),
                Reading::Chunk { .. } => self.take_chunk(input),
            };
            input = &input[used..];
            match answer.map(|answer| self.follow(&answer)) {
                None | Some(After::Read) => {}
                Some(end) => return end,
            }
        }
        After::Read
    }

    fn take_line(&mut self, input: &[u8]) -> (usize, Option<Answer>) {
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
            return (used, Some(self.protocol.bad_line(BadLine::TooLong)));
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
        if self.line.len() > self.protocol.line_limit(&self.line) {
            self.line_too_long = true;
            self.line = Vec::new();
        }
    }

    /// Answers a line with its LF.
    fn answer_line(&mut self, line: &[u8]) -> Answer {
        if line.len() > self.protocol.line_limit(line) {
            return self.protocol.bad_line(BadLine::TooLong);
        }
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return self.protocol.bad_line(BadLine::BareLf);
        };
        if memchr2(b'\0', b'\r', line).is_some() {
            return self.protocol.bad_line(BadLine::ControlCharacter);
        }
        match str::from_utf8(line) {
            Ok(line) => self.protocol.line(line),
            Err(_) => self.protocol.bad_line(BadLine::NotUtf8),
        }
    }

    fn take_mail_data(&mut self, input: &[u8]) -> (usize, Option<Answer>) {
        let Reading::MailData(reader) = &mut self.reading else { return (0, None) };
        match reader.read(input, |octets| self.protocol.content(octets)) {
            Progress::Unfinished => (input.len(), None),
            Progress::Ended { used } => {
                self.reading = Reading::Lines;
                (used, Some(self.protocol.mail_data_ended()))
            }
        }
    }

    fn take_chunk(&mut self, input: &[u8]) -> (usize, Option<Answer>) {
        let Reading::Chunk { left } = &mut self.reading else { return (0, None) };
        let used = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
        *left -= used as u64;
        let ended = *left == 0;
        self.protocol.content(&input[..used]);
        if !ended {
            return (used, None);
        }
        self.reading = Reading::Lines;
        (used, Some(self.protocol.chunk_ended()))
    }

    fn follow(&mut self, answer: &Answer) -> After {
        if !answer.reply.is_empty() {
            self.replies.extend_from_slice(answer.reply.as_bytes());
            self.replies.extend_from_slice(b"\r\n");
        }
        match answer.next {
            Next::Line => {}
            Next::MailData => self.reading = Reading::MailData(MailDataReader::new()),
            Next::Chunk(0) => {
                let answer = self.protocol.chunk_ended();
                return self.follow(&answer);
            }
            Next::Chunk(octets) => self.reading = Reading::Chunk { left: octets },
            Next::StartTls => return After::StartTls,
            Next::Close => return After::Close,
        }
        After::Read
    }
}

#[cfg(test)]
mod tests;
