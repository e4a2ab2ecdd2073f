//! `smtp-script explain`, as people use it: codes, patterns, pasted replies and bounces, and what is none of these.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "program/mod.rs"]
mod program;

use program::{command, smtp_script};
use std::io::Write as _;
use std::process::Stdio;

#[test]
fn both_codes_are_explained_with_their_sources() {
    smtp_script(&["explain", "535", "5.7.8"]).exits(0).says(&[
        "535 5.7.8\n",
        "535: authentication credentials invalid (RFC 4954 section 6)",
        "5yz: permanent",
        "5.7.8: authentication credentials invalid (RFC 4954)",
        "comes with 535 or 554 (IANA",
        "Some providers mean something of their own by 535 5.7.8: smtp-script explain 535 5.7.8 --provider NAME",
    ]);
    smtp_script(&["explain", "535", "5.7.8", "--provider", "sendgrid"]).exits(0).says(&[
        "\n  SendGrid\n",
        "`apikey`",
        "https://www.twilio.com/docs/sendgrid/",
    ]);
    let quoted = smtp_script(&["explain", "535 5.7.8"]);
    assert_eq!(quoted.out, smtp_script(&["explain", "535", "5.7.8"]).out);
}

#[test]
fn a_provider_is_chosen_by_option_or_by_the_reply_itself() {
    let only = smtp_script(&["explain", "535 5.7.8", "--provider", "ses"]);
    only.exits(0).says(&["Amazon SES"]).keeps(&["SendGrid", "Gmail"]);
    let pasted = "550-5.7.26 This mail has been blocked because the sender is unauthenticated. x1-y2 - gsmtp";
    smtp_script(&["explain", pasted]).exits(0).says(&["Gmail", "DMARC"]).keeps(&["Microsoft", "Yahoo"]);
    smtp_script(&["explain", "550", "--provider", "nobody"]).exits(2).says(&["the known providers are", "sendgrid"]);
}

#[test]
fn several_codes_and_patterns() {
    smtp_script(&["explain", "421", "4.7.28"]).exits(0).says(&["421 4.7.28\n"]);
    smtp_script(&["explain", "535", "550", "5.1.1"]).exits(0).says(&["535\n", "\n\n550 5.1.1\n"]);
    smtp_script(&["explain", "5xx"]).exits(0).says(&["500: ", "556: "]);
    let pattern = smtp_script(&["explain", "4.7.x"]);
    pattern.exits(0).says(&["4.7.0: ", "4.7.30: REQUIRETLS"]);
    smtp_script(&["explain", "4.7.x", "--provider", "gmail"]).exits(0).says(&["4.7.30: ", "\n  Gmail\n"]);
}

#[test]
fn unknown_codes_mean_their_class() {
    smtp_script(&["explain", "559"]).exits(0).says(&[
        "5yz: permanent",
        "x5z: about the mail system",
        "not in the RFCs",
    ]);
    smtp_script(&["explain", "5.9.1"]).exits(0).says(&["5.y.z: permanent", "not in the IANA registry"]);
}

#[test]
fn what_is_no_code_is_refused() {
    for text in ["nonsense", "99", "199", "600", "5.7.8.1", "", "3.7.8", "\u{1b}[31m"] {
        let refused = smtp_script(&["explain", text]);
        refused.exits(2).says(&["error: `", "holds no code", "5.7.8"]).keeps(&["\u{1b}"]);
        assert!(refused.out.is_empty());
    }
    smtp_script(&["explain"]).exits(2);
}

