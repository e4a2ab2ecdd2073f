//! `smtp-script record`: a proxy between a client and a server that writes what they say as scenarios.

use super::screen::{self, Color};
use super::serve::listen_address;
use super::trust::CertificateArguments;
use super::{FAILED, NO_SERVER, USAGE, new_file};
use crate::cli::refusal::{Refusal, read};
use crate::proxy::{self, Listener, ProxyFault, ProxyListening, ProxySettings, Recorded, RelaySpeaker, SessionFailure};
use crate::recording::KnownCredentials;
use crate::report::human;
use crate::run::{Entry, Speaker as Side};
use crate::scenario::address::split_argument;
use crate::server::Identity;
use crate::smtp::ports::SUBMISSIONS_PORT;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Record what a client and a server say to each other, as a scenario. Prints `listening on ADDRESS:PORT` as soon as
/// clients can connect; credentials become secrets. Ctrl-C ends it and writes what was recorded.
#[derive(Debug, clap::Args)]
pub(super) struct RecordArguments {
    /// The server to pass the client's words to
    #[arg(long, value_name = "HOST:PORT", value_parser = split_argument)]
    to: (String, u16),
    /// Write the scenario here; those of further sessions beside it, as NAME-2.yaml and so on
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Stop after N sessions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    connections: Option<u32>,
    #[command(flatten)]
    client: ClientArguments,
    #[command(flatten)]
    server: ServerArguments,
    /// Show each line of the conversations; lines of AUTH are shown without credentials
    #[arg(short, long)]
    verbose: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// How the client reaches the proxy.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Towards the client")]
struct ClientArguments {
    /// Listen here; port 0 is a free one (repeatable) [default: 127.0.0.1:0]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address)]
    listen: Vec<SocketAddr>,
    /// Listen here with TLS from the first octet, as on port 465 (repeatable)
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address)]
    tls_listen: Vec<SocketAddr>,
    /// The certificate to show to the client, with those that lead to its authority, as PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The key of the certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// Write the authority that the client has to trust here, as PEM; a certificate is made at each start
    #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
    ca_out: Option<PathBuf>,
}

/// How the proxy reaches the server.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Towards the server")]
struct ServerArguments {
    /// Whether TLS comes first [default: implicit on port 465, else none]
    #[arg(long, value_name = "WHEN")]
    tls: Option<TlsFirst>,
    #[command(flatten)]
    certificates: CertificateArguments,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum, PartialEq, Eq)]
enum TlsFirst {
    /// Before the greeting.
    Implicit,
    /// Never, or after STARTTLS.
    None,
}

/// Records, and gives the exit code: 0 when every session was recorded to its end.
pub(super) fn record(arguments: &RecordArguments) -> u8 {
    match arguments.prepare().and_then(|settings| arguments.record(settings)) {
        Ok(code) => code,
        Err(refusal) => refusal.show(),
    }
}

