//! How a scenario is to be played.

use super::{ClientProgram, OutsideClient, Stop};
use crate::net::socks_proxy::SocksProxy;
use crate::play::client::BoundSecrets;
use crate::scenario::FailOn;
use crate::scenario::Rendered;
use crate::server::Sandbox;
use crate::session::{Admission, Observer};
use crate::smtp::idiom::Idiom;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a scenario is to be played.
#[derive(Clone, Default)]
pub struct Settings {
    /// Play against the built-in server on loopback.
    pub sandbox: bool,
    /// Send every session to this host; without a port to the one that the session would go to.
    pub to: Option<(String, Option<u16>)>,
    /// Go through this proxy, where the scenario names none.
    pub proxy: Option<SocksProxy>,
    /// Ask this DNS server for MX records and for the addresses of the hosts they name, instead of the machine's.
    pub resolver: Option<SocketAddr>,
    /// Trust these certificates (PEM) instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Verify no certificate.
    pub insecure: bool,
    /// Let secrets go over plain or unverified sessions to other hosts than this one.
    pub insecure_secrets: bool,
    /// Show secrets in the transcript and in what is quoted.
    pub show_secrets: bool,
    /// Replaces the file's `timeout`.
    pub timeout: Option<Duration>,
    /// From which level on a divergence fails the run.
    pub fail_on: FailOn,
    /// The longest the whole run may take.
    pub max_time: Option<Duration>,
    /// Fixes time and randomness of templates.
    pub seed: Option<u64>,
    /// The folder that files are read from; the scenario's own by default.
    pub file_root: Option<PathBuf>,
    /// Of the mail exchangers of `connect: {mx: …}` the one to go to: one of [`exchangers`](crate::run::exchangers).
    pub exchanger: Option<String>,
    /// Somebody else's scenario: it reads no file (unless `file_root` is given) and reaches no unix socket and no loopback,
    /// private or link-local address, but for `to` and `allow_hosts`.
    pub untrusted: bool,
    /// Hosts that an untrusted scenario may reach wherever they are.
    pub allow_hosts: Vec<String>,
    /// To which hosts an untrusted scenario may send its secrets.
    pub bound: Arc<BoundSecrets>,
    /// Take replies that are not what is expected for right, and tell what the expectations must become.
    pub update: bool,
    /// The built-in server of several runs; without it each starts its own.
    pub shared_sandbox: Option<SharedSandbox>,
    /// Paces the connects of many runs at once.
    pub admission: Option<Admission>,
    /// The program that is started to connect to the server of the file, in place of a client in it.
    pub client_program: Option<Arc<ClientProgram>>,
    /// The client that comes from outside to the server of the file, for one session.
    pub outside_client: Option<Arc<OutsideClient>>,
    /// After how many connections a server ends that lists none.
    pub connections: Option<usize>,
    /// Where a server of the file listens, instead of where the file says.
    pub listen: Option<SocketAddr>,
    /// Keeps what both sides did on each connection, so that the server's part can be played again; not where
    /// `show_secrets` is set.
    pub record: bool,
    /// Keeps only the last steps and lines of a long run, and of those before them the figures: it is one of many.
    pub recent_only: bool,
    /// Ends the run at once when it is asked to.
    pub stop: Option<Stop>,
    /// In whose words helps are written.
    pub idiom: Idiom,
    /// Sees each line of the transcript as it is written.
    pub observer: Option<Observer>,
}

/// A built-in server that many runs share; it ends when the last of them lets go of it.
#[derive(Clone)]
pub struct SharedSandbox {
    server: Arc<Sandbox>,
    _alive: Arc<Alive>,
}

/// Ends the server's thread when it is dropped.
struct Alive(Stop);

impl SharedSandbox {
    /// A server that runs until `end` is wished.
    pub(crate) fn of(server: Arc<Sandbox>, end: Stop) -> SharedSandbox {
        SharedSandbox { server, _alive: Arc::new(Alive(end)) }
    }

    pub(crate) fn server(&self) -> &Arc<Sandbox> {
        &self.server
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Settings").field("sandbox", &self.sandbox).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Settings {
    /// Whether what is rendered depends on a secret that is not shown.
    pub(crate) fn hides(&self, rendered: &Rendered) -> bool {
        rendered.secret && !self.show_secrets
    }
}
