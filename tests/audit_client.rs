//! Every check of `scenarios/audit-client` passes with one client and fails with another: one that proves nothing does not ship.
//!
//! The clients are one program, `audit_client/client.py`, that does everything right but for the faults that it is given. The
//! table says which faults a check finds.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "audit_client/listening.rs"]
mod listening;
#[path = "program/mod.rs"]
#[expect(dead_code, reason = "other tests ask for more")]
mod program;

use program::{root, smtp_script};
use serde_json::Value;
use smtp_script::library::CheckLibrary;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};
#[cfg(unix)]
use std::{
    process::Command,
    time::{Duration, Instant},
};

/// Clients without a fault: between them every check applies.
const RIGHT: [&str; 5] = ["", "starttls plain", "starttls login", "starttls cram-md5", "implicit plain"];

/// Clients without a fault that use what others do not, or are in a hurry: with options of the audit, and what they pass.
const RIGHT_FOR: [(&str, &[&str], &[&str]); 6] = [
    ("starttls scram-sha-256", &[], &["c-auth-235-early", "c-auth-downgrade"]),
    ("starttls bdat", &[], &["c-chunking-refused"]),
    ("batch", &[], &["c-rcpt-none-354"]),
    ("", &["--slow", "--var", "delay=1500ms"], &["c-greeting-late"]),
    ("impatient", &["--slow", "--timeout", "9s"], &["c-greeting-never"]),
    ("starttls impatient", &["--slow", "--timeout", "9s"], &["c-tls-hang"]),
];

/// Faults that they may have.
const WRONG_FOR: [(&str, &[&str], &[&str]); 7] = [
    ("starttls scram-sha-256 trusting", &[], &["c-auth-235-early"]),
    ("starttls scram-sha-256 weaker", &[], &["c-auth-downgrade"]),
    ("starttls bdat goes-on", &[], &["c-chunking-refused"]),
    ("batch goes-on", &[], &["c-rcpt-none-354"]),
    ("impatient", &["--slow", "--var", "delay=1500ms"], &["c-greeting-late"]),
    ("", &["--slow", "--timeout", "3s", "--var", "patience=2s"], &["c-greeting-never"]),
    ("starttls", &["--slow", "--timeout", "3s", "--var", "patience=2s"], &["c-tls-hang"]),
];

