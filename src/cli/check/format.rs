//! What `check` found, for programs: JSON for editors, annotations for GitHub, SARIF for code scanning.
//!
//! Responsible for the shape of each. `cli::check` collects what is written here.

use crate::report::{annotation_data, annotation_property};
use crate::scenario::{Diagnostic, Footnote, Severity, Sources, Span};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How `check` writes what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum CheckFormat {
    /// For people: the line with a caret, and what to do
    #[default]
    Human,
    /// One JSON document: file, line, columns, severity, message and help
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Where a diagnostic stands; lines and columns count from 1, the end is after the last character.
struct Place<'s> {
    file: &'s str,
    start: (usize, usize),
    end: (usize, usize),
}

/// What was found in all files, with the files' texts.
pub(super) fn written(format: CheckFormat, found: &[(Sources, Vec<Diagnostic>)]) -> String {
    let all = || found.iter().flat_map(|(sources, list)| list.iter().map(move |one| (sources, one)));
    match format {
        CheckFormat::Human => String::new(),
        CheckFormat::Json => {
            let list: Vec<Value> = all().map(|(sources, diagnostic)| as_json(sources, diagnostic)).collect();
            format!("{:#}\n", json!({ "version": 1, "diagnostics": list }))
        }
        CheckFormat::Github => all().map(|(sources, diagnostic)| as_annotation(sources, diagnostic)).collect(),
        CheckFormat::Sarif => format!("{:#}\n", as_sarif(&all().collect::<Vec<_>>())),
    }
}

fn place(sources: &Sources, span: Span) -> Place<'_> {
    let start = sources.position(span);
    let end = sources.position(Span { start: span.end.max(span.start), ..span });
    let file = sources.file(span.file).map_or("", |source| source.name.as_str());
    Place { file, start: (start.line, start.column), end: (end.line, end.column) }
}

fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// What helps, one text for each footnote.
fn help(diagnostic: &Diagnostic) -> Vec<&str> {
    let text = |footnote: &'_ Footnote| match footnote {
        Footnote::Help(_) => true,
        Footnote::Fact(_) | Footnote::Note(_) => false,
    };
    let helpful = diagnostic.footnotes.iter().filter(|footnote| text(footnote));
    helpful
        .map(|footnote| match footnote {
            Footnote::Fact(text) | Footnote::Note(text) | Footnote::Help(text) => text.as_str(),
        })
        .collect()
}

fn as_json(sources: &Sources, diagnostic: &Diagnostic) -> Value {
    let place = place(sources, diagnostic.span);
    json!({
        "file": place.file,
        "line": place.start.0,
        "column": place.start.1,
        "end_line": place.end.0,
        "end_column": place.end.1,
        "severity": severity(diagnostic),
        "message": diagnostic.message,
        "help": help(diagnostic),
    })
}

fn as_annotation(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let place = place(sources, diagnostic.span);
    let mut text = diagnostic.message.clone();
    for help in help(diagnostic) {
        _ = write!(text, "\nhelp: {help}");
    }
    let (file, text) = (annotation_property(place.file), annotation_data(&text));
    format!("::{} file={file},line={},col={}::{text}\n", severity(diagnostic), place.start.0, place.start.1)
}

fn as_sarif(found: &[(&Sources, &Diagnostic)]) -> Value {
    let result = |(sources, diagnostic): &(&Sources, &Diagnostic)| {
        let place = place(sources, diagnostic.span);
        let mut text = diagnostic.message.clone();
        for help in help(diagnostic) {
            _ = write!(text, "; {help}");
        }
        json!({
            "ruleId": severity(diagnostic),
            "level": severity(diagnostic),
            "message": { "text": text },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": place.file },
                "region": {
                    "startLine": place.start.0, "startColumn": place.start.1,
                    "endLine": place.end.0, "endColumn": place.end.1,
                },
            }}],
        })
    };
    let rule = |id: &str, text: &str| json!({ "id": id, "shortDescription": { "text": text } });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "smtp-script",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [rule("error", "The scenario cannot be played."), rule("warning", "The scenario hardly means what it says.")],
            }},
            "results": found.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}
