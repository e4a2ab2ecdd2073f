//! Everything that tells of a server which repeats a secret, but for `run`: audits, probes, recordings, sessions by hand.

use super::parrot::Parrot;
use super::{FORMATS, program, step};
use crate::arguments::audit_with_login;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// An output, and what it says.
pub(crate) type Said = (String, String);

/// Reports in every format that `--report` has.
const REPORTS: [(&str, &str); 11] = [
    ("json", "json"),
    ("junit", "xml"),
    ("tap", "tap"),
    ("html", "html"),
    ("markdown", "md"),
    ("prometheus", "prom"),
    ("nagios", "txt"),
    ("github", "github"),
    ("matrix", "csv"),
    ("matrix", "matrix.md"),
    ("matrix", "matrix.html"),
];

/// Runs a command, and gives all that it said.
fn said(name: &str, command: &mut Command, said: &mut Vec<Said>) {
    let Output { stdout, stderr, .. } = command.output().unwrap();
    said.push((format!("stdout of {name}"), String::from_utf8_lossy(&stdout).into_owned()));
    said.push((format!("stderr of {name}"), String::from_utf8_lossy(&stderr).into_owned()));
}

/// The same of a command that writes reports, and the reports.
fn reported(folder: &Path, name: &str, command: &mut Command, all: &mut Vec<Said>) {
    for (format, extension) in REPORTS {
        command.args(["--report", &format!("{format}={name}.{extension}")]);
    }
    said(name, command, all);
    for (format, extension) in REPORTS {
        let file = format!("{name}.{extension}");
        let text = fs::read_to_string(folder.join(&file)).unwrap_or_else(|_| panic!("{file}: {all:?}"));
        all.push((format!("{format} of {name}"), text));
    }
}

/// `audit`, until every echo was heard.
pub(crate) fn audited(folder: &Path, secret: &str, parrot: &Parrot) -> Vec<Said> {
    let mut all = Vec::new();
    let host = parrot.address.to_string();
    for round in 0.. {
        let mut command = program(folder, secret);
        audit_with_login(&mut command, &host);
        command.args(["--sender", "a@b.example", "--recipient", "c@d.example", "--relay", "e@f.example"]);
        command.args(["--skip", "tls", "--timeout", "2s", "--jobs", "8", "--per-target", "8"]);
        command.args(["--report-transcripts", "all", "--fail-on", "never", "-v"]);
        reported(folder, &format!("audit-{round}"), &mut command, &mut all);
        if parrot.said_all() {
            break;
        }
        assert!(round < 5, "{all:?}");
    }
    all
}

/// `audit-client` with a client that says the echoes, to the server and on its own output.
pub(crate) fn client_audited(folder: &Path, secret: &str, echoes: &[Vec<Vec<u8>>]) -> Vec<Said> {
    let lines: Vec<Vec<u8>> = echoes.iter().map(|echo| echo.join(&b'|')).collect();
    fs::write(folder.join("echoes"), lines.join(&b'\n')).unwrap();
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/echoes/client.py");
    let count = || fs::metadata(folder.join("count")).map_or(0, |it| it.len());
    let mut all = Vec::new();
    for round in 0.. {
        let mut command = program(folder, secret);
        command.args(["audit-client", "--timeout", "3s", "--jobs", "4", "--report-transcripts", "all", "-v"]);
        command.args(["--fail-on", "never"]);
        let mut reports = Vec::new();
        for (format, extension) in REPORTS {
            reports.extend(["--report".to_owned(), format!("{format}=client-{round}.{extension}")]);
        }
        command.args(reports).args(["--", "python3"]).arg(&client).args(["count", "echoes"]);
        said("audit-client", &mut command, &mut all);
        for (format, extension) in REPORTS {
            let file = folder.join(format!("client-{round}.{extension}"));
            let text = fs::read_to_string(file).unwrap_or_else(|_| panic!("{all:?}"));
            all.push((format!("{format} of audit-client"), text));
        }
        if count() >= lines.len() as u64 {
            break;
        }
        assert!(round < 5, "{all:?}");
    }
    all
}

/// `send`, its scenario and its reports.
pub(crate) fn sent(folder: &Path, secret: &str, parrot: &Parrot) -> Vec<Said> {
    let mut all = Vec::new();
    let host = parrot.address.to_string();
    let mut round = 0;
    while !parrot.said_all() {
        let mut command = program(folder, secret);
        let recipients = (0..60).map(|number| format!("c{number}@d.example"));
        command.args([
            "send",
            &host,
            "--plain",
            "--mechanism",
            "PLAIN",
            "--user",
            "mary",
            "--from",
            "a@b.example",
            "--timeout",
            "2s",
        ]);
        recipients.for_each(|it| _ = command.args(["--to", &it]));
        let name = format!("send-{round}");
        command.args(["-o", &format!("{name}.yaml"), "--force"]);
        reported(folder, &name, &mut command, &mut all);
        all.push(("send -o".to_owned(), fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap_or_default()));
        round += 1;
        assert!(round < 30, "{all:?}");
    }
    all
}

