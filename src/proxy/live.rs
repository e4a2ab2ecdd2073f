//! What is said, told line by line while a session is recorded.
//!
//! Responsible for showing no credential: lines of AUTH are never shown, and what they held is masked in all others.

use crate::recording::{Said, mask};
use crate::visible;
use std::sync::Arc;

/// Who is told of what is said: the number of the session, whose line it is, and the line.
pub(crate) type Listener = Arc<dyn Fn(usize, Speaker, String) + Send + Sync>;

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    Client,
    Server,
    Note,
}

/// The most octets that are no line and are shown nevertheless.
const LONGEST: usize = 1000;

/// Tells of one session.
pub(super) struct Live {
    session: usize,
    listener: Option<Listener>,
    told: usize,
    /// Whether the client is in the midst of a login.
    logging_in: bool,
}

impl Live {
    pub(super) fn new(session: usize, listener: Option<Listener>) -> Live {
        Live { session, listener, told: 0, logging_in: false }
    }

    /// Tells what is new.
    pub(super) fn catch_up(&mut self, said: &[Said]) {
        let Some(listener) = self.listener.clone() else { return };
        while let Some(event) = said.get(self.told) {
            self.told += 1;
            for (speaker, text) in self.lines(event) {
                listener(self.session, speaker, mask(said, &text));
            }
        }
    }

    fn lines(&mut self, event: &Said) -> Vec<(Speaker, String)> {
        match event {
            Said::Line(line) => vec![(Speaker::Client, self.line(line))],
            Said::Bytes(bytes) if bytes.len() > LONGEST => vec![(Speaker::Client, format!("({} octets)", bytes.len()))],
            Said::Bytes(bytes) => vec![(Speaker::Client, visible(bytes))],
            Said::MailData(data) | Said::Chunk(data) => {
                let octets = data.octets.len() as u64 + data.left_out;
                vec![(Speaker::Client, format!("({octets} octets of mail data)"))]
            }
            Said::Reply(reply) => {
                self.logging_in &= reply.code() == 334;
                reply.lines().map(|line| (Speaker::Server, visible(line))).collect()
            }
            Said::Malformed(bytes) => vec![(Speaker::Server, visible(bytes))],
            Said::HandshakeFailed(_) => Vec::new(),
            Said::Handshake => vec![(Speaker::Note, "both sides shook hands".to_owned())],
            Said::ServerClosed => vec![(Speaker::Note, "the server closed".to_owned())],
            Said::ClientClosed => vec![(Speaker::Note, "the client closed".to_owned())],
            Said::Remark(text) => vec![(Speaker::Note, text.clone())],
            Said::Wanted(..) => Vec::new(),
        }
    }

    fn line(&mut self, line: &[u8]) -> String {
        if self.logging_in && line != b"*" {
            return "<<credentials>>".to_owned();
        }
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let verb = words.next().unwrap_or_default();
        if !verb.eq_ignore_ascii_case(b"AUTH") {
            return visible(line);
        }
        self.logging_in = true;
        let mechanism = visible(words.next().unwrap_or_default());
        let more = if words.next().is_some() { " <<credentials>>" } else { "" };
        format!("{} {mechanism}{more}", visible(verb))
    }
}
