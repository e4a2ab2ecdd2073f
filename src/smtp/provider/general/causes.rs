//! Causes that a reply tells in words, whoever sent it.
//!
//! Responsible for the words and for what helps. The first two that fit are given, so the more exact ones come first. Called by
//! `general`.

use super::{
    AUTH, AUTH_REPLIES, BARE_LF, BLOCK_LIST, ENCRYPTION, GREYLISTING, HELO_NAME, ORDER, RELAYING, SENDER_DOMAIN,
    SENDER_LOGIN, SESSION, SIZE, STARTTLS, SYNCHRONISED, Statement, TRANSACTION, rfc,
};
use crate::smtp::provider::ProviderPage;

const SENDER_VERIFIED: ProviderPage = rfc(
    "Exim: Access control lists, address verification",
    "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-access_control_lists.html",
);
const SPF: ProviderPage = rfc("RFC 7208 section 8.4", "https://www.rfc-editor.org/rfc/rfc7208.html#section-8.4");
const DKIM: ProviderPage = rfc("RFC 6376 section 6.3", "https://www.rfc-editor.org/rfc/rfc6376.html#section-6.3");
const DMARC: ProviderPage = rfc("RFC 7489 section 6.3", "https://www.rfc-editor.org/rfc/rfc7489.html#section-6.3");
const REVERSE_DNS: ProviderPage =
    rfc("RFC 7372 section 3.3", "https://www.rfc-editor.org/rfc/rfc7372.html#section-3.3");
const OPEN_RESOLVER: ProviderPage = rfc(
    "Spamhaus: help for users of the legacy blocklists",
    "https://www.spamhaus.com/resource-center/help-for-spamhaus-projects-legacy-blocklist-users",
);
const MAILBOX: ProviderPage = rfc("RFC 3463 section 3.3", "https://www.rfc-editor.org/rfc/rfc3463.html#section-3.3");
const ADDRESS: ProviderPage = rfc("RFC 3463 section 3.2", "https://www.rfc-editor.org/rfc/rfc3463.html#section-3.2");
const POLICY: ProviderPage = rfc("RFC 3463 section 3.8", "https://www.rfc-editor.org/rfc/rfc3463.html#section-3.8");
const SCOPE: ProviderPage = rfc("RFC 5321 section 7.9", "https://www.rfc-editor.org/rfc/rfc5321.html#section-7.9");
const RETRIES: ProviderPage =
    rfc("RFC 5321 section 4.5.4.1", "https://www.rfc-editor.org/rfc/rfc5321.html#section-4.5.4.1");
const LIMITS: ProviderPage =
    rfc("RFC 5321 section 4.5.3.1.10", "https://www.rfc-editor.org/rfc/rfc5321.html#section-4.5.3.1.10");
const HEADERS: ProviderPage = rfc("RFC 5322 section 3.6", "https://www.rfc-editor.org/rfc/rfc5322.html#section-3.6");
const LOOPS: ProviderPage = rfc("RFC 5321 section 6.3", "https://www.rfc-editor.org/rfc/rfc5321.html#section-6.3");

const fn refusal(source: ProviderPage) -> Statement {
    Statement::on_class(&[4, 5], source)
}

/// What servers call grey-listing.
const GREY: &[&str] =
    &["greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list", "postgrey", "deferred for & seconds"];

