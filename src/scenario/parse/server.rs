//! Reads `server:`: where it listens, its connections, their steps, and the rules.

use super::{Decoder, Entries, Entry, list_some};
use crate::scenario::server::{
    CertificateChoice, ClientCertificate, MAX_CONNECTIONS, MadeCertificate, MailPart, Plan, Received, Rule, Served,
    Server, ServerTls,
};
use crate::scenario::sides::Side;
use crate::scenario::source::Diagnostic;
use crate::scenario::step::TlsStep;
use crate::scenario::yaml::{Node, ScalarKind, Value};
use crate::scenario::{Expectation, Expected, Pattern, Text};

const SERVER_KEYS: [&str; 5] = ["listen", "tls", "connections", "steps", "rules"];
const SERVED_KEYS: [&str; 4] = ["name", "times", "tls", "steps"];
const TLS_KEYS: [&str; 5] = ["certificate", "client_certificate", "client_ca", "min_version", "max_version"];
const CERTIFICATE_KEYS: [&str; 5] = ["file", "key", "self_signed", "expired", "names"];
const RULE_KEYS: [&str; 10] = ["match", "reply", "times", "after", "per", "when", "delay", "pace", "close", "name"];

impl Decoder<'_> {
    pub(super) fn server(&mut self, entry: Entry<'_>) -> Option<Server> {
        self.side = Side::Server;
        let server = self.server_content(entry);
        self.side = Side::Client;
        server
    }

    fn server_content(&mut self, entry: Entry<'_>) -> Option<Server> {
        let entries = self.entries(entry.value, "`server`", &[&SERVER_KEYS, &TLS_KEYS])?;
        let plan = match (entries.entry("connections"), entries.entry("steps")) {
            (Some(connections), None) => Plan::Listed(self.served_list(connections)),
            (None, Some(steps)) => Plan::Each(self.steps(steps, "")),
            (None, None) => Plan::Rules,
            (Some(connections), Some(steps)) => {
                let text = "`steps` cannot stand beside `connections`";
                let error = Diagnostic::error(steps.key_span, text).other(connections.key_span, "the connections");
                self.errors.push(error.help("`steps` are played on every connection, `connections` on one each"));
                Plan::Rules
            }
        };
        let rules = entries.entry("rules").map(|entry| self.rules(entry));
        if rules.is_none() && matches!(plan, Plan::Rules) && entries.entry("connections").is_none() {
            self.errors.push(
                Diagnostic::error(entry.key_span, "this server does nothing")
                    .help("give it `connections:`, `steps:` or `rules:`"),
            );
        }
        Some(Server {
            span: entry.key_span,
            listen: entries.value("listen").and_then(|node| self.text(node)),
            implicit_tls: entries.value("tls").and_then(|node| self.implicit_tls(node)).unwrap_or(false),
            tls: self.server_tls(&entries),
            plan,
            rules: rules.unwrap_or_default(),
        })
    }

    fn served_list(&mut self, entry: Entry<'_>) -> Vec<Served> {
        let Value::List(items) = &entry.value.value else {
            self.errors.push(
                Diagnostic::error(entry.value_span(), "`connections` takes a list: the first connection, the second …")
                    .help("each connection begins with `- steps:`"),
            );
            return Vec::new();
        };
        if items.is_empty() {
            let error = Diagnostic::error(entry.key_span, "`connections` is empty: no connection may come");
            self.errors.push(error.help("list at least one, with its `steps:`"));
        }
        items.iter().filter_map(|item| self.served(item)).collect()
    }

    fn served(&mut self, node: &Node) -> Option<Served> {
        let entries = self.entries(node, "a connection", &[&SERVED_KEYS, &TLS_KEYS])?;
        let times = entries.value("times").map_or(Some(1), |node| {
            let most = u64::from(MAX_CONNECTIONS);
            self.count(node, 1, most).and_then(|count| u32::try_from(count).ok())
        });
        Some(Served {
            span: node.span,
            name: entries.value("name").and_then(|node| self.text(node)),
            times: times.unwrap_or(1),
            implicit_tls: entries.value("tls").and_then(|node| self.implicit_tls(node)),
            tls: self.server_tls(&entries),
            steps: entries.entry("steps").map(|entry| self.steps(entry, "")).unwrap_or_default(),
        })
    }

    fn count(&mut self, node: &Node, least: u64, most: u64) -> Option<u64> {
        let count = match node.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Int(count)) => u64::try_from(count).ok().filter(|count| (least..=most).contains(count)),
            _ => None,
        };
        if count.is_none() {
            self.wrong_type(node, &format!("a number from {least} to {most}"));
        }
        count
    }

    // --- steps ---------------------------------------------------------------------------------------------------

    pub(super) fn receive(&mut self, entry: Entry<'_>) -> Option<Received> {
        let part = match entry.value.scalar().map(|scalar| scalar.text.as_str()) {
            Some("data") => MailPart::Data,
            Some("bdat") => MailPart::Bdat,
            _ => {
                self.wrong_type(entry.value, "`data` (up to the line with the dot) or `bdat` (one chunk)");
                return None;
            }
        };
        Some(Received { part, span: entry.span() })
    }

    /// `expect` of a step; of a server it is a command line, or what else a client may do.
    pub(super) fn expected(&mut self, entry: Entry<'_>) -> Option<Expectation> {
        let expectation = self.expectation(entry.value, entry.key_span)?;
        match self.side {
            Side::Client => Some(expectation),
            Side::Server => self.as_command(expectation),
        }
    }

    fn as_command(&mut self, expectation: Expectation) -> Option<Expectation> {
        let span = expectation.span;
        let list = |decoder: &mut Self, list: Vec<Expectation>| {
            list.into_iter().map(|one| decoder.as_command(one)).collect::<Option<Vec<_>>>()
        };
        let kind = match expectation.kind {
            Expected::Pattern(pattern) => Expected::Pattern(Pattern::of_command(pattern.text)),
            Expected::Line(pattern) => Expected::Line(Pattern::of_command(pattern.text)),
            Expected::Raw(pattern) => Expected::Raw(Pattern::of_command(pattern.text)),
            Expected::Any(alternatives) => Expected::Any(list(self, alternatives)?),
            Expected::All(parts) => Expected::All(list(self, parts)?),
            kind @ (Expected::Closed(_) | Expected::Silence(_)) => kind,
            Expected::Code(_) | Expected::Fields(_) => {
                let error = Diagnostic::error(span, "a server expects commands, which have no reply code");
                self.errors.push(error.help("write a pattern such as `^EHLO (?<client>\\S+)`"));
                return None;
            }
        };
        Some(Expectation { span, kind })
    }

    // --- TLS ---------------------------------------------------------------------------------------------------

    pub(super) fn server_tls_step(&mut self, entry: Entry<'_>) -> TlsStep {
        if entry.value.is_null() {
            return TlsStep::default();
        }
        let own: &[&str] = if entry.key == "starttls" { &["inject"] } else { &[] };
        let Some(entries) = self.entries(entry.value, &format!("`{}`", entry.key), &[own, &TLS_KEYS]) else {
            return TlsStep::default();
        };
        TlsStep {
            server: self.server_tls(&entries),
            inject: entries.entry("inject").and_then(|entry| self.text_of(entry)),
            ..TlsStep::default()
        }
    }

    fn server_tls(&mut self, entries: &Entries<'_>) -> ServerTls {
        ServerTls {
            certificate: entries.value("certificate").and_then(|node| self.certificate(node)),
            client_certificate: entries.value("client_certificate").and_then(|node| self.client_certificate(node)),
            client_ca: entries.value("client_ca").and_then(|node| self.text(node)),
            min_version: entries.value("min_version").and_then(|node| self.tls_version(node)),
            max_version: entries.value("max_version").and_then(|node| self.tls_version(node)),
        }
    }

    fn client_certificate(&mut self, node: &Node) -> Option<ClientCertificate> {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            Some("request") => Some(ClientCertificate::Request),
            Some("require") => Some(ClientCertificate::Require),
            _ => {
                self.wrong_type(node, "`request` or `require`");
                None
            }
        }
    }

    /// `self-signed`, `own-ca`, `expired`, `wrong-name`, or a mapping.
    fn certificate(&mut self, node: &Node) -> Option<CertificateChoice> {
        let made = MadeCertificate::default();
        let made = match node.scalar().map(|scalar| scalar.text.as_str()) {
            None => return self.certificate_mapping(node),
            Some("own-ca") => made,
            Some("self-signed") => MadeCertificate { self_signed: true, ..made },
            Some("expired") => MadeCertificate { expired: true, ..made },
            Some("wrong-name") => MadeCertificate { names: Some(vec![Text::verbatim("wrong-name.invalid")]), ..made },
            Some(_) => {
                let expected = "`own-ca`, `self-signed`, `expired`, `wrong-name`, or `{file: …, key: …}`";
                self.wrong_type(node, expected);
                return None;
            }
        };
        Some(CertificateChoice::Made(made))
    }

    fn certificate_mapping(&mut self, node: &Node) -> Option<CertificateChoice> {
        let entries = self.entries(node, "`certificate`", &[&CERTIFICATE_KEYS])?;
        match (entries.entry("file"), entries.entry("key")) {
            (Some(file), Some(key)) => {
                if let Some(other) = entries.list.iter().find(|entry| !matches!(entry.key, "file" | "key")) {
                    let text = format!("`{}` cannot stand beside `file`", other.key);
                    let help = "a certificate that is given is taken as it is";
                    self.errors.push(Diagnostic::error(other.key_span, text).help(help));
                }
                Some(CertificateChoice::Files { file: self.text_of(file)?, key: self.text_of(key)? })
            }
            (Some(alone), None) | (None, Some(alone)) => {
                let error = Diagnostic::error(alone.key_span, "`file` and `key` go together");
                self.errors.push(error.help("give both, in PEM"));
                None
            }
            (None, None) => Some(CertificateChoice::Made(MadeCertificate {
                self_signed: self.flag(&entries, "self_signed", false),
                expired: self.flag(&entries, "expired", false),
                names: entries.value("names").map(|node| self.text_list(node, "a list of host names")),
            })),
        }
    }

    pub(super) fn text_list(&mut self, node: &Node, expected: &str) -> Vec<Text> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node, expected);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(item)).collect()
    }

    // --- rules -------------------------------------------------------------------------------------------------

    fn rules(&mut self, entry: Entry<'_>) -> Vec<Rule> {
        let Value::List(items) = &entry.value.value else {
            let error = Diagnostic::error(entry.value_span(), "`rules` takes a list");
            self.errors.push(error.help("each rule begins with `- match: PATTERN`"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.rule(item)).collect()
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        let entries = self.entries(node, "a rule", &[&RULE_KEYS])?;
        let Some(pattern) = entries.entry("match") else {
            let error = Diagnostic::error(entries.span, "a rule needs `match`");
            self.errors.push(error.help(format!("write {} …", list_some(&[&["match", "reply"]]))));
            return None;
        };
        if entries.entry("reply").is_none() && entries.entry("close").is_none() {
            let error = Diagnostic::error(entries.span, "this rule does nothing: it has neither `reply` nor `close`");
            self.errors.push(error.help("what no rule matches is answered as the sandbox answers it"));
        }
        let most = u64::from(u32::MAX);
        Some(Rule {
            name: entries.value("name").and_then(|node| self.text(node)),
            pattern: Pattern::of_command(self.text_of(pattern)?),
            when: entries.value("when").and_then(|node| self.expression(node)),
            times: entries.value("times").and_then(|node| self.count(node, 1, most)),
            after: entries.value("after").and_then(|node| self.count(node, 0, most)).unwrap_or(0),
            counts_all: entries.value("per").is_some_and(|node| self.counts_all(node)),
            delay: entries.value("delay").and_then(|node| self.length(node)),
            reply: entries.entry("reply").and_then(|entry| self.reply(entry)),
            pace: entries.value("pace").and_then(|node| self.pace(node)),
            close: entries.value("close").and_then(|node| self.closing(node)),
        })
    }

    fn counts_all(&mut self, node: &Node) -> bool {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            Some("server") => true,
            Some("connection") => false,
            _ => {
                self.wrong_type(node, "`connection` or `server`: what `times` and `after` count over");
                false
            }
        }
    }
}
