//! The server's half of the SASL exchanges that AUTH carries (RFC 4954).
//!
//! Responsible for challenges, for judging responses, and for the logins the sandbox takes; when AUTH is allowed at all,
//! and what follows from it, is the protocol's business. SCRAM is in `scram`.

mod scram;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::smtp::auth::{Mechanism, messages};

/// The mechanisms in the order of the EHLO reply.
const LISTED: [Mechanism; 11] = [
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::CramMd5,
    Mechanism::ScramSha1,
    Mechanism::ScramSha256,
    Mechanism::XOAuth2,
    Mechanism::OAuthBearer,
    Mechanism::ScramSha1Plus,
    Mechanism::ScramSha256Plus,
    Mechanism::External,
    Mechanism::Anonymous,
];

const USER_NAME_CHALLENGE: &str = "334 VXNlcm5hbWU6";
const PASSWORD_CHALLENGE: &str = "334 UGFzc3dvcmQ6";
/// The blank belongs to it: an empty challenge is still a challenge (RFC 4954 4).
const EMPTY_CHALLENGE: &str = "334 ";
const UNKNOWN_MECHANISM: &str = "504 5.5.4 Unrecognized authentication mechanism";
const CANCELLED: &str = "501 5.7.0 Authentication cancelled";
const NOT_BASE64: &str = "501 5.5.2 Cannot decode the response: it is not base64";
const NOT_PLAIN: &str = "501 5.5.2 A PLAIN message is authzid NUL authcid NUL password";
const NO_INITIAL_RESPONSE: &str = "501 5.5.2 In this mechanism the server speaks first";
const NO_CERTIFICATE: &str = "535 5.7.8 EXTERNAL wants a client certificate";
const NOT_UTF8: &str = "501 5.5.2 An authorization identity is UTF-8";
/// As Google and Microsoft have it.
const XOAUTH2: TokenForm = TokenForm {
    openings: &[b"user="],
    needs_user: true,
    error: r#"{"status":"401","schemes":"bearer","scope":"https://mail.example/"}"#,
};
/// RFC 7628 3.1 and 3.2.2.
const OAUTHBEARER: TokenForm = TokenForm {
    openings: &[b"n,a=", b"y,a=", b"n,", b"y,"],
    needs_user: false,
    error: r#"{"status":"invalid_token"}"#,
};

/// A message of parts that end in an octet 01: the first holds the user, another the token.
struct TokenForm {
    /// What may stand before the user.
    openings: &'static [&'static [u8]],
    needs_user: bool,
    /// The reason of a refusal.
    error: &'static str,
}

/// Credentials that the sandbox takes. A password is an access token as well.
#[derive(Clone)]
pub(crate) enum Login {
    /// Any user name with this password.
    AnyUser {
        /// The password, compared octet by octet.
        password: String,
    },
    /// This user name with this password.
    User {
        /// The user name, compared octet by octet.
        name: String,
        /// The password, compared octet by octet.
        password: String,
    },
    /// Any user name with any password, where the mechanism shows it.
    Anybody,
}

impl Login {
    /// Whether this user could be let in.
    pub(crate) fn is_for(&self, user: &str) -> bool {
        match self {
            Self::User { name, .. } => name == user,
            Self::AnyUser { .. } | Self::Anybody => !user.is_empty(),
        }
    }

    /// The password of a user; an empty user name is nobody's.
    fn password_of(&self, user: &[u8]) -> Option<&str> {
        match self {
            Self::AnyUser { password } => (!user.is_empty()).then_some(password),
            Self::User { name, password } => (!user.is_empty() && name.as_bytes() == user).then_some(password),
            Self::Anybody => None,
        }
    }

    fn accepts(&self, user: &[u8], password: &[u8]) -> bool {
        match self {
            Self::Anybody => !user.is_empty(),
            _ => self.password_of(user).is_some_and(|expected| expected.as_bytes() == password),
        }
    }

    /// OAUTHBEARER may leave the user to the token.
    fn accepts_token(&self, user: &[u8], token: &[u8]) -> bool {
        match self {
            Self::AnyUser { password } | Self::User { password, .. } if user.is_empty() => password.as_bytes() == token,
            Self::Anybody => !token.is_empty(),
            _ => self.accepts(user, token),
        }
    }

    /// Any digest of anybody is as good as another.
    fn accepts_digest(&self, user: &[u8], message: &[u8], challenge: &[u8]) -> bool {
        match self {
            Self::Anybody => !user.is_empty(),
            _ => self
                .password_of(user)
                .is_some_and(|password| messages::cram_md5(user, password.as_bytes(), challenge) == message),
        }
    }
}

