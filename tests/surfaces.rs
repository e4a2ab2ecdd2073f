//! No character that acts on a terminal, or that cannot be seen, gets out of the program as it is: not from file names, options
//! or values, nor from a report of somebody else's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, Stdio};

/// Colour, a line's end, bidirectional text, a letter that cannot be seen, a variation selector, a tag.
const SIGNS: [char; 7] = ['\u{1b}', '\r', '\u{202e}', '\u{3164}', '\u{115f}', '\u{fe0f}', '\u{e0041}'];

fn said(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
    let output = command.current_dir(folder).args(arguments).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Somebody pastes the URL of an account in place of a server, a file, a value.
#[test]
fn a_login_in_an_address_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), "connect: mx.example\nsteps:\n  - expect: ^220\n").unwrap();
    for address in ["smtps://joe:hunter2pw@mx.example:465", "joe:hunter2pw@mx.example:587"] {
        for before in [
            "",
            "send",
            "send mx.example",
            "shell",
            "audit",
            "audit-client --listen",
            "run",
            "run s.yaml --to",
            "run s.yaml --proxy",
            "run s.yaml --host",
            "check",
            "record -o x.yaml --to",
            "serve --sandbox --listen",
            "new",
            "list",
            "import",
            "explain",
        ] {
            let arguments: Vec<&str> = before.split(' ').filter(|word| !word.is_empty()).chain([address]).collect();
            let text = said(folder.path(), &arguments);
            assert!(!text.is_empty() && !text.contains("hunter2pw"), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn what_is_quoted_does_not_act() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), "steps:\n  - send: NOOP\n    expect: ^2\n").unwrap();
    for sign in SIGNS {
        let odd = format!("a{sign}[31mb");
        std::fs::write(folder.path().join("cases.csv"), format!("{odd},c\n1,2\n")).unwrap();
        let servers = format!("name,host,port\n\"{odd}\",127.0.0.1,1\n");
        std::fs::write(folder.path().join("servers.csv"), servers).unwrap();
        let (file, report, variable) = (format!("{odd}.yaml"), format!("{odd}=x"), format!("{odd}=1"));
        for arguments in [
            &["run", &file][..],
            &["check", &file],
            &["run", "s.yaml", "--sandbox", "--report", &report],
            &["run", "s.yaml", "--sandbox", "--ca-file", &odd],
            &["run", "s.yaml", "--sandbox", "--var", &variable],
            &["run", "s.yaml", "--sandbox", "--secret", &variable],
            &["run", "s.yaml", "--sandbox", "--cases", "cases.csv"],
            &["run", "s.yaml", "--to", &odd],
            &["run", "s.yaml", &format!("--{odd}")],
            &[&odd],
            &["new", &odd],
            &["report", "convert", &odd, "--format", "tap"],
            &["import", &odd],
            &["serve", &file],
            &["audit", "--targets", "servers.csv", "--only", "8bitmime"],
        ] {
            let text = said(folder.path(), arguments);
            assert!(!text.contains(sign), "{sign:?} in what {arguments:?} says: {text}");
        }
    }
}

#[test]
fn a_report_of_somebody_else_does_not_act() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), "name: odd\nsteps:\n  - send: NOOP\n    expect: ^299\n").unwrap();
    said(folder.path(), &["run", "s.yaml", "--sandbox", "--report", "json=r.json"]);
    let report = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
    for sign in SIGNS {
        let spelled = if sign.is_control() { format!("\\u{:04x}", u32::from(sign)) } else { sign.to_string() };
        let hostile = report.replace("\"odd", &format!("\"odd{spelled}"));
        assert_ne!(hostile, report);
        std::fs::write(folder.path().join("h.json"), hostile).unwrap();
        for format in ["markdown", "tap", "junit", "nagios", "prometheus", "github", "html"] {
            let text = said(folder.path(), &["report", "convert", "h.json", "--format", format]);
            assert!(!text.contains(sign), "{sign:?} in {format}: {text}");
        }
    }
}

