//! Prometheus's text format (version 0.0.4): metrics with their help, type and samples.
//!
//! Responsible for the grammar only: escapes, one sample a series. Called by `prometheus`, `probe` and the exporter.

use super::model::Latency;
use super::words;
use std::collections::HashSet;
use std::fmt::Write as _;

pub(crate) type Labels = Vec<(&'static str, String)>;

/// A value with what distinguishes it from others of its metric.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) labels: Labels,
    pub(crate) value: f64,
}

pub(crate) fn sample(labels: &[(&'static str, &str)], value: f64) -> Sample {
    Sample { labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), value }
}

/// The metrics of one program, whose names begin alike.
pub(crate) struct ExpositionPage {
    prefix: &'static str,
    text: String,
}

impl ExpositionPage {
    pub(crate) fn of(prefix: &'static str) -> ExpositionPage {
        ExpositionPage { prefix, text: String::new() }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// A metric without values is left out.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, samples: Vec<Sample>) {
        self.metric(name, help, "gauge", samples);
    }

    /// What only grows; its name ends in `_total`.
    pub(crate) fn counter(&mut self, name: &str, help: &str, samples: Vec<Sample>) {
        self.metric(name, help, "counter", samples);
    }

    fn metric(&mut self, name: &str, help: &str, kind: &str, samples: Vec<Sample>) {
        if samples.is_empty() {
            return;
        }
        self.head(name, help, kind);
        let mut seen = HashSet::new();
        for sample in samples {
            let labels = labels(&sample.labels);
            if seen.insert(labels.clone()) {
                _ = writeln!(self.text, "{}{name}{labels} {}", self.prefix, shown(sample.value));
            }
        }
    }

    pub(crate) fn summary(&mut self, name: &str, help: &str, all: &[(Labels, &Latency)]) {
        if all.is_empty() {
            return;
        }
        self.head(name, help, "summary");
        let mut seen = HashSet::new();
        for (own, latency) in all {
            let tail = labels(own);
            if !seen.insert(tail.clone()) {
                continue;
            }
            for (quantile, value) in [("0.5", latency.p50), ("0.9", latency.p90), ("0.99", latency.p99)] {
                let mut own = own.clone();
                own.push(("quantile", quantile.to_owned()));
                _ = writeln!(self.text, "{}{name}{} {}", self.prefix, labels(&own), shown(value));
            }
            let sum = latency.mean * number(latency.count);
            _ = writeln!(self.text, "{}{name}_sum{tail} {}", self.prefix, shown(sum));
            _ = writeln!(self.text, "{}{name}_count{tail} {}", self.prefix, latency.count);
        }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        _ = writeln!(self.text, "# HELP {0}{name} {help}\n# TYPE {0}{name} {kind}", self.prefix);
    }
}

fn labels(labels: &Labels) -> String {
    let escaped = |text: &str| words::line(text).replace('\\', "\\\\").replace('"', "\\\"");
    let told: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if told.is_empty() { String::new() } else { format!("{{{}}}", told.join(",")) }
}

/// Without the last digits of a sum of fractions.
fn shown(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.is_finite() { format!("{rounded}") } else { "NaN".to_owned() }
}

/// A count as a value: Prometheus knows no other numbers.
#[expect(clippy::cast_precision_loss, reason = "a count beyond 2^53 octets is as good rounded")]
pub(crate) fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

/// A moment as unix time.
pub(super) fn unix(moment: &str) -> Option<f64> {
    let moment: jiff::Timestamp = moment.parse().ok()?;
    Some(moment.as_duration().as_secs_f64())
}
