//! The progress of a long run: a bar on a terminal, a line now and then elsewhere.

use super::screen;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// A run that is over sooner shows no progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// Elsewhere than on a terminal a line comes this often.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The time that the present rate is taken over.
const RATE_OVER: Duration = Duration::from_secs(2);

/// What is known of a run under way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// Runs that are over.
    pub(super) done: u64,
    /// Runs in all, where that is known.
    pub(super) of: Option<u64>,
    /// Runs that did not follow their script.
    pub(super) failed: u64,
    /// Runs under way.
    pub(super) under_way: u64,
    /// How much of the time is over, where there is a time.
    pub(super) time: Option<(Duration, Duration)>,
}

/// Shows it.
pub(super) struct RunProgress {
    began: Instant,
    bar: Option<ProgressBar>,
    /// Whether it is shown at all, and on a terminal.
    kind: ProgressKind,
    last_line: Instant,
    /// When this many runs were over.
    since: (Instant, u64),
    rate: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProgressKind {
    None,
    Lines,
    Bar,
}

impl RunProgress {
    pub(super) fn new(wanted: bool) -> RunProgress {
        let kind = match (wanted, screen::shows_progress()) {
            (false, _) => ProgressKind::None,
            (true, true) => ProgressKind::Bar,
            (true, false) => ProgressKind::Lines,
        };
        let now = Instant::now();
        RunProgress { began: now, bar: None, kind, last_line: now, since: (now, 0), rate: 0.0 }
    }

    /// Time went by.
    pub(super) fn tick(&mut self, standing: Standing) {
        if self.kind == ProgressKind::None || self.began.elapsed() < PATIENCE {
            return;
        }
        self.measure(standing.done);
        if self.kind == ProgressKind::Bar {
            self.draw(standing);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            screen::notice(&format!("progress: {}", self.told(standing)));
        }
    }

    /// Prints results between the bar's drawings.
    pub(super) fn show(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| screen::result(text)),
            None => screen::result(text),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "of 2^53 runs none is reached")]
    fn measure(&mut self, done: u64) {
        let (since, before) = self.since;
        if since.elapsed() >= RATE_OVER || self.rate == 0.0 {
            self.rate = done.saturating_sub(before) as f64 / since.elapsed().as_secs_f64().max(1e-3);
            self.since = (Instant::now(), done);
        }
    }

    fn draw(&mut self, standing: Standing) {
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        bar.set_position(thousandths(standing));
        let message = self.told(standing);
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }

    fn told(&self, standing: Standing) -> String {
        let of = standing.of.map(|of| format!(" of {of}")).unwrap_or_default();
        let time = standing.time.map(|(gone, all)| format!(", {} of {} s", gone.as_secs(), all.as_secs()));
        let Standing { done, failed, under_way, .. } = standing;
        format!(
            "{done}{of} done, {failed} not followed, {under_way} under way, {:.1}/s{}",
            self.rate,
            time.unwrap_or_default()
        )
    }
}

fn thousandths(standing: Standing) -> u64 {
    let of_runs = standing.of.map(|of| standing.done * 1000 / of.max(1));
    let of_time = standing
        .time
        .map(|(gone, all)| u64::try_from(gone.as_millis() * 1000 / all.as_millis().max(1)).unwrap_or(1000));
    of_runs.max(of_time).unwrap_or(0).min(1000)
}
