//! What is run: for each job the command lines of everyone who can do it, and the files they need.

use crate::measure::Command;
use crate::{Outcome, sink};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContext, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Arc;

/// Peers that may be installed.
const PEERS: [&str; 5] = ["curl", "swaks", "python3", "openssl", "smtp-source"];

/// How many sessions a load has, and how many are under way at once.
const SESSIONS: (&str, &str) = ("2000", "20");
/// How many messages go over each connection that is kept.
const MESSAGES: usize = 500;

/// A reply of so many lines is larger than smtp-script takes.
const TOO_MANY_LINES: usize = 1_000_000;

const SMTPLIB: &str = "import smtplib, ssl, sys
port, tls, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = smtplib.SMTP('localhost', port, 'c.test')
client.ehlo()
if file == 'ehlo':
    client.quit(); sys.exit()
if tls != 'plain':
    context = ssl.create_default_context(cafile=tls if tls.startswith('/') else None)
    if tls == 'insecure':
        context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
    client.starttls(context=context); client.ehlo()
client.login('user', 'password')
client.sendmail('a@example.com', ['b@example.com'], open(file, 'rb').read())
client.quit()
";

/// A scenario that asks for the extensions and no more.
const EHLO_ONLY: &str = "connect: {host: 127.0.0.1, port: 25}
steps:
  - expect: ^220
  - send: EHLO c.test
    expect: ^250
  - send: QUIT
    expect: ^221
";

/// A whole session for clients that send what they are given, without waiting for replies.
const LINES: &str = "EHLO c.test
AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=
MAIL FROM:<a@example.com>
RCPT TO:<b@example.com>
DATA
Subject: x

x
.
QUIT
";

/// Commands that do the same, to be compared.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) commands: Vec<Command>,
    /// Whether it runs long enough to look at its memory.
    pub(crate) memory: bool,
}

/// The sinks, files and programs of all jobs.
pub(crate) struct Bench {
    folder: PathBuf,
    /// Another build of smtp-script.
    against: bool,
    port: u16,
    long_port: u16,
    too_long_port: u16,
    installed: Vec<(&'static str, PathBuf)>,
}

/// How a session is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    Plain,
    Insecure,
    OwnCa,
    /// No system trusts the sink: the session ends with its handshake, behind everything that reading roots costs.
    SystemRoots,
}

impl Bench {
    /// Writes all files below `folder` and starts the sinks.
    pub(crate) fn prepare(folder: &Path, against: Option<PathBuf>) -> Outcome<Bench> {
        let context = Arc::new(certificates(&folder.join("ca.pem"))?);
        for (name, size) in [("small", 1024), ("large", 100_000_000)] {
            message(folder, name, size)?;
        }
        for (name, message, tls) in [
            ("plain", "small", false),
            ("tls", "small", true),
            ("plain-large", "large", false),
            ("tls-large", "large", true),
        ] {
            fs::write(folder.join(format!("{name}.yaml")), scenario(message, tls))?;
        }
        fs::write(folder.join("ehlo.yaml"), EHLO_ONLY)?;
        fs::write(folder.join("load.yaml"), many_messages(1))?;
        fs::write(folder.join("kept.yaml"), many_messages(MESSAGES))?;
        fs::write(folder.join("client.py"), SMTPLIB)?;
        fs::write(folder.join("lines"), LINES)?;
        // As installed: pages of a file that the linker wrote piecemeal are slower to map than those of a copy.
        fs::copy(env!("CARGO_BIN_EXE_smtp-script"), folder.join("smtp-script"))?;
        fs::copy(std::env::current_exe()?, folder.join("limit"))?;
        let against = against.map(|program| fs::copy(program, folder.join("against"))).transpose()?.is_some();
        Ok(Bench {
            folder: folder.to_owned(),
            against,
            port: sink::start(0, &context)?,
            long_port: sink::start(10_000, &context)?,
            too_long_port: sink::start(TOO_MANY_LINES, &context)?,
            installed: PEERS.into_iter().filter_map(|name| Some((name, installed(name)?))).collect(),
        })
    }

    /// The peers that cannot be measured, in words.
    pub(crate) fn missing(&self) -> String {
        let has = |name: &&str| !self.installed.iter().any(|(installed, _)| installed == name);
        let missing: Vec<&str> = PEERS.into_iter().filter(has).collect();
        if missing.is_empty() { "none".to_owned() } else { missing.join(", ") }
    }

