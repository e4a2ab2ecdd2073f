//! Replies as programs print them inside other text: tuples, quotes, JSON, `code: text`.
//!
//! Responsible for the second look at a text in which no sure reply was found: a code of a refusal that stands as a reply
//! would. Ports, times, line numbers and the codes of HTTP are none. Called by [`Question::all_in`](super::Question::all_in).

use super::codes::{Codes, Enhanced, enhanced_prefix};
use super::found::{Found, RepeatedLines};
use super::{Question, entry, http, member, snippet};
use std::borrow::Cow;

/// How many bytes before a code are looked at.
const LOOK_BACK: usize = 80;

/// Words right before a number that is no reply code.
const OTHER_NUMBERS: &[&str] = &[
    "port", "line", "lines", "column", "pid", "uid", "gid", "size", "length", "bytes", "took", "after", "timeout",
    "ttl", "count", "total", "version", "exit", "errno", "worker", "thread", "id", "row", "page", "number", "items",
    "cost", "costs", "price", "amount", "width", "height", "build", "limit", "max", "expected", "duration", "elapsed",
    "offset", "pos", "position", "ms", "http",
];
/// Words right after a number that is no reply code.
const UNITS: &[&str] = &[
    "ms",
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "minutes",
    "hours",
    "days",
    "b",
    "bytes",
    "octets",
    "kb",
    "mb",
    "gb",
    "kib",
    "mib",
    "%",
    "items",
    "lines",
    "files",
    "rows",
    "messages",
    "mails",
    "emails",
    "users",
    "requests",
    "connections",
    "times",
    "of",
    "x",
    "px",
    "recipients",
    "jobs",
    "tasks",
    "dollars",
    "euro",
    "euros",
    "eur",
    "usd",
    "gbp",
    "chf",
    "pounds",
    "pieces",
    "pcs",
    "points",
    "people",
    "km",
    "kg",
];
/// Words before a code that has no text: one of them says that it is a reply.
const ABOUT_MAIL: &[&str] = &[
    "smtp",
    "denied",
    "failed",
    "failure",
    "rejected",
    "refused",
    "reply",
    "response",
    "code",
    "error",
    "auth",
    "login",
    "rcpt",
    "mail",
    "ehlo",
    "helo",
    "data",
    "bounce",
    "recipient",
    "sender",
];

/// All replies of a text.
pub(super) fn read(text: &str) -> Found {
    let mut found = Found::default();
    let mut before = String::new();
    let mut open = None;
    let mut repeated = RepeatedLines::default();
    for entry in entry::all_in(text) {
        let line = entry.as_ref();
        let known = repeated.reply_of(line);
        let replies = if known.is_some() { Vec::new() } else { in_line(line, &before) };
        if let Some(known) = known {
            found.again(known);
            open = Some(known);
        } else if !replies.is_empty() {
            open = replies.into_iter().map(|reply| found.join(reply)).last();
            if let (Cow::Borrowed(line), Some(reply)) = (&entry, open) {
                repeated.note(line, reply);
            }
        } else if line.trim().is_empty() || !line.starts_with([' ', '\t']) {
            open = None;
        } else {
            found.add(open, line.trim());
        }
        if line.trim().is_empty() {
            before.clear();
        }
        snippet::slide(&mut before, line.trim());
    }
    found
}

fn in_line(line: &str, paragraph: &str) -> Vec<Question> {
    let mut replies: Vec<Question> = Vec::new();
    let mut from = 0;
    while let Some(at) = next_code(line, from) {
        from = at + 3;
        let Some(place) = LaxPlace::at(line, at).filter(LaxPlace::is_reply) else { continue };
        // What follows in the line is its text, in which the code may come again; after a quoted one others may follow.
        from = place.end;
        // What is counted beside a reply has no text.
        if !replies.is_empty() && place.enhanced.is_none() && place.text_is_of_others() {
            continue;
        }
        replies.push(place.question(line, at, paragraph));
    }
    replies
}

/// The next three digits of a refusal that stand by themselves.
fn next_code(line: &str, from: usize) -> Option<usize> {
    let bytes = line.as_bytes();
    let is_part = |byte: Option<&u8>| byte.is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_'));
    (from..bytes.len().saturating_sub(2)).find(|at| {
        let digits = &bytes[*at..*at + 3];
        let is_code = match digits[0] {
            b'4' => matches!(digits[1], b'2'..=b'5' | b'7'),
            b'5' => matches!(digits[1], b'0'..=b'5' | b'7' | b'9'),
            _ => false,
        };
        let stands_alone = at.checked_sub(1).is_none_or(|before| !is_part(bytes.get(before)));
        is_code && digits[2].is_ascii_digit() && stands_alone && ends_code(&bytes[*at + 3..])
    })
}

/// Whether the three digits end here: `550.` may end a sentence, but `550.1` is another number.
pub(super) fn ends_code(after: &[u8]) -> bool {
    match after {
        [b'.', next, ..] => !next.is_ascii_alphanumeric(),
        [next, ..] => !next.is_ascii_alphanumeric() && !matches!(next, b'_' | b'/' | b'%'),
        [] => true,
    }
}

