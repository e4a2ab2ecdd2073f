//! Many scenarios: which are played, how many at once and how often, and what is told of all of them together.

#![expect(clippy::expect_used, reason = "a test panics when something is not as it must be")]

#[expect(dead_code, unused_imports, reason = "the harness has a scripted server as well")]
mod harness;

use harness::{Played, smtp_script};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::Duration;
use tempfile::TempDir;

/// A conversation that the sandbox follows.
const GOOD: &str = "connect: mx.example\nsteps:\n  - expect: ^220\n  - send: EHLO a.example\n    expect: ^250\n  - send: QUIT\n    expect: ^221\n";
/// One that it does not.
const BAD: &str = "connect: mx.example\nsteps:\n  - expect: ^220\n  - send: NOOP\n    expect: ^251\n  - send: QUIT\n    expect: ^221\n";
/// No scenario at all.
const BROKEN: &str = "connect: mx.example\nsteps:\n  - sned: QUIT\n";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Played {
    Played::by(smtp_script(folder).arg("run").args(arguments))
}

fn report(path: PathBuf) -> Value {
    let text = fs::read_to_string(path).expect("a report");
    serde_json::from_str(&text).expect("a report in JSON")
}

fn verdicts(report: &Value) -> Vec<(String, String)> {
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    scenarios.iter().map(|scenario| (text(&scenario["id"]), text(&scenario["verdict"]))).collect()
}

fn pair(id: &str, verdict: &str) -> (String, String) {
    (id.to_owned(), verdict.to_owned())
}

/// A server that serves one connection after another with what `answer` says to each line; `hello` greets connection `n`.
fn server(
    hello: impl Fn(usize) -> &'static str + Send + 'static,
    answer: impl Fn(&str) -> &'static str + Send + Clone + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (greeting, answer) = (hello(number), answer.clone());
            spawn(move || converse(stream.expect("a connection"), greeting, &answer));
        }
    });
    address
}

fn converse(mut stream: TcpStream, greeting: &str, answer: &dyn Fn(&str) -> &'static str) {
    _ = stream.write_all(greeting.as_bytes());
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
        _ = stream.write_all(answer(&line).as_bytes());
        line.clear();
    }
}

// --- many files ------------------------------------------------------------------------------------------------------

#[test]
fn a_broken_file_hides_no_other_and_the_order_is_that_of_the_names() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", BROKEN), ("c.yaml", BAD), ("d.yaml", GOOD), ("e.yaml", GOOD)]);
    let played = run(folder.path(), &[".", "--sandbox", "--jobs", "4", "--report", "json=r.json"]);
    assert_eq!(played.code, Some(2), "{played:?}");
    let lines: Vec<&str> = played.stdout.lines().filter(|line| line.starts_with(['P', 'F'])).collect();
    let firsts: Vec<String> =
        lines.iter().map(|line| line.split("  (").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(firsts, ["PASS ./a.yaml", "FAIL ./c.yaml", "PASS ./d.yaml", "PASS ./e.yaml"]);
    assert!(played.stderr.contains("b.yaml:3:5"), "{}", played.stderr);
    assert!(played.stdout.contains("5 scenarios: 3 followed, 1 diverged, 1 broken ("), "{}", played.stdout);
    let report = report(folder.path().join("r.json"));
    let wanted = [("a", "followed"), ("b", "broken"), ("c", "diverged"), ("d", "followed"), ("e", "followed")];
    assert_eq!(verdicts(&report), wanted.map(|(name, verdict)| pair(&format!("{name}.yaml"), verdict)));
    assert_eq!(report["exit_code"], 2);
    assert_eq!(report["scenarios"][1]["errors"][0]["place"]["line"], 3);
    let steps: Vec<&str> = report["scenarios"][2]["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| step["verdict"].as_str().expect("a verdict"))
        .collect();
    assert_eq!(steps, ["followed", "followed", "diverged", "unreached"]);
}

#[test]
fn after_the_first_that_fails_nothing_more_begins() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", BAD), ("c.yaml", GOOD)]);
    let played = run(folder.path(), &[".", "--sandbox", "--fail-fast", "--report", "json=r.json"]);
    assert_eq!(played.code, Some(1), "{played:?}");
    let wanted = [("a", "followed"), ("b", "diverged"), ("c", "not_played")];
    let report = report(folder.path().join("r.json"));
    assert_eq!(verdicts(&report), wanted.map(|(name, verdict)| pair(&format!("{name}.yaml"), verdict)));
    assert!(played.stdout.contains("1 followed, 1 diverged, 1 not played"), "{}", played.stdout);
}

