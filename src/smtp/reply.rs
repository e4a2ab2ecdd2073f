//! Replies: what a server answers (RFC 5321 section 4.2), read from bytes as they arrive.
//!
//! Responsible for finding where one whole reply ends and for saying what is wrong with one that is malformed. It
//! never waits and never loses a byte: the buffer stays the caller's.

use super::status::EnhancedStatusCode;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// The longest line of a reply, in octets; RFC 5321 section 4.5.3.1.5 allows 512.
pub const MAX_REPLY_LINE: usize = 64 * 1024;
/// The largest reply, in octets.
pub const MAX_REPLY: usize = 1024 * 1024;
/// The longest line that RFC 5321 section 4.5.3.1.5 allows, in octets with its CRLF.
pub const STANDARD_REPLY_LINE: usize = 512;

/// The code that some bytes begin with, where they are a reply.
pub(crate) fn code_of(bytes: &[u8]) -> Option<u16> {
    str::from_utf8(bytes.get(..3)?).ok()?.parse().ok().filter(|code| (100..600).contains(code))
}

/// One whole reply.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    /// The octets as they came, with the line ends.
    raw: Vec<u8>,
    /// Each line without its CRLF.
    lines: Vec<Range<u32>>,
}

/// What is wrong with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A line does not begin with three digits and a blank, a hyphen or its end.
    NoCode,
    /// A line has another code than the first.
    CodeChanged {
        /// The code of the first line.
        first: u16,
        /// The code of this line.
        then: u16,
    },
    /// A line ends in LF without CR.
    BareLf,
    /// CR stands elsewhere than before LF.
    BareCr,
    /// A NUL stands in the reply.
    Nul,
    /// A line is longer than [`MAX_REPLY_LINE`].
    LineTooLong,
    /// The reply is larger than [`MAX_REPLY`].
    TooLarge,
}

/// How far the parser came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// The reply goes on; more octets are needed.
    Partial,
    /// A whole reply; it took this many octets of the buffer.
    Complete(Reply, usize),
    /// A malformed reply; up to and with the faulty line it took this many octets, or as many as the limit allows:
    /// however the octets come in, the same are taken.
    Malformed(Fault, usize),
}

/// Reads one reply from a growing buffer.
#[derive(Debug, Clone, Default)]
pub struct ReplyParser {
    scanned: usize,
    code: Option<u16>,
    lines: Vec<Range<u32>>,
}

impl ReplyParser {
    /// Goes on where it stopped: `buffer` must begin with the octets of the last call, with more after them.
    ///
    /// After `Complete` and `Malformed` the parser is ready for the next reply, and the caller drops the octets that
    /// were taken from the buffer.
    pub fn advance(&mut self, buffer: &[u8]) -> Parsed {
        let line_start = |parser: &ReplyParser| parser.lines.last().map_or(0, |line| line.end as usize + 2);
        loop {
            let start = line_start(self);
            let from = self.scanned.max(start);
            let Some(found) = memchr::memchr(b'\n', &buffer[from..]) else {
                self.scanned = buffer.len();
                return self.unfinished(buffer, start);
            };
            let end = from + found + 1;
            if let Some(progress) = self.line(buffer, start, end) {
                *self = ReplyParser::default();
                return progress;
            }
        }
    }

    /// A line without its end: only its length can be wrong so far.
    fn unfinished(&mut self, buffer: &[u8], start: usize) -> Parsed {
        let malformed = if buffer.len() - start > MAX_REPLY_LINE {
            Parsed::Malformed(Fault::LineTooLong, start + MAX_REPLY_LINE)
        } else if buffer.len() > MAX_REPLY {
            Parsed::Malformed(Fault::TooLarge, MAX_REPLY)
        } else {
            return Parsed::Partial;
        };
        *self = ReplyParser::default();
        malformed
    }

