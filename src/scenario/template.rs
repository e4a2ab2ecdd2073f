//! Templates: finds `<<…>>` in a text, checks the expressions before a run, and renders them during one.
//!
//! Responsible for the rule of the angle brackets (in a run of `<` the last two open, in a run of `>` the first two
//! close), for what an expression may name, and for rendering to bytes for the wire beside text for everyone else: an
//! expression whose value depends on a secret is shown as it was written. The only module that compiles templates;
//! filters and functions stand in `builtin`.

use super::source::Span;
use super::yaml::Layout;
use crate::scenario::builtin::{self, Chance};
use crate::visible::visible;
use minijinja::machinery::{ast, parse_expr};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

/// How much work one template may do before it is stopped (minijinja's fuel).
const TEMPLATE_FUEL: u64 = 100_000;

/// The largest value that a template may make, in bytes: values made of values double quickly.
const MAX_RENDERED: usize = 16 * 1024 * 1024;

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

/// A part of a text; ranges are offsets into its source.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(Range<usize>),
    /// The whole `<<…>>` and what stands between the brackets.
    Expression {
        outer: Range<usize>,
        inner: Range<usize>,
    },
    /// `<<% … %>>`: the text is rendered as one template.
    Statement(Range<usize>),
    /// `<<# … #>>`
    Comment(Range<usize>),
}

/// What a text was rendered to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The bytes for the wire.
    pub(crate) bytes: Vec<u8>,
    /// The text for everyone else: no secret in it.
    pub(crate) shown: String,
    /// Whether the bytes depend on a secret.
    pub(crate) secret: bool,
}

impl Rendered {
    /// A line of our own words.
    pub(crate) fn fixed(line: &str) -> Rendered {
        Rendered { bytes: format!("{line}\r\n").into_bytes(), shown: line.to_owned(), secret: false }
    }
}

/// Something wrong with a template, at a place of the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) message: String,
    pub(crate) span: Span,
    pub(crate) help: Option<String>,
}

/// What the values put into a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Any value as it is.
    Plain,
    /// A line of a command: a value with CR or LF is refused.
    Line,
    /// A regular expression: values are escaped unless they are marked `| safe`.
    Pattern,
}

/// The variables an expression sees.
pub(crate) trait Scope {
    /// The names and values, as one minijinja object.
    fn context(&self) -> Value;
    /// Whether the value of this name depends on a secret.
    fn is_secret(&self, name: &str) -> bool;
}

/// The names of an expression, with their offsets into its source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) variables: Vec<(String, Range<usize>)>,
    pub(crate) filters: Vec<(String, Range<usize>)>,
    pub(crate) tests: Vec<(String, Range<usize>)>,
    pub(crate) functions: Vec<(String, Range<usize>)>,
    /// Calls such as `name.split('@')`, which values do not have.
    pub(crate) methods: Vec<(String, Range<usize>)>,
}

impl Text {
    /// Finds the expressions of `source`. Errors are unclosed brackets.
    pub(crate) fn parse(source: &str, span: Span, layout: Layout) -> Result<Text, TemplateError> {
        let mut text = Text { source: source.to_owned(), span, layout, pieces: Vec::new() };
        text.pieces = scan(source).map_err(|fault| TemplateError {
            message: fault.message.to_owned(),
            span: text.span_of(&fault.range),
            help: Some(fault.help().to_owned()),
        })?;
        Ok(text)
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
        let tree = parse_expr(&self.source).map_err(|error| self.error(&error))?;
        let mut names = Names::default();
        visit(&tree, &mut |expression| names.note(expression, &self.source));
        Ok(names)
    }

