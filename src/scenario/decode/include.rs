//! Reads the files that a scenario includes.

use super::decoder::{Bindings, Decoder, KeyValue};
use super::steps;
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{MAX_INCLUDE_DEPTH, MAX_INCLUDES, Step, yaml};

const INCLUDED_KEYS: [&str; 4] = ["name", "description", "vars", "steps"];

/// The steps of another file, and its variables' defaults. Its mistakes are reported with their own places.
pub(super) fn included(decoder: &mut Decoder<'_>, entry: KeyValue<'_>, number: &str) -> Option<(Vec<Step>, Bindings)> {
    if let Value::List(_) | Value::Map(_) = &entry.value.value {
        decoder.wrong_type_with(entry.value, "the name of one file", "write a step `- include: FILE` for each file");
        return None;
    }
    let fault = |message: String| Diagnostic::error(entry.value.span, message);
    decoder.text_of(entry)?;
    if decoder.depth >= MAX_INCLUDE_DEPTH {
        decoder.complain(fault(format!("files include one another more than {MAX_INCLUDE_DEPTH} deep")));
        return None;
    }
    let (path, text) = file_text(decoder, entry.value)?;
    let file = decoder.sources.add(path, text.clone());
    let root = match yaml::read(&text, file) {
        Ok(root) => root,
        Err(error) => {
            decoder.complain(error);
            return None;
        }
    };
    decoder.depth += 1;
    let content = included_content(decoder, &root, number);
    decoder.depth -= 1;
    content
}

/// The path and the text of a file that a scenario names as a part of itself.
pub(super) fn file_text(decoder: &mut Decoder<'_>, node: &Node) -> Option<(String, String)> {
    let name = decoder.text(node)?;
    let fault = |message: String| Diagnostic::error(node.span, message);
    if !name.is_literal() {
        decoder.complain(fault("the name of an included file is fixed: it takes no template".to_owned()));
        return None;
    }
    if name.source.contains("://") {
        decoder.complain(fault(format!(
            "`{}` is no file: what is included lies below the folder of the scenario",
            name.source
        )));
        return None;
    }
    decoder.included += 1;
    if decoder.included > MAX_INCLUDES {
        // Told once: every further one is the same mistake.
        if decoder.included == MAX_INCLUDES + 1 {
            decoder.complain(fault(format!("more than {MAX_INCLUDES} files are included in all")));
        }
        return None;
    }
    match (decoder.includes)(&name.source) {
        Ok(read) => Some(read),
        Err(message) => {
            decoder.complain(fault(message));
            None
        }
    }
}

/// An included file is a list of steps, or a mapping with `steps` and `vars`.
fn included_content(decoder: &mut Decoder<'_>, root: &Node, number: &str) -> Option<(Vec<Step>, Bindings)> {
    let prefix = format!("{number}.");
    if let Value::List(_) = &root.value {
        let entry = KeyValue { key: "steps", key_span: root.span, value: root };
        return Some((steps::steps(decoder, entry, &prefix), Vec::new()));
    }
    let entries = decoder.entries(root, "an included file", &[&INCLUDED_KEYS])?;
    let defaults = entries.value("vars").map(|node| decoder.bindings(node)).unwrap_or_default();
    let Some(steps) = entries.entry("steps") else {
        decoder.complain(Diagnostic::error(root.span, "an included file needs `steps`"));
        return None;
    };
    Some((steps::steps(decoder, steps, &prefix), defaults))
}
