//! The network layer against real sockets: a blocking server in a thread, OpenSSL's own TLS on its side.

mod connecting;
mod handshake;
pub(super) mod pki;
mod streams;
#[cfg(unix)]
mod unix;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslMethod, SslStream, SslVersion};

use super::connect::{Target, connect};
use super::stream::Stream;
use super::tls::{Connector, TlsFacts, TlsFailure, TlsOptions};
use pki::{Issued, Pki};

/// A server that accepts one connection and plays a function on it.
struct Server<T> {
    address: SocketAddr,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    fn start(play: impl FnOnce(TcpStream) -> T + Send + 'static) -> Server<T> {
        Server::start_on("127.0.0.1:0", play)
    }

    fn start_on(address: &str, play: impl FnOnce(TcpStream) -> T + Send + 'static) -> Server<T> {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || play(listener.accept().unwrap().0));
        Server { address, thread }
    }

    /// Waits for the function's end.
    fn end(self) -> T {
        self.thread.join().unwrap()
    }

    async fn connect(&self) -> Stream {
        connect(&target(self.address)).await.unwrap()
    }
}

fn target(address: SocketAddr) -> Target {
    Target { host: address.ip().to_string(), port: address.port(), ip: None, local_address: None, public_only: false }
}

/// Options that trust this authority alone.
fn trusting(pki: &Pki) -> TlsOptions {
    TlsOptions { ca_pem: Some(pki.certificate.to_pem().unwrap()), ..TlsOptions::default() }
}

fn acceptor(issued: &Issued) -> SslAcceptorBuilder {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    builder.set_certificate(&issued.certificate).unwrap();
    builder.set_private_key(&issued.key).unwrap();
    builder
}

fn only(builder: &mut SslAcceptorBuilder, version: SslVersion) {
    builder.set_min_proto_version(Some(version)).unwrap();
    builder.set_max_proto_version(Some(version)).unwrap();
}

/// Connects and shakes hands.
async fn tls<T: Send + 'static>(
    server: &Server<T>,
    options: &TlsOptions,
    name: &str,
) -> Result<(Stream, TlsFacts), TlsFailure> {
    let connector = Connector::new(options).unwrap();
    server.connect().await.upgrade(&connector, name).await
}

/// Reads until the other side is done, so that closing sends FIN and not RST.
fn read_out(stream: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

fn greet(stream: &mut SslStream<TcpStream>) {
    stream.write_all(b"220 ready\r\n").unwrap();
}
