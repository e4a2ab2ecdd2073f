//! Reports in Markdown: a person reads them, `run` plays them again, and nothing secret stands in them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "harness/files.rs"]
mod files;
#[expect(dead_code, reason = "no secret is looked for by its help")]
mod program;

use files::files_below;
use program::{root, smtp_script};
use smtp_script::portable::{attach, portable};
use smtp_script::report::collect::{Circumstances, played};
use smtp_script::report::{Format, Report, format};
use smtp_script::run::{self, Outcome, Settings};
use smtp_script::scenario::{Inputs, Scenario, Secret, Variables};
use smtp_script::{load, load_recording, load_text};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

/// A scenario that was played in the sandbox, with secrets of its own.
struct Play {
    scenario: Scenario,
    variables: Variables,
    settings: Settings,
    outcome: Outcome,
}

impl Play {
    fn of(scenario: Scenario, vars: &[(&str, &str)], case: Option<usize>) -> Play {
        let names = scenario.needs().secrets;
        let inputs = Inputs {
            vars: vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            secrets: names.into_iter().map(|name| (name.clone(), Secret::new(format!("hunter2-{name}")))).collect(),
            untrusted: false,
            ..Inputs::default()
        };
        let variables = Variables::for_case(&scenario, &inputs, case).unwrap();
        let settings = Settings { sandbox: true, seed: Some(7), record: true, ..Settings::default() };
        let outcome = run::run(&scenario, &variables, &settings);
        Play { scenario, variables, settings, outcome }
    }

    fn report(&self) -> Report {
        let mut report = Report::begin();
        let mut scenario = played(&self.outcome, Circumstances::default(), &[]);
        attach(&mut scenario, &self.outcome, &self.scenario, &self.variables, &self.settings);
        report.scenarios.push(scenario);
        report
    }

    fn script(&self) -> String {
        portable(&self.scenario, &self.variables, &self.settings).unwrap().script
    }
}

