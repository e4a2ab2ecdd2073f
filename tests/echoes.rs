//! A server that sends secrets back: in every spelling, whole, cut short and split over lines, into every output.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "harness/arguments.rs"]
mod arguments;
#[path = "echoes/outputs.rs"]
mod outputs;
#[path = "echoes/parrot.rs"]
mod parrot;
#[path = "harness/spellings.rs"]
mod spellings;

use parrot::{Parrot, framed};
use spellings::{SECRETS, latin, spellings};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const FORMATS: [&str; 8] = ["json", "junit", "tap", "html", "markdown", "prometheus", "nagios", "github"];

/// What a server answers to `NOOP number`: lines without their codes.
type Echo = Vec<Vec<u8>>;

/// Every spelling of a secret: whole, its first two thirds cut in three ways, and over two to four lines.
fn echoes(secret: &str) -> Vec<(String, Echo, Vec<String>)> {
    let mut echoes = Vec::new();
    let line = |text: String| vec![text.into_bytes()];
    for (name, spelling) in spellings(secret) {
        if spelling.contains(['\r', '\n', '\0']) {
            continue;
        }
        let least = (spelling.len() * 8).div_ceil(secret.len()) + 4;
        let start = if spelling.starts_with("=?") { 15 } else { 0 };
        let parts: Vec<String> = spelling
            .char_indices()
            .filter(|(at, _)| *at >= start)
            .filter_map(|(at, _)| spelling.get(at..at + least))
            .map(str::to_owned)
            .collect();
        echoes.push((name.to_owned(), line(format!("5.5.1 unrecognized: \"{spelling}\"")), parts.clone()));
        let cut = &spelling[..boundary(&spelling, spelling.len() * 2 / 3)];
        // Nobody writes these: they are looked for whole.
        let ways =
            if ["ROT13", "backwards", "letters apart", "a backslash before each"].contains(&name) { 0 } else { 3 };
        for (before, after) in [("\"", "...\""), ("", "\u{2026}"), ("AUTH ", " [truncated]")].into_iter().take(ways) {
            echoes.push((
                format!("{name}, cut {after}"),
                line(format!("5.5.1 what? {before}{cut}{after}")),
                parts.clone(),
            ));
        }
        for (count, frame) in [(2, ""), (3, "2.0.0 "), (4, "\"")] {
            let size = spelling.len().div_ceil(count).max(1);
            let mut pieces = Vec::new();
            let mut rest = spelling.as_str();
            while !rest.is_empty() {
                let (piece, more) = rest.split_at(boundary(rest, size.max(4)));
                pieces.push(format!("{frame}{piece}{}", if frame == "\"" { "\"" } else { "" }).into_bytes());
                rest = more;
            }
            echoes.push((format!("{name}, {count} lines"), pieces, parts.clone()));
        }
    }
    if !secret.is_ascii() {
        echoes.push(("Latin-1".to_owned(), vec![latin(secret)], vec!["\\xf6rd+1 L\\xe4nge".to_owned()]));
    }
    echoes
}

/// The last place between two characters, up to `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Serves connections until one asks for no more.
fn serve(echoes: Vec<Echo>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            _ = talk(stream.unwrap(), &echoes);
        }
    });
    address
}

fn talk(stream: TcpStream, echoes: &[Echo]) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    writer.write_all(b"220 mx.example ESMTP\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let number = line.strip_prefix("NOOP ").and_then(|number| number.parse::<usize>().ok());
        let ok = vec![b"2.0.0 ok".to_vec()];
        let lines = number.and_then(|number| echoes.get(number)).unwrap_or(&ok);
        let code = if line.starts_with("AUTH") { "235" } else { "250" };
        writer.write_all(&framed(code, lines))?;
    }
    Ok(())
}

