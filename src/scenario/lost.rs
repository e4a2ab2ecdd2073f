//! What the parts of a file that could not be read would have given.
//!
//! Responsible for names and sessions that are therefore not missing. `decode` notes them, `check` asks.

use super::yaml::{Node, Value};
use std::collections::BTreeSet;

/// Names and sessions of broken parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lost {
    names: BTreeSet<String>,
    sessions: BTreeSet<String>,
    /// A whole file could not be read: it may have given anything.
    anything: bool,
}

impl Lost {
    /// Whether a broken part would have given the name.
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.anything || self.names.contains(name)
    }

    /// Whether a broken part would have opened the session.
    pub(crate) fn opens(&self, session: &str) -> bool {
        self.anything || self.sessions.contains(session)
    }

    /// A file that is not there, or cannot be read.
    pub(super) fn file(&mut self) {
        self.anything = true;
    }

    /// A list of names that is none.
    pub(super) fn list(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(scalar) => {
                let words = scalar.text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
                self.names.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
            }
            Value::List(items) => items.iter().for_each(|item| self.list(item)),
            Value::Map(_) => self.part(node),
        }
    }

    /// The top-level `connect`.
    pub(super) fn opening(&mut self, node: &Node) {
        self.connect(node);
    }

    /// A broken step, or another part: each of its keys may be a name, and each of its texts a pattern that captures.
    pub(super) fn part(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(scalar) => self.captures(&scalar.text),
            Value::List(items) => items.iter().for_each(|item| self.part(item)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    let name = key.scalar().map_or("", |scalar| scalar.text.as_str());
                    self.names.insert(name.to_owned());
                    if name == "connect" {
                        self.connect(value);
                    }
                    self.part(value);
                }
            }
        }
    }

    fn connect(&mut self, node: &Node) {
        let named = match &node.value {
            Value::Map(entries) => {
                entries.iter().find(|(key, _)| key.scalar().is_some_and(|scalar| scalar.text == "as"))
            }
            _ => None,
        };
        let name = named.and_then(|(_, value)| value.scalar()).map_or("main", |scalar| scalar.text.as_str());
        self.sessions.insert(name.to_owned());
    }

    fn captures(&mut self, text: &str) {
        for part in text.split("(?").skip(1) {
            let named = part.trim_start_matches('P').strip_prefix('<').and_then(|rest| rest.split_once('>'));
            self.names.extend(named.map(|(name, _)| name.to_owned()));
        }
    }
}
