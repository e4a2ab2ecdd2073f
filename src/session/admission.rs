//! How many connections may wait to be greeted at once.
//!
//! A server takes connections out of a queue of limited length. Thousands of clients at once overrun it, and those that it
//! drops wait a second and more to try again, which says nothing about the server: so connects are paced.

use crate::net::clock::{self, Instant};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Half of the shortest usual queue (128).
const CONNECTIONS_WAITING: usize = 64;
/// A server that delays its greeting on purpose has taken the connection long before.
const TAKEN_AFTER: Duration = Duration::from_millis(200);

/// Paces the connects of all runs that share it.
#[derive(Debug, Clone)]
pub struct Admission {
    waiting: Arc<Semaphore>,
    /// The connections that are open, in the order in which they were opened, and when each counts no more.
    open: Arc<Mutex<VecDeque<(Instant, Place)>>>,
}

/// A place among those that wait, until it is given up.
type Place = Arc<Mutex<Option<OwnedSemaphorePermit>>>;

/// A connection that waits to be greeted; dropping it lets the next one begin.
#[derive(Debug)]
pub(crate) struct Admitted {
    place: Place,
    open: Arc<Mutex<VecDeque<(Instant, Place)>>>,
}

impl Default for Admission {
    fn default() -> Admission {
        Admission { waiting: Arc::new(Semaphore::new(CONNECTIONS_WAITING)), open: Arc::default() }
    }
}

impl Admission {
    /// Waits for its turn to connect.
    pub(crate) async fn enter(&self) -> Admitted {
        let permit = loop {
            let now = Instant::now();
            // Nobody else sees to it that a connection counts no longer than it may.
            let look_again = self.give_up_taken(now).unwrap_or(now + TAKEN_AFTER);
            if let Ok(permit) = clock::until(look_again, self.waiting.clone().acquire_owned()).await {
                break permit.ok();
            }
        };
        Admitted { place: Arc::new(Mutex::new(permit)), open: self.open.clone() }
    }

    /// Lets go of connections that a server has taken by now, greeted or not. Gives the moment when the next one counts no
    /// more.
    fn give_up_taken(&self, now: Instant) -> Option<Instant> {
        let mut open = held(&self.open);
        while let Some((taken, place)) = open.front() {
            if *taken > now && held(place).is_some() {
                return Some(*taken);
            }
            held(place).take();
            open.pop_front();
        }
        None
    }
}

impl Admitted {
    /// The connection is open: it counts until it is greeted, or for a short time.
    pub(crate) fn connected(self) -> Admitted {
        held(&self.open).push_back((Instant::now() + TAKEN_AFTER, self.place.clone()));
        self
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        held(&self.place).take();
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn full() -> (Admission, Vec<Admitted>) {
        let (admission, mut open) = (Admission::default(), Vec::new());
        for _ in 0..CONNECTIONS_WAITING {
            open.push(admission.enter().await.connected());
        }
        (admission, open)
    }

    #[tokio::test]
    async fn a_connection_that_is_not_greeted_counts_for_a_short_time() {
        let (admission, open) = full().await;
        assert_eq!(admission.waiting.available_permits(), 0);
        let _more = admission.enter().await.connected();
        assert_eq!(open.len(), CONNECTIONS_WAITING);
    }

    #[tokio::test]
    async fn a_greeting_lets_the_next_one_begin() {
        let (admission, mut open) = full().await;
        drop(open.pop());
        assert_eq!(admission.waiting.available_permits(), 1);
    }
}
