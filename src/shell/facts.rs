//! Commands that only show: what the server offers, what TLS is like, what replies mean.

use super::{Notice, Shell, ShellTarget};
use crate::net::tls::TlsFacts;
use crate::smtp::extension::keyword_named;
use crate::smtp::question::Question;
use std::fmt::Write as _;

/// The commands of the shell by which one uses what a keyword offers.
const COMMANDS: [(&str, &str); 2] = [("PIPELINING", ".pipeline"), ("STARTTLS", ".starttls")];

/// What a handshake agreed on, in lines.
pub(super) fn of_tls(facts: &TlsFacts) -> String {
    let verified = if facts.verified { "verified" } else { "NOT verified" };
    let mut text = format!("  {}, {}, certificate {verified}\n", facts.version, facts.cipher);
    if let Some(certificate) = &facts.certificate {
        let lines = [
            ("subject", certificate.subject.clone()),
            ("names", certificate.names.join(", ")),
            ("issuer", certificate.issuer.clone()),
            ("key", certificate.key_in_words()),
            ("valid", format!("from {} until {}", certificate.not_before, certificate.not_after)),
        ];
        for (label, value) in lines {
            _ = writeln!(text, "  {label:<8} {}", crate::visible(value.as_bytes()));
        }
    }
    text
}

/// What an EHLO keyword is for, and the shell's command for it.
fn meaning(keyword: &str) -> String {
    let Some(known) = keyword_named(keyword) else { return String::new() };
    let command = COMMANDS.iter().find(|(name, _)| *name == known.name);
    let how = command.map(|(_, command)| format!(": `{command}`")).unwrap_or_default();
    format!("{}{how} ({})", known.meaning, known.source)
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
            let known = meaning(&keyword);
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