#[test]
fn a_bounce_is_read_from_standard_input() {
    let bounce = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.7.515\n\
                  Remote-MTA: dns; x.olc.protection.outlook.com\n\
                  Diagnostic-Code: smtp; 550 5.7.515 Access denied, sending domain\n    C.EXAMPLE does not pass\n";
    let (code, out) = given(bounce.as_bytes());
    assert_eq!(code, 0);
    for part in ["550 5.7.515 Access denied, sending domain C.EXAMPLE does not pass\n", "Microsoft 365", "high-volume"]
    {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert!(!out.contains("Gmail"), "{out}");
    assert_eq!(given(b"535\n").0, 0);
    for nothing in [&b""[..], b"hello\n", b"\xff\xfe\x00", b"port 587\n"] {
        assert_eq!(given(nothing).0, 2);
    }
}

#[test]
fn machines_get_json() {
    let played = smtp_script(&["explain", "535 5.7.8", "559", "--format", "json"]);
    played.exits(0);
    let json: serde_json::Value = serde_json::from_str(&played.out).unwrap();
    assert_eq!(json["version"], 1);
    let all = json["explanations"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["meanings"][0]["code"], "535");
    assert_eq!(all[0]["usual_reply_codes"][0], 535);
    assert_eq!(all[1]["unregistered"][0], "559");
    for provider in all[0]["providers"].as_array().unwrap() {
        for statement in provider["statements"].as_array().unwrap() {
            assert!(statement["source"]["url"].as_str().unwrap().starts_with("https://"), "{statement}");
        }
    }
}

/// Exit code and standard output of `explain -` for this input.
fn given(input: &[u8]) -> (i32, String) {
    given_with(&["explain", "-"], input)
}

fn given_with(arguments: &[&str], input: &[u8]) -> (i32, String) {
    let mut running =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(input).unwrap();
    let output = running.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A text that people have, and what is to be said of it.
struct Case {
    name: String,
    facts: Vec<(String, String)>,
    text: String,
}

fn cases(file: &str) -> Vec<Case> {
    let sections = file.split("\n== ").skip(1);
    let case = |section: &str| {
        let (head, text) = section.split_once("\n--\n").unwrap();
        let mut lines = head.lines();
        let name = lines.next().unwrap().to_owned();
        let facts =
            lines.map(|line| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap());
        Case { name, facts: facts.collect(), text: text.to_owned() }
    };
    sections.map(case).collect()
}

/// What is wrong with the answer to a case, if anything is.
fn fault(case: &Case) -> Option<String> {
    let (code, shown) = given_with(&["explain", "-"], case.text.as_bytes());
    let (_, json) = given_with(&["explain", "-", "--format", "json"], case.text.as_bytes());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
    let answers: Vec<&serde_json::Value> = json["explanations"].as_array().into_iter().flatten().collect();
    let codes: Vec<&str> = answers.iter().filter_map(|it| it["codes"].as_str()).collect();
    let named = answers.iter().flat_map(|it| it["providers"].as_array().unwrap()).filter_map(|it| it["id"].as_str());
    let named: Vec<&str> = named.collect();
    for (key, value) in &case.facts {
        let holds = match key.as_str() {
            "codes" => codes.join("; ") == if value == "-" { "" } else { value },
            "provider" if value == "-" => named.is_empty(),
            "provider" => !named.is_empty() && named.iter().all(|id| value.split(" | ").any(|it| it == *id)),
            "says" => shown.contains(value.as_str()),
            "keeps" => !shown.contains(value.as_str()),
            other => panic!("unknown fact {other}"),
        };
        if !holds {
            return Some(format!("{}: {key}: {value}\n{code} {codes:?} {named:?}\n{shown}", case.name));
        }
    }
    None
}

#[test]
fn replies_are_read_as_they_are_printed() {
    let mut cases = cases(include_str!("explain/replies.txt"));
    cases.extend(self::cases(include_str!("explain/printed.txt")));
    let faults: Vec<String> = cases.iter().filter_map(fault).collect();
    assert!(cases.len() >= 200 && faults.is_empty(), "{} of {}\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn programs_print_replies_in_many_forms() {
    let mut faults = Vec::new();
    for line in include_str!("explain/short-forms.txt").lines().filter(|line| !line.starts_with('#')) {
        let (codes, text) = line.split_once(" | ").unwrap();
        let (code, json) = given_with(&["explain", "-", "--format", "json"], text.as_bytes());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        let found = json["explanations"].as_array().into_iter().flatten().filter_map(|it| it["codes"].as_str());
        let found = found.collect::<Vec<_>>().join("; ");
        if (found.as_str(), code) != if codes == "-" { ("", 2) } else { (codes, 0) } {
            faults.push(format!("{line}\n  found: {found} ({code})"));
        }
    }
    assert!(faults.is_empty(), "{}\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn why_no_reply_came_is_said() {
    let mut faults = Vec::new();
    for line in include_str!("explain/no-reply.txt").lines().filter(|line| !line.starts_with('#')) {
        let (wanted, text) = line.split_once(" | ").unwrap();
        let played = smtp_script(&["explain", text]);
        played.exits(2);
        let first = played.err.lines().next().unwrap_or_default();
        let is_told = first.rsplit_once("holds no code").is_some_and(|(_, told)| !told.is_empty());
        if !first.contains(wanted) || is_told == wanted.is_empty() {
            faults.push(format!("{line}\n  {first}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn providers_are_named_by_what_their_texts_show() {
    let lines = include_str!("explain/providers.txt").lines().filter(|line| !line.starts_with('#'));
    let cases = lines.map(|line| {
        let (provider, text) = line.split_once(" | ").unwrap();
        Case { name: line.to_owned(), facts: vec![("provider".to_owned(), provider.to_owned())], text: text.to_owned() }
    });
    let cases: Vec<Case> = cases.collect();
    let unread = |case: &&Case| given(case.text.as_bytes()).0 != 0;
    let mut faults: Vec<String> = cases.iter().filter_map(fault).collect();
    faults.extend(cases.iter().filter(unread).map(|case| format!("no reply is found in {}", case.name)));
    assert!(cases.len() >= 100 && faults.is_empty(), "{} of {}\n{}", faults.len(), cases.len(), faults.join("\n"));
}
