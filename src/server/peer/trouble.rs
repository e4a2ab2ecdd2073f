//! What goes wrong between a server and its client, as the server sees it.

use crate::server::acceptor::HandshakeFailure;
use std::time::Duration;

/// What went wrong. Bytes are as they came.
#[derive(Debug, Clone)]
pub(crate) enum PeerTrouble {
    /// A wait took longer than it may; what had arrived by then.
    Timeout { waited: Duration, arrived: Vec<u8> },
    /// The client closed; what had arrived of what was waited for.
    Closed { arrived: Vec<u8> },
    /// The connection broke.
    Broken { reset: bool, reason: String, arrived: Vec<u8> },
    /// What came within the TLS session was no TLS; why the session ended.
    NotTls { reason: String },
    /// TLS began where a line was read; what came of it.
    TlsBegun { bytes: Vec<u8> },
    /// More than is ever read in one piece.
    TooLong { bytes: Vec<u8>, limit: usize },
}

/// Why a handshake failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HandshakeTrouble {
    /// The client took longer than it may.
    TimedOut,
    /// Why, and what the client sent where it was no TLS.
    Failed { failure: HandshakeFailure, sent: Vec<u8> },
}

impl HandshakeTrouble {
    /// There was no handshake to begin with: why, in words.
    pub(crate) fn not_begun(reason: impl Into<String>) -> HandshakeTrouble {
        HandshakeTrouble::Failed { failure: HandshakeFailure::Other(reason.into()), sent: Vec::new() }
    }
}

impl std::fmt::Display for HandshakeTrouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HandshakeTrouble::TimedOut => formatter.write_str("the client did not finish it in time"),
            HandshakeTrouble::Failed { failure, .. } => write!(formatter, "{failure}"),
        }
    }
}

/// How the client ended its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerEnd {
    Closed,
    Broken { reset: bool },
    NotTls,
}
