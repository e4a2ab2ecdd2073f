//! One session of a transcript, as it is put together.
//!
//! Responsible for what belongs to what: each reply to the oldest command that waits for one, answers to their challenges,
//! handshakes to STARTTLS. A reply that does not fit what it would answer ends the reading: nothing is guessed.

mod happenings;
mod login;
mod mail;
mod missing;
mod owed;

use super::grammar::{self, LineForm};
use crate::recording::{RecordedServer, Said, split_verb};
use crate::scenario::{Diagnostic, Span};
use owed::OwedReplies;

/// What stands for a credential that a log does not show.
const HIDDEN: &str = "<hidden>";
/// The most lines of a client that fit into a scenario.
pub(super) const MAX_COMMANDS: usize = 40_000;

/// A session that is being read.
#[derive(Default)]
pub(super) struct LogSession {
    pub(super) said: Vec<Said>,
    /// How many lines of the client were read; of more than a scenario holds nothing is kept.
    pub(super) commands: usize,
    pub(super) server: RecordedServer,
    pub(super) server_known: bool,
    /// Names for addresses, as logs give them.
    aliases: Vec<(String, String)>,
    owed: OwedReplies,
    pub(super) notices: Vec<Diagnostic>,
    /// The first reply that fits nothing.
    pub(super) misfit: Option<Diagnostic>,
    /// Where it begins.
    pub(super) begins: Option<Span>,
    /// What was answered last, with its code.
    answered: Option<(LineForm, u16)>,
    last_reply: Vec<String>,
    /// Since AUTH until a login succeeded or the client went on to something else.
    logging_in: bool,
    greeted: bool,
    closed: Option<Said>,
    /// What waited in vain: where in `said` its silence stands.
    waited: Option<(LineForm, usize)>,
    /// Whether the tool took the first steps by itself.
    pub(super) greeted_by_tool: bool,
    /// How many octets of the last chunk are still to come, where the log shows it.
    chunk_left: Option<u64>,
    /// Credentials that are in no line of the session.
    pub(super) stray_credentials: Vec<String>,
}

impl LogSession {
    pub(super) fn has_begun(&self) -> bool {
        self.is_too_long() || self.said.iter().any(|said| !matches!(said, Said::Remark(_)))
    }

    pub(super) fn client_spoke(&self) -> bool {
        self.commands > 0 || self.said.iter().any(|said| matches!(said, Said::Line(_)))
    }

    /// Whether both sides spoke from the greeting on, and everything is answered and fits.
    pub(super) fn is_whole(&self) -> bool {
        let is_settled = self.misfit.is_none() && self.owed.is_empty() && self.answered.is_some();
        is_settled && self.client_spoke() && matches!(self.said.first(), Some(Said::Reply(_)))
    }

    /// Whether the client said more than a scenario holds.
    pub(super) fn is_too_long(&self) -> bool {
        self.commands > MAX_COMMANDS
    }

    pub(super) fn is_logging_in(&self) -> bool {
        self.logging_in
    }

    /// Whether a challenge waits for its answer.
    pub(super) fn is_challenged(&self) -> bool {
        self.owed.is_empty() && matches!(self.answered, Some((_, 334)))
    }

    /// What it is, for a list: the name of the client, its commands, the last reply code; never more of a line.
    pub(super) fn summary(&self) -> String {
        let verbs: Vec<String> = self
            .said
            .iter()
            .filter_map(|said| match said {
                Said::Line(line) if grammar::command(&String::from_utf8_lossy(line)).is_some() => {
                    Some(split_verb(line).0)
                }
                _ => None,
            })
            .collect();
        let server =
            if self.server_known { format!(" to {}:{}", self.server.host, self.server.port) } else { String::new() };
        let code = self.answered.map_or(String::new(), |(_, code)| format!(", at last {code}"));
        let more = if verbs.len() > 8 { " …" } else { "" };
        format!("{}{more}{server}{code}", verbs.iter().take(8).cloned().collect::<Vec<_>>().join(" "))
    }

    /// Whether no reply is owed.
    pub(super) fn is_quiet(&self) -> bool {
        self.owed.is_empty()
    }

    /// Whether the session has ended.
    pub(super) fn is_over(&self) -> bool {
        self.closed.is_some() || matches!(self.answered, Some((LineForm::Quit, 221)))
    }

