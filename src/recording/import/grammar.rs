//! What a line of SMTP looks like, whoever may have said it.
//!
//! Responsible for telling commands, replies and answers to challenges from all other text, by their form alone. The
//! engine decides with it which mark stands for which side, and what of an unmarked line belongs to the conversation.

use crate::smtp::auth::mechanism_names;
use crate::smtp::command::Verb;

/// A line of the client, by what may answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineForm {
    Hello,
    MailOrRcpt,
    Data,
    /// The end of mail data.
    Message,
    Bdat,
    Auth,
    /// What answers a challenge.
    Answer,
    StartTls,
    Quit,
    Other,
}

/// What may follow a verb.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    None,
    /// At most this many words.
    Words(usize),
    /// Begins so.
    Begins(&'static str),
    Mechanism,
    Number,
}

/// What Exchange called AUTH before there was an RFC for it.
const X_EXPS: &str = "X-EXPS";

/// What a verb is, and what must follow it: sentences begin with the same words.
fn shape(verb: Verb) -> Option<(LineForm, Argument)> {
    Some(match verb {
        Verb::Ehlo | Verb::Helo | Verb::Lhlo => (LineForm::Hello, Argument::Words(2)),
        Verb::Mail => (LineForm::MailOrRcpt, Argument::Begins("FROM")),
        Verb::Rcpt => (LineForm::MailOrRcpt, Argument::Begins("TO")),
        Verb::Data => (LineForm::Data, Argument::None),
        Verb::BdatCommand => (LineForm::Bdat, Argument::Number),
        Verb::Burl => (LineForm::Bdat, Argument::Words(3)),
        Verb::Quit => (LineForm::Quit, Argument::None),
        Verb::AuthCommand => (LineForm::Auth, Argument::Mechanism),
        Verb::StartTls => (LineForm::StartTls, Argument::None),
        Verb::Reset | Verb::Turn => (LineForm::Other, Argument::None),
        Verb::Noop | Verb::Vrfy | Verb::Expn | Verb::Help | Verb::Etrn | Verb::Atrn => {
            (LineForm::Other, Argument::Words(1))
        }
        Verb::XClient | Verb::XForward => (LineForm::Other, Argument::Words(9)),
        // Only sentences begin with SEND by now.
        Verb::Send | Verb::Other => return None,
    })
}

fn named(verb: &str) -> Option<(LineForm, Argument)> {
    if verb.eq_ignore_ascii_case(X_EXPS) {
        return Some((LineForm::Auth, Argument::Words(2)));
    }
    shape(Verb::named(verb.as_bytes()))
}

/// The codes of replies; other numbers of three digits stand in logs as well.
const CODES: [u16; 46] = [
    211, 214, 220, 221, 235, 250, 251, 252, 253, 334, 354, 420, 421, 422, 430, 431, 432, 441, 442, 446, 447, 449, 450,
    451, 452, 454, 455, 471, 500, 501, 502, 503, 504, 521, 523, 525, 530, 534, 535, 538, 550, 551, 552, 553, 554, 555,
];

/// What a command is, if a line is one by its form.
pub(super) fn command(line: &str) -> Option<LineForm> {
    let line = line.trim_end();
    let end = line.find([' ', '\t', ':']).unwrap_or(line.len());
    let (verb, rest) = line.split_at(end);
    let (kind, wanted) = named(verb)?;
    fits(rest, wanted).then_some(kind)
}

/// What a command is by its verb alone, for a line that is known to be the client's.
pub(super) fn kind_of(line: &str) -> LineForm {
    let verb = line.trim_start().split([' ', '\t', ':']).next().unwrap_or_default();
    named(verb).map_or(LineForm::Other, |(kind, _)| kind)
}

/// Whether a text begins with the letters of a verb.
pub(super) fn may_be_verb(text: &str) -> bool {
    let begins = |name: &str| text.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name));
    begins(X_EXPS) || Verb::names().any(|(name, verb)| shape(verb).is_some() && begins(name))
}

/// Whether a line begins with a verb, whatever follows.
pub(super) fn begins_with_verb(line: &str) -> bool {
    named(line.split([' ', '\t', ':']).next().unwrap_or_default()).is_some()
}

fn fits(rest: &str, wanted: Argument) -> bool {
    if rest.starts_with(':') {
        return false;
    }
    let rest = rest.trim();
    match wanted {
        Argument::None => rest.is_empty(),
        Argument::Words(most) => rest.split_whitespace().count() <= most,
        Argument::Begins(word) => {
            let begins = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
            let after = rest.get(word.len()..).unwrap_or_default();
            // Without its brackets a path is a mistake that people make, and so something to play again.
            begins && (after.trim_start().starts_with([':', '<']) || after.is_empty() || after.contains('@'))
        }
        Argument::Mechanism => {
            let (name, message) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            is_mechanism(name) && (message.trim().is_empty() || is_message(message.trim()))
        }
        Argument::Number => rest.split_whitespace().next().is_some_and(|size| size.parse::<u64>().is_ok()),
    }
}

/// Whether a word names a mechanism, by which no sentence goes on after `AUTH`.
pub(super) fn is_mechanism(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    mechanism_names().any(|mechanism| word.starts_with(mechanism))
}

/// Whether a text is a message of a login, or what a log shows in its place.
pub(super) fn is_message(text: &str) -> bool {
    matches!(text, "=" | "*") || is_base64(text) || is_hidden(text)
}

