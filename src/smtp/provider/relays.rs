//! Services that relay mail, of whom little is known but how one logs in: Brevo, Mailjet, Mailtrap, Mandrill, Resend,
//! SparkPost.

use super::{Credentials, Provider, Source, Statement, Submission, UserName};

const BREVO_SETUP: Source =
    Source { title: "SMTP relay integration", url: "https://developers.brevo.com/docs/smtp-integration" };
const MAILJET_SETUP: Source =
    Source { title: "SMTP relay: configuration", url: "https://dev.mailjet.com/smtp-relay/configuration/" };
const MAILTRAP_SETUP: Source =
    Source { title: "SMTP Integration", url: "https://docs.mailtrap.io/email-api-smtp/setup/smtp-integration" };
const MANDRILL_SETUP: Source =
    Source { title: "SMTP Integration", url: "https://mailchimp.com/developer/transactional/docs/smtp-integration/" };
const RESEND_SETUP: Source = Source { title: "Send emails with SMTP", url: "https://resend.com/docs/send-with-smtp" };
const SPARKPOST_SETUP: Source = Source { title: "SMTP API", url: "https://developers.sparkpost.com/api/smtp/" };

pub(super) const BREVO: Provider = Provider {
    id: "brevo",
    name: "Brevo",
    domains: &["smtp-relay.brevo.com", "smtp-relay.sendinblue.com"],
    greetings: &[],
    markers: &["brevo", "sendinblue"],
    submission: Some(Submission {
        host: "smtp-relay.brevo.com",
        starttls: &[587, 2525],
        implicit: &[465],
        credentials: Credentials {
            user: UserName::Told("the login shown under SMTP & API"),
            password: "an SMTP key, not an API key",
        },
        source: BREVO_SETUP,
    }),
    statements: &[Statement::on(&[535], BREVO_SETUP)
        .help("Brevo's password is an SMTP key, not an API key and not that of the account")],
};

pub(super) const MAILJET: Provider = Provider {
    id: "mailjet",
    name: "Mailjet",
    domains: &["mailjet.com"],
    greetings: &[],
    markers: &["mailjet"],
    submission: Some(Submission {
        host: "in-v3.mailjet.com",
        starttls: &[587, 25, 2525],
        implicit: &[465],
        credentials: Credentials { user: UserName::Told("the API key"), password: "the secret key" },
        source: MAILJET_SETUP,
    }),
    statements: &[Statement::on(&[535], MAILJET_SETUP)
        .help("Mailjet's user name is the API key, and the password is its secret key")],
};

pub(super) const MAILTRAP: Provider = Provider {
    id: "mailtrap",
    name: "Mailtrap",
    domains: &["live.smtp.mailtrap.io"],
    greetings: &[],
    markers: &["mailtrap"],
    submission: Some(Submission {
        host: "live.smtp.mailtrap.io",
        starttls: &[587, 2525],
        implicit: &[],
        credentials: Credentials { user: UserName::Literal("api"), password: "the API token" },
        source: MAILTRAP_SETUP,
    }),
    statements: &[Statement::on(&[535], MAILTRAP_SETUP)
        .help("Mailtrap's user name is the literal word `api`; the password is the API token")],
};

pub(super) const MANDRILL: Provider = Provider {
    id: "mandrill",
    name: "Mandrill (Mailchimp Transactional)",
    domains: &["mandrillapp.com"],
    greetings: &[],
    markers: &["mandrill"],
    submission: Some(Submission {
        host: "smtp.mandrillapp.com",
        starttls: &[587, 25, 2525],
        implicit: &[465],
        credentials: Credentials {
            user: UserName::Told("any; the main address of the account is usual"),
            password: "an API key",
        },
        source: MANDRILL_SETUP,
    }),
    statements: &[
        Statement::on(&[535], MANDRILL_SETUP).help("Mandrill's password is an API key; any user name will do")
    ],
};

pub(super) const RESEND: Provider = Provider {
    id: "resend",
    name: "Resend",
    domains: &["smtp.resend.com"],
    greetings: &[],
    markers: &["resend.com"],
    submission: Some(Submission {
        host: "smtp.resend.com",
        starttls: &[587, 25, 2587],
        implicit: &[465, 2465],
        credentials: Credentials { user: UserName::Literal("resend"), password: "an API key" },
        source: RESEND_SETUP,
    }),
    statements: &[Statement::on(&[535], RESEND_SETUP)
        .help("Resend's user name is the literal word `resend`; the password is an API key")],
};

pub(super) const SPARKPOST: Provider = Provider {
    id: "sparkpost",
    name: "SparkPost",
    domains: &["sparkpostmail.com"],
    greetings: &[],
    markers: &["sparkpost"],
    submission: Some(Submission {
        host: "smtp.sparkpostmail.com",
        starttls: &[587, 2525],
        implicit: &[],
        credentials: Credentials {
            user: UserName::Literal("SMTP_Injection"),
            password: "an API key with the permission `Send via SMTP`",
        },
        source: SPARKPOST_SETUP,
    }),
    statements: &[Statement::on(&[535], SPARKPOST_SETUP)
        .help("SparkPost's user name is the literal word `SMTP_Injection`; the password is an API key")],
};
