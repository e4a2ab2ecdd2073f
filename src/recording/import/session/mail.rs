//! The messages of a session: as the transcript shows them, or one that stands in their place.

use super::LogSession;
use crate::recording::{MAX_MESSAGE, RecordedMailData, Said, split_verb};
use crate::scenario::Span;
use crate::smtp::command::CommandLine;
use std::fmt::Write as _;

impl LogSession {
    /// The end of mail data.
    pub(in crate::recording::import) fn message(&mut self, mut octets: Vec<u8>) {
        if self.is_too_long() {
            return;
        }
        let left_out = octets.len().saturating_sub(MAX_MESSAGE);
        if left_out > 0 {
            let end =
                octets[..MAX_MESSAGE].windows(2).rposition(|pair| pair == b"\r\n").map_or(MAX_MESSAGE, |at| at + 2);
            octets.truncate(end);
        }
        let left_out = if left_out > 0 { (left_out + MAX_MESSAGE - octets.len()) as u64 } else { 0 };
        self.said.push(Said::RecordedMailData(RecordedMailData { octets, left_out }));
        self.owed.message(self.said.len() - 1);
    }

    /// A message takes the place of one that is not shown.
    pub(in crate::recording::import) fn message_not_shown(&mut self, here: Span) {
        self.warn(
            here,
            "the message before this reply is not shown: another stands in its place",
            "write what is to be sent under `data:`",
        );
        self.said
            .push(Said::Remark("the transcript does not show the message: this one stands in its place".to_owned()));
        let octets = self.stand_in();
        self.message(octets);
    }

    /// A message from and to those of the envelope.
    fn stand_in(&self) -> Vec<u8> {
        let mut fields = String::new();
        for said in &self.said {
            let Said::Line(line) = said else { continue };
            let line = String::from_utf8_lossy(line);
            let address =
                line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address);
            match split_verb(line.as_bytes()).0.as_str() {
                "MAIL" => fields = format!("From: <{address}>\r\n"),
                "RCPT" if !fields.contains("\r\nTo:") => _ = write!(fields, "To: <{address}>\r\n"),
                _ => {}
            }
        }
        format!("{fields}Date: now\r\nMessage-ID: <1@example.com>\r\nSubject: Test\r\n\r\nThis is a test.\r\n")
            .into_bytes()
    }

    /// A line of a chunk after its BDAT: whether it is one. It has the octets that were announced, so that a line of it may
    /// look like a command.
    pub(in crate::recording::import) fn chunk_line(&mut self, text: &str, is_command: bool) -> bool {
        let announced = match self.said.iter().rev().nth(1) {
            Some(Said::Line(line)) => CommandLine::parse(line).bdat().map(|bdat| bdat.octets),
            _ => None,
        };
        let (Some(Said::Chunk(chunk)), Some(announced)) = (self.said.last_mut(), announced) else { return false };
        let left = match self.chunk_left {
            None if is_command => return false,
            None => {
                *chunk = RecordedMailData { octets: Vec::new(), left_out: announced };
                announced
            }
            Some(left) => left,
        };
        self.chunk_left = Some(left.saturating_sub(text.len() as u64 + 2));
        let line = [text.as_bytes(), b"\r\n"].concat();
        let kept = &line[..line.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        if chunk.octets.len() < MAX_MESSAGE {
            chunk.octets.extend_from_slice(kept);
            chunk.left_out -= kept.len() as u64;
        }
        left > 0
    }

    /// A chunk of the size that was announced.
    pub(super) fn stand_in_chunk(&self, command: &str) -> RecordedMailData {
        let size: usize = command.split_whitespace().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
        let mut octets = self.stand_in();
        let filler = b"This line takes the place of one that is not shown here, of a message.\r\n";
        while octets.len() < size.min(MAX_MESSAGE) {
            octets.extend_from_slice(filler);
        }
        if size <= MAX_MESSAGE {
            octets.truncate(size);
            if size >= 2 {
                octets.truncate(size - 2);
                octets.extend_from_slice(b"\r\n");
            }
        }
        let left_out = size.saturating_sub(octets.len()) as u64;
        RecordedMailData { octets, left_out }
    }
}
