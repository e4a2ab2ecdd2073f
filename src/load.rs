//! Reads a scenario from a file or from text; from a report in Markdown the one that it holds.

use crate::fence::{MAX_MARKDOWN_SIZE, RECORDING, SCENARIO, in_place, is_ticket, is_yaml, only_block};
use crate::library::{self, BuiltIn};
use crate::scenario::{
    DEFAULTS_FILE, Diagnostic, Includes, MAX_YAML_SIZE, Scenario, Sources, Span, parse, reason, resolve_file,
};
use crate::secret::{Masker, typed, typed_in_text};
use std::fmt;
use std::io::Read as _;
use std::path::Path;

/// Larger than most scenarios, in bytes.
const USUAL_SIZE: usize = 8 * 1024;

/// Why a scenario could not be read: every mistake that was found.
#[derive(Debug, Clone)]
pub struct LoadError {
    /// The file, for the places of the diagnostics.
    pub sources: Sources,
    /// The mistakes, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The scenario as far as it could be read, for further checks.
    pub partial: Option<Box<Scenario>>,
}

/// Reads a scenario file.
///
/// # Errors
/// The file can't be read, is larger than [`MAX_YAML_SIZE`], is no UTF-8, is no YAML, or is no scenario; of the latter
/// every mistake comes back.
pub fn load(path: &Path) -> Result<Scenario, LoadError> {
    load_below(path, None)
}

/// Reads a scenario file that includes files below `root`; below its own folder when there is none.
///
/// # Errors
/// As [`load`].
pub fn load_below(path: &Path, root: Option<&Path>) -> Result<Scenario, LoadError> {
    let name = path.display().to_string();
    let own = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match read(path) {
        Ok(text) => parse_text(&name, &text, Some(root.unwrap_or(own)), Some(own)),
        Err(message) => Err(LoadError::unreadable(&name, &message)),
    }
}

/// Reads a scenario from text; `name` stands for its file in messages. It can include no files.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &str, text: &str) -> Result<Scenario, LoadError> {
    parse_text(name, text, None, None)
}

/// Reads a scenario file that may include no files: somebody else's.
///
/// # Errors
/// As [`load`].
pub fn load_untrusted(path: &Path) -> Result<Scenario, LoadError> {
    let name = path.display().to_string();
    match read(path) {
        Ok(text) => parse_text(&name, &text, None, None),
        Err(message) => Err(LoadError::unreadable(&name, &message)),
    }
}

/// Reads what a report in Markdown says that the server did, as a scenario of the server's side.
///
/// # Errors
/// As [`load`].
pub fn load_recording(path: &Path) -> Result<Scenario, LoadError> {
    let name = path.display().to_string();
    let text = read(path).map_err(|message| LoadError::unreadable(&name, &message))?;
    of_ticket(parse_yaml(&name, &block_of(&name, &text, RECORDING)?, None, None))
}

/// A file that was read once: what it holds, and all of it where it is a ticket.
pub(crate) struct LoadedFile {
    pub(crate) scenario: Result<Scenario, LoadError>,
    /// The text of the ticket that the scenario stands in.
    pub(crate) ticket: Option<String>,
}

impl LoadedFile {
    /// Reads a file that includes files below `root`, or below its own folder; somebody else's includes none without `root`.
    pub(crate) fn read(path: &Path, root: Option<&Path>, untrusted: bool) -> LoadedFile {
        let name = path.display().to_string();
        let own = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match read(path) {
            Ok(text) => {
                let strangers = untrusted || is_ticket(&name, &text);
                let own = (!strangers).then_some(own);
                LoadedFile::beside(&name, text, root.or(own), own)
            }
            Err(message) => LoadedFile { scenario: Err(LoadError::unreadable(&name, &message)), ticket: None },
        }
    }

    /// The same of a text that was read.
    pub(crate) fn of(name: &str, text: String, root: Option<&Path>) -> LoadedFile {
        LoadedFile::beside(name, text, root, None)
    }

    fn beside(name: &str, text: String, root: Option<&Path>, own: Option<&Path>) -> LoadedFile {
        let scenario = parse_text(name, &text, root, own);
        LoadedFile { scenario, ticket: is_ticket(name, &text).then_some(text) }
    }

