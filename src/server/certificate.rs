//! Makes the certificates of servers when they start: a certification authority and server certificates by it, or ones
//! that sign themselves, sound or expired.
//!
//! The keys live in memory only and differ in every run, so that trusting its authority trusts nothing else.

use std::net::IpAddr;

use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameRef};

const SECONDS_A_DAY: i64 = 86_400;
const AUTHORITY_DAYS: i64 = 3_652;
/// Some clients refuse server certificates that live longer.
const SERVER_DAYS: i64 = 397;
/// The names of this machine, for whoever reaches it on loopback.
pub(crate) const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long ago the time of an expired certificate began.
const EXPIRED_DAYS: i64 = 31;
const SERIAL_NUMBER_BITS: i32 = 127;
const WEAK_BITS: u32 = 1024;
/// The tags of host names and addresses among alternative names (RFC 5280 section 4.2.1.6).
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
const SEQUENCE: u8 = 0x30;

/// A server certificate, its key, and the authority that clients must trust.
pub(crate) struct IssuedCertificate {
    /// The authority's certificate as PEM.
    pub(crate) authority_pem: Vec<u8>,
    /// The server's certificate, for the names it was made for and for loopback.
    pub(crate) server: X509,
    /// The server's key, EC P-256 where it is not to be weak.
    pub(crate) key: PKey<Private>,
    /// The certificate that signed it, where that is no authority.
    pub(crate) leaf: Option<X509>,
}

/// What a server certificate is to be like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// The host names and IP addresses it is for.
    pub(crate) names: Vec<String>,
    /// Its last day was yesterday.
    pub(crate) expired: bool,
    /// Its first day is tomorrow.
    pub(crate) not_yet_valid: bool,
    /// What its subject is called, in place of our own name.
    pub(crate) common_name: Option<String>,
    /// It is for the authentication of clients only.
    pub(crate) for_clients: bool,
    /// RSA of 1024 bits.
    pub(crate) weak_key: bool,
}

impl Wish {
    fn key(&self) -> Result<PKey<Private>, ErrorStack> {
        if self.weak_key { PKey::from_rsa(Rsa::generate(WEAK_BITS)?) } else { new_key() }
    }
}

/// A certification authority, made when it is first needed.
pub(crate) struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    /// A new one, which nobody trusts yet.
    ///
    /// # Errors
    /// When OpenSSL fails, which a working installation never does.
    pub(crate) fn new() -> Result<Self, ErrorStack> {
        let key = new_key()?;
        Ok(Self { certificate: authority(&key)?, key })
    }

    /// Its certificate as PEM.
    pub(crate) fn to_pem(&self) -> Option<Vec<u8>> {
        self.certificate.to_pem().ok()
    }

    /// Makes a server certificate that this authority signs.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub(crate) fn issue(&self, wish: &Wish) -> Result<IssuedCertificate, ErrorStack> {
        let key = wish.key()?;
        let server = server_certificate(wish, &key, Some(self))?;
        Ok(IssuedCertificate { authority_pem: self.certificate.to_pem()?, server, key, leaf: None })
    }

    /// Makes one that is signed by a certificate of this authority, which is none itself.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub(crate) fn issue_by_leaf(&self, wish: &Wish) -> Result<IssuedCertificate, ErrorStack> {
        let IssuedCertificate { authority_pem, server, key, .. } =
            self.issue(&Wish { names: with_loopback(&[]), ..Wish::default() })?;
        let leaf = Authority { certificate: server, key };
        let made = leaf.issue(wish)?;
        Ok(IssuedCertificate { authority_pem, leaf: Some(leaf.certificate), ..made })
    }
}

/// The names of this machine, and further ones (host names or IP addresses).
pub(crate) fn with_loopback(names: &[String]) -> Vec<String> {
    LOOPBACK.iter().map(|name| (*name).to_owned()).chain(names.iter().cloned()).collect()
}

impl IssuedCertificate {
    /// Makes a certificate that is its own authority.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub(crate) fn self_signed(wish: &Wish) -> Result<Self, ErrorStack> {
        let key = wish.key()?;
        let server = server_certificate(wish, &key, None)?;
        Ok(Self { authority_pem: server.to_pem()?, server, key, leaf: None })
    }
}

