//! Notations in which a line of SMTP is not one line of the text: blocks with lengths or offsets, tables.
//!
//! Responsible for cutting them into lines with `>` and `<` before them, as `curl -v` prints them. Which of the two is the
//! client is decided later, as everywhere. Also for what `openssl s_client` prints among the lines of a session.

mod dotnet;
mod follow;
mod octets;
mod packets;
mod rows;

use super::grammar::{command, reply_code};
use super::text::{LineRole, TextLine};
use octets::{Octets, hexadecimal};
pub use packets::is_capture;
use std::borrow::Cow;

/// Why a text cannot be read as it is, and what to do.
pub(super) fn unreadable(lines: &[TextLine<'_>]) -> Option<&'static str> {
    packets::unreadable(lines)
}

/// Takes blocks and tables apart; a text without any stays as it is.
pub(super) fn flat(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let any = |test: fn(&str) -> bool| lines.iter().any(|line| test(&line.text));
    if follow::is_followed(&lines) {
        return follow::follow(lines);
    }
    if packets::is_packets(&lines) {
        return packets::packets(lines);
    }
    if dotnet::is_trace(&lines) {
        return dotnet::read(lines);
    }
    if let Some(log) = rows::log_of(&lines) {
        return rows::read(lines, log);
    }
    if any(|line| trace_mark(line).is_some()) {
        return trace(lines);
    }
    if any(|line| row(line).is_some()) {
        return table(lines);
    }
    lines
}

/// `=> Send header, 16 bytes (0x10)`: the sign of the side, and whether the block is a part of the session.
fn trace_mark(line: &str) -> Option<(char, bool)> {
    let line = line.get(line.find(['=', '<'])?..).filter(|rest| line.len() - rest.len() <= 16)?;
    let is_session = |rest: &str| rest.starts_with("header,") || rest.starts_with("data,");
    if let Some(rest) = line.strip_prefix("=> Send ") {
        return Some(('>', is_session(rest)));
    }
    line.strip_prefix("<= Recv ").map(|rest| ('<', is_session(rest)))
}

/// `curl --trace-ascii` and `--trace`: blocks with an offset before each line.
fn trace(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let mut cut: Vec<TextLine<'_>> = Vec::with_capacity(lines.len());
    let mut block: Option<(char, bool)> = None;
    let mut before: Option<(usize, usize)> = None;
    let mut octets = Octets::default();
    for mut line in lines {
        let Some((mark, in_session)) = block.filter(|_| offset(&line.text).is_some()) else {
            octets.end(&mut cut);
            block = trace_mark(&line.text);
            before = None;
            if block.is_some() {
                line.role = LineRole::Noise;
            } else if let Some(at) = line.text.find("== Info:") {
                line.text = Cow::Owned(format!("* {}", line.text[at + 8..].trim_start()));
            }
            cut.push(line);
            continue;
        };
        let (at, text) = offset(&line.text).unwrap_or_default();
        if !in_session {
            line.role = LineRole::Noise;
            cut.push(line);
        } else if let Some(bytes) = hexadecimal(text) {
            octets.take(mark, &bytes, &line, &mut cut);
        } else {
            let goes_on = before.is_some_and(|(last, length)| at - last.min(at) == 0x40 && length >= 0x3f);
            before = Some((at, text.len()));
            let written = if goes_on { text.to_owned() } else { format!("{mark} {text}") };
            match cut.last_mut().filter(|_| goes_on) {
                Some(last) => last.text = Cow::Owned(format!("{}{}", last.text, written)),
                None => cut.push(TextLine { text: Cow::Owned(written), ..line }),
            }
        }
    }
    octets.end(&mut cut);
    cut
}

/// `0040: text`: the offset and what follows it.
fn offset(line: &str) -> Option<(usize, &str)> {
    let (digits, text) = line.split_once(':')?;
    let fits = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| (usize::from_str_radix(digits, 16).unwrap_or(0), text.strip_prefix(' ').unwrap_or(text)))
}

/// A row of a protocol log of Exchange.
struct Row {
    session: String,
    local: String,
    remote: String,
    event: char,
    data: String,
}

/// `date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context`
fn row(line: &str) -> Option<Row> {
    let is_date = line.as_bytes().first()?.is_ascii_digit() && line.get(4..5) == Some("-");
    let fields: Vec<String> = if is_date { fields(line) } else { return None };
    let [_, _, session, number, local, remote, event, data, ..] = fields.as_slice() else { return None };
    let event = event.chars().next().filter(|_| event.len() == 1)?;
    let fits = matches!(event, '+' | '-' | '*' | '<' | '>') && number.bytes().all(|byte| byte.is_ascii_digit());
    let (session, local, remote, data) = (session.clone(), local.clone(), remote.clone(), data.clone());
    fits.then_some(Row { session, local, remote, event, data })
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields
}

/// Rows become lines: the session in brackets, the sign of the side, the data.
fn table(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let serves =
        |line: &TextLine<'_>| row(&line.text).is_some_and(|row| row.event == '>' && reply_code(&row.data).is_some());
    let is_server = lines.iter().any(serves);
    let mut cut = Vec::with_capacity(lines.len());
    for mut line in lines {
        if let Some(row) = row(&line.text) {
            let server = if is_server { &row.local } else { &row.remote };
            let text = match row.event {
                '+' => format!("[{}] connected to {server}", row.session),
                '*' if row.data.contains("negotiation succeeded") => {
                    format!("[{}] TLS negotiation succeeded", row.session)
                }
                '*' | '-' => String::new(),
                side => format!("[{}] {side} {}", row.session, row.data),
            };
            line.text = Cow::Owned(text);
        } else if line.text.starts_with('#') {
            line.role = LineRole::Noise;
        }
        cut.push(line);
    }
    cut
}

/// How a section between two lines `---` of `openssl s_client` begins.
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

/// Lines of it that stand alone.
const ALONE: [&str; 26] = [
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
    "SSL_connect",
    "didn't found starttls",
    "Didn't find STARTTLS",
    "---",
];

/// Whether a text is of `openssl s_client`.
pub(super) fn is_s_client(lines: &[TextLine<'_>]) -> bool {
    let signs = ["CONNECTED(", "CONNECTION ESTABLISHED", "depth=", "-----BEGIN CERT", "SSL handshake has read"];
    lines.iter().any(|line| signs.iter().any(|sign| line.text.starts_with(sign)))
}

/// Tells apart what `s_client` says of itself and what was typed and answered.
pub(super) fn s_client(lines: &mut [TextLine<'_>]) {
    let (mut in_section, mut at_border, mut begun, mut in_data, mut in_record) = (false, false, false, false, false);
    for line in lines {
        let text = line.text.as_ref();
        let record = text.starts_with(">>> ") || text.starts_with("<<< ");
        if record || in_record && is_dump(text) {
            (in_record, line.role) = (true, LineRole::Noise);
            continue;
        }
        in_record = false;
        if in_data {
            in_data = text != ".";
            continue;
        }
        let begins_section = at_border && SECTIONS.iter().any(|section| text.starts_with(section));
        at_border = text == "---";
        if text == "---" {
            in_section = false;
        }
        in_section |= begins_section;
        let typed = command(text).is_some();
        if in_section && !typed || ALONE.iter().any(|word| text.starts_with(word)) || text.contains(":error:") {
            line.role = LineRole::Noise;
        } else if let Some(code) = reply_code(text) {
            if !begun {
                line.role = if code == 220 { LineRole::AfterHandshake } else { LineRole::AfterToolGreeted };
            }
            begun = true;
            in_data = code == 354;
        } else if !begun && !typed {
            line.role = LineRole::Noise;
        }
    }
}

/// `    17 03 03 00 26`
fn is_dump(line: &str) -> bool {
    line.starts_with("    ")
        && line.split_whitespace().all(|word| word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
