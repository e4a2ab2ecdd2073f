//! `smtp-script record` in the background.

use crate::program::{Played, command};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A recorder with a folder for what it writes.
pub(crate) struct Recorder {
    folder: tempfile::TempDir,
    process: Child,
    output: BufReader<ChildStdout>,
    /// Where it listens, in the order of its lines.
    pub(crate) ports: Vec<u16>,
}

impl Recorder {
    /// Starts it and waits until clients can connect: to a free port, unless the arguments say where.
    pub(crate) fn start(arguments: &[&str]) -> Recorder {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recorded.yaml");
        let ca_file = folder.path().join("ca.pem");
        let mut command = command(&["record"]);
        command.args(arguments).arg("-o").arg(file).arg("--ca-out").arg(ca_file);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let listeners = if arguments.contains(&"--tls-listen") { 2 } else { 1 };
        let ports = (0..listeners).map(|_| port_of(&mut output)).collect();
        Recorder { folder, process, output, ports }
    }

    /// The authority of the certificate that it shows.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The scenarios of so many sessions, as soon as it has said of each that it is written.
    pub(crate) fn scenarios(&self, count: usize) -> Vec<PathBuf> {
        let name =
            |number: usize| if number == 1 { "recorded.yaml".to_owned() } else { format!("recorded-{number}.yaml") };
        (1..=count).map(|number| self.folder.path().join(name(number))).collect()
    }

    /// Waits for its end; its folder stays.
    pub(crate) fn ends(mut self) -> Played {
        let mut out = String::new();
        self.output.read_to_string(&mut out).unwrap();
        let mut output = self.process.wait_with_output().unwrap();
        output.stdout = out.into_bytes();
        // The scenarios are still to be played; the system's own folder for such files is cleaned by the system.
        _ = self.folder.keep();
        Played::of(&output)
    }

    /// Interrupts it, and gives the scenario of its only session.
    pub(crate) fn interrupted(self) -> PathBuf {
        let id = self.process.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -INT \"$0\"", &id]).status().unwrap().success());
        let scenario = self.scenarios(1).remove(0);
        self.ends().exits(0).says(&["session 1 is written to"]);
        scenario
    }
}

fn port_of(output: &mut BufReader<ChildStdout>) -> u16 {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().trim_end_matches(" with TLS");
    address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .unwrap_or_else(|| panic!("it does not listen: {line}"))
}