fn authority(key: &PKey<Private>) -> Result<X509, ErrorStack> {
    let name = common_name("smtp-script sandbox authority")?;
    let mut builder = builder(&name, &name, key, AUTHORITY_DAYS)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let key_identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(key_identifier)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// Without an authority it signs itself.
fn server_certificate(wish: &Wish, key: &PKey<Private>, authority: Option<&Authority>) -> Result<X509, ErrorStack> {
    let subject = common_name(wish.common_name.as_deref().unwrap_or("smtp-script sandbox"))?;
    let issuer = authority.map_or(&*subject, |authority| authority.certificate.subject_name());
    let mut builder = builder(&subject, issuer, key, SERVER_DAYS)?;
    if wish.expired {
        let (first, last) = (now() - EXPIRED_DAYS * SECONDS_A_DAY, now() - SECONDS_A_DAY);
        let (first, last) = (Asn1Time::from_unix(first)?, Asn1Time::from_unix(last)?);
        builder.set_not_before(&first)?;
        builder.set_not_after(&last)?;
    }
    if wish.not_yet_valid {
        let first = Asn1Time::from_unix(now() + SECONDS_A_DAY)?;
        builder.set_not_before(&first)?;
    }
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    let mut usage = ExtendedKeyUsage::new();
    let usage = if wish.for_clients { usage.client_auth() } else { usage.server_auth() };
    builder.append_extension(usage.build()?)?;
    let context = builder.x509v3_context(authority.map(|authority| &*authority.certificate), None);
    let mut extensions = vec![SubjectKeyIdentifier::new().build(&context)?];
    if authority.is_some() {
        extensions.push(AuthorityKeyIdentifier::new().keyid(true).build(&context)?);
    }
    if wish.names.iter().any(|name| is_usable(name)) {
        extensions.push(alternative_names(&wish.names)?);
    }
    for extension in extensions {
        builder.append_extension(extension)?;
    }
    builder.sign(authority.map_or(key, |authority| &authority.key), MessageDigest::sha256())?;
    Ok(builder.build())
}

/// The parts that both certificates have; valid from yesterday, for clocks that disagree.
fn builder(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    days: i64,
) -> Result<X509Builder, ErrorStack> {
    let mut serial_number = BigNum::new()?;
    serial_number.rand(SERIAL_NUMBER_BITS, MsbOption::MAYBE_ZERO, false)?;
    let yesterday = now() - SECONDS_A_DAY;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let serial_number = serial_number.to_asn1_integer()?;
    builder.set_serial_number(&serial_number)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    let (not_before, not_after) =
        (Asn1Time::from_unix(yesterday)?, Asn1Time::from_unix(yesterday + days * SECONDS_A_DAY)?);
    builder.set_not_before(&not_before)?;
    builder.set_not_after(&not_after)?;
    Ok(builder)
}

fn now() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let mut group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    group.set_asn1_flag(Asn1Flag::NAMED_CURVE);
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn common_name(name: &str) -> Result<X509Name, ErrorStack> {
    let mut builder = X509Name::builder()?;
    builder.append_entry_by_nid(Nid::COMMONNAME, name)?;
    Ok(builder.build())
}

/// A certificate holds names in ASCII only: others are left out, their clients ask for the A-label anyway. Octet by octet,
/// because the notation of OpenSSL has no way to say a NUL.
fn alternative_names(names: &[String]) -> Result<X509Extension, ErrorStack> {
    let mut list = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for name in names.iter().map(String::as_str) {
        if !is_usable(name) || seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let part = match name.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => der(IP_ADDRESS, &address.octets()),
            Ok(IpAddr::V6(address)) => der(IP_ADDRESS, &address.octets()),
            Err(_) => der(DNS_NAME, name.as_bytes()),
        };
        list.extend(part);
    }
    let content = Asn1OctetString::new_from_bytes(&der(SEQUENCE, &list))?;
    let kind = Asn1Object::from_str("2.5.29.17")?;
    X509Extension::new_from_der(&kind, false, &content)
}

/// A value with its tag and its length (X.690 section 8.1.3).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|octet| **octet == 0).count()..];
    let mut value = vec![tag];
    if content.len() < 128 {
        value.push(length.first().copied().unwrap_or(0));
    } else {
        value.push(0x80 | u8::try_from(length.len()).unwrap_or(0));
        value.extend(length);
    }
    value.extend(content);
    value
}

fn is_usable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|octet| octet == 0 || octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_for(names: &[String]) -> IssuedCertificate {
        let wish = Wish { names: with_loopback(names), ..Wish::default() };
        Authority::new().unwrap().issue(&wish).unwrap()
    }

    #[test]
    fn names_and_issuer() {
        let names = ["smtp.sendgrid.net", "localhost", "192.0.2.7", "", "bücher.example", "with blank"];
        let made = made_for(&names.map(str::to_owned));
        let authority = X509::from_pem(&made.authority_pem).unwrap();
        assert!(made.server.verify(&authority.public_key().unwrap()).unwrap());
        assert!(authority.verify(&authority.public_key().unwrap()).unwrap());
        let alternatives = made.server.subject_alt_names().unwrap();
        let dns: Vec<&str> = alternatives.iter().filter_map(|name| name.dnsname()).collect();
        assert_eq!(dns, ["localhost", "smtp.sendgrid.net"]);
        let addresses: Vec<&[u8]> = alternatives.iter().filter_map(|name| name.ipaddress()).collect();
        let ipv6_loopback = std::net::Ipv6Addr::LOCALHOST.octets();
        assert_eq!(addresses, [&[127, 0, 0, 1][..], &ipv6_loopback, &[192, 0, 2, 7]]);
    }

    #[test]
    fn valid_since_yesterday() {
        let made = made_for(&[]);
        let today = Asn1Time::days_from_now(0).unwrap();
        let authority = X509::from_pem(&made.authority_pem).unwrap();
        // Two clocks are compared, which may differ by a tick.
        let since = authority.not_before().diff(&today).unwrap();
        assert!(since.days == 1 || (since.days, since.secs) == (0, 86_399));
        assert!(today.diff(authority.not_after()).unwrap().days > 3_600);
        assert!(today.diff(made.server.not_after()).unwrap().days > 390);
    }

    #[test]
    fn two_sandboxes_share_nothing() {
        let (one, other) = (made_for(&[]), made_for(&[]));
        let other_authority = X509::from_pem(&other.authority_pem).unwrap();
        assert!(!one.server.verify(&other_authority.public_key().unwrap()).unwrap());
    }
}
