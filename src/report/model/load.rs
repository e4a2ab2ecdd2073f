//! The figures of a run under load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Which part of that time the client's own threads were busy: near 1 the client, and not the server, limits the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_busy: Option<f64>,
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
