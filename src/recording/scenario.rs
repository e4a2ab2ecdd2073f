//! The scenario of a conversation.
//!
//! Responsible for putting the parts together: which values get names, which exchanges become one pipelined group, and the
//! step of each exchange.

use super::exchange::{AnsweredCommand, AskedCommand, exchanges};
use super::expectation::{expectation, pattern};
use super::login::{Spoken, logins};
use super::words::{KnownCredentials, Secrets, Variable, template};
use super::{Conversation, Said, message};
use crate::scenario::write::{Draft, DraftAction, DraftConnect, DraftExpect, DraftStep, literal};
use crate::smtp::auth::Mechanism;
use std::collections::BTreeMap;

/// How many different addresses of a kind get names; more of them are a list that no reader wants as variables.
const MAX_ADDRESSES: usize = 3;

/// The most bytes that a pattern counts: it is compiled as long as it counts.
const MAX_COUNTED: usize = 1000;

/// Makes the scenario that plays a conversation, and names its secrets.
pub(super) fn draft(conversation: &Conversation, known: &mut KnownCredentials) -> (Draft, Secrets) {
    let exchanges = exchanges(&conversation.said);
    let mut secrets = Secrets::default();
    let spoken = logins(&exchanges, &mut secrets);
    known.add_to(&mut secrets, &conversation.said);
    known.learn(&secrets);
    let variables = DraftVariables::find(&exchanges, &secrets);
    let writer = Writer { exchanges: &exchanges, spoken, secrets, variables };
    let server = &conversation.server;
    let draft = Draft {
        name: Some(writer.title(&server.host, server.implicit_tls)),
        vars: writer.variables.written(),
        secrets: writer.secrets.names(),
        connect: Some(DraftConnect {
            host: literal(&server.host),
            port: server.port,
            implicit_tls: Some(server.implicit_tls),
            ..DraftConnect::default()
        }),
        steps: [writer.steps(), last_step(&conversation.said)].concat(),
        ..Draft::default()
    };
    (draft, writer.secrets)
}

/// Where the client left in the midst of something, the scenario says that it leaves.
fn last_step(said: &[Said]) -> Vec<DraftStep> {
    match said {
        [.., Said::Bytes(_) | Said::Chunk(_), Said::ClientClosed] => {
            vec![DraftStep::new(DraftAction::Close("fin".to_owned()))]
        }
        _ => Vec::new(),
    }
}

/// The addresses and names that stand more than once.
#[derive(Default)]
struct DraftVariables {
    domains: Vec<Variable>,
    senders: Vec<Variable>,
    recipients: Vec<Variable>,
}

impl DraftVariables {
    fn find(exchanges: &[AnsweredCommand<'_>], secrets: &Secrets) -> DraftVariables {
        let mut found = [Vec::new(), Vec::new(), Vec::new()];
        let mut headers = String::new();
        for exchange in exchanges {
            let argument = exchange.argument();
            let (kind, value) = match (exchange.verb().as_str(), exchange.asked) {
                ("EHLO" | "HELO" | "LHLO", _) => (0, std::str::from_utf8(argument).ok().map(str::to_owned)),
                ("MAIL", _) => (1, address(argument)),
                ("RCPT", _) => (2, address(argument)),
                (_, AskedCommand::MailData(data) | AskedCommand::Chunk { octets: data, .. }) => {
                    headers.push_str(&header_section(&data.octets));
                    continue;
                }
                _ => continue,
            };
            let can_be_named = |value: &String| !value.is_empty() && !secrets.stand_in(value.as_bytes());
            found[kind].extend(value.filter(can_be_named));
        }
        let [domains, senders, recipients] = found;
        DraftVariables {
            domains: named("domain", &domains, ""),
            senders: named("from", &senders, &headers),
            recipients: named("to", &recipients, &headers),
        }
    }

    /// The senders first: of two with one value they are the ones that `From:` means.
    fn addresses(&self) -> Vec<Variable> {
        self.senders.iter().chain(&self.recipients).cloned().collect()
    }

    fn written(&self) -> Vec<(String, String)> {
        let all = self.domains.iter().chain(&self.senders).chain(&self.recipients);
        all.map(|variable| (variable.name.clone(), literal(&variable.value))).collect()
    }
}

/// Names for the values that stand at least twice, in commands or in headers.
fn named(name: &str, values: &[String], headers: &str) -> Vec<Variable> {
    let mut different: Vec<&String> = Vec::new();
    for value in values.iter().filter(|value| fits_variable(value)) {
        if !different.contains(&value) {
            different.push(value);
        }
        if different.len() > MAX_ADDRESSES {
            return Vec::new();
        }
    }
    let in_headers = |value: &str| value.contains('@') && headers.contains(value);
    let twice = |value: &&String| values.iter().filter(|other| other == value).count() > 1 || in_headers(value);
    let numbered = |(index, value): (usize, &String)| Variable {
        name: if index == 0 { name.to_owned() } else { format!("{name}_{}", index + 1) },
        value: value.clone(),
    };
    different.into_iter().filter(twice).enumerate().map(numbered).collect()
}

/// Values that read well as a variable's default.
fn fits_variable(value: &str) -> bool {
    value.len() <= 254
        && value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'\'' | b'"'))
        || value.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '@' | '-'))
}