/// Faults, and the checks that find them.
const WRONG: &[(&str, &[&str])] = &[
    (
        "starttls no-verify",
        &[
            "c-cert-cn-only",
            "c-cert-expired",
            "c-cert-future",
            "c-cert-ip",
            "c-cert-name",
            "c-cert-not-ca",
            "c-cert-nul",
            "c-cert-usage",
            "c-cert-self-signed",
            "c-cert-unknown-ca",
            "c-cert-wildcard",
            "c-tls-old",
            "c-tls-weak-anon",
            "c-tls-weak-key",
            "c-tls-weak-null",
        ],
    ),
    ("implicit no-verify", &["c-cert-expired", "c-tls-old"]),
    (
        "lies",
        &[
            "c-close-data",
            "c-close-ehlo",
            "c-close-greeting",
            "c-close-mail",
            "c-close-rcpt",
            "c-close-end",
            "c-reset-end",
            "c-421-end",
            "c-421-mail",
            "c-greylist",
            "c-rcpt-mixed",
            "c-greeting-421",
            "c-size-small",
            "c-end-4xx",
        ],
    ),
    (
        "plain goes-on",
        &[
            "c-354-unexpected",
            "c-data-250",
            "c-data-4xx",
            "c-data-5xx",
            "c-end-4xx",
            "c-end-5xx",
            "c-greeting-421",
            "c-greeting-554",
            "c-mail-4xx",
            "c-mail-5xx",
            "c-rcpt-4xx",
            "c-rcpt-5xx",
            "c-auth-454",
            "c-auth-535",
        ],
    ),
    ("goes-on", &["c-ehlo-refused"]),
    ("picky", &["c-close-quit"]),
    ("starttls plain again", &["c-auth-334-more"]),
    ("starttls plain auth-anyway", &["c-auth-cram-only", "c-auth-not-offered"]),
    ("starttls plain auth-first", &["c-auth-plain-only"]),
    ("plain", &["c-auth-plain-only"]),
    ("starttls login prompts", &["c-auth-prompts"]),
    ("raw-8bit", &["c-8bit-missing"]),
    ("starttls raw-8bit", &["c-8bit-missing"]),
    ("no-dots", &["c-dots"]),
    ("no-final", &["c-final-crlf"]),
    ("injects", &["c-inject-address"]),
    ("raw-ends", &["c-line-ends"]),
    ("long", &["c-line-long"]),
    ("no-size", &["c-size-small"]),
    ("early", &["c-early-talk"]),
    ("trips", &["c-ehlo-odd"]),
    ("one-line", &["c-greeting-multi"]),
    ("trusting", &["c-reply-extra"]),
    ("hangs-long", &["c-reply-long"]),
    ("hangs-mixed", &["c-reply-mixed-codes"]),
    ("one-read", &["c-reply-split"]),
    ("impatient", &["c-slow"]),
    ("nameless", &["c-ehlo-name"]),
    ("pipelines", &["c-no-pipelining"]),
    ("no-quit", &["c-quit"]),
    ("no-wait", &["c-quit-waits"]),
    ("exact", &["c-code-unknown", "c-rcpt-251"]),
    ("follows", &["c-rcpt-551"]),
    ("forgets", &["c-rcpt-452"]),
    ("helo-always", &["c-ehlo-550"]),
    ("keeps-bcc", &["c-bcc"]),
    ("starttls takes-cut", &["c-tls-truncate"]),
    ("starttls cram-md5 undecoded", &["c-auth-challenge"]),
    ("starttls plain keeps-list", &["c-forget-auth"]),
    ("starttls keeps-buffer trusting", &["c-inject-ehlo", "c-inject-reply"]),
    ("starttls one-ehlo", &["c-no-ehlo-after-tls"]),
    ("starttls strips", &["c-preauth", "c-strip-ehlo", "c-strip-refused", "c-strip-unknown"]),
    ("starttls plain-again", &["c-strip-garbage", "c-tls-alert"]),
    ("implicit plain-again", &["c-implicit-plain", "c-tls-alert"]),
];

#[test]
fn each_check_passes_with_a_client_that_is_right() {
    let verdicts = in_parallel(&RIGHT, |client| audited(client, &[], &[]));
    let mut passed = BTreeSet::new();
    for (client, verdicts) in RIGHT.iter().zip(verdicts) {
        let wrong: Vec<_> =
            verdicts.iter().filter(|(_, told)| !told.starts_with("pass") && !told.starts_with("n/a")).collect();
        assert!(wrong.is_empty(), "`{client}`: {wrong:#?}");
        passed.extend(verdicts.into_iter().filter(|(_, told)| told.starts_with("pass")).map(|(id, _)| id));
    }
    for ((client, _, ids), verdicts) in
        RIGHT_FOR.iter().zip(in_parallel(&RIGHT_FOR, |one| audited(one.0, one.1, one.2)))
    {
        for (id, told) in verdicts {
            assert!(told.starts_with("pass"), "`{client}`: {id}: {told}");
            assert!(ids.contains(&id.as_str()), "{id}");
            passed.insert(id);
        }
    }
    assert_eq!(passed, ids());
}

