//! Connections that reach a scripted server: it listens, gives each its script, and collects what came of them.
//!
//! Responsible for connections as a whole: how many may come, how long they are waited for, and which never came. `order`
//! has the steps of one played and then follows its `rules`; `rulebook` lends the rules to the sandbox.

mod judge;
mod kept;
mod order;
mod rulebook;
mod rules;

use crate::net::clock;
use crate::play::diagnose::{NO_CLIENT, Site};
use crate::play::divergence::{Divergence, Kind};
use crate::play::outcome::{StepOutcome, Verdict};
use crate::play::server::connection::Connection;
use crate::play::server::offer::NoCertificate;
use crate::play::server::record::{Record, connection_number, connection_outcome, pass_over};
use crate::play::server::script::{Script, ScriptParts};
use crate::play::server::tally::unmet;
use crate::scenario::Span;
use crate::scenario::server::ConnectionPlan;
use crate::server::{ListenFault, cannot_listen};
use crate::session::Transcript;
use crate::smtp::idiom::Idiom;
use kept::{Kept, LeftOut};
pub(crate) use rulebook::SandboxRules;
use socket2::SockRef;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// How many lines are kept of a server that serves without end.
const SERVED_LINES: usize = 20_000;

/// Which connections are still waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// The client of the same file is at work: they come when it opens them.
    Client,
    /// Whoever comes, whenever it comes, until `wanted` were served.
    Open { wanted: Option<usize> },
    /// As `Open`, but each connection must arrive within `wait`.
    Within { wanted: Option<usize>, wait: Duration },
    /// One connection of a client that comes from outside, which must arrive within `wait`; whoever comes next is not this
    /// server's.
    Outside { wait: Duration },
    /// Nobody comes any more: what has begun is played to its end.
    Last,
}

/// Where a server listens, for those who are to connect.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Its address, with the port that it got.
    pub address: SocketAddr,
    /// The certificate that a client must trust, in PEM: the authority's, or the server's own where it signed itself.
    pub trust_pem: Vec<u8>,
}

impl Awaited {
    /// Whether one more connection is let in after this many.
    fn admits(self, came: usize) -> bool {
        match self {
            Awaited::Last => false,
            Awaited::Outside { .. } => came == 0,
            Awaited::Client | Awaited::Open { .. } | Awaited::Within { .. } => true,
        }
    }
}

/// A server that listens.
pub(crate) struct Serving {
    script: Arc<Script>,
    phase: watch::Sender<Awaited>,
    task: JoinHandle<(Vec<Record>, LeftOut)>,
}

impl Serving {
    /// Listens, and serves in tasks of the current tokio runtime.
    pub(crate) async fn start(
        listen: SocketAddr,
        parts: ScriptParts,
        log: &Transcript,
    ) -> Result<Serving, ListenFault> {
        let listener = TcpListener::bind(listen).await.map_err(|error| cannot_listen(listen, &error))?;
        Serving::at(listener, parts, log).map_err(|error| ListenFault(crate::scenario::reason(&error)))
    }

    /// The same, where somebody else listens.
    pub(crate) fn at(listener: TcpListener, parts: ScriptParts, log: &Transcript) -> std::io::Result<Serving> {
        let address = listener.local_addr()?;
        let script = Arc::new(Script::new(parts, reachable(address)));
        let (phase, seen) = watch::channel(Awaited::Client);
        let host = Host {
            script: script.clone(),
            log: log.for_another(),
            playing: JoinSet::new(),
            came: 0,
            kept: Kept::default(),
            bounded: false,
        };
        Ok(Serving { script, phase, task: tokio::spawn(host.serve(listener, seen)) })
    }

    /// Where it listens, and whom its clients must trust.
    ///
    /// # Errors
    /// Why there is no certificate.
    pub(crate) fn listening(&self) -> Result<Listening, NoCertificate> {
        Ok(Listening { address: self.script.address, trust_pem: self.script.trust_pem()? })
    }

    /// What its connections play.
    pub(crate) fn script(&self) -> &Arc<Script> {
        &self.script
    }

    /// Says which connections are waited for from now on, and waits for the end of all of them.
    pub(crate) async fn finish(self, phase: Awaited) -> (Vec<Record>, LeftOut) {
        self.phase.send_replace(phase);
        self.task.await.unwrap_or_default()
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
    script: Arc<Script>,
    log: Transcript,
    playing: JoinSet<Record>,
    /// How many connections came.
    came: usize,
    kept: Kept,
    /// Whether connections may come without end.
    bounded: bool,
}

impl Host {
    async fn serve(mut self, listener: TcpListener, mut phase: watch::Receiver<Awaited>) -> (Vec<Record>, LeftOut) {
        let mut last_event = Instant::now();
        let stop = self.script.stop.clone();
        loop {
            let now = *phase.borrow_and_update();
            if !self.goes_on(now, &listener) {
                break;
            }
            self.bounded = matches!(now, Awaited::Open { wanted: None });
            let until = self.until(now, last_event);
            tokio::select! {
                accepted = listener.accept(), if now.admits(self.came) => match accepted {
                    Ok((tcp, address)) => {
                        last_event = Instant::now();
                        self.admit(tcp, address);
                    }
                    Err(_) => clock::before_accepting_again().await,
                },
                Some(done) = self.playing.join_next(), if !self.playing.is_empty() => {
                    last_event = Instant::now();
                    self.keep(done);
                }
                Ok(()) = phase.changed() => last_event = Instant::now(),
                () = clock::rest_until(until.unwrap_or_else(Instant::now).into()), if until.is_some() => break,
                () = stop.stopped() => break,
            }
        }
        let last = *phase.borrow();
        self.end(&listener, last).await
    }

