//! One status line with performance data, as plugins of Nagios and its relatives print it, and their exit codes.
//!
//! Responsible for the form (the Monitoring Plugins' development guidelines) and for staying below what Nagios reads.
//! Called by `format`; `cli` exits with [`exit_code`].

use super::Report;
use super::model::{ScenarioReport, Verdict};
use super::words;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;

/// How many octets of text are said about what diverged, and of performance data about scenarios: Nagios reads 8 KiB.
const LONG_TEXT: usize = 4000;
const PERFORMANCE: usize = 3000;
/// How long one line may be, in characters.
const LINE: usize = 500;

/// What the plugin exits with: 0 OK, 1 passed on a retry or diverged at the level of a warning, 2 diverged or no connection, 3 the rest.
#[must_use]
pub fn exit_code(report: &Report) -> u8 {
    match report.exit_code {
        0 if report.summary.flaky > 0 || report.summary.warned > 0 => 1,
        0 => 0,
        1 | 3 => 2,
        _ => 3,
    }
}

/// Writes the report.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, output: &mut dyn io::Write) -> io::Result<()> {
    let mut seen = HashSet::new();
    let mut page = first_line(report);
    let of_all: Vec<String> = of_all(report).into_iter().filter_map(|datum| datum.shown(&mut seen)).collect();
    _ = write!(page, " | {}", of_all.join(" "));
    for line in long_text(report) {
        _ = write!(page, "\n{line}");
    }
    let mut room = PERFORMANCE;
    let mut between = " | ";
    for datum in report.scenarios.iter().map(of_scenario).chain(of_steps(report)) {
        let Some(shown) = datum.shown(&mut seen).filter(|shown| shown.len() < room) else { continue };
        room -= shown.len() + 1;
        // Performance data goes on after the long text: without one the first line holds all of it.
        between = if page.contains('\n') { between } else { " " };
        _ = write!(page, "{between}{shown}");
        between = "\n";
    }
    writeln!(output, "{page}")
}

// --- what is said ----------------------------------------------------------------------------------------------

fn first_line(report: &Report) -> String {
    let word = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][usize::from(exit_code(report).min(3))];
    let mut line = format!("SMTP {word} - {}", words::conclusion(report));
    if let Some(text) = complaints(report).first() {
        _ = write!(line, ": {text}");
    }
    inert(&line)
}

/// What went wrong, a line each, without the first, which stands in the first line already.
fn long_text(report: &Report) -> Vec<String> {
    let mut told: Vec<String> = complaints(report).into_iter().skip(1).collect();
    told.extend(report.load.as_ref().map(words::load).unwrap_or_default());
    let (mut lines, mut room) = (Vec::new(), LONG_TEXT);
    for (index, text) in told.iter().enumerate() {
        let line = inert(text);
        if line.len() >= room {
            lines.push(format!("... {} more lines", told.len() - index));
            break;
        }
        room -= line.len() + 1;
        lines.push(line);
    }
    lines
}

fn complaints(report: &Report) -> Vec<String> {
    let mut told: Vec<String> = report.errors.clone();
    for scenario in &report.scenarios {
        let divergences = scenario.divergences.iter().map(|one| &one.diagnostic);
        for one in divergences.chain(&scenario.errors) {
            told.push(format!("{}:{}: {}", one.place.file, one.place.line, one.message));
        }
        if scenario.verdict == Verdict::Flaky {
            let first = scenario.attempts.first().map_or("", |attempt| &attempt.message);
            told.push(format!("{}: passed on a retry: {first}", scenario.path));
        }
    }
    told
}

/// One line in which nothing begins performance data. Nagios cuts commands at some characters, not at these texts.
fn inert(text: &str) -> String {
    let line = words::line(text).replace('|', "\u{a6}");
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

// --- performance data ------------------------------------------------------------------------------------------

/// One value: `'label'=value[unit];warn;crit;min`.
struct Datum {
    label: String,
    value: f64,
    unit: &'static str,
    /// Whether it can be no less than zero.
    positive: bool,
}

impl Datum {
    fn seconds(label: &str, seconds: f64) -> Datum {
        Datum { label: label.to_owned(), value: seconds, unit: "s", positive: true }
    }

    fn count(label: &str, count: u64) -> Datum {
        #[expect(clippy::cast_precision_loss, reason = "a count beyond 2^53 is as good rounded")]
        Datum { label: label.to_owned(), value: count as f64, unit: "", positive: true }
    }

    /// Nothing where it has no name, or one that was there already.
    fn shown(&self, seen: &mut HashSet<String>) -> Option<String> {
        let plain = |character: char| if is_plain(character) { character } else { '_' };
        let label: String = self.label.chars().map(plain).collect();
        let quote = if label.contains(' ') { "'" } else { "" };
        let value = (self.value * 1e6).round() / 1e6;
        let value = if value.is_finite() { value } else { 0.0 };
        let limits = if self.positive { ";;;0" } else { "" };
        let is_new = !label.is_empty() && seen.insert(label.clone());
        is_new.then(|| format!("{quote}{label}{quote}={value}{}{limits}", self.unit))
    }
}

/// Neither `=` nor a quote may stand in a label; what graphs make of letters beyond ASCII is not known.
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~') && !matches!(character, '=' | '\'' | '"' | '|' | '`' | '$' | '&' | '<' | '>' | ';')
}

