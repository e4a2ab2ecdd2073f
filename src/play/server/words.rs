//! What is said when a client leaves the script of a server.

use crate::play::diagnose::Site;
use crate::play::divergence::{Cause, Divergence, Kind};
use crate::play::server::connection::Connection;
use crate::scenario::{Span, TemplateError, duration};
use crate::server::{HandshakeFailure, HandshakeTrouble, PeerTrouble};
use crate::smtp::idiom::Idiom;

impl Connection {
    pub(crate) fn place<'s>(&'s self, number: &'s str, name: Option<&'s str>, span: Span) -> Site<'s> {
        Site {
            number,
            name,
            span,
            session: None,
            host: "",
            masker: self.stage.log.masker(),
            run_is_over: self.stage.run_is_over(),
            idiom: Idiom::Scenario,
        }
    }

    pub(crate) fn template(&self, number: &str, name: Option<&str>, error: &TemplateError) -> Divergence {
        self.place(number, name, error.span).template(error)
    }
}

impl Site<'_> {
    /// Something went wrong on the wire while `expected` was waited for from a client.
    pub(crate) fn peer_trouble(&self, trouble: &PeerTrouble, expected: &str) -> Divergence {
        let got = match (trouble, arrived(trouble)) {
            (PeerTrouble::Timeout { waited, .. }, []) => format!("nothing for {}", duration::show(*waited)),
            (PeerTrouble::Closed { .. }, []) => "the client closed the connection".to_owned(),
            (PeerTrouble::Broken { reason, .. } | PeerTrouble::NotTls { reason }, []) => reason.clone(),
            (PeerTrouble::TlsBegun { .. }, _) => "the beginning of TLS".to_owned(),
            (_, arrived) => self.shown(arrived),
        };
        self.about_peer(trouble, expected).between(expected, got)
    }

    fn about_peer(&self, trouble: &PeerTrouble, expected: &str) -> Divergence {
        match trouble {
            PeerTrouble::Timeout { .. } if self.run_is_over => {
                let message = format!("expected {expected}, but the time of the whole run is over");
                let diagnostic = self.cut_short(&message, arrived(trouble)).note("`--max-time` bounds the run");
                self.divergence(Cause::Server, Kind::MaxTime, diagnostic)
            }
            PeerTrouble::Timeout { waited, arrived } => {
                let waited = duration::show(*waited);
                let message = match arrived.as_slice() {
                    [] => format!("expected {expected}, the client sent nothing for {waited}"),
                    _ => format!("expected {expected}, the client sent only a part of it within {waited}"),
                };
                let help = "`timeout:` in the scenario and `--timeout` set how long a wait may take";
                self.divergence(Cause::Server, Kind::Timeout, self.cut_short(&message, arrived).help(help))
            }
            PeerTrouble::Closed { arrived } => {
                let message = format!("expected {expected}, but the client closed the connection");
                self.divergence(Cause::Server, Kind::Closed, self.cut_short(&message, arrived))
            }
            PeerTrouble::Broken { reset, reason, arrived } => {
                let kind = if *reset { Kind::Reset } else { Kind::Closed };
                let message = format!("expected {expected}, but {reason}");
                self.divergence(Cause::Server, kind, self.cut_short(&message, arrived))
            }
            PeerTrouble::NotTls { reason } => {
                let message = format!("expected {expected}, but within the TLS session came what is no TLS");
                self.divergence(Cause::Server, Kind::Tls, self.diagnostic(self.span, &message).label(reason))
            }
            PeerTrouble::TlsBegun { .. } => {
                let message = format!("expected {expected}, but the client began TLS");
                let help =
                    "set the client to STARTTLS, or let this server begin with TLS by `tls: implicit` (port 465)";
                self.divergence(Cause::Server, Kind::Tls, self.diagnostic(self.span, &message).help(help))
            }
            PeerTrouble::TooLong { bytes, limit } => {
                let message = format!("expected {expected}, the client sent more than {limit} octets without an end");
                let diagnostic = self.diagnostic(self.span, &message).label(format!("it began {}", self.quoted(bytes)));
                self.divergence(Cause::Server, Kind::Malformed, diagnostic)
            }
        }
    }

    /// A line that is no command line: RFC 5321 section 2.3.8 has it end by CRLF.
    pub(crate) fn malformed_line(&self, line: &[u8], fault: &str, expected: &str) -> Divergence {
        let diagnostic = self
            .diagnostic(self.span, &format!("expected {expected}, got a malformed line: {fault}"))
            .label(format!("what came: {}", self.quoted(line)))
            .note("a command line ends with CRLF and holds neither CR, LF nor NUL before that (RFC 5321 section 2.3.8)")
            .help("`expect: {line: …}` and `{raw: …}` accept what they match");
        self.divergence(Cause::Server, Kind::Malformed, diagnostic).between(expected, self.shown(line))
    }

    /// Plain text of the client was left when TLS was to begin.
    pub(crate) fn client_injected(&self, bytes: &[u8]) -> Divergence {
        let diagnostic = self
            .diagnostic(self.span, "plain text was left over when the TLS handshake was to begin")
            .label(format!("the client had sent {}", self.quoted(bytes)))
            .note("whoever can insert such bytes has them taken for commands that came over TLS (CVE-2011-0411)");
        self.divergence(Cause::Server, Kind::Injection, diagnostic)
    }

    /// The script is at its end, and the client has sent more.
    pub(crate) fn more_than_scripted(&self, bytes: &[u8]) -> Divergence {
        let message = format!("the client sent something that no step reads: {}", self.quoted(bytes));
        self.divergence(Cause::Server, Kind::Unasked, self.diagnostic(self.span, &message).label("after this step"))
    }

    /// A handshake failed that should not have.
    pub(crate) fn handshake_failed(&self, trouble: &HandshakeTrouble) -> Divergence {
        let diagnostic = self.diagnostic(self.span, &format!("the TLS handshake failed: {trouble}"));
        let diagnostic = diagnostic.label("no TLS session");
        let diagnostic = match trouble {
            HandshakeTrouble::Failed { failure: HandshakeFailure::Refused(_), .. } => diagnostic.help(
                "the client must trust the certificate, which `--ca-out FILE` writes; if it is to refuse, write \
                     `fails: PATTERN` beside it",
            ),
            HandshakeTrouble::Failed { sent, .. } if !sent.is_empty() => {
                diagnostic.fact(format!("the client sent {} where TLS was expected", self.quoted(sent)))
            }
            HandshakeTrouble::Failed { .. } | HandshakeTrouble::TimedOut => diagnostic,
        };
        self.divergence(Cause::Server, Kind::Tls, diagnostic)
    }
}

fn arrived(trouble: &PeerTrouble) -> &[u8] {
    match trouble {
        PeerTrouble::Timeout { arrived, .. }
        | PeerTrouble::Closed { arrived }
        | PeerTrouble::Broken { arrived, .. }
        | PeerTrouble::TooLong { bytes: arrived, .. } => arrived,
        PeerTrouble::NotTls { .. } | PeerTrouble::TlsBegun { .. } => &[],
    }
}
