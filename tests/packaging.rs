//! The files of packaging/ do what they say: their commands are taken from them as they are and played against the sandbox.
//!
//! What other systems' own validators say is asked by `.ci/packages`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "other tests use more of it")]
#[path = "program/mod.rs"]
mod program;

use program::{Played, command, root};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SCENARIO: &str = "connect: ADDRESS\nsecrets: [password]\nsteps:\n  - expect: ^220\n  - send: EHLO client.example\n    \
                        expect: ^250\n  - send: QUIT\n    expect: ^221\n";

/// A machine on which the commands find what they name.
struct Machine {
    folder: tempfile::TempDir,
    server: Child,
    address: String,
}

impl Machine {
    fn new() -> Machine {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("smtp-script")).unwrap();
        fs::write(folder.path().join("smtp-script/secrets"), "password=p4ssw0rd\n").unwrap();
        fs::write(folder.path().join("smtp-script/targets"), "127.0.0.1:*\n").unwrap();
        let mut server = command(&["serve", "--sandbox", "--quiet", "--listen", "127.0.0.1:0"]);
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        for name in ["scenarios", "mail-tests", "relay"] {
            fs::create_dir_all(folder.path().join("smtp-script").join(name)).unwrap();
            for file in ["starttls.yaml", "other.yaml"] {
                fs::write(
                    folder.path().join("smtp-script").join(name).join(file),
                    SCENARIO.replace("ADDRESS", &address),
                )
                .unwrap();
            }
        }
        Machine { folder, server, address }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command line with the places and servers of this machine, run by a shell.
    fn play(&self, line: &str) -> Played {
        let folder = self.folder.path().to_str().unwrap();
        let (host, port) = self.address.split_once(':').unwrap();
        let line = line
            .replace("/etc/smtp-script", &format!("{folder}/smtp-script"))
            .replace("/var/lib/prometheus/node-exporter", folder)
            .replace("${CREDENTIALS_DIRECTORY}", &format!("{folder}/smtp-script"))
            .replace("%S/smtp-script", folder)
            .replace("%i", "relay")
            .replace("/secrets/secrets", &format!("{folder}/smtp-script/secrets"))
            .replace(" /scenarios ", &format!(" {folder}/smtp-script/scenarios "))
            .replace("mx1.example.com:25", &self.address)
            .replace("relay.mail.svc:25", &self.address)
            .replace("$HOSTADDRESS$", host)
            .replace("$ARG1$", &format!("{folder}/smtp-script/scenarios/starttls.yaml"))
            .replace("$ARG2$", port)
            .replace("$$", "$")
            .replace("/usr/bin/smtp-script ", "smtp-script ")
            .replace(".smtp-script/bin/smtp-script ", "smtp-script ");
        let program = Path::new(env!("CARGO_BIN_EXE_smtp-script")).parent().unwrap();
        let output = Command::new("/bin/sh")
            .args(["-ec", &line])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
            .env("RELAY", &self.address)
            .env("SMTP_SCRIPT_SECRET_PASSWORD", "p4ssw0rd")
            .envs([("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")])
            .envs([("BUILDKITE_PARALLEL_JOB", "1"), ("BUILDKITE_PARALLEL_JOB_COUNT", "3")])
            .current_dir(self.path("smtp-script"))
            .output()
            .unwrap();
        let played = Played::of(&output);
        played.keeps(&["p4ssw0rd"]);
        played
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        _ = self.server.kill();
        _ = self.server.wait();
    }
}

fn text(file: &str) -> String {
    fs::read_to_string(root().join("packaging").join(file)).unwrap()
}

/// What stands behind the marker in the first line that holds it.
#[track_caller]
fn after<'t>(text: &'t str, marker: &str) -> &'t str {
    let found = text.lines().filter(|line| !line.starts_with('#')).find_map(|line| Some(line.split_once(marker)?.1));
    found.unwrap_or_else(|| panic!("no `{marker}` in\n{text}"))
}

