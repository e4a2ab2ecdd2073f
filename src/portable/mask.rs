//! Secrets that stand in a scenario by mistake: a password in a text, in a comment, in a value from the command line.
//!
//! Responsible for putting the secret's name in the place of each. A secret inside of an expression has no such place.

use super::NotPortable;
use super::edits::{Pair, TextEdits, pairs, start};
use crate::scenario::template::Text;
use crate::scenario::write::yaml_text::double_quoted;
use crate::scenario::yaml::{Layout, Node, Value};
use crate::secret::Masker;
use std::ops::Range;

/// Names, not texts: a name that is also a secret's value gives nothing away.
const NAMES: [&str; 2] = ["secrets", "cases"];

/// Hides the secrets of one file.
pub(super) struct Mask<'a> {
    pub(super) masker: &'a Masker,
    /// The names of secrets, which may stand in expressions whatever the values are.
    pub(super) names: Vec<&'a str>,
}

impl Mask<'_> {
    /// Hides secrets in all texts and comments of a file, but for what is replaced already.
    pub(super) fn file(&self, text: &str, root: &Node, edits: &mut TextEdits) -> Result<(), NotPortable> {
        let mut known = Vec::new();
        self.node(text, root, edits, &mut known)?;
        known.sort_by_key(|range: &Range<usize>| range.start);
        let mut at = 0;
        for range in known.into_iter().chain(std::iter::once(text.len()..text.len())) {
            if range.start > at {
                self.comments(text, at..range.start, edits);
            }
            at = at.max(range.end);
        }
        Ok(())
    }

    fn node(
        &self,
        text: &str,
        node: &Node,
        edits: &mut TextEdits,
        known: &mut Vec<Range<usize>>,
    ) -> Result<(), NotPortable> {
        match &node.value {
            Value::Scalar(scalar) => {
                known.push(start(node)..node.span.end as usize);
                if !edits.covers(start(node))
                    && let Some(masked) = self.text(&scalar.text)?
                {
                    edits.replace(start(node)..node.span.end as usize, masked);
                }
                Ok(())
            }
            Value::List(items) => items.iter().try_for_each(|item| self.node(text, item, edits, known)),
            Value::Map(_) => pairs(node).into_iter().try_for_each(|pair| self.pair(text, pair, edits, known)),
        }
    }

    fn pair(
        &self,
        text: &str,
        pair: Pair<'_>,
        edits: &mut TextEdits,
        known: &mut Vec<Range<usize>>,
    ) -> Result<(), NotPortable> {
        known.push(start(pair.key)..pair.key.span.end as usize);
        if pair.key.scalar().is_some_and(|key| NAMES.contains(&key.text.as_str())) {
            return Ok(());
        }
        match pair.value.scalar() {
            Some(scalar) => {
                known.push(start(pair.value)..pair.value.span.end as usize);
                if !edits.covers(start(pair.key))
                    && !edits.covers(start(pair.value))
                    && let Some(masked) = self.text(&scalar.text)?
                {
                    edits.replace_value(text, pair, &masked);
                }
                Ok(())
            }
            None => self.node(text, pair.value, edits, known),
        }
    }

    /// The text in quotes with its secrets replaced; nothing where it holds none.
    fn text(&self, source: &str) -> Result<Option<String>, NotPortable> {
        if !self.masker.finds(source.as_bytes()) {
            return Ok(None);
        }
        let hidden = |literal: &str| self.masker.mask_text(literal);
        let parsed = |source: &str| Text::parse(source, crate::scenario::Span::default(), Layout::unknown()).ok();
        let Some(text) = parsed(source).and_then(|text| parsed(&text.with_code(|code| self.named(code)))) else {
            return Ok(Some(double_quoted(&hidden(source))));
        };
        let code = text.with_literals(|_| " ".to_owned());
        let code = code.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        let names: Vec<&str> = code.clone().filter(|word| self.names.contains(word)).collect();
        let rest = names.iter().fold(text.with_literals(|_| " ".to_owned()), |rest, name| rest.replace(name, ""));
        if self.masker.finds(rest.as_bytes()) {
            return Err(NotPortable::Secret("an expression of the scenario itself"));
        }
        let masked = text.with_literals(hidden);
        Ok((masked != source).then(|| double_quoted(&masked)))
    }

    /// Code in which the name of a secret stands for a text that is its value.
    fn named(&self, code: &str) -> String {
        let in_quotes = |value: &str| ['\'', '"'].map(|quote| format!("{quote}{value}{quote}"));
        self.masker.named().fold(code.to_owned(), |code, (name, value)| {
            in_quotes(value).iter().fold(code, |code, quoted| code.replace(quoted.as_str(), name))
        })
    }

    fn comments(&self, text: &str, gap: Range<usize>, edits: &mut TextEdits) {
        let part = &text[gap.clone()];
        if !self.masker.finds(part.as_bytes()) {
            return;
        }
        let mut at = gap.start;
        for line in part.split_inclusive('\n') {
            if let Some(hash) = line.find('#') {
                let comment = line[hash..].trim_end();
                let from = at + hash;
                edits.replace(from..from + comment.len(), self.masker.mask_text(comment));
            }
            at += line.len();
        }
    }
}
