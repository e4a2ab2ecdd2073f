//! Files of the repository, for tests that read all of a kind.

use std::fs;
use std::path::{Path, PathBuf};

/// All files below a folder whose names end so (`yaml`), in order.
#[expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]
pub(crate) fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}
