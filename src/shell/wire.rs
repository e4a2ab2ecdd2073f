//! What goes over the wire and comes back: lines as they are typed, their replies, and what nobody asked for.
//!
//! Responsible for waiting: each line waits for the replies it owes, so that the next is never sent too early, unless
//! lines are held back to be sent at once.

use super::connection::seconds;
use super::line::unescaped;
use super::{LineOutcome, PromptPhase, Shell, TYPED};
use crate::net::signals::Signals;
use crate::recording::Said;
use crate::session::{Answered, Outgoing, Session, Trouble};
use crate::smtp::command::Verb;
use crate::smtp::dialogue::Awaited;
use std::time::Duration;

/// More octets that nobody asked for are a flood, which ends the session: all of it is kept and shown.
const MAX_UNASKED: usize = 256 * 1024;
/// How long the server may take to close after its reply to QUIT.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why no reply came.
enum Missing {
    Trouble(Trouble),
    Interrupted,
}

impl Shell {
    /// A line as it was typed.
    pub(super) async fn send_typed(&mut self, line: &[u8]) {
        self.log.begin_step(TYPED);
        self.send(line).await;
        self.log.begin_step("");
    }

    /// Sends a line and waits for what it owes.
    pub(super) async fn send(&mut self, line: &[u8]) {
        if self.session.is_none() {
            return self.not_connected();
        }
        if self.awaits_handshake {
            return self.complain("the server waits for the TLS handshake: `.starttls` shakes hands");
        }
        let bytes = [line, b"\r\n"].concat();
        if let Some(held) = self.held.as_mut().filter(|_| self.phase != PromptPhase::MailData) {
            held.extend(bytes);
            return;
        }
        self.write(&bytes).await;
    }

