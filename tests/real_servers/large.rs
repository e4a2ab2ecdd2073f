//! A message of 100 MB is streamed: every byte arrives, and memory does not grow with it.
//!
//! The server is a thread that compares what arrives with what must, and looks at the program's memory before it
//! answers the final dot.

use crate::program::command;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

pub(crate) const TESTS: &[(&str, fn())] =
    &[("large::a_hundred_megabytes_are_streamed", a_hundred_megabytes_are_streamed)];

/// Lines in all positions that transparency is about, most of them with leading dots.
const LINES: [&str; 8] = [".", "..", ".a line that begins with a dot", "", "...", "a line that does not", ". ", "x"];
/// How often the lines stand in one block, and the blocks in the file.
const LINES_IN_BLOCK: usize = 100_000;
const BLOCKS: usize = 110;
/// What the message may cost, in KiB.
const ALLOWED_KIB: u64 = 20 * 1024;
/// The server gives up when nothing arrives for so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn a_hundred_megabytes_are_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let idle = play(folder.path(), 0);
    let (peak, octets) = play(folder.path(), BLOCKS);
    assert!(octets > 100_000_000, "only {octets} octets");
    assert!(peak < idle.0 + ALLOWED_KIB, "{peak} KiB with 100 MB of mail data, {} KiB without", idle.0);
}

/// Sends so many blocks; gives the program's peak memory in KiB, and how many octets of mail data arrived.
fn play(folder: &Path, blocks: usize) -> (u64, usize) {
    let block: String = LINES.map(|line| format!("{line}\n")).concat().repeat(LINES_IN_BLOCK / LINES.len());
    let mut file = File::create(folder.join("message.eml")).unwrap();
    (0..blocks).for_each(|_| file.write_all(block.as_bytes()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let scenario = folder.join("large.yaml");
    fs::write(&scenario, steps(listener.local_addr().unwrap().port())).unwrap();
    let (tell_pid, pid) = channel();
    let server = thread::spawn(move || serve(&listener, blocks, &pid));
    let root = folder.to_string_lossy();
    let child = command(&["run", &scenario.to_string_lossy(), "--file-root", &root]);
    let (child, output) = started(child);
    tell_pid.send(child).unwrap();
    let output = output.join().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    server.join().unwrap()
}

/// The process id, and what waits for its end.
fn started(mut command: std::process::Command) -> (u32, thread::JoinHandle<std::process::Output>) {
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    (child.id(), thread::spawn(move || child.wait_with_output().unwrap()))
}

fn steps(port: u16) -> String {
    format!(
        "connect: 127.0.0.1:{port}\nsteps:\n  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250\n  \
         - send: MAIL FROM:<a@example.net>\n    expect: ^250\n  - send: RCPT TO:<b@example.com>\n    expect: ^250\n  \
         - send: DATA\n    expect: ^354\n  - data: {{file: message.eml}}\n    expect: ^250\n  - send: QUIT\n    expect: ^221\n"
    )
}

/// One session, up to its end.
fn serve(listener: &TcpListener, blocks: usize, pid: &Receiver<u32>) -> (u64, usize) {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let answer = |text: &str| (&stream).write_all(text.as_bytes()).unwrap();
    let mut input = BufReader::with_capacity(1 << 20, &stream);
    answer("220 localhost ESMTP counts\r\n");
    for verb in ["EHLO ", "MAIL ", "RCPT "] {
        expect_command(&mut input, verb);
        answer("250 ok\r\n");
    }
    expect_command(&mut input, "DATA");
    answer("354 go on\r\n");
    let octets = compare_mail_data(&mut input, blocks);
    let peak = peak_memory(pid.recv().unwrap());
    answer("250 counted\r\n");
    expect_command(&mut input, "QUIT");
    answer("221 bye\r\n");
    (peak, octets)
}

fn expect_command(input: &mut BufReader<&TcpStream>, verb: &str) {
    let mut line = String::new();
    input.read_line(&mut line).unwrap();
    assert!(line.starts_with(verb) && line.ends_with("\r\n"), "{line:?} in place of {verb}");
}

/// Lines end with CRLF, leading dots are doubled, and a dot alone ends it all: nothing else may come.
fn compare_mail_data(input: &mut BufReader<&TcpStream>, blocks: usize) -> usize {
    let doubled = |line: &str| if line.starts_with('.') { format!(".{line}\r\n") } else { format!("{line}\r\n") };
    let expected = LINES.map(doubled).concat().repeat(LINES_IN_BLOCK / LINES.len());
    let mut arrived = vec![0; expected.len()];
    for number in 0..blocks {
        input.read_exact(&mut arrived).unwrap();
        assert!(arrived == expected.as_bytes(), "block {number} is not what was sent");
    }
    let mut end = String::new();
    input.read_line(&mut end).unwrap();
    assert_eq!(end, ".\r\n");
    blocks * expected.len()
}

/// The most memory that a process has held at once, in KiB.
fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
