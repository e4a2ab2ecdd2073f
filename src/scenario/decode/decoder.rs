//! The tree's building blocks: texts, names, numbers, lists and mappings, and what is wrong with them.
//!
//! Responsible for the mistakes that every reader finds, and for keeping them. Called by all the other files here.

use super::advice::{as_list, as_mapping, wrong_type};
pub(super) use super::entries::{Entries, KeyValue};
use crate::scenario::lost::Lost;
use crate::scenario::sides::Side;
use crate::scenario::source::{Diagnostic, DiagnosticKind, Footnote, Sources, Span};
use crate::scenario::template::{Expression, Text};
use crate::scenario::variables::WITHOUT_VALUE;
use crate::scenario::yaml::{Node, ScalarKind, Value, quoted};
use crate::scenario::{Choosable, Chosen, Data, Includes, Length, Named, Pattern, duration};

/// Reads nodes and keeps what is wrong with them.
pub(super) struct Decoder<'a> {
    errors: Vec<Diagnostic>,
    /// What the broken parts would have given.
    pub(super) lost: Lost,
    /// The files that were read so far.
    pub(super) sources: Sources,
    /// Whose steps are read.
    pub(super) side: Side,
    pub(super) includes: &'a Includes<'a>,
    /// How many files include the one being read.
    pub(super) depth: usize,
    /// How many files were included so far.
    pub(super) included: usize,
}

/// Keys at the top of a file that are about the host to connect to.
const ABOUT_HOSTS: [&str; 4] = ["host", "hostname", "port", "address"];

/// Names with their values.
pub(super) type Bindings = Vec<(Named, Data)>;

impl<'a> Decoder<'a> {
    pub(super) fn new(sources: Sources, includes: &'a Includes<'a>) -> Decoder<'a> {
        Decoder {
            errors: Vec::new(),
            lost: Lost::default(),
            sources,
            side: Side::Client,
            includes,
            depth: 0,
            included: 0,
        }
    }

    /// What was found wrong, and the files that were read.
    pub(super) fn end(self) -> (Vec<Diagnostic>, Sources) {
        (self.errors, self.sources)
    }

    /// Reads a part; what it would have given is noted if anything in it is wrong.
    pub(super) fn part<T>(&mut self, note: impl FnOnce(&mut Lost), read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.errors.len();
        let part = read(self);
        if self.errors.len() > before {
            note(&mut self.lost);
        }
        part
    }

    /// `host` and `port` at the top: with the values that were written, the form is `connect: HOST:PORT`.
    pub(super) fn refuse_host_at_the_top(&mut self, root: &Node) {
        let Value::Map(pairs) = &root.value else { return };
        let text = |keys: &[&str]| {
            let found = pairs.iter().find(|(key, _)| key.scalar().is_some_and(|key| keys.contains(&key.text.as_str())));
            found.and_then(|(_, value)| value.scalar()).map(|scalar| scalar.text.clone())
        };
        let Some(host) = text(&["host", "hostname", "server", "address"]) else { return };
        let port = text(&["port"]).map_or(String::new(), |port| format!(":{port}"));
        let form = format!("write `connect: {host}{port}`");
        let is_about = |key: &Node| key.scalar().is_some_and(|key| ABOUT_HOSTS.contains(&key.text.as_str()));
        let keys: Vec<Span> =
            pairs.iter().map(|(key, _)| key).filter(|key| is_about(key)).map(|key| key.span).collect();
        for error in &mut self.errors {
            if error.kind == DiagnosticKind::UnknownKey && keys.contains(&error.span) {
                error.footnotes = vec![Footnote::Help(form.clone())];
            }
        }
    }

    /// Keeps a mistake.
    pub(super) fn complain(&mut self, mistake: Diagnostic) {
        self.errors.push(mistake);
    }
}

