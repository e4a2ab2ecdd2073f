//! What passes between a client and a server, as a conversation.
//!
//! Responsible for cutting both directions into lines, mail data, chunks and replies, in pieces of any size, and for the
//! one moment at which a proxy must act: a 220 to STARTTLS. Pure; it holds mail data up to a limit and counts the rest.
//! Which replies are owed the dialogue knows. Octets pass unchanged whatever is understood of them. The proxy of `record` and the shell listen with it.

use super::{MAX_MESSAGE, RecordedMailData, Said};
use crate::smtp::command::{CommandLine, MAX_LINE, Verb};
use crate::smtp::dialogue::{Awaited, Dialogue, Phase};
use crate::smtp::mail_data::MailDataDecoder;
use crate::smtp::reply::{Parsed, ReplyParser};

/// How many octets of all messages of a session are kept.
const MAX_KEPT: usize = 256 * 1024;
/// How much of a session is kept, mail data apart: a scenario has at most 1 MiB.
const MAX_SPOKEN: usize = 256 * 1024;

/// Listens to one session.
pub(crate) struct Wiretap {
    pub(crate) said: Vec<Said>,
    dialogue: Dialogue,
    incoming: IncomingOctets,
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    replies: Vec<u8>,
    parser: ReplyParser,
    /// Octets of commands and replies, and of messages, that were kept.
    spoken: usize,
    kept: usize,
    full: bool,
}

/// What the client is sending, beside lines.
enum IncomingOctets {
    Nothing,
    MailData(Box<TappedMessage>),
    Chunk(RecordedMailData),
}

/// A message whose end has not arrived.
#[derive(Default)]
struct TappedMessage {
    decoder: MailDataDecoder,
    data: RecordedMailData,
    /// The same as it stands on the wire: a message without an end is nothing but these octets.
    wire: RecordedMailData,
}

impl Wiretap {
    /// At the beginning of a session: the server owes its greeting.
    pub(crate) fn new() -> Wiretap {
        Wiretap {
            said: Vec::new(),
            dialogue: Dialogue::greeting(),
            incoming: IncomingOctets::Nothing,
            line: Vec::new(),
            replies: Vec::new(),
            parser: ReplyParser::default(),
            spoken: 0,
            kept: 0,
            full: false,
        }
    }

