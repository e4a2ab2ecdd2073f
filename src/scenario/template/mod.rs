//! Templates: finds `<<…>>` in a text, checks the expressions before a run, and renders them during one.
//!
//! Responsible for what an expression may name, and for rendering to bytes for the wire beside text for everyone else: an
//! expression whose value depends on a secret is shown as it was written. The only module that compiles templates;
//! filters and functions stand in `builtin`. `scan` finds the brackets, `depth`, `weigh` and `fuel` bound what a template may
//! cost, `expression` reads minijinja's tree, `render` evaluates, `rendered` holds what comes of it.

mod depth;
mod expression;
mod form;
mod fuel;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod reading;
mod render;
mod rendered;
mod scan;
mod trial;
mod weigh;

use super::source::Span;
use super::yaml::Layout;
use depth::refuse_deep_text;
pub(crate) use expression::Names;
use expression::{ExpressionFault, operands, range_of, visit};
pub(crate) use form::{Form, form};
pub(crate) use fuel::Over;
use minijinja::machinery;
use minijinja::value::Value;
use reading::names_read;
pub(crate) use render::Templates;
use render::statement_syntax;
pub(crate) use rendered::{Mode, Rendered, value_from_bytes};
use scan::{Piece, mark, scan};
use std::collections::BTreeSet;
use std::ops::Range;
pub(crate) use trial::Trial;
pub(crate) use weigh::weight_of;

/// A text of a scenario: literal bytes and expressions, with its place.
#[derive(Debug, Clone)]
pub struct Text {
    pub(crate) source: String,
    pub(crate) span: Span,
    layout: Layout,
    pieces: Vec<Piece>,
}

/// A bare expression, as in `when` and `assert`.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(crate) source: String,
    pub(crate) span: Span,
    layout: Layout,
}

/// Something wrong with a template, at a place of the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) message: String,
    pub(crate) span: Span,
    pub(crate) help: Option<String>,
}

/// The variables an expression sees.
pub(crate) trait Scope {
    /// The names and values, as one minijinja object.
    fn context(&self) -> Value;
    /// Whether the value of this name depends on a secret.
    fn is_secret(&self, name: &str) -> bool;
    /// How much memory the values take that it holds, in octets.
    fn held(&self) -> usize {
        0
    }
}

impl Text {
    /// Finds the expressions of `source`. Errors are unclosed brackets.
    pub(crate) fn parse(source: &str, span: Span, layout: Layout) -> Result<Text, TemplateError> {
        let mut text = Text { source: source.to_owned(), span, layout, pieces: Vec::new() };
        text.pieces = scan(source).map_err(|fault| TemplateError {
            message: fault.message().to_owned(),
            span: text.span_of(&fault.range),
            help: Some(fault.help().to_owned()),
        })?;
        Ok(text)
    }

    /// Whether a bracket or a quote of `source` is still open at its end.
    pub(crate) fn is_left_open(source: &str) -> bool {
        scan(source).is_err_and(|fault| fault.is_open())
    }

    /// The content of a file that the scenario names at `span`.
    pub(crate) fn from_file(content: &str, span: Span) -> Result<Text, TemplateError> {
        Text::parse(content, span, Layout::unknown())
    }

    /// Text that is taken as it is, brackets and all.
    pub(crate) fn verbatim(source: &str) -> Text {
        let pieces = vec![Piece::Literal(0..source.len())];
        Text { source: source.to_owned(), span: Span::default(), layout: Layout::unknown(), pieces }
    }

