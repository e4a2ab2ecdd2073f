//! One session of a transcript, as it is put together.
//!
//! Responsible for what belongs to what: each reply to the oldest command that waits for one, answers to their challenges,
//! handshakes to STARTTLS. A reply that does not fit what it would answer ends the reading: nothing is guessed.

use super::credentials;
use super::event::{self, LogEvent};
use super::grammar::{self, LineForm};
use crate::recording::{RecordedMailData, RecordedServer, Said, split_verb};
use crate::scenario::write::DraftExpect;
use crate::scenario::{Diagnostic, Span};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::VecDeque;
use std::fmt::Write as _;

/// What stands for a credential that a log does not show.
const HIDDEN: &str = "<hidden>";
/// The most octets of a message that are kept.
const MAX_MESSAGE: usize = 64 * 1024;

/// A session that is being read.
#[derive(Default)]
pub(super) struct LogSession {
    pub(super) said: Vec<Said>,
    pub(super) server: RecordedServer,
    pub(super) server_known: bool,
    /// Names for addresses, as logs tell them.
    aliases: Vec<(String, String)>,
    /// The replies that are owed: what each answers, and where it stands in `said`.
    owed: VecDeque<(LineForm, usize)>,
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
    lmtp: bool,
    recipients: usize,
    /// Credentials that are in no line of the session.
    pub(super) stray_credentials: Vec<String>,
}

impl LogSession {
    pub(super) fn has_begun(&self) -> bool {
        self.said.iter().any(|said| !matches!(said, Said::Remark(_)))
    }