impl Decoder<'_> {
    /// One text or a list of them.
    pub(super) fn texts_of(&mut self, entry: KeyValue<'_>) -> Vec<Text> {
        match &entry.value.value {
            Value::List(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            _ => self.text_of(entry).into_iter().collect(),
        }
    }

    /// Names with values.
    pub(super) fn bindings(&mut self, node: &Node) -> Bindings {
        let Value::Map(entries) = &node.value else {
            self.wrong_type_with(node, "a mapping of names to values", as_mapping(node));
            return Vec::new();
        };
        entries.iter().filter_map(|(key, value)| Some((self.named(key)?, self.data(value)?))).collect()
    }

    // --- building blocks ---------------------------------------------------------------------------------------

    pub(super) fn wrong_type(&mut self, node: &Node, expected: &str) {
        let error = wrong_type(node, expected);
        self.errors.push(error);
    }

    /// The same with what to write.
    pub(super) fn wrong_type_with(&mut self, node: &Node, expected: &str, help: impl Into<String>) {
        let error = wrong_type(node, expected).help(help);
        self.errors.push(error);
    }

    /// A template. An empty value is refused: YAML makes `send:` null, which is easily an oversight.
    pub(super) fn text_of(&mut self, entry: KeyValue<'_>) -> Option<Text> {
        if entry.value.is_null() {
            self.errors.push(
                Diagnostic::error(entry.key_span, format!("`{}` is empty", entry.key))
                    .help("for an empty text write `\"\"`"),
            );
            return None;
        }
        if let ("data" | "text" | "html", Value::List(_)) = (entry.key, &entry.value.value) {
            let help = format!("write `{0}: |`, and below it the lines, each deeper than `{0}`", entry.key);
            self.wrong_type_with(entry.value, "text", help);
            return None;
        }
        self.text(entry.value)
    }

    pub(super) fn text(&mut self, node: &Node) -> Option<Text> {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null) else {
            let names_only = |entries: &[(Node, Node)]| entries.iter().all(|(_, value)| value.is_null());
            if self.sources.slice(node.span).starts_with("{{")
                || matches!(&node.value, Value::Map(entries) if names_only(entries))
                    && self.sources.slice(node.span).starts_with('{')
            {
                let help = "templates are written `<<name>>` here; text that begins with `{` stands in quotes";
                self.wrong_type_with(node, "text", help);
            } else if let Value::Map(_) = node.value {
                self.wrong_type_with(
                    node,
                    "text",
                    "the text itself stands here, without a key: `send: EHLO client.example`",
                );
            } else {
                self.wrong_type(node, "text");
            }
            return None;
        };
        match Text::parse(&scalar.text, node.span, scalar.layout.clone()) {
            Ok(text) => Some(text),
            Err(error) => {
                // What YAML takes for a comment, or for the end of a value, cuts a template off.
                let open = Text::is_left_open(&scalar.text);
                let cut_off = open.then(|| quoted(self.sources.line(error.span))).flatten();
                let diagnostic = Diagnostic::error(error.span, error.message);
                self.errors.push(match cut_off.or(error.help) {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                });
                None
            }
        }
    }

    pub(super) fn plain_text(&mut self, node: &Node) -> Option<String> {
        let text = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null).map(|scalar| scalar.text.clone());
        if text.is_none() {
            self.wrong_type(node, "text");
        }
        text
    }

    pub(super) fn pattern(&mut self, node: &Node) -> Option<Pattern> {
        self.text(node).map(Pattern::new)
    }

    /// `when: EXPRESSION`; brackets around it are a habit from texts, and say so.
    pub(super) fn expression(&mut self, node: &Node) -> Option<Expression> {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null) else {
            let help = "several conditions are joined by `and`, or stand in a step each";
            match node.value {
                Value::List(_) => self.wrong_type_with(node, "an expression", help),
                _ => self.wrong_type_with(node, "an expression", "write a condition: `assert: reply.code == 250`"),
            }
            return None;
        };
        if scalar.text.trim_start().starts_with("<<") {
            self.errors.push(
                Diagnostic::error(node.span, "an expression stands here without `<<` and `>>`")
                    .help(format!("write `{}`", without_brackets(&scalar.text))),
            );
            return None;
        }
        Some(Expression::new(&scalar.text, node.span, scalar.layout.clone()))
    }

    pub(super) fn named(&mut self, node: &Node) -> Option<Named> {
        let name = node.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
        let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if !starts || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            let plain: String =
                name.chars().map(|letter| if letter == '-' || letter == '.' { '_' } else { letter }).collect();
            let expected = "a name of letters, digits and `_` that starts with a letter";
            if starts && plain.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
                self.wrong_type_with(node, expected, format!("write `{plain}`, and read it as `<<{plain}>>`"));
            } else {
                self.wrong_type(node, expected);
            }
            return None;
        }
        Some(Named { name: name.to_owned(), span: node.span })
    }

    pub(super) fn names(&mut self, node: &Node) -> Vec<Named> {
        let Value::List(items) = &node.value else {
            self.wrong_type_with(node, "a list of names", as_list(node));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.tag_or_name(item)).collect()
    }

    pub(super) fn tag_or_name(&mut self, node: &Node) -> Option<Named> {
        if let Some(scalar) = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null) {
            Some(Named { name: scalar.text.clone(), span: node.span })
        } else if let Value::Map(entries) = &node.value
            && let Some(key) = entries.first().and_then(|(key, _)| key.scalar())
        {
            let help = format!("write `- {}`: names alone; values are given where it is run", key.text);
            self.wrong_type_with(node, "a name", help);
            None
        } else {
            self.wrong_type(node, "a name");
            None
        }
    }

    pub(super) fn data(&mut self, node: &Node) -> Option<Data> {
        match &node.value {
            Value::List(items) => items.iter().map(|item| self.data(item)).collect::<Option<_>>().map(Data::List),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|(key, value)| Some((self.plain_text(key)?, self.data(value)?)));
                pairs.collect::<Option<_>>().map(Data::Map)
            }
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Bool(value) => Some(Data::Bool(value)),
                ScalarKind::Int(value) if value.to_string() == scalar.text => Some(Data::Int(value)),
                ScalarKind::Float(value) if value.to_string() == scalar.text => Some(Data::Float(value)),
                ScalarKind::Null => {
                    self.errors.push(Diagnostic::error(node.span, WITHOUT_VALUE.0).help(WITHOUT_VALUE.1));
                    None
                }
                // `0250` and `1e3` are numbers to YAML, but nobody who writes them means 250 and 1000.
                _ => self.text(node).map(Data::Text),
            },
        }
    }

    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        if let Some(ScalarKind::Bool(value)) = node.scalar().map(|scalar| scalar.kind) {
            Some(value)
        } else {
            self.wrong_type(node, "true or false");
            None
        }
    }

    pub(super) fn flag(&mut self, entries: &Entries<'_>, key: &str, default: bool) -> bool {
        entries.value(key).and_then(|node| self.boolean(node)).unwrap_or(default)
    }

    /// One of a few words, or a template that gives one.
    pub(super) fn chosen<T: Choosable>(&mut self, node: &Node) -> Option<Chosen<T>> {
        let word = node.scalar().map_or("", |scalar| scalar.text.as_str());
        if let Some(value) = T::chosen(word) {
            return Some(Chosen::Known(value, node.span));
        }
        if word.contains("<<") {
            return self.text(node).map(Chosen::Template);
        }
        self.wrong_type(node, T::EXPECTED);
        None
    }

    pub(super) fn length(&mut self, node: &Node) -> Option<Length> {
        let text = self.text(node)?;
        if !text.is_literal() {
            return Some(Length::Template(text));
        }
        self.known_length(node).map(Length::Known)
    }

    pub(super) fn known_length(&mut self, node: &Node) -> Option<std::time::Duration> {
        if node.scalar().is_none_or(|scalar| scalar.text.is_empty()) {
            self.wrong_type(node, "a duration such as `30s`");
            return None;
        }
        match duration::parse(node.scalar().map_or("", |scalar| scalar.text.as_str())) {
            Ok(length) => Some(length),
            Err(message) => {
                self.errors.push(Diagnostic::error(node.span, message));
                None
            }
        }
    }

    pub(super) fn count(&mut self, node: &Node, least: u64, most: u64) -> Option<u64> {
        let count = match node.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Int(count)) => u64::try_from(count).ok().filter(|count| (least..=most).contains(count)),
            _ => None,
        };
        if count.is_none() {
            self.wrong_type(node, &format!("a number from {least} to {most}"));
        }
        count
    }

    pub(super) fn text_list(&mut self, node: &Node, expected: &str) -> Vec<Text> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node, expected);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(item)).collect()
    }
}

/// An expression without the brackets that a template would have.
fn without_brackets(source: &str) -> String {
    source.replace("<<", "").replace(">>", "").trim().to_owned()
}
