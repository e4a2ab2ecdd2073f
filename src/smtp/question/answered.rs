//! What a reply was in reply to, by the words that programs print around it.
//!
//! Responsible for the table of these words. Not for finding the reply. Called by `lines` and `lax`.

use super::snippet;
use std::sync::LazyLock;

/// Words that tell the command; the last of them that stands in the text counts. An empty command is the connection
/// itself, whose reply is the greeting, and DATA is also the end of the mail data.
static ANSWERED: &[(&str, &str)] = &[
    // Postfix
    ("refused to talk to me", ""),
    ("in reply to mail from command", "MAIL"),
    ("in reply to rcpt to command", "RCPT"),
    ("in reply to data command", "DATA"),
    ("in reply to end of data command", "DATA"),
    ("in reply to ehlo command", "EHLO"),
    ("in reply to helo command", "HELO"),
    ("in reply to lhlo command", "EHLO"),
    ("in reply to starttls command", "STARTTLS"),
    ("in reply to auth", "AUTH"),
    ("sasl authentication failed", "AUTH"),
    // Exim
    ("after initial connection", ""),
    ("after mail from:", "MAIL"),
    ("after rcpt to:", "RCPT"),
    ("after data", "DATA"),
    ("after end of data", "DATA"),
    ("after pipelined end of data", "DATA"),
    ("after pipelined data", "DATA"),
    ("after pipelined mail from:", "MAIL"),
    ("after pipelined rcpt to:", "RCPT"),
    ("after ehlo", "EHLO"),
    ("after helo", "HELO"),
    ("after starttls", "STARTTLS"),
    ("after auth", "AUTH"),
    ("authenticator failed", "AUTH"),
    // qmail
    ("but greeting failed", ""),
    ("but my name was rejected", "HELO"),
    ("but sender was rejected", "MAIL"),
    ("does not like recipient", "RCPT"),
    ("failed on data command", "DATA"),
    ("failed after i sent the message", "DATA"),
    // sendmail and others, as a transcript
    (">>> mail from:", "MAIL"),
    (">>> rcpt to:", "RCPT"),
    (">>> data", "DATA"),
    (">>> ehlo", "EHLO"),
    (">>> helo", "HELO"),
    (">>> auth", "AUTH"),
    (">>> starttls", "STARTTLS"),
    ("c: mail from:", "MAIL"),
    ("c: rcpt to:", "RCPT"),
    ("c: auth", "AUTH"),
    // swaks
    ("-> mail from:", "MAIL"),
    ("-> rcpt to:", "RCPT"),
    ("-> data", "DATA"),
    ("-> auth", "AUTH"),
    ("-> starttls", "STARTTLS"),
    ("~> mail from:", "MAIL"),
    ("~> rcpt to:", "RCPT"),
    ("~> data", "DATA"),
    ("~> auth", "AUTH"),
    // PHPMailer
    ("mail from command failed", "MAIL"),
    ("rcpt to command failed", "RCPT"),
    ("data command failed", "DATA"),
    ("data end command failed", "DATA"),
    ("starttls command failed", "STARTTLS"),
    ("ehlo command failed", "EHLO"),
    ("auth command failed", "AUTH"),
    ("password command failed", "AUTH"),
    ("user command failed", "AUTH"),
    ("username command failed", "AUTH"),
    ("could not authenticate", "AUTH"),
    // Python
    ("smtpauthenticationerror", "AUTH"),
    ("smtprecipientsrefused", "RCPT"),
    ("smtprecipientrefused", "RCPT"),
    ("smtpsenderrefused", "MAIL"),
    ("smtpdataerror", "DATA"),
    ("smtpheloerror", "EHLO"),
    ("smtpconnecterror", ""),
    // nodemailer
    ("invalid login:", "AUTH"),
    ("invalid greeting", ""),
    ("mail command failed", "MAIL"),
    ("recipient command failed", "RCPT"),
    ("all recipients were rejected", "RCPT"),
    ("can't send mail to", "RCPT"),
    ("message failed:", "DATA"),
    ("command: 'mail from'", "MAIL"),
    ("command: 'rcpt to'", "RCPT"),
    ("command: 'data'", "DATA"),
    ("command: 'conn'", ""),
    ("command: 'auth", "AUTH"),
    // Symfony: what it expects tells what it sent.
    ("code \"250/251/252\" but got", "RCPT"),
    ("code \"354\" but got", "DATA"),
    ("code \"235\" but got", "AUTH"),
    ("code \"334\" but got", "AUTH"),
    ("failed to authenticate on smtp server", "AUTH"),
    // Java
    ("authenticationfailedexception", "AUTH"),
    ("smtpaddressfailedexception", "RCPT"),
    ("smtpsenderfailedexception", "MAIL"),
    // Ruby, .NET, curl, msmtp
    ("security.authenticationexception", "AUTH"),
    ("net::smtpauthenticationerror", "AUTH"),
    ("authentication failed", "AUTH"),
    ("access denied: 5", "AUTH"),
    ("mail failed: ", "MAIL"),
    ("rcpt failed: ", "RCPT"),
    ("authorization.failed", "AUTH"),
    ("*email.loginauth", "AUTH"),
    ("login denied", "AUTH"),
    ("login failed", "AUTH"),
    ("envelope from address", "MAIL"),
    ("recipient address", "RCPT"),
    ("the server did not accept the mail", "DATA"),
];