/// The words of a list in YAML.
fn words(list: &str) -> String {
    let inner = list.trim().trim_start_matches('[').trim_end_matches(']');
    inner.split(", ").map(|word| word.trim_matches('\'')).collect::<Vec<_>>().join(" ")
}

#[test]
fn schedulers_play_and_leave_reports() {
    let machine = Machine::new();
    machine.play(after(&text("cron/smtp-script"), " root ")).exits(0);
    assert!(fs::read_to_string(machine.path("smtp-script.prom")).unwrap().contains("smtp_script_exit_code 0\n"));
    machine
        .play(&format!("{} --to {}", after(&text("systemd/smtp-script@.service"), "ExecStart="), machine.address))
        .exits(0);
    for report in ["relay.json", "relay.html", "relay.prom"] {
        assert!(machine.path(report).exists(), "{report}");
    }
    for job in ["kubernetes/job.yml", "kubernetes/cronjob.yml"] {
        machine.play(&format!("smtp-script {}", words(after(&text(job), "args: ")))).exits(0);
    }
}

#[test]
fn monitoring_gets_a_status_line() {
    let machine = Machine::new();
    machine.play(after(&text("checkmk/mrpe.cfg"), ") ")).exits(0).says(&["SMTP OK - "]);
    machine.play(after(&text("icinga/nagios.cfg"), "command_line  ")).exits(0).says(&["SMTP OK - "]);
    let icinga = text("icinga/smtp-script.conf");
    let command = words(after(&icinga, "command = ")).replace(['"', '[', ']'], "");
    let values = [
        ("--to", machine.address.as_str()),
        ("--secrets-file", "/etc/smtp-script/secrets"),
        ("--retries", "1"),
        ("--max-time", "30s"),
    ];
    let mut line = format!("{} /etc/smtp-script/scenarios/starttls.yaml", command.trim());
    for (option, value) in values {
        assert!(icinga.contains(&format!("\"{option}\" = \"$smtp_script_")), "{option}");
        line = format!("{line} {option} {value}");
    }
    assert_eq!(icinga.matches("    \"--").count(), values.len(), "each option is tried");
    machine.play(&line).exits(0).says(&["SMTP OK - "]);
}

#[test]
fn ci_systems_play_their_shard() {
    let machine = Machine::new();
    let gitlab = text("ci/gitlab-ci.yml");
    machine
        .play(&format!(".smtp-script/bin/smtp-script run{}", after(&gitlab, "- .smtp-script/bin/smtp-script run")))
        .exits(0);
    let jenkins = text("ci/Jenkinsfile");
    machine.play(after(&jenkins, "sh '").trim_end_matches('\'')).exits(0);
    assert!(machine.path("smtp-script/reports/junit.xml").exists());
    let buildkite = text("ci/buildkite.yml");
    for job in 0..3 {
        machine.play(&format!("BUILDKITE_PARALLEL_JOB={job}\n{}", after(&buildkite, "    command: "))).exits(0);
    }
    let merge = buildkite.lines().rfind(|line| line.starts_with("    command: ")).unwrap();
    machine.play(merge.split_once(" && ").unwrap().1).exits(0);
}

#[test]
fn the_exporter_begins_as_its_unit_and_its_deployment_say() {
    let machine = Machine::new();
    let unit = text("systemd/smtp-script-exporter.service");
    let started = after(&unit, "ExecStart=").replace("${SCENARIOS}", "/etc/smtp-script/scenarios");
    let deployment = format!("smtp-script {}", words(after(&text("kubernetes/exporter.yml"), "args: ")));
    for line in [started.replace("$OPTIONS", "--listen 127.0.0.1:0"), deployment.replace("0.0.0.0:9587", "127.0.0.1:0")]
    {
        // It serves until it is told to end.
        machine
            .play(&format!("set -f; timeout --preserve-status 1 {line}"))
            .exits(0)
            .says(&["listening on http://127.0.0.1:"]);
    }
}
