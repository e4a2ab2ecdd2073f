//! `data`, `bdat`, `message` and `pace`, octet by octet.

use crate::play::{Folder, Peer, Server, run};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

/// Accepts a DATA transaction and gives what came after the 354, up to the final dot.
fn accepts_data(mut peer: Peer<TcpStream>) -> Vec<u8> {
    peer.greet_and_answer("DATA");
    peer.say("354 go on");
    peer.received.clear();
    peer.until(b"\r\n.\r\n");
    let data = std::mem::take(&mut peer.received);
    peer.say("250 queued");
    data
}

/// Answers each BDAT chunk as `answers` say and gives the chunks with their commands.
fn accepts_chunks(mut peer: Peer<TcpStream>, answers: &[&str]) -> Vec<(String, Vec<u8>)> {
    peer.say("220 test");
    let mut chunks = Vec::new();
    for answer in answers {
        let line = peer.line();
        let size = line.split(' ').nth(1).unwrap().parse().unwrap();
        let octets = peer.octets(size);
        chunks.push((line, octets));
        peer.say(answer);
    }
    peer.read_rest().unwrap();
    assert!(peer.received.ends_with(&chunks.last().unwrap().1), "more than the expected chunks came");
    chunks
}

/// The steps of a session at `address`.
fn scenario(address: impl std::fmt::Display, steps: &str) -> String {
    format!("connect: {address}\nsteps:\n{steps}")
}

const TO_DATA: &str = "
  - expect: 220
  - send: DATA
    expect: 354
";

#[test]
fn bdat_text_goes_out_in_chunks_without_transparency() {
    let server = Server::start(|peer| accepts_chunks(peer, &["250 one", "250 two", "250 three"]));
    let steps = "
  - expect: 220
  - bdat: {text: \"ab\\n.\\ncd\", chunk: 4}
    expect: 250
";
    let ran = run(&scenario(server.address, steps), &[]);
    ran.followed().says("C: BDAT 4\n").says("C: [4 octets]").says("C: BDAT 3 LAST").says("C: [3 octets]");
    let expected = [("BDAT 4", &b"ab\r\n"[..]), ("BDAT 4", b".\r\nc"), ("BDAT 3 LAST", b"d\r\n")];
    let expected: Vec<_> = expected.iter().map(|(line, octets)| ((*line).to_owned(), octets.to_vec())).collect();
    assert_eq!(server.end(), expected);
}

#[test]
fn a_refused_chunk_ends_the_sending_and_is_named() {
    let server = Server::start(|peer| accepts_chunks(peer, &["250 one", "452 4.3.1 full"]));
    let steps = "
  - expect: 220
  - bdat: {text: abcdefgh, chunk: 3}
    expect: 250
";
    let ran = run(&scenario(server.address, steps), &[]);
    ran.ended(1).says("got 452 4.3.1").says("this is about chunk 2, `BDAT 3`");
    assert_eq!(server.end().len(), 2);
}

#[test]
fn without_expect_all_chunks_go_out_and_their_replies_are_owed() {
    let server = Server::start(|mut peer| {
        peer.say("220 test");
        peer.until(b"BDAT 2 LAST\r\n\r\n");
        peer.say("250 one\r\n250 two\r\n250 three");
        peer.read_rest()
    });
    let steps = "
  - expect: 220
  - bdat: {text: abcd, chunk: 2}
  - expect: ^250 one
  - expect: ^250 two
  - expect: ^250 three
";
    run(&scenario(server.address, steps), &[]).followed();
    server.end().unwrap();
}

#[test]
fn an_empty_chunk_may_be_the_last_and_none_need_be() {
    let server = Server::start(|peer| accepts_chunks(peer, &["250 one", "250 two"]));
    let steps = "
  - expect: 220
  - bdat: {text: a, last: false}
    expect: 250
  - bdat: {text: \"\"}
    expect: 250
";
    run(&scenario(server.address, steps), &[]).followed();
    let lines: Vec<String> = server.end().into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, ["BDAT 3", "BDAT 0 LAST"]);
}

#[test]
fn a_file_is_streamed_in_chunks() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..300_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    folder.write("data.bin", &content);
    let server = Server::start(|peer| accepts_chunks(peer, &["250"; 3]));
    let steps = "
  - expect: 220
  - bdat: {file: data.bin, line_endings: keep, chunk: 100kB}
    expect: 250
";
    folder.run(&scenario(server.address, steps), &[]).followed();
    let chunks = server.end();
    assert_eq!(chunks[2].0, "BDAT 100000 LAST");
    assert_eq!(chunks.into_iter().flat_map(|(_, octets)| octets).collect::<Vec<u8>>(), content);
}

