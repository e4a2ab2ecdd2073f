//! Whether what a text has in common with a secret is an echo of it.
//!
//! Responsible for the difference between a part of a secret that a server cut off and words that both happen to hold: a
//! user name `ann@example.com` does not hide each `example.com`. Called by `masker`.

use super::forms::{Form, Kind};
use super::said::{SaidWords, holds, is_said};
use super::seeds::Stretch;
use super::view::{Text, View, is_mark};
use std::ops::Range;

/// A shorter secret is hidden as a word of its own only.
const LONG_ENOUGH: usize = 8;
/// So many letters in a row stand nowhere else by chance.
const BY_NO_CHANCE: usize = 12;

/// What is found, in its text.
pub(super) struct Found<'a> {
    pub(super) text: &'a Text<'a>,
    pub(super) view: &'a View,
    pub(super) form: &'a Form,
    pub(super) stretch: Stretch,
}

impl Found<'_> {
    /// Whether it is hidden.
    pub(super) fn is_echo(&self) -> bool {
        match self.form.kind {
            Kind::Encoded { least } => self.is_whole() || (self.length() >= least && !self.encodes_prose()),
            Kind::Plain if self.is_whole() => self.length() >= LONG_ENOUGH || self.is_a_word(),
            Kind::Squeezed if self.is_whole() => {
                let over_lines = self.is_over_lines();
                let is_long = over_lines || self.length() >= BY_NO_CHANCE;
                (self.is_strong() && !over_lines) || (self.is_a_word() && is_long)
            }
            _ => self.length() >= LONG_ENOUGH && self.is_part(),
        }
    }

    /// The same where a part is found.
    fn is_part(&self) -> bool {
        // Words that only stand beside each other are no part of a secret.
        let is_squeezed = self.form.kind == Kind::Squeezed;
        let is_apart = self.place().len() + 2 >= 2 * self.length();
        match () {
            () if self.is_over_lines() => {
                let is_ours = self.is_strong() || (!is_squeezed && self.is_foreign());
                self.is_cut() || (self.length() >= BY_NO_CHANCE && is_ours)
            }
            () if is_squeezed => is_apart && self.is_strong(),
            () => self.is_strong() || self.is_cut() || self.is_foreign(),
        }
    }

    /// Whether what is encoded is part of words that servers say anyway: `VXNlcm5hbWU6` asks for a user name.
    fn encodes_prose(&self) -> bool {
        let (whole, encoded) = (self.form.plain.len(), self.form.octets.len());
        let Range { start, end } = self.stretch.in_form;
        // The octets at both ends share characters with their neighbours.
        let inner = start * whole / encoded + 1..(end * whole).div_ceil(encoded).saturating_sub(1);
        let words = self.form.plain.get(inner).unwrap_or_default().split(u8::is_ascii_punctuation);
        let unsaid: usize = words.filter(|word| word.len() < 4 || !holds(word)).map(<[u8]>::len).sum();
        !self.form.plain.is_empty() && unsaid < 2
    }

    /// How many octets a secret has there; what the search spells in more of them does not count.
    fn length(&self) -> usize {
        let octets = self.octets();
        if octets.is_ascii() {
            return octets.len();
        }
        let octets_of = |letter: char| if is_mark(letter) { 1 } else { letter.len_utf8() };
        String::from_utf8_lossy(octets).chars().map(octets_of).sum()
    }

    fn is_a_word(&self) -> bool {
        self.begins_a_word() && self.ends_a_word()
    }

    fn is_whole(&self) -> bool {
        self.stretch.in_form.len() == self.form.octets.len()
    }

    fn octets(&self) -> &[u8] {
        &self.form.octets[self.stretch.in_form.clone()]
    }

    fn place(&self) -> Range<usize> {
        self.view.place(&self.stretch.in_text)
    }

    fn is_over_lines(&self) -> bool {
        self.text.bytes[self.place()].contains(&b'\n')
    }

    fn begins_a_word(&self) -> bool {
        let place = self.place();
        let before = self.text.before(place.start);
        let last = before.utf8_chunks().last().filter(|chunk| chunk.invalid().is_empty());
        let last = last.and_then(|chunk| chunk.valid().chars().next_back());
        !last.is_some_and(char::is_alphanumeric) || self.is_behind_a_code(before)
    }

    /// Whether all that stands before it on its line was left out of the view.
    fn is_behind_a_code(&self, before: &[u8]) -> bool {
        let previous = self.stretch.in_text.start.checked_sub(1).and_then(|at| self.view.spots.get(at));
        previous.is_none_or(|spot| spot.to as usize + before.len() <= self.place().start) && before.len() <= 4
    }

    fn ends_a_word(&self) -> bool {
        let after = self.text.after(self.place().end);
        let next = after.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
        !next.is_some_and(char::is_alphanumeric)
    }

    /// Whether nobody but who knows the secret writes it: letters with digits, with capitals inside, or with signs. The
    /// name of a host after `@` is known to all.
    fn is_strong(&self) -> bool {
        let octets = self.octets();
        // Beside words that servers say anyway a few signs are there by chance.
        if beside_prose(octets) < 4 {
            return false;
        }
        if self.form.host.is_some_and(|host| self.stretch.in_form.start >= host) {
            return false;
        }
        let has = |is: fn(&u8) -> bool| octets.iter().any(is);
        let has_letter = has(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
        let has_digit = has(u8::is_ascii_digit);
        let has_sign = has(|byte| byte.is_ascii_punctuation() && !b"-_.,:/'@".contains(byte));
        let written = &self.text.bytes[self.place()];
        let has_capital = written.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
        (has_letter && has_digit) || has_sign || (has_letter && has_capital)
    }

    /// Whether there is something in it that servers do not say anyway. Of a mailbox the host does not count, and another
    /// mailbox may end like this one.
    fn is_foreign(&self) -> bool {
        let (text, form) = (&self.stretch.in_text, &self.stretch.in_form);
        let host = self.form.host.unwrap_or(form.end).clamp(form.start, form.end);
        let is_other = host < form.end && form.start > 0 && !self.begins_a_word();
        let own = self.without_others(text.start..text.start + host - form.start);
        let is_long = weight(&self.view.bytes[own.clone()]) >= LONG_ENOUGH;
        !is_other && is_long && SaidWords { view: self.view }.unsaid(own) > 0
    }

    /// A range of the text without what is at both ends by chance: a few letters of another word, or what is part of a
    /// word that is said there. `different` is no part of a secret where `differently` is said.
    fn without_others(&self, range: Range<usize>) -> Range<usize> {
        let Range { mut start, mut end } = range;
        let words = SaidWords { view: self.view };
        let is_digit = |at: Option<usize>| at.and_then(|at| self.view.bytes.get(at)).is_some_and(u8::is_ascii_digit);
        let by_chance =
            |piece: usize, is_cut: bool, is_said: bool| (is_said && (is_cut || piece < 2)) || (is_cut && piece < 4);
        if let Some((word, is_said)) = end.checked_sub(1).and_then(|last| words.around(last))
            && by_chance(end - word.start.max(start), word.end > end || is_digit(Some(end)), is_said)
        {
            end = word.start.max(start);
        }
        if let Some((word, is_said)) = words.around(start).filter(|_| start < end)
            && by_chance(word.end.min(end) - start, word.start < start || is_digit(start.checked_sub(1)), is_said)
        {
            start = word.end.min(end);
        }
        start..end
    }

    /// Whether a server cut it: the secret goes on where the text says that it does not.
    fn is_cut(&self) -> bool {
        let (place, stretch) = (self.place(), &self.stretch.in_form);
        let (before, after) = (self.text.before(place.start), self.text.after(place.end));
        let (goes_on, began) = (stretch.end < self.form.octets.len(), stretch.start > 0);
        let end = if goes_on { end_mark(without_part(after)) } else { Mark::None };
        let start = if began && has_ellipsis_before(before) { Mark::Ellipsis } else { Mark::None };
        let ends_well = end != Mark::None || self.ends_a_word();
        let begins_well = start != Mark::None || self.begins_a_word();
        match (start, end) {
            (Mark::Ellipsis, _) => ends_well,
            (_, Mark::Ellipsis) => begins_well,
            (_, Mark::End) => begins_well && !is_prose(self.octets()) && weight(self.octets()) >= LONG_ENOUGH,
            (_, Mark::None) => false,
        }
    }
}

