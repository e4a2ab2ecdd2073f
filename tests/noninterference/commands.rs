//! The same for commands that play scenarios of their own: audits, one message, probes.
//!
//! A secret is sent where it was given for; all else is alike for two secrets of one length: what is said and when, who is
//! asked about names, what is printed and reported.

use super::{SECRETS, without_times};
use crate::arguments::audit_with_login;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A server that takes a login, refuses every other recipient, and keeps what is said but for the login.
struct Server {
    address: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let kept = said.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut session = String::new();
                _ = talk(stream, &mut session);
                kept.lock().unwrap().extend(["--- a session\n", &session]);
            }
        });
        Server { address, said }
    }
}

/// Whole lines; of a login that it was one, and how long: octets that are random each time are counted.
fn talk(mut stream: TcpStream, session: &mut String) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    let mut input = BufReader::new(stream.try_clone()?);
    stream.write_all(b"220 mx.example\r\n")?;
    let (mut line, mut in_mail) = (Vec::new(), false);
    while input.read_until(b'\n', &mut line)? > 0 {
        let verb = String::from_utf8_lossy(&line[..line.len().min(4)]).to_ascii_uppercase();
        let is_command = !in_mail && ["EHLO", "MAIL", "RCPT", "DATA", "QUIT", "RSET", "NOOP"].contains(&verb.as_str());
        if is_command {
            session.push_str(&String::from_utf8_lossy(&line));
        } else {
            _ = writeln!(session, "{verb:.4}… {} octets", line.len());
        }
        let reply: &[u8] = match verb.as_str() {
            _ if in_mail && line == b".\r\n" => {
                in_mail = false;
                b"250 2.0.0 taken\r\n"
            }
            _ if in_mail => b"",
            "EHLO" => b"250-mx.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" => b"235 2.7.0 in\r\n",
            "DATA" => {
                in_mail = true;
                b"354 go\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            "STAR" => b"502 no\r\n",
            _ => b"250 2.0.0 ok\r\n",
        };
        stream.write_all(reply)?;
        line.clear();
    }
    Ok(())
}

/// What can be seen of a command: its code, what it says, its reports, what the server heard.
#[derive(Debug, PartialEq, Eq)]
struct SeenOfCommand {
    code: Option<i32>,
    said: Vec<String>,
    heard: String,
}

fn program(folder: &Path, secret: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("SMTP_SCRIPT_SECRET_PASSWORD", secret).stdin(Stdio::null());
    command
}

/// Times and what is made up at random: identifiers, dates, ports.
fn steady(text: &str) -> String {
    let random = regex::Regex::new(
        r"(?i)\d+\.\d+(e-?\d+)?|message-id: \S+|<[0-9A-Za-z.\-]{10,}@|\b[0-9a-f]{12,}\b|\b[a-z0-9]{16}\b|\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d|\b\d+ ms\b|content-length: \d+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|:\d{4,5}\b|took \S+",
    )
    .unwrap();
    without_times(&random.replace_all(text, "R"))
}

fn seen(folder: &Path, server: &Server, command: &mut Command) -> SeenOfCommand {
    server.said.lock().unwrap().clear();
    for format in ["json", "markdown", "junit", "tap", "prometheus", "nagios"] {
        command.args(["--report", &format!("{format}=report.{format}")]);
    }
    let outcome = command.output().unwrap();
    let mut said = vec![outcome.stdout, outcome.stderr];
    for format in ["json", "markdown", "junit", "tap", "prometheus", "nagios"] {
        said.push(std::fs::read(folder.join(format!("report.{format}"))).unwrap_or_default());
    }
    std::thread::sleep(std::time::Duration::from_millis(20));
    let heard = server.said.lock().unwrap().clone();
    let said = said.iter().map(|octets| steady(&String::from_utf8_lossy(octets))).collect();
    SeenOfCommand { code: outcome.status.code(), said, heard: steady(&heard) }
}

/// Both secrets, and the lines in which they can be told apart.
fn differences(name: &str, mut play: impl FnMut(&str) -> SeenOfCommand) -> Vec<String> {
    let (one, other) = (play(SECRETS[0]), play(SECRETS[1]));
    let texts = |seen: &SeenOfCommand| [&seen.said[..], std::slice::from_ref(&seen.heard)].concat();
    let mut told = Vec::new();
    if one.code != other.code || one.code == Some(2) {
        told.push(format!("{name}: exit {:?} and {:?}: {:?}", one.code, other.code, one.said));
    }
    for (first, second) in texts(&one).iter().zip(texts(&other)) {
        let (first, second): (Vec<&str>, Vec<&str>) = (first.lines().collect(), second.lines().collect());
        if first.len() != second.len() {
            told.push(format!("{name}: {} lines and {}", first.len(), second.len()));
        }
        let pairs = first.iter().zip(&second).filter(|(first, second)| first != second);
        told.extend(pairs.take(5).map(|(first, second)| format!("{name}:\n  {first}\n  {second}")));
    }
    told
}

