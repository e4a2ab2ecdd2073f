//! What the user wrote: a scenario as plain data in which every node knows its place in the file.
//!
//! Responsible for reading (`yaml`, `parse`), templates (`template`, `builtin`), patterns, and everything that can be
//! checked before the first connection (`check`). It never sees a socket; playing a scenario is [`crate::run`]'s job.

pub(crate) mod address;
mod builtin;
mod check;
mod connection;
mod content;
pub mod duration;
mod filler;
mod lint;
mod parse;
mod pattern;
mod schema;
pub(crate) mod server;
mod sides;
mod source;
mod step;
pub(crate) mod template;
mod variables;
#[expect(dead_code, reason = "the shell writes steps that no recording has")]
pub(crate) mod write;
pub(crate) mod yaml;

pub use schema::SCHEMA;
pub use source::{Diagnostic, Footnote, Position, Severity, Source, Sources, Span};
pub use template::{Expression, Text};
pub(crate) use variables::render_data;
pub use variables::{Inputs, Secret, Variables, VariablesError, undeclared};

pub(crate) use builtin::Chance;
pub(crate) use check::{CheckContext, PemChecks, check, parse_listen, reason, resolve_file};
pub(crate) use connection::{Address, ProxyProtocol, proxied};
pub(crate) use content::{Attachment, Bdat, Content, DEFAULT_CHUNK, HeaderField, HeaderKind, MailData, Message, Pace};
pub(crate) use filler::Filler;
pub(crate) use parse::{Includes, decode_base64, decode_hex, parse, similar};
pub(crate) use pattern::{NamePattern, PatternFault, compile as compile_pattern, name_pattern, refuse_too_wide};
pub(crate) use step::{Action, Group, Head, Retry, RetryOn, Speech, Step, TlsStep};
pub(crate) use template::{Mode, Rendered, Scope, TemplateError, Templates, value_from_bytes};

use regex::bytes::Regex;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The largest scenario file, in bytes.
pub const MAX_YAML_SIZE: usize = 1024 * 1024;
/// How deep YAML may nest.
pub const MAX_YAML_NESTING: usize = 64;
/// How deep files may include one another.
pub const MAX_INCLUDE_DEPTH: usize = 16;
/// How many files a scenario may include in all: a few that include each other twice are thousands.
pub const MAX_INCLUDES: usize = 256;
/// How often the steps of loops may be played in one run, all together.
pub const MAX_ITERATIONS: u64 = 1_000_000;

/// Whether nothing in a scenario may be named so.
pub(crate) fn is_built_in_name(name: &str) -> bool {
    check::BUILT_IN_NAMES.contains(&name) || Templates::new(Chance::seeded(0)).has_function(name)
}

/// How often `repeat` goes round.
pub(crate) fn parse_count(written: &str) -> Result<usize, String> {
    let count = written.trim().parse::<usize>().ok();
    let allowed = count.filter(|count| u64::try_from(*count).is_ok_and(|count| count <= MAX_ITERATIONS));
    allowed.ok_or_else(|| format!("`repeat` takes a number up to {MAX_ITERATIONS}, not `{written}`"))
}
/// How long one wait may take when nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A scenario: one side of a scripted SMTP conversation.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The files it was read from; spans refer to them.
    pub sources: Sources,
    /// What the scenario shows, in one line.
    pub name: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Words to select scenarios by.
    pub tags: Vec<String>,
    pub(crate) vars: Vec<Var>,
    pub(crate) secrets: Vec<Named>,
    pub(crate) timeout: Option<Duration>,
    /// The top-level `connect`, as a step of its own.
    pub(crate) opening: Option<Step>,
    /// Sets of variables: the scenario is played once for each.
    pub(crate) cases: Vec<Case>,
    pub(crate) steps: Vec<Step>,
    pub(crate) finally: Vec<Step>,
    /// The server's side, where the file has one.
    pub(crate) server: Option<Arc<server::Server>>,
}

