//! Histograms of latencies: recorded by the thousand, reported as percentiles, and added up exactly.
//!
//! Responsible for the histogram; the only module that calls hdrhistogram. A value is kept to three significant digits, so
//! its size does not grow with how many there are, and two histograms of the same values in another order are the same.

use super::model;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The longest time that is distinguished, in microseconds: one hour.
const LONGEST: u64 = 3_600_000_000;
/// How many digits of a value are kept.
const DIGITS: u8 = 3;

/// Latencies of the same thing.
#[derive(Debug, Clone)]
pub struct Latencies {
    histogram: Option<Histogram<u64>>,
}

impl Default for Latencies {
    fn default() -> Latencies {
        // It grows with the longest value; the number of digits is one that hdrhistogram takes.
        Latencies { histogram: Histogram::new(DIGITS).ok() }
    }
}

impl Latencies {
    /// Notes one.
    pub fn record(&mut self, latency: Duration) {
        self.record_many(u64::try_from(latency.as_micros()).unwrap_or(LONGEST), 1);
    }

    fn record_many(&mut self, micros: u64, count: u64) {
        if let Some(histogram) = &mut self.histogram {
            // Below the longest value it grows to whatever comes.
            _ = histogram.record_n(micros.clamp(1, LONGEST), count);
        }
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Latencies) {
        if let (Some(histogram), Some(other)) = (&mut self.histogram, &other.histogram) {
            // Both have the same digits, and this one grows.
            _ = histogram.add(other);
        }
    }

    /// The figures for a report.
    #[must_use]
    pub fn figures(&self) -> model::Latency {
        let Some(histogram) = self.histogram.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return model::Latency::default();
        };
        let seconds = |micros| Duration::from_micros(micros).as_secs_f64();
        let counts: Vec<(u64, u64)> =
            histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        let total: u128 = counts.iter().map(|(micros, count)| u128::from(*micros) * u128::from(*count)).sum();
        let count = histogram.len();
        let mean = u64::try_from(total / u128::from(count)).unwrap_or(LONGEST);
        model::Latency {
            count,
            min: seconds(counts.first().map_or(0, |(micros, _)| *micros)),
            mean: seconds(mean),
            p50: seconds(histogram.value_at_quantile(0.5)),
            p90: seconds(histogram.value_at_quantile(0.9)),
            p99: seconds(histogram.value_at_quantile(0.99)),
            max: seconds(counts.last().map_or(0, |(micros, _)| *micros)),
            counts,
        }
    }
}

impl From<&model::Latency> for Latencies {
    /// The histogram that figures were made from.
    fn from(figures: &model::Latency) -> Latencies {
        let mut latencies = Latencies::default();
        for (micros, count) in &figures.counts {
            latencies.record_many(*micros, *count);
        }
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_of_a_hundred() {
        let mut latencies = Latencies::default();
        for millis in 1..=100 {
            latencies.record(Duration::from_millis(millis));
        }
        let figures = latencies.figures();
        let rounded = [figures.p50, figures.p90, figures.p99, figures.max].map(|seconds| (seconds * 1000.0).round());
        assert_eq!((figures.count, rounded), (100, [50.0, 90.0, 99.0, 100.0]));
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        assert_eq!(Latencies::default().figures(), model::Latency::default());
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(values in proptest::collection::vec(0u64..5_000_000_000, 1..200), cut in 0usize..200) {
            let record = |values: &[u64]| {
                let mut latencies = Latencies::default();
                for micros in values {
                    latencies.record(Duration::from_micros(*micros));
                }
                latencies
            };
            let whole = record(&values).figures();
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = Latencies::from(&record(left).figures());
            merged.add(&Latencies::from(&record(right).figures()));
            prop_assert_eq!(merged.figures(), whole);
        }
    }
}
