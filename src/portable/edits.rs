//! Changes to the text of a YAML file that leave the rest of it as its author wrote it.
//!
//! Responsible for how far a node reaches in the text, and for replacing parts of it. What is to be replaced is the
//! business of `tree`.

use crate::scenario::yaml::{Node, Value};
use std::ops::Range;

/// Replacements of parts of one text.
#[derive(Debug, Default)]
pub(super) struct TextEdits {
    list: Vec<(Range<usize>, String)>,
}

/// A key with its value.
#[derive(Clone, Copy)]
pub(super) struct Pair<'n> {
    pub(super) key: &'n Node,
    pub(super) value: &'n Node,
}

impl TextEdits {
    pub(super) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        let with = with.into();
        // An alias's target is visited more than once.
        if !self.list.iter().any(|(known, _)| known.start < range.end && range.start < known.end) {
            self.list.push((range, with));
        }
    }

    /// Replaces an entry of a block mapping; a comment after it goes with it where the new text has several lines.
    pub(super) fn replace_entry(&mut self, text: &str, pair: Pair<'_>, with: impl Into<String>) {
        let (start, mut end) = (start(pair.key), pair.end(text));
        let with = with.into();
        let rest = text[end..].split('\n').next().unwrap_or("");
        if with.contains('\n') && (rest.trim().is_empty() || rest.trim_start().starts_with('#')) {
            end += rest.trim_end_matches('\r').len();
        }
        self.replace(start..end, with);
    }

    /// Replaces the value of a key, block scalars with their header.
    pub(super) fn replace_value(&mut self, text: &str, pair: Pair<'_>, with: &str) {
        let between = text.get(end(pair.key, text)..start(pair.value)).unwrap_or("");
        if between.contains('\n') || pair.value.is_null() {
            let key = &text[start(pair.key)..end(pair.key, text)];
            self.replace_entry(text, pair, format!("{key}: {with}"));
        } else {
            self.replace(start(pair.value)..end(pair.value, text), with);
        }
    }

    /// Takes an entry out of a mapping in braces.
    pub(super) fn remove_from_braces(&mut self, text: &str, pair: Pair<'_>) {
        let (mut start, mut end) = (start(pair.key), pair.end(text));
        let behind = text[end..].trim_start();
        if behind.starts_with(',') {
            end = text.len() - behind.len() + 1;
            end += text[end..].len() - text[end..].trim_start().len();
        } else {
            let before = text[..start].trim_end();
            start = before.strip_suffix(',').map_or(start, str::len);
        }
        self.replace(start..end, "");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn covers(&self, offset: usize) -> bool {
        self.list.iter().any(|(range, _)| range.contains(&offset))
    }

    /// A part of the text with its replacements.
    pub(super) fn apply(&self, text: &str, part: Range<usize>) -> String {
        let mut edits: Vec<&(Range<usize>, String)> =
            self.list.iter().filter(|(range, _)| range.start >= part.start && range.end <= part.end).collect();
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut edited = String::new();
        let mut at = part.start;
        for (range, with) in edits {
            edited.push_str(text.get(at..range.start).unwrap_or(""));
            edited.push_str(with);
            at = range.end;
        }
        edited.push_str(text.get(at..part.end).unwrap_or(""));
        edited
    }
}

impl Pair<'_> {
    /// The offset after the entry.
    pub(super) fn end(self, text: &str) -> usize {
        if !self.value.is_null() || end(self.value, text) > start(self.value) {
            return end(self.value, text);
        }
        let key = end(self.key, text);
        text[key..].find(':').map_or(key, |colon| key + colon + 1)
    }
}

/// The entries of a mapping, none of anything else.
pub(super) fn pairs(node: &Node) -> Vec<Pair<'_>> {
    match &node.value {
        Value::Map(entries) => entries.iter().map(|(key, value)| Pair { key, value }).collect(),
        _ => Vec::new(),
    }
}

/// The entry with this key.
pub(super) fn pair<'n>(node: &'n Node, key: &str) -> Option<Pair<'n>> {
    pairs(node).into_iter().find(|pair| pair.key.scalar().is_some_and(|scalar| scalar.text == key))
}

/// The items of a list, none of anything else.
pub(super) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

pub(super) fn start(node: &Node) -> usize {
    node.span.start as usize
}

/// The offset after a node, its brackets included.
pub(super) fn end(node: &Node, text: &str) -> usize {
    let start = start(node);
    if text[start..].starts_with('*') {
        return start + text[start..].find([' ', '\n', '\r', ',', ']', '}']).unwrap_or(text.len() - start);
    }
    let last = match &node.value {
        Value::Scalar(_) => return node.span.end as usize,
        Value::List(items) => items.last().map(|item| end(item, text)),
        Value::Map(entries) => entries.last().map(|(key, value)| Pair { key, value }.end(text)),
    };
    if is_in_brackets(node, text) {
        return closing(text, last.unwrap_or(start + 1));
    }
    last.unwrap_or(node.span.end as usize)
}

/// The offset after the bracket that closes here: blanks, a comma and comments may stand before it.
fn closing(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text[at..].trim_start_matches([' ', '\t', '\n', '\r', ',']);
        at = text.len() - rest.len();
        if !rest.starts_with('#') {
            return (at + 1).min(text.len());
        }
        at += rest.find('\n').unwrap_or(rest.len());
    }
}

/// Whether a list or mapping is written with brackets or braces.
pub(super) fn is_in_brackets(node: &Node, text: &str) -> bool {
    text[start(node)..].starts_with(['{', '[', '*'])
}

/// How far in a place stands, in characters.
pub(super) fn column(text: &str, offset: usize) -> usize {
    let line = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..offset].chars().count()
}

/// Lines that stand `from` characters in, moved to stand `to` in. The first one has no indentation of its own.
pub(super) fn moved(text: &str, from: usize, to: usize) -> String {
    let mut lines = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let content = if index == 0 { line } else { &line[blanks.min(from)..] };
        let empty = content.trim_end_matches('\r').is_empty();
        lines.push(if empty || index == 0 { content.to_owned() } else { format!("{:to$}{content}", "") });
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml;

    #[test]
    fn nodes_reach_to_their_brackets() {
        let text = "a: {b: [1, {c: 2} ], d: 'x' } # e\nf: |\n  g\nh:\n";
        let root = yaml::read(text, 0).unwrap();
        let of = |key: &str| {
            let pair = pair(&root, key).unwrap();
            &text[start(pair.key)..pair.end(text)]
        };
        assert_eq!(of("a"), "a: {b: [1, {c: 2} ], d: 'x' }");
        assert_eq!(of("f"), "f: |\n  g");
        assert_eq!(of("h"), "h:");
    }

    #[test]
    fn entries_leave_braces() {
        for (text, left) in [("{a: 1, b: 2}", "{b: 2}"), ("{b: 2, a: 1}", "{b: 2}"), ("{a: 1}", "{}")] {
            let root = yaml::read(text, 0).unwrap();
            let mut edits = TextEdits::default();
            edits.remove_from_braces(text, pair(&root, "a").unwrap());
            assert_eq!(edits.apply(text, 0..text.len()), left);
        }
    }
}
