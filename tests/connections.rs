//! How mail data travels and how connections are opened, end to end: the program against servers on this machine.
//!
//! Scripted servers stand in threads (`connections/play.rs`); what only a real one can tell is asked of Postfix and
//! Dovecot (`servers/`).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "connections/mail_data.rs"]
mod mail_data;
#[path = "connections/opening.rs"]
mod opening;
#[path = "connections/play.rs"]
mod play;
#[path = "connections/real.rs"]
mod real;
#[path = "servers/mod.rs"]
mod servers;
#[path = "connections/within_tls.rs"]
mod within_tls;