fn ticket(report: &Report) -> String {
    let mut text = Vec::new();
    format::write(Format::Markdown, report, &format::Options::default(), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The transcript without what time and chance make of it.
fn said(outcome: &Outcome) -> Vec<String> {
    outcome.transcript.iter().map(|entry| format!("{} {}", entry.step, entry.text)).collect()
}

/// A server that plays a scenario's side in a thread.
struct Served {
    address: String,
    stop: run::Stop,
    thread: JoinHandle<Outcome>,
}

impl Served {
    fn start(scenario: Scenario) -> Served {
        let (sender, receiver) = mpsc::channel();
        let stop = run::Stop::default();
        let settings = Settings { stop: Some(stop.clone()), ..Settings::default() };
        let thread = std::thread::spawn(move || {
            let mut ready = |listening: &run::Listening| sender.send(listening.address.to_string()).unwrap();
            run::serve(&scenario, &Variables::default(), &settings, &mut ready)
        });
        Served { address: receiver.recv().unwrap(), stop, thread }
    }

    fn end(self) {
        self.stop.stop();
        _ = self.thread.join().unwrap();
    }
}

/// The headline of what the program printed.
fn headline(printed: &str) -> String {
    printed.lines().find(|line| line.starts_with("error: ")).unwrap_or("none").to_owned()
}

/// Plays a client against a server, then its report against the recording, elsewhere; gives both headlines.
fn there_and_here(server: &str, client: &str, options: &[&str]) -> (String, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("client.yaml"), client).unwrap();
    let there = Served::start(load_text("server", server).unwrap());
    let report = format!("markdown={}", path("report.md"));
    let file = path("client.yaml");
    let mut words = vec!["run", &file, "--to", &there.address, "--insecure", "--report", &report];
    words.extend(["--secret", "password=hunter2-hunter2"]);
    words.extend(options);
    let first = smtp_script(&words);
    there.end();
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy.md");
    fs::copy(path("report.md"), &copy).unwrap();
    let page = fs::read_to_string(&copy).unwrap();
    let recording = load_recording(&copy).unwrap_or_else(|error| panic!("{error}\n{page}"));
    let here = Served::start(recording);
    let copy = copy.display().to_string();
    let second = smtp_script(&["run", &copy, "--to", &here.address, "--insecure", "--made-up-secrets"]);
    here.end();
    assert!(!page.contains("hunter2"), "{page}");
    (headline(&(first.err + &first.out)), headline(&(second.err + &second.out)), page)
}

/// The client's half of a login and a message.
const CLIENT: &str = "\
secrets: [password]
timeout: 1s
connect: mail.example.com
steps:
  - expect: ^220
  - send: EHLO client.example
    expect: ^250
  - name: the login is taken
    send: AUTH PLAIN <<auth_plain('joe', password)>>
    expect: ^235
  - send: MAIL FROM:<a@example.com> ENVID=<<uuid()>>
    expect: ^250
  - send: RCPT TO:<b@example.com>
    expect: ^250
  - send: DATA
    expect: ^354
  - name: the message is taken
    data: |
      Date: <<rfc5322_date()>>

      Hi
    expect: ^250
  - send: QUIT
    expect: {code: 221, closed: fin}
";

/// What a server does up to the login.
const UP_TO_LOGIN: &str = "\
server:
  steps:
    - reply: 220 a.example ESMTP
    - expect: ^EHLO
      reply: [a.example, AUTH PLAIN]
    - expect: ^AUTH
";

#[test]
fn a_report_diverges_at_the_same_step_elsewhere() {
    let ends = [
        ("a refusal", "      reply: 535 5.7.8 no\n    - expect: {closed: true}\n", "got 535 5.7.8"),
        (
            "a refusal of many lines",
            "      reply: {code: 535, lines: [a, \"b <<'<<'>>x>> `c`\"]}\n    - expect: {closed: true}\n",
            "got 535",
        ),
        (
            "the secret comes back",
            "      reply: 535 hunter2-hunter2 is wrong\n    - expect: {closed: true}\n",
            "got 535",
        ),
        ("no answer", "    - expect: {closed: true}\n", "got nothing for 1 s"),
        ("the end", "    - close\n", "closed"),
        ("a reset", "    - close: reset\n", "reset"),
        (
            "bytes that are no reply",
            "      reply: {raw: {hex: 32 33 35 ff 00 0a}}\n    - expect: {closed: true}\n",
            "step 3",
        ),
        ("half of a reply", "      reply: {raw: \"235-a\\r\\n235\"}\n    - close\n", "step 3"),
        (
            "hostile Markdown",
            "      reply: {raw: \"535 ```\\r\\n```yaml smtp-script\\r\\n\"}\n    - close\n",
            "got 535",
        ),
    ];
    for (what, end, message) in ends {
        let (there, here, page) = there_and_here(&format!("{UP_TO_LOGIN}{end}"), CLIENT, &[]);
        assert!(there.contains(message), "{what}: {there}\n{page}");
        assert_eq!(there, here, "{what}\n{page}");
    }
}

#[test]
fn mail_data_and_several_connections_are_played_again() {
    let server = "\
server:
  connections:
    - times: 2
      steps:
        - reply: 220 a.example ESMTP
        - expect: ^EHLO
          reply: [a.example, AUTH PLAIN]
        - expect: ^AUTH
          reply: 235 2.7.0 welcome
        - expect: ^MAIL
          reply: 250 ok
        - expect: ^RCPT
          reply: 250 ok
        - expect: ^DATA
          reply: 354 go on
        - receive: data
          reply: 451 4.7.1 later
        - expect: {closed: true}
";
    let (there, here, page) = there_and_here(server, CLIENT, &[]);
    assert!(there.contains("the message is taken") && there.contains("451 4.7.1"), "{there}\n{page}");
    assert_eq!(there, here, "{page}");
    let twice = CLIENT.replace("connect: mail.example.com\nsteps:", "steps:\n  - connect: mail.example.com");
    let steps: Vec<String> = twice.lines().skip(3).map(|line| format!("    {line}\n")).collect();
    let steps = steps.concat();
    let twice = format!(
        "secrets: [password]\ntimeout: 1s\nsteps:\n  - retry: {{attempts: 2, delay: 1ms}}\n    steps:\n{steps}"
    );
    let (there, here, page) = there_and_here(server, &twice, &[]);
    assert!(there.contains("451 4.7.1"), "{there}\n{page}");
    assert_eq!(there, here, "{page}");
}

#[test]
fn every_scenario_can_be_sent_and_played_again() {
    let paths = files_below(&root().join("scenarios"), "yaml");
    let of_audit = ["scenarios/audit", "scenarios/audit-client"];
    // The checks of audits include openings from the folder above them, which a file that is loaded alone may not.
    let alone: Vec<PathBuf> =
        paths.into_iter().filter(|path| !of_audit.iter().any(|folder| path.starts_with(root().join(folder)))).collect();
    assert!(alone.len() > 10);
    for path in alone {
        let first = Play::of(load(&path).unwrap(), &[], None);
        let report = first.report();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.md");
        fs::write(&file, ticket(&report)).unwrap();
        let again = load(&file).unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), ticket(&report)));
        let second = Play::of(again, &[], None);
        let verdict = |play: &Play| (play.outcome.verdict().exit_code(), play.outcome.steps.len());
        assert_eq!(verdict(&first), verdict(&second), "{}\n{}", path.display(), ticket(&report));
        let message = |play: &Play| play.outcome.divergences.first().map(|one| one.diagnostic.message.clone());
        assert_eq!(message(&first), message(&second), "{}", path.display());
        assert!(!ticket(&report).contains("hunter2"), "{}", ticket(&report));
    }
}

