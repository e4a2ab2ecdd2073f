//! Reply codes: what each of them means by the RFCs, and what its digits say where no document names it.
//!
//! Responsible for the table alone. Not for enhanced status codes (`enhanced_status`) nor for what a provider means by a
//! code (`provider`). Called by `status` and `explanation`.

use super::status::{Meaning, means};

/// A reply code that a document defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyCode {
    /// 211…556.
    pub code: u16,
    /// What it means, the most usual first: documents that extend SMTP give some codes another meaning for their commands.
    pub meanings: &'static [Meaning],
}

/// The entry of a code; `None` if no document names it.
#[must_use]
pub fn find(code: u16) -> Option<&'static ReplyCode> {
    REPLY_CODES.binary_search_by_key(&code, |entry| entry.code).ok().map(|index| &REPLY_CODES[index])
}

/// All codes, in order.
#[must_use]
pub fn all() -> &'static [ReplyCode] {
    REPLY_CODES
}

/// What the first digit says: it alone tells the client what to do. `None` outside 200…599.
#[must_use]
pub fn class(code: u16) -> Option<Meaning> {
    let text = match code {
        200..=299 => "success: the command was carried out",
        300..=399 => "the server waits for more before it decides",
        400..=499 => "transient: trying again later may work",
        500..=599 => "permanent: the same command will fail again",
        _ => return None,
    };
    Some(means(text, "RFC 5321 section 4.2.1"))
}

/// What the second digit says; `None` where the RFC leaves it open.
#[must_use]
pub fn category(code: u16) -> Option<Meaning> {
    let text = match code / 10 % 10 {
        0 => "about the syntax of the command",
        1 => "information that was asked for",
        2 => "about the connection",
        5 => "about the mail system",
        _ => return None,
    };
    Some(means(text, "RFC 5321 section 4.2.1"))
}

const fn entry(code: u16, meanings: &'static [Meaning]) -> ReplyCode {
    ReplyCode { code, meanings }
}

const REPLIES: &str = "RFC 5321 section 4.2.3";
const LIMITS: &str = "RFC 5321 section 4.5.3.1.10";
const AUTH: &str = "RFC 4954";
const AUTH_REPLIES: &str = "RFC 4954 section 6";
const STARTTLS: &str = "RFC 3207 section 4";
const ETRN: &str = "RFC 1985";
const ATRN: &str = "RFC 2645";
const REGISTRY: &str = "RFC 5248";
const SIZE: &str = "RFC 1870";
const GREYLISTING: &str = "RFC 6647";
const INTERNATIONAL: &str = "RFC 6531 section 3.5";
const CHUNKING: &str = "RFC 3030 section 2";
const NULL_MX: &str = "RFC 7505";

