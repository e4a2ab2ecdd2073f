//! What the behaviour tests share: a server that follows a script to the byte, and the program run under a time limit.
//!
//! Used by `tests/cases.rs`, `tests/hostile.rs` and `tests/secrets.rs`, each as `mod harness;`.

mod notation;
mod program;
mod server;

pub(crate) use program::{Played, smtp_script};
pub(crate) use server::ScriptedServer;
