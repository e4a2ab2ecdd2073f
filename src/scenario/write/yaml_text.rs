//! YAML as a person writes it: plain scalars where YAML keeps them, quotes where it would not, blocks for long text.
//!
//! Responsible for layout and quoting only; what the keys mean is [`super::Draft`]'s business. Everything that is written
//! here reads back as the same text through `scenario::yaml`.

use crate::visible::commands_a_runner;
use std::fmt::Write as _;

/// How far each level stands in.
const INDENTATION: usize = 2;

/// A value to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum YamlValue {
    /// A text on one line, in quotes where it needs them.
    Text(String),
    /// A text in double quotes, whatever it holds: escapes are read in these only.
    Quoted(String),
    /// A text of several lines.
    Block(String),
    /// Nothing: `starttls:`.
    Empty,
    List(Vec<Item>),
    Map(Vec<Field>),
    /// `[a, b]`
    FlowList(Vec<String>),
    /// `{a: b}`
    FlowMap(Vec<(String, String)>),
}

/// An item of a list, with the comments above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) comments: Vec<String>,
    pub(crate) value: YamlValue,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) value: YamlValue,
}

impl Field {
    pub(crate) fn new(key: &str, value: YamlValue) -> Field {
        Field { key: key.to_owned(), value }
    }

    /// A key with a text.
    pub(crate) fn text(key: &str, text: impl Into<String>) -> Field {
        Field::new(key, YamlValue::Text(text.into()))
    }
}

/// Writes the entries of a document.
pub(crate) fn document(entries: &[Field]) -> String {
    let mut output = String::new();
    map(entries, 0, &mut output);
    output
}

/// A comment, each line of it after `# `; it ends no line early, whatever it holds.
pub(crate) fn comment(text: &str, indentation: usize, output: &mut String) {
    for line in text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line: String = line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        _ = writeln!(output, "{}", format!("{:indentation$}# {}", "", line).trim_end());
    }
}

fn map(entries: &[Field], indentation: usize, output: &mut String) {
    for (index, entry) in entries.iter().enumerate() {
        // The first key of a list's item follows its dash.
        if index > 0 || output.is_empty() || output.ends_with('\n') {
            _ = write!(output, "{:indentation$}", "");
        }
        _ = write!(output, "{}:", scalar(&entry.key, ScalarStyle::Flow));
        value(&entry.value, indentation, output);
    }
}

/// Writes what follows `key:`, up to the end of its last line.
fn value(written: &YamlValue, indentation: usize, output: &mut String) {
    let inner = indentation + INDENTATION;
    match written {
        YamlValue::Empty => output.push('\n'),
        YamlValue::Block(text) if fits_block(text) => {
            output.push(' ');
            block(text, inner, output);
        }
        YamlValue::List(items) => {
            output.push('\n');
            list(items, inner, output);
        }
        YamlValue::Map(entries) => {
            output.push('\n');
            map(entries, inner, output);
        }
        other => _ = writeln!(output, " {}", one_line(other)),
    }
}

fn list(items: &[Item], indentation: usize, output: &mut String) {
    for item in items {
        item.comments.iter().for_each(|text| comment(text, indentation, output));
        _ = write!(output, "{:indentation$}- ", "");
        match &item.value {
            YamlValue::Map(entries) => map(entries, indentation + INDENTATION, output),
            YamlValue::Block(text) if fits_block(text) => block(text, indentation + INDENTATION, output),
            other => _ = writeln!(output, "{}", one_line(other)),
        }
    }
}

fn one_line(value: &YamlValue) -> String {
    match value {
        YamlValue::Text(text) | YamlValue::Block(text) => scalar(text, ScalarStyle::Block),
        YamlValue::Quoted(text) => double_quoted(text),
        YamlValue::FlowList(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| scalar(text, ScalarStyle::Flow)).collect();
            format!("[{}]", texts.join(", "))
        }
        YamlValue::FlowMap(entries) => {
            let flow = |(key, text): &(String, String)| {
                format!("{}: {}", scalar(key, ScalarStyle::Flow), scalar(text, ScalarStyle::Flow))
            };
            format!("{{{}}}", entries.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        YamlValue::Empty | YamlValue::List(_) | YamlValue::Map(_) => String::new(),
    }
}

/// A text as it may stand in flow style; what looks like a number stays one.
pub(crate) fn flow_text(text: &str) -> String {
    scalar(text, ScalarStyle::Flow)
}

/// A text that is read back as text, in flow style too, whatever it looks like.
pub(crate) fn as_text(text: &str) -> String {
    let word = text.starts_with(|first: char| first.is_ascii_alphabetic()) && !text.contains(' ');
    let typed = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];
    let plain = word && !typed.contains(&text.to_ascii_lowercase().as_str());
    if plain { scalar(text, ScalarStyle::Flow) } else { double_quoted(text) }
}

