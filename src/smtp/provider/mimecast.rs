//! Mimecast, a gateway in front of other mail systems.

use super::{NOBODY, Provider, ProviderPage, Statement};

const ERRORS: ProviderPage = ProviderPage {
    title: "Policies - Mimecast SMTP Error Codes",
    url: "https://mimecastsupport.zendesk.com/hc/en-us/articles/34000709564691-Policies-Mimecast-SMTP-Error-Codes",
};

pub(super) static MIMECAST: Provider = Provider {
    id: "mimecast",
    name: "Mimecast",
    domains: &["mimecast.com"],
    greetings: &["mimecast"],
    markers: &[],
    links: &["mimecast.com", "mimecastsupport.zendesk.com"],
    submission: None,
    statements: &[
        Statement::on(&[451], ERRORS)
            .text(&["temporarily unavailable"])
            .means("grey-listing, or a poor reputation of the client's address")
            .help("try again after a minute, and within 12 hours, from the same address with the same envelope"),
        Statement::on(&[421], ERRORS)
            .text(&["sender address blocked"])
            .means("a policy of the recipient's organisation blocks the sender")
            .help("ask the recipient's Mimecast administrator"),
        Statement::on(&[451, 550], ERRORS)
            .text(&["invalid recipient", "recipient email address is possibly", "unknown recipient"])
            .means("the recipient is not known to Mimecast; with 451 it may be learned later")
            .help("correct the address, or ask the recipient's Mimecast administrator")
            .example("451 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#451"),
        Statement::on(&[550, 554], ERRORS)
            .text(&["envelope blocked", "administrative prohibition", "header based block", "blocked sender", "sender address blocked", "security policies", "local policy",
                "manual envelope", "domain blocked"])
            .means("a policy of the recipient's administrator blocks the sender, the recipient, or something in the message")
            .help("the recipient's Mimecast administrator must permit the sender")
            .example("550 Administrative prohibition - envelope blocked - https://community.mimecast.com/docs/DOC-1369#550"),
        Statement::on(&[451, 550, 554], ERRORS)
            .text(&["rejected by header", "spam", "signature", "malware", "virus", "content", "attachment", "url", "suspicious"])
            .means("the message was taken for spam or malware, or its content is against a policy")
            .help("send another content; the recipient's Mimecast administrator can permit the sender")
            .example("554 Email rejected due to malware signature - https://community.mimecast.com/docs/DOC-1369#554"),
        Statement::on(&[550, 553, 554], ERRORS)
            .text(&["rejected by rbl", "rbl", "reputation", "blacklist", "blocked using"])
            .means("the client's address is on a list that Mimecast asks")
            .help("get the address off the list that the reply names")
            .example("550 csi.mimecast.org Poor Reputation Sender. - https://community.mimecast.com/docs/DOC-1369#550"),
        Statement::on(&[550, 553, 554], ERRORS)
            .text(&["dmarc", "spf", "dkim", "dns validation"])
            .means("the sender's domain does not pass SPF, DKIM or DMARC")
            .help("put SPF and DKIM of the sender's domain right")
            .example("550 SPF Sender Invalid - envelope rejected - https://community.mimecast.com/docs/DOC-1369#550"),
        Statement::on(&[421], ERRORS)
            .text(&["unable to process connection"])
            .means("the server is under full load; the message is taken later"),
        Statement::on(&[550], ERRORS)
            .text(&["anti-spoofing"])
            .means("the message claims a sender of the recipient's own organisation and comes from outside")
            .help("ask the recipient's Mimecast administrator"),
    ],
    contact: Some(
        Statement::on_class(&[4, 5], ERRORS)
            .means("Mimecast filters the mail of the recipient's organisation; a page explains its replies")
            .help("look the text up there, or ask the recipient's Mimecast administrator"),
    ),
    ..NOBODY
};
