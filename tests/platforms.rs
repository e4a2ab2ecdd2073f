//! What only Unix has stands in few places, each with its `cfg`: everything else compiles on Windows as well.
//!
//! Read from the source, since the tests run on Linux only. It judges lines, not the compiler's view of them.

#[path = "harness/files.rs"]
mod files;

use files::files_below;
use regex::Regex;
use std::fs;
use std::path::Path;

/// Where it may stand: signals, sockets of Unix, modes of files, groups of processes.
const PLACES: [&str; 5] =
    ["src/net/channel.rs", "src/net/route.rs", "src/net/signals.rs", "src/run/program.rs", "src/server/store.rs"];

/// Paths of std, tokio and libc that are not there on Windows.
const UNIX_ONLY: &str =
    r"\bos::(unix|fd|linux|macos)\b|\bsignal::unix\b|\bUnix(Stream|Listener|Datagram)\b|\blibc::|\bnix::";

/// The code of the program itself: no comments, and nothing from the module of tests on.
fn code(text: &str) -> Vec<&str> {
    let program = text.split("#[cfg(test)]").next().unwrap_or_default();
    program.lines().map(|line| line.split("//").next().unwrap_or_default()).collect()
}

/// Whether the line, or the item that it stands in, is compiled for Unix only.
fn is_guarded(lines: &[&str], at: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut least = usize::MAX;
    for line in lines[..=at].iter().rev().filter(|line| !line.trim().is_empty()) {
        if indent(line) <= least && line.contains("cfg(unix)") {
            return true;
        }
        // Past the head of an outermost item there is only what belongs to others.
        if least == 0 && !line.trim_start().starts_with("#[") {
            return false;
        }
        least = least.min(indent(line));
    }
    false
}

#[test]
fn what_only_unix_has_stands_in_its_places() {
    let unix_only = Regex::new(UNIX_ONLY).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    let sources = files_below(&root.join("src"), "rs").into_iter();
    let files: Vec<(String, String)> = sources.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect();
    assert!(files.len() > 50, "the sources were not found");
    let mut faults = Vec::new();
    for (name, text) in &files {
        if name.contains("/tests/") || name.ends_with("tests.rs") {
            continue;
        }
        let lines = code(text);
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| unix_only.is_match(line)) {
            let place = format!("{name}:{}: {}", at + 1, line.trim());
            if !PLACES.contains(&name.as_str()) {
                faults.push(format!("{place}\n    is not there on Windows: put it behind a function of {PLACES:?}"));
            } else if !is_guarded(&lines, at) {
                faults.push(format!("{place}\n    has no `#[cfg(unix)]`"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
