//! Transcripts that the real tools print during the test, imported and played against the server that they were of.

use crate::clients::{self, Delivery};
use crate::plays;
use crate::program::command;
use crate::servers::Servers;
use std::fs;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is typed at a terminal, with the start of the line of the server that is waited for before it.
type Typed<'a> = [(&'a str, &'a str)];

const SUBMISSION: [(&str, &str); 10] = [
    ("", "EHLO client.example"),
    ("250 ", "AUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz"),
    ("235", "MAIL FROM:<sender@example.com>"),
    ("250", "rcpt to:<john@example.com>"),
    ("250", "DATA"),
    ("354", "Subject: typed"),
    ("", ""),
    ("", "Hello"),
    ("", "."),
    ("250", "quit"),
];

#[test]
fn the_transcripts_of_real_tools_become_scenarios_that_pass() {
    let servers = Servers::start(&["postfix"]);
    let (plain, implicit) = (servers.port("postfix", 0), servers.port("postfix", 1));
    let ca_file = servers.ca_file().to_string_lossy().into_owned();
    let to = |port: u16| format!("localhost:{port}");
    let folder = tempfile::tempdir().unwrap();
    let case = |name: &str, transcript: &str, port: u16| {
        let scenario = imported(folder.path(), name, transcript);
        plays(&scenario, &["--to", &to(port), "--ca-file", &ca_file]);
        fs::read_to_string(scenario).unwrap()
    };

    let telnet = typed(&format!("telnet localhost {plain}"), "220", &SUBMISSION);
    let text = case("telnet", &telnet, plain);
    assert!(text.contains("connect: localhost\n") || text.contains("connect: 127.0.0.1\n"), "{text}");

    let starttls = format!("openssl s_client -connect localhost:{plain} -starttls smtp -crlf -CAfile {ca_file}");
    let openssl = typed(&starttls, "250 ", &SUBMISSION);
    let text = case("openssl", &openssl, plain);
    assert!(text.contains("  - starttls\n") && text.contains("send: rcpt to:<john@example.com>"), "{text}");
    let tls_first = format!("openssl s_client -connect localhost:{implicit} -quiet -crlf -CAfile {ca_file}");
    let text = case("openssl-quiet", &typed(&tls_first, "220", &SUBMISSION), implicit);
    assert!(text.contains("connect: mail.example.com:465\n"), "{text}");

    for (name, options) in [
        ("swaks", "--tls --auth PLAIN"),
        ("swaks-login", "--tls --auth LOGIN --auth-hide-password --suppress-data --show-raw-text"),
        ("swaks-pipeline", "--pipeline --auth CRAM-MD5 --show-time-lapse"),
        ("swaks-implicit", "--tls-on-connect --auth PLAIN"),
    ] {
        let port = if name == "swaks-implicit" { implicit } else { plain };
        let transcript = printed(&format!(
            "swaks --server localhost --port {port} {options} --auth-user testuser --auth-password testpass \
             --from sender@example.com --to john@example.com --helo client.example"
        ));
        case(name, &transcript, port);
    }

    let message = folder.path().join("message.eml");
    fs::write(&message, "Subject: by curl\r\n\r\nHi\r\n").unwrap();
    let curl = printed(&format!(
        "curl -sv --ssl-reqd --cacert {ca_file} smtp://localhost:{plain}/client.example --user testuser:testpass \
         --mail-from sender@example.com --mail-rcpt john@example.com -T {}",
        message.display()
    ));
    let text = case("curl", &curl, plain);
    assert!(text.contains(&format!("connect: localhost:{plain}\n")), "{text}");
}

#[test]
fn what_every_client_prints_becomes_a_scenario_that_passes() {
    let servers = Servers::start(&["postfix"]);
    let plain = servers.port("postfix", 0);
    let ca_file = servers.ca_file();
    let folder = tempfile::tempdir().unwrap();
    for client in clients::ALL {
        let delivery = Delivery {
            host: "localhost",
            port: plain,
            user: "testuser",
            password: "testpass",
            ca_file: &ca_file,
            from: "sender@example.com",
            to: &["john@example.com"],
            message: "From: Test <sender@example.com>\r\nTo: john@example.com\r\nSubject: logged\r\n\r\nHello\r\n.dot\r\n",
        };
        let output = client.send(&delivery);
        let log = [output.stdout, output.stderr].concat();
        let scenario = imported(folder.path(), client.name(), &String::from_utf8_lossy(&log));
        let text = fs::read_to_string(&scenario).unwrap();
        assert!(text.contains("  - starttls\n"), "{}:\n{text}", client.name());
        plays(&scenario, &["--to", &format!("localhost:{plain}"), "--ca-file", &ca_file.to_string_lossy()]);
    }
}

