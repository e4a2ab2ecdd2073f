//! The sandbox server: listeners on loopback, their connections, TLS.
//!
//! Responsible for sockets, handshakes and time-outs; what is said is the dialogue's business. `run --sandbox` starts
//! it inside the runtime that plays the scenario, so it must cost nothing while nobody speaks: certificates are made
//! when the first client wants TLS, and a connection that waits owns no read buffer.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::ready;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod, SslOptions, SslSessionCacheMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::auth::Login;
use super::certificate::Certificate;
use super::dialogue::{After, Dialogue};
use super::mail_sink::Discard;
use super::protocol::{Protocol, QueueIds, Settings};

/// How long a silent client is waited for (RFC 5321 4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(300);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How long, after the farewell, the client's own close is waited for.
const LINGER: Duration = Duration::from_secs(5);
/// A pause before the next accept when the system is out of descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);
/// Octets read at once.
const READ_SIZE: usize = 64 * 1024;
/// The SIZE limit unless the options say otherwise, in octets.
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 256 * 1024 * 1024;

thread_local! {
    /// Input is consumed before the next connection reads, so that all connections of a thread share one buffer.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a sandbox is started with.
pub(crate) struct SandboxOptions {
    /// The logins that AUTH takes; none: every AUTH is refused.
    pub(crate) accept: Vec<Login>,
    /// Host names and addresses that the server certificate is made for, beside loopback.
    pub(crate) names: Vec<String>,
    /// The name in the greeting.
    pub(crate) host_name: String,
    /// The SIZE limit in octets; 0 means none (RFC 1870).
    pub(crate) max_message_size: u64,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            accept: Vec::new(),
            names: Vec::new(),
            host_name: "sandbox.smtp-script.example".to_owned(),
            max_message_size: DEFAULT_MAX_MESSAGE_SIZE,
        }
    }
}

/// A running sandbox server; dropping it closes its listeners and all of its connections.
pub(crate) struct Sandbox {
    address: SocketAddr,
    tls_address: SocketAddr,
    shared: Arc<Shared>,
    listeners: [JoinHandle<()>; 2],
}

impl Sandbox {
    /// Listens on two free ports of 127.0.0.1 and serves in tasks of the current tokio runtime.
    ///
    /// # Errors
    /// When no port can be bound.
    ///
    /// # Panics
    /// Outside a tokio runtime with input, output and time enabled.
    pub(crate) async fn start(options: SandboxOptions) -> io::Result<Self> {
        Self::start_with_idle(options, IDLE).await
    }

    async fn start_with_idle(options: SandboxOptions, idle: Duration) -> io::Result<Self> {
        let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let implicit_tls = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, tls_address) = (plain.local_addr()?, implicit_tls.local_addr()?);
        let shared = Arc::new(Shared::new(options, idle));
        let listeners = [
            tokio::spawn(listen(plain, Arc::clone(&shared), Start::Plain)),
            tokio::spawn(listen(implicit_tls, Arc::clone(&shared), Start::ImplicitTls)),
        ];
        Ok(Self { address, tls_address, shared, listeners })
    }

    /// Where it speaks plain text and offers STARTTLS.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it speaks implicit TLS (RFC 8314).
    pub(crate) fn tls_address(&self) -> SocketAddr {
        self.tls_address
    }

    /// The certification authority that a client must trust, as PEM; the first call makes the certificates.
    ///
    /// # Errors
    /// When OpenSSL could not make them.
    pub(crate) fn ca_pem(&self) -> io::Result<Vec<u8>> {
        Ok(self.shared.tls()?.authority_pem.clone())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

/// What the listeners and connections of one sandbox share.
struct Shared {
    settings: Arc<Settings>,
    names: Vec<String>,
    idle: Duration,
    tls: OnceLock<Result<Tls, ErrorStack>>,
}

struct Tls {
    acceptor: SslAcceptor,
    authority_pem: Vec<u8>,
}

impl Shared {
    fn new(options: SandboxOptions, idle: Duration) -> Self {
        let settings = Settings {
            host_name: options.host_name,
            max_message_size: options.max_message_size,
            accept: options.accept,
            end_point: OnceLock::new(),
            queue_ids: QueueIds::starting_at(fastrand::u64(..)),
        };
        Self { settings: Arc::new(settings), names: options.names, idle, tls: OnceLock::new() }
    }

    fn tls(&self) -> io::Result<&Tls> {
        let made = self.tls.get_or_init(|| Tls::new(&self.names, &self.settings.end_point));
        made.as_ref().map_err(|error| io::Error::other(format!("cannot make the sandbox's certificates: {error}")))
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 without resumption: the sandbox is not there long enough for it to pay.
    ///
    /// `end_point` is told the hash of the certificate: with SHA-256, as the certificate is signed (RFC 5929 4.1).
    fn new(names: &[String], end_point: &OnceLock<Vec<u8>>) -> Result<Self, ErrorStack> {
        let made = Certificate::for_names(names)?;
        let digest = made.server.digest(MessageDigest::sha256())?.to_vec();
        end_point.get_or_init(|| digest);
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_certificate(&made.server)?;
        acceptor.set_private_key(&made.key)?;
        acceptor.set_options(SslOptions::NO_TICKET);
        acceptor.set_num_tickets(0)?;
        acceptor.set_session_cache_mode(SslSessionCacheMode::OFF);
        Ok(Self { acceptor: acceptor.build(), authority_pem: made.authority_pem })
    }
}

#[derive(Clone, Copy)]
enum Start {
    Plain,
    ImplicitTls,
}

/// Accepts until it is aborted; its connections end with it.
async fn listen(listener: TcpListener, shared: Arc<Shared>, start: Start) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared), start));
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one client. A connection that breaks concerns nobody but the client, who sees it too.
async fn connection(stream: TcpStream, shared: Arc<Shared>, start: Start) {
    let over_tls = matches!(start, Start::ImplicitTls);
    let dialogue = Dialogue::new(Protocol::new(Arc::clone(&shared.settings), Discard, over_tls));
    let _ = match start {
        Start::Plain => serve_plain(stream, &shared, dialogue).await,
        Start::ImplicitTls => serve_implicit_tls(stream, &shared, dialogue).await,
    };
}