/// The address of `FROM:<address> …` or `TO:<address> …`.
fn address(argument: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(argument).ok()?;
    let (_, rest) = text.split_once('<')?;
    rest.split_once('>').map(|(address, _)| address.to_owned())
}

fn header_section(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    text.split("\r\n\r\n").next().unwrap_or_default().to_owned()
}

struct Writer<'e, 'c> {
    exchanges: &'e [AnsweredCommand<'c>],
    spoken: BTreeMap<usize, Spoken>,
    secrets: Secrets,
    variables: DraftVariables,
}

impl Writer<'_, '_> {
    fn steps(&self) -> Vec<DraftStep> {
        let mut steps = Vec::new();
        let mut at = 0;
        while at < self.exchanges.len() {
            let end = self.group_end(at);
            if end - at > 1 {
                let inner = (at..end).flat_map(|index| self.exchange(index, true)).collect();
                steps.push(DraftStep::new(DraftAction::Group { pipeline: true, steps: inner }));
            } else {
                steps.extend(self.exchange(at, false));
            }
            at = end;
        }
        steps
    }

    /// The end of what went out without waiting, from `at` on; only itself where it can't be played so.
    fn group_end(&self, at: usize) -> usize {
        let more = self.exchanges[at + 1..].iter().take_while(|exchange| exchange.pipelined).count();
        let group = at..at + 1 + more;
        let fits = |index: usize| {
            let exchange = &self.exchanges[index];
            let plain = !matches!(
                self.spoken.get(&index),
                Some(Spoken::Auth { .. } | Spoken::Absorbed | Spoken::Capturing { .. })
            );
            plain && !exchange.handshake && !exchange.closed && exchange.malformed.is_none()
        };
        if group.clone().all(fits) { group.end } else { at + 1 }
    }

