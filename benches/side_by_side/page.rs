//! The table of docs/performance.md, between two marks, as one run of the bench measured it.

use crate::Outcome;
use std::path::Path;

const BEGIN: &str = "<!-- cargo bench --bench side_by_side -- --write -->\n";
const END: &str = "<!-- end -->\n";

/// One row: a job, a command of it, and what it came to.
pub(crate) struct Row {
    pub(crate) job: &'static str,
    pub(crate) command: &'static str,
    pub(crate) wall_ms: f64,
    pub(crate) cpu_ms: Option<f64>,
    pub(crate) peak_mb: Option<f64>,
    /// How many times as long as smtp-script: the median of the ratios within a round, and their quartiles.
    pub(crate) times: Option<(f64, f64, f64)>,
}

/// Puts the rows in place of those that stand there.
pub(crate) fn write(rows: &[Row], rounds: usize) -> Outcome<()> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let text = std::fs::read_to_string(&page)?;
    let marks = || "docs/performance.md has no place for the table";
    let (before, rest) = text.split_once(BEGIN).ok_or_else(marks)?;
    let (_, after) = rest.split_once(END).ok_or_else(marks)?;
    let table: String = rows.iter().map(line).collect();
    let head = "| job | command | time in ms | processor ms | peak MB | times smtp-script (quartiles) |\n|---|---|---|---|---|---|\n";
    Ok(std::fs::write(&page, format!("{before}{BEGIN}\n{rounds} rounds.\n\n{head}{table}\n{END}{after}"))?)
}

fn line(row: &Row) -> String {
    let known = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
    let times =
        row.times.map_or_else(String::new, |(median, low, high)| format!("{median:.2} ({low:.2} to {high:.2})"));
    let Row { job, command, wall_ms, cpu_ms, peak_mb, .. } = row;
    format!("| {job} | {command} | {wall_ms:.1} | {} | {} | {times} |\n", known(*cpu_ms), known(*peak_mb))
}
