//! What a server that keeps to the RFCs answers to what a client sends, where it does what was asked.
//!
//! Responsible for expectations of success that no such answer fits. A step that expects a refusal is a test of just that.

use super::codes::may_be;
use crate::scenario::source::Diagnostic;
use crate::scenario::{Action, Expectation, Step};
use crate::smtp::auth::LoginCourse;
use crate::smtp::command::{CommandLine, Verb};

/// Codes of success that belong to one command each, or to HTTP and FTP.
const KNOWN: [u16; 21] =
    [200, 201, 202, 204, 211, 214, 220, 221, 230, 234, 235, 250, 251, 252, 300, 301, 302, 331, 334, 350, 354];

/// The codes that success of a command has (RFC 5321 section 4.3.2, RFC 4954 section 6); nothing where that is not known.
fn codes_of(command: &CommandLine<'_>) -> Option<&'static [u16]> {
    Some(match command.verb() {
        Verb::Ehlo | Verb::Helo | Verb::Lhlo | Verb::Mail | Verb::Reset | Verb::Noop => &[250],
        Verb::Rcpt => &[250, 251],
        Verb::Data => &[354],
        Verb::Quit => &[221],
        Verb::StartTls => &[220],
        Verb::Vrfy => &[250, 251, 252],
        Verb::Expn => &[250, 252],
        Verb::AuthCommand => {
            let auth = command.auth()?;
            match LoginCourse::of(&auth.name(), !auth.initial.is_empty()) {
                LoginCourse::Accepted => &[235],
                LoginCourse::Responses(_) | LoginCourse::Asks => &[334],
                LoginCourse::Unknown => &[235, 334],
            }
        }
        _ => return None,
    })
}

/// Warns where the reply to this line cannot be what is expected.
pub(super) fn to_line(line: &str, expect: &Expectation, warnings: &mut Vec<Diagnostic>) {
    let command = CommandLine::parse(line.as_bytes());
    let Some(codes) = codes_of(&command) else { return };
    let what = match command.auth() {
        Some(auth) if codes.len() == 1 => format!("AUTH {}", auth.name()),
        _ => command.name(),
    };
    implausible(expect, codes, &what, warnings);
}

/// The same for a step whose reply a later one reads.
pub(super) fn to_step(asked: &Step, expect: &Expectation, warnings: &mut Vec<Diagnostic>) {
    match &asked.action {
        Action::Send(lines) => {
            let [text] = lines.as_slice() else { return };
            let whole = text.with_placeholder("x");
            let line = whole.trim_end_matches('\n');
            if !line.contains('\n') {
                to_line(line, expect, warnings);
            }
        }
        Action::Data(data) if data.terminate => implausible(expect, &[250], "a message", warnings),
        _ => {}
    }
}

/// Warns where only replies are expected that this is never answered by.
pub(super) fn implausible(expect: &Expectation, codes: &[u16], what: &str, warnings: &mut Vec<Diagnostic>) {
    // Codes beside 250 are told apart by nobody but tests.
    let near = codes.contains(&250) && may_be(expect, &[250, 251, 252, 253, 254]) == Some(true);
    // An odd code is meant, one that belongs to another command is not.
    if near || may_be(expect, codes) != Some(false) || may_be(expect, &KNOWN) != Some(true) {
        return;
    }
    let list: Vec<String> = codes.iter().map(u16::to_string).collect();
    let warning = Diagnostic::warning(expect.span, format!("a server that accepts {what} answers with another code"));
    warnings
        .push(warning.help(format!("{what} is answered by {}, or by a refusal, `4xx` or `5xx`", list.join(" or "))));
}
