//! Providers of mail for other people's domains: Zoho, `OVHcloud`, Rackspace, `GoDaddy`, Hostpoint; and the wording
//! of `cPanel`.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const ZOHO_USAGE: ProviderPage =
    ProviderPage { title: "Zoho Mail Usage Policy", url: "https://www.zoho.com/mail/help/usage-policy.html" };
const ZOHO_SPAM: ProviderPage =
    ProviderPage { title: "Why is my mail marked as spam", url: "https://www.zoho.com/mail/help/spam-reason.html" };
const ZOHO_SMTP: ProviderPage =
    ProviderPage { title: "SMTP server configuration details", url: "https://www.zoho.com/mail/help/zoho-smtp.html" };
const OVH_SETTINGS: ProviderPage = ProviderPage {
    title: "Getting started with the MX Plan solution",
    url: "https://help.ovhcloud.com/csm/en-mx-plan-getting-started?id=kb_article_view&sysparm_article=KB0051707",
};
const RACKSPACE_PAGE: ProviderPage =
    ProviderPage { title: "Rackspace Email Postmaster", url: "https://postmaster.apps.rackspace.com/home" };
const RACKSPACE_SETTINGS: ProviderPage = ProviderPage {
    title: "Rackspace Email settings",
    url: "https://docs.rackspace.com/docs/rackspace-email-imap-and-pop-settings",
};
const GODADDY_BOUNCES: ProviderPage = ProviderPage {
    title: "What does my email bounceback mean?",
    url: "https://www.godaddy.com/help/what-does-my-email-bounceback-mean-3568",
};
const HOSTPOINT_PAGE: ProviderPage = ProviderPage {
    title: "Hostpoint: technical questions about e-mail",
    url: "https://support.hostpoint.ch/en/technical/e-mail",
};
const CPANEL_LIMITS: ProviderPage = ProviderPage {
    title: "cPanel: Tweak Settings, Mail",
    url: "https://docs.cpanel.net/whm/server-configuration/tweak-settings/",
};

