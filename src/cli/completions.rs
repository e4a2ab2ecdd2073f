//! `smtp-script completions`: what a shell needs to complete options, file names, and names that the program knows.

use super::screen;
use crate::library;
use crate::smtp::provider;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use clap_complete::{Shell, generate};

/// Print a script that completes commands, options and names in a shell.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script; 0.
pub(super) fn completions(arguments: &CompletionsArguments) -> u8 {
    let mut command = with_names(super::Arguments::command());
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, super::NAME, &mut script);
    let script = String::from_utf8_lossy(&script);
    screen::result(&if arguments.shell == Shell::Bash { mended(&script) } else { script.into_owned() });
    0
}

/// The generator takes the hyphen in the program's name for the border of a command in one half of the Bash script, and not
/// in the other: no option of a command would be completed.
fn mended(script: &str) -> String {
    let (program, border) = (super::NAME.replace('-', "__"), super::NAME.replace('-', "__subcmd__"));
    script.replace(&border, &program)
}

/// The command with the names that may be given, which are more than the arguments themselves allow for.
fn with_names(command: Command) -> Command {
    let ids: Vec<&'static str> = provider::all().iter().map(|it| it.id).collect();
    let scenarios: Vec<&'static str> = library::all().map(|it| it.name).collect();
    command
        .mut_subcommand("explain", |it| {
            it.mut_arg("provider", |arg| arg.value_parser(PossibleValuesParser::new(ids.clone())))
        })
        .mut_subcommand("new", |it| {
            let names = ids.iter().chain(&scenarios).copied().collect::<Vec<_>>();
            it.mut_arg("what", |arg| arg.value_parser(PossibleValuesParser::new(names)))
        })
        .mut_subcommand("list", |it| {
            it.mut_arg("names", |arg| arg.value_parser(PossibleValuesParser::new(scenarios.clone())))
        })
}
