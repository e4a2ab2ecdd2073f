//! A connection's octets, as both sides read and write them: what has arrived, where a piece of it ends, slow sending.
//!
//! Called by `session` (a client's connection) and by `server` (a peer's). Neither deadlines nor what is owed stand here.

use socket2::SockRef;
use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, ReadBuf};

/// How many octets are read at once.
const READ_SIZE: usize = 16 * 1024;

/// Bytes are dropped from the front only when this many have been read, so that reading stays linear.
const COMPACT_AT: usize = 64 * 1024;

/// How long an orderly close waits for octets already written to leave.
pub(crate) const LAST_OCTETS: Duration = Duration::from_millis(500);

/// The most octets that are thrown away when closing.
const DISCARDED_AT_MOST: usize = 256 * 1024;

/// Slow sending: some octets, a rest, the next ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Drip {
    /// How many octets go out at once; 0 is taken for 1.
    pub(crate) octets: usize,
    /// How long each rest is. It counts towards no time-out.
    pub(crate) every: Duration,
}

impl Drip {
    /// `bytes` in the pieces that go out at once.
    pub(crate) fn pieces(self, bytes: &[u8]) -> std::iter::Peekable<std::slice::Chunks<'_, u8>> {
        bytes.chunks(self.octets.max(1)).peekable()
    }
}

/// What became of looking for the end of a piece in what has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sought {
    /// The piece has this many octets.
    Found(usize),
    /// Its end has not arrived.
    Partial,
    /// Its end has not arrived, and more has than is read in one piece.
    TooLong,
}

/// Where a line ends, its line feed included.
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes).map(|line_feed| line_feed + 1)
}

/// Takes in what there is, and gives how much it was: no octets mean that the other side has closed.
pub(crate) fn poll_read<S: AsyncRead + Unpin>(
    stream: &mut S,
    inbox: &mut Inbox,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    // On the stack: thousands of connections that wait need no such room, and making it for each read costs more than the read.
    let mut room = [MaybeUninit::uninit(); READ_SIZE];
    let mut piece = ReadBuf::uninit(&mut room);
    ready!(Pin::new(stream).poll_read(cx, &mut piece))?;
    inbox.push(piece.filled());
    Poll::Ready(Ok(piece.filled().len()))
}

/// What there is to read, without waiting. Asks the kernel: tokio may not have heard yet of what is there.
pub(crate) fn receive_now(socket: &SockRef<'_>, buffer: &mut [u8]) -> Option<io::Result<usize>> {
    loop {
        match (&**socket).read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Some(result),
        }
    }
}

/// Throws away what has arrived: closing a socket with unread octets sends RST, which may take our last words from the
/// other side.
pub(crate) fn discard_arrived(socket: &SockRef<'_>) {
    let mut buffer = [0; 4096];
    let mut discarded = 0;
    while discarded < DISCARDED_AT_MOST {
        match receive_now(socket, &mut buffer) {
            Some(Ok(count)) if count > 0 => discarded += count,
            _ => break,
        }
    }
}

/// A buffer that is filled at its end and read from its front.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    read: usize,
    /// How many bytes were taken in all.
    taken: u64,
    /// When bytes came: up to which position of the whole stream.
    arrivals: VecDeque<(u64, Instant)>,
}

impl Inbox {
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.read..]
    }

    /// Where the piece ends whose end `find` knows.
    pub(crate) fn sought(&self, longest: usize, find: impl Fn(&[u8]) -> Option<usize>) -> Sought {
        match find(self.unread()) {
            Some(length) => Sought::Found(length),
            None if self.unread().len() > longest => Sought::TooLong,
            None => Sought::Partial,
        }
    }

    /// How many bytes came in all.
    pub(crate) fn arrived(&self) -> u64 {
        self.taken + self.unread().len() as u64
    }

    /// When the unread byte before `offset` came.
    pub(crate) fn arrived_at(&self, offset: usize) -> Instant {
        let position = self.taken + offset as u64;
        let first = self.arrivals.partition_point(|(end, _)| *end < position);
        let arrival = self.arrivals.get(first).or(self.arrivals.back());
        arrival.map_or_else(Instant::now, |(_, at)| *at)
    }

    /// The last octets that came, which were not read yet.
    pub(crate) fn newest(&self, count: usize) -> &[u8] {
        &self.buffer[self.buffer.len() - count..]
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        self.arrivals.push_back((self.taken + self.unread().len() as u64, Instant::now()));
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.unread()[..count].to_vec();
        self.pass_over(count);
        taken
    }

    /// The same where nobody wants what is taken.
    pub(crate) fn pass_over(&mut self, count: usize) {
        self.read += count;
        self.taken += count as u64;
        while self.arrivals.front().is_some_and(|(end, _)| *end <= self.taken) {
            self.arrivals.pop_front();
        }
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
        } else if self.read >= COMPACT_AT {
            self.buffer.drain(..self.read);
            self.read = 0;
        }
    }

    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        self.take(self.unread().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order() {
        let mut inbox = Inbox::default();
        inbox.push(b"abc");
        assert_eq!(inbox.take(2), b"ab");
        inbox.push(&vec![b'x'; COMPACT_AT]);
        assert_eq!(inbox.take(COMPACT_AT), [b"c", &vec![b'x'; COMPACT_AT - 1][..]].concat());
        assert_eq!(inbox.take_all(), b"x");
        assert!(inbox.unread().is_empty());
    }
}
