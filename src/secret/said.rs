//! The words that servers say anyway, whatever the secrets are.
//!
//! Responsible for telling them from parts of a secret. Called by `stretch`; the words are in `said.txt`.

use super::view::View;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

static WORDS: LazyLock<HashSet<&'static [u8]>> = LazyLock::new(|| {
    let lines = include_str!("said.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_ascii_whitespace).map(str::as_bytes).collect()
});

const ENDINGS: [&[u8]; 14] =
    [b"s", b"es", b"d", b"ed", b"ing", b"ly", b"er", b"ers", b"or", b"ors", b"ion", b"ions", b"able", b"ment"];
const BEGINNINGS: [&[u8]; 5] = [b"un", b"re", b"in", b"non", b"mis"];

/// Whether servers say a word, in small letters: as it stands in the list, or in another form.
pub(super) fn is_said(word: &[u8]) -> bool {
    let rest = BEGINNINGS.iter().filter_map(|beginning| word.strip_prefix(*beginning));
    rest.chain([word]).any(|word| {
        let stems = ENDINGS.iter().filter_map(|ending| word.strip_suffix(*ending));
        stems.chain([word]).any(|stem| WORDS.contains(stem))
    })
}

/// Whether one of the longer words holds these letters.
pub(super) fn holds(part: &[u8]) -> bool {
    let long = WORDS.iter().filter(|word| word.len() >= 8);
    long.into_iter().any(|word| word.windows(part.len()).any(|window| window == part))
}

/// The words of a view, in places of it.
pub(super) struct SaidWords<'v> {
    pub(super) view: &'v View,
}

impl SaidWords<'_> {
    /// The word that the letter at a place belongs to, with whether servers say it. It ends where a line does.
    pub(super) fn around(&self, at: usize) -> Option<(Range<usize>, bool)> {
        let (octets, spots) = (&self.view.bytes, &self.view.spots);
        let is_letter = |at: usize| octets.get(at).is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
        // Several octets of a view may come from one place.
        let joined = |at: usize| at > 0 && at < spots.len() && spots[at].from <= spots[at - 1].to;
        if !is_letter(at) {
            return None;
        }
        let before =
            (1..LONGEST).take_while(|back| at >= *back && joined(at + 1 - back) && is_letter(at - back)).count();
        let after = (1..LONGEST).take_while(|on| joined(at + on) && is_letter(at + on)).count();
        let word = at - before..at + after + 1;
        Some((word.clone(), is_said(&octets[word])))
    }

    /// How many letters and digits of a range stand in words that servers do not say.
    pub(super) fn unsaid(&self, range: Range<usize>) -> usize {
        let mut unsaid = 0;
        let mut at = range.start;
        while at < range.end {
            let (end, counts) = match self.around(at) {
                Some((word, is_said)) => {
                    let end = word.end.min(range.end);
                    // A part of a long word, where the text was joined or an escape was seen.
                    (end, !is_said && (end - at < 6 || !holds(&self.view.bytes[at..end])))
                }
                None => (at + 1, self.view.bytes[at].is_ascii_digit()),
            };
            unsaid += if counts { end - at } else { 0 };
            at = end;
        }
        unsaid
    }
}

/// No word is longer: a text may be one of a megabyte.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::view::{Text, without_code};
    use super::*;

    #[test]
    fn words_have_forms() {
        for word in ["password", "passwords", "unauthenticated", "failing", "rejected", "differently", "relayed"] {
            assert!(is_said(word.as_bytes()), "{word}");
        }
        for word in ["battery", "horse", "hunter", "swordfish", ""] {
            assert!(!is_said(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn a_word_counts_as_it_stands_in_the_text() {
        let counted = |text: &str, range| SaidWords { view: &View::of(text.as_bytes()) }.unsaid(range);
        assert_eq!(counted("wrong password, or user", 6..14), 0);
        assert_eq!(counted("a differently said word", 2..11), 0);
        assert_eq!(counted("password12 is wrong", 0..10), 2);
        assert_eq!(counted("correct horse", 0..13), 5);
        assert_eq!(counted("horse", 2..5), 3);
    }

    #[test]
    fn a_line_ends_a_word() {
        let text = Text { bytes: b"250-wrong\r\n250 password" };
        let view = View::joined(&text, without_code);
        assert_eq!(SaidWords { view: &view }.around(7), Some((5..13, true)));
    }
}
