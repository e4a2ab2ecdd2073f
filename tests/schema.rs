//! The JSON Schema of the language, held against the language: somebody else's validator (Python's jsonschema, which
//! `tests/servers/install` installs) accepts what `check` accepts and refuses what an editor should mark.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "harness/files.rs"]
mod files;
mod program;

use files::files_below;
use program::{root, smtp_script};
use serde_json::{Value, json};
use smtp_script::run::Settings;
use smtp_script::scenario::Diagnostic;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Reads a schema and documents, and prints the names of those that are valid.
const VALIDATE: &str = "
import json, sys
from jsonschema import Draft202012Validator
work = json.load(sys.stdin)
Draft202012Validator.check_schema(work['schema'])
validator = Draft202012Validator(work['schema'])
for document in work['documents']:
    if validator.is_valid(document['content']):
        print(document['name'])
";

fn schema() -> Value {
    serde_json::from_str(smtp_script::scenario::SCHEMA).unwrap()
}

/// The names of those documents that the schema accepts.
fn accepted(documents: &[(String, Value)]) -> Vec<String> {
    let list: Vec<Value> = documents.iter().map(|(name, content)| json!({"name": name, "content": content})).collect();
    let work = json!({"schema": schema(), "documents": list}).to_string();
    // Debian's own Python: another one on the path need not have the module.
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", VALIDATE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("/usr/bin/python3: {error}: run `tests/servers/install`"));
    python.stdin.take().unwrap().write_all(work.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "is Python's jsonschema there? run `tests/servers/install`");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// Each scenario below a folder.
fn scenarios_below(folder: &Path) -> Vec<PathBuf> {
    // What others include is no scenario.
    let is_part = |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('_'));
    files_below(folder, "yaml").into_iter().filter(|file| !is_part(file)).collect()
}

#[test]
fn the_command_prints_what_is_committed() {
    let printed = smtp_script(&["schema"]);
    printed.exits(0).says(&["https://json-schema.org/draft/2020-12/schema"]).keeps(&["error"]);
    assert_eq!(printed.out, fs::read_to_string(root().join("docs/scenario.schema.json")).unwrap());
}

#[test]
fn every_scenario_that_ships_is_accepted_and_names_the_schema() {
    let files = scenarios_below(&root().join("scenarios"));
    let mut documents = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let (_, relative) = text.lines().next().unwrap().split_once("$schema=").unwrap();
        assert!(file.parent().unwrap().join(relative).is_file(), "{}: {relative}", file.display());
        documents.push((file.display().to_string(), yaml(&text)));
    }
    let names: Vec<String> = documents.iter().map(|(name, _)| name.clone()).collect();
    assert!(names.len() > 15);
    assert_eq!(accepted(&documents), names);
}

#[test]
fn what_check_accepts_is_accepted() {
    let mut documents = Vec::new();
    for file in scenarios_below(&root().join("tests/cases")) {
        let Ok(scenario) = smtp_script::load(&file) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        // A ticket is Markdown, whatever it is called.
        if text.starts_with("# `") {
            continue;
        }
        let found = smtp_script::check(&scenario, None, &Settings::default());
        if !found.iter().any(Diagnostic::is_error) {
            documents.push((file.display().to_string(), yaml(&text)));
        }
    }
    let names: Vec<String> = documents.iter().map(|(name, _)| name.clone()).collect();
    assert!(names.len() > 80);
    assert_eq!(accepted(&documents), names);
}

