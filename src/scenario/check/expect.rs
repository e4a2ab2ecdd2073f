//! Checks what is expected: patterns, and the names they capture.

use super::Checker;
use crate::scenario::source::{Diagnostic, Footnote};
use crate::scenario::{Expectation, Expected, Pattern, pattern};

// --- expectations ------------------------------------------------------------------------------------------

pub(super) fn expectation(checker: &mut Checker<'_>, expect: &Expectation) {
    match &expect.kind {
        Expected::Pattern(pattern) => capturing(checker, pattern, true),
        Expected::Line(pattern) | Expected::Raw(pattern) => capturing(checker, pattern, false),
        Expected::Code(_) | Expected::Closed(_) => {}
        Expected::Silence(length) | Expected::Observe(length) => checker.length(length),
        Expected::Any(list) | Expected::All(list) => {
            for expect in list {
                expectation(checker, expect);
            }
        }
        Expected::Fields(fields) => {
            fields.enhanced.iter().for_each(|(text, _)| checker.text(text));
            fields.within.iter().for_each(|(length, _)| checker.length(length));
            if let Some((pattern, _)) = &fields.text {
                capturing(checker, pattern, false);
            }
            if let Some((pattern, _)) = &fields.not {
                check_pattern(checker, pattern, false);
            }
        }
    }
}

pub(super) fn capturing(checker: &mut Checker<'_>, pattern: &Pattern, whole_reply: bool) {
    for name in check_pattern(checker, pattern, whole_reply) {
        let at = pattern.text.source.find(&format!("<{name}>")).map_or(0, |at| at + 1);
        let span = pattern.text.span_of(&(at..at + name.len()));
        checker.assign(&name, span);
    }
}

/// Checks a pattern and returns the names it captures.
pub(super) fn check_pattern(checker: &mut Checker<'_>, pattern: &Pattern, whole_reply: bool) -> Vec<String> {
    checker.text(&pattern.text);
    if pattern.text.inserts_patterns() {
        return Vec::new();
    }
    let source = pattern.text.with_placeholder("0");
    let literal = pattern.text.is_literal();
    // A literal pattern is kept compiled for the run.
    let checked = pattern.compile(&source).and_then(|matcher| {
        if whole_reply && pattern.text.is_literal_up_to(4) {
            pattern::refuse_too_wide(&source)?;
        }
        Ok(matcher)
    });
    match checked {
        Ok(matcher) => matcher.group_names(),
        Err(fault) => {
            let range = fault.range.filter(|_| literal);
            let span = range.map_or(pattern.text.span, |range| pattern.text.span_of(&range));
            let mut diagnostic = Diagnostic::error(span, fault.message);
            let help = super::patterns::meant(&pattern.text.source).or(fault.help);
            diagnostic.footnotes.extend(help.map(Footnote::Help));
            checker.diagnostics.push(diagnostic);
            Vec::new()
        }
    }
}

pub(super) fn command(checker: &mut Checker<'_>, expect: &Expectation) {
    match &expect.kind {
        Expected::Any(list) | Expected::All(list) => list.iter().for_each(|one| command(checker, one)),
        _ => expectation_of_bytes(checker, expect),
    }
}

/// A form of `expect` that compares no whole reply: a command need not begin with a code.
fn expectation_of_bytes(checker: &mut Checker<'_>, expect: &Expectation) {
    match &expect.kind {
        Expected::Pattern(pattern) => capturing(checker, pattern, false),
        _ => expectation(checker, expect),
    }
}
