//! What is kept of a conversation: its lines, its replies, and what came beside them.
//!
//! Plain data that the `transcript` writes and that reports read.

use crate::smtp::status::EnhancedStatusCode;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The client: smtp-script.
    Client,
    /// The server.
    Server,
    /// A note on what happened to the connection.
    Note,
}

/// One line of the transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, from the start of the run.
    pub at: Duration,
    /// The name of the session.
    pub session: Arc<str>,
    /// Who said it.
    pub speaker: Speaker,
    /// What, masked and made visible.
    pub text: String,
    /// The number of the step that it belongs to.
    pub step: Arc<str>,
    /// Whether it is of a message, which a report may leave out.
    pub mail_data: bool,
}

/// A whole reply of the server, and the lines of the transcript that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyEntry {
    /// The name of the session.
    pub session: Arc<str>,
    /// The reply code (RFC 5321 section 4.2).
    pub code: u16,
    /// The enhanced status code of its first line (RFC 2034).
    pub enhanced: Option<EnhancedStatusCode>,
    /// Its lines among those of the transcript.
    pub lines: Range<usize>,
    /// When its last octet was there, from the start of the run.
    pub at: Duration,
    /// From the last octet of the command to the last octet of the reply.
    pub elapsed: Duration,
    /// How long it is, line ends included.
    pub octets: usize,
}

/// What came from the other side while a step was played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// How many octets, line ends included, those of TLS itself left out.
    pub octets: usize,
    /// What of it is no whole reply, masked and made visible; of a client all of it. Of much of it the beginning.
    pub text: String,
    /// Whether the other side closed by FIN (false), or reset the connection (true).
    pub reset: Option<bool>,
}

/// Sees each line as it is written.
pub type Observer = Arc<dyn Fn(&Entry) + Send + Sync>;
