//! `smtp-script audit` against scripted servers: grades, reports, exit codes, what changed.

#[path = "program/mod.rs"]
#[expect(dead_code, reason = "other tests ask for more")]
mod program;
#[path = "audit/served.rs"]
#[expect(dead_code, reason = "other tests ask for more")]
mod served;

use program::{command, root, smtp_script};
use serde_json::Value;
use served::Served;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

const VALUES: [&str; 6] =
    ["--sender", "john@example.com", "--recipient", "testuser@example.com", "--relay", "u@other.example.net"];

fn odd(name: &str) -> Served {
    Served::file(&root().join("tests/audit/odd").join(format!("{name}.yaml")))
}

/// An audit of a server on loopback as a mail exchanger.
fn audited(port: u16, options: &[&str]) -> program::Played {
    let host = format!("127.0.0.1:{port}");
    let mut arguments = vec!["audit", &host, "--role", "mx", "--timeout", "2s"];
    arguments.extend(VALUES);
    arguments.extend(options);
    smtp_script(&arguments)
}

#[test]
fn a_server_that_takes_everything_is_an_open_relay() {
    let server = odd("all-250");
    let played = audited(server.port, &["--only", "5321-relay", "--only", "5321-noop"]);
    played.exits(1).says(&[
        "MUST 1/2   SHOULD 0/0   MAY 0/0   n/a 0   blocked 0",
        "FAIL  MUST    5321-relay  RFC 2505 §2.1",
        "        sent    RCPT TO:<u@other.example.net>",
        "        came    250 ok       wanted: ",
        "        play    smtp-script run audit/5321-relay --to 127.0.0.1:",
        "RFC 2505",
    ]);
    audited(server.port, &["--only", "5321-relay", "--fail-on", "never"]).exits(0);
}

#[test]
fn a_server_that_is_not_brought_to_a_check_blocks_it() {
    let server = odd("all-500");
    audited(server.port, &["--only", "5321-noop", "--only", "5321-rset"]).exits(1).says(&[
        "MUST 0/0",
        "blocked 2",
        "more than a tenth is blocked",
    ]);
}

#[test]
fn a_server_that_never_answers_is_not_reached() {
    let server = odd("never");
    audited(server.port, &[]).exits(3).says(&["it says nothing: no greeting came"]);
}

/// What a person can act on, and no step of a scenario that he did not write.
#[test]
fn a_server_that_is_not_reached_is_told_in_words() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
    let played = audited(port, &[]);
    played.exits(3).says(&["could not connect: ", "connection refused; nothing listens there: is the server running"]);
    assert!(!played.out.contains("diverged"), "{}", played.out);
}

#[test]
fn what_to_change_is_listed_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("postfix.yaml");
    let server = "server:\n  steps: [{reply: 220 localhost ESMTP Postfix}]\n  rules: [{match: '', reply: 250 ok}]\n";
    fs::write(&file, server).expect("a file");
    let server = Served::file(&file);
    let chosen = ["5321-no-brackets", "5321-unclosed", "disclose-banner"].map(|id| ["--only", id]).concat();
    let played = audited(server.port, &chosen);
    let out = &played.exits(0).says(&["mend    postfix: strict", "  what to change (postfix)"]).out;
    for line in ["smtpd_banner = $myhostname ESMTP  disclose-banner", "5321-unclosed, 5321-no-brackets"] {
        assert!(out.contains(line), "{out}");
    }
}

#[test]
fn a_value_that_is_missing_is_asked_for() {
    let server = odd("all-250");
    let host = format!("127.0.0.1:{}", server.port);
    smtp_script(&["audit", &host, "--role", "mx", "--only", "5321-relay"]).exits(0).says(&["give --relay"]);
}

