//! Sockets: opening a connection, the byte stream above it (plain or TLS), what is learned from the TLS handshake.
//!
//! Responsible for bytes arriving and leaving, and for saying in words why they did not. Not responsible for deadlines
//! (every caller wraps a wait in its own), for lines or replies (`smtp`), nor for what is owed (`session`).
//! Called by `session` and by `server`.

pub(crate) mod certificate;
mod channel;
pub(crate) mod clock;
pub(crate) mod connect;
mod dns;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod mx;
pub(crate) mod proxy_protocol;
pub(crate) mod route;
mod server_hello;
pub(crate) mod signals;
mod socket;
mod socks5;
pub(crate) mod socks_proxy;
pub(crate) mod stream;
pub(crate) mod tls;
mod tls_failure;
mod tls_old;
mod tls_options;
pub(crate) mod tls_port;
pub(crate) mod wire;

#[cfg(test)]
mod tests;
