//! The keys of the language, as one table: where each belongs, what its value may be, and how it is written.
//!
//! Responsible for right forms: what a person wrote, in the form of the key that was meant. `decode` asks for them where a value
//! or a key stands wrong; what a key means, the readers in `decode` know.

mod fit;

use super::sides::{self, Role};
use super::yaml::Node;
use fit::{fitted, flow};

const TABLE: &str = include_str!("keys.txt");

/// In which order a key is looked for where it stands in the wrong place.
const HOMES: [&str; 19] = [
    "step",
    "top",
    "expect",
    "connect",
    "tls",
    "auth",
    "message",
    "data",
    "retry",
    "pace",
    "server",
    "serve",
    "rule",
    "connection",
    "reply",
    "proxy",
    "attachment",
    "raw",
    "certificate",
];

/// A key in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRow {
    pub(crate) place: &'static str,
    pub(crate) key: &'static str,
    forms: &'static str,
    example: &'static str,
}

fn rows() -> impl Iterator<Item = KeyRow> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with(['#']) && !line.starts_with("in "));
    lines.filter_map(|line| {
        let (head, rest) = line.split_once(": ")?;
        let (place, key) = head.split_once(' ')?;
        let (forms, example) = rest.split_once(" => ")?;
        Some(KeyRow { place, key, forms, example })
    })
}

/// The row of a key in a place.
pub(crate) fn row(place: &str, key: &str) -> Option<KeyRow> {
    rows().find(|row| row.place == place && row.key == key)
}

/// The row of a key wherever it is found first.
pub(crate) fn first_row(key: &str) -> Option<KeyRow> {
    HOMES.iter().find_map(|place| row(place, key))
}

/// How a key of this place is written from the step, or from the top of the file; `$` stands for the key.
fn frame(place: &str) -> Option<&'static str> {
    let mut lines = TABLE.lines().filter_map(|line| line.strip_prefix("in ")?.split_once(": "));
    lines.find(|(of, _)| *of == place).map(|(_, frame)| frame)
}

impl KeyRow {
    /// The place of the entries in its value.
    pub(crate) fn holds(&self) -> Option<&'static str> {
        self.forms.split(' ').find_map(|form| Some(form.split_once(':')?.1))
    }

    /// `KEY: VALUE`, with what was written as far as it can be kept.
    pub(crate) fn form(&self, written: &Node) -> String {
        let value = if matches!(self.key, "password" | "token") { None } else { self.fit(written) };
        format!("{}: {}", self.key, value.unwrap_or_else(|| self.example.to_owned()))
    }

    /// Whether what was written is of a form that the key does not take, and can be brought into one.
    pub(crate) fn wants_other(&self, written: &Node) -> bool {
        !is_confidential(self.key) && self.fit(written).is_some() && !self.is_fit(written) && self.takes_no_text()
    }

    /// Whether the key takes anything but text.
    fn takes_no_text(&self) -> bool {
        !self.forms.split(' ').any(|form| matches!(form, "text" | "pattern" | "expression" | "address" | "host"))
    }

    /// Whether what was written has a form of this key already.
    pub(crate) fn is_fit(&self, written: &Node) -> bool {
        flow(written).is_some_and(|flow| self.fit(written).is_some_and(|fitted| fitted == flow))
    }

    /// What was written, as a value of this key.
    pub(crate) fn fit(&self, written: &Node) -> Option<String> {
        let fitted = self.forms.split(' ').find_map(|form| fitted(form, written));
        fitted.filter(|value| value.len() < 100)
    }
}

/// A key that stands in the wrong place, in its right one: what is said of it.
pub(crate) fn elsewhere(key: &str, place: &str, written: &Node) -> Option<String> {
    let plain = super::words::plain(key);
    // What is indented too deep below `connect` stands beside it.
    let nearest = ["top"].iter().filter(|_| place == "connect");
    let mut homes = nearest.chain(HOMES.iter().filter(|home| **home != place));
    let found = homes.find_map(|home| row(home, &plain))?;
    let form = found.form(written);
    Some(match found.place {
        "top" => format!("this key stands at the top of the file: `{form}`"),
        "step" => format!("this key belongs to a step, under `steps:`: `- {}`", whole_step(found.key, &form)),
        home => format!("it is written `{}`", in_frame(frame(home)?, found.key, &form)),
    })
}

