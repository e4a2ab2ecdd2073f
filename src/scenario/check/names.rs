//! Names and templates: what may be named how, what is known where, and what an expression reads.
//!
//! Responsible for everything that the other files here ask about a text, an expression or a name.

use super::{Checker, Played};
use crate::scenario::builtin::FILTERS;
use crate::scenario::sides::Side;
use crate::scenario::source::{Diagnostic, MOST_LISTED, Span};
use crate::scenario::template::{Expression, Mode, Scope as _, Text, statement_names};
use crate::scenario::typography::Lookalike;
use crate::scenario::words::{self, Where};
use crate::scenario::{Data, Length, Misread, Named, Scenario};
use std::ops::Range;

/// The names that a scenario may not give to anything.
pub(crate) const BUILT_IN_NAMES: [&str; 7] =
    ["reply", "extensions", "tls", "iteration", "diverged", "server", "message"];

/// The one among them that is free where a scenario has no server of its own.
const SERVER_NAME: &str = "server";

/// Words that mean something else in an expression than a variable of that name.
const EXPRESSION_WORDS: [&str; 12] =
    ["true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if"];

/// minijinja's own filters that people use, for suggestions.
const COMMON_FILTERS: [&str; 16] = [
    "abs", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "replace", "safe", "split",
    "string", "trim", "upper",
];