/// How many letters and signs there are. Of scripts in which few letters make a word the octets count.
fn weight(octets: &[u8]) -> usize {
    let weight = |letter: char| match letter {
        letter if is_mark(letter) => 0,
        ..'\u{250}' => 1,
        letter => letter.len_utf8(),
    };
    String::from_utf8_lossy(octets).trim().chars().map(weight).sum()
}

/// What follows, without the first octets of an escaped character that the cut went through: `%C3` of `%C3%A4`.
fn without_part(after: &[u8]) -> &[u8] {
    let mut rest = after;
    for _ in 0..3 {
        let Some(escape) = rest.split_first().filter(|(sign, _)| b"%=\\".contains(sign)).map(|(_, rest)| rest) else {
            break;
        };
        let escape = escape.strip_prefix(b"x").unwrap_or(escape);
        rest = &escape[escape.iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count()..];
    }
    if rest.is_empty() || end_mark(rest) == Mark::Ellipsis { rest } else { after }
}

/// What says that a text was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// `...`, `…`, `[truncated]`
    Ellipsis,
    /// A quote, or the end of the line.
    End,
    None,
}

fn end_mark(after: &[u8]) -> Mark {
    let rest = after.trim_ascii_start();
    let is_ellipsis = [
        "..",
        "\u{2026}",
        "[...",
        "[\u{2026}",
        "[trunc",
        "[cut",
        "[more",
        "[snip",
        "(trunc",
        "(cut",
        "(more",
        "<trunc",
        "<cut",
        "<more",
        "<snip",
        "&hellip;",
    ]
    .iter()
    .any(|mark| rest.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes())));
    let is_closed = |byte: &u8| b"\"'`>)]}|\\".contains(byte);
    let quotes = ["\u{bb}", "\u{201d}", "\u{2019}", "\u{b4}", "&quot;", "&#", "&gt;"];
    match () {
        () if is_ellipsis => Mark::Ellipsis,
        () if rest.is_empty() || after.first().is_some_and(is_closed) => Mark::End,
        () if quotes.iter().any(|quote| after.starts_with(quote.as_bytes())) => Mark::End,
        () => Mark::None,
    }
}

fn has_ellipsis_before(before: &[u8]) -> bool {
    let rest = before.trim_ascii_end();
    ["..", "\u{2026}", "truncated]", "cut]", "more]", "snip]", "snip>"]
        .iter()
        .any(|mark| rest.ends_with(mark.as_bytes()))
}

/// Whether it is made of words that servers say anyway.
fn is_prose(octets: &[u8]) -> bool {
    beside_prose(octets) == 0
}

/// How many letters and digits are no part of such words.
fn beside_prose(octets: &[u8]) -> usize {
    let words = octets.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| word.len() >= 8 && is_said(word));
    let all = octets.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).count();
    all - words.map(<[u8]>::len).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_that_a_text_was_cut() {
        for (after, mark) in [
            ("...\"", Mark::Ellipsis),
            (" ... ", Mark::Ellipsis),
            ("\u{2026}", Mark::Ellipsis),
            (" [truncated]", Mark::Ellipsis),
            ("", Mark::End),
            (" ", Mark::End),
            ("\" is wrong", Mark::End),
            (" is wrong", Mark::None),
            (". Sorry", Mark::None),
        ] {
            assert!(end_mark(after.as_bytes()) == mark, "{after}");
        }
    }
}
