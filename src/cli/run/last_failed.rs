//! Which scenarios did not follow their script when they were last played from this folder.
//!
//! One small file for each folder, below `$XDG_STATE_HOME/smtp-script` (`~/.local/state/smtp-script`): nothing is written
//! into the user's own folders. Where it cannot be written, nothing is remembered, and nothing is said: it is a convenience.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How the name of each file begins.
const PREFIX: &str = "last-failed";
/// Of how many folders something is remembered.
const MAX_FOLDERS: usize = 100;

/// The ids of what failed; `None` where nothing is known.
pub(super) fn read() -> Option<BTreeSet<String>> {
    let text = std::fs::read_to_string(file()?).ok()?;
    let ids: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    if ids.is_empty() { None } else { Some(ids) }
}

/// Remembers what came of this run: of what was not played in it, what was known before still holds.
pub(super) fn remember<'a>(results: impl Iterator<Item = (&'a str, bool)>) {
    let Some(file) = file() else { return };
    let before = read().unwrap_or_default();
    let mut now = before.clone();
    for (id, failed) in results {
        if failed {
            now.insert(id.to_owned());
        } else {
            now.remove(id);
        }
    }
    if now != before {
        let lines: Vec<String> = now.into_iter().collect();
        _ = file.parent().map(std::fs::create_dir_all);
        _ = std::fs::write(&file, lines.join("\n"));
        file.parent().into_iter().for_each(forget_oldest);
    }
}

/// Keeps what is known of the folders that were played last.
fn forget_oldest(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let mut files: Vec<_> = ours.filter_map(|it| Some((it.metadata().ok()?.modified().ok()?, it.path()))).collect();
    files.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
    for (_, file) in files.iter().skip(MAX_FOLDERS) {
        _ = std::fs::remove_file(file);
    }
}

fn file() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let folder = std::env::current_dir().ok()?;
    let name: String = folder.to_string_lossy().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    // The end of a long path tells more than its beginning; the length keeps two of them apart.
    let end: String = name.chars().rev().take(150).collect::<Vec<_>>().into_iter().rev().collect();
    Some(given.or_else(home)?.join("smtp-script").join(format!("{PREFIX}{}-{end}", name.len())))
}
