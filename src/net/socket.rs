//! The TCP socket as TLS sees it: reads buffered, ciphertext accepted whole, the handshake recorded.
//!
//! Responsible for three things that OpenSSL's own use of a socket lacks: one system call for a small record instead of
//! two; a write that is never half taken (OpenSSL insists on repeating an interrupted write with the same bytes, which a
//! caller that stops sending mail data can't promise); and a recording of the server's first bytes. Not responsible for
//! TLS itself (`tls`) nor for the public stream (`stream`), its only callers.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::channel::Channel;
use super::server_hello::RECORD_HEADER;
use super::wire::receive_now;

/// Bytes read ahead at most; larger reads go past the buffer. Replies and session tickets fit.
const READ_AHEAD: usize = 4096;

/// Bytes kept at most of what came in its place.
const HEAD_AT_MOST: usize = 256;

/// Bytes of a handshake kept at most: a TLS 1.2 chain of a dozen certificates fits.
const RECORDED_AT_MOST: usize = 32 * 1024;

/// What the server sent during a handshake, shared with whoever judges the handshake: on failure the TLS library drops
/// the socket.
#[derive(Debug, Clone, Default)]
pub(super) struct OctetRecorder(Arc<Mutex<Recording>>);

/// The recorded bytes and how the connection ended, if it did.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording {
    /// The server's bytes, 32 KiB at most.
    pub(super) received: Vec<u8>,
    /// How the TCP connection ended during the handshake.
    pub(super) end: Option<SocketEnd>,
}

/// How a TCP connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocketEnd {
    /// The server closed its side.
    Closed,
    /// The connection was reset, or broke otherwise.
    Reset,
}

impl OctetRecorder {
    /// Takes the recording, leaving an empty one.
    pub(super) fn take(&self) -> Recording {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, transfer: &Result<&[u8], &io::Error>) {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match transfer {
            Ok([]) => recording.end = Some(SocketEnd::Closed),
            Ok(bytes) => {
                let room = RECORDED_AT_MOST.saturating_sub(recording.received.len());
                recording.received.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Err(_) => recording.end = Some(SocketEnd::Reset),
        }
    }
}

/// The socket below a TLS session.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: Channel,
    read_ahead: Buffer,
    unsent: Buffer,
    recorder: Option<OctetRecorder>,
    at_once: bool,
    /// What had arrived when the head of a record was last asked for: where it is none, this is what came instead.
    head: Vec<u8>,
}

impl Socket {
    /// Wraps a plain socket and records what it receives until [`Socket::stop_recording`].
    pub(super) fn recorded(tcp: Channel, recorder: OctetRecorder) -> Socket {
        Socket {
            tcp,
            read_ahead: Buffer::default(),
            unsent: Buffer::default(),
            recorder: Some(recorder),
            at_once: false,
            head: Vec::new(),
        }
    }

    /// What came where the head of a record was expected; the first octets of it.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Ends the recording; what was kept is freed with the recorder.
    pub(super) fn stop_recording(&mut self) {
        self.recorder = None;
    }

    /// While set, a read asks the kernel directly and registers no wake-up: the caller does not wait.
    pub(super) fn set_at_once(&mut self, at_once: bool) {
        self.at_once = at_once;
    }

    /// The TCP socket itself.
    pub(super) fn tcp(&self) -> &Channel {
        &self.tcp
    }

    /// Whether ciphertext that was taken has yet to leave.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends the ciphertext that was taken and has not left.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut self.tcp).poll_write(cx, self.unsent.bytes()))?;
            self.unsent.consume(sent);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = if self.at_once {
            let Some(result) = receive_now(&self.tcp.socket(), buf.initialize_unfilled()) else {
                return Poll::Pending;
            };
            result.map(|received| buf.advance(received))
        } else {
            ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))
        };
        if let Some(recorder) = &self.recorder {
            recorder.note(&result.as_ref().map(|()| &buf.filled()[before..]));
        }
        Poll::Ready(result)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        // Whoever waits for an answer must have sent the question. A failure to send shows in the read, too.
        let _ = socket.poll_drain(cx);
        if socket.read_ahead.is_empty() {
            // While recording everything goes through the buffer: OpenSSL alone would read but five bytes of a banner.
            if buf.remaining() >= READ_AHEAD && socket.recorder.is_none() {
                return socket.poll_receive(cx, buf);
            }
            ready!(socket.poll_read_ahead(cx))?;
        }
        let available = socket.read_ahead.bytes();
        if buf.remaining() == RECORD_HEADER {
            socket.head.clear();
            socket.head.extend_from_slice(&available[..available.len().min(HEAD_AT_MOST)]);
        }
        let taken = available.len().min(buf.remaining());
        buf.put_slice(&available[..taken]);
        socket.read_ahead.consume(taken);
        Poll::Ready(Ok(()))
    }
}

impl Socket {
    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut storage = [0; READ_AHEAD];
        let mut arrived = ReadBuf::new(&mut storage);
        ready!(self.poll_receive(cx, &mut arrived))?;
        self.read_ahead.append(arrived.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    /// Takes all of `buf`, always: what the kernel doesn't take at once is kept for [`Socket::poll_drain`].
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let mut sent = 0;
        if socket.unsent.is_empty()
            && let Poll::Ready(result) = Pin::new(&mut socket.tcp).poll_write(cx, buf)
        {
            if let (Err(error), Some(recorder)) = (&result, &socket.recorder) {
                recorder.note(&Err(error));
            }
            sent = result?;
        }
        socket.unsent.append(&buf[sent..]);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_drain(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        ready!(socket.poll_drain(cx))?;
        Pin::new(&mut socket.tcp).poll_shutdown(cx)
    }
}

/// Bytes on their way; its memory is given back whenever it runs empty.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    consumed: usize,
}

impl Buffer {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn consume(&mut self, count: usize) {
        self.consumed += count;
        if self.consumed >= self.bytes.len() {
            *self = Buffer::default();
        }
    }
}
