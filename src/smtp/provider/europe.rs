//! Providers of mailboxes in Europe: GMX, WEB.DE and IONOS; T-Online; Orange, Free, La Poste and SFR; Infomaniak.

use super::{NOBODY, Provider, ProviderCredentials, ProviderPage, Statement, Submission, UserName};

const UNITED_INTERNET: ProviderPage = ProviderPage {
    title: "Error messages when sending emails to GMX",
    url: "https://postmaster.gmx.net/en/error-messages",
};
const IONOS_SETTINGS: ProviderPage = ProviderPage {
    title: "Server information for IMAP, POP3 and SMTP",
    url: "https://www.ionos.com/help/email/general-topics/server-information-for-imap-pop3-and-smtp/",
};
const TELEKOM: ProviderPage =
    ProviderPage { title: "postmaster.t-online.de", url: "https://postmaster.t-online.de/index.en.html" };
const ORANGE_PAGE: ProviderPage = ProviderPage { title: "Orange Postmaster", url: "https://postmaster.orange.fr" };
const FREE_PAGE: ProviderPage =
    ProviderPage { title: "Free Postmaster", url: "https://postmaster.free.fr/index_en.html" };
const LA_POSTE_PAGE: ProviderPage =
    ProviderPage { title: "La Poste Postmaster", url: "https://postmaster.laposte.net" };
const LA_POSTE_CODES: ProviderPage = ProviderPage {
    title: "Bento: Laposte.net SMTP Error Codes (collected by a sender of mail, not by La Poste)",
    url: "https://bentonow.com/smtp-errors/laposte",
};
const SFR_CODES: ProviderPage = ProviderPage {
    title: "Bento: SFR SMTP Error Codes (collected by a sender of mail, not by SFR)",
    url: "https://bentonow.com/smtp-errors/sfr",
};
const SFR_PAGE: ProviderPage = ProviderPage { title: "SFR Postmaster", url: "https://postmaster.sfr.fr" };
const INFOMANIAK_PAGE: ProviderPage =
    ProviderPage { title: "E-mail hosting", url: "https://www.infomaniak.com/en/support/faq/admin2/e-mail-hosting" };

pub(super) static GMX: Provider = Provider {
    id: "gmx",
    name: "GMX and WEB.DE",
    domains: &["gmx.net", "gmx.com", "gmx.de", "web.de", "mail.com", "emig.gmx.net", "emig.kundenserver.de"],
    mailboxes: &["gmx.net", "gmx.com", "gmx.de", "gmx.at", "gmx.ch", "web.de", "mail.com"],
    greetings: &["nemesis esmtp"],
    markers: &["reject due to spf policy", "permitted by the domain owner", "nemesis esmtp", "mxgmx", "mxweb", "bad dns ptr resource record", "reject due to policy restrictions", "ip address is block listed",
        "invalid dns mx or a/aaaa"],
    links: &["postmaster.gmx.net", "postmaster.gmx.com", "postmaster.web.de", "www.gmx.net", "gmx.net", "web.de", "postmaster.mail.com",
        "postmaster.1and1.com", "postmaster.kundenserver.de", "postmaster.ionos"],
    statements: &[
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["ptr resource record", "c=rdns"])
            .means("the client's address has no PTR record, or one that looks like that of a dial-up line")
            .help("give the address a PTR record with the server's own name, which leads back to the address")
            .example("554-gmx.net (mxgmx014) Nemesis ESMTP Service not available 554-No SMTP service 554 Bad DNS PTR resource record."),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["block listed", "blocklisted", "c=bl", "i=ip"])
            .means("the client's address is on a block list of GMX and WEB.DE")
            .help("open the link in the reply: its page says why, and takes a request when the cause is gone")
            .example("554-web.de (mxweb112) Nemesis ESMTP Service not available 554 IP address is block listed."),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["dns mx or a/aaaa", "c=dns"])
            .means("the domain in MAIL has neither an MX nor an address in DNS")
            .help("send with a sender whose domain exists in DNS")
            .example("550 <a@example.com>: Invalid DNS MX or A/AAAA resource record"),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["spf"])
            .means("the client's address is not in the SPF record of the sender's domain; often mail that somebody forwards")
            .help("add the address to the SPF record; whoever forwards must rewrite the sender")
            .example("550 <a@example.com>: Reject due to SPF policy. The originating IP of the message is not permitted by the domain owner"),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["policy restrictions", "for policy reasons", "c=hd", "header based", "ip based"])
            .means("the headers of the message, or the client's address, break the rules for senders")
            .help("keep to RFC 5321 and 5322: one From:, a Date:, no empty header; see the page for the rules")
            .example("550 <a@example.com>: Reject due to policy restrictions (header based)"),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["mailbox unavailable"])
            .means("the recipient does not exist, or is blocked")
            .help("correct the address, or take it off the list")
            .example("550 <a@gmx.net>: Requested action not taken: mailbox unavailable"),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["exceeded storage", "quota exceeded"])
            .means("the recipient's mailbox is full")
            .example("552 Requested mail action aborted: exceeded storage allocation Quota exceeded. For explanation visit https://postmaster.gmx.net/en"),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["ratelimit", "rate limit", "too many", "slow down", "try again later", "resources temporarily", "local error in processing",
                "insufficient system storage", "local limit"])
            .means("too much mail in a short time, or the servers are loaded: the message is taken later")
            .help("try again in some hours, and send more slowly")
            .example("421-gmx.net (mxgmx104) Nemesis ESMTP Service not available 421-Service closing transmission channel 421 Too many messages, try again later"),
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .text(&["syntax error"])
            .means("the client's server breaks the protocol, and is refused until it is put right")
            .example("550 <a@web.de>: Syntax error in parameters or arguments. For explanation visit https://postmaster.web.de/en"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], UNITED_INTERNET)
            .means("GMX and WEB.DE explain each of their replies on a page")
            .help("open the link in the reply, or look the text up on this page"),
    ),
    ..NOBODY
};

