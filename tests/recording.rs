//! Recording and importing with the programs that people use: their clients through `record` to Postfix, their
//! transcripts through `import`, and every scenario that comes of it played afterwards.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "clients/mod.rs"]
mod clients;
#[path = "recording/exim_and_tshark.rs"]
mod exim_and_tshark;
#[path = "program/mod.rs"]
mod program;
#[path = "recording/recorder.rs"]
mod recorder;
#[path = "servers/mod.rs"]
mod servers;
#[path = "recording/transcripts.rs"]
mod transcripts;

use clients::Delivery;
use program::smtp_script;
use recorder::Recorder;
use servers::Servers;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

const SECRETS: [&str; 4] = ["--secret", "username=testuser", "--secret", "password=testpass"];
const MESSAGE: &str =
    "From: Test <sender@example.com>\r\nTo: john@example.com\r\nSubject: hello\r\n\r\nHello\r\n.a dot << and more\r\n";

/// The scenario is sound, holds no credential, and passes when it is played.
#[track_caller]
fn plays(scenario: &Path, options: &[&str]) {
    let (file, text) = (scenario.to_string_lossy(), fs::read_to_string(scenario).unwrap());
    for secret in ["testpass", "testuser", "dGVzdHBhc3M", "dGVzdHVzZXI"] {
        assert!(!text.contains(secret), "`{secret}` stands in the scenario:\n{text}");
    }
    smtp_script(&["check", &file]).exits(0).says(&["nothing to complain about"]);
    let secrets = if text.contains("\nsecrets: ") { &SECRETS[..] } else { &[] };
    smtp_script(&[&["run", &*file], secrets, options].concat()).exits(0).keeps(&["testpass"]);
}

#[test]
fn every_client_is_recorded_and_played_again() {
    let servers = Servers::start(&["postfix"]);
    let server_ca = servers.ca_file().to_string_lossy().into_owned();
    let to = format!("localhost:{}", servers.port("postfix", 0));
    let count = clients::ALL.len().to_string();
    let recorder = Recorder::start(&["--to", &to, "--ca-file", &server_ca, "--connections", &count, "-v"]);
    for client in clients::ALL {
        let delivery = Delivery {
            host: "localhost",
            port: recorder.ports[0],
            user: "testuser",
            password: "testpass",
            ca_file: &recorder.ca_file(),
            from: "sender@example.com",
            to: &["john@example.com"],
            message: MESSAGE,
        };
        let output = client.send(&delivery);
        assert!(output.status.success(), "{}: {}", client.name(), String::from_utf8_lossy(&output.stderr));
    }
    let scenarios = recorder.scenarios(clients::ALL.len());
    recorder.ends().exits(0).keeps(&["testpass", "testuser", "dGVzdHBhc3M", "dGVzdHVzZXI"]);
    for (client, scenario) in clients::ALL.iter().zip(&scenarios) {
        let text = fs::read_to_string(scenario).unwrap();
        for part in
            ["  - starttls\n", "secrets: [username, password]\n", "      .a dot <<'<<'>> and more\n", "expect: ^235"]
        {
            let other_way = part.contains("235") && text.contains("  - auth:\n");
            assert!(text.contains(part) || other_way, "{}: `{part}` is missing:\n{text}", client.name());
        }
        plays(scenario, &["--ca-file", &server_ca]);
    }
}

#[test]
fn tls_may_come_first_on_either_side() {
    let servers = Servers::start(&["postfix"]);
    let server_ca = servers.ca_file().to_string_lossy().into_owned();
    let implicit = format!("localhost:{}", servers.port("postfix", 1));
    let recorder = Recorder::start(&[
        "--to",
        &implicit,
        "--tls",
        "implicit",
        "--ca-file",
        &server_ca,
        "--tls-listen",
        "127.0.0.1:0",
        "--listen",
        "127.0.0.1:0",
        "--connections",
        "2",
    ]);
    let ca_file = recorder.ca_file();
    for (tls, port) in [("--tls-on-connect", recorder.ports[1]), ("--helo=client.example", recorder.ports[0])] {
        let arguments =
            ["--server", "localhost", "--port", &port.to_string(), tls, "--tls-ca-path", &ca_file.to_string_lossy()];
        let login =
            ["--auth", "PLAIN", "--auth-user", "testuser", "--auth-password", "testpass", "--to", "john@example.com"];
        let sent = std::process::Command::new("swaks")
            .args(arguments)
            .args(login)
            .args(["--from", "a@example.com", "--header", "Subject: my testpass"])
            .output();
        assert!(sent.unwrap().status.success(), "{tls}");
    }
    let scenarios = recorder.scenarios(2);
    recorder.ends().exits(0);
    for scenario in scenarios {
        let text = fs::read_to_string(&scenario).unwrap();
        // The password passed in the clear: it is known, and found in the message as well.
        assert!(text.contains("Subject: my <<password>>\n"), "{text}");
        assert!(text.contains("  tls: implicit\n") && !text.contains("starttls"), "{text}");
        plays(&scenario, &["--ca-file", &server_ca]);
    }
}

