//! A proxy between a real client and a real server, which hears what they say to each other.
//!
//! Responsible for listening, for one task a client, and for its end: after a number of sessions, or when somebody interrupts
//! it. `session` owns the two connections of a client, the wiretap of `recording` understands what passes, `live` tells
//! it at once. What becomes of a conversation is decided by the caller: `cli::record`.

mod live;
mod session;

pub(crate) use live::{Listener, RelaySpeaker};

use crate::net::clock;
use crate::net::signals::Signals;
use crate::net::tls::{Connector, TlsOptions};
use crate::recording::{Conversation, RecordedServer, Said, Wiretap};
use crate::server::{AcceptorFault, Identity, ListenFault, SandboxTls, cannot_listen};
use live::LiveView;
use session::RelayTrouble;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What is recorded, and between whom.
pub(crate) struct ProxySettings {
    /// The host and port of the server.
    pub(crate) server: (String, u16),
    /// Whether TLS with the server comes first.
    pub(crate) implicit_tls: bool,
    pub(crate) server_tls: TlsOptions,
    pub(crate) listen: Vec<SocketAddr>,
    /// Where TLS with the client comes first.
    pub(crate) tls_listen: Vec<SocketAddr>,
    /// What the proxy shows to clients.
    pub(crate) identity: Identity,
    /// How many sessions are recorded; 0 means no limit.
    pub(crate) max_sessions: usize,
}

/// One session that was recorded.
pub(crate) struct Recorded {
    /// The first session is 1.
    pub(crate) session: usize,
    pub(crate) conversation: Conversation,
    /// Whether the client said anything.
    pub(crate) spoke: bool,
    /// What went wrong.
    pub(crate) trouble: Option<SessionFailure>,
}

/// Why a session could not be recorded to its end.
#[derive(Debug)]
pub(crate) struct SessionFailure {
    pub(crate) message: String,
    /// Whether there was no server at all.
    pub(crate) no_server: bool,
}

/// Where clients can connect, and whether TLS comes first there; and the authority that they must trust, as PEM.
pub(crate) struct ProxyListening {
    pub(crate) addresses: Vec<(SocketAddr, bool)>,
    pub(crate) authority_pem: Option<Vec<u8>>,
}

/// Why nothing can be recorded.
#[derive(Debug)]
pub(crate) enum ProxyFault {
    /// The system gives no runtime.
    System(io::Error),
    /// What clients are to be shown.
    Certificate(AcceptorFault),
    Listen(ListenFault),
    /// What the server is asked for by TLS, or where the caller could not say where it listens: in words.
    Other(String),
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyFault::System(error) => write!(formatter, "{error}"),
            ProxyFault::Certificate(fault) => write!(formatter, "the certificate cannot be used: {fault}"),
            ProxyFault::Listen(fault) => write!(formatter, "{fault}"),
            ProxyFault::Other(words) => formatter.write_str(words),
        }
    }
}

/// What all sessions share.
struct Relay {
    settings: ProxySettings,
    tls: SandboxTls,
    stop: watch::Sender<bool>,
}

/// Records until there were enough sessions, or somebody interrupts it.
///
/// `started` is called when clients can connect, `finished` with each session that ended.
///
/// # Errors
/// It cannot listen, its certificate is none, or `started` fails.
pub(crate) fn record(
    settings: ProxySettings,
    listener: Option<Listener>,
    started: impl FnOnce(&ProxyListening) -> Result<(), ProxyFault>,
    finished: impl FnMut(Recorded),
) -> Result<(), ProxyFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ProxyFault::System)?;
    let outcome = runtime.block_on(serve(settings, listener, started, finished));
    // A name lookup that was given up must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn serve(
    settings: ProxySettings,
    listener: Option<Listener>,
    started: impl FnOnce(&ProxyListening) -> Result<(), ProxyFault>,
    mut finished: impl FnMut(Recorded),
) -> Result<(), ProxyFault> {
    let tls = SandboxTls::for_clients(&settings.identity).map_err(ProxyFault::Certificate)?;
    if settings.server_tls.ca_pem.is_some() {
        Connector::new(&settings.server_tls).map_err(|error| ProxyFault::Other(error.message))?;
    }
    let listeners = bind(&settings).await?;
    let addresses = listeners.iter().filter_map(|(listener, tls)| Some((listener.local_addr().ok()?, *tls))).collect();
    let mut signals = Signals::listen();
    started(&ProxyListening { addresses, authority_pem: tls.authority_pem.clone() })?;
    let max_sessions = settings.max_sessions;
    let shared = Arc::new(Relay { settings, tls, stop: watch::channel(false).0 });
    let (mut sessions, mut begun) = (JoinSet::new(), 0);
    loop {
        let enough = max_sessions != 0 && begun >= max_sessions;
        if enough && sessions.is_empty() {
            return Ok(());
        }
        tokio::select! {
            (client, tls_first) = accept_any(&listeners), if !enough => {
                begun += 1;
                let live = LiveView::new(begun, listener.clone());
                sessions.spawn(one(client, tls_first, Arc::clone(&shared), live, begun));
            }
            Some(ended) = sessions.join_next() => ended.into_iter().for_each(&mut finished),
            () = signals.next() => break,
        }
    }
    drop(listeners);
    shared.stop.send_replace(true);
    while let Some(ended) = sessions.join_next().await {
        ended.into_iter().for_each(&mut finished);
    }
    Ok(())
}

async fn bind(settings: &ProxySettings) -> Result<Vec<(TcpListener, bool)>, ProxyFault> {
    let mut listeners = Vec::new();
    let plain = settings.listen.iter().map(|address| (address, false));
    for (address, tls) in plain.chain(settings.tls_listen.iter().map(|address| (address, true))) {
        let bound = TcpListener::bind(address).await;
        listeners.push((bound.map_err(|error| ProxyFault::Listen(cannot_listen(*address, &error)))?, tls));
    }
    Ok(listeners)
}

/// The next client of any listener.
async fn accept_any(listeners: &[(TcpListener, bool)]) -> (TcpStream, bool) {
    loop {
        let accepted = std::future::poll_fn(|context| {
            let ready = listeners.iter().find_map(|(listener, tls)| match listener.poll_accept(context) {
                std::task::Poll::Ready(accepted) => Some(accepted.map(|(client, _)| (client, *tls))),
                std::task::Poll::Pending => None,
            });
            ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        });
        match accepted.await {
            Ok(client) => return client,
            Err(_) => clock::before_accepting_again().await,
        }
    }
}

/// One session from its beginning to its end.
async fn one(client: TcpStream, tls_first: bool, shared: Arc<Relay>, mut live: LiveView, session: usize) -> Recorded {
    let mut tap = Wiretap::new();
    let outcome = session::run(client, tls_first, &shared, (&mut tap, &mut live)).await;
    let ended = matches!(tap.said.last(), Some(Said::ServerClosed | Said::ClientClosed));
    if !ended {
        tap.end(Said::ClientClosed);
    }
    live.catch_up(&tap.said);
    let (host, port) = shared.settings.server.clone();
    let spoke = tap.heard_client();
    let server = RecordedServer {
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
        implicit_tls: shared.settings.implicit_tls,
    };
    let trouble = outcome.err().map(|trouble| match trouble {
        RelayTrouble::NoServer(message) => SessionFailure { message, no_server: true },
        RelayTrouble::Tls(message) | RelayTrouble::Broken(message) => SessionFailure { message, no_server: false },
    });
    Recorded { session, conversation: Conversation { server, said: tap.said }, spoke, trouble }
}