#[test]
fn each_check_fails_with_a_client_that_is_wrong() {
    let wrong: Vec<_> = WRONG.iter().map(|(client, ids)| (*client, &[][..], *ids)).chain(WRONG_FOR).collect();
    let verdicts = in_parallel(&wrong, |(client, options, ids)| audited(client, options, ids));
    let mut faults = Vec::new();
    for ((client, _, ids), verdicts) in wrong.iter().zip(verdicts) {
        let told = |id: &&str| verdicts.get(*id).cloned().unwrap_or_default();
        faults.extend(
            ids.iter().filter(|id| !told(id).starts_with("fail")).map(|id| format!("`{client}` {id}: {}", told(id))),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
    let failed: BTreeSet<String> = wrong.iter().flat_map(|(_, _, ids)| ids.iter().map(|id| (*id).to_owned())).collect();
    assert_eq!(failed, ids());
}

/// Commands that are no clients, or bad ones: each has a verdict and a report, in time, and leaves nothing behind.
#[test]
fn a_command_that_does_not_behave_has_a_verdict() {
    let connects = "exec 3<>/dev/tcp/127.0.0.1/$SMTP_PORT; ";
    let client = format!("python3 {} ", root().join("tests/audit_client/client.py").display());
    for (command, exits, says) in [
        ("true".to_owned(), 3, "it never connected: the command ended with exit status 0"),
        ("kill -9 $$".to_owned(), 3, "it never connected: the command was ended by signal 9"),
        ("yes".to_owned(), 3, "it never connected: the command did not end in time, and was ended: y"),
        ("printf %0100000d 0".to_owned(), 3, "000000…"),
        (format!("{connects}sleep 600"), 3, "it connected and said nothing: the command did not end in time"),
        (format!("(sleep 0.5; {connects}) & exit 0"), 3, "it never connected: the command ended with exit status 0"),
        (format!("{client}; {client}"), 1, "came    connection"),
    ] {
        let words =
            ["audit-client", "--timeout", "5s", "--only", "c-mail-5xx", "--max-time", "60s", "--", "bash", "-c"];
        let played = smtp_script(&[&words[..], &[command.as_str()]].concat());
        assert!(played.exits(exits).out.contains(says), "`{command}`: {}", played.out);
    }
}

/// What a command started ends with it, whatever it makes of a signal.
#[test]
#[cfg(unix)]
fn a_command_that_hangs_is_ended_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let command = format!("trap '' TERM; sleep 600 & echo $! > {}; wait", file.display());
    let words = ["audit-client", "--timeout", "1s", "--only", "c-quit", "--", "bash", "-c", &command];
    smtp_script(&words).exits(3).says(&["did not end in time"]);
    let pid = fs::read_to_string(file).unwrap();
    let is_there = || Command::new("kill").args(["-0", pid.trim()]).output().unwrap().status.success();
    // Whoever inherits it collects it in a moment.
    let until = Instant::now() + Duration::from_secs(10);
    while is_there() && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_there(), "{pid} is still there");
}

/// What nobody can act on, or look up, does not ship.
#[test]
fn each_check_says_what_it_claims() {
    for check in CheckLibrary::Clients.checks() {
        for key in ["name: ", "level: ", "rfc: ", "why: ", "server:"] {
            assert!(check.text.lines().any(|line| line.starts_with(key.trim_end())), "{}: no `{key}`", check.name);
        }
        let played = smtp_script(&["check", check.name]);
        played.exits(0).says(&["1 file: nothing to complain about"]);
    }
}

fn ids() -> BTreeSet<String> {
    CheckLibrary::Clients.checks().map(|check| check.short_name().to_owned()).collect()
}

/// What comes of these checks, or of all, with one client: the verdict, and what there is to say of it.
fn audited(client: &str, options: &[&str], ids: &[&str]) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let (json, program) = (format!("json={}", report.display()), root().join("tests/audit_client/client.py"));
    let mut words = vec!["audit-client", "-q", "--jobs", "8", "--report", &json];
    words.extend(ids.iter().flat_map(|id| ["--only", id]));
    words.extend(options);
    let program = program.to_string_lossy();
    words.extend(["--", "python3", &program]);
    words.extend(client.split_whitespace());
    let played = smtp_script(&words);
    assert!(report.exists(), "`{client}`: {}{}", played.out, played.err);
    verdicts_in(&report)
}

/// What a report says of each check.
fn verdicts_in(report: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(report).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let of_check = |check: &Value| {
        let result = check["results"].as_object().unwrap().values().next().unwrap().clone();
        let verdict = result["verdict"].as_str().unwrap().to_owned();
        (check["id"].as_str().unwrap().to_owned(), format!("{verdict} {result}"))
    };
    report["audit"]["checks"].as_array().unwrap().iter().map(of_check).collect()
}

/// Several at a time: most of an audit is waiting.
fn in_parallel<T: Sync, R: Send>(list: &[T], play: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = list.get(at) else { return };
                    let result = play(one);
                    done.lock().unwrap().insert(at, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}
