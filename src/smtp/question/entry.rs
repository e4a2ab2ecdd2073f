//! The entries of a log: a line, or the lines of an object that is printed over several.
//!
//! Responsible for what belongs to one entry. Called by `lax`.

use super::snippet;
use std::borrow::Cow;

/// More lines no object has of which the rest is waited for.
const MOST_LINES: usize = 60;

/// Each line of a text; those of an object or a tuple, from its opening bracket to its closing one, as one.
pub(super) fn all_in(text: &str) -> Vec<Cow<'_, str>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut entries = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let end = if opens(lines[at]) { end_of_object(&lines[at..]).map_or(at, |it| at + it) } else { at };
        entries.push(if end == at { Cow::Borrowed(lines[at]) } else { Cow::Owned(joined(&lines[at..=end])) });
        at = end + 1;
    }
    entries
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

/// How many lines after the first one closes what that one opened; the end of the text does as well.
fn end_of_object(lines: &[&str]) -> Option<usize> {
    let mut open = 0;
    let mut length = 0;
    for (at, line) in lines.iter().enumerate().take(MOST_LINES) {
        open += depth(line);
        length += line.len();
        if length > snippet::ENOUGH {
            return None;
        }
        if open <= 0 {
            return Some(at);
        }
    }
    (lines.len() <= MOST_LINES).then(|| lines.len() - 1)
}

fn joined(lines: &[&str]) -> String {
    let first = lines.first().map_or("", |line| line.trim_end()).to_owned();
    lines.iter().skip(1).fold(first, |joined, line| joined + " " + line.trim())
}