/// The longest of these words, in bytes.
const LONGEST: usize = 40;

/// The same by the byte that they begin with: a log holds as many replies as lines, and each has much before it.
static BY_FIRST: LazyLock<Vec<Vec<(&str, &str)>>> = LazyLock::new(|| {
    let begin_with =
        |first: u8| ANSWERED.iter().copied().filter(move |(words, _)| words.as_bytes().first() == Some(&first));
    (0..=u8::MAX).map(|first| begin_with(first).collect()).collect()
});

/// Words that tell it after the reply: Postfix's own, which stand above too, what was called, and members of an object.
const TOLD_AFTER: &[(&str, &str)] = &[
    ("processrcpttoresponse", "RCPT"),
    ("processmailfromresponse", "MAIL"),
    ("smtptransport.rcptto", "RCPT"),
    ("smtptransport.mailfrom", "MAIL"),
    ("smtptransport.finishdata", "DATA"),
    ("_actionrcpt", "RCPT"),
    ("_actionmail", "MAIL"),
    ("_actionauth", "AUTH"),
    ("_actiongreeting", ""),
    ("recipientnotaccepted", "RCPT"),
    ("sendernotaccepted", "MAIL"),
    ("messagenotaccepted", "DATA"),
    ("command: 'rcpt to'", "RCPT"),
    ("command: 'mail from'", "MAIL"),
    ("command: 'data'", "DATA"),
    ("command: 'auth", "AUTH"),
    ("command: 'conn'", ""),
    ("\"command\":\"rcpt to\"", "RCPT"),
    ("\"command\":\"mail from\"", "MAIL"),
    ("\"command\":\"data\"", "DATA"),
    ("\"command\":\"auth", "AUTH"),
    ("\"command\":\"conn\"", ""),
    ("errormsg='the server did not accept the mail'", "DATA"),
    ("errormsg='recipient address", "RCPT"),
    ("errormsg='envelope from address", "MAIL"),
    ("errormsg='authentication failed", "AUTH"),
];

/// What stands right before a reply: `RCPT TO: 550 …`.
const RIGHT_BEFORE: &[(&str, &str)] = &[
    (" rcpt to:", "RCPT"),
    (" rcpt:", "RCPT"),
    (" rcpt to command:", "RCPT"),
    (" mail from command:", "MAIL"),
    (" mail command:", "MAIL"),
    (" data command:", "DATA"),
    (" mail from:", "MAIL"),
    (" auth:", "AUTH"),
    (" data:", "DATA"),
    (" starttls:", "STARTTLS"),
    ("\"rcpt to:", "RCPT"),
    ("\"mail from:", "MAIL"),
    ("\"rcpt:", "RCPT"),
    ("\"auth:", "AUTH"),
    ("\"data:", "DATA"),
];

