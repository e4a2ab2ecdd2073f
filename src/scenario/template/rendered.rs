//! What values become in a text: the bytes for the wire, beside the text for everyone else.

use crate::visible::visible;
use minijinja::value::{Value, ValueKind};
use std::fmt::Write as _;

/// What a text was rendered to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The bytes for the wire.
    pub(crate) bytes: Vec<u8>,
    /// The text for everyone else: no secret in it.
    pub(crate) shown: String,
    /// Whether the bytes depend on a secret.
    pub(crate) secret: bool,
}

/// What the values put into a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Any value as it is.
    Plain,
    /// A line of a command: a value with CR or LF is refused.
    Line,
    /// A regular expression: values are escaped unless they are marked `| safe`.
    Pattern,
}

impl Rendered {
    /// A line of our own words.
    pub(crate) fn fixed(line: &str) -> Rendered {
        Rendered { bytes: format!("{line}\r\n").into_bytes(), shown: line.to_owned(), secret: false }
    }

    /// `message`, which may quote the value, without it where it depends on a secret.
    pub(crate) fn without_secret(&self, message: String) -> String {
        let value = String::from_utf8_lossy(&self.bytes);
        if self.secret && !value.is_empty() { message.replace(&*value, &self.shown) } else { message }
    }

    pub(super) fn push_literal(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.shown.push_str(text);
    }

    pub(super) fn push_value(&mut self, bytes: &[u8], written: &str, secret: bool) {
        self.bytes.extend_from_slice(bytes);
        self.secret |= secret;
        match std::str::from_utf8(bytes) {
            _ if secret => self.shown.push_str(written),
            Ok(text) => self.shown.push_str(text),
            Err(_) => self.shown.push_str(&visible(bytes)),
        }
    }
}

/// A value made of bytes: text where they are UTF-8.
pub(crate) fn value_from_bytes(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(error) => Value::from_bytes(error.into_bytes()),
    }
}

/// A value as bytes for the wire.
pub(super) fn bytes_of(value: &Value, mode: Mode) -> Result<Vec<u8>, String> {
    let bytes = match value.as_bytes() {
        Some(bytes) => bytes.to_vec(),
        None => value.to_string().into_bytes(),
    };
    match mode {
        Mode::Plain => Ok(bytes),
        Mode::Line if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n')) => {
            Err("holds a line break: data must not end the line it stands in".to_owned())
        }
        Mode::Line => Ok(bytes),
        Mode::Pattern if value.is_safe() => Ok(bytes),
        Mode::Pattern => Ok(escaped_pattern(&bytes)),
    }
}

/// Escapes `bytes` so that a pattern matches exactly them.
fn escaped_pattern(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = String::new();
    for chunk in bytes.utf8_chunks() {
        escaped.push_str(&regex::escape(chunk.valid()));
        for byte in chunk.invalid() {
            _ = write!(escaped, "(?-u:\\x{byte:02x})");
        }
    }
    escaped.into_bytes()
}

/// A value for a message, with its type where that matters.
pub(crate) fn describe(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => format!("{:?}", value.to_string()),
        ValueKind::Undefined => "undefined".to_owned(),
        ValueKind::None => "none".to_owned(),
        ValueKind::Bool => value.is_true().to_string(),
        _ => value.to_string(),
    }
}
