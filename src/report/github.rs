//! What GitHub Actions shows: annotations at the diverging steps, and the summary of the job.
//!
//! Responsible for the runner's workflow commands and their escapes, and for a Markdown page in which no text from outside
//! is anything but text. `cli` prints the annotations and appends the summary to `$GITHUB_STEP_SUMMARY`.

use super::Report;
use super::model::{Diagnostic, Load, ScenarioReport, Verdict};
use super::words;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// How many annotations of one step the runner shows.
const ANNOTATIONS: usize = 10;
/// The runner refuses a summary of more than 1 MiB: this much is written, and what was left out is said after it.
const SUMMARY: usize = 1_000_000;
/// How many lines of a transcript are shown: the last ones, where it went wrong.
const TRANSCRIPT: usize = 200;
/// How long a line may be, in characters.
const LINE: usize = 1000;

/// The workflow commands that annotate, one a line: what diverged first, then what passed on a retry, then warnings.
/// Of more than ten the rest stands in the summary only.
#[must_use]
pub fn annotations(report: &Report) -> String {
    let all = all_annotations(report);
    all.iter().take(ANNOTATIONS).map(Annotation::command).collect()
}

/// Writes the summary of the job.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, output: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { text: String::new(), left_out: 0 };
    page.add(&format!("## smtp-script: {}\n\n", markdown(&words::conclusion(report))));
    for error in &report.errors {
        page.add(&format!("- {}\n", markdown(&words::line(error))));
    }
    if !report.scenarios.is_empty() {
        page.add("\n| | scenario | took | what happened |\n|---|---|---|---|\n");
        report.scenarios.iter().for_each(|scenario| page.add(&row(scenario)));
    }
    if let Some(load) = &report.load {
        page.add(&of_load(load));
    }
    page.add(&not_annotated(report));
    report.scenarios.iter().filter_map(details).for_each(|details| page.add(&details));
    if page.left_out > 0 {
        _ = write!(page.text, "\n{} parts are left out: the summary of a job holds 1 MiB.\n", page.left_out);
    }
    output.write_all(page.text.as_bytes())
}

// --- annotations -----------------------------------------------------------------------------------------------

struct Annotation<'r> {
    level: &'static str,
    diagnostic: Option<&'r Diagnostic>,
    title: String,
    message: String,
}

fn all_annotations(report: &Report) -> Vec<Annotation<'_>> {
    let plain = |title: &str, message: String| Annotation {
        level: "error",
        diagnostic: None,
        title: title.to_owned(),
        message,
    };
    let mut all: Vec<Annotation> = report.errors.iter().map(|error| plain("smtp-script", words::line(error))).collect();
    for scenario in &report.scenarios {
        let level = |warning: bool| if warning || scenario.verdict == Verdict::Warned { "warning" } else { "error" };
        let diverged = scenario.divergences.iter().map(|one| (level(one.warning), &one.diagnostic));
        let errors = scenario.errors.iter().map(|error| (level(false), error));
        all.extend(diverged.chain(errors).map(|(level, one)| Annotation::of(level, scenario, one)));
    }
    for one in report.load.iter().flat_map(|load| &load.errors) {
        let message = format!("{} times: {}", one.count, words::line(&one.message));
        all.push(plain(&format!("{}: {}", words::line(&one.scenario), words::step_number(&one.step)), message));
    }
    for scenario in report.scenarios.iter().filter(|one| one.verdict == Verdict::Flaky) {
        let attempts = scenario.attempts.iter().map(|attempt| words::line(&attempt.message));
        all.push(Annotation {
            level: "warning",
            ..plain(
                &words::scenario(scenario),
                format!("passed on a retry\n{}", attempts.collect::<Vec<_>>().join("\n")),
            )
        });
    }
    for scenario in &report.scenarios {
        all.extend(scenario.warnings.iter().map(|one| Annotation::of("warning", scenario, one)));
    }
    all
}

impl<'r> Annotation<'r> {
    fn of(level: &'static str, scenario: &ScenarioReport, diagnostic: &'r Diagnostic) -> Annotation<'r> {
        let mut message = vec![words::line(&diagnostic.message)];
        if !diagnostic.label.is_empty() {
            message.push(words::line(&diagnostic.label));
        }
        message.extend(diagnostic.notes.iter().map(|note| words::line(note)));
        message.extend(diagnostic.help.iter().map(|help| format!("help: {}", words::line(help))));
        let title = words::line(&scenario.name);
        Annotation { level, diagnostic: Some(diagnostic), title, message: message.join("\n") }
    }

    /// `::error file=…,line=…,col=…,title=…::message`
    fn command(&self) -> String {
        let mut properties = Vec::new();
        if let Some(Diagnostic { place, .. }) = self.diagnostic {
            properties.push(format!("file={}", property(&words::line(&place.file))));
            properties.push(format!("line={},col={}", place.line, place.column));
        }
        properties.push(format!("title={}", property(&self.title)));
        format!("::{} {}::{}\n", self.level, properties.join(","), data(&self.message))
    }

    fn place(&self) -> String {
        self.diagnostic.map_or_else(String::new, |one| format!("{}:{}: ", words::line(&one.place.file), one.place.line))
    }
}

