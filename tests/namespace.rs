//! What needs addresses of the internet, in a network namespace of its own, where nothing can leave.
//!
//! Each test starts itself again inside `unshare`, with the loopback interface, the addresses that it names and a file of
//! hosts.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "program/mod.rs"]
#[expect(dead_code, reason = "other tests ask for more")]
mod program;

use program::Played;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, TcpListener, UdpSocket};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// The address of a server somewhere else.
const ELSEWHERE: &str = "11.22.33.44";

/// Runs one of the tests below in a namespace of its own.
fn within_namespace(test: &str, hosts: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hosts");
    std::fs::write(&file, hosts).unwrap();
    let script = format!(
        "mount --bind {} /etc/hosts && ip link set lo up && ip address add {ELSEWHERE}/32 dev lo && exec \"$@\"",
        file.display()
    );
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(["-rnm", "sh", "-c"]).arg(script).arg("sh").arg(own);
    let output = command.args(["--exact", test, "--ignored", "--nocapture"]).output();
    let may =
        Command::new("unshare").args(["-rnm", "sh", "-c", "mount --bind /etc/hosts /etc/hosts && ip link"]).output();
    assert!(may.is_ok_and(|it| it.status.success()), "namespaces are not permitted here: {test} cannot be played");
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("1 passed"), "{}", text(&output.stdout));
}

// --- a server that guesses ---------------------------------------------------------------------------------------

#[test]
fn a_server_does_not_learn_that_it_guessed_a_secret() {
    within_namespace("guesses", "127.0.0.1 localhost\n");
}

/// What the client sends to a server that says a secret which it can but guess.
fn sent_to_a_guesser(secret: &str, bound: &str) -> (String, Option<i32>) {
    let listener = TcpListener::bind((ELSEWHERE, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(Mutex::new(String::new()));
    let kept = sent.clone();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        _ = stream.write_all(b"220 guess hunter2-mine\r\n");
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            _ = stream.write_all(b"250 guess hunter2-mine\r\n");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stranger.yaml");
    let scenario = format!(
        "secrets: [password]\nconnect: {ELSEWHERE}:{port}\nsteps:\n  - expect: '^220 (?<greeted>.*)$'\n  - send: NOOP \
         <<greeted>>\n    expect: '^250 (?<told>.*)$'\n  - send: NOOP <<told>> <<reply.text>>\n    expect: {{line: '(?<line>.*)'}}\n  \
         - send: NOOP <<line>>\n    expect: ^250\n"
    );
    std::fs::write(&file, scenario).unwrap();
    let file = file.to_string_lossy();
    let mut command = program::command(&["run", &file, "--untrusted", "--allow-secret", bound, "--timeout", "5s"]);
    let status = command.env("SMTP_SCRIPT_SECRET_PASSWORD", secret).output().unwrap().status;
    let sent = sent.lock().unwrap().clone();
    (sent, status.code())
}

#[test]
#[ignore = "runs in a namespace of its own"]
fn guesses() {
    let elsewhere = "password@mail.example";
    let right = sent_to_a_guesser("hunter2-mine", elsewhere);
    assert_eq!(right, sent_to_a_guesser("Xorrect-7bat", elsewhere));
    assert!(right.0.contains("NOOP guess hunter2-mine"), "{right:?}");
    // A server that was given it may send it back: from there on it is a secret, and goes nowhere in plain text.
    let bound = format!("password@{ELSEWHERE}");
    assert!(!sent_to_a_guesser("hunter2-mine", &bound).0.contains("hunter2-mine"));
}

// --- addresses that are not public -------------------------------------------------------------------------------

/// Of each block of the registries one address, and IPv4 inside of IPv6.
const SPECIAL: [&str; 34] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:db8::1",
    "100::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
];

#[test]
fn no_name_leads_a_stranger_to_an_address_that_is_not_public() {
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for (index, address) in SPECIAL.iter().enumerate() {
        _ = writeln!(hosts, "{address} special-{index}.example");
    }
    within_namespace("special_addresses", &hosts);
}

/// Plays a stranger's scenario with this `connect`.
fn played(connect: &str, further: &[&str]) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stranger.yaml");
    std::fs::write(&file, format!("connect: {connect}\nsteps:\n  - expect: ^220\n")).unwrap();
    let file = file.to_string_lossy();
    let mut arguments = vec!["run", &file, "--untrusted", "--timeout", "5s"];
    arguments.extend(further);
    Played::of(&program::command(&arguments).output().unwrap())
}

