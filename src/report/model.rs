//! The report as data: what the JSON report holds, and what every other format is made from.
//!
//! Responsible for names and shapes, which are published as docs/report.schema.json. A field that is taken away or changes
//! its meaning makes a new [`VERSION`]; one that is added does not. All text in it is masked and safe to show. Times are
//! seconds, octets are counted without those of TLS. `collect` fills it, `merge` joins two.

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
    /// How many scenarios and steps came to what.
    pub summary: Summary,
    /// Every scenario that was played or could not be, in the order it was named. Under load only examples of what diverged.
    pub scenarios: Vec<ScenarioReport>,
    /// What could not be done as asked and belongs to no scenario.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// The figures of a run under load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
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

/// How many scenarios and steps came to what.
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
    /// YAML files of folders that are no scenarios.
    pub left_out: u64,
    /// Scenarios that `--tag`, `--name`, `--last-failed` or `--shard` passed over.
    pub not_selected: u64,
    /// The steps of all of them.
    pub steps: StepSummary,
}

/// How many steps came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepSummary {
    /// Came as expected.
    pub followed: u64,
    /// Something else came.
    pub diverged: u64,
    /// Their `when` was false.
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
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepVerdict {
    /// Everything came as expected.
    Followed,
    /// Something else came.
    Diverged,
    /// Its `when` was false.
    Skipped,
    /// A step before it diverged.
    Unreached,
}

/// One scenario, played once, with one set of variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioReport {
    /// What tells it from all others, the same in every run: the file, the case and the mail exchanger.
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
    /// Every step in the order it was played, then those that were not come to.
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
    /// What happened, for machines: `reply`, `timeout`, `closed`, `connect`, `tls`, `unasked` …
    pub kind: String,
    /// Whose doing it is: `server`, `user`, `network`, `interrupted`.
    pub cause: String,
    /// What kept a connection or a TLS handshake from coming about: `name`, `refused`, `expired`, `unknown_issuer` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The code of the reply that was not expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_code: Option<u16>,
    /// The line of the transcript that it is about, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is said about it.
    pub diagnostic: Diagnostic,
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

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// `7`, nested `2.3`; empty for the top-level `connect`. A step of a loop comes once for each turn.
    pub number: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The key that it is written with: `send`, `expect`, `starttls`, `steps` …
    pub action: String,
    /// What it is called where it has no name: `send MAIL FROM:<<<from>>>`, as the file says it, on one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Where it stands.
    pub place: Place,
    /// The session that it speaks in.
    pub session: String,
    /// What became of it.
    pub verdict: StepVerdict,
    /// When it began, from the start of the scenario, in seconds.
    pub started: f64,
    /// How long it took, in seconds.
    pub duration: f64,
    /// The whole replies that it read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replies: Vec<Reply>,
}

/// A reply of the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// The reply code (RFC 5321 section 4.2).
    pub code: u16,
    /// The enhanced status code (RFC 2034).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<String>,
    /// Its lines as they came, codes included.
    pub lines: Vec<String>,
    /// When its last octet was there, from the start of the scenario, in seconds.
    pub at: f64,
    /// From the last octet of the command to the last octet of the reply, in seconds.
    pub elapsed: f64,
    /// How long it is, line ends included.
    pub octets: usize,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Its name: `main` where the scenario gives none.
    pub name: String,
    /// The server as the scenario names it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The address that was connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it was open, from the start of the scenario, in seconds.
    pub opened: f64,
    /// When this side closed it, from the start of the scenario, in seconds.
    pub closed: f64,
    /// Octets sent.
    pub sent: u64,
    /// Octets received.
    pub received: u64,
    /// Messages that the server took.
    pub messages: u64,
    /// Each TLS handshake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tls: Vec<Tls>,
}

/// What a TLS handshake agreed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tls {
    /// When it was done, from the start of the scenario, in seconds.
    pub at: f64,
    /// `TLSv1.3` and the like.
    pub version: String,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// Whether the certificate was verified.
    pub verified: bool,
    /// The server's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// Whose it is (RFC 4514).
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The DNS names and IP addresses it is good for.
    pub names: Vec<String>,
    /// The first moment it is valid (RFC 3339).
    pub not_before: String,
    /// The last moment it is valid (RFC 3339).
    pub not_after: String,
    /// Whole days from the run to that moment; negative once it is over.
    pub days_left: i64,
}

/// Who said a line of the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The client.
    Client,
    /// The server.
    Server,
    /// A note on what happened to the connection.
    Note,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// When, from the start of the scenario, in seconds.
    pub at: f64,
    /// The session.
    pub session: String,
    /// Who.
    pub speaker: Speaker,
    /// What, with secrets masked and control characters made visible.
    pub text: String,
    /// The number of the step that it belongs to.
    pub step: String,
}

/// The figures of a run under load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// The most runs that were to be under way at once.
    pub jobs: u64,
    /// How many runs were to begin each second; without it the next begins when one ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many times a scenario was begun.
    pub runs: u64,
    /// Runs that followed their script.
    pub followed: u64,
    /// Runs that did not.
    pub diverged: u64,
    /// Runs without a connection.
    pub unreachable: u64,
    /// Runs that could not be run as asked.
    pub broken: u64,
    /// Runs that were under way when the time was over, or the user ended them.
    pub interrupted: u64,
    /// The most runs that were under way at once.
    pub peak: u64,
    /// Runs that began more than 10 ms after they were due.
    pub late: u64,
    /// Runs that were due, but for which the time was over before there was room for them.
    #[serde(default)]
    pub never_begun: u64,
    /// Connections that were opened.
    pub sessions: u64,
    /// Messages that servers took.
    pub messages: u64,
    /// Octets sent.
    pub sent: u64,
    /// Octets received.
    pub received: u64,
    /// How long it took, in seconds, from the first run to the end of the last.
    pub duration: f64,
    /// Runs each second.
    pub runs_per_second: f64,
    /// Connections each second.
    pub sessions_per_second: f64,
    /// Messages each second.
    pub messages_per_second: f64,
    /// How long whole runs took that followed their script, counted from when each was due.
    pub latency: Latency,
    /// The figures of each step.
    pub steps: Vec<StepFigures>,
    /// How many replies came with which code.
    pub replies: BTreeMap<String, u64>,
    /// What diverged, the most frequent first.
    pub errors: Vec<ErrorFigures>,
}

/// The figures of one step of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepFigures {
    /// The scenario's id.
    pub scenario: String,
    /// The number of the step.
    pub step: String,
    /// Its name, or what it does.
    pub name: String,
    /// How often it diverged.
    pub diverged: u64,
    /// How long it took where it followed the script.
    pub latency: Latency,
}

/// What diverged, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFigures {
    /// The scenario's id.
    pub scenario: String,
    /// The number of the step.
    pub step: String,
    /// What happened, for machines.
    pub kind: String,
    /// What happened the first time, in one line.
    pub message: String,
    /// How often.
    pub count: u64,
}

/// How long something took, many times: seconds, and the counts that they are made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// How many times.
    pub count: u64,
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Half of them took at most this.
    pub p50: f64,
    /// Nine of ten took at most this.
    pub p90: f64,
    /// 99 of 100 took at most this.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// Microseconds and how often they were seen, three significant digits each: what merged reports add up.
    pub counts: Vec<(u64, u64)>,
}
