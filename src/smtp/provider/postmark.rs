//! Postmark.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const ERRORS: ProviderPage = ProviderPage {
    title: "Common SMTP Connection Errors",
    url: "https://postmarkapp.com/support/article/common-smtp-connection-errors",
};
const SETUP: ProviderPage = ProviderPage {
    title: "Sending email with SMTP",
    url: "https://postmarkapp.com/developer/user-guide/send-email-with-smtp",
};

pub(super) static POSTMARK: Provider = Provider {
    id: "postmark",
    name: "Postmark",
    domains: &["postmarkapp.com"],
    greetings: &[],
    markers: &["postmark|"],
    links: &["postmarkapp.com"],
    submission: Some(Submission {
        host: "smtp.postmarkapp.com",
        starttls: &[587, 25, 2525],
        implicit: &[],
        credentials: ProviderCredentials {
            user: UserName::SameAsPassword,
            password: "the server's API token",
            mechanism: None,
        },
        source: SETUP,
    }),
    statements: &[
        Statement::on(&[535], SETUP).help("Postmark takes the server's API token as user name and as password alike"),
        Statement::on(&[535], ERRORS)
            .means("the token is not accepted: it must be the API token of the server, not that of the account"),
    ],
    ..NOBODY
};
