//! `smtp-script serve`: the server's side of the conversation.
//!
//! Responsible for the options that every kind of server has; what `--sandbox` serves is in `sandbox`.

mod messages;
mod sandbox;
mod scripted;

use super::report_files::ReportArguments;
use super::screen::{self, Color};
use crate::report::human;
use crate::run::{Entry, Speaker};
use crate::scenario::duration;
use crate::secret::Masker;
use crate::server::{self, Detail, Log};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Why the sandbox writes no report.
const WITHOUT_REPORT: &str = "the sandbox follows no script that a report could be about\n  = help: `--messages json` writes down \
     each message, `--keep DIR` keeps it; `serve FILE --report …` is about the scenario of a file";
const SHOWN: &str = "Output";

/// Act as the server that clients under test talk to: the server's side of a scenario, or the built-in server. Prints
/// `listening on ADDRESS:PORT` for each listener as soon as clients can connect, and ends in order at Ctrl-C or SIGTERM.
/// The exit codes are those of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArguments {
    /// A scenario with `server:`; it ends when its `connections:` have been served, otherwise as said below
    #[arg(value_name = "FILE", required_unless_present = "sandbox", conflicts_with = "sandbox", group = "played")]
    file: Option<PathBuf>,
    /// Serve the built-in server, which takes any message and delivers none
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    scripted: scripted::ScriptedArguments,
    #[command(flatten)]
    listening: ListenArguments,
    #[command(flatten)]
    server: sandbox::SandboxArguments,
    #[command(flatten)]
    reports: ReportArguments,
    /// Show each line of the conversations
    #[arg(short, long, help_heading = SHOWN)]
    verbose: bool,
    /// Print nothing but where it listens
    #[arg(short, long, conflicts_with = "verbose", help_heading = SHOWN)]
    quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = SHOWN)]
    color: Color,
}

/// Options that say where and how long clients are waited for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where it listens, and how long")]
struct ListenArguments {
    /// Listen here, and offer STARTTLS; port 0 is a free one (repeatable) [default: 127.0.0.1:0]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address)]
    listen: Vec<SocketAddr>,
    /// Listen here with TLS from the first octet, as on port 465 (repeatable)
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address, conflicts_with = "file")]
    tls_listen: Vec<SocketAddr>,
    /// The certificate to show, with those that lead to its authority, as PEM
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "file")]
    certificate: Option<PathBuf>,
    /// The key of the certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "certificate", conflicts_with = "file")]
    key: Option<PathBuf>,
    /// Write the authority that clients have to trust here, as PEM; a certificate is made at each start
    #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
    ca_out: Option<PathBuf>,
    /// Send 421 to a client that has been idle this long [default: 300s]; with FILE, how long one wait may take
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Stop after N sessions; with FILE, where it lists no `connections:`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_sessions: Option<u64>,
    /// Stop after N messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_messages: Option<u64>,
    /// Stop after N messages; the exit code is 1 if fewer came in the time of --max-time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "max_messages")]
    wait: Option<u64>,
    /// Stop after this time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    max_time: Option<Duration>,
}

impl ListenArguments {
    /// Whether it is to end after messages.
    fn counts_messages(&self) -> bool {
        self.wait.is_some() || self.max_messages.is_some()
    }
}

/// Serves and gives the exit code: 0 when the server ended as it was told to.
pub(super) fn serve(arguments: &ServeArguments) -> u8 {
    let served = match &arguments.file {
        Some(file) => scripted::serve(file, arguments),
        None if arguments.reports.are_wanted() => Err(WITHOUT_REPORT.to_owned().into()),
        None => sandbox::serve(arguments),
    };
    match served {
        Ok(code) => code,
        Err(refusal) => refusal.show(),
    }
}

impl ServeArguments {
    /// The log on standard error, in the notation of transcripts; what the masker finds is not shown.
    fn log(&self, masker: Masker) -> Option<Log> {
        let detail = if self.verbose { Detail::Conversation } else { Detail::Notes };
        let styled = self.color.for_notices();
        let tell = move |line: &server::LogLine| {
            let speaker = match line.speaker {
                server::LogSpeaker::Client => Speaker::Client,
                server::LogSpeaker::Server => Speaker::Server,
                server::LogSpeaker::Note => Speaker::Note,
            };
            let (session, text) = (line.session.clone(), line.text.clone());
            let entry = Entry { at: line.at, session, speaker, text, step: Arc::from(""), mail_data: false };
            screen::drawn(&human::entry(&entry, true, styled));
        };
        (!self.quiet).then(|| Log::new(detail, masker, tell))
    }
}

/// Reads `ADDRESS:PORT`, a name of this machine instead of the address, or a port of loopback.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let hint = "write `127.0.0.1:1025`, `[::1]:1025`, or `0.0.0.0:1025` for every address of this machine";
    if text.starts_with(':') {
        return Err(format!("which address? {hint}"));
    }
    let mut found = text.to_socket_addrs().map_err(|_| format!("this is no address and port: {hint}"))?;
    found.next().ok_or_else(|| format!("this name has no address: {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_listen() {
        assert_eq!(listen_address("1025"), Ok("127.0.0.1:1025".parse().unwrap()));
        assert_eq!(listen_address("[::1]:0"), Ok("[::1]:0".parse().unwrap()));
        assert_eq!(listen_address("0.0.0.0:25"), Ok("0.0.0.0:25".parse().unwrap()));
        assert!(listen_address("localhost:25").is_ok_and(|address| address.ip().is_loopback()));
        assert!(listen_address(":25").unwrap_err().starts_with("which address?"));
        assert!(listen_address("127.0.0.1").unwrap_err().starts_with("this is no address and port"));
        assert!(listen_address("127.0.0.1:99999").is_err());
    }
}
