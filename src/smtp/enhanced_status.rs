//! Enhanced status codes: the whole IANA registry, each entry with the document that defines it.
//!
//! Responsible for the table, and for what class and subject say by themselves. Not for reply codes (`reply_code`) nor for
//! what a provider means by a code (`provider`). Called by `status` and `explanation`.

use super::status::{EnhancedStatusCode, Meaning, means};

/// Where the registry is published.
pub const REGISTRY_URL: &str = "https://www.iana.org/assignments/smtp-enhanced-status-codes";

/// An entry of the registry. Subject and detail mean the same in every class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What the code is about.
    pub subject: u16,
    /// The condition within the subject.
    pub detail: u16,
    /// What it means, and the document that defines it.
    pub meaning: Meaning,
    /// The reply codes that the registry names beside it; often none.
    pub reply_codes: &'static [u16],
}

/// The entry of a code; `None` if it is not registered.
#[must_use]
pub fn find(code: EnhancedStatusCode) -> Option<&'static Registered> {
    let wanted = (code.subject, code.detail);
    ENTRIES.binary_search_by_key(&wanted, |entry| (entry.subject, entry.detail)).ok().map(|index| &ENTRIES[index])
}

/// The whole registry, in order.
#[must_use]
pub fn all() -> &'static [Registered] {
    ENTRIES
}

/// What the class says; `None` unless it is 2, 4 or 5.
#[must_use]
pub fn class(class: u8) -> Option<Meaning> {
    let text = match class {
        2 => "success: delivered, or on its way",
        4 => "transient: the message is fine, and sending it again later may work",
        5 => "permanent: sending it again fails, unless the message or its destination is changed",
        _ => return None,
    };
    Some(means(text, "RFC 3463 section 2"))
}

/// What the subject says; `None` if there is no such subject.
#[must_use]
pub fn subject(subject: u16) -> Option<Meaning> {
    SUBJECTS.get(usize::from(subject)).copied()
}

const fn entry(
    subject: u16,
    detail: u16,
    text: &'static str,
    reference: &'static str,
    reply_codes: &'static [u16],
) -> Registered {
    Registered { subject, detail, meaning: means(text, reference), reply_codes }
}

/// By subject, from 0.
static SUBJECTS: &[Meaning] = &[
    means("no subject is given", "RFC 3463 section 3.1"),
    means("the address of the sender or the recipient", ADDRESS),
    means("the recipient's mailbox", MAILBOX),
    means("the receiving mail system", SYSTEM),
    means("the network and the routing", NETWORK),
    means("the mail protocol", PROTOCOL),
    means("the content of the message", CONTENT),
    means("security and policy", SECURITY),
];

const AUTH: &str = "RFC 4954";
const REGISTRY: &str = "RFC 5248";
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

