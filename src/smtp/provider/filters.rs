//! Filters in front of other mail systems: Proofpoint, Barracuda, Cloudmark, Trend Micro, Broadcom, Cisco, Trellix, Zerospam, Cloudflare; and
//! Spamhaus, whose lists they and others ask.

use super::{NOBODY, Provider, ProviderKind, ProviderPage, Statement};

const PROOFPOINT_CODES: ProviderPage = ProviderPage {
    title: "Common Error Codes found in Message Details",
    url: "https://help.proofpoint.com/Proofpoint_Essentials/Email_Security/Administrator_Topics/110_logs/Common_Error_Codes_found_in_Message_Details",
};
const PROOFPOINT_LOOKUP: ProviderPage =
    ProviderPage { title: "Proofpoint Dynamic Reputation IP Lookup", url: "https://ipcheck.proofpoint.com" };
const BARRACUDA_CODES: ProviderPage =
    ProviderPage { title: "SMTP Error Codes", url: "https://campus.barracuda.com/doc/39815000" };
const BARRACUDA_REMOVAL: ProviderPage = ProviderPage {
    title: "Barracuda Reputation: removal request",
    url: "https://www.barracudacentral.org/rbl/removal-request",
};
const CLOUDMARK_RESET: ProviderPage =
    ProviderPage { title: "Cloudmark Sender Intelligence: reset request", url: "https://csi.cloudmark.com/en/reset/" };
const TREND_MICRO_ERS: ProviderPage =
    ProviderPage { title: "Email Reputation Services", url: "https://www.ers.trendmicro.com/reputations/index" };
const BROADCOM_CODES: ProviderPage = ProviderPage {
    title: "SMTP bounce back error codes for Email Security.cloud",
    url: "https://knowledge.broadcom.com/external/article/165144/smtp-bounce-back-error-codes-for-email-s.html",
};
const CISCO_TALOS: ProviderPage = ProviderPage {
    title: "Talos: reputation of addresses and domains",
    url: "https://talosintelligence.com/reputation_center",
};
const TRELLIX_PAGE: ProviderPage =
    ProviderPage { title: "Trellix Email Security: documentation", url: "https://docs.trellix.com/" };
const ZEROSPAM_PAGE: ProviderPage = ProviderPage {
    title: "Cumulus: managing filtering parameters",
    url: "https://help.cumulussmtp.com/article/21-managing-filtering-parameters",
};
const CLOUDFLARE_CODES: ProviderPage = ProviderPage {
    title: "Email Routing: SMTP errors",
    url: "https://developers.cloudflare.com/email-routing/troubleshooting/email-routing-smtp-errors/",
};
const SPAMHAUS_CHECK: ProviderPage =
    ProviderPage { title: "Spamhaus: reputation checker", url: "https://check.spamhaus.org" };
const SPAMHAUS_RESOLVERS: ProviderPage = ProviderPage {
    title: "Spamhaus: help for users of the legacy blocklists",
    url: "https://www.spamhaus.com/resource-center/help-for-spamhaus-projects-legacy-blocklist-users",
};

