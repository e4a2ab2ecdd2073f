//! What is said about replies, and that the data hold to its form.

use super::*;
use crate::smtp::idiom::Idiom;

const APIKEY: &str = "SendGrid's user name is the literal word `apikey`; the password is the API key";

/// A reply line to a command, sent by a host with a greeting.
fn advice(host: &str, greeting: &str, command: &str, reply: &str) -> Vec<&'static str> {
    let text = &reply.as_bytes()[4..];
    let situation = Situation {
        host,
        greeting: greeting.as_bytes(),
        code: reply[..3].parse().ok(),
        enhanced: EnhancedStatusCode::at_start_of(text),
        text,
        command: Some(command),
        ..Situation::default()
    };
    advise(&situation, None).help(Idiom::Scenario, false)
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
    for (host, greeting) in [("notsendgrid.net", "ESMTP"), ("net", "")] {
        let general = advice(host, greeting, "AUTH", reply);
        assert!(general.len() == 1 && general[0].starts_with("the user name or the password is wrong"), "{general:?}");
    }
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
    for reply in ["501 5.5.4 Syntax: MAIL FROM:<address>", "553 5.5.4 Domain name required", "555 5.5.2 Syntax error"] {
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
    let size = "the message is too big for the server: its EHLO reply gives the limit after SIZE";
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
    for statement in all().iter().flat_map(|it| it.statements).chain(general::statements()) {
        match statement.codes {
            CodeSigns::Are(codes) => assert!(!codes.is_empty() && codes.iter().all(|code| (400..600).contains(code))),
            CodeSigns::Begin(digits) => assert!(!digits.is_empty() && digits.iter().all(|it| matches!(it, 4 | 5))),
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
    let of_statements = all().iter().flat_map(|it| it.statements).chain(general::statements()).map(|it| it.source);
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
    for (name, id) in [("SES", "amazon-ses"), ("google", "gmail"), ("Office365", "microsoft-365"), ("AOL", "yahoo")] {
        assert_eq!(find(name).map(|it| it.id), Some(id));
    }
    assert_eq!(find("nobody"), None);
}

#[test]
fn what_a_provider_means_is_told_with_its_name() {
    let situation = Situation {
        host: "aspmx.l.google.com",
        code: Some(550),
        enhanced: "5.7.26".parse().ok(),
        text: b"unauthenticated",
        command: Some("DATA"),
        ..Situation::default()
    };
    let found = advise(&situation, None);
    let meant: Vec<String> = found.meant().collect();
    assert!(meant.len() == 1 && meant[0].starts_with("Gmail: ") && meant[0].contains("DMARC"), "{meant:?}");
    assert!(!found.others);
    assert!(advise(&Situation { host: "mx.example", ..situation }, None).others);
}

/// The reply of an example: its codes, and its text.
fn example(statement: &Statement) -> Situation<'static> {
    let (code, text) = statement.example.split_at(3);
    let text = text[1..].trim_start().as_bytes();
    Situation { code: code.parse().ok(), enhanced: EnhancedStatusCode::at_start_of(text), text, ..Situation::default() }
}

#[test]
fn every_statement_by_words_fits_its_example() {
    for (provider, statement) in all().iter().flat_map(|it| it.statements.iter().map(move |statement| (*it, statement)))
    {
        if statement.example.is_empty() {
            continue;
        }
        let situation = example(statement);
        let said = advise(&situation, Some(provider));
        assert!(said.of_provider.contains(&statement), "{}: {}", provider.id, statement.example);
        let by_itself = advise(&situation, None).provider;
        assert!(
            by_itself.is_none_or(|it| it.id == provider.id),
            "{}: {}: {by_itself:?}",
            provider.id,
            statement.example
        );
    }
    for statement in general::statements().filter(|it| !it.example.is_empty()) {
        let situation = Situation { command: statement.verbs.first().copied(), ..example(statement) };
        let said = advise(&situation, None);
        let is_needless =
            situation.enhanced.is_some_and(|it| statement.needless_with.contains(&(it.subject, it.detail)));
        let by_provider = said.of_provider.iter().any(|it| !it.help.is_empty());
        let is_said = by_provider || said.general.iter().any(|it| it.help == statement.help);
        assert!(is_needless || is_said, "{}: {:?}", statement.example, said.general);
    }
}

#[test]
fn phrases_are_in_lower_case_and_those_of_new_statements_have_examples() {
    let phrases = all()
        .iter()
        .flat_map(|it| it.markers.iter().chain(it.greetings).chain(it.links).chain(it.domains).chain(it.mailboxes));
    let of_statements = all()
        .iter()
        .flat_map(|it| it.statements)
        .chain(general::statements())
        .flat_map(|it| it.text.iter().chain(it.unless));
    for phrase in phrases.chain(of_statements) {
        assert_eq!(*phrase, phrase.to_lowercase());
    }
    for statement in general::statements().filter(|it| !it.text.is_empty()) {
        assert!(!statement.example.is_empty(), "{statement:?}");
    }
}
