//! Where accepted messages go: the hook between the protocol and whatever stores messages.
//!
//! The protocol calls it in the order of the mail transaction and never holds a message itself.

use super::protocol::SandboxLogin;
use std::io;

/// The start of a mail transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    /// The name of the message, should there be one.
    pub(crate) id: &'a str,
    /// The reverse-path; empty for `MAIL FROM:<>`.
    pub(crate) reverse_path: &'a str,
    /// The parameters of MAIL as they were given.
    pub(crate) parameters: &'a str,
    /// The name that the client gave in its greeting.
    pub(crate) client_name: &'a str,
    /// How the message comes in, in the words of `Received` fields: `ESMTPSA` (RFC 3848, RFC 6531 4.3).
    pub(crate) protocol: &'a str,
    /// Its octets are no lines (RFC 3030 3).
    pub(crate) is_binary: bool,
    /// Who has logged in.
    pub(crate) login: Option<&'a SandboxLogin>,
    /// The version and the cipher suite of TLS.
    pub(crate) tls: Option<&'a (String, String)>,
}

/// What becomes of the messages of one connection.
///
/// A transaction is one `begin`, a `recipient` for each accepted forward-path, any number of `content`, and then
/// `finish` or `abandon`. A sink that is dropped in between counts as abandoned.
pub(crate) trait MailSink: Send {
    /// A mail transaction starts.
    fn begin(&mut self, _sender: Sender<'_>) {}

    /// One more recipient was accepted, with the parameters of RCPT as they were given.
    fn recipient(&mut self, _forward_path: &str, _parameters: &str) {}

    /// The next octets of the message, its transparency undone. A failure is kept for `finish`.
    fn content(&mut self, _octets: &[u8]) {}

    /// The message is whole.
    ///
    /// # Errors
    /// When the message could not be stored: the client is answered 452 or 451 and may try again.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The transaction ended without a message: RSET, a new greeting, a refused message.
    fn abandon(&mut self) {}
}

/// Counts on nobody reading the messages: they are accepted and forgotten.
pub(crate) struct Discard;

impl MailSink for Discard {}
