//! Which files a scenario may read: the boundary that a stranger's file cannot pass.
//!
//! Responsible for resolving the names of files, and for what is wrong with those that a scenario names. Everything that
//! reads a file for a scenario calls [`resolve_file`].

use super::Checker;
use crate::scenario::Misread;
use crate::scenario::template::Text;
use std::path::{Component, Path, PathBuf};

// --- files -------------------------------------------------------------------------------------------------

pub(super) fn file(checker: &mut Checker<'_>, text: &Text) {
    checker.text_of_vars(text);
    let Some(name) = checker.known_text(text) else { return };
    if let Err(misread) = resolve_file(checker.context.file_root.as_deref(), &name) {
        let message = checker.without_secret(text, misread.to_string());
        let help = "a scenario reads files below its own folder; `--file-root DIR` moves that";
        let misfit = checker.misfit(text, message);
        checker.diagnostics.push(misfit.help(help));
    }
}

/// The templates in a file are checked like those of the scenario. Whether it can be read was checked before.
pub(super) fn templated_file(checker: &mut Checker<'_>, file: &Text) {
    let path = checker.known_text(file).and_then(|name| resolve_file(checker.context.file_root.as_deref(), &name).ok());
    let Some(content) = path.and_then(|path| std::fs::read_to_string(path).ok()) else { return };
    match Text::from_file(&content, file.span) {
        Ok(text) => checker.text(&text),
        Err(error) => checker.diagnostics.push(error.into_diagnostic()),
    }
}

/// The content of a file whose name is known, where it may and can be read.
pub(super) fn content_of(checker: &Checker<'_>, file: &Text) -> Option<Vec<u8>> {
    let name = checker.known_text(file)?;
    let path = resolve_file(checker.context.file_root.as_deref(), &name).ok()?;
    std::fs::read(path).ok()
}

/// The path of a file that a scenario names, if it may be read.
///
/// Regular files below `root` only, symbolic links resolved, no component that starts with a dot.
pub(crate) fn resolve_file(root: Option<&Path>, name: &str) -> Result<PathBuf, Misread> {
    let Some(root) = root else {
        return Err(Misread::new(format!("`{name}` may not be read: an untrusted scenario reads no file")));
    };
    let relative = Path::new(name);
    let hidden = |component: Component<'_>| match component {
        Component::Normal(part) => part.to_string_lossy().starts_with('.'),
        _ => false,
    };
    if relative.components().any(hidden) {
        return Err(Misread::new(format!("`{name}` may not be read: a part of it starts with a dot")));
    }
    let root = root
        .canonicalize()
        .map_err(|error| Misread::new(format!("cannot read the folder of `{name}`: {}", reason(&error))))?;
    let path = root
        .join(relative)
        .canonicalize()
        .map_err(|error| Misread::new(format!("cannot read `{name}`: {}", reason(&error))))?;
    let Ok(below) = path.strip_prefix(&root) else {
        return Err(Misread::new(format!("`{name}` may not be read: it lies outside of the scenario's folder")));
    };
    if below.components().any(hidden) {
        return Err(Misread::new(format!("`{name}` may not be read: a part of its path starts with a dot")));
    }
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(path),
        Ok(_) => Err(Misread::new(format!("`{name}` is not a regular file"))),
        Err(error) => Err(Misread::new(format!("cannot read `{name}`: {}", reason(&error)))),
    }
}

/// An error of the operating system in words, without its number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
