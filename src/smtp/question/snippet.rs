//! Parts of a text that are kept: the beginning of what belongs together, the end of what stands before.
//!
//! Responsible for their bounds, so that a text of any length costs no more than its length. Called by the readers beside it.

/// Of longer texts no more is kept, in bytes.
pub(super) const ENOUGH: usize = 4096;

/// Adds a part with a blank between, unless there is enough already.
pub(super) fn add(whole: &mut String, part: &str) {
    if whole.len() > ENOUGH || part.is_empty() {
        return;
    }
    if !whole.is_empty() {
        whole.push(' ');
    }
    whole.push_str(start_of(part, ENOUGH));
}

/// Adds a part, and forgets what stood long before.
pub(super) fn slide(window: &mut String, part: &str) {
    if window.len() > ENOUGH / 2 {
        let kept = end_of(window, ENOUGH / 8).to_owned();
        *window = kept;
    }
    add(window, part);
}

/// At most this many bytes of the start.
pub(super) fn start_of(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// At most this many bytes of the end.
pub(super) fn end_of(text: &str, most: usize) -> &str {
    let first = text.len().saturating_sub(most);
    let start = (first..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[start..]
}
