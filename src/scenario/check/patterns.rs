//! What a pattern that is refused was probably meant to be.
//!
//! Responsible for the help beneath a faulty pattern: several codes at once, a class of codes, a negation, quotes that are
//! none. Called by `expect`, which keeps the pattern's own help where nothing of this fits.

use crate::scenario::typography::Lookalike;

/// What to write instead of a pattern that was refused.
pub(crate) fn meant(source: &str) -> Option<String> {
    let text = source.trim();
    quoted(text)
        .or_else(|| keywords(text))
        .or_else(|| word(text))
        .or_else(|| enhanced(text))
        .or_else(|| look_around(text))
        .or_else(|| negated(text))
        .or_else(|| several(text))
        .or_else(|| class(text))
        .or_else(|| compared(text))
        .or_else(|| foreign_template(text))
        .or_else(|| alternatives(text))
        .or_else(|| blank_or_case(text))
}

fn quoted(text: &str) -> Option<String> {
    if let Some(quote) = Lookalike::opening_quote(text) {
        let inner = text.trim_matches(|letter| Lookalike::opening_quote(&String::from(letter)).is_some());
        return Some(format!("{}: write `'{inner}'`, or leave the quotes out", quote.described()));
    }
    let inner = text.strip_prefix(['"', '\'', '`']).and_then(|rest| rest.strip_suffix(['"', '\'', '`']));
    if let Some(inner) = inner {
        return Some(format!("the inner quotes are part of the pattern: write `{inner}`"));
    }
    let slashed = text.strip_prefix('/').and_then(|rest| rest.trim_end_matches(['i', 'm', 's', 'g']).strip_suffix('/'));
    if let Some(inner) = slashed {
        let inner = anchored(inner);
        return Some(format!("a pattern stands without slashes: `{inner}`; letters in either case are `(?i)`"));
    }
    let called =
        ["re:", "regex:", "regexp:", "pattern:", "match:", "glob:", "regex(", "re(", "match(", "contains(", "=~ ", "~"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix));
    if let Some(inner) = called {
        return Some(format!(
            "a pattern stands alone: `{}`",
            anchored(inner.trim().trim_end_matches(')').trim_matches(['/', '"', '\'']))
        ));
    }
    if let Some(wide) = Lookalike::first(text).filter(|found| found.advice() == "write its ASCII form") {
        return Some(format!("{}: {}", wide.described(), wide.advice()));
    }
    let raw = text.strip_prefix("r'").or_else(|| text.strip_prefix("r\"")).or_else(|| text.strip_prefix("~ "));
    raw.map(|inner| format!("a pattern stands alone: `{}`", anchored(inner.trim_end_matches(['\'', '"']))))
}

