//! What the page shows of a run under load: figures, bars and the histogram, drawn without JavaScript.

use super::words::{self, count, counted, float, octets, share, took};
use crate::report::model::{ErrorFigures, Latency, Load, StepFigures};
use crate::visible::inert;
use serde::Serialize;
use std::time::Duration;

/// How many bars the histogram has.
const BARS: usize = 48;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    tiles: Vec<Tile>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<Histogram>,
    steps: Vec<StepLine>,
    replies: Vec<ReplyLine>,
    errors: Vec<ErrorLine>,
}

/// One number, large.
#[derive(Debug, Serialize)]
struct Tile {
    term: &'static str,
    value: String,
    more: String,
}

/// How often a whole run took how long; all in percent of the picture.
#[derive(Debug, Serialize)]
struct Histogram {
    label: String,
    bars: Vec<Bar>,
    marks: Vec<Mark>,
    shortest: String,
    longest: String,
}

#[derive(Debug, Serialize)]
struct Bar {
    x: String,
    width: String,
    top: String,
    height: String,
    title: String,
}

/// A percentile: its name, where it stands, how long it is.
#[derive(Debug, Serialize)]
struct Mark {
    name: &'static str,
    x: String,
    took: String,
}

#[derive(Debug, Serialize)]
struct StepLine {
    scenario: String,
    step: String,
    name: String,
    count: String,
    diverged: Option<String>,
    times: [String; 5],
    /// The shortest to the median, to p90, to p99, to the longest: in percent of the longest of all steps.
    spans: [(String, String); 3],
}

#[derive(Debug, Serialize)]
struct ReplyLine {
    code: String,
    class: &'static str,
    meaning: &'static str,
    count: String,
    share: String,
}

#[derive(Debug, Serialize)]
struct ErrorLine {
    count: String,
    share: String,
    scenario: String,
    step: String,
    kind: String,
    message: String,
}

pub(super) fn figures(load: &Load) -> Figures {
    let longest = load.steps.iter().map(|step| step.latency.max).fold(0.0, f64::max);
    let most = load.replies.values().copied().max().unwrap_or_default();
    let worst = load.errors.iter().map(|error| error.count).max().unwrap_or_default();
    Figures {
        tiles: tiles(load),
        notes: notes(load),
        histogram: histogram(&load.latency),
        steps: load.steps.iter().map(|step| step_line(step, longest)).collect(),
        replies: load.replies.iter().map(|(code, number)| reply_line(code, *number, most)).collect(),
        errors: load.errors.iter().map(|error| error_line(error, worst)).collect(),
    }
}

fn tiles(load: &Load) -> Vec<Tile> {
    let tile = |term, value, more| Tile { term, value, more };
    let pace = match load.rate {
        Some(rate) => format!("{} asked for, at most {} at once", words::each_second(rate), count(load.jobs)),
        None => format!("{} at once", count(load.jobs)),
    };
    let latency = &load.latency;
    vec![
        tile("Runs", count(load.runs), format!("in {}", took(load.duration))),
        tile("Pace", words::each_second(load.runs_per_second), pace),
        tile("Median", took(latency.p50), format!("mean {}", took(latency.mean))),
        tile("p90", took(latency.p90), "nine of ten within".to_owned()),
        tile("p99", took(latency.p99), format!("longest {}", took(latency.max))),
        tile("Messages", count(load.messages), words::each_second(load.messages_per_second)),
        tile("Sessions", count(load.sessions), words::each_second(load.sessions_per_second)),
        tile("Octets", octets(load.sent), format!("{} received", octets(load.received))),
    ]
}

fn notes(load: &Load) -> Vec<String> {
    let peak = format!("At most {} were under way at once.", counted(load.peak, "run"));
    let late = match load.late {
        0 => None,
        late => Some(format!(
            "{} began more than 10 ms late: more at once were needed than --jobs allows.",
            counted(late, "run")
        )),
    };
    std::iter::once(peak).chain(late).collect()
}