    /// Whether anything is left to wait for.
    fn goes_on(&mut self, phase: Awaited, listener: &TcpListener) -> bool {
        let wanted = match phase {
            Awaited::Client => return true,
            Awaited::Outside { .. } => return self.came == 0 || !self.playing.is_empty(),
            Awaited::Open { wanted } | Awaited::Within { wanted, .. } => wanted,
            Awaited::Last => {
                self.take_arrived(listener);
                return !self.playing.is_empty();
            }
        };
        let content = self.script.server.has_only_rules() && self.script.tally.is_content(&self.script.server.rules);
        !content && wanted.is_none_or(|wanted| self.came < wanted) || !self.playing.is_empty()
    }

    /// When waiting is over, where it ever is. A connection that is being served has its own limits.
    fn until(&self, phase: Awaited, last_event: Instant) -> Option<Instant> {
        let patience = match phase {
            Awaited::Within { wait, .. } if self.playing.is_empty() => last_event.checked_add(wait),
            Awaited::Outside { wait } if self.came == 0 => last_event.checked_add(wait),
            _ => None,
        };
        let due = self.script.due.filter(|_| self.playing.is_empty());
        patience.into_iter().chain(due).min()
    }

    async fn end(mut self, listener: &TcpListener, phase: Awaited) -> (Vec<Record>, LeftOut) {
        if !matches!(phase, Awaited::Outside { .. }) {
            self.take_arrived(listener);
        }
        while let Some(done) = self.playing.join_next().await {
            self.keep(done);
        }
        self.note_missing();
        self.note_demands();
        self.kept.into_parts()
    }

    fn keep(&mut self, done: Result<Record, JoinError>) {
        if let Ok(record) = done {
            self.kept.keep(record, self.bounded);
        }
        if self.bounded {
            self.log.keep_last(SERVED_LINES);
        }
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
        if let Some(listed) = self.script.server.listed().filter(|listed| number > *listed) {
            // Dropped: closed without a word.
            return self.one_too_many(number, listed, address);
        }
        let on = Connection::new(self.script.clone(), number, tcp, address, self.log.for_another());
        self.playing.spawn(order::play(on));
    }

    fn one_too_many(&mut self, number: usize, listed: usize, address: SocketAddr) {
        let session = Arc::from(format!("server {number}"));
        self.log.begin_step(connection_number(number));
        self.log.note(&session, &format!("connection from {address}, which nothing is listed for"));
        let noun = if listed == 1 { "one connection is listed" } else { "connections are listed" };
        let count = if listed == 1 { String::new() } else { format!("{listed} ") };
        let text = format!("only {count}{noun}, and this one came as well");
        let span = self.script.server.span;
        self.fault(number, span, Kind::Connections, &text);
    }

    /// Connections that are listed and did not come.
    fn note_missing(&mut self) {
        let script = self.script.clone();
        let wanted = match &script.server.plan {
            ConnectionPlan::Rules => 0,
            ConnectionPlan::Each(_) => 1,
            ConnectionPlan::Listed(_) => script.server.listed().unwrap_or(0),
        };
        for number in self.came + 1..=wanted {
            let span = script.server.served(number).map_or(script.server.span, |served| served.span);
            if !script.is_abandoned() && !script.stop.is_stopped() {
                self.fault(number, span, Kind::Connections, NO_CLIENT);
            } else {
                let unreached = connection_outcome(number, span, Verdict::Unreached, self.log.elapsed());
                self.kept.keep(Record::of_none(number, unreached, Vec::new()), false);
            }
            let at = self.log.elapsed();
            if let Some(record) = self.kept.last_mut() {
                let name = script.server.served(number).and_then(|served| served.name.as_ref());
                if let Some(whole) = record.steps.first_mut() {
                    whole.name = name.map(|name| name.source.clone());
                }
                pass_over(script.server.steps(number), number, at, &mut record.steps);
            }
        }
    }

    /// Rules that must have answered so often, each as a step of the server.
    fn note_demands(&mut self) {
        let script = self.script.clone();
        let (rules, at) = (&script.server.rules, self.log.elapsed());
        for (index, (rule, answers)) in script.tally.answers(rules).into_iter().enumerate() {
            if !rule.demand.is_any() {
                continue;
            }
            let number = format!("server rule {}", index + 1);
            let unmet = unmet(rule, answers).filter(|_| !script.is_abandoned());
            let verdict = if unmet.is_some() { Verdict::Diverged } else { Verdict::Followed };
            let title = Arc::from(format!("rule {}", rule.pattern.text.source));
            let whole = StepOutcome {
                name: rule.name.as_ref().map(|name| name.source.clone()),
                verdict,
                ..StepOutcome::unreached(number.clone().into(), "rule", title, rule.span, at)
            };
            let divergence = unmet.map(|text| self.site(&number, rule.span).fault(Kind::Rule, &text));
            self.kept.keep(Record::of_none(usize::MAX, whole, divergence.into_iter().collect()), false);
        }
    }

    fn site<'s>(&'s self, number: &'s str, span: Span) -> Site<'s> {
        Site {
            number,
            name: None,
            span,
            session: None,
            host: "",
            masker: self.log.masker(),
            run_is_over: self.script.run_is_over(),
            idiom: Idiom::Scenario,
        }
    }

    fn fault(&mut self, number: usize, span: Span, kind: Kind, text: &str) {
        let step = connection_number(number);
        let divergence = Divergence { line: self.log.last_of(&step), ..self.site(&step, span).fault(kind, text) };
        let diverged = connection_outcome(number, span, Verdict::Diverged, self.log.elapsed());
        self.kept.keep(Record::of_none(number, diverged, vec![divergence]), false);
    }
}
