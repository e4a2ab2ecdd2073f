//! Reads the lines of a transcript as a conversation.
//!
//! Responsible for whose each line is where its mark does not tell: further lines of a reply, mail data, what was typed at
//! a terminal, remarks. `marks` knows the marks, `session` puts together what is found.

mod message;
mod unmarked;

use super::event::{self, LogEvent};
use super::family::Family;
use super::grammar::{self, LineForm, reply_code};
use super::marks::{LogSide, Marks, Seen};
use super::session::LogSession;
use super::shell;
use super::text::{LineRole, MAX_LINE, TextLine};
use crate::scenario::Span;
use message::TalkMessage;
use std::cell::Cell;

/// The words of the warning about lines that belong to no side.
pub(super) const NEITHER: &str = "skipped a line that is neither client nor server";

/// A transcript that is being read.
pub(super) struct Talk<'t> {
    lines: &'t [TextLine<'t>],
    /// Which of them are read.
    own: &'t [usize],
    marks: &'t Marks,
    family: &'static Family,
    pub(super) session: LogSession,
    /// Those that have ended.
    sessions: Vec<LogSession>,
    /// The lines of a reply that goes on, and the first one's place.
    reply: Vec<String>,
    /// Mail data since a 354.
    data: Option<(TalkMessage, Vec<u8>)>,
    /// Lines of neither side one after another: the first of them, and how many.
    neither: Option<(Span, usize)>,
    /// Where lines stand that are never shown: a login goes on around them.
    pub(super) unshown: Vec<usize>,
    here: Span,
    /// The line that is being read.
    at: usize,
    /// Whether the last line was one of the message, and how many of its lines had the client's mark.
    data_goes_on: bool,
    marked_data: usize,
    looked_ahead: Cell<usize>,
}

