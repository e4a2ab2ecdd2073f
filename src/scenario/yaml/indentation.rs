//! Compares the indentation of lines with that of their neighbours, to say which line stands in the wrong column.
//!
//! Responsible for the cause of a syntax error; it reads the lines by itself and judges no document that is sound. Called
//! by `faults`.

use crate::scenario::sides::Side;

/// A line in the wrong column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misplaced {
    /// The line, from 0, and the columns its first word reaches over, from 0.
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
    pub(super) cause: IndentCause,
}

/// Why a line does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IndentCause {
    /// A tab indents it.
    Tab,
    /// It belongs in the column of another line.
    Column { column: usize, line: usize, word: String },
    /// It was to be the first line of a block of text, which begins in another line.
    EmptyBlock { line: usize },
    /// It is a list of steps, and no key stands above it.
    NoKeyAbove,
    /// It would belong to a key that has a value already.
    BelowValue { key: String, line: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineKind {
    List,
    Map,
}

/// A collection that is open: where its entries stand, and its last one.
#[derive(Debug, Clone)]
struct Level {
    kind: LineKind,
    column: usize,
    line: usize,
    word: String,
    /// Whether the last entry has no value yet.
    open: bool,
}

/// The first line up to `last` (from 0) that fits none above it.
pub(super) fn misplaced(text: &str, last: usize) -> Option<Misplaced> {
    let mut reader = IndentReader::default();
    text.lines().enumerate().take(last + 1).find_map(|(number, line)| reader.line(number, line))
}

#[derive(Default)]
struct IndentReader {
    levels: Vec<Level>,
    /// The text of a block goes on in lines that are deeper than this.
    block: Option<usize>,
    /// The line that a block begins in which has no line yet.
    empty: Option<usize>,
    /// Brackets of flow style that are open.
    flow: usize,
}

impl IndentReader {
    fn line(&mut self, number: usize, line: &str) -> Option<Misplaced> {
        let content = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - content.len();
        if content.trim().is_empty() || content.starts_with('#') && self.block.is_none() {
            return None;
        }
        if self.block.is_some_and(|column| indent > column) {
            self.empty = None;
            return None;
        }
        let in_steps = self.levels.iter().any(|level| level.kind == LineKind::List);
        if let Some(begun) = self.empty.take().filter(|_| in_steps && !content.starts_with("- ")) {
            let known = ["expect", "name", "when", "timeout", "session", "pace", "on_divergence", "fails"];
            if !known.contains(&word_of(content)) {
                let length = word_of(content).len().max(1);
                return Some(Misplaced {
                    line: number,
                    column: indent,
                    length,
                    cause: IndentCause::EmptyBlock { line: begun },
                });
            }
        }
        self.block = None;
        if self.flow > 0 {
            self.flow = (self.flow + opened(content)).saturating_sub(closed(content));
            return None;
        }
        let tab = line.find('\t').filter(|at| *at < indent);
        if let Some(at) = tab {
            return Some(Misplaced { line: number, column: at, length: 1, cause: IndentCause::Tab });
        }
        let kind = kind_of(content)?;
        let found = self.fits(kind, indent).map(|cause| {
            let length = if kind == LineKind::List { 1 } else { word_of(content).len() };
            Misplaced { line: number, column: indent, length, cause }
        });
        if found.is_none() {
            self.enter(number, content, indent);
        }
        found
    }

    /// What is wrong with an entry in this column; closes what ends before it.
    fn fits(&mut self, kind: LineKind, column: usize) -> Option<IndentCause> {
        let mut closed = Vec::new();
        while self.levels.last().is_some_and(|level| level.column > column) {
            closed.extend(self.levels.pop());
        }
        // A list may stand in the column of the key that it belongs to.
        if kind == LineKind::Map && self.levels.len() > 1 {
            let [.., below, top] = self.levels.as_slice() else { return None };
            if top.kind == LineKind::List && top.column == column && below.column == column {
                closed.extend(self.levels.pop());
            }
        }
        let Some(top) = self.levels.last() else {
            return closed.iter().rev().find(|level| level.kind == kind).map(like);
        };
        let nearest = |levels: &[Level]| {
            let same = levels.iter().filter(|level| level.kind == kind);
            same.min_by_key(|level| level.column.abs_diff(column)).map(like)
        };
        if top.column == column {
            return match (top.kind, kind) {
                (LineKind::Map, LineKind::List) if top.open => None,
                (LineKind::Map, LineKind::List) => nearest(&self.levels).or(Some(IndentCause::NoKeyAbove)),
                (LineKind::List, LineKind::Map) => nearest(&closed).or_else(|| nearest(&self.levels)),
                _ => None,
            };
        }
        if closed.is_empty() && top.open {
            return None;
        }
        if !closed.is_empty() {
            return nearest(&closed).or_else(|| nearest(&self.levels));
        }
        let by_column = nearest(&self.levels);
        if kind == LineKind::Map && column > top.column + 1 && top.kind == LineKind::Map && self.levels.len() == 1 {
            return Some(IndentCause::BelowValue { key: top.word.clone(), line: top.line });
        }
        by_column.or(Some(IndentCause::NoKeyAbove))
    }

    /// Takes an entry, and those that begin in the same line.
    fn enter(&mut self, line: usize, content: &str, column: usize) {
        let mut column = column;
        let mut rest = content;
        while kind_of(rest) == Some(LineKind::List) {
            let after = rest[1..].trim_start_matches(' ');
            let open = after.is_empty();
            self.set(Level { kind: LineKind::List, column, line, word: "-".to_owned(), open });
            column += rest.len() - after.len();
            rest = after;
        }
        if kind_of(rest) == Some(LineKind::Map) {
            let word = word_of(rest).to_owned();
            let value = rest[word.len()..].trim_start_matches(':').trim();
            let value = if value.starts_with('#') { "" } else { value };
            let open = value.is_empty() || value.starts_with(['&', '!']) && !value.contains(' ');
            self.set(Level { kind: LineKind::Map, column, line, word, open });
            rest = value;
        }
        if rest.starts_with(['|', '>']) {
            self.block = Some(self.levels.last().map_or(0, |level| level.column));
            self.empty = Some(line);
        }
        if rest.starts_with(['[', '{']) {
            self.flow = opened(rest).saturating_sub(closed(rest));
        }
    }

    fn set(&mut self, level: Level) {
        match self.levels.last_mut() {
            Some(top) if top.column == level.column && top.kind == level.kind => *top = level,
            Some(top) => {
                // What it belongs to has its value now.
                top.open =
                    top.open && top.kind == LineKind::Map && level.kind == LineKind::List && top.column == level.column;
                self.levels.push(level);
            }
            None => self.levels.push(level),
        }
    }
}

/// What is wrong with a line that is deeper than one which cannot have more: a step that is one word, or a text.
pub(super) fn goes_on(above: &str, word: &str) -> Option<(String, String)> {
    let entry = above.trim();
    let bare = entry.strip_prefix("- ").unwrap_or_default();
    if Side::Client.all_keys().contains(&bare) {
        let what = format!("`{bare}` is the whole step here, and `{word}` cannot belong to it");
        return Some((
            what,
            format!("write `- {bare}:` with a colon: `{word}` then stands below it, in the same column"),
        ));
    }
    let (key, value) = entry.trim_start_matches("- ").split_once(": ")?;
    let is_text = ["data", "bdat", "message", "text", "html", "raw"].contains(&key) && value.contains(':');
    let is_plain = !value.starts_with(['"', '\'', '|', '>', '[', '{', '&', '*', '!']);
    (is_text && is_plain).then(|| {
        let help = format!("write `{key}: |`, and `{value}` in a line below it, as deep as `{word}`");
        ("a text of several lines begins with `|`".to_owned(), help)
    })
}

fn like(level: &Level) -> IndentCause {
    IndentCause::Column { column: level.column, line: level.line, word: level.word.clone() }
}

/// Whether a line is an entry of a list or of a mapping; nothing where it goes on with a text.
fn kind_of(content: &str) -> Option<LineKind> {
    if content == "-" || content.starts_with("- ") {
        return Some(LineKind::List);
    }
    let word = word_of(content);
    let rest = &content[word.len()..];
    let is_key = !word.is_empty() && (rest == ":" || rest.starts_with(": ") || rest.starts_with(":\r"));
    is_key.then_some(LineKind::Map)
}

/// The word that a line begins with.
fn word_of(content: &str) -> &str {
    let end =
        content.find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '"' | '\'')));
    &content[..end.unwrap_or(content.len())]
}

