//! A command line: its verb, its argument, and what BDAT and AUTH say with theirs.
//!
//! The one parser of what a client writes between CRLFs. Whoever must know what a line asks for (the counter of replies,
//! recordings, the scripted server, the sandbox) reads it here. It refuses nothing: what a server does with a command
//! that is malformed is the server's business.

use super::auth::mechanism_names;
use std::borrow::Cow;

/// The longest line of a client that is taken for one, in octets. RFC 4954 section 4.2 wants 12,288.
pub(crate) const MAX_LINE: usize = 64 * 1024;

/// The verbs that RFC 5321 and its extensions know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Atrn,
    AuthCommand,
    BdatCommand,
    Burl,
    Data,
    Ehlo,
    Etrn,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Reset,
    /// SEND, SOML and SAML (RFC 821), which nobody obeys any more.
    Send,
    StartTls,
    Turn,
    Vrfy,
    /// Postfix's, for its filters.
    XClient,
    XForward,
    /// None of these.
    Other,
}

/// A line that a client wrote, without its CRLF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommandLine<'l> {
    /// The verb as it was written.
    word: &'l [u8],
    verb: Verb,
    argument: &'l [u8],
}

/// A line without its end, be it CRLF or a bare LF.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What `BDAT chunk-size [LAST]` announces (RFC 3030 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BdatCommand {
    /// How many octets follow the line.
    pub(crate) octets: u64,
    /// Whether they end the message.
    pub(crate) last: bool,
    /// Whether the line holds nothing else.
    pub(crate) is_well_formed: bool,
}

/// What `AUTH mechanism [initial-response]` asks for (RFC 4954 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuthCommand<'l> {
    /// As it was written, in any case.
    pub(crate) mechanism: &'l [u8],
    /// Everything after it; empty where the server is to speak first.
    pub(crate) initial: &'l [u8],
}

impl Verb {
    /// The verb with this name, in any case.
    pub(crate) fn named(name: &[u8]) -> Verb {
        // All but three have four letters, which compare as one word.
        let found = match <[u8; 4]>::try_from(name) {
            Ok(letters) => {
                let letters = letters.map(|letter| letter.to_ascii_uppercase());
                VERBS.iter().find(|(verb, _)| verb.as_bytes() == letters)
            }
            Err(_) => VERBS.iter().find(|(verb, _)| name.eq_ignore_ascii_case(verb.as_bytes())),
        };
        found.map_or(Verb::Other, |(_, verb)| *verb)
    }

    /// Every name, with its verb: those that people write first.
    pub(crate) fn names() -> impl Iterator<Item = (&'static str, Verb)> {
        VERBS.iter().copied()
    }
}

impl<'l> CommandLine<'l> {
    /// Reads any line; blanks around its parts count for nothing.
    pub(crate) fn parse(line: &'l [u8]) -> CommandLine<'l> {
        let (word, argument) = first_word(line);
        CommandLine { word, verb: Verb::named(word), argument }
    }

    /// The verb, in any case.
    pub(crate) fn verb(&self) -> Verb {
        self.verb
    }

    /// The verb as text, in upper case; empty where the line is.
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(self.word).to_ascii_uppercase()
    }

    /// What follows the verb.
    pub(crate) fn argument(&self) -> &'l [u8] {
        self.argument
    }

    /// What a BDAT command announces; `None` for any other line and where no number can be read.
    pub(crate) fn bdat(&self) -> Option<BdatCommand> {
        if self.verb() != Verb::BdatCommand {
            return None;
        }
        let (size, rest) = first_word(self.argument);
        if size.is_empty() || !size.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let octets = std::str::from_utf8(size).ok()?.parse().ok()?;
        let (marker, rest) = first_word(rest);
        let last = marker.eq_ignore_ascii_case(b"LAST");
        Some(BdatCommand { octets, last, is_well_formed: rest.is_empty() && (last || marker.is_empty()) })
    }

    /// What an AUTH command asks for; `None` for any other line.
    pub(crate) fn auth(&self) -> Option<AuthCommand<'l>> {
        self.login().filter(|_| self.verb() == Verb::AuthCommand)
    }

    /// The login that a line is meant to begin: AUTH, or a verb that nobody knows with a mechanism after it, as a slip
    /// has it.
    pub(crate) fn login(&self) -> Option<AuthCommand<'l>> {
        let (mechanism, initial) = first_word(self.argument);
        let auth = AuthCommand { mechanism, initial };
        match self.verb() {
            Verb::AuthCommand => Some(auth),
            Verb::Other => Some(auth).filter(|auth| mechanism_names().any(|name| name == auth.name())),
            _ => None,
        }
    }
}

