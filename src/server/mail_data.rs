//! Undoes transparency in the mail data that follows DATA, and finds its end (RFC 5321 4.5.2).
//!
//! Responsible for the octets between `354` and `CRLF.CRLF` only, in pieces of any size; the dialogue calls it. Nothing
//! but CRLF ends a line here: `LF.LF`, `CR.CR` and their mixtures are part of the message, so that no second message
//! can be smuggled in after them.

use memchr::memmem;

/// How far into a line the mail data read so far reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DotState {
    LineStart,
    InLine,
    AfterCr,
    AfterDot,
    AfterDotCr,
}

/// The reader of one message's mail data.
#[derive(Debug)]
pub(crate) struct MailDataReader {
    place: DotState,
}

/// What one piece of input was.
#[derive(Debug, PartialEq)]
pub(crate) enum DataRead {
    /// All of it belonged to the message.
    Unfinished,
    /// The message ended after that many octets of the piece.
    Ended { used: usize },
}

impl MailDataReader {
    /// Stands right after the CRLF of the DATA command: a dot there already ends the message.
    pub(crate) fn new() -> Self {
        Self { place: DotState::LineStart }
    }

    /// Reads one piece and hands the message's octets, dots removed, to `content`.
    pub(crate) fn read(&mut self, input: &[u8], mut content: impl FnMut(&[u8])) -> DataRead {
        let mut at = 0;
        while let Some(&octet) = input.get(at) {
            match (self.place, octet) {
                (DotState::AfterDotCr, b'\n') => return DataRead::Ended { used: at + 1 },
                (DotState::LineStart, b'.') => self.step(DotState::AfterDot, &mut at),
                (DotState::AfterDot, b'\r') => self.step(DotState::AfterDotCr, &mut at),
                (DotState::AfterCr, b'\n') => {
                    content(b"\n");
                    self.step(DotState::LineStart, &mut at);
                }
                (DotState::AfterDotCr, _) => {
                    content(b"\r");
                    self.place = DotState::InLine;
                }
                (DotState::InLine, _) => {
                    let end = at + self.read_lines(&input[at..]);
                    content(&input[at..end]);
                    at = end;
                }
                _ => self.place = DotState::InLine,
            }
        }
        DataRead::Unfinished
    }

    fn step(&mut self, place: DotState, at: &mut usize) {
        self.place = place;
        *at += 1;
    }

    /// How many octets, from the middle of a line on, run up to the next line that starts with a dot.
    fn read_lines(&mut self, input: &[u8]) -> usize {
        if let Some(line_end) = memmem::find(input, b"\r\n.") {
            self.place = DotState::LineStart;
            return line_end + 2;
        }
        self.place = match input {
            [.., b'\r', b'\n'] => DotState::LineStart,
            [.., b'\r'] => DotState::AfterCr,
            _ => DotState::InLine,
        };
        input.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The message, and what was left of the input after its end (`None`: it has not ended).
    fn read_in_pieces(input: &[u8], size: usize) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut reader = MailDataReader::new();
        let mut message = Vec::new();
        for (number, piece) in input.chunks(size).enumerate() {
            if let DataRead::Ended { used } = reader.read(piece, |octets| message.extend_from_slice(octets)) {
                return (message, Some(input[number * size + used..].to_vec()));
            }
        }
        (message, None)
    }

    #[test]
    fn ends_and_transparency() {
        let table: &[(&str, &str, Option<&str>)] = &[
            (".\r\n", "", Some("")),
            ("a\r\n.\r\nQUIT\r\n", "a\r\n", Some("QUIT\r\n")),
            ("..\r\n.\r\n", ".\r\n", Some("")),
            ("...a\r\n..b\r\n.\r\n", "..a\r\n.b\r\n", Some("")),
            (".a\r\n.\r\n", "a\r\n", Some("")),
            ("a.\r\n.\r\n", "a.\r\n", Some("")),
            ("\r\n\r\n.\r\n", "\r\n\r\n", Some("")),
            ("a\r\r\n.\r\n", "a\r\r\n", Some("")),
            ("a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", Some("")),
            ("a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", Some("")),
            ("a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", Some("")),
            ("a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", Some("")),
            ("a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", Some("")),
            ("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", Some("")),
            ("a\r\n.", "a\r\n", None),
            ("a\n.\n", "a\n.\n", None),
        ];
        for &(input, message, rest) in table {
            for size in 1..=input.len() {
                let expected = (message.as_bytes().to_vec(), rest.map(|rest| rest.as_bytes().to_vec()));
                assert_eq!(read_in_pieces(input.as_bytes(), size), expected, "{input:?} in pieces of {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_dot_stuffed_comes_back(
            lines in proptest::collection::vec("[.a\r]{0,4}|[.a\n]{0,4}", 0..8), size in 1_usize..9
        ) {
            let message: String = lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect();
            let mut stuffed = format!("\r\n{message}").replace("\r\n.", "\r\n..").split_off(2);
            stuffed.push_str(".\r\nNOOP");
            prop_assert_eq!(
                read_in_pieces(stuffed.as_bytes(), size),
                (message.into_bytes(), Some(b"NOOP".to_vec()))
            );
        }
    }
}
