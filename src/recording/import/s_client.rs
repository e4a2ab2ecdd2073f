//! `openssl s_client`: what was typed and answered stands among certificates, sessions and tickets.

use super::talk::{Mode, Talk};
use super::telnet;

/// How a section between two lines `---` begins.
const SECTIONS: [&str; 11] = [
    "Certificate chain",
    "Server certificate",
    "No client certificate CA names sent",
    "Acceptable client certificate CA names",
    "SSL handshake has read",
    "New, ",
    "Reused, ",
    "no peer certificate available",
    "Post-Handshake New Session Ticket",
    "SSL-Session:",
    "Early data",
];

/// Lines that stand alone.
const ALONE: [&str; 24] = [
    "CONNECTED(",
    "Connecting to ",
    "CONNECTION ESTABLISHED",
    "Protocol version:",
    "Ciphersuite:",
    "Peer certificate:",
    "Hash used:",
    "Signature type:",
    "Verification",
    "Verify return code",
    "Server Temp Key",
    "Peer Temp Key",
    "Negotiated TLS1.3 group",
    "Can't use SSL_get_servername",
    "depth=",
    "verify ",
    "read R BLOCK",
    "read:errno",
    "write:errno",
    "RENEGOTIATING",
    "KEYUPDATE",
    "DONE",
    "closed",
    "SSL_connect",
];

/// Reads one line.
pub(super) fn line<'t>(line: &'t str, talk: &mut Talk<'t>) {
    if talk.in_mail_data() {
        return talk.client(line);
    }
    if line == "---" {
        talk.mode = Mode::Border;
        return;
    }
    let begins_section = SECTIONS.iter().any(|section| line.starts_with(section));
    match talk.mode {
        Mode::Border if begins_section => talk.mode = Mode::Noise,
        // What is typed while a ticket is printed stands in the middle of it.
        Mode::Noise if is_command(line) => telnet::typed(line, talk),
        Mode::Noise => {}
        // s_client prints numbers of errors before its own messages.
        _ if ALONE.iter().any(|word| line.starts_with(word)) || line.contains(":error:") => alone(line, talk),
        _ if telnet::looks_like_reply(line) => {
            talk.mode = Mode::Talking;
            reply(line, talk);
        }
        _ if !talk.has_begun() => {}
        _ => telnet::typed(line, talk),
    }
}

/// Whether a line is a command with which a conversation goes on: no line of a certificate or a session begins so.
fn is_command(line: &str) -> bool {
    const VERBS: [&str; 8] = ["EHLO ", "HELO ", "LHLO ", "MAIL FROM:", "RCPT TO:", "AUTH ", "NOOP", "QUIT"];
    VERBS.iter().any(|verb| line.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb)))
}

fn alone(line: &str, talk: &mut Talk<'_>) {
    if let Some(address) = line.strip_prefix("Connecting to ") {
        talk.server_named(address);
    }
    if (line == "closed" || line.starts_with("read:errno")) && talk.has_begun() {
        talk.server_closed();
    }
}

/// The first reply: a greeting after implicit TLS, or the end of that to EHLO which `-starttls` waits for.
fn reply<'t>(line: &'t str, talk: &mut Talk<'t>) {
    if talk.has_begun() {
        return talk.server(line);
    }
    if line.starts_with("220") {
        talk.handshake();
        return talk.server(line);
    }
    talk.greeted_by_tool();
    if line.starts_with("250-") || !line.starts_with("250") {
        talk.server(line);
    }
}
