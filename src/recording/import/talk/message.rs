//! The messages of a conversation: how one stands among the lines, and where it ends.
//!
//! Responsible for looking ahead in linear time. `talk` asks after each 354.

use super::Talk;
use crate::recording::import::event;
use crate::recording::import::grammar::{self, reply_code};
use crate::recording::import::marks::LogSide;
use crate::recording::import::text::LineRole;

/// How far is looked ahead for the ends of all messages together: a text is read in linear time.
const MAX_AHEAD: usize = 1_000_000;

/// How a message stands in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TalkMessage {
    /// Its lines have the client's mark.
    Marked,
    /// All lines up to this one, and whether that one is the dot.
    UpTo(usize, bool),
    NotShown,
}

impl Talk<'_> {
    pub(super) fn is_in_unmarked_message(&mut self, at: usize) -> bool {
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

    pub(super) fn data_line(&mut self, text: &str) {
        if let Some((_, octets)) = &mut self.data {
            // Dots at the start of a line are doubled on the wire; a log that shows a single one shows the message as it is.
            let is_doubled = text.starts_with("..") || self.marks.are_alike();
            let text = text.strip_prefix('.').filter(|_| is_doubled).unwrap_or(text);
            octets.extend_from_slice(text.as_bytes());
            octets.extend_from_slice(b"\r\n");
        }
    }

    /// A client that begins the message was told to: the 354 is not shown.
    pub(super) fn begin_message_at_once(&mut self) {
        if !self.marks.are_alike() && self.session.go_ahead_not_shown(self.here) {
            self.marked_data = 0;
            self.data = Some((TalkMessage::Marked, Vec::new()));
        }
    }

    /// The dot after lines with the client's mark; blank ones alone are what a log shows in place of a message.
    pub(super) fn end_marked_message(&mut self) {
        let Some((_, octets)) = self.data.take() else { return };
        if octets.iter().all(u8::is_ascii_whitespace) && !self.marks.are_alike() {
            self.session.message_not_shown(self.here);
        } else {
            self.session.message(octets);
        }
    }

    /// The server answers mail data whose end did not show.
    pub(super) fn end_message(&mut self) {
        match self.data.take() {
            Some((TalkMessage::Marked, octets)) if !octets.is_empty() => self.session.message(octets),
            Some(_) => self.session.message_not_shown(self.here),
            None => {}
        }
    }

    /// How the message stands that follows this line.
    pub(super) fn message_after(&self, at: usize) -> TalkMessage {
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
}

/// `<321 bytes encoded mime message (source size 318 bytes)>`, which nodemailer writes after a message.
pub(super) fn is_length(text: &str) -> bool {
    text.starts_with('<')
        && text.trim_end().ends_with(" bytes)>")
        && text.contains(" bytes encoded mime message (source size ")
}
