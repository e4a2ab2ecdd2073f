//! Which scenarios `--tag`, `--name`, `--last-failed` and `--shard` take, and what distinguishes one scenario from another.

use super::last_failed;
use super::options::SelectionArguments;
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::scenario::{Sources, name_pattern};
use std::collections::BTreeSet;

/// Which scenarios the options take.
pub(super) struct Selection {
    tags: Vec<String>,
    without: Vec<String>,
    name: Option<crate::scenario::NamePattern>,
    /// The ids of what did not follow its script.
    failed: Option<BTreeSet<String>>,
    shard: Option<(u32, u32)>,
}

impl Selection {
    pub(super) fn new(arguments: &SelectionArguments, is_load: bool) -> Result<Selection, Refusal> {
        let (without, tags): (Vec<_>, Vec<_>) = arguments.tags.iter().cloned().partition(|tag| tag.starts_with('!'));
        let name = arguments.name.as_deref().map(name_pattern).transpose();
        let failed = if arguments.last_failed { last_failed::read() } else { None };
        if arguments.last_failed && failed.is_none() {
            screen::notice("notice: nothing is known to have failed in this folder: everything is played");
        }
        Ok(Selection {
            tags,
            without: without.into_iter().map(|tag| tag[1..].to_owned()).collect(),
            name: name.map_err(|message| format!("`--name`: {message}"))?,
            failed,
            shard: arguments.shard.filter(|_| !is_load),
        })
    }

    /// Whether a scenario has the tags and the name.
    pub(super) fn takes(&self, name: Option<&str>, tags: &[String], sources: &Sources) -> bool {
        let tagged = self.tags.is_empty() || tags.iter().any(|tag| self.tags.contains(tag));
        let kept_out = tags.iter().any(|tag| self.without.contains(tag));
        let file = sources.name();
        let named =
            self.name.as_ref().is_none_or(|pattern| name.is_some_and(|it| pattern.finds(it)) || pattern.finds(file));
        tagged && !kept_out && named
    }

    /// Whether this one is to be played, of those that failed, in this shard.
    pub(super) fn selects(&self, id: &str) -> bool {
        let failed = self.failed.as_ref().is_none_or(|failed| failed.contains(id));
        let here = self.shard.is_none_or(|(index, count)| stable_hash(id) % u64::from(count) == u64::from(index - 1));
        failed && here
    }
}

/// What tells a scenario from all others, the same in every run and on every machine.
pub(super) fn identity(sources: &Sources, label: &str) -> String {
    let name = crate::visible(sources.name().as_bytes()).replace('\\', "/");
    let path = name.trim_start_matches("./");
    format!("{path} {label}").trim().to_owned()
}

/// FNV-1a: the same number for the same text in every version, which a partition over machines needs.
fn stable_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
