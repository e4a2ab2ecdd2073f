//! The file that lines are remembered in.

use std::path::PathBuf;

/// Below `$XDG_STATE_HOME`, or `~/.local/state`; `None` where there is neither.
pub(super) fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    let folder = state.join("smtp-script");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
