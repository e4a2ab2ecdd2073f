//! Lints of the server's side: replies whose code is not what it seems, patterns that are found anywhere.

use super::expressions;
use crate::scenario::server::{Reply, ReplyKind, Server};
use crate::scenario::source::Diagnostic;
use crate::scenario::{Action, Expectation, Expected, Pattern};

/// Finds what looks wrong.
pub(super) fn lint(server: &Server) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for step in server.all_steps() {
        step.reply.iter().for_each(|reply| reply_code(reply, &mut warnings));
        step.expect.iter().for_each(|expect| command(expect, &mut warnings));
        step.head.when.iter().for_each(|it| expressions::condition(it, &mut warnings));
        if let Action::Assert(assertion) = &step.action {
            assertion.expressions().for_each(|it| expressions::condition(it, &mut warnings));
        }
    }
    for rule in &server.rules {
        rule.reply.iter().for_each(|reply| reply_code(reply, &mut warnings));
        found_anywhere(&rule.pattern, &mut warnings);
    }
    warnings
}

fn reply_code(reply: &Reply, warnings: &mut Vec<Diagnostic>) {
    match &reply.kind {
        ReplyKind::Text(text) if text.is_literal_up_to(4) && !text.source.is_empty() => {
            if !begins_with_code(&text.source) {
                let warning = Diagnostic::warning(reply.span, "this reply has no code: 250 is put in front of it");
                warnings.push(warning.help("write the code, or `{raw: …}` to send the text as it is"));
            }
        }
        ReplyKind::Lines { lines, .. } => {
            for line in lines.iter().filter(|line| line.is_literal_up_to(4) && begins_with_code(&line.source)) {
                let warning = Diagnostic::warning(line.span, "this line of a reply gets a second code in front");
                warnings.push(warning.help("leave the code out; another than 250 is `{code: 550, lines: [...]}`"));
            }
        }
        ReplyKind::Text(_) | ReplyKind::Raw(_) => {}
    }
}

fn begins_with_code(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() >= 3 && bytes[..3].iter().all(u8::is_ascii_digit) && matches!(bytes.get(3), None | Some(b' ' | b'-'))
}

fn command(expect: &Expectation, warnings: &mut Vec<Diagnostic>) {
    match &expect.kind {
        Expected::Pattern(pattern) => found_anywhere(pattern, warnings),
        Expected::Any(list) => list.iter().for_each(|one| command(one, warnings)),
        _ => {}
    }
}

/// `EHLO` is found in `RCPT TO:<ehlo@example.com>` too.
fn found_anywhere(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let word = source.len() >= 4 && source.as_bytes()[..4].iter().all(u8::is_ascii_alphabetic);
    if word {
        let warning = Diagnostic::warning(pattern.text.span, "this pattern is found anywhere in the client's line");
        warnings.push(warning.help(format!("begin it with `^`: `^{source}`")));
    }
}
