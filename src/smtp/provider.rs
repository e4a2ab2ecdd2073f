//! What providers mean by a reply, what usually helps, and how one submits mail to them.
//!
//! Responsible for the table of providers and for finding one by its name. Each provider's own data is in a file of this
//! folder, with the public page that each statement stands on; what holds whoever the provider is, is in `general`. Which
//! statements are made about a reply is chosen by `advice`, whose reply it is by `evidence`. Not for the meaning of codes by
//! the RFCs (`status`). Called by the diagnosis, by `explanation`, and by whoever writes a scenario for a provider.

mod advice;
mod amazon_ses;
mod america;
mod asia;
mod europe;
mod evidence;
mod filters;
mod general;
mod google;
mod hosting;
mod mailboxes;
mod mailgun;
mod microsoft;
mod mimecast;
mod phrase;
mod postmark;
mod relays;
mod sendgrid;
mod statement;
#[cfg(test)]
mod tests;
mod yahoo;

pub use advice::{Advice, advise};
pub use statement::{CodeSigns, ProviderPage, Statement};

use super::auth::Mechanism;
use super::status::EnhancedStatusCode;

/// A mail service that is known by its host names, its greeting, or the text of its replies.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name on the command line.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What it is to the others.
    kind: ProviderKind,
    /// Domains of its servers: each host at or under one of them.
    domains: &'static [&'static str],
    /// Domains of its users' addresses: a reply about such a recipient is its own.
    mailboxes: &'static [&'static str],
    /// Parts of its greeting, where they are its own.
    greetings: &'static [&'static str],
    /// Phrases of its replies that are its own, such as tags.
    markers: &'static [&'static str],
    /// Pages that its replies link to: a host, or the beginning of an address without `https://`.
    links: &'static [&'static str],
    /// How mail is handed to it, if it takes mail from users.
    pub submission: Option<Submission>,
    /// What it says about its replies.
    pub statements: &'static [Statement],
    /// Another provider whose statements hold where it has none of its own.
    kin: Option<&'static Provider>,
    /// Whom to ask about a reply that none of the statements is about.
    contact: Option<Statement>,
}

/// What a provider is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProviderKind {
    /// It has servers that say what they mean.
    Server,
    /// It tells others what to refuse: their replies name it.
    List,
}

/// A provider of whom nothing is known.
const NOBODY: Provider = Provider {
    id: "",
    name: "",
    kind: ProviderKind::Server,
    domains: &[],
    mailboxes: &[],
    greetings: &[],
    markers: &[],
    links: &[],
    submission: None,
    statements: &[],
    kin: None,
    contact: None,
};

/// How mail is handed to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The server.
    pub host: &'static str,
    /// Its ports with STARTTLS, the usual one first.
    pub starttls: &'static [u16],
    /// Its ports with TLS from the start, the usual one first.
    pub implicit: &'static [u16],
    /// What to log in with.
    pub credentials: ProviderCredentials,
    /// Where that is written.
    pub source: ProviderPage,
}

impl Submission {
    /// Whether it takes mail on this port.
    #[must_use]
    pub fn takes(&self, port: u16) -> bool {
        self.starttls.contains(&port) || self.implicit.contains(&port)
    }
}

/// What to log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderCredentials {
    /// The user name.
    pub user: UserName,
    /// What the password is, in words.
    pub password: &'static str,
    /// The mechanism, where not every usual one will do.
    pub mechanism: Option<Mechanism>,
}

/// A user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName {
    /// It is this word for everybody.
    Literal(&'static str),
    /// It is the password once more.
    SameAsPassword,
    /// What it is, in words.
    Told(&'static str),
}

/// An unexpected reply and where it came from, as much as is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation<'a> {
    /// The host name that was connected to, as the user wrote it, without a port.
    pub host: &'a str,
    /// The text of the session's greeting, and of its EHLO reply.
    pub greeting: &'a [u8],
    /// The reply code.
    pub code: Option<u16>,
    /// The enhanced status code, if the reply has one.
    pub enhanced: Option<EnhancedStatusCode>,
    /// The text of the reply.
    pub text: &'a [u8],
    /// The command that was replied to: its line as shown to the user, or the verb alone. `DATA` also stands for the
    /// end of the mail data, and empty text for the connection itself, whose reply is the greeting.
    pub command: Option<&'a str>,
    /// The line of a log or a bounce in which the reply stood.
    pub context: &'a str,
    /// What stood right before that line.
    pub before: &'a str,
    /// The whole log or bounce, where there is one reply in it.
    pub surroundings: &'a str,
}

/// Every provider, by its name on the command line.
#[must_use]
pub fn all() -> &'static [&'static Provider] {
    PROVIDERS
}

