//! Reports of real runs, read by other people's parsers: xmllint with the rules of JUnit, junitparser, Perl's ``TAP::Parser``,
//! node-tap, promtool, Python's jsonschema. `tests/servers/install` installs them.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use harness::{Played, ScriptedServer, smtp_script};
use regex::Regex;
use smtp_script::report::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FORMATS: [&str; 6] = ["json", "junit", "tap", "prometheus", "nagios", "github"];

/// A server that sends everything that could end, open or hide something in any of the formats.
const HOSTILE: &str = "S: 220 mx.example\nC: EHLO client.example\n\
    send \"550-\\x1b[31m ]]> <script>alert(1)</script> &amp; \\xff\\xfe \\xe2\\x80\\xae\\r\\n550-::error::x %0A | ``` # SKIP\\r\\n\
    550 \\x22quoted\\x22 'a' \\\\ {b=\\x22c\\x22} ---\\r\\n\"\nclose\n";

const HOSTILE_SCENARIO: &str = "name: 'Hostile | \"text\" # 1 <b> `::error::`, 100%: é'\nconnect: mx.example\ntimeout: 2s\nsteps:\n\
    \x20 - expect: ^220\n  - name: 'says hello # | <i>'\n    send: EHLO client.example\n    expect: ^250\n  - send: QUIT\n    expect: ^221\n";

struct Reports {
    folder: tempfile::TempDir,
    played: Played,
}

impl Reports {
    /// Plays files with all reports at once.
    fn of(files: &[(&str, &str)], server: &str, more: &[&str]) -> Reports {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut command = smtp_script(folder.path());
        command.arg("run").args(files.iter().map(|(name, _)| *name)).args(more);
        command.args(FORMATS.iter().flat_map(|format| ["--report".to_owned(), format!("{format}={format}")]));
        let server = (!server.is_empty()).then(|| ScriptedServer::start(server));
        if let Some(server) = &server {
            command.args(["--to", &server.address()]);
        }
        let played = Played::by(&mut command);
        if let Some(server) = server {
            server.finish().unwrap();
        }
        Reports { folder, played }
    }

    fn path(&self, format: &str) -> PathBuf {
        self.folder.path().join(format)
    }

    fn text(&self, format: &str) -> String {
        let text = fs::read_to_string(self.path(format));
        text.unwrap_or_else(|error| panic!("{format}: {error}\n{}{}", self.played.stdout, self.played.stderr))
    }

