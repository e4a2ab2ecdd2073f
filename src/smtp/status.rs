//! What reply codes and enhanced status codes mean, in a few words and with the document that says so.
//!
//! Responsible for the words under a divergence and for the type [`EnhancedStatusCode`]. Not for advice (`provider`),
//! nor for cutting replies out of a stream (`reply`). Called by the reports and wherever an enhanced code is read.

use std::fmt;
use std::str::FromStr;

/// What a code means and where that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// A short line in lower case without a full stop.
    pub text: &'static str,
    /// The document, such as `RFC 5321 section 4.2.3`.
    pub reference: &'static str,
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
        let word = text.split(u8::is_ascii_whitespace).next()?;
        str::from_utf8(word).ok()?.parse().ok()
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
        let mut parts = text.split('.');
        let class = match parts.next() {
            Some("2") => 2,
            Some("4") => 4,
            Some("5") => 5,
            _ => return Err(InvalidEnhancedStatusCode),
        };
        let subject = sub_code(parts.next())?;
        let detail = sub_code(parts.next())?;
        match parts.next() {
            None => Ok(Self { class, subject, detail }),
            Some(_) => Err(InvalidEnhancedStatusCode),
        }
    }
}

/// One to three digits, without leading zeros (RFC 3463 section 2).
fn sub_code(digits: Option<&str>) -> Result<u16, InvalidEnhancedStatusCode> {
    let digits = digits.ok_or(InvalidEnhancedStatusCode)?;
    let well_formed = matches!(digits.len(), 1..=3)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    if well_formed { digits.parse().map_err(|_| InvalidEnhancedStatusCode) } else { Err(InvalidEnhancedStatusCode) }
}

/// The meaning of a reply by the more specific of its two codes.
///
/// That is the enhanced one, unless it is not known or says no more than its subject (`x.7.0` and its kin): then an
/// exactly known reply code wins.
#[must_use]
pub fn meaning(code: u16, enhanced: Option<EnhancedStatusCode>) -> Option<Meaning> {
    let by_enhanced = enhanced.and_then(|it| enhanced_meaning(it.class, it.subject, it.detail));
    let says_little = enhanced.is_none_or(|it| it.detail == 0);
    match (by_enhanced, known_reply_code(code)) {
        (Some(_), Some(by_code)) if says_little => Some(by_code),
        (by_enhanced, by_code) => by_enhanced.or(by_code).or_else(|| class_meaning(code)),
    }
}

/// The meaning of a reply code, or of its class by the first digit; `None` outside 200…599.
#[must_use]
pub fn reply_code_meaning(code: u16) -> Option<Meaning> {
    known_reply_code(code).or_else(|| class_meaning(code))
}

/// The meaning of an enhanced status code as registered with IANA; `None` if it is not, or the class is not 2, 4 or 5.
#[must_use]
pub fn enhanced_meaning(class: u8, subject: u16, detail: u16) -> Option<Meaning> {
    if !matches!(class, 2 | 4 | 5) {
        return None;
    }
    let found = ENHANCED_STATUS_CODES.binary_search_by_key(&(subject, detail), |entry| entry.0);
    found.ok().map(|index| ENHANCED_STATUS_CODES[index].1)
}

fn known_reply_code(code: u16) -> Option<Meaning> {
    let found = REPLY_CODES.binary_search_by_key(&code, |entry| entry.0);
    found.ok().map(|index| REPLY_CODES[index].1)
}

/// The theory of reply codes: the first digit alone tells what to do.
fn class_meaning(code: u16) -> Option<Meaning> {
    let text = match code {
        200..=299 => "success: the command was carried out",
        300..=399 => "the server waits for more before it decides",
        400..=499 => "transient: trying again later may work",
        500..=599 => "permanent: the same command will fail again",
        _ => return None,
    };
    Some(Meaning { text, reference: "RFC 5321 section 4.2.1" })
}

const fn means(text: &'static str, reference: &'static str) -> Meaning {
    Meaning { text, reference }
}

const REPLIES: &str = "RFC 5321 section 4.2.3";
const AUTH: &str = "RFC 4954";
const AUTH_REPLIES: &str = "RFC 4954 section 6";
const ETRN: &str = "RFC 1985";
const REGISTRY: &str = "RFC 5248";

