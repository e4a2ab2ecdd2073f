//! `--update`: what an expectation that did not hold becomes, so that it holds of what the server says today.
//!
//! Responsible for the new text of a pattern or a code at its place in the file; `cli` writes it there. What a person
//! meant by `not`, `within`, `any`, or a pattern that captures, is not for a program to rewrite: that diverges as ever.

use crate::play::expect::Mismatch;
use crate::scenario::{Expectation, Expected, Fields, Sources, Span};
use crate::smtp::reply::Reply;

/// A part of an expectation, and what it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// Where it stands.
    pub span: Span,
    /// The YAML to put there.
    pub text: String,
}

/// What all that does not hold becomes; `None` where a part of it cannot be rewritten.
pub(crate) fn rewrites(
    expectation: &Expectation,
    mismatches: &[Mismatch],
    reply: &Reply,
    sources: &Sources,
) -> Option<Vec<Rewrite>> {
    mismatches.iter().map(|mismatch| rewrite(expectation, mismatch, reply, sources)).collect()
}

fn rewrite(expectation: &Expectation, mismatch: &Mismatch, reply: &Reply, sources: &Sources) -> Option<Rewrite> {
    if mismatch.unusable {
        return None;
    }
    let span = mismatch.span;
    let value = match &expectation.kind {
        Expected::Pattern(pattern) if !captures(&pattern.text.source) => whole_reply(reply),
        Expected::Code(_) => reply.code().to_string(),
        Expected::Fields(fields) => field(fields, span, reply)?,
        Expected::All(list) => {
            let part = list.iter().find(|part| encloses(part, span))?;
            return rewrite(part, mismatch, reply, sources);
        }
        _ => return None,
    };
    if !is_simple_scalar(span, sources) {
        return None;
    }
    let text = quoted_as(sources.slice(span), &value);
    Some(Rewrite { span, text })
}

fn field(fields: &Fields, span: Span, reply: &Reply) -> Option<String> {
    if fields.code.as_ref().is_some_and(|(_, at)| *at == span) {
        return Some(reply.code().to_string());
    }
    if fields.enhanced.as_ref().is_some_and(|(_, at)| *at == span) {
        return reply.enhanced().map(|code| code.to_string());
    }
    let (pattern, _) = fields.text.as_ref().filter(|(_, at)| *at == span)?;
    if captures(&pattern.text.source) { None } else { words(reply) }
}

/// Whether a part of a list is the one that `span` belongs to. The span of a mapping is that of its beginning only.
fn encloses(part: &Expectation, span: Span) -> bool {
    let Expected::Fields(fields) = &part.kind else { return part.span == span };
    let code = fields.code.as_ref().map(|(_, at)| *at);
    let enhanced = fields.enhanced.as_ref().map(|(_, at)| *at);
    let text = fields.text.as_ref().map(|(_, at)| *at);
    [code, enhanced, text].contains(&Some(span))
}

/// Whether all of a value stands at its span, on one line: no list, no block, no anchor.
fn is_simple_scalar(span: Span, sources: &Sources) -> bool {
    let written = sources.slice(span);
    let text = sources.file(span.file).map_or("", |source| source.text.as_str());
    let before = text.get(..span.start as usize).unwrap_or_default();
    let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
    // The content of a block scalar begins a line; an anchor stands before its value.
    let begins_line = line.trim().is_empty();
    let anchored = line.trim_end().rsplit([' ', '[', '{', ',']).next().is_some_and(|word| word.starts_with('&'));
    let is_plain = !written.is_empty() && !written.starts_with(['[', '{', '&', '*', '|', '>', '!']);
    is_plain && !written.contains(['\n', ',']) && !begins_line && !anchored
}

/// The code, and the enhanced status code where there is one: the words after them vary.
fn whole_reply(reply: &Reply) -> String {
    let separator = if reply.lines().len() == 1 { " " } else { "[ -]" };
    let enhanced = reply.enhanced().map(|code| format!("{separator}{}", code.to_string().replace('.', "\\.")));
    format!("^{}{}", reply.code(), enhanced.unwrap_or_default())
}

/// The longest run of plain words: names, numbers and ids stand outside of it.
fn words(reply: &Reply) -> Option<String> {
    let text: Vec<u8> = reply.texts().collect::<Vec<_>>().join(&b' ');
    let text = String::from_utf8_lossy(&text).into_owned();
    let plain = |word: &&str| word.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '\'' | '-'));
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let runs = words.split(|word| !plain(word)).filter(|run| !run.is_empty());
    runs.max_by_key(|run| run.len()).map(|run| run.join(" "))
}

fn captures(pattern: &str) -> bool {
    pattern.contains("(?<") || pattern.contains("(?P<")
}

/// The value in the quotes that the file uses there, or in those that YAML needs.
fn quoted_as(written: &str, value: &str) -> String {
    if written.starts_with('"') {
        return format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let quotes = written.starts_with('\'') || value.contains(['[', ']', '{', '}', ',', '#', '\'']);
    if quotes { format!("'{}'", value.replace('\'', "''")) } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::reply::{Parsed, ReplyParser};

    fn reply(text: &str) -> Reply {
        let bytes = format!("{}\r\n", text.replace('\n', "\r\n"));
        let Parsed::Complete(reply, _) = ReplyParser::default().advance(bytes.as_bytes()) else { panic!("{text}") };
        reply
    }

    #[test]
    fn what_stays_the_same_of_a_reply() {
        for (text, pattern) in [
            ("250 ok", "^250"),
            ("550 5.1.1 <a@b>: no such user", r"^550 5\.1\.1"),
            ("250-2.0.0 a\n250 2.0.0 b", r"^250[ -]2\.0\.0"),
        ] {
            assert_eq!(whole_reply(&reply(text)), pattern, "{text}");
        }
    }

    #[test]
    fn the_longest_run_of_words() {
        let refused = reply("550 5.1.1 <bob@b.example>: Recipient address rejected: User unknown in table");
        assert_eq!(words(&refused).as_deref(), Some("User unknown in table"));
        assert_eq!(words(&reply("250 4XyZ12:")), None);
    }

    #[test]
    fn quotes_stay_as_they_were() {
        assert_eq!(quoted_as("'^250'", "^550"), "'^550'");
        assert_eq!(quoted_as("\"^250\"", r"^550 5\.1"), r#""^550 5\\.1""#);
        assert_eq!(quoted_as("^250", "^550"), "^550");
        assert_eq!(quoted_as("^250", r"^250[ -]2\.0\.0"), r"'^250[ -]2\.0\.0'");
    }
}
