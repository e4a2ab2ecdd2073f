//! What usually helps after a refusal: advice that is known for a provider, or for SMTP in general.
//!
//! Responsible for the `help:` lines under a divergence: a table of rules, each with the public page it stands on. Not
//! for the meaning of codes (`status`), nor for deciding whether a reply diverged. Called by the reports.

use super::status::EnhancedStatusCode;

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
    let of_provider = PROVIDERS.iter().filter(|it| it.serves(situation)).flat_map(|it| it.rules);
    let mut advice = Vec::new();
    for rule in of_provider.chain(GENERAL_RULES).filter(|rule| rule.applies(situation)) {
        // Two rules may come to the same advice by different signs.
        if !advice.contains(&rule.help) {
            advice.push(rule.help);
        }
    }
    advice
}

/// A mail service that is known by its host names or by its greeting.
struct Provider {
    /// Domains of its servers: each host at or under one of them.
    domains: &'static [&'static str],
    /// Parts of its greeting, where they are its own.
    greetings: &'static [&'static str],
    rules: &'static [Rule],
}

impl Provider {
    fn serves(&self, situation: &Situation<'_>) -> bool {
        self.domains.iter().any(|domain| is_within(situation.host, domain))
            || self.greetings.iter().any(|part| contains(situation.greeting, part))
    }
}

/// A rule applies when each of its conditions holds; an empty condition always does.
struct Rule {
    codes: &'static [u16],
    /// Subject and detail of the enhanced status code.
    enhanced: &'static [(u16, u16)],
    verbs: &'static [&'static str],
    /// Parts of the reply's text, of which one is there.
    text: &'static [&'static str],
    /// Whether the command must lack the angle brackets of a path.
    bare_path: bool,
    help: &'static str,
}

impl Rule {
    const fn new(codes: &'static [u16], help: &'static str) -> Self {
        Self { codes, enhanced: &[], verbs: &[], text: &[], bare_path: false, help }
    }

    const fn enhanced(self, enhanced: &'static [(u16, u16)]) -> Self {
        Self { enhanced, ..self }
    }

    const fn verbs(self, verbs: &'static [&'static str]) -> Self {
        Self { verbs, ..self }
    }

    const fn text(self, text: &'static [&'static str]) -> Self {
        Self { text, ..self }
    }

    const fn bare_path(self) -> Self {
        Self { bare_path: true, ..self }
    }

    fn applies(&self, situation: &Situation<'_>) -> bool {
        let enhanced = situation.enhanced.map(|it| (it.subject, it.detail));
        let verb = verb_of(situation.command);
        self.codes.contains(&situation.code)
            && (self.enhanced.is_empty() || enhanced.is_some_and(|it| self.enhanced.contains(&it)))
            && (self.verbs.is_empty() || self.verbs.iter().any(|it| it.eq_ignore_ascii_case(verb)))
            && (self.text.is_empty() || self.text.iter().any(|part| contains(situation.text, part)))
            && (!self.bare_path || has_bare_path(situation.command))
    }
}

fn verb_of(command: &str) -> &str {
    command.split_ascii_whitespace().next().unwrap_or_default()
}

/// Whether the command names a path and does so without `<` and `>`.
fn has_bare_path(command: &str) -> bool {
    command.split_once(':').is_some_and(|(_, path)| !path.trim().is_empty() && !path.contains('<'))
}

fn is_within(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).as_bytes();
    let Some(before) = host.len().checked_sub(domain.len()) else { return false };
    host[before..].eq_ignore_ascii_case(domain.as_bytes()) && (before == 0 || host[before - 1] == b'.')
}

/// Whether `part` is somewhere in `text`, in any letter case.
fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

