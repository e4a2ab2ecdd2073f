//! One client's connection: its octets to the dialogue and the replies back, over TLS where that was asked for.
//!
//! Responsible for sockets, handshakes and time-outs; what is said is the dialogue's business.

use crate::net::clock;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::{SandboxStage, Shared, reached};
use crate::server::acceptor::{HandshakeFailure, failure};
use crate::server::audience::{Audience as _, SandboxAudience};
use crate::server::dialogue::{After, Input, ServerDialogue};
use crate::server::log::SessionLog;
use crate::server::protocol::Protocol;
use crate::server::reception::Reception;
use crate::server::rulebook::Arrival;
use crate::smtp::closing::Closing;
use crate::smtp::offer::TLS_HANDSHAKE;
use crate::visible::visible;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How long a client may take to begin a handshake: one that speaks plain text would wait for good.
const FIRST_OCTET: Duration = Duration::from_secs(5);
/// How long, after the farewell, the client's own close is waited for.
pub(crate) const LINGER: Duration = Duration::from_secs(5);
/// Octets read at once.
const READ_SIZE: usize = 64 * 1024;

/// The alerts that a client sends about a certificate (RFC 8446 section 6.2).
const DISTRUST: [&str; 6] = [
    "unknown ca",
    "bad certificate",
    "certificate unknown",
    "certificate expired",
    "certificate revoked",
    "unsupported certificate",
];

type SandboxTalk = ServerDialogue<Reception, SandboxAudience>;

thread_local! {
    /// Input is consumed before the next connection reads, so that all connections of a thread share one buffer.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How a connection begins.
#[derive(Clone, Copy)]
pub(super) enum Start {
    Plain,
    ImplicitTls,
}

/// Serves one client. A connection that breaks concerns nobody but the client, who sees it too.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, session: u64, shared: Arc<Shared>, start: Start) {
    let log = SessionLog::new(shared.log.as_ref(), session);
    log.detail(|| format!("connected from {peer}"));
    let server = stream.local_addr().unwrap_or(peer);
    let rules = shared.rules.clone().map(|rules| rules.open(Arrival { number: session, client: peer, server }));
    let mut dialogue = dialogue(&shared, peer, SandboxAudience { log: log.clone(), rules });
    let served = match start {
        Start::Plain => serve_plain(stream, &shared, &mut dialogue).await,
        Start::ImplicitTls => serve_implicit_tls(stream, &shared, &mut dialogue).await,
    };
    // It may have ended in the midst of mail data.
    dialogue.audience().log.end_mail_data();
    match served {
        Ok(()) => {
            dialogue.ended_in_order();
            log.detail(|| "closed".to_owned());
        }
        Err(error) => log.note(|| in_words(&error)),
    }
}

/// Why a connection broke off, and what helps.
fn in_words(error: &io::Error) -> String {
    let inner = error.get_ref();
    let in_handshake = inner.and_then(|inner| inner.downcast_ref::<HandshakeFailed>()).map(|failed| failed.0.clone());
    // TLS 1.3: what a client says of the certificate comes after the server's handshake.
    let of_tls = || inner.and_then(|inner| inner.downcast_ref::<openssl::ssl::Error>()).map(failure);
    let trust = "let it trust the file of `--ca-out`";
    match in_handshake.clone().or_else(of_tls) {
        Some(HandshakeFailure::Refused(alert)) if DISTRUST.iter().any(|one| alert.starts_with(one)) => {
            format!("the client does not trust the certificate (its alert is `{alert}`): {trust}")
        }
        Some(HandshakeFailure::Refused(alert)) => format!("the client ended TLS with the alert `{alert}`"),
        Some(HandshakeFailure::Closed) if in_handshake.is_some() => {
            format!("the client closed in the TLS handshake: does it trust the certificate? If not, {trust}")
        }
        Some(other) if in_handshake.is_none() => format!("broken off: {}", visible(other.to_string().as_bytes())),
        _ => format!("broken off: {}", visible(error.to_string().as_bytes())),
    }
}

/// A handshake that came to nothing.
#[derive(Debug)]
struct HandshakeFailed(HandshakeFailure);

