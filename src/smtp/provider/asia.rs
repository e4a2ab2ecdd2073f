//! Providers of mailboxes in Russia and China: Yandex, Mail.ru, Rambler; QQ, `NetEase` (163 and 126).

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const YANDEX_BOUNCES: ProviderPage =
    ProviderPage { title: "Why a message was returned", url: "https://yandex.com/support/mail/bounces/yandex.html" };
const YANDEX_SETTINGS: ProviderPage = ProviderPage {
    title: "Setting up mail clients",
    url: "https://yandex.com/support/yandex-360/customers/mail/en/mail-clients/others",
};
const MAIL_RU_ERRORS: ProviderPage =
    ProviderPage { title: "Errors of Mail.ru", url: "https://help.mail.ru/notspam-support/errors" };
const MAIL_RU_SETTINGS: ProviderPage =
    ProviderPage { title: "Mail clients", url: "https://help.mail.ru/mail/mailer/popsmtp/" };
const RAMBLER_ERRORS: ProviderPage = ProviderPage {
    title: "Rambler: error messages of mail",
    url: "https://help.rambler.ru/mail/mail-soobsheniya-ob-oshibkah/1326/",
};
const QQ_PAGE: ProviderPage =
    ProviderPage { title: "QQ Mail: open platform for senders", url: "https://openmail.qq.com/" };
const QQ_SETTINGS: ProviderPage = ProviderPage { title: "QQ Mail help", url: "https://service.mail.qq.com/" };
const NETEASE_PAGE: ProviderPage = ProviderPage {
    title: "NetEase: what the codes of returned mail mean",
    url: "https://mail.163.com/help/help_spam_16.htm",
};

pub(super) static YANDEX: Provider = Provider {
    id: "yandex",
    name: "Yandex",
    domains: &["yandex.ru", "yandex.net", "yandex.com"],
    mailboxes: &["yandex.ru", "yandex.com", "ya.ru", "yandex.by", "yandex.kz", "yandex.ua", "narod.ru"],
    greetings: &["mail.yandex.net"],
    markers: &["policy rejection on the target address", "mail.yandex.net", "yandex", "message rejected under suspicion of spam",
        "user does not have access rights to this service"],
    links: &["yandex.ru", "yandex.com", "ya.cc", "help.yandex.ru"],
    submission: Some(Submission {
        host: "smtp.yandex.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address, or the login of the account"),
            password: "an app password for mail, not that of the account",
            mechanism: None,
        },
        source: YANDEX_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], YANDEX_SETTINGS)
            .help("Yandex wants an app password made for mail, and access by mail programs switched on in the settings"),
        Statement::on(&[530, 538], YANDEX_SETTINGS)
            .text(&["ssl", "tls", "encrypt"])
            .means("mail is taken from users over TLS only")
            .example("530 5.7.7 Email sending without SSL/TLS encryption is not allowed. Please see: http://help.yandex.ru/mail/mail-clients/ssl.xml"),
        Statement::on_class(&[4, 5], YANDEX_BOUNCES)
            .text(&["spam", "suspicious", "1irbc"])
            .means("the message looks like spam")
            .help("open the link in the reply; send less mail of the same kind, and sign it with DKIM")
            .example("554 5.7.1 [1] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc"),
        Statement::on_class(&[4, 5], YANDEX_BOUNCES)
            .text(&["policy rejection", "rejected by policy", "1irbg", "not allowed by policy"])
            .means("the server or the sender breaks a rule of Yandex, often for its PTR record or its reputation")
            .help("see the page that the reply links to, and put PTR, HELO, SPF and DKIM right")
            .example("550 5.7.1 Policy rejection on the target address (Yandex)"),
        Statement::on_class(&[4, 5], YANDEX_BOUNCES)
            .text(&["sender address rejected", "not owned"])
            .means("the address in MAIL does not belong to who logged in")
            .help("send as the address of the account")
            .example("553 5.7.1 Sender address rejected: not owned by auth user. smtp4m.mail.yandex.net"),
        Statement::on_class(&[4, 5], YANDEX_BOUNCES)
            .text(&["rate limit", "too many", "exceeded message rate"])
            .means("too much mail for this mailbox, or from this sender, in a short time")
            .help("try again later, and send more slowly")
            .example("450 4.2.1 The recipient has exceeded message rate limit. Try again later. mail.yandex.net"),
        Statement::on_class(&[4, 5], YANDEX_BOUNCES)
            .text(&["no such user", "user not found"])
            .means("the recipient does not exist")
            .example("550 5.7.1 No such user! mail.yandex.net"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], YANDEX_BOUNCES)
            .means("Yandex explains on a page why it returns messages")
            .help("look the reply up there"),
    ),
    ..NOBODY
};