pub(super) static PROOFPOINT: Provider = Provider {
    id: "proofpoint",
    name: "Proofpoint",
    domains: &["pphosted.com", "ppe-hosted.com", "proofpoint.com"],
    greetings: &["pphosted.com", "ppe-hosted.com"],
    markers: &["prs.proofpoint.com", "proofpoint", "ipcheck.proofpoint.com"],
    links: &["proofpoint.com", "support.proofpoint.com", "ipcheck.proofpoint.com", "proofpointessentials.com"],
    statements: &[
        Statement::on_class(&[4, 5], PROOFPOINT_LOOKUP)
            .text(&["blocked using", "prs.proofpoint", "ipcheck", "blocked - see", "dynamic reputation", "rejected due to reputation"])
            .means("the client's address has a bad reputation in Proofpoint's list")
            .help("look the address up there and ask for its removal, when the cause is gone")
            .example("550 5.7.1 Service unavailable; client [192.0.2.1] blocked using prs.proofpoint.com"),
        Statement::on_class(&[4, 5], PROOFPOINT_CODES)
            .text(&["spam", "content", "policy", "security polic", "virus", "malware"])
            .means("a filter of the recipient's organisation refuses the message for what it holds")
            .help("ask the recipient's administrator, who can permit the sender")
            .example("554 5.7.0 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.1 content"),
        Statement::on_class(&[4, 5], PROOFPOINT_CODES)
            .text(&["dmarc", "spf", "dkim"])
            .means("the sender's domain does not pass what its owner publishes: SPF, DKIM or DMARC")
            .help("put SPF and DKIM of the domain in From: right")
            .example("550 5.7.0 Email rejected per sender's DMARC policy (proofpoint)"),
        Statement::on_class(&[4, 5], PROOFPOINT_CODES)
            .text(&["user unknown", "recipient address rejected", "unknown user"])
            .means("the recipient does not exist in the list that Proofpoint has of the organisation")
            .example("550 5.1.1 User Unknown (mx0a.pphosted.com)"),
        Statement::on_class(&[4], PROOFPOINT_CODES)
            .text(&["try again", "temporar", "rate", "too many", "deferred"])
            .means("deferred: too much mail at once, or the servers behind Proofpoint do not answer")
            .help("try again later")
            .example("421 4.7.1 Too many connections, try again later (pphosted.com)"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], PROOFPOINT_CODES)
            .means("Proofpoint filters the mail of the recipient's organisation")
            .help("ask the recipient's administrator, with the whole reply; look the client's address up at https://ipcheck.proofpoint.com"),
    ),
    ..NOBODY
};

