//! Octets that come within a TLS session and are no TLS: nothing can ask for them, so each way to go on says so.

use crate::play::{Folder, Peer, Server};
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

const TO_EHLO: &str = "
steps:
  - expect: ^220
  - send: EHLO client.example
    expect: ^250
  - starttls
  - send: EHLO client.example
    expect: ^250
";

/// A connection that writes plain text right after one of its TLS records, in the same segment.
#[derive(Debug)]
struct Beside {
    tcp: TcpStream,
    plain: Option<&'static [u8]>,
}

impl Read for Beside {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.tcp.read(buffer)
    }
}

impl Write for Beside {
    fn write(&mut self, octets: &[u8]) -> Result<usize> {
        self.tcp.write_all(&[octets, self.plain.take().unwrap_or_default()].concat())?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.tcp.flush()
    }
}

/// Offers STARTTLS, and answers EHLO within TLS by a reply and by plain text.
fn writes_beside_tls(peer: Peer<TcpStream>, acceptor: &SslAcceptor) {
    let mut tcp = peer.into_inner();
    let mut commands = [0; 512];
    for reply in ["220 mx.example ESMTP\r\n", "250-mx.example\r\n250 STARTTLS\r\n", "220 go ahead\r\n"] {
        tcp.write_all(reply.as_bytes()).unwrap();
        if !reply.contains("go ahead") {
            assert_ne!(tcp.read(&mut commands).unwrap(), 0);
        }
    }
    let mut tls = acceptor.accept(Beside { tcp, plain: None }).unwrap();
    assert_ne!(tls.read(&mut commands).unwrap(), 0);
    tls.get_mut().plain = Some(b"421 4.4.2 timed out\r\n");
    tls.write_all(b"250 mx.example\r\n").unwrap();
    _ = tls.get_mut().tcp.read(&mut commands);
}

#[test]
fn each_way_to_go_on_reports_them_once() {
    let folder = Folder::new();
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/certificates");
    assert!(Command::new(certificates).arg(folder.path()).status().unwrap().success());
    let ways = ["", "  - close\n", "  - close: reset\n", "  - send: QUIT\n", "  - expect: {closed: true}\n"];
    for way in ways {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate_chain_file(folder.path().join("server.pem")).unwrap();
        acceptor.set_private_key_file(folder.path().join("server.key"), SslFiletype::PEM).unwrap();
        let acceptor = acceptor.build();
        let server = Server::start(move |peer| writes_beside_tls(peer, &acceptor));
        let scenario =
            format!("connect: {{host: 127.0.0.1, port: {}, ca_file: ca.pem}}{TO_EHLO}{way}", server.address.port());
        let ran = folder.run(&scenario, &[]);
        ran.ended(1).says("octets that are not TLS came within the TLS session").says("421 4.4.2 timed out");
        assert_eq!(ran.all().matches("error: ").count(), 1, "{way}: {}", ran.all());
        server.end();
    }
}