#[test]
fn tags_and_names_select() {
    let tagged = |tags: &str, name: &str| format!("name: {name}\ntags: [{tags}]\n{GOOD}");
    let (one, two, three) = (tagged("smoke", "one"), tagged("smoke, slow", "two"), tagged("other", "three"));
    let folder = folder(&[("1.yaml", one.as_str()), ("2.yaml", two.as_str()), ("3.yaml", three.as_str())]);
    for (arguments, wanted) in [
        (vec!["--tag", "smoke"], vec!["one", "two"]),
        (vec!["--tag", "smoke", "--tag", "other"], vec!["one", "two", "three"]),
        (vec!["--tag", "smoke", "--tag", "!slow"], vec!["one"]),
        (vec!["--name", "^t"], vec!["two", "three"]),
        (vec!["--name", "3\\.yaml$"], vec!["three"]),
    ] {
        let played = run(folder.path(), &[&[".", "--sandbox"], arguments.as_slice()].concat());
        let names: Vec<&str> = played.stdout.lines().filter_map(|line| line.split("  ").nth(1)).collect();
        assert_eq!((names, played.code), (wanted, Some(0)), "{arguments:?}: {played:?}");
    }
    fs::write(folder.path().join("4.yaml"), "tags: [smoke]\nsteps:\nconnect: [").expect("a file");
    let unreadable = run(folder.path(), &[".", "--sandbox", "--tag", "smoke"]);
    assert!(unreadable.code == Some(2) && unreadable.stderr.contains("4.yaml"), "{unreadable:?}");
    fs::remove_file(folder.path().join("4.yaml")).expect("the file");
    let nothing = run(folder.path(), &[".", "--sandbox", "--tag", "smok"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    assert!(nothing.stderr.contains("no scenario was selected"), "{}", nothing.stderr);
    let pattern = run(folder.path(), &[".", "--sandbox", "--name", "("]);
    assert!(pattern.code == Some(2) && pattern.stderr.contains("`--name`"), "{pattern:?}");
}

#[test]
fn what_failed_is_played_again_by_itself() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", BAD), ("c.yaml", BROKEN)]);
    let state = TempDir::new().expect("a folder");
    let play = |arguments: &[&str]| {
        let all = [&["run", "."], arguments, &["--sandbox", "--report", "json=r.json"]].concat();
        Played::by(smtp_script(folder.path()).env("XDG_STATE_HOME", state.path()).args(all));
        verdicts(&report(folder.path().join("r.json"))).into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(play(&["--last-failed"]), ["a.yaml", "b.yaml", "c.yaml"], "nothing is known yet");
    assert_eq!(play(&["--last-failed"]), ["b.yaml", "c.yaml"]);
    fs::write(folder.path().join("b.yaml"), GOOD).expect("a file");
    assert_eq!(play(&["--last-failed"]), ["b.yaml", "c.yaml"]);
    assert_eq!(play(&["--last-failed"]), ["c.yaml"]);
}

// --- retries and updates ---------------------------------------------------------------------------------------------

#[test]
fn what_follows_its_script_on_a_retry_is_flaky() {
    let greeting = |number| if number == 0 { "421 too busy\r\n" } else { "220 mx.example\r\n" };
    let address = server(greeting, |_| "221 bye\r\n");
    let scenario = format!("connect: {address}\nsteps:\n  - expect: ^220\n  - send: QUIT\n    expect: ^221\n");
    let folder = folder(&[("a.yaml", scenario.as_str())]);
    let played = run(folder.path(), &["a.yaml", "--retries", "2", "--report", "json=r.json"]);
    assert_eq!(played.code, Some(0), "{played:?}");
    assert!(played.stdout.starts_with("FLAKY a.yaml  ("), "{}", played.stdout);
    assert!(played.stdout.contains("1 scenario: 1 flaky ("), "{}", played.stdout);
    let report = report(folder.path().join("r.json"));
    assert_eq!(verdicts(&report), [pair("a.yaml", "flaky")]);
    let first = report["scenarios"][0]["attempts"][0]["message"].as_str().expect("a message");
    assert!(first.contains("expected a reply matching ^220, got 421"), "{first}");
}

#[test]
fn an_update_changes_the_expectations_and_nothing_else() {
    let before = "# Ours.\nconnect: mx.example\nsteps:\n  - expect: ^221   # the greeting\n  - send: EHLO a.example\n    \
                  expect: {code: 251, not: nothing}\n\n  - send: QUIT   # at last\n    expect: '^250'\n";
    let folder = folder(&[("a.yaml", before)]);
    let played = run(folder.path(), &["a.yaml", "--sandbox", "--update"]);
    assert_eq!(played.code, Some(0), "{played:?}");
    let after = fs::read_to_string(folder.path().join("a.yaml")).expect("the file");
    let wanted = before
        .replace("^221   #", "^220   #")
        .replace("{code: 251,", "{code: 250,")
        .replace("'^250'", "'^221 2\\.0\\.0'");
    assert_eq!(after, wanted);
    assert!(played.stderr.contains("updated a.yaml:4:13: ^221 is now ^220"), "{}", played.stderr);
    let again = run(folder.path(), &["a.yaml", "--sandbox", "--update"]);
    assert!(again.code == Some(0) && !again.stderr.contains("updated"), "{again:?}");
}

#[test]
fn what_an_update_cannot_decide_stays_and_diverges() {
    let one = |expect: &str| format!("connect: mx.example\nsteps:\n  - expect: {expect}\n");
    for (expect, after) in [
        ("{code: [250, 251]}", None),
        ("{all: [^220, {code: 250}]}", Some("{all: [^220, {code: 220}]}")),
        ("|\n      ^554", None),
        ("&x ^554", None),
        ("{any: [^554, ^250]}", None),
        ("^554 (?<why>.*)", None),
        ("\"^554\"", Some("\"^220\"")),
    ] {
        let before = one(expect);
        let folder = folder(&[("a.yaml", before.as_str())]);
        let played = run(folder.path(), &["a.yaml", "--sandbox", "--update"]);
        let text = fs::read_to_string(folder.path().join("a.yaml")).expect("the file");
        assert_eq!(text, after.map_or(before, one), "{expect}: {played:?}");
        assert_eq!(played.code, Some(i32::from(after.is_none())), "{expect}: {played:?}");
    }
}

#[test]
fn what_holds_for_one_reply_is_not_changed_for_another() {
    let scenario = "vars: {c: x}\ncases: [{c: NOOP}, {c: QUIT}]\nconnect: mx.example\nsteps:\n  - expect: ^220\n  - send: <<c>>\n    expect: ^250\n";
    let folder = folder(&[("a.yaml", scenario)]);
    let played = run(folder.path(), &["a.yaml", "--sandbox", "--update"]);
    assert_eq!(played.code, Some(2), "{played:?}");
    assert!(played.stderr.contains("cannot update a.yaml:7:13"), "{}", played.stderr);
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).expect("the file"), scenario);
}

