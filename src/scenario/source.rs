//! Where text of a scenario stands: a [`Span`] is a range of bytes in one file of a scenario, [`Sources`] holds the files.

pub use super::diagnostic::{Diagnostic, Footnote, Severity};
pub(crate) use super::diagnostic::{DiagnosticKind, MOST_LISTED};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The name of a scenario that `send` has written for itself.
pub(crate) const UNSEEN: &str = "<send>";

/// How many lines around those that are marked are drawn from: what stands further off is not looked at.
const MARGIN: usize = 2;

/// One file that a scenario was read from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name shown to the user: the path as it was given, or `<stdin>`.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The same for excerpts, where something in it is not shown: every octet at its place.
    shown: Option<String>,
    /// Where each line begins, found when it is first asked for.
    line_starts: OnceLock<Vec<u32>>,
}

/// The files of one scenario; the first is the one that was asked for. A clone costs nothing: every outcome has one.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Arc<Vec<Source>>,
}

/// A range of bytes in one file of [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// Which file: an index into [`Sources`].
    pub file: u32,
    /// The offset of the first byte.
    pub start: u32,
    /// The offset after the last byte.
    pub end: u32,
}

/// A line and a column, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Sources {
    /// Adds a file and returns its index.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        let source = Source { name: name.into(), text: text.into(), shown: None, line_starts: OnceLock::new() };
        Arc::make_mut(&mut self.files).push(source);
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// The file with this index, or the first one.
    #[must_use]
    pub fn file(&self, index: u32) -> Option<&Source> {
        self.files.get(index as usize).or(self.files.first())
    }

    /// The name of the file that was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        self.files.first().map_or("", |source| source.name.as_str())
    }

    /// The names of the files that it includes.
    pub fn included(&self) -> impl Iterator<Item = &str> {
        self.files.iter().skip(1).map(|source| source.name.as_str())
    }

    /// The texts of all files.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|source| source.text.as_str())
    }

    /// Excerpts are drawn without what `blot` covers: it gives a text of the same length, or nothing where it covers nothing.
    pub(crate) fn hide(&mut self, blot: impl Fn(&str) -> Option<String>) {
        let hidden: Vec<Option<String>> = self.files.iter().map(|source| blot(source.shown())).collect();
        if hidden.iter().any(Option::is_some) {
            for (source, hidden) in Arc::make_mut(&mut self.files).iter_mut().zip(hidden) {
                source.shown = hidden.or(source.shown.take());
            }
        }
    }

    /// The text that `span` covers.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        let text = self.file(span.file).map_or("", |source| source.text.as_str());
        text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// The whole line in which `span` begins.
    pub(crate) fn line(&self, span: Span) -> &str {
        let text = self.file(span.file).map_or("", |source| source.text.as_str());
        let at = (span.start as usize).min(text.len());
        let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = at + behind.find('\n').unwrap_or(behind.len());
        text[start..end].trim_end_matches('\r')
    }

    /// Line and column of the start of `span`.
    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        let Some(source) = self.file(span.file) else { return Position { line: 1, column: 1 } };
        let before = source.text.get(..span.start as usize).unwrap_or(&source.text);
        let line = source.line_at(before.len());
        let start = source.start_of(line);
        Position { line: line + 1, column: before.get(start..).map_or(0, |line| line.chars().count()) + 1 }
    }
}

impl Source {
    /// Whether a command has written it for itself: its user never saw it.
    pub(super) fn is_unseen(&self) -> bool {
        self.name == UNSEEN
    }

    /// The text as excerpts show it.
    pub(super) fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.text)
    }

    fn line_starts(&self) -> &[u32] {
        let offset = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        self.line_starts.get_or_init(|| {
            let newlines = self.text.match_indices('\n');
            std::iter::once(0).chain(newlines.map(|(newline, _)| offset(newline + 1))).collect()
        })
    }

    /// The line that holds this offset, counted from 0.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|start| *start as usize <= offset).saturating_sub(1)
    }

    /// Where this line begins; after the last one the end of the text.
    pub(super) fn start_of(&self, line: usize) -> usize {
        self.line_starts().get(line).map_or(self.text.len(), |start| *start as usize)
    }

    /// The lines that hold these places, with a margin: the number of the first, counted from 0, and where they stand.
    pub(super) fn lines_around(&self, places: &[Range<usize>]) -> (usize, Range<usize>) {
        let first = places.iter().map(|place| place.start).min().unwrap_or(0);
        let last = places.iter().map(|place| place.end).max().unwrap_or(0);
        let first = self.line_at(first).saturating_sub(MARGIN);
        (first, self.start_of(first)..self.start_of(self.line_at(last) + MARGIN + 1))
    }
}

impl Span {
    /// The part of this span from `start` to `end`, both offsets into the same file.
    #[must_use]
    pub fn with_range(self, start: usize, end: usize) -> Span {
        let offset = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(start), end: offset(end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add("a.yaml", text);
        sources
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let sources = sources("é: x\nsend: é\n");
        assert_eq!(sources.position(Span { file: 0, start: 12, end: 13 }), Position { line: 2, column: 7 });
    }

    #[test]
    fn a_diagnostic_shows_place_line_caret_and_help() {
        let sources = sources("steps:\n  - sned: EHLO\n");
        let shown = Diagnostic::error(Span { file: 0, start: 11, end: 15 }, "unknown key `sned`")
            .label("not a key of a step")
            .help("did you mean `send`?")
            .render(&sources, false);
        assert_eq!(
            shown,
            "error: unknown key `sned`\n --> a.yaml:2:5\n  |\n1 | steps:\n2 |   - sned: EHLO\n  |     ^^^^ not a key of a step\n  |\n  = help: did you mean `send`?"
        );
    }

    #[test]
    fn hostile_text_is_inert_and_offsets_never_panic() {
        let sources = sources("a: \u{9b}31m\u{202e}\x1b[0m");
        for start in 0..20 {
            for end in 0..20 {
                let shown =
                    Diagnostic::error(Span { file: 0, start, end }, "x\x1b").label("\u{9b}").render(&sources, false);
                assert!(!shown.contains(['\x1b', '\u{9b}', '\u{202e}']), "{shown:?}");
            }
        }
    }
}
