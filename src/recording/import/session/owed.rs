//! The replies that a session of a transcript owes.
//!
//! `smtp::dialogue` counts them, as it does for every other session. Here stands what a log needs beside the count: which
//! form of line each reply answers, and where that line was said.

use crate::recording::import::grammar::LineForm;
use crate::smtp::dialogue::Dialogue;
use std::collections::VecDeque;

/// The replies that are owed, the oldest first.
#[derive(Default)]
pub(super) struct OwedReplies {
    dialogue: Dialogue,
    /// What each answers, and its place in what was said.
    list: VecDeque<(LineForm, usize)>,
}

impl OwedReplies {
    /// The client said a line, at this place.
    pub(super) fn line(&mut self, form: LineForm, line: &str, at: usize) {
        match form {
            LineForm::Answer => self.dialogue.wrote_other(),
            _ => _ = self.dialogue.wrote_command(line.as_bytes()),
        }
        self.catch_up(form, at);
    }

    /// Gives back the memory of a session that has ended; what is owed stays.
    pub(super) fn forget(&mut self) {
        self.list.shrink_to_fit();
    }

    /// The client ended its mail data, at this place.
    pub(super) fn message(&mut self, at: usize) {
        self.dialogue.mail_data_ended();
        self.catch_up(LineForm::Message, at);
    }

    fn catch_up(&mut self, form: LineForm, at: usize) {
        self.list.resize(self.dialogue.owed(), (form, at));
    }

    /// A reply came, or is taken to have come, to the oldest; one of which nothing is known has the code 0. What it answers.
    pub(super) fn settle(&mut self, code: u16) -> Option<(LineForm, usize)> {
        let oldest = self.list.pop_front()?;
        let one_more = self.dialogue.replied(code).and_then(|settled| settled.one_more);
        if let Some((place, like)) = one_more.and_then(|place| Some((place, *self.list.get(place.checked_sub(1)?)?))) {
            self.list.insert(place, like);
        }
        Some(oldest)
    }

    /// The line that was said last was none: no reply is owed for it.
    pub(super) fn take_back(&mut self) {
        self.list.pop_back();
        self.dialogue.take_back();
    }

    /// Nothing is owed any more: the session is over, or begins anew.
    pub(super) fn clear(&mut self) {
        *self = OwedReplies::default();
    }

    /// This many things were put before what was said last.
    pub(super) fn shift(&mut self, count: usize) {
        self.list.iter_mut().for_each(|(_, place)| *place += count);
    }

    pub(super) fn front(&self) -> Option<(LineForm, usize)> {
        self.list.front().copied()
    }

    pub(super) fn back(&self) -> Option<(LineForm, usize)> {
        self.list.back().copied()
    }

    pub(super) fn forms(&self) -> impl Iterator<Item = LineForm> {
        self.list.iter().map(|(form, _)| *form)
    }

    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
