//! What a reply means by its two codes, in a few words and with the document that says so.
//!
//! Responsible for the type [`EnhancedStatusCode`] and for which of the two codes says more. Not for the codes themselves
//! (`reply_code`, `enhanced_status`), nor for what a provider means by them (`provider`). Called by the diagnosis and
//! wherever an enhanced code is read.

use super::{enhanced_status, reply_code};
use std::fmt;
use std::str::FromStr;

/// What a code means and where that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// A short line in lower case without a full stop.
    pub text: &'static str,
    /// The document, such as `RFC 5321 section 4.2.3`.
    pub reference: &'static str,
    /// The commands in reply to which it is meant; none for any, an empty one for the connection itself.
    pub verbs: &'static [&'static str],
}

impl Meaning {
    /// The same, in reply to these commands only.
    pub(super) const fn of(self, verbs: &'static [&'static str]) -> Self {
        Self { verbs, ..self }
    }

    /// Whether a reply to `command` may mean it; of a command that is not known nothing is sure.
    #[must_use]
    pub fn fits(&self, command: Option<&str>) -> bool {
        let is_of = |command: &str| self.verbs.iter().any(|verb| verb.eq_ignore_ascii_case(command));
        self.verbs.is_empty() || command.is_some_and(is_of)
    }
}

/// A [`Meaning`], for the tables.
pub(super) const fn means(text: &'static str, reference: &'static str) -> Meaning {
    Meaning { text, reference, verbs: &[] }
}

/// An enhanced mail system status code, `class.subject.detail` (RFC 3463, carried in replies by RFC 2034).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedStatusCode {
    /// 2 for success, 4 for a transient failure, 5 for a permanent one.
    pub class: u8,
    /// What the code is about, at most 999.
    pub subject: u16,
    /// The condition within the subject, at most 999.
    pub detail: u16,
}

impl EnhancedStatusCode {
    /// The code that begins the text of a reply line: `5.7.8 ` and its kin, before a blank or the end of the text
    /// (RFC 2034 section 4). The text is what follows the reply code and its separator.
    #[must_use]
    pub fn at_start_of(text: &[u8]) -> Option<Self> {
        read(text.split(u8::is_ascii_whitespace).next()?)
    }
}

impl fmt::Display for EnhancedStatusCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// The error for a text that is no enhanced status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEnhancedStatusCode;

impl fmt::Display for InvalidEnhancedStatusCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .write_str("expected an enhanced status code such as `5.7.8`: class 2, 4 or 5, then two numbers up to 999")
    }
}

impl std::error::Error for InvalidEnhancedStatusCode {}

impl FromStr for EnhancedStatusCode {
    type Err = InvalidEnhancedStatusCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text.as_bytes()).ok_or(InvalidEnhancedStatusCode)
    }
}

/// The code that is the whole of `text`.
fn read(text: &[u8]) -> Option<EnhancedStatusCode> {
    let ([b'2' | b'4' | b'5', b'.'], rest) = text.split_first_chunk::<2>()? else { return None };
    let mut parts = rest.split(|byte| *byte == b'.');
    let (subject, detail) = (sub_code(parts.next()?)?, sub_code(parts.next()?)?);
    parts.next().is_none().then_some(EnhancedStatusCode { class: text[0] - b'0', subject, detail })
}

/// One to three digits, without leading zeros (RFC 3463 section 2).
fn sub_code(digits: &[u8]) -> Option<u16> {
    let well_formed = matches!(digits.len(), 1..=3)
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits[0] != b'0');
    well_formed.then(|| digits.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0')))
}

/// The meaning of a reply by the more specific of its two codes.
///
/// That is the enhanced one, unless it is not known or says no more than its subject (`x.7.0` and its kin): then an
/// exactly known reply code wins.
#[must_use]
pub fn meaning(code: u16, enhanced: Option<EnhancedStatusCode>) -> Option<Meaning> {
    let by_enhanced = enhanced.and_then(enhanced_status::find).map(|entry| entry.meaning);
    let says_little = enhanced.is_none_or(|it| it.detail == 0);
    let by_code = reply_code::find(code).and_then(|entry| entry.meanings.first().copied());
    match (by_enhanced, by_code) {
        (Some(_), Some(by_code)) if says_little => Some(by_code),
        (by_enhanced, by_code) => by_enhanced.or(by_code).or_else(|| reply_code::class(code)),
    }
}

/// The meaning of a reply to a command: an enhanced status code that cannot apply to it is doubtful, and says nothing.
#[must_use]
pub fn meaning_of_reply(code: u16, enhanced: Option<EnhancedStatusCode>, command: &str) -> Option<Meaning> {
    meaning(code, enhanced.filter(|it| !is_doubtful(code, *it, command)))
}

/// What is to be said where a reply code and its enhanced status code are of two classes: `450 5.1.1`.
#[must_use]
pub fn contradiction(code: u16, enhanced: EnhancedStatusCode) -> Option<String> {
    let counts = match code / 100 {
        2 => "the command succeeded",
        4 => "clients try again",
        5 => "clients give up",
        _ => return None,
    };
    (code / 100 != u16::from(enhanced.class)).then(|| {
        format!("{code} and {enhanced} contradict each other (RFC 2034 section 4): the reply code counts, and {counts}")
    })
}