#[test]
fn the_last_chunk_owes_a_reply_for_each_recipient_over_lmtp() {
    let server = Server::start(|mut peer| {
        peer.greet_and_answer("BDAT");
        peer.octets(3);
        peer.say("250 for one\r\n550 not for two");
        peer.read_rest()
    });
    let steps = "
  - expect: 220
  - {send: LHLO test, expect: 250}
  - {send: 'MAIL FROM:<>', expect: 250}
  - {send: 'RCPT TO:<one@example.com>', expect: 250}
  - {send: 'RCPT TO:<two@example.com>', expect: 250}
  - bdat: a
    expect: 250
";
    run(&scenario(server.address, steps), &[]).ended(1).says("got 550").says("not for two");
    server.end().unwrap();
}

#[test]
fn bdat_is_accepted_by_the_sandbox() {
    let folder = Folder::new();
    folder.write("big.txt", "a line of text\n".repeat(20_000));
    let steps = "
  - expect: 220
  - {send: EHLO test.example, expect: '^250[ -]CHUNKING'}
  - {send: 'MAIL FROM:<a@example.com>', expect: 250}
  - {send: 'RCPT TO:<b@example.com>', expect: 250}
  - {bdat: {file: big.txt}, expect: 250}
  - {send: 'MAIL FROM:<a@example.com>', expect: 250}
  - {send: 'RCPT TO:<b@example.com>', expect: 250}
  - bdat:
      message: {from: a@example.com, to: b@example.com, subject: hello, text: hi}
    expect: 250
  - {send: QUIT, expect: 221}
";
    folder.run(&scenario("mx.example.com", steps), &["--sandbox"]).followed().says("C: BDAT 65536\n");
}

const MESSAGE: &str = "
  - message:
      from: Jürgen Müller <juergen@example.com>
      to: ['\"Doe, Mary\" <mary@example.com>', john@example.com]
      subject: 'Zwölf Boxkämpfer'
      headers: {X-Test: 'plain value', Reply-To: other@example.com}
      text: |
        Grüße.
        .a dot
      html: <p>Grüße</p>
      attach: [notes.txt, {file: data.bin, name: 'größe.bin'}]
    expect: 250
";

fn send_message() -> Vec<u8> {
    let folder = Folder::new();
    folder.write("notes.txt", "first\nsecond\n");
    folder.write("data.bin", [0, 1, 2, 255]);
    let server = Server::start(accepts_data);
    let steps = format!("{TO_DATA}{MESSAGE}");
    folder.run(&scenario(server.address, &steps), &["--seed", "7"]).followed().says("C: From: ");
    server.end()
}

#[test]
fn a_message_arrives_with_its_parts_as_another_parser_sees_them() {
    let wire = send_message();
    let text = String::from_utf8(wire).unwrap().replace("\r\n..", "\r\n.");
    let folder = Folder::new();
    let file = folder.write("message.eml", text.strip_suffix("\r\n.\r\n").unwrap());
    let program = r"
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
assert not m.defects, m.defects
print(m['From'], '|', m['To'], '|', m['Subject'], '|', m['X-Test'], '|', m['Reply-To'])
print(m['Date'], '|', m['MIME-Version'], '|', m['Message-ID'].split('@')[1])
for part in m.walk():
    assert not part.defects, part.defects
    body = None if part.is_multipart() else part.get_content()
    print(part.get_content_type(), part.get_filename(), repr(body.replace('\r\n', '\n') if isinstance(body, str) else body))
";
    let output = Command::new("python3").args(["-c", program]).arg(&file).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    let expected = r#"Jürgen Müller <juergen@example.com> | "Doe, Mary" <mary@example.com>, john@example.com | Zwölf Boxkämpfer | plain value | other@example.com
Mon, 01 Jan 2001 00:00:07 +0000 | 1.0 | example.com>
multipart/mixed None None
multipart/alternative None None
text/plain None 'Grüße.\n.a dot\n'
text/html None '<p>Grüße</p>'
text/plain notes.txt 'first\nsecond\n'
application/octet-stream größe.bin b'\x00\x01\x02\xff'
"#;
    assert_eq!(printed, expected, "{text}");
}

#[test]
fn a_seed_fixes_every_octet_of_a_message() {
    assert_eq!(send_message(), send_message());
}

