//! Reads `data`, `message`, `bdat` and `pace`.

use super::{Decoder, Entries, Entry, decode_base64};
use crate::scenario::Filler;
use crate::scenario::content::{
    Attachment, Bdat, Content, DEFAULT_CHUNK, HeaderField, HeaderKind, MailData, Message, Pace, parse_size,
};
use crate::scenario::source::Diagnostic;
use crate::scenario::template::Text;
use crate::scenario::yaml::{Node, ScalarKind, Value};

/// The keys of which one says what is sent.
const CONTENT_KEYS: [&str; 4] = ["text", "file", "base64", "filler"];
const DATA_KEYS: [&str; 4] = ["template", "transparency", "line_endings", "terminate"];
const BDAT_KEYS: [&str; 5] = ["message", "template", "line_endings", "chunk", "last"];
const MESSAGE_KEYS: [&str; 10] =
    ["from", "to", "cc", "subject", "date", "message_id", "headers", "text", "html", "attach"];
const ATTACHMENT_KEYS: [&str; 2] = ["name", "type"];
/// Fields that follow from what the message holds.
const MADE_FIELDS: [&str; 2] = ["content-type", "content-transfer-encoding"];

impl Decoder<'_> {
    pub(super) fn mail_data(&mut self, entry: Entry<'_>) -> Option<MailData> {
        if !matches!(entry.value.value, Value::Map(_)) {
            return self.text_of(entry).map(|text| plain(Content::Text(text)));
        }
        let entries = self.entries(entry.value, "`data`", &[&CONTENT_KEYS, &DATA_KEYS])?;
        let data = self.written_data(entry, &entries)?;
        Some(MailData {
            transparency: self.flag(&entries, "transparency", true),
            terminate: self.flag(&entries, "terminate", true),
            ..data
        })
    }

    /// One of `text`, `file`, `base64` and `filler`, with `template` and `line_endings`.
    fn written_data(&mut self, entry: Entry<'_>, entries: &Entries<'_>) -> Option<MailData> {
        let given: Vec<Entry<'_>> = CONTENT_KEYS.iter().filter_map(|key| entries.entry(key)).collect();
        let [only] = given.as_slice() else {
            let text = format!("`{}` takes one of `text`, `file`, `base64` and `filler`", entry.key);
            self.errors.push(Diagnostic::error(entry.key_span, text));
            return None;
        };
        let content = self.content(*only)?;
        if let Some(template) = entries.entry("template").filter(|_| is_known(&content)) {
            let text = format!("`{}` holds no templates", only.key);
            self.errors.push(Diagnostic::error(template.key_span, text));
        }
        let is_text = matches!(content, Content::Text(_));
        Some(MailData {
            template: self.flag(entries, "template", is_text),
            keep_line_endings: entries.value("line_endings").is_some_and(|node| self.keeps_line_endings(node)),
            ..plain(content)
        })
    }

    /// What one of [`CONTENT_KEYS`] stands for.
    fn content(&mut self, entry: Entry<'_>) -> Option<Content> {
        let text = self.text_of(entry)?;
        let known = match entry.key {
            "text" => return Some(Content::Text(text)),
            "file" => return Some(Content::File(text)),
            "base64" => decode_base64(&text.source).map(Content::Bytes),
            _ => Filler::parse(&text.source).map(Content::Filler),
        };
        known.map_err(|message| self.errors.push(Diagnostic::error(entry.value.span, message))).ok()
    }

    fn keeps_line_endings(&mut self, node: &Node) -> bool {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            Some("keep") => true,
            Some("crlf") => false,
            _ => {
                self.wrong_type(node, "`crlf` or `keep`");
                false
            }
        }
    }

    pub(super) fn bdat(&mut self, entry: Entry<'_>) -> Option<Bdat> {
        let chunks = |data| Bdat {
            data: MailData { transparency: false, terminate: false, ..data },
            chunk: DEFAULT_CHUNK,
            last: true,
        };
        if !matches!(entry.value.value, Value::Map(_)) {
            return self.text_of(entry).map(|text| chunks(plain(Content::Text(text))));
        }
        let entries = self.entries(entry.value, "`bdat`", &[&CONTENT_KEYS, &BDAT_KEYS])?;
        let data = match entries.entry("message") {
            Some(message) => {
                let others = CONTENT_KEYS.iter().chain(&["template", "line_endings"]);
                if let Some(other) = others.copied().find_map(|key| entries.entry(key)) {
                    let text = format!("`{}` cannot stand beside `message`", other.key);
                    self.errors.push(Diagnostic::error(other.key_span, text));
                }
                plain(Content::Message(Box::new(self.message(message)?)))
            }
            None => self.written_data(entry, &entries)?,
        };
        Some(Bdat {
            chunk: entries.value("chunk").map_or(Some(DEFAULT_CHUNK), |node| self.size(node))?,
            last: self.flag(&entries, "last", true),
            ..chunks(data)
        })
    }

    fn size(&mut self, node: &Node) -> Option<usize> {
        match parse_size(node.scalar().map_or("", |scalar| scalar.text.as_str())) {
            Ok(size) => Some(size),
            Err(message) => {
                self.errors.push(Diagnostic::error(node.span, message));
                None
            }
        }
    }

    /// `message:` as an action: mail data that is built.
    pub(super) fn message_step(&mut self, entry: Entry<'_>) -> Option<MailData> {
        self.message(entry).map(|message| plain(Content::Message(Box::new(message))))
    }

    fn message(&mut self, entry: Entry<'_>) -> Option<Message> {
        let entries = self.entries(entry.value, "`message`", &[&MESSAGE_KEYS])?;
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
            let values = if kind == HeaderKind::Addresses { self.texts_of(entry) } else { vec![self.text_of(entry)?] };
            headers.push(HeaderField { name: name.to_owned(), kind, values });
        }
        if let Some(node) = entries.value("headers") {
            self.header_fields(node, &mut headers);
        }
        Some(Message {
            headers,
            text: entries.entry("text").and_then(|entry| self.text_of(entry)),
            html: entries.entry("html").and_then(|entry| self.text_of(entry)),
            attachments: entries.value("attach").map(|node| self.attachments(node)).unwrap_or_default(),
        })
    }

    /// One text or a list of them.
    fn texts_of(&mut self, entry: Entry<'_>) -> Vec<Text> {
        match &entry.value.value {
            Value::List(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            _ => self.text_of(entry).into_iter().collect(),
        }
    }

    fn header_fields(&mut self, node: &Node, headers: &mut Vec<HeaderField>) {
        let Value::Map(pairs) = &node.value else {
            return self.wrong_type(node, "a mapping of header names to values");
        };
        for (key, value) in pairs {
            let Some(name) = self.header_name(key, headers) else { continue };
            let values = match &value.value {
                Value::List(items) => items.iter().filter_map(|item| self.text(item)).collect(),
                _ => self.text(value).into_iter().collect(),
            };
            headers.push(HeaderField { name, kind: HeaderKind::Unstructured, values });
        }
    }

    /// Printable ASCII without blanks and colons (RFC 5322 section 2.2), and none that the message has already.
    fn header_name(&mut self, key: &Node, headers: &[HeaderField]) -> Option<String> {
        let name = key.scalar().map_or("", |scalar| scalar.text.as_str());
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            self.wrong_type(key, "the name of a header: printable ASCII without blanks and `:`");
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
            self.errors.push(Diagnostic::error(key.span, text).help(help));
            return None;
        }
        Some(name.to_owned())
    }

    fn attachments(&mut self, node: &Node) -> Vec<Attachment> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node, "a list of files");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.attachment(item)).collect()
    }

    fn attachment(&mut self, node: &Node) -> Option<Attachment> {
        if !matches!(node.value, Value::Map(_)) {
            let content = Content::File(self.text(node)?);
            return Some(Attachment { content, name: None, media_type: None });
        }
        let entries = self.entries(node, "an attachment", &[&CONTENT_KEYS, &ATTACHMENT_KEYS])?;
        let given: Vec<Entry<'_>> = CONTENT_KEYS.iter().filter_map(|key| entries.entry(key)).collect();
        let [only] = given.as_slice() else {
            let text = if given.is_empty() { "an attachment needs a `file`" } else { "an attachment has one content" };
            let error = Diagnostic::error(entries.span, text);
            self.errors.push(error.help("in place of `file` may stand `text`, `base64` or `filler`"));
            return None;
        };
        let content = self.content(*only)?;
        let name = entries.entry("name").and_then(|entry| self.text_of(entry));
        if name.is_none() && !matches!(content, Content::File(_)) {
            let error = Diagnostic::error(entries.span, "this attachment needs a `name`");
            self.errors.push(error.help("only a file has one of its own"));
        }
        Some(Attachment { content, name, media_type: entries.entry("type").and_then(|entry| self.text_of(entry)) })
    }

    /// `pace: {bytes: 1, every: 50ms}`
    pub(super) fn pace(&mut self, node: &Node) -> Option<Pace> {
        let entries = self.entries(node, "`pace`", &[&["bytes", "every"]])?;
        let (Some(bytes), Some(every)) = (entries.value("bytes"), entries.value("every")) else {
            let error = Diagnostic::error(entries.span, "`pace` takes `bytes` and `every`");
            self.errors.push(error.help("write `pace: {bytes: 1, every: 50ms}`"));
            return None;
        };
        let count = match bytes.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Int(count)) if count > 0 => usize::try_from(count).ok(),
            _ => None,
        };
        if count.is_none() {
            self.wrong_type(bytes, "a number of octets, 1 or more");
        }
        Some(Pace { bytes: count?, every: self.length(every)? })
    }
}

/// Whether its octets are known before the run.
fn is_known(content: &Content) -> bool {
    matches!(content, Content::Bytes(_) | Content::Filler(_))
}

fn plain(content: Content) -> MailData {
    MailData { content, template: true, transparency: true, keep_line_endings: false, terminate: true }
}
