//! What AUTH carries, and what is shown in its place.
//!
//! The one place that knows which part of a client's line holds credentials. It judges by what the client does, not by
//! what the server answers: after AUTH, refused or not, a line that is no command is meant as a response (RFC 4954
//! section 4 has base64 there and nothing else). Transcripts, the servers' logs, recordings and the shell ask it before
//! they show or keep a line.

use crate::smtp::auth::Mechanism;
use crate::smtp::command::{CommandLine, MAX_LINE, Verb};
use crate::smtp::dialogue::{Dialogue, Phase};
use base64::Engine as _;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use std::ops::Range;

/// What stands for credentials where a line is shown.
pub(crate) const RESPONSE: &str = "<<response>>";
/// User names and passwords that give nobody away, and that are words of every reply besides.
const NOBODYS: [&str; 20] = [
    "admin",
    "administrator",
    "anonymous",
    "apikey",
    "info",
    "invalid",
    "login",
    "mail",
    "name",
    "nobody",
    "pass",
    "password",
    "postmaster",
    "root",
    "secret",
    "smtp",
    "test",
    "user",
    "username",
    "wrong",
];
/// Base64 that is shorter may be any word.
const SHORTEST_BASE64: usize = 8;

/// The part of a client's line that may hold credentials. `is_response`: the line answers a challenge, or is meant to
/// ([`Dialogue::is_response`]).
pub(crate) fn credentials(line: &[u8], is_response: bool) -> Option<Range<usize>> {
    let end = line.trim_ascii_end().len();
    let line = &line[..end];
    if is_response {
        return (!says_nothing(line)).then_some(0..end);
    }
    if let Some(auth) = CommandLine::parse(line).login() {
        let initial = auth.initial;
        return (!initial.is_empty() && !says_nothing(initial)).then_some(end - initial.len()..end);
    }
    if CommandLine::parse(line).verb() != Verb::Other {
        return None;
    }
    let words = line.split(u8::is_ascii_whitespace);
    let word = words.into_iter().find(|word| is_encoded_text(word))?;
    let start = word.as_ptr() as usize - line.as_ptr() as usize;
    Some(start..end)
}

/// Whether what follows AUTH is no credential: a login called off, or an empty response (RFC 4954 section 4).
fn says_nothing(response: &[u8]) -> bool {
    matches!(response, b"*" | b"=")
}

/// A client's line as it may be shown.
pub(crate) fn shown(line: &[u8], is_response: bool) -> Vec<u8> {
    match credentials(line, is_response) {
        Some(range) => [&line[..range.start], RESPONSE.as_bytes()].concat(),
        None => line.to_vec(),
    }
}

/// Whether a value of a login tells something of somebody.
pub(super) fn is_somebodys(value: &str) -> bool {
    !value.is_empty() && !NOBODYS.contains(&value.to_ascii_lowercase().as_str())
}

/// Whether a line may be remembered for another day: one that might hold credentials may not.
pub(crate) fn is_rememberable(line: &[u8], is_response: bool) -> bool {
    let line = line.trim_ascii();
    let command = CommandLine::parse(line);
    let has_verb = command.verb() != Verb::Other || !is_base64(line);
    !is_response && has_verb && command.login().is_none() && credentials(line, false).is_none()
}

/// Whether a word is the base64 of some text, as credentials are.
pub(super) fn is_encoded_text(word: &[u8]) -> bool {
    let readable = |decoded: Vec<u8>| {
        let text = String::from_utf8(decoded).ok();
        text.is_some_and(|text| text.chars().all(|letter| matches!(letter, '\0' | '\x01') || !letter.is_control()))
    };
    is_base64(word) && STANDARD.decode(word).ok().is_some_and(readable)
}

fn is_base64(word: &[u8]) -> bool {
    let digits = word.strip_suffix(b"=").map_or(word, |rest| rest.strip_suffix(b"=").unwrap_or(rest));
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    word.len() >= SHORTEST_BASE64 && digits.iter().all(plain)
}

/// What a line, or octets of any kind, carried of a login.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Them as they may be shown.
    pub(crate) shown: Vec<u8>,
    /// The credentials as they were sent, and the password or token in them where it can be read.
    pub(crate) secrets: Vec<String>,
    /// The user names in them, but for those that are nobody's.
    pub(crate) names: Vec<String>,
}

/// How far a login is, and by which mechanism.
#[derive(Clone, Debug, Default)]
struct Login {
    mechanism: Option<Mechanism>,
    /// Messages of it so far.
    messages: usize,
}

