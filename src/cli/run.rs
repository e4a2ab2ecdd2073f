//! `smtp-script run`: plays scenarios one after the other and says where each diverged.

use super::USAGE;
use super::check::all_of;
use super::screen::{self, Color};
use super::targets::{Files, Targets, is_strangers};
use super::values::{self, ValueArguments};
use crate::load::LoadError;
use crate::report::human::{self, Styled, Tally};
use crate::run::{self, Observer, Outcome, Settings};
use crate::scenario::address::split_address;
use crate::scenario::{Diagnostic, Inputs, Scenario, Sources, Variables, duration, reason, undeclared};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Play scenarios. The exit code is 0 when every conversation followed its script, 1 when one diverged, 2 when something
/// could not be run as asked, 3 when there was no connection.
#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    /// Scenario files, folders, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    targets: Vec<String>,
    #[command(flatten)]
    values: ValueArguments,
    #[command(flatten)]
    connections: ConnectionArguments,
    /// Play each scenario once for each row of this CSV file; its first row names variables
    #[arg(long, value_name = "FILE.csv")]
    cases: Option<PathBuf>,
    /// Fix the time and randomness of templates
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Let scenarios read files below this folder (instead of their own)
    #[arg(long, value_name = "DIR")]
    file_root: Option<PathBuf>,
    /// End at the first scenario that does not follow its script
    #[arg(long)]
    fail_fast: bool,
    /// Show each line of the conversation as it happens
    #[arg(short, long)]
    verbose: bool,
    /// Print nothing about conversations that follow their script
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Show secrets on the terminal
    #[arg(long)]
    show_secrets: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// Options that say where sessions go and how.
#[derive(Debug, clap::Args)]
struct ConnectionArguments {
    /// Play against the built-in server on loopback: needs neither network nor account
    #[arg(long, conflicts_with = "to")]
    sandbox: bool,
    /// Send every session to this server; the TLS mode stays as the file has it
    #[arg(long, value_name = "HOST:PORT", value_parser = split_address)]
    to: Option<(String, u16)>,
    /// Ask this DNS server about `mx:`, for MX records and their hosts' addresses, instead of this machine's
    #[arg(long, value_name = "IP:PORT")]
    resolver: Option<SocketAddr>,
    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Verify no certificate
    #[arg(long)]
    insecure: bool,
    /// Let secrets go over plain or unverified connections to other hosts than this one
    #[arg(long)]
    insecure_secrets: bool,
    /// Play a stranger's scenario: it reads no file without --file-root, and reaches public addresses only
    #[arg(long)]
    untrusted: bool,
    /// Let an untrusted scenario reach this host wherever it is (repeatable)
    #[arg(long = "allow-host", value_name = "HOST")]
    allow_hosts: Vec<String>,
    /// How long one wait may take; replaces the file's `timeout` (for example 5s)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// How long the whole of each run may take
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    max_time: Option<Duration>,
}

/// Plays everything that was named and gives the exit code.
pub(super) fn run(arguments: &RunArguments) -> u8 {
    match Session::prepare(arguments) {
        Ok(session) => session.play(),
        Err(message) => {
            screen::notice(&format!("error: {message}"));
            USAGE
        }
    }
}

/// One call of `run`.
struct Session<'a> {
    arguments: &'a RunArguments,
    settings: Settings,
    inputs: Inputs,
    targets: Targets,
    tally: Tally,
    codes: Vec<u8>,
    cases: Option<(Vec<String>, Vec<Vec<String>>)>,
    /// What was said of the present scenario already: its cases have much in common.
    said: BTreeSet<String>,
}

