//! Replies in the lines of a log, a transcript or a bounce.
//!
//! Responsible for what is surely a reply: both codes, or one that is introduced as a reply, with the lines that it is
//! folded into. Not for codes that only look like one (`lax`). Called by [`Question::all_in`](super::Question::all_in).

use super::codes::Codes;
use super::found::{Found, RepeatedLines};
use super::{Question, http, snippet};

/// How many bytes before a code are looked at.
const LOOK_BACK: usize = 240;
/// A line of such a length may have been folded though the next is not indented.
const FOLDED: std::ops::RangeInclusive<usize> = 48..=120;

/// All replies of a text.
pub(super) fn read(text: &str) -> Found {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.line(line));
    reader.found
}

#[derive(Default)]
struct Reader<'a> {
    found: Found,
    /// The reply that further lines may belong to.
    open: Option<usize>,
    /// The line before this one.
    last_line: &'a str,
    paragraph: String,
    repeated: RepeatedLines<'a>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            self.open = None;
            self.paragraph.clear();
        } else if !self.completes(trimmed) {
            self.replies_or_more(line, trimmed);
        }
        snippet::slide(&mut self.paragraph, trimmed);
        self.last_line = line;
    }

    /// Takes an enhanced status code that was folded to the line after the reply code: `said: 421`, `4.7.0 …`.
    fn completes(&mut self, line: &str) -> bool {
        let Some(last) = self.open.and_then(|at| self.found.at(at)).filter(|it| it.is_bare() && it.code.is_some())
        else {
            return false;
        };
        let Some(codes) = Codes::at_start_of(line).filter(|it| it.code.is_none() && it.is_exact()) else {
            return false;
        };
        let class = codes.enhanced.and_then(|it| it.0);
        if class != last.code.and_then(|digits| digits[0]) {
            return false;
        }
        let completed = Question { enhanced: codes.enhanced, ..last.clone() };
        self.open = self.found.replace_last(completed, codes.rest, line);
        true
    }

    fn replies_or_more(&mut self, line: &'a str, trimmed: &str) {
        if let Some(known) = self.repeated.reply_of(line) {
            self.found.again(known);
            self.open = Some(known);
            return;
        }
        // An entry of a log has nothing to do with the one before.
        let is_entry = begins_with_time(trimmed.split_ascii_whitespace().next().unwrap_or_default());
        let replies = in_line(line, if is_entry { "" } else { &self.paragraph });
        if !replies.is_empty() {
            for reply in replies {
                self.open = Some(if is_entry { self.found.join_entry(reply) } else { self.found.join(reply) });
            }
            if let Some(reply) = self.open {
                self.repeated.note(line, reply);
            }
        } else if self.open.is_some() && self.goes_on(line) {
            self.found.add(self.open, trimmed);
        } else {
            self.open = None;
        }
    }

    /// Whether this line is the rest of the last reply: indented, or folded by a program that does not indent.
    fn goes_on(&self, line: &str) -> bool {
        let is_bare = self.open.and_then(|at| self.found.at(at)).is_some_and(|it| it.text.is_empty());
        let folded = is_bare || FOLDED.contains(&self.last_line.len());
        line.starts_with([' ', '\t']) || folded && !starts_anew(line)
    }
}

/// Whether a line is the beginning of something else: a header field, an entry of a log, a list, a quotation.
fn starts_anew(line: &str) -> bool {
    let first = line.split_ascii_whitespace().next().unwrap_or_default();
    let is_header = first.ends_with(':') && first.len() > 1;
    is_header || first.starts_with(['<', '>', '-', '=', '*', '#', '+']) || begins_with_time(first)
}

fn begins_with_time(word: &str) -> bool {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let is_date = word.len() > 4 && word.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    MONTHS.contains(&word) || is_date || word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit())
}

