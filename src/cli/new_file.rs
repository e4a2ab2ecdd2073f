//! Writes files that did not exist before, or as a whole.
//!
//! Responsible for files that people give names to, such as `-o FILE`: never half written, and never in place of another
//! file that nobody said may go. `-` is standard output.

use super::screen;
use crate::cli::refusal::Refusal;
use crate::scenario::reason;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes `text` to `path`; an existing file only where `replace` says so.
pub(super) fn write(path: &Path, text: &str, replace: bool) -> Result<(), Refusal> {
    if is_standard_output(path) {
        screen::result(text);
        return Ok(());
    }
    refuse_existing(path, replace)?;
    let unfinished = unfinished(path);
    let written = fill(&unfinished, text).and_then(|()| put_in_place(&unfinished, path, replace));
    if written.is_err() {
        // It may not even exist; the reason of the failure is what matters.
        _ = std::fs::remove_file(&unfinished);
    }
    written.map_err(|error| Refusal::unwritable(path, &error))
}

/// Says what comes next, where a scenario was written to a file.
pub(super) fn say_next(path: &Path) {
    if !is_standard_output(path) {
        let file = crate::visible(path.display().to_string().as_bytes());
        screen::notice(&format!(
            "wrote `{file}`: `smtp-script run {file}` plays it, with `--sandbox` without its server"
        ));
    }
}

/// What a file is called until it is whole: in the same folder, so that giving it its name is one step.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// Whether a path is `-`: standard output.
pub(super) fn is_standard_output(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses a file that exists, before work is done for it.
pub(super) fn refuse_existing(path: &Path, replace: bool) -> Result<(), Refusal> {
    if !replace && path.symlink_metadata().is_ok() {
        return Err(format!("`{}` exists already: name another file, or give --force", path.display()).into());
    }
    Ok(())
}

/// Refuses a folder that does not exist, before work is done for a file in it.
pub(super) fn refuse_missing_folder(path: &Path) -> Result<(), Refusal> {
    let folder = folder_of(path);
    let shown = |why: &str| format!("cannot write `{}`: {why}", path.display());
    match folder.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(shown(&format!("`{}` is no folder", folder.display())).into()),
        Err(error) => Err(shown(&format!("`{}`: {}", folder.display(), reason(&error))).into()),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn fill(unfinished: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::create(unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A file that came into being meanwhile stays: a link, unlike a move, replaces nothing.
fn put_in_place(unfinished: &Path, path: &Path, replace: bool) -> std::io::Result<()> {
    if replace {
        return std::fs::rename(unfinished, path);
    }
    match std::fs::hard_link(unfinished, path) {
        Ok(()) => std::fs::remove_file(unfinished),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links.
        Err(_) => std::fs::rename(unfinished, path),
    }
}
