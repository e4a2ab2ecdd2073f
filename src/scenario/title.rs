//! What a step is called where its user gave it no name: its key, and what it sends or expects as the file says it.
//!
//! Responsible for these words alone. Templates stay as they are written, so that a step is called the same in every run
//! and no value stands in its title. Called by `play` for each step, and shown by every report.

use super::chosen::Chosen;
use super::content::{Content, MailData};
use super::expectation::{Expectation, Expected, Fields};
use super::server::{Reply, ReplyKind};
use super::step::{Action, Auth, Group, RawBytes, Step};
use super::{Address, HeaderKind, Length, Message, Text, duration};
use crate::smtp::closing::Closing;
use crate::visible::inert;
use std::sync::Arc;

/// The most characters of a title.
const LONGEST: usize = 60;

impl Step {
    /// `send MAIL FROM:<<<from>>>`, `expect ^220`: on one line, cut where it is long.
    pub(crate) fn title(&self) -> Arc<str> {
        self.head.called(|| self.titled().into())
    }

    fn titled(&self) -> String {
        let (key, says) = self.action.says().unwrap_or_else(|| self.says());
        let title = format!("{key} {}", one_line(says.trim()));
        let title = title.trim_end();
        match title.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", title[..end].trim_end()),
            None => title.to_owned(),
        }
    }

    /// Of a step without an action.
    fn says(&self) -> (&'static str, String) {
        let says = match (&self.reply, &self.expect) {
            (Some(reply), _) => answer(reply),
            (None, Some(expect)) if self.receive.is_none() => expected(expect),
            _ => String::new(),
        };
        (self.keyword(), says)
    }
}

impl Action {
    /// Its key, and what it does; none where a step only expects or answers.
    fn says(&self) -> Option<(&'static str, String)> {
        let says = match self {
            Action::Send(lines) => list(lines.iter().map(|line| without_response(&line.source).to_owned())),
            Action::Raw(raw) => raw_bytes(raw),
            Action::Data(data) | Action::Bdat(super::content::Bdat { data, .. }) => return Some(self.mail(data)),
            Action::Auth(auth) => login(auth),
            Action::Assert(assertion) => assertion.condition.source.clone(),
            Action::Set(settings) => list(settings.iter().map(|(named, _)| named.name.clone())),
            Action::Sleep(length) => self::length(length),
            Action::Skip(reason) => reason.source.clone(),
            Action::Connect(connect) => address(&connect.address),
            Action::Close(Closing::Reset) => "reset".to_owned(),
            Action::Close(Closing::Write) => "write".to_owned(),
            Action::Close(Closing::Truncate) => "truncate".to_owned(),
            Action::Group(group) => self::group(group),
            Action::None | Action::StartTls(_) | Action::Tls(_) | Action::Close(Closing::Fin) => String::new(),
        };
        self.key().map(|key| (key, says))
    }

    fn mail(&self, data: &MailData) -> (&'static str, String) {
        let key = self.key().unwrap_or_default();
        match &data.content {
            Content::File(path) => (key, path.source.clone()),
            Content::Message(message) if matches!(self, Action::Data(_)) => ("message", subject(message)),
            _ => (key, String::new()),
        }
    }
}

fn one_line(text: &str) -> String {
    inert(text).replace('\n', "\\n")
}

