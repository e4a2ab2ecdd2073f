//! Spellings of a text in which a sign stands before the number or the name of a character.
//!
//! Responsible for undoing each of them in a view: percent, xtext, quoted-printable, backslashes, entities, `0x63`.
//! Whether a spelling is undone rightly does not matter, only that a secret written in it is found. Called by `masker`.

use super::view::{Spot, View};

/// A family of escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `%63` (RFC 3986).
    Percent,
    /// `+63` (RFC 3461).
    Xtext,
    /// `=63`, and soft line breaks (RFC 2045); encoded words (RFC 2047).
    QuotedPrintable,
    /// `\x63`, `\u0063`, `\143`, `\"`.
    Backslash,
    /// `&auml;`, `&#228;`, `&#xe4;`.
    Entity,
    /// `0x63`, `U+0063`.
    Number,
    /// A quote written twice.
    Doubled,
    /// All of them.
    Any,
}

const FAMILIES: [Family; 7] = [
    Family::Percent,
    Family::Xtext,
    Family::QuotedPrintable,
    Family::Backslash,
    Family::Entity,
    Family::Number,
    Family::Doubled,
];

/// The families of which something stands in a view.
pub(super) fn used(view: &View) -> Vec<Family> {
    // Nearly every text holds none of the signs.
    if !view.bytes.iter().any(|byte| matches!(byte, b'%' | b'+' | b'=' | b'\\' | b'&' | b'x' | b'X' | b'\'' | b'"')) {
        return Vec::new();
    }
    let stands = |family: &Family| (0..view.bytes.len()).any(|at| escape(view, at, *family).is_some());
    let mut families: Vec<Family> = FAMILIES.into_iter().filter(stands).collect();
    if families.len() > 1 {
        families.push(Family::Any);
    }
    families
}

/// A view in which the escapes of one family are undone.
pub(super) fn undone(view: &View, family: Family) -> View {
    let mut plain = View::default();
    let mut at = 0;
    while at < view.bytes.len() {
        match escape(view, at, family) {
            Some((meant, length)) => {
                let spot = Spot { from: view.spots[at].from, to: view.spots[at + length - 1].to };
                match meant {
                    Meant::Byte(byte) => plain.push(byte, spot),
                    Meant::Char(character) => plain.push_char(character, spot),
                    Meant::Nothing => {}
                }
                at += length;
            }
            None => {
                plain.push(view.bytes[at], view.spots[at]);
                at += 1;
            }
        }
    }
    plain
}

/// What an escape stands for.
enum Meant {
    Byte(u8),
    Char(char),
    Nothing,
}

/// The escape at a place, and how many octets it takes.
fn escape(view: &View, at: usize, family: Family) -> Option<(Meant, usize)> {
    let text = &view.bytes[at..];
    match (text[0], family) {
        (b'%', Family::Percent | Family::Any) => octet(text, 1).map(|byte| (Meant::Byte(byte), 3)),
        (b'+', Family::Xtext | Family::Any) => octet(text, 1).map(|byte| (Meant::Byte(byte), 3)),
        (b'=', Family::QuotedPrintable | Family::Any) => quoted_printable(view, at),
        (b'?', Family::QuotedPrintable | Family::Any) => text.starts_with(b"?=").then_some((Meant::Nothing, 2)),
        (b'\\', Family::Backslash | Family::Any) => backslash(text),
        (b'&', Family::Entity | Family::Any) => entity(text),
        (b'0' | b'U' | b'u', Family::Number | Family::Any) => number(text),
        (b'\'' | b'"', Family::Doubled | Family::Any) => {
            (text.get(1) == Some(&text[0])).then(|| (Meant::Byte(text[0]), 2))
        }
        _ => None,
    }
}

/// The octet that two hexadecimal digits give.
fn octet(text: &[u8], at: usize) -> Option<u8> {
    hex(text.get(at..at + 2)?).and_then(|value| u8::try_from(value).ok())
}

fn hex(digits: &[u8]) -> Option<u32> {
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    all.then(|| std::str::from_utf8(digits).ok().and_then(|text| u32::from_str_radix(text, 16).ok())).flatten()
}

/// How many octets from `at` on, `most` at most, are digits of a base.
fn digits(text: &[u8], at: usize, most: usize, base: u32) -> usize {
    text.iter().skip(at).take(most).take_while(|byte| char::from(**byte).is_digit(base)).count()
}