    /// The sub-expressions whose values explain a failed assertion: both sides of each comparison, arguments of tests.
    pub(crate) fn parts(&self) -> Vec<String> {
        let Ok(tree) = parse_expr(&self.source) else { return Vec::new() };
        let mut parts = Vec::new();
        visit(&tree, &mut |expression| {
            for part in operands(expression) {
                let text = self.source.get(range_of(part)).unwrap_or("").trim().to_owned();
                // A part that begins inside of brackets does not stand alone.
                let stands_alone = parse_expr(&text).is_ok();
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

    fn error(&self, error: &minijinja::Error) -> TemplateError {
        let range = error.range().unwrap_or(0..self.source.len());
        TemplateError { message: message_of(error), span: self.span_of(&range), help: None }
    }
}

impl Names {
    fn note(&mut self, expression: &ast::Expr<'_>, source: &str) {
        let named = |name: &str, from: usize| {
            let start = source.get(from..).and_then(|rest| rest.find(name)).map_or(from, |at| from + at);
            (name.to_owned(), start..start + name.len())
        };
        match expression {
            ast::Expr::Var(variable) => {
                let range = range_of(expression);
                self.variables.push((variable.id.to_owned(), range));
            }
            ast::Expr::Filter(filter) => {
                let from = filter.expr.as_ref().map_or(0, |inner| range_of(inner).end);
                self.filters.push(named(filter.name, from));
            }
            ast::Expr::Test(test) => self.tests.push(named(test.name, range_of(&test.expr).end)),
            ast::Expr::Call(call) => {
                if let ast::Expr::Var(function) = &call.expr {
                    self.variables.pop_if(|(name, _)| name == function.id);
                    self.functions.push((function.id.to_owned(), range_of(&call.expr)));
                }
                if let ast::Expr::GetAttr(method) = &call.expr {
                    self.methods.push(named(method.name, range_of(&method.expr).end));
                }
            }
            _ => {}
        }
    }
}

/// Renders texts and evaluates expressions for one run.
#[derive(Debug)]
pub(crate) struct Templates {
    environment: Environment<'static>,
    chance: Chance,
}

impl Templates {
    /// With the built-in filters and functions; `chance` is the run's source of randomness and time.
    pub(crate) fn new(chance: Chance) -> Templates {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_debug(true);
        environment.set_fuel(Some(TEMPLATE_FUEL));
        builtin::register(&mut environment, chance.clone());
        Templates { environment, chance }
    }

    /// A nonce for an exchange that is not written as a template.
    pub(crate) fn nonce(&self) -> String {
        self.chance.nonce()
    }

    /// The run's source of randomness and time.
    pub(crate) fn chance(&self) -> &Chance {
        &self.chance
    }

    /// Whether a function of this name exists.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.environment.globals().any(|(global, _)| global == name)
    }

    /// Whether a filter of this name exists.
    pub(crate) fn has_filter(&self, name: &str) -> bool {
        let outcome = self.environment.empty_state().apply_filter(name, &[]);
        !outcome.is_err_and(|error| error.kind() == minijinja::ErrorKind::UnknownFilter)
    }

    /// Whether a test of this name exists.
    pub(crate) fn has_test(&self, name: &str) -> bool {
        let outcome = self.environment.empty_state().perform_test(name, &[]);
        !outcome.is_err_and(|error| error.kind() == minijinja::ErrorKind::UnknownTest)
    }

    /// The names of all functions.
    pub(crate) fn functions(&self) -> Vec<String> {
        self.environment.globals().map(|(name, _)| name.to_owned()).collect()
    }

    /// Renders a text. A value with a fault is an error at the expression that has it.
    pub(crate) fn render(&self, text: &Text, mode: Mode, scope: &dyn Scope) -> Result<Rendered, TemplateError> {
        let rendered = self.render_any_size(text, mode, scope)?;
        if rendered.bytes.len() <= MAX_RENDERED {
            return Ok(rendered);
        }
        let message = format!("this makes a text of {} bytes: {MAX_RENDERED} are the most", rendered.bytes.len());
        let help = Some("large mail data belongs in a file: `data: {file: …}`".to_owned());
        Err(TemplateError { message, span: text.span, help })
    }

    fn render_any_size(&self, text: &Text, mode: Mode, scope: &dyn Scope) -> Result<Rendered, TemplateError> {
        if text.is_literal() {
            let shown = text.source.clone();
            return Ok(Rendered { bytes: shown.clone().into_bytes(), shown, secret: false });
        }
        if text.has_statements() {
            return self.render_whole(text, mode, scope);
        }
        let context = scope.context();
        let mut rendered = Rendered::default();
        for piece in &text.pieces {
            match piece {
                Piece::Literal(range) => rendered.push_literal(&text.source[range.clone()]),
                Piece::Expression { outer, inner } => {
                    let value = self.value(text, inner, &context)?;
                    let bytes = bytes_of(&value, mode).map_err(|message| TemplateError {
                        message: format!("`{}` {message}", text.source[inner.clone()].trim()),
                        span: text.span_of(inner),
                        help: Some("send bytes like these with `raw:`".to_owned()),
                    })?;
                    let secret = depends_on_secret(&text.source[inner.clone()], scope);
                    rendered.push_value(&bytes, &text.source[outer.clone()], secret);
                }
                Piece::Statement(_) | Piece::Comment(_) => {}
            }
        }
        Ok(rendered)
    }

    /// The value of a text: a text that is one single `<<…>>` keeps the type of its expression.
    pub(crate) fn value_of(&self, text: &Text, scope: &dyn Scope) -> Result<(Value, bool), TemplateError> {
        if let [Piece::Expression { inner, .. }] = text.pieces.as_slice() {
            let value = self.value(text, inner, &scope.context())?;
            return Ok((value, depends_on_secret(&text.source[inner.clone()], scope)));
        }
        let rendered = self.render(text, Mode::Plain, scope)?;
        Ok((value_from_bytes(rendered.bytes), rendered.secret))
    }

    /// Evaluates a bare expression.
    pub(crate) fn evaluate(&self, expression: &Expression, scope: &dyn Scope) -> Result<Value, TemplateError> {
        let context = scope.context();
        self.refuse_mixed_order(expression, &context, scope)?;
        let value = self.eval_source(&expression.source, &context).map_err(|error| expression.error(&error))?;
        if value.is_undefined() {
            return Err(expression.undefined());
        }
        Ok(value)
    }

    /// The parts of a failed assertion with their values, as `name = value`; secrets are not shown.
    pub(crate) fn explain(&self, expression: &Expression, scope: &dyn Scope) -> Vec<String> {
        let context = scope.context();
        let shown = |part: &String| {
            if depends_on_secret(part, scope) {
                return Some(format!("`{part}` depends on a secret"));
            }
            let value = self.eval_source(part, &context).ok()?;
            Some(format!("`{part}` is {}", describe(&value)))
        };
        expression.parts().iter().filter_map(shown).collect()
    }

    /// minijinja orders a string against a number without a word; here that is an error.
    fn refuse_mixed_order(
        &self,
        expression: &Expression,
        context: &Value,
        scope: &dyn Scope,
    ) -> Result<(), TemplateError> {
        let Ok(tree) = parse_expr(&expression.source) else { return Ok(()) };
        let mut fault = None;
        visit(&tree, &mut |part| {
            for (left, right) in ordered_pairs(part) {
                let value = |side| self.eval_source(&expression.source[range_of(side)], context).ok();
                let (Some(a), Some(b)) = (value(left), value(right)) else { continue };
                let told = |side, value: &Value| {
                    let written = &expression.source[range_of(side)];
                    let secret = depends_on_secret(written, scope);
                    if secret { format!("`{written}`, a {}", value.kind()) } else { describe(value) }
                };
                if a.kind() != b.kind() && !a.is_undefined() && !b.is_undefined() && fault.is_none() {
                    fault = Some((range_of(left).start..range_of(right).end, told(left, &a), told(right, &b)));
                }
            }
        });
        match fault {
            None => Ok(()),
            Some((range, left, right)) => Err(TemplateError {
                message: format!("cannot order {left} against {right}"),
                span: expression.span_of(&range),
                help: Some("make both a number (`| int`) or both text (`| string`)".to_owned()),
            }),
        }
    }

    fn value(&self, text: &Text, inner: &Range<usize>, context: &Value) -> Result<Value, TemplateError> {
        let source = &text.source[inner.clone()];
        let shifted = |error: minijinja::Error| {
            let range = error.range().unwrap_or(0..source.len());
            let range = inner.start + range.start..inner.start + range.end;
            TemplateError { message: message_of(&error), span: text.span_of(&range), help: None }
        };
        let value = self.eval_source(source, context).map_err(shifted)?;
        if value.is_undefined() {
            let message = format!("`{}` is undefined", source.trim());
            return Err(TemplateError { message, span: text.span_of(inner), help: None });
        }
        Ok(value)
    }

    fn eval_source(&self, source: &str, context: &Value) -> Result<Value, minijinja::Error> {
        self.environment.compile_expression(source)?.eval(context.clone())
    }

    /// A text with statements is one minijinja template; where it reads a secret it is shown whole as written.
    fn render_whole(&self, text: &Text, mode: Mode, scope: &dyn Scope) -> Result<Rendered, TemplateError> {
        let mut environment = self.environment.clone();
        environment.set_syntax(statement_syntax().map_err(|error| text.error(&error))?);
        environment.set_formatter(move |output, _state, value| {
            let bytes = bytes_of(value, mode)
                .map_err(|message| minijinja::Error::new(minijinja::ErrorKind::BadEscape, message))?;
            let text = String::from_utf8(bytes).map_err(|_| {
                minijinja::Error::new(minijinja::ErrorKind::BadEscape, "a value that is not UTF-8 cannot stand here")
            })?;
            output.write_str(&text).map_err(minijinja::Error::from)
        });
        let marked = mark(&text.source, &text.pieces);
        let template = environment.template_from_str(&marked).map_err(|error| text.error(&error))?;
        let names = template.undeclared_variables(false);
        let bytes = template.render(scope.context()).map_err(|error| text.error(&error))?.into_bytes();
        let secret = names.iter().any(|name| scope.is_secret(name));
        let shown = if secret { text.source.clone() } else { String::from_utf8_lossy(&bytes).into_owned() };
        Ok(Rendered { bytes, shown, secret })
    }
}

impl Rendered {
    /// `message`, which may quote the value, without it where it depends on a secret.
    pub(crate) fn without_secret(&self, message: String) -> String {
        let value = String::from_utf8_lossy(&self.bytes);
        if self.secret && !value.is_empty() { message.replace(&*value, &self.shown) } else { message }
    }

    fn push_literal(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.shown.push_str(text);
    }

    fn push_value(&mut self, bytes: &[u8], written: &str, secret: bool) {
        self.bytes.extend_from_slice(bytes);
        self.secret |= secret;
        match std::str::from_utf8(bytes) {
            _ if secret => self.shown.push_str(written),
            Ok(text) => self.shown.push_str(text),
            Err(_) => self.shown.push_str(&visible(bytes)),
        }
    }
}

impl Text {
    fn error(&self, error: &minijinja::Error) -> TemplateError {
        let range = error.range().unwrap_or(0..self.source.len());
        TemplateError { message: message_of(error), span: self.span_of(&range), help: None }
    }
}

impl Expression {
    fn undefined(&self) -> TemplateError {
        TemplateError { message: format!("`{}` is undefined", self.source.trim()), span: self.span, help: None }
    }
}

/// A value made of bytes: text where they are UTF-8.
pub(crate) fn value_from_bytes(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(error) => Value::from_bytes(error.into_bytes()),
    }
}

/// A value as bytes for the wire.
fn bytes_of(value: &Value, mode: Mode) -> Result<Vec<u8>, String> {
    let bytes = match value.as_bytes() {
        Some(bytes) => bytes.to_vec(),
        None => value.to_string().into_bytes(),
    };
    match mode {
        Mode::Plain => Ok(bytes),
        Mode::Line if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n')) => {
            Err("holds a line break: data must not end the line it stands in".to_owned())
        }
        Mode::Line => Ok(bytes),
        Mode::Pattern if value.is_safe() => Ok(bytes),
        Mode::Pattern => Ok(escaped_pattern(&bytes)),
    }
}

/// Escapes `bytes` so that a pattern matches exactly them.
fn escaped_pattern(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = String::new();
    for chunk in bytes.utf8_chunks() {
        escaped.push_str(&regex::escape(chunk.valid()));
        for byte in chunk.invalid() {
            _ = write!(escaped, "(?-u:\\x{byte:02x})");
        }
    }
    escaped.into_bytes()
}

/// Whether an expression names something that depends on a secret.
fn depends_on_secret(source: &str, scope: &dyn Scope) -> bool {
    let expression = Expression::new(source, Span::default(), Layout::default());
    match expression.names() {
        Ok(names) => names.variables.iter().any(|(name, _)| scope.is_secret(name)),
        Err(_) => true,
    }
}

/// A value for a message, with its type where that matters.
pub(crate) fn describe(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => format!("{:?}", value.to_string()),
        ValueKind::Undefined => "undefined".to_owned(),
        ValueKind::None => "none".to_owned(),
        ValueKind::Bool => value.is_true().to_string(),
        _ => value.to_string(),
    }
}

