//! Reads YAML into a tree in which every node knows where it stands.
//!
//! Responsible for YAML alone: syntax, limits against hostile documents, spans, and how an offset in a string's
//! value maps back to the file. What the keys mean is `parse`'s business. The only module that calls serde-saphyr.

use super::MAX_YAML_NESTING;
use super::source::{Diagnostic, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Location, Spanned};
use std::fmt;

mod faults;
pub(super) mod foreign;
mod indentation;
mod quoting;

pub(crate) use quoting::quoted;

/// One node of a YAML document with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Span,
}

/// What a node holds. A scalar keeps its text as written beside what YAML makes of it: `0250` is text where text is wanted.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A scalar: its text, how YAML types it, and where each part of the text stands in the file.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) kind: ScalarKind,
    pub(crate) layout: Layout,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ScalarKind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

/// Maps offsets in a scalar's text to offsets in the file: runs that stand in both, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// (offset in the text, offset in the file); each run reaches to the next. Empty: unknown (escapes, folding).
    runs: Vec<(usize, usize)>,
}

/// Room for the parser's recursion at [`MAX_YAML_NESTING`] in a build that is not optimised, in bytes.
const PARSER_STACK: usize = 16 * 1024 * 1024;

/// Reads one document. Syntax errors and breached limits come back as a diagnostic with its place.
pub(crate) fn read(text: &str, file: u32) -> Result<Node, Diagnostic> {
    if !cfg!(debug_assertions) {
        return read_here(text, file);
    }
    // Without optimisation the parser's frames are ten times as large as a test's thread has room for.
    let failed = || Diagnostic::error(Span { file, ..Span::default() }, "the YAML parser could not be started");
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().stack_size(PARSER_STACK).spawn_scoped(scope, || read_here(text, file));
        parser.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| Err(failed()))
    })
}

fn read_here(text: &str, file: u32) -> Result<Node, Diagnostic> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_YAML_NESTING,
            flow_nesting_limit: MAX_YAML_NESTING,
            max_nodes: 100_000,
            max_events: 300_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: 1,
            max_total_scalar_bytes: 4 * 1024 * 1024,
        },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok(Builder { text, file }.node(raw)),
        Err(error) => Err(faults::syntax_error(text, file, &error)),
    }
}

impl Node {
    /// The scalar's text, or nothing for a list or mapping.
    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Whether the value is empty: `key:` with nothing after it.
    pub(crate) fn is_null(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.kind == ScalarKind::Null)
    }

    /// What the node is, for error messages.
    pub(crate) fn description(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => "nothing",
                ScalarKind::Bool(_) => "true or false",
                ScalarKind::Int(_) | ScalarKind::Float(_) => "a number",
                ScalarKind::Text => "text",
            },
        }
    }
}

impl Layout {
    /// The offset in the file of `offset` in the text, where it is known.
    pub(crate) fn file_offset(&self, offset: usize) -> Option<usize> {
        let run = self.runs.partition_point(|(start, _)| *start <= offset).checked_sub(1)?;
        let (start, file) = self.runs.get(run)?;
        Some(file + (offset - start))
    }

    /// For text that was not read from a file.
    pub(crate) fn unknown() -> Layout {
        Layout::default()
    }

    /// The text stands in the file as it is, from `start` on.
    pub(crate) fn verbatim(start: usize) -> Layout {
        Layout { runs: vec![(0, start)] }
    }
}