fn character(value: u32) -> Meant {
    Meant::Char(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn quoted_printable(view: &View, at: usize) -> Option<(Meant, usize)> {
    let text = &view.bytes[at..];
    if let Some(byte) = octet(text, 1) {
        return Some((Meant::Byte(byte), 3));
    }
    if let Some(start) = text.strip_prefix(b"=?") {
        // `=?utf-8?Q?` (RFC 2047 section 2)
        let mut marks = start.iter().enumerate().take(40).filter(|(_, byte)| **byte == b'?').map(|(at, _)| at);
        let (charset, encoding) = (marks.next()?, marks.next()?);
        return (encoding == charset + 2).then_some((Meant::Nothing, encoding + 3));
    }
    let breaks = view.spots.get(at + 1).is_some_and(|next| next.from > view.spots[at].to);
    breaks.then_some((Meant::Nothing, 1))
}

fn backslash(text: &[u8]) -> Option<(Meant, usize)> {
    let next = *text.get(1)?;
    let numbered = |from: usize, most: usize, base: u32| {
        let length = digits(text, from, most, base);
        let value = std::str::from_utf8(&text[from..from + length]).ok()?;
        Some((u32::from_str_radix(value, base).ok()?, from + length))
    };
    let octet_or_character = |(value, length): (u32, usize)| match u8::try_from(value) {
        Ok(byte) => (Meant::Byte(byte), length),
        Err(_) => (character(value), length),
    };
    match next {
        b'x' | b'X' => numbered(2, 2, 16).map(octet_or_character),
        b'u' | b'U' if text.get(2) == Some(&b'{') => numbered(3, 6, 16)
            .map(|(value, length)| (character(value), length + usize::from(text.get(length) == Some(&b'}')))),
        b'u' => numbered(2, 4, 16).map(|(value, length)| match low_surrogate(text, value, length) {
            Some(both) => (character(both), length + 6),
            None => (character(value), length),
        }),
        b'U' => numbered(2, 8, 16).map(|(value, length)| (character(value), length)),
        b'0'..=b'7' => numbered(1, 3, 8).map(octet_or_character),
        b'n' | b'r' | b't' | b'b' | b'f' => Some((Meant::Nothing, 2)),
        other => Some((Meant::Byte(other), 2)),
    }
}

/// The character of a surrogate and the one that `\u` spells after it (RFC 8259 section 7).
fn low_surrogate(text: &[u8], high: u32, at: usize) -> Option<u32> {
    let low = text.get(at..)?.strip_prefix(b"\\u").and_then(|rest| hex(rest.get(..4)?))?;
    let fits = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    fits.then(|| 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

fn entity(text: &[u8]) -> Option<(Meant, usize)> {
    let ended = |length: usize| length + usize::from(text.get(length) == Some(&b';'));
    if text.get(1) == Some(&b'#') {
        let (from, base) = if matches!(text.get(2)?, b'x' | b'X') { (3, 16) } else { (2, 10) };
        let length = digits(text, from, 7, base);
        let value = std::str::from_utf8(text.get(from..from + length)?).ok()?;
        return Some((character(u32::from_str_radix(value, base).ok()?), ended(from + length)));
    }
    let length = text.iter().skip(1).take(8).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = std::str::from_utf8(&text[1..=length]).ok()?;
    let meant = named(name)?;
    Some((Meant::Char(meant), ended(length + 1)))
}

/// The character of a name that HTML has for it: signs of ASCII, and Latin-1 from U+00A0 on.
fn named(name: &str) -> Option<char> {
    let sign = SIGNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, sign)| *sign);
    let latin = || LATIN.split(' ').position(|known| known == name).and_then(|at| u8::try_from(0xa0 + at).ok());
    sign.or_else(|| latin().map(char::from))
}

const SIGNS: [(&str, char); 38] = [
    ("quot", '"'),
    ("amp", '&'),
    ("apos", '\''),
    ("lt", '<'),
    ("gt", '>'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("tab", '\t'),
    ("euro", '\u{20ac}'),
];

const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml \
    Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml \
    times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave \
    eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute \
    ucirc uuml yacute thorn yuml";

/// `0x63` and `U+0063`, with what stands between it and the next.
fn number(text: &[u8]) -> Option<(Meant, usize)> {
    let (meant, length) = one_number(text)?;
    let between = text[length..].iter().take_while(|byte| matches!(byte, b' ' | b',' | b';')).count();
    let goes_on = text.get(length + between..).is_some_and(|rest| !rest.is_empty() && one_number(rest).is_some());
    Some((meant, if goes_on { length + between } else { length }))
}

fn one_number(text: &[u8]) -> Option<(Meant, usize)> {
    let mark = text.get(1)?;
    match text[0] {
        b'0' if matches!(mark, b'x' | b'X') => octet(text, 2).map(|byte| (Meant::Byte(byte), 4)),
        b'U' | b'u' if *mark == b'+' => {
            let length = digits(text, 2, 6, 16);
            let value = hex(text.get(2..2 + length)?).filter(|_| length >= 4)?;
            Some((character(value), 2 + length))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo(text: &str, family: Family) -> String {
        String::from_utf8(undone(&View::of(text.as_bytes()), family).bytes).unwrap()
    }

    #[test]
    fn each_family_is_undone() {
        for (text, family, plain) in [
            ("p%C3%A4%zz%2", Family::Percent, "pä%zz%2"),
            ("a+2Bb+", Family::Xtext, "a+b+"),
            ("=?utf-8?Q?p=C3=A4?= x", Family::QuotedPrintable, "pä x"),
            (r#"\x63\u0063\143\"\\\u{e4}\ud83d\ude00\ "#, Family::Backslash, "ccc\"\\ä\u{1f600} "),
            ("&lt;&auml;&Auml;&#228;&#xe4;&QUOT;&nosuch;&", Family::Entity, "<äÄää\"&nosuch;&"),
            ("0x63, 0x6F U+00e4 x", Family::Number, "coä x"),
            ("it''s", Family::Doubled, "it's"),
            ("%26amp;\\x26", Family::Any, "&amp;&"),
        ] {
            assert_eq!(undo(text, family), plain, "{text}");
        }
    }

    #[test]
    fn plain_text_has_no_family() {
        for text in ["250 2.1.0 Ok", "250-AUTH=PLAIN LOGIN", "50% of 2+2", "x &c", "it's \"so\""] {
            assert_eq!(used(&View::of(text.as_bytes())), [], "{text}");
        }
        assert_eq!(used(&View::of(b"a%20b=3D")), [Family::Percent, Family::QuotedPrintable, Family::Any]);
    }

    proptest::proptest! {
        #[test]
        fn any_octets_can_be_undone(bytes: Vec<u8>) {
            let view = View::of(&bytes);
            for family in FAMILIES.into_iter().chain([Family::Any]) {
                let plain = undone(&view, family);
                proptest::prop_assert_eq!(plain.bytes.len(), plain.spots.len());
            }
        }
    }
}
