//! Whole conversations and the scenarios made of them.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A conversation in the notation of `C: `, `S: `, `~ tls`, `~ closed`; mail data stands in lines `D: `.
fn conversation(text: &str) -> Conversation {
    let mut said = Vec::new();
    let mut reply: Vec<String> = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for line in text.lines().chain(["~"]) {
        if let Some(line) = line.strip_prefix("S: ") {
            reply.push(line.to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                said.push(Said::reply(&std::mem::take(&mut reply)));
            }
            continue;
        }
        if let Some(line) = line.strip_prefix("D: ").or((line == "D:").then_some("")) {
            data.extend_from_slice(line.as_bytes());
            data.extend_from_slice(b"\r\n");
            continue;
        }
        if !data.is_empty() {
            said.push(Said::RecordedMailData(RecordedMailData { octets: std::mem::take(&mut data), left_out: 0 }));
        }
        match line.split_at(line.len().min(3)) {
            ("C: ", line) => said.push(Said::Line(line.as_bytes().to_vec())),
            ("~ t", _) => said.push(Said::Handshake),
            ("~ c", _) => said.push(Said::ServerClosed),
            _ => {}
        }
    }
    // Mail data stands before the reply that it was answered with.
    for at in 1..said.len() {
        if matches!(said[at], Said::RecordedMailData(_))
            && matches!(&said[at - 1], Said::Reply(reply) if reply.code() != 354)
        {
            said.swap(at - 1, at);
        }
    }
    Conversation { server: RecordedServer::default(), said }
}