    /// Everything that is compared.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        vec![
            self.start_up(),
            self.session("plain session", Tls::Plain, "small"),
            self.session("STARTTLS, unverified", Tls::Insecure, "small"),
            self.session("STARTTLS, own CA", Tls::OwnCa, "small"),
            self.session("STARTTLS, system roots", Tls::SystemRoots, "small"),
            self.session("100 MB, plain", Tls::Plain, "large"),
            self.session("100 MB, STARTTLS", Tls::Insecure, "large"),
            self.ehlo("EHLO of 10,000 lines", self.long_port, true),
            self.ehlo("EHLO of 1,000,000 lines", self.too_long_port, false),
            self.load("2,000 plain sessions, 20 at once"),
            self.kept("20 connections, 500 messages each"),
        ]
    }

    /// Many sessions with a small message each.
    fn load(&self, name: &'static str) -> Job {
        let to = format!("127.0.0.1:{}", self.port);
        let (sessions, at_once) = SESSIONS;
        let file = self.path("load.yaml");
        let mut commands =
            self.own(&["run", "-q", &file, "--to", &to, "--repeat", sessions, "--jobs", at_once, "--no-progress"]);
        commands.extend(self.smtp_source(&["-s", at_once, "-m", sessions, &to]));
        Job { name, commands, memory: true }
    }

    /// Many messages over few connections.
    fn kept(&self, name: &'static str) -> Job {
        let to = format!("127.0.0.1:{}", self.port);
        let (file, at_once) = (self.path("kept.yaml"), SESSIONS.1);
        let mut commands =
            self.own(&["run", "-q", &file, "--to", &to, "--repeat", at_once, "--jobs", at_once, "--no-progress"]);
        let messages = (20 * MESSAGES).to_string();
        commands.extend(self.smtp_source(&["-d", "-s", at_once, "-m", &messages, &to]));
        Job { name, commands, memory: true }
    }

    /// Postfix's load generator, with messages of the same size.
    fn smtp_source(&self, arguments: &[&str]) -> Option<Command> {
        let common = ["-4", "-f", "a@example.com", "-t", "b@example.com", "-M", "c.test", "-l", "70"];
        self.peer("smtp-source", "smtp-source", &[&common[..], arguments].concat())
    }

    fn start_up(&self) -> Job {
        let mut commands = vec![self.limit(0, "plain", "none")];
        commands.extend(self.own(&["--version"]));
        commands.extend(self.peer("curl", "curl", &["--version"]));
        commands.extend(self.peer("swaks", "swaks", &["--version"]));
        Job { name: "start-up", commands, memory: false }
    }

    fn session(&self, name: &'static str, tls: Tls, message: &str) -> Job {
        let large = message == "large";
        let mut commands = vec![self.limit(self.port, &self.tls_word(tls), &self.path(&format!("{message}.dotted")))];
        commands.extend(self.own_session(tls, large));
        commands.extend(self.curl(tls, message));
        commands.extend(self.swaks(tls, message));
        commands.extend(self.smtplib(tls, &self.path(message), self.port));
        if tls == Tls::Insecure && !large {
            commands.extend(self.s_client());
        }
        for command in &mut commands {
            command.succeeds = tls != Tls::SystemRoots;
        }
        Job { name, commands, memory: large }
    }

    fn ehlo(&self, name: &'static str, port: u16, fits: bool) -> Job {
        let to = format!("127.0.0.1:{port}");
        let mut commands = vec![self.limit(port, "plain", "ehlo")];
        commands.extend(self.own(&["run", "-q", &self.path("ehlo.yaml"), "--to", &to]));
        for command in commands.iter_mut().skip(1) {
            command.succeeds = fits;
        }
        if fits {
            commands.extend(self.smtplib(Tls::Plain, "ehlo", port));
        }
        Job { name, commands, memory: !fits }
    }

    /// This program as the bare client.
    fn limit(&self, port: u16, tls: &str, message: &str) -> Command {
        command("limit", self.folder.join("limit"), &["limit", &port.to_string(), tls, message])
    }

    /// smtp-script as cargo built it, and the build it is measured against.
    fn own(&self, arguments: &[&str]) -> Vec<Command> {
        let built = command("smtp-script", self.folder.join("smtp-script"), arguments);
        let other = self.against.then(|| command("against", self.folder.join("against"), arguments));
        std::iter::once(built).chain(other).collect()
    }

    fn own_session(&self, tls: Tls, large: bool) -> Vec<Command> {
        let name = if tls == Tls::Plain { "plain" } else { "tls" };
        let file = self.path(&format!("{name}{}.yaml", if large { "-large" } else { "" }));
        // A literal address for everyone: name resolution is not what is measured.
        let (to, ca) = (format!("127.0.0.1:{}", self.port), self.path("ca.pem"));
        let mut arguments = vec!["run", "-q", &file, "--to", &to];
        match tls {
            Tls::Plain | Tls::SystemRoots => {}
            Tls::Insecure => arguments.push("--insecure"),
            Tls::OwnCa => arguments.extend(["--ca-file", &ca]),
        }
        self.own(&arguments)
    }

    fn curl(&self, tls: Tls, message: &str) -> Option<Command> {
        let (url, ca, file) =
            (format!("smtp://127.0.0.1:{}/c.test", self.port), self.path("ca.pem"), self.path(message));
        let mut arguments = vec!["-s", &url, "--user", "user:password", "--login-options", "AUTH=PLAIN"];
        arguments.extend(["--mail-from", "a@example.com", "--mail-rcpt", "b@example.com", "-T", &file]);
        match tls {
            Tls::Plain => {}
            Tls::Insecure => arguments.extend(["--ssl-reqd", "-k"]),
            Tls::OwnCa => arguments.extend(["--ssl-reqd", "--cacert", &ca]),
            Tls::SystemRoots => arguments.push("--ssl-reqd"),
        }
        self.peer("curl", "curl", &arguments)
    }

    fn swaks(&self, tls: Tls, message: &str) -> Option<Command> {
        let (port, data, ca) = (self.port.to_string(), format!("@{}", self.path(message)), self.path("ca.pem"));
        let mut arguments = vec!["--server", "127.0.0.1", "--port", &port, "--helo", "c.test", "--hide-all"];
        arguments.extend(["--from", "a@example.com", "--to", "b@example.com", "--data", &data]);
        arguments.extend(["--auth", "PLAIN", "--auth-user", "user", "--auth-password", "password"]);
        match tls {
            Tls::Plain => {}
            Tls::Insecure => arguments.push("--tls"),
            Tls::OwnCa => arguments.extend(["--tls", "--tls-ca-path", &ca]),
            Tls::SystemRoots => arguments.extend(["--tls", "--tls-verify"]),
        }
        self.peer("swaks", "swaks", &arguments)
    }

    fn smtplib(&self, tls: Tls, message: &str, port: u16) -> Option<Command> {
        let (script, port) = (self.path("client.py"), port.to_string());
        self.peer("smtplib", "python3", &[&script, &port, &self.tls_word(tls), message])
    }

    fn s_client(&self) -> Option<Command> {
        let to = format!("127.0.0.1:{}", self.port);
        let mut command =
            self.peer("s_client", "openssl", &["s_client", "-quiet", "-crlf", "-starttls", "smtp", "-connect", &to])?;
        command.input = Some(self.folder.join("lines"));
        Some(command)
    }

    fn peer(&self, name: &'static str, program: &str, arguments: &[&str]) -> Option<Command> {
        let (_, path) = self.installed.iter().find(|(installed, _)| *installed == program)?;
        Some(command(name, path.clone(), arguments))
    }

    fn tls_word(&self, tls: Tls) -> String {
        match tls {
            Tls::Plain => "plain".to_owned(),
            Tls::Insecure => "insecure".to_owned(),
            Tls::OwnCa => self.path("ca.pem"),
            Tls::SystemRoots => "roots".to_owned(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn command(name: &'static str, program: PathBuf, arguments: &[&str]) -> Command {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Command { name, program, arguments, input: None, succeeds: true }
}

/// Where a program lies. A launcher may stand in for Python: Python itself knows.
fn installed(name: &str) -> Option<PathBuf> {
    if name == "python3" {
        let told = Process::new(name).args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
        return Some(String::from_utf8(told.stdout).ok()?.trim().into());
    }
    let folders = std::env::var_os("PATH")?;
    // What belongs to a mail server lies where only its administrator looks.
    std::env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn scenario(message: &str, tls: bool) -> String {
    let starttls = if tls { "  - starttls\n  - send: EHLO c.test\n    expect: ^250\n" } else { "" };
    format!(
        "secrets: [user, password]
connect: {{host: 127.0.0.1, port: 25}}
steps:
  - expect: ^220
  - send: EHLO c.test
    expect: ^250[ -]AUTH .*PLAIN
{starttls}  - send: AUTH PLAIN <<('\\0' ~ user ~ '\\0' ~ password) | b64encode>>
    expect: ^235
  - send: MAIL FROM:<a@example.com>
    expect: ^250
  - send: RCPT TO:<b@example.com>
    expect: ^250
  - send: DATA
    expect: ^354
  - data: {{file: {message}}}
    expect: ^250
  - send: QUIT
    expect: ^221
"
    )
}

/// A session that sends a small message again and again.
fn many_messages(count: usize) -> String {
    format!(
        "connect: {{host: 127.0.0.1, port: 25}}
steps:
  - expect: ^220
  - send: EHLO c.test
    expect: ^250
  - repeat: {count}
    steps:
      - send: MAIL FROM:<a@example.com>
        expect: ^250
      - send: RCPT TO:<b@example.com>
        expect: ^250
      - send: DATA
        expect: ^354
      - data: |
          From: a@example.com
          To: b@example.com
          Subject: test

          hello
        expect: ^250
  - send: QUIT
    expect: ^221
"
    )
}

/// A message of `size` bytes where every third line begins with a dot, and the same as mail data.
fn message(folder: &Path, name: &str, size: usize) -> Outcome<()> {
    let text = "abcdefghijklmnopqrstuvwxyz0123456789+/".repeat(2);
    let block = format!(".{}\r\n{text}\r\n{text}\r\n", &text[1..]);
    let header = "From: a@example.com\r\nTo: b@example.com\r\nSubject: test\r\n\r\n";
    let mut plain = BufWriter::new(fs::File::create(folder.join(name))?);
    let mut dotted = BufWriter::new(fs::File::create(folder.join(format!("{name}.dotted")))?);
    plain.write_all(header.as_bytes())?;
    dotted.write_all(header.as_bytes())?;
    for _ in 0..(size - header.len()) / block.len() {
        plain.write_all(block.as_bytes())?;
        write!(dotted, ".{block}")?;
    }
    dotted.write_all(b".\r\n")?;
    plain.flush()?;
    Ok(dotted.flush()?)
}

/// The sink's TLS, with a certificate for `localhost` and 127.0.0.1 by a CA that is written to `ca_file`.
fn certificates(ca_file: &Path) -> Outcome<SslContext> {
    let (ca_key, server_key) = (key()?, key()?);
    let mut ca = certificate("bench CA", &ca_key)?;
    ca.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    ca.sign(&ca_key, MessageDigest::sha256())?;
    let ca = ca.build();
    let mut server = certificate("localhost", &server_key)?;
    server.set_issuer_name(ca.subject_name())?;
    let names = SubjectAlternativeName::new()
        .dns("localhost")
        .ip("127.0.0.1")
        .build(&server.x509v3_context(Some(&ca), None))?;
    server.append_extension(names)?;
    server.sign(&ca_key, MessageDigest::sha256())?;
    fs::write(ca_file, ca.to_pem()?)?;
    let mut context = SslContext::builder(SslMethod::tls_server())?;
    context.set_certificate(&server.build())?;
    context.set_private_key(&server_key)?;
    Ok(context.build())
}

fn key() -> Outcome<PKey<Private>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}

/// A certificate that names itself as its issuer, yet to be signed.
fn certificate(name: &str, key: &PKey<Private>) -> Outcome<X509Builder> {
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_text("CN", name)?;
    let subject = subject.build();
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let serial = BigNum::from_u32(u32::try_from(name.len())?)?.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(&subject)?;
    let (from, to) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(30)?);
    builder.set_not_before(&from)?;
    builder.set_not_after(&to)?;
    builder.set_pubkey(key)?;
    Ok(builder)
}
