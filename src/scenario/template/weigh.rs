//! What operators cost that walk through lists: a list that holds another twice holds its elements twice.
//!
//! minijinja's fuel pays for what is made, and not for the depth of what is compared, shown or hashed. So each operand that
//! an operator may walk through is weighed first: the tree of an expression is copied with a filter around those operands,
//! which takes the weight out of the same fuel.

use minijinja::machinery::ast::{self, Expr, Spanned, Stmt};
use minijinja::value::{Tuple, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

/// The name of the filter; no expression can be written with it.
pub(super) const WEIGH: &str = "\u{1}weigh";
/// The heaviest value, in octets: values made of values double quickly.
pub(super) const MAX_WEIGHT: usize = 16 * 1024 * 1024;
/// What an element of a list weighs beside its text.
const ELEMENT: usize = 64;
/// How deep a value may nest.
const MAX_NESTING: usize = 100;
/// How many octets one fuel walks through.
const OCTETS_OF_FUEL: usize = 512;
/// Tests that ask whether there is a value at all.
const TESTS_OF_PRESENCE: [&str; 2] = ["defined", "undefined"];

/// The filter: gives the value back, if the fuel pays for walking through it.
pub(super) fn weigh(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if is_container(&value) {
        let weight = weight_of(&value).ok_or_else(|| Error::from(ErrorKind::OutOfFuel))?;
        state.consume_fuel((weight / OCTETS_OF_FUEL) as u64)?;
    }
    Ok(value)
}

/// How much memory a value would take if nothing in it were shared; none where that is too much, or nests too deep.
pub(crate) fn weight_of(value: &Value) -> Option<usize> {
    let mut weight = 0;
    add_weight(value, 0, &mut weight).then_some(weight)
}

fn add_weight(value: &Value, depth: usize, weight: &mut usize) -> bool {
    *weight += ELEMENT + value.as_bytes().map_or(0, <[u8]>::len);
    if *weight > MAX_WEIGHT || depth > MAX_NESTING {
        return false;
    }
    if !is_container(value) {
        return true;
    }
    let Ok(items) = value.try_iter() else { return true };
    for item in items {
        let entry = if value.kind() == ValueKind::Map { value.get_item(&item).ok() } else { None };
        if !add_weight(&item, depth + 1, weight) || entry.is_some_and(|entry| !add_weight(&entry, depth + 1, weight)) {
            return false;
        }
    }
    true
}

/// The same value, with its elements at hand: what `+` joins is otherwise joined anew by whoever looks at it.
pub(super) fn settled(value: Value) -> Value {
    let joined = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
        && value.downcast_object_ref::<Vec<Value>>().is_none()
        && value.downcast_object_ref::<Tuple>().is_none();
    match value.try_iter() {
        Ok(items) if joined => Value::from(items.collect::<Vec<_>>()),
        _ => value,
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}

/// The same statement, with each value weighed before it is kept, shown or walked through; literal text is what `as_written`
/// makes of it.
pub(super) fn weighed_statement<'s>(statement: &Stmt<'s>, as_written: &dyn Fn(&'s str) -> &'s str) -> Stmt<'s> {
    let all = |statements: &[Stmt<'s>]| -> Vec<_> {
        statements.iter().map(|statement| weighed_statement(statement, as_written)).collect()
    };
    match statement {
        Stmt::Template(it) => Stmt::Template(at(it, ast::Template { children: all(&it.children) })),
        Stmt::EmitExpr(it) => Stmt::EmitExpr(at(it, ast::EmitExpr { expr: operand(&it.expr) })),
        Stmt::EmitRaw(it) => Stmt::EmitRaw(at(it, ast::EmitRaw { raw: as_written(it.raw) })),
        Stmt::ForLoop(it) => Stmt::ForLoop(at(
            it,
            ast::ForLoop {
                target: weighed(&it.target),
                iter: weighed(&it.iter),
                filter_expr: it.filter_expr.as_ref().map(weighed),
                recursive: it.recursive,
                body: all(&it.body),
                else_body: all(&it.else_body),
            },
        )),
        Stmt::IfCond(it) => Stmt::IfCond(at(
            it,
            ast::IfCond { expr: weighed(&it.expr), true_body: all(&it.true_body), false_body: all(&it.false_body) },
        )),
        Stmt::WithBlock(it) => {
            let assignments = it.assignments.iter().map(|(name, value)| (weighed(name), operand(value))).collect();
            Stmt::WithBlock(at(it, ast::WithBlock { assignments, body: all(&it.body) }))
        }
        Stmt::Set(it) => Stmt::Set(at(it, ast::Set { target: weighed(&it.target), expr: operand(&it.expr) })),
        Stmt::SetBlock(it) => {
            let filter = it.filter.as_ref().map(weighed);
            Stmt::SetBlock(at(it, ast::SetBlock { target: weighed(&it.target), filter, body: all(&it.body) }))
        }
        Stmt::AutoEscape(it) => {
            Stmt::AutoEscape(at(it, ast::AutoEscape { enabled: weighed(&it.enabled), body: all(&it.body) }))
        }
        Stmt::FilterBlock(it) => Stmt::FilterBlock(at(
            it,
            ast::FilterBlock { filter: weighed(&it.filter), filter_span: it.filter_span, body: all(&it.body) },
        )),
        Stmt::Do(it) => Stmt::Do(at(it, ast::Do { call: weighed_call(&it.call) })),
    }
}

/// The same expression, with the operands weighed that an operator may walk through.
pub(super) fn weighed<'s>(expression: &Expr<'s>) -> Expr<'s> {
    match expression {
        Expr::Var(it) => Expr::Var(at(it, ast::Var { id: it.id })),
        Expr::Const(it) => Expr::Const(at(it, ast::Const { value: it.value.clone() })),
        Expr::Slice(it) => {
            let bound = |bound: &Option<Expr<'s>>| bound.as_ref().map(weighed);
            let (start, stop, step) = (bound(&it.start), bound(&it.stop), bound(&it.step));
            Expr::Slice(at(it, ast::Slice { expr: operand(&it.expr), start, stop, step }))
        }
        Expr::UnaryOp(it) => Expr::UnaryOp(at(it, ast::UnaryOp { op: unary(&it.op), expr: weighed(&it.expr) })),
        Expr::BinOp(it) => {
            let part = |part: &Expr<'s>| if walks(it.op) { operand(part) } else { weighed(part) };
            Expr::BinOp(at(it, ast::BinOp { op: it.op, left: part(&it.left), right: part(&it.right) }))
        }
        Expr::Compare(it) => {
            let ops = it.ops.iter().map(|one| ast::CompareOp { op: one.op, expr: operand(&one.expr) }).collect();
            Expr::Compare(at(it, ast::Compare { expr: operand(&it.expr), ops }))
        }
        Expr::IfExpr(it) => Expr::IfExpr(at(
            it,
            ast::IfExpr {
                test_expr: weighed(&it.test_expr),
                true_expr: weighed(&it.true_expr),
                false_expr: it.false_expr.as_ref().map(weighed),
            },
        )),
        Expr::Filter(it) => {
            let expr = it.expr.as_ref().map(operand);
            Expr::Filter(at(it, ast::Filter { name: it.name, expr, args: arguments(&it.args) }))
        }
        Expr::Test(it) => {
            let expr = if TESTS_OF_PRESENCE.contains(&it.name) { weighed(&it.expr) } else { operand(&it.expr) };
            Expr::Test(at(it, ast::Test { name: it.name, expr, args: arguments(&it.args) }))
        }
        Expr::GetAttr(it) => Expr::GetAttr(at(it, ast::GetAttr { expr: weighed(&it.expr), name: it.name })),
        Expr::GetItem(it) => {
            let subscript_expr = operand(&it.subscript_expr);
            Expr::GetItem(at(it, ast::GetItem { expr: weighed(&it.expr), subscript_expr }))
        }
        Expr::Call(it) => Expr::Call(weighed_call(it)),
        Expr::List(it) => Expr::List(at(it, ast::List { items: it.items.iter().map(weighed).collect() })),
        Expr::Tuple(it) => Expr::Tuple(at(it, ast::Tuple { items: it.items.iter().map(weighed).collect() })),
        Expr::Map(it) => {
            let (keys, values) = (it.keys.iter().map(operand).collect(), it.values.iter().map(weighed).collect());
            Expr::Map(at(it, ast::Map { keys, values }))
        }
    }
}

