//! Transcripts as the tools print them. `tests/recording` has the tools print some.

use super::text::{MAX_LINE, MAX_LINES};
use super::*;
use proptest::prelude::*;

/// The steps of the scenario, and the notices with the numbers of their lines.
fn imported(text: &str) -> (String, Vec<String>) {
    let imported = import("paste", text, &WantedSession::default()).unwrap_or_else(|error| panic!("{error}"));
    let line = |notice: &Diagnostic| imported.sources.position(notice.span).line;
    let notices = imported.notices.iter().map(|notice| format!("{}: {}", line(notice), notice.message)).collect();
    (imported.scenario, notices)
}

fn of(name: &str) -> WantedSession<'static> {
    WantedSession { family: family(name), ..WantedSession::default() }
}

fn refused(text: &str, module: Option<&str>) -> String {
    import("paste", text, &WantedSession { module, ..WantedSession::default() }).expect_err("a mistake").to_string()
}

const SWAKS: &str = r"=== Trying mail.example.com:587...
=== Connected to mail.example.com.
<-  220 mail.example.com ESMTP
 -> EHLO client.example
<-  250-mail.example.com
<-  250 STARTTLS
 -> STARTTLS
<-  220 2.0.0 Ready to start TLS
=== TLS started with cipher TLSv1.3:TLS_AES_256_GCM_SHA384:256
=== TLS no local certificate set
 ~> EHLO client.example
<~  250-mail.example.com
<~  250 AUTH PLAIN
 ~> AUTH PLAIN AG1hcnkAaHVudGVyMg==
<~* 535 5.7.8 Error: authentication failed
*** No authentication type succeeded
 ~> QUIT
<~  221 2.0.0 Bye
=== Connection closed with remote host.
";

#[test]
fn what_is_typed_while_a_ticket_is_printed_is_not_lost() {
    let pasted = "CONNECTED(00000003)\n---\nCertificate chain\n---\n250 SMTPUTF8\n---\nPost-Handshake New Session Ticket arrived:\n\
                  SSL-Session:\n    Protocol  : TLSv1.3\nehlo client.example\n    Extended master secret: no\n---\nread R BLOCK\n\
                  250 mx.example\nquit\n221 bye\nclosed\n";
    let imported = import("a.txt", pasted, &of("openssl")).unwrap_or_else(|error| panic!("{error}"));
    assert!(imported.scenario.contains("send: ehlo <<domain>>"), "{}", imported.scenario);
}

/// RFC 2033 section 4.2, RFC 3030: one reply for each accepted recipient, whichever way the message came.
#[test]
fn of_lmtp_each_accepted_recipient_has_a_reply() {
    let start = "S: 220 lmtp.example\nC: LHLO a.example\nS: 250-lmtp.example\nS: 250 CHUNKING\nC: MAIL FROM:<a@b.example>\nS: 250 ok\n\
                 C: RCPT TO:<c@d.example>\nS: 250 ok\nC: RCPT TO:<e@f.example>\nS: 550 no\nC: RCPT TO:<g@h.example>\nS: 250 ok\n\
                 C: MAIL FROM:<again@b.example>\nS: 503 nested\n";
    let end = "S: 250 one\nS: 250 two\nC: QUIT\nS: 221 bye\n";
    for message in ["C: BDAT 8 LAST\nC: hi, you\n", "C: DATA\nS: 354 go\nC: Subject: x\nC: \nC: hi\nC: .\n"] {
        let (scenario, _) = imported(&format!("{start}{message}{end}"));
        assert!(scenario.contains("221"), "{scenario}");
    }
}

#[test]
fn what_is_too_long_is_said_and_left_out() {
    let long = "AUTH PLAIN ".to_owned() + &"QUJD".repeat(MAX_LINE / 4);
    let said = refused(&long, None);
    assert!(said.contains(&format!("a line of {} bytes", long.len())) && said.len() < 1000, "{said}");
    let log = format!("S: 220 hi\nC: EHLO a\nS: 250 b\n{long}\nC: QUIT\nS: 221 bye\n");
    let (scenario, notices) = imported(&log);
    assert!(scenario.contains("send: QUIT") && !scenario.contains("QUJD"), "{scenario}");
    assert!(notices[0].starts_with("4: this line has") && notices[0].ends_with("it was left out"), "{notices:?}");
    assert!(refused(&"\n".repeat(MAX_LINES + 1), None).contains("a transcript has at most"));
    let nested = format!("[{{\"a\": [{}1]}}]", "1,".repeat(MAX_LINE));
    assert!(refused(&nested, None).contains("of a line of"), "{}", refused(&nested, None));
}

