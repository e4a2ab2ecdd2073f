//! Whether a port begins with TLS (RFC 8314 section 3.3).
//!
//! Such a port says nothing to a client that waits for a greeting in plain text, and a slow server says nothing either.
//! Responsible for the one more connection that tells them apart. Called by who waited: `play` and `shell`.

use super::route::{self, Connected, Route};
use super::tls::{Connector, TlsFailureReason, TlsOptions};
use std::time::Duration;

/// How long another look at a server may take.
pub(crate) const LOOK_TIME: Duration = Duration::from_secs(5);

/// Whether a `ClientHello` is answered in TLS. It has no deadline of its own but for connecting.
pub(crate) async fn begins_with_tls(route: &Route, host: &str) -> bool {
    let Ok(Connected { stream, .. }) = route::open(route, LOOK_TIME, &mut |_| {}).await else { return false };
    let options = TlsOptions { verify: false, ..TlsOptions::default() };
    let Ok(connector) = Connector::new(&options) else { return false };
    match stream.upgrade(&connector, host).await {
        Ok((stream, _)) => {
            stream.close().await;
            true
        }
        Err(failure) => matches!(failure.reason, TlsFailureReason::Alert(_) | TlsFailureReason::ProtocolVersion),
    }
}