/// One of these stands in all that is told after a reply, and in few replies.
const STEMS: [&str; 7] =
    ["in reply to", "response", "smtptransport.", "_action", "notaccepted", "command", "errormsg="];

/// So much of what stands before a reply mostly tells, in bytes.
const NEAR: usize = 256;

/// The verb that a reply answers, by what stands before it and, in some programs, after it.
pub(super) fn verb_of(before: &str, after: &str) -> Option<&'static str> {
    by_later(after).or_else(|| last_told_in(before))
}

/// The same by what stands after it.
pub(super) fn by_later(after: &str) -> Option<&'static str> {
    by_after(&folded(&after.to_ascii_lowercase()))
}

/// The end of a long text is looked at first. What is found there is the last, unless it may begin before.
fn last_told_in(before: &str) -> Option<&'static str> {
    let near = folded(&snippet::end_of(before, NEAR).to_ascii_lowercase());
    let told = last_told(&near);
    if before.len() <= NEAR || told.is_some() && last_of_all(near.get(LONGEST..).unwrap_or_default()).is_some() {
        return told;
    }
    last_told(&folded(&before.to_ascii_lowercase()))
}

/// The one whose words stand last, and of two that end at the same place the longer.
fn last_told(before: &str) -> Option<&'static str> {
    if let Some((_, verb)) = RIGHT_BEFORE.iter().find(|(words, _)| before.ends_with(words)) {
        return Some(verb);
    }
    last_of_all(before)
}

fn by_after(after: &str) -> Option<&'static str> {
    if !STEMS.iter().any(|stem| after.contains(stem)) {
        return None;
    }
    let mut told_after = ANSWERED.iter().filter(|(words, _)| words.starts_with("in reply to")).chain(TOLD_AFTER);
    told_after.find(|(words, _)| after.contains(words)).map(|(_, verb)| *verb)
}

fn last_of_all(before: &str) -> Option<&'static str> {
    let bytes = before.as_bytes();
    let mut last: Option<((usize, usize), &'static str)> = None;
    for at in (0..bytes.len()).rev() {
        if last.is_some_and(|((end, _), _)| at + LONGEST < end) {
            break;
        }
        for (words, verb) in &BY_FIRST[usize::from(bytes[at])] {
            let place = (at + words.len(), words.len());
            if bytes[at..].starts_with(words.as_bytes()) && last.is_none_or(|(found, _)| place > found) {
                last = Some((place, verb));
            }
        }
    }
    last.map(|(_, verb)| verb)
}

/// With one blank wherever the text was folded.
fn folded(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_are_longer_than_the_longest() {
        assert!(ANSWERED.iter().all(|(words, _)| words.len() <= LONGEST));
    }

    #[test]
    fn all_that_is_told_after_a_reply_has_a_stem() {
        let after = ANSWERED.iter().filter(|(words, _)| words.starts_with("in reply to")).chain(TOLD_AFTER);
        for (words, _) in after {
            assert!(STEMS.iter().any(|stem| words.contains(stem)), "{words}");
        }
    }

    #[test]
    fn the_last_words_count() {
        assert_eq!(last_told("c: mail from:<a> 250 ok c: rcpt to:<b>"), Some("RCPT"));
        assert_eq!(last_told("net::smtpauthenticationerror"), Some("AUTH"));
        assert_eq!(last_told("after pipelined end of data"), Some("DATA"));
        assert_eq!(last_told("nothing is told"), None);
    }

    proptest::proptest! {
        #[test]
        fn they_are_those_that_a_search_for_each_finds(
            parts in proptest::collection::vec(0..ANSWERED.len(), 0..5),
            between in "[a-z: é>]{0,8}",
        ) {
            let text: String = parts.iter().flat_map(|part| [ANSWERED[*part].0, between.as_str()]).collect();
            let places = ANSWERED
                .iter()
                .filter_map(|(words, verb)| Some(((text.rfind(words)? + words.len(), words.len()), *verb)));
            proptest::prop_assert_eq!(last_of_all(&text), places.max_by_key(|(place, _)| *place).map(|(_, verb)| verb));
        }
    }
}
