//! The server's side of a run: listens, gives each connection its script, and collects what came of them.
//!
//! Responsible for connections as a whole: how many may come, how long they are waited for, and which never came. What
//! is done on one is `actor`'s business, its actions `steps`', what no step reads `rules`'. `rulebook` lends the rules to
//! the sandbox.

mod actor;
mod judge;
mod message;
mod offer;
mod reply;
mod rulebook;
mod rules;
mod scope;
mod steps;
mod words;

use super::diagnose::Place;
use super::outcome::{Divergence, SessionOutcome, StepOutcome, Verdict};
use super::scope::Names;
use super::stop::Stop;
use crate::scenario::server::{Plan, Server};
use crate::scenario::{Action, Span, Step, Templates};
use crate::server::{Acceptor, Authority, FallbackSettings};
use crate::session::Transcript;
use actor::Actor;
pub(crate) use rulebook::SandboxRules;
pub(super) use scope::server_value;
use socket2::SockRef;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A pause before the next accept when the system is out of descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// Which connections are still waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client of the same file is at work: they come when it opens them.
    Client,
    /// Whoever comes, whenever it comes, until so many were served.
    Open { wanted: Option<usize> },
    /// The same, but each must come so soon.
    Within { wanted: Option<usize>, wait: Duration },
    /// Nobody comes any more: what has begun is played to its end.
    Last,
}

/// What all connections of one server share.
pub(super) struct Shared {
    pub(super) server: Arc<Server>,
    pub(super) address: SocketAddr,
    pub(super) names: Names,
    pub(super) templates: Templates,
    pub(super) timeout: Duration,
    /// When the whole run must be over.
    pub(super) due: Option<Instant>,
    pub(super) file_root: Option<PathBuf>,
    pub(super) show_secrets: bool,
    pub(super) insecure_secrets: bool,
    pub(super) stop: Stop,
    pub(super) fallback: FallbackSettings,
    /// For each rule how many commands matched it, on all connections.
    pub(super) matched: Mutex<Vec<u64>>,
    authority: OnceLock<Result<Authority, String>>,
    /// For TLS as the server itself is set, without what a connection or a step says otherwise.
    acceptor: OnceLock<Result<Acceptor, String>>,
    /// Whether the client of the same file has diverged: what then misses follows from that.
    abandoned: AtomicBool,
}

/// Where a server listens, for those who are to connect.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Its address, with the port that it got.
    pub address: SocketAddr,
    /// The certificate that a client must trust, in PEM: the authority's, or the server's own where it signed itself.
    pub trust_pem: Vec<u8>,
}

/// A server that listens.
pub(super) struct Serving {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    task: JoinHandle<Vec<Record>>,
}

/// What came of one connection.
pub(super) struct Record {
    /// From 1.
    pub(super) number: usize,
    pub(super) steps: Vec<StepOutcome>,
    pub(super) divergences: Vec<Divergence>,
    pub(super) session: Option<SessionOutcome>,
    /// What was captured, as it is shown.
    pub(super) captures: BTreeMap<String, String>,
}

impl Record {
    /// Of a connection on which nothing was played.
    fn of_none(number: usize, whole: StepOutcome, divergences: Vec<Divergence>) -> Record {
        Record { number, steps: vec![whole], divergences, session: None, captures: BTreeMap::new() }
    }
}

/// What a server is started with.
pub(super) struct Start {
    pub(super) server: Arc<Server>,
    pub(super) listen: SocketAddr,
    pub(super) names: Names,
    pub(super) templates: Templates,
    pub(super) timeout: Duration,
    pub(super) due: Option<Instant>,
    pub(super) file_root: Option<PathBuf>,
    pub(super) show_secrets: bool,
    pub(super) insecure_secrets: bool,
    pub(super) stop: Stop,
    pub(super) passwords: Vec<String>,
}

impl Serving {
    /// Listens, and serves in tasks of the current tokio runtime.
    pub(super) async fn start(start: Start, log: &Transcript) -> Result<Serving, String> {
        let listener = TcpListener::bind(start.listen)
            .await
            .map_err(|error| crate::server::cannot_listen(start.listen, &error))?;
        let address = listener.local_addr().map_err(|error| crate::scenario::reason(&error))?;
        let shared = Arc::new(Shared {
            matched: Mutex::new(vec![0; start.server.rules.len()]),
            server: start.server,
            address: reachable(address),
            names: start.names,
            templates: start.templates,
            timeout: start.timeout,
            due: start.due,
            file_root: start.file_root,
            show_secrets: start.show_secrets,
            insecure_secrets: start.insecure_secrets,
            stop: start.stop,
            fallback: FallbackSettings::new(start.passwords.into_iter()),
            authority: OnceLock::new(),
            acceptor: OnceLock::new(),
            abandoned: AtomicBool::new(false),
        });
        let (phase, seen) = watch::channel(Phase::Client);
        let host = Host {
            shared: shared.clone(),
            log: log.for_another(),
            playing: JoinSet::new(),
            came: 0,
            records: Vec::new(),
        };
        Ok(Serving { shared, phase, task: tokio::spawn(host.serve(listener, seen)) })
    }

