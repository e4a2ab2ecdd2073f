//! Names that nothing declares, and what was probably meant.

use super::Checker;
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::words::{self, Where};

impl Checker<'_> {
    pub(super) fn unknown<'k>(&mut self, kind: &str, name: &str, span: Span, known: impl IntoIterator<Item = &'k str>) {
        let error = Diagnostic::error(span, format!("unknown {kind} `{name}`"));
        let place = match kind {
            "filter" | "test" => Where::Filter,
            "function" => Where::Function,
            "name" => Where::Name,
            _ => Where::Elsewhere,
        };
        if kind == "name" && self.vars.contains(name) {
            let help = format!("`{name}` is declared below: a variable may use those above it, so put `{name}` first");
            return self.diagnostics.push(error.help(help));
        }
        self.diagnostics.push(match words::help(name, place, known) {
            Some(help) => error.help(help),
            None if kind == "name"
                && matches!(name, "env" | "environ" | "os" | "secrets" | "vars" | "var" | "item") =>
            {
                error.help(outside(name))
            }
            None if kind == "name"
                && name.len() > 1
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) =>
            {
                error.help(format!(
                    "a word of SMTP stands in quotes, as in `offers('{name}')`; a variable is declared under `vars`"
                ))
            }
            None if kind == "name" => {
                let error = error.help("declare it under `vars` or `secrets`, or capture it in a step before this one");
                if self.lost.gives(name) { error.following() } else { error }
            }
            None => error,
        });
    }

    pub(super) fn unknown_function(&mut self, name: &str, span: Span) {
        if self.templates.has_filter(name) {
            let error = Diagnostic::error(span, format!("unknown function `{name}`"));
            return self.diagnostics.push(error.help(format!("`{name}` is a filter: write `VALUE | {name}`")));
        }
        let known = self.templates.functions();
        self.unknown("function", name, span, known.iter().map(String::as_str));
    }
}

/// What other tools reach values by.
fn outside(name: &str) -> &'static str {
    match name {
        "item" => "a loop names its variable: `for_each: {recipient: [a, b]}`, and then `<<recipient>>`",
        "secrets" | "vars" | "var" => "a name of `vars` or `secrets` stands alone: `<<name>>`",
        _ => {
            "a value of the environment is declared, `vars: {name: …}`, and given by `--var` or `SMTP_SCRIPT_VAR_NAME`"
        }
    }
}