#[test]
fn no_command_tells_two_secrets_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start();
    let host = server.address.to_string();
    let addresses = ["--sender", "a@b.example", "--recipient", "c@d.example", "--relay", "e@f.example"];
    let rows = format!(
        "name,host,port,role,tls,login,username\none,127.0.0.1,{0},submission,none,PLAIN,mary\ntwo,127.0.0.1,{0},mx,none,,\n",
        server.address.port()
    );
    std::fs::write(folder.join("targets.csv"), rows).unwrap();
    let mut all = differences("send", |secret| {
        let mut command = program(folder, secret);
        command.args(["send", &host, "--plain", "--mechanism", "PLAIN", "--user", "mary", "--from", "a@b.example"]);
        command.args(["--to", "c@d.example"]);
        seen(folder, &server, &mut command)
    });
    let audit = ["--only", "auth", "--only", "5321-noop", "--only", "5321-relay", "--only", "5321-rset"];
    all.extend(differences("audit", |secret| {
        let mut command = program(folder, secret);
        audit_with_login(&mut command, &host);
        command.args(addresses).args(audit).args(["--jobs", "1", "--timeout", "2s", "-v", "--fail-on", "never"]);
        seen(folder, &server, &mut command)
    }));
    all.extend(differences("audit --targets", |secret| {
        let mut command = program(folder, secret);
        command.args(["audit", "--targets", "targets.csv", "--jobs", "1", "--per-target", "1", "--fail-on", "never"]);
        command.args(addresses).args(audit).args(["--timeout", "2s", "--report-transcripts", "all"]);
        seen(folder, &server, &mut command)
    }));
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit_client/client.py");
    all.extend(differences("audit-client", |secret| {
        let mut command = program(folder, secret);
        command.args(["audit-client", "--only", "login", "--only", "session", "--jobs", "1", "--fail-on", "never"]);
        command.args(["--report-transcripts", "all", "--quiet"]);
        let reports = ["json", "markdown", "junit"].map(|format| format!("{format}=client.{format}"));
        for report in &reports {
            command.args(["--report", report]);
        }
        let outcome = command.args(["--", "python3"]).arg(&client).args(["starttls", "plain"]).output().unwrap();
        let mut said: Vec<Vec<u8>> = vec![outcome.stdout, outcome.stderr];
        said.extend(
            ["json", "markdown", "junit"].map(|it| std::fs::read(folder.join(format!("client.{it}"))).unwrap()),
        );
        let said = said.iter().map(|octets| steady(&String::from_utf8_lossy(octets))).collect();
        SeenOfCommand { code: outcome.status.code(), said, heard: String::new() }
    }));
    assert!(all.is_empty(), "{}: {}", all.len(), all.join("\n"));
}

#[test]
fn no_probe_tells_two_secrets_apart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start();
    let login = "secrets: [password]\nconnect: mx.example\nsteps:\n  - expect: ^220\n  - send: EHLO me.example\n    expect: ^250\n  \
                 - send: AUTH PLAIN <<auth_plain('mary', password)>>\n    expect: ^235\n  - send: NOOP\n    expect: ^299\n";
    std::fs::write(folder.path().join("login.yaml"), login).unwrap();
    let all = differences("exporter", |secret| {
        server.said.lock().unwrap().clear();
        let mut command = program(folder.path(), secret);
        command.args(["exporter", ".", "--listen", "127.0.0.1:0", "--allow-target", "127.0.0.0/8:*"]);
        let (mut child, address) = listening(&mut command);
        let target = server.address;
        let paths = [
            format!("/probe?scenario=login&target={target}"),
            format!("/probe?scenario=login&target={target}&debug=true"),
            "/".to_owned(),
        ];
        let said = paths.iter().map(|path| steady(&page(address, path))).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let heard = steady(&server.said.lock().unwrap());
        SeenOfCommand { code: Some(0), said, heard }
    });
    assert!(all.is_empty(), "{}: {}", all.len(), all.join("\n"));
}

fn listening(command: &mut Command) -> (Child, SocketAddr) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split([' ', '/', '\n']).find_map(|word| word.parse().ok());
    (child, address.unwrap_or_else(|| panic!("{line}")))
}

fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}