    /// Every format is what its parser takes, and has nothing in it that acts on what shows it.
    fn are_sound(&self) -> &Reports {
        for format in FORMATS {
            let text = self.text(format);
            let acts = |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}');
            assert_eq!(text.chars().find(acts), None, "{format}\n{text}");
        }
        let schema = root().join("docs/report.schema.json");
        assert_eq!(parsed("python3", "schema.py", &[&schema, &self.path("json")]), "", "{}", self.text("json"));
        let rules = root().join("tests/reports/junit.xsd");
        said(Command::new("/usr/bin/xmllint").args(["--noout", "--schema"]).args([&rules, &self.path("junit")]));
        for tap in [self.tap_by_perl(), self.tap_by_node()] {
            assert!(!tap.contains("fault"), "{tap}\n{}", self.text("tap"));
        }
        let metrics = fs::File::open(self.path("prometheus")).unwrap();
        let lints = said(Command::new(promtool()).args(["check", "metrics"]).stdin(metrics));
        assert_eq!(lints, "", "{}", self.text("prometheus"));
        let datum = r"('[^'=|\n]+'|[^ '=|\n]+)=-?[0-9]+(\.[0-9]+)?(s)?(;;;0)?";
        let grammar = format!(
            r"^SMTP (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| {datum}( {datum})*((\n[^|\n]+)* \| {datum}(\n{datum})*|(\n[^|\n]+)*)\n$"
        );
        assert!(Regex::new(&grammar).unwrap().is_match(&self.text("nagios")), "{}", self.text("nagios"));
        self
    }

    /// A line for each case: `suite | case | what came of it | file:line`.
    fn junit(&self) -> String {
        parsed("python3", "junit.py", &[&self.path("junit")])
    }

    fn tap_by_perl(&self) -> String {
        parsed("perl", "tap.pl", &[&self.path("tap")])
    }

    fn tap_by_node(&self) -> String {
        parsed("node", "tap.js", &[&self.path("tap")])
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn promtool() -> PathBuf {
    let prefix = std::env::var_os("SMTP_SCRIPT_SERVERS").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/smtp-script-servers");
    prefix.unwrap_or_else(home).join("prometheus/usr/bin/promtool")
}

/// What Debian's own interpreter says of files, with a program of tests/reports.
fn parsed(interpreter: &str, program: &str, files: &[&Path]) -> String {
    let mut command = Command::new(format!("/usr/bin/{interpreter}"));
    said(
        command
            .arg(root().join("tests/reports").join(program))
            .args(files)
            .env("PYTHONIOENCODING", "utf-8")
            .env("NODE_PATH", "/usr/share/nodejs"),
    )
}

/// What a program prints; it has to succeed.
fn said(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}: run `tests/servers/install`"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn a_hostile_server_breaks_no_format_and_hides_no_divergence() {
    let reports = Reports::of(&[("hostile.yaml", HOSTILE_SCENARIO)], HOSTILE, &[]);
    assert_eq!(reports.played.code, Some(1), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    assert_says(&reports.junit(), &["hostile.yaml | 1 expect ^220 | Passed | hostile.yaml:5\n"]);
    assert_says(
        &reports.junit(),
        &["2 says hello # | <i> | Failure | hostile.yaml:7\n", "3 send QUIT | Skipped | hostile.yaml:9\n"],
    );
    assert_says(
        &reports.tap_by_node(),
        &["\n    not ok 2 says hello # | <i> message step 2", "not ok hostile.yaml message step 2"],
    );
    assert_says(&reports.tap_by_node(), &["ok 3 send QUIT SKIP"]);
    assert_says(&reports.tap_by_perl(), &["not ok - hostile.yaml\nmessage step 2 \"says hello # | <i>\" diverged"]);
    assert_says(&reports.text("prometheus"), &["smtp_script_scenario_followed{scenario=\"hostile.yaml\"} 0\n"]);
    assert_says(&reports.text("prometheus"), &["step=\"2\",kind=\"reply\",cause=\"server\",code=\"550\"} 1\n"]);
    assert_says(&reports.text("nagios"), &["SMTP CRITICAL - 1 scenario: 1 diverged: hostile.yaml:8: step 2"]);
    assert_says(&reports.text("github"), &["hostile&#46;yaml&#58;8&#58; step 2", "````text\n"]);
}

#[test]
fn what_no_server_was_asked_is_an_error_of_its_own() {
    let nul = "connect: mx.example\nsteps:\n  - expect: ^220\n";
    let files = [("nul.yaml", nul), ("broken.yaml", "steps: [{sned: \"\\e[31m\"}]\n")];
    let reports = Reports::of(&files, "send \"220 mx\\0example\\r\\n\"\n", &[]);
    assert_eq!(reports.played.code, Some(2), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    let cases =
        ["nul.yaml | 1 expect ^220 | Failure | nul.yaml:3\n", "broken.yaml | can be run | Error | broken.yaml:1\n"];
    assert_says(&reports.junit(), &cases);
    assert_says(&reports.text("nagios"), &["SMTP UNKNOWN - 2 scenarios: 1 diverged, 1 broken: ", "\nbroken.yaml:1: "]);
    assert_says(&reports.tap_by_perl(), &["not ok - nul.yaml\n", "not ok - broken.yaml\n"]);
}

#[test]
fn what_passed_on_a_retry_is_flaky() {
    let server = "S: 421 busy\nclose\nconnection\nS: 220 mx.example\nclose\n";
    let scenario = "connect: mx.example\nsteps:\n  - expect: ^220\n";
    let reports = Reports::of(&[("a.yaml", scenario)], server, &["--retries", "1"]);
    assert_eq!(reports.played.code, Some(0), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    assert_says(&reports.text("junit"), &["<flakyFailure message=\"step 1 diverged"]);
    assert_says(&reports.text("nagios"), &["SMTP WARNING - 1 scenario: 1 flaky: a.yaml: passed on a retry: step 1"]);
    assert_says(&reports.tap_by_perl(), &["ok - a.yaml\n"]);
}

#[test]
fn the_figures_of_load_are_in_every_format() {
    let scenario = "connect: mx.example\nsteps:\n  - expect: ^220\n  - name: hello\n    send: EHLO client.example\n    expect: ^250\n  \
                    - send: NOOP\n    expect: ^251\n";
    let reports = Reports::of(&[("a.yaml", scenario)], "", &["--sandbox", "--repeat", "20", "--jobs", "4"]);
    assert_eq!(reports.played.code, Some(1), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    let read = json::read(&reports.text("json")).unwrap();
    let load = read.load.expect("figures of load");
    assert_eq!((load.runs, load.replies.get("250")), (20, Some(&40)));
    assert_says(&reports.junit(), &["load | 2 hello | Passed", "load | 3 send NOOP | Failure"]);
    assert_says(&reports.text("tap"), &["sessions/s", "replies 250: 40", "p99"]);
    assert_says(
        &reports.text("prometheus"),
        &["smtp_script_load_sessions_per_second ", "smtp_script_load_replies{code=\"250\"} 40\n"],
    );
    assert_says(
        &reports.text("prometheus"),
        &["smtp_script_load_step_duration_seconds{", "quantile=\"0.99\"", "smtp_script_load_errors{"],
    );
    assert_says(
        &reports.text("nagios"),
        &["SMTP CRITICAL - 20 runs: 20 diverged", "sessions_per_second=", "replies_250=40", "step 2 p99'="],
    );
    assert_says(
        &reports.text("github"),
        &["sessions/s", "Replies by code: 220: 20, 250: 40", "| 20 | a&#46;yaml | 3 | reply |"],
    );
}

#[test]
fn what_followed_is_told_in_a_line() {
    let reports = Reports::of(
        &[("a.yaml", "connect: mx.example\nsteps:\n  - expect: ^220\n")],
        "",
        &["--sandbox", "--shard", "1/1"],
    );
    assert_eq!(reports.played.code, Some(0), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    assert_says(&reports.text("nagios"), &["SMTP OK - 1 scenario: 1 followed | time="]);
    assert_says(&reports.tap_by_node(), &["    ok 1 expect ^220\nok a.yaml"]);
}

#[test]
fn a_step_without_a_name_is_called_by_what_it_sends() {
    let scenario = "connect: mx.example\nvars: {from: ann@a.example}\nsecrets: [password]\nsteps:\n  - expect: ^220\n  - send: EHLO client.example\n    \
                    expect: ^250\n  - send: MAIL FROM:<<<from>>>\n    expect: ^250\n  - send: AUTH PLAIN AGFubgBzM2NyZXQ=\n    expect: ^999\n";
    let more = ["--sandbox", "--secret", "password=ann@a.example"];
    let reports = Reports::of(&[("a.yaml", scenario)], "", &more);
    assert_eq!(reports.played.code, Some(1), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    assert_says(&reports.junit(), &["| 3 send MAIL FROM:<<<from>>> | Passed", "| 4 send AUTH PLAIN | Failure"]);
    assert_says(&reports.tap_by_node(), &["ok 1 expect ^220\n", "ok 3 send MAIL FROM:<<<from>>>\n"]);
    assert_says(&reports.text("prometheus"), &["step=\"3\",name=\"send MAIL FROM:<<<from>>>\"} 250\n"]);
    assert_says(&reports.text("json"), &["\"title\": \"send MAIL FROM:<<<from>>>\""]);
}

#[test]
fn a_line_of_any_length_is_cut_in_every_format() {
    let message = "MAIL FROM:<ann@a.example>\n    expect: ^250\n  - send: RCPT TO:<bob@b.example>\n    expect: ^250\n  - send: DATA\n    expect: ^354\n";
    let scenario = format!(
        "connect: mx.example\nsteps:\n  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250\n  - send: {message}  \
         - data: |\n      <<'x' * 900000>>\n    expect: ^250\n  - send: NOOP <<'y' * 200000>>\n    expect: ^999\n"
    );
    let reports = Reports::of(&[("a.yaml", &scenario)], "", &["--sandbox"]);
    assert_eq!(reports.played.code, Some(1), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    for format in FORMATS {
        let size = reports.text(format).len();
        assert!(size < 150_000, "{format}: {size} octets");
    }
    assert!(reports.played.stdout.len() < 10_000, "{}", reports.played.stdout.len());
}

#[test]
fn the_schema_is_the_committed_one() {
    let path = root().join("docs/report.schema.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, json::schema()).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), json::schema(), "UPDATE_DOCS=1 rewrites it");
}

/// The scenarios of the JSON report.
fn scenarios_in(reports: &Reports) -> Vec<serde_json::Value> {
    let read: serde_json::Value = serde_json::from_str(&reports.text("json")).unwrap();
    read["scenarios"].as_array().unwrap().clone()
}

#[test]
fn the_json_report_is_a_table_of_facts() {
    let server = "server:\n  steps:\n    - {reply: 220 mx.example}\n    - {expect: ^NOOP, reply: {raw: \"500 NO\\0OP\\r\\n\"}}\n    - {expect: ^NOOP, reply: 250 ok}\n    \
                  - {expect: ^XYZZY, reply: 500 no}\n    - {expect: ^NOOP, reply: 250 ok}\n    - {expect: ^QUIT, reply: 221 bye}\n    - close: reset\n";
    let scenario = format!(
        "name: 'EOD \\n.\\n'\n{server}connect: <<server.address>>\nsteps:\n  - expect: ^220\n  - {{send: NOOP, expect: {{raw: \"\\n\"}}}}\n  \
         - for_each: {{line: [NOOP, XYZZY, NOOP]}}\n    steps:\n      - {{send: <<line>>, expect: 250, on_divergence: continue}}\n  \
         - {{send: QUIT, expect: 221}}\n  - expect: {{any: [{{code: any}}, {{closed: true}}]}}\n"
    );
    let reports = Reports::of(&[("a.yaml", &scenario)], "", &[]);
    assert_eq!(reports.played.code, Some(1), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    let scenario = &scenarios_in(&reports)[0];
    assert_eq!(scenario["name"], "EOD \\n.\\n");
    let steps = scenario["steps"].as_array().unwrap();
    let of = |number: &str| steps.iter().filter(|step| step["number"] == number).collect::<Vec<_>>();
    assert_eq!(of("2")[0]["received"], serde_json::json!({"octets": 11, "text": "500 NO\\0OP\\r\\n"}));
    let turns: Vec<_> = of("3.1").iter().map(|step| (step["turn"].clone(), step["path"].clone())).collect();
    assert_eq!(turns, [(1.into(), "3.1[1]".into()), (2.into(), "3.1[2]".into()), (3.into(), "3.1[3]".into())]);
    assert_eq!(of("5")[0]["closed"], "reset");
    assert_eq!(of("server.1.2")[0]["received"]["text"], "NOOP");
    let divergence = &scenario["divergences"][0];
    assert_eq!((&divergence["expected"], &divergence["got"]), (&"reply code 250".into(), &"500 no".into()));
    let index = usize::try_from(divergence["index"].as_u64().unwrap()).unwrap();
    assert_eq!((&steps[index]["path"], &steps[index]["verdict"]), (&"3.1[2]".into(), &"diverged".into()));
    assert!(reports.played.stdout.contains("= this is iteration 2\n"), "{}", reports.played.stdout);
}

#[test]
fn cases_are_data_with_one_script_a_file() {
    let scenario = "vars: {mta: none, port: 25, note: 'at <<mta>>'}\nsecrets: [password]\ncases:\n  - {mta: postfix, port: 28000}\n  - {mta: exim, port: 28001}\n  \
                    - {mta: other, port: 28002}\nconnect: mx.example:<<port>>\nsteps:\n  - {expect: ^220, name: <<note>>}\n  - {send: NOOP <<password>>, expect: 251}\n";
    let more = ["--sandbox", "--secret", "password=correct horse", "--report-transcripts", "none"];
    let reports = Reports::of(&[("a.yaml", scenario)], "", &more);
    assert_eq!(reports.played.code, Some(1), "{}{}", reports.played.stdout, reports.played.stderr);
    reports.are_sound();
    let scenarios = scenarios_in(&reports);
    assert_eq!(scenarios[1]["case"], serde_json::json!({"mta": "exim", "port": 28001}));
    assert_eq!(scenarios[1]["vars"], serde_json::json!({"mta": "exim", "port": 28001, "note": "at exim"}));
    assert_eq!(scenarios[1]["id"], "a.yaml [case 2: mta=exim]");
    let with = |key: &str| scenarios.iter().filter(|scenario| scenario.get(key).is_some()).count();
    assert_eq!((with("script"), with("transcript"), with("recording")), (1, 0, 0), "{}", reports.text("json"));
    assert!(!reports.text("json").contains("correct horse"));
}

#[test]
fn the_conversations_of_what_failed_alone() {
    let files = [
        ("a.yaml", "connect: mx.example\nsteps:\n  - expect: ^220\n"),
        ("b.yaml", "connect: mx.example\nsteps:\n  - expect: ^221\n"),
    ];
    let reports = Reports::of(&files, "", &["--sandbox", "--report-transcripts", "failed"]);
    reports.are_sound();
    let scenarios = scenarios_in(&reports);
    let told = scenarios.iter().map(|scenario| scenario.get("transcript").is_some()).collect::<Vec<_>>();
    assert_eq!(told, [false, true], "{}", reports.text("json"));
}

#[test]
fn a_warning_is_one_in_every_format() {
    let scenario = "connect: mx.example\nsteps:\n  - expect: ^220\n  - assert: 2 > 1\n    warn: 1 > 2\n";
    let reports = Reports::of(&[("a.yaml", scenario)], "S: 220 mx.example\n", &["--report", "html=page.html"]);
    reports.are_sound();
    assert_eq!(reports.played.code, Some(0), "{}", reports.played.stdout);
    let says = "step 2 warns: `1 &gt; 2` is not true";
    assert_says(&reports.text("junit"), &[&format!("<system-out>warning: {says}"), "failures=\"0\" errors=\"0\""]);
    assert_says(&reports.text("tap"), &["warnings: |", "step 2 warns: `1 > 2` is not true"]);
    assert_says(&reports.text("nagios"), &["SMTP WARNING - 1 scenario: 1 warned"]);
    assert_says(&reports.text("github"), &["1 scenario&#58; 1 warned"]);
    let scenario = &scenarios_in(&reports)[0];
    assert_eq!((&scenario["verdict"], &scenario["divergences"][0]["warning"]), (&"warned".into(), &true.into()));
    assert_eq!(scenario["steps"][2]["verdict"], "followed");
    assert_says(&reports.text("page.html"), &["class=\"diagnostic warning\""]);
}
