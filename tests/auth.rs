//! The step `auth`, played by the real program: every mechanism, with the right and a wrong password, against the
//! sandbox and against real servers (installed by `tests/servers/install`; without them those tests fail and say so).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "servers/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod servers;

use servers::Servers;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The account of all real servers.
const ACCOUNT: [&str; 2] = ["testuser", "testpass"];

/// What a run printed, and how it ended.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    text: String,
}

impl Run {
    fn followed(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self
    }

    fn diverged(&self) -> &Self {
        assert_eq!(self.code, Some(1), "{}", self.text);
        self
    }

    fn says(&self, part: &str) -> &Self {
        assert!(self.text.contains(part), "`{part}` is not in:\n{}", self.text);
        self
    }

    fn keeps(&self, secret: &str) -> &Self {
        assert!(!self.text.contains(secret), "`{secret}` is in:\n{}", self.text);
        self
    }
}

/// A server that answers each line with the next of `replies`, the greeting first; a reply may have several lines.
fn answering(replies: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for reply in replies {
            write!(stream, "{}\r\n", reply.replace('\n', "\r\n")).unwrap();
            if lines.next().is_none() {
                return;
            }
        }
    });
    address
}

/// Plays one `auth` with a server that answers it, and what follows, with `replies`.
fn odd_server(replies: &'static [&'static str], auth: &str, expect: &str) -> Run {
    run(&scenario(&answering(replies), false, auth, expect), "hunter2hunter2", &[])
}

/// Plays a scenario with the secret `password`.
fn run(scenario: &str, password: &str, arguments: &[&str]) -> Run {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("scenario.yaml");
    std::fs::write(&file, scenario).unwrap();
    let secret = format!("password={password}");
    let output = Command::new(env!("CARGO_BIN_EXE_smtp-script"))
        .args(["run", "--verbose", "--secret", &secret])
        .args(arguments)
        .arg(&file)
        .env_remove("SMTP_SCRIPT_SECRET_PASSWORD")
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Run { code: output.status.code(), text }
}

/// A session with one `auth`; `{keys}` goes into it.
fn scenario(address: &str, starttls: bool, auth: &str, expect: &str) -> String {
    let tls = if starttls { "  - send: EHLO c.example\n    expect: 250\n  - starttls\n" } else { "" };
    let expect = if expect.is_empty() { String::new() } else { format!("    expect: {expect}\n") };
    format!(
        "secrets: [password]\nconnect: {address}\nsteps:\n  - expect: 220\n{tls}  - send: EHLO c.example\n    expect: 250\n  - auth: {auth}\n{expect}  - send: QUIT\n    expect: 221\n"
    )
}

fn sandbox(starttls: bool, auth: &str, expect: &str) -> Run {
    run(&scenario("mx.example:587", starttls, auth, expect), "hunter2hunter2", &["--sandbox"])
}

const SANDBOX: [(&str, &str, bool); 9] = [
    ("PLAIN", "password", false),
    ("LOGIN", "password", false),
    ("CRAM-MD5", "password", false),
    ("SCRAM-SHA-1", "password", false),
    ("SCRAM-SHA-256", "password", true),
    ("SCRAM-SHA-1-PLUS", "password", true),
    ("SCRAM-SHA-256-PLUS", "password", true),
    ("XOAUTH2", "token", false),
    ("OAUTHBEARER", "token", true),
];

#[test]
fn every_mechanism_of_the_sandbox() {
    for (mechanism, key, tls) in SANDBOX {
        let auth =
            |secret: &str, more: &str| format!("{{mechanism: {mechanism}, username: bob, {key}: '{secret}'{more}}}");
        sandbox(tls, &auth("<<password>>", ""), "").followed().says("235 2.7.0").keeps("hunter2");
        sandbox(tls, &auth("<<password>>", ", initial_response: false"), "^235 2.7.0").followed();
        sandbox(tls, &auth("wrong", ""), "").diverged().says("expected reply code 235, got 535 5.7.8");
        sandbox(tls, &auth("wrong", ""), "535").followed();
    }
}

#[test]
fn no_line_shows_a_secret() {
    let auth = |mechanism: &str| {
        let auth = format!("{{mechanism: {mechanism}, username: bob, password: <<password>>}}");
        let run = sandbox(false, &auth, "");
        run.followed().keeps("hunter2").keeps(",p=").keeps("v=");
        run
    };
    auth("PLAIN").says("C: AUTH PLAIN <<auth_plain('bob', password)>>");
    auth("LOGIN").says("C: AUTH LOGIN").says("C: <<response>>").says("C: <<password | b64encode>>");
    auth("CRAM-MD5").says("C: <<auth_cram_md5(challenge, 'bob', password)>>");
    let scram = auth("SCRAM-SHA-256");
    scram.says("C: AUTH SCRAM-SHA-256 <<response>>").says("S: 334 <<scram_server_signature>>");
}