/// Listens to what a client says in one session, for whoever shows its lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthWatch {
    dialogue: Dialogue,
    login: Login,
    /// The start of a line whose end was not said yet.
    begun: Vec<u8>,
}

impl AuthWatch {
    /// From the beginning of a connection, before the greeting.
    pub(crate) fn from_greeting() -> AuthWatch {
        AuthWatch { dialogue: Dialogue::greeting(), ..AuthWatch::default() }
    }

    /// The client said a line, without its end. `None`: there are no credentials in it.
    pub(crate) fn line(&mut self, line: &[u8]) -> Option<Carried> {
        if self.dialogue.phase() != Phase::Commands {
            self.dialogue.wrote(line);
            self.dialogue.wrote(b"\r\n");
            return None;
        }
        let is_response = self.dialogue.is_response(line);
        let credentials = credentials(line, is_response);
        if let Some(auth) = CommandLine::parse(line).login().filter(|_| !is_response) {
            self.login = Login { mechanism: auth.name().parse().ok(), messages: 0 };
        }
        self.dialogue.wrote_command(line);
        let message = String::from_utf8_lossy(&line[credentials?]).trim().to_owned();
        self.login.messages += 1;
        let mut carried = self.login.decoded(&message);
        carried.secrets.insert(0, message);
        carried.secrets.retain(|secret| is_somebodys(secret));
        carried.names.retain(|name| is_somebodys(name));
        carried.shown = shown(line, is_response);
        Some(carried)
    }

    /// From here on the client says what it says at this point of the dialogue; what was begun of a line stays.
    pub(crate) fn follow(&mut self, dialogue: &Dialogue) {
        self.dialogue.clone_from(dialogue);
    }

    /// The client said octets of any kind, in pieces of any size. Gives them as they may be shown.
    pub(crate) fn bytes(&mut self, mut bytes: &[u8]) -> Carried {
        let mut all = Carried::default();
        while !bytes.is_empty() {
            let line_end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1);
            let here = match self.dialogue.phase() {
                Phase::Chunk { left } => usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len())),
                Phase::Commands | Phase::MailData => line_end,
            };
            let (piece, rest) = bytes.split_at(here);
            bytes = rest;
            if self.dialogue.phase() == Phase::Commands {
                self.piece(piece, &mut all);
            } else {
                self.dialogue.wrote(piece);
                all.shown.extend_from_slice(piece);
            }
        }
        all
    }

    /// A line with its end, or the beginning of one.
    fn piece(&mut self, piece: &[u8], all: &mut Carried) {
        let before = self.begun.len();
        self.begun.extend_from_slice(piece);
        if before > MAX_LINE || !piece.ends_with(b"\n") {
            let hidden = credentials(&self.begun, self.dialogue.is_response(&self.begun));
            let start = hidden.map_or(self.begun.len(), |range| range.start.max(before)) - before;
            all.shown.extend_from_slice(&piece[..start]);
            all.shown.extend_from_slice(if start < piece.len() { RESPONSE.as_bytes() } else { b"" });
            self.begun.truncate(MAX_LINE + 1);
            return;
        }
        let whole = std::mem::take(&mut self.begun);
        let line = whole.trim_ascii_end();
        let Some(carried) = self.line(line) else { return all.shown.extend_from_slice(piece) };
        // What was shown of the line before this piece stays.
        all.shown.extend_from_slice(carried.shown.get(before..).unwrap_or(RESPONSE.as_bytes()));
        all.shown.extend_from_slice(&whole[line.len()..]);
        all.secrets.extend(carried.secrets);
        all.names.extend(carried.names);
    }

    /// How many replies are owed.
    pub(crate) fn owed(&self) -> usize {
        self.dialogue.owed()
    }

    /// Whether a line, which was not said yet, would answer a challenge or be meant to.
    pub(crate) fn is_response(&self, line: &[u8]) -> bool {
        self.dialogue.phase() == Phase::Commands && self.dialogue.is_response(line)
    }

    /// The message was read by its own rules.
    pub(crate) fn mail_data_ended(&mut self) {
        self.dialogue.mail_data_ended();
    }

    /// Octets of a message were read by its own rules.
    pub(crate) fn content(&mut self, octets: u64) {
        self.dialogue.wrote_chunk(octets);
    }

    /// The server replied.
    pub(crate) fn replied(&mut self, code: u16) {
        self.dialogue.replied(code);
    }

    /// The server said whole lines: each that ends a reply settles one.
    pub(crate) fn said(&mut self, lines: &[u8]) {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| line.get(3) != Some(&b'-')) {
            let code =
                line.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|text| text.parse().ok());
            if let Some(code) = code {
                self.replied(code);
            }
        }
    }

    /// TLS began, and the session anew.
    pub(crate) fn restart(&mut self) {
        *self = AuthWatch::default();
    }
}

