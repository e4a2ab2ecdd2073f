//! The entries of a mapping, as the readers take them apart.

use crate::scenario::source::Span;
use crate::scenario::yaml::Node;

/// The entries of a mapping.
pub(super) struct Entries<'n> {
    pub(super) span: Span,
    pub(super) list: Vec<KeyValue<'n>>,
}

/// A key of a mapping, and its value.
#[derive(Clone, Copy)]
pub(super) struct KeyValue<'n> {
    pub(super) key: &'n str,
    pub(super) key_span: Span,
    pub(super) value: &'n Node,
}

impl<'n> Entries<'n> {
    pub(super) fn entry(&self, key: &str) -> Option<KeyValue<'n>> {
        self.list.iter().find(|entry| entry.key == key).copied()
    }

    pub(super) fn value(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| entry.value)
    }
}

impl KeyValue<'_> {
    /// Key and value.
    pub(super) fn span(&self) -> Span {
        Span { end: self.value.span.end.max(self.key_span.end), ..self.key_span }
    }

    /// The value, or the key where the value is empty.
    pub(super) fn value_span(&self) -> Span {
        if self.value.is_null() { self.key_span } else { self.value.span }
    }
}
