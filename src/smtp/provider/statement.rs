//! What somebody says about a reply: the signs by which the reply is known, what is meant by it, what usually helps, and
//! the public page that says so.
//!
//! Responsible for the form of a statement and for whether it fits a reply or a question. Not for the statements (the files
//! beside this one). Called by `provider` and `explanation`.

use super::phrase::Words;
use crate::smtp::provider::Situation;
use crate::smtp::status::EnhancedStatusCode;
use crate::smtp::{enhanced_status, reply_code};

/// A public page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderPage {
    /// Its title, or the name of the document.
    pub title: &'static str,
    /// Where it is.
    pub url: &'static str,
}

/// The reply codes that a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeSigns {
    /// These.
    Are(&'static [u16]),
    /// Those that begin with one of these digits: the page names enhanced status codes only.
    Begin(&'static [u8]),
}

/// One statement. It is about the replies for which each sign holds; a sign that is empty always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The reply codes.
    pub codes: CodeSigns,
    /// Subject and detail of the enhanced status code.
    pub enhanced: &'static [(u16, u16)],
    /// A subject and the first and last of a range of details.
    pub range: Option<(u16, u16, u16)>,
    /// The commands that are replied to; an empty one is the connection itself, whose reply is the greeting.
    pub verbs: &'static [&'static str],
    /// Phrases of the reply's text, of which one is there; `a & b` needs both.
    pub text: &'static [&'static str],
    /// Phrases of which none is there.
    pub unless: &'static [&'static str],
    /// Whether the command must lack the angle brackets of a path.
    pub bare_path: bool,
    /// What is meant; may be empty.
    pub means: &'static str,
    /// What usually helps; may be empty.
    pub help: &'static str,
    /// The same in the words of a scenario, where they differ.
    pub in_scenario: &'static str,
    /// Whether it only says more plainly what the reply says: whoever watched the session has no use for it.
    pub is_plain: bool,
    /// Whether it is said only where no other cause is known.
    pub is_last: bool,
    /// Subject and detail of the enhanced status codes that say as much by themselves.
    pub needless_with: &'static [(u16, u16)],
    /// A reply that it is about.
    pub example: &'static str,
    /// Where that is written.
    pub source: ProviderPage,
}

/// A situation as statements are compared with it.
pub(super) struct Known<'a> {
    situation: &'a Situation<'a>,
    words: Words,
}

/// By what a statement fits, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    /// By the codes as far as they are known: more would have to be known to be sure.
    Listed,
    /// By the reply code, and perhaps the command.
    Code,
    /// By the enhanced status code.
    Enhanced,
    /// By the words of the reply.
    Words,
}

impl<'a> Known<'a> {
    pub(super) fn of(situation: &'a Situation<'a>) -> Self {
        Self { situation, words: Words::of(situation.text) }
    }

    /// Whether more than codes is known.
    pub(super) fn has_text(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether codes are all that is known.
    pub(super) fn is_bare(&self) -> bool {
        self.words.is_empty() && self.situation.command.is_none()
    }

    /// Whether the enhanced status code is one of these.
    pub(super) fn says_by_itself(&self, codes: &[(u16, u16)]) -> bool {
        self.situation.enhanced.is_some_and(|it| codes.contains(&(it.subject, it.detail)))
    }

    /// Whether the enhanced status code is none that is registered.
    pub(super) fn has_own_code(&self) -> bool {
        self.situation.enhanced.is_some_and(|it| enhanced_status::find(it).is_none())
    }

    /// Whether the reply refuses something.
    pub(super) fn is_refusal(&self) -> bool {
        let class = self.situation.code.map(|code| code / 100).or(self.situation.enhanced.map(|it| it.class.into()));
        matches!(class, Some(4 | 5))
    }
}

impl CodeSigns {
    /// Whether it is about this reply code.
    #[must_use]
    pub fn contains(self, code: u16) -> bool {
        match self {
            CodeSigns::Are(codes) => codes.contains(&code),
            CodeSigns::Begin(digits) => digits.iter().any(|digit| u16::from(*digit) == code / 100),
        }
    }

    /// Whether some of its reply codes begin with this digit.
    fn begins_with(self, digit: u8) -> bool {
        match self {
            CodeSigns::Are(codes) => codes.iter().any(|code| code / 100 == u16::from(digit)),
            CodeSigns::Begin(digits) => digits.contains(&digit),
        }
    }
}

impl Statement {
    pub(super) const fn on(codes: &'static [u16], source: ProviderPage) -> Self {
        Self::with(CodeSigns::Are(codes), source)
    }

    pub(super) const fn on_class(digits: &'static [u8], source: ProviderPage) -> Self {
        Self::with(CodeSigns::Begin(digits), source)
    }

    const fn with(codes: CodeSigns, source: ProviderPage) -> Self {
        Self {
            codes,
            enhanced: &[],
            range: None,
            verbs: &[],
            text: &[],
            unless: &[],
            bare_path: false,
            means: "",
            help: "",
            in_scenario: "",
            is_plain: false,
            is_last: false,
            needless_with: &[],
            example: "",
            source,
        }
    }

    pub(super) const fn enhanced(self, enhanced: &'static [(u16, u16)]) -> Self {
        Self { enhanced, ..self }
    }

    pub(super) const fn range(self, subject: u16, first: u16, last: u16) -> Self {
        Self { range: Some((subject, first, last)), ..self }
    }

