//! Which replies are owed: replies are counted, never timed.
//!
//! A pure state machine without sockets. It is told what was written and which replies were read, and knows how many
//! replies the server still owes, and for which commands. Called by the session for everything that goes over the wire.

use std::collections::VecDeque;

/// The longest line that is remembered for its verb, in octets.
const MAX_REMEMBERED_LINE: usize = 1024;

/// A command that a reply is owed for, as far as its reply changes what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// The greeting of a new session.
    Greeting,
    /// EHLO or LHLO: its reply lists extensions.
    Hello {
        lmtp: bool,
    },
    /// HELO: no extensions.
    Helo,
    StartTls,
    Mail,
    Recipient,
    Data,
    /// The end of mail data: `.` or the last BDAT chunk.
    MailDataEnd,
    Reset,
    Quit,
    /// Any other line.
    Other,
}

/// What the lines written mean now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Each line owes a reply.
    #[default]
    Commands,
    /// A 354 was read: lines owe nothing until the line `.`.
    MailData,
    /// So many octets of a BDAT chunk are still to come.
    Chunk { left: u64 },
}

/// The replies a server owes in one session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owed {
    queue: VecDeque<Command>,
    phase: Phase,
    /// The octets of a line that has not ended yet.
    line: Vec<u8>,
    /// Whether LHLO was accepted.
    lmtp: bool,
    /// Recipients accepted in this mail transaction: LMTP owes a reply for each (RFC 2033 section 4.2).
    accepted: usize,
}

impl Owed {
    /// A new connection owes the greeting.
    pub(crate) fn greeting() -> Owed {
        Owed { queue: VecDeque::from([Command::Greeting]), ..Owed::default() }
    }

    /// After a TLS handshake the conversation starts anew, without a greeting (RFC 3207 section 4.2).
    pub(crate) fn restart(&mut self) {
        *self = Owed::default();
    }

    /// How many replies are owed.
    pub(crate) fn count(&self) -> usize {
        self.queue.len()
    }

    /// The command that the oldest owed reply answers.
    pub(crate) fn oldest(&self) -> Option<Command> {
        self.queue.front().copied()
    }

    /// Whether mail data has begun and not ended.
    pub(crate) fn is_in_mail_data(&self) -> bool {
        self.phase != Phase::Commands || self.queue.contains(&Command::Data)
    }

    /// Octets went out, of `send` or `raw`, in pieces of any size.
    pub(crate) fn wrote(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if let Phase::Chunk { left } = self.phase {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[taken..];
                let left = left - taken as u64;
                self.phase = if left == 0 { Phase::Commands } else { Phase::Chunk { left } };
                continue;
            }
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1);
            self.remember(&bytes[..end]);
            bytes = &bytes[end..];
            if self.line.ends_with(b"\r\n") {
                let line = std::mem::take(&mut self.line);
                self.wrote_line(&line[..line.len() - 2]);
            }
        }
    }

    /// A `data` step ended its mail data, whatever the phase: replies are owed for it.
    pub(crate) fn mail_data_ended(&mut self) {
        self.line.clear();
        self.phase = Phase::Commands;
        let replies = if self.lmtp { self.accepted } else { 1 };
        self.queue.extend(std::iter::repeat_n(Command::MailDataEnd, replies));
        self.accepted = 0;
    }

    /// Mail data went out that a `data` step did not end: what follows is still mail data.
    pub(crate) fn mail_data_left_open(&mut self) {
        self.line.clear();
        self.phase = Phase::MailData;
    }

    /// A whole reply was read: it settles the oldest that is owed. Returns the command it answers.
    pub(crate) fn settled(&mut self, code: u16) -> Option<Command> {
        let command = self.queue.pop_front()?;
        let accepted = (200..300).contains(&code);
        match command {
            // Mail data that was pipelined behind the command has ended already.
            Command::Data if code == 354 && !self.queue.contains(&Command::MailDataEnd) => self.phase = Phase::MailData,
            Command::Recipient if accepted => self.accepted += 1,
            Command::Mail | Command::Reset | Command::Helo if accepted => self.accepted = 0,
            Command::Hello { lmtp } if accepted => {
                self.lmtp = lmtp;
                self.accepted = 0;
            }
            _ => {}
        }
        Some(command)
    }

    /// Only the beginning and the end of a very long line matter.
    fn remember(&mut self, bytes: &[u8]) {
        let room = MAX_REMEMBERED_LINE.saturating_sub(self.line.len());
        if bytes.len() <= room {
            self.line.extend_from_slice(bytes);
            return;
        }
        self.line.extend_from_slice(&bytes[..room]);
        let tail = &bytes[bytes.len().saturating_sub(2)..];
        let keep = self.line.len().saturating_sub(2);
        self.line.truncate(keep);
        self.line.extend_from_slice(tail);
    }

    fn wrote_line(&mut self, line: &[u8]) {
        if self.phase == Phase::MailData {
            if line == b"." {
                self.mail_data_ended();
            }
            return;
        }
        let command = command_of(line);
        if let Some((octets, last)) = chunk_of(line) {
            self.phase = if octets > 0 { Phase::Chunk { left: octets } } else { Phase::Commands };
            let replies = if last && self.lmtp { self.accepted } else { 1 };
            let answered = if last { Command::MailDataEnd } else { Command::Other };
            self.queue.extend(std::iter::repeat_n(answered, replies));
            if last {
                self.accepted = 0;
            }
            return;
        }
        self.queue.push_back(command);
    }
}

