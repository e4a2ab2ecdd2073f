//! What wraps a line of SMTP in a log: quotes with escapes, JSON, the marks of tables.
//!
//! Responsible for taking it off, and for cutting text that holds several lines. What wraps whole lines of a text
//! (Markdown, quoting) is `text`'s business.

use super::text::MAX_LINE;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

/// What opens a quoted text, the longer first.
const OPENERS: [&str; 7] = ["b'", "b\"", "u'", "'", "\"", "`", "["];

/// What some logs write for the end of a line.
const LINE_ENDS: [&str; 2] = ["[nl]", "<EOL>"];

/// Parts of a prefix: what stands before it, and what opens a quote.
pub(super) fn split_opener(prefix: &str) -> (&str, &str) {
    for opener in OPENERS.iter().filter(|opener| **opener != "[") {
        let Some(before) = prefix.strip_suffix(opener) else { continue };
        // The `b` of a word is none of Python's.
        if opener.len() == 2 && before.ends_with(|letter: char| letter.is_alphanumeric()) {
            continue;
        }
        return (before.trim_end(), &prefix[before.len()..]);
    }
    (prefix.trim_end(), "")
}

/// What opens a quote at the beginning of a text.
pub(super) fn opener(text: &str) -> &'static str {
    OPENERS.iter().find(|opener| **opener != "[" && text.starts_with(**opener)).copied().unwrap_or("")
}

/// The text up to where a quote or an escaped line end closes it: enough to tell what it begins with.
pub(super) fn first_line(text: &str) -> &str {
    let end = ["\\r", "\\n", "\"", "'", "`", "<br", "</", "<EOL", " state=", " |"]
        .iter()
        .filter_map(|sign| text.find(sign))
        .min();
    &text[..end.unwrap_or(text.len())]
}

/// Whether a text begins with the name of a member, not with its value: `data": "220 …`, `data' => …`.
pub(super) fn is_member_name(text: &str) -> bool {
    let after = &text[first_line(text).len()..];
    let after = after.strip_prefix(['"', '\'']).map(str::trim_start);
    after.is_some_and(|after| after.starts_with(':') || after.starts_with("=>"))
}

/// An object of a text with its place in bytes, as one line of JSON; a large one without its text.
pub(super) type JsonObject = (Range<usize>, Option<String>);

/// The objects of a text that is JSON from its beginning to its end, a list of objects or one after the other; nothing where
/// there are more than `most`.
pub(super) fn json_objects(text: &str, most: usize) -> Option<Vec<JsonObject>> {
    let mut objects = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let skipped = rest.trim_start_matches(|sign: char| sign.is_whitespace() || matches!(sign, '[' | ']' | ','));
        at += rest.len() - skipped.len();
        if skipped.is_empty() {
            return (!objects.is_empty()).then_some(objects);
        }
        if !skipped.starts_with('{') || objects.len() == most {
            return None;
        }
        // Where one ends is known without keeping what is in it.
        let mut values = serde_json::Deserializer::from_str(skipped).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let length = values.byte_offset();
        let line = (length <= MAX_LINE).then(|| in_one_line(&skipped[..length]));
        objects.push((at..at + length, line));
        at += length;
    }
}

/// An object as it is written without blanks.
fn in_one_line(object: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(object);
    value.map_or_else(|_| object.to_owned(), |value| value.to_string())
}

/// The lines of a text after its mark.
pub(super) fn unwrapped<'l>(text: &'l str, opener: &str, prefix: &str) -> Vec<Cow<'l, str>> {
    if let Some(quote) = opener.chars().next_back() {
        return lines_of(&unescaped(text, Some(quote)));
    }
    let text = without_suffix(text, prefix);
    if let Some(end) = LINE_ENDS.iter().find(|end| text.contains(**end)) {
        return lines_of(&text.replace(end, "\n"));
    }
    let escapes = text.contains("\\r\\n") || text.ends_with("\\n") || text.ends_with("\\r");
    if !escapes {
        return vec![Cow::Borrowed(text)];
    }
    // What follows the last escaped line end is the log's: `, referer: …`.
    let end = text.rfind("\\n").or(text.rfind("\\r")).map_or(text.len(), |at| at + 2);
    lines_of(&text[..end].replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\r", "\n"))
}

fn lines_of<'l>(text: &str) -> Vec<Cow<'l, str>> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n').map(|line| Cow::Owned(line.trim_end_matches('\r').to_owned())).collect()
}

/// What logs put after a line: the state of Haraka, the border of a table, a break of HTML, the end of a quoted field.
fn without_suffix<'l>(text: &'l str, prefix: &str) -> &'l str {
    let mut text = text;
    if let Some((line, number)) = text.rsplit_once(" state=")
        && number.trim_end_matches('"').bytes().all(|byte| byte.is_ascii_digit())
    {
        text = line;
    }
    for end in ["<br>", "<br />", "<br/>", "<CRLF>", "<CR><LF>", "␍␊"] {
        let is_prompt = end.starts_with("<C") && text.contains(&format!("{end}."));
        text = if is_prompt { text } else { text.strip_suffix(end).unwrap_or(text) };
    }
    if let Some((line, name)) = text.trim_end().strip_suffix('>').and_then(|text| text.rsplit_once("</"))
        && prefix.contains(&format!("<{name}"))
    {
        text = line;
    }
    if prefix.trim_start().starts_with('|') {
        text = text.trim_end().strip_suffix('|').unwrap_or(text).trim_end();
    }
    if prefix.matches('"').count() % 2 == 1 {
        text = text.trim_end().strip_suffix('"').unwrap_or(text);
    }
    text
}

