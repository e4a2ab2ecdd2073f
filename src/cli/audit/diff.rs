//! `audit --diff OLD.json NEW.json`: what changed between two audits.

use crate::cli::refusal::{Refusal, read};
use crate::cli::report_files::ReportArguments;
use crate::cli::screen;
use crate::report::audit::{Audit, Change, diff_screen, differences};
use crate::report::json;
use crate::scenario::FailOn;
use std::path::Path;

/// Tells what changed; 1 where something broke that fails an audit.
pub(super) fn diff(old: &Path, new: &Path, fail_on: FailOn, reports: &ReportArguments) -> Result<u8, Refusal> {
    if reports.are_wanted() {
        return Err("`--diff` writes to standard output only: it takes neither `--report` nor `--format`".into());
    }
    let (old, new) = (audit_of(old)?, audit_of(new)?);
    let list = differences(&old, &new);
    screen::result(&diff_screen(&list));
    let broke = list.iter().any(|one| one.change == Change::Broke && fail_on.counts(Some(super::level_of(one.level))));
    Ok(u8::from(broke))
}

fn audit_of(path: &Path) -> Result<Audit, Refusal> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let report = json::read(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    report.audit.ok_or_else(|| format!("{}: this is no report of an audit", path.display()).into())
}