    /// Takes the line `start..end`, its LF included. Nothing comes back while the reply goes on.
    fn line(&mut self, buffer: &[u8], start: usize, end: usize) -> Option<Parsed> {
        let line = match line_content(&buffer[start..end]) {
            Ok(line) => line,
            Err(Fault::LineTooLong) => {
                return Some(Parsed::Malformed(Fault::LineTooLong, start + MAX_REPLY_LINE));
            }
            Err(fault) => return Some(Parsed::Malformed(fault, end)),
        };
        let Some((code, last)) = split_code(line) else { return Some(Parsed::Malformed(Fault::NoCode, end)) };
        let first = *self.code.get_or_insert(code);
        if first != code {
            return Some(Parsed::Malformed(Fault::CodeChanged { first, then: code }, end));
        }
        if end > MAX_REPLY {
            return Some(Parsed::Malformed(Fault::TooLarge, MAX_REPLY));
        }
        let offset = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        self.lines.push(offset(start)..offset(start + line.len()));
        self.scanned = end;
        last.then(|| {
            let lines = std::mem::take(&mut self.lines);
            Parsed::Complete(Reply { code, raw: buffer[..end].to_vec(), lines }, end)
        })
    }
}

/// A line without its CRLF, if that is how it ends and nothing forbidden stands in it.
fn line_content(line: &[u8]) -> Result<&[u8], Fault> {
    if line.len() > MAX_REPLY_LINE {
        return Err(Fault::LineTooLong);
    }
    let Some(content) = line.strip_suffix(b"\r\n") else { return Err(Fault::BareLf) };
    match memchr::memchr2(b'\r', 0, content) {
        None => Ok(content),
        Some(at) if content[at] == 0 => Err(Fault::Nul),
        Some(_) => Err(Fault::BareCr),
    }
}

/// The code of a line, and whether it is the last one: `250 text`, and `250` alone, are.
fn split_code(line: &[u8]) -> Option<(u16, bool)> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match line.get(3) {
        None | Some(b' ') => Some((code, true)),
        Some(b'-') => Some((code, false)),
        Some(_) => None,
    }
}

impl Reply {
    /// The reply code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code of its first line, where there is one (RFC 2034 section 4).
    #[must_use]
    pub fn enhanced(&self) -> Option<EnhancedStatusCode> {
        self.texts().next().and_then(EnhancedStatusCode::at_start_of)
    }

    /// The octets as they came.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The lines as sent, codes included, without CRLF.
    #[must_use]
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.lines.iter().map(|line| &self.raw[line.start as usize..line.end as usize])
    }

    /// For each line the offset after its CRLF in the octets as they came.
    pub fn line_ends(&self) -> impl Iterator<Item = usize> {
        self.lines.iter().map(|line| line.end as usize + 2)
    }

    /// The text of each line: what follows the code.
    #[must_use]
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.lines().map(|line| line.get(4..).unwrap_or_default())
    }

    /// The lines joined by LF, without CR: what a pattern is compared with.
    #[must_use]
    pub fn joined(&self) -> Cow<'_, [u8]> {
        if let [line] = self.lines.as_slice() {
            return Cow::Borrowed(&self.raw[line.start as usize..line.end as usize]);
        }
        let mut joined = Vec::with_capacity(self.raw.len());
        for line in self.lines() {
            joined.extend_from_slice(line);
            joined.push(b'\n');
        }
        joined.pop();
        Cow::Owned(joined)
    }

    /// Whether it is a positive completion or intermediate reply (2yz, 3yz).
    #[must_use]
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// The length of its longest line with CRLF, in octets.
    #[must_use]
    pub fn longest_line(&self) -> usize {
        self.lines().map(|line| line.len() + 2).max().unwrap_or(0)
    }
}

