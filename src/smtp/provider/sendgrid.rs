//! `SendGrid`, of Twilio.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const SETUP: ProviderPage = ProviderPage {
    title: "Integrating with the SMTP API",
    url: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
};
const ERRORS: ProviderPage = ProviderPage {
    title: "SMTP Errors and Troubleshooting",
    url: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/smtp-errors-and-troubleshooting",
};
const KEYS: ProviderPage = ProviderPage {
    title: "4XX API Errors and Troubleshooting Suggestions",
    url: "https://support.sendgrid.com/hc/en-us/articles/18322114821403-4XX-API-Errors-and-Troubleshooting-Suggestions",
};

pub(super) static SENDGRID: Provider = Provider {
    id: "sendgrid",
    name: "SendGrid",
    domains: &["sendgrid.net"],
    greetings: &["sg esmtp"],
    markers: &["sendgrid", "verified sender identity"],
    links: &["sendgrid.com", "sendgrid.net"],
    submission: Some(Submission {
        host: "smtp.sendgrid.net",
        starttls: &[587, 25, 2525],
        implicit: &[465],
        credentials: ProviderCredentials { user: UserName::Literal("apikey"), password: "an API key with the permission to send mail", mechanism: None },
        source: SETUP,
    }),
    statements: &[
        Statement::on(&[535], SETUP)
            .help("SendGrid's user name is the literal word `apikey`; the password is the API key"),
        Statement::on(&[535], KEYS)
            .text(&["authorization grant is invalid"])
            .means("the API key itself is refused")
            .help("SendGrid refuses the API key itself: it is wrong, or was deleted; create another one"),
        Statement::on(&[550], ERRORS)
            .text(&["sender identity"])
            .means("the sender is no verified sender identity")
            .help("SendGrid accepts only senders that are a verified sender identity of the account"),
        Statement::on(&[451], ERRORS)
            .text(&["maximum credits exceeded"])
            .means("the account has no sending credits left")
            .help("the SendGrid account has used up its sending credits"),
        Statement::on(&[421], ERRORS)
            .means("the recipient's server defers the message, often for too many messages or connections in a short time; SendGrid tries for 72 hours"),
        Statement::on(&[450], ERRORS)
            .text(&["too frequent connects"])
            .means("the recipient's server defers the message because of the volume; SendGrid tries for 72 hours"),
        Statement::on(&[451], ERRORS)
            .text(&["temporary local problem"])
            .means("a fault of the recipient's server; SendGrid tries for 72 hours"),
        Statement::on(&[452], ERRORS)
            .text(&["too many recipients"])
            .means("the recipient's server throttles the mail of this hour; SendGrid tries for 72 hours"),
        Statement::on(&[550], ERRORS)
            .text(&["mailbox unavailable"])
            .means("the recipient's mailbox was not found, or the recipient's policy refuses the message")
            .help("take an address that stays unknown off the list"),
    ],
    ..NOBODY
};
