//! What is wrong with a server's certificate, and why TLS with a client failed: in words, without OpenSSL's numbers.

use openssl::error::ErrorStack;
use openssl::ssl;
use std::fmt;

/// Why there is no TLS as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AcceptorFault {
    /// The certificate could not be made.
    NotMade(String),
    /// The file of the certificate holds none.
    NoCertificate,
    /// The file of the key holds none.
    NoKey,
    /// The key belongs to another certificate.
    OtherKey,
    /// What can't be read as PEM, and why.
    Unreadable { what: &'static str, reason: String },
    /// A list of ciphers names none that OpenSSL has.
    Ciphers(String),
    /// OpenSSL takes the settings together for wrong.
    Settings(String),
}

impl AcceptorFault {
    pub(super) fn unreadable(what: &'static str, error: &ErrorStack) -> AcceptorFault {
        AcceptorFault::Unreadable { what, reason: in_words(error) }
    }
}

impl From<ErrorStack> for AcceptorFault {
    fn from(error: ErrorStack) -> AcceptorFault {
        AcceptorFault::Settings(in_words(&error))
    }
}

impl fmt::Display for AcceptorFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcceptorFault::NotMade(reason) => write!(formatter, "the certificate could not be made: {reason}"),
            AcceptorFault::NoCertificate => formatter.write_str("the file of the certificate holds none in PEM"),
            AcceptorFault::NoKey => formatter.write_str("the file of the key holds none in PEM"),
            AcceptorFault::OtherKey => formatter.write_str("the key does not belong to the certificate"),
            AcceptorFault::Unreadable { what, reason } => write!(formatter, "{what}: {reason}"),
            AcceptorFault::Ciphers(reason) => write!(formatter, "`ciphers` names none that there is: {reason}"),
            AcceptorFault::Settings(reason) => formatter.write_str(reason),
        }
    }
}

/// Why a handshake failed, in words that follow "the TLS handshake failed: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HandshakeFailure {
    /// The client said no, by this alert (RFC 8446 section 6), in OpenSSL's words.
    Refused(String),
    /// What the client sent is no TLS: how OpenSSL noticed.
    NotTls(String),
    /// The client closed the connection.
    Closed,
    /// The client reset the connection.
    Reset,
    /// Anything else.
    Other(String),
}

impl fmt::Display for HandshakeFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeFailure::Refused(alert) => write!(formatter, "the client refused: {alert}"),
            HandshakeFailure::NotTls(reason) => write!(formatter, "the client did not speak TLS ({reason})"),
            HandshakeFailure::Closed => formatter.write_str("the client closed the connection"),
            HandshakeFailure::Reset => formatter.write_str("the client reset the connection"),
            HandshakeFailure::Other(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for HandshakeFailure {}

impl From<ErrorStack> for HandshakeFailure {
    fn from(error: ErrorStack) -> HandshakeFailure {
        HandshakeFailure::Other(in_words(&error))
    }
}

impl From<ssl::Error> for HandshakeFailure {
    fn from(error: ssl::Error) -> HandshakeFailure {
        failure(&error)
    }
}

/// What OpenSSL says of a failure, without its numbers.
pub(super) fn in_words(error: &ErrorStack) -> String {
    let reason = error.errors().first().and_then(openssl::error::Error::reason);
    reason.map_or_else(|| "OpenSSL gives no reason".to_owned(), str::to_lowercase)
}

/// Why TLS with a client failed.
pub(in crate::server) fn failure(error: &ssl::Error) -> HandshakeFailure {
    let reason = error.ssl_error().and_then(|stack| stack.errors().first()).and_then(openssl::error::Error::reason);
    let Some(reason) = reason.map(str::to_lowercase) else {
        return match error.io_error().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionReset) => HandshakeFailure::Reset,
            _ => HandshakeFailure::Closed,
        };
    };
    match reason.split_once("alert ") {
        Some((_, alert)) => HandshakeFailure::Refused(alert.to_owned()),
        None if matches!(reason.as_str(), "wrong version number" | "http request" | "packet length too long") => {
            HandshakeFailure::NotTls(reason)
        }
        None => HandshakeFailure::Other(reason),
    }
}
