//! Whether a port begins with TLS (RFC 8314 section 3.3).
//!
//! Such a port says nothing to a client that waits for a greeting in plain text, and a slow server says nothing either.
//! Responsible for the one more connection that tells them apart. Called by who waited: `play` and `shell`.

use super::clock;
use super::route::{self, Connected, Route};
use super::tls::{Connector, TlsFailureReason, TlsOptions};
use std::time::Duration;

/// How long another look at a server may take.
pub(crate) const LOOK_TIME: Duration = Duration::from_secs(5);

/// What a port answered to a `ClientHello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsLook {
    /// TLS: the port begins with it.
    Tls,
    /// Nothing, while the connection stayed open.
    Silence,
    /// Octets that are no TLS: the first ones.
    Other(Vec<u8>),
    /// No second connection, or one that ended.
    Ended,
    /// The first connection began with TLS itself: no second one was needed.
    Begun,
}

/// Connects once more, begins with TLS, and waits this long for what comes.
pub(crate) async fn look_for_tls(route: &Route, host: &str, time: Duration) -> TlsLook {
    clock::within(time, looked(route, host)).await.unwrap_or(TlsLook::Silence)
}

async fn looked(route: &Route, host: &str) -> TlsLook {
    let Ok(Connected { stream, .. }) = route::open(route, LOOK_TIME, &mut |_| {}).await else { return TlsLook::Ended };
    let options = TlsOptions { verify: false, ..TlsOptions::default() };
    let Ok(connector) = Connector::new(&options) else { return TlsLook::Ended };
    match stream.upgrade(&connector, host).await {
        Ok((stream, _)) => {
            stream.close().await;
            TlsLook::Tls
        }
        Err(failure) => match failure.reason {
            TlsFailureReason::Alert(_) | TlsFailureReason::ProtocolVersion => TlsLook::Tls,
            TlsFailureReason::NotTls => TlsLook::Other(failure.received),
            _ => TlsLook::Ended,
        },
    }
}
