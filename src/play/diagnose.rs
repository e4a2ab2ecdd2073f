//! Turns what went wrong into a diagnostic a person can act on without running again.
//!
//! Responsible for the words: what was expected, what came byte for byte, what the code means, what usually helps. All
//! bytes from outside are masked and made visible here.

mod reply;
mod trouble;

use super::step_number::{StepNumber, StepSide};
use crate::play::divergence::{Cause, Divergence, Kind};
use crate::play::expect::Mismatch;
use crate::scenario::{Diagnostic, Footnote, Severity, Span, TemplateError};
use crate::secret::Masker;
use crate::session::Session;
use crate::smtp::idiom::Idiom;
use crate::smtp::offer::Offer;
use crate::visible::{cut, visible};

/// The most bytes from outside that one label quotes.
const MAX_QUOTED: usize = 400;

/// What is said first where no connection was opened.
const NOT_CONNECTED: &str = "could not connect";
/// What is said of a connection of a server that never came.
pub(crate) const NO_CLIENT: &str = "was never opened: no client connected";

/// The step that diverged, and what is known about its session.
pub(crate) struct Site<'a> {
    pub(crate) number: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) span: Span,
    pub(crate) session: Option<&'a Session>,
    /// The host of the session as the scenario names it.
    pub(crate) host: &'a str,
    pub(crate) masker: &'a Masker,
    /// Whether the time of the whole run is over.
    pub(crate) run_is_over: bool,
    /// In whose words helps are written.
    pub(crate) idiom: Idiom,
}