/// minijinja's message without its debug information, which lists the values of variables.
fn message_of(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None if error.kind() == minijinja::ErrorKind::OutOfFuel => "the template does too much work".to_owned(),
        None => error.kind().to_string(),
    }
}

fn place(span: Span, layout: &Layout, range: &Range<usize>) -> Span {
    match (layout.file_offset(range.start), layout.file_offset(range.end)) {
        (Some(start), Some(end)) if start < end => span.with_range(start, end),
        (Some(start), _) => span.with_range(start, start + range.len().max(1)),
        _ => span,
    }
}

/// The span of `a.b.c` or `a | length` begins only behind its first part, which belongs to it.
fn range_of(expression: &ast::Expr<'_>) -> Range<usize> {
    let span = expression.span();
    let first = children(expression).into_iter().map(|child| range_of(child).start).min();
    let start = span.start_offset as usize;
    first.map_or(start, |first| first.min(start))..span.end_offset as usize
}

/// Calls `look` for an expression's parts first, then for itself.
fn visit<'a>(expression: &'a ast::Expr<'a>, look: &mut dyn FnMut(&'a ast::Expr<'a>)) {
    for child in children(expression) {
        visit(child, look);
    }
    look(expression);
}

fn children<'a>(expression: &'a ast::Expr<'a>) -> Vec<&'a ast::Expr<'a>> {
    use ast::Expr;
    let with_arguments = |first: Option<&'a Expr<'a>>, arguments: &'a [ast::CallArg<'a>]| {
        first.into_iter().chain(arguments.iter().map(argument)).collect()
    };
    match expression {
        Expr::Var(_) | Expr::Const(_) => Vec::new(),
        Expr::Slice(slice) => {
            let bounds = [&slice.start, &slice.stop, &slice.step];
            std::iter::once(&slice.expr).chain(bounds.into_iter().flatten()).collect()
        }
        Expr::UnaryOp(unary) => vec![&unary.expr],
        Expr::BinOp(binary) => vec![&binary.left, &binary.right],
        Expr::Compare(compare) => {
            std::iter::once(&compare.expr).chain(compare.ops.iter().map(|operation| &operation.expr)).collect()
        }
        Expr::IfExpr(choice) => {
            [&choice.test_expr, &choice.true_expr].into_iter().chain(choice.false_expr.as_ref()).collect()
        }
        Expr::Filter(filter) => with_arguments(filter.expr.as_ref(), &filter.args),
        Expr::Test(test) => with_arguments(Some(&test.expr), &test.args),
        Expr::GetAttr(attribute) => vec![&attribute.expr],
        Expr::GetItem(item) => vec![&item.expr, &item.subscript_expr],
        Expr::Call(call) => with_arguments(Some(&call.expr), &call.args),
        Expr::List(list) => list.items.iter().collect(),
        Expr::Tuple(tuple) => tuple.items.iter().collect(),
        Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
    }
}

