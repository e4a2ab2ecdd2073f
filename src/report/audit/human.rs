//! The audit on the terminal: a line a target, then the checks that failed, each with all that a person needs to mend it.

use super::model::{Audit, AuditCheck, AuditTarget, AuditVerdict, CheckResult, Grade};
use crate::report::human::Styled;
use crate::report::model::Level;
use crate::report::words::counted;
use crate::smtp::ports::host_port;
use crate::visible::inert;
use anstyle::{AnsiColor, Style};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = Style::new().dimmed();

/// Beside a change that is longer the checks do not line up.
const WIDEST: usize = 50;
/// How many of the checks that fail on most targets are shown.
const MOST_FAILED: usize = 10;
pub(super) const LEVELS: [(Level, &str); 3] = [(Level::Must, "MUST"), (Level::Should, "SHOULD"), (Level::May, "MAY")];

/// The whole screen. With one target, or where all is asked for, each failed check is shown.
#[must_use]
pub fn screen(audit: &Audit, all: bool, styled: Styled) -> String {
    let mut text = String::new();
    for target in &audit.targets {
        text.push_str(&line(target));
        if (audit.targets.len() == 1 || all) && target.unreachable.is_none() {
            text.push_str(&details(audit, target, styled));
        }
    }
    if audit.targets.len() > 1 && !all {
        text.push_str(&most_failed(audit, styled));
    }
    text
}

/// The line of each target.
pub(in crate::report) fn grades(audit: &Audit) -> String {
    audit.targets.iter().map(line).collect()
}

/// `mx (192.0.2.1:25)    MUST 90/97   SHOULD 31/40   MAY 5/9   n/a 21   blocked 0    4.2 s`
fn line(target: &AuditTarget) -> String {
    let address = address(target);
    let called = if target.name == address { address } else { format!("{} ({address})", target.name) };
    let called = inert(&called);
    if let Some(reason) = &target.unreachable {
        return format!("{called}   {}\n", inert(reason));
    }
    let mut line = called;
    for (level, word) in LEVELS {
        let figures = target.grade.of(level);
        _ = write!(line, "   {word} {}/{}", figures.passed, figures.applicable);
    }
    let (skipped, blocked) = (target.not_applicable, target.blocked);
    _ = write!(line, "   n/a {skipped}   blocked {blocked}   {:.1} s", target.duration);
    if blocked * 10 > blocked + skipped + applicable(&target.grade) {
        _ = write!(line, "   more than a tenth is blocked: the grade says little");
    }
    line.push('\n');
    line
}

/// `192.0.2.1:25`; of a client its command.
pub(super) fn address(target: &AuditTarget) -> String {
    let has_port = !target.is_client() && !target.host.starts_with("unix:");
    if has_port { host_port(&target.host, target.port) } else { target.host.clone() }
}

fn applicable(grade: &Grade) -> u64 {
    LEVELS.iter().map(|(level, _)| grade.of(*level).applicable).sum()
}

fn details(audit: &Audit, target: &AuditTarget, styled: Styled) -> String {
    let mut text = String::new();
    let make = target.make.as_deref();
    for (check, result) in audit.failed(&target.name) {
        text.push('\n');
        text.push_str(&failed(check, result, make, styled));
    }
    text.push_str(&changes(audit, target));
    text.push_str(&blocked(audit, target));
    text.push_str(&missing_values(audit, target));
    text.push_str(&by_rfc(audit, target));
    if let Some(make) = make {
        _ = writeln!(text, "\n  looks like {make}: only what helps is chosen by that, no verdict");
    }
    text
}

/// One check that failed.
fn failed(check: &AuditCheck, result: &CheckResult, make: Option<&str>, styled: Styled) -> String {
    let level = LEVELS.iter().find(|(level, _)| *level == check.level).map_or("", |(_, word)| word);
    let rfc = sections(&check.rfc);
    let mut text = format!(
        "  {}  {level:<6}  {}  {rfc}{}\n",
        styled.paint(BAD, "FAIL"),
        check.id,
        if rfc.is_empty() { check.name.clone() } else { format!("   {}", check.name) }
    );
    let mut row = |key: &str, value: &str| {
        for (index, line) in value.lines().enumerate() {
            let key = if index == 0 { key } else { "" };
            _ = writeln!(text, "        {}{line}", styled.paint(NOTE, &format!("{key:<8}")));
        }
    };
    row("sent", &result.sent);
    let came = if result.came.is_empty() { result.got.clone().unwrap_or_default() } else { result.came.clone() };
    if came.contains('\n') {
        row("came", &came);
        row("wanted", &result.wanted);
    } else {
        row("came", &format!("{came}       wanted: {}", result.wanted));
    }
    row("exit", result.exit.as_deref().unwrap_or_default());
    row("why", check.why.as_deref().unwrap_or_default());
    for (of, what) in check.mend_for(make) {
        row("mend", &format!("{of}: {what}"));
    }
    row("play", &inert(result.play.as_deref().unwrap_or_default()));
    text
}

