//! Everything that can be known to be wrong before the first connection.
//!
//! Responsible for names (variables, filters, functions, sessions), patterns and files, and for lints: a scenario that
//! can be run but does not mean what it says. The shape of the file was checked when it was parsed.

mod auth;
mod connection;
mod content;
mod expect;
mod files;
mod group;
mod names;
mod patterns;
mod played;
mod server;
mod steps;
mod unknown;
mod whole;

use super::lint::lint;
use super::lost::Lost;
use super::sides::Side;
use super::source::Diagnostic;
use super::{Scenario, Templates, Variables};
use played::Played;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

pub(crate) use files::{reason, resolve_file};
pub(crate) use names::BUILT_IN_NAMES;
pub(crate) use patterns::meant;
pub(crate) use server::parse_listen;

/// What `check` needs to know beside the scenario.
#[derive(Debug, Clone)]
pub(crate) struct CheckContext {
    /// The folder that files are read from.
    pub(crate) file_root: Option<PathBuf>,
    /// The values of variables, where they are known.
    pub(crate) variables: Option<Variables>,
    /// Whether the scenario is not trusted: a secret decides nothing in it.
    pub(crate) untrusted: bool,
    pub(crate) pem: PemChecks,
    /// What was found before of the same file.
    pub(crate) known: Arc<KnownFindings>,
}

/// What is found of a file whatever its variables are: for thousands of cases it is looked for once.
#[derive(Debug, Default)]
pub(crate) struct KnownFindings {
    /// Of the values of all cases, with the names that they use.
    cases: OnceLock<(Vec<Diagnostic>, BTreeSet<String>)>,
    lints: OnceLock<Vec<Diagnostic>>,
}

/// What is wrong with files of a server's TLS; whoever speaks TLS knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PemChecks {
    /// Of certificates.
    pub(crate) certificate: fn(&[u8]) -> Option<String>,
    /// Of the key that belongs to sound certificates: these, and the key.
    pub(crate) key: fn(&[u8], &[u8]) -> Option<String>,
}

impl Default for PemChecks {
    /// For scenarios without a server: nothing is looked at.
    fn default() -> PemChecks {
        PemChecks { certificate: |_| None, key: |_, _| None }
    }
}

/// Finds every error and lint.
pub(crate) fn check(scenario: &Scenario, context: &CheckContext) -> Vec<Diagnostic> {
    let mut checker = Checker {
        context,
        templates: Templates::for_check(super::Chance::seeded(0)),
        diagnostics: Vec::new(),
        vars: scenario.vars.iter().map(|var| var.name.name.clone()).collect(),
        lost: &scenario.lost,
        secrets: scenario.secrets.iter().map(|secret| secret.name.clone()).collect(),
        names: BTreeSet::new(),
        bound: BTreeSet::new(),
        played: Played::Surely,
        has_server: scenario.has_server(),
        used: BTreeSet::new(),
        sessions: BTreeSet::new(),
        side: Side::Client,
    };
    checker.declarations(scenario);
    checker.cases_once(scenario);
    server::server(&mut checker, scenario);
    steps::all_steps(&mut checker, scenario);
    checker.claim(scenario);
    checker.unused(scenario);
    checker.secrets_that_decide(scenario);
    if !checker.diagnostics.iter().any(Diagnostic::is_error) {
        checker.diagnostics.extend(context.known.lints.get_or_init(|| lint(scenario)).iter().cloned());
    }
    checker.diagnostics.sort_by_key(|diagnostic| (diagnostic.span.file, diagnostic.span.start));
    Diagnostic::listed(checker.diagnostics)
}

impl Checker<'_> {
    /// What is wrong with the cases, each time the same.
    fn cases_once(&mut self, scenario: &Scenario) {
        if let Some((found, used)) = self.context.known.cases.get() {
            self.diagnostics.extend(found.iter().cloned());
            self.used.extend(used.iter().cloned());
            return;
        }
        let (before, used) = (self.diagnostics.len(), std::mem::take(&mut self.used));
        self.cases(scenario);
        let found = (self.diagnostics[before..].to_vec(), self.used.clone());
        _ = self.context.known.cases.set(found);
        self.used.extend(used);
    }
}

struct Checker<'a> {
    context: &'a CheckContext,
    templates: Templates,
    diagnostics: Vec<Diagnostic>,
    /// The names of `vars`: what `connect` and file names may use.
    vars: BTreeSet<String>,
    /// What broken parts of the file would have given.
    lost: &'a Lost,
    secrets: BTreeSet<String>,
    /// Every name that is known at this point of the scenario.
    names: BTreeSet<String>,
    /// The names whose values groups give: those of the file are not meant where these hold.
    bound: BTreeSet<String>,
    /// Whether what is looked at is played at all.
    played: Played,
    /// Whether `server` means the server of the same file.
    has_server: bool,
    /// Names that some template reads.
    used: BTreeSet<String>,
    /// Sessions that a step before this one opened.
    sessions: BTreeSet<String>,
    /// Whose steps are looked at.
    side: Side,
}
