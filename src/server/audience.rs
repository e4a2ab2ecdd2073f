//! Who hears what is said on a connection, and may answer in the protocol's place.
//!
//! The dialogue reports every line and octet to an audience. The sandbox's, here, writes its log and asks the rules in front of it,
//! where there are any; a scripted server's (`host::rules`) writes the transcript and has the rules of its scenario.

use super::acceptor::Accepted;
use super::log::SessionLog;
use super::rulebook::{Interjection, Interjector, RuleFault};
use std::sync::Arc;

/// By what the octets of a message end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageEnd {
    Dot,
    Chunk,
}

/// Hears one connection's dialogue.
pub(crate) trait Audience {
    /// The client said a line, its end included; `secret` if it answers a challenge.
    fn client(&mut self, line: &[u8], secret: bool);

    /// The server replies, without the last CRLF.
    fn server(&mut self, replies: &str);

    /// What a rule says goes out now.
    fn interject(&mut self, interjection: &Interjection);

    /// Something is worth a note.
    fn remark(&mut self, text: impl FnOnce() -> String);

    /// The handshake is done.
    fn tls_started(&mut self, accepted: Arc<Accepted>);

    /// A message begins, or goes on with a further chunk.
    fn message_begins(&mut self, goes_on: bool);

    /// The next octets of the message, its transparency undone.
    fn content(&mut self, octets: &[u8]);

    /// The message has come, or a chunk of it.
    fn message_came(&mut self, end: MessageEnd);

    /// A message after DATA was taken.
    fn message_taken(&mut self);

    /// Whether there are rules to ask.
    fn has_rules(&self) -> bool;

    /// What a rule answers to a line without its end, if one does; a `secret` one is never shown. The end of the mail data
    /// is the line `.`.
    ///
    /// # Errors
    /// A rule cannot be obeyed.
    fn answer(&mut self, line: &[u8], secret: bool) -> Result<Option<Interjection>, RuleFault>;
}

/// The sandbox's: its log, and the rules in front of it.
#[derive(Default)]
pub(crate) struct SandboxAudience {
    pub(super) log: SessionLog,
    pub(super) rules: Option<Box<dyn Interjector>>,
}

impl Audience for SandboxAudience {
    fn client(&mut self, line: &[u8], secret: bool) {
        self.log.client(line.strip_suffix(b"\r\n").unwrap_or(line), secret);
    }

    fn server(&mut self, replies: &str) {
        self.log.server(replies);
    }

    fn interject(&mut self, interjection: &Interjection) {
        if !interjection.shown.is_empty() {
            self.log.server(&interjection.shown);
        }
    }

    fn remark(&mut self, text: impl FnOnce() -> String) {
        self.log.note(text);
    }

    fn tls_started(&mut self, accepted: Arc<Accepted>) {
        if let Some(rules) = &mut self.rules {
            rules.tls_started(accepted);
        }
    }

    fn message_begins(&mut self, goes_on: bool) {
        if let Some(rules) = &mut self.rules {
            rules.message_begins(goes_on);
        }
    }

    fn content(&mut self, octets: &[u8]) {
        self.log.mail_data(octets);
        if let Some(rules) = &mut self.rules {
            rules.content(octets);
        }
    }

    fn message_came(&mut self, end: MessageEnd) {
        match end {
            MessageEnd::Dot => self.log.client(b".", false),
            MessageEnd::Chunk => self.log.end_mail_data(),
        }
    }

    /// `reception` counts them.
    fn message_taken(&mut self) {}

    fn has_rules(&self) -> bool {
        self.rules.is_some()
    }

    fn answer(&mut self, line: &[u8], secret: bool) -> Result<Option<Interjection>, RuleFault> {
        self.rules.as_mut().map_or(Ok(None), |rules| rules.answer(line, secret))
    }
}
