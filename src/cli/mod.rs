//! The command line: arguments, environment, terminal, exit codes. The only reader of the environment and the terminal.

mod audit;
mod check;
mod completions;
mod explain;
mod exporter;
mod first_message;
mod foreign_options;
mod import;
mod list;
mod man;
mod new;
mod new_file;
mod progress;
mod record;
mod refusal;
mod report;
mod report_files;
mod run;
mod schema;
mod screen;
mod secret_files;
mod send;
mod serve;
mod shell;
mod starter;
mod targets;
mod trust;
mod values;

use clap::{CommandFactory as _, Parser, Subcommand};
use std::panic::catch_unwind;
use std::process::ExitCode;

/// The program's name.
const NAME: &str = "smtp-script";

/// Exit codes, beside those of a whole run (`RunVerdict`): something diverged, broke or was refused.
const FAILED: u8 = 1;
/// A mistake in the arguments, or in a file that they name.
const USAGE: u8 = 2;
/// No connection to the server.
const NO_SERVER: u8 = 3;
/// What a plugin of Nagios exits with when it cannot tell.
const PLUGIN_UNKNOWN: i32 = 3;
/// Ended by the user.
const INTERRUPTED: u8 = 130;
/// A bug in smtp-script.
const BUG: u8 = 70;

/// Plays scripted SMTP conversations, expect-style, and reports which step diverged.
#[derive(Debug, Parser)]
#[command(name = NAME, version, about, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios and say where each diverged
    Run(Box<run::RunArguments>),
    /// Send one message, by options instead of a file
    Send(Box<send::SendArguments>),
    /// Grade servers: play the checks that come with the program, and say what to change
    Audit(Box<audit::AuditArguments>),
    /// Grade a client: start it for each check against a server that does something wrong
    AuditClient(Box<audit::client::AuditClientArguments>),
    /// Check scenarios without connecting anywhere
    Check(check::CheckArguments),
    /// Record what a client and a server say to each other, as a scenario
    Record(Box<record::RecordArguments>),
    /// Talk to a server by hand, in place of telnet and `openssl s_client`
    Shell(Box<shell::ShellArguments>),
    /// Turn a transcript of another tool into a scenario
    Import(import::ImportArguments),
    /// Join JSON reports, or write one in other formats
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Explain reply codes, by the RFCs and the known providers
    Explain(explain::ExplainArguments),
    /// Write a starting scenario for a provider or a server
    New(new::NewArguments),
    /// List the built-in scenarios
    List(list::ListArguments),
    /// Act as the server that clients under test talk to
    Serve(Box<serve::ServeArguments>),
    /// Serve scenarios as probes: Prometheus says which, and against which server
    Exporter(Box<exporter::ExporterArguments>),
    /// Print the JSON Schema of scenarios, for editors
    Schema,
    /// Print completions for a shell
    Completions(completions::CompletionsArguments),
    /// Print the manual page, as troff
    Man(man::ManArguments),
}

/// The same with the command that is played most: to describe all of them takes longer than a short run.
#[derive(Debug, Parser)]
#[command(name = NAME, version)]
struct RunAlone {
    #[command(subcommand)]
    command: RunCommand,
}

#[derive(Debug, Subcommand)]
enum RunCommand {
    Run(Box<run::RunArguments>),
}

/// `run` with arguments that are right. Whatever else it is, the whole description says what to do.
fn run_alone() -> Option<Command> {
    if std::env::args_os().nth(1)? != "run" {
        return None;
    }
    let RunAlone { command: RunCommand::Run(arguments) } = RunAlone::try_parse().ok()?;
    Some(Command::Run(arguments))
}

/// Whether nothing but the version is asked for.
fn asks_for_version() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    arguments.next().is_some_and(|word| word == "--version" || word == "-V") && arguments.next().is_none()
}

/// The arguments; a mistake in them ends the program, as a plugin for Nagios does where it is called as one.
fn arguments() -> Arguments {
    if let Some(command) = run_alone() {
        return Arguments { command };
    }
    Arguments::try_parse().unwrap_or_else(|error| {
        let arguments: Vec<String> = std::env::args().collect();
        let error = foreign_options::with_tip(error, &arguments, &Arguments::command());
        let is_plugin = arguments.windows(2).any(|pair| pair == ["--format", "nagios"])
            || arguments.iter().any(|argument| argument == "--format=nagios");
        if is_plugin && error.use_stderr() {
            screen::result("SMTP UNKNOWN - the plugin is not called as it must be\n");
            screen::notice(&error.to_string());
            std::process::exit(PLUGIN_UNKNOWN);
        }
        // What was mistyped is quoted.
        if screen::is_to_be_altered() {
            screen::notice(error.render().to_string().trim_end());
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}

/// Runs the program and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    if asks_for_version() {
        screen::result(concat!("smtp-script ", env!("CARGO_PKG_VERSION"), "\n"));
        return ExitCode::from(if screen::lost_results() { USAGE } else { 0 });
    }
    std::panic::set_hook(Box::new(|panic| {
        // Neither the message nor the values in it: they may hold a secret.
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        screen::notice(&format!("error: a bug in smtp-script{place}\n  = help: please report it, with the scenario"));
    }));
    let code = catch_unwind(|| match arguments().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Send(arguments) => send::send(&arguments),
        Command::Audit(arguments) => audit::audit(&arguments),
        Command::AuditClient(arguments) => audit::client::audit_client(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Record(arguments) => record::record(&arguments),
        Command::Shell(arguments) => shell::shell(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Report(command) => report::report(&command),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Serve(arguments) => serve::serve(&arguments),
        Command::Exporter(arguments) => exporter::exporter(*arguments),
        Command::Schema => schema::schema(),
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::Man(arguments) => man::man(&arguments),
    });
    let code = code.unwrap_or(BUG);
    ExitCode::from(if code == 0 && screen::lost_results() { USAGE } else { code })
}
