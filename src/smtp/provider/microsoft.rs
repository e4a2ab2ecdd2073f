//! Microsoft 365 (Exchange Online) and Outlook.com.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};
use crate::smtp::auth::Mechanism;

const NDR: ProviderPage = ProviderPage {
    title: "Email non-delivery reports and SMTP errors in Exchange Online",
    url: "https://learn.microsoft.com/en-us/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online",
};
const SMTP_AUTH: ProviderPage = ProviderPage {
    title: "Enable or disable authenticated client SMTP submission (SMTP AUTH) in Exchange Online",
    url: "https://learn.microsoft.com/en-us/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission",
};
const DEVICES: ProviderPage = ProviderPage {
    title: "Fix issues with printers, scanners, and LOB applications that send email using Microsoft 365",
    url: "https://learn.microsoft.com/en-us/exchange/mail-flow-best-practices/fix-issues-with-printers-scanners-and-lob-applications-that-send-email-using-off",
};
const HIGH_VOLUME: ProviderPage = ProviderPage {
    title: "Outlook's new requirements for high-volume senders",
    url: "https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/strengthening-email-ecosystem-outlook%E2%80%99s-new-requirements-for-high%E2%80%90volume-senders/4399730",
};
const SENDER_RULES: &str =
    "only an administrator of the recipient's organisation, or the owner of the group, can change that";

