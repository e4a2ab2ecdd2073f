//! Two audits compared: what broke, what was mended, what is new or gone, what answers otherwise.

use super::matrix::{field, plain};
use super::model::{Audit, AuditCheck, AuditVerdict, CheckResult};
use crate::report::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What became of a check between two audits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It fails now, and did not.
    Broke,
    /// It failed, and holds now.
    Mended,
    /// The same verdict with another answer, or one that says nothing in place of one that did.
    Otherwise,
    /// It was not there before.
    New,
    /// It is there no more.
    Gone,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The target's name.
    pub target: String,
    /// The check's id.
    pub check: String,
    /// Its level.
    pub level: crate::report::model::Level,
    /// What became of it.
    pub change: Change,
    /// As a cell of the matrix; empty where the check was not there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// The same, now.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Change::Broke => "broke",
            Change::Mended => "mended",
            Change::Otherwise => "otherwise",
            Change::New => "new",
            Change::Gone => "gone",
        }
    }
}

/// Everything that differs, by target, the worst first.
#[must_use]
pub fn differences(old: &Audit, new: &Audit) -> Vec<Difference> {
    let (before, after) = (cells(old), cells(new));
    let mut list = Vec::new();
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (one, other) = (before.get(key), after.get(key));
        let Some(change) = change(one.map(|it| it.1), other.map(|it| it.1)) else { continue };
        let cell = |found: Option<&(&AuditCheck, &CheckResult)>| found.map(|it| told(it.1)).unwrap_or_default();
        let Some((check, _)) = other.or(one) else { continue };
        list.push(Difference {
            target: key.0.clone(),
            check: key.1.clone(),
            level: check.level,
            change,
            before: cell(one),
            after: cell(other),
        });
    }
    list.sort_by(|one, other| {
        (&one.target, one.change, one.level, &one.check).cmp(&(&other.target, other.change, other.level, &other.check))
    });
    list
}

fn cells(audit: &Audit) -> BTreeMap<(String, String), (&AuditCheck, &CheckResult)> {
    let mut all = BTreeMap::new();
    for check in &audit.checks {
        for (target, result) in &check.results {
            all.insert((target.clone(), check.id.clone()), (check, result));
        }
    }
    all
}

fn change(before: Option<&CheckResult>, after: Option<&CheckResult>) -> Option<Change> {
    use AuditVerdict::{Fail, Pass};
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(Change::New),
        (Some(_), None) => Some(Change::Gone),
        (Some(one), Some(other)) => match (one.verdict, other.verdict) {
            (Fail, Fail) if one.got != other.got => Some(Change::Otherwise),
            (Fail, Pass) => Some(Change::Mended),
            (same, now) if same == now => None,
            (_, Fail) => Some(Change::Broke),
            _ => Some(Change::Otherwise),
        },
    }
}

fn told(result: &CheckResult) -> String {
    match (result.verdict, &result.got) {
        (AuditVerdict::Fail, Some(got)) => format!("fail {got}"),
        (verdict, _) => verdict.word().to_owned(),
    }
}

/// As the terminal shows it.
#[must_use]
pub fn screen(list: &[Difference]) -> String {
    if list.is_empty() {
        return "nothing changed\n".to_owned();
    }
    let mut text = String::new();
    let mut target = "";
    for one in list {
        if one.target != target {
            _ = writeln!(text, "{}", words::line(&one.target));
            target = &one.target;
        }
        let level = words::level(one.level).to_uppercase();
        let (check, before, after) = (words::line(&one.check), words::line(&one.before), words::line(&one.after));
        let shown = match one.change {
            Change::New => after,
            Change::Gone => before,
            _ => format!("{before} → {after}"),
        };
        _ = writeln!(text, "  {:<9}  {level:<6}  {check}  {shown}", one.change.word());
    }
    text.push_str(&counted(list));
    text
}

fn counted(list: &[Difference]) -> String {
    let all = [Change::Broke, Change::Mended, Change::Otherwise, Change::New, Change::Gone];
    let count = |change| list.iter().filter(|one| one.change == change).count();
    let told: Vec<String> = all
        .into_iter()
        .filter(|change| count(*change) > 0)
        .map(|change| format!("{} {}", count(change), change.word()))
        .collect();
    format!("{}\n", told.join(", "))
}

/// As a table in Markdown.
pub(in crate::report) fn markdown(list: &[Difference]) -> String {
    if list.is_empty() {
        return "# What changed\n\nNothing changed.\n".to_owned();
    }
    let mut text = format!("# What changed\n\n{}\n", counted(list));
    text.push_str("| target | change | level | check | before | after |\n|---|---|---|---|---|---|\n");
    for one in list {
        _ = writeln!(text, "| {} |", cells_of(one).map(|cell| plain(&cell)).join(" | "));
    }
    text
}

/// As RFC 4180 has it, a row for each change.
pub(in crate::report) fn csv(list: &[Difference]) -> String {
    let mut text = "target,change,level,check,before,after\r\n".to_owned();
    for one in list {
        _ = write!(text, "{}\r\n", cells_of(one).map(|cell| field(&cell)).join(","));
    }
    text
}

fn cells_of(one: &Difference) -> [String; 6] {
    let (target, check, before, after) = (&one.target, &one.check, &one.before, &one.after);
    [target, one.change.word(), words::level(one.level), check, before, after].map(str::to_owned)
}