#[test]
fn the_strongest_mechanism_is_chosen() {
    let password = "{username: bob, password: <<password>>}";
    sandbox(false, password, "").followed().says("AUTH SCRAM-SHA-256 ");
    sandbox(true, password, "").followed().says("AUTH SCRAM-SHA-256-PLUS ");
    sandbox(true, "{username: bob, token: <<password>>}", "").followed().says("AUTH OAUTHBEARER ");
    sandbox(false, "{username: bob, token: <<password>>}", "")
        .diverged()
        .says("nothing that can be used without TLS")
        .says("the server offers PLAIN LOGIN CRAM-MD5")
        .says("starttls");
}

#[test]
fn refusals_are_told_line_by_line() {
    let wrong = |mechanism: &str| {
        let auth = format!("{{mechanism: {mechanism}, username: bob, password: wrong, token: <<password>>}}");
        sandbox(false, &auth, "")
    };
    wrong("LOGIN").diverged().says("this answers the password");
    wrong("SCRAM-SHA-1").diverged().says("this answers the proof of the password");
    wrong("CRAM-MD5").diverged().says("digest of the password");
    sandbox(false, "{mechanism: OAUTHBEARER, token: wrong, username: <<password>>}", "")
        .diverged()
        .says("before it the server said why")
        .says("invalid_token");
    sandbox(false, "{mechanism: EXTERNAL, authzid: <<password>>}", "").diverged().says("client certificate");
    sandbox(false, "{mechanism: ANONYMOUS, username: <<password>>}", "").followed();
}

#[test]
fn mistakes_are_found_before_the_run() {
    for (auth, message) in [
        ("{mechanism: PLAIN, username: bob}", "`auth` with PLAIN needs `password`, which is not given"),
        ("{mechanism: SCRAM-SHA-256}", "needs `username` and `password`"),
        ("{mechanism: XOAUTH2, username: bob}", "needs `token`"),
        ("{mechanism: SCRAM-SHA-255, username: <<password>>}", "did you mean `SCRAM-SHA-256`"),
        ("{mechanism: NTLM, username: <<password>>}", "`NTLM` is not a mechanism: known are"),
        ("{username: bob}", "`auth` needs `username` and `password`, or `token`"),
        ("{user: bob}", "the user is `username: bob`"),
        ("{nobody: bob}", "the keys are mechanism, username, password, token, authzid"),
        ("PLAIN", "`auth` is a mapping"),
    ] {
        let run = sandbox(false, auth, "");
        assert_eq!(run.code, Some(2), "{}", run.text);
        run.says(message);
    }
    let run = sandbox(false, "{username: bob, password: <<password>>}", "{silence: 1s}");
    assert_eq!(run.code, Some(2), "{}", run.text);
    run.says("`auth` reads whole replies itself");
}

#[test]
fn a_mechanism_can_be_scripted_by_hand() {
    let steps = "secrets: [password]\nconnect: mx.example:587\nsteps:\n  - expect: 220\n  - send: EHLO c.example\n    expect: 250\n  \
        - set: {first: \"<<scram_first('bob')>>\"}\n  - send: AUTH SCRAM-SHA-256 <<first>>\n    expect: ^334 (?<challenge>\\S+)\n  \
        - send: <<scram_final(first, password, challenge)>>\n    expect: ^334 <<scram_server_signature(first, password, challenge)>>$\n  \
        - send: ''\n    expect: 235\n";
    run(steps, "hunter2hunter2", &["--sandbox"]).followed().keeps("334 dj").keeps("hunter2");
    let wrong = steps.replace("scram_final(first, password", "scram_final(first, 'wrong'");
    run(&wrong, "hunter2hunter2", &["--sandbox"]).diverged().says("535 5.7.8").says("C: <<scram_final");
}

const EHLO: &str = "250-mx.example\n250-AUTH PLAIN SCRAM-SHA-1\n250 HELP";

