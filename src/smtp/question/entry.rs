//! The entries of a log: a line, or the lines of an object that is printed over several.
//!
//! Responsible for what belongs to one entry. Called by `lax`.

use super::snippet;
use std::borrow::Cow;

/// More lines no object has of which the rest is waited for.
const MOST_LINES: usize = 60;

/// Nor more that is open at once.
const MOST_OPEN: i32 = 12;

/// Each line of a text; those of an object or a tuple, from its opening bracket to its closing one, as one.
pub(super) fn all_in(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let rest = lines.clone();
        let first = lines.next()?;
        let more = if opens(first) { more_of_object(rest) } else { 0 };
        if more == 0 {
            return Some(Cow::Borrowed(first));
        }
        let further = lines.by_ref().take(more);
        Some(Cow::Owned(further.fold(first.trim_end().to_owned(), |joined, line| joined + " " + line.trim())))
    })
}

/// Whether a line ends within what it has opened: `{`, `(550,`.
fn opens(line: &str) -> bool {
    depth(line) > 0 && line.trim_end().ends_with(['{', '(', '[', ','])
}

/// So many brackets are left open.
fn depth(line: &str) -> i32 {
    line.bytes().fold(0, |depth, byte| match byte {
        b'{' | b'(' | b'[' => depth + 1,
        b'}' | b')' | b']' => depth - 1,
        _ => depth,
    })
}

/// How many lines after the first one there are to the one that closes what it opened, or to the end of the text; none where
/// that is too far.
fn more_of_object(lines: std::str::Lines<'_>) -> usize {
    let mut open = 0;
    let mut length = 0;
    let mut last = 0;
    for (at, line) in lines.enumerate().take(MOST_LINES) {
        open += depth(line);
        length += line.len();
        if length > snippet::ENOUGH || open > MOST_OPEN {
            return 0;
        }
        last = at;
        if open <= 0 {
            break;
        }
    }
    if last + 1 == MOST_LINES { 0 } else { last }
}
