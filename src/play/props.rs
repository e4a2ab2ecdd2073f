//! What every playing of a scenario with the same values has in common, made once: under load that is most of the work.
//!
//! Called by whoever plays: `run` keeps it from one run to the next, `player` begins with it.

use crate::play::Settings;
use crate::play::scope::ScopeNames;
use crate::scenario::Variables;
use crate::secret::Masker;
use std::sync::Arc;

/// The names with their values before the first step, and what hides the secrets among them.
#[derive(Debug, Clone)]
pub(crate) struct Props {
    pub(super) names: ScopeNames,
    pub(super) masker: Arc<Masker>,
    /// Things to know about the secrets.
    pub(super) notices: Vec<String>,
}

impl Props {
    pub(crate) fn new(variables: &Variables, settings: &Settings) -> Props {
        let masker = if settings.show_secrets { Masker::default() } else { Masker::of(variables) };
        let notices = masker.too_short().iter().map(ToString::to_string).collect();
        Props { names: ScopeNames::new(variables), masker: Arc::new(masker), notices }
    }
}
