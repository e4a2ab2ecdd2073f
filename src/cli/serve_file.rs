//! `smtp-script serve FILE`: plays the server's side of a scenario to whoever connects.
//!
//! Responsible for its options and for what it prints: where it listens, and what came of each connection. What is played
//! is [`run::serve`]'s business.

use super::check::all_of;
use super::screen::{self, Color};
use super::targets::{Files, is_strangers};
use super::values::{self, ValueArguments};
use super::{INTERRUPTED, USAGE};
use crate::report::human;
use crate::run::{self, Listening, Outcome, Settings, Stop, Verdict};
use crate::scenario::{Diagnostic, Scenario, Sources, Variables, duration, parse_listen, reason, undeclared};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Play the server's side of a scenario. The first line printed is `listening on ADDRESS`; it ends when all listed
/// connections were served, with the exit codes of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct ServeFileArguments {
    /// A scenario with `server:`, or a report in Markdown, of which what the server did is played
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    values: ValueArguments,
    /// Listen here, instead of where the file says; port 0 is any free one
    #[arg(long, value_name = "IP:PORT", value_parser = parse_listen)]
    listen: Option<SocketAddr>,
    /// Write the certificate that clients must trust into this file, in PEM, before anything is printed
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
    /// End after so long, whoever has not come by then
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    max_time: Option<Duration>,
    /// How long one wait for a client may take; replaces the file's `timeout` (for example 5s)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Let secrets go over plain connections to other machines
    #[arg(long)]
    insecure_secrets: bool,
    /// Play a stranger's scenario: it reads no file without --file-root, and listens on loopback unless --listen says so
    #[arg(long)]
    untrusted: bool,
    /// Let the scenario read files below this folder (instead of its own)
    #[arg(long, value_name = "DIR")]
    file_root: Option<PathBuf>,
    /// Fix the time and randomness of templates
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Show each line of the conversations as it happens
    #[arg(short, long)]
    verbose: bool,
    /// Print nothing but where it listens, and what diverged
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// Serves and gives the exit code.
pub(super) fn serve(arguments: &ServeFileArguments) -> u8 {
    arguments.serve().unwrap_or_else(|message| {
        screen::notice(&format!("error: {message}"));
        USAGE
    })
}

impl ServeFileArguments {
    fn serve(&self) -> Result<u8, String> {
        let stop = Stop::default();
        let mut settings = self.settings(&stop);
        let files = Files { root: self.file_root.as_deref(), untrusted: self.untrusted };
        let scenario = match files.load_served(&self.file) {
            Ok(scenario) => scenario,
            Err(error) => {
                let (sources, diagnostics) = all_of(error, &settings);
                return Ok(self.refuse(&sources, &diagnostics));
            }
        };
        settings.untrusted |= is_strangers(&scenario);
        if let Some(first) = undeclared(&[&scenario], &self.values.given()).first() {
            return Err(first.clone());
        }
        if !scenario.has_server() {
            return Err(format!("`{}` has no `server:`: there is nothing to serve", self.file.display()));
        }
        let mut inputs = self.values.inputs(&[&scenario])?;
        values::complete(&mut inputs, &[&scenario], self.values.made_up_secrets)?;
        let variables = match Variables::resolve(&scenario, &inputs) {
            Ok(variables) => variables,
            Err(error) => return Ok(self.refuse(&scenario.sources, &error.diagnostics)),
        };
        let diagnostics = crate::check(&scenario, Some(&variables), &settings);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Ok(self.refuse(&scenario.sources, &diagnostics));
        }
        if !self.quiet {
            self.show(&scenario.sources, &diagnostics);
        }
        let outcome = self.play(&scenario, &variables, &settings)?;
        self.tell(&outcome);
        Ok(if stop.is_stopped() { INTERRUPTED } else { outcome.exit_code() })
    }

    fn play(&self, scenario: &Scenario, variables: &Variables, settings: &Settings) -> Result<Outcome, String> {
        let mut unwritten = None;
        let outcome = run::serve(scenario, variables, settings, &mut |listening: &Listening| {
            if let Some(file) = &self.ca_out
                && let Err(error) = std::fs::write(file, &listening.trust_pem)
            {
                unwritten = Some(format!("cannot write `{}`: {}", file.display(), reason(&error)));
                settings.stop.iter().for_each(Stop::stop);
                return;
            }
            screen::result(&format!("listening on {}\n", listening.address));
        });
        unwritten.map_or(Ok(outcome), Err)
    }

    /// The verdict, and that of each connection.
    fn tell(&self, outcome: &Outcome) {
        if self.quiet && outcome.followed() {
            return;
        }
        screen::result(&human::outcome(outcome, 0, self.color.for_results()));
        for step in outcome.steps.iter().filter(|step| step.action == "connection") {
            let number = step.number.trim_start_matches("server.");
            let name = step.name.as_ref().map(|name| format!(" \"{}\"", crate::visible(name.as_bytes())));
            let verdict = match step.verdict {
                Verdict::Followed => "followed",
                Verdict::Diverged => "diverged",
                Verdict::Skipped | Verdict::Unreached => "unreached",
            };
            let took = step.duration.as_secs_f64();
            screen::result(&format!("connection {number}{}: {verdict} ({took:.3} s)\n", name.unwrap_or_default()));
        }
    }

    fn refuse(&self, sources: &Sources, diagnostics: &[Diagnostic]) -> u8 {
        self.show(sources, diagnostics);
        USAGE
    }

    fn show(&self, sources: &Sources, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            screen::notice(&format!("{}\n", diagnostic.render(sources, self.color.for_notices().0)));
        }
    }

    fn settings(&self, stop: &Stop) -> Settings {
        let styled = self.color.for_notices();
        let live: run::Observer = Arc::new(move |entry| screen::notice(&human::entry(entry, true, styled)));
        Settings {
            listen: self.listen,
            insecure_secrets: self.insecure_secrets,
            timeout: self.timeout,
            max_time: self.max_time,
            seed: self.seed,
            file_root: self.file_root.clone(),
            untrusted: self.untrusted,
            stop: Some(stop.clone()),
            observer: self.verbose.then_some(live),
            ..Settings::default()
        }
    }
}
