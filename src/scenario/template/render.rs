//! Rendering: the bytes for the wire, beside the text for everyone else, and how much work a template may do.
//!
//! Called by whoever checks or plays a scenario. Each evaluation has its fuel, each text the fuel of several, and whoever
//! checks a file gives all of it together a limit; a run says when its time is over.

use super::expression::{self, ExpressionFault, ordered_pairs, range_of, visit};
use super::scan::{Piece, mark};
use super::weigh::{MAX_WEIGHT, WEIGH, settled, weigh, weighed, weighed_statement};
use super::{Expression, Layout, Scope, Span, TemplateError, Text, refuse_deep_text, weight_of};
use crate::scenario::builtin::{self, Chance};
use crate::visible::visible;
use minijinja::machinery::{self, CodeGenerator};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// How much work one expression may do before it is stopped (minijinja's fuel).
const EXPRESSION_FUEL: u64 = 200_000;
/// How much the expressions of one text may do.
const TEXT_FUEL: u64 = 1_000_000;
/// How much all templates of a file may do while it is checked.
const CHECK_FUEL: u64 = 1_000_000;
/// After how much work others want their turn.
const BREATH: u64 = 20_000;
/// The most that the values of one run may take in memory together, in octets.
const MAX_HELD: usize = 20 * 1024 * 1024;
/// Values below this size are not counted among those.
const SMALL: usize = 4 * 1024;

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

/// Renders texts and evaluates expressions for one run.
pub(crate) struct Templates {
    /// Made when an expression first asks for more than the value of a name.
    environment: OnceLock<Environment<'static>>,
    chance: Chance,
    /// The fuel that was used.
    used: AtomicU64,
    /// What was used when others had their turn last.
    used_before: AtomicU64,
    /// How much may be used in all, where that is limited.
    limit: u64,
    /// Whether the time for all this is over.
    over: Option<Over>,
}

/// Says whether the time of a run is over.
pub(crate) type Over = Arc<dyn Fn() -> bool + Send + Sync>;

impl Templates {
    /// With the built-in filters and functions; `chance` is the run's source of randomness and time.
    pub(crate) fn new(chance: Chance) -> Templates {
        let environment = OnceLock::new();
        let (used, used_before) = (AtomicU64::new(0), AtomicU64::new(0));
        Templates { environment, chance, used, used_before, limit: u64::MAX, over: None }
    }

    /// Those with which a file is checked: all of it together has a limit.
    pub(crate) fn for_check(chance: Chance) -> Templates {
        Templates { limit: CHECK_FUEL, ..Templates::new(chance) }
    }

    /// The same, which evaluate nothing more when `over` says so.
    pub(crate) fn until(self, over: Over) -> Templates {
        Templates { over: Some(over), ..self }
    }

