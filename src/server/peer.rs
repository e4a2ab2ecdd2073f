//! One client that has connected, from the server's side: its lines, its mail data, TLS, and the ways to close.
//!
//! Responsible for bytes within limits and for keeping what had arrived when something went wrong. Every wait has a
//! deadline, which the caller chooses. Not responsible for what a line means nor for what is answered: a script says it
//! (`play::server`).

mod closing;
mod layer;
mod trouble;
mod writing;

use super::acceptor::{Accepted, Acceptor, HandshakeFailure};
use super::mail_data::{DataRead, MailDataReader};
use crate::net::clock;
use crate::net::wire::{self, Inbox, Sought, poll_read, receive_now};
use crate::smtp::command::MAX_LINE;
use crate::smtp::offer::TLS_HANDSHAKE;
use crate::smtp::reply::MAX_REPLY;
use layer::{Layer, alert_within, end_of};
use socket2::SockRef;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use trouble::PeerEnd;
pub(crate) use trouble::{HandshakeTrouble, PeerTrouble};

/// How much is kept of what a client sent in place of a handshake.
const FIRST_OCTETS: usize = 512;
/// A connection of a client.
pub(crate) struct Peer {
    stream: Option<Layer>,
    address: SocketAddr,
    inbox: Inbox,
    end: Option<PeerEnd>,
    /// What TLS said of the end, in words.
    alert: Option<String>,
    /// No write goes on beyond this, however steadily the client takes it.
    due: Option<clock::Instant>,
    /// Octets that the client took.
    pub(crate) sent: u64,
}

impl Peer {
    pub(crate) fn new(tcp: TcpStream, address: SocketAddr) -> Peer {
        // A socket that is gone already says so when it is read.
        _ = tcp.set_nodelay(true);
        let stream = Some(Layer::Plain(tcp));
        Peer { stream, address, inbox: Inbox::default(), end: None, alert: None, due: None, sent: 0 }
    }

    /// Ends every write at this moment, and every rest between octets that are sent slowly.
    pub(crate) fn set_due(&mut self, due: Option<std::time::Instant>) {
        self.due = due.map(clock::Instant::from_std);
    }

    /// How many octets have come from the client.
    pub(crate) fn received(&self) -> u64 {
        self.inbox.arrived()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.stream, Some(Layer::Tls(_)))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether the client has ended its side, as far as is known.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    // --- reading -----------------------------------------------------------------------------------------------

    /// Reads the next line, its end included. The deadline covers all of it. A `ClientHello` is none, whatever octets it
    /// holds.
    pub(crate) async fn read_line(&mut self, wait: Duration) -> Result<Vec<u8>, PeerTrouble> {
        let is_plain = !self.is_tls();
        let is_hello = |bytes: &[u8]| is_plain && bytes.starts_with(&TLS_HANDSHAKE);
        let line_end = |bytes: &[u8]| if is_hello(bytes) { Some(bytes.len()) } else { wire::line_end(bytes) };
        let bytes = self.read_piece(wait, MAX_LINE, &line_end).await?;
        if is_hello(&bytes) { Err(PeerTrouble::TlsBegun { bytes }) } else { Ok(bytes) }
    }

    /// Reads until `found` names the end of what it looks for.
    pub(crate) async fn read_until(
        &mut self,
        wait: Duration,
        found: &(dyn Fn(&[u8]) -> Option<usize> + Sync),
    ) -> Result<Vec<u8>, PeerTrouble> {
        self.read_piece(wait, MAX_REPLY, found).await
    }

    async fn read_piece(
        &mut self,
        wait: Duration,
        limit: usize,
        found: &(dyn Fn(&[u8]) -> Option<usize> + Sync),
    ) -> Result<Vec<u8>, PeerTrouble> {
        let due = clock::Instant::now() + wait;
        loop {
            match self.inbox.sought(limit, found) {
                Sought::Found(length) => return Ok(self.inbox.take(length)),
                Sought::TooLong => return Err(PeerTrouble::TooLong { bytes: self.drop_unread(), limit }),
                Sought::Partial => self.fill(due, wait).await?,
            }
        }
    }

    /// Waits until octets have come that nobody has read; they stay unread.
    pub(crate) async fn wait_for_octets(&mut self, wait: Duration) -> Result<(), PeerTrouble> {
        let due = clock::Instant::now() + wait;
        while self.inbox.unread().is_empty() {
            self.fill(due, wait).await?;
        }
        Ok(())
    }