/// The command of a line, by its verb in any case.
fn command_of(line: &[u8]) -> Command {
    let verb = line.split(|byte| *byte == b' ').next().unwrap_or_default().to_ascii_uppercase();
    match verb.as_slice() {
        b"EHLO" => Command::Hello { lmtp: false },
        b"LHLO" => Command::Hello { lmtp: true },
        b"HELO" => Command::Helo,
        b"STARTTLS" => Command::StartTls,
        b"MAIL" => Command::Mail,
        b"RCPT" => Command::Recipient,
        b"DATA" => Command::Data,
        b"RSET" => Command::Reset,
        b"QUIT" => Command::Quit,
        _ => Command::Other,
    }
}

/// The size of a `BDAT size [LAST]` command and whether it is the last (RFC 3030 section 2).
fn chunk_of(line: &[u8]) -> Option<(u64, bool)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    if !words.next()?.eq_ignore_ascii_case("BDAT") {
        return None;
    }
    let octets = words.next()?.parse().ok()?;
    Some((octets, words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `C:` and `S:` lines and gives the number of replies owed at the end. `C:` lines end in CRLF.
    fn owed_after(dialogue: &[&str]) -> usize {
        play(Owed::greeting(), dialogue).count()
    }

    fn play(mut owed: Owed, dialogue: &[&str]) -> Owed {
        for line in dialogue {
            match line.split_once(": ") {
                Some(("C", text)) => owed.wrote(format!("{text}\r\n").as_bytes()),
                Some(("S", code)) => _ = owed.settled(code.parse().unwrap()),
                _ => panic!("{line}"),
            }
        }
        owed
    }

    #[test]
    fn a_session_owes_the_greeting_and_each_line_one_reply() {
        assert_eq!(owed_after(&[]), 1);
        assert_eq!(owed_after(&["S: 220"]), 0);
        assert_eq!(owed_after(&["S: 220", "C: EHLO a", "S: 250", "C: MAIL FROM:<>", "C: RCPT TO:<a>"]), 2);
    }

    #[test]
    fn lines_of_mail_data_owe_nothing_until_the_dot() {
        let start = ["S: 220", "C: DATA", "S: 354", "C: Subject: x", "C: ", "C: .x"];
        assert_eq!(owed_after(&start), 0);
        assert_eq!(owed_after(&[&start[..], &["C: ."]].concat()), 1);
        assert_eq!(owed_after(&["S: 220", "C: DATA", "S: 554", "C: Subject: x"]), 1);
    }

    #[test]
    fn lmtp_owes_one_reply_for_each_accepted_recipient() {
        let start = ["S: 220", "C: LHLO a", "S: 250", "C: MAIL FROM:<>", "S: 250"];
        let recipients = ["C: RCPT TO:<a>", "S: 250", "C: RCPT TO:<b>", "S: 550", "C: RCPT TO:<c>", "S: 251"];
        let data = ["C: DATA", "S: 354", "C: ."];
        assert_eq!(owed_after(&[&start[..], &recipients[..], &data[..]].concat()), 2);
        assert_eq!(
            owed_after(
                &[&start[..], &recipients[..], &["C: RSET", "S: 250", "C: RCPT TO:<a>", "S: 250"], &data[..]].concat()
            ),
            1
        );
    }

    #[test]
    fn a_chunk_is_not_made_of_lines() {
        let mut owed = play(Owed::greeting(), &["S: 220"]);
        owed.wrote(b"BDAT 9\r\nNOOP\r\nabcQUIT\r\n");
        assert_eq!(owed.count(), 2);
        assert_eq!(owed.settled(250), Some(Command::Other));
        assert_eq!(owed.settled(221), Some(Command::Quit));
        owed.wrote(b"BDAT 0 LAST\r\nNOOP\r\n");
        assert_eq!(owed.count(), 2);
    }

    #[test]
    fn pieces_of_a_line_count_once_it_ends() {
        let mut owed = play(Owed::greeting(), &["S: 220"]);
        for byte in b"NOOP\r" {
            owed.wrote(&[*byte]);
        }
        assert_eq!(owed.count(), 0);
        owed.wrote(b"\n");
        assert_eq!(owed.count(), 1);
        owed.wrote(b"NOOP\n");
        assert_eq!(owed.count(), 1, "a bare LF ends no line");
    }

    #[test]
    fn a_very_long_line_is_one_line() {
        let mut owed = play(Owed::greeting(), &["S: 220"]);
        for _ in 0..100 {
            owed.wrote(&[b'x'; 999]);
        }
        owed.wrote(b"\r");
        owed.wrote(b"\n");
        assert_eq!(owed.count(), 1);
    }

    #[test]
    fn nothing_is_owed_after_a_handshake() {
        let mut owed = play(Owed::greeting(), &["S: 220", "C: STARTTLS", "S: 220"]);
        owed.restart();
        assert_eq!(owed.count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn chunking_never_matters(text in "(NOOP\r\n|BDAT 5 LAST\r\n|a|\r|\n|abcdefg){0,20}", cut in 0_usize..80) {
            let bytes = text.as_bytes();
            let (mut whole, mut parts) = (Owed::default(), Owed::default());
            whole.wrote(bytes);
            let cut = cut.min(bytes.len());
            parts.wrote(&bytes[..cut]);
            parts.wrote(&bytes[cut..]);
            proptest::prop_assert_eq!(whole.count(), parts.count());
        }
    }
}
