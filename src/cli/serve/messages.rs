//! `serve --sandbox --messages json`: one line of JSON for each message.
//!
//! Responsible for its form, which docs/test-an-application.md shows. Called by `sandbox` as messages come in.

use crate::server::ReceivedMail;
use crate::smtp::message::{ReadableMessage, decoded, header_fields};
use serde_json::{Map, Value, json};

/// What standard output gets of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum MessageLines {
    /// One line of JSON for each
    Json,
}

/// The line of a message, without its end.
pub(super) fn line(mail: &ReceivedMail) -> String {
    let read = ReadableMessage::of(&mail.octets);
    let attachments = read.attachments.iter();
    let attachments: Vec<Value> =
        attachments.map(|file| json!({"name": file.name, "type": file.media_type, "size": file.size})).collect();
    json!({
        "id": mail.id,
        "from": mail.from,
        "to": mail.to,
        "size": mail.size,
        "whole": mail.octets.len() as u64 == mail.size,
        "client": mail.client.to_string(),
        "ehlo": mail.client_name,
        "login": mail.login.as_ref().map(|login| json!({"user": login.user, "mechanism": login.mechanism})),
        "tls": mail.tls.as_ref().map(|(version, cipher)| json!({"version": version, "cipher": cipher})),
        "headers": headers(&mail.octets),
        "text": read.text,
        "html": read.html,
        "attachments": attachments,
        "raw": String::from_utf8_lossy(&mail.octets),
    })
    .to_string()
}

/// The header fields by their names in small letters; one that stands there twice has a list.
fn headers(octets: &[u8]) -> Map<String, Value> {
    let mut headers = Map::new();
    for (name, value) in header_fields(octets) {
        let value = Value::from(String::from_utf8_lossy(&decoded(&value)).into_owned());
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        match headers.get_mut(&name) {
            None => _ = headers.insert(name, value),
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_stands_twice_has_a_list() {
        let headers =
            headers(b"Subject: =?utf-8?Q?=C3=A4?=\r\nReceived: a\r\nreceived: b\r\nReceived: c\r\n\r\nx: y\r\n");
        assert_eq!(Value::from(headers), json!({"subject": "ä", "received": ["a", "b", "c"]}));
    }
}
