//! Reads groups: `steps`, `include`, and what is said about how often and in which way they are played; and `cases`.

use super::{Decoder, Entries, Entry, INCLUDED_KEYS, RETRY_KEYS};
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, ScalarKind, Value};
use crate::scenario::{
    Action, Case, CodePattern, Data, Group, Length, MAX_INCLUDE_DEPTH, MAX_INCLUDES, Named, Retry, RetryOn, Step, yaml,
};
use std::time::Duration;

/// How long a retry waits when nothing is said.
const DEFAULT_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The most attempts of one retry.
const MAX_ATTEMPTS: u32 = 1_000;

impl Decoder<'_> {
    /// A group: its steps stand here or in another file.
    pub(super) fn group(&mut self, entry: Entry<'_>, entries: &Entries<'_>, number: &str) -> Option<Action> {
        let bindings = entries.value("vars").map(|node| self.bindings(node)).unwrap_or_default();
        let mut group = Group { bindings, ..Group::default() };
        if entry.key == "include" {
            let (steps, defaults) = self.included(entry, number)?;
            group.add_defaults(defaults);
            group.steps = steps;
        } else {
            group.steps = self.steps(entry, &format!("{number}."));
        }
        group.repeat = entries.value("repeat").and_then(|node| self.text(node));
        group.for_each = entries.value("for_each").and_then(|node| self.for_each(node));
        group.retry = entries.value("retry").and_then(|node| self.retry(node));
        group.pipeline = self.flag(entries, "pipeline", false);
        self.refuse_two_ways(entries);
        if let Some(session) = entries.value("session").and_then(|node| self.named(node)) {
            speak_in(&session, &mut group.steps);
        }
        Some(Action::Group(Box::new(group)))
    }

    /// One group is played in one way; two nested ones can combine them.
    fn refuse_two_ways(&mut self, entries: &Entries<'_>) {
        let ways: Vec<Entry<'_>> =
            ["repeat", "for_each", "retry"].iter().filter_map(|key| entries.entry(key)).collect();
        if let [first, second, ..] = ways.as_slice() {
            self.errors.push(
                Diagnostic::error(second.key_span, format!("`{}` cannot stand beside `{}`", second.key, first.key))
                    .help("put one group into another, each with one of them"),
            );
        }
        if let (Some(pipeline), Some(retry)) = (entries.entry("pipeline"), entries.entry("retry")) {
            self.errors.push(
                Diagnostic::error(retry.key_span, "`retry` cannot stand beside `pipeline`")
                    .other(pipeline.key_span, "this one")
                    .help("put the pipelined group into a group with `retry`"),
            );
        }
    }

    /// `for_each: {name: LIST}`
    pub(super) fn for_each(&mut self, node: &Node) -> Option<(Named, Data)> {
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, "a name and a list: `for_each: {recipient: [a@example.com, b@example.com]}`");
            return None;
        };
        let [(name, list)] = entries.as_slice() else {
            self.errors.push(Diagnostic::error(node.span, "`for_each` takes one name and its list"));
            return None;
        };
        let (name, data) = (self.named(name)?, self.data(list)?);
        if !matches!(data, Data::List(_) | Data::Text(_)) {
            self.wrong_type(list, "a list, or `<<name>>` of one");
            return None;
        }
        Some((name, data))
    }

    /// `retry: {attempts:, delay:, on: [4xx, closed, timeout, refused]}`
    fn retry(&mut self, node: &Node) -> Option<Retry> {
        let entries = self.entries(node, "`retry`", &[&RETRY_KEYS])?;
        let Some(attempts) = entries.value("attempts") else {
            self.errors.push(
                Diagnostic::error(node.span, "`retry` needs `attempts`")
                    .help("write `retry: {attempts: 3, delay: 5s}`"),
            );
            return None;
        };
        let attempts = match attempts.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Int(count)) if (1..=i64::from(MAX_ATTEMPTS)).contains(&count) => {
                u32::try_from(count).unwrap_or(1)
            }
            _ => {
                self.wrong_type(attempts, &format!("a number from 1 to {MAX_ATTEMPTS}"));
                return None;
            }
        };
        let delay =
            entries.value("delay").map_or(Some(Length::Known(DEFAULT_RETRY_DELAY)), |node| self.length(node))?;
        let on = match entries.value("on") {
            Some(node) => self.retry_on(node)?,
            None => {
                let transient = CodePattern::parse("4xx").map(RetryOn::Code);
                transient.into_iter().chain([RetryOn::Closed, RetryOn::Timeout, RetryOn::Refused]).collect()
            }
        };
        Some(Retry { attempts, delay, on })
    }

    fn retry_on(&mut self, node: &Node) -> Option<Vec<RetryOn>> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node, "a list such as `[4xx, closed, timeout, refused]`");
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
                        self.wrong_type(item, "a reply code or class, `closed`, `timeout` or `refused`");
                        return None;
                    }
                },
            });
        }
        Some(list)
    }

    /// Names with values.
    fn bindings(&mut self, node: &Node) -> Bindings {
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, "a mapping of names to values");
            return Vec::new();
        };
        entries.iter().filter_map(|(key, value)| Some((self.named(key)?, self.data(value)?))).collect()
    }

    /// The steps of another file, and its variables' defaults. Its mistakes are told with their own places.
    fn included(&mut self, entry: Entry<'_>, number: &str) -> Option<(Vec<Step>, Bindings)> {
        let name = self.text_of(entry)?;
        let fault = |message: String| Diagnostic::error(entry.value.span, message);
        if !name.is_literal() {
            self.errors.push(fault("the name of an included file is fixed: it takes no template".to_owned()));
            return None;
        }
        if self.depth >= MAX_INCLUDE_DEPTH {
            self.errors.push(fault(format!("files include one another more than {MAX_INCLUDE_DEPTH} deep")));
            return None;
        }
        self.included += 1;
        if self.included > MAX_INCLUDES {
            // Told once: every further one is the same mistake.
            if self.included == MAX_INCLUDES + 1 {
                self.errors.push(fault(format!("more than {MAX_INCLUDES} files are included in all")));
            }
            return None;
        }
        let (path, text) = match (self.includes)(&name.source) {
            Ok(read) => read,
            Err(message) => {
                self.errors.push(fault(message));
                return None;
            }
        };
        let file = self.sources.add(path, text.clone());
        let root = match yaml::read(&text, file) {
            Ok(root) => root,
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        self.depth += 1;
        let content = self.included_content(&root, number);
        self.depth -= 1;
        content
    }

    /// An included file is a list of steps, or a mapping with `steps` and `vars`.
    fn included_content(&mut self, root: &Node, number: &str) -> Option<(Vec<Step>, Bindings)> {
        let prefix = format!("{number}.");
        if let Value::List(_) = &root.value {
            let entry = Entry { key: "steps", key_span: root.span, value: root };
            return Some((self.steps(entry, &prefix), Vec::new()));
        }
        let entries = self.entries(root, "an included file", &[&INCLUDED_KEYS])?;
        let defaults = entries.value("vars").map(|node| self.bindings(node)).unwrap_or_default();
        let Some(steps) = entries.entry("steps") else {
            self.errors.push(Diagnostic::error(root.span, "an included file needs `steps`"));
            return None;
        };
        Some((self.steps(steps, &prefix), defaults))
    }

    /// `cases:` is a list of variable sets.
    pub(super) fn cases(&mut self, entry: Entry<'_>) -> Vec<Case> {
        let Value::List(items) = &entry.value.value else {
            self.wrong_type(entry.value, "a list of variable sets: `- {to: a@example.com}`");
            return Vec::new();
        };
        items.iter().map(|item| Case { values: self.bindings(item) }).collect()
    }
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

/// The names of an included file and what they stand for.
type Bindings = Vec<(Named, Data)>;

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
