//! Files of other tools that are given as scenarios, by how they begin.
//!
//! Responsible for what to do with each. Asked where a file is no YAML, and where its YAML is no mapping.

/// What to do with a file that begins so; nothing where it may be a scenario with mistakes.
pub(in crate::scenario) fn help(text: &str) -> Option<&'static str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    if first.starts_with("#!") {
        return Some(SCRIPT);
    }
    let first = lines.next()?;
    let word = first.split_whitespace().next().unwrap_or("");
    Some(match () {
        () if is_said(first) || lines.by_ref().take(20).any(is_said) && !first.contains(": ") => {
            "this is a conversation: `smtp-script import FILE` makes a scenario of it"
        }
        () if is_header(first)
            && lines.by_ref().take(20).all(|line| !line.starts_with("steps:") && !line.starts_with("connect:")) =>
        {
            "this is a message: `smtp-script send HOST --data FILE` sends it, and so does `- data: {file: FILE}` in a scenario"
        }
        () if first.starts_with("***") => {
            "this is a file of Robot Framework: a scenario is YAML, with `connect:` and `steps:`"
        }
        () if first.starts_with('<') => "this is XML or HTML: a scenario is YAML, with `connect:` and `steps:`",
        () if first.starts_with('[') && first.ends_with(']') && !first.contains([',', '"', ' ']) => {
            "this is a file with `[sections]`: a scenario is YAML, with `connect: HOST:PORT` and `steps:`"
        }
        () if is_assignment(first) => {
            "values are given by `--vars-file FILE`, secrets by `--secrets-file FILE`; the scenario is a file of its own, with `connect:` and `steps:`"
        }
        () if matches!(word, "GET" | "POST" | "PUT" | "HEAD" | "DELETE") => {
            "this is about HTTP: a scenario has `connect: HOST:PORT`, and lines of SMTP under `steps:`"
        }
        () if SCRIPTS.contains(&word) => SCRIPT,
        () if first.contains(" = ")
            && !text.lines().any(|line| line.starts_with("steps:") || line.starts_with("- "))
            && !text.contains("[[") =>
        {
            "this is a file of settings: a scenario is YAML, with `connect: HOST:PORT` and `steps:`"
        }
        () if first.contains(" = \"") && !first.contains(": ") => {
            "a colon stands after a key, and lists begin with `- `: `connect: HOST:PORT`, `steps:`, `- expect: ^220`"
        }
        () => return None,
    })
}

const SCRIPTS: [&str; 12] =
    ["spawn", "expect", "send", "telnet", "nc", "swaks", "openssl", "curl", "echo", "printf", "import", "from"];
const SCRIPT: &str =
    "this is a script: here a line to send is `- send: …`, what must come `- expect: ^220`, both under `steps:`";

/// A line that a server says, or that telnet and its like print.
fn is_said(line: &str) -> bool {
    let code = line.get(..3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    let has_code = code && line.get(3..4).is_none_or(|next| matches!(next, " " | "-"));
    let begins = [
        "Trying ",
        "Connected to ",
        "CONNECTED(",
        "S: ",
        "=== ",
        "<- ",
        "<-\t",
        "<~ ",
        "* Connected",
        "*   Trying",
        "* Trying",
        "< 2",
    ];
    has_code || begins.iter().any(|begin| line.starts_with(begin))
}

/// The first line of a message as a mail program keeps it.
fn is_header(line: &str) -> bool {
    const FIELDS: [&str; 11] = [
        "Return-Path: ",
        "Received: ",
        "Delivered-To: ",
        "From: ",
        "To: ",
        "Subject: ",
        "Date: ",
        "Message-ID: ",
        "MIME-Version: ",
        "Content-Type: ",
        "DKIM-Signature: ",
    ];
    line.starts_with("From ") && line.contains('@') || FIELDS.iter().any(|field| line.starts_with(field))
}

/// `SMTP_HOST=mail.example.com`
fn is_assignment(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::help;

    #[test]
    fn files_are_known_by_their_beginning() {
        for (text, word) in [
            ("telnet mail.example.com 25\nTrying 192.0.2.1...\n220 hi\n", "import"),
            ("220 hi\nEHLO x\n", "import"),
            ("=== Trying mx.example:25...\n<-  220 hi\n -> EHLO x\n", "import"),
            ("* Connected to mx.example\n< 220 hi\n", "import"),
            ("CONNECTED(00000003)\n---\n250 DSN\n", "import"),
            ("#!/bin/sh\nswaks\n", "script"),
            ("spawn telnet x 25\n", "script"),
            ("*** Settings ***\n", "Robot"),
            ("<a/>", "XML"),
            ("From: a@b.example\nSubject: x\n\nHi\n", "message"),
            ("From a@b.example Thu Jan  1 00:00:00 2026\nSubject: x\n", "message"),
            ("[relay]\nhost = x\n", "sections"),
            ("SMTP_HOST=x\n", "--vars-file"),
            ("GET http://x\n", "HTTP"),
            ("connect = \"x\"\n[[steps]]\n", "colon"),
            ("relayhost = x\nsmtp_sasl_auth_enable = yes\n", "settings"),
        ] {
            assert!(help(text).is_some_and(|help| help.contains(word)), "{text}");
        }
        for text in ["connect: x\nsteps:\n  - expect: 250 OK\n", "", "[{a: b}, c]", "- send: x"] {
            assert_eq!(help(text), None, "{text}");
        }
    }
}
