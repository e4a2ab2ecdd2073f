//! When runs begin and how many there are: pure counting, without a clock of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When runs begin, and how many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RunRate {
    /// How many times every play is played; `None`: once, or without end where there is a duration.
    pub repeat: Option<u64>,
    /// How long runs are begun.
    pub duration: Option<Duration>,
    /// Runs that are due each second, whatever becomes of those before (open loop).
    pub rate: Option<f64>,
    /// How long it takes to reach the full rate, or the full number of jobs.
    pub ramp: Duration,
    /// Which part of all runs is begun here, from 0, and how many parts there are.
    pub part: Option<(u64, u64)>,
}

impl RunRate {
    /// The rate of the part that is begun here.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 machines")]
    pub fn rate_of_part(&self) -> Option<f64> {
        let parts = self.part.map_or(1, |(_, parts)| parts);
        self.rate.map(|rate| rate / parts as f64)
    }

    /// Whether the figures of many runs are wanted, and not each run by itself.
    #[must_use]
    pub fn is_load(&self) -> bool {
        self.repeat.is_some_and(|times| times > 1) || self.duration.is_some() || self.rate.is_some()
    }
}

/// Hands out runs. The runs of all parts have one numbering: run `n` belongs to part `n % parts`, and is due when it would
/// be if one machine played all, so that parts add up to the whole.
#[derive(Debug)]
pub(super) struct Tickets {
    pace: RunRate,
    plays: u64,
    began: Instant,
    next: AtomicU64,
}

impl Tickets {
    pub(super) fn new(pace: &RunRate, plays: usize, began: Instant) -> Tickets {
        Tickets { pace: *pace, plays: plays as u64, began, next: AtomicU64::new(0) }
    }

    pub(super) fn is_open_loop(&self) -> bool {
        self.pace.rate.is_some()
    }

    /// The number of the next run and its play; `None` when there are no more.
    pub(super) fn next(&self) -> Option<(u64, usize)> {
        self.ticket(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The same for the run that is the `local`th of this part, with the moment it is due.
    pub(super) fn due(&self, local: u64) -> Option<(u64, usize, Instant)> {
        let (number, play) = self.ticket(local)?;
        let after = self.due_after(number);
        if self.pace.duration.is_some_and(|duration| after >= duration) {
            return None;
        }
        Some((number, play, self.began + after))
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.pace.duration.is_some_and(|duration| self.began.elapsed() >= duration)
    }

    /// How long one of `jobs` jobs waits at the beginning.
    pub(super) fn ramp_of_slot(&self, slot: usize, jobs: usize) -> Duration {
        let (slot, jobs) = (u32::try_from(slot).unwrap_or(u32::MAX), u32::try_from(jobs).unwrap_or(u32::MAX));
        self.pace.ramp.mul_f64(f64::from(slot) / f64::from(jobs.max(1)))
    }

    fn ticket(&self, local: u64) -> Option<(u64, usize)> {
        let (part, parts) = self.pace.part.unwrap_or((0, 1));
        let number = local.checked_mul(parts)?.checked_add(part)?;
        let times = match (self.pace.repeat, self.pace.duration) {
            (Some(times), _) => times,
            (None, Some(_)) => u64::MAX,
            (None, None) => 1,
        };
        if self.plays == 0 || number >= self.plays.saturating_mul(times) {
            return None;
        }
        usize::try_from(number % self.plays).ok().map(|play| (number, play))
    }

    /// From the start to the moment when run `number` is due. While the rate grows evenly to its full height, the runs due
    /// by the time t are rate × t² / (2 × ramp).
    #[expect(clippy::cast_precision_loss, reason = "of 2^53 runs none is reached")]
    fn due_after(&self, number: u64) -> Duration {
        let (Some(rate), ramp) = (self.pace.rate, self.pace.ramp.as_secs_f64()) else { return Duration::ZERO };
        let number = number as f64;
        let seconds =
            if number < rate * ramp / 2.0 { (2.0 * ramp * number / rate).sqrt() } else { number / rate + ramp / 2.0 };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets(pace: RunRate, plays: usize) -> Tickets {
        Tickets::new(&pace, plays, Instant::now())
    }

    fn all(tickets: &Tickets) -> Vec<(u64, usize)> {
        std::iter::from_fn(|| tickets.next()).collect()
    }

    #[test]
    fn everything_is_played_once() {
        assert_eq!(all(&tickets(RunRate::default(), 3)), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(all(&tickets(RunRate::default(), 0)), []);
    }

    #[test]
    fn repeats_go_round() {
        let pace = RunRate { repeat: Some(2), ..RunRate::default() };
        assert_eq!(all(&tickets(pace, 2)), [(0, 0), (1, 1), (2, 0), (3, 1)]);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let whole =
            RunRate { repeat: Some(5), rate: Some(10.0), ramp: Duration::from_millis(600), ..RunRate::default() };
        let due = |pace: RunRate| {
            let tickets = tickets(pace, 3);
            let moments = (0..).map_while(move |local| tickets.due(local).map(|(n, p, at)| (n, p, at - tickets.began)));
            moments.collect::<Vec<_>>()
        };
        let mut parts: Vec<_> = (0..4).flat_map(|part| due(RunRate { part: Some((part, 4)), ..whole })).collect();
        parts.sort();
        assert_eq!(parts, due(whole));
        assert_eq!(parts.len(), 15);
    }

    #[test]
    fn a_rate_ends_with_the_duration() {
        let pace = RunRate { rate: Some(10.0), duration: Some(Duration::from_secs(2)), ..RunRate::default() };
        let tickets = tickets(pace, 1);
        assert_eq!((0..100).take_while(|local| tickets.due(*local).is_some()).count(), 20);
    }

    #[test]
    fn a_ramp_begins_slowly_and_comes_to_the_full_rate() {
        let pace = RunRate { rate: Some(100.0), ramp: Duration::from_secs(2), ..RunRate::default() };
        let tickets = tickets(pace, 1);
        let seconds = |number| tickets.due_after(number).as_secs_f64();
        assert!((seconds(25) - 1.0).abs() < 1e-9, "a quarter of the ramp's runs in its first half: {}", seconds(25));
        assert!((seconds(100) - 2.0).abs() < 1e-9);
        assert!((seconds(200) - seconds(199) - 0.01).abs() < 1e-9);
    }
}