#[test]
#[ignore = "runs in a namespace of its own"]
fn special_addresses() {
    let resolver = name_server();
    for (index, address) in SPECIAL.iter().enumerate() {
        let part = ["not a public address"];
        let literal = if address.contains(':') { format!("'[{address}]'") } else { (*address).to_owned() };
        played(&literal, &[]).exits(2).says(&part);
        played(&format!("special-{index}.example"), &[]).exits(2).says(&part);
        let mx = format!("{{mx: domain-{index}.example}}");
        played(&mx, &["--resolver", &resolver]).exits(2).says(&part);
    }
}

/// A name server: `domain-N` has the exchanger `mx.domain-N`, which has the address of number N.
fn name_server() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((count, client)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answered(&buffer[..count]) {
                _ = socket.send_to(&answer, client);
            }
        }
    });
    address
}

/// The answer to a question (RFC 1035 section 4.1).
fn answered(question: &[u8]) -> Option<Vec<u8>> {
    let mut end = 12;
    let mut labels = Vec::new();
    while question[end] != 0 {
        let length = usize::from(question[end]);
        labels.push(String::from_utf8_lossy(&question[end + 1..=end + length]).to_ascii_lowercase());
        end += length + 1;
    }
    let kind = question[end + 2];
    let number = labels.iter().find_map(|label| label.strip_prefix("domain-")?.parse::<usize>().ok())?;
    let address: IpAddr = SPECIAL[number].parse().ok()?;
    let is_exchanger = labels[0] == "mx";
    let data = match (kind, is_exchanger, address) {
        (15, false, _) => Some([&[0, 10, 2][..], b"mx", &[0xc0, 12]].concat()),
        (1, true, IpAddr::V4(v4)) => Some(v4.octets().to_vec()),
        (28, true, IpAddr::V6(v6)) => Some(Ipv6Addr::octets(&v6).to_vec()),
        _ => None,
    };
    let mut answer = [&question[..2], &[0x81, 0x80, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]].concat();
    answer.extend(&question[12..end + 5]);
    if let Some(data) = data {
        answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, u8::try_from(data.len()).ok()?]);
        answer.extend(data);
    }
    Some(answer)
}

// --- what a secret decides in a scenario that is trusted ---------------------------------------------------------

#[test]
fn what_comes_after_a_decision_of_a_secret_counts_as_one() {
    within_namespace("decisions", "127.0.0.1 localhost\n");
}

