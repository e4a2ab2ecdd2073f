//! Puts together what a transcript tells: lines of the client, replies, handshakes, mail data.
//!
//! Responsible for joining lines to replies and to mail data, and for what a transcript leaves out. Which side a line is
//! of is told by the notation.

use super::{Read, mistake};
use crate::recording::{MailData, Said, Server, split_verb};
use crate::scenario::{Diagnostic, Span};
use std::fmt::Write as _;

/// How many notices are given of lines that fit nothing: the first ones tell what is wrong.
const MAX_NOTICES: usize = 20;

/// Where EHLO stands among what a tool says by itself.
const TOOL_EHLO: usize = 2;

/// A conversation that is being read.
#[derive(Default)]
pub(super) struct Talk<'t> {
    said: Vec<Said>,
    server: Server,
    server_known: bool,
    /// The lines of a reply that goes on.
    reply: Vec<&'t str>,
    /// Mail data since a 354.
    data: Option<Vec<u8>>,
    /// Mail data that the transcript only mentions.
    suppressed: bool,
    closed: bool,
    /// Whether the first steps were taken by the tool itself.
    greeted_by_tool: bool,
    notices: Vec<Diagnostic>,
    /// The place of the line that is being read.
    here: Span,
    /// What a notation must remember from line to line.
    pub(super) mode: Mode,
}

/// Where in the text of a tool a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    #[default]
    Talking,
    /// What the tool says of itself.
    Noise,
    /// Behind a line that begins or ends such text.
    Border,
}

impl<'t> Talk<'t> {
    /// Goes on to the next line.
    pub(super) fn begin_line(&mut self, start: usize, line: &str) {
        self.here = Span::default().with_range(start, start + line.len());
    }

    pub(super) fn in_mail_data(&self) -> bool {
        self.data.is_some() && self.reply.is_empty()
    }

    /// Whether anything of the conversation was read.
    pub(super) fn has_begun(&self) -> bool {
        !self.said.is_empty() || !self.reply.is_empty()
    }

    /// Whether the client has said anything.
    pub(super) fn client_spoke(&self) -> bool {
        self.said.iter().any(|said| matches!(said, Said::Line(_)))
    }

    /// Whether an empty line would answer something: a challenge may be answered by one.
    pub(super) fn expects_line(&self) -> bool {
        matches!(self.said.last(), Some(Said::Reply(reply)) if reply.code() == 334)
    }

