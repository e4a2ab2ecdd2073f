//! The checks that come with the program, and which of them are wanted.

use super::target::Role;
use crate::audit::NotPlayed;
use crate::library::{BuiltIn, CheckLibrary};
use crate::load::{LoadError, load_built_in};
use crate::scenario::{Level, Scenario, similar};
use std::sync::Arc;

/// One check: a scenario with a level.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// The name of its file.
    pub(crate) id: &'static str,
    /// The folder that it is in.
    pub(crate) group: &'static str,
    pub(crate) built_in: &'static BuiltIn,
    pub(crate) scenario: Arc<Scenario>,
}

/// What a server says of itself, asked before its checks are played.
const PROBE: BuiltIn = BuiltIn { name: "audit/_probe", text: include_str!("probe.yaml") };

/// The scenario that asks a server what it says of itself.
///
/// # Errors
/// As [`checks`].
pub(crate) fn probe() -> Result<Arc<Scenario>, LoadError> {
    load_built_in(&PROBE).map(Arc::new)
}

/// What a client does of itself, seen before its checks are played.
const CLIENT_PROBE: BuiltIn = BuiltIn { name: "audit-client/_probe", text: include_str!("client_probe.yaml") };

/// The scenario of a server that takes whatever a client does.
///
/// # Errors
/// As [`checks`].
pub(crate) fn client_probe() -> Result<Arc<Scenario>, LoadError> {
    load_built_in(&CLIENT_PROBE).map(Arc::new)
}

/// Every check, in the order of the library.
///
/// # Errors
/// A check that cannot be read; the tests keep the library free of mistakes.
pub(crate) fn checks(library: CheckLibrary) -> Result<Vec<Check>, LoadError> {
    let read = |built_in: &'static BuiltIn| {
        let scenario = Arc::new(load_built_in(built_in)?);
        let group = built_in.folder().rsplit('/').next().unwrap_or_default();
        Ok(Check { id: built_in.short_name(), group, built_in, scenario })
    };
    library.checks().map(read).collect()
}

impl Check {
    pub(crate) fn level(&self) -> Level {
        self.scenario.claim.level.unwrap_or(Level::Must)
    }

    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.scenario.tags.iter().any(|one| one == tag)
    }

    /// Whether it is about servers of this role: about all, where it names none.
    pub(crate) fn is_for(&self, role: Role) -> bool {
        !Role::ALL.iter().any(|one| self.has_tag(one.name())) || self.has_tag(role.name())
    }

    /// Why it is not played, where slow ones are not wanted.
    pub(crate) fn is_quick_or(&self, slow: bool) -> Result<(), NotPlayed> {
        let waits = self.has_tag("slow") && !slow;
        if waits { Err(NotPlayed("give --slow: it takes longer than 20 s".to_owned())) } else { Ok(()) }
    }

    /// Whether a word of `--only` or `--skip` means it: its id, its group, an RFC or a section of one.
    fn is_meant_by(&self, word: &str) -> bool {
        let section = word.trim_start_matches("RFC").trim_start_matches("rfc").trim();
        let of_rfc = |rfc: &String| rfc == section || rfc.split(' ').next() == Some(section);
        self.id == word || self.group == word || self.scenario.claim.rfc.iter().any(of_rfc)
    }
}

/// Which checks are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckChoice {
    /// Ids, groups and RFCs; all where there is none.
    pub(crate) only: Vec<String>,
    pub(crate) skip: Vec<String>,
    /// Those of this level, and worse ones.
    pub(crate) level: Option<Level>,
}

impl CheckChoice {
    /// The checks that are wanted.
    ///
    /// # Errors
    /// A word that means no check, with a suggestion.
    pub(crate) fn of(&self, all: Vec<Check>) -> Result<Vec<Check>, String> {
        for word in self.only.iter().chain(&self.skip) {
            if !all.iter().any(|check| check.is_meant_by(word)) {
                let known = all.iter().flat_map(|check| [check.id, check.group]);
                let near = similar(word, known).map(|near| format!("did you mean `{near}`?"));
                let help = near.unwrap_or_else(|| "`--list` shows them all".to_owned());
                return Err(format!("no check is called `{word}`, and no group or RFC of one\n  = help: {help}"));
            }
        }
        let wanted = |check: &Check| {
            let any = |words: &[String]| words.iter().any(|word| check.is_meant_by(word));
            (self.only.is_empty() || any(&self.only))
                && !any(&self.skip)
                && self.level.is_none_or(|level| check.level() >= level)
        };
        Ok(all.into_iter().filter(wanted).collect())
    }
}
