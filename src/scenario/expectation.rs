//! What a step expects, as written: plain data.
//!
//! Responsible for the forms of `expect` and for patterns and reply codes as they are written. How they are compared stands
//! in `play::expect`.

use super::matcher::Matcher;
use super::pattern::{self, PatternFault};
use super::{Length, Span, Text};
use std::sync::{Arc, OnceLock};

/// A regular expression with templates in it, compiled when first used.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) text: Text,
    /// Whether letters match in either case: of commands they do.
    ignore_case: bool,
    compiled: OnceLock<Arc<Matcher>>,
}

/// What is expected, with its place.
#[derive(Debug, Clone)]
pub(crate) struct Expectation {
    pub(crate) span: Span,
    pub(crate) kind: Expected,
}

/// The forms of `expect`.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// A pattern found in the reply as sent.
    Pattern(Pattern),
    /// A code or class.
    Code(CodeSet),
    Fields(Box<Fields>),
    Any(Vec<Expectation>),
    All(Vec<Expectation>),
    /// The next single line matches.
    Line(Pattern),
    /// Bytes are read until the pattern is found.
    Raw(Pattern),
    Closed(ClosedBy),
    Silence(Length),
    /// Whatever comes within this time is taken down, and nothing of it is judged.
    Observe(Length),
}

/// `{code:, enhanced:, text:, not:, offers:, lacks:, within:, closed:}`
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    pub(crate) code: Option<(CodeSet, Span)>,
    pub(crate) enhanced: Option<(Text, Span)>,
    pub(crate) text: Option<(Pattern, Span)>,
    pub(crate) not: Option<(Pattern, Span)>,
    /// What an EHLO reply must offer: a keyword, or one with parameters.
    pub(crate) offers: Vec<Text>,
    /// What it must not offer.
    pub(crate) lacks: Vec<Text>,
    pub(crate) within: Option<(Length, Span)>,
    pub(crate) closed: Option<(ClosedBy, Span)>,
}

/// Reply codes: each a number or a class; none at all means any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CodeSet {
    Any,
    OneOf(Vec<CodePattern>),
}

/// `250`, `25x` or `2xx`: the digits that are fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodePattern {
    pub(crate) digits: [Option<u8>; 3],
}

/// How the server is to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    Either,
    Fin,
    Reset,
}

impl Expectation {
    /// Whether one of its patterns captures this name.
    pub(crate) fn captures(&self, name: &str) -> bool {
        let in_pattern = |pattern: &Pattern| pattern.text.source.contains(&format!("<{name}>"));
        match &self.kind {
            Expected::Pattern(pattern) | Expected::Line(pattern) | Expected::Raw(pattern) => in_pattern(pattern),
            Expected::Any(list) | Expected::All(list) => list.iter().any(|one| one.captures(name)),
            Expected::Fields(fields) => fields.text.as_ref().is_some_and(|(pattern, _)| in_pattern(pattern)),
            Expected::Code(_) | Expected::Closed(_) | Expected::Silence(_) | Expected::Observe(_) => false,
        }
    }

    /// Whether it compares what an exchange ends with, a whole reply or command; each other form reads for itself: a line,
    /// octets, the end, silence, whatever comes.
    pub(crate) fn compares(&self) -> bool {
        match self.kind {
            Expected::Pattern(_) | Expected::Code(_) | Expected::Fields(_) | Expected::Any(_) | Expected::All(_) => {
                true
            }
            Expected::Line(_)
            | Expected::Raw(_)
            | Expected::Closed(_)
            | Expected::Silence(_)
            | Expected::Observe(_) => false,
        }
    }

    /// Whether the end of the session is what is expected, or one of the answers.
    pub(crate) fn takes_end(&self) -> bool {
        match &self.kind {
            Expected::Closed(_) | Expected::Observe(_) => true,
            Expected::Any(list) => list.iter().any(Expectation::takes_end),
            Expected::Fields(fields) => fields.closed.is_some(),
            _ => false,
        }
    }
}

impl Pattern {
    pub(crate) fn new(text: Text) -> Pattern {
        Pattern { text, ignore_case: false, compiled: OnceLock::new() }
    }

    /// A pattern for what a client sends: verbs and keywords are written in either case (RFC 5321 section 2.4).
    pub(crate) fn of_command(text: Text) -> Pattern {
        Pattern { ignore_case: true, ..Pattern::new(text) }
    }

    /// The compiled pattern for what its text was rendered to.
    pub(crate) fn compile(&self, rendered: &str) -> Result<Arc<Matcher>, PatternFault> {
        if !self.text.is_literal() {
            return pattern::compile_with(rendered, self.ignore_case);
        }
        if let Some(matcher) = self.compiled.get() {
            return Ok(Arc::clone(matcher));
        }
        let matcher = pattern::compile_with(rendered, self.ignore_case)?;
        Ok(Arc::clone(self.compiled.get_or_init(|| matcher)))
    }
}

impl CodePattern {
    /// Reads `250`, `25x` or `2xx`; the first digit is always there.
    pub(crate) fn parse(text: &str) -> Option<CodePattern> {
        let characters: Vec<char> = text.chars().collect();
        let [first, second, third] = characters.as_slice() else { return None };
        let digit = |character: &char| match character {
            'x' | 'X' => Some(None),
            other => other.to_digit(10).and_then(|digit| u8::try_from(digit).ok()).map(Some),
        };
        let digits = [digit(first)?, digit(second)?, digit(third)?];
        let gap = digits[1].is_none() && digits[2].is_some();
        (matches!(digits[0], Some(1..=5)) && !gap).then_some(CodePattern { digits })
    }

    pub(crate) fn matches(self, code: u16) -> bool {
        let digits = [code / 100, code / 10 % 10, code % 10];
        self.digits.iter().zip(digits).all(|(fixed, digit)| fixed.is_none_or(|fixed| u16::from(fixed) == digit))
    }
}

impl std::fmt::Display for CodePattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.digits.iter().try_for_each(|digit| match digit {
            Some(digit) => write!(formatter, "{digit}"),
            None => write!(formatter, "x"),
        })
    }
}

impl CodeSet {
    pub(crate) fn matches(&self, code: u16) -> bool {
        match self {
            CodeSet::Any => true,
            CodeSet::OneOf(patterns) => patterns.iter().any(|pattern| pattern.matches(code)),
        }
    }
}

impl std::fmt::Display for CodeSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CodeSet::Any => write!(formatter, "any code"),
            CodeSet::OneOf(patterns) => {
                let list: Vec<String> = patterns.iter().map(ToString::to_string).collect();
                write!(formatter, "{}", list.join(" or "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_patterns() {
        let pattern = |text| CodePattern::parse(text).unwrap();
        assert!(pattern("250").matches(250) && !pattern("250").matches(251));
        assert!(pattern("2xx").matches(299) && !pattern("2xx").matches(354));
        assert!(pattern("25x").matches(251) && !pattern("25x").matches(260));
        for bad in ["25", "2500", "x50", "2x5", "abc", "650", "050"] {
            assert!(CodePattern::parse(bad).is_none(), "{bad}");
        }
    }
}