const PROVIDERS: &[Provider] = &[
    // Twilio SendGrid: "Integrating with the SMTP API", "SMTP Errors and Troubleshooting".
    Provider {
        domains: &["sendgrid.net"],
        greetings: &["SG ESMTP"],
        rules: &[
            Rule::new(&[535], "SendGrid's user name is the literal word `apikey`; the password is the API key"),
            Rule::new(&[535], "SendGrid refuses the API key itself: it is wrong, or was deleted; create another one")
                .text(&["authorization grant is invalid"]),
            Rule::new(&[550], "SendGrid accepts only senders that are a verified sender identity of the account")
                .text(&["sender identity"]),
            Rule::new(&[451], "the SendGrid account has used up its sending credits").text(&["maximum credits exceeded"]),
        ],
    },
    // Google: "Gmail SMTP errors and codes", "Sign in with app passwords".
    Provider {
        domains: &["gmail.com", "googlemail.com", "google.com"],
        greetings: &["gsmtp"],
        rules: &[
            Rule::new(&[535], "Gmail does not take the account's password: use an app password, or XOAUTH2 with a token")
                .enhanced(&[(7, 8)]),
            Rule::new(&[534], "Gmail wants an app password here (the account has 2-step verification), or XOAUTH2")
                .enhanced(&[(7, 9)]),
            Rule::new(&[534], "Google wants a sign-in in the browser first: open the link in the reply")
                .enhanced(&[(7, 14)]),
            Rule::new(&[550], "the Google account has reached its daily sending limit").enhanced(&[(4, 5)]),
            Rule::new(&[552], "Gmail blocks the content or an attachment of this message as a security risk")
                .enhanced(&[(7, 0)]),
            Rule::new(&[421, 550], "Gmail wants the sender's domain to pass SPF or DKIM").enhanced(&[(7, 26), (7, 27), (7, 30)]),
        ],
    },
    // Microsoft: "Enable or disable authenticated client SMTP submission (SMTP AUTH) in Exchange Online", "Fix issues
    // with printers, scanners, and LOB applications that send email using Microsoft 365".
    Provider {
        domains: &["office365.com", "outlook.com"],
        greetings: &["outlook.com Microsoft ESMTP MAIL Service", "mail.protection.outlook.com"],
        rules: &[
            Rule::new(
                &[535],
                "Microsoft 365 refuses SMTP AUTH or passwords for this account: enable SMTP AUTH for the mailbox and the \
                 tenant (security defaults switch it off), or use XOAUTH2 with a token",
            )
            .enhanced(&[(7, 139), (7, 3)]),
            Rule::new(&[530], "Microsoft 365 wants authentication first: `starttls` on port 587, EHLO again, then `auth`")
                .enhanced(&[(7, 57)]),
            Rule::new(&[550, 554], "this Microsoft 365 account may send only as itself, unless it has Send As permission")
                .enhanced(&[(7, 60), (2, 252)]),
            Rule::new(
                &[550],
                "Microsoft 365 does not know this client: an inbound connector must match its address or certificate",
            )
            .enhanced(&[(7, 64)]),
        ],
    },
    // Amazon: "Obtaining Amazon SES SMTP credentials", "Amazon SES SMTP issues", "Amazon SES email sending errors".
    Provider {
        // No domain: whoever rents a machine there is within amazonaws.com too.
        domains: &[],
        greetings: &["SimpleEmailService"],
        rules: &[
            Rule::new(
                &[535],
                "Amazon SES wants SMTP credentials made for this region: an IAM access key's secret is not the password",
            ),
            Rule::new(
                &[554],
                "verify this address or its domain in Amazon SES, in this region; in the sandbox the recipient's as well",
            )
            .text(&["not verified"]),
            Rule::new(&[454], "the Amazon SES account's sending rate or daily quota is reached").text(&["throttling failure"]),
        ],
    },
    // Mailgun: "Send via SMTP", "Regions".
    Provider {
        domains: &["mailgun.org"],
        greetings: &[],
        rules: &[
            Rule::new(
                &[535],
                "Mailgun's user name is the whole `name@domain` of the domain's SMTP credentials; the password is theirs, \
                 not the API key",
            ),
            Rule::new(&[535], "domains in Mailgun's EU region send through `smtp.eu.mailgun.org`"),
        ],
    },
    // Postmark: "Send email with SMTP".
    Provider {
        domains: &["postmarkapp.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Postmark takes the server's API token as user name and as password alike")],
    },
    // Yahoo: "Generate and manage third-party app passwords"; AOL's page of that name.
    Provider {
        domains: &["mail.yahoo.com", "smtp.aol.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Yahoo and AOL want an app password, made in the account's security settings")],
    },
    // Apple: "iCloud Mail server settings for other email client apps".
    Provider {
        domains: &["mail.me.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "iCloud Mail wants an app-specific password, not that of the Apple Account")],
    },
    // Fastmail: "App passwords".
    Provider {
        domains: &["fastmail.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Fastmail wants an app password, not that of the account")],
    },
    // Brevo: "Send transactional emails using Brevo SMTP".
    Provider {
        domains: &["smtp-relay.brevo.com", "smtp-relay.sendinblue.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Brevo's password is an SMTP key, not an API key and not that of the account")],
    },
    // Mailjet: "SMTP configuration".
    Provider {
        domains: &["mailjet.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Mailjet's user name is the API key, and the password is its secret key")],
    },
    // SparkPost: "SMTP relay endpoints".
    Provider {
        domains: &["sparkpostmail.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "SparkPost's user name is the literal word `SMTP_Injection`; the password is an API key")],
    },
    // Resend: "Send emails with SMTP".
    Provider {
        domains: &["smtp.resend.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Resend's user name is the literal word `resend`; the password is an API key")],
    },
    // Mailtrap: "SMTP integration" of Email Sending.
    Provider {
        domains: &["live.smtp.mailtrap.io"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Mailtrap's user name is the literal word `api`; the password is the API token")],
    },
    // Mailchimp Transactional: "SMTP integration".
    Provider {
        domains: &["mandrillapp.com"],
        greetings: &[],
        rules: &[Rule::new(&[535], "Mandrill's password is an API key; any user name will do")],
    },
];

