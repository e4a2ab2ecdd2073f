//! Rules in front of the protocol: what they learn of a client, and what they may answer in the protocol's place.
//!
//! Only the words of it, so that the sandbox need not know what a rule is: `host` reads them from a scenario. The
//! sandbox opens a rulebook for each connection; its `audience` asks it before the protocol.

use crate::smtp::closing::Closing;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::acceptor::Accepted;
use crate::net::wire::Drip;
use crate::smtp::reply::code_of;

/// The rules of a sandbox, which its connections share.
pub(crate) trait Rulebook: Send + Sync {
    /// Opens them for a client.
    fn open(self: Arc<Self>, arrival: Arrival) -> Box<dyn Interjector>;
}

/// A client has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The client's number, counted from 1.
    pub(crate) number: u64,
    pub(crate) client: SocketAddr,
    /// The address it connected to.
    pub(crate) server: SocketAddr,
}

/// The rules on one connection.
pub(crate) trait Interjector: Send {
    /// The handshake is done.
    fn tls_started(&mut self, accepted: Arc<Accepted>);

    /// A message begins, or goes on with a further chunk.
    fn message_begins(&mut self, goes_on: bool);

    /// The next octets of the message, its transparency undone.
    fn content(&mut self, octets: &[u8]);

    /// Answers a line without its end, if it is for a rule; a `secret` one is never shown. The end of the mail data is
    /// the line `.`.
    ///
    /// # Errors
    /// A rule cannot be obeyed.
    fn answer(&mut self, line: &[u8], secret: bool) -> Result<Option<Interjection>, RuleFault>;
}

/// Why a rule cannot be obeyed, for the log: its place, and what is wrong there. No secret stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleFault(pub(crate) String);

/// What a rule does in the protocol's place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Interjection {
    /// How long the client waits for it.
    pub(crate) delay: Duration,
    /// What is sent; nothing where a rule is silent.
    pub(crate) bytes: Vec<u8>,
    /// What is shown of that, without secrets.
    pub(crate) shown: String,
    /// Whether a secret stands in it.
    pub(crate) secret: bool,
    pub(crate) pace: Option<Drip>,
    pub(crate) closing: Option<Closing>,
}
impl Interjection {
    /// The reply code, where what is sent is a reply.
    pub(crate) fn code(&self) -> Option<u16> {
        code_of(&self.bytes)
    }
}