    pub(super) const fn verbs(self, verbs: &'static [&'static str]) -> Self {
        Self { verbs, ..self }
    }

    pub(super) const fn text(self, text: &'static [&'static str]) -> Self {
        Self { text, ..self }
    }

    pub(super) const fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    pub(super) const fn bare_path(self) -> Self {
        Self { bare_path: true, ..self }
    }

    pub(super) const fn means(self, means: &'static str) -> Self {
        Self { means, ..self }
    }

    pub(super) const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    pub(super) const fn in_scenario(self, in_scenario: &'static str) -> Self {
        Self { in_scenario, ..self }
    }

    pub(super) const fn plain(self) -> Self {
        Self { is_plain: true, ..self }
    }

    pub(super) const fn last(self) -> Self {
        Self { is_last: true, ..self }
    }

    pub(super) const fn needless_with(self, needless_with: &'static [(u16, u16)]) -> Self {
        Self { needless_with, ..self }
    }

    pub(super) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// Whether an enhanced status code says it.
    #[must_use]
    pub fn names_enhanced(&self) -> bool {
        !self.enhanced.is_empty() || self.range.is_some()
    }

    /// Its phrases that stand in a text, as people read them; the first few where the text holds none.
    #[must_use]
    pub fn phrases(&self, text: &[u8]) -> Vec<String> {
        const FEW: usize = 3;
        let words = Words::of(text);
        let there: Vec<&str> = self.text.iter().copied().filter(|it| words.have_one_of(&[it])).collect();
        let shown = if there.is_empty() { self.text } else { &there };
        shown.iter().take(FEW).map(|phrase| phrase.replace('|', "").replace(" & ", " … ")).collect()
    }

    /// By what it fits; `None` if it is about another reply. What is not known speaks against nothing, but a statement about
    /// one command, or by words, fits no reply of which the other is known and says nothing of it.
    pub(super) fn sign(&self, known: &Known<'_>) -> Option<Sign> {
        let by_words = !self.text.is_empty() && known.has_text();
        let has_words = by_words && known.words.have_one_of(self.text) && !known.words.have_one_of(self.unless);
        if by_words && !has_words || !self.fits_command(known, has_words) {
            return None;
        }
        let by_codes = self.fits_codes(known, has_words)?;
        match (self.text.is_empty(), has_words) {
            (true, _) => Some(by_codes),
            (false, true) => Some(Sign::Words),
            (false, false) => Some(Sign::Listed),
        }
    }

    /// Whether its command is the one that is known, or needs not be.
    fn fits_command(&self, known: &Known<'_>, has_words: bool) -> bool {
        if self.verbs.is_empty() && !self.bare_path {
            return true;
        }
        let Some(command) = known.situation.command else { return has_words || known.is_bare() && !self.bare_path };
        let verb = command.split_ascii_whitespace().next().unwrap_or_default();
        let is_of_verb = self.verbs.is_empty() || self.verbs.iter().any(|it| it.eq_ignore_ascii_case(verb));
        is_of_verb && (!self.bare_path || has_bare_path(command))
    }

    fn fits_codes(&self, known: &Known<'_>, has_words: bool) -> Option<Sign> {
        let (code, enhanced) = (known.situation.code, known.situation.enhanced);
        if code.is_some_and(|code| !self.codes.contains(code)) {
            return None;
        }
        match (code, enhanced) {
            (_, Some(enhanced)) if self.names_enhanced() => self.has_enhanced(enhanced).then_some(Sign::Enhanced),
            (None, Some(enhanced)) => {
                let fits = self.codes.begins_with(enhanced.class);
                let usual = self.verbs.is_empty() && self.usually_comes_with(enhanced);
                (fits && (has_words || usual)).then_some(if has_words { Sign::Words } else { Sign::Listed })
            }
            (Some(_), None) if self.names_enhanced() => known.is_bare().then_some(Sign::Listed),
            // A whole class tells little of a code that nobody has defined, or of one whose text is not known.
            (Some(code), _) if matches!(self.codes, CodeSigns::Begin(_)) && !has_words => {
                let is_known = reply_code::find(code).is_some();
                (is_known && known.is_bare() && self.names_enhanced()).then_some(Sign::Listed)
            }
            (Some(_), _) => Some(Sign::Code),
            (None, None) => None,
        }
    }

    /// Whether the registry names its reply codes beside the enhanced status code.
    fn usually_comes_with(&self, enhanced: EnhancedStatusCode) -> bool {
        let registered = enhanced_status::find(enhanced).filter(|_| enhanced.detail != 0);
        match (self.codes, registered) {
            (CodeSigns::Are(codes), Some(entry)) => codes.iter().all(|code| entry.reply_codes.contains(code)),
            _ => false,
        }
    }

    fn has_enhanced(&self, code: EnhancedStatusCode) -> bool {
        let in_range = |(subject, first, last)| code.subject == subject && (first..=last).contains(&code.detail);
        self.codes.begins_with(code.class)
            && (self.enhanced.contains(&(code.subject, code.detail)) || self.range.is_some_and(in_range))
    }
}

/// Whether the command names a path and does so without `<` and `>`.
fn has_bare_path(command: &str) -> bool {
    command.split_once(':').is_some_and(|(_, path)| !path.trim().is_empty() && !path.contains('<'))
}