    /// The server's side of a file; of a ticket what the server did.
    pub(crate) fn served(path: &Path, root: Option<&Path>, untrusted: bool) -> Result<Scenario, LoadError> {
        let name = path.display().to_string();
        let text = read(path).map_err(|message| LoadError::unreadable(&name, &message))?;
        if is_ticket(&name, &text) {
            return of_ticket(parse_yaml(&name, &block_of(&name, &text, RECORDING)?, None, None));
        }
        let own = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let own = (!untrusted).then_some(own);
        parse_text(&name, &text, root.or(own), own)
    }
}

fn of_ticket(loaded: Result<Scenario, LoadError>) -> Result<Scenario, LoadError> {
    let marked = |scenario| Scenario { is_of_ticket: true, ..scenario };
    let partial = |partial: Option<Box<Scenario>>| partial.map(|scenario| Box::new(marked(*scenario)));
    loaded.map(marked).map_err(|error| LoadError { partial: partial(error.partial), ..error })
}

/// Reads a scenario of the library. It includes files of the library only.
///
/// # Errors
/// As [`load`]; the tests keep the library free of mistakes.
pub fn load_built_in(scenario: &BuiltIn) -> Result<Scenario, LoadError> {
    let include = |file: &str| {
        let found = library::included(scenario.folder(), file);
        found
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .ok_or_else(|| format!("no built-in file is `{file}`"))
    };
    // Its short name lies in no folder: what it reads, if anything, is looked for where the program runs.
    let loaded = parse_with(scenario.short_name(), scenario.text, None, &include);
    loaded.map(|scenario| Scenario { is_built_in: true, ..scenario })
}

/// A file includes files below `root`; defaults stand in `own`, its folder.
fn parse_text(name: &str, text: &str, root: Option<&Path>, own: Option<&Path>) -> Result<Scenario, LoadError> {
    if is_ticket(name, text) {
        return of_ticket(parse_yaml(name, &block_of(name, text, SCENARIO)?, root, None));
    }
    parse_yaml(name, text, root, own)
}

/// The defaults of a folder, where there are any: their name and their text. A link must lead to a file below `root` or the
/// folder, as that of an included file does.
fn defaults_in(folder: &Path, root: Option<&Path>) -> Result<Option<(String, String)>, LoadError> {
    let path = if folder == Path::new(".") { DEFAULTS_FILE.into() } else { folder.join(DEFAULTS_FILE) };
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let name = path.display().to_string();
    let of_root = || {
        let (root, folder) = (root?.canonicalize().ok()?, folder.canonicalize().ok()?);
        let name = folder.strip_prefix(&root).ok()?.join(DEFAULTS_FILE);
        resolve_file(Some(&root), &name.to_string_lossy()).ok()
    };
    let found = resolve_file(Some(folder), DEFAULTS_FILE);
    let found = found.or_else(|fault| of_root().ok_or(fault)).map_err(String::from);
    let text = found.and_then(|path| read(&path)).map_err(|message| LoadError::unreadable(&name, &message))?;
    Ok(Some((name, text)))
}

/// The only block of a kind in a Markdown file, at its lines.
fn block_of(name: &str, text: &str, info: &str) -> Result<String, LoadError> {
    match only_block(text, info) {
        Ok(block) => Ok(in_place(text, &block)),
        Err(fault) => {
            let span = Span::default().with_range(fault.at.start, fault.at.end);
            let mut error = LoadError::at(name, text, span, &fault.message);
            error.diagnostics = error.diagnostics.into_iter().map(|it| it.help(fault.help.clone())).collect();
            Err(error)
        }
    }
}

fn parse_yaml(name: &str, text: &str, root: Option<&Path>, own: Option<&Path>) -> Result<Scenario, LoadError> {
    let defaults = own.map_or(Ok(None), |own| defaults_in(own, root))?;
    let include = |file: &str| match root {
        Some(root) => {
            let shown = if root == Path::new(".") { Path::new(file).to_path_buf() } else { root.join(file) };
            Ok((shown.display().to_string(), read(&resolve_file(Some(root), file).map_err(String::from)?)?))
        }
        None => Err(format!("cannot include `{file}`: this scenario reads no files")),
    };
    parse_with(name, text, defaults, &include)
}