/// A command without what stands after the mechanism of AUTH, which may be a password (RFC 4954 section 4).
fn without_response(line: &str) -> &str {
    let mut words = line.split_inclusive(' ');
    match (words.next(), words.next()) {
        (Some(verb), Some(mechanism)) if verb.trim_end().eq_ignore_ascii_case("auth") => {
            line[..verb.len() + mechanism.len()].trim_end()
        }
        _ => line,
    }
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// The line ends of exact bytes are part of what is sent.
fn raw_bytes(raw: &RawBytes) -> String {
    match raw {
        RawBytes::Text(text) => one_line(&text.source),
        RawBytes::Hex(text) => format!("hex {}", text.source),
        RawBytes::Base64(text) => format!("base64 {}", text.source),
        RawBytes::Bytes(bytes) => format!("{} octets", bytes.len()),
    }
}

fn login(auth: &Auth) -> String {
    auth.mechanism.as_ref().map(|mechanism| mechanism.source.clone()).unwrap_or_default()
}

/// What the message is about.
fn subject(message: &Message) -> String {
    let is_subject = |name: &str| name.eq_ignore_ascii_case("subject");
    let field = message.headers.iter().find(|field| field.kind == HeaderKind::Unstructured && is_subject(&field.name));
    field.and_then(|field| field.values.first()).map(|text| text.source.clone()).unwrap_or_default()
}

fn length(length: &Length) -> String {
    match length {
        Length::Known(known) => duration::show(*known),
        Length::Template(text) => text.source.clone(),
    }
}

fn address(address: &Address) -> String {
    let with = |host: &Text, port: &Option<Text>| match port {
        Some(port) => format!("{}:{}", host.source, port.source),
        None => host.source.clone(),
    };
    match address {
        Address::Joined(text) => text.source.clone(),
        Address::Split { host, port } => with(host, port),
        Address::Unix(path) => path.source.clone(),
        Address::Mx { domain, port, .. } => format!("mx {}", with(domain, port)),
    }
}

fn group(group: &Group) -> String {
    let mut says = Vec::new();
    if let Some((named, _)) = &group.for_each {
        says.push(format!("for each {}", named.name));
    }
    if let Some(times) = &group.repeat {
        says.push(format!("{} times", times.source));
    }
    if let Some(retry) = &group.retry {
        let most = match &retry.attempts {
            Chosen::Known(most, _) => most.0.to_string(),
            Chosen::Template(text) => text.source.clone(),
        };
        says.push(format!("at most {most} times"));
    }
    if group.pipeline {
        says.push("pipelined".to_owned());
    }
    list(says.into_iter())
}

fn answer(reply: &Reply) -> String {
    match &reply.kind {
        ReplyKind::Text(text) => text.source.clone(),
        ReplyKind::Lines { code, lines } => format!("{code} {}", list(lines.iter().map(|line| line.source.clone()))),
        ReplyKind::Raw(raw) => raw_bytes(raw),
    }
}

fn expected(expectation: &Expectation) -> String {
    match &expectation.kind {
        Expected::Pattern(pattern) => pattern.text.source.clone(),
        Expected::Code(codes) => codes.to_string(),
        Expected::Line(pattern) => format!("line {}", pattern.text.source),
        Expected::Raw(pattern) => format!("raw {}", pattern.text.source),
        Expected::Closed(_) => "closed".to_owned(),
        Expected::Silence(length) => format!("silence {}", self::length(length)),
        Expected::Observe(length) => self::length(length),
        Expected::Any(all) => all.iter().map(expected).collect::<Vec<_>>().join(" or "),
        Expected::All(all) => all.iter().map(expected).collect::<Vec<_>>().join(" and "),
        Expected::Fields(fields) => fields_of(fields),
    }
}

fn fields_of(fields: &Fields) -> String {
    let code = fields.code.as_ref().map(|(codes, _)| codes.to_string());
    let enhanced = fields.enhanced.as_ref().map(|(text, _)| text.source.clone());
    let text = fields.text.as_ref().map(|(pattern, _)| pattern.text.source.clone());
    let keywords = |word: &str, list: &[Text]| {
        let list: Vec<&str> = list.iter().map(|keyword| keyword.source.as_str()).collect();
        (!list.is_empty()).then(|| format!("{word} {}", list.join(", ")))
    };
    let (offers, lacks) = (keywords("offers", &fields.offers), keywords("lacks", &fields.lacks));
    [code, enhanced, text, offers, lacks].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::scenario::{Sources, parse};

    /// The titles of a client's steps.
    fn titles(steps: &str) -> Vec<String> {
        let mut sources = Sources::default();
        sources.add("a.yaml", format!("vars: {{from: a@b.example, n: 2}}\nsteps:\n{steps}"));
        let (scenario, errors, _) = parse(sources, &|_| Err(String::new()));
        assert!(errors.is_empty(), "{errors:?}");
        scenario.unwrap().all_steps().iter().map(|step| step.title().to_string()).collect()
    }

    #[test]
    fn a_step_is_called_by_what_it_does_as_written() {
        for (step, title) in [
            ("- expect: ^220", "expect ^220"),
            ("- expect: 2xx", "expect 2xx"),
            ("- expect: {code: [250, 251], text: ok}", "expect 250 or 251 ok"),
            ("- expect: {any: [250, {closed: true}]}", "expect 250 or closed"),
            ("- expect: {silence: 2s}", "expect silence 2 s"),
            ("- send: MAIL FROM:<<<from>>>\n    expect: ^250", "send MAIL FROM:<<<from>>>"),
            ("- send: AUTH PLAIN AGFAYi5jAHB3\n    expect: ^235", "send AUTH PLAIN"),
            ("- pipeline: true\n    steps: [{send: NOOP, expect: 250}]", "steps pipelined"),
            ("- raw: {hex: '00 ff'}", "raw 2 octets"),
            ("- raw: \"a\\r\\n\"", "raw a\\r\\n"),
            ("- auth: {mechanism: PLAIN, username: a, password: b}", "auth PLAIN"),
            ("- starttls", "starttls"),
            ("- close: reset", "close reset"),
            ("- sleep: <<n>>s", "sleep <<n>>s"),
            ("- set: {a: 1, b: 2}", "set a, b"),
            ("- assert: n == 2", "assert n == 2"),
            ("- data: {file: a.eml}", "data a.eml"),
            ("- message: {from: a@b.example, to: a@b.example, subject: Hello, text: x}", "message Hello"),
            ("- connect: {host: a.example, port: 25}", "connect a.example:25"),
            ("- repeat: <<n>>\n    steps: [{send: NOOP, expect: 250}]", "steps <<n>> times"),
        ] {
            assert_eq!(titles(&format!("  {step}\n"))[0], title, "{step}");
        }
    }

    #[test]
    fn a_long_one_is_cut() {
        let title = &titles(&format!("  - send: NOOP {}\n    expect: 250\n", "é".repeat(100)))[0];
        assert_eq!(title, &format!("send NOOP {}…", "é".repeat(50)));
    }
}
