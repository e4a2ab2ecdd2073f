//! Which scenarios were asked for: files, folders, built-in ones, standard input.

use crate::cli::refusal::{Refusal, text_of};
use crate::fence::{MAX_MARKDOWN_SIZE, holds_scenario};
use crate::library::{self, BuiltIn};
use crate::load::{LoadError, LoadedFile, load_built_in, load_text};
use crate::report::counted;
use crate::report::finding::Finding;
use crate::scenario::address::right_form_of;
use crate::scenario::{Likeness, Scenario, reason, similar};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How deep folders are searched.
const MAX_FOLDER_DEPTH: usize = 16;

/// Which files a scenario may include.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    /// Below this folder; below the scenario's own when there is none.
    pub(super) root: Option<&'a Path>,
    /// None at all without a folder.
    pub(super) untrusted: bool,
}

impl Files<'_> {
    fn load(self, path: &Path) -> LoadedFile {
        LoadedFile::read(path, self.root, self.untrusted)
    }

    /// The server's side of a file; of a report what the server did.
    pub(super) fn load_served(self, path: &Path) -> Result<Scenario, LoadError> {
        LoadedFile::served(path, self.root, self.untrusted)
    }
}

/// The name that stands for standard input in messages. What comes from there is not trusted.
pub(super) const STANDARD_INPUT: &str = "<stdin>";

/// Whether a scenario is somebody else's as far as anyone can tell: a report, or what came from standard input.
pub(super) fn is_strangers(scenario: &Scenario) -> bool {
    scenario.sources.name() == STANDARD_INPUT || scenario.is_of_ticket
}

/// What the arguments name.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// Each file with what came of reading it, in the order they were named; those of a folder by name.
    pub(super) loaded: Vec<Result<Scenario, LoadError>>,
    /// YAML files of folders that are no scenarios, with why.
    pub(super) left_out: Vec<(PathBuf, &'static str)>,
    /// Files of folders that are checks of ours, which lack what `audit` gives them.
    pub(super) checks: usize,
    /// What the tickets among them report, by their names.
    pub(super) findings: BTreeMap<String, Finding>,
    /// Arguments that name nothing.
    pub(super) complaints: Vec<String>,
}

impl Targets {
    /// One scenario that a command has written.
    pub(super) fn of_text(name: &str, text: &str) -> Targets {
        Targets { loaded: vec![load_text(name, text)], ..Targets::default() }
    }

    /// Whether names are looked up before anything is played.
    pub(super) fn look_up_names(&self) -> bool {
        self.loaded.iter().flatten().any(Scenario::plays_every_exchanger)
    }

    /// Reads everything that `names` stand for.
    pub(super) fn read(names: &[String], files: Files<'_>) -> Targets {
        let mut targets = Targets::default();
        for name in names {
            if name == "-" {
                targets.take(STANDARD_INPUT, from_standard_input());
                continue;
            }
            let path = Path::new(name);
            match path.metadata() {
                Ok(metadata) if metadata.is_dir() => targets.folder(path, files),
                Ok(_) => targets.take(name, files.load(path)),
                Err(error) => targets.built_in(name, &reason(&error)),
            }
        }
        targets
    }

    /// Takes what came of reading a file.
    fn take(&mut self, name: &str, file: LoadedFile) {
        let finding = file.ticket.as_deref().and_then(Finding::read);
        self.findings.extend(finding.map(|finding| (name.to_owned(), finding)));
        self.loaded.push(file.scenario);
    }

    /// Takes the built-in scenarios of this name; there is no such file.
    fn built_in(&mut self, name: &str, fault: &str) {
        let found = library::find(name);
        if found.is_empty() {
            let help = near_file(name).or_else(|| no_file(name)).unwrap_or_else(|| near_built_in(name));
            self.complaints.push(format!("cannot read `{name}`: {fault}{help}"));
        }
        self.loaded.extend(found.into_iter().map(load_built_in));
    }

    /// What is said of files that only `audit` can play.
    pub(super) fn remark_of_checks(&self) -> Option<String> {
        let how = "`smtp-script audit` and `smtp-script audit-client` play them";
        (self.checks > 0).then(|| format!("note: {} left out: {how}", counted(self.checks as u64, "audit check")))
    }

    /// Takes each scenario below a folder; files of other programs and checks of `audit` are left out.
    fn folder(&mut self, folder: &Path, rules: Files<'_>) {
        let mut files = Vec::new();
        if let Err(refusal) = yaml_files(folder, 0, &mut files) {
            self.complaints.push(refusal.to_string());
        }
        let before = self.loaded.len();
        for file in files {
            let text = text_of(&file, MAX_MARKDOWN_SIZE as u64);
            let likeness = match text {
                Ok(text) if !is_yaml(&file) && !holds_scenario(&text) => continue,
                Err(_) if !is_yaml(&file) => continue,
                Ok(_) if library::is_check(&file) => {
                    self.checks += 1;
                    continue;
                }
                Ok(text) if is_yaml(&file) => Likeness::of(&text),
                // A file that cannot be read is reported.
                _ => Likeness::Scenario,
            };
            if likeness == Likeness::Scenario {
                self.take(&file.display().to_string(), rules.load(&file));
            } else {
                self.left_out.push((file, likeness.why_left_out()));
            }
        }
        self.left_out.extend(named_otherwise(folder));
        if self.loaded.len() == before {
            let other = self.left_out.iter().find(|(file, _)| !is_yaml(file));
            let help = other.map(|(file, why)| format!("\n  = help: `{}` is left out: {why}", file.display()));
            let help = help.unwrap_or_default();
            self.complaints.push(format!("no scenarios found in `{}`{help}", folder.display()));
        }
    }
}

