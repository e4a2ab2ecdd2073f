//! Lints: a scenario that can be run, but probably does not mean what it says.
//!
//! Responsible for warnings only: which texts are looked at, and by which rules. Called by `check` once a file has no errors
//! left that would make them noise.

mod answers;
mod codes;
mod expressions;
mod foreign;
mod paths;
mod patterns;
mod phase;
mod replies;
mod server;
mod smtp;
mod texts;

pub(super) use foreign::foreign_name;

use super::chosen::Chosen;
use super::source::Diagnostic;
use super::template::{Text, Trial};
use super::{
    Action, Address, Bdat, Connect, Content, Data, Expectation, Expected, Expression, MailData, Pattern, RawBytes,
    Requirement, Scenario, Step,
};
use foreign::Of;
use phase::Phases;
use replies::Replies;
use std::collections::BTreeSet;

/// Finds what looks wrong.
pub(super) fn lint(scenario: &Scenario) -> Vec<Diagnostic> {
    let mut linter = Linter {
        scenario,
        declared: declared(scenario),
        trial: Trial::of(scenario, set_by_steps(scenario)),
        warnings: Vec::new(),
    };
    let mut replies = Replies::default();
    for step in scenario.opening.iter().chain(&scenario.steps) {
        replies.step(step, &mut linter.warnings);
    }
    replies.end(&mut linter.warnings);
    linter.warnings.extend(Phases::of(scenario, &linter.trial));
    for step in scenario.all_steps() {
        linter.step(step);
    }
    linter.requirements(&scenario.requires);
    linter.vars();
    linter.warnings.extend(scenario.server.iter().flat_map(|server| server::lint(server)));
    linter.warnings
}

/// The names that a template may read.
fn declared(scenario: &Scenario) -> BTreeSet<String> {
    let vars = scenario.vars.iter().map(|var| var.name.name.clone());
    let secrets = scenario.secrets.iter().map(|secret| secret.name.clone());
    vars.chain(secrets).chain(set_by_steps(scenario)).collect()
}

/// The names that steps give values to, of whatever type.
fn set_by_steps(scenario: &Scenario) -> impl Iterator<Item = String> {
    let names = |step: &Step| match &step.action {
        Action::Set(settings) => settings.iter().map(|(named, _)| named.name.clone()).collect::<Vec<_>>(),
        Action::Group(group) => {
            let bound = group.bindings.iter().map(|(named, _)| named.name.clone());
            group.for_each.iter().map(|(named, _)| named.name.clone()).chain(bound).collect()
        }
        _ => Vec::new(),
    };
    scenario.all_steps().into_iter().flat_map(names).collect::<Vec<_>>().into_iter()
}

struct Linter<'a> {
    scenario: &'a Scenario,
    declared: BTreeSet<String>,
    trial: Trial,
    warnings: Vec<Diagnostic>,
}

