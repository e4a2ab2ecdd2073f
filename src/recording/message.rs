//! Mail data of a conversation as a step.
//!
//! Responsible for the text of `data` and `bdat`: its headers that must be new each time become templates, addresses and
//! secrets get their names. What no text can hold is written as exact bytes.

use super::RecordedMailData;
use super::words::{Secrets, Variable, template};
use crate::scenario::write::{DraftAction, hexadecimal};
use crate::smtp::command::CommandLine;
use crate::smtp::mail_data::{LineEndings, MailDataEncoder};

/// Mail data as a step that sends it, after a 354.
pub(super) fn data(data: &RecordedMailData, secrets: &Secrets, variables: &[Variable]) -> DraftAction {
    match text_of(&data.octets) {
        Some(text) => DraftAction::Data(message(&text, secrets, variables)),
        None => exact(&wire(&data.octets), secrets),
    }
}

/// A chunk as a step that sends it with its command; as exact bytes where other octets would be sent.
pub(super) fn chunk(command: &[u8], data: &RecordedMailData, secrets: &Secrets, variables: &[Variable]) -> DraftAction {
    let announced = CommandLine::parse(command).bdat();
    let last = announced.is_some_and(|bdat| bdat.last);
    // Of a chunk that the session ended within only this much was sent.
    let whole = data.left_out > 0 || announced.is_some_and(|bdat| bdat.octets == data.octets.len() as u64);
    match text_of(&data.octets) {
        Some(text) if whole && data.octets.len() <= crate::scenario::DEFAULT_CHUNK && !text.is_empty() => {
            DraftAction::Bdat { text: message(&text, secrets, variables), last }
        }
        _ => exact_chunk(command, data, secrets),
    }
}

/// A chunk with its command, as exact bytes.
pub(super) fn exact_chunk(command: &[u8], data: &RecordedMailData, secrets: &Secrets) -> DraftAction {
    exact(&[command, b"\r\n", &data.octets].concat(), secrets)
}

/// Whether header fields of it become templates, so that its size may be another each time.
pub(super) fn is_made_anew(data: &RecordedMailData) -> bool {
    let text = String::from_utf8_lossy(&data.octets);
    let headers = text.split("\r\n\r\n").next().unwrap_or_default();
    headers.split("\r\n").filter_map(field_name).any(|name| matches!(name.as_str(), "date" | "message-id"))
}

/// What a reader must know about mail data that was not kept whole.
pub(super) fn remark(data: &RecordedMailData) -> Option<String> {
    let kept = data.octets.len();
    (data.left_out > 0).then(|| {
        let whole = kept as u64 + data.left_out;
        format!("the message had {whole} octets; the first {kept} of them stand here")
    })
}

/// Exactly these bytes: as a text where it can be read, in hexadecimal digits otherwise.
pub(super) fn exact(bytes: &[u8], secrets: &Secrets) -> DraftAction {
    let readable =
        |character: char| matches!(character, '\r' | '\n' | '\t') || !crate::visible::acts_or_hides(character);
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(readable) => DraftAction::Raw(template(text, secrets, &[])),
        _ if !secrets.stand_in(bytes) => DraftAction::RawHex(hexadecimal(bytes)),
        // Digits would still show what the bytes hold.
        _ => DraftAction::Raw(template(&String::from_utf8_lossy(bytes), secrets, &[])),
    }
}

/// What stood on the wire: dots doubled, and the line `.`.
fn wire(octets: &[u8]) -> Vec<u8> {
    let mut encoder = MailDataEncoder::new(LineEndings::Keep, true);
    let mut wire = Vec::with_capacity(octets.len() + 8);
    encoder.encode(octets, &mut wire);
    encoder.finish(true, &mut wire);
    wire
}

/// The lines of mail data, ended by LF; nothing where that would not give the same octets again.
fn text_of(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets).ok()?;
    let lines = text.replace("\r\n", "\n");
    let same = lines.matches('\n').count() == text.matches("\r\n").count() && !lines.contains('\r');
    let whole = text.is_empty() || text.ends_with("\r\n");
    (same && whole).then_some(lines)
}

/// A message with templates in its headers.
fn message(text: &str, secrets: &Secrets, variables: &[Variable]) -> String {
    let (headers, body) = match text.find("\n\n") {
        Some(end) => text.split_at(end + 1),
        None if looks_like_headers(text) => (text, ""),
        None => ("", text),
    };
    let mut written = String::with_capacity(text.len() + 64);
    for field in fields(headers) {
        written.push_str(&header(field, secrets, variables));
    }
    written + &template(body, secrets, &[])
}

fn looks_like_headers(text: &str) -> bool {
    text.lines().next().is_some_and(|line| field_name(line).is_some())
}

/// The name of a header field, in lower case.
fn field_name(field: &str) -> Option<String> {
    let (name, _) = field.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    is_name.then(|| name.to_ascii_lowercase())
}

/// The fields of a header section, each with its further lines.
fn fields(headers: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut start = 0;
    for (at, _) in headers.match_indices('\n') {
        let next = at + 1;
        if !headers[next..].starts_with([' ', '\t']) {
            fields.push(&headers[start..next]);
            start = next;
        }
    }
    fields.extend(Some(&headers[start..]).filter(|rest| !rest.is_empty()));
    fields
}

/// One field. Date and Message-ID are made anew: a message that is the same each time is taken for a duplicate.
fn header(field: &str, secrets: &Secrets, variables: &[Variable]) -> String {
    match field_name(field).as_deref() {
        Some("date") => format!("{}: <<rfc5322_date()>>\n", &field[..4]),
        Some("message-id") => {
            let domain = field.rsplit_once('@').map_or("", |(_, domain)| domain.trim_end().trim_end_matches('>'));
            let is_plain = !domain.is_empty()
                && !secrets.stand_in(domain.as_bytes())
                && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
            let domain = if is_plain { domain } else { "example.com" };
            format!("{}: <<message_id('{domain}')>>\n", &field[..10])
        }
        // Of two variables with one value the header says which is meant.
        Some("from" | "sender" | "reply-to" | "return-path") => template(field, secrets, variables),
        _ => {
            let mut others: Vec<Variable> = variables.to_vec();
            others.reverse();
            template(field, secrets, &others)
        }
    }
}
