//! Reads what a scenario claims: `level`, `rfc`, `why`, `mend`, and `requires` of scenarios and groups.

use super::decoder::{Decoder, Entries, KeyValue};
use crate::scenario::claim::{Claim, Level, Requirement};
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Expression, Text};

const REQUIREMENT_KEYS: [&str; 2] = ["when", "else"];

pub(super) fn claim(decoder: &mut Decoder<'_>, entries: &Entries<'_>) -> Claim {
    Claim {
        level: entries.entry("level").and_then(|entry| level(decoder, entry)),
        rfc: entries.entry("rfc").map(|entry| sections(decoder, entry)).unwrap_or_default(),
        why: entries.entry("why").and_then(|entry| decoder.text_of(entry)),
        mend: entries.value("mend").map(|node| mending(decoder, node)).unwrap_or_default(),
    }
}

fn level(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Level> {
    let word = entry.value.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
    let found = Level::of(word);
    if found.is_none() {
        let lower = Level::of(&word.to_lowercase());
        let help = lower.map(|level| format!("write `level: {level}`"));
        let error = Diagnostic::error(entry.value_span(), "`level` is `must`, `should` or `may`");
        decoder.complain(help.into_iter().fold(error, Diagnostic::help));
    }
    found
}

/// One section, or a list of them. `5321` alone is a number to YAML, and meant as it is written.
fn sections(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Vec<String> {
    match &entry.value.value {
        Value::List(items) => items.iter().filter_map(|item| section(decoder, item)).collect(),
        _ => section(decoder, entry.value).into_iter().collect(),
    }
}

fn section(decoder: &mut Decoder<'_>, node: &Node) -> Option<String> {
    let written = decoder.plain_text(node)?;
    let number = written.trim_start_matches("RFC").trim_start();
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    let ends = number.get(digits..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    if digits == 0 || digits > 5 || !ends {
        let error = Diagnostic::error(node.span, format!("`{written}` is no section of an RFC"));
        decoder.complain(error.help("write the number and the section: `5321 §4.1.1.4`"));
        return None;
    }
    Some(number.to_owned())
}

/// `mend: {postfix: …, exim: …}`
fn mending(decoder: &mut Decoder<'_>, node: &Node) -> Vec<(String, Text)> {
    let Value::Map(pairs) = &node.value else {
        decoder.wrong_type_with(
            node,
            "a mapping of makes to what to change",
            "write `mend: {postfix: what to change}`",
        );
        return Vec::new();
    };
    let pair = |(key, value): &(Node, Node)| Some((decoder.plain_text(key)?.to_lowercase(), decoder.text(value)?));
    pairs.iter().filter_map(pair).collect()
}

/// `requires: EXPRESSION`, or a list of expressions and `{when: EXPRESSION, else: REASON}`.
pub(super) fn requirements(decoder: &mut Decoder<'_>, node: &Node) -> Vec<Requirement> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(|item| requirement(decoder, item)).collect(),
        _ => requirement(decoder, node).into_iter().collect(),
    }
}

fn requirement(decoder: &mut Decoder<'_>, node: &Node) -> Option<Requirement> {
    if !matches!(node.value, Value::Map(_)) {
        return decoder.expression(node).map(|when| Requirement { when, reason: None });
    }
    let entries = decoder.entries(node, "`requires`", &[&REQUIREMENT_KEYS])?;
    let Some(when) = entries.value("when") else {
        let error = Diagnostic::error(node.span, "this requires nothing: it has no `when`");
        decoder.complain(error.help("write `{when: offers('DSN'), else: DSN is not offered}`"));
        return None;
    };
    let when: Expression = decoder.expression(when)?;
    let reason = entries.entry("else").and_then(|entry| decoder.text_of(entry));
    Some(Requirement { when, reason })
}
