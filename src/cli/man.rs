//! `smtp-script man`: the manual pages, made from the same description of the options as the help.

use super::USAGE;
use super::screen;
use crate::scenario::{reason, similar};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use std::path::{Path, PathBuf};

/// Print a manual page, or write all of them.
#[derive(Debug, clap::Args)]
pub(super) struct ManArguments {
    /// The command that the page is about; without it the page of smtp-script itself
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Option<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints or writes; 0, or 2 when that cannot be done.
pub(super) fn man(arguments: &ManArguments) -> u8 {
    let done = match &arguments.dir {
        Some(dir) => write_all(dir),
        None => page_of(arguments.command.as_deref()).map(|page| screen::result(&page)),
    };
    match done {
        Ok(()) => 0,
        Err(message) => {
            screen::notice(&format!("error: {message}"));
            USAGE
        }
    }
}

/// The program and each of its commands, under the names of their pages.
fn commands() -> Vec<Command> {
    let mut whole = super::Arguments::command().disable_help_subcommand(true);
    whole.build();
    let named = |it: &Command| {
        let page: &'static str = Box::leak(format!("{}-{}", super::NAME, it.get_name()).into_boxed_str());
        it.clone().name(page).bin_name(format!("{} {}", super::NAME, it.get_name()))
    };
    let subcommands: Vec<Command> = whole.get_subcommands().filter(|it| it.get_name() != "help").map(named).collect();
    [whole].into_iter().chain(subcommands).collect()
}

fn page_of(name: Option<&str>) -> Result<String, String> {
    let wanted = name.map_or_else(|| super::NAME.to_owned(), |name| format!("{}-{name}", super::NAME));
    let commands = commands();
    if let Some(command) = commands.iter().find(|it| it.get_name() == wanted) {
        return rendered(command);
    }
    let prefix = format!("{}-", super::NAME);
    let known: Vec<&str> = commands.iter().filter_map(|it| it.get_name().strip_prefix(&prefix)).collect();
    let shown = crate::visible(name.unwrap_or_default().as_bytes());
    let help = match similar(name.unwrap_or_default(), known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the commands are {}", known.join(", ")),
    };
    Err(format!("there is no command `{shown}`\n  = help: {help}"))
}

fn write_all(dir: &Path) -> Result<(), String> {
    let fault = |path: &Path, error: &std::io::Error| format!("cannot write `{}`: {}", path.display(), reason(error));
    std::fs::create_dir_all(dir).map_err(|error| fault(dir, &error))?;
    for command in commands() {
        let path = dir.join(format!("{}.1", command.get_name()));
        std::fs::write(&path, rendered(&command)?).map_err(|error| fault(&path, &error))?;
    }
    Ok(())
}

fn rendered(command: &Command) -> Result<String, String> {
    let mut page = Vec::new();
    let man = Man::new(command.clone()).manual("User Commands");
    man.render(&mut page).map_err(|error| format!("cannot make the page: {}", reason(&error)))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