impl fmt::Display for HandshakeFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the TLS handshake failed: {}", self.0)
    }
}

impl std::error::Error for HandshakeFailed {}

/// Sends one client too many away, if that can be said at once.
pub(super) fn turn_away(stream: &TcpStream, shared: &Shared, start: Start) {
    let mut dialogue = dialogue(shared, (std::net::Ipv4Addr::LOCALHOST, 0).into(), SandboxAudience::default());
    dialogue.tell(Input::TooBusy);
    if matches!(start, Start::Plain) {
        // A client that does not hear it sees the connection closed, which says the same.
        _ = stream.try_write(dialogue.replies());
    }
}

fn dialogue(shared: &Shared, peer: SocketAddr, audience: SandboxAudience) -> SandboxTalk {
    let (host_name, counts) = (shared.settings.host_name.clone(), Arc::clone(&shared.counts));
    let reception = Reception::new(peer, host_name, shared.store.clone(), counts, audience.log.clone());
    let reception = reception.telling(shared.listener.clone());
    ServerDialogue::new(Protocol::new(Arc::clone(&shared.settings), reception), audience)
}

async fn serve_plain(mut stream: TcpStream, shared: &Shared, dialogue: &mut SandboxTalk) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut after = dialogue.tell(Input::Connected);
    loop {
        send_replies(&mut stream, dialogue, shared.idle).await?;
        if matches!(after, After::Read | After::Interject) {
            after = converse(&mut stream, dialogue, shared).await?;
        }
        if after != After::StartTls {
            return end(stream, after, |stream| stream).await;
        }
        match shared.tls() {
            Ok(_) => break,
            Err(error) => {
                dialogue.audience().log.note(|| error.to_string());
                after = dialogue.tell(Input::TlsUnavailable);
            }
        }
    }
    dialogue.tls_ready();
    send_replies(&mut stream, dialogue, shared.idle).await?;
    let mut stream = accept_tls(stream, shared, dialogue).await?;
    let after = converse(&mut stream, dialogue, shared).await?;
    end(stream, after, SslStream::get_mut).await
}

async fn serve_implicit_tls(stream: TcpStream, shared: &Shared, dialogue: &mut SandboxTalk) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = accept_tls(stream, shared, dialogue).await?;
    dialogue.tell(Input::Connected);
    send_replies(&mut stream, dialogue, shared.idle).await?;
    let after = converse(&mut stream, dialogue, shared).await?;
    end(stream, after, SslStream::get_mut).await
}

/// Whether TLS begins: a client that speaks plain text waits for a greeting, or speaks first.
async fn begins_with_tls(stream: &TcpStream) -> io::Result<()> {
    let mut first = [0; 1];
    let why = match clock::within(FIRST_OCTET, stream.peek(&mut first)).await {
        Ok(Ok(0)) => "it closed without a TLS handshake: does it speak plain text, or give up waiting for a greeting?",
        Ok(Ok(_)) if first[0] == TLS_HANDSHAKE[0] => return Ok(()),
        Ok(Ok(_)) => "the client spoke plain text where TLS begins: let it begin with TLS, or use the other port",
        Ok(Err(error)) => return Err(error),
        Err(_) => {
            "the client waits for a greeting where TLS begins: let it begin with TLS (implicit TLS, SMTPS), or use the other \
             port, which has STARTTLS"
        }
    };
    Err(io::Error::other(why))
}

async fn accept_tls(
    stream: TcpStream,
    shared: &Shared,
    dialogue: &mut SandboxTalk,
) -> io::Result<SslStream<TcpStream>> {
    begins_with_tls(&stream).await?;
    let shaken = clock::within(HANDSHAKE, shared.tls()?.shake_hands(stream)).await;
    let too_late = |_| HandshakeFailure::Other(format!("not done after {} s", HANDSHAKE.as_secs()));
    let (stream, accepted) =
        shaken.map_err(too_late).flatten().map_err(|failure| io::Error::other(HandshakeFailed(failure)))?;
    dialogue.audience().log.detail(|| format!("{}, {}", accepted.version, accepted.cipher));
    dialogue.tls_started(Arc::new(accepted));
    Ok(stream)
}

