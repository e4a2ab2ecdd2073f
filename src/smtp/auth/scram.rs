//! SCRAM (RFC 5802, RFC 7677): its messages and keys.
//!
//! Responsible for what client and server compute alike: attributes, keys, proof and signature. Who sends what when is
//! the exchange's (client) and the sandbox's (server) business. Messages are text without base64 around them.

use super::messages::{escaped_name, hmac, unescaped_name};
use super::{AuthFault, FaultKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The most rounds of hashing that a server may ask for: a second of a processor's time, while others
/// wait. Servers ask for some thousands.
pub(crate) const MAX_ITERATIONS: u32 = 1_000_000;
/// The channel binding that is used: the hash of the server's certificate (RFC 5929 section 4).
pub(crate) const BINDING_NAME: &str = "tls-server-end-point";

/// The hash of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// RFC 5802.
    Sha1,
    /// RFC 7677.
    Sha256,
}

impl Hash {
    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => Sha1::digest(message).to_vec(),
            Hash::Sha256 => Sha256::digest(message).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => hmac::<Hmac<Sha1>>(key, message),
            Hash::Sha256 => hmac::<Hmac<Sha256>>(key, message),
        }
    }

    /// `Hi()` of RFC 5802 section 2.2.
    fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        match self {
            Hash::Sha1 => {
                let mut key = vec![0; 20];
                pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut key);
                key
            }
            Hash::Sha256 => {
                let mut key = vec![0; 32];
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut key);
                key
            }
        }
    }
}

/// What the GS2 header says of channel binding (RFC 5802 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelBinding {
    /// `n`: the client cannot.
    None,
    /// `y`: the client could, and the server did not offer it.
    NotOffered,
    /// `p=tls-server-end-point`.
    EndPoint,
}

/// The client's first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientFirst {
    /// `n,,`
    pub(crate) gs2_header: String,
    /// `n=user,r=nonce`
    pub(crate) bare: String,
}

impl ClientFirst {
    pub(crate) fn new(binding: ChannelBinding, authzid: &str, user: &str, nonce: &str) -> ClientFirst {
        let flag = match binding {
            ChannelBinding::None => "n".to_owned(),
            ChannelBinding::NotOffered => "y".to_owned(),
            ChannelBinding::EndPoint => format!("p={BINDING_NAME}"),
        };
        let authzid = if authzid.is_empty() { String::new() } else { format!("a={}", escaped_name(authzid)) };
        ClientFirst {
            gs2_header: format!("{flag},{authzid},"),
            bare: format!("n={},r={nonce}", escaped_name(&prepared(user))),
        }
    }

    /// Reads what a client sent. It is not judged: a scenario may send it wrong on purpose.
    pub(crate) fn parse(message: &str) -> Option<ClientFirst> {
        let (flag_end, _) = message.match_indices(',').nth(1)?;
        let (gs2_header, bare) = message.split_at(flag_end + 1);
        Some(ClientFirst { gs2_header: gs2_header.to_owned(), bare: bare.to_owned() })
    }

    pub(crate) fn message(&self) -> String {
        format!("{}{}", self.gs2_header, self.bare)
    }

    /// The client's part of the nonce.
    pub(crate) fn nonce(&self) -> &str {
        self.attribute("r=").unwrap_or_default()
    }

    /// The user name, unescaped.
    pub(crate) fn user(&self) -> Option<String> {
        unescaped_name(self.attribute("n=")?)
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.bare.split(',').find_map(|attribute| attribute.strip_prefix(name))
    }

    /// The client's final message up to its proof.
    pub(crate) fn final_without_proof(&self, binding: &[u8], nonce: &str) -> String {
        let bound: &[u8] = if self.gs2_header.starts_with('p') { binding } else { b"" };
        let header = STANDARD.encode([self.gs2_header.as_bytes(), bound].concat());
        format!("c={header},r={nonce}")
    }
}

/// The server's first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerFirst {
    pub(crate) nonce: String,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
}