/// Whether a page is one that a statement of ours stands on.
#[must_use]
pub fn is_known_page(url: &str) -> bool {
    let of_provider = |it: &&Provider| {
        let own = it.statements.iter().chain(&it.contact).map(|statement| statement.source.url);
        own.chain(it.submission.map(|submission| submission.source.url)).any(|page| page == url)
    };
    PROVIDERS.iter().any(of_provider) || general::statements().any(|statement| statement.source.url == url)
}

/// The provider of this name, in any letter case; by-names are known.
#[must_use]
pub fn find(name: &str) -> Option<&'static Provider> {
    let name = name.to_ascii_lowercase();
    let by_name = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, id)| *id);
    let wanted = by_name.unwrap_or(&name);
    PROVIDERS.iter().copied().find(|it| it.id == wanted)
}

/// The provider that takes mail from users at this host.
#[must_use]
pub fn at_host(host: &str) -> Option<&'static Provider> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_for_users = |it: &Submission| host == it.host || host.starts_with("smtp") || host.starts_with("email-smtp.");
    evidence::of_host(&host).filter(|it| it.submission.as_ref().is_some_and(is_for_users))
}

/// Sorted by name. `static`, as is every large table: a `const` is written once for each codegen unit that names it (five
/// times, this one was), and each text in it costs an entry for the dynamic linker at each start.
static PROVIDERS: &[&Provider] = &[
    &amazon_ses::AMAZON_SES,
    &america::ATT,
    &filters::BARRACUDA,
    &relays::BREVO,
    &filters::BROADCOM,
    &filters::CISCO,
    &filters::CLOUDFLARE,
    &filters::CLOUDMARK,
    &america::COMCAST,
    &america::COX,
    &hosting::CPANEL,
    &relays::ELASTIC_EMAIL,
    &mailboxes::FASTMAIL,
    &europe::FREE,
    &google::GOOGLE,
    &europe::GMX,
    &hosting::GODADDY,
    &america::HEY,
    &hosting::HOSTPOINT,
    &mailboxes::ICLOUD,
    &america::IMPROVMX,
    &europe::INFOMANIAK,
    &europe::IONOS,
    &europe::LA_POSTE,
    &asia::MAIL_RU,
    &mailgun::MAILGUN,
    &relays::MAILJET,
    &relays::MAILTRAP,
    &relays::MANDRILL,
    &microsoft::MICROSOFT,
    &mimecast::MIMECAST,
    &asia::NETEASE,
    &europe::ORANGE,
    &mailboxes::OUTLOOK,
    &hosting::OVH,
    &postmark::POSTMARK,
    &filters::PROOFPOINT,
    &mailboxes::PROTON,
    &asia::QQ,
    &hosting::RACKSPACE,
    &asia::RAMBLER,
    &relays::RESEND,
    &sendgrid::SENDGRID,
    &europe::SFR,
    &relays::SMTP2GO,
    &filters::SPAMHAUS,
    &relays::SPARKPOST,
    &america::SPECTRUM,
    &europe::T_ONLINE,
    &filters::TRELLIX,
    &filters::TREND_MICRO,
    &yahoo::YAHOO,
    &asia::YANDEX,
    &filters::ZEROSPAM,
    &hosting::ZOHO,
];

/// Other names for some of them.
static ALIASES: &[(&str, &str)] = &[
    ("126", "netease"),
    ("163", "netease"),
    ("1und1", "ionos"),
    ("aol", "yahoo"),
    ("apple", "icloud"),
    ("aws", "amazon-ses"),
    ("charter", "spectrum"),
    ("elasticemail", "elastic-email"),
    ("exchange-online", "microsoft-365"),
    ("exmail", "qq"),
    ("fireeye", "trellix"),
    ("free", "free-fr"),
    ("google", "gmail"),
    ("google-workspace", "gmail"),
    ("hotmail", "outlook"),
    ("ironport", "cisco"),
    ("la-poste", "laposte"),
    ("live", "outlook"),
    ("mailchimp", "mandrill"),
    ("mail.ru", "mail-ru"),
    ("mailru", "mail-ru"),
    ("messagelabs", "broadcom"),
    ("microsoft", "microsoft-365"),
    ("microsoft365", "microsoft-365"),
    ("office365", "microsoft-365"),
    ("outlook.com", "outlook"),
    ("protonmail", "proton"),
    ("sendinblue", "brevo"),
    ("ses", "amazon-ses"),
    ("symantec", "broadcom"),
    ("telekom", "t-online"),
    ("tonline", "t-online"),
    ("wanadoo", "orange"),
    ("web.de", "gmx"),
    ("xfinity", "comcast"),
];
