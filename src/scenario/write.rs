//! Writes scenarios: a [`Draft`] is one that a program has made, and its text is one that a person would have written.
//!
//! Responsible for the order of the keys and the shape of each step; quoting and layout are `yaml_text`'s business. Not
//! for what is in a draft: `recording` makes one of a conversation. Texts in a draft are templates, as in a file:
//! [`literal`] makes one of text that comes from outside. What is written reads back, by `parse`, as the same steps.

pub(crate) mod yaml_text;

use std::fmt::Write as _;
use yaml_text::{Entry, Item, Value};

/// How many bytes stand in one line of hexadecimal digits.
const HEX_LINE: usize = 32;

/// A scenario to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Stand at the top of the file.
    pub(crate) comments: Vec<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<String>,
    /// Names with their defaults, in this order.
    pub(crate) vars: Vec<(String, String)>,
    pub(crate) secrets: Vec<String>,
    pub(crate) connect: Option<DraftConnect>,
    pub(crate) timeout: Option<String>,
    pub(crate) steps: Vec<DraftStep>,
    pub(crate) finally: Vec<DraftStep>,
}

/// Where a draft connects to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DraftConnect {
    /// A name or address; one of IPv6 without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether TLS comes first; where it is not given, the port decides.
    pub(crate) implicit_tls: Option<bool>,
    /// The name of the session, where it is another than `main`.
    pub(crate) session: Option<String>,
    /// Further options, such as `verify: false`.
    pub(crate) options: Vec<(String, String)>,
}

/// A step of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DraftStep {
    /// Stand above the step.
    pub(crate) comments: Vec<String>,
    pub(crate) name: Option<String>,
    pub(crate) when: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) timeout: Option<String>,
    pub(crate) action: DraftAction,
    pub(crate) expect: Option<DraftExpect>,
    /// The pattern of the reason for which the action must fail.
    pub(crate) fails: Option<String>,
}

/// What a step of a draft does. Lists of pairs are keys with their texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum DraftAction {
    /// Only `expect`.
    #[default]
    None,
    Send(String),
    /// A text with its line ends.
    Raw(String),
    /// Hexadecimal digits, perhaps with templates among them.
    RawHex(String),
    /// Mail data: lines that end in LF.
    Data(String),
    /// A file that holds the mail data.
    DataFile(String),
    /// A message that is built: its fields, each a text or a list of them.
    Message(Vec<(String, Vec<String>)>),
    /// A chunk of mail data: lines that end in LF.
    Bdat {
        text: String,
        last: bool,
    },
    StartTls(Vec<(String, String)>),
    Tls(Vec<(String, String)>),
    Auth(Vec<(String, String)>),
    /// `fin`, `reset` or `write`.
    Close(String),
    Group {
        pipeline: bool,
        steps: Vec<DraftStep>,
    },
}

/// What a step of a draft expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DraftExpect {
    /// A pattern, or a reply code.
    Reply(String),
    /// Patterns that all hold.
    All(Vec<String>),
    /// Keys and texts of one mapping, such as `code: 421, closed: true`.
    Fields(Vec<(String, String)>),
}

/// Text from outside as a template that gives exactly this text.
pub(crate) fn literal(text: &str) -> String {
    let mut template = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<<") {
        let brackets = rest[start..].len() - rest[start..].trim_start_matches('<').len();
        _ = write!(template, "{}<<'{}'>>", &rest[..start], &rest[start..start + brackets]);
        rest = &rest[start + brackets..];
    }
    template.push_str(rest);
    template
}

/// Bytes in hexadecimal digits, with a blank between two bytes and lines that can be read.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(HEX_LINE).map(line).collect::<Vec<_>>().join("\n")
}

impl Draft {
    /// The text of the file.
    pub(crate) fn to_yaml(&self) -> String {
        let mut text = String::new();
        self.comments.iter().for_each(|comment| yaml_text::comment(comment, 0, &mut text));
        text.push_str(&yaml_text::document(&self.entries()));
        text
    }

    fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut lines = |key: &str, text: &Option<String>| {
            entries.extend(text.as_ref().map(|text| Entry::new(key, long(text))));
        };
        lines("name", &self.name);
        lines("description", &self.description);
        if !self.tags.is_empty() {
            entries.push(Entry::new("tags", Value::FlowList(self.tags.clone())));
        }
        if !self.vars.is_empty() {
            entries.push(Entry::new("vars", Value::Map(pairs(&self.vars))));
        }
        if !self.secrets.is_empty() {
            entries.push(Entry::new("secrets", Value::FlowList(self.secrets.clone())));
        }
        entries.extend(self.connect.as_ref().map(|connect| Entry::new("connect", connect.value())));
        entries.extend(self.timeout.as_ref().map(|timeout| Entry::text("timeout", timeout)));
        entries.push(Entry::new("steps", list(&self.steps)));
        if !self.finally.is_empty() {
            entries.push(Entry::new("finally", list(&self.finally)));
        }
        entries
    }
}