/// The scenario, which `check` must have nothing to say about.
fn written(conversation: &Conversation) -> String {
    let text = conversation.draft().to_yaml();
    let scenario = crate::load_text("recorded", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let found = crate::check(&scenario, None, &crate::run::Settings::default());
    assert!(found.is_empty(), "{found:?}\n{text}");
    text
}

fn steps(text: &str) -> String {
    let text = written(&conversation(text));
    text.split_once("steps:\n").unwrap().1.to_owned()
}

/// A submission with STARTTLS, AUTH and a message that holds the password.
fn submission() -> String {
    let plain = STANDARD.encode("\0mary@jane.com\0hunter2!");
    format!(
        "\
S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready
~ tls
C: EHLO client.example
S: 250-mx.example
S: 250-AUTH PLAIN LOGIN
S: 250 SIZE 1000
C: AUTH PLAIN {plain}
S: 235 2.7.0 ok
C: MAIL FROM:<john@doe.com> SIZE=400
S: 250 2.1.0 Ok
C: RCPT TO:<joe@jane.com>
S: 250 2.1.5 Ok
C: DATA
S: 354 go ahead
D: From: John <john@doe.com>
D: To: joe@jane.com
D: Date: Mon, 23 Nov 2026 21:39:32 +0000
D: Message-ID:
D:  <1234.5@client.example>
D: Subject: my password
D:
D: It is hunter2! << do not tell.
D: .
S: 250 2.0.0 Ok: queued as 4F1A2
C: QUIT
S: 221 2.0.0 Bye
~ closed"
    )
}

#[test]
fn a_submission_reads_as_a_person_would_have_written_it() {
    let expected = "\
name: a message to mail.example.com, with STARTTLS and AUTH PLAIN
vars:
  domain: client.example
  from: john@doe.com
  to: joe@jane.com
secrets: [username, password]
connect: mail.example.com
steps:
  - expect: ^220
  - send: EHLO <<domain>>
    expect: ^250[ -]STARTTLS
  - starttls
  - send: EHLO <<domain>>
    expect:
      all:
        - ^250[ -]AUTH .*PLAIN
        - ^250[ -]SIZE
  - send: AUTH PLAIN <<auth_plain(username, password)>>
    expect: ^235 2\\.7\\.0
  # SIZE is the size of the recorded message; with a new Date and Message-ID it may differ
  - send: MAIL FROM:<<<from>>> SIZE=400
    expect: ^250 2\\.1\\.0
  - send: RCPT TO:<<<to>>>
    expect: ^250 2\\.1\\.5
  - send: DATA
    expect: ^354
  - data: |
      From: John <<<from>>>
      To: <<to>>
      Date: <<rfc5322_date()>>
      Message-ID: <<message_id('client.example')>>
      Subject: my password

      It is <<password>> <<'<<'>> do not tell.
      .
    expect: ^250 2\\.0\\.0
  - send: QUIT
    expect: ^221 2\\.0\\.0
";
    assert_eq!(written(&conversation(&submission())), expected);
}

/// The steps of a login after the greeting, without it.
fn login(lines: &str) -> (String, String) {
    let text = written(&conversation(&format!("S: 220 hi\nC: EHLO me\nS: 250 mx\n{lines}\n")));
    let secrets = text.lines().find_map(|line| line.strip_prefix("secrets: ")).unwrap_or_default().to_owned();
    let steps = text.split_once("  - send: EHLO me\n    expect: ^250\n").unwrap().1.to_owned();
    (secrets, steps)
}

#[test]
fn every_mechanism_becomes_its_template() {
    let b64 = |text: &str| STANDARD.encode(text);
    let (user, password) = (b64("mary"), b64("secret"));
    let text =
        format!("C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {user}\nS: 334 UGFzc3dvcmQ6\nC: {password}\nS: 535 5.7.8 no");
    let (secrets, steps) = login(&text);
    assert_eq!(secrets, "[username, password]");
    let expected = "  - send: AUTH LOGIN
    expect: ^334 VXNlcm5hbWU6
  - send: <<username | b64encode>>
    expect: ^334 UGFzc3dvcmQ6
  - send: <<password | b64encode>>
    expect: ^535 5\\.7\\.8
";
    assert_eq!(steps, expected);
    let (_, steps) = login(&format!("C: AUTH LOGIN {user}\nS: 334 UGFzc3dvcmQ6\nC: {password}\nS: 235 ok"));
    assert!(steps.starts_with("  - send: AUTH LOGIN <<username | b64encode>>\n"), "{steps}");

    let answer = b64("mary 0123456789abcdef0123456789abcdef");
    let (secrets, steps) = login(&format!("C: AUTH CRAM-MD5\nS: 334 PDE+\nC: {answer}\nS: 235 2.7.0 ok"));
    assert_eq!(secrets, "[username, password]");
    assert!(
        steps.contains("expect: ^334 (?<challenge>\\S+)\n  - send: <<auth_cram_md5(challenge, username, password)>>")
    );

    let message = b64(&messages("mary", "ya29.token"));
    let (secrets, steps) = login(&format!("C: AUTH XOAUTH2 {message}\nS: 235 ok"));
    assert_eq!(
        (secrets.as_str(), steps.lines().next()),
        ("[username, token]", Some("  - send: AUTH XOAUTH2 <<auth_xoauth2(username, token)>>"))
    );

    let bearer = b64("n,a=mary,\x01host=mx.example\x01port=587\x01auth=Bearer ya29.token\x01\x01");
    let (_, steps) = login(&format!("C: AUTH OAUTHBEARER {bearer}\nS: 235 ok"));
    assert!(steps.contains("<<auth_oauthbearer(username, token, 'mx.example', 587)>>"), "{steps}");
}

fn messages(user: &str, token: &str) -> String {
    crate::smtp::auth::messages::xoauth2(user, token)
}

#[test]
fn what_cannot_be_read_of_a_login_is_a_secret_as_a_whole() {
    let first = STANDARD.encode("n,,n=mary,r=abc");
    let (secrets, steps) =
        login(&format!("C: AUTH SCRAM-SHA-256 {first}\nS: 334 cj0x\nC: Yz1iaXdz\nS: 334 dj0x\nC: \nS: 235 2.7.0 ok"));
    assert_eq!(secrets, "[username, password]");
    let expected = "  # the password passed as a digest: it is not known, and was not searched for in what stands here\n  - auth:\n      mechanism: SCRAM-SHA-256\n      username: <<username>>\n      password: <<password>>\n";
    assert_eq!(steps, expected);

    let (secrets, steps) = login("C: AUTH NTLM\nS: 334 ok\nC: TlRMTVNTUAAB\nS: 334 TlRM\nC: TlRMTVNTUAAD\nS: 535 no");
    assert_eq!(secrets, "[auth_message, auth_message_2]");
    assert!(!steps.contains("TlRMTVNTUA"), "{steps}");
    let (_, steps) = login("C: AUTH PLAIN ****\nS: 235 ok");
    assert!(steps.contains("<<auth_plain(username, password)>>"), "{steps}");
    let (_, steps) = login("C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: *\nS: 501 5.7.0 cancelled");
    assert!(steps.contains("send: '*'\n    expect: ^501 5\\.7\\.0"), "{steps}");
}

#[test]
fn what_went_out_without_waiting_is_a_group() {
    let text = "\
S: 220 hi
C: EHLO me
S: 250-mx
S: 250 PIPELINING
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: DATA
S: 250 2.1.0 Ok
S: 550 5.1.1 No such user
S: 554 5.5.1 No valid recipients
C: QUIT
S: 221 bye
";
    let expected = "  - expect: ^220
  - send: EHLO me
    expect: ^250[ -]PIPELINING
  - pipeline: true
    steps:
      - send: MAIL FROM:<a@b.example>
        expect: ^250 2\\.1\\.0
      - send: RCPT TO:<c@d.example>
        expect: ^550 5\\.1\\.1
      - send: DATA
        expect: ^554 5\\.5\\.1
  - send: QUIT
    expect: ^221
";
    assert_eq!(steps(text), expected);
}

/// Each mechanism, each class of reply, each way to say it: no base64 of the password, and not the password.
#[test]
fn a_login_that_was_refused_is_a_secret_too() {
    let password = "s3cret-pw-of-ann";
    let plain = STANDARD.encode(format!("\0ann\0{password}"));
    let token = STANDARD.encode(format!("user=ann\x01auth=Bearer {password}\x01\x01"));
    let digest = STANDARD.encode("ann 6b8ae4f8d1a5a2e3a6a0b9b5b1a2c3d4");
    let ways: [(&str, &[&str]); 8] = [
        ("PLAIN", &[&plain]),
        ("LOGIN", &["YW5u", &STANDARD.encode(password)]),
        ("CRAM-MD5", &[&digest]),
        (
            "SCRAM-SHA-256",
            &[&STANDARD.encode("n,,n=ann,r=abc"), &STANDARD.encode("c=biws,r=abcdef,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")],
        ),
        ("XOAUTH2", &[&token]),
        ("OAUTHBEARER", &[&STANDARD.encode(format!("n,a=ann,\x01auth=Bearer {password}\x01\x01"))]),
        ("EXTERNAL", &[&STANDARD.encode("ann of example.org")]),
        ("NTLM", &["TlRMTVNTUAABAAAAB4IIogAAAAA="]),
    ];
    for (mechanism, messages) in ways {
        for code in ["235 2.7.0", "334 ", "454 4.7.0", "538 5.7.11"] {
            for verb in ["AUTH", "auth", "AUHT"] {
                for with_initial in [false, true] {
                    let mut said = format!("S: 220 hi\nC: {verb} {mechanism}");
                    let rest = if with_initial {
                        said.extend([" ", messages[0]]);
                        &messages[1..]
                    } else {
                        messages
                    };
                    let messages_and_end = rest.iter().chain([&"QUIT"]);
                    said.extend(messages_and_end.map(|message| format!("\nS: {code} x\nC: {message}")));
                    said.push_str("\nS: 221 bye\n");
                    let conversation = conversation(&said);
                    let text = conversation.draft().to_yaml();
                    let shown = credentials(&conversation.said).mask(&said);
                    for message in messages.iter().filter(|message| message.len() >= 8) {
                        for part in message.as_bytes().windows(8) {
                            let part = String::from_utf8_lossy(part);
                            assert!(!text.contains(&*part), "{part} of {said}\n{text}");
                        }
                    }
                    assert!(!text.contains("YW5u") && !text.contains(password), "{said}\n{text}");
                    assert!(!shown.contains(password) && !shown.contains(&plain) && !shown.contains(&token), "{shown}");
                    crate::load_text("recorded", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
                }
            }
        }
    }
}

#[test]
fn credentials_outside_of_a_login_are_secrets() {
    let text =
        steps("S: 220 hi\nC: czNjcmV0LXB3\nS: 500 what\nC: XPASS czNjcmV0LXB3\nS: 500 what\nC: QUIT\nS: 221 bye\n");
    assert!(!text.contains("czNj"), "{text}");
    assert!(text.contains("send: <<auth_message>>") && text.contains("send: XPASS <<auth_message>>"), "{text}");
    let said = [&b"AUTH LOGIN\n"[..], b"YW5u\n", b"czNjcmV0LXB3\n", b"AUTH PLAIN AGFubgBzM2NyZXQtcHc="];
    let mut said: Vec<Said> = said.iter().map(|bytes| Said::Bytes(bytes.to_vec())).collect();
    said.insert(0, Said::reply(&["220 hi"]));
    let text = written(&Conversation { server: RecordedServer::default(), said });
    assert!(!text.contains("czNj") && !text.contains("M2Ny") && !text.contains("YW5u"), "{text}");
}

#[test]
fn lmtp_has_a_reply_for_each_recipient() {
    let text = "\
S: 220 hi
C: LHLO me
S: 250 mx
C: MAIL FROM:<>
S: 250 ok
C: RCPT TO:<a@b.example>
S: 250 ok
C: RCPT TO:<c@d.example>
S: 250 ok
C: DATA
S: 354 go
D: Subject: x
D:
D: Hi
S: 250 2.0.0 one
S: 452 4.2.2 two
C: QUIT
S: 221 bye
";
    let conversation = lmtp(text);
    let text = written(&conversation);
    assert!(text.contains("    expect: ^250 2\\.0\\.0\n  - expect: ^452 4\\.2\\.2\n  - send: QUIT"), "{text}");
}

/// As `conversation`, with mail data before both replies to it.
fn lmtp(text: &str) -> Conversation {
    let mut conversation = conversation(text);
    let at = conversation.said.iter().position(|said| matches!(said, Said::RecordedMailData(_))).unwrap();
    if matches!(&conversation.said[at - 1], Said::Reply(reply) if reply.code() == 250) {
        conversation.said.swap(at - 1, at);
    }
    conversation
}

/// RFC 2033 section 4.2 and RFC 3030: a refused MAIL changes nothing, and the last chunk is answered for each recipient.
#[test]
fn lmtp_is_counted_whichever_way_a_message_comes() {
    let line = |text: &str| Said::Line(text.as_bytes().to_vec());
    let reply = |text: &str| Said::reply(&[text]);
    let opening =
        [("LHLO me", "250 mx"), ("MAIL FROM:<>", "250 ok"), ("RCPT TO:<a>", "250 ok"), ("RCPT TO:<b>", "250 ok")];
    let data = |octets: &str| RecordedMailData { octets: octets.as_bytes().to_vec(), left_out: 0 };
    let by_chunk = vec![line("BDAT 4 LAST"), Said::Chunk(data("Hi\r\n"))];
    let after_refusal = vec![
        line("MAIL FROM:<x>"),
        reply("503 5.5.1 nested MAIL"),
        line("DATA"),
        reply("354 go"),
        Said::RecordedMailData(data("Hi\r\n")),
    ];
    for message in [by_chunk, after_refusal] {
        let mut said = vec![reply("220 hi")];
        said.extend(opening.iter().flat_map(|(asked, answered)| [line(asked), reply(answered)]));
        said.extend(message);
        said.extend([reply("250 2.0.0 one"), reply("250 2.0.0 two")]);
        let text = written(&Conversation { server: RecordedServer::default(), said });
        let expected = "    expect: ^250 2\\.0\\.0\n  - expect: ^250 2\\.0\\.0\n";
        assert!(text.ends_with(expected), "{text}");
    }
}

#[test]
fn chunks_are_chunks() {
    let chunk = |text: &str| Said::Chunk(RecordedMailData { octets: text.as_bytes().to_vec(), left_out: 0 });
    let line = |text: &str| Said::Line(text.as_bytes().to_vec());
    let ok = || Said::reply(&["250 ok"]);
    let said = vec![
        Said::reply(&["220 hi"]),
        line("EHLO me"),
        Said::reply(&["250-mx", "250 CHUNKING"]),
        line("BDAT 14"),
        chunk("Subject: x\r\n\r\n"),
        ok(),
        line("BDAT 2 LAST"),
        chunk("Hi"),
        ok(),
    ];
    let text = written(&Conversation { server: RecordedServer::default(), said });
    let expected = "    expect: ^250[ -]CHUNKING
  - bdat:
      text: |+
        Subject: x

      last: false
    expect: ^250
  - raw: \"BDAT 2 LAST\\r\\nHi\"
    expect: ^250
";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn octets_that_are_no_text_are_sent_as_they_were() {
    let data = |octets: &[u8]| Said::RecordedMailData(RecordedMailData { octets: octets.to_vec(), left_out: 0 });
    let line = |text: &str| Said::Line(text.as_bytes().to_vec());
    let said = |octets: &[u8]| {
        vec![Said::reply(&["220 hi"]), line("DATA"), Said::reply(&["354 go"]), data(octets), Said::reply(&["250 ok"])]
    };
    let text = |octets: &[u8]| written(&Conversation { server: RecordedServer::default(), said: said(octets) });
    assert!(text(b"a\n.\r\n.x\r\n").contains(r#"raw: "a\n.\r\n..x\r\n.\r\n""#), "{}", text(b"a\n.\r\n.x\r\n"));
    assert!(text(b"\xff\r\n").contains("hex: ff 0d 0a 2e 0d 0a"));
    assert!(text(b"").contains("data: ''"));
}

#[test]
fn large_mail_data_says_what_is_missing() {
    let data = RecordedMailData { octets: b"Subject: x\r\n\r\nHi\r\n".to_vec(), left_out: 1000 };
    let said = vec![
        Said::reply(&["220 hi"]),
        Said::Line(b"DATA".to_vec()),
        Said::reply(&["354 go"]),
        Said::RecordedMailData(data),
        Said::reply(&["250 ok"]),
    ];
    let text = written(&Conversation { server: RecordedServer::default(), said });
    assert!(text.contains("  # the message had 1018 octets; the first 18 of them stand here\n  - data: |"), "{text}");
}

#[test]
fn a_password_that_another_session_showed_is_hidden() {
    let mut known = KnownCredentials::default();
    conversation(&submission()).draft_knowing(&mut known);
    let harmless = conversation("S: 220 hi\nC: NOOP\nS: 250 ok\n").draft_knowing(&mut known).to_yaml();
    assert!(!harmless.contains("secrets:"), "{harmless}");
    let login = "S: 220 hi\nC: AUTH CRAM-MD5\nS: 334 PDFAYj4=\nC: bWFyeUBqYW5lLmNvbSAxMjM0\nS: 235 ok\n";
    let encoded = STANDARD.encode("hunter2!");
    let said = conversation(&format!("{login}C: NOOP hunter2!\nS: 250 ok\nC: NOOP {encoded}\nS: 250 ok\n"));
    let text = said.draft_knowing(&mut known).to_yaml();
    assert!(!text.contains("hunter2") && !text.contains(&encoded), "{text}");
    assert!(text.contains("secrets: [username, password, password_2]\n"), "{text}");
    assert!(text.contains("  - send: NOOP <<password_2>>\n"), "{text}");
    let remark = "  # the password passed as a digest: it is not known, and was not searched for in what stands here\n  - send: AUTH";
    assert!(text.contains(remark), "{text}");
}

#[test]
fn what_is_no_message_of_its_mechanism_is_a_secret_as_a_whole() {
    for (garbage, code) in [("garbage!", 501), ("garbage!", 535), ("<garbage>", 501)] {
        let text =
            steps(&format!("S: 220 hi\nC: EHLO me\nS: 250 hi\nC: AUTH PLAIN\nS: 334\nC: {garbage}\nS: {code} no\n"));
        assert!(text.contains("- send: <<auth_message>>\n"), "{text}");
    }
    let text = steps("S: 220 hi\nC: EHLO me\nS: 250 hi\nC: AUTH PLAIN garbage!\nS: 501 no\n");
    assert!(text.contains("- send: AUTH PLAIN <<auth_message>>\n"), "{text}");
    let text = steps("S: 220 hi\nC: EHLO me\nS: 250 hi\nC: AUTH PLAIN [hidden]\nS: 235 ok\n");
    assert!(text.contains("- send: AUTH PLAIN <<auth_plain(username, password)>>\n"), "{text}");
}

#[test]
fn what_has_no_end_is_given_none() {
    for octets in ["Subject: half\r\n\r\nfoo", "Subject: half\r\n"] {
        let mut tap = Wiretap::new();
        tap.server(b"220 hi\r\n");
        tap.client(b"DATA\r\n");
        tap.server(b"354 go\r\n");
        tap.client(octets.as_bytes());
        tap.end(Said::ClientClosed);
        let text = written(&Conversation { server: RecordedServer::default(), said: tap.said });
        let raw = octets.replace("\r\n", "\\r\\n");
        let end = format!("  # the session ended within this message\n  - raw: \"{raw}\"\n  - close\n");
        assert!(text.ends_with(&end), "{text}");
    }
    let chunk = RecordedMailData { octets: b"Subject: half\r\n".to_vec(), left_out: 0 };
    let said =
        vec![Said::reply(&["220 hi"]), Said::Line(b"BDAT 20 LAST".to_vec()), Said::Chunk(chunk), Said::ClientClosed];
    let text = written(&Conversation { server: RecordedServer::default(), said });
    assert!(text.ends_with("  - raw: \"BDAT 20 LAST\\r\\nSubject: half\\r\\n\"\n  - close\n"), "{text}");
}

fn any_said() -> impl proptest::strategy::Strategy<Value = Said> {
    use proptest::prelude::*;
    let line = prop_oneof![
        Just(b"AUTH LOGIN".to_vec()),
        Just(b"AUTH PLAIN AGFiY2QAZWZnaA==".to_vec()),
        Just(b"AUTH CRAM-MD5".to_vec()),
        Just(b"AUTH SCRAM-SHA-1 biwsbj1tYXJ5LHI9YQ==".to_vec()),
        Just(b"MAIL FROM:<abcd@efgh.example>".to_vec()),
        Just(b"RCPT TO:<abcd@efgh.example> efgh".to_vec()),
        Just(b"EHLO abcd".to_vec()),
        Just(b"STARTTLS".to_vec()),
        Just(b"DATA".to_vec()),
        Just(b"BDAT 3 LAST".to_vec()),
        proptest::collection::vec(any::<u8>().prop_filter("no line end", |byte| *byte != b'\n'), 0..20),
    ];
    let octets = prop_oneof![
        Just(b"From: abcd@efgh.example\r\nDate: now\r\n\r\nefgh\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    let reply = (200_u16..560, "[ -~]{0,20}").prop_map(|(code, text)| Said::reply(&[format!("{code} {text}")]));
    prop_oneof![
        4 => line.prop_map(Said::Line),
        4 => reply,
        1 => Just(Said::reply(&["334 VXNlcm5hbWU6"])),
        1 => Just(Said::Handshake),
        1 => Just(Said::ServerClosed),
        1 => octets.clone().prop_map(|octets| Said::RecordedMailData(RecordedMailData { octets, left_out: 0 })),
        1 => octets.clone().prop_map(|octets| Said::Chunk(RecordedMailData { octets, left_out: 0 })),
        1 => octets.clone().prop_map(Said::Bytes),
        1 => octets.prop_map(Said::Malformed),
        1 => "[ -~]{0,20}".prop_map(Said::Remark),
    ]
}

proptest::proptest! {
    /// Whatever was said, the scenario can be read, and has no errors.
    #[test]
    fn any_conversation_is_a_scenario(said in proptest::collection::vec(any_said(), 0..12)) {
        let text = Conversation { server: RecordedServer::default(), said }.draft().to_yaml();
        if text.ends_with("steps:\n") {
            return Ok(());
        }
        let scenario = match crate::load_text("recorded", &text) {
            Ok(scenario) => scenario,
            Err(error) => panic!("{error}\n{text}"),
        };
        let found = crate::check(&scenario, None, &crate::run::Settings::default());
        let errors: Vec<_> = found.iter().filter(|found| found.is_error()).collect();
        proptest::prop_assert!(errors.is_empty(), "{:?}\n{}", errors, text);
    }
}

/// A line of a login that ends in a CR of its own is no line of `send`.
#[test]
fn a_hidden_line_with_a_bare_cr_is_raw() {
    let said = vec![
        Said::Line(b"AUTH LOGIN".to_vec()),
        Said::RecordedMailData(RecordedMailData { octets: b"a\r\n".to_vec(), left_out: 0 }),
        Said::Line(b"\r".to_vec()),
    ];
    let text = Conversation { server: RecordedServer::default(), said }.draft().to_yaml();
    assert!(text.contains("raw:"), "{text}");
    crate::load_text("recorded", &text).unwrap();
}

#[test]
fn what_a_client_writes_after_the_close_is_left_out() {
    let greeted = "S: 220 mx.example ESMTP\nC: EHLO client.example\nS: 250 mx.example\n";
    let left = steps(&format!("{greeted}C: QUIT\nS: 221 bye\nC: ..end\nC: \n~ closed\nC: .\n"));
    assert!(left.contains("- send: QUIT\n    expect: ^221\n") && !left.contains("..end"), "{left}");
    assert!(left.contains("# what the client wrote after the server had closed is left out"), "{left}");
    let shut = steps(&format!("{greeted}C: NOOP\nS: 421 4.3.2 going down\nC: NOOP\n~ closed\n"));
    assert!(shut.ends_with("- send: NOOP\n    expect: {code: 421, closed: true}\n"), "{shut}");
    // Whatever was answered is kept.
    let heard = conversation(&format!("{greeted}C: QUIT\nS: 221 bye\nC: NOOP\nS: 250 ok\n")).draft().to_yaml();
    assert!(heard.contains("- send: NOOP"), "{heard}");
}

#[test]
fn what_cannot_fit_the_run_is_said() {
    let plain = STANDARD.encode("\0mary@jane.com\0hunter2!");
    let refused = steps(&format!(
        "S: 220 mx.example ESMTP\nC: EHLO c.example\nS: 250 AUTH PLAIN\nC: AUTH PLAIN {plain}\nS: 535 5.7.8 no\nC: QUIT\nS: 221 bye\n"
    ));
    assert!(refused.contains("# the server refused this login: `password` is"), "{refused}");
    assert!(steps(&submission()).contains("# SIZE is the size of the recorded message"));
    assert!(!steps(&submission().replace(" SIZE=400", "")).contains("# SIZE"));
}