fn parse_with(
    name: &str,
    text: &str,
    defaults: Option<(String, String)>,
    include: &Includes<'_>,
) -> Result<Scenario, LoadError> {
    if text.len() > MAX_YAML_SIZE {
        let message = format!("a scenario has at most {MAX_YAML_SIZE} bytes");
        return Err(LoadError::unreadable(name, &message));
    }
    if let Some(at) = text.find(['\u{1}', '\u{2}', '\u{3}', '\u{4}']) {
        let span = Span::default().with_range(at, at + 1);
        return Err(LoadError::at(name, text, span, "a control character stands in the file"));
    }
    if text.get(..2).is_some_and(|first| first.contains('\0')) {
        return Err(LoadError::unreadable(name, "the file may be UTF-16: save it as UTF-8"));
    }
    let mut sources = Sources::default();
    sources.add(name, text.strip_prefix('\u{feff}').unwrap_or(text));
    if let Some((name, text)) = defaults {
        sources.add(name, text.strip_prefix('\u{feff}').unwrap_or(&text));
    }
    let (scenario, mut diagnostics, mut sources) = parse(sources, include);
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.file, diagnostic.span.start));
    let typed = match &scenario {
        Some(scenario) => typed(scenario),
        None => sources.texts().flat_map(typed_in_text).collect(),
    };
    match scenario.map(|scenario| veiled(scenario, &typed)) {
        Some(scenario) if diagnostics.is_empty() => Ok(scenario),
        partial => {
            hide(&mut sources, &typed);
            Err(LoadError { sources, diagnostics, partial: partial.map(Box::new) })
        }
    }
}

/// A scenario whose excerpts show no credentials that it spells out.
fn veiled(mut scenario: Scenario, typed: &[String]) -> Scenario {
    hide(&mut scenario.sources, typed);
    scenario.typed = typed.to_vec();
    scenario
}

fn hide(sources: &mut Sources, typed: &[String]) {
    if let Some(masker) = Masker::default().with_credentials(typed) {
        sources.hide(|text| masker.blotted(text));
    }
}

fn read(path: &Path) -> Result<String, String> {
    let describe = |error: &std::io::Error| format!("cannot read `{}`: {}", path.display(), reason(error));
    let file = std::fs::File::open(path).map_err(|error| describe(&error))?;
    let limit = if is_yaml(&path.to_string_lossy()) { MAX_YAML_SIZE } else { MAX_MARKDOWN_SIZE };
    // Room for most scenarios: they come in one read.
    let mut bytes = Vec::with_capacity(USUAL_SIZE);
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| describe(&error))?;
    if bytes.len() > limit {
        let what = if limit == MAX_MARKDOWN_SIZE { "a report" } else { "a scenario" };
        return Err(format!("`{}` has more than the {limit} bytes that {what} may have", path.display()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let encoding = likely_encoding(error.as_bytes());
        let path = path.display();
        format!("`{path}` is not UTF-8: line {line} holds a byte that is none; it may be {encoding}: save it as UTF-8")
    })
}

/// The encoding that a text may be in, if it is no UTF-8.
fn likely_encoding(bytes: &[u8]) -> &'static str {
    let nul = bytes.iter().take(1024).filter(|byte| **byte == 0).count();
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16",
        _ if nul > bytes.len().min(1024) / 4 => "UTF-16",
        _ => "Latin-1 or Windows-1252",
    }
}

impl LoadError {
    /// Nothing of it could be read.
    pub(crate) fn unreadable(name: &str, message: &str) -> LoadError {
        LoadError::at(name, "", Span::default(), message)
    }

    fn at(name: &str, text: &str, span: Span, message: &str) -> LoadError {
        let mut sources = Sources::default();
        sources.add(name, text);
        LoadError { sources, diagnostics: vec![Diagnostic::error(span, message)], partial: None }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> =
            self.diagnostics.iter().map(|diagnostic| diagnostic.render(&self.sources, false)).collect();
        formatter.write_str(&shown.join("\n\n"))
    }
}

impl std::error::Error for LoadError {}
