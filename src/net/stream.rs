//! One open byte stream, plain or TLS: read, write, upgrade, and the ways to close it.
//!
//! Responsible for bytes and for how a connection ended, in words. Not responsible for deadlines, lines or replies
//! (`session`, its caller); the TLS library is behind `tls`, name resolution in `connect`.

use super::clock;
use std::future::poll_fn;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::channel::Channel;
use super::connect::in_words;
use super::tls::{Connector, SessionFailure, TlsFacts, TlsFailure, TlsSession};
use super::wire::{LAST_OCTETS, discard_arrived, receive_now};

/// An open connection.
///
/// Reads end with 0 bytes when the peer closed, by TLS `close_notify` or by FIN alone. Once a read failed or ended, every
/// later read says the same. A write that is given up midway has taken either nothing or what it reported, in TLS too;
/// `flush` (or a read) is what makes the last of it leave.
#[derive(Debug)]
pub(crate) struct Stream {
    layer: TlsLayer,
    peer: Option<SocketAddr>,
    read_end: Option<ReadEnd>,
    write_closed: bool,
}

#[derive(Debug)]
enum TlsLayer {
    Plain(Channel),
    Tls(Box<TlsSession>),
}

/// What every read says from now on.
#[derive(Debug, Clone)]
enum ReadEnd {
    Closed,
    Failed(io::ErrorKind, String),
    OfTls(SessionFailure),
}

impl Stream {
    /// A plain stream over a connected socket, Nagle's delay switched off.
    ///
    /// # Errors
    /// The connection is gone already.
    pub(crate) fn plain(tcp: Channel) -> io::Result<Stream> {
        tcp.set_nodelay()?;
        let peer = tcp.peer()?;
        Ok(Stream { layer: TlsLayer::Plain(tcp), peer, read_end: None, write_closed: false })
    }

    /// This end's address.
    #[cfg(test)]
    pub(crate) fn local(&self) -> SocketAddr {
        self.tcp().local().unwrap()
    }

    /// Whether a TLS handshake was done.
    #[cfg(test)]
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.layer, TlsLayer::Tls(_))
    }

    /// The other end's address; a unix socket has none.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// What has arrived already, without waiting: `None` nothing, `Some(Ok(0))` the peer closed.
    ///
    /// Asks the kernel and not tokio's view of it. In TLS, records that carry no data (session tickets) are taken in and
    /// don't count.
    pub(crate) async fn read_now(&mut self, buf: &mut [u8]) -> Option<io::Result<usize>> {
        if let Some(end) = &self.read_end {
            return Some(end.result());
        }
        let result = match &mut self.layer {
            TlsLayer::Plain(tcp) => receive_now(&tcp.socket(), buf)?,
            TlsLayer::Tls(session) => {
                let mut buf = ReadBuf::new(buf);
                let read = poll_fn(|cx| Poll::Ready(session.poll_read_now(cx, &mut buf))).await;
                let Poll::Ready(read) = read else { return None };
                read.map(|()| buf.filled().len())
            }
        };
        Some(self.note_read(result))
    }

    /// Shakes hands as a client and becomes a TLS stream. `server_name` is verified and, unless it is an IP address, sent
    /// (SNI). Read every plain byte first: what is left unread is taken for TLS.
    ///
    /// Has no deadline of its own.
    ///
    /// # Errors
    /// The reason in words; the connection is closed then.
    pub(crate) async fn upgrade(self, tls: &Connector, server_name: &str) -> Result<(Stream, TlsFacts), TlsFailure> {
        let peer = self.peer;
        let TlsLayer::Plain(tcp) = self.layer else {
            return Err(TlsFailure::already_tls());
        };
        let (session, facts) = tls.shake_hands(tcp, server_name).await?;
        let layer = TlsLayer::Tls(Box::new(session));
        Ok((Stream { layer, peer, read_end: None, write_closed: false }, facts))
    }

    /// Closes in order: `close_notify` in TLS, then FIN. Does not wait for the peer; bytes written and not yet taken by
    /// the kernel get half a second.
    pub(crate) async fn close(mut self) {
        let closed = clock::within(LAST_OCTETS, self.close_write()).await;
        if !matches!(closed, Ok(Ok(()))) {
            let _ = self.tcp().socket().shutdown(Shutdown::Write);
        }
        discard_arrived(&self.tcp().socket());
    }

    /// Ends the connection with RST: the peer reads "connection reset".
    pub(crate) fn reset(self) {
        let _ = self.tcp().socket().set_linger(Some(Duration::ZERO));
    }

    /// Ends the connection with FIN alone: under TLS the peer gets no `close_notify`.
    pub(crate) fn truncate(self) {
        let _ = self.tcp().socket().shutdown(Shutdown::Write);
        discard_arrived(&self.tcp().socket());
    }

    /// Closes the write half: `close_notify` in TLS, then FIN. Reading goes on.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) async fn close_write(&mut self) -> io::Result<()> {
        self.shutdown().await
    }

    pub(super) fn tcp(&self) -> &Channel {
        match &self.layer {
            TlsLayer::Plain(tcp) => tcp,
            TlsLayer::Tls(session) => session.tcp(),
        }
    }

    fn note_read(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        let end = match &result {
            Ok(0) => ReadEnd::Closed,
            Ok(_) => return result,
            Err(error) => match SessionFailure::within(error) {
                Some(failure) => ReadEnd::OfTls(failure.clone()),
                None => ReadEnd::Failed(error.kind(), failure_text(error)),
            },
        };
        let said = end.result();
        self.read_end = Some(end);
        said
    }
}

