//! Providers of mailboxes in America: Comcast, AT&T, Charter and Cox; HEY and `ImprovMX`.

use super::{NOBODY, Provider, ProviderPage, Statement};

const COMCAST_CODES: ProviderPage = ProviderPage {
    title: "Understand email error messages",
    url: "https://www.xfinity.com/support/articles/email-errors",
};
const ATT_PAGE: ProviderPage = ProviderPage {
    title: "AT&T Mail: help for postmasters",
    url: "https://www.att.com/support/article/email-support/KM1401980/",
};
const SPECTRUM_CODES: ProviderPage = ProviderPage {
    title: "Charter Postmaster Services",
    url: "https://www.spectrum.net/support/internet/charter-postmaster-services/",
};
const COX_CODES: ProviderPage = ProviderPage {
    title: "Cox Postmaster: Error Codes",
    url: "https://postmaster.cox.net/confluence/display/postmaster/Error+Codes",
};
const HEY_PAGE: ProviderPage = ProviderPage { title: "HEY: how it works", url: "https://hey.com/how-it-works/" };
const IMPROVMX_CODES: ProviderPage =
    ProviderPage { title: "ImprovMX error codes", url: "https://improvmx.com/guides/improvmx-error-codes/" };

pub(super) static COMCAST: Provider = Provider {
    id: "comcast",
    name: "Comcast (Xfinity)",
    domains: &["comcast.net", "xfinity.com"],
    mailboxes: &["comcast.net"],
    greetings: &["comcast.net"],
    markers: &["bl000", "rl000", "es0000", "comcast", "not our customer"],
    links: &["postmaster.comcast.net", "xfinity.com", "comcast.net"],
    statements: &[
        Statement::on_class(&[4, 5], COMCAST_CODES)
            .text(&["bl000"])
            .means("the client's address is on a block list, or has sent what looks like spam; BL and the digits tell which list: 1 Spamhaus, \
                    10 Cloudmark, 100 Sender Score")
            .help("get the address off that list, or use the form for removal on postmaster.comcast.net")
            .example("554 resimta-po-10v.sys.comcast.net comcast 192.0.2.1 found on one or more DNSBLs, see http://postmaster.comcast.net/smtp-error-codes.php#BL000001"),
        Statement::on_class(&[4, 5], COMCAST_CODES)
            .text(&["rl000", "too many", "try again later", "rate"])
            .means("more messages, recipients or sessions than Comcast takes from this address at its reputation")
            .help("send more slowly, and try again later")
            .example("421 Too many sessions opened (comcast.net)"),
        Statement::on_class(&[4, 5], COMCAST_CODES)
            .text(&["es0000", "dynamic"])
            .means("the client's address looks like a line of a customer")
            .help("send by the server of the provider of that line")
            .example("554 comcast ES000010 Comcast block for dynamic"),
        Statement::on_class(&[4, 5], COMCAST_CODES)
            .text(&["reverse dns", "ptr"])
            .means("the client's address has no PTR record, or its look-up failed")
            .help("give the address a PTR record with the server's own name")
            .example("421 Reverse DNS failure : Try again later (comcast.net)"),
        Statement::on_class(&[4, 5], COMCAST_CODES)
            .text(&["not our customer", "recipient unavailable", "account not available", "user unknown", "invalid recipient"])
            .means("the recipient does not exist, or takes no mail")
            .help("take the address off the list")
            .example("550 5.1.1 Not our Customer"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], COMCAST_CODES)
            .means("Comcast explains its replies on a page")
            .help("look the code up there; forms for senders are on postmaster.comcast.net"),
    ),
    ..NOBODY
};

