//! TLS as a server: what is offered to a client, the handshake, and what is learned from it.
//!
//! Responsible for turning a [`TlsOffer`] into an acceptor and for saying in words why a handshake failed. Not responsible
//! for the certificates that are made (`certificate`) nor for the bytes that follow (`peer`, which calls here).

mod fault;

use super::certificate::{Authority, IssuedCertificate, Wish, with_loopback};
use super::protocol::ClientTlsFacts;
use crate::net::certificate::PeerCertificate;
pub(super) use fault::failure;
use fault::in_words;
pub(crate) use fault::{AcceptorFault, HandshakeFailure};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    NameType, Ssl, SslAcceptor, SslAcceptorBuilder, SslMethod, SslOptions, SslRef, SslSessionCacheMode, SslVerifyMode,
    SslVersion,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref, X509VerifyResult};
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// What a server offers in a handshake.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsOffer {
    pub(crate) certificate: Choice,
    /// `TLSv1.2` and the like.
    pub(crate) min_version: Option<String>,
    pub(crate) max_version: Option<String>,
    /// What TLS up to 1.2 offers, in OpenSSL's notation.
    pub(crate) ciphers: Option<String>,
    /// Whether the client is asked for a certificate, and whether it must have one.
    pub(crate) asks_client: bool,
    pub(crate) requires_client: bool,
    /// Whom the client's certificate must be from to be called verified (PEM).
    pub(crate) client_ca: Option<Vec<u8>>,
}

/// The certificate that is shown.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// In PEM: the certificate with its chain, and its key.
    Given { certificates: Vec<u8>, key: Vec<u8> },
    /// One that is made.
    Made(Wish, Signer),
}

/// Who signs a certificate that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The authority of the run, which clients are told to trust.
    Authority,
    /// Its own key.
    Itself,
    /// An authority that nobody knows.
    Stranger,
    /// A certificate of the authority of the run that may sign none.
    Leaf,
}

impl Default for Choice {
    fn default() -> Choice {
        Choice::Made(Wish { names: with_loopback(&[]), ..Wish::default() }, Signer::Authority)
    }
}

/// What a handshake agreed on, as the server sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accepted {
    pub(crate) version: String,
    /// By its IANA name.
    pub(crate) cipher: String,
    /// The host name that the client asked for (RFC 6066 section 3).
    pub(crate) server_name: Option<String>,
    /// The certificates that the client sent (DER), its own first.
    pub(crate) client: Vec<Vec<u8>>,
    /// Whether that was verified.
    pub(crate) verified: bool,
    /// Whether it is taken all the same.
    is_taken: bool,
}

/// A client's connection after the handshake.
pub(crate) type TlsStream = SslStream<TcpStream>;

/// An acceptor, and the certificate in PEM that a client must trust.
#[derive(Clone)]
pub(crate) struct Acceptor {
    ssl: SslAcceptor,
    verifies: bool,
    /// Whether a certificate of a client is taken whoever signed it.
    trusts_any: bool,
    pub(crate) trust_pem: Vec<u8>,
}

