//! `smtp-script shell`: a session by hand, in place of telnet and `openssl s_client`.
//!
//! Responsible for the options, for printing what the shell tells, and for exit codes. `terminal` reads lines that a person
//! edits, `pipe` those of a file; the session itself is driven by `crate::shell`.

mod history;
mod pipe;
mod printer;
mod terminal;

use super::screen::{self, Color};
use super::trust::{CertificateArguments, ProxyArguments};
use super::{FAILED, INTERRUPTED, NO_SERVER, new_file, values};
use crate::cli::refusal::Refusal;
use crate::net::tls::Connector;
use crate::report::explanation;
use crate::report::human::Styled;
use crate::report::live as layout;
use crate::scenario::address::split_argument;
use crate::scenario::{DEFAULT_TIMEOUT, duration};
use crate::shell::{Asker, Farewell, Live, Notice, Screen, ShellSettings, ShellTarget, ShellVerdict};
use crate::smtp::explanation::{Explanation, explain};
use crate::smtp::question::Question;
use printer::Printer;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the sandbox takes where no password is given.
const SANDBOX_PASSWORD: &str = "letmein";

/// A session by hand. What you type goes over the wire as it is; lines that begin with a dot are commands (`.help` lists
/// them). Lines on a pipe are sent one by one, each after the reply to the one before.
#[derive(Debug, clap::Args)]
pub(super) struct ShellArguments {
    /// The server; port 25 unless another is named
    #[arg(value_name = "HOST[:PORT]", value_parser = split_argument, required_unless_present = "sandbox")]
    server: Option<(String, u16)>,
    /// Talk to the built-in server; the password comes from the environment, or is `letmein`
    #[arg(long, conflicts_with = "server")]
    sandbox: bool,
    /// Begin with TLS, as port 465 always does
    #[arg(long, conflicts_with = "starttls")]
    tls: bool,
    /// Begin with EHLO, STARTTLS and EHLO
    #[arg(long)]
    starttls: bool,
    #[command(flatten)]
    certificates: CertificateArguments,
    #[command(flatten)]
    proxy: ProxyArguments,
    /// The name in EHLO [default: this machine's]
    #[arg(long, value_name = "NAME")]
    ehlo: Option<String>,
    /// The user that `.auth` logs in, unless it names one
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How long to wait for each reply
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30s")]
    timeout: Duration,
    /// Write what was said as a scenario at the end
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file of -o if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// Runs the shell and gives the exit code.
pub(super) fn shell(arguments: &ShellArguments) -> u8 {
    match arguments.run() {
        Ok(code) => code,
        Err(refusal) => refusal.show(),
    }
}

impl ShellArguments {
    fn run(&self) -> Result<u8, Refusal> {
        if let Some(file) = &self.output {
            new_file::refuse_existing(file, self.force)?;
        }
        let words = |error: std::io::Error| error.to_string();
        let terminal = if screen::is_terminal() { terminal::Terminal::open(self.color.for_results()) } else { None };
        let settings = self.settings(terminal.is_some())?;
        let printer = Arc::new(match &terminal {
            Some(terminal) => terminal.printer(),
            None => Printer::direct(),
        });
        let style = self.color.for_results();
        let screen = on_screen(printer.clone(), style);
        let farewell = self.farewell(printer.clone());
        let live = Live::start(settings, self.first(), screen, asker(printer.clone()), farewell).map_err(words)?;
        let is_terminal = terminal.is_some();
        match terminal {
            Some(terminal) => terminal.talk(&live, &printer),
            None => pipe::talk(&live),
        }
        let ended = live.end().map_err(words)?;
        printer.flush();
        if let (Some(file), Some(text)) = (&self.output, &ended.scenario) {
            new_file::write(file, text, self.force)?;
        }
        Ok(exit_code(ended.verdict, is_terminal))
    }

    /// A signal ends the program, with what was said until then.
    fn farewell(&self, printer: Arc<Printer>) -> Farewell {
        let (output, force) = (self.output.clone(), self.force);
        Box::new(move |ended| {
            printer.flush();
            if let (Some(file), Some(text)) = (&output, &ended.scenario)
                && let Err(refusal) = new_file::write(file, text, force)
            {
                refusal.show();
            }
            std::process::exit(INTERRUPTED.into());
        })
    }