/// The files of a folder that may be scenarios and have the name of none: JSON, and endings after `.yaml`.
fn named_otherwise(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let why = |file: &Path| {
        let name = file.file_name()?.to_string_lossy().to_ascii_lowercase();
        match () {
            () if name.starts_with(['_', '.']) || !file.is_file() => None,
            () if file.extension().is_some_and(|ending| ending == "json") && is_scenario_in_json(file) => {
                Some("a scenario in JSON is played where its file is named")
            }
            () if name.contains(".yaml.") || name.contains(".yml.") => {
                Some("the name of a scenario ends in `.yaml` or `.yml`")
            }
            () => None,
        }
    };
    let mut found: Vec<_> = files.filter_map(|file| why(&file).map(|why| (file.clone(), why))).collect();
    found.sort();
    found
}

/// Whether a scenario's keys stand at the top; a report in JSON has steps, too, but further down.
fn is_scenario_in_json(file: &Path) -> bool {
    let text = text_of(file, MAX_MARKDOWN_SIZE as u64).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    ["steps", "server"].iter().any(|key| value.get(key).is_some())
}

/// A line of help, if the name is like that of a file in the same folder.
fn near_file(name: &str) -> Option<String> {
    let bare = name.trim_matches(['`', '\'', '"', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}']);
    if bare != name && Path::new(bare).exists() {
        return Some(format!("\n  = help: without the quotes: `{bare}`"));
    }
    let path = Path::new(name);
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = folder.unwrap_or(Path::new(".")).read_dir().ok()?.flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let near = similar(wanted, names.iter().map(String::as_str).filter(|name| is_yaml(Path::new(name))))?;
    Some(format!("\n  = help: did you mean `{}`?", path.with_file_name(near).display()))
}

/// A line of help for what is no name of a file: a URL, a server.
fn no_file(name: &str) -> Option<String> {
    if name.starts_with("http://") || name.starts_with("https://") {
        return Some(format!("\n  = help: a scenario is a file of this machine: `curl {name} | smtp-script run -`"));
    }
    let with_slashes = name.replace('\\', "/");
    if with_slashes != name && Path::new(&with_slashes).exists() {
        return Some(format!("\n  = help: a path is written with `/` here: `{with_slashes}`"));
    }
    if name.contains(['*', '?']) {
        let folder = Path::new(name).parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let help = format!(
            "the shell expands `{name}` where it stands without quotes; `smtp-script run {}` plays a whole folder",
            folder.display()
        );
        return Some(format!("\n  = help: {help}"));
    }
    if name.parse::<u16>().is_ok() {
        let help =
            format!("a port is part of an address: `--to HOST:{name}`, or `serve --sandbox --listen 127.0.0.1:{name}`");
        return Some(format!("\n  = help: {help}"));
    }
    let address = right_form_of(name).unwrap_or_else(|| name.to_owned());
    let (host, port) = address.split_once(':').unwrap_or((address.as_str(), ""));
    let is_server = !is_yaml(Path::new(name)) && (host.contains('.') || !port.is_empty()) && !host.contains('/');
    let is_port = port.is_empty() || port.parse::<u16>().is_ok();
    (is_server && is_port && Path::new(host).extension().is_none_or(|it| it.len() < 7 && it != "txt" && it != "json")).then(|| {
        format!(
            "\n  = help: a server is `--to {address}`, beside the file; without one, `smtp-script send {address}` or `smtp-script shell {address}`"
        )
    })
}

/// A line of help, if the name is like that of a built-in scenario.
fn near_built_in(name: &str) -> String {
    let names = || library::all().flat_map(|it| [it.name, it.short_name(), it.folder()]);
    let begins = library::all().filter_map(|it| it.short_name().split('-').next()).filter(|word| word.len() > 3);
    let held = similar(name, begins).filter(|_| name.len() > 3).unwrap_or(name);
    let holding: Vec<&str> = library::all().map(BuiltIn::short_name).filter(|it| it.contains(held)).collect();
    match similar(name, names()) {
        Some(near) => format!("\n  = help: did you mean the built-in `{near}`?"),
        None if !holding.is_empty() && !name.is_empty() => {
            format!("\n  = help: built-in scenarios of this kind are `{}`", holding.join("`, `"))
        }
        None => String::new(),
    }
}

/// Whether a file is a scenario by its name.
pub(in crate::cli) fn is_yaml(path: &Path) -> bool {
    crate::fence::is_yaml(&path.to_string_lossy())
}

/// Whether a ticket may be kept under this name.
fn may_be_ticket(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["md", "markdown", "txt"].iter().any(|ending| extension == *ending))
}

fn yaml_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    let fault = |error: std::io::Error| Refusal::unreadable(folder, &error);
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        entries.push(entry.map_err(fault)?.path());
    }
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(['_', '.']) {
            continue;
        }
        if path.is_dir() && !path.is_symlink() && depth < MAX_FOLDER_DEPTH {
            yaml_files(&path, depth + 1, files)?;
        } else if (is_yaml(&path) || may_be_ticket(&path)) && path.is_file() {
            // A pipe or device of that name would be read for ever.
            files.push(path);
        }
    }
    Ok(())
}

fn from_standard_input() -> LoadedFile {
    let mut text = String::new();
    let outcome = std::io::stdin().take(MAX_MARKDOWN_SIZE as u64 + 1).read_to_string(&mut text);
    match outcome {
        Ok(_) => LoadedFile::of(STANDARD_INPUT, text, None),
        Err(error) => {
            let message = format!("cannot read standard input: {}", reason(&error));
            LoadedFile { scenario: Err(LoadError::unreadable(STANDARD_INPUT, &message)), ticket: None }
        }
    }
}
