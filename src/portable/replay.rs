//! What a server did, as a scenario that does it again: the recording of a report.
//!
//! Responsible for turning the events of connections into the steps of `server:`. Replies are exact; of commands only what
//! does not change from one run to the next is compared, and where a secret stood anything matches. Mail data may be
//! any. How long the server took is not kept: what it never said stays unsaid.

use crate::run::{Exchange, Happened};
use crate::scenario::write::yaml_text::{Field, Item, YamlValue, document};
use crate::scenario::write::{hexadecimal, literal};
use crate::smtp::command::Verb;

/// How long a server that had nothing more to say waits for the client to go.
const LAST_WAIT: &str = "1h";
/// How many bytes are compared, from the end, where they are no line.
const MAX_COMPARED: usize = 256;

/// The recording; nothing where none is at hand or not all of it was kept.
pub(super) fn recording(exchanges: &[Exchange]) -> Option<String> {
    if exchanges.is_empty() || exchanges.iter().any(|exchange| exchange.cut) {
        return None;
    }
    let mut exchanges: Vec<&Exchange> = exchanges.iter().collect();
    exchanges.sort_by_key(|exchange| exchange.opened);
    let mut connections = Vec::new();
    for exchange in exchanges {
        let steps = steps_of(&exchange.events);
        // A certificate that was refused is looked at once more, over a connection of its own.
        let times = 1 + usize::from(exchange.events.contains(&Happened::Handshake(false)));
        let connection =
            Item { comments: Vec::new(), value: YamlValue::Map(vec![Field::new("steps", YamlValue::List(steps))]) };
        connections.extend(std::iter::repeat_n(connection, times));
    }
    let server =
        vec![Field::text("certificate", "self-signed"), Field::new("connections", YamlValue::List(connections))];
    Some(document(&[Field::new("server", YamlValue::Map(server))]))
}

fn steps_of(events: &[Happened]) -> Vec<Item> {
    let mut steps: Vec<Vec<Field>> = Vec::new();
    let mut ended = false;
    for event in events {
        match event {
            Happened::Line { text, secret } => steps.push(vec![Field::text("expect", command(text, *secret))]),
            Happened::Bytes(bytes) => {
                let pattern = YamlValue::Map(vec![Field::text("raw", of_bytes(bytes))]);
                steps.push(vec![Field::new("expect", pattern)]);
            }
            Happened::Chunk => match steps.last_mut() {
                Some(last) => last.push(Field::text("receive", "bdat")),
                None => steps.push(vec![Field::text("receive", "bdat")]),
            },
            Happened::MailData { complete: true } => steps.push(vec![Field::text("receive", "data")]),
            // It stopped when the server spoke, which it does here without waiting for the rest.
            Happened::MailData { complete: false } => {}
            Happened::Received(bytes) => replies(bytes, &mut steps),
            Happened::Handshake(true) => steps.push(vec![Field::new("tls", YamlValue::Empty)]),
            Happened::Handshake(false) => {
                steps.push(vec![Field::new("tls", YamlValue::Empty), Field::text("fails", ".")]);
            }
            Happened::ServerEnded { reset } if !ended => {
                ended = true;
                let how = if *reset { YamlValue::Text("reset".to_owned()) } else { YamlValue::Empty };
                steps.push(vec![Field::new("close", how)]);
            }
            Happened::ServerEnded { .. } => {}
        }
    }
    if !ended {
        let closed = YamlValue::FlowMap(vec![("closed".to_owned(), "true".to_owned())]);
        steps.push(vec![Field::new("expect", closed), Field::text("timeout", LAST_WAIT)]);
    }
    steps.into_iter().map(|entries| Item { comments: Vec::new(), value: YamlValue::Map(entries) }).collect()
}

/// The pattern of a command line.
fn command(line: &str, secret: bool) -> String {
    let verb = line.split([' ', '\t']).next().unwrap_or("");
    let upper = verb.to_ascii_uppercase();
    let escaped = |text: &str| literal(&regex::escape(text));
    let known = Verb::named(verb.as_bytes());
    if says_all(known) {
        return format!("^{upper}\\b");
    }
    if known == Verb::AuthCommand {
        let words: Vec<&str> = line.split_whitespace().take(2).filter(|word| !word.contains("<<")).collect();
        return format!("^{}\\b", escaped(&words.join(" ")));
    }
    match line.find('>') {
        _ if secret => "^".to_owned(),
        // Parameters such as ENVID may be made anew.
        Some(end) if matches!(known, Verb::Mail | Verb::Rcpt) => format!("^{}", escaped(&line[..=end])),
        _ => format!("^{}$", escaped(line)),
    }
}

