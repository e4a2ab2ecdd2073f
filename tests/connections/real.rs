//! What real servers make of it: Postfix and Dovecot.

use crate::play::{Folder, run};
use crate::servers::Servers;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The one message of a Maildir, once it is delivered: Postfix delivers after its reply.
fn delivered(mailbox: &Path) -> String {
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let found = fs::read_dir(mailbox.join("new")).into_iter().flatten().flatten().next();
        if let Some(entry) = found {
            return fs::read_to_string(entry.path()).unwrap();
        }
        assert!(Instant::now() < limit, "nothing was delivered to {}", mailbox.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn postfix_takes_chunks_and_utf8_and_messages() {
    let servers = Servers::start(&["postfix"]);
    let folder = Folder::new();
    folder.write("long.txt", "a line of a long text\n".repeat(10_000));
    let scenario = format!(
        "
connect: 127.0.0.1:{}
steps:
  - expect: ^220
  - send: EHLO client.example
    expect: {{all: ['^250[ -]CHUNKING', '^250[ -]SMTPUTF8']}}
  - {{send: 'MAIL FROM:<jürgen@example.org> SMTPUTF8', expect: 250}}
  - {{send: 'RCPT TO:<john@example.com>', expect: 250}}
  - bdat:
      chunk: 100KiB
      message:
        from: Jürgen <jürgen@example.org>
        to: john@example.com
        subject: Grüße
        text: a message in chunks
        attach: [long.txt]
    expect: 250
  - {{send: QUIT, expect: 221}}
",
        servers.port("postfix", 0)
    );
    let ran = folder.run(&scenario, &[]);
    ran.followed().says("C: BDAT 102400\n").says(" LAST\n").says("C: MAIL FROM:<jürgen@example.org> SMTPUTF8");
    let mail = delivered(&servers.directory("postfix").join("mail/john"));
    assert!(mail.contains("with UTF8SMTP"), "{}", &mail[..800]);
    assert!(mail.contains("\na message in chunks\n"));
    // Quoted-printable: its soft line ends may stand anywhere.
    assert_eq!(mail.replace("=\n", "").matches("a line of a long text").count(), 10_000);
}

#[test]
fn postfix_refuses_a_chunk_without_a_transaction() {
    let servers = Servers::start(&["postfix"]);
    let scenario = format!(
        "connect: 127.0.0.1:{}\nsteps:\n  - expect: ^220\n  - {{send: EHLO a.example, expect: 250}}\n  - {{bdat: {{text: abc, chunk: 2}}, expect: 250}}\n",
        servers.port("postfix", 0)
    );
    run(&scenario, &[]).ended(1).says("got 503").says("chunk 1, `BDAT 2`");
}

#[test]
fn lmtp_over_dovecot_with_starttls() {
    let servers = Servers::start(&["dovecot"]);
    let scenario = format!(
        "
connect: {{host: localhost, port: {}, ip: 4}}
steps:
  - expect: ^220
  - {{send: LHLO client.example, expect: '^250[ -]STARTTLS'}}
  - starttls
  - {{send: LHLO client.example, expect: '^250[ -]CHUNKING'}}
  - {{send: 'MAIL FROM:<a@example.org>', expect: 250}}
  - {{send: 'RCPT TO:<testuser@example.com>', expect: 250}}
  - {{send: 'RCPT TO:<nobody@example.com>', expect: 550}}
  - {{send: 'RCPT TO:<john@example.com>', expect: 250}}
  - {{send: DATA, expect: 354}}
  - data: |
      Subject: over LMTP

      .a line with a dot
    expect: ^250 .*testuser
  - expect: ^250 .*john
  - {{send: 'MAIL FROM:<a@example.org>', expect: 250}}
  - {{send: 'RCPT TO:<testuser@example.com>', expect: 250}}
  - {{send: 'RCPT TO:<john@example.com>', expect: 250}}
  - {{bdat: {{text: \"Subject: chunks\\n\\nover LMTP\\n\", chunk: 10}}, expect: 250}}
  - {{send: QUIT, expect: 221}}
",
        servers.port("dovecot", 2)
    );
    let ca = servers.ca_file();
    run(&scenario, &["--ca-file", ca.to_str().unwrap()]).followed().says("certificate verified");
    let mail = servers.directory("dovecot").join("mail/john/new");
    let texts: Vec<String> =
        fs::read_dir(mail).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().any(|text| text.ends_with("\n\n.a line with a dot\n")), "{texts:?}");
    assert!(texts.iter().any(|text| text.ends_with("\n\nover LMTP\n")), "{texts:?}");
}
