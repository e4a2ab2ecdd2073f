//! Conversations written down in many notations, most of which no program has: each is imported as what it is, or refused.
//!
//! A notation is what stands before and after a line of each side. Of a conversation all commands, replies and lines of the
//! message must come back, and no credential may. A remark at any place and other line ends change nothing.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "program/mod.rs"]
#[expect(dead_code, reason = "other tests ask for more")]
mod program;

use base64::Engine as _;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

const USER: &str = "maria@shop.example";
const PASSWORD: &str = "Zw9-kolibri";

/// What each side says: `C` and a line, or `S` and the lines of a reply.
type Talk = Vec<(char, String)>;

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn plain() -> String {
    base64(&format!("\0{USER}\0{PASSWORD}"))
}

const MESSAGE: &str = "From: Maria <maria@shop.example>\nTo: otto@prov.example\nSubject: offer\n\nDear Otto,\n..see below\n\
                       250 pieces at 5 each.\nQuit the old plan.\n.";

/// The conversations, each line with its side; `MSG` is the message.
fn conversations() -> Vec<(&'static str, Talk)> {
    let hello = "S 220 mx.prov.example ESMTP\nC EHLO pc.shop.example\n";
    let offers = "S 250-mx.prov.example/250-AUTH PLAIN LOGIN/250 8BITMIME\n";
    let envelope = "C MAIL FROM:<maria@shop.example>\nS 250 2.1.0 ok\nC RCPT TO:<otto@prov.example>\nS 250 2.1.5 ok\nC DATA\nS 354 go on\nMSG\n";
    let quit = "C QUIT\nS 221 2.0.0 bye";
    let (user, password) = (base64(USER), base64(PASSWORD));
    let texts = [
        (
            "tls",
            format!(
                "{hello}S 250-mx.prov.example/250-STARTTLS/250 SIZE 35651584\nC STARTTLS\nS 220 2.0.0 go ahead\nC EHLO \
                 pc.shop.example\n{offers}C AUTH LOGIN\nS 334 VXNlcm5hbWU6\nC {user}\nS 334 UGFzc3dvcmQ6\nC {password}\nS 535 \
                 5.7.8 no\n{quit}"
            ),
        ),
        (
            "message",
            format!(
                "S 220-mx.prov.example/220 no spam\nC EHLO pc.shop.example\n{offers}C AUTH PLAIN {}\nS 235 2.7.0 \
                 ok\n{envelope}S 250 2.0.0 queued\n{quit}",
                plain()
            ),
        ),
        (
            "refused",
            "S 220 mx.prov.example\nC HELO pc.shop.example\nS 250 mx.prov.example\nC MAIL FROM:<maria@shop.example>\nS 250 ok\nC \
             RCPT TO:<nobody@prov.example>\nS 550 5.1.1 no such user\nC RSET\nS 250 reset\nC QUIT\nS 221 bye"
                .to_owned(),
        ),
        (
            "two logins",
            format!(
                "{hello}{offers}C AUTH PLAIN\nS 334 \nC {}\nS 535-5.7.8 not accepted/535 5.7.8 see https://prov.example/x\nC AUTH \
                 LOGIN {user}\nS 334 UGFzc3dvcmQ6\nC {password}\nS 454 4.7.0 later",
                plain()
            ),
        ),
        (
            "login refused",
            format!(
                "{hello}S 250 mx.prov.example\nC AUTH LOGIN\nS 530 5.7.0 STARTTLS first\nC {user}\nS 500 5.5.1 what\nC \
                 {password}\nS 500 5.5.1 what\nC QUIT\nS 221 bye"
            ),
        ),
        ("spam", format!("{hello}S 250 mx.prov.example\n{envelope}S 554-5.7.1 refused/554 5.7.1 it looks like spam\n{quit}")),
        ("greeting", "S 554-mx.prov.example/554 5.7.1 your address is listed\nC QUIT\nS 221 bye".to_owned()),
        (
            "old",
            format!(
                "S 220 mx.prov.example SMTP\nC EHLO pc.shop.example\nS 502 what is that\nC HELO pc.shop.example\nS 250 \
                 mx.prov.example\nC NOOP\nS 250 ok\nC VRFY otto\nS 252 perhaps\n{quit}"
            ),
        ),
    ];
    texts.into_iter().map(|(name, text)| (name, talk(&text))).collect()
}

fn talk(text: &str) -> Talk {
    let lines = text.lines().flat_map(|line| match line {
        "MSG" => MESSAGE.lines().map(|line| ('C', line.to_owned())).collect(),
        _ => vec![(line.chars().next().unwrap(), line[2..].to_owned())],
    });
    lines.collect()
}

