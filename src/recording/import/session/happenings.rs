//! What happened to a session beside its lines: which server it was, handshakes, time-outs, what a tool did by itself,
//! and its end.

use super::{HIDDEN, LogSession};
use crate::recording::import::event::{self, LogEvent};
use crate::recording::import::grammar::LineForm;
use crate::recording::{Said, split_verb};
use crate::scenario::Span;
use crate::scenario::write::DraftExpect;
use crate::smtp::ports::{SMTP_PORT, SUBMISSIONS_PORT};

impl LogSession {
    /// Something that happened beside the lines.
    pub(in crate::recording::import) fn happened(&mut self, event: LogEvent, here: Span) {
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
        if matches!(self.owed.front(), Some((LineForm::Auth, _))) && self.owed.count() == 1 {
            if self.said.last().is_some_and(|said| matches!(said, Said::Line(line) if line == b"AUTH LOGIN")) {
                for prompt in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    self.said.push(Said::reply(&[prompt]));
                    self.said.push(Said::Line(HIDDEN.as_bytes().to_vec()));
                }
            }
            let code = if succeeded { 235 } else { 535 };
            self.owed.settle(code);
            self.answer(LineForm::Auth, code, vec![format!("{code} ")]);
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
            self.server.port = if self.server.port == SMTP_PORT { SUBMISSIONS_PORT } else { self.server.port };
        }
    }

    /// Both sides shook hands; before the first reply it means implicit TLS.
    pub(in crate::recording::import) fn handshake(&mut self) {
        if self.has_begun() {
            return self.begin_tls();
        }
        self.server.implicit_tls = true;
        self.server.port = if self.server.port == SMTP_PORT { SUBMISSIONS_PORT } else { self.server.port };
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
        let Some((kind, _)) = self.owed.settle(0) else { return };
        let length = format!("{}s", seconds.unwrap_or(30));
        self.waited = Some((kind, self.said.len()));
        self.said.push(Said::Wanted(0, DraftExpect::Fields(vec![("silence".to_owned(), length)])));
        self.warn(here, "the client waited in vain here", "");
    }

    /// What `openssl s_client -starttls smtp` and its like say before they hand over.
    pub(in crate::recording::import) fn greet_by_tool(&mut self, tool: &str) {
        if self.has_begun() {
            return;
        }
        self.greeted_by_tool = true;
        self.greeted = true;
        self.said.push(Said::Remark(format!("{tool} did these steps, up to STARTTLS, by itself")));
        self.said.push(Said::reply(&["220 "]));
        self.said.push(Said::Line(b"EHLO client.example".to_vec()));
        self.said.push(Said::reply(&["250-", "250 STARTTLS"]));
        self.said.push(Said::Line(b"STARTTLS".to_vec()));
        self.said.push(Said::reply(&["220 "]));
        self.said.push(Said::Handshake);
    }

    /// Nothing more comes.
    pub(in crate::recording::import) fn end(&mut self) {
        self.say_what_the_tool_said();
        self.begin_with_greeting();
        if let Some(closed) = self.closed.take().filter(|closed| matches!(closed, Said::ServerClosed)) {
            self.said.push(closed);
        }
        // A log may hold thousands of sessions.
        self.said.shrink_to_fit();
        self.last_reply = Vec::new();
        self.owed.forget();
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
