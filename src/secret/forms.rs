//! Every way a secret may come back.
//!
//! Responsible for the octets that are looked for. Escapes are not here: they are undone in the text (`escapes`).
//! Called by `masker`, once for each secret.

use super::view::View;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use std::fmt::Write as _;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization as _;

/// Of a longer secret the beginning is looked for in other encodings: no server repeats more.
const MOST_ENCODED: usize = 8192;

/// How a form is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The secret itself: parts of it may be words that anybody writes.
    Plain,
    /// The same, letters and digits alone.
    Squeezed,
    /// In an encoding in which this many octets occur nowhere by chance.
    Encoded {
        /// The least part that is hidden.
        least: usize,
    },
}

/// A form of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) octets: Vec<u8>,
    pub(super) kind: Kind,
    /// Where the name of a host begins that all know: in a user name, after `@`.
    pub(super) host: Option<usize>,
    /// Of an encoding, the secret itself; empty for a digest.
    pub(super) plain: Arc<[u8]>,
}

/// The forms of a secret in one spelling: those that are searched with all signs, and those without punctuation.
pub(super) fn forms_of(secret: &str) -> (Vec<Form>, Vec<Form>) {
    let one_line: Vec<u8> = secret.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let plain = View::of(&one_line).folded();
    let squeezed = plain.squeezed().bytes;
    let mut encoded = Vec::new();
    let cut = (0..=MOST_ENCODED).rev().find_map(|end| secret.get(..end)).filter(|cut| cut.len() + 4 > MOST_ENCODED);
    let cut = cut.unwrap_or(secret);
    for octets in encodings(cut) {
        encoded.extend(in_base64(&octets, 8));
        encoded.push((hex(&octets), 10));
    }
    let octets = cut.as_bytes();
    for inner in in_base64(octets, 8) {
        encoded.extend(in_base64(&inner.0, 12));
    }
    for alignment in 0..5 {
        encoded.push((base32(octets, alignment), 10));
    }
    let decimal = octets.iter().fold(String::new(), |digits, octet| digits + &octet.to_string());
    encoded.push((decimal.into_bytes(), 16));
    encoded.extend(turned(cut));
    let digested = encoded.len();
    encoded.extend(digests(secret.as_bytes()));

    let itself: Arc<[u8]> = Arc::from(View::of(octets).folded().bytes);
    let host = host_of(&plain.bytes);
    let squeezed_host = host.map(|host| plain.bytes[..host].iter().filter(|byte| byte.is_ascii_alphanumeric()).count());
    let mut signs = vec![Form { octets: plain.bytes, kind: Kind::Plain, host, plain: Arc::default() }];
    let mut letters = Vec::new();
    if squeezed.len() >= 8 {
        letters.push(Form { octets: squeezed, kind: Kind::Squeezed, host: squeezed_host, plain: Arc::default() });
    }
    for (at, (octets, least)) in encoded.into_iter().enumerate() {
        let octets = View::of(&octets).folded();
        let squeezed = octets.squeezed().bytes;
        // A short one must stand as it is, or any few words would hold it.
        let (list, octets) = if squeezed.len() < 8 { (&mut signs, octets.bytes) } else { (&mut letters, squeezed) };
        let least = least.min(octets.len());
        if octets.len() >= 4 && !list.iter().any(|form| form.octets == octets) {
            let plain = if at < digested { itself.clone() } else { Arc::default() };
            list.push(Form { octets, kind: Kind::Encoded { least }, host: None, plain });
        }
    }
    (signs, letters)
}

/// Where the domain of a mailbox begins, if a secret is one.
fn host_of(secret: &[u8]) -> Option<usize> {
    let at = memchr::memrchr(b'@', secret).filter(|at| *at > 0)?;
    let (local, host) = (&secret[..at], &secret[at + 1..]);
    let last = &host[memchr::memrchr(b'.', host)? + 1..];
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let is_atom = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ' || !byte.is_ascii();
    let fits = local.iter().all(is_atom) && host.iter().all(is_host) && last.len() >= 2;
    (fits && last.iter().all(u8::is_ascii_alphabetic)).then_some(at)
}

