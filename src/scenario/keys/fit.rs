//! What was written, as a value of the form that a key takes.
//!
//! Responsible for values alone: nothing comes of one in which nothing of that form can be seen.

use super::{is_confidential, row, rows};
use crate::scenario::write::yaml_text::flow_text;
use crate::scenario::yaml::{Node, ScalarKind, Value};
use crate::scenario::{CodePattern, duration};

/// What was written in one of the forms of the table.
pub(super) fn fitted(form: &str, node: &Node) -> Option<String> {
    match form {
        "text" => text_of(node).map(|text| flow_text(&text)),
        "pattern" => text_of(node).and_then(|text| pattern(&text)),
        "expression" => expression(node),
        "duration" => text_of(node).and_then(|text| length(&text)),
        "number" => text_of(node).and_then(|text| if text.contains("<<") { Some(text) } else { digits(&text) }),
        "reply" => text_of(node).filter(|text| code(text).is_some()).map(|text| flow_text(&text)),
        "listen" => text_of(node).and_then(|text| listen(&text)),
        "size" => text_of(node).and_then(|text| digits(&text)).map(|digits| format!("{digits}KiB")),
        "address" => text_of(node).and_then(|text| address(&text)),
        "host" => {
            text_of(node).and_then(|text| address(&text)).map(|text| text.split(':').next().unwrap_or("").to_owned())
        }
        "code" => text_of(node).and_then(|text| code(&text)),
        "flag" => text_of(node).and_then(|text| flag(&text)).map(|flag| flag.to_string()),
        "names" => Some(names(node))
            .filter(|names| !names.is_empty() && names.iter().all(|name| is_name(name)))
            .map(|names| format!("[{}]", names.join(", "))),
        "list" => list(node),
        "bindings" => bindings(node),
        "loop" => match &node.value {
            Value::List(items) if !items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
                flow(node).map(|list| format!("{{value: {list}}}"))
            }
            _ => bindings(node),
        },
        _ => match form.split_once(':') {
            Some(("list", _)) if matches!(node.value, Value::List(_)) => flow(node),
            Some(("list" | "steps", _)) => {
                flow(node).filter(|_| matches!(node.value, Value::Map(_))).map(|map| format!("[{map}]"))
            }
            Some((_, place)) => joined(node, place).or_else(|| by_only_text(node, place)),
            None => form
                .strip_prefix('=')
                .filter(|word| text_of(node).is_some_and(|text| is_word(&text, word)))
                .map(str::to_owned),
        },
    }
}

/// The only text in a value, however deep.
fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar(scalar) => (scalar.kind != ScalarKind::Null).then(|| scalar.text.clone()),
        Value::List(items) => items.first().and_then(text_of),
        Value::Map(pairs) => match pairs.as_slice() {
            [(_, value)] => text_of(value),
            _ => None,
        },
    }
}

/// A code, or a pattern that begins as a reply does.
fn pattern(text: &str) -> Option<String> {
    if CodePattern::parse(text).is_some() {
        return Some(text.to_owned());
    }
    let begins = |text: &str| text.get(..3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    let pattern = if text.starts_with('^') { text.to_owned() } else { format!("^{text}") };
    (text.starts_with('^') || begins(text)).then(|| flow_text(&pattern))
}

fn expression(node: &Node) -> Option<String> {
    let one = |node: &Node| {
        let text = node.scalar().filter(|scalar| scalar.kind == ScalarKind::Text)?.text.clone();
        let is_condition = text.contains(['=', '(', '<', '>']) || text.contains('.');
        is_condition.then(|| text.replace("<<", "").replace(">>", ""))
    };
    let all: Option<Vec<String>> = match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => one(node).map(|text| vec![text]),
    };
    all.filter(|all| !all.is_empty()).map(|all| flow_text(&all.join(" and ")))
}

/// `5`, `5 seconds`, `5 s`, `500 msec`, `PT5S`.
fn length(text: &str) -> Option<String> {
    let text = text.trim();
    if duration::parse(text).is_ok() {
        return Some(text.to_owned());
    }
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let number: String = text[start..].chars().take_while(|it| it.is_ascii_digit() || *it == '.').collect();
    let unit = text[start + number.len()..].trim().to_ascii_lowercase();
    let unit = match unit.as_str() {
        unit if unit.starts_with("ms") || unit.starts_with("milli") => "ms",
        unit if unit.starts_with('m') => "m",
        unit if unit.starts_with('h') => "h",
        _ => "s",
    };
    let length = format!("{number}{unit}");
    duration::parse(&length).is_ok().then_some(length)
}

/// `2525`, `:2525`, `*:2525`, `localhost:2525`: an address with a port.
fn listen(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port = port.parse::<u16>().ok()?;
    let host = if host.parse::<std::net::IpAddr>().is_ok() { host } else { "127.0.0.1" };
    Some(format!("{host}:{port}"))
}

/// A server, from a URL too; a port alone is one of an example.
fn address(text: &str) -> Option<String> {
    if text.parse::<u16>().is_ok() {
        return Some(format!("mail.example.com:{text}"));
    }
    let address = crate::scenario::address::right_form_of(text).unwrap_or_else(|| text.to_owned());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:<>_[]".contains(&byte);
    let has_letter = address.bytes().any(|byte| byte.is_ascii_alphabetic());
    (has_letter && address.bytes().all(plain) && !matches!(address.as_str(), "true" | "false" | "null"))
        .then_some(address)
}

