//! Clients that come by themselves, for `audit-client --listen`: where they are waited for, and what their user reads
//! meanwhile.
//!
//! Called by `client` for its options, by `clients` for the clients, and by `board` as sessions end.

use super::clients::{AuditedClient, ClientSource};
use crate::audit::{Check, HOST};
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::cli::serve::listen_address;
use crate::report::audit::AuditVerdict;
use crate::run::OutsideClient;
use crate::scenario::duration;
use crate::server::{Authority, cannot_listen};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A client that is started by hand, or lives elsewhere.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "A client that is not started from here")]
pub(super) struct OutsideArguments {
    /// Wait here for a client that is started by hand or lives elsewhere, in place of COMMAND: each session is one check.
    /// Port 0 is a free one (repeatable: a client for each)
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address, conflicts_with_all = ["command", "clients", "timeout"])]
    listen: Vec<SocketAddr>,
    /// The same for a client that begins with TLS, as on port 465 (repeatable)
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address, conflicts_with_all = ["command", "clients", "timeout"])]
    tls_listen: Vec<SocketAddr>,
    /// End when no session began for this long [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// The name or address by which the client knows the server; certificates are for it [default: localhost]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Write the authority that the client has to trust here, as PEM; it is made at each start
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
}

const WAIT: Duration = Duration::from_secs(300);

impl OutsideArguments {
    fn is_used(&self) -> bool {
        !self.listen.is_empty() || !self.tls_listen.is_empty()
    }

    /// The clients that are waited for; where they are, it is said. None without `--listen`.
    pub(super) fn clients(&self) -> Result<Vec<AuditedClient>, Refusal> {
        if !self.is_used() {
            return match (self.wait.is_some(), self.host.is_some(), self.ca_out.is_some()) {
                (false, false, false) => Ok(Vec::new()),
                (true, ..) => Err("`--wait` goes with `--listen`".into()),
                (_, true, _) => Err("`--host` goes with `--listen`".into()),
                _ => Err("`--ca-out` goes with `--listen`".into()),
            };
        }
        let no_authority = |error| Refusal::from(format!("the certification authority could not be made: {error}"));
        let authority = Arc::new(Authority::new().map_err(no_authority)?);
        if let (Some(file), Some(pem)) = (&self.ca_out, authority.to_pem()) {
            std::fs::write(file, pem).map_err(|error| Refusal::unwritable(file, &error))?;
        }
        let host = self.host.clone().unwrap_or_else(|| HOST.to_owned());
        let all = self.listen.iter().map(|at| (*at, false)).chain(self.tls_listen.iter().map(|at| (*at, true)));
        all.map(|(listen, begins_tls)| {
            let wait = self.wait.unwrap_or(WAIT);
            let client = OutsideClient::new(listen, wait, authority.clone(), vec![host.clone()])
                .map_err(|error| Refusal::from(cannot_listen(listen, &error).0))?;
            let address = client.address();
            screen::result(&format!("listening on {address}{}\n", if begins_tls { " with TLS" } else { "" }));
            let source = ClientSource::Outside { client: Arc::new(client), host: host.clone(), begins_tls };
            Ok(AuditedClient { name: address.to_string(), source })
        })
        .collect()
    }
}

/// Says whose first session is waited for.
pub(super) fn announce_first(clients: &[AuditedClient]) {
    for client in clients.iter().filter(|client| client.words().is_none()) {
        screen::notice(&format!("notice: {}: waiting for a first session: let the client send a message", client.name));
    }
}

/// Says of each client which session came to what, and what the next one is for.
pub(super) struct SessionNotices {
    clients: Vec<Sessions>,
}

struct Sessions {
    name: String,
    client: Arc<OutsideClient>,
    /// The checks that are still to come, by id.
    next: VecDeque<&'static str>,
    all: usize,
}

impl SessionNotices {
    /// Of the clients that come by themselves, with the checks of each; says what the first session of each is for.
    pub(super) fn begin(
        clients: &[AuditedClient],
        checks_of: &dyn Fn(usize) -> Vec<&'static str>,
    ) -> Option<SessionNotices> {
        let sessions = |(index, client): (usize, &AuditedClient)| match &client.source {
            ClientSource::Command(_) => None,
            ClientSource::Outside { client: outside, .. } => {
                let next = VecDeque::from(checks_of(index));
                Some(Sessions { name: client.name.clone(), client: outside.clone(), all: next.len(), next })
            }
        };
        let clients: Vec<Sessions> = clients.iter().enumerate().filter_map(sessions).collect();
        clients.iter().filter_map(Sessions::waits).for_each(|text| screen::notice(&format!("notice: {text}")));
        (!clients.is_empty()).then_some(SessionNotices { clients })
    }

    /// A session is over.
    pub(super) fn tell(&mut self, client: usize, check: &str, verdict: AuditVerdict) {
        let Some(sessions) = self.clients.get_mut(client) else { return };
        sessions.next.pop_front();
        if sessions.client.is_gone() {
            return;
        }
        let next = sessions.waits().map(|text| format!("; {text}")).unwrap_or_default();
        screen::notice(&format!("notice: {check}: {}{next}", verdict.word()));
    }
}

impl Sessions {
    /// What is waited for.
    fn waits(&self) -> Option<String> {
        let id = self.next.front()?;
        let (number, all) = (self.all - self.next.len() + 1, self.all);
        Some(format!("{}: waiting for session {number} of {all}, {id}", self.name))
    }
}

/// The checks of a client that comes by itself, by what only a command could show.
pub(super) fn needs_command(check: &Check) -> Option<&'static str> {
    let given = |name: &str| check.scenario.vars.iter().any(|var| var.name.name == name);
    if check.has_tag("by-exit") {
        Some("only the exit status of a COMMAND tells")
    } else if given("mail") {
        Some("the client must send another message: give a COMMAND that sends {message}")
    } else if given("to") {
        Some("the client must send to other addresses: give a COMMAND that sends to {to}")
    } else {
        None
    }
}
