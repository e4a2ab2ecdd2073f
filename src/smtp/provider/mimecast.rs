//! Mimecast, a gateway in front of other mail systems.

use super::{Provider, Source, Statement};

const ERRORS: Source = Source {
    title: "Policies - Mimecast SMTP Error Codes",
    url: "https://mimecastsupport.zendesk.com/hc/en-us/articles/34000709564691-Policies-Mimecast-SMTP-Error-Codes",
};

pub(super) const MIMECAST: Provider = Provider {
    id: "mimecast",
    name: "Mimecast",
    domains: &["mimecast.com"],
    greetings: &["mimecast"],
    markers: &["mimecast"],
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
        Statement::on(&[421], ERRORS)
            .text(&["unable to process connection"])
            .means("the server is under full load; the message is taken later"),
        Statement::on(&[550], ERRORS)
            .text(&["anti-spoofing"])
            .means("the message claims a sender of the recipient's own organisation and comes from outside")
            .help("ask the recipient's Mimecast administrator"),
    ],
};