pub(super) static BARRACUDA: Provider = Provider {
    id: "barracuda",
    name: "Barracuda",
    domains: &["barracudanetworks.com", "barracuda.com", "ess.barracudanetworks.com"],
    greetings: &["ess.barracuda", "barracuda"],
    markers: &["permanent failure for one or more recipients", "rejecting banned content", "rejecting spoofed message", "rejected due to spam url", "cuda_nsu", "barracuda", "barracudacentral"],
    links: &["barracudacentral.org", "barracuda.com", "barracudanetworks.com"],
    statements: &[
        Statement::on_class(&[4, 5], BARRACUDA_REMOVAL)
            .text(&["barracudacentral", "barracuda reputation", "poor reputation", "blocked using", "rbl"])
            .means("the client's address is on Barracuda's list of bad reputations")
            .help("ask for its removal on this page, when the cause is gone")
            .example("554 Service unavailable; Client host [mx] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.1"),
        Statement::on_class(&[4, 5], BARRACUDA_CODES)
            .text(&["user unknown", "no such user", "5.1.1", "invalid recipient"])
            .means("the recipient does not exist on the server behind Barracuda")
            .example("550 cuda_nsu 5.1.1 <a@example.com>... User unknown"),
        Statement::on_class(&[4, 5], BARRACUDA_CODES)
            .text(&["permanently rejected", "message rejected", "spam", "content", "(#5.7.1)", "envelope blocked", "blocked", "banned"])
            .means("a filter of the recipient's organisation refuses the message")
            .help("ask the recipient's administrator, who finds it in Barracuda's message log")
            .example("550 permanent failure for one or more recipients (a@example.com:blocked) barracuda"),
        Statement::on_class(&[4], BARRACUDA_CODES)
            .text(&["temporary", "try again", "deferred", "server error", "rate", "too many"])
            .means("deferred: suspect content, too much mail, or the server behind Barracuda does not answer")
            .help("try again later")
            .example("451 cuda_nsu 4.4.3 Temporary server error. Please try again later"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], BARRACUDA_CODES)
            .means("Barracuda filters the mail of the recipient's organisation")
            .help("ask the recipient's administrator, with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static CLOUDMARK: Provider = Provider {
    id: "cloudmark",
    name: "Cloudmark",
    kind: ProviderKind::List,
    domains: &["cloudmark.com"],
    markers: &["csi.cloudmark", "cloudmark"],
    links: &["cloudmark.com", "csi.cloudmark.com"],
    statements: &[Statement::on_class(&[4, 5], CLOUDMARK_RESET)
        .text(&["cloudmark"])
        .means("the client's address has a bad reputation at Cloudmark, whose list the server asks")
        .help("look it up there and ask for a reset, when the cause is gone")
        .example("550 5.7.1 Connection refused. Please see https://csi.cloudmark.com/reset-request/?ip=192.0.2.1 for more information")],
    ..NOBODY
};

pub(super) static TREND_MICRO: Provider = Provider {
    id: "trend-micro",
    name: "Trend Micro",
    domains: &["trendmicro.com", "trendmicro.eu", "trendmicro.co.jp", "tmes.trendmicro.com"],
    greetings: &["trendmicro", "trend micro"],
    markers: &["ers-customized-block", "block-send-er", "block-rcpt", "recipient address rejected: no-domain", "recipient address rejected: invalid-recipient", "trend micro", "trendmicro", "emaillimitless", "(ers-"],
    links: &["trendmicro.com", "ers.trendmicro.com", "www.mail-abuse.com", "mail-abuse.com"],
    statements: &[
        Statement::on_class(&[4, 5], TREND_MICRO_ERS)
            .text(&["blocked using", "reputation", "mail-abuse", "ers", "quick ip lookup", "blocked by"])
            .means("the client's address has a bad reputation at Trend Micro")
            .help("look it up there and ask for its removal, when the cause is gone")
            .example("550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using Trend Micro RBL+. Please see http://www.mail-abuse.com/cgi-bin/lookup?ip_address=192.0.2.1"),
        Statement::on_class(&[4, 5], TREND_MICRO_ERS)
            .text(&["recipient address rejected", "invalid-recipient", "user unknown"])
            .means("the recipient does not exist in the list that Trend Micro has of the organisation")
            .example("554 5.7.1 <a@example.com>: Recipient address rejected: Invalid-Recipient. in.hes.trendmicro.com"),
        Statement::on_class(&[4], TREND_MICRO_ERS)
            .text(&["too many", "try again", "temporar", "rate"])
            .means("deferred: too much mail, or the server behind does not answer")
            .help("try again later")
            .example("421 4.7.0 Too many connections, try again later - trendmicro"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], TREND_MICRO_ERS)
            .means("Trend Micro filters the mail of the recipient's organisation")
            .help("ask the recipient's administrator; look the client's address up on this page"),
    ),
    ..NOBODY
};

pub(super) static BROADCOM: Provider = Provider {
    id: "broadcom",
    name: "Broadcom (Symantec Email Security.cloud)",
    domains: &["messagelabs.com", "symanteccloud.com"],
    greetings: &["messagelabs.com", "email security.cloud"],
    markers: &["symanteccloud", "messagelabs", "symantec", "ipremoval.sms"],
    links: &["symanteccloud.com", "messagelabs.com", "symantec.com", "knowledge.broadcom.com", "sms.symantec.com"],
    statements: &[
        Statement::on_class(&[4, 5], BROADCOM_CODES)
            .text(&["ipremoval", "ip address", "reputation", "blocked", "connection refused", "blacklist"])
            .means("the client's address has a bad reputation at Symantec")
            .help("ask for its removal at https://ipremoval.sms.symantec.com, when the cause is gone")
            .example("553 5.7.1 The IP address 192.0.2.1 is blocked, see http://ipremoval.sms.symantec.com/lookup/"),
        Statement::on_class(&[4, 5], BROADCOM_CODES)
            .text(&["invalid recipient", "no such", "user unknown", "validrcpt"])
            .means("the recipient does not exist in the list that the service has of the organisation")
            .example("550 Invalid recipient <a@example.com> (#5.1.1) messagelabs"),
        Statement::on_class(&[4, 5], BROADCOM_CODES)
            .text(&["message filtered", "spam", "content", "rejected", "virus"])
            .means("a filter of the recipient's organisation refuses the message: content, attachment or sender")
            .help("ask the recipient's administrator; the page in the reply lists the causes")
            .example("553 Message filtered. Refer to the Troubleshooting page at http://www.symanteccloud.com/troubleshooting for more information. (#5.7.1)"),
        Statement::on_class(&[4], BROADCOM_CODES)
            .text(&["service temporarily", "try again", "temporar", "too many", "throttl"])
            .means("deferred: too much mail from this address, or the server behind does not answer")
            .help("try again later")
            .example("421 Service Temporarily Unavailable, messagelabs"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], BROADCOM_CODES)
            .means("Symantec Email Security.cloud filters the mail of the recipient's organisation")
            .help("look the reply up on this page, or ask the recipient's administrator"),
    ),
    ..NOBODY
};

