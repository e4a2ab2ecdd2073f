//! Characters that look like those of the language and are others: blanks, quotes, dashes, punctuation.
//!
//! Responsible for naming them. Asked where YAML or a key is not understood, and where such a character begins a text.

/// A character that stands for another, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lookalike {
    /// Its offset in the text.
    pub(crate) at: usize,
    pub(crate) found: char,
    name: &'static str,
    /// What is written instead; nothing for one that is left out.
    write: &'static str,
}

/// The characters, with a name and what is meant.
const LOOKALIKES: &[(&str, &str, &str)] = &[
    ("\u{a0}\u{202f}\u{2007}", "a no-break space", "blank"),
    (
        "\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2008}\u{2009}\u{200a}\u{205f}\u{3000}",
        "a blank of another width",
        "blank",
    ),
    ("\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{180e}\u{ad}\u{200e}\u{200f}", "a character that cannot be seen", ""),
    ("\u{2028}\u{2029}\u{85}\u{b}\u{c}", "a line end of another kind", "line end"),
    ("“”„‟″«»〝〞＂", "a typographic quote", "\""),
    ("‘’‚‛′‹›´＇", "a typographic quote", "'"),
    ("‐‑‒–—―−﹣－•‣·◦▪●*", "a dash or a bullet", "-"),
    ("：﹕∶꞉︰", "a colon of another kind", ":"),
    ("，、﹐", "a comma of another kind", ","),
    ("＜‹〈≪《", "a bracket of another kind", "<"),
    ("＞›〉≫》", "a bracket of another kind", ">"),
    ("［【", "a bracket of another kind", "["),
    ("］】", "a bracket of another kind", "]"),
    ("｛", "a bracket of another kind", "{"),
    ("｝", "a bracket of another kind", "}"),
    ("＾ˆ", "a circumflex of another kind", "^"),
    ("．。․", "a full stop of another kind", "."),
    ("＠", "an at sign of another kind", "@"),
    ("＃", "a number sign of another kind", "#"),
    ("аАɑα", "a letter of another alphabet", "a"),
    ("еЕ", "a letter of another alphabet", "e"),
    ("оОοΟ", "a letter of another alphabet", "o"),
    ("рР", "a letter of another alphabet", "p"),
    ("сС", "a letter of another alphabet", "c"),
    ("хХ", "a letter of another alphabet", "x"),
    ("уУ", "a letter of another alphabet", "y"),
    ("іІ", "a letter of another alphabet", "i"),
    ("ѕЅ", "a letter of another alphabet", "s"),
    ("ԁ", "a letter of another alphabet", "d"),
    ("тТ", "a letter of another alphabet", "t"),
];

impl Lookalike {
    /// The first one of a text, whatever it is; `*` counts only as a bullet, and is none here.
    pub(crate) fn first(text: &str) -> Option<Lookalike> {
        text.char_indices().filter(|(_, found)| *found != '*').find_map(|(at, found)| Lookalike::of(at, found))
    }

    /// The first blank of another kind, or a character that cannot be seen.
    pub(crate) fn first_blank(text: &str) -> Option<Lookalike> {
        let mut all = text.char_indices().filter_map(|(at, found)| Lookalike::of(at, found));
        all.find(|one| one.write == "blank" || one.write.is_empty())
    }

    /// A typographic quote that a text begins with.
    pub(crate) fn opening_quote(text: &str) -> Option<Lookalike> {
        let first = Lookalike::of(0, text.chars().next()?)?;
        matches!(first.write, "\"" | "'").then_some(first)
    }

    /// The same, further on in a text.
    pub(crate) fn moved(self, by: usize) -> Lookalike {
        Lookalike { at: self.at + by, ..self }
    }

    fn of(at: usize, found: char) -> Option<Lookalike> {
        // Of ASCII there are few, and every character of every text is asked about.
        if found.is_ascii() && !matches!(found, '*' | '\u{b}' | '\u{c}') {
            return None;
        }
        if let Some(row) = LOOKALIKES.iter().find(|(characters, _, _)| characters.contains(found)) {
            return Some(Lookalike { at, found, name: row.1, write: row.2 });
        }
        let full_width = ('\u{ff01}'..='\u{ff5e}').contains(&found);
        full_width.then_some(Lookalike { at, found, name: "a full-width character", write: "its ASCII form" })
    }

    /// `U+00A0, a no-break space`.
    pub(crate) fn described(&self) -> String {
        let shown = if self.write == "blank" || self.write.is_empty() || self.write == "line end" {
            String::new()
        } else {
            format!("`{}` is ", self.found)
        };
        format!("{shown}U+{:04X}, {}", u32::from(self.found), self.name)
    }

    /// `U+201C, a typographic quote,` within a sentence.
    pub(crate) fn named(&self) -> String {
        format!("U+{:04X}, {},", u32::from(self.found), self.name)
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> String {
        match self.write {
            "" => "remove it".to_owned(),
            "blank" => "write an ordinary blank".to_owned(),
            "line end" => "write an ordinary line end".to_owned(),
            "its ASCII form" => "write its ASCII form".to_owned(),
            "\"" | "'" => "write `'`, or leave the quotes out".to_owned(),
            other => format!("write `{other}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookalikes_are_named() {
        for (text, described, advice) in [
            ("\u{a0}\u{a0}- send", "U+00A0, a no-break space", "write an ordinary blank"),
            ("send：x", "`：` is U+FF1A, a colon of another kind", "write `:`"),
            ("“^250”", "`“` is U+201C, a typographic quote", "write `'`, or leave the quotes out"),
            ("– send", "`–` is U+2013, a dash or a bullet", "write `-`"),
            ("２５０", "`２` is U+FF12, a full-width character", "write its ASCII form"),
            ("s\u{200b}end", "U+200B, a character that cannot be seen", "remove it"),
        ] {
            let found = Lookalike::first(text).unwrap();
            assert_eq!((found.described().as_str(), found.advice().as_str()), (described, advice), "{text}");
        }
        assert_eq!(Lookalike::first("send: größe"), None);
    }
}
