//! Providers of mailboxes of whom little is known but how one logs in: iCloud Mail, Fastmail, Outlook.com.

use super::{Credentials, Provider, Source, Statement, Submission, UserName};

const ICLOUD_SETTINGS: Source = Source {
    title: "iCloud Mail server settings for other email client apps",
    url: "https://support.apple.com/en-us/102525",
};
const FASTMAIL_SETTINGS: Source =
    Source { title: "Server names and ports", url: "https://www.fastmail.help/hc/en-us/articles/1500000278342" };
const OUTLOOK_SETTINGS: Source = Source {
    title: "POP, IMAP, and SMTP settings for Outlook.com",
    url: "https://support.microsoft.com/en-us/office/pop-imap-and-smtp-settings-8361e398-8af4-4e97-b147-6c6c4ac95353",
};

pub(super) const ICLOUD: Provider = Provider {
    id: "icloud",
    name: "iCloud Mail",
    domains: &["mail.me.com"],
    greetings: &[],
    markers: &["icloud"],
    submission: Some(Submission {
        host: "smtp.mail.me.com",
        starttls: &[587],
        implicit: &[],
        credentials: Credentials {
            user: UserName::Told("the whole iCloud Mail address"),
            password: "an app-specific password, not that of the Apple Account",
        },
        source: ICLOUD_SETTINGS,
    }),
    statements: &[Statement::on(&[535], ICLOUD_SETTINGS)
        .help("iCloud Mail wants an app-specific password, not that of the Apple Account")],
};

pub(super) const FASTMAIL: Provider = Provider {
    id: "fastmail",
    name: "Fastmail",
    domains: &["fastmail.com"],
    greetings: &[],
    markers: &["fastmail"],
    submission: Some(Submission {
        host: "smtp.fastmail.com",
        starttls: &[],
        implicit: &[465],
        credentials: Credentials {
            user: UserName::Told("the whole address of the account"),
            password: "an app password, not that of the account",
        },
        source: FASTMAIL_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], FASTMAIL_SETTINGS).help("Fastmail wants an app password, not that of the account")
    ],
};

pub(super) const OUTLOOK: Provider = Provider {
    id: "outlook",
    name: "Outlook.com",
    domains: &["smtp-mail.outlook.com"],
    greetings: &[],
    markers: &[],
    submission: Some(Submission {
        host: "smtp-mail.outlook.com",
        starttls: &[587],
        implicit: &[],
        credentials: Credentials {
            user: UserName::Told("the whole address of the account"),
            password: "a token for XOAUTH2: passwords are being phased out",
        },
        source: OUTLOOK_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], OUTLOOK_SETTINGS).help("Outlook.com wants XOAUTH2 with a token, not a password")
    ],
};
