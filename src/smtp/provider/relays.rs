//! Services that relay mail: Brevo, Elastic Email, Mailjet, Mailtrap, Mandrill, Resend, SMTP2GO and `SparkPost`.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const BREVO_SETUP: ProviderPage =
    ProviderPage { title: "SMTP relay integration", url: "https://developers.brevo.com/docs/smtp-integration" };
const MAILJET_SETUP: ProviderPage =
    ProviderPage { title: "SMTP relay: configuration", url: "https://dev.mailjet.com/smtp-relay/configuration/" };
const MAILTRAP_SETUP: ProviderPage =
    ProviderPage { title: "SMTP Integration", url: "https://docs.mailtrap.io/email-api-smtp/setup/smtp-integration" };
const MANDRILL_SETUP: ProviderPage = ProviderPage {
    title: "SMTP Integration",
    url: "https://mailchimp.com/developer/transactional/docs/smtp-integration/",
};
const RESEND_SETUP: ProviderPage =
    ProviderPage { title: "Send emails with SMTP", url: "https://resend.com/docs/send-with-smtp" };
const ELASTIC_SETUP: ProviderPage =
    ProviderPage { title: "SMTP Settings", url: "https://help.elasticemail.com/en/articles/4803409-smtp-settings" };
const SMTP2GO_SETUP: ProviderPage =
    ProviderPage { title: "SMTP Relay", url: "https://developers.smtp2go.com/docs/smtp-relay" };
const SPARKPOST_SETUP: ProviderPage =
    ProviderPage { title: "SMTP API", url: "https://developers.sparkpost.com/api/smtp/" };

pub(super) static BREVO: Provider = Provider {
    id: "brevo",
    name: "Brevo",
    domains: &["smtp-relay.brevo.com", "smtp-relay.sendinblue.com"],
    greetings: &[],
    markers: &["brevo", "sendinblue"],
    links: &["brevo.com", "sendinblue.com"],
    submission: Some(Submission {
        host: "smtp-relay.brevo.com",
        starttls: &[587, 2525],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the login shown under SMTP & API"),
            password: "an SMTP key, not an API key",
            mechanism: None,
        },
        source: BREVO_SETUP,
    }),
    statements: &[
        Statement::on(&[535], BREVO_SETUP)
            .help("Brevo's password is an SMTP key, not an API key and not that of the account"),
        Statement::on_class(&[4, 5], BREVO_SETUP)
            .text(&["not yet activated", "account is not active", "not activated", "suspended"])
            .means("the account is not activated for SMTP yet, or is suspended")
            .help("write to contact@brevo.com, who activate it")
            .example("502 5.7.0 Your SMTP account is not yet activated. Please contact us at contact@sendinblue.com to request activation"),
        Statement::on_class(&[5], BREVO_SETUP)
            .text(&["unauthorized ip", "sender", "not valid"])
            .means("the sender is no verified sender or domain of the account, or the client's address is not authorized")
            .help("verify the sender or its domain; authorized addresses are in the account's security settings")
            .example("525 5.7.1 Unauthorized IP address brevo"),
    ],
    ..NOBODY
};

pub(super) static MAILJET: Provider = Provider {
    id: "mailjet",
    name: "Mailjet",
    domains: &["mailjet.com"],
    greetings: &[],
    markers: &["mailjet"],
    links: &["mailjet.com"],
    submission: Some(Submission {
        host: "in-v3.mailjet.com",
        starttls: &[587, 25, 2525],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the API key"),
            password: "the secret key",
            mechanism: None,
        },
        source: MAILJET_SETUP,
    }),
    statements: &[
        Statement::on(&[535], MAILJET_SETUP)
            .help("Mailjet's user name is the API key, and the password is its secret key"),
        Statement::on_class(&[5], MAILJET_SETUP)
            .text(&["sender", "not been validated", "not validated", "not authorized"])
            .means("the sender is no validated address or domain of the account")
            .help("validate the sender or its domain in the account")
            .example("550 \"a@example.com\" is not an authorized sender: it has not been validated (mailjet)"),
    ],
    ..NOBODY
};

pub(super) static MAILTRAP: Provider = Provider {
    id: "mailtrap",
    name: "Mailtrap",
    domains: &["live.smtp.mailtrap.io"],
    greetings: &[],
    markers: &["mailtrap"],
    submission: Some(Submission {
        host: "live.smtp.mailtrap.io",
        starttls: &[587, 2525],
        implicit: &[],
        credentials: ProviderCredentials { user: UserName::Literal("api"), password: "the API token", mechanism: None },
        source: MAILTRAP_SETUP,
    }),
    statements: &[Statement::on(&[535], MAILTRAP_SETUP)
        .help("Mailtrap's user name is the literal word `api`; the password is the API token")],
    ..NOBODY
};

