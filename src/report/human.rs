//! The screen a person reads: one line for a conversation that followed its script, everything for one that did not.

use super::audit;
use super::model::{Latency, Load, Report};
use super::words;
use crate::run::{Entry, OWN_CLOSE, Outcome, RunVerdict, Speaker};
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
const FLAKY: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CLIENT: Style = AnsiColor::Cyan.on_default();
const NOTE: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Styled(pub bool);

/// One outcome: `PASS …`, or `FAIL …` with each divergence and the transcript; `FLAKY …` for one that followed its script
/// after this many attempts that diverged. Ends with a line feed.
#[must_use]
pub fn outcome(outcome: &Outcome, before: usize, styled: Styled) -> String {
    let mut screen = without_transcript(outcome, before, styled);
    if !outcome.followed() && !outcome.transcript.is_empty() {
        screen.push_str(&transcript(outcome, styled));
        screen.push('\n');
    }
    screen
}

/// The same for somebody who has read the conversation already.
#[must_use]
pub(crate) fn without_transcript(outcome: &Outcome, before: usize, styled: Styled) -> String {
    let mut screen = String::new();
    let (word, style) = match (outcome.verdict(), before) {
        (RunVerdict::NotApplicable, _) => ("N/A", NOTE),
        (RunVerdict::Warned, _) => ("WARN", FLAKY),
        (RunVerdict::Followed, 0) => ("PASS", GOOD),
        (RunVerdict::Followed, _) => ("FLAKY", FLAKY),
        _ => ("FAIL", BAD),
    };
    let path = visible(outcome.path.as_bytes());
    let name =
        if outcome.name == outcome.path { String::new() } else { format!("  {}", visible(outcome.name.as_bytes())) };
    let took = seconds(outcome.duration);
    let attempts = if before > 0 { format!(", attempt {}", before + 1) } else { String::new() };
    _ = writeln!(screen, "{} {path}{name}  ({took} s{attempts})", styled.paint(style, word));
    if let Some(reason) = outcome.not_applicable.as_ref().filter(|_| outcome.followed()) {
        _ = writeln!(screen, "     not applicable: {}", visible(reason.as_bytes()));
    }
    if outcome.followed() {
        return screen;
    }
    for divergence in &outcome.divergences {
        _ = writeln!(screen, "\n{}", divergence.diagnostic.render(&outcome.sources, styled.0));
    }
    screen.push('\n');
    screen
}

/// The end of the screen: figures of a load, then counts by verdict, and how long all of it took.
#[must_use]
pub fn summary(report: &Report) -> String {
    if let Some(changes) = &report.changes {
        return audit::diff_screen(changes);
    }
    if let Some(audit) = &report.audit {
        return audit::grades(audit);
    }
    let figures = report.load.as_ref().map(load).unwrap_or_default();
    format!("{figures}{}\n", counts(report))
}

fn counts(report: &Report) -> String {
    let summary = &report.summary;
    let mut parts: Vec<(u64, &str)> = vec![
        (summary.followed, "followed"),
        (summary.flaky, "flaky"),
        (summary.diverged, "diverged"),
        (summary.warned, "warned"),
        (summary.not_applicable, "not applicable"),
        (summary.unreachable, "unreachable"),
        (summary.broken, "broken"),
        (summary.interrupted, "interrupted"),
        (summary.not_played, "not played"),
    ];
    let (mut count, mut noun) = (summary.scenarios, "scenario");
    if let Some(load) = &report.load {
        (count, noun) = (load.runs, "run");
        parts = vec![
            (load.followed, "followed"),
            (load.diverged, "diverged"),
            (load.unreachable, "unreachable"),
            (load.broken + summary.broken, "broken"),
            (load.interrupted, "interrupted"),
        ];
    }
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let not_selected = match summary.not_selected {
        0 => String::new(),
        count => format!("; {count} not selected"),
    };
    let left_out = match summary.left_out {
        0 => String::new(),
        files => format!("; {} left out", words::counted(files, "other YAML file")),
    };
    let told = if told.is_empty() { "nothing to play".to_owned() } else { told.join(", ") };
    format!("{}: {told}{not_selected}{left_out} ({:.2} s)", words::counted(count, noun), report.duration)
}

/// From here on a client is as busy as it can be, with what a measurement may be wrong by.
const BUSY: f64 = 0.9;