/// `STARTTLS, SIZE`, or lines as EHLO answers them.
fn keywords(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split([',', ';', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect();
    let bare = |word: &str| word.trim_start_matches("250-").trim_start_matches("250 ").trim().to_owned();
    let named: Vec<String> = words
        .iter()
        .map(|word| bare(word))
        .filter(|word| is_keyword(word) && word.contains(char::is_alphabetic))
        .collect();
    let lines = text.contains('\n') && words.iter().all(|word| word.starts_with("250"));
    let all = named.len() == words.len();
    (named.len() + usize::from(lines) > 1 && (all || lines) && !named.is_empty())
        .then(|| format!("what EHLO offers is `expect: {{offers: [{}]}}`", named.join(", ")))
}

/// Words for what is no pattern.
fn word(text: &str) -> Option<String> {
    if text.starts_with("reply.") || text.starts_with("tls.") || text.contains(" == ") {
        return Some(format!("a condition is a step of its own, `- assert: {text}`"));
    }
    let lower = text.to_ascii_lowercase();
    let begins = [
        "startswith ",
        "starts with ",
        "starts_with ",
        "begins with ",
        "beginswith ",
        "contains ",
        "matches ",
        "like ",
    ];
    if let Some(rest) = begins.iter().find_map(|prefix| lower.strip_prefix(prefix)) {
        let rest = &text[text.len() - rest.len()..];
        return Some(format!("a pattern stands alone: `{}`", anchored(rest.trim().trim_matches(['"', '\'']))));
    }
    let help = match text.to_ascii_lowercase().as_str() {
        "closed" | "close" | "eof" | "disconnect" | "disconnected" | "end" => {
            "that the server closes is `expect: {closed: true}`"
        }
        "timeout" | "none" | "nothing" | "silence" | "null" | "empty" | "no reply" => {
            "that nothing comes is `expect: {silence: 2s}`"
        }
        "any" | "anything" | "*" | ".*" | "something" => "any reply is `expect: {code: any}`",
        "true" | "success" | "yes" | "accepted" | "pass" => "success is `expect: 2xx`",
        "false" | "error" | "fail" | "failure" | "refused" | "rejected" | "reject" | "denied" => {
            "a refusal is `expect: 5xx`, or `4xx` for one that passes"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

/// `5.7.1`, without the reply code before it.
fn enhanced(text: &str) -> Option<String> {
    let bare = text.trim_start_matches('^').replace('\\', "");
    let parts: Vec<&str> = bare.split('.').collect();
    let is_code = parts.len() == 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit() || b == b'x'));
    is_code.then(|| format!("an enhanced status code is `expect: {{code: {}xx, enhanced: {bare}}}`", &bare[..1]))
}

/// `^250 OK|251`: each alternative has a beginning of its own.
fn alternatives(text: &str) -> Option<String> {
    let inner = text.strip_prefix('^')?;
    let begins_with_codes =
        inner.split('|').all(|part| part.get(..3).is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit())));
    (inner.contains('|') && begins_with_codes)
        .then(|| format!("`^` counts for the first alternative alone: write `^({inner})`"))
}

fn anchored(pattern: &str) -> String {
    if pattern.starts_with('^') { pattern.to_owned() } else { format!("^{pattern}") }
}

fn look_around(text: &str) -> Option<String> {
    let negative = text.contains("(?!") || text.contains("(?<!");
    if negative {
        return Some("what must not be found is `not:`, as in `expect: {code: 250, not: PATTERN}`".to_owned());
    }
    let positive = text.contains("(?=") || text.contains("(?<=");
    positive.then(|| "what must be found as well is one more entry of `all:`, as in `all: [^250, PATTERN]`".to_owned())
}

fn negated(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let rest = ["not in ", "not ", "!= ", "!=", "!~ ", "!", "<> ", "anything but ", "except "]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix))?;
    let codes = codes(rest);
    let help = match codes.as_slice() {
        [code] if code.starts_with('2') => "anything but success is `expect: {code: [4xx, 5xx]}`".to_owned(),
        [code] if code.starts_with(['4', '5']) => "anything but a refusal is `expect: {code: [2xx, 3xx]}`".to_owned(),
        [] => format!("what must not be found is `not:`, as in `expect: {{code: 250, not: {}}}`", rest.trim()),
        _ => "the codes that may come are `expect: {code: [250, 251]}`".to_owned(),
    };
    Some(format!("a pattern has no negation: {help}"))
}

/// `250, 251`, `250|251`, `250 or 251`, `200-299`.
fn several(text: &str) -> Option<String> {
    let codes = codes(text);
    if codes.len() < 2 {
        return None;
    }
    let range = text.contains("..") || text.contains("to ") || text.contains('-') || text.contains('–');
    if let [first, second] = codes.as_slice()
        && range
        && first < second
        && first[..1] == second[..1]
    {
        return Some(format!("a class of codes is `{}xx`", &first[..1]));
    }
    let list = codes.join(", ");
    Some(format!("several codes are `expect: {{code: [{list}]}}`, or `any: [{list}]`"))
}

/// The reply codes of a text that holds nothing else but what joins them.
fn codes(text: &str) -> Vec<String> {
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let joints = ["or", "and", "to", "oder", "and/or"];
    let is_code = |word: &str| {
        word.len() == 3 && word.as_bytes()[0].is_ascii_digit() && !word.ends_with(char::is_alphabetic)
            || crate::scenario::CodePattern::parse(word).is_some()
    };
    let known = words.iter().all(|word| is_code(word) || joints.contains(word));
    if !known {
        return Vec::new();
    }
    words.into_iter().filter(|word| is_code(word)).map(str::to_owned).collect()
}

