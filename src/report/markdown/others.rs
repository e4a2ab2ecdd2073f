//! What a ticket says of the scenarios that it is not about.

use super::{code, diverged, fenced, verdict, went_wrong};
use crate::report::model::{Report, ScenarioReport};
use std::fmt::Write as _;

/// How many other scenarios are listed that went well.
const OTHERS: usize = 100;
/// A longer page is not read again as a scenario: what is left of the others is counted.
const LONGEST: usize = 4 * 1024 * 1024;

/// What became of the other scenarios: all that diverged in them, and the names of those where nothing did.
pub(super) fn others(report: &Report, subject: &ScenarioReport, page: &mut String) {
    let others = report.scenarios.iter().filter(|one| !std::ptr::eq(*one, subject));
    let (wrong, fine): (Vec<_>, Vec<_>) = others.partition(|one| went_wrong(one));
    if wrong.is_empty() && fine.is_empty() {
        return;
    }
    page.push_str("\n## Other scenarios of the run\n\nOnly the scenario above can be played from this report.\n");
    for (index, one) in wrong.iter().enumerate() {
        if page.len() > LONGEST {
            _ = writeln!(page, "\nand {} more that went wrong: the JSON report has them all", wrong.len() - index);
            break;
        }
        _ = writeln!(page, "\n### {}: {}", code(&one.name), verdict(one.verdict));
        one.divergences.iter().for_each(|divergence| diverged(divergence, page));
        one.errors.iter().for_each(|error| _ = writeln!(page, "\n{}", fenced("text", &error.rendered)));
    }
    if !fine.is_empty() {
        page.push('\n');
    }
    for one in fine.iter().take(OTHERS) {
        _ = writeln!(page, "- {} {}", code(&one.name), verdict(one.verdict));
    }
    if fine.len() > OTHERS {
        _ = writeln!(page, "- and {} more that went well", fine.len() - OTHERS);
    }
}
