//! The proof and the signature of a SCRAM login (RFC 5802), which help to guess its password.
//!
//! Responsible for hiding them wherever they stand, whoever wrote them and whether or not the scenario has a secret:
//! `c=…,p=…` and `v=…` in base64. Called by `masker` for each line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::borrow::Cow;
use std::ops::Range;

/// Whether one of them may stand in a text: `Yz` and `dj` begin the base64 of `c=` and `v=`.
pub(super) fn may_prove(text: &[u8]) -> bool {
    memchr::memchr2(b'Y', b'j', text).is_some()
}

/// A line without them.
pub(super) fn without_proof(line: &[u8]) -> Cow<'_, [u8]> {
    if !may_prove(line) {
        return Cow::Borrowed(line);
    }
    let mut shown = Vec::new();
    let mut shown_to = 0;
    for word in words(line) {
        if let Some(name) = hides(&line[word.clone()]) {
            shown.extend_from_slice(&line[shown_to..word.start]);
            shown.extend_from_slice(name);
            shown_to = word.start + line[word.start..].iter().take_while(|byte| is_base64(**byte)).count();
        }
    }
    if shown_to == 0 {
        return Cow::Borrowed(line);
    }
    shown.extend_from_slice(&line[shown_to..]);
    Cow::Owned(shown)
}

/// What a word is, if it is one of the two.
fn hides(word: &[u8]) -> Option<&'static [u8]> {
    // What the first two characters of a text make of the first three of its base64.
    let opens = |start: &[u8]| word.starts_with(start) && matches!(word.get(2), Some(b'0'..=b'3'));
    let whole = &word[..word.len() - word.len() % 4];
    let decoded = || STANDARD_NO_PAD.decode(word).or_else(|_| STANDARD_NO_PAD.decode(whole));
    if opens(b"dj") {
        let signature = decoded().ok()?;
        let sizes = [20, 32, 64].map(|octets: usize| octets.div_ceil(3) * 4 + 2);
        return sizes.contains(&signature.len()).then_some(b"<<scram_server_signature>>".as_slice());
    }
    let proves = || decoded().is_ok_and(|message| message.windows(3).any(|part| part == b",p="));
    (opens(b"Yz") && proves()).then_some(b"<<scram_final>>".as_slice())
}

/// The words of base64 in a line, without the `=` at their ends.
fn words(line: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + line.get(at..)?.iter().position(|byte| is_base64(*byte))?;
        let length = line[start..].iter().take_while(|byte| is_base64(**byte)).count();
        at = start + length;
        let padding = line[start..at].iter().rev().take_while(|byte| **byte == b'=').count();
        Some(start..at - padding)
    })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        String::from_utf8(without_proof(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn both_are_hidden_wherever_they_stand() {
        // `v=rmF9pqV8S7suAoZWja4dJRkFsKQ=` and `c=biws,r=a,p=AAAA`
        let (signature, proof) = ("dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9", "Yz1iaXdzLHI9YSxwPUFBQUE=");
        assert_eq!(shown(&format!("334 {signature}")), "334 <<scram_server_signature>>");
        assert_eq!(shown(&format!("235 2.7.0 {signature} ok")), "235 2.7.0 <<scram_server_signature>> ok");
        assert_eq!(shown(proof), "<<scram_final>>");
        assert_eq!(shown(&format!("500 unknown: \"{proof}\"")), "500 unknown: \"<<scram_final>>\"");
        assert_eq!(shown("500 \"Yz1iaXdzLHI9YSxwPUFBQ...\""), "500 \"<<scram_final>>...\"");
    }

    #[test]
    fn what_only_begins_like_them_stays() {
        for harmless in ["334 VXNlcm5hbWU6", "334 dj", "334 djx", "Yz1iaXdzLHI9YQ==", "Yz1 no base64", "Yz0", "dj1 x"] {
            assert_eq!(shown(harmless), harmless);
        }
    }
}
