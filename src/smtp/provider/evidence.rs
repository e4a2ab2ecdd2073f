//! Whose reply it is: the host that sent it, its greeting, its words, the pages that it links to, the recipient's domain.
//!
//! Responsible for the provider, by evidence only: a code is none. Not for what the provider means. Called by `advice`.

use super::phrase::Words;
use super::{Provider, ProviderKind, Situation};
use std::ops::Range;

/// The provider whose reply it is; `None` where nothing shows it, or where it may be one of several.
pub(super) fn provider_of(situation: &Situation<'_>) -> Option<&'static Provider> {
    by_server(situation).or_else(|| by_words(situation)).or_else(|| by_surroundings(situation))
}

/// The host that was connected to, or what the server says of itself in its greeting.
fn by_server(situation: &Situation<'_>) -> Option<&'static Provider> {
    let host = situation.host.strip_suffix('.').unwrap_or(situation.host).to_ascii_lowercase();
    of_host(&host).or_else(|| {
        let greeting = Words::of(situation.greeting);
        one_of(super::all().iter().copied().filter(|it| greeting.have_one_of(it.greetings)))
            .or_else(|| greeting.as_str().split_ascii_whitespace().next().and_then(of_host))
    })
}

/// What stands in the reply itself: tags and wording first, then links, then hosts.
fn by_words(situation: &Situation<'_>) -> Option<&'static Provider> {
    let text = Words::of(situation.text);
    let (names, others) = EvidenceNames::within(text.as_str());
    let words = text.without(&others);
    let by_marker = || super::all().iter().copied().filter(|it| words.have_one_of(it.markers));
    let by_link = || names.links.iter().filter_map(|link| of_link(link));
    let by_host = || names.hosts.iter().filter_map(|host| of_host(host));
    one_of(by_marker())
        .or_else(|| one_of(by_marker().chain(by_link()).chain(by_host())))
        .or_else(|| one_of(by_link()))
        .or_else(|| one_of(by_host()))
}

/// What a log or a bounce says around the reply: the host that said it; where none is named, the recipient's domain.
fn by_surroundings(situation: &Situation<'_>) -> Option<&'static Provider> {
    let texts = [situation.context, situation.before, situation.surroundings].map(|text| Words::of(text.as_bytes()));
    for text in &texts {
        let speakers = speakers(text.as_str());
        if !speakers.is_empty() {
            return one_of(speakers.iter().filter_map(|host| of_host(host)));
        }
    }
    texts.iter().find_map(|text| by_recipient(text, situation))
}

fn by_recipient(text: &Words, situation: &Situation<'_>) -> Option<&'static Provider> {
    // These speak of the sender's own server, whoever the recipient is.
    const OF_THE_SENDER: [&str; 8] =
        ["relaying", "relay access", "relay denied", "to relay", "not relay", "authenticat", "log in", "login"];
    const ABOUT_THE_SENDER: [&str; 6] = ["sender", "from", "helo", "spf", "dkim", "dmarc"];
    let reply = Words::of(situation.text);
    if reply.have_one_of(&OF_THE_SENDER) {
        return None;
    }
    let leading = if reply.have_one_of(&ABOUT_THE_SENDER) { None } else { leading_address(reply.as_str()) };
    let recipients = recipients(text.as_str());
    one_of(recipients.into_iter().chain(leading).filter_map(of_mailbox))
}

/// The only one of them; a filter or a list counts only where no provider of mailboxes is named.
fn one_of(found: impl Iterator<Item = &'static Provider>) -> Option<&'static Provider> {
    let (mut lists, mut others): (Vec<_>, Vec<_>) = found.partition(|it| it.kind == ProviderKind::List);
    for found in [&mut others, &mut lists] {
        found.dedup_by_key(|it| it.id);
        match found.as_slice() {
            [] => {}
            [first, rest @ ..] => return rest.iter().all(|it| it.id == first.id).then_some(*first),
        }
    }
    None
}

/// The provider of the most exact domain that a host is in.
pub(super) fn of_host(host: &str) -> Option<&'static Provider> {
    most_exact(host, |it| it.domains)
}

fn of_mailbox(domain: &str) -> Option<&'static Provider> {
    most_exact(domain, |it| it.mailboxes)
}

/// The provider whose page a link leads to.
fn of_link(link: &str) -> Option<&'static Provider> {
    let host = link.split(['/', ':', '?']).next().unwrap_or_default();
    let by_path = |it: &&Provider| it.links.iter().any(|page| page.contains('/') && link.starts_with(page));
    super::all().iter().copied().find(by_path).or_else(|| most_exact(host, |it| it.links))
}

fn most_exact(host: &str, domains: impl Fn(&Provider) -> &'static [&'static str]) -> Option<&'static Provider> {
    let candidates = super::all().iter().flat_map(|it| domains(it).iter().map(move |domain| (*it, *domain)));
    candidates.filter(|(_, domain)| is_within(host, domain)).max_by_key(|(_, domain)| domain.len()).map(|(it, _)| it)
}

pub(super) fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The names in a reply that may be the server's own.
#[derive(Default)]
struct EvidenceNames<'a> {
    /// Without `https://`.
    links: Vec<&'a str>,
    hosts: Vec<&'a str>,
}