/// Base64 that is whole, of at least one group.
pub(super) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len() >= 4
        && text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// What stands in logs in place of a credential: `****`, `[credentials hidden]`, `<auth data redacted>`, a template.
pub(super) fn is_hidden(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let bracketed = [('<', '>'), ('[', ']'), ('(', ')'), ('{', '}')];
    let word = [
        "hidden",
        "redacted",
        "removed",
        "masked",
        "suppressed",
        "secret",
        "credential",
        "password",
        "censored",
        "snip",
    ];
    !text.is_empty()
        && (bracketed.iter().any(|(open, close)| text.starts_with(*open) && text.ends_with(*close))
            || text.chars().all(|letter| matches!(letter, '*' | '.' | '…' | '•' | 'x' | 'X' | '#' | '-' | '_'))
            || text.contains("***") && !text.contains(' ')
            || text.len() < 60 && !text.contains(' ') && word.iter().any(|word| lower.contains(word)))
}

/// The code that a line of a reply begins with: three digits, and then a blank, a hyphen or nothing (RFC 5321 section 4.2).
pub(super) fn reply_code(line: &str) -> Option<u16> {
    let bytes = line.as_bytes();
    let digits = bytes.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let fits = (200..600).contains(&code) && matches!(bytes.get(3), None | Some(b' ' | b'-' | b'\t'));
    fits.then_some(code)
}

/// Whether a line of a reply is followed by another one of it.
pub(super) fn goes_on(line: &str) -> bool {
    line.as_bytes().get(3) == Some(&b'-')
}

/// `250-a250-b250 c`, as some logs join the lines of a reply, in its lines.
pub(super) fn unglued(text: &str) -> Vec<&str> {
    if !goes_on(text) {
        return vec![text];
    }
    let code = &text[..3];
    let mut parts = Vec::new();
    let mut start = 0;
    let mut from = 4;
    while let Some(at) = text[from..].find(code).map(|at| from + at) {
        let next = text.as_bytes().get(at + 3);
        if matches!(next, Some(b'-' | b' ')) {
            parts.push(text[start..at].trim_end());
            start = at;
            if next == Some(&b' ') {
                break;
            }
        }
        from = at + 3;
    }
    parts.push(text[start..].trim_end());
    let ends = parts.last().is_some_and(|last| !goes_on(last));
    if parts.len() > 1 && ends { parts } else { vec![text] }
}

/// The code of a line of a reply where any number might stand: one that servers use.
pub(super) fn usual_code(line: &str) -> Option<u16> {
    reply_code(line).filter(|code| CODES.contains(code))
}

/// Whether a reply with this code may answer it.
pub(super) fn may_answer(kind: LineForm, code: u16) -> bool {
    let refuses = (400..600).contains(&code);
    refuses
        || match kind {
            LineForm::Hello => code == 250,
            LineForm::MailOrRcpt | LineForm::Message | LineForm::Bdat => (250..=253).contains(&code),
            LineForm::Data => code == 354,
            LineForm::Auth | LineForm::Answer => matches!(code, 334 | 235),
            LineForm::StartTls => code == 220,
            LineForm::Quit => matches!(code, 220 | 221 | 250),
            LineForm::Other => !matches!(code, 334 | 354 | 235 | 221),
        }
}

/// Whether a command must be answered before the client may go on (RFC 2920 section 3.1).
pub(super) fn must_wait(kind: LineForm) -> bool {
    matches!(kind, LineForm::Hello | LineForm::Auth | LineForm::Answer | LineForm::StartTls)
}

/// A keyword of EHLO, as some clients print the further lines of a reply without their code.
pub(super) fn is_keyword(line: &str) -> bool {
    let word = line.split([' ', '=']).next().unwrap_or_default();
    word.len() >= 3
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
        && word.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether a line looks like the first one of a message.
pub(super) fn is_field(line: &str) -> bool {
    let Some((name, _)) = line.split_once(':') else { return false };
    !name.is_empty() && name.len() < 60 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sentences() {
        let commands = [
            "EHLO client.example",
            "helo x",
            "MAIL FROM:<a@b>",
            "mail from: a@b SIZE=1",
            "RCPT TO:<c@d>",
            "DATA",
            "auth login",
            "AUTH PLAIN AG1hcnkAaHVudGVyMg==",
            "AUTH PLAIN ****",
            "AUTH LOGIN [credentials hidden]",
            "BDAT 12 LAST",
            "quit ",
            "STARTTLS",
            "MAIL FROM:",
        ];
        for line in commands {
            assert!(command(line).is_some(), "{line}");
        }
        let others = [
            "Data was sent",
            "mail me from home",
            "Help is on its way",
            "Quit the program",
            "AUTH PLAIN succeeded",
            "AUTH PLAIN command trace suppressed",
            "auth = PLAIN",
            "Data: x",
            "hello",
            "EHLO is what one says first",
        ];
        for line in others {
            assert!(command(line).is_none(), "{line}");
        }
    }

    #[test]
    fn codes_begin_a_line_and_end_before_its_text() {
        assert_eq!(reply_code("250-ok"), Some(250));
        assert_eq!(reply_code("354"), Some(354));
        assert_eq!(reply_code("2500 ok"), None);
        assert_eq!(reply_code("250ok"), None);
        assert_eq!(usual_code("345 ms"), None);
    }
}
