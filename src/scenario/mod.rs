//! What the user wrote: a scenario as plain data in which every node knows its place in the file.
//!
//! Responsible for reading (`yaml`, `parse`), templates (`template`, `builtin`), patterns, and everything that can be
//! checked before the first connection (`check`). It never sees a socket; playing a scenario is `crate::play`'s job.

pub(crate) mod address;
mod builtin;
pub(crate) mod cases;
mod check;
mod chosen;
mod claim;
mod connection;
mod content;
mod decode;
mod diagnostic;
pub mod duration;
mod expectation;
mod filler;
mod flow;
mod keys;
mod likeness;
mod lint;
mod lost;
mod matcher;
mod misread;
mod octets;
mod pattern;
mod schema;
pub(crate) mod server;
mod sides;
mod source;
mod step;
pub(crate) mod template;
mod title;
mod typography;
mod variables;
mod words;
pub(crate) mod write;
pub(crate) mod yaml;

pub use claim::{FailOn, Level};
pub use misread::Misread;
pub use schema::SCHEMA;
pub use source::{Diagnostic, Footnote, Position, Severity, Source, Sources, Span};
pub use template::{Expression, Text};
pub(crate) use variables::render_data;
pub use variables::{Inputs, Secret, Variables, VariablesError, undeclared};

pub(crate) use builtin::Chance;
pub(crate) use cases::{Table, table};
pub(crate) use check::{CheckContext, KnownFindings, PemChecks, check, parse_listen, reason, resolve_file};
pub(crate) use chosen::{Attempts, Choosable, Chosen, ImplicitTls, TlsVersionName, choose};
pub(crate) use claim::{Claim, Requirement};
pub(crate) use connection::{Address, Connect, IpVersion, ProxyProtocol, TlsSettings, proxied};
pub(crate) use content::{Attachment, Bdat, Content, DEFAULT_CHUNK, HeaderField, HeaderKind, MailData, Message, Pace};
pub(crate) use decode::defaults::{DEFAULTS_FILE, DEFAULTS_INDEX};
pub(crate) use decode::{Includes, parse};
pub(crate) use expectation::{ClosedBy, CodePattern, CodeSet, Expectation, Expected, Fields, Pattern};
pub(crate) use filler::Filler;
pub(crate) use flow::Flow;
pub(crate) use likeness::Likeness;
pub(crate) use matcher::{Capture, Matcher};
pub(crate) use octets::{decode_base64, decode_hex};
pub(crate) use pattern::{
    NamePattern, OPEN, PatternFault, compile as compile_pattern, escaped as escaped_pattern, name_pattern, near_miss,
    refuse_too_wide, spelled,
};
pub(crate) use source::{DiagnosticKind, UNSEEN};
pub(crate) use step::{Action, Assertion, Auth, Group, Head, RawBytes, Retry, RetryOn, Speech, Step, TlsStep};
pub(crate) use template::{Mode, Over, Rendered, Scope, TemplateError, Templates, value_from_bytes, weight_of};
pub(crate) use words::similar;

use std::collections::HashSet;
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
pub(crate) fn parse_count(written: &str) -> Result<usize, Misread> {
    let count = written.trim().parse::<usize>().ok();
    let allowed = count.filter(|count| u64::try_from(*count).is_ok_and(|count| count <= MAX_ITERATIONS));
    allowed.ok_or_else(|| Misread::new(format!("`repeat` takes a number up to {MAX_ITERATIONS}, not `{written}`")))
}
/// How long one wait may take when nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a retry waits when nothing is said, of a group or of a whole scenario.
pub(crate) const DEFAULT_RETRY_DELAY: Duration = Duration::from_secs(1);

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
    /// What it claims about the other side.
    pub(crate) claim: Claim,
    /// What must be true for it to be about the other side at all.
    pub(crate) requires: Vec<Requirement>,
    pub(crate) vars: Vec<Var>,
    pub(crate) secrets: Vec<Named>,
    pub(crate) timeout: Option<Duration>,
    /// The top-level `connect`, as a step of its own.
    pub(crate) opening: Option<Step>,
    /// Sets of variables: the scenario is played once for each.
    pub(crate) cases: Vec<Case>,
    pub(crate) steps: Vec<Step>,
    pub(crate) finally: Vec<Step>,
    /// What of the file could not be read.
    pub(crate) lost: lost::Lost,
    /// The server's side, where the file has one.
    pub(crate) server: Option<Arc<server::Server>>,
    /// Credentials that it spells out: shown as little as secrets.
    pub(crate) typed: Vec<String>,
    /// Whether it stands in a ticket: somebody else's, whatever the file is called.
    pub(crate) is_of_ticket: bool,
    /// Whether it comes with the program: its addresses are examples.
    pub(crate) is_built_in: bool,
    /// Whether its second file has the defaults of its folder.
    pub(crate) has_defaults: bool,
    /// Which column names the cases, once somebody has asked.
    pub(crate) naming: OnceLock<Option<usize>>,
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

