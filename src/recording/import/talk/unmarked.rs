//! Lines that no mark gives to a side: what they can be, which often only the lines further on tell.

use super::Talk;
use super::message::TalkMessage;
use crate::recording::import::event;
use crate::recording::import::grammar::{self, LineForm, reply_code};
use crate::recording::import::marks::{LogSide, Seen};
use crate::recording::import::text::{LineRole, TextLine};

impl<'t> Talk<'t> {
    /// A line that no mark gives to a side.
    pub(super) fn unmarked(&mut self, at: usize, seen: &Seen<'_>, whole: &str, goes_on: bool) {
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
            if trimmed == "." && self.next_reply(at, 0).is_some() {
                return self.end_marked_message();
            }
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

    /// `250-SIZE` alone below `S: 250-mx`.
    fn continues_reply(&self, text: &str) -> bool {
        self.reply.first().is_some_and(|first| reply_code(text) == reply_code(first))
    }

    fn is_keyword_of_hello(&self, text: &str) -> bool {
        let is_open = self.reply.is_empty() && self.session.answered_hello() && self.session.is_quiet();
        is_open && !self.marks.are_alike() && grammar::is_keyword(text)
    }

    /// What a line of the client is; nothing where it can be no part of the conversation.
    pub(super) fn kind(&self, text: &str, at: usize) -> Option<LineForm> {
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
    pub(super) fn after(&self, at: usize) -> impl Iterator<Item = &'t TextLine<'t>> {
        let (lines, own) = (self.lines, self.own);
        own[(at + 1).min(own.len())..].iter().map(move |index| &lines[*index])
    }

    /// The code of the reply that the next line of either side begins; where lines have no marks, after at most `remarks` remarks.
    pub(super) fn next_reply(&self, at: usize, remarks: usize) -> Option<u16> {
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

    /// Whether a line has the client's mark, and is not the dot.
    fn is_marked_message_line(&self, at: usize) -> bool {
        let Some(line) = self.own.get(at).map(|index| &self.lines[*index]) else { return false };
        let seen = self.marks.read(&line.text);
        seen.side == Some(LogSide::Client) && seen.lines.first().is_some_and(|text| text.trim_end() != ".")
    }
}

/// Whether a text is a template, as our own transcripts show credentials.
fn is_template(text: &str) -> bool {
    let inside = text.strip_prefix("<<").and_then(|rest| rest.strip_suffix(">>"));
    inside.is_some_and(|inside| inside.starts_with(|letter: char| letter.is_ascii_lowercase()))
}
