//! The lines of a login, with one sign for all the ways in which logs hide credentials.

use super::{HIDDEN, LogSession};
use crate::recording::import::credentials;
use crate::recording::import::grammar::{self, LineForm};
use crate::recording::{Said, split_verb};
use crate::scenario::Span;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

impl LogSession {
    /// Two answers to one challenge: the one that can be read was it, or else the one right before the reply. The other may
    /// be a credential all the same. `true`: the new one was not it.
    pub(super) fn answers_again(&mut self, text: &str, here: Span) -> bool {
        let Some((LineForm::Answer, at)) = self.owed.back() else { return false };
        let Some(Said::Line(line)) = self.said.get(at) else { return false };
        let first = String::from_utf8_lossy(line).into_owned();
        // What looks hidden may be a remark in brackets: base64 of a text is the better answer.
        let weight = |text: &str| match text.trim() {
            text if credentials::is_text(text) => 2,
            text if grammar::is_hidden(text) => 1,
            _ => 0,
        };
        if weight(text) == 2 && weight(&first) > 0 && self.is_second_of_login(at) {
            return false;
        }
        let keeps_first = weight(&first) > weight(text);
        self.warn(here, "two lines answer one challenge: one of them was left out", "");
        self.stray_credentials.push(if keeps_first { text.trim().to_owned() } else { first });
        if !keeps_first {
            self.owed.take_back();
            self.said.remove(at);
        }
        keeps_first
    }

    /// Whether the line at this place is the first answer of AUTH LOGIN, after which another one is due.
    fn is_second_of_login(&self, at: usize) -> bool {
        let before = self.said[..at].iter().rev().find_map(|said| match said {
            Said::Line(line) => Some(split_verb(line)),
            _ => None,
        });
        before.is_some_and(|(verb, mechanism)| verb == "AUTH" && mechanism.eq_ignore_ascii_case(b"LOGIN"))
    }

    /// A line of a login with one sign for all the ways in which logs hide credentials.
    pub(super) fn with_hidden(&self, kind: LineForm, text: &str) -> String {
        if kind == LineForm::Answer {
            let prompts =
                matches!(self.last_reply.first().map(String::as_str), Some("334 Username:" | "334 Password:"));
            return match text.trim() {
                text if grammar::is_hidden(text) && !text.starts_with("<<") => HIDDEN.to_owned(),
                text if prompts && !grammar::is_base64(text) => STANDARD.encode(text),
                text => text.to_owned(),
            };
        }
        let mut words = text.splitn(3, ' ');
        let (verb, mechanism, message) =
            (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or("").trim());
        if kind != LineForm::Auth || message.is_empty() || message.starts_with("<<") {
            return text.trim_end().to_owned();
        }
        if grammar::is_hidden(message) {
            format!("{verb} {mechanism} {HIDDEN}")
        } else if message.contains("\\0") {
            format!("{verb} {mechanism} {}", STANDARD.encode(message.replace("\\000", "\0").replace("\\0", "\0")))
        } else {
            text.trim_end().to_owned()
        }
    }
}
