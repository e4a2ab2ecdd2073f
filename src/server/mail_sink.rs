//! Where accepted messages go: the hook between the protocol and whatever stores messages.
//!
//! The protocol calls it in the order of the mail transaction and never holds a message itself.

use std::io;

/// What becomes of the messages of one connection.
///
/// A transaction is one `begin`, a `recipient` for each accepted forward-path, any number of `content`, and then
/// `finish` or `abandon`. A sink that is dropped in between counts as abandoned.
pub(crate) trait MailSink: Send {
    /// A mail transaction starts; the reverse-path is empty for `MAIL FROM:<>`.
    fn begin(&mut self, _reverse_path: &str) {}

    /// One more recipient was accepted.
    fn recipient(&mut self, _forward_path: &str) {}

    /// The next octets of the message, its transparency undone. A failure is kept for `finish`.
    fn content(&mut self, _octets: &[u8]) {}

    /// The message is whole and is to be known as `id`.
    ///
    /// # Errors
    /// When the message could not be stored: the client is answered 451 and may try again.
    fn finish(&mut self, _id: &str) -> io::Result<()> {
        Ok(())
    }

    /// The transaction ended without a message: RSET, a new greeting, a refused message.
    fn abandon(&mut self) {}
}

/// Counts on nobody reading the messages: they are accepted and forgotten.
pub(crate) struct Discard;

impl MailSink for Discard {}
