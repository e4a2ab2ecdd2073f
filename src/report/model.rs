//! The report as data: what the JSON report holds, and what every other format is made from.
//!
//! Responsible for names and shapes, which are published as docs/report.schema.json. A field that is taken away or changes
//! its meaning makes a new [`VERSION`]; one that is added does not. All text in it is masked and safe to show. Times are
//! seconds, octets are counted without those of TLS. `collect` fills it, `merge` joins two.

mod conversation;
mod load;

pub use conversation::{Certificate, Closed, Line, Received, Reply, Session, Speaker, Step, StepVerdict, Tls};
pub use load::{ErrorFigures, Latency, Load, StepFigures};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format.
pub const VERSION: u32 = 1;

/// What came of one call of `smtp-script run`, or of several that were merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this format: 1.
    pub version: u32,
    /// What wrote it.
    pub program: Program,
    /// When the run began (RFC 3339, UTC).
    pub started: String,
    /// How long it took, in seconds.
    pub duration: f64,
    /// Whether it was ended before everything was played.
    pub interrupted: bool,
    /// The exit code of the run: 0 all followed, 1 diverged, 2 could not be run as asked, 3 no connection, 70 a bug, 130 interrupted.
    pub exit_code: u8,
    /// Which part of everything was played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// How many scenarios and steps had which verdict.
    pub summary: Summary,
    /// Every scenario that was played or could not be, in the order it was named. Under load only examples of what diverged.
    pub scenarios: Vec<ScenarioReport>,
    /// What could not be done as asked and belongs to no scenario.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// The figures of a run under load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// What came of an audit; there are no scenarios beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<super::audit::Audit>,
    /// What changed between two audits; there is nothing else beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<super::audit::Difference>>,
}

/// The program that wrote the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// `smtp-script`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Operating system and processor that it ran on, such as `linux x86_64`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
}

/// One part of a run that is shared by several machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// How many scenarios and steps had which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Scenarios in all.
    pub scenarios: u64,
    /// Followed their script at once.
    pub followed: u64,
    /// Followed their script on a retry.
    pub flaky: u64,
    /// Did not follow it.
    pub diverged: u64,
    /// Had no connection to a server.
    pub unreachable: u64,
    /// Could not be run as asked.
    pub broken: u64,
    /// Were ended by the user.
    pub interrupted: u64,
    /// Were not played: the run ended before.
    pub not_played: u64,
    /// Did not follow it, which by their level is a warning.
    #[serde(default)]
    pub warned: u64,
    /// Were not about this server: nothing was tested.
    #[serde(default)]
    pub not_applicable: u64,
    /// YAML files of folders that are no scenarios.
    pub left_out: u64,
    /// Scenarios that `--tag`, `--name`, `--last-failed` or `--shard` passed over.
    pub not_selected: u64,
    /// The steps of all of them.
    pub steps: StepSummary,
}

/// How many steps had which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepSummary {
    /// Came as expected.
    pub followed: u64,
    /// Something else came.
    pub diverged: u64,
    /// Their `when` was false, or their group does not apply.
    pub skipped: u64,
    /// A step before them diverged.
    pub unreached: u64,
}

/// What became of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It followed its script.
    Followed,
    /// It did on a retry, and not before.
    Flaky,
    /// It did not.
    Diverged,
    /// There was no connection to a server.
    Unreachable,
    /// It could not be run as asked.
    Broken,
    /// The user ended it.
    Interrupted,
    /// It was not begun: the run ended before.
    NotPlayed,
    /// It did not follow its script, which by its level is a warning.
    Warned,
    /// It is not about this server: nothing was tested.
    NotApplicable,
}

impl Verdict {
    /// Whether the scenario did not do what it should. A warning is no failure, nor is a scenario that does not apply.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Verdict::Followed | Verdict::Flaky | Verdict::Warned | Verdict::NotApplicable)
    }
}

/// How bad it is where a scenario is not followed (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It must not be.
    Must,
    /// It should not be.
    Should,
    /// It may be so.
    May,
}

/// One scenario, played once, with one set of variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioReport {
    /// What distinguishes it from all others, the same in every run: the file, the case and the mail exchanger.
    pub id: String,
    /// Its place among all that were named, from 0; in every shard the same.
    #[serde(default)]
    pub position: u64,
    /// The file as it was given.
    pub path: String,
    /// The scenario's name, or its file's, with its case and mail exchanger.
    pub name: String,
    /// What it is tagged with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How bad it is where it is not followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The sections of RFCs that it rests on, such as `5321 §4.1.1.4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rfc: Vec<String>,
    /// Why it matters, for somebody who does not know the RFC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to change, by the make of the server.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mend: BTreeMap<String, String>,
    /// Why it is not about this server, where it is not applicable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The case that it was played with: each column with its value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub case: BTreeMap<String, serde_json::Value>,
    /// The variables that it was played with, those of the case among them; what depends on a secret is masked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, serde_json::Value>,
    /// What became of it.
    pub verdict: Verdict,
    /// The exit code that it asks for.
    pub exit_code: u8,
    /// When it began (RFC 3339, UTC).
    pub started: String,
    /// From the start of the run, in seconds.
    pub offset: f64,
    /// How long it took, in seconds.
    pub duration: f64,
    /// Attempts that diverged before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// What did not follow the script, the headline first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub divergences: Vec<Divergence>,
    /// Why it could not be run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Diagnostic>,
    /// What hardly means what it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
    /// Things to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Every step in the order it was played, then the steps that were not reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Session>,
    /// What was captured from replies, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, String>,
    /// The conversation, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcript: Vec<Line>,
    /// The scenario as YAML that needs no other file, with the values of this run; secrets are names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Options that playing `script` again needs, such as `--seed 7`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What the server did, as YAML that `serve` plays; secrets match anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
}

/// An attempt that another one followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The number of the step that diverged first; empty for the top-level `connect`.
    pub step: String,
    /// What diverged, in one line.
    pub message: String,
    /// How long it took, in seconds.
    pub duration: f64,
}

/// Something that did not follow the script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Divergence {
    /// The number of the step, nested as `2.3`; empty for the top-level `connect`.
    pub step: String,
    /// Which entry of `steps` that is, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// What happened, for machines: `reply`, `timeout`, `closed`, `connect`, `tls`, `unasked` …
    pub kind: String,
    /// Whose doing it is: `server`, `user`, `network`, `interrupted`.
    pub cause: String,
    /// What kept a connection or a TLS handshake from succeeding: `name`, `refused`, `expired`, `unknown_issuer` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The code of the reply that was not expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_code: Option<u16>,
    /// What was expected, in the words of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came instead: octets with escapes, or what happened in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// The line of the transcript that it is about, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Whether it is a warning: by the level of the scenario, or by the `warn` of an assertion.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warning: bool,
    /// What is said about it.
    pub diagnostic: Diagnostic,
}

impl Divergence {
    /// What a check of an audit came to, which has no step of its own.
    pub(super) fn of_check(kind: &str, cause: &str, reply_code: Option<u16>, diagnostic: Diagnostic) -> Divergence {
        Divergence {
            step: String::new(),
            index: None,
            kind: kind.to_owned(),
            cause: cause.to_owned(),
            reason: None,
            reply_code,
            expected: None,
            got: None,
            line: None,
            warning: false,
            diagnostic,
        }
    }
}

/// A message about a place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What is said beside the caret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What is known about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
    /// All of it as the terminal shows it, with the excerpt of the file and the caret.
    pub rendered: String,
}

/// A place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}
