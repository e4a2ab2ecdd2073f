//! Clients that come by themselves: `audit-client --listen`, which gives each session the next check.

use super::program::{Played, command, root, smtp_script};
use super::{CheckLibrary, RIGHT, WRONG, in_parallel, verdicts_in};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

/// An audit that waits for its client.
struct Waiting {
    audit: Child,
    out: BufReader<ChildStdout>,
    port: String,
    folder: tempfile::TempDir,
}

impl Waiting {
    fn begin(options: &[&str]) -> Waiting {
        let folder = tempfile::tempdir().unwrap();
        let (ca, json) =
            (folder.path().join("ca.pem"), format!("json={}", folder.path().join("report.json").display()));
        let ca = ca.to_string_lossy();
        let own = ["audit-client", "--listen", "127.0.0.1:0", "--ca-out", &ca, "--report", &json];
        let mut audit = command(&[&own[..], options].concat());
        let mut audit = audit.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(audit.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let port = line.trim_end().rsplit(':').next().unwrap().to_owned();
        Waiting { audit, out, port, folder }
    }

    fn report(&self) -> PathBuf {
        self.folder.path().join("report.json")
    }

    /// The client of the tests, once.
    fn client(&self, words: &str) -> Command {
        let mut client = Command::new("python3");
        client.arg(root().join("tests/audit_client/client.py")).args(words.split_whitespace());
        let message = self.folder.path().join("message.eml");
        std::fs::write(&message, "From: <a@client.example>\r\nTo: <b@server.example>\r\nSubject: own\r\n\r\nown\r\n")
            .unwrap();
        client.env("SMTP_HOST", "localhost").env("SMTP_PORT", &self.port).env("SMTP_MESSAGE", message);
        client
            .env("SMTP_USER", "joe")
            .env("SMTP_PASSWORD", "of-joe-7")
            .env("SMTP_CA", self.folder.path().join("ca.pem"));
        client.env("SMTP_FROM", "a@client.example").env("SMTP_TO", "b@server.example");
        client.stdout(Stdio::null()).stderr(Stdio::null());
        client
    }

    fn has_ended(&mut self) -> bool {
        self.audit.try_wait().unwrap().is_some()
    }

    fn ended(mut self) -> (Played, BTreeMap<String, String>) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let report = self.report();
        let mut output = self.audit.wait_with_output().unwrap();
        output.stdout = rest.into_bytes();
        (Played::of(&output), verdicts_in(&report))
    }
}

/// The verdicts on a client that comes again and again.
fn heard(words: &str, ids: &[&str]) -> BTreeMap<String, String> {
    let only = ids.iter().flat_map(|id| ["--only", id]);
    let options = ["-q", "--wait", "30s", "--secret", "password=of-joe-7"].into_iter().chain(only).collect::<Vec<_>>();
    let mut waiting = Waiting::begin(&options);
    while !waiting.has_ended() {
        waiting.client(words).status().unwrap();
    }
    waiting.ended().1
}

/// Whether a check can be played to a client that is given nothing.
fn needs_nothing(id: &str) -> bool {
    let check = CheckLibrary::Clients.checks().find(|check| check.short_name() == id).unwrap();
    !["by-exit", "\n  mail:", "\n  to:"].iter().any(|word| check.text.contains(word)) && id != "c-cert-ip"
}

#[test]
fn a_client_that_is_right_passes_session_by_session() {
    let client = RIGHT[1];
    let verdicts = heard(client, &[]);
    let wrong: Vec<_> =
        verdicts.iter().filter(|(_, told)| !told.starts_with("pass") && !told.starts_with("n/a")).collect();
    assert!(wrong.is_empty(), "`{client}`: {wrong:#?}");
    let needing: Vec<_> = verdicts.iter().filter(|(id, told)| !needs_nothing(id) && !told.starts_with("n/a")).collect();
    assert!(needing.is_empty(), "`{client}`: {needing:#?}");
    assert!(verdicts.values().filter(|told| told.starts_with("pass")).count() > 30, "`{client}`: {verdicts:#?}");
}

#[test]
fn a_client_that_is_wrong_fails_session_by_session() {
    let clients: Vec<(&str, Vec<&str>)> = WRONG
        .iter()
        .map(|(client, ids)| (*client, ids.iter().copied().filter(|id| needs_nothing(id)).collect::<Vec<_>>()))
        .filter(|(client, ids)| !ids.is_empty() && *client != "lies")
        // They all end the same way; a few say that for the others.
        .step_by(3)
        .collect();
    let verdicts = in_parallel(&clients, |(client, ids)| heard(client, ids));
    let mut faults = Vec::new();
    for ((client, ids), verdicts) in clients.iter().zip(verdicts) {
        let told = |id: &&str| verdicts.get(*id).cloned().unwrap_or_default();
        let passed = ids.iter().filter(|id| !told(id).starts_with("fail"));
        faults.extend(passed.map(|id| format!("`{client}` {id}: {}", told(id))));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn what_is_waited_for_is_said_and_waiting_ends() {
    let waiting = Waiting::begin(&["--wait", "1s", "--only", "c-quit", "--only", "c-mail-5xx", "--only", "c-dots"]);
    // Whoever only looks whether somebody is there is no client.
    drop(TcpStream::connect(("127.0.0.1", waiting.port.parse::<u16>().unwrap())).unwrap());
    waiting.client("").status().unwrap();
    let mut again = waiting.client("");
    let again = thread::spawn(move || again.status().unwrap());
    let (played, verdicts) = waiting.ended();
    again.join().unwrap();
    played.says(&[
        "waiting for a first session",
        "it uses no TLS and does not log in; a session for each of 2 checks",
        "waiting for session 1 of 2, c-quit",
        "notice: c-quit: pass; 127.0.0.1:",
        "waiting for session 2 of 2, c-mail-5xx",
    ]);
    assert!(verdicts["c-mail-5xx"].starts_with("blocked"), "{verdicts:#?}");
    assert!(verdicts["c-mail-5xx"].contains("no session began in the time of `--wait`"), "{verdicts:#?}");
    assert!(verdicts["c-dots"].contains("give a COMMAND that sends {message}"), "{verdicts:#?}");
}

#[test]
fn where_nobody_comes_it_ends() {
    let (played, _) = Waiting::begin(&["--wait", "300ms", "--only", "c-quit"]).ended();
    played.exits(3).says(&["no check can be played: no session began in the time of `--wait`"]);
    smtp_script(&["audit-client", "--wait", "3s", "--", "true"]).exits(2).says(&["`--wait` goes with `--listen`"]);
    smtp_script(&["audit-client", "--listen", "127.0.0.1:0", "--", "true"]).exits(2).says(&["cannot be used with"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    smtp_script(&["audit-client", "--listen", &address]).exits(2).says(&["cannot listen on", "the port is in use"]);
}