pub(super) static MICROSOFT: Provider = Provider {
    id: "microsoft-365",
    name: "Microsoft 365",
    domains: &["office365.com", "outlook.com", "prod.exchangelabs.com"],
    greetings: &["outlook.com microsoft esmtp", "office365.com microsoft esmtp", "mail.protection.outlook.com"],
    markers: &["per resource forest", "nexthop:", "storedrv", "tenantattribution", "smtpclientauthentication", "resolver.adr", "resolver.rst", "to request removal from this list", "recipient address rejected: access denied", "(s8001)", "(s8002)", "organization does not allow external forwarding", "as(7555)"],
    links: &["aka.ms", "go.microsoft.com", "learn.microsoft.com", "technet.microsoft.com", "docs.microsoft.com", "sender.office.com", "support.office.com"],
    submission: Some(Submission {
        host: "smtp.office365.com",
        starttls: &[587],
        implicit: &[],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the mailbox"),
            password: "an OAuth 2 access token with the permission SMTP.Send: passwords are being phased out; SMTP AUTH must be enabled",
            mechanism: Some(Mechanism::XOAuth2),
        },
        source: SMTP_AUTH,
    }),
    statements: &[
        Statement::on(&[535], SMTP_AUTH)
            .enhanced(&[(7, 139), (7, 3)])
            .means("SMTP AUTH is off for the mailbox or the tenant, or a policy refuses passwords")
            .help(
                "Microsoft 365 refuses SMTP AUTH or passwords for this account: enable SMTP AUTH for the mailbox and the \
                 tenant (security defaults switch it off), or use XOAUTH2 with a token",
            ),
        Statement::on(&[530], NDR)
            .enhanced(&[(7, 57)])
            .means("a device or application sent MAIL without authentication")
            .help("Microsoft 365 wants authentication first: `starttls` on port 587, EHLO again, then `auth`"),
        Statement::on(&[550, 554], DEVICES)
            .enhanced(&[(7, 60), (2, 252)])
            .means("the account that logged in may not send as the address in From:")
            .help("this Microsoft 365 account may send only as itself, unless it has Send As permission"),
        Statement::on(&[550], NDR)
            .enhanced(&[(7, 64)])
            .means("no inbound connector of the tenant fits the client, so it may not relay")
            .help("Microsoft 365 does not know this client: an inbound connector must match its address or certificate"),
        Statement::on(&[432], NDR)
            .enhanced(&[(3, 2)])
            .means("the recipient's mailbox gets too many messages at once and is throttled"),
        Statement::on_class(&[4], NDR)
            .enhanced(&[(4, 316)])
            .means("Microsoft 365 cannot connect to the recipient's server"),
        Statement::on_class(&[4, 5], NDR)
            .enhanced(&[(4, 7), (4, 300)])
            .means("the message could not be delivered in time"),
        Statement::on_class(&[4, 5], NDR)
            .enhanced(&[(4, 8), (7, 5)])
            .means("the recipient's server does not fit the MTA-STS policy of its domain"),
        Statement::on_class(&[4], NDR)
            .enhanced(&[(5, 3)])
            .means("more than 200 recipients of one domain")
            .help("send to fewer recipients in each transaction"),
        Statement::on_class(&[4], NDR)
            .enhanced(&[(7, 26)])
            .means("a message that comes over IPv6 must pass SPF or DKIM"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 25)])
            .means("a client that connects over IPv6 must have a reverse DNS record"),
        Statement::on_class(&[4, 5], NDR)
            .range(7, 321, 325)
            .means("the recipient's server fails DANE: no STARTTLS (321), an expired certificate (322), TLSA records that do not fit (323), bad DNSSEC (324), another name (325)"),
        Statement::on_class(&[4], NDR)
            .range(7, 500, 699)
            .means("suspicious activity: sending is restricted until it is looked into"),
        Statement::on_class(&[4], NDR)
            .range(7, 850, 899)
            .means("suspicious activity of this address: it is restricted until it is looked into"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(0, 350)])
            .means("the recipient's organisation gave an error that fits nothing else"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(1, 0)])
            .means("the recipient's address is malformed, or could not be resolved; often a reply to a saved message"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(1, 1), (1, 10)])
            .means("the recipient does not exist, or has moved"),
        Statement::on(&[550], NDR)
            .enhanced(&[(5, 0)])
            .means("the recipient at hotmail.com or outlook.com does not exist"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(1, 8)])
            .means("the sending account is blocked for spam; mostly it has been broken into"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(1, 90), (2, 2)])
            .means("the sender has reached the limit of recipients or messages"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(2, 121), (2, 122)])
            .means("the recipient got more messages this hour than allowed, from this sender (121) or from all (122)")
            .help("try again later, and send less often to this recipient"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(3, 190)])
            .means("journaling to Microsoft 365 is not enabled for the organisation"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(4, 1)])
            .means("the server takes no mail for the recipient's domain, or the recipient does not exist"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(4, 6), (4, 14)])
            .means("the message goes in a loop"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(6, 11)])
            .means("the message has bare line feeds")
            .help("end every line with CRLF"),
        Statement::on_class(&[4, 5], NDR)
            .text(&["spamhaus", "removal from this list", "blocked using", "banned sending ip", "helo domain is listed", "block list"])
            .means("the client's address, or the name in EHLO, is on a list that Exchange Online asks")
            .help("get it off the list that the reply names; of Microsoft's own list at https://sender.office.com")
            .example("550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal from this list see https://www.spamhaus.org/query/ip/192.0.2.1 (AS16012611)"),
        Statement::on_class(&[5], NDR)
            .text(&["recipient address rejected: access denied", "addresses rejected : access denied", "recipientnotfound"])
            .means("the recipient does not exist in the organisation, which refuses unknown addresses at its edge")
            .help("correct the address; the recipient's administrator sees whether the mailbox is in the directory")
            .example("550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR03FT050.eop-EUR03.prod.protection.outlook.com]"),
        Statement::on_class(&[4], NDR)
            .text(&["throttl", "rate limited", "concurrent", "message rate", "too many", "exceeded"])
            .means("more mail or connections than Exchange Online takes at once from this client, sender or tenant")
            .help("send more slowly, over fewer connections, and try again later")
            .example("432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [x.prod.outlook.com]"),
        Statement::on_class(&[4], NDR)
            .text(&["insufficient system resources", "replicated", "temporarily unavailable", "resources temporarily", "mailbox unavailable", "database"])
            .means("the server is short of something at the moment, or moves the mailbox")
            .help("try again later")
            .example("452 4.3.1 Insufficient system resources (TSTE) [outlook.com]"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 1)])
            .means("the sender may not write to the recipient, may not relay, or has not authenticated"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 12), (7, 13), (7, 124), (7, 133), (7, 134), (7, 135), (7, 136)])
            .means("the recipient (a mailbox, group or public folder) takes no mail from strangers")
            .help(SENDER_RULES),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 23)])
            .means("the message fails SPF"),
        Statement::on_class(&[5], NDR)
            .range(7, 501, 503)
            .means("the sending account is banned for spam"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 504), (7, 505)])
            .means("the recipient is not valid"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 506)])
            .means("the client says HELO with the name of the server it connects to")
            .help("say EHLO with the client's own name"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 507), (7, 513)])
            .means("the recipient's organisation blocks the client's address"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 508)])
            .means("too many messages from the client's IPv6 range"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 509)])
            .means("the domain in From: does not pass DMARC and asks for such mail to be rejected"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 510)])
            .means("the recipient takes no mail over IPv6"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 511)])
            .means("the client's address is banned")
            .help("ask delist@microsoft.com, with the whole reply and the address"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 512)])
            .means("the From: header has no valid address"),
        Statement::on(&[550], HIGH_VOLUME)
            .enhanced(&[(7, 515)])
            .means("the sender's domain does not pass SPF, DKIM and DMARC as Outlook.com demands of high-volume senders"),
        Statement::on_class(&[5], NDR)
            .range(7, 606, 649)
            .means("the client's address is banned")
            .help("ask for its removal at https://sender.office.com"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 703)])
            .means("the sender's organisation blocks the recipient"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 705), (7, 708)])
            .means("most mail of the tenant is suspicious: it may not send"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 750)])
            .means("suspiciously much mail from domains that the tenant has not registered"),
        Statement::on_class(&[5], NDR)
            .enhanced(&[(7, 800)])
            .means("the domain in EHLO, MAIL or From: is banned for spam"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], NDR)
            .means("Exchange Online explains its codes on a page")
            .help("look the code up there; in the Microsoft 365 admin center a trace of the message says more"),
    ),
    ..NOBODY
};
