//! A certificate as an outcome has it: read, without its octets.

use crate::net::certificate::PeerCertificate;
use jiff::Timestamp;

/// A certificate, read (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateOutcome {
    /// Whose it is, in RFC 4514's form.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The DNS names and IP addresses it is good for.
    pub names: Vec<String>,
    /// The first moment it is valid.
    pub not_before: Timestamp,
    /// The last moment it is valid.
    pub not_after: Timestamp,
    /// Whole days from the run to that moment; negative once it is over.
    pub days_left: i64,
}

impl CertificateOutcome {
    pub(crate) fn of(certificate: &PeerCertificate) -> CertificateOutcome {
        CertificateOutcome {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            names: certificate.names.clone(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            days_left: certificate.days_left(Timestamp::now()),
        }
    }
}
