//! `smtp-script audit-client`: plays scripted servers to a client program, check by check, and grades the client.
//!
//! Responsible for its arguments and exit codes. Which checks there are and what an outcome says stands in `crate::audit`;
//! the schedule and the reports are those of `audit`.

use super::client_played::{self, ClientAuditRequest};
use super::instead::{InsteadArguments, SUBJECTS, subjects};
use super::outside::OutsideArguments;
use super::{ChoiceArguments, ResultArguments, clients, outside};
use crate::audit::Expects;
use crate::cli::refusal::Refusal;
use crate::cli::report_files::ReportFiles;
use crate::cli::values::ValueArguments;
use crate::library::CheckLibrary;
use crate::report::Report;
use crate::scenario::duration;
use clap::ValueEnum;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Grade a client, such as an application that sends mail: it is started once for each check, and meets a server that does
/// something wrong. Its verdicts come from what the client did on the wire. The exit codes are those of `audit`.
#[derive(Debug, clap::Args)]
#[command(group = subjects())]
pub(in crate::cli) struct AuditClientArguments {
    /// The client and its arguments, in which `{host}`, `{port}`, `{ca}`, `{user}`, `{password}`, `{from}`, `{to}` and
    /// `{message}` are replaced; `SMTP_HOST`, `SMTP_PORT` and so on are in its environment
    #[arg(value_name = "COMMAND", last = true, group = SUBJECTS)]
    command: Vec<String>,
    /// Clients in a CSV file, one per row, with the columns `name` and `command`
    #[arg(long, value_name = "FILE.csv", group = SUBJECTS)]
    clients: Option<PathBuf>,
    #[command(flatten)]
    outside: OutsideArguments,
    /// What the client is set up to do; without it, what it does in a first session
    #[arg(long, value_name = "WHAT")]
    expects: Option<ExpectsArgument>,
    /// How long the client may take for each check [default: 30s; 6m for those of --slow]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// How long all checks may take together
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    max_time: Option<Duration>,
    /// How many clients may be at work at once
    #[arg(long, short, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    jobs: u32,
    #[command(flatten)]
    choice: ChoiceArguments,
    #[command(flatten, next_help_heading = "Values")]
    values: ValueArguments,
    #[command(flatten)]
    results: ResultArguments,
    #[command(flatten)]
    instead: InsteadArguments,
}

/// What a client is set up to do.
#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
enum ExpectsArgument {
    /// It uses TLS, and never goes on without it
    Tls,
    /// It logs in; TLS is welcome
    Auth,
    /// Neither: it takes TLS where there is one
    Plain,
}

impl ExpectsArgument {
    fn expects(self) -> Expects {
        match self {
            ExpectsArgument::Tls => Expects::Tls,
            ExpectsArgument::Auth => Expects::Auth,
            ExpectsArgument::Plain => Expects::Plain,
        }
    }
}

/// Plays checks, or tells about them, and gives the exit code.
pub(in crate::cli) fn audit_client(arguments: &AuditClientArguments) -> u8 {
    audited(arguments).unwrap_or_else(|refusal| refusal.show())
}

fn audited(arguments: &AuditClientArguments) -> Result<u8, Refusal> {
    if let Some(code) = arguments.instead.answer(CheckLibrary::Clients, &arguments.choice, &arguments.results)? {
        return Ok(code);
    }
    let chosen = arguments.choice.of(CheckLibrary::Clients)?;
    let outside = arguments.outside.clients()?;
    let clients = clients::read(&arguments.command, arguments.clients.as_deref(), outside)?;
    let read: Vec<PathBuf> = arguments.clients.iter().cloned().chain(arguments.values.files_read()).collect();
    let files = ReportFiles::open(&arguments.results.reports, &read)?;
    let (began, report) = (Instant::now(), Report::begin());
    if !arguments.results.quiet {
        outside::announce_first(&clients);
    }
    let played = client_played::play(&ClientAuditRequest {
        checks: &chosen,
        clients: &clients,
        values: &arguments.values,
        expects: arguments.expects.map(ExpectsArgument::expects),
        limit: arguments.timeout,
        max_time: arguments.max_time,
        jobs: arguments.jobs as usize,
        slow: arguments.choice.slow,
        transcripts: arguments.results.report_transcripts,
        quiet: arguments.results.quiet,
    })?;
    arguments.results.finish(report, played, began, files)
}