#[test]
fn the_authors_text_stays() {
    let path = root().join("scenarios/sendgrid-auth-login.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let script = Play::of(load(&path).unwrap(), &[], None).script();
    let without_modeline: Vec<&str> = text.lines().filter(|line| !line.starts_with("# yaml-language")).collect();
    assert_eq!(script.trim(), without_modeline.join("\n").trim());
    let script = Play::of(load(&path).unwrap(), &[("from", "me: #1")], None).script();
    assert!(script.contains("from: \"me: #1\"\n"), "{script}");
}

/// A scenario with everything that another machine would not have.
const RICH: &str = "\
# hunter2-password is a secret
name: everything # also hunter2-password
vars:
  host: mail.example.com
  to: mary@jane.com
  count: 1
  greeting: Hello <<to>>
secrets: [username, password]
cases:
  - {to: first@example.com}
  - to: second@example.com
    count: 2
connect: {host: <<host>>, port: 25, ca_file: ca.pem}
steps:
  - include: _greet.yaml  # a comment
    vars: {client: other.example}
  - send: MAIL FROM:<a@example.com>
    expect: ^250
  - send: RCPT TO:<<<to>>>
    expect: ^250
  - send: DATA
    expect: ^354
  - data: {file: message.eml, line_endings: crlf}  # small
    expect: ^250
  - send: MAIL FROM:<a@example.com>
    expect: ^250
  - send: RCPT TO:<<<to>>>
    expect: ^250
  - send: DATA
    expect: ^354
  - message:
      from: a@example.com
      to: <<to>>
      subject: it's hunter2-password
      text: hi
      attach:
        - report.bin
        - {file: notes.txt, name: other.txt}
    expect: ^250
  - send: MAIL FROM:<a@example.com>
    expect: ^250
  - send: RCPT TO:<<<to>>>
    expect: ^250
  - bdat:
      file: large.eml
      chunk: 16KiB
    expect: ^250
finally:
  - include: _quit.yaml
";

fn rich_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    file("rich.yaml", RICH.as_bytes());
    file(
        "_greet.yaml",
        b"# greets\nvars:\n  client: client.example\n  word: |\n    two\n    lines\nsteps:\n\n    - expect: ^220\n    - include: _hello.yaml\n",
    );
    file("_hello.yaml", b"- send: EHLO <<client>>\n  # why\n  expect: ^250\n");
    file("_quit.yaml", b"[{send: QUIT, expect: ^221}]\n");
    file("message.eml", b"Subject: x\r\n\r\n <<no template>>\r\n.dot\r\n");
    file("report.bin", &[0, 255, 13, 10, 1]);
    file("notes.txt", b"```\n<<notes>>\n");
    file("large.eml", "a line of the message\r\n".repeat(5_000).as_bytes());
    file("ca.pem", b"-----BEGIN CERTIFICATE-----\n");
    folder
}

