//! Nothing that leaves, and nothing that is shown, depends on a secret of an untrusted scenario.
//!
//! A family of hostile scenarios is generated: every place where a template may stand, with every construct that branches
//! in it, directly and by way of other names. Each is played with secrets that differ in their value and in their length,
//! against a server that the secret was not given for and a name server that answers everything. Octets, connections,
//! questions, output, reports and exit codes must be the same; times are left out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "harness/arguments.rs"]
mod arguments;
#[path = "noninterference/commands.rs"]
mod commands;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Two of the same length, and two of other lengths.
const SECRETS: [&str; 4] = ["hunter2mine", "Xorrect7bat", "pw", "a-much-longer-secret-with-0123456789"];

/// What came of one run.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    code: Option<i32>,
    output: String,
    report: String,
    wire: Vec<String>,
    questions: Vec<Vec<u8>>,
}

/// A server that accepts everything, and remembers what each connection sent.
struct Listener {
    address: SocketAddr,
    wire: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn start() -> Listener {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Mutex::new(Vec::new()));
        let kept = wire.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let index = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(String::new());
                    kept.len() - 1
                };
                let kept = kept.clone();
                std::thread::spawn(move || serve(stream, &kept, index));
            }
        });
        Listener { address, wire }
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<String>>, index: usize) {
    _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    _ = stream.write_all(b"220 mx.example\r\n");
    let (mut buffer, mut line) = ([0; 4096], Vec::new());
    while let Ok(count) = stream.read(&mut buffer) {
        if count == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        kept.lock().unwrap()[index].push_str(&text);
        for byte in &buffer[..count] {
            line.push(*byte);
            if *byte == b'\n' {
                let reply: &[u8] = if line.starts_with(b"DATA") { b"354 go\r\n" } else { b"250 2.0.0 ok\r\n" };
                line.clear();
                if stream.write_all(reply).is_err() {
                    return;
                }
            }
        }
    }
}

/// A name server that knows nothing, and remembers what it was asked.
struct NameServer {
    address: SocketAddr,
    questions: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl NameServer {
    fn start() -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let questions = Arc::new(Mutex::new(Vec::new()));
        let kept = questions.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((count, client)) = socket.recv_from(&mut buffer) {
                let mut answer = buffer[..count].to_vec();
                // The name does not exist (RFC 1035 section 4.1.1). The identifier is random.
                answer[2] = 0x81;
                answer[3] = 0x83;
                kept.lock().unwrap().push(answer[2..].to_vec());
                _ = socket.send_to(&answer, client);
            }
        });
        NameServer { address, questions }
    }
}

/// Where both listen.
struct World {
    listener: Listener,
    names: NameServer,
}

impl World {
    fn start() -> World {
        World { listener: Listener::start(), names: NameServer::start() }
    }

    fn play(&self, folder: &Path, secret: &str, further: &[&str]) -> Seen {
        self.listener.wire.lock().unwrap().clear();
        self.names.questions.lock().unwrap().clear();
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
        command.current_dir(folder).env_clear().env("SMTP_SCRIPT_SECRET_PASSWORD", secret).stdin(Stdio::null());
        command.args(["run", "scenario.yaml", "-v", "--seed", "1", "--timeout", "2s", "--max-time", "8s"]);
        command.args(["--report", "json=report.json", "--resolver", &self.names.address.to_string()]);
        let outcome = command.args(further).output().unwrap();
        let text = |bytes: &[u8]| without_times(&String::from_utf8_lossy(bytes));
        // A connection may still be on its way to its thread.
        std::thread::sleep(Duration::from_millis(5));
        Seen {
            code: outcome.status.code(),
            output: text(&outcome.stdout) + &text(&outcome.stderr),
            report: without_times(&std::fs::read_to_string(folder.join("report.json")).unwrap_or_default()),
            wire: self.listener.wire.lock().unwrap().clone(),
            questions: self.names.questions.lock().unwrap().clone(),
        }
    }
}