/// A text of many blocks, each of which begins and ends.
#[test]
fn a_session_that_is_too_long_is_called_that() {
    let turns = "C: NOOP\nS: 250 ok\n".repeat(40_001);
    let mistake = refused(&format!("S: 220 mx.example\n{turns}"), None);
    assert!(mistake.contains("this session has 40001 lines of the client"), "{mistake}");
}

#[test]
fn a_text_of_many_blocks_is_read_in_time() {
    let blocks = "a: |\n x\n".repeat(100_000);
    assert!(refused(&format!("query_response:\n{blocks}"), None).contains("error: "));
}

#[test]
fn swaks_with_tls_and_a_refusal() {
    let (scenario, notices) = imported(SWAKS);
    let expected = "\
name: a session with mail.example.com, with STARTTLS and AUTH PLAIN
vars:
  domain: client.example
secrets: [username, password]
connect: mail.example.com:587
steps:
  - expect: ^220
  - send: EHLO <<domain>>
    expect: ^250[ -]STARTTLS
  - starttls
  - send: EHLO <<domain>>
    expect: ^250[ -]AUTH .*PLAIN
  # the server refused this login: `password` is the one that it refuses
  - send: AUTH PLAIN <<auth_plain(username, password)>>
    expect: ^535 5\\.7\\.8
  - send: QUIT
    expect: ^221 2\\.0\\.0
";
    assert_eq!(scenario, expected);
    assert_eq!(notices, Vec::<String>::new());
}

#[test]
fn quoting_indentation_fences_and_line_ends_do_not_matter() {
    let (plain, _) = imported(SWAKS);
    let quoted = format!("> > {}", SWAKS.trim_end().replace('\n', "\r\n> > "));
    let indented = format!("    {}", SWAKS.trim_end().replace('\n', "\n    "));
    for text in [quoted, indented, format!("```text\n{SWAKS}```\n")] {
        assert_eq!(imported(&text).0, plain);
    }
}

#[test]
fn swaks_leaves_out_what_it_was_told_to() {
    let text = "\
=== Connected to mx.example.
<-  220 hi
 -> MAIL FROM:<a@b.example>
<-  250 2.1.0 Ok
 -> RCPT TO:<c@d.example>
<-  250 2.1.5 Ok
 -> DATA
<-  354 go
 -> 11 lines sent
<-  250 2.0.0 Ok
what is this
*** Remote host closed connection unexpectedly.
";
    let (scenario, notices) = imported(text);
    assert!(
        scenario.contains("# the transcript does not show the message: this one stands in its place\n  - data: |\n")
    );
    assert!(scenario.contains("      From: <<<from>>>\n      To: <<<to>>>\n"), "{scenario}");
    assert!(scenario.contains("expect: {code: 250, closed: true}"), "{scenario}");
    let expected = [
        "10: the message before this reply is not shown: another stands in its place",
        "11: skipped a line that is neither client nor server",
    ];
    assert_eq!(notices, expected);
}

#[test]
fn raw_dumps_and_clocks_are_passed_over() {
    let text = "\
=== Trying mx.example:25...
<   0000: 32 32 30 20  68 69 0D 0A                              220.hi..
<-  220 hi
 -> QUIT
  > 0000: 51 55 49 54  0D 0A                                    QUIT..
=== response in 0.000s
<-  221 bye
";
    let (scenario, notices) = imported(text);
    assert_eq!(scenario.split_once("steps:\n").unwrap().1, "  - expect: ^220\n  - send: QUIT\n    expect: ^221\n");
    assert_eq!(notices, Vec::<String>::new());
}

#[test]
fn telnet_knows_replies_by_their_codes() {
    let text = "\
$ telnet mx.example 2525
Trying 192.0.2.1...
Connected to mx.example.
Escape character is '^]'.
220 hi
HELO client.example
250 mx.example
MAIL FROM: <a@b.example>
250 2.1.0 Ok
DATA
354 go
Subject: 250 is no reply here

250 neither
..dot
.
451 4.7.1 later
AUTH LOGIN
334 VXNlcm5hbWU6
bWFyeQ==
334 UGFzc3dvcmQ6
aHVudGVyMg==
235 2.7.0 ok
^]
telnet> quit
Connection closed.
";
    let (scenario, notices) = imported(text);
    let expected = "  - expect: ^220
  - send: HELO client.example
    expect: ^250
  - send: 'MAIL FROM: <a@b.example>'
    expect: ^250 2\\.1\\.0
  - send: DATA
    expect: ^354
  - data: |
      Subject: 250 is no reply here

      250 neither
      .dot
    expect: ^451 4\\.7\\.1
  - send: AUTH LOGIN
    expect: ^334 VXNlcm5hbWU6
  - send: <<username | b64encode>>
    expect: ^334 UGFzc3dvcmQ6
  - send: <<password | b64encode>>
    expect: ^235 2\\.7\\.0
