//! What stands before a line of SMTP in a log, without what differs from line to line.
//!
//! Responsible for the shape of such a prefix (times, ids, numbers and levels become one sign), and for its direction:
//! the arrows and words by which a log tells its two sides apart. `marks` learns from both which shape is whose.

/// Stands for all that varies.
const VARIES: char = '\u{1}';

/// The longest prefix that is looked at, in bytes.
pub(super) const MAX_PREFIX: usize = 400;

/// Words that tell a direction; `c` and `s` only before a sign.
const DIRECTIONS: [&str; 33] = [
    "client",
    "server",
    "c",
    "s",
    "in",
    "out",
    "sent",
    "send",
    "sending",
    "got",
    "recv",
    "received",
    "receive",
    "receiving",
    "read",
    "write",
    "wrote",
    "reply",
    "replied",
    "request",
    "response",
    "tx",
    "rx",
    "to",
    "from",
    "input",
    "output",
    "incoming",
    "outgoing",
    "inbound",
    "outbound",
    "remote",
    "local",
];

/// Words that vary: levels, months, days.
const VARYING: [&str; 47] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "fine", "finer", "finest", "protocol", "verbose",
    "dbg", "inf", "wrn", "err", "trc", "am", "pm", "utc", "gmt", "cet", "cest", "jan", "feb", "mar", "apr", "may",
    "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "t", "z",
    "stdout", "stderr", "f",
];

/// Makes the shape of a prefix, token by token.
pub(super) struct Shaper<'t> {
    text: &'t str,
    /// How far the text was taken.
    at: usize,
    shape: String,
}

impl<'t> Shaper<'t> {
    pub(super) fn new(text: &'t str) -> Shaper<'t> {
        let start = text.len() - text.trim_start().len();
        Shaper { text, at: start, shape: String::new() }
    }

    /// The shape of what was taken.
    pub(super) fn shape(&self) -> &str {
        self.shape.trim_end()
    }

    /// Takes one token; gives where it ends.
    pub(super) fn advance(&mut self) -> Option<usize> {
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        let taken = if first.is_whitespace() {
            self.shape.push(' ');
            rest.len() - rest.trim_start().len()
        } else if matches!(first, '[' | '(') {
            self.bracket(rest)
        } else if first.is_alphanumeric() || first == '_' {
            self.word(rest)
        } else {
            self.shape.push(first);
            first.len_utf8()
        };
        self.at += taken;
        Some(self.at)
    }

    /// `[id]` and `(id)`: what is inside varies, unless it tells a direction.
    fn bracket(&mut self, rest: &str) -> usize {
        let (open, close) = if rest.starts_with('[') { ('[', ']') } else { ('(', ')') };
        // A quoted text in brackets is what was said, not an id.
        let end = rest[1..]
            .find([open, close, '\n', '"', '\''])
            .filter(|end| rest[1 + end..].starts_with(close) && *end <= 80);
        self.shape.push(open);
        let Some(end) = end else { return 1 };
        let inside = rest[1..=end].to_ascii_lowercase();
        if is_direction(&inside) || inside.contains(['<', '>']) {
            self.shape.push_str(&inside);
        } else {
            self.shape.push(VARIES);
        }
        self.shape.push(close);
        end + 2
    }

    fn word(&mut self, rest: &str) -> usize {
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let word = rest[..end].to_ascii_lowercase();
        if varies(&word) {
            self.vary();
        } else {
            self.shape.push_str(&word);
        }
        end
    }

    /// Several varying parts with only signs or blanks of times between them are one.
    fn vary(&mut self) {
        let kept = self.shape.trim_end_matches(['-', ':', '.', ',', '/', '+', ' ']);
        if kept.ends_with(VARIES) {
            self.shape.truncate(kept.len());
        } else {
            self.shape.push(VARIES);
        }
    }
}

fn varies(word: &str) -> bool {
    let is_hex = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex || word.bytes().any(|byte| byte.is_ascii_digit()) || VARYING.contains(&word)
}

fn is_direction(word: &str) -> bool {
    DIRECTIONS.contains(&word)
}

/// The shape of a whole prefix.
pub(super) fn shape(prefix: &str) -> String {
    let mut shaper = Shaper::new(prefix);
    while shaper.advance().is_some() {}
    shaper.shape().to_owned()
}

/// What of a shape tells a side: its arrows and words of direction in order, or else what follows the last varying part.
pub(super) fn direction(shape: &str) -> String {
    let signs = signs(shape);
    if signs.is_empty() { tail(shape).to_owned() } else { signs }
}

/// Whether a shape has an arrow or a word of direction.
pub(super) fn is_directed(shape: &str) -> bool {
    !signs(shape).is_empty()
}

fn signs(shape: &str) -> String {
    let mut found = String::new();
    let mut rest = shape;
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphanumeric() {
            let end = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
            let is_letter = matches!(&rest[..end], "c" | "s");
            let signed = rest[end..].trim_start().starts_with([':', '>', '<', '-', ']', '|', ')', '=']);
            if is_direction(&rest[..end]) && (!is_letter || signed) {
                found.push_str(&rest[..end]);
            }
            end
        } else {
            let sign = |letter: char| matches!(letter, '<' | '>' | '=' | '-' | '~' | '*' | '|' | '+');
            let end = rest.find(|letter: char| !sign(letter)).unwrap_or(rest.len());
            found.extend(['<', '>'].into_iter().filter(|arrow| rest[..end].contains(*arrow)));
            found.extend(matches!(first, '→' | '⇒' | '»' | '←' | '⇐' | '«').then_some(first));
            end.max(first.len_utf8())
        };
        rest = &rest[end..];
    }
    found
}