impl<'t> Talk<'t> {
    pub(super) fn new(lines: &'t [TextLine<'t>], marks: &'t Marks, family: &'static Family) -> Talk<'t> {
        Talk {
            lines,
            own: &[],
            marks,
            family,
            session: LogSession::default(),
            sessions: Vec::new(),
            reply: Vec::new(),
            data: None,
            neither: None,
            unshown: Vec::new(),
            here: Span::default(),
            at: 0,
            data_goes_on: false,
            marked_data: 0,
            looked_ahead: Cell::new(0),
        }
    }

    /// Reads these lines; gives the sessions, and the places of lines that must not be shown.
    pub(super) fn read(mut self, own: &'t [usize]) -> (Vec<LogSession>, Vec<usize>) {
        self.own = own;
        for index in 0..own.len() {
            self.line(index);
        }
        self.end_session();
        let mut sessions = self.sessions;
        if sessions.iter().any(LogSession::client_spoke) {
            sessions.retain(LogSession::client_spoke);
        } else {
            sessions.retain(LogSession::has_begun);
        }
        (sessions, self.unshown)
    }

    fn end_session(&mut self) {
        self.end_reply();
        self.end_neither();
        if let Some((message, octets)) = self.data.take()
            && (message == TalkMessage::Marked || matches!(message, TalkMessage::UpTo(..)))
            && !octets.is_empty()
        {
            self.session.message(octets);
            self.session.warn(self.here, "the transcript ends within the message", "");
        }
        let mut session = std::mem::take(&mut self.session);
        session.end();
        self.sessions.push(session);
    }

    fn line(&mut self, at: usize) {
        let line = &self.lines[self.own[at]];
        self.at = at;
        self.here = Span::default().with_range(line.start, line.end);
        match line.role {
            LineRole::AfterHandshake => self.session.handshake(),
            LineRole::AfterToolGreeted => self.session.greet_by_tool("openssl"),
            LineRole::Noise if shell::is_command(&line.text) => return self.command_line(&line.text),
            LineRole::Noise => return self.event(&line.text),
            LineRole::TooLong => return self.leave_out_long(line.end - line.start),
            LineRole::Open => {}
        }
        // The line that ends the reply to the EHLO which s_client said by itself.
        let is_known = line.role == LineRole::AfterToolGreeted && line.text.starts_with("250 ");
        if is_known || self.is_in_unmarked_message(at) {
            return;
        }
        let text = self.without_step(&line.text);
        if shell::is_command(text) && self.data.is_none() {
            return self.command_line(text);
        }
        let seen = self.marks.read(text);
        let goes_on = self.data_goes_on;
        self.data_goes_on = false;
        match self.side(&seen, text) {
            Some(LogSide::Client) => seen.lines.iter().for_each(|text| self.client(text, at)),
            Some(LogSide::Server) => seen.lines.iter().for_each(|text| self.server(text)),
            None => self.unmarked(at, &seen, text, goes_on),
        }
        if self.session.has_begun() && self.session.begins.is_none() {
            self.session.begins = Some(self.here);
        }
    }

    /// The side of a line: by its mark, or by itself where it is the only thing that tells.
    fn side(&self, seen: &Seen<'_>, text: &str) -> Option<LogSide> {
        // A reply that nothing marks among marked ones is what a log says again, or the rest of one above.
        let bare = seen.prefix.is_empty() && text.len() == seen.lines.first().map_or(0, |line| line.len());
        match seen.side {
            Some(LogSide::Server) if bare && self.rest_of_reply(text) => None,
            side => side,
        }
    }

    fn rest_of_reply(&self, text: &str) -> bool {
        !self.reply.is_empty() && reply_code(text) != self.reply.first().and_then(|line| reply_code(line))
    }

    /// `     <-- step 7`, which reports put after a line.
    fn without_step<'l>(&self, text: &'l str) -> &'l str {
        match text.rsplit_once("     <-- ") {
            Some((line, _)) if self.family.name == "smtp-script" => line,
            _ => text,
        }
    }

    /// A line of the client.
    fn client(&mut self, text: &str, at: usize) {
        self.end_reply();
        if self.data.is_none() && grammar::is_field(text) && grammar::command(text).is_none() {
            self.begin_message_at_once();
        }
        match &self.data {
            Some((TalkMessage::Marked, _)) if text.trim_end() == "." => return self.end_marked_message(),
            Some((TalkMessage::Marked, octets)) if !octets.is_empty() && message::is_length(text) => return,
            Some((TalkMessage::Marked, octets))
                if octets.is_empty() && event::of(text) == Some(LogEvent::MessageNotShown) =>
            {
                self.data = Some((TalkMessage::NotShown, Vec::new()));
                return;
            }
            Some((TalkMessage::Marked, _)) => {
                self.marked_data += 1;
                // A text of many lines may have one mark; where each line has one, a line without is of no side.
                self.data_goes_on = self.marked_data == 1;
                return self.data_line(text);
            }
            Some((TalkMessage::NotShown, _)) => {
                if text.trim_end() == "." {
                    self.data = None;
                    self.session.message_not_shown(self.here);
                }
                return;
            }
            _ => {}
        }
        if !self.marks.are_alike() && self.session.chunk_line(text, grammar::command(text).is_some()) {
            return;
        }
        if shell::is_command(text) {
            return self.command_line(text);
        }
        match self.kind(text, at) {
            Some(kind) => self.command(kind, text),
            // Thunderbird's words in place of an answer; of a login in one line they say nothing new.
            None if text.starts_with("Logging suppressed") && self.session.is_challenged() => {
                self.command(LineForm::Answer, "****");
            }
            None if text.starts_with("Logging suppressed") && self.session.is_logging_in() => {}
            None if text.trim().is_empty() && self.session.is_challenged() => self.command(LineForm::Answer, ""),
            None if text.trim().is_empty() => {}
            None => self.event_or_leave_out(text),
        }
    }

    fn command(&mut self, kind: LineForm, text: &str) {
        self.end_neither();
        if self.session.is_over() && kind != LineForm::Answer {
            self.end_session();
        }
        self.session.client(kind, text, self.here);
    }

    /// A line of the server.
    fn server(&mut self, text: &str) {
        if reply_code(text).is_none() {
            if !text.trim().is_empty() {
                self.event_or_leave_out(text);
            }
            return;
        }
        self.end_neither();
        if self.data.is_some() && self.reply.is_empty() {
            self.end_message();
        }
        let open = self.reply.first().and_then(|line| reply_code(line));
        if open.is_some() && open != reply_code(text) {
            self.end_reply();
        }
        for line in unglued(text) {
            self.reply.push(line.to_owned());
            if !grammar::goes_on(line) {
                self.end_reply();
            }
        }
    }

    fn end_reply(&mut self) {
        if self.reply.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.reply);
        if self.session.begins_anew(&lines) {
            self.end_session();
        }
        let asks_for_message = lines[0].starts_with("354");
        self.session.reply(lines, self.here);
        if asks_for_message && self.session.misfit.is_none() {
            self.marked_data = 0;
            self.data = Some((self.message_after(self.at), Vec::new()));
        }
    }

    fn event_or_leave_out(&mut self, text: &str) {
        if event::of(text).is_some() {
            return self.event(text);
        }
        if !self.family.says(&self.lines[self.own[self.at]].text) {
            self.leave_out();
        }
    }

    fn event(&mut self, text: &str) {
        let Some(event) = event::of(text) else { return };
        if !self.family.tells_logins(&event) {
            return;
        }
        self.end_reply();
        // With STARTTLS gnutls-cli shows nothing of what it said before: not even a greeting follows.
        if event == LogEvent::Handshake && self.family.name == "gnutls" && self.next_reply(self.at, 20).is_none() {
            return self.session.greet_by_tool("gnutls-cli");
        }
        if let LogEvent::To { begins, .. } = event {
            let anew = begins || self.session.is_over();
            if self.session.has_begun() && anew && self.data.is_none() {
                self.end_session();
            }
        }
        self.session.happened(event, self.here);
    }

    fn command_line(&mut self, text: &str) {
        if let Some(event) = shell::target(text) {
            if self.session.has_begun() {
                self.end_session();
            }
            self.session.happened(event, self.here);
        }
    }

    /// A line that is of neither side; of several in a row the first one stands for all.
    fn leave_out(&mut self) {
        if self.session.is_logging_in() || self.session.is_challenged() {
            self.unshown.push(self.here.start as usize);
        }
        let (first, count) = self.neither.take().unwrap_or((self.here, 0));
        self.neither = Some((first, count + 1));
    }

    /// A line that no conversation has.
    fn leave_out_long(&mut self, length: usize) {
        self.unshown.push(self.here.start as usize);
        let message =
            format!("this line has {length} bytes, more than the {MAX_LINE} that are read of one: it was left out");
        self.session.warn(self.here, &message, "");
    }

    fn end_neither(&mut self) {
        match self.neither.take() {
            Some((first, 1)) => self.session.warn(first, NEITHER, ""),
            Some((first, count)) => {
                self.session.warn(first, &format!("skipped {count} lines that are neither client nor server"), "");
            }
            None => {}
        }
    }
}

/// `250-a250-b250 c`, as some logs join the lines of a reply, in its lines.
fn unglued(text: &str) -> Vec<&str> {
    if !grammar::goes_on(text) {
        return vec![text];
    }
    let code = &text[..3];
    let mut parts = Vec::new();
    let mut start = 0;
    let mut from = 4;
    while let Some(at) = text[from..].find(code).map(|at| from + at) {
        let next = text.as_bytes().get(at + 3);
        if matches!(next, Some(b'-' | b' ')) {
            parts.push(text[start..at].trim_end());
            start = at;
            if next == Some(&b' ') {
                break;
            }
        }
        from = at + 3;
    }
    parts.push(text[start..].trim_end());
    let ends = parts.last().is_some_and(|last| !grammar::goes_on(last));
    if parts.len() > 1 && ends { parts } else { vec![text] }
}
