//! One connection's dialogue: send, read a reply, upgrade to TLS, close.
//!
//! Responsible for what a single session knows: which replies are owed, what has arrived and was not read yet, what the
//! server offered. Every wait has a deadline; whatever had arrived when something goes wrong is kept and shown. What is
//! expected is not its business: `play` compares, this reports a [`Trouble`].

mod admission;
mod asked;
mod echoes;
mod entry;
mod exchange;
mod ledger;
mod observe;
mod offered;
mod opening;
mod overheard;
mod reading;
mod transcript;
mod trouble;
mod upgrade;
mod wire;

pub use admission::Admission;
pub(crate) use admission::Admitted;
pub(crate) use asked::Asked;
pub use entry::{Arrivals, Entry, Observer, ReplyEntry, Speaker};
pub use exchange::{Event, Exchange};
pub(crate) use ledger::Ledger;
pub(crate) use observe::{Observed, ObservedKind};
pub(crate) use offered::Offered;
pub use transcript::OWN_CLOSE;
pub(crate) use transcript::Transcript;
pub(crate) use trouble::{Answered, BrokenBy, End, Farewell, Trouble};
pub(crate) use wire::{Outgoing, Written};

use crate::net::route::{self, Connected, Route, RouteFailure};
use crate::net::stream::Stream;
use crate::net::tls::TlsFacts;
use crate::net::tls_port::TlsLook;
use crate::net::wire::{Drip, Inbox};
use crate::secret::Masker;
use crate::smtp::dialogue::Dialogue;
use crate::smtp::reply::{Reply, ReplyParser};
use asked::AskedInOrder;
use echoes::Echoes;
use overheard::Overheard;
pub(crate) use overheard::is_plain_command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most bytes that may have arrived and not been read by the scenario yet.
pub(crate) const MAX_UNREAD: usize = 16 * 1024 * 1024;

/// An open (or closed) connection to a server.
#[derive(Debug)]
pub(crate) struct Session {
    name: Arc<str>,
    /// The mail exchanger that was chosen, where a domain was to be reached.
    exchanger: Option<String>,
    is_local: bool,
    stream: Option<Stream>,
    inbox: Inbox,
    parser: ReplyParser,
    dialogue: Dialogue,
    end: Option<End>,
    /// Whether the transcript says so already.
    end_noted: bool,
    last_write: Instant,
    /// The first reply, for what it tells about the server.
    greeting: Option<Arc<Reply>>,
    last: Option<Answered>,
    /// What came after it that is no reply, where that was observed.
    observed: Option<Observed>,
    extensions: Arc<Offered>,
    tls: Option<Arc<TlsFacts>>,
    /// The last EHLO, LHLO or HELO as it was sent, unless it held a secret.
    hello: Vec<u8>,
    /// For each reply owed what asked for it.
    asked: AskedInOrder,
    /// Whether a reply was read since the TLS handshake.
    answered_over_tls: bool,
    long_line_noted: bool,
    /// Whether nothing had arrived a moment ago, and nothing was waited for since.
    just_looked: bool,
    /// Octets that came within the TLS session and are no TLS were reported.
    outside_tls_reported: bool,
    pace: Option<Drip>,
    /// When the whole run is over, and with it every write.
    due: Option<Instant>,
    ledger: Ledger,
    /// Keeps what happens, where that is wanted.
    recorder: Option<exchange::Recorder>,
    /// Held until the server speaks: the next connection waits for it.
    admitted: Option<Admitted>,
    tls_look: Option<TlsLook>,
    echoes: Echoes,
    overheard: Overheard,
}

