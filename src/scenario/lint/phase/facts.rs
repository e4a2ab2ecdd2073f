//! What a step says by itself: its verb, what it expects, where it connects to.
//!
//! Responsible for the facts that `phase` follows a session by.

use super::super::codes::{Outlook, may_be, outlook};
use super::super::smtp::no_response;
use crate::scenario::source::Diagnostic;
use crate::scenario::template::Trial;
use crate::scenario::{Action, Address, Connect, Expectation, Expression, Step};
use crate::smtp::auth::LoginCourse;
use crate::smtp::command::{CommandLine, Verb};

/// What is said of commands that EHLO comes before, and what to write.
pub(super) const NO_EHLO: (&str, &str) = ("no EHLO was sent before this, since the connection or TLS began", HELLO);
pub(super) const HELLO: &str = "write `- send: EHLO client.example` with `expect: ^250` before it";

/// What is said of commands that HELO offers none of, and what to write.
pub(super) const BY_HELO: (&str, &str) = (
    "the reply to HELO offers nothing: AUTH and STARTTLS want EHLO (RFC 5321 section 4.1.1.1)",
    "write `EHLO` in place of `HELO`",
);

/// What is said of MAIL within a transaction, and what to write.
pub(super) const SECOND_MAIL: (&str, &str) = (
    "a mail transaction is open already: servers refuse a second MAIL (RFC 5321 section 4.1.4)",
    "end it by the message, or by `- send: RSET`",
);

/// The same of STARTTLS.
pub(super) const TLS_IN_TRANSACTION: (&str, &str) = (
    "the mail transaction ends here: after STARTTLS the session begins anew (RFC 3207 section 4.2)",
    "put `starttls` before MAIL, and another EHLO after it",
);

/// What is said of assertions about TLS that come too early, and what to write.
pub(super) const NO_TLS: (&str, &str) =
    ("`tls` is none here: TLS has not begun", "put it after `- starttls`, or write `assert: tls is none`");

/// Warns where what is sent is surely no response of a login.
pub(super) fn judge_responses(step: &Step, trial: &Trial, warnings: &mut Vec<Diagnostic>) {
    let Action::Send(lines) = &step.action else { return };
    let sent = lines.iter().filter_map(|line| Some((line, trial.sample(line)?)));
    let found = sent.filter(|(_, sample)| sample != "*").find_map(|(line, sample)| Some((line, no_response(&sample)?)));
    let Some((line, message)) = found else { return };
    let help = match line.single_expression() {
        Some(expression) => format!("write `<<{expression} | b64encode>>`; the step `- auth: {{…}}` encodes by itself"),
        None => {
            "write the step `- auth: {mechanism: LOGIN, username: …, password: <<password>>}`, or `<<… | b64encode>>`"
                .to_owned()
        }
    };
    warnings.push(
        Diagnostic::warning(step.head.span, format!("the server waits for a response in base64, {message}")).help(help),
    );
}

/// The verb of a `send` of one line.
pub(super) fn verb(step: &Step) -> Option<Verb> {
    let Action::Send(lines) = &step.action else { return None };
    let [text] = lines.as_slice() else { return None };
    let whole = text.with_placeholder("x");
    let line = whole.trim_end_matches('\n');
    (!line.contains('\n') && text.is_literal_up_to(4.min(line.len())))
        .then(|| CommandLine::parse(line.as_bytes()).verb())
}

/// How many responses a line AUTH leaves to be sent.
pub(super) fn responses(step: &Step) -> Option<u8> {
    let Action::Send(lines) = &step.action else { return None };
    let whole = lines.first()?.with_placeholder("x");
    let command = CommandLine::parse(whole.trim_end_matches('\n').as_bytes());
    let auth = command.auth()?;
    match LoginCourse::of(&auth.name(), !auth.initial.is_empty()) {
        LoginCourse::Responses(count) => Some(count),
        _ => None,
    }
}

/// Whether the server is to ask for a response of a login.
pub(super) fn wants_response(expect: &Expectation) -> bool {
    may_be(expect, &[334]) == Some(true)
}

/// Whether an accepted login is expected.
pub(super) fn is_login(expect: &Expectation) -> bool {
    may_be(expect, &[235]) == Some(true) && may_be(expect, &[334]) == Some(false)
}

/// A reply of success is expected, and nothing else.
pub(super) fn asks_success(expect: &Expectation) -> bool {
    outlook(expect) == Outlook::Success
}

/// A DATA whose message never comes.
pub(super) fn without_message(step: &Step) -> Diagnostic {
    let warning = Diagnostic::warning(step.head.span, "the message that this DATA announces is never sent");
    warning.help("write `- data: |` with the message after it, and `expect: ^250` beside it")
}

/// Whether a connection goes to port 587 of another host.
pub(super) fn is_submission(connect: &Connect) -> bool {
    let (host, port) = match &connect.address {
        Address::Joined(text) => text.source.rsplit_once(':').unwrap_or((text.source.as_str(), "")),
        Address::Split { host, port: Some(port) } => (host.source.as_str(), port.source.as_str()),
        _ => return false,
    };
    port == "587" && !is_own(host)
}

/// Whether a connection may go to a server on this machine.
pub(super) fn is_near(connect: &Connect) -> bool {
    match &connect.address {
        Address::Joined(text) | Address::Split { host: text, .. } => is_own(&text.source),
        Address::Unix(_) => true,
        Address::Mx { .. } => false,
    }
}

fn is_own(host: &str) -> bool {
    host.contains("<<") || host.starts_with("localhost") || host.starts_with("127.") || host.contains("::1")
}

/// The line with the dot alone.
pub(super) fn is_end(step: &Step) -> bool {
    matches!(&step.action, Action::Send(lines) if lines.last().is_some_and(|text| text.source.lines().last() == Some(".")))
}

pub(super) fn reads_tls(expression: &Expression) -> bool {
    expression.source.contains("tls.") && !expression.source.contains("defined") && !expression.source.contains(" or ")
}

/// Whether the port or a key says that TLS comes first.
pub(super) fn begins_with_tls(connect: &Connect) -> Option<bool> {
    let port = match &connect.address {
        Address::Joined(text) => {
            text.source.rsplit_once(':').map(|(_, port)| port.to_owned()).or(Some(text.source.clone()))
        }
        Address::Split { port, .. } | Address::Mx { port, .. } => port.as_ref().map(|port| port.source.clone()),
        Address::Unix(_) => None,
    };
    let port = port.unwrap_or_default();
    let by_port = (!port.contains("<<")).then_some(port == "465");
    match &connect.implicit_tls {
        Some(chosen) => chosen.known().map(|implicit| implicit.0),
        None => by_port,
    }
}