fn argument<'a>(argument: &'a ast::CallArg<'a>) -> &'a ast::Expr<'a> {
    match argument {
        ast::CallArg::Pos(value)
        | ast::CallArg::Kwarg(_, value)
        | ast::CallArg::PosSplat(value)
        | ast::CallArg::KwargSplat(value) => value,
    }
}

/// The operands of a comparison or test.
fn operands<'a>(expression: &'a ast::Expr<'a>) -> Vec<&'a ast::Expr<'a>> {
    match expression {
        ast::Expr::Compare(_) => children(expression),
        ast::Expr::BinOp(binary) if !matches!(binary.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr) => {
            vec![&binary.left, &binary.right]
        }
        ast::Expr::Test(test) => vec![&test.expr],
        ast::Expr::UnaryOp(unary) if matches!(unary.op, ast::UnaryOpKind::Not) => match &unary.expr {
            ast::Expr::Var(_) | ast::Expr::GetAttr(_) | ast::Expr::Call(_) => vec![&unary.expr],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The pairs that an expression puts in order (`<`, `<=`, `>`, `>=`).
fn ordered_pairs<'a>(expression: &'a ast::Expr<'a>) -> Vec<(&'a ast::Expr<'a>, &'a ast::Expr<'a>)> {
    use ast::{BinOpKind, CompareOpKind};
    match expression {
        ast::Expr::BinOp(binary)
            if matches!(binary.op, BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte) =>
        {
            vec![(&binary.left, &binary.right)]
        }
        ast::Expr::Compare(compare) => {
            let mut left = &compare.expr;
            let mut pairs = Vec::new();
            for operation in &compare.ops {
                let orders = matches!(
                    operation.op,
                    CompareOpKind::Lt | CompareOpKind::Lte | CompareOpKind::Gt | CompareOpKind::Gte
                );
                if orders {
                    pairs.push((left, &operation.expr));
                }
                left = &operation.expr;
            }
            pairs
        }
        _ => Vec::new(),
    }
}

/// The names that a text with statements reads, or its syntax error.
pub(crate) fn statement_names(text: &Text) -> Result<BTreeSet<String>, TemplateError> {
    if !text.has_statements() {
        return Ok(BTreeSet::new());
    }
    let mut environment = Environment::new();
    environment.set_debug(true);
    environment.set_syntax(statement_syntax().map_err(|error| text.error(&error))?);
    let marked = mark(&text.source, &text.pieces);
    let template = environment.template_from_str(&marked).map_err(|error| text.error(&error))?;
    Ok(template.undeclared_variables(false).into_iter().collect())
}

/// minijinja's delimiters for a marked text: control bytes that no scenario can hold.
fn statement_syntax() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder()
        .variable_delimiters("\x01\x02", ">>")
        .block_delimiters("\x01\x03%", "%>>")
        .comment_delimiters("\x01\x04#", "#>>")
        .keep_trailing_newline(true)
        .build()
}

