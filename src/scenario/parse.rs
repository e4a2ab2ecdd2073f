//! Turns a YAML tree into a [`Scenario`], collecting every mistake on the way.
//!
//! Responsible for the shape of the file: which keys a mapping may have, of which type, and which stand together. What
//! depends on names, files or patterns is checked in `check`. Nothing stops at the first error.

use super::sides::Side;
use super::source::{Diagnostic, Sources, Span};
use super::step::{Action, Head, Step};
use super::template::{Expression, Text};
use super::yaml::{Layout, Node, ScalarKind, Value};
use super::{
    Address, Closing, Connect, Data, IpVersion, Length, Named, Pattern, RawBytes, Scenario, TlsSettings, Var, duration,
    yaml,
};
use base64::Engine as _;
use std::sync::Arc;

mod auth;
mod connection;
mod content;
mod expect;
mod group;
mod reply;
mod server;
mod steps;

const TOP_KEYS: [&str; 11] =
    ["name", "description", "tags", "vars", "secrets", "cases", "server", "connect", "timeout", "steps", "finally"];
const INCLUDED_KEYS: [&str; 4] = ["name", "description", "vars", "steps"];
const RETRY_KEYS: [&str; 3] = ["attempts", "delay", "on"];
const TLS_KEYS: [&str; 7] =
    ["verify", "server_name", "ca_file", "client_certificate", "client_key", "min_version", "max_version"];
const CONNECT_KEYS: [&str; 12] =
    ["host", "port", "unix", "mx", "every", "as", "tls", "ip", "local_address", "socks5", "proxy_protocol", "timeout"];
const TLS_VERSIONS: [&str; 4] = ["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/// Reads one scenario from the first file of `sources`.
///
/// Even with errors the parts that could be read come back, so that further checks find further mistakes.
pub(crate) fn parse(sources: Sources, includes: &Includes<'_>) -> (Option<Scenario>, Vec<Diagnostic>, Sources) {
    let text = sources.file(0).map_or("", |source| source.text.as_str());
    let whole = Span::default().with_range(0, text.find('\n').unwrap_or(text.len()));
    if text.trim().is_empty() {
        let empty = Diagnostic::error(whole, "this file is empty").help("a scenario needs `steps:`");
        return (None, vec![empty], sources);
    }
    let root = match yaml::read(text, 0) {
        Ok(root) => root,
        Err(error) => return (None, vec![error], sources),
    };
    let mut decoder = Decoder {
        errors: Vec::new(),
        sources: Sources::default(),
        side: Side::Client,
        includes,
        depth: 0,
        included: 0,
    };
    decoder.sources = sources;
    let scenario = decoder.scenario(&root);
    (scenario, decoder.errors, decoder.sources)
}

/// Reads a file that a scenario includes, by its name as written: its path for messages, and its text.
pub(crate) type Includes<'a> = dyn Fn(&str) -> Result<(String, String), String> + 'a;

/// The word of `known` that `word` was probably meant to be.
pub(crate) fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let nearest = known.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= 1 + word.len() / 4).then_some(nearest)
}

/// Reads nodes and keeps what is wrong with them.
struct Decoder<'a> {
    errors: Vec<Diagnostic>,
    sources: Sources,
    /// Whose steps are read.
    side: Side,
    includes: &'a Includes<'a>,
    /// How many files include the one being read.
    depth: usize,
    /// How many files were included so far.
    included: usize,
}

/// The entries of a mapping.
struct Entries<'n> {
    span: Span,
    list: Vec<Entry<'n>>,
}

#[derive(Clone, Copy)]
struct Entry<'n> {
    key: &'n str,
    key_span: Span,
    value: &'n Node,
}

impl<'n> Entries<'n> {
    fn entry(&self, key: &str) -> Option<Entry<'n>> {
        self.list.iter().find(|entry| entry.key == key).copied()
    }

    fn value(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| entry.value)
    }
}

impl Entry<'_> {
    /// Key and value.
    fn span(&self) -> Span {
        Span { end: self.value.span.end.max(self.key_span.end), ..self.key_span }
    }

    /// The value, or the key where the value is empty.
    fn value_span(&self) -> Span {
        if self.value.is_null() { self.key_span } else { self.value.span }
    }
}