/// Reads and answers until the session wants TLS or its end.
async fn converse<T>(stream: &mut T, dialogue: &mut SandboxTalk, shared: &Shared) -> io::Result<After>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut stage = shared.stage.subscribe();
    let mut after = After::Read;
    loop {
        after = tokio::select! {
            biased;
            () = reached(&mut stage, SandboxStage::Farewell) => dialogue.tell(Input::ShuttingDown),
            after = turn(stream, dialogue, shared, after) => after?,
        };
        send_replies(stream, dialogue, shared.idle).await?;
        if !matches!(after, After::Read | After::Interject) {
            return Ok(after);
        }
    }
}

/// What the client sends next, or first what a rule has to say.
async fn turn<T>(stream: &mut T, dialogue: &mut SandboxTalk, shared: &Shared, now: After) -> io::Result<After>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    if now == After::Interject {
        return interject(stream, dialogue, shared.idle).await;
    }
    match clock::within(shared.idle, read(stream, dialogue)).await {
        Ok(after) => after,
        Err(_) => Ok(dialogue.tell(Input::IdleTooLong)),
    }
}

/// Sends what a rule says, as late and as slowly as it wants it.
async fn interject<T>(stream: &mut T, dialogue: &mut SandboxTalk, idle: Duration) -> io::Result<After>
where
    T: AsyncWrite + Unpin,
{
    let Some(interjection) = dialogue.interjection() else { return Ok(After::Read) };
    clock::rest(interjection.delay).await;
    dialogue.audience().interject(&interjection);
    let octets = interjection.pace.map_or(usize::MAX, |pace| pace.octets.max(1));
    for (index, piece) in interjection.bytes.chunks(octets).enumerate() {
        if let Some(pace) = interjection.pace.filter(|_| index > 0) {
            clock::rest(pace.every).await;
        }
        clock::within(idle, stream.write_all(piece)).await??;
        stream.flush().await?;
    }
    Ok(dialogue.interjected())
}

/// Lets the dialogue take what one read brings; a client that closed wants the same.
async fn read<T: AsyncRead + Unpin>(stream: &mut T, dialogue: &mut SandboxTalk) -> io::Result<After> {
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
async fn send_replies<T>(stream: &mut T, dialogue: &mut SandboxTalk, idle: Duration) -> io::Result<()>
where
    T: AsyncWrite + Unpin,
{
    if dialogue.replies().is_empty() {
        return Ok(());
    }
    clock::within(idle, stream.write_all(dialogue.replies())).await??;
    dialogue.replies_sent();
    Ok(())
}

/// Closes in order, or as a rule wants it.
async fn end<T>(mut stream: T, after: After, tcp: fn(&mut T) -> &mut TcpStream) -> io::Result<()>
where
    T: AsyncWrite + Unpin,
{
    match after {
        After::Leave(Closing::Reset) => SockRef::from(&*tcp(&mut stream)).set_linger(Some(Duration::ZERO)),
        After::Leave(Closing::Truncate) => {
            _ = SockRef::from(&*tcp(&mut stream)).shutdown(Shutdown::Write);
            _ = clock::within(LINGER, drain(tcp(&mut stream))).await;
            Ok(())
        }
        _ => close(stream, tcp).await,
    }
}

/// Closes so that the last reply arrives: while the client still sends, closing at once would reset the connection
/// and take the reply with it. A client that breaks off instead of closing has heard all that there was.
async fn close<T>(mut stream: T, tcp: fn(&mut T) -> &mut TcpStream) -> io::Result<()>
where
    T: AsyncWrite + Unpin,
{
    let lingered = clock::within(LINGER, async {
        if stream.shutdown().await.is_ok() {
            drain(tcp(&mut stream)).await;
        }
    });
    _ = lingered.await;
    Ok(())
}

/// Reads up to the client's own close.
async fn drain(tcp: &mut TcpStream) {
    let mut dropped = [0; 512];
    while tcp.read(&mut dropped).await.is_ok_and(|octets| octets > 0) {}
}