/// Sorted by code.
const REPLY_CODES: &[(u16, Meaning)] = &[
    (211, means("system status, or system help", REPLIES)),
    (214, means("help for the user", REPLIES)),
    (220, means("service ready", REPLIES)),
    (221, means("the server is closing the connection", REPLIES)),
    (235, means("authentication succeeded", AUTH_REPLIES)),
    (250, means("the command was carried out", REPLIES)),
    (251, means("the user is not local; the server will forward", REPLIES)),
    (252, means("the server cannot verify the user, but will take the message", REPLIES)),
    (253, means("messages are pending for the node; their delivery has started", ETRN)),
    (334, means("challenge: the server waits for the next base64 line of the authentication", AUTH)),
    (354, means("start the mail data; end it with `.` on a line of its own", REPLIES)),
    (421, means("service not available; the server is closing the connection", REPLIES)),
    (422, means("a password transition is needed", REGISTRY)),
    (432, means("a password transition is needed", AUTH_REPLIES)),
    (450, means("mailbox unavailable for now: busy, or refused for policy reasons", REPLIES)),
    (451, means("local error while the command was processed", REPLIES)),
    (452, means("the server is short of storage, or there are too many recipients", REPLIES)),
    (453, means("there is no mail for this client", "RFC 2645")),
    (454, means("TLS or authentication is not available for a temporary reason", "RFC 3207 and RFC 4954")),
    (455, means("the server cannot honour the parameters at the moment", REPLIES)),
    (458, means("the messages for the node cannot be queued", ETRN)),
    (459, means("the node is not allowed to ask for its messages", ETRN)),
    (500, means("syntax error: the command is unknown, or the line is too long", REPLIES)),
    (501, means("syntax error in the parameters", REPLIES)),
    (502, means("the command is not implemented", REPLIES)),
    (503, means("bad sequence: the command is not allowed at this point", REPLIES)),
    (504, means("the parameter is not implemented", REPLIES)),
    (521, means("the host does not accept mail", "RFC 7504")),
    (523, means("encryption is needed", REGISTRY)),
    (524, means("encryption is required for the authentication mechanism", REGISTRY)),
    (525, means("the user's account is disabled", REGISTRY)),
    (530, means("not allowed before authentication or STARTTLS", "RFC 4954 and RFC 3207")),
    (534, means("the authentication mechanism is too weak", AUTH_REPLIES)),
    (535, means("authentication credentials invalid", AUTH_REPLIES)),
    (538, means("encryption is required for the authentication mechanism", "RFC 2554")),
    (550, means("mailbox unavailable: not found, no access, or refused for policy reasons", REPLIES)),
    (551, means("the user is not local, and the server will not forward", REPLIES)),
    (552, means("storage limit exceeded, or the message is too big", "RFC 5321 section 4.2.3 and RFC 1870")),
    (553, means("the mailbox name is not allowed, often for its syntax", REPLIES)),
    (554, means("transaction failed; in the greeting: no SMTP service here", REPLIES)),
    (555, means("parameters of MAIL or RCPT are not recognised or not implemented", REPLIES)),
    (556, means("the recipient's domain does not accept mail", "RFC 7504")),
];

const ADDRESS: &str = "RFC 3463 section 3.2";
const MAILBOX: &str = "RFC 3463 section 3.3";
const SYSTEM: &str = "RFC 3463 section 3.4";
const NETWORK: &str = "RFC 3463 section 3.5";
const PROTOCOL: &str = "RFC 3463 section 3.6";
const CONTENT: &str = "RFC 3463 section 3.7";
const SECURITY: &str = "RFC 3463 section 3.8";
const PRIORITY: &str = "RFC 6710";
const RRVS: &str = "RFC 7293";
const AUTHENTICATED: &str = "RFC 7372";
const INTERNATIONAL: &str = "RFC 6531";

