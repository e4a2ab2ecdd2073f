//! The words, marks and numbers of the page: the same everywhere, and never a colour alone.

use crate::report::model::Verdict;
use crate::report::words::{self, plural};
use std::time::Duration;

/// All verdicts, the gravest first: the order of the list, the bar and the chips.
pub(super) const VERDICTS: [Verdict; 9] = [
    Verdict::Diverged,
    Verdict::Unreachable,
    Verdict::Broken,
    Verdict::Interrupted,
    Verdict::NotPlayed,
    Verdict::Warned,
    Verdict::Flaky,
    Verdict::NotApplicable,
    Verdict::Followed,
];

/// Where a verdict stands among [`VERDICTS`].
pub(super) fn rank(verdict: Verdict) -> usize {
    VERDICTS.iter().position(|one| *one == verdict).unwrap_or(VERDICTS.len())
}

/// The name in the page's style, and what the filter `verdict:` takes.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotPlayed => "not-played",
        Verdict::NotApplicable => "not-applicable",
        other => words::verdict(other),
    }
}

/// The word a reader sees.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotPlayed => "not played",
        Verdict::NotApplicable => "not applicable",
        other => class(other),
    }
}

/// The mark beside the word.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Followed => "✓",
        Verdict::Flaky => "↻",
        Verdict::Diverged => "✗",
        Verdict::Unreachable => "⊘",
        Verdict::Broken => "!",
        Verdict::Interrupted => "■",
        Verdict::NotPlayed => "–",
        Verdict::Warned => "△",
        Verdict::NotApplicable => "∅",
    }
}

/// `1,234,567`
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 scenario`, `2 scenarios`
pub(super) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), plural(number))
}

/// A time of any length, with about three digits: `0.42 ms`, `18.3 ms`, `412 ms`, `1.23 s`, `2 min 3 s`.
pub(super) fn took(seconds: f64) -> String {
    let millis = seconds * 1000.0;
    match seconds {
        _ if millis < 9.995 => format!("{millis:.2} ms"),
        _ if millis < 99.95 => format!("{millis:.1} ms"),
        _ if millis < 999.5 => format!("{millis:.0} ms"),
        _ if seconds < 9.995 => format!("{seconds:.2} s"),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        _ => minutes(seconds),
    }
}

fn minutes(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.round()).unwrap_or(Duration::MAX).as_secs();
    if whole < 3600 {
        return format!("{} min {} s", whole / 60, whole % 60);
    }
    format!("{} h {} min", count(whole / 3600), whole % 3600 / 60)
}

/// A number of octets: `512 octets`, `1.2 kB`, `34 MB`.
pub(super) fn octets(number: u64) -> String {
    let number = float(number);
    match number {
        _ if number < 1000.0 => format!("{number} octets"),
        _ if number < 1e6 => format!("{:.1} kB", number / 1e3),
        _ if number < 1e9 => format!("{:.1} MB", number / 1e6),
        _ => format!("{:.1} GB", number / 1e9),
    }
}

/// How many in each second.
pub(super) fn each_second(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") }
}

/// `part` of `whole` in percent, for a picture; something is never nothing.
pub(super) fn share(part: f64, whole: f64) -> String {
    let share = if whole > 0.0 { (part / whole * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    format!("{:.2}", if part > 0.0 { share.max(0.4) } else { share })
}

/// As near as a `f64` comes.
pub(super) fn float(number: u64) -> f64 {
    Duration::from_secs(number).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let times = [0.0, 0.000_42, 0.009_996, 0.0183, 0.0999, 0.412, 0.9996, 1.234, 12.34, 59.96, 123.0, 7322.0];
        let told = times.map(took);
        let wanted = [
            "0.00 ms",
            "0.42 ms",
            "10.0 ms",
            "18.3 ms",
            "99.9 ms",
            "412 ms",
            "1.00 s",
            "1.23 s",
            "12.3 s",
            "1 min 0 s",
            "2 min 3 s",
            "2 h 2 min",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(count), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!((counted(1, "run"), counted(0, "run")), ("1 run".to_owned(), "0 runs".to_owned()));
    }
}