#[test]
fn odd_servers() {
    let with = |mechanism: &str, more: &str| {
        format!("{{mechanism: {mechanism}, username: bob, password: <<password>>{more}}}")
    };
    // Two blanks are an empty challenge.
    let replies = &["220 mx", EHLO, "334  ", "235 in", "221 bye"];
    odd_server(replies, &with("PLAIN", ", initial_response: false"), "").followed();
    let replies = &["220 mx", EHLO, "334 go on!", "501 cancelled"];
    odd_server(replies, &with("PLAIN", ", initial_response: false"), "")
        .diverged()
        .says("PLAIN: the challenge is not base64")
        .says("the challenge was \"334 go on!\"")
        .says("C: *")
        .says("S: 501 cancelled");
    let replies = &["220 mx", EHLO, "235 already", "221 bye"];
    odd_server(replies, &with("SCRAM-SHA-1", ""), "").diverged().says("before the exchange was over");
    odd_server(replies, &with("LOGIN", ""), "2xx").diverged().says("it has not seen the credentials");
    let replies = &["220 mx", EHLO, "334 cj1vdGhlcixzPUFBQUEsaT0x", "501 cancelled"];
    odd_server(replies, &with("SCRAM-SHA-1", ""), "")
        .diverged()
        .says("the server's nonce is not the client's")
        .says("the challenge was \"r=other,s=AAAA,i=1\"");
    // `e=invalid-encoding`, then the reply that it announces.
    let replies = &["220 mx", EHLO, "334 ZT1pbnZhbGlkLWVuY29kaW5n", "535 5.7.8 no"];
    odd_server(replies, &with("SCRAM-SHA-1", ""), "").diverged().says("said why: \"invalid-encoding\"");
}

#[test]
fn servers_that_do_not_want_it() {
    let auth = "{username: bob, password: <<password>>}";
    let replies = &["220 mx", EHLO, "504 5.5.4 what?"];
    odd_server(replies, "{mechanism: LOGIN, username: bob, password: <<password>>}", "")
        .diverged()
        .says("this answers the AUTH command itself: no credentials were sent")
        .says("the last EHLO reply offers PLAIN SCRAM-SHA-1");
    odd_server(&["220 mx", "250 mx"], auth, "").diverged().says("the last EHLO reply offers no AUTH");
    odd_server(&["220 mx", "250-mx\n250 AUTH PLAIN LOGIN"], auth, "")
        .diverged()
        .says("the server offers PLAIN LOGIN: nothing that can be used without TLS");
    odd_server(&["220 mx", "250-mx\n250 AUTH GSSAPI"], auth, "").diverged().says("the server offers GSSAPI");
    // It closes, and the last line sent is told.
    let closed = odd_server(&["220 mx", EHLO], "{mechanism: PLAIN, username: bob, password: <<password>>}", "");
    closed.diverged().says("the server closed the connection").says("nothing answered the user name and password");
}

/// Each mechanism with the right and a wrong password, as its secret.
fn against(port: u16, ca_file: &Path, starttls: bool, mechanisms: &[&str]) {
    let [user, password] = ACCOUNT;
    let address = format!("127.0.0.1:{port}");
    let ca_file = ca_file.to_str().unwrap();
    for mechanism in mechanisms {
        let chosen = if mechanism.is_empty() { String::new() } else { format!("mechanism: {mechanism}, ") };
        let auth = format!("{{{chosen}username: {user}, password: <<password>>}}");
        let play = |secret: &str, expect: &str| {
            run(&scenario(&address, starttls, &auth, expect), secret, &["--ca-file", ca_file])
        };
        play(password, "").followed().keeps(password).keeps("334 dj");
        play("not this one", "").diverged().says("expected reply code 235, got 535").keeps("not this one");
        play("not this one", "535").followed();
    }
}

#[test]
fn postfix() {
    let servers = Servers::start(&["postfix"]);
    let every = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", ""];
    against(servers.port("postfix", 0), &servers.ca_file(), false, &every);
    against(servers.port("postfix", 2), &servers.ca_file(), true, &["SCRAM-SHA-256", ""]);
}

#[test]
fn exim() {
    let servers = Servers::start(&["exim"]);
    against(servers.port("exim", 0), &servers.ca_file(), false, &["PLAIN", "LOGIN", "CRAM-MD5", ""]);
    against(servers.port("exim", 0), &servers.ca_file(), true, &["PLAIN", ""]);
}

#[test]
fn dovecot() {
    let servers = Servers::start(&["dovecot"]);
    let every = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", ""];
    against(servers.port("dovecot", 0), &servers.ca_file(), false, &every);
    against(servers.port("dovecot", 0), &servers.ca_file(), true, &["SCRAM-SHA-256", ""]);
}
