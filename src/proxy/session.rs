//! One client and its server: octets pass both ways, and both sides shake hands when STARTTLS was accepted.
//!
//! Responsible for the two connections. Neither direction waits for the other: a server that replies while it is sent to
//! is read. What is understood of it is the wiretap's business.

use super::Relay;
use super::live::LiveView;
use crate::net::clock;
use crate::net::connect::{Target, connect};
use crate::net::stream::Stream;
use crate::net::tls::{Connector, TlsFailure};
use crate::recording::{Said, Wiretap};
use crate::server::SandboxTls;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How long connecting and a handshake may take.
const OPENING: Duration = Duration::from_secs(30);
/// How long, after one side closed, the other may take to hear the last of it.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a server may stay after the client closed.
const AFTER_THE_CLIENT: Staying = Staying { silent: Duration::from_secs(30), speaking: Duration::from_secs(300) };
/// How many octets are read at once.
const READ_SIZE: usize = 64 * 1024;

/// How a session went, beside what was said.
#[derive(Debug)]
pub(super) enum RelayTrouble {
    /// There was no server to speak to.
    NoServer(String),
    /// A handshake failed.
    Tls(String),
    /// A connection broke off.
    Broken(String),
}

/// How long one side may stay after the other closed: a last reply may still be on its way, but nothing goes on for ever.
#[derive(Debug, Clone, Copy)]
struct Staying {
    /// Without a word.
    silent: Duration,
    /// Whatever it says.
    speaking: Duration,
}

/// What is heard of a session, and who shows it at once.
pub(super) type Heard<'h> = (&'h mut Wiretap, &'h mut LiveView);

/// Why octets do not pass any more.
enum Pause {
    /// A 220 to STARTTLS; it was not passed on yet.
    StartTls(Vec<u8>),
    ClientClosed,
    ServerClosed,
    Stopped,
}

/// Connects to the server and lets both speak until one closes, or recording stops.
pub(super) async fn run(
    mut client: TcpStream,
    tls_first: bool,
    shared: &Relay,
    (tap, live): Heard<'_>,
) -> Result<(), RelayTrouble> {
    _ = client.set_nodelay(true);
    let server = match open(shared).await {
        Ok(server) => server,
        Err(trouble) => {
            if !tls_first {
                // A client that does not hear it sees the connection closed, which says the same.
                _ = client.write_all(b"421 4.4.1 the recorded server cannot be reached\r\n").await;
                _ = client.shutdown().await;
            }
            return Err(trouble);
        }
    };
    if tls_first {
        let client = accept(client, &shared.tls).await?;
        return over_tls(client, server, shared, (tap, live)).await;
    }
    plain(client, server, shared, (tap, live)).await
}

async fn open(shared: &Relay) -> Result<Stream, RelayTrouble> {
    let (host, port) = shared.settings.server.clone();
    let target = Target { host, port, ip: None, local_address: None, public_only: false };
    let connected = clock::within(OPENING, connect(&target)).await;
    let failed = |message: String| RelayTrouble::NoServer(message);
    let stream = match connected {
        Ok(connected) => connected.map_err(|failure| failed(failure.message))?,
        Err(_) => return Err(failed(format!("{}:{}: timed out", target.host, target.port))),
    };
    if shared.settings.implicit_tls { shake_hands(stream, shared).await } else { Ok(stream) }
}

async fn shake_hands(server: Stream, shared: &Relay) -> Result<Stream, RelayTrouble> {
    let connector = Connector::new(&shared.settings.server_tls).map_err(|error| RelayTrouble::Tls(error.message))?;
    let name = shared.settings.server.0.trim_matches(['[', ']']);
    match clock::within(OPENING, server.upgrade(&connector, name)).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(failure)) => Err(RelayTrouble::Tls(in_words(&failure))),
        Err(_) => Err(RelayTrouble::Tls("the server's TLS handshake timed out".to_owned())),
    }
}

fn in_words(failure: &TlsFailure) -> String {
    let help = failure.help.map(|help| format!("\n  = help: {}", help.by_options)).unwrap_or_default();
    format!("the TLS handshake with the server failed: {}{help}", failure.message)
}

async fn accept(client: TcpStream, tls: &SandboxTls) -> Result<crate::server::TlsStream, RelayTrouble> {
    match clock::within(OPENING, tls.shake_hands(client)).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(error)) => Err(RelayTrouble::Tls(format!(
            "the TLS handshake with the client failed: {error}\n  = help: the client must trust the certificate of this proxy: see --ca-out"
        ))),
        Err(_) => Err(RelayTrouble::Tls("the client's TLS handshake timed out".to_owned())),
    }
}

async fn plain(
    mut client: TcpStream,
    mut server: Stream,
    shared: &Relay,
    (tap, live): Heard<'_>,
) -> Result<(), RelayTrouble> {
    match pass(&mut client, &mut server, &shared.stop, (&mut *tap, &mut *live), AFTER_THE_CLIENT).await? {
        Pause::StartTls(last) => {
            let server = match shake_hands(server, shared).await {
                Ok(server) => server,
                Err(trouble) => {
                    // The server is lost, and the client has not been told to shake hands.
                    _ = client.write_all(b"454 4.7.0 TLS with the recorded server failed\r\n").await;
                    return Err(trouble);
                }
            };
            client.write_all(&last).await.map_err(|error| broken(&error))?;
            let client = accept(client, &shared.tls).await?;
            tap.handshake();
            over_tls(client, server, shared, (tap, live)).await
        }
        pause => {
            finish(client, server, pause, tap).await;
            Ok(())
        }
    }
}

