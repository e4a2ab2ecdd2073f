//! One connection of a client to a scripted server, and all that is known of it.
//!
//! Responsible for the state that steps and rules share: what came, what was answered, what the sandbox has heard of it.
//! `actor` plays the connection, `steps` and `rules` speak on it.

use super::message::Message;
use super::scope::{ServerScope, server_value};
use super::{Shared, connection_number};
use crate::run::outcome::{CertificateOutcome, Divergence, Handshake, Kind};
use crate::run::stage::Stage;
use crate::scenario::{Secret, Span, Step};
use crate::secret::AuthWatch;
use crate::server::{Accepted, Fallback, Peer};
use crate::session::Transcript;
use crate::smtp::command::Bdat;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// What has come of the client and has not been answered yet.
#[derive(Debug, Default)]
pub(super) enum Pending {
    #[default]
    Nothing,
    /// A line, its end included.
    Line(Vec<u8>),
    /// A message after DATA.
    Message,
}

/// A connection of a client.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    /// The connection's number, counted from 1.
    pub(super) number: usize,
    pub(super) peer: Peer,
    pub(super) session: Arc<str>,
    pub(super) stage: Stage,
    pub(super) message: Option<Arc<Message>>,
    pub(super) tls: Option<Arc<Accepted>>,
    /// The BDAT command that was read last, while its octets are still to come.
    pub(super) chunk: Option<Bdat>,
    /// Whether the message goes on with the next chunk.
    pub(super) more_chunks: bool,
    pub(super) pending: Pending,
    /// The sandbox, which answers what no rule does.
    pub(super) fallback: Option<Fallback>,
    /// Knows what the client's logins carry; what they carried is masked.
    pub(super) watch: AuthWatch,
    pub(super) heard: BTreeMap<String, Secret>,
    pub(super) messages: u64,
    pub(super) handshakes: Vec<Handshake>,
}

impl Connection {
    pub(super) fn new(
        shared: Arc<Shared>,
        number: usize,
        tcp: TcpStream,
        address: SocketAddr,
        log: Transcript,
    ) -> Connection {
        let mut names = shared.names.clone();
        names.set("server", server_value(shared.address, Some((number, address))), false);
        let fallback = if shared.server.rules.is_empty() { None } else { Some(Fallback::new(&shared.fallback)) };
        let mut peer = Peer::new(tcp, address);
        peer.set_due(shared.due);
        let stage = Stage::new(shared.templates.clone(), names, log, shared.timeout, shared.due);
        Connection {
            session: Arc::from(format!("server {number}")),
            peer,
            stage,
            message: None,
            tls: None,
            chunk: None,
            more_chunks: false,
            pending: Pending::Nothing,
            watch: AuthWatch::default(),
            heard: BTreeMap::new(),
            messages: 0,
            handshakes: Vec::new(),
            shared,
            number,
            fallback,
        }
    }

    /// Where the connection stands in the file.
    pub(super) fn span(&self) -> Span {
        self.shared.server.served(self.number).map_or(self.shared.server.span, |served| served.span)
    }

    pub(super) fn keep(&mut self, divergence: Divergence, number: &str) {
        // What a client no longer does after it left its own script says nothing about it.
        let follows = matches!(divergence.kind, Kind::Closed | Kind::Reset | Kind::Timeout | Kind::Tls);
        if follows && self.shared.is_abandoned() {
            return;
        }
        // A step without a line of its own happened behind the last one of the connection.
        let line = self.stage.log.last_of(number).or_else(|| self.stage.log.last_in(&self.session));
        self.stage.divergences.push(Divergence { line, ..divergence });
    }

    pub(super) fn number_of(&self, step: &Step) -> String {
        format!("{}.{}", connection_number(self.number), step.head.number)
    }

    pub(super) fn scope(&self) -> ServerScope<'_> {
        ServerScope { names: &self.stage.names, message: self.message.as_ref(), tls: self.tls.as_ref() }
    }

    pub(super) fn is_secret(&self, bytes: &[u8]) -> bool {
        self.stage.log.masker().finds(bytes)
    }

    pub(super) fn note_handshake(&mut self, accepted: &Accepted) {
        let certificate = accepted.client.as_deref().and_then(crate::net::certificate::Certificate::from_der);
        self.handshakes.push(Handshake {
            at: self.stage.log.elapsed(),
            version: accepted.version.clone(),
            cipher: accepted.cipher.clone(),
            verified: accepted.verified,
            certificate: certificate.as_ref().map(CertificateOutcome::of),
        });
    }
}
