//! The door for `tests/fuzz` to templates.

use super::{Layout, Mode, Scope, Span, Templates, Text};
use crate::scenario::Chance;
use minijinja::value::Value;
use std::collections::BTreeMap;

/// Names whose values are known, one of them a secret.
struct Known;

impl Scope for Known {
    fn context(&self) -> Value {
        let values = [("user", Value::from("tim")), ("password", Value::from("hunter2-mine")), ("n", Value::from(3))];
        Value::from(values.into_iter().collect::<BTreeMap<_, _>>())
    }
    fn is_secret(&self, name: &str) -> bool {
        name == "password"
    }
}

/// A template shows no secret, and what is wrong with it lies in it.
pub fn template(source: &str) {
    let Ok(end) = u32::try_from(source.len()) else { return };
    let span = Span { file: 0, start: 0, end };
    let text = match Text::parse(source, span, Layout::verbatim(0)) {
        Ok(text) => text,
        Err(error) => return assert!(error.span.start <= error.span.end && error.span.end <= end),
    };
    match Templates::for_check(Chance::seeded(1)).render(&text, Mode::Line, &Known) {
        Ok(rendered) => assert!(!rendered.secret || source.contains("hunter2") || !rendered.shown.contains("hunter2")),
        // What is missing at the end is missed after it.
        Err(error) => assert!(error.span.start <= error.span.end && error.span.end <= end + 1),
    }
}
