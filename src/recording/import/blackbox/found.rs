//! Finds the modules of a configuration, wherever it stands: alone, or as a text within another file.

use crate::scenario::yaml::{Node, Value};

/// How deep `query_response` is looked for.
const MAX_DEPTH: usize = 5;

/// Whether a text is a configuration with such a module.
pub(in crate::recording::import) fn is_one(text: &str) -> bool {
    text.lines().take(20_000).any(|line| {
        let line = line.trim_start();
        line.starts_with("query_response:") || line.starts_with("- expect:") || line.starts_with("- expect_bytes:")
    })
}

/// The configuration that stands as a text in another one, as in a `ConfigMap` of Kubernetes; all around it is blank, so that
/// places stay true.
pub(super) fn inner(text: &str) -> Option<String> {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let opens = |line: &str| {
        let line = line.trim_end();
        ["|", "|-", "|+", ">", ">-"]
            .iter()
            .any(|sign| line.strip_suffix(sign).is_some_and(|key| key.trim_end().ends_with(':')))
    };
    let blanked = |text: &str| {
        let of_letter = |letter: char| std::iter::repeat_n(if letter == '\n' { '\n' } else { ' ' }, letter.len_utf8());
        text.chars().flat_map(of_letter).collect::<String>()
    };
    let mut blank = String::with_capacity(text.len());
    let mut block: Option<usize> = None;
    let mut begins = 0;
    let mut is_found = false;
    for line in text.split_inclusive('\n') {
        if block.is_some_and(|outer| !line.trim().is_empty() && indentation(line) <= outer) {
            if is_found {
                break;
            }
            block = None;
            let others = blanked(&blank.split_off(begins));
            blank.push_str(&others);
        }
        if block.is_some() {
            is_found |= line.contains("query_response:");
            blank.push_str(line);
        } else {
            blank.push_str(&blanked(line));
            block = opens(line).then(|| indentation(line));
            begins = blank.len();
        }
    }
    is_found.then_some(blank)
}

/// A module with a `query_response`.
pub(super) struct FoundModule<'n> {
    pub(super) name: &'n str,
    /// The mapping that holds `tcp`, and that of `tcp`.
    pub(super) module: Option<&'n Node>,
    pub(super) tcp: Option<&'n Node>,
    pub(super) exchanges: &'n [Node],
}

pub(super) fn find<'n>(node: &'n Node, name: &'n str, depth: usize, found: &mut Vec<FoundModule<'n>>) {
    if depth > MAX_DEPTH {
        return;
    }
    match &node.value {
        Value::List(items) if depth == 0 => {
            found.push(FoundModule { name, module: None, tcp: None, exchanges: items });
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                let key = key.scalar().map_or("", |scalar| scalar.text.as_str());
                let inner = entry(value, "query_response").map(|node| &node.value);
                match (key, inner, &value.value) {
                    ("query_response", _, Value::List(items)) => {
                        found.push(FoundModule { name, module: None, tcp: Some(node), exchanges: items });
                    }
                    ("tcp", Some(Value::List(items)), _) => {
                        found.push(FoundModule { name, module: Some(node), tcp: Some(value), exchanges: items });
                    }
                    _ => find(value, key, depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

pub(super) fn entry<'n>(node: &'n Node, wanted: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.scalar().is_some_and(|scalar| scalar.text == wanted)).map(|(_, value)| value)
}

pub(super) fn text(node: &Node) -> &str {
    node.scalar().map_or("", |scalar| scalar.text.as_str())
}
