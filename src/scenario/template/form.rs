//! Which expressions do nothing with a secret but send it.
//!
//! An untrusted scenario may write a secret in these forms alone: its name, encodings and digests of it, messages of a
//! login made of it, and these joined by `~`. None of them fails for one value and not for another, and none is longer than
//! a few times what it reads: whether a template is evaluated tells nothing.

use super::expression::{names_in, parse};
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr};
use std::collections::BTreeSet;

/// The filters, with how many times longer than their input their value may be.
const FILTERS: [(&str, usize); 6] =
    [("b64encode", 2), ("hex", 2), ("xtext", 3), ("md5", 1), ("sha256", 1), ("string", 1)];
/// The functions that make the messages of logins.
const LOGINS: [&str; 7] = [
    "auth_plain",
    "auth_cram_md5",
    "auth_xoauth2",
    "auth_oauthbearer",
    "scram_first",
    "scram_final",
    "scram_server_signature",
];
/// What a message of a login may add, in times of what it reads.
const LOGIN_GROWTH: usize = 4;

/// What the form of an expression does with what it reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// How many times longer than the longest of what it reads its value may be.
    pub(crate) growth: usize,
    /// The names it does more with than send them.
    pub(crate) examined: BTreeSet<String>,
}

/// The form of an expression; what cannot be read examines nothing, and is an error of its own.
pub(crate) fn form(source: &str) -> Form {
    let mut form = Form::default();
    if let Ok(tree) = parse(source) {
        form.growth = form.look(&tree);
    }
    form
}

impl Form {
    fn look(&mut self, expression: &Expr<'_>) -> usize {
        match expression {
            Expr::Const(_) => 0,
            Expr::Var(_) => 1,
            Expr::BinOp(it) if matches!(it.op, BinOpKind::Concat) => {
                let left = self.look(&it.left);
                left.saturating_add(self.look(&it.right))
            }
            Expr::Filter(it) if it.args.is_empty() => {
                let factor = FILTERS.iter().find(|(name, _)| *name == it.name).map(|(_, factor)| *factor);
                match (factor, &it.expr) {
                    (Some(factor), Some(input)) => self.look(input).saturating_mul(factor),
                    _ => self.examine(expression),
                }
            }
            Expr::Call(it) if is_login(&it.expr) => {
                let sum = it.args.iter().map(|argument| self.look(value_of(argument))).fold(0, usize::saturating_add);
                sum.saturating_mul(LOGIN_GROWTH)
            }
            _ => self.examine(expression),
        }
    }

    fn examine(&mut self, expression: &Expr<'_>) -> usize {
        self.examined.extend(names_in(expression));
        1
    }
}

fn is_login(function: &Expr<'_>) -> bool {
    matches!(function, Expr::Var(name) if LOGINS.contains(&name.id))
}

fn value_of<'a>(argument: &'a CallArg<'a>) -> &'a Expr<'a> {
    match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) | CallArg::PosSplat(value) | CallArg::KwargSplat(value) => value,
    }
}