/// Subject and detail, which mean the same in every class; sorted.
const ENHANCED_STATUS_CODES: &[((u16, u16), Meaning)] = &[
    ((0, 0), means("no more is known than the class of the reply", "RFC 3463 section 3.1")),
    ((1, 0), means("something about the address", ADDRESS)),
    ((1, 1), means("the recipient's mailbox does not exist", ADDRESS)),
    ((1, 2), means("the recipient's domain does not exist or cannot take mail", ADDRESS)),
    ((1, 3), means("the syntax of the recipient's address is wrong", ADDRESS)),
    ((1, 4), means("the recipient's address is ambiguous", ADDRESS)),
    ((1, 5), means("the recipient's address is valid", ADDRESS)),
    ((1, 6), means("the recipient's mailbox has moved, with no forwarding address", ADDRESS)),
    ((1, 7), means("the syntax of the sender's address is wrong", ADDRESS)),
    ((1, 8), means("the sender's domain does not exist or cannot take mail", ADDRESS)),
    ((1, 9), means("relayed to a mail system that does not report as this one does", "RFC 3886")),
    ((1, 10), means("the recipient's domain has a null MX: it takes no mail", "RFC 7505")),
    ((2, 0), means("something about the mailbox", MAILBOX)),
    ((2, 1), means("the mailbox is disabled and takes no messages", MAILBOX)),
    ((2, 2), means("the mailbox is full", MAILBOX)),
    ((2, 3), means("the message is longer than the mailbox's administrator allows", MAILBOX)),
    ((2, 4), means("the mailing list could not be expanded", MAILBOX)),
    ((3, 0), means("something about the receiving mail system", SYSTEM)),
    ((3, 1), means("the receiving mail system's storage is full", SYSTEM)),
    ((3, 2), means("the receiving host takes no messages at present", SYSTEM)),
    ((3, 3), means("the receiving host lacks a feature the message needs", SYSTEM)),
    ((3, 4), means("the message is too big for the receiving host", SYSTEM)),
    ((3, 5), means("the receiving mail system is misconfigured", SYSTEM)),
    ((3, 6), means("accepted with another priority than was asked for", PRIORITY)),
    ((4, 0), means("something about the network or the routing", NETWORK)),
    ((4, 1), means("the next host does not answer", NETWORK)),
    ((4, 2), means("the connection failed or timed out", NETWORK)),
    ((4, 3), means("a directory or name server failed", NETWORK)),
    ((4, 4), means("no route to the next host could be found", NETWORK)),
    ((4, 5), means("the mail system is congested", NETWORK)),
    ((4, 6), means("a routing loop was found", NETWORK)),
    ((4, 7), means("the message is older than the time allowed for its delivery", NETWORK)),
    ((5, 0), means("something about the mail protocol", PROTOCOL)),
    ((5, 1), means("the command is unknown or out of sequence", PROTOCOL)),
    ((5, 2), means("syntax error in the command", PROTOCOL)),
    ((5, 3), means("too many recipients", PROTOCOL)),
    ((5, 4), means("the command's arguments are out of range or not supported", PROTOCOL)),
    ((5, 5), means("the protocol versions do not match", PROTOCOL)),
    ((5, 6), means("a line of the authentication exchange is too long", AUTH)),
    ((6, 0), means("something about the content of the message", CONTENT)),
    ((6, 1), means("the content's media type is not supported", CONTENT)),
    ((6, 2), means("the content must be converted, and conversion is prohibited", CONTENT)),
    ((6, 3), means("the content must be converted, and the server cannot", CONTENT)),
    ((6, 4), means("the content was converted with a loss", CONTENT)),
    ((6, 5), means("the conversion of the content failed", CONTENT)),
    ((6, 6), means("the content to be fetched is not available", "RFC 4468")),
    ((6, 7), means("non-ASCII addresses are not permitted for that sender or recipient", INTERNATIONAL)),
    ((6, 8), means("the reply needs UTF-8, which the client has not permitted", INTERNATIONAL)),
    ((6, 9), means("the UTF-8 header cannot be transferred to a recipient", INTERNATIONAL)),
    ((6, 10), means("the reply needs UTF-8, which the client has not permitted", INTERNATIONAL)),
    ((7, 0), means("something about security or policy", SECURITY)),
    ((7, 1), means("delivery is not authorised: refused by policy", SECURITY)),
    ((7, 2), means("the sender may not write to the mailing list", SECURITY)),
    ((7, 3), means("a change of security protocol is needed and not possible", SECURITY)),
    ((7, 4), means("a security feature the message needs is not supported", SECURITY)),
    ((7, 5), means("a cryptographic operation failed", SECURITY)),
    ((7, 6), means("the cryptographic algorithm is not supported", SECURITY)),
    ((7, 7), means("the message was altered: its integrity check failed", SECURITY)),
    ((7, 8), means("authentication credentials invalid", AUTH)),
    ((7, 9), means("the authentication mechanism is too weak", AUTH)),
    ((7, 10), means("encryption is needed", REGISTRY)),
    ((7, 11), means("encryption is required for the authentication mechanism", AUTH)),
    ((7, 12), means("a password transition is needed", AUTH)),
    ((7, 13), means("the user's account is disabled", REGISTRY)),
    ((7, 14), means("a trust relationship with another server is required", "RFC 4468")),
    ((7, 15), means("the message's priority is too low", PRIORITY)),
    ((7, 16), means("the message is too big for its priority", PRIORITY)),
    ((7, 17), means("the mailbox has changed owners", RRVS)),
    ((7, 18), means("the domain has changed owners", RRVS)),
    ((7, 19), means("whether the mailbox has changed owners cannot be tested", RRVS)),
    ((7, 20), means("no DKIM signature passed", AUTHENTICATED)),
    ((7, 21), means("no acceptable DKIM signature was found", AUTHENTICATED)),
    ((7, 22), means("no valid DKIM signature matches the author", AUTHENTICATED)),
    ((7, 23), means("SPF validation failed", AUTHENTICATED)),
    ((7, 24), means("SPF validation met an error", AUTHENTICATED)),
    ((7, 25), means("the reverse DNS of the client's address could not be validated", AUTHENTICATED)),
    ((7, 26), means("more than one authentication check of the message failed", AUTHENTICATED)),
    ((7, 27), means("the sender's domain has a null MX: it takes no mail", "RFC 7505")),
    ((7, 28), means("a flood of similar mail was detected", "IANA SMTP Enhanced Status Codes registry")),
    ((7, 29), means("ARC validation failed", "RFC 8617")),
    ((7, 30), means("REQUIRETLS support is required", "RFC 8689")),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> EnhancedStatusCode {
        text.parse().unwrap()
    }

    fn text_of(reply: u16, enhanced: Option<&str>) -> String {
        let found = meaning(reply, enhanced.map(code)).unwrap();
        format!("{} ({})", found.text, found.reference)
    }

    #[test]
    fn tables_are_sorted_and_unique() {
        assert!(REPLY_CODES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(ENHANCED_STATUS_CODES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn texts_are_short_lines_of_words() {
        let codes = REPLY_CODES.iter().map(|entry| entry.1);
        for Meaning { text, reference } in codes.chain(ENHANCED_STATUS_CODES.iter().map(|entry| entry.1)) {
            assert!(!text.is_empty() && text.len() <= 80, "{text}");
            assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
            let mut letters = text.chars();
            let capitalised =
                letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase);
            assert!(!capitalised, "{text}");
            assert!(reference.starts_with("RFC ") || reference.starts_with("IANA "), "{reference}");
        }
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
    fn an_unknown_code_means_its_class() {
        assert_eq!(text_of(299, None), "success: the command was carried out (RFC 5321 section 4.2.1)");
        assert_eq!(text_of(399, None), "the server waits for more before it decides (RFC 5321 section 4.2.1)");
        assert_eq!(text_of(499, Some("4.9.9")), "transient: trying again later may work (RFC 5321 section 4.2.1)");
        assert_eq!(text_of(599, None), "permanent: the same command will fail again (RFC 5321 section 4.2.1)");
        for outside in [0, 100, 199, 600, 999] {
            assert_eq!(reply_code_meaning(outside), None);
        }
    }

    #[test]
    fn classes_share_the_meaning_of_subject_and_detail() {
        assert_eq!(enhanced_meaning(4, 7, 1), enhanced_meaning(5, 7, 1));
        for (class, subject, detail) in [(3, 7, 1), (0, 0, 0), (5, 7, 31), (5, 8, 0)] {
            assert_eq!(enhanced_meaning(class, subject, detail), None);
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
