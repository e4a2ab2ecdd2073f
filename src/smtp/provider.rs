//! What providers mean by a reply, what usually helps, and how one submits mail to them.
//!
//! Responsible for finding the provider of a session, of a name, or of a reply's text, and for the statements that fit. Each
//! provider's own data is in a file of this folder, with the public page that each statement stands on; what holds
//! whoever the provider is, is in `general`. Not for the meaning of codes by the RFCs (`status`). Called by the diagnosis,
//! by `explanation`, and by whoever writes a scenario for a provider.

mod amazon_ses;
mod general;
mod google;
mod mailboxes;
mod mailgun;
mod microsoft;
mod mimecast;
mod postmark;
mod relays;
mod sendgrid;
mod statement;
mod yahoo;

pub use statement::{Codes, Known, Source, Statement};

use super::status::EnhancedStatusCode;
use statement::contains;

/// A mail service that is known by its host names, its greeting, or the text of its replies.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name on the command line.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Domains of its servers: each host at or under one of them.
    domains: &'static [&'static str],
    /// Parts of its greeting, where they are its own.
    greetings: &'static [&'static str],
    /// Parts of the text of its replies that are its own.
    markers: &'static [&'static str],
    /// How mail is handed to it, if it takes mail from users.
    pub submission: Option<Submission>,
    /// What it says about its replies.
    pub statements: &'static [Statement],
}

/// How mail is handed to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The server.
    pub host: &'static str,
    /// Its ports with STARTTLS, the usual one first.
    pub starttls: &'static [u16],
    /// Its ports with TLS from the start, the usual one first.
    pub implicit: &'static [u16],
    /// What to log in with.
    pub credentials: Credentials,
    /// Where that is written.
    pub source: Source,
}

/// What to log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: UserName,
    /// What the password is, in words.
    pub password: &'static str,
}

/// A user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName {
    /// It is this word for everybody.
    Literal(&'static str),
    /// It is the password once more.
    SameAsPassword,
    /// What it is, in words.
    Told(&'static str),
}

/// An unexpected reply and where it came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation<'a> {
    /// The host name that was connected to, as the user wrote it, without a port.
    pub host: &'a str,
    /// The text of the session's greeting.
    pub greeting: &'a [u8],
    /// The reply code.
    pub code: u16,
    /// The enhanced status code, if the reply has one.
    pub enhanced: Option<EnhancedStatusCode>,
    /// The text of the reply.
    pub text: &'a [u8],
    /// The command that was replied to: its line as shown to the user, or the verb alone. `DATA` also stands for the
    /// end of the mail data, and empty text for the connection itself, whose reply is the greeting.
    pub command: &'a str,
}

/// What is known to help in `situation`, the provider's own advice first; often nothing.
#[must_use]
pub fn help(situation: &Situation<'_>) -> Vec<&'static str> {
    let of_provider = serving(situation).flat_map(|it| it.statements);
    let mut advice = Vec::new();
    for statement in of_provider.chain(general::STATEMENTS).filter(|it| it.applies(situation)) {
        // Two statements may come to the same advice by different signs.
        if !statement.help.is_empty() && !advice.contains(&statement.help) {
            advice.push(statement.help);
        }
    }
    advice
}

/// What the provider of `situation` means by the reply, where it says so.
#[must_use]
pub fn meant(situation: &Situation<'_>) -> Vec<(&'static Provider, &'static Statement)> {
    let of_provider = serving(situation).flat_map(|it| it.statements.iter().map(move |statement| (it, statement)));
    of_provider.filter(|(_, it)| !it.means.is_empty() && it.applies(situation)).collect()
}

/// Every provider, by its name on the command line.
#[must_use]
pub fn all() -> &'static [&'static Provider] {
    PROVIDERS
}

/// What holds whoever the provider is.
#[must_use]
pub fn general() -> &'static [Statement] {
    general::STATEMENTS
}

/// The provider of this name, in any letter case; by-names are known.
#[must_use]
pub fn find(name: &str) -> Option<&'static Provider> {
    let name = name.to_ascii_lowercase();
    let by_name = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, id)| *id);
    let wanted = by_name.unwrap_or(&name);
    PROVIDERS.iter().copied().find(|it| it.id == wanted)
}

/// The provider whose words stand in the text of a reply; `None` where there are those of several.
#[must_use]
pub fn named_in(text: &[u8]) -> Option<&'static Provider> {
    let mut found = PROVIDERS.iter().copied().filter(|it| it.markers.iter().any(|marker| contains(text, marker)));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The providers that the server of `situation` belongs to: mostly one or none.
