//! What a scenario means does not depend on the side that plays it: each row is played as a client and as a server.
//!
//! A row is a list of steps with what the other side does, in the notation of `tests/cases`. `say` stands for what this
//! side says: `send` of a client, `reply` of a server. A line that begins with `<c>` or `<s>` is for that side only. The
//! second table plays the same rules on `serve FILE` and on `serve --sandbox --rules FILE`.
//!
//! The keys that must have a row are asked of the parser: a new one without a row fails.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, unused_imports, reason = "other tests ask more of the program")]
mod harness;
#[path = "both_sides/rows.rs"]
mod rows;
#[path = "both_sides/rules.rs"]
mod rules;

use harness::{ScriptedServer, smtp_script};
use rows::{ROWS, Row};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Rows that one side does not follow yet, by the fault that they show. One that is mended and still listed fails.
const RED: [(&str, &str, Side); 0] = [];

/// Keys of one side only. The other refuses them: each has a row that says so.
const ONE_SIDED: [(&str, Side); 19] = [
    ("send", Side::Client),
    ("data", Side::Client),
    ("message", Side::Client),
    ("bdat", Side::Client),
    ("auth", Side::Client),
    ("connect", Side::Client),
    ("retry", Side::Client),
    ("pipeline", Side::Client),
    ("session", Side::Client),
    ("code", Side::Client),
    ("enhanced", Side::Client),
    ("text", Side::Client),
    ("not", Side::Client),
    ("within", Side::Client),
    ("offers", Side::Client),
    ("lacks", Side::Client),
    ("receive", Side::Server),
    ("delay", Side::Server),
    ("reply", Side::Server),
];

/// Which side is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

const BOTH: [Side; 2] = [Side::Client, Side::Server];

#[test]
fn every_row_on_both_sides() {
    let pairs: Vec<(&Row, Side)> = ROWS.iter().flat_map(|row| BOTH.map(|side| (row, side))).collect();
    assert!(pairs.len() >= 100, "{} rows of a form and a side", pairs.len());
    let faults = in_parallel(&pairs, |(row, side)| {
        let red = RED.iter().find(|(_, name, red)| *name == row.name && red == side);
        match (row.play(*side), red) {
            (Ok(()), None) | (Err(_), Some(_)) => None,
            (Err(fault), None) => Some(format!("{} as {side:?}: {fault}", row.name)),
            (Ok(()), Some((id, ..))) => Some(format!("{} as {side:?} holds: take {id} off the list", row.name)),
        }
    });
    assert!(faults.is_empty(), "{} of {} differ\n{}", faults.len(), pairs.len(), faults.join("\n"));
}

#[test]
fn names_are_told_apart() {
    let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1]));
    for (id, name, _) in RED {
        assert!(names.contains(&name), "{id}: there is no row `{name}`");
    }
}

/// A key that both sides have needs a row that both play; one of a single side needs a row that shows the refusal.
#[test]
fn every_key_has_a_row() {
    let client = keys_at("steps: [{expect: 220, qqqqqqqqqqqqqqqq: 1}]");
    let server = keys_at("server: {steps: [{reply: 220, qqqqqqqqqqqqqqqq: 1}]}");
    let forms = keys_at("steps: [{expect: {code: 250, qqqqqqqqqqqqqqqq: 1}}]");
    for key in client.iter().chain(&server).chain(&forms) {
        let here = ROWS.iter().filter(|row| row.has_key(key)).collect::<Vec<_>>();
        let one_sided = ONE_SIDED.iter().find(|(name, _)| name == key);
        let shared = client.contains(key) && server.contains(key);
        match one_sided {
            Some((_, side)) => {
                assert!(!shared, "both sides have `{key}`: it is none of a single side");
                let refused = |row: &&Row| row.exits[usize::from(*side == Side::Client)] == 2;
                assert!(here.iter().any(refused), "no row shows that the other side refuses `{key}`");
            }
            None => {
                let played = |row: &&Row| row.exits != [2, 2] && row.exits[0] == row.exits[1];
                assert!(here.iter().any(played), "no row plays `{key}` on both sides");
            }
        }
    }
    let rules = keys_at("server: {rules: [{match: a, reply: b, qqqqqqqqqqqqqqqq: 1}]}");
    for key in rules {
        assert!(rules::RULES.iter().any(|row| holds_key(row.rules, &key)), "no row has a rule with `{key}`");
    }
}

