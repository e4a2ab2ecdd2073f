//! What the sandbox shows of its sessions, line by line, in the notation of transcripts.
//!
//! Responsible for showing no credentials: whatever answers a challenge is left out, and so is what might; and the
//! passwords that the sandbox knows are masked wherever they stand. Whoever starts the sandbox says where the lines go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::secret::{AuthWatch, Masker, RESPONSE};
use crate::smtp::command::without_end;
use crate::visible::{MAIL_DATA_LINES, visible};

/// Octets of a line that are shown.
const LINE_LENGTH: usize = 512;
/// Octets of a line that are kept: enough to find a secret that goes on after what is shown.
const KEPT_OF_LINE: usize = 2 * LINE_LENGTH;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogSpeaker {
    /// The client.
    Client,
    /// The sandbox.
    Server,
    /// A note on what happened.
    Note,
}

/// One line of the log.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// When, from the start of the sandbox.
    pub(crate) at: Duration,
    /// The name of the session.
    pub(crate) session: Arc<str>,
    /// Who said it.
    pub(crate) speaker: LogSpeaker,
    /// What, without credentials and made visible.
    pub(crate) text: String,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// Messages, and what went wrong.
    Notes,
    /// Every line.
    Conversation,
}

/// Where lines go, and which.
#[derive(Clone)]
pub(crate) struct Log {
    start: Instant,
    detail: Detail,
    /// The passwords that the sandbox knows.
    masker: Arc<Masker>,
    tell: Arc<dyn Fn(&LogLine) + Send + Sync>,
}

impl Log {
    pub(crate) fn new(detail: Detail, masker: Masker, tell: impl Fn(&LogLine) + Send + Sync + 'static) -> Self {
        Self { start: Instant::now(), detail, masker: Arc::new(masker), tell: Arc::new(tell) }
    }
}

/// The log of one session; without a log it costs nothing.
#[derive(Clone, Default)]
pub(crate) struct SessionLog {
    log: Option<(Log, Arc<str>)>,
    mail_data: LoggedMailData,
    watch: AuthWatch,
}

/// The start of mail data, which is shown when it has ended: a secret may go on in the next line.
#[derive(Clone, Default)]
struct LoggedMailData {
    /// The lines so far, of which the last may have no end yet; one more than are shown.
    lines: Vec<Vec<u8>>,
    /// Whether the last of them has its end.
    line_ended: bool,
    octets_left: u64,
}

impl SessionLog {
    pub(crate) fn new(log: Option<&Log>, number: u64) -> Self {
        let log = log.map(|log| (log.clone(), format!("#{number}").into()));
        Self { log, ..Self::default() }
    }

    /// What matters without the conversation too.
    pub(crate) fn note(&self, text: impl FnOnce() -> String) {
        self.push(Detail::Notes, LogSpeaker::Note, text);
    }

    /// What happened to the connection.
    pub(crate) fn detail(&self, text: impl FnOnce() -> String) {
        self.push(Detail::Conversation, LogSpeaker::Note, text);
    }

    /// A line from the client; `secret` if it answers a challenge.
    pub(crate) fn client(&mut self, line: &[u8], secret: bool) {
        if !self.tells(Detail::Conversation) {
            return;
        }
        self.end_mail_data();
        let carried = self.watch.line(line).map(|carried| carried.shown);
        let shown = match carried {
            Some(shown) => shown,
            None if secret && line != b"*" => RESPONSE.as_bytes().to_vec(),
            None => line.to_vec(),
        };
        let shown = self.masked(&shown);
        self.push(Detail::Conversation, LogSpeaker::Client, || visible(&shown[..shown.len().min(LINE_LENGTH)]));
    }

    /// Replies, without the last CRLF.
    pub(crate) fn server(&mut self, replies: &str) {
        if !self.tells(Detail::Conversation) {
            return;
        }
        self.end_mail_data();
        self.watch.said(replies.as_bytes());
        // `v=` in base64: with it, a password can be guessed at leisure.
        let signed = |line| if str::starts_with(line, "334 dj") { "334 <<signature>>" } else { line };
        let lines: Vec<&[u8]> = replies.split("\r\n").map(|line| signed(line).as_bytes()).collect();
        for line in self.masked_lines(&lines) {
            self.push(Detail::Conversation, LogSpeaker::Server, || visible(&line));
        }
    }

