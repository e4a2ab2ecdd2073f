//! Conditions that say the same in every run, or ask for what a reply does not have.

use crate::scenario::Expression;
use crate::scenario::source::Diagnostic;
use crate::scenario::words::similar;

/// What the objects of an expression have.
const FIELDS: [(&str, &str, &[&str]); 4] = [
    ("reply", "a reply", &["code", "enhanced", "lines", "text", "elapsed", "kind", "bytes"]),
    (
        "tls.certificate",
        "a certificate",
        &["subject", "issuer", "names", "not_after", "days_left", "key", "key_bits", "signature", "self_issued"],
    ),
    (
        "tls",
        "a TLS session",
        &["version", "cipher", "verified", "channel_binding", "certificate", "chain", "server_name"],
    ),
    ("message", "a message", &["size", "headers", "text", "html", "body", "attachments", "raw"]),
];

/// What they are called elsewhere.
const ELSEWHERE: [(&str, &[&str], &str); 9] = [
    ("reply", &["status", "status_code", "number"], "reply.code"),
    ("reply", &["message", "body", "string", "content", "data"], "reply.text"),
    ("reply", &["time", "duration", "latency"], "reply.elapsed"),
    ("tls", &["days_left", "not_after", "issuer", "subject", "names", "expires", "days"], "tls.certificate."),
    ("tls", &["protocol", "proto"], "tls.version"),
    ("tls.certificate", &["expires", "expiry", "valid_until", "not_valid_after"], "tls.certificate.not_after"),
    ("tls.certificate", &["days", "days_remaining", "expires_in"], "tls.certificate.days_left"),
    ("message", &["subject", "from", "to", "cc", "date", "header"], "message.headers."),
    ("message", &["content", "plain", "data", "source"], "message.text"),
];

/// Looks at an `assert` or a `when`.
pub(super) fn condition(expression: &Expression, warnings: &mut Vec<Diagnostic>) {
    let source = expression.source.trim();
    let Ok(names) = expression.names() else { return };
    if names.variables.is_empty() && names.functions.is_empty() && !matches!(source, "false" | "False") {
        let warning = Diagnostic::warning(expression.span, "this condition reads no name: it is the same in every run");
        let help = if source.starts_with(['"', '\'']) {
            "leave out the inner quotes"
        } else {
            "compare something, as in `reply.code == 250`"
        };
        warnings.push(warning.help(help));
    }
    fields(expression, warnings);
    keywords(expression, warnings);
    texts_and_numbers(expression, warnings);
    let bare = ["reply == ", "reply != ", "reply >= ", "reply < ", "reply in "];
    if bare.iter().any(|form| source.starts_with(form)) {
        let warning = Diagnostic::warning(expression.span, "a reply equals nothing: it has a code and a text");
        warnings.push(warning.help("write `reply.code == 250`, or `'x' in reply.text`"));
    }
    let counted = [".length", ".size()", ".count", ".len()"].iter().find(|word| source.contains(**word));
    if let Some(word) = counted.filter(|_| !source.contains("message.size")) {
        let warning = Diagnostic::warning(expression.span, format!("values have no `{word}`: this is undefined"));
        warnings.push(warning.help("its length is `reply.lines | length`"));
    }
    let quoted = [
        "reply.code == '",
        "reply.code == \"",
        "reply.code != '",
        "reply.code != \"",
        "reply.code=='",
        "reply.code==\"",
    ];
    if quoted.iter().any(|form| source.contains(form)) {
        let warning = Diagnostic::warning(expression.span, "`reply.code` is a number, which no text equals");
        warnings.push(warning.help("leave out the quotes: `reply.code == 250`"));
    }
}