    fn environment(&self) -> &Environment<'static> {
        self.environment.get_or_init(|| environment_with(&self.chance))
    }

    /// Whether so much was evaluated since the last time that others should have their turn.
    pub(crate) fn wants_a_breath(&self) -> bool {
        let used = self.used.load(Ordering::Relaxed);
        let wants = used.saturating_sub(self.used_before.load(Ordering::Relaxed)) >= BREATH;
        if wants {
            self.used_before.store(used, Ordering::Relaxed);
        }
        wants
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
        self.environment().globals().any(|(global, _)| global == name)
    }

    /// Whether a filter of this name exists.
    pub(crate) fn has_filter(&self, name: &str) -> bool {
        let outcome = self.environment().empty_state().apply_filter(name, &[]);
        !outcome.is_err_and(|error| error.kind() == minijinja::ErrorKind::UnknownFilter)
    }

    /// Whether a test of this name exists.
    pub(crate) fn has_test(&self, name: &str) -> bool {
        let outcome = self.environment().empty_state().perform_test(name, &[]);
        !outcome.is_err_and(|error| error.kind() == minijinja::ErrorKind::UnknownTest)
    }

    /// The names of all functions.
    pub(crate) fn functions(&self) -> Vec<String> {
        self.environment().globals().map(|(name, _)| name.to_owned()).collect()
    }

    /// Renders a text. A value with a fault is an error at the expression that has it.
    pub(crate) fn render(&self, text: &Text, mode: Mode, scope: &dyn Scope) -> Result<Rendered, TemplateError> {
        if text.is_literal() {
            let shown = text.source.clone();
            return Ok(Rendered { bytes: shown.clone().into_bytes(), shown, secret: false });
        }
        let rendered = if text.has_statements() {
            self.render_whole(text, mode, scope).map_err(|fault| text.error(fault))?
        } else {
            self.render_pieces(text, mode, scope)?
        };
        if rendered.bytes.len() <= MAX_WEIGHT { Ok(rendered) } else { Err(too_large(text, rendered.bytes.len())) }
    }

    fn render_pieces(&self, text: &Text, mode: Mode, scope: &dyn Scope) -> Result<Rendered, TemplateError> {
        let context = scope.context();
        let before = self.used.load(Ordering::Relaxed);
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
                    if rendered.bytes.len() > MAX_WEIGHT {
                        return Err(too_large(text, rendered.bytes.len()));
                    }
                    if self.used.load(Ordering::Relaxed) - before > TEXT_FUEL {
                        return Err(text.error(ExpressionFault { range: inner.clone(), ..too_much_work(0) }));
                    }
                }
                Piece::Statement(_) | Piece::Comment(_) => {}
            }
        }
        Ok(rendered)
    }

    /// The value of a text: a text that is one single `<<…>>` keeps the type of its expression.
    pub(crate) fn value_of(&self, text: &Text, scope: &dyn Scope) -> Result<(Value, bool), TemplateError> {
        let (value, secret) = if let [Piece::Expression { inner, .. }] = text.pieces.as_slice() {
            let value = self.value(text, inner, &scope.context())?;
            (value, depends_on_secret(&text.source[inner.clone()], scope))
        } else {
            let rendered = self.render(text, Mode::Plain, scope)?;
            (value_from_bytes(rendered.bytes), rendered.secret)
        };
        let weight = weight_of(&value).unwrap_or(usize::MAX);
        if weight > SMALL && weight.saturating_add(scope.held()) > MAX_HELD {
            let message = format!("the values of this run take more than {MAX_HELD} octets together");
            return Err(TemplateError { message, span: text.span, help: Some("keep fewer large values".to_owned()) });
        }
        Ok((settled(value), secret))
    }

    /// Evaluates a bare expression.
    pub(crate) fn evaluate(&self, expression: &Expression, scope: &dyn Scope) -> Result<Value, TemplateError> {
        let context = scope.context();
        self.refuse_mixed_order(expression, &context, scope)?;
        let value = self.eval_source(&expression.source, &context).map_err(|fault| expression.error(fault))?;
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
        let Ok(tree) = expression::parse(&expression.source) else { return Ok(()) };
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
        let value = self.eval_source(source, context).map_err(|fault| {
            text.error(ExpressionFault {
                range: inner.start + fault.range.start..inner.start + fault.range.end,
                ..fault
            })
        })?;
        if value.is_undefined() {
            let message = format!("`{}` is undefined", source.trim());
            return Err(TemplateError { message, span: text.span_of(inner), help: None });
        }
        Ok(value)
    }

    fn eval_source(&self, source: &str, context: &Value) -> Result<Value, ExpressionFault> {
        self.refuse_more(source.len())?;
        if is_name(source.trim()) {
            // The usual case needs no machinery.
            let value = context.get_attr(source.trim()).unwrap_or_default();
            if !value.is_undefined() {
                self.used.fetch_add(1, Ordering::Relaxed);
                return within_bounds(value, source.len());
            }
        }
        let tree = expression::parse(source)?;
        let mut generator = CodeGenerator::new("<expression>", source);
        generator.compile_expr(&weighed(&tree));
        let (instructions, blocks) = generator.finish();
        let mut unused = String::new();
        let mut output = machinery::make_string_output(&mut unused);
        let context = context.clone();
        let outcome =
            machinery::eval(self.environment(), &instructions, context, &blocks, &mut output, AutoEscape::None);
        let (value, state) = outcome.map_err(|error| self.failed(&error, source.len()))?;
        self.note_used(state.fuel_levels());
        within_bounds(value.unwrap_or_default(), source.len())
    }

    /// A text with statements is one minijinja template; where it reads a secret it is shown whole as written.
    fn render_whole(&self, text: &Text, mode: Mode, scope: &dyn Scope) -> Result<Rendered, ExpressionFault> {
        let length = text.source.len();
        self.refuse_more(length)?;
        refuse_deep_text(&text.source, &text.pieces)?;
        let mut environment = self.environment().clone();
        let syntax = statement_syntax().map_err(|error| ExpressionFault::of(&error, length))?;
        environment.set_syntax(syntax.clone());
        environment.set_formatter(move |output, _state, value| {
            let bytes = bytes_of(value, mode)
                .map_err(|message| minijinja::Error::new(minijinja::ErrorKind::BadEscape, message))?;
            let text = String::from_utf8(bytes).map_err(|_| {
                minijinja::Error::new(minijinja::ErrorKind::BadEscape, "a value that is not UTF-8 cannot stand here")
            })?;
            output.write_str(&text).map_err(minijinja::Error::from)
        });
        let marked = mark(&text.source, &text.pieces);
        let tree =
            machinery::parse(&marked, "<string>", syntax).map_err(|error| ExpressionFault::of(&error, length))?;
        let template = environment.template_from_str(&marked).map_err(|error| ExpressionFault::of(&error, length))?;
        let names = template.undeclared_variables(false);
        let mut generator = CodeGenerator::new("<string>", &marked);
        generator.compile_stmt(&weighed_statement(&tree));
        let (instructions, blocks) = generator.finish();
        let mut written = String::new();
        let mut output = machinery::make_string_output(&mut written);
        let context = scope.context();
        let outcome = machinery::eval(&environment, &instructions, context, &blocks, &mut output, AutoEscape::None);
        let (_, state) = outcome.map_err(|error| self.failed(&error, length))?;
        self.note_used(state.fuel_levels());
        drop(state);
        let secret = names.iter().any(|name| scope.is_secret(name));
        let shown = if secret { text.source.clone() } else { written.clone() };
        Ok(Rendered { bytes: written.into_bytes(), shown, secret })
    }

    /// Evaluates nothing more when the time is over, or when all together have done enough.
    fn refuse_more(&self, length: usize) -> Result<(), ExpressionFault> {
        if self.over.as_ref().is_some_and(|over| over()) {
            let message = "the time of the whole run is over".to_owned();
            return Err(ExpressionFault { message, range: 0..length, help: None });
        }
        if self.used.load(Ordering::Relaxed) > self.limit { Err(too_much_work(length)) } else { Ok(()) }
    }

    fn note_used(&self, levels: Option<(u64, u64)>) {
        self.used.fetch_add(levels.map_or(1, |(used, _)| used.max(1)), Ordering::Relaxed);
    }

    /// What failed has used all that it may use, as far as anyone knows.
    fn failed(&self, error: &minijinja::Error, length: usize) -> ExpressionFault {
        let used = if error.kind() == minijinja::ErrorKind::OutOfFuel { EXPRESSION_FUEL } else { 1 };
        self.used.fetch_add(used, Ordering::Relaxed);
        ExpressionFault::of(error, length)
    }
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Templates").field("used", &self.used).finish_non_exhaustive()
    }
}