/// A node as serde delivers it, before text and layout are known.
enum Raw {
    Scalar(ScalarKind, String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

struct RawVisitor;

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(ScalarKind::Bool(value), value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(ScalarKind::Int(value), value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        let kind = i64::try_from(value).map_or(ScalarKind::Text, ScalarKind::Int);
        Ok(Raw::Scalar(kind, value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(ScalarKind::Float(value), value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(ScalarKind::Text, value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Scalar(ScalarKind::Text, value))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(ScalarKind::Null, String::new()))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(ScalarKind::Null, String::new()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// Turns raw nodes into nodes, with the text at hand.
struct Builder<'a> {
    text: &'a str,
    file: u32,
}

impl Builder<'_> {
    fn node(&self, raw: Spanned<Raw>) -> Node {
        let place = self.span(raw.referenced);
        match raw.value {
            Raw::Scalar(kind, value) => self.scalar(kind, value, place),
            Raw::List(items) => {
                let items: Vec<Node> = items.into_iter().map(|item| self.node(item)).collect();
                let end = items.last().map_or(place.end, |last| last.span.end);
                Node { span: Span { end: end.max(place.end), ..place }, value: Value::List(items) }
            }
            Raw::Map(entries) => {
                let entries: Vec<(Node, Node)> =
                    entries.into_iter().map(|(key, value)| (self.node(key), self.node(value))).collect();
                let end = entries.last().map_or(place.end, |(key, value)| key.span.end.max(value.span.end));
                Node { span: Span { end: end.max(place.end), ..place }, value: Value::Map(entries) }
            }
        }
    }

    /// A plain scalar keeps the text as written; a quoted or block one what YAML makes of it.
    fn scalar(&self, kind: ScalarKind, value: String, place: Span) -> Node {
        let raw = self.text.get(place.start as usize..place.end as usize).unwrap_or("").trim_end();
        let span = place.with_range(place.start as usize, place.start as usize + raw.len());
        let text = if kind == ScalarKind::Text || raw.starts_with(['*', '&']) { value } else { raw.to_owned() };
        let layout = self.layout(&text, raw, place.start as usize);
        Node { value: Value::Scalar(Scalar { text, kind, layout }), span }
    }

    fn layout(&self, text: &str, raw: &str, start: usize) -> Layout {
        if raw == text {
            return Layout::verbatim(start);
        }
        if raw.len() == text.len() + 2 && raw.starts_with(['"', '\'']) && raw.get(1..=text.len()) == Some(text) {
            return Layout::verbatim(start + 1);
        }
        self.block_layout(text, start).unwrap_or_default()
    }

    /// A literal block: each line of the text stands in the file after the block's indentation.
    fn block_layout(&self, text: &str, start: usize) -> Option<Layout> {
        let line_start = self.text.get(..start)?.rfind('\n')? + 1;
        let indentation = start - line_start;
        let mut runs = Vec::new();
        let mut offset = 0;
        let mut file = line_start;
        for line in text.trim_end_matches('\n').split('\n') {
            let rest = self.text.get(file..)?;
            let written = rest.split('\n').next()?;
            let content = written.get(indentation.min(written.len())..)?;
            if content.trim_end_matches('\r') != line {
                return None;
            }
            runs.push((offset, file + indentation.min(written.len())));
            offset += line.len() + 1;
            file += written.len() + 1;
        }
        Some(Layout { runs })
    }

    fn span(&self, location: Location) -> Span {
        span_of(self.text, self.file, location)
    }
}

/// The span of a location: by byte offset where the parser tells it, else by line and column.
fn span_of(text: &str, file: u32, location: Location) -> Span {
    let span = location.span();
    let base = Span { file, ..Span::default() };
    if let (Some(start), Some(length)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        return base.with_range(start, start + usize::try_from(length).unwrap_or(0));
    }
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let line_start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let line_text = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let within: usize = line_text.chars().take(column - 1).map(char::len_utf8).sum();
    base.with_range(line_start + within, line_start + within + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Value::Map(entries) = &node.value else { panic!("not a mapping") };
        &entries.iter().find(|(name, _)| name.scalar().unwrap().text == key).unwrap().1
    }

    #[test]
    fn plain_scalars_keep_their_text_as_written() {
        let node = read("a: 0250\nb: 1e3\nc: no\nd: '250'\n", 0).unwrap();
        assert_eq!(entry(&node, "a").scalar().unwrap().text, "0250");
        assert_eq!(entry(&node, "b").scalar().unwrap().text, "1e3");
        assert_eq!(entry(&node, "c").scalar().unwrap().kind, ScalarKind::Text);
        assert_eq!(entry(&node, "d").scalar().unwrap().text, "250");
    }

    #[test]
    fn offsets_map_back_to_the_file() {
        let text = "a: plain\nb: 'quoted'\nc: |\n  one\n    two\n\n  three\nd: \"x\\x41\"\n";
        let node = read(text, 0).unwrap();
        for (key, needle) in [("a", "lain"), ("b", "uoted"), ("c", "wo"), ("c", "three")] {
            let scalar = entry(&node, key).scalar().unwrap();
            let offset = scalar.text.find(needle).unwrap();
            let file = scalar.layout.file_offset(offset).unwrap();
            assert!(text[file..].starts_with(needle), "{key}: {:?}", &text[file..]);
        }
        assert_eq!(entry(&node, "d").scalar().unwrap().layout.file_offset(1), None);
    }

    #[test]
    fn syntax_errors_have_a_place_and_a_hint() {
        let error = read("steps:\n  - send: MAIL FROM: <a>\n", 0).unwrap_err();
        assert!(error.message.starts_with("not valid YAML"), "{}", error.message);
        assert!(!error.footnotes.is_empty());
    }

    #[test]
    fn hostile_documents_are_refused() {
        let laughs: String = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned())
            .chain((1..10).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","))))
            .collect();
        for text in ["[".repeat(100_000), "{c: [".repeat(20_000), laughs, "- ".repeat(50_000)] {
            assert!(read(&text, 0).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n\t&*!|>'\"{}\\[\\]é]{0,120}") {
            if let Ok(node) = read(&text, 0) {
                proptest::prop_assert!(node.span.end as usize <= text.len());
            }
        }
    }
}
