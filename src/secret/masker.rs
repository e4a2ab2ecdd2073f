//! Finds secrets in text from outside and hides them.
//!
//! A server may echo what it was sent: whole, cut short, split over lines, in an encoding or with escapes. Responsible for
//! finding all of these in bytes that are about to be shown; what smtp-script itself sends is shown as it was written
//! and does not depend on this search. Our own fixed text is never searched.
//!
//! `forms` is what is looked for, `view` and `escapes` bring a text into one spelling, `seeds` finds what both have in
//! common, `stretch` says whether that is an echo, and `proof` hides what helps to guess.

use super::escapes;
use super::forms::{Form, forms_of};
use super::proof::{may_prove, without_proof};
use super::seeds::Seeds;
use super::stretch::Found;
use super::view::{Text, View, whole, without_code, without_plus, without_quotes, without_signs};
use crate::scenario::{Secret, Variables};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// Secrets shorter than this are found everywhere by chance, and are not searched for.
const SHORTEST: usize = 4;
/// Shorter secrets than this are looked for as whole words; so are some longer ones, which few words are.
const SHORT: usize = 6;

/// How many credentials, and how many octets of secrets, are looked for in every form. Those beyond are looked for as they
/// are, as words: a client may send any number of them.
const MOST_CREDENTIALS: usize = 100;
const MOST_OCTETS: usize = 64 * 1024;
/// How many octets of these words are looked for.
const MOST_WORDS: usize = 4 * 1024 * 1024;

/// Hides the secrets of one run.
#[derive(Clone, Default)]
pub(crate) struct Masker {
    /// What is looked for with all signs.
    signs: Looked,
    /// What is looked for among letters and digits alone.
    letters: Looked,
    /// The names of the secrets.
    names: Vec<String>,
    /// The secrets themselves, for a masker that knows more.
    secrets: BTreeMap<String, Secret>,
    /// Secrets that are not searched for, or as whole words only.
    too_short: Vec<TooShort>,
    /// Credentials that are looked for as words: shared, since each login adds to them.
    words: Words,
}

/// Words that are hidden as they stand.
#[derive(Clone, Default)]
struct Words(Arc<RwLock<(HashSet<String>, usize)>>);

impl Words {
    fn add(&self, word: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.1 + word.len() <= MOST_WORDS && known.0.insert(word.to_owned()) {
            known.1 += word.len();
        }
    }

    fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let ends = |octet: &u8| octet.is_ascii_whitespace() || b"\"'<>()[]{},;`$^".contains(octet);
        let mut start = 0;
        for word in text.split(ends) {
            let place = start..start + word.len();
            start += word.len() + 1;
            let word = std::str::from_utf8(word).unwrap_or_default();
            let cut = word.trim_end_matches(['.', ':', '!', '?']);
            if known.0.contains(word) {
                found(place);
            } else if known.0.contains(cut) {
                found(place.start..place.start + cut.len());
            }
        }
    }
}

/// A secret that is so short that an echo of it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TooShort {
    name: String,
    /// Whether it is found where it stands as a word.
    as_word: bool,
}

impl fmt::Display for TooShort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how =
            if self.as_word { "is so short that only the whole word is hidden" } else { "is too short to be hidden" };
        write!(formatter, "the secret `{}` {how} in what the server sends", self.name)
    }
}

/// Forms that are looked for in one kind of view.
#[derive(Clone, Default)]
struct Looked {
    seeds: Seeds,
    /// For each form the place of its secret's name.
    forms: Vec<(Form, usize)>,
}

impl Looked {
    fn new(forms: Vec<(Form, usize)>) -> Looked {
        Looked { seeds: Seeds::new(forms.iter().map(|(form, _)| form.octets.clone()).collect()), forms }
    }

    fn find(&self, text: &Text<'_>, view: &View, found: &mut dyn FnMut(Range<usize>, usize)) {
        self.seeds.find(&view.bytes, |stretch| {
            let Some((form, name)) = self.forms.get(stretch.form) else { return };
            let range = view.place(&stretch.in_text);
            if (Found { text, view, form, stretch }).is_echo() {
                found(range, *name);
            }
        });
    }
}

