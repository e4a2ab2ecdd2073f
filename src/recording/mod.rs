//! Conversations that took place elsewhere, and the scenarios that play them again.
//!
//! A `Conversation` is what two sides said, in order. `Conversation::draft` makes a scenario of it: commands as
//! `send`, credentials as secrets, the message as `data`, and of each reply what will be the same tomorrow. Where a
//! conversation comes from (a proxy, a pasted transcript, the shell) is not known here; nothing here opens a socket.
//!
//! `wiretap` hears octets as a conversation. `exchange` finds which reply answers what. `login` reads AUTH. `words` knows
//! the values that get names: secrets and variables. `message` writes mail data, `expectation` what is expected, and
//! `scenario` puts all of it together.

mod exchange;
mod expectation;
pub mod import;
mod login;
mod message;
mod scenario;
mod templates;
mod wiretap;
mod words;

pub(crate) use wiretap::Wiretap;
pub(crate) use words::{KnownCredentials, Secrets};

use crate::scenario::write::{Draft, DraftExpect};
use crate::smtp::command::CommandLine;
use crate::smtp::reply::{Parsed, Reply, ReplyParser};

/// How many octets of one message are kept.
const MAX_MESSAGE: usize = 64 * 1024;

/// What a client and a server said to each other.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Conversation {
    /// The server that the scenario will connect to.
    pub(crate) server: RecordedServer,
    /// What was said, in the order in which it was said.
    pub(crate) said: Vec<Said>,
}

/// Where a conversation was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedServer {
    /// A name or address; one of IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether TLS came before the greeting.
    pub(crate) implicit_tls: bool,
}

/// One thing that was said or done. It holds credentials as they were sent, and so has no `Debug`.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Said {
    /// The client sent a line; without its CRLF.
    Line(Vec<u8>),
    /// The client sent bytes that are no line: one without its end, or with another.
    Bytes(Vec<u8>),
    /// The client sent mail data, after a 354.
    RecordedMailData(RecordedMailData),
    /// The client sent the octets of a chunk, after a line `BDAT n`.
    Chunk(RecordedMailData),
    /// The server replied.
    Reply(Reply),
    /// The server sent what is no reply.
    Malformed(Vec<u8>),
    /// What a script wants for a reply, with the code that it stands for.
    Wanted(u16, DraftExpect),
    /// Both sides shook hands.
    Handshake,
    /// They could not, for a reason that this pattern of `fails` is for.
    HandshakeFailed(String),
    /// The server closed the connection.
    ServerClosed,
    /// The client closed the connection.
    ClientClosed,
    /// Something that a reader of the scenario should know; it stands above the next step.
    Remark(String),
}

/// Mail data as the message has it: no dots doubled, no line `.` at the end.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct RecordedMailData {
    /// The octets, or the first of them.
    pub(crate) octets: Vec<u8>,
    /// How many more there were.
    pub(crate) left_out: u64,
}

impl Conversation {
    /// The scenario that plays this conversation.
    pub(crate) fn draft(&self) -> Draft {
        self.draft_knowing(&mut KnownCredentials::default())
    }

    /// The same; credentials of other conversations are hidden in it too, and those of this one become known.
    pub(crate) fn draft_knowing(&self, known: &mut KnownCredentials) -> Draft {
        scenario::draft(self, known).0
    }
}

impl Default for RecordedServer {
    fn default() -> RecordedServer {
        RecordedServer { host: "mail.example.com".to_owned(), port: 25, implicit_tls: false }
    }
}

impl Said {
    /// The reply that these lines, without their ends, are; bytes that are no reply otherwise.
    pub(crate) fn reply(lines: &[impl AsRef<[u8]>]) -> Said {
        let raw: Vec<u8> = lines.iter().flat_map(|line| [line.as_ref(), b"\r\n"].concat()).collect();
        match ReplyParser::default().advance(&raw) {
            Parsed::Complete(reply, taken) if taken == raw.len() => Said::Reply(reply),
            _ => Said::Malformed(raw),
        }
    }
}

/// The credentials of all logins of a conversation, to mask what is shown of it.
pub(crate) fn credentials(said: &[Said]) -> Secrets {
    let exchanges = exchange::exchanges(said);
    let mut secrets = Secrets::default();
    if login::are_in(&exchanges) {
        login::logins(&exchanges, &mut secrets);
    }
    secrets
}

/// The verb of a command line, in upper case, and what follows it.
fn split_verb(line: &[u8]) -> (String, &[u8]) {
    let command = CommandLine::parse(line);
    (command.name(), command.argument())
}

#[cfg(test)]
mod tests;
