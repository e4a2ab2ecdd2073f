//! When plays begin and end: one, many at a pace, with their stop; and the public face of playing.
//!
//! Responsible for the runtime, the schedule, the sandbox that plays share, and the server of the same file. What is
//! played is `crate::play`'s business, connections that come `crate::host`'s.

mod descriptors;
mod fault;
mod one;
mod own_server;
mod pace_of_runs;
mod plan;
mod processor_time;
mod program;
mod sandbox;
mod schedule;

pub use crate::host::Listening;
pub(crate) use crate::host::SandboxRules;
pub(crate) use crate::net::signals::{Hangups, asked_to_end, on_signal, stop_on_signal};
pub use crate::play::client::BoundSecrets;
pub(crate) use crate::play::client::{
    disclosures, file_root, hosts_of, media_type_of, places_of, secrets_by_host, unbound, with_placeholders,
};
pub(crate) use crate::play::what_came;
pub use crate::play::{
    Cause, CertificateOutcome, ClaimOutcome, ClientEnd, ClientExit, ClientProgram, Divergence, Handshake, Kind,
    Outcome, OutsideClient, PassedStep, PassedSteps, Rewrite, RunVerdict, SessionOutcome, Settings, SharedSandbox,
    StepNumber, StepOutcome, StepSide, Stop, Verdict,
};
pub use crate::session::{
    Admission, Arrivals, Entry, Event as Happened, Exchange, OWN_CLOSE, Observer, ReplyEntry, Speaker,
};
pub(crate) use descriptors::ensure_descriptors;
pub use fault::RunFault;
pub use pace_of_runs::RunRate;
pub use plan::{Again, Course, Finished, Plan, Play, Room, RunEvent, RunListener};
pub use schedule::play_all;

/// Room for this many runs at once.
#[must_use]
pub fn room_for(runs: usize) -> Room {
    Room::new(tokio::sync::Semaphore::new(runs.max(1)))
}

use crate::play::props::Props;
use crate::scenario::{CheckContext, Diagnostic, KnownFindings, PemChecks, Scenario, Variables, check};
use std::sync::Arc;

/// Plays a scenario and tells what came of it. It never fails: a divergence is data.
///
/// The scenario must have been [checked](crate::check); it blocks the thread until the run is over.
#[must_use]
pub fn run(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let props = Props::new(variables, settings);
            let outcome = runtime.block_on(one::play(scenario, variables, &props, settings));
            // A name lookup that was given up still runs in a thread: nobody waits for it.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => one::not_started(scenario, &error.to_string()),
    }
}

/// Plays the server's side of a scenario alone, until all listed connections were served, or to the end of its time.
///
/// `ready` is called once it listens. A signal that asks the program to end is a wish to stop. The scenario must have been [checked](crate::check); it blocks the thread.
#[must_use]
pub fn serve(
    scenario: &Scenario,
    variables: &Variables,
    settings: &Settings,
    ready: &mut dyn FnMut(&Listening),
) -> Outcome {
    let mut scenario = scenario.clone();
    if scenario.opening.take().is_some() || !scenario.steps.is_empty() {
        // What a client requires is looked at on its side.
        scenario.requires.clear();
    }
    (scenario.steps, scenario.finally) = (Vec::new(), Vec::new());
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let stop = settings.stop.clone().unwrap_or_default();
            let settings = Settings { stop: Some(stop.clone()), ..settings.clone() };
            runtime.spawn(stop_on_signal(move || stop.stop()));
            let outcome = runtime.block_on(one::serve(&scenario, variables, &settings, ready));
            runtime.shutdown_background();
            outcome
        }
        Err(error) => one::not_started(&scenario, &error.to_string()),
    }
}

/// The mail exchangers that a scenario asks to be played with, each in turn (`connect: {mx: …, every: true}`).
///
/// Empty where it asks for nothing of that kind, and where they cannot be found out; it blocks the thread.
#[must_use]
pub fn exchangers(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Vec<String> {
    if !scenario.plays_every_exchanger() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = |runtime: tokio::runtime::Runtime| {
        let found = runtime.block_on(crate::play::client::every_exchanger(scenario, variables, settings));
        runtime.shutdown_background();
        found
    };
    runtime.map(found).unwrap_or_default()
}

/// Finds every error and lint of a scenario that is checked with several sets of variables: what is `known` of its file is
/// not looked for again.
pub(crate) fn check_again(
    scenario: &Scenario,
    variables: Option<&Variables>,
    settings: &Settings,
    known: &Arc<KnownFindings>,
) -> Vec<Diagnostic> {
    let file_root = file_root(scenario, settings);
    let pem = PemChecks { certificate: crate::server::certificate_fault, key: crate::server::key_fault };
    let untrusted = settings.untrusted;
    // Where a secret decides what it may not, nothing is said that depends on its value.
    let variables = variables.filter(|variables| variables.flow.faults(untrusted).is_empty()).cloned();
    check(scenario, &CheckContext { file_root, variables, untrusted, pem, known: known.clone() })
}

/// Text of a scenario as it may be shown: without the values of its secrets.
#[must_use]
pub fn masked(text: &str, variables: &Variables) -> String {
    crate::secret::Masker::of(variables).mask_text(text)
}
