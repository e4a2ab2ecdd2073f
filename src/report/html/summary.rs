//! The head of the page: the verdict in one sentence, counts by verdict, and when it was.

use super::words::{self, counted};
use crate::report::model::{Load, Report, Summary, Verdict};
use crate::visible::inert;
use serde::Serialize;

/// What the head says.
#[derive(Debug, Serialize)]
pub(super) struct PageHead {
    /// The verdict in one sentence.
    headline: String,
    /// The sentence with its mark, for the title of the window.
    title: String,
    /// `good` or `bad`: the colour of the mark.
    tone: &'static str,
    mark: &'static str,
    parts: Vec<SummaryPart>,
    facts: Vec<(&'static str, String)>,
    errors: Vec<String>,
}

/// How many scenarios (or runs under load) had one verdict.
#[derive(Debug, Serialize)]
pub(super) struct SummaryPart {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    count: String,
    /// In percent, where the bar begins and how long it is.
    from: String,
    share: String,
}

pub(super) fn head(report: &Report) -> PageHead {
    let good = report.exit_code == 0;
    let (mark, tone) = if good { ("✓", "good") } else { ("✗", "bad") };
    let headline = headline(report);
    PageHead {
        title: format!("{mark} {headline} · smtp-script"),
        headline,
        tone,
        mark,
        parts: report.load.as_ref().map_or_else(|| parts(report), parts_of_load),
        facts: facts(report),
        errors: report.errors.iter().map(|error| inert(error)).collect(),
    }
}

fn headline(report: &Report) -> String {
    let Summary { scenarios, not_applicable, warned, .. } = report.summary;
    let (noun, all, bad, warned) = match &report.load {
        Some(load) => ("run", load.runs, load.runs.saturating_sub(load.followed), 0),
        None => ("scenario", scenarios.saturating_sub(not_applicable), report.summary.failed(), warned),
    };
    let headline = match (all, bad, warned) {
        (0, ..) if scenarios > 0 => "No scenario applies to this server".to_owned(),
        (0, ..) => format!("No {noun} was played"),
        (1, 0, 0) => format!("The {noun} followed its script"),
        (1, 0, _) => format!("The {noun} ended with a warning"),
        (_, 0, 0) => format!("All {} followed their script", counted(all, noun)),
        (_, 0, _) => format!("{} of {} ended with a warning", words::count(warned), counted(all, noun)),
        (1, ..) => format!("The {noun} did not follow its script"),
        _ => format!("{} of {} did not follow their script", words::count(bad), counted(all, noun)),
    };
    let unplain = bad == 0 && report.exit_code != 0 && all > 0;
    let more = match (report.interrupted, unplain) {
        (true, _) => "; the run was interrupted",
        (false, true) => ", but not everything could be done as asked",
        (false, false) => "",
    };
    headline + more
}

/// How many scenarios had each verdict that occurs.
pub(super) fn parts(report: &Report) -> Vec<SummaryPart> {
    let summary = &report.summary;
    let count = |verdict| match verdict {
        Verdict::Followed => summary.followed,
        Verdict::Flaky => summary.flaky,
        Verdict::Diverged => summary.diverged,
        Verdict::Unreachable => summary.unreachable,
        Verdict::Broken => summary.broken,
        Verdict::Interrupted => summary.interrupted,
        Verdict::NotPlayed => summary.not_played,
        Verdict::Warned => summary.warned,
        Verdict::NotApplicable => summary.not_applicable,
    };
    told(&words::VERDICTS.map(|verdict| (verdict, count(verdict))))
}

fn parts_of_load(load: &Load) -> Vec<SummaryPart> {
    told(&[
        (Verdict::Diverged, load.diverged),
        (Verdict::Unreachable, load.unreachable),
        (Verdict::Broken, load.broken),
        (Verdict::Interrupted, load.interrupted),
        (Verdict::Followed, load.followed),
    ])
}

fn told(counts: &[(Verdict, u64)]) -> Vec<SummaryPart> {
    let all = words::float(counts.iter().map(|(_, count)| count).sum());
    let mut from = 0;
    let mut parts = Vec::new();
    for (verdict, count) in counts.iter().filter(|(_, count)| *count > 0) {
        parts.push(SummaryPart {
            class: words::class(*verdict),
            mark: words::mark(*verdict),
            word: words::word(*verdict),
            count: words::count(*count),
            from: words::share(words::float(from), all),
            share: words::share(words::float(*count), all),
        });
        from += count;
    }
    parts
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let Summary { steps, left_out, not_selected, .. } = report.summary;
    let mut facts = vec![("Began", moment(&report.started)), ("Took", words::took(report.duration))];
    if let Some(shard) = report.shard {
        facts.push(("Part", format!("{} of {}", shard.index, shard.count)));
    }
    if report.load.is_none() {
        let counts = [
            (steps.followed, "followed"),
            (steps.diverged, "diverged"),
            (steps.skipped, "skipped"),
            (steps.unreached, "not reached"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = counts.map(|(count, word)| format!("{} {word}", words::count(*count))).collect();
        facts.push(("Steps", if told.is_empty() { "none".to_owned() } else { told.join(", ") }));
    }
    if not_selected > 0 {
        facts.push(("Not selected", counted(not_selected, "scenario")));
    }
    if left_out > 0 {
        facts.push(("Left out", counted(left_out, "other YAML file")));
    }
    facts.push(("Exit code", report.exit_code.to_string()));
    facts.push(("Program", format!("{} {}", inert(&report.program.name), inert(&report.program.version))));
    facts
}

/// `2026-03-01 12:00:00 UTC` for a moment in RFC 3339; anything else as it is.
pub(super) fn moment(text: &str) -> String {
    let text = inert(text);
    match (text.get(..10), text.get(10..11), text.get(11..19), text.ends_with('Z')) {
        (Some(day), Some("T"), Some(time), true) => format!("{day} {time} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(summary: Summary, exit_code: u8) -> Report {
        Report { exit_code, summary, ..Report::begin() }
    }

    #[test]
    fn one_sentence_says_what_came_of_it() {
        let some = Summary { scenarios: 12, followed: 8, flaky: 1, diverged: 2, broken: 1, ..Summary::default() };
        assert_eq!(headline(&of(some, 1)), "3 of 12 scenarios did not follow their script");
        let all = Summary { scenarios: 2, followed: 2, ..Summary::default() };
        assert_eq!(headline(&of(all, 0)), "All 2 scenarios followed their script");
        assert_eq!(
            headline(&of(all, 2)),
            "All 2 scenarios followed their script, but not everything could be done as asked"
        );
        assert_eq!(headline(&of(Summary::default(), 2)), "No scenario was played");
        let warned = Summary { scenarios: 12, followed: 8, warned: 3, not_applicable: 1, ..Summary::default() };
        assert_eq!(headline(&of(warned, 0)), "3 of 11 scenarios ended with a warning");
        let mixed = Summary { diverged: 2, scenarios: 14, ..warned };
        assert_eq!(headline(&of(mixed, 1)), "2 of 13 scenarios did not follow their script");
        let none = Summary { scenarios: 2, not_applicable: 2, ..Summary::default() };
        assert_eq!(headline(&of(none, 0)), "No scenario applies to this server");
    }

    #[test]
    fn moments_are_for_people() {
        assert_eq!(moment("2026-03-01T12:00:00.123Z"), "2026-03-01 12:00:00 UTC");
        assert_eq!(moment("über gestern, vor Mitternacht"), "über gestern, vor Mitternacht");
    }
}
