//! Commands that only show: what the server offers, what TLS is like, what replies mean.

use super::{Notice, Shell, ShellTarget};
use crate::net::tls::TlsFacts;
use crate::smtp::question::Question;
use std::fmt::Write as _;

/// What the usual EHLO keywords are for.
const KEYWORDS: [(&str, &str); 24] = [
    ("8BITMIME", "bodies of 8-bit text (RFC 6152)"),
    ("ATRN", "on-demand mail relay (RFC 2645)"),
    ("AUTH", "logins, by these mechanisms (RFC 4954)"),
    ("BINARYMIME", "bodies of any octets, by BDAT (RFC 3030)"),
    ("BURL", "a body by reference to an IMAP server (RFC 4468)"),
    ("CHECKPOINT", "restarting a transaction (RFC 1845)"),
    ("CHUNKING", "mail data in chunks, by BDAT (RFC 3030)"),
    ("DELIVERBY", "a time by which to deliver (RFC 2852)"),
    ("DSN", "notifications of delivery: NOTIFY, RET, ENVID, ORCPT (RFC 3461)"),
    ("ENHANCEDSTATUSCODES", "codes such as 5.7.8 in replies (RFC 2034)"),
    ("ETRN", "asks to send queued mail (RFC 1985)"),
    ("FUTURERELEASE", "mail that waits: HOLDFOR, HOLDUNTIL (RFC 4865)"),
    ("HELP", "the command HELP (RFC 5321)"),
    ("LIMITS", "how many recipients and messages (RFC 9422)"),
    ("MT-PRIORITY", "priorities of messages (RFC 6710)"),
    ("NO-SOLICITING", "refuses advertisements (RFC 3865)"),
    ("PIPELINING", "several commands at once: `.pipeline` (RFC 2920)"),
    ("REQUIRETLS", "TLS on the whole way (RFC 8689)"),
    ("RRVS", "recipients only if they are still the same (RFC 7293)"),
    ("SIZE", "the largest message in octets (RFC 1870)"),
    ("SMTPUTF8", "addresses and headers in UTF-8 (RFC 6531)"),
    ("STARTTLS", "TLS: `.starttls` (RFC 3207)"),
    ("VRFY", "the command VRFY (RFC 5321)"),
    ("XCLIENT", "a proxy says who its client is (Postfix)"),
];

/// What a handshake agreed on, in lines.
pub(super) fn of_tls(facts: &TlsFacts) -> String {
    let verified = if facts.verified { "verified" } else { "NOT verified" };
    let mut text = format!("  {}, {}, certificate {verified}\n", facts.version, facts.cipher);
    if let Some(certificate) = &facts.certificate {
        let lines = [
            ("subject", certificate.subject.clone()),
            ("names", certificate.names.join(", ")),
            ("issuer", certificate.issuer.clone()),
            ("valid", format!("from {} until {}", certificate.not_before, certificate.not_after)),
        ];
        for (label, value) in lines {
            _ = writeln!(text, "  {label:<8} {}", crate::visible(value.as_bytes()));
        }
    }
    text
}

impl Shell {
    pub(super) fn extensions(&mut self) {
        let offers = self.state().offers;
        if offers.is_empty() {
            return self.complain("nothing is offered: send EHLO first (`.ehlo`), after TLS once more");
        }
        let mut text = String::new();
        for (keyword, parameters) in offers {
            let line = [&[keyword.clone()][..], &parameters].concat().join(" ");
            let known = KEYWORDS.iter().find(|(known, _)| *known == keyword).map_or("", |(_, meaning)| meaning);
            let line = crate::visible(self.log.masker().mask_text(&line).as_bytes());
            _ = writeln!(text, "{}", format!("  {line:<34} {known}").trim_end());
        }
        self.tell(Notice::Text(text));
    }

    /// Explains what is asked, or else the last reply.
    pub(super) fn explain(&mut self, arguments: &str) {
        let asked = if arguments.is_empty() { self.last_reply_text() } else { Some(arguments.to_owned()) };
        let Some(asked) = asked else { return self.complain("there is no reply yet: give a code, such as 535 5.7.8") };
        match Question::read(&asked) {
            Some(mut question) => {
                // A provider is known by its greeting and by its name.
                question.greeting = self.log.masker().mask_text(&String::from_utf8_lossy(&self.greeting));
                if let ShellTarget::Host { host, .. } = &self.settings.place {
                    question.host.clone_from(host);
                }
                self.tell(Notice::Questions(vec![question]));
            }
            None => self.complain("this is no reply code: give one such as 535, 5.7.8 or 5xx"),
        }
    }

    /// The code and all of the text in one line.
    fn last_reply_text(&self) -> Option<String> {
        let reply = self.last_reply.as_ref()?;
        let texts: Vec<String> = reply.texts().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        let text = format!("{} {}", reply.code(), texts.join(" "));
        Some(crate::visible(self.log.masker().mask_text(&text).as_bytes()))
    }
}