impl Linter<'_> {
    fn step(&mut self, step: &Step) {
        match &step.action {
            Action::Send(lines) => lines.iter().for_each(|line| self.sent(line)),
            Action::Raw(RawBytes::Text(text)) => texts::raw_text(&self.scenario.sources, text, &mut self.warnings),
            Action::Data(data) | Action::Bdat(Bdat { data, .. }) => self.mail_data(data),
            Action::Connect(connect) => self.connect(connect),
            Action::Assert(assertion) => {
                assertion.expressions().for_each(|one| self.condition(one));
            }
            Action::Set(settings) => settings.iter().for_each(|(_, data)| self.settings(data)),
            Action::Auth(auth) => {
                auth.texts().for_each(|text| self.value(text));
                smtp::credentials(auth, &mut self.warnings);
            }
            _ => {}
        }
        step.head.when.iter().for_each(|when| self.condition(when));
        if let Action::Group(group) = &step.action {
            if let Some(none) = group.repeat.as_ref().filter(|repeat| repeat.source.trim() == "0") {
                let warning =
                    Diagnostic::warning(none.span, "these steps are never played: they are repeated zero times");
                self.warnings.push(warning.help("write `repeat: 3`, or leave the group out"));
            }
            self.requirements(&group.requires);
        }
        smtp::step(step, &self.trial, &mut self.warnings);
        if let Some(expect) = &step.expect {
            self.expectation(expect);
        }
    }

    fn requirements(&mut self, requires: &[Requirement]) {
        for requirement in requires {
            self.condition(&requirement.when);
        }
    }

    fn sent(&mut self, line: &Text) {
        texts::cut_by_yaml(&self.scenario.sources, line, &mut self.warnings);
        texts::folded(&self.scenario.sources, line, &mut self.warnings);
        texts::joined_block(&self.scenario.sources, line, &mut self.warnings);
        self.value(line);
    }

    fn condition(&mut self, condition: &Expression) {
        expressions::condition(condition, &mut self.warnings);
        self.tried(condition);
    }

    /// What fails whatever the values are.
    fn tried(&mut self, expression: &Expression) {
        let Some(fault) = self.trial.fault(expression) else { return };
        let warning = Diagnostic::warning(fault.span, format!("this fails in every run: {}", fault.message));
        let help = "each takes what it needs, as in `auth_plain(user, password)` and `VALUE | replace('a', 'b')`";
        self.warnings.push(warning.help(fault.help.unwrap_or_else(|| help.to_owned())));
    }

    /// The expressions in a text.
    fn values_of(&mut self, text: &Text) {
        for expression in text.expressions() {
            expressions::value(&expression, &mut self.warnings);
            if !text.has_statements() {
                self.tried(&expression);
            }
        }
    }

    /// The values of `set`.
    fn settings(&mut self, data: &Data) {
        match data {
            Data::Text(text) => self.values_of(text),
            Data::List(items) => items.iter().for_each(|item| self.settings(item)),
            Data::Map(entries) => entries.iter().for_each(|(_, entry)| self.settings(entry)),
            _ => {}
        }
    }

    /// A text that is not mail data.
    fn value(&mut self, text: &Text) {
        self.values_of(text);
        texts::typographic(text, &mut self.warnings);
        foreign::template(text, Of::Text, &self.declared, &mut self.warnings);
        foreign::placeholder(text, &mut self.warnings);
    }

    fn mail_data(&mut self, data: &MailData) {
        match &data.content {
            Content::Text(text) => {
                self.values_of(text);
                texts::fixed_headers(text, &mut self.warnings);
                if !texts::joined_block(&self.scenario.sources, text, &mut self.warnings) {
                    texts::mail_data(text, data.transparency && data.terminate, &mut self.warnings);
                }
                foreign::template(text, Of::MailData, &self.declared, &mut self.warnings);
            }
            Content::Message(message) => {
                for text in message.header_texts() {
                    self.values_of(text);
                    foreign::template(text, Of::Text, &self.declared, &mut self.warnings);
                }
                for text in [&message.text, &message.html].into_iter().flatten() {
                    self.values_of(text);
                    foreign::template(text, Of::MailData, &self.declared, &mut self.warnings);
                }
            }
            Content::File(_) | Content::Bytes(_) | Content::Filler(_) => {}
        }
    }

    fn connect(&mut self, connect: &Connect) {
        self.implicit_tls(connect);
        match &connect.address {
            Address::Joined(text) => {
                self.value(text);
                self.final_dot(text);
            }
            Address::Unix(text) => self.value(text),
            Address::Split { host: text, port } | Address::Mx { domain: text, port, .. } => {
                self.value(text);
                if let Some(port) = port {
                    self.value(port);
                }
            }
        }
    }

    /// TLS from the first octet, on a port that begins in plain text (RFC 5321, RFC 6409).
    fn implicit_tls(&mut self, connect: &Connect) {
        let Address::Split { port: Some(port), .. } = &connect.address else { return };
        let begins_with_tls = connect.implicit_tls.as_ref().and_then(Chosen::known).is_some_and(|tls| tls.0);
        if begins_with_tls && matches!(port.source.as_str(), "25" | "587") {
            let port_number = &port.source;
            let help = "leave `tls: implicit` out and write a step `- starttls`; the port that begins with TLS is 465";
            let warning = Diagnostic::warning(
                port.span,
                format!("port {port_number} begins in plain text: a TLS handshake gets no answer there"),
            );
            self.warnings.push(warning.help(help));
        }
    }

    /// `mail.example.com.:25`
    fn final_dot(&mut self, text: &Text) {
        let host = text.source.rsplit_once(':').map_or(text.source.as_str(), |(host, _)| host);
        if host.ends_with('.') {
            let warning =
                Diagnostic::warning(text.span, "the dot at the end becomes part of the name that TLS asks for");
            self.warnings.push(
                warning.help(format!("leave it out: `{}`", text.source.replacen(".:", ":", 1).trim_end_matches('.'))),
            );
        }
    }

    fn expectation(&mut self, expect: &Expectation) {
        match &expect.kind {
            Expected::Pattern(pattern) => {
                patterns::whole_reply(pattern, &mut self.warnings);
                self.pattern(pattern);
            }
            Expected::Line(pattern) | Expected::Raw(pattern) => self.pattern(pattern),
            Expected::Any(list) | Expected::All(list) => list.iter().for_each(|one| self.expectation(one)),
            Expected::Fields(fields) => {
                for (key, field) in [("text", &fields.text), ("not", &fields.not)] {
                    let Some((pattern, _)) = field else { continue };
                    self.pattern(pattern);
                    patterns::code_in_text(pattern, key, &mut self.warnings);
                }
            }
            _ => {}
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        texts::cut_by_yaml(&self.scenario.sources, &pattern.text, &mut self.warnings);
        texts::typographic(&pattern.text, &mut self.warnings);
        foreign::template(&pattern.text, Of::Pattern, &self.declared, &mut self.warnings);
        patterns::characters(pattern, &mut self.warnings);
    }

    fn vars(&mut self) {
        let scenario = self.scenario;
        for var in &scenario.vars {
            if let Data::Text(text) = &var.default {
                self.value(text);
            }
            let name = var.name.name.to_ascii_lowercase();
            let secret =
                ["password", "passwd", "secret", "token", "api_key", "apikey"].iter().any(|word| name.contains(word));
            let has_value = matches!(&var.default, Data::Text(text) if text.is_literal() && !text.source.is_empty());
            if secret && has_value {
                let warning = Diagnostic::warning(
                    var.name.span,
                    format!("`{}` looks like a secret, and stands in the file", var.name.name),
                );
                self.warnings.push(
                    warning.help("name it under `secrets:`: its value then comes from outside and is shown nowhere"),
                );
            }
        }
    }
}
