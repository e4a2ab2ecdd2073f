//! The captures of a module: Go's groups and `${1}` become names and templates.

use crate::scenario::write::{DraftAction, DraftStep};
use std::fmt::Write as _;

/// Stand around the name of a capture until the text is written: no line of SMTP holds them.
pub(super) const CAPTURE: [char; 2] = ['\u{e000}', '\u{e001}'];

/// Names that captures can't have, because the scenario has them.
const TAKEN: [&str; 9] = ["host", "domain", "from", "to", "username", "password", "token", "authzid", "challenge"];

/// The pattern with names for the groups that some `send` uses.
pub(super) fn named_groups(pattern: &str, all_sent: &str) -> String {
    let mut named = String::with_capacity(pattern.len());
    let (mut number, mut escaped, mut in_class) = (0, false, false);
    let mut rest = pattern.char_indices();
    while let Some((at, letter)) = rest.next() {
        named.push(letter);
        let opens = letter == '(' && !escaped && !in_class;
        in_class = !escaped && (letter == '[' || in_class && letter != ']');
        escaped = letter == '\\' && !escaped;
        if !opens {
            continue;
        }
        let behind = &pattern[at + 1..];
        let name = behind.strip_prefix("?P<").or(behind.strip_prefix("?<")).and_then(|rest| rest.split('>').next());
        if !behind.starts_with('?') || name.is_some() {
            number += 1;
        }
        let used = all_sent.contains(&format!("${{{number}}}")) || all_sent.contains(&format!("${number}"));
        match name {
            Some(name) if TAKEN.contains(&name) || crate::scenario::is_built_in_name(name) => {
                _ = write!(named, "?<{}>", capture_name(name));
                let length = behind.find('>').map_or(0, |end| behind[..=end].chars().count());
                (0..length).for_each(|_| _ = rest.next());
            }
            None if used && !behind.starts_with('?') => {
                _ = write!(named, "?<{}>", capture_name(&number.to_string()));
            }
            _ => {}
        }
    }
    named
}

/// The name of a capture here: a number is none, and some names are taken.
fn capture_name(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("group_{name}")
    } else if TAKEN.contains(&name) || crate::scenario::is_built_in_name(name) {
        format!("{name}_seen")
    } else {
        name.to_owned()
    }
}

/// `${1}`, `$1` and `$name` in the marks that stand for captures; `$$` is a `$`.
pub(super) fn with_captures(line: &str) -> String {
    let mut marked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once('$') {
        marked.push_str(before);
        if let Some(behind) = behind.strip_prefix('$') {
            marked.push('$');
            rest = behind;
            continue;
        }
        let (name, after) = match behind.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(braced) => braced,
            None => {
                behind.split_at(behind.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count())
            }
        };
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name {
            marked.extend([CAPTURE[0]]);
            marked.push_str(&capture_name(name));
            marked.extend([CAPTURE[1]]);
        }
        rest = if is_name { after } else { behind };
    }
    marked + rest
}

/// Turns the marks of captures into templates.
pub(super) fn name_captures(step: &mut DraftStep) {
    let named = |text: &mut String| *text = text.replace(CAPTURE[0], "<<").replace(CAPTURE[1], ">>");
    match &mut step.action {
        DraftAction::Send(text) | DraftAction::Data(text) | DraftAction::Raw(text) => named(text),
        DraftAction::Group { steps, .. } => steps.iter_mut().for_each(name_captures),
        _ => {}
    }
}