impl ReadEnd {
    fn result(&self) -> io::Result<usize> {
        match self {
            ReadEnd::Closed => Ok(0),
            ReadEnd::Failed(kind, text) => Err(io::Error::new(*kind, text.clone())),
            ReadEnd::OfTls(failure) => Err(failure.clone().into()),
        }
    }
}

/// The connection's failure in words; a TLS failure already has its own.
fn failure_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "the connection was reset by the peer".to_owned(),
        io::ErrorKind::BrokenPipe => "the connection was closed by the peer".to_owned(),
        io::ErrorKind::TimedOut => "the connection timed out: the peer no longer answers".to_owned(),
        _ => in_words(error),
    }
}

fn in_our_words(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), failure_text(error))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if let Some(end) = &stream.read_end {
            return Poll::Ready(end.result().map(|_zero| ()));
        }
        // A read into no room at all says nothing about the peer.
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let result = match &mut stream.layer {
            TlsLayer::Plain(tcp) => ready!(Pin::new(tcp).poll_read(cx, buf)),
            TlsLayer::Tls(session) => ready!(session.poll_read(cx, buf)),
        };
        let count = result.map(|()| buf.filled().len() - before);
        Poll::Ready(stream.note_read(count).map(|_count| ()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = match &mut self.get_mut().layer {
            TlsLayer::Plain(tcp) => ready!(Pin::new(tcp).poll_write(cx, buf)),
            TlsLayer::Tls(session) => ready!(session.poll_write(cx, buf)),
        };
        Poll::Ready(result.map_err(|error| in_our_words(&error)))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = match &mut self.get_mut().layer {
            TlsLayer::Plain(tcp) => ready!(Pin::new(tcp).poll_flush(cx)),
            TlsLayer::Tls(session) => ready!(session.poll_drain(cx)),
        };
        Poll::Ready(result.map_err(|error| in_our_words(&error)))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.write_closed {
            return Poll::Ready(Ok(()));
        }
        let result = match &mut stream.layer {
            TlsLayer::Plain(tcp) => ready!(Pin::new(tcp).poll_shutdown(cx)),
            TlsLayer::Tls(session) => ready!(session.poll_close_write(cx)),
        };
        stream.write_closed = true;
        Poll::Ready(result.map_err(|error| in_our_words(&error)))
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self.layer, TlsLayer::Plain(_))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = match &mut self.get_mut().layer {
            TlsLayer::Plain(tcp) => ready!(Pin::new(tcp).poll_write_vectored(cx, bufs)),
            TlsLayer::Tls(session) => {
                let first = bufs.iter().find(|it| !it.is_empty());
                ready!(session.poll_write(cx, first.map_or(&[], |it| it)))
            }
        };
        Poll::Ready(result.map_err(|error| in_our_words(&error)))
    }
}
