//! Mailgun.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const SETUP: ProviderPage = ProviderPage {
    title: "Sending via SMTP",
    url: "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
};
const CREDENTIALS: ProviderPage = ProviderPage {
    title: "Where can I find my API keys and SMTP credentials?",
    url: "https://help.mailgun.com/hc/en-us/articles/203380100-Where-can-I-find-my-API-keys-and-SMTP-credentials",
};
const VERIFY: ProviderPage = ProviderPage {
    title: "Domain Verification",
    url: "https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains-verify",
};
const SANDBOX: ProviderPage = ProviderPage {
    title: "Domains",
    url: "https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains",
};

pub(super) static MAILGUN: Provider = Provider {
    id: "mailgun",
    name: "Mailgun",
    domains: &["mailgun.org"],
    greetings: &[],
    markers: &["mailgun"],
    links: &["mailgun.com", "mailgun.org"],
    submission: Some(Submission {
        host: "smtp.mailgun.org",
        starttls: &[587, 25, 2525],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole `name@domain` of the domain's SMTP credentials"),
            password: "the password of the SMTP credentials, not an API key",
            mechanism: None,
        },
        source: SETUP,
    }),
    statements: &[
        Statement::on(&[535], CREDENTIALS).help(
            "Mailgun's user name is the whole `name@domain` of the domain's SMTP credentials; the password is theirs, \
             not the API key",
        ),
        Statement::on(&[535], SETUP).help("domains in Mailgun's EU region send through `smtp.eu.mailgun.org`"),
        Statement::on_class(&[5], SETUP)
            .text(&["cannot parse to address", "cannot parse from address"])
            .means("an address does not pass the syntax checks of RFC 5321, RFC 5322 and RFC 6854"),
        Statement::on_class(&[4, 5], VERIFY)
            .text(&["domain & unverified", "domain & not allowed to send"])
            .help("verify the sending domain: publish the TXT records that Mailgun shows for it in DNS, and let it check them")
            .example("550 5.7.1 Domain mg.example.org is not allowed to send: The domain is unverified and requires DNS configuration."),
        Statement::on_class(&[4, 5], SANDBOX)
            .text(&["sandbox subdomain", "sandbox domain", "authorized recipients"])
            .help("a sandbox domain sends to its authorised recipients only: add the recipient there, or send from a domain of your own")
            .example("550 5.7.1 Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients in Account Settings."),
    ],
    ..NOBODY
};
