//! A server of `smtp-script serve`, as a process of its own on a free port of loopback.

use super::command;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::{fs, thread};

/// It runs until this is dropped.
pub(crate) struct Served {
    process: Child,
    pub(crate) port: u16,
}

impl Served {
    /// The sandbox, with one user.
    pub(crate) fn sandbox() -> Served {
        Served::start(&["--sandbox", "--accept", "testuser=testpass", "--size", "1000000"])
    }

    /// The server of a file. One that has rules alone is the sandbox in all that no rule answers; its first line may say
    /// `# serve --lmtp`.
    pub(crate) fn file(file: &Path) -> Served {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let file = file.to_string_lossy();
        let (more, server) = match text.strip_prefix("# serve --lmtp\n") {
            Some(server) => (Some("--lmtp"), server),
            None => (None, text.as_str()),
        };
        if server.starts_with("server:\n  rules:\n") {
            let of_sandbox = ["--sandbox", "--accept", "testuser=testpass", "--size", "1000000", "--rules", &file];
            return Served::start(&of_sandbox.into_iter().chain(more).collect::<Vec<_>>());
        }
        Served::start(&[&file])
    }

    fn start(arguments: &[&str]) -> Served {
        let mut process = command(&[&["serve"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("smtp-script does not run: {error}"));
        let mut lines = BufReader::new(process.stdout.take().unwrap_or_else(|| panic!("it has an output"))).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| port_of(&line));
        let Some(port) = port else {
            let output = process.wait_with_output();
            panic!("{arguments:?} does not listen: {output:?}");
        };
        // Nobody may wait for what it says.
        thread::spawn(move || lines.for_each(drop));
        if let Some(errors) = process.stderr.take() {
            thread::spawn(move || BufReader::new(errors).lines().for_each(drop));
        }
        Served { process, port }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port of `127.0.0.1:PORT` in a line.
fn port_of(line: &str) -> Option<u16> {
    let rest = line.split("127.0.0.1:").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
