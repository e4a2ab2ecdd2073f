//! Finds secrets in text from outside and hides them.
//!
//! A server may echo what it was sent: plain, in base64, hexadecimal, percent or JSON form, cut by line ends. Responsible
//! for finding all of these in bytes that are about to be shown; what smtp-script itself sends is shown as it was
//! written and does not depend on this search. Our own fixed text is never searched.

use crate::scenario::Secret;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::Range;

/// Forms shorter than this are found everywhere by chance, and are not searched for.
const MIN_FORM_LENGTH: usize = 4;

/// Hides the secrets of one run.
#[derive(Clone, Default)]
pub(crate) struct Masker {
    automaton: Option<AhoCorasick>,
    /// For each form the name of its secret.
    names: Vec<String>,
    /// Secrets too short to be searched for.
    too_short: Vec<String>,
}

impl Masker {
    /// Prepares the forms of all secrets.
    pub(crate) fn new(secrets: &BTreeMap<String, Secret>) -> Masker {
        let mut forms: Vec<(Vec<u8>, String)> = Vec::new();
        let mut too_short = Vec::new();
        for (name, secret) in secrets {
            if secret.expose().len() < MIN_FORM_LENGTH {
                too_short.push(name.clone());
            }
            forms.extend(forms_of(secret.expose().as_bytes()).into_iter().map(|form| (form, name.clone())));
        }
        forms.retain(|(form, _)| form.len() >= MIN_FORM_LENGTH);
        forms.sort();
        forms.dedup_by(|a, b| a.0 == b.0);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            // A DFA scans faster, but building it costs more than a session's few kilobytes take to scan.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .dense_depth(1)
            .build(forms.iter().map(|(form, _)| form));
        let automaton = automaton.ok().filter(|_| !forms.is_empty());
        Masker { automaton, names: forms.into_iter().map(|(_, name)| name).collect(), too_short }
    }

    /// The secrets that are too short to be searched for in what a server echoes.
    pub(crate) fn too_short(&self) -> &[String] {
        &self.too_short
    }

    /// Whether something in `bytes` would be masked, also where line ends cut it.
    pub(crate) fn finds(&self, bytes: &[u8]) -> bool {
        let Some(automaton) = &self.automaton else { return false };
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        automaton.is_match(&View::new(&lines, |_| 0).bytes) || automaton.is_match(&View::new(&lines, text_start).bytes)
    }

    /// `bytes` with each secret replaced by `<<name>>`, also where line ends cut it.
    pub(crate) fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        self.mask_lines(&lines).join(&b'\n')
    }

    /// The same for a text of our own that quotes something from outside.
    pub(crate) fn mask_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.mask(text.as_bytes())).into_owned()
    }

    /// Masks each line; a secret that goes on in the next line, behind a reply code or not, is found as well.
    pub(crate) fn mask_lines(&self, lines: &[&[u8]]) -> Vec<Vec<u8>> {
        let Some(automaton) = &self.automaton else {
            return lines.iter().map(|line| without_proof(line).to_vec()).collect();
        };
        let mut hidden: Vec<Vec<(Range<usize>, usize)>> = vec![Vec::new(); lines.len()];
        for view in [View::new(lines, |_| 0), View::new(lines, text_start)] {
            for found in automaton.find_iter(&view.bytes) {
                for (line, range) in view.pieces(found.range()) {
                    hidden[line].push((range, found.pattern().as_usize()));
                }
            }
        }
        let masked = |(line, ranges): (&&[u8], Vec<(Range<usize>, usize)>)| self.replace(line, ranges);
        let masked_lines = lines.iter().zip(hidden).map(masked);
        masked_lines.map(|line| without_proof(&line).to_vec()).collect()
    }

    fn replace(&self, line: &[u8], mut ranges: Vec<(Range<usize>, usize)>) -> Vec<u8> {
        ranges.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut masked = Vec::with_capacity(line.len());
        let mut shown_to = 0;
        for (range, pattern) in ranges {
            if range.start >= shown_to {
                masked.extend_from_slice(&line[shown_to..range.start]);
                let name = self.names.get(pattern).map_or("secret", String::as_str);
                masked.extend_from_slice(format!("<<{name}>>").as_bytes());
            }
            shown_to = shown_to.max(range.end);
        }
        masked.extend_from_slice(&line[shown_to..]);
        masked
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Masker({} forms)", self.names.len())
    }
}