impl<'a> EvidenceNames<'a> {
    /// They, and the places of the names that are somebody else's.
    fn within(text: &'a str) -> (Self, Vec<Range<usize>>) {
        let mut names = Self::default();
        let mut others = Vec::new();
        for (at, word) in words_of(text) {
            if let Some((_, link)) = word.split_once("://") {
                names.links.push(link);
            } else if word.starts_with("www.") {
                names.links.push(word);
            } else if word.contains('@') && !is_contact(word)
                || is_host(word) && is_of_client(&text[..at]) && !is_signature(text, at, word)
            {
                others.push(at..at + word.len());
            } else if is_host(word) {
                names.hosts.push(word);
            }
        }
        (names, others)
    }
}

/// Whether a host in brackets ends a reply, with its time at most: the server that wrote it signs so.
fn is_signature(text: &str, at: usize, host: &str) -> bool {
    let after = text.get(at + host.len()..).unwrap_or_default();
    let is_time = |it: &str| it.starts_with(|c: char| c.is_ascii_digit()) && it.contains(':');
    let ends = after.strip_prefix(']').is_some_and(|rest| rest.trim().is_empty());
    text[..at].ends_with('[')
        && (ends || after.split_ascii_whitespace().next().is_some_and(is_time) && after.starts_with(' '))
}

/// Whether an address is one to ask for help, not that of a sender or a recipient.
fn is_contact(address: &str) -> bool {
    const ROLES: [&str; 9] =
        ["abuse", "postmaster", "tosa", "tobr", "support", "delist", "unblock", "icloudadmin", "contact"];
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let is_mailbox = super::all().iter().any(|it| it.mailboxes.contains(&domain));
    ROLES.iter().any(|role| local.starts_with(role)) || !is_mailbox && of_host(domain).is_some()
}

/// Words with what a name or a link may hold, and where each begins.
fn words_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let between = |c: char| c.is_whitespace() || "<>()[]\"',;#*".contains(c);
    text.split(between).filter(|word| word.contains('.')).map(move |word| {
        let word = word.trim_start_matches('.');
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        (at, word.trim_end_matches(['.', ':', '!']))
    })
}

fn is_host(word: &str) -> bool {
    let Some((_, top)) = word.rsplit_once('.') else { return false };
    let is_name = word.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_'));
    is_name && top.len() >= 2 && top.bytes().all(|it| it.is_ascii_alphabetic())
}

/// Whether the words before a name say that it is the client's, or the sender's.
fn is_of_client(before: &str) -> bool {
    const CLIENT: [&str; 14] = [
        "client host",
        "helo",
        "ehlo",
        " from ",
        "sender",
        "domain",
        "hostname",
        "your ",
        "reverse",
        " ptr",
        "spf",
        "dkim",
        " for ",
        "header",
    ];
    let start = (before.len().saturating_sub(48)..=before.len()).find(|at| before.is_char_boundary(*at)).unwrap_or(0);
    // What was said before the end of a clause is about something else.
    let clause = [". ", "; ", "] ", ") "].iter().filter_map(|end| before.rfind(end)).max().unwrap_or(0);
    CLIENT.iter().any(|word| before[start.max(clause)..].contains(word))
}

/// The hosts that a log or a bounce says have spoken.
fn speakers(text: &str) -> Vec<&str> {
    const BEFORE: [&str; 19] = [
        "connected to ",
        "\"mx\":\"",
        "\"mx\": \"",
        " host ",
        " host=",
        " host: ",
        "smtp host: ",
        "smtp server ",
        "smtp server '",
        "mx-host\":\"",
        "mx-host\": \"",
        "remote-mta: dns; ",
        "remote-mta: dns;",
        "while talking to ",
        " h=",
        " relay=",
        "generating server: ",
        " by mx: ",
        "remote server: ",
    ];
    let named = BEFORE.iter().flat_map(|words| text.match_indices(words));
    let mut hosts: Vec<&str> = named.filter_map(|(at, words)| speaker_at(&text[at + words.len()..], words)).collect();
    hosts.extend(PORTS.iter().flat_map(|port| text.match_indices(port)).filter_map(|(at, port)| {
        let is_longer = text[at + port.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
        host_before(&text[..at]).filter(|_| !is_longer)
    }));
    // Gmail: `for the recipient domain example.com by mx.example.com. [192.0.2.1]`.
    hosts.extend(text.match_indices(" by ").filter_map(|(at, found)| {
        let host = host_at(&text[at + found.len()..])?;
        text[at + found.len() + host.len()..].trim_start_matches('.').starts_with(" [").then_some(host)
    }));
    hosts
}

/// The ports that mail is handed in at: whoever names one after a host connected to it.
const PORTS: [&str; 3] = [":465", ":587", ":2525"];

/// The host that ends a text.
fn host_before(text: &str) -> Option<&str> {
    let start = text
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    Some(&text[start..]).filter(|host| host.contains('.') && is_host(host))
}

/// The host that begins a text, if it is said to have spoken: others are hosts too.
fn speaker_at<'a>(text: &'a str, introduced_by: &str) -> Option<&'a str> {
    let host = host_at(text)?;
    let after = text[host.len()..].trim_start_matches('.').trim_start();
    let speaks = ["[", "said", "refused", "(", ":"].iter().any(|it| after.starts_with(it));
    (introduced_by != " host " || speaks).then_some(host)
}

