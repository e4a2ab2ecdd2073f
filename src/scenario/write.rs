//! Writes scenarios: a [`Draft`] is one that a program has made, and its text is one that a person would have written.
//!
//! Responsible for the order of the keys and the shape of each step; quoting and layout are `yaml_text`'s business. Not
//! for what is in a draft: `recording` makes one of a conversation. Texts in a draft are templates, as in a file:
//! [`literal`] makes one of text that comes from outside. What is written reads back, by `parse`, as the same steps.

pub(crate) mod yaml_text;

use crate::smtp::ports::SUBMISSIONS_PORT;
use std::fmt::Write as _;
use yaml_text::{Field, Item, YamlValue};

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

    fn entries(&self) -> Vec<Field> {
        let mut entries = Vec::new();
        let mut lines = |key: &str, text: &Option<String>| {
            entries.extend(text.as_ref().map(|text| Field::new(key, long(text))));
        };
        lines("name", &self.name);
        lines("description", &self.description);
        if !self.tags.is_empty() {
            entries.push(Field::new("tags", YamlValue::FlowList(self.tags.clone())));
        }
        if !self.vars.is_empty() {
            entries.push(Field::new("vars", YamlValue::Map(pairs(&self.vars))));
        }
        if !self.secrets.is_empty() {
            entries.push(Field::new("secrets", YamlValue::FlowList(self.secrets.clone())));
        }
        entries.extend(self.connect.as_ref().map(|connect| Field::new("connect", connect.value())));
        entries.extend(self.timeout.as_ref().map(|timeout| Field::text("timeout", timeout)));
        entries.push(Field::new("steps", list(&self.steps)));
        if !self.finally.is_empty() {
            entries.push(Field::new("finally", list(&self.finally)));
        }
        entries
    }
}

impl DraftConnect {
    fn value(&self) -> YamlValue {
        let by_port = self.port == SUBMISSIONS_PORT;
        let tls = self.implicit_tls.filter(|implicit| *implicit != by_port);
        if tls.is_none() && self.session.is_none() && self.options.is_empty() {
            return YamlValue::Text(self.address());
        }
        let mut entries = vec![Field::text("host", &self.host), Field::text("port", self.port.to_string())];
        entries.extend(self.session.as_ref().map(|name| Field::text("as", name)));
        entries.extend(tls.map(|implicit| Field::text("tls", if implicit { "implicit" } else { "none" })));
        entries.extend(pairs(&self.options));
        YamlValue::Map(entries)
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
            entries.extend(text.as_ref().map(|text| Field::text(key, text)));
        };
        modifier("name", &self.name);
        modifier("when", &self.when);
        modifier("session", &self.session);
        modifier("timeout", &self.timeout);
        self.action.entries(&mut entries);
        entries.extend(self.fails.as_ref().map(|reason| Field::text("fails", reason)));
        entries.extend(self.expect.as_ref().map(|expect| Field::new("expect", expect.value())));
        let value = match entries.as_slice() {
            [Field { key, value: YamlValue::Empty }] => YamlValue::Text(key.clone()),
            _ => YamlValue::Map(entries),
        };
        Item { comments: self.comments.clone(), value }
    }
}

impl DraftAction {
    fn entries(&self, entries: &mut Vec<Field>) {
        let options = |options: &[(String, String)]| match options {
            [] => YamlValue::Empty,
            some => YamlValue::Map(pairs(some)),
        };
        let entry = match self {
            DraftAction::None => return,
            DraftAction::Send(line) => Field::text("send", line),
            DraftAction::Raw(text) => Field::new("raw", YamlValue::Quoted(text.clone())),
            DraftAction::RawHex(digits) => Field::new("raw", YamlValue::Map(vec![Field::new("hex", long(digits))])),
            DraftAction::Data(text) => Field::new("data", long(text)),
            DraftAction::DataFile(name) => Field::new("data", YamlValue::Map(vec![Field::text("file", name)])),
            DraftAction::Message(fields) => {
                let field = |(key, texts): &(String, Vec<String>)| match texts.as_slice() {
                    [text] => Field::new(key, long(text)),
                    several => Field::new(key, YamlValue::FlowList(several.to_vec())),
                };
                Field::new("message", YamlValue::Map(fields.iter().map(field).collect()))
            }
            DraftAction::Bdat { text, last: true } => Field::new("bdat", long(text)),
            DraftAction::Bdat { text, last: false } => {
                let parts = vec![Field::new("text", long(text)), Field::text("last", "false")];
                Field::new("bdat", YamlValue::Map(parts))
            }
            DraftAction::StartTls(settings) => Field::new("starttls", options(settings)),
            DraftAction::Tls(settings) => Field::new("tls", options(settings)),
            DraftAction::Auth(settings) => Field::new("auth", options(settings)),
            DraftAction::Close(how) if how == "fin" => Field::new("close", YamlValue::Empty),
            DraftAction::Close(how) => Field::text("close", how),
            DraftAction::Group { pipeline, steps } => {
                entries.extend(pipeline.then(|| Field::text("pipeline", "true")));
                Field::new("steps", list(steps))
            }
        };
        entries.push(entry);
    }
}

impl DraftExpect {
    fn value(&self) -> YamlValue {
        match self {
            DraftExpect::Reply(pattern) => YamlValue::Text(pattern.clone()),
            DraftExpect::All(patterns) => {
                let item = |text: &String| Item { comments: Vec::new(), value: YamlValue::Text(text.clone()) };
                YamlValue::Map(vec![Field::new("all", YamlValue::List(patterns.iter().map(item).collect()))])
            }
            DraftExpect::Fields(fields) => YamlValue::FlowMap(fields.clone()),
        }
    }
}

fn pairs(pairs: &[(String, String)]) -> Vec<Field> {
    pairs.iter().map(|(key, text)| Field::text(key, text)).collect()
}

fn list(steps: &[DraftStep]) -> YamlValue {
    YamlValue::List(steps.iter().map(DraftStep::item).collect())
}

/// A text that may have several lines.
fn long(text: &str) -> YamlValue {
    if text.contains('\n') { YamlValue::Block(text.to_owned()) } else { YamlValue::Text(text.to_owned()) }
}

#[cfg(test)]
mod tests;
