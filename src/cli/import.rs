//! `smtp-script import`: a scenario from what another tool has printed.

use super::refusal::Refusal;
use super::screen::{self, Color};
use super::{USAGE, new_file};
use crate::recording::import::{self, ImportError, Imported, MAX_IMPORT_SIZE, WantedSession};
use crate::scenario::{Diagnostic, Sources};
use crate::visible::inert;
use clap::builder::{PossibleValue, PossibleValuesParser};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Turn a transcript into a scenario: what libraries, clients and servers log, pasted sessions of telnet, `openssl s_client`,
/// `curl -v` and swaks, and modules of `blackbox_exporter`. Credentials become secrets. What can't be carried over is said
/// on standard error, with its line.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArguments {
    /// The transcript, or `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The tool that it comes from; `auto` recognizes it by the text
    #[arg(long, value_name = "TOOL", default_value = "auto", value_parser = tools())]
    from: String,
    /// Which session to take, where a log has several
    #[arg(long, value_name = "N")]
    session: Option<usize>,
    /// A pattern for what precedes each line of the client, in a notation that is not known
    #[arg(long, value_name = "PATTERN", requires = "server")]
    client: Option<String>,
    /// The same for the server
    #[arg(long, value_name = "PATTERN", requires = "client")]
    server: Option<String>,
    /// Which module to take, where a `blackbox_exporter` configuration has several
    #[arg(long, value_name = "NAME")]
    module: Option<String>,
    /// Write the scenario to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file of -o if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// The names of the families, and `auto`.
fn tools() -> PossibleValuesParser {
    std::iter::once("auto").chain(import::families()).map(PossibleValue::new).collect::<Vec<_>>().into()
}

/// Imports one file; 0 when there is a scenario.
pub(super) fn import(arguments: &ImportArguments) -> u8 {
    let name = arguments.file.display().to_string();
    let shown_name = if name == "-" { "<stdin>" } else { &name };
    let read = read(&arguments.file).map_err(|message| vec![inert(&format!("error: {message}"))]);
    let imported = read.and_then(|text| {
        let imported = import::import(shown_name, &text, &arguments.wanted());
        imported.map_err(|error: ImportError| arguments.rendered(&error.mistakes, &error.sources))
    });
    let outcome = imported.and_then(|imported| arguments.put(&imported));
    match outcome {
        Ok(()) => 0,
        Err(messages) => {
            for message in &messages {
                screen::drawn(message);
            }
            USAGE
        }
    }
}

impl ImportArguments {
    fn wanted(&self) -> WantedSession<'_> {
        WantedSession {
            family: import::family(&self.from),
            module: self.module.as_deref(),
            session: self.session,
            client: self.client.as_deref(),
            server: self.server.as_deref(),
        }
    }

    /// Writes the scenario, and what could not be carried over.
    fn put(&self, imported: &Imported) -> Result<(), Vec<String>> {
        for notice in self.rendered(&imported.notices, &imported.sources) {
            screen::drawn(&format!("{notice}\n"));
        }
        let Some(output) = &self.output else {
            screen::result(&imported.scenario);
            return Ok(());
        };
        new_file::write(output, &imported.scenario, self.force)
            .map_err(|message| vec![inert(&format!("error: {message}"))])?;
        new_file::say_next(output);
        Ok(())
    }

    fn rendered(&self, messages: &[Diagnostic], sources: &Sources) -> Vec<String> {
        let styled = self.color.for_notices().0;
        messages.iter().map(|message| message.render(sources, styled)).collect()
    }
}

/// The text of a file; bytes that are no UTF-8 are replaced, as a terminal would.
fn read(file: &Path) -> Result<String, Refusal> {
    let limit = MAX_IMPORT_SIZE as u64 + 1;
    let mut bytes = Vec::new();
    let outcome = if file == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|opened| opened.take(limit).read_to_end(&mut bytes))
    };
    outcome.map_err(|error| Refusal::unreadable(file, &error))?;
    if import::is_capture(&bytes) {
        let name = if file == Path::new("-") { "FILE".to_owned() } else { file.display().to_string() };
        return Err(format!(
            "`{name}` is a capture of packets: import what `tshark -q -r {name} -z follow,tcp,ascii,0` prints (0 is the first stream)"
        )
        .into());
    }
    Ok(import::decoded(bytes))
}