    /// Something that could not be carried over.
    pub(super) fn notice(&mut self, notice: Diagnostic) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push(notice);
        }
    }

    /// A line that is of neither side.
    pub(super) fn leave_out(&mut self) {
        let notice = Diagnostic::warning(self.here, "this line is of neither side: it was left out");
        self.notice(notice);
    }

    /// The place of the line that is being read.
    pub(super) fn here(&self) -> Span {
        self.here
    }

    /// `HOST:PORT`, `[ADDRESS]:PORT` or `HOST`, with the port apart or not at all.
    pub(super) fn server_is(&mut self, address: &str, port: Option<&str>) {
        let address = address.trim_matches(['[', ']']);
        let (host, joined) = match address.rsplit_once(':') {
            Some((host, port))
                if port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) =>
            {
                (host.trim_matches(['[', ']']), Some(port))
            }
            _ => (address, None),
        };
        let is_host = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | ':' | '_');
        if host.is_empty() || host.len() > 255 || !host.chars().all(is_host) {
            return;
        }
        self.server_known = true;
        host.clone_into(&mut self.server.host);
        if let Some(port) = port.or(joined).and_then(|port| port.parse().ok()) {
            self.server.port = port;
        }
    }

    /// The name of the server, where its address is known already.
    pub(super) fn server_named(&mut self, host: &str) {
        let port = self.server.port;
        self.server_is(host, Some(&port.to_string()));
    }

    /// A line of the client.
    pub(super) fn client(&mut self, line: &str) {
        self.end_reply();
        match &mut self.data {
            Some(data) if line == "." => {
                let octets = std::mem::take(data);
                self.data = None;
                self.said.push(Said::MailData(MailData { octets, left_out: 0 }));
            }
            Some(data) => {
                // Dots at the start of a line are doubled on the wire.
                data.extend_from_slice(line.strip_prefix('.').unwrap_or(line).as_bytes());
                data.extend_from_slice(b"\r\n");
            }
            None => self.said.push(Said::Line(line.as_bytes().to_vec())),
        }
    }

    /// The client sent mail data that the transcript does not show.
    pub(super) fn mail_data_is_missing(&mut self) {
        if self.data.is_some() {
            self.suppressed = true;
        }
    }

    /// A line of the server.
    pub(super) fn server(&mut self, line: &'t str) {
        if self.data.is_some() && self.reply.is_empty() {
            self.missing_mail_data();
        }
        self.reply.push(line);
        if line.as_bytes().get(3) != Some(&b'-') {
            self.end_reply();
        }
    }

    /// Both sides shook hands; before the first reply it means implicit TLS.
    pub(super) fn handshake(&mut self) {
        self.end_reply();
        if self.said.is_empty() {
            self.server.implicit_tls = true;
            self.server.port = if self.server.port == 25 { 465 } else { self.server.port };
        } else if !matches!(self.said.last(), Some(Said::Handshake)) {
            self.said.push(Said::Handshake);
        }
    }

    /// The server closed without being asked to.
    pub(super) fn server_closed(&mut self) {
        self.end_reply();
        self.closed = true;
    }

    /// Something that a reader of the scenario should know.
    pub(super) fn remark(&mut self, text: &str) {
        self.end_reply();
        self.said.push(Said::Remark(text.to_owned()));
    }

    /// What `openssl s_client -starttls smtp` says before it hands over.
    pub(super) fn greeted_by_tool(&mut self) {
        self.greeted_by_tool = true;
        self.said.push(Said::Remark("openssl did these steps, up to STARTTLS, by itself".to_owned()));
        self.said.push(Said::reply(&["220 "]));
        self.said.push(Said::Line(b"EHLO client.example".to_vec()));
        self.said.push(Said::reply(&["250-", "250 STARTTLS"]));
        self.said.push(Said::Line(b"STARTTLS".to_vec()));
        self.said.push(Said::reply(&["220 "]));
        self.said.push(Said::Handshake);
    }

    fn end_reply(&mut self) {
        let Some(last) = self.reply.last() else { return };
        let goes_on = last.as_bytes().get(3) == Some(&b'-');
        let mut lines: Vec<String> = self.reply.drain(..).map(str::to_owned).collect();
        if let Some(last) = lines.last_mut().filter(|_| goes_on) {
            last.replace_range(3..4, " ");
        }
        let reply = Said::reply(&lines);
        if let Said::Reply(reply) = &reply
            && reply.code() == 354
        {
            self.data = Some(Vec::new());
        }
        self.said.push(reply);
    }

    /// The server answered mail data that no line shows: a message takes its place.
    fn missing_mail_data(&mut self) {
        let shown = self.data.take().unwrap_or_default();
        self.suppressed = false;
        let octets = if shown.is_empty() { self.stand_in() } else { shown };
        let notice =
            Diagnostic::warning(self.here, "the message before this reply is not shown: another stands in its place");
        self.notice(notice.help("write what is to be sent under `data:`"));
        self.said
            .push(Said::Remark("the transcript does not show the message: this one stands in its place".to_owned()));
        self.said.push(Said::MailData(MailData { octets, left_out: 0 }));
    }

    /// A message from and to those of the envelope.
    fn stand_in(&self) -> Vec<u8> {
        let mut fields = String::new();
        for said in &self.said {
            let Said::Line(line) = said else { continue };
            let line = String::from_utf8_lossy(line);
            let address =
                line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address);
            let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "MAIL" => fields = format!("From: <{address}>\r\n"),
                "RCPT" if !fields.contains("\r\nTo:") => _ = write!(fields, "To: <{address}>\r\n"),
                _ => {}
            }
        }
        format!("{fields}Date: now\r\nMessage-ID: <1@example.com>\r\nSubject: Test\r\n\r\nThis is a test.\r\n")
            .into_bytes()
    }

    /// A session that was pasted without its beginning begins with the greeting all the same.
    fn begin_with_greeting(&mut self) {
        let first = self.said.iter().find_map(|said| match said {
            Said::Reply(reply) => Some(reply.code()),
            _ => None,
        });
        if matches!(self.said.first(), Some(Said::Line(_))) && first.is_some_and(|code| code != 220) {
            let notice = Diagnostic::warning(
                Span::default(),
                "the greeting of the server is missing: `^220` stands in its place",
            );
            self.notice(notice);
            self.said.insert(0, Said::reply(&["220 "]));
        }
    }

    /// The name that the client gives itself, for the EHLO that was said for it.
    fn say_what_the_tool_said(&mut self) {
        let name = self.said.iter().skip(TOOL_EHLO + 1).find_map(|said| match said {
            Said::Line(line) if split_verb(line).0 == "EHLO" => Some(line.clone()),
            _ => None,
        });
        if let (Some(name), true) = (name, self.greeted_by_tool) {
            self.said[TOOL_EHLO] = Said::Line(name);
        }
    }

    /// Everything that was read.
    pub(super) fn finish(mut self) -> Read {
        self.end_reply();
        if let Some(octets) = self.data.take().filter(|data| !data.is_empty()) {
            self.said.push(Said::MailData(MailData { octets, left_out: 0 }));
            let notice = Diagnostic::warning(self.here, "the transcript ends within the message");
            self.notice(notice);
        }
        if self.closed {
            self.said.push(Said::ServerClosed);
        }
        self.say_what_the_tool_said();
        self.begin_with_greeting();
        let mut mistakes = Vec::new();
        let replies = self.said.iter().any(|said| matches!(said, Said::Reply(_)));
        if !replies {
            mistakes.push(mistake("no reply of a server is found in this".to_owned()));
        } else if !self.client_spoke() && !self.said.iter().any(|said| matches!(said, Said::ServerClosed)) {
            let text = "only what the server said stands in this: no line of the client".to_owned();
            let help =
                "copy the conversation from the terminal: a redirected telnet or openssl does not print what it sends";
            mistakes.push(mistake(text).help(help));
        }
        if !self.server_known && mistakes.is_empty() {
            let no_server = "the transcript does not say which server this was: `mail.example.com` stands in its place";
            self.notice(Diagnostic::warning(Span::default(), no_server));
        }
        let conversation = crate::recording::Conversation { server: self.server, said: self.said };
        Read { conversation, mistakes, notices: self.notices, complete: None }
    }
}