#[test]
fn a_message_holds_only_what_the_step_says() {
    let server = Server::start(accepts_data);
    let steps = format!(
        "{TO_DATA}
  - message: {{from: a@example.com, subject: hi, headers: {{date: yesterday, message-id: <1@example.com>}}, text: x}}
    expect: 250
"
    );
    run(&scenario(server.address, &steps), &[]).followed();
    let text = String::from_utf8(server.end()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let fields: Vec<&str> = head.lines().map(|line| line.split(':').next().unwrap()).collect();
    let wanted = ["From", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
    assert_eq!(fields, wanted, "{text}");
    assert_eq!(body, "x\r\n.\r\n");
}

#[test]
fn a_header_cannot_be_smuggled_in() {
    let steps = format!(
        "{TO_DATA}
  - set: {{subject: \"hi\\r\\nBcc: victim@example.com\"}}
  - message: {{from: a@example.com, subject: <<subject>>, text: x}}
    expect: 250
"
    );
    let server = Server::start(|mut peer| {
        peer.greet_and_answer("DATA");
        peer.say("354 go on");
        peer.received.clear();
        peer.read_rest().unwrap();
        peer.received
    });
    run(&scenario(server.address, &steps), &[]).ended(2);
    assert_eq!(server.end(), b"");
    let literal = scenario("127.0.0.1:1", "  - message: {from: a@b, subject: \"a\\nBcc: c@d\", text: x}\n");
    run(&literal, &[]).ended(2).says("a header is one line");
}

#[test]
fn a_secret_in_a_message_is_not_shown() {
    let server = Server::start(accepts_data);
    let steps = format!(
        "{TO_DATA}
  - message: {{from: a@example.com, subject: s, text: 'the key is <<password>>'}}
    expect: 250
"
    );
    let scenario = format!("secrets: [password]\n{}", scenario(server.address, &steps));
    let ran = run(&scenario, &["--secret", "password=correct-horse"]);
    ran.followed().says("C: the key is <<password>>").does_not_say("correct-horse");
    assert!(String::from_utf8(server.end()).unwrap().contains("the key is correct-horse\r\n"));
}

#[test]
fn paced_octets_arrive_slowly_and_no_timeout_counts_them() {
    let server = Server::start(|mut peer| {
        peer.say("220 test");
        let mut times = Vec::new();
        for _ in 0..6 {
            peer.octets(1);
            times.push(Instant::now());
        }
        peer.say("250 ok");
        times[5] - times[0]
    });
    let steps = "
  - expect: 220
  - send: NOOP
    pace: {bytes: 1, every: 60ms}
    timeout: 200ms
    expect: 250
";
    run(&scenario(server.address, steps), &[]).followed();
    // Five rests of 60 ms: more than the time-out.
    assert!(server.end() >= Duration::from_millis(290));
}

#[test]
fn an_early_reply_stops_paced_mail_data() {
    let server = Server::start(|mut peer| {
        peer.greet_and_answer("DATA");
        peer.say("354 go on");
        peer.received.clear();
        peer.until(b"Su");
        peer.say("552 5.3.4 too big");
        peer.read_rest().unwrap();
        peer.received.len()
    });
    let steps = format!(
        "{TO_DATA}
  - data: 'Subject: a long way to go with a message that is never finished'
    pace: {{bytes: 2, every: 100ms}}
    expect: 552
"
    );
    run(&scenario(server.address, &steps), &[]).followed();
    assert!(server.end() <= 6);
}

#[test]
fn an_early_reply_stops_a_paced_chunk_and_those_after_it() {
    for (expect, code) in [("552", 0), ("250", 1)] {
        let server = Server::start(|mut peer| {
            peer.say("220 test");
            peer.line();
            peer.received.clear();
            peer.octets(2);
            peer.say("552 5.3.4 too big");
            peer.read_rest().unwrap();
            peer.received.len()
        });
        let steps = format!(
            "  - expect: 220\n  - bdat: {{text: {}, chunk: 30}}\n    pace: {{bytes: 15, every: 200ms}}\n    expect: {expect}\n",
            "x".repeat(90)
        );
        let ran = run(&scenario(server.address, &steps), &[]);
        ran.ended(code).does_not_say("BDAT 30 LAST");
        if code == 1 {
            ran.says("got 552").says("chunk 1, `BDAT 30`; the server replied before all of it was sent");
        }
        // The first piece holds the command line of nine octets.
        assert_eq!(server.end(), 6);
    }
}

#[test]
fn pace_ends_with_the_run() {
    let server = Server::start(|mut peer| {
        peer.say("220 test");
        peer.read_rest()
    });
    let steps = "
  - expect: 220
  - raw: 0123456789
    pace: {bytes: 1, every: 1h}
";
    let started = Instant::now();
    run(&scenario(server.address, steps), &["--max-time", "1s"]).ended(1).says("--max-time");
    assert!(started.elapsed() < Duration::from_secs(15));
    server.end().unwrap();
}

/// What a server receives of a DATA transaction that ends with these steps.
fn received(steps: &str) -> (Vec<u8>, Result<(), ErrorKind>) {
    let server = Server::start(|mut peer| {
        peer.greet_and_answer("DATA");
        peer.say("354 go on");
        peer.received.clear();
        let outcome = peer.read_rest();
        (peer.received, outcome.map_err(|error| error.kind()))
    });
    run(&scenario(server.address, &format!("{TO_DATA}{steps}")), &[]).followed();
    server.end()
}

#[test]
fn a_client_may_die_before_the_final_dot() {
    let (octets, end) =
        received("  - data: {text: \"a\\n.b\", terminate: false}\n  - sleep: 100ms\n  - close: reset\n");
    assert_eq!((octets.as_slice(), end), (&b"a\r\n..b\r\n"[..], Err(ErrorKind::ConnectionReset)));
    let (octets, end) = received("  - data: {text: a, terminate: false}\n  - close\n");
    assert_eq!((octets.as_slice(), end), (&b"a\r\n"[..], Ok(())));
}

#[test]
fn a_client_may_die_after_the_final_dot() {
    let (octets, end) = received("  - data: a\n  - sleep: 100ms\n  - close: reset\n");
    assert_eq!((octets.as_slice(), end), (&b"a\r\n.\r\n"[..], Err(ErrorKind::ConnectionReset)));
    let (octets, end) = received("  - data: a\n  - close: write\n  - expect: {closed: true}\n");
    assert_eq!((octets.as_slice(), end), (&b"a\r\n.\r\n"[..], Ok(())));
}

#[test]
fn faults_in_mail_data_are_sent_as_written() {
    for (what, steps, octets) in [
        ("bare line feeds", "  - data: {text: \"a\\nb\\n\", line_endings: keep, terminate: false}\n", &b"a\nb\n"[..]),
        ("a bare LF before the dot", "  - raw: \"a\\n.\\r\\n\"\n", b"a\n.\r\n"),
        ("a bare CR", "  - raw: \"a\\rb\\r\\n\"\n", b"a\rb\r\n"),
        ("smuggling", "  - raw: \"a\\n.\\nMAIL FROM:<x@y>\\r\\n\"\n", b"a\n.\nMAIL FROM:<x@y>\r\n"),
        ("no transparency", "  - data: {text: \".a\\n\", transparency: false}\n", b".a\r\n.\r\n"),
        ("an end in the middle", "  - data: {text: \"a\\n.\\nb\", transparency: false}\n", b"a\r\n.\r\nb\r\n.\r\n"),
        ("a doubled dot", "  - data: {text: \"a\\n\", terminate: false}\n  - raw: \"..\\r\\n\"\n", b"a\r\n..\r\n"),
        ("no CRLF before the dot", "  - raw: \"a.\\r\\n\"\n", b"a.\r\n"),
    ] {
        let (received, _) = received(&format!("{steps}  - close\n"));
        assert_eq!(received, octets, "{what}: {}", String::from_utf8_lossy(&received));
    }
}

#[test]
fn mistakes_are_told_before_the_run() {
    for (steps, told) in [
        ("  - bdat: {text: a, chunk: 0}", "1 octet at least"),
        ("  - bdat: {text: a, chunk: 1GiB}", "is not a size"),
        ("  - bdat: {text: a, message: {text: b}}", "cannot stand beside `message`"),
        ("  - bdat: {chunk: 5}", "`bdat` takes one of `text`, `file`"),
        ("  - message: {fron: a@b, text: x}", "did you mean `from`?"),
        ("  - message: {from: a@b, headers: {'Sub ject': x}, text: x}", "the name of a header"),
        ("  - message: {from: a@b, headers: {Content-Type: x}, text: x}", "follows from"),
        ("  - message: {from: a@b, headers: {FROM: x}, text: x}", "given twice"),
        ("  - message: {from: a@b, text: x, attach: [../secret]}", "../secret"),
        ("  - send: NOOP\n    pace: {bytes: 0, every: 1s}", "1 or more"),
        ("  - sleep: 1s\n    pace: {bytes: 1, every: 1s}", "`pace` belongs to"),
    ] {
        run(&scenario("127.0.0.1:1", &format!("{steps}\n")), &[]).ended(2).says(told);
    }
}
