//! TAP 14, the Test Anything Protocol: a subtest a scenario, with YAML diagnostics.
//!
//! Responsible for lines, escapes and the YAML; what is a case, `cases` knows. The point after a subtest repeats the headline
//! because readers of TAP 13 pass over subtests. Called by `format`.

use super::Report;
use super::cases::{CameTo, Suite, TestCase, TestFault, suites};
use super::words;
use std::fmt::Write as _;
use std::io;

/// Writes the report.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, output: &mut dyn io::Write) -> io::Result<()> {
    let suites = suites(report, false);
    writeln!(output, "TAP version 14")?;
    if suites.is_empty() && !report.interrupted {
        return writeln!(output, "1..0 # SKIP nothing was played");
    }
    writeln!(output, "1..{}", suites.len())?;
    for (index, suite) in suites.iter().enumerate() {
        output.write_all(of_suite(index + 1, suite).as_bytes())?;
    }
    if report.interrupted {
        writeln!(output, "Bail out! the run was interrupted")?;
    }
    Ok(())
}

fn of_suite(number: usize, suite: &Suite) -> String {
    let mut tap = String::new();
    _ = writeln!(tap, "# Subtest: {}", suite.name);
    _ = writeln!(tap, "    1..{}", suite.cases.len());
    for (index, case) in suite.cases.iter().enumerate() {
        for line in of_case(index + 1, case).lines() {
            _ = writeln!(tap, "    {line}");
        }
    }
    let faults = || suite.cases.iter().filter_map(TestCase::faults).flatten();
    let name = escaped(&suite.name);
    match faults().next() {
        None if suite.cases.iter().all(|case| matches!(case.came_to, CameTo::Skipped(_))) => {
            let why = suite.cases.iter().find_map(|case| match &case.came_to {
                CameTo::Skipped(why) => Some(why.as_str()),
                _ => None,
            });
            _ = writeln!(tap, "ok {number} - {name} # SKIP {}", why.unwrap_or_default());
        }
        None => {
            _ = writeln!(tap, "ok {number} - {name}");
            tap.push_str(&diagnostics(&facts(suite)));
        }
        Some(first) => {
            _ = writeln!(tap, "not ok {number} - {name}");
            let mut yaml = of_fault(first, suite.duration);
            yaml.extend(facts(suite));
            tap.push_str(&diagnostics(&yaml));
        }
    }
    tap
}

fn of_case(number: usize, case: &TestCase) -> String {
    let name = escaped(&case.name);
    match &case.came_to {
        CameTo::Passed => {
            let attempts = case.attempts.iter().map(|attempt| words::line(&attempt.message)).collect();
            let mut yaml = vec![TapKey::seconds("duration", case.duration)];
            yaml.push(TapKey::lines("attempts", attempts));
            let warned: Vec<String> = case.warnings.iter().map(|one| words::line(&one.diagnostic.message)).collect();
            let silent = case.attempts.is_empty() && warned.is_empty();
            yaml.push(TapKey::lines("warnings", warned));
            let yaml = if silent { String::new() } else { diagnostics(&yaml) };
            format!("ok {number} - {name}\n{yaml}")
        }
        CameTo::Skipped(why) => format!("ok {number} - {name} # SKIP {why}\n"),
        CameTo::Failed(faults) => {
            let mut yaml = faults.first().map(|first| of_fault(first, case.duration)).unwrap_or_default();
            let others = faults.iter().skip(1).map(|fault| fault.message.clone()).collect();
            yaml.push(TapKey::lines("also", others));
            format!("not ok {number} - {name}\n{}", diagnostics(&yaml))
        }
    }
}

/// A `#` would begin a directive.
fn escaped(description: &str) -> String {
    description.replace('\\', "\\\\").replace('#', "\\#")
}

// --- YAML ------------------------------------------------------------------------------------------------------

/// One key of the diagnostics.
struct TapKey {
    key: &'static str,
    value: TapValue,
}

enum TapValue {
    Text(String),
    Number(String),
    Lines(Vec<String>),
}

impl TapKey {
    fn text(key: &'static str, text: &str) -> TapKey {
        TapKey { key, value: TapValue::Text(words::line(text)) }
    }

    fn number(key: &'static str, number: &impl ToString) -> TapKey {
        TapKey { key, value: TapValue::Number(number.to_string()) }
    }

    fn seconds(key: &'static str, seconds: f64) -> TapKey {
        TapKey::number(key, &format!("{:.3}", if seconds.is_finite() { seconds } else { 0.0 }))
    }

    fn lines(key: &'static str, lines: Vec<String>) -> TapKey {
        TapKey { key, value: TapValue::Lines(lines) }
    }
}