fn program(folder: &Path, secret: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
    command.current_dir(folder).env("SMTP_SCRIPT_SECRET_PASSWORD", secret).stdin(Stdio::null());
    command.env("HOME", folder).env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// A step to which the server says an echo.
fn step(number: usize) -> String {
    format!("  - send: NOOP {number}\n    expect: ^299\n    on_divergence: continue\n")
}

/// All outputs of a run in which the server sends each echo once.
fn outputs(folder: &Path, secret: &str, count: usize, server: SocketAddr) -> Vec<(String, String)> {
    let steps = (0..count).map(step).collect::<Vec<_>>().concat();
    let scenario = format!(
        "secrets: [password]\nconnect: {server}\nsteps:\n  - expect: ^220\n  - send: AUTH PLAIN <<auth_plain('mary', password)>>\n    expect: ^235\n{steps}"
    );
    std::fs::write(folder.join("s.yaml"), scenario).unwrap();
    let mut outputs = Vec::new();
    for flags in [&["run", "s.yaml"][..], &["run", "s.yaml", "-v"]] {
        let mut command = program(folder, secret);
        command.args(flags);
        for format in FORMATS.iter().filter(|_| flags.contains(&"-v")) {
            command.args(["--report", &format!("{format}=r.{format}")]);
        }
        let Output { stdout, stderr, status } = command.output().unwrap();
        assert_eq!(status.code(), Some(1), "{}", String::from_utf8_lossy(&stderr));
        outputs.push((format!("stdout of {flags:?}"), String::from_utf8_lossy(&stdout).into_owned()));
        outputs.push((format!("stderr of {flags:?}"), String::from_utf8_lossy(&stderr).into_owned()));
    }
    for format in FORMATS {
        outputs.push((format.to_owned(), std::fs::read_to_string(folder.join(format!("r.{format}"))).unwrap()));
    }
    outputs
}

/// What a text says once a reader has undone the escapes of its format.
fn read(text: &str) -> Vec<String> {
    let html = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'");
    let html = html.replace("&amp;", "&");
    let json = text.replace("\\\"", "\"").replace("\\\\", "\\");
    vec![json.replace("\\\\", "\\"), json, html.replace("\\\\", "\\")]
}

/// The parts of all echoes by their first eight octets: outputs are megabytes, and are read once.
struct Parts<'a>(HashMap<&'a [u8], Vec<(usize, &'a str)>>);

impl<'a> Parts<'a> {
    fn of(echoes: &'a [(String, Echo, Vec<String>)]) -> Parts<'a> {
        let mut parts: HashMap<&[u8], Vec<(usize, &str)>> = HashMap::new();
        for (at, (_, _, all)) in echoes.iter().enumerate() {
            for part in all.iter().filter(|part| part.len() >= 8) {
                parts.entry(&part.as_bytes()[..8]).or_default().push((at, part));
            }
        }
        Parts(parts)
    }

    fn in_text(&self, text: &str) -> Vec<(usize, String)> {
        let windows = text.as_bytes().windows(8).enumerate();
        let known = windows.filter_map(|(at, window)| Some((at, self.0.get(window)?)));
        let around = |(at, parts): (usize, &Vec<(usize, &'a str)>)| {
            let (echo, _) = parts.iter().find(|(_, part)| text.as_bytes()[at..].starts_with(part.as_bytes()))?;
            let around = &text[boundary(text, at.saturating_sub(60))..boundary(text, at + 60)];
            Some((*echo, around.to_owned()))
        };
        known.filter_map(around).collect()
    }
}

/// What stands in an output and must not.
#[derive(Default)]
struct Failures {
    /// Echoes times outputs.
    tried: usize,
    found: Vec<(String, String)>,
}

impl Failures {
    fn look(&mut self, secret: &str, echoes: &[(String, Echo, Vec<String>)], outputs: &[(String, String)]) {
        let parts = Parts::of(echoes);
        for (output, text) in outputs {
            self.tried += echoes.len();
            for text in read(text) {
                for found in parts.in_text(&text) {
                    let told = format!("{secret:?} as {} in {output}", echoes[found.0].0);
                    if !self.found.iter().any(|(known, _)| *known == told) {
                        self.found.push((told, found.1));
                    }
                }
            }
        }
    }

    fn are_none(&self) {
        let told = self.found.iter().take(60).map(|(told, part)| format!("{told}: {part}")).collect::<Vec<_>>();
        assert!(self.tried > 5_000, "{} echoes in all outputs", self.tried);
        assert!(self.found.is_empty(), "{} of {}:\n{}", self.found.len(), self.tried, told.join("\n"));
    }
}

/// Those that the formats escape; `secret::masker` is tested with all.
const ESCAPED: [&str; 3] = [SECRETS[0], SECRETS[2], SECRETS[3]];

#[test]
fn no_output_holds_an_echo() {
    let mut failures = Failures::default();
    for secret in ESCAPED {
        let echoes = echoes(secret);
        let folder = tempfile::tempdir().unwrap();
        let server = serve(echoes.iter().map(|(_, echo, _)| echo.clone()).collect());
        failures.look(secret, &echoes, &outputs(folder.path(), secret, echoes.len(), server));
        failures.look(secret, &echoes, &outputs::merged(folder.path(), secret));
    }
    failures.are_none();
}

/// What a server said, in the order of the table.
fn said(echoes: &[(String, Echo, Vec<String>)]) -> Vec<Echo> {
    echoes.iter().map(|(_, echo, _)| echo.clone()).collect()
}

#[test]
fn no_audit_holds_an_echo() {
    let mut failures = Failures::default();
    for secret in ESCAPED {
        let (echoes, folder) = (echoes(secret), tempfile::tempdir().unwrap());
        let parrot = Parrot::start(&said(&echoes), true);
        failures.look(secret, &echoes, &outputs::audited(folder.path(), secret, &parrot));
    }
    failures.are_none();
}

#[test]
fn no_audit_of_a_client_holds_an_echo() {
    let mut failures = Failures::default();
    let (mut echoes, folder) = (echoes(SECRETS[0]), tempfile::tempdir().unwrap());
    // Under load the end of what a client printed may be missing, and these are looked for whole.
    let whole = ["ROT13", "backwards", "letters apart", "a backslash before each"];
    echoes.retain(|(name, _, _)| !whole.iter().any(|form| name.starts_with(form)));
    let outputs = outputs::client_audited(folder.path(), SECRETS[0], &said(&echoes));
    failures.look(SECRETS[0], &echoes, &outputs);
    failures.are_none();
}

#[test]
fn neither_one_message_nor_a_probe_holds_an_echo() {
    let mut failures = Failures::default();
    for secret in ESCAPED {
        let (echoes, folder) = (echoes(secret), tempfile::tempdir().unwrap());
        let parrot = Parrot::start(&said(&echoes), true);
        failures.look(secret, &echoes, &outputs::sent(folder.path(), secret, &parrot));
        let count = echoes.len();
        failures.look(secret, &echoes, &outputs::probed(folder.path(), secret, &parrot, count));
    }
    failures.are_none();
}

/// Nobody tells the secret: it is known by the login that was heard.
#[test]
fn nothing_that_was_overheard_holds_an_echo() {
    let mut failures = Failures::default();
    for secret in ESCAPED {
        let (echoes, folder) = (echoes(secret), tempfile::tempdir().unwrap());
        let said = said(&echoes);
        let (path, count) = (folder.path(), echoes.len());
        let parrot = || Parrot::start(&said, false);
        failures.look(secret, &echoes, &outputs::recorded(path, secret, &parrot(), count));
        failures.look(secret, &echoes, &outputs::read_from_logs(path, secret, &parrot(), count));
        failures.look(secret, &echoes, &outputs::typed(path, secret, &parrot(), count));
        failures.look(secret, &echoes, &outputs::served(path, secret, &said));
        failures.look(secret, &echoes, &outputs::checked(path, secret, &said));
    }
    failures.are_none();
}
