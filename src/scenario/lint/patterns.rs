//! Patterns that can hardly match what they mean.

use crate::scenario::Pattern;
use crate::scenario::pattern::{OPEN, spelled};
use crate::scenario::source::Diagnostic;
use crate::smtp::extension::keyword_named;

/// A pattern for a whole reply.
pub(super) fn whole_reply(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    class_in_pattern(pattern, warnings);
    line_end(pattern, warnings);
    posix_class(pattern, warnings);
    alternatives_in_words(pattern, warnings);
    enhanced_first(pattern, warnings);
    no_reply(pattern, warnings);
    small_keyword(pattern, warnings);
    plain_challenge(pattern, warnings);
    slashes(pattern, warnings);
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

/// `^OK`, `^250OK`: a reply begins with three digits, and a blank or `-` after them (RFC 5321 section 4.2).
fn no_reply(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let is_class = pattern.text.source.get(1..4).is_some_and(|code| code.contains(['x', 'X']));
    if !pattern.text.is_literal() || !pattern.text.source.starts_with('^') || is_class {
        return;
    }
    let lines = spelled(&pattern.text.source);
    let digits = |line: &str| line.chars().take(3).all(|letter| letter.is_ascii_digit() || letter == OPEN);
    let joint = |line: &str| line.chars().nth(3).is_none_or(|letter| matches!(letter, ' ' | '-' | OPEN));
    if lines.iter().any(|line| line.contains(OPEN) && line.chars().take(4).any(|letter| letter == OPEN)) {
        return;
    }
    let rest = pattern.text.source.trim_start_matches(['^', ' ']);
    if !lines.iter().any(|line| digits(line)) {
        let text = "each line of a reply begins with its code: this matches none";
        let warning = Diagnostic::warning(pattern.text.span, text);
        let form = if rest.starts_with(|first: char| first.is_ascii_digit()) {
            format!("^{rest}")
        } else {
            format!("^250 .*{rest}")
        };
        warnings.push(warning.help(format!("write `{form}`")));
    } else if !lines.iter().any(|line| joint(line)) {
        let text = "a blank or `-` stands after the code of a reply: this matches none";
        let warning = Diagnostic::warning(pattern.text.span, text);
        let (code, words) = rest.split_at_checked(3).unwrap_or((rest, ""));
        let words = words.trim_start_matches([':', '_', '=', '.', ',', '/', '\\']).trim_start();
        let words = if words.starts_with(char::is_alphanumeric) { format!("[ -]{words}") } else { String::new() };
        warnings.push(warning.help(format!("write `^{code}{words}`")));
    }
}

/// `^250[ -]starttls`: servers say keywords in capital letters, and a pattern tells them apart.
fn small_keyword(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let Some(word) = ["^250[ -]", "^250-", "^250 "].iter().find_map(|start| source.strip_prefix(start)) else { return };
    let word: &str = word.split(|letter: char| !(letter.is_ascii_alphanumeric())).next().unwrap_or("");
    let Some(known) = keyword_named(word) else { return };
    let upper = known.name;
    if word != upper {
        let text = format!("servers offer `{upper}` in capital letters, and a pattern tells them apart");
        let warning = Diagnostic::warning(pattern.text.span, text);
        warnings.push(warning.help(format!("write `^250[ -]{upper}`, or `expect: {{offers: [{upper}]}}`")));
    }
}

/// `^250 ok/i`: the end of a pattern as other languages write it.
fn slashes(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let Some((bare, flags)) = source.rsplit_once('/').filter(|(bare, _)| bare.starts_with('^')) else { return };
    if flags.len() > 3 || !flags.bytes().all(|flag| b"gimsux".contains(&flag)) || bare.ends_with('\\') {
        return;
    }
    let warning = Diagnostic::warning(pattern.text.span, "this slash is a part of the pattern, and no end of it");
    let case = if flags.contains('i') { "(?i)" } else { "" };
    warnings.push(warning.help(format!("write `{case}{bare}`")));
}

/// `text: ^250`, `not: 550`: the text of a reply is what follows its codes.
pub(super) fn code_in_text(pattern: &Pattern, key: &str, warnings: &mut Vec<Diagnostic>) {
    let source = pattern.text.source.trim_start_matches('^');
    let code = source.get(..3).filter(|code| code.bytes().all(|digit| digit.is_ascii_digit()));
    let Some(code) = code.filter(|code| matches!(code.as_bytes()[0], b'2'..=b'5')) else { return };
    let alone = source.len() == 3 || source.as_bytes()[3..].starts_with(b" ") || source[3..].starts_with("[ -]");
    if alone && pattern.text.is_literal() {
        let text = "the text of a reply is compared without its code: this is not found in it";
        let warning = Diagnostic::warning(pattern.text.span, text);
        let help = match key {
            "not" => format!(
                "leave it out beside `code:`; that anything but {code} comes is `expect: {{code: any}}` and `assert: reply.code != {code}`"
            ),
            _ => format!("write `code: {code}` beside it, and here only the words"),
        };
        warnings.push(warning.help(help));
    }
}

/// `^334 Username`: what a server asks for is base64 (RFC 4954 section 4).
fn plain_challenge(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let Some(asked) = pattern.text.source.strip_prefix("^334 ").filter(|_| pattern.text.is_literal()) else { return };
    let asked = asked.trim_end_matches('$');
    let lower = asked.to_ascii_lowercase();
    let is_word = asked.chars().all(|letter| letter.is_ascii_alphabetic() || letter == ' ' || letter == ':');
    let right = match () {
        () if lower.starts_with("user") || lower.starts_with("login") => "VXNlcm5hbWU6",
        () if lower.starts_with("pass") => "UGFzc3dvcmQ6",
        () => return,
    };
    if is_word {
        let warning =
            Diagnostic::warning(pattern.text.span, "a server asks for this in base64: the pattern matches none");
        warnings.push(warning.help(format!("write `^334 {right}`, or `^334`, which takes whatever is asked for")));
    }
}

/// `^220 .*\r\n`: a reply is compared line by line, without their ends.
fn line_end(pattern: &Pattern, warnings: &mut Vec<Diagnostic>) {
    let source = &pattern.text.source;
    let bare = source.trim_end_matches('$');
    let trimmed =
        bare.trim_end_matches(['\r', '\n']).trim_end_matches("\\n").trim_end_matches("\\r").trim_end_matches("\\n");
    if trimmed.len() < bare.len() && !bare.trim_end_matches('\n').contains('\n') && !trimmed.is_empty() {
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