impl AuthCommand<'_> {
    /// The name of the mechanism, in upper case.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        String::from_utf8_lossy(self.mechanism).to_ascii_uppercase().into()
    }
}

/// A word and what follows it, without the blanks between.
fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii();
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    (&text[..end], text[end..].trim_ascii_start())
}

static VERBS: [(&str, Verb); 24] = [
    ("EHLO", Verb::Ehlo),
    ("HELO", Verb::Helo),
    ("LHLO", Verb::Lhlo),
    ("MAIL", Verb::Mail),
    ("RCPT", Verb::Rcpt),
    ("DATA", Verb::Data),
    ("BDAT", Verb::BdatCommand),
    ("RSET", Verb::Reset),
    ("NOOP", Verb::Noop),
    ("QUIT", Verb::Quit),
    ("VRFY", Verb::Vrfy),
    ("EXPN", Verb::Expn),
    ("AUTH", Verb::AuthCommand),
    ("STARTTLS", Verb::StartTls),
    ("HELP", Verb::Help),
    ("ETRN", Verb::Etrn),
    ("ATRN", Verb::Atrn),
    ("TURN", Verb::Turn),
    ("BURL", Verb::Burl),
    ("XCLIENT", Verb::XClient),
    ("XFORWARD", Verb::XForward),
    ("SEND", Verb::Send),
    ("SOML", Verb::Send),
    ("SAML", Verb::Send),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> CommandLine<'_> {
        CommandLine::parse(line.as_bytes())
    }

    #[test]
    fn a_line_has_a_verb_and_an_argument() {
        for (line, verb, argument) in [
            ("NOOP", Verb::Noop, ""),
            ("mail FROM:<a@b>  SIZE=1 ", Verb::Mail, "FROM:<a@b>  SIZE=1"),
            (" \tquit", Verb::Quit, ""),
            ("StartTLS", Verb::StartTls, ""),
            ("xclient ADDR=::1", Verb::XClient, "ADDR=::1"),
            ("XPASS ADDR=::1", Verb::Other, "ADDR=::1"),
            ("", Verb::Other, ""),
        ] {
            let command = parsed(line);
            assert_eq!((command.verb(), command.argument()), (verb, argument.as_bytes()), "{line}");
        }
        assert_eq!(parsed("xPass a").name(), "XPASS");
    }

    #[test]
    fn bdat_announces_octets() {
        let bdat = |line| parsed(line).bdat().map(|bdat| (bdat.octets, bdat.last, bdat.is_well_formed));
        for (line, announced) in [
            ("BDAT 4", Some((4, false, true))),
            ("bdat  4   last ", Some((4, true, true))),
            ("BDAT 0 LAST", Some((0, true, true))),
            ("BDAT 4 FIRST", Some((4, false, false))),
            ("BDAT 4 LAST x", Some((4, true, false))),
            ("BDAT", None),
            ("BDAT +4", None),
            ("BDAT x LAST", None),
            ("BDAT 99999999999999999999 LAST", None),
            ("BDATA 4", None),
            ("NOOP 4 LAST", None),
        ] {
            assert_eq!(bdat(line), announced, "{line}");
        }
    }

    #[test]
    fn auth_has_a_mechanism_and_an_initial_response() {
        let auth = |line| parsed(line).auth().map(|auth| (auth.name().into_owned(), auth.initial));
        assert_eq!(auth("auth  plain  AGEAYg=="), Some(("PLAIN".to_owned(), &b"AGEAYg=="[..])));
        assert_eq!(auth("AUTH LOGIN"), Some(("LOGIN".to_owned(), &b""[..])));
        assert_eq!(auth("AUTH PLAIN a b"), Some(("PLAIN".to_owned(), &b"a b"[..])));
        assert_eq!(auth("NOOP PLAIN"), None);
        assert_eq!(auth("AUHT PLAIN AGEAYg=="), None);
        assert!(parsed("AUHT plain AGEAYg==").login().is_some_and(|auth| auth.initial == b"AGEAYg=="));
        assert!(parsed("XCLIENT NAME=x").login().is_none() && parsed("HELP LOGIN").login().is_none());
    }
}
