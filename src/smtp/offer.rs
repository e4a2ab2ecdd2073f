//! What a client sent beside what the server had offered, and what the server waits for.
//!
//! Responsible for the sentences that a session's own knowledge tells about a refusal or a silence: no EHLO before, a mechanism
//! or a parameter that was not offered, a handshake that was not begun, TLS where plain text was expected. Not for what a reply
//! means (`status`, `provider`). Called by the diagnosis.

use super::command::{CommandLine, Verb};
use super::extension::Extensions;
use super::idiom::Idiom;
use super::parameter;

/// What a session knows when a reply comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'a> {
    /// Whether EHLO was sent, and answered, since the start or the TLS handshake.
    pub(crate) said_hello: bool,
    /// What the last EHLO reply offers.
    pub(crate) offered: &'a Extensions,
    /// Whether TLS is on.
    pub(crate) is_encrypted: bool,
    /// In whose words it is said.
    pub(crate) idiom: Idiom,
}

impl Offer<'_> {
    /// What of a refused command line the server had not offered.
    pub(crate) fn beside(&self, line: &str, code: u16) -> Option<String> {
        let command = CommandLine::parse(line.as_bytes());
        match command.verb() {
            Verb::StartTls if !self.is_encrypted && is_of_order(code) => self.needs("STARTTLS"),
            Verb::AuthCommand => self.beside_auth(&command, code).or_else(|| self.tls_first(code)),
            Verb::BdatCommand => self.needs("CHUNKING"),
            Verb::Mail | Verb::Rcpt => self.beside_path(line).or_else(|| self.tls_first(code)),
            _ => None,
        }
    }

    fn needs(&self, keyword: &str) -> Option<String> {
        if !self.said_hello {
            let since = if self.is_encrypted { "since the TLS handshake" } else { "before" };
            return Some(format!("no EHLO was sent {since}: servers offer {keyword} in its reply"));
        }
        (!self.offered.offers(keyword, None)).then(|| format!("the last EHLO reply does not offer {keyword}"))
    }

    fn beside_auth(&self, command: &CommandLine<'_>, code: u16) -> Option<String> {
        let mechanism = command.auth()?.name().into_owned();
        let Some(mechanisms) = self.offered.parameters("AUTH").filter(|_| self.said_hello) else {
            let missing = self.needs("AUTH").filter(|_| is_of_order(code))?;
            let by_tls = if self.may_start_tls() { ": many offer it only after STARTTLS" } else { "" };
            return Some(format!("{missing}{by_tls}"));
        };
        let is_offered = mechanism.is_empty() || self.offered.offers("AUTH", Some(&mechanism));
        (!is_offered).then(|| format!("the last EHLO reply offers {}, not {mechanism}", mechanisms.join(" ")))
    }

    fn beside_path(&self, line: &str) -> Option<String> {
        let parameters = line.rsplit_once('>').map_or("", |(_, parameters)| parameters);
        let mut said = parameters.split_ascii_whitespace();
        said.find_map(|parameter| self.beside_parameter(parameter)).or_else(|| {
            let needs_utf8 = !line.is_ascii() && !self.offered.offers("SMTPUTF8", None);
            needs_utf8.then(|| "the address is not ASCII, and the last EHLO reply does not offer SMTPUTF8".to_owned())
        })
    }

    fn beside_parameter(&self, parameter: &str) -> Option<String> {
        let known = parameter::of_word(parameter)?;
        if let Some(missing) = self.needs(known.keyword) {
            return Some(format!("{parameter}: {missing}"));
        }
        let size: u64 = parameter.split_once('=').filter(|_| known.name == "SIZE")?.1.parse().ok()?;
        let limit = self.offered.size().filter(|limit| *limit > 0 && size > *limit)?;
        Some(format!("{parameter} is over the {limit} octets that the last EHLO reply allows"))
    }

    /// A refusal that asks for TLS, or for a login, of a server that offers STARTTLS.
    fn tls_first(&self, code: u16) -> Option<String> {
        // Where AUTH is offered without TLS, 530 most likely asks for a login: the words of the reply tell.
        let wants_login = code == 530 && self.offered.offers("AUTH", None);
        let asks = matches!(code, 523 | 530 | 538) && self.may_start_tls() && !wants_login;
        let how = self.idiom.of("`starttls`, then EHLO again", "give `--starttls`");
        asks.then(|| format!("the server wants TLS first: {how}"))
    }

    fn may_start_tls(&self) -> bool {
        !self.is_encrypted && self.offered.offers("STARTTLS", None)
    }

    /// What to do where an EHLO reply lacks a keyword that was expected in it.
    pub(crate) fn lacks(&self, expected: &str) -> Option<&'static str> {
        let is_missing = |keyword: &str| expected.contains(keyword) && !self.offered.offers(keyword, None);
        if is_missing("STARTTLS") {
            return Some(if self.is_encrypted {
                "TLS is on already: a server offers STARTTLS only before it"
            } else {
                self.idiom.of(
                    "port 587 usually offers STARTTLS; a port that begins with TLS (465) wants `tls: implicit`",
                    "`--plain` sends without TLS; `--tls` is for a port that begins with TLS (465)",
                )
            });
        }
        is_missing("AUTH").then(|| {
            if self.may_start_tls() {
                self.idiom.of(
                    "many servers offer AUTH only over TLS: `starttls` and EHLO again come first",
                    "many servers offer AUTH only over TLS: give `--starttls`",
                )
            } else {
                "the server takes no login here: port 587 or 465 may, or it wants none and takes mail by address"
            }
        })
    }

    /// The keywords of the last EHLO reply, in a line.
    pub(crate) fn keywords(&self) -> Option<String> {
        let keyword = |(keyword, parameters): (&str, &[String])| [&[keyword.to_owned()], parameters].concat().join(" ");
        let keywords: Vec<String> = self.offered.iter().map(keyword).collect();
        (!keywords.is_empty()).then(|| keywords.join(", "))
    }
}

