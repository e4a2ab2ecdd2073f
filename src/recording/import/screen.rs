//! A line as it stood on a screen: without colours and titles of a terminal, with what was typed over, and with the signs
//! of SMTP where a word processor has put others.
//!
//! Responsible for a line alone, before anything is known of what it says. `text` calls this.

use super::grammar;
use std::borrow::Cow;

/// The line as it was read by a person.
pub(super) fn shown(line: &str) -> Cow<'_, str> {
    let plain = if line.contains('\x1b') { Cow::Owned(without_sequences(line)) } else { Cow::Borrowed(line) };
    let typed = if plain.contains('\x08') { Cow::Owned(overtyped(&plain)) } else { plain };
    match foreign_sign(&typed) {
        Some((at, length, sign)) => Cow::Owned(format!("{}{sign}{}", &typed[..at], &typed[at + length..])),
        None => typed,
    }
}

/// Escape sequences of a terminal: `\x1b[…m` and the like, `\x1b]…` up to a bell, others of one letter.
fn without_sequences(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        let ends = |sequence: &str, last: fn(char) -> bool| {
            let end = sequence.char_indices().find(|(_, letter)| last(*letter));
            end.map_or(sequence.len(), |(at, letter)| at + letter.len_utf8())
        };
        rest = match after.as_bytes().first() {
            Some(b'[') => &after[1 + ends(&after[1..], |letter| ('@'..='~').contains(&letter))..],
            Some(b']') => {
                let end = after.find(['\x07', '\x1b']).unwrap_or(after.len());
                after[end..].strip_prefix('\x07').or(after[end..].strip_prefix("\x1b\\")).unwrap_or(&after[end..])
            }
            _ => after,
        };
    }
    plain + rest
}

/// What is left where a backspace goes back and other letters take the place.
fn overtyped(line: &str) -> String {
    let mut letters: Vec<char> = Vec::with_capacity(line.len());
    let mut at = 0_usize;
    let mut erased = 0;
    for letter in line.chars() {
        if letter == '\x08' {
            at = at.saturating_sub(1);
            erased = at;
            continue;
        }
        letters.truncate(at);
        letters.push(letter);
        at += 1;
    }
    // A blank that was only put there to wipe a letter out goes with it.
    letters.truncate(if erased < at && line.ends_with('\x08') { erased } else { at });
    letters.into_iter().collect()
}

/// A dash or a blank of another kind after a reply code, which is none without the right one: where, how long, what it is.
fn foreign_sign(line: &str) -> Option<(usize, usize, char)> {
    if line.is_ascii() {
        return None;
    }
    line.char_indices().take(super::shape::MAX_PREFIX).find_map(|(at, letter)| {
        let sign = match letter {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}' => '-',
            '\u{a0}' | '\u{202f}' | '\u{2007}' => ' ',
            _ => return None,
        };
        let start = at.checked_sub(3).filter(|start| line.is_char_boundary(*start))?;
        let before = line[..start].chars().next_back();
        let stands_alone = !before.is_some_and(char::is_alphanumeric);
        let is_code = stands_alone && grammar::usual_code(&line[start..at]).is_some();
        is_code.then_some((at, letter.len_utf8(), sign))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_one_saw() {
        assert_eq!(shown("\x1b[32m220 hi\x1b[0m"), "220 hi");
        assert_eq!(shown("\x1b[?2004h\x1b]0;ann@pc: ~\x07$ telnet mx 25"), "$ telnet mx 25");
        assert_eq!(shown("\x1b]2;x\x1b\\250 ok"), "250 ok");
        assert_eq!(shown("ehlp\x08 \x08o pc"), "ehlo pc");
        assert_eq!(shown("mail from:<a@bb\x08 \x08.example>"), "mail from:<a@b.example>");
        assert_eq!(shown("quitt\x08 \x08"), "quit");
        assert_eq!(shown("quitt\x08"), "quit");
        assert_eq!(shown("\x08\x08quit"), "quit");
        assert_eq!(shown("S: 250–STARTTLS"), "S: 250-STARTTLS");
        assert_eq!(shown("250\u{a0}ok – fine"), "250 ok – fine");
        assert_eq!(shown("Größe – 12345–6"), "Größe – 12345–6");
    }
}