impl<'a> Session<'a> {
    /// Reads all that is needed before the first scenario is played.
    fn prepare(arguments: &'a RunArguments) -> Result<Session<'a>, String> {
        let targets = Targets::read(&arguments.targets, arguments.files());
        let scenarios: Vec<&Scenario> = targets.loaded.iter().filter_map(|loaded| loaded.as_ref().ok()).collect();
        let all_read = scenarios.len() == targets.loaded.len();
        if all_read && let Some(first) = undeclared(&scenarios, &arguments.values.given()).first() {
            return Err(first.clone());
        }
        let mut inputs = arguments.values.inputs(&scenarios)?;
        let made_up = arguments.values.made_up_secrets || arguments.connections.sandbox;
        values::complete(&mut inputs, &scenarios, made_up)?;
        let settings = arguments.settings()?;
        let cases = arguments.cases.as_deref().map(values::rows_of).transpose()?;
        if let (Some(file), Some((names, _)), true) = (&arguments.cases, &cases, all_read) {
            refuse_undeclared(file, names, &scenarios)?;
        }
        Ok(Session {
            arguments,
            settings,
            inputs,
            tally: Tally::default(),
            codes: Vec::new(),
            cases,
            targets,
            said: BTreeSet::new(),
        })
    }

    fn play(mut self) -> u8 {
        let started = Instant::now();
        for complaint in std::mem::take(&mut self.targets.complaints) {
            screen::notice(&format!("error: {complaint}"));
            self.codes.push(USAGE);
        }
        self.tally.left_out = self.targets.left_out;
        for loaded in std::mem::take(&mut self.targets.loaded) {
            self.play_one(loaded);
            if self.ends_early() {
                break;
            }
        }
        let quiet = self.arguments.quiet && self.tally.diverged + self.tally.broken == 0;
        let count = self.tally.followed + self.tally.diverged + self.tally.broken;
        if !quiet && count > 0 {
            screen::result(&format!("{}\n", human::summary(self.tally, started.elapsed())));
        }
        self.exit_code()
    }

    fn play_one(&mut self, loaded: Result<Scenario, LoadError>) {
        let mut scenario = match loaded {
            Ok(scenario) => scenario,
            Err(error) => {
                let (sources, diagnostics) = all_of(error, &self.settings);
                return self.broken(&sources, &diagnostics);
            }
        };
        self.settings.untrusted = self.arguments.connections.untrusted || is_strangers(&scenario);
        self.said.clear();
        if let Some((names, rows)) = &self.cases {
            scenario.set_cases(names, rows);
        }
        match scenario.case_count() {
            0 => self.play_case(&scenario, None),
            count => {
                for case in 0..count {
                    self.play_case(&scenario, Some(case));
                    if self.ends_early() {
                        break;
                    }
                }
            }
        }
    }

    fn ends_early(&self) -> bool {
        self.arguments.fail_fast && self.codes.iter().any(|code| *code != 0)
    }

    /// Plays a scenario with one set of variables.
    fn play_case(&mut self, scenario: &Scenario, case: Option<usize>) {
        let variables = match Variables::for_case(scenario, &self.inputs, case) {
            Ok(variables) => variables,
            Err(error) => {
                let mut diagnostics = crate::check(scenario, None, &self.settings);
                diagnostics.retain(Diagnostic::is_error);
                diagnostics.extend(error.diagnostics);
                return self.broken(&scenario.sources, &diagnostics);
            }
        };
        let diagnostics = crate::check(scenario, Some(&variables), &self.settings);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return self.broken(&scenario.sources, &diagnostics);
        }
        self.warn(&scenario.sources, &diagnostics);
        self.announce(scenario, &variables);
        let exchangers = run::exchangers(scenario, &variables, &self.settings);
        let each: Vec<Option<String>> =
            if exchangers.is_empty() { vec![None] } else { exchangers.into_iter().map(Some).collect() };
        for exchanger in each {
            let settings = Settings { exchanger: exchanger.clone(), ..self.settings.clone() };
            let mut outcome = run::run(scenario, &variables, &settings);
            let of_case = case.map(|case| format!("[case {}]", scenario.case_name(case)));
            let of_exchanger = exchanger.map(|host| format!("[MX {host}]"));
            let labels: Vec<String> = of_case.into_iter().chain(of_exchanger).collect();
            if !labels.is_empty() {
                let name = if outcome.name == outcome.path { String::new() } else { format!("{} ", outcome.name) };
                outcome.name = format!("{name}{}", labels.join(" "));
            }
            self.report(&outcome);
        }
    }

