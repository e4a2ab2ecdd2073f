//! What a session costs in instructions: of a run by itself, and of one among many. No clock is asked.
//!
//! valgrind counts them (`callgrind`), from the program's `main` on, so that the dynamic linker's work, which differs
//! from machine to machine, is left out. So are the percentiles at the end: what finding them costs depends on how long
//! the sessions took. `tests/instructions/figures` holds what they were; `UPDATE=1 cargo test --test
//! instructions` writes it anew, from a build with the debug information that cargo gives by default: it counts too.
//! Without valgrind nothing is counted, and the test says so.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the figures, for who asks with --nocapture")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// A session that sends one message.
const SCENARIO: &str = "\
connect: mx.example
steps:
  - expect: ^220
  - send: EHLO client.example
    expect: ^250
  - send: MAIL FROM:<a@example.com>
    expect: ^250
  - send: RCPT TO:<b@example.com>
    expect: ^250
  - send: DATA
    expect: ^354
  - data: |
      Subject: a message

      hello
    expect: ^250
  - send: QUIT
    expect: ^221
";

/// How much more than it was a figure may be, in percent.
const MORE: u64 = 10;
/// How many sessions a load has, beyond the first.
const SESSIONS: u64 = 40;

#[test]
fn a_session_costs_no_more_than_it_did() {
    if !has_valgrind() {
        let told = "SKIPPED: valgrind is not installed: no instructions were counted (tests/servers/install has it)";
        // What is printed by a test that passes is swallowed; what is written is not.
        return writeln!(std::io::stderr(), "{told}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plain.yaml"), SCENARIO).unwrap();
    let server = Server::start();
    let counted = |more: &[&str]| instructions(folder.path(), server.address, more);
    let alone = counted(&[]);
    let one = counted(&["--repeat", "2"]);
    let many = counted(&["--repeat", &(SESSIONS + 2).to_string()]);
    compare(&[("plain session", alone), ("session under load", many.saturating_sub(one) / SESSIONS)]);
}

/// Four times as much to read is about four times as much work, whatever is wrong with it.
#[test]
fn checking_is_linear() {
    if !has_valgrind() {
        return writeln!(std::io::stderr(), "SKIPPED: valgrind is not installed").unwrap();
    }
    let head = "connect: mx.example\nsteps:\n  - expect: ^220\n";
    let chain = |size: usize| {
        (1..size).fold("vars:\n  v0: x\n".to_owned(), |text, at| text + &format!("  v{at}: <<v{}>>\n", at - 1)) + head
    };
    let unknown = |size: usize| format!("{head}  - send: NOOP {}\n", "<<a.b|upper>>".repeat(size));
    let backwards = |size: usize| {
        (0..size).fold("vars:\n".to_owned(), |text, at| text + &format!("  v{at}: <<v{}>>\n", at + 1)) + head
    };
    let texts: [(&str, &dyn Fn(usize) -> String); 3] =
        [("a chain", &chain), ("unknown", &unknown), ("too early", &backwards)];
    for (name, text) in texts {
        let folder = tempfile::tempdir().unwrap();
        let work = |size: usize| {
            std::fs::write(folder.path().join("many.yaml"), text(size)).unwrap();
            count_in(&counted(folder.path(), &["check", "many.yaml"]))
        };
        let (few, many) = (work(250), work(1_000));
        assert!(many < few * 6, "{name}: {few} instructions, and {many} for four times as much");
    }
}

/// What the program does between the start of `main` and its end, with the scenario and these options.
fn instructions(folder: &Path, to: SocketAddr, more: &[&str]) -> u64 {
    let arguments = ["run", "plain.yaml", "--no-progress", "--to", &to.to_string()];
    let output = counted(folder, &[&arguments, more].concat());
    assert!(output.status.success(), "{output:?}");
    count_in(&output)
}

/// A command under valgrind, which counts.
fn counted(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--toggle-collect=main", "--toggle-collect=smtp_script::report::latency::Latencies::figures"])
        .arg(env!("CARGO_BIN_EXE_smtp-script"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn count_in(output: &Output) -> u64 {
    let told = String::from_utf8_lossy(&output.stderr);
    let counted = told.lines().find_map(|line| line.split_once("Collected : ").map(|(_, count)| count.trim()));
    counted.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("valgrind counted nothing: {told}"))
}

/// Compares with what they were, or writes that anew.
fn compare(figures: &[(&str, u64)]) {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let known = std::fs::read_to_string(file()).unwrap_or_default();
    let key = |name: &str| format!("{profile}, {name}: ");
    if std::env::var_os("UPDATE").is_some() {
        let own = |line: &&str| !line.starts_with(profile);
        let mut text: String = known.lines().filter(own).fold(String::new(), |text, line| text + line + "\n");
        for (name, count) in figures {
            writeln!(text, "{}{count}", key(name)).unwrap();
        }
        return std::fs::write(file(), text).unwrap();
    }
    for (name, count) in figures {
        println!("{}{count} instructions", key(name));
        let was = known.lines().find_map(|line| line.strip_prefix(&key(name))?.parse::<u64>().ok());
        let Some(was) = was else { panic!("tests/instructions/figures knows no `{}`: it is {count}", key(name)) };
        let most = was + was * MORE / 100;
        assert!(*count <= most, "{}{count} instructions, {was} before: {MORE} % more are allowed", key(name));
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/instructions/figures")
}

fn has_valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The sandbox in a process of its own: what it costs is not counted.
struct Server {
    child: Child,
    address: SocketAddr,
    /// Open as long as the server writes into it.
    _out: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
        command.args(["serve", "--sandbox", "--quiet", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.split_whitespace().find_map(|word| word.trim_end_matches([',', ';']).parse().ok());
        Server { address: address.unwrap_or_else(|| panic!("no address: {line}")), child, _out: out }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
