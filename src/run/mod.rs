//! A scenario played over sessions.
//!
//! Responsible for the order of things: steps, groups, `when`, `finally`, and what a divergence ends. What is on the
//! wire is `crate::session`'s, what a reply must be `expect`'s, how a divergence is told `diagnose`'s business.

mod auth;
mod bdat;
mod certificate;
mod connection;
mod content;
mod descriptors;
mod diagnose;
mod disclosure;
mod expect;
mod group;
mod message;
mod outcome;
mod own_server;
mod pace;
mod pace_of_runs;
mod pipeline;
mod player;
mod rewrite;
mod sandbox;
mod schedule;
mod scope;
mod serving;
mod signals;
mod steps;
mod stop;

pub use crate::session::{Admission, Entry, Event as Happened, Exchange, Observer, ReplyEntry, Speaker};
pub(crate) use connection::file_root;
pub(crate) use descriptors::ensure_descriptors;
pub use disclosure::BoundSecrets;
pub(crate) use disclosure::{disclosures, hosts_of, places_of, secrets_by_host, unbound, with_placeholders};
pub(crate) use message::media_type_of;
pub use outcome::{Cause, CertificateOutcome, Divergence, Handshake, Outcome, SessionOutcome, StepOutcome, Verdict};
pub use pace_of_runs::Pace;
pub use rewrite::Rewrite;
pub use sandbox::SharedSandbox;
pub use schedule::{Course, Event, Finished, Listener, Plan, Play, play_all};
pub use serving::Listening;
pub(crate) use serving::SandboxRules;
pub(crate) use signals::{Hangups, asked_to_end, on_signal};
pub use stop::Stop;

use crate::scenario::{Scenario, Variables};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a scenario is to be played.
#[derive(Clone, Default)]
pub struct Settings {
    /// Play against the built-in server on loopback.
    pub sandbox: bool,
    /// Send every session to this host and port.
    pub to: Option<(String, u16)>,
    /// Ask this DNS server for MX records and for the addresses of the hosts they name, instead of the machine's.
    pub resolver: Option<SocketAddr>,
    /// Trust these certificates (PEM) instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Verify no certificate.
    pub insecure: bool,
    /// Let secrets go over plain or unverified sessions to other hosts than this one.
    pub insecure_secrets: bool,
    /// Show secrets in the transcript and in what is quoted.
    pub show_secrets: bool,
    /// Replaces the file's `timeout`.
    pub timeout: Option<Duration>,
    /// The longest the whole run may take.
    pub max_time: Option<Duration>,
    /// Fixes time and randomness of templates.
    pub seed: Option<u64>,
    /// The folder that files are read from; the scenario's own by default.
    pub file_root: Option<PathBuf>,
    /// Of the mail exchangers of `connect: {mx: …}` the one to go to: one of [`exchangers`].
    pub exchanger: Option<String>,
    /// Somebody else's scenario: it reads no file (unless `file_root` is given) and reaches no unix socket and no loopback,
    /// private or link-local address, but for `to` and `allow_hosts`.
    pub untrusted: bool,
    /// Hosts that an untrusted scenario may reach wherever they are.
    pub allow_hosts: Vec<String>,
    /// To which hosts an untrusted scenario may send its secrets.
    pub bound: Arc<BoundSecrets>,
    /// Take replies that are not what is expected for right, and tell what the expectations must become.
    pub update: bool,
    /// The built-in server of several runs; without it each starts its own.
    pub shared_sandbox: Option<SharedSandbox>,
    /// Paces the connects of many runs at once.
    pub admission: Option<Admission>,
    /// Where a server of the file listens, instead of where the file says.
    pub listen: Option<SocketAddr>,
    /// Keeps what both sides did on each connection, so that the server's part can be played again; not where
    /// `show_secrets` is set.
    pub record: bool,
    /// Ends the run at once when it is told to.
    pub stop: Option<Stop>,
    /// Sees each line of the transcript as it is written.
    pub observer: Option<Observer>,
}

/// Plays a scenario and tells what came of it. It never fails: a divergence is data.
///
/// The scenario must have been [checked](crate::check); it blocks the thread until the run is over.
#[must_use]
pub fn run(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(player::play(scenario, variables, settings));
            // A name lookup that was given up still runs in a thread: nobody waits for it.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => player::not_started(scenario, &error.to_string()),
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
    let scenario = Scenario { opening: None, steps: Vec::new(), finally: Vec::new(), ..scenario.clone() };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let stop = settings.stop.clone().unwrap_or_default();
            let settings = Settings { stop: Some(stop.clone()), ..settings.clone() };
            runtime.spawn(signals::stop_on_signal(stop));
            let outcome = runtime.block_on(player::serve(&scenario, variables, &settings, ready));
            runtime.shutdown_background();
            outcome
        }
        Err(error) => player::not_started(&scenario, &error.to_string()),
    }
}

/// The mail exchangers that a scenario asks to be played with, each in turn (`connect: {mx: …, every: true}`).
///
/// Empty where it asks for nothing of that kind, and where they cannot be found out; it blocks the thread.
#[must_use]
pub fn exchangers(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = |runtime: tokio::runtime::Runtime| {
        let found = runtime.block_on(connection::every_exchanger(scenario, variables, settings));
        runtime.shutdown_background();
        found
    };
    if scenario.plays_every_exchanger() { runtime.map(found).unwrap_or_default() } else { Vec::new() }
}

/// Text of a scenario as it may be shown: without the values of its secrets.
#[must_use]
pub fn masked(text: &str, variables: &Variables) -> String {
    crate::secret::Masker::new(&variables.secrets).mask_text(text)
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Settings").field("sandbox", &self.sandbox).field("to", &self.to).finish_non_exhaustive()
    }
}
