//! What comes of a wait: a reply, the end of the session, or what went wrong.

use super::asked::Asked;
use crate::net::connect::ConnectFailure;
use crate::net::tls::TlsFailure;
use crate::smtp::dialogue::Awaited;
use crate::smtp::reply::{Fault, Reply};
use std::sync::Arc;
use std::time::Duration;

/// What went wrong on the wire. Bytes are as they came; whoever shows them masks them first.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No connection could be opened.
    NotConnected(ConnectFailure),
    /// A wait took longer than it may; what had arrived by then.
    Timeout { waited: Duration, arrived: Vec<u8> },
    /// The server closed; what had arrived of the next reply.
    Closed { arrived: Vec<u8> },
    /// The connection broke; what had arrived of the next reply.
    Broken { reason: String, arrived: Vec<u8> },
    /// A reply that is malformed.
    Malformed { fault: Fault, bytes: Vec<u8> },
    /// Bytes that no reply was owed for.
    Unasked { bytes: Vec<u8> },
    /// Plain bytes were left when a TLS handshake was to begin.
    PlainBeforeTls { bytes: Vec<u8> },
    /// The TLS handshake failed.
    Tls(Box<TlsFailure>),
    /// What came within the TLS session was no TLS: its first octets.
    NotTls { bytes: Vec<u8> },
    /// The server sent more than the scenario reads.
    TooMuchUnread,
    /// The session is not open (any more).
    NotOpen,
}

/// How the server ended its side.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// In order, by FIN (or `close_notify`).
    Closed,
    /// Not in order: how, and why in words.
    Broken { by: BrokenBy, reason: String },
    /// By octets within the TLS session that were no TLS.
    NotTls { bytes: Vec<u8> },
}

/// How a connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokenBy {
    /// The server sent RST.
    Reset,
    /// The server sent an alert of TLS.
    Alert,
    /// Anything else.
    Failure,
}

/// How a server left that nobody had asked to.
#[derive(Debug)]
pub(crate) enum Farewell {
    /// Without a word.
    Silent,
    /// With a reply that was not read yet.
    Said(Reply),
}

/// A reply and how long it took to come.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) reply: Arc<Reply>,
    /// From the last byte that was written to the last byte of the reply.
    pub(crate) elapsed: Duration,
    /// The command it answers, where one was owed.
    pub(crate) command: Option<Awaited>,
    /// What asked for it.
    pub(crate) asked: Asked,
    /// Whether a secret stands in it: any part of it may be a part of the secret.
    pub(crate) holds_secret: bool,
}