fn of_all(report: &Report) -> Vec<Datum> {
    let mut data = vec![Datum::seconds("time", report.duration)];
    if let Some(load) = &report.load {
        let rate = |label: &str, value: f64| Datum { label: label.to_owned(), value, unit: "", positive: true };
        data.push(Datum::count("runs", load.runs));
        data.push(Datum::count("failed", load.diverged + load.unreachable + load.broken));
        data.push(rate("sessions_per_second", load.sessions_per_second));
        data.push(rate("messages_per_second", load.messages_per_second));
        let latency = &load.latency;
        let quantiles = [("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("max", latency.max)];
        data.extend(quantiles.map(|(label, value)| Datum::seconds(label, value)));
        data.extend(load.replies.iter().map(|(code, count)| Datum::count(&format!("replies_{code}"), *count)));
    } else {
        // Graphs that were begun before there were these two keep their labels.
        let told = |(label, count): &(&str, u64)| *count > 0 || !matches!(*label, "not_applicable" | "warned");
        let counts = words::counts(&report.summary).into_iter().filter(told);
        data.extend(counts.map(|(label, count)| Datum::count(label, count)));
    }
    let certificates = report.scenarios.iter().flat_map(|one| &one.sessions).flat_map(|session| &session.tls);
    #[expect(clippy::cast_precision_loss, reason = "a certificate is not valid for 2^53 days")]
    let days = certificates.filter_map(|tls| Some(tls.certificate.as_ref()?.days_left)).min().map(|days| days as f64);
    let days_left = |value| Datum { label: "certificate_days_left".to_owned(), value, unit: "", positive: false };
    data.extend(days.map(days_left));
    data
}

fn of_scenario(scenario: &ScenarioReport) -> Datum {
    Datum::seconds(&scenario.id, scenario.duration)
}

/// The steps of a run under load.
fn of_steps(report: &Report) -> impl Iterator<Item = Datum> {
    report.load.iter().flat_map(|load| &load.steps).flat_map(|step| {
        let label = |what: &str| format!("{} {} {what}", step.scenario, words::step_number(&step.step));
        [
            Datum::seconds(&label("p50"), step.latency.p50),
            Datum::seconds(&label("p90"), step.latency.p90),
            Datum::seconds(&label("p99"), step.latency.p99),
            Datum::seconds(&label("max"), step.latency.max),
            Datum::count(&label("diverged"), step.diverged),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    fn written(report: &Report) -> String {
        samples::written(report, write)
    }

    #[test]
    fn the_first_line_has_the_headline() {
        assert_eq!(
            written(&samples::diverged()),
            "SMTP CRITICAL - 1 scenario: 1 diverged: a.yaml:4: step 2 diverged: expected 250, got 550 | time=0.412s;;;0 \
             followed=0;;;0 flaky=0;;;0 diverged=1;;;0 unreachable=0;;;0 broken=0;;;0 interrupted=0;;;0 not_played=0;;;0 \
             certificate_days_left=38 a.yaml=0.412s;;;0\n"
        );
    }

    #[test]
    fn exit_codes_are_those_of_plugins() {
        let of = |code| exit_code(&Report { exit_code: code, ..Report::begin() });
        assert_eq!([0, 1, 2, 3, 70, 130].map(of), [0, 2, 3, 2, 3, 3]);
        assert_eq!(exit_code(&samples::flaky()), 1);
    }

    #[test]
    fn a_thousand_divergences_stay_below_what_nagios_reads() {
        let mut report = samples::diverged();
        let one = report.scenarios[0].clone();
        report.scenarios = (0..1000).map(|at| ScenarioReport { id: format!("{at} it's a=b"), ..one.clone() }).collect();
        let page = written(&report);
        assert!(page.len() < 8192, "{}", page.len());
        assert!(page.contains("more lines | '0 it_s a_b'=0.412s;;;0\n'1 it_s a_b'=0.412s;;;0\n"), "{page}");
    }

    proptest! {
        #[test]
        fn any_text_keeps_the_grammar(text in any::<String>()) {
            let datum = r"('[^'=|\n]+'|[^ '=|\n]+)=-?[0-9]+(\.[0-9]+)?(s)?(;;;0)?";
            let grammar = format!(r"^SMTP (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| {datum}( {datum})*((\n[^|\n]*)* \| {datum}(\n{datum})*|(\n[^|\n]*)*)\n$");
            let page = written(&samples::of_text(&text));
            prop_assert!(Regex::new(&grammar).unwrap().is_match(&page), "{}", page);
        }
    }
}