/// Proof and signature of SCRAM help to guess the password: the lines that hold them, `c=…,p=…` and `v=…` in base64, are
/// never shown, whoever wrote them.
fn without_proof(line: &[u8]) -> &[u8] {
    // What the first two characters of the text make of the first three of its base64.
    let opens = |text: &[u8], start: &[u8]| text.starts_with(start) && matches!(text.get(2), Some(b'0'..=b'3'));
    if line.strip_prefix(b"334 ").is_some_and(|challenge| opens(challenge, b"dj")) {
        return b"334 <<scram_server_signature>>";
    }
    let is_proof = opens(line, b"Yz")
        && STANDARD_NO_PAD.decode(unpadded(line)).is_ok_and(|message| message.windows(3).any(|part| part == b",p="));
    if is_proof { b"<<scram_final>>" } else { line }
}

/// Base64 without the `=` and blanks at its end.
fn unpadded(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'=' | b'\r' | b' ')).map_or(0, |last| last + 1);
    &line[..end]
}

/// Lines joined without anything between them, and where each began.
struct View {
    bytes: Vec<u8>,
    /// (offset in the joined bytes, line, offset in the line)
    starts: Vec<(usize, usize, usize)>,
}

impl View {
    fn new(lines: &[&[u8]], skip: impl Fn(&[u8]) -> usize) -> View {
        let mut view = View { bytes: Vec::new(), starts: Vec::new() };
        for (index, line) in lines.iter().enumerate() {
            let content = line.strip_suffix(b"\r").unwrap_or(line);
            let from = skip(content);
            view.starts.push((view.bytes.len(), index, from));
            view.bytes.extend_from_slice(&content[from..]);
        }
        view
    }

    /// The parts of `range`, each within one line.
    fn pieces(&self, range: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut pieces = Vec::new();
        let first = self.starts.partition_point(|(start, _, _)| *start <= range.start).saturating_sub(1);
        for (position, (start, line, offset)) in self.starts.iter().enumerate().skip(first) {
            let end = self.starts.get(position + 1).map_or(self.bytes.len(), |next| next.0);
            if *start >= range.end {
                break;
            }
            let (from, to) = (range.start.max(*start), range.end.min(end));
            if from < to {
                pieces.push((*line, from - start + offset..to - start + offset));
            }
        }
        pieces
    }
}

/// Where the text of a reply line begins: behind `ddd-` or `ddd `.
fn text_start(line: &[u8]) -> usize {
    let coded = line.len() >= 4 && line[..3].iter().all(u8::is_ascii_digit) && matches!(line[3], b'-' | b' ');
    if coded { 4 } else { 0 }
}

/// Every way a secret may come back.
fn forms_of(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec()];
    for alignment in 0..3 {
        forms.extend(base64_forms(secret, alignment, &STANDARD_NO_PAD));
        forms.extend(base64_forms(secret, alignment, &URL_SAFE_NO_PAD));
    }
    forms.push(secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    forms.push(escaped(secret, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte), '%'));
    forms.push(escaped(secret, |byte| (b'!'..=b'~').contains(&byte) && byte != b'+' && byte != b'=', '+'));
    forms.push(escaped(secret, |_| false, '%'));
    // `encodeURI` leaves what a whole address may hold.
    forms.push(escaped(secret, |byte| byte.is_ascii_alphanumeric() || b"-._~;,/?:@&=+$!*'()#".contains(&byte), '%'));
    forms.push(form_data(secret));
    if let Ok(text) = std::str::from_utf8(secret) {
        forms.push(json(text, false).into_bytes());
        forms.push(json(text, true).into_bytes());
    }
    forms
}

/// As a web form sends it: percent form, with `+` for a blank.
fn form_data(secret: &[u8]) -> Vec<u8> {
    let plain = |byte: u8| byte == b' ' || byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    escaped(secret, plain, '%').into_iter().map(|byte| if byte == b' ' { b'+' } else { byte }).collect()
}

/// The characters of a base64 text that depend on the secret alone, when it begins `alignment` octets into a group; and
/// with the last one, for when the text ends there.
fn base64_forms(secret: &[u8], alignment: usize, alphabet: &impl base64::Engine) -> [Vec<u8>; 2] {
    let padded = [&[0; 2][..alignment.min(2)], secret].concat();
    let encoded = alphabet.encode(&padded).into_bytes();
    let skip = [0, 2, 3][alignment.min(2)];
    let whole = padded.len() % 3 == 0;
    let end = encoded.len() - usize::from(!whole);
    [end, encoded.len()].map(|end| encoded.get(skip..end).unwrap_or_default().to_vec())
}

