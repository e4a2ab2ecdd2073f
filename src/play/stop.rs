//! The wish that runs end at once: Ctrl-C, or the first divergence where one is enough.

use tokio::sync::watch;

/// Tells any number of runs to end; clones tell and hear the same.
#[derive(Debug, Clone)]
pub struct Stop {
    wish: watch::Sender<bool>,
}

impl Stop {
    /// Wishes it: every run that has this stop ends with what it has so far.
    pub fn stop(&self) {
        self.wish.send_replace(true);
    }

    /// Whether it was wished.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.wish.borrow()
    }

    /// Waits until it is wished.
    pub(crate) async fn stopped(&self) {
        let mut wish = self.wish.subscribe();
        // This side holds a sender itself: the wish cannot be lost.
        _ = wish.wait_for(|wished| *wished).await;
    }
}

impl Default for Stop {
    fn default() -> Stop {
        Stop { wish: watch::Sender::new(false) }
    }
}
