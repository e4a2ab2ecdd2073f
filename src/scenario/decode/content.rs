//! Reads `data`, `bdat` and `pace`.

use super::decoder::{Decoder, Entries, KeyValue};
use super::message;
use crate::scenario::Filler;
use crate::scenario::content::{Bdat, Content, DEFAULT_CHUNK, MailData, Pace, parse_size};
use crate::scenario::octets::decode_base64;
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, ScalarKind, Value};

/// The keys of which one says what is sent.
pub(super) const CONTENT_KEYS: [&str; 4] = ["text", "file", "base64", "filler"];
const DATA_KEYS: [&str; 4] = ["template", "transparency", "line_endings", "terminate"];
const BDAT_KEYS: [&str; 5] = ["message", "template", "line_endings", "chunk", "last"];

pub(super) fn mail_data(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<MailData> {
    if !matches!(entry.value.value, Value::Map(_)) {
        return decoder.text_of(entry).map(|text| plain(Content::Text(text)));
    }
    if let Some(first) = header_field(entry.value) {
        let text = format!("`{first}` is a header field of a message, not a key of `data`");
        let help = "write `message: {from: …, to: …, subject: …, text: …}`, or `data: |` with the lines of the message below it";
        decoder.complain(Diagnostic::error(entry.value.span, text).help(help));
        return None;
    }
    let entries = decoder.entries(entry.value, "`data`", &[&CONTENT_KEYS, &DATA_KEYS])?;
    let data = written_data(decoder, entry, &entries)?;
    Some(MailData {
        transparency: decoder.flag(&entries, "transparency", true),
        terminate: decoder.flag(&entries, "terminate", true),
        ..data
    })
}

/// The first key of a mapping that is a header field (RFC 5322 section 3.6), where none of `data` stands there.
fn header_field(node: &Node) -> Option<&str> {
    const FIELDS: [&str; 9] =
        ["from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "content-type"];
    let Value::Map(pairs) = &node.value else { return None };
    let keys = || pairs.iter().filter_map(|(key, _)| key.scalar()).map(|scalar| scalar.text.as_str());
    let is_field = |key: &&str| FIELDS.iter().any(|field| field.eq_ignore_ascii_case(key));
    if keys().any(|key| CONTENT_KEYS.contains(&key)) { None } else { keys().find(is_field) }
}

/// One of `text`, `file`, `base64` and `filler`, with `template` and `line_endings`.
fn written_data(decoder: &mut Decoder<'_>, entry: KeyValue<'_>, entries: &Entries<'_>) -> Option<MailData> {
    let given: Vec<KeyValue<'_>> = CONTENT_KEYS.iter().filter_map(|key| entries.entry(key)).collect();
    let [only] = given.as_slice() else {
        let text = format!("`{}` takes one of `text`, `file`, `base64` and `filler`", entry.key);
        decoder.complain(Diagnostic::error(entry.key_span, text));
        return None;
    };
    let content = content(decoder, *only)?;
    if let Some(template) = entries.entry("template").filter(|_| is_known(&content)) {
        let text = format!("`{}` holds no templates", only.key);
        decoder.complain(Diagnostic::error(template.key_span, text));
    }
    let is_text = matches!(content, Content::Text(_));
    Some(MailData {
        template: decoder.flag(entries, "template", is_text),
        keep_line_endings: entries.value("line_endings").is_some_and(|node| keeps_line_endings(decoder, node)),
        ..plain(content)
    })
}

/// What one of [`CONTENT_KEYS`] stands for.
pub(super) fn content(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Content> {
    let text = decoder.text_of(entry)?;
    let known = match entry.key {
        "text" => return Some(Content::Text(text)),
        "file" => return Some(Content::File(text)),
        "base64" => decode_base64(&text.source).map(Content::Bytes),
        _ => Filler::parse(&text.source).map(Content::Filler),
    };
    known.map_err(|message| decoder.complain(Diagnostic::error(entry.value.span, message))).ok()
}

fn keeps_line_endings(decoder: &mut Decoder<'_>, node: &Node) -> bool {
    match node.scalar().map(|scalar| scalar.text.as_str()) {
        Some("keep") => true,
        Some("crlf") => false,
        _ => {
            decoder.wrong_type(node, "`crlf` or `keep`");
            false
        }
    }
}

pub(super) fn bdat(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Bdat> {
    let chunks = |data| Bdat {
        data: MailData { transparency: false, terminate: false, ..data },
        chunk: DEFAULT_CHUNK,
        last: true,
    };
    if !matches!(entry.value.value, Value::Map(_)) {
        return decoder.text_of(entry).map(|text| chunks(plain(Content::Text(text))));
    }
    let entries = decoder.entries(entry.value, "`bdat`", &[&CONTENT_KEYS, &BDAT_KEYS])?;
    let data = match entries.entry("message") {
        Some(message) => {
            let others = CONTENT_KEYS.iter().chain(&["template", "line_endings"]);
            if let Some(other) = others.copied().find_map(|key| entries.entry(key)) {
                let text = format!("`{}` cannot stand beside `message`", other.key);
                decoder.complain(Diagnostic::error(other.key_span, text));
            }
            plain(Content::Message(Box::new(message::message(decoder, message)?)))
        }
        None => written_data(decoder, entry, &entries)?,
    };
    Some(Bdat {
        chunk: entries.value("chunk").map_or(Some(DEFAULT_CHUNK), |node| size(decoder, node))?,
        last: decoder.flag(&entries, "last", true),
        ..chunks(data)
    })
}

fn size(decoder: &mut Decoder<'_>, node: &Node) -> Option<usize> {
    match parse_size(node.scalar().map_or("", |scalar| scalar.text.as_str())) {
        Ok(size) => Some(size),
        Err(message) => {
            decoder.complain(Diagnostic::error(node.span, message));
            None
        }
    }
}

/// `pace: {bytes: 1, every: 50ms}`
pub(super) fn pace(decoder: &mut Decoder<'_>, node: &Node) -> Option<Pace> {
    let entries = decoder.entries(node, "`pace`", &[&["bytes", "every"]])?;
    let (Some(bytes), Some(every)) = (entries.value("bytes"), entries.value("every")) else {
        let error = Diagnostic::error(entries.span, "`pace` takes `bytes` and `every`");
        decoder.complain(error.help("write `pace: {bytes: 1, every: 50ms}`"));
        return None;
    };
    let count = match bytes.scalar().map(|scalar| scalar.kind) {
        Some(ScalarKind::Int(count)) if count > 0 => usize::try_from(count).ok(),
        _ => None,
    };
    if count.is_none() {
        decoder.wrong_type(bytes, "a number of octets, 1 or more");
    }
    Some(Pace { bytes: count?, every: decoder.length(every)? })
}

/// Whether its octets are known before the run.
fn is_known(content: &Content) -> bool {
    matches!(content, Content::Bytes(_) | Content::Filler(_))
}

pub(super) fn plain(content: Content) -> MailData {
    MailData { content, template: true, transparency: true, keep_line_endings: false, terminate: true }
}
