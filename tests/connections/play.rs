//! Runs the program on a scenario, and scripted servers in threads for it to talk to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a scripted server waits for the client before it gives up, and the test with it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a scenario and the files it names.
pub(crate) struct Folder(tempfile::TempDir);

/// What came of running the program.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Plays `scenario` from this folder with these further arguments, each line shown on standard error.
    pub(crate) fn run(&self, scenario: &str, arguments: &[&str]) -> Ran {
        let file = self.write("scenario.yaml", scenario);
        let output = Command::new(env!("CARGO_BIN_EXE_smtp-script"))
            .args(["run", "--verbose"])
            .args(arguments)
            .arg(file)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Plays a scenario that needs no files.
pub(crate) fn run(scenario: &str, arguments: &[&str]) -> Ran {
    Folder::new().run(scenario, arguments)
}

impl Ran {
    /// Everything it printed.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stderr, self.stdout)
    }

    #[track_caller]
    pub(crate) fn followed(&self) -> &Ran {
        assert_eq!(self.code, 0, "{}", self.all());
        self
    }

    #[track_caller]
    pub(crate) fn ended(&self, code: i32) -> &Ran {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Ran {
        assert!(self.all().contains(text), "no `{text}` in:\n{}", self.all());
        self
    }

    #[track_caller]
    pub(crate) fn does_not_say(&self, text: &str) -> &Ran {
        assert!(!self.all().contains(text), "`{text}` in:\n{}", self.all());
        self
    }
}

/// A server that plays a function on its first connection.
pub(crate) struct Server<T> {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    pub(crate) fn start(play: impl FnOnce(Peer<TcpStream>) -> T + Send + 'static) -> Server<T> {
        Server::start_on("127.0.0.1:0", play)
    }

    pub(crate) fn start_on(address: &str, play: impl FnOnce(Peer<TcpStream>) -> T + Send + 'static) -> Server<T> {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            play(Peer::new(stream))
        });
        Server { address, thread }
    }

    /// What the function gave.
    pub(crate) fn end(self) -> T {
        self.thread.join().unwrap()
    }
}

/// The client as a scripted server sees it; all it sent is kept.
pub(crate) struct Peer<S> {
    stream: BufReader<S>,
    pub(crate) received: Vec<u8>,
}

impl Peer<TcpStream> {
    pub(crate) fn into_inner(self) -> TcpStream {
        self.stream.into_inner()
    }

    /// Where the client connects from.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.get_ref().peer_addr().unwrap()
    }
}

impl<S: Read + Write> Peer<S> {
    pub(crate) fn new(stream: S) -> Peer<S> {
        Peer { stream: BufReader::new(stream), received: Vec::new() }
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.say_bytes(format!("{text}\r\n").as_bytes());
    }

    pub(crate) fn say_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// The next line, without its CRLF.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        self.received.extend_from_slice(&line);
        String::from_utf8_lossy(&line).trim_end_matches("\r\n").to_owned()
    }

    pub(crate) fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        self.stream.read_exact(&mut octets).unwrap();
        self.received.extend_from_slice(&octets);
        octets
    }

    /// Reads until what was received ends with these octets.
    pub(crate) fn until(&mut self, end: &[u8]) {
        while !self.received.ends_with(end) {
            self.octets(1);
        }
    }

    /// Greets, then answers each line of a session up to the one that `last` begins.
    pub(crate) fn greet_and_answer(&mut self, last: &str) {
        self.say("220 test");
        loop {
            let line = self.line();
            match line.split(' ').next().unwrap_or_default() {
                "" => return,
                verb if verb == last => return,
                "EHLO" => self.say("250-test\r\n250-CHUNKING\r\n250 PIPELINING"),
                "LHLO" => self.say("250 CHUNKING"),
                "QUIT" => return self.say("221 bye"),
                _ => self.say("250 ok"),
            }
        }
    }

    /// Reads all there is to the end; `Err` when the connection was reset.
    pub(crate) fn read_rest(&mut self) -> std::io::Result<()> {
        let mut rest = Vec::new();
        let outcome = self.stream.read_to_end(&mut rest);
        self.received.extend_from_slice(&rest);
        outcome.map(|_| ())
    }
}