/// Overwrites each opening `<<` by control bytes of the same length, so that every offset stays true.
fn mark(source: &str, pieces: &[Piece]) -> String {
    let mut marked = source.as_bytes().to_vec();
    for piece in pieces {
        let (range, second) = match piece {
            Piece::Literal(_) => continue,
            Piece::Expression { outer, .. } => (outer, 2),
            Piece::Statement(range) => (range, 3),
            Piece::Comment(range) => (range, 4),
        };
        if let Some(bytes) = marked.get_mut(range.start..range.start + 2) {
            bytes.copy_from_slice(&[1, second]);
        }
    }
    String::from_utf8(marked).unwrap_or_default()
}

/// An opening bracket that is never closed.
struct ScanFault {
    message: &'static str,
    range: Range<usize>,
}

impl ScanFault {
    fn help(&self) -> &'static str {
        if self.message.contains('#') {
            return "outside of quotes YAML takes ` #` for the beginning of a comment: quote the text";
        }
        "a literal `<<` is written `<<'<<'>>`"
    }
}

/// Splits a text at its brackets.
fn scan(source: &str) -> Result<Vec<Piece>, ScanFault> {
    let mut pieces = Vec::new();
    let mut literal = 0;
    let mut search = 0;
    while let Some(found) = source[search..].find("<<") {
        let run_start = search + found;
        let run = source[run_start..].bytes().take_while(|byte| *byte == b'<').count();
        let open = run_start + run - 2;
        if literal < open {
            pieces.push(Piece::Literal(literal..open));
        }
        let (piece, end) = scan_bracket(source, open)?;
        pieces.push(piece);
        literal = end;
        search = end;
    }
    if literal < source.len() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal..source.len()));
    }
    Ok(pieces)
}