/// Where a scalar stands: brackets and commas mean something in flow style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScalarStyle {
    Block,
    Flow,
}

fn scalar(text: &str, context: ScalarStyle) -> String {
    if !text.chars().all(is_printable) || commands_a_runner(text) {
        return double_quoted(text);
    }
    let flow = context == ScalarStyle::Flow && text.contains([',', '[', ']', '{', '}', ':']);
    if is_plain(text) && !flow { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Whether YAML takes the text as it is.
fn is_plain(text: &str) -> bool {
    let leading = ['-', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`'];
    let nothing = matches!(text, "" | "~" | "null" | "Null" | "NULL" | "=");
    let blanks = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    !nothing
        && !blanks
        && !text.starts_with(leading)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
}

/// Characters that may stand in a file as they are; a tab only where it can be seen.
fn is_printable(character: char) -> bool {
    !crate::visible::acts_or_hides(character)
}

/// The text with its escapes. `\x` is not among them: people read it as a byte.
pub(crate) fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\r' => quoted.push_str("\\r"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // What is written may be printed in a job: `##[error]` is a command to its runner.
            '#' if quoted.ends_with('#') => quoted.push_str("\\u0023"),
            plain if is_printable(plain) => quoted.push(plain),
            other if (other as u32) <= 0xffff => _ = write!(quoted, "\\u{:04x}", other as u32),
            other => _ = write!(quoted, "\\U{:08x}", other as u32),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a block keeps the text: no character in it needs an escape, and something stands in it.
pub(crate) fn fits_block(text: &str) -> bool {
    let kept = |character: char| character == '\n' || character == '\t' || is_printable(character);
    text.contains('\n') && !commands_a_runner(text) && text.chars().all(kept) && !text.trim().is_empty()
}

pub(crate) fn block(text: &str, indentation: usize, output: &mut String) {
    let first_words = text.trim_start_matches('\n');
    let unclear = text.starts_with([' ', '\t', '\n']) || first_words.starts_with([' ', '\t']);
    let indicator = if unclear { INDENTATION.to_string() } else { String::new() };
    let content = text.trim_end_matches('\n');
    let ends = text.len() - content.len();
    let chomping = ["-", "", "+"][ends.min(2)];
    _ = writeln!(output, "|{indicator}{chomping}");
    for line in content.split('\n') {
        if line.is_empty() {
            output.push('\n');
        } else {
            _ = writeln!(output, "{:indentation$}{line}", "");
        }
    }
    (1..ends).for_each(|_| output.push('\n'));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        scalar(text, ScalarStyle::Block)
    }

    #[test]
    fn quotes_stand_only_where_yaml_needs_them() {
        for plain in ["^250[ -]STARTTLS", "EHLO <<domain>>", "MAIL FROM:<<<from>>>", "NOOP it's", "250", "a#b", "größe"]
        {
            assert_eq!(written(plain), plain);
        }
        assert_eq!(written("MAIL FROM: <a@b>"), "'MAIL FROM: <a@b>'");
        assert_eq!(written("NOOP # x"), "'NOOP # x'");
        assert_eq!(written("*"), "'*'");
        assert_eq!(written(""), "''");
        assert_eq!(written("^220 "), "'^220 '");
        assert_eq!(written("'it's'"), "'''it''s'''");
        assert_eq!(written("a\tb\x1b"), "\"a\\tb\\u001b\"");
        assert_eq!(scalar("^250[ -]AUTH", ScalarStyle::Flow), "'^250[ -]AUTH'");
    }

    #[test]
    fn blocks_say_what_yaml_cannot_guess() {
        let mut output = String::new();
        block("a\n\n b\n", 4, &mut output);
        assert_eq!(output, "|\n    a\n\n     b\n");
        let mut output = String::new();
        block(" a\nb\n\n", 2, &mut output);
        assert_eq!(output, "|2+\n   a\n  b\n\n");
    }
}