/// Without whatever tells of time: numbers with a fraction, and points in time.
fn without_times(text: &str) -> String {
    let times = regex::Regex::new(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|\d+\.\d+(e-?\d+)?|127\.0\.0\.1:\d+").unwrap();
    times.replace_all(text, "T").into_owned()
}

// --- the family --------------------------------------------------------------------------------------------------

/// Expressions that branch on a secret, by its name or by another that stands for it.
fn expressions(name: &str) -> Vec<String> {
    vec![
        format!("{name}[0] == 'h'"),
        format!("{name}[0]"),
        format!("{name}[:3]"),
        format!("{name} | length"),
        format!("'aa' if {name} > 'm' else 'bb'"),
        format!("'h' in {name}"),
        format!("{name} is eq 'hunter2mine'"),
        format!("100 // (({name} | length) - 2)"),
        format!("{name} | hex | upper"),
        format!("{{'h': 1}}[{name}[0]]"),
        format!("{name}[20:]"),
        format!("{name}[1:] == 'unter2mine'"),
    ]
}

/// A place: its name, and the scenario that has an expression there. The address of the server stands for `HOST`.
type Place = (&'static str, fn(&str) -> String);

const HEAD: &str = "steps:\n  - expect: ^220\n";
const TAIL: &str = "  - send: NOOP end\n    expect: ^250\n";

/// A step between the greeting and the end.
fn step(text: &str) -> String {
    format!("connect: HOST\n{HEAD}{text}{TAIL}")
}

/// Double quotes around a template.
fn quoted(expression: &str) -> String {
    format!("\"<<{expression}>>\"")
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn places() -> Vec<Place> {
    vec![
        ("connect host", |e| format!("connect: {}\n{HEAD}", quoted(e))),
        ("connect host part", |e| format!("connect: \"<<{e}>>.evil.example\"\n{HEAD}")),
        ("connect split", |e| format!("connect: {{host: {}, port: 25}}\n{HEAD}", quoted(e))),
        ("connect port", |e| format!("connect: {{host: 127.0.0.1, port: {}}}\n{HEAD}", quoted(e))),
        ("connect mx", |e| format!("connect: {{mx: \"<<{e}>>.evil.example\"}}\n{HEAD}")),
        ("connect unix", |e| format!("connect: {{unix: \"/tmp/none-<<{e}>>\"}}\n{HEAD}")),
        ("connect socks5", |e| format!("connect: {{host: HOSTNAME, port: PORT, socks5: {}}}\n{HEAD}", quoted(e))),
        ("connect local_address", |e| {
            format!("connect: {{host: HOSTNAME, port: PORT, local_address: {}}}\n{HEAD}", quoted(e))
        }),
        ("connect proxy_protocol", |e| {
            format!(
                "connect: {{host: HOSTNAME, port: PORT, proxy_protocol: {{version: 1, source: {}, destination: \"192.0.2.1:25\"}}}}\n{HEAD}",
                quoted(e)
            )
        }),
        ("connect server_name", |e| {
            format!("connect: {{host: HOSTNAME, port: PORT, server_name: {}}}\n{HEAD}{TAIL}", quoted(e))
        }),
        ("connect ca_file", |e| {
            format!("connect: {{host: HOSTNAME, port: PORT, ca_file: {}}}\n{HEAD}{TAIL}", quoted(e))
        }),
        ("connect client_certificate", |e| {
            format!(
                "connect: {{host: HOSTNAME, port: PORT, client_certificate: {}, client_key: x}}\n{HEAD}{TAIL}",
                quoted(e)
            )
        }),
        ("connect timeout", |e| {
            format!("connect: {{host: HOSTNAME, port: PORT, timeout: \"<<{e}>>s\"}}\n{HEAD}{TAIL}")
        }),
        ("name", |e| step(&format!("  - name: {}\n    send: NOOP\n    expect: ^250\n", quoted(e)))),
        ("when", |e| step(&format!("  - when: {e}\n    send: NOOP\n    expect: ^250\n"))),
        ("when of a group", |e| {
            step(&format!("  - when: {e}\n    steps:\n      - send: NOOP\n        expect: ^250\n"))
        }),
        ("when close", |e| step(&format!("  - when: {e}\n    close: reset\n"))),
        ("when connect", |e| step(&format!("  - when: {e}\n    connect: HOST\n    session: other\n"))),
        ("when sleep", |e| step(&format!("  - when: {e}\n    sleep: 10ms\n"))),
        ("when set", |e| {
            step(&format!(
                "  - set: {{x: 1}}\n  - when: {e}\n    set: {{x: 2}}\n  - send: NOOP <<x>>\n    expect: ^250\n"
            ))
        }),
        ("timeout", |e| step(&format!("  - send: NOOP\n    expect: ^250\n    timeout: \"<<{e}>>s\"\n"))),
        ("pace", |e| {
            step(&format!("  - send: NOOP\n    expect: ^250\n    pace: {{bytes: 1, every: \"<<{e}>>ms\"}}\n"))
        }),
        ("fails", |e| {
            format!(
                "connect: {{host: HOSTNAME, port: 1}}\n{HEAD}  - connect: {{host: HOSTNAME, port: 1}}\n    fails: {}\n",
                quoted(e)
            )
        }),
        ("send", |e| step(&format!("  - send: \"NOOP <<{e}>>\"\n    expect: ^250\n"))),
        ("send to another session", |e| {
            step(&format!(
                "  - connect: HOST\n    session: b\n  - session: b\n    expect: ^220\n  - session: b\n    send: \"NOOP <<{e}>>\"\n    expect: ^250\n"
            ))
        }),
        ("raw", |e| step(&format!("  - raw: \"NOOP <<{e}>>\\r\\n\"\n    expect: ^250\n"))),
        ("raw hex", |e| step(&format!("  - raw: {{hex: {}}}\n", quoted(e)))),
        ("raw base64", |e| step(&format!("  - raw: {{base64: {}}}\n", quoted(e)))),
        ("data", |e| step(&format!("  - send: DATA\n    expect: ^354\n  - data: {}\n    expect: ^250\n", quoted(e)))),
        ("data file", |e| {
            step(&format!("  - send: DATA\n    expect: ^354\n  - data: {{file: {}}}\n    expect: ^250\n", quoted(e)))
        }),
        ("bdat", |e| step(&format!("  - bdat: {{text: {}, chunk: 1}}\n    expect: ^250\n", quoted(e)))),
        ("message subject", |e| {
            step(&format!(
                "  - send: DATA\n    expect: ^354\n  - message: {{from: a@b.example, to: c@d.example, subject: {}, text: x}}\n    expect: ^250\n",
                quoted(e)
            ))
        }),
        ("message text", |e| {
            step(&format!(
                "  - send: DATA\n    expect: ^354\n  - message: {{from: a@b.example, to: c@d.example, text: {}}}\n    expect: ^250\n",
                quoted(e)
            ))
        }),
        ("message attachment", |e| {
            step(&format!(
                "  - send: DATA\n    expect: ^354\n  - message: {{from: a@b.example, to: c@d.example, text: x, attach: [{{text: x, name: {}}}]}}\n    expect: ^250\n",
                quoted(e)
            ))
        }),
        ("starttls server_name", |e| step(&format!("  - starttls: {{server_name: {}}}\n", quoted(e)))),
        ("tls server_name", |e| step(&format!("  - tls: {{server_name: {}}}\n", quoted(e)))),
        ("auth mechanism", |e| step(&format!("  - auth: {{mechanism: {}, username: a, password: b}}\n", quoted(e)))),
        ("auth password", |e| step(&format!("  - auth: {{mechanism: PLAIN, username: a, password: {}}}\n", quoted(e)))),
        ("assert", |e| step(&format!("  - assert: {e}\n"))),
        ("assert, warn", |e| step(&format!("  - assert: true\n    warn: {e}\n"))),
        ("assert, then finally", |e| {
            step(&format!("  - assert: {e}\n")) + "finally:\n  - when: diverged\n    send: NOOP 1\n    expect: ^250\n"
        }),
        ("set", |e| step(&format!("  - set: {{x: {}}}\n  - send: NOOP <<x>>\n    expect: ^250\n", quoted(e)))),
        ("set, then when", |e| {
            step(&format!("  - set: {{x: {}}}\n  - when: x\n    send: NOOP\n    expect: ^250\n", quoted(e)))
        }),
        ("sleep", |e| step(&format!("  - sleep: \"<<{e}>>ms\"\n"))),
        ("repeat", |e| {
            step(&format!("  - repeat: {}\n    steps:\n      - send: NOOP\n        expect: ^250\n", quoted(e)))
        }),
        ("for_each", |e| {
            step(&format!("  - for_each: {{c: {}}}\n    steps:\n      - send: NOOP\n        expect: ^250\n", quoted(e)))
        }),
        ("for_each element", |e| {
            step(&format!(
                "  - for_each: {{c: [1, {}]}}\n    steps:\n      - send: NOOP <<c>>\n        expect: ^250\n",
                quoted(e)
            ))
        }),
        ("retry delay", |e| {
            step(&format!(
                "  - retry: {{attempts: 2, delay: \"<<{e}>>ms\", on: [2xx]}}\n    steps:\n      - send: NOOP\n        expect: ^550\n"
            ))
        }),
        ("group vars", |e| {
            step(&format!(
                "  - vars: {{v: {}}}\n    steps:\n      - when: v\n        send: NOOP\n        expect: ^250\n",
                quoted(e)
            ))
        }),
        ("group vars, host", |e| {
            step(&format!(
                "  - vars: {{v: {}}}\n    steps:\n      - connect: \"<<v>>.evil.example\"\n        session: b\n",
                quoted(e)
            ))
        }),
        ("vars, host", |e| format!("vars: {{v: {}}}\nconnect: \"<<v>>.evil.example\"\n{HEAD}", quoted(e))),
        ("vars, when", |e| {
            format!("vars: {{v: {}}}\n", quoted(e)) + &step("  - when: v\n    send: NOOP\n    expect: ^250\n")
        }),
        ("cases", |e| {
            format!("vars: {{v: x}}\ncases:\n  - {{v: {}}}\n", quoted(e))
                + &step("  - when: v\n    send: NOOP\n    expect: ^250\n")
        }),
        ("expect", |e| step(&format!("  - send: NOOP\n    expect: \"^250 <<{e}>>\"\n"))),
        ("expect safe", |e| step(&format!("  - send: NOOP\n    expect: \"^250 (<<({e}) | safe>>)?\"\n"))),
        ("expect line", |e| step(&format!("  - send: NOOP\n    expect: {{line: {}}}\n", quoted(e)))),
        ("expect raw", |e| step(&format!("  - send: NOOP\n    expect: {{raw: {}}}\n", quoted(e)))),
        ("expect text", |e| step(&format!("  - send: NOOP\n    expect: {{code: 250, text: {}}}\n", quoted(e)))),
        ("expect not", |e| step(&format!("  - send: NOOP\n    expect: {{code: 250, not: {}}}\n", quoted(e)))),
        ("expect enhanced", |e| step(&format!("  - send: NOOP\n    expect: {{code: 250, enhanced: {}}}\n", quoted(e)))),
        ("expect within", |e| step(&format!("  - send: NOOP\n    expect: {{code: 250, within: \"<<{e}>>s\"}}\n"))),
        ("expect silence", |e| step(&format!("  - expect: {{silence: \"<<{e}>>ms\"}}\n"))),
        ("expect all", |e| step(&format!("  - send: NOOP\n    expect: {{all: [\"^250 <<{e}>>\", 250]}}\n"))),
        ("expect any", |e| step(&format!("  - send: NOOP\n    expect: {{any: [\"^250 <<{e}>>\", 250]}}\n"))),
        ("expect offers", |e| step(&format!("  - send: EHLO a\n    expect: {{offers: [{}]}}\n", quoted(e)))),
        ("expect lacks", |e| step(&format!("  - send: EHLO a\n    expect: {{lacks: [{}]}}\n", quoted(e)))),
        ("starttls verify", |e| step(&format!("  - starttls: {{verify: {}}}\n", quoted(e)))),
        ("starttls ciphers", |e| step(&format!("  - starttls: {{ciphers: {}}}\n", quoted(e)))),
        ("starttls versions", |e| step(&format!("  - starttls: {{min_version: {0}, max_version: {0}}}\n", quoted(e)))),
        ("connect ip", |e| step(&format!("  - connect: {{host: a.example, ip: {}}}\n    session: b\n", quoted(e)))),
        ("capture", |e| {
            step(&format!(
                "  - send: NOOP\n    expect: \"^250 (?<c>.*?)(<<{e}>>)?$\"\n  - send: NOOP <<c>>\n    expect: ^250\n"
            ))
        }),
        ("a statement", |e| {
            step(&format!("  - send: \"NOOP <<% if {e} %>>a<<% else %>>b<<% endif %>>\"\n    expect: ^250\n"))
        }),
        ("a loop of a statement", |e| {
            step(&format!("  - send: \"NOOP <<% for i in [1] if {e} %>>a<<% endfor %>>\"\n    expect: ^250\n"))
        }),
        ("continue after a divergence", |e| step(&format!("  - assert: {e}\n    on_divergence: continue\n"))),
        ("server listen", |e| format!("server: {{listen: {}, steps: [{{reply: 220 x}}]}}\n{}", quoted(e), step(""))),
        ("server certificate", |e| {
            format!(
                "server: {{certificate: {{names: [{}], common_name: {}}}, steps: [{{reply: 220 x}}]}}\n{}",
                quoted(e),
                quoted(e),
                step("")
            )
        }),
        ("server reply", |e| {
            format!("server: {{steps: [{{reply: \"220 <<{e}>>\"}}]}}\nconnect: <<server.address>>\n{HEAD}")
        }),
        ("server when", |e| {
            format!(
                "server:\n  steps:\n    - reply: 220 x\n    - when: {e}\n      reply: 250 x\nconnect: <<server.address>>\n{HEAD}"
            )
        }),
        ("server delay", |e| {
            format!(
                "server:\n  steps:\n    - delay: \"<<{e}>>ms\"\n      reply: 220 x\nconnect: <<server.address>>\n{HEAD}"
            )
        }),
        ("server set", |e| {
            format!(
                "server:\n  steps:\n    - set: {{x: {}}}\n    - reply: 220 <<x>>\nconnect: <<server.address>>\n{HEAD}",
                quoted(e)
            )
        }),
        ("server expect", |e| {
            format!(
                "server:\n  steps:\n    - reply: 220 x\n    - expect: {}\nconnect: <<server.address>>\n{HEAD}{TAIL}",
                quoted(e)
            )
        }),
        ("server repeat", |e| {
            format!(
                "server:\n  steps:\n    - repeat: {}\n      steps:\n        - reply: 220 x\nconnect: <<server.address>>\n{HEAD}",
                quoted(e)
            )
        }),
        ("server rule", |e| {
            format!(
                "server:\n  rules:\n    - match: {}\n      reply: 250 x\nconnect: <<server.address>>\n{HEAD}{TAIL}",
                quoted(e)
            )
        }),
        ("server rule when", |e| {
            format!(
                "server:\n  rules:\n    - match: ^NOOP\n      when: {e}\n      reply: 550 x\nconnect: <<server.address>>\n{HEAD}{TAIL}"
            )
        }),
        ("requires", |e| format!("requires: {e}\n{}", step(""))),
        ("requires, else", |e| format!("requires: [{{when: {e}, else: no}}]\n{}", step(""))),
        ("requires of a group", |e| {
            step(&format!("  - requires: {e}\n    steps:\n      - send: NOOP\n        expect: ^250\n"))
        }),
        ("skip", |e| step(&format!("  - skip: {}\n", quoted(e)))),
        ("skip when", |e| step(&format!("  - when: {e}\n    skip: no\n"))),
        ("observe", |e| step(&format!("  - send: NOOP\n    observe: \"<<{e}>>ms\"\n"))),
        ("pipeline", |e| {
            step(&format!(
                "  - pipeline: true\n    steps:\n      - send: NOOP <<{e}>>\n        expect: ^250\n      - when: {e}\n        send: NOOP\n        expect: ^250\n"
            ))
        }),
        ("include", |e| step(&format!("  - include: \"none-<<{e}>>.yaml\"\n"))),
        ("cases_from", |e| {
            format!("vars: {{v: x}}\ncases_from: {{v: [{}, y]}}\n", quoted(e))
                + &step("  - when: v\n    send: NOOP\n    expect: ^250\n")
        }),
        ("auth token", |e| step(&format!("  - auth: {{mechanism: XOAUTH2, username: a, token: {}}}\n", quoted(e)))),
        ("auth authzid", |e| {
            step(&format!("  - auth: {{mechanism: PLAIN, username: a, password: b, authzid: {}}}\n", quoted(e)))
        }),
        ("auth username", |e| step(&format!("  - auth: {{username: {}, password: b}}\n", quoted(e)))),
        ("message headers", |e| {
            step(&format!(
                "  - send: DATA\n    expect: ^354\n  - message: {{from: a@b.example, to: c@d.example, cc: {0}, headers: {{X-A: {0}}}, text: x}}\n    expect: ^250\n",
                quoted(e)
            ))
        }),
        ("message html", |e| {
            step(&format!(
                "  - send: DATA\n    expect: ^354\n  - message: {{from: a@b.example, to: c@d.example, html: {0}, message_id: {0}, date: {0}}}\n    expect: ^250\n",
                quoted(e)
            ))
        }),
        ("attachment type", |e| {
            step(&format!(
                "  - send: DATA\n    expect: ^354\n  - message: {{from: a@b.example, to: c@d.example, text: x, attach: [{{text: x, name: a, type: {}}}]}}\n    expect: ^250\n",
                quoted(e)
            ))
        }),
        ("filler", |e| {
            step(&format!("  - send: DATA\n    expect: ^354\n  - data: {{filler: {}}}\n    expect: ^250\n", quoted(e)))
        }),
        ("expect closed", |e| step(&format!("  - send: NOOP\n    expect: {{code: 250, closed: {}}}\n", quoted(e)))),
        ("server client_ca", |e| {
            format!("server: {{client_ca: {}, steps: [{{reply: 220 x}}]}}\n{}", quoted(e), step(""))
        }),
        ("server inject", |e| {
            format!(
                "server:\n  steps:\n    - reply: 220 x\n    - starttls: {{inject: {}}}\nconnect: <<server.address>>\n{HEAD}",
                quoted(e)
            )
        }),
        ("server certificate key", |e| {
            format!(
                "server: {{certificate: {{file: {0}, key: {0}}}, steps: [{{reply: 220 x}}]}}\n{1}",
                quoted(e),
                step("")
            )
        }),
        ("server reply lines", |e| {
            format!(
                "server: {{steps: [{{reply: {{code: 220, lines: [{}]}}}}]}}\nconnect: <<server.address>>\n{HEAD}",
                quoted(e)
            )
        }),
        ("server receive", |e| {
            format!(
                "server:\n  steps:\n    - reply: 220 x\n    - receive: data\n    - assert: message.size == ({e})\nconnect: <<server.address>>\n{HEAD}{TAIL}"
            )
        }),
        ("server rule after", |e| {
            format!(
                "server:\n  rules:\n    - match: ^NOOP\n      after: {0}\n      times: {0}\n      per: {0}\n      reply: 550 x\nconnect: <<server.address>>\n{HEAD}{TAIL}",
                quoted(e)
            )
        }),
        ("server connections", |e| {
            format!("server: {{connections: {}, steps: [{{reply: 220 x}}]}}\n{}", quoted(e), step(""))
        }),
    ]
}

/// Keys that hold no template: a value of another kind, or words for a reader that nothing renders.
const FIXED: &[&str] = &[
    "description",
    "tags",
    "level",
    "rfc",
    "why",
    "mend",
    "self_signed",
    "expired",
    "unknown_ca",
    "not_yet_valid",
    "by_leaf",
    "for_clients",
    "weak_key",
    "template",
    "transparency",
    "line_endings",
    "terminate",
    "last",
    "initial_response",
    "as",
    "at_least",
    "at_most",
];

/// Every key of the language stands in one of the places, or holds no template.
#[test]
fn every_key_is_tried() {
    fn keys_of(value: &serde_json::Value, keys: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(members) => {
                if let Some(serde_json::Value::Object(properties)) = members.get("properties") {
                    keys.extend(properties.keys().cloned());
                }
                members.values().for_each(|member| keys_of(member, keys));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| keys_of(item, keys)),
            _ => {}
        }
    }
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let mut keys = std::collections::BTreeSet::new();
    keys_of(&schema, &mut keys);
    let texts: String = places().iter().map(|(_, scenario)| scenario("password")).collect();
    let stands = |key: &str| {
        let is_key = |at: usize| !texts[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        texts.match_indices(&format!("{key}:")).any(|(at, _)| is_key(at)) || key == "secrets"
    };
    let untried: Vec<&String> = keys.iter().filter(|key| !stands(key) && !FIXED.contains(&key.as_str())).collect();
    assert!(keys.len() > 100 && untried.is_empty(), "{untried:?}");
}

/// The ways by which a place comes to read the secret: what stands before the scenario, and the name.
const WAYS: [(&str, &str); 3] = [
    ("", "password"),
    ("vars: {w: \"<<password>>\"}\n", "w"),
    ("vars: {u: \"<<password | b64encode>>\", w: \"<<u>>\"}\n", "w"),
];

/// Every place with every expression by its name, and with some of them by way of variables.
fn family() -> Vec<(String, String)> {
    let mut family = Vec::new();
    for (number, (place, scenario)) in places().into_iter().enumerate() {
        for (way, (vars, name)) in WAYS.into_iter().enumerate() {
            for (index, expression) in expressions(name).into_iter().enumerate() {
                // Each construct stands in every third place, each way in all: not all of all in each.
                if (way > 0 && index % 5 != way) || (way == 0 && (index + number) % 3 != 0) {
                    continue;
                }
                let text = scenario(&expression);
                let clash = !vars.is_empty() && text.starts_with("vars:");
                if !clash {
                    family.push((format!("{place}: {expression}"), format!("secrets: [password]\n{vars}{text}")));
                }
            }
        }
    }
    family
}

/// Places whose scenarios run, each with the reason.
const HARMLESS: &[&str] = &[];

#[test]
fn two_secrets_cannot_be_told_apart() {
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let options = ["--untrusted", "--allow-host", "127.0.0.1", "--allow-secret", "password@mail.example"];
    let (mut differences, mut unrefused) = (String::new(), Vec::new());
    let family = family();
    for (name, scenario) in &family {
        let address = world.listener.address;
        let text = scenario
            .replace("HOSTNAME", &address.ip().to_string())
            .replace("PORT", &address.port().to_string())
            .replace("HOST", &address.to_string());
        std::fs::write(folder.path().join("scenario.yaml"), text).unwrap();
        let first = world.play(folder.path(), SECRETS[0], &options);
        if first.code != Some(2) {
            unrefused.push(name.clone());
        }
        let others = if name.contains("length") || name.contains("[20:]") || name.contains(" == ") {
            &SECRETS[1..]
        } else {
            &SECRETS[1..2]
        };
        for other in others {
            let second = world.play(folder.path(), other, &options);
            if first != second {
                _ = writeln!(differences, "--- {name}\n{scenario}\n{first:#?}\n{second:#?}");
            }
        }
    }
    assert!(family.len() >= 200, "{} scenarios", family.len());
    assert!(differences.is_empty(), "{differences}");
    // All but these are refused before anything is connected; these do no more than they would with any secret.
    let unrefused: Vec<&String> =
        unrefused.iter().filter(|name| !HARMLESS.iter().any(|it| name.starts_with(it))).collect();
    assert!(unrefused.is_empty(), "each of them does more with a secret than send it: {unrefused:#?}");
}

/// The same secret, sent as it is, to the host that it was given for: that goes on.
#[test]
fn a_secret_is_sent_to_its_host() {
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let address = world.listener.address.to_string();
    for send in [
        "NOOP <<password>>",
        "NOOP <<password | b64encode>>",
        "NOOP <<auth_plain('joe', password)>>",
        "NOOP x<<password ~ '!'>>",
        "NOOP <<v>>",
    ] {
        let scenario = format!(
            "secrets: [password]\nvars: {{v: \"<<password | hex>>\"}}\n{}",
            step(&format!("  - send: \"{send}\"\n    expect: ^250\n")).replace("HOST", &address)
        );
        std::fs::write(folder.path().join("scenario.yaml"), scenario).unwrap();
        let bound = ["--untrusted", "--allow-host", "127.0.0.1", "--allow-secret", "password@127.0.0.1"];
        let (first, second) =
            (world.play(folder.path(), SECRETS[0], &bound), world.play(folder.path(), SECRETS[1], &bound));
        assert_eq!(first.code, Some(0), "{send}: {}", first.output);
        assert_ne!(first.wire, second.wire, "{send}: it is sent");
        assert_eq!((&first.output, &first.report), (&second.output, &second.report), "{send}");
        let longer = world.play(folder.path(), SECRETS[3], &bound);
        assert_eq!((&first.output, &first.report), (&longer.output, &longer.report), "{send}");
        // To another host the same is refused, before anything is connected.
        let unbound = ["--untrusted", "--allow-host", "127.0.0.1", "--allow-secret", "password@localhost"];
        let refused = world.play(folder.path(), SECRETS[0], &unbound);
        assert_eq!((refused.code, refused.wire.len()), (Some(2), 0), "{send}: {}", refused.output);
    }
}

/// What stands in the environment for others changes nothing for a stranger's scenario.
#[test]
fn the_environment_gives_a_stranger_nothing() {
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let address = world.listener.address.to_string();
    for scenario in [
        step("  - send: NOOP <<from>>\n    expect: ^250\n").replace("connect", "vars: {from: a@b.example}\nconnect"),
        step("  - send: NOOP <<password>>\n    expect: ^250\n").replace("connect", "secrets: [password]\nconnect"),
    ] {
        let scenario = scenario.replace("HOST", &address);
        for (file, arguments) in [
            ("scenario.yaml", &["run", "scenario.yaml", "--untrusted", "--allow-host", "127.0.0.1"][..]),
            ("report.md", &["run", "report.md", "--allow-host", "127.0.0.1"]),
            ("scenario.yaml", &["run", "-", "--allow-host", "127.0.0.1"]),
        ] {
            let text =
                if file.ends_with("md") { format!("```yaml smtp-script\n{scenario}```\n") } else { scenario.clone() };
            std::fs::write(folder.path().join(file), text).unwrap();
            std::fs::write(folder.path().join("shared"), "password=hunter2mine\nfrom=boss@internal.example\n").unwrap();
            let played = |environment: &[(&str, &str)], further: &[&str]| {
                world.listener.wire.lock().unwrap().clear();
                let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
                command.current_dir(folder.path()).env_clear().envs(environment.iter().copied());
                command.stdin(std::fs::File::open(folder.path().join(file)).unwrap());
                let outcome = command.args(arguments).args(further).output().unwrap();
                std::thread::sleep(Duration::from_millis(5));
                let text = |bytes: &[u8]| without_times(&String::from_utf8_lossy(bytes));
                let wire = world.listener.wire.lock().unwrap().clone();
                (outcome.status.code(), text(&outcome.stdout), text(&outcome.stderr), wire)
            };
            let without = played(&[], &[]);
            let names = [
                ("SMTP_SCRIPT_SECRET_PASSWORD", "hunter2mine"),
                ("SMTP_SCRIPT_SECRET_PASSWORD_FILE", "shared"),
                ("SMTP_SCRIPT_VAR_FROM", "boss@internal.example"),
            ];
            assert_eq!(without, played(&names, &[]), "{arguments:?}");
            assert_eq!(
                without,
                played(&names, &["--secrets-file", "shared", "--vars-file", "shared"]),
                "{arguments:?}"
            );
        }
    }
}
