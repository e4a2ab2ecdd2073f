//! Lines of `name=value` pairs, as many loggers write them (logfmt).
//!
//! Responsible for reading them as members, as those of an object in JSON; `wrap` makes one line of the members. `text` calls this.

use super::wrap;

/// How far from the beginning of a line its first pair may stand: a container or a logger may be named before it.
const MAX_BEFORE: usize = 60;

/// The line that a line of pairs stands for, with what stands before the pairs.
pub(super) fn line(line: &str) -> Option<String> {
    let first = line.find('=').filter(|at| *at < MAX_BEFORE + 20)?;
    let start = line[..first].rfind(|letter: char| !is_name(letter)).map_or(0, |at| at + 1);
    let start = if line.is_char_boundary(start) { start } else { return None };
    let before = &line[..start];
    if start == first || !before.is_empty() && !before.ends_with([' ', '\t']) {
        return None;
    }
    let pairs = pairs(&line[start..]).filter(|pairs| pairs.len() >= 2)?;
    wrap::said_by(&pairs).map(|said| format!("{before}{said}"))
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '@' | '-')
}

/// The pairs of a text that holds nothing else.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').filter(|(name, _)| !name.is_empty() && name.chars().all(is_name))?;
        let length = match after.strip_prefix('"') {
            Some(quoted) => end_of_quote(quoted)? + 2,
            None => after.find(char::is_whitespace).unwrap_or(after.len()),
        };
        let (value, more) = after.split_at(length);
        if !more.is_empty() && !more.starts_with(char::is_whitespace) {
            return None;
        }
        let value = match value.strip_prefix('"') {
            Some(quoted) => wrap::unescaped(quoted, Some('"')),
            None => value.to_owned(),
        };
        pairs.push((name.to_owned(), value));
        rest = more.trim_start();
    }
    Some(pairs)
}

/// Where the quote closes.
fn end_of_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_a_line_wherever_the_message_stands() {
        let said = |text: &str| line(text).unwrap_or_default();
        assert_eq!(
            said(r#"time=10:11 level=debug dir=recv line="250 2.1.5 \"fine\" ok""#),
            r#"recv: 250 2.1.5 "fine" ok"#
        );
        assert_eq!(said(r#"time=10:11 line="QUIT\r\n" dir=send"#), "send: QUIT");
        assert_eq!(said("time=10:11 line=QUIT dir=send sid=x7"), "[x7] send: QUIT");
        assert_eq!(said(r#"web-1  | time="10:11" msg="C: QUIT""#), "web-1  | C: QUIT");
        assert_eq!(line("RCPT TO:<a@b.example> NOTIFY=NEVER ORCPT=rfc822;a@b.example"), None);
        assert_eq!(line("250 AUTH=LOGIN PLAIN"), None);
        assert_eq!(line("state=1 and more"), None);
    }
}
