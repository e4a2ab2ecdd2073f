//! The result of one check on one target: what was played, what was not, and the command that plays just this one.

use crate::audit::{Check, CheckVerdict, Judged, Role, Target};
use crate::report::audit::{AuditVerdict, CheckResult};
use crate::report::collect;
use crate::run::Outcome;
use std::fmt::Write;

/// The command that plays just this check, with the values of its target.
pub(super) fn command(check: &Check, target: &Target, role: Role, insecure: bool) -> String {
    let address = target.address();
    if address.starts_with("unix:") {
        return format!("smtp-script audit {address} --only {}", check.id);
    }
    let mut command = format!("smtp-script run audit/{} --to {address}", check.id);
    for (name, value) in target.variables(role) {
        let usual =
            [("tls_mode", "none"), ("role", "mx"), ("login", "none")].contains(&(name.as_str(), value.as_str()));
        let declared = check.scenario.vars.iter().any(|var| var.name.name == name);
        if declared && !usual && !matches!(name.as_str(), "host" | "port" | "socket") {
            _ = write!(command, " --var {name}={}", quoted(&value));
        }
    }
    if !check.scenario.secrets.is_empty() {
        // Without a user name none is sent, and the scenario wants one all the same.
        let value = if target.values.contains_key("username") { "…" } else { "none" };
        _ = write!(command, " --secret password={value}");
    }
    if insecure {
        command.push_str(" --insecure");
    }
    command
}

/// A word of a shell's command line.
pub(super) fn quoted(value: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "@._-+:/=[]{}".contains(letter);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}

/// What was not played.
pub(super) fn plain(verdict: AuditVerdict, reason: String) -> CheckResult {
    CheckResult {
        verdict,
        got: None,
        sent: String::new(),
        came: String::new(),
        wanted: String::new(),
        reason: Some(reason),
        exit: None,
        play: None,
        duration: 0.0,
        transcript: Vec::new(),
    }
}

/// What a run says of its check, and the conversation where it is wanted.
pub(super) fn told(judged: Judged, outcome: &Outcome, with_transcript: bool) -> CheckResult {
    CheckResult {
        verdict: match judged.verdict {
            CheckVerdict::Pass => AuditVerdict::Pass,
            CheckVerdict::Fail => AuditVerdict::Fail,
            CheckVerdict::NotApplicable => AuditVerdict::NotApplicable,
            CheckVerdict::Blocked => AuditVerdict::Blocked,
        },
        got: judged.got,
        sent: judged.sent,
        came: judged.came,
        wanted: judged.wanted,
        reason: judged.reason,
        exit: outcome.client_end.as_ref().map(crate::audit::told),
        play: None,
        duration: outcome.duration.as_secs_f64(),
        transcript: if with_transcript { collect::lines(outcome) } else { Vec::new() },
    }
}