pub(super) static ATT: Provider = Provider {
    id: "att",
    name: "AT&T",
    domains: &["att.net", "prodigy.net", "sbcglobal.net", "bellsouth.net"],
    mailboxes: &["att.net", "sbcglobal.net", "bellsouth.net", "swbell.net", "pacbell.net", "prodigy.net", "ameritech.net", "flash.net", "nvbell.net",
        "snet.net", "wans.net", "currently.com"],
    markers: &["fix reverse dns for", "rbl.att.net", "abuse_rbl@abuse-att.net", "blank mailhost"],
    links: &["att.net", "rbl.att.net", "att.com"],
    statements: &[
        Statement::on_class(&[4, 5], ATT_PAGE)
            .text(&["reverse dns", "ptr"])
            .means("the client's address has no PTR record")
            .help("give the address a PTR record with the server's own name")
            .example("550 5.7.1 Connections not accepted from servers without a valid sender domain. ## Fix reverse DNS for 192.0.2.1"),
        Statement::on_class(&[4, 5], ATT_PAGE)
            .text(&["blocked by ldap", "rbl", "blocked", "error from rbl"])
            .means("the client's address is on AT&T's own list")
            .help("write to abuse_rbl@abuse-att.net with the client's address and the whole reply, when the cause is gone")
            .example("553 5.3.0 flph829 DNSBL:RBL 521< 192.0.2.1 >_is_blocked.For assistance forward this error to abuse_rbl@abuse-att.net"),
        Statement::on_class(&[4, 5], ATT_PAGE)
            .text(&["invalid address", "no such user", "user unknown"])
            .means("the recipient does not exist")
            .example("550 5.2.1 <a@prodigy.net>... blank mailhost - invalid address, relay=[192.0.2.1]"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], ATT_PAGE)
            .means("AT&T helps senders on a page")
            .help("see there; of a blocked address write to abuse_rbl@abuse-att.net with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static SPECTRUM: Provider = Provider {
    id: "spectrum",
    name: "Spectrum (Charter)",
    domains: &["charter.net", "rr.com", "twc.com", "spectrum.net", "spectrum.com", "brighthouse.com"],
    mailboxes: &["charter.net", "rr.com", "twc.com", "brighthouse.com", "spectrum.net"],
    markers: &["aup#", "aup-o-", "aup-i-"],
    links: &["spectrum.net", "charter.net", "postmaster.rr.com"],
    contact: Some(
        Statement::on_class(&[4, 5], SPECTRUM_CODES)
            .means("Spectrum refuses by the reputation of the client's address and its PTR record; the AUP code in the reply says by which rule")
            .help("look the code up on this page, and ask there for removal"),
    ),
    ..NOBODY
};

pub(super) static COX: Provider = Provider {
    id: "cox",
    name: "Cox",
    domains: &["cox.net", "cox.com"],
    mailboxes: &["cox.net"],
    markers: &["cxbl", "cxmxrt", "cxmje", "cxthrt", "cxsnd", "cxdns", "cdrbl", "rlypatrn", "ipbl0", "ipbl1"],
    links: &["cox.com", "postmaster.cox.net"],
    statements: &[
        Statement::on_class(&[4, 5], COX_CODES)
            .text(&["cdrbl"])
            .means("the client's address is blocked for at most 24 hours, for what looks like spam")
            .help("look through what is sent from there, and try again after that time")
            .example("554 cox IMP - 192.0.2.1 CDRBL - Connection rejected"),
        Statement::on_class(&[4, 5], COX_CODES)
            .text(&["ipbl0", "ipbl1"])
            .means("the client's address is on block lists; the last digits say on which: 0001 Spamhaus Zen, 0010 Return Path, 0100 Invaluement ivmSIP, 1000 Cloudmark CSI, and sums of them")
            .help("get it off the list in question; Cox takes it from there")
            .example("554 cox IMP - 192.0.2.1 blocked. Error Code: IPBL0001"),
        Statement::on_class(&[4, 5], COX_CODES)
            .text(&["cxbl", "blocked"])
            .unless(&["ipbl"])
            .means("Cox blocks the client's address for what looks like spam from there")
            .help("fill in the form that the page leads to; Cox decides alone whether it lifts the block")
            .example("554 IMP East - 192.0.2.1 CXBL Domain rejected (cox)"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], COX_CODES)
            .means("Cox explains its codes on a page")
            .help("look the letters of the reply up there"),
    ),
    ..NOBODY
};

pub(super) static HEY: Provider = Provider {
    id: "hey",
    name: "HEY",
    domains: &["hey.com", "app.hey.com"],
    mailboxes: &["hey.com"],
    links: &["hey.com"],
    statements: &[Statement::on_class(&[4, 5], HEY_PAGE)
        .text(&["user unknown", "recipient address rejected"])
        .means("the recipient does not exist")
        .example("550 5.1.1 <a@hey.com>: Recipient address rejected: User unknown")],
    contact: Some(
        Statement::on_class(&[4, 5], HEY_PAGE)
            .means("HEY screens first messages: its owner or HEY's support can say what the reply refuses")
            .help("write to support@hey.com with the whole reply"),
    ),
    ..NOBODY
};

pub(super) static IMPROVMX: Provider = Provider {
    id: "improvmx",
    name: "ImprovMX",
    domains: &["improvmx.com"],
    markers: &["improvmx", "(#id-"],
    links: &["improvmx.com"],
    statements: &[
        Statement::on_class(&[4, 5], IMPROVMX_CODES)
            .text(&["reputation"])
            .means("the sender's domain or address has a bad reputation")
            .example("551 5.7.1 Due to the very low reputation of the sending domain, this message has been blocked (Code 2)."),
        Statement::on_class(&[4, 5], IMPROVMX_CODES)
            .text(&["loop"])
            .means("the message comes from ImprovMX and is forwarded to it again")
            .help("the alias must not forward to an address of the same domain")
            .example("551 5.7.1 Loop detected: Email is sent and forwarded from/to improvmx.com. (#id-5.9.0)"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], IMPROVMX_CODES)
            .means("ImprovMX forwards mail for the recipient's domain, and explains its codes on a page")
            .help("look the code up there"),
    ),
    ..NOBODY
};