impl DraftConnect {
    fn value(&self) -> Value {
        let by_port = self.port == 465;
        let tls = self.implicit_tls.filter(|implicit| *implicit != by_port);
        if tls.is_none() && self.session.is_none() && self.options.is_empty() {
            return Value::Text(self.address());
        }
        let mut entries = vec![Entry::text("host", &self.host), Entry::text("port", self.port.to_string())];
        entries.extend(self.session.as_ref().map(|name| Entry::text("as", name)));
        entries.extend(tls.map(|implicit| Entry::text("tls", if implicit { "implicit" } else { "none" })));
        entries.extend(pairs(&self.options));
        Value::Map(entries)
    }

    /// `HOST:PORT`; the port of SMTP is left out.
    fn address(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 25 { host } else { format!("{host}:{}", self.port) }
    }
}

impl DraftStep {
    /// A step that does only this.
    pub(crate) fn new(action: DraftAction) -> DraftStep {
        DraftStep { action, ..DraftStep::default() }
    }

    fn item(&self) -> Item {
        let mut entries = Vec::new();
        let mut modifier = |key: &str, text: &Option<String>| {
            entries.extend(text.as_ref().map(|text| Entry::text(key, text)));
        };
        modifier("name", &self.name);
        modifier("when", &self.when);
        modifier("session", &self.session);
        modifier("timeout", &self.timeout);
        self.action.entries(&mut entries);
        entries.extend(self.fails.as_ref().map(|reason| Entry::text("fails", reason)));
        entries.extend(self.expect.as_ref().map(|expect| Entry::new("expect", expect.value())));
        let value = match entries.as_slice() {
            [Entry { key, value: Value::Empty }] => Value::Text(key.clone()),
            _ => Value::Map(entries),
        };
        Item { comments: self.comments.clone(), value }
    }
}

impl DraftAction {
    fn entries(&self, entries: &mut Vec<Entry>) {
        let options = |options: &[(String, String)]| match options {
            [] => Value::Empty,
            some => Value::Map(pairs(some)),
        };
        let entry = match self {
            DraftAction::None => return,
            DraftAction::Send(line) => Entry::text("send", line),
            DraftAction::Raw(text) => Entry::new("raw", Value::Quoted(text.clone())),
            DraftAction::RawHex(digits) => Entry::new("raw", Value::Map(vec![Entry::new("hex", long(digits))])),
            DraftAction::Data(text) => Entry::new("data", long(text)),
            DraftAction::DataFile(name) => Entry::new("data", Value::Map(vec![Entry::text("file", name)])),
            DraftAction::Message(fields) => {
                let field = |(key, texts): &(String, Vec<String>)| match texts.as_slice() {
                    [text] => Entry::new(key, long(text)),
                    several => Entry::new(key, Value::FlowList(several.to_vec())),
                };
                Entry::new("message", Value::Map(fields.iter().map(field).collect()))
            }
            DraftAction::Bdat { text, last: true } => Entry::new("bdat", long(text)),
            DraftAction::Bdat { text, last: false } => {
                let parts = vec![Entry::new("text", long(text)), Entry::text("last", "false")];
                Entry::new("bdat", Value::Map(parts))
            }
            DraftAction::StartTls(settings) => Entry::new("starttls", options(settings)),
            DraftAction::Tls(settings) => Entry::new("tls", options(settings)),
            DraftAction::Auth(settings) => Entry::new("auth", options(settings)),
            DraftAction::Close(how) if how == "fin" => Entry::new("close", Value::Empty),
            DraftAction::Close(how) => Entry::text("close", how),
            DraftAction::Group { pipeline, steps } => {
                entries.extend(pipeline.then(|| Entry::text("pipeline", "true")));
                Entry::new("steps", list(steps))
            }
        };
        entries.push(entry);
    }
}

impl DraftExpect {
    fn value(&self) -> Value {
        match self {
            DraftExpect::Reply(pattern) => Value::Text(pattern.clone()),
            DraftExpect::All(patterns) => {
                let item = |text: &String| Item { comments: Vec::new(), value: Value::Text(text.clone()) };
                Value::Map(vec![Entry::new("all", Value::List(patterns.iter().map(item).collect()))])
            }
            DraftExpect::Fields(fields) => Value::FlowMap(fields.clone()),
        }
    }
}

fn pairs(pairs: &[(String, String)]) -> Vec<Entry> {
    pairs.iter().map(|(key, text)| Entry::text(key, text)).collect()
}

fn list(steps: &[DraftStep]) -> Value {
    Value::List(steps.iter().map(DraftStep::item).collect())
}

/// A text that may have several lines.
fn long(text: &str) -> Value {
    if text.contains('\n') { Value::Block(text.to_owned()) } else { Value::Text(text.to_owned()) }
}

#[cfg(test)]
mod tests;
