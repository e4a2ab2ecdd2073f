//! Reads groups: `steps`, `include`, and what is said about how often and in which way they are played.

use super::decoder::{Decoder, Entries, KeyValue};
use super::{claim, include, steps};
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, ScalarKind, Value};
use crate::scenario::{Action, CodePattern, DEFAULT_RETRY_DELAY, Data, Group, Length, Named, Retry, RetryOn, Step};

const RETRY_KEYS: [&str; 3] = ["attempts", "delay", "on"];

/// A group: its steps stand here or in another file.
pub(super) fn group(
    decoder: &mut Decoder<'_>,
    entry: KeyValue<'_>,
    entries: &Entries<'_>,
    number: &str,
) -> Option<Action> {
    let bindings = entries.value("vars").map(|node| decoder.bindings(node)).unwrap_or_default();
    let mut group = Group { bindings, ..Group::default() };
    if entry.key == "include" {
        let Some((steps, defaults)) = include::included(decoder, entry, number) else {
            decoder.lost.file();
            return None;
        };
        group.included = true;
        group.add_defaults(defaults);
        group.steps = steps;
    } else {
        group.steps = steps::steps(decoder, entry, &format!("{number}."));
    }
    group.repeat = entries.value("repeat").and_then(|node| decoder.text(node));
    group.for_each = entries.value("for_each").and_then(|node| for_each(decoder, node));
    group.retry = entries.value("retry").and_then(|node| retry(decoder, node));
    group.requires = entries.value("requires").map(|node| claim::requirements(decoder, node)).unwrap_or_default();
    group.pipeline = decoder.flag(entries, "pipeline", false);
    refuse_two_ways(decoder, entries);
    if let Some(session) = entries.value("session").and_then(|node| decoder.named(node)) {
        speak_in(&session, &mut group.steps);
    }
    Some(Action::Group(Box::new(group)))
}

/// One group is played in one way; two nested ones can combine them.
fn refuse_two_ways(decoder: &mut Decoder<'_>, entries: &Entries<'_>) {
    let ways: Vec<KeyValue<'_>> = ["repeat", "for_each", "retry"].iter().filter_map(|key| entries.entry(key)).collect();
    if let [first, second, ..] = ways.as_slice() {
        decoder.complain(
            Diagnostic::error(second.key_span, format!("`{}` cannot stand beside `{}`", second.key, first.key))
                .help("put one group into another, each with one of them"),
        );
    }
    if let (Some(pipeline), Some(retry)) = (entries.entry("pipeline"), entries.entry("retry")) {
        decoder.complain(
            Diagnostic::error(retry.key_span, "`retry` cannot stand beside `pipeline`")
                .other(pipeline.key_span, "this one")
                .help("put the pipelined group into a group with `retry`"),
        );
    }
}

/// `for_each: {name: LIST}`
fn for_each(decoder: &mut Decoder<'_>, node: &Node) -> Option<(Named, Data)> {
    let Value::Map(entries) = &node.value else {
        decoder.wrong_type(node, "a name and a list: `for_each: {recipient: [a@example.com, b@example.com]}`");
        return None;
    };
    let [(name, list)] = entries.as_slice() else {
        decoder.complain(Diagnostic::error(node.span, "`for_each` takes one name and its list"));
        return None;
    };
    let (name, data) = (decoder.named(name)?, decoder.data(list)?);
    if !matches!(data, Data::List(_) | Data::Text(_)) {
        decoder.wrong_type(list, "a list, or `<<name>>` of one");
        return None;
    }
    if let Data::Text(text) = &data
        && text.is_literal()
    {
        let items: Vec<&str> = text.source.split([',', ' ', ';']).filter(|item| !item.is_empty()).collect();
        decoder.wrong_type_with(list, "a list", format!("write `{}: [{}]`", name.name, items.join(", ")));
        return None;
    }
    Some((name, data))
}

/// `retry: {attempts:, delay:, on: [4xx, closed, timeout, refused]}`
fn retry(decoder: &mut Decoder<'_>, node: &Node) -> Option<Retry> {
    if let Some(scalar) = node.scalar().filter(|scalar| matches!(scalar.kind, ScalarKind::Int(_))) {
        let help = format!("write `retry: {{attempts: {}, delay: 5s}}`", scalar.text);
        decoder.wrong_type_with(node, "a mapping", help);
        return None;
    }
    let entries = decoder.entries(node, "`retry`", &[&RETRY_KEYS])?;
    let Some(attempts) = entries.value("attempts") else {
        decoder.complain(
            Diagnostic::error(node.span, "`retry` needs `attempts`").help("write `retry: {attempts: 3, delay: 5s}`"),
        );
        return None;
    };
    let attempts = decoder.chosen(attempts)?;
    let delay = entries.value("delay").map_or(Some(Length::Known(DEFAULT_RETRY_DELAY)), |node| decoder.length(node))?;
    let on = match entries.value("on") {
        Some(node) => retry_on(decoder, node)?,
        None => {
            let transient = CodePattern::parse("4xx").map(RetryOn::Code);
            transient.into_iter().chain([RetryOn::Closed, RetryOn::Timeout, RetryOn::Refused]).collect()
        }
    };
    Some(Retry { attempts, delay, on })
}

fn retry_on(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<RetryOn>> {
    let Value::List(items) = &node.value else {
        decoder.wrong_type(node, "a list such as `[4xx, closed, timeout, refused]`");
        return None;
    };
    let mut list = Vec::new();
    for item in items {
        let text = item.scalar().map_or("", |scalar| scalar.text.as_str());
        list.push(match text {
            "closed" => RetryOn::Closed,
            "timeout" => RetryOn::Timeout,
            "refused" => RetryOn::Refused,
            code => match CodePattern::parse(code) {
                Some(code) => RetryOn::Code(code),
                None => {
                    decoder.wrong_type(item, "a reply code or class, `closed`, `timeout` or `refused`");
                    return None;
                }
            },
        });
    }
    Some(list)
}

/// `session` on a group is that of its steps which name none.
fn speak_in(session: &Named, steps: &mut [Step]) {
    for step in steps {
        if step.session.is_none() {
            step.session = Some(session.clone());
        }
        if let Action::Group(group) = &mut step.action {
            speak_in(session, &mut group.steps);
        }
    }
}

impl Group {
    /// The defaults of an included file, for names that were given no value.
    fn add_defaults(&mut self, defaults: Vec<(Named, Data)>) {
        for (name, data) in defaults {
            if !self.bindings.iter().any(|(given, _)| given.name == name.name) {
                self.bindings.push((name, data));
            }
        }
    }
}
