//! `smtp-script check`: everything that `run` checks before the first connection, plus lints.

mod format;

use super::USAGE;
use super::screen::{self, Color};
use super::targets::{Files, Targets, is_strangers};
use super::values::{SECRET_PREFIX, VAR_PREFIX};
use crate::load::LoadError;
use crate::report::counted;
use crate::run::{Settings, disclosures, with_placeholders};
use crate::scenario::{DEFAULTS_FILE, Diagnostic, Inputs, Needs, Scenario, Sources, Variables};
use format::CheckFormat;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Check scenarios: names, patterns, templates, files, and lints. Connects nowhere.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    /// Scenario files, folders, names of built-in scenarios, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|NAME")]
    targets: Vec<String>,
    /// Let scenarios read files below this folder (instead of their own)
    #[arg(long, value_name = "DIR")]
    file_root: Option<PathBuf>,
    /// Check as a scenario that is not trusted: it reads no file without --file-root
    #[arg(long)]
    untrusted: bool,
    /// List what each scenario would reach, read and be given
    #[arg(long)]
    explain: bool,
    /// How to write what is found
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: CheckFormat,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// How many of each were found.
#[derive(Debug, Default, Clone, Copy)]
struct FoundMistakes {
    errors: usize,
    warnings: usize,
}

/// What was said of the defaults of a folder, which each of its scenarios reads.
#[derive(Default)]
struct SharedMistakes(BTreeSet<(String, u32, String)>);

impl SharedMistakes {
    /// Whether it is said for the first time, or about the scenario itself.
    fn is_new(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> bool {
        let file = sources.file(diagnostic.span.file).map_or("", |source| source.name.as_str());
        let is_shared = diagnostic.span.file != 0 && file.ends_with(DEFAULTS_FILE);
        !is_shared || self.0.insert((file.to_owned(), diagnostic.span.start, diagnostic.message.clone()))
    }
}

/// Checks everything that was named; 0 when there is no error.
pub(super) fn check(arguments: &CheckArguments) -> u8 {
    let targets = Targets::read(&arguments.targets, arguments.files());
    let settings =
        Settings { file_root: arguments.file_root.clone(), untrusted: arguments.untrusted, ..Settings::default() };
    let mut found = FoundMistakes::default();
    for complaint in &targets.complaints {
        screen::notice(&format!("error: {complaint}"));
        found.errors += 1;
    }
    for (file, why) in &targets.left_out {
        screen::notice(&format!("left out: {}: {why}", crate::visible(file.display().to_string().as_bytes())));
    }
    if let Some(remark) = targets.remark_of_checks() {
        screen::notice(&remark);
    }
    let count = targets.loaded.len();
    let human = arguments.format == CheckFormat::Human;
    let mut all = Vec::new();
    let mut shared = SharedMistakes::default();
    for loaded in targets.loaded {
        if arguments.explain
            && let Ok(scenario) = &loaded
        {
            screen::result(&explained(scenario, &settings));
        }
        let (sources, mut diagnostics) = diagnostics_of(loaded, &settings);
        diagnostics.retain(|diagnostic| shared.is_new(&sources, diagnostic));
        for diagnostic in &diagnostics {
            found.note(diagnostic);
        }
        for diagnostic in diagnostics.iter().filter(|_| human) {
            screen::result(&format!("{}\n\n", diagnostic.render(&sources, arguments.color.for_results().0)));
        }
        if !human {
            all.push((sources, diagnostics));
        }
    }
    if human {
        screen::result(&format!("{}\n", found.summary(count)));
    } else {
        screen::result(&format::written(arguments.format, &all));
    }
    if found.errors == 0 { 0 } else { USAGE }
}

impl CheckArguments {
    fn files(&self) -> Files<'_> {
        Files { root: self.file_root.as_deref(), untrusted: self.untrusted }
    }
}

