//! The members of what programs print: a number and a text with names, in any notation, the text before or after the number.
//!
//! Responsible for which text belongs to a code. Not for finding the code. Called by `lax`.

use super::codes::{Enhanced, enhanced_prefix};
use super::snippet;

/// Names of a member that holds the text of a reply.
const TEXTS: [&str; 17] = [
    "message",
    "details",
    "content",
    "comment",
    "text",
    "msg",
    "response",
    "reply",
    "description",
    "with",
    "error_code",
    "error",
    "reason",
    "raw_reason",
    "detail",
    "smtpmsg",
    "b",
];
/// The marks between a name, a number and a text.
const MARKS: &str = ",'\"=:;-{}[]()";

/// What stood before a code.
pub(super) struct Told<'a> {
    pub(super) text: &'a str,
    /// The enhanced status code, where it has a member of its own.
    pub(super) enhanced: Option<Enhanced>,
}

/// What follows a code, without the marks and the names that programs put between: `, b'`, `", "message": "`,
/// `", with message "550 `.
pub(super) fn text_after<'a>(after: &'a str, code: &str) -> &'a str {
    let mut rest = after;
    for _ in 0..8 {
        rest = rest.trim_start_matches(is_mark);
        let name = TEXTS.iter().find(|name| starts_with_name(rest, name));
        match name {
            Some(name) => rest = &rest[name.len()..],
            None if rest.starts_with(code) && super::lax::ends_code(&rest.as_bytes()[3..]) => rest = &rest[3..],
            None => break,
        }
    }
    rest
}

fn is_mark(c: char) -> bool {
    c.is_whitespace() || MARKS.contains(c)
}

/// Whether a name stands here and ends as that of a member does, not as a word of a sentence.
fn starts_with_name(text: &str, name: &str) -> bool {
    let after = text.get(..name.len()).filter(|it| it.eq_ignore_ascii_case(name)).map(|_| &text[name.len()..]);
    let ends = |after: &str| {
        after.starts_with(['"', '\'', '=', ':'])
            || after.starts_with(" \"")
            || after.starts_with(" :")
            || after.starts_with(" =")
            || after.starts_with(" message \"")
    };
    after.is_some_and(ends)
}

/// Where a text ends that began with the quotation mark at the end of `between`.
pub(super) fn end_of_quoted(between: &str, text: &str) -> Option<usize> {
    let mark = between.chars().next_back().filter(|it| matches!(it, '"' | '\''))?;
    text.char_indices().find(|(at, c)| *c == mark && closes(&text[..*at], &text[at + 1..])).map(|(at, _)| at)
}

/// Whether a quotation mark between these two closes a text.
fn closes(before: &str, after: &str) -> bool {
    let after = after.trim_start();
    !before.ends_with('\\') && (after.is_empty() || after.starts_with([',', ')', ']', '}', ';']))
}

/// The text before a code that is not followed by its own: `"message": "no such user", "code": 550`, or `PHPMailer`'s
/// `Detail: no such user SMTP code: 550 Additional SMTP info: 5.1.1`.
pub(super) fn told_before<'a>(before: &'a str, after: &str) -> Option<Told<'a>> {
    const FURTHER: &str = "additional smtp info:";
    let is_further = after.get(..FURTHER.len()).is_some_and(|it| it.eq_ignore_ascii_case(FURTHER));
    if !is_further && !is_other_member(after) {
        return None;
    }
    let unlabelled = without_label(snippet::end_of(before, snippet::ENOUGH))?;
    let text = last_text(unlabelled)?;
    let enhanced = is_further.then(|| enhanced_prefix(after[FURTHER.len()..].trim_start())).flatten();
    Some(Told { text, enhanced: enhanced.map(|(it, _)| it) })
}

/// Whether nothing follows, or a member of another name.
pub(super) fn is_other_member(after: &str) -> bool {
    let name_end = after.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(after.len());
    let (name, rest) = after.split_at(name_end);
    let quoted = rest.strip_prefix(['"', '\'']).map_or(rest, str::trim_start);
    after.trim_matches(is_mark).is_empty()
        || !name.is_empty()
            && (rest.len() > quoted.len() && quoted.starts_with([':', '=']) || rest.starts_with(['=', ':']))
}

/// What stands before the name of a code: `… SMTP code: `, `…, "code": `.
fn without_label(before: &str) -> Option<&str> {
    let label = before.trim_end_matches(|c: char| is_mark(c) || c == '&');
    let name = label
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        .map_or(0, |at| at + label[at..].chars().next().map_or(1, char::len_utf8));
    let is_code = ["code", "status"].iter().any(|it| label[name..].to_ascii_lowercase().ends_with(it));
    let rest = &before[..name];
    let is_smtp = rest.len() >= 5 && rest.get(rest.len() - 5..).is_some_and(|it| it.eq_ignore_ascii_case("smtp "));
    is_code.then(|| if is_smtp { &rest[..rest.len() - 5] } else { rest })
}

/// The value of the last member that holds a text.
fn last_text(members: &str) -> Option<&str> {
    let lower = members.to_ascii_lowercase();
    let starts = TEXTS.iter().filter(|name| name.len() > 2).filter_map(|name| {
        lower.rmatch_indices(name).map(|(at, _)| at).find(|at| {
            let is_start = !lower[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            is_start && starts_with_name(&lower[*at..], name)
        })
    });
    let start = starts.max()?;
    let after = &members[start..];
    let value = after[after.find([':', '='])? + 1..].trim_start();
    match value.chars().next().filter(|it| matches!(it, '"' | '\'')) {
        Some(_) => Some(&value[1..=end_of_quoted(&value[..1], &value[1..])?]),
        None => Some(value.trim_end_matches(|c: char| is_mark(c) && c != ')')),
    }
    .filter(|it| it.chars().any(char::is_alphabetic))
}