/// Whether a reply code refuses the command itself, not what it asks for.
fn is_of_order(code: u16) -> bool {
    matches!(code, 500..=504 | 530 | 550 | 554)
}

/// How a TLS record begins that holds an alert, and one that holds a handshake: type and major version (RFC 8446 section
/// 5.1).
pub(crate) const TLS_ALERT: [u8; 2] = [0x15, 0x03];
pub(crate) const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// What octets are that no server says in plain text: the head of a TLS record.
pub(crate) fn tls_record(octets: &[u8]) -> Option<&'static str> {
    match octets.first_chunk()? {
        &TLS_ALERT => Some("an alert of TLS"),
        &TLS_HANDSHAKE => Some("a handshake of TLS"),
        [0x17, 0x03] => Some("encrypted data of TLS"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(line: &str, code: u16, reply: &[&str]) -> Option<String> {
        let offered = Extensions::parse(reply.iter().map(|line| line.as_bytes()));
        Offer { said_hello: !reply.is_empty(), offered: &offered, is_encrypted: false, idiom: Idiom::Scenario }
            .beside(line, code)
    }

    #[test]
    fn what_was_not_offered_is_named() {
        let offer = ["mx.example", "STARTTLS", "AUTH PLAIN", "SIZE 1000"];
        for (line, code, said) in [
            ("AUTH LOGIN", 535, "the last EHLO reply offers PLAIN, not LOGIN"),
            ("auth cram-md5", 504, "the last EHLO reply offers PLAIN, not CRAM-MD5"),
            ("MAIL FROM:<a@b> SIZE=2000", 552, "SIZE=2000 is over the 1000 octets that the last EHLO reply allows"),
            ("MAIL FROM:<a@b> BODY=8BITMIME", 555, "BODY=8BITMIME: the last EHLO reply does not offer 8BITMIME"),
            ("MAIL FROM:<a@b> SMTPUTF8", 555, "SMTPUTF8: the last EHLO reply does not offer SMTPUTF8"),
            ("RCPT TO:<a@b> NOTIFY=NEVER", 555, "NOTIFY=NEVER: the last EHLO reply does not offer DSN"),
            ("BDAT 10 LAST", 502, "the last EHLO reply does not offer CHUNKING"),
            ("MAIL FROM:<a@b>", 538, "the server wants TLS first: `starttls`, then EHLO again"),
            ("MAIL FROM:<\u{e4}@b>", 553, "the address is not ASCII, and the last EHLO reply does not offer SMTPUTF8"),
        ] {
            assert_eq!(beside(line, code, &offer).as_deref(), Some(said), "{line}");
        }
        for line in ["AUTH PLAIN AGE=", "MAIL FROM:<a@b> SIZE=1000", "RCPT TO:<a@b>", "STARTTLS", "DATA", ""] {
            assert_eq!(beside(line, 550, &offer), None, "{line}");
        }
    }

    #[test]
    fn nothing_is_offered_before_ehlo() {
        for (line, keyword) in [("STARTTLS", "STARTTLS"), ("AUTH LOGIN", "AUTH"), ("BDAT 1", "CHUNKING")] {
            let said = format!("no EHLO was sent before: servers offer {keyword} in its reply");
            assert_eq!(beside(line, 503, &[]), Some(said));
        }
        let plain = beside("AUTH LOGIN", 503, &["mx.example", "STARTTLS"]);
        assert!(plain.is_some_and(|it| it.ends_with("many offer it only after STARTTLS")));
    }

    #[test]
    fn a_missing_keyword_leads_somewhere() {
        let offered = Extensions::parse([&b"mx.example"[..], b"STARTTLS"]);
        let plain = Offer { said_hello: true, offered: &offered, is_encrypted: false, idiom: Idiom::Options };
        assert_eq!(plain.lacks("^250[ -]STARTTLS"), None);
        assert!(plain.lacks("^250[ -]AUTH").is_some_and(|help| help.contains("`--starttls`")));
        let bare = Extensions::parse([&b"mx.example"[..]]);
        let none = Offer { offered: &bare, idiom: Idiom::Scenario, ..plain };
        assert!(none.lacks("^250[ -]STARTTLS").is_some_and(|help| help.contains("`tls: implicit`")));
        assert!(
            Offer { is_encrypted: true, ..none }.lacks("STARTTLS").is_some_and(|help| help.starts_with("TLS is on"))
        );
    }

    #[test]
    fn tls_is_told_from_text() {
        assert_eq!(tls_record(b"\x15\x03\x01\x00\x02\x02\x46"), Some("an alert of TLS"));
        assert_eq!(tls_record(b"\x16\x03\x03"), Some("a handshake of TLS"));
        assert_eq!(tls_record(b"220 mx"), None);
    }
}
