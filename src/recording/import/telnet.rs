//! Terminals: telnet and nc, where the server's lines are known by their reply codes and all else was typed.
//!
//! Lines with `C:` and `S:` before them, as RFC 5321 and smtp-script's own transcripts have it, are read too.

use super::talk::Talk;

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
    Unmarked,
}

/// Reads one line.
pub(super) fn line<'t>(line: &'t str, talk: &mut Talk<'t>) {
    let (side, text) = said_by(line);
    match side {
        Side::Client => return talk.client(text),
        Side::Server => return talk.server(text),
        Side::Unmarked => {}
    }
    if talk.in_mail_data() {
        return talk.client(line);
    }
    if looks_like_reply(line) {
        return talk.server(line);
    }
    if !is_about_connection(line, talk) && (talk.has_begun() || !line.trim().is_empty()) {
        typed(line, talk);
    }
}

/// What was typed; before the greeting nothing was, and an empty line is more often one of the paste.
pub(super) fn typed<'t>(line: &'t str, talk: &mut Talk<'t>) {
    if line.trim().is_empty() && !talk.expects_line() {
        return;
    }
    if talk.has_begun() || super::super::split_verb(line.as_bytes()).0.len() == 4 {
        talk.client(line);
    } else {
        talk.leave_out();
    }
}

/// What telnet and nc say of themselves.
fn is_about_connection(line: &str, talk: &mut Talk<'_>) -> bool {
    if let Some(address) = line.strip_prefix("Trying ") {
        talk.server_is(address.trim_end_matches('.'), None);
    } else if let Some(host) = line.strip_prefix("Connected to ") {
        talk.server_named(host.trim_end_matches('.'));
    } else if ["Connection closed by foreign host", "Connection to host lost"].iter().any(|text| line.starts_with(text))
    {
        talk.server_closed();
    } else {
        return line.starts_with("Escape character is")
            || line.starts_with("telnet> ")
            || line.starts_with("Ncat: ")
            || line.starts_with("Connection closed.")
            || line.starts_with("^]");
    }
    true
}

/// Three digits, and behind them a blank, a hyphen or nothing (RFC 5321 section 4.2).
pub(super) fn looks_like_reply(line: &str) -> bool {
    let bytes = line.as_bytes();
    let code = bytes.len() >= 3 && bytes[..3].iter().all(u8::is_ascii_digit) && matches!(bytes[0], b'2'..=b'5');
    code && matches!(bytes.get(3), None | Some(b' ' | b'-'))
}

/// The side that a mark names, and the line without it.
pub(super) fn said_by(line: &str) -> (Side, &str) {
    let marked = line.trim_start();
    let marked = match marked.split_once(char::is_whitespace) {
        Some((clock, rest)) if is_clock(clock) => rest.trim_start(),
        _ => marked,
    };
    for (mark, side) in [("C:", Side::Client), ("S:", Side::Server)] {
        if let Some(text) = marked.strip_prefix(mark) {
            return (side, text.strip_prefix(' ').unwrap_or(text));
        }
    }
    (Side::Unmarked, line)
}

fn is_clock(word: &str) -> bool {
    word.contains(['.', ':'])
        && word.len() >= 4
        && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'))
}