/// A text without its escapes, up to `quote`; `\xc3\xb6` is the octets of a text in UTF-8.
pub(super) fn unescaped(text: &str, quote: Option<char>) -> String {
    let mut plain: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter == '\\' || Some(letter) == quote) {
        plain.extend_from_slice(&rest.as_bytes()[..at]);
        let Some(escape) = rest[at..].strip_prefix('\\') else { return String::from_utf8_lossy(&plain).into_owned() };
        rest = escaped(escape, &mut plain);
    }
    plain.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&plain).into_owned()
}

/// One escape after its backslash; gives what follows it.
fn escaped<'t>(escape: &'t str, plain: &mut Vec<u8>) -> &'t str {
    let Some(letter) = escape.chars().next() else { return "" };
    let rest = &escape[letter.len_utf8()..];
    let digits = |count: usize| rest.get(..count).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match letter {
        'r' => plain.push(b'\r'),
        'n' => plain.push(b'\n'),
        't' => plain.push(b'\t'),
        '0' => plain.push(0),
        'x' => {
            let Some(octet) = digits(2).and_then(|octet| u8::try_from(octet).ok()) else { return rest };
            plain.push(octet);
            return &rest[2..];
        }
        'u' => {
            let Some(code) = digits(4).and_then(char::from_u32) else { return rest };
            plain.extend_from_slice(code.encode_utf8(&mut [0; 4]).as_bytes());
            return &rest[4..];
        }
        other => plain.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    rest
}

/// The names of the member that holds a line of SMTP, the more exact first.
const MESSAGES: [&str; 13] = [
    "line",
    "data",
    "contents",
    "raw",
    "payload",
    "text",
    "msg",
    "message",
    "log",
    "@message",
    "MESSAGE",
    "value",
    "textPayload",
];

/// The line that a line of JSON stands for: what tells a session and a direction, and then its message.
pub(super) fn json(line: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let object = value.as_object()?;
    let mut fields: Vec<(String, String)> = Vec::new();
    flatten(object, "", &mut fields);
    // A number under the name of a message is none.
    fields.retain(|(key, _)| {
        !MESSAGES.contains(&key.as_str()) || object.get(key).is_none_or(serde_json::Value::is_string)
    });
    said_by(&fields)
}

/// The line that members stand for: what tells a session and a direction, and then the message.
pub(super) fn said_by(fields: &[(String, String)]) -> Option<String> {
    let named = |is_it: fn(&str, &str) -> bool| {
        MESSAGES.iter().find_map(|name| fields.iter().find(|(key, _)| is_it(key, name)))
    };
    // What a collector of logs wraps stands one level deeper.
    let is_inner = |key: &str, name: &str| key.rsplit_once('.').is_some_and(|(_, last)| last == name);
    let message = named(|key, name| key == name).or_else(|| named(is_inner))?;
    let mut written = String::new();
    for (_, text) in fields.iter().filter(|(key, _)| is_session(key)) {
        _ = write!(written, "[{text}] ");
    }
    for (key, text) in fields {
        if key != &message.0 && tells_side(text) {
            _ = write!(written, "{text}: ");
        }
    }
    let text = message.1.trim_end_matches(['\r', '\n']);
    // A line end within stays one: what follows belongs to the same line of the log.
    Some(written + &text.replace("\r\n", "\n").replace('\n', "\\r\\n"))
}

/// Whether a member tells a side: `out`, `client says`.
fn tells_side(text: &str) -> bool {
    const SIDES: [&str; 14] = [
        "client", "server", "in", "out", "sent", "received", "send", "recv", "c", "s", "tx", "rx", "request",
        "response",
    ];
    let text = text.to_ascii_lowercase();
    let words = || text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words().count() <= 4 && words().any(|word| SIDES.contains(&word))
        || matches!(text.trim(), "->" | "<-" | ">" | "<" | ">>" | "<<")
}

fn is_session(key: &str) -> bool {
    ["sid", "cid", "session", "session_id", "sessionId", "connection", "conn", "conn_id", "connectionId", "id", "uuid"]
        .contains(&key)
}

fn flatten(object: &serde_json::Map<String, serde_json::Value>, above: &str, fields: &mut Vec<(String, String)>) {
    for (key, value) in object {
        match value {
            serde_json::Value::String(text) => fields.push((format!("{above}{key}"), text.clone())),
            serde_json::Value::Number(number) => fields.push((format!("{above}{key}"), number.to_string())),
            serde_json::Value::Object(inner) if above.is_empty() => flatten(inner, &format!("{key}."), fields),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_come_off() {
        assert_eq!(unwrapped(r"250-a\r\n250 b\r\n'", "b'", "reply:"), ["250-a", "250 b"]);
        assert_eq!(unwrapped(r#"EHLO it\'s"x"#, "'", "send:"), ["EHLO it's\"x"]);
        assert_eq!(unwrapped(r"250-a\r\n250 b\r\n, referer: https://x", "", "SERVER:"), ["250-a", "250 b"]);
        assert_eq!(unwrapped("EHLO x state=1", "", "C:"), ["EHLO x"]);
        assert_eq!(unwrapped("354 End data with <CR><LF>.<CR><LF>", "", "S:"), ["354 End data with <CR><LF>.<CR><LF>"]);
        assert_eq!(split_opener("reply: b'"), ("reply:", "b'"));
        assert_eq!(split_opener("it's a blob'"), ("it's a blob", "'"));
    }

    #[test]
    fn json_tells_session_and_side() {
        let line = r#"{"level":20,"sid":"x1","tnx":"client","msg":"EHLO me\r\n"}"#;
        assert_eq!(json(line).as_deref(), Some("[x1] client: EHLO me"));
        assert_eq!(json("{"), None);
    }
}