#[test]
fn the_same_rules_on_both_servers() {
    let pairs: Vec<(&rules::RuleRow, rules::Host)> =
        rules::RULES.iter().flat_map(|row| rules::HOSTS.map(|host| (row, host))).collect();
    let faults = in_parallel(&pairs, |(row, host)| {
        let red = rules::RED.iter().find(|(_, name, red)| *name == row.name && red == host);
        match (row.play(*host), red) {
            (Ok(()), None) | (Err(_), Some(_)) => None,
            (Err(fault), None) => Some(format!("{} on {host:?}: {fault}", row.name)),
            (Ok(()), Some((id, ..))) => Some(format!("{} on {host:?} holds: take {id} off the list", row.name)),
        }
    });
    assert!(faults.is_empty(), "{} of {} differ\n{}", faults.len(), pairs.len(), faults.join("\n"));
}

/// Each connection of a server captures for itself; rules do as steps do.
#[test]
fn what_a_server_captures_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "server:
  rules: [{match: '^NOOP (?<who>.*)', reply: 250 <<who>>}]
connect: <<server.address>>
steps:
  - expect: 220
  - send: NOOP you
    expect: ^250 (?<who>.*)
";
    std::fs::write(folder.path().join("both.yaml"), scenario).unwrap();
    let output = smtp_script(folder.path()).args(["run", "both.yaml", "--format", "json"]).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    for captured in ["\"who\": \"you\"", "\"server.1.who\": \"you\""] {
        assert!(report.contains(captured), "{captured} is not in\n{report}");
    }
}

// --- playing ----------------------------------------------------------------------------------------------------

/// Plays all of them, several at a time: most of a row is waiting.
fn in_parallel<T: Sync>(list: &[T], play: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(one) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    faults.lock().unwrap().extend(play(one));
                }
            });
        }
    });
    faults.into_inner().unwrap()
}

impl Row {
    fn has_key(&self, key: &str) -> bool {
        holds_key(self.steps, key) || holds_key(self.head, key)
    }

    /// Plays the row on one side, and says what came otherwise.
    fn play(&self, side: Side) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = of_side(self.peer, side).replace("<mark>", &mark.to_string_lossy());
        let steps = self.steps.replace("say:", if side == Side::Client { "send:" } else { "reply:" });
        let steps = of_side(&steps, side);
        std::fs::write(folder.path().join("included.yaml"), "steps: [{assert: true}]").unwrap();
        let (file, report) = (folder.path().join("row.yaml"), folder.path().join("report.json"));
        let mut command = smtp_script(folder.path());
        let (began, peer, program);
        match side {
            Side::Client => {
                let server = ScriptedServer::start(&script);
                let address = server.address();
                let steps = steps.replace("<port>", address.rsplit(':').next().unwrap());
                std::fs::write(&file, format!("{}\nconnect: {address}\nsteps:\n{steps}\n", self.head)).unwrap();
                command.arg("run").arg(&file).args(self.options).args(["--report", "json=report.json"]);
                began = Instant::now();
                program = Program::start(&mut command, folder.path());
                peer = Some(server);
            }
            Side::Server => {
                let list = indented(&steps, 8);
                let listen = format!("127.0.0.1:{}", free_port());
                let server = format!("server:\n  listen: {listen}\n  connections:\n    - steps:\n{list}");
                std::fs::write(&file, format!("{}\n{server}", self.head)).unwrap();
                command.arg(if self.reports { "run" } else { "serve" }).arg(&file).args(self.options);
                command.args(if self.reports { &["--report", "json=report.json"][..] } else { &[] });
                began = Instant::now();
                let mut started = Program::start(&mut command, folder.path());
                let address = if self.reports { Some(listen) } else { started.address() };
                peer = address.map(|address| ScriptedServer::start(&format!("connect {address}\n{script}")));
                program = started;
            }
        }
        if let Some(signal) = self.signal {
            program.signal_after(&mark, signal);
        }
        let (code, printed) = program.end(folder.path());
        let took = began.elapsed();
        let followed = peer.map_or(Ok(()), ScriptedServer::finish);
        let reported = std::fs::read_to_string(report).unwrap_or_default();
        let exit = self.exits[usize::from(side == Side::Server)];
        let mut faults = Vec::new();
        faults.extend((code != exit).then(|| format!("exit code {code}, not {exit}")));
        faults.extend((took > self.at_most).then(|| format!("it took {took:?}, more than {:?}", self.at_most)));
        faults.extend(followed.err().filter(|_| exit != 2));
        let missing = self.says.iter().filter(|text| !printed.contains(**text) && !reported.contains(**text));
        faults.extend(missing.filter(|_| exit != 2).map(|text| format!("`{text}` is nowhere")));
        if faults.is_empty() { Ok(()) } else { Err(format!("{}\n{printed}", faults.join("; "))) }
    }
}