impl Login {
    /// What a message holds where it can be read: passwords, tokens and digests as secrets, and user names.
    fn decoded(&self, message: &str) -> Carried {
        let Some(octets) = lenient_base64(message) else { return Carried::default() };
        // What is no UTF-8 is Latin-1: its octets are looked for as well.
        let text =
            String::from_utf8(octets).unwrap_or_else(|odd| odd.as_bytes().iter().map(|it| *it as char).collect());
        let carried = |secrets: Vec<&str>, names: Vec<&str>| Carried {
            secrets: secrets.into_iter().map(str::to_owned).collect(),
            names: names.into_iter().map(str::to_owned).collect(),
            ..Carried::default()
        };
        match self.mechanism {
            Some(Mechanism::Login) if self.messages == 1 => carried(vec![], vec![&text]),
            Some(Mechanism::Login) => carried(vec![&text], vec![]),
            Some(Mechanism::CramMd5) => match text.rsplit_once(' ') {
                Some((name, digest)) => carried(vec![digest], vec![name]),
                None => carried(vec![&text], vec![]),
            },
            Some(Mechanism::XOAuth2 | Mechanism::OAuthBearer) => {
                let field = |prefix: &str| text.split(['\x01', ',']).filter_map(|it| it.strip_prefix(prefix)).collect();
                let names: Vec<&str> = [field("user="), field("a=")].concat();
                carried(field("auth=Bearer "), names)
            }
            Some(Mechanism::Plain) | None => match text.rsplit_once('\0') {
                Some((names, password)) => carried(vec![password], names.split('\0').collect()),
                None => Carried::default(),
            },
            _ => carried(vec![], text.split(',').filter_map(|field| field.strip_prefix("n=")).collect()),
        }
    }
}

