//! The socket below a stream: TCP, or a unix socket.
//!
//! Responsible for making both look alike to what stands above (`stream`, and `socket` below TLS).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Channel {
    /// Over the network.
    Tcp(TcpStream),
    /// To a process of this machine, by a path.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Channel {
    /// The socket, for what neither tokio nor std offers.
    pub(super) fn socket(&self) -> SockRef<'_> {
        match self {
            Channel::Tcp(tcp) => SockRef::from(tcp),
            #[cfg(unix)]
            Channel::Unix(unix) => SockRef::from(unix),
        }
    }

    /// Switches Nagle's delay off, where there is one.
    pub(super) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Channel::Tcp(tcp) => tcp.set_nodelay(true),
            #[cfg(unix)]
            Channel::Unix(_) => Ok(()),
        }
    }

    /// The other end's address; a unix socket has none.
    pub(super) fn peer(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Channel::Tcp(tcp) => tcp.peer_addr().map(Some),
            #[cfg(unix)]
            Channel::Unix(_) => Ok(None),
        }
    }

    /// This end's address; a unix socket has none.
    #[cfg(test)]
    pub(super) fn local(&self) -> Option<SocketAddr> {
        match self {
            Channel::Tcp(tcp) => tcp.local_addr().ok(),
            #[cfg(unix)]
            Channel::Unix(_) => None,
        }
    }
}

impl From<TcpStream> for Channel {
    fn from(tcp: TcpStream) -> Channel {
        Channel::Tcp(tcp)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Channel {
    fn from(unix: UnixStream) -> Channel {
        Channel::Unix(unix)
    }
}

impl AsyncRead for Channel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Channel::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            #[cfg(unix)]
            Channel::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Channel::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            #[cfg(unix)]
            Channel::Unix(unix) => Pin::new(unix).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Channel::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            #[cfg(unix)]
            Channel::Unix(unix) => Pin::new(unix).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Channel::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            #[cfg(unix)]
            Channel::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Channel::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            #[cfg(unix)]
            Channel::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, bufs),
        }
    }
}