#[test]
fn reports_and_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (old, new, csv, xml) = (file("old.json"), file("new.json"), file("m.csv"), file("j.xml"));
    let choice = ["--only", "5321-relay", "--only", "5321-noop", "--only", "5321-greeting"];
    let (lax, strict) = (odd("all-250"), odd("all-500"));
    for (server, json) in [(&lax, &old), (&strict, &new)] {
        let table = file("servers.csv");
        let row = format!(
            "name,host,port,relay,sender,recipient\nmx,127.0.0.1,{},u@other.example.net,a@b.example,c@d.example\n",
            server.port
        );
        fs::write(&table, row).unwrap();
        let (json, csv, xml) = (format!("json={json}"), format!("matrix={csv}"), format!("junit={xml}"));
        let mut arguments = vec!["audit", "--targets", &table, "--role", "mx", "--report", &json, "--report", &csv];
        arguments.extend(["--report", &xml, "--timeout", "2s"]);
        arguments.extend(choice);
        smtp_script(&arguments).exits(1);
    }
    let report: Value = serde_json::from_str(&fs::read_to_string(&old).unwrap()).unwrap();
    assert_eq!(report["audit"]["targets"][0]["grade"]["must"]["applicable"], 3);
    let relay = report["audit"]["checks"].as_array().unwrap().iter().find(|check| check["id"] == "5321-relay").unwrap();
    assert_eq!((&relay["results"]["mx"]["verdict"], &relay["results"]["mx"]["got"]), (&"fail".into(), &"250".into()));
    let csv = fs::read_to_string(csv).unwrap();
    assert!(csv.starts_with("check,rfc,level,mx\r\n") && csv.contains("5321-noop,\"5321 §4.1.1.9"), "{csv}");
    assert!(csv.lines().any(|line| line.starts_with("5321-noop") && line.ends_with(",must,blocked")), "{csv}");
    assert!(fs::read_to_string(xml).unwrap().contains(r#"<testsuite name="mx" tests="3""#));
    smtp_script(&["audit", "--diff", &old, &new]).exits(0).says(&["otherwise  MUST    5321-noop  pass → blocked"]);
    smtp_script(&["audit", "--diff", &old, &old]).exits(0).says(&["nothing changed"]);
    changes_as_reports(&old, &new, &file);
    let joined = smtp_script(&["report", "merge", &old, &new]);
    assert!(joined.exits(2).err.contains("two of these reports are about `mx`"), "{}", joined.err);
    let all = file("all.md");
    smtp_script(&["report", "convert", &old, "--report", &format!("markdown={all}")]).exits(0).says(&["mx (127"]);
    let all = fs::read_to_string(all).unwrap();
    assert!(all.contains("### MUST `5321-relay`: ") && all.contains("C: RCPT TO:<u@other"), "{all}");
}

/// Changes are written as what a person, a machine and a spreadsheet read, and as nothing else.
fn changes_as_reports(old: &str, new: &str, file: &dyn Fn(&str) -> String) {
    let (page, table, json) = (file("page.md"), file("changes.csv"), file("changes.json"));
    let reports = [format!("markdown={page}"), format!("matrix={table}"), format!("json={json}")];
    let mut arguments = vec!["audit", "--diff", new, old];
    arguments.extend(reports.iter().flat_map(|report| ["--report", report]));
    smtp_script(&arguments).exits(1).says(&["broke      MUST    5321-relay  blocked → fail 250"]);
    let page = fs::read_to_string(&page).unwrap_or_default();
    assert!(page.contains("| mx | broke | must | 5321-relay | blocked | fail 250 |"), "{page}");
    let table = fs::read_to_string(table).unwrap_or_default();
    assert!(
        table.starts_with("target,change,level,check,before,after\r\nmx,broke,must,5321-relay,blocked,fail 250\r\n")
    );
    let changes: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap_or_default()).unwrap_or_default();
    assert_eq!(changes["changes"][0]["check"], "5321-relay");
    let converted = smtp_script(&["report", "convert", &json]);
    converted.exits(0).says(&["broke      MUST    5321-relay  blocked → fail 250"]);
    for (format, named) in [("junit", "`junit`"), ("matrix", "a matrix, except as CSV")] {
        let refused = smtp_script(&["audit", "--diff", new, old, "--format", format]);
        assert!(refused.exits(2).err.contains(&format!("cannot be written as {named}")), "{}", refused.err);
    }
}

#[test]
fn mistakes_are_said() {
    for (arguments, says) in [
        (vec!["audit"], "no server is named"),
        (vec!["audit", "127.0.0.1", "--only", "5321-nop"], "did you mean `5321-noop`?"),
        (vec!["audit", "127.0.0.1", "--tls", "startls"], "did you mean `starttls`?"),
        (vec!["audit", "127.0.0.1", "--username", "joe"], "the secret `password` has no value"),
        (vec!["audit", "--explain", "nothing"], "no check is called `nothing`"),
        (vec!["audit", "a", "--report", "matrix=x.txt"], "a matrix is `.md`, `.csv` or `.html`"),
    ] {
        let played = smtp_script(&arguments);
        played.exits(2);
        assert!(played.err.contains(says), "{arguments:?}: {}", played.err);
    }
}

#[test]
fn every_check_is_listed_and_explained() {
    let listed = smtp_script(&["audit", "--list"]);
    listed.exits(0).says(&["relay-null-sender", "5321-noop"]);
    smtp_script(&["audit", "--explain", "5321-noop"]).exits(0).says(&["level   MUST", "RFC 5321", "send: NOOP"]);
}

/// A server that is connected to, and says nothing: `--max-time` ends the audit, and it was not reached.
#[test]
fn the_time_of_all_ends_an_audit() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let played = audited(silent.local_addr().expect("an address").port(), &["--max-time", "500ms"]);
    played.exits(3);
    assert!(played.out.contains("the audit ended before this check did"), "{}", played.out);
}

/// A signal is a signal, whatever `--max-time` would have ended later.
#[test]
fn a_signal_interrupts_an_audit() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = silent.local_addr().expect("an address").to_string();
    let mut audit = command(&["audit", &host, "--max-time", "60s", "--timeout", "60s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let _connected = silent.accept().expect("a connection");
    let sent = Command::new("kill").args(["-INT", &audit.id().to_string()]).status().expect("a signal");
    assert!(sent.success());
    assert_eq!(audit.wait().expect("it ends").code(), Some(130));
}
