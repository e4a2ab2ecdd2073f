//! Patterns that can hardly match what they mean.

use crate::scenario::Pattern;
use crate::scenario::source::Diagnostic;

/// A pattern for a whole reply.
pub(super) fn whole_reply(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    class_in_pattern(pattern, warnings);
    line_end(pattern, warnings);
    posix_class(pattern, warnings);
    alternatives_in_words(pattern, warnings);
    enhanced_first(pattern, warnings);
    let digits =
        source.strip_prefix('^').filter(|rest| rest.len() >= 4 && rest.as_bytes()[..3].iter().all(u8::is_ascii_digit));
    let Some(rest) = digits.map(|rest| &rest[3..]) else { return };
    if rest == "$" {
        let warning = Diagnostic::warning(pattern.text.span, "this matches a reply without any text only");
        warnings.push(warning.help(format!("leave out the `$`, or write the code alone: `{}`", &source[1..4])));
    }
    if rest.starts_with('-') && rest.len() > 1 {
        let warning =
            Diagnostic::warning(pattern.text.span, "this misses what it looks for where it stands in the last line");
        warnings.push(warning.help(format!("write `^{}[ -]{}`", &source[1..4], &rest[1..])));
    }
    if rest.starts_with(['*', '+', '?']) {
        let text = "this repeats the last digit of the code: `*`, `+` and `?` are not wildcards";
        let warning = Diagnostic::warning(pattern.text.span, text);
        warnings.push(warning.help(format!("write `^{}`: what follows it may be anything", &source[1..4])));
    }
}

/// `^220 .*\r\n`: a reply is compared line by line, without their ends.
fn line_end(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let trimmed =
        source.trim_end_matches(['\r', '\n']).trim_end_matches("\\n").trim_end_matches("\\r").trim_end_matches("\\n");
    if trimmed.len() < source.len() && !source.trim_end_matches('\n').contains('\n') && !trimmed.is_empty() {
        let warning =
            Diagnostic::warning(pattern.text.span, "a line is compared without its end: this pattern matches none");
        warnings.push(warning.help("leave out `\\r\\n`; octets as they come are `expect: {raw: …}`"));
    }
}

/// `[:digit:]` is a set of the letters within it.
fn posix_class(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let Some(at) = source.find("[:").filter(|at| !source[..*at].ends_with('[')) else { return };
    let Some(end) = source[at..].find(":]").map(|length| at + length + 2) else { return };
    let class = &source[at..end];
    let warning = Diagnostic::warning(pattern.text.span, format!("`{class}` is one of these letters, and no class"));
    warnings.push(warning.help(format!("write `[{class}]`")));
}

/// `^220 or ^250`
fn alternatives_in_words(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    for (word, key) in [(" or ^", "any"), (" and ^", "all"), (", ^", "any"), (" | ^", "any")] {
        let Some((first, second)) = source.split_once(word) else { continue };
        let warning =
            Diagnostic::warning(pattern.text.span, "a `^` within a line matches nothing: these are two patterns");
        return warnings.push(warning.help(format!(
            "write `expect: {{{key}: [{}, ^{}]}}`",
            first.trim(),
            second.trim()
        )));
    }
}

/// `^5.7.1` without the reply code before it.
fn enhanced_first(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let bare = pattern.text.source.strip_prefix('^').unwrap_or("").replace('\\', "");
    let mut parts = bare.splitn(3, '.');
    let digits = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let class = parts.next();
    let first = class.is_some_and(|class| matches!(class, "2" | "4" | "5"));
    if first && digits(parts.next()) && parts.next().is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        let text = "a reply begins with its code: an enhanced status code follows it";
        let warning = Diagnostic::warning(pattern.text.span, text);
        let class = class.unwrap_or("5");
        warnings.push(warning.help(format!("write `expect: {{code: {class}xx, enhanced: {bare}}}`")));
    }
}

/// `^2xx` looks for the letter x.
fn class_in_pattern(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let code = source.strip_prefix('^').and_then(|rest| rest.get(..3)).unwrap_or("");
    let digits = code.trim_end_matches(['x', 'X']);
    let is_class =
        code.len() == 3 && digits.len() < 3 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if is_class {
        let text = "`x` stands for itself in a pattern: this matches no reply code";
        let warning = Diagnostic::warning(pattern.text.span, text);
        warnings.push(
            warning.help(format!("write the class alone, `{}`, or the pattern `^{digits}`", code.to_ascii_lowercase())),
        );
    }
}

/// `$` that more follows, and `^` that more stands before.
pub(super) fn characters(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let mut characters = source.char_indices().peekable();
    let mut class = false;
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => _ = characters.next(),
            '[' => class = true,
            ']' => class = false,
            '$' if !class
                && characters.peek().is_some_and(|(_, next)| next.is_ascii_alphanumeric() || *next == '_') =>
            {
                let span = pattern.text.span_of(&(at..at + 1));
                let text = "`$` is the end of a line in a pattern: nothing in the line can follow it";
                let warning = Diagnostic::warning(span, text);
                return warnings.push(warning.help("the value of a variable is `<<name>>`; a dollar sign is `\\$`"));
            }
            _ => {}
        }
    }
}
