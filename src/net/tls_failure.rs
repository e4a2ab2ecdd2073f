//! Why TLS failed, in words: from the TLS library's text and what the server sent to a reason, a message and a help.
//!
//! Responsible for judging only; pure. OpenSSL's texts are matched here and nowhere else. Called by `tls`.

mod alert;

use alert::{alert_help, alert_in_words, alert_number};
use std::io;

use super::certificate::PeerCertificate;
use super::server_hello::{ServerFlight, looks_like_tls};
use super::socket::{Recording, SocketEnd};

/// Bytes shown at most of what a server sent instead of TLS.
const RECEIVED_AT_MOST: usize = 512;

/// A handshake that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFailure {
    /// The class of the failure.
    pub(crate) reason: TlsFailureReason,
    /// What happened, in lower case.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<TlsHelp>,
    /// The server's certificate, where it could be read: TLS 1.2 and before send it in plain text.
    pub(crate) certificate: Option<PeerCertificate>,
    /// What the server sent first if that was no TLS, e.g. an SMTP greeting; 512 bytes at most.
    pub(crate) received: Vec<u8>,
}

/// What to do about a failure: the words of a file, and those of a command's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TlsHelp {
    pub(crate) in_scenario: &'static str,
    pub(crate) by_options: &'static str,
}

impl From<&'static str> for TlsHelp {
    fn from(text: &'static str) -> TlsHelp {
        TlsHelp { in_scenario: text, by_options: text }
    }
}

/// The classes of [`TlsFailure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsFailureReason {
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// Nobody trusted signed the certificate.
    UnknownIssuer,
    /// The certificate is signed by itself and not trusted.
    SelfSigned,
    /// The certificate could not be verified for another reason.
    Unverified,
    /// The server does not speak TLS here.
    NotTls,
    /// The two sides have no protocol version in common.
    ProtocolVersion,
    /// The server refused with this alert (RFC 8446 6).
    Alert(u8),
    /// The server closed during the handshake.
    Closed,
    /// The connection was reset during the handshake.
    Reset,
    /// This machine's TLS library gave up, by no fault of the server's.
    Local,
    /// Anything else; the message says what.
    Other,
}

impl TlsFailureReason {
    /// Its name for machines.
    pub(crate) fn word(self) -> &'static str {
        match self {
            TlsFailureReason::Expired => "expired",
            TlsFailureReason::NotYetValid => "not_yet_valid",
            TlsFailureReason::WrongName => "wrong_name",
            TlsFailureReason::UnknownIssuer => "unknown_issuer",
            TlsFailureReason::SelfSigned => "self_signed",
            TlsFailureReason::Unverified => "unverified",
            TlsFailureReason::NotTls => "not_tls",
            TlsFailureReason::ProtocolVersion => "protocol_version",
            TlsFailureReason::Alert(_) => "alert",
            TlsFailureReason::Closed => "closed",
            TlsFailureReason::Reset => "reset",
            TlsFailureReason::Local => "local",
            TlsFailureReason::Other => "other",
        }
    }
}

impl TlsFailure {
    /// The failure of asking for TLS above TLS.
    pub(super) fn already_tls() -> TlsFailure {
        TlsFailure::plain(TlsFailureReason::Other, "the connection uses TLS already", None)
    }

    /// Judges a failed handshake by the library's error text and the bytes the server sent.
    pub(super) fn judge(text: &str, recording: &Recording, server_name: &str) -> TlsFailure {
        let flight = ServerFlight::read(&recording.received);
        let certificate = flight.certificates.first().and_then(|der| PeerCertificate::from_der(der));
        if text.contains("certificate verify failed") {
            return unverified(text, certificate, server_name);
        }
        let mut failure = refused(text)
            .or_else(|| not_tls(recording))
            .or_else(|| local(text))
            .or_else(|| no_common_version(text, &flight))
            .or_else(|| lost(recording))
            .unwrap_or_else(|| {
                let message = format!("the TLS handshake failed: {}", reason_of(text));
                TlsFailure::plain(TlsFailureReason::Other, message, None)
            });
        failure.certificate = certificate;
        failure
    }

    /// The same, on a machine that knows no authority.
    pub(super) fn without_roots(self) -> TlsFailure {
        let is_unknown = matches!(self.reason, TlsFailureReason::UnknownIssuer | TlsFailureReason::SelfSigned);
        let help = "this machine has no certificates of authorities: install `ca-certificates`";
        TlsFailure { help: if is_unknown { Some(help.into()) } else { self.help }, ..self }
    }