/// `report merge` and `report convert`, of JSON that a run wrote.
pub(crate) fn merged(folder: &Path, secret: &str) -> Vec<Said> {
    let mut all = Vec::new();
    for verb in [&["report", "merge", "r.json", "r.json"][..], &["report", "convert", "r.json"]] {
        reported(folder, verb[1], program(folder, secret).args(verb), &mut all);
    }
    for format in FORMATS {
        let name = format!("convert --format {format}");
        said(&name, program(folder, secret).args(["report", "convert", "r.json", "--format", format]), &mut all);
    }
    all
}

/// `exporter`: probes, their conversations, its own pages.
pub(crate) fn probed(folder: &Path, secret: &str, parrot: &Parrot, count: usize) -> Vec<Said> {
    let scenarios = folder.join("probes");
    fs::create_dir_all(&scenarios).unwrap();
    let steps: String = (0..count).map(step).collect();
    let head = "connect: mx.example\nsteps:\n  - expect: ^220\n";
    let login = "  - send: AUTH PLAIN <<auth_plain('mary', password)>>\n    expect: ^235\n";
    fs::write(scenarios.join("login.yaml"), format!("secrets: [password]\n{head}{login}{steps}")).unwrap();
    fs::write(scenarios.join("plain.yaml"), format!("{head}  - send: NOOP\n    expect: ^299\n")).unwrap();
    let mut command = program(folder, secret);
    command.args(["exporter", "probes", "--listen", "127.0.0.1:0", "--allow-target", "127.0.0.0/8:*"]);
    let (service, address) = Running::start(&mut command);
    let mut all = Vec::new();
    let target = parrot.address;
    let mut fetch = |path: &str| all.push((format!("exporter {path}"), page(address, path)));
    fetch(&format!("/probe?scenario=login&target={target}&debug=true"));
    fetch(&format!("/probe?scenario=login&target={target}"));
    // The server remembers the secret, in a scenario that has none.
    for _ in 0..count {
        fetch(&format!("/probe?scenario=plain&target={target}&debug=true"));
    }
    ["/", "/metrics", "/probe"].into_iter().for_each(&mut fetch);
    all.push(service.end());
    all
}

fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let more = "Host: x\r\nConnection: close\r\nX-Prometheus-Scrape-Timeout-Seconds: 20\r\n";
    stream.write_all(format!("GET {path} HTTP/1.1\r\n{more}\r\n").as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// `record`: the screen, and the scenario.
pub(crate) fn recorded(folder: &Path, secret: &str, parrot: &Parrot, count: usize) -> Vec<Said> {
    let mut command = program(folder, secret);
    let to = parrot.address.to_string();
    command.args(["record", "--to", &to, "--listen", "127.0.0.1:0", "-o", "recorded.yaml", "--connections", "1", "-v"]);
    let (recorder, address) = Running::start(&mut command);
    talk(address, &login(secret), count);
    let mut all = vec![recorder.end()];
    all.push(("record -o".to_owned(), fs::read_to_string(folder.join("recorded.yaml")).unwrap()));
    all
}

/// What a client says that logs in: the lines.
fn login(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    let plain = base64::engine::general_purpose::STANDARD.encode(format!("\0mary\0{secret}"));
    vec!["EHLO client.example".to_owned(), format!("AUTH PLAIN {plain}")]
}

/// A session in which the server says each echo; what both said, as `C:` and `S:`.
fn talk(address: SocketAddr, first: &[String], count: usize) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap());
    let mut log = Vec::new();
    let mut hear = |log: &mut Vec<u8>| {
        let mut line = Vec::new();
        while line.get(3) != Some(&b' ') {
            line.clear();
            assert!(replies.read_until(b'\n', &mut line).unwrap() > 0, "{}", String::from_utf8_lossy(log));
            log.extend([b"S: ", line.as_slice()].concat());
        }
    };
    hear(&mut log);
    let noops = (0..count).map(|number| format!("NOOP {number}"));
    for line in first.iter().cloned().chain(noops).chain(["QUIT".to_owned()]) {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        log.extend(format!("C: {line}\r\n").as_bytes());
        hear(&mut log);
    }
    log
}

