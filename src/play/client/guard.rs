//! Where a secret may go: whether the session that a step speaks on is fit for it.
//!
//! Asked by `steps` before a secret is sent; what depends on secrets is `disclosure`'s business.

use crate::play::client::disclosure::chooses_whom_to_trust;
use crate::play::client::ground::Ground;
use crate::play::client::sessions::Open;
use crate::play::stage::Stage;
use crate::scenario::Step;

/// A step that would send a secret, and the session it would go over.
pub(super) struct SecretGuard<'g> {
    pub(super) ground: &'g Ground<'g>,
    pub(super) stage: &'g Stage,
    pub(super) step: &'g Step,
    pub(super) open: &'g Open,
}

impl SecretGuard<'_> {
    /// Why it may not, and what helps. A secret goes over a verified TLS session or to this machine only, unless the user
    /// says otherwise. An untrusted scenario sends it to no other host than the user named for it.
    pub(super) fn refusal(&self) -> Option<(String, String)> {
        if let Some(unbound) = self.unbound() {
            return Some(unbound);
        }
        let session = &self.open.session;
        if self.ground.settings.insecure_secrets || session.is_local() {
            return None;
        }
        let why = match session.tls() {
            Some(tls) if tls.verified => return None,
            Some(_) => "whose certificate was not verified",
            None => "in plain text",
        };
        let message = format!("a secret would go to {} over a connection {why}", self.open.endpoint.target.host);
        let help = self.ground.settings.idiom.of(
            "begin TLS first (`- starttls`), or allow it with `--insecure-secrets`",
            "give `--starttls` or `--tls`, or allow it with `--insecure-secrets`",
        );
        Some((message, help.to_owned()))
    }

    /// The first secret that was not given for the host that it would go to.
    fn unbound(&self) -> Option<(String, String)> {
        let settings = self.ground.settings;
        if !settings.untrusted {
            return None;
        }
        let (bound, target) = (&settings.bound, self.open.endpoint.target.host.as_str());
        let hosts = [if settings.to.is_some() { target } else { self.open.endpoint.host.as_str() }, target];
        let session = self.step.session_name();
        let own_trust = chooses_whom_to_trust(self.ground.scenario, session) && !self.open.session.is_local();
        self.stage.names.flow().secrets_told_by(self.step).into_iter().find_map(|secret| {
            let message = if !bound.allows(&secret, &hosts) {
                format!("the secret `{secret}` would go to {target}, and it was not given for that host")
            } else if own_trust && !bound.is_made_up(&secret) {
                format!("the secret `{secret}` would go to {target} by a certificate that the scenario chooses")
            } else {
                return None;
            };
            Some((message, format!("`--allow-secret {secret}@{target}` allows it, for a certificate of that name")))
        })
    }
}