/// What a scenario would reach, read and be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Hosts, sockets and proxies.
    pub hosts: Vec<String>,
    /// Addresses that it listens on.
    pub listens: Vec<String>,
    /// Files, included ones too.
    pub files: Vec<String>,
    /// The names of secrets.
    pub secrets: Vec<String>,
    /// Variables with their defaults.
    pub variables: Vec<String>,
}

/// A set of variables to play the scenario with.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) values: Vec<(Named, Data)>,
}

/// A name with its place.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// A variable with its default.
#[derive(Debug, Clone)]
pub(crate) struct Var {
    pub(crate) name: Named,
    pub(crate) default: Data,
}

/// A value in a file: texts in it are templates.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Text),
    List(Vec<Data>),
    Map(Vec<(String, Data)>),
}

/// Exact bytes.
#[derive(Debug, Clone)]
pub(crate) enum RawBytes {
    Text(Text),
    /// Known bytes, from `hex:` or `base64:` without a template.
    Bytes(Vec<u8>),
    Hex(Text),
    Base64(Text),
}

/// A whole SASL exchange (RFC 4954).
#[derive(Debug, Clone)]
pub(crate) struct Auth {
    /// The strongest offered, where it is not given.
    pub(crate) mechanism: Option<Text>,
    pub(crate) username: Option<Text>,
    pub(crate) password: Option<Text>,
    pub(crate) token: Option<Text>,
    pub(crate) authzid: Option<Text>,
    /// Whether the first message stands in the AUTH command.
    pub(crate) initial_response: bool,
}

/// How a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    Fin,
    Reset,
    Write,
}

/// A connection to open.
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub(crate) address: Address,
    pub(crate) implicit_tls: Option<bool>,
    pub(crate) ip: Option<IpVersion>,
    pub(crate) local_address: Option<Text>,
    /// A SOCKS5 proxy, `HOST:PORT`.
    pub(crate) socks5: Option<Text>,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    pub(crate) session: Option<Named>,
    pub(crate) timeout: Option<Length>,
    pub(crate) tls: TlsSettings,
}

/// The version of IP to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IpVersion {
    V4,
    V6,
}

/// TLS options as written; what is not set is inherited.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsSettings {
    pub(crate) verify: Option<bool>,
    pub(crate) server_name: Option<Text>,
    pub(crate) ca_file: Option<Text>,
    pub(crate) client_certificate: Option<Text>,
    pub(crate) client_key: Option<Text>,
    pub(crate) min_version: Option<Named>,
    pub(crate) max_version: Option<Named>,
}

/// A duration, known now or only when its template is rendered.
#[derive(Debug, Clone)]
pub(crate) enum Length {
    Known(Duration),
    Template(Text),
}

/// A regular expression with templates in it, compiled when first used.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) text: Text,
    /// Whether letters match in either case: of commands they do.
    ignore_case: bool,
    compiled: OnceLock<Regex>,
}

/// What is expected, with its place.
#[derive(Debug, Clone)]
pub(crate) struct Expectation {
    pub(crate) span: Span,
    pub(crate) kind: Expected,
}

/// The forms of `expect`.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// A pattern found in the reply as sent.
    Pattern(Pattern),
    /// A code or class.
    Code(CodeSet),
    Fields(Box<Fields>),
    Any(Vec<Expectation>),
    All(Vec<Expectation>),
    /// The next single line matches.
    Line(Pattern),
    /// Bytes are read until the pattern is found.
    Raw(Pattern),
    Closed(ClosedBy),
    Silence(Length),
}

/// `{code:, enhanced:, text:, not:, within:, closed:}`
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    pub(crate) code: Option<(CodeSet, Span)>,
    pub(crate) enhanced: Option<(Text, Span)>,
    pub(crate) text: Option<(Pattern, Span)>,
    pub(crate) not: Option<(Pattern, Span)>,
    pub(crate) within: Option<(Length, Span)>,
    pub(crate) closed: Option<(ClosedBy, Span)>,
}

/// Reply codes: each a number or a class; none at all means any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CodeSet {
    Any,
    OneOf(Vec<CodePattern>),
}

/// `250`, `25x` or `2xx`: the digits that are fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodePattern {
    pub(crate) digits: [Option<u8>; 3],
}

/// How the server is to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    Either,
    Fin,
    Reset,
}