impl Masker {
    /// Prepares the forms of all secrets.
    pub(crate) fn new(secrets: &BTreeMap<String, Secret>) -> Masker {
        let mut masker = Masker::default();
        let (mut signs, mut letters) = (Vec::new(), Vec::new());
        for (index, (name, secret)) in secrets.iter().enumerate() {
            let length = secret.expose().chars().count();
            masker.names.push(name.clone());
            if length < SHORT {
                masker.too_short.push(TooShort { name: name.clone(), as_word: length >= SHORTEST });
            }
            if length >= SHORTEST {
                let (with_signs, without) = forms_of(secret.expose());
                signs.extend(with_signs.into_iter().map(|form| (form, index)));
                letters.extend(without.into_iter().map(|form| (form, index)));
            }
        }
        masker.signs = Looked::new(signs);
        masker.letters = Looked::new(letters);
        masker.secrets.clone_from(secrets);
        masker
    }

    /// One that looks for all secrets of a run, and for credentials that the file spells out.
    pub(crate) fn of(variables: &Variables) -> Masker {
        let all = variables.secrets.iter().chain(&variables.besides);
        let mut masker = Masker::new(&all.map(|(name, secret)| (name.clone(), secret.clone())).collect());
        masker.too_short.retain(|short| variables.secrets.contains_key(&short.name));
        masker.with_credentials(&variables.typed).unwrap_or(masker)
    }

    /// One that looks for these credentials of a login as well; `None` where it knows all of them.
    pub(crate) fn with_credentials(&self, credentials: &[String]) -> Option<Masker> {
        let mut secrets = self.secrets.clone();
        let mut known: HashSet<String> = secrets.values().map(|secret| secret.expose().to_owned()).collect();
        let mut room = MOST_OCTETS.saturating_sub(known.iter().map(String::len).sum());
        let mut names = std::iter::once("response".to_owned()).chain((2..).map(|number| format!("response_{number}")));
        for credential in credentials.iter().filter(|credential| known.insert((*credential).clone())) {
            if credential.len() > room || secrets.len() >= MOST_CREDENTIALS {
                self.words.add(credential);
                continue;
            }
            room -= credential.len();
            let free = names.find(|name| !secrets.contains_key(name));
            secrets.extend(free.map(|name| (name, Secret::new(credential.as_str()))));
        }
        let (too_short, words) = (self.too_short.clone(), self.words.clone());
        (secrets.len() > self.secrets.len() || (self.is_idle() && !words.is_empty())).then(|| Masker {
            too_short,
            words,
            ..Masker::new(&secrets)
        })
    }

    /// Looks for one credential more, as a word and in no other form.
    pub(crate) fn add_word(&self, credential: &str) {
        self.words.add(credential);
    }

    /// One that looks for the words of another as well.
    pub(crate) fn with_words_of(self, other: &Masker) -> Masker {
        Masker { words: other.words.clone(), ..self }
    }