    /// Whether the last reply was one line, of a server that was greeted.
    pub(super) fn answered_hello(&self) -> bool {
        matches!(self.answered, Some((LineForm::Hello, 250)))
    }

    pub(super) fn warn(&mut self, here: Span, message: &str, help: &str) {
        let notice = Diagnostic::warning(here, message);
        self.notices.push(if help.is_empty() { notice } else { notice.help(help) });
    }

    fn misfits(&mut self, here: Span, message: String) {
        if self.misfit.is_none() {
            let help =
                "a line may be missing above, or two sessions are mixed: cut the transcript to one whole session";
            self.misfit = Some(Diagnostic::error(here, message).help(help));
        }
    }

    /// A command or an answer of the client.
    pub(super) fn client(&mut self, kind: LineForm, text: &str, here: Span) {
        self.commands += 1;
        if self.is_too_long() {
            self.said = Vec::new();
            return self.owed.clear();
        }
        self.begin_tls();
        // A log may tell the same greeting twice: what will be said, and that it is.
        let is_said = |said: &Said| matches!(said, Said::Line(line) if line == text.trim_end().as_bytes());
        if kind == LineForm::Hello && !self.greeted && self.said.last().is_some_and(is_said) {
            return;
        }
        if !self.owed.is_empty()
            && is_mail(text.as_bytes())
            && matches!(self.said.last(), Some(Said::Line(line)) if is_mail(line))
        {
            self.misfits(here, "the client begins a second message before the first has a recipient".to_owned());
        }
        if kind == LineForm::Hello && self.owed.forms().any(|owed| owed == LineForm::Hello) && self.greeted {
            self.misfits(here, "the client greets again before its greeting was answered".to_owned());
        }
        if kind == LineForm::Answer && self.answers_again(text, here) {
            return;
        }
        match kind {
            LineForm::Auth => self.logging_in = true,
            LineForm::Answer => {}
            _ => self.logging_in = false,
        }
        let line = self.with_hidden(kind, text.trim_end_matches(['\r', '\n']));
        self.owed.line(kind, &line, self.said.len());
        self.said.push(Said::Line(line.into_bytes()));
        if kind == LineForm::Bdat {
            self.said.push(Said::Chunk(self.stand_in_chunk(text)));
            self.chunk_left = None;
        }
    }

    /// Where the client goes on after a 220 to STARTTLS, TLS began (RFC 3207 section 4).
    fn begin_tls(&mut self) {
        if matches!(self.answered, Some((LineForm::StartTls, 220))) && self.owed.is_empty() {
            self.said.push(Said::Handshake);
            self.answered = None;
            self.owed.clear();
        }
    }

    /// Whether a reply to this is a new session's greeting.
    pub(super) fn begins_anew(&self, lines: &[String]) -> bool {
        let code = lines.first().and_then(|line| grammar::reply_code(line)).unwrap_or(0);
        let is_greeting = matches!(code, 220 | 554 | 421);
        let waits = self.owed.forms().all(|kind| kind == LineForm::Quit);
        self.has_begun()
            && (code == 220 || is_greeting && self.is_over())
            && waits
            && (self.owed.is_empty() || code == 220)
            && !matches!(self.answered, Some((LineForm::StartTls, 220)))
            && (self.greeted || self.client_spoke() && self.answered.is_some())
    }

    /// A whole reply.
    pub(super) fn reply(&mut self, mut lines: Vec<String>, here: Span) {
        if self.is_too_long() {
            return;
        }
        if let Some(last) = lines.last_mut().filter(|last| grammar::goes_on(last)) {
            last.replace_range(3..4, " ");
        }
        let code = lines.first().and_then(|line| grammar::reply_code(line)).unwrap_or(0);
        if !self.greeted
            && (self.answered.is_none() && !self.client_spoke()
                || matches!(code, 220 | 421 | 554) && self.answered.is_none())
        {
            return self.greeting(code, &lines, here);
        }
        let Some(kind) = self.asked(code, &lines, here) else { return };
        self.answer(kind, code, lines);
    }

    fn greeting(&mut self, code: u16, lines: &[String], here: Span) {
        if !(code == 220 || code >= 400) {
            return self.warn(here, "this reply answers nothing that is shown: it was left out", "");
        }
        self.greeted = true;
        self.said.push(Said::reply(lines));
        self.last_reply = lines.to_vec();
        if code >= 400 {
            // A server that refuses the session answers nothing more, whatever was sent already.
            self.owed.clear();
        }
    }