fn opened(text: &str) -> usize {
    text.matches(['[', '{']).count()
}

fn closed(text: &str) -> usize {
    text.matches([']', '}']).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(text: &str) -> Option<(usize, usize)> {
        match misplaced(text, usize::MAX - 1)?.cause {
            IndentCause::Column { column, line, .. } => Some((line, column)),
            _ => None,
        }
    }

    #[test]
    fn lines_that_fit() {
        for fine in [
            "connect: x\nsteps:\n  - send: a\n    expect: b\n  - expect: c\n",
            "steps:\n- send: a\n  expect: b\n- close\nfinally:\n- close\n",
            "steps:\n  - data: |\n      Subject: x\n        deeper\n     - y\n  - expect: a\n",
            "steps:\n  -\n    send: a\n  - steps:\n      - send: b\n    repeat: 3\n",
            "vars: {a: 1,\n  b: 2}\nsteps: []\n",
        ] {
            assert_eq!(misplaced(fine, 99), None, "{fine}");
        }
    }

    #[test]
    fn lines_that_do_not() {
        assert_eq!(column("steps:\n  - send: a\n     expect: b\n"), Some((1, 4)));
        assert_eq!(column("steps:\n  - send: a\n   expect: b\n"), Some((1, 4)));
        assert_eq!(column("steps:\n  - send: a\n  expect: b\n"), Some((1, 4)));
        assert_eq!(column("steps:\n  - send: a\n    - expect: b\n"), Some((1, 2)));
        assert_eq!(column("steps:\n  - send: a\n - send: b\n"), Some((1, 2)));
        assert_eq!(misplaced("connect: x\n- send: a\n", 9).unwrap().cause, IndentCause::NoKeyAbove);
        assert_eq!(misplaced("steps:\n\t- send: a\n", 9).unwrap().cause, IndentCause::Tab);
    }
}
