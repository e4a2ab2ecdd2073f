//! Whether what a text has in common with a secret is an echo of it.
//!
//! Responsible for the difference between a part of a secret that a server cut off and words that both happen to hold: a
//! user name `ann@example.com` does not hide each `example.com`. Called by `masker`.

use super::forms::{Form, Kind};
use super::seeds::Stretch;
use super::view::{Text, View};
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
            () if self.is_over_lines() => self.is_cut() || (self.length() >= BY_NO_CHANCE && self.is_strong()),
            () if is_squeezed => is_apart && self.is_strong(),
            () => self.is_strong() || self.is_cut(),
        }
    }

    /// Whether what is encoded is part of words that servers say anyway: `VXNlcm5hbWU6` asks for a user name.
    fn encodes_prose(&self) -> bool {
        let (whole, encoded) = (self.form.plain.len(), self.form.octets.len());
        let Range { start, end } = self.stretch.in_form;
        // The octets at both ends share characters with their neighbours.
        let inner = start * whole / encoded + 1..(end * whole).div_ceil(encoded).saturating_sub(1);
        let words = self.form.plain.get(inner).unwrap_or_default().split(u8::is_ascii_punctuation);
        let said = |part: &[u8]| {
            part.len() >= 4 && WORDS.iter().any(|word| word.windows(part.len()).any(|window| window == part))
        };
        let unsaid: usize = words.filter(|word| !said(word)).map(<[u8]>::len).sum();
        !self.form.plain.is_empty() && unsaid < 2
    }

    fn length(&self) -> usize {
        self.stretch.in_form.len()
    }

    fn is_a_word(&self) -> bool {
        self.begins_a_word() && self.ends_a_word()
    }

    fn is_whole(&self) -> bool {
        self.length() == self.form.octets.len()
    }

    fn octets(&self) -> &[u8] {
        &self.form.octets[self.stretch.in_form.clone()]
    }

    fn letters(&self) -> usize {
        String::from_utf8_lossy(self.octets()).trim().chars().count()
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

    /// Whether a server cut it: the secret goes on where the text says that it does not.
    fn is_cut(&self) -> bool {
        let (place, stretch) = (self.place(), &self.stretch.in_form);
        let (before, after) = (self.text.before(place.start), self.text.after(place.end));
        let (goes_on, began) = (stretch.end < self.form.octets.len(), stretch.start > 0);
        let end = if goes_on { end_mark(after) } else { Mark::None };
        let start = if began && has_ellipsis_before(before) { Mark::Ellipsis } else { Mark::None };
        let ends_well = end != Mark::None || self.ends_a_word();
        let begins_well = start != Mark::None || self.begins_a_word();
        match (start, end) {
            (Mark::Ellipsis, _) => ends_well,
            (_, Mark::Ellipsis) => begins_well,
            (_, Mark::End) => begins_well && !is_prose(self.octets()) && self.letters() >= LONG_ENOUGH,
            (_, Mark::None) => false,
        }
    }
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
    let words = octets.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| WORDS.contains(word));
    let all = octets.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).count();
    all - words.map(<[u8]>::len).sum::<usize>()
}

/// Words of eight letters and more that stand at the end of replies.
const WORDS: &[&[u8]] = &[
    b"accepted",
    b"accounts",
    b"addresses",
    b"administrator",
    b"authenticate",
    b"authenticated",
    b"authentication",
    b"authorization",
    b"authorized",
    b"available",
    b"blacklisted",
    b"certificate",
    b"challenge",
    b"characters",
    b"closing",
    b"command",
    b"commands",
    b"completed",
    b"configuration",
    b"configured",
    b"connection",
    b"connections",
    b"contents",
    b"credential",
    b"credentials",
    b"delivered",
    b"delivery",
    b"directory",
    b"disabled",
    b"encrypted",
    b"encryption",
    b"exceeded",
    b"forwarding",
    b"greylisted",
    b"greylisting",
    b"hostname",
    b"identity",
    b"implemented",
    b"incorrect",
    b"incoming",
    b"internal",
    b"localhost",
    b"mailboxes",
    b"mailserver",
    b"maintenance",
    b"mechanism",
    b"mechanisms",
    b"message",
    b"messages",
    b"microsoft",
    b"notification",
    b"outgoing",
    b"parameter",
    b"parameters",
    b"password",
    b"passwords",
    b"permission",
    b"permitted",
    b"pipelining",
    b"postmaster",
    b"prohibited",
    b"protected",
    b"protocol",
    b"provider",
    b"recipient",
    b"recipients",
    b"recognized",
    b"rejected",
    b"relaying",
    b"repository",
    b"required",
    b"resources",
    b"response",
    b"restricted",
    b"security",
    b"sequence",
    b"services",
    b"smarthost",
    b"software",
    b"starttls",
    b"submission",
    b"submitted",
    b"successful",
    b"supported",
    b"temporarily",
    b"temporary",
    b"terminated",
    b"transaction",
    b"transmission",
    b"transport",
    b"unavailable",
    b"unknown",
    b"username",
    b"usernames",
    b"verification",
    b"verified",
];

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