    /// Octets of a message.
    pub(crate) fn mail_data(&mut self, octets: &[u8]) {
        if !self.tells(Detail::Conversation) {
            return;
        }
        self.watch.content(octets.len() as u64);
        let told = &mut self.mail_data;
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            if told.lines.is_empty() || told.line_ended && told.lines.len() <= MAIL_DATA_LINES {
                told.lines.push(Vec::new());
                told.line_ended = false;
            }
            if told.lines.len() > MAIL_DATA_LINES {
                told.octets_left += line.len() as u64;
            }
            if let Some(last) = told.lines.last_mut().filter(|_| !told.line_ended) {
                let room = KEPT_OF_LINE.saturating_sub(last.len());
                last.extend_from_slice(&line[..line.len().min(room)]);
                told.line_ended = line.ends_with(b"\n");
            }
        }
    }

    /// Tells of the mail data that came: it is over, or so is the session.
    pub(crate) fn end_mail_data(&mut self) {
        let LoggedMailData { lines, octets_left, .. } = std::mem::take(&mut self.mail_data);
        let slices: Vec<&[u8]> = lines.iter().map(|line| without_end(line)).collect();
        for line in self.masked_lines(&slices).iter().take(MAIL_DATA_LINES) {
            let shown = &line[..line.len().min(LINE_LENGTH)];
            self.push(Detail::Conversation, LogSpeaker::Client, || visible(shown));
        }
        if octets_left > 0 {
            self.push(Detail::Conversation, LogSpeaker::Client, || format!("[{octets_left} more octets]"));
        }
    }

    fn masked(&self, line: &[u8]) -> Vec<u8> {
        self.masked_lines(&[line]).concat()
    }

    fn masked_lines(&self, lines: &[&[u8]]) -> Vec<Vec<u8>> {
        match &self.log {
            Some((log, _)) => log.masker.mask_lines(lines),
            None => Vec::new(),
        }
    }

    fn tells(&self, detail: Detail) -> bool {
        self.log.as_ref().is_some_and(|(log, _)| log.detail >= detail)
    }

    fn push(&self, detail: Detail, speaker: LogSpeaker, text: impl FnOnce() -> String) {
        if let Some((log, session)) = self.log.as_ref().filter(|(log, _)| log.detail >= detail) {
            let text = if speaker == LogSpeaker::Note { log.masker.mask_text(&text()) } else { text() };
            let line = LogLine { at: log.start.elapsed(), session: session.clone(), speaker, text };
            (log.tell)(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn told(detail: Detail, act: impl FnOnce(&mut SessionLog)) -> Vec<String> {
        let secrets = [("password".to_owned(), crate::scenario::Secret::new("correct horse"))];
        let masker = Masker::new(&secrets.into());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let keep = lines.clone();
        let log = Log::new(detail, masker, move |line| {
            let mark = match line.speaker {
                LogSpeaker::Client => "C:",
                LogSpeaker::Server => "S:",
                LogSpeaker::Note => "*",
            };
            keep.lock().unwrap().push(format!("{mark} {}", line.text));
        });
        act(&mut SessionLog::new(Some(&log), 1));
        lines.lock().unwrap().clone()
    }

    #[test]
    fn no_credentials() {
        let lines = told(Detail::Conversation, |log| {
            for (line, secret) in [
                ("EHLO x", false),
                ("hello", false),
                ("auth  plain AGJvYgBzZWNyZXQ=", false),
                ("AUTH PLAIN", false),
                ("AGJvYgBzZWNyZXQ=", true),
                ("*", true),
                ("AUTH NTLM", false),
                ("c2VjcmV0", false),
                ("c2VjcmV0", false),
                ("NOOP", false),
                ("hello", false),
            ] {
                log.client(line.as_bytes(), secret);
            }
            log.server("334 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9");
        });
        let expected = [
            "C: EHLO x",
            "C: hello",
            "C: auth  plain <<response>>",
            "C: AUTH PLAIN",
            "C: <<response>>",
            "C: *",
            "C: AUTH NTLM",
            "C: <<response>>",
            "C: <<response>>",
            "C: NOOP",
            "C: hello",
            "S: 334 <<signature>>",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn known_passwords_are_masked_wherever_they_stand() {
        let lines = told(Detail::Conversation, |log| {
            log.client(b"NOOP correct horse", false);
            log.server("500 correct horse");
            log.mail_data(b"a correct ho");
            log.mail_data(b"rse\r\nY29ycmVj\r\ndCBob3JzZQ==\r\n");
            log.mail_data(&[&b"x".repeat(500)[..], b"correct horse\r\n"].concat());
            log.mail_data(&b"\r\n".repeat(15));
            log.mail_data(b"Y29ycmVj\r\ndCBob3JzZQ==\r\n");
            log.client(b".", false);
            log.note(|| "message from <correct horse>".to_owned());
        });
        assert_eq!(
            lines[..5],
            [
                "C: NOOP <<password>>",
                "S: 500 <<password>>",
                "C: a <<password>>",
                "C: <<password>>",
                "C: <<password>>=="
            ]
        );
        let shown = lines.concat();
        assert!(!shown.contains("correct") && !shown.contains("Y29y") && !shown.contains("horse"), "{lines:?}");
        assert!(lines.contains(&"C: [14 more octets]".to_owned()), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "* message from <<<password>>>");
    }

    #[test]
    fn the_start_of_mail_data() {
        let lines = told(Detail::Conversation, |log| {
            log.mail_data(b"a\r");
            log.mail_data(b"\nb\r\n\r\n");
            log.mail_data(b"c");
            log.client(b".", false);
            for _ in 0..25 {
                log.mail_data(b"12345678\r\n");
            }
            log.mail_data(&vec![b'x'; 100_000]);
            log.server("250 Ok\r\n250 Ok");
        });
        assert_eq!(lines[..5], ["C: a", "C: b", "C: ", "C: c", "C: ."]);
        assert_eq!(lines[25..], ["C: [100050 more octets]", "S: 250 Ok", "S: 250 Ok"]);
    }

    #[test]
    fn notes_only() {
        let lines = told(Detail::Notes, |log| {
            log.client(b"NOOP", false);
            log.mail_data(b"a\r\n");
            log.detail(|| "connected".to_owned());
            log.note(|| "a message".to_owned());
        });
        assert_eq!(lines, ["* a message"]);
    }
}
