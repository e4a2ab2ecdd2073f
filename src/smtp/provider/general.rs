//! What holds whoever the provider is: SMTP in general, and the words of servers that many run.

use super::{Source, Statement};

const STARTTLS: Source = rfc("RFC 3207 section 4", "https://www.rfc-editor.org/rfc/rfc3207.html#section-4");
const AFTER_STARTTLS: Source = rfc("RFC 3207 section 4.2", "https://www.rfc-editor.org/rfc/rfc3207.html#section-4.2");
const AUTH: Source = rfc("RFC 4954 section 4", "https://www.rfc-editor.org/rfc/rfc4954.html#section-4");
const AUTH_REPLIES: Source = rfc("RFC 4954 section 6", "https://www.rfc-editor.org/rfc/rfc4954.html#section-6");
const ENCRYPTION: Source = rfc("RFC 5248 section 2.4", "https://www.rfc-editor.org/rfc/rfc5248.html#section-2.4");
const TRANSACTION: Source = rfc("RFC 5321 section 3.3", "https://www.rfc-editor.org/rfc/rfc5321.html#section-3.3");
const PATHS: Source = rfc("RFC 5321 section 4.1.2", "https://www.rfc-editor.org/rfc/rfc5321.html#section-4.1.2");
const ORDER: Source = rfc("RFC 5321 section 4.1.4", "https://www.rfc-editor.org/rfc/rfc5321.html#section-4.1.4");
const SESSION: Source = rfc("RFC 5321 section 3.1", "https://www.rfc-editor.org/rfc/rfc5321.html#section-3.1");
const RELAYING: Source = rfc("RFC 5321 section 7.9", "https://www.rfc-editor.org/rfc/rfc5321.html#section-7.9");
const GREYLISTING: Source = rfc("RFC 6647 section 2", "https://www.rfc-editor.org/rfc/rfc6647.html#section-2");
const SIZE: Source = rfc("RFC 1870 section 6", "https://www.rfc-editor.org/rfc/rfc1870.html#section-6");
const BARE_LF: Source = rfc("Postfix: SMTP Smuggling", "https://www.postfix.org/smtp-smuggling.html");
const SYNCHRONISED: Source =
    rfc("Postfix: reject_unauth_pipelining", "https://www.postfix.org/postconf.5.html#reject_unauth_pipelining");
const SENDER_DOMAIN: Source = rfc(
    "Postfix: reject_unknown_sender_domain",
    "https://www.postfix.org/postconf.5.html#reject_unknown_sender_domain",
);
const CLIENT_NAME: Source = rfc(
    "Postfix: reject_unknown_client_hostname",
    "https://www.postfix.org/postconf.5.html#reject_unknown_client_hostname",
);
const HELO_NAME: Source = rfc(
    "Postfix: reject_non_fqdn_helo_hostname",
    "https://www.postfix.org/postconf.5.html#reject_non_fqdn_helo_hostname",
);
const BLOCK_LIST: Source =
    rfc("Postfix: reject_rbl_client", "https://www.postfix.org/postconf.5.html#reject_rbl_client");
const SENDER_LOGIN: Source = rfc(
    "Postfix: reject_sender_login_mismatch",
    "https://www.postfix.org/postconf.5.html#reject_sender_login_mismatch",
);

const fn rfc(title: &'static str, url: &'static str) -> Source {
    Source { title, url }
}