    /// Writes bytes and waits for what they owe.
    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.learn_credentials(bytes);
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let Some(session) = self.session.as_mut() else { return self.not_connected() };
        let name = session.name().clone();
        match bytes.strip_suffix(b"\r\n") {
            Some(lines) => lines.split(|byte| *byte == b'\n').for_each(|line| {
                self.log.client_bytes(&name, line.strip_suffix(b"\r").unwrap_or(line));
            }),
            None => self.log.client_bytes(&name, bytes),
        }
        let wait = self.settings.timeout;
        self.heard_unasked = false;
        // What is typed is shown as it is; credentials in it are masked since they are known.
        let outgoing = Outgoing { bytes, shown: &shown, secret: false };
        let outcome = session.write(outgoing, wait, &self.log).await;
        self.tap.client(bytes);
        self.said_quit |= bytes.to_ascii_uppercase().starts_with(b"QUIT\r\n");
        match outcome {
            Ok(()) => self.read_owed().await,
            Err(trouble) => self.trouble(&trouble, "taking what was sent"),
        }
    }

    /// Reads every reply that is owed.
    pub(super) async fn read_owed(&mut self) {
        while self.session.as_ref().is_some_and(|session| session.dialogue().owed() > 0) {
            if self.read_reply().await.is_none() {
                return;
            }
        }
        if self.said_quit {
            self.await_close().await;
        }
    }

    /// Reads one reply; `None` where none came, which is reported.
    pub(super) async fn read_reply(&mut self) -> Option<Answered> {
        let (wait, interruptible) = (self.settings.timeout, self.settings.interruptible);
        let session = self.session.as_mut()?;
        let outcome = tokio::select! {
            outcome = session.read_reply(wait, &mut self.log) => outcome.map_err(Missing::Trouble),
            () = interruption(interruptible) => Err(Missing::Interrupted),
        };
        match outcome {
            Err(Missing::Interrupted) => {
                self.complain("given up waiting; the reply stays owed: `.wait` waits on");
                None
            }
            Err(Missing::Trouble(trouble)) => self.heard(Err(trouble), "a reply"),
            Ok(answer) => self.heard(Ok(answer), "a reply"),
        }
    }

    /// Takes in what was read.
    pub(super) fn heard(&mut self, outcome: Result<Answered, Trouble>, what: &str) -> Option<Answered> {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(trouble) => {
                self.trouble(&trouble, what);
                return None;
            }
        };
        self.tap.server(answer.reply.raw());
        let code = answer.reply.code();
        self.verdict.refused |= code >= 400;
        self.awaits_handshake = answer.command == Some(Awaited::Command(Verb::StartTls)) && code == 220;
        if answer.command == Some(Awaited::Greeting) {
            self.greeting = answer.reply.joined().into_owned();
        }
        self.follow(answer.command, code);
        self.last_reply = Some(answer.reply.clone());
        self.advise(code);
        if answer.command.is_none() {
            self.heard_unasked = true;
            self.count_unasked(answer.reply.raw().len());
        }
        Some(answer)
    }

    /// A server that does not stop talking is not listened to any longer.
    fn count_unasked(&mut self, octets: usize) {
        self.unasked += octets;
        if self.unasked > MAX_UNASKED && self.session.is_some() {
            self.complain("the server does not stop talking: the connection is given up");
            self.lost();
        }
    }

    /// What may be done next, where a person may not know.
    fn advise(&mut self, code: u16) {
        if **self.log.step() != *TYPED {
            return;
        }
        if self.awaits_handshake {
            self.hint("the server waits for the TLS handshake: `.starttls` shakes hands");
        } else if code == 354 {
            self.hint("mail data: lines go out as they are typed, a leading dot too (double it); a line `.` ends it");
        } else if code == 334 {
            self.hint("an answer in base64 is due, or `*` to cancel; `.auth` does this by itself");
        }
    }

    /// Says what went wrong.
    pub(super) fn trouble(&mut self, trouble: &Trouble, what: &str) {
        let owed = self.session.as_ref().map_or(0, |session| session.dialogue().owed());
        match trouble {
            Trouble::Closed { arrived } | Trouble::Broken { arrived, .. } => {
                self.tap.server(arrived);
                if owed > 0 && !self.said_quit {
                    self.complain("the server closed before it replied");
                } else if !self.said_quit {
                    self.hint("`.connect` opens the connection again");
                }
                self.lost();
            }
            Trouble::Malformed { fault, bytes } => {
                self.tap.server(bytes);
                if let Some(session) = self.session.as_mut() {
                    session.settle_malformed();
                }
                self.complain(&format!("this is no reply: {fault}"));
                if owed == 0 {
                    self.count_unasked(bytes.len());
                }
            }
            Trouble::Timeout { waited, arrived } => {
                self.tap.server(arrived);
                let waited = seconds(*waited);
                self.complain(&match (owed, arrived.is_empty()) {
                    (0, true) => format!("nothing came within {waited}, and no reply is owed"),
                    (_, true) => format!("no reply within {waited}; `.wait` waits on"),
                    (_, false) => format!("no reply within {waited}; only a part of it came; `.wait` waits on"),
                });
            }
            Trouble::NotOpen => self.not_connected(),
            other => {
                self.complain(&format!("{what} failed: {other:?}"));
                self.lost();
            }
        }
    }

    /// After the reply to QUIT the server closes.
    async fn await_close(&mut self) {
        let wait = FAREWELL.min(self.settings.timeout);
        let Some(session) = self.session.as_mut() else { return };
        if session.read_end(wait, &mut self.log).await.is_ok() {
            self.lost();
        }
    }

    // --- commands ----------------------------------------------------------------------------------------------

    pub(super) async fn ehlo(&mut self, name: &str) {
        let name = if name.is_empty() { self.settings.hello.clone() } else { name.to_owned() };
        self.send(format!("EHLO {name}").as_bytes()).await;
    }

    pub(super) async fn raw(&mut self, text: &str) {
        match unescaped(text) {
            Ok(bytes) => self.send_bytes(&bytes, "TEXT").await,
            Err(message) => self.complain(&message),
        }
    }

    pub(super) async fn hex(&mut self, digits: &str) {
        match crate::scenario::decode_hex(digits) {
            Ok(bytes) => self.send_bytes(&bytes, "DIGITS").await,
            Err(misread) => self.complain(&misread.to_string()),
        }
    }

    async fn send_bytes(&mut self, bytes: &[u8], what: &str) {
        if bytes.is_empty() {
            return self.complain(&format!("there is nothing to send: give {what}"));
        }
        match self.held.as_mut() {
            Some(held) => held.extend(bytes),
            None => self.write(bytes).await,
        }
    }

    pub(super) fn pipeline(&mut self) {
        if self.session.is_none() {
            return self.not_connected();
        }
        self.held.get_or_insert_default();
        self.hint("lines are held back; `.wait` sends them at once");
    }

    pub(super) async fn wait(&mut self) {
        if let Some(held) = self.held.take().filter(|held| !held.is_empty()) {
            return self.write(&held).await;
        }
        if self.session.is_none() {
            return self.not_connected();
        }
        if self.session.as_ref().is_some_and(|session| session.dialogue().owed() > 0) {
            self.read_owed().await;
        } else if self.settings.interruptible {
            // At a terminal the server is heard between two lines as well.
            self.hint("no reply is owed: what the server says all the same is shown as it comes");
        } else if !self.heard_unasked {
            self.hint("no reply is owed: this waits for one that comes all the same; Ctrl-C ends it");
            self.read_reply().await;
        }
    }

    pub(super) async fn quit(&mut self) -> LineOutcome {
        if self.session.as_ref().is_some_and(Session::is_alive) && !self.awaits_handshake && !self.said_quit {
            self.held = None;
            self.send(b"QUIT").await;
        }
        if let Some(session) = self.session.as_mut() {
            session.close(&mut self.log).await;
            self.session = None;
            self.tap.end(Said::ClientClosed);
        }
        LineOutcome::End
    }
}

/// Ctrl-C, where it ends a wait.
pub(super) async fn interruption(wanted: bool) {
    if !wanted {
        std::future::pending::<()>().await;
    }
    Signals::interrupt().next().await;
}