";
    assert!(scenario.contains("connect: mx.example:2525\n"), "{scenario}");
    assert_eq!(scenario.split_once("steps:\n").unwrap().1, expected);
    assert_eq!(notices, Vec::<String>::new());
}

#[test]
fn our_own_transcripts_can_be_read() {
    let text =
        "    0.000  *  connected to mx.example:25\n    0.031  S: 220 hi\n    0.031  C: QUIT\n    0.040  S: 221 bye\n";
    let (scenario, _) = imported(text);
    assert_eq!(scenario.split_once("steps:\n").unwrap().1, "  - expect: ^220\n  - send: QUIT\n    expect: ^221\n");
}

#[test]
fn openssl_speaks_among_certificates_and_tickets() {
    let text = "\
$ openssl s_client -starttls smtp -connect [2001:db8::1]:587 -crlf
CONNECTED(00000003)
depth=0 CN = localhost
verify error:num=20:unable to get local issuer certificate
verify return:1
---
Certificate chain
 0 s:CN = localhost
---
Server certificate
-----BEGIN CERTIFICATE-----
250 no reply
-----END CERTIFICATE-----
---
SSL handshake has read 1158 bytes and written 410 bytes
---
250 CHUNKING
---
Post-Handshake New Session Ticket arrived:
    0000 - be 7b 12 7d
---
read R BLOCK
EHLO me.example
250-mx
250 AUTH PLAIN
AUTH PLAIN
334
AG1hcnkAaHVudGVyMg==
235 ok
QUIT
DONE
";
    let (scenario, notices) = imported(text);
    let expected = "  - expect: ^220
  # openssl did these steps, up to STARTTLS, by itself
  - send: EHLO <<domain>>
    expect: ^250[ -]STARTTLS
  - starttls
  - send: EHLO <<domain>>
    expect: ^250[ -]AUTH .*PLAIN
  - send: AUTH PLAIN
    expect: ^334
  - send: <<auth_plain(username, password)>>
    expect: ^235
";
    assert!(scenario.contains("connect: '[2001:db8::1]:587'\n"), "{scenario}");
    assert!(scenario.split_once("steps:\n").unwrap().1.starts_with(expected), "{scenario}");
    assert_eq!(notices, Vec::<String>::new());
}