    pub(super) fn client_spoke(&self) -> bool {
        self.said.iter().any(|said| matches!(said, Said::Line(_)))
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

    /// Whether the session has come to its end.
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
        self.begin_tls();
        if kind == LineForm::Hello && self.owed.iter().any(|(owed, _)| *owed == LineForm::Hello) && self.greeted {
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
        match split_verb(text.as_bytes()).0.as_str() {
            "LHLO" => self.lmtp = true,
            "EHLO" | "HELO" => self.lmtp = false,
            "MAIL" => self.recipients = 0,
            _ => {}
        }
        let line = self.with_hidden(kind, text.trim_end_matches(['\r', '\n']));
        self.owed.push_back((kind, self.said.len()));
        self.said.push(Said::Line(line.into_bytes()));
        if kind == LineForm::Bdat {
            self.said.push(Said::Chunk(self.stand_in_chunk(text)));
        }
    }

    /// Two answers to one challenge: the one that can be read was it, or else the one right before the reply. The other may
    /// be a credential all the same. `true`: the new one was not it.
    fn answers_again(&mut self, text: &str, here: Span) -> bool {
        let Some((LineForm::Answer, at)) = self.owed.back().copied() else { return false };
        let Some(Said::Line(line)) = self.said.get(at) else { return false };
        let first = String::from_utf8_lossy(line).into_owned();
        let can_be_read = |text: &str| grammar::is_hidden(text) || credentials::is_text(text.trim());
        let keeps_first = can_be_read(&first) && !can_be_read(text);
        self.warn(here, "two lines answer one challenge: one of them was left out", "");
        self.stray_credentials.push(if keeps_first { text.trim().to_owned() } else { first });
        if !keeps_first {
            self.owed.pop_back();
            self.said.remove(at);
        }
        keeps_first
    }

    /// A line of a login with one sign for all the ways in which logs hide credentials.
    fn with_hidden(&self, kind: LineForm, text: &str) -> String {
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

    /// Where the client goes on after a 220 to STARTTLS, TLS began (RFC 3207 section 4).
    fn begin_tls(&mut self) {
        if matches!(self.answered, Some((LineForm::StartTls, 220))) && self.owed.is_empty() {
            self.said.push(Said::Handshake);
            self.answered = None;
        }
    }

    /// Whether a reply to this is a new session's greeting.
    pub(super) fn begins_anew(&self, lines: &[String]) -> bool {
        let code = lines.first().and_then(|line| grammar::reply_code(line)).unwrap_or(0);
        let is_greeting = matches!(code, 220 | 554 | 421);
        let waits = self.owed.iter().all(|(kind, _)| *kind == LineForm::Quit);
        self.has_begun()
            && (code == 220 || is_greeting && self.is_over())
            && waits
            && (self.owed.is_empty() || code == 220)
            && !matches!(self.answered, Some((LineForm::StartTls, 220)))
            && (self.greeted || self.client_spoke() && self.answered.is_some())
    }

    /// A whole reply.
    pub(super) fn reply(&mut self, mut lines: Vec<String>, here: Span) {
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
        self.recipients += usize::from(kind == LineForm::MailOrRcpt && code < 300 && self.is_rcpt());
        self.logging_in &= code != 235;
        self.said.push(Said::reply(&lines));
        self.last_reply = lines;
    }

    fn is_rcpt(&self) -> bool {
        let last = self.said.iter().rev().find_map(|said| match said {
            Said::Line(line) => Some(split_verb(line).0),
            _ => None,
        });
        last.as_deref() != Some("MAIL")
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
            && !self
                .owed
                .front()
                .is_some_and(|(front, _)| grammar::may_answer(*front, code) && *front != LineForm::Quit)
            && grammar::may_answer(kind, code)
            && code != 221
        {
            // It came late: it takes the place of the silence.
            self.said[at] = Said::reply(lines);
            return None;
        }
        let Some((kind, _)) = self.owed.front().copied() else { return self.unasked(code, lines, here) };
        let later = self.owed.iter().skip(1).position(|(kind, _)| grammar::may_answer(*kind, code) && code < 400);
        let fits = grammar::may_answer(kind, code);
        let is_sure = self.owed.len() == 1
            || !grammar::must_wait(kind)
            || later.is_none()
            || lines.len() > 1 && kind == LineForm::Hello;
        match (fits, later) {
            (true, _) if is_sure => {
                self.owed.pop_front();
                Some(kind)
            }
            (false, Some(later)) if self.owed.iter().take(later + 1).all(|(kind, _)| grammar::must_wait(*kind)) => {
                (0..=later).for_each(|_| self.no_reply_shown(here));
                self.owed.pop_front().map(|(kind, _)| kind)
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
            Some((_, at)) => match self.said.get(*at) {
                Some(Said::Line(line)) => split_verb(line).0.chars().take(10).collect(),
                _ => String::new(),
            },
            None => String::new(),
        }
    }

    /// The reply to the oldest command is not in the transcript: any will do.
    fn no_reply_shown(&mut self, here: Span) {
        if let Some((_, at)) = self.owed.pop_front() {
            let any = DraftExpect::Fields(vec![("code".to_owned(), "any".to_owned())]);
            self.said.insert(at + 1, Said::Wanted(0, any));
            self.owed.iter_mut().for_each(|(_, place)| *place += 1);
            self.warn(here, "the reply to a command above is not shown: any reply will do", "");
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

    /// The end of mail data.
    pub(super) fn message(&mut self, mut octets: Vec<u8>) {
        let left_out = octets.len().saturating_sub(MAX_MESSAGE);
        if left_out > 0 {
            let end =
                octets[..MAX_MESSAGE].windows(2).rposition(|pair| pair == b"\r\n").map_or(MAX_MESSAGE, |at| at + 2);
            octets.truncate(end);
        }
        let replies = if self.lmtp { self.recipients.max(1) } else { 1 };
        let left_out = if left_out > 0 { (left_out + MAX_MESSAGE - octets.len()) as u64 } else { 0 };
        self.said.push(Said::RecordedMailData(RecordedMailData { octets, left_out }));
        self.owed.extend(std::iter::repeat_n((LineForm::Message, self.said.len() - 1), replies));
    }

    /// A message takes the place of one that is not shown.
    pub(super) fn message_not_shown(&mut self, here: Span) {
        self.warn(
            here,
            "the message before this reply is not shown: another stands in its place",
            "write what is to be sent under `data:`",
        );
        self.said
            .push(Said::Remark("the transcript does not show the message: this one stands in its place".to_owned()));
        let octets = self.stand_in();
        self.message(octets);
    }

    /// A message from and to those of the envelope.
    fn stand_in(&self) -> Vec<u8> {
        let mut fields = String::new();
        for said in &self.said {
            let Said::Line(line) = said else { continue };
            let line = String::from_utf8_lossy(line);
            let address =
                line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address);
            match split_verb(line.as_bytes()).0.as_str() {
                "MAIL" => fields = format!("From: <{address}>\r\n"),
                "RCPT" if !fields.contains("\r\nTo:") => _ = write!(fields, "To: <{address}>\r\n"),
                _ => {}
            }
        }
        format!("{fields}Date: now\r\nMessage-ID: <1@example.com>\r\nSubject: Test\r\n\r\nThis is a test.\r\n")
            .into_bytes()
    }

    /// A chunk of the size that was announced.
    fn stand_in_chunk(&self, command: &str) -> RecordedMailData {
        let size: usize = command.split_whitespace().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
        let mut octets = self.stand_in();
        let filler = b"This line takes the place of one that is not shown here, of a message.\r\n";
        while octets.len() < size.min(MAX_MESSAGE) {
            octets.extend_from_slice(filler);
        }
        if size <= MAX_MESSAGE {
            octets.truncate(size);
            if size >= 2 {
                octets.truncate(size - 2);
                octets.extend_from_slice(b"\r\n");
            }
        }
        let left_out = size.saturating_sub(octets.len()) as u64;
        RecordedMailData { octets, left_out }
    }

    /// Something that happened beside the lines.
    pub(super) fn happened(&mut self, event: LogEvent, here: Span) {
        match event {
            LogEvent::To { host, port, tls, .. } => self.server_is(&host, port, tls),
            LogEvent::Alias { host, of } => self.aliases.push((of, host)),
            LogEvent::Handshake => self.handshake(),
            LogEvent::HandshakeFailed(words) => self.handshake_failed(&words, here),
            LogEvent::ServerClosed if self.has_begun() => self.closed = Some(Said::ServerClosed),
            LogEvent::ClientClosed if self.has_begun() && self.closed.is_none() => {
                self.closed = Some(Said::ClientClosed);
            }
            LogEvent::TimedOut(seconds) => self.timed_out(seconds, here),
            LogEvent::LoginNotShown(mechanism) => {
                let text = if mechanism.eq_ignore_ascii_case("LOGIN") {
                    "AUTH LOGIN".to_owned()
                } else {
                    format!("AUTH {mechanism} {HIDDEN}")
                };
                self.client(LineForm::Auth, &text, here);
            }
            LogEvent::LoginEnded(succeeded) => self.login_ended(succeeded),
            _ => {}
        }
    }

    fn login_ended(&mut self, succeeded: bool) {
        if matches!(self.owed.front(), Some((LineForm::Auth, _))) && self.owed.len() == 1 {
            if self.said.last().is_some_and(|said| matches!(said, Said::Line(line) if line == b"AUTH LOGIN")) {
                for prompt in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    self.said.push(Said::reply(&[prompt]));
                    self.said.push(Said::Line(HIDDEN.as_bytes().to_vec()));
                }
            }
            self.owed.pop_front();
            let line = if succeeded { "235 " } else { "535 " };
            self.answer(LineForm::Auth, if succeeded { 235 } else { 535 }, vec![line.to_owned()]);
        }
    }

    fn server_is(&mut self, host: &str, port: Option<u16>, tls: bool) {
        let joined = port.map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let alias =
            self.aliases.iter().rev().find(|(of, _)| *of == joined || *of == host).map(|(_, host)| host.clone());
        let (name, port) = match &alias {
            Some(alias) => match alias.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') => (name.to_owned(), digits.parse().ok()),
                _ => (alias.clone(), port),
            },
            None => (host.to_owned(), port),
        };
        let is_address =
            |host: &str| host.contains(':') || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let is_host = !name.is_empty()
            && name.len() <= 255
            && name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | ':' | '_'));
        if is_host && (!self.server_known || is_address(&self.server.host) || !is_address(&name)) {
            self.server.host = name;
            self.server_known = true;
        }
        if let Some(port) = port.filter(|port| *port > 0) {
            self.server.port = port;
        }
        if tls && !self.greeted {
            self.server.implicit_tls = true;
            self.server.port = if self.server.port == 25 { 465 } else { self.server.port };
        }
    }