fn digits(text: &str) -> Option<String> {
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let digits: String = text[start..].chars().take_while(char::is_ascii_digit).collect();
    (digits != "0" && digits.len() < 10).then_some(digits)
}

fn code(text: &str) -> Option<String> {
    let word = text.trim_start_matches('^').get(..3)?;
    CodePattern::parse(word).map(|_| word.to_owned())
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "y" | "always" | "required" | "enabled" | "full" => Some(true),
        "false" | "no" | "off" | "0" | "n" | "never" | "none" | "disabled" => Some(false),
        _ => None,
    }
}

/// The words of a value: of a mapping its keys.
fn names(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Scalar(scalar) if scalar.kind == ScalarKind::Null => Vec::new(),
        Value::Scalar(scalar) => {
            scalar.text.split([',', ' ', ';']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        }
        Value::List(items) => items.iter().flat_map(names).collect(),
        Value::Map(pairs) => pairs.iter().filter_map(|(key, _)| Some(key.scalar()?.text.clone())).collect(),
    }
}

/// No number, and none of the words that YAML takes for something else.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && !matches!(name, "true" | "false" | "null" | "yes" | "no")
}

fn list(node: &Node) -> Option<String> {
    match &node.value {
        Value::List(_) => flow(node),
        Value::Scalar(scalar) if scalar.kind != ScalarKind::Null && !scalar.text.is_empty() => {
            let items: Vec<String> = scalar.text.split([',', ';']).map(|item| flow_text(item.trim())).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        Value::Map(_) => flow(node).map(|map| format!("[{map}]")),
        Value::Scalar(_) => None,
    }
}

/// `NAME=VALUE`, or a list of mappings, as one mapping.
fn bindings(node: &Node) -> Option<String> {
    if let Some(scalar) = node.scalar() {
        let (name, value) = scalar.text.split_once('=').or_else(|| scalar.text.split_once(": "))?;
        let name = name.trim();
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty();
        return (is_name && !is_confidential(name)).then(|| format!("{{{name}: {}}}", flow_text(value.trim())));
    }
    joined(node, "")
}

/// What one text can only be in a mapping: the number of a retry is that of its attempts.
fn by_only_text(node: &Node, place: &str) -> Option<String> {
    let text = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null)?.text.as_str();
    let by_word = rows().filter(|row| row.place == place).find_map(|row| {
        let word = row.forms.split(' ').find_map(|form| form.strip_prefix('=').filter(|word| is_word(text, word)))?;
        Some(format!("{{{}: {word}}}", row.key))
    });
    by_word.or_else(|| match place {
        "retry" => digits(text).map(|count| format!("{{attempts: {count}, delay: 5s}}")),
        "auth" if text.parse::<crate::smtp::auth::Mechanism>().is_ok() => Some(format!(
            "{{mechanism: {}, username: <<username>>, password: <<password>>}}",
            text.to_ascii_uppercase()
        )),
        "message" => {
            Some(format!("{{from: from@example.com, to: to@example.com, subject: Test, text: {}}}", flow_text(text)))
        }
        _ => None,
    })
}

/// A list of mappings as one mapping, of keys that the place has.
fn joined(node: &Node, place: &str) -> Option<String> {
    let Value::List(items) = &node.value else { return None };
    let pairs: Option<Vec<&(Node, Node)>> = items
        .iter()
        .map(|item| match &item.value {
            Value::Map(pairs) if pairs.len() == 1 => pairs.first(),
            _ => None,
        })
        .collect();
    let pairs = pairs?;
    let is_known = |(key, _): &&(Node, Node)| key.scalar().is_some_and(|key| row(place, &key.text).is_some());
    if !place.is_empty() && !pairs.iter().all(is_known) {
        return None;
    }
    let entries: Option<Vec<String>> = pairs.into_iter().map(entry).collect();
    entries.filter(|entries| !entries.is_empty()).map(|entries| format!("{{{}}}", entries.join(", ")))
}

fn entry((key, value): &(Node, Node)) -> Option<String> {
    let key = &key.scalar()?.text;
    if is_confidential(key) {
        return Some(format!("{key}: <<{key}>>"));
    }
    Some(format!("{key}: {}", flow(value)?))
}

/// A value in one line.
pub(super) fn flow(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar(scalar) => {
            Some(if scalar.kind == ScalarKind::Text { flow_text(&scalar.text) } else { scalar.text.clone() })
        }
        Value::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(flow).collect();
            items.map(|items| format!("[{}]", items.join(", ")))
        }
        Value::Map(pairs) => {
            let entries: Option<Vec<String>> = pairs.iter().map(entry).collect();
            entries.map(|entries| format!("{{{}}}", entries.join(", ")))
        }
    }
}

/// Whether a text is this word, in whatever spelling.
fn is_word(text: &str, word: &str) -> bool {
    let plain =
        |text: &str| text.to_ascii_lowercase().replace(['_', ' ', '-', '.'], "").trim_start_matches("tlsv").to_owned();
    plain(text) == plain(word)
}