#[test]
fn curl_shows_no_message() {
    let text = "\
*   Trying 127.0.0.1:465...
* Connected to mx.example (127.0.0.1) port 465 (#0)
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
{ [5 bytes data]
< 220 hi\r
> EHLO me\r
< 250-mx\r
< 250 SIZE 100\r
> MAIL FROM:<a@b.example> SIZE=78\r
< 250 ok\r
> RCPT TO:<c@d.example>\r
< 250 ok\r
> DATA\r
< 354 go\r
} [5 bytes data]
< 250 2.0.0 Ok: queued as 6345398C08F\r
* Connection #0 to host mx.example left intact
";
    let (scenario, notices) = imported(text);
    assert!(scenario.contains("connect: mx.example:465\n"), "{scenario}");
    assert!(scenario.contains("name: a message to mx.example, with implicit TLS\n"), "{scenario}");
    assert!(scenario.ends_with("      This is a test.\n    expect: ^250 2\\.0\\.0\n"), "{scenario}");
    assert_eq!(notices, ["16: the message before this reply is not shown: another stands in its place"]);
}

const BLACKBOX: &str = r#"modules:
  http_2xx:
    prober: http
  smtp_starttls:
    prober: tcp
    timeout: 5s
    tcp:
      query_response:
        - expect: "^220 ([^ ]+) ESMTP (.+)$"
        - send: "EHLO prober\r"
        - expect: "^250-STARTTLS"
        - expect: "^250-SIZE"
        - send: "STARTTLS\r"
        - expect: "^220"
        - starttls: true
        - send: "EHLO ${1}\r"
        - expect: "AUTH"
          labels: [{name: x, value: y}]
        - send: "AUTH PLAIN AG1hcnkAaHVudGVyMg==\r"
        - expect: "^235"
        - send: "QUIT\r"
      tls_config:
        insecure_skip_verify: true
        cert_file: client.pem
"#;

#[test]
fn a_module_of_blackbox_exporter() {
    let (scenario, notices) = imported(BLACKBOX);
    let expected = "\
name: smtp_starttls
vars:
  host: mail.example.com
secrets: [username, password]
connect:
  host: <<host>>
  port: 25
  verify: false
timeout: 5s
steps:
  - expect: ^220 (?<group_1>[^ ]+) ESMTP (.+)$
  - send: EHLO prober
    expect:
      all:
        - ^250[ -]STARTTLS
        - ^250[ -]SIZE
  - starttls
  - send: EHLO <<group_1>>
    expect: {code: any, text: AUTH}
  - send: AUTH PLAIN <<auth_plain(username, password)>>
    expect: ^235
  - send: QUIT
    expect: ^221
";
    assert_eq!(scenario, expected);
    let expected = [
        "24: `cert_file` has no counterpart here: it was left out",
        "17: this says nothing about the reply code: any code will do",
        "18: `labels` has no counterpart here: it was left out",
        "1: a module does not say which server it probes: `mail.example.com` stands in its place",
    ];
    assert_eq!(notices, expected);
}

#[test]
fn of_several_modules_one_must_be_named() {
    let two = "modules:\n  a:\n    tcp:\n      query_response: [{expect: '^220'}]\n  b:\n    tcp:\n      query_response: [{expect: '^220'}]\n";
    assert!(refused(two, None).contains("2 modules have a `query_response`: a, b"));
    assert!(refused(two, Some("c")).contains("no module `c`"));
    assert!(
        import("paste", two, &WantedSession { module: Some("b"), ..WantedSession::default() })
            .unwrap()
            .scenario
            .starts_with("name: b\n")
    );
    assert!(refused("query_response:\n  - expect: '^220 ('\n", None).contains("not a valid pattern"));
    assert!(
        refused("query_response:\n  - expect: '^220'\n  - send: \"EHLO ${name}\\r\"\n", None)
            .contains("would not be sound")
    );
}

#[test]
fn what_is_no_conversation_is_refused() {
    assert!(refused("", None).contains("no SMTP conversation is found"));
    assert!(refused("hello\nworld\n", None).contains("no SMTP conversation is found"));
    let redirected = "Trying 127.0.0.1...\n220 hi\n250 ok\n221 bye\n";
    assert!(refused(redirected, None).contains("only what the server said"));
    assert!(refused(&"220 hi\n".repeat(MAX_IMPORT_SIZE / 7 + 1), None).contains("at most"));
}

#[test]
fn notices_show_no_credentials() {
    let text = "220 hi\nAUTH PLAIN AG1hcnkAaHVudGVyMg==\n235 ok\nNOOP\n250 ok\nDATA\n354 go\nmy hunter2 is";
    let imported = import("paste", text, &of("telnet")).unwrap();
    let shown: Vec<String> = imported.notices.iter().map(|notice| notice.render(&imported.sources, false)).collect();
    let shown = shown.join("\n");
    assert!(shown.contains("the transcript ends within the message"), "{shown}");
    assert!(shown.contains("my <<password>> is"), "{shown}");
    assert!(!shown.contains("hunter2") && !imported.scenario.contains("hunter2"), "{shown}");
}

/// Lines as the tools print them, and others.
fn line() -> impl Strategy<Value = String> {
    let known = prop::sample::select(
        [SWAKS, BLACKBOX].iter().flat_map(|text| text.lines()).map(str::to_owned).collect::<Vec<_>>(),
    );
    let marks = prop::sample::select(vec![
        "=== ", " -> ", " ~> ", "<-  ", "<~  ", "<** ", "*** ", "> ", "< ", "* ", "C: ", "S: ", "---", "", "$ ",
        "250-", "354 ", "220 ",
    ]);
    let text = prop_oneof![
        "[ -~]{0,20}".prop_map(|text| text),
        Just("AUTH PLAIN AG1hcnkAaHVudGVyMg==".to_owned()),
        Just("DATA".to_owned()),
        Just(".".to_owned()),
        Just("BDAT 3 LAST".to_owned()),
        any::<String>(),
    ];
    prop_oneof![known, (marks, text).prop_map(|(mark, text)| format!("{mark}{text}"))]
}

proptest! {
    /// Whatever is pasted: no panic, no credential that was read is shown, and what is written is sound (or it is refused).
    #[test]
    fn anything_may_be_pasted(lines in prop::collection::vec(line(), 0..20), notation in 0_usize..6) {
        let notations = ["swaks", "telnet", "openssl", "curl", "blackbox"];
        let wanted = WantedSession { family: notations.get(notation).and_then(|name| family(name)), ..WantedSession::default() };
        let outcome = import("paste", &lines.join("\n"), &wanted);
        if let Ok(imported) = outcome {
            let shown: String = imported.notices.iter().map(|notice| notice.render(&imported.sources, false)).collect();
            prop_assert!(!imported.scenario.contains("AG1hcnkAaHVudGVyMg") || !imported.scenario.contains("auth_plain"), "{}", imported.scenario);
            prop_assert!(!shown.contains("hunter2"), "{}", shown);
        }
    }

    /// The mistake that a scenario would not be sound is for patterns of other people only.
    #[test]
    fn transcripts_become_sound_scenarios(lines in prop::collection::vec(line(), 0..20), notation in 0_usize..4) {
        let notations = ["swaks", "telnet", "openssl", "curl"];
        if let Err(error) = import("paste", &lines.join("\n"), &of(notations[notation])) {
            prop_assert!(!error.to_string().contains("would not be sound"), "{}", error);
        }
    }
}

/// What a stray line may be: a remark, a line of another log, something that looks like a credential.
const STRAY: [&str; 16] = [
    "and then this happened",
    "(it hangs here for a while)",
    "[2024-05-05 10:00:00] INFO worker started",
    "password: opensesame",
    "--- see above ---",
    "what does 535 mean?",
    "Error: 3 retries left",
    "then",
    "hello",
    "c2VjcmV0",
    "\tat com.example.Foo.bar(Foo.java:12)",
    "DEBUG pool: connection 17 released",
    "*** NOTE ***",
    "my notes: AUTH PLAIN AHVzZXIAcGFzcw==",
    "<<< >>>",
    "Thu Nov 28 19:02:26 UTC 2026",
];

fn transcript(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recording/transcripts");
    decoded(std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// The steps without what messages hold.
fn skeleton(scenario: &str) -> Vec<String> {
    let is_step = |line: &&str| {
        let line = line.trim_start();
        ["- send:", "- starttls", "- data:", "- bdat:", "- auth", "expect:", "connect:"]
            .iter()
            .any(|key| line.starts_with(key))
    };
    scenario
        .lines()
        .filter(|line| {
            !line.starts_with("      ") || line.starts_with("      - ") || line.starts_with("        expect")
        })
        .filter(is_step)
        // YAML says how far a block is indented where its first line begins with a blank.
        .map(|line| line.replace("data: |2", "data: |"))
        .collect()
}

proptest! {
    /// A line that does not belong there changes nothing, or stops the reading; and no credential is ever told.
    #[test]
    fn a_stray_line_leaks_nothing_and_changes_nothing(
        name in prop::sample::select(vec![
            "phpmailer-level-prefix.txt", "smtplib.txt", "javamail-login.txt", "ruby-message.txt", "postal-log.txt", "perl-sslified.txt", "stray-line-login.txt", "telnet-in-backticks.txt", "symfony.txt",
            "exim-v.txt", "curl-login-denied.txt", "haraka-log.txt",
        ]),
        place in 0.0_f64..1.0,
        stray in prop::sample::select(STRAY.to_vec()),
    ) {
        let text = transcript(name);
        let credentials = transcript("credentials");
        let whole = import("paste", &text, &WantedSession::default()).expect("it is read without the line");
        let mut lines: Vec<&str> = text.lines().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place among a few lines")]
        lines.insert((place * lines.len() as f64) as usize, stray);
        let told = match import("paste", &lines.join("\n"), &WantedSession::default()) {
            Ok(imported) => {
                prop_assert_eq!(skeleton(&imported.scenario), skeleton(&whole.scenario));
                let shown: String = imported.notices.iter().map(|notice| notice.render(&imported.sources, false)).collect();
                imported.scenario + &shown
            }
            Err(error) => error.to_string(),
        };
        for credential in credentials.lines().filter(|credential| *credential != "opensesame") {
            prop_assert!(!told.contains(credential), "`{}` is told:\n{}", credential, told);
        }
    }
}