/// Base64 as people type it: with its padding or without.
fn lenient_base64(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD_ALPHABET, lenient).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_text(line: &str, is_response: bool) -> String {
        String::from_utf8_lossy(&shown(line.as_bytes(), is_response)).into_owned()
    }

    #[test]
    fn what_follows_a_mechanism_is_hidden() {
        for (line, expected) in [
            ("AUTH PLAIN AGJvYgBzZWNyZXQ=", "AUTH PLAIN <<response>>"),
            ("auth  plain  AGJvYgBzZWNyZXQ=", "auth  plain  <<response>>"),
            ("AUTH NTLM TlRMTVNTUAABAAAA x", "AUTH NTLM <<response>>"),
            ("AUTH PLAIN", "AUTH PLAIN"),
            ("AUTH PLAIN =", "AUTH PLAIN ="),
            ("AUTH", "AUTH"),
            ("AUHT PLAIN AGJvYgBzZWNyZXQ=", "AUHT PLAIN <<response>>"),
            ("XPASS c2VjcmV0LXB3", "XPASS <<response>>"),
            ("c2VjcmV0LXB3", "<<response>>"),
            ("MAIL FROM:<c2VjcmV0LXB3>", "MAIL FROM:<c2VjcmV0LXB3>"),
            ("HELP c2VjcmV0LXB3", "HELP c2VjcmV0LXB3"),
            ("XCLIENT ADDR=192.0.2.1 NAME=spike.example", "XCLIENT ADDR=192.0.2.1 NAME=spike.example"),
            ("hello world", "hello world"),
            ("Unbelievable", "Unbelievable"),
        ] {
            assert_eq!(shown_text(line, false), expected, "{line}");
        }
        for (line, expected) in [("NOOP", "<<response>>"), ("*", "*"), ("", "<<response>>"), ("YQ==", "<<response>>")] {
            assert_eq!(shown_text(line, true), expected, "{line}");
        }
    }

    #[test]
    fn what_might_be_a_credential_is_not_remembered() {
        for line in
            ["AUTH PLAIN", "auth login", "AUHT PLAIN AGFubgBz", "AGFubgBz", "abcdefghi+/x==", "XPASS c2VjcmV0LXB3"]
        {
            assert!(!is_rememberable(line.as_bytes(), false), "{line}");
        }
        for line in ["EHLO me", "MAIL FROM:<a@b>", ".save x.yaml", "XFOO", "quit", "XCLIENT ADDR=192.0.2.1"] {
            assert!(is_rememberable(line.as_bytes(), false), "{line}");
            assert!(!is_rememberable(line.as_bytes(), true), "{line}");
        }
    }

    /// Each mechanism, each class of reply: nothing of the login is shown, and the commands after it are.
    #[test]
    fn whatever_the_reply_nothing_of_a_login_is_shown() {
        for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "NTLM"] {
            for code in [235, 250, 334, 454, 502, 503, 504, 530, 535, 538] {
                let mut watch = AuthWatch::default();
                let mut said = Vec::new();
                for line in [format!("AUTH {mechanism}"), "YW5u".to_owned(), "czNjcmV0LXB3".to_owned()] {
                    said.push(watch.line(line.as_bytes()).map_or(line, |carried| text(&carried.shown)));
                    watch.replied(code);
                }
                assert_eq!(said, [&format!("AUTH {mechanism}"), RESPONSE, RESPONSE], "{mechanism} {code}");
                if code != 334 {
                    assert!(watch.line(b"NOOP").is_none(), "{mechanism} {code}");
                    assert!(watch.line(b"hello").is_none(), "{mechanism} {code}");
                }
            }
        }
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn passwords_are_known_where_they_can_be_read() {
        let secrets = |lines: &[&str]| {
            let mut watch = AuthWatch::default();
            lines
                .iter()
                .filter_map(|line| watch.line(line.as_bytes()))
                .flat_map(|carried| carried.secrets)
                .collect::<Vec<_>>()
        };
        assert_eq!(secrets(&["AUTH PLAIN AGFsaWNlAHRvcHNlY3JldA=="]), ["AGFsaWNlAHRvcHNlY3JldA==", "topsecret"]);
        assert_eq!(secrets(&["AUTH LOGIN", "YWxpY2U=", "dG9wc2VjcmV0"]), ["YWxpY2U=", "dG9wc2VjcmV0", "topsecret"]);
        assert_eq!(secrets(&["AUTH PLAIN", "AGFsaWNlAHRvcHNlY3JldA"]), ["AGFsaWNlAHRvcHNlY3JldA", "topsecret"]);
        let digest = "YWxpY2UgYjkxM2E2MDJjN2VkYTdhNDk1YjRlNmU3MzM0ZDM4OTA=";
        assert_eq!(secrets(&["AUTH CRAM-MD5", digest]), [digest, "b913a602c7eda7a495b4e6e7334d3890"]);
        let token = "dXNlcj1hAWF1dGg9QmVhcmVyIHRvazNuAQE=";
        assert_eq!(secrets(&[&format!("AUTH XOAUTH2 {token}")]), [token, "tok3n"]);
    }

    #[test]
    fn octets_are_understood_in_pieces() {
        let said =
            b"EHLO x\r\nAUTH LOGIN\nYWxpY2U=\r\ndG9wc2VjcmV0\r\nBDAT 9\r\nAUTH X yyNOOP\r\nAUTH PLAIN AGEAdG9wc2VjcmV0";
        let shown =
            "EHLO x\r\nAUTH LOGIN\n<<response>>\r\n<<response>>\r\nBDAT 9\r\nAUTH X yyNOOP\r\nAUTH PLAIN <<response>>";
        let mut watch = AuthWatch::default();
        let carried = watch.bytes(said);
        assert_eq!(text(&carried.shown), shown);
        assert_eq!(carried.secrets, ["YWxpY2U=", "dG9wc2VjcmV0", "topsecret"]);
        for size in 1..40 {
            let mut watch = AuthWatch::default();
            let shown: Vec<u8> = said.chunks(size).flat_map(|piece| watch.bytes(piece).shown).collect();
            let shown = text(&shown);
            for secret in ["dG9wc2Vj", "2VjcmV0", "AdG9wc2", "topsecret"] {
                assert!(!shown.contains(secret), "{size}: {shown}");
            }
        }
    }

    #[test]
    fn mail_data_holds_no_responses() {
        let mut watch = AuthWatch::default();
        for (line, code) in [("AUTH PLAIN AGEAYg==", 235), ("DATA", 354)] {
            watch.line(line.as_bytes());
            watch.replied(code);
        }
        assert!(watch.line(b"c2VjcmV0LXB3").is_none());
        assert!(watch.line(b".").is_none());
        watch.replied(250);
        assert!(watch.line(b"c2VjcmV0LXB3").is_some());
    }
}
