//! Joins reports: of the shards of one run, or of several runs.

use super::Report;
use super::audit::Audit;
use super::load::LoadFigures;
use super::model::ScenarioReport;
use std::collections::{BTreeMap, BTreeSet};

/// One report of several. Scenarios come in the order they were named in; figures of load add up.
///
/// A scenario that several reports played counts once for each; one that a shard had not selected counts as selected when
/// another played it.
///
/// # Errors
/// A message when shards do not fit together: of different counts, one twice, or one missing; or when two audits are of the
/// same server.
pub fn merge(reports: Vec<Report>) -> Result<Report, String> {
    check_shards(&reports)?;
    let mut merged = Report::begin();
    if let Some(first) = reports.iter().min_by(|one, other| one.started.cmp(&other.started)) {
        merged.started.clone_from(&first.started);
    }
    let sharded = reports.iter().any(|report| report.shard.is_some());
    let mut figures: Option<LoadFigures> = None;
    let selected: u64 = reports.iter().map(|report| report.summary.scenarios).sum();
    let passed_over = |report: &Report| report.summary.not_selected + report.summary.scenarios;
    merged.summary.not_selected = if sharded {
        // Each shard passed over what the others played.
        reports.iter().map(passed_over).max().unwrap_or(0).saturating_sub(selected)
    } else {
        reports.iter().map(|report| report.summary.not_selected).sum()
    };
    let left_out = reports.iter().map(|report| report.summary.left_out);
    merged.summary.left_out = if sharded { left_out.max().unwrap_or(0) } else { left_out.sum() };
    let mut audit: Option<Audit> = None;
    for report in reports {
        if report.changes.is_some() {
            return Err("one of them says what changed between two audits: merge the audits themselves".to_owned());
        }
        if let Some(other) = report.audit {
            audit.get_or_insert_default().add(other)?;
        }
        merged.duration = merged.duration.max(report.duration);
        merged.interrupted |= report.interrupted;
        merged.errors.extend(report.errors);
        merged.scenarios.extend(report.scenarios);
        if let Some(load) = &report.load {
            figures.get_or_insert_default().add_load(load);
        }
        merged.exit_code = first_that_applies(merged.exit_code, report.exit_code);
    }
    merged.errors.sort();
    merged.errors.dedup();
    merged.scenarios.sort_by(|one, other| place(one).cmp(&place(other)));
    merged.audit = audit;
    merged.load = figures.map(|figures| figures.merged());
    merged.count();
    Ok(merged)
}

/// Of two exit codes the one that tells more: 70, 130, 2, 1, 3, 0.
#[must_use]
pub fn first_that_applies(one: u8, other: u8) -> u8 {
    [70, 130, 2, 1, 3].into_iter().find(|code| *code == one || *code == other).unwrap_or(0)
}

/// As they were named, whichever shard played them.
fn place(scenario: &ScenarioReport) -> (u64, &str, &str) {
    (scenario.position, &scenario.id, &scenario.started)
}

fn check_shards(reports: &[Report]) -> Result<(), String> {
    let shards: Vec<_> = reports.iter().filter_map(|report| report.shard).collect();
    let Some(first) = shards.first() else { return Ok(()) };
    if shards.len() < reports.len() {
        return Err("some of these reports are of shards and some are not".to_owned());
    }
    if let Some(other) = shards.iter().find(|shard| shard.count != first.count) {
        return Err(format!("shards of {} and shards of {} do not fit together", first.count, other.count));
    }
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    for shard in &shards {
        *seen.entry(shard.index).or_default() += 1;
    }
    if let Some((index, _)) = seen.iter().find(|(_, times)| **times > 1) {
        return Err(format!("shard {index}/{} comes twice", first.count));
    }
    let missing: BTreeSet<String> =
        (1..=first.count).filter(|index| !seen.contains_key(index)).map(|index| index.to_string()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = missing.into_iter().collect();
    Err(format!("of {} shards these are missing: {}", first.count, list.join(", ")))
}
