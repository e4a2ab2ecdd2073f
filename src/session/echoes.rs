//! What counts as an echo: a secret that the server sent back.

use crate::secret::Masker;
use std::sync::{Arc, OnceLock};

/// The secrets that a server may know. Without them every secret counts.
#[derive(Debug, Default)]
pub(crate) struct Echoes(OnceLock<Arc<Masker>>);

impl Echoes {
    /// Only what this finds counts: of another secret the server can but guess, and must not learn that it did.
    pub(crate) fn count_those_of(&self, secrets: Arc<Masker>) {
        // The first word holds: a session is opened once.
        _ = self.0.set(secrets);
    }

    /// Whether `bytes` hold one; `all` finds every secret.
    pub(crate) fn are_in(&self, bytes: &[u8], all: &Masker) -> bool {
        self.0.get().map_or(all, |secrets| secrets).finds(bytes)
    }
}