    fn report(&mut self, outcome: &Outcome) {
        for notice in &outcome.notices {
            self.notice(notice);
        }
        if outcome.followed() {
            self.tally.followed += 1;
        } else if outcome.exit_code() == USAGE {
            self.tally.broken += 1;
        } else {
            self.tally.diverged += 1;
        }
        self.codes.push(outcome.exit_code());
        if !(self.arguments.quiet && outcome.followed()) {
            screen::result(&human::outcome(outcome, self.arguments.color.for_results()));
        }
    }

    /// A file that cannot be run is an error of its own; the others are played.
    fn broken(&mut self, sources: &Sources, diagnostics: &[Diagnostic]) {
        let styled = self.arguments.color.for_notices();
        for diagnostic in diagnostics {
            screen::notice(&format!("{}\n", diagnostic.render(sources, styled.0)));
        }
        self.tally.broken += 1;
        self.codes.push(USAGE);
    }

    fn warn(&mut self, sources: &Sources, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            self.say_once(format!("{}\n", diagnostic.render(sources, self.arguments.color.for_notices().0)));
        }
    }

    fn say_once(&mut self, text: String) {
        if !self.arguments.quiet && !self.said.contains(&text) {
            screen::notice(&text);
            self.said.insert(text);
        }
    }

    /// Says which secret goes to which host, before the first connection.
    fn announce(&mut self, scenario: &Scenario, variables: &Variables) {
        if self.arguments.connections.sandbox {
            return;
        }
        for (host, secrets) in run::secrets_by_host(scenario, variables, &self.settings) {
            let list: Vec<String> = secrets.iter().map(|name| format!("`{name}`")).collect();
            let noun = if list.len() == 1 { "the secret" } else { "the secrets" };
            let (list, host) = (list.join(", "), crate::visible(host.as_bytes()));
            self.say_once(format!("notice: {noun} {list} will be sent to {host}"));
        }
    }

    fn notice(&self, text: &str) {
        if !self.arguments.quiet {
            screen::notice(&format!("notice: {text}"));
        }
    }

    /// Of several the first of 2, 1, 3 that applies.
    fn exit_code(&self) -> u8 {
        let first = [2, 1, 3].into_iter().find(|code| self.codes.contains(code));
        first.unwrap_or(0)
    }
}

impl RunArguments {
    fn files(&self) -> Files<'_> {
        Files { root: self.file_root.as_deref(), untrusted: self.connections.untrusted }
    }

    fn settings(&self) -> Result<Settings, String> {
        let connections = &self.connections;
        let ca_pem = match &connections.ca_file {
            Some(file) => Some(
                std::fs::read(file).map_err(|error| format!("cannot read `{}`: {}", file.display(), reason(&error)))?,
            ),
            None => None,
        };
        Ok(Settings {
            sandbox: connections.sandbox,
            to: connections.to.clone(),
            resolver: connections.resolver,
            ca_pem,
            insecure: connections.insecure,
            insecure_secrets: connections.insecure_secrets,
            show_secrets: self.show_secrets,
            timeout: connections.timeout,
            max_time: connections.max_time,
            seed: self.seed,
            file_root: self.file_root.clone(),
            untrusted: connections.untrusted,
            allow_hosts: connections.allow_hosts.clone(),
            exchanger: None,
            stop: None,
            shared_sandbox: None,
            admission: None,
            observer: self.verbose.then(|| live(self.color.for_notices())),
        })
    }
}

/// Refuses a column of a table of cases that names no variable.
fn refuse_undeclared(file: &Path, names: &[String], scenarios: &[&Scenario]) -> Result<(), String> {
    let vars = names.iter().map(|name| (name.clone(), String::new())).collect();
    let complaints = undeclared(scenarios, &Inputs { vars, ..Inputs::default() });
    complaints.first().map_or(Ok(()), |first| Err(format!("{}: {first}", file.display())))
}

/// Prints each line of the transcript as it happens.
fn live(styled: Styled) -> Observer {
    Arc::new(move |entry| screen::notice(&human::entry(entry, &*entry.session != "main", styled)))
}