impl Data {
    /// As it stands in the file, on one line.
    fn written(&self) -> String {
        match self {
            Data::Bool(value) => value.to_string(),
            Data::Int(value) => value.to_string(),
            Data::Float(value) => value.to_string(),
            Data::Text(text) => text.source.clone(),
            Data::List(_) => "[…]".to_owned(),
            Data::Map(_) => "{…}".to_owned(),
        }
    }
}

impl Pattern {
    pub(crate) fn new(text: Text) -> Pattern {
        Pattern { text, ignore_case: false, compiled: OnceLock::new() }
    }

    /// A pattern for what a client sends: verbs and keywords are written in either case (RFC 5321 section 2.4).
    pub(crate) fn of_command(text: Text) -> Pattern {
        Pattern { ignore_case: true, ..Pattern::new(text) }
    }

    /// The compiled pattern for what its text was rendered to.
    pub(crate) fn compile(&self, rendered: &str) -> Result<Regex, PatternFault> {
        if !self.text.is_literal() {
            return pattern::compile_with(rendered, self.ignore_case);
        }
        if let Some(regex) = self.compiled.get() {
            return Ok(regex.clone());
        }
        let regex = pattern::compile_with(rendered, self.ignore_case)?;
        Ok(self.compiled.get_or_init(|| regex).clone())
    }
}

impl CodePattern {
    /// Reads `250`, `25x` or `2xx`; the first digit is always there.
    pub(crate) fn parse(text: &str) -> Option<CodePattern> {
        let characters: Vec<char> = text.chars().collect();
        let [first, second, third] = characters.as_slice() else { return None };
        let digit = |character: &char| match character {
            'x' | 'X' => Some(None),
            other => other.to_digit(10).and_then(|digit| u8::try_from(digit).ok()).map(Some),
        };
        let digits = [digit(first)?, digit(second)?, digit(third)?];
        let gap = digits[1].is_none() && digits[2].is_some();
        (matches!(digits[0], Some(1..=5)) && !gap).then_some(CodePattern { digits })
    }

    pub(crate) fn matches(self, code: u16) -> bool {
        let digits = [code / 100, code / 10 % 10, code % 10];
        self.digits.iter().zip(digits).all(|(fixed, digit)| fixed.is_none_or(|fixed| u16::from(fixed) == digit))
    }
}

impl std::fmt::Display for CodePattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.digits.iter().try_for_each(|digit| match digit {
            Some(digit) => write!(formatter, "{digit}"),
            None => write!(formatter, "x"),
        })
    }
}

impl CodeSet {
    pub(crate) fn matches(&self, code: u16) -> bool {
        match self {
            CodeSet::Any => true,
            CodeSet::OneOf(patterns) => patterns.iter().any(|pattern| pattern.matches(code)),
        }
    }
}

impl std::fmt::Display for CodeSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CodeSet::Any => write!(formatter, "any code"),
            CodeSet::OneOf(patterns) => {
                let list: Vec<String> = patterns.iter().map(ToString::to_string).collect();
                write!(formatter, "{}", list.join(" or "))
            }
        }
    }
}

impl Auth {
    /// Every template in it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Text> {
        [&self.mechanism, &self.username, &self.password, &self.token, &self.authzid].into_iter().flatten()
    }
}

impl TlsSettings {
    fn files(&self) -> Vec<&Text> {
        [&self.ca_file, &self.client_certificate, &self.client_key].into_iter().flatten().collect()
    }
}

impl Connect {
    /// The place of the address.
    pub(crate) fn span(&self) -> Span {
        match &self.address {
            Address::Joined(text) | Address::Unix(text) => text.span,
            Address::Split { host: text, .. } | Address::Mx { domain: text, .. } => text.span,
        }
    }

