//! Scripted servers against clients that smtp-script did not write: a relay, curl, swaks, Python's smtplib, and hostile ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "other tests ask more of their servers")]
mod servers;

use servers::Servers;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A running `smtp-script serve`.
struct Serve {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
    folder: tempfile::TempDir,
}

impl Serve {
    fn file(file: &Path, options: &[&str]) -> Serve {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_smtp-script"))
            .arg("serve")
            .arg(file)
            .args(["--ca-out", "ca.pem"])
            .args(options)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        let address = address.unwrap_or_else(|| {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("{line}{errors}")
        });
        Serve { child, stdout, address, folder }
    }

    fn text(scenario: &str) -> Serve {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.yaml");
        std::fs::write(&file, scenario).unwrap();
        Serve::file(&file, &["--max-time", "60s"])
    }

    fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// What it printed, once it has ended, and its exit code.
    fn end(mut self) -> (String, i32) {
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed).unwrap();
        (printed, self.child.wait().unwrap().code().unwrap())
    }

    fn must_follow(self) {
        let (printed, code) = self.end();
        assert_eq!(code, 0, "{printed}");
    }

    fn must_diverge(self, said: &str) {
        let (printed, code) = self.end();
        assert_eq!(code, 1, "{printed}");
        assert!(printed.contains(said), "{printed}");
    }
}

fn succeeds(command: &mut Command) {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}: run `tests/servers/install`"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// A whole session, over STARTTLS.
const TAKES_A_MESSAGE: &str = "
server:
  connections:
    - steps:
        - reply: 220 mx.example ESMTP
        - expect: ^EHLO
          reply: [mx.example, STARTTLS]
        - starttls
        - expect: ^EHLO
          reply: [mx.example, 8BITMIME]
        - expect: ^MAIL FROM:<john@doe\\.com>
          reply: 250 2.1.0 ok
        - expect: ^RCPT TO:<mary@jane\\.com>
          reply: 250 2.1.5 ok
        - expect: ^DATA$
          reply: 354 go ahead
        - receive: data
        - assert: message.headers.subject == 'Test' and 'Hi' in message.body
        - reply: 250 2.0.0 taken
        - expect: ^QUIT$
          reply: 221 2.0.0 bye
";

#[test]
fn postfix_is_put_off_and_comes_again() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serving/grey-listed-relay.yaml");
    let serve = Serve::file(&scenario, &["--max-time", "60s"]);
    let target = format!("[127.0.0.1]:{}", serve.port());
    let relay = Servers::start_with_options(&["postfix-relay"], &[&target]);
    let port = relay.port("postfix-relay", 0);
    succeeds(
        Command::new("swaks")
            .args(["--server", &format!("127.0.0.1:{port}"), "--from", "john@doe.com", "--to", "mary@jane.com"])
            .args(["--header", "Subject: Test message!", "--body", "Hi"]),
    );
    serve.must_follow();
}

#[test]
fn curl_follows_a_script_over_starttls() {
    let serve = Serve::text(TAKES_A_MESSAGE);
    let mail = serve.folder.path().join("mail.eml");
    std::fs::write(&mail, "Subject: Test\r\n\r\nHi\r\n").unwrap();
    succeeds(
        Command::new("curl")
            .args(["--silent", "--show-error", "--ssl-reqd", "--cacert"])
            .arg(serve.ca_file())
            .args(["--mail-from", "john@doe.com", "--mail-rcpt", "mary@jane.com", "--upload-file"])
            .arg(&mail)
            .arg(format!("smtp://localhost:{}", serve.port())),
    );
    serve.must_follow();
}

#[test]
fn swaks_follows_a_script_over_starttls() {
    let serve = Serve::text(TAKES_A_MESSAGE);
    succeeds(
        Command::new("swaks")
            .args(["--server", &serve.address, "--tls", "--from", "john@doe.com", "--to", "mary@jane.com"])
            .args(["--header", "Subject: Test", "--body", "Hi"]),
    );
    serve.must_follow();
}

#[test]
fn smtplib_follows_a_script_over_starttls() {
    let serve = Serve::text(TAKES_A_MESSAGE);
    let program = "
import smtplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
with smtplib.SMTP('localhost', int(sys.argv[1])) as smtp:
    smtp.starttls(context=context)
    smtp.sendmail('john@doe.com', ['mary@jane.com'], 'Subject: Test\\n\\nHi\\n')
";
    succeeds(Command::new("/usr/bin/python3").args(["-c", program, serve.port()]).arg(serve.ca_file()));
    serve.must_follow();
}

#[test]
fn what_is_sent_after_starttls_in_plain_text_is_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.yaml");
    std::fs::write(&file, "server: {rules: [{match: ^VRFY, reply: 252 ruled}]}").unwrap();
    let mut serve = Serve::file(&file, &["-v"]);
    let program = "
import smtplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
smtp = smtplib.SMTP('localhost', int(sys.argv[1]))
smtp.ehlo()
smtp.sock.sendall(b'STARTTLS\\r\\nVRFY injected\\r\\n')
assert smtp.getreply()[0] == 220
smtp.sock = context.wrap_socket(smtp.sock, server_hostname='localhost')
smtp.file = None
assert smtp.docmd('NOOP')[0] == 250
";
    succeeds(Command::new("/usr/bin/python3").args(["-c", program, serve.port()]).arg(serve.ca_file()));
    succeeds(Command::new("kill").arg("-TERM").arg(serve.child.id().to_string()));
    let mut shown = String::new();
    serve.child.stderr.take().unwrap().read_to_string(&mut shown).unwrap();
    assert!(shown.contains("VRFY injected") && shown.contains("before TLS, and was dropped"), "{shown}");
    serve.must_follow();
}

const EXPECTS_EHLO: &str = "
timeout: 2s
server:
  connections:
    - steps:
        - reply: 220 mx.example
        - expect: ^EHLO
          reply: [mx.example]
";

fn greeted(serve: &Serve) -> TcpStream {
    let stream = serve.connect();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    assert_eq!(line, "220 mx.example\r\n");
    stream
}

#[test]
fn half_a_command_and_gone() {
    let serve = Serve::text(EXPECTS_EHLO);
    let mut stream = greeted(&serve);
    stream.write_all(b"EHLO a").unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    serve.must_diverge("but the client closed the connection");
}

#[test]
fn a_server_of_bare_steps_ends_after_so_many_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.yaml");
    std::fs::write(
        &file,
        "server:\n  steps:\n    - reply: 220 mx.example\n    - expect: ^QUIT\n      reply: 221 bye\n",
    )
    .unwrap();
    let serve = Serve::file(&file, &["--max-time", "60s", "--max-sessions", "2"]);
    for _ in 0..2 {
        let mut client = greeted(&serve);
        client.write_all(b"QUIT\r\n").unwrap();
    }
    serve.must_follow();
    let refused =
        Command::new(env!("CARGO_BIN_EXE_smtp-script")).arg("serve").arg(&file).args(["--wait", "1"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("counts sessions, not messages") && said.contains("`--max-sessions N`"), "{said}");
}

#[test]
fn tls_where_plain_text_is_expected_is_named_at_once() {
    for hello in [b"\x16\x03\x01\x01\x24\x01\x00".as_slice(), b"\x16\x03\x01\n\x00\x0a\r\n"] {
        let serve = Serve::text(EXPECTS_EHLO);
        let mut client = greeted(&serve);
        client.write_all(hello).unwrap();
        serve.must_diverge("but the client began TLS");
    }
}

#[test]
fn half_a_command_and_silence() {
    let serve = Serve::text(EXPECTS_EHLO);
    let mut stream = greeted(&serve);
    stream.write_all(b"EHLO a").unwrap();
    serve.must_diverge("the client sent only a part of it within 2 s");
}

#[test]
fn a_line_that_never_ends() {
    let serve = Serve::text(EXPECTS_EHLO);
    let mut stream = greeted(&serve);
    // The server closes in between, without a word.
    for _ in 0..64 {
        if stream.write_all(&[b'x'; 16 * 1024]).is_err() {
            break;
        }
    }
    serve.must_diverge("more than 65536 octets without an end");
}

#[test]
fn bytes_that_are_no_command() {
    for bytes in [&b"EHLO a\0b\r\n"[..], b"EHLO a\n", b"EHLO a\rb\r\n"] {
        let serve = Serve::text(EXPECTS_EHLO);
        let mut stream = greeted(&serve);
        stream.write_all(bytes).unwrap();
        let mut rest = Vec::new();
        _ = stream.read_to_end(&mut rest);
        assert_eq!(rest, b"", "a mismatch closes without a word");
        serve.must_diverge("got a malformed line");
    }
}

