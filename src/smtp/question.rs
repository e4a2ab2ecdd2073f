//! What somebody asks to have explained: codes as they are typed, or replies as they are pasted from a log or a bounce.
//!
//! Responsible for finding codes in text that people give. Not for replies on the wire (`reply`) nor for the answer
//! (`explanation`). Called by `explanation` and the command line.

use super::status::EnhancedStatusCode;

/// A reply, as much of it as was given, or a pattern of codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The reply code; `None` stands for any digit.
    pub code: Option<[Option<u8>; 3]>,
    /// Class, subject and detail of the enhanced status code; `None` stands for any.
    pub enhanced: Option<(Option<u8>, Option<u16>, Option<u16>)>,
    /// The text behind the codes.
    pub text: String,
    /// Everything that stood around it: a provider may be known by it.
    pub context: String,
}

impl Question {
    /// Reads `535`, `5.7.8`, `535 5.7.8`, `5xx`, `4.7.x`, or a reply line; `None` if it does not begin with a code.
    #[must_use]
    pub fn read(text: &str) -> Option<Question> {
        let text = text.trim();
        let (first, rest) = first_word(text);
        let mut question = Question { context: text.to_owned(), ..Question::default() };
        if let Some(code) = reply_code(first) {
            question.code = Some(code);
            let (second, behind) = first_word(rest);
            question.enhanced = enhanced(second).filter(|it| it.0.is_none() || it.0 == code[0]);
            question.text = if question.enhanced.is_some() { behind } else { rest }.to_owned();
        } else {
            question.enhanced = Some(enhanced(first)?);
            question.text = rest.to_owned();
        }
        Some(question)
    }

    /// Every reply in a pasted text, the same one once.
    #[must_use]
    pub fn all_in(text: &str) -> Vec<Question> {
        let mut found: Vec<Question> = Vec::new();
        for line in text.lines() {
            match in_line(line) {
                Some(question) => join(&mut found, question),
                // The rest of a reply, on a line of its own.
                None if line.starts_with([' ', '\t']) => {
                    if let Some(last) = found.last_mut() {
                        last.add(line.trim(), line);
                    }
                }
                None => {}
            }
        }
        found
    }

    /// Adds what belongs to the text of the same reply.
    pub fn add(&mut self, text: &str, context: &str) {
        for (whole, part) in [(&mut self.text, text), (&mut self.context, context)] {
            if !whole.is_empty() && !part.is_empty() {
                whole.push(' ');
            }
            whole.push_str(part);
        }
    }

    /// The reply code, unless it is a pattern.
    #[must_use]
    pub fn exact_code(&self) -> Option<u16> {
        self.code?.into_iter().try_fold(0, |code, digit| Some(code * 10 + u16::from(digit?)))
    }

    /// The enhanced status code, unless it is a pattern.
    #[must_use]
    pub fn exact_enhanced(&self) -> Option<EnhancedStatusCode> {
        let (class, subject, detail) = self.enhanced?;
        Some(EnhancedStatusCode { class: class?, subject: subject?, detail: detail? })
    }

    /// Whether it is one code alone, which what follows may complete.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.text.is_empty() && (self.code.is_none() || self.enhanced.is_none())
    }

    /// The codes, as they are written: `535 5.7.8`, `5xx`, `4.7.x`.
    #[must_use]
    pub fn codes(&self) -> String {
        let code = self.code.map(|digits| {
            digits.iter().map(|digit| digit.map_or('x', |digit| char::from(b'0' + digit))).collect::<String>()
        });
        let part = |number: Option<u16>| number.map_or_else(|| "x".to_owned(), |number| number.to_string());
        let enhanced = self.enhanced.map(|(class, subject, detail)| {
            format!("{}.{}.{}", part(class.map(u16::from)), part(subject), part(detail))
        });
        code.into_iter().chain(enhanced).collect::<Vec<_>>().join(" ")
    }
}

/// A word and what follows. Behind three digits a hyphen ends it as well: `550-5.7.1`.
fn first_word(text: &str) -> (&str, &str) {
    let is_code = text.get(..3).is_some_and(|code| reply_code(code).is_some());
    let end = match text.as_bytes().get(3) {
        Some(b'-') if is_code => 3,
        _ => text.find(char::is_whitespace).unwrap_or(text.len()),
    };
    let (word, rest) = text.split_at(end);
    (word, rest.strip_prefix('-').filter(|_| is_code).unwrap_or(rest).trim_start())
}

