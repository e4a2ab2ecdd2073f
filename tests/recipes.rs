//! The recipes for many machines: their commands, taken from the manifests as they are printed, and run machine by machine.

#![expect(clippy::expect_used, reason = "a test panics when something is not as it must be")]

#[expect(dead_code, unused_imports, reason = "the harness has a scripted server as well")]
mod harness;

use harness::{Played, smtp_script};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SCENARIO: &str = "connect: mx.example\nsteps:\n  - expect: ^220\n  - send: QUIT\n    expect: ^221\n";

/// The block of docs/recipes.md with this file name, as JSON.
fn manifest(name: &str) -> Value {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes.md");
    let page = fs::read_to_string(page).expect("docs/recipes.md");
    let (_, rest) = page.split_once(&format!("```yml file={name}\n")).expect("the block");
    let (text, _) = rest.split_once("\n```").expect("its end");
    let to_json = "import json, sys, yaml; json.dump(yaml.load(sys.argv[1], yaml.BaseLoader), sys.stdout)";
    let output = Command::new("/usr/bin/python3").args(["-c", to_json, text]).output().expect("Python");
    assert!(output.status.success(), "python3-yaml reads it (tests/servers/install): {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Runs a command line of a recipe in `folder`, where the program is found as users find it.
fn shell(folder: &Path, line: &str) -> Played {
    let program = Path::new(env!("CARGO_BIN_EXE_smtp-script"));
    let path = format!("{}:/usr/bin:/bin", program.parent().expect("a folder").display());
    Played::by(Command::new("/bin/sh").current_dir(folder).env("PATH", path).args(["-ec", line]))
}

fn report(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("JSON")
}

/// The commands of a job's steps that call the program.
fn runs(job: &Value) -> Vec<&str> {
    let steps = job["steps"].as_array().expect("steps");
    steps.iter().filter_map(|step| step["run"].as_str()).filter(|run| run.starts_with("smtp-script")).collect()
}

#[test]
fn the_shards_of_a_ci_matrix_end_in_one_report() {
    let workflow = manifest("workflow.yml");
    let folder = TempDir::new().expect("a folder");
    for (name, text) in
        [("relay-tests/a.yaml", SCENARIO), ("relay-tests/b.yaml", SCENARIO), ("relay-tests/c.yaml", SCENARIO)]
    {
        fs::create_dir_all(folder.path().join("relay-tests")).expect("a folder");
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let play = &workflow["jobs"]["play"];
    let shards = play["strategy"]["matrix"]["shard"].as_array().expect("the shards");
    let [command] = runs(play)[..] else { panic!("one command in {play}") };
    for shard in shards {
        let line = command.replace("${{ matrix.shard }}", shard.as_str().expect("a number"));
        let played = shell(folder.path(), &line.replace("--to \"$RELAY\"", "--sandbox"));
        assert_eq!(played.code, Some(0), "{played:?}");
    }
    let [merge] = runs(&workflow["jobs"]["report"])[..] else { panic!("one command in {workflow}") };
    let merged = shell(folder.path(), merge);
    assert_eq!(merged.code, Some(0), "{merged:?}");
    assert!(merged.stdout.contains("3 scenarios: 3 followed"), "{}", merged.stdout);
    assert!(folder.path().join("report.html").is_file() && folder.path().join("junit.xml").is_file());
}

#[test]
fn the_pods_of_an_indexed_job_end_in_one_report() {
    let job = manifest("load-job.yml");
    assert_eq!((&job["apiVersion"], &job["kind"]), (&"batch/v1".into(), &"Job".into()));
    let spec = &job["spec"];
    let pods: usize = spec["completions"].as_str().expect("completions").parse().expect("a number");
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], serde_json::json!(["sh", "-c"]));
    let script = container["args"][0].as_str().expect("a script");
    assert!(script.contains(&format!("/{pods} ")), "as many shards as pods: {script}");
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("load.yaml"), SCENARIO).expect("a file");
    // The same, in the folders of this machine and in less time.
    let script =
        script.replace("/scenarios/", "").replace("/reports/", "reports/").replace("--to \"$RELAY\"", "--sandbox");
    let script = script.replace("--ramp 30s --duration 5m", "--duration 500ms").replace("--jobs 2000", "--jobs 20");
    for index in 0..pods {
        let pod = shell(folder.path(), &format!("JOB_COMPLETION_INDEX={index}\n{script}"));
        assert_eq!(pod.code, Some(0), "{pod:?}");
    }
    let merge = ["report", "merge", "reports", "--report", "json=load.json"];
    assert_eq!(Played::by(smtp_script(folder.path()).args(merge)).code, Some(0));
    let load = &report(&folder.path().join("load.json"))["load"];
    // 400 runs a second for half a second, dealt out over all pods.
    assert_eq!((&load["runs"], &load["followed"], &load["rate"]), (&200.into(), &200.into(), &400.0.into()));
    assert_eq!(load["latency"]["count"], 200);
}
