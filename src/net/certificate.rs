//! The parts of an X.509 certificate that a person asks for: whose, by whom, for which names, from when till when, with
//! what key.
//!
//! Responsible for reading DER into plain data. Not for trust: whether a certificate is accepted is decided by the TLS
//! library behind `tls`, which calls here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use jiff::Timestamp;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{ObjectIdentifier, Uint};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

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
    /// What its key is for: `RSA`, `EC`, `ED25519`; another algorithm by its number.
    pub(crate) key: String,
    /// The size of its key in bits; 0 where that can't be said.
    pub(crate) key_bits: usize,
    /// The algorithm of the signature it bears, by the name its standard gives: `sha256WithRSAEncryption`.
    pub(crate) signature: String,
}

impl PeerCertificate {
    /// Reads one certificate in DER; `None` when it isn't one.
    pub(crate) fn from_der(der: &[u8]) -> Option<PeerCertificate> {
        let parsed = x509_cert::Certificate::from_der(der).ok()?;
        let content = parsed.tbs_certificate();
        let key = content.subject_public_key_info();
        let alternative = content.get_extension::<SubjectAltName>().ok().flatten();
        let names =
            alternative.map_or_else(Vec::new, |(_critical, names)| names.0.iter().filter_map(shown_name).collect());
        Some(PeerCertificate {
            subject: content.subject().to_string(),
            issuer: content.issuer().to_string(),
            names,
            not_before: timestamp(content.validity().not_before.to_unix_duration())?,
            not_after: timestamp(content.validity().not_after.to_unix_duration())?,
            key: key_kind(key.algorithm.oid),
            key_bits: key_bits(key).unwrap_or_default(),
            signature: signature_name(parsed.signature_algorithm().oid),
        })
    }

    /// Its key and the signature it bears, as they are shown: `RSA, 2048 bits; signed with sha256WithRSAEncryption`.
    pub(crate) fn key_in_words(&self) -> String {
        let bits = if self.key_bits == 0 { String::new() } else { format!(", {} bits", self.key_bits) };
        format!("{}{bits}; signed with {}", self.key, self.signature)
    }

    /// Whether it names itself as its issuer, as the certificate of a root authority does.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
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

/// Algorithms of keys (RFC 8017 A.1, RFC 5480 2.1.1, RFC 8410 3).
const KEYS: [(&str, &str); 4] =
    [("1.2.840.113549.1.1.1", RSA), ("1.2.840.10045.2.1", EC), ("1.3.101.112", "ED25519"), ("1.3.101.113", "ED448")];
const RSA: &str = "RSA";
const EC: &str = "EC";

/// Curves with the bits of their field (RFC 5480 2.1.1.1, RFC 8410 3).
const CURVES: [(&str, usize); 5] = [
    ("1.2.840.10045.3.1.1", 192),
    ("1.3.132.0.33", 224),
    ("1.2.840.10045.3.1.7", 256),
    ("1.3.132.0.34", 384),
    ("1.3.132.0.35", 521),
];

/// Algorithms of signatures (RFC 8017 A.2, RFC 5758 3.2, RFC 8410 3).
const SIGNATURES: [(&str, &str); 14] = [
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.3.101.112", "ED25519"),
    ("1.3.101.113", "ED448"),
];

fn key_kind(algorithm: ObjectIdentifier) -> String {
    named(&KEYS, algorithm).map_or_else(|| algorithm.to_string(), |name| (*name).to_owned())
}

fn signature_name(algorithm: ObjectIdentifier) -> String {
    named(&SIGNATURES, algorithm).map_or_else(|| algorithm.to_string(), |name| (*name).to_owned())
}

fn named<T>(table: &'static [(&str, T)], algorithm: ObjectIdentifier) -> Option<&'static T> {
    let number = algorithm.to_string();
    table.iter().find(|(known, _)| *known == number).map(|(_, value)| value)
}

/// Of RSA the bits of the modulus (RFC 8017 A.1.1), of a curve those of its field, of the others those of the key.
fn key_bits(key: &SubjectPublicKeyInfoOwned) -> Option<usize> {
    let octets = key.subject_public_key.as_bytes()?;
    match named(&KEYS, key.algorithm.oid).copied() {
        Some(RSA) => {
            let parts = Vec::<Uint>::from_der(octets).ok()?;
            let modulus = parts.first()?.as_bytes();
            Some(modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?)
        }
        Some(EC) => {
            let curve = key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
            named(&CURVES, curve).copied()
        }
        Some(_) => Some(octets.len() * 8),
        None => None,
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
    use openssl::asn1::Asn1Time;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::x509::X509;
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
        assert_eq!((certificate.key.as_str(), certificate.key_bits), ("EC", 256));
        assert_eq!(certificate.signature, "ecdsa-with-SHA256");
        assert!(!certificate.is_self_issued());
        assert_eq!(certificate.key_in_words(), "EC, 256 bits; signed with ecdsa-with-SHA256");
    }

    #[test]
    fn keys_of_all_kinds_have_their_size() {
        let of = |key: &PKey<Private>, digest: MessageDigest| {
            let mut builder = X509::builder().unwrap();
            builder.set_pubkey(key).unwrap();
            builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
            builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
            builder.sign(key, digest).unwrap();
            let read = PeerCertificate::from_der(&builder.build().to_der().unwrap()).unwrap();
            assert!(read.is_self_issued());
            (read.key, read.key_bits, read.signature)
        };
        let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let curve = |nid| PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(nid).unwrap()).unwrap()).unwrap();
        let expected = |key: &str, bits, signature: &str| (key.to_owned(), bits, signature.to_owned());
        let sha = MessageDigest::sha256;
        assert_eq!(of(&rsa(1024), MessageDigest::sha1()), expected("RSA", 1024, "sha1WithRSAEncryption"));
        assert_eq!(of(&rsa(1031), sha()), expected("RSA", 1031, "sha256WithRSAEncryption"));
        assert_eq!(of(&curve(Nid::SECP521R1), sha()), expected("EC", 521, "ecdsa-with-SHA256"));
        assert_eq!(of(&curve(Nid::SECP256K1), sha()), expected("EC", 0, "ecdsa-with-SHA256"));
        let edwards = PKey::generate_ed25519().unwrap();
        assert_eq!(of(&edwards, MessageDigest::null()), expected("ED25519", 256, "ED25519"));
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
