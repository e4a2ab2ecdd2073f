//! `smtp-script list`: the built-in scenarios.

use super::explain::ExplainFormat;
use super::refusal::Refusal;
use super::screen::{self, Color};
use crate::library::{self, BuiltIn, CheckLibrary};
use crate::load::load_built_in;
use crate::report::catalogue::{self, Listed};
use crate::scenario::similar;
use std::fmt::Write as _;

/// List the built-in scenarios, which `run` and `check` take by name.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    /// Show the details of these, by name or folder
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List those with this tag (repeatable: any of them)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: ExplainFormat,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// Lists them; 0, or 2 when a name or tag finds nothing.
pub(super) fn list(arguments: &ListArguments) -> u8 {
    match wanted(arguments) {
        Ok(entries) => {
            screen::result(&match arguments.format {
                ExplainFormat::Json => catalogue::json(&entries),
                ExplainFormat::Human => human(arguments, entries),
            });
            0
        }
        Err(refusal) => refusal.show(),
    }
}

/// The checks of audits are too many to be shown among the others.
fn human(arguments: &ListArguments, mut entries: Vec<Listed>) -> String {
    let styled = arguments.color.for_results();
    let is_checks = |name: &String| CheckLibrary::ALL.iter().any(|it| it.folder() == name.trim_end_matches('/'));
    if !arguments.names.iter().all(is_checks) {
        return catalogue::details(&entries, styled);
    }
    let mut counted = String::new();
    if arguments.names.is_empty() && arguments.tags.is_empty() {
        for library in CheckLibrary::ALL {
            let (folder, count) = (library.folder(), library.checks().count());
            let subject = library.subject();
            _ = writeln!(counted, "{folder}/…  {count} checks of {subject}: `smtp-script {folder} --list`");
        }
        entries.retain(|entry| CheckLibrary::of(entry.name).is_none());
    }
    catalogue::overview(&entries, styled) + &counted
}

fn wanted(arguments: &ListArguments) -> Result<Vec<Listed>, Refusal> {
    let mut found: Vec<&BuiltIn> = Vec::new();
    for name in &arguments.names {
        let of_name = library::find(name);
        if of_name.is_empty() {
            return Err(unknown(name).into());
        }
        found.extend(of_name);
    }
    if arguments.names.is_empty() {
        found.extend(library::all());
    }
    let entries: Vec<Listed> = found.into_iter().filter_map(entry).collect();
    let has_one =
        |entry: &Listed| arguments.tags.is_empty() || entry.tags.iter().any(|tag| arguments.tags.contains(tag));
    let (kept, others): (Vec<Listed>, Vec<Listed>) = entries.into_iter().partition(has_one);
    if kept.is_empty() {
        let mut tags: Vec<&str> = others.iter().flat_map(|entry| &entry.tags).map(String::as_str).collect();
        tags.sort_unstable();
        tags.dedup();
        let asked = arguments.tags.join("`, `");
        return Err(
            format!("no built-in scenario has the tag `{asked}`\n  = help: the tags are {}", tags.join(", ")).into()
        );
    }
    Ok(kept)
}

fn unknown(name: &str) -> String {
    let shown = crate::visible(name.as_bytes());
    let names = library::all().flat_map(|it| [it.name, it.short_name(), it.folder()]);
    let help = match similar(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`smtp-script list` shows them all".to_owned(),
    };
    format!("no built-in scenario is called `{shown}`\n  = help: {help}")
}

fn entry(built_in: &BuiltIn) -> Option<Listed> {
    let scenario = load_built_in(built_in).ok()?;
    let needs = scenario.needs();
    Some(Listed {
        name: built_in.name,
        title: scenario.name.clone().unwrap_or_default(),
        description: scenario.description.clone().unwrap_or_default(),
        tags: scenario.tags.clone(),
        hosts: needs.hosts,
        variables: needs.variables,
        secrets: needs.secrets,
    })
}
