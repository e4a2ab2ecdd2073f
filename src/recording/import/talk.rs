//! Reads the lines of a transcript as a conversation.
//!
//! Responsible for whose each line is where its mark does not tell: further lines of a reply, mail data, what was typed at
//! a terminal, remarks. `marks` knows the marks, `session` puts together what is found.

use super::event::{self, LogEvent};
use super::family::Family;
use super::grammar::{self, LineForm, reply_code};
use super::marks::{LogSide, Marks, Seen};
use super::session::LogSession;
use super::shell;
use super::text::{LineRole, TextLine};
use crate::scenario::Span;
use std::cell::Cell;

/// How far is looked ahead for the ends of all messages together: a text is read in linear time.
const MAX_AHEAD: usize = 1_000_000;
/// The words of the warning about lines that belong to no side.
pub(super) const NEITHER: &str = "this line is of neither side: it was left out";

/// How a message stands in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TalkMessage {
    /// Its lines have the client's mark.
    Marked,
    /// All lines up to this one, and whether that one is the dot.
    UpTo(usize, bool),
    NotShown,
}

/// A transcript that is being read.
pub(super) struct Talk<'t> {
    lines: &'t [TextLine<'t>],
    /// Which of them are read.
    own: &'t [usize],
    marks: &'t Marks,
    family: &'static Family,
    pub(super) session: LogSession,
    /// Those that came to their end.
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
            LineRole::AfterToolGreeted => self.session.greet_by_tool(),
            LineRole::Noise if shell::is_command(&line.text) => return self.command_line(&line.text),
            LineRole::Noise => return self.event(&line.text),
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

    /// `     <-- step 7`, which reports put behind a line.
    fn without_step<'l>(&self, text: &'l str) -> &'l str {
        match text.rsplit_once("     <-- ") {
            Some((line, _)) if self.family.name == "smtp-script" => line,
            _ => text,
        }
    }

    fn is_in_unmarked_message(&mut self, at: usize) -> bool {
        let Some((TalkMessage::UpTo(end, has_dot), _)) = self.data else { return false };
        if at < end {
            let text = self.lines[self.own[at]].text.as_ref();
            self.data_line(self.marks.read(text).lines.first().map_or(text, |line| line.as_ref()));
            return true;
        }
        if let Some((_, octets)) = self.data.take() {
            // s_client shows the CR of the line above as an empty line.
            let start = if self.family.name == "openssl" && octets.starts_with(b"\r\n") { 2 } else { 0 };
            self.session.message(octets[start..].to_vec());
        }
        has_dot
    }

    fn data_line(&mut self, text: &str) {
        if let Some((_, octets)) = &mut self.data {
            // Dots at the start of a line are doubled on the wire; a log that shows a single one shows the message as it is.
            let is_doubled = text.starts_with("..") || self.marks.are_alike();
            let text = text.strip_prefix('.').filter(|_| is_doubled).unwrap_or(text);
            octets.extend_from_slice(text.as_bytes());
            octets.extend_from_slice(b"\r\n");
        }
    }

    /// A line of the client.
    fn client(&mut self, text: &str, at: usize) {
        self.end_reply();
        match &self.data {
            Some((TalkMessage::Marked, octets)) if text.trim_end() == "." => {
                let octets = octets.clone();
                self.data = None;
                if octets.is_empty() && !self.marks.are_alike() {
                    self.session.message_not_shown(self.here);
                } else {
                    self.session.message(octets);
                }
                return;
            }
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
        if shell::is_command(text) {
            return self.command_line(text);
        }
        match self.kind(text, at) {
            Some(kind) => self.command(kind, text),
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

    /// What a line of the client is; nothing where it can be no part of the conversation.
    fn kind(&self, text: &str, at: usize) -> Option<LineForm> {
        if let Some(kind) = grammar::command(text) {
            return Some(kind);
        }
        let text = text.trim();
        // At a terminal a word alone may be a remark, unless something waited for it or came back.
        let came_back = || !self.marks.are_alike() || self.next_reply(at, 2).is_some();
        let answers =
            self.session.is_logging_in() && grammar::is_message(text) && (self.session.is_challenged() || came_back())
                || self.session.is_challenged() && !text.contains(' ') && !text.is_empty()
                || self.session.is_challenged() && is_template(text);
        if answers && !grammar::begins_with_verb(text) {
            return Some(LineForm::Answer);
        }
        // Whatever else was sent, the server had something to say to it, and to nothing before it.
        let next = self.next_reply(at, 0);
        let is_alone = self.session.is_quiet() && !text.is_empty();
        match next {
            Some(code) if is_alone && (code >= 500 || !self.marks.are_alike() && !text.contains(' ')) => {
                Some(grammar::kind_of(text))
            }
            _ if grammar::begins_with_verb(text) && next.is_some() && is_alone => Some(grammar::kind_of(text)),
            _ => None,
        }
    }

    /// The lines that follow one.
    fn after(&self, at: usize) -> impl Iterator<Item = &'t TextLine<'t>> {
        let (lines, own) = (self.lines, self.own);
        own[(at + 1).min(own.len())..].iter().map(move |index| &lines[*index])
    }

    /// The code of the reply that the next line of either side begins; where lines have no marks, behind so many remarks.
    fn next_reply(&self, at: usize, remarks: usize) -> Option<u16> {
        let mut remarks = remarks;
        for line in self.after(at).take(50).filter(|line| line.role != LineRole::Noise && !line.text.trim().is_empty())
        {
            let seen = self.marks.read(&line.text);
            let text = seen.lines.first().map_or("", |text| text.as_ref());
            match seen.side {
                Some(LogSide::Server) => return reply_code(text),
                Some(LogSide::Client) => return None,
                None if self.marks.are_alike() => remarks = remarks.checked_sub(1)?,
                None => {}
            }
        }
        None
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

    /// The server answers mail data whose end did not show.
    fn end_message(&mut self) {
        match self.data.take() {
            Some((TalkMessage::Marked, octets)) if !octets.is_empty() => self.session.message(octets),
            Some(_) => self.session.message_not_shown(self.here),
            None => {}
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

    /// How the message stands that follows this line.
    fn message_after(&self, at: usize) -> TalkMessage {
        // Whether the first line that may be one of the message is a field of its header.
        let mut first: Option<bool> = None;
        for (index, line) in self
            .after(at)
            .enumerate()
            .map(|(index, line)| (at + 1 + index, line))
            .take(MAX_AHEAD.saturating_sub(self.looked_ahead.get()))
        {
            self.looked_ahead.set(self.looked_ahead.get() + 1);
            let seen = self.marks.read(&line.text);
            let text = seen.lines.first().map_or("", |text| text.as_ref()).trim_end();
            let has_field = first == Some(true);
            let ends = match seen.side.filter(|_| !self.marks.are_alike()) {
                _ if line.role == LineRole::Noise => None,
                Some(LogSide::Client) if text == "." && has_field => Some(TalkMessage::UpTo(index, true)),
                Some(LogSide::Client) => Some(TalkMessage::Marked),
                Some(LogSide::Server) if reply_code(text).is_none() => None,
                Some(LogSide::Server) => (!has_field || !seen.prefix.is_empty()).then_some(TalkMessage::NotShown),
                None if text == "." && (has_field || self.marks.are_alike()) => Some(TalkMessage::UpTo(index, true)),
                None if self.marks.are_alike() && first.is_none() && reply_code(text).is_some() => {
                    Some(TalkMessage::NotShown)
                }
                None if self.marks.are_alike() && self.resumes(index, text) => {
                    Some(if has_field { TalkMessage::UpTo(index, false) } else { TalkMessage::NotShown })
                }
                None => None,
            };
            if let Some(message) = ends {
                return message;
            }
            let is_noise = line.role == LineRole::Noise
                || text.is_empty()
                || self.family.says(&line.text)
                || event::of(&line.text).is_some();
            if first.is_none() && !is_noise {
                first = Some(grammar::is_field(text));
            }
        }
        let goes_on = self.marks.are_alike() && first.is_some();
        if goes_on { TalkMessage::UpTo(self.own.len(), false) } else { TalkMessage::NotShown }
    }

    /// Whether the conversation goes on at a reply, though no dot showed: a command that its reply follows comes next.
    fn resumes(&self, at: usize, text: &str) -> bool {
        let Some(code) = reply_code(text).filter(|code| *code != 354) else { return false };
        let rest = || self.after(at).filter(|line| line.role != LineRole::Noise && !line.text.trim().is_empty());
        let next = rest().next().map(|line| line.text.as_ref());
        let ends = code == 250 || code >= 400;
        ends && match next {
            None => true,
            Some(line) => {
                grammar::command(line).is_some() && rest().nth(1).is_none_or(|line| reply_code(&line.text).is_some())
            }
        }
    }

    /// A line that no mark gives to a side.
    fn unmarked(&mut self, at: usize, seen: &Seen<'_>, whole: &str, goes_on: bool) {
        let text = seen.lines.first().map_or("", |text| text.as_ref());
        let trimmed = text.trim();
        if trimmed.is_empty() {
            let answers = self.marks.are_alike()
                && self.session.is_challenged()
                && self.reply.is_empty()
                && self.family.name != "openssl";
            if answers && self.next_reply(at, 0).is_some() {
                self.session.client(LineForm::Answer, "", self.here);
            }
            if goes_on {
                self.data_goes_on = true;
                self.data_line("");
            }
            return;
        }
        if let Some((TalkMessage::Marked, _)) = self.data
            && goes_on
            && seen.prefix.is_empty()
            && !self.family.says(whole)
            && (whole.starts_with([' ', '\t']) || !self.is_marked_message_line(at + 1))
        {
            self.data_goes_on = true;
            return self.data_line(whole);
        }
        if self.continues_reply(trimmed) {
            return self.server(trimmed);
        }
        if self.is_keyword_of_hello(trimmed) {
            return self.session.extend_hello(trimmed);
        }
        if self.marks.are_alike()
            && self.data.is_none()
            && self.reply.is_empty()
            && self.session.has_begun()
            && let Some(kind) = self.kind(text, at).filter(|_| event::of(whole).is_none() && !self.family.says(whole))
        {
            return self.command(kind, text);
        }
        self.event_or_leave_out(whole);
    }

    /// Whether a line has the client's mark, and is not the dot.
    fn is_marked_message_line(&self, at: usize) -> bool {
        let Some(line) = self.own.get(at).map(|index| &self.lines[*index]) else { return false };
        let seen = self.marks.read(&line.text);
        seen.side == Some(LogSide::Client) && seen.lines.first().is_some_and(|text| text.trim_end() != ".")
    }

    /// `250-SIZE` alone below `S: 250-mx`.
    fn continues_reply(&self, text: &str) -> bool {
        self.reply.first().is_some_and(|first| reply_code(text) == reply_code(first))
    }

    fn is_keyword_of_hello(&self, text: &str) -> bool {
        let is_open = self.reply.is_empty() && self.session.answered_hello() && self.session.is_quiet();
        is_open && !self.marks.are_alike() && grammar::is_keyword(text)
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
        if matches!(event, LogEvent::LoginNotShown(_) | LogEvent::LoginEnded(_)) && self.family.name != "javamail" {
            return;
        }
        self.end_reply();
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

    fn end_neither(&mut self) {
        match self.neither.take() {
            Some((first, 1)) => self.session.warn(first, NEITHER, ""),
            Some((first, count)) => {
                self.session.warn(
                    first,
                    &format!("this line is of neither side: it was left out, with {} after it", count - 1),
                    "",
                );
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

/// Whether a text is a template, as our own transcripts show credentials.
fn is_template(text: &str) -> bool {
    let inside = text.strip_prefix("<<").and_then(|rest| rest.strip_suffix(">>"));
    inside.is_some_and(|inside| inside.starts_with(|letter: char| letter.is_ascii_lowercase()))
}
