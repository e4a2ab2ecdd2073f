//! The audit in Markdown: grades of all servers, then for each server every check that failed, with what helps.
//!
//! Nothing that came from a server stands outside of code, as in `report::markdown`, whose words for that these are.

use super::human::{LEVELS, address, listed, of_verdict, sections, wanted_options};
use super::model::{Audit, AuditCheck, AuditTarget, AuditVerdict, CheckResult};
use crate::report::markdown::{code, fenced};
use crate::report::words::counted;
use std::fmt::Write as _;

/// The page.
pub(in crate::report) fn markdown(audit: &Audit) -> String {
    let mut page = format!("# Audit of {}\n\n", counted(audit.targets.len() as u64, "server"));
    page.push_str(
        "| server | address | role | MUST | SHOULD | MAY | n/a | blocked |\n|---|---|---|---|---|---|---|---|\n",
    );
    for target in &audit.targets {
        let grades = LEVELS.map(|(level, _)| {
            let figures = target.grade.of(level);
            format!("{}/{}", figures.passed, figures.applicable)
        });
        let (name, at) = (cell(&target.name), cell(&address(target)));
        let (role, grades) = (&target.role, grades.join(" | "));
        _ = writeln!(page, "| {name} | {at} | {role} | {grades} | {} | {} |", target.not_applicable, target.blocked);
    }
    page.push_str("\nPassed checks of those that apply, for each level.\n");
    audit.targets.iter().for_each(|target| about(audit, target, &mut page));
    page
}

fn about(audit: &Audit, target: &AuditTarget, page: &mut String) {
    _ = writeln!(page, "\n## {}", code(&target.name));
    if let Some(reason) = &target.unreachable {
        _ = writeln!(page, "\n{}", code(reason));
        return;
    }
    if let Some(make) = &target.make {
        _ = writeln!(page, "\nIt looks like {make}.");
    }
    let failed = audit.failed(&target.name);
    if failed.is_empty() {
        page.push_str("\nNo check failed.\n");
    }
    for (check, result) in failed {
        about_failed(check, result, target, page);
    }
    for (reason, ids) in of_verdict(audit, target, AuditVerdict::Blocked) {
        _ = writeln!(page, "\nBlocked: {}. {}", listed(&ids), code(&reason));
    }
    for (option, count) in wanted_options(audit, target) {
        _ = writeln!(page, "\nNot played ({count}): {}", code(&option));
    }
}

/// One check that failed.
fn about_failed(check: &AuditCheck, result: &CheckResult, target: &AuditTarget, page: &mut String) {
    let level = LEVELS.iter().find(|(level, _)| *level == check.level).map_or("", |(_, word)| word);
    _ = writeln!(page, "\n### {level} {}: {}\n", code(&check.id), code(&check.name));
    if !check.rfc.is_empty() {
        _ = writeln!(page, "{}\n", code(&sections(&check.rfc)));
    }
    let mut said = String::new();
    for (mark, text) in [("C: ", &result.sent), ("S: ", &result.came)] {
        text.lines().for_each(|line| _ = writeln!(said, "{mark}{line}"));
    }
    if said.is_empty() {
        _ = writeln!(said, "S: ({})", result.got.as_deref().unwrap_or("nothing"));
    }
    page.push_str(&fenced("text", &said));
    _ = writeln!(page, "\n- Wanted: {}", code(&result.wanted));
    check.why.iter().for_each(|why| _ = writeln!(page, "- Why: {}", code(why)));
    for (make, what) in check.mend_for(target.make.as_deref()) {
        _ = writeln!(page, "- What to do ({make}): {}", code(what));
    }
    result.play.iter().for_each(|play| _ = writeln!(page, "- Play it again: {}", code(play)));
}

/// Code in a cell of a table.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}
