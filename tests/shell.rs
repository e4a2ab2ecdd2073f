//! `smtp-script shell`: with lines on a pipe, and in a real terminal (`shell/terminal.rs`).
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
#[path = "servers/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod servers;
#[path = "shell/terminal.rs"]
mod terminal;

use harness::{Played, ScriptedServer, smtp_script};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The shell in a folder, with these lines on standard input.
fn shell(folder: &Path, arguments: &[&str], lines: &str) -> Played {
    let input = folder.join(".lines");
    fs::write(&input, lines).unwrap();
    let mut command = smtp_script(folder);
    command.arg("shell").args(arguments).args(["--ehlo", "me.example"]).stdin(File::open(input).unwrap());
    Played::by(command.env("SMTP_SCRIPT_SECRET_PASSWORD", "open-sesame"))
}

/// The shell with a server that does as it is told; the client must follow that script as well.
fn against(server: &str, arguments: &[&str], lines: &str) -> Played {
    let server = ScriptedServer::start(server);
    let folder = TempDir::new().unwrap();
    let address = server.address();
    let played = shell(folder.path(), &[&[address.as_str()], arguments].concat(), lines);
    server.finish().unwrap();
    Played { stdout: played.stdout.replace(&address, "SERVER"), ..played }
}

#[test]
fn what_is_typed_goes_over_the_wire() {
    let server = "S: 220 hi\nC: R\nS: 500 what\nC: Q\nS: 500 what\nC:   NOOP  x\nS: 250 ok\nC: ~.\nS: 500 no\nC: .dot\n\
                  S: 500 no\nC: DATA\nS: 354 go\nreceive \"..a\\r\\n.save x\\r\\n\\r\\n.\\r\\n\"\nS: 250 taken\nC: QUIT\nS: 221 bye\nclose\n";
    let played = against(server, &[], "R\nQ\r\n  NOOP  x\n~.\n..dot\n\nDATA\n..a\n.save x\n\n.\nQUIT\n");
    let expected = "*  connected to SERVER\nS: 220 hi\nC: R\nS: 500 what\nC: Q\nS: 500 what\nC:   NOOP  x\nS: 250 ok\nC: ~.\n\
                    S: 500 no\nC: .dot\nS: 500 no\nC: DATA\nS: 354 go\nC: ..a\nC: .save x\nC:\nC: .\nS: 250 taken\nC: QUIT\n\
                    S: 221 bye\n*  closed by the server\n";
    assert_eq!((played.stdout.as_str(), played.stderr.as_str()), (expected, ""));
    // Something was refused, and nobody has seen it.
    assert_eq!(played.code, Some(1));
}

#[test]
fn lines_are_held_back_and_sent_at_once() {
    let server = "S: 220 hi\nreceive \"NOOP a\\r\\nNOOP b\\r\\n\"\nS: 250 a\nS: 250 b\nreceive \"X\\n\"\nS: 250 c\nwait-close fin\n";
    let played = against(server, &[], ".pipeline\nNOOP a\nNOOP b\n.wait\n.raw X\\n\n.wait\n");
    assert!(
        played.stdout.contains("C: NOOP a\nC: NOOP b\nS: 250 a\nS: 250 b\nC: X\\n\nS: 250 c\n"),
        "{}",
        played.stdout
    );
    assert!(played.stdout.ends_with("*  closed by the client\nended without QUIT\n"), "{}", played.stdout);
    assert_eq!(played.code, Some(0));
}

#[test]
fn a_whole_session_is_saved_and_can_be_played() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mail.eml"), "Subject: hi\n\n.a dot\n").unwrap();
    let lines = ".ehlo\nMAIL FROM:<a@example.com>\nRCPT TO:<b@example.com>\n.data mail.eml\n.auth plain mary\n.auth cram-md5 mary\n\
                 MAIL FROM:<a@example.com>\nRCPT TO:<b@example.com>\n.bdat mail.eml\n.tls\n.save done.yaml\n.save done.yaml\n.quit\n";
    let played = shell(folder.path(), &["--sandbox", "--starttls"], lines);
    for part in [
        "certificate verified",
        "C: ..a dot\n",
        "C: AUTH PLAIN <<credentials>>\nS: 235",
        "C: BDAT 23 LAST\nC: [23 octets]\nS: 250",
        "saved to done.yaml",
    ] {
        assert!(played.stdout.contains(part), "{part}:\n{}", played.stdout);
    }
    assert!(played.stderr.contains("`done.yaml` exists already: `.save! done.yaml` replaces it"), "{}", played.stderr);
    assert!(!format!("{}{}", played.stdout, played.stderr).contains("open-sesame"));
    let saved = fs::read_to_string(folder.path().join("done.yaml")).unwrap();
    assert!(!saved.contains("open-sesame") && saved.contains("auth_plain(username, password)"), "{saved}");
    let checked = Played::by(smtp_script(folder.path()).args(["check", "done.yaml"]));
    assert_eq!(checked.stdout, "1 file: nothing to complain about\n");
    let run = Played::by(smtp_script(folder.path()).args([
        "run",
        "--sandbox",
        "done.yaml",
        "--secret",
        "username=mary",
        "--secret",
        "password=open-sesame",
    ]));
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}

