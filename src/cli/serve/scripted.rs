//! `smtp-script serve FILE`: plays the server's side of a scenario to whoever connects; and reads the rules of
//! `serve --sandbox --rules FILE`.
//!
//! Responsible for its options and for what it prints: where it listens, and what came of each connection. What is played
//! is `run::serve`'s business.

use super::ServeArguments;
use crate::cli::check::all_of;
use crate::cli::refusal::Refusal;
use crate::cli::report_files::{self, Output, ReportFiles};
use crate::cli::targets::{Files, is_strangers};
use crate::cli::values::{self, Direction, ValueArguments};
use crate::cli::{INTERRUPTED, USAGE, screen};
use crate::portable;
use crate::report::collect::{self, Circumstances};
use crate::report::model::ScenarioReport;
use crate::report::values::Values;
use crate::report::{Report, counted, human};
use crate::run::{self, Listening, Outcome, SandboxRules, Settings, StepSide, Stop, Verdict};
use crate::scenario::{Diagnostic, Scenario, Sources, Variables, undeclared};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What a scripted server does not count.
const COUNTS_SESSIONS: &str = "a scripted server counts sessions, not messages\n  = help: `--max-sessions N` ends it after N \
     sessions, and so does a list under `connections:`";

/// Options of a scripted server.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Values for a scenario")]
pub(super) struct ScriptedArguments {
    #[command(flatten)]
    values: ValueArguments,
    /// Let secrets go over plain connections to other machines
    #[arg(long, requires = "played")]
    insecure_secrets: bool,
    /// Play a stranger's scenario: it reads no file without --file-root, and listens on loopback unless --listen says so
    #[arg(long, requires = "played")]
    untrusted: bool,
    /// Let the scenario read files below this folder (instead of its own)
    #[arg(long, value_name = "DIR", requires = "played")]
    file_root: Option<PathBuf>,
    /// Fix the time and randomness of templates
    #[arg(long, value_name = "N", requires = "played")]
    seed: Option<u64>,
}

/// Serves and gives the exit code.
pub(super) fn serve(file: &Path, arguments: &ServeArguments) -> Result<u8, Refusal> {
    Scripted { file, arguments, own: &arguments.scripted }.serve()
}

/// The rules of a file, for the sandbox; none where the file was refused, and that was shown.
pub(super) fn rules(file: &Path, arguments: &ServeArguments) -> Result<Option<SandboxRules>, Refusal> {
    let scripted = Scripted { file, arguments, own: &arguments.scripted };
    let Some(PreparedServer { scenario, variables, settings, .. }) = scripted.prepared(&Stop::default())? else {
        return Ok(None);
    };
    match SandboxRules::of(&scenario, &variables, &settings) {
        Ok(rules) => Ok(Some(rules)),
        Err(diagnostic) => {
            scripted.show(&scenario.sources, &[*diagnostic]);
            Ok(None)
        }
    }
}

impl ScriptedArguments {
    /// Whether there are values for a scenario.
    pub(super) fn has_values(&self) -> bool {
        let given = self.values.given();
        !given.vars.is_empty() || !given.secrets.is_empty()
    }
}

/// What can be played.
struct PreparedServer {
    scenario: Scenario,
    variables: Variables,
    settings: Settings,
    /// What `check` says of it.
    warnings: Vec<Diagnostic>,
}

impl PreparedServer {
    /// The same as `run` reports.
    fn reported(&self, outcome: &Outcome) -> ScenarioReport {
        let PreparedServer { scenario, variables, settings, warnings } = self;
        let circumstances = Circumstances {
            id: crate::visible(outcome.path.as_bytes()),
            values: Values::of(scenario, variables, None),
            ..Circumstances::default()
        };
        let mut report = collect::played(outcome, circumstances, warnings);
        portable::attach(&mut report, outcome, scenario, variables, settings);
        report
    }
}

/// How it ends by itself, where that is not what its file lists.
fn ending(scenario: &Scenario, settings: &Settings) -> Option<String> {
    if !scenario.serves_without_end() {
        return None;
    }
    let served = "every connection is served by these steps";
    Some(match (settings.connections, settings.max_time) {
        (Some(sessions), _) => format!("it ends after {}", counted(sessions as u64, "session")),
        (None, Some(_)) => {
            format!("{served}, until `--max-time` is over: `connections:` or `--max-sessions` ends it sooner")
        }
        (None, None) => {
            format!("{served}, until Ctrl-C: `connections:`, `--max-sessions` or `--max-time` sets an end")
        }
    })
}

struct Scripted<'a> {
    file: &'a Path,
    arguments: &'a ServeArguments,
    own: &'a ScriptedArguments,
}