/// Whether an enhanced status code fits neither the reply code nor the command: `530 5.7.7`, the integrity of a message, in
/// reply to AUTH. Reply codes of TLS and logins say more than a code that the registry does not name beside them.
#[must_use]
pub fn is_doubtful(code: u16, enhanced: EnhancedStatusCode, command: &str) -> bool {
    let Some(entry) = enhanced_status::find(enhanced) else { return false };
    let verb = command.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let is_of_session = matches!(verb.as_str(), "AUTH" | "STARTTLS" | "EHLO" | "HELO" | "LHLO");
    let is_of_message =
        matches!(enhanced.subject, 1 | 2 | 6) || enhanced.subject == 7 && matches!(enhanced.detail, 2 | 5 | 6 | 7);
    let is_of_login = matches!(code, 523..=525 | 530 | 534 | 535 | 538);
    !entry.reply_codes.contains(&code) && (is_of_login || is_of_session && is_of_message)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What the tables hold to.
    #[track_caller]
    pub(in crate::smtp) fn is_a_short_line(meaning: &Meaning) {
        let Meaning { text, reference, .. } = meaning;
        assert!(!text.is_empty() && text.len() <= 100, "{text}");
        assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
        let mut letters = text.chars();
        let capitalised =
            letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase);
        assert!(!capitalised, "{text}");
        assert!(reference.starts_with("RFC ") || reference.starts_with("IANA "), "{reference}");
    }

    fn code(text: &str) -> EnhancedStatusCode {
        text.parse().unwrap()
    }

    fn text_of(reply: u16, enhanced: Option<&str>) -> String {
        let found = meaning(reply, enhanced.map(code)).unwrap();
        format!("{} ({})", found.text, found.reference)
    }

    #[test]
    fn the_more_specific_code_wins() {
        assert_eq!(text_of(535, Some("5.7.8")), "authentication credentials invalid (RFC 4954)");
        assert_eq!(text_of(535, None), "authentication credentials invalid (RFC 4954 section 6)");
        assert_eq!(text_of(550, Some("5.1.1")), "the recipient's mailbox does not exist (RFC 3463 section 3.2)");
        assert_eq!(text_of(530, Some("5.7.0")), text_of(530, None));
        assert_eq!(text_of(250, Some("2.0.0")), text_of(250, None));
        assert_eq!(text_of(535, Some("5.7.139")), text_of(535, None));
        assert_eq!(text_of(559, Some("5.7.0")), "something about security or policy (RFC 3463 section 3.8)");
    }

    #[test]
    fn a_doubtful_enhanced_code_says_nothing() {
        let text_of =
            |reply, enhanced: &str, command| meaning_of_reply(reply, enhanced.parse().ok(), command).unwrap().text;
        assert!(text_of(530, "5.7.7", "AUTH LOGIN").starts_with("not allowed before"));
        assert!(text_of(538, "5.7.7", "").starts_with("encryption is required"));
        assert!(text_of(550, "5.6.1", "AUTH PLAIN").starts_with("mailbox unavailable"));
        assert!(text_of(535, "5.7.8", "AUTH PLAIN").starts_with("authentication credentials"));
        assert!(text_of(550, "5.7.7", "DATA").starts_with("the message was altered"));
    }

    #[test]
    fn an_unknown_code_means_its_class() {
        assert_eq!(text_of(299, None), "success: the command was carried out (RFC 5321 section 4.2.1)");
        assert_eq!(text_of(399, None), "the server waits for more before it decides (RFC 5321 section 4.2.1)");
        assert_eq!(text_of(499, Some("4.9.9")), "transient: trying again later may work (RFC 5321 section 4.2.1)");
        assert_eq!(text_of(599, None), "permanent: the same command will fail again (RFC 5321 section 4.2.1)");
        for outside in [0, 100, 199, 600, 999] {
            assert_eq!(meaning(outside, None), None);
        }
    }

    #[test]
    fn codes_are_read_and_written() {
        for text in ["2.0.0", "4.7.28", "5.999.999"] {
            assert_eq!(code(text).to_string(), text);
        }
        for text in
            ["", "5", "5.7", "5.7.8.1", "3.7.8", "5.7.1000", "5.07.8", "5.7.", "5..8", "5.7.+8", " 5.7.8", "5.7.x"]
        {
            assert_eq!(text.parse::<EnhancedStatusCode>(), Err(InvalidEnhancedStatusCode), "{text}");
        }
    }

    #[test]
    fn a_reply_line_may_begin_with_one() {
        let found = |text: &[u8]| EnhancedStatusCode::at_start_of(text).map(|code| code.to_string());
        assert_eq!(found(b"5.7.8 Authentication failed").as_deref(), Some("5.7.8"));
        assert_eq!(found(b"2.0.0").as_deref(), Some("2.0.0"));
        for text in [&b""[..], b"Ok", b"1.2.3.4 greets you", b"5.7.8: no", b" 5.7.8 no", b"5.7.8\xff no", b"3.0.0 no"] {
            assert_eq!(found(text), None, "{text:?}");
        }
    }
}
