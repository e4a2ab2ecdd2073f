//! Yahoo Mail and AOL.

use super::{Credentials, Provider, Source, Statement, Submission, UserName};

const ERRORS: Source = Source { title: "SMTP Error Codes", url: "https://senders.yahooinc.com/smtp-error-codes/" };
const APP_PASSWORDS: Source =
    Source { title: "Generate and manage third-party app passwords", url: "https://help.yahoo.com/kb/SLN15241.html" };
const SETTINGS: Source =
    Source { title: "POP, IMAP, and SMTP settings for Yahoo Mail", url: "https://help.yahoo.com/kb/SLN4724.html" };

pub(super) const YAHOO: Provider = Provider {
    id: "yahoo",
    name: "Yahoo and AOL",
    domains: &["mail.yahoo.com", "smtp.aol.com", "yahoodns.net"],
    greetings: &[],
    markers: &["yahoo", "[tss", "(#auth"],
    submission: Some(Submission {
        host: "smtp.mail.yahoo.com",
        starttls: &[587],
        implicit: &[465],
        credentials: Credentials {
            user: UserName::Told("the whole address of the account"),
            password: "an app password, not that of the account",
        },
        source: SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], APP_PASSWORDS)
            .help("Yahoo and AOL want an app password, made in the account's security settings"),
        Statement::on(&[421, 451], ERRORS)
            .text(&["[ts", "temporarily deferred"])
            .means("deferred: complaints of users, unusual traffic, a poor reputation of the client's address, or suspicious content"),
        Statement::on(&[451], ERRORS)
            .text(&["resources temporarily unavailable"])
            .means("Yahoo's servers were busy at the time of the connection"),
        Statement::on(&[421, 451], ERRORS)
            .means("a temporary fault: unusual traffic, suspicious content, complaints, busy servers, or DNS that did not answer")
            .help("try again later"),
        Statement::on(&[451, 554], ERRORS)
            .text(&["unresolvable"])
            .means("the domain in MAIL or From: does not exist: Yahoo asks for its SOA record"),
        Statement::on(&[553, 554], ERRORS)
            .means("refused for good: an address that does not exist, failed DMARC or DKIM, content against the policy, or a client listed by Spamhaus"),
        Statement::on(&[550, 554], ERRORS)
            .text(&["policy reasons"])
            .means("against the policy: a sender's domain with a null MX, headers that are too big or cannot be decoded, a date out of range, or forbidden characters in an address"),
        Statement::on(&[554], ERRORS)
            .text(&["doesn't have a yahoo.com account", "not a yahoo"])
            .means("the recipient does not exist")
            .help("take the address off the list"),
        Statement::on(&[554], ERRORS)
            .text(&["[ph"])
            .means("the content is not accepted: malware, phishing, or links to them"),
    ],
};