    fn plain(reason: TlsFailureReason, message: impl Into<String>, help: Option<TlsHelp>) -> TlsFailure {
        TlsFailure { reason, message: message.into(), help, certificate: None, received: Vec::new() }
    }
}

/// The failure of the certificate's verification; OpenSSL's verify text stands in the last parentheses.
fn unverified(text: &str, certificate: Option<PeerCertificate>, server_name: &str) -> TlsFailure {
    let verify_text = text.rsplit_once('(').map_or(text, |(_, tail)| tail.trim_end_matches(')'));
    let reason = verify_reason(&verify_text.to_ascii_lowercase());
    let about = certificate.as_ref();
    let message = match reason {
        TlsFailureReason::Expired => {
            format!(
                "the server's certificate has expired{}",
                about.map_or(String::new(), |it| format!(": it was valid until {}", it.not_after))
            )
        }
        TlsFailureReason::NotYetValid => {
            format!(
                "the server's certificate is not valid yet{}",
                about.map_or(String::new(), |it| format!(": it will be from {} on", it.not_before))
            )
        }
        TlsFailureReason::WrongName => {
            format!("the server's certificate is not for `{server_name}`{}", about.map_or(String::new(), named_instead))
        }
        TlsFailureReason::UnknownIssuer => {
            let issuer = about.map_or(String::new(), |it| format!(" `{}`", it.issuer));
            format!("the issuer{issuer} of the server's certificate is not known ({verify_text})")
        }
        TlsFailureReason::SelfSigned => "the server's certificate is self-signed and not trusted".to_owned(),
        _ => format!("the server's certificate could not be verified: {verify_text}"),
    };
    let mut failure = TlsFailure::plain(reason, message, verify_help(reason));
    failure.certificate = certificate;
    failure
}

fn verify_reason(verify_text: &str) -> TlsFailureReason {
    const TEXTS: [(&str, TlsFailureReason); 12] = [
        ("has expired", TlsFailureReason::Expired),
        ("not yet valid", TlsFailureReason::NotYetValid),
        ("hostname mismatch", TlsFailureReason::WrongName),
        ("ip address mismatch", TlsFailureReason::WrongName),
        ("certificate in certificate chain", TlsFailureReason::UnknownIssuer),
        ("self-signed certificate", TlsFailureReason::SelfSigned),
        ("self signed certificate", TlsFailureReason::SelfSigned),
        ("unable to get local issuer", TlsFailureReason::UnknownIssuer),
        ("unable to get issuer", TlsFailureReason::UnknownIssuer),
        ("unable to verify the first", TlsFailureReason::UnknownIssuer),
        ("certificate not trusted", TlsFailureReason::UnknownIssuer),
        ("invalid ca certificate", TlsFailureReason::UnknownIssuer),
    ];
    let found = TEXTS.iter().find(|(part, _)| verify_text.contains(part));
    found.map_or(TlsFailureReason::Unverified, |(_, reason)| *reason)
}

fn verify_help(reason: TlsFailureReason) -> Option<TlsHelp> {
    let (in_scenario, by_options) = match reason {
        TlsFailureReason::Expired => (
            "renew the certificate, or give `verify: false` (`--insecure`) if that does not matter here",
            "renew the certificate, or give `--insecure` if that does not matter here",
        ),
        TlsFailureReason::NotYetValid => (
            "check both clocks, or give `verify: false` (`--insecure`) if that does not matter here",
            "check both clocks, or give `--insecure` if that does not matter here",
        ),
        TlsFailureReason::WrongName => (
            "connect to a name of the certificate's, or give it as `server_name`",
            "connect to a name that the certificate holds, or give `--insecure` if that does not matter here",
        ),
        TlsFailureReason::UnknownIssuer => (
            "give the issuer's certificate as `ca_file` (`--ca-file FILE`), or `verify: false` (`--insecure`); \
            a public server may have left out its intermediate certificate",
            "give the issuer's certificate by `--ca-file FILE`, or do not verify it: `--insecure`; \
            a public server may have left out its intermediate certificate",
        ),
        TlsFailureReason::SelfSigned => (
            "give the certificate itself as `ca_file` (`--ca-file FILE`), or `verify: false` (`--insecure`)",
            "give the certificate itself by `--ca-file FILE`, or do not verify it: `--insecure`",
        ),
        _ => return None,
    };
    Some(TlsHelp { in_scenario, by_options })
}