    /// Whether it holds no expression, so that it is known before the run.
    pub(crate) fn is_literal(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// Whether statements or comments make it more than literals and expressions.
    pub(crate) fn has_statements(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Statement(_)))
    }

    /// The place of a range of the source: as exact as the layout knows.
    pub(crate) fn span_of(&self, range: &Range<usize>) -> Span {
        place(self.span, &self.layout, range)
    }

    /// The expressions, each as one that can be checked on its own.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = Expression> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Expression { inner, .. } => Some(Expression {
                source: self.source[inner.clone()].to_owned(),
                span: self.span_of(inner),
                layout: self.layout.file_offset(inner.start).map(Layout::verbatim).unwrap_or_default(),
            }),
            _ => None,
        })
    }

    /// The names that its expressions and statements read.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let of_expressions = self.expressions().filter_map(|expression| expression.names().ok());
        let mut names: BTreeSet<String> =
            of_expressions.flat_map(|names| names.variables.into_iter().map(|(name, _)| name)).collect();
        names.extend(statement_names(self).unwrap_or_default());
        names
    }

    /// The source with each expression replaced by `placeholder`: for checks of what is known before a run.
    pub(crate) fn with_placeholder(&self, placeholder: &str) -> String {
        let mut replaced = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(range) => replaced.push_str(&self.source[range.clone()]),
                Piece::Expression { .. } => replaced.push_str(placeholder),
                Piece::Statement(_) | Piece::Comment(_) => {}
            }
        }
        replaced
    }

    /// The expression of a text that is one single `<<…>>`.
    pub(crate) fn single_expression(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Expression { inner, .. }] => Some(self.source[inner.clone()].trim()),
            _ => None,
        }
    }

    /// The name of a text that has one expression, and nothing but a name in it.
    pub(crate) fn single_name(&self) -> Option<String> {
        let mut expressions = self.expressions();
        let source = expressions.next()?.source;
        let name = source.trim().trim_start_matches('<').to_owned();
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty();
        (is_name && expressions.next().is_none()).then_some(name)
    }

    /// The source with `change` made to all that stands outside of expressions, statements and comments.
    pub(crate) fn with_literals(&self, change: impl Fn(&str) -> String) -> String {
        let part = |piece: &Piece| match piece {
            Piece::Literal(range) => change(&self.source[range.clone()]),
            Piece::Expression { outer: range, .. } | Piece::Statement(range) | Piece::Comment(range) => {
                self.source[range.clone()].to_owned()
            }
        };
        self.pieces.iter().map(part).collect()
    }

    /// The source with `change` made to its expressions and statements.
    pub(crate) fn with_code(&self, change: impl Fn(&str) -> String) -> String {
        let part = |piece: &Piece| match piece {
            Piece::Expression { outer: range, .. } | Piece::Statement(range) => change(&self.source[range.clone()]),
            Piece::Literal(range) | Piece::Comment(range) => self.source[range.clone()].to_owned(),
        };
        self.pieces.iter().map(part).collect()
    }

    /// Whether an expression stands among the first `length` bytes.
    pub(crate) fn is_literal_up_to(&self, length: usize) -> bool {
        match self.pieces.first() {
            Some(Piece::Literal(range)) => range.len() >= length || self.is_literal(),
            Some(_) => false,
            None => true,
        }
    }

    /// Whether one of its expressions marks its value `| safe`.
    pub(crate) fn inserts_patterns(&self) -> bool {
        self.expressions().any(|expression| {
            expression.names().is_ok_and(|names| names.filters.iter().any(|(name, _)| name == "safe"))
        })
    }
}

impl Expression {
    pub(crate) fn new(source: &str, span: Span, layout: Layout) -> Expression {
        Expression { source: source.to_owned(), span, layout }
    }

    /// The place of a range of the source.
    pub(crate) fn span_of(&self, range: &Range<usize>) -> Span {
        place(self.span, &self.layout, range)
    }

    /// Parses it and lists what it names. Errors are syntax errors.
    pub(crate) fn names(&self) -> Result<Names, TemplateError> {
        let tree = expression::parse(&self.source).map_err(|fault| self.error(fault))?;
        let mut names = Names::default();
        visit(&tree, &mut |expression| names.note(expression, &self.source));
        Ok(names)
    }

    /// The sub-expressions whose values explain a failed assertion: both sides of each comparison, arguments of tests.
    pub(crate) fn parts(&self) -> Vec<String> {
        let Ok(tree) = expression::parse(&self.source) else { return Vec::new() };
        let mut parts = Vec::new();
        visit(&tree, &mut |expression| {
            for part in operands(expression) {
                let text = self.source.get(range_of(part)).unwrap_or("").trim().to_owned();
                // A part that begins inside of brackets does not stand alone.
                let stands_alone = expression::parse(&text).is_ok();
                if part.as_const().is_none() && stands_alone && !parts.contains(&text) {
                    parts.push(text);
                }
            }
        });
        if parts.is_empty() && tree.as_const().is_none() {
            parts.push(self.source.trim().to_owned());
        }
        parts
    }

    fn error(&self, fault: ExpressionFault) -> TemplateError {
        TemplateError { message: fault.message, span: self.span_of(&fault.range), help: fault.help }
    }

    fn undefined(&self) -> TemplateError {
        TemplateError { message: format!("`{}` is undefined", self.source.trim()), span: self.span, help: None }
    }
}

impl Text {
    fn error(&self, fault: ExpressionFault) -> TemplateError {
        TemplateError { message: fault.message, span: self.span_of(&fault.range), help: fault.help }
    }
}

fn place(span: Span, layout: &Layout, range: &Range<usize>) -> Span {
    match (layout.file_offset(range.start), layout.file_offset(range.end)) {
        (Some(start), Some(end)) if start < end => span.with_range(start, end),
        (Some(start), _) => span.with_range(start, start + range.len().max(1)),
        _ => span,
    }
}

/// The names that a text with statements reads, or its syntax error.
pub(crate) fn statement_names(text: &Text) -> Result<BTreeSet<String>, TemplateError> {
    if !text.has_statements() {
        return Ok(BTreeSet::new());
    }
    let of_minijinja = |error: minijinja::Error| text.error(ExpressionFault::of(&error, text.source.len()));
    refuse_deep_text(&text.source, &text.pieces).map_err(|fault| text.error(fault))?;
    let syntax = statement_syntax().map_err(of_minijinja)?;
    let marked = mark(&text.source, &text.pieces);
    let tree = machinery::parse(&marked, "<string>", syntax).map_err(of_minijinja)?;
    Ok(names_read(&tree))
}

#[cfg(test)]
mod tests;
