//! What the scenarios of a folder have in common: `_defaults.yaml` beside them.
//!
//! Responsible for its keys, and for what of it a scenario takes. Called by `parse` before the scenario is read, so that all
//! of it counts as if it stood in the file, with its own place.

use super::decoder::Decoder;
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Flow, Scenario, yaml};

/// The name of the file.
pub(crate) const DEFAULTS_FILE: &str = "_defaults.yaml";
/// Its place among the sources of a scenario.
pub(crate) const DEFAULTS_INDEX: u32 = 1;
/// What may stand in it.
const KEYS: [&str; 4] = ["vars", "secrets", "connect", "timeout"];

/// Puts into a scenario what it does not say itself.
///
/// # Errors
/// They are no YAML.
pub(super) fn merge(decoder: &mut Decoder<'_>, root: &mut Node) -> Result<(), Diagnostic> {
    let text = decoder.sources.file(DEFAULTS_INDEX).map_or(String::new(), |source| source.text.clone());
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(());
    }
    let defaults = yaml::read(&text, DEFAULTS_INDEX)?;
    _ = decoder.entries(&defaults, "the defaults of a folder", &[&KEYS]);
    let (Value::Map(own), Value::Map(defaults)) = (&mut root.value, defaults.value) else { return Ok(()) };
    let connects = own.iter().any(|(key, value)| is_key(key, "connect") || opens(value));
    let has_steps = own.iter().any(|(key, _)| is_key(key, "steps"));
    for (key, value) in defaults {
        let wanted = if is_key(&key, "connect") { has_steps && !connects } else { is_known(&key) };
        let text = |key: &Node| key.scalar().map(|scalar| scalar.text.clone());
        match own.iter_mut().find(|(other, _)| text(other) == text(&key)) {
            _ if !wanted => {}
            None => own.push((key, value)),
            Some((_, own)) => add(own, value),
        }
    }
    Ok(())
}

/// Adds the names that a mapping or a list does not have.
fn add(own: &mut Node, more: Node) {
    match (&mut own.value, more.value) {
        (Value::Map(own), Value::Map(more)) => {
            for (key, value) in more {
                let name = key.scalar().map(|scalar| scalar.text.as_str());
                if !own.iter().any(|(other, _)| other.scalar().map(|scalar| scalar.text.as_str()) == name) {
                    own.push((key, value));
                }
            }
        }
        (Value::List(own), Value::List(more)) => {
            for item in more {
                let name = item.scalar().map(|scalar| scalar.text.as_str());
                if !own.iter().any(|other| other.scalar().map(|scalar| scalar.text.as_str()) == name) {
                    own.push(item);
                }
            }
        }
        _ => {}
    }
}

fn is_key(node: &Node, key: &str) -> bool {
    node.scalar().is_some_and(|scalar| scalar.text == key)
}

fn is_known(key: &Node) -> bool {
    KEYS.iter().any(|known| is_key(key, known))
}

/// Whether steps open their connections themselves.
fn opens(steps: &Node) -> bool {
    let Value::List(items) = &steps.value else { return false };
    let of_item = |item: &Node| match &item.value {
        Value::Map(entries) => entries.iter().any(|(key, value)| is_key(key, "connect") || opens(value)),
        _ => false,
    };
    items.iter().any(of_item)
}

/// Of the defaults a scenario keeps the names that it reads: it is given no secret that it does not use.
pub(super) fn keep_what_is_read(scenario: &mut Scenario) {
    let read = Flow::names_read(scenario);
    let columns: Vec<&str> =
        scenario.cases.first().into_iter().flat_map(|case| &case.values).map(|(name, _)| name.name.as_str()).collect();
    let wanted = |name: &crate::scenario::Named| {
        name.span.file != DEFAULTS_INDEX || read.contains(&name.name) || columns.contains(&name.name.as_str())
    };
    scenario.vars.retain(|var| wanted(&var.name));
    scenario.secrets.retain(wanted);
}