pub(super) static STATEMENTS: &[Statement] = &[
    // The protocol
    refusal(BARE_LF)
        .text(&["bare <lf>", "bare lf", "bare newline", "bare line feed", "smtpsend.barelinefeeds"])
        .help("the server refuses a bare LF: end every line with CRLF")
        .in_scenario("the server refuses a bare LF: end every line with CRLF (`line_endings: crlf`)")
        .example("521 5.5.2 mx.example Error: bare <LF> received"),
    refusal(SYNCHRONISED)
        .text(&["synchronization error", "synchronisation error", "smtp command pipelining", "before the greeting", "talks too soon"])
        .help("the server wants each reply awaited before the next command, the greeting too")
        .example("554 SMTP synchronization error"),
    Statement::on(&[523, 524, 538], ENCRYPTION)
        .text(&["encrypt", "tls", "ssl"])
        .help("the mechanism needs an encrypted connection: STARTTLS, then EHLO again, then log in")
        .in_scenario("the mechanism needs an encrypted connection: `starttls`, then EHLO again, then `auth`")
        .example("538 5.7.11 Encryption required for requested authentication mechanism"),
    Statement::on(&[421, 450, 451, 454, 500, 501, 502, 503, 530, 534, 535, 550, 553, 554], STARTTLS)
        .text(&[
            "starttls", "tls first", "tls required", "tls is required", "requires tls", "must use tls", "encryption required",
            "ssl/tls encryption", "ssl required", "encrypted connection", "without encryption", "requires encryption",
            "without ssl", "need tls", "secure connection",
        ])
        .unless(&["starttls & not advertised", "starttls & not available", "starttls command used", "already", "tls not available"])
        .help("the server wants TLS first: STARTTLS, then EHLO again")
        .in_scenario("the server wants TLS first: `starttls`, then EHLO again")
        .example("530 5.7.7 Email sending without SSL/TLS encryption is not allowed"),
    // The order of commands
    refusal(ORDER)
        .text(&["ehlo first", "helo first", "say hello", "polite people say hello", "expected helo", "send helo", "send ehlo"])
        .help("send EHLO first, and again after STARTTLS")
        .example("503 5.5.1 Error: send HELO/EHLO first"),
    Statement::on(&[503], TRANSACTION)
        .verbs(&["RCPT"])
        .text(&["need mail", "sender not yet given"])
        .help("MAIL must be accepted before RCPT")
        .example("503 5.5.1 Error: need MAIL command"),
    Statement::on(&[503, 554], TRANSACTION)
        .verbs(&["DATA", "BDAT"])
        .text(&["need rcpt", "valid rcpt", "no valid recipients"])
        .help("no recipient was accepted: at least one RCPT must succeed before DATA")
        .example("554 5.5.1 Error: no valid recipients"),
    // Logins
    Statement::on(&[501, 535], AUTH)
        .text(&["base64", "base 64"])
        .help("each line of an authentication exchange is base64")
        .in_scenario("each line of an authentication exchange is base64: `<<value | b64encode>>`")
        .example("501 5.5.2 Cannot decode base64"),
    Statement::on(&[454, 525, 534, 535], AUTH_REPLIES)
        .text(&["account disabled", "account is disabled", "account has been disabled", "user disabled", "account locked", "account is locked",
            "account has been locked", "account suspended", "account is suspended", "account has been suspended", "account is blocked",
            "too many login fail", "too many failed", "too many authentication fail", "too many invalid"])
        .unless(&["smtp auth", "smtpclient", "basic authentication"])
        .help("the account may not log in: it is disabled, or locked after too many wrong passwords; who runs the server can change that")
        .example("535 5.7.8 Authentication failed: account is locked"),
    refusal(SENDER_LOGIN)
        .text(&["not owned by user", "not owned by auth user", "not logged in", "sendasdenied", "send as", "not allowed to send as", "must match auth",
            "sender address must match"])
        .help("the sender in MAIL must belong to the user who logged in")
        .example("553 5.7.1 <a@example.com>: Sender address rejected: not owned by user b@example.com"),
    Statement::on_class(&[5], RELAYING)
        .text(&["relay", "not local", "not permitted to send mail through"])
        .unless(&["relay=", "relays.", "open relay", "account to relay"])
        .help("the server does not relay for strangers: authenticate first, or use a recipient in its own domains")
        .example("550 5.7.1 Unable to relay for mary@example.com"),
    Statement::on_class(&[4], RELAYING)
        .text(&["relay access denied", "relaying denied", "relaying not", "relay not", "unable to relay", "not permitted to relay"])
        .help("the server does not relay for strangers: authenticate first, or use a recipient in its own domains")
        .example("454 4.7.1 <a@example.com>: Relay access denied"),
    Statement::on(&[530, 550, 553, 554], AUTH_REPLIES)
        .text(&["authentication required", "authentication is required", "must authenticate", "authenticate first", "not authenticated",
            "requires authentication", "auth required", "authentication needed", "smtp authentication", "smtp auth"])
        .unless(&["spf", "dkim", "dmarc", "sender authentication"])
        .help("the server wants authentication first: log in before MAIL")
        .in_scenario("the server wants authentication first: `auth` before MAIL")
        .example("530 5.7.0 Authentication required"),
    // The client's address and name
    refusal(OPEN_RESOLVER)
        .text(&["open resolver", "open/public resolver", "public resolver", "query via public", "127.255.255.254"])
        .help("the fault is the recipient's: their server asks the block list by a public resolver and gets no true answer. Nothing \
               lists the sender; tell the recipient's administrator, by another way")
        .example("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; Error: open resolver"),
    refusal(REVERSE_DNS)
        .text(&["cannot find your hostname", "cannot find your reverse hostname", "reverse dns", "reverse lookup", "rdns", "ptr|",
            "reverse host", "no reverse", "pointer record", "fix reverse", "resolvable hostname", "does not resolve & client"])
        .unless(&["x-ptr"])
        .help("the client's address needs a PTR record whose name leads back to the address")
        .example("450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]"),
    refusal(HELO_NAME)
        .text(&["need fully-qualified hostname", "need fully-qualified address"])
        .help("say EHLO with a fully-qualified name that exists, and MAIL and RCPT with whole domains")
        .example("504 5.5.2 <box>: Helo command rejected: need fully-qualified hostname"),
    refusal(HELO_NAME)
        .text(&["helo", "ehlo"])
        .unless(&["reverse", "ptr|", "listed", "black", "spamhaus", "ehlo first", "helo first", "say hello", "send helo", "send ehlo"])
        .help("the name in EHLO is refused: it must be the client's own, whole and found in DNS")
        .example("550 5.7.1 Helo command rejected: Host not found"),
    // Who the sender is
    refusal(SPF)
        .text(&["spf|", "sender policy framework", "is not allowed to send from", "is not allowed to send mail", "not designated"])
        .help("SPF: the domain of the sender does not permit this client's address: add it to the domain's SPF record, or send by a \
               server that is in it; a forwarder must rewrite the sender")
        .example("550 5.7.23 The message was rejected because of Sender Policy Framework violation"),
    refusal(DKIM)
        .text(&["dkim"])
        .help("DKIM: sign the message for the domain in From:, publish the key in DNS, and let nothing change it on its way")
        .example("550 5.7.20 No passing DKIM signature found"),
    refusal(DMARC)
        .text(&["dmarc", "unauthenticated email from"])
        .help("DMARC: the domain in From: must pass SPF or DKIM under the same domain; its owner asks for other mail to be refused")
        .example("550 5.7.1 Unauthenticated email from example.com is not accepted due to domain's DMARC policy"),
    // How much
    refusal(GREYLISTING)
        .verbs(&["RCPT"])
        .text(GREY)
        .help("grey-listing answers so at first: try again after some minutes")
        .in_scenario("grey-listing answers so at first: try again after some minutes, as `retry` does")
        .example("450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example"),
    refusal(GREYLISTING)
        .text(GREY)
        .help("grey-listing answers so at first: try again after some minutes")
        .in_scenario("grey-listing answers so at first: try again after some minutes, as `retry` does")
        .plain()
        .example("450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example"),
    refusal(SESSION)
        .text(&["too many connections", "too many concurrent", "concurrent connection", "connection limit", "too many simultaneous",
            "too many sessions", "maximum number of connections", "max connections", "connections from your", "parallel connections"])
        .help("too many connections are open at once: open fewer, or try again later")
        .example("421 4.7.0 Too many concurrent SMTP connections"),
    refusal(LIMITS)
        .text(&["too many recipients", "too many rcpt", "recipient limit", "max recipients", "recipients per"])
        .unless(&["per hour", "per day", "daily"])
        .help("too many recipients at once: send the rest in another transaction")
        .example("452 4.5.3 Too many recipients"),
    refusal(MAILBOX)
        .text(&["mailbox full", "mailbox is full", "mailbox & full", "over quota", "overquota", "over its quota", "quota exceeded",
            "exceeded & quota", "exceeds & quota", "quota full", "mail quota", "disk quota", "exceeded storage", "storage limit",
            "out of storage", "inbox is full", "mailbox size limit", "mailbox over", "over the maximum storage", "user is over",
            "insufficient mailbox", "space quota"])
        .unless(&["sending quota", "daily", "per hour", "per day", "sending limit", "message quota", "quota of messages", "rate",
            "organization queue"])
        .needless_with(&[(2, 2)])
        .help("the recipient's mailbox is full: only the recipient can make room; try again later")
        .plain()
        .example("452 <a@example.com> user is over quota"),
    refusal(RETRIES)
        .text(&["rate limit", "ratelimit", "rate-limit", "rate exceeded", "too fast", "too quickly", "too often", "too frequent",
            "frequency limit", "too many messages", "too many emails", "too many mails", "throttl", "limit exceeded", "sending limit",
            "sending quota", "daily limit", "daily & quota", "hourly", "per hour", "per day", "messages per", "exceeded & limit",
            "too much mail", "slow down", "unusual rate", "unexpected volume", "try sending & slower", "message rate",
            "policy rate", "limit & reached", "quota & messages"])
        .unless(&["size", "storage", "too many recipients", "hop"])
        .help("too much mail in too short a time: send less at once, and try the rest later, after longer and longer waits")
        .example("450 4.7.1 Error: too much mail from 192.0.2.1"),
    refusal(SIZE)
        .text(&["message size", "size exceed", "too large", "too big", "size limit", "exceeds & size", "exceeded & size", "maximum size",
            "max message size", "larger than", "message length", "message exceeds"])
        .unless(&["mailbox size", "header"])
        .help("the message is too big for the server: its EHLO reply gives the limit after SIZE")
        .example("552 Message size exceeds fixed maximum message size"),
    // What is listed
    refusal(BLOCK_LIST)
        .text(&["blocked using", "spamhaus", "spamcop", "barracudacentral", "sorbs", "uceprotect", "rbl|", "dnsbl", "blacklist", "black list",
            "blocklist", "block list", "blocked list", "blocklisted", "block listed", "denylist", "listed by", "listed in", "listed on",
            "listed at", "is listed", "delist", "ip blocked", "blocked ip", "ip is blocked", "ip address is blocked",
            "your ip", "messages from & were not accepted", "(bl)", "poor reputation", "low reputation", "bad reputation", "ip reputation",
            "client host & blocked", "has been blocked & address"])
        .unless(&["open resolver", "public resolver", "whitelist", "allowlist", "url", "link", "not listed in & dns", "domain reputation",
            "reputation of the sending domain", "rate limited", "unusual rate"])
        .help("the client's address is on the block list that the reply names: see there why, and how to get off it")
        .example("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
    // The recipient
    refusal(ADDRESS)
        .text(&["user unknown", "unknown user", "no such user", "no such mailbox", "no such recipient", "no such address", "no such person",
            "no such account", "no such local user", "recipient unknown", "unknown recipient", "recipient not found", "user not found",
            "mailbox not found", "mailbox unknown", "account not found", "address not found", "user does not exist", "user doesn't",
            "account that you tried to reach does not exist", "mailbox does not exist", "recipient does not exist", "address does not exist",
            "account does not exist", "invalid recipient", "invalid mailbox", "invalid user", "not our customer", "no mailbox here",
            "mailbox here by that name", "unrouteable address", "unroutable address", "address unknown", "unknown address",
            "unknown local", "unknown or illegal", "recipientnotfound", "bad destination mailbox", "not a known user", "is unknown",
            "no user", "unknown mailbox", "addressee unknown", "does not exist here", "doesn't exist", "recipient invalid",
            "not in recipient list", "invalid-recipient", "mailbox doesn't exist", "not a valid recipient", "no recipient",
            "destinataire & invalide", "not exist", "utilisateur inconnu", "unknown at this address", "undeliverable address", "address could not be found", "not a valid email address", "marked as invalid", "no longer valid"])
        .unless(&["sender", "domain", "from address", "helo", "callout", "account to relay", "mx|"])
        .needless_with(&[(1, 1), (1, 10)])
        .help("the recipient's mailbox does not exist: correct the address, or take it off the list")
        .plain()
        .example("550 No Such User Here"),
    refusal(MAILBOX)
        .text(&["mailbox is disabled", "mailbox disabled", "account is disabled", "account disabled", "user disabled", "account is inactive",
            "inactive", "account has been suspended", "account suspended", "mailbox is inactive", "mailbox & suspended", "deactivated", "inactivity",
            "has been disabled", "is disabled", "user is suspended", "account is locked"])
        .unless(&["smtp auth", "authentication", "smtpclient"])
        .needless_with(&[(2, 1)])
        .help("the mailbox or the account is disabled; only its owner or its provider can change that")
        .plain()
        .example("550 This account is disabled"),
    refusal(SENDER_VERIFIED)
        .text(&["sender verify failed", "verify sender", "sender verification", "callout"])
        .unless(&["recipient address"])
        .help("the server asks whether the sender's address exists, and gets no for an answer: use an address in MAIL that takes mail, of a \
               domain with an MX")
        .example("550 Sender verify failed"),
    refusal(SENDER_DOMAIN)
        .text(&["domain not found", "malformed dns server reply", "sender domain & not exist", "sender domain must", "sender's domain",
            "domain of sender", "unresolvable", "valid sender domain",
            "domain does not exist", "no mx", "invalid dns mx", "does not accept mail & sender", "unrouteable & sender"])
        .unless(&["recipient address"])
        .help("the server looks for the sender's domain in DNS and finds neither MX nor address: use a domain that exists")
        .example("450 4.1.8 <a@nowhere.example>: Sender address rejected: Domain not found"),
    refusal(ADDRESS)
        .text(&["unverified address", "address verification in progress", "verification in progress"])
        .help("the server asks first whether the recipient exists, and does not know it yet: try again later")
        .plain()
        .example("450 4.1.1 <a@example.com>: Recipient address rejected: unverified address: Address verification in progress"),
    refusal(POLICY)
        .text(&["spoof"])
        .help("the message claims a sender of the recipient's own organisation, or of another one, and comes from elsewhere: send from \
               a domain of your own that passes SPF and DKIM")
        .example("550 rejecting spoofed message"),
    refusal(HEADERS)
        .text(&["rfc compliant", "rfc 5322", "rfc5322", "rfc 2822", "missing header", "header & missing", "invalid header", "malformed header",
            "multiple from", "address in from: header", "from: header", "from header", "duplicate header"])
        .help("a header breaks RFC 5322: exactly one From: with an address and one Date:, one Message-ID:, no empty or doubled header")
        .example("554 Message not accepted: headers are not RFC compliant"),
    refusal(POLICY)
        .text(&["restricted", "not authorized to send to", "not allowed to send to", "only accepts", "not permitted to send to",
            "by recipients", "recipient & policy", "access denied & recipient", "does not accept messages from"])
        .unless(&["spf", "dkim", "dmarc"])
        .help("the recipient, or the administrator there, does not take this mail: only they can permit it")
        .plain()
        .example("550 Mail is rejected by recipients"),
    // The message
    refusal(SCOPE)
        .text(&["virus", "malware", "infected", "phish", "trojan"])
        .help("the message, an attachment or a link in it is taken for malware or phishing: take it out, and see whether the account or \
               the site has been broken into")
        .plain()
        .example("554 virus detected"),
    refusal(SCOPE)
        .text(&["attachment", "file type", "file extension", "banned file", "executable"])
        .help("an attachment is refused for its type: send another form of file, or a link")
        .plain()
        .example("552 5.7.0 illegal attachment"),
    refusal(SCOPE)
        .text(&["spam", "junk", "unsolicited", "content", "filter", "suspicious", "bulk", "advertis", "url", "rejected due to local policy"])
        .unless(&["spamhaus", "spamcop", "rbl|", "blacklist", "blocklist", "postmaster"])
        .help("the content is taken for spam: send plain words without links that are listed, ask for mail only from who wants it, and \
               ask the postmaster there if that is wrong")
        .plain()
        .example("550 spam detected"),
    refusal(LOOPS)
        .text(&["too many hops", "hop count", "mail loop", "loop detected", "routing loop", "loops back", "loop in"])
        .help("the message goes in a loop: two servers hand it to each other, mostly by forwarding rules or a wrong MX")
        .example("554 5.4.0 Error: too many hops"),
    // What ends a session
    Statement::on(&[421, 451], SESSION)
        .text(&["timeout", "time-out", "timed out"])
        .help("the server waited too long for a command and closed the session")
        .example("421 4.4.2 mx.example Error: timeout exceeded"),
    Statement::on(&[421, 450, 451, 452], RETRIES)
        .text(&["try again later", "temporarily", "temporary", "system resources", "insufficient system", "busy", "service unavailable",
            "try later", "unavailable, try", "come back later", "system storage"])
        .help("the server cannot take it at the moment: try again later, after longer and longer waits")
        .plain()
        .last()
        .example("451 Temporary local problem - please try later"),
];