    /// Both sides shook hands; before the first reply it means implicit TLS.
    pub(super) fn handshake(&mut self) {
        if self.has_begun() {
            return self.begin_tls();
        }
        self.server.implicit_tls = true;
        self.server.port = if self.server.port == 25 { 465 } else { self.server.port };
    }

    fn handshake_failed(&mut self, words: &str, here: Span) {
        if matches!(self.answered, Some((LineForm::StartTls, 220))) && self.owed.is_empty() {
            self.said.push(Said::HandshakeFailed(event::reason(words).to_owned()));
            self.answered = None;
            self.warn(here, "the handshake failed here: `fails` expects that", "");
        } else if !self.has_begun() {
            self.warn(
                here,
                "the connection failed here: what came of it is not carried over",
                "to expect a failed handshake or connection, write `fails:`",
            );
        }
    }

    fn timed_out(&mut self, seconds: Option<u32>, here: Span) {
        let Some((kind, _)) = self.owed.pop_front() else { return };
        let length = format!("{}s", seconds.unwrap_or(30));
        self.waited = Some((kind, self.said.len()));
        self.said.push(Said::Wanted(0, DraftExpect::Fields(vec![("silence".to_owned(), length)])));
        self.warn(here, "the client waited in vain here", "");
    }

    /// What `openssl s_client -starttls smtp` says before it hands over.
    pub(super) fn greet_by_tool(&mut self) {
        if self.has_begun() {
            return;
        }
        self.greeted_by_tool = true;
        self.greeted = true;
        self.said.push(Said::Remark("openssl did these steps, up to STARTTLS, by itself".to_owned()));
        self.said.push(Said::reply(&["220 "]));
        self.said.push(Said::Line(b"EHLO client.example".to_vec()));
        self.said.push(Said::reply(&["250-", "250 STARTTLS"]));
        self.said.push(Said::Line(b"STARTTLS".to_vec()));
        self.said.push(Said::reply(&["220 "]));
        self.said.push(Said::Handshake);
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.say_what_the_tool_said();
        self.begin_with_greeting();
        if let Some(closed) = self.closed.take().filter(|closed| matches!(closed, Said::ServerClosed)) {
            self.said.push(closed);
        }
    }

    /// The name that the client gives itself, for the EHLO that was said for it.
    fn say_what_the_tool_said(&mut self) {
        const TOOL_EHLO: usize = 2;
        let name = self.said.iter().skip(TOOL_EHLO + 1).find_map(|said| match said {
            Said::Line(line) if split_verb(line).0 == "EHLO" => Some(line.clone()),
            _ => None,
        });
        if let (Some(name), true) = (name, self.greeted_by_tool) {
            self.said[TOOL_EHLO] = Said::Line(name);
        }
    }

    /// A session that was pasted without its beginning begins with the greeting all the same.
    fn begin_with_greeting(&mut self) {
        let first = self.said.iter().find_map(|said| match said {
            Said::Reply(reply) => Some(reply.code()),
            _ => None,
        });
        if matches!(self.said.first(), Some(Said::Line(_)))
            && first.is_some_and(|code| !matches!(code, 220 | 421 | 554))
        {
            self.warn(Span::default(), "the greeting of the server is missing: `^220` stands in its place", "");
            self.said.insert(0, Said::reply(&["220 "]));
        }
    }
}