pub(super) static MANDRILL: Provider = Provider {
    id: "mandrill",
    name: "Mandrill (Mailchimp Transactional)",
    domains: &["mandrillapp.com"],
    greetings: &[],
    markers: &["mandrill"],
    submission: Some(Submission {
        host: "smtp.mandrillapp.com",
        starttls: &[587, 25, 2525],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("any; the main address of the account is usual"),
            password: "an API key",
            mechanism: None,
        },
        source: MANDRILL_SETUP,
    }),
    statements: &[
        Statement::on(&[535], MANDRILL_SETUP).help("Mandrill's password is an API key; any user name will do")
    ],
    ..NOBODY
};

pub(super) static RESEND: Provider = Provider {
    id: "resend",
    name: "Resend",
    domains: &["smtp.resend.com"],
    greetings: &[],
    markers: &[],
    links: &["resend.com"],
    submission: Some(Submission {
        host: "smtp.resend.com",
        starttls: &[587, 25, 2587],
        implicit: &[465, 2465],
        credentials: ProviderCredentials { user: UserName::Literal("resend"), password: "an API key", mechanism: None },
        source: RESEND_SETUP,
    }),
    statements: &[Statement::on(&[535], RESEND_SETUP)
        .help("Resend's user name is the literal word `resend`; the password is an API key")],
    ..NOBODY
};

pub(super) static SPARKPOST: Provider = Provider {
    id: "sparkpost",
    name: "SparkPost",
    domains: &["sparkpostmail.com"],
    greetings: &[],
    markers: &["sparkpost"],
    links: &["sparkpost.com"],
    submission: Some(Submission {
        host: "smtp.sparkpostmail.com",
        starttls: &[587, 2525],
        implicit: &[],
        credentials: ProviderCredentials {
            user: UserName::Literal("SMTP_Injection"),
            password: "an API key with the permission `Send via SMTP`",
            mechanism: None,
        },
        source: SPARKPOST_SETUP,
    }),
    statements: &[
        Statement::on(&[535], SPARKPOST_SETUP)
            .help("SparkPost's user name is the literal word `SMTP_Injection`; the password is an API key"),
        Statement::on_class(&[5], SPARKPOST_SETUP)
            .text(&["unconfigured sending domain", "sending domain"])
            .means("the domain in From: is no verified sending domain of the account")
            .help("verify the sending domain in SparkPost")
            .example("550 5.7.1 Unconfigured Sending Domain <example.com> sparkpost"),
        Statement::on_class(&[4, 5], SPARKPOST_SETUP)
            .text(&["exceed sending limit", "exceeded", "limit"])
            .means("the account has reached a limit of its plan")
            .help("wait, or change the plan")
            .example("420 4.3.1 Exceed sending limit (daily) sparkpost"),
    ],
    ..NOBODY
};

pub(super) static ELASTIC_EMAIL: Provider = Provider {
    id: "elastic-email",
    name: "Elastic Email",
    domains: &["elasticemail.com", "elasticemail.net"],
    markers: &["elasticemail", "elastic email"],
    links: &["elasticemail.com"],
    submission: Some(Submission {
        host: "smtp.elasticemail.com",
        starttls: &[587, 2525, 25],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the user name of the SMTP credentials, mostly the address of the account"),
            password: "the password of the SMTP credentials, which Elastic Email makes",
            mechanism: None,
        },
        source: ELASTIC_SETUP,
    }),
    statements: &[Statement::on(&[535], ELASTIC_SETUP).help(
        "Elastic Email wants SMTP credentials, which are made in the settings; the password of the account is none",
    )],
    ..NOBODY
};

pub(super) static SMTP2GO: Provider = Provider {
    id: "smtp2go",
    name: "SMTP2GO",
    domains: &["smtp2go.com"],
    markers: &["smtp2go"],
    links: &["smtp2go.com"],
    submission: Some(Submission {
        host: "mail.smtp2go.com",
        starttls: &[587, 2525, 8025, 25, 80],
        implicit: &[465, 8465, 443],
        credentials: ProviderCredentials {
            user: UserName::Told("the name of an SMTP user, made under Sending"),
            password: "the password of the SMTP user, not that of the account",
            mechanism: None,
        },
        source: SMTP2GO_SETUP,
    }),
    statements: &[Statement::on(&[535], SMTP2GO_SETUP)
        .help("SMTP2GO wants an SMTP user and its password, made under Sending; the password of the account is none")],
    ..NOBODY
};