/// The host that begins a text.
fn host_at(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(text.len());
    Some(text[..end].trim_end_matches('.')).filter(|host| host.contains('.') && is_host(host))
}

/// The domains of the recipients that a log or a bounce names.
fn recipients(text: &str) -> Vec<&str> {
    const BEFORE: [&str; 7] = [
        "rcpt to:",
        " to=",
        "final-recipient: rfc822;",
        "original-recipient: rfc822;",
        "recipient: ",
        "recipient ",
        "mailbox ",
    ];
    const AFTER: [&str; 6] = [
        "addressee unknown",
        "recipient address rejected",
        "user unknown",
        "does not exist",
        "no such user",
        ": host ",
    ];
    let ends = |words: &str| text.match_indices(words).map(|(at, found)| at + found.len()).collect::<Vec<_>>();
    let starts = |words: &str| text.match_indices(words).map(|(at, _)| at).collect::<Vec<_>>();
    let named = BEFORE.iter().flat_map(|words| ends(words)).filter_map(|at| domain_at(&text[at..]));
    let named_after = AFTER.iter().flat_map(|words| starts(words)).filter_map(|at| domain_before(&text[..at]));
    named.chain(named_after).collect()
}

/// The domain of the address that stands right before: `<a@b.example>: User unknown`.
fn domain_before(text: &str) -> Option<&str> {
    const BETWEEN: usize = 12;
    let sign = text.rfind('@')?;
    let domain = host_at(&text[sign + 1..])?;
    (text.len() - sign - 1 - domain.len() <= BETWEEN).then_some(domain)
}

/// The domain of the address with which a reply begins: `<a@b.example> too many messages`.
fn leading_address(reply: &str) -> Option<&str> {
    domain_at(reply).filter(|_| reply.trim_start().starts_with(|c: char| c == '<' || c.is_ascii_alphanumeric()))
}

/// The domain of the address that begins a text.
fn domain_at(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '<', '"']);
    let end = text.find([' ', '>', ',', ';']).unwrap_or(text.len());
    let (_, domain) = text[..end].split_once('@')?;
    host_at(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<&'static str> {
        let situation = Situation { text: text.as_bytes(), context: text, ..Situation::default() };
        provider_of(&situation).map(|it| it.id)
    }

    #[test]
    fn a_reply_may_name_its_provider() {
        assert_eq!(named("This mail has been blocked. a640c23a62f3a - gsmtp"), Some("gmail"));
        assert_eq!(named("[AM6PR0732BE0065.eurprd07.prod.outlook.com]"), Some("microsoft-365"));
        assert_eq!(named("may not send as this sender [AM0PR01.eurprd01.prod.outlook.com]"), Some("microsoft-365"));
        assert_eq!(named("mailbox unavailable"), None);
        assert_eq!(named("gsmtp said to [TSS04]"), None);
    }

    #[test]
    fn names_of_the_client_are_no_evidence() {
        for text in [
            "Client host [mail.google.com] blocked",
            "Helo command rejected: smtp.office365.com",
            "Sender address rejected: <a@yahoo.com>",
            "the domain gmail.com does not permit it",
            "unable to relay for <mary@hotmail.com>",
        ] {
            assert_eq!(named(text), None, "{text}");
        }
    }

    #[test]
    fn the_host_that_spoke_counts_more_than_the_recipient() {
        let of =
            |context: &str| provider_of(&Situation { text: b"no", context, ..Situation::default() }).map(|it| it.id);
        assert_eq!(of("<a@example.com>: host gmail-smtp-in.l.google.com[192.0.2.1] said: 550 no"), Some("gmail"));
        assert_eq!(of("to=<a@yahoo.com>, relay=mx.example.net[192.0.2.1]:25, status=bounced"), None);
        assert_eq!(of("SMTP error after RCPT TO:<a@yahoo.com>: 550 no"), Some("yahoo"));
    }
}