fn serving<'a>(situation: &'a Situation<'a>) -> impl Iterator<Item = &'static Provider> + 'a {
    PROVIDERS.iter().copied().filter(|it| it.serves(situation))
}

impl Provider {
    fn serves(&self, situation: &Situation<'_>) -> bool {
        self.domains.iter().any(|domain| is_within(situation.host, domain))
            || self.greetings.iter().any(|part| contains(situation.greeting, part))
    }
}

fn is_within(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).as_bytes();
    let Some(before) = host.len().checked_sub(domain.len()) else { return false };
    host[before..].eq_ignore_ascii_case(domain.as_bytes()) && (before == 0 || host[before - 1] == b'.')
}

/// Sorted by name.
const PROVIDERS: &[&Provider] = &[
    &amazon_ses::AMAZON_SES,
    &relays::BREVO,
    &mailboxes::FASTMAIL,
    &google::GOOGLE,
    &mailboxes::ICLOUD,
    &mailgun::MAILGUN,
    &relays::MAILJET,
    &relays::MAILTRAP,
    &relays::MANDRILL,
    &microsoft::MICROSOFT,
    &mimecast::MIMECAST,
    &mailboxes::OUTLOOK,
    &postmark::POSTMARK,
    &relays::RESEND,
    &sendgrid::SENDGRID,
    &relays::SPARKPOST,
    &yahoo::YAHOO,
];