#[test]
fn an_interruption_writes_what_was_recorded() {
    let servers = Servers::start(&["smtp-sink"]);
    let to = format!("127.0.0.1:{}", servers.port("smtp-sink", 0));
    let recorder = Recorder::start(&["--to", &to]);
    let mut client = Client::connect(recorder.ports[0]);
    client.expects("220");
    client.says("EHLO client.example\r\n").expects("250");
    client.says("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n").expects("354");
    client.says("Subject: x\r\n\r\nHi\r\n.\r\n").expects("250");
    let scenario = recorder.interrupted();
    let text = fs::read_to_string(&scenario).unwrap();
    assert!(text.contains("  - pipeline: true\n    steps:\n      - send: MAIL FROM:<a@example.com>\n"), "{text}");
    plays(&scenario, &[]);
}

#[test]
fn large_messages_pass_whole_and_are_kept_in_part() {
    let servers = Servers::start(&["postfix"]);
    let to = format!("127.0.0.1:{}", servers.port("postfix", 0));
    let recorder = Recorder::start(&["--to", &to, "--connections", "1"]);
    let mut client = Client::connect(recorder.ports[0]);
    client.expects("220");
    client.says("EHLO client.example\r\n").expects("250 ");
    client.says("MAIL FROM:<a@example.com>\r\n").expects("250");
    client.says("RCPT TO:<john@example.com>\r\n").expects("250");
    client.says("DATA\r\n").expects("354");
    let line = "0123456789".repeat(7) + "\r\n";
    let body = line.repeat(8 * 1024 * 1024 / line.len());
    client.says(&format!("Subject: large\r\n\r\n{body}.\r\n")).expects("250");
    client.says("QUIT\r\n").expects("221");
    let scenario = recorder.scenarios(1).remove(0);
    recorder.ends().exits(0);
    let delivered = delivered(&servers.directory("postfix").join("mail/john/new"));
    assert!(delivered.ends_with(&body.replace("\r\n", "\n")), "the message did not arrive whole");
    let text = fs::read_to_string(&scenario).unwrap();
    let octets = body.len() + "Subject: large\r\n\r\n".len();
    assert!(text.contains(&format!("# the message had {octets} octets; the first ")), "{text:.2000}");
    assert!(text.len() < 100_000);
    plays(&scenario, &[]);
}

/// The first message that is delivered into a folder.
fn delivered(folder: &Path) -> String {
    for _ in 0..300 {
        if let Some(entry) = fs::read_dir(folder).ok().and_then(|mut entries| entries.next()) {
            return fs::read_to_string(entry.unwrap().path()).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("nothing is delivered to {}", folder.display());
}

#[test]
fn what_cannot_be_recorded_is_said() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let recorder = Recorder::start(&["--to", &format!("127.0.0.1:{closed}"), "--connections", "1"]);
    let mut client = Client::connect(recorder.ports[0]);
    client.expects("421 4.4.1");
    recorder.ends().exits(3).says(&["error: session 1: 127.0.0.1", "connection refused"]);

    let servers = Servers::start(&["postfix"]);
    let to = format!("localhost:{}", servers.port("postfix", 0));
    let recorder = Recorder::start(&["--to", &to, "--connections", "1"]);
    let mut client = Client::connect(recorder.ports[0]);
    client.expects("220");
    client.says("STARTTLS\r\n").expects("454 4.7.0");
    recorder.ends().exits(1).says(&["the TLS handshake with the server failed", "--ca-file"]);
}

#[test]
fn a_missing_folder_is_said_before_anybody_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing/recorded.yaml");
    let record = ["record", "--to", "127.0.0.1:25", "--listen", "127.0.0.1:0", "-o", &file.to_string_lossy()];
    let played = smtp_script(&record);
    played.exits(2).says(&["error: cannot write", "missing"]);
    assert!(!played.out.contains("listening"), "{}", played.out);
}

#[test]
fn files_that_exist_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.yaml");
    fs::write(&file, "mine").unwrap();
    let name = file.to_string_lossy();
    let record = ["record", "--to", "127.0.0.1:25", "-o", &name];
    smtp_script(&record).exits(2).says(&["exists already", "--force"]);
    let transcript = folder.path().join("transcript");
    fs::write(&transcript, "220 hi\nQUIT\n221 bye\n").unwrap();
    let import = ["import", &transcript.to_string_lossy(), "-o", &name];
    smtp_script(&import).exits(2).says(&["exists already", "--force"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    smtp_script(&[&import[..], &["--force"]].concat()).exits(0);
    assert!(fs::read_to_string(&file).unwrap().contains("send: QUIT"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// A client of few words.
struct Client {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Client {
    fn connect(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        Client { stream, lines }
    }

    fn says(&mut self, text: &str) -> &mut Client {
        self.stream.write_all(text.as_bytes()).unwrap();
        self
    }

    /// Reads lines up to one that begins so.
    #[track_caller]
    fn expects(&mut self, start: &str) {
        let mut read = String::new();
        while self.lines.by_ref().read_line(&mut read).unwrap() > 0 {
            if read.lines().last().is_some_and(|line| line.starts_with(start)) {
                return;
            }
        }
        panic!("no line begins with `{start}`:\n{read}");
    }
}
