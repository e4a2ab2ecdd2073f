//! A pattern that is ready to be searched for.
//!
//! Responsible for doing without a regular expression where a pattern is no more than `^` and plain text, as most are:
//! compiling one takes longer than all its searches together. Made by `pattern`, the only module that compiles patterns.

use regex::bytes::Regex;
use std::ops::Range;

/// A pattern, searched for in bytes line by line: `^` and `$` are those of each line.
#[derive(Debug)]
pub(crate) enum Matcher {
    /// `^` and this text.
    LineStart {
        text: Vec<u8>,
        ignore_case: bool,
    },
    Regex(Regex),
}

/// What a named group matched.
pub(crate) type Capture = (String, Vec<u8>);

impl Matcher {
    /// The matcher of a pattern that needs no regular expression.
    pub(super) fn of_plain(pattern: &str, ignore_case: bool) -> Option<Matcher> {
        line_start(pattern).map(|text| Matcher::LineStart { text, ignore_case })
    }

    /// Whether it is found.
    pub(crate) fn is_match(&self, bytes: &[u8]) -> bool {
        match self {
            Matcher::LineStart { .. } => self.line_start_in(bytes).is_some(),
            Matcher::Regex(regex) => regex.is_match(bytes),
        }
    }

    /// Where the first place ends at which it is found.
    pub(crate) fn end_in(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Matcher::LineStart { text, .. } => self.line_start_in(bytes).map(|start| start + text.len()),
            Matcher::Regex(regex) => regex.find(bytes).map(|found| found.end()),
        }
    }

    /// The named groups that took part in the first match; nothing where it is not found.
    pub(crate) fn captures(&self, bytes: &[u8]) -> Option<Vec<Capture>> {
        let Matcher::Regex(regex) = self else { return self.is_match(bytes).then(Vec::new) };
        let groups = regex.captures(bytes)?;
        let group = |name: &str| Some((name.to_owned(), groups.name(name)?.as_bytes().to_vec()));
        Some(regex.capture_names().flatten().filter_map(group).collect())
    }

    /// Where the first match ends, and where the group of this name stands in it.
    pub(crate) fn place_of(&self, group: &str, bytes: &[u8]) -> Option<(usize, Option<Range<usize>>)> {
        let Matcher::Regex(regex) = self else { return self.end_in(bytes).map(|end| (end, None)) };
        let groups = regex.captures(bytes)?;
        Some((groups.get(0)?.end(), groups.name(group).map(|found| found.range())))
    }

    /// The names of its named groups.
    pub(crate) fn group_names(&self) -> Vec<String> {
        match self {
            Matcher::LineStart { .. } => Vec::new(),
            Matcher::Regex(regex) => regex.capture_names().flatten().map(str::to_owned).collect(),
        }
    }

    /// Where the first line begins that begins with the text.
    fn line_start_in(&self, bytes: &[u8]) -> Option<usize> {
        let Matcher::LineStart { text, ignore_case } = self else { return None };
        let begins = |line: &[u8]| {
            line.get(..text.len())
                .is_some_and(|start| start == text || *ignore_case && start.eq_ignore_ascii_case(text))
        };
        let mut start = 0;
        loop {
            let line = bytes.get(start..)?;
            if begins(line) {
                return Some(start);
            }
            start += memchr::memchr(b'\n', line)? + 1;
        }
    }
}

/// The text after `^`, where nothing in it has a meaning of its own.
pub(super) fn line_start(pattern: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut bytes = pattern.strip_prefix('^')?.bytes();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'\\' => bytes.next().filter(|escaped| b".()[]{}+*?^$|\\-".contains(escaped))?,
            plain if plain.is_ascii_alphanumeric() || b" -_:/@,=<>!%;'\"&~#".contains(&plain) => plain,
            _ => return None,
        });
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::pattern::build;

    #[test]
    fn plain_text_needs_no_regular_expression() {
        assert_eq!(line_start("^250 2\\.1\\.0"), Some(b"250 2.1.0".to_vec()));
        for other in
            ["250", "^", "^2.0", "^250[ -]", "^250$", "^a|b", "^\\d", "^\\<a", "^\u{e9}", "^a\\", "^(a)", "^a+"]
        {
            assert_eq!(line_start(other), None, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_finds_what_the_regular_expression_finds(
            pattern in "\\^[ab \\-<>#&~\"'=]{1,3}(\\\\[.\\-])?",
            text in "[ab \\-<>#&~\"'=.\n\rA\u{e9}]{0,12}",
            ignore_case: bool,
        ) {
            let plain = Matcher::of_plain(&pattern, ignore_case).unwrap();
            let regex = Matcher::Regex(build(&pattern, ignore_case).unwrap());
            proptest::prop_assert_eq!(plain.is_match(text.as_bytes()), regex.is_match(text.as_bytes()));
            proptest::prop_assert_eq!(plain.end_in(text.as_bytes()), regex.end_in(text.as_bytes()));
            proptest::prop_assert_eq!(plain.captures(text.as_bytes()), regex.captures(text.as_bytes()));
            proptest::prop_assert_eq!(plain.place_of("line", text.as_bytes()), regex.place_of("line", text.as_bytes()));
        }
    }
}
