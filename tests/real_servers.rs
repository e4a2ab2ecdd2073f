//! Plays scenarios against real mail servers on loopback: Postfix, Exim, `OpenSMTPD`, Dovecot, aiosmtpd and smtp-sink.
//!
//! All of it is one process, so that the servers start once, with the first test that needs them, and stop at the end.
//! `tests/servers/install` installs them. Where they are missing, or may not be run, the tests count as ignored;
//! `--include-ignored` makes that a failure.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "real_servers/faults.rs"]
mod faults;
#[path = "real_servers/large.rs"]
mod large;
#[path = "real_servers/login.rs"]
mod login;
#[path = "real_servers/messages.rs"]
mod messages;
#[path = "program/mod.rs"]
mod program;
#[path = "real_servers/protocol.rs"]
mod protocol;
#[path = "servers/mod.rs"]
mod servers;
#[path = "real_servers/tls.rs"]
mod tls;
#[path = "real_servers/world.rs"]
mod world;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use world::World;

/// A test's name and what it does.
type Test = (&'static str, fn(&World));

fn main() -> ExitCode {
    let world: Arc<OnceLock<World>> = Arc::default();
    let unavailable = world::is_unavailable();
    let tests = [login::TESTS, tls::TESTS, protocol::TESTS, faults::TESTS, messages::TESTS];
    let with_servers = tests.concat().into_iter().map(|(name, test)| {
        let world = world.clone();
        let trial = Trial::test(name, move || {
            test(world.get_or_init(World::start));
            Ok(())
        });
        trial.with_ignored_flag(unavailable)
    });
    let without = large::TESTS.iter().map(|(name, test)| {
        Trial::test(*name, move || {
            test();
            Ok(())
        })
    });
    // The servers stop when this returns: the world goes with the last of its owners.
    libtest_mimic::run(&Arguments::from_args(), with_servers.chain(without).collect()).exit_code()
}