pub(super) const STATEMENTS: &[Statement] = &[
    Statement::on(&[530], STARTTLS).help("the server wants TLS first: `starttls`, then EHLO again").text(&["starttls", "tls first"]),
    Statement::on(&[530], AUTH_REPLIES).help("the server wants authentication first: `auth` before MAIL")
        .verbs(&["MAIL", "RCPT", "DATA", "BDAT"])
        .text(&["authenticat"]),
    Statement::on(&[523, 524, 538], ENCRYPTION).help("the mechanism needs an encrypted connection: `starttls`, then EHLO again, then `auth`"),
    Statement::on(&[530, 534, 535, 550, 554], ENCRYPTION).help("the server wants TLS first: `starttls`, then EHLO again")
        .enhanced(&[(7, 10), (7, 11)]),
    Statement::on(&[503], AFTER_STARTTLS).help("AUTH is allowed once in a session and only if the last EHLO reply offered it; after STARTTLS send EHLO again")
    .verbs(&["AUTH"]),
    Statement::on(&[503], AFTER_STARTTLS).help("send EHLO first, and again after STARTTLS").verbs(&["MAIL", "RCPT"]).text(&["ehlo", "helo"]),
    Statement::on(&[503], TRANSACTION).help("MAIL must be accepted before RCPT")
        .verbs(&["RCPT"])
        .text(&["need mail", "sender not yet given"]),
    Statement::on(&[503, 554], TRANSACTION).help("no recipient was accepted: at least one RCPT must succeed before DATA")
        .verbs(&["DATA", "BDAT"])
        .text(&["need rcpt", "valid rcpt", "no valid recipients"]),
    Statement::on(&[500, 501, 553, 555], PATHS).help("put the address in angle brackets: `MAIL FROM:<a@b>`")
        .verbs(&["MAIL"])
        .bare_path(),
    Statement::on(&[500, 501, 553, 555], PATHS).help("put the address in angle brackets: `RCPT TO:<a@b>`").verbs(&["RCPT"]).bare_path(),
    Statement::on(&[504], AUTH).help("the server does not offer this mechanism: see the AUTH line of its EHLO reply").verbs(&["AUTH"]),
    Statement::on(&[500, 502], AUTH).help("the server has no AUTH here: many offer it only after STARTTLS, or on port 587 or 465")
        .verbs(&["AUTH"]),
    Statement::on(&[501, 535], AUTH).help("each line of an authentication exchange is base64: `<<value | b64encode>>`")
        .text(&["base64", "base 64"]),
    Statement::on(&[454], STARTTLS).help("the server cannot start TLS at the moment; its certificate or key may be at fault")
        .verbs(&["STARTTLS"]),
    Statement::on(&[500, 502, 503], STARTTLS).help("the server offers no STARTTLS here, or TLS is already on; port 465 speaks TLS from the start")
    .verbs(&["STARTTLS"]),
    Statement::on(&[500, 502], ORDER).help("the server does not know EHLO: send HELO instead").verbs(&["EHLO"]),
    Statement::on(&[421], SESSION).help("the server takes no session now: often too many connections, or a blocked address; try again later")
    .verbs(&[""]),
    Statement::on(&[521, 554], SESSION).help("the server takes no mail from this client: often a blocked address, or no mail service there")
    .verbs(&[""]),
    Statement::on(&[421], SESSION).help("the server waited too long for a command and closed the session").text(&[
        "timeout",
        "time-out",
        "timed out",
    ]),
    Statement::on(&[450, 451], GREYLISTING).help("grey-listing answers so at first: try again after some minutes, as `retry` does")
        .verbs(&["RCPT"]),
    Statement::on(&[450, 451, 452], GREYLISTING).help("too many recipients at once: send the rest in another transaction")
        .enhanced(&[(5, 3)])
        .verbs(&["RCPT"]),
    Statement::on(&[552], SIZE).help("the message is too big for the server: its EHLO reply tells the limit after SIZE")
        .enhanced(&[(3, 4), (2, 3)]),
    Statement::on(&[552], SIZE).help("the message is too big for the server: its EHLO reply tells the limit after SIZE").text(&[
        "size",
        "too large",
        "too big",
    ]),
    Statement::on(&[550, 551, 553, 554], RELAYING).help("the server does not relay for strangers: authenticate first, or use a recipient in its own domains")
    .verbs(&["RCPT"])
    .text(&["relay"]),
    Statement::on(&[500, 501, 521, 550, 554], BARE_LF).help("the server refuses a bare LF: end every line with CRLF (`line_endings: crlf`)")
    .text(&["bare <lf>", "bare lf", "bare newline", "bare line feed"]),
    Statement::on(&[503, 550, 554], SYNCHRONISED).help("the server wants each reply awaited before the next command, the greeting too")
        .text(&["synchronization error", "improper use of smtp command pipelining", "protocol synchronization"]),
    Statement::on(&[450, 550, 554], SENDER_DOMAIN)
        .text(&["domain not found", "malformed dns server reply"])
        .verbs(&["MAIL", "RCPT"])
        .help("the server looks for the sender's domain in DNS and finds neither MX nor address: use a domain that exists"),
    Statement::on(&[450, 550, 554], CLIENT_NAME)
        .text(&["cannot find your hostname", "cannot find your reverse hostname"])
        .help("the client's address needs a PTR record whose name leads back to the address"),
    Statement::on(&[450, 504, 550], HELO_NAME)
        .text(&["need fully-qualified hostname"])
        .help("say EHLO with a fully-qualified name that exists, and MAIL and RCPT with whole domains"),
    Statement::on(&[450, 550, 553, 554], BLOCK_LIST)
        .text(&["blocked using"])
        .help("the client's address is on the block list that the reply names: see there why, and how to get off it"),
    Statement::on(&[553, 550, 554], SENDER_LOGIN)
        .text(&["not owned by user", "not logged in"])
        .help("the sender in MAIL must belong to the user who logged in"),
];