fn named_instead(certificate: &PeerCertificate) -> String {
    if certificate.names.is_empty() {
        return format!(": it names no host at all (subject `{}`)", certificate.subject);
    }
    let names: Vec<String> = certificate.names.iter().map(|it| format!("`{it}`")).collect();
    format!(": it names {}", names.join(", "))
}

/// The server answered with an alert.
fn refused(text: &str) -> Option<TlsFailure> {
    let number = alert_number(text)?;
    let reason = match number {
        70 => TlsFailureReason::ProtocolVersion,
        _ => TlsFailureReason::Alert(number),
    };
    let message = format!("the server refused the TLS handshake with {}", alert_in_words(number));
    Some(TlsFailure::plain(reason, message, alert_help(number)))
}

fn not_tls(recording: &Recording) -> Option<TlsFailure> {
    if looks_like_tls(&recording.received) {
        return None;
    }
    let message = "the server answered the TLS handshake with something that is not TLS";
    let help = TlsHelp {
        in_scenario: "does this port speak plain SMTP? leave `tls: implicit` out and use a `starttls` step",
        by_options: "does this port speak plain SMTP? leave out `--tls`, or begin TLS by `--starttls`",
    };
    let mut failure = TlsFailure::plain(TlsFailureReason::NotTls, message, Some(help));
    failure.received = recording.received.iter().copied().take(RECEIVED_AT_MOST).collect();
    Some(failure)
}

/// What this machine's library complains of in itself: nothing is proven about the server.
fn local(text: &str) -> Option<TlsFailure> {
    const TEXTS: [&str; 8] = [
        "legacy sigalg disallowed",
        "no protocols available",
        "no ciphers available",
        "no suitable",
        "key too small",
        "md too weak",
        "unsafe legacy renegotiation disabled",
        "internal error",
    ];
    TEXTS.iter().find(|part| text.contains(*part))?;
    let message = format!("the TLS library of this machine gave up: {}", reason_of(text));
    let help = "nothing is proven about the server: OpenSSL itself refuses this, often by its security level";
    Some(TlsFailure::plain(TlsFailureReason::Local, message, Some(help.into())))
}

fn no_common_version(text: &str, flight: &ServerFlight) -> Option<TlsFailure> {
    let texts = ["unsupported protocol", "version too low", "wrong ssl version"];
    if !texts.iter().any(|part| text.contains(part)) {
        return None;
    }
    let message = match flight.version {
        Some(version) => format!("the server chose {version}, which is not allowed here"),
        None => "no TLS version is left that both sides allow".to_owned(),
    };
    let help = TlsHelp {
        in_scenario: "`min_version` and `max_version` set the versions allowed; TLS 1.0 and 1.1 may be switched off in OpenSSL itself",
        by_options: "the server is too old for TLS 1.2: a scenario may allow older versions by `min_version`",
    };
    Some(TlsFailure::plain(TlsFailureReason::ProtocolVersion, message, Some(help)))
}

fn lost(recording: &Recording) -> Option<TlsFailure> {
    let (reason, message) = match recording.end? {
        SocketEnd::Closed => (TlsFailureReason::Closed, "the server closed the connection during the TLS handshake"),
        SocketEnd::Reset => (TlsFailureReason::Reset, "the connection was reset during the TLS handshake"),
    };
    Some(TlsFailure::plain(reason, message, None))
}

/// A failure of an open TLS session: `None` is the end of the stream, reached without `close_notify`.
///
/// A lost TCP connection keeps its kind; what TLS itself complains of becomes `InvalidData`, so that the two can be told
/// apart.
pub(super) fn session_failure(error: io::Error) -> Option<io::Error> {
    if error.raw_os_error().is_some() {
        return Some(error);
    }
    let text = error.to_string();
    if text.contains("unexpected eof") || error.kind() == io::ErrorKind::UnexpectedEof {
        return None;
    }
    Some(match alert_number(&text) {
        Some(number) => SessionFailure::Alert(number).into(),
        None => io::Error::new(io::ErrorKind::InvalidData, format!("TLS failed: {}", reason_of(&text))),
    })
}

