//! The notation of swaks: an arrow before each line says whose it is, and whether TLS carried it.
//!
//! `->`, `~>`, `**>` and `*~>` are the client's, `<-`, `<~`, `<**` and `<~*` the server's (stars mean that swaks did not
//! expect it), `===` and `***` are remarks of swaks, and a lone `>` or `<` before a dump repeats what stands there anyway.

use super::talk::Talk;
use crate::scenario::Diagnostic;

const CLIENT: [&str; 4] = [" ->", " ~>", "**>", "*~>"];
const SERVER: [&str; 4] = ["<- ", "<~ ", "<**", "<~*"];
const DUMPS: [&str; 4] = ["  >", "<  ", "  <", ">  "];

/// Reads one line.
pub(super) fn line<'t>(line: &'t str, talk: &mut Talk<'t>) {
    let line = without_clock(line);
    let (mark, text) = (line.get(..3).unwrap_or(line), line.get(4..).unwrap_or(""));
    if CLIENT.contains(&mark) {
        client(text, talk);
    } else if SERVER.contains(&mark) {
        talk.server(text);
    } else if mark == "===" {
        about_connection(text, talk);
    } else if mark == "***" {
        complaint(text, talk);
    } else if DUMPS.contains(&mark) || line.trim().is_empty() {
        // A blank line of a message may have lost its arrow to an editor that drops blanks; in a dump nothing is new.
    } else {
        talk.leave_out();
    }
}

/// With `--suppress-data` swaks says how many lines it sent.
fn client<'t>(text: &'t str, talk: &mut Talk<'t>) {
    let count = text.strip_suffix(" lines sent").unwrap_or("x");
    if talk.in_mail_data() && count.bytes().all(|byte| byte.is_ascii_digit()) {
        return talk.mail_data_is_missing();
    }
    talk.client(text);
}

fn about_connection(text: &str, talk: &mut Talk<'_>) {
    if let Some(address) = text.strip_prefix("Trying ").map(|rest| rest.trim_end_matches("...")) {
        talk.server_is(address, None);
    } else if let Some(host) = text.strip_prefix("Connected to ").map(|rest| rest.trim_end_matches('.')) {
        talk.server_named(host);
    } else if text.starts_with("TLS started") {
        talk.handshake();
    }
}

/// What went wrong, in the words of swaks.
fn complaint(text: &str, talk: &mut Talk<'_>) {
    if text.contains("Remote host closed connection") {
        return talk.server_closed();
    }
    if text.contains("TLS startup failed") || text.contains("Error connecting") {
        let notice = Diagnostic::warning(talk.here(), "swaks failed here: what came of it is not carried over");
        talk.notice(notice.help("to expect a failed handshake or connection, write `fails:`"));
    }
}

/// With a time stamp before it, as `ts` and other tools put it.
fn without_clock(line: &str) -> &str {
    let mut parts = line.splitn(2, ' ');
    let clock = parts.next().unwrap_or("");
    let is_clock = clock.len() >= 8
        && clock.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'[' | b']'));
    if is_clock && clock.contains(':') { parts.next().unwrap_or("") } else { line }
}
