//! Doors for `tests/fuzz` to what is private and reads what strangers send. Exists only where `cargo fuzz` builds the crate.
//!
//! Each function panics where a promise is broken; what it reads it forgets.

use crate::fence;
use crate::scenario::template::{Mode, Scope, Templates};
use crate::scenario::yaml::Layout;
use crate::scenario::{Chance, Secret, Span, Text};
use crate::secret::Masker;
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

/// The plain part of a handshake is read as far as it goes.
pub fn server_hello(bytes: &[u8]) {
    crate::net::fuzzing::server_hello(bytes);
}

/// What a name server answers is records or a fault.
pub fn dns_answer(bytes: &[u8]) {
    crate::net::fuzzing::dns_answer(bytes);
}

/// A block of a ticket lies in it, whole lines of it.
pub fn ticket(text: &str) {
    for name in ["report.md", "report.yaml", "-"] {
        std::hint::black_box(fence::is_ticket(name, text));
    }
    for info in [fence::SCENARIO, fence::RECORDING] {
        match fence::only_block(text, info) {
            Ok(block) => {
                assert!(block.start == 0 || text[..block.start].ends_with('\n'));
                let placed = fence::in_place(text, &block);
                assert_eq!(placed.lines().count(), text[..block.end].lines().count());
            }
            Err(fault) => assert!(text.get(fault.at).is_some()),
        }
    }
}

/// What was searched once holds no secret as it is, and a second search changes nothing that can be read.
pub fn masked(text: &str) {
    let secret = "correct-Horse7";
    let masker = Masker::new(&[("password".to_owned(), Secret::new(secret))].into_iter().collect());
    let masked = masker.mask_text(text);
    assert!(!masked.contains(secret));
    if let Some(blotted) = masker.blotted(text) {
        assert_eq!(blotted.len(), text.len());
    }
    let lines: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b'\n').collect();
    assert_eq!(masker.mask_lines(&lines).len(), lines.len());
}
