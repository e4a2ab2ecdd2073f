//! How many connections may wait to be greeted at once.
//!
//! A server takes connections out of a queue of limited length. Thousands of clients at once overrun it, and those that it
//! drops wait a second and more to try again, which says nothing about the server: so connects are paced.

use crate::net::clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Half of the shortest usual queue (128).
const CONNECTIONS_WAITING: usize = 64;
/// A server that delays its greeting on purpose has taken the connection long before.
const TAKEN_AFTER: Duration = Duration::from_millis(200);

/// Paces the connects of all runs that share it.
#[derive(Debug, Clone)]
pub struct Admission {
    waiting: Arc<Semaphore>,
}

/// A connection that waits to be greeted; dropping it lets the next one begin.
#[derive(Debug)]
pub(crate) struct Admitted {
    permit: Option<OwnedSemaphorePermit>,
    _greeted: Option<oneshot::Sender<()>>,
}

impl Default for Admission {
    fn default() -> Admission {
        Admission { waiting: Arc::new(Semaphore::new(CONNECTIONS_WAITING)) }
    }
}

impl Admission {
    /// Waits for its turn to connect.
    pub(crate) async fn enter(&self) -> Admitted {
        Admitted { permit: self.waiting.clone().acquire_owned().await.ok(), _greeted: None }
    }
}

impl Admitted {
    /// The connection is open: it counts until it is greeted, or for a short time.
    pub(crate) fn connected(mut self) -> Admitted {
        let Some(permit) = self.permit.take() else { return self };
        let (greeted, heard) = oneshot::channel::<()>();
        tokio::spawn(async move {
            // Either way the sender's end is the greeting.
            _ = clock::within(TAKEN_AFTER, heard).await;
            drop(permit);
        });
        Admitted { permit: None, _greeted: Some(greeted) }
    }
}
