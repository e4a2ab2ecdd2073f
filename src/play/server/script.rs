//! What all connections of one scripted server share: what is played on them, names, time, certificates.

use super::offer::NoCertificate;
use super::tally::Tally;
use crate::play::Stop;
use crate::play::scope::ScopeNames;
use crate::scenario::server::Server;
use crate::scenario::{Secret, Templates};
use crate::server::{Acceptor, Authority, FallbackSettings};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What all connections of one server share.
pub(crate) struct Script {
    parts: ScriptParts,
    pub(crate) address: SocketAddr,
    pub(crate) fallback: FallbackSettings,
    /// How often the rules matched and answered, on all connections.
    pub(crate) tally: Tally,
    authority: OnceLock<Result<Arc<Authority>, NoCertificate>>,
    /// For TLS as the server itself is set, without what a connection or a step says otherwise.
    pub(super) acceptor: OnceLock<Result<Acceptor, NoCertificate>>,
    /// Whether the client of the same file has diverged: what then misses follows from that.
    abandoned: AtomicBool,
}

/// What a script is made of.
pub(crate) struct ScriptParts {
    pub(crate) server: Arc<Server>,
    pub(crate) names: ScopeNames,
    pub(crate) templates: Arc<Templates>,
    pub(crate) timeout: Duration,
    /// When the whole run must be over.
    pub(crate) due: Option<Instant>,
    pub(crate) file_root: Option<PathBuf>,
    pub(crate) show_secrets: bool,
    pub(crate) insecure_secrets: bool,
    pub(crate) stop: Stop,
    /// The secrets of the run: logins by their values are taken, and they are masked.
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// Who signs certificates, where clients trust somebody already.
    pub(crate) authority: Option<Arc<Authority>>,
    /// What certificates are for, beside the names of loopback.
    pub(crate) host_names: Vec<String>,
}

impl Deref for Script {
    type Target = ScriptParts;

    fn deref(&self) -> &ScriptParts {
        &self.parts
    }
}

impl Script {
    /// The script of a server that is reached at `address`.
    pub(crate) fn new(parts: ScriptParts, address: SocketAddr) -> Script {
        let signed = parts.authority.clone().map(Ok);
        Script {
            tally: Tally::new(parts.server.rules.len()),
            fallback: FallbackSettings::new(parts.secrets.values().map(|secret| secret.expose().to_owned())),
            authority: signed.map_or_else(OnceLock::new, OnceLock::from),
            acceptor: OnceLock::new(),
            abandoned: AtomicBool::new(false),
            address,
            parts,
        }
    }

    /// The certificate that a client must trust, in PEM: the authority's, or the server's own where it signed itself.
    pub(crate) fn trust_pem(&self) -> Result<Vec<u8>, NoCertificate> {
        self.acceptor().map(|acceptor| acceptor.trust_pem.clone())
    }

    /// The run's certification authority in PEM.
    pub(crate) fn authority_pem(&self) -> Option<Vec<u8>> {
        self.authority().ok().and_then(Authority::to_pem)
    }

    /// The client has left its script: what the server misses from now on follows from that.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    pub(crate) fn run_is_over(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    pub(crate) fn authority(&self) -> Result<&Authority, NoCertificate> {
        let made = self.authority.get_or_init(|| {
            let fault = |error| NoCertificate(format!("the certification authority could not be made: {error}"));
            Authority::new().map(Arc::new).map_err(fault)
        });
        made.as_deref().map_err(Clone::clone)
    }
}