/// What follows the `::` of a workflow command.
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a workflow command.
pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

// --- the summary -----------------------------------------------------------------------------------------------

/// A page that takes what it has room for.
struct Page {
    text: String,
    left_out: usize,
}

impl Page {
    fn add(&mut self, part: &str) {
        if self.text.len() + part.len() <= SUMMARY {
            self.text.push_str(part);
        } else {
            self.left_out += 1;
        }
    }
}

fn row(scenario: &ScenarioReport) -> String {
    let mark = match scenario.verdict {
        Verdict::Followed => "✅",
        Verdict::Flaky | Verdict::Warned => "⚠️",
        Verdict::NotPlayed | Verdict::NotApplicable => "⏭️",
        _ => "❌",
    };
    let happened = match words::headline(scenario) {
        Some(one) => format!("{}:{}: {}", one.place.file, one.place.line, one.message),
        None if scenario.reason.is_some() => format!("not applicable: {}", words::reason(scenario)),
        None => words::verdict(scenario.verdict).replace('_', " "),
    };
    let (name, happened) = (words::scenario(scenario), words::line(&happened));
    format!("| {mark} | {} | {:.3} s | {} |\n", markdown(&name), scenario.duration, markdown(&happened))
}

/// Everything about a scenario that was not simply followed.
fn details(scenario: &ScenarioReport) -> Option<String> {
    let diagnostics: Vec<&Diagnostic> =
        scenario.divergences.iter().map(|one| &one.diagnostic).chain(&scenario.errors).collect();
    if diagnostics.is_empty() && scenario.attempts.is_empty() {
        return None;
    }
    let mut details = format!("\n<details><summary>{}</summary>\n\n", markdown(&words::scenario(scenario)));
    for attempt in &scenario.attempts {
        _ = writeln!(details, "- an attempt before: {}\n", markdown(&words::line(&attempt.message)));
    }
    for one in diagnostics {
        details.push_str(&fenced(&words::lines(&one.rendered)));
    }
    let transcript = words::transcript(scenario);
    let skipped = transcript.len().saturating_sub(TRANSCRIPT);
    if skipped > 0 {
        _ = writeln!(details, "{skipped} lines of the conversation are left out here.\n");
    }
    if !transcript.is_empty() {
        details.push_str(&fenced(&transcript[skipped..]));
    }
    details.push_str("</details>\n");
    Some(details)
}

/// The annotations that the runner does not show.
fn not_annotated(report: &Report) -> String {
    let all = all_annotations(report);
    let mut list = String::new();
    for one in all.iter().skip(ANNOTATIONS) {
        let message = one.message.lines().next().unwrap_or_default();
        _ = writeln!(list, "- {}: {}{}", one.level, markdown(&one.place()), markdown(message));
    }
    let shown = ANNOTATIONS.min(all.len());
    if list.is_empty() { list } else { format!("\nBeside the {shown} annotations:\n\n{list}") }
}

fn of_load(load: &Load) -> String {
    let mut page = format!(
        "\n| runs/s | sessions/s | messages/s | runs | at once | late | p50 | p90 | p99 | max |\n|---|---|---|---|---|---|---|---|---|---|\n\
         | {:.1} | {:.1} | {:.1} | {} | {} | {} | {} |\n",
        load.runs_per_second,
        load.sessions_per_second,
        load.messages_per_second,
        load.runs,
        load.peak,
        load.late,
        quantiles(&load.latency),
    );
    if !load.steps.is_empty() {
        page.push_str(
            "\n| scenario | step | times | diverged | p50 | p90 | p99 | max |\n|---|---|---|---|---|---|---|---|\n",
        );
    }
    for one in &load.steps {
        let step = format!("{} {}", words::line(&one.step), words::line(&one.name));
        let (scenario, count) = (markdown(&words::line(&one.scenario)), one.latency.count);
        let figures = quantiles(&one.latency);
        _ = writeln!(page, "| {scenario} | {} | {count} | {} | {figures} |", markdown(step.trim()), one.diverged);
    }
    let replies: Vec<String> =
        load.replies.iter().map(|(code, count)| format!("{}: {count}", markdown(&words::line(code)))).collect();
    if !replies.is_empty() {
        _ = writeln!(page, "\nReplies by code: {}", replies.join(", "));
    }
    if !load.errors.is_empty() {
        page.push_str("\n| times | scenario | step | kind | first |\n|---|---|---|---|---|\n");
    }
    for one in &load.errors {
        let texts = [&one.scenario, &one.step, &one.kind, &one.message].map(|text| markdown(&words::line(text)));
        _ = writeln!(page, "| {} | {} |", one.count, texts.join(" | "));
    }
    page
}

