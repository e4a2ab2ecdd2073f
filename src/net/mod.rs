//! Sockets: opening a connection, the byte stream above it (plain or TLS), what the TLS handshake tells.
//!
//! Responsible for bytes arriving and leaving, and for saying in words why they did not. Not responsible for deadlines
//! (every caller wraps a wait in its own), for lines or replies (`smtp`), nor for what is owed (`session`).
//! Called by `session` and by `server`.

pub(crate) mod certificate;
pub(crate) mod connect;
mod server_hello;
mod socket;
pub(crate) mod stream;
pub(crate) mod tls;
mod tls_failure;
mod tls_options;

#[cfg(test)]
mod tests;
