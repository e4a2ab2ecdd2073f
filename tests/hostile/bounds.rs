//! Evaluation has bounds: a hostile template ends in time and in little memory, and takes no other result with it.
//!
//! The limits are those of the harness: 15 seconds and 60 MiB for each run, in a debug build.

use crate::harness::{Played, smtp_script};
use std::path::Path;

/// Files that would cost minutes, gigabytes or the stack, with the code that `run` ends with.
fn files() -> Vec<(&'static str, String, i32)> {
    let chain =
        |first: &str, more: &str, n: usize| format!("steps:\n  - set: {{x: \"<<{first}{}>>\"}}\n", more.repeat(n));
    let doubling = |step: &str| {
        format!("steps:\n  - set: {{a: \"<<[1]>>\"}}\n  - repeat: 40\n    steps:\n      - set: {{a: \"<<{step}>>\"}}\n")
    };
    let scram = "scram_final(scram_first('a',nonce='b'), 'pw', ('r=bc,s=QQ==,i=9999999'|b64encode))";
    vec![
        ("add.yaml", chain("1", "+1", 50_000), 2),
        ("ternary.yaml", chain("1", " if 1 else 1", 60_000), 2),
        ("filters.yaml", chain("1", "|upper", 20_000), 2),
        ("when.yaml", format!("steps:\n  - when: 1{}\n    set: {{x: 1}}\n", " and 1".repeat(50_000)), 2),
        ("assert.yaml", format!("steps:\n  - assert: {}1\n", "not ".repeat(50_000)), 2),
        ("vars.yaml", format!("vars: {{a: \"<<1{}>>\"}}\nsteps:\n  - assert: a\n", "~1".repeat(50_000)), 2),
        ("list.yaml", doubling("a + a"), 2),
        ("nested.yaml", doubling("[a, a]"), 2),
        ("nested-shown.yaml", format!("{}  - assert: a == 1\n", doubling("[a, a]")), 2),
        ("deep.yaml", doubling("[a]").replace("40", "5000"), 2),
        (
            "rounds.yaml",
            format!("steps:\n  - set:\n      x: \"<<% for i in range(100) %>><<{scram}>><<% endfor %>>\"\n"),
            2,
        ),
        (
            "many-vars.yaml",
            format!(
                "vars:\n{}steps:\n  - assert: v0 == v1\n",
                (0..100).fold(String::new(), |all, n| all + &format!("  v{n}: \"<<'x' * 5000000>>\"\n"))
            ),
            2,
        ),
        (
            "many-sets.yaml",
            format!(
                "steps:\n  - set:\n{}",
                (0..500).fold(String::new(), |all, n| all + &format!("      v{n}: \"<<'x' * 5000000>>\"\n"))
            ),
            2,
        ),
    ]
}

fn run(folder: &Path, arguments: &[&str]) -> Played {
    Played::by(smtp_script(folder).args(arguments))
}

#[test]
fn every_hostile_template_ends_and_the_other_results_survive() {
    for (name, text, code) in files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        let checked = run(folder.path(), &["check", name]);
        assert!(matches!(checked.code, Some(0 | 2)), "check {name}: {:?} {}", checked.code, checked.stderr);
        let played =
            run(folder.path(), &["run", "--sandbox", "vrfy", name, "--max-time", "8s", "--report", "junit=x.xml"]);
        let all = format!("{}{}", played.stdout, played.stderr);
        assert_eq!(played.code, Some(code), "run {name}: {all}");
        let words = [
            "too deep",
            "too much work",
            "too large",
            "iterations of the hash",
            "octets together",
            "octets are the most",
        ];
        assert!(words.iter().any(|words| all.contains(words)), "{name}: {all}");
        let report = std::fs::read_to_string(folder.path().join("x.xml")).unwrap();
        assert!(report.contains("VRFY and EXPN") && report.contains(name), "{name}: {report}");
    }
}

