//! What several formats say in the same plain words: a line of a transcript, the figures of a run under load, a verdict.
//!
//! Responsible for text that holds in every format; each format escapes it in its own way. A report may come from a file
//! that somebody wrote by hand, so that text is made inert here again. Called by the formats' files.

use super::model::{
    Diagnostic, Latency, Level, Line, Load, Report, ScenarioReport, Session, Speaker, Step, StepVerdict, Summary,
    Verdict,
};
use crate::run::{OWN_CLOSE, StepNumber};
pub(super) use crate::visible::cut;
use crate::visible::inert;

/// Of a longer line of a conversation the beginning is kept in every report, in characters.
pub(super) const LINE_LENGTH: usize = 2000;

/// `1 scenario`, `2 scenarios`
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", plural(count))
}

/// What a noun ends with after this number.
pub(super) fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Text of a single line in which nothing acts on what shows it.
pub(super) fn line(text: &str) -> String {
    inert(text).replace('\n', "\\n")
}

/// Text of several lines, none of which acts on what shows it.
pub(super) fn lines(text: &str) -> Vec<String> {
    inert(text).split('\n').map(str::to_owned).collect()
}

/// A scenario's verdict, as the JSON report has it.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Followed => "followed",
        Verdict::Flaky => "flaky",
        Verdict::Diverged => "diverged",
        Verdict::Unreachable => "unreachable",
        Verdict::Broken => "broken",
        Verdict::Interrupted => "interrupted",
        Verdict::NotPlayed => "not_played",
        Verdict::Warned => "warned",
        Verdict::NotApplicable => "not_applicable",
    }
}

/// `must`
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "must",
        Level::Should => "should",
        Level::May => "may",
    }
}

/// How many scenarios had which verdict, the worst last.
pub(super) fn counts(summary: &Summary) -> [(&'static str, u64); 9] {
    [
        ("followed", summary.followed),
        ("flaky", summary.flaky),
        ("not_applicable", summary.not_applicable),
        ("warned", summary.warned),
        ("diverged", summary.diverged),
        ("unreachable", summary.unreachable),
        ("broken", summary.broken),
        ("interrupted", summary.interrupted),
        ("not_played", summary.not_played),
    ]
}

/// `3 scenarios: 2 followed, 1 diverged`
pub(super) fn conclusion(report: &Report) -> String {
    let told = |list: &[(&str, u64)]| {
        let parts: Vec<String> = list
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("{count} {}", what.replace('_', " ")))
            .collect();
        if parts.is_empty() { "nothing was played".to_owned() } else { parts.join(", ") }
    };
    let Some(load) = &report.load else {
        let count = report.summary.scenarios;
        return format!("{}: {}", counted(count, "scenario"), told(&counts(&report.summary)));
    };
    let came_to = [
        ("followed", load.followed),
        ("diverged", load.diverged),
        ("unreachable", load.unreachable),
        ("broken", load.broken),
        ("interrupted", load.interrupted),
    ];
    format!("{} runs: {}", load.runs, told(&came_to))
}

/// What is said first about a scenario that was not simply followed.
pub(super) fn headline(scenario: &ScenarioReport) -> Option<&Diagnostic> {
    let diverged = scenario.divergences.first().map(|divergence| &divergence.diagnostic);
    diverged.or_else(|| scenario.errors.first())
}

/// The place in the file and what is said beside it, without what stands around it.
pub(super) fn excerpt(diagnostic: &Diagnostic) -> String {
    let rendered = inert(&diagnostic.rendered);
    let is_note = |line: &&str| line.trim_start().starts_with("= ");
    let lines = rendered.lines().skip_while(|line| !line.trim_start().starts_with("-->"));
    let mut lines: Vec<&str> = lines.take_while(|line| !is_note(line)).collect();
    while lines.last().is_some_and(|line| matches!(line.trim(), "" | "|")) {
        lines.pop();
    }
    if lines.is_empty() { inert(&diagnostic.label) } else { lines.join("\n") }
}

/// The file, and the name where the scenario has one of its own.
pub(super) fn scenario(scenario: &ScenarioReport) -> String {
    let (id, name) = (line(&scenario.id), line(&scenario.name));
    if name.is_empty() || name == id || scenario.name == scenario.path { id } else { format!("{id}: {name}") }
}

/// `mx.example:25`; where another server stood in for it, that one first.
pub(super) fn server(session: &Session) -> String {
    let named = line(&format!("{}:{}", session.host, session.port));
    match &session.stand_in {
        Some(stand_in) => format!("{}, standing in for {named}", line(stand_in)),
        None => named,
    }
}

/// `7 credentials are accepted`, or `7 send RSET` where it has no name.
pub(super) fn step(step: &Step) -> String {
    let name = line(called(step));
    if step.number.is_empty() { name } else { format!("{} {name}", line(&step.number)) }
}

