//! A secret never leaves the wire: whatever a server makes of it, and wherever the program tells about it.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use harness::{Played, ScriptedServer, smtp_script};
use std::fmt::Write as _;

const PASSWORD: &str = "pä ss\"wörd+1";

/// Runs a scenario that sends the password against a server that answers with `echo`, and gives all that was written.
fn said(steps: &str, server: &str, further: &[&str]) -> (Played, String) {
    let folder = tempfile::tempdir().unwrap();
    let head = "secrets: [password]\nconnect: mx.example\ntimeout: 2s\nsteps:\n  - expect: ^220\n";
    std::fs::write(folder.path().join("scenario.yaml"), format!("{head}{steps}")).unwrap();
    let server = ScriptedServer::start(&format!("S: 220 mx.example\n{server}"));
    let mut command = smtp_script(folder.path());
    command.env("SMTP_SCRIPT_SECRET_PASSWORD", PASSWORD).args(["run", "scenario.yaml", "--to", &server.address()]);
    let played = Played::by(command.args(further));
    server.finish().unwrap();
    let all = format!("{}{}", played.stdout, played.stderr);
    (played, all)
}

/// No form of the password stands in `text`, wherever lines are cut.
fn assert_hidden(text: &str) {
    let joined: String = text.lines().map(|line| line.rsplit(": ").next().unwrap_or(line)).collect();
    for (name, form) in forms() {
        assert!(!text.contains(&form), "the {name} form {form} stands in:\n{text}");
        assert!(!joined.contains(&form), "the {name} form {form} stands across lines in:\n{text}");
    }
    for part in ["ss\"w", "wörd", "ss\\\"w"] {
        assert!(!text.contains(part), "`{part}` stands in:\n{text}");
    }
    assert!(text.contains("<<password>>"), "{text}");
}

/// Every form that a server may send it in.
fn forms() -> Vec<(&'static str, String)> {
    vec![
        ("plain", PASSWORD.to_owned()),
        ("base64", "cMOkIHNzInfDtnJkKzE".to_owned()),
        ("base64 one octet on", "DDpCBzcyJ3w7ZyZCsx".to_owned()),
        ("base64 two octets on", "ww6Qgc3Mid8O2cmQrM".to_owned()),
        ("hexadecimal", hexadecimal(false)),
        ("upper-case hexadecimal", hexadecimal(true)),
        ("percent", "p%C3%A4%20ss%22w%C3%B6rd%2B1".to_owned()),
        ("lower-case percent", "p%c3%a4%20ss%22w%c3%b6rd%2b1".to_owned()),
        ("form", "p%C3%A4+ss%22w%C3%B6rd%2B1".to_owned()),
        ("address", "p%C3%A4%20ss%22w%C3%B6rd+1".to_owned()),
        ("JSON", "pä ss\\\"wörd+1".to_owned()),
        ("ASCII JSON", "p\\u00e4 ss\\\"w\\u00f6rd+1".to_owned()),
        ("xtext", "p+C3+A4+20ss\"w+C3+B6rd+2B1".to_owned()),
    ]
}

fn hexadecimal(upper: bool) -> String {
    PASSWORD.bytes().fold(String::new(), |mut digits, byte| {
        _ = if upper { write!(digits, "{byte:02X}") } else { write!(digits, "{byte:02x}") };
        digits
    })
}

/// A text as `send "…"` of a scripted server holds it.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\r', "\\r").replace('\n', "\\n")
}

const SEND: &str = "  - send: AUTH PLAIN <<auth_plain('tim', password)>>\n    expect: ^235\n";
const READ: &str = "C: AUTH PLAIN AHRpbQBww6Qgc3Mid8O2cmQrMQ==\n";

#[test]
fn no_form_comes_back() {
    for (_, form) in forms() {
        for flags in [&[][..], &["-v"]] {
            let (played, all) = said(SEND, &format!("{READ}send \"535 you said x{}y\\r\\n\"\n", quoted(&form)), flags);
            assert_eq!(played.code, Some(1));
            assert_hidden(&all);
        }
    }
}

#[test]
fn a_form_cut_by_reply_lines_is_hidden() {
    for (_, form) in forms() {
        for at in (2..form.len() - 2).filter(|at| form.is_char_boundary(*at)) {
            // Cut at every place it would take long: a few show it.
            if at % 4 != 0 {
                continue;
            }
            let (first, second) = form.split_at(at);
            let reply = quoted(&format!("535-{first}\r\n535 {second}\r\n"));
            let (_, all) = said(SEND, &format!("{READ}send \"{reply}\"\n"), &[]);
            assert_hidden(&all);
        }
    }
}