/// `import` and `explain` of a log in which the server says each echo.
pub(crate) fn read_from_logs(folder: &Path, secret: &str, parrot: &Parrot, count: usize) -> Vec<Said> {
    let mut all = Vec::new();
    fs::write(folder.join("log.txt"), talk(parrot.address, &login(secret), count)).unwrap();
    said("import", program(folder, secret).args(["import", "log.txt"]), &mut all);
    for format in ["human", "json"] {
        let log = fs::File::open(folder.join("log.txt")).unwrap();
        said("explain", program(folder, secret).args(["explain", "-", "--format", format]).stdin(log), &mut all);
    }
    all
}

/// `shell`: a login that was typed, and a login by `.auth`.
pub(crate) fn typed(folder: &Path, secret: &str, parrot: &Parrot, count: usize) -> Vec<Said> {
    let mut all = Vec::new();
    for (name, login) in [("typed", login(secret).join("\n")), ("asked", "EHLO me\n.auth plain mary".to_owned())] {
        let noops = (0..count).map(|number| format!("NOOP {number}\n")).collect::<Vec<_>>().concat();
        let lines = format!("{login}\n{noops}.transcript\n.save {name}.yaml\nQUIT\n");
        fs::write(folder.join("lines"), lines).unwrap();
        let mut command = program(folder, secret);
        command.args(["shell", &parrot.address.to_string(), "-o", &format!("{name}-o.yaml")]);
        command.stdin(fs::File::open(folder.join("lines")).unwrap());
        said(&format!("shell, {name}"), &mut command, &mut all);
        for file in [format!("{name}.yaml"), format!("{name}-o.yaml")] {
            let text = fs::read_to_string(folder.join(&file)).unwrap_or_else(|_| panic!("{file}: {all:?}"));
            all.push((format!("shell, {file}"), text));
        }
    }
    all
}

/// `serve --sandbox`: a client that repeats what it logged in with.
pub(crate) fn served(folder: &Path, secret: &str, echoes: &[Vec<Vec<u8>>]) -> Vec<Said> {
    let mut command = program(folder, secret);
    command.args(["serve", "--sandbox", "--listen", "127.0.0.1:0", "--accept", &format!("mary={secret}"), "-v"]);
    command.args(["--messages", "json", "--max-sessions", "5"]);
    let (sandbox, address) = Running::start(&mut command);
    let mut stream = TcpStream::connect(address).unwrap();
    let mut lines = login(secret).join("\r\n").into_bytes();
    // Commands are lines of their own: halves in two of them are not joined.
    for line in echoes.iter().filter(|echo| echo.len() == 1).flatten() {
        lines.extend([b"\r\nNOOP ", line.as_slice()].concat());
    }
    lines.extend(b"\r\nQUIT\r\n");
    let mut writer = stream.try_clone().unwrap();
    std::thread::spawn(move || _ = writer.write_all(&lines));
    _ = stream.read_to_end(&mut Vec::new());
    vec![sandbox.end()]
}

/// `check` of a file with a login that is typed out: each echo stands in the excerpts of its mistakes.
pub(crate) fn checked(folder: &Path, secret: &str, echoes: &[Vec<Vec<u8>>]) -> Vec<Said> {
    let [_, login] = login(secret).try_into().unwrap();
    let mut text = format!("connect: mx.example:25\nsteps:\n  - expect: ^220\n  - send: {login}\n    expect: ^235\n");
    for echo in echoes.iter().filter(|echo| echo.len() == 1) {
        if let Ok(line) = std::str::from_utf8(&echo[0]) {
            let quoted = line.replace('\'', "''").replace('\u{1}', "");
            text.extend(["  - {snd: NOOP, name: '", &quoted, "'}\n"]);
        }
    }
    fs::write(folder.join("typed.yaml"), text).unwrap();
    let mut all = Vec::new();
    for format in ["human", "json", "github", "sarif"] {
        let name = format!("check --format {format}");
        said(&name, program(folder, secret).args(["check", "typed.yaml", "--format", format]), &mut all);
    }
    said("check --explain", program(folder, secret).args(["check", "typed.yaml", "--explain"]), &mut all);
    all
}

/// A program that runs until it is told to end.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Starts it, and waits for its address.
    fn start(command: &mut Command) -> (Running, SocketAddr) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.split([' ', '/', '\n']).find_map(|word| word.parse().ok());
        (Running { child, output }, address.unwrap_or_else(|| panic!("{line}")))
    }

    /// Ends it, and gives what it said.
    fn end(mut self) -> Said {
        let id = self.child.id().to_string();
        assert!(
            Command::new("sh").args(["-c", "kill -INT \"$0\" 2>/dev/null || true", &id]).status().unwrap().success()
        );
        let mut errors = self.child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            errors.read_to_end(&mut text).unwrap();
            text
        });
        let mut text = Vec::new();
        self.output.read_to_end(&mut text).unwrap();
        text.extend(reader.join().unwrap());
        self.child.wait().unwrap();
        ("what a service says".to_owned(), String::from_utf8_lossy(&text).into_owned())
    }
}
