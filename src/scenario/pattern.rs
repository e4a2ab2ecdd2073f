//! Patterns: regular expressions over the bytes of a reply.
//!
//! Responsible for compiling a pattern the way the language means it (`^` and `$` at each line, bytes instead of
//! characters) and for refusing one that would also match a refusal. The only module that compiles patterns.

mod near;
mod spelled;

pub(crate) use near::near_miss;
pub(crate) use spelled::{OPEN, spelled};

use super::Misread;
use super::matcher::{Matcher, line_start};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, Look};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The most memory one compiled pattern may take, in bytes.
const MAX_PATTERN_SIZE: usize = 4 * 1024 * 1024;

/// How many compiled patterns are remembered.
const MAX_COMPILED: usize = 64;

/// How many different reply codes a pattern may spell out before it counts as one that matches any.
const MAX_SPELLED_CODES: usize = 12;

/// A fault of a pattern, with its place in the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternFault {
    pub(crate) message: String,
    pub(crate) range: Option<Range<usize>>,
    pub(crate) help: Option<String>,
}

/// Makes a pattern ready as `expect` uses it: `^` and `$` at each line, over bytes.
pub(crate) fn compile(pattern: &str) -> Result<Arc<Matcher>, PatternFault> {
    compile_with(pattern, false)
}

thread_local! {
    /// Patterns that were compiled lately: long scenarios hold the same few many times.
    static COMPILED: RefCell<HashMap<(String, bool), Arc<Matcher>>> = RefCell::default();
}

/// The same for what a client sends, where letters match in either case.
///
/// It is shared and not cloned: a clone of a `Regex` builds the caches of its lazy automata anew, in every session.
pub(crate) fn compile_with(pattern: &str, ignore_case: bool) -> Result<Arc<Matcher>, PatternFault> {
    if let Some(plain) = Matcher::of_plain(pattern, ignore_case) {
        return Ok(Arc::new(plain));
    }
    let key = (pattern.to_owned(), ignore_case);
    if let Some(known) = COMPILED.with_borrow(|compiled| compiled.get(&key).cloned()) {
        return Ok(known);
    }
    let matcher = Arc::new(Matcher::Regex(build(pattern, ignore_case)?));
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= MAX_COMPILED {
            compiled.clear();
        }
        compiled.insert(key, matcher.clone());
    });
    Ok(matcher)
}

pub(super) fn build(pattern: &str, ignore_case: bool) -> Result<Regex, PatternFault> {
    // Without Unicode tables a pattern compiles ten times as fast, and `.` matches any byte of a reply.
    RegexBuilder::new(pattern)
        .multi_line(true)
        .case_insensitive(ignore_case)
        .unicode(wants_unicode(pattern))
        .size_limit(MAX_PATTERN_SIZE)
        .build()
        .map_err(|error| fault_of(pattern, &error))
}

/// A pattern for the names of scenarios.
#[derive(Debug)]
pub(crate) struct NamePattern(Arc<Matcher>);

/// Compiles a pattern for names, in which no letter is taken for its small or capital form.
pub(crate) fn name_pattern(pattern: &str) -> Result<NamePattern, Misread> {
    compile(pattern).map(NamePattern).map_err(|fault| Misread::new(fault.message))
}

impl NamePattern {
    /// Whether it is found in `name`.
    pub(crate) fn finds(&self, name: &str) -> bool {
        self.0.is_match(name.as_bytes())
    }
}

/// Refuses a pattern for a whole reply that would match a refusal as well as what it means.
///
/// It must begin at the start of a line, and it must pin down the reply code: `OK` is found in `550 not OK` too,
/// `^\d+ .*` matches whatever comes.
pub(crate) fn refuse_too_wide(pattern: &str) -> Result<(), PatternFault> {
    // A text that a line begins with pins down what it begins with.
    if line_start(pattern).is_some() {
        return Ok(());
    }
    let Ok(hir) = parse(pattern) else { return Ok(()) };
    let starts = hir.properties().look_set_prefix();
    if !starts.contains(Look::StartLF) && !starts.contains(Look::Start) {
        return Err(PatternFault {
            message: format!("this pattern is found anywhere: `{pattern}` also matches a refusal that holds it"),
            range: None,
            help: Some("begin it with `^` and the reply code: `^250`".to_owned()),
        });
    }
    if pins_down_the_code(&hir) {
        return Ok(());
    }
    Err(PatternFault {
        message: "this pattern also matches a refusal: it does not pin down the reply code".to_owned(),
        range: None,
        help: Some(
            "begin it with the code or its class (`^250`, `^2`), or write `expect: {code: any, text: …}`".to_owned(),
        ),
    })
}