impl Acceptor {
    /// # Errors
    /// What is wrong with a certificate or a key that was given.
    pub(crate) fn new(offer: &TlsOffer, authority: &Authority) -> Result<Acceptor, AcceptorFault> {
        let mut builder = builder(offer)?;
        if let Some(list) = &offer.ciphers {
            offer_ciphers(&mut builder, list).map_err(|error| AcceptorFault::Ciphers(in_words(&error)))?;
            if offer.max_version.is_none() {
                builder.set_max_proto_version(Some(SslVersion::TLS1_2))?;
            }
        }
        let trust_pem = show_certificate(&mut builder, &offer.certificate, authority)?;
        ask_client(&mut builder, offer)?;
        let trusts_any = offer.asks_client && offer.client_ca.is_none();
        Ok(Acceptor { ssl: builder.build(), verifies: offer.client_ca.is_some(), trusts_any, trust_pem })
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// The reason in words.
    pub(crate) async fn shake_hands(&self, tcp: TcpStream) -> Result<(TlsStream, Accepted), HandshakeFailure> {
        let mut stream = SslStream::new(Ssl::new(self.ssl.context())?, tcp)?;
        Pin::new(&mut stream).accept().await?;
        let accepted = self.told_by(stream.ssl());
        Ok((stream, accepted))
    }

    /// The certificate that is shown.
    pub(super) fn certificate(&self) -> Option<&X509Ref> {
        self.ssl.context().certificate()
    }

    /// What is known after a handshake.
    fn told_by(&self, ssl: &SslRef) -> Accepted {
        let own = ssl.peer_certificate().and_then(|certificate| certificate.to_der().ok());
        // OpenSSL leaves the client's own out of the chain.
        let others = ssl.peer_cert_chain().into_iter().flatten().filter_map(|certificate| certificate.to_der().ok());
        let client: Vec<Vec<u8>> = own.into_iter().chain(others).collect();
        let cipher = ssl.current_cipher();
        let name = cipher.and_then(|cipher| cipher.standard_name().or(Some(cipher.name())));
        Accepted {
            version: ssl.version_str().to_owned(),
            cipher: name.unwrap_or("unknown").to_owned(),
            server_name: ssl.servername(NameType::HOST_NAME).map(str::to_owned),
            verified: self.verifies && !client.is_empty() && ssl.verify_result() == X509VerifyResult::OK,
            is_taken: self.trusts_any,
            client,
        }
    }
}

impl Accepted {
    /// The client's certificate, read; `None` where it sent none.
    pub(crate) fn certificate(&self) -> Option<PeerCertificate> {
        self.client.first().and_then(|der| PeerCertificate::from_der(der))
    }

