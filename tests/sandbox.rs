//! `serve --sandbox` as the clients of other people see it: Python's smtplib, curl, swaks, msmtp and nodemailer, which
//! `tests/servers/install` installs; without them these tests fail and say so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "clients/mod.rs"]
mod clients;
#[path = "program/mod.rs"]
mod program;

use clients::{Client, Delivery};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PASSWORD: &str = "o,pen=se same";
const MESSAGE: &str = "From: john@doe.com\r\nTo: mary@jane.com\r\nSubject: Hi\r\nMessage-ID: <1@doe.com>\r\n\
    Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\n.a dot\r\n..\r\n\r\nthe end\r\n";

/// The program while it serves; one that is dropped is killed.
struct Serving {
    process: Child,
    output: BufReader<ChildStdout>,
    folder: TempDir,
    ports: Vec<u16>,
}

impl Serving {
    /// Serves until `listeners` listen. `FOLDER` in an option stands for a folder of its own.
    fn start(options: &[&str], listeners: usize) -> Serving {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let options: Vec<String> = options.iter().map(|option| option.replace("FOLDER", path)).collect();
        let all: Vec<&str> = ["serve", "--sandbox"].into_iter().chain(options.iter().map(String::as_str)).collect();
        let mut process = program::command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut ports = Vec::new();
        while ports.len() < listeners {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let address = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("it says: {line}"));
            let address = address.split_whitespace().next().unwrap();
            ports.push(address.rsplit_once(':').unwrap().1.parse().unwrap());
        }
        Serving { process, output, folder, ports }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn interrupt(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill \"-$0\" \"$1\"", signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: the exit code, what else it printed, and the log.
    fn ended(&mut self) -> (Option<i32>, String, String) {
        let (mut rest, mut log) = (String::new(), String::new());
        self.output.read_to_string(&mut rest).unwrap();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.process.wait().unwrap().code(), rest, log)
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.ports[0])).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = BufReader::new(stream);
        assert!(reply(&mut client).starts_with("220 "));
        client
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// The last line of the next reply; empty at the end of the connection.
fn reply(client: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        if line.as_bytes().get(3) != Some(&b'-') {
            return line.trim_end().to_owned();
        }
    }
}

fn ask(client: &mut BufReader<TcpStream>, line: &str) -> String {
    client.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    reply(client)
}