/// Whether every reply that matches begins with one of a few codes, or all codes are of one family.
fn pins_down_the_code(hir: &Hir) -> bool {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_class(10).limit_repeat(4).limit_literal_len(8).limit_total(2_000);
    let prefixes = extractor.extract(hir);
    let Some(literals) = prefixes.literals() else { return false };
    let mut codes: Vec<&[u8]> =
        literals.iter().map(|literal| &literal.as_bytes()[..literal.as_bytes().len().min(3)]).collect();
    codes.sort_unstable();
    codes.dedup();
    if codes.iter().any(|code| code.is_empty()) {
        return false;
    }
    let refusal = |code: &&[u8]| matches!(code.first(), Some(b'4' | b'5'));
    let one_family = codes.iter().all(refusal) || !codes.iter().any(refusal);
    let spelled_out = codes.len() <= MAX_SPELLED_CODES && codes.iter().all(|code| code.len() == 3);
    one_family || spelled_out
}

fn parse(pattern: &str) -> Result<Hir, regex_syntax::Error> {
    regex_syntax::ParserBuilder::new()
        .multi_line(true)
        .unicode(wants_unicode(pattern))
        .utf8(false)
        .build()
        .parse(pattern)
}

fn wants_unicode(pattern: &str) -> bool {
    !pattern.is_ascii() || pattern.contains("\\p") || pattern.contains("\\P") || pattern.contains("\\u")
}

fn fault_of(pattern: &str, error: &regex::Error) -> PatternFault {
    if let regex::Error::CompiledTooBig(_) = error {
        let message = "this pattern is too large once compiled".to_owned();
        return PatternFault { message, range: None, help: Some("repeat less often".to_owned()) };
    }
    let (message, span) = match parse(pattern) {
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), Some(*error.span())),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), Some(*error.span())),
        _ => ("not a regular expression".to_owned(), None),
    };
    let help = match () {
        () if message.contains("capture group character") => NAME_HELP,
        () if message.contains("unclosed character class") => "close the class: `]`; a bracket itself is written `\\[`",
        () => syntax_help(pattern),
    };
    PatternFault {
        message: format!("not a valid pattern: {message}"),
        range: span.map(|span| span.start.offset..span.end.offset),
        help: Some(help.to_owned()),
    }
}

const NAME_HELP: &str = "the name of a capture has letters, digits and `_`: `(?<max_size>\\d+)`";

/// What other regular expressions write in another way.
fn syntax_help(pattern: &str) -> &'static str {
    if pattern.contains("(?'") {
        return "a capture is written `(?<name>…)`";
    }
    let refers_back =
        pattern.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit() && pair[1] != b'0');
    if refers_back || pattern.contains("\\k<") {
        return "what must come twice is captured, `(?<name>…)`, and compared by a step `assert`";
    }
    "the syntax is that of Rust's regex crate; a literal `(` is written `\\(`"
}

/// The pattern of exactly this text.
pub(crate) fn escaped(text: &str) -> String {
    regex::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_anchored_and_bytes_match() {
        let regex = compile("^250 .*\\xff$").unwrap();
        assert!(regex.is_match(b"250-a\n250 caf\xff"));
        assert!(compile("^250 größe").unwrap().is_match("250 größe".as_bytes()));
    }

    #[test]
    fn a_bad_pattern_has_a_place() {
        let fault = compile("^250 (").unwrap_err();
        assert_eq!(fault.range, Some(5..6));
        assert!(compile("\\d{1000000}").is_err());
    }

    #[test]
    fn patterns_that_match_refusals_are_refused() {
        for wide in [
            "OK",
            "^",
            "^.*OK",
            "^\\d+ OK",
            "^\\d\\d\\d",
            "^[0-9]{3} ok",
            "^250|OK",
            "(^250)?",
            "^(?:)",
            "^[245]\\d\\d",
        ] {
            assert!(refuse_too_wide(wide).is_err(), "{wide}");
        }
    }

    #[test]
    fn patterns_that_say_what_they_mean_pass() {
        for fine in [
            "^250",
            "^2",
            "^250[ -]STARTTLS",
            "^(250|251) ",
            "^250|^251",
            "^5\\d\\d",
            "^(?:250|550)",
            "^[25]50 ",
            "(?i)^220 .*esmtp",
            "^45[01]",
            "^235 ",
        ] {
            assert!(refuse_too_wide(fine).is_ok(), "{fine}");
        }
    }
}