#[test]
fn what_net_smtp_prints_becomes_a_scenario_that_passes() {
    let servers = Servers::start(&["postfix"]);
    let plain = servers.port("postfix", 0);
    let folder = tempfile::tempdir().unwrap();
    let program = format!(
        "use Net::SMTP; my $smtp = Net::SMTP->new('localhost', Port => {plain}, Hello => 'client.example', Debug => 1); \
         $smtp->mail('sender@example.com'); $smtp->to('john@example.com', 'nobody@example.com', {{ SkipBad => 1 }}); \
         $smtp->data(\"Subject: by Perl\\n\\nHello\\n.dot\\n\"); $smtp->quit;"
    );
    let output = Command::new("perl").args(["-e", &program]).output().unwrap();
    let scenario = imported(folder.path(), "net-smtp", &String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&scenario).unwrap();
    assert!(text.contains("Subject: by Perl") && text.contains("      .dot\n"), "{text}");
    plays(&scenario, &["--to", &format!("localhost:{plain}")]);
}

#[test]
fn the_trace_of_curl_holds_the_message() {
    let servers = Servers::start(&["postfix"]);
    let plain = servers.port("postfix", 0);
    let folder = tempfile::tempdir().unwrap();
    let message = folder.path().join("message.eml");
    let long = "0123456789".repeat(9);
    fs::write(&message, format!("Subject: traced\r\n\r\nHi\r\n{long}\r\n")).unwrap();
    for option in ["--trace-ascii", "--trace"] {
        let trace = printed(&format!(
            "curl -s {option} - smtp://localhost:{plain}/client.example --mail-from sender@example.com --mail-rcpt john@example.com -T {}",
            message.display()
        ));
        let scenario = imported(folder.path(), option.trim_start_matches('-'), &trace);
        let text = fs::read_to_string(&scenario).unwrap();
        assert!(text.contains("Subject: traced") && text.contains(&long), "{option}:\n{trace}\n{text}");
        assert!(text.contains(&format!("connect: localhost:{plain}\n")), "{text}");
        plays(&scenario, &[]);
    }
}

#[test]
fn a_module_of_blackbox_exporter_probes_the_same() {
    let servers = Servers::start(&["postfix"]);
    let to = format!("localhost:{}", servers.port("postfix", 0));
    let ca_file = servers.ca_file().to_string_lossy().into_owned();
    let folder = tempfile::tempdir().unwrap();
    // As in the example.yml of blackbox_exporter.
    let module = "\
modules:
  smtp_starttls:
    prober: tcp
    timeout: 5s
    tcp:
      query_response:
        - expect: \"^220 ([^ ]+) ESMTP (.+)$\"
        - send: \"EHLO prober\\r\"
        - expect: \"^250-STARTTLS\"
        - send: \"STARTTLS\\r\"
        - expect: \"^220\"
        - starttls: true
        - send: \"EHLO ${1}\\r\"
        - expect: \"^250-AUTH\"
        - send: \"QUIT\\r\"
";
    let scenario = imported(folder.path(), "blackbox", module);
    let text = fs::read_to_string(&scenario).unwrap();
    assert!(text.contains("  - starttls\n  - send: EHLO <<group_1>>\n    expect: ^250[ -]AUTH\n"), "{text}");
    plays(&scenario, &["--to", &to, "--ca-file", &ca_file]);
}

/// The scenario of a transcript; nothing of the password is told.
pub(crate) fn imported(folder: &Path, name: &str, transcript: &str) -> PathBuf {
    let (pasted, scenario) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.yaml")));
    fs::write(&pasted, transcript).unwrap();
    let output = command(&["import"]).arg(&pasted).arg("-o").arg(&scenario).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name}: {told}\n{transcript}");
    assert!(!told.contains("testpass") && !told.contains("dGVzdHBhc3M"), "{name}: {told}");
    scenario
}

/// What a command prints on both streams.
fn printed(command: &str) -> String {
    let output = Command::new("sh").args(["-c", &format!("{command} 2>&1")]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What stands on a terminal after these lines were typed, each when the server had answered the one before.
fn typed(command: &str, greeting: &str, lines: &Typed<'_>) -> String {
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = terminal.stdin.take().unwrap();
    let mut screen = BufReader::new(terminal.stdout.take().unwrap());
    let mut shown = String::new();
    wait_for(&mut screen, greeting, &mut shown);
    for (wanted, line) in lines {
        if !wanted.is_empty() {
            wait_for(&mut screen, wanted, &mut shown);
        }
        keys.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
    wait_for(&mut screen, "221", &mut shown);
    drop(keys);
    while read_line(&mut screen, &mut shown) {}
    terminal.wait().unwrap();
    shown
}

/// Reads lines up to one that begins so.
fn wait_for(screen: &mut impl std::io::BufRead, start: &str, shown: &mut String) {
    loop {
        let before = shown.len();
        assert!(read_line(screen, shown), "no line begins with `{start}`:\n{shown}");
        if shown[before..].starts_with(start) {
            return;
        }
    }
}

/// A line of a terminal; its end may be an error where the other side is gone.
fn read_line(screen: &mut impl std::io::BufRead, shown: &mut String) -> bool {
    let mut line = Vec::new();
    let read = screen.read_until(b'\n', &mut line);
    shown.push_str(&String::from_utf8_lossy(&line));
    matches!(read, Ok(length) if length > 0)
}
