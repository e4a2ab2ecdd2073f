//! A sandbox on real sockets, spoken to by blocking clients as other programs would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net;
use std::sync::mpsc;
use std::thread;

use openssl::ssl::{SslConnector, SslMethod, SslStream as TlsStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;

/// A sandbox in a thread with a runtime of its own, until it is dropped.
struct Running {
    address: SocketAddr,
    tls_address: SocketAddr,
    ca_pem: Vec<u8>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn new() -> Self {
        Self::with_idle(IDLE)
    }

    fn with_idle(idle: Duration) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let options = SandboxOptions {
                    accept: vec![Login::AnyUser { password: "secret".into() }],
                    identity: Identity::MadeFor(vec!["smtp.sendgrid.net".into()]),
                    idle,
                    ..SandboxOptions::default()
                };
                let sandbox = Sandbox::start(options).unwrap();
                tell.send((sandbox.address(), sandbox.tls_address(), sandbox.ca_pem().unwrap())).unwrap();
                let _ = stopped.await;
            });
        });
        let (address, tls_address, ca_pem) = told.recv().unwrap();
        Self { address, tls_address, ca_pem, stop: Some(stop), thread: Some(thread) }
    }

    fn connect(&self) -> Client<net::TcpStream> {
        Client::new(connect(self.address))
    }

    fn handshake(&self, tcp: net::TcpStream, version: SslVersion) -> Client<TlsStream<net::TcpStream>> {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.cert_store_mut().add_cert(X509::from_pem(&self.ca_pem).unwrap()).unwrap();
        connector.set_verify(SslVerifyMode::PEER);
        connector.set_min_proto_version(Some(version)).unwrap();
        connector.set_max_proto_version(Some(version)).unwrap();
        let stream = connector.build().connect("smtp.sendgrid.net", tcp).unwrap();
        assert_eq!(stream.ssl().version2(), Some(version));
        Client::new(stream)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        let joined = self.thread.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || matches!(joined, Some(Ok(()))));
    }
}

fn connect(address: SocketAddr) -> net::TcpStream {
    let tcp = net::TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    tcp.set_nodelay(true).unwrap();
    tcp
}

struct Client<T: Read + Write> {
    stream: BufReader<T>,
}

impl<T: Read + Write> Client<T> {
    fn new(stream: T) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    fn send(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).unwrap();
    }

    /// The last line of the next reply.
    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            if is_last {
                return line.trim_end().to_owned();
            }
        }
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0))
    }

    fn deliver(&mut self, message: &[u8]) -> String {
        assert_eq!(self.ask("EHLO client.example"), "250 HELP");
        assert_eq!(self.ask("AUTH PLAIN AGJvYgBzZWNyZXQ="), "235 2.7.0 Authentication succeeded");
        self.send(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
        assert_eq!(self.reply(), "250 2.1.0 Ok");
        assert_eq!(self.reply(), "250 2.1.5 Ok");
        assert!(self.reply().starts_with("354 "));
        self.send(message);
        self.ask(".")
    }

    fn deliver_and_quit(&mut self, message: &[u8]) {
        assert!(self.deliver(message).starts_with("250 2.0.0 Ok: queued as "));
        assert_eq!(self.ask("QUIT"), "221 2.0.0 Bye");
        assert!(self.is_closed());
    }
}

fn message_of(octets: usize) -> Vec<u8> {
    b"..A line of seventy-six octets with its CR and LF, and a dot that is doubled\r\n".repeat(octets / 78)
}

const GREETING: &str = "220 sandbox.smtp-script.example ESMTP smtp-script sandbox";

#[test]
fn plain() {
    let sandbox = Running::new();
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
    client.deliver_and_quit(b"Subject: Hi\r\n\r\nHi!\r\n");
}

#[test]
fn starttls() {
    let sandbox = Running::new();
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let mut client = sandbox.connect();
        assert_eq!(client.reply(), GREETING);
        assert_eq!(client.ask("EHLO x"), "250 HELP");
        assert_eq!(client.ask("STARTTLS"), "220 2.0.0 Ready to start TLS");
        let mut client = sandbox.handshake(client.stream.into_inner(), version);
        assert_eq!(client.ask("MAIL FROM:<a@b>"), "503 5.5.1 Send EHLO or HELO first");
        client.deliver_and_quit(b"Subject: Hi\r\n\r\nHi!\r\n");
    }
}