/// Reads one bracket that opens at `open`; returns the piece and the offset behind it.
fn scan_bracket(source: &str, open: usize) -> Result<(Piece, usize), ScanFault> {
    let inside = open + 2;
    let unclosed = |message| ScanFault { message, range: open..open + 2 };
    match source.as_bytes().get(inside) {
        Some(b'%') => {
            let length = source[inside..].find("%>>").ok_or(unclosed("this `<<%` is never closed by `%>>`"))?;
            Ok((Piece::Statement(open..inside + length + 3), inside + length + 3))
        }
        Some(b'#') => {
            let length = source[inside..].find("#>>").ok_or(unclosed("this `<<#` is never closed by `#>>`"))?;
            Ok((Piece::Comment(open..inside + length + 3), inside + length + 3))
        }
        _ => {
            let length = closing(&source[inside..]).ok_or(unclosed("this `<<` is never closed by `>>`"))?;
            let close = inside + length;
            Ok((Piece::Expression { outer: open..close + 2, inner: inside..close }, close + 2))
        }
    }
}

/// The offset of the `>>` that closes an expression: outside of quotes, at the first two of a run of `>`.
fn closing(expression: &str) -> Option<usize> {
    let bytes = expression.as_bytes();
    let mut quote = None;
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        match (quote, byte) {
            (Some(_), b'\\') => index += 1,
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'>') if bytes.get(index + 1) == Some(&b'>') => return Some(index),
            (None, _) => {}
        }
        index += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Fixed(BTreeMap<&'static str, Value>, Vec<&'static str>);

    impl Scope for Fixed {
        fn context(&self) -> Value {
            Value::from(self.0.clone())
        }
        fn is_secret(&self, name: &str) -> bool {
            self.1.contains(&name)
        }
    }

    fn scope() -> Fixed {
        let values = [
            ("from", Value::from("john@doe.com")),
            ("user", Value::from("tim")),
            ("password", Value::from("p.w")),
            ("n", Value::from(3)),
            ("evil", Value::from("a\r\nQUIT")),
        ];
        Fixed(values.into_iter().collect(), vec!["password"])
    }

    fn text(source: &str) -> Text {
        let span = Span { file: 0, start: 0, end: u32::try_from(source.len()).unwrap() };
        Text::parse(source, span, Layout::verbatim(0)).unwrap()
    }

    fn rendered(source: &str, mode: Mode) -> Result<Rendered, TemplateError> {
        Templates::new(Chance::seeded(1)).render(&text(source), mode, &scope())
    }

    fn bytes(source: &str) -> String {
        String::from_utf8(rendered(source, Mode::Line).unwrap().bytes).unwrap()
    }

    #[test]
    fn the_last_two_open_and_the_first_two_close() {
        assert_eq!(bytes("MAIL FROM:<<<from>>>"), "MAIL FROM:<john@doe.com>");
        assert_eq!(bytes("<<<<user>>>>"), "<<tim>>");
        assert_eq!(bytes("a<<'<<'>>b"), "a<<b");
        assert_eq!(bytes("<<'>>'>>"), ">>");
        assert_eq!(bytes("a < b <c> {{x}} {% y %} <%subject%>"), "a < b <c> {{x}} {% y %} <%subject%>");
        assert_eq!(bytes("<<n > 2>>"), "True");
    }

    #[test]
    fn statements_and_comments() {
        assert_eq!(bytes("a<<# note #>>b"), "ab");
        assert_eq!(bytes("<<% if n > 2 %>>big <<<user>>><<% endif %>>\n"), "big <tim>\n");
    }

    #[test]
    fn secrets_are_shown_as_written() {
        let plain = rendered("AUTH <<user>> <<password | b64encode>>", Mode::Line).unwrap();
        assert_eq!(plain.shown, "AUTH tim <<password | b64encode>>");
        assert_eq!(plain.bytes, b"AUTH tim cC53");
        assert!(plain.secret);
        let whole = rendered("<<% if n %>><<password>><<% endif %>>", Mode::Line).unwrap();
        assert_eq!(whole.shown, "<<% if n %>><<password>><<% endif %>>");
    }

    #[test]
    fn values_are_escaped_in_patterns_and_cannot_end_a_line() {
        assert_eq!(rendered("^250 <<password>>", Mode::Pattern).unwrap().bytes, b"^250 p\\.w");
        assert_eq!(rendered("^250 <<password | safe>>", Mode::Pattern).unwrap().bytes, b"^250 p.w");
        assert!(rendered("RCPT <<evil>>", Mode::Line).unwrap_err().message.contains("line break"));
        assert!(rendered("<<% if 1 %>><<evil>><<% endif %>>", Mode::Line).is_err());
    }

    #[test]
    fn errors_point_at_the_expression() {
        let error = rendered("EHLO <<nope>>", Mode::Line).unwrap_err();
        assert_eq!((error.span.start, error.span.end), (7, 11));
        assert!(error.message.contains("undefined"), "{}", error.message);
        assert_eq!(Text::parse("a <<b", Span::default(), Layout::verbatim(0)).unwrap_err().span.start, 2);
        assert!(text("<<a b>>").expressions().next().unwrap().names().is_err());
    }

    #[test]
    fn names_of_an_expression() {
        let names = text("<<offers('A') and user.trim() and user | upper is defined>>")
            .expressions()
            .next()
            .unwrap()
            .names()
            .unwrap();
        let list = |names: &[(String, Range<usize>)]| names.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(list(&names.variables), ["user", "user"]);
        assert_eq!(list(&names.functions), ["offers"]);
        assert_eq!(names.methods, [("trim".to_owned(), 21..25)]);
        assert_eq!(list(&names.filters), ["upper"]);
        assert_eq!(list(&names.tests), ["defined"]);
    }

    #[test]
    fn a_string_is_not_ordered_against_a_number() {
        let expression = |source: &str| Expression::new(source, Span::default(), Layout::verbatim(0));
        let templates = Templates::new(Chance::seeded(1));
        assert!(templates.evaluate(&expression("n > 2"), &scope()).unwrap().is_true());
        assert!(templates.evaluate(&expression("user > 2"), &scope()).unwrap_err().message.contains("cannot order"));
        assert_eq!(
            templates.explain(&expression("n > 5 and user == 'x'"), &scope()),
            ["`n` is 3", "`user` is \"tim\""]
        );
        let parts = |source: &str| expression(source).parts();
        assert_eq!(parts("tls.certificate.days_left > n"), ["tls.certificate.days_left", "n"]);
        assert_eq!(parts("reply.lines | length == 2 and n > 1"), ["reply.lines | length", "n"]);
        assert_eq!(parts("(user | split('@'))[1] == n"), ["(user | split('@'))[1]", "n"]);
    }

    #[test]
    fn a_single_expression_keeps_its_type() {
        let templates = Templates::new(Chance::seeded(1));
        assert_eq!(templates.value_of(&text("<<n>>"), &scope()).unwrap().0.kind(), ValueKind::Number);
        assert_eq!(templates.value_of(&text("<<n>> "), &scope()).unwrap().0.kind(), ValueKind::String);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_split_without_loss(source in "[<>%#'\"a \\\\é\n]{0,60}") {
            if let Ok(pieces) = scan(&source) {
                let mut end = 0;
                for piece in &pieces {
                    if let Piece::Literal(range) | Piece::Statement(range) | Piece::Expression { outer: range, .. } = piece {
                        proptest::prop_assert!(range.start >= end && source.is_char_boundary(range.end));
                        end = range.end;
                    }
                }
            }
        }

        #[test]
        fn text_without_brackets_is_literal(source in "[^<]{0,60}") {
            proptest::prop_assert_eq!(rendered(&source, Mode::Line).unwrap().bytes, source.as_bytes());
        }
    }
}
