//! Providers of mailboxes for everybody: iCloud Mail, Fastmail, Outlook.com, Proton Mail.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};
use crate::smtp::auth::Mechanism;

const ICLOUD_SETTINGS: ProviderPage = ProviderPage {
    title: "iCloud Mail server settings for other email client apps",
    url: "https://support.apple.com/en-us/102525",
};
const ICLOUD_POSTMASTER: ProviderPage =
    ProviderPage { title: "Postmaster information for iCloud Mail", url: "https://support.apple.com/en-us/102322" };
const FASTMAIL_SETTINGS: ProviderPage =
    ProviderPage { title: "Server names and ports", url: "https://www.fastmail.help/hc/en-us/articles/1500000278342" };
const FASTMAIL_PAGE: ProviderPage = ProviderPage {
    title: "Fastmail: mail that is not delivered",
    url: "https://www.fastmail.help/hc/en-us/articles/360060590653",
};
const OUTLOOK_SETTINGS: ProviderPage = ProviderPage {
    title: "POP, IMAP, and SMTP settings for Outlook.com",
    url: "https://support.microsoft.com/en-us/office/pop-imap-and-smtp-settings-8361e398-8af4-4e97-b147-6c6c4ac95353",
};
const OUTLOOK_TROUBLE: ProviderPage = ProviderPage {
    title: "Outlook.com Postmaster: troubleshooting",
    url: "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting.aspx",
};
const OUTLOOK_DELIST: ProviderPage =
    ProviderPage { title: "Outlook.com: sender information for deliverability", url: "https://olcsupport.office.com/" };
const PROTON_SMTP: ProviderPage =
    ProviderPage { title: "How to use Proton Mail SMTP submission", url: "https://proton.me/support/smtp-submission" };
const PROTON_PAGE: ProviderPage = ProviderPage {
    title: "Proton: why was my message not delivered",
    url: "https://proton.me/support/delivery-problems",
};