/// `535`, `5xx`, `55x`: the first digit is known, and no other follows one that is not.
fn reply_code(word: &str) -> Option<[Option<u8>; 3]> {
    let digits: [u8; 3] = word.as_bytes().try_into().ok()?;
    let digits = digits.map(|letter| match letter {
        b'0'..=b'9' => Some(Some(letter - b'0')),
        b'x' | b'X' | b'y' | b'z' | b'*' => Some(None),
        _ => None,
    });
    let [first, second, third] = [digits[0]?, digits[1]?, digits[2]?];
    let in_order = second.is_some() || third.is_none();
    (matches!(first, Some(2..=5)) && in_order).then_some([first, second, third])
}

/// `5.7.8`, `4.7.x`, `x.7.8`, `5.7`, also within `(#5.7.8)` and before a colon.
fn enhanced(word: &str) -> Option<(Option<u8>, Option<u16>, Option<u16>)> {
    let word = word.trim_matches(['(', ')', '#', ':', ',', ';', '[', ']', '<', '>', '"']);
    let mut parts = word.split('.');
    let class = number(parts.next()?)?;
    let subject = number(parts.next()?)?;
    let detail = parts.next().map_or(Some(None), number)?;
    let class = match class {
        None => None,
        Some(class @ (2 | 4 | 5)) => u8::try_from(class).ok(),
        Some(_) => return None,
    };
    let says_something = class.is_some() || subject.is_some();
    let in_order = subject.is_some() || detail.is_none();
    (parts.next().is_none() && says_something && in_order).then_some((class, subject, detail))
}

/// A number without leading zeros up to 999, or a letter that stands for any.
fn number(part: &str) -> Option<Option<u16>> {
    match part {
        "x" | "X" | "y" | "Y" | "z" | "Z" | "*" => Some(None),
        _ => {
            let digits = matches!(part.len(), 1..=3) && part.bytes().all(|byte| byte.is_ascii_digit());
            (digits && (part.len() == 1 || !part.starts_with('0'))).then(|| part.parse().ok())
        }
    }
}

/// The first reply in a line of a log or a bounce.
fn in_line(line: &str) -> Option<Question> {
    let starts = (0..line.len()).filter(|at| is_start(line, *at));
    let mut alone = None;
    for at in starts {
        let Some(mut question) = Question::read(&line[at..]) else { continue };
        let exact = question.exact_code().is_some() || question.exact_enhanced().is_some();
        let is_code = question.code.is_none() || question.exact_code().is_some_and(|code| code / 10 % 10 <= 5);
        if !exact || !is_code {
            continue;
        }
        question.context = line.to_owned();
        if question.code.is_some() && question.enhanced.is_some() {
            return Some(question);
        }
        if alone.is_none() && introduces(&line[..at], &question) {
            alone = Some(question);
        }
    }
    alone
}

/// Whether a word begins here.
fn is_start(line: &str, at: usize) -> bool {
    let before = |letter: u8| letter.is_ascii_whitespace() || b"\"'(<>[#:;=".contains(&letter);
    line.is_char_boundary(at) && line.as_bytes()[at].is_ascii_digit() && (at == 0 || before(line.as_bytes()[at - 1]))
}

/// Whether what stands before a single code says that a reply follows: other numbers stand in logs too.
fn introduces(before: &str, question: &Question) -> bool {
    let before = before.trim_end().to_ascii_lowercase();
    let marks =
        ["said:", "smtp;", "s:", "status:", "dsn=", "#", "error:", "response:", "reply:", "code:", "code", "error"];
    let is_prompt = before.bytes().all(|byte| b"<>*-=\"'( ".contains(&byte));
    let by_word = marks.iter().any(|mark| before.ends_with(mark));
    // `5.7.1` may also be a version or a part of an address.
    is_prompt && question.code.is_some() || by_word || before.is_empty()
}

