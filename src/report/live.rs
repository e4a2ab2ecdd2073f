//! Lines of a session under way, as a person at a terminal reads them: replies have the colour of their class.

use super::human::{Styled, seconds};
use crate::run::{Entry, Speaker};
use anstyle::{AnsiColor, Style};

const CLIENT: Style = AnsiColor::Cyan.on_default();
const NOTE: Style = Style::new().dimmed();
const COMPLAINT: Style = AnsiColor::Red.on_default().bold();

/// One line of the transcript, `S: 250 OK`, with its line end; with the time before it where that is wanted.
#[must_use]
pub fn line(entry: &Entry, times: bool, styled: Styled) -> String {
    let (mark, style) = match entry.speaker {
        Speaker::Client => ("C:", CLIENT),
        Speaker::Server => ("S:", class(&entry.text)),
        Speaker::Note => ("* ", NOTE),
    };
    let text = format!("{mark} {}", entry.text);
    let time =
        if times { format!("{} ", styled.paint(NOTE, &format!("{:>8}", seconds(entry.at)))) } else { String::new() };
    format!("{time}{}\n", styled.paint(style, text.trim_end()))
}

/// Why something was not done.
#[must_use]
pub fn complaint(text: &str, styled: Styled) -> String {
    format!("{} {text}\n", styled.paint(COMPLAINT, "error:"))
}

/// What helps, in passing.
#[must_use]
pub fn hint(text: &str, styled: Styled) -> String {
    format!("{}\n", styled.paint(NOTE, &format!("   {text}")))
}

/// The prompt: where it leads to is not to be mistaken for what is typed.
#[must_use]
pub fn prompt(text: &str, styled: Styled) -> String {
    styled.paint(AnsiColor::Green.on_default().bold(), text)
}

/// What would follow what was typed.
#[must_use]
pub fn suggestion(text: &str, styled: Styled) -> String {
    styled.paint(NOTE, text)
}

/// The colour of a reply's first digit (RFC 5321 section 4.2.1).
fn class(text: &str) -> Style {
    match text.as_bytes().first() {
        Some(b'2') => AnsiColor::Green.on_default(),
        Some(b'3') => AnsiColor::Blue.on_default(),
        Some(b'4') => AnsiColor::Yellow.on_default(),
        Some(b'5') => AnsiColor::Red.on_default(),
        _ => Style::new(),
    }
}