#[test]
fn garbage_by_the_mebibyte() {
    let serve = Serve::text(EXPECTS_EHLO);
    let mut stream = greeted(&serve);
    let garbage: Vec<u8> = (0..1024 * 1024_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    _ = stream.write_all(&garbage);
    serve.must_diverge("diverged: expected a line matching ^EHLO");
}

#[test]
fn mail_data_without_an_end() {
    let serve = Serve::text(
        "timeout: 1s\nserver: {connections: [{steps: [{reply: 220 mx.example}, {receive: data, reply: 250 ok}]}]}",
    );
    let mut stream = greeted(&serve);
    stream.write_all(b"no end\r\n.\n").unwrap();
    serve.must_diverge("expected mail data and the line with the dot, the client sent nothing for 1 s");
}

#[test]
fn a_client_that_reads_nothing() {
    // More than the kernel's buffers hold.
    let line = "x".repeat(60_000);
    let serve = Serve::text(&format!(
        "timeout: 1s\nserver: {{connections: [{{steps: [{{repeat: 400, steps: [{{reply: 220 {line}}}]}}]}}]}}"
    ));
    let stream = serve.connect();
    serve.must_diverge("expected the client to take the reply");
    drop(stream);
}

/// A certificate that signed itself, and its key.
fn certificate(folder: &Path, name: &str) {
    succeeds(
        Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3"])
            .args(["-subj", &format!("/CN={name}"), "-out", &format!("{name}.pem"), "-keyout", &format!("{name}.key")])
            .current_dir(folder),
    );
}

#[test]
fn client_certificates_are_asked_for_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "known");
    certificate(folder.path(), "stranger");
    let scenario = "
server:
  client_ca: known.pem
  connections:
    - client_certificate: require
      steps:
        - reply: 220 mx
        - starttls
        - assert: tls.verified and tls.certificate.subject == 'CN=known'
        - reply: 250 you are known
    - client_certificate: request
      max_version: '1.2'
      steps:
        - reply: 220 mx
        - starttls
        - assert: not tls.verified and tls.certificate.subject == 'CN=stranger'
        - reply: 250 who are you
    - client_certificate: request
      steps: [{reply: 220 mx}, starttls, {assert: tls.certificate is none}, {reply: 250 nobody}]
    - client_certificate: require
      max_version: '1.2'
      steps: [{reply: 220 mx}, {starttls: , fails: certificate}]
    - certificate: {file: known.pem, key: known.key}
      steps: [{reply: 220 mx}, starttls, {reply: 250 given}]
steps:
  - connect: {host: <<server.host>>, port: <<server.port>>, client_certificate: known.pem, client_key: known.key}
    expect: 220
  - starttls
  - expect: ^250 you are known
  - connect: {host: <<server.host>>, port: <<server.port>>, client_certificate: stranger.pem, client_key: stranger.key}
    expect: 220
  - starttls
  - expect: ^250 who are you
  - connect: <<server.address>>
    expect: 220
  - starttls
  - expect: ^250 nobody
  - connect: <<server.address>>
    expect: 220
  - starttls:
    fails: .
  - connect: {host: <<server.host>>, port: <<server.port>>, verify: false}
    expect: 220
  - starttls
  - assert: tls.certificate.subject == 'CN=known'
  - expect: ^250 given
";
    std::fs::write(folder.path().join("both.yaml"), scenario).unwrap();
    succeeds(Command::new(env!("CARGO_BIN_EXE_smtp-script")).args(["run", "both.yaml"]).current_dir(folder.path()));
}

#[test]
fn rules_alone_serve_until_they_are_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, "server: {rules: [{match: ^NOOP, reply: 250 by a rule}]}").unwrap();
    let serve = Serve::file(&file, &[]);
    let mut stream = serve.connect();
    stream.write_all(b"NOOP\r\nQUIT\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.contains("\r\n250 by a rule\r\n221 "), "{said}");
    succeeds(Command::new("kill").args(["-INT", &serve.child.id().to_string()]));
    let (printed, code) = serve.end();
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with("PASS "), "{printed}");
    assert!(printed.contains("connection 1: followed"), "{printed}");
}

#[test]
fn a_client_that_leaves_within_mail_data_has_sent_no_dot() {
    let steps = "
server:
  steps:
    - reply: 220 hi
    - expect: ^DATA
      reply: 354 go
    - receive: data
      reply: 250 ok
";
    for rules in [steps.to_owned(), "\nserver:\n  rules:\n    - match: ^DATA\n      reply: 354 go\n".to_owned()] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.yaml");
        std::fs::write(&file, &rules).unwrap();
        let mut server = Serve::file(&file, &["--max-time", "60s", "-v"]);
        let told = BufReader::new(server.child.stderr.take().unwrap()).lines();
        let mut client = server.connect();
        client.write_all(b"DATA\r\n").unwrap();
        let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap() == "354 go"));
        client.write_all(b"Subject: half\r\nfoo").unwrap();
        client.shutdown(Shutdown::Both).unwrap();
        let closed = |line: &String| line.contains(" the client") || line.contains("closed");
        let shown: Vec<String> = told.map(Result::unwrap).take_while(|line| !closed(line)).collect();
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let shown = shown.join("\n") + "\n";
        assert!(shown.contains("C: foo\n") && !shown.contains("C: .\n"), "{shown}");
    }
}
