//! `audit --list` and `audit --explain ID`.

use crate::audit::{Check, checks};
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::library::CheckLibrary;
use crate::report::counted;
use crate::scenario::similar;
use std::fmt::Write as _;

/// Every check of a library.
pub(super) fn all(library: CheckLibrary) -> Result<Vec<Check>, Refusal> {
    checks(library).map_err(|error| error.to_string().into())
}

/// A line for each check.
pub(super) fn list(checks: &[Check], library: CheckLibrary) -> String {
    let mut text = String::new();
    let longest = checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
    let mut group = "";
    for check in checks {
        if check.group != group {
            _ = writeln!(text, "{}{}", if group.is_empty() { "" } else { "\n" }, check.group);
            group = check.group;
        }
        let level = check.level().name().to_uppercase();
        let (rfc, name) = (check.scenario.claim.rfc.join(", "), check.scenario.name.as_deref().unwrap_or_default());
        _ = writeln!(text, "  {:<longest$}  {level:<6}  {rfc:<22}  {name}", check.id);
    }
    let count = counted(checks.len() as u64, "check");
    _ = writeln!(text, "\n{count}; `smtp-script {} --explain ID` shows one", library.folder());
    text
}

/// Everything about one check.
pub(super) fn explain(checks: &[Check], id: &str, library: CheckLibrary) -> Result<u8, Refusal> {
    let id = id.strip_prefix(library.folder()).and_then(|id| id.strip_prefix('/')).unwrap_or(id);
    let Some(check) = checks.iter().find(|check| check.id == id) else {
        let near = similar(id, checks.iter().map(|check| check.id)).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| format!("`smtp-script {} --list` shows them all", library.folder()));
        return Err(format!("no check is called `{id}`\n  = help: {help}").into());
    };
    let claim = &check.scenario.claim;
    let mut text = format!("{}: {}\n\n", check.id, check.scenario.name.as_deref().unwrap_or_default());
    _ = writeln!(text, "  level   {}", check.level().name().to_uppercase());
    _ = writeln!(text, "  from    RFC {}", claim.rfc.join(", RFC "));
    claim.why.iter().for_each(|why| _ = writeln!(text, "  why     {}", why.source.trim()));
    claim.mend.iter().for_each(|(make, what)| _ = writeln!(text, "  mend    {make}: {}", what.source.trim()));
    if let Some(description) = &check.scenario.description {
        _ = writeln!(text, "  more    {}", description.trim());
    }
    _ = match library {
        CheckLibrary::Servers => writeln!(text, "  play    smtp-script run audit/{} --to HOST:PORT\n", check.id),
        CheckLibrary::Clients => writeln!(text, "  play    smtp-script audit-client --only {} -- COMMAND\n", check.id),
    };
    text.push_str(check.built_in.text);
    screen::result(&text);
    Ok(0)
}
