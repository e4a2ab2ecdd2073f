//! Puts the right form beneath a mistake of shape that names none: the key it is about, with the value that was written.
//!
//! Responsible for what all readers have in common, so that none has to say it. Called once a file was read.

use crate::scenario::keys::{self, KeyRow};
use crate::scenario::source::{Diagnostic, Footnote, Span};
use crate::scenario::yaml::{Node, Value};

/// Adds what to write to each mistake of this file that does not say it.
pub(super) fn advise(root: &Node, errors: &mut [Diagnostic]) {
    for error in errors.iter_mut().filter(|error| error.span.file == root.span.file && lacks_form(error)) {
        let Some((row, value)) = located(root, "top", error.span) else { continue };
        if row.is_fit(value) {
            continue;
        }
        error.footnotes.push(Footnote::Help(format!("write `{}`", row.form(value))));
    }
}

/// Whether it is about a shape, and neither the message nor a line beneath it says what to write.
fn lacks_form(error: &Diagnostic) -> bool {
    let of_shape = ["expected ", " is empty", " is a mapping, not ", " takes a list"];
    of_shape.iter().any(|words| error.message.contains(words))
        && !error.message.contains(": write ")
        && !error.footnotes.iter().any(|footnote| matches!(footnote, Footnote::Help(_)))
}

/// The key that a place of the tree is about, and its value.
fn located<'n>(node: &'n Node, place: &str, span: Span) -> Option<(KeyRow, &'n Node)> {
    match &node.value {
        Value::Scalar(_) => None,
        Value::List(items) => items.iter().find_map(|item| located(item, place, span)),
        Value::Map(pairs) => pairs.iter().find_map(|(key, value)| {
            let row = keys::row(place, &key.scalar()?.text)?;
            if key.span == span || value.span == span {
                return Some((row, value));
            }
            let within = value.span.start <= span.start && span.end <= value.span.end;
            within.then(|| located(value, row.holds().unwrap_or_default(), span)).flatten()
        }),
    }
}
