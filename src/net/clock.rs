//! Waiting: under a limit, up to a moment, or for a time. The only place that asks the runtime's clock.
//!
//! Whoever waits says how long, and what it means when that is over. `.clippy.toml` refuses it elsewhere.
#![expect(clippy::disallowed_methods, reason = "this is the place")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
pub(crate) use tokio::time::Instant;
use tokio::time::error::Elapsed;
use tokio::time::{Sleep, Timeout};

/// The future, or that the limit was over first. What is ready at once, as nearly every write is, needs no timer.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let at_once = poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    });
    match at_once.await {
        Some(output) => Ok(output),
        None => tokio::time::timeout(limit, future).await,
    }
}

/// The future, or that the moment came first.
pub(crate) fn until<F: Future>(due: Instant, future: F) -> Timeout<F> {
    tokio::time::timeout_at(due, future)
}

/// Nothing, for this long.
pub(crate) fn rest(length: Duration) -> Sleep {
    tokio::time::sleep(length)
}

/// A pause before the next accept when the system is out of descriptors.
pub(crate) fn before_accepting_again() -> Sleep {
    rest(Duration::from_millis(20))
}

/// Nothing, up to this moment.
pub(crate) fn rest_until(due: Instant) -> Sleep {
    tokio::time::sleep_until(due)
}
