//! `smtp-script audit`: plays the checks that come with the program against servers, and grades them.
//!
//! Responsible for arguments, targets and exit codes. Which checks there are and what an outcome says stands in
//! `crate::audit`; they are played by the schedule of `run`, and written by `report::audit`.

mod board;
mod catalogue;
pub(super) mod client;
mod client_played;
mod clients;
mod diff;
mod instead;
mod meeting;
mod outside;
mod played;
mod result;
mod secrets;
mod targets;
mod work;

use super::refusal::Refusal;
use super::report_files::{self, Output, ReportArguments, ReportFiles};
use super::run::{RunArguments, TranscriptsOf, fail_on};
use super::screen::{self, Color};
use super::trust::SessionArguments;
use super::values::ValueArguments;
use crate::audit::{Check, CheckChoice};
use crate::library::CheckLibrary;
use crate::report::audit::{self, Audit, AuditTarget, AuditVerdict};
use crate::report::format::Format;
use crate::report::merge::first_that_applies;
use crate::report::model::Level as ReportLevel;
use crate::report::{Report, nagios};
use crate::scenario::{FailOn, Level};
use instead::{InsteadArguments, SUBJECTS, subjects};
use std::path::PathBuf;
use std::time::Instant;

/// Grade servers by checks of the RFCs and of known holes. The exit code is 0 when every check passed that applies and that
/// `--fail-on` counts, 1 when one failed, 2 when something could not be done as asked, 3 when a server could not be reached,
/// and 130 when the audit was interrupted.
#[derive(Debug, clap::Args)]
#[command(group = subjects())]
pub(super) struct AuditArguments {
    /// Servers: 25 without a port, 465 is implicit TLS, `unix:PATH` is LMTP
    #[arg(value_name = "HOST[:PORT]", group = SUBJECTS)]
    hosts: Vec<String>,
    /// Servers in a CSV file, one per row; the first row names columns, which take precedence over options of the same name
    #[arg(long, value_name = "FILE.csv", group = SUBJECTS)]
    targets: Option<PathBuf>,
    #[command(flatten)]
    common: targets::CommonArguments,
    #[command(flatten)]
    choice: ChoiceArguments,
    /// Also play checks that leave a message in a mailbox
    #[arg(long, help_heading = "Which checks")]
    deliver: bool,
    #[command(flatten, next_help_heading = "Values")]
    values: ValueArguments,
    #[command(flatten)]
    sessions: SessionArguments,
    /// How many checks run at once
    #[arg(long, short, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    jobs: u32,
    /// How many sessions may be open to one server at once, if it is not on this machine
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    per_target: u32,
    #[command(flatten)]
    results: ResultArguments,
    #[command(flatten)]
    instead: InsteadArguments,
}

/// How what came of an audit is judged and shown.
#[derive(Debug, clap::Args)]
struct ResultArguments {
    /// The lowest level at which a failed check gives exit code 1: `must`, `should`, `may` or `never`
    #[arg(long, value_name = "LEVEL", default_value = "must", value_parser = parsed_fail_on, hide_default_value = true)]
    fail_on: FailOnArgument,
    #[command(flatten)]
    reports: ReportArguments,
    /// Which conversations reports show: those of `failed` checks, `all` or `none`
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "failed",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Reports"
    )]
    report_transcripts: TranscriptsOf,
    /// Show every failed check, also when there are several servers or clients
    #[arg(short, long)]
    verbose: bool,
    /// Print nothing when every check passed
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// Which checks are played.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which checks")]
struct ChoiceArguments {
    /// Play only these: an id, a group, an RFC (`3207`) or a section (`5321 §4.1.4`); repeatable
    #[arg(long, value_name = "ID|GROUP|RFC")]
    only: Vec<String>,
    /// Leave these out (repeatable)
    #[arg(long, value_name = "ID|GROUP|RFC")]
    skip: Vec<String>,
    /// Play only checks of this level or a more serious one
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<LevelArgument>,
    /// Also play checks that take longer than 20 s
    #[arg(long)]
    slow: bool,
}

impl ChoiceArguments {
    /// The checks of a library that are chosen.
    fn of(&self, library: CheckLibrary) -> Result<Vec<Check>, Refusal> {
        let all = catalogue::all(library)?;
        let (only, skip) = (self.only.clone(), self.skip.clone());
        Ok(CheckChoice { only, skip, level: self.level.map(|level| level.0) }.of(all)?)
    }
}