#[test]
fn credentials_typed_by_hand_are_masked() {
    let server = "S: 220 hi\nC: AUTH PLAIN AG1hcnkAaHVudGVyMjI=\nS: 535 no hunter22 here\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n\
                  C: bWFyeS5wb3BwaW5z\nS: 334 UGFzc3dvcmQ6\nC: c3dvcmRmaXNo\nS: 235 hello swordfish\nwait-close\n";
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("s.yaml");
    let lines = format!(
        "AUTH PLAIN AG1hcnkAaHVudGVyMjI=\nAUTH LOGIN\nbWFyeS5wb3BwaW5z\nc3dvcmRmaXNo\n.transcript\n.save {}\n",
        file.display()
    );
    let played = against(server, &[], &lines);
    let all = format!("{}{}{}", played.stdout, played.stderr, fs::read_to_string(file).unwrap());
    for secret in ["hunter22", "AG1hcnk", "swordfish", "c3dvcmRmaXNo", "bWFyeS5wb3BwaW5z"] {
        assert!(!all.contains(secret), "{secret}:\n{all}");
    }
    assert!(played.stdout.contains("C: AUTH PLAIN <<"), "{all}");
}

#[test]
fn a_password_is_not_shown_to_the_world() {
    let folder = TempDir::new().unwrap();
    // The sandbox is local, and takes it; without the environment nobody can be asked on a pipe.
    let mut command = smtp_script(folder.path());
    fs::write(folder.path().join("lines"), ".ehlo\n.auth\n.auth plain\n.auth nonsense\n.auth plain mary secret\n")
        .unwrap();
    command.args(["shell", "--sandbox"]).stdin(File::open(folder.path().join("lines")).unwrap());
    let played = Played::by(&mut command);
    for part in ["no terminal to ask for the", "`nonsense` is not a mechanism", "asks for the password itself"] {
        assert!(played.stderr.contains(part), "{part}:\n{}", played.stderr);
    }
    assert_eq!(played.code, Some(1));
}

#[test]
fn commands_say_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let lines = ".\n.startls\n.data\n.data nowhere\n.data .\n.save\n.hex 1\n.hex\n.raw \\q\n.explain nonsense\n.tls\n.extensions\n\
                 .help nothing\n.connect a:b\n.close\n.close\nNOOP\n";
    let played = shell(folder.path(), &["--sandbox"], lines);
    let complaints: Vec<&str> = played.stderr.lines().collect();
    let expected = [
        "a dot begins a command",
        "did you mean `.starttls`?",
        "which file?",
        "cannot read `nowhere`: no such file",
        "`.` is no file",
        "needs the name of a file",
        "an odd number",
        "there is nothing to send",
        "a backslash stands",
        "this is no reply code",
        "there is no TLS",
        "nothing is offered",
        "there is no command `.nothing`",
        "`b` is not a port",
        "there is no connection",
        "this line and those after it were not sent",
    ];
    assert_eq!(complaints.len(), expected.len(), "{}", played.stderr);
    for (complaint, part) in complaints.iter().zip(expected) {
        assert!(complaint.starts_with("error: ") && complaint.contains(part), "{complaint}: {part}");
    }
}

#[test]
fn hostile_servers_are_survived() {
    for (server, lines, says, code) in [
        ("send \"220 hi\"\nsilence\n", "NOOP\n", "no reply within 1 s; only a part of it came", 1),
        ("S: 220 hi\nC: NOOP\nclose\n", "NOOP\nNOOP\n", "the server closed before it replied", 1),
        ("S: 220 hi\nC: NOOP\nreset\n", "NOOP\n", "the server closed before it replied", 1),
        (
            "send \"220 hi\\n\"\nC: NOOP\nS: 250 ok\nwait-close\n",
            "NOOP\n",
            "this is no reply: a line ends in LF without CR",
            1,
        ),
        ("send \"\\xff\\x00\\x1b[2J\\r\\n\"\nwait-close\n", "", "this is no reply", 1),
        ("S: 220 hi\nC: NOOP\nflood \"250-x\\r\\n\" 10000000\nwait-close\n", "NOOP\n", "the reply is larger than", 1),
        ("S: 220 hi\nC: STARTTLS\nS: 220 go\nS: 250 junk\nwait-close\n", ".starttls\n", "", 1),
        ("close\n", "NOOP\n", "the server closed before it replied", 1),
        ("S: 554 go away\nclose\n", "", "", 1),
    ] {
        let played = against(server, &["--timeout", "1s"], lines);
        assert!(played.stderr.contains(says), "{server}: {}{}", played.stdout, played.stderr);
        assert_eq!(played.code, Some(code), "{server}: {}{}", played.stdout, played.stderr);
        assert!(!format!("{}{}", played.stdout, played.stderr).contains('\u{1b}'), "{server}");
    }
}