async fn over_tls(
    mut client: crate::server::TlsStream,
    mut server: Stream,
    shared: &Relay,
    (tap, live): Heard<'_>,
) -> Result<(), RelayTrouble> {
    match pass(&mut client, &mut server, &shared.stop, (&mut *tap, &mut *live), AFTER_THE_CLIENT).await? {
        Pause::StartTls(_) => {
            Err(RelayTrouble::Tls("the client asked for STARTTLS over TLS: this can't be recorded".to_owned()))
        }
        pause => {
            finish(client, server, pause, tap).await;
            Ok(())
        }
    }
}

/// Says how it ended, and closes both sides in order.
async fn finish<C>(mut client: C, mut server: Stream, pause: Pause, tap: &mut Wiretap)
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    tap.end(match pause {
        Pause::ServerClosed => Said::ServerClosed,
        _ => Said::ClientClosed,
    });
    // Who is gone already needs no farewell.
    _ = clock::within(LAST_WORDS, async {
        _ = server.shutdown().await;
        _ = client.shutdown().await;
    })
    .await;
}

/// What is on its way in one direction.
#[derive(Default)]
struct Passing {
    octets: Vec<u8>,
    sent: usize,
    /// Whether the writer may still hold some of it.
    unflushed: bool,
}

impl Passing {
    fn is_empty(&self) -> bool {
        self.sent == self.octets.len() && !self.unflushed
    }

    fn take(&mut self, octets: &[u8]) {
        self.octets.clear();
        self.octets.extend_from_slice(octets);
        (self.sent, self.unflushed) = (0, true);
    }

    /// One step of writing; may be given up and begun again.
    async fn write(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if self.sent < self.octets.len() {
            self.sent += writer.write(&self.octets[self.sent..]).await?;
        } else {
            writer.flush().await?;
            self.unflushed = false;
        }
        Ok(())
    }
}

/// Passes octets both ways until something else must be done.
async fn pass<C>(
    client: &mut C,
    server: &mut Stream,
    stop: &watch::Sender<bool>,
    (tap, live): Heard<'_>,
    staying: Staying,
) -> Result<Pause, RelayTrouble>
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let (mut up, mut down) = (Passing::default(), Passing::default());
    let (mut client_buffer, mut server_buffer) = (vec![0; READ_SIZE], vec![0; READ_SIZE]);
    let mut stop = stop.subscribe();
    let mut client_open = true;
    let mut leave_at = clock::Instant::now();
    loop {
        tokio::select! {
            read = from_server.read(&mut server_buffer), if down.is_empty() => {
                let octets = &server_buffer[..read.map_err(|error| broken(&error))?];
                if octets.is_empty() {
                    return Ok(if client_open { Pause::ServerClosed } else { Pause::ClientClosed });
                }
                let shakes_hands = tap.server(octets);
                live.catch_up(&tap.said);
                if shakes_hands {
                    return Ok(Pause::StartTls(octets.to_vec()));
                }
                down.take(octets);
            }
            read = from_client.read(&mut client_buffer), if up.is_empty() && client_open => {
                let octets = &client_buffer[..read.map_err(|error| broken(&error))?];
                client_open = !octets.is_empty();
                leave_at = clock::Instant::now() + staying.speaking;
                tap.client(octets);
                live.catch_up(&tap.said);
                if client_open {
                    up.take(octets);
                } else {
                    to_server.shutdown().await.map_err(|error| broken(&error))?;
                }
            }
            written = up.write(&mut to_server), if !up.is_empty() => written.map_err(|error| broken(&error))?,
            written = down.write(&mut to_client), if !down.is_empty() => written.map_err(|error| broken(&error))?,
            () = last_word(staying, leave_at), if !client_open => return Ok(Pause::ClientClosed),
            _ = stop.changed() => return Ok(Pause::Stopped),
        }
    }
}

/// Waits for as long as a server may be silent now, or stay at all.
fn last_word(staying: Staying, leave_at: clock::Instant) -> impl Future<Output = ()> {
    clock::rest_until(leave_at.min(clock::Instant::now() + staying.silent))
}

fn broken(error: &io::Error) -> RelayTrouble {
    RelayTrouble::Broken(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const STAYING: Staying = Staying { silent: Duration::from_millis(200), speaking: Duration::from_millis(600) };

    /// Records a client that says QUIT and closes its half, with a server that says `word` again and again, or nothing.
    async fn recorded(word: &'static [u8]) -> Pause {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let speaking = tokio::spawn(async move {
            let (mut server, _) = listener.accept().await.unwrap();
            while server.write_all(word).await.is_ok() {
                clock::rest(Duration::from_millis(20)).await;
            }
        });
        let host = "127.0.0.1".to_owned();
        let target = Target { host, port, ip: None, local_address: None, public_only: false };
        let mut server = connect(&target).await.unwrap();
        let (mut client, mut far) = tokio::io::duplex(64 * 1024);
        far.write_all(b"QUIT\r\n").await.unwrap();
        far.shutdown().await.unwrap();
        let hearing = tokio::spawn(async move { tokio::io::copy(&mut far, &mut tokio::io::sink()).await });
        let (mut tap, mut live) = (Wiretap::new(), LiveView::new(1, None));
        let stop = watch::channel(false).0;
        let pause = pass(&mut client, &mut server, &stop, (&mut tap, &mut live), STAYING).await.unwrap();
        speaking.abort();
        hearing.abort();
        pause
    }

    #[tokio::test]
    async fn a_server_that_stays_after_its_client_is_left_whether_it_speaks_or_not() {
        assert!(matches!(recorded(b"").await, Pause::ClientClosed));
        assert!(matches!(recorded(b"250-more\r\n").await, Pause::ClientClosed));
    }
}