/// `2**`, `2*`, `25?`, `2..`, `5yz`, `2nn`, `250*`, `*250`, `2-`.
fn class(text: &str) -> Option<String> {
    let bare = text.trim_start_matches(['^', '*', '.']);
    let digits: String = bare.chars().take_while(char::is_ascii_digit).collect();
    let rest = &bare[digits.len()..];
    let joker = |letter: char| "*?.#_%xXyYzZnN+-$".contains(letter) || letter == '…';
    if digits.is_empty() || digits.len() > 3 || !rest.chars().all(joker) || rest.is_empty() && bare == text {
        return None;
    }
    if !digits.starts_with(['1', '2', '3', '4', '5']) {
        return None;
    }
    Some(match digits.len() {
        1 => format!("a class of codes is `{digits}xx`"),
        2 => format!("a class of codes is `{digits}x`"),
        _ => format!("the code alone is `{digits}`; what begins with it is `^{digits}`"),
    })
}

/// `= 250`, `>= 400`, `< 400`.
fn compared(text: &str) -> Option<String> {
    let rest = text.trim_start_matches(['=', '<', '>', '~', ':', ' ']);
    let operator = &text[..text.len() - rest.len()];
    let code = rest.trim().get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    match operator.trim() {
        "" => None,
        "=" | "==" | "===" | "=~" | ":" | "~" => Some(format!("the code alone is `{code}`")),
        _ => Some("a range of codes is a class, `2xx`, or several, `{code: [2xx, 3xx]}`".to_owned()),
    }
}

fn foreign_template(text: &str) -> Option<String> {
    let name = crate::scenario::lint::foreign_name(text)?;
    Some(format!("templates are written `<<{name}>>` here"))
}

/// Whether a word is written as the keyword of an extension: `STARTTLS`, `8BITMIME`.
fn is_keyword(word: &str) -> bool {
    word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
}

/// `250 OK`, `250-SIZE`: a code in front, without the circumflex.
fn blank_or_case(text: &str) -> Option<String> {
    let code = text.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    let rest = &text[3..];
    let keyword = rest.trim_start_matches([' ', '-']);
    if code == "250" && rest.starts_with([' ', '-']) && is_keyword(keyword) {
        return Some(format!(
            "any line of the reply may hold it: `^{code}[ -]{keyword}`, or `expect: {{offers: [{keyword}]}}`"
        ));
    }
    (rest.starts_with([' ', '-', '[']) && text.len() < 60 && !rest.contains('|'))
        .then(|| format!("begin it with `^` and the reply code: `^{code}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        for (source, part) in [
            ("250, 251", "code: [250, 251]"),
            ("250|251", "code: [250, 251]"),
            ("250 or 251", "code: [250, 251]"),
            ("[250, 251]", "code: [250, 251]"),
            ("200-299", "`2xx`"),
            ("2**", "`2xx`"),
            ("25?", "`25x`"),
            ("2..", "`2xx`"),
            ("2yz", "`2xx`"),
            ("250*", "`250`"),
            ("!250", "code: [4xx, 5xx]"),
            ("not 250", "code: [4xx, 5xx]"),
            ("!= 550", "code: [2xx, 3xx]"),
            ("not OK", "not: ok"),
            ("“^250”", "`'^250'`"),
            ("'250'", "part of the pattern"),
            ("/^250/i", "`^250`"),
            ("^250(?!x)", "`not:`"),
            ("^250(?=x)", "`all:`"),
            ("== 250", "`250`"),
            (">= 400", "`{code: [2xx, 3xx]}`"),
        ] {
            let help = meant(source).unwrap_or_default();
            assert!(help.contains(part), "{source}: {help}");
        }
        for fine in ["OK", "^\\d\\d\\d", "^.*OK"] {
            assert_eq!(meant(fine), None, "{fine}");
        }
    }
}
