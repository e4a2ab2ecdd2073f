//! Reading without waiting, closing in each way, writing more than the socket takes.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::time::Duration;

use openssl::ssl::{SslAcceptorBuilder, SslStream, SslVersion};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::pki::{Leaf, Pki};
use super::{Server, acceptor, greet, only, read_out, tls, trusting};
use crate::net::stream::Stream;
use crate::net::tls::SessionFailure;

fn reset(tcp: &TcpStream) {
    SockRef::from(tcp).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Asks until something is there, without once letting the runtime look at its sockets.
async fn arrived(stream: &mut Stream, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        if let Some(result) = stream.read_now(buf).await {
            return result;
        }
        std::thread::yield_now();
    }
}

/// The greeting comes when the server is told to send it, and the end when it is told to close: not before.
async fn greeting_and_end(stream: &mut Stream, buf: &mut [u8], go: &Sender<()>) {
    assert!(stream.read_now(buf).await.is_none());
    go.send(()).unwrap();
    assert_eq!(arrived(stream, buf).await.unwrap(), 11);
    assert_eq!(&buf[..11], b"220 ready\r\n");
    assert!(stream.read_now(buf).await.is_none());
    go.send(()).unwrap();
    assert_eq!(arrived(stream, buf).await.unwrap(), 0);
}

/// A TLS connection of this version whose server plays a function.
async fn over_tls<T: Send + 'static>(
    version: SslVersion,
    play: impl FnOnce(SslStream<TcpStream>) -> T + Send + 'static,
) -> (Stream, Server<T>) {
    let pki = Pki::new("test CA");
    let mut builder: SslAcceptorBuilder = acceptor(&pki.issue(&Leaf::default()));
    only(&mut builder, version);
    let acceptor = builder.build();
    let server = Server::start(move |tcp| play(acceptor.accept(tcp).unwrap()));
    let (stream, _) = tls(&server, &trusting(&pki), "mx.example").await.unwrap();
    (stream, server)
}

const VERSIONS: [SslVersion; 2] = [SslVersion::TLS1_2, SslVersion::TLS1_3];

#[tokio::test]
async fn read_now_over_plain() {
    let (go, wait): (Sender<()>, Receiver<()>) = channel();
    let server = Server::start(move |mut tcp| {
        wait.recv().unwrap();
        tcp.write_all(b"220 ready\r\n").unwrap();
        wait.recv().unwrap();
    });
    let mut stream = server.connect().await;
    let mut buf = [0; 64];
    greeting_and_end(&mut stream, &mut buf, &go).await;
    assert_eq!(stream.read(&mut buf).await.unwrap(), 0);
    server.end();
}

#[tokio::test]
async fn a_wait_after_read_now_still_wakes() {
    let (go, wait): (Sender<()>, Receiver<()>) = channel();
    let server = Server::start(move |mut tcp| {
        for part in ["one", "two"] {
            tcp.write_all(part.as_bytes()).unwrap();
            wait.recv().unwrap();
        }
    });
    let mut stream = server.connect().await;
    let mut buf = [0; 3];
    arrived(&mut stream, &mut buf).await.unwrap();
    let next = async {
        stream.read_exact(&mut buf).await.unwrap();
        buf
    };
    let (next, ()) = tokio::join!(next, async { go.send(()).unwrap() });
    assert_eq!(&next, b"two");
    go.send(()).unwrap();
    server.end();
}

#[tokio::test]
async fn session_tickets_are_no_data() {
    let (go, wait): (Sender<()>, Receiver<()>) = channel();
    let (mut stream, server) = over_tls(SslVersion::TLS1_3, move |mut stream| {
        wait.recv().unwrap();
        greet(&mut stream);
        wait.recv().unwrap();
        stream.shutdown().unwrap();
    })
    .await;
    let mut buf = [0; 64];
    // The server has sent its tickets before it waits; they are there once the kernel shows any byte.
    let unread = |stream: &Stream| stream.tcp().socket().peek(&mut [std::mem::MaybeUninit::uninit(); 1]).unwrap_or(0);
    while unread(&stream) == 0 {
        std::thread::yield_now();
    }
    greeting_and_end(&mut stream, &mut buf, &go).await;
    server.end();
}