pub(super) static ZOHO: Provider = Provider {
    id: "zoho",
    name: "Zoho Mail",
    domains: &["zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zohomail.com", "zohocloud.ca"],
    mailboxes: &["zoho.com", "zohomail.com", "zoho.eu", "zoho.in"],
    greetings: &["mx.zoho.", "zoho smtp", "zoho mail"],
    markers: &["email cannot be delivered. reason:", "zoho"],
    links: &["zoho.com", "zoho.eu", "zoho.in"],
    submission: Some(Submission {
        host: "smtp.zoho.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account; accounts of a company use smtppro.zoho.com, those of other regions zoho.eu, zoho.in"),
            password: "the password of the account, or an app password where two-factor authentication is on",
            mechanism: None,
        },
        source: ZOHO_SMTP,
    }),
    statements: &[
        Statement::on(&[535], ZOHO_SMTP).help(
            "Zoho wants an app password where two-factor authentication is on, and the host of the account's region: smtp.zoho.eu, \
             smtp.zoho.in, smtppro.zoho.com",
        ),
        Statement::on_class(&[5], ZOHO_USAGE)
            .text(&["unusual sending activity", "unusual activity", "sender address blocked", "usage-policy", "outgoing blocked", "outgoing mail blocked"])
            .means("Zoho has stopped the sending of this account, by its usage policy: too much mail, too many recipients or bounces")
            .help("unlock the account in its settings, or ask its administrator or Zoho; use a service for bulk mail for newsletters")
            .example("550 5.4.6 Unusual sending activity detected. <a href=https://www.zoho.com/mail/help/usage-policy.html target=_blank>Learn more.</a>"),
        Statement::on_class(&[5], ZOHO_SMTP)
            .text(&["relaying disallowed", "relay"])
            .means("the address in MAIL does not belong to who logged in, or the domain is not set up at Zoho")
            .help("send as the address that logs in, or as one of its aliases; check that the domain is verified in Zoho")
            .example("553 Relaying disallowed as a@example.com zoho"),
        Statement::on_class(&[4, 5], ZOHO_SPAM)
            .text(&["spam", "content", "bulk", "blacklist", "reputation"])
            .means("the message is taken for spam, or the sender has a bad reputation")
            .example("554 5.7.1 Email cannot be delivered. Reason: Email detected as Spam by spam filters. zoho"),
        Statement::on_class(&[4, 5], ZOHO_SPAM)
            .text(&["dmarc", "spf", "dkim"])
            .means("the sender's domain does not pass SPF, DKIM or DMARC")
            .help("publish SPF and DKIM for the domain in From:")
            .example("550 5.7.1 Email rejected per DMARC policy for zoho.com"),
        Statement::on_class(&[4, 5], ZOHO_SPAM)
            .text(&["virus"])
            .means("a virus was found in the message")
            .example("552 5.7.1 virus [name] detected by Zoho Mail"),
        Statement::on_class(&[4, 5], ZOHO_SPAM)
            .text(&["user unknown", "no such user", "invalid recipient", "mailbox not found", "user does not exist", "5.1.1"])
            .means("the recipient does not exist")
            .example("550 5.1.1 User does not exist - <a@zoho.com>"),
        Statement::on_class(&[4, 5], ZOHO_USAGE)
            .text(&["policy", "restricted", "limit", "too many"])
            .means("a limit of the account, or a rule of the recipient's organisation")
            .help("ask the recipient's administrator; of limits see the page")
            .example("452 <a@zoho.com> Mailbox delivery restricted by policy error"),
        Statement::on_class(&[4], ZOHO_USAGE)
            .text(&["temporary", "try again", "grey"])
            .means("deferred for the moment")
            .help("try again later")
            .example("452 4.3.1 Temporary System Error (mx.zoho.com)"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], ZOHO_SPAM)
            .means("Zoho says on a page what it demands of senders")
            .help("see there, and ask Zoho's support with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static OVH: Provider = Provider {
    id: "ovh",
    name: "OVHcloud",
    domains: &[
        "mail.ovh.net",
        "mail.ovh.ca",
        "mail.ovh.com",
        "mailproxy.ovh.net",
        "pro1.mail.ovh.net",
        "pro2.mail.ovh.net",
        "ovh.net",
    ],
    links: &["ovh.com", "ovh.net", "ovhcloud.com", "mailscanner.ovh"],
    markers: &["mail.ovh.net", "mailout ovh", "ovh.net/spam", "ovhcloud"],
    submission: Some(Submission {
        host: "ssl0.ovh.net",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the mailbox"),
            password: "the password of the mailbox, not that of the OVHcloud account",
            mechanism: None,
        },
        source: OVH_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], OVH_SETTINGS).help(
            "OVHcloud wants the whole address and the password of the mailbox, which is set in the control panel",
        ),
        Statement::on_class(&[4, 5], OVH_SETTINGS)
            .text(&["spam", "blocked", "abuse"])
            .means("the mailbox, or the client's address, is blocked for spam")
            .help("change the password, and unblock the mailbox in the control panel")
            .example("550 5.7.1 mailbox is blocked for spam, see https://www.ovh.com/"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], OVH_SETTINGS)
            .means("OVHcloud hosts the mail of the recipient's domain")
            .help("ask its support with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static RACKSPACE: Provider = Provider {
    id: "rackspace",
    name: "Rackspace Email",
    domains: &["emailsrvr.com", "rackspace.com"],
    greetings: &["emailsrvr.com"],
    markers: &["misspelled (g8)", "emailsrvr", "rackspace"],
    links: &["rackspace.com", "postmaster.apps.rackspace.com", "emailsrvr.com"],
    submission: Some(Submission {
        host: "secure.emailsrvr.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the mailbox"),
            password: "the password of the mailbox",
            mechanism: None,
        },
        source: RACKSPACE_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], RACKSPACE_SETTINGS)
            .help("Rackspace wants the whole address and the password of the mailbox"),
        Statement::on_class(&[4, 5], RACKSPACE_PAGE)
            .text(&["reputation", "blocked", "blacklist", "(g", "listed", "spam", "content"])
            .means("the client's address, the domain or the content is refused for its reputation")
            .help("see the page for the code in brackets, and write to its postmaster with the whole reply")
            .example("554 5.7.1 (G28) Blocked, see https://postmaster.emailsrvr.com/"),
        Statement::on_class(&[4, 5], RACKSPACE_PAGE)
            .text(&["user unknown", "invalid recipient", "recipient address rejected"])
            .means("the recipient does not exist")
            .example("550 5.1.1 <a@example.com>: Recipient address rejected: User unknown emailsrvr.com"),
        Statement::on_class(&[4], RACKSPACE_PAGE)
            .text(&["too many", "rate", "try again"])
            .means("too many connections or messages from this address")
            .help("send more slowly, and try again later")
            .example("421 4.7.0 Too many connections, try again later. emailsrvr.com"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], RACKSPACE_PAGE)
            .means("Rackspace hosts the mail of the recipient's domain; its postmaster's page explains replies")
            .help("look the reply up there"),
    ),
    ..NOBODY
};

