//! Octets of a dump, cut into lines as these become whole.
//!
//! Responsible for lines that a dump splits, and for the sign of their side. Called by the readers of dumps beside it.

use super::super::text::{LineRole, TextLine};
use std::borrow::Cow;

/// What one side sent and what has not become a line yet.
#[derive(Default)]
pub(super) struct Octets {
    mark: char,
    rest: Vec<u8>,
    /// Where in the text the rest stands.
    at: (usize, usize),
}

impl Octets {
    /// Takes what `line` of the dump says that the side with this mark sent.
    pub(super) fn take(&mut self, mark: char, bytes: &[u8], line: &TextLine<'_>, cut: &mut Vec<TextLine<'_>>) {
        if self.mark != mark {
            self.end(cut);
            self.mark = mark;
        }
        self.at = (line.start, line.end);
        self.rest.extend_from_slice(bytes);
        if let Some(last) = memchr::memrchr(b'\n', &self.rest) {
            let rest = self.rest.split_off(last + 1);
            let whole = std::mem::replace(&mut self.rest, rest);
            whole[..last].split(|byte| *byte == b'\n').for_each(|line| cut.push(self.line(line)));
        }
    }

    /// Cuts the last line: the other side speaks, or nothing more comes.
    pub(super) fn end(&mut self, cut: &mut Vec<TextLine<'_>>) {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            cut.push(self.line(&rest));
        }
    }

    fn line<'t>(&self, octets: &[u8]) -> TextLine<'t> {
        let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
        let text = Cow::Owned(format!("{} {}", self.mark, String::from_utf8_lossy(octets)));
        TextLine { start: self.at.0, end: self.at.1, text, role: LineRole::Open }
    }
}

/// `32 32 30 20 68 69 0d 0a   220 hi..`: sixteen octets a line at most, and the same as text.
pub(super) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    const WIDTH: usize = 48;
    let digits = text.get(..text.len().min(WIDTH))?;
    let words: Vec<&str> = digits.split(' ').take_while(|word| !word.is_empty()).collect();
    let bytes: Option<Vec<u8>> = words.iter().map(|word| octet(word)).collect();
    bytes.filter(|bytes| !bytes.is_empty() && text.len() > WIDTH)
}

/// Two hexadecimal digits.
pub(super) fn octet(word: &str) -> Option<u8> {
    u8::from_str_radix(word, 16).ok().filter(|_| word.len() == 2 && !word.starts_with('+'))
}
