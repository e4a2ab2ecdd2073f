//! SASL mechanisms (RFC 4422) as AUTH carries them (RFC 4954), from the client's side: pure state machines.
//!
//! Responsible for what the client answers to which challenge, and for checking what a server must prove. Not for base64
//! nor reply codes: messages come in decoded and go out as they are. The step `auth` plays an [`SaslClient`]; template
//! functions and the sandbox use the messages that it is made of.

mod course;
mod exchange;
pub(crate) mod messages;
pub(crate) mod scram;

pub(crate) use course::LoginCourse;
pub use exchange::SaslClient;

use super::extension::Extensions;
use std::fmt;
use std::str::FromStr;

/// The reply code of a challenge (RFC 4954 section 4).
pub(crate) const CHALLENGE: u16 = 334;

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardised, and everywhere (draft-murchison-sasl-login).
    Login,
    /// RFC 2195.
    CramMd5,
    /// RFC 5802.
    ScramSha1,
    /// RFC 5802 with the channel binding `tls-server-end-point` (RFC 5929 section 4).
    ScramSha1Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 7677 with the channel binding `tls-server-end-point` (RFC 5929 section 4).
    ScramSha256Plus,
    /// Google's and Microsoft's bearer token.
    XOAuth2,
    /// RFC 7628.
    OAuthBearer,
    /// RFC 4422 appendix A: who the client is follows from its certificate.
    External,
    /// RFC 4505.
    Anonymous,
}

impl Mechanism {
    /// Every mechanism, the strongest first.
    pub const ALL: [Mechanism; 11] = [
        Mechanism::ScramSha256Plus,
        Mechanism::ScramSha1Plus,
        Mechanism::ScramSha256,
        Mechanism::ScramSha1,
        Mechanism::External,
        Mechanism::OAuthBearer,
        Mechanism::XOAuth2,
        Mechanism::CramMd5,
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::Anonymous,
    ];

    /// The name as servers list it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::ScramSha1 => "SCRAM-SHA-1",
            Mechanism::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Mechanism::XOAuth2 => "XOAUTH2",
            Mechanism::OAuthBearer => "OAUTHBEARER",
            Mechanism::External => "EXTERNAL",
            Mechanism::Anonymous => "ANONYMOUS",
        }
    }

    /// Whether it shows the secret itself to the server, and to whoever listens.
    #[must_use]
    pub fn is_plain_text(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Login | Mechanism::XOAuth2 | Mechanism::OAuthBearer)
    }

    /// Whether it ties the exchange to the TLS session.
    #[must_use]
    pub fn binds_channel(self) -> bool {
        matches!(self, Mechanism::ScramSha1Plus | Mechanism::ScramSha256Plus)
    }

    /// Whether it takes a token in place of a password.
    #[must_use]
    pub fn takes_token(self) -> bool {
        self.needs().contains(&"token")
    }

    /// What it cannot do without, of `username`, `password` and `token`.
    #[must_use]
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Mechanism::XOAuth2 => &["username", "token"],
            Mechanism::OAuthBearer => &["token"],
            Mechanism::External | Mechanism::Anonymous => &[],
            _ => &["username", "password"],
        }
    }

    /// The hash of a SCRAM mechanism.
    pub(crate) fn scram_hash(self) -> Option<scram::Hash> {
        match self {
            Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Some(scram::Hash::Sha1),
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => Some(scram::Hash::Sha256),
            _ => None,
        }
    }

    /// The form of a SCRAM mechanism that binds the channel; itself where there is none.
    #[must_use]
    pub fn with_binding(self) -> Mechanism {
        match self {
            Mechanism::ScramSha1 => Mechanism::ScramSha1Plus,
            Mechanism::ScramSha256 => Mechanism::ScramSha256Plus,
            other => other,
        }
    }
}

/// Mechanisms that nobody logs in by here, but others do: of the IANA registry, and of single servers.
const OTHER_MECHANISMS: [&str; 13] = [
    "DIGEST-MD5",
    "GS2-KRB5",
    "GSSAPI",
    "GSS-SPNEGO",
    "KERBEROS_V4",
    "KERBEROS_V5",
    "MSN",
    "NMAS",
    "NTLM",
    "SCRAM-SHA-512",
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA3-512",
    "XOAUTH",
];

/// The names of all mechanisms that are known, whoever logs in by them.
pub(crate) fn mechanism_names() -> impl Iterator<Item = &'static str> {
    Mechanism::ALL.into_iter().map(Mechanism::name).chain(OTHER_MECHANISMS)
}

impl fmt::Display for Mechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Mechanism {
    type Err = AuthFault;

    /// Reads a name in any letter case.
    ///
    /// # Errors
    /// It is none of the known ones, which the message lists.
    fn from_str(name: &str) -> Result<Mechanism, AuthFault> {
        let known = || Mechanism::ALL.iter().copied();
        known().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let list: Vec<&str> = known().map(Mechanism::name).collect();
            AuthFault::new(
                FaultKind::Credentials,
                format!("`{name}` is not a mechanism: known are {}", list.join(", ")),
            )
        })
    }
}

/// The strongest mechanism that a server offers and that can be used: one that takes a token where there is one, else one
/// that takes a password. A plain-text one only over TLS, a `-PLUS` one only with channel binding; EXTERNAL and ANONYMOUS
/// never, since they use neither.
#[must_use]
pub fn strongest(offered: &Extensions, tls: bool, have_token: bool, have_binding: bool) -> Option<Mechanism> {
    Mechanism::ALL.into_iter().find(|mechanism| {
        let secret = if have_token { "token" } else { "password" };
        mechanism.needs().contains(&secret)
            && offered.offers("AUTH", Some(mechanism.name()))
            && (tls || !mechanism.is_plain_text())
            && (have_binding || !mechanism.binds_channel())
    })
}

/// Who logs in. What a mechanism does not use is left empty.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The user name (authentication identity); for ANONYMOUS the trace information.
    pub username: String,
    /// The password.
    pub password: String,
    /// The OAuth 2 access token.
    pub token: String,
    /// On whose behalf (authorization identity); empty for the user's own.
    pub authzid: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Why an exchange cannot go on. The message never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthFault {
    /// Whose fault it is, and at which point.
    pub kind: FaultKind,
    /// What came and what was expected, in lower case.
    pub message: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// What was given to the mechanism cannot be used.
    Credentials,
    /// A challenge is malformed, or comes where none is expected.
    Challenge,
    /// The server changed the client's nonce.
    Nonce,
    /// The server asks for more hashing than anyone should do.
    Iterations,
    /// The server did not prove that it knows the password.
    Signature,
}

impl AuthFault {
    pub(crate) fn new(kind: FaultKind, message: impl Into<String>) -> AuthFault {
        AuthFault { kind, message: message.into() }
    }
}

impl fmt::Display for AuthFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for AuthFault {}

#[cfg(test)]
mod tests;