    fn answer(&mut self, kind: LineForm, code: u16, lines: Vec<String>) {
        self.greeted = true;
        self.answered = Some((kind, code));
        self.logging_in &= code != 235;
        self.said.push(Said::reply(&lines));
        self.last_reply = lines;
    }

    /// A keyword that a client printed below the reply to EHLO, without its code.
    pub(super) fn extend_hello(&mut self, keyword: &str) {
        let Some(last) = self.last_reply.last_mut() else { return };
        if last.len() > 3 {
            last.replace_range(3..4, "-");
        }
        self.last_reply.push(format!("250 {keyword}"));
        if let Some(said) = self.said.iter_mut().rev().find(|said| matches!(said, Said::Reply(_))) {
            *said = Said::reply(&self.last_reply);
        }
    }

    /// What a reply answers; nothing where it was said already or fits nothing.
    fn asked(&mut self, code: u16, lines: &[String], here: Span) -> Option<LineForm> {
        if let Some((kind, at)) = self.waited.take()
            && !self.owed.front().is_some_and(|(front, _)| grammar::may_answer(front, code) && front != LineForm::Quit)
            && grammar::may_answer(kind, code)
            && code != 221
        {
            // It came late: it takes the place of the silence.
            self.said[at] = Said::reply(lines);
            return None;
        }
        self.challenges_not_shown(code, here);
        self.upgrade_not_shown(code, here);
        self.replies_not_shown(code, here);
        let Some((kind, _)) = self.owed.front() else { return self.unasked(code, lines, here) };
        let later = self.owed.forms().skip(1).position(|kind| grammar::may_answer(kind, code) && code < 400);
        let fits = grammar::may_answer(kind, code);
        let is_sure = self.owed.count() == 1
            || !grammar::must_wait(kind)
            || later.is_none()
            || lines.len() > 1 && kind == LineForm::Hello;
        match (fits, later) {
            (true, _) if is_sure => {
                self.owed.settle(code);
                Some(kind)
            }
            (false, Some(later)) if self.owed.forms().take(later + 1).all(grammar::must_wait) => {
                (0..=later).for_each(|_| self.no_reply_shown(here));
                self.owed.settle(code).map(|(kind, _)| kind)
            }
            _ => {
                let what = self.oldest();
                self.misfits(here, format!("`{code}` does not answer `{what}`, which waits for its reply here"));
                None
            }
        }
    }

    /// The verb of what has waited longest; never more of the line.
    fn oldest(&self) -> String {
        match self.owed.front() {
            Some((LineForm::Message, _)) => "the message".to_owned(),
            Some((LineForm::Answer, _)) => "an answer of the login".to_owned(),
            Some((_, at)) => match self.said.get(at) {
                Some(Said::Line(line)) => split_verb(line).0.chars().take(10).collect(),
                _ => String::new(),
            },
            None => String::new(),
        }
    }

    /// A reply while none is owed.
    fn unasked(&mut self, code: u16, lines: &[String], here: Span) -> Option<LineForm> {
        if matches!(self.answered, Some((LineForm::Auth | LineForm::Answer, 334)))
            && grammar::may_answer(LineForm::Answer, code)
        {
            // A token that was refused is answered by an empty line.
            let has_message = self.said.iter().rev().find_map(|said| match said {
                Said::Line(line) => Some(split_verb(split_verb(line).1)),
                _ => None,
            });
            let is_token = has_message.is_some_and(|(name, message)| name.contains("OAUTH") && !message.is_empty());
            self.said.push(Said::Line(if is_token { Vec::new() } else { HIDDEN.as_bytes().to_vec() }));
            return Some(LineForm::Answer);
        }
        // Logs say a reply again where they tell what came of it.
        if self.last_reply == lines || self.last_reply.last() == lines.first() && lines.len() == 1 {
            return None;
        }
        if code == 421 {
            self.said.push(Said::reply(lines));
            return None;
        }
        if self.is_over() {
            self.warn(here, "this reply answers nothing that is shown: it was left out", "");
            return None;
        }
        self.misfits(here, format!("this reply, `{code}`, answers nothing: every command above has its reply"));
        None
    }
}

/// Whether a line of the client is MAIL.
fn is_mail(line: &[u8]) -> bool {
    split_verb(line).0 == "MAIL"
}
