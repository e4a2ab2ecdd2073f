//! The server's half of the SASL exchanges PLAIN (RFC 4616) and LOGIN, carried by AUTH (RFC 4954).
//!
//! Responsible for challenges, responses and the logins the sandbox takes; when AUTH is allowed at all, and what
//! follows from it, is the protocol's business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The mechanisms as the EHLO reply lists them.
pub(crate) const MECHANISMS: &str = "PLAIN LOGIN";

const USER_NAME_CHALLENGE: &str = "334 VXNlcm5hbWU6";
const PASSWORD_CHALLENGE: &str = "334 UGFzc3dvcmQ6";
/// The blank belongs to it: an empty challenge is still a challenge (RFC 4954 4).
const EMPTY_CHALLENGE: &str = "334 ";
const UNKNOWN_MECHANISM: &str = "504 5.5.4 Unrecognized authentication mechanism";
const CANCELLED: &str = "501 5.7.0 Authentication cancelled";
const NOT_BASE64: &str = "501 5.5.2 Cannot decode the response: it is not base64";
const NOT_PLAIN: &str = "501 5.5.2 A PLAIN message is authzid NUL authcid NUL password";

/// Credentials that the sandbox takes.
#[derive(Clone)]
pub(crate) enum Login {
    /// Any user name with this password.
    AnyUser {
        /// The password, compared octet by octet.
        password: String,
    },
    /// This user name with this password.
    #[cfg_attr(not(test), expect(dead_code, reason = "the sandbox of `run` lets any user name in"))]
    User {
        /// The user name, compared octet by octet.
        name: String,
        /// The password, compared octet by octet.
        password: String,
    },
}

impl Login {
    /// An empty user name is nobody's.
    pub(crate) fn accepts(&self, credentials: &Credentials) -> bool {
        let (name, expected) = match self {
            Self::AnyUser { password } => (None, password),
            Self::User { name, password } => (Some(name), password),
        };
        !credentials.name.is_empty()
            && name.is_none_or(|name| name.as_bytes() == credentials.name)
            && expected.as_bytes() == credentials.password
    }
}

/// What the client claimed. An authorization identity is ignored: the sandbox has no mailboxes to keep apart.
#[derive(PartialEq)]
pub(crate) struct Credentials {
    name: Vec<u8>,
    password: Vec<u8>,
}

/// An exchange that waits for the client's next response.
#[derive(PartialEq)]
pub(crate) enum Exchange {
    Plain,
    LoginName,
    LoginPassword { name: Vec<u8> },
}

/// Where an exchange stands after the client's turn.
#[derive(PartialEq)]
pub(crate) enum Turn {
    /// The server sends this reply and waits.
    Challenge(Exchange, &'static str),
    /// The client has said all.
    Claim(Credentials),
    /// The exchange failed with this reply.
    Refused(&'static str),
}

impl Exchange {
    /// Starts the exchange of `AUTH mechanism [initial-response]`; `=` is an empty initial response.
    pub(crate) fn start(mechanism: &str, initial_response: Option<&str>) -> Turn {
        let (exchange, challenge) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => (Self::Plain, EMPTY_CHALLENGE),
            "LOGIN" => (Self::LoginName, USER_NAME_CHALLENGE),
            _ => return Turn::Refused(UNKNOWN_MECHANISM),
        };
        match initial_response {
            None => Turn::Challenge(exchange, challenge),
            Some("=") => exchange.next(Vec::new()),
            Some(response) => exchange.take(response),
        }
    }

    /// Takes the line with which the client answered a challenge.
    pub(crate) fn take(self, response: &str) -> Turn {
        if response == "*" {
            return Turn::Refused(CANCELLED);
        }
        STANDARD.decode(response).map_or(Turn::Refused(NOT_BASE64), |response| self.next(response))
    }

    fn next(self, response: Vec<u8>) -> Turn {
        match self {
            Self::Plain => plain(&response),
            Self::LoginName => Turn::Challenge(Self::LoginPassword { name: response }, PASSWORD_CHALLENGE),
            Self::LoginPassword { name } => Turn::Claim(Credentials { name, password: response }),
        }
    }
}

fn plain(message: &[u8]) -> Turn {
    let parts: Vec<&[u8]> = message.split(|&octet| octet == 0).collect();
    match parts[..] {
        [_, name, password] => Turn::Claim(Credentials { name: name.to_vec(), password: password.to_vec() }),
        _ => Turn::Refused(NOT_PLAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, password: &str) -> Credentials {
        Credentials { name: name.into(), password: password.into() }
    }

    #[test]
    fn logins() {
        let any = Login::AnyUser { password: "secret".into() };
        let user = Login::User { name: "bob".into(), password: "secret".into() };
        assert!(any.accepts(&claim("anybody", "secret")));
        assert!(!any.accepts(&claim("", "secret")));
        assert!(!any.accepts(&claim("anybody", "Secret")));
        assert!(user.accepts(&claim("bob", "secret")));
        assert!(!user.accepts(&claim("alice", "secret")));
        assert!(!user.accepts(&claim("bob", "")));
    }

    #[test]
    fn plain_wants_two_nuls() {
        let three_parts = Exchange::Plain.take(&STANDARD.encode("admin\0bob\0secret"));
        assert!(three_parts == Turn::Claim(claim("bob", "secret")));
        for message in ["", "bob\0secret", "a\0b\0c\0d"] {
            assert!(Exchange::Plain.take(&STANDARD.encode(message)) == Turn::Refused(NOT_PLAIN), "{message:?}");
        }
        assert!(Exchange::start("plain", Some("=")) == Turn::Refused(NOT_PLAIN));
    }
}
