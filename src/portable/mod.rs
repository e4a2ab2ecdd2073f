//! A scenario that stands alone: what a report holds, so that its reader can play it.
//!
//! [`portable`] begins with the author's own text and changes what another machine would not have: included files and
//! files that are sent are written in, and so are values given from outside, the case that was played and the server of
//! `--to`. Secrets stay names; where their values stand in the text by mistake they become names too. The result has
//! passed `check` as a stranger's file. Called by `cli` for reports.
//!
//! `tree` finds what must change, `places` what its texts mean, `embed` what stands for a file, `mask` hides secrets,
//! and `edits` changes the text.

mod connect;
mod defaults;
mod edits;
mod embed;
mod fault;
mod hide;
mod mask;
mod places;
mod replay;
mod tree;

pub use fault::NotPortable;

use crate::report::model::ScenarioReport;
use crate::run::{Outcome, Settings, file_root};
use crate::scenario::{Diagnostic, DiagnosticKind, MAX_YAML_SIZE, Scenario, Variables, yaml};
use crate::secret::Masker;
use crate::{check, load_text};
use std::time::Duration;

/// A scenario that needs no other file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portable {
    /// Its YAML.
    pub script: String,
    /// What is not as it was in the run.
    pub notices: Vec<String>,
}

/// Makes the scenario that was played with `variables` one that stands alone.
///
/// # Errors
/// Why it cannot, for a person. No secret stands in it.
pub fn portable(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Result<Portable, NotPortable> {
    let masker = Masker::of(variables);
    let text = scenario.sources.file(0).map_or("", |source| source.text.as_str());
    let root = yaml::read(text, 0).map_err(|error| NotPortable::unusable(error.message))?;
    let work = tree::Work {
        places: places::places(scenario, variables, file_root(scenario, settings).as_deref()),
        scenario,
        variables,
        settings,
        masker: &masker,
        included: u32::from(scenario.has_defaults),
        notices: Vec::new(),
    };
    let (script, mut notices) = work.document(&root)?;
    let script = with_credentials(script, scenario, &masker);
    let script = without_unused(&verified(script, &masker)?, scenario).unwrap_or_default();
    let script = verified(script, &masker)?;
    notices.dedup();
    Ok(Portable { script, notices })
}

/// Puts the scenario that was played into its report, or why it cannot stand there, and what the server did.
pub fn attach(
    report: &mut ScenarioReport,
    outcome: &Outcome,
    scenario: &Scenario,
    variables: &Variables,
    settings: &Settings,
) {
    hide::hide(report, &Masker::of(variables));
    report.recording = replay::recording(&outcome.exchanges).filter(|text| load_text("recording", text).is_ok());
    match portable(scenario, variables, settings) {
        Ok(Portable { script, notices }) => {
            let lines = notices.iter().flat_map(|notice| notice.split('\n'));
            let comments: Vec<String> = lines.map(|line| format!("# {line}")).chain([script]).collect();
            report.script = Some(comments.join("\n"));
            report.options = options(settings);
        }
        Err(reason) => report.notices.push(format!("the scenario cannot be given with this report: {reason}")),
    }
}

/// The options of a run that are not written into its scenario.
fn options(settings: &Settings) -> Vec<String> {
    let mut options = Vec::new();
    let mut flag = |wanted: bool, option: &str| options.extend(wanted.then(|| option.to_owned()));
    flag(settings.sandbox && settings.to.is_none(), "--sandbox");
    flag(settings.insecure, "--insecure");
    flag(settings.insecure_secrets, "--insecure-secrets");
    flag(settings.ca_pem.is_some(), "--ca-file CA.pem");
    options.extend(settings.seed.map(|seed| format!("--seed {seed}")));
    options.extend(settings.max_time.map(|length| format!("--max-time {}", written(length))));
    options
}

/// The script, when it can be played and holds no secret.
fn verified(script: String, masker: &Masker) -> Result<String, NotPortable> {
    if script.len() > MAX_YAML_SIZE {
        return Err(NotPortable::TooLarge);
    }
    let told = |error: &Diagnostic| NotPortable::Unusable(masker.mask_text(&error.message));
    let loaded = load_text("report", &script).map_err(|error| {
        error.diagnostics.first().map_or_else(|| NotPortable::unusable("it could not be read"), told)
    })?;
    let settings = Settings { untrusted: true, ..Settings::default() };
    if let Some(error) = check(&loaded, None, &settings).iter().find(|diagnostic| diagnostic.is_error()) {
        return Err(told(error));
    }
    let root = yaml::read(&script, 0).map_err(|error| told(&error))?;
    let mut hidden = edits::TextEdits::default();
    let names = loaded.secrets.iter().map(|secret| secret.name.as_str()).collect();
    mask::Mask { masker, names }.file(&script, &root, &mut hidden)?;
    if hidden.is_empty() { Ok(script) } else { Err(NotPortable::Secret("it where it cannot be hidden")) }
}

/// Declares the names that stand for credentials which the scenario spelled out.
fn with_credentials(script: String, scenario: &Scenario, masker: &Masker) -> String {
    let is_shared = |name: &crate::scenario::Named| scenario.has_defaults && defaults::is_shared(name);
    let (shared, own): (Vec<_>, Vec<_>) = scenario.secrets.iter().partition(|secret| is_shared(secret));
    let own: Vec<&str> = own.into_iter().map(|secret| secret.name.as_str()).collect();
    let is_read = |name: &str| {
        script.match_indices(name).any(|(at, _)| {
            let rest = &script[at + name.len()..];
            !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        })
    };
    let mut new: Vec<&str> =
        masker.named().map(|(name, _)| name).filter(|name| !own.contains(name) && is_read(name)).collect();
    for name in shared.iter().map(|secret| secret.name.as_str()) {
        if !new.contains(&name) {
            new.push(name);
        }
    }
    let Some(root) = yaml::read(&script, 0).ok().filter(|_| !new.is_empty()) else { return script };
    let entry = format!("secrets: [{}]", [own, new].concat().join(", "));
    let mut edited = edits::TextEdits::default();
    match (edits::pair(&root, "secrets"), edits::pairs(&root).first()) {
        (Some(secrets), _) => edited.replace_entry(&script, secrets, entry),
        (None, Some(first)) => {
            let at = edits::start(first.key);
            edited.replace(at..at, format!("{entry}\n"));
        }
        (None, None) => {}
    }
    edited.apply(&script, 0..script.len())
}

/// Takes out the variables that only an address read which is written in now.
fn without_unused(script: &str, original: &Scenario) -> Option<String> {
    let loaded = load_text("report", script).ok()?;
    let unused_in = |scenario: &Scenario| -> Vec<Diagnostic> {
        let settings = Settings { untrusted: true, ..Settings::default() };
        let all = check(scenario, None, &settings).into_iter();
        all.filter(|diagnostic| diagnostic.kind == DiagnosticKind::UnusedVariable).collect()
    };
    let before: Vec<String> = unused_in(original).into_iter().map(|diagnostic| diagnostic.message).collect();
    let unused = unused_in(&loaded).into_iter().filter(|diagnostic| !before.contains(&diagnostic.message));
    let unused: Vec<u32> = unused.map(|diagnostic| diagnostic.span.start).collect();
    let root = yaml::read(script, 0).ok()?;
    let Some(vars) = edits::pair(&root, "vars") else { return Some(script.to_owned()) };
    let all = edits::pairs(vars.value);
    let gone: Vec<_> = all.iter().filter(|pair| unused.contains(&pair.key.span.start)).collect();
    if gone.len() == all.len() {
        return Some(remove_lines(script, vars));
    }
    let mut edited = edits::TextEdits::default();
    for pair in gone {
        if edits::is_in_brackets(vars.value, script) {
            edited.remove_from_braces(script, *pair);
        } else {
            let (start, end) = lines_of(script, *pair);
            edited.replace(start..end, "");
        }
    }
    Some(edited.apply(script, 0..script.len()))
}

fn remove_lines(script: &str, pair: edits::Pair<'_>) -> String {
    let (start, end) = lines_of(script, pair);
    format!("{}{}", &script[..start], &script[end..])
}

/// The lines that an entry takes.
fn lines_of(script: &str, pair: edits::Pair<'_>) -> (usize, usize) {
    let start = script[..edits::start(pair.key)].rfind('\n').map_or(0, |newline| newline + 1);
    let end = pair.end(script);
    (start, script[end..].find('\n').map_or(script.len(), |newline| end + newline + 1))
}

/// A duration as the language writes it.
fn written(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
