//! A message about a place of a scenario, with the excerpt and the caret that show it.
//!
//! Drawing is annotate-snippets' job, and this is the only module that calls it.

use super::source::{Source, Sources, Span};
use crate::visible::{inert, same_length};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::ops::Range;

/// How many mistakes of one file are listed.
pub(crate) const MOST_LISTED: usize = 200;
/// How many octets of a file an excerpt may have.
const MOST_DRAWN: usize = 64 * 1024;

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
        let is_unseen = sources.file(self.span.file).is_some_and(Source::is_unseen);
        let snippets = if is_unseen { Vec::new() } else { self.snippets(sources) };
        let mut group = level.primary_title(message.as_str()).elements(snippets);
        if is_unseen && !self.label.is_empty() {
            group = group.element(Level::NOTE.no_name().message(inert(&self.label)));
        }
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

    /// Those that are listed of many: whoever made more mistakes mends these first.
    pub(crate) fn listed(mut all: Vec<Diagnostic>) -> Vec<Diagnostic> {
        if let Some(first) = all.get(MOST_LISTED) {
            let (span, further) = (first.span, all.len() - MOST_LISTED);
            let message = format!("{further} more that are not listed: the first of them is here");
            let severity =
                if all[MOST_LISTED..].iter().any(Diagnostic::is_error) { Severity::Error } else { Severity::Warning };
            all.truncate(MOST_LISTED);
            all.push(Diagnostic { severity, ..Diagnostic::error(span, message) });
        }
        all
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
        if lines.len() > MOST_DRAWN {
            // A caret under a line of a megabyte helps nobody, and drawing it takes long.
            let place = sources.position(self.span);
            let path = format!("{}:{}:{}", inert(&source.name), place.line, place.column);
            return Snippet::source("").path(path).fold(true);
        }
        let within = |range: Range<usize>| range.start - lines.start..range.end - lines.start;
        let drawn = same_length(source.shown().get(lines.clone()).unwrap_or(&text[lines.clone()]));
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