    /// So many of the unread octets are read.
    pub(crate) fn pass_over(&mut self, count: usize) {
        self.inbox.pass_over(count);
    }

    /// Reads mail data up to the line with the dot, and hands it on without its transparency. The deadline is one for
    /// each wait without progress.
    pub(crate) async fn read_mail_data(
        &mut self,
        wait: Duration,
        content: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), PeerTrouble> {
        let mut reader = MailDataReader::new();
        loop {
            let progress = reader.read(self.inbox.unread(), &mut *content);
            if let DataRead::Ended { used } = progress {
                self.inbox.pass_over(used);
                return Ok(());
            }
            self.inbox.pass_over(self.inbox.unread().len());
            self.fill(clock::Instant::now() + wait, wait).await?;
        }
    }

    /// Reads exactly `count` octets; the deadline is one for each wait without progress.
    pub(crate) async fn read_octets(
        &mut self,
        count: u64,
        wait: Duration,
        content: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), PeerTrouble> {
        let mut left = count;
        while left > 0 {
            let unread = self.inbox.unread();
            let here = usize::try_from(left).map_or(unread.len(), |left| left.min(unread.len()));
            if here == 0 {
                self.fill(clock::Instant::now() + wait, wait).await?;
                continue;
            }
            content(&unread[..here]);
            self.inbox.pass_over(here);
            left -= here as u64;
        }
        Ok(())
    }