#[test]
fn without_a_server_there_is_no_shell() {
    let folder = TempDir::new().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let played = shell(folder.path(), &[&address], "NOOP\n");
    assert_eq!(played.code, Some(3), "{}{}", played.stdout, played.stderr);
    let kept = folder.path().join("kept.yaml");
    fs::write(&kept, "kept").unwrap();
    let refused = shell(folder.path(), &["--sandbox", "-o", "kept.yaml"], "NOOP\n");
    assert_eq!((refused.code, fs::read_to_string(&kept).unwrap().as_str()), (Some(2), "kept"));
    let replaced = shell(folder.path(), &["--sandbox", "-o", "kept.yaml", "--force"], "QUIT\n");
    assert_eq!(replaced.code, Some(0), "{}{}", replaced.stdout, replaced.stderr);
    assert!(fs::read_to_string(&kept).unwrap().contains("QUIT"));
}

#[test]
fn what_helps_is_said_on_a_pipe_too() {
    let folder = TempDir::new().unwrap();
    // The system takes the connection, and nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let told = |arguments: &[&str]| shell(folder.path(), arguments, "").stderr;
    let slow = told(&[&address, "--timeout", "200ms"]);
    assert!(slow.contains("no reply within 200 ms") && slow.contains("  = help: is the server slow?"), "{slow}");
    drop(silent);
    let refused = told(&[&address]);
    assert!(refused.contains("  = help: nothing listens there"), "{refused}");
    let idle = against("S: 220 mx.example\nwait-close", &["--timeout", "200ms"], ".wait\n").stderr;
    assert!(idle.contains("nothing came within 200 ms, and no reply is owed"), "{idle}");
    let plain = ScriptedServer::start("S: 220 mx.example\nwait-close");
    let mixed_up = told(&[plain.address().as_str(), "--tls"]);
    assert!(mixed_up.contains("  = help: does this port speak plain SMTP? leave out `--tls`"), "{mixed_up}");
}

/// Postfix refuses what is sent before its reply was read, and a saved scenario works there as well.
#[test]
fn a_hardened_postfix_is_content() {
    let servers = servers::Servers::start(&["postfix"]);
    let folder = TempDir::new().unwrap();
    let (address, ca_file) = (format!("127.0.0.1:{}", servers.port("postfix", 2)), servers.ca_file());
    let lines = ".auth scram-sha-256 testuser\nMAIL FROM:<testuser@example.com>\nRCPT TO:<john@example.com>\nDATA\n\
                 From: testuser@example.com\nSubject: by hand\n\nGood morning.\n.\n.save done.yaml\n.quit\n";
    fs::write(folder.path().join("lines"), lines).unwrap();
    let mut command = smtp_script(folder.path());
    command.args(["shell", &address, "--starttls", "--ehlo", "me.example", "--ca-file"]).arg(&ca_file);
    command.env("SMTP_SCRIPT_SECRET_PASSWORD", "testpass").stdin(File::open(folder.path().join("lines")).unwrap());
    let played = Played::by(&mut command);
    assert_eq!(played.code, Some(0), "{}{}", played.stdout, played.stderr);
    assert!(
        played.stdout.contains("S: 235 2.7.0") && played.stdout.contains("S: 250 2.0.0 Ok: queued"),
        "{}",
        played.stdout
    );
    let checked = Played::by(smtp_script(folder.path()).args(["check", "done.yaml"]));
    assert_eq!(checked.stdout, "1 file: nothing to complain about\n");
    let secrets = ["--secret", "username=testuser", "--secret", "password=testpass"];
    let run =
        Played::by(smtp_script(folder.path()).args(["run", "done.yaml", "--ca-file"]).arg(&ca_file).args(secrets));
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}

#[test]
fn what_was_said_is_kept_when_a_signal_ends_it() {
    for signal in ["TERM", "HUP", "INT"] {
        let server = ScriptedServer::start("S: 220 hi\nC: NOOP\nS: 250 ok\nC: HELP\nsilence\n");
        let folder = TempDir::new().unwrap();
        let mut command = smtp_script(folder.path());
        command.args(["shell", &server.address(), "-o", "kept.yaml"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut input = shell.stdin.take().unwrap();
        input.write_all(b"NOOP\nHELP\n").unwrap();
        // The reply to HELP never comes: the signal finds the shell in a wait.
        assert!(lines.any(|line| line == "C: HELP"));
        let sent = Command::new("kill").args([&format!("-{signal}"), &shell.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(shell.wait().unwrap().code(), Some(130), "{signal}");
        let kept = fs::read_to_string(folder.path().join("kept.yaml")).unwrap();
        assert!(kept.contains("send: NOOP"), "{signal}: {kept}");
        drop(input);
        server.finish().unwrap();
    }
}
