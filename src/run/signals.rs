//! The signals that ask the program to end.

use super::Stop;

/// The exit code of a process that a signal ended at once.
const INTERRUPTED: i32 = 130;

/// Calls `end` at the first signal that asks for one, in a thread of its own.
pub(crate) fn on_signal(end: impl FnOnce() + Send + 'static) {
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Without it a signal ends the process, as it always did.
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async { Signals::listen().next().await });
        end();
    };
    _ = std::thread::Builder::new().name("signals".to_owned()).spawn(body);
}

/// Wishes the end of all runs at the first signal and ends the process at the second. It never comes to an end itself.
pub(super) async fn stop_on_signal(stop: Stop) {
    let mut signals = Signals::listen();
    signals.next().await;
    stop.stop();
    signals.next().await;
    std::process::exit(INTERRUPTED);
}

#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        let wanted = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        // Without a handler the signal ends the process, as it always did.
        Signals(wanted.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let came = self.0.iter_mut().any(|signal| matches!(signal.poll_recv(cx), std::task::Poll::Ready(Some(()))));
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Signals {
        Signals
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
