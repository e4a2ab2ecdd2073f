//! Rendering: the bytes for the wire, beside the text for everyone else; and the values of expressions.
//!
//! Called by whoever checks or plays a scenario. `fuel` bounds the work.

use super::expression::{self, ExpressionFault, ordered_pairs, range_of, visit};
use super::fuel::{EXPRESSION_FUEL, Fuel, Over};
use super::reading::names_read;
use super::rendered::{Mode, Rendered, bytes_of, describe, value_from_bytes};
use super::scan::{Piece, mark};
use super::weigh::{MAX_WEIGHT, WEIGH, settled, weigh, weighed, weighed_statement};
use super::{Expression, Layout, Scope, Span, TemplateError, Text, refuse_deep_text, weight_of};
use crate::scenario::builtin::{self, Chance};
use minijinja::machinery::{self, CodeGenerator};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::ops::Range;
use std::sync::OnceLock;

/// The most that the values of one run may take in memory together, in octets.
const MAX_HELD: usize = 20 * 1024 * 1024;
/// Values below this size are not counted among those.
const SMALL: usize = 4 * 1024;

/// Renders texts and evaluates expressions for one run.
pub(crate) struct Templates {
    /// Made when an expression first asks for more than the value of a name.
    environment: OnceLock<Environment<'static>>,
    chance: Chance,
    fuel: Fuel,
}

impl Templates {
    /// With the built-in filters and functions; `chance` is the run's source of randomness and time.
    pub(crate) fn new(chance: Chance) -> Templates {
        Templates { environment: OnceLock::new(), chance, fuel: Fuel::unlimited() }
    }

    /// Those with which a file is checked: all of it together has a limit.
    pub(crate) fn for_check(chance: Chance) -> Templates {
        Templates { fuel: Fuel::for_check(), ..Templates::new(chance) }
    }

    /// The same, which evaluate nothing more when `over` says so.
    pub(crate) fn until(self, over: Over) -> Templates {
        Templates { fuel: self.fuel.until(over), ..self }
    }

    fn environment(&self) -> &Environment<'static> {
        self.environment.get_or_init(|| environment_with(&self.chance))
    }

    /// Whether enough was evaluated since the last time for others to have their turn.
    pub(crate) fn wants_a_breath(&self) -> bool {
        self.fuel.wants_a_breath()
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
        let before = self.fuel.used();
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
                    self.fuel.refuse_text(before, inner).map_err(|fault| text.error(fault))?;
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
        self.fuel.refuse_more(source.len())?;
        if is_name(source.trim()) {
            // The usual case needs no machinery.
            let value = context.get_attr(source.trim()).unwrap_or_default();
            if !value.is_undefined() {
                self.fuel.note(None);
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
        let (value, state) = outcome.map_err(|error| self.fuel.failed(&error, source.len()))?;
        self.fuel.note(state.fuel_levels());
        within_bounds(value.unwrap_or_default(), source.len())
    }

    /// A text with statements is one minijinja template; where it reads a secret it is shown whole as written.
    fn render_whole(&self, text: &Text, mode: Mode, scope: &dyn Scope) -> Result<Rendered, ExpressionFault> {
        let length = text.source.len();
        self.fuel.refuse_more(length)?;
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
        let names = names_read(&tree);
        let mut generator = CodeGenerator::new("<string>", &marked);
        generator.compile_stmt(&weighed_statement(&tree, &|raw| unmarked(raw, &marked, &text.source)));
        let (instructions, blocks) = generator.finish();
        let mut written = String::new();
        let mut output = machinery::make_string_output(&mut written);
        let context = scope.context();
        let outcome = machinery::eval(&environment, &instructions, context, &blocks, &mut output, AutoEscape::None);
        let (_, state) = outcome.map_err(|error| self.fuel.failed(&error, length))?;
        self.fuel.note(state.fuel_levels());
        drop(state);
        let secret = names.iter().any(|name| scope.is_secret(name));
        let shown = if secret { text.source.clone() } else { written.clone() };
        Ok(Rendered { bytes: written.into_bytes(), shown, secret })
    }
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Templates").field("used", &self.fuel.used()).finish_non_exhaustive()
    }
}

/// The text that stands in `source` where `raw` stands in `marked`: brackets in a `raw` block are marked like others.
fn unmarked<'t>(raw: &'t str, marked: &str, source: &'t str) -> &'t str {
    let start = (raw.as_ptr() as usize).wrapping_sub(marked.as_ptr() as usize);
    source.get(start..start.wrapping_add(raw.len())).unwrap_or(raw)
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

/// Whether an expression names something that depends on a secret.
fn depends_on_secret(source: &str, scope: &dyn Scope) -> bool {
    let expression = Expression::new(source, Span::default(), Layout::default());
    match expression.names() {
        Ok(names) => names.variables.iter().any(|(name, _)| scope.is_secret(name)),
        Err(_) => true,
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