    /// The steps of one exchange.
    fn exchange(&self, at: usize, in_group: bool) -> Vec<DraftStep> {
        let exchange = &self.exchanges[at];
        let mut comments: Vec<String> = exchange.remarks.iter().map(|text| self.secrets.mask(text)).collect();
        comments.extend(self.what_is_not_known(exchange));
        comments.extend(self.what_differs(at, in_group).map(str::to_owned));
        let mut expect = expectation(self.exchanges, at);
        if let Some(bytes) = exchange.malformed.filter(|bytes| self.secrets.stand_in(bytes)) {
            // Only the length is shown of what would give a secret away.
            let pattern = format!("(?s)^.{{{}}}", bytes.len().min(MAX_COUNTED));
            expect = Some(DraftExpect::Fields(vec![("raw".to_owned(), pattern)]));
        }
        let action = match self.spoken.get(&at) {
            Some(Spoken::Absorbed) => return Vec::new(),
            Some(Spoken::Send(line)) => DraftAction::Send(line.clone()),
            Some(Spoken::Raw(bytes)) => DraftAction::Raw(bytes.clone()),
            Some(Spoken::Capturing { line, pattern }) => {
                expect = Some(DraftExpect::Reply(pattern.clone()));
                DraftAction::Send(line.clone())
            }
            Some(Spoken::Auth { settings, ends, remark }) => {
                comments.extend(remark.clone());
                expect = self.end_of_login(*ends);
                DraftAction::Auth(settings.clone())
            }
            None => self.action(exchange, in_group),
        };
        let shakes_hands = exchange.handshake || exchange.asked == AskedCommand::Handshake;
        if shakes_hands {
            // 220 is what `starttls` expects by itself.
            let by_itself = DraftExpect::Reply("^220".to_owned());
            expect = exchange.wanted.map(|(_, wanted)| wanted.clone()).filter(|wanted| *wanted != by_itself);
        }
        if let AskedCommand::MailData(data) | AskedCommand::Chunk { octets: data, .. } = exchange.asked {
            comments.extend(message::remark(data));
        }
        let fails = exchange.failed.map(str::to_owned);
        let mut steps = vec![DraftStep { comments, expect, fails, ..DraftStep::new(action) }];
        for reply in exchange.replies.iter().skip(1) {
            let expect = Some(DraftExpect::Reply(pattern(reply, exchange)));
            steps.push(DraftStep { expect, ..DraftStep::default() });
        }
        if shakes_hands && exchange.closed {
            let closed = DraftExpect::Fields(vec![("closed".to_owned(), "true".to_owned())]);
            steps.push(DraftStep { expect: Some(closed), ..DraftStep::default() });
        }
        steps.retain(|step| step.action != DraftAction::None || step.expect.is_some());
        steps
    }

    /// A password that passed as a digest only can't be found where the client says it otherwise.
    fn what_is_not_known(&self, exchange: &AnsweredCommand<'_>) -> Option<String> {
        let auth = exchange.command().auth();
        let mechanism = auth.and_then(|auth| auth.name().parse::<Mechanism>().ok());
        let by_digest = |mechanism: Mechanism| mechanism == Mechanism::CramMd5 || mechanism.scram_hash().is_some();
        let is_unknown = mechanism.is_some_and(by_digest) && self.secrets.has_unknown();
        let is_short = mechanism.is_some() && self.secrets.has_short();
        match (is_unknown, is_short) {
            (true, _) => {
                Some("the password passed as a digest: it is not known, and was not searched for in what stands here")
            }
            (_, true) => Some("the password is too short to be searched for: look for it in what stands here"),
            _ => None,
        }
        .map(str::to_owned)
    }