fn tail(shape: &str) -> &str {
    let start = shape.rfind([VARIES, ']', ')']).map_or(0, |at| at + 1);
    shape[start..].trim_matches([' ', ':', ';', ',', '.', '-', '|', ']', ')'])
}

/// What stands in a shape before its mark.
pub(super) fn base(shape: &str) -> Option<&str> {
    let end = shape.rfind([VARIES, ']', ')'])?;
    let end = end + shape[end..].chars().next().map_or(0, char::len_utf8);
    (end < shape.len()).then(|| &shape[..end])
}

/// Whether a shape ends with what varies.
pub(super) fn ends_varying(shape: &str) -> bool {
    shape.ends_with(VARIES)
}

/// The values of the varying parts of a prefix, in order.
pub(super) fn columns(prefix: &str) -> Vec<&str> {
    let ends = |letter: char| {
        letter.is_whitespace() || matches!(letter, '[' | ']' | '(' | ')' | ',' | ';' | '|' | '<' | '>' | '"')
    };
    let words = prefix.split(ends).map(|word| word.trim_matches([':', '-', '#']));
    words
        .filter(|word| word.len() > 1 || word.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ids_do_not_matter() {
        let one = shape("[2023-05-01 10:11:12] DEBUG [abcDEF123] S:");
        assert_eq!(one, shape("[2024-12-31 00:00:00] INFO  [Mn997hd47sk] S:"));
        assert_eq!(shape("09:41:12 AM - Client:"), shape("12:00:01 PM - Client:"));
        assert_eq!(shape("Nov  8 19:02:26 mx postfix/smtpd[123]:"), shape("Dec 28 01:00:00 mx postfix/smtpd[7]:"));
        assert_ne!(one, shape("[2023-05-01 10:11:12] DEBUG [abcDEF123] C:"));
    }

    #[test]
    fn a_direction_is_words_and_arrows() {
        let direction = |prefix: &str| direction(&shape(prefix));
        assert_eq!(direction("2026-11-28 19:02:26\tCLIENT -> SERVER:"), "client>server");
        assert_eq!(direction("<~*"), direction("<-"));
        assert_eq!(direction("  SMTP|>"), direction("  SMTP>>"));
        assert_eq!(direction("Net::SMTP=GLOB(0x5570a743dd58)<<<"), "<");
        assert_eq!(direction("12:00:00 stdout app:"), "app");
        assert_eq!(direction("[x] [core] C:"), "c");
        assert_eq!(direction(""), "");
    }
}