#[test]
fn error_paths_hide_it() {
    let endings = [
        ("malformed", "send \"535-{}\\r\\n550 {}\\r\\n\"\n"),
        ("malformed", "send \"{}\\r\\n\"\n"),
        ("malformed", "send \"535 {}\\n\"\n"),
        ("malformed", "send \"535 {}\\0\\r\\n\"\n"),
        ("closed", "send \"535-{}\\r\\n535-{}\"\nclose\n"),
        ("reset", "send \"535-{}\\r\\n535-{}\"\npause 30ms\nreset\n"),
    ];
    for (_, form) in forms() {
        for (what, ending) in endings {
            let (played, all) = said(SEND, &format!("{READ}{}", ending.replace("{}", &quoted(&form))), &["-v"]);
            assert_eq!(played.code, Some(1));
            assert!(all.contains(what), "{all}");
            assert_hidden(&all);
        }
    }
}

#[test]
fn an_unasked_reply_and_a_time_out_hide_it() {
    for (_, form) in forms() {
        let unasked = format!("{READ}send \"235 ok\\r\\n421 {}\\r\\n\"\n", quoted(&form));
        let (_, all) = said(&format!("{SEND}  - send: QUIT\n    expect: ^221\n"), &unasked, &[]);
        assert_hidden(&all);
        let (_, all) = said(SEND, &unasked, &["-v"]);
        assert_hidden(&all);
    }
    let late = format!("{READ}send \"235 {}\"\nsilence\n", quoted(PASSWORD));
    let (_, all) = said(&format!("{SEND}    timeout: 100ms\n"), &late, &[]);
    assert_hidden(&all);
}

#[test]
fn captures_assertions_and_names_hide_it() {
    let steps = "
  - send: <<password | b64encode>>
    expect: ^250 you said (?<said>.*)
  - name: the server says <<said>> and <<reply.text>> to <<password>>
    send: ECHO <<said>> <<reply.text>>
    expect: ^250 <<said>> and <<password>>$
    on_divergence: continue
  - set: {copy: <<said>>, list: [<<password>>, x], text: 'a <<copy>>'}
  - assert: said == 'x' or copy == password or reply.text == 'y' or list == []
    on_divergence: continue
  - name: <<text>>
    raw: \"<<copy>> <<list[0]>>\\r\\n\"
    expect: ^251
    on_divergence: continue
  - send: \"<<% for one in list %>><<one>>,<<% endfor %>>\"
    expect: {raw: ' <<text>>'}
    timeout: 100ms
";
    let server = format!(
        "C: cMOkIHNzInfDtnJkKzE=\nsend \"250 you said {0}\\r\\n\"\nC: ECHO {1} *\nsend \"250 {0}\\r\\n\"\n\
         C: {1} *\nsend \"250 {0}\\r\\n\"\nC: {1},x,\nsend \"250 {0}\\r\\n\"\n",
        quoted(PASSWORD),
        PASSWORD
    );
    for flags in [&[][..], &["-v"]] {
        let (played, all) = said(steps, &server, flags);
        assert_eq!(played.code, Some(1), "{all}");
        assert_hidden(&all);
    }
}

#[test]
fn parts_of_an_echo_are_secrets_too() {
    let steps = "
  - send: <<password>>
    expect: ^250 you said .{4}(?<part>.{5})
  - name: <<part>> and <<reply.text[13:18]>>
    send: ECHO <<part>> <<reply.text[13:18]>> <<reply.lines[0][17:22]>>
    expect: ^251
    on_divergence: continue
  - assert: part == 'x' or reply.text[:3] == 'y'
";
    let server = format!("C: {PASSWORD}\nS: 250 you said {PASSWORD}\nC: ECHO *\nS: 250 you said {PASSWORD}\n");
    let (played, all) = said(steps, &server, &["-v"]);
    assert_eq!(played.code, Some(1), "{all}");
    assert_hidden(&all);
}

