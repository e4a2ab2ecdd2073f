//! The figures of an audit for Prometheus.

use super::model::{Audit, AuditVerdict};
use crate::report::exposition::{ExpositionPage, Sample, number, sample};
use crate::report::model::Level;
use crate::report::words;

const VERDICTS: [AuditVerdict; 4] =
    [AuditVerdict::Pass, AuditVerdict::Fail, AuditVerdict::NotApplicable, AuditVerdict::Blocked];

/// How many checks came to what, and a series for each that failed.
pub(in crate::report) fn of_audit(page: &mut ExpositionPage, audit: &Audit) {
    let (mut counts, mut failed): (Vec<Sample>, Vec<Sample>) = (Vec::new(), Vec::new());
    for target in &audit.targets {
        for level in [Level::Must, Level::Should, Level::May] {
            for verdict in VERDICTS {
                let is_it = |check: &&super::model::AuditCheck| {
                    let result = check.results.get(&target.name);
                    check.level == level && result.is_some_and(|result| result.verdict == verdict)
                };
                let count = audit.checks.iter().filter(is_it).count();
                let labels =
                    [("target", target.name.as_str()), ("level", words::level(level)), ("verdict", verdict.word())];
                counts.push(sample(&labels, number(count)));
            }
        }
        for (check, _) in audit.failed(&target.name) {
            let rfc = check.rfc.join(", ");
            let labels = [
                ("target", target.name.as_str()),
                ("check", &check.id),
                ("level", words::level(check.level)),
                ("rfc", &rfc),
            ];
            failed.push(sample(&labels, 1.0));
        }
    }
    page.gauge("audit_checks", "How many checks of a level came to what.", counts);
    page.gauge("audit_check_failed", "The checks that failed.", failed);
}