impl Site<'_> {
    /// Bytes or a line came, and are not what was expected.
    pub(crate) fn other_bytes(&self, bytes: &[u8], mismatches: &[Mismatch]) -> Divergence {
        let Some(first) = mismatches.first() else { return self.fault(Kind::Reply, "nothing that fits") };
        if first.unusable {
            return self.unusable(&first.expected, first.span);
        }
        let message = format!("expected {}, got {}", first.expected, self.quoted(bytes));
        let mut diagnostic = self.diagnostic(first.span, &message).label("this was not found");
        diagnostic.footnotes.extend(
            first.rendered.iter().map(|rendered| Footnote::Fact(format!("the pattern with its values: {rendered}"))),
        );
        self.divergence(Cause::Server, Kind::Reply, diagnostic).between(&first.expected, self.shown(bytes))
    }

    /// Something a template or the scenario itself did wrong at run time.
    pub(crate) fn template(&self, error: &TemplateError) -> Divergence {
        // It may quote a value.
        let mut diagnostic = self.diagnostic(error.span, &self.masker.mask_text(&error.message));
        diagnostic.footnotes.extend(error.help.clone().map(Footnote::Help));
        self.divergence(Cause::User, Kind::Template, diagnostic)
    }

    /// The scenario can't be played as it was asked for.
    pub(crate) fn refused(&self, message: &str, help: &str) -> Divergence {
        let diagnostic = self.diagnostic(self.span, message).help(help);
        self.divergence(Cause::User, Kind::Refused, diagnostic)
    }

    /// A failed assertion.
    pub(crate) fn assertion(&self, source: &str, parts: &[String]) -> Divergence {
        let diagnostic = self.diagnostic(self.span, &format!("`{}` is not true", source.trim()));
        self.falsity(diagnostic, source, parts)
    }

    /// What had better be true, and is not.
    pub(crate) fn warning(&self, source: &str, parts: &[String]) -> Divergence {
        let diagnostic = self.about(self.span, &format!("warns: `{}` is not true", source.trim()));
        self.falsity(Diagnostic { severity: Severity::Warning, ..diagnostic }, source, parts)
    }

    fn falsity(&self, diagnostic: Diagnostic, source: &str, parts: &[String]) -> Divergence {
        let mut diagnostic = diagnostic.label("this is false");
        for part in parts {
            diagnostic.footnotes.push(Footnote::Fact(self.masker.mask_text(part)));
        }
        let got = self.masker.mask_text(&parts.join(", "));
        self.divergence(Cause::Server, Kind::Assert, diagnostic).between(source.trim(), got)
    }

    /// Anything else that needs no more than a line.
    pub(crate) fn fault(&self, kind: Kind, message: &str) -> Divergence {
        self.divergence(Cause::Server, kind, self.diagnostic(self.span, message))
    }

    /// The user ended the run while this step was played.
    pub(crate) fn interrupted(&self) -> Divergence {
        let diagnostic = self.about(self.span, "was interrupted").label("it was waiting here");
        self.divergence(Cause::Interrupted, Kind::Interrupted, diagnostic)
    }

    // --- parts -------------------------------------------------------------------------------------------------

    pub(crate) fn divergence(&self, cause: Cause, kind: Kind, diagnostic: Diagnostic) -> Divergence {
        Divergence::new(self.number.into(), cause, kind, diagnostic)
    }

    pub(crate) fn diagnostic(&self, span: Span, message: &str) -> Diagnostic {
        // Where nothing was said, nothing can have diverged from the script.
        if message.starts_with(NOT_CONNECTED) && self.number.is_empty() {
            return Diagnostic::error(span, message);
        }
        let what = if message == NO_CLIENT { message.to_owned() } else { format!("diverged: {message}") };
        self.about(span, &what)
    }

    /// What is said of the step.
    fn about(&self, span: Span, message: &str) -> Diagnostic {
        let name = self.name.map(|name| format!(" \"{name}\"")).unwrap_or_default();
        let number = StepNumber::from(self.number);
        let subject = match number.side() {
            StepSide::Server if !number.path().is_empty() => format!("{} of the server{name}", number.path()),
            StepSide::Server => format!("the server{name}"),
            StepSide::Connection(connection) if number.path().is_empty() => {
                format!("connection {connection} of the server{name}")
            }
            StepSide::Client if number.is_finally() => format!("{number}{name}"),
            StepSide::Client if number.path().is_empty() => "the connection".to_owned(),
            StepSide::Client | StepSide::Connection(_) => format!("step {number}{name}"),
        };
        Diagnostic::error(span, format!("{subject} {message}"))
    }

    fn unusable(&self, message: &str, span: Span) -> Divergence {
        self.divergence(Cause::User, Kind::Template, self.diagnostic(span, message))
    }

    pub(crate) fn cut_short(&self, message: &str, arrived: &[u8]) -> Diagnostic {
        let diagnostic = self.diagnostic(self.span, message);
        let mut diagnostic = if arrived.is_empty() {
            diagnostic
        } else {
            diagnostic.label(format!("{} had arrived", self.quoted(arrived)))
        };
        diagnostic.footnotes.extend(self.octets_of_others(arrived).chain(self.handshake_not_begun()));
        diagnostic
    }

    /// What the session's last EHLO reply offers; `None` without a session.
    fn offer(&self) -> Option<Offer<'_>> {
        let session = self.session?;
        let offered = session.extensions();
        Some(Offer {
            said_hello: offered.is_known(),
            offered,
            is_encrypted: session.tls().is_some(),
            idiom: self.idiom,
        })
    }

    /// Bytes as a field of their own: masked, visible and cut.
    pub(crate) fn shown(&self, bytes: &[u8]) -> String {
        cut(&visible(&self.masker.mask(bytes)), MAX_QUOTED).into_owned()
    }

    /// Bytes in quotes, masked, visible and cut to a size that fits a line.
    pub(crate) fn quoted(&self, bytes: &[u8]) -> String {
        let shown = visible(&self.masker.mask(bytes));
        let more =
            if shown.chars().count() > MAX_QUOTED { format!(" ({} bytes in all)", bytes.len()) } else { String::new() };
        format!("\"{}\"{more}", cut(&shown, MAX_QUOTED))
    }
}
