//! Every scenario that ships passes `check` without a warning and plays against the built-in sandbox server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "harness/files.rs"]
mod files;
#[path = "program/mod.rs"]
mod program;

use files::files_below;
use program::{root, smtp_script};
use std::fs;
use std::path::PathBuf;

/// Scenarios that the sandbox cannot follow by its nature: the file, why, and the exit code.
const NOT_FOR_THE_SANDBOX: [(&str, &str, i32); 2] = [
    ("scenarios/relay/open-relay.yaml", "the sandbox takes mail for everybody and delivers none", 1),
    (
        "scenarios/security/no-auth-before-tls.yaml",
        "the sandbox offers AUTH without TLS, for those who test in plain text",
        1,
    ),
];

#[test]
fn each_passes_check_without_a_warning() {
    for file in shipped() {
        let played = smtp_script(&["check", &file]);
        played.exits(0);
        assert_eq!((played.out.as_str(), played.err.as_str()), ("1 file: nothing to complain about\n", ""), "{file}");
    }
}

#[test]
fn each_plays_against_the_sandbox() {
    for file in shipped() {
        let exception = NOT_FOR_THE_SANDBOX.iter().find(|(name, ..)| *name == file);
        let played = smtp_script(&["run", &file, "--sandbox", "--verbose"]);
        match exception {
            Some((_, _, code)) => played.exits(*code).says(&[&format!("FAIL {file}  ")]),
            None => played.exits(0).says(&[&format!("PASS {file}  "), "1 scenario: 1 followed ("]),
        };
        // The values that the sandbox makes up for secrets are not for the terminal either.
        played.keeps(&["made-up-"]);
    }
}

#[test]
fn each_exception_is_a_scenario() {
    let files = shipped();
    for (file, ..) in NOT_FOR_THE_SANDBOX {
        assert!(files.iter().any(|name| name == file), "{file}");
    }
}

#[test]
fn each_says_what_it_is() {
    for file in shipped() {
        let scenario = smtp_script::load(&root().join(&file)).unwrap();
        assert!(scenario.name.is_some_and(|name| !name.is_empty()), "{file} has no name");
        assert!(scenario.description.is_some_and(|text| !text.is_empty()), "{file} has no description");
        assert!(!scenario.tags.is_empty(), "{file} has no tags");
        let text = fs::read_to_string(root().join(&file)).unwrap();
        assert!(
            text.starts_with("# ") && text.contains(&format!("smtp-script run {file}")),
            "{file} does not say how to run it"
        );
    }
}

/// Whoever runs one folder gets along with one set of variables: no file means something else by the same name.
#[test]
fn all_run_as_one_folder() {
    let count = shipped().len();
    let diverged = NOT_FOR_THE_SANDBOX.len();
    let summary = format!("{count} scenarios: {} followed, {diverged} diverged (", count - diverged);
    let mut arguments = vec!["run", "--sandbox", "--var", "to=john@example.com"];
    let files = shipped();
    arguments.extend(files.iter().map(String::as_str));
    smtp_script(&arguments).exits(1).says(&[&summary]);
}

/// The paths of all scenarios, as they are given on the command line.
fn shipped() -> Vec<String> {
    // The checks of audits are told apart by tests/audit.rs and tests/audit_client.rs.
    let of_audits = ["scenarios/audit/", "scenarios/audit-client/"];
    let name = |path: PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    let all = files_below(&root().join("scenarios"), "yaml").into_iter().map(name);
    let files: Vec<String> = all.filter(|name| !of_audits.iter().any(|folder| name.starts_with(folder))).collect();
    assert!(files.len() > 10, "{files:?}");
    files
}
