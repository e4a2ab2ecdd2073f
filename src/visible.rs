//! Makes bytes from a server or a scenario safe and readable on a screen.
//!
//! Responsible for one thing: text that reaches a terminal, a report or an error holds no control, escape or
//! bidirectional-override character that could act on what shows it. Every byte stays recognisable. Called by
//! whatever turns received or written bytes into text; masking secrets is not done here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How many lines of mail data a transcript or a log shows.
pub(crate) const MAIL_DATA_LINES: usize = 20;

/// The beginning of a text that is longer than this many characters.
pub(crate) fn cut(text: &str, length: usize) -> Cow<'_, str> {
    match text.char_indices().nth(length) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Shows `bytes` as text: printable UTF-8 as it is, everything else as an escape.
///
/// Control characters are written `\r`, `\n`, `\t`, `\0` or `\x1b`, bytes that are not UTF-8 `\xff`, invisible and
/// bidirectional formatting characters `\u{202e}`, and a backslash `\\`, so that no two byte strings look alike.
#[must_use]
pub fn visible(bytes: &[u8]) -> String {
    // Nearly every line is one that nothing needs to be done to. All octets are looked at, many at a time.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
    let plain = bytes.iter().fold(true, |plain, byte| plain & is_plain(byte));
    if plain && let Ok(text) = std::str::from_utf8(bytes) {
        return no_command(text.to_owned());
    }
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_visible(&mut shown, character);
        }
        for byte in chunk.invalid() {
            push_escaped_byte(&mut shown, *byte);
        }
    }
    no_command(shown)
}

/// Whether the runners of GitHub Actions or Azure Pipelines would obey something in a text.
pub(crate) fn commands_a_runner(text: &str) -> bool {
    text.contains("##") && no_command(text.to_owned()) != text
}

/// Breaks what the runners of GitHub Actions and Azure Pipelines take for a command wherever it stands in a line.
fn no_command(shown: String) -> String {
    if !shown.as_bytes().contains(&b'#') || !shown.contains("##") {
        return shown;
    }
    let mut harmless = String::with_capacity(shown.len() + 8);
    for (at, character) in shown.char_indices() {
        let rest = shown.as_bytes().get(at + 1..).unwrap_or_default();
        let commands = rest.starts_with(b"[") || rest.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"vso["));
        if character == '#' && commands && harmless.ends_with('#') {
            harmless.push_str("\\x23");
        } else {
            harmless.push(character);
        }
    }
    harmless
}

/// Makes text of our own inert, which may hold names from a file: line feeds and backslashes stay.
///
/// Bytes from a server are made [`visible`] before they are put into such a text.
pub(crate) fn inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\\' => shown.push(character),
            other => push_visible(&mut shown, other),
        }
    }
    no_line_commands(no_command(shown))
}

/// A text of many lines in which no runner finds a command; all else stays.
pub(crate) fn without_commands(text: &str) -> String {
    no_line_commands(no_command(text.to_owned()))
}

/// The same where a line begins with a command: `::error::…`.
fn no_line_commands(shown: String) -> String {
    if !shown.contains("::") {
        return shown;
    }
    let harmless = |line: &str| match line.trim_start().strip_prefix("::") {
        Some(rest) if rest.starts_with(char::is_alphabetic) && rest.contains("::") => line.replacen("::", "\\x3a:", 1),
        _ => line.to_owned(),
    };
    shown.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

/// Replaces characters that act on a terminal or cannot be seen by others **of the same length in bytes**, so that offsets
/// into `source` stay true. For source excerpts only, whose drawing takes care of the controls of ASCII.
pub(crate) fn same_length(source: &str) -> String {
    let acts = |character: char| is_c1(character) || is_invisible(character);
    let dots = |character: char| match character.len_utf8() {
        2 => "\u{b7}",
        3 => "\u{fffd}",
        _ => "\u{b7}\u{b7}",
    };
    let mut shown = String::with_capacity(source.len());
    for character in source.chars() {
        if acts(character) { shown.push_str(dots(character)) } else { shown.push(character) }
    }
    // The same length again: the second sign of a runner's command goes.
    if shown.contains("##") { shown.replace("##[", "#.[").replace("##vso[", "#.vso[") } else { shown }
}

fn push_visible(shown: &mut String, character: char) {
    match character {
        '\\' => shown.push_str("\\\\"),
        '\r' => shown.push_str("\\r"),
        '\n' => shown.push_str("\\n"),
        '\t' => shown.push_str("\\t"),
        '\0' => shown.push_str("\\0"),
        control if control.is_ascii_control() => push_escaped_byte(shown, control as u8),
        hidden if is_c1(hidden) || is_invisible(hidden) => {
            _ = write!(shown, "\\u{{{:x}}}", hidden as u32);
        }
        printable => shown.push(printable),
    }
}

fn push_escaped_byte(shown: &mut String, byte: u8) {
    _ = write!(shown, "\\x{byte:02x}");
}

/// Whether a character would act on what shows it, or cannot be seen.
pub(crate) fn acts_or_hides(character: char) -> bool {
    character.is_control() || is_invisible(character)
}

fn is_c1(character: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&character)
}

/// Characters that change how their neighbours are shown, or that cannot be seen at all: Unicode's
/// `Default_Ignorable_Code_Point`, and those of line ends and annotations.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_stays() {
        assert_eq!(visible("250 2.1.0 Ok, größe 日本".as_bytes()), "250 2.1.0 Ok, größe 日本");
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_passes() {
        assert_eq!(visible(b"a\x1b[31m\r\n\0\x7f\xff\\"), "a\\x1b[31m\\r\\n\\0\\x7f\\xff\\\\");
        assert_eq!(visible("\u{202e}\u{9b}\u{200b}".as_bytes()), "\\u{202e}\\u{9b}\\u{200b}");
    }

    #[test]
    fn no_runner_takes_it_for_a_command() {
        assert_eq!(visible(b"250 ##[add-mask]250"), "250 #\\x23[add-mask]250");
        assert_eq!(visible(b"a\t##VSO[x]"), "a\\t#\\x23VSO[x]");
        assert_eq!(visible(b"###[x] ## [y] #[z]"), "##\\x23[x] ## [y] #[z]");
        assert_eq!(inert("##[x]\n"), "#\\x23[x]\n");
        assert_eq!(inert("a\n  ::error::b\n::1 and a::b"), "a\n  \\x3a:error::b\n::1 and a::b");
        assert_eq!(inert("::1\nx ::error::y"), "::1\nx ::error::y");
        assert_eq!(same_length("##[x] ##vso[y]"), "#.[x] #.vso[y]");
    }

    #[test]
    fn same_length_keeps_offsets() {
        for hidden in ['\u{9b}', '\u{3164}', '\u{115f}', '\u{e0041}', '\u{202e}'] {
            let source = format!("a{hidden}b");
            assert_eq!(same_length(&source).len(), source.len());
            assert!(!same_length(&source).contains(hidden));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_become_inert(bytes: Vec<u8>) {
            let shown = visible(&bytes);
            proptest::prop_assert!(shown.chars().all(|c| !c.is_control() && !is_invisible(c)));
        }
    }
}