/// Steps that a secret decides about, or takes time for: each way with a secret that makes it hold.
const DECISIONS: [(&str, &str); 33] = [
    ("a condition", "  - {when: letter == 'h', send: NOOP}\n"),
    ("a condition that takes time", "  - {when: letter == 'h', sleep: 10ms}\n"),
    ("a condition of an assertion", "  - {when: letter != 'h', assert: 1 == 2}\n"),
    ("a condition that skips", "  - {when: letter != 'h', skip: no}\n"),
    ("a condition of a group", "  - {when: letter == 'h', steps: [{sleep: 10ms}]}\n"),
    (
        "a condition of a value",
        "  - {set: {x: 0}}\n  - {when: letter == 'h', set: {x: 1}}\n  - {when: x == 1, sleep: 10ms}\n",
    ),
    ("requirements", "  - {requires: letter == 'h', steps: [{sleep: 10ms}]}\n"),
    ("an assertion", "  - {assert: letter == 'h'}\n"),
    ("an assertion of two", "  - {assert: 1 == 1 and letter == 'h'}\n"),
    ("an assertion that may fail", "  - {assert: letter == 'h', on_divergence: continue}\n"),
    ("a pause", "  - {sleep: '<<10 if letter == ''h'' else 20>>ms'}\n"),
    ("a count", "  - {repeat: '<<1 if letter == ''h'' else 2>>', steps: [{sleep: 1ms}]}\n"),
    ("a list", "  - {for_each: {c: ['<<letter>>']}, steps: [{sleep: 1ms}]}\n"),
    ("a text", "  - {send: NOOP, expect: '^250 (<<letter>>)?'}\n"),
    ("a pattern of a line", "  - {send: NOOP, expect: {line: '250 (<<letter>>)?'}}\n"),
    ("octets", "  - {send: NOOP, expect: {raw: '250 (<<letter>>)?'}}\n"),
    ("a part of a reply", "  - {send: NOOP, expect: {code: 250, text: '(<<letter>>)?'}}\n"),
    ("what may not be in a reply", "  - {send: NOOP, expect: {code: 250, not: '<<letter>>zz'}}\n"),
    ("keywords", "  - {send: EHLO a, expect: {lacks: ['<<letter>>ZZ']}}\n"),
    ("a limit of time", "  - {send: NOOP, expect: {code: 250, within: '<<5 if letter == ''h'' else 6>>s'}}\n"),
    ("one of several", "  - {send: NOOP, expect: {any: ['^250 <<letter>>', 250]}}\n"),
    ("all of several", "  - {send: NOOP, expect: {all: ['^250 (<<letter>>)?', 250]}}\n"),
    ("silence", "  - {expect: {silence: '<<10 if letter == ''h'' else 20>>ms'}}\n"),
    ("a look at the time", "  - {send: NOOP, observe: '<<10 if letter == ''h'' else 20>>ms'}\n"),
    ("a time-out", "  - {send: NOOP, expect: ^250, timeout: '<<5 if letter == ''h'' else 6>>s'}\n"),
    ("a pace", "  - {send: NOOP, expect: ^250, pace: {bytes: 9, every: '<<1 if letter == ''h'' else 2>>ms'}}\n"),
    ("attempts", "  - {retry: {attempts: '<<1 if letter == ''h'' else 2>>', delay: 1ms}, steps: [{sleep: 1ms}]}\n"),
    (
        "the delay of attempts",
        "  - {retry: {attempts: 2, delay: '<<1 if letter == ''h'' else 2>>ms'}, steps: [{sleep: 1ms}]}\n",
    ),
    (
        "attempts that a secret ends",
        "  - retry: {attempts: 2, delay: 1ms}\n    steps:\n      - {send: NOOP told, expect: ^250}\n      - {assert: letter == 'h'}\n",
    ),
    ("a loop", "  - repeat: 2\n    steps:\n      - {send: NOOP told, expect: ^250}\n      - {assert: letter == 'h'}\n"),
    ("a variable", "  - {set: {x: '<<letter>>'}}\n  - {assert: x == 'h'}\n"),
    ("a capture", "  - {send: NOOP, expect: '^250 (?<c>.*?)(<<letter>>)?$'}\n  - {when: c, sleep: 1ms}\n"),
    ("values of a group", "  - vars: {v: '<<letter>>'}\n    steps:\n      - {assert: v == 'h'}\n"),
];

/// Plays steps against a server elsewhere, in plain text, and gives what it was sent.
fn told_elsewhere(letter: &str, steps: &str, further: &[&str]) -> (String, Played) {
    let listener = TcpListener::bind((ELSEWHERE, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(Mutex::new(String::new()));
    let kept = sent.clone();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        _ = stream.write_all(b"220 here\r\n");
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            _ = stream.write_all(b"250 ok\r\n");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.yaml");
    let vars = format!("secrets: [password]\nvars: {{letter: {letter}}}\n");
    let head = format!("{vars}connect: {ELSEWHERE}:{port}\nsteps:\n  - expect: ^220\n");
    std::fs::write(&file, head + steps + "  - send: NOOP told\n    expect: ^250\n").unwrap();
    let file = file.to_string_lossy();
    let mut arguments = vec!["run", &file, "--timeout", "5s"];
    arguments.extend(further);
    let mut command = program::command(&arguments);
    let output = command.env("SMTP_SCRIPT_SECRET_PASSWORD", "hunter2-mine").output().unwrap();
    if output.status.success() {
        server.join().unwrap();
    }
    let sent = sent.lock().unwrap().clone();
    (sent, Played::of(&output))
}

#[test]
#[ignore = "runs in a namespace of its own"]
fn decisions() {
    let of_secret = "'<<password[0]>>'";
    for (what, steps) in DECISIONS {
        let (sent, played) = told_elsewhere(of_secret, steps, &[]);
        assert!(!sent.contains("told"), "{what}: {sent}{}", played.err);
        played.exits(2).says(&["a secret would go to"]);
        assert!(played.err.contains("will be sent to 11.22.33.44"), "{what}: {}", played.err);
        let (sent, played) = told_elsewhere(of_secret, steps, &["--insecure-secrets"]);
        assert!(sent.contains("told"), "{what}: {sent}{}{}", played.out, played.err);
        // Whatever is no secret decides as it likes.
        let (sent, played) = told_elsewhere("h", steps, &[]);
        assert!(sent.contains("told"), "{what}: {sent}{}{}", played.out, played.err);
    }
}
