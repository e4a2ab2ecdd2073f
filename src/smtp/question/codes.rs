//! Codes as people write them: `535`, `5.7.8`, patterns such as `5xx`, and both codes of a reply with what may stand between
//! them.
//!
//! Responsible for one place in a text. Not for looking through the text (`lines`, `lax`). Called by them and by
//! [`Question::read`](super::Question::read).

/// The digits of a reply code; `None` stands for any.
pub(super) type Digits = [Option<u8>; 3];
/// Class, subject and detail of an enhanced status code; `None` stands for any.
pub(super) type Enhanced = (Option<u8>, Option<u16>, Option<u16>);

/// The codes that begin a text, and what follows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Codes<'a> {
    pub(super) code: Option<Digits>,
    pub(super) enhanced: Option<Enhanced>,
    pub(super) rest: &'a str,
}

impl<'a> Codes<'a> {
    /// Reads the codes at the start of `text`.
    pub(super) fn at_start_of(text: &'a str) -> Option<Self> {
        let (first, rest) = first_word(text);
        let Some(code) = reply_code(first) else {
            let (enhanced, rest) = enhanced_prefix(text)?;
            return Some(Self { code: None, enhanced: Some(enhanced), rest });
        };
        // Exchange gives up with `550 4.4.7`: of two refusals the classes may differ.
        let fits = |class: u8| code[0] == Some(class) || class >= 4 && code[0] >= Some(4);
        let second = enhanced_prefix(rest).filter(|(it, _)| it.0.is_none_or(fits));
        let enhanced = second.map(|(it, _)| it);
        Some(Self { code: Some(code), enhanced, rest: second.map_or(rest, |(_, rest)| rest) })
    }

    /// Whether no digit is left open in one of them.
    pub(super) fn is_exact(&self) -> bool {
        let exact_code = self.code.is_some_and(|digits| digits.iter().all(Option::is_some));
        let exact_enhanced = matches!(self.enhanced, Some((Some(_), Some(_), Some(_))));
        exact_code || exact_enhanced
    }

    /// Whether both are there.
    pub(super) fn are_both(&self) -> bool {
        self.code.is_some() && self.enhanced.is_some()
    }
}

/// A word and what follows. After three digits a hyphen or a colon ends it as well: `550-5.7.1`, `550: 5.7.1`.
fn first_word(text: &str) -> (&str, &str) {
    // No code is longer, and a line may be of any length.
    let text_start = super::snippet::start_of(text, 64);
    let is_code = text.get(..3).is_some_and(|code| reply_code(code).is_some());
    let end = match text.as_bytes().get(3) {
        Some(b'-' | b':') if is_code => 3,
        _ => text_start.find(char::is_whitespace).unwrap_or(text_start.len()),
    };
    let (word, rest) = text.split_at(end);
    (word, rest.strip_prefix(['-', ':']).filter(|_| is_code).unwrap_or(rest).trim_start())
}

/// `535`, `5xx`, `55x`: the first digit is known, and no other follows one that is not.
fn reply_code(word: &str) -> Option<Digits> {
    let digits: [u8; 3] = word.as_bytes().try_into().ok()?;
    let digits = digits.map(|letter| match letter {
        b'0'..=b'9' => Some(Some(letter - b'0')),
        b'x' | b'X' | b'y' | b'z' | b'*' => Some(None),
        _ => None,
    });
    let [first, second, third] = [digits[0]?, digits[1]?, digits[2]?];
    let in_order = second.is_some() || third.is_none();
    (matches!(first, Some(2..=5)) && in_order).then_some([first, second, third])
}

/// An enhanced status code at the start of `text`, and what follows it: `5.7.8 no`, also within `(#5.7.8)` and before a colon.
pub(super) fn enhanced_prefix(text: &str) -> Option<(Enhanced, &str)> {
    const AROUND: [char; 10] = ['(', ')', '#', ':', ',', ';', '[', ']', '<', '>'];
    let inner = text.trim_start_matches(AROUND).trim_start_matches('"');
    let is_of_code = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'x' | 'X' | 'y' | 'Y' | 'z' | 'Z' | '*');
    let end = inner.find(|c| !is_of_code(c)).unwrap_or(inner.len());
    let (word, rest) = inner.split_at(end);
    // The full stop of a sentence is no part of it.
    let word = word.strip_suffix('.').unwrap_or(word);
    let is_longer = rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '@' | '/'));
    let code = enhanced(word).filter(|_| !is_longer)?;
    let rest = rest.trim_start_matches(AROUND).trim_start_matches('"');
    Some((code, rest.trim_start()))
}

/// `5.7.8`, `4.7.x`, `x.7.8`, `5.7`.
fn enhanced(word: &str) -> Option<Enhanced> {
    let mut parts = word.split('.');
    let class = part(parts.next()?)?;
    let subject = part(parts.next()?)?;
    let detail = parts.next().map_or(Some(Part::Any), part)?;
    let is_class = matches!(class, Part::Any | Part::Is(2 | 4 | 5));
    let says_something = (class, subject) != (Part::Any, Part::Any);
    let in_order = subject != Part::Any || detail == Part::Any;
    let class_digit = class.number().and_then(|it| u8::try_from(it).ok());
    let whole = parts.next().is_none() && is_class && says_something && in_order;
    whole.then_some((class_digit, subject.number(), detail.number()))
}

/// A part of an enhanced status code as it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Any,
    Is(u16),
}

impl Part {
    fn number(self) -> Option<u16> {
        match self {
            Part::Any => None,
            Part::Is(number) => Some(number),
        }
    }
}

/// A number without leading zeros up to 999, or a letter that stands for any.
fn part(word: &str) -> Option<Part> {
    if matches!(word, "x" | "X" | "y" | "Y" | "z" | "Z" | "*") {
        return Some(Part::Any);
    }
    let digits = matches!(word.len(), 1..=3) && word.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = digits && (word.len() == 1 || !word.starts_with('0'));
    word.parse().ok().filter(|_| well_formed).map(Part::Is)
}