    /// The names by which secrets and credentials are shown, with their values.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose()))
    }

    /// The secrets that are so short that an echo of them may be shown.
    pub(crate) fn too_short(&self) -> &[TooShort] {
        &self.too_short
    }

    /// Whether something in `bytes` would be masked, also where line ends cut it.
    pub(crate) fn finds(&self, bytes: &[u8]) -> bool {
        let mut any = false;
        self.search(&Text { bytes }, &mut |_, _| any = true);
        any
    }

    /// `bytes` with each secret replaced by `<<name>>`, also where line ends cut it.
    pub(crate) fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        let mut masked = Cow::Borrowed(bytes);
        if !self.is_idle() {
            let mut hidden = Vec::new();
            let text = Text { bytes };
            self.search(&text, &mut |range, name| hidden.extend(lines_of(bytes, range).map(|range| (range, name))));
            masked = Cow::Owned(self.replaced(bytes, hidden));
        }
        if !may_prove(&masked) {
            return masked.into_owned();
        }
        let lines = masked.split(|byte| *byte == b'\n').map(without_proof);
        lines.collect::<Vec<_>>().join(&b'\n')
    }

    /// The same for a text of our own that quotes something from outside.
    pub(crate) fn mask_text(&self, text: &str) -> String {
        String::from_utf8(self.mask(text.as_bytes()))
            .unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned())
    }

    /// The same with a star for each octet of a secret, where there is one: offsets into the text stay true.
    pub(crate) fn blotted(&self, text: &str) -> Option<String> {
        let mut octets = text.as_bytes().to_vec();
        self.search(&Text { bytes: text.as_bytes() }, &mut |range, _| {
            lines_of(text.as_bytes(), range).for_each(|part| octets[part].fill(b'*'));
        });
        String::from_utf8(octets).ok().filter(|blotted| blotted != text)
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_idle(&self) -> bool {
        self.signs.forms.is_empty() && self.words.is_empty()
    }

    /// Masks each line; a secret that goes on in the next line, after a reply code or not, is found as well.
    pub(crate) fn mask_lines(&self, lines: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut masked = Vec::with_capacity(lines.len());
        self.each_line(lines.iter().copied(), |line| masked.push(line.to_vec()));
        masked
    }

    /// The same, line by line: where there is no secret nothing is copied.
    pub(crate) fn each_line<'l>(&self, lines: impl Iterator<Item = &'l [u8]>, mut take: impl FnMut(&[u8])) {
        if self.is_idle() {
            return lines.for_each(|line| take(&without_proof(line)));
        }
        let lines: Vec<&[u8]> = lines.collect();
        if !lines.is_empty() {
            self.mask(&lines.join(&b'\n')).split(|byte| *byte == b'\n').for_each(take);
        }
    }

    fn search(&self, text: &Text<'_>, found: &mut dyn FnMut(Range<usize>, usize)) {
        if self.is_idle() {
            return;
        }
        if !self.words.is_empty() {
            let name = self.names.iter().position(|name| name == "response").unwrap_or(self.names.len());
            self.words.find(text.bytes, &mut |range| found(range, name));
        }
        let mut views = vec![View::joined(text, if text.is_one_line() { whole } else { without_code })];
        if !text.is_one_line() {
            views.extend([without_quotes, without_signs, without_plus].map(|skip| View::joined(text, skip)));
            views.dedup_by(|one, other| one.bytes == other.bytes);
        }
        for raw in views {
            for family in escapes::used(&raw) {
                let undone = escapes::undone(&raw, family);
                // What is escaped twice: JSON in HTML.
                for inner in escapes::used(&undone) {
                    self.search_view(text, escapes::undone(&undone, inner), found);
                }
                self.search_view(text, undone, found);
            }
            self.search_view(text, raw, found);
        }
    }

    fn search_view(&self, text: &Text<'_>, raw: View, found: &mut dyn FnMut(Range<usize>, usize)) {
        let folded = raw.folded();
        self.signs.find(text, &folded, found);
        self.letters.find(text, &folded.squeezed(), found);
    }

    fn replaced(&self, bytes: &[u8], mut hidden: Vec<(Range<usize>, usize)>) -> Vec<u8> {
        hidden.sort_by_key(|(range, name)| (range.start, std::cmp::Reverse(range.end), *name));
        let mut masked = Vec::with_capacity(bytes.len());
        let mut shown_to = 0;
        for (range, name) in hidden {
            if range.start >= shown_to {
                masked.extend_from_slice(&bytes[shown_to..range.start]);
                let name = self.names.get(name).map_or("response", String::as_str);
                masked.extend_from_slice(format!("<<{name}>>").as_bytes());
            }
            shown_to = shown_to.max(range.end);
        }
        masked.extend_from_slice(&bytes[shown_to..]);
        masked
    }
}

/// A range of a text, line by line, without the codes of reply lines at which it goes on.
fn lines_of(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut next = range.start;
    bytes[range.clone()].split(|byte| *byte == b'\n').filter_map(move |line| {
        let start = next;
        next += line.len() + 1;
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        let skipped = if start == range.start { 0 } else { without_code(content).start };
        (skipped < content.len()).then(|| start + skipped..start + content.len())
    })
}

impl fmt::Debug for Masker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Masker({} secrets)", self.names.len())
    }
}

#[cfg(test)]
mod tests;
