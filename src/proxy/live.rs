//! What is said, told line by line while a session is recorded.
//!
//! Responsible for showing no credential: lines of AUTH are never shown, and what they held is masked in all others.

use crate::recording::{Said, mask};
use crate::secret::AuthWatch;
use crate::visible;
use std::sync::Arc;

/// Who hears what is said: the number of the session, whose line it is, and the line.
pub(crate) type Listener = Arc<dyn Fn(usize, RelaySpeaker, String) + Send + Sync>;

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelaySpeaker {
    Client,
    Server,
    Note,
}

/// The most octets that are no line and are shown nevertheless.
const LONGEST: usize = 1000;

/// The lines of a reply as they came: a server cuts what it repeats, so that they are searched together.
fn whole_reply(event: &Said) -> Option<String> {
    let Said::Reply(reply) = event else { return None };
    let lines: Vec<&[u8]> = reply.lines().collect();
    String::from_utf8(lines.join(&b'\n')).ok()
}

/// Tells of one session.
pub(super) struct LiveView {
    session: usize,
    listener: Option<Listener>,
    told: usize,
    watch: AuthWatch,
    /// Whether there were credentials.
    has_credentials: bool,
}

impl LiveView {
    pub(super) fn new(session: usize, listener: Option<Listener>) -> LiveView {
        LiveView { session, listener, told: 0, watch: AuthWatch::from_greeting(), has_credentials: false }
    }

    /// Tells what is new.
    pub(super) fn catch_up(&mut self, said: &[Said]) {
        let Some(listener) = self.listener.clone() else { return };
        while let Some(event) = said.get(self.told) {
            self.told += 1;
            let lines = self.lines(event);
            let masked = |text: &str| if self.has_credentials { mask(said, text) } else { text.to_owned() };
            if let Some(reply) = whole_reply(event) {
                for line in masked(&reply).split('\n') {
                    listener(self.session, RelaySpeaker::Server, visible(line.as_bytes()));
                }
                continue;
            }
            for (speaker, text) in lines {
                listener(self.session, speaker, masked(&text));
            }
        }
    }

    fn lines(&mut self, event: &Said) -> Vec<(RelaySpeaker, String)> {
        match event {
            Said::Line(line) => vec![(RelaySpeaker::Client, self.line(line))],
            Said::Bytes(bytes) => {
                let line = self.bytes(bytes);
                let is_long = bytes.len() > LONGEST;
                vec![(RelaySpeaker::Client, if is_long { format!("({} octets)", bytes.len()) } else { line })]
            }
            Said::RecordedMailData(data) | Said::Chunk(data) => {
                let octets = data.octets.len() as u64 + data.left_out;
                match event {
                    Said::RecordedMailData(_) => self.watch.mail_data_ended(),
                    _ => self.watch.content(octets),
                }
                vec![(RelaySpeaker::Client, format!("({octets} octets of mail data)"))]
            }
            Said::Reply(reply) => {
                self.watch.replied(reply.code());
                reply.lines().map(|line| (RelaySpeaker::Server, visible(line))).collect()
            }
            Said::Malformed(bytes) => {
                self.watch.replied(0);
                vec![(RelaySpeaker::Server, visible(bytes))]
            }
            Said::HandshakeFailed(_) => Vec::new(),
            Said::Handshake => {
                self.watch.restart();
                vec![(RelaySpeaker::Note, "both sides shook hands".to_owned())]
            }
            Said::ServerClosed => vec![(RelaySpeaker::Note, "the server closed".to_owned())],
            Said::ClientClosed => vec![(RelaySpeaker::Note, "the client closed".to_owned())],
            Said::Remark(text) => vec![(RelaySpeaker::Note, text.clone())],
            Said::Wanted(..) => Vec::new(),
        }
    }

    fn line(&mut self, line: &[u8]) -> String {
        let carried = self.watch.line(line);
        self.has_credentials |= carried.is_some();
        visible(carried.as_ref().map_or(line, |carried| &carried.shown))
    }

    /// Bytes that are no line; with a bare LF some clients mean one.
    fn bytes(&mut self, bytes: &[u8]) -> String {
        let Some(line) = bytes.strip_suffix(b"\n") else {
            return visible(&crate::secret::shown(bytes, self.watch.is_response(bytes)));
        };
        let carried = self.watch.line(line);
        self.has_credentials |= carried.is_some();
        match carried {
            Some(carried) => visible(&[&carried.shown, &b"\n"[..]].concat()),
            None => visible(bytes),
        }
    }
}