#[test]
fn mail_data_hides_it() {
    let steps = "  - send: DATA\n    expect: ^354\n  - data: |\n      Subject: <<password>>\n\n      <<password | hex>>\n    expect: ^251\n";
    let server = "C: DATA\nS: 354 go on\nmail-data\nS: 250 ok\n";
    let (_, all) = said(steps, server, &["-v"]);
    assert_hidden(&all);
}

#[test]
fn a_bad_value_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "secrets: [password]\nconnect: mx.example\nsteps:\n  - send: <<password | int>>\n    expect: ^250 {}\n",
        "x"
    );
    std::fs::write(folder.path().join("scenario.yaml"), text).unwrap();
    std::fs::write(folder.path().join("secrets"), format!("{PASSWORD}\n")).unwrap();
    let mut command = smtp_script(folder.path());
    let played = Played::by(command.args(["run", "scenario.yaml", "--secrets-file", "secrets"]));
    assert_eq!(played.code, Some(2));
    assert!(!format!("{}{}", played.stdout, played.stderr).contains("wörd"));
    let mut command = smtp_script(folder.path());
    let played = Played::by(command.args(["run", "scenario.yaml", "--secret", PASSWORD]));
    assert_eq!(played.code, Some(2));
    assert!(!format!("{}{}", played.stdout, played.stderr).contains("wörd"), "{}", played.stderr);
}

#[test]
fn show_secrets_shows_it() {
    let (_, all) = said(SEND, &format!("{READ}send \"535 {}\\r\\n\"\n", quoted(PASSWORD)), &["--show-secrets"]);
    assert!(all.contains(PASSWORD), "{all}");
}

/// Octets above 127 are no secret: what goes to the wire brings its mark along, and nobody compares texts.
#[test]
fn what_holds_no_secret_is_called_none() {
    let steps = "
  - send: AUTH LOGIN
    expect: ^250 (?<greeted>.*)$
  - send: NOOP <<greeted>>
    expect: ^250 (?<answer>.*)$
  - send: NOOP <<password>>
    expect: ^250 (?<echo>.*)$
";
    let server = "C: AUTH LOGIN\nsend \"250 caf\\xe9\\r\\n\"\nreceive \"NOOP caf\\xe9\\r\\n\"\nS: 250 fine\nC: NOOP *\nS: 250 good\n";
    let (played, all) = said(steps, server, &["--format", "json"]);
    assert_eq!(played.code, Some(0), "{all}");
    assert!(all.contains("\"answer\": \"fine\""), "{all}");
    assert!(all.contains("\"echo\": \"<<a secret>>\""), "{all}");
}

/// What stands in a certificate comes from the server as well, whether it is accepted or refused.
#[test]
fn fields_of_a_certificate_hide_it() {
    const SECRET: &str = "correct-Horse7battery";
    let steps = "secrets: [password]\nconnect: <<server.address>>\nsteps:\n  - expect: ^220\n  - send: NOOP <<password>>\n    \
                 expect: ^250\n  - starttls\n  - send: NOOP\n    expect: ^299\n";
    for names in ["127.0.0.1", "other.example"] {
        let folder = tempfile::tempdir().unwrap();
        let certificate = format!("{{common_name: Y29ycmVjdC1Ib3JzZTdiYXR0ZXJ5, names: [{names}, {SECRET}.example]}}");
        let server =
            "steps: [{reply: 220 x}, {expect: ^NOOP, reply: 250 x}, {starttls: }, {expect: ^NOOP, reply: 250 x}]";
        let text = format!("server:\n  certificate: {certificate}\n  {server}\n{steps}");
        std::fs::write(folder.path().join("scenario.yaml"), text).unwrap();
        let mut command = smtp_script(folder.path());
        command.env("SMTP_SCRIPT_SECRET_PASSWORD", SECRET).args(["run", "scenario.yaml", "-v"]);
        let formats = ["json", "junit", "tap", "html", "prometheus", "nagios", "github"];
        for format in formats {
            command.args(["--report", &format!("{format}=report.{format}")]);
        }
        let played = Played::by(&mut command);
        assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
        let reports = formats.map(|it| std::fs::read_to_string(folder.path().join(format!("report.{it}"))).unwrap());
        for text in [&[played.stdout, played.stderr][..], &reports].concat() {
            // The file's own excerpt has stars, and the program's own words have neither.
            assert!(!text.contains("Horse7bat") && !text.contains("Y29ycmVjdC1Ib3"), "{names}: {text}");
        }
    }
}