/// The octets of a secret in the character sets that servers use.
fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let mut encodings = vec![secret.as_bytes().to_vec()];
    if !secret.is_ascii() {
        // A letter with its mark in one character, or each by itself.
        let forms = [secret.nfc().collect::<String>(), secret.nfd().collect()];
        encodings.extend(forms.into_iter().filter(|form| form != secret).map(String::into_bytes));
        encodings.extend(secret.chars().map(|character| u8::try_from(character).ok()).collect::<Option<Vec<u8>>>());
        // UTF-7 (RFC 2152) writes what is not ASCII in this one.
        encodings.push(secret.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    // NTLM
    encodings.push(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
    encodings
}

/// The base64 of a secret at each place of a group: the characters that depend on the secret alone, and the one at the
/// end as it is when the text ends there.
fn in_base64(octets: &[u8], least: usize) -> Vec<(Vec<u8>, usize)> {
    let mut forms = Vec::new();
    for alignment in 0..3 {
        let padded = [&[0; 2][..alignment.min(2)], octets].concat();
        let skip = [0, 2, 3][alignment.min(2)];
        let standard = STANDARD_NO_PAD.encode(&padded).into_bytes();
        let for_addresses = URL_SAFE_NO_PAD.encode(&padded).into_bytes();
        for encoded in [standard, for_addresses] {
            let whole = padded.len() % 3 == 0;
            // Short forms are found whole only: with the last character, and without.
            if encoded.len() < 8 + skip && !whole {
                forms.push((encoded.get(skip..encoded.len() - 1).unwrap_or_default().to_vec(), least));
            }
            forms.push((encoded.get(skip..).unwrap_or_default().to_vec(), least));
        }
    }
    forms
}

fn hex(octets: &[u8]) -> Vec<u8> {
    let mut digits = String::with_capacity(octets.len() * 2);
    for octet in octets {
        _ = write!(digits, "{octet:02x}");
    }
    digits.into_bytes()
}

/// Base32 (RFC 4648 section 6) of a secret that begins `alignment` octets into a group.
pub(super) fn base32(octets: &[u8], alignment: usize) -> Vec<u8> {
    let mut encoded = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for octet in std::iter::repeat_n(&0, alignment).chain(octets) {
        bits = (bits << 8) | u32::from(*octet);
        held += 8;
        while held >= 5 {
            held -= 5;
            encoded.push(b"abcdefghijklmnopqrstuvwxyz234567"[(bits >> held) as usize & 31]);
        }
    }
    // The first characters hold bits of what stands before.
    encoded.split_off((alignment * 8).div_ceil(5).min(encoded.len()))
}

/// Backwards, and by ROT13.
fn turned(secret: &str) -> Vec<(Vec<u8>, usize)> {
    let text: String = secret.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let rotate = |letter: char| match letter {
        'a'..='m' => char::from(letter as u8 + 13),
        'n'..='z' => char::from(letter as u8 - 13),
        other => other,
    };
    let turned = [text.chars().rev().collect::<String>(), text.chars().map(rotate).collect()];
    turned.into_iter().filter(|form| form.len() >= 8).map(|form| (form.into_bytes(), 12)).collect()
}

/// What helps to guess a secret: its digests without salt.
fn digests(secret: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let all = [
        Md5::digest(secret).to_vec(),
        Sha1::digest(secret).to_vec(),
        Sha256::digest(secret).to_vec(),
        Sha512::digest(secret).to_vec(),
    ];
    all.iter().flat_map(|digest| [(hex(digest), 16), (STANDARD_NO_PAD.encode(digest).into_bytes(), 12)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        // RFC 4648 section 10
        assert_eq!(base32(b"fooba", 0), b"mzxw6ytb");
        assert_eq!(base32(b"oba", 2), b"6ytb");
    }

    #[test]
    fn the_domain_of_a_user_name_is_known_to_all() {
        assert_eq!(host_of(b"ann@example.com"), Some(3));
        for secret in ["p\u{1}a@ss.word", "@example.com", "p@ssw0rd", "a@b.c1"] {
            assert_eq!(host_of(secret.as_bytes()), None, "{secret}");
        }
    }

    #[test]
    fn what_is_alike_is_looked_for_once() {
        let (signs, letters) = forms_of("secretpassword");
        assert_eq!(signs.len(), 1);
        let mut octets: Vec<_> = letters.iter().map(|form| &form.octets).collect();
        octets.sort();
        octets.dedup();
        assert_eq!(octets.len(), letters.len());
    }
}
