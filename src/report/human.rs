//! The screen a person reads: one line for a conversation that followed its script, everything for one that did not.

use crate::run::{Entry, Outcome, Speaker};
use crate::visible::visible;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use std::time::Duration;

/// Of a longer transcript the first and the last lines are shown.
const FIRST_LINES: usize = 40;
const LAST_LINES: usize = 160;
/// Of a longer line the beginning is shown, in characters.
const LINE_LENGTH: usize = 1000;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CLIENT: Style = AnsiColor::Cyan.on_default();
const NOTE: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Styled(pub bool);

/// How many scenarios came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Conversations that followed their script.
    pub followed: usize,
    /// Conversations that did not.
    pub diverged: usize,
    /// Files that could not be run.
    pub broken: usize,
    /// Files of a folder that are no scenarios.
    pub left_out: usize,
}

/// One outcome: `PASS …`, or `FAIL …` with each divergence and the transcript. Ends with a line feed.
#[must_use]
pub fn outcome(outcome: &Outcome, styled: Styled) -> String {
    let mut screen = String::new();
    let (word, style) = if outcome.followed() { ("PASS", GOOD) } else { ("FAIL", BAD) };
    let path = visible(outcome.path.as_bytes());
    let name =
        if outcome.name == outcome.path { String::new() } else { format!("  {}", visible(outcome.name.as_bytes())) };
    let took = seconds(outcome.duration);
    _ = writeln!(screen, "{} {path}{name}  ({took} s)", styled.paint(style, word));
    if outcome.followed() {
        return screen;
    }
    for divergence in &outcome.divergences {
        _ = writeln!(screen, "\n{}", divergence.diagnostic.render(&outcome.sources, styled.0));
    }
    if !outcome.transcript.is_empty() {
        screen.push('\n');
        screen.push_str(&transcript(outcome, styled));
    }
    screen.push('\n');
    screen
}

/// The last line: how many scenarios came to what, and how long all of it took.
#[must_use]
pub fn summary(tally: Tally, took: Duration) -> String {
    let count = tally.followed + tally.diverged + tally.broken;
    let noun = if count == 1 { "scenario" } else { "scenarios" };
    let parts = [(tally.followed, "followed"), (tally.diverged, "diverged"), (tally.broken, "could not be run")];
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let left_out = match tally.left_out {
        0 => String::new(),
        files => format!("; {files} other YAML file{} left out", if files == 1 { "" } else { "s" }),
    };
    format!("{count} {noun}: {}{left_out} ({:.2} s)", told.join(", "), took.as_secs_f64())
}

/// One line of a transcript: time, who, what.
#[must_use]
pub fn entry(entry: &Entry, with_session: bool, styled: Styled) -> String {
    let session = if with_session { format!("{} ", visible(entry.session.as_bytes())) } else { String::new() };
    let (mark, style) = match entry.speaker {
        Speaker::Client => ("C:", CLIENT),
        Speaker::Server => ("S:", PLAIN),
        Speaker::Note => ("* ", NOTE),
    };
    let line = match entry.text.char_indices().nth(LINE_LENGTH) {
        Some((end, _)) => format!("{session}{mark} {}…", &entry.text[..end]),
        None if entry.text.is_empty() => format!("{session}{mark}"),
        None => format!("{session}{mark} {}", entry.text),
    };
    format!("    {}  {}", styled.paint(NOTE, &seconds(entry.at)), styled.paint(style, &line))
}

fn transcript(outcome: &Outcome, styled: Styled) -> String {
    let entries = &outcome.transcript;
    let sessions = entries.iter().any(|entry| entry.session != entries[0].session);
    let marked: Vec<(usize, &str)> = outcome
        .divergences
        .iter()
        .filter_map(|divergence| {
            let line = divergence.line.or_else(|| last_of_step(entries, &divergence.step));
            Some((line?, divergence.step.as_str()))
        })
        .collect();
    let mut screen = String::new();
    let elided = entries.len().saturating_sub(FIRST_LINES + LAST_LINES);
    for (index, one) in entries.iter().enumerate() {
        if elided > 0 && (FIRST_LINES..FIRST_LINES + elided).contains(&index) {
            if index == FIRST_LINES {
                _ = writeln!(screen, "    ... {elided} lines left out ...");
            }
            continue;
        }
        screen.push_str(&entry(one, sessions, styled));
        if let Some((_, step)) = marked.iter().find(|(at, _)| *at == index) {
            let label = if step.is_empty() { "the connection".to_owned() } else { step_label(step) };
            screen.push_str(&styled.paint(BAD, &format!("     <-- {label}")));
        }
        screen.push('\n');
    }
    screen
}

/// The line that a divergence is marked at: the last of its step, or of what came before where it has none.
fn last_of_step(entries: &[Entry], step: &str) -> Option<usize> {
    entries.iter().rposition(|entry| &*entry.step == step && !(step.is_empty() && entry.text == "closed by the client"))
}

fn step_label(step: &str) -> String {
    if step.starts_with("finally") { step.to_owned() } else { format!("step {step}") }
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

impl Styled {
    fn paint(self, style: Style, text: &str) -> String {
        if self.0 && style != PLAIN { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts() {
        let one = Tally { diverged: 1, ..Tally::default() };
        assert_eq!(summary(one, Duration::from_millis(412)), "1 scenario: 1 diverged (0.41 s)");
        let many = Tally { followed: 2, diverged: 1, broken: 1, left_out: 1 };
        assert_eq!(
            summary(many, Duration::from_secs(3)),
            "4 scenarios: 2 followed, 1 diverged, 1 could not be run; 1 other YAML file left out (3.00 s)"
        );
    }
}
