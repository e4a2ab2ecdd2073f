//! Secrets from files, the way platforms give them: NAME=VALUE lines, a folder with one file for each secret, and a file
//! that an environment variable names.
//!
//! The one reader of them, for every command that takes secrets. One line end at the end of a file is no part of the value,
//! nor is the mark of the byte order before it. No value is ever shown.

use super::refusal::Refusal;
use super::screen;
use super::values::{SECRET_PREFIX, lines_of};
use crate::scenario::{Secret, reason};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest file that is taken for a secret, in octets.
const MAX_SECRET: u64 = 1024 * 1024;

/// What files give, each name with its value and its place.
#[derive(Debug, Default)]
pub(super) struct SecretFiles {
    found: Vec<(String, Secret, PathBuf)>,
}

impl SecretFiles {
    /// Reads a folder and a file of lines; the lines stand above the folder.
    pub(super) fn read(folder: Option<&Path>, lines: Option<&Path>) -> Result<SecretFiles, Refusal> {
        let mut files = SecretFiles::default();
        if let Some(folder) = folder {
            files.read_folder(folder)?;
        }
        if let Some(file) = lines {
            refuse_odd_file(file)?;
            let pairs = lines_of(file).map_err(|fault| with_help_for_lines(&fault, file))?;
            files.found.extend(pairs.into_iter().map(|(name, value)| (name, Secret::new(value), file.to_owned())));
        }
        Ok(files)
    }

    /// A folder as Kubernetes, Docker and systemd make it: links are followed, entries that begin with a dot passed over.
    fn read_folder(&mut self, folder: &Path) -> Result<(), Refusal> {
        if folder.is_file() {
            let help = "for a file of NAME=VALUE lines there is --secrets-file";
            return Err(format!("`{}` is no folder: {help}", folder.display()).into());
        }
        let unreadable = |error: std::io::Error| Refusal::unreadable(folder, &error);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if !name.starts_with('.') && path.is_file() {
                self.found.push((name, Secret::new(value_of(&path)?), path));
            }
        }
        Ok(())
    }

    /// The names and values.
    pub(super) fn values(&self) -> impl Iterator<Item = (String, Secret)> {
        self.found.iter().map(|(name, value, _)| (name.clone(), value.clone()))
    }

    /// The value of one of them, the last that is given.
    pub(super) fn value(&self, name: &str) -> Option<Secret> {
        self.found.iter().rev().find(|(found, ..)| found == name).map(|(_, value, _)| value.clone())
    }

    /// Says which names fit no secret, where a secret is called much the same, or lacks a value.
    pub(super) fn say_what_fits_none(&self, secrets: &[&str], has_value: impl Fn(&str) -> bool) {
        let lacking = secrets.iter().any(|secret| !has_value(secret));
        for (name, _, path) in self.found.iter().filter(|(name, ..)| !secrets.contains(&name.as_str())) {
            let plain = name.strip_prefix(SECRET_PREFIX).unwrap_or(name).to_lowercase();
            let meant = secrets.iter().find(|secret| secret.to_lowercase() == plain && !has_value(secret));
            let told = match meant {
                Some(secret) => format!("the secret is called `{secret}`"),
                None if lacking => "no such secret".to_owned(),
                None => continue,
            };
            let (path, name) = (crate::visible(path.as_os_str().as_encoded_bytes()), crate::visible(name.as_bytes()));
            screen::notice(&format!("warning: `{path}` gives `{name}`: {told}"));
        }
    }
}

/// A secret of the environment: its value, or the file that holds it. `all` are the secrets that are asked for.
pub(super) fn from_environment(name: &str, all: &[&str]) -> Result<Option<String>, Refusal> {
    let variable = |ending: &str| {
        let names = [name.to_uppercase(), name.to_owned()];
        names.iter().find_map(|name| std::env::var(format!("{SECRET_PREFIX}{name}{ending}")).ok())
    };
    if let Some(value) = variable("") {
        return Ok(Some(value));
    }
    // The secret `key_file` has the variable that would name the file of `key`.
    if all.iter().any(|other| other.eq_ignore_ascii_case(&format!("{name}_file"))) {
        return Ok(None);
    }
    variable("_FILE").map(|path| value_of(Path::new(&path))).transpose()
}

/// The value that a file holds: without one line end at its end, and without the mark of the byte order.
fn value_of(path: &Path) -> Result<String, Refusal> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| Refusal::unreadable(path, &error))?;
    let read = file.take(MAX_SECRET + 1).read_to_string(&mut text).map_err(|error| {
        // What is not UTF-8 is not shown either.
        Refusal::from(format!("cannot read the secret in `{}`: {}", path.display(), reason(&error)))
    })?;
    if read as u64 > MAX_SECRET {
        return Err(format!("`{}` is too large for a secret: {MAX_SECRET} octets are the most", path.display()).into());
    }
    let value = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value = value.strip_suffix('\n').map_or(value, |value| value.strip_suffix('\r').unwrap_or(value));
    Ok(value.to_owned())
}

/// What cannot be a file of lines.
fn refuse_odd_file(file: &Path) -> Result<(), Refusal> {
    if file.is_dir() {
        let path = file.display();
        return Err(format!(
            "`{path}` is a folder: with one file for each secret it is given as `--secrets-dir {path}`"
        )
        .into());
    }
    if file == Path::new("-") && !file.exists() {
        return Err("`--secrets-file` reads a file, and not standard input".into());
    }
    Ok(())
}

fn with_help_for_lines(fault: &str, file: &Path) -> Refusal {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !fault.ends_with("expected NAME=VALUE") {
        return fault.into();
    }
    let help = format!("a file that holds a value alone is given by its folder: `--secrets-dir {}`", folder.display());
    format!("{fault}\n  = help: {help}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &Path) -> Vec<(String, String)> {
        let files = SecretFiles::read(Some(folder), None).unwrap();
        files.values().map(|(name, value)| (name, value.expose().to_owned())).collect()
    }

    #[test]
    fn a_folder_as_platforms_make_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("..2026");
        std::fs::create_dir(&data).unwrap();
        for (name, text) in
            [("a", "one\n"), ("b", "two\r\n"), ("c", "\u{feff}three"), ("d", "four\n\n"), (".hidden", "x")]
        {
            std::fs::write(data.join(name), text).unwrap();
        }
        std::os::unix::fs::symlink("..2026", folder.path().join("..data")).unwrap();
        for name in ["a", "b", "c", "d"] {
            std::os::unix::fs::symlink(format!("..data/{name}"), folder.path().join(name)).unwrap();
        }
        let wanted = [("a", "one"), ("b", "two"), ("c", "three"), ("d", "four\n")];
        assert_eq!(found(folder.path()), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_cannot_be_meant_names_the_option_and_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "s3cret-value\n").unwrap();
        let refused =
            |folder: Option<&Path>, lines: Option<&Path>| SecretFiles::read(folder, lines).unwrap_err().to_string();
        assert!(refused(None, Some(folder.path())).contains("--secrets-dir"));
        let alone = refused(None, Some(&file));
        assert!(alone.contains("--secrets-dir") && !alone.contains("s3cret"), "{alone}");
        assert!(refused(Some(&file), None).contains("--secrets-file"));
        std::fs::write(&file, b"\xff\xfe").unwrap();
        assert!(refused(Some(folder.path()), None).contains("cannot read the secret"));
    }
}
