//! What is expected, in words: the forms of `expect`, of a server and of a client.
//!
//! `expect` compares; `diagnose` puts these words after "expected".

use crate::scenario::{ClosedBy, Expectation, Expected};

/// Who is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherSide {
    Server,
    Client,
}

/// What is expected, in words that follow "expected".
pub(crate) fn describe(expectation: &Expectation, other: OtherSide) -> String {
    let list =
        |list: &[Expectation], word: &str| list.iter().map(|one| describe(one, other)).collect::<Vec<_>>().join(word);
    match &expectation.kind {
        Expected::Pattern(pattern) => format!("{} {}", other.with_a_pattern(), pattern.text.source),
        Expected::Code(codes) => format!("reply code {codes}"),
        Expected::Line(pattern) => format!("a line matching {}", pattern.text.source),
        Expected::Raw(pattern) => format!("bytes matching {}", pattern.text.source),
        Expected::Closed(closed) => other.to_close(*closed).to_owned(),
        Expected::Silence(_) => "silence".to_owned(),
        Expected::Observe(_) => "anything".to_owned(),
        Expected::Any(alternatives) => list(alternatives, ", or "),
        Expected::All(parts) => list(parts, " and "),
        Expected::Fields(fields) => {
            let offers = fields.offers.first().map(|keyword| format!("an offer of {}", keyword.source));
            let code = fields.code.as_ref().map(|(codes, _)| format!("reply code {codes}"));
            let enhanced = fields.enhanced.as_ref().map(|(text, _)| format!("enhanced status code {}", text.source));
            offers.or(code).or(enhanced).unwrap_or_else(|| "a reply".to_owned())
        }
    }
}

impl OtherSide {
    /// What a pattern is searched in, in words.
    pub(crate) fn with_a_pattern(self) -> &'static str {
        match self {
            OtherSide::Server => "a reply matching",
            OtherSide::Client => "a line matching",
        }
    }

    /// The end that is expected, in words.
    pub(crate) fn to_close(self, closed: ClosedBy) -> &'static str {
        match (self, closed) {
            (OtherSide::Server, ClosedBy::Either) => "the server to close",
            (OtherSide::Server, ClosedBy::Fin) => "the server to close in order (FIN)",
            (OtherSide::Server, ClosedBy::Reset) => "the server to reset the connection",
            (OtherSide::Client, ClosedBy::Either) => "the client to close",
            (OtherSide::Client, ClosedBy::Fin) => "the client to close in order (FIN)",
            (OtherSide::Client, ClosedBy::Reset) => "the client to reset the connection",
        }
    }
}
