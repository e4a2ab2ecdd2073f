//! What is said of a wait that brought no reply: a time-out, the end of the connection, TLS that failed, octets that are no
//! reply.

use super::Site;
use super::reply::{about_code, code_of};
use crate::net::connect::{ConnectFailure, ConnectFailureKind, NOTHING_ANSWERED};
use crate::net::tls::{TlsFailure, TlsFailureReason};
use crate::net::tls_port::TlsLook;
use crate::play::divergence::{Cause, Divergence, Kind};
use crate::scenario::{Diagnostic, Footnote, duration};
use crate::session::{Session, Trouble};
use crate::smtp::command::Verb;
use crate::smtp::dialogue::Awaited;
use crate::smtp::idiom::Idiom;
use crate::smtp::offer;
use crate::smtp::reply::Fault;
use crate::smtp::stranger::{NO_MAIL_SERVER, stranger};
use std::time::Duration;

/// A server that closed before it greeted; what else may be the reason follows.
const CLOSED_EARLY: &str = "the server closed before its greeting: it refuses this address";

/// What came in place of the handshake that STARTTLS had announced.
const PLAIN_AFTER_STARTTLS: &str = "the server accepted STARTTLS and went on in plain text: its TLS is broken, or something in between answered for it";

impl Site<'_> {
    /// Something went wrong on the wire while `expected` was waited for.
    pub(crate) fn trouble(&self, trouble: &Trouble, expected: &str) -> Divergence {
        let divergence = self.about_trouble(trouble, expected);
        match self.came_of(trouble) {
            Some(got) => divergence.between(expected, got),
            None => divergence,
        }
    }

    /// What came instead of what was waited for; `None` where the message alone says it.
    fn came_of(&self, trouble: &Trouble) -> Option<String> {
        Some(match trouble {
            Trouble::NotConnected(_) | Trouble::Tls(_) => return None,
            Trouble::Timeout { waited, arrived } if arrived.is_empty() => {
                format!("nothing for {}", duration::show(*waited))
            }
            Trouble::Closed { arrived } if arrived.is_empty() => "the server closed the connection".to_owned(),
            Trouble::Broken { arrived, reason } if arrived.is_empty() => reason.clone(),
            Trouble::Timeout { arrived: bytes, .. }
            | Trouble::Closed { arrived: bytes }
            | Trouble::Broken { arrived: bytes, .. }
            | Trouble::Malformed { bytes, .. }
            | Trouble::Unasked { bytes }
            | Trouble::PlainBeforeTls { bytes }
            | Trouble::NotTls { bytes } => self.shown(bytes),
            Trouble::TooMuchUnread => "octets without end".to_owned(),
            Trouble::NotOpen => "the session is closed".to_owned(),
        })
    }

    fn about_trouble(&self, trouble: &Trouble, expected: &str) -> Divergence {
        match trouble {
            Trouble::NotConnected(failure) => self.not_connected(failure),
            Trouble::Timeout { waited, arrived } => self.timeout(*waited, arrived, expected),
            Trouble::Closed { arrived } => {
                let message = format!("expected {expected}, but the server closed the connection");
                let mut diagnostic = self.cut_short(&message, arrived);
                if self.session.is_some_and(|session| session.tls().is_some() && !session.answered_over_tls()) {
                    let help = "a server that demands a client certificate ends like this in TLS 1.3: give `client_certificate` and `client_key`";
                    let by_options =
                        "a server that demands a client certificate ends like this in TLS 1.3: a scenario gives one";
                    diagnostic = diagnostic.help(self.idiom.of(help, by_options));
                }
                let diagnostic = self.without_greeting(diagnostic, arrived);
                self.divergence(Cause::Server, Kind::Closed, diagnostic)
            }
            Trouble::Broken { reason, arrived } => {
                let message = format!("expected {expected}, but {reason}");
                let diagnostic = self.without_greeting(self.cut_short(&message, arrived), arrived);
                self.divergence(Cause::Server, Kind::Reset, diagnostic)
            }
            Trouble::Malformed { fault, bytes } => self.malformed(*fault, bytes, expected),
            Trouble::Unasked { bytes } => self.unasked(bytes, expected),
            Trouble::PlainBeforeTls { bytes } => {
                let diagnostic = self
                    .diagnostic(self.span, "plain text was left over when the TLS handshake was to begin")
                    .label(format!("the server had sent {}", self.quoted(bytes)))
                    .note(
                        "whoever can insert such bytes has them taken for replies that came over TLS (CVE-2011-0411)",
                    );
                self.divergence(Cause::Server, Kind::Injection, diagnostic)
            }
            Trouble::NotTls { bytes } => {
                let before = if expected.is_empty() { String::new() } else { format!("expected {expected}, but ") };
                let message = format!("{before}octets that are not TLS came within the TLS session");
                let diagnostic = self.diagnostic(self.span, &message).label(format!("it was {}", self.quoted(bytes)));
                let note = "a server or something on the way wrote past the TLS session: nobody can tell who";
                self.divergence(Cause::Server, Kind::Tls, diagnostic.note(note))
            }
            Trouble::Tls(failure) => self.tls(failure),
            Trouble::TooMuchUnread => self.fault(Kind::Unread, "the server sends on and on, and nothing reads it"),
            Trouble::NotOpen => self.fault(Kind::Closed, &format!("expected {expected}, but the session is closed")),
        }
    }

    fn not_connected(&self, failure: &ConnectFailure) -> Divergence {
        if failure.kind == ConnectFailureKind::OutOfBounds {
            let message = format!("{}: an untrusted scenario reaches public addresses only", failure.message);
            return self.refused(&message, "if that is meant, allow it with `--allow-host HOST` or `--to HOST:PORT`");
        }
        let diagnostic = self.diagnostic(self.span, &format!("could not connect: {}", failure.message));
        let diagnostic = diagnostic.label("no connection").help(failure.kind.help());
        let divergence = self.divergence(Cause::Network, Kind::Connect, diagnostic);
        Divergence { reason: Some(failure.kind.word()), ..divergence }
    }

    /// Nothing answered the connection: the network's doing, and a longer wait would not help.
    pub(crate) fn no_answer(&self, waited: Duration) -> Divergence {
        if self.run_is_over {
            return self.timeout(waited, &[], "a connection");
        }
        let message = format!("could not connect: nothing answered for {}", duration::show(waited));
        let diagnostic = self.diagnostic(self.span, &message).label("no connection").help(NOTHING_ANSWERED);
        self.divergence(Cause::Network, Kind::Timeout, diagnostic)
    }

    fn timeout(&self, waited: Duration, arrived: &[u8], expected: &str) -> Divergence {
        if self.run_is_over {
            let message = format!("expected {expected}, but the time of the whole run is over");
            let diagnostic = self.cut_short(&message, arrived).note("`--max-time` bounds the run");
            return self.divergence(Cause::Server, Kind::MaxTime, diagnostic);
        }
        let waited = duration::show(waited);
        let message = if arrived.is_empty() {
            format!("expected {expected}, got nothing for {waited}")
        } else {
            format!("expected {expected}, got only a part of it within {waited}")
        };
        let help = self.idiom.of(
            "`timeout:` in the scenario and `--timeout` set how long a wait may take",
            "`--timeout` sets how long a wait may take",
        );
        let mut diagnostic = self.cut_short(&message, arrived);
        if !self.has_no_greeting(arrived) && self.handshake_not_begun().is_none() {
            diagnostic = diagnostic.help(help);
        }
        let diagnostic = self.without_greeting(diagnostic, arrived);
        self.divergence(Cause::Server, Kind::Timeout, diagnostic)
    }

    fn unasked(&self, bytes: &[u8], expected: &str) -> Divergence {
        let message = match expected {
            "" => format!("the server sent something that nothing had asked for: {}", self.quoted(bytes)),
            expected => format!("expected {expected}, but the server sent {}", self.quoted(bytes)),
        };
        let mut diagnostic = self.diagnostic(self.span, &message);
        if expected.is_empty() {
            diagnostic =
                diagnostic.label("before this step").note("every reply was read already: this one answers no command");
        }
        diagnostic.footnotes.extend(code_of(bytes).and_then(|code| about_code(code, "")));
        self.divergence(Cause::Server, Kind::Unasked, diagnostic).between(expected, self.shown(bytes))
    }

    fn tls(&self, failure: &TlsFailure) -> Divergence {
        let mut diagnostic = self.diagnostic(self.span, &format!("the TLS handshake failed: {}", failure.message));
        diagnostic = diagnostic.label(tls_label(failure.reason));
        if !failure.received.is_empty() {
            let text = format!("the server sent {} where TLS was expected", self.quoted(&failure.received));
            diagnostic.footnotes.push(Footnote::Fact(text));
        }
        if let Some(certificate) = &failure.certificate {
            diagnostic.footnotes.push(Footnote::Fact(certificate.describe(jiff::Timestamp::now())));
        }
        let help = failure.help.map(|help| self.idiom.of(help.in_scenario, help.by_options));
        let of_others = stranger(&failure.received).map(|stranger| stranger.help);
        let is_after_starttls = self.session.is_some_and(|session| session.greeting().is_some());
        let help = match failure.reason {
            TlsFailureReason::NotTls if is_after_starttls => Some(PLAIN_AFTER_STARTTLS),
            TlsFailureReason::NotTls => of_others.or(help),
            _ => help,
        };
        diagnostic.footnotes.extend(help.map(|help| Footnote::Help(help.to_owned())));
        Divergence { reason: Some(failure.reason.word()), ..self.divergence(Cause::Server, Kind::Tls, diagnostic) }
    }

    /// A server that said 220 to a line STARTTLS waits for the handshake (RFC 3207 section 4).
    pub(super) fn handshake_not_begun(&self) -> Option<Footnote> {
        let session = self.session.filter(|session| session.tls().is_none())?;
        let answer = session.last_answer()?;
        let is_accepted =
            matches!(answer.command, Some(Awaited::Command(Verb::StartTls))) && answer.reply.code() == 220;
        let help = "the server waits for the TLS handshake: write the step `starttls` instead of the line, or `- tls` after it \
                    (RFC 3207 section 4)";
        is_accepted.then(|| Footnote::Help(help.to_owned()))
    }

    /// Whether the greeting of a plain session is still awaited, and nothing of it has come.
    fn has_no_greeting(&self, arrived: &[u8]) -> bool {
        let waits = |session: &Session| session.greeting().is_none() && session.tls().is_none();
        arrived.is_empty() && self.session.is_some_and(waits)
    }

    /// A port that begins with TLS says nothing in plain text, or closes after a while.
    pub(super) fn without_greeting(&self, diagnostic: Diagnostic, arrived: &[u8]) -> Diagnostic {
        if !self.has_no_greeting(arrived) || self.handshake_not_begun().is_some() {
            return diagnostic;
        }
        let Some(session) = self.session else { return diagnostic };
        let implicit = self.idiom.of("`tls: implicit` in `connect`", "`--tls`");
        let has_closed = session.is_open() && !session.is_alive();
        match session.tls_look() {
            Some(TlsLook::Tls) => {
                let fact = "a second connection that began with TLS was answered in TLS";
                diagnostic.fact(fact).help(format!("this port begins with TLS: {implicit}"))
            }
            Some(TlsLook::Other(octets)) => {
                let fact = format!("a second connection that began with TLS was answered {}", self.quoted(octets));
                diagnostic.fact(fact).help(stranger(octets).map_or(NO_MAIL_SERVER, |stranger| stranger.help))
            }
            Some(TlsLook::Silence | TlsLook::Ended) => {
                let diagnostic = diagnostic.fact("TLS was tried too, on a second connection: no answer");
                let closed = || format!("{CLOSED_EARLY}, or has too many connections");
                diagnostic.help(if has_closed { closed() } else { self.without_answer() })
            }
            Some(TlsLook::Begun) => diagnostic.help(self.without_answer()),
            None => diagnostic.help(self.without_look(has_closed, implicit)),
        }
    }

    /// The same, where nobody tried whether the port begins with TLS.
    fn without_look(&self, has_closed: bool, implicit: &str) -> String {
        if has_closed {
            return format!("{CLOSED_EARLY}, has too many connections, or begins with TLS ({implicit}, port 465)");
        }
        let longer = self.idiom.of("`timeout:` or `--timeout` must be longer", "`--timeout` must be longer");
        format!(
            "a port that begins with TLS says nothing before the handshake: try {implicit} (port 465); or the server is slow, and \
             {longer}"
        )
    }

    /// What to do where a connection is accepted, and neither plain text nor TLS is answered.
    fn without_answer(&self) -> String {
        let longer = self.idiom.of("`timeout:` or `--timeout`", "`--timeout`");
        format!(
            "it accepts connections and answers nothing: a hung server, a proxy or firewall in between, or no mail server; \
             for one that is only slow, raise {longer}"
        )
    }

    /// Octets of another protocol, or of TLS where plain text was expected.
    pub(super) fn octets_of_others(&self, octets: &[u8]) -> impl Iterator<Item = Footnote> + use<> {
        let implicit = self.idiom.of("`tls: implicit` in `connect`", "`--tls`");
        let of_tls = offer::tls_record(octets).into_iter().flat_map(move |what| {
            let help = format!("the server speaks TLS on this port: {implicit}");
            [Footnote::Fact(format!("these octets are {what}")), Footnote::Help(help)]
        });
        of_tls.chain(stranger(octets).map(|stranger| Footnote::Help(stranger.help.to_owned())))
    }

    fn malformed(&self, fault: Fault, bytes: &[u8], expected: &str) -> Divergence {
        let diagnostic = self
            .diagnostic(self.span, &format!("expected {expected}, got a malformed reply: {fault}"))
            .label(format!("what came: {}", self.quoted(bytes)))
            .note("a reply is lines of a code, `-` or a blank, and text, each ended by CRLF (RFC 5321 section 4.2)");
        let mut diagnostic = match self.idiom {
            Idiom::Scenario => diagnostic.help("`expect: {line: …}` and `{raw: …}` accept what they match"),
            Idiom::Options => diagnostic,
        };
        diagnostic.footnotes.extend(self.octets_of_others(bytes));
        self.divergence(Cause::Server, Kind::Malformed, diagnostic)
    }
}

fn tls_label(reason: TlsFailureReason) -> &'static str {
    match reason {
        TlsFailureReason::Expired => "the certificate has expired",
        TlsFailureReason::NotYetValid => "the certificate is not valid yet",
        TlsFailureReason::WrongName => "the certificate is for other names",
        TlsFailureReason::UnknownIssuer => "nobody trusted signed the certificate",
        TlsFailureReason::SelfSigned => "the certificate is self-signed",
        TlsFailureReason::NotTls => "this is not TLS",
        TlsFailureReason::ProtocolVersion => "no version in common",
        _ => "no TLS session",
    }
}
