//! AUTH in a conversation: the credentials become secrets, and each line the template that makes it anew.
//!
//! Responsible for reading what a client answered to which challenge (RFC 4954), for every mechanism of `smtp::auth`.
//! What can't be read is a secret as a whole: a line of AUTH is never written as it was.

use super::exchange::{AnsweredCommand, AskedCommand};
use super::words::Secrets;
use crate::smtp::auth::Mechanism;
use crate::smtp::auth::messages;
use crate::smtp::auth::scram::ClientFirst;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// What becomes of a line that belongs to AUTH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spoken {
    /// It is sent, as this template.
    Send(String),
    /// It is no line, and is sent as this template.
    Raw(String),
    /// It is sent, and what the reply to it captures is needed by a later line.
    Capturing { line: String, pattern: String },
    /// It begins a step `auth` with these settings, which ends at this exchange.
    Auth { settings: Vec<(String, String)>, ends: usize, remark: Option<String> },
    /// A step `auth` above sends it.
    Absorbed,
}

/// Reads every login of a conversation; the result has an entry for each line that belongs to one.
pub(super) fn logins(exchanges: &[AnsweredCommand<'_>], secrets: &mut Secrets) -> BTreeMap<usize, Spoken> {
    let mut spoken = BTreeMap::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        if spoken.contains_key(&at) {
            continue;
        }
        let mut login = RecordedLogin { exchanges, at, end: end_of(exchanges, at), secrets: &mut *secrets };
        if begins_login(exchange) {
            login.read(&mut spoken);
        } else if !exchange.credentials.is_empty() {
            spoken.extend(login.stray().map(|one| (at, one)));
        }
    }
    spoken
}

