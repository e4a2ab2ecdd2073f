//! Words that were probably meant to be others: misspelt ones, and those of other tools.
//!
//! Responsible for one table, which is asked wherever an unknown word gets "did you mean". `decode` asks it for keys and
//! bare words, `check` for filters, functions and tests.

use super::keys;

/// The table. A line: `PLACES: WORDS => HELP`.
const FOREIGN: &str = include_str!("words.txt");

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Top,
    /// A client's step.
    Step,
    /// A server's step.
    Serve,
    Expect,
    Connect,
    Tls,
    Auth,
    Message,
    Data,
    Retry,
    Server,
    Rule,
    Filter,
    Function,
    /// A name in an expression.
    Name,
    /// Any other place.
    Elsewhere,
}

/// Words with one meaning.
struct Row {
    places: &'static str,
    words: &'static str,
    help: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    FOREIGN.lines().filter_map(|line| {
        let (places, rest) = line.split_once(": ").filter(|_| !line.starts_with('#'))?;
        let (words, help) = rest.split_once(" => ")?;
        Some(Row { places, words, help })
    })
}

impl Row {
    fn is_of(&self, place: Where) -> bool {
        self.places.split(' ').any(|one| one == place.name())
    }

    fn holds(&self, word: &str) -> bool {
        self.words.split(' ').any(|one| one == word)
    }
}

impl Where {
    fn name(self) -> &'static str {
        match self {
            Where::Top => "top",
            Where::Step => "step",
            Where::Serve => "serve",
            Where::Expect => "expect",
            Where::Connect => "connect",
            Where::Tls => "tls",
            Where::Auth => "auth",
            Where::Message => "message",
            Where::Data => "data",
            Where::Retry => "retry",
            Where::Server => "server",
            Where::Rule => "rule",
            Where::Filter => "filter",
            Where::Function => "function",
            Where::Name => "name",
            Where::Elsewhere => "elsewhere",
        }
    }
}

/// What `word` is called here, where other tools call it so.
pub(crate) fn foreign(word: &str, place: Where) -> Option<&'static str> {
    let plain = plain(word);
    rows().find(|row| row.is_of(place) && row.holds(&plain)).map(|row| row.help)
}

/// Small letters, with `_` for other joints: `waitFor`, `wait-for` and `wait for` are `wait_for`.
pub(crate) fn plain(word: &str) -> String {
    let mut plain = String::new();
    let mut after_small = false;
    for letter in word.trim().chars() {
        if letter.is_uppercase() && after_small {
            plain.push('_');
        }
        after_small = letter.is_lowercase() || letter.is_ascii_digit();
        plain.extend(if matches!(letter, '-' | ' ' | '.') { '_' } else { letter }.to_lowercase());
    }
    plain
}

/// The word of `known` that `word` was probably meant to be.
pub(crate) fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let nearest = known.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= 1 + word.len() / 4).then_some(nearest)
}

/// The word of `known` that differs by one letter.
pub(crate) fn one_slip<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().find(|one| strsim::damerau_levenshtein(word, one) == 1)
}

/// Help for an unknown word: what other tools mean by it, or the known one that looks like it.
pub(crate) fn help<'a>(word: &str, place: Where, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    sure_help(word, place, &known).map(|help| keys::filled(&help, None)).or_else(|| likely_help(word, place, &known))
}

/// The same where no doubt is left: the word is known by another name, or differs in its letters' case, joints or number alone.
/// `KEY: «EXAMPLE»` in it stands for the value that was written.
pub(crate) fn sure_help(word: &str, place: Where, known: &[&str]) -> Option<String> {
    let near = known.iter().find(|one| plain(one) == plain(word));
    let foreign = if near.is_some() { None } else { foreign(word, place).map(str::to_owned) };
    let counted = || known.iter().find(|one| in_number(&plain(word), one));
    foreign.or_else(|| near.or_else(counted).map(|near| meant(near)))
}

/// The same for a word that looks like another, or has a part that is one: `assert_contains`, `timeout_seconds`.
pub(crate) fn likely_help(word: &str, place: Where, known: &[&str]) -> Option<String> {
    let parts = || if place == Where::Name { None } else { by_parts(word, place, known) };
    similar(word, known.iter().copied()).map(meant).or_else(parts)
}

fn meant(near: &str) -> String {
    format!("did you mean `{near}`?")
}

/// One of two words is the plural of the other.
fn in_number(word: &str, other: &str) -> bool {
    let is_plural = |one: &str, many: &str| many.strip_suffix('s') == Some(one) && one.len() > 2;
    is_plural(word, other) || is_plural(other, word)
}

/// The help for the longest part of a word that has one.
fn by_parts(word: &str, place: Where, known: &[&str]) -> Option<String> {
    let plain = plain(word);
    let parts: Vec<&str> = plain.split('_').filter(|part| part.len() > 2).collect();
    let part = |length: usize| parts.windows(length).rev().map(|window| window.join("_"));
    let all: Vec<String> = (1..parts.len()).rev().flat_map(part).collect();
    let foreign = all.iter().find_map(|part| foreign(part, place)).map(|help| keys::filled(help, None));
    let near = || all.iter().find(|part| known.contains(&part.as_str())).map(|part| meant(part));
    foreign.or_else(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_meaning_in_a_place() {
        let places = FOREIGN.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), places, "a line of the table is not one");
        let mut seen = std::collections::BTreeSet::new();
        for row in rows() {
            for word in row.words.split(' ') {
                assert_eq!(plain(word), word, "the table holds plain words");
                for place in row.places.split(' ') {
                    assert!(seen.insert((place, word)), "{word} stands twice in {place}");
                }
            }
        }
    }

    #[test]
    fn words_in_any_spelling() {
        assert_eq!(foreign("waitFor", Where::Step), Some("to wait, write a step `- sleep: «5s»`"));
        assert_eq!(foreign("Wait-For", Where::Step), Some("to wait, write a step `- sleep: «5s»`"));
        assert_eq!(help("Send", Where::Step, ["send", "sleep"]).as_deref(), Some("did you mean `send`?"));
        assert_eq!(help("qqqqqqqq", Where::Step, ["send"]), None);
    }
}
