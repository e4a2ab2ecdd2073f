//! smtp-script plays scripted SMTP conversations and reports which step diverged.
#![forbid(unsafe_code)]

mod server;
pub mod smtp;
