//! How much a sandbox has done, and who waits for it.
//!
//! Responsible for numbers only; connections count, whoever runs the sandbox reads, and waits for one more.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The numbers of one sandbox.
#[derive(Default)]
pub(crate) struct Counts {
    sessions: AtomicU64,
    messages: AtomicU64,
    lost_messages: AtomicU64,
    changed: Notify,
}

impl Counts {
    /// Numbers a new session, from 1.
    pub(crate) fn count_session(&self) -> u64 {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        self.changed.notify_one();
        number
    }

    pub(crate) fn count_message(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(crate) fn count_lost_message(&self) {
        self.lost_messages.fetch_add(1, Ordering::Relaxed);
    }

    /// Sessions that were begun.
    pub(crate) fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Messages that were taken.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Messages that could not be stored.
    pub(crate) fn lost_messages(&self) -> u64 {
        self.lost_messages.load(Ordering::Relaxed)
    }

    /// Waits until this number of sessions or messages is reached; 0 never is.
    pub(crate) async fn reached(&self, sessions: u64, messages: u64) {
        let enough = |limit: u64, count: u64| limit != 0 && count >= limit;
        while !(enough(sessions, self.sessions()) || enough(messages, self.messages())) {
            self.changed.notified().await;
        }
    }
}
