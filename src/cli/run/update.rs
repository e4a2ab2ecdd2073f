//! `--update`: writes what servers say today into the expectations of the files, for review with `git diff`.
//!
//! Responsible for the files: which may be written, that they are still what was read, and that none is left half written.

use super::prepare::Prepared;
use crate::cli::screen;
use crate::cli::targets::STANDARD_INPUT;
use crate::run::{Outcome, Rewrite};
use crate::scenario::{Sources, reason};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

/// For each range of a file the new text.
type Edits = BTreeMap<(u32, u32), String>;

/// The rewritten parts of all files that were played.
#[derive(Debug, Default)]
pub(super) struct Updates {
    /// For each file its text as it was read, and what is changed in it.
    files: BTreeMap<String, (String, Edits)>,
    /// Places where two runs would write two things.
    disputed: Vec<String>,
}

/// Refuses scenarios that are no files of the user's.
pub(super) fn refuse_unwritable(prepared: &Prepared) -> Result<(), String> {
    for play in &prepared.plays {
        let sources = &play.scenario.sources;
        for name in std::iter::once(sources.name()).chain(sources.included()) {
            if name == STANDARD_INPUT || !is_yaml(name) || !Path::new(name).is_file() {
                let name = crate::visible(name.as_bytes());
                return Err(format!("`--update` writes into YAML files, and `{name}` is none that could be written"));
            }
        }
    }
    Ok(())
}

impl Updates {
    /// Takes what one run would write.
    pub(super) fn take(&mut self, outcome: &Outcome) {
        for Rewrite { span, text } in &outcome.rewrites {
            let Some(source) = outcome.sources.file(span.file) else { continue };
            let (_, edits) =
                self.files.entry(source.name.clone()).or_insert_with(|| (source.text.clone(), BTreeMap::new()));
            let before = edits.entry((span.start, span.end)).or_insert_with(|| text.clone());
            if before != text {
                self.disputed.push(format!(
                    "{}: one run would write `{before}` there, another `{text}`",
                    place(&outcome.sources, *span)
                ));
            }
        }
    }

    /// Writes the files, and says what was changed.
    pub(super) fn write(self) -> Result<(), String> {
        for disputed in &self.disputed {
            screen::notice(&format!("notice: {disputed}; the first was taken"));
        }
        let mut errors = Vec::new();
        for (name, (text, edits)) in &self.files {
            let mut sources = Sources::default();
            sources.add(name, text);
            for ((start, end), new) in edits {
                let span = crate::scenario::Span { file: 0, start: *start, end: *end };
                let old = crate::visible(sources.slice(span).as_bytes());
                screen::result(&format!("updated {}: {old} is now {new}\n", place(&sources, span)));
            }
            if let Err(message) = replace(Path::new(name), text, &edited(text, edits)) {
                errors.push(message);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\nerror: ")) }
    }
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
fn replace(path: &Path, before: &str, after: &str) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("cannot update `{}`: {}", path.display(), reason(&error));
    let path = path.canonicalize().map_err(fault)?;
    let now = std::fs::read_to_string(&path).map_err(fault)?;
    let mark = if now.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    if now.strip_prefix('\u{feff}').unwrap_or(&now) != before {
        return Err(format!("cannot update `{}`: it was changed while it was played", path.display()));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let unfinished = path.with_file_name(format!(".{name}.{}", std::process::id()));
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