#[test]
fn what_is_no_file_is_not_updated() {
    let folder = folder(&[]);
    let mut command = smtp_script(folder.path());
    let mut child = command
        .args(["run", "-", "--sandbox", "--update"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(BAD.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--update` writes into YAML files"), "{output:?}");
}

// --- load ------------------------------------------------------------------------------------------------------------

#[test]
fn many_runs_are_told_as_figures() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let arguments = ["a.yaml", "--sandbox", "--repeat", "40", "--jobs", "8", "--report", "json=r.json"];
    let played = run(folder.path(), &arguments);
    assert_eq!(played.code, Some(0), "{played:?}");
    assert!(played.stdout.contains("40 runs: 40 followed ("), "{}", played.stdout);
    let load = &report(folder.path().join("r.json"))["load"];
    assert_eq!((&load["runs"], &load["followed"], &load["sessions"]), (&40.into(), &40.into(), &40.into()));
    assert_eq!(load["replies"], serde_json::json!({"220": 40, "221": 40, "250": 40}));
    let counts: Vec<&Value> =
        load["steps"].as_array().expect("steps").iter().map(|it| &it["latency"]["count"]).collect();
    assert_eq!(counts, [40, 40, 40, 40]);
    assert!(load["peak"].as_u64().is_some_and(|peak| (2..=8).contains(&peak)), "{load}");
}

#[test]
fn at_a_rate_a_slow_server_cannot_hide() {
    let slow = |_: &str| {
        sleep(Duration::from_millis(100));
        "250 ok\r\n"
    };
    let address = server(|_| "220 mx.example\r\n", slow);
    let scenario = format!("connect: {address}\nsteps:\n  - expect: ^220\n  - send: NOOP\n    expect: ^250\n");
    let folder = folder(&[("a.yaml", scenario.as_str())]);
    let arguments = ["a.yaml", "--rate", "100/s", "--repeat", "10", "--jobs", "1", "--report", "json=r.json"];
    assert_eq!(run(folder.path(), &arguments).code, Some(0));
    let load = &report(folder.path().join("r.json"))["load"];
    // The tenth is due after 90 ms and begins when the nine before it are over, after 900 ms: it took 910 ms.
    assert!(load["latency"]["max"].as_f64().is_some_and(|max| max > 0.85), "{load}");
    assert!(load["late"].as_u64().is_some_and(|late| late >= 8), "{load}");
    let own = &load["steps"][2]["latency"];
    assert!(own["p50"].as_f64().is_some_and(|p50| p50 < 0.85), "{own}");
}

#[test]
fn runs_that_were_due_and_never_begun_are_told() {
    let slow = |_: &str| {
        sleep(Duration::from_millis(150));
        "250 ok\r\n"
    };
    let address = server(|_| "220 mx.example\r\n", slow);
    let scenario = format!("connect: {address}\nsteps:\n  - expect: ^220\n  - send: NOOP\n    expect: ^250\n");
    let folder = folder(&[("a.yaml", scenario.as_str())]);
    let arguments = ["a.yaml", "--rate", "20/s", "--duration", "1s", "--jobs", "1", "--report", "json=r.json"];
    let played = run(folder.path(), &arguments);
    let load = &report(folder.path().join("r.json"))["load"];
    let count = |field: &str| load[field].as_u64().expect("a number");
    assert_eq!(count("runs") + count("never_begun"), 20, "{load}");
    assert!(count("never_begun") > 5 && played.stdout.contains("more were due, and never begun"), "{played:?}");
}

#[test]
fn a_ramp_ends_with_the_duration() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let arguments = ["a.yaml", "--sandbox", "--ramp", "10m", "--duration", "200ms", "--jobs", "4"];
    assert_eq!(run(folder.path(), &arguments).code, Some(0));
}

#[test]
fn errors_of_many_runs_are_counted_by_step() {
    let folder = folder(&[("a.yaml", BAD)]);
    let played =
        run(folder.path(), &["a.yaml", "--sandbox", "--repeat", "12", "--jobs", "3", "--report", "json=r.json"]);
    assert_eq!(played.code, Some(1), "{played:?}");
    let report = report(folder.path().join("r.json"));
    let error = &report["load"]["errors"][0];
    assert_eq!((&error["step"], &error["kind"], &error["count"]), (&"2".into(), &"reply".into(), &12.into()));
    assert_eq!(report["scenarios"].as_array().map(Vec::len), Some(12), "each is kept as an example");
}

#[test]
fn too_few_file_descriptors_are_told_before_anything_is_played() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let program = env!("CARGO_BIN_EXE_smtp-script");
    let line = format!("ulimit -n 150; exec {program} run a.yaml --sandbox --jobs 500 --repeat 500");
    let played = Played::by(Command::new("/bin/sh").current_dir(folder.path()).args(["-c", &line]));
    assert_eq!(played.code, Some(2), "{played:?}");
    assert!(played.stderr.contains("`--jobs 500` needs 1020 open files") && played.stdout.is_empty(), "{played:?}");
}

// --- shards ----------------------------------------------------------------------------------------------------------

#[test]
fn shards_merge_to_what_one_machine_would_have_told() {
    let names: Vec<String> = (0..12).map(|number| format!("s{number:02}.yaml")).collect();
    let text = |number: usize| match number {
        3 => BAD,
        7 => BROKEN,
        _ => GOOD,
    };
    let files: Vec<(&str, &str)> =
        names.iter().enumerate().map(|(number, name)| (name.as_str(), text(number))).collect();
    let folder = folder(&files);
    run(folder.path(), &[".", "--sandbox", "--report", "json=whole.json"]);
    let mut sizes = Vec::new();
    for shard in 1..=3 {
        let (part, file) = (format!("{shard}/3"), format!("json=shards/{shard}.json"));
        run(folder.path(), &[".", "--sandbox", "--shard", &part, "--report", &file]);
        sizes.push(verdicts(&report(folder.path().join(format!("shards/{shard}.json")))).len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 12, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size < 12), "{sizes:?}");
    let merged =
        Played::by(smtp_script(folder.path()).args(["report", "merge", "shards", "--report", "json=merged.json"]));
    assert_eq!(merged.code, Some(2), "{merged:?}");
    let (whole, merged) = (report(folder.path().join("whole.json")), report(folder.path().join("merged.json")));
    assert_eq!(verdicts(&merged), verdicts(&whole));
    assert_eq!(merged["summary"], whole["summary"]);
    assert_eq!(merged["exit_code"], whole["exit_code"]);
    fs::remove_file(folder.path().join("shards/2.json")).expect("a report");
    let missing = Played::by(smtp_script(folder.path()).args(["report", "merge", "shards"]));
    assert!(missing.code == Some(2) && missing.stderr.contains("of 3 shards these are missing: 2"), "{missing:?}");
}

#[test]
fn shards_of_load_merge_to_the_same_counts() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", BAD)]);
    let load = ["--repeat", "10", "--jobs", "4"];
    run(folder.path(), &[&["a.yaml", "b.yaml", "--sandbox", "--report", "json=whole.json"], load.as_slice()].concat());
    for shard in ["1/3", "2/3", "3/3"] {
        let file = format!("json={}.json", &shard[..1]);
        let arguments = ["a.yaml", "b.yaml", "--sandbox", "--shard", shard, "--report", &file];
        run(folder.path(), &[arguments.as_slice(), load.as_slice()].concat());
    }
    let merge = ["report", "merge", "1.json", "2.json", "3.json", "--report", "json=merged.json"];
    assert_eq!(Played::by(smtp_script(folder.path()).args(merge)).code, Some(1));
    let (whole, merged) = (report(folder.path().join("whole.json")), report(folder.path().join("merged.json")));
    let (whole, merged) = (&whole["load"], &merged["load"]);
    for field in ["runs", "followed", "diverged", "sessions", "messages", "replies", "errors"] {
        assert_eq!(merged[field], whole[field], "{field}");
    }
    let counts = |load: &Value| -> Vec<(String, String, u64)> {
        let steps = load["steps"].as_array().expect("steps").iter();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let count = |step: &Value| step["latency"]["count"].as_u64().expect("a count");
        steps.map(|step| (text(&step["scenario"]), text(&step["step"]), count(step))).collect()
    };
    assert_eq!(counts(merged), counts(whole));
}

#[test]
fn an_empty_shard_is_no_failure() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let codes: Vec<_> = (1..=5)
        .map(|part| run(folder.path(), &["a.yaml", "--sandbox", "--shard", &format!("{part}/5")]).code)
        .collect();
    assert_eq!(codes, [Some(0); 5]);
}

// --- the end, and what is left behind --------------------------------------------------------------------------------

#[test]
fn a_signal_ends_in_a_report_of_what_was_played() {
    let address =
        server(|_| "220 mx.example\r\n", |line| if line.starts_with("EHLO") { "250-mx\r\n250-hal" } else { "" });
    let scenario =
        format!("connect: {address}\nsteps:\n  - expect: ^220\n  - send: EHLO a\n    expect: ^250\n  - send: QUIT\n");
    let folder = folder(&[("a.yaml", scenario.as_str()), ("b.yaml", GOOD)]);
    let mut child = smtp_script(folder.path())
        .args(["run", "a.yaml", "b.yaml", "-v", "--report", "json=r.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("C: EHLO") {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("a line") > 0, "the conversation came to EHLO");
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let mut stdout = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(stdout.contains("error: step 2 was interrupted"), "{stdout}");
    let report = report(folder.path().join("r.json"));
    assert_eq!((&report["interrupted"], &report["exit_code"]), (&true.into(), &130.into()));
    assert_eq!(verdicts(&report), [pair("a.yaml", "interrupted"), pair("b.yaml", "not_played")]);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_played() {
    let folder = folder(&[("a.yaml", GOOD)]);
    for (report, told) in [
        ("json=a.yaml/r.json", "cannot write the report `a.yaml/r.json`: "),
        ("json=", "`json=` names no file"),
        ("jsn=r.json", "did you mean `json`?"),
        ("r.json", "a format is missing: write `json=r.json`"),
        ("json=.", "it is a folder"),
    ] {
        let played = run(folder.path(), &["a.yaml", "--sandbox", "--report", report]);
        assert_eq!(played.code, Some(2), "{report}: {played:?}");
        assert!(played.stderr.contains(told) && played.stdout.is_empty(), "{report}: {played:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing is left behind");
}

#[test]
fn no_report_replaces_what_is_read() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", GOOD), ("c.csv", "x\n1\n")]);
    for report in ["json=a.yaml", "json=./b.yaml", "json=c.csv"] {
        let played = run(folder.path(), &["a.yaml", "--cases", "c.csv", "--sandbox", "--report", report]);
        assert!(played.code == Some(2) && played.stderr.contains("would replace a file"), "{report}: {played:?}");
    }
    let twice = run(folder.path(), &["a.yaml", "--sandbox", "--report", "json=r", "--report", "junit=r"]);
    assert!(twice.code == Some(2) && twice.stderr.contains("two reports would go to"), "{twice:?}");
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).expect("the file"), GOOD);
}

#[test]
fn a_report_goes_through_a_link_and_keeps_its_permissions() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = folder(&[("a.yaml", GOOD), ("kept.json", "{}")]);
    let kept = folder.path().join("kept.json");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).expect("permissions");
    symlink("kept.json", folder.path().join("link.json")).expect("a link");
    run(folder.path(), &["a.yaml", "--sandbox", "--report", "json=link.json"]);
    assert_eq!(report(kept.clone())["exit_code"], 0);
    assert_eq!(fs::metadata(&kept).expect("the file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn results_that_cannot_be_printed_are_a_failure() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = smtp_script(folder.path())
        .args(["run", "a.yaml", "--sandbox", "--format", "junit"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"), "{output:?}");
}

#[test]
fn a_signal_before_anything_is_played_is_reported() {
    let folder = folder(&[]);
    let mut child = smtp_script(folder.path())
        .args(["run", "-", "--sandbox", "--report", "json=r.json"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The file of the report is opened first: then it waits for the scenario, and for signals soon after.
    let opened = || fs::read_dir(folder.path()).expect("the folder").count() > 0;
    while !opened() {
        sleep(Duration::from_millis(5));
    }
    let status = |pid: u32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let catches = |pid| {
        status(pid)
            .lines()
            .any(|line| line.starts_with("SigCgt:") && line.ends_with(['2', '3', '6', '7', 'a', 'b', 'e', 'f']))
    };
    while !catches(child.id()) {
        sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    // The scenario never ends: what is waited for is the signal alone.
    let _open = child.stdin.take();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let report = report(folder.path().join("r.json"));
    assert_eq!((&report["interrupted"], &report["exit_code"]), (&true.into(), &130.into()));
}

#[test]
fn no_secret_stands_in_a_label() {
    let scenario = format!(
        "name: n\ntags: [hunter22secret]\nsecrets: [p]\ncases: [{{who: hunter22secret}}]\nvars: {{who: x}}\n{GOOD}"
    );
    let folder = folder(&[("a.yaml", scenario.as_str())]);
    let formats = ["json", "junit", "tap", "html", "markdown", "prometheus", "nagios", "github"];
    let reports = formats.map(|format| format!("{format}=r.{format}"));
    let mut arguments = vec!["a.yaml", "--sandbox", "--secret", "p=hunter22secret"];
    for report in &reports {
        arguments.extend(["--report", report.as_str()]);
    }
    let played = run(folder.path(), &arguments);
    assert_eq!(played.code, Some(0), "{played:?}");
    assert!(!played.stdout.contains("hunter22secret"), "{}", played.stdout);
    for format in formats {
        let text = fs::read_to_string(folder.path().join(format!("r.{format}"))).expect("a report");
        assert!(!text.contains("hunter22secret"), "{format}: {text}");
    }
}

#[test]
fn a_report_is_written_of_a_run_that_could_not_begin() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let played = run(folder.path(), &["a.yaml", "nothing.yaml", "--var", "x=1", "--report", "json=r.json"]);
    assert_eq!(played.code, Some(2), "{played:?}");
    let report = report(folder.path().join("r.json"));
    assert_eq!(report["exit_code"], 2);
    assert!(
        report["errors"][0].as_str().is_some_and(|error| error.contains("nothing.yaml") || error.contains('x')),
        "{report}"
    );
}

#[test]
fn github_actions_gets_annotations_and_a_summary() {
    let folder = folder(&[("a.yaml", BAD)]);
    let summary = folder.path().join("summary.md");
    fs::write(&summary, "# Before\n").expect("a file");
    let mut command = smtp_script(folder.path());
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    let played = Played::by(command.args(["run", "a.yaml", "--sandbox"]));
    assert!(played.stdout.contains("\n::error file=a.yaml,line=5,"), "{}", played.stdout);
    let text = fs::read_to_string(summary).expect("a summary");
    assert!(text.starts_with("# Before\n") && text.contains("a.yaml"), "{text}");
}

#[test]
fn nagios_gets_its_own_exit_codes() {
    let folder = folder(&[("good.yaml", GOOD), ("bad.yaml", BAD), ("broken.yaml", BROKEN)]);
    for (file, code, word) in [("good.yaml", 0, "OK"), ("bad.yaml", 2, "CRITICAL"), ("broken.yaml", 3, "UNKNOWN")] {
        let played = run(folder.path(), &[file, "--sandbox", "--format", "nagios"]);
        assert_eq!(played.code, Some(code), "{played:?}");
        assert!(
            played.stdout.lines().next().is_some_and(|line| line.contains(word) && line.contains('|')),
            "{played:?}"
        );
    }
}

#[test]
fn secrets_are_shown_on_the_terminal_only() {
    let folder = folder(&[("a.yaml", GOOD)]);
    for arguments in [["--report", "json=r.json"], ["--format", "json"]] {
        let played = run(folder.path(), &[&["a.yaml", "--sandbox", "--show-secrets"], arguments.as_slice()].concat());
        assert!(played.code == Some(2) && played.stderr.contains("`--show-secrets`"), "{played:?}");
    }
}
