//! One exchange, from AUTH to its last reply.
//!
//! Responsible for the order of messages and for what the server must have shown before its 235 counts. Called by the
//! step `auth`, which puts base64 around the messages and reads the reply codes.

use super::messages::{cram_md5, oauthbearer, plain, without, xoauth2};
use super::scram::{self, ChannelBinding, ClientFirst};
use super::{AuthFault, Credentials, FaultKind, Mechanism};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The client's side of one exchange.
pub struct SaslClient {
    mechanism: Mechanism,
    credentials: Credentials,
    binding: Vec<u8>,
    first: ClientFirst,
    turn: Turn,
    server_error: Option<String>,
}

/// What the client says next.
enum Turn {
    /// The message with which the client begins.
    First,
    UserName,
    Password,
    CramMd5,
    /// The answer to SCRAM's salt.
    Proof,
    /// SCRAM's server must show this signature.
    Signature(Vec<u8>),
    /// A token was sent: only an error may follow.
    TokenError,
    /// Nothing is left to be said.
    Done,
    /// The server refused with a challenge; the client has answered it.
    Refused,
}

impl SaslClient {
    /// Prepares an exchange. `nonce` is SCRAM's: printable, without a comma, new for every exchange.
    ///
    /// `channel_binding` is the `tls-server-end-point` of the TLS session, where there is one; the `-PLUS` mechanisms
    /// need it. `tls_without_binding` says that the client could bind the channel and the server did not offer it, which
    /// the server is told (`y`, RFC 5802 section 6), so that nobody on the way can have removed the offer.
    ///
    /// # Errors
    /// The credentials cannot be used with the mechanism, or there is no channel binding.
    pub fn new(
        mechanism: Mechanism,
        credentials: Credentials,
        nonce: &str,
        channel_binding: Option<Vec<u8>>,
        tls_without_binding: bool,
    ) -> Result<SaslClient, AuthFault> {
        usable(mechanism, &credentials, nonce)?;
        if mechanism.binds_channel() && channel_binding.is_none() {
            let message = format!("`{mechanism}` needs channel binding, and there is no TLS session to bind it to");
            return Err(AuthFault::new(FaultKind::Credentials, message));
        }
        let binding = match tls_without_binding {
            _ if mechanism.binds_channel() => ChannelBinding::EndPoint,
            true => ChannelBinding::NotOffered,
            false => ChannelBinding::None,
        };
        let turn = match mechanism {
            Mechanism::Login => Turn::UserName,
            Mechanism::CramMd5 => Turn::CramMd5,
            _ => Turn::First,
        };
        Ok(SaslClient {
            first: ClientFirst::new(binding, &credentials.authzid, &credentials.username, nonce),
            binding: channel_binding.unwrap_or_default(),
            server_error: None,
            mechanism,
            credentials,
            turn,
        })
    }

    /// The message that may stand in the AUTH command itself; `None` where the server speaks first. An empty one is
    /// written `=` (RFC 4954 section 4).
    pub fn initial_response(&mut self) -> Option<Vec<u8>> {
        matches!(self.turn, Turn::First).then(|| self.begin())
    }

