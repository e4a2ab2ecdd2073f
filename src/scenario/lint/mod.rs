//! Lints: a scenario that can be run, but probably does not mean what it says.
//!
//! Responsible for warnings only: which texts are looked at, and by which rules. Called by `check` once a file has no errors
//! left that would make them noise.

mod codes;
mod expressions;
mod foreign;
mod patterns;
mod phase;
mod replies;
mod server;
mod smtp;
mod texts;

pub(super) use foreign::foreign_name;

use super::chosen::Chosen;
use super::source::Diagnostic;
use super::template::Text;
use super::{
    Action, Address, Bdat, Connect, Content, Data, Expectation, Expected, MailData, Pattern, RawBytes, Requirement,
    Scenario, Step,
};
use foreign::Of;
use phase::Phases;
use replies::Replies;
use std::collections::BTreeSet;

/// Finds what looks wrong.
pub(super) fn lint(scenario: &Scenario) -> Vec<Diagnostic> {
    let mut linter = Linter { scenario, declared: declared(scenario), warnings: Vec::new() };
    let mut replies = Replies::default();
    for step in scenario.opening.iter().chain(&scenario.steps) {
        replies.step(step, &mut linter.warnings);
    }
    replies.end(&mut linter.warnings);
    linter.warnings.extend(Phases::of(scenario));
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
    let set = scenario.all_steps().into_iter().filter_map(|step| match &step.action {
        Action::Set(settings) => Some(settings.iter().map(|(named, _)| named.name.clone()).collect::<Vec<_>>()),
        Action::Group(group) => Some(group.for_each.iter().map(|(named, _)| named.name.clone()).collect()),
        _ => None,
    });
    vars.chain(secrets).chain(set.flatten()).collect()
}

struct Linter<'a> {
    scenario: &'a Scenario,
    declared: BTreeSet<String>,
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
                assertion.expressions().for_each(|one| expressions::condition(one, &mut self.warnings));
            }
            Action::Auth(auth) => {
                auth.texts().for_each(|text| self.value(text));
                smtp::credentials(auth, &mut self.warnings);
            }
            _ => {}
        }
        step.head.when.iter().for_each(|when| expressions::condition(when, &mut self.warnings));
        if let Action::Group(group) = &step.action {
            self.requirements(&group.requires);
        }
        smtp::step(step, &mut self.warnings);
        if let Some(expect) = &step.expect {
            self.expectation(expect);
        }
    }

    fn requirements(&mut self, requires: &[Requirement]) {
        for requirement in requires {
            expressions::condition(&requirement.when, &mut self.warnings);
        }
    }

    fn sent(&mut self, line: &Text) {
        texts::cut_by_yaml(&self.scenario.sources, line, &mut self.warnings);
        texts::folded(&self.scenario.sources, line, &mut self.warnings);
        self.value(line);
    }

    /// A text that is not mail data.
    fn value(&mut self, text: &Text) {
        text.expressions().for_each(|expression| expressions::value(&expression, &mut self.warnings));
        texts::typographic(text, &mut self.warnings);
        foreign::template(text, Of::Text, &self.declared, &mut self.warnings);
        foreign::placeholder(text, &mut self.warnings);
    }

    fn mail_data(&mut self, data: &MailData) {
        match &data.content {
            Content::Text(text) => {
                texts::fixed_headers(text, &mut self.warnings);
                texts::mail_data(text, data.transparency && data.terminate, &mut self.warnings);
                foreign::template(text, Of::MailData, &self.declared, &mut self.warnings);
            }
            Content::Message(message) => {
                for text in message.header_texts() {
                    foreign::template(text, Of::Text, &self.declared, &mut self.warnings);
                }
                for text in [&message.text, &message.html].into_iter().flatten() {
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
                for (pattern, _) in [&fields.text, &fields.not].into_iter().flatten() {
                    self.pattern(pattern);
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
