//! Reads what a step does: `send`, `raw`, `auth`, `set`, `close`.

use super::decoder::{Decoder, KeyValue};
use crate::scenario::octets::{decode_base64, decode_hex};
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Action, Auth, Data, Named, RawBytes, Text};
use crate::smtp::closing::Closing;

const AUTH_KEYS: [&str; 6] = ["mechanism", "username", "password", "token", "authzid", "initial_response"];

pub(super) fn auth(decoder: &mut Decoder<'_>, node: &Node) -> Option<Action> {
    let entries = decoder.entries(node, "`auth`", &[&AUTH_KEYS])?;
    if let Some(mechanisms) = entries.value("mechanism").filter(|node| matches!(node.value, Value::List(_))) {
        let help = "name one; without `mechanism` the strongest is taken that the server offers";
        decoder.wrong_type_with(mechanisms, "one mechanism", help);
        return None;
    }
    let mut text = |key: &str| entries.entry(key).and_then(|entry| decoder.text_of(entry));
    let (mechanism, username, password) = (text("mechanism"), text("username"), text("password"));
    let (token, authzid) = (text("token"), text("authzid"));
    let initial_response = decoder.flag(&entries, "initial_response", true);
    Some(Action::Auth(Box::new(Auth { mechanism, username, password, token, authzid, initial_response })))
}

pub(super) fn send(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Action> {
    let lines = match &entry.value.value {
        Value::List(items) => items.iter().filter_map(|item| decoder.text(item)).collect(),
        _ => vec![decoder.text_of(entry)?],
    };
    for line in &lines {
        if let Some(at) = line.source.find('\r') {
            decoder.complain(
                Diagnostic::error(line.span_of(&(at..at + 1)), "`send` ends each line with CRLF itself")
                    .help("leave out `\\r\\n`; for other line ends use `raw:`"),
            );
        }
    }
    Some(Action::Send(lines))
}

pub(super) fn raw(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<RawBytes> {
    if !matches!(entry.value.value, Value::Map(_)) {
        return decoder.text_of(entry).map(RawBytes::Text);
    }
    let entries = decoder.entries(entry.value, "`raw`", &[&["text", "hex", "base64"]])?;
    let [only] = entries.list.as_slice() else {
        decoder.complain(Diagnostic::error(entry.key_span, "`raw` takes one of `text`, `hex` and `base64`"));
        return None;
    };
    let text = decoder.text_of(*only)?;
    let decoded = match only.key {
        "text" => return Some(RawBytes::Text(text)),
        "hex" if !text.is_literal() => return Some(RawBytes::Hex(text)),
        "base64" if !text.is_literal() => return Some(RawBytes::Base64(text)),
        "hex" => decode_hex(&text.source),
        _ => decode_base64(&text.source),
    };
    match decoded {
        Ok(bytes) => Some(RawBytes::Bytes(bytes)),
        Err(message) => {
            decoder.complain(Diagnostic::error(only.value.span, message));
            None
        }
    }
}

pub(super) fn closing(decoder: &mut Decoder<'_>, node: &Node) -> Option<Closing> {
    match node.scalar().map(|scalar| scalar.text.as_str()) {
        _ if node.is_null() => Some(Closing::Fin),
        Some("fin") => Some(Closing::Fin),
        Some("reset") => Some(Closing::Reset),
        Some("write") => Some(Closing::Write),
        Some("truncate") => Some(Closing::Truncate),
        _ => {
            let help = "to close as usual, write `- close` alone; that the server closes is `- expect: {closed: true}`";
            decoder.wrong_type_with(node, "`fin`, `reset`, `write` or `truncate`", help);
            None
        }
    }
}

pub(super) fn settings(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<(Named, Data)>> {
    let Value::Map(entries) = &node.value else {
        decoder.wrong_type_with(node, "a mapping of names to values", "write `set: {name: value}`");
        return None;
    };
    let mut settings = Vec::new();
    for (key, value) in entries {
        settings.push((decoder.named(key)?, decoder.data(value)?));
    }
    Some(settings)
}

/// How many lines a `send` sends.
pub(super) fn send_lines(lines: &[Text]) -> usize {
    let count = |text: &Text| text.with_placeholder("x").trim_end_matches('\n').split('\n').count();
    lines.iter().map(count).sum()
}

/// Whether the lines of a `send` are those of a message: header fields, or a dot at the end.
pub(super) fn is_message(lines: &[Text]) -> bool {
    let whole: Vec<String> = lines.iter().map(|line| line.with_placeholder("x")).collect();
    let all: Vec<&str> = whole.iter().flat_map(|text| text.trim_end_matches('\n').split('\n')).collect();
    let field = |line: &&str| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        ["subject", "from", "to", "date", "message-id", "mime-version", "content-type"]
            .iter()
            .any(|one| one.eq_ignore_ascii_case(name))
    };
    all.len() > 1 && (all.first().is_some_and(field) || all.last() == Some(&"."))
}