/// Advice that holds whoever the provider is.
const GENERAL_RULES: &[Rule] = &[
    // RFC 3207 section 4: 530 5.7.0 "Must issue a STARTTLS command first".
    Rule::new(&[530], "the server wants TLS first: `starttls`, then EHLO again").text(&["starttls", "tls first"]),
    // RFC 4954 section 6: 530 "Authentication required".
    Rule::new(&[530], "the server wants authentication first: `auth` before MAIL")
        .verbs(&["MAIL", "RCPT", "DATA", "BDAT"])
        .text(&["authenticat"]),
    // RFC 4954 section 6; RFC 2554 for 538; RFC 5248 for 523 and 524.
    Rule::new(
        &[523, 524, 538],
        "the mechanism needs an encrypted connection: `starttls`, then EHLO again, then `auth`",
    ),
    Rule::new(&[530, 534, 535, 550, 554], "the server wants TLS first: `starttls`, then EHLO again")
        .enhanced(&[(7, 10), (7, 11)]),
    // RFC 3207 section 4.2: what was learnt before the handshake is discarded.
    Rule::new(
        &[503],
        "AUTH is allowed once in a session and only if the last EHLO reply offered it; after STARTTLS send EHLO again",
    )
    .verbs(&["AUTH"]),
    Rule::new(&[503], "send EHLO first, and again after STARTTLS").verbs(&["MAIL", "RCPT"]).text(&["ehlo", "helo"]),
    // RFC 5321 sections 3.3 and 4.1.4.
    Rule::new(&[503], "MAIL must be accepted before RCPT")
        .verbs(&["RCPT"])
        .text(&["need mail", "sender not yet given"]),
    Rule::new(&[503, 554], "no recipient was accepted: at least one RCPT must succeed before DATA")
        .verbs(&["DATA", "BDAT"])
        .text(&["need rcpt", "valid rcpt", "no valid recipients"]),
    // RFC 5321 sections 4.1.1.2, 4.1.1.3 and 4.1.2: a path has angle brackets.
    Rule::new(&[500, 501, 553, 555], "put the address in angle brackets: `MAIL FROM:<a@b>`")
        .verbs(&["MAIL"])
        .bare_path(),
    Rule::new(&[500, 501, 553, 555], "put the address in angle brackets: `RCPT TO:<a@b>`").verbs(&["RCPT"]).bare_path(),
    // RFC 4954 section 4: 504 for a mechanism the server does not have.
    Rule::new(&[504], "the server does not offer this mechanism: see the AUTH line of its EHLO reply").verbs(&["AUTH"]),
    Rule::new(&[500, 502], "the server has no AUTH here: many offer it only after STARTTLS, or on port 587 or 465")
        .verbs(&["AUTH"]),
    // RFC 4954 section 4: a line that is not base64 is answered 501.
    Rule::new(&[501, 535], "each line of an authentication exchange is base64: `<<value | b64encode>>`")
        .text(&["base64", "base 64"]),
    // RFC 3207 section 4.
    Rule::new(&[454], "the server cannot start TLS at the moment; its certificate or key may be at fault")
        .verbs(&["STARTTLS"]),
    Rule::new(
        &[500, 502, 503],
        "the server offers no STARTTLS here, or TLS is already on; port 465 speaks TLS from the start",
    )
    .verbs(&["STARTTLS"]),
    // RFC 5321 section 4.1.4: a client falls back to HELO.
    Rule::new(&[500, 502], "the server does not know EHLO: send HELO instead").verbs(&["EHLO"]),
    // RFC 5321 sections 3.1 and 3.8.
    Rule::new(
        &[421],
        "the server takes no session now: often too many connections, or a blocked address; try again later",
    )
    .verbs(&[""]),
    Rule::new(
        &[521, 554],
        "the server takes no mail from this client: often a blocked address, or no mail service there",
    )
    .verbs(&[""]),
    Rule::new(&[421], "the server waited too long for a command and closed the session").text(&[
        "timeout",
        "time-out",
        "timed out",
    ]),
    // RFC 6647 section 2: grey-listing.
    Rule::new(&[450, 451], "grey-listing answers so at first: try again after some minutes, as `retry` does")
        .verbs(&["RCPT"]),
    Rule::new(&[450, 451, 452], "too many recipients at once: send the rest in another transaction")
        .enhanced(&[(5, 3)])
        .verbs(&["RCPT"]),
    // RFC 1870 section 6.
    Rule::new(&[552], "the message is too big for the server: its EHLO reply tells the limit after SIZE")
        .enhanced(&[(3, 4), (2, 3)]),
    Rule::new(&[552], "the message is too big for the server: its EHLO reply tells the limit after SIZE").text(&[
        "size",
        "too large",
        "too big",
    ]),
    // RFC 5321 section 3.6.2 and 7.9: relaying only for those who may.
    Rule::new(
        &[550, 551, 553, 554],
        "the server does not relay for strangers: authenticate first, or use a recipient in its own domains",
    )
    .verbs(&["RCPT"])
    .text(&["relay"]),
    // Postfix: "SMTP Smuggling" and smtpd_forbid_bare_newline in postconf(5).
    Rule::new(
        &[500, 501, 521, 550, 554],
        "the server refuses a bare LF: end every line with CRLF (`line_endings: crlf`)",
    )
    .text(&["bare <lf>", "bare lf", "bare newline", "bare line feed"]),
    // Postfix: reject_unauth_pipelining in postconf(5); Exim: smtp_enforce_sync.
    Rule::new(&[503, 550, 554], "the server wants each reply awaited before the next command, the greeting too")
        .text(&["synchronization error", "improper use of smtp command pipelining", "protocol synchronization"]),
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
    fn general(command: &str, reply: &str) -> &'static str {
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
        assert_eq!(general("AUTH PLAIN", "530 5.7.0 Must issue a STARTTLS command first"), starttls);
        assert_eq!(general("MAIL FROM:<a@b>", "530 Must issue a STARTTLS command first"), starttls);
        let auth = "the server wants authentication first: `auth` before MAIL";
        assert_eq!(general("mail FROM:<a@b>", "530 5.7.0 Authentication required"), auth);
        assert!(general("AUTH PLAIN", "538 5.7.11 Encryption required").contains("encrypted"));
        assert!(general("AUTH PLAIN", "503 5.5.1 AUTH not available").contains("after STARTTLS send EHLO again"));
        assert!(general("MAIL FROM:<a@b>", "503 5.5.1 Error: send HELO/EHLO first").contains("EHLO first"));
        assert!(general("AUTH NTLM", "504 5.5.4 Unrecognized authentication type").contains("mechanism"));
        assert!(general("x", "501 5.5.2 Cannot decode base64").contains("b64encode"));
        assert!(general("STARTTLS", "454 4.7.0 TLS not available").contains("TLS"));
        assert!(general("STARTTLS", "502 5.5.1 no").contains("465"));
    }

    #[test]
    fn paths_have_angle_brackets() {
        let brackets = "put the address in angle brackets: `MAIL FROM:<a@b>`";
        for reply in
            ["501 5.5.4 Syntax: MAIL FROM:<address>", "553 5.5.4 Domain name required", "555 5.5.2 Syntax error"]
        {
            assert_eq!(general("MAIL FROM: a@b", reply), brackets);
            assert!(advice("mx.example", "", "MAIL FROM:<a@b>", reply).is_empty());
            assert!(advice("mx.example", "", "MAIL", reply).is_empty());
        }
        assert!(general("rcpt to:a@b", "501 no").ends_with("`RCPT TO:<a@b>`"));
    }

    #[test]
    fn refused_sessions_and_recipients() {
        assert!(general("", "421 4.7.0 too many connections").contains("too many connections"));
        assert!(general("", "554 no service").contains("blocked"));
        assert!(general("EHLO x", "502 unimplemented").contains("HELO"));
        assert!(general("RCPT TO:<a@b>", "450 4.2.0 Greylisted").contains("`retry`"));
        assert!(general("RCPT TO:<a@b>", "554 5.7.1 <a@b>: Relay access denied").contains("authenticate first"));
        assert!(general("RCPT TO:<a@b>", "550 relaying denied").contains("authenticate first"));
        assert!(general("DATA", "554 5.5.1 Error: no valid recipients").contains("RCPT"));
        assert!(advice("mx.example", "", "RCPT TO:<a@b>", "550 5.1.1 no such user").is_empty());
        assert!(advice("mx.example", "", "MAIL FROM:<a@b>", "421 closing").is_empty());
    }

    #[test]
    fn mail_data_that_is_refused() {
        let size = "the message is too big for the server: its EHLO reply tells the limit after SIZE";
        assert_eq!(general("MAIL FROM:<a@b> SIZE=9", "552 5.3.4 too much"), size);
        assert_eq!(general("DATA", "552 Message size exceeds fixed maximum"), size);
        assert!(advice("mx.example", "", "RCPT TO:<a@b>", "552 5.2.2 mailbox full").is_empty());
        assert!(general("DATA", "550 5.5.2 Error: bare <LF> received").contains("CRLF"));
    }

    #[test]
    fn success_needs_no_help() {
        for reply in ["250 2.1.0 Ok", "235 2.7.0 ok", "354 go ahead", "220 relay starttls size", "334 "] {
            assert!(advice("smtp.sendgrid.net", "SG ESMTP", "MAIL FROM: a", reply).is_empty());
        }
    }

    #[test]
    fn rules_are_for_refusals_and_read_as_lines() {
        let rules = PROVIDERS.iter().flat_map(|it| it.rules).chain(GENERAL_RULES);
        for rule in rules {
            assert!(!rule.codes.is_empty() && rule.codes.iter().all(|code| (400..600).contains(code)));
            assert!(
                !rule.help.ends_with('.') && !rule.help.contains('\n') && !rule.help.contains("  "),
                "{}",
                rule.help
            );
            assert!(rule.text.iter().chain(rule.verbs).all(|it| it.trim() == *it), "{}", rule.help);
        }
        let parts = PROVIDERS.iter().flat_map(|it| it.domains.iter().chain(it.greetings));
        assert!(parts.clone().count() > 0 && parts.clone().all(|it| !it.is_empty()));
        let known = |it: &Provider| !it.domains.is_empty() || !it.greetings.is_empty();
        assert!(PROVIDERS.iter().all(known));
    }
}
