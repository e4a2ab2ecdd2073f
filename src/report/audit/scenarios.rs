//! Results of checks as scenarios: `n/a` is not applicable, a failed check diverged, or is a warning by its level.

use super::model::{AuditCheck, AuditVerdict, CheckResult};
use crate::report::Report;
use crate::report::collect::not_played;
use crate::report::model::{Diagnostic, Divergence, Level, Place, ScenarioReport, Verdict};

/// The report with a scenario for each check and target, target by target.
pub(in crate::report) fn with_scenarios(report: &Report) -> Report {
    let Some(audit) = &report.audit else { return report.clone() };
    let mut whole = report.clone();
    for target in &audit.targets {
        let of_target = |check: &AuditCheck| Some(scenario(check, &target.name, check.results.get(&target.name)?));
        whole.scenarios.extend(audit.checks.iter().filter_map(of_target));
    }
    whole.count();
    whole
}

fn scenario(check: &AuditCheck, target: &str, result: &CheckResult) -> ScenarioReport {
    let verdict = match (result.verdict, check.level) {
        (AuditVerdict::Pass, _) => Verdict::Followed,
        (AuditVerdict::Fail, Level::Must) => Verdict::Diverged,
        (AuditVerdict::Fail, _) => Verdict::Warned,
        (AuditVerdict::NotApplicable, _) => Verdict::NotApplicable,
        (AuditVerdict::Blocked, _) => Verdict::Unreachable,
    };
    let id = format!("{} [{target}]", file_of(check));
    ScenarioReport {
        verdict,
        exit_code: match verdict {
            Verdict::Diverged => 1,
            Verdict::Unreachable => 3,
            _ => 0,
        },
        duration: result.duration,
        level: Some(check.level),
        rfc: check.rfc.clone(),
        why: check.why.clone(),
        mend: check.mend.clone(),
        reason: result.reason.clone().filter(|_| result.verdict == AuditVerdict::NotApplicable),
        divergences: divergence(check, target, result).into_iter().collect(),
        transcript: result.transcript.clone(),
        ..not_played(id, &format!("{}: {} [{target}]", check.id, check.name), target)
    }
}

fn divergence(check: &AuditCheck, target: &str, result: &CheckResult) -> Option<Divergence> {
    let (kind, cause, message) = match result.verdict {
        AuditVerdict::Fail => {
            let came = if result.came.is_empty() { result.got.as_deref().unwrap_or_default() } else { &result.came };
            ("reply", "server", format!("{}: wanted {}, got {came}", check.name, result.wanted))
        }
        AuditVerdict::Blocked => {
            ("connect", "network", format!("blocked: {}", result.reason.as_deref().unwrap_or_default()))
        }
        AuditVerdict::Pass | AuditVerdict::NotApplicable => return None,
    };
    let mut notes: Vec<String> = check.rfc.iter().map(|section| format!("RFC {section}")).collect();
    notes.extend(check.why.clone());
    let place = Place { file: file_of(check), line: 1, column: 1 };
    let help = check.mend.iter().map(|(make, what)| format!("{make}: {what}")).collect();
    let rendered = format!("{target}: {message}");
    let code = result.got.as_ref().and_then(|got| got.parse().ok());
    let diagnostic = Diagnostic { message, place, label: String::new(), notes, help, rendered };
    Some(Divergence::of_check(kind, cause, code, diagnostic))
}

/// The name of the check in the library: the checks of clients have one of their own.
fn file_of(check: &AuditCheck) -> String {
    let library = if check.id.starts_with("c-") { "audit-client" } else { "audit" };
    format!("{library}/{}/{}", check.group, check.id)
}