/// Whether the conversation holds credentials, as far as one can tell.
pub(super) fn are_in(exchanges: &[AnsweredCommand<'_>]) -> bool {
    exchanges.iter().any(|exchange| begins_login(exchange) || !exchange.credentials.is_empty())
}

fn begins_login(exchange: &AnsweredCommand<'_>) -> bool {
    !exchange.is_response && exchange.command().login().is_some()
}

/// The exchange after the last one of a login: whatever the server says, lines that are no commands are meant as
/// responses.
fn end_of(exchanges: &[AnsweredCommand<'_>], at: usize) -> usize {
    let more = exchanges[at + 1..].iter().take_while(|exchange| exchange.is_response).count();
    at + more + 1
}

/// One login: the exchange with AUTH and those that answer its challenges.
struct RecordedLogin<'e, 'c> {
    exchanges: &'e [AnsweredCommand<'c>],
    at: usize,
    end: usize,
    secrets: &'e mut Secrets,
}

impl RecordedLogin<'_, '_> {
    fn read(mut self, spoken: &mut BTreeMap<usize, Spoken>) {
        let Some(auth) = self.exchanges[self.at].command().login() else { return };
        let (name, initial) = (auth.name(), auth.initial);
        // A slip was no login: its messages are sent as they were.
        let is_slip = self.exchanges[self.at].command().auth().is_none();
        let mechanism = name.parse::<Mechanism>().ok().filter(|known| !is_slip || known.scram_hash().is_none());
        match mechanism {
            Some(mechanism) if mechanism.scram_hash().is_some() => return self.scram(&name, initial, spoken),
            None if self.succeeds() => return self.other(&name, spoken),
            _ => {}
        }
        let line = self.exchanges[self.at].line();
        let verb_and_name = &line[..line.len() - initial.len()];
        let mut command = crate::scenario::write::literal(&String::from_utf8_lossy(verb_and_name));
        if !initial.is_empty() {
            command.push_str(&self.message(mechanism, initial, Challenge { text: &[], number: 1 }));
        }
        let captures = mechanism == Some(Mechanism::CramMd5) && self.end > self.at + 1;
        let pattern = "^334 (?<challenge>\\S+)".to_owned();
        let first = if captures { Spoken::Capturing { line: command, pattern } } else { Spoken::Send(command) };
        spoken.insert(self.at, first);
        for index in self.at + 1..self.end {
            let text = self.exchanges[index - 1].challenge();
            let number = index - self.at + usize::from(!initial.is_empty());
            let line = self.exchanges[index].line();
            let sent = self.message(mechanism, line, Challenge { text: &text, number });
            spoken.insert(index, Spoken::Send(sent));
        }
    }

    /// What holds credentials outside of a login that is understood: a secret as a whole.
    fn stray(&mut self) -> Option<Spoken> {
        let exchange = &self.exchanges[self.at];
        let (AskedCommand::Line(bytes) | AskedCommand::Bytes(bytes)) = exchange.asked else { return None };
        let literal = |bytes: &[u8]| crate::scenario::write::literal(&String::from_utf8_lossy(bytes));
        let (mut template, mut written) = (String::new(), 0);
        for message in &exchange.credentials {
            let start = message.as_ptr() as usize - bytes.as_ptr() as usize;
            let name = self.secrets.name("auth_message", &String::from_utf8_lossy(message));
            template.push_str(&literal(&bytes[written..start]));
            template.extend(["<<", name.as_str(), ">>"]);
            written = start + message.len();
        }
        template.push_str(&literal(&bytes[written..]));
        let is_line = matches!(exchange.asked, AskedCommand::Line(_));
        // A line that holds a CR of its own can be sent as raw octets only.
        let is_plain = !template.contains(['\r', '\n']);
        if is_line && !is_plain {
            template.push_str("\r\n");
        }
        Some(if is_line && is_plain { Spoken::Send(template) } else { Spoken::Raw(template) })
    }

    /// The template of one message of the client, as it stands on the wire.
    fn message(&mut self, mechanism: Option<Mechanism>, message: &[u8], challenge: Challenge<'_>) -> String {
        let text = String::from_utf8_lossy(message).into_owned();
        if let Some(template) = self.template(&text) {
            return template;
        }
        if matches!(text.as_str(), "" | "=" | "*") {
            return text;
        }
        let decoded = STANDARD.decode(message).ok();
        let known = decoded.as_deref().and_then(|decoded| self.known(mechanism?, decoded, challenge));
        let is_left_out = decoded.is_none() && stands_for_another(&text) && !self.is_malformed(challenge);
        match known.or_else(|| is_left_out.then(|| self.usual(mechanism?, challenge)).flatten()) {
            Some(template) => template,
            None => format!("<<{}>>", self.secrets.name("auth_message", &text)),
        }
    }

    /// A message that stands as a template already, as our own transcripts show it.
    fn template(&mut self, text: &str) -> Option<String> {
        let inside = text.strip_prefix("<<")?.strip_suffix(">>")?;
        let arguments = match inside.split_once('(') {
            Some((function, rest)) if function.starts_with("auth_") => rest.strip_suffix(')')?,
            Some(_) => return None,
            None => inside.strip_suffix(" | b64encode").unwrap_or(inside),
        };
        let names: Vec<&str> = arguments.split(", ").filter(|name| *name != "challenge").collect();
        let is_name =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit());
        if !names
            .iter()
            .all(|name| is_name(name) && !name.is_empty() && !name.starts_with(|letter: char| letter.is_ascii_digit()))
        {
            return None;
        }
        for name in names {
            self.secrets.first(name);
        }
        Some(text.to_owned())
    }

    /// The template of a message that is as its mechanism has it.
    fn known(&mut self, mechanism: Mechanism, decoded: &[u8], challenge: Challenge<'_>) -> Option<String> {
        let text = std::str::from_utf8(decoded).ok()?;
        match mechanism {
            Mechanism::Plain => self.plain(text),
            Mechanism::Login if text.is_empty() => None,
            Mechanism::Login => {
                let name = self.secrets.name(login_kind(challenge), text);
                Some(format!("<<{name} | b64encode>>"))
            }
            Mechanism::CramMd5 => {
                let (user, _) = text.rsplit_once(' ')?;
                let user = self.secrets.name("username", user);
                let password = self.secrets.unknown("password");
                Some(format!("<<auth_cram_md5(challenge, {user}, {password})>>"))
            }
            Mechanism::XOAuth2 => self.xoauth2(text),
            Mechanism::OAuthBearer => self.oauthbearer(text),
            Mechanism::External => Some(format!("<<{} | b64encode>>", self.secrets.name("username", text))),
            Mechanism::Anonymous => Some(STANDARD.encode(text)),
            _ => None,
        }
    }

    /// The template of a message that a transcript leaves out.
    fn usual(&mut self, mechanism: Mechanism, challenge: Challenge<'_>) -> Option<String> {
        let user = |secrets: &mut Secrets| secrets.first("username");
        match mechanism {
            Mechanism::Plain => {
                let (user, password) = (user(self.secrets), self.secrets.first("password"));
                Some(format!("<<auth_plain({user}, {password})>>"))
            }
            Mechanism::Login => {
                let kind = login_kind(challenge);
                Some(format!("<<{} | b64encode>>", self.secrets.first(kind)))
            }
            Mechanism::CramMd5 => {
                let (user, password) = (user(self.secrets), self.secrets.first("password"));
                Some(format!("<<auth_cram_md5(challenge, {user}, {password})>>"))
            }
            Mechanism::XOAuth2 | Mechanism::OAuthBearer => {
                let function = if mechanism == Mechanism::XOAuth2 { "auth_xoauth2" } else { "auth_oauthbearer" };
                let (user, token) = (user(self.secrets), self.secrets.first("token"));
                Some(format!("<<{function}({user}, {token})>>"))
            }
            _ => None,
        }
    }

    /// Whether the server said of this message that it is none (RFC 4954 section 4).
    fn is_malformed(&self, challenge: Challenge<'_>) -> bool {
        let auth = self.exchanges[self.at].command().login();
        let initial = usize::from(auth.is_some_and(|auth| !auth.initial.is_empty()));
        let answered = self.at + challenge.number - initial;
        self.exchanges.get(answered).and_then(AnsweredCommand::code) == Some(501)
    }

    fn plain(&mut self, text: &str) -> Option<String> {
        let parts: Vec<&str> = text.split('\0').collect();
        let [authzid, user, password] = parts.as_slice() else { return None };
        let user_name = self.secrets.name("username", user);
        let password = self.secrets.name("password", password);
        Some(match *authzid {
            "" => format!("<<auth_plain({user_name}, {password})>>"),
            same if same == *user => format!("<<auth_plain({user_name}, {password}, {user_name})>>"),
            other => {
                let authzid = self.secrets.name("authzid", other);
                format!("<<auth_plain({user_name}, {password}, {authzid})>>")
            }
        })
    }

    fn xoauth2(&mut self, text: &str) -> Option<String> {
        let (user, rest) = text.strip_prefix("user=")?.split_once('\x01')?;
        let token = rest.strip_prefix("auth=Bearer ")?.strip_suffix("\x01\x01")?;
        let (user, token) = (self.secrets.name("username", user), self.secrets.name("token", token));
        Some(format!("<<auth_xoauth2({user}, {token})>>"))
    }

    fn oauthbearer(&mut self, text: &str) -> Option<String> {
        let mut fields = text.split('\x01');
        let header = fields.next()?.strip_prefix("n,")?.strip_suffix(',')?;
        let user = messages::unescaped_name(header.strip_prefix("a=").unwrap_or(""))?;
        let (mut host, mut port, mut token) = ("", 0, "");
        for (key, value) in fields.filter_map(|field| field.split_once('=')) {
            match key {
                "host" => host = value,
                "port" => port = value.parse().ok()?,
                "auth" => token = value.strip_prefix("Bearer ")?,
                _ => return None,
            }
        }
        let plain_host = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if !plain_host || messages::oauthbearer(&user, token, host, port) != text {
            return None;
        }
        let user = if user.is_empty() { "''".to_owned() } else { self.secrets.name("username", &user) };
        let token = self.secrets.name("token", token);
        let more = if host.is_empty() && port == 0 { String::new() } else { format!(", '{host}', {port}") };
        Some(format!("<<auth_oauthbearer({user}, {token}{more})>>"))
    }

    fn succeeds(&self) -> bool {
        self.exchanges[self.end - 1].code() == Some(235)
    }

    /// A mechanism that is not known here made its messages of what the server said: another one logs in.
    fn other(self, name: &str, spoken: &mut BTreeMap<usize, Spoken>) {
        let answers = (self.at + 1..self.end).map(|index| self.exchanges[index].line());
        let digest = answers.filter_map(|line| STANDARD.decode(line).ok()).find_map(|answer| digest_user(&answer));
        let username = match digest {
            Some(user) => self.secrets.name("username", &user),
            None => self.secrets.first("username"),
        };
        let password = self.secrets.first("password");
        let settings = vec![
            ("username".to_owned(), format!("<<{username}>>")),
            ("password".to_owned(), format!("<<{password}>>")),
        ];
        let remark =
            format!("the client logged in by {name}, which is not known here: the strongest mechanism takes its place");
        spoken.insert(self.at, Spoken::Auth { settings, ends: self.end - 1, remark: Some(remark) });
        spoken.extend((self.at + 1..self.end).map(|index| (index, Spoken::Absorbed)));
    }

    /// SCRAM's messages are made of what the server says: the step `auth` makes them anew.
    fn scram(self, name: &str, initial: &[u8], spoken: &mut BTreeMap<usize, Spoken>) {
        let exchanges = self.exchanges;
        let second = if self.end > self.at + 1 { exchanges[self.at + 1].line() } else { &[] };
        let first = if initial.is_empty() { second } else { initial };
        let decoded = STANDARD.decode(first).ok().and_then(|decoded| String::from_utf8(decoded).ok());
        let user = decoded.as_deref().and_then(ClientFirst::parse).and_then(|first| first.user());
        let username = match user {
            Some(user) => self.secrets.name("username", &user),
            None => self.secrets.first("username"),
        };
        let password = self.secrets.unknown("password");
        let mut settings = vec![
            ("mechanism".to_owned(), name.to_owned()),
            ("username".to_owned(), format!("<<{username}>>")),
            ("password".to_owned(), format!("<<{password}>>")),
        ];
        if initial.is_empty() {
            settings.push(("initial_response".to_owned(), "false".to_owned()));
        }
        let last = &exchanges[self.end - 1];
        let remark = match last.code() {
            _ if last.line() == b"*" => Some("the client cancelled this login; the step below does not"),
            None | Some(334) => Some("this login did not come to its end"),
            _ => None,
        };
        let remark = remark.map(str::to_owned);
        spoken.insert(self.at, Spoken::Auth { settings, ends: self.end - 1, remark });
        spoken.extend((self.at + 1..self.end).map(|index| (index, Spoken::Absorbed)));
    }
}

