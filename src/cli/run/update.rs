//! `--update`: writes what servers say today into the expectations of the files, for review with `git diff`.
//!
//! Responsible for the files: which may be written, that they are still what was read, and that none is left half written.

use super::prepared::Prepared;
use crate::cli::new_file;
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::cli::targets::STANDARD_INPUT;
use crate::load::load_text;
use crate::run::{Outcome, Rewrite};
use crate::scenario::{Sources, reason};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

/// For each range of a file the new text.
type Edits = BTreeMap<(u32, u32), String>;

/// The rewritten parts of all files that were played.
#[derive(Debug, Default)]
pub(super) struct Updates {
    /// For each file its text as it was read, and what is changed in it.
    files: BTreeMap<String, (String, Edits)>,
    /// For each file the ranges of expectations that held somewhere.
    held: BTreeMap<String, BTreeSet<(u32, u32)>>,
    /// Places where two runs would write two things.
    disputed: BTreeMap<(String, u32, u32), String>,
}

/// Refuses scenarios that are no files of the user's.
pub(super) fn refuse_unwritable(prepared: &Prepared) -> Result<(), Refusal> {
    for play in &prepared.plays {
        let sources = &play.scenario.sources;
        for name in std::iter::once(sources.name()).chain(sources.included()) {
            if name == STANDARD_INPUT || !is_yaml(name) || !Path::new(name).is_file() {
                let name = crate::visible(name.as_bytes());
                return Err(
                    format!("`--update` writes into YAML files, and `{name}` is none that could be written").into()
                );
            }
        }
    }
    Ok(())
}

impl Updates {
    /// Takes what one run would write.
    pub(super) fn take(&mut self, outcome: &Outcome) {
        for span in &outcome.held {
            if let Some(source) = outcome.sources.file(span.file) {
                self.held.entry(source.name.clone()).or_default().insert((span.start, span.end));
            }
        }
        for Rewrite { span, text } in &outcome.rewrites {
            let Some(source) = outcome.sources.file(span.file) else { continue };
            let (_, edits) =
                self.files.entry(source.name.clone()).or_insert_with(|| (source.text.clone(), BTreeMap::new()));
            let before = edits.entry((span.start, span.end)).or_insert_with(|| text.clone());
            if before != text {
                let told =
                    format!("{}: one reply asks for `{before}`, another for `{text}`", place(&outcome.sources, *span));
                self.disputed.insert((source.name.clone(), span.start, span.end), told);
            }
        }
    }

    /// Writes the files, and says what was changed. What one reply asks for and another does not stays, and is an error.
    pub(super) fn write(mut self) -> Result<(), Refusal> {
        let mut refusals = self.withdraw();
        for (name, (text, edits)) in self.files.iter().filter(|(_, (_, edits))| !edits.is_empty()) {
            let mut sources = Sources::default();
            sources.add(name, text);
            let after = edited(text, edits);
            let written = stays_sound(name, &after).and_then(|()| replace(Path::new(name), text, &after));
            if let Err(refusal) = written {
                refusals.push(refusal);
                continue;
            }
            for ((start, end), new) in edits {
                let span = crate::scenario::Span { file: 0, start: *start, end: *end };
                let old = crate::visible(sources.slice(span).as_bytes());
                screen::notice(&format!("updated {}: {old} is now {new}", place(&sources, span)));
            }
        }
        Refusal::of_all(&refusals)
    }

    /// Takes back what cannot hold everywhere, and tells each place.
    fn withdraw(&mut self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for ((name, start, end), told) in std::mem::take(&mut self.disputed) {
            if let Some((_, edits)) = self.files.get_mut(&name) {
                edits.remove(&(start, end));
            }
            refusals.push(format!("cannot update {told}").into());
        }
        for (name, (text, edits)) in &mut self.files {
            let held = self.held.remove(name).unwrap_or_default();
            let mut sources = Sources::default();
            sources.add(name.as_str(), text.as_str());
            edits.retain(|(start, end), new| {
                let holds = held.iter().any(|(from, to)| from <= start && start < to.max(&(from + 1)));
                if holds {
                    let span = crate::scenario::Span { file: 0, start: *start, end: *end };
                    let place = place(&sources, span);
                    let why = format!("cannot update {place}: one reply asks for `{new}`, and another is as expected");
                    refusals.push(why.into());
                }
                !holds
            });
        }
        refusals
    }
}

/// Whether a file is still read as before.
fn stays_sound(name: &str, after: &str) -> Result<(), Refusal> {
    let faults = |text: &str| load_text(name, text).err().map_or(0, |error| error.diagnostics.len());
    let before = std::fs::read_to_string(name).unwrap_or_default();
    if faults(after) <= faults(&before) {
        return Ok(());
    }
    let name = crate::visible(name.as_bytes());
    Err(format!("cannot update `{name}`: what would stand there is no scenario any more; change it by hand").into())
}

fn place(sources: &Sources, span: crate::scenario::Span) -> String {
    let position = sources.position(span);
    let name = sources.file(span.file).map_or("", |source| source.name.as_str());
    format!("{}:{}:{}", crate::visible(name.as_bytes()), position.line, position.column)
}

fn edited(text: &str, edits: &Edits) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut from = 0;
    for ((start, end), new) in edits {
        edited.push_str(text.get(from..*start as usize).unwrap_or_default());
        edited.push_str(new);
        from = *end as usize;
    }
    edited.push_str(text.get(from..).unwrap_or_default());
    edited
}

/// Gives the file its new text in one step. A file that somebody changed meanwhile stays as it is.
fn replace(path: &Path, before: &str, after: &str) -> Result<(), Refusal> {
    let fault =
        |error: std::io::Error| Refusal::from(format!("cannot update `{}`: {}", path.display(), reason(&error)));
    let path = path.canonicalize().map_err(fault)?;
    let now = std::fs::read_to_string(&path).map_err(fault)?;
    let mark = if now.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    if now.strip_prefix('\u{feff}').unwrap_or(&now) != before {
        return Err(format!("cannot update `{}`: it was changed while it was played", path.display()).into());
    }
    let unfinished = new_file::unfinished(&path);
    let write = || {
        let mut file = std::fs::File::create_new(&unfinished)?;
        file.write_all(mark.as_bytes())?;
        file.write_all(after.as_bytes())?;
        file.set_permissions(path.metadata()?.permissions())?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &path)
    };
    write().map_err(|error| {
        _ = std::fs::remove_file(&unfinished);
        fault(error)
    })
}

fn is_yaml(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_places_change() {
        let text = "- expect: ^220 # greeting\n- expect: '^250'\n";
        let edits = BTreeMap::from([((10, 14), "^554".to_owned()), ((36, 42), "'^550'".to_owned())]);
        assert_eq!(edited(text, &edits), "- expect: ^554 # greeting\n- expect: '^550'\n");
    }
}
