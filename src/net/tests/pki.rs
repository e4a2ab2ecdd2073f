//! Certificates made on the spot: an authority and the leaves it signs, good and bad ones.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

const DAY: i64 = 24 * 60 * 60;

/// An authority.
pub(in crate::net) struct Pki {
    name: X509Name,
    key: PKey<Private>,
    pub(in crate::net) certificate: X509,
}

/// What a leaf says; days count from now.
pub(in crate::net) struct Leaf {
    pub(in crate::net) names: &'static [&'static str],
    pub(in crate::net) ips: &'static [&'static str],
    pub(in crate::net) from_day: i64,
    pub(in crate::net) to_day: i64,
}

impl Default for Leaf {
    fn default() -> Leaf {
        Leaf { names: &["mx.example"], ips: &["127.0.0.1"], from_day: -1, to_day: 30 }
    }
}

/// A certificate with its key.
#[derive(Clone)]
pub(in crate::net) struct Issued {
    pub(in crate::net) certificate: X509,
    pub(in crate::net) key: PKey<Private>,
}

impl Issued {
    pub(in crate::net) fn pem(&self) -> (Vec<u8>, Vec<u8>) {
        (self.certificate.to_pem().unwrap(), self.key.private_key_to_pem_pkcs8().unwrap())
    }
}

impl Pki {
    pub(in crate::net) fn new(common_name: &str) -> Pki {
        let key = ec_key();
        let name = name(&[("CN", common_name)]);
        let mut builder = certificate(&name, &name, &key, (-1, 365));
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().key_cert_sign().build().unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Pki { name, key, certificate: builder.build() }
    }

    pub(in crate::net) fn issue(&self, leaf: &Leaf) -> Issued {
        leaf.signed_by(Some((&self.name, &self.key)))
    }
}

impl Leaf {
    pub(in crate::net) fn self_signed(&self) -> Issued {
        self.signed_by(None)
    }

    fn signed_by(&self, issuer: Option<(&X509NameRef, &PKey<Private>)>) -> Issued {
        let key = ec_key();
        let subject = name(&[("O", "smtp-script tests"), ("CN", "mx.example")]);
        let (issuer, signer) = issuer.unwrap_or((&subject, &key));
        let mut builder = certificate(&subject, issuer, &key, (self.from_day, self.to_day));
        let mut alternative = SubjectAlternativeName::new();
        for name in self.names {
            alternative.dns(name);
        }
        for ip in self.ips {
            alternative.ip(ip);
        }
        let alternative = alternative.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(alternative).unwrap();
        builder.sign(signer, MessageDigest::sha256()).unwrap();
        Issued { certificate: builder.build(), key }
    }
}

fn certificate(subject: &X509NameRef, issuer: &X509NameRef, key: &PKey<Private>, days: (i64, i64)) -> X509Builder {
    let now = jiff::Timestamp::now().as_second();
    let at = |day: i64| Asn1Time::from_unix(now + day * DAY).unwrap();
    let serial = BigNum::from_u32(fastrand::u32(1..)).unwrap().to_asn1_integer().unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&at(days.0)).unwrap();
    builder.set_not_after(&at(days.1)).unwrap();
    builder
}

fn name(parts: &[(&str, &str)]) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    for (field, value) in parts {
        builder.append_entry_by_text(field, value).unwrap();
    }
    builder.build()
}

pub(in crate::net) fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}
