//! The server's side of TLS: which certificate it shows, and which of the clients' it takes.
//!
//! Responsible for openssl's settings and for what a handshake tells the protocol; the handshake itself is the
//! connection's business.

use std::io;
use std::pin::Pin;
use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{
    Ssl, SslAcceptor, SslAcceptorBuilder, SslContextRef, SslMethod, SslOptions, SslRef, SslSessionCacheMode,
    SslVerifyMode,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref, X509VerifyResult};

use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::certificate::IssuedCertificate;
use super::protocol::ClientTlsFacts;

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
    acceptor: SslAcceptor,
    /// The authority that clients must trust, where the certificate was made.
    pub(crate) authority_pem: Option<Vec<u8>>,
    clients: ClientCertificates,
}

impl SandboxTls {
    /// TLS 1.2 and 1.3 without resumption: the sandbox is not there long enough for it to pay.
    ///
    /// `end_point` is told the hash of the certificate, to which `-PLUS` mechanisms bind.
    ///
    /// # Errors
    /// A certificate or key cannot be read, or they do not fit each other.
    pub(crate) fn new(
        identity: &Identity,
        clients: ClientCertificates,
        end_point: &OnceLock<Vec<u8>>,
    ) -> Result<Self, ErrorStack> {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_options(SslOptions::NO_TICKET);
        acceptor.set_num_tickets(0)?;
        acceptor.set_session_cache_mode(SslSessionCacheMode::OFF);
        let authority_pem = show(identity, &mut acceptor)?;
        ask(&clients, &mut acceptor)?;
        let acceptor = acceptor.build();
        if let Some(hash) = acceptor.context().certificate().and_then(server_end_point) {
            end_point.get_or_init(|| hash);
        }
        Ok(Self { acceptor, authority_pem, clients })
    }

    /// TLS for clients that are not asked for certificates.
    ///
    /// # Errors
    /// As [`SandboxTls::new`].
    pub(crate) fn for_clients(identity: &Identity) -> Result<Self, ErrorStack> {
        Self::new(identity, ClientCertificates::None, &OnceLock::new())
    }

    pub(crate) fn context(&self) -> &SslContextRef {
        self.acceptor.context()
    }

    /// Whether a certificate of a client's is verified.
    pub(crate) fn verifies(&self) -> bool {
        matches!(self.clients, ClientCertificates::SignedBy(_))
    }

    /// What a finished handshake tells of the client.
    pub(crate) fn facts(&self, ssl: &SslRef) -> ClientTlsFacts {
        let is_taken = match self.clients {
            ClientCertificates::None => false,
            ClientCertificates::Any => true,
            ClientCertificates::SignedBy(_) => ssl.verify_result() == X509VerifyResult::OK,
        };
        let certificate = ssl.peer_certificate().filter(|_| is_taken);
        let cipher = ssl.current_cipher().map_or("", |cipher| cipher.standard_name().unwrap_or(cipher.name()));
        ClientTlsFacts {
            agreed: Some((ssl.version_str().to_owned(), cipher.to_owned())),
            client_names: certificate.map(|certificate| names_of(&certificate)),
        }
    }
}

/// A client's connection after the handshake.
pub(crate) type TlsStream = SslStream<TcpStream>;

/// Shakes hands with a client. Has no deadline of its own.
///
/// # Errors
/// The reason, in openssl's words.
pub(crate) async fn accept(client: TcpStream, tls: &SandboxTls) -> io::Result<TlsStream> {
    let mut stream = SslStream::new(Ssl::new(tls.context())?, client)?;
    Pin::new(&mut stream).accept().await.map_err(|error| io::Error::other(error.to_string()))?;
    Ok(stream)
}

fn show(identity: &Identity, acceptor: &mut SslAcceptorBuilder) -> Result<Option<Vec<u8>>, ErrorStack> {
    match identity {
        Identity::MadeFor(names) => {
            let made = IssuedCertificate::for_names(names)?;
            acceptor.set_certificate(&made.server)?;
            acceptor.set_private_key(&made.key)?;
            Ok(Some(made.authority_pem))
        }
        Identity::Given { certificate_pem, key_pem } => {
            let mut chain = X509::stack_from_pem(certificate_pem)?.into_iter();
            match chain.next() {
                Some(first) => acceptor.set_certificate(&first)?,
                None => drop(X509::from_pem(certificate_pem)?),
            }
            chain.try_for_each(|further| acceptor.add_extra_chain_cert(further))?;
            // Without a callback that answers, openssl asks the terminal for the passphrase of an encrypted key.
            let key = PKey::private_key_from_pem_callback(key_pem, |_| Ok(0))?;
            acceptor.set_private_key(&key)?;
            acceptor.check_private_key()?;
            Ok(None)
        }
    }
}

/// A certificate that is not taken is no reason to end a session: the client may log in otherwise.
fn ask(clients: &ClientCertificates, acceptor: &mut SslAcceptorBuilder) -> Result<(), ErrorStack> {
    if let ClientCertificates::SignedBy(pem) = clients {
        let mut store = X509StoreBuilder::new()?;
        for authority in X509::stack_from_pem(pem)? {
            acceptor.add_client_ca(&authority)?;
            store.add_cert(authority)?;
        }
        acceptor.set_verify_cert_store(store.build())?;
    }
    if *clients != ClientCertificates::None {
        acceptor.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    }
    Ok(())
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

/// Common name, and the alternative names that are mail addresses or host names.
fn names_of(certificate: &X509Ref) -> Vec<String> {
    let common = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    let mut names: Vec<String> = common.filter_map(|name| name.data().to_string().ok()).collect();
    for name in certificate.subject_alt_names().iter().flatten() {
        names.extend(name.email().or_else(|| name.dnsname()).map(str::to_owned));
    }
    names
}