#[derive(Debug, Clone, Copy)]
struct LevelArgument(Level);

#[derive(Debug, Clone, Copy)]
struct FailOnArgument(FailOn);

fn parsed_fail_on(text: &str) -> Result<FailOnArgument, String> {
    fail_on(text).map(FailOnArgument)
}

fn level(text: &str) -> Result<LevelArgument, String> {
    Level::of(text).map(LevelArgument).ok_or_else(|| "expected `must`, `should` or `may`".to_owned())
}

/// Plays checks, or tells about them, and gives the exit code.
pub(super) fn audit(arguments: &AuditArguments) -> u8 {
    audited(arguments).unwrap_or_else(|refusal| refusal.show())
}

fn audited(arguments: &AuditArguments) -> Result<u8, Refusal> {
    if let Some(code) = arguments.instead.answer(CheckLibrary::Servers, &arguments.choice, &arguments.results)? {
        return Ok(code);
    }
    let chosen = arguments.choice.of(CheckLibrary::Servers)?;
    let targets = targets::read(&arguments.hosts, arguments.targets.as_deref(), &arguments.common)?;
    let read: Vec<PathBuf> = arguments.targets.iter().cloned().chain(arguments.values.files_read()).collect();
    let files = ReportFiles::open(&arguments.results.reports, &read)?;
    let (began, report) = (Instant::now(), Report::begin());
    let run = RunArguments::of_one(arguments.values.clone(), arguments.sessions.clone(), false);
    let settings = run.settings()?;
    let played = played::play(&played::AuditRequest {
        checks: &chosen,
        targets: &targets,
        settings,
        values: &arguments.values,
        jobs: arguments.jobs as usize,
        per_target: arguments.per_target as usize,
        slow: arguments.choice.slow,
        deliver: arguments.deliver,
        transcripts: arguments.results.report_transcripts,
        quiet: arguments.results.quiet,
    })?;
    arguments.results.finish(report, played, began, files)
}

impl ResultArguments {
    /// Judges what was played, and shows it. Gives the exit code.
    fn finish(
        &self,
        report: Report,
        played: played::Audited,
        began: Instant,
        files: ReportFiles,
    ) -> Result<u8, Refusal> {
        let mut code = exit_code(&played.audit, self.fail_on.0);
        if played.interrupted {
            code = first_that_applies(code, super::INTERRUPTED);
        }
        let report = Report {
            exit_code: code,
            interrupted: played.interrupted,
            audit: Some(played.audit),
            duration: began.elapsed().as_secs_f64(),
            ..report
        };
        self.tell(&report, files)
    }

    /// The grades on standard output, or the report that it was to get instead; then the files. Gives the exit code.
    fn tell(&self, report: &Report, files: ReportFiles) -> Result<u8, Refusal> {
        match (self.reports.output, &report.audit) {
            (Output::Human, Some(audit)) => {
                if !self.quiet || report.exit_code != 0 {
                    screen::result(&audit::screen(audit, self.verbose, self.color.for_results()));
                }
            }
            (Output::Report(format), _) => report_files::print(format, report, self.reports.options()),
            (Output::Human, None) => {}
        }
        files.write(report)?;
        let is_plugin = self.reports.output == Output::Report(Format::Nagios);
        Ok(if is_plugin { nagios::exit_code(report) } else { report.exit_code })
    }
}

/// 1 where a check failed, or a server is more than half blocked; 3 where one was not reached.
fn exit_code(audit: &Audit, fail_on: FailOn) -> u8 {
    let failed = audit.checks.iter().any(|check| {
        let counts = fail_on.counts(Some(level_of(check.level)));
        counts && check.results.values().any(|result| result.verdict == AuditVerdict::Fail)
    });
    let count = audit.checks.len() as u64;
    let unreachable = |target: &AuditTarget| target.unreachable.is_some();
    let half = audit.targets.iter().any(|target| !unreachable(target) && target.blocked * 2 > count);
    let code = u8::from(failed || half);
    first_that_applies(code, if audit.targets.iter().any(unreachable) { 3 } else { 0 })
}

/// The level of a report, as scenarios have it.
fn level_of(level: ReportLevel) -> Level {
    match level {
        ReportLevel::Must => Level::Must,
        ReportLevel::Should => Level::Should,
        ReportLevel::May => Level::May,
    }
}
