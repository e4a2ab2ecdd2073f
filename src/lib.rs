//! smtp-script plays scripted SMTP conversations and reports which step diverged.
#![forbid(unsafe_code)]

mod masker;
mod net;
pub mod run;
pub mod scenario;
mod server;
mod session;
pub mod smtp;
mod visible;