impl Checker<'_> {
    pub(super) fn declarations(&mut self, scenario: &Scenario) {
        for secret in &scenario.secrets {
            self.declare(secret, "secret");
        }
        for var in &scenario.vars {
            self.data(&var.default);
            self.declare(&var.name, "variable");
        }
    }

    pub(super) fn is_built_in(&self, name: &str) -> bool {
        let of_server = name == SERVER_NAME;
        (of_server && self.has_server || !of_server && BUILT_IN_NAMES.contains(&name))
            || EXPRESSION_WORDS.contains(&name)
            || self.templates.has_function(name)
    }

    pub(super) fn declare(&mut self, named: &Named, kind: &str) {
        if self.is_built_in(&named.name) {
            self.error(named.span, format!("`{}` is a built-in name: a {kind} needs another", named.name));
            // Whoever reads it means this one: it is used.
            self.used.insert(named.name.clone());
        } else if !self.names.insert(named.name.clone()) {
            self.error(named.span, format!("`{}` is declared twice", named.name));
        }
    }

    /// A capture or `set` may not take the name of something declared: a server must not choose its value.
    pub(super) fn assign(&mut self, name: &str, span: Span) {
        let taken = if self.secrets.contains(name) {
            Some("a secret")
        } else if self.vars.contains(name) {
            Some("a variable of the file")
        } else if self.is_built_in(name) {
            Some("a built-in name")
        } else {
            None
        };
        match taken {
            Some(kind) => self.error(span, format!("`{name}` is {kind}: choose another name")),
            None => _ = self.names.insert(name.to_owned()),
        }
    }

    /// The variables of an included file may have the names of the file that includes it, but no built-in ones.
    pub(super) fn bind(&mut self, name: &str, span: Span) {
        if self.is_built_in(name) {
            self.error(span, format!("`{name}` is a built-in name: choose another name"));
        } else {
            self.names.insert(name.to_owned());
            self.vars.insert(name.to_owned());
            self.bound.insert(name.to_owned());
        }
    }

    /// Reports what is wrong with a text whose value is known already.
    pub(super) fn known_to_parse(&mut self, text: &Text, parse: impl Fn(&str) -> Result<(), Misread>) {
        if let Some(Err(misread)) = self.known_text(text).map(|known| parse(&known)) {
            let message = self.without_secret(text, misread.to_string());
            let misfit = self.misfit(text, message);
            self.diagnostics.push(misfit);
        }
    }

    /// What is wrong with the value of `text`: not the value itself where it depends on a secret.
    pub(super) fn without_secret(&self, text: &Text, message: String) -> String {
        let variables = self.context.variables.as_ref();
        if !variables.is_some_and(|variables| text.names().iter().any(|name| variables.is_secret(name))) {
            return message;
        }
        format!("`{}` does not fit here; its value depends on a secret and is not shown", text.source)
    }

    // --- templates ---------------------------------------------------------------------------------------------

    pub(super) fn text(&mut self, text: &Text) {
        if !text.has_statements() {
            return text.expressions().for_each(|expression| self.expression(&expression));
        }
        // What a loop or `set` of the text declares is known in its expressions.
        let mut from_outside = match statement_names(text) {
            Ok(names) => names,
            Err(error) => return self.diagnostics.push(error.into_diagnostic()),
        };
        for expression in text.expressions() {
            for (name, range) in self.operations(&expression).unwrap_or_default() {
                if from_outside.remove(&name) {
                    self.variable(&name, expression.span_of(&range));
                }
            }
        }
        for name in from_outside {
            let at = text.source.find(&name).unwrap_or(0);
            self.variable(&name, text.span_of(&(at..at + name.len())));
        }
    }

    pub(super) fn expression(&mut self, expression: &Expression) {
        for (name, range) in self.operations(expression).unwrap_or_default() {
            self.variable(&name, expression.span_of(&range));
        }
    }

    /// Checks the functions, filters and tests of an expression and returns the variables it reads.
    pub(super) fn operations(&mut self, expression: &Expression) -> Option<Vec<(String, Range<usize>)>> {
        let names = match expression.names() {
            Ok(names) => names,
            Err(error) => {
                let diagnostic = error.into_diagnostic();
                let help = operator(&expression.source).map(str::to_owned).or_else(|| unreadable(&expression.source));
                let help = help.filter(|_| diagnostic.footnotes.is_empty());
                self.diagnostics.push(help.into_iter().fold(diagnostic, Diagnostic::help));
                return None;
            }
        };
        for (name, range) in &names.functions {
            if !self.templates.has_function(name) {
                self.unknown_function(name, expression.span_of(range));
            }
        }
        for (name, range) in &names.methods {
            let error = Diagnostic::error(expression.span_of(range), format!("values have no method `{name}`"));
            self.diagnostics.push(self.method(name).into_iter().fold(error, Diagnostic::help));
        }
        for (filter, option, range) in &names.options {
            // minijinja's own may have some; ours, and the common ones, go by place.
            if FILTERS.into_iter().chain(COMMON_FILTERS).any(|known| known == filter) {
                let error = Diagnostic::error(
                    expression.span_of(range),
                    format!("the filter `{filter}` has no option `{option}`"),
                );
                self.diagnostics.push(error.help(filter_form(filter)));
            }
        }
        for (name, range) in &names.filters {
            if !self.templates.has_filter(name) {
                let known = FILTERS.into_iter().chain(COMMON_FILTERS);
                self.unknown("filter", name, expression.span_of(range), known);
            }
        }
        for (name, range) in &names.tests {
            if !self.templates.has_test(name) {
                self.unknown("test", name, expression.span_of(range), ["defined", "undefined", "none", "in"]);
            }
        }
        // What is called is no variable as well.
        let called = |name: &str, range: &Range<usize>| {
            names.functions.iter().any(|(other, at)| other == name && at.start == range.start)
        };
        Some(names.variables.iter().filter(|(name, range)| !called(name, range)).cloned().collect())
    }

    /// What a method of another language is here.
    fn method(&self, name: &str) -> Option<String> {
        if self.templates.has_filter(name) {
            return Some(format!("`{name}` is a filter: write `VALUE | {name}`"));
        }
        let is_function = self.templates.has_function(name);
        let stands_alone = || is_function.then(|| format!("`{name}` stands by itself: `{name}(…)`"));
        stands_alone().or_else(|| words::help(name, Where::Function, []))
    }

    pub(super) fn variable(&mut self, name: &str, span: Span) {
        self.used.insert(name.to_owned());
        let known =
            self.names.contains(name) || names_of(self.side).contains(&name) || self.templates.has_function(name);
        if known {
            return;
        }
        // What a name was probably meant to be is found by comparing it with all others.
        let is_listed = self.diagnostics.len() < MOST_LISTED;
        let known: Vec<String> = self.names.iter().filter(|_| is_listed).cloned().collect();
        self.unknown("name", name, span, known.iter().map(String::as_str));
    }

    /// `connect` and file names use variables only, so that no server chooses what is reached or read.
    pub(super) fn text_of_vars(&mut self, text: &Text) {
        self.text(text);
        for expression in text.expressions() {
            let Ok(names) = expression.names() else { continue };
            let functions = names.functions.iter().filter(|(name, _)| name == "offers");
            let variables = names.variables.iter().filter(|(name, _)| self.is_foreign(name));
            let foreign: Vec<&(String, Range<usize>)> = variables.chain(functions).collect();
            for (name, range) in foreign {
                self.refuse_foreign(expression.span_of(range), name);
            }
        }
        let of_statements = statement_names(text).unwrap_or_default();
        if let Some(name) = of_statements.iter().find(|name| self.is_foreign(name)) {
            self.refuse_foreign(text.span, name);
        }
    }

    /// Whether a name is not the file's own: a secret, a capture, or what the other side says.
    fn is_foreign(&self, name: &str) -> bool {
        let said = ["reply", "extensions", "tls", "message"].contains(&name);
        !self.vars.contains(name) && (said || self.names.contains(name))
    }

    fn refuse_foreign(&mut self, span: Span, name: &str) {
        self.error(span, format!("`{name}` cannot be used here: only `vars` may choose hosts and files"));
    }

    pub(super) fn data(&mut self, data: &Data) {
        match data {
            Data::Text(text) => self.text(text),
            Data::List(items) => items.iter().for_each(|item| self.data(item)),
            Data::Map(entries) => entries.iter().for_each(|(_, entry)| self.data(entry)),
            Data::Bool(_) | Data::Int(_) | Data::Float(_) | Data::Missing(_) => {}
        }
    }

    pub(super) fn length(&mut self, length: &Length) {
        if let Length::Template(text) = length {
            self.text(text);
        }
    }

    /// What a text renders to, where that is known already.
    pub(super) fn known_text(&self, text: &Text) -> Option<String> {
        if text.is_literal() {
            return Some(text.source.clone());
        }
        if self.played == Played::Never || text.names().iter().any(|name| self.bound.contains(name)) {
            return None;
        }
        let variables = self.context.variables.as_ref()?;
        let rendered = self.templates.render(text, Mode::Plain, variables).ok()?;
        String::from_utf8(rendered.bytes).ok()
    }

    // --- lints -------------------------------------------------------------------------------------------------

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(span, message));
    }
}

