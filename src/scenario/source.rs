//! Where text of a scenario stands, and the excerpt with a caret that every diagnostic shows.
//!
//! A [`Span`] is a range of bytes in one file of a scenario; [`Sources`] holds the files. A [`Diagnostic`] is a
//! message about a span. Drawing is annotate-snippets' job, and this is the only module that calls it.

use crate::visible::{inert, same_length};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// How many lines around those that are marked are drawn from: what stands further off is not looked at.
const MARGIN: usize = 2;

/// One file that a scenario was read from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name shown to the user: the path as it was given, or `<stdin>`.
    pub name: String,
    /// The whole text.
    pub text: String,
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
    /// The offset behind the last byte.
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

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The scenario cannot be run, or it diverged.
    Error,
    /// The scenario can be run, but probably does not mean what it says.
    Warning,
}

/// A line beneath the excerpt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Footnote {
    /// A plain statement.
    Fact(String),
    /// Something to know.
    Note(String),
    /// Something to do.
    Help(String),
}

/// A message about one place of a scenario.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What is said beside the caret; may be empty.
    pub label: String,
    /// Further places that matter, each with its own label.
    pub others: Vec<(Span, String)>,
    /// Lines beneath the excerpt.
    pub footnotes: Vec<Footnote>,
    /// Whether it may vanish once another mistake is mended: a name or a session that a broken step would give.
    pub may_follow_from_others: bool,
    /// What it is about, where something else than a person asks.
    pub(crate) kind: DiagnosticKind,
}

/// What a diagnostic is about, as far as anything but its reader depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum DiagnosticKind {
    /// Nothing depends on it.
    #[default]
    Any,
    /// A key that is none of a mapping.
    UnknownKey,
    /// A variable that nothing reads.
    UnusedVariable,
    /// Text that is a template elsewhere, and is sent as it stands here.
    ForeignTemplate,
}

impl Sources {
    /// Adds a file and returns its index.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        let source = Source { name: name.into(), text: text.into(), line_starts: OnceLock::new() };
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
    pub(crate) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        Arc::make_mut(&mut self.files).iter_mut().map(|source| {
            source.line_starts = OnceLock::new();
            &mut source.text
        })
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
    fn line_starts(&self) -> &[u32] {
        let offset = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        self.line_starts.get_or_init(|| {
            let newlines = self.text.match_indices('\n');
            std::iter::once(0).chain(newlines.map(|(newline, _)| offset(newline + 1))).collect()
        })
    }

    /// The line that holds this offset, counted from 0.
    fn line_at(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|start| *start as usize <= offset).saturating_sub(1)
    }

    /// Where this line begins; behind the last one the end of the text.
    fn start_of(&self, line: usize) -> usize {
        self.line_starts().get(line).map_or(self.text.len(), |start| *start as usize)
    }

    /// The lines that hold these places, with a margin: the number of the first, counted from 0, and where they stand.
    fn lines_around(&self, places: &[Range<usize>]) -> (usize, Range<usize>) {
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

impl Diagnostic {
    /// An error at `span`.
    pub fn error(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            span,
            label: String::new(),
            others: Vec::new(),
            footnotes: Vec::new(),
            may_follow_from_others: false,
            kind: DiagnosticKind::Any,
        }
    }

    /// A warning at `span`.
    pub fn warning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(span, message) }
    }

    /// The same, of this kind.
    pub(crate) fn kind(mut self, kind: DiagnosticKind) -> Diagnostic {
        self.kind = kind;
        self
    }

    /// The same with a label beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// The same with a further place.
    #[must_use]
    pub fn other(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.others.push((span, label.into()));
        self
    }

    /// The same with a line that says how things are.
    #[must_use]
    pub fn fact(mut self, fact: impl Into<String>) -> Diagnostic {
        self.footnotes.push(Footnote::Fact(fact.into()));
        self
    }

    /// The same with a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.footnotes.push(Footnote::Help(help.into()));
        self
    }

    /// The same with a line that says something to know.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.footnotes.push(Footnote::Note(note.into()));
        self
    }

    /// The same, marked as one that may vanish once another mistake is mended.
    #[must_use]
    pub(crate) fn following(mut self) -> Diagnostic {
        self.may_follow_from_others = true;
        self
    }

    /// Whether it says the same of the same place.
    pub(crate) fn is_same_as(&self, other: &Diagnostic) -> bool {
        (self.span, &self.message) == (other.span, &other.message)
    }

    /// Whether this is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Draws message, `file:line:column`, the source line with a caret, and the footnotes.
    ///
    /// No text in it can act on a terminal; `styled` adds colours. The result ends without a line feed.
    #[must_use]
    pub fn render(&self, sources: &Sources, styled: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let message = inert(&self.message);
        let mut group = level.primary_title(message.as_str()).elements(self.snippets(sources));
        for footnote in &self.footnotes {
            group = group.element(match footnote {
                Footnote::Fact(text) => Level::NOTE.no_name().message(inert(text)),
                Footnote::Note(text) => Level::NOTE.message(inert(text)),
                Footnote::Help(text) => Level::HELP.message(inert(text)),
            });
        }
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    fn snippets<'a>(&'a self, sources: &'a Sources) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let mut snippets = vec![self.snippet_of(sources, self.span.file)];
        for (span, _) in &self.others {
            if span.file != self.span.file {
                snippets.push(self.snippet_of(sources, span.file));
            }
        }
        snippets
    }

    fn snippet_of<'a>(&'a self, sources: &'a Sources, file: u32) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let Some(source) = sources.file(file) else { return Snippet::source("").path("").fold(true) };
        let text = &source.text;
        let marked = std::iter::once((AnnotationKind::Primary, self.span, &self.label))
            .chain(self.others.iter().map(|(span, label)| (AnnotationKind::Context, *span, label)));
        let marked: Vec<_> = marked
            .filter(|(_, span, _)| span.file == file)
            .map(|(kind, span, label)| (kind, caret_range(text, span), label))
            .collect();
        // The line above the caret is context that costs nothing and often names the command.
        let above = line_above(text, self.span.start as usize).filter(|_| file == self.span.file);
        let places: Vec<Range<usize>> = marked.iter().map(|(_, range, _)| range.clone()).chain(above.clone()).collect();
        let (first, lines) = source.lines_around(&places);
        let within = |range: Range<usize>| range.start - lines.start..range.end - lines.start;
        let drawn = same_length(&text[lines.clone()]);
        let mut snippet = Snippet::source(drawn).line_start(first + 1).path(inert(&source.name)).fold(true);
        for (kind, range, label) in marked {
            let annotation = kind.span(within(range));
            snippet = snippet.annotation(match label.as_str() {
                "" => annotation,
                label => annotation.label(inert(label)),
            });
        }
        match above {
            Some(above) => snippet.annotation(AnnotationKind::Visible.span(within(above))),
            None => snippet,
        }
    }
}

/// The bytes to underline: within the text, on character boundaries, on one line.
fn caret_range(text: &str, span: Span) -> Range<usize> {
    let start = floor_boundary(text, span.start as usize);
    let end = floor_boundary(text, (span.end as usize).max(start));
    let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    let last = end.min(line_end);
    start..start + text[start..last].trim_end().len()
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The range of the line above the one that holds `offset`, where that line has text.
fn line_above(text: &str, offset: usize) -> Option<Range<usize>> {
    let line_start = text[..floor_boundary(text, offset)].rfind('\n')?;
    let above_start = text[..line_start].rfind('\n').map_or(0, |newline| newline + 1);
    (!text[above_start..line_start].trim().is_empty()).then_some(above_start..line_start)
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
