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

#[test]
fn what_is_quoted_does_not_act() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), "steps:\n  - send: NOOP\n    expect: ^2\n").unwrap();
    for sign in SIGNS {
        let odd = format!("a{sign}[31mb");
        std::fs::write(folder.path().join("cases.csv"), format!("{odd},c\n1,2\n")).unwrap();
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
