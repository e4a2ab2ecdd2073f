//! The servers that the tests share, and how a scenario is sent to one of them.

use crate::program::{Played, root, smtp_script};
use crate::servers::Servers;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

/// Port 3 of smtp-sink and those after it misbehave in these ways.
pub(crate) const FAULTS: [&str; 7] =
    ["-f RCPT", "-r MAIL", "-q DATA", "-Q RCPT", "-q .", "-Q .", "-f . -B '554 5.6.0 no'"];

/// The servers while they run.
pub(crate) struct World {
    servers: Mutex<Servers>,
    sink: Mutex<Servers>,
}

impl World {
    pub(crate) fn start() -> World {
        World {
            servers: Mutex::new(Servers::start(&["postfix", "exim", "opensmtpd", "aiosmtpd", "dovecot"])),
            sink: Mutex::new(Servers::start_with_options(&["smtp-sink"], &FAULTS)),
        }
    }

    /// `HOST:PORT` of the port that the server's script calls `index`.
    pub(crate) fn address(&self, server: &str, index: usize) -> String {
        let servers = if server == "smtp-sink" { &self.sink } else { &self.servers };
        format!("127.0.0.1:{}", servers.lock().unwrap().port(server, index))
    }

    /// The authority that signed the servers' certificates.
    pub(crate) fn ca_file(&self) -> String {
        self.servers.lock().unwrap().ca_file().to_string_lossy().into_owned()
    }

    /// The folder with all certificates and keys.
    pub(crate) fn certificates(&self) -> String {
        self.servers.lock().unwrap().certificates().to_string_lossy().into_owned()
    }

    /// Where a server keeps its mail.
    pub(crate) fn mail(&self, server: &str) -> PathBuf {
        self.servers.lock().unwrap().directory(server).join("mail")
    }

    /// Plays a scenario file against a server whose certificate is trusted.
    pub(crate) fn play(&self, scenario: &str, server: &str, index: usize, options: &[&str]) -> Played {
        let (address, ca_file) = (self.address(server, index), self.ca_file());
        let arguments = [&["run", scenario, "--to", &address, "--ca-file", &ca_file], options].concat();
        smtp_script(&arguments)
    }

    /// As [`World::play`], with the login that all servers know.
    pub(crate) fn play_with_login(&self, scenario: &str, server: &str, index: usize) -> Played {
        let login = ["--secret", "username=testuser", "--secret", "password=testpass"];
        self.play(scenario, server, index, &login)
    }

    /// Plays steps that begin after `connect`; `options` as on the command line.
    pub(crate) fn play_steps(&self, steps: &str, server: &str, index: usize, options: &[&str]) -> Played {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scenario.yaml");
        fs::write(&file, format!("vars:\n  host: localhost\nconnect: <<host>>:25\ntimeout: 20s\nsteps:\n{steps}"))
            .unwrap();
        self.play(&file.to_string_lossy(), server, index, options)
    }
}

/// The scenarios of a folder below `scenarios`.
pub(crate) fn scenarios_of(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join("scenarios").join(folder)).unwrap();
    let mut files: Vec<String> =
        entries.map(|entry| format!("scenarios/{folder}/{}", entry.unwrap().file_name().to_string_lossy())).collect();
    files.sort();
    files
}
