//! Handshakes that succeed, and what they show; handshakes that fail, and why.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::Duration;

use openssl::ssl::{SslAcceptorBuilder, SslVerifyMode, SslVersion};
use tokio::io::AsyncReadExt;

use super::pki::{Issued, Leaf, Pki, ec_key};
use super::{Server, acceptor, only, read_out, tls, trusting};
use crate::net::tls::{Connector, TlsFailure, TlsFailureReason, TlsOptions, TlsVersion};

/// Accepts, greets, reads to the end. A failed handshake is read to its end, too.
fn greeter(builder: SslAcceptorBuilder) -> Server<bool> {
    let acceptor = builder.build();
    Server::start(move |tcp| match acceptor.accept(tcp) {
        Ok(mut stream) => {
            // A client that only shakes hands may be gone by now.
            let _ = stream.write_all(b"220 ready\r\n");
            read_out(&mut stream);
            true
        }
        Err(openssl::ssl::HandshakeError::Failure(mut failed)) => {
            read_out(failed.get_mut());
            false
        }
        Err(error) => panic!("{error}"),
    })
}

async fn facts(builder: SslAcceptorBuilder, options: &TlsOptions) -> (String, String) {
    let server = greeter(builder);
    let (mut stream, facts) = tls(&server, options, "mx.example").await.unwrap();
    let mut greeting = [0; 11];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220 ready\r\n");
    assert!(stream.is_tls());
    assert_eq!(facts.verified, options.verify);
    assert_eq!(facts.certificate.unwrap().names, ["mx.example", "127.0.0.1"]);
    assert_eq!(facts.end_point.unwrap().len(), 32);
    stream.close().await;
    assert!(server.end());
    (facts.version, facts.cipher)
}