/// A client's line and a server's; `@` is the line, `#` a number that grows.
const NOTATIONS: &[(&str, &str)] = &[
    ("C: @", "S: @"),
    ("[client] @", "[server] @"),
    ("2026-11-28 10:11:12,421 DEBUG mail.smtp >> @", "2026-11-28 10:11:12,550 DEBUG mail.smtp << @"),
    ("→ @", "← @"),
    ("10:11:12.250 Tx: @", "10:11:12.354 Rx: @"),
    ("10:11:12 [SMTP-7] -> '@'", "10:11:12 [SMTP-7] <- '@'"),
    (r#"{"ts": "10:11:12", "dir": "out", "data": "@\r\n"}"#, r#"{"ts": "10:11:12", "dir": "in", "data": "@\r\n"}"#),
    (
        r#"{"msg": "smtp: client says", "line": "@", "n": 421}"#,
        r#"{"msg": "smtp: server says", "line": "@", "n": 550}"#,
    ),
    (r#"  {"at": 0.#, "dir": "out", "data": "@\r\n"},"#, r#"  {"at": 0.#, "dir": "in", "data": "@\r\n"},"#),
    (
        "{\n  \"n\": #,\n  \"from\": \"client\",\n  \"data\": \"@\"\n}",
        "{\n  \"n\": #,\n  \"from\": \"server\",\n  \"data\": \"@\"\n}",
    ),
    ("{'n': #, 'dir': 'out', 'data': '@'}", "{'n': #, 'dir': 'in', 'data': '@'}"),
    (r#"{:dir=>"out", "data"=>"@"}"#, r#"{:dir=>"in", "data"=>"@"}"#),
    (r"('C', b'@\r\n'),", r"('S', b'@\r\n'),"),
    ("28/11/2026 10:11 REQUEST:@", "28/11/2026 10:11 RESPONSE:@"),
    (r#"time=10:11:12 level=debug dir=send line="@""#, r#"time=10:11:12 level=debug dir=recv line="@""#),
    ("| # | C | @ |", "| # | S | @ |"),
    ("2026-11-28T10:11:12,out,\"@\"", "2026-11-28T10:11:12,in,\"@\""),
    ("You: @", "Them: @"),
    (r#"write(5, "@\r\n", 21) = 21"#, r#"read(5, "@\r\n", 4096) = 21"#),
    (
        r#"[pid 5501] 10:11:12 sendto(7, "@\r\n", 21, 0, NULL, 0) = 21"#,
        r#"[pid 5501] 10:11:12 recvfrom(7, "@\r\n", 8192, 0, NULL, NULL) = 21"#,
    ),
    ("2026-11-28 10:11:12 CLIENT -> SERVER: @", "2026-11-28 10:11:12 SERVER -> CLIENT: @"),
    ("[2026-11-28 10:11:12] DEBUG [kJ2x9] C: @", "[2026-11-28 10:11:12] DEBUG [kJ2x9] S: @"),
    (r"send: '@\r\n'", r"reply: b'@\r\n'"),
    ("  SMTP>> @", "  SMTP<< @"),
    ("--> @", "<-- @"),
    (r#"<- "@\r\n""#, r#"-> "@\r\n""#),
    (" -> @", "<-  @"),
    ("SENT [10:11:12] @", "RECV [10:11:12] @"),
    ("  # 0.#00221 192.0.2.5 → 192.0.2.9 SMTP 90 C: @", "  # 0.#00221 192.0.2.9 → 192.0.2.5 SMTP 120 S: @"),
    ("192.000.002.005.54321-192.000.002.009.00025: @", "192.000.002.009.00025-192.000.002.005.54321: @"),
    ("INFO  [main] c.e.Smtp - C >> @", "INFO  [main] c.e.Smtp - S >> @"),
    ("client> @", "server> @"),
    ("Nov 28 10:11:12 box app[421]: smtp out: @", "Nov 28 10:11:12 box app[421]: smtp in: @"),
    ("web-1  | C: @", "web-1  | S: @"),
    ("<b>C:</b> @<br>", "<b>S:</b> @<br>"),
    ("Client sendet: @", "Server antwortet: @"),
    ("[->] @", "[<-] @"),
    ("(out) @", "(in)  @"),
    ("#. **C** @", "#. **S** @"),
    ("> > C: @", "> > S: @"),
    ("\x1b[32mC: @\x1b[0m", "\x1b[36mS: @\x1b[0m"),
    ("* client: `@`", "* server: `@`"),
    ("10:11:12\tCLIENT\t@", "10:11:12\tSERVER\t@"),
    ("\nClient:\n  @", "\nServer:\n  @"),
    (r#"[smtp] event=command value="@""#, r#"[smtp] event=reply value="@""#),
    ("10:11:12 192.0.2.5:50123 -> 192.0.2.9:25 @", "10:11:12 192.0.2.9:25 -> 192.0.2.5:50123 @"),
    (r#"time=10:11:12 msg="wire" line="@" dir=send conn=#"#, r#"time=10:11:12 msg="wire" line="@" dir=recv conn=#"#),
    ("2026/11/28 10:11:12 DEBUG: C --> S: @", "2026/11/28 10:11:12 DEBUG: C <-- S: @"),
];

/// A conversation as a log has it.
fn written(talk: &Talk, (client, server): (&str, &str), number: &mut usize) -> String {
    let mut text = String::new();
    for (side, said) in talk {
        let lines = if *side == 'S' { said.split('/').map(str::to_owned).collect() } else { vec![said.clone()] };
        // A link in a reply has slashes, too.
        let lines = if said.contains("://") { said.splitn(2, '/').map(str::to_owned).collect() } else { lines };
        for line in lines {
            *number += 37;
            let form = if *side == 'C' { client } else { server };
            _ = writeln!(text, "{}", form.replace('#', &number.to_string()).replace('@', &line));
        }
    }
    text
}

const VERBS: [&str; 14] = [
    "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "QUIT", "RSET", "NOOP", "VRFY", "LHLO", "BDAT", "EXPN",
];

fn verb(line: &str) -> &'static str {
    let word = line.split([' ', ':']).next().unwrap_or_default();
    VERBS.into_iter().find(|verb| verb.eq_ignore_ascii_case(word)).unwrap_or("answer")
}

/// What a right import holds, in its order: verbs and codes.
fn expected(talk: &Talk) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_message = false;
    for (side, said) in talk {
        match side {
            'S' => {
                found.push(said[..3].to_owned());
                in_message = said.starts_with("354");
            }
            _ if in_message => {
                if said == "." {
                    found.push("message".to_owned());
                }
            }
            _ => found.push(verb(said).to_owned()),
        }
    }
    found
}

/// The same of a scenario.
fn found(scenario: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = scenario.lines().skip_while(|line| *line != "steps:");
    let mut in_list = false;
    while let Some(line) = lines.next() {
        let step = line.trim_start_matches([' ', '-']);
        if let Some(text) = step.strip_prefix("send: ") {
            found.push(verb(text.trim_matches('\'')).to_owned());
        } else if step == "starttls" {
            found.extend(["STARTTLS".to_owned(), "220".to_owned()]);
        } else if step.starts_with("auth:") {
            found.extend(["AUTH".to_owned(), "235".to_owned()]);
        } else if let Some(what) =
            [("data: |", "message"), ("bdat: |", "BDAT")].iter().find(|(key, _)| step.starts_with(key))
        {
            found.push(what.1.to_owned());
            let indented = " ".repeat(line.len() - line.trim_start_matches([' ', '-']).len() + 1);
            let after = lines.find(|line| !line.is_empty() && !line.starts_with(&indented)).unwrap_or_default();
            found.extend(code(after.trim_start()));
            in_list = after.trim() == "expect:";
        } else if let Some(code) = code(step) {
            found.push(code);
        } else if step == "expect:" {
            in_list = true;
        } else if let Some(pattern) = step.strip_prefix('^').filter(|_| in_list) {
            found.push(pattern[..3].to_owned());
            in_list = false;
        }
    }
    found
}

/// The code of `expect: ^250`.
fn code(step: &str) -> Option<String> {
    Some(step.strip_prefix("expect: ")?.trim_matches(['\'', '^'])[..3].to_owned())
}

/// Whether a text is imported, the scenario, and whether a credential is in the answer.
fn imported(text: &str, options: &[&str]) -> (bool, String, bool) {
    let mut running = program::command(&["import", "-"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    let (scenario, messages) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let credentials = [PASSWORD.to_owned(), base64(PASSWORD), base64(USER), plain()];
    let told = credentials.iter().any(|it| scenario.contains(it) || messages.contains(it));
    (output.status.code() == Some(0), scenario.into_owned(), told)
}

/// What is wrong with the import of a text, and whether there is one.
fn fault(text: &str, talk: &Talk) -> (Option<String>, bool) {
    let (is_read, scenario, told) = imported(text, &[]);
    if told {
        return (Some("a credential is told".to_owned()), false);
    }
    let (found, expected) = (found(&scenario), expected(talk));
    let message = ["see below", "250 pieces at 5 each.", "Quit the old plan."];
    let keeps = !expected.contains(&"message".to_owned()) || message.iter().all(|line| scenario.contains(line));
    let wrong = is_read && (found != expected || !keeps);
    (wrong.then(|| format!("{found:?}\n{expected:?}\n{scenario}")), is_read)
}

#[test]
fn a_notation_that_nobody_knows_is_read_or_refused() {
    let (mut number, mut wrong, mut tried, mut read) = (0, String::new(), 0, 0);
    for notation in NOTATIONS {
        for (name, talk) in conversations() {
            let text = written(&talk, *notation, &mut number);
            let (fault, is_read) = fault(&text, &talk);
            tried += 1;
            read += usize::from(is_read);
            if let Some(fault) = fault {
                _ = writeln!(wrong, "{name} by {notation:?}\n{text}\n{fault}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(tried >= 320 && read * 100 >= tried * 98, "{read} of {tried}");
}

#[test]
fn remarks_and_line_ends_change_nothing() {
    let remarks =
        ["here I press enter", "(nothing for 30 seconds)", "Note: it worked before", "250 euros were paid for this"];
    let (mut number, mut wrong) = (0, String::new());
    for (index, notation) in NOTATIONS.iter().enumerate() {
        let talks = conversations();
        let (name, talk) = &talks[index % talks.len()];
        let text = written(talk, *notation, &mut number);
        let mut lines: Vec<&str> = text.lines().collect();
        lines.insert(index * 7 % lines.len(), remarks[index % remarks.len()]);
        let remarked = lines.join("\n") + "\n";
        for text in [remarked, text.replace('\n', "\r\n"), text.replace('\n', "  \n")] {
            if let (Some(fault), _) = fault(&text, talk) {
                _ = writeln!(wrong, "{name} by {notation:?}\n{text}\n{fault}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What was said, each with the code of its reply; the greeting answers nothing.
fn pairs(found: &[String]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = vec![(String::new(), String::new())];
    for word in found {
        if word.starts_with(|letter: char| letter.is_ascii_digit() || letter == '{') {
            pairs.last_mut().unwrap().1.clone_from(word);
        } else {
            pairs.push((word.clone(), String::new()));
        }
    }
    pairs
}

#[test]
fn a_reply_that_is_missing_leaves_the_others_where_they_were() {
    let notations = [
        NOTATIONS[0],
        ("@", "@"),
        ("192.0.2.5:5000 -> 192.0.2.9:25 @", "192.0.2.9:25 -> 192.0.2.5:5000 @"),
        NOTATIONS[18],
    ];
    let (mut number, mut wrong, mut read) = (0, String::new(), 0);
    for (name, talk) in conversations() {
        let whole = pairs(&expected(&talk));
        let replies = talk.iter().enumerate().filter(|(_, (side, _))| *side == 'S').map(|(at, _)| at);
        for (at, missing) in replies.enumerate() {
            let mut talk = talk.clone();
            talk.remove(missing);
            for notation in notations {
                let text = written(&talk, notation, &mut number);
                let (is_read, scenario, told) = imported(&text, &[]);
                let found = pairs(&found(&scenario));
                let mut without = whole.clone();
                without.remove(at);
                let mut as_found = whole.clone();
                if let Some((_, code)) = found.get(at) {
                    as_found[at].1.clone_from(code);
                }
                read += usize::from(is_read);
                if told || is_read && found != as_found && found != without {
                    _ = writeln!(wrong, "{name} without {at} by {notation:?}\n{text}\n{found:?}\n{as_found:?}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(read >= 120, "{read}");
}

#[test]
fn conversations_of_many_tools_are_read() {
    let texts = std::fs::read_to_string("tests/recording/conversations.txt").unwrap();
    let (mut wrong, mut tried) = (String::new(), 0);
    for text in texts.split("\n@@@ ").skip(1) {
        let (head, text) = text.split_once('\n').unwrap();
        let (name, expected) = head.split_once(" | ").unwrap();
        let options: Vec<&str> =
            name.split_once('@').map(|(_, options)| options.split(' ').collect()).unwrap_or_default();
        let (is_read, scenario, told) = imported(text, &options);
        let found = if is_read { found(&scenario).join(" ").replace("message", "msg") } else { "refused".to_owned() };
        tried += 1;
        if told || found != expected {
            _ = writeln!(
                wrong,
                "{name}{}\n{found}\n{expected}\n{scenario}",
                if told { ": a credential is told" } else { "" }
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(tried >= 90, "{tried}");
}
