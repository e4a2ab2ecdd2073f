//! Every check of `scenarios/audit` passes on one server and fails on another: one that proves nothing does not ship.
//!
//! The pairs are data: `audit/fail/ID.yaml` is a server on which the check fails, `audit/pass/ID.yaml` one on which it
//! passes; without the latter the sandbox is that server.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "audit/served.rs"]
mod served;

use serde_json::Value;
use served::Served;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process, thread};

/// How many checks are played at once: most of the time they wait.
const AT_ONCE: usize = 20;

/// The target's values, by the names of the checks' variables.
const VALUES: [(&str, &str); 11] = [
    ("host", "127.0.0.1"),
    ("tls_mode", "none"),
    ("login", "none"),
    ("username", "testuser"),
    ("hello", "client.example.com"),
    ("sender", "john@example.com"),
    ("recipient", "testuser@example.com"),
    ("unknown", "nosuch@example.com"),
    ("relay", "u@other.example.net"),
    ("domain", "example.com"),
    ("role", "mx"),
];

#[test]
fn each_check_fails_on_a_server_that_is_wrong() {
    let told = of_each(|check| {
        let server = Served::file(&data("fail").join(format!("{}.yaml", check.id)));
        match check.played_at(server.port).as_str() {
            "diverged" | "warned" => None,
            other => Some(format!("{}: {other}", check.id)),
        }
    });
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn each_check_passes_on_a_server_that_is_right() {
    let sandbox = Served::sandbox();
    let told = of_each(|check| {
        let own = data("pass").join(format!("{}.yaml", check.id));
        let verdict = if own.exists() {
            let server = Served::file(&own);
            check.played_at(server.port)
        } else {
            check.played_at(sandbox.port)
        };
        (verdict != "followed").then(|| format!("{}: {verdict}", check.id))
    });
    assert!(told.is_empty(), "{told:#?}");
}

/// Servers without sense: what each check says of them is kept, so that none begins to pass where it proves nothing.
#[test]
fn servers_without_sense_get_what_is_written_down() {
    for name in ["all-250", "all-500", "closes", "never"] {
        let server = Served::file(&data("odd").join(format!("{name}.yaml")));
        let told = of_each(|check| Some(format!("{} {}", check.id, check.played_within(server.port, "1s"))));
        let told = told.join("\n") + "\n";
        let file = data("odd").join(format!("{name}.txt"));
        if env::var_os("UPDATE").is_some() {
            fs::write(&file, &told).unwrap();
        }
        assert_eq!(told, fs::read_to_string(&file).unwrap(), "{name}");
    }
}

/// A server that answers late is no better than one that answers at once, and no worse.
#[test]
fn a_server_that_answers_late_is_judged_as_any_other() {
    let told = of_each(|check| {
        let file = |folder: &str| data("late").join(folder).join(format!("{}.yaml", check.id));
        let (folder, server) =
            ["fail", "pass"].into_iter().find_map(|folder| Some((folder, file(folder))).filter(|it| it.1.exists()))?;
        let verdict = check.played_at(Served::file(&server).port);
        let fits = if folder == "pass" { verdict == "followed" } else { verdict == "diverged" || verdict == "warned" };
        (!fits).then(|| format!("{folder}/{}: {verdict}", check.id))
    });
    assert!(told.is_empty(), "{told:#?}");
}

/// What a server does that leads nowhere is neither its fault nor to its credit.
#[test]
fn a_check_does_not_apply_where_it_cannot_tell() {
    let told = of_each(|check| {
        let server = data("moot").join(format!("{}.yaml", check.id));
        let verdict = server.exists().then(|| check.played_at(Served::file(&server).port))?;
        (!verdict.starts_with("not_applicable")).then(|| format!("{}: {verdict}", check.id))
    });
    assert!(told.is_empty(), "{told:#?}");
}

/// A pair without a check would be played by nobody.
#[test]
fn each_pair_belongs_to_a_check() {
    let known: BTreeSet<String> = checks().into_iter().map(|check| check.id).collect();
    for folder in ["fail", "pass", "moot", "late/fail", "late/pass"] {
        for entry in fs::read_dir(data(folder)).unwrap() {
            let id = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
            assert!(known.contains(&id), "{folder}/{id}.yaml: no check is called so");
        }
    }
}

/// What nobody can act on, or look up, does not ship.
#[test]
fn each_check_says_what_it_claims() {
    for check in checks() {
        let text = fs::read_to_string(&check.file).unwrap();
        for key in ["name: ", "level: ", "why: ", "vars: {host: localhost, port: 25, "] {
            assert!(text.lines().any(|line| line.starts_with(key.trim_end())), "{}: no `{key}`", check.id);
        }
        let played = smtp_script(&["check", "--file-root", "scenarios/audit", &check.file.to_string_lossy()]);
        assert_eq!(String::from_utf8_lossy(&played.stdout), "1 file: nothing to complain about\n", "{}", check.id);
    }
}

struct Check {
    id: String,
    file: PathBuf,
}

impl Check {
    /// The verdict on the server that listens there.
    fn played_at(&self, port: u16) -> String {
        self.played_within(port, "10s")
    }

    /// The same, where no wait takes longer.
    fn played_within(&self, port: u16, timeout: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let report = env::temp_dir().join(format!("smtp-script-audit-{}-{count}.json", process::id()));
        let text = fs::read_to_string(&self.file).unwrap();
        let mut arguments = vec!["run".to_owned(), self.file.to_string_lossy().into_owned(), "-q".to_owned()];
        arguments.extend(["--file-root=scenarios/audit", "--max-time=60s", "--insecure"].map(str::to_owned));
        arguments.push(format!("--timeout={timeout}"));
        arguments.push(format!("--report=json={}", report.display()));
        let (declared, _) = text.split_once("\nsteps:").unwrap_or_default();
        let port = port.to_string();
        // What is about the name of a server needs one.
        let by_name = text.contains("the server is named by an address").then_some(("host", "localhost"));
        for (name, value) in VALUES.into_iter().chain([("port", port.as_str())]).chain(by_name) {
            if [format!("{{{name}:"), format!(" {name}:")].iter().any(|key| declared.contains(key)) {
                arguments.extend(["--var".to_owned(), format!("{name}={value}")]);
            }
        }
        if text.lines().any(|line| line == "secrets: [password]") {
            arguments.push("--secret=password=testpass".to_owned());
        }
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = smtp_script(&words);
        let told = fs::read_to_string(&report).unwrap_or_default();
        let _ = fs::remove_file(&report);
        let Ok(json) = serde_json::from_str::<Value>(&told) else {
            return format!("no report: {}", String::from_utf8_lossy(&output.stderr));
        };
        let scenario = &json["scenarios"][0];
        let verdict = scenario["verdict"].as_str().unwrap_or("no verdict").to_owned();
        match scenario["not_applicable"].as_str() {
            Some(reason) => format!("{verdict}: {reason}"),
            None => verdict,
        }
    }
}

/// What is told of each check, played a few at a time.
fn of_each(play: impl Fn(&Check) -> Option<String> + Sync) -> Vec<String> {
    let (checks, told, next) = (checks(), Mutex::new(BTreeMap::new()), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(check) = checks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(text) = play(check) {
                        told.lock().unwrap().insert(check.id.clone(), text);
                    }
                }
            });
        }
    });
    told.into_inner().unwrap().into_values().collect()
}

/// All of them, by their ids.
fn checks() -> Vec<Check> {
    let mut found = Vec::new();
    let top = root().join("scenarios/audit");
    for group in fs::read_dir(&top).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(&group).unwrap().map(|entry| entry.unwrap().path()) {
            let id = file.file_stem().unwrap().to_string_lossy().into_owned();
            let file = file.strip_prefix(root()).unwrap().to_path_buf();
            found.push(Check { id, file });
        }
    }
    assert!(found.len() > 100, "{}", found.len());
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found
}

fn data(folder: &str) -> PathBuf {
    root().join("tests/audit").join(folder)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn smtp_script(arguments: &[&str]) -> process::Output {
    command(arguments).output().expect("smtp-script runs")
}

/// The program at the root of the repository, with these arguments.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
    command.args(arguments).current_dir(root()).stdin(process::Stdio::null());
    command
}