/// An operand, weighed; a constant needs no weighing.
fn operand<'s>(expression: &Expr<'s>) -> Expr<'s> {
    let inner = weighed(expression);
    if matches!(inner, Expr::Const(_)) {
        return inner;
    }
    let span = expression.span();
    Expr::Filter(Spanned::new(ast::Filter { name: WEIGH, expr: Some(inner), args: Vec::new() }, span))
}

fn arguments<'s>(arguments: &[ast::CallArg<'s>]) -> Vec<ast::CallArg<'s>> {
    use ast::CallArg;
    let argument = |argument: &CallArg<'s>| match argument {
        CallArg::Pos(value) => CallArg::Pos(operand(value)),
        CallArg::Kwarg(name, value) => CallArg::Kwarg(name, operand(value)),
        CallArg::PosSplat(value) => CallArg::PosSplat(operand(value)),
        CallArg::KwargSplat(value) => CallArg::KwargSplat(operand(value)),
    };
    arguments.iter().map(argument).collect()
}

fn weighed_call<'s>(call: &Spanned<ast::Call<'s>>) -> Spanned<ast::Call<'s>> {
    at(call, ast::Call { expr: weighed(&call.expr), args: arguments(&call.args) })
}

/// Whether an operator may walk through its operands.
fn walks(op: ast::BinOpKind) -> bool {
    use ast::BinOpKind::{Add, Concat, Eq, Gt, Gte, In, Lt, Lte, Mul, Ne};
    matches!(op, Eq | Ne | Lt | Lte | Gt | Gte | Add | Mul | Concat | In)
}

fn unary(op: &ast::UnaryOpKind) -> ast::UnaryOpKind {
    match op {
        ast::UnaryOpKind::Not => ast::UnaryOpKind::Not,
        ast::UnaryOpKind::Neg => ast::UnaryOpKind::Neg,
    }
}

/// A node in the place of another.
fn at<A, B>(before: &Spanned<A>, node: B) -> Spanned<B> {
    Spanned::new(node, before.span())
}