fn quantiles(latency: &super::model::Latency) -> String {
    [latency.p50, latency.p90, latency.p99, latency.max].map(words::millis).join(" | ")
}

/// A block of code whose fence is longer than any within.
fn fenced(lines: &[String]) -> String {
    let mut longest = 2;
    for line in lines {
        let run = line.split(|character| character != '`').map(str::len).max();
        longest = longest.max(run.unwrap_or(0));
    }
    let fence = "`".repeat(longest + 1);
    let lines: Vec<Cow<'_, str>> = lines.iter().map(|line| cut(line)).collect();
    format!("{fence}text\n{}\n{fence}\n\n", lines.join("\n"))
}

fn cut(line: &str) -> Cow<'_, str> {
    words::cut(line, LINE)
}

/// Text of one line that is neither Markdown nor HTML, nor a link or a mention: characters that could make it so become
/// references.
fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in cut(text).chars() {
        match character {
            ' ' | ',' | '-' | '/' | '(' | ')' => shown.push(character),
            letter if letter.is_ascii_punctuation() => _ = write!(shown, "&#{};", letter as u32),
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
    use regex::Regex;

    fn written(report: &Report) -> String {
        samples::written(report, write)
    }

    #[test]
    fn an_annotation_is_escaped_as_the_runner_reads_it() {
        let mut report = samples::diverged();
        report.scenarios[0].name = "100% a,b:c".to_owned();
        assert_eq!(
            annotations(&report),
            "::error file=a.yaml,line=4,col=13,title=100%25 a%2Cb%3Ac::step 2 diverged: expected 250, got 550\
             %0Athe reply was \"550 <no> ]]>\"%0Ahelp: ask | the `postmaster`\n"
        );
    }

    #[test]
    fn ten_annotations_at_most_and_the_rest_in_the_summary() {
        let mut report = samples::diverged();
        let one = report.scenarios[0].clone();
        report.scenarios = (0..12).map(|at| ScenarioReport { name: format!("number {at}"), ..one.clone() }).collect();
        assert_eq!(annotations(&report).lines().count(), 10);
        let page = written(&report);
        assert!(page.contains("Beside the 10 annotations:\n\n- error: a&#46;yaml&#58;4&#58; step 2"), "{page}");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert!(fenced(&["a ```` b".to_owned()]).starts_with("`````text\n"));
        assert!(fenced(&["a".to_owned()]).starts_with("```text\n"));
    }

    #[test]
    fn the_summary_stays_below_the_limit() {
        let mut report = samples::diverged();
        let one = report.scenarios[0].clone();
        report.scenarios = vec![one; 5000];
        let page = written(&report);
        assert!(page.len() < 1024 * 1024 && page.ends_with("the summary of a job holds 1 MiB.\n"), "{}", page.len());
    }

    proptest! {
        #[test]
        fn any_text_keeps_the_grammar(text in any::<String>()) {
            let report = samples::of_text(&text);
            let command = Regex::new(r"^::(error|warning) (file=[^:,]*,line=\d+,col=\d+,)?title=[^:,]*::.*$").unwrap();
            for line in annotations(&report).strip_suffix('\n').unwrap().split('\n') {
                prop_assert!(command.is_match(line), "{}", line);
            }
            let page = written(&report);
            let mut fence = None;
            for line in page.lines() {
                let run = line.len() - line.trim_start_matches('`').len();
                match fence {
                    None if run >= 3 => fence = Some(run),
                    Some(open) if run >= open && line.len() == run => fence = None,
                    Some(_) => {}
                    None => {
                        let tags = line.replace("<details><summary>", "").replace("</summary>", "").replace("</details>", "");
                        prop_assert!(!tags.contains(['<', '>', '`', '[', '*', '@', '!']), "{}", line);
                    }
                }
            }
            prop_assert!(fence.is_none());
        }
    }
}