pub(super) static MAIL_RU: Provider = Provider {
    id: "mail-ru",
    name: "Mail.ru",
    domains: &["mail.ru"],
    mailboxes: &["mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru"],
    markers: &["message was not accepted -- invalid mailbox", "corp.mail.ru"],
    links: &["help.mail.ru", "postmaster.mail.ru", "mail.ru"],
    submission: Some(Submission {
        host: "smtp.mail.ru",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account"),
            password: "a password for external applications, not that of the account",
            mechanism: None,
        },
        source: MAIL_RU_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], MAIL_RU_SETTINGS)
            .help("Mail.ru wants a password for external applications, made in the settings of the account"),
        Statement::on_class(&[4, 5], MAIL_RU_ERRORS)
            .text(&["invalid mailbox", "user not found", "no such user", "account is disabled"])
            .means("the recipient does not exist, or was switched off for long disuse")
            .help("take the address off the list")
            .example("550 Message was not accepted -- invalid mailbox. Local mailbox a@mail.ru is unavailable: account is disabled"),
        Statement::on_class(&[4, 5], MAIL_RU_ERRORS)
            .text(&["spam"])
            .means("the message, its links, or the sender are taken for spam")
            .help("open the link in the reply and send the form there, with the error code; look at the reputation in Postmaster Mail.ru")
            .example("550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=x or report details to abuse@corp.mail.ru"),
        Statement::on_class(&[4, 5], MAIL_RU_ERRORS)
            .text(&["dmarc"])
            .means("the domain in From: asks for mail to be refused that does not pass DMARC")
            .example("550 5.7.1 This message was not accepted due to domain owner DMARC policy (RFC 7489) https://help.mail.ru/mail-help/postmaster/dmarc"),
        Statement::on_class(&[4, 5], MAIL_RU_ERRORS)
            .text(&["access denied", "non-local sender", "not local sender", "we do not accept mail from hosts", "dynamic ip", "reverse dns"])
            .means("the client's address looks like a dial-up line, has no PTR record, or is blocked")
            .help("send from a fixed address with a PTR record of its own name")
            .example("550 We do not accept mail from hosts with dynamic IP or generic dns PTR-records. Please contact abuse@corp.mail.ru"),
        Statement::on_class(&[4, 5], MAIL_RU_ERRORS)
            .text(&["too many", "rate", "try again later", "ratelimit"])
            .means("too much mail in a short time")
            .help("try again later, and send more slowly")
            .example("451 Ratelimit exceeded for mailbox a@mail.ru. Try again later."),
        Statement::on_class(&[4, 5], MAIL_RU_ERRORS)
            .text(&["mailbox full", "user is over", "quota"])
            .means("the recipient's mailbox is full")
            .example("552 mailbox full (a@mail.ru)"),
        Statement::on_class(&[5], MAIL_RU_ERRORS)
            .text(&["message sending for this account is disabled", "sending disabled"])
            .means("Mail.ru stopped the sending of this account, mostly because it was broken into")
            .help("change the password, or confirm the account in the browser")
            .example("550 message sending for this account is disabled. mail.ru"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], MAIL_RU_ERRORS)
            .means("Mail.ru explains its errors on a page")
            .help("look the reply up there"),
    ),
    ..NOBODY
};

pub(super) static RAMBLER: Provider = Provider {
    id: "rambler",
    name: "Rambler",
    domains: &["rambler.ru"],
    mailboxes: &["rambler.ru", "lenta.ru", "autorambler.ru", "myrambler.ru", "ro.ru"],
    markers: &["rambler"],
    links: &["rambler.ru"],
    contact: Some(
        Statement::on_class(&[4, 5], RAMBLER_ERRORS)
            .means("Rambler explains its errors on a page: a recipient that is blocked or inactive, too much mail, or spam")
            .help("look the reply up there"),
    ),
    ..NOBODY
};

pub(super) static QQ: Provider = Provider {
    id: "qq",
    name: "QQ Mail and Tencent Exmail",
    domains: &["qq.com"],
    mailboxes: &["qq.com", "foxmail.com", "vip.qq.com"],
    greetings: &["qq.com mx qq mail server", "esmtp qq mail"],
    markers: &["exmail.qq.com", "service.mail.qq.com", "mail.qq.com"],
    links: &["qq.com", "openmail.qq.com", "service.exmail.qq.com", "service.mail.qq.com"],
    submission: Some(Submission {
        host: "smtp.qq.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account"),
            password: "an authorization code, made where SMTP is switched on in the settings",
            mechanism: None,
        },
        source: QQ_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], QQ_SETTINGS)
            .help("QQ Mail wants an authorization code instead of the password, and SMTP switched on in the settings"),
        Statement::on_class(&[4, 5], QQ_PAGE)
            .text(&["content denied", "content rejected", "spam"])
            .means("the content is taken for spam")
            .help("change subject and body, take out links and pictures that are listed, and open the link in the reply")
            .example("550 Mail content denied. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000726"),
        Statement::on_class(&[4, 5], QQ_PAGE)
            .text(&["frequency limited", "frequency limit", "too many", "ip frequency", "domain frequency", "connection frequency"])
            .means("too much mail in a short time from this sender, domain or address")
            .help("send more slowly, and try again later")
            .example("550 Sender frequency limited. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000723"),
        Statement::on_class(&[4, 5], QQ_PAGE)
            .text(&["suspected spam ip", "connection denied", "ip is blocked", "suspected bounce", "ip denied"])
            .means("the client's address is blocked for its reputation")
            .help("open the link in the reply, and ask for its release on the platform for senders")
            .example("550 Connection denied. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000725"),
        Statement::on_class(&[4, 5], QQ_PAGE)
            .text(&["mailbox not found", "mailbox unavailable", "no such user", "account does not exist"])
            .means("the recipient does not exist")
            .help("correct the address, or take it off the list")
            .example("550 Mailbox not found. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728"),
        Statement::on_class(&[4, 5], QQ_PAGE)
            .text(&["rejected by recipients", "rejected by recipient"])
            .means("the recipient has blocked the sender")
            .example("550 Mail is rejected by recipients. mail.qq.com"),
        Statement::on_class(&[4, 5], QQ_PAGE)
            .text(&["bad address syntax"])
            .means("the syntax of an address is wrong")
            .example("501 Bad address syntax. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000730"),
        Statement::on_class(&[4, 5], QQ_PAGE)
            .text(&["spf", "dkim", "dmarc"])
            .means("the sender's domain does not pass SPF, DKIM or DMARC")
            .help("publish SPF and DKIM for the domain in From:")
            .example("550 SPF check failed. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1001445"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], QQ_PAGE)
            .means("QQ Mail links each reply to a page that explains it")
            .help("open the link in the reply"),
    ),
    ..NOBODY
};

