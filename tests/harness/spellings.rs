//! The ways in which a server may write a secret that it was sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Secrets of every kind: letters and digits, a sentence, quotes and signs of HTML, umlauts, a token, a short one.
pub(crate) const SECRETS: [&str; 6] = [
    "correct-Horse7battery",
    "correct Horse battery staple",
    "it's \"so\" <5> & more",
    "pä ss\"wörd+1 Länge",
    "user=mary@jane.com\u{1}auth=Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwic3ViIjoibWFyeSIsImV4cCI6MTc2NDM2MDAwMH0.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tNzc3",
    "Tr0ub4dor&3",
];

#[expect(clippy::too_many_lines, reason = "a table")]
/// The ways to write a secret in which it must be found.
pub(crate) fn spellings(secret: &str) -> Vec<(&'static str, String)> {
    let each = |form: fn(u8) -> String| secret.bytes().map(form).collect::<String>();
    let chars = |form: fn(char) -> String| secret.chars().map(form).collect::<String>();
    let base64 = |octets: &[u8]| STANDARD.encode(octets);
    let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let groups = |text: String, size: usize| {
        let bytes = text.into_bytes();
        bytes.chunks(size).map(|part| String::from_utf8_lossy(part).into_owned()).collect::<Vec<_>>().join(" ")
    };
    let named = |character: char| match character {
        '<' => "&lt;".into(),
        '&' => "&amp;".into(),
        '"' => "&quot;".into(),
        '\'' => "&#39;".into(),
        'ä' => "&auml;".into(),
        other => other.to_string(),
    };
    vec![
        ("plain", secret.to_owned()),
        ("upper case", secret.to_uppercase()),
        ("lower case", secret.to_lowercase()),
        ("base64", base64(secret.as_bytes())),
        ("base64, 1", base64(format!("a{secret}").as_bytes())),
        ("base64, 2", base64(format!("ab{secret}cd").as_bytes())),
        ("base64 of PLAIN", base64(format!("\0mary\0{secret}").as_bytes())),
        ("base64url", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret)),
        ("base64 of UTF-16LE", base64(&utf16)),
        ("base64 twice", base64(base64(secret.as_bytes()).as_bytes())),
        ("base64 of PLAIN twice", base64(base64(format!("\0mary\0{secret}").as_bytes()).as_bytes())),
        ("base64 in groups of 4", groups(base64(secret.as_bytes()), 4)),
        ("base64 in groups of 5", groups(base64(secret.as_bytes()), 5)),
        ("base64, upper case", base64(secret.as_bytes()).to_uppercase()),
        ("hex", each(|byte| format!("{byte:02x}"))),
        ("HEX", each(|byte| format!("{byte:02X}"))),
        ("hex, blanks", each(|byte| format!("{byte:02x} "))),
        ("hex, colons", each(|byte| format!("{byte:02X}:"))),
        ("hex, dashes", each(|byte| format!("{byte:02x}-"))),
        ("hex, 0x", each(|byte| format!("0x{byte:02x}, "))),
        ("hex of UTF-16LE", hexadecimal(&utf16)),
        ("percent", each(|byte| format!("%{byte:02X}"))),
        ("xtext", each(|byte| format!("+{byte:02X}"))),
        ("quoted-printable", each(|byte| format!("={byte:02X}"))),
        ("encoded word, Q", format!("=?utf-8?Q?{}?=", each(|byte| format!("={byte:02X}")))),
        ("encoded word, B", format!("=?utf-8?B?{}?=", base64(secret.as_bytes()))),
        ("form data", secret.replace('%', "%25").replace('+', "%2B").replace(' ', "+").replace('ä', "%C3%A4")),
        ("JSON", serde_json::to_string(secret).unwrap()),
        ("\\x", each(|byte| format!("\\x{byte:02x}"))),
        ("\\u", chars(|character| format!("\\u{:04x}", character as u32))),
        ("\\u{}", chars(|character| format!("\\u{{{:x}}}", character as u32))),
        ("octal", each(|byte| format!("\\{byte:03o}"))),
        ("U+", chars(|character| format!("U+{:04X} ", character as u32))),
        ("HTML, named", secret.chars().map(named).collect()),
        ("HTML, decimal", chars(|character| format!("&#{};", character as u32))),
        ("HTML, hex", chars(|character| format!("&#x{:x};", character as u32))),
        ("base32", base32(secret.as_bytes())),
        ("doubled quotes", secret.replace('\'', "''").replace('"', "\"\"")),
        ("backslashes", secret.replace('\\', "\\\\").replace('"', "\\\"").replace(' ', "\\ ").replace('\'', "\\'")),
        ("a backslash before each", chars(|character| format!("\\{character}")).replace("\\n", "n")),
        ("letters apart", chars(|character| format!("{character} "))),
        ("U+200B between", chars(|character| format!("{character}\u{200b}"))),
        ("mixed case", secret.chars().enumerate().map(swapped).collect()),
        (
            "percent, what must be",
            each(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") },
            ),
        ),
        (
            "xtext, what must be",
            each(|byte| {
                if (b'!'..=b'~').contains(&byte) && !b"+=".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("+{byte:02X}")
                }
            }),
        ),
        (
            "quoted-printable, what must be",
            each(|byte| {
                if (b' '..=b'~').contains(&byte) && byte != b'=' {
                    char::from(byte).to_string()
                } else {
                    format!("={byte:02X}")
                }
            }),
        ),
        (
            "encoded word, Q, blanks",
            format!(
                "=?iso-8859-1?q?{}?=",
                secret
                    .replace('=', "=3D")
                    .replace('_', "=5F")
                    .replace('?', "=3F")
                    .replace(' ', "_")
                    .replace('ä', "=E4")
                    .replace('ö', "=F6")
                    .replace('\u{1}', "=01")
            ),
        ),
        (
            "encoded words, two",
            format!("=?utf-8?B?{}?= =?utf-8?B?{}?=", base64(&secret.as_bytes()[..9]), base64(&secret.as_bytes()[9..])),
        ),
        ("base64 of Latin-1", base64(&latin(secret))),
        ("hex of Latin-1", hexadecimal(&latin(secret))),
        ("base64 of LOGIN's line", base64(format!("{secret}\r\n").as_bytes())),
        ("base64 of a token", base64(format!("=\u{1}{secret}\u{1}\u{1}").as_bytes())),
        ("base64url in lines of 76", base64::engine::general_purpose::URL_SAFE.encode(format!("x{secret}"))),
        ("JSON in JSON", serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap()),
        ("JSON in HTML", serde_json::to_string(secret).unwrap().chars().map(named).collect()),
        ("percent twice", each(|byte| format!("%25{byte:02X}"))),
        ("tabs between", chars(|character| format!("{character}\t"))),
        ("NUL between", chars(|character| format!("{character}\0"))),
        ("in brackets", format!("[{secret}]")),
        ("ROT13", chars(rot13)),
        ("backwards", secret.chars().rev().collect()),
        ("decimal", each(|byte| format!("{byte}, "))),
    ]
}

fn swapped((at, character): (usize, char)) -> String {
    if at % 2 == 0 { character.to_uppercase().collect() } else { character.to_lowercase().collect() }
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |digits, octet| digits + &format!("{octet:02x}"))
}

/// The octets of a text in ISO 8859-1.
pub(crate) fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
}

fn rot13(character: char) -> String {
    let turn = |first: u8| char::from((character as u8 - first + 13) % 26 + first);
    match character {
        'a'..='z' => turn(b'a').to_string(),
        'A'..='Z' => turn(b'A').to_string(),
        other => other.to_string(),
    }
}

/// Base32 (RFC 4648 section 6).
fn base32(octets: &[u8]) -> String {
    let bits = octets.iter().fold(String::new(), |bits, octet| bits + &format!("{octet:08b}"));
    let digits = bits.as_bytes().chunks(5).map(|digit| format!("{:0<5}", String::from_utf8_lossy(digit)));
    let letter = |digit: String| {
        usize::from_str_radix(&digit, 2).ok().and_then(|at| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".get(at))
    };
    digits.filter_map(letter).map(|letter| char::from(*letter)).collect()
}
