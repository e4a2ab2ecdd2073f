//! The entries of a mapping, as the readers take them apart.

use super::advice::{key_place, list_some, mapping_help, merge_key, place_of};
use super::decoder::Decoder;
use crate::scenario::source::{Diagnostic, DiagnosticKind, Span};
use crate::scenario::typography::Lookalike;
use crate::scenario::words;
use crate::scenario::yaml::{Node, Value, foreign};
use crate::scenario::{CodePattern, keys};

/// The entries of a mapping.
pub(super) struct Entries<'n> {
    pub(super) span: Span,
    pub(super) list: Vec<KeyValue<'n>>,
}

/// A key of a mapping, and its value.
#[derive(Clone, Copy)]
pub(super) struct KeyValue<'n> {
    pub(super) key: &'n str,
    pub(super) key_span: Span,
    pub(super) value: &'n Node,
}

impl<'n> Entries<'n> {
    pub(super) fn entry(&self, key: &str) -> Option<KeyValue<'n>> {
        self.list.iter().find(|entry| entry.key == key).copied()
    }

    pub(super) fn value(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| entry.value)
    }
}

impl KeyValue<'_> {
    /// Key and value.
    pub(super) fn span(&self) -> Span {
        Span { end: self.value.span.end.max(self.key_span.end), ..self.key_span }
    }

    /// The value, or the key where the value is empty.
    pub(super) fn value_span(&self) -> Span {
        if self.value.is_null() { self.key_span } else { self.value.span }
    }
}

/// Complaints about keys that are unknown, doubled or odd.
impl Decoder<'_> {
    /// The entries of a mapping, after complaints about unknown, doubled and odd keys.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str, known: &[&[&'static str]]) -> Option<Entries<'n>> {
        let Value::Map(pairs) = &node.value else {
            let error = Diagnostic::error(node.span, format!("{what} is a mapping, not {}", node.description()))
                .label(format!("expected keys such as {}", list_some(known)));
            let text = self.sources.file(0).filter(|_| what == "a scenario").map_or("", |source| source.text.as_str());
            let help = foreign::help(text).or_else(|| mapping_help(what));
            self.complain(help.into_iter().fold(error, Diagnostic::help));
            return None;
        };
        let mut entries = Entries { span: node.span, list: Vec::new() };
        for (key, value) in pairs {
            let Some(scalar) = key.scalar() else {
                self.complain(Diagnostic::error(
                    key.span,
                    format!("a key of {what} is a word, not {}", key.description()),
                ));
                continue;
            };
            let name = scalar.text.as_str();
            if let Some(first) = entries.entry(name) {
                let error = Diagnostic::error(key.span, format!("`{name}` stands here twice"))
                    .other(first.key_span, "the first one");
                let of_step = matches!(what, "a step" | "a server's step");
                self.complain(error.help(if name == "connect" && !of_step {
                    "a further session is a step: `- connect: {host: NAME, port: 25, as: second}`"
                } else if of_step {
                    "a new step begins with `- `"
                } else {
                    "leave one of them out, or put what both hold under one"
                }));
            } else if known.iter().any(|keys| keys.contains(&name)) {
                entries.list.push(KeyValue { key: name, key_span: key.span, value });
            } else {
                self.unknown_key((key, value), what, known);
            }
        }
        Some(entries)
    }

    fn unknown_key(&mut self, (key, value): (&Node, &Node), what: &str, known: &[&[&str]]) {
        let (name, span) = (key.scalar().map_or("", |scalar| scalar.text.as_str()), key.span);
        if name == "<<" {
            return self.complain(merge_key(span));
        }
        let error =
            Diagnostic::error(span, format!("`{name}` is not a key of {what}")).kind(DiagnosticKind::UnknownKey);
        let all: Vec<&str> = known.iter().flat_map(|keys| keys.iter().copied()).collect();
        if let Some(lookalike) = Lookalike::first(name) {
            let advice = format!("{}: {}", lookalike.described(), lookalike.advice());
            return self.complain(error.help(advice));
        }
        let written = Some(value).filter(|_| !keys::is_confidential(name));
        let of_words = || words::sure_help(name, place_of(what), &all).map(|help| keys::filled(&help, written));
        let elsewhere = || keys::elsewhere(name, key_place(what), value).map(|help| self.at_this_host(&help));
        let of_scenario = what == "the defaults of a folder" && keys::row("top", name).is_some();
        let help = foreign_sign(name, what)
            .or_else(|| {
                of_scenario.then(|| format!("`{name}` is said by each scenario; common are {}", all.join(", ")))
            })
            .or_else(|| held_steps(name, what, value))
            .or_else(|| awaited(name, what, value))
            .or_else(|| connection_of(name, what, value).map(|help| self.at_this_host(&help)))
            .or_else(of_words)
            .or_else(elsewhere)
            .or_else(|| words::likely_help(name, place_of(what), &all))
            .unwrap_or_else(|| format!("the keys are {}", all.join(", ")));
        self.complain(error.help(with_value(&help, key_place(what), value)));
    }

    /// A form of `connect` with the server that the file names.
    fn at_this_host(&self, help: &str) -> String {
        let text = self.sources.file(0).map_or("", |source| source.text.as_str());
        let address = text.lines().find_map(|line| line.strip_prefix("connect: ")).map(str::trim);
        let plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        match address.and_then(|address| address.split_once(':')).filter(|(host, _)| plain(host)) {
            Some((host, port)) => {
                help.replace("host: mail.example.com, port: 587", &format!("host: {host}, port: {port}"))
            }
            None => help.to_owned(),
        }
    }
}