impl Decoder<'_> {
    fn scenario(&mut self, root: &Node) -> Option<Scenario> {
        let entries = self.entries(root, "a scenario", &[&TOP_KEYS])?;
        if entries.entry("steps").is_none() && entries.entry("server").is_none() {
            let first = entries.list.first().map_or(root.span, |entry| entry.key_span);
            let error = Diagnostic::error(first, "this file has no `steps`");
            self.errors.push(error.help("a scenario needs `steps:`, or `server:` for the server's side"));
        }
        let connect = entries.entry("connect").and_then(|entry| self.opening(entry));
        let steps = entries.entry("steps").map(|entry| self.steps(entry, "")).unwrap_or_default();
        let finally = entries.entry("finally").map(|entry| self.steps(entry, "finally ")).unwrap_or_default();
        Some(Scenario {
            name: entries.value("name").and_then(|node| self.plain_text(node)),
            description: entries.value("description").and_then(|node| self.plain_text(node)),
            tags: entries
                .value("tags")
                .map(|node| self.names(node))
                .unwrap_or_default()
                .into_iter()
                .map(|tag| tag.name)
                .collect(),
            vars: entries.value("vars").map(|node| self.vars(node)).unwrap_or_default(),
            secrets: entries.value("secrets").map(|node| self.names(node)).unwrap_or_default(),
            timeout: entries.value("timeout").and_then(|node| self.known_length(node)),
            cases: entries.entry("cases").map(|entry| self.cases(entry)).unwrap_or_default(),
            opening: connect,
            steps,
            finally,
            server: entries.entry("server").and_then(|entry| self.server(entry)).map(Arc::new),
            sources: self.sources.clone(),
        })
    }

    fn opening(&mut self, entry: Entry<'_>) -> Option<Step> {
        let connect = self.connect(entry.value)?;
        let head = Head { timeout: connect.timeout.clone(), span: entry.value_span(), ..Head::default() };
        let session = connect.session.clone();
        Some(Step { head, session, action: Action::Connect(Box::new(connect)), ..Step::default() })
    }

    fn vars(&mut self, node: &Node) -> Vec<Var> {
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, "a mapping of names to values");
            return Vec::new();
        };
        let mut vars = Vec::new();
        for (key, value) in entries {
            if let (Some(name), Some(default)) = (self.named(key), self.data(value)) {
                vars.push(Var { name, default });
            }
        }
        vars
    }

    fn send(&mut self, entry: Entry<'_>) -> Option<Action> {
        let lines = match &entry.value.value {
            Value::List(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            _ => vec![self.text_of(entry)?],
        };
        for line in &lines {
            if let Some(at) = line.source.find('\r') {
                self.errors.push(
                    Diagnostic::error(line.span_of(&(at..at + 1)), "`send` ends each line with CRLF itself")
                        .help("leave out `\\r\\n`; for other line ends use `raw:`"),
                );
            }
        }
        Some(Action::Send(lines))
    }

    fn raw(&mut self, entry: Entry<'_>) -> Option<RawBytes> {
        if !matches!(entry.value.value, Value::Map(_)) {
            return self.text_of(entry).map(RawBytes::Text);
        }
        let entries = self.entries(entry.value, "`raw`", &[&["text", "hex", "base64"]])?;
        let [only] = entries.list.as_slice() else {
            self.errors.push(Diagnostic::error(entry.key_span, "`raw` takes one of `text`, `hex` and `base64`"));
            return None;
        };
        let text = self.text_of(*only)?;
        let decoded = match only.key {
            "text" => return Some(RawBytes::Text(text)),
            "hex" if !text.is_literal() => return Some(RawBytes::Hex(text)),
            "base64" if !text.is_literal() => return Some(RawBytes::Base64(text)),
            "hex" => decode_hex(&text.source),
            _ => decode_base64(&text.source),
        };
        match decoded {
            Ok(bytes) => Some(RawBytes::Bytes(bytes)),
            Err(message) => {
                self.errors.push(Diagnostic::error(only.value.span, message));
                None
            }
        }
    }

    fn closing(&mut self, node: &Node) -> Option<Closing> {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            _ if node.is_null() => Some(Closing::Fin),
            Some("fin") => Some(Closing::Fin),
            Some("reset") => Some(Closing::Reset),
            Some("write") => Some(Closing::Write),
            _ => {
                self.wrong_type(node, "`fin`, `reset` or `write`");
                None
            }
        }
    }

    fn settings(&mut self, node: &Node) -> Option<Vec<(Named, Data)>> {
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, "a mapping of names to values");
            return None;
        };
        let mut settings = Vec::new();
        for (key, value) in entries {
            settings.push((self.named(key)?, self.data(value)?));
        }
        Some(settings)
    }

    fn connect(&mut self, node: &Node) -> Option<Connect> {
        let bare = |address| Connect {
            address,
            implicit_tls: None,
            ip: None,
            local_address: None,
            socks5: None,
            proxy_protocol: None,
            session: None,
            timeout: None,
            tls: TlsSettings::default(),
        };
        if node.scalar().is_some() {
            return self.text(node).map(|text| bare(Address::Joined(text)));
        }
        let entries = self.entries(node, "`connect`", &[&CONNECT_KEYS, &TLS_KEYS])?;
        let address = self.connect_address(&entries)?;
        Some(Connect {
            implicit_tls: entries.value("tls").and_then(|node| self.implicit_tls(node)),
            ip: entries.value("ip").and_then(|node| self.ip_version(node)),
            local_address: entries.value("local_address").and_then(|node| self.text(node)),
            socks5: entries.value("socks5").and_then(|node| self.text(node)),
            proxy_protocol: entries.value("proxy_protocol").and_then(|node| self.proxy_protocol(node)),
            session: entries.value("as").and_then(|node| self.named(node)),
            timeout: entries.value("timeout").and_then(|node| self.length(node)),
            tls: self.tls_settings(&entries),
            ..bare(address)
        })
    }

    fn implicit_tls(&mut self, node: &Node) -> Option<bool> {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            Some("implicit") => Some(true),
            Some("none") => Some(false),
            _ => {
                self.wrong_type(node, "`none` or `implicit`");
                None
            }
        }
    }

    fn ip_version(&mut self, node: &Node) -> Option<IpVersion> {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            Some("4") => Some(IpVersion::V4),
            Some("6") => Some(IpVersion::V6),
            _ => {
                self.wrong_type(node, "`4` or `6`");
                None
            }
        }
    }

    /// TLS options of `starttls:` and `tls:`, which may be empty.
    fn tls_step(&mut self, entry: Entry<'_>) -> TlsSettings {
        if entry.value.is_null() {
            return TlsSettings::default();
        }
        match self.entries(entry.value, &format!("`{}`", entry.key), &[&TLS_KEYS]) {
            Some(entries) => self.tls_settings(&entries),
            None => TlsSettings::default(),
        }
    }

    fn tls_settings(&mut self, entries: &Entries<'_>) -> TlsSettings {
        let pair = (entries.entry("client_certificate"), entries.entry("client_key"));
        if let (Some(alone), None) | (None, Some(alone)) = pair {
            self.errors.push(
                Diagnostic::error(alone.key_span, "`client_certificate` and `client_key` go together")
                    .help("give both, in PEM"),
            );
        }
        TlsSettings {
            verify: entries.value("verify").and_then(|node| self.boolean(node)),
            server_name: entries.value("server_name").and_then(|node| self.text(node)),
            ca_file: entries.value("ca_file").and_then(|node| self.text(node)),
            client_certificate: entries.value("client_certificate").and_then(|node| self.text(node)),
            client_key: entries.value("client_key").and_then(|node| self.text(node)),
            min_version: entries.value("min_version").and_then(|node| self.tls_version(node)),
            max_version: entries.value("max_version").and_then(|node| self.tls_version(node)),
        }
    }

    /// `1.2`, `TLS1.2` and `TLSv1.2` all mean the same.
    fn tls_version(&mut self, node: &Node) -> Option<Named> {
        let written = node.scalar().map(|scalar| scalar.text.to_lowercase()).unwrap_or_default();
        let number = written.trim_start_matches("tls").trim_start_matches('v');
        let number = if number == "1" { "1.0" } else { number };
        if let Some(version) = TLS_VERSIONS.iter().find(|version| version.trim_start_matches("TLSv") == number) {
            Some(Named { name: (*version).to_owned(), span: node.span })
        } else {
            self.wrong_type(node, &format!("one of {}", TLS_VERSIONS.join(", ")));
            None
        }
    }

    // --- building blocks ---------------------------------------------------------------------------------------

    /// The entries of a mapping, after complaints about unknown, doubled and odd keys.
    fn entries<'n>(&mut self, node: &'n Node, what: &str, known: &[&[&'static str]]) -> Option<Entries<'n>> {
        let Value::Map(pairs) = &node.value else {
            self.errors.push(
                Diagnostic::error(node.span, format!("{what} is a mapping, not {}", node.description()))
                    .label(format!("expected keys such as {}", list_some(known))),
            );
            return None;
        };
        let mut entries = Entries { span: node.span, list: Vec::new() };
        for (key, value) in pairs {
            let Some(scalar) = key.scalar() else {
                self.errors
                    .push(Diagnostic::error(key.span, format!("a key of {what} is a word, not {}", key.description())));
                continue;
            };
            let name = scalar.text.as_str();
            if let Some(first) = entries.entry(name) {
                self.errors.push(
                    Diagnostic::error(key.span, format!("`{name}` stands here twice"))
                        .other(first.key_span, "the first one"),
                );
            } else if known.iter().any(|keys| keys.contains(&name)) {
                entries.list.push(Entry { key: name, key_span: key.span, value });
            } else {
                self.unknown_key(name, key.span, what, known);
            }
        }
        Some(entries)
    }

    fn unknown_key(&mut self, name: &str, span: Span, what: &str, known: &[&[&str]]) {
        if name == "<<" {
            return self.errors.push(super::lint::merge_key(span));
        }
        let error = Diagnostic::error(span, format!("`{name}` is not a key of {what}"));
        let all = || known.iter().flat_map(|keys| keys.iter().copied());
        self.errors.push(match similar(name, all()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("the keys are {}", all().collect::<Vec<_>>().join(", "))),
        });
    }

    fn wrong_type(&mut self, node: &Node, expected: &str) {
        let written =
            node.scalar().map(|scalar| scalar.text.as_str()).filter(|text| !text.is_empty() && text.len() < 40);
        let found = written.map_or_else(|| node.description().to_owned(), |text| format!("`{text}`"));
        self.errors.push(Diagnostic::error(node.span, format!("expected {expected}, found {found}")));
    }

    /// A template. An empty value is refused: YAML makes `send:` null, which is easily an oversight.
    fn text_of(&mut self, entry: Entry<'_>) -> Option<Text> {
        if entry.value.is_null() {
            self.errors.push(
                Diagnostic::error(entry.key_span, format!("`{}` is empty", entry.key))
                    .help("for an empty text write `\"\"`"),
            );
            return None;
        }
        self.text(entry.value)
    }

    fn text(&mut self, node: &Node) -> Option<Text> {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null) else {
            self.wrong_type(node, "text");
            return None;
        };
        match Text::parse(&scalar.text, node.span, scalar.layout.clone()) {
            Ok(text) => Some(text),
            Err(error) => {
                let diagnostic = Diagnostic::error(error.span, error.message);
                self.errors.push(match error.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                });
                None
            }
        }
    }

    fn plain_text(&mut self, node: &Node) -> Option<String> {
        let text = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null).map(|scalar| scalar.text.clone());
        if text.is_none() {
            self.wrong_type(node, "text");
        }
        text
    }

    fn pattern(&mut self, node: &Node) -> Option<Pattern> {
        self.text(node).map(Pattern::new)
    }

    /// `when: EXPRESSION`; brackets around it are a habit from texts, and say so.
    fn expression(&mut self, node: &Node) -> Option<Expression> {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null) else {
            self.wrong_type(node, "an expression");
            return None;
        };
        if scalar.text.trim_start().starts_with("<<") {
            self.errors.push(
                Diagnostic::error(node.span, "an expression stands here without `<<` and `>>`")
                    .help(format!("write `{}`", scalar.text.trim().trim_matches(['<', '>']).trim())),
            );
            return None;
        }
        Some(Expression::new(&scalar.text, node.span, scalar.layout.clone()))
    }

    fn named(&mut self, node: &Node) -> Option<Named> {
        let name = node.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
        let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if !starts || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            self.wrong_type(node, "a name of letters, digits and `_` that starts with a letter");
            return None;
        }
        Some(Named { name: name.to_owned(), span: node.span })
    }

    fn names(&mut self, node: &Node) -> Vec<Named> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node, "a list of names");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.tag_or_name(item)).collect()
    }

    fn tag_or_name(&mut self, node: &Node) -> Option<Named> {
        if let Some(scalar) = node.scalar().filter(|scalar| scalar.kind != ScalarKind::Null) {
            Some(Named { name: scalar.text.clone(), span: node.span })
        } else {
            self.wrong_type(node, "a name");
            None
        }
    }

    fn data(&mut self, node: &Node) -> Option<Data> {
        match &node.value {
            Value::List(items) => items.iter().map(|item| self.data(item)).collect::<Option<_>>().map(Data::List),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|(key, value)| Some((self.plain_text(key)?, self.data(value)?)));
                pairs.collect::<Option<_>>().map(Data::Map)
            }
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Bool(value) => Some(Data::Bool(value)),
                ScalarKind::Int(value) if value.to_string() == scalar.text => Some(Data::Int(value)),
                ScalarKind::Float(value) if value.to_string() == scalar.text => Some(Data::Float(value)),
                ScalarKind::Null => {
                    self.errors.push(
                        Diagnostic::error(node.span, "this value is empty")
                            .help("for an empty text write `\"\"`; a secret belongs under `secrets:`"),
                    );
                    None
                }
                // `0250` and `1e3` are numbers to YAML, but nobody who writes them means 250 and 1000.
                _ => self.text(node).map(Data::Text),
            },
        }
    }

    fn boolean(&mut self, node: &Node) -> Option<bool> {
        if let Some(ScalarKind::Bool(value)) = node.scalar().map(|scalar| scalar.kind) {
            Some(value)
        } else {
            self.wrong_type(node, "true or false");
            None
        }
    }

    fn flag(&mut self, entries: &Entries<'_>, key: &str, default: bool) -> bool {
        entries.value(key).and_then(|node| self.boolean(node)).unwrap_or(default)
    }

    fn length(&mut self, node: &Node) -> Option<Length> {
        let text = self.text(node)?;
        if !text.is_literal() {
            return Some(Length::Template(text));
        }
        self.known_length(node).map(Length::Known)
    }

    fn known_length(&mut self, node: &Node) -> Option<std::time::Duration> {
        match duration::parse(node.scalar().map_or("", |scalar| scalar.text.as_str())) {
            Ok(length) => Some(length),
            Err(message) => {
                self.errors.push(Diagnostic::error(node.span, message));
                None
            }
        }
    }
}

/// How many lines a `send` sends.
pub(super) fn send_lines(lines: &[Text]) -> usize {
    let count = |text: &Text| text.with_placeholder("x").trim_end_matches('\n').split('\n').count();
    lines.iter().map(count).sum()
}

/// Bytes from hexadecimal digits; blanks between them are free.
pub(crate) fn decode_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| character.to_digit(16).ok_or_else(|| format!("`{character}` is not a hexadecimal digit")))
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err("an odd number of hexadecimal digits: two make a byte".to_owned());
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0_u8, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or(0)))
        .collect())
}

/// Bytes from base64; blanks and line breaks in it are free.
pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, String> {
    let dense: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    base64::engine::general_purpose::STANDARD
        .decode(dense)
        .map_err(|error| format!("not base64: {}", error.to_string().to_lowercase()))
}

fn list_some(known: &[&[&str]]) -> String {
    let first: Vec<String> = known.iter().flat_map(|keys| keys.iter()).take(4).map(|key| format!("`{key}`")).collect();
    first.join(", ")
}

impl Layout {
    /// A layout for text that was not read from a file.
    pub(crate) fn unknown() -> Layout {
        Layout::default()
    }
}