#[test]
fn everything_is_written_in() {
    let folder = rich_folder();
    let scenario = load(&folder.path().join("rich.yaml")).unwrap();
    let first = Play::of(scenario, &[], Some(1));
    assert_eq!(first.outcome.divergences.len(), 0, "{:?}", first.outcome.divergences);
    let script = first.script();
    assert!(!script.contains("hunter2"), "{script}");
    for part in
        ["to: second@example.com", "count: 2", "client: other.example", "base64: ", "filler: \"21*5000\"", "SHA-256"]
    {
        assert!(script.contains(part), "{part}\n{script}");
    }
    let second = Play::of(load_text("again", &script).unwrap(), &[], None);
    assert_eq!(second.outcome.divergences.len(), 0, "{script}");
    let octets = |play: &Play| play.outcome.sessions.iter().map(|one| one.sent).collect::<Vec<_>>();
    // `<<password>>` is sent as it was, in the place of the secret that stood there.
    assert_eq!(octets(&first), octets(&second), "{script}");
    let commands = |play: &Play| {
        said(&play.outcome)
            .into_iter()
            .filter(|line| line.contains("RCPT") || line.contains("EHLO"))
            .collect::<Vec<_>>()
    };
    assert_eq!(commands(&first), commands(&second));
    let report = first.report();
    let page = ticket(&report);
    assert_eq!(page.matches("yaml smtp-script\n").count(), 1, "{page}");
}

#[test]
fn what_cannot_be_used_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.md");
    let name = file.display().to_string();
    let says = |text: &str, parts: &[&str]| {
        fs::write(&file, text).unwrap();
        _ = smtp_script(&["check", &name]).exits(2).says(parts);
        _ = smtp_script(&["run", &name]).exits(2).says(parts);
    };
    let fence = "```yaml smtp-script\nconnect: a.example\nsteps:\n  - expect: ^220\n```\n";
    says("# nothing\n", &["holds no block", "report.md:1:1"]);
    says(&format!("{fence}\n{fence}"), &["a second block", "report.md:7:1", "begins in line 1"]);
    says("# a\n\n```yaml smtp-script\nsteps: []\n", &["never closed", "report.md:3:1"]);
    says(
        "text\r\n\r\n```yaml smtp-script\r\nsteps:\r\n  - sned: x\r\n```\r\n",
        &["`sned` is not a key", "report.md:5:5"],
    );
    let large = format!("{fence}{}", "x\n".repeat(5 * 1024 * 1024));
    says(&large, &["has more than the 8388608 bytes"]);
    fs::write(&file, fence).unwrap();
    _ = smtp_script(&["check", &name]).exits(0);
}

#[test]
fn a_report_is_a_strangers() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["report.md", "report.txt", "report"] {
        is_a_strangers(&folder.path().join(name), folder.path());
    }
}

fn is_a_strangers(file: &Path, folder: &Path) {
    let name = file.display().to_string();
    let with = |connect: &str| format!("```yaml smtp-script\nconnect: {connect}\nsteps:\n  - expect: ^220\n```\n");
    for address in ["127.0.0.1:25", "localhost:25", "10.0.0.1:25", "\"[::1]:25\""] {
        fs::write(file, with(address)).unwrap();
        _ = smtp_script(&["run", &name, "--timeout", "1s"]).exits(2).says(&["untrusted"]);
    }
    fs::write(file, with("{unix: /run/x}")).unwrap();
    _ = smtp_script(&["run", &name]).exits(2).says(&["an untrusted scenario reaches no unix socket"]);
    fs::write(folder.join("secret.txt"), "x").unwrap();
    let reads =
        "```yaml smtp-script\nconnect: a.example\nsteps:\n  - expect: ^220\n  - data: {file: secret.txt}\n```\n";
    fs::write(file, reads).unwrap();
    _ = smtp_script(&["check", &name]).exits(2).says(&["an untrusted scenario reads no file"]);
    _ = smtp_script(&["check", &name, "--file-root", &folder.display().to_string()]).exits(0);
}