    /// What the protocol hears of it: the names in a certificate that EXTERNAL takes.
    pub(super) fn facts(&self) -> ClientTlsFacts {
        let client = self.client.first().filter(|_| self.verified || self.is_taken);
        let certificate = client.and_then(|der| X509::from_der(der).ok());
        ClientTlsFacts {
            agreed: Some((self.version.clone(), self.cipher.clone())),
            client_names: certificate.map(|certificate| names_of(&certificate)),
        }
    }
}

/// Without resumption: each handshake is a whole one, and shows its certificate.
fn builder(offer: &TlsOffer) -> Result<SslAcceptorBuilder, ErrorStack> {
    let version = |name: &Option<String>| match name.as_deref() {
        Some("TLSv1.0") => Some(SslVersion::TLS1),
        Some("TLSv1.1") => Some(SslVersion::TLS1_1),
        Some("TLSv1.2") => Some(SslVersion::TLS1_2),
        Some("TLSv1.3") => Some(SslVersion::TLS1_3),
        _ => None,
    };
    let is_old = |name: &Option<String>| matches!(name.as_deref(), Some("TLSv1.0" | "TLSv1.1"));
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    if is_old(&offer.min_version) || is_old(&offer.max_version) {
        // The old versions sign with SHA-1, which the usual level of security refuses.
        builder.clear_options(SslOptions::NO_TLSV1 | SslOptions::NO_TLSV1_1);
        builder.set_security_level(0);
        builder.set_cipher_list("ALL:@SECLEVEL=0")?;
    }
    builder.set_min_proto_version(version(&offer.min_version))?;
    builder.set_max_proto_version(version(&offer.max_version))?;
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_num_tickets(0)?;
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    Ok(builder)
}

/// At the lowest level of security: what is asked for may be weak.
fn offer_ciphers(builder: &mut SslAcceptorBuilder, list: &str) -> Result<(), ErrorStack> {
    builder.set_security_level(0);
    builder.set_cipher_list(&format!("{list}:@SECLEVEL=0"))
}

/// Gives what a client must trust.
fn show_certificate(
    builder: &mut SslAcceptorBuilder,
    choice: &Choice,
    authority: &Authority,
) -> Result<Vec<u8>, AcceptorFault> {
    let (wish, signer) = match choice {
        Choice::Given { certificates, key } => return show_given(builder, certificates, key),
        Choice::Made(wish, signer) => (wish, *signer),
    };
    let made = match signer {
        Signer::Authority => authority.issue(wish),
        Signer::Itself => IssuedCertificate::self_signed(wish),
        Signer::Stranger => Authority::new().and_then(|stranger| stranger.issue(wish)),
        Signer::Leaf => authority.issue_by_leaf(wish),
    };
    let shown = made.and_then(|made| {
        if wish.weak_key {
            builder.set_security_level(0);
        }
        builder.set_certificate(&made.server)?;
        made.leaf.into_iter().try_for_each(|leaf| builder.add_extra_chain_cert(leaf))?;
        builder.set_private_key(&made.key)?;
        Ok(made.authority_pem)
    });
    shown.map_err(|error| AcceptorFault::NotMade(in_words(&error)))
}

/// What is wrong with certificates in PEM.
pub(crate) fn certificate_fault(pem: &[u8]) -> Option<String> {
    chain_of(pem).err().map(|fault| fault.to_string())
}

/// What is wrong with the key, in PEM, of sound certificates.
pub(crate) fn key_fault(certificates: &[u8], key: &[u8]) -> Option<String> {
    let check = || {
        let (own, _) = chain_of(certificates)?;
        let public = own.public_key()?;
        if key_of(key)?.public_eq(&public) { Ok(()) } else { Err(AcceptorFault::OtherKey) }
    };
    check().err().map(|fault| fault.to_string())
}

/// The first certificate, and those that lead to its authority.
fn chain_of(pem: &[u8]) -> Result<(X509, Vec<X509>), AcceptorFault> {
    let chain = X509::stack_from_pem(pem)
        .map_err(|error| AcceptorFault::unreadable("the certificate can't be read as PEM", &error))?;
    let mut chain = chain.into_iter();
    let own = chain.next().ok_or(AcceptorFault::NoCertificate)?;
    Ok((own, chain.collect()))
}

fn key_of(pem: &[u8]) -> Result<PKey<Private>, AcceptorFault> {
    if memchr::memmem::find(pem, b"PRIVATE KEY-----").is_none() {
        return Err(AcceptorFault::NoKey);
    }
    // Without a callback OpenSSL would ask at the terminal for the passphrase of an encrypted key.
    PKey::private_key_from_pem_callback(pem, |_| Ok(0))
        .map_err(|error| AcceptorFault::unreadable("the key can't be read as PEM", &error))
}

fn show_given(builder: &mut SslAcceptorBuilder, certificates: &[u8], key: &[u8]) -> Result<Vec<u8>, AcceptorFault> {
    let (own, others) = chain_of(certificates)?;
    let key = key_of(key)?;
    builder.set_certificate(&own).or_else(|_too_weak| {
        // What is given is shown, weak or not: clients must be able to refuse it.
        builder.set_security_level(0);
        builder.set_certificate(&own)
    })?;
    for certificate in others {
        builder.add_extra_chain_cert(certificate)?;
    }
    builder.set_private_key(&key).map_err(|_| AcceptorFault::OtherKey)?;
    Ok(certificates.to_vec())
}

/// Any certificate of a client is let through: what it must be the script says.
fn ask_client(builder: &mut SslAcceptorBuilder, offer: &TlsOffer) -> Result<(), AcceptorFault> {
    if !offer.asks_client {
        return Ok(());
    }
    let must = if offer.requires_client { SslVerifyMode::FAIL_IF_NO_PEER_CERT } else { SslVerifyMode::NONE };
    builder.set_verify_callback(SslVerifyMode::PEER | must, |_, _| true);
    let Some(pem) = &offer.client_ca else { return Ok(()) };
    let unreadable = |error: ErrorStack| AcceptorFault::unreadable("the file of `client_ca` can't be read", &error);
    let mut store = X509StoreBuilder::new().map_err(unreadable)?;
    for certificate in X509::stack_from_pem(pem).map_err(unreadable)? {
        builder.add_client_ca(&certificate).map_err(unreadable)?;
        store.add_cert(certificate).map_err(unreadable)?;
    }
    builder.set_verify_cert_store(store.build()).map_err(unreadable)
}

/// Common name, and the alternative names that are mail addresses or host names.
fn names_of(certificate: &X509Ref) -> Vec<String> {
    let common = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    let mut names: Vec<String> = common.filter_map(|name| name.data().to_string().ok()).collect();
    for name in certificate.subject_alt_names().iter().flatten() {
        names.extend(name.email().or_else(|| name.dnsname()).map(str::to_owned));
    }
    names
}