pub(super) static IONOS: Provider = Provider {
    id: "ionos",
    name: "IONOS",
    domains: &[
        "smtp.ionos.com",
        "smtp.ionos.de",
        "smtp.ionos.co.uk",
        "smtp.ionos.fr",
        "smtp.ionos.es",
        "smtp.1und1.de",
        "smtp.1and1.com",
        "mx00.ionos.de",
        "mx01.ionos.de",
        "kundenserver.de",
    ],
    greetings: &["kundenserver.de"],
    links: &["ionos.com", "ionos.de"],
    submission: Some(Submission {
        host: "smtp.ionos.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the mailbox"),
            password: "the password of the mailbox, not that of the IONOS account",
            mechanism: None,
        },
        source: IONOS_SETTINGS,
    }),
    statements: &[
        Statement::on(&[535], IONOS_SETTINGS)
            .help("IONOS wants the whole address and the password of the mailbox, not those of the IONOS account"),
        Statement::on_class(&[5], IONOS_SETTINGS)
            .text(&["sender address is not allowed", "sender address not allowed"])
            .means("the address in MAIL belongs to no mailbox of this contract")
            .help("send as the address that logs in")
            .example("550 Sender address is not allowed. (kundenserver.de)"),
    ],
    ..NOBODY
};

pub(super) static T_ONLINE: Provider = Provider {
    id: "t-online",
    name: "T-Online (Telekom)",
    domains: &["t-online.de", "telekom.de"],
    mailboxes: &["t-online.de", "magenta.de"],
    markers: &["rx.t-online.de"],
    links: &["postmaster.t-online.de", "t-online.de"],
    statements: &[
        Statement::on_class(&[4, 5], TELEKOM)
            .text(&["(bl)", "(nowl)", "(nofw)", "bad reputation", "a problem occurred", "for reset"])
            .means("the client's address has no reputation at T-Online, or a bad one: unknown servers are refused at first")
            .help("write to the address in the reply (tosa@ or tobr@rx.t-online.de) with the client's address; its name must lead to a page \
                   that says who runs the server")
            .example("554 IP=192.0.2.5 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)"),
        Statement::on_class(&[4, 5], TELEKOM)
            .text(&["too many connections", "rate limit", "try again later", "too many"])
            .means("more connections or messages than T-Online takes from this address at once")
            .help("open fewer connections, and try again later")
            .example("421 mailin01.t-online.de too many connections, try again later"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], TELEKOM)
            .means("T-Online publishes its rules for servers, and how to reach its postmaster, on a page")
            .help("see there what servers must keep to, and write with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static ORANGE: Provider = Provider {
    id: "orange",
    name: "Orange and Wanadoo",
    domains: &["orange.fr", "wanadoo.fr", "orange.net"],
    mailboxes: &["orange.fr", "wanadoo.fr"],
    markers: &["ofr_", "ofr0", "ofr-", "ofr1", "ofr2", "ofr3", "ofr4", "ofr5", "ofr6", "ofr7", "ofr8", "ofr9"],
    links: &["postmaster.orange.fr", "r.orange.fr", "assistance.orange.fr", "orange.fr"],
    statements: &[
        Statement::on_class(&[4, 5], ORANGE_PAGE)
            .text(&["ofr_416", "ofr004_416", "destinataire", "invalid recipient", "recipient unknown"])
            .means("the recipient does not exist")
            .help("correct the address, or take it off the list: many unknown recipients spoil the reputation")
            .example("550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]"),
        Statement::on_class(&[4, 5], ORANGE_PAGE)
            .text(&["ofr_417", "mailbox full", "boite pleine", "quota"])
            .means("the recipient's mailbox is full")
            .example("552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]"),
        Statement::on_class(&[4, 5], ORANGE_PAGE)
            .text(&["ofr_506", "ofr_515", "ofr004_506", "mail rejete", "mail rejected", "ofr006_506"])
            .means("the message is refused: it is taken for spam, or its sender has a bad reputation")
            .help("look at the rules for senders on the page, and at complaints; ask for help there with the code of the reply")
            .example("550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]"),
        Statement::on_class(&[4, 5], ORANGE_PAGE)
            .text(&["too many connections", "trop de connexions", "ofr004_104", "ofr_104"])
            .means("too many connections at once from this address")
            .help("open fewer connections, at most three or so, and try again later")
            .example("421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104 [104]"),
        Statement::on_class(&[4], ORANGE_PAGE)
            .text(&["service refus", "ofr_108", "ofr_109", "ofr_999", "ofr004_105", "ofr"])
            .means("refused for some hours, for the reputation of the address or too much mail")
            .help("stop for some hours, then try again with less mail; look for complaints and unknown recipients")
            .example("421 mwinf5c77 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 [999]"),
        Statement::on_class(&[5], ORANGE_PAGE)
            .text(&["dmarc", "spf", "dkim", "authenti"])
            .means("the sender's domain does not pass SPF, DKIM or DMARC")
            .help("publish SPF and DKIM for the domain in From:, and sign the messages")
            .example("550 5.7.1 Service refuse. DMARC policy. OFR_521 [521]"),
        Statement::on_class(&[5], ORANGE_PAGE)
            .text(&["ofr"])
            .means("refused by a rule of Orange; the number after OFR says which")
            .help("ask Orange's postmaster with the whole reply")
            .example("550 5.7.1 Service refuse. Veuillez essayer plus tard. service refused, please try later. OFR_403 [403]"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], ORANGE_PAGE)
            .means("Orange publishes its rules for senders on a page")
            .help("see there, and ask with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static FREE: Provider = Provider {
    id: "free-fr",
    name: "Free",
    domains: &["free.fr", "proxad.net"],
    mailboxes: &["free.fr"],
    links: &["postmaster.free.fr", "free.fr"],
    markers: &["postmaster.free.fr"],
    statements: &[
        Statement::on_class(&[4, 5], FREE_PAGE)
            .text(&["spam detected", "spam"])
            .means("the content is taken for spam")
            .help("change what makes it look like spam, and ask Free's postmaster if that is wrong")
            .example("550 spam detected. See http://postmaster.free.fr/#spam_detected"),
        Statement::on_class(&[4, 5], FREE_PAGE)
            .text(&["too many", "try again later", "rate"])
            .means("too much mail or too many connections from this address")
            .help("send more slowly, and try again later")
            .example("421 Too many connections from your IP, see http://postmaster.free.fr"),
        Statement::on_class(&[4, 5], FREE_PAGE)
            .text(&["quota exceeded", "quota"])
            .means("the recipient's mailbox is full")
            .example("554 5.2.2 <a@free.fr>: Recipient address rejected: Quota exceeded (mailbox for user is full)"),
        Statement::on_class(&[4, 5], FREE_PAGE)
            .text(&["user unknown", "unknown user"])
            .means("the recipient does not exist")
            .example("550 5.1.1 <a@free.fr>: Recipient address rejected: User unknown in virtual mailbox table"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], FREE_PAGE)
            .means("Free explains its replies on its postmaster's page")
            .help("look the reply up there"),
    ),
    ..NOBODY
};

pub(super) static LA_POSTE: Provider = Provider {
    id: "laposte",
    name: "La Poste",
    domains: &["laposte.net"],
    mailboxes: &["laposte.net"],
    markers: &["lpn007", "lpn105", "lpn0", "lpn1"],
    links: &["postmaster.laposte.net", "laposte.net"],
    statements: &[
        Statement::on_class(&[4, 5], LA_POSTE_CODES)
            .text(&["lpn027_503"])
            .means("the client's address is refused for some time, for its reputation or for too much mail")
            .help("send less, by two connections at most, and try again later")
            .example("450 4.7.1 Client host rejected: Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN027_503"),
        Statement::on_class(&[4, 5], LA_POSTE_CODES)
            .text(&["lpn007_405"])
            .means("the sender's address can't receive mail")
            .help("use a sender whose domain has a mail exchanger that accepts the address")
            .example("450 4.1.8 Emetteur invalide. Invalid Sender. LPN007_405"),
        Statement::on_class(&[4, 5], LA_POSTE_CODES)
            .text(&["lpn007_416"])
            .means("the recipient's address does not exist")
            .example("550 5.5.0 Boite du destinataire archivee. Invalid recipient. LPN007_416 laposte.net"),
        Statement::on_class(&[4, 5], LA_POSTE_CODES)
            .text(&["lpn007_510"])
            .means("the message is refused for its content or by a rule of La Poste's")
            .example("550 5.7.1 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007_510"),
        Statement::on_class(&[4, 5], LA_POSTE_CODES)
            .text(&["lpn007_517"])
            .means("the message fails the DMARC policy of the domain in From:")
            .example("550 5.7.1 Message rejete. DMARC policy. LPN007_517"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], LA_POSTE_PAGE)
            .means("La Poste refuses by the reputation of the client's address and the sender's domain; LPN and a number say by which rule")
            .help("keep to the rules on the page, and ask the postmaster there with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static SFR: Provider = Provider {
    id: "sfr",
    name: "SFR",
    domains: &["sfr.fr", "neuf.fr", "sfr.net"],
    mailboxes: &["sfr.fr", "neuf.fr", "cegetel.net", "club-internet.fr", "numericable.fr"],
    markers: &["sfr_", "neuf.fr"],
    links: &["postmaster.sfr.fr", "sfr.fr"],
    statements: &[Statement::on_class(&[4, 5], SFR_CODES)
        .text(&["sfr_in"])
        .means("the client's address is blocked for two hours; the last two digits say why: 01 spam, 02 malware, 03 too many SMTP errors, 04 unknown recipients, 05 too much mail")
        .help("mend the cause, and try again after that time")
        .example("450 4.7.1 Service refused due to bad behavior. SFR_IN_101")],
    contact: Some(
        Statement::on_class(&[4, 5], SFR_PAGE)
            .means("SFR refuses by the reputation of the client's address, the number of connections and the content")
            .help("see the rules on the page, and ask the postmaster there with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static INFOMANIAK: Provider = Provider {
    id: "infomaniak",
    name: "Infomaniak",
    domains: &["infomaniak.ch", "infomaniak.com", "ikmail.com", "mta-gw.infomaniak.ch"],
    mailboxes: &["ik.me", "ikmail.com"],
    links: &["infomaniak.com", "infomaniak.ch"],
    submission: Some(Submission {
        host: "mail.infomaniak.com",
        starttls: &[587],
        implicit: &[465],
        credentials: ProviderCredentials {
            user: UserName::Told("the whole address of the mailbox"),
            password: "the password of the mailbox, or one made for the device",
            mechanism: None,
        },
        source: INFOMANIAK_PAGE,
    }),
    statements: &[Statement::on(&[535], INFOMANIAK_PAGE)
        .help("Infomaniak wants the whole address and the password of the mailbox, or one made for the device")],
    ..NOBODY
};