/// Sorted by code.
static REPLY_CODES: &[ReplyCode] = &[
    entry(211, &[means("system status, or system help", REPLIES)]),
    entry(214, &[means("help for the user", REPLIES)]),
    entry(
        220,
        &[
            means("service ready", REPLIES),
            means("in reply to STARTTLS: the TLS handshake may begin", STARTTLS).of(&["STARTTLS"]),
        ],
    ),
    entry(221, &[means("the server is closing the connection", REPLIES)]),
    entry(235, &[means("authentication succeeded", AUTH_REPLIES)]),
    entry(250, &[means("the command was carried out", REPLIES)]),
    entry(251, &[means("the user is not local; the server will forward", REPLIES)]),
    entry(
        252,
        &[
            means("the server cannot verify the user, but will take the message", REPLIES),
            means(
                "in reply to VRFY or EXPN: the name needs UTF-8, which the client has not permitted",
                "RFC 6531 section 3.7.4.2",
            )
            .of(&["VRFY", "EXPN"]),
        ],
    ),
    entry(253, &[means("messages are pending for the node; their delivery has started", ETRN)]),
    entry(334, &[means("challenge: the server waits for the next base64 line of the authentication", AUTH)]),
    entry(354, &[means("start the mail data; end it with `.` on a line of its own", REPLIES)]),
    entry(355, &[means("go on with the mail data after the octet that is named", "RFC 1845")]),
    entry(
        421,
        &[
            means("service not available; the server is closing the connection", REPLIES),
            means("may answer any command when the server must shut down", "RFC 5321 section 3.8"),
        ],
    ),
    entry(422, &[means("a password transition is needed", REGISTRY)]),
    entry(432, &[means("a password transition is needed", AUTH_REPLIES)]),
    entry(
        450,
        &[
            means("mailbox unavailable for now: busy, or refused for policy reasons", REPLIES),
            means("grey-listing: an unknown client is to try again after some minutes", GREYLISTING).of(&["RCPT"]),
        ],
    ),
    entry(
        451,
        &[
            means("local error while the command was processed", REPLIES),
            means("grey-listing: an unknown client is to try again after some minutes", GREYLISTING).of(&["RCPT"]),
        ],
    ),
    entry(
        452,
        &[
            means("the server is short of storage, or there are too many recipients", REPLIES),
            means("in reply to RCPT: send to the recipients that were accepted, and then to the others", LIMITS)
                .of(&["RCPT"]),
            means("in reply to MAIL with SIZE: no room at the moment for a message of this size", SIZE).of(&["MAIL"]),
        ],
    ),
    entry(453, &[means("there is no mail for this client", ATRN)]),
    entry(
        454,
        &[
            means("TLS or authentication is not available for a temporary reason", "RFC 3207 and RFC 4954"),
            means("in reply to STARTTLS: TLS is not available for a temporary reason", STARTTLS).of(&["STARTTLS"]),
            means("in reply to AUTH: the credentials cannot be checked for a temporary reason", AUTH_REPLIES)
                .of(&["AUTH"]),
        ],
    ),
    entry(455, &[means("the server cannot honour the parameters at the moment", REPLIES)]),
    entry(458, &[means("the messages for the node cannot be queued", ETRN)]),
    entry(459, &[means("the node is not allowed to ask for its messages", ETRN)]),
    entry(
        500,
        &[
            means("syntax error: the command is unknown, or the line is too long", REPLIES),
            means("in an authentication: a line is longer than the mechanism allows", AUTH_REPLIES).of(&["AUTH"]),
        ],
    ),
    entry(
        501,
        &[
            means("syntax error in the parameters", REPLIES),
            means("in an authentication: a line is not base64, or the client gave up with `*`", "RFC 4954 section 4")
                .of(&["AUTH"]),
            means("in reply to STARTTLS: it takes no parameters", STARTTLS).of(&["STARTTLS"]),
        ],
    ),
    entry(502, &[means("the command is not implemented", REPLIES)]),
    entry(
        503,
        &[
            means("bad sequence: the command is not allowed at this point", REPLIES),
            means(
                "in reply to AUTH: the session is authenticated already, or in the middle of a transaction",
                "RFC 4954 section 4",
            )
            .of(&["AUTH"]),
            means("in reply to DATA: the transaction has begun with BDAT", CHUNKING).of(&["DATA"]),
        ],
    ),
    entry(
        504,
        &[
            means("the parameter is not implemented", REPLIES),
            means("in reply to AUTH: the mechanism is not known", "RFC 4954 section 4").of(&["AUTH"]),
        ],
    ),
    entry(521, &[means("the host does not accept mail", "RFC 7504")]),
    entry(523, &[means("encryption is needed", REGISTRY)]),
    entry(524, &[means("encryption is required for the authentication mechanism", REGISTRY)]),
    entry(525, &[means("the user's account is disabled", REGISTRY)]),
    entry(
        530,
        &[
            means("not allowed before authentication or STARTTLS", "RFC 4954 and RFC 3207"),
            means("authentication is required first", AUTH_REPLIES).of(&["MAIL", "RCPT", "DATA"]),
            means("STARTTLS must come first", STARTTLS).of(&["AUTH"]),
        ],
    ),
    entry(534, &[means("the authentication mechanism is too weak", AUTH_REPLIES)]),
    entry(535, &[means("authentication credentials invalid", AUTH_REPLIES)]),
    entry(538, &[means("encryption is required for the authentication mechanism", "RFC 2554")]),
    entry(
        550,
        &[
            means("mailbox unavailable: not found, no access, or refused for policy reasons", REPLIES),
            means("in reply to MAIL: the sender's domain has a null MX, so nobody can answer it", NULL_MX)
                .of(&["MAIL"]),
        ],
    ),
    entry(551, &[means("the user is not local, and the server will not forward", REPLIES)]),
    entry(
        552,
        &[
            means("storage limit exceeded, or the message is too big", "RFC 5321 section 4.2.3 and RFC 1870"),
            means("in reply to RCPT: what older servers say for 452, too many recipients", LIMITS).of(&["RCPT"]),
        ],
    ),
    entry(
        553,
        &[
            means("the mailbox name is not allowed, often for its syntax", REPLIES),
            means("a non-ASCII address is not permitted for that sender or recipient", INTERNATIONAL)
                .of(&["MAIL", "RCPT"]),
        ],
    ),
    entry(
        554,
        &[
            means("transaction failed; in the greeting: no SMTP service here", REPLIES),
            means("in the greeting: the client may only send QUIT", "RFC 5321 section 3.1").of(&[""]),
        ],
    ),
    entry(555, &[means("parameters of MAIL or RCPT are not recognised or not implemented", REPLIES)]),
    entry(
        556,
        &[
            means("the recipient's domain does not accept mail", "RFC 7504"),
            means("the recipient's domain has a null MX", NULL_MX),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::status::tests::is_a_short_line;

    #[test]
    fn the_table_is_sorted_and_each_entry_has_a_source() {
        assert!(REPLY_CODES.is_sorted_by(|a, b| a.code < b.code));
        for entry in REPLY_CODES {
            assert!(!entry.meanings.is_empty() && class(entry.code).is_some(), "{}", entry.code);
            entry.meanings.iter().for_each(is_a_short_line);
        }
    }

    /// RFC 5321 section 4.2.3, then the extensions.
    #[test]
    fn every_code_of_the_documents_is_there() {
        let of_5321 = [
            211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 550, 551, 552,
            553, 554, 555,
        ];
        let of_4954 = [235, 334, 432, 454, 500, 530, 534, 535];
        let of_others = [253, 458, 459, 453, 422, 523, 524, 525, 521, 556, 538, 355];
        for code in of_5321.into_iter().chain(of_4954).chain(of_others) {
            assert!(find(code).is_some(), "{code}");
        }
    }

    #[test]
    fn digits_speak_where_no_document_does() {
        assert!(find(559).is_none());
        assert!(class(559).unwrap().text.starts_with("permanent"));
        assert_eq!(category(559).unwrap().text, "about the mail system");
        assert_eq!(category(535), None);
        for outside in [0, 100, 199, 600, 999] {
            assert_eq!((find(outside), class(outside)), (None, None));
        }
    }
}