    /// Which replies are owed, and what a line would mean.
    pub(crate) fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }

    /// Whether the client has said anything.
    pub(crate) fn heard_client(&self) -> bool {
        self.said.iter().any(|said| matches!(said, Said::Line(_) | Said::Bytes(_)))
    }

    /// Takes what the client sent.
    pub(crate) fn client(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            let used = match self.incoming {
                IncomingOctets::Nothing => self.take_line(input),
                IncomingOctets::MailData(..) => self.take_mail_data(input),
                IncomingOctets::Chunk(..) => self.take_chunk(input),
            };
            input = &input[used..];
        }
    }

    /// Takes what the server sent. `true`: this ends with, or holds, the 220 after which both sides shake hands.
    pub(crate) fn server(&mut self, input: &[u8]) -> bool {
        self.replies.extend_from_slice(input);
        let mut shakes_hands = false;
        loop {
            let (said, taken) = match self.parser.advance(&self.replies) {
                Parsed::Partial => return shakes_hands,
                Parsed::Complete(reply, taken) => {
                    shakes_hands |= self.answered(reply.code());
                    (Said::Reply(reply), taken)
                }
                Parsed::Malformed(_, taken) => {
                    self.answered(0);
                    (Said::Malformed(self.replies[..taken].to_vec()), taken)
                }
            };
            self.note(said, taken);
            self.replies.drain(..taken);
        }
    }

    /// Both sides have shaken hands: what was before counts no more.
    pub(crate) fn handshake(&mut self) {
        self.dialogue.restart();
        self.incoming = IncomingOctets::Nothing;
        self.line.clear();
        self.replies.clear();
        self.parser = ReplyParser::default();
        self.said.push(Said::Handshake);
    }

    /// Nothing more will come; unfinished parts are part of what was said.
    pub(crate) fn end(&mut self, how: Said) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.note(Said::Bytes(line), 0);
        }
        match std::mem::replace(&mut self.incoming, IncomingOctets::Nothing) {
            IncomingOctets::MailData(message) if !message.wire.octets.is_empty() => self.unfinished(message.wire),
            IncomingOctets::Chunk(kept) => self.said.push(Said::Chunk(kept)),
            _ => {}
        }
        self.said.push(how);
    }

    fn unfinished(&mut self, wire: RecordedMailData) {
        let whole = wire.octets.len() as u64 + wire.left_out;
        let cut = if wire.left_out > 0 { format!(", after {whole} octets of it") } else { String::new() };
        self.said.push(Said::Remark(format!("the session ended within this message{cut}")));
        self.said.push(Said::Bytes(wire.octets));
    }

    fn take_line(&mut self, input: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', input).map(|at| at + 1);
        let used = end.unwrap_or(input.len()).min(MAX_LINE + 1 - self.line.len());
        self.line.extend_from_slice(&input[..used]);
        if self.line.ends_with(b"\n") || self.line.len() > MAX_LINE {
            let line = std::mem::take(&mut self.line);
            self.line(line);
        }
        used
    }

    fn line(&mut self, mut line: Vec<u8>) {
        let size = line.len();
        if !line.ends_with(b"\r\n") {
            if line.ends_with(b"\n") {
                self.dialogue.wrote_odd_line(&line[..size - 1]);
            }
            return self.note(Said::Bytes(line), size);
        }
        line.truncate(size - 2);
        self.dialogue.wrote_command(&line);
        let announces = CommandLine::parse(&line).bdat().is_some();
        self.note(Said::Line(line), size);
        if announces {
            self.incoming = IncomingOctets::Chunk(RecordedMailData::default());
            self.take_chunk(&[]);
        }
    }

    fn take_mail_data(&mut self, input: &[u8]) -> usize {
        let IncomingOctets::MailData(message) = &mut self.incoming else { return 0 };
        let mut decoded = Vec::new();
        let done = message.decoder.decode(input, &mut decoded);
        let room = MAX_KEPT.saturating_sub(self.kept);
        keep(&mut message.wire, &input[..done.consumed], room);
        self.kept += keep(&mut message.data, &decoded, room);
        if done.finished {
            let data = std::mem::take(&mut message.data);
            self.incoming = IncomingOctets::Nothing;
            self.dialogue.mail_data_ended();
            self.note(Said::RecordedMailData(at_line_end(data)), 0);
        }
        done.consumed
    }

    fn take_chunk(&mut self, input: &[u8]) -> usize {
        let IncomingOctets::Chunk(kept) = &mut self.incoming else { return 0 };
        let left = if let Phase::Chunk { left } = self.dialogue.phase() { left } else { 0 };
        let used = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        self.dialogue.wrote_chunk(used as u64);
        self.kept += keep(kept, &input[..used], MAX_KEPT.saturating_sub(self.kept));
        if used as u64 == left {
            let chunk = std::mem::take(kept);
            self.incoming = IncomingOctets::Nothing;
            self.note(Said::Chunk(chunk), 0);
        }
        used
    }

    /// Settles the oldest reply that is owed. `true`: both sides shake hands now.
    fn answered(&mut self, code: u16) -> bool {
        let settled = self.dialogue.replied(code);
        if self.dialogue.phase() == Phase::MailData && !matches!(self.incoming, IncomingOctets::MailData(_)) {
            self.incoming = IncomingOctets::MailData(Box::default());
        }
        settled.is_some_and(|settled| settled.answers == Awaited::Command(Verb::StartTls)) && code == 220
    }

    /// Keeps what was said; of a session without end only the beginning.
    fn note(&mut self, said: Said, size: usize) {
        self.spoken += size;
        if self.spoken <= MAX_SPOKEN {
            self.said.push(said);
        } else if !self.full {
            self.full = true;
            self.said.push(Said::Remark("the session went on; only its beginning stands here".to_owned()));
        }
    }
}

/// Keeps octets up to the limits and counts the others; gives how many were kept.
fn keep(data: &mut RecordedMailData, octets: &[u8], room: usize) -> usize {
    let kept = octets.len().min(room).min(MAX_MESSAGE.saturating_sub(data.octets.len()));
    // Behind a gap nothing more is kept.
    let kept = if data.left_out > 0 { 0 } else { kept };
    data.octets.extend_from_slice(&octets[..kept]);
    data.left_out += (octets.len() - kept) as u64;
    kept
}