/// What a step is called: its name, or what it does. Reports of earlier versions say only which key it is written with.
pub(super) fn called(step: &Step) -> &str {
    let title = if step.title.is_empty() { &step.action } else { &step.title };
    step.name.as_ref().unwrap_or(title)
}

/// `step 7`, `finally 1`, or `the connection`, which has no number.
pub(super) fn step_number(number: &str) -> String {
    match number {
        "" => "the connection".to_owned(),
        number if StepNumber::from(number).is_finally() => line(number),
        number => format!("step {}", line(number)),
    }
}

/// Why a step was not played.
pub(super) fn not_played(scenario: &ScenarioReport, step: &Step) -> String {
    if let Some(reason) = step.reason.as_ref().filter(|_| step.verdict == StepVerdict::Skipped) {
        return format!("not applicable: {}", line(reason));
    }
    if step.verdict == StepVerdict::Skipped {
        return "its `when` was false".to_owned();
    }
    match scenario.divergences.first() {
        None if scenario.reason.is_some() => format!("not applicable: {}", reason(scenario)),
        Some(first) => format!("not reached: {} diverged", step_number(&first.step)),
        None => "not reached".to_owned(),
    }
}

/// Why a scenario is not about this server.
pub(super) fn reason(scenario: &ScenarioReport) -> String {
    line(scenario.reason.as_deref().unwrap_or_default())
}

/// The conversation, with a mark at each line that diverged.
pub(super) fn transcript(scenario: &ScenarioReport) -> Vec<String> {
    let lines = &scenario.transcript;
    let sessions = lines.iter().any(|line| line.session != lines[0].session);
    let marked: Vec<(usize, &str)> = scenario
        .divergences
        .iter()
        .filter_map(|one| {
            let of_step = |line: &Line| line.step == one.step && line.text != OWN_CLOSE;
            Some((one.line.or_else(|| lines.iter().rposition(of_step))?, one.step.as_str()))
        })
        .collect();
    let show = |(index, one): (usize, &Line)| {
        let mark =
            marked.iter().find(|(at, _)| *at == index).map(|(_, step)| format!("     <-- {}", step_number(step)));
        format!("{}{}", said(one, sessions), mark.unwrap_or_default())
    };
    lines.iter().enumerate().map(show).collect()
}

fn said(one: &Line, with_session: bool) -> String {
    let speaker = match one.speaker {
        Speaker::Client => "C:",
        Speaker::Server => "S:",
        Speaker::Note => "* ",
    };
    let session = if with_session { format!("{} ", line(&one.session)) } else { String::new() };
    format!("{:.3}  {session}{speaker} {}", one.at, line(&cut(&one.text, LINE_LENGTH))).trim_end().to_owned()
}

/// The figures of a run under load.
pub(super) fn load(load: &Load) -> Vec<String> {
    let mut told = vec![
        format!(
            "{:.1} runs/s, {:.1} sessions/s, {:.1} messages/s",
            rate(load.runs_per_second),
            rate(load.sessions_per_second),
            rate(load.messages_per_second)
        ),
        format!("{} runs in {:.3} s, {} at once, {} late", load.runs, load.duration, load.peak, load.late),
        format!(
            "{} sessions, {} messages, {} octets sent, {} received",
            load.sessions, load.messages, load.sent, load.received
        ),
        format!("whole runs: {}", latency(&load.latency)),
    ];
    for step in &load.steps {
        let number = step_number(&step.step);
        let name = line(&step.name);
        told.push(format!(
            "{} {number} {name}: {}, {} diverged",
            line(&step.scenario),
            latency(&step.latency),
            step.diverged
        ));
    }
    for (code, count) in &load.replies {
        told.push(format!("replies {}: {count}", line(code)));
    }
    for error in &load.errors {
        let (scenario, number) = (line(&error.scenario), step_number(&error.step));
        told.push(format!(
            "{} times {scenario} {number}: {}: {}",
            error.count,
            line(&error.kind),
            line(&error.message)
        ));
    }
    told
}

fn rate(rate: f64) -> f64 {
    if rate.is_finite() { rate } else { 0.0 }
}

/// `p50 1.2 ms, p90 …`
pub(super) fn latency(latency: &Latency) -> String {
    let [p50, p90, p99, max] = [latency.p50, latency.p90, latency.p99, latency.max].map(millis);
    format!("{} times, p50 {p50}, p90 {p90}, p99 {p99}, max {max}", latency.count)
}

/// `1.2 ms`
pub(super) fn millis(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one() {
        assert_eq!(line("a\nb\r\u{1b}\u{202e}\\"), "a\\nb\\r\\x1b\\u{202e}\\");
    }

    #[test]
    fn an_empty_report_says_so() {
        assert_eq!(conclusion(&Report::begin()), "0 scenarios: nothing was played");
    }
}
