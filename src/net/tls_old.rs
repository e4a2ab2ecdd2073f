//! TLS as a client where a scenario asks for versions below 1.2, or for ciphers.
//!
//! Responsible for really offering them: they sign with SHA-1, which OpenSSL's usual level of security refuses before a
//! server has said a word, and `native-tls` has no way to lower it. Called by `tls`, which knows what was agreed on.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslMethod, SslOptions, SslVerifyMode, SslVersion};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509VerifyResult};
use std::net::IpAddr;
use std::pin::Pin;
use tokio_openssl::SslStream;

use super::socket::Socket;
use super::tls_options::{TlsOptions, TlsVersion};

/// Whether a version below TLS 1.2 is asked for, or weak ciphers may be.
pub(super) fn is_asked_for(options: &TlsOptions) -> bool {
    let is_old = |version: Option<TlsVersion>| version.is_some_and(|version| version < TlsVersion::Tls12);
    is_old(options.min_version) || is_old(options.max_version) || options.ciphers.is_some()
}

/// A connector at security level 0, for the versions from `lowest` on.
pub(super) fn connector(options: &TlsOptions, lowest: TlsVersion) -> Result<SslConnector, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.clear_options(SslOptions::NO_TLSV1 | SslOptions::NO_TLSV1_1);
    builder.set_security_level(0);
    let ciphers = options.ciphers.as_deref().unwrap_or("ALL");
    builder.set_cipher_list(&format!("{ciphers}:@SECLEVEL=0"))?;
    builder.set_min_proto_version(Some(version(lowest)))?;
    // TLS 1.3 has suites of its own, whatever is listed.
    let highest = options.max_version.or(options.ciphers.is_some().then_some(TlsVersion::Tls12));
    builder.set_max_proto_version(highest.map(version))?;
    builder.set_verify(if options.verify { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
    if let Some(pem) = &options.ca_pem {
        let mut store = X509StoreBuilder::new()?;
        for certificate in X509::stack_from_pem(pem)? {
            store.add_cert(certificate)?;
        }
        builder.set_verify_cert_store(store.build())?;
    }
    if let Some((certificates, key)) = &options.identity {
        let mut chain = X509::stack_from_pem(certificates)?.into_iter();
        if let Some(own) = chain.next() {
            builder.set_certificate(&own)?;
        }
        chain.try_for_each(|other| builder.add_extra_chain_cert(other))?;
        builder.set_private_key(&*PKey::private_key_from_pem(key)?)?;
    }
    Ok(builder.build())
}

/// Shakes hands.
///
/// # Errors
/// OpenSSL's own text, with the reason why a certificate was refused in parentheses after it.
pub(super) async fn shake_hands(
    connector: &SslConnector,
    socket: Socket,
    name: &str,
    verifies: bool,
) -> Result<SslStream<Socket>, String> {
    let text = |error: ErrorStack| error.to_string();
    let mut configuration = connector.configure().map_err(text)?;
    configuration.set_verify_hostname(verifies);
    configuration.set_use_server_name_indication(name.parse::<IpAddr>().is_err());
    let ssl = configuration.into_ssl(name).map_err(text)?;
    let mut stream = SslStream::new(ssl, socket).map_err(text)?;
    match Pin::new(&mut stream).connect().await {
        Ok(()) => Ok(stream),
        Err(error) => Err(match stream.ssl().verify_result() {
            X509VerifyResult::OK => error.to_string(),
            refused => format!("{error} ({refused})"),
        }),
    }
}

/// The channel binding `tls-server-end-point` (RFC 5929 section 4.1).
pub(super) fn end_point(stream: &SslStream<Socket>) -> Option<Vec<u8>> {
    let certificate = stream.ssl().peer_certificate()?;
    let algorithms = certificate.signature_algorithm().object().nid().signature_algorithms()?;
    let digest = match algorithms.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other)?,
    };
    certificate.digest(digest).ok().map(|digest| digest.to_vec())
}

fn version(version: TlsVersion) -> SslVersion {
    match version {
        TlsVersion::Tls10 => SslVersion::TLS1,
        TlsVersion::Tls11 => SslVersion::TLS1_1,
        TlsVersion::Tls12 => SslVersion::TLS1_2,
        TlsVersion::Tls13 => SslVersion::TLS1_3,
    }
}
