//! smtp-script plays scripted SMTP conversations and reports which step diverged.
#![forbid(unsafe_code)]

pub mod scenario;
pub mod smtp;
mod visible;
