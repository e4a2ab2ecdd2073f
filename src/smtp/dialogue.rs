//! What two sides of an SMTP session owe each other: replies are counted, never timed.
//!
//! A pure state machine without sockets, and the only counter of replies. It hears both directions: what the client
//! wrote and which replies came. It knows how many replies the server still owes and for which commands, whether mail
//! data or a chunk is under way, and whether a line belongs to a login. The session tells it, and so do recordings, the
//! shell's transcript and whatever hides what AUTH carries.

use super::command::{CommandLine, Verb};
use std::collections::VecDeque;

/// The longest line that is remembered for its verb, in octets.
const MAX_REMEMBERED_LINE: usize = 1024;

/// What a reply is owed for, as far as it changes what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// The greeting of a new session.
    Greeting,
    /// A command line.
    Command(Verb),
    /// A line that answers a challenge of AUTH, or is meant to.
    Response,
    /// The end of mail data: `.` or the last BDAT chunk.
    MailDataEnd,
}

/// What the octets that a client writes mean now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// Each line owes a reply.
    #[default]
    Commands,
    /// A 354 was read: lines owe nothing until the line `.`.
    MailData,
    /// So many octets of a BDAT chunk are still to come.
    Chunk { left: u64 },
}

/// How far a login is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum LoginState {
    #[default]
    None,
    /// AUTH was written: whatever its reply, lines that are no commands are meant as responses.
    Begun,
    /// A 334 was read: the next line is a response, whatever it looks like.
    Challenged,
}

/// One session, as far as the replies that are owed go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dialogue {
    owed: VecDeque<Awaited>,
    phase: Phase,
    /// The octets of a line that has not ended yet.
    line: Vec<u8>,
    /// Whether LHLO was accepted.
    lmtp: bool,
    /// Recipients accepted in this mail transaction: LMTP owes a reply for each (RFC 2033 section 4.2).
    accepted: usize,
    /// Recipients of the message whose end is the first that is owed a reply.
    delivered: usize,
    login: LoginState,
}

/// What a reply settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) answers: Awaited,
    /// The place among the owed replies of one that is owed since now, for the same as the one before it: of LMTP's
    /// replies to a message that was sent before its recipients were accepted.
    pub(crate) one_more: Option<usize>,
}

impl Dialogue {
    /// A new connection owes the greeting.
    pub(crate) fn greeting() -> Dialogue {
        Dialogue { owed: VecDeque::from([Awaited::Greeting]), ..Dialogue::default() }
    }

    /// After a TLS handshake the session starts anew, without a greeting (RFC 3207 section 4.2).
    pub(crate) fn restart(&mut self) {
        *self = Dialogue::default();
    }

    /// How many replies are owed.
    pub(crate) fn owed(&self) -> usize {
        self.owed.len()
    }

    /// What the oldest owed reply answers.
    pub(crate) fn oldest(&self) -> Option<Awaited> {
        self.owed.front().copied()
    }

    /// What the octets that come next mean.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether mail data has begun and not ended.
    pub(crate) fn is_in_mail_data(&self) -> bool {
        self.phase != Phase::Commands || self.owed.contains(&Awaited::Command(Verb::Data))
    }

    // --- what the client writes --------------------------------------------------------------------------------

