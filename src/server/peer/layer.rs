//! The octets of a client's connection: plain, or within TLS.

use super::trouble::PeerEnd;
use crate::net::tls::is_no_record;
use crate::server::acceptor::{HandshakeFailure, failure};
use socket2::SockRef;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

pub(super) enum Layer {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

impl Layer {
    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Layer::Plain(tcp) => tcp,
            Layer::Tls(tls) => tls.get_ref(),
        }
    }

    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Layer::Plain(tcp) => tcp.shutdown().await,
            Layer::Tls(tls) => {
                let done = tls.shutdown().await;
                // FIN, whatever became of `close_notify`.
                _ = SockRef::from(tls.get_ref()).shutdown(Shutdown::Write);
                done
            }
        }
    }
}

impl AsyncRead for Layer {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Layer::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Layer::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buffer),
        }
    }
}

/// What TLS says of its own end.
pub(super) fn alert_within(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<openssl::ssl::Error>()?;
    inner.ssl_error().map(|_| match failure(inner) {
        HandshakeFailure::NotTls(reason) => format!("octets that are not TLS came within the TLS session ({reason})"),
        other => other.to_string(),
    })
}

/// TLS without `close_notify` ends as FIN does: many clients leave that way.
pub(super) fn end_of(error: &io::Error) -> PeerEnd {
    match error.kind() {
        _ if is_no_record(error) => PeerEnd::NotTls,
        io::ErrorKind::ConnectionReset => PeerEnd::Broken { reset: true },
        io::ErrorKind::UnexpectedEof => PeerEnd::Closed,
        _ if error.to_string().contains("unexpected eof") => PeerEnd::Closed,
        _ => PeerEnd::Broken { reset: false },
    }
}