pub(super) static GODADDY: Provider = Provider {
    id: "godaddy",
    name: "GoDaddy",
    domains: &["secureserver.net", "godaddy.com"],
    greetings: &["secureserver.net"],
    markers: &["secureserver.net", "godaddy", "ib101", "ib103", "ib104", "ib105", "ib106", "ib108", "ib110", "ib111", "ib212", "ib401", "ib501", "ib502", "ib504", "ib505", "ib506",
        "ib507", "ib508", "ib510", "ib511", "ib603", "ib607", "ib705", "ib802", "ib900"],
    links: &["godaddy.com", "secureserver.net", "unblock.secureserver.net", "checkspam.godaddy.com"],
    statements: &[
        Statement::on_class(&[4, 5], GODADDY_BOUNCES)
            .text(&["ib103", "ib104", "ib105", "ib106", "ib108", "ib110", "ib111", "ib212", "ib607", "blacklist", "reputation", "rbl", "unblock"])
            .means("the client's address is on a block list or has a bad reputation")
            .help("look the code up on this page, and ask for removal at https://unblock.secureserver.net")
            .example("554 p3plibsmtp01-06.prod.phx3.secureserver.net bizsmtp Connection refused. 192.0.2.1 has a poor reputation on Cloudmark IB607"),
        Statement::on_class(&[4, 5], GODADDY_BOUNCES)
            .text(&["ib101", "ib401", "ib5", "ib9", "too many", "rate", "try again", "limit"])
            .means("too many connections or messages from this address, or a limit of the account")
            .help("send more slowly, and try again later")
            .example("421 bizsmtp Temporarily rejected. Too many connections. IB504 secureserver.net"),
        Statement::on_class(&[4, 5], GODADDY_BOUNCES)
            .text(&["account", "does not exist", "no such user", "user unknown", "recipient not found", "invalid recipient"])
            .means("the recipient does not exist, or takes no mail")
            .example("550 5.1.1 Recipient not found. <http://x.co/irbounce> secureserver.net"),
        Statement::on_class(&[4, 5], GODADDY_BOUNCES)
            .text(&["spam", "content", "url", "link", "virus", "attachment"])
            .means("the content is refused: links, attachment or spam")
            .example("552 5.2.0 Message contains spam-like content. IB212 secureserver.net"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], GODADDY_BOUNCES)
            .means("GoDaddy explains its replies on a page")
            .help("look the code of the reply up there"),
    ),
    ..NOBODY
};

pub(super) static HOSTPOINT: Provider = Provider {
    id: "hostpoint",
    name: "Hostpoint",
    domains: &["hostpoint.ch"],
    markers: &["hostpoint"],
    links: &["hostpoint.ch"],
    contact: Some(
        Statement::on_class(&[4, 5], HOSTPOINT_PAGE)
            .means("Hostpoint hosts the mail of the recipient's domain")
            .help("ask its support with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static CPANEL: Provider = Provider {
    id: "cpanel",
    name: "cPanel",
    markers: &["max emails per hour", "max defers and failures per hour", "has an outgoing mail suspension"],
    domains: &["cpanel.net"],
    statements: &[
        Statement::on_class(&[4, 5], CPANEL_LIMITS)
            .text(&["max emails per hour", "max defers and failures", "exceeded the max"])
            .means("the domain has sent more mail in this hour, or had more failures, than its hosting allows")
            .help("wait an hour; look for a script that was broken into; the hoster can raise the limit")
            .example("550 Domain example.com has exceeded the max emails per hour (150/150 (100%)) allowed. Message discarded."),
        Statement::on_class(&[4, 5], CPANEL_LIMITS)
            .text(&["outgoing mail suspension"])
            .means("the hoster has suspended the outgoing mail of this account")
            .help("ask the hoster why")
            .example("550 User example has an outgoing mail suspension. Message discarded."),
    ],
    ..NOBODY
};
