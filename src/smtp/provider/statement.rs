//! What somebody says about a reply: the signs by which the reply is known, what is meant by it, what usually helps, and
//! the public page that says so.
//!
//! Responsible for the form of a statement and for whether it fits a reply or a question. Not for the statements (the files
//! beside this one). Called by `provider` and `explanation`.

use crate::smtp::enhanced_status;
use crate::smtp::provider::Situation;
use crate::smtp::status::EnhancedStatusCode;

/// A public page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its title, or the name of the document.
    pub title: &'static str,
    /// Where it is.
    pub url: &'static str,
}

/// The reply codes that a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// These.
    Are(&'static [u16]),
    /// Those that begin with one of these digits: the page names enhanced status codes only.
    Begin(&'static [u8]),
}

/// One statement. It is about the replies for which each sign holds; a sign that is empty always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The reply codes.
    pub codes: Codes,
    /// Subject and detail of the enhanced status code.
    pub enhanced: &'static [(u16, u16)],
    /// A subject and the first and last of a range of details.
    pub range: Option<(u16, u16, u16)>,
    /// The commands that are replied to; an empty one is the connection itself, whose reply is the greeting.
    pub verbs: &'static [&'static str],
    /// Parts of the reply's text, of which one is there.
    pub text: &'static [&'static str],
    /// Whether the command must lack the angle brackets of a path.
    pub bare_path: bool,
    /// What is meant; may be empty.
    pub means: &'static str,
    /// What usually helps; may be empty.
    pub help: &'static str,
    /// Where that is written.
    pub source: Source,
}

/// What is asked about: as much of a reply as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known<'a> {
    /// The reply code.
    pub code: Option<u16>,
    /// The enhanced status code.
    pub enhanced: Option<EnhancedStatusCode>,
    /// The text behind the codes; empty where it is not known.
    pub text: &'a [u8],
}

impl Codes {
    /// Whether it is about this reply code.
    #[must_use]
    pub fn contains(self, code: u16) -> bool {
        match self {
            Codes::Are(codes) => codes.contains(&code),
            Codes::Begin(digits) => digits.iter().any(|digit| u16::from(*digit) == code / 100),
        }
    }

    /// Whether some of its reply codes begin with this digit.
    fn begins_with(self, digit: u8) -> bool {
        match self {
            Codes::Are(codes) => codes.iter().any(|code| code / 100 == u16::from(digit)),
            Codes::Begin(digits) => digits.contains(&digit),
        }
    }
}

impl Statement {
    pub(super) const fn on(codes: &'static [u16], source: Source) -> Self {
        Self::with(Codes::Are(codes), source)
    }

    pub(super) const fn on_class(digits: &'static [u8], source: Source) -> Self {
        Self::with(Codes::Begin(digits), source)
    }

    const fn with(codes: Codes, source: Source) -> Self {
        Self { codes, enhanced: &[], range: None, verbs: &[], text: &[], bare_path: false, means: "", help: "", source }
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

    pub(super) const fn bare_path(self) -> Self {
        Self { bare_path: true, ..self }
    }

    pub(super) const fn means(self, means: &'static str) -> Self {
        Self { means, ..self }
    }

    pub(super) const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// Whether it is told by an enhanced status code.
    #[must_use]
    pub fn names_enhanced(&self) -> bool {
        !self.enhanced.is_empty() || self.range.is_some()
    }

    /// Whether it is about the reply of a situation, of which everything is known.
    pub(super) fn applies(&self, situation: &Situation<'_>) -> bool {
        let verb = situation.command.split_ascii_whitespace().next().unwrap_or_default();
        self.codes.contains(situation.code)
            && (!self.names_enhanced() || situation.enhanced.is_some_and(|it| self.has_enhanced(it)))
            && (self.verbs.is_empty() || self.verbs.iter().any(|it| it.eq_ignore_ascii_case(verb)))
            && (self.text.is_empty() || self.has_text(situation.text))
            && (!self.bare_path || has_bare_path(situation.command))
    }

    /// Whether it may be about what is asked for: what is not known speaks against nothing.
    #[must_use]
    pub fn may_apply(&self, known: &Known<'_>) -> bool {
        self.fits_codes(known) && (self.text.is_empty() || known.text.is_empty() || self.has_text(known.text))
    }

    fn fits_codes(&self, known: &Known<'_>) -> bool {
        let Some(enhanced) = known.enhanced else {
            return known.code.is_some_and(|code| self.codes.contains(code));
        };
        let fits_code =
            known.code.is_none_or(|code| self.codes.contains(code)) && self.codes.begins_with(enhanced.class);
        if self.names_enhanced() {
            return fits_code && self.has_enhanced(enhanced);
        }
        // Told by its text, which is not known: too weak a sign beside a code that says more.
        let is_vague = !self.text.is_empty() && known.text.is_empty();
        fits_code && !is_vague && (known.code.is_some() || self.usually_comes_with(enhanced))
    }

    /// Whether the registry names its reply codes beside the enhanced status code.
    fn usually_comes_with(&self, enhanced: EnhancedStatusCode) -> bool {
        let registered = enhanced_status::find(enhanced).filter(|_| enhanced.detail != 0);
        match (self.codes, registered) {
            (Codes::Are(codes), Some(entry)) => codes.iter().all(|code| entry.reply_codes.contains(code)),
            _ => false,
        }
    }

    fn has_enhanced(&self, code: EnhancedStatusCode) -> bool {
        let in_range = |(subject, first, last)| code.subject == subject && (first..=last).contains(&code.detail);
        self.codes.begins_with(code.class)
            && (self.enhanced.contains(&(code.subject, code.detail)) || self.range.is_some_and(in_range))
    }

    fn has_text(&self, text: &[u8]) -> bool {
        self.text.iter().any(|part| contains(text, part))
    }
}

/// Whether the command names a path and does so without `<` and `>`.
fn has_bare_path(command: &str) -> bool {
    command.split_once(':').is_some_and(|(_, path)| !path.trim().is_empty() && !path.contains('<'))
}

/// Whether `part` is somewhere in `text`, in any letter case.
pub(super) fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}
