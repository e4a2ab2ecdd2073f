//! Options that are one of a few words: known when the file is read, or only when a template is rendered.
//!
//! Responsible for reading such a word, wherever its value comes from. `decode` reads what is written, `check` and `play`
//! what a template gives.

use super::connection::IpVersion;
use super::{Misread, Mode, Scope, Span, TemplateError, Templates, Text};

/// An option as written.
#[derive(Debug, Clone)]
pub(crate) enum Chosen<T> {
    Known(T, Span),
    Template(Text),
}

/// What can be chosen.
pub(crate) trait Choosable: Copy {
    /// Which words there are, as a message says it.
    const EXPECTED: &'static str;

    fn chosen(word: &str) -> Option<Self>;
}

impl<T: Choosable> Chosen<T> {
    /// The value, where it stands in the file.
    pub(crate) fn known(&self) -> Option<T> {
        match self {
            Chosen::Known(value, _) => Some(*value),
            Chosen::Template(_) => None,
        }
    }

    pub(crate) fn template(&self) -> Option<&Text> {
        match self {
            Chosen::Known(..) => None,
            Chosen::Template(text) => Some(text),
        }
    }

    pub(crate) fn span(&self) -> Span {
        match self {
            Chosen::Known(_, span) => *span,
            Chosen::Template(text) => text.span,
        }
    }
}

impl Templates {
    /// What an option is, whether it stands in the file or a template gives it.
    pub(crate) fn chosen<T: Choosable>(&self, chosen: &Chosen<T>, scope: &dyn Scope) -> Result<T, TemplateError> {
        let text = match chosen {
            Chosen::Known(value, _) => return Ok(*value),
            Chosen::Template(text) => text,
        };
        let rendered = self.render(text, Mode::Line, scope)?;
        choose(&String::from_utf8_lossy(&rendered.bytes)).map_err(|misread| TemplateError {
            message: rendered.without_secret(misread.into()),
            span: text.span,
            help: None,
        })
    }
}

/// What a template gave, or which words there are.
pub(crate) fn choose<T: Choosable>(written: &str) -> Result<T, Misread> {
    let fault = || Misread::new(format!("expected {}, found `{written}`", T::EXPECTED));
    T::chosen(written.trim()).ok_or_else(fault)
}

impl Choosable for bool {
    const EXPECTED: &'static str = "true or false";

    fn chosen(word: &str) -> Option<bool> {
        word.to_lowercase().parse().ok()
    }
}

/// Whether TLS comes before the greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImplicitTls(pub(crate) bool);

impl Choosable for ImplicitTls {
    const EXPECTED: &'static str = "`none` or `implicit`";

    fn chosen(word: &str) -> Option<ImplicitTls> {
        match word {
            "implicit" => Some(ImplicitTls(true)),
            "none" => Some(ImplicitTls(false)),
            _ => None,
        }
    }
}

impl Choosable for IpVersion {
    const EXPECTED: &'static str = "`4` or `6`";

    fn chosen(word: &str) -> Option<IpVersion> {
        match word {
            "4" => Some(IpVersion::V4),
            "6" => Some(IpVersion::V6),
            _ => None,
        }
    }
}

/// A version of TLS, by its name: `TLSv1.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TlsVersionName(pub(crate) &'static str);

impl Choosable for TlsVersionName {
    const EXPECTED: &'static str = "one of TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3";

    /// `1.2`, `TLS1.2` and `TLSv1.2` all mean the same.
    fn chosen(word: &str) -> Option<TlsVersionName> {
        let word = word.to_lowercase();
        Some(TlsVersionName(match word.trim_start_matches("tls").trim_start_matches('v') {
            "1" | "1.0" => "TLSv1.0",
            "1.1" => "TLSv1.1",
            "1.2" => "TLSv1.2",
            "1.3" => "TLSv1.3",
            _ => return None,
        }))
    }
}

/// How many attempts `retry` makes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempts(pub(crate) u32);

impl Choosable for Attempts {
    const EXPECTED: &'static str = "a number from 1 to 1000";

    fn chosen(word: &str) -> Option<Attempts> {
        word.parse().ok().filter(|count| (1..=1_000).contains(count)).map(Attempts)
    }
}