#[test]
fn what_an_editor_should_mark_is_refused() {
    let bad = [
        "steps: 5",
        "step: []",
        "steps: []",
        "steps: [{sned: EHLO}]",
        "steps: [{send: a, raw: b}]",
        "steps: [quit]",
        "steps: [{expect: [250, 251]}]",
        "steps: [{expect: {text: ok}}]",
        "steps: [{expect: 650}]",
        "steps: [{expect: {code: 250, any: [250]}}]",
        "steps: [{send: a, repeat: 3}]",
        "steps: [{sleep: 5}]",
        "steps: [{close: softly}]",
        "steps: [{data: {text: a, file: b}}]",
        "steps: [{retry: {delay: 1s}, steps: [{expect: 250}]}]",
        "steps: [{bdat: {}}]",
        "steps: [{auth: {mechanism: PLAIN, user: a}}]",
        "connect: {host: a, mx: b}\nsteps: [{expect: 220}]",
        "connect: {port: 25}\nsteps: [{expect: 220}]",
        "secrets: password\nsteps: [{expect: 220}]",
        "timeout: soon\nsteps: [{expect: 220}]",
        "level: MUST\nsteps: [{expect: 220}]",
        "rfc: section 4\nsteps: [{expect: 220}]",
        "requires: [{else: b}]\nsteps: [{expect: 220}]",
        "steps: [{send: a, expect: 250, observe: 1s}]",
        "steps: [{send: [a, b], observe: 1s}]",
        "steps: [{skip: a, expect: 250}]",
        "steps: [{send: a, requires: b}]",
        "server: {}",
        "server: {steps: [{reply: 220}], connections: [{steps: [{reply: 220}]}]}",
        "server: {connections: []}",
        "server: {steps: [{expect: 250}]}",
        "server: {steps: [{reply: {code: 250}}]}",
        "server: {steps: [{reply: 250, assert: 'true'}]}",
        "server: {steps: [{receive: body}]}",
        "server: {steps: [{send: EHLO}]}",
        "server: {certificate: {file: a.pem}, steps: [{reply: 220}]}",
        "server: {rules: [{match: a}]}",
        "server: {rules: [{reply: 250}]}",
        "server: {rules: [{match: a, reply: 250, per: client}]}",
    ];
    let documents: Vec<(String, Value)> = bad.iter().map(|text| ((*text).replace('\n', " | "), yaml(text))).collect();
    for (text, (name, _)) in bad.iter().zip(&documents) {
        assert!(smtp_script::load_text("bad.yaml", text).is_err(), "`check` takes {name}");
    }
    assert_eq!(accepted(&documents), Vec::<String>::new());
}

/// A mistyped key makes the program list the keys there are: the schema lists the same.
#[test]
fn the_keys_are_those_of_the_parser() {
    for (text, pointer) in [
        ("qqqqqqqqqqqqqqqq: 1\nsteps: [{expect: 220}]", "/properties"),
        ("steps: [{expect: 220, qqqqqqqqqqqqqqqq: 1}]", "/$defs/step_mapping/properties"),
        ("steps: [{data: {text: a, qqqqqqqqqqqqqqqq: 1}}]", "/$defs/data/properties"),
        ("steps: [{bdat: {text: a, qqqqqqqqqqqqqqqq: 1}}]", "/$defs/bdat/properties"),
        ("steps: [{tls: {qqqqqqqqqqqqqqqq: 1}}]", "/$defs/tls_options/properties"),
        ("steps: [{expect: {code: 250, qqqqqqqqqqqqqqqq: 1}}]", "/$defs/expect/properties"),
        ("steps: [{auth: {qqqqqqqqqqqqqqqq: 1}}]", "/$defs/auth/properties"),
        ("requires: {qqqqqqqqqqqqqqqq: 1}\nsteps: [{expect: 220}]", "/$defs/requirement_mapping/properties"),
        ("server: {rules: [], qqqqqqqqqqqqqqqq: 1}", "/$defs/server/properties"),
        ("server: {connections: [{qqqqqqqqqqqqqqqq: 1}]}", "/$defs/served/properties"),
        ("server: {steps: [{reply: 220, qqqqqqqqqqqqqqqq: 1}]}", "/$defs/server_step_mapping/properties"),
        ("server: {steps: [{tls: {qqqqqqqqqqqqqqqq: 1}}]}", "/$defs/server_tls/properties"),
        ("server: {steps: [{starttls: {qqqqqqqqqqqqqqqq: 1}}]}", "/$defs/server_starttls/properties"),
        ("server: {certificate: {qqqqqqqqqqqqqqqq: 1}, rules: []}", "/$defs/certificate/properties"),
        ("server: {steps: [{reply: {qqqqqqqqqqqqqqqq: 1}}]}", "/$defs/reply_mapping/properties"),
        ("server: {rules: [{match: a, reply: b, qqqqqqqqqqqqqqqq: 1}]}", "/$defs/rule/properties"),
        ("connect: {host: a, qqqqqqqqqqqqqqqq: 1}\nsteps: [{expect: 220}]", "/$defs/connect/properties"),
    ] {
        let error = smtp_script::load_text("keys.yaml", text).unwrap_err().to_string();
        let (_, list) = error.split_once("the keys are ").unwrap_or_else(|| panic!("no list of keys: {error}"));
        let mut keys: Vec<&str> = list.lines().next().unwrap().split(", ").collect();
        let schema = schema();
        let properties = schema.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
        let mut properties: Vec<&str> = properties.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        properties.sort_unstable();
        assert_eq!(properties, keys, "{pointer}");
    }
}