impl Session {
    /// Opens a connection, which owes the greeting. `deadline` bounds each attempt at one host.
    pub(crate) async fn open(
        name: &str,
        route: &Route,
        deadline: Duration,
        log: &mut Transcript,
    ) -> Result<Session, Trouble> {
        let name: Arc<str> = Arc::from(name);
        let opened = route::open(route, deadline, &mut |text| log.note(&name, text)).await;
        let Connected { stream, exchanger } = match opened {
            Ok(connected) => connected,
            Err(RouteFailure::Failed(failure)) => return Err(Trouble::NotConnected(failure)),
            Err(RouteFailure::TooSlow) => return Err(Trouble::Timeout { waited: deadline, arrived: Vec::new() }),
        };
        log.note(&name, &opening::described(route, exchanger.as_deref(), stream.peer()));
        if let Some(header) = &route.proxy_header {
            log.client(&name, &header.shown());
        }
        Ok(Session {
            name,
            exchanger,
            is_local: opening::is_local(route, stream.peer()),
            ledger: Ledger::open(stream.peer()),
            stream: Some(stream),
            inbox: Inbox::default(),
            parser: ReplyParser::default(),
            dialogue: Dialogue::greeting(),
            end: None,
            end_noted: false,
            last_write: Instant::now(),
            greeting: None,
            last: None,
            observed: None,
            extensions: Arc::default(),
            tls: None,
            hello: Vec::new(),
            asked: AskedInOrder::by_nobody(1),
            answered_over_tls: false,
            long_line_noted: false,
            just_looked: false,
            outside_tls_reported: false,
            pace: None,
            due: None,
            recorder: None,
            admitted: None,
            tls_look: None,
            echoes: Echoes::default(),
            overheard: Overheard::default(),
        })
    }

    /// Keeps this until the server speaks.
    pub(crate) fn admit(&mut self, admitted: Option<Admitted>) {
        self.admitted = admitted;
    }

    /// From now on keeps what happens.
    pub(crate) fn record(&mut self) {
        self.recorder = Some(exchange::Recorder::default());
    }

    /// What happened, where it was kept; secrets are hidden.
    pub(crate) fn exchange(&self, opened: Duration, masker: &Masker) -> Option<Exchange> {
        self.recorder.as_ref().map(|recorder| recorder.finish(opened, masker))
    }

    /// This session so far, in figures.
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger { received: self.inbox.arrived(), ..self.ledger.clone() }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether this side still holds the connection.
    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether both sides still hold the connection, as far as is known.
    pub(crate) fn is_alive(&self) -> bool {
        self.is_open() && self.end.is_none()
    }

    /// How long ago this side spoke last, or the connection was opened.
    pub(crate) fn silent_for(&self) -> Duration {
        self.last_write.elapsed()
    }

    /// What counts as a secret that the server sent back.
    pub(crate) fn echoes(&self) -> &Echoes {
        &self.echoes
    }

    /// What a second connection that began with TLS was answered, where this one got no greeting.
    pub(crate) fn tls_look(&self) -> Option<&TlsLook> {
        self.tls_look.as_ref()
    }

    pub(crate) fn set_tls_look(&mut self, look: TlsLook) {
        self.tls_look = Some(look);
    }

    /// The mail exchanger that was chosen, where a domain was to be reached.
    pub(crate) fn exchanger(&self) -> Option<&str> {
        self.exchanger.as_deref()
    }

    /// Whether the server is surely on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.is_local
    }

    pub(crate) fn tls(&self) -> Option<&Arc<TlsFacts>> {
        self.tls.as_ref()
    }

    pub(crate) fn extensions(&self) -> &Arc<Offered> {
        &self.extensions
    }

    pub(crate) fn last_answer(&self) -> Option<&Answered> {
        self.last.as_ref()
    }

    /// What was observed last, where it was no reply.
    pub(crate) fn observed(&self) -> Option<&Observed> {
        self.observed.as_ref()
    }

    pub(crate) fn greeting(&self) -> Option<&Arc<Reply>> {
        self.greeting.as_ref()
    }

    /// The last EHLO, LHLO or HELO as it was sent, its CRLF included; empty where there was none.
    pub(crate) fn hello(&self) -> &[u8] {
        &self.hello
    }

    /// Whether the server said anything since the TLS handshake.
    pub(crate) fn answered_over_tls(&self) -> bool {
        self.answered_over_tls
    }

    /// What asked for the replies that are owed.
    pub(crate) fn asked(&mut self) -> &mut AskedInOrder {
        &mut self.asked
    }

    /// Which replies are owed.
    pub(crate) fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }
}