#[tokio::test]
async fn what_is_left_of_a_record_is_there_without_a_socket_read() {
    let (mut stream, server) = over_tls(SslVersion::TLS1_2, |mut stream| {
        greet(&mut stream);
        read_out(&mut stream)
    })
    .await;
    let mut buf = [0; 4];
    stream.read_exact(&mut buf).await.unwrap();
    assert_eq!(stream.read_now(&mut buf).await.unwrap().unwrap(), 4);
    assert_eq!(&buf, b"read");
    stream.close().await;
    server.end();
}

#[tokio::test]
async fn fin_without_close_notify_is_the_end() {
    for version in VERSIONS {
        let (mut stream, server) = over_tls(version, |mut stream| {
            greet(&mut stream);
            stream.get_mut().shutdown(Shutdown::Write).unwrap();
            read_out(&mut stream);
        })
        .await;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"220 ready\r\n");
        assert_eq!(stream.read_now(&mut [0; 9]).await.unwrap().unwrap(), 0);
        stream.close().await;
        server.end();
    }
}

#[tokio::test]
async fn a_reset_by_the_server_is_a_lost_connection() {
    let (connected, wait): (Sender<()>, Receiver<()>) = channel();
    let server = Server::start(move |tcp| {
        wait.recv().unwrap();
        reset(&tcp);
    });
    let mut stream = server.connect().await;
    connected.send(()).unwrap();
    server.end();
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(error.to_string(), "the connection was reset by the peer");
    let again = stream.read_now(&mut [0]).await.unwrap().unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::ConnectionReset);
    for version in VERSIONS {
        let (connected, wait): (Sender<()>, Receiver<()>) = channel();
        let (mut stream, server) = over_tls(version, move |stream| {
            wait.recv().unwrap();
            reset(stream.get_ref());
        })
        .await;
        connected.send(()).unwrap();
        server.end();
        let error = arrived(&mut stream, &mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn our_reset_is_seen_as_one() {
    let server = Server::start(|mut tcp| tcp.read(&mut [0; 9]).unwrap_err().kind());
    server.connect().await.reset();
    assert_eq!(server.end(), io::ErrorKind::ConnectionReset);
    let (mut stream, server) = over_tls(SslVersion::TLS1_3, |mut stream| {
        greet(&mut stream);
        stream.read(&mut [0; 9]).unwrap_err().kind()
    })
    .await;
    // Once it has greeted the server writes no more, so the reset meets its read.
    stream.read_exact(&mut [0; 11]).await.unwrap();
    stream.reset();
    assert_eq!(server.end(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn close_is_orderly_even_with_unread_bytes() {
    let (sent, wait): (Sender<()>, Receiver<()>) = channel();
    let server = Server::start(move |mut tcp| {
        tcp.write_all(b"221 bye\r\n").unwrap();
        sent.send(()).unwrap();
        let mut all = Vec::new();
        tcp.read_to_end(&mut all).map(|_| all)
    });
    let mut stream = server.connect().await;
    stream.write_all(b"QUIT\r\n").await.unwrap();
    wait.recv().unwrap();
    stream.close().await;
    assert_eq!(server.end().unwrap(), b"QUIT\r\n");
    for version in VERSIONS {
        // `Ok` and not "unexpected eof" means that `close_notify` came.
        let (mut stream, server) = over_tls(version, |mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).map(|_| all)
        })
        .await;
        stream.write_all(b"QUIT\r\n").await.unwrap();
        stream.close().await;
        assert_eq!(server.end().unwrap(), b"QUIT\r\n");
    }
}

#[tokio::test]
async fn close_does_not_wait_for_a_peer_that_reads_nothing() {
    let (done, wait): (Sender<()>, Receiver<()>) = channel();
    let (mut stream, server) = over_tls(SslVersion::TLS1_3, move |_stream| wait.recv().unwrap()).await;
    fill(&mut stream).await;
    stream.close().await;
    done.send(()).unwrap();
    server.end();
}

#[tokio::test]
async fn a_closed_write_half_leaves_the_read_half_open() {
    fn answer(stream: &mut (impl Read + Write)) -> Vec<u8> {
        let received = read_out(stream);
        stream.write_all(b"221 bye\r\n").unwrap();
        received
    }
    async fn half_close(stream: &mut Stream) -> Vec<u8> {
        stream.write_all(b"QUIT\r\n").await.unwrap();
        stream.close_write().await.unwrap();
        stream.close_write().await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        all
    }
    let server = Server::start(|mut tcp| answer(&mut tcp));
    assert_eq!(half_close(&mut server.connect().await).await, b"221 bye\r\n");
    assert_eq!(server.end(), b"QUIT\r\n");
    for version in VERSIONS {
        let (mut stream, server) = over_tls(version, |mut stream| answer(&mut stream)).await;
        assert_eq!(half_close(&mut stream).await, b"221 bye\r\n");
        assert_eq!(server.end(), b"QUIT\r\n");
    }
}

/// Writes until the socket takes no more; the bytes taken.
async fn fill(stream: &mut Stream) -> usize {
    let chunk = vec![b'x'; 256 * 1024];
    let mut taken = 0;
    loop {
        let write = poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_write(cx, &chunk))).await;
        match write {
            Poll::Ready(count) => taken += count.unwrap(),
            Poll::Pending => return taken,
        }
        // Pending may be tokio's own budget for one task, not the socket.
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_write_given_up_in_tls_can_be_followed_by_another() {
    for version in VERSIONS {
        let (go, wait): (Sender<()>, Receiver<()>) = channel();
        let (mut stream, server) = over_tls(version, move |mut stream| {
            greet(&mut stream);
            wait.recv().unwrap();
            read_out(&mut stream)
        })
        .await;
        let taken = fill(&mut stream).await;
        // The other direction works while the write is stuck.
        let mut greeting = [0; 11];
        stream.read_exact(&mut greeting).await.unwrap();
        go.send(()).unwrap();
        stream.write_all(b"QUIT\r\n").await.unwrap();
        stream.close_write().await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        let received = server.end();
        assert_eq!(received.len(), taken + 6);
        assert!(received.ends_with(b"xQUIT\r\n"));
    }
}

#[tokio::test]
async fn an_unflushed_command_leaves_when_its_reply_is_awaited() {
    let (go, wait): (Sender<()>, Receiver<()>) = channel();
    let (mut stream, server) = over_tls(SslVersion::TLS1_3, move |mut stream| {
        wait.recv().unwrap();
        let mut received = 0;
        let mut buf = [0; 16 * 1024];
        loop {
            let count = stream.read(&mut buf).unwrap();
            received += count;
            if buf[..count].contains(&b'.') {
                greet(&mut stream);
                return received;
            }
        }
    })
    .await;
    let taken = fill(&mut stream).await;
    go.send(()).unwrap();
    stream.write_all(b".").await.unwrap();
    let mut greeting = [0; 11];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(server.end(), taken + 1);
}

#[tokio::test]
async fn much_data_arrives_as_it_was() {
    let sent: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let (mut stream, server) = over_tls(SslVersion::TLS1_3, |mut stream| read_out(&mut stream)).await;
    for chunk in sent.chunks(200_001) {
        stream.write_all(chunk).await.unwrap();
    }
    stream.close().await;
    assert!(server.end() == sent);
}

/// What is written past the session is no end of it: its octets are handed out.
#[tokio::test]
async fn plain_text_within_a_session_is_no_tls() {
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let (mut stream, server) = over_tls(version, |mut tls| {
            tls.get_mut().write_all(b"421 gone\r\n").unwrap();
            read_out(tls.get_mut());
        })
        .await;
        for _ in 0..2 {
            let error = stream.read(&mut [0; 100]).await.unwrap_err();
            let failure = SessionFailure::within(&error);
            assert_eq!(failure, Some(&SessionFailure::NotTls(b"421 gone\r\n".to_vec())), "{error}");
        }
        stream.close().await;
        server.end();
    }
}
