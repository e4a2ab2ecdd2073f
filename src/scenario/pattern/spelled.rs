//! What a pattern spells out: the lines that it was written for, as far as it says them.
//!
//! Responsible for reading a pattern as text, for whoever looks for words in it: `secret::typed` finds logins in the patterns
//! of a server.

use super::parse;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Stands where a pattern leaves open what comes.
pub(crate) const OPEN: char = '\u{fffc}';
/// How many lines a pattern with alternatives gives at most.
const MOST_LINES: usize = 16;
/// How many octets these have together at most.
const MOST_OCTETS: usize = 16 * 1024;

/// The lines that a pattern spells out: one for each of its alternatives. Any blanks are one blank.
pub(crate) fn spelled(pattern: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    // In either case each letter would be a class, and base64 has but one.
    if let Ok(hir) = parse(&pattern.replace("(?i)", "")) {
        read(&hir, &mut lines);
    }
    lines
}

fn read(hir: &Hir, lines: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => add(&String::from_utf8_lossy(&literal.0), lines),
        HirKind::Class(class) => add(&one_of(class).to_string(), lines),
        HirKind::Capture(group) => read(&group.sub, lines),
        HirKind::Concat(parts) => parts.iter().for_each(|part| read(part, lines)),
        HirKind::Repetition(repeated) => {
            read(&repeated.sub, lines);
            if repeated.max != Some(1) && !is_blank(&repeated.sub) {
                add(&OPEN.to_string(), lines);
            }
        }
        HirKind::Alternation(ways) => {
            let before = lines.clone();
            let each = ways.iter().take(MOST_LINES / before.len().max(1)).flat_map(|way| {
                let mut lines = before.clone();
                read(way, &mut lines);
                lines
            });
            let all: Vec<String> = each.collect();
            if !all.is_empty() {
                *lines = all;
            }
        }
    }
}

fn is_blank(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => *literal.0 == *b" ",
        HirKind::Class(class) => one_of(class) == ' ',
        _ => false,
    }
}

fn add(text: &str, lines: &mut [String]) {
    let octets: usize = lines.iter().map(String::len).sum();
    if octets + text.len() * lines.len() <= MOST_OCTETS {
        for line in lines {
            line.push_str(text);
        }
    }
}

/// The one character that a class stands for: a letter in both cases, a blank of any kind.
fn one_of(class: &Class) -> char {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => class.iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect(),
    };
    let blank = |(start, end): &(char, char)| start.is_whitespace() && end.is_whitespace();
    if !ranges.is_empty() && ranges.iter().all(blank) {
        return ' ';
    }
    let Some((first, _)) = ranges.last() else { return OPEN };
    let same = |(start, end): &(char, char)| start == end && start.eq_ignore_ascii_case(first);
    if ranges.iter().all(same) { *first } else { OPEN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_lines() {
        for (pattern, lines) in [
            ("^AUTH PLAIN AGFu$", &["AUTH PLAIN AGFu"][..]),
            (r"^AUTH\s+PLAIN[ \t]+AG\+u\x3d", &["AUTH PLAIN AG+u="]),
            ("(?i)^auth (PLAIN|LOGIN) x", &["auth PLAIN x", "auth LOGIN x"]),
            ("^(?i:auth) [Aa]b +c", &["auth ab c"]),
            ("^AUTH PLAIN (?<token>.*)$", &["AUTH PLAIN \u{fffc}\u{fffc}"]),
            ("^x( y)?$", &["x y"]),
            ("^(", &[""]),
        ] {
            assert_eq!(spelled(pattern), lines, "{pattern}");
        }
    }

    #[test]
    fn alternatives_stay_few() {
        let many = format!("^{}", "(a|b|c|d)".repeat(50));
        assert!(spelled(&many).len() <= MOST_LINES);
        let long = format!("^(a|b){}", "x".repeat(100_000));
        assert!(spelled(&long).iter().map(String::len).sum::<usize>() <= MOST_OCTETS);
    }
}