/// Who is let in, how, and what the exchange can be bound to.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    pub(crate) logins: &'a [Login],
    /// The mechanisms that may be used; `None` stands for all that can be.
    pub(crate) mechanisms: Option<&'a [Mechanism]>,
    /// The `tls-server-end-point` of the TLS session (RFC 5929 4), where there is one.
    pub(crate) end_point: Option<&'a [u8]>,
    /// The names in the client's certificate, where it has shown one.
    pub(crate) certificate: Option<&'a [String]>,
}

impl Gate<'_> {
    /// What the EHLO reply lists after `AUTH`. ANONYMOUS, which lets anybody in, is listed where it was asked for.
    pub(crate) fn mechanisms(self) -> Vec<&'static str> {
        let chosen = |mechanism| self.mechanisms.is_some() || mechanism != Mechanism::Anonymous;
        let listed = LISTED.into_iter().filter(|mechanism| self.offers(*mechanism) && chosen(*mechanism));
        listed.map(Mechanism::name).collect()
    }

    fn offers(self, mechanism: Mechanism) -> bool {
        let is_chosen = self.mechanisms.is_none_or(|chosen| chosen.contains(&mechanism));
        is_chosen
            && match mechanism {
                Mechanism::External => self.certificate.is_some(),
                // Without a password there is nothing that the server could prove to know.
                _ if mechanism.scram_hash().is_some() => {
                    (self.end_point.is_some() || !mechanism.binds_channel()) && !self.lets_anybody_in()
                }
                _ => true,
            }
    }

    fn lets_anybody_in(self) -> bool {
        self.logins.iter().any(|login| matches!(login, Login::Anybody))
    }

    fn passwords_of(&self, user: &[u8]) -> impl Iterator<Item = &str> {
        self.logins.iter().filter_map(move |login| login.password_of(user))
    }

    fn accepts(&self, user: &[u8], password: &[u8]) -> bool {
        self.logins.iter().any(|login| login.accepts(user, password))
    }
}

/// An exchange that waits for the client's next response. An authorization identity is ignored everywhere: the sandbox
/// has no mailboxes to keep apart.
#[derive(Debug, PartialEq)]
pub(crate) enum SaslServer {
    Plain,
    LoginName,
    LoginPassword {
        name: Vec<u8>,
    },
    CramMd5 {
        challenge: String,
    },
    ScramFirst(scram::Variant),
    ScramFinal(Box<scram::Final>),
    /// The server's signature was sent.
    ScramEnd,
    XOAuth2,
    OAuthBearer,
    /// The reason was sent; the client is to answer it with nothing of importance.
    TokenRefused,
    External,
    Anonymous,
}