/// Other names for some of them.
const ALIASES: &[(&str, &str)] = &[
    ("aol", "yahoo"),
    ("aws", "amazon-ses"),
    ("exchange-online", "microsoft-365"),
    ("google", "gmail"),
    ("google-workspace", "gmail"),
    ("hotmail", "outlook"),
    ("mailchimp", "mandrill"),
    ("microsoft", "microsoft-365"),
    ("microsoft365", "microsoft-365"),
    ("office365", "microsoft-365"),
    ("outlook.com", "outlook"),
    ("sendinblue", "brevo"),
    ("ses", "amazon-ses"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const APIKEY: &str = "SendGrid's user name is the literal word `apikey`; the password is the API key";

    /// A reply line to a command, sent by a host with a greeting.
    fn advice(host: &str, greeting: &str, command: &str, reply: &str) -> Vec<&'static str> {
        let text = &reply.as_bytes()[4..];
        help(&Situation {
            host,
            greeting: greeting.as_bytes(),
            code: reply[..3].parse().unwrap(),
            enhanced: EnhancedStatusCode::at_start_of(text),
            text,
            command,
        })
    }

    /// The only advice, from a server nobody knows.
    fn advised(command: &str, reply: &str) -> &'static str {
        let found = advice("mx.example", "mx.example ESMTP", command, reply);
        assert_eq!(found.len(), 1, "{command}: {reply}: {found:?}");
        found[0]
    }

    #[test]
    fn sendgrid_is_known_by_host_or_greeting() {
        let reply = "535 5.7.8 Authentication failed: Bad username / password";
        assert_eq!(advice("smtp.sendgrid.net", "", "AUTH", reply), [APIKEY]);
        assert_eq!(advice("SMTP.SendGrid.NET.", "", "AUTH", reply), [APIKEY]);
        assert_eq!(advice("127.0.0.1", "SG ESMTP service ready at ismtpd0001p1lon1.sendgrid.net", "", reply), [APIKEY]);
        assert!(advice("notsendgrid.net", "ESMTP", "AUTH", reply).is_empty());
        assert!(advice("net", "", "AUTH", reply).is_empty());
    }

    #[test]
    fn sendgrid_names_its_other_refusals() {
        let reply = "550 The from address does not match a verified Sender Identity. Mail cannot be sent";
        assert_eq!(
            advice("smtp.sendgrid.net", "", "DATA", reply),
            ["SendGrid accepts only senders that are a verified sender identity of the account"]
        );
        assert!(advice("smtp.sendgrid.net", "", "RCPT", "550 5.1.1 no such user").is_empty());
        let reply = "451 Authentication failed: Maximum credits exceeded";
        assert_eq!(advice("smtp.sendgrid.net", "", "x", reply).len(), 1);
    }

    #[test]
    fn providers_want_credentials_of_their_own() {
        for (host, reply, word) in [
            ("smtp.gmail.com", "535 5.7.8 Username and Password not accepted.", "app password"),
            ("smtp.gmail.com", "534 5.7.9 Application-specific password required.", "app password"),
            ("smtp.office365.com", "535 5.7.139 Authentication unsuccessful, basic auth disabled", "SMTP AUTH"),
            ("smtp.office365.com", "535 5.7.3 Authentication unsuccessful", "SMTP AUTH"),
            ("smtp.postmarkapp.com", "535 5.7.8 no", "API token"),
            ("smtp.mail.yahoo.com", "535 5.7.0 (#AUTH005) Too many bad auth attempts.", "app password"),
            ("smtp.resend.com", "535 no", "`resend`"),
        ] {
            let found = advice(host, "", "AUTH PLAIN", reply);
            assert!(found.len() == 1 && found[0].contains(word), "{host}: {found:?}");
        }
        assert_eq!(advice("smtp.mailgun.org", "", "AUTH", "535 5.7.0 no").len(), 2);
    }

    #[test]
    fn providers_want_known_senders() {
        let found = advice("smtp.office365.com", "", "MAIL", "530 5.7.57 Client not authenticated to send mail.");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("Microsoft 365 wants authentication first"));
        let ses = "email-smtp.amazonaws.com ESMTP SimpleEmailService-d-X";
        let found = advice("10.0.0.1", ses, "AUTH LOGIN", "535 Authentication Credentials Invalid");
        assert!(found.len() == 1 && found[0].contains("IAM access key"), "{found:?}");
        let found = advice("10.0.0.1", ses, "DATA", "554 Message rejected: Email address is not verified.");
        assert!(found.len() == 1 && found[0].starts_with("verify this address"), "{found:?}");
    }

    #[test]
    fn tls_and_authentication_come_first() {
        let starttls = "the server wants TLS first: `starttls`, then EHLO again";
        assert_eq!(advised("AUTH PLAIN", "530 5.7.0 Must issue a STARTTLS command first"), starttls);
        assert_eq!(advised("MAIL FROM:<a@b>", "530 Must issue a STARTTLS command first"), starttls);
        let auth = "the server wants authentication first: `auth` before MAIL";
        assert_eq!(advised("mail FROM:<a@b>", "530 5.7.0 Authentication required"), auth);
        assert!(advised("AUTH PLAIN", "538 5.7.11 Encryption required").contains("encrypted"));
        assert!(advised("AUTH PLAIN", "503 5.5.1 AUTH not available").contains("after STARTTLS send EHLO again"));
        assert!(advised("MAIL FROM:<a@b>", "503 5.5.1 Error: send HELO/EHLO first").contains("EHLO first"));
        assert!(advised("AUTH NTLM", "504 5.5.4 Unrecognized authentication type").contains("mechanism"));
        assert!(advised("x", "501 5.5.2 Cannot decode base64").contains("b64encode"));
        assert!(advised("STARTTLS", "454 4.7.0 TLS not available").contains("TLS"));
        assert!(advised("STARTTLS", "502 5.5.1 no").contains("465"));
    }

    #[test]
    fn paths_have_angle_brackets() {
        let brackets = "put the address in angle brackets: `MAIL FROM:<a@b>`";
        for reply in
            ["501 5.5.4 Syntax: MAIL FROM:<address>", "553 5.5.4 Domain name required", "555 5.5.2 Syntax error"]
        {
            assert_eq!(advised("MAIL FROM: a@b", reply), brackets);
            assert!(advice("mx.example", "", "MAIL FROM:<a@b>", reply).is_empty());
            assert!(advice("mx.example", "", "MAIL", reply).is_empty());
        }
        assert!(advised("rcpt to:a@b", "501 no").ends_with("`RCPT TO:<a@b>`"));
    }

    #[test]
    fn refused_sessions_and_recipients() {
        assert!(advised("", "421 4.7.0 too many connections").contains("too many connections"));
        assert!(advised("", "554 no service").contains("blocked"));
        assert!(advised("EHLO x", "502 unimplemented").contains("HELO"));
        assert!(advised("RCPT TO:<a@b>", "450 4.2.0 Greylisted").contains("`retry`"));
        assert!(advised("RCPT TO:<a@b>", "554 5.7.1 <a@b>: Relay access denied").contains("authenticate first"));
        assert!(advised("RCPT TO:<a@b>", "550 relaying denied").contains("authenticate first"));
        assert!(advised("DATA", "554 5.5.1 Error: no valid recipients").contains("RCPT"));
        assert!(advice("mx.example", "", "RCPT TO:<a@b>", "550 5.1.1 no such user").is_empty());
        assert!(advice("mx.example", "", "MAIL FROM:<a@b>", "421 closing").is_empty());
    }

    #[test]
    fn mail_data_that_is_refused() {
        let size = "the message is too big for the server: its EHLO reply tells the limit after SIZE";
        assert_eq!(advised("MAIL FROM:<a@b> SIZE=9", "552 5.3.4 too much"), size);
        assert_eq!(advised("DATA", "552 Message size exceeds fixed maximum"), size);
        assert!(advice("mx.example", "", "RCPT TO:<a@b>", "552 5.2.2 mailbox full").is_empty());
        assert!(advised("DATA", "550 5.5.2 Error: bare <LF> received").contains("CRLF"));
    }

    #[test]
    fn success_needs_no_help() {
        for reply in ["250 2.1.0 Ok", "235 2.7.0 ok", "354 go ahead", "220 relay starttls size", "334 "] {
            assert!(advice("smtp.sendgrid.net", "SG ESMTP", "MAIL FROM: a", reply).is_empty());
        }
    }

    #[test]
    fn statements_are_for_refusals_and_read_as_lines() {
        for statement in all().iter().flat_map(|it| it.statements).chain(general()) {
            match statement.codes {
                Codes::Are(codes) => assert!(!codes.is_empty() && codes.iter().all(|code| (400..600).contains(code))),
                Codes::Begin(digits) => assert!(!digits.is_empty() && digits.iter().all(|it| matches!(it, 4 | 5))),
            }
            assert!(!statement.means.is_empty() || !statement.help.is_empty(), "{statement:?}");
            for line in [statement.means, statement.help] {
                assert!(!line.ends_with('.') && !line.contains('\n') && !line.contains("  "), "{line}");
            }
            assert!(statement.text.iter().all(|part| !part.is_empty()), "{statement:?}");
            assert!(statement.verbs.iter().all(|verb| verb.trim() == *verb), "{statement:?}");
        }
    }

    #[test]
    fn every_statement_has_a_source() {
        let of_statements = all().iter().flat_map(|it| it.statements).chain(general()).map(|it| it.source);
        let of_submission = all().iter().filter_map(|it| it.submission).map(|it| it.source);
        for source in of_statements.chain(of_submission) {
            assert!(!source.title.is_empty() && source.url.starts_with("https://"), "{source:?}");
        }
    }

    #[test]
    fn providers_are_sorted_and_each_is_found() {
        assert!(all().is_sorted_by(|a, b| a.id < b.id));
        for provider in all() {
            assert!(!provider.domains.is_empty() || !provider.greetings.is_empty(), "{}", provider.id);
            assert!(provider.domains.iter().chain(provider.greetings).chain(provider.markers).all(|it| !it.is_empty()));
            assert!(provider.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
            assert_eq!(find(provider.id).map(|it| it.id), Some(provider.id));
            let Some(submission) = provider.submission else { continue };
            assert!(!submission.starttls.is_empty() || !submission.implicit.is_empty(), "{}", provider.id);
        }
        for (name, id) in [("SES", "amazon-ses"), ("google", "gmail"), ("Office365", "microsoft-365"), ("AOL", "yahoo")]
        {
            assert_eq!(find(name).map(|it| it.id), Some(id));
        }
        assert_eq!(find("nobody"), None);
    }

    #[test]
    fn a_reply_may_name_its_provider() {
        let named = |text: &str| named_in(text.as_bytes()).map(|it| it.id);
        assert_eq!(named("This mail has been blocked. a640c23a62f3a - gsmtp"), Some("gmail"));
        assert_eq!(named("[AM6PR0732BE0065.eurprd07.prod.outlook.com]"), Some("microsoft-365"));
        assert_eq!(named("mailbox unavailable"), None);
        // Two of them: no telling.
        assert_eq!(named("gsmtp said to outlook.com"), None);
    }

    #[test]
    fn what_a_provider_means_is_told_with_its_name() {
        let situation = Situation {
            host: "aspmx.l.google.com",
            code: 550,
            enhanced: "5.7.26".parse().ok(),
            text: b"5.7.26 unauthenticated",
            command: "DATA",
            ..Situation::default()
        };
        let found = meant(&situation);
        assert!(found.len() == 1 && found[0].0.name == "Gmail" && found[0].1.means.contains("DMARC"), "{found:?}");
    }
}
