//! The sandbox server: where it listens, what its connections share, how it ends.
//!
//! Responsible for listeners and their tasks; one client's connection is served in `connection`. `run --sandbox` starts
//! it inside the runtime that plays the scenario, so it must cost nothing while nobody speaks: certificates are made
//! when the first client wants TLS, and a connection that waits owns no read buffer.

mod connection;

use crate::net::clock;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::acceptor::AcceptorFault;
use super::auth::Login;
use super::counts::Counts;
use super::listening::cannot_listen;
use super::log::Log;
use super::received::MailListener;
use super::rulebook::Rulebook;
use super::settings::{DEFAULT_MAX_MESSAGE_SIZE, IDLE, QueueIds, SandboxSettings};
use super::store::Store;
use super::tls::{ClientCertificates, Identity, SandboxTls};
use crate::smtp::auth::Mechanism;
pub(crate) use connection::LINGER;
use connection::{Start, turn_away};

/// Connections that the system may hold until they are accepted: thousands come at once in a load test.
const BACKLOG: u32 = 4096;
/// Connections of one listener at the same time; one more is sent away with 421.
const MAX_CONNECTIONS: usize = 20_000;
/// The name in the greeting unless the options say otherwise.
pub(crate) const DEFAULT_HOST_NAME: &str = "sandbox.smtp-script.example";

/// What a sandbox is started with.
pub(crate) struct SandboxOptions {
    /// Where it speaks plain text and offers STARTTLS.
    pub(crate) listen: Vec<SocketAddr>,
    /// Where it speaks implicit TLS.
    pub(crate) tls_listen: Vec<SocketAddr>,
    /// LMTP instead of SMTP.
    pub(crate) lmtp: bool,
    /// The logins that AUTH takes; none: every AUTH is refused.
    pub(crate) accept: Vec<Login>,
    /// The mechanisms that may be used; `None` stands for all.
    pub(crate) mechanisms: Option<Vec<Mechanism>>,
    /// Whether a client has to log in, and to start TLS.
    pub(crate) require_auth: bool,
    pub(crate) require_tls: bool,
    /// Whether STARTTLS is not offered.
    pub(crate) without_starttls: bool,
    /// The certificate.
    pub(crate) identity: Identity,
    /// The client certificates that EXTERNAL takes.
    pub(crate) client_certificates: ClientCertificates,
    /// The name in the greeting.
    pub(crate) host_name: String,
    /// The SIZE limit in octets; 0 means none (RFC 1870).
    pub(crate) max_message_size: u64,
    /// Sessions after which nobody is let in any more; 0 means no limit.
    pub(crate) max_sessions: u64,
    /// How long a silent client is waited for.
    pub(crate) idle: Duration,
    /// Where messages are kept.
    pub(crate) store: Option<Store>,
    /// Who hears what happens.
    pub(crate) log: Option<Log>,
    /// Who answers before the protocol does.
    pub(crate) rules: Option<Arc<dyn Rulebook>>,
    /// Who hears of messages.
    pub(crate) listener: Option<MailListener>,
}

impl Default for SandboxOptions {
    /// Two free ports of loopback, no logins, and messages are forgotten.
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: vec![any_port],
            tls_listen: vec![any_port],
            lmtp: false,
            accept: Vec::new(),
            mechanisms: None,
            require_auth: false,
            require_tls: false,
            without_starttls: false,
            identity: Identity::MadeFor(Vec::new()),
            client_certificates: ClientCertificates::Any,
            host_name: DEFAULT_HOST_NAME.to_owned(),
            max_message_size: DEFAULT_MAX_MESSAGE_SIZE,
            max_sessions: 0,
            idle: IDLE,
            store: None,
            log: None,
            rules: None,
            listener: None,
        }
    }
}

/// How far a sandbox is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SandboxStage {
    /// Clients may come.
    Open,
    /// Nobody is let in any more.
    Closed,
    /// Clients that are there are asked to leave.
    Farewell,
}