/// Where an exchange stands after the client's turn.
#[derive(Debug, PartialEq)]
pub(crate) enum ServerTurn {
    /// The server sends this reply and waits.
    Challenge(SaslServer, Cow<'static, str>),
    /// The client has said all: whether it is let in.
    Verdict(bool),
    /// The exchange failed with this reply.
    Refused(&'static str),
}

impl SaslServer {
    /// Starts the exchange of `AUTH mechanism [initial-response]`; `=` is an empty initial response.
    pub(crate) fn start(mechanism: &str, initial_response: Option<&str>, gate: Gate<'_>) -> ServerTurn {
        let Ok(mechanism) = mechanism.parse::<Mechanism>() else { return ServerTurn::Refused(UNKNOWN_MECHANISM) };
        if mechanism == Mechanism::External && gate.certificate.is_none() {
            return ServerTurn::Refused(NO_CERTIFICATE);
        }
        if !gate.offers(mechanism) {
            return ServerTurn::Refused(UNKNOWN_MECHANISM);
        }
        let exchange = Self::of(mechanism);
        match initial_response {
            Some(_) if matches!(exchange, Self::CramMd5 { .. }) => ServerTurn::Refused(NO_INITIAL_RESPONSE),
            None => {
                let challenge = exchange.first_challenge();
                ServerTurn::Challenge(exchange, challenge)
            }
            Some("=") => exchange.next(Vec::new(), gate),
            Some(response) => exchange.take(response, gate),
        }
    }

    fn of(mechanism: Mechanism) -> Self {
        match mechanism {
            Mechanism::Plain => Self::Plain,
            Mechanism::Login => Self::LoginName,
            Mechanism::CramMd5 => {
                Self::CramMd5 { challenge: format!("<{:x}@sandbox.smtp-script.example>", fastrand::u128(..)) }
            }
            Mechanism::XOAuth2 => Self::XOAuth2,
            Mechanism::OAuthBearer => Self::OAuthBearer,
            Mechanism::External => Self::External,
            Mechanism::Anonymous => Self::Anonymous,
            scram => Self::ScramFirst(scram::Variant::of(scram)),
        }
    }

    /// The user that a response names, where it does.
    pub(crate) fn user_in(&self, response: &str) -> Option<String> {
        let octets = STANDARD.decode(response).ok()?;
        let between = |opening: &[u8], end: u8| {
            let start = memchr::memmem::find(&octets, opening)? + opening.len();
            octets[start..].split(|octet| *octet == end).next()
        };
        let user = match self {
            Self::Plain => octets.split(|octet| *octet == 0).nth(1),
            Self::LoginName => Some(&octets[..]),
            Self::CramMd5 { .. } => octets.iter().rposition(|octet| *octet == b' ').map(|end| &octets[..end]),
            Self::ScramFirst(_) => between(b"n=", b','),
            Self::XOAuth2 => between(b"user=", 1),
            Self::OAuthBearer => between(b"a=", b','),
            _ => None,
        };
        user.map(|user| String::from_utf8_lossy(user).into_owned())
    }

    /// The same for an initial response.
    pub(crate) fn user_at_start(mechanism: &str, response: &str) -> Option<String> {
        mechanism.parse::<Mechanism>().ok().and_then(|mechanism| Self::of(mechanism).user_in(response))
    }

    fn first_challenge(&self) -> Cow<'static, str> {
        match self {
            Self::LoginName => USER_NAME_CHALLENGE.into(),
            Self::CramMd5 { challenge } => encoded(challenge),
            _ => EMPTY_CHALLENGE.into(),
        }
    }

    /// Takes the line with which the client answered a challenge.
    pub(crate) fn take(self, response: &str, gate: Gate<'_>) -> ServerTurn {
        if response == "*" {
            return ServerTurn::Refused(CANCELLED);
        }
        STANDARD.decode(response).map_or(ServerTurn::Refused(NOT_BASE64), |response| self.next(response, gate))
    }

    fn next(self, response: Vec<u8>, gate: Gate<'_>) -> ServerTurn {
        match self {
            Self::Plain => plain(&response, gate),
            Self::LoginName => ServerTurn::Challenge(Self::LoginPassword { name: response }, PASSWORD_CHALLENGE.into()),
            Self::LoginPassword { name } => ServerTurn::Verdict(gate.accepts(&name, &response)),
            Self::CramMd5 { challenge } => ServerTurn::Verdict(is_digest(&response, &challenge, gate)),
            Self::ScramFirst(variant) => scram::first(variant, &response, gate),
            Self::ScramFinal(last) => last.judge(&response, gate),
            Self::ScramEnd if response.is_empty() => ServerTurn::Verdict(true),
            Self::ScramEnd => ServerTurn::Refused(scram::MALFORMED),
            Self::XOAuth2 => token(&response, &XOAUTH2, gate),
            Self::OAuthBearer => token(&response, &OAUTHBEARER, gate),
            Self::TokenRefused => ServerTurn::Verdict(false),
            Self::External => external(&response, gate),
            Self::Anonymous => ServerTurn::Verdict(true),
        }
    }
}

fn plain(message: &[u8], gate: Gate<'_>) -> ServerTurn {
    let parts: Vec<&[u8]> = message.split(|&octet| octet == 0).collect();
    match parts[..] {
        [_, name, password] => ServerTurn::Verdict(gate.accepts(name, password)),
        _ => ServerTurn::Refused(NOT_PLAIN),
    }
}

/// RFC 4422 appendix A: without an authorization identity, the client is whom its certificate is for.
fn external(identity: &[u8], gate: Gate<'_>) -> ServerTurn {
    let Ok(identity) = str::from_utf8(identity) else { return ServerTurn::Refused(NOT_UTF8) };
    let Some(names) = gate.certificate else { return ServerTurn::Refused(NO_CERTIFICATE) };
    ServerTurn::Verdict(identity.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case(identity)))
}

/// RFC 2195: the user name may hold blanks, the digest does not.
fn is_digest(response: &[u8], challenge: &str, gate: Gate<'_>) -> bool {
    let Some(blank) = response.iter().rposition(|octet| *octet == b' ') else { return false };
    let user = &response[..blank];
    gate.logins.iter().any(|login| login.accepts_digest(user, response, challenge.as_bytes()))
}

fn token(message: &[u8], form: &TokenForm, gate: Gate<'_>) -> ServerTurn {
    let mut parts = message.split(|octet| *octet == 1);
    let first = parts.next().unwrap_or_default();
    let user = form.openings.iter().find_map(|opening| first.strip_prefix(*opening));
    let token = parts.find_map(|part| part.strip_prefix(b"auth=Bearer "));
    let user = user.map(|user| user.strip_suffix(b",").unwrap_or(user));
    let user = user.filter(|user| !user.is_empty() || !form.needs_user);
    match (user, token) {
        (Some(user), Some(token)) if gate.logins.iter().any(|login| login.accepts_token(user, token)) => {
            ServerTurn::Verdict(true)
        }
        _ => ServerTurn::Challenge(SaslServer::TokenRefused, encoded(form.error)),
    }
}

fn encoded(challenge: &str) -> Cow<'static, str> {
    format!("334 {}", STANDARD.encode(challenge)).into()
}

#[cfg(test)]
mod tests;
