//! The entries of a mapping, as the readers take them apart.

use super::advice::{list_some, mapping_help, merge_key, place_of};
use super::decoder::Decoder;
use crate::scenario::source::{Diagnostic, DiagnosticKind, Span};
use crate::scenario::typography::Lookalike;
use crate::scenario::words;
use crate::scenario::yaml::{Node, Value, foreign};

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

/// Complaints about keys that are unknown, doubled or odd.
impl Decoder<'_> {
    /// The entries of a mapping, after complaints about unknown, doubled and odd keys.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str, known: &[&[&'static str]]) -> Option<Entries<'n>> {
        let Value::Map(pairs) = &node.value else {
            let error = Diagnostic::error(node.span, format!("{what} is a mapping, not {}", node.description()))
                .label(format!("expected keys such as {}", list_some(known)));
            let text = self.sources.file(0).filter(|_| what == "a scenario").map_or("", |source| source.text.as_str());
            let help = foreign::help(text).or_else(|| mapping_help(what));
            self.complain(help.into_iter().fold(error, Diagnostic::help));
            return None;
        };
        let mut entries = Entries { span: node.span, list: Vec::new() };
        for (key, value) in pairs {
            let Some(scalar) = key.scalar() else {
                self.complain(Diagnostic::error(
                    key.span,
                    format!("a key of {what} is a word, not {}", key.description()),
                ));
                continue;
            };
            let name = scalar.text.as_str();
            if let Some(first) = entries.entry(name) {
                let error = Diagnostic::error(key.span, format!("`{name}` stands here twice"))
                    .other(first.key_span, "the first one");
                let of_step = matches!(what, "a step" | "a server's step");
                self.complain(error.help(if of_step {
                    "a new step begins with `- `"
                } else {
                    "leave one of them out, or put what both hold under one"
                }));
            } else if known.iter().any(|keys| keys.contains(&name)) {
                entries.list.push(KeyValue { key: name, key_span: key.span, value });
            } else {
                self.unknown_key(name, key.span, what, known);
            }
        }
        Some(entries)
    }

    pub(super) fn unknown_key(&mut self, name: &str, span: Span, what: &str, known: &[&[&str]]) {
        if name == "<<" {
            return self.complain(merge_key(span));
        }
        let error =
            Diagnostic::error(span, format!("`{name}` is not a key of {what}")).kind(DiagnosticKind::UnknownKey);
        let all = || known.iter().flat_map(|keys| keys.iter().copied());
        if let Some(lookalike) = Lookalike::first(name) {
            let advice = format!("{}: {}", lookalike.described(), lookalike.advice());
            return self.complain(error.help(advice));
        }
        let of_sign = foreign_sign(name, what);
        self.complain(match of_sign.or_else(|| words::help(name, place_of(what), all())) {
            Some(help) => error.help(help),
            None => error.help(format!("the keys are {}", all().collect::<Vec<_>>().join(", "))),
        });
    }
}

/// What a key that is no word was meant to be.
fn foreign_sign(name: &str, what: &str) -> Option<String> {
    let name = name.trim();
    if name.starts_with("//") || name.starts_with("/*") {
        return Some("a comment begins with `#`".to_owned());
    }
    let is_code = name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_digit());
    (is_code && what == "`expect`").then(|| format!("the reply code is `code: {name}`, its text `text: PATTERN`"))
}
