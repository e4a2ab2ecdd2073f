//! The audit as data: targets with their grades, checks with what each target came to.
//!
//! Responsible for names and shapes, published in docs/report.schema.json as those of the report that holds them. All text
//! is masked and safe to show.

use crate::report::model::{Level, Line};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came of an audit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// The servers, in the order they were named.
    pub targets: Vec<AuditTarget>,
    /// The checks, each with what came of it for every target.
    pub checks: Vec<AuditCheck>,
}

/// One server or client, and how many checks it passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditTarget {
    /// What it is called: the key in `results`.
    pub name: String,
    /// Its host, or its unix socket; of a client its command.
    pub host: String,
    /// Its port; of a client 0.
    pub port: u16,
    /// `mx`, `submission` or `lmtp`; `client` of a client.
    pub role: String,
    /// Its make, guessed from what it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// How many checks it passed of those that apply.
    pub grade: Grade,
    /// Checks that do not apply.
    pub not_applicable: u64,
    /// Checks that the server was not brought to.
    pub blocked: u64,
    /// Why no check could be played: it could not be reached, or never greeted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<String>,
    /// From its first check to the end of its last, in seconds.
    pub duration: f64,
}

/// Passed and applicable checks of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grade {
    /// What must be so.
    pub must: LevelGrade,
    /// What should be so.
    pub should: LevelGrade,
    /// What may be so.
    pub may: LevelGrade,
}

/// How many checks of one level were passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LevelGrade {
    /// Passed.
    pub passed: u64,
    /// Passed or failed.
    pub applicable: u64,
}

/// One check, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditCheck {
    /// Its id: the name of its file.
    pub id: String,
    /// The sections that it rests on.
    pub rfc: Vec<String>,
    /// How bad it is where it fails.
    pub level: Level,
    /// The folder that it is in.
    pub group: String,
    /// What it is about.
    pub name: String,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to change, by the make of the server.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mend: BTreeMap<String, String>,
    /// What came of it, by the name of the target.
    pub results: BTreeMap<String, CheckResult>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuditVerdict {
    /// It holds.
    #[serde(rename = "pass")]
    Pass,
    /// It does not.
    #[serde(rename = "fail")]
    Fail,
    /// It is not about this server, or lacks a value.
    #[serde(rename = "n/a")]
    NotApplicable,
    /// The server was not brought to where it begins, or what came proves nothing.
    #[serde(rename = "blocked")]
    Blocked,
}

/// What came of a check for one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// What came of it.
    pub verdict: AuditVerdict,
    /// What came, where it failed or was blocked: a reply code, `closed`, `reset`, `silence` or `bytes`; of a client the verb
    /// that it sent, `connection`, or its exit status as `exit 0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What was sent last, as it was written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sent: String,
    /// What came to that, as it came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub came: String,
    /// What was wanted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wanted: String,
    /// Why it is not applicable, or what blocked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a client: how its command ended, and the last line that it printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// The command that plays it again, of what failed; secrets are names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub play: Option<String>,
    /// How long it took, in seconds.
    pub duration: f64,
    /// The conversation: of what failed, or as `--report-transcripts` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcript: Vec<Line>,
}

impl AuditTarget {
    /// Whether it is a client, which nobody can reach: its host is its command.
    #[must_use]
    pub fn is_client(&self) -> bool {
        self.role == "client"
    }
}

impl AuditCheck {
    /// What to change, of a server of this make; of all makes where it is unknown.
    pub fn mend_for(&self, make: Option<&str>) -> impl Iterator<Item = (&String, &String)> {
        self.mend.iter().filter(move |(of, _)| make.is_none_or(|make| make == of.as_str()))
    }
}

impl AuditVerdict {
    /// The word that every report has for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            AuditVerdict::Pass => "pass",
            AuditVerdict::Fail => "fail",
            AuditVerdict::NotApplicable => "n/a",
            AuditVerdict::Blocked => "blocked",
        }
    }
}

impl Grade {
    /// The figures of a level.
    #[must_use]
    pub fn of(&self, level: Level) -> LevelGrade {
        match level {
            Level::Must => self.must,
            Level::Should => self.should,
            Level::May => self.may,
        }
    }

    fn of_mut(&mut self, level: Level) -> &mut LevelGrade {
        match level {
            Level::Must => &mut self.must,
            Level::Should => &mut self.should,
            Level::May => &mut self.may,
        }
    }

    /// Counts a check.
    pub fn count(&mut self, level: Level, verdict: AuditVerdict) {
        let figures = self.of_mut(level);
        figures.passed += u64::from(verdict == AuditVerdict::Pass);
        figures.applicable += u64::from(matches!(verdict, AuditVerdict::Pass | AuditVerdict::Fail));
    }
}

impl Audit {
    /// Takes over the servers of another audit, and what its checks came to.
    ///
    /// # Errors
    /// A message when both are of the same server.
    pub fn add(&mut self, other: Audit) -> Result<(), String> {
        let known = |target: &&AuditTarget| self.targets.iter().any(|one| one.name == target.name);
        if let Some(twice) = other.targets.iter().find(known) {
            return Err(format!("two of these reports are about `{}`; `audit --diff` compares them", twice.name));
        }
        self.targets.extend(other.targets);
        for check in other.checks {
            match self.checks.iter_mut().find(|one| one.id == check.id) {
                Some(one) => one.results.extend(check.results),
                None => self.checks.push(check),
            }
        }
        Ok(())
    }

    /// Counts each target's checks anew.
    pub fn count(&mut self) {
        for target in &mut self.targets {
            (target.grade, target.not_applicable, target.blocked) = (Grade::default(), 0, 0);
            for check in &self.checks {
                let Some(result) = check.results.get(&target.name) else { continue };
                target.grade.count(check.level, result.verdict);
                target.not_applicable += u64::from(result.verdict == AuditVerdict::NotApplicable);
                target.blocked += u64::from(result.verdict == AuditVerdict::Blocked);
            }
        }
    }

    /// The checks that a target failed, the worst first.
    #[must_use]
    pub fn failed<'a>(&'a self, target: &'a str) -> Vec<(&'a AuditCheck, &'a CheckResult)> {
        let of_target = |check: &'a AuditCheck| Some((check, check.results.get(target)?));
        let failed = self.checks.iter().filter_map(of_target);
        let mut list: Vec<_> = failed.filter(|(_, result)| result.verdict == AuditVerdict::Fail).collect();
        list.sort_by_key(|(check, _)| check.level);
        list
    }
}
