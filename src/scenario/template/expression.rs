//! Expressions: minijinja's syntax tree, what it names, and its parts.
//!
//! The only file that reads minijinja's tree beside `weigh`, which copies it. Whoever wants a tree gets it from [`parse`],
//! which refuses what nests too deep before minijinja recurses into it.

use super::depth::refuse_deep;
use minijinja::machinery::{ast, parse_expr};
use std::ops::Range;

/// Something wrong with an expression or a text, at a range of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpressionFault {
    pub(super) message: String,
    pub(super) range: Range<usize>,
    pub(super) help: Option<String>,
}

impl ExpressionFault {
    /// What minijinja says, without its debug information, which lists the values of variables. It is about all of a
    /// source of this length where minijinja knows no place.
    pub(super) fn of(error: &minijinja::Error, length: usize) -> ExpressionFault {
        let message = match error.detail() {
            Some(detail) => detail.to_owned(),
            None if error.kind() == minijinja::ErrorKind::OutOfFuel => "the template does too much work".to_owned(),
            None => error.kind().to_string(),
        };
        let of_types = message.contains("unsupported types") && message.contains("string");
        let help =
            of_types.then(|| "captures and values from outside are texts: `| int` makes a number of one".to_owned());
        ExpressionFault { message, range: error.range().unwrap_or(0..length), help }
    }
}

/// The tree of an expression.
pub(super) fn parse(source: &str) -> Result<ast::Expr<'_>, ExpressionFault> {
    refuse_deep(source)?;
    parse_expr(source).map_err(|error| ExpressionFault::of(&error, source.len()))
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
    /// Filters with an option by name, such as `x | default(value='y')`: the filter, the option, and where it stands.
    pub(crate) options: Vec<(String, String, Range<usize>)>,
    /// Texts in quotes, with where they stand.
    pub(crate) texts: Vec<(usize, String)>,
}

impl Names {
    pub(super) fn note(&mut self, expression: &ast::Expr<'_>, source: &str) {
        let named = |name: &str, from: usize| {
            let start = source.get(from..).and_then(|rest| rest.find(name)).map_or(from, |at| from + at);
            (name.to_owned(), start..start + name.len())
        };
        match expression {
            ast::Expr::Var(variable) => {
                let range = range_of(expression);
                self.variables.push((variable.id.to_owned(), range));
            }
            ast::Expr::Const(constant) => {
                let text = constant.value.as_str().map(str::to_owned);
                self.texts.extend(text.map(|text| (range_of(expression).start, text)));
            }
            ast::Expr::Filter(filter) => {
                let from = filter.expr.as_ref().map_or(0, end_of);
                self.filters.push(named(filter.name, from));
                for argument in &filter.args {
                    if let ast::CallArg::Kwarg(option, _) = argument {
                        let (option, range) = named(option, from);
                        self.options.push((filter.name.to_owned(), option, range));
                    }
                }
            }
            ast::Expr::Test(test) => self.tests.push(named(test.name, end_of(&test.expr))),
            ast::Expr::Call(call) => {
                if let ast::Expr::Var(function) = &call.expr {
                    self.variables.pop_if(|(name, _)| name == function.id);
                    self.functions.push((function.id.to_owned(), range_of(&call.expr)));
                }
                if let ast::Expr::GetAttr(method) = &call.expr {
                    self.methods.push(named(method.name, end_of(&method.expr)));
                }
            }
            _ => {}
        }
    }
}

/// The span of `a.b.c` or `a | length` begins only after its first part, which belongs to it.
pub(super) fn range_of(expression: &ast::Expr<'_>) -> Range<usize> {
    let span = expression.span();
    let first = children(expression).into_iter().map(|child| range_of(child).start).min();
    let start = span.start_offset as usize;
    first.map_or(start, |first| first.min(start))..span.end_offset as usize
}

/// The names of the variables of an expression, functions among them.
pub(super) fn names_in(expression: &ast::Expr<'_>) -> Vec<String> {
    let mut names = Vec::new();
    visit(expression, &mut |part| {
        if let ast::Expr::Var(variable) = part {
            names.push(variable.id.to_owned());
        }
    });
    names
}

fn end_of(expression: &ast::Expr<'_>) -> usize {
    expression.span().end_offset as usize
}

/// Calls `look` for an expression's parts first, then for itself.
pub(super) fn visit<'a>(expression: &'a ast::Expr<'a>, look: &mut dyn FnMut(&'a ast::Expr<'a>)) {
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
pub(super) fn operands<'a>(expression: &'a ast::Expr<'a>) -> Vec<&'a ast::Expr<'a>> {
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
pub(super) fn ordered_pairs<'a>(expression: &'a ast::Expr<'a>) -> Vec<(&'a ast::Expr<'a>, &'a ast::Expr<'a>)> {
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
