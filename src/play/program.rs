//! The client program that a scripted server is played for: what is to be started, and what came of it.
//!
//! Plain data. `run::program` starts it; who asked for it says what it is (`cli::audit`).

use crate::scenario::Secret;
use std::time::Duration;

/// A program of the user's that connects to the server of the scenario.
#[derive(Debug, Clone)]
pub struct ClientProgram {
    /// The program and its arguments; `{host}`, `{port}` and the like in them are replaced.
    pub words: Vec<String>,
    /// What stands for a word in braces, and, in capitals behind `SMTP_`, in the environment.
    pub values: Vec<(&'static str, String)>,
    /// The password that it may log in with: `{password}`.
    pub password: Secret,
    /// The message that it is asked to send; `{message}` is a file with it.
    pub message: Vec<u8>,
    /// How long it may take.
    pub limit: Duration,
}

/// What came of a client program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientEnd {
    /// How it ended.
    pub exit: ClientExit,
    /// The end of what it printed, masked and made visible.
    pub said: String,
}

/// How a client program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientExit {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// It went on for longer than it may, and was ended.
    TooLong,
    /// The user ended the run, and with it the program.
    Interrupted,
    /// It could not be started, for this reason.
    NotStarted(String),
}

impl ClientExit {
    /// In words that follow "the command".
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            ClientExit::Status(status) => format!("ended with exit status {status}"),
            ClientExit::Signal(signal) => format!("was ended by signal {signal}"),
            ClientExit::TooLong => "did not end in time, and was ended".to_owned(),
            ClientExit::Interrupted => "was ended, as the user asked".to_owned(),
            ClientExit::NotStarted(reason) => format!("could not be started: {reason}"),
        }
    }
}
