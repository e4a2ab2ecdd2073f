//! Unix sockets below all that stands above TCP.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::pki::{Leaf, Pki};
use super::{acceptor, trusting};
use crate::net::route::{self, Destination, Route};
use crate::net::tls::Connector;

#[tokio::test]
async fn tls_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let pki = Pki::new("Test CA");
    let acceptor = acceptor(&pki.issue(&Leaf::default())).build();
    let server = thread::spawn(move || {
        let mut tls = acceptor.accept(listener.accept().unwrap().0).unwrap();
        tls.write_all(b"220 ready\r\n").unwrap();
        let mut received = Vec::new();
        tls.read_to_end(&mut received).unwrap();
        received
    });
    let route = Route { to: Destination::Unix(path), socks5: None, proxy_header: None };
    let connected = route::open(&route, Duration::from_secs(10), &mut |_| {}).await.unwrap();
    assert_eq!(connected.stream.peer(), None);
    let connector = Connector::new(&trusting(&pki)).unwrap();
    let (mut stream, _) = connected.stream.upgrade(&connector, "mx.example").await.unwrap();
    let mut greeting = [0; 11];
    stream.read_exact(&mut greeting).await.unwrap();
    stream.write_all(b"QUIT\r\n").await.unwrap();
    stream.close().await;
    assert_eq!((&greeting, server.join().unwrap().as_slice()), (b"220 ready\r\n", &b"QUIT\r\n"[..]));
}