/// `did you mean` with the value too, where its form is not that of the key.
fn with_value(help: &str, place: &str, value: &Node) -> String {
    let near = help.strip_prefix("did you mean `").and_then(|rest| rest.strip_suffix("`?"));
    let row = near.and_then(|near| keys::row(place, near)).filter(|row| row.wants_other(value));
    row.map_or_else(|| help.to_owned(), |row| format!("did you mean `{}`?", row.form(value)))
}

/// What a key that is no word was meant to be.
fn foreign_sign(name: &str, what: &str) -> Option<String> {
    let name = name.trim();
    if name.starts_with("//") || name.starts_with("/*") {
        return Some("a comment begins with `#`".to_owned());
    }
    let is_code = name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_digit());
    (is_code && what == "`expect`").then(|| format!("the reply code is `code: {name}`, its text `text: PATTERN`"))
}

/// A mapping at the top that is about the connection, by whatever name: as `connect`.
fn connection_of(name: &str, what: &str, value: &Node) -> Option<String> {
    const NAMES: [&str; 13] = [
        "tls",
        "ssl",
        "smtp",
        "smtps",
        "connection",
        "host",
        "target",
        "relay",
        "smtp_server",
        "security",
        "endpoint",
        "transport",
        "tls_options",
    ];
    let Value::Map(pairs) = &value.value else { return None };
    if !NAMES.contains(&words::plain(name).as_str()) {
        return None;
    }
    let mut forms = Vec::new();
    let mut host = None;
    for (key, value) in pairs.iter().filter(|_| what == "a scenario") {
        let key = key.scalar()?.text.as_str();
        if keys::is_confidential(key) || matches!(key, "user" | "username" | "login" | "auth") {
            continue;
        }
        let form = match keys::row("connect", key) {
            Some(row) => row.form(value),
            None => {
                let help = words::foreign(key, words::Where::Connect)?;
                keys::filled(help, Some(value))
                    .split('`')
                    .find(|part| part.contains(": ") && !part.starts_with("- "))?
                    .to_owned()
            }
        };
        if form.starts_with("host: ") { host = Some(form) } else { forms.push(form) }
    }
    if forms.is_empty() && host.is_none() {
        return None;
    }
    let host = host.unwrap_or_else(|| "host: mail.example.com, port: 587".to_owned());
    forms.insert(0, host);
    Some(format!("write `connect: {{{}}}`", forms.join(", ")))
}

/// A word for waiting, with what must come.
fn awaited(name: &str, what: &str, value: &Node) -> Option<String> {
    let text = value.scalar().map(|scalar| scalar.text.as_str()).filter(|text| text.len() < 60)?;
    let is_reply = text.starts_with('^') || text.len() == 3 && CodePattern::parse(text).is_some();
    (what == "a step" && (name.contains("wait") || name == "then") && is_reply)
        .then(|| format!("what must be answered is a code or a pattern, `expect: {text}`"))
}

/// A key that holds steps, or is the name of one.
fn held_steps(name: &str, what: &str, value: &Node) -> Option<String> {
    let has_steps = matches!(what, "a scenario" | "a step" | "a server's step" | "`server`" | "a connection");
    let place = if what == "a step" || what == "a scenario" { "step" } else { "serve" };
    let is_step = |node: &Node| match &node.value {
        Value::Map(pairs) => {
            pairs.iter().all(|(key, _)| {
                key.scalar().is_some_and(|key| keys::row(place, &key.text).is_some() && key.text != "vars")
            }) && !pairs.is_empty()
        }
        _ => false,
    };
    match &value.value {
        Value::List(items)
            if has_steps
                && items.iter().any(is_step)
                && items.iter().all(|item| is_step(item) || item.scalar().is_some()) =>
        {
            let late = ["after", "teardown", "cleanup", "always", "finally", "post", "else"];
            let is_late = late.iter().any(|word| name.starts_with(word));
            (!is_late).then(|| format!("this is a list of steps: write `steps:` in place of `{name}:`"))
        }
        Value::Map(_)
            if matches!(what, "a step" | "a server's step") && is_step(value) && words::plain(name) != "step" =>
        {
            Some(format!(
                "the keys of a step stand side by side: write `- name: {name}`, and below it, in its column, the keys"
            ))
        }
        _ => None,
    }
}
