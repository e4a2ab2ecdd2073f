//! Doors for `tests/fuzz` to what reads a handshake and an answer of a name server.

use super::certificate::PeerCertificate;
use super::dns::{self, RecordsRead};
use super::server_hello::{ServerFlight, looks_like_tls};
use simple_dns::TYPE;
use simple_dns::rdata::RData;

/// Reads the plain part of a handshake, and the certificate in it.
pub(crate) fn server_hello(bytes: &[u8]) {
    std::hint::black_box(looks_like_tls(bytes));
    let flight = ServerFlight::read(bytes);
    std::hint::black_box(flight.version.map(|version| version.to_string()));
    std::hint::black_box(flight.cipher.map(|cipher| cipher.to_string()));
    let certificate = flight.certificate.as_deref().and_then(PeerCertificate::from_der);
    if let Some(certificate) = certificate {
        std::hint::black_box(certificate.describe(jiff::Timestamp::UNIX_EPOCH));
    }
}

/// Reads what a name server answered.
pub(crate) fn dns_answer(bytes: &[u8]) {
    let exchanger = |data: &RData<'_>| match data {
        RData::MX(mx) => Some(mx.exchange.to_string()),
        _ => None,
    };
    let read = dns::read(bytes, "example.org", TYPE::MX, &exchanger);
    if let Ok(RecordsRead::Whole(records)) = read {
        std::hint::black_box(records.records());
    }
}
