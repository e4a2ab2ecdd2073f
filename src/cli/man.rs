//! `smtp-script man`: the manual pages, made from the same description of the options as the help.

use super::screen;
use crate::cli::refusal::Refusal;
use crate::scenario::{reason, similar};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use std::path::{Path, PathBuf};

/// Print a manual page, or write all of them.
#[derive(Debug, clap::Args)]
pub(super) struct ManArguments {
    /// The command that the page is about (`run`, `report merge`); without it the page of smtp-script itself
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints or writes; 0, or 2 when that cannot be done.
pub(super) fn man(arguments: &ManArguments) -> u8 {
    let done = match &arguments.dir {
        Some(dir) => write_all(dir),
        None => page_of(&arguments.command).map(|page| screen::result(&page)),
    };
    match done {
        Ok(()) => 0,
        Err(refusal) => refusal.show(),
    }
}

/// The program, its commands and theirs, each with the name of its page.
fn pages() -> Vec<(String, Command)> {
    fn add(command: &Command, pages: &mut Vec<(String, Command)>) {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        pages.push((name, command.clone()));
        command.get_subcommands().filter(|it| it.get_name() != "help").for_each(|it| add(it, pages));
    }
    let mut whole = super::Arguments::command().disable_help_subcommand(true);
    whole.build();
    let mut pages = Vec::new();
    add(&whole, &mut pages);
    pages
}

fn page_of(words: &[String]) -> Result<String, Refusal> {
    let prefix = format!("{}-", super::NAME);
    let wanted = if words.is_empty() { super::NAME.to_owned() } else { format!("{prefix}{}", words.join("-")) };
    let pages = pages();
    if let Some((_, command)) = pages.iter().find(|(name, _)| *name == wanted) {
        return rendered(command);
    }
    let known: Vec<&str> = pages.iter().filter_map(|(name, _)| name.strip_prefix(&prefix)).collect();
    let asked = words.join("-");
    let help = match similar(&asked, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the commands are {}", known.join(", ")),
    };
    Err(format!("there is no command `{}`\n  = help: {help}", crate::visible(asked.as_bytes())).into())
}

fn write_all(dir: &Path) -> Result<(), Refusal> {
    std::fs::create_dir_all(dir).map_err(|error| Refusal::unwritable(dir, &error))?;
    for (name, command) in pages() {
        let path = dir.join(format!("{name}.1"));
        std::fs::write(&path, rendered(&command)?).map_err(|error| Refusal::unwritable(&path, &error))?;
    }
    Ok(())
}

fn rendered(command: &Command) -> Result<String, Refusal> {
    let mut page = Vec::new();
    // An empty date would make the next word the date.
    let man = Man::new(command.clone()).date(" ").source(format!("{} {VERSION}", super::NAME)).manual("User Commands");
    man.render(&mut page).map_err(|error| format!("cannot make the page: {}", reason(&error)))?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    page.push_str(if command.get_name() == super::NAME { ABOUT_ALL } else { SEE_ALSO });
    Ok(page)
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

const SEE_ALSO: &str = ".SH \"SEE ALSO\"\nsmtp\\-script(1)\n";

const ABOUT_ALL: &str = r#".SH "EXIT STATUS"
.TP
0
every conversation followed its script
.TP
1
at least one diverged
.TP
2
something could not be run as asked
.TP
3
no connection to a server
.TP
70
a bug in smtp\-script
.TP
130
interrupted
.SH ENVIRONMENT
.TP
SMTP_SCRIPT_VAR_NAME, SMTP_SCRIPT_SECRET_NAME
the value of the variable or secret NAME, written in capitals
.TP
NO_COLOR
no colours
.SH EXAMPLES
.nf
smtp\-script run sendgrid\-auth\-login \-\-sandbox
smtp\-script new gmail \-o gmail.yaml
smtp\-script explain 535 5.7.8
.fi
"#;
