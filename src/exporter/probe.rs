//! One probe: a scenario played against a target in the time that the scrape leaves.

use super::library::ProbeScenario;
use crate::net::clock;
use crate::report::collect::{self, Circumstances};
use crate::report::model::ScenarioReport;
use crate::run::{self, Settings, Stop};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The answer has to reach Prometheus before its own time is over.
const OFFSET: Duration = Duration::from_millis(500);

/// What is to be probed.
pub(super) struct Probe {
    /// Its name.
    pub(super) name: String,
    pub(super) scenario: Arc<ProbeScenario>,
    pub(super) target: (String, u16),
    pub(super) limit: Duration,
}

/// Why there is no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotProbed {
    /// So many others were under way that its time was over before its turn.
    Busy,
    /// A bug, whose message went to standard error.
    Bug,
}

/// How long a probe may take if its scrape may take `seconds`.
pub(super) fn limit(scrape: Option<f64>, longest: Duration) -> Duration {
    let scrape = scrape.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|limit| !limit.is_zero());
    match scrape {
        Some(scrape) if scrape > OFFSET * 2 => longest.min(scrape.saturating_sub(OFFSET)),
        Some(scrape) => longest.min(scrape / 2),
        None => longest,
    }
}

/// Plays it as soon as one of the slots is free. When nobody waits any more, it ends at once.
pub(super) async fn play(probe: Probe, slots: &Arc<Semaphore>) -> Result<ScenarioReport, NotProbed> {
    let asked = Instant::now();
    let slot = clock::within(probe.limit, slots.clone().acquire_owned()).await;
    let Ok(Ok(slot)) = slot else { return Err(NotProbed::Busy) };
    let stop = Stop::default();
    let _awaited = StopWhenDropped(stop.clone());
    let settings = Settings {
        to: Some((probe.target.0, Some(probe.target.1))),
        max_time: Some(probe.limit.saturating_sub(asked.elapsed())),
        stop: Some(stop),
        ..probe.scenario.settings.clone()
    };
    let (name, played) = (probe.name, probe.scenario);
    let body = move || {
        let outcome = run::run(&played.scenario, &played.variables, &settings);
        drop(slot);
        collect::played(&outcome, Circumstances { id: name, ..Circumstances::default() }, &played.warnings)
    };
    tokio::task::spawn_blocking(body).await.map_err(|_| NotProbed::Bug)
}

/// Ends a run when whoever asked for it has gone.
struct StopWhenDropped(Stop);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scrape_leaves_less_than_it_may_take() {
        let longest = Duration::from_secs(30);
        for (scrape, wanted) in [
            (None, 30.0),
            (Some(10.0), 9.5),
            (Some(300.0), 30.0),
            (Some(0.8), 0.4),
            (Some(0.0), 30.0),
            (Some(-1.0), 30.0),
            (Some(f64::NAN), 30.0),
            (Some(f64::INFINITY), 30.0),
        ] {
            assert_eq!(limit(scrape, longest), Duration::from_secs_f64(wanted), "{scrape:?}");
        }
    }
}