pub(super) static CISCO: Provider = Provider {
    id: "cisco",
    name: "Cisco Secure Email (IronPort)",
    domains: &["iphmx.com", "ironport.com"],
    greetings: &["iphmx.com"],
    markers: &["ironport", "senderbase", "talosintelligence", "iphmx"],
    links: &["senderbase.org", "talosintelligence.com", "ironport.com"],
    statements: &[Statement::on_class(&[4, 5], CISCO_TALOS)
        .text(&["reputation", "senderbase", "talos", "policy", "blocked", "your access to this mail system has been rejected"])
        .means("the client's address, or the domain, has a bad reputation at Cisco's Talos")
        .help("look it up there, and open a dispute when the cause is gone")
        .example("554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. See http://www.senderbase.org")],
    contact: Some(
        Statement::on_class(&[4, 5], CISCO_TALOS)
            .means("a gateway of Cisco filters the mail of the recipient's organisation")
            .help("ask the recipient's administrator; look the client's address up on this page"),
    ),
    ..NOBODY
};

pub(super) static TRELLIX: Provider = Provider {
    id: "trellix",
    name: "Trellix (FireEye) Email Security",
    domains: &["fireeyecloud.com", "fireeye.com", "fireeyegov.com"],
    greetings: &["fireeyecloud.com"],
    markers: &["etp1", "etp2", "etp3", "etp4", "etp5", "etp6", "etp7", "fireeye"],
    links: &["fireeye.com", "trellix.com"],
    statements: &[Statement::on_class(&[4, 5], TRELLIX_PAGE)
        .text(&["dmarc", "spf", "dkim"])
        .means("the sender's domain does not pass SPF, DKIM or DMARC")
        .help("put SPF and DKIM of the domain in From: right")
        .example("550 5.7.26 <a@example.com>: ETP205 DMARC Failure for domain")],
    contact: Some(
        Statement::on_class(&[4, 5], TRELLIX_PAGE)
            .means("Trellix filters the mail of the recipient's organisation; ETP and a number say by which rule")
            .help("ask the recipient's administrator, with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static ZEROSPAM: Provider = Provider {
    id: "zerospam",
    name: "Zerospam (Cumulus)",
    domains: &["zerospam.ca", "cumulussmtp.com"],
    greetings: &["zerospam"],
    markers: &["zerospam"],
    links: &["zerospam.ca", "cumulussmtp.com"],
    contact: Some(
        Statement::on_class(&[4, 5], ZEROSPAM_PAGE)
            .means("Zerospam filters the mail of the recipient's organisation; it grey-lists unknown clients for a minute or so")
            .help("try again later, or ask the recipient's administrator"),
    ),
    ..NOBODY
};

pub(super) static CLOUDFLARE: Provider = Provider {
    id: "cloudflare",
    name: "Cloudflare Email Routing and Area 1",
    domains: &["mx.cloudflare.net", "email.cloudflare.net", "mxrecord.io", "mxrecord.mx"],
    greetings: &["cloudflare email"],
    markers: &["cloudflare", "mxrecord.io"],
    links: &["developers.cloudflare.com", "cloudflare.com", "support.cloudflare.com"],
    statements: &[
        Statement::on_class(&[4, 5], CLOUDFLARE_CODES)
            .text(&["address does not exist", "not allowed", "unknown recipient", "does not exist", "no route"])
            .means("no rule of the domain forwards this address")
            .help("the owner of the domain must add a route, or a catch-all")
            .example("550 5.1.1 Address does not exist. cloudflare"),
        Statement::on_class(&[4, 5], CLOUDFLARE_CODES)
            .text(&["spf", "dkim", "dmarc", "unauthenticated"])
            .means("the message does not pass SPF or DKIM, which Cloudflare demands of all it forwards")
            .help("publish SPF and DKIM for the sender's domain")
            .example("550 5.7.26 Email is unauthenticated. SPF or DKIM must pass https://developers.cloudflare.com/email-routing/postmaster"),
        Statement::on_class(&[4, 5], CLOUDFLARE_CODES)
            .text(&["upstream"])
            .means("the server to which Cloudflare forwards refused the message: its reply stands in this one")
            .help("read the inner reply: it is of the server of the real mailbox")
            .example("521 5.3.0 Upstream error, please check https://developers.cloudflare.com/email-routing/postmaster#upstream-error for possible reasons"),
        Statement::on_class(&[4, 5], CLOUDFLARE_CODES)
            .text(&["reputation", "blocked", "rbl", "spam", "policy"])
            .means("the client's address or the content is refused for its reputation")
            .help("look the address up in the lists that the reply names")
            .example("554 5.7.1 Found on one or more RBLs (abusixip). Refer to https://developers.cloudflare.com/email-routing/postmaster#spam-and-abusive-traffic"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], CLOUDFLARE_CODES)
            .means("Cloudflare forwards mail for the recipient's domain")
            .help("look the reply up on this page; the owner of the domain can change its rules"),
    ),
    ..NOBODY
};

pub(super) static SPAMHAUS: Provider = Provider {
    id: "spamhaus",
    name: "Spamhaus",
    kind: ProviderKind::List,
    domains: &["spamhaus.org", "spamhaus.com", "spamhaus.net"],
    markers: &["spamhaus"],
    links: &["spamhaus.org", "spamhaus.com"],
    statements: &[
        Statement::on_class(&[4, 5], SPAMHAUS_RESOLVERS)
            .text(&["open resolver", "open/public resolver", "public resolver", "127.255.255.25", "returnc/pub", "returnc/vol", "excessive"])
            .means("the fault is the recipient's: their server asks Spamhaus by a public resolver, or too often, and gets an error instead of an \
                    answer. Nothing lists the sender")
            .help("tell the recipient's administrator by another way: they need a resolver of their own, or Spamhaus's Data Query Service")
            .example("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; Error: open resolver; https://www.spamhaus.org/returnc/pub/192.0.2.53"),
        Statement::on_class(&[4, 5], SPAMHAUS_CHECK)
            .text(&["dbl.spamhaus", "query/domain", "helo domain", "/dbl"])
            .unless(&["open resolver", "public resolver", "returnc", "127.255.255.25", "excessive"])
            .means("a domain of the message, or the name in EHLO, is on Spamhaus's list of domains")
            .help("look the domain up there; it says why, and how to get off the list")
            .example("554 5.7.1 Blocked by dbl.spamhaus.org: https://www.spamhaus.org/query/domain/example.com"),
        Statement::on_class(&[4, 5], SPAMHAUS_CHECK)
            .text(&["pbl", "sbl-xbl", "zen", "query/ip", "query/bl", "sbl", "xbl", "css", "spamhaus"])
            .unless(&["open resolver", "public resolver", "returnc", "127.255.255.25", "excessive"])
            .means("the client's address is on a list of Spamhaus: the PBL (lines of customers, which are to send by their provider's server), \
                    the XBL (a machine that is infected), or the SBL and CSS (senders of spam)")
            .help("look the address up there: it says which list, why, and how to get off it")
            .example("550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org, see https://www.spamhaus.org/query/ip/192.0.2.1"),
    ],
    ..NOBODY
};
