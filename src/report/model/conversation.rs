//! What a scenario did on the wire: its steps, its sessions, and every line that was said.

use super::Place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Of a step in a loop: which turn it is, from 1; of several loops around it the turn of the innermost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<usize>,
    /// Of a step in a loop: its number and the turn of each loop around it, the outermost first: `2.1[3]`, `2.1.1[3][2]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
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
    /// What `observe` took down: `reply`, `silence`, `closed`, `reset`, `bytes` or `alert`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// Why it was not played, where that is not its own `when`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// All that came while it was played, whole replies or not. Of a server's step: what its client sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// How the other side ended the connection while it was played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepVerdict {
    /// Everything came as expected.
    Followed,
    /// Something else came.
    Diverged,
    /// Its `when` was false, or its group does not apply.
    Skipped,
    /// A step before it diverged.
    Unreached,
}

/// What came while a step was played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Received {
    /// How many octets, line ends included.
    pub octets: usize,
    /// What of it is no whole reply: a malformed one, single lines, raw octets, what broke a silence. Control characters
    /// are escapes (`\\r\\n`), a backslash is `\\\\`; of much of it the first 2000 octets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// How a connection was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// In order.
    Fin,
    /// By a reset.
    Reset,
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
    /// What was connected to in its place: `the sandbox`, or the server of `--to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
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
    /// The certificate that this side refused, if it could be seen: then there was no handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_certificate: Option<Certificate>,
}

impl Session {
    /// The certificates that the server showed, refused or not.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.tls.iter().filter_map(|tls| tls.certificate.as_ref()).chain(&self.refused_certificate)
    }
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
