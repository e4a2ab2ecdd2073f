//! Groups and several sessions against servers that one scripted line after the other cannot play.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod program;

use program::{Played, smtp_script};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A server that hands each connection, with its number from 1, to `serve`, in a thread of its own.
fn server(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let serve = serve.clone();
            let Ok(stream) = stream else { return };
            thread::spawn(move || serve(stream, index + 1));
        }
    });
    address
}

/// Answers each line with what `answer` makes of it, until there are no more.
fn answer_lines(stream: TcpStream, greeting: &str, answer: impl Fn(&str) -> String) {
    let mut writer = stream.try_clone().unwrap();
    if writer.write_all(greeting.as_bytes()).is_err() {
        return;
    }
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        if writer.write_all(answer(&line).as_bytes()).is_err() {
            return;
        }
    }
}

fn play(name: &str, scenario: &str, server: SocketAddr) -> Played {
    let folder = std::env::temp_dir().join(format!("smtp-script-groups-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("scenario.yaml");
    std::fs::write(&file, scenario).unwrap();
    let played = smtp_script(&["run", &file.to_string_lossy(), "--to", &server.to_string(), "--timeout", "20s"]);
    std::fs::remove_dir_all(&folder).unwrap();
    played
}

/// A server that answers at length and does not read while it writes would wait forever for a client that writes only.
#[test]
fn ten_thousand_recipients_without_a_deadlock() {
    let address = server(|stream, _| {
        let reply = format!("250 2.1.5 Ok {}\r\n", "x".repeat(480));
        answer_lines(stream, "220 mx.example\r\n", |line| match line {
            "QUIT" => "221 bye\r\n".to_owned(),
            _ => reply.clone(),
        });
    });
    let scenario = "
connect: mx.example
steps:
  - expect: ^220
  - pipeline: true
    steps:
      - send: MAIL FROM:<a@b.example>
        expect: ^250
      - repeat: 10000
        steps:
          - send: RCPT TO:<user<<iteration>>@example.com>
            expect: ^250 2.1.5
      - send: NOOP
        expect: ^250
  - send: QUIT
    expect: ^221
";
    play("recipients", scenario, address).exits(0).says(&["PASS", "1 scenario: 1 followed"]);
}

/// The one recipient that is refused is named, and no other.
#[test]
fn the_recipient_that_is_refused_is_named() {
    let address = server(|stream, _| {
        answer_lines(stream, "220 mx.example\r\n", |line| match line {
            "RCPT TO:<user7@example.com>" => "550 5.1.1 no such user\r\n".to_owned(),
            _ => "250 2.1.5 Ok\r\n".to_owned(),
        });
    });
    let scenario = "
connect: mx.example
steps:
  - expect: ^220
  - pipeline: true
    steps:
      - repeat: 20
        steps:
          - name: recipient <<iteration>>
            send: RCPT TO:<user<<iteration>>@example.com>
            expect: ^250
";
    play("refused", scenario, address)
        .exits(1)
        .says(&["step 2.1.1 \"recipient 7\" diverged: expected a reply matching ^250, got 550 5.1.1\n"]);
}

#[test]
fn a_grey_listing_server_lets_the_third_attempt_pass() {
    let address = server(|stream, connection| {
        answer_lines(stream, "220 mx.example\r\n", |line| match line.split(' ').next() {
            Some("RCPT") if connection < 3 => "451 4.7.1 greylisted, try again\r\n".to_owned(),
            Some("QUIT") => "221 bye\r\n".to_owned(),
            _ => "250 ok\r\n".to_owned(),
        });
    });
    let scenario = "
steps:
  - name: until it is known
    retry: {attempts: 5, delay: 10ms}
    steps:
      - connect: mx.example
      - expect: ^220
      - send: MAIL FROM:<a@b.example>
        expect: ^250
      - send: RCPT TO:<c@example.com>
        expect: ^250
  - assert: reply.code == 250
  - send: QUIT
    expect: ^221
";
    play("greylisting", scenario, address).exits(0).says(&["PASS"]).keeps(&["451"]);
}

/// The server takes one session at a time: the second is turned away while the first is open, and let in afterwards.
#[test]
fn two_sessions_against_a_connection_limit() {
    let open = Arc::new(AtomicUsize::new(0));
    let address = server(move |mut stream, _| {
        if open.fetch_add(1, Ordering::SeqCst) > 0 {
            _ = stream.write_all(b"421 4.7.0 too many connections\r\n");
        } else {
            answer_lines(stream, "220 mx.example\r\n", |_| "250 ok\r\n".to_owned());
        }
        open.fetch_sub(1, Ordering::SeqCst);
    });
    let scenario = "
steps:
  - connect: {host: mx.example, as: first}
  - session: first
    expect: ^220
  - connect: {host: mx.example, as: second}
  - session: second
    expect: {code: 421, closed: true}
  - session: first
    send: NOOP
    expect: ^250
  - session: first
    close: fin
  - retry: {attempts: 50, delay: 20ms}
    session: second
    steps:
      - connect: {host: mx.example, as: second}
      - expect: ^220
      - send: NOOP
        expect: ^250
";
    play("limit", scenario, address).exits(0).says(&["PASS"]);
}