/// Bars of the same width on a scale on which each is a fixed factor longer than the one before, as latencies spread.
fn histogram(latency: &Latency) -> Option<Histogram> {
    let (first, last) = (latency.counts.first()?, latency.counts.last()?);
    let scale = Scale::over(seconds(first.0), seconds(last.0));
    let mut heights = [0u64; BARS];
    for (micros, number) in &latency.counts {
        heights[scale.bar(seconds(*micros))] += number;
    }
    let highest = heights.iter().copied().max().unwrap_or_default();
    let bar = |(index, number): (usize, &u64)| {
        let height = share(float(*number), float(highest));
        Bar {
            x: format!("{:.2}", at(index)),
            width: format!("{:.2}", 88.0 / float_of(BARS)),
            top: format!("{:.2}", 100.0 - height.parse::<f64>().unwrap_or_default()),
            height,
            title: format!(
                "{} to {}: {}",
                took(scale.edge(index)),
                took(scale.edge(index + 1)),
                counted(*number, "run")
            ),
        }
    };
    let percentiles = [("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99)];
    let mark =
        |(name, time): (&'static str, f64)| Mark { name, x: format!("{:.2}", scale.place(time)), took: took(time) };
    Some(Histogram {
        label: format!(
            "How long whole runs took: the shortest {}, half within {}, nine of ten within {}, 99 of 100 within {}, the longest {}",
            took(latency.min),
            took(latency.p50),
            took(latency.p90),
            took(latency.p99),
            took(latency.max)
        ),
        bars: heights.iter().enumerate().filter(|(_, number)| **number > 0).map(bar).collect(),
        marks: percentiles.map(mark).into(),
        shortest: took(latency.min),
        longest: took(latency.max),
    })
}

/// From the shortest to the longest time.
struct Scale {
    shortest: f64,
    factor: f64,
}

impl Scale {
    fn over(shortest: f64, longest: f64) -> Scale {
        let shortest = shortest.max(1e-6);
        Scale { shortest, factor: (longest / shortest).max(1.02).powf(1.0 / float_of(BARS)) }
    }

    /// The time at which a bar begins.
    fn edge(&self, bar: usize) -> f64 {
        (0..bar).fold(self.shortest, |edge, _| edge * self.factor)
    }

    fn bar(&self, time: f64) -> usize {
        (1..BARS).find(|next| time < self.edge(*next)).unwrap_or(BARS) - 1
    }

    /// Where a time stands, in percent.
    fn place(&self, time: f64) -> f64 {
        let bars = (time.max(self.shortest) / self.shortest).ln() / self.factor.ln();
        (bars / float_of(BARS) * 100.0).clamp(0.0, 100.0)
    }
}

fn at(bar: usize) -> f64 {
    float_of(bar) / float_of(BARS) * 100.0
}

fn float_of(number: usize) -> f64 {
    float(super::length_of(number))
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

fn step_line(step: &StepFigures, longest: f64) -> StepLine {
    let latency = &step.latency;
    let span = |from: f64, to: f64| (share(from, longest), share((to - from).max(0.0), longest));
    StepLine {
        scenario: inert(&step.scenario),
        step: if step.step.is_empty() { "–".to_owned() } else { inert(&step.step) },
        name: inert(&step.name),
        count: count(latency.count),
        diverged: (step.diverged > 0).then(|| count(step.diverged)),
        times: [latency.min, latency.p50, latency.p90, latency.p99, latency.max].map(took),
        spans: [span(latency.min, latency.p50), span(latency.p50, latency.p90), span(latency.p90, latency.p99)],
    }
}

fn reply_line(code: &str, number: u64, most: u64) -> ReplyLine {
    let (class, meaning) = match code.as_bytes().first() {
        Some(b'2') => ("followed", "done"),
        Some(b'3') => ("flaky", "go on"),
        Some(b'4') => ("broken", "not now"),
        Some(b'5') => ("diverged", "refused"),
        _ => ("not-played", "unknown"),
    };
    ReplyLine { code: inert(code), class, meaning, count: count(number), share: share(float(number), float(most)) }
}

fn error_line(error: &ErrorFigures, worst: u64) -> ErrorLine {
    ErrorLine {
        count: count(error.count),
        share: share(float(error.count), float(worst)),
        scenario: inert(&error.scenario),
        step: if error.step.is_empty() { "–".to_owned() } else { inert(&error.step) },
        kind: inert(&error.kind),
        message: inert(&error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::latency::Latencies;

    #[test]
    fn every_run_stands_in_one_bar() {
        let mut latencies = Latencies::default();
        for millis in 1..=1000 {
            latencies.record(Duration::from_millis(millis));
        }
        let histogram = histogram(&latencies.figures()).unwrap();
        let in_bar = |bar: &Bar| -> u64 {
            let number = bar.title.split(": ").nth(1).and_then(|told| told.split(' ').next());
            number.unwrap().replace(',', "").parse().unwrap()
        };
        assert_eq!(histogram.bars.iter().map(in_bar).sum::<u64>(), 1000);
        assert!(histogram.marks[0].x < histogram.marks[2].x);
    }

    #[test]
    fn runs_that_all_took_the_same_have_a_picture() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_millis(5));
        assert_eq!(histogram(&latencies.figures()).unwrap().bars.len(), 1);
        assert!(histogram(&Latency::default()).is_none());
    }
}
