//! The exporter as a process, the servers that it probes, and a client of HTTP that is no more than these tests need.

use super::program::root;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// A process that says where it listens; it ends with this.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    /// Starts it and waits for `listening on …`.
    pub(crate) fn start(arguments: &[&str]) -> Service {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
        command.args(arguments).env_clear().current_dir(root()).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line.split([' ', '/', '\n']).find_map(|word| word.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{arguments:?} says `{line}`"));
        Service { child, address }
    }

    /// An exporter of this folder.
    pub(crate) fn exporter(folder: &Path, more: &[&str]) -> Service {
        let folder = folder.to_str().expect("a path in UTF-8");
        let own = ["exporter", folder, "--listen", "127.0.0.1:0"];
        Service::start(&[own.as_slice(), more].concat())
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        request(self.address, "GET", path, "")
    }

    pub(crate) fn post(&self, path: &str) -> Answer {
        request(self.address, "POST", path, "")
    }

    /// A probe, as Prometheus asks for it.
    pub(crate) fn probe(&self, scenario: &str, target: &str, more: &str) -> Answer {
        let target = target.replace('[', "%5B").replace(']', "%5D");
        let path = format!("/probe?scenario={scenario}&target={target}{more}");
        request(self.address, "GET", &path, "X-Prometheus-Scrape-Timeout-Seconds: 3\r\n")
    }

    /// What it holds in memory now, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// The code that it exits with once it was asked to end.
    pub(crate) fn end(&mut self) -> Option<i32> {
        self.signal("TERM");
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.signal(), None);
        status.code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a metric, labels included in its name as they are printed.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let found = self.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = found.unwrap_or_else(|| panic!("no `{name}` in:\n{}", self.body));
        value.parse().unwrap_or_else(|_| panic!("`{value}` is no number"))
    }

    /// The one cause that is 1.
    pub(crate) fn cause(&self) -> Option<&str> {
        let causes =
            self.body.lines().filter_map(|line| line.strip_prefix("probe_failure{cause=\"")?.strip_suffix("\"} 1"));
        let causes: Vec<&str> = causes.collect();
        assert!(causes.len() < 2, "{causes:?}");
        causes.first().copied()
    }
}

/// HTTP/1.0: one request, and the answer ends with the connection.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).expect("a connection");
    stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n").expect("a request is taken");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let text = String::from_utf8(bytes).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {path}: {text}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// A port where nobody listens.
pub(crate) fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A port that answers no SYN, as behind a firewall that drops: its queue is full.
pub(crate) struct Filtered {
    child: Child,
    pub(crate) port: u16,
}

const FILTERED: &str = "
import socket, sys
server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(0)
waiting = []
for _ in range(6):
    client = socket.socket(); client.setblocking(False)
    try: client.connect(server.getsockname())
    except BlockingIOError: pass
    waiting.append(client)
print(server.getsockname()[1], flush=True)
sys.stdin.read()
";

impl Filtered {
    pub(crate) fn start() -> Filtered {
        let mut python = Command::new("/usr/bin/python3");
        let mut child =
            python.args(["-c", FILTERED]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("a port");
        Filtered { child, port }
    }
}

impl Drop for Filtered {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Waits until it is so; asked again and again, since what is waited for says nothing by itself.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(started.elapsed() < LIMIT, "{what} within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
