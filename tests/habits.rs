//! What `check` says to mistakes that beginners make, each to the letter.
//!
//! `tests/habits/*.txt` hold the mistakes: `=== TITLE`, the scenario, `--- says`, and the messages with their help.
//! `UPDATE=1 cargo test --test habits` writes what is said today, for review.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use smtp_script::run::Settings;
use smtp_script::scenario::{Diagnostic, Footnote, Inputs, Severity, Sources, Variables};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// One mistake, and what is said of it.
struct Habit {
    title: String,
    scenario: String,
    says: String,
}

fn habits(text: &str) -> Vec<Habit> {
    text.split("=== ")
        .skip(1)
        .map(|part| {
            let (title, rest) = part.split_once('\n').expect("a line with the title");
            let (scenario, says) = rest.split_once("--- says\n").unwrap_or((rest, ""));
            Habit { title: title.to_owned(), scenario: scenario.to_owned(), says: says.trim().to_owned() }
        })
        .collect()
}

/// The lines that are said: severity, line, message, and what helps.
fn said(scenario: &str) -> String {
    let mut lines = String::new();
    // Octets that no text of this file can hold.
    let scenario = scenario.replace("<NBSP>", "\u{a0}").replace("<TAB>", "\t").replace("<ZWSP>", "\u{200b}");
    let (sources, diagnostics) = diagnostics(&scenario);
    for diagnostic in &diagnostics {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let line = sources.position(diagnostic.span).line;
        writeln!(lines, "{severity} {line}: {}", diagnostic.message).unwrap();
        for footnote in &diagnostic.footnotes {
            let (Footnote::Fact(text) | Footnote::Note(text) | Footnote::Help(text)) = footnote;
            writeln!(lines, "  {text}").unwrap();
        }
    }
    lines.trim().to_owned()
}

fn diagnostics(scenario: &str) -> (Sources, Vec<Diagnostic>) {
    match smtp_script::load_text("scenario.yaml", scenario) {
        Ok(scenario) => {
            let variables = Variables::resolve(&scenario, &Inputs::default()).ok();
            let diagnostics = smtp_script::check(&scenario, variables.as_ref(), &Settings::default());
            (scenario.sources, diagnostics)
        }
        Err(error) => {
            let mut diagnostics = error.diagnostics;
            if let Some(partial) = &error.partial {
                let further = smtp_script::check(partial, None, &Settings::default());
                diagnostics.extend(further.into_iter().filter(|one| one.is_error() && !one.may_follow_from_others));
                diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
            }
            (error.sources, diagnostics)
        }
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/habits");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_habit_gets_its_message() {
    let mut faults = String::new();
    let mut count = 0;
    for file in files() {
        let text = fs::read_to_string(&file).expect("a table of habits");
        let mut written = String::new();
        for habit in habits(&text) {
            let now = said(&habit.scenario);
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            if now != habit.says {
                writeln!(faults, "{name}, {}:\n{now}\n  instead of\n{}\n", habit.title, habit.says).unwrap();
            }
            if now.is_empty() {
                writeln!(faults, "{name}, {}: nothing is said", habit.title).unwrap();
            }
            writeln!(written, "=== {}\n{}--- says\n{now}\n", habit.title, habit.scenario).unwrap();
            count += 1;
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, written).expect("a writable folder");
        }
    }
    assert!(count > 50, "the habits were not found");
    assert!(faults.is_empty() || std::env::var_os("UPDATE").is_some(), "{faults}");
}
