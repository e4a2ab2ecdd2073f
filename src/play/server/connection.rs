//! One connection of a client to a scripted server, and all that is known of it.
//!
//! Responsible for the state that steps and rules share: what came, what was answered, what the sandbox has heard of it.
//! `actor` plays the connection, `steps` and `rules` speak on it.

use crate::play::divergence::{Divergence, Kind};
use crate::play::outcome::{CertificateOutcome, Handshake};
use crate::play::server::message::ReceivedMessage;
use crate::play::server::observing::ObservedClient;
use crate::play::server::record::connection_number;
use crate::play::server::scope::{ServerScope, server_value};
use crate::play::server::script::Script;
use crate::play::stage::Stage;
use crate::scenario::{Span, Step};
use crate::secret::AuthWatch;
use crate::server::{Accepted, Fallback, Peer};
use crate::session::Transcript;
use crate::smtp::command::BdatCommand;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// What has come of the client and has not been answered yet.
#[derive(Debug, Default)]
pub(crate) enum Pending {
    #[default]
    Nothing,
    /// A line, its end included.
    Line(Vec<u8>),
    /// A message after DATA.
    Message,
}

/// A connection of a client.
pub(crate) struct Connection {
    pub(crate) script: Arc<Script>,
    /// The connection's number, counted from 1.
    pub(crate) number: usize,
    pub(crate) peer: Peer,
    pub(crate) session: Arc<str>,
    pub(crate) stage: Stage,
    pub(crate) message: Option<Arc<ReceivedMessage>>,
    pub(crate) tls: Option<Arc<Accepted>>,
    /// What `observe` took down last.
    pub(crate) observed: Option<Arc<ObservedClient>>,
    /// The BDAT command that was read last, while its octets are still to come.
    pub(crate) chunk: Option<BdatCommand>,
    /// Whether the message goes on with the next chunk.
    pub(crate) more_chunks: bool,
    pub(crate) pending: Pending,
    /// The sandbox, which answers what no rule does.
    pub(crate) fallback: Option<Fallback>,
    /// Knows what the client's logins carry; what they carried is masked.
    pub(crate) watch: AuthWatch,
    pub(crate) messages: u64,
    pub(crate) handshakes: Vec<Handshake>,
}

impl Connection {
    pub(crate) fn new(
        script: Arc<Script>,
        number: usize,
        tcp: TcpStream,
        address: SocketAddr,
        log: Transcript,
    ) -> Connection {
        let mut names = script.names.clone();
        names.set("server", server_value(script.address, Some((number, address))), false);
        let fallback = if script.server.rules.is_empty() { None } else { Some(Fallback::new(&script.fallback)) };
        let mut peer = Peer::new(tcp, address);
        peer.set_due(script.due);
        let stage = Stage::new(script.templates.clone(), names, log, script.timeout, script.due);
        Connection {
            session: Arc::from(format!("server {number}")),
            peer,
            stage,
            message: None,
            tls: None,
            observed: None,
            chunk: None,
            more_chunks: false,
            pending: Pending::Nothing,
            watch: AuthWatch::default(),
            messages: 0,
            handshakes: Vec::new(),
            script,
            number,
            fallback,
        }
    }

    /// Where the connection stands in the file.
    pub(crate) fn span(&self) -> Span {
        self.script.server.served(self.number).map_or(self.script.server.span, |served| served.span)
    }

    pub(crate) fn keep(&mut self, divergence: Divergence, number: &str) {
        // What a client no longer does after it left its own script says nothing about it.
        let follows = matches!(divergence.kind, Kind::Closed | Kind::Reset | Kind::Timeout | Kind::Tls);
        if follows && self.script.is_abandoned() {
            return;
        }
        // A step without a line of its own happened after the last one of the connection.
        let line = self.stage.log.last_of(number).or_else(|| self.stage.log.last_in(&self.session));
        self.stage.keep_divergence(divergence, line);
    }

    pub(crate) fn number_of(&self, step: &Step) -> String {
        format!("{}.{}", connection_number(self.number), step.head.number)
    }

    pub(crate) fn scope(&self) -> ServerScope<'_> {
        ServerScope {
            names: &self.stage.names,
            message: self.message.as_ref(),
            tls: self.tls.as_ref(),
            observed: self.observed.as_ref(),
        }
    }

    pub(crate) fn is_secret(&self, bytes: &[u8]) -> bool {
        self.stage.log.masker().finds(bytes)
    }

    pub(crate) fn note_handshake(&mut self, accepted: &Accepted) {
        let certificate = accepted.certificate();
        self.handshakes.push(Handshake {
            at: self.stage.log.elapsed(),
            version: accepted.version.clone(),
            cipher: accepted.cipher.clone(),
            verified: accepted.verified,
            certificate: certificate.as_ref().map(CertificateOutcome::of),
        });
    }
}
