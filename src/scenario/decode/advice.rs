//! What to write instead: the words of the mistakes that every reader of nodes finds.

use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::words::Where;
use crate::scenario::yaml::{Node, Value};

/// How a mapping is written, for what was written otherwise.
pub(super) fn mapping_help(what: &str) -> Option<&'static str> {
    Some(match what {
        "a scenario" => "begin the file with `connect: HOST:PORT`, and list what is played under `steps:`",
        "`starttls`" => "write `- starttls` alone, or `starttls: {verify: false}`",
        "`tls`" => "`- tls` begins a handshake at once; for STARTTLS write `- starttls`",
        "`pace`" => "write `pace: {bytes: 1, every: 50ms}`",
        "`auth`" => "write `auth: {mechanism: PLAIN, username: <<username>>, password: <<password>>}`",
        "`connect`" => "write `connect: HOST:PORT`, or `connect: {host: NAME, port: 587}`",
        "`message`" => "write `message: {from: …, to: …, subject: …, text: …}`; lines as they are belong to `data: |`",
        _ => return None,
    })
}

pub(super) fn wrong_type(node: &Node, expected: &str) -> Diagnostic {
    let written = node.scalar().map(|scalar| scalar.text.as_str()).filter(|text| !text.is_empty() && text.len() < 40);
    let found = written.map_or_else(|| node.description().to_owned(), |text| format!("`{text}`"));
    let error = Diagnostic::error(node.span, format!("expected {expected}, found {found}"));
    match written {
        Some(text) if text.contains("<<") => error.help("this decides how the file is read: it takes no template"),
        Some("off" | "Off" | "OFF" | "none" | "never" | "no" | "No" | "NO" | "0") if expected == "true or false" => {
            error.help("write `false`")
        }
        Some("on" | "On" | "ON" | "always" | "full" | "required" | "yes" | "Yes" | "YES" | "1")
            if expected == "true or false" =>
        {
            error.help("write `true`")
        }
        _ => error,
    }
}

/// How names with values are written, for one that was written as a list.
pub(super) fn as_mapping(node: &Node) -> String {
    let Value::List(items) = &node.value else { return "write `name: value` lines".to_owned() };
    let names = items.iter().filter_map(|item| match &item.value {
        Value::Map(entries) => entries.first().and_then(|(key, value)| Some((key.scalar()?, value.scalar()?))),
        _ => None,
    });
    let first = names.map(|(key, value)| format!("{}: {}", key.text, value.text)).next();
    let first = first.unwrap_or_else(|| "name: value".to_owned());
    format!("write `{first}` in a line of its own, without `- `")
}

/// How a list of names is written, for one that was written as text.
pub(super) fn as_list(node: &Node) -> String {
    if let Value::Map(entries) = &node.value {
        let names: Vec<&str> = entries.iter().filter_map(|(key, _)| Some(key.scalar()?.text.as_str())).collect();
        return format!("write `[{}]`: names alone; values are given where it is run", names.join(", "));
    }
    let text = node.scalar().map_or("name", |scalar| scalar.text.as_str());
    let names: Vec<&str> = text.split([',', ' ', ';']).filter(|name| !name.is_empty()).collect();
    format!("write `[{}]`", if names.is_empty() { "name".to_owned() } else { names.join(", ") })
}

/// The place of a mapping, by what it is called in messages.
pub(super) fn place_of(what: &str) -> Where {
    match what {
        "a scenario" | "an included file" => Where::Top,
        "a step" => Where::Step,
        "a server's step" => Where::Serve,
        "`expect`" => Where::Expect,
        "`connect`" => Where::Connect,
        "`starttls`" | "`tls`" => Where::Tls,
        "`auth`" => Where::Auth,
        "`message`" => Where::Message,
        "`data`" | "`bdat`" | "an attachment" => Where::Data,
        "`retry`" => Where::Retry,
        "`server`" | "a connection" => Where::Server,
        "a rule" => Where::Rule,
        _ => Where::Elsewhere,
    }
}

/// The same as the table of keys calls it.
pub(super) fn key_place(what: &str) -> &'static str {
    match what {
        "a scenario" | "an included file" | "the defaults of a folder" => "top",
        "a step" => "step",
        "a server's step" => "serve",
        "`expect`" => "expect",
        "`connect`" => "connect",
        "`starttls`" | "`tls`" => "tls",
        "`auth`" => "auth",
        "`message`" => "message",
        "`data`" => "data",
        "`bdat`" => "bdat",
        "an attachment" => "attachment",
        "`retry`" => "retry",
        "`server`" => "server",
        "a connection" => "connection",
        "a rule" => "rule",
        "`pace`" => "pace",
        "`reply`" => "reply",
        "`raw`" => "raw",
        "`certificate`" => "certificate",
        "`proxy_protocol`" => "proxy",
        _ => "",
    }
}

/// The first of these keys, for an example.
pub(super) fn list_some(known: &[&[&str]]) -> String {
    let first: Vec<String> = known.iter().flat_map(|keys| keys.iter()).take(4).map(|key| format!("`{key}`")).collect();
    first.join(", ")
}

/// A key that YAML gives a meaning of its own.
pub(super) fn merge_key(span: Span) -> Diagnostic {
    Diagnostic::error(span, "`<<` as a key is YAML's merge key, not a template")
        .help("nothing is merged here: shared steps are a file of `include`, shared values stand under `vars`")
}