    /// What a reader must know of a step that cannot be made to fit the run.
    fn what_differs(&self, at: usize, in_group: bool) -> Option<&'static str> {
        let exchange = &self.exchanges[at];
        let is_made_anew = |exchange: &AnsweredCommand<'_>| match exchange.asked {
            AskedCommand::MailData(data) | AskedCommand::Chunk { octets: data, .. } => message::is_made_anew(data),
            _ => false,
        };
        match exchange.verb().as_str() {
            "AUTH" if !exchange.is_response && exchange.code() == Some(535) => refused_login(exchange),
            "MAIL" if exchange.argument().to_ascii_uppercase().windows(6).any(|six| six == b" SIZE=") => {
                let more = &self.exchanges[at + 1..];
                let own = more.iter().take_while(|next| next.verb() != "MAIL").any(is_made_anew);
                own.then_some("SIZE is the size of the recorded message; with a new Date and Message-ID it may differ")
            }
            "BDAT" if in_group && is_made_anew(exchange) => {
                Some("sent octet by octet as recorded: Date and Message-ID stay as they were")
            }
            _ => None,
        }
    }

    /// The reply that ends a login, where it is another than the one that `auth` expects by itself.
    fn end_of_login(&self, ends: usize) -> Option<DraftExpect> {
        let exchange = &self.exchanges[ends];
        if let Some((_, wanted)) = exchange.wanted {
            return Some(wanted.clone());
        }
        let reply = exchange.replies.first().filter(|reply| !matches!(reply.code(), 235 | 334))?;
        Some(DraftExpect::Reply(pattern(reply, exchange)))
    }

    fn action(&self, exchange: &AnsweredCommand<'_>, in_group: bool) -> DraftAction {
        let addresses = self.variables.addresses();
        match exchange.asked {
            AskedCommand::Nothing => DraftAction::None,
            AskedCommand::Handshake => DraftAction::Tls(Vec::new()),
            AskedCommand::Line(_) if exchange.handshake => DraftAction::StartTls(Vec::new()),
            AskedCommand::Line(line) => self.line(exchange, line),
            AskedCommand::Bytes(bytes) => message::exact(bytes, &self.secrets),
            AskedCommand::MailData(data) => message::data(data, &self.secrets, &addresses),
            AskedCommand::Chunk { command, octets } if in_group => message::exact_chunk(command, octets, &self.secrets),
            AskedCommand::Chunk { command, octets } => message::chunk(command, octets, &self.secrets, &addresses),
        }
    }

    fn line(&self, exchange: &AnsweredCommand<'_>, line: &[u8]) -> DraftAction {
        let text = match std::str::from_utf8(line) {
            Ok(text) if !text.contains(['\r', '\n']) => text,
            _ => return message::exact(&[line, b"\r\n"].concat(), &self.secrets),
        };
        let variables: &[Variable] = match exchange.verb().as_str() {
            "EHLO" | "HELO" | "LHLO" => &self.variables.domains,
            "MAIL" => &self.variables.senders,
            "RCPT" => &self.variables.recipients,
            _ => &[],
        };
        DraftAction::Send(template(text, &self.secrets, variables))
    }

    /// What the scenario shows, in one line: `a message to mail.example.com, with STARTTLS and AUTH PLAIN`.
    fn title(&self, host: &str, implicit_tls: bool) -> String {
        let sent = self.exchanges.iter().filter(|exchange| delivers(exchange)).count();
        let what = match sent {
            0 => "a session with".to_owned(),
            1 => "a message to".to_owned(),
            more => format!("{more} messages to"),
        };
        let mut with: Vec<String> = Vec::new();
        with.extend(implicit_tls.then(|| "implicit TLS".to_owned()));
        with.extend(self.exchanges.iter().any(|exchange| exchange.handshake).then(|| "STARTTLS".to_owned()));
        let login = self.exchanges.iter().find_map(|exchange| exchange.command().auth());
        with.extend(login.map(|login| format!("AUTH {}", login.name())));
        let with = if with.is_empty() { String::new() } else { format!(", with {}", with.join(" and ")) };
        self.secrets.mask(&format!("{what} {host}{with}"))
    }
}

/// Whether it ends a message.
fn delivers(exchange: &AnsweredCommand<'_>) -> bool {
    let last_chunk = exchange.command().bdat().is_some_and(|bdat| bdat.last);
    matches!(exchange.asked, AskedCommand::MailData(_))
        || matches!(exchange.asked, AskedCommand::Chunk { .. }) && last_chunk
}

/// Which secret of a login in one line was refused, where its mechanism tells.
fn refused_login(exchange: &AnsweredCommand<'_>) -> Option<&'static str> {
    let auth = exchange.command().auth()?;
    match auth.name().parse::<Mechanism>().ok()? {
        Mechanism::Plain | Mechanism::Login => {
            Some("the server refused this login: `password` is the one that it refuses")
        }
        Mechanism::XOAuth2 | Mechanism::OAuthBearer => {
            Some("the server refused this login: `token` is the one that it refuses")
        }
        _ => None,
    }
}