    /// Octets of the client, in pieces of any size.
    pub(crate) fn wrote(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if let Phase::Chunk { left } = self.phase {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[taken..];
                self.wrote_chunk(taken as u64);
                continue;
            }
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1);
            let (piece, rest) = bytes.split_at(end);
            bytes = rest;
            // Nearly every line comes as a whole, and need not be remembered.
            if let Some(line) = piece.strip_suffix(b"\r\n")
                && self.line.is_empty()
                && end <= MAX_REMEMBERED_LINE
            {
                self.wrote_line(line);
                continue;
            }
            self.remember(piece);
            if self.line.ends_with(b"\r\n") {
                let line = std::mem::take(&mut self.line);
                self.wrote_line(&line[..line.len() - 2]);
            }
        }
    }

    /// A command line, without its CRLF, where the caller knows that it is one. Says what its reply will answer.
    pub(crate) fn wrote_command(&mut self, line: &[u8]) -> Awaited {
        self.phase = Phase::Commands;
        if self.is_response(line) {
            self.login = LoginState::Begun;
            self.owed.push_back(Awaited::Response);
            return Awaited::Response;
        }
        let command = CommandLine::parse(line);
        self.login = if command.login().is_some() { LoginState::Begun } else { LoginState::None };
        let Some(bdat) = command.bdat() else {
            self.owed.push_back(Awaited::Command(command.verb()));
            return Awaited::Command(command.verb());
        };
        if bdat.octets > 0 {
            self.phase = Phase::Chunk { left: bdat.octets };
        }
        let answered = if bdat.last { Awaited::MailDataEnd } else { Awaited::Command(Verb::BdatCommand) };
        let replies = if bdat.last { self.take_recipients() } else { 1 };
        self.owed.extend(std::iter::repeat_n(answered, replies));
        answered
    }

    /// Whether a line, without its CRLF, answers a challenge of AUTH or is meant to. Base64 is no command, so no command
    /// is taken for a response unless the server has asked for one.
    pub(crate) fn is_response(&self, line: &[u8]) -> bool {
        match self.login {
            LoginState::None => false,
            LoginState::Begun => CommandLine::parse(line).verb() == Verb::Other,
            LoginState::Challenged => true,
        }
    }

    /// A line that ends with a bare LF, without it: some servers answer it as they would a whole one.
    pub(crate) fn wrote_odd_line(&mut self, line: &[u8]) -> Awaited {
        let phase = self.phase;
        let answered = self.wrote_command(line);
        self.phase = phase;
        answered
    }

    /// Something else that one reply is owed for, such as a whole login.
    pub(crate) fn wrote_other(&mut self) {
        self.owed.push_back(Awaited::Command(Verb::Other));
    }

    /// What was written last was nothing of the kind, and no reply is owed for it.
    pub(crate) fn take_back(&mut self) {
        self.owed.pop_back();
    }

    /// Octets of the chunk that is under way.
    pub(crate) fn wrote_chunk(&mut self, octets: u64) {
        if let Phase::Chunk { left } = self.phase {
            let left = left.saturating_sub(octets);
            self.phase = if left == 0 { Phase::Commands } else { Phase::Chunk { left } };
        }
    }

    /// The mail data has ended, whatever the phase: replies are owed for it.
    pub(crate) fn mail_data_ended(&mut self) {
        self.line.clear();
        self.phase = Phase::Commands;
        let replies = self.take_recipients();
        self.owed.extend(std::iter::repeat_n(Awaited::MailDataEnd, replies));
    }

    /// Mail data went out without its end: what follows is still mail data.
    pub(crate) fn mail_data_left_open(&mut self) {
        self.line.clear();
        self.phase = Phase::MailData;
    }

    /// How many replies the end of a message owes. A server that refuses a message without recipients says so once.
    fn take_recipients(&mut self) -> usize {
        let accepted = std::mem::take(&mut self.accepted);
        if !self.owed.contains(&Awaited::MailDataEnd) {
            self.delivered = accepted;
        }
        if self.lmtp { accepted.max(1) } else { 1 }
    }

    fn wrote_line(&mut self, line: &[u8]) {
        match self.phase {
            Phase::MailData if line == b"." => self.mail_data_ended(),
            Phase::MailData => {}
            _ => _ = self.wrote_command(line),
        }
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

    // --- what the server replies -------------------------------------------------------------------------------

    /// A whole reply came: it settles the oldest that is owed. Gives what it answers. What is no reply has the code 0.
    pub(crate) fn replied(&mut self, code: u16) -> Option<Settled> {
        let answers = self.owed.pop_front()?;
        let accepted = (200..300).contains(&code);
        let mut one_more = None;
        match answers {
            // Mail data that was pipelined after the command has ended already.
            Awaited::Command(Verb::Data) if code == 354 && !self.owed.contains(&Awaited::MailDataEnd) => {
                self.phase = Phase::MailData;
            }
            // The response to a challenge that came early is among those that are owed.
            Awaited::Command(Verb::AuthCommand) | Awaited::Response if code == 334 && self.owed.is_empty() => {
                self.login = LoginState::Challenged;
            }
            Awaited::Command(Verb::Rcpt) if accepted => one_more = self.recipient_accepted(),
            Awaited::Command(Verb::Mail | Verb::Reset) if accepted => self.accepted = 0,
            Awaited::Command(verb @ (Verb::Ehlo | Verb::Lhlo | Verb::Helo)) if accepted => {
                self.lmtp = verb == Verb::Lhlo;
                self.accepted = 0;
            }
            _ => {}
        }
        Some(Settled { answers, one_more })
    }

    /// Its message may have been sent already: then LMTP owes a reply more, and its place is given.
    fn recipient_accepted(&mut self) -> Option<usize> {
        let Some(end) = self.owed.iter().position(|owed| *owed == Awaited::MailDataEnd) else {
            self.accepted += 1;
            return None;
        };
        self.delivered += 1;
        let more = self.lmtp && self.delivered > 1;
        if more {
            self.owed.insert(end + 1, Awaited::MailDataEnd);
        }
        more.then_some(end + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `C:` and `S:` lines and gives the number of replies owed at the end. `C:` lines end in CRLF.
    fn owed_after(lines: &[&str]) -> usize {
        play(Dialogue::greeting(), lines).owed()
    }

    fn play(mut dialogue: Dialogue, lines: &[&str]) -> Dialogue {
        for line in lines {
            match line.split_once(": ") {
                Some(("C", text)) => dialogue.wrote(format!("{text}\r\n").as_bytes()),
                Some(("S", code)) => _ = dialogue.replied(code.parse().unwrap()),
                _ => panic!("{line}"),
            }
        }
        dialogue
    }

    fn answered(dialogue: &mut Dialogue, code: u16) -> Awaited {
        dialogue.replied(code).unwrap().answers
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

    const LMTP: [&str; 5] = ["S: 220", "C: LHLO a", "S: 250", "C: MAIL FROM:<>", "S: 250"];
    const TWO_OF_THREE: [&str; 6] =
        ["C: RCPT TO:<a>", "S: 250", "C: RCPT TO:<b>", "S: 550", "C: RCPT TO:<c>", "S: 251"];

    /// RFC 2033 section 4.2, RFC 3030 section 2.
    #[test]
    fn lmtp_owes_one_reply_for_each_accepted_recipient() {
        let rows: [(&[&str], usize); 8] = [
            (&["C: DATA", "S: 354", "C: ."], 2),
            (&["C: MAIL FROM:<x>", "S: 503", "C: DATA", "S: 354", "C: ."], 2),
            (&["C: RSET", "S: 250", "C: RCPT TO:<a>", "S: 250", "C: DATA", "S: 354", "C: ."], 1),
            (&["C: RSET", "S: 421", "C: DATA", "S: 354", "C: ."], 2),
            (&["C: BDAT 0 LAST"], 2),
            (&["C: BDAT 0", "S: 250", "C: BDAT 0 last"], 2),
            (&["C: BDAT 0"], 1),
            (&["C: EHLO again", "S: 250", "C: RCPT TO:<a>", "S: 250", "C: RCPT TO:<b>", "S: 250", "C: BDAT 0 LAST"], 1),
        ];
        for (end, owed) in rows {
            assert_eq!(owed_after(&[&LMTP[..], &TWO_OF_THREE, end].concat()), owed, "{end:?}");
        }
        assert_eq!(owed_after(&[&LMTP[..], &["C: BDAT 0 LAST"]].concat()), 1, "a refusal comes once");
    }

    #[test]
    fn a_message_sent_before_its_recipients_were_accepted_owes_as_much() {
        let sent =
            ["C: MAIL FROM:<>", "C: RCPT TO:<a>", "C: RCPT TO:<b>", "C: RCPT TO:<c>", "C: BDAT 0 LAST", "C: NOOP"];
        let mut dialogue = play(Dialogue::default(), &["C: LHLO a", "S: 250"]);
        dialogue = play(dialogue, &sent);
        let places = [250, 250, 550, 250].map(|code| dialogue.replied(code).and_then(|settled| settled.one_more));
        assert_eq!(places, [None, None, None, Some(1)]);
        let left = [Awaited::MailDataEnd, Awaited::MailDataEnd, Awaited::Command(Verb::Noop)];
        assert_eq!(left.map(|_| dialogue.replied(250).map(|settled| settled.answers)), left.map(Some));
        let mut smtp = play(Dialogue::default(), &["C: EHLO a", "S: 250"]);
        smtp = play(smtp, &sent);
        assert_eq!([250, 250, 250, 250, 250, 250].map(|code| smtp.replied(code).is_some()), [true; 6]);
        assert_eq!(smtp.owed(), 0);
    }

    #[test]
    fn a_chunk_is_not_made_of_lines() {
        let mut dialogue = play(Dialogue::greeting(), &["S: 220"]);
        dialogue.wrote(b"BDAT 9\r\nNOOP\r\nabcQUIT\r\n");
        assert_eq!(dialogue.owed(), 2);
        assert_eq!(answered(&mut dialogue, 250), Awaited::Command(Verb::BdatCommand));
        assert_eq!(answered(&mut dialogue, 221), Awaited::Command(Verb::Quit));
        dialogue.wrote(b"BDAT 0 LAST\r\nNOOP\r\n");
        assert_eq!(dialogue.owed(), 2);
    }

    #[test]
    fn pieces_of_a_line_count_once_it_ends() {
        let mut dialogue = play(Dialogue::greeting(), &["S: 220"]);
        for byte in b"NOOP\r" {
            dialogue.wrote(&[*byte]);
        }
        assert_eq!(dialogue.owed(), 0);
        dialogue.wrote(b"\n");
        assert_eq!(dialogue.owed(), 1);
        dialogue.wrote(b"NOOP\n");
        assert_eq!(dialogue.owed(), 1, "a bare LF ends no line");
    }

    #[test]
    fn a_very_long_line_is_one_line() {
        let mut dialogue = play(Dialogue::greeting(), &["S: 220"]);
        for _ in 0..100 {
            dialogue.wrote(&[b'x'; 999]);
        }
        dialogue.wrote(b"\r");
        dialogue.wrote(b"\n");
        assert_eq!(dialogue.owed(), 1);
    }

    #[test]
    fn nothing_is_owed_after_a_handshake() {
        let mut dialogue = play(Dialogue::greeting(), &["S: 220", "C: STARTTLS", "S: 220"]);
        dialogue.restart();
        assert_eq!(dialogue.owed(), 0);
    }

    #[test]
    fn after_auth_lines_that_are_no_commands_are_responses() {
        for code in ["235", "250", "334", "454", "503", "504", "530", "535", "538"] {
            let dialogue = play(Dialogue::greeting(), &["S: 220", "C: AUTH LOGIN", &format!("S: {code}")]);
            assert!(dialogue.is_response(b"YW5u"), "{code}");
            assert_eq!(dialogue.is_response(b"NOOP"), code == "334", "{code}");
            let refused = play(dialogue, &["C: YW5u", "S: 530"]);
            assert!(refused.is_response(b"cHc="), "{code}");
            assert!(!play(refused, &["C: RSET", "S: 250"]).is_response(b"XPASS"), "{code}");
        }
        assert!(!Dialogue::greeting().is_response(b"YW5u"));
    }

    #[test]
    fn a_response_that_came_before_its_challenge_is_the_one() {
        let mut dialogue = play(Dialogue::greeting(), &["S: 220", "C: AUTH PLAIN", "C: AGEAYg==", "C: NOOP"]);
        assert_eq!(answered(&mut dialogue, 334), Awaited::Command(Verb::AuthCommand));
        assert!(!dialogue.is_response(b"QUIT"));
        assert_eq!(answered(&mut dialogue, 235), Awaited::Response);
        assert_eq!(answered(&mut dialogue, 250), Awaited::Command(Verb::Noop));
    }

    proptest::proptest! {
        #[test]
        fn chunking_never_matters(text in "(NOOP\r\n|BDAT 5 LAST\r\n|AUTH X\r\n|a|\r|\n|abcdefg){0,20}", cut in 0_usize..80) {
            let bytes = text.as_bytes();
            let (mut whole, mut parts) = (Dialogue::default(), Dialogue::default());
            whole.wrote(bytes);
            let cut = cut.min(bytes.len());
            parts.wrote(&bytes[..cut]);
            parts.wrote(&bytes[cut..]);
            proptest::prop_assert_eq!(whole.owed(), parts.owed());
        }
    }
}
