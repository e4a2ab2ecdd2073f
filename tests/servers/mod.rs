//! Runs real mail servers for integration tests: the scripts of `tests/servers/`, each of which
//! says at its head what its ports are.
//!
//! Not responsible for installing them (`tests/servers/install`) nor for talking to them.  Used by
//! integration tests, as `mod servers;`, with `#[path = "servers/mod.rs"]` in `tests/servers.rs`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// How long all servers together may take to become ready.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long all servers together may take to stop, for each way of asking them to.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Servers that run until this is dropped.
///
/// They end with the test process too, however that ends.  The folder with their logs and mail is
/// removed unless the test panics.
#[derive(Debug)]
pub(crate) struct Servers {
    root: PathBuf,
    running: Vec<Server>,
}

#[derive(Debug)]
struct Server {
    name: &'static str,
    ports: Vec<u16>,
    process: Child,
    lines: Receiver<String>,
}

impl Servers {
    /// Starts the named servers in parallel, each on free ports of 127.0.0.1, and waits until all
    /// are ready.
    ///
    /// # Panics
    ///
    /// When a server is not installed (the message says how to install it), does not start or is
    /// not ready after 60 s.
    pub(crate) fn start(names: &[&'static str]) -> Self {
        Self::start_with_options(names, &[])
    }

    /// As [`Servers::start`]; `smtp-sink` gets a further port, from 3 on, for each of `options`,
    /// which are its command line options (such as `-f RCPT`); `postfix-relay` relays to the first of them.
    pub(crate) fn start_with_options(names: &[&'static str], options: &[&str]) -> Self {
        let counts = names.iter().map(|name| port_count(name, options));
        let mut servers = Self { root: new_directory(), running: Vec::new() };
        for (name, ports) in names.iter().zip(free_ports(counts)) {
            let mut script = Server::script(name, &ports, &servers.root);
            script.env(
                "SMTP_SINK_FAULTS",
                options.join(
                    "
",
                ),
            );
            script.env("SMTP_SCRIPT_RELAY_TARGET", options.first().unwrap_or(&""));
            let server = Server::spawn(name, ports, script);
            servers.running.push(server);
        }
        let deadline = Instant::now() + START_LIMIT;
        for server in &mut servers.running {
            server.await_ready(&servers.root, deadline);
        }
        servers
    }

    /// The port that the script of the server `name` calls `index`.
    ///
    /// # Panics
    ///
    /// When that server was not started, or has no such port.
    pub(crate) fn port(&self, name: &str, index: usize) -> u16 {
        let server = self
            .running
            .iter()
            .find(|server| server.name == name)
            .unwrap_or_else(|| panic!("server `{name}` was not started"));
        *server.ports.get(index).unwrap_or_else(|| panic!("server `{name}` has no port {index}"))
    }

    /// The certificate authority, in PEM, that the certificates of all servers are signed by.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.certificates().join("ca.pem")
    }

    /// The folder with the files that `tests/servers/certificates` makes.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// The working folder of the server `name`: its logs, and the mail it has stored.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.running {
            drop(server.process.stdin.take());
        }
        let deadline = Instant::now() + STOP_LIMIT;
        for server in &mut self.running {
            server.stop(deadline);
        }
        if !thread::panicking() {
            // What is left of it in the folder for temporary files harms nobody.
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

impl Server {
    fn script(name: &'static str, ports: &[u16], root: &Path) -> Command {
        let messages = File::create(messages_file(root, name))
            .unwrap_or_else(|error| panic!("cannot write to `{}`: {error}", root.display()));
        let mut script = Command::new(scripts().join(name));
        script
            .arg(root.join(name))
            .args(ports.iter().map(u16::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(messages);
        script
    }

    fn spawn(name: &'static str, ports: Vec<u16>, mut script: Command) -> Self {
        let mut process = script.spawn().unwrap_or_else(|error| panic!("cannot run {script:?}: {error}"));
        let lines = lines_of(&mut process);
        Self { name, ports, process, lines }
    }

    fn await_ready(&mut self, root: &Path, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        if self.lines.recv_timeout(left).is_ok_and(|line| line == "ready") {
            return;
        }
        let messages = fs::read_to_string(messages_file(root, self.name)).unwrap_or_default();
        panic!(
            "server `{}` is not ready (its logs are in `{}`):\n{messages}",
            self.name,
            root.join(self.name).display()
        );
    }

    /// Waits for its end, which the end of its standard input has asked for.
    fn stop(&mut self, deadline: Instant) {
        if !self.ends_before(deadline) {
            terminate(self.process.id());
            if !self.ends_before(Instant::now() + STOP_LIMIT) {
                // Only fails when it has ended meanwhile.
                let _ = self.process.kill();
            }
        }
        // It has ended: its exit status says nothing new.
        let _ = self.process.wait();
    }

    /// Its standard output is closed when it ends.
    fn ends_before(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return true,
                Err(mpsc::RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

/// What the process prints, line by line, from a thread that ends with it.
fn lines_of(process: &mut Child) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    if let Some(output) = process.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

/// Sends SIGTERM: a shell has `kill` built in, and not every system has it as a program.
fn terminate(pid: u32) {
    let _ = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid.to_string()]).status();
}

fn port_count(name: &str, options: &[&str]) -> usize {
    match name {
        "postfix" | "dovecot" => 4,
        "exim" => 3,
        "opensmtpd" | "postfix-relay" => 1,
        "aiosmtpd" => 7,
        "smtp-sink" => 3 + options.len(),
        _ => panic!("there is no `tests/servers/{name}`"),
    }
}

/// As many free ports as asked for, all different: each is held until all are found.
fn free_ports(counts: impl Iterator<Item = usize>) -> Vec<Vec<u16>> {
    let listeners: Vec<Vec<TcpListener>> = counts.map(|count| (0..count).map(|_| free_listener()).collect()).collect();
    let port = |listener: &TcpListener| listener.local_addr().map_or(0, |address| address.port());
    listeners.iter().map(|group| group.iter().map(port).collect()).collect()
}

fn free_listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap_or_else(|error| panic!("there is no free port on 127.0.0.1: {error}"))
}

/// A new folder that the servers' own users can enter.
fn new_directory() -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("smtp-script-servers-{}-{number}", process::id());
    let path = env::temp_dir().join(name);
    // Of an earlier process with the same id, if any.
    let _ = fs::remove_dir_all(&path);
    fs::DirBuilder::new()
        .mode(0o755)
        .create(&path)
        .unwrap_or_else(|error| panic!("cannot make `{}`: {error}", path.display()));
    path
}

fn messages_file(root: &Path, name: &str) -> PathBuf {
    root.join(format!("{name}.messages"))
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers")
}