/// A running sandbox server; dropping it closes its listeners and all of its connections.
pub(crate) struct Sandbox {
    address: SocketAddr,
    tls_address: SocketAddr,
    addresses: Vec<(SocketAddr, bool)>,
    shared: Arc<Shared>,
    listeners: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Listens and serves in tasks of the current tokio runtime.
    ///
    /// # Errors
    /// When an address cannot be listened on; the message says which.
    ///
    /// # Panics
    /// Outside a tokio runtime with input, output and time enabled.
    pub(crate) fn start(options: SandboxOptions) -> io::Result<Self> {
        let wanted = options.listen.iter().map(|address| (*address, Start::Plain));
        let wanted = wanted.chain(options.tls_listen.iter().map(|address| (*address, Start::ImplicitTls)));
        let mut bound = Vec::new();
        for (address, start) in wanted {
            bound.push((listener(address)?, start));
        }
        let shared = Arc::new(Shared::new(options));
        let mut sandbox = Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            tls_address: (Ipv4Addr::LOCALHOST, 0).into(),
            addresses: Vec::new(),
            shared,
            listeners: Vec::new(),
        };
        // The last come first, so that the first of each kind stays.
        for (listener, start) in bound.into_iter().rev() {
            sandbox.add(listener, start)?;
        }
        sandbox.addresses.reverse();
        Ok(sandbox)
    }

    fn add(&mut self, listener: TcpListener, start: Start) -> io::Result<()> {
        let address = listener.local_addr()?;
        match start {
            Start::Plain => self.address = address,
            Start::ImplicitTls => self.tls_address = address,
        }
        self.addresses.push((address, matches!(start, Start::ImplicitTls)));
        self.listeners.push(tokio::spawn(listen(listener, Arc::clone(&self.shared), start)));
        Ok(())
    }

    /// Where it speaks plain text and offers STARTTLS.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it speaks implicit TLS (RFC 8314).
    pub(crate) fn tls_address(&self) -> SocketAddr {
        self.tls_address
    }

    /// All addresses, in the order of the options, and whether TLS comes first there.
    pub(crate) fn addresses(&self) -> &[(SocketAddr, bool)] {
        &self.addresses
    }

    /// Makes or reads the certificates, unless that was done.
    ///
    /// # Errors
    /// What the user gave is none, or openssl could not make them.
    pub(crate) fn prepare_tls(&self) -> io::Result<()> {
        self.shared.tls().map(drop)
    }

    /// The certification authority that a client must trust, as PEM; the first call makes the certificates.
    ///
    /// # Errors
    /// When openssl could not make them.
    pub(crate) fn ca_pem(&self) -> io::Result<Vec<u8>> {
        Ok(self.shared.tls()?.authority_pem.clone().unwrap_or_default())
    }

    /// What it has done so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Goes towards its end, never back.
    pub(crate) fn enter(&self, stage: SandboxStage) {
        self.shared.stage.send_modify(|now| *now = stage.max(*now));
    }

    /// Waits until nobody can come any more and all have gone.
    pub(crate) async fn gone(&mut self) {
        for listener in &mut self.listeners {
            if !listener.is_finished() {
                // A listener that was aborted has gone too.
                _ = listener.await;
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

/// What the listeners and connections of one sandbox share.
struct Shared {
    settings: Arc<SandboxSettings>,
    identity: Identity,
    client_certificates: ClientCertificates,
    idle: Duration,
    max_sessions: u64,
    tls: OnceLock<Result<SandboxTls, AcceptorFault>>,
    store: Option<Arc<Store>>,
    counts: Arc<Counts>,
    log: Option<Log>,
    rules: Option<Arc<dyn Rulebook>>,
    listener: Option<MailListener>,
    stage: watch::Sender<SandboxStage>,
}

impl Shared {
    fn new(options: SandboxOptions) -> Self {
        let settings = SandboxSettings {
            host_name: options.host_name,
            lmtp: options.lmtp,
            max_message_size: options.max_message_size,
            accept: options.accept,
            mechanisms: options.mechanisms,
            require_auth: options.require_auth,
            require_tls: options.require_tls,
            without_starttls: options.without_starttls,
            end_point: OnceLock::new(),
            queue_ids: QueueIds::starting_at(fastrand::u64(..)),
        };
        Self {
            settings: Arc::new(settings),
            identity: options.identity,
            client_certificates: options.client_certificates,
            idle: options.idle,
            max_sessions: options.max_sessions,
            tls: OnceLock::new(),
            store: options.store.map(Arc::new),
            counts: Arc::default(),
            log: options.log,
            rules: options.rules,
            listener: options.listener,
            stage: watch::Sender::new(SandboxStage::Open),
        }
    }

    fn tls(&self) -> io::Result<&SandboxTls> {
        let make = || SandboxTls::new(&self.identity, self.client_certificates.clone(), &self.settings.end_point);
        self.tls.get_or_init(make).as_ref().map_err(|error| match self.identity {
            Identity::MadeFor(_) => io::Error::other(format!("cannot make the sandbox's certificates: {error}")),
            Identity::Given { .. } => io::Error::other(format!("cannot use the certificate and its key: {error}")),
        })
    }

    /// Numbers a session, unless there were enough.
    fn next_session(&self) -> Option<u64> {
        let is_open = *self.stage.borrow() == SandboxStage::Open;
        let is_room = self.max_sessions == 0 || self.counts.sessions() < self.max_sessions;
        (is_open && is_room).then(|| self.counts.count_session())
    }
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // So that a sandbox can be started again while the connections of the last one are still being forgotten.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|error| io::Error::new(error.kind(), cannot_listen(address, &error)))
}

/// Accepts until the sandbox closes, and ends when the last of its connections has; they end with it.
async fn listen(listener: TcpListener, shared: Arc<Shared>, start: Start) {
    let mut connections = JoinSet::new();
    let mut stage = shared.stage.subscribe();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < MAX_CONNECTIONS => {
                    if let Some(session) = shared.next_session() {
                        connections.spawn(connection::serve(stream, peer, session, Arc::clone(&shared), start));
                    }
                }
                Ok((stream, _)) => turn_away(&stream, &shared, start),
                Err(_) => clock::before_accepting_again().await,
            },
            Some(_) = connections.join_next() => {}
            () = reached(&mut stage, SandboxStage::Closed) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits until the sandbox has reached this stage of its end.
async fn reached(now: &mut watch::Receiver<SandboxStage>, stage: SandboxStage) {
    // Whoever asks holds the sender too, so it never fails.
    _ = now.wait_for(|now| *now >= stage).await;
}

#[cfg(test)]
mod tests;