/// Puts a reply to the others: a further line of the last one, or one that is there already.
fn join(found: &mut Vec<Question>, question: Question) {
    let says_less = |known: &Question| question.code.is_none() && known.enhanced == question.enhanced;
    let same = |known: &Question| known.code == question.code && known.enhanced == question.enhanced;
    let continues = |known: &Question| known.code == question.code && question.enhanced.is_none();
    let last = found.len().wrapping_sub(1);
    if let Some(known) =
        found.iter_mut().enumerate().find(|(at, it)| same(it) || says_less(it) || *at == last && continues(it))
    {
        known.1.add(&question.text, &question.context);
        return;
    }
    // `Status: 5.7.1` comes before the reply that has both codes.
    found.retain(|known| !(known.code.is_none() && known.enhanced == question.enhanced));
    found.push(question);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(text: &str) -> Vec<String> {
        Question::all_in(text).iter().map(Question::codes).collect()
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        for (typed, codes, text) in [
            ("535", "535", ""),
            ("5.7.8", "5.7.8", ""),
            (" 535 5.7.8 ", "535 5.7.8", ""),
            ("535-5.7.8", "535 5.7.8", ""),
            ("5xx", "5xx", ""),
            ("5XX", "5xx", ""),
            ("5yz", "5xx", ""),
            ("55x", "55x", ""),
            ("4.7.x", "4.7.x", ""),
            ("5.7", "5.7.x", ""),
            ("x.7.26", "x.7.26", ""),
            ("X.7.YYY".split("YYY").next().unwrap_or_default().trim_end_matches('.'), "x.7.x", ""),
            ("5.*.*", "5.x.x", ""),
            ("#5.7.1", "5.7.1", ""),
            ("550 5.7.26 This mail has been blocked", "550 5.7.26", "This mail has been blocked"),
            ("421-4.7.0 Try again", "421 4.7.0", "Try again"),
            ("550 no such user", "550", "no such user"),
            ("599 8.7.1 odd", "599", "8.7.1 odd"),
            // The classes differ: it is no enhanced status code of this reply.
            ("550 4.7.1 odd", "550", "4.7.1 odd"),
        ] {
            let question = Question::read(typed).unwrap_or_else(|| panic!("{typed}"));
            assert_eq!((question.codes().as_str(), question.text.as_str()), (codes, text), "{typed}");
        }
    }

    #[test]
    fn other_text_is_no_question() {
        for text in [
            "", "nonsense", "99", "1xx", "199", "600", "xxx", "5x5", "3.7.8", "5.07.8", "x.x.x", "5.x.8", "5.7.8.1",
            "5", "é5",
        ] {
            assert_eq!(Question::read(text), None, "{text}");
        }
    }

    #[test]
    fn replies_are_found_in_bounces_and_logs() {
        for (text, codes) in [
            (
                "Status: 5.7.26\nDiagnostic-Code: smtp; 550 5.7.26 This mail\n    is unauthenticated",
                &["550 5.7.26"][..],
            ),
            (
                "host mx.example[192.0.2.1] said: 550-5.1.1 no such\n 550 5.1.1 user (in reply to RCPT TO command)",
                &["550 5.1.1"],
            ),
            ("<<< 554 5.7.1 <a@b>: Relay access denied", &["554 5.7.1"]),
            ("<** 535 Incorrect authentication data", &["535"]),
            ("S: 250-mx.example\nS: 250 HELP\nS: 451 try later", &["250", "451"]),
            ("postfix/smtp[123]: to=<a@b>, dsn=4.4.2, status=deferred", &["4.4.2"]),
            ("#<mail.example #5.7.1 smtp;530 5.7.1 Client was not authenticated> #SMTP#", &["530 5.7.1"]),
            ("SMTP error from remote mail server after RCPT TO:<a@b>:\n550 unknown user", &["550"]),
            ("421-4.7.0 one\n421-4.7.0 two\n421 4.7.0 three", &["421 4.7.0"]),
        ] {
            assert_eq!(codes_of(text), codes, "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in
            ["connect to 192.0.2.1 port 587", "Mon, 23 Nov 2026 21:45:00 +0000", "version 5.7.1 of it", "250", ""]
        {
            let found = codes_of(text);
            assert!(found.is_empty() || text == "250", "{text}: {found:?}");
        }
    }

    #[test]
    fn lines_of_one_reply_are_one_text() {
        let found = Question::all_in("550-5.7.26 This mail\n550 5.7.26 was blocked - gsmtp");
        assert_eq!(found[0].text, "This mail was blocked - gsmtp");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "([245x.]{0,7}[ -]?.?\n?){0,6}") {
            _ = Question::read(&text);
            _ = Question::all_in(&text);
        }
    }
}