/// How a filter is written.
fn filter_form(filter: &str) -> String {
    let arguments = match filter {
        "default" => "('x')",
        "replace" => "('a', 'b')",
        "join" | "split" => "(',')",
        _ => "",
    };
    format!("write `VALUE | {filter}{arguments}`")
}

/// What an operator of another language is here.
fn operator(source: &str) -> Option<&'static str> {
    let forms = [
        ("{{", "a name stands alone in an expression, without brackets of any kind"),
        ("${", "a name stands alone in an expression, without brackets of any kind"),
        ("===", "two values are compared by `==`"),
        ("!==", "two values are compared by `!=`"),
        ("<>", "two values are compared by `!=`"),
        ("&&", "`and` joins two conditions, `or` two of which one is enough"),
        ("||", "`and` joins two conditions, `or` two of which one is enough"),
        ("=~", "a reply is matched by `expect`; in an expression write `'x' in reply.text`"),
        ("?", "a choice is `A if CONDITION else B`"),
        ("$", "a name stands alone in an expression, without brackets of any kind"),
        (" matches ", "a reply is matched by `expect`; in an expression write `'x' in reply.text`"),
        (" contains ", "whether a text holds another is `'x' in reply.text`"),
        (" . ", "texts are joined by `a ~ b`"),
        (" AND ", "`and`, `or` and `not` are written in small letters"),
        (" OR ", "`and`, `or` and `not` are written in small letters"),
        ("NOT ", "`and`, `or` and `not` are written in small letters"),
        (" equals ", "two values are compared by `==`"),
        (" eq ", "two values are compared by `==`"),
        (" = ", "two values are compared by `==`"),
        (" is not ", "two values are compared by `!=`; `is not` is for tests such as `is not none`"),
        (" is ", "two values are compared by `==`; `is` is for tests such as `is none`"),
    ];
    let found = forms.iter().find(|(form, _)| source.contains(form)).map(|(_, help)| *help);
    let single = || source.contains('=') && !["==", "!=", ">=", "<="].iter().any(|operator| source.contains(operator));
    let negated = || source.trim_start().starts_with('!');
    found
        .or_else(|| single().then_some("two values are compared by `==`"))
        .or_else(|| negated().then_some("a negation is `not`, as in `not offers('VRFY')`"))
}

fn is_word(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Why an expression cannot be read, where no operator of another language is the cause.
fn unreadable(source: &str) -> Option<String> {
    if let Some(lookalike) = Lookalike::first(source) {
        return Some(format!("{}: {}", lookalike.described(), lookalike.advice()));
    }
    let source = source.trim();
    if let Some((name, filter)) = source.split_once(':').filter(|(name, filter)| is_word(name) && is_word(filter)) {
        return Some(format!("a filter stands after `|`: `{} | {}`", name.trim(), filter.trim()));
    }
    if source.is_empty() {
        return Some("a name stands between the brackets, `<<name>>`; the empty path is `<>`".to_owned());
    }
    let mut pairs = source.bytes().zip(source.bytes().skip(1));
    if pairs.any(|(digit, unit)| digit.is_ascii_digit() && unit.is_ascii_alphabetic()) {
        return Some(
            "a number stands without a unit: days are `tls.certificate.days_left > 20`, seconds `reply.elapsed < 2`"
                .to_owned(),
        );
    }
    if source.contains('@') && !source.contains(['\'', '"', ' ']) {
        return Some(format!("a path has one pair of angle brackets: `<{source}>`"));
    }
    source.ends_with('|').then(|| "a filter stands after `|`, as in `VALUE | b64encode`".to_owned())
}

/// The names that every step of a side sees.
fn names_of(side: Side) -> &'static [&'static str] {
    match side {
        Side::Client => &["reply", "extensions", "tls"],
        Side::Server => &["message", "server", "tls", "observed"],
    }
}
