//! Every place of a scenario where a template or an expression stands, with what its value decides.
//!
//! The one list of such places: whoever adds a key that takes a template adds it here. `flow` asks which of them read a
//! secret.

use super::turns::Turns;
use crate::scenario::content::{Content, MailData};
use crate::scenario::server::{CertificateChoice, ConnectionPlan, Reply, ReplyKind, Rule, Server, ServerTls};
use crate::scenario::template::{Form, form};
use crate::scenario::{
    Action, Address, Bdat, Connect, Data, Expectation, Expected, Expression, Group, Length, Pattern, RawBytes,
    Requirement, Scenario, Span, Step, Text, TlsSettings,
};

/// What a value does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is sent as it is.
    Sent,
    /// It is sent, but what becomes of it on the way depends on it.
    Shaped(&'static str),
    /// It becomes the value of a name.
    Given(String),
    /// It decides what happens, or when.
    Decides(&'static str),
    /// It is shown to whoever reads what came of the run.
    Shown(&'static str),
    /// It chooses where a connection goes, how it is made, or which file is read.
    Chooses(&'static str),
}

/// One place with a template.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(super) role: Role,
    pub(super) span: Span,
    /// What it reads, each with its place.
    pub(super) reads: Vec<(String, Span)>,
    /// What its form does with that.
    pub(super) form: Form,
    /// The conditions and counts that decide whether it is come by at all: indexes of other uses.
    pub(super) under: Vec<usize>,
    /// Whose side it is on.
    pub(super) serves: bool,
}

/// Collects them in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) list: Vec<Use>,
    /// The steps and rules, each with what decides whether it has its turn.
    pub(super) turns: Turns,
    under: Vec<usize>,
    serves: bool,
}

impl Uses {
    pub(super) fn of(scenario: &Scenario) -> Uses {
        let mut uses = Uses::default();
        for var in &scenario.vars {
            uses.data(Role::Given(var.name.name.clone()), &var.default);
        }
        for (name, data) in scenario.cases.iter().flat_map(|case| &case.values) {
            uses.data(Role::Given(name.name.clone()), data);
        }
        if let Some(server) = &scenario.server {
            uses.serves = true;
            uses.server(server);
            uses.serves = false;
            uses.turns.begin_side();
        }
        let claim = &scenario.claim;
        let told = claim.why.iter().chain(claim.mend.iter().map(|(_, text)| text));
        told.for_each(|text| uses.text(Role::Shown("advice"), text));
        uses.requirements(&scenario.requires);
        scenario.opening.iter().chain(&scenario.steps).chain(&scenario.finally).for_each(|step| uses.step(step));
        uses
    }

    // --- steps -------------------------------------------------------------------------------------------------

    fn step(&mut self, step: &Step) {
        let outer = self.under.len();
        if let Some(when) = &step.head.when {
            self.condition("condition", when);
        }
        self.turns.take(step.head.span, &self.under);
        step.head.name.iter().for_each(|name| self.text(Role::Shown("name of a step"), name));
        step.head.timeout.iter().for_each(|length| self.length("time-out", length));
        step.pace.iter().for_each(|pace| self.length("pace", &pace.every));
        step.delay.iter().for_each(|length| self.length("delay", length));
        self.turns.delay_last();
        step.fails.iter().for_each(|pattern| self.pattern(pattern));
        step.expect.iter().for_each(|expect| self.expectation(expect));
        step.reply.iter().for_each(|reply| self.reply(reply));
        self.action(&step.action);
        self.under.truncate(outer);
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::None | Action::Close(_) => {}
            Action::Send(lines) => lines.iter().for_each(|line| self.text(Role::Sent, line)),
            Action::Raw(raw) => self.raw(raw),
            Action::Data(data) => self.mail_data(Role::Sent, data),
            Action::Bdat(Bdat { data, .. }) => self.mail_data(Role::Shaped("chunk"), data),
            Action::StartTls(tls) | Action::Tls(tls) => {
                self.tls(&tls.client);
                self.server_tls(&tls.server);
                tls.inject.iter().for_each(|text| self.text(Role::Sent, text));
            }
            Action::Auth(auth) => {
                auth.mechanism.iter().for_each(|text| self.text(Role::Decides("mechanism"), text));
                let sent = [&auth.username, &auth.password, &auth.token, &auth.authzid];
                sent.into_iter().flatten().for_each(|text| self.text(Role::Sent, text));
            }
            Action::Assert(assertion) => {
                assertion.expressions().for_each(|one| self.expression(Role::Decides("assertion"), one));
            }
            Action::Set(settings) => {
                for (name, data) in settings {
                    self.data(Role::Given(name.name.clone()), data);
                }
            }
            Action::Sleep(length) => self.length("pause", length),
            Action::Skip(reason) => self.text(Role::Shown("reason"), reason),
            Action::Connect(connect) => self.connect(connect),
            Action::Group(group) => self.group(group),
        }
    }

    /// What must be true for steps to be played decides about them as a condition does.
    fn requirements(&mut self, requires: &[Requirement]) {
        for requirement in requires {
            self.condition("requirement", &requirement.when);
            requirement.reason.iter().for_each(|reason| self.text(Role::Shown("reason"), reason));
        }
    }

    fn group(&mut self, group: &Group) {
        let (outer, first) = (self.under.len(), self.turns.count());
        for (name, data) in &group.bindings {
            self.data(Role::Given(name.name.clone()), data);
        }
        self.requirements(&group.requires);
        let attempts = group.retry.iter().filter_map(|retry| retry.attempts.template());
        attempts.for_each(|text| self.text(Role::Decides("number of attempts"), text));
        group.retry.iter().for_each(|retry| self.length("delay of an attempt", &retry.delay));
        if let Some(repeat) = &group.repeat {
            self.text(Role::Decides("count"), repeat);
            self.under.push(self.list.len() - 1);
        }
        if let Some((name, list)) = &group.for_each {
            // The list decides how often, and its elements become the value of a name.
            let first = self.list.len();
            self.data(Role::Decides("list of a loop"), list);
            self.under.extend(first..self.list.len());
            self.data(Role::Given(name.name.clone()), list);
        }
        group.steps.iter().for_each(|step| self.step(step));
        if group.repeat.is_some() || group.for_each.is_some() || group.retry.is_some() {
            self.turns.come_again(first);
        }
        self.under.truncate(outer);
    }

    fn condition(&mut self, what: &'static str, expression: &Expression) {
        self.expression(Role::Decides(what), expression);
        self.under.push(self.list.len() - 1);
    }

    // --- connections and files ---------------------------------------------------------------------------------

    fn connect(&mut self, connect: &Connect) {
        match &connect.address {
            Address::Joined(text) => self.text(Role::Chooses("host"), text),
            Address::Unix(text) => self.text(Role::Chooses("socket"), text),
            Address::Split { host, port } => {
                self.text(Role::Chooses("host"), host);
                if let Some(port) = port {
                    self.text(Role::Chooses("port"), port);
                }
            }
            Address::Mx { domain, port, .. } => {
                self.text(Role::Chooses("mail exchanger"), domain);
                if let Some(port) = port {
                    self.text(Role::Chooses("port"), port);
                }
            }
        }
        connect.local_address.iter().for_each(|text| self.text(Role::Chooses("local address"), text));
        connect.socks5.iter().for_each(|text| self.text(Role::Chooses("proxy"), text));
        if let Some((source, destination)) = connect.proxy_protocol.as_ref().and_then(|it| it.addresses.as_ref()) {
            for text in [source, destination] {
                self.text(Role::Chooses("PROXY header"), text);
            }
        }
        connect.timeout.iter().for_each(|length| self.length("time-out", length));
        connect.chosen().for_each(|text| self.text(Role::Chooses("connection"), text));
        self.tls(&connect.tls);
    }

    fn tls(&mut self, tls: &TlsSettings) {
        tls.server_name.iter().for_each(|text| self.text(Role::Chooses("server name"), text));
        tls.chosen().for_each(|text| self.text(Role::Chooses("TLS option"), text));
        self.files(tls.files());
    }

    fn server_tls(&mut self, tls: &ServerTls) {
        tls.chosen().for_each(|text| self.text(Role::Chooses("TLS option"), text));
        self.files(tls.files());
        if let Some(CertificateChoice::Made(made)) = &tls.certificate {
            made.texts().for_each(|name| self.text(Role::Chooses("name of a certificate"), name));
        }
    }

    fn files(&mut self, files: Vec<&Text>) {
        for file in files {
            self.text(Role::Chooses("file"), file);
        }
    }

    // --- what is sent and expected -----------------------------------------------------------------------------

    fn raw(&mut self, raw: &RawBytes) {
        match raw {
            RawBytes::Text(text) => self.text(Role::Sent, text),
            RawBytes::Hex(text) | RawBytes::Base64(text) => self.text(Role::Shaped("notation of octets"), text),
            RawBytes::Bytes(_) => {}
        }
    }

    fn mail_data(&mut self, role: Role, data: &MailData) {
        self.files(data.files());
        match &data.content {
            Content::Text(text) if data.template => self.text(role, text),
            Content::Message(message) => message.texts().for_each(|text| self.text(role.clone(), text)),
            // What stands in the file is not known here: as if it read everything.
            Content::File(file) if data.template => {
                self.push(
                    Role::Shaped("file with templates"),
                    file.span,
                    vec![(EVERYTHING.to_owned(), file.span)],
                    Form::default(),
                );
            }
            Content::Text(_) | Content::File(_) | Content::Bytes(_) | Content::Filler(_) => {}
        }
    }

    fn reply(&mut self, reply: &Reply) {
        match &reply.kind {
            ReplyKind::Text(text) => self.text(Role::Sent, text),
            ReplyKind::Lines { lines, .. } => lines.iter().for_each(|line| self.text(Role::Sent, line)),
            ReplyKind::Raw(raw) => self.raw(raw),
        }
    }

    fn expectation(&mut self, expect: &Expectation) {
        match &expect.kind {
            Expected::Pattern(pattern) | Expected::Line(pattern) | Expected::Raw(pattern) => self.pattern(pattern),
            Expected::Any(list) | Expected::All(list) => list.iter().for_each(|one| self.expectation(one)),
            Expected::Silence(length) => self.length("time of silence", length),
            Expected::Observe(length) => self.length("time of observing", length),
            Expected::Fields(fields) => {
                fields.enhanced.iter().for_each(|(text, _)| self.text(Role::Decides("expectation"), text));
                let keywords = fields.offers.iter().chain(&fields.lacks);
                keywords.for_each(|keyword| self.text(Role::Decides("expectation"), keyword));
                fields.within.iter().for_each(|(length, _)| self.length("time limit", length));
                fields.text.iter().chain(&fields.not).for_each(|(pattern, _)| self.pattern(pattern));
            }
            Expected::Code(_) | Expected::Closed(_) => {}
        }
    }

    /// A pattern decides whether a step diverges, and what its groups capture.
    fn pattern(&mut self, pattern: &Pattern) {
        self.text(Role::Decides("pattern"), &pattern.text);
        let Some(pattern_use) = self.list.last().cloned() else { return };
        for name in captured(&pattern.text.source) {
            self.list.push(Use { role: Role::Given(name.to_owned()), ..pattern_use.clone() });
        }
    }

    // --- the server's side -------------------------------------------------------------------------------------

    fn server(&mut self, server: &Server) {
        server.listen.iter().for_each(|text| self.text(Role::Chooses("address to listen at"), text));
        self.server_tls(&server.tls);
        match &server.plan {
            ConnectionPlan::Rules => {}
            ConnectionPlan::Each(steps) => steps.iter().for_each(|step| self.step(step)),
            ConnectionPlan::Listed(list) => {
                for served in list {
                    served.name.iter().for_each(|name| self.text(Role::Shown("name of a connection"), name));
                    self.server_tls(&served.tls);
                    self.turns.begin_side();
                    served.steps.iter().for_each(|step| self.step(step));
                }
            }
        }
        let first = self.turns.count();
        server.rules.iter().for_each(|rule| self.rule(rule));
        self.turns.come_again(first);
    }

    fn rule(&mut self, rule: &Rule) {
        let outer = self.under.len();
        self.pattern(&rule.pattern);
        rule.when.iter().for_each(|when| self.condition("condition", when));
        self.turns.take(rule.span, &self.under);
        rule.name.iter().for_each(|name| self.text(Role::Shown("name of a rule"), name));
        rule.counted_values()
            .iter()
            .for_each(|value| self.text(Role::Decides("values that answers are counted over"), value));
        rule.delay.iter().for_each(|length| self.length("delay", length));
        rule.pace.iter().for_each(|pace| self.length("pace", &pace.every));
        rule.reply.iter().for_each(|reply| self.reply(reply));
        self.under.truncate(outer);
    }

    // --- texts -------------------------------------------------------------------------------------------------

    fn data(&mut self, role: Role, data: &Data) {
        match data {
            Data::Text(text) => self.text(role, text),
            Data::List(items) => items.iter().for_each(|item| self.data(role.clone(), item)),
            Data::Map(entries) => entries.iter().for_each(|(_, entry)| self.data(role.clone(), entry)),
            Data::Bool(_) | Data::Int(_) | Data::Float(_) | Data::Missing(_) => {}
        }
    }

    fn length(&mut self, what: &'static str, length: &Length) {
        if let Length::Template(text) = length {
            self.text(Role::Decides(what), text);
        }
    }

    fn text(&mut self, role: Role, text: &Text) {
        let mut reads = Vec::new();
        let mut whole = Form::default();
        for expression in text.expressions() {
            reads.extend(reads_of(&expression));
            let one = form(&expression.source);
            whole.growth = whole.growth.saturating_add(one.growth);
            whole.examined.extend(one.examined);
        }
        if text.has_statements() {
            let names = text.names();
            reads.extend(names.iter().map(|name| (name.clone(), text.span)));
            whole.examined.extend(names);
        }
        self.push(role, text.span, reads, whole);
    }

    fn expression(&mut self, role: Role, expression: &Expression) {
        self.push(role, expression.span, reads_of(expression), form(&expression.source));
    }

    fn push(&mut self, role: Role, span: Span, reads: Vec<(String, Span)>, form: Form) {
        let (under, serves) = (self.under.clone(), self.serves);
        if matches!(role, Role::Decides(_) | Role::Shaped(_)) {
            self.turns.decide(self.list.len());
        }
        self.list.push(Use { role, span, reads, form, under, serves });
    }
}

/// Stands for all names together.
pub(super) const EVERYTHING: &str = "*";

fn reads_of(expression: &Expression) -> Vec<(String, Span)> {
    let names = expression.names().map(|names| names.variables).unwrap_or_default();
    names.into_iter().map(|(name, range)| (name, expression.span_of(&range))).collect()
}

/// The names of the groups of a pattern, as far as they are written out.
fn captured(pattern: &str) -> Vec<&str> {
    let after = pattern.split("(?").skip(1).filter_map(|rest| rest.strip_prefix("P<").or(rest.strip_prefix('<')));
    after.filter_map(|rest| rest.split_once('>').map(|(name, _)| name)).collect()
}
