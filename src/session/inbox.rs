//! What has arrived and was not read by the scenario yet.

use std::collections::VecDeque;
use std::time::Instant;

/// Bytes are dropped from the front only when this many have been read, so that reading stays linear.
const COMPACT_AT: usize = 64 * 1024;

/// A buffer that is filled at its end and read from its front.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    buffer: Vec<u8>,
    read: usize,
    /// How many bytes were taken in all.
    taken: u64,
    /// When bytes came: up to which position of the whole stream.
    arrivals: VecDeque<(u64, Instant)>,
}

impl Inbox {
    pub(super) fn unread(&self) -> &[u8] {
        &self.buffer[self.read..]
    }

    /// How many bytes came in all.
    pub(super) fn arrived(&self) -> u64 {
        self.taken + self.unread().len() as u64
    }

    /// When the unread byte before `offset` came.
    pub(super) fn arrived_at(&self, offset: usize) -> Instant {
        let position = self.taken + offset as u64;
        let arrival = self.arrivals.iter().find(|(end, _)| *end >= position).or(self.arrivals.back());
        arrival.map_or_else(Instant::now, |(_, at)| *at)
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.arrivals.push_back((self.taken + self.unread().len() as u64, Instant::now()));
    }

    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.unread()[..count].to_vec();
        self.pass_over(count);
        taken
    }

    /// The same where nobody wants what is taken.
    pub(super) fn pass_over(&mut self, count: usize) {
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

    pub(super) fn take_all(&mut self) -> Vec<u8> {
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
