//! Doors for `tests/fuzz` to what reads a handshake and an answer of a name server.

use super::certificate::PeerCertificate;
use super::dns;
use super::server_hello::{ServerFlight, looks_like_tls};

/// Reads the plain part of a handshake, and the certificate in it.
pub(crate) fn server_hello(bytes: &[u8]) {
    std::hint::black_box(looks_like_tls(bytes));
    let flight = ServerFlight::read(bytes);
    std::hint::black_box(flight.version.map(|version| version.to_string()));
    std::hint::black_box(flight.cipher.map(|cipher| cipher.to_string()));
    std::hint::black_box(flight.certificates.first().and_then(|der| PeerCertificate::from_der(der)));
}

/// Reads what a name server answered.
pub(crate) fn dns_answer(bytes: &[u8]) {
    dns::fuzzed(bytes);
}
