//! Credentials by their form and place, wherever they stand in a text.
//!
//! Responsible for finding what follows `AUTH PLAIN ` and its like in any line, also in one that nothing else is understood
//! of, and for telling words that may be a credential from words that may be shown.

use super::grammar::{is_base64, is_hidden, is_mechanism};
use super::text::TextLine;
use crate::secret::logins_in;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use std::fmt;

/// More different logins are no session of one client, and each costs a search of all that was said.
const MOST_LOGINS: usize = 200;

/// There are so many different logins in a text.
#[derive(Debug)]
pub(super) struct TooManyLogins(usize);

impl fmt::Display for TooManyLogins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooManyLogins(count) = self;
        write!(
            formatter,
            "{count} different logins stand in this, more than the {MOST_LOGINS} that are read: cut out the part that matters"
        )
    }
}

/// What follows AUTH and the name of a mechanism, in all lines.
pub(super) fn after_auth(lines: &[TextLine<'_>]) -> Result<Vec<String>, TooManyLogins> {
    let mut known: HashSet<&str> = HashSet::new();
    let is_login = |(mechanism, message): &(&str, &str)| {
        is_mechanism(mechanism) && !is_mechanism(message) && is_base64(message) && !is_hidden(message)
    };
    let said = lines.iter().flat_map(|line| logins_in(&line.text)).filter(is_login);
    let found: Vec<String> =
        said.filter(|(_, message)| known.insert(message)).map(|(_, message)| message.to_owned()).collect();
    if found.len() > MOST_LOGINS { Err(TooManyLogins(found.len())) } else { Ok(found) }
}

/// The parts of a message of a login that are credentials by themselves.
pub(super) fn parts(message: &str) -> Vec<String> {
    let Some(decoded) = STANDARD.decode(message).ok().and_then(|decoded| String::from_utf8(decoded).ok()) else {
        return Vec::new();
    };
    let last = decoded.rsplit(['\0', '\x01', ' ']).find(|part| part.len() >= 4);
    last.map(str::to_owned).into_iter().collect()
}

/// Whether a line may hold a credential: a word of it is base64 of a text, or it names one.
pub(super) fn may_stand_in(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let names = [
        "pass",
        "pwd",
        "--user",
        " -u ",
        " -ap",
        "--auth",
        "token",
        "secret",
        "bearer",
        "credential",
        "api_key",
        "apikey",
    ];
    names.iter().any(|word| lower.contains(word)) || has_encoded_word(line)
}

/// A challenge of the server is no credential of the client.
fn has_encoded_word(line: &str) -> bool {
    let ends = |letter: char| {
        letter.is_whitespace()
            || matches!(letter, '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '[' | ']' | '<' | '>' | '|' | '\\')
    };
    let mut before = "";
    for word in line.split(ends) {
        if before != "334" && is_base64(word) && is_text(word) {
            return true;
        }
        before = word;
    }
    false
}

/// Whether base64 stands for something that a person or a login might have written.
pub(super) fn is_text(word: &str) -> bool {
    let Ok(decoded) = STANDARD.decode(word) else { return false };
    let readable = |byte: &u8| (b' '..=b'~').contains(byte) || matches!(byte, 0 | 1);
    decoded.len() >= 3 && decoded.iter().all(readable)
}