/// The names under `secrets:` of a scenario's text, whatever else is in it.
pub(crate) fn declared_secrets(text: &str) -> Vec<String> {
    let Ok(root) = yaml::read(text, 0) else { return Vec::new() };
    let yaml::Value::Map(entries) = &root.value else { return Vec::new() };
    let declared = entries.iter().filter(|(key, _)| key.scalar().is_some_and(|key| key.text == "secrets"));
    let names = declared.flat_map(|(_, value)| match &value.value {
        yaml::Value::List(names) => names.iter().filter_map(yaml::Node::scalar).collect(),
        _ => value.scalar().into_iter().collect::<Vec<_>>(),
    });
    names.map(|name| name.text.clone()).collect()
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
    /// A variable without a default: its value must be given.
    Missing(Span),
}

/// A duration, known now or only when its template is rendered.
#[derive(Debug, Clone)]
pub(crate) enum Length {
    Known(Duration),
    Template(Text),
}

impl Var {
    /// Whether it has no default.
    pub(crate) fn must_be_given(&self) -> bool {
        matches!(self.default, Data::Missing(_))
    }
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
            Data::Missing(_) => String::new(),
        }
    }
}

impl Scenario {
    /// How many sets of variables it is to be played with; 0 when it has no `cases`, and is played once.
    #[must_use]
    pub fn case_count(&self) -> usize {
        self.cases.len()
    }

    /// What a case is called: its number, and the value of the column that names it: `2: to=mary@jane.com`.
    #[must_use]
    pub fn case_name(&self, index: usize) -> String {
        let values = self.cases.get(index).map(|case| case.values.as_slice()).unwrap_or_default();
        let naming = self.naming_column();
        let names_it = |(name, _): &&(Named, Data)| Some(name.name.as_str()) == naming;
        let told: Vec<&(Named, Data)> = match values.iter().find(names_it) {
            Some(column) => vec![column],
            None => values.iter().collect(),
        };
        let told: Vec<String> = told.iter().map(|(name, data)| format!("{}={}", name.name, data.written())).collect();
        format!("{}: {}", index + 1, told.join(", "))
    }

    /// The column that names the cases: `name`, `case`, or the first where no two cases have the same in it.
    pub(crate) fn naming_column(&self) -> Option<&str> {
        let find = || {
            let columns = self.cases.first().map(|case| case.values.as_slice()).unwrap_or_default();
            let named = columns.iter().position(|(name, _)| ["name", "case"].contains(&name.name.as_str()));
            let mut seen = HashSet::new();
            let mut firsts = self.cases.iter().map(|case| case.values.first().map(|(_, data)| data.written()));
            named.or_else(|| firsts.all(|first| seen.insert(first)).then_some(0)).filter(|at| *at < columns.len())
        };
        let at = (*self.naming.get_or_init(find))?;
        Some(self.cases.first()?.values.get(at)?.0.name.as_str())
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

    /// Whether its server plays the same steps on every connection, however many come.
    #[must_use]
    pub fn serves_without_end(&self) -> bool {
        self.server.as_ref().is_some_and(|server| matches!(server.plan, server::ConnectionPlan::Each(_)))
    }

    /// Whether clients of its server must trust a certificate that is made at each start.
    pub(crate) fn makes_certificate(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.makes_certificate())
    }

    /// Whether it begins with `connect: {mx: …, every: true}`.
    pub(crate) fn plays_every_exchanger(&self) -> bool {
        let Some(Action::Connect(connect)) = self.opening.as_ref().map(|opening| &opening.action) else { return false };
        matches!(connect.address, Address::Mx { every: true, .. })
    }

    /// What in it depends on a secret, beside what is sent: the place, in words, and the secrets.
    pub(crate) fn decisions_of_secrets(&self) -> Vec<(Span, String, Vec<String>)> {
        Flow::of(self).decisions()
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
    use super::declared_secrets;

    #[test]
    fn secrets_are_declared_in_each_way_that_yaml_has() {
        for text in [
            "name: it\nsecrets: [username, password] # both\nsteps: []\n",
            "secrets:\n  - username\n  # the key\n  - \"password\"\nsteps: [\n",
            "secrets:\n- username\n- password\n",
        ] {
            let names = if text.ends_with("[\n") { vec![] } else { vec!["username", "password"] };
            assert_eq!(declared_secrets(text), names, "{text}");
        }
        assert_eq!(declared_secrets("secrets: password\nsteps: []\n"), ["password"]);
        assert!(declared_secrets("steps:\n  - send: NOOP\n").is_empty());
    }
}
