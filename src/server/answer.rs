//! What the server says to a command, and what it reads next.
//!
//! Plain data between the protocol, which decides, and the dialogue, which obeys.

use std::borrow::Cow;

/// What the server sends, and what it reads next.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// The reply, or several of them, without the last CRLF; empty when none is due yet.
    pub(crate) reply: Cow<'static, str>,
    /// What comes after the reply.
    pub(crate) next: NextInput,
}

/// What the server reads after an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NextInput {
    /// Another line.
    Line,
    /// A TLS handshake, after everything that is buffered was thrown away (RFC 3207 5).
    StartTls,
    /// Mail data up to `CRLF.CRLF`, then `Protocol::mail_data_ended`.
    MailData,
    /// So many octets, then `Protocol::chunk_ended`.
    Chunk(u64),
    /// Nothing: the connection is closed.
    Close,
}

/// Why a line is refused before anyone looks for a command in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BadLine {
    /// Longer than `Protocol::line_limit`.
    TooLong,
    /// It ended with LF alone (RFC 5321 2.3.8).
    BareLf,
    /// It holds NUL, or CR before its end.
    ControlCharacter,
    /// It holds octets beyond ASCII that are not UTF-8 (RFC 6531 3.3).
    NotUtf8,
}

impl BadLine {
    /// The text of a line that is one, without its CRLF.
    pub(crate) fn text_of(line: &[u8]) -> Result<&str, BadLine> {
        let line = line.strip_suffix(b"\r\n").ok_or(BadLine::BareLf)?;
        if memchr::memchr2(b'\0', b'\r', line).is_some() {
            return Err(BadLine::ControlCharacter);
        }
        str::from_utf8(line).map_err(|_| BadLine::NotUtf8)
    }
}

impl From<&'static str> for Answer {
    fn from(reply: &'static str) -> Self {
        Self { reply: reply.into(), next: NextInput::Line }
    }
}

impl From<String> for Answer {
    fn from(reply: String) -> Self {
        Self { reply: reply.into(), next: NextInput::Line }
    }
}

impl Answer {
    pub(crate) fn then(self, next: NextInput) -> Self {
        Self { next, ..self }
    }

    /// The same reply once for each recipient, as LMTP wants it (RFC 2033 4.2).
    pub(crate) fn times(self, count: u32) -> Self {
        let reply = (0..count.max(1)).map(|_| &*self.reply).collect::<Vec<_>>().join("\r\n");
        Self { reply: reply.into(), ..self }
    }
}
