//! Yahoo Mail and AOL.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const ERRORS: ProviderPage =
    ProviderPage { title: "SMTP Error Codes", url: "https://senders.yahooinc.com/smtp-error-codes/" };
const APP_PASSWORDS: ProviderPage = ProviderPage {
    title: "Generate and manage third-party app passwords",
    url: "https://help.yahoo.com/kb/SLN15241.html",
};
const SETTINGS: ProviderPage = ProviderPage {
    title: "POP, IMAP, and SMTP settings for Yahoo Mail",
    url: "https://help.yahoo.com/kb/SLN4724.html",
};

pub(super) static YAHOO: Provider = Provider {
    id: "yahoo",
    name: "Yahoo and AOL",
    domains: &["mail.yahoo.com", "smtp.aol.com", "yahoodns.net", "mx.aol.com"],
    mailboxes: &["yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "yahoo.es", "yahoo.it", "verizon.net", "aim.com"],
    links: &["postmaster.yahooinc.com", "senders.yahooinc.com", "help.yahoo.com", "postmaster.yahoo.com", "postmaster.aol.com", "postmaster.verizonmedia.com"],
    greetings: &[],
    markers: &["[#4.16", "message not allowed - ", "[tss", "[ts0", "[ts1", "[ts2", "[ts3", "[ts4", "(#auth", "[ph01]", "[bl21]", "[bl23]", "yahoo.com account", "delivery error: dd", "message not allowed - ["],
    submission: Some(Submission {
        host: "smtp.mail.yahoo.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account"),
            password: "an app password, not that of the account", mechanism: None,
        },
        source: SETTINGS,
    }),
    contact: Some(
        Statement::on_class(&[4, 5], ERRORS)
            .means("Yahoo explains its codes on a page")
            .help("look the code in brackets up there; the form for senders is linked from it"),
    ),
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
            .text(&["tss06", "tss07", "tss09", "tss11", "permanently deferred", "ts03", "bl21", "bl23", "blocked"])
            .means("TSS06 and its kin: the client's address is refused for good, for its reputation; trying again does not help")
            .help("find the cause (complaints, unknown recipients, a list of Spamhaus for BL21 and BL23), then ask by the form for senders on the page")
            .example("553 5.7.2 [TSS06] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed. See https://help.yahoo.com/kb/postmaster/SLN3436.html"),
        Statement::on(&[421, 450, 451], ERRORS)
            .text(&["too quickly", "too many", "exceeded"])
            .means("too much mail for this recipient, or from this address, in a short time")
            .help("send more slowly, and try again later")
            .example("450 User is receiving mail too quickly (yahoo.com account)"),
        Statement::on(&[550, 552, 554], ERRORS)
            .text(&["mailbox not found", "mailbox is disabled", "user doesn't have", "[-9]", "[-5]", "554.30", "no such user", "mailbox disabled"])
            .means("the recipient does not exist, or is switched off")
            .help("take the address off the list")
            .example("554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [-9] - mta1.yahoo.com"),
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
    ..NOBODY
};