/// A ticket about a step that gets another reply than expected.
fn a_ticket(folder: &Path) -> String {
    let file = folder.join("scenario.yaml").display().to_string();
    fs::write(&file, "connect: mail.example.com:2525\nsteps:\n  - expect: ^220\n  - send: NOSUCH\n    expect: ^250\n")
        .unwrap();
    let ticket = folder.join("ticket.md").display().to_string();
    let report = format!("markdown={ticket}");
    _ = smtp_script(&["run", &file, "--sandbox", "--report", &report]).exits(1);
    ticket
}

#[test]
fn a_ticket_is_read_however_it_comes_and_says_whether_it_happened_again() {
    let folder = tempfile::tempdir().unwrap();
    let ticket = a_ticket(folder.path());
    let text = fs::read_to_string(&ticket).unwrap();
    assert!(text.contains("was played against the sandbox, standing in for `mail.example.com:2525` on"), "{text}");
    assert_eq!(text.matches("the reply was").count(), 1, "{text}");
    let again = "as in the ticket: step 2, 500 5.5.2\n";
    _ = smtp_script(&["run", &ticket, "--sandbox"]).exits(1).says(&[again]);
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let pasted = text.replace("    expect", "\u{a0} \u{a0} expect").replace('\n', "\r\n");
    for (name, text) in
        [("a.txt", &text), ("b.txt", &pasted), ("c.markdown", &text), ("d.txt", &"no ticket".to_owned())]
    {
        fs::write(below.join(name), text).unwrap();
    }
    let below = below.display().to_string();
    _ = smtp_script(&["run", &below, "--sandbox"]).exits(1).says(&[again, again, again, "3 scenarios: 3 diverged ("]);
    let mut child = program::command(&["run", "-", "--sandbox"]);
    let output = child.stdin(fs::File::open(&ticket).unwrap()).output().unwrap();
    _ = program::Played::of(&output).exits(1).says(&[again]);
    let other = text.replace("`500` `5.5.2`", "`535`");
    fs::write(&ticket, other).unwrap();
    let differs = "differs from the ticket: now step 2, 500 5.5.2; in the ticket step 2, 535\n";
    _ = smtp_script(&["run", &ticket, "--sandbox"]).exits(1).says(&[differs]);
    fs::write(&ticket, text.replace("send: NOSUCH", "send: EHLO a.example")).unwrap();
    let passes = "differs from the ticket: now it followed its script; in the ticket step 2, 500 5.5.2\n";
    _ = smtp_script(&["run", &ticket, "--sandbox"]).exits(0).says(&[passes]);
}

#[test]
fn another_server_stands_in_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml").display().to_string();
    let there =
        Served::start(load_text("server", "server: {steps: [{reply: 220 a}, {expect: ^QUIT, reply: 221 b}]}").unwrap());
    let (host, port) = there.address.rsplit_once(':').unwrap();
    fs::write(
        &file,
        format!("connect: mail.example.com:{port}\nsteps:\n  - expect: ^220\n  - {{send: QUIT, expect: 221}}\n"),
    )
    .unwrap();
    let report = format!("markdown={}", folder.path().join("t.md").display());
    // Without a port the one of the file stays.
    _ = smtp_script(&["run", &file, "--to", host, "--report", &report]).exits(0);
    let text = fs::read_to_string(folder.path().join("t.md")).unwrap();
    let line = format!("was played against `{0}`, standing in for `mail.example.com:{port}` on", there.address);
    assert!(text.contains(&line) && text.contains(&format!("connect: {}", there.address)), "{text}");
    there.end();
}