fn of_fault(fault: &TestFault, duration: f64) -> Vec<TapKey> {
    let mut yaml = vec![
        TapKey::text("message", &fault.message),
        TapKey::text("severity", if fault.of_server { "fail" } else { "error" }),
        TapKey::text("kind", fault.kind),
    ];
    if let Some(one) = fault.diagnostic {
        yaml.push(TapKey::text("file", &one.place.file));
        yaml.push(TapKey::number("line", &one.place.line));
        yaml.push(TapKey::number("column", &one.place.column));
        yaml.push(TapKey::text("got", &one.label));
        yaml.push(TapKey::lines("notes", one.notes.iter().map(|note| words::line(note)).collect()));
        yaml.push(TapKey::lines("help", one.help.iter().map(|help| words::line(help)).collect()));
    }
    if let Some(divergence) = fault.divergence {
        yaml.push(TapKey::text("step", &divergence.step));
        yaml.extend(divergence.reply_code.map(|code| TapKey::number("reply", &code)));
    }
    yaml.push(TapKey::seconds("duration", duration));
    yaml
}

fn facts(suite: &Suite) -> Vec<TapKey> {
    let facts = suite.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let output = suite.output.clone();
    vec![TapKey::lines("facts", facts), TapKey::lines("transcript", output)]
}

/// The block of YAML, in the form that the small YAML of Perl's `TAP::Parser` reads as well; without what is empty.
fn diagnostics(entries: &[TapKey]) -> String {
    let mut yaml = String::from("  ---\n");
    for TapKey { key, value } in entries {
        match value {
            TapValue::Text(text) if text.is_empty() => {}
            TapValue::Text(text) => _ = writeln!(yaml, "  {key}: {}", quoted(text)),
            TapValue::Number(number) => _ = writeln!(yaml, "  {key}: {number}"),
            // A list would be more to the point, but that small YAML takes `- "a: b"` for a mapping.
            TapValue::Lines(lines) => {
                let blank = |character: char| character.is_whitespace();
                let lines: Vec<&str> = lines.iter().map(|line| line.trim_start_matches(blank)).collect();
                if lines.iter().any(|line| !line.is_empty()) {
                    _ = writeln!(yaml, "  {key}: |");
                }
                for line in lines.iter().filter(|line| !line.is_empty()) {
                    _ = writeln!(yaml, "    {}", printable(line));
                }
            }
        }
    }
    yaml.push_str("  ...\n");
    yaml
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Makes visible what is no text in YAML (YAML 1.2 section 5.1) and not shown as an escape already.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{fffe}' | '\u{ffff}' => _ = write!(shown, "\\u{{{:x}}}", character as u32),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;

    fn written(report: &Report) -> String {
        samples::written(report, write)
    }

    #[test]
    fn a_subtest_for_each_scenario() {
        let tap = written(&samples::diverged());
        assert!(tap.starts_with("TAP version 14\n1..1\n# Subtest: a.yaml\n    1..3\n    ok 1 - 1 greeting\n"), "{tap}");
        for part in [
            "    not ok 2 - 2 sender \\# 1\n      ---\n      message: \"step 2 diverged: expected 250, got 550\"\n",
            "    ok 3 - 3 send NOOP # SKIP not reached: step 2 diverged\nnot ok 1 - a.yaml\n  ---\n",
            "\n  transcript: |\n    0.000  S: 220 mx.example\n",
        ] {
            assert!(tap.contains(part), "{part}\n{tap}");
        }
    }

    #[test]
    fn nothing_played_is_skipped_and_an_interruption_bails_out() {
        let mut report = Report::begin();
        assert_eq!(written(&report), "TAP version 14\n1..0 # SKIP nothing was played\n");
        report.interrupted = true;
        assert!(written(&report).ends_with("Bail out! the run was interrupted\n"));
    }

    proptest! {
        #[test]
        fn any_text_stays_in_its_line(text in any::<String>()) {
            // A divergence whose text is a number would belong to a step of the sample.
            prop_assume!(text.parse::<u32>().is_err());
            let tap = written(&samples::of_text(&text));
            let plain = written(&samples::of_text("x"));
            let shape = |tap: &str| -> Vec<String> {
                tap.lines().map(|line| line.trim_start().chars().take(4).collect::<String>()).filter(|start| {
                    ["ok 1", "ok 2", "not ", "---", "...", "1..1", "1..2", "Bail"].contains(&start.as_str())
                }).collect()
            };
            prop_assert_eq!(shape(&tap), shape(&plain));
            let mut within = None;
            for line in tap.lines() {
                let lead = line.len() - line.trim_start().len();
                match (line.trim(), &mut within) {
                    ("---", None) => within = Some((lead, String::new())),
                    ("...", Some((at, yaml))) if lead == *at => {
                        let read: Result<serde_json::Value, _> = serde_saphyr::from_str(yaml);
                        prop_assert!(read.is_ok(), "{:?}\n{}", read, yaml);
                        within = None;
                    }
                    (_, Some((at, yaml))) => {
                        yaml.push_str(line.get(*at..).unwrap_or_default());
                        yaml.push('\n');
                    }
                    (_, None) => {}
                }
            }
            prop_assert!(within.is_none());
        }
    }
}
