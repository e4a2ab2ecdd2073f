//! What the page says of a diagnostic: the message, what helps, the place in the file, what is known.
//!
//! Responsible for their order, advice first, and for links: only pages that the program itself knows become one. A URL that
//! came from a server stays text.

use crate::report::model::{Diagnostic, ScenarioReport};
use crate::report::words;
use crate::smtp::provider;
use crate::visible::inert;
use serde::Serialize;

/// A diagnostic in the order that a reader needs it.
#[derive(Debug, Serialize)]
pub(super) struct PageDiagnostic {
    /// How grave it is, for the style.
    kind: &'static str,
    /// What it is called: `divergence 1`.
    label: String,
    message: String,
    help: Vec<Vec<Segment>>,
    excerpt: String,
    notes: Vec<Vec<Segment>>,
}

/// A piece of text, perhaps a link.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Segment {
    text: String,
    link: bool,
}

impl PageDiagnostic {
    /// All that is said of a scenario, the gravest first.
    pub(super) fn all(scenario: &ScenarioReport) -> Vec<PageDiagnostic> {
        let told = scenario.divergences.iter().enumerate().map(|(index, one)| {
            let kind = if one.warning { "warning" } else { "bad" };
            PageDiagnostic::of(&one.diagnostic, kind, format!("divergence {}", index + 1))
        });
        let errors = scenario.errors.iter().enumerate();
        let errors = errors.map(|(index, one)| PageDiagnostic::of(one, "bad", format!("error {}", index + 1)));
        let warnings = scenario.warnings.iter().enumerate();
        let warnings =
            warnings.map(|(index, one)| PageDiagnostic::of(one, "warning", format!("warning {}", index + 1)));
        told.chain(errors).chain(warnings).collect()
    }

    fn of(diagnostic: &Diagnostic, kind: &'static str, label: String) -> PageDiagnostic {
        let segments = |texts: &[String]| texts.iter().map(|text| segments(&inert(text))).collect();
        PageDiagnostic {
            kind,
            label,
            message: inert(&diagnostic.message),
            help: segments(&diagnostic.help),
            excerpt: words::excerpt(diagnostic),
            notes: segments(&diagnostic.notes),
        }
    }
}

fn segments(text: &str) -> Vec<Segment> {
    let mut list = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("https://") {
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, ')' | ',' | ';' | '"' | '`');
        let length = rest[at..].find(ends).unwrap_or(rest.len() - at);
        let url = rest[at..at + length].trim_end_matches(['.', ':']);
        push(&mut list, &rest[..at], false);
        push(&mut list, url, provider::is_known_page(url));
        rest = &rest[at + url.len()..];
    }
    push(&mut list, rest, false);
    list
}

fn push(list: &mut Vec<Segment>, text: &str, link: bool) {
    match list.last_mut() {
        Some(last) if !link && !last.link => last.text.push_str(text),
        _ if text.is_empty() => {}
        _ => list.push(Segment { text: text.to_owned(), link }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_pages_are_links() {
        let known = provider::all().iter().find_map(|one| Some(one.submission?.source.url)).unwrap();
        let list = segments(&format!("see {known}, not https://evil.example/x."));
        let told: Vec<(&str, bool)> = list.iter().map(|one| (one.text.as_str(), one.link)).collect();
        assert_eq!(told, [("see ", false), (known, true), (", not https://evil.example/x.", false)]);
        assert_eq!(segments("nothing"), [Segment { text: "nothing".to_owned(), link: false }]);
    }
}
