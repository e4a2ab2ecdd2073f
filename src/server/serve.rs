//! Runs a sandbox by itself until it has done enough, or is asked to end.
//!
//! Responsible for the runtime, for signals, and for an end in order: nobody is let in any more, those who are there are
//! told to go, and then it is over. `serve --sandbox` calls it.

use crate::net::clock;
use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::runtime;

use crate::net::signals::Signals;

use super::sandbox::{LINGER, Sandbox, SandboxOptions, SandboxStage};

/// How long sessions may go on when there are messages enough: a client wants to say QUIT.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a farewell may take on its way.
const FAREWELL: Duration = Duration::from_secs(1);

/// When it is enough.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// Messages; 0 means no limit.
    pub(crate) messages: u64,
    /// The time to serve.
    pub(crate) time: Option<Duration>,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// There were as many messages as were wanted.
    Messages,
    /// There were as many sessions as were wanted.
    Sessions,
    /// The time is over, or somebody has interrupted it.
    Now,
}

/// What was done, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SandboxServed {
    pub(crate) sessions: u64,
    pub(crate) messages: u64,
    pub(crate) lost_messages: u64,
}

/// Starts a sandbox, calls `started` when clients can connect, and returns when it is over.
///
/// # Errors
/// It cannot listen, its certificate is none, or `started` fails.
pub(crate) fn serve(
    options: SandboxOptions,
    limits: Limits,
    started: impl FnOnce(&Sandbox) -> io::Result<()>,
) -> io::Result<SandboxServed> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let max_sessions = options.max_sessions;
        let mut sandbox = Sandbox::start(options)?;
        sandbox.prepare_tls()?;
        let mut signals = Signals::listen();
        started(&sandbox)?;
        let end = tokio::select! {
            end = enough(&sandbox, max_sessions, limits) => end,
            () = signals.next() => Reason::Now,
        };
        sandbox.enter(SandboxStage::Closed);
        if end != Reason::Now {
            let patience = if end == Reason::Sessions { Duration::MAX } else { LAST_WORDS };
            tokio::select! {
                _ = clock::within(patience, sandbox.gone()) => {}
                () = signals.next() => {}
            }
        }
        sandbox.enter(SandboxStage::Farewell);
        // Whoever is still there then hears nothing more, nor after another signal.
        tokio::select! {
            _ = clock::within(LINGER + FAREWELL, sandbox.gone()) => {}
            () = signals.next() => {}
        }
        let counts = sandbox.counts();
        let (sessions, messages) = (counts.sessions(), counts.messages());
        Ok(SandboxServed { sessions, messages, lost_messages: counts.lost_messages() })
    })
}

async fn enough(sandbox: &Sandbox, max_sessions: u64, limits: Limits) -> Reason {
    let time = async {
        match limits.time {
            Some(time) => clock::rest(time).await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = sandbox.counts().reached(max_sessions, limits.messages) => {
            let is_messages = limits.messages != 0 && sandbox.counts().messages() >= limits.messages;
            if is_messages { Reason::Messages } else { Reason::Sessions }
        }
        () = time => Reason::Now,
    }
}