impl Scripted<'_> {
    fn serve(&self) -> Result<u8, Refusal> {
        if self.arguments.listening.listen.len() > 1 {
            return Err("a scripted server listens in one place: give `--listen` once".to_owned().into());
        }
        if self.arguments.listening.counts_messages() {
            return Err(COUNTS_SESSIONS.to_owned().into());
        }
        let read: Vec<PathBuf> = std::iter::once(self.file.to_owned()).chain(self.own.values.files_read()).collect();
        let files = ReportFiles::open(&self.arguments.reports, &read)?;
        let stop = Stop::default();
        let (mut report, began) = (Report::begin(), Instant::now());
        let Some(prepared) = self.prepared(&stop)? else { return Ok(USAGE) };
        let outcome = self.play(&prepared)?;
        let cut = stop.is_stopped() && !prepared.scenario.has_only_rules();
        report.exit_code = if cut { INTERRUPTED } else { outcome.verdict().exit_code() };
        report.interrupted = cut;
        report.duration = began.elapsed().as_secs_f64();
        if self.arguments.reports.are_wanted() {
            report.scenarios.push(prepared.reported(&outcome));
        }
        report.count();
        self.tell(&outcome, &report);
        files.write(&report)?;
        Ok(report.exit_code)
    }

    /// Reads and checks the file; what is wrong with it is shown.
    fn prepared(&self, stop: &Stop) -> Result<Option<PreparedServer>, Refusal> {
        let mut settings = self.settings(stop);
        let files = Files { root: self.own.file_root.as_deref(), untrusted: self.own.untrusted };
        let scenario = match files.load_served(self.file) {
            Ok(scenario) => scenario,
            Err(error) => {
                let (sources, diagnostics) = all_of(error, &settings);
                return Ok(self.refuse(&sources, &diagnostics));
            }
        };
        settings.untrusted |= is_strangers(&scenario);
        if let Some(first) = undeclared(&[&scenario], &self.own.values.given()).first() {
            return Err(first.clone().into());
        }
        if !scenario.has_server() {
            return Err(format!("`{}` has no `server:`: there is nothing to serve", self.file.display()).into());
        }
        let mut inputs = if settings.untrusted {
            self.own.values.read()?.for_stranger(&scenario, Direction::Own)?.0
        } else {
            self.own.values.inputs(&[&scenario])?
        };
        values::complete(&mut inputs, &[&scenario], self.own.values.made_up_secrets, &|_, _| Vec::new())?;
        let variables = match Variables::resolve(&scenario, &inputs) {
            Ok(variables) => variables,
            Err(error) => return Ok(self.refuse(&scenario.sources, &error.diagnostics)),
        };
        let diagnostics = crate::check(&scenario, Some(&variables), &settings);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Ok(self.refuse(&scenario.sources, &diagnostics));
        }
        if !self.arguments.quiet {
            self.show(&scenario.sources, &diagnostics);
        }
        Ok(Some(PreparedServer { scenario, variables, settings, warnings: diagnostics }))
    }

    fn play(&self, prepared: &PreparedServer) -> Result<Outcome, Refusal> {
        let PreparedServer { scenario, variables, settings, .. } = prepared;
        let mut unwritten = None;
        let outcome = run::serve(scenario, variables, settings, &mut |listening: &Listening| {
            if let Some(file) = &self.arguments.listening.ca_out
                && let Err(error) = std::fs::write(file, &listening.trust_pem)
            {
                unwritten = Some(Refusal::unwritable(file, &error));
                settings.stop.iter().for_each(Stop::stop);
                return;
            }
            let listens = format!("listening on {}", listening.address);
            match self.arguments.reports.output {
                Output::Human => screen::result(&format!("{listens}\n")),
                Output::Report(_) => screen::notice(&listens),
            }
            if !self.arguments.quiet {
                let trust = self.trust(scenario);
                for notice in ending(scenario, settings).into_iter().chain(trust) {
                    screen::notice(&format!("notice: {notice}"));
                }
            }
        });
        unwritten.map_or(Ok(outcome), Err)
    }

    /// How clients come to trust the certificate, which is made at each start.
    fn trust(&self, scenario: &Scenario) -> Option<String> {
        let is_missing = self.arguments.listening.ca_out.is_none() && scenario.makes_certificate();
        is_missing.then(|| {
            "a certificate is made at each start: `--ca-out FILE` writes the authority that clients must trust"
                .to_owned()
        })
    }

    /// The verdict, and that of each connection.
    fn tell(&self, outcome: &Outcome, report: &Report) {
        if let Output::Report(format) = self.arguments.reports.output {
            return report_files::print(format, report, self.arguments.reports.options());
        }
        if self.arguments.quiet && outcome.followed() {
            return;
        }
        screen::result(&human::outcome(outcome, 0, self.arguments.color.for_results()));
        for notice in &outcome.notices {
            screen::notice(&format!("notice: {notice}"));
        }
        for step in outcome.steps.iter().filter(|step| step.action == "connection") {
            let StepSide::Connection(number) = step.number.side() else { continue };
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

    fn refuse(&self, sources: &Sources, diagnostics: &[Diagnostic]) -> Option<PreparedServer> {
        self.show(sources, diagnostics);
        None
    }

    fn show(&self, sources: &Sources, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            screen::drawn(&format!("{}\n", diagnostic.render(sources, self.arguments.color.for_notices().0)));
        }
    }

    fn settings(&self, stop: &Stop) -> Settings {
        let styled = self.arguments.color.for_notices();
        let live: run::Observer = Arc::new(move |entry| screen::drawn(&human::entry(entry, true, styled)));
        Settings {
            listen: self.arguments.listening.listen.first().copied(),
            insecure_secrets: self.own.insecure_secrets,
            timeout: self.arguments.listening.timeout,
            max_time: self.arguments.listening.max_time,
            connections: self.arguments.listening.max_sessions.and_then(|count| usize::try_from(count).ok()),
            seed: self.own.seed,
            file_root: self.own.file_root.clone(),
            untrusted: self.own.untrusted,
            stop: Some(stop.clone()),
            observer: self.arguments.verbose.then_some(live),
            record: self.arguments.reports.are_wanted(),
            ..Settings::default()
        }
    }
}
