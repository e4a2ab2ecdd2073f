//! Reads `message`: what mail data is built from.

use super::content;
use super::decoder::{Decoder, KeyValue};
use crate::scenario::content::{Attachment, Content, HeaderField, HeaderKind, MailData, Message};
use crate::scenario::source::Diagnostic;
use crate::scenario::template::Text;
use crate::scenario::yaml::{Node, ScalarKind, Value};

const MESSAGE_KEYS: [&str; 10] =
    ["from", "to", "cc", "subject", "date", "message_id", "headers", "text", "html", "attach"];
const ATTACHMENT_KEYS: [&str; 2] = ["name", "type"];
/// Fields that follow from what the message holds.
const MADE_FIELDS: [&str; 2] = ["content-type", "content-transfer-encoding"];

/// `message:` as an action: mail data that is built.
pub(super) fn message_step(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<MailData> {
    message(decoder, entry).map(|message| content::plain(Content::Message(Box::new(message))))
}

pub(super) fn message(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Message> {
    let entries = decoder.entries(entry.value, "`message`", &[&MESSAGE_KEYS])?;
    let mut headers = Vec::new();
    for (key, name, kind) in [
        ("from", "From", HeaderKind::Addresses),
        ("to", "To", HeaderKind::Addresses),
        ("cc", "Cc", HeaderKind::Addresses),
        ("subject", "Subject", HeaderKind::Unstructured),
        ("date", "Date", HeaderKind::Verbatim),
        ("message_id", "Message-ID", HeaderKind::Verbatim),
    ] {
        let Some(entry) = entries.entry(key) else { continue };
        let values =
            if kind == HeaderKind::Addresses { decoder.texts_of(entry) } else { vec![decoder.text_of(entry)?] };
        headers.push(HeaderField { name: name.to_owned(), kind, values });
    }
    if let Some(node) = entries.value("headers") {
        header_fields(decoder, node, &mut headers);
    }
    Some(Message {
        headers,
        text: entries.entry("text").and_then(|entry| decoder.text_of(entry)),
        html: entries.entry("html").and_then(|entry| html(decoder, entry)),
        attachments: entries.value("attach").map(|node| attachments(decoder, node)).unwrap_or_default(),
    })
}

/// `html: true` of other tools says what `text` is.
fn html(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Text> {
    if entry.value.scalar().is_some_and(|scalar| matches!(scalar.kind, ScalarKind::Bool(_))) {
        decoder.wrong_type_with(entry.value, "the HTML of the message", "write `html: <p>…</p>` in place of `text:`");
        return None;
    }
    decoder.text_of(entry)
}

fn header_fields(decoder: &mut Decoder<'_>, node: &Node, headers: &mut Vec<HeaderField>) {
    let Value::Map(pairs) = &node.value else {
        return decoder.wrong_type_with(
            node,
            "a mapping of header names to values",
            "write `headers: {X-Name: value}`",
        );
    };
    for (key, value) in pairs {
        let Some(name) = header_name(decoder, key, headers) else { continue };
        let values = match &value.value {
            Value::List(items) => items.iter().filter_map(|item| decoder.text(item)).collect(),
            _ => decoder.text(value).into_iter().collect(),
        };
        headers.push(HeaderField { name, kind: HeaderKind::Unstructured, values });
    }
}

/// Printable ASCII without blanks and colons (RFC 5322 section 2.2), and none that the message has already.
fn header_name(decoder: &mut Decoder<'_>, key: &Node, headers: &[HeaderField]) -> Option<String> {
    let name = key.scalar().map_or("", |scalar| scalar.text.as_str());
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        decoder.wrong_type(key, "the name of a header: printable ASCII without blanks and `:`");
        return None;
    }
    let made = MADE_FIELDS.contains(&name.to_ascii_lowercase().as_str());
    let given = headers.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    if made || given {
        let text = if made {
            format!("`{name}` follows from `text`, `html` and `attach`")
        } else {
            format!("`{name}` is given twice")
        };
        let help = "to send any header whatever, write the message under `data:`";
        decoder.complain(Diagnostic::error(key.span, text).help(help));
        return None;
    }
    Some(name.to_owned())
}

fn attachments(decoder: &mut Decoder<'_>, node: &Node) -> Vec<Attachment> {
    let Value::List(items) = &node.value else {
        decoder.wrong_type_with(
            node,
            "a list of files",
            "write `attach: [FILE]`, or `attach: [{file: FILE, name: NAME}]`",
        );
        return Vec::new();
    };
    items.iter().filter_map(|item| attachment(decoder, item)).collect()
}

fn attachment(decoder: &mut Decoder<'_>, node: &Node) -> Option<Attachment> {
    if !matches!(node.value, Value::Map(_)) {
        let content = Content::File(decoder.text(node)?);
        return Some(Attachment { content, name: None, media_type: None });
    }
    let entries = decoder.entries(node, "an attachment", &[&content::CONTENT_KEYS, &ATTACHMENT_KEYS])?;
    let given: Vec<KeyValue<'_>> = content::CONTENT_KEYS.iter().filter_map(|key| entries.entry(key)).collect();
    let [only] = given.as_slice() else {
        let text = if given.is_empty() { "an attachment needs a `file`" } else { "an attachment has one content" };
        let error = Diagnostic::error(entries.span, text);
        decoder.complain(error.help("in place of `file` may stand `text`, `base64` or `filler`"));
        return None;
    };
    let content = content::content(decoder, *only)?;
    let name = entries.entry("name").and_then(|entry| decoder.text_of(entry));
    if name.is_none() && !matches!(content, Content::File(_)) {
        let error = Diagnostic::error(entries.span, "this attachment needs a `name`");
        decoder.complain(error.help("only a file has one of its own"));
    }
    Some(Attachment { content, name, media_type: entries.entry("type").and_then(|entry| decoder.text_of(entry)) })
}