async fn serve_plain(mut stream: TcpStream, shared: &Shared, mut dialogue: Dialogue<Discard>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut after = dialogue.greet();
    send_replies(&mut stream, &mut dialogue, shared.idle).await?;
    if after == After::Read {
        after = converse(&mut stream, &mut dialogue, shared.idle).await?;
    }
    if after != After::StartTls {
        return close(stream, |stream| stream).await;
    }
    let mut stream = accept_tls(stream, shared).await?;
    dialogue.tls_started();
    converse(&mut stream, &mut dialogue, shared.idle).await?;
    close(stream, SslStream::get_mut).await
}

async fn serve_implicit_tls(stream: TcpStream, shared: &Shared, mut dialogue: Dialogue<Discard>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = accept_tls(stream, shared).await?;
    dialogue.greet();
    send_replies(&mut stream, &mut dialogue, shared.idle).await?;
    converse(&mut stream, &mut dialogue, shared.idle).await?;
    close(stream, SslStream::get_mut).await
}

async fn accept_tls(stream: TcpStream, shared: &Shared) -> io::Result<SslStream<TcpStream>> {
    let ssl = Ssl::new(shared.tls()?.acceptor.context())?;
    let mut stream = SslStream::new(ssl, stream)?;
    timeout(HANDSHAKE, Pin::new(&mut stream).accept()).await?.map_err(io::Error::other)?;
    Ok(stream)
}

/// Reads and answers until the session wants TLS or its end.
async fn converse<T>(stream: &mut T, dialogue: &mut Dialogue<Discard>, idle: Duration) -> io::Result<After>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let after = match timeout(idle, read(stream, dialogue)).await {
            Ok(after) => after?,
            Err(_) => dialogue.idle_too_long(),
        };
        send_replies(stream, dialogue, idle).await?;
        if after != After::Read {
            return Ok(after);
        }
    }
}

/// Lets the dialogue take what one read brings; a client that closed wants the same.
async fn read<T: AsyncRead + Unpin>(stream: &mut T, dialogue: &mut Dialogue<Discard>) -> io::Result<After> {
    poll_fn(|context| {
        INPUT.with_borrow_mut(|input| {
            input.resize(READ_SIZE, 0);
            let mut input = ReadBuf::new(input);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut input))?;
            let after = if input.filled().is_empty() { After::Close } else { dialogue.take(input.filled()) };
            Ok(after).into()
        })
    })
    .await
}

/// Sends all replies that are due in one write.
async fn send_replies<T>(stream: &mut T, dialogue: &mut Dialogue<Discard>, idle: Duration) -> io::Result<()>
where
    T: AsyncWrite + Unpin,
{
    if dialogue.replies().is_empty() {
        return Ok(());
    }
    timeout(idle, stream.write_all(dialogue.replies())).await??;
    dialogue.replies_sent();
    Ok(())
}

/// Closes so that the last reply arrives: while the client still sends, closing at once would reset the connection
/// and take the reply with it.
async fn close<T>(mut stream: T, tcp: fn(&mut T) -> &mut TcpStream) -> io::Result<()>
where
    T: AsyncWrite + Unpin,
{
    timeout(LINGER, async {
        stream.shutdown().await?;
        let tcp = tcp(&mut stream);
        let mut dropped = [0; 512];
        while tcp.read(&mut dropped).await? > 0 {}
        Ok(())
    })
    .await?
}

#[cfg(test)]
mod tests;