/// Mail data that was cut ends with the last whole line of what was kept.
fn at_line_end(mut data: RecordedMailData) -> RecordedMailData {
    if data.left_out > 0 {
        let end = data.octets.windows(2).rposition(|pair| pair == b"\r\n").map_or(0, |at| at + 2);
        data.left_out += (data.octets.len() - end) as u64;
        data.octets.truncate(end);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(tap: &Wiretap) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |said: &Said| match said {
            Said::Line(line) => format!("C: {}", text(line)),
            Said::Bytes(bytes) => format!("raw: {}", text(bytes)),
            Said::RecordedMailData(data) => format!("data: {}+{}", text(&data.octets), data.left_out),
            Said::Chunk(data) => format!("chunk: {}+{}", text(&data.octets), data.left_out),
            Said::Reply(reply) => format!("S: {}", reply.code()),
            Said::Malformed(bytes) => format!("malformed: {}", text(bytes)),
            Said::Handshake => "tls".to_owned(),
            _ => "end".to_owned(),
        };
        tap.said.iter().map(one).collect()
    }

    /// A session in which the client waits for each reply; each text goes in by pieces of `size` octets.
    fn listened(size: usize) -> Vec<String> {
        let mut tap = Wiretap::new();
        let session = [
            ("", "220 hi\r\n"),
            ("EHLO me\r\n", "250-mx\r\n250 STARTTLS\r\n"),
            ("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
            ("a\r\n..b\r\n.\r\nQUIT\r\n", "250 ok\r\n"),
            ("BDAT 3\r\nx\r\nBDAT 0 LAST\r\n", "221 bye\r\n250 ok\r\n250 ok\r\n"),
            ("NOOP\n", "odd\r\n"),
        ];
        for (client, server) in session {
            client.as_bytes().chunks(size).for_each(|piece| tap.client(piece));
            server.as_bytes().chunks(size).for_each(|piece| assert!(!tap.server(piece)));
        }
        told(&tap)
    }

    #[test]
    fn a_session_is_understood_in_pieces_of_any_size() {
        let expected = [
            "S: 220",
            "C: EHLO me",
            "S: 250",
            "C: MAIL FROM:<a@b>",
            "C: RCPT TO:<c@d>",
            "C: DATA",
            "S: 250",
            "S: 250",
            "S: 354",
            "data: a\r\n.b\r\n+0",
            "C: QUIT",
            "S: 250",
            "C: BDAT 3",
            "chunk: x\r\n+0",
            "C: BDAT 0 LAST",
            "chunk: +0",
            "S: 221",
            "S: 250",
            "S: 250",
            "raw: NOOP\n",
            "malformed: odd\r\n",
        ];
        for size in [1, 2, 7, 1000] {
            assert_eq!(listened(size), expected, "{size}");
        }
    }

    #[test]
    fn starttls_is_acted_on_when_it_was_accepted() {
        let mut tap = Wiretap::new();
        assert!(!tap.server(b"220 hi\r\n"));
        tap.client(b"STARTTLS\r\n");
        assert!(!tap.server(b"454 no\r\n"));
        tap.client(b"starttls\r\n");
        assert!(!tap.server(b"220"));
        assert!(tap.server(b" go\r\n"));
        tap.handshake();
        tap.client(b"STARTTLS");
        tap.end(Said::ClientClosed);
        let expected = ["S: 220", "C: STARTTLS", "S: 454", "C: starttls", "S: 220", "tls", "raw: STARTTLS", "end"];
        assert_eq!(told(&tap), expected);
    }

    #[test]
    fn large_messages_are_counted_and_not_kept() {
        let mut tap = Wiretap::new();
        tap.server(b"220 hi\r\n");
        for _ in 0..10 {
            tap.client(b"DATA\r\n");
            tap.server(b"354 go\r\n");
            (0..10_000).for_each(|_| tap.client(b"0123456789012345678901234567890123456789\r\n"));
            tap.client(b".\r\n");
            tap.server(b"250 ok\r\n");
        }
        let kept: Vec<&RecordedMailData> = tap
            .said
            .iter()
            .filter_map(|said| match said {
                Said::RecordedMailData(data) => Some(data),
                _ => None,
            })
            .collect();
        assert!(kept.iter().all(|data| data.octets.len() as u64 + data.left_out == 420_000));
        assert!(kept.iter().map(|data| data.octets.len()).sum::<usize>() <= MAX_KEPT);
        assert!(kept[0].octets.len() > MAX_MESSAGE - 100 && kept[0].octets.ends_with(b"\r\n"));
    }

    #[test]
    fn of_a_message_without_its_end_the_octets_are_kept() {
        for sent in ["Subject: half\r\n\r\nfoo", "a\r\n", "..\r\n.", ".a\r\n.\r"] {
            let mut tap = Wiretap::new();
            tap.server(b"220 hi\r\n");
            tap.client(b"DATA\r\n");
            tap.server(b"354 go\r\n");
            sent.bytes().for_each(|octet| tap.client(&[octet]));
            tap.end(Said::ClientClosed);
            assert_eq!(told(&tap)[3..], ["end".to_owned(), format!("raw: {sent}"), "end".to_owned()]);
        }
    }

    /// RFC 2033 section 4.2 and RFC 3030: what is heard is the same, whichever way the message comes.
    #[test]
    fn lmtp_replies_for_each_recipient() {
        for message in ["MAIL FROM:<x>\r\n|503 no|DATA\r\n|354 go|a\r\n.\r\n", "BDAT 3 LAST\r\na\r\n"] {
            let mut tap = Wiretap::new();
            tap.server(b"220 hi\r\n");
            let recipients = "LHLO me\r\n|250 a|MAIL FROM:<>\r\n|250 ok|RCPT TO:<a>\r\n|250 ok|RCPT TO:<b>\r\n|250 ok|";
            for (index, part) in format!("{recipients}{message}").split('|').enumerate() {
                match index % 2 {
                    0 => tap.client(part.as_bytes()),
                    _ => assert!(!tap.server(format!("{part}\r\n").as_bytes())),
                }
            }
            assert_eq!(tap.dialogue.owed(), 2, "{message}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_pass(parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..20)) {
            let mut tap = Wiretap::new();
            for (from_client, bytes) in &parts {
                if *from_client {
                    tap.client(bytes);
                } else {
                    tap.server(bytes);
                }
            }
            tap.end(Said::ServerClosed);
        }
    }
}