    /// Answers a decoded challenge.
    ///
    /// # Errors
    /// The challenge is malformed, comes where none is expected, or the server does not prove what it must. The exchange
    /// is to be cancelled (`*`) then.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, AuthFault> {
        match &self.turn {
            Turn::First if challenge.is_empty() => Ok(self.begin()),
            Turn::First => Err(unexpected("an empty one: the client speaks first")),
            Turn::UserName => Ok(self.say(Turn::Password, self.credentials.username.clone().into_bytes())),
            Turn::Password => Ok(self.say(Turn::Done, self.credentials.password.clone().into_bytes())),
            Turn::CramMd5 if challenge.is_empty() => Err(unexpected("the text that is to be signed")),
            Turn::CramMd5 => {
                let Credentials { username, password, .. } = &self.credentials;
                let message = cram_md5(username.as_bytes(), password.as_bytes(), challenge);
                Ok(self.say(Turn::Done, message))
            }
            Turn::Proof => self.prove(challenge),
            Turn::Signature(_) => {
                let right = self.is_right_signature(challenge)?;
                Ok(self.say(if right { Turn::Done } else { Turn::Refused }, Vec::new()))
            }
            Turn::TokenError => {
                self.server_error = Some(String::from_utf8_lossy(challenge).into_owned());
                let answer = if self.mechanism == Mechanism::OAuthBearer { vec![1] } else { Vec::new() };
                Ok(self.say(Turn::Refused, answer))
            }
            Turn::Done | Turn::Refused => Err(unexpected("none: all has been said")),
        }
    }

    /// Whether a 235 may be believed now: everything was said, and the server has proved what it must.
    ///
    /// # Errors
    /// The server lets the client in too early, or without SCRAM's server signature.
    pub fn finish(&self) -> Result<(), AuthFault> {
        match &self.turn {
            Turn::Done | Turn::TokenError => Ok(()),
            Turn::Signature(_) => Err(AuthFault::new(
                FaultKind::Signature,
                "the server lets the client in without its signature (`v=`): it has not proved that it knows the password",
            )),
            Turn::Refused => {
                Err(AuthFault::new(FaultKind::Challenge, "the server lets the client in after it had refused it"))
            }
            _ => Err(AuthFault::new(
                FaultKind::Challenge,
                "the server lets the client in before the exchange was over: it has not seen the credentials",
            )),
        }
    }

    /// What the server said about its refusal in a challenge: OAuth's JSON, SCRAM's `e=`.
    #[must_use]
    pub fn server_error(&self) -> Option<&str> {
        self.server_error.as_deref()
    }

    fn say(&mut self, next: Turn, message: Vec<u8>) -> Vec<u8> {
        self.turn = next;
        message
    }

    fn begin(&mut self) -> Vec<u8> {
        let Credentials { username, password, token, authzid } = &self.credentials;
        let (next, message) = match self.mechanism {
            Mechanism::Plain => (Turn::Done, plain(authzid.as_bytes(), username.as_bytes(), password.as_bytes())),
            Mechanism::XOAuth2 => (Turn::TokenError, xoauth2(username, token).into_bytes()),
            Mechanism::OAuthBearer => (Turn::TokenError, oauthbearer(username, token, "", 0).into_bytes()),
            Mechanism::External => (Turn::Done, authzid.clone().into_bytes()),
            Mechanism::Anonymous => (Turn::Done, username.clone().into_bytes()),
            _ => (Turn::Proof, self.first.message().into_bytes()),
        };
        self.say(next, message)
    }

    fn prove(&mut self, challenge: &[u8]) -> Result<Vec<u8>, AuthFault> {
        let text = text(challenge)?;
        if let Some(error) = text.strip_prefix("e=") {
            self.server_error = Some(error.to_owned());
            return Ok(self.say(Turn::Refused, Vec::new()));
        }
        let nonce = scram::ServerFirst::parse(text)?.nonce;
        if !nonce.starts_with(self.first.nonce()) || nonce.len() == self.first.nonce().len() {
            let message = "the server's nonce is not the client's followed by the server's own";
            return Err(AuthFault::new(FaultKind::Nonce, message));
        }
        let hash = self.mechanism.scram_hash().unwrap_or(scram::Hash::Sha256);
        let (message, signature) =
            scram::client_final(hash, &self.first, &self.credentials.password, text, &self.binding)?;
        Ok(self.say(Turn::Signature(signature), message.into_bytes()))
    }

    /// `v=` must be the signature; `e=` is the server's refusal, which is answered as any last challenge.
    fn is_right_signature(&mut self, challenge: &[u8]) -> Result<bool, AuthFault> {
        let Turn::Signature(expected) = &self.turn else { return Ok(false) };
        let text = text(challenge)?;
        if let Some(error) = text.strip_prefix("e=") {
            self.server_error = Some(error.to_owned());
            return Ok(false);
        }
        let signature = text.strip_prefix("v=").and_then(|rest| rest.split(',').next());
        let signature = signature.ok_or_else(|| unexpected("the server's signature `v=…`"))?;
        match STANDARD.decode(signature) {
            Ok(signature) if signature == *expected => Ok(true),
            Ok(_) => Err(AuthFault::new(
                FaultKind::Signature,
                "the server's signature (`v=`) is wrong: it does not know the password, or somebody is in between",
            )),
            Err(_) => Err(unexpected("the server's signature `v=…` in base64")),
        }
    }
}

impl fmt::Debug for SaslClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Exchange").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

fn usable(mechanism: Mechanism, credentials: &Credentials, nonce: &str) -> Result<(), AuthFault> {
    let Credentials { username, password, token, authzid } = credentials;
    let parts = [
        ("user name", username.as_str()),
        ("password", password),
        ("token", token),
        ("authorization identity", authzid),
    ];
    match mechanism {
        Mechanism::Plain | Mechanism::External | Mechanism::Anonymous => without('\0', "a NUL", &parts),
        Mechanism::XOAuth2 | Mechanism::OAuthBearer => without('\u{1}', "an octet 01", &parts),
        _ if mechanism.scram_hash().is_some() => {
            let printable = nonce.bytes().all(|octet| octet.is_ascii_graphic() && octet != b',');
            if nonce.is_empty() || !printable {
                let message = "a nonce is printable ASCII without a comma, and not empty";
                return Err(AuthFault::new(FaultKind::Credentials, message));
            }
            without('\0', "a NUL", &parts)
        }
        _ => Ok(()),
    }
}

fn text(challenge: &[u8]) -> Result<&str, AuthFault> {
    std::str::from_utf8(challenge).map_err(|_| unexpected("text in UTF-8"))
}

fn unexpected(expected: &str) -> AuthFault {
    AuthFault::new(FaultKind::Challenge, format!("the challenge is not what was expected: {expected}"))
}
