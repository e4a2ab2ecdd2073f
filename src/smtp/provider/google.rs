//! Gmail and Google Workspace.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const ERRORS: ProviderPage =
    ProviderPage { title: "Gmail SMTP errors and codes", url: "https://support.google.com/a/answer/3726730" };
const GUIDELINES: ProviderPage =
    ProviderPage { title: "Email sender guidelines FAQ", url: "https://support.google.com/a/answer/14229414" };
const SETUP: ProviderPage = ProviderPage {
    title: "Send email from a printer, scanner, or app",
    url: "https://support.google.com/a/answer/176600",
};
const APP_PASSWORDS: ProviderPage =
    ProviderPage { title: "Sign in with app passwords", url: "https://support.google.com/accounts/answer/185833" };

const AUTHENTICATION: &str = "Gmail wants the sender's domain to pass SPF or DKIM";

pub(super) static GOOGLE: Provider = Provider {
    id: "gmail",
    name: "Gmail",
    domains: &["gmail.com", "googlemail.com", "google.com"],
    mailboxes: &["gmail.com", "googlemail.com"],
    greetings: &["gsmtp"],
    markers: &["mail has been rate limited because", "gsmtp", "gcdp|"],
    links: &["support.google.com", "mail.google.com/support", "google.com/mail", "google.com/accounts"],
    submission: Some(Submission {
        host: "smtp.gmail.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account"),
            password: "an app password, not that of the account", mechanism: None,
        },
        source: SETUP,
    }),
    statements: &[
        Statement::on(&[535], APP_PASSWORDS)
            .enhanced(&[(7, 8)])
            .means("user name and password are not accepted")
            .help("Gmail does not take the account's password: use an app password, or XOAUTH2 with a token"),
        Statement::on(&[534], APP_PASSWORDS)
            .enhanced(&[(7, 9)])
            .means("an app password is required, or a sign-in in the browser")
            .help("Gmail wants an app password here (the account has 2-step verification), or XOAUTH2"),
        Statement::on(&[534], ERRORS)
            .enhanced(&[(7, 14)])
            .means("the account must sign in with a browser first")
            .help("Google wants a sign-in in the browser first: open the link in the reply"),
        Statement::on(&[504], ERRORS)
            .enhanced(&[(7, 4)])
            .means("the authentication mechanism is unknown, or is XOAUTH, which is no longer supported"),
        Statement::on(&[454], ERRORS)
            .enhanced(&[(7, 0)])
            .means("too many logins, or Gmail cannot check them for the moment"),
        Statement::on(&[530], ERRORS)
            .enhanced(&[(7, 0)])
            .means("authentication or STARTTLS must come first"),
        Statement::on(&[523], ERRORS)
            .enhanced(&[(7, 10)])
            .means("commands were sent right after STARTTLS, before its reply"),
        Statement::on(&[450], ERRORS)
            .enhanced(&[(2, 1)])
            .means("the recipient gets mail too fast, or the customer's SMTP relay limit is reached for the moment"),
        Statement::on(&[452], ERRORS).enhanced(&[(2, 2)]).means("the recipient's storage is full"),
        Statement::on(&[421, 451], ERRORS)
            .enhanced(&[(3, 0)])
            .means("refused for the moment; also for recipients of several domains in one transaction"),
        Statement::on(&[451], ERRORS).enhanced(&[(4, 2)]).means("time-out: Gmail closes the connection"),
        Statement::on(&[421], ERRORS).enhanced(&[(4, 5)]).means("the server is busy"),
        Statement::on(&[452], ERRORS)
            .enhanced(&[(5, 3)])
            .means("too many recipients, or more in one transaction than the domain's policy allows")
            .help("send to the others in another transaction"),
        Statement::on(&[421], ERRORS)
            .enhanced(&[(7, 0)])
            .means("the client's address or domain has a low reputation, lacks a PTR record, or does not use TLS where the recipient demands it"),
        Statement::on(&[451, 550], GUIDELINES)
            .enhanced(&[(7, 23), (7, 25)])
            .means("the client's address has no PTR record, or its name does not lead back to the address"),
        Statement::on(&[451, 550], ERRORS)
            .enhanced(&[(7, 24)])
            .means("the SPF record of the sender's domain has suspicious entries"),
        Statement::on(&[421, 451, 550], ERRORS)
            .enhanced(&[(7, 26)])
            .means("the message passes neither SPF nor DKIM, or fails the DMARC policy of the domain in From:")
            .help(AUTHENTICATION),
        Statement::on(&[421, 550], GUIDELINES)
            .enhanced(&[(7, 27)])
            .means("the message does not pass SPF, which Gmail demands of bulk senders")
            .help(AUTHENTICATION),
        Statement::on(&[421, 550], ERRORS)
            .enhanced(&[(7, 28)])
            .means("unusually much mail, or unsolicited mail, from this address, network or domain"),
        Statement::on(&[421, 550], GUIDELINES)
            .enhanced(&[(7, 29)])
            .means("the connection is not encrypted; Gmail demands TLS of bulk senders")
            .help("`starttls` before MAIL"),
        Statement::on(&[421, 550], GUIDELINES)
            .enhanced(&[(7, 30)])
            .means("the message does not pass DKIM, which Gmail demands of bulk senders")
            .help(AUTHENTICATION),
        Statement::on(&[421, 550], ERRORS)
            .enhanced(&[(7, 31), (7, 40)])
            .means("the sender's domain has no DMARC record, or one without a policy"),
        Statement::on(&[421, 550], GUIDELINES)
            .enhanced(&[(7, 32)])
            .means("the domain in From: is neither that of SPF nor that of DKIM"),
        Statement::on(&[550], ERRORS).enhanced(&[(1, 1)]).means("the recipient's account does not exist"),
        Statement::on(&[553], ERRORS).enhanced(&[(1, 2)]).means("the recipient's domain was not found"),
        Statement::on(&[553], ERRORS)
            .enhanced(&[(1, 3), (1, 7)])
            .means("the recipient's (5.1.3) or the sender's (5.1.7) address is not valid by RFC 5321"),
        Statement::on(&[550], ERRORS)
            .enhanced(&[(2, 1)])
            .means("the recipient's account is inactive, or gets mail too fast"),
        Statement::on(&[552], ERRORS)
            .enhanced(&[(2, 2)])
            .means("the recipient's storage is full, and the account is inactive"),
        Statement::on(&[552], ERRORS)
            .enhanced(&[(3, 4), (2, 3)])
            .means("the message, its headers, or the number of its attachments is over Gmail's limits"),
        Statement::on(&[550], ERRORS)
            .enhanced(&[(4, 5)])
            .means("the user's daily sending limit, or SMTP relay limit, is reached")
            .help("the Google account has reached its daily sending limit"),
        Statement::on(&[554], ERRORS).enhanced(&[(4, 6)]).means("more than 50 hops: the message may go in a loop"),
        Statement::on(&[550], ERRORS).enhanced(&[(5, 3)]).means("too many recipients for this sender"),
        Statement::on(&[501], ERRORS)
            .enhanced(&[(5, 4)])
            .means("the argument of EHLO or HELO is empty or not valid; Gmail closes the connection"),
        Statement::on(&[554], ERRORS).enhanced(&[(6, 0)]).means("the message is malformed"),
        Statement::on(&[552], ERRORS)
            .enhanced(&[(7, 0)])
            .means("the content, or the type of an attachment, is a possible security issue")
            .help("Gmail blocks the content or an attachment of this message as a security risk"),
        Statement::on(&[550], ERRORS)
            .enhanced(&[(7, 0)])
            .means("relaying is denied: neither the client's address nor the domain is registered in the SMTP relay settings of the account, or the account is suspended"),
        Statement::on(&[550], ERRORS).enhanced(&[(7, 1)]).means(
            "blocked: likely unsolicited, a bad reputation, a policy of the recipient's domain, or headers against RFC 5322 (From: missing or doubled, no Message-ID:)",
        ),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], ERRORS)
            .means("Gmail explains its codes on a page")
            .help("look the code up there, and open the link in the reply"),
    ),
    ..NOBODY
};