#[test]
fn implicit_tls() {
    let sandbox = Running::new();
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let mut client = sandbox.handshake(connect(sandbox.tls_address), version);
        assert_eq!(client.reply(), GREETING);
        assert_eq!(client.ask("STARTTLS"), "503 5.5.1 TLS is active already");
        client.deliver_and_quit(b"Subject: Hi\r\n\r\nHi!\r\n");
    }
}

#[test]
fn a_stranger_does_not_trust_it() {
    let sandbox = Running::new();
    let connector = SslConnector::builder(SslMethod::tls_client()).unwrap().build();
    assert!(connector.connect("smtp.sendgrid.net", connect(sandbox.tls_address)).is_err());
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
}

#[test]
fn commands_injected_behind_starttls_are_dropped() {
    let sandbox = Running::new();
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
    client.send(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.com>\r\n");
    assert_eq!(client.reply(), "220 2.0.0 Ready to start TLS");
    let mut client = sandbox.handshake(client.stream.into_inner(), SslVersion::TLS1_3);
    assert_eq!(client.ask("NOOP"), "250 2.0.0 Ok");
    assert_eq!(client.ask("MAIL FROM:<a@b>"), "503 5.5.1 Send EHLO or HELO first");
}

#[test]
fn twenty_megabytes() {
    let sandbox = Running::new();
    let message = message_of(20 << 20);
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
    client.deliver_and_quit(&message);
    let mut client = sandbox.handshake(connect(sandbox.tls_address), SslVersion::TLS1_3);
    assert_eq!(client.reply(), GREETING);
    client.deliver_and_quit(&message);
}

#[test]
fn replies_to_pipelined_commands_come_in_one_write() {
    let sandbox = Running::new();
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
    client.send(&b"NOOP\r\n".repeat(100));
    let mut replies = [0; 4096];
    let length = client.stream.get_mut().read(&mut replies).unwrap();
    assert_eq!(&replies[..length], b"250 2.0.0 Ok\r\n".repeat(100));
}

#[test]
fn the_farewell_arrives_although_the_client_still_sends() {
    let sandbox = Running::new();
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
    client.send(b"QUIT\r\n");
    client.send(&b"x".repeat(100_000));
    assert_eq!(client.reply(), "221 2.0.0 Bye");
    assert!(client.is_closed());
}

#[test]
fn a_silent_client_is_told_to_go() {
    let sandbox = Running::with_idle(Duration::from_millis(50));
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
    assert!(client.reply().starts_with("421 4.4.2 "));
    assert!(client.is_closed());
}

#[test]
fn many_clients_at_once() {
    let sandbox = Running::new();
    let mut clients: Vec<_> = (0..100).map(|_| sandbox.connect()).collect();
    for client in clients.iter_mut().rev() {
        assert_eq!(client.reply(), GREETING);
        client.deliver_and_quit(b"Hi\r\n");
    }
}

#[test]
fn dropping_the_sandbox_closes_everything() {
    let sandbox = Running::new();
    let mut client = sandbox.connect();
    assert_eq!(client.reply(), GREETING);
    drop(sandbox);
    assert!(client.is_closed());
}

#[test]
fn dropping_the_sandbox_inside_its_runtime_closes_everything() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
        let mut client = TcpStream::connect(sandbox.address()).await.unwrap();
        let mut greeting = [0; 64];
        assert!(client.read(&mut greeting).await.unwrap() > 3);
        drop(sandbox);
        assert!(!matches!(client.read(&mut greeting).await, Ok(1..)));
    });
}

#[test]
fn plain_sessions_make_no_certificates() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
        let mut client = TcpStream::connect(sandbox.address()).await.unwrap();
        client.write_all(b"EHLO x\r\nQUIT\r\n").await.unwrap();
        let mut replies = String::new();
        client.read_to_string(&mut replies).await.unwrap();
        assert!(replies.ends_with("221 2.0.0 Bye\r\n"));
        assert!(sandbox.shared.tls.get().is_none());
        assert!(sandbox.ca_pem().unwrap().starts_with(b"-----BEGIN CERTIFICATE-----"));
        assert!(sandbox.shared.tls.get().is_some());
    });
}