/// The registry as of December 2024, sorted by subject and detail.
static ENTRIES: &[Registered] = &[
    entry(0, 0, "no more is known than the class of the reply", "RFC 3463 section 3.1", &[]),
    entry(1, 0, "something about the address", ADDRESS, &[]),
    entry(1, 1, "the recipient's mailbox does not exist", ADDRESS, &[451, 550]),
    entry(1, 2, "the recipient's domain does not exist or cannot take mail", ADDRESS, &[]),
    entry(1, 3, "the syntax of the recipient's address is wrong", ADDRESS, &[501]),
    entry(1, 4, "the recipient's address is ambiguous", ADDRESS, &[]),
    entry(1, 5, "the recipient's address is valid", ADDRESS, &[250]),
    entry(1, 6, "the recipient's mailbox has moved, with no forwarding address", ADDRESS, &[]),
    entry(1, 7, "the syntax of the sender's address is wrong", ADDRESS, &[]),
    entry(1, 8, "the sender's domain does not exist or cannot take mail", ADDRESS, &[451, 501]),
    entry(1, 9, "relayed to a mail system that does not report as this one does", "RFC 3886", &[]),
    entry(1, 10, "the recipient's domain has a null MX: it takes no mail", "RFC 7505", &[556]),
    entry(2, 0, "something about the mailbox", MAILBOX, &[]),
    entry(2, 1, "the mailbox is disabled and takes no messages", MAILBOX, &[]),
    entry(2, 2, "the mailbox is full", MAILBOX, &[552]),
    entry(2, 3, "the message is longer than the mailbox's administrator allows", MAILBOX, &[552]),
    entry(2, 4, "the mailing list could not be expanded", MAILBOX, &[450, 452]),
    entry(3, 0, "something about the receiving mail system", SYSTEM, &[221, 250, 421, 451, 550, 554]),
    entry(3, 1, "the receiving mail system's storage is full", SYSTEM, &[452]),
    entry(3, 2, "the receiving host takes no messages at present", SYSTEM, &[453, 521]),
    entry(3, 3, "the receiving host lacks a feature the message needs", SYSTEM, &[]),
    entry(3, 4, "the message is too big for the receiving host", SYSTEM, &[552, 554]),
    entry(3, 5, "the receiving mail system is misconfigured", SYSTEM, &[]),
    entry(3, 6, "accepted with another priority than was asked for", PRIORITY, &[250, 251]),
    entry(4, 0, "something about the network or the routing", NETWORK, &[]),
    entry(4, 1, "the next host does not answer", NETWORK, &[451]),
    entry(4, 2, "the connection failed or timed out", NETWORK, &[421]),
    entry(4, 3, "a directory or name server failed", NETWORK, &[451, 550]),
    entry(4, 4, "no route to the next host could be found", NETWORK, &[]),
    entry(4, 5, "the mail system is congested", NETWORK, &[451]),
    entry(4, 6, "a routing loop was found", NETWORK, &[]),
    entry(4, 7, "the message is older than the time allowed for its delivery", NETWORK, &[]),
    entry(
        5,
        0,
        "something about the mail protocol",
        PROTOCOL,
        &[220, 250, 251, 252, 253, 451, 452, 454, 458, 459, 501, 502, 503, 554],
    ),
    entry(5, 1, "the command is unknown or out of sequence", PROTOCOL, &[430, 500, 501, 503, 530, 550, 554, 555]),
    entry(5, 2, "syntax error in the command", PROTOCOL, &[500, 501, 502, 550, 555]),
    entry(5, 3, "too many recipients", PROTOCOL, &[451]),
    entry(
        5,
        4,
        "the command's arguments are out of range or not supported",
        PROTOCOL,
        &[451, 501, 502, 503, 504, 550, 555],
    ),
    entry(5, 5, "the protocol versions do not match", PROTOCOL, &[]),
    entry(5, 6, "a line of the authentication exchange is too long", AUTH, &[500]),
    entry(6, 0, "something about the content of the message", CONTENT, &[]),
    entry(6, 1, "the content's media type is not supported", CONTENT, &[]),
    entry(6, 2, "the content must be converted, and conversion is prohibited", CONTENT, &[]),
    entry(6, 3, "the content must be converted, and the server cannot", CONTENT, &[554]),
    entry(6, 4, "the content was converted with a loss", CONTENT, &[250]),
    entry(6, 5, "the conversion of the content failed", CONTENT, &[]),
    entry(6, 6, "the content to be fetched is not available", "RFC 4468", &[554]),
    entry(6, 7, "non-ASCII addresses are not permitted for that sender or recipient", INTERNATIONAL, &[550, 553]),
    entry(6, 8, "the reply needs UTF-8, which the client has not permitted", INTERNATIONAL, &[252, 550, 553]),
    entry(6, 9, "the UTF-8 header cannot be transferred to a recipient", INTERNATIONAL, &[550]),
    entry(
        6,
        10,
        "deprecated; what x.6.8 means: the reply needs UTF-8, which the client has not permitted",
        INTERNATIONAL,
        &[],
    ),
    entry(
        7,
        0,
        "something about security or policy",
        SECURITY,
        &[220, 235, 450, 454, 500, 501, 503, 504, 530, 535, 550],
    ),
    entry(7, 1, "delivery is not authorised: refused by policy", SECURITY, &[451, 454, 502, 503, 533, 550, 551]),
    entry(7, 2, "the sender may not write to the mailing list", SECURITY, &[550]),
    entry(7, 3, "a change of security protocol is needed and not possible", SECURITY, &[]),
    entry(7, 4, "a security feature the message needs is not supported", SECURITY, &[504]),
    entry(7, 5, "a cryptographic operation failed", SECURITY, &[]),
    entry(7, 6, "the cryptographic algorithm is not supported", SECURITY, &[]),
    entry(7, 7, "the message was altered: its integrity check failed", SECURITY, &[]),
    entry(7, 8, "authentication credentials invalid", AUTH, &[535, 554]),
    entry(7, 9, "the authentication mechanism is too weak", AUTH, &[534]),
    entry(7, 10, "encryption is needed", REGISTRY, &[523]),
    entry(7, 11, "encryption is required for the authentication mechanism", AUTH, &[524, 538]),
    entry(7, 12, "a password transition is needed", AUTH, &[422, 432]),
    entry(7, 13, "the user's account is disabled", REGISTRY, &[525]),
    entry(7, 14, "a trust relationship with another server is required", "RFC 5248 and RFC 4468", &[535, 554]),
    entry(7, 15, "the message's priority is too low", PRIORITY, &[450, 550]),
    entry(7, 16, "the message is too big for its priority", PRIORITY, &[552]),
    entry(7, 17, "the mailbox has changed owners", RRVS, &[]),
    entry(7, 18, "the domain has changed owners", RRVS, &[]),
    entry(7, 19, "whether the mailbox has changed owners cannot be tested", RRVS, &[]),
    entry(7, 20, "no DKIM signature passed", AUTHENTICATED, &[550]),
    entry(7, 21, "no acceptable DKIM signature was found", AUTHENTICATED, &[550]),
    entry(7, 22, "no valid DKIM signature matches the author", AUTHENTICATED, &[550]),
    entry(7, 23, "SPF validation failed", AUTHENTICATED, &[550]),
    entry(7, 24, "SPF validation met an error", AUTHENTICATED, &[451, 550]),
    entry(7, 25, "the reverse DNS of the client's address could not be validated", AUTHENTICATED, &[550]),
    entry(7, 26, "more than one authentication check of the message failed", AUTHENTICATED, &[550]),
    entry(7, 27, "the sender's domain has a null MX: it takes no mail", "RFC 7505", &[550]),
    entry(7, 28, "a flood of similar mail was detected", "IANA SMTP Enhanced Status Codes registry", &[]),
    entry(7, 29, "ARC validation failed", "RFC 8617", &[550]),
    entry(7, 30, "REQUIRETLS support is required", "RFC 8689", &[550]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::status::tests::is_a_short_line;

    fn code(text: &str) -> EnhancedStatusCode {
        text.parse().unwrap()
    }

    #[test]
    fn the_table_is_sorted_and_each_entry_has_a_source() {
        assert!(ENTRIES.is_sorted_by(|a, b| (a.subject, a.detail) < (b.subject, b.detail)));
        for entry in ENTRIES {
            is_a_short_line(&entry.meaning);
            assert!(entry.reply_codes.is_sorted_by(|a, b| a < b), "{entry:?}");
            assert!(entry.reply_codes.iter().all(|code| (200..600).contains(code)), "{entry:?}");
        }
        SUBJECTS.iter().for_each(is_a_short_line);
    }

    /// The registry has no gaps: for each subject all details from 0 to the last.
    #[test]
    fn the_registry_is_complete() {
        let last_details = [0, 10, 4, 6, 7, 6, 10, 30];
        let details = |(subject, last): (u16, u16)| (0..=last).map(move |detail| (subject, detail));
        let registered: Vec<(u16, u16)> = (0..).zip(last_details).flat_map(details).collect();
        let ours: Vec<(u16, u16)> = ENTRIES.iter().map(|entry| (entry.subject, entry.detail)).collect();
        assert_eq!(ours, registered);
        assert_eq!(SUBJECTS.len(), last_details.len());
    }

    #[test]
    fn classes_share_the_meaning_of_subject_and_detail() {
        assert_eq!(find(code("4.7.1")), find(code("5.7.1")));
        for unknown in ["5.7.31", "5.8.0", "2.0.1"] {
            assert_eq!(find(code(unknown)), None);
        }
        assert_eq!((class(3), subject(8)), (None, None));
    }
}
