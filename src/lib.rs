//! smtp-script plays scripted SMTP conversations, expect-style, and reports which step diverged.
//!
//! The way through the crate, from what the user wrote to what the user reads:
//!
//! 1. [`load()`] reads a YAML file into a [`Scenario`]: plain data in which every node knows its place.
//! 2. [`Variables::resolve`](scenario::Variables::resolve) gives its variables and secrets their values.
//! 3. [`check`] finds everything that can be known to be wrong before the first connection.
//! 4. [`run()`](run::run) plays it over real connections and gives an [`Outcome`](run::Outcome). A divergence is data, not an error.
//! 5. [`report`] turns the outcome into what a person or a machine reads.
//!
//! ```no_run
//! use smtp_script::{check, load, run, scenario::{Inputs, Variables}};
//!
//! let scenario = load("scenarios/sendgrid-auth-login.yaml".as_ref()).expect("a readable scenario");
//! let variables = Variables::resolve(&scenario, &Inputs::default()).expect("values for all secrets");
//! let settings = run::Settings { sandbox: true, ..run::Settings::default() };
//! assert!(check(&scenario, Some(&variables), &settings).iter().all(|diagnostic| !diagnostic.is_error()));
//! let outcome = run::run(&scenario, &variables, &settings);
//! assert!(outcome.followed());
//! ```
#![forbid(unsafe_code)]

pub mod cli;
mod exporter;
mod fence;
mod host;
pub mod library;
mod net;
mod play;
pub mod portable;
mod proxy;
pub mod recording;
pub mod report;
pub mod run;
pub mod scenario;
mod secret;
mod server;
mod session;
mod shell;
pub mod smtp;
mod visible;

pub use load::{LoadError, load, load_below, load_built_in, load_recording, load_text, load_untrusted};
pub use visible::visible;

mod load;

use run::Settings;
use scenario::{Diagnostic, Scenario, Variables};
use std::sync::Arc;

/// Finds every error and lint of a scenario that can be found before the first connection.
///
/// Give the variables where they are known: the files that their values name are then checked as well.
#[must_use]
pub fn check(scenario: &Scenario, variables: Option<&Variables>, settings: &Settings) -> Vec<Diagnostic> {
    check_again(scenario, variables, settings, &Arc::default())
}

/// The same for a file that is checked with several sets of variables: what is `known` is not looked for again.
pub(crate) fn check_again(
    scenario: &Scenario,
    variables: Option<&Variables>,
    settings: &Settings,
    known: &Arc<scenario::KnownFindings>,
) -> Vec<Diagnostic> {
    let file_root = run::file_root(scenario, settings);
    let pem = scenario::PemChecks { certificate: server::certificate_fault, key: server::key_fault };
    let untrusted = settings.untrusted;
    // Where a secret decides what it may not, nothing is said that depends on its value.
    let variables = variables.filter(|variables| variables.flow.faults(untrusted).is_empty()).cloned();
    scenario::check(scenario, &scenario::CheckContext { file_root, variables, untrusted, pem, known: known.clone() })
}
