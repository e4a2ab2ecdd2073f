//! What is said, told line by line while a session is recorded.
//!
//! Responsible for showing no credential: lines of AUTH are never shown, and what they held is masked in all others.

use crate::recording::{Said, Secrets, credentials};
use crate::secret::AuthWatch;
use crate::smtp::command::CommandLine;
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
    /// What is masked since there were credentials.
    secrets: Option<Secrets>,
    /// Whether a login was begun, or went on, since they were read.
    is_stale: bool,
    /// How many replies are owed up to that of the last message of a login.
    login_replies: usize,
    /// How many times the conversation was read for its credentials.
    #[cfg(test)]
    readings: usize,
}

impl LiveView {
    pub(super) fn new(session: usize, listener: Option<Listener>) -> LiveView {
        LiveView {
            session,
            listener,
            told: 0,
            watch: AuthWatch::from_greeting(),
            secrets: None,
            is_stale: false,
            login_replies: 0,
            #[cfg(test)]
            readings: 0,
        }
    }

    /// Tells what is new.
    pub(super) fn catch_up(&mut self, said: &[Said]) {
        let Some(listener) = self.listener.clone() else { return };
        let new: Vec<_> = said[self.told..].iter().map(|event| (event, self.lines(event))).collect();
        self.told = said.len();
        self.read_credentials(said);
        let masked = |text: &str| self.secrets.as_ref().map_or_else(|| text.to_owned(), |secrets| secrets.mask(text));
        for (event, lines) in new {
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

    /// Only where a login has gone on: most of a long session has nothing to do with its login.
    fn read_credentials(&mut self, said: &[Said]) {
        if std::mem::take(&mut self.is_stale) {
            self.secrets = Some(credentials(said));
            #[cfg(test)]
            (self.readings += 1);
        }
    }

    /// A line was said; `carries` credentials, or begins a login.
    fn follow_login(&mut self, line: &[u8], carries: bool) {
        if carries || CommandLine::parse(line).login().is_some() {
            self.login_replies = self.watch.owed();
        }
        self.is_stale |= carries || self.login_replies > 0 && self.secrets.is_some();
    }

    /// What a reply to a login says decides what its messages were.
    fn replied(&mut self, code: u16) {
        self.watch.replied(code);
        self.is_stale |= self.login_replies > 0 && self.secrets.is_some();
        self.login_replies = self.login_replies.saturating_sub(1);
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
                self.replied(reply.code());
                reply.lines().map(|line| (RelaySpeaker::Server, visible(line))).collect()
            }
            Said::Malformed(bytes) => {
                self.replied(0);
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
        self.follow_login(line, carried.is_some());
        visible(carried.as_ref().map_or(line, |carried| &carried.shown))
    }

    /// Bytes that are no line; with a bare LF some clients mean one.
    fn bytes(&mut self, bytes: &[u8]) -> String {
        let Some(line) = bytes.strip_suffix(b"\n") else {
            return visible(&crate::secret::shown(bytes, self.watch.is_response(bytes)));
        };
        let carried = self.watch.line(line);
        self.follow_login(line, carried.is_some());
        match carried {
            Some(carried) => visible(&[&carried.shown, &b"\n"[..]].concat()),
            None => visible(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn however_long_a_session_goes_on_its_login_is_read_as_often() {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let keep = shown.clone();
        let listener: Listener = Arc::new(move |_, _, line| keep.lock().unwrap().push(line));
        let mut live = LiveView::new(1, Some(listener));
        let mut said = vec![Said::reply(&["220 hi"])];
        let mut say = |said: &mut Vec<Said>, line: &str, reply: &str| {
            for event in [Said::Line(line.as_bytes().to_vec()), Said::reply(&[reply])] {
                said.push(event);
                live.catch_up(said);
            }
        };
        say(&mut said, "EHLO a", "250 hi");
        say(&mut said, "AUTH PLAIN AGFubmEAczNjcmV0LXB3", "235 2.7.0 welcome");
        (0..500).for_each(|_| say(&mut said, "NOOP s3cret-pw", "250 s3cret-pw"));
        say(&mut said, "AUTH PLAIN AGFubmEAb3RoZXItcHc=", "503 already");
        say(&mut said, "NOOP other-pw", "250 s3cret-pw other-pw");
        assert_eq!(live.readings, 4, "once for each message of a login, and once for its reply");
        let shown = shown.lock().unwrap().join("\n");
        assert!(!shown.contains("s3cret") && !shown.contains("other") && !shown.contains("AGFu"), "{shown}");
    }
}
