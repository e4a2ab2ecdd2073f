//! Transcripts of many families become the scenarios that stand beside them, word for word.
//!
//! `tests/recording/transcripts/NAME` is a text as people paste it. `NAME.expected` is what `import` says to it: its exit
//! code, the scenario, and the messages. `UPDATE=1 cargo test --test imports` writes these: read them before you commit.
//! `credentials` lists the texts that no answer may hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "program/mod.rs"]
#[expect(dead_code, reason = "other tests ask for more")]
mod program;

use program::{command, smtp_script};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recording/transcripts")
}

/// The transcripts, in the order of their names.
fn transcripts() -> Vec<String> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".expected") && name != "credentials").collect();
    names.sort();
    names
}

/// What `import` says to a transcript: the exit code, the scenario, the messages.
fn answer(name: &str, options: &[&str]) -> (String, String) {
    let output = command(&["import", name]).args(options).current_dir(folder()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (scenario, messages) = (text(output.stdout), text(output.stderr));
    let mut answer = String::new();
    _ = write!(answer, "exit {}\n{scenario}--- messages\n{messages}", output.status.code().unwrap());
    (answer, scenario)
}

fn credentials() -> Vec<String> {
    fs::read_to_string(folder().join("credentials")).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_transcript_becomes_its_scenario() {
    let (credentials, update) = (credentials(), std::env::var_os("UPDATE").is_some());
    let scratch = tempfile::tempdir().unwrap();
    let mut wrong = String::new();
    for name in transcripts() {
        let (answer, scenario) = answer(&name, &[]);
        for credential in credentials.iter().filter(|credential| answer.contains(credential.as_str())) {
            _ = writeln!(wrong, "{name}: `{credential}` is told");
        }
        if !scenario.is_empty() {
            let file = scratch.path().join("scenario.yaml");
            fs::write(&file, &scenario).unwrap();
            smtp_script(&["check", &file.to_string_lossy()]).exits(0);
        }
        let expected = folder().join(format!("{name}.expected"));
        if update {
            fs::write(&expected, &answer).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != answer {
            _ = writeln!(wrong, "{name}: the answer is another one:\n{answer}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn one_of_several_sessions_is_chosen() {
    let (one, _) = answer("haraka-two-sessions.txt", &["--session", "1"]);
    assert!(one.contains("send: EHLO one.example") && !one.contains("two.example"), "{one}");
    let (two, _) = answer("haraka-two-sessions.txt", &["--session", "2"]);
    assert!(two.contains("send: EHLO two.example") && !two.contains("one.example"), "{two}");
    let (none, _) = answer("haraka-two-sessions.txt", &["--session", "3"]);
    assert!(none.starts_with("exit 2\n") && none.contains("there is no session 3"), "{none}");
}

#[test]
fn patterns_tell_the_sides_of_a_notation_that_nobody_knows() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("log");
    let log = "x1 ((us)) 220 hi\nx2 ((them)) HELO me\nsomething else\nx3 ((us)) 250 ok\nx4 ((them)) QUIT\nx5 ((us)) 221 bye\n";
    fs::write(&file, log).unwrap();
    let (name, client, server) = (file.to_string_lossy(), r"\(\(them\)\) ", r"\(\(us\)\) (?<line>.*)");
    let played = smtp_script(&["import", &name, "--client", client, "--server", server]);
    played.exits(0).says(&["send: HELO me\n    expect: ^250", "send: QUIT\n    expect: ^221"]);
    smtp_script(&["import", &name, "--client", "(", "--server", "b"])
        .exits(2)
        .says(&["not a valid pattern for `--client`"]);
    smtp_script(&["import", &name, "--client", "a"]).exits(2);
}
