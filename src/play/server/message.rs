//! The message that a server took in: how large it was, what it says, its headers, its octets.
//!
//! Responsible for `message` in templates. Its text is kept up to a limit, its size is counted to the end.

use crate::scenario::value_from_bytes;
use crate::smtp::message::{ReadableMessage, ReceivedAttachment, decoded, header_fields};
use memchr::memmem;
use minijinja::value::{Object, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The most of one message that is kept, in octets.
const MAX_KEPT: usize = 8 * 1024 * 1024;

/// A message, its transparency undone.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReceivedMessage {
    bytes: Vec<u8>,
    size: u64,
    readable: OnceLock<ReadableMessage>,
    /// Whether a secret stands in it.
    pub(crate) holds_secret: bool,
}

/// How much of a message had come before a chunk.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Begun {
    kept: usize,
    size: u64,
}

impl ReceivedMessage {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        let room = MAX_KEPT - self.bytes.len();
        self.bytes.extend_from_slice(&octets[..octets.len().min(room)]);
        self.size += octets.len() as u64;
    }

    /// Takes what has come of one out of its place, where it goes on; else a new one.
    pub(crate) fn going_on(place: &mut Option<Arc<ReceivedMessage>>, goes_on: bool) -> ReceivedMessage {
        place.take().filter(|_| goes_on).map(Arc::unwrap_or_clone).unwrap_or_default()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much there is of it now.
    pub(crate) fn begun(&self) -> Begun {
        Begun { kept: self.bytes.len(), size: self.size }
    }

    /// What has come since.
    pub(crate) fn since(&self, begun: Begun) -> &[u8] {
        &self.bytes[begun.kept..]
    }

    /// How many octets have come since.
    pub(crate) fn size_since(&self, begun: Begun) -> u64 {
        self.size - begun.size
    }

    fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.size
    }

    /// Up to the first empty line.
    fn head(&self) -> &[u8] {
        if self.bytes.starts_with(b"\r\n") {
            return b"";
        }
        memmem::find(&self.bytes, b"\r\n\r\n").map_or(&self.bytes, |end| &self.bytes[..end + 2])
    }

    fn body(&self) -> &[u8] {
        let head = self.head().len();
        let rest = self.bytes.get(head..).unwrap_or_default();
        rest.strip_prefix(b"\r\n").unwrap_or(rest)
    }

    /// The value of the first header field of that name, unfolded and decoded.
    fn header(&self, name: &str) -> Option<Vec<u8>> {
        let fields = header_fields(self.head());
        fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| decoded(value))
    }

    /// What it says, read when it is asked for.
    fn readable(&self) -> &ReadableMessage {
        self.readable.get_or_init(|| ReadableMessage::of(&self.bytes))
    }

    fn attachments(&self) -> Value {
        let described = |file: &ReceivedAttachment| {
            let name = file.name.clone().map_or(Value::from(()), Value::from);
            let entries =
                [("name", name), ("type", Value::from(file.media_type.clone())), ("size", Value::from(file.size))];
            Value::from(entries.into_iter().collect::<BTreeMap<&str, Value>>())
        };
        Value::from(self.readable().attachments.iter().map(described).collect::<Vec<Value>>())
    }
}

impl Object for ReceivedMessage {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "size" => Some(Value::from(self.size)),
            "headers" => Some(Value::from_object(HeadersView(self.clone()))),
            // A part would be taken for the whole.
            "raw" if self.is_whole() => Some(value_from_bytes(self.bytes.clone())),
            "text" if self.is_whole() => Some(optional(self.readable().text.as_ref())),
            "html" if self.is_whole() => Some(optional(self.readable().html.as_ref())),
            "attachments" if self.is_whole() => Some(self.attachments()),
            "body" if self.is_whole() => Some(value_from_bytes(self.body().to_vec())),
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

/// A text, or none.
fn optional(text: Option<&String>) -> Value {
    text.cloned().map_or(Value::from(()), Value::from)
}

/// `message.headers.Subject` and `message.headers['Message-ID']`, in any case.
#[derive(Debug)]
struct HeadersView(Arc<ReceivedMessage>);

impl Object for HeadersView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.header(key.as_str()?).map(value_from_bytes)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> ReceivedMessage {
        let mut message = ReceivedMessage::default();
        message.push(text.as_bytes());
        message
    }

    #[test]
    fn headers_are_unfolded_and_found_in_any_case() {
        let message = message("Subject: a\r\n b\r\nTo : x@y\r\nSubject: c\r\n\r\nTo: body\r\n");
        assert_eq!(message.header("subject").unwrap(), b"a b");
        assert_eq!(message.header("TO").unwrap(), b"x@y");
        assert_eq!(message.header("Cc"), None);
        assert_eq!(message.body(), b"To: body\r\n");
    }

    #[test]
    fn messages_without_headers_or_body() {
        assert_eq!(message("\r\nbody\r\n").body(), b"body\r\n");
        assert_eq!(message("\r\na: b\r\n").header("a"), None);
        assert_eq!(message("A: b\r\n").body(), b"");
        assert_eq!(message("").header("a"), None);
        assert_eq!(message("A: b").header("a").unwrap(), b"b");
    }

    #[test]
    fn of_a_large_message_the_size_is_counted_to_the_end() {
        let mut large = ReceivedMessage::default();
        let part = vec![b'x'; 1024 * 1024];
        (0..20).for_each(|_| large.push(&part));
        assert_eq!((large.size, large.bytes().len()), (20 * 1024 * 1024, MAX_KEPT));
        assert!(!large.is_whole());
    }
}
