//! A message as whoever started the sandbox hears of it.
//!
//! Plain data between `reception`, which takes messages in, and `cli::serve`, which prints them.

use super::protocol::SandboxLogin;
use std::net::SocketAddr;
use std::sync::Arc;

/// How many octets of a message are passed on; the rest is counted.
pub(super) const MAX_TOLD: usize = 32 * 1024 * 1024;

/// A message that a client has left.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedMail {
    pub(crate) id: String,
    /// The reverse-path; empty for `<>`.
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// All of it, or its beginning.
    pub(crate) octets: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) client: SocketAddr,
    /// The name in the client's EHLO.
    pub(crate) client_name: String,
    pub(crate) login: Option<SandboxLogin>,
    /// The version and the cipher suite.
    pub(crate) tls: Option<(String, String)>,
}

/// Who hears of messages.
pub(crate) type MailListener = Arc<dyn Fn(&ReceivedMail) + Send + Sync>;
