//! What a typed line is: bytes for the wire, or a command of ours.
//!
//! Pure. Every line goes over the wire as it is, but for one that begins with a dot. Where the server waits for mail data
//! or for the answer to a challenge there are no commands: a dot is a dot.

use super::state::PromptPhase;

/// A line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed<'l> {
    /// An empty line, which would be an unknown command.
    Nothing,
    /// Bytes that go out with CRLF after them.
    Wire(&'l [u8]),
    /// `.name arguments`; `.name!` insists.
    Command { name: String, force: bool, arguments: String },
}

impl Typed<'_> {
    pub(super) fn read(line: &[u8], phase: PromptPhase) -> Typed<'_> {
        if matches!(phase, PromptPhase::MailData | PromptPhase::Challenge) {
            return Typed::Wire(line);
        }
        match line {
            [] => Typed::Nothing,
            [b'.', b'.', ..] => Typed::Wire(&line[1..]),
            [b'.', command @ ..] => command_of(&String::from_utf8_lossy(command)),
            _ => Typed::Wire(line),
        }
    }
}

fn command_of(text: &str) -> Typed<'static> {
    let (name, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (name, force) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
    Typed::Command { name: name.to_ascii_lowercase(), force, arguments: arguments.trim().to_owned() }
}

/// The bytes of a text with `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH`.
pub(super) fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, used) = match rest {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'0', ..] => (0, 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', high, low, ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = digit(high).zip(digit(low)).ok_or("`\\x` needs two hexadecimal digits")?;
                (high << 4 | low, 3)
            }
            _ => return Err("a backslash stands before `r`, `n`, `t`, `0`, `\\` or `xHH`".to_owned()),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str, force: bool, arguments: &str) -> Typed<'static> {
        Typed::Command { name: name.to_owned(), force, arguments: arguments.to_owned() }
    }

    #[test]
    fn letters_are_letters() {
        for line in ["R", "Q", "~.", "  NOOP", "QUIT ", "\u{4}", "#x", "!ls"] {
            assert_eq!(Typed::read(line.as_bytes(), PromptPhase::Ready), Typed::Wire(line.as_bytes()), "{line}");
        }
        assert_eq!(Typed::read(b"", PromptPhase::Ready), Typed::Nothing);
    }

    #[test]
    fn a_dot_begins_a_command_and_two_dots_a_dot() {
        assert_eq!(Typed::read(b".Save!  a b ", PromptPhase::Ready), command("save", true, "a b"));
        assert_eq!(Typed::read(b".", PromptPhase::Ready), command("", false, ""));
        assert_eq!(Typed::read(b"..x", PromptPhase::Ready), Typed::Wire(b".x"));
    }

    #[test]
    fn mail_data_and_answers_to_challenges_are_as_typed() {
        for line in [&b"."[..], b"..", b".save x", b""] {
            assert_eq!(Typed::read(line, PromptPhase::MailData), Typed::Wire(line));
            assert_eq!(Typed::read(line, PromptPhase::Challenge), Typed::Wire(line));
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(unescaped("a\\r\\n\\0\\t\\xFf\\\\é"), Ok(b"a\r\n\0\t\xff\\\xc3\xa9".to_vec()));
        for bad in ["\\", "\\q", "\\x1", "\\xzz"] {
            assert!(unescaped(bad).is_err(), "{bad}");
        }
    }
}
