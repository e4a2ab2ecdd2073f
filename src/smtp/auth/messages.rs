//! The messages of the mechanisms that have only one, and of CRAM-MD5.
//!
//! Responsible for their octets, not for when they are sent nor for base64. Exchanges and template functions share them.

use super::{AuthFault, FaultKind};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use std::fmt::Write as _;

/// RFC 4616: authorization identity, user name and password, with NUL between them.
pub(crate) fn plain(authzid: &[u8], user: &[u8], password: &[u8]) -> Vec<u8> {
    [authzid, user, password].join(&0)
}

/// RFC 2195: the user name and the keyed digest of the challenge.
pub(crate) fn cram_md5(user: &[u8], password: &[u8], challenge: &[u8]) -> Vec<u8> {
    let digest = hmac::<Hmac<Md5>>(password, challenge);
    let mut message = [user, b" "].concat();
    message.extend_from_slice(hex(&digest).as_bytes());
    message
}

/// Google's and Microsoft's form of a bearer token.
pub(crate) fn xoauth2(user: &str, token: &str) -> String {
    format!("user={user}\x01auth=Bearer {token}\x01\x01")
}

/// RFC 7628 section 3.1; an empty user or host and a port of zero are left out.
pub(crate) fn oauthbearer(user: &str, token: &str, host: &str, port: u16) -> String {
    let mut message = "n,".to_owned();
    if !user.is_empty() {
        _ = write!(message, "a={}", escaped_name(user));
    }
    message.push_str(",\x01");
    if !host.is_empty() {
        _ = write!(message, "host={host}\x01");
    }
    if port != 0 {
        _ = write!(message, "port={port}\x01");
    }
    _ = write!(message, "auth=Bearer {token}\x01\x01");
    message
}

/// A name inside a GS2 header or a SCRAM message: `=` and `,` are escaped (RFC 5802 section 5.1).
pub(crate) fn escaped_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// The inverse; any other `=` is malformed.
pub(crate) fn unescaped_name(name: &str) -> Option<String> {
    let plain = name.replace("=3D", "\0").replace("=2C", ",");
    (!plain.contains('=') && !name.contains('\0')).then(|| plain.replace('\0', "="))
}

/// A MAC by a key of any length, which HMAC takes.
pub(crate) fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Refuses what would change the meaning of a message that separates its parts with `separator`.
pub(crate) fn without(separator: char, shown: &str, parts: &[(&str, &str)]) -> Result<(), AuthFault> {
    match parts.iter().find(|(_, value)| value.contains(separator)) {
        None => Ok(()),
        Some((name, _)) => Err(AuthFault::new(
            FaultKind::Credentials,
            format!("the {name} holds {shown}, which the mechanism forbids"),
        )),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}");
        hex
    })
}
