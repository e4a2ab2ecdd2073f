//! Arguments of commands that several tests give alike.

use std::process::Command;

/// `audit` of a submission server without TLS, with a login: the addresses and the checks are each test's own.
pub(crate) fn audit_with_login(command: &mut Command, host: &str) {
    command.args(["audit", host, "--role", "submission", "--tls", "none"]);
    command.args(["--login", "PLAIN", "--username", "mary"]);
}
