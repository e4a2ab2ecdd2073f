//! Which reply codes an expectation lets through, as far as its text shows.

use crate::scenario::{CodePattern, CodeSet, Expectation, Expected};

/// What is known of the codes that a step expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// 2yz or 3yz only.
    Success,
    /// 4yz or 5yz only.
    Refusal,
    /// Either, or not known.
    Open,
}

/// Whether success or a refusal is expected.
pub(super) fn outlook(expect: &Expectation) -> Outlook {
    let Some(codes) = codes(expect) else { return Outlook::Open };
    let refusals = codes.iter().filter(|code| matches!(code.digits[0], Some(4 | 5))).count();
    match refusals {
        0 => Outlook::Success,
        all if all == codes.len() => Outlook::Refusal,
        _ => Outlook::Open,
    }
}

/// Whether one of `codes` may come, or a refusal; nothing where that is not known.
pub(super) fn may_be(expect: &Expectation, wanted: &[u16]) -> Option<bool> {
    let codes = codes(expect)?;
    let fits =
        |code: &CodePattern| matches!(code.digits[0], Some(4 | 5)) || wanted.iter().any(|wanted| code.matches(*wanted));
    Some(codes.iter().any(fits))
}

/// Whether 354 is among the codes: DATA is to be accepted.
pub(super) fn wants_mail_data(expect: &Expectation) -> bool {
    may_be(expect, &[354]) == Some(true) && outlook(expect) == Outlook::Success
}

/// The codes that an expectation names; nothing where its text does not say.
fn codes(expect: &Expectation) -> Option<Vec<CodePattern>> {
    let of = |codes: &CodeSet| match codes {
        CodeSet::OneOf(codes) => Some(codes.clone()),
        CodeSet::Any => None,
    };
    match &expect.kind {
        Expected::Pattern(pattern) => spelled(&pattern.text.source),
        Expected::Code(set) => of(set),
        Expected::Fields(fields) => fields.code.as_ref().and_then(|(set, _)| of(set)),
        Expected::Any(list) => {
            let all: Option<Vec<Vec<CodePattern>>> = list.iter().map(codes).collect();
            all.map(|all| all.concat())
        }
        Expected::All(list) => list.iter().find_map(codes),
        _ => None,
    }
}

/// The codes that a pattern begins with: `^250`, `^2`, `^25[01]`, `^(250|251)`, `^[45]`.
fn spelled(pattern: &str) -> Option<Vec<CodePattern>> {
    let rest = pattern.trim_start_matches("(?i)").trim_start_matches("(?s)").strip_prefix('^')?;
    if let Some(group) = rest.strip_prefix('(') {
        let (inner, _) = group.trim_start_matches("?:").split_once(')')?;
        return inner.split('|').map(beginning).collect();
    }
    if let Some(class) = rest.strip_prefix('[') {
        let (inner, _) = class.split_once(']')?;
        return inner.chars().map(|digit| beginning(&digit.to_string())).collect();
    }
    if rest.contains('|') {
        return None;
    }
    Some(vec![beginning(rest)?])
}

fn beginning(text: &str) -> Option<CodePattern> {
    let digits: String = text.chars().take(3).take_while(char::is_ascii_digit).collect();
    let next = text[digits.len()..].chars().next();
    if digits.is_empty() || digits.len() < 3 && next.is_some_and(|next| "*+?{.".contains(next)) {
        return None;
    }
    CodePattern::parse(&format!("{digits:x<3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_patterns() {
        let shown = |pattern: &str| {
            spelled(pattern).map(|codes| codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        for (pattern, codes) in [
            ("^250", "250"),
            ("^2", "2xx"),
            ("^25[01]", "25x"),
            ("^2\\d\\d", "2xx"),
            ("^(250|251) ", "250 251"),
            ("^[45]", "4xx 5xx"),
            ("(?i)^220 .*esmtp", "220"),
        ] {
            assert_eq!(shown(pattern).as_deref(), Some(codes), "{pattern}");
        }
        for unknown in ["OK", "^250|^251", "^<<code>>", "^.50"] {
            assert_eq!(shown(unknown), None, "{unknown}");
        }
    }
}
