//! The parts of an X.509 certificate that a person asks for: whose, by whom, for which names, from when till when.
//!
//! Responsible for reading DER into plain data. Not for trust: whether a certificate is accepted is decided by the TLS
//! library behind `tls`, which calls here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use jiff::Timestamp;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// A server's certificate, read (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerCertificate {
    /// Whose it is, in RFC 4514's form with the most specific part first: `CN=mx.example,O=Example`.
    pub(crate) subject: String,
    /// Who signed it, in the same form.
    pub(crate) issuer: String,
    /// The DNS names and IP addresses it is good for (RFC 5280 4.2.1.6), as they stand there.
    pub(crate) names: Vec<String>,
    /// The first moment it is valid.
    pub(crate) not_before: Timestamp,
    /// The last moment it is valid.
    pub(crate) not_after: Timestamp,
}

impl PeerCertificate {
    /// Reads one certificate in DER; `None` when it isn't one.
    pub(crate) fn from_der(der: &[u8]) -> Option<PeerCertificate> {
        let parsed = x509_cert::Certificate::from_der(der).ok()?;
        let content = parsed.tbs_certificate();
        let alternative = content.get_extension::<SubjectAltName>().ok().flatten();
        let names =
            alternative.map_or_else(Vec::new, |(_critical, names)| names.0.iter().filter_map(shown_name).collect());
        Some(PeerCertificate {
            subject: content.subject().to_string(),
            issuer: content.issuer().to_string(),
            names,
            not_before: timestamp(content.validity().not_before.to_unix_duration())?,
            not_after: timestamp(content.validity().not_after.to_unix_duration())?,
        })
    }

    /// It in one line: whose, for which names, by whom, how long.
    pub(crate) fn describe(&self, now: Timestamp) -> String {
        let names = match self.names.as_slice() {
            [] => String::new(),
            names => format!(" for {}", names.join(", ")),
        };
        let validity = match self.days_left(now) {
            days @ 0.. => format!("{days} days left"),
            _ => format!("expired on {}", self.not_after.strftime("%Y-%m-%d")),
        };
        format!("certificate {}{names}, issued by {}, {validity}", self.subject, self.issuer)
    }

    /// Whole days from `now` until it expires, rounded down: 0 on the last day, negative once it has expired.
    pub(crate) fn days_left(&self, now: Timestamp) -> i64 {
        let seconds = self.not_after.as_second() - now.as_second();
        seconds.div_euclid(SECONDS_A_DAY)
    }
}

fn timestamp(since_epoch: Duration) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(since_epoch.as_secs()).ok()?).ok()
}

fn shown_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => shown_address(bytes.as_bytes()),
        _ => None,
    }
}

fn shown_address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|it| IpAddr::V4(Ipv4Addr::from(it)));
    let v6 = || <[u8; 16]>::try_from(bytes).map(|it| IpAddr::V6(Ipv6Addr::from(it)));
    v4.or_else(|_| v6()).ok().map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tests::pki::{Leaf, Pki};
    use proptest::prelude::*;

    fn leaf() -> Vec<u8> {
        let leaf = Leaf { names: &["mx.example", "*.mx.example"], ips: &["127.0.0.1", "::1"], ..Leaf::default() };
        Pki::new("test CA").issue(&leaf).certificate.to_der().unwrap()
    }

    #[test]
    fn subject_issuer_names_and_days() {
        let certificate = PeerCertificate::from_der(&leaf()).unwrap();
        assert_eq!(certificate.subject, "CN=mx.example,O=smtp-script tests");
        assert_eq!(certificate.issuer, "CN=test CA");
        assert_eq!(certificate.names, ["mx.example", "*.mx.example", "127.0.0.1", "::1"]);
        let days = |seconds: i64| {
            let now = Timestamp::from_second(certificate.not_after.as_second() + seconds).unwrap();
            certificate.days_left(now)
        };
        assert_eq!(days(-10 * SECONDS_A_DAY), 10);
        assert_eq!((days(-1), days(0), days(1)), (0, 0, -1));
        assert!(certificate.not_before < certificate.not_after);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(PeerCertificate::from_der(b""), None);
        assert_eq!(PeerCertificate::from_der(b"220 mx.example"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = PeerCertificate::from_der(&bytes);
        }

        #[test]
        fn no_damaged_certificate_panics(at in 0_usize..600, byte: u8, cut in 0_usize..900) {
            static DER: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(leaf);
            let mut der = DER.clone();
            if let Some(damaged) = der.get_mut(at) {
                *damaged = byte;
            }
            let _ = PeerCertificate::from_der(&der);
            der.truncate(cut);
            let _ = PeerCertificate::from_der(&der);
        }
    }
}