/// What to change on a server of a known make, once for all checks that ask for it.
fn changes(audit: &Audit, target: &AuditTarget) -> String {
    let Some(make) = &target.make else { return String::new() };
    let mut wanted: Vec<(&str, Vec<&str>)> = Vec::new();
    for (check, _) in audit.failed(&target.name) {
        for (_, what) in check.mend_for(Some(make)) {
            match wanted.iter_mut().find(|(known, _)| known == what) {
                Some((_, ids)) => ids.push(&check.id),
                None => wanted.push((what, vec![&check.id])),
            }
        }
    }
    if wanted.is_empty() {
        return String::new();
    }
    let longest = wanted.iter().map(|(what, _)| what.chars().count()).filter(|count| *count <= WIDEST).max();
    let mut text = format!("\n  what to change ({make})\n");
    for (what, ids) in wanted {
        _ = writeln!(text, "    {what:<width$}  {}", listed(&ids), width = longest.unwrap_or(0));
    }
    text
}

fn blocked(audit: &Audit, target: &AuditTarget) -> String {
    let reasons = of_verdict(audit, target, AuditVerdict::Blocked);
    let mut text = String::new();
    for (reason, ids) in reasons {
        _ = writeln!(text, "\n  blocked  {}\n        {}", listed(&ids), reason);
    }
    text
}

/// Which option would make further checks applicable.
fn missing_values(audit: &Audit, target: &AuditTarget) -> String {
    let mut text = String::new();
    for (option, count) in wanted_options(audit, target) {
        let gap = if text.is_empty() { "\n" } else { "" };
        _ = writeln!(text, "{gap}  {}: {option}", counted(count as u64, "more check"));
    }
    text
}

/// What the user could give so that further checks apply, and how many.
pub(super) fn wanted_options(audit: &Audit, target: &AuditTarget) -> Vec<(String, usize)> {
    let reasons = of_verdict(audit, target, AuditVerdict::NotApplicable);
    let wanted = reasons.into_iter().filter(|(reason, _)| reason.starts_with("give "));
    wanted.map(|(reason, ids)| (reason, ids.len())).collect()
}

/// The checks that came to a verdict, by the reason.
pub(super) fn of_verdict<'a>(
    audit: &'a Audit,
    target: &AuditTarget,
    verdict: AuditVerdict,
) -> BTreeMap<String, Vec<&'a str>> {
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for check in &audit.checks {
        if let Some(result) = check.results.get(&target.name).filter(|result| result.verdict == verdict) {
            reasons.entry(result.reason.clone().unwrap_or_default()).or_default().push(&check.id);
        }
    }
    reasons
}

/// The first of them, and how many more there are.
pub(super) fn listed(ids: &[&str]) -> String {
    let shown = ids.iter().take(6).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > 6 { format!("{shown} and {} more", ids.len() - 6) } else { shown }
}

fn by_rfc(audit: &Audit, target: &AuditTarget) -> String {
    let mut rows: BTreeMap<u32, Grade> = BTreeMap::new();
    for check in &audit.checks {
        let number = check.rfc.first().and_then(|section| section.split(' ').next()?.parse().ok());
        if let (Some(number), Some(result)) = (number, check.results.get(&target.name)) {
            rows.entry(number).or_default().count(check.level, result.verdict);
        }
    }
    rows.retain(|_, grade| applicable(grade) > 0);
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n  {:<12}  {:>7}  {:>7}  {:>7}\n", "by RFC", "MUST", "SHOULD", "MAY");
    for (number, grade) in rows {
        let cell = |level| match grade.of(level) {
            figures if figures.applicable == 0 => "–".to_owned(),
            figures => format!("{}/{}", figures.passed, figures.applicable),
        };
        let [must, should, may] = LEVELS.map(|(level, _)| cell(level));
        _ = writeln!(text, "    RFC {number:<6}  {must:>7}  {should:>7}  {may:>7}");
    }
    text
}

/// `RFC 5321 §4.1.1.4, RFC 2505 §2.1`
pub(super) fn sections(rfc: &[String]) -> String {
    rfc.iter().map(|section| format!("RFC {section}")).collect::<Vec<_>>().join(", ")
}

/// The checks that fail on most targets.
fn most_failed(audit: &Audit, styled: Styled) -> String {
    let failed =
        |check: &AuditCheck| check.results.values().filter(|result| result.verdict == AuditVerdict::Fail).count();
    let mut list: Vec<(usize, &AuditCheck)> = audit.checks.iter().map(|check| (failed(check), check)).collect();
    list.retain(|(count, _)| *count > 0);
    list.sort_by_key(|(count, check)| (std::cmp::Reverse(*count), check.level, check.id.clone()));
    let mut text = String::new();
    for (count, check) in list.iter().take(MOST_FAILED) {
        let level = LEVELS.iter().find(|(level, _)| *level == check.level).map_or("", |(_, word)| word);
        let (fail, of) = (styled.paint(BAD, "FAIL"), audit.targets.len());
        _ = writeln!(text, "\n  {fail}  {level:<6}  {}  {}   {}", check.id, sections(&check.rfc), check.name);
        _ = writeln!(text, "        on {count} of {of}");
    }
    if list.len() > MOST_FAILED {
        _ = writeln!(text, "\n  {} more checks fail somewhere: `-v` shows all", list.len() - MOST_FAILED);
    }
    text
}
