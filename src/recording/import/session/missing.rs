//! Replies that a transcript does not show, where what follows tells that they came.

use super::LogSession;
use crate::recording::Said;
use crate::recording::import::grammar::{self, LineForm};
use crate::scenario::Span;
use crate::scenario::write::DraftExpect;

impl LogSession {
    /// The reply to the oldest command is not in the transcript: any will do.
    pub(super) fn no_reply_shown(&mut self, here: Span) {
        let any = DraftExpect::Fields(vec![("code".to_owned(), "any".to_owned())]);
        // A greeting was accepted, or the client would not go on.
        let code = if matches!(self.owed.front(), Some((LineForm::Hello, _))) { 250 } else { 0 };
        self.answered_by(code, vec![Said::Wanted(0, any)]);
        self.warn(here, "the reply to a command above is not shown: any reply will do", "");
    }

    /// A client waits for the reply to some commands (RFC 2920 section 3.1): what refuses answers the last of them, and the
    /// replies to those before it are not shown.
    pub(super) fn replies_not_shown(&mut self, code: u16, here: Span) {
        let before = self.owed.count().saturating_sub(1);
        if code >= 400 && self.owed.forms().take(before).all(grammar::must_wait) {
            (0..before).for_each(|_| self.no_reply_shown(here));
        }
    }

    /// A client that answers was asked (RFC 4954 section 4): where a login ends, what asked is not shown.
    pub(super) fn challenges_not_shown(&mut self, code: u16, here: Span) {
        let of_login = |kind: &LineForm| matches!(kind, LineForm::Auth | LineForm::Answer);
        let waiting = self.owed.forms().take_while(of_login).count();
        let ends = code == 235 || code >= 400;
        if waiting < 2 || !ends || self.owed.count() > waiting {
            return;
        }
        if matches!(code, 500..=503 | 530) {
            // It knows of no login: whatever AUTH was answered by, it was no challenge.
            return (1..waiting).for_each(|_| self.no_reply_shown(here));
        }
        (1..waiting).for_each(|_| self.answered_by(334, vec![Said::reply(&["334 "])]));
        self.warn(here, "the challenge before an answer of the login is not shown: `334` stands in its place", "");
    }

    /// A client that greets again after STARTTLS does so in TLS (RFC 3207 section 4.2): the 220 is not shown.
    pub(super) fn upgrade_not_shown(&mut self, code: u16, here: Span) {
        if code == 250 && self.owed.forms().eq([LineForm::StartTls, LineForm::Hello]) {
            self.answered_by(220, vec![Said::reply(&["220 "]), Said::Handshake]);
            self.warn(here, "the reply to STARTTLS above is not shown: `220` stands in its place", "");
        }
    }

    /// Whether DATA waits for its reply, which is taken to be 354: the message begins.
    pub(in crate::recording::import) fn go_ahead_not_shown(&mut self, here: Span) -> bool {
        let waits = self.owed.forms().eq([LineForm::Data]);
        if waits {
            self.answered_by(354, vec![Said::reply(&["354 "])]);
            self.warn(here, "the reply to DATA above is not shown: `354` stands in its place", "");
        }
        waits
    }

    /// What answers the oldest command, by this code, though no line shows it.
    fn answered_by(&mut self, code: u16, replies: Vec<Said>) {
        let Some((_, at)) = self.owed.settle(code) else { return };
        let more = replies.len();
        let after = at + 1;
        self.said.splice(after..after, replies);
        self.owed.shift(more);
    }
}
