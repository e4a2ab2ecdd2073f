//! What the exporter counts of itself.

use crate::report::exposition::{ExpositionPage, number, sample};
use crate::report::probe::Failure;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Why a request got no probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ProbeRefusal {
    /// Its parameters could not be read.
    Request,
    /// No scenario has this name.
    Scenario,
    /// The target is not allowed.
    Target,
    /// Too many probes were under way.
    Busy,
}

/// Counters since the start. Labels come from the scenarios and from here: their number does not grow with time.
#[derive(Default)]
pub(super) struct ExporterFigures {
    probes: BTreeMap<(String, Option<Failure>), u64>,
    durations: BTreeMap<String, Duration>,
    refused: BTreeMap<ProbeRefusal, u64>,
    reloads: [u64; 2],
    last_reload_failed: bool,
    last_good_load: Option<Timestamp>,
}

impl ExporterFigures {
    pub(super) fn probed(&mut self, scenario: &str, failure: Option<Failure>, took: Duration) {
        *self.probes.entry((scenario.to_owned(), failure)).or_default() += 1;
        *self.durations.entry(scenario.to_owned()).or_default() += took;
    }

    pub(super) fn refused(&mut self, why: ProbeRefusal) {
        *self.refused.entry(why).or_default() += 1;
    }

    /// The scenarios were loaded, at the start or by a reload.
    pub(super) fn loaded(&mut self) {
        self.last_reload_failed = false;
        self.last_good_load = Some(Timestamp::now());
    }

    pub(super) fn reloaded(&mut self, succeeded: bool) {
        self.reloads[usize::from(succeeded)] += 1;
        if succeeded {
            self.loaded();
        } else {
            self.last_reload_failed = true;
        }
    }

    /// All of it in Prometheus's text format.
    pub(super) fn page(&self, scenarios: usize, under_way: usize) -> String {
        let mut page = ExpositionPage::of("smtp_script_");
        let one = |value: f64| vec![sample(&[], value)];
        let version = sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        page.gauge("build_info", "The program.", vec![version]);
        page.gauge("exporter_scenarios", "Scenarios that can be probed.", one(number(scenarios)));
        page.gauge("exporter_probes_under_way", "Probes under way.", one(number(under_way)));
        let word = |failure: Option<Failure>| failure.map_or("success", Failure::word);
        let probes = self.probes.iter().map(|((scenario, failure), count)| {
            sample(&[("scenario", scenario), ("result", word(*failure))], number(*count))
        });
        page.counter("exporter_probes_total", "Finished probes, by verdict.", probes.collect());
        let seconds = self.durations.iter().map(|(scenario, sum)| sample(&[("scenario", scenario)], sum.as_secs_f64()));
        page.counter("exporter_probe_seconds_total", "What these probes took together.", seconds.collect());
        let refused = [ProbeRefusal::Request, ProbeRefusal::Scenario, ProbeRefusal::Target, ProbeRefusal::Busy]
            .map(|why| sample(&[("reason", why.word())], number(self.refused.get(&why).copied().unwrap_or_default())));
        page.counter("exporter_refused_requests_total", "Requests that got no probe.", refused.to_vec());
        self.of_reloads(&mut page);
        page.into_text()
    }

    fn of_reloads(&self, page: &mut ExpositionPage) {
        let reloads = [("failed", self.reloads[0]), ("succeeded", self.reloads[1])];
        let reloads = reloads.map(|(result, count)| sample(&[("result", result)], number(count)));
        page.counter("exporter_reloads_total", "Reloads of the scenarios.", reloads.to_vec());
        let good = if self.last_reload_failed { 0.0 } else { 1.0 };
        let help = "Whether the scenarios on disk are those that are probed.";
        page.gauge("exporter_last_reload_successful", help, vec![sample(&[], good)]);
        let last = self.last_good_load.map(|moment| sample(&[], moment.as_duration().as_secs_f64()));
        let help = "When the scenarios were last loaded, as unix time.";
        page.gauge("exporter_last_reload_success_timestamp_seconds", help, last.into_iter().collect());
    }
}

impl ProbeRefusal {
    fn word(self) -> &'static str {
        match self {
            ProbeRefusal::Request => "request",
            ProbeRefusal::Scenario => "scenario",
            ProbeRefusal::Target => "target",
            ProbeRefusal::Busy => "busy",
        }
    }
}
