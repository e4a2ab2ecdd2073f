//! A text as the search reads it: one spelling for everything, and where each octet of it stands in the text.
//!
//! Responsible for joining lines that a server cut and for letting case, blanks, encodings and punctuation not matter.
//! Called by `masker`; `escapes` makes views of what is spelled with escapes.

use std::ops::Range;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// How many octets beside a find are looked at: a text may be one line of a megabyte.
const NEIGHBOURS: usize = 64;

/// Where an octet of a view comes from: a range of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// The text that is searched: lines with a line feed between them.
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
}

impl Text<'_> {
    /// The lines, each without its line end.
    fn lines(&self) -> impl Iterator<Item = Range<usize>> {
        let mut next = 0;
        self.bytes.split(|byte| *byte == b'\n').map(move |line| {
            let start = next;
            next += line.len() + 1;
            start..start + line.strip_suffix(b"\r").unwrap_or(line).len()
        })
    }

    /// What follows `at` on its line: as much as says how it goes on.
    pub(super) fn after(&self, at: usize) -> &[u8] {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let rest = &rest[..rest.len().min(NEIGHBOURS)];
        let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// What stands before `at` on its line.
    pub(super) fn before(&self, at: usize) -> &[u8] {
        let start = &self.bytes[..at.min(self.bytes.len())];
        let start = &start[start.len().saturating_sub(NEIGHBOURS)..];
        &start[memchr::memrchr(b'\n', start).map_or(0, |newline| newline + 1)..]
    }

    pub(super) fn is_one_line(&self) -> bool {
        memchr::memchr(b'\n', self.bytes).is_none()
    }
}

/// Octets that are searched, and where each of them stands in the text.
#[derive(Debug, Default, Clone)]
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    pub(super) spots: Vec<Spot>,
}

impl View {
    pub(super) fn push(&mut self, byte: u8, spot: Spot) {
        self.bytes.push(byte);
        self.spots.push(spot);
    }

    pub(super) fn push_char(&mut self, character: char, spot: Spot) {
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            self.push(byte, spot);
        }
    }

    /// The place of a range of the view in the text.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.spots.get(range.start).map_or(0, |spot| spot.from as usize);
        let end = range.end.checked_sub(1).and_then(|last| self.spots.get(last)).map_or(start, |spot| spot.to as usize);
        start..end.max(start)
    }

    /// The lines joined without anything between them, each from where `skip` says and to where it says.
    pub(super) fn joined(text: &Text<'_>, skip: impl Fn(&[u8]) -> Range<usize>) -> View {
        let mut view = View::default();
        view.bytes.reserve(text.bytes.len());
        view.spots.reserve(text.bytes.len());
        for line in text.lines() {
            let content = skip(&text.bytes[line.clone()]);
            for at in line.start + content.start..line.start + content.end {
                view.push(text.bytes[at], Spot { from: offset(at), to: offset(at + 1) });
            }
        }
        view
    }

    /// A text that stands in no other: for what is looked for.
    pub(super) fn of(text: &[u8]) -> View {
        let spot = |at: usize| Spot { from: offset(at), to: offset(at + 1) };
        View { bytes: text.to_vec(), spots: (0..text.len()).map(spot).collect() }
    }

    /// The same in one spelling: letters without their case, each mark by itself (NFKD), octets that are no UTF-8 as Latin-1,
    /// and one sign for what stands for a blank in form data and in encoded words.
    pub(super) fn folded(self) -> View {
        if self.bytes.is_ascii() {
            return View { bytes: self.bytes.iter().map(|byte| fold(*byte)).collect(), spots: self.spots };
        }
        let mut view = View::default();
        let mut at = 0;
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                let spot = Spot { from: self.spots[at].from, to: self.spots[at + character.len_utf8() - 1].to };
                view.push_folded(character, spot);
                at += character.len_utf8();
            }
            for byte in chunk.invalid() {
                view.push_folded(char::from(*byte), self.spots[at]);
                at += 1;
            }
        }
        view
    }

    fn push_folded(&mut self, character: char, spot: Spot) {
        let mut push = |part: char| match u8::try_from(part) {
            Ok(ascii) if ascii.is_ascii() => self.push(fold(ascii), spot),
            _ => self.push_char(part, spot),
        };
        if character.is_ascii() {
            return push(character);
        }
        // By way of capitals: `\u{df}` is `SS` in them, and has none of its own.
        let capitals = character.to_lowercase().flat_map(char::to_uppercase);
        capitals.flat_map(char::to_lowercase).for_each(|letter| decompose_compatible(letter, &mut push));
    }

    /// Letters and digits alone.
    pub(super) fn squeezed(&self) -> View {
        let mut view = View::default();
        if self.bytes.is_ascii() {
            view.bytes.reserve(self.bytes.len());
            view.spots.reserve(self.bytes.len());
            for (byte, spot) in self.bytes.iter().zip(&self.spots) {
                if byte.is_ascii_alphanumeric() {
                    view.push(*byte, *spot);
                }
            }
            return view;
        }
        let text = String::from_utf8_lossy(&self.bytes);
        for (at, character) in text.char_indices().filter(|(_, character)| character.is_alphanumeric()) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                view.push(byte, self.spots[at.min(self.spots.len() - 1)]);
            }
        }
        view
    }
}