/// A text compared with a number, and versions of TLS by their number.
fn texts_and_numbers(expression: &Expression, warnings: &mut Vec<Diagnostic>) {
    let source = expression.source.as_str();
    for (field, example) in [
        ("tls.version", "'TLSv1.3'"),
        ("reply.enhanced", "'2.0.0'"),
        ("reply.text", "'Ok'"),
        ("tls.cipher", "'TLS_AES_256_GCM_SHA384'"),
    ] {
        let compared = source.split_once(field).map(|(_, rest)| rest.trim_start());
        let value =
            compared.and_then(|rest| ["==", "!=", ">=", ">", "<"].iter().find_map(|sign| rest.strip_prefix(sign)));
        let Some(value) = value.map(|rest| rest.trim_start_matches(['=', ' '])) else { continue };
        let bare = value.trim_start_matches(['\'', '"']);
        let is_number = bare.starts_with(|first: char| first.is_ascii_digit());
        if is_number && (bare == value || field == "tls.version") {
            let text = format!("`{field}` is a text such as {example}, which this never equals");
            let warning = Diagnostic::warning(expression.span, text);
            return warnings.push(warning.help(format!("write `{field} == {example}`")));
        }
    }
}

/// Looks at an expression in the text of a template.
pub(super) fn value(expression: &Expression, warnings: &mut Vec<Diagnostic>) {
    fields(expression, warnings);
    keywords(expression, warnings);
    let source = expression.source.trim();
    if !source.is_empty() && source.bytes().all(|byte| byte.is_ascii_digit()) {
        let warning = Diagnostic::warning(
            expression.span,
            format!("`<<{source}>>` is the number {source}: a capture has a name"),
        );
        warnings.push(warning.help("write `expect: ^220 (?<word>\\S+)`, and then `<<word>>`"));
    }
}

/// Keywords of EHLO are kept as servers send them, in capital letters.
fn keywords(expression: &Expression, warnings: &mut Vec<Diagnostic>) {
    let all = words_after(&expression.source, "extensions");
    let small = all.iter().find(|(word, is_called)| !is_called && word.bytes().any(|byte| byte.is_ascii_lowercase()));
    if let Some((word, _)) = small {
        let warning =
            Diagnostic::warning(expression.span, format!("no extension is called `{word}`: this is undefined"));
        warnings.push(warning.help(format!("write `extensions.{}`", word.to_ascii_uppercase())));
    }
}

/// A field that an object does not have.
fn fields(expression: &Expression, warnings: &mut Vec<Diagnostic>) {
    let source = expression.source.as_str();
    for (object, name, known) in FIELDS {
        for (word, is_called) in words_after(source, object) {
            if is_called || word.is_empty() || known.contains(&word) {
                continue;
            }
            let warning = Diagnostic::warning(expression.span, format!("{name} has no `{word}`: this is undefined"));
            let foreign = ELSEWHERE.iter().find(|(of, words, _)| *of == object && words.contains(&word));
            let near = foreign.map(|(_, _, right)| match right.strip_suffix('.') {
                Some(_) => format!("{right}{word}"),
                None => (*right).to_owned(),
            });
            let near = near.or_else(|| similar(word, known.iter().copied()).map(|near| format!("{object}.{near}")));
            let help = near
                .map_or_else(|| format!("it has `{}`", known.join("`, `")), |near| format!("did you mean `{near}`?"));
            return warnings.push(warning.help(help));
        }
    }
}

/// The words that stand after `object.`, and whether each is called.
fn words_after<'s>(source: &'s str, object: &str) -> Vec<(&'s str, bool)> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = Vec::new();
    for (at, found) in source.match_indices(object) {
        let before = source[..at].chars().next_back();
        let Some(rest) = source[at + found.len()..].strip_prefix('.') else { continue };
        if before.is_some_and(|c| is_of_word(c) || matches!(c, '.' | '"' | '\'')) {
            continue;
        }
        let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        words.push((&rest[..end], rest[end..].starts_with('(')));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_their_object() {
        assert_eq!(
            words_after("tls.days_left > 3 and tls.certificate.names", "tls"),
            [("days_left", false), ("certificate", false)]
        );
        assert_eq!(words_after("'tls.x' in reply.text", "tls"), []);
        assert_eq!(words_after("my_tls.x", "tls"), []);
        assert_eq!(words_after("reply.text.split(' ')", "reply"), [("text", false)]);
        assert_eq!(words_after("reply.contains('x')", "reply"), [("contains", true)]);
    }
}
