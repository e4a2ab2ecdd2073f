//! Which names a text with statements reads.
//!
//! Responsible for every place where a name may stand, and for names that statements set: these are read where they are not
//! set yet. minijinja has a list of its own, which leaves out what is sliced: `password[:3]` would be no secret. Called for
//! the names of a scenario, and where a text is rendered.

use super::expression::visit;
use minijinja::machinery::ast::{CallArg, Expr, Stmt};
use std::collections::BTreeSet;

/// The names that are read, functions among them.
pub(super) fn names_read(statement: &Stmt<'_>) -> BTreeSet<String> {
    let mut reading = Reading { set: vec![BTreeSet::new()], read: BTreeSet::new() };
    reading.statement(statement);
    reading.read
}

struct Reading {
    /// The names that are set, in each block that is open.
    set: Vec<BTreeSet<String>>,
    read: BTreeSet<String>,
}

impl Reading {
    fn statement(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::Template(it) => self.all(&it.children),
            Stmt::EmitExpr(it) => self.expression(&it.expr),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(it) => {
                self.expression(&it.iter);
                self.within(|inner| {
                    inner.set_name("loop");
                    inner.target(&it.target);
                    it.filter_expr.iter().for_each(|filter| inner.expression(filter));
                    inner.all(&it.body);
                });
                self.within(|inner| inner.all(&it.else_body));
            }
            Stmt::IfCond(it) => {
                self.expression(&it.expr);
                self.within(|inner| inner.all(&it.true_body));
                self.within(|inner| inner.all(&it.false_body));
            }
            Stmt::WithBlock(it) => self.within(|inner| {
                for (target, value) in &it.assignments {
                    inner.expression(value);
                    inner.target(target);
                }
                inner.all(&it.body);
            }),
            Stmt::Set(it) => {
                self.expression(&it.expr);
                self.target(&it.target);
            }
            Stmt::SetBlock(it) => {
                self.within(|inner| inner.all(&it.body));
                it.filter.iter().for_each(|filter| self.expression(filter));
                self.target(&it.target);
            }
            Stmt::AutoEscape(it) => {
                self.expression(&it.enabled);
                self.within(|inner| inner.all(&it.body));
            }
            Stmt::FilterBlock(it) => {
                self.within(|inner| inner.all(&it.body));
                self.expression(&it.filter);
            }
            Stmt::Do(it) => {
                self.expression(&it.call.expr);
                it.call.args.iter().for_each(|argument| self.expression(value_of(argument)));
            }
        }
    }

    fn all(&mut self, statements: &[Stmt<'_>]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn within(&mut self, block: impl FnOnce(&mut Self)) {
        self.set.push(BTreeSet::new());
        block(self);
        self.set.pop();
    }

    fn expression(&mut self, expression: &Expr<'_>) {
        let mut names = Vec::new();
        visit(expression, &mut |part| {
            if let Expr::Var(variable) = part {
                names.push(variable.id.to_owned());
            }
        });
        let is_set = |name: &String| self.set.iter().any(|names| names.contains(name));
        let read: Vec<String> = names.into_iter().filter(|name| !is_set(name)).collect();
        self.read.extend(read);
    }

    /// What is set: a name, several of them, or an attribute of something that is read.
    fn target(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(variable) => self.set_name(variable.id),
            Expr::List(list) => list.items.iter().for_each(|item| self.target(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.target(item)),
            other => self.expression(other),
        }
    }

    fn set_name(&mut self, name: &str) {
        if let Some(names) = self.set.last_mut() {
            names.insert(name.to_owned());
        }
    }
}

fn value_of<'a>(argument: &'a CallArg<'a>) -> &'a Expr<'a> {
    match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) | CallArg::PosSplat(value) | CallArg::KwargSplat(value) => value,
    }
}