/// A port that nobody listens on: this program does next.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Lines for both sides, and those for this one.
fn of_side(text: &str, side: Side) -> String {
    let (own, other) = if side == Side::Client { ("<c> ", "<s> ") } else { ("<s> ", "<c> ") };
    let lines = text.lines().filter(|line| !line.starts_with(other));
    lines.map(|line| line.strip_prefix(own).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// Lines moved to the right by so many blanks.
pub(crate) fn indented(text: &str, blanks: usize) -> String {
    let lines = text.lines().map(|line| format!("{:blanks$}{line}", ""));
    lines.collect::<Vec<_>>().join("\n")
}

/// The program while it runs.
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    first: String,
}

impl Program {
    pub(crate) fn start(command: &mut Command, folder: &Path) -> Program {
        let errors = File::create(folder.join("stderr")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Program { child, stdout, first: String::new() }
    }

    /// Where it listens; nowhere if it refuses to.
    pub(crate) fn address(&mut self) -> Option<String> {
        self.stdout.read_line(&mut self.first).unwrap();
        self.first.trim_end().strip_prefix("listening on ").map(str::to_owned)
    }

    /// Sends it a signal once the other side has got to its mark.
    pub(crate) fn signal_after(&self, mark: &Path, signal: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        while !mark.exists() && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success(), "the program had ended before the signal");
    }

    /// Its exit code and all that it printed.
    pub(crate) fn end(mut self, folder: &Path) -> (i32, String) {
        let mut printed = std::mem::take(&mut self.first);
        self.stdout.read_to_string(&mut printed).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        printed.push_str(&std::fs::read_to_string(folder.join("stderr")).unwrap());
        (code, printed)
    }
}

// --- keys -------------------------------------------------------------------------------------------------------

/// The keys that the parser knows at the place of a key that it does not.
fn keys_at(text: &str) -> Vec<String> {
    let error = smtp_script::load_text("keys.yaml", text).unwrap_err().to_string();
    let (_, list) = error.split_once("the keys are ").unwrap_or_else(|| panic!("no list of keys: {error}"));
    list.lines().next().unwrap().split(", ").map(str::to_owned).collect()
}

/// Whether YAML holds a key, or a step of that one word.
fn holds_key(yaml: &str, key: &str) -> bool {
    // What a side says is written with its own word.
    let verb = if key == "send" || key == "reply" { "say" } else { key };
    [key, verb].iter().any(|key| {
        yaml.match_indices(key).any(|(at, _)| {
            let before = yaml[..at].chars().next_back();
            let after = yaml[at + key.len()..].chars().next();
            let begins = before.is_none_or(|letter| matches!(letter, ' ' | '{' | '\n'));
            begins && (after == Some(':') || yaml[..at].ends_with("- ") && matches!(after, None | Some('\n')))
        })
    })
}