/// Whether a text stands in a transcript in place of a message that is not shown: `<credentials>`, `[hidden]`, `***`.
fn stands_for_another(text: &str) -> bool {
    let bracketed = [('<', '>'), ('[', ']'), ('(', ')'), ('{', '}')];
    let text = text.trim();
    bracketed.iter().any(|(open, close)| text.starts_with(*open) && text.ends_with(*close))
        || text.chars().all(|letter| matches!(letter, '*' | '.' | '…' | '•' | '-' | '_'))
}

/// What LOGIN's prompt asks for; where it does not say, the name of the user comes first.
fn login_kind(challenge: Challenge<'_>) -> &'static str {
    let prompt = STANDARD.decode(challenge.text).unwrap_or_default().to_ascii_lowercase();
    if prompt.starts_with(b"pass") || challenge.number > 1 && !prompt.starts_with(b"user") {
        "password"
    } else {
        "username"
    }
}

/// What a message of the client answers.
#[derive(Clone, Copy)]
struct Challenge<'t> {
    text: &'t [u8],
    /// Which message this is the challenge of, from 1; an initial response is the first.
    number: usize,
}

/// The user of a DIGEST-MD5 response, `username="…",…` (RFC 2831 section 2.1.2).
fn digest_user(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let (_, rest) = text.split_once("username=\"")?;
    rest.split_once('"').map(|(user, _)| user.to_owned()).filter(|user| !user.is_empty())
}

impl<'c> AnsweredCommand<'c> {
    /// The line that was sent; empty where it was none.
    fn line(&self) -> &'c [u8] {
        match self.asked {
            AskedCommand::Line(line) => line,
            _ => &[],
        }
    }

    /// The text of a reply 334.
    fn challenge(&self) -> Vec<u8> {
        self.replies.first().and_then(|reply| reply.texts().next()).unwrap_or_default().trim_ascii().to_vec()
    }
}
