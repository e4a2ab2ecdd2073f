//! Whether a step is played at all, as far as the values of `vars` show: what is not played need not fit.
//!
//! Called by the steps' checks, and by whoever finds a value that does not fit.

use super::Checker;
use crate::scenario::source::Diagnostic;
use crate::scenario::template::{Expression, Scope as _, Text};

/// What is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Played {
    Surely,
    /// What its `when` asks is not known before the run.
    Perhaps,
    Never,
}

impl Checker<'_> {
    /// A value that does not fit: an error, if the step is played.
    pub(super) fn misfit(&self, text: &Text, message: String) -> Diagnostic {
        let only_perhaps = self.played != Played::Surely && !text.is_literal();
        if only_perhaps {
            Diagnostic::warning(text.span, format!("where its `when` holds, this cannot be played: {message}"))
        } else {
            Diagnostic::error(text.span, message)
        }
    }

    /// Whether a step is played whose `when` this is, where the values of `vars` decide that.
    pub(super) fn played_when(&self, when: &Expression) -> Played {
        let (Some(variables), Ok(names)) = (&self.context.variables, when.names()) else { return Played::Perhaps };
        let fixed = |name: &str| self.vars.contains(name) && !self.bound.contains(name) && !variables.is_secret(name);
        if !names.functions.is_empty() || !names.variables.iter().all(|(name, _)| fixed(name)) {
            return Played::Perhaps;
        }
        match self.templates.evaluate(when, variables) {
            Ok(value) if value.is_true() => Played::Surely,
            Ok(_) => Played::Never,
            Err(_) => Played::Perhaps,
        }
    }
}