/// The replies in a line, of which the paragraph before it is known.
fn in_line(line: &str, paragraph: &str) -> Vec<Question> {
    let mut places: Vec<(usize, Codes<'_>)> = Vec::new();
    let mut alone = None;
    for (at, codes) in candidates(line) {
        let before = snippet::end_of(&line[..at], LOOK_BACK);
        if codes.are_both() {
            if places.is_empty() || codes.code != places[0].1.code || is_said(before) {
                places.push((at, codes));
            }
        } else if introduces(before, paragraph, &codes) && !http::is_near(before, codes.rest) {
            if is_said(before) && (alone.is_some() || !places.is_empty()) {
                places.push((at, codes));
            }
            alone = alone.or(Some((at, codes)));
        }
    }
    let only_alone = if places.iter().any(|(_, codes)| codes.code.is_some()) { None } else { alone };
    places.splice(0..0, only_alone.filter(|it| !places.contains(it)));
    let ends: Vec<usize> = places.iter().skip(1).map(|(at, _)| *at).chain([line.len()]).collect();
    places.into_iter().zip(ends).map(|((at, codes), end)| Question::at(line, at, &codes, end, paragraph)).collect()
}

/// Each place in a line where exact codes begin that may be those of a reply.
fn candidates(line: &str) -> impl Iterator<Item = (usize, Codes<'_>)> {
    let bytes = line.as_bytes();
    let starts = (0..bytes.len()).filter(move |at| is_start(bytes, *at));
    starts.filter_map(move |at| Some((at, Codes::at_start_of(&line[at..])?))).filter_map(|(at, codes)| {
        let second = codes.code.and_then(|digits| digits[1]).unwrap_or(0);
        let exact = Codes { enhanced: codes.enhanced.filter(|it| it.1.is_some() && it.2.is_some()), ..codes };
        (exact.is_exact() && (second <= 5 || exact.are_both())).then_some((at, exact))
    })
}

/// Whether a code may begin here: a digit from 2 to 5 at the start of a word, with another digit or a full stop after it.
fn is_start(bytes: &[u8], at: usize) -> bool {
    let before = |letter: u8| letter.is_ascii_whitespace() || b"\"'(<>[#:;=".contains(&letter);
    matches!(bytes[at], b'2'..=b'5')
        && bytes.get(at + 1).is_some_and(|next| next.is_ascii_digit() || *next == b'.')
        && (at == 0 || before(bytes[at - 1]))
}

/// What stands before a reply that a program reports.
const MARKS: [&str; 24] = [
    "returned '",
    "returned \"",
    "responded:",
    // Perl's Net::SMTP, sendmail
    "<<<",
    "said:",
    "was:",
    // .NET in German, French, Spanish, Italian
    "war:",
    "geantwortet:",
    "était :",
    "était:",
    "fue:",
    "era:",
    "returned:",
    "smtp;",
    "s:",
    "status:",
    "dsn=",
    "#",
    "error:",
    "response:",
    "reply:",
    "code:",
    "code",
    "error",
];

/// Whether what stands before a single code says that a reply follows: other numbers stand in logs too.
fn introduces(before: &str, paragraph: &str, codes: &Codes<'_>) -> bool {
    let before = before.trim_end().to_ascii_lowercase();
    let is_prompt = before.bytes().all(|byte| b"<>*-=\"'( ~".contains(&byte));
    let is_expected = ["expected response code", "expected code", "expected"].iter().any(|it| before.ends_with(it));
    let is_other = ["exit code", "exit code:", "status code", "status code:"].iter().any(|it| before.ends_with(it));
    // `(#5.7.1)` is qmail's, `order #550` is nobody's.
    let may_stand = |mark: &str| mark != "#" || codes.code.is_none();
    let by_word =
        MARKS.iter().any(|mark| may_stand(mark) && ends_with_word(&before, mark)) && !is_expected && !is_other;
    // `5.7.1` may also be a version or a part of an address.
    is_prompt && codes.code.is_some() && !is_row(codes.rest)
        || by_word
        || is_exception(&before)
        || before.is_empty() && !is_row(codes.rest)
        || codes.code.is_some() && host_says(&before, paragraph)
}

/// Whether a text ends with the name of an error: `SMTPSenderRefused:`, `SmtpCommandException:`.
fn is_exception(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_of_smtp = word.contains("smtp") && word.len() > "smtp:".len() && !word.contains(['[', '/', '=']);
    word.ends_with("exception:") || word.ends_with(':') && is_of_smtp
}

/// Whether another number follows, as in a table.
fn is_row(after: &str) -> bool {
    let word = after.split_ascii_whitespace().next().unwrap_or_default();
    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text ends with a mark that is no part of a longer word: `S:`, but not `app.js:`.
fn ends_with_word(text: &str, mark: &str) -> bool {
    let before = text.strip_suffix(mark).and_then(|before| before.chars().last());
    // `S:`, but not `app.js:`; `(#5.7.1)`, but not `page#550`.
    let may_be_part = mark == "#" || mark.starts_with(char::is_alphanumeric);
    let is_letter = may_be_part && before.is_some_and(|it| it.is_alphanumeric() || it == '.');
    text.ends_with(mark) && !is_letter
}

/// Exim's and Postfix's forms: `host mx.example [192.0.2.1]: 550`, `after RCPT TO:<a@b>: 550`, `refused to talk to me: 554`.
fn host_says(before: &str, paragraph: &str) -> bool {
    let names_host = before.ends_with("]:") && (before.contains("host ") || before.contains("h="));
    let by_exim = before.ends_with(':')
        && (before.contains("smtp error from remote")
            || paragraph.to_ascii_lowercase().contains("smtp error from remote"));
    names_host || by_exim || before.ends_with("refused to talk to me:")
}

/// Whether another server's words are surely quoted here, though a reply stands in the line already.
fn is_said(before: &str) -> bool {
    let before = before.trim_end().to_ascii_lowercase();
    ["said:", "smtp;", "]:", "reply:", "response:", "refused to talk to me:"].iter().any(|mark| before.ends_with(mark))
}
