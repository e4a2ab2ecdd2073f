//! Built-in scenarios and starting ones: `run NAME`, `check NAME`, `list`, `new`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "program/mod.rs"]
mod program;

use program::{Played, command, smtp_script};
use smtp_script::library::CheckLibrary;
use smtp_script::{library, smtp::provider};
use std::fs;
use std::path::Path;

/// Runs the program in a folder of its own.
fn within(folder: &Path, arguments: &[&str]) -> Played {
    let output = command(arguments).current_dir(folder).output().unwrap();
    Played::of(&output)
}

#[test]
fn a_built_in_scenario_is_run_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["relay/vrfy", "vrfy", "scenarios/relay/vrfy.yaml"] {
        within(folder.path(), &["run", name, "--sandbox"]).exits(0).says(&["PASS vrfy  ", "1 scenario: 1 followed"]);
    }
    within(folder.path(), &["check", "conformance"]).exits(0).says(&["4 files: nothing to complain about"]);
    within(folder.path(), &["check", "--explain", "sendgrid-auth-login"]).exits(0).says(&["username, password"]);
}

#[test]
fn a_path_that_exists_wins() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vrfy"), "name: mine\nconnect: mx.example\nsteps:\n  - expect: ^220\n").unwrap();
    within(folder.path(), &["run", "vrfy", "--sandbox"]).exits(0).says(&["PASS vrfy  mine"]);
}

#[test]
fn an_unknown_name_gets_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let complaint =
        "error: cannot read `opn-relay`: no such file or directory\n  = help: did you mean the built-in `open-relay`?";
    within(folder.path(), &["run", "opn-relay"]).exits(2).says(&[complaint]);
    for name in ["sendgrid", "sengrid"] {
        let ran = within(folder.path(), &["check", name]);
        ran.exits(2).says(&["built-in scenarios of this kind are", "sendgrid-auth-login"]);
    }
    let plain = within(folder.path(), &["run", "nothing/like/it.yaml"]);
    plain.exits(2);
    assert!(!plain.err.contains("help"), "{}", plain.err);
}

#[test]
fn every_built_in_scenario_is_listed() {
    let listed = smtp_script(&["list"]);
    listed.exits(0);
    let names: Vec<&str> = listed.out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let (checks, others): (Vec<&str>, Vec<&str>) =
        library::all().map(|it| it.name).partition(|name| CheckLibrary::of(name).is_some());
    assert_eq!(names, [others, vec!["audit/…", "audit-client/…"]].concat());
    for library in CheckLibrary::ALL {
        let (folder, count) = (library.folder(), library.checks().count());
        assert_eq!(smtp_script(&["list", folder]).exits(0).out.lines().count(), count);
        let counted = format!("{folder}/…  {count} checks of {}: `smtp-script {folder} --list`", library.subject());
        smtp_script(&["list"]).says(&[&counted]);
    }
    assert_eq!(CheckLibrary::ALL.iter().map(|it| it.checks().count()).sum::<usize>(), checks.len());
    let json: serde_json::Value = serde_json::from_str(&smtp_script(&["list", "--format", "json"]).out).unwrap();
    for scenario in json["scenarios"].as_array().unwrap() {
        assert!(!scenario["title"].as_str().unwrap().is_empty(), "{scenario}");
        // A check without a tag holds for any server, or any client; that of a client connects nowhere.
        let library = CheckLibrary::of(scenario["name"].as_str().unwrap());
        assert!(library.is_some() || !scenario["tags"].as_array().unwrap().is_empty(), "{scenario}");
        let connects = library != Some(CheckLibrary::Clients);
        assert!(!connects || scenario["variables"]["host"].is_string(), "{scenario}");
    }
}

#[test]
fn lists_are_narrowed_and_detailed() {
    let tagged = smtp_script(&["list", "--tag", "certificate"]);
    tagged.exits(0).says(&["implicit-tls-certificate", "starttls-certificate"]).keeps(&["open-relay"]);
    smtp_script(&["list", "sendgrid-auth-login"]).exits(0).says(&[
        "  tags: sendgrid, auth",
        "  connects to: <<host>>:587",
        "  variables: host=smtp.sendgrid.net",
        "  secrets: username, password",
    ]);
    smtp_script(&["list", "--tag", "nobody"]).exits(2).says(&["has the tag `nobody`", "the tags are amazon-ses, auth"]);
    smtp_script(&["list", "opn-relay"]).exits(2).says(&["did you mean `open-relay`?"]);
}

/// Whatever `new` writes is a scenario without faults that the sandbox follows.
#[track_caller]
fn starts(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<&str> = ["new"].iter().chain(arguments).chain(&["-o", "new.yaml"]).copied().collect();
    within(folder.path(), &all).exits(0);
    within(folder.path(), &["check", "new.yaml"]).exits(0).says(&["1 file: nothing to complain about"]);
    within(folder.path(), &["run", "new.yaml", "--sandbox"]).exits(0).says(&["1 scenario: 1 followed"]);
    fs::read_to_string(folder.path().join("new.yaml")).unwrap()
}

