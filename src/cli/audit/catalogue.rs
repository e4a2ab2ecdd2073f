//! `audit --list` and `audit --explain ID`.

use crate::audit::Check;
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::scenario::similar;
use std::fmt::Write as _;

/// A line for each check.
pub(super) fn list(checks: &[Check]) -> String {
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
    _ = writeln!(text, "\n{} checks; `smtp-script audit --explain ID` shows one", checks.len());
    text
}

/// Everything about one check.
pub(super) fn explain(checks: &[Check], id: &str) -> Result<u8, Refusal> {
    let id = id.trim_start_matches("audit/");
    let Some(check) = checks.iter().find(|check| check.id == id) else {
        let near = similar(id, checks.iter().map(|check| check.id)).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| "`smtp-script audit --list` shows them all".to_owned());
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
    _ = writeln!(text, "  play    smtp-script run audit/{} --to HOST:PORT\n", check.id);
    text.push_str(check.built_in.text);
    screen::result(&text);
    Ok(0)
}