/// A key of a step, with what it cannot stand without.
fn whole_step(key: &str, form: &str) -> String {
    match sides::role_of(key) {
        Some(Role::Modifier) => match key {
            "fails" => format!("{{connect: 'mail.example.com:587', {form}}}"),
            "warn" => format!("{{assert: reply.code == 250, {form}}}"),
            _ => format!("{{send: NOOP, expect: ^250, {form}}}"),
        },
        Some(Role::Group) => format!("{{{form}, steps: [{{send: NOOP, expect: ^250}}]}}"),
        _ => form.to_owned(),
    }
}

/// A key in the form of its place: in place of the example's, where that has it too.
fn in_frame(frame: &str, key: &str, form: &str) -> String {
    let start = frame.find(&format!(" {key}: ")).or_else(|| frame.find(&format!("{{{key}: ")));
    let Some(start) = start.map(|at| at + 1).filter(|at| *at < frame.find('$').unwrap_or(0)) else {
        return frame.replace('$', form);
    };
    let end = frame[start..].find(", ").map_or(frame.len(), |length| start + length);
    format!("{}{form}{}", &frame[..start], frame[end..].replace(", $", ""))
}

/// The help of a table in which `KEY: «EXAMPLE»` stands for the value that was written.
pub(crate) fn filled(help: &str, written: Option<&Node>) -> String {
    let mut parts = help.split('«');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (example, rest) = part.split_once('»').unwrap_or((part, ""));
        let key: String =
            text.trim_end_matches(": ").chars().rev().take_while(|it| it.is_ascii_lowercase() || *it == '_').collect();
        let row = first_row(&key.chars().rev().collect::<String>());
        let value = written.zip(row).and_then(|(written, row)| row.fit(written));
        text.push_str(&value.unwrap_or_else(|| example.to_owned()));
        text.push_str(rest);
    }
    text
}

/// Whether what stands beside a key may be a secret, which no help repeats.
pub(crate) fn is_confidential(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["pass", "secret", "token", "cred", "key", "pwd", "pw"].iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml;

    #[test]
    fn each_line_of_the_table_is_one() {
        let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        let frames = TABLE.lines().filter(|line| line.starts_with("in ")).count();
        assert_eq!(rows().count() + frames, lines);
        for row in rows() {
            assert!(row.place == "top" || frame(row.place).is_some_and(|frame| frame.contains('$')), "{}", row.place);
        }
    }

    #[test]
    fn values_in_the_form_of_their_key() {
        for (place, key, written, form) in [
            ("step", "sleep", "5", "sleep: 5s"),
            ("step", "sleep", "soon", "sleep: 2s"),
            ("step", "send", "{line: NOOP}", "send: NOOP"),
            ("step", "expect", "250 OK", "expect: ^250 OK"),
            ("step", "expect", "250", "expect: 250"),
            ("top", "secrets", "a, b", "secrets: [a, b]"),
            ("top", "secrets", "[{a: hunter2}]", "secrets: [a]"),
            ("top", "vars", "[{a: x}, {b: 1}]", "vars: {a: x, b: 1}"),
            ("top", "steps", "{send: NOOP}", "steps: [{send: NOOP}]"),
            ("connect", "verify", "no", "verify: false"),
            ("connect", "min_version", "1.2", "min_version: TLSv1.2"),
            ("auth", "password", "hunter2", "password: <<password>>"),
            ("retry", "attempts", "three", "attempts: 3"),
            (
                "step",
                "assert",
                "[reply.code == 250, reply.elapsed < 1]",
                "assert: reply.code == 250 and reply.elapsed < 1",
            ),
        ] {
            let node = yaml::read(written, 0).unwrap();
            assert_eq!(row(place, key).unwrap().form(&node), form, "{place} {key}: {written}");
        }
    }

    #[test]
    fn a_key_in_the_wrong_place_is_shown_in_the_right_one() {
        let at = |key: &str, place: &str, written: &str| elsewhere(key, place, &yaml::read(written, 0).unwrap());
        assert_eq!(at("tags", "step", "[a]").as_deref(), Some("this key stands at the top of the file: `tags: [a]`"));
        assert_eq!(at("within", "step", "2").as_deref(), Some("it is written `expect: {code: 250, within: 2s}`"));
        assert_eq!(
            at("sleep", "top", "2s").as_deref(),
            Some("this key belongs to a step, under `steps:`: `- sleep: 2s`")
        );
        assert_eq!(at("qqqq", "top", "2s"), None);
    }
}