    fn settings(&self, interruptible: bool) -> Result<ShellSettings, Refusal> {
        let tls = self.certificates.options()?;
        // What is wrong with the file is reported before there is a connection.
        if self.certificates.ca_file.is_some() {
            Connector::new(&tls).map_err(|error| error.message)?;
        }
        let place = match &self.server {
            Some((host, port)) => ShellTarget::host(host.clone(), *port, self.tls),
            None => {
                let password = values::secret_given("password").unwrap_or_else(|| SANDBOX_PASSWORD.to_owned());
                ShellTarget::Sandbox { implicit_tls: self.tls, password }
            }
        };
        let hello = self.ehlo.clone().unwrap_or_else(screen::host_name);
        if hello.is_empty() || hello.contains(['\r', '\n']) {
            return Err("`--ehlo` needs a name".to_owned().into());
        }
        let timeout = if self.timeout.is_zero() { DEFAULT_TIMEOUT } else { self.timeout };
        let (ca_file, user) = (self.certificates.ca_file.clone(), self.user.clone());
        let proxy = self.proxy.chosen();
        Ok(ShellSettings { place, proxy, tls, ca_file, timeout, hello, user, interruptible })
    }

    /// What is done before the first line.
    fn first(&self) -> Vec<String> {
        let lines: &[&str] = if self.starttls { &[".ehlo", ".starttls", ".ehlo"] } else { &[] };
        lines.iter().map(|line| (*line).to_owned()).collect()
    }
}

/// Prints what the shell tells.
fn on_screen(printer: Arc<Printer>, styled: Styled) -> Screen {
    let times = AtomicBool::new(false);
    Arc::new(move |told: Notice| {
        match told {
            Notice::Line { typed, ref entry }
                if typed && printer.shows_typing() && entry.speaker == crate::run::Speaker::Client => {}
            Notice::Line { entry, .. } => printer.print(layout::line(&entry, times.load(Ordering::Relaxed), styled)),
            Notice::Prompt => printer.redraw(),
            Notice::Text(text) => printer.print(text),
            Notice::Hint(text) if printer.shows_typing() => printer.print(layout::hint(&text, styled)),
            Notice::Hint(_) => {}
            Notice::Complaint(text) => printer.complain(&text, styled),
            Notice::Help(text) => printer.help(&text, styled),
            Notice::Questions(questions) => {
                for question in &questions {
                    printer.print(explained(question, styled));
                }
            }
            Notice::Transcript(entries) => {
                printer.print(entries.iter().map(|entry| layout::line(entry, true, styled)).collect());
            }
            Notice::Times(wanted) => times.store(wanted, Ordering::Relaxed),
            Notice::Scenario { file, text, replace } => return save(&printer, &file, &text, replace, styled),
        }
        true
    })
}

/// What other providers than this server's mean is of no use here.
fn explained(question: &Question, styled: Styled) -> String {
    let explanation = Explanation { others: false, ..explain(question, None) };
    explanation::text(&explanation, styled)
}

fn save(printer: &Printer, file: &Path, text: &str, replace: bool, styled: Styled) -> bool {
    let shown = crate::visible(file.display().to_string().as_bytes());
    if !replace && file.symlink_metadata().is_ok() {
        printer.complain(&format!("`{shown}` exists already: `.save! {shown}` replaces it"), styled);
        return false;
    }
    match new_file::write(file, text, replace) {
        Ok(()) => printer.print(format!("saved to {shown}\n")),
        Err(refusal) => {
            printer.complain(&refusal.to_string(), styled);
            return false;
        }
    }
    true
}

/// Values come from the environment, or from the person at the terminal.
fn asker(printer: Arc<Printer>) -> Asker {
    Arc::new(move |name: &str, secret: bool| {
        printer.flush();
        if secret { values::secret_asked(name) } else { values::value_asked(name) }
    })
}

/// On a pipe a refusal counts: nobody has seen it.
fn exit_code(verdict: ShellVerdict, is_terminal: bool) -> u8 {
    if verdict.unreachable {
        return NO_SERVER;
    }
    let failed = verdict.lost || verdict.refused && !is_terminal;
    if failed { FAILED } else { 0 }
}