    /// Waits for the client to close. Octets before that are given back as what arrived.
    pub(crate) async fn read_end(&mut self, wait: Duration) -> Result<Option<Vec<u8>>, PeerTrouble> {
        let due = clock::Instant::now() + wait;
        while self.inbox.unread().is_empty() && self.end.is_none() {
            match self.fill(due, wait).await {
                Ok(()) | Err(PeerTrouble::Closed { .. } | PeerTrouble::Broken { .. } | PeerTrouble::NotTls { .. }) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        if self.inbox.unread().is_empty() && self.end == Some(PeerEnd::NotTls) {
            return Err(self.not_tls());
        }
        let unread = self.inbox.take_all();
        Ok(Some(unread).filter(|unread| !unread.is_empty()))
    }

    /// The first octet of what the client says next, which stays unread; nothing where it says none for so long, or ends.
    pub(crate) async fn first_octet(&mut self, wait: Duration) -> Option<u8> {
        if self.unread().is_empty()
            && self.end.is_none()
            && let Some(Layer::Plain(tcp)) = &self.stream
        {
            let mut first = [0];
            let count = clock::within(wait, tcp.peek(&mut first)).await.ok()?.ok()?;
            return first.first().copied().filter(|_| count > 0);
        }
        self.unread().first().copied()
    }

    /// Whether the client ended its side by a reset.
    pub(crate) fn was_reset(&self) -> bool {
        matches!(self.end, Some(PeerEnd::Broken { reset: true }))
    }

    /// What has arrived and was not read, without waiting.
    pub(crate) async fn take_arrived(&mut self) -> Vec<u8> {
        while self.end.is_none() && self.inbox.unread().len() <= MAX_LINE {
            let mut buffer = [0; 1024];
            let Some(outcome) = self.read_now(&mut buffer).await else { break };
            self.inbox.push(&buffer[..*outcome.as_ref().unwrap_or(&0)]);
            self.note_read(outcome);
        }
        self.inbox.take_all()
    }

    /// What has come since the last read, and was not read.
    pub(crate) fn unread(&self) -> &[u8] {
        self.inbox.unread()
    }

    /// The same, and it is read no more.
    pub(crate) fn drop_unread(&mut self) -> Vec<u8> {
        self.inbox.take_all()
    }

    /// Waits for more octets, or the end: the next call says which.
    async fn fill(&mut self, due: clock::Instant, waited: Duration) -> Result<(), PeerTrouble> {
        let arrived = |peer: &mut Peer| peer.drop_unread();
        match self.end {
            Some(PeerEnd::Closed) => return Err(PeerTrouble::Closed { arrived: arrived(self) }),
            Some(PeerEnd::Broken { reset }) => {
                let reason = if reset { "the connection was reset by the client" } else { "the connection broke" };
                return Err(PeerTrouble::Broken { reset, reason: reason.to_owned(), arrived: arrived(self) });
            }
            Some(PeerEnd::NotTls) => return Err(self.not_tls()),
            None => {}
        }
        let Some(stream) = self.stream.as_mut() else { return Err(PeerTrouble::Closed { arrived: arrived(self) }) };
        let due = self.due.map_or(due, |end| due.min(end));
        match clock::until(due, poll_fn(|cx| poll_read(stream, &mut self.inbox, cx))).await {
            Ok(outcome) => {
                self.note_read(outcome);
                Ok(())
            }
            Err(_) => Err(PeerTrouble::Timeout { waited, arrived: arrived(self) }),
        }
    }

    /// Notes how a read ended; what came of it is in the inbox.
    fn note_read(&mut self, outcome: io::Result<usize>) {
        match outcome {
            Ok(0) => self.end = Some(PeerEnd::Closed),
            Ok(_) => {}
            Err(error) => {
                self.end = Some(end_of(&error));
                self.alert = alert_within(&error);
            }
        }
    }

    fn not_tls(&self) -> PeerTrouble {
        let reason = self.alert.clone().unwrap_or_default();
        PeerTrouble::NotTls { reason }
    }

    /// After a handshake that was done: waits until the client says something, which is `None`, or refuses it after all,
    /// by an alert or by leaving, also with QUIT. In TLS 1.3 the server may be done before the client looks at the certificate (RFC 8446
    /// section 4.4).
    pub(crate) async fn refusal(&mut self, wait: Duration) -> Option<String> {
        let due = clock::Instant::now() + wait;
        while self.inbox.unread().is_empty() && self.end.is_none() {
            if self.fill(due, wait).await.is_err() {
                return None;
            }
        }
        if self.inbox.unread().trim_ascii_end().eq_ignore_ascii_case(b"QUIT") {
            self.inbox.take_all();
            return Some("the client said QUIT".to_owned());
        }
        if !self.inbox.unread().is_empty() || self.end == Some(PeerEnd::NotTls) {
            return None;
        }
        let left = match self.end {
            Some(PeerEnd::Broken { reset: true }) => "the client reset the connection",
            _ => "the client closed the connection",
        };
        Some(self.alert.clone().unwrap_or_else(|| left.to_owned()))
    }

    async fn read_now(&mut self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        match self.stream.as_mut()? {
            Layer::Plain(tcp) => receive_now(&SockRef::from(&*tcp), buffer),
            Layer::Tls(tls) => {
                let mut buffer = ReadBuf::new(buffer);
                let outcome = poll_fn(|cx| Poll::Ready(Pin::new(&mut **tls).poll_read(cx, &mut buffer))).await;
                match outcome {
                    Poll::Ready(outcome) => Some(outcome.map(|()| buffer.filled().len())),
                    Poll::Pending => None,
                }
            }
        }
    }

    // --- TLS --------------------------------------------------------------------------------------------------

    /// Shakes hands as the server. What has arrived before must have been taken.
    ///
    /// # Errors
    /// Why it failed; the connection is closed then.
    pub(crate) async fn upgrade(&mut self, acceptor: &Acceptor, wait: Duration) -> Result<Accepted, HandshakeTrouble> {
        let tcp = match self.stream.take() {
            Some(Layer::Plain(tcp)) => tcp,
            Some(tls @ Layer::Tls(_)) => {
                self.stream = Some(tls);
                return Err(HandshakeTrouble::not_begun("TLS is active already"));
            }
            None => return Err(HandshakeTrouble::not_begun("the connection is closed")),
        };
        let mut first = [0; FIRST_OCTETS];
        let handshake = async {
            // What is no TLS can be shown only if it was seen before OpenSSL took it.
            let count = tcp.peek(&mut first).await.unwrap_or(0);
            (acceptor.shake_hands(tcp).await, count)
        };
        match clock::within(wait, handshake).await {
            Ok((Ok((stream, accepted)), _)) => {
                self.stream = Some(Layer::Tls(Box::new(stream)));
                Ok(accepted)
            }
            Ok((Err(failure), count)) => {
                let is_plain = matches!(failure, HandshakeFailure::NotTls(_));
                let sent = if is_plain { first[..count].to_vec() } else { Vec::new() };
                Err(HandshakeTrouble::Failed { failure, sent })
            }
            Err(_) => Err(HandshakeTrouble::TimedOut),
        }
    }
}
