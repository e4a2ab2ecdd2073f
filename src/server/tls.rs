//! The sandbox's TLS: which certificate it shows, and which of the clients' it takes.
//!
//! Responsible for what the options say; the handshake and what is learned from it are `acceptor`'s business, as on scripted servers.

use std::sync::OnceLock;

use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::x509::X509Ref;
use tokio::net::TcpStream;

use super::acceptor::{Accepted, Acceptor, AcceptorFault, Choice, HandshakeFailure, Signer, TlsOffer, TlsStream};
use super::certificate::{Authority, Wish, with_loopback};

/// The certificate that the server shows.
pub(crate) enum Identity {
    /// One that is made for these host names and addresses, beside loopback.
    MadeFor(Vec<String>),
    /// The user's own.
    Given {
        /// The certificate, and those that lead to its authority.
        certificate_pem: Vec<u8>,
        /// Its key.
        key_pem: Vec<u8>,
    },
}

/// The client certificates that EXTERNAL takes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ClientCertificates {
    /// None: clients are not asked.
    None,
    /// Any that the client has the key of.
    Any,
    /// Those that one of these authorities has signed, as PEM.
    SignedBy(Vec<u8>),
}

/// What every TLS session of a sandbox is made from.
pub(crate) struct SandboxTls {
    acceptor: Acceptor,
    /// The authority that clients must trust, where the certificate was made.
    pub(crate) authority_pem: Option<Vec<u8>>,
}

impl SandboxTls {
    /// `end_point` gets the hash of the certificate, to which `-PLUS` mechanisms bind.
    ///
    /// # Errors
    /// A certificate or key cannot be read, or they do not fit each other.
    pub(crate) fn new(
        identity: &Identity,
        clients: ClientCertificates,
        end_point: &OnceLock<Vec<u8>>,
    ) -> Result<Self, AcceptorFault> {
        let asks_client = clients != ClientCertificates::None;
        let client_ca = if let ClientCertificates::SignedBy(pem) = clients { Some(pem) } else { None };
        let offer = TlsOffer { certificate: choice(identity), asks_client, client_ca, ..TlsOffer::default() };
        let acceptor = Acceptor::new(&offer, &Authority::new()?)?;
        if let Some(hash) = acceptor.certificate().and_then(server_end_point) {
            end_point.get_or_init(|| hash);
        }
        let authority_pem = matches!(identity, Identity::MadeFor(_)).then(|| acceptor.trust_pem.clone());
        Ok(Self { acceptor, authority_pem })
    }

    /// TLS for clients that are not asked for certificates.
    ///
    /// # Errors
    /// As [`SandboxTls::new`].
    pub(crate) fn for_clients(identity: &Identity) -> Result<Self, AcceptorFault> {
        Self::new(identity, ClientCertificates::None, &OnceLock::new())
    }

    /// Shakes hands with a client. Has no deadline of its own.
    ///
    /// # Errors
    /// The reason in words.
    pub(crate) async fn shake_hands(&self, client: TcpStream) -> Result<(TlsStream, Accepted), HandshakeFailure> {
        self.acceptor.shake_hands(client).await
    }
}

fn choice(identity: &Identity) -> Choice {
    match identity {
        Identity::Given { certificate_pem, key_pem } => {
            Choice::Given { certificates: certificate_pem.clone(), key: key_pem.clone() }
        }
        Identity::MadeFor(names) => {
            Choice::Made(Wish { names: with_loopback(names), ..Wish::default() }, Signer::Authority)
        }
    }
}

/// The hash that the certificate is signed with, but SHA-256 in place of MD5 and SHA-1 (RFC 5929 4.1); a signature
/// without a hash of its own, as of Ed25519, gives nothing to bind to.
fn server_end_point(certificate: &X509Ref) -> Option<Vec<u8>> {
    let signature = certificate.signature_algorithm().object().nid().signature_algorithms()?;
    let digest = match signature.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other)?,
    };
    certificate.digest(digest).ok().map(|hash| hash.to_vec())
}
