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

mod audit;
pub mod cli;
mod exporter;
mod fence;
#[cfg(fuzzing)]
pub mod fuzzing;
mod host;
pub mod library;
mod net;
mod play;
pub mod portable;
mod proxy;
mod public;
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

/// Finds every error and lint of a scenario that can be found before the first connection.
///
/// Give the variables where they are known: the files that their values name are then checked as well.
#[must_use]
pub fn check(scenario: &Scenario, variables: Option<&Variables>, settings: &Settings) -> Vec<Diagnostic> {
    run::check_again(scenario, variables, settings, &std::sync::Arc::default())
}