#[test]
fn each_provider_has_a_starting_scenario() {
    for provider in provider::all() {
        let Some(submission) = provider.submission else { continue };
        let text = starts(&[provider.id]);
        for part in [submission.host, submission.source.url, submission.credentials.password] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
    assert!(starts(&["sendgrid"]).contains("username: apikey"));
    assert!(starts(&["sendgrid", "--tls", "implicit", "--auth", "login"]).contains("mechanism: LOGIN"));
    assert!(starts(&["outlook"]).contains("mechanism: XOAUTH2"));
    assert!(starts(&["postmark"]).contains("username: <<token>>"));
}

/// The scenarios of providers are what `new` writes; `UPDATE=1` writes them.
#[test]
fn each_scenario_of_a_provider_is_what_new_writes() {
    const MODELINE: &str = "# yaml-language-server: $schema=../../docs/scenario.schema.json\n";
    const DESCRIPTION: &str = "description: Logs in and sends one message, by the settings that the provider names.";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/providers");
    let of_provider = |it: &library::BuiltIn| {
        let id = it.name.strip_prefix("providers/")?.strip_suffix("-message")?.to_owned();
        (id != "sendgrid").then_some(id)
    };
    let ids: Vec<String> = library::all().filter_map(of_provider).collect();
    for id in &ids {
        let name = format!("{id}-message");
        let written = smtp_script(&["new", id]).out.replace("THIS-FILE", &format!("scenarios/providers/{name}.yaml"));
        let text = MODELINE.to_owned() + &written.replace("\ntags:", &format!("\n{DESCRIPTION}\ntags:"));
        let file = folder.join(name + ".yaml");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{id}");
    }
    assert!(ids.len() >= 13, "{ids:?}");
}

#[test]
fn any_server_has_a_starting_scenario() {
    assert!(starts(&["mail.example.com"]).contains("connect: <<host>>:587"));
    let relay = starts(&["mail.example.com:25"]);
    assert!(relay.contains("- starttls") && !relay.contains("auth"), "{relay}");
    assert!(!starts(&["mail.example.com:465"]).contains("starttls"));
    assert!(starts(&["[::1]:2465", "--tls", "implicit"]).contains("tls: implicit"));
    assert!(!starts(&["localhost:2525", "--tls", "none", "--auth", "none"]).contains("starttls"));
    for mechanism in ["PLAIN", "login", "cram-md5", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "XOAUTH2", "OAUTHBEARER"] {
        starts(&["mail.example.com", "--auth", mechanism]);
    }
}

#[test]
fn the_host_of_a_provider_is_the_provider() {
    let text = starts(&["smtp.sendgrid.net"]);
    assert!(text.contains("username: apikey") && text.contains("host: smtp.sendgrid.net"), "{text}");
    assert!(starts(&["smtp.office365.com:587"]).contains("# Microsoft 365, port 587 with STARTTLS"));
    assert!(starts(&["email-smtp.eu-west-1.amazonaws.com"]).contains("host: email-smtp.eu-west-1.amazonaws.com"));
    assert!(starts(&["gmail:465"]).contains("port 465 with TLS from the start"));
    // Where it takes no mail from users it is a server like any other.
    assert!(!starts(&["gmail-smtp-in.l.google.com:25"]).contains("secrets"));
}

#[test]
fn a_built_in_scenario_can_be_copied() {
    let text = starts(&["size-limit"]);
    assert!(text.contains("name: A message over the size limit") && !text.contains("yaml-language-server"));
}

#[test]
fn no_file_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    fs::write(&file, "mine").unwrap();
    within(folder.path(), &["new", "gmail", "-o", "mine.yaml"]).exits(2).says(&["exists already", "--force"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    within(folder.path(), &["new", "gmail", "-o", "mine.yaml", "--force"]).exits(0);
    assert!(fs::read_to_string(&file).unwrap().contains("smtp.gmail.com"));
    within(folder.path(), &["new", "gmail", "-o", "no/such/folder.yaml"]).exits(2).says(&["cannot write"]);
}

#[test]
fn what_new_cannot_write_is_refused() {
    for (arguments, part) in [
        (&["new", "gmial"][..], "did you mean `gmail`?"),
        (&["new", "nobody"], "the known providers are"),
        (&["new", "evil\"host.example"], "is no provider"),
        (&["new", "mail.example.com:0"], "is no provider"),
        (&["new", "mimecast"], "takes no mail from users"),
        (&["new", "gmail:26"], "its ports are 587 (STARTTLS), 465 (TLS from the start)"),
        (&["new", "relay.yml"], "did you mean `-o relay.yml`?"),
        (&["new", "mail/relay.YAML"], "did you mean `-o mail/relay.YAML`?"),
        (&["new", "gmail", "--tls", "none"], "wants TLS"),
        (&["new", "fastmail", "--tls", "starttls"], "names no port"),
        (&["new", "mail.example.com", "--auth", "ntlm"], "expected `any`, `none`, or one of"),
        (&["new", "mail.example.com", "--tls", "none", "--auth", "scram-sha-1-plus"], "binds the login to TLS"),
        (&["new", "open-relay", "--tls", "none"], "copied as it is"),
    ] {
        let refused = smtp_script(arguments);
        refused.exits(2).says(&[part]);
        assert!(refused.out.is_empty(), "{}", refused.out);
    }
}

#[test]
fn the_schema_is_named_for_editors_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    within(folder.path(), &["new", "gmail", "-o", "a.yaml"]).exits(0);
    fs::write(folder.path().join("scenario.schema.json"), "{}").unwrap();
    within(folder.path(), &["new", "gmail", "-o", "b.yaml"]).exits(0);
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(text("b.yaml"), format!("# yaml-language-server: $schema=scenario.schema.json\n{}", text("a.yaml")));
    within(folder.path(), &["check", "b.yaml"]).exits(0);
}