pub(super) static ICLOUD: Provider = Provider {
    id: "icloud",
    name: "iCloud Mail",
    domains: &["mail.me.com", "icloud.com", "apple.com", "me.com"],
    mailboxes: &["icloud.com", "me.com", "mac.com"],
    greetings: &["icloud"],
    markers: &["icloud", "[cs01]", "[cs02]", "[hm0", "[hm1", "[tmps", "[pr0", "mail.me.com"],
    links: &["support.apple.com", "apple.com", "icloud.com"],
    submission: Some(Submission {
        host: "smtp.mail.me.com",
        starttls: &[587],
        implicit: &[],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole iCloud Mail address"),
            password: "an app-specific password, not that of the Apple Account",
            mechanism: None,
        },
        source: ICLOUD_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], ICLOUD_SETTINGS)
            .help("iCloud Mail wants an app-specific password, not that of the Apple Account"),
        Statement::on_class(&[4, 5], ICLOUD_POSTMASTER)
            .text(&["local policy", "[cs0", "content", "spam"])
            .means("the content was refused by policy: it looks like mail that nobody asked for")
            .help("keep to Apple's rules for bulk senders, then write to icloudadmin@apple.com with the whole reply")
            .example("550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137"),
        Statement::on_class(&[4, 5], ICLOUD_POSTMASTER)
            .text(&["[hm", "blocked", "reputation", "listed", "spamhaus", "proofpoint"])
            .means("the client's address or the domain is refused for its reputation")
            .help("look it up in the list that the reply names, then write to icloudadmin@apple.com with the whole reply")
            .example("554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137 blocked"),
        Statement::on_class(&[4, 5], ICLOUD_POSTMASTER)
            .text(&["dmarc", "spf", "dkim", "authentic"])
            .means("the domain in From: does not pass DMARC, and asks for such mail to be refused")
            .help("sign with DKIM, and send from addresses that the SPF record names")
            .example("550 5.7.1 Your message was rejected due to example.com's DMARC policy. See https://support.apple.com/en-us/HT204137 for info"),
        Statement::on_class(&[4, 5], ICLOUD_POSTMASTER)
            .text(&["too many errors", "too many", "rate", "try again later", "unavailable"])
            .means("too many errors, messages or connections from this address, or the servers are loaded")
            .help("send more slowly, take unknown recipients off the list, and try again later")
            .example("421 4.7.0 me.com Error: too many errors"),
        Statement::on_class(&[4, 5], ICLOUD_POSTMASTER)
            .text(&["user does not exist", "user unknown", "no such user", "mailbox unavailable"])
            .means("the recipient does not exist")
            .help("take the address off the list")
            .example("550 5.1.1 <a@icloud.com>: user does not exist"),
        Statement::on_class(&[4, 5], ICLOUD_POSTMASTER)
            .text(&["over quota", "quota"])
            .means("the recipient's mailbox is full")
            .example("552 5.2.2 <a@icloud.com>: user is over quota"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], ICLOUD_POSTMASTER)
            .means("iCloud Mail says on a page what it demands of senders")
            .help("see there, and write to icloudadmin@apple.com with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static FASTMAIL: Provider = Provider {
    id: "fastmail",
    name: "Fastmail",
    domains: &["fastmail.com", "messagingengine.com"],
    mailboxes: &["fastmail.com", "fastmail.fm"],
    greetings: &["messagingengine.com"],
    markers: &["fastmail", "messagingengine"],
    links: &["fastmail.com", "fastmail.help", "messagingengine.com"],
    submission: Some(Submission {
        host: "smtp.fastmail.com",
        starttls: &[],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account"),
            password: "an app password, not that of the account",
            mechanism: None,
        },
        source: FASTMAIL_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], FASTMAIL_SETTINGS).help("Fastmail wants an app password, not that of the account"),
        Statement::on_class(&[5], FASTMAIL_SETTINGS)
            .text(&["not permitted to send as", "not authorised to send", "not authorized to send", "from address"])
            .means("the address in MAIL is none of the account's")
            .help("add the address to the account, and use it there once")
            .example("551 5.7.1 Not authorised to send from this header address (messagingengine.com)"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], FASTMAIL_PAGE)
            .means("Fastmail says on a page what it refuses")
            .help("see there, and ask its support with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static PROTON: Provider = Provider {
    id: "proton",
    name: "Proton Mail",
    domains: &["protonmail.ch", "protonmail.com", "proton.me", "proton.ch"],
    mailboxes: &["protonmail.com", "proton.me", "pm.me", "protonmail.ch"],
    markers: &["protonmail", "proton.me"],
    links: &["proton.me", "protonmail.com", "protonmail.ch"],
    submission: Some(Submission {
        host: "smtp.protonmail.ch",
        starttls: &[587],
        implicit: &[],
        credentials: ProviderCredentials {
            user: UserName::Told("the address for which the SMTP token was made"),
            password: "an SMTP token, made in the settings; paid plans with a domain of one's own only",
            mechanism: None,
        },
        source: PROTON_SMTP,
    }),
    statements: &[
        Statement::on(&[535], PROTON_SMTP)
            .help("Proton wants an SMTP token, made in the settings of a paid plan with a domain of its own, and the address it was made for"),
        Statement::on_class(&[4, 5], PROTON_PAGE)
            .text(&["does not exist", "user unknown", "no such user", "recipient address rejected"])
            .means("the recipient does not exist, or is disabled")
            .example("550 5.1.1 <a@protonmail.com>: Recipient address rejected: Address does not exist"),
        Statement::on_class(&[4, 5], PROTON_PAGE)
            .text(&["greylist", "too many", "rate", "try again"])
            .means("deferred: Proton tries unknown clients out, or there is too much mail at once")
            .help("try again later")
            .example("451 4.7.1 <a@protonmail.com>: Recipient address rejected: Greylisted, try again later"),
        Statement::on_class(&[4, 5], PROTON_PAGE)
            .text(&["blocked", "spam", "listed", "reputation", "reverse", "dmarc", "spf", "dkim"])
            .means("the client's address, the sender's domain or the content is refused")
            .help("put PTR, SPF, DKIM and DMARC right, then write to postmaster@proton.me with the whole reply")
            .example("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked, see https://proton.me/support"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], PROTON_PAGE)
            .means("Proton says on a page why mail is not delivered")
            .help("see there, and write to postmaster@proton.me with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static OUTLOOK: Provider = Provider {
    id: "outlook",
    name: "Outlook.com",
    domains: &["smtp-mail.outlook.com", "olc.protection.outlook.com", "hotmail.com"],
    mailboxes: &["outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.fr", "hotmail.co.uk", "outlook.fr", "outlook.de", "live.fr", "live.co.uk", "hotmail.de",
        "hotmail.it", "passport.com", "windowslive.com"],
    greetings: &["olc.protection.outlook.com"],
    markers: &["(s3140", "(s3150", "(s3114", "(s3113", "(s3115", "(s2017", "(as3140", "(as3150", "rp-00", "sc-00", "dy-00", "ou-00", "from your network are on our block list",
        "part of their network is on our block list", "postmaster.live.com", "mail.live.com"],
    links: &["mail.live.com", "postmaster.live.com", "sendersupport.olc.protection.outlook.com", "olcsupport.office.com", "go.microsoft.com/fwlink/?linkid=614866",
        "postmaster.hotmail.com", "hotmail.com"],
    submission: Some(Submission {
        host: "smtp-mail.outlook.com",
        starttls: &[587],
        implicit: &[],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account"),
            password: "an OAuth 2 access token: passwords are being phased out",
            mechanism: Some(Mechanism::XOAuth2),
        },
        source: OUTLOOK_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], OUTLOOK_SETTINGS).help("Outlook.com wants XOAUTH2 with a token, not a password"),
        Statement::on_class(&[4, 5], OUTLOOK_DELIST)
            .text(&["s3140", "s3150", "as3140", "as3150", "block list"])
            .means("the client's address, or its network, is on Outlook.com's block list (S3140: the network; S3150: the address)")
            .help("when the cause is gone, ask for delisting by the form on this page, with the whole reply and the address; the hoster may have to ask")
            .example("550 5.7.1 Unfortunately, messages from [192.0.2.245] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140)."),
        Statement::on_class(&[4, 5], OUTLOOK_TROUBLE)
            .text(&["rate limited", "s3114", "s3113", "s3115", "s77", "rp-001", "rp-002", "rp-003", "reputation", "exceeded the rate limit"])
            .means("too much mail for the reputation of the client's address: Outlook.com takes less for the moment")
            .help("send more slowly, and look at the address in SNDS; new addresses must begin with little mail")
            .example("451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S3114)"),
        Statement::on_class(&[4, 5], OUTLOOK_TROUBLE)
            .text(&["sc-001", "sc-002", "sc-003", "sc-004"])
            .means("refused by policy: the content (SC-001, SC-004), the reputation of the address (SC-002), or an open proxy (SC-003)")
            .help("look at complaints and the address in SNDS, then ask by the form of the page")
            .example("550 SC-001 (COL004-MC6F4) Unfortunately, messages from 192.0.2.1 weren't sent."),
        Statement::on_class(&[4, 5], OUTLOOK_TROUBLE)
            .text(&["dy-001", "dy-002", "dynamic"])
            .means("the client's address looks like a line of a customer, or like an infected machine (DY-002)")
            .help("send by the server of the provider, or give the address a PTR record of its own")
            .example("550 DY-001 (SNT004-MC1F30) Unfortunately, messages from 192.0.2.1 weren't sent. We generally do not accept email from dynamic IP's"),
        Statement::on_class(&[4, 5], OUTLOOK_TROUBLE)
            .text(&["ou-001", "ou-002"])
            .means("the client's address is on a list of Spamhaus (OU-001), or looks like an open proxy (OU-002)")
            .help("get the address off the list that the reply names")
            .example("550 OU-001 (SNT004-MC2F46) Unfortunately, messages from 192.0.2.1 weren't sent. Spamhaus"),
        Statement::on_class(&[4, 5], OUTLOOK_TROUBLE)
            .text(&["mailbox unavailable", "user unknown", "no such user", "recipient not found"])
            .means("the recipient does not exist")
            .help("take the address off the list")
            .example("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)"),
    ],
    kin: Some(&super::microsoft::MICROSOFT),
    contact: Some(
        Statement::on_class(&[4, 5], OUTLOOK_TROUBLE)
            .means("Outlook.com explains its replies on a page")
            .help("look the code of the reply up there"),
    ),
    ..NOBODY
};