fn fold(byte: u8) -> u8 {
    if matches!(byte, b'+' | b'_') { b' ' } else { byte.to_ascii_lowercase() }
}

/// Whether a character belongs to the letter before it.
pub(super) fn is_mark(character: char) -> bool {
    is_combining_mark(character)
}

/// Texts are far below 4 GiB; where one is not, all beyond is one place.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The whole line.
pub(super) fn whole(line: &[u8]) -> Range<usize> {
    0..line.len()
}

/// What follows the code of a reply line, `ddd-` or `ddd `.
pub(super) fn without_code(line: &[u8]) -> Range<usize> {
    code_end(line)..line.len()
}

/// The same without an enhanced status code, and without blanks and quotes at both ends.
pub(super) fn without_quotes(line: &[u8]) -> Range<usize> {
    without_frame(line, b"\"'`<>")
}

/// The same without signs that a text goes on.
pub(super) fn without_signs(line: &[u8]) -> Range<usize> {
    without_frame(line, b"\"'`<>-|:,.()[]*~")
}

/// The same without `+`, with which xtext begins.
pub(super) fn without_plus(line: &[u8]) -> Range<usize> {
    without_frame(line, b"\"'`<>-|:,.()[]*~+")
}

fn without_frame(line: &[u8], signs: &[u8]) -> Range<usize> {
    let is_frame = |byte: &u8| byte.is_ascii_whitespace() || signs.contains(byte);
    let inner = |from: usize| from + line[from..].iter().take_while(|byte| is_frame(byte)).count();
    let start = inner(code_end(line));
    let marked = start + usize::from(line.get(start) == Some(&b'#'));
    let start = enhanced_end(&line[marked..]).map_or(start, |end| inner(marked + end));
    let end = line.len() - line[start..].iter().rev().take_while(|byte| is_frame(byte)).count();
    start..end
}

fn code_end(line: &[u8]) -> usize {
    let coded = line.len() >= 4 && line[..3].iter().all(u8::is_ascii_digit) && matches!(line[3], b'-' | b' ');
    if coded { 4 } else { 0 }
}

/// Where an enhanced status code (RFC 3463) at the start of a text ends.
fn enhanced_end(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(text.len());
    let parts: Vec<&[u8]> = text[..end].split(|byte| *byte == b'.').collect();
    let fits = parts.len() == 3 && parts[0].len() == 1 && parts[1..].iter().all(|part| matches!(part.len(), 1..=3));
    (fits && text.get(end).is_none_or(|next| !next.is_ascii_alphanumeric())).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, skip: fn(&[u8]) -> Range<usize>) -> String {
        String::from_utf8(View::joined(&Text { bytes: text.as_bytes() }, skip).bytes).unwrap()
    }

    #[test]
    fn lines_are_joined_without_what_repeats() {
        assert_eq!(joined("250-ab\r\n250 cd\r\n", without_code), "abcd");
        assert_eq!(joined("535-5.7.8 \"ab\"\r\n535 5.7.8  \"cd\" \r\n", without_quotes), "abcd");
        assert_eq!(joined("535-#5.7.8 ab-\r\n535 #5.7.8 +cd\r\n", without_plus), "abcd");
        assert_eq!(joined("250 1.2.3.4 is no code", without_signs), "1.2.3.4 is no code");
    }

    #[test]
    fn one_spelling() {
        let folded = |bytes: &[u8]| View::of(bytes).folded().bytes;
        assert_eq!(folded("pÄ+ß_".as_bytes()), "pa\u{308} ss ".as_bytes());
        assert_eq!(folded(b"p\xc4 x"), "pa\u{308} x".as_bytes());
        for same in ["füße", "FÜSSE", "FÜẞE", "fu\u{308}ße", "FU\u{308}SSE", "f\u{fc}ſſe"] {
            assert_eq!(folded(same.as_bytes()), "fu\u{308}sse".as_bytes(), "{same}");
        }
        assert_eq!(folded("ﬁ Ａ\u{a0}Σς".as_bytes()), "fi a σσ".as_bytes());
        assert_eq!(View::of("a-Ä\0 b\u{200b}c".as_bytes()).folded().squeezed().bytes, b"aabc");
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = Text { bytes: "250-pÄ\n250 Sx".as_bytes() };
        let view = View::joined(&text, without_code).folded();
        assert_eq!(view.bytes, "pa\u{308}sx".as_bytes());
        assert_eq!(view.place(&(1..5)), 5..13);
    }
}