/// Whether the verb alone says what is meant.
fn says_all(verb: Verb) -> bool {
    use Verb::{BdatCommand, Data, Ehlo, Expn, Helo, Help, Lhlo, Noop, Quit, Reset, StartTls, Vrfy};
    matches!(verb, Ehlo | Helo | Lhlo | Data | Reset | Quit | Noop | StartTls | Vrfy | Expn | Help | BdatCommand)
}

/// The pattern of bytes that are no line; of none, where a secret stood among them, any.
fn of_bytes(bytes: &[u8]) -> String {
    let last = &bytes[bytes.len().saturating_sub(MAX_COMPARED)..];
    if last.is_empty() {
        return "(?s-u).".to_owned();
    }
    let byte = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    format!("(?s-u){}", last.iter().map(byte).collect::<String>())
}

/// What the server sent, as replies where it is replies.
fn replies(bytes: &[u8], steps: &mut Vec<Vec<Field>>) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (reply, length) = match first_reply(rest) {
            Some((text, length)) => {
                let lines = literal(&text);
                (if lines.contains('\n') { YamlValue::Block(lines) } else { YamlValue::Text(lines) }, length)
            }
            None => {
                let hex = YamlValue::Map(vec![Field::new("hex", YamlValue::Block(hexadecimal(rest)))]);
                (YamlValue::Map(vec![Field::new("raw", hex)]), rest.len())
            }
        };
        let entry = Field::new("reply", reply);
        match steps.last_mut() {
            Some(last) if waits(last) => last.push(entry),
            _ => steps.push(vec![entry]),
        }
        rest = &rest[length..];
    }
}

/// Whether a step has read something and answered nothing.
fn waits(step: &[Field]) -> bool {
    step.iter().any(|entry| matches!(entry.key.as_str(), "expect" | "receive"))
        && step.iter().all(|entry| entry.key != "reply")
}

/// The first whole reply, its lines joined by LF, and how long it is; nothing where it is none, or cannot be read.
fn first_reply(bytes: &[u8]) -> Option<(String, usize)> {
    let mut lines: Vec<&str> = Vec::new();
    let mut length = 0;
    loop {
        let end = bytes[length..].iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&bytes[length..=length + end]).ok()?.strip_suffix("\r\n")?;
        let is_clean = !line.chars().any(crate::visible::acts_or_hides) && !line.ends_with(' ');
        let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
        if !is_clean || lines.first().is_some_and(|first| !first.starts_with(code)) {
            return None;
        }
        length += end + 1;
        let goes_on = line.as_bytes().get(3) == Some(&b'-');
        if !goes_on && line.as_bytes().get(3) != Some(&b' ') {
            return None;
        }
        lines.push(line);
        if !goes_on {
            return Some((lines.join("\n"), length));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_told_from_other_bytes() {
        assert_eq!(first_reply(b"250-a\r\n250 b\r\n220 c\r\n"), Some(("250-a\n250 b".to_owned(), 14)));
        for odd in
            [&b"250 a\n"[..], b"250-a\r\n550 b\r\n", b"250 \xff\r\n", b"250-a\r\n", b"hello\r\n", b"250 \x1b\r\n"]
        {
            assert_eq!(first_reply(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn commands_match_what_stays_the_same() {
        assert_eq!(command("EHLO a.example", false), "^EHLO\\b");
        assert_eq!(command("MAIL FROM:<a@b.c> ENVID=x", false), "^MAIL FROM:<a@b\\.c>");
        assert_eq!(command("AUTH PLAIN <<x>>", true), "^AUTH PLAIN\\b");
        assert_eq!(command("<<password | b64encode>>", true), "^");
        assert_eq!(command("XFOO (1)", false), "^XFOO \\(1\\)$");
        assert_eq!(of_bytes(b"a\xff\n"), "(?s-u)a\\xff\\x0a");
    }
}