impl RecordArguments {
    fn prepare(&self) -> Result<ProxySettings, Refusal> {
        if new_file::is_standard_output(&self.output) {
            return Err("`record` says on standard output where it listens: give `-o` the name of a file".into());
        }
        new_file::refuse_existing(&self.output, self.force)?;
        new_file::refuse_missing_folder(&self.output)?;
        let (client, server) = (&self.client, &self.server);
        let nowhere = client.listen.is_empty() && client.tls_listen.is_empty();
        let by_port = self.to.1 == SUBMISSIONS_PORT;
        Ok(ProxySettings {
            server: self.to.clone(),
            implicit_tls: server.tls.map_or(by_port, |tls| tls == TlsFirst::Implicit),
            server_tls: server.certificates.options()?,
            listen: if nowhere { vec![(Ipv4Addr::LOCALHOST, 0).into()] } else { client.listen.clone() },
            tls_listen: client.tls_listen.clone(),
            identity: self.identity()?,
            max_sessions: self.connections.map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX)),
        })
    }

    /// The certificate is made for the names that the client may know the server by.
    fn identity(&self) -> Result<Identity, Refusal> {
        if let (Some(certificate), Some(key)) = (&self.client.certificate, &self.client.key) {
            return Ok(Identity::Given { certificate_pem: read(certificate)?, key_pem: read(key)? });
        }
        let addresses = self.client.listen.iter().chain(&self.client.tls_listen).map(SocketAddr::ip);
        let addresses = addresses.filter(|address| !address.is_unspecified()).map(|address| address.to_string());
        let host = self.to.0.trim_matches(['[', ']']).to_owned();
        Ok(Identity::MadeFor(std::iter::once(host).chain(addresses).collect()))
    }

    fn record(&self, settings: ProxySettings) -> Result<u8, Refusal> {
        let (mut codes, mut written, mut known) = (Vec::new(), 0, KnownCredentials::default());
        let finished = |recorded: Recorded| {
            codes.extend(recorded.trouble.as_ref().map(|trouble| complain(recorded.session, trouble)));
            if recorded.spoke {
                match self.write(&recorded, written, &mut known) {
                    Ok(()) => written += 1,
                    Err(refusal) => codes.push(refusal.show()),
                }
            }
        };
        let announce = |listening: &ProxyListening| {
            self.announce(listening).map_err(|refusal| ProxyFault::Other(refusal.to_string()))
        };
        proxy::record(settings, self.listener(), announce, finished).map_err(|fault| fault.to_string())?;
        if written == 0 && codes.is_empty() {
            screen::notice("nothing was recorded: no client said anything");
        }
        Ok([USAGE, FAILED, NO_SERVER].into_iter().find(|code| codes.contains(code)).unwrap_or(0))
    }

    /// Says where the client can connect, and writes what it has to trust before that.
    fn announce(&self, listening: &ProxyListening) -> Result<(), Refusal> {
        if let (Some(file), Some(pem)) = (&self.client.ca_out, &listening.authority_pem) {
            std::fs::write(file, pem).map_err(|error| Refusal::unwritable(file, &error))?;
        }
        for (address, tls) in &listening.addresses {
            screen::result(&format!("listening on {address}{}\n", if *tls { " with TLS" } else { "" }));
        }
        Ok(())
    }

    /// Writes one session; `before` were written already, and showed these credentials.
    fn write(&self, recorded: &Recorded, before: usize, known: &mut KnownCredentials) -> Result<(), Refusal> {
        let path = numbered(&self.output, before + 1);
        let draft = recorded.conversation.draft_knowing(known);
        let text = draft.to_yaml();
        new_file::write(&path, &text, self.force)?;
        let secrets: Vec<String> = draft.secrets.iter().map(|name| format!(" --secret {name}=…")).collect();
        let shown = crate::visible(path.display().to_string().as_bytes());
        screen::result(&format!("session {} is written to {shown}\n", recorded.session));
        if !secrets.is_empty() {
            screen::notice(&format!("  = help: play it with `smtp-script run {shown}{}`", secrets.concat()));
        }
        Ok(())
    }

    /// Shows each line on standard error, in the notation of transcripts.
    fn listener(&self) -> Option<Listener> {
        let (start, styled) = (Instant::now(), self.color.for_notices());
        let tell = move |session: usize, speaker: RelaySpeaker, text: String| {
            let speaker = match speaker {
                RelaySpeaker::Client => Side::Client,
                RelaySpeaker::Server => Side::Server,
                RelaySpeaker::Note => Side::Note,
            };
            let session: Arc<str> = Arc::from(session.to_string());
            let entry = Entry { at: start.elapsed(), session, speaker, text, step: Arc::from(""), mail_data: false };
            screen::drawn(&human::entry(&entry, true, styled));
        };
        self.verbose.then(|| Arc::new(tell) as Listener)
    }
}

/// Says what went wrong with a session, and gives its exit code.
fn complain(session: usize, trouble: &SessionFailure) -> u8 {
    screen::notice(&format!("error: session {session}: {}", trouble.message));
    if trouble.no_server { NO_SERVER } else { FAILED }
}

/// `name.yaml`, and for further sessions `name-2.yaml`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_path_buf();
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{number}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_sessions_have_numbers() {
        assert_eq!(numbered(Path::new("a/b.yaml"), 1), Path::new("a/b.yaml"));
        assert_eq!(numbered(Path::new("a/b.c.yaml"), 3), Path::new("a/b.c-3.yaml"));
        assert_eq!(numbered(Path::new("b"), 2), Path::new("b-2"));
    }
}