/// What ended an open TLS session, where that is more than a lost connection. It stands within an `io::Error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionFailure {
    /// What came was no TLS: its first octets.
    NotTls(Vec<u8>),
    /// The server sent this alert (RFC 8446 section 6).
    Alert(u8),
}

impl SessionFailure {
    /// What ended the session by this error.
    pub(crate) fn within(error: &io::Error) -> Option<&SessionFailure> {
        error.get_ref()?.downcast_ref()
    }
}

impl std::fmt::Display for SessionFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SessionFailure::NotTls(_) => formatter.write_str("TLS failed: what came is no TLS"),
            SessionFailure::Alert(number) => {
                write!(formatter, "the server ended TLS with {}", alert_in_words(*number))?;
                alert_help(*number).map_or(Ok(()), |help| write!(formatter, ": {}", help.in_scenario))
            }
        }
    }
}

impl std::error::Error for SessionFailure {}

impl From<SessionFailure> for io::Error {
    fn from(failure: SessionFailure) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, failure)
    }
}

/// Whether a failure of an open session means that octets came that are no record.
pub(crate) fn is_no_record(error: &io::Error) -> bool {
    const TEXTS: [&str; 5] =
        ["wrong version number", "http request", "packet length too long", "record too small", "bad record type"];
    let text = error.to_string();
    TEXTS.iter().any(|part| text.contains(part))
}

/// The reason in one of OpenSSL's error lines (`error:CODE:LIBRARY:FUNCTION:REASON:FILE:LINE:DATA`), else all of it.
pub(super) fn reason_of(text: &str) -> &str {
    let Some((_, line)) = text.split_once("error:") else {
        return text;
    };
    let reason = line.split(':').nth(3).map(str::trim);
    reason.filter(|it| !it.is_empty()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_lines_are_cut_down_to_their_reason() {
        let text = "error:0A00010B:SSL routines:ssl3_get_record:wrong version number:ssl/record/ssl3_record.c:354:";
        assert_eq!(reason_of(text), "wrong version number");
        assert_eq!(reason_of("something else"), "something else");
    }

    #[test]
    fn both_spellings_of_self_signed_are_known() {
        for (text, reason) in [
            ("self signed certificate", TlsFailureReason::SelfSigned),
            ("self-signed certificate", TlsFailureReason::SelfSigned),
            ("self-signed certificate in certificate chain", TlsFailureReason::UnknownIssuer),
            ("self signed certificate in certificate chain", TlsFailureReason::UnknownIssuer),
        ] {
            assert_eq!(verify_reason(text), reason, "{text}");
        }
    }

    #[test]
    fn what_the_library_of_this_machine_refuses_is_local() {
        for text in [
            "error:0A00014D:SSL routines:tls12_check_peer_sigalg:legacy sigalg disallowed:ssl/t1_lib.c:1589:",
            "error:0A0000BF:SSL routines:tls_setup_handshake:no protocols available:ssl/statem/statem_lib.c:104:",
            "error:0A00018A:SSL routines:tls_process_ske_dhe:dh key too small:ssl/statem/statem_clnt.c:2100:",
        ] {
            let failure = TlsFailure::judge(text, &Recording::default(), "mx.example.com");
            assert_eq!(failure.reason, TlsFailureReason::Local, "{text}");
            assert_eq!(failure.reason.word(), "local");
            assert!(failure.message.starts_with("the TLS library of this machine gave up: "), "{}", failure.message);
            assert!(failure.help.is_some());
        }
        // What the server refused is its own doing, whatever else the library says.
        let text = "error:0A000438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error:x.c:1:SSL alert number 80";
        let failure = TlsFailure::judge(text, &Recording::default(), "mx.example.com");
        assert_eq!(failure.reason, TlsFailureReason::Alert(80));
    }

    #[test]
    fn a_lost_connection_is_no_tls_failure() {
        let reset = io::Error::from_raw_os_error(104);
        assert_eq!(session_failure(reset).unwrap().kind(), io::ErrorKind::ConnectionReset);
        let alert = io::Error::other(
            "error:0A00045C:SSL routines:f:tlsv13 alert certificate required:x.c:1:SSL alert number 116",
        );
        let failure = session_failure(alert).unwrap();
        assert_eq!(failure.kind(), io::ErrorKind::InvalidData);
        assert!(failure.to_string().contains("`certificate required` (116)"), "{failure}");
    }
}
