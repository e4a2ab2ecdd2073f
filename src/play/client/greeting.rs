//! A greeting that does not come: does the port begin with TLS?
//!
//! A port that begins with TLS (RFC 8314 section 3.3) says nothing to a client that waits for a greeting in plain text, and a
//! slow server says nothing either. Who plays a scenario cannot tell them apart, so the runner connects once more and begins
//! with a TLS handshake. The transcript says so. Never while the greeting may still come: a server that delays it takes
//! octets before it for those of a spammer. Called by `expecting`.

use crate::net::tls_port::{LOOK_TIME, TlsLook, look_for_tls};
use crate::play::client::ground::StepAt;
use crate::session::{Session, Trouble};
use std::time::Duration;

/// How long, at least, a port that begins with TLS waits for a client.
const PATIENCE: Duration = Duration::from_secs(1);

impl StepAt<'_> {
    /// Finds out whether a port that said nothing begins with TLS.
    pub(crate) async fn look_for_tls(&mut self, trouble: &Trouble) {
        let (arrived, has_closed) = match trouble {
            Trouble::Timeout { arrived, .. } => (arrived, false),
            Trouble::Closed { arrived } | Trouble::Broken { arrived, .. } => (arrived, true),
            _ => return,
        };
        // Of many runs at once each would open one more connection, to a server that may be at its limit.
        let is_one_of_many = self.ground.settings.admission.is_some();
        let time = self.stage.bounded(LOOK_TIME.min(self.wait));
        if !arrived.is_empty() || is_one_of_many || time.is_zero() {
            return;
        }
        let step = self.step;
        let Some(open) = self.sessions.named_mut(step.session_name()) else { return };
        let endpoint = &open.endpoint;
        let has_plain_start = open.session.greeting().is_none() && open.session.tls().is_none();
        // A server that closes at once had no patience for TLS either.
        let is_impatient = has_closed && open.session.silent_for() < PATIENCE;
        if !has_plain_start || is_impatient || endpoint.is_own_server || endpoint.implicit_tls {
            return;
        }
        let look = look_for_tls(&endpoint.route, &endpoint.host, time).await;
        if look == TlsLook::Tls {
            let name = Session::name(&open.session).clone();
            self.stage.log.note(&name, "connected once more, to see whether this port begins with TLS: it does");
        }
        open.session.set_tls_look(look);
    }
}
