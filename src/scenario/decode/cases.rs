//! Reads `cases` and `cases_from`: the sets of values that a scenario is played with.
//!
//! Called by the reader of a scenario. What a table of the command line adds is crossed later, by whoever read it.

use super::decoder::{Decoder, Entries, KeyValue};
use super::include;
use crate::scenario::cases::{MAX_CASES, cases_of, crossed, table};
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Case, Data};

/// What `cases_from` may be, in words.
const SOURCES: &str = "a CSV file, or names with their lists: `cases_from: {line: [NOOP, HELP]}`";

/// The cases of a file: each of `cases` with each of `cases_from`.
pub(super) fn cases(decoder: &mut Decoder<'_>, entries: &Entries<'_>) -> Vec<Case> {
    let own = entries.entry("cases").map(|entry| listed(decoder, entry)).unwrap_or_default();
    let Some(from) = entries.entry("cases_from") else { return own };
    let tables = match &from.value.value {
        Value::List(items) => items.iter().flat_map(|item| source(decoder, item)).collect(),
        _ => source(decoder, from.value),
    };
    cross_all(decoder, own, &tables, from.value_span())
}

/// `cases:` is a list of variable sets.
fn listed(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Vec<Case> {
    let Value::List(items) = &entry.value.value else {
        decoder.wrong_type(entry.value, "a list of variable sets: `- {to: a@example.com}`");
        return Vec::new();
    };
    items.iter().map(|item| Case { values: decoder.bindings(item) }).collect()
}

/// The tables of one source: a file is one, and so is each name with its list.
fn source(decoder: &mut Decoder<'_>, node: &Node) -> Vec<Vec<Case>> {
    match &node.value {
        Value::Scalar(_) if !node.is_null() => file(decoder, node).into_iter().collect(),
        Value::Map(pairs) => pairs.iter().filter_map(|(name, list)| of_list(decoder, name, list)).collect(),
        _ => {
            decoder.wrong_type(node, SOURCES);
            Vec::new()
        }
    }
}

fn file(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<Case>> {
    let (path, text) = include::file_text(decoder, node)?;
    match table(&text) {
        Ok(table) => {
            decoder.sources.add(path, text);
            Some(cases_of(&table, node.span))
        }
        Err(message) => {
            decoder.complain(Diagnostic::error(node.span, format!("{path}: {message}")));
            None
        }
    }
}

/// `name: [value, value]`: a case of each value.
fn of_list(decoder: &mut Decoder<'_>, name: &Node, list: &Node) -> Option<Vec<Case>> {
    let name = decoder.named(name)?;
    let Value::List(items) = &list.value else {
        decoder.wrong_type(list, "a list: each value makes a case");
        return None;
    };
    if items.is_empty() {
        decoder.complain(Diagnostic::error(list.span, "this list is empty: nothing would be played"));
    }
    let values: Vec<Data> = items.iter().filter_map(|item| decoder.data(item)).collect();
    Some(values.into_iter().map(|value| Case { values: vec![(name.clone(), value)] }).collect())
}

fn cross_all(decoder: &mut Decoder<'_>, own: Vec<Case>, tables: &[Vec<Case>], span: Span) -> Vec<Case> {
    let sizes = tables.iter().map(Vec::len).chain([own.len().max(1)]);
    let count = sizes.fold(1, usize::saturating_mul);
    if count > MAX_CASES {
        decoder.complain(Diagnostic::error(span, format!("these are {count} cases: a file may have {MAX_CASES}")));
        return own;
    }
    tables.iter().fold(own, |cases, table| crossed(cases, table))
}
