//! Amazon Simple Email Service.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const ERRORS: ProviderPage = ProviderPage {
    title: "Amazon SES SMTP issues",
    url: "https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html",
};
const CREDENTIALS: ProviderPage = ProviderPage {
    title: "Obtaining Amazon SES SMTP credentials",
    url: "https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html",
};
const ENDPOINT: ProviderPage = ProviderPage {
    title: "Connecting to an Amazon SES SMTP endpoint",
    url: "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html",
};

pub(super) static AMAZON_SES: Provider = Provider {
    id: "amazon-ses",
    name: "Amazon SES",
    // Not amazonaws.com: whoever rents a machine there is within amazonaws.com too.
    domains: &["amazonses.com", "email-smtp.us-east-1.amazonaws.com", "email-smtp.us-east-2.amazonaws.com", "email-smtp.us-west-1.amazonaws.com", "email-smtp.us-west-2.amazonaws.com", "email-smtp.ca-central-1.amazonaws.com", "email-smtp.sa-east-1.amazonaws.com", "email-smtp.eu-west-1.amazonaws.com", "email-smtp.eu-west-2.amazonaws.com", "email-smtp.eu-west-3.amazonaws.com", "email-smtp.eu-central-1.amazonaws.com", "email-smtp.eu-central-2.amazonaws.com", "email-smtp.eu-north-1.amazonaws.com", "email-smtp.eu-south-1.amazonaws.com", "email-smtp.af-south-1.amazonaws.com", "email-smtp.il-central-1.amazonaws.com", "email-smtp.me-south-1.amazonaws.com", "email-smtp.ap-south-1.amazonaws.com", "email-smtp.ap-south-2.amazonaws.com", "email-smtp.ap-southeast-1.amazonaws.com", "email-smtp.ap-southeast-2.amazonaws.com", "email-smtp.ap-southeast-3.amazonaws.com", "email-smtp.ap-northeast-1.amazonaws.com", "email-smtp.ap-northeast-2.amazonaws.com", "email-smtp.ap-northeast-3.amazonaws.com", "email-smtp.us-gov-east-1.amazonaws.com", "email-smtp.us-gov-west-1.amazonaws.com"],
    greetings: &["simpleemailservice"],
    markers: &["ses:send", "to ses", "amazonses", "the following identities failed the check in region", "throttling failure: maximum sending rate",
        "throttling failure: daily message quota", "throttling failure: daily sending quota"],
    submission: Some(Submission {
        host: "email-smtp.us-east-1.amazonaws.com",
        starttls: &[587, 25, 2587],
        implicit: &[465, 2465],
        credentials: ProviderCredentials {
            user: UserName::Told("the user name of the SMTP credentials, which are made for one region"),
            password: "the password of the SMTP credentials, which is not the secret of an access key", mechanism: None,
        },
        source: ENDPOINT,
    }),
    statements: &[
        Statement::on(&[535], CREDENTIALS).help(
            "Amazon SES wants SMTP credentials made for this region: an IAM access key's secret is not the password",
        ),
        Statement::on(&[535], ERRORS)
            .text(&["not subscribed"])
            .means("the AWS account of the credentials is not signed up for Amazon SES"),
        Statement::on(&[530], ERRORS)
            .text(&["authentication required"])
            .means("the client did not authenticate"),
        Statement::on(&[554], ERRORS)
            .text(&["not verified"])
            .means("an address of the message belongs to no verified identity of this region")
            .help(
                "verify this address or its domain in Amazon SES, in this region; in the sandbox the recipient's as well",
            ),
        Statement::on(&[554], ERRORS)
            .text(&["not authorized to perform"])
            .means("a policy of IAM, or a sending authorization policy, forbids these credentials to send as this identity"),
        Statement::on(&[454], ERRORS)
            .text(&["throttling failure"])
            .means("more messages in a second, or in 24 hours, than the account may send")
            .help("the Amazon SES account's sending rate or daily quota is reached"),
        Statement::on(&[454], ERRORS)
            .text(&["temporary authentication failure"])
            .means("Amazon SES could not check the credentials for the moment"),
        Statement::on(&[451, 454], ERRORS)
            .text(&["temporary service failure"])
            .means("Amazon SES could not take the request; the message was not sent")
            .help("try again, after longer and longer waits"),
        Statement::on(&[451], ERRORS)
            .text(&["timeout waiting for data"])
            .means("the client waited too long between two commands"),
        Statement::on(&[421], ERRORS)
            .text(&["too many concurrent"])
            .means("too many connections are open at once"),
        Statement::on(&[552], ERRORS).text(&["too long"]).means("the message is larger than Amazon SES takes"),
    ],
    ..NOBODY
};
