//! Reads the forms of `expect`.

use super::{Decoder, Entry};
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::yaml::{Node, ScalarKind, Value};
use crate::scenario::{ClosedBy, CodePattern, CodeSet, Expectation, Expected, Fields};

const FIELD_KEYS: [&str; 6] = ["code", "enhanced", "text", "not", "within", "closed"];
const FORM_KEYS: [&str; 5] = ["any", "all", "line", "raw", "silence"];

impl Decoder<'_> {
    /// One expectation; `key_span` is where the key stands, for a value that is missing.
    pub(super) fn expectation(&mut self, node: &Node, key_span: Span) -> Option<Expectation> {
        let kind = match &node.value {
            Value::List(_) => {
                self.errors.push(
                    Diagnostic::error(node.span, "a list does not say whether one or all of it must hold")
                        .help("write `any: […]` or `all: […]`"),
                );
                return None;
            }
            Value::Map(_) => self.mapping(node)?,
            Value::Scalar(_) if node.is_null() => {
                self.errors.push(
                    Diagnostic::error(key_span, "`expect` is empty")
                        .help("write a reply code (`250`, `2xx`) or a pattern (`^250`)"),
                );
                return None;
            }
            Value::Scalar(scalar) => match CodePattern::parse(&scalar.text) {
                Some(code) => Expected::Code(CodeSet::OneOf(vec![code])),
                None if matches!(scalar.kind, ScalarKind::Int(_) | ScalarKind::Float(_)) => {
                    self.errors.push(not_a_code(node, &scalar.text));
                    return None;
                }
                None => Expected::Pattern(self.pattern(node)?),
            },
        };
        Some(Expectation { span: node.span, kind })
    }

    fn mapping(&mut self, node: &Node) -> Option<Expected> {
        let entries = self.entries(node, "`expect`", &[&FIELD_KEYS, &FORM_KEYS])?;
        let form = entries.list.iter().find(|entry| FORM_KEYS.contains(&entry.key)).copied();
        if let Some(form) = form {
            if let Some(beside) = entries.list.iter().find(|entry| entry.key != form.key) {
                self.errors.push(
                    Diagnostic::error(beside.key_span, format!("`{}` cannot stand beside `{}`", beside.key, form.key))
                        .help("join them with `all: [{…}, {…}]`"),
                );
            }
            return self.form(form);
        }
        let mut fields = Fields::default();
        for entry in &entries.list {
            self.field(&mut fields, *entry)?;
        }
        let only_closed = entries.list.len() == 1;
        if let Some((closed, _)) = fields.closed.filter(|_| only_closed) {
            return Some(Expected::Closed(closed));
        }
        if fields.code.is_none() && fields.enhanced.is_none() {
            self.errors.push(
                Diagnostic::error(node.span, "this would also match a refusal: it says nothing about the reply code")
                    .help("add `code: 250`, or `code: any` if that is meant"),
            );
        }
        Some(Expected::Fields(Box::new(fields)))
    }

    fn form(&mut self, entry: Entry<'_>) -> Option<Expected> {
        match entry.key {
            "any" => self.alternatives(entry).map(Expected::Any),
            "all" => self.alternatives(entry).map(Expected::All),
            "silence" => self.length(entry.value).map(Expected::Silence),
            "line" => self.text_of(entry).map(|text| Expected::Line(super::Pattern::new(text))),
            _ => self.text_of(entry).map(|text| Expected::Raw(super::Pattern::new(text))),
        }
    }

    fn alternatives(&mut self, entry: Entry<'_>) -> Option<Vec<Expectation>> {
        let Value::List(items) = &entry.value.value else {
            self.wrong_type(entry.value, "a list of expectations");
            return None;
        };
        if items.is_empty() {
            self.errors
                .push(Diagnostic::error(entry.value.span, format!("`{}` is empty: nothing can hold", entry.key)));
            return None;
        }
        let mut alternatives = Vec::new();
        for item in items {
            let alternative = self.expectation(item, entry.key_span)?;
            let closed_here = matches!(alternative.kind, Expected::Closed(_)) && entry.key == "any";
            let reads_otherwise = matches!(
                alternative.kind,
                Expected::Line(_) | Expected::Raw(_) | Expected::Silence(_) | Expected::Closed(_)
            );
            if reads_otherwise && !closed_here {
                self.errors.push(
                    Diagnostic::error(
                        item.span,
                        format!("this reads something else than a reply and cannot stand in `{}`", entry.key),
                    )
                    .help("write it as an `expect` of its own"),
                );
            }
            alternatives.push(alternative);
        }
        Some(alternatives)
    }

    fn field(&mut self, fields: &mut Fields, entry: Entry<'_>) -> Option<()> {
        let span = entry.value.span;
        match entry.key {
            "code" => fields.code = Some((self.codes(entry.value)?, span)),
            "enhanced" => fields.enhanced = Some((self.enhanced(entry)?, span)),
            "text" => fields.text = Some((super::Pattern::new(self.text_of(entry)?), span)),
            "not" => fields.not = Some((super::Pattern::new(self.text_of(entry)?), span)),
            "within" => fields.within = Some((self.length(entry.value)?, span)),
            _ => fields.closed = Some((self.closed_by(entry.value)?, span)),
        }
        Some(())
    }

    fn codes(&mut self, node: &Node) -> Option<CodeSet> {
        let code = |decoder: &mut Decoder<'_>, node: &Node| {
            let text = node.scalar().map_or("", |scalar| scalar.text.as_str());
            let code = CodePattern::parse(text);
            if code.is_none() {
                decoder.errors.push(not_a_code(node, text));
            }
            code
        };
        match &node.value {
            Value::List(items) if !items.is_empty() => {
                items.iter().map(|item| code(self, item)).collect::<Option<_>>().map(CodeSet::OneOf)
            }
            Value::Scalar(scalar) if scalar.text == "any" => Some(CodeSet::Any),
            _ => code(self, node).map(|code| CodeSet::OneOf(vec![code])),
        }
    }

    /// `5.7.8` or `5.7.x`; templates are looked at when they are rendered.
    fn enhanced(&mut self, entry: Entry<'_>) -> Option<super::Text> {
        let text = self.text_of(entry)?;
        let parts: Vec<&str> = text.source.split('.').collect();
        let part = |part: &&str| {
            *part == "x" || (!part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()))
        };
        if text.is_literal() && !(parts.len() == 3 && parts.iter().all(part)) {
            self.errors.push(
                Diagnostic::error(entry.value.span, format!("`{}` is not an enhanced status code", text.source))
                    .help("write it as `5.7.8`, or with `x` for any number: `5.7.x`"),
            );
            return None;
        }
        Some(text)
    }

    fn closed_by(&mut self, node: &Node) -> Option<ClosedBy> {
        match node.scalar().map(|scalar| (scalar.kind, scalar.text.as_str())) {
            Some((ScalarKind::Bool(true), _)) => Some(ClosedBy::Either),
            Some((_, "fin")) => Some(ClosedBy::Fin),
            Some((_, "reset")) => Some(ClosedBy::Reset),
            _ => {
                self.wrong_type(node, "`true`, `fin` or `reset`");
                None
            }
        }
    }
}

fn not_a_code(node: &Node, text: &str) -> Diagnostic {
    Diagnostic::error(node.span, format!("`{text}` is not a reply code"))
        .help("a reply code is three digits, the first from 1 to 5 (`250`), or a class (`2xx`, `25x`)")
}