pub(super) static NETEASE: Provider = Provider {
    id: "netease",
    name: "NetEase (163, 126, yeah.net)",
    domains: &["163.com", "126.com", "yeah.net", "netease.com", "163.net", "ym.163.com"],
    mailboxes: &["163.com", "126.com", "yeah.net", "188.com", "vip.163.com"],
    greetings: &["anti-spam gt for coremail system"],
    markers: &["mi:sp", "mi:stc", "mi:dmc", "mi:nhd", "mi:ccl", "mi:cel", "mi:imf", "mi:sfq", "mi:by", "mi:fmw", "dt:sp", "dt:rbl", "hl:rep", "hl:icc", "hl:ifc",
        "hl:mep", "hl:ihu", "hl:ipb", "rp:drc", "rp:cel", "rp:ccl", "rp:qrc", "rp:trc", "wm:bli", "wm:blu", "mail.163.com", "ym.163.com"],
    links: &["163.com", "126.com", "mail.163.com", "netease.com"],
    submission: Some(Submission {
        host: "smtp.163.com",
        starttls: &[],
        implicit: &[465, 994],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the account"),
            password: "an authorization code, made where SMTP is switched on in the settings",
            mechanism: None,
        },
        source: NETEASE_PAGE,
    }),
    statements: &[
        Statement::on(&[535, 550], NETEASE_PAGE)
            .text(&["auth", "user has no permission", "login fail"])
            .means("the login is refused")
            .help("NetEase wants an authorization code instead of the password, and SMTP switched on in the settings")
            .example("550 User has no permission (smtp.163.com, mail.163.com)"),
        Statement::on_class(&[4, 5], NETEASE_PAGE)
            .text(&["hl:icc", "hl:ifc", "hl:rep", "hl:mep", "hl:ihu", "hl:ipb", "dt:rbl", "wm:bli"])
            .means("the client's address is blocked for the moment: too many connections or messages, unknown recipients, false senders, or a \
                    block list")
            .help("HL:ICC, HL:IFC: send more slowly; HL:REP: take unknown recipients off the list; HL:MEP: use a sender that exists; DT:RBL: see \
                   the lists")
            .example("421 HL:REP 163 mx1,x,192.0.2.1"),
        Statement::on_class(&[4, 5], NETEASE_PAGE)
            .text(&["dt:sp", "mi:sp", "mi:stc", "mi:sfq", "dt:spm"])
            .means("the content is taken for spam, or there is too much mail from this sender (MI:SFQ, MI:STC)")
            .help("change the content, and send less at once")
            .example("554 DT:SPM 163 mx16,x please see http://mail.163.com/help/help_spam_16.htm"),
        Statement::on_class(&[4, 5], NETEASE_PAGE)
            .text(&["mi:nhd", "mi:imf", "mi:by"])
            .means("the headers of the message are not well formed, or From: differs from the sender in MAIL (MI:IMF)")
            .example("554 MI:IMF 163 smtp5"),
        Statement::on_class(&[4, 5], NETEASE_PAGE)
            .text(&["rp:", "mi:dmc", "mi:ccl", "mi:cel"])
            .means("too many messages, recipients or wrong commands in one connection")
            .help("send fewer messages and recipients in each connection")
            .example("450 RP:DRC 126 mx3"),
        Statement::on_class(&[4, 5], NETEASE_PAGE)
            .text(&["user not found", "no such user", "user suspended", "user not exist"])
            .means("the recipient does not exist, or is suspended")
            .example("550 User not found: a@163.com"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], NETEASE_PAGE)
            .means("NetEase explains the codes of returned mail on a page")
            .help("look the letters of the reply up there"),
    ),
    ..NOBODY
};