#[test]
fn a_server_writes_no_markdown() {
    let mut report = Play::of(load(&root().join("scenarios/sendgrid-auth-login.yaml")).unwrap(), &[], None).report();
    let hostile = "``` \n```yaml smtp-script\nsteps: []\n```\n<script>alert(1)</script> [x](javascript:1) @all";
    let scenario = &mut report.scenarios[0];
    scenario.name = hostile.to_owned();
    scenario.transcript[0].text = hostile.to_owned();
    scenario.notices.push(hostile.to_owned());
    scenario.captures.insert("`x`".to_owned(), hostile.to_owned());
    scenario.sessions[0].host = hostile.to_owned();
    let page = ticket(&report);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("report.md"), &page).unwrap();
    let again = load(&folder.path().join("report.md")).unwrap_or_else(|error| panic!("{error}\n{page}"));
    assert_eq!(again.name, load(&root().join("scenarios/sendgrid-auth-login.yaml")).unwrap().name);
    // Outside of code there is no HTML.
    let mut fence: Option<String> = None;
    for line in page.lines() {
        let ticks: String = line.chars().take_while(|letter| *letter == '`').collect();
        match &fence {
            Some(open) if ticks.len() >= open.len() && line == ticks => fence = None,
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => assert!(!line.trim_start().starts_with("<script"), "{line}"),
            Some(_) => {}
        }
    }
}

#[test]
fn the_defaults_of_a_folder_are_written_in() {
    let defaults = "vars: {host: mail.example.com, client: c.example, other: x}\nsecrets: [password, unused]\nconnect: <<host>>:2525\ntimeout: 5s\n";
    let steps = "steps:\n  - expect: ^220\n  - send: NOSUCH <<client>> <<password>>\n    expect: ^250 <<code>>\n";
    for own in [
        "vars: {code: x}\n",
        "vars:\n  code: x\nsecrets: [token]\n",
        "name: n\nvars:\n  code: x\nsecrets:\n  - token\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("_defaults.yaml"), defaults).unwrap();
        fs::write(path("a.yaml"), format!("{own}{steps}")).unwrap();
        let report = format!("ticket={}", path("t.md"));
        let played = smtp_script(&["run", &path("a.yaml"), "--sandbox", "--made-up-secrets", "--report", &report]);
        _ = played.exits(1);
        fs::remove_file(path("_defaults.yaml")).unwrap();
        let ticket = fs::read_to_string(path("t.md")).unwrap();
        assert!(ticket.contains("connect: <<host>>:2525\n") && ticket.contains("host: mail.example.com"), "{ticket}");
        assert!(!ticket.contains("unused") && !ticket.contains("other: x"), "{ticket}");
        let again = smtp_script(&["run", &path("t.md"), "--sandbox", "--made-up-secrets"]);
        _ = again.exits(1).says(&["as in the ticket: step 2, 500"]);
    }
}

#[test]
fn a_scripted_server_writes_reports() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("mx.yaml"), "server:\n  connections:\n    - steps: [{reply: 220 hi}]\n").unwrap();
    let reports = ["json", "junit", "ticket", "html"].map(|format| format!("{format}={}", path(format)));
    let file = path("mx.yaml");
    let mut arguments = vec!["serve", &file, "--max-time", "200ms"];
    arguments.extend(reports.iter().flat_map(|report| ["--report", report.as_str()]));
    _ = smtp_script(&arguments).exits(1).says(&["listening on", "was never opened: no client connected"]);
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(path("json")).unwrap()).unwrap();
    assert_eq!((&json["exit_code"], &json["scenarios"][0]["verdict"]), (&1.into(), &"diverged".into()));
    let said = |name: &str| fs::read_to_string(path(name)).unwrap();
    assert!(
        said("junit").contains("<failure message=\"connection 1 of the server was never opened: no client connected\"")
    );
    assert!(
        said("ticket").contains("```yaml smtp-script\nserver:")
            && said("html").contains("was never opened: no client connected")
    );
    let printed = smtp_script(&["serve", &file, "--max-time", "200ms", "--format", "tap"]);
    _ = printed.exits(1).says(&["not ok 1 - "]);
}
