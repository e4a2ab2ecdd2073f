//! What holds whoever the provider is: SMTP in general, and the words of servers that many run.

mod causes;

use super::{ProviderPage, Statement};

const STARTTLS: ProviderPage = rfc("RFC 3207 section 4", "https://www.rfc-editor.org/rfc/rfc3207.html#section-4");
const AFTER_STARTTLS: ProviderPage =
    rfc("RFC 3207 section 4.2", "https://www.rfc-editor.org/rfc/rfc3207.html#section-4.2");
const AUTH: ProviderPage = rfc("RFC 4954 section 4", "https://www.rfc-editor.org/rfc/rfc4954.html#section-4");
const AUTH_REPLIES: ProviderPage = rfc("RFC 4954 section 6", "https://www.rfc-editor.org/rfc/rfc4954.html#section-6");
const ENCRYPTION: ProviderPage = rfc("RFC 5248 section 2.4", "https://www.rfc-editor.org/rfc/rfc5248.html#section-2.4");
const TRANSACTION: ProviderPage =
    rfc("RFC 5321 section 3.3", "https://www.rfc-editor.org/rfc/rfc5321.html#section-3.3");
const PATHS: ProviderPage = rfc("RFC 5321 section 4.1.2", "https://www.rfc-editor.org/rfc/rfc5321.html#section-4.1.2");
const ORDER: ProviderPage = rfc("RFC 5321 section 4.1.4", "https://www.rfc-editor.org/rfc/rfc5321.html#section-4.1.4");
const SESSION: ProviderPage = rfc("RFC 5321 section 3.1", "https://www.rfc-editor.org/rfc/rfc5321.html#section-3.1");
const RELAYING: ProviderPage = rfc("RFC 5321 section 7.9", "https://www.rfc-editor.org/rfc/rfc5321.html#section-7.9");
const GREYLISTING: ProviderPage = rfc("RFC 6647 section 2", "https://www.rfc-editor.org/rfc/rfc6647.html#section-2");
const SIZE: ProviderPage = rfc("RFC 1870 section 6", "https://www.rfc-editor.org/rfc/rfc1870.html#section-6");
const BARE_LF: ProviderPage = rfc("Postfix: SMTP Smuggling", "https://www.postfix.org/smtp-smuggling.html");
const SYNCHRONISED: ProviderPage =
    rfc("Postfix: reject_unauth_pipelining", "https://www.postfix.org/postconf.5.html#reject_unauth_pipelining");
const SENDER_DOMAIN: ProviderPage = rfc(
    "Postfix: reject_unknown_sender_domain",
    "https://www.postfix.org/postconf.5.html#reject_unknown_sender_domain",
);
const HELO_NAME: ProviderPage = rfc(
    "Postfix: reject_non_fqdn_helo_hostname",
    "https://www.postfix.org/postconf.5.html#reject_non_fqdn_helo_hostname",
);
const BLOCK_LIST: ProviderPage =
    rfc("Postfix: reject_rbl_client", "https://www.postfix.org/postconf.5.html#reject_rbl_client");
const SENDER_LOGIN: ProviderPage = rfc(
    "Postfix: reject_sender_login_mismatch",
    "https://www.postfix.org/postconf.5.html#reject_sender_login_mismatch",
);

const fn rfc(title: &'static str, url: &'static str) -> ProviderPage {
    ProviderPage { title, url }
}

/// What codes and command say where the words of the reply tell no cause.
static STATEMENTS: &[Statement] = &[
    Statement::on(&[523, 524, 538], ENCRYPTION)
        .help("the mechanism needs an encrypted connection: STARTTLS, then EHLO again, then log in")
        .in_scenario("the mechanism needs an encrypted connection: `starttls`, then EHLO again, then `auth`"),
    Statement::on(&[530, 534, 535, 550, 554], ENCRYPTION)
        .enhanced(&[(7, 10), (7, 11)])
        .help("the server wants TLS first: STARTTLS, then EHLO again")
        .in_scenario("the server wants TLS first: `starttls`, then EHLO again"),
    Statement::on(&[530], AUTH_REPLIES)
        .help("log in before MAIL; where EHLO offers no AUTH, TLS comes first: STARTTLS, then EHLO again")
        .in_scenario("`auth` before MAIL; where EHLO offers no AUTH, TLS comes first: `starttls`, then EHLO again")
        .last(),
    Statement::on(&[535], AUTH_REPLIES)
        .help(
            "the user name or the password is wrong: the name is often the whole address, and with two-factor login the password \
             is one made for applications",
        )
        .last(),
    Statement::on(&[503], AFTER_STARTTLS).verbs(&["AUTH"]).help(
        "AUTH is allowed once in a session and only if the last EHLO reply offered it; after STARTTLS send EHLO again",
    ),
    Statement::on(&[500, 501, 553, 555], PATHS)
        .verbs(&["MAIL"])
        .bare_path()
        .help("put the address in angle brackets: `MAIL FROM:<a@b>`"),
    Statement::on(&[500, 501, 553, 555], PATHS)
        .verbs(&["RCPT"])
        .bare_path()
        .help("put the address in angle brackets: `RCPT TO:<a@b>`"),
    Statement::on(&[504], AUTH)
        .verbs(&["AUTH"])
        .help("the server does not offer this mechanism: see the AUTH line of its EHLO reply"),
    Statement::on(&[500, 502], AUTH)
        .verbs(&["AUTH"])
        .help("the server has no AUTH here: many offer it only after STARTTLS, or on port 587 or 465"),
    Statement::on(&[454], STARTTLS)
        .verbs(&["STARTTLS"])
        .help("the server cannot start TLS at the moment; its certificate or key may be at fault"),
    Statement::on(&[500, 502, 503], STARTTLS)
        .verbs(&["STARTTLS"])
        .help("the server offers no STARTTLS here, or TLS is already on; port 465 speaks TLS from the start"),
    Statement::on(&[500, 502], ORDER).verbs(&["EHLO"]).help("the server does not know EHLO: send HELO instead"),
    Statement::on(&[421], SESSION)
        .verbs(&[""])
        .help("the server takes no session now: often too many connections, or a blocked address; try again later"),
    Statement::on(&[521, 554], SESSION)
        .verbs(&[""])
        .help("the server takes no mail from this client: often a blocked address, or no mail service there"),
    Statement::on(&[450, 451], GREYLISTING)
        .verbs(&["RCPT"])
        .help("grey-listing answers so at first: try again after some minutes")
        .in_scenario("grey-listing answers so at first: try again after some minutes, as `retry` does"),
    Statement::on(&[450, 451, 452], GREYLISTING)
        .enhanced(&[(5, 3)])
        .verbs(&["RCPT"])
        .help("too many recipients at once: send the rest in another transaction"),
    Statement::on(&[552], SIZE)
        .enhanced(&[(3, 4), (2, 3)])
        .help("the message is too big for the server: its EHLO reply gives the limit after SIZE"),
];

/// All of them, those by the words of a reply first.
pub(super) fn statements() -> impl Iterator<Item = &'static Statement> {
    causes::STATEMENTS.iter().chain(STATEMENTS)
}
