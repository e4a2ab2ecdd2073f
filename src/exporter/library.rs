//! What can be probed: the scenarios by name, with their values, and the targets that are allowed.
//!
//! Replaced as a whole by a reload, while probes under way keep what they began with.

use super::TargetPattern;
use crate::run::Settings;
use crate::scenario::{Diagnostic, Scenario, Variables};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one load gave.
pub(crate) struct Library {
    /// The scenarios by the name that a probe gives.
    pub(crate) scenarios: BTreeMap<String, Arc<ProbeScenario>>,
    /// Where probes may go.
    pub(crate) targets: Vec<TargetPattern>,
}

/// A scenario that was checked, with its values and the settings that every probe of it has.
pub(crate) struct ProbeScenario {
    pub(crate) scenario: Scenario,
    pub(crate) variables: Variables,
    pub(crate) settings: Settings,
    /// What `check` said of it.
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Library {
    /// Whether probes may go to this server.
    pub(super) fn allows(&self, host: &str, port: u16) -> bool {
        self.targets.iter().any(|pattern| pattern.matches(host, port))
    }
}