#[test]
fn a_loop_that_waits_for_nothing_ends_with_the_time_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let text = "steps:\n  - repeat: 100000\n    steps:\n      - set: {a: \"<<('x' * 300000) | sha256>>\"}\n";
    std::fs::write(folder.path().join("loop.yaml"), text).unwrap();
    let played = run(folder.path(), &["run", "loop.yaml", "--max-time", "1s"]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    assert!(played.stdout.contains("the time of the whole run is over"), "{}", played.stdout);
}

/// One signal ends it, though no step ever waits.
#[cfg(unix)]
#[test]
fn a_loop_that_waits_for_nothing_ends_at_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let text = "steps:\n  - repeat: 100000\n    steps:\n      - set: {a: \"<<('x' * 300000) | sha256>>\"}\n";
    std::fs::write(folder.path().join("loop.yaml"), text).unwrap();
    let mut command = smtp_script(folder.path());
    let mut child = command.args(["run", "loop.yaml", "-v"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// A step may wait several times; each reply comes within its time, and all of them would not.
#[test]
fn the_waits_of_one_step_together_end_with_the_time_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let slowly = "      pace: {bytes: 8, every: 300ms}\n";
    let text = format!(
        "connect: <<server.address>>\nsecrets: [password]\nsteps:\n  - expect: ^220\n  - send: EHLO client.example\n    \
         expect: ^250\n  - auth: {{username: joe, password: <<password>>, mechanism: LOGIN}}\nserver:\n  rules:\n    \
         - match: ^EHLO\n      reply: [mail.example, AUTH LOGIN]\n    - match: ^AUTH\n      reply: 334 VXNlcm5hbWU6\n{slowly}    - match: ^am9l\n      reply: 334 UGFzc3dvcmQ6\n{slowly}"
    );
    std::fs::write(folder.path().join("login.yaml"), text).unwrap();
    let played = run(folder.path(), &["run", "login.yaml", "--max-time", "1s", "--secret", "password=wonderland"]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    assert!(played.stdout.contains("nothing answered the user name"), "{}", played.stdout);
    assert!(played.stdout.contains("the time of the whole run is over"), "{}", played.stdout);
}

/// A login of its own for each number.
fn login(number: usize) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("\0user{number}\0pass-{number:05}"))
}

/// Thousands of logins, typed out or waited for: each is hidden, and a file of them is read in time.
#[test]
fn thousands_of_logins_are_read_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let each = |line: &dyn Fn(usize) -> String, count| (0..count).map(line).collect::<String>();
    let steps = each(&|n| format!("  - send: AUTH PLAIN {}\n    expect: ^235\n", login(n)), 4_000);
    write("typed.yaml", format!("connect: mx.example:25\nsteps:\n{steps}  - sned: NOOP\n"));
    let rules = |pattern: &str| each(&|_| format!("    - {{match: '^AUTH {pattern}', reply: 235 in}}\n"), 300);
    write("rules.yaml", format!("server:\n  rules:\n{}", rules(&"(a|b|c|d)".repeat(100))));
    write("words.yaml", format!("connect: mx.example:25\nsteps: []\n{}", "# AUTH PLAIN ".repeat(70_000)));
    for file in ["typed.yaml", "rules.yaml", "words.yaml"] {
        let played = run(folder.path(), &["check", file]);
        assert!(played.code.is_some() && !played.stderr.contains(&login(3_999)), "{file}: {}", played.stderr);
    }
    let log = each(&|n| format!("C: AUTH PLAIN {}\nS: 535 5.7.8 pass-{n:05} is wrong\n", login(n)), 20_000);
    write("log.txt", log);
    let imported = run(folder.path(), &["import", "log.txt"]);
    let mut explain = smtp_script(folder.path());
    explain.args(["explain", "-"]).stdin(std::fs::File::open(folder.path().join("log.txt")).unwrap());
    for Played { stdout, stderr, code } in [imported, Played::by(&mut explain)] {
        assert!(code.is_some() && !stdout.contains("pass-1") && !stderr.contains("pass-1"), "{stdout}{stderr}");
    }
}