fn delivery<'a>(serving: &Serving, ca_file: &'a Path, password: &'a str) -> Delivery<'a> {
    Delivery {
        host: "localhost",
        port: serving.ports[0],
        user: "bob",
        password,
        ca_file,
        from: "john@doe.com",
        to: &["mary@jane.com", "anna@jane.com"],
        message: MESSAGE,
    }
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The files of a folder, the oldest name first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The fields of the envelope, and the message as it was sent.
fn envelope_and_message(file: &Path) -> (String, String) {
    let text = fs::read_to_string(file).unwrap();
    let received = text.find("\nReceived: ").unwrap();
    let end =
        text[received + 1..].match_indices("\r\n").find(|(at, _)| !text[received + 1 + at + 2..].starts_with('\t'));
    let end = received + 1 + end.unwrap().0 + 2;
    (text[..end].to_owned(), text[end..].to_owned())
}

#[test]
fn six_clients_log_in_over_starttls_and_deliver() {
    let accept = format!("bob={PASSWORD}");
    let options = ["--accept", &accept, "--require-auth", "--require-tls", "--keep", "FOLDER/mail"];
    let mut serving = Serving::start(&[&options[..], &["--ca-out", "FOLDER/ca.pem", "-v"]].concat(), 1);
    let (ca_file, mail) = (serving.path("ca.pem"), serving.path("mail"));
    for client in clients::ALL {
        let output = client.send(&delivery(&serving, &ca_file, PASSWORD));
        assert!(output.status.success(), "{}: {}", client.name(), printed(&output));
    }
    let kept = files(&mail);
    assert_eq!(kept.len(), clients::ALL.len());
    for (file, client) in kept.iter().zip(clients::ALL) {
        let (envelope, message) = envelope_and_message(file);
        assert_eq!(message, MESSAGE, "{}", client.name());
        assert!(envelope.starts_with("Return-Path: <john@doe.com>\r\nX-Envelope-From: <john@doe.com>"), "{envelope}");
        assert!(envelope.contains("X-Envelope-To: <mary@jane.com>\r\nX-Envelope-To: <anna@jane.com>\r\n"));
        assert!(envelope.contains(" with ESMTPSA id "), "{envelope}");
    }
    serving.interrupt("TERM");
    let (code, summary, log) = serving.ended();
    assert_eq!(code, Some(0), "{log}");
    let count = clients::ALL.len();
    assert!(summary.starts_with(&format!("{count} sessions: {count} messages (")), "{summary}");
    for part in ["S: 220 ", "C: STARTTLS", "TLSv1.3, ", "C: AUTH ", "<<response>>", "S: 235 2.7.0", "C: Subject: Hi"] {
        assert!(log.contains(part), "`{part}` is not in the log:\n{log}");
    }
    for secret in [PASSWORD, "bywZW4", "cGVuPXNl", "byxwZW4"] {
        assert!(!log.contains(secret), "`{secret}` is in the log:\n{log}");
    }
}

#[test]
fn five_clients_see_a_stranger_and_a_wrong_password() {
    let accept = format!("bob={PASSWORD}");
    let options = ["--accept", &accept, "--keep", "FOLDER/mail", "--ca-out", "FOLDER/ca.pem", "-q"];
    let serving = Serving::start(&options, 1);
    let other = Serving::start(&["--ca-out", "FOLDER/ca.pem", "-q"], 1);
    let (ca_file, wrong_ca_file) = (serving.path("ca.pem"), other.path("ca.pem"));
    for client in clients::ALL {
        let stranger = client.send(&delivery(&serving, &wrong_ca_file, PASSWORD));
        assert!(!stranger.status.success(), "{}: {}", client.name(), printed(&stranger));
        let refused = client.send(&delivery(&serving, &ca_file, "wrong"));
        assert!(!refused.status.success(), "{}: {}", client.name(), printed(&refused));
    }
    assert_eq!(files(&serving.path("mail")), Vec::<PathBuf>::new());
}

#[test]
fn a_maildir_and_any_login() {
    let options = ["--accept-any", "--maildir", "FOLDER/mail", "--ca-out", "FOLDER/ca.pem", "--max-messages", "1"];
    let mut serving = Serving::start(&options, 1);
    let ca_file = serving.path("ca.pem");
    let output = Client::Smtplib.send(&delivery(&serving, &ca_file, "whatever"));
    assert!(output.status.success(), "{}", printed(&output));
    let (code, summary, log) = serving.ended();
    assert_eq!((code, summary.starts_with("1 session: 1 message (")), (Some(0), true), "{summary}");
    assert!(log.contains(" from <john@doe.com> to <mary@jane.com> and 1 more, "), "{log}");
    let kept = fs::read_to_string(&files(&serving.path("mail/new"))[0]).unwrap();
    assert!(kept.ends_with(&MESSAGE.replace("\r\n", "\n")), "{kept}");
}

#[test]
fn lmtp_answers_each_recipient() {
    let mut serving = Serving::start(&["--lmtp", "--keep", "FOLDER/mail", "--max-sessions", "1", "-v"], 1);
    let port = serving.ports[0].to_string();
    let output = Command::new("swaks")
        .args(["--protocol", "LMTP", "--server", "127.0.0.1", "--port", &port, "--from", "john@doe.com"])
        .args(["--to", "mary@jane.com,anna@jane.com"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", printed(&output));
    let (code, _, log) = serving.ended();
    assert_eq!(code, Some(0));
    assert_eq!(log.matches("S: 250 2.0.0 Ok: queued as").count(), 2, "{log}");
    assert!(envelope_and_message(&files(&serving.path("mail"))[0]).0.contains(" with LMTP id "));
}

#[test]
fn whoever_is_there_at_the_end_is_told() {
    for signal in ["TERM", "INT"] {
        let mut serving = Serving::start(&["-v"], 1);
        let mut client = serving.connect();
        assert_eq!(ask(&mut client, "EHLO x"), "250 HELP");
        serving.interrupt(signal);
        assert!(reply(&mut client).starts_with("421 4.3.2 "));
        assert_eq!(reply(&mut client), "");
        drop(client);
        assert_eq!(serving.ended().0, Some(0));
    }
}

#[test]
fn a_message_that_cannot_be_stored_is_answered_so() {
    let mut serving = Serving::start(&["--keep", "FOLDER/mail"], 1);
    let mut client = serving.connect();
    fs::remove_dir_all(serving.path("mail")).unwrap();
    for line in ["EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<c@d>"] {
        assert!(ask(&mut client, line).starts_with("250 "), "{line}");
    }
    assert!(ask(&mut client, "DATA").starts_with("354 "));
    assert_eq!(ask(&mut client, "Hi\r\n."), "451 4.3.0 The message could not be stored");
    assert_eq!(ask(&mut client, "QUIT"), "221 2.0.0 Bye");
    drop(client);
    serving.interrupt("TERM");
    let (code, summary, log) = serving.ended();
    assert!(summary.starts_with("1 session: 0 messages, 1 message that could not be stored"), "{summary}");
    assert!(log.contains("could not be stored: No such file"), "{log}");
    assert_eq!(code, Some(0));
}

#[test]
fn options_of_the_sandbox_are_refused_with_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.yaml");
    fs::write(&file, "server:\n  rules:\n    - match: ^QUIT\n      reply: 221 bye\n").unwrap();
    let file = file.to_str().unwrap();
    let wanted: [&[&str]; 16] = [
        &["--tls-listen", "127.0.0.1:0"],
        &["--certificate", "c.pem", "--key", "k.pem"],
        &["--key", "k.pem", "--certificate", "c.pem"],
        &["--accept", "a=b"],
        &["--accept-file", "f"],
        &["--accept-any"],
        &["--client-ca", "c.pem"],
        &["--mechanisms", "PLAIN"],
        &["--require-auth"],
        &["--require-tls"],
        &["--no-starttls"],
        &["--lmtp"],
        &["--hostname", "mx.example"],
        &["--size", "1"],
        &["--keep", "d"],
        &["--maildir", "d"],
    ];
    for options in wanted {
        let all = [&["serve", file, "--max-time", "1ms"], options].concat();
        program::smtp_script(&all).exits(2).says(&["cannot be used with", options[0]]);
    }
    for messages in ["--wait", "--max-messages"] {
        let all = ["serve", file, "--max-time", "1ms", messages, "1"];
        program::smtp_script(&all).exits(2).says(&["counts sessions, not messages", "`--max-sessions N`"]);
    }
    let twice = ["serve", file, "--max-time", "1ms", "--listen", "127.0.0.1:0", "--listen", "[::1]:0"];
    program::smtp_script(&twice).exits(2).says(&["give `--listen` once"]);
}

#[test]
fn a_port_in_use_is_said_in_one_way() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.yaml");
    fs::write(&file, "server:\n  rules:\n    - match: ^QUIT\n      reply: 221 bye\n").unwrap();
    let output = folder.path().join("recorded.yaml");
    let (file, output) = (file.to_str().unwrap(), output.to_str().unwrap());
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    for command in [
        &["serve", "--sandbox"][..],
        &["serve", file, "--max-time", "10s"],
        &["record", "--to", "127.0.0.1:1", "-o", output],
    ] {
        let all = [command, &["--listen", &address]].concat();
        program::smtp_script(&all)
            .exits(2)
            .says(&[&format!("error: cannot listen on {address}: the port is in use\n")]);
    }
}

#[test]
fn what_cannot_be_served_is_said() {
    let serving = Serving::start(&["-q"], 1);
    let taken = format!("127.0.0.1:{}", serving.ports[0]);
    for (options, message) in [
        (&["--listen", taken.as_str()][..], "the port is in use"),
        (&["--accept", "s3cret"], "error: `--accept`: expected USER=PASSWORD"),
        (&["--mechanisms", "EXTERNAL"], "by `--client-ca`"),
        (&["--mechanisms", "NTLM"], "`NTLM` is not a mechanism"),
        (&["--certificate", "Cargo.toml", "--key", "Cargo.toml"], "cannot use the certificate and its key"),
        (&["--keep", "Cargo.toml/x"], "cannot keep messages in `Cargo.toml/x`"),
        (&["--listen", ":25"], "which address?"),
        (&["--hostname", "two words"], "a host name is one word"),
    ] {
        let played = program::smtp_script(&[&["serve", "--sandbox"], options].concat());
        played.exits(2).says(&[message]).keeps(&["s3cret"]);
    }
    let open = ["serve", "--sandbox", "--listen", "0.0.0.0:0", "--max-time", "1ms"];
    program::smtp_script(&open).exits(0).says(&["warning: whoever reaches 0.0.0.0:0", "listening on 0.0.0.0:"]);
}

#[test]
fn a_client_certificate_logs_in_by_external() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("tests/servers/certificates").arg(folder.path()).current_dir(program::root()).status();
    assert!(made.unwrap().success());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, certificate, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
    let options = ["--tls-listen", "127.0.0.1:0", "--client-ca", &authority, "--require-auth"];
    let serving = Serving::start(&[&options[..], &["--certificate", &certificate, "--key", &key]].concat(), 1);
    let scenario = file("external.yaml");
    let text = "connect: {host: localhost, port: 465, tls: implicit, client_certificate: client.pem, \
        client_key: client.key}\nsteps:\n  - expect: ^220\n  - send: EHLO x\n    expect: ^250[ -]AUTH EXTERNAL$\n  \
        - auth: {mechanism: EXTERNAL, authzid: testuser}\n  - send: MAIL FROM:<a@b>\n    expect: ^250\n";
    fs::write(&scenario, text).unwrap();
    let address = format!("localhost:{}", serving.ports[0]);
    program::smtp_script(&["run", &scenario, "--to", &address, "--ca-file", &authority]).exits(0);
    fs::write(&scenario, text.replace("authzid: testuser", "authzid: alice")).unwrap();
    let refused = program::smtp_script(&["run", &scenario, "--to", &address, "--ca-file", &authority]);
    refused.exits(1).says(&["535 5.7.8"]);
}