fn escaped(secret: &[u8], plain: impl Fn(u8) -> bool, mark: char) -> Vec<u8> {
    let one = |byte: &u8| if plain(*byte) { vec![*byte] } else { format!("{mark}{byte:02X}").into_bytes() };
    secret.iter().flat_map(one).collect()
}

/// As a JSON string writes it (RFC 8259 section 7), with characters outside of ASCII escaped or not.
fn json(text: &str, ascii: bool) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            plain if (' '..='~').contains(&plain) || (!ascii && !plain.is_control()) => escaped.push(plain),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    const PASSWORD: &str = "pä ss\"wörd+1";

    fn masker() -> Masker {
        Masker::new(&BTreeMap::from([("password".to_owned(), Secret::new(PASSWORD))]))
    }

    fn mask(text: &str) -> String {
        String::from_utf8(masker().mask(text.as_bytes())).unwrap()
    }

    #[test]
    fn what_helps_to_guess_is_never_shown() {
        // `v=rmF9pqV8S7suAoZWja4dJRkFsKQ=` and `c=biws,r=a,p=AAAA`
        for masker in [Masker::default(), Masker::new(&BTreeMap::from([("a".into(), Secret::new("abcdef"))]))] {
            assert_eq!(
                masker.mask(b"334 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9\r\n250 ok"),
                b"334 <<scram_server_signature>>\n250 ok"
            );
            assert_eq!(masker.mask(b"Yz1iaXdzLHI9YSxwPUFBQUE=\r\n"), b"<<scram_final>>\n");
            for harmless in ["334 VXNlcm5hbWU6", "334 dj", "334 djx", "Yz1iaXdzLHI9YQ==", "Yz1 no base64", "Yz0"] {
                assert_eq!(masker.mask(harmless.as_bytes()), harmless.as_bytes());
            }
        }
    }

    #[test]
    fn every_form_is_hidden() {
        let hex = PASSWORD.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
        for form in [
            PASSWORD.to_owned(),
            hex,
            "p%C3%A4%20ss%22w%C3%B6rd%2B1".to_owned(),
            "p\\u00e4 ss\\\"w\\u00f6rd+1".to_owned(),
        ] {
            assert_eq!(mask(&format!("535 no {form}!")), "535 no <<password>>!");
        }
    }

    #[test]
    fn base64_is_hidden_wherever_it_begins() {
        for before in ["", "a", "ab", "abc", "\0tim\0"] {
            let masked = mask(&STANDARD.encode(format!("{before}{PASSWORD}xyz")));
            assert!(masked.contains("<<password>>"), "{masked}");
            // What is left beside the mask is the part that the neighbours decide.
            assert!(masked.len() < "<<password>>".len() + 16, "{masked}");
        }
    }

    #[test]
    fn a_secret_cut_by_line_ends_is_hidden() {
        assert_eq!(
            mask("550-you said pä ss\r\n550 \"wörd+1, no\r\n"),
            "550-you said <<password>>\r\n550 <<password>>, no\r\n"
        );
        let long = STANDARD.encode(PASSWORD);
        let (first, second) = long.split_at(6);
        let masked = mask(&format!("{first}\r\n{second}"));
        assert!(masked.starts_with("<<password>>\r\n<<password>>"), "{masked}");
    }

    #[test]
    fn short_secrets_are_named_and_not_searched_for() {
        let masker = Masker::new(&BTreeMap::from([("pin".to_owned(), Secret::new("123"))]));
        assert_eq!(masker.too_short(), ["pin"]);
        assert_eq!(masker.mask(b"250 123"), b"250 123");
    }

    proptest::proptest! {
        #[test]
        fn no_secret_is_left(before: String, after: String) {
            let masked = mask(&format!("{before}{PASSWORD}{after}"));
            proptest::prop_assert!(!masked.contains(PASSWORD));
        }

        #[test]
        fn lines_stay_lines(bytes: Vec<u8>) {
            let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
            proptest::prop_assert_eq!(count(&bytes), count(&masker().mask(&bytes)));
        }
    }
}