    /// The places it goes to, as they are written.
    fn written(&self) -> Vec<String> {
        let with_port = |name: &Text, port: &Option<Text>| match port {
            Some(port) => format!("{}:{}", name.source, port.source),
            None => name.source.clone(),
        };
        let place = match &self.address {
            Address::Joined(text) => text.source.clone(),
            Address::Unix(path) => format!("the socket {}", path.source),
            Address::Split { host, port } => with_port(host, port),
            Address::Mx { domain, port, .. } => format!("the mail exchangers of {}", with_port(domain, port)),
        };
        let proxy = self.socks5.iter().map(|text| format!("the SOCKS5 proxy {}", text.source));
        std::iter::once(place).chain(proxy).collect()
    }
}

impl Scenario {
    /// How many sets of variables it is to be played with; 0 when it has no `cases`, and is played once.
    #[must_use]
    pub fn case_count(&self) -> usize {
        self.cases.len()
    }

    /// What a case is called: its number and its values, `2: to=mary@jane.com`.
    #[must_use]
    pub fn case_name(&self, index: usize) -> String {
        let values = self.cases.get(index).map(|case| case.values.as_slice()).unwrap_or_default();
        let shown: Vec<String> =
            values.iter().map(|(name, data)| format!("{}={}", name.name, data.written())).collect();
        format!("{}: {}", index + 1, shown.join(", "))
    }

    /// How many sessions it may have open at once, as far as its text tells; at least 1.
    pub(crate) fn connection_count(&self) -> usize {
        let connects = |step: &&Step| matches!(step.action, Action::Connect(_));
        self.all_steps().into_iter().filter(connects).count().max(1)
    }

    /// Whether it has a server's side.
    #[must_use]
    pub fn has_server(&self) -> bool {
        self.server.is_some()
    }

    /// Whether it has a server that follows no script: rules alone, which have no end of their own.
    #[must_use]
    pub fn has_only_rules(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.has_only_rules())
    }

    /// Whether it begins with `connect: {mx: …, every: true}`.
    pub(crate) fn plays_every_exchanger(&self) -> bool {
        let Some(Action::Connect(connect)) = self.opening.as_ref().map(|opening| &opening.action) else { return false };
        matches!(connect.address, Address::Mx { every: true, .. })
    }

    /// What it would reach, read and be given, as it is written in the file.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs {
            secrets: self.secrets.iter().map(|secret| secret.name.clone()).collect(),
            variables: self.vars.iter().map(|var| format!("{}={}", var.name.name, var.default.written())).collect(),
            ..Needs::default()
        };
        for step in self.all_steps() {
            if let Action::Connect(connect) = &step.action {
                needs.hosts.extend(connect.written());
            }
            needs.files.extend(step.files().into_iter().map(|text| text.source.clone()));
        }
        if let Some(server) = &self.server {
            let listen = server.listen.as_ref().map_or("127.0.0.1:0", |text| text.source.as_str());
            needs.listens.push(listen.to_owned());
            needs.files.extend(server.files().into_iter().map(|text| text.source.clone()));
        }
        needs.files.extend(self.sources.included().map(str::to_owned));
        needs
    }

    /// Adds sets of variables: from a file of rows. Names that are no variables of the scenario are told by `check`.
    pub fn set_cases(&mut self, names: &[String], rows: &[Vec<String>]) {
        let text = |value: &String| Data::Text(Text::verbatim(value));
        let named = |name: &String| Named { name: name.clone(), span: Span::default() };
        let case = |row: &Vec<String>| Case {
            values: names.iter().zip(row).map(|(name, value)| (named(name), text(value))).collect(),
        };
        self.cases = rows.iter().map(case).collect();
    }

    /// Every step in the order of the file, groups before their steps.
    pub(crate) fn all_steps(&self) -> Vec<&Step> {
        let mut list: Vec<&Step> = self.opening.iter().collect();
        list.extend(Step::walk(&self.steps));
        list.extend(Step::walk(&self.finally));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_patterns() {
        let pattern = |text| CodePattern::parse(text).unwrap();
        assert!(pattern("250").matches(250) && !pattern("250").matches(251));
        assert!(pattern("2xx").matches(299) && !pattern("2xx").matches(354));
        assert!(pattern("25x").matches(251) && !pattern("25x").matches(260));
        for bad in ["25", "2500", "x50", "2x5", "abc", "650", "050"] {
            assert!(CodePattern::parse(bad).is_none(), "{bad}");
        }
    }
}