/// Three digits and what stands around them.
struct LaxPlace<'a> {
    code: &'a str,
    before: String,
    enhanced: Option<Enhanced>,
    /// The text of the reply, and what follows it.
    rest: &'a str,
    /// Whether it is a number and a text in brackets, as Python prints a reply.
    is_tuple: bool,
    /// Where the text ends in the line.
    end: usize,
}

impl<'a> LaxPlace<'a> {
    fn at(line: &'a str, at: usize) -> Option<Self> {
        let code = line.get(at..at + 3)?;
        let before = snippet::end_of(&line[..at], LOOK_BACK).to_ascii_lowercase();
        let of_class = |it: &Enhanced| it.0 == code.bytes().next().map(|digit| digit - b'0');
        let exact = |it: &Enhanced| it.1.is_some() && it.2.is_some();
        let fits = |(it, _): &(Enhanced, &str)| of_class(it) && exact(it);
        let member = member::enhanced_after(&line[at + 3..]).filter(fits);
        let after = member::text_after(member.map_or(&line[at + 3..], |(_, rest)| rest), code);
        let found = enhanced_prefix(after).filter(fits).or(member.map(|(it, _)| (it, after)));
        let rest = found.map_or(after, |(_, rest)| rest);
        let between = &line[at + 3..line.len() - after.len()];
        let is_tuple =
            before.ends_with('(') && ["b'", "b\"", "'", "\""].iter().any(|mark| between == [", ", mark].concat());
        let text = snippet::start_of(rest, snippet::ENOUGH);
        let end = line.len() - rest.len() + member::end_of_quoted(between, text).unwrap_or(text.len());
        Some(Self { code, before, enhanced: found.map(|(it, _)| it), rest, is_tuple, end })
    }

    fn question(&self, line: &str, at: usize, paragraph: &str) -> Question {
        let codes = Codes { code: self.digits(), enhanced: self.enhanced, rest: self.rest };
        Question::at(line, at, &codes, self.end, paragraph)
    }

    fn text_is_of_others(&self) -> bool {
        member::is_other_member(self.rest)
    }

    fn digits(&self) -> Option<[Option<u8>; 3]> {
        let mut digits = self.code.bytes().map(|digit| Some(digit - b'0'));
        Some([digits.next()?, digits.next()?, digits.next()?])
    }

    fn is_reply(&self) -> bool {
        let before = self.before.trim_end();
        let stands_as_one = before.is_empty()
            || before.ends_with([':', '"', '\'', '(', '=', '[', '{', '>'])
            || ["code ", "error ", "error, ", "reply ", "response "].iter().any(|word| self.before.ends_with(word))
            || [". ", " - ", "| "].iter().any(|end| self.before.ends_with(end)) && self.speaks_of_mail();
        let is_likely = || !self.is_other_number() && !http::is_near(&self.before, self.rest) && self.has_words();
        self.is_tuple || stands_as_one && is_likely()
    }

    /// Whether the word before, or the one after, says what is counted.
    fn is_other_number(&self) -> bool {
        let is_letter = |c: char| c.is_ascii_alphabetic();
        let label = self.before.trim_end_matches(|c: char| !is_letter(c));
        let word = label.rsplit(|c: char| !is_letter(c)).next().unwrap_or_default();
        let after = self.rest.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let after = after.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '%');
        // `app.js:550`, `192.0.2.1:587`, `12:34:550`
        let name = self.before.strip_suffix(':').and_then(|it| it.split([' ', '=', '(', '"', '\'']).next_back());
        let is_glued = !label.ends_with("code")
            && (self.before.ends_with(':') && self.before.len() > label.len() + 1
                || name.is_some_and(|it| it.contains(['.', '/'])));
        let is_place = self.before.ends_with(':') && self.rest.starts_with(|c: char| c.is_ascii_digit());
        // `sshd[550]`
        let is_process =
            self.before.strip_suffix('[').is_some_and(|it| it.ends_with(|c: char| c.is_ascii_alphanumeric()));
        is_process
            || label.ends_with("exit code")
            || OTHER_NUMBERS.contains(&word)
            || UNITS.contains(&after)
            || is_glued
            || is_place
    }

    /// Whether words around it do so: in the midst of sentences other numbers stand too.
    fn speaks_of_mail(&self) -> bool {
        let after = snippet::start_of(self.rest, LOOK_BACK).to_ascii_lowercase();
        let words = ["mail", "recipient", "relay", "authenticat", "sender", "domain", "spam", "smtp", "user"];
        words.iter().filter(|word| self.before.contains(*word) || after.contains(*word)).count() > 1
    }

    /// Whether words follow, or stand before that speak of mail.
    fn has_words(&self) -> bool {
        let follows = self.rest.chars().filter(|c| c.is_alphabetic()).take(3).count() == 3;
        follows || self.enhanced.is_some() || ABOUT_MAIL.iter().any(|word| self.before.contains(word))
    }
}