#[tokio::test]
async fn version_and_cipher_of_tls_1_2_and_1_3() {
    let pki = Pki::new("test CA");
    let issued = pki.issue(&Leaf::default());
    let mut old = acceptor(&issued);
    only(&mut old, SslVersion::TLS1_2);
    old.set_cipher_list("ECDHE-ECDSA-AES256-GCM-SHA384").unwrap();
    let (version, cipher) = facts(old, &trusting(&pki)).await;
    assert_eq!((version.as_str(), cipher.as_str()), ("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    let mut new = acceptor(&issued);
    only(&mut new, SslVersion::TLS1_3);
    new.set_ciphersuites("TLS_AES_128_GCM_SHA256").unwrap();
    let (version, cipher) = facts(new, &trusting(&pki)).await;
    assert_eq!((version.as_str(), cipher.as_str()), ("TLSv1.3", "TLS_AES_128_GCM_SHA256"));
}

#[tokio::test]
async fn version_and_cipher_behind_a_hello_retry_request() {
    let pki = Pki::new("test CA");
    let mut builder = acceptor(&pki.issue(&Leaf::default()));
    only(&mut builder, SslVersion::TLS1_3);
    builder.set_groups_list("P-384").unwrap();
    builder.set_ciphersuites("TLS_CHACHA20_POLY1305_SHA256").unwrap();
    let (version, cipher) = facts(builder, &trusting(&pki)).await;
    assert_eq!((version.as_str(), cipher.as_str()), ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"));
}

#[tokio::test]
async fn max_version_and_verify_false_are_obeyed() {
    let issued = Leaf::default().self_signed();
    let options = TlsOptions { verify: false, max_version: Some(TlsVersion::Tls12), ..TlsOptions::default() };
    let (version, _) = facts(acceptor(&issued), &options).await;
    assert_eq!(version, "TLSv1.2");
}

async fn failure(builder: SslAcceptorBuilder, options: &TlsOptions, name: &str) -> TlsFailure {
    let server = greeter(builder);
    let failure = tls(&server, options, name).await.unwrap_err();
    assert!(!server.end());
    failure
}

/// Fails by both versions; the certificate can be read in TLS 1.2 only.
async fn unverified(issued: &Issued, pki: &Pki, name: &str) -> TlsFailure {
    let mut new = acceptor(issued);
    only(&mut new, SslVersion::TLS1_3);
    let encrypted = failure(new, &trusting(pki), name).await;
    let mut old = acceptor(issued);
    only(&mut old, SslVersion::TLS1_2);
    let readable = failure(old, &trusting(pki), name).await;
    assert_eq!(encrypted.reason, readable.reason);
    assert_eq!(encrypted.certificate, None);
    assert_eq!(readable.certificate.as_ref().unwrap().names, ["mx.example", "127.0.0.1"]);
    readable
}

#[tokio::test]
async fn an_expired_and_a_future_certificate() {
    let pki = Pki::new("test CA");
    let expired = pki.issue(&Leaf { from_day: -9, to_day: -2, ..Leaf::default() });
    let seen = unverified(&expired, &pki, "mx.example").await;
    assert_eq!(seen.reason, TlsFailureReason::Expired);
    assert!(seen.message.starts_with("the server's certificate has expired: it was valid until "), "{seen:?}");
    let future = pki.issue(&Leaf { from_day: 2, ..Leaf::default() });
    let seen = unverified(&future, &pki, "mx.example").await;
    assert_eq!(seen.reason, TlsFailureReason::NotYetValid);
}

#[tokio::test]
async fn a_certificate_for_another_name_or_address() {
    let pki = Pki::new("test CA");
    let issued = pki.issue(&Leaf::default());
    for name in ["other.example", "127.0.0.9"] {
        let seen = unverified(&issued, &pki, name).await;
        assert_eq!(seen.reason, TlsFailureReason::WrongName);
        assert_eq!(
            seen.message,
            format!("the server's certificate is not for `{name}`: it names `mx.example`, `127.0.0.1`")
        );
    }
}

#[tokio::test]
async fn an_unknown_issuer_and_a_self_signed_certificate() {
    let pki = Pki::new("test CA");
    let foreign = Pki::new("another CA").issue(&Leaf::default());
    let seen = unverified(&foreign, &pki, "mx.example").await;
    assert_eq!(seen.reason, TlsFailureReason::UnknownIssuer);
    assert!(seen.message.contains("`CN=another CA`"), "{seen:?}");
    assert!(seen.help.unwrap().in_scenario.contains("`ca_file`"));
    assert!(seen.help.unwrap().by_options.contains("`--ca-file FILE`"));
    let seen = unverified(&Leaf::default().self_signed(), &pki, "mx.example").await;
    assert_eq!(seen.reason, TlsFailureReason::SelfSigned);
}

#[tokio::test]
async fn an_ip_address_and_a_name_with_a_final_dot_are_verified() {
    let pki = Pki::new("test CA");
    let issued = pki.issue(&Leaf { ips: &["127.0.0.1", "::1"], ..Leaf::default() });
    for name in ["127.0.0.1", "[::1]", "::1", "mx.example."] {
        let server = greeter(acceptor(&issued));
        let (stream, facts) = tls(&server, &trusting(&pki), name).await.unwrap();
        assert!(facts.verified);
        stream.close().await;
        assert!(server.end());
    }
}

fn demanding(pki: &Pki, version: SslVersion) -> SslAcceptorBuilder {
    let mut builder = acceptor(&pki.issue(&Leaf::default()));
    only(&mut builder, version);
    builder.cert_store_mut().add_cert(pki.certificate.clone()).unwrap();
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    builder
}

#[tokio::test]
async fn a_missing_client_certificate_shows_at_the_first_read_of_tls_1_3() {
    let pki = Pki::new("test CA");
    let server = greeter(demanding(&pki, SslVersion::TLS1_3));
    let (mut stream, _) = tls(&server, &trusting(&pki), "mx.example").await.unwrap();
    for _again in 0..2 {
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(
            error.to_string(),
            "the server ended TLS with the alert `certificate required` (116): \
             it demands a client certificate; give `client_certificate` and `client_key`"
        );
    }
    assert!(stream.read_now(&mut [0]).await.unwrap().is_err());
    stream.close().await;
    assert!(!server.end());
}

#[tokio::test]
async fn a_missing_client_certificate_fails_the_handshake_of_tls_1_2() {
    let pki = Pki::new("test CA");
    let seen = failure(demanding(&pki, SslVersion::TLS1_2), &trusting(&pki), "mx.example").await;
    assert_eq!(seen.reason, TlsFailureReason::Alert(40));
    assert!(seen.help.unwrap().in_scenario.contains("`client_certificate`"));
}

#[tokio::test]
async fn a_client_certificate_is_presented() {
    let pki = Pki::new("test CA");
    let options = TlsOptions { identity: Some(pki.issue(&Leaf::default()).pem()), ..trusting(&pki) };
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let _ = facts(demanding(&pki, version), &options).await;
    }
}

#[tokio::test]
async fn no_version_in_common() {
    let pki = Pki::new("test CA");
    let issued = pki.issue(&Leaf::default());
    let mut old = acceptor(&issued);
    only(&mut old, SslVersion::TLS1_2);
    let options = TlsOptions { min_version: Some(TlsVersion::Tls13), ..trusting(&pki) };
    let seen = failure(old, &options, "mx.example").await;
    assert_eq!(seen.reason, TlsFailureReason::ProtocolVersion);
    assert!(seen.message.contains("`protocol version` (70)"), "{seen:?}");
}

/// Reads the client's hello, answers with bytes, ends as told.
async fn after_hello(answer: &'static [u8], end: fn(TcpStream)) -> TlsFailure {
    let server = Server::start(move |mut tcp| {
        let mut header = [0; 5];
        tcp.read_exact(&mut header).unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        tcp.read_exact(&mut hello).unwrap();
        tcp.write_all(answer).unwrap();
        end(tcp);
    });
    let options = TlsOptions { verify: false, ..TlsOptions::default() };
    let failure = tls(&server, &options, "mx.example").await.unwrap_err();
    server.end();
    failure
}

fn wait(mut tcp: TcpStream) {
    read_out(&mut tcp);
}

#[tokio::test]
async fn a_plain_greeting_instead_of_tls_is_shown() {
    const GREETING: &[u8] = b"220 mx.example ESMTP ready and waiting\r\n";
    let seen = after_hello(GREETING, wait).await;
    assert_eq!(seen.reason, TlsFailureReason::NotTls);
    assert_eq!(seen.received, GREETING);
    assert!(seen.help.unwrap().in_scenario.contains("`starttls`"));
}

#[tokio::test]
async fn garbage_with_the_look_of_tls() {
    let seen = after_hello(b"\x16\x03\x03\x00\x05\xff\x00\x00\x01\x00", wait).await;
    assert_eq!(seen.reason, TlsFailureReason::Other);
    assert!(seen.message.starts_with("the TLS handshake failed: unexpected message"), "{seen:?}");
    assert!(seen.received.is_empty());
}

#[tokio::test]
async fn garbage_without_the_look_of_tls() {
    let seen = after_hello(&[0xff; 1000], wait).await;
    assert_eq!(seen.reason, TlsFailureReason::NotTls);
    assert_eq!(seen.received, [0xff; 512]);
}

#[tokio::test]
async fn an_alert_is_named() {
    let seen = after_hello(b"\x15\x03\x03\x00\x02\x02\x70", wait).await;
    assert_eq!(seen.reason, TlsFailureReason::Alert(112));
    assert!(seen.message.contains("`unrecognized name` (112)"), "{seen:?}");
}

#[tokio::test]
async fn a_close_and_a_reset_in_the_handshake() {
    let seen = after_hello(b"", drop).await;
    assert_eq!((seen.reason, seen.help), (TlsFailureReason::Closed, None));
    let seen = after_hello(b"\x16\x03\x03", drop).await;
    assert_eq!(seen.reason, TlsFailureReason::Closed);
    let reset = |tcp: TcpStream| {
        socket2::SockRef::from(&tcp).set_linger(Some(Duration::ZERO)).unwrap();
    };
    let seen = after_hello(b"", reset).await;
    assert_eq!(seen.reason, TlsFailureReason::Reset);
}

#[tokio::test]
async fn a_reset_before_the_handshake() {
    let (connected, wait) = channel::<()>();
    let server = Server::start(move |tcp| {
        wait.recv().unwrap();
        socket2::SockRef::from(&tcp).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let stream = server.connect().await;
    connected.send(()).unwrap();
    server.end();
    let options = TlsOptions { verify: false, ..TlsOptions::default() };
    let connector = Connector::new(&options).unwrap();
    let seen = stream.upgrade(&connector, "mx.example").await.unwrap_err();
    assert_eq!(seen.reason, TlsFailureReason::Reset);
}

#[tokio::test]
async fn tls_above_tls_is_refused() {
    let pki = Pki::new("test CA");
    let server = greeter(acceptor(&pki.issue(&Leaf::default())));
    let (stream, _) = tls(&server, &trusting(&pki), "mx.example").await.unwrap();
    let connector = Connector::new(&trusting(&pki)).unwrap();
    let seen = stream.upgrade(&connector, "mx.example").await.unwrap_err();
    assert_eq!(seen.message, "the connection uses TLS already");
    assert!(server.end());
}

#[test]
fn unusable_options_say_what_to_do() {
    let pki = Pki::new("test CA");
    let (certificate, key) = pki.issue(&Leaf::default()).pem();
    let message = |options: TlsOptions| Connector::new(&options).unwrap_err().message;
    let identity =
        |certificate: &[u8], key: Vec<u8>| TlsOptions { identity: Some((certificate.to_vec(), key)), ..trusting(&pki) };

    let other_key = ec_key().private_key_to_pem_pkcs8().unwrap();
    assert!(message(identity(&certificate, other_key)).contains("does not belong to the certificate"));
    let sec1 = ec_key().ec_key().unwrap().private_key_to_pem().unwrap();
    assert!(message(identity(&certificate, sec1)).contains("SEC1"));
    let damaged = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec();
    assert!(message(identity(&certificate, damaged)).starts_with("the key of `client_key` can't be read: "));
    assert!(message(identity(&key, key.clone())).contains("no certificate in the file of `client_certificate`"));
    let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let roots = TlsOptions { ca_pem: Some(damaged), ..TlsOptions::default() };
    assert!(message(roots).starts_with("a certificate in the file of `ca_file` can't be read: "));
    let versions =
        TlsOptions { min_version: Some(TlsVersion::Tls13), max_version: Some(TlsVersion::Tls12), ..trusting(&pki) };
    assert_eq!(message(versions), "`min_version` TLSv1.3 is above `max_version` TLSv1.2");
}