const RULES: &str = r"secrets: [token]
server:
  rules:
    - match: ^RCPT TO:<(?<who>[^>]+)>
      reply: 451 4.7.1 <<who>> come back later
      times: 1
      per: server
    - match: ^\.$
      when: message.size > 1000
      reply: 554 5.7.1 no <<token>>
    - match: ^NOOP
      delay: 20ms
      pace: {bytes: 4, every: 5ms}
      reply: 250 slow
    - match: ^VRFY
      close: reset
    - match: ^HELP
      reply: 250 <<1 // 0>>
";

#[test]
fn rules_answer_before_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, RULES).unwrap();
    let options = ["--rules", file.to_str().unwrap(), "--secret", "token=s3cr3t", "--keep", "FOLDER/mail", "-v"];
    let mut serving = Serving::start(&options, 1);
    let mut client = serving.connect();
    assert_eq!(ask(&mut client, "EHLO x"), "250 HELP");
    assert!(ask(&mut client, "MAIL FROM:<a@b>").starts_with("250 "));
    assert_eq!(ask(&mut client, "RCPT TO:<c@d>"), "451 4.7.1 c@d come back later");
    assert_eq!(ask(&mut client, "DATA"), "503 5.5.1 Send RCPT TO first");
    // What stands behind a slow reply in the same packet is answered behind it.
    assert_eq!(ask(&mut client, "NOOP\r\nRCPT TO:<c@d>"), "250 slow");
    assert_eq!(reply(&mut client), "250 2.1.5 Ok");
    assert!(ask(&mut client, "DATA").starts_with("354 "));
    assert!(ask(&mut client, "Subject: Hi\r\n\r\nHello\r\n.").starts_with("250 2.0.0 Ok: queued as "));
    for line in ["MAIL FROM:<a@b>", "RCPT TO:<c@d>"] {
        assert!(ask(&mut client, line).starts_with("250 "), "{line}");
    }
    assert!(ask(&mut client, "DATA").starts_with("354 "));
    assert_eq!(ask(&mut client, &format!("{}\r\n.", "x".repeat(2000))), "554 5.7.1 no s3cr3t");
    assert!(ask(&mut client, "DATA").starts_with("503 "), "the refused message is forgotten");
    client.get_mut().write_all(b"VRFY c\r\n").unwrap();
    assert_eq!(client.read_line(&mut String::new()).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let mut faulty = serving.connect();
    assert_eq!(ask(&mut faulty, "HELP"), "");
    drop(faulty);
    let kept = files(&serving.path("mail"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(fs::read_to_string(&kept[0]).unwrap().ends_with("Hello\r\n"));
    serving.interrupt("TERM");
    let (code, _, log) = serving.ended();
    assert_eq!(code, Some(1), "{log}");
    for part in ["S: 451 4.7.1 c@d come back later", "no <<token>>", "a rule cannot be obeyed: ", "rules.yaml:18:"] {
        assert!(log.contains(part), "`{part}` is not in the log:\n{log}");
    }
    assert!(!log.contains("s3cr3t"), "{log}");
}

#[test]
fn rules_stand_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    for (text, message) in [
        ("server:\n  steps:\n    - reply: 220 x\n", "there is `steps`"),
        ("server:\n  listen: 127.0.0.1:0\n  rules:\n    - match: ^NOOP\n      reply: 250 x\n", "there is `listen`"),
        ("server:\n  rules:\n    - match: ^NOOP\n      reply: 250 <<nobody>>\n", "nobody"),
        ("connect: x\nsteps:\n  - expect: ^220\n", "has no `server:`"),
    ] {
        fs::write(&file, text).unwrap();
        program::smtp_script(&["serve", "--sandbox", "--rules", file.to_str().unwrap()]).exits(2).says(&[message]);
    }
    program::smtp_script(&["serve", "--rules", "x.yaml"]).exits(2);
    program::smtp_script(&["serve", "--sandbox", "--var", "a=b"]).exits(2).says(&["name one by `--rules`"]);
}