/// What the runners of GitHub Actions and Azure Pipelines would obey; the program's own annotations are not meant.
fn commands(text: &str) -> Vec<&str> {
    let of_theirs = |line: &&str| {
        let own = ["::error file=", "::warning file=", "::notice file="].iter().any(|own| line.starts_with(own));
        let at_start = line.trim_start().strip_prefix("::").is_some_and(|rest| rest.contains("::")) && !own;
        line.contains("##[") || line.contains("##vso[") || at_start
    };
    text.lines().filter(of_theirs).collect()
}

/// A scenario that is written for the log of a job, on standard output in each format; files have it as it is.
#[test]
fn a_scenario_commands_no_runner() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# ##[add-mask]250\nname: '##[group]x'\nconnect: mx.example\nsteps:\n  - expect: ^220\n  - name: '##[error]y'\n    send: NOOP '##[z]'\n    \
                expect: ^299\n  - data: |\n      ##vso[task]\n      ::error::in a block\n\n      x\n";
    std::fs::write(folder.path().join("c.yaml"), text).unwrap();
    let formats = ["human", "json", "html", "markdown", "junit", "tap", "prometheus", "nagios", "github", "matrix"];
    for format in formats {
        for more in [&["--sandbox"][..], &["--sandbox", "-v"], &["--to", "127.0.0.1:1"]] {
            let arguments = [&["run", "c.yaml", "--format", format], more];
            let said = said(folder.path(), &arguments.concat());
            assert!(said.len() > 20 && commands(&said).is_empty(), "{format}: {:?}\n{said}", commands(&said));
        }
    }
    said(folder.path(), &["run", "c.yaml", "--sandbox", "--report", "markdown=t.md"]);
    let ticket = std::fs::read_to_string(folder.path().join("t.md")).unwrap();
    assert!(ticket.contains(text), "{ticket}");
}

/// Nor does a report in JSON that somebody else has written, whatever it becomes.
#[test]
fn a_report_of_somebody_else_commands_no_runner() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), "name: odd\nsteps:\n  - send: NOOP\n    expect: ^299 odd\n").unwrap();
    said(folder.path(), &["run", "s.yaml", "--sandbox", "--report", "json=r.json"]);
    let report = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
    for sign in ["##[error]", "##vso[x]", "\\n::error::x\\n"] {
        std::fs::write(folder.path().join("h.json"), report.replace("odd", &format!("odd{sign}"))).unwrap();
        for format in ["human", "json", "html", "markdown", "junit", "tap", "prometheus", "nagios", "github", "matrix"]
        {
            let text = said(folder.path(), &["report", "convert", "h.json", "--format", format]);
            assert!(commands(&text).is_empty(), "{sign} in {format}: {:?}", commands(&text));
        }
    }
}

/// The defaults of a folder are a file below it, or below `--file-root`, as an included file is.
#[cfg(unix)]
#[test]
fn defaults_lead_out_of_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(folder.path().join("outside.yaml"), "vars: {name: value-of-outside}\nkey-of-outside: 1\n").unwrap();
    std::fs::write(inner.join("s.yaml"), "connect: mx.example\nsteps:\n  - expect: ^220 <<name>>\n").unwrap();
    std::os::unix::fs::symlink("../outside.yaml", inner.join("_defaults.yaml")).unwrap();
    let refused = said(folder.path(), &["check", "inner/s.yaml"]);
    assert!(
        refused.contains("it lies outside of the scenario's folder") && !refused.contains("of-outside"),
        "{refused}"
    );
    let allowed = said(folder.path(), &["check", "inner/s.yaml", "--file-root", "."]);
    assert!(allowed.contains("key-of-outside"), "{allowed}");
    std::fs::remove_file(inner.join("_defaults.yaml")).unwrap();
    std::fs::write(inner.join("_defaults.yaml"), format!("vars: {{name: x}}\n{}", "# x\n".repeat(300_000))).unwrap();
    assert!(
        said(folder.path(), &["check", "inner/s.yaml"])
            .contains("has more than the 1048576 bytes that a scenario may have")
    );
}