    /// Where a client on this machine reaches it.
    pub(super) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The certificate that a client must trust, in PEM: the authority's, or the server's own where it signed itself.
    pub(super) fn trust_pem(&self) -> Result<Vec<u8>, String> {
        self.shared.acceptor().map(|acceptor| acceptor.trust_pem.clone())
    }

    /// The run's certification authority in PEM.
    pub(super) fn authority_pem(&self) -> Option<Vec<u8>> {
        self.shared.authority().ok().and_then(Authority::to_pem)
    }

    /// The client has left its script: what the server misses from now on follows from that.
    pub(super) fn abandon(&self) {
        self.shared.abandoned.store(true, Ordering::SeqCst);
    }

    /// Says which connections are waited for from now on, and waits for the end of all of them.
    pub(super) async fn finish(self, phase: Phase) -> Vec<Record> {
        self.phase.send_replace(phase);
        let mut records = self.task.await.unwrap_or_default();
        records.sort_by_key(|record| record.number);
        records
    }
}

impl Shared {
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// `length`, cut at the end of the run.
    pub(super) fn bounded(&self, length: Duration) -> Duration {
        self.due.map_or(length, |due| length.min(due.saturating_duration_since(Instant::now())))
    }

    pub(super) fn run_is_over(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    pub(super) fn authority(&self) -> Result<&Authority, String> {
        let made = self.authority.get_or_init(|| {
            Authority::new().map_err(|error| format!("the certification authority could not be made: {error}"))
        });
        made.as_ref().map_err(Clone::clone)
    }
}

/// Whoever listens on every address is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Lets connections in and collects what came of them.
struct Host {
    shared: Arc<Shared>,
    log: Transcript,
    playing: JoinSet<Record>,
    /// How many connections came.
    came: usize,
    records: Vec<Record>,
}

impl Host {
    async fn serve(mut self, listener: TcpListener, mut phase: watch::Receiver<Phase>) -> Vec<Record> {
        let mut last_event = Instant::now();
        let stop = self.shared.stop.clone();
        loop {
            let now = *phase.borrow_and_update();
            if !self.goes_on(now, &listener) {
                break;
            }
            let until = self.until(now, last_event);
            tokio::select! {
                accepted = listener.accept(), if now != Phase::Last => match accepted {
                    Ok((tcp, address)) => {
                        last_event = Instant::now();
                        self.admit(tcp, address);
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
                },
                Some(done) = self.playing.join_next(), if !self.playing.is_empty() => {
                    last_event = Instant::now();
                    self.records.extend(done);
                }
                Ok(()) = phase.changed() => last_event = Instant::now(),
                () = tokio::time::sleep_until(until.unwrap_or_else(Instant::now).into()), if until.is_some() => break,
                () = stop.stopped() => break,
            }
        }
        self.end(&listener).await
    }

    /// Whether anything is left to wait for.
    fn goes_on(&mut self, phase: Phase, listener: &TcpListener) -> bool {
        let wanted = match phase {
            Phase::Client => return true,
            Phase::Open { wanted } | Phase::Within { wanted, .. } => wanted,
            Phase::Last => {
                self.take_arrived(listener);
                return !self.playing.is_empty();
            }
        };
        wanted.is_none_or(|wanted| self.came < wanted) || !self.playing.is_empty()
    }

    /// When waiting is over, where it ever is. A connection that is being served has its own limits.
    fn until(&self, phase: Phase, last_event: Instant) -> Option<Instant> {
        let patience = match phase {
            Phase::Within { wait, .. } if self.playing.is_empty() => last_event.checked_add(wait),
            _ => None,
        };
        let due = self.shared.due.filter(|_| self.playing.is_empty());
        patience.into_iter().chain(due).min()
    }

    async fn end(mut self, listener: &TcpListener) -> Vec<Record> {
        self.take_arrived(listener);
        while let Some(done) = self.playing.join_next().await {
            self.records.extend(done);
        }
        self.note_missing();
        self.records
    }

    /// Lets in who has connected already, without waiting. The kernel is asked: tokio may not have heard of it yet.
    fn take_arrived(&mut self, listener: &TcpListener) {
        while let Ok((socket, address)) = SockRef::from(listener).accept() {
            let tcp = std::net::TcpStream::from(socket);
            let tcp = tcp.set_nonblocking(true).and_then(|()| TcpStream::from_std(tcp));
            if let (Ok(tcp), Some(address)) = (tcp, address.as_socket()) {
                self.admit(tcp, address);
            }
        }
    }

    fn admit(&mut self, tcp: TcpStream, address: SocketAddr) {
        self.came += 1;
        let number = self.came;
        if let Some(listed) = self.shared.server.listed().filter(|listed| number > *listed) {
            // Dropped: closed without a word.
            return self.one_too_many(number, listed, address);
        }
        let actor = Actor::new(self.shared.clone(), number, tcp, address, self.log.for_another());
        self.playing.spawn(actor.play());
    }

    fn one_too_many(&mut self, number: usize, listed: usize, address: SocketAddr) {
        let session = Arc::from(format!("server {number}"));
        self.log.begin_step(&connection_number(number));
        self.log.note(&session, &format!("connection from {address}, which nothing is listed for"));
        let noun = if listed == 1 { "one connection is listed" } else { "connections are listed" };
        let count = if listed == 1 { String::new() } else { format!("{listed} ") };
        let text = format!("only {count}{noun}, and this one came as well");
        let span = self.shared.server.span;
        self.fault(number, span, "connections", &text);
    }

    /// Connections that are listed and did not come.
    fn note_missing(&mut self) {
        let shared = self.shared.clone();
        let wanted = match &shared.server.plan {
            Plan::Rules => 0,
            Plan::Each(_) => 1,
            Plan::Listed(_) => shared.server.listed().unwrap_or(0),
        };
        for number in self.came + 1..=wanted {
            let span = shared.server.served(number).map_or(shared.server.span, |served| served.span);
            if !shared.is_abandoned() && !shared.stop.is_stopped() {
                self.fault(number, span, "connections", "the connection never came");
            } else {
                let unreached = connection_outcome(number, span, Verdict::Unreached, self.log.elapsed());
                self.records.push(Record::of_none(number, unreached, Vec::new()));
            }
            let at = self.log.elapsed();
            if let Some(record) = self.records.last_mut() {
                let name = shared.server.served(number).and_then(|served| served.name.as_ref());
                if let Some(whole) = record.steps.first_mut() {
                    whole.name = name.map(|name| name.source.clone());
                }
                pass_over(shared.server.steps(number), number, at, &mut record.steps);
            }
        }
    }

    fn fault(&mut self, number: usize, span: Span, kind: &'static str, text: &str) {
        let step = connection_number(number);
        let place = Place {
            number: &step,
            name: None,
            span,
            session: None,
            host: "",
            masker: self.log.masker(),
            run_is_over: self.shared.run_is_over(),
        };
        let divergence = Divergence { line: self.log.last_of(&step), ..place.fault(kind, text) };
        let diverged = connection_outcome(number, span, Verdict::Diverged, self.log.elapsed());
        self.records.push(Record::of_none(number, diverged, vec![divergence]));
    }
}

/// `server.2`: what belongs to a connection as a whole.
fn connection_number(connection: usize) -> String {
    format!("server.{connection}")
}

/// A connection stands before its steps, as a group does.
fn connection_outcome(connection: usize, span: Span, verdict: Verdict, started: Duration) -> StepOutcome {
    StepOutcome {
        number: connection_number(connection),
        name: None,
        action: "connection",
        span,
        session: format!("server {connection}"),
        verdict,
        started,
        duration: Duration::ZERO,
        replies: Vec::new(),
    }
}

/// A step that nothing is known of but where it stands.
fn unplayed(step: &Step, connection: usize, started: Duration) -> StepOutcome {
    StepOutcome {
        number: format!("server.{connection}.{}", step.head.number),
        name: step.head.name.as_ref().map(|name| name.source.clone()),
        action: step.keyword(),
        span: step.head.span,
        ..connection_outcome(connection, step.head.span, Verdict::Unreached, started)
    }
}

/// Records steps that were not come to.
fn pass_over(steps: &[Step], connection: usize, at: Duration, list: &mut Vec<StepOutcome>) {
    for step in steps {
        list.push(unplayed(step, connection, at));
        if let Action::Group(group) = &step.action {
            pass_over(&group.steps, connection, at, list);
        }
    }
}