/// The figures of a run under load.
fn load(load: &Load) -> String {
    let mut screen = String::new();
    let rate = load.rate.map(|rate| format!(", {rate} due each second")).unwrap_or_default();
    _ = writeln!(screen, "{} runs in {:.2} s, at most {} at once{rate}", load.runs, load.duration, load.peak);
    _ = writeln!(
        screen,
        "  {:.1} runs/s, {:.1} sessions/s, {:.1} messages/s, {} octets sent, {} received",
        load.runs_per_second, load.sessions_per_second, load.messages_per_second, load.sent, load.received
    );
    if let Some(busy) = load.client_busy {
        let why = if busy >= BUSY { ": it may limit the rate, and not the server" } else { "" };
        _ = writeln!(screen, "  the client was busy for {:.0} % of the time{why}", busy * 100.0);
    }
    if load.never_begun > 0 {
        _ = writeln!(screen, "  {} more were due, and never begun: the time was over", load.never_begun);
    }
    if load.late > 0 {
        let limit =
            if load.peak >= load.jobs { format!(": {} were under way already", load.jobs) } else { String::new() };
        _ = writeln!(screen, "  {} began more than 10 ms after they were due{limit}", load.late);
    }
    _ = writeln!(
        screen,
        "\n  {:<40} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "latency in ms", "count", "p50", "p90", "p99", "max", "diverged"
    );
    figures_line(&mut screen, "whole runs", &load.latency, load.diverged);
    let several = load.steps.iter().any(|step| step.scenario != load.steps[0].scenario);
    for step in &load.steps {
        let label =
            if step.step.is_empty() { "connect".to_owned() } else { format!("step {} {}", step.step, step.name) };
        let label = if several { format!("{} {label}", step.scenario) } else { label };
        figures_line(&mut screen, &label, &step.latency, step.diverged);
    }
    let replies: Vec<String> = load.replies.iter().map(|(code, count)| format!("{code} ×{count}")).collect();
    if !replies.is_empty() {
        _ = writeln!(screen, "\n  replies: {}", replies.join(", "));
    }
    for error in &load.errors {
        _ = writeln!(screen, "  error ×{}: {}", error.count, error.message);
    }
    screen.push('\n');
    screen
}

fn figures_line(screen: &mut String, label: &str, latency: &Latency, diverged: u64) {
    let label = match label.char_indices().nth(40) {
        Some(_) => format!("{}…", label.chars().take(39).collect::<String>()),
        None => label.to_owned(),
    };
    let millis = |seconds: f64| format!("{:.3}", seconds * 1000.0);
    let [p50, p90, p99, max] = [latency.p50, latency.p90, latency.p99, latency.max].map(millis);
    _ = writeln!(screen, "  {label:<40} {:>8} {p50:>9} {p90:>9} {p99:>9} {max:>9} {diverged:>9}", latency.count);
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
    let text = words::cut(&entry.text, LINE_LENGTH);
    let line = if text.is_empty() { format!("{session}{mark}") } else { format!("{session}{mark} {text}") };
    format!("    {}  {}", styled.paint(NOTE, &seconds(entry.at)), styled.paint(style, &line))
}

fn transcript(outcome: &Outcome, styled: Styled) -> String {
    let entries = &outcome.transcript;
    let sessions = entries.iter().any(|entry| entry.session != entries[0].session);
    let marked: Vec<(usize, &str)> = outcome
        .divergences
        .iter()
        .filter_map(|divergence| {
            let line = divergence.line.or_else(|| last_of_step(entries, divergence.step.as_str()));
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
            screen.push_str(&styled.paint(BAD, &format!("     <-- {}", words::step_number(step))));
        }
        screen.push('\n');
    }
    screen
}

/// The line that a divergence is marked at: the last of its step, or of what came before where it has none.
fn last_of_step(entries: &[Entry], step: &str) -> Option<usize> {
    entries.iter().rposition(|entry| &*entry.step == step && !(step.is_empty() && entry.text == OWN_CLOSE))
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

impl Styled {
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        if self.0 && style != PLAIN { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Summary;

    #[test]
    fn the_summary_counts() {
        let told = |summary: Summary, duration| counts(&Report { duration, summary, ..Report::begin() });
        let one = Summary { scenarios: 1, diverged: 1, ..Summary::default() };
        assert_eq!(told(one, 0.412), "1 scenario: 1 diverged (0.41 s)");
        let silent = Summary { scenarios: 2, diverged: 1, unreachable: 1, ..Summary::default() };
        assert_eq!(told(silent, 0.412), "2 scenarios: 1 diverged, 1 unreachable (0.41 s)");
        let many =
            Summary { scenarios: 5, followed: 2, flaky: 1, diverged: 1, broken: 1, left_out: 1, ..Summary::default() };
        assert_eq!(
            told(many, 3.0),
            "5 scenarios: 2 followed, 1 flaky, 1 diverged, 1 broken; 1 other YAML file left out (3.00 s)"
        );
    }
}
