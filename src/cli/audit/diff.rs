//! `audit --diff OLD.json NEW.json`: what changed between two audits.

use crate::cli::refusal::{Refusal, read};
use crate::cli::report_files::{self, ReportArguments, ReportFiles};
use crate::report::audit::{Audit, Change, differences};
use crate::report::{Report, json};
use crate::scenario::FailOn;
use std::path::Path;

/// Says what changed; 1 where something broke that `--fail-on` counts.
pub(super) fn diff(old: &Path, new: &Path, fail_on: FailOn, arguments: &ReportArguments) -> Result<u8, Refusal> {
    arguments.take_changes()?;
    let files = ReportFiles::open(arguments, &[old.to_path_buf(), new.to_path_buf()])?;
    let list = differences(&audit_of(old)?, &audit_of(new)?);
    let broke = list.iter().any(|one| one.change == Change::Broke && fail_on.counts(Some(super::level_of(one.level))));
    let mut report = Report::begin();
    report.exit_code = u8::from(broke);
    report.changes = Some(list);
    report_files::tell(&report, arguments);
    files.write(&report)?;
    Ok(report.exit_code)
}

fn audit_of(path: &Path) -> Result<Audit, Refusal> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let report = json::read(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    report.audit.ok_or_else(|| format!("{}: this is no report of an audit", path.display()).into())
}
