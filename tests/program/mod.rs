//! Runs the program as a user does and checks what a user sees: exit code and lines.
//!
//! Used by integration tests, as `mod program;`. Not responsible for servers (`tests/servers/mod.rs`).

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Played {
    code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs the program at the root of the repository, without a terminal.
pub(crate) fn smtp_script(arguments: &[&str]) -> Played {
    let output = command(arguments).output().unwrap_or_else(|error| panic!("cannot run smtp-script: {error}"));
    Played::of(&output)
}

/// The program with these arguments.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SMTP_SCRIPT_")) {
        command.env_remove(name);
    }
    command
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Played {
    /// What the program came to.
    pub(crate) fn of(output: &Output) -> Played {
        Played {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The exit code is this one.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Played {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Each of these stands in what was printed, on either stream, in this order.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) -> &Played {
        let printed = format!("{}{}", self.err, self.out);
        let mut rest = printed.as_str();
        for part in parts {
            let Some(at) = rest.find(part) else { panic!("`{part}` is not there, or not in its place:\n{printed}") };
            rest = &rest[at + part.len()..];
        }
        self
    }

    /// None of these stands in what was printed.
    #[track_caller]
    pub(crate) fn keeps(&self, secrets: &[&str]) -> &Played {
        for secret in secrets {
            let told = self.out.contains(secret) || self.err.contains(secret);
            assert!(!told, "`{secret}` was printed:\n{}\n{}", self.err, self.out);
        }
        self
    }
}
