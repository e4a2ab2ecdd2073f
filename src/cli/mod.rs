//! The command line: arguments, environment, terminal, exit codes. The only reader of the environment and the terminal.

mod check;
mod progress;
mod report;
mod report_files;
mod run;
mod schema;
mod screen;
mod serve_file;
mod targets;
mod values;

use clap::{Parser, Subcommand};
use std::panic::catch_unwind;
use std::process::ExitCode;

/// Exit codes beside those of an outcome (0 followed, 1 diverged, 3 no connection).
const USAGE: u8 = 2;
/// Ended by the user.
const INTERRUPTED: u8 = 130;
/// A bug in smtp-script.
const BUG: u8 = 70;

/// Plays scripted SMTP conversations, expect-style, and reports which step diverged.
#[derive(Debug, Parser)]
#[command(name = "smtp-script", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios and say where each diverged
    Run(Box<run::RunArguments>),
    /// Play the server's side of a scenario to whoever connects
    Serve(Box<serve_file::ServeFileArguments>),
    /// Check scenarios without connecting anywhere
    Check(check::CheckArguments),
    /// Join JSON reports, or write one in other formats
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Print the JSON Schema of scenarios, for editors
    Schema,
}

/// Runs the program and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // Neither the message nor the values in it: they may hold a secret.
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        screen::notice(&format!("error: a bug in smtp-script{place}\n  = help: please report it, with the scenario"));
    }));
    let code = catch_unwind(|| match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Serve(arguments) => serve_file::serve(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Report(command) => report::report(&command),
        Command::Schema => schema::schema(),
    });
    ExitCode::from(code.unwrap_or(BUG))
}