/// What a stranger's file would reach, read and be given, as it is written.
fn explained(scenario: &Scenario, settings: &Settings) -> String {
    let needs = scenario.needs();
    let untrusted = settings.untrusted || is_strangers(scenario);
    let environment = if untrusted { Vec::new() } else { environment_of(&needs) };
    let mut text = format!("{}\n", crate::visible(scenario.sources.name().as_bytes()));
    let lists = [
        ("reaches", needs.hosts),
        ("reads", needs.files),
        ("is given the secrets", needs.secrets),
        ("takes the variables", needs.variables),
        ("reads of the environment", environment),
    ];
    let listens = (!needs.listens.is_empty()).then_some(("listens on", needs.listens));
    let secrets = [("sends", sent(scenario, settings)), ("lets a secret decide", decided(scenario))];
    let secrets = secrets.into_iter().filter(|(_, list)| !list.is_empty());
    for (what, list) in listens.into_iter().chain(lists).chain(secrets) {
        let shown = if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
        _ = writeln!(text, "  {what}: {}", crate::visible(shown.as_bytes()));
    }
    text.push('\n');
    text
}

/// The names of the environment that give it values.
fn environment_of(needs: &Needs) -> Vec<String> {
    let secrets = needs.secrets.iter().map(|name| format!("{SECRET_PREFIX}{}[_FILE]", name.to_uppercase()));
    let names = needs.variables.iter().map(|variable| variable.split('=').next().unwrap_or(variable));
    secrets.chain(names.map(|name| format!("{VAR_PREFIX}{}", name.to_uppercase()))).collect()
}

/// Which secret goes where, under which protection.
fn sent(scenario: &Scenario, settings: &Settings) -> Vec<String> {
    let Some(variables) = with_placeholders(scenario) else { return Vec::new() };
    let list = disclosures(scenario, &variables, settings);
    let told = list.iter().flat_map(|one| {
        one.secrets.iter().map(move |secret| format!("{secret} to {} ({})", one.address, one.protection))
    });
    told.collect()
}

/// What depends on a secret, with its line.
fn decided(scenario: &Scenario) -> Vec<String> {
    let told = scenario.decisions_of_secrets().into_iter().map(|(span, what, secrets)| {
        format!("the {what} in line {} (by {})", scenario.sources.position(span).line, secrets.join(" and "))
    });
    told.collect()
}

/// Everything that is wrong with one file: a file that can only be read in parts is checked as far as it goes.
fn diagnostics_of(loaded: Result<Scenario, LoadError>, settings: &Settings) -> (Sources, Vec<Diagnostic>) {
    match loaded {
        Ok(scenario) => {
            let variables = Variables::resolve(&scenario, &Inputs::default()).ok();
            let untrusted = settings.untrusted || is_strangers(&scenario);
            let settings = Settings { untrusted, ..settings.clone() };
            let diagnostics = crate::check(&scenario, variables.as_ref(), &settings);
            (scenario.sources, diagnostics)
        }
        Err(error) => all_of(error, settings),
    }
}

/// The mistakes of a broken file and those that checking its readable part finds. Lints wait until it is whole.
pub(super) fn all_of(error: LoadError, settings: &Settings) -> (Sources, Vec<Diagnostic>) {
    let mut diagnostics = error.diagnostics;
    if let Some(partial) = &error.partial {
        let further = crate::check(partial, None, settings).into_iter().filter(Diagnostic::is_error);
        // What a step that could not be read would have declared or opened is not missing.
        diagnostics.extend(further.filter(|diagnostic| !diagnostic.may_follow_from_others));
        diagnostics.sort_by_key(|diagnostic| (diagnostic.span.file, diagnostic.span.start));
    }
    (error.sources, diagnostics)
}

impl FoundMistakes {
    fn note(&mut self, diagnostic: &Diagnostic) {
        if diagnostic.is_error() {
            self.errors += 1;
        } else {
            self.warnings += 1;
        }
    }

    fn summary(self, files: usize) -> String {
        let mut parts = Vec::new();
        if self.errors > 0 {
            parts.push(counted(self.errors as u64, "error"));
        }
        if self.warnings > 0 {
            parts.push(counted(self.warnings as u64, "warning"));
        }
        let told = if parts.is_empty() { "nothing to complain about".to_owned() } else { parts.join(", ") };
        format!("{}: {told}", counted(files as u64, "file"))
    }
}
