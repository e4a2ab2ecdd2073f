//! Words that are looked for in text.
//!
//! Responsible for when a phrase stands in a text. Called by `statement` and `evidence`.

/// A text as it is searched: in lower case, with one blank wherever it was folded, and one at both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(String);

impl Words {
    pub(super) fn of(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text).to_lowercase().replace(['\u{2019}', '\u{2018}'], "'");
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() { Self::default() } else { Self(format!(" {} ", words.join(" "))) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same without these parts.
    pub(super) fn without(&self, parts: &[std::ops::Range<usize>]) -> Self {
        let mut kept = String::new();
        let mut from = 0;
        for part in parts {
            kept.push_str(&self.0[from..part.start]);
            from = part.end;
        }
        kept.push_str(&self.0[from..]);
        Self(kept)
    }

    /// Whether one of the phrases stands in the text.
    pub(super) fn have_one_of(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.have(phrase))
    }

    /// Whether a phrase stands in the text, in lower case: at the start of a word if it begins with a letter or digit, and at
    /// the end of one if it ends with `|`. Of a phrase with ` & ` in it each part must stand there.
    fn have(&self, phrase: &str) -> bool {
        phrase.split(" & ").all(|part| self.have_part(part))
    }

    fn have_part(&self, part: &str) -> bool {
        let (part, whole) = part.strip_suffix('|').map_or((part, false), |part| (part, true));
        let bytes = self.0.as_bytes();
        let starts_with_letter = part.starts_with(|c: char| c.is_ascii_alphanumeric());
        self.0.match_indices(part).any(|(at, _)| {
            let is_letter = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
            let starts = !starts_with_letter || !is_letter(at.checked_sub(1));
            starts && !(whole && is_letter(Some(at + part.len())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_words() {
        let words = Words::of(b"Client  host\r\n rejected: can\xe2\x80\x99t find your hostname (SPF)");
        for phrase in ["client host rejected", "can't find", "spf|", "host", "(spf)", "client & spf"] {
            assert!(words.have_one_of(&[phrase]), "{phrase}");
        }
        for phrase in ["lient", "spf fail", "hos|", "client & dkim", ""] {
            assert!(phrase.is_empty() || !words.have_one_of(&[phrase]), "{phrase}");
        }
        assert!(Words::of(b"  ").is_empty());
    }
}
