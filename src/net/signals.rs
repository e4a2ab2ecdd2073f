//! The signals that ask the program to end: the only place that hears INT, TERM and HUP.
//!
//! They mean the same in every command: an end in order, with what there is. A service alone takes HUP for something else,
//! and a terminal's Ctrl-C may end a wait only.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// Calls `stop` at the first signal that asks for an end, and ends the process at the second. It never ends by itself.
pub(crate) async fn stop_on_signal(stop: impl FnOnce()) {
    let mut signals = Signals::listen();
    signals.next().await;
    stop();
    signals.next().await;
    std::process::exit(INTERRUPTED);
}

/// Waits until a signal asks a service to end: SIGINT or SIGTERM. SIGHUP asks it for something else.
pub(crate) async fn asked_to_end() {
    Signals::of_a_service().next().await;
}

/// SIGHUP, by which a service is asked to load its files again. Where there is no such signal it never comes.
pub(crate) struct Hangups(Signals);

impl Hangups {
    pub(crate) fn listen() -> Hangups {
        Hangups(Signals::hangup())
    }

    pub(crate) async fn next(&mut self) {
        self.0.next().await;
    }
}

/// Some of the signals, caught from the moment on that this is made.
#[cfg(unix)]
pub(crate) struct Signals(Vec<Signal>);

#[cfg(unix)]
impl Signals {
    /// Those that ask for an end.
    pub(crate) fn listen() -> Signals {
        Signals::of(&[SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()])
    }

    /// Ctrl-C alone, where it ends a wait.
    pub(crate) fn interrupt() -> Signals {
        Signals::of(&[SignalKind::interrupt()])
    }

    /// Those that ask for an end where Ctrl-C ends a wait only.
    pub(crate) fn but_interrupt() -> Signals {
        Signals::of(&[SignalKind::terminate(), SignalKind::hangup()])
    }

    fn of_a_service() -> Signals {
        Signals::of(&[SignalKind::interrupt(), SignalKind::terminate()])
    }

    fn hangup() -> Signals {
        Signals::of(&[SignalKind::hangup()])
    }

    fn of(wanted: &[SignalKind]) -> Signals {
        // Without a handler the signal ends the process, as it always did.
        Signals(wanted.iter().filter_map(|kind| signal(*kind).ok()).collect())
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let came = self.0.iter_mut().any(|signal| matches!(signal.poll_recv(cx), std::task::Poll::Ready(Some(()))));
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// Whether it is Ctrl-C that is waited for.
#[cfg(not(unix))]
pub(crate) struct Signals(bool);

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> Signals {
        Signals(true)
    }

    pub(crate) fn interrupt() -> Signals {
        Signals(true)
    }

    pub(crate) fn but_interrupt() -> Signals {
        Signals(false)
    }

    fn of_a_service() -> Signals {
        Signals(true)
    }

    fn hangup() -> Signals {
        Signals(false)
    }

    pub(crate) async fn next(&mut self) {
        if !self.0 || tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