/// minijinja's own filters, tests and functions, and ours.
fn environment_with(chance: &Chance) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_debug(true);
    environment.set_fuel(Some(EXPRESSION_FUEL));
    environment.add_filter(WEIGH, weigh);
    builtin::register(&mut environment, chance.clone());
    environment
}

fn too_much_work(length: usize) -> ExpressionFault {
    ExpressionFault { message: "the template does too much work".to_owned(), range: 0..length, help: None }
}

fn too_large(text: &Text, length: usize) -> TemplateError {
    let message = format!("this makes a text of {length} bytes: {MAX_WEIGHT} are the most");
    let help = Some("large mail data belongs in a file: `data: {file: …}`".to_owned());
    TemplateError { message, span: text.span, help }
}

/// A value that may be kept and shown: walking through it costs little.
fn within_bounds(value: Value, length: usize) -> Result<Value, ExpressionFault> {
    if weight_of(&value).is_some() {
        return Ok(value);
    }
    let message = format!("this makes a value that is too large or nests too deep: {MAX_WEIGHT} octets are the most");
    Err(ExpressionFault { message, range: 0..length, help: None })
}

/// Whether this is the name of a variable and nothing more.
fn is_name(source: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    source.bytes().all(word)
        && source.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && !matches!(source, "true" | "True" | "false" | "False" | "none" | "None" | "not")
}

impl Rendered {
    /// A line of our own words.
    pub(crate) fn fixed(line: &str) -> Rendered {
        Rendered { bytes: format!("{line}\r\n").into_bytes(), shown: line.to_owned(), secret: false }
    }

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

/// minijinja's delimiters for a marked text: control bytes that no scenario can hold.
pub(super) fn statement_syntax() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder()
        .variable_delimiters("\x01\x02", ">>")
        .block_delimiters("\x01\x03%", "%>>")
        .comment_delimiters("\x01\x04#", "#>>")
        .keep_trailing_newline(true)
        .build()
}