impl ServerFirst {
    /// Reads `r=…,s=…,i=…`; optional extensions after them are ignored.
    pub(crate) fn parse(message: &str) -> Result<ServerFirst, AuthFault> {
        let malformed = |what: &str| {
            AuthFault::new(FaultKind::Challenge, format!("expected a challenge `r=…,s=…,i=…`, but {what}"))
        };
        let mut attributes = message.split(',');
        let mut next = |name: &str| attributes.next().and_then(|attribute| attribute.strip_prefix(name));
        if message.starts_with("m=") {
            return Err(malformed("it demands an extension (`m=`) that nobody has defined"));
        }
        let nonce = next("r=").ok_or_else(|| malformed("it does not begin with the nonce `r=`"))?;
        let salt = next("s=").ok_or_else(|| malformed("the salt `s=` does not follow the nonce"))?;
        let count = next("i=").ok_or_else(|| malformed("the iteration count `i=` does not follow the salt"))?;
        let salt = STANDARD.decode(salt).map_err(|_| malformed("the salt is not base64"))?;
        let digits = !count.is_empty() && count.bytes().all(|digit| digit.is_ascii_digit());
        if !digits || count.bytes().all(|digit| digit == b'0') {
            return Err(malformed("the iteration count is not a positive number"));
        }
        let iterations = count.parse().ok().filter(|count| *count <= MAX_ITERATIONS).ok_or_else(|| {
            let message = format!("the server asks for more than {MAX_ITERATIONS} iterations of the hash");
            AuthFault::new(FaultKind::Iterations, message)
        })?;
        if salt.is_empty() {
            return Err(malformed("the salt is empty"));
        }
        Ok(ServerFirst { nonce: nonce.to_owned(), salt, iterations })
    }
}

/// What both sides compute from the password (RFC 5802 section 3).
#[derive(Clone)]
pub(crate) struct ScramKeys {
    hash: Hash,
    client: Vec<u8>,
    server: Vec<u8>,
}

impl ScramKeys {
    pub(crate) fn derive(hash: Hash, password: &str, server_first: &ServerFirst) -> ScramKeys {
        let salted = hash.salted(prepared(password).as_bytes(), &server_first.salt, server_first.iterations);
        ScramKeys { hash, client: hash.hmac(&salted, b"Client Key"), server: hash.hmac(&salted, b"Server Key") }
    }

    /// What proves to the server that the client knows the password.
    pub(crate) fn proof(&self, auth_message: &str) -> Vec<u8> {
        let signature = self.hash.hmac(&self.hash.digest(&self.client), auth_message.as_bytes());
        self.client.iter().zip(signature).map(|(key, signature)| key ^ signature).collect()
    }

    /// What proves to the client that the server knows the password.
    pub(crate) fn server_signature(&self, auth_message: &str) -> Vec<u8> {
        self.hash.hmac(&self.server, auth_message.as_bytes())
    }
}

/// Everything both sides have said up to the proof.
pub(crate) fn auth_message(first: &ClientFirst, server_first: &str, final_without_proof: &str) -> String {
    format!("{},{server_first},{final_without_proof}", first.bare)
}

/// The client's final message, and the server's signature that must answer it.
pub(crate) fn client_final(
    hash: Hash,
    first: &ClientFirst,
    password: &str,
    server_first: &str,
    binding: &[u8],
) -> Result<(String, Vec<u8>), AuthFault> {
    let parsed = ServerFirst::parse(server_first)?;
    let keys = ScramKeys::derive(hash, password, &parsed);
    let without_proof = first.final_without_proof(binding, &parsed.nonce);
    let auth_message = auth_message(first, server_first, &without_proof);
    let proof = STANDARD.encode(keys.proof(&auth_message));
    Ok((format!("{without_proof},p={proof}"), keys.server_signature(&auth_message)))
}

/// `SASLprep` (RFC 4013) of a user name or password.
///
/// What it refuses, such as control characters, or characters younger than the RFC's Unicode 3.2, is used as it is: servers
/// do the same (`PostgreSQL` documents it), and a password that was set that way must work.
pub(crate) fn prepared(text: &str) -> Cow<'_, str> {
    stringprep::saslprep(text).unwrap_or(Cow::Borrowed(text))
}