impl fmt::Debug for Reply {
    /// A server may echo a secret: the text is not printed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Reply({}, {} lines)", self.code, self.lines.len())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoCode => write!(formatter, "a line without a reply code"),
            Fault::CodeChanged { first, then } => {
                write!(formatter, "the code changes from {first} to {then} within the reply")
            }
            Fault::BareLf => write!(formatter, "a line ends in LF without CR"),
            Fault::BareCr => write!(formatter, "a CR stands within a line"),
            Fault::Nul => write!(formatter, "a NUL stands in the reply"),
            Fault::LineTooLong => write!(formatter, "a line is longer than {MAX_REPLY_LINE} octets"),
            Fault::TooLarge => write!(formatter, "the reply is larger than {MAX_REPLY} octets"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advance(bytes: &[u8]) -> Parsed {
        ReplyParser::default().advance(bytes)
    }

    fn complete(bytes: &[u8]) -> Reply {
        match advance(bytes) {
            Parsed::Complete(reply, taken) if taken == bytes.len() => reply,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn single_and_multiline_replies() {
        let reply = complete(b"250-mx.example\r\n250-SIZE 100\r\n250 HELP\r\n");
        assert_eq!(reply.code(), 250);
        assert_eq!(*reply.joined(), *b"250-mx.example\n250-SIZE 100\n250 HELP");
        assert_eq!(reply.texts().collect::<Vec<_>>(), [&b"mx.example"[..], b"SIZE 100", b"HELP"]);
        assert_eq!(*complete(b"250\r\n").joined(), *b"250");
        assert_eq!(complete(b"250-a\r\n250\r\n").lines().len(), 2);
        assert_eq!(complete(b"334 \r\n").texts().next(), Some(&b""[..]));
    }

    #[test]
    fn what_follows_a_reply_stays() {
        assert!(matches!(advance(b"250 a\r\n251 b\r\n"), Parsed::Complete(reply, 7) if reply.code() == 250));
    }

    #[test]
    fn a_partial_reply_waits() {
        for bytes in [&b""[..], b"2", b"250", b"250 a\r", b"250-a\r\n", b"250-a\r\n250 b"] {
            assert_eq!(advance(bytes), Parsed::Partial, "{bytes:?}");
        }
    }

    #[test]
    fn faults_are_named_as_soon_as_they_are_seen() {
        let fault = |bytes: &[u8]| match advance(bytes) {
            Parsed::Malformed(fault, _) => fault,
            other => panic!("{other:?}"),
        };
        assert_eq!(fault(b"hello\r\n"), Fault::NoCode);
        assert_eq!(fault(b"250x ok\r\n"), Fault::NoCode);
        assert_eq!(fault(b"25\r\n"), Fault::NoCode);
        assert_eq!(fault(b"250-a\r\n251 b\r\n"), Fault::CodeChanged { first: 250, then: 251 });
        assert_eq!(fault(b"421 timed out\n"), Fault::BareLf);
        assert_eq!(fault(b"250 a\rb\r\n"), Fault::BareCr);
        assert_eq!(fault(b"250 a\0b\r\n"), Fault::Nul);
        assert_eq!(fault(&vec![b'2'; MAX_REPLY_LINE + 1]), Fault::LineTooLong);
        assert_eq!(fault(&b"250-abcdefgh\r\n".repeat(80_000)), Fault::TooLarge);
    }

    proptest::proptest! {
        #[test]
        fn chunks_make_no_difference(bytes in "(250[- ]a?\r?\n?|[2-5]50 |\0|x){0,12}", cut in 0_usize..60) {
            let bytes = bytes.as_bytes();
            let mut parser = ReplyParser::default();
            let first = parser.advance(&bytes[..cut.min(bytes.len())]);
            let whole = advance(bytes);
            if first == Parsed::Partial {
                proptest::prop_assert_eq!(parser.advance(bytes), whole);
            } else {
                proptest::prop_assert_eq!(first, whole);
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes: Vec<u8>) {
            if let Parsed::Complete(_, taken) | Parsed::Malformed(_, taken) = advance(&bytes) {
                proptest::prop_assert!(taken <= bytes.len() && taken > 0);
            }
        }
    }
}
