//! Everything that can be known to be wrong before the first connection.
//!
//! Responsible for names (variables, filters, functions, sessions), patterns and files, and for lints: a scenario that
//! can be run but does not mean what it says. The shape of the file was checked when it was parsed.

mod auth;

use super::lint::lint;
use super::sides::Side;
use super::source::{Diagnostic, Span};
use super::template::{Expression, Mode, Scope as _, Text, statement_names};
use super::{
    Action, Bdat, Connect, Data, Expectation, Expected, Group, Length, Named, Pattern, Scenario, Speech, Step,
    Templates, TlsSettings, Variables, parse_count, pattern, similar,
};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

mod connection;
mod content;
mod server;

pub(crate) use server::parse_listen;

/// The names that a scenario may not give to anything.
pub(crate) const BUILT_IN_NAMES: [&str; 7] =
    ["reply", "extensions", "tls", "iteration", "diverged", "server", "message"];

/// Words that mean something else in an expression than a variable of that name.
const EXPRESSION_WORDS: [&str; 12] =
    ["true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if"];

/// minijinja's own filters that people use, for suggestions.
const COMMON_FILTERS: [&str; 16] = [
    "abs", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "replace", "safe", "split",
    "string", "trim", "upper",
];

/// What `check` needs to know beside the scenario.
#[derive(Debug, Clone)]
pub(crate) struct CheckContext {
    /// The folder that files are read from.
    pub(crate) file_root: Option<PathBuf>,
    /// The values of variables, where they are known.
    pub(crate) variables: Option<Variables>,
    pub(crate) pem: PemChecks,
}

/// What is wrong with files of a server's TLS; whoever speaks TLS knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PemChecks {
    /// Of certificates.
    pub(crate) certificate: fn(&[u8]) -> Option<String>,
    /// Of the key that belongs to sound certificates: these, and the key.
    pub(crate) key: fn(&[u8], &[u8]) -> Option<String>,
}

impl Default for PemChecks {
    /// For scenarios without a server: nothing is looked at.
    fn default() -> PemChecks {
        PemChecks { certificate: |_| None, key: |_, _| None }
    }
}

/// Finds every error and lint.
pub(crate) fn check(scenario: &Scenario, context: &CheckContext) -> Vec<Diagnostic> {
    let mut checker = Checker {
        context,
        source: scenario.sources.file(0).map_or("", |source| &source.text),
        templates: Templates::for_check(super::Chance::seeded(0)),
        diagnostics: Vec::new(),
        vars: scenario.vars.iter().map(|var| var.name.name.clone()).collect(),
        names: BTreeSet::new(),
        used: BTreeSet::new(),
        sessions: BTreeSet::new(),
        side: Side::Client,
    };
    checker.declarations(scenario);
    checker.cases(scenario);
    checker.server(scenario);
    checker.steps(scenario);
    checker.unused(scenario);
    if !checker.diagnostics.iter().any(Diagnostic::is_error) {
        checker.diagnostics.extend(lint(scenario));
    }
    checker.diagnostics.sort_by_key(|diagnostic| (diagnostic.span.file, diagnostic.span.start));
    checker.diagnostics
}

struct Checker<'a> {
    context: &'a CheckContext,
    /// The text of the file.
    source: &'a str,
    templates: Templates,
    diagnostics: Vec<Diagnostic>,
    /// The names of `vars`: what `connect` and file names may use.
    vars: BTreeSet<String>,
    /// Every name that is known at this point of the scenario.
    names: BTreeSet<String>,
    /// Names that some template reads.
    used: BTreeSet<String>,
    /// Sessions that a step before this one opened.
    sessions: BTreeSet<String>,
    /// Whose steps are looked at.
    side: Side,
}

impl Checker<'_> {
    fn declarations(&mut self, scenario: &Scenario) {
        for secret in &scenario.secrets {
            self.declare(secret, "secret");
        }
        for var in &scenario.vars {
            self.data(&var.default);
            self.declare(&var.name, "variable");
        }
    }

    fn is_built_in(&self, name: &str) -> bool {
        BUILT_IN_NAMES.contains(&name) || EXPRESSION_WORDS.contains(&name) || self.templates.has_function(name)
    }

    fn declare(&mut self, named: &Named, kind: &str) {
        if self.is_built_in(&named.name) {
            self.error(named.span, format!("`{}` is a built-in name: a {kind} needs another", named.name));
        } else if !self.names.insert(named.name.clone()) {
            self.error(named.span, format!("`{}` is declared twice", named.name));
        }
    }

    /// A capture or `set` may not take the name of something declared: a server must not choose its value.
    fn assign(&mut self, name: &str, span: Span, scenario: &Scenario) {
        let secret = scenario.secrets.iter().any(|secret| secret.name == name);
        let taken = if secret {
            Some("a secret")
        } else if self.vars.contains(name) {
            Some("a variable of the file")
        } else if self.is_built_in(name) {
            Some("a built-in name")
        } else {
            None
        };
        match taken {
            Some(kind) => self.error(span, format!("`{name}` is {kind}: choose another name")),
            None => _ = self.names.insert(name.to_owned()),
        }
    }

    fn steps(&mut self, scenario: &Scenario) {
        if let Some(opening) = &scenario.opening {
            self.step(opening, scenario);
        }
        for step in &scenario.steps {
            self.step(step, scenario);
        }
        self.names.insert("diverged".to_owned());
        for step in &scenario.finally {
            self.step(step, scenario);
        }
    }

    fn steps_of(&mut self, steps: &[Step], scenario: &Scenario) {
        for step in steps {
            self.step(step, scenario);
        }
    }

    fn step(&mut self, step: &Step, scenario: &Scenario) {
        step.head.name.iter().for_each(|name| self.text(name));
        step.head.when.iter().for_each(|when| self.expression(when));
        step.head.timeout.iter().for_each(|timeout| self.length(timeout));
        step.pace.iter().for_each(|pace| self.length(&pace.every));
        match self.side {
            // A client acts, and then compares what comes; a server the other way round.
            Side::Client => {
                self.session(step);
                self.action(step, scenario);
                self.fails(step);
                step.expect.iter().for_each(|expect| self.expectation(expect, scenario));
            }
            Side::Server => {
                step.expect.iter().for_each(|expect| self.command(expect, scenario));
                step.delay.iter().for_each(|length| self.length(length));
                step.reply.iter().for_each(|reply| self.reply(reply));
                self.fails(step);
                self.action(step, scenario);
            }
        }
    }

    fn fails(&mut self, step: &Step) {
        step.fails.iter().for_each(|fails| _ = self.pattern(fails, false));
    }

    fn session(&mut self, step: &Step) {
        if let Action::Connect(connect) = &step.action {
            let named = connect.session.as_ref().or(step.session.as_ref());
            self.sessions.insert(named.map_or("main", |named| named.name.as_str()).to_owned());
            return;
        }
        let local = step.action.speaks() == Speech::Nothing;
        let wanted = step.session.as_ref().map_or("main", |named| named.name.as_str());
        if local && step.session.is_none() || self.sessions.contains(wanted) {
            return;
        }
        let span = step.session.as_ref().map_or(step.head.span, |named| named.span);
        let broken_step_may_open_it = self.source.contains(&format!("as: {wanted}"))
            || wanted == "main" && self.source.lines().any(|line| line.starts_with("connect:"));
        let diagnostic = if self.sessions.is_empty() {
            Diagnostic::error(span, "no connection is open here").help("begin the file with `connect: HOST:PORT`")
        } else {
            let open: Vec<&str> = self.sessions.iter().map(String::as_str).collect();
            let known = format!("the sessions open here are `{}`", open.join("`, `"));
            let help = similar(wanted, open).map_or(known, |near| format!("did you mean `{near}`?"));
            Diagnostic::error(span, format!("no step before this one opens a session `{wanted}`")).help(help)
        };
        // Once is enough: the steps behind it want the same.
        self.sessions.insert(wanted.to_owned());
        self.diagnostics.push(if broken_step_may_open_it { diagnostic.following() } else { diagnostic });
    }

    fn action(&mut self, step: &Step, scenario: &Scenario) {
        match &step.action {
            Action::None | Action::Close(_) => {}
            Action::Send(lines) => lines.iter().for_each(|line| self.text(line)),
            Action::Raw(raw) => self.raw_bytes(raw),
            Action::Data(data) | Action::Bdat(Bdat { data, .. }) => self.mail_data(data),
            Action::StartTls(tls) | Action::Tls(tls) => match self.side {
                Side::Client => self.tls(&tls.client),
                Side::Server => {
                    self.server_tls(&tls.server);
                    tls.inject.iter().for_each(|text| self.text(text));
                }
            },
            Action::Auth(auth) => self.auth(step, auth),
            Action::Assert(expression) => self.expression(expression),
            Action::Set(settings) => {
                for (name, data) in settings {
                    self.data(data);
                    self.assign(&name.name, name.span, scenario);
                }
            }
            Action::Sleep(length) => self.length(length),
            Action::Connect(connect) => self.connect(connect),
            Action::Group(group) => self.group(group, scenario),
        }
    }

    /// The names that a group gives hold inside of it.
    fn group(&mut self, group: &Group, scenario: &Scenario) {
        let before = self.names.clone();
        for (name, data) in &group.bindings {
            self.data(data);
            self.bind(&name.name, name.span);
        }
        if let Some(repeat) = &group.repeat {
            self.text(repeat);
            self.known_to_parse(repeat, |known| parse_count(known).map(|_| ()));
        }
        if let Some(retry) = &group.retry {
            self.length(&retry.delay);
        }
        if let Some((name, list)) = &group.for_each {
            self.data(list);
            self.assign(&name.name, name.span, scenario);
        }
        if group.goes_round() {
            self.names.insert("iteration".to_owned());
        }
        if group.pipeline {
            self.pipelined(&group.steps);
        }
        for step in &group.steps {
            if group.pipeline {
                self.step(&without_expectations(step), scenario);
            } else {
                self.step(step, scenario);
            }
        }
        if group.pipeline {
            // All is sent before the first reply is read: what a reply gives is not known to any of it.
            self.late_expectations(&group.steps, scenario);
        }
        let own: Vec<&String> = group.bindings.iter().map(|(name, _)| &name.name).collect();
        let loop_name = group.for_each.as_ref().map(|(name, _)| &name.name);
        let outlives = |name: &String| {
            before.contains(name) || !(own.contains(&name) || Some(name) == loop_name || name == "iteration")
        };
        self.names.retain(outlives);
    }

    fn late_expectations(&mut self, steps: &[Step], scenario: &Scenario) {
        for step in steps {
            if let Action::Group(group) = &step.action {
                let before = self.names.clone();
                let bound =
                    group.bindings.iter().map(|(name, _)| name).chain(group.for_each.iter().map(|(name, _)| name));
                let names: Vec<String> = bound.map(|name| name.name.clone()).chain(["iteration".to_owned()]).collect();
                self.names.extend(names.iter().cloned());
                self.late_expectations(&group.steps, scenario);
                self.names.retain(|name| before.contains(name) || !names.contains(name));
            }
            if let Some(expect) = &step.expect {
                self.expectation(expect, scenario);
            }
        }
    }

    /// The variables of an included file may have the names of the file that includes it, but no built-in ones.
    fn bind(&mut self, name: &str, span: Span) {
        if self.is_built_in(name) {
            self.error(span, format!("`{name}` is a built-in name: choose another name"));
        } else {
            self.names.insert(name.to_owned());
            self.vars.insert(name.to_owned());
        }
    }

    /// What is sent without waiting: lines and bytes. Everything else waits for the server.
    fn pipelined(&mut self, steps: &[Step]) {
        for step in steps {
            let fits = match &step.action {
                Action::None | Action::Send(_) | Action::Raw(_) | Action::Data(_) | Action::Set(_) => true,
                Action::Group(group) => group.retry.is_none(),
                _ => false,
            };
            let reads_otherwise = step.expect.as_ref().is_some_and(|expect| {
                matches!(expect.kind, Expected::Line(_) | Expected::Raw(_) | Expected::Closed(_) | Expected::Silence(_))
            });
            if !fits {
                let error = Diagnostic::error(
                    step.head.span,
                    "this waits for the server and cannot stand in a pipelined group",
                );
                self.diagnostics.push(error.help("only `send`, `raw`, `data`, `set` and loops of them can"));
            } else if reads_otherwise && let Some(expect) = &step.expect {
                let error = Diagnostic::error(expect.span, "a pipelined step compares one whole reply");
                self.diagnostics.push(error.help("write this `expect` behind the group"));
            }
            if let Action::Group(group) = &step.action {
                self.pipelined(&group.steps);
            }
        }
    }

    fn connect(&mut self, connect: &Connect) {
        self.address(&connect.address);
        connect.socks5.iter().for_each(|text| self.text_of_vars(text));
        connect.proxy_protocol.iter().for_each(|header| self.proxy_protocol(header));
        connect.local_address.iter().for_each(|text| self.text_of_vars(text));
        connect.timeout.iter().for_each(|length| self.length(length));
        self.tls(&connect.tls);
    }

    /// Tells what is wrong with a text whose value is known already.
    pub(super) fn known_to_parse(&mut self, text: &Text, parse: impl Fn(&str) -> Result<(), String>) {
        if let Some(Err(message)) = self.known_text(text).map(|known| parse(&known)) {
            let message = self.without_secret(text, message);
            self.error(text.span, message);
        }
    }

    /// What is wrong with the value of `text`: not the value itself where it depends on a secret.
    pub(super) fn without_secret(&self, text: &Text, message: String) -> String {
        let variables = self.context.variables.as_ref();
        if !variables.is_some_and(|variables| text.names().iter().any(|name| variables.is_secret(name))) {
            return message;
        }
        format!("`{}` does not fit here; its value depends on a secret and is not shown", text.source)
    }

    fn tls(&mut self, settings: &TlsSettings) {
        settings.server_name.iter().for_each(|text| self.text_of_vars(text));
        for file in [&settings.ca_file, &settings.client_certificate, &settings.client_key].into_iter().flatten() {
            self.file(file);
        }
        if let (Some(min), Some(max)) = (&settings.min_version, &settings.max_version)
            && min.name > max.name
        {
            self.error(min.span, format!("`min_version` {} is above `max_version` {}", min.name, max.name));
        }
    }

    // --- expectations ------------------------------------------------------------------------------------------

    fn expectation(&mut self, expect: &Expectation, scenario: &Scenario) {
        match &expect.kind {
            Expected::Pattern(pattern) => self.capturing(pattern, true, scenario),
            Expected::Line(pattern) | Expected::Raw(pattern) => self.capturing(pattern, false, scenario),
            Expected::Code(_) | Expected::Closed(_) => {}
            Expected::Silence(length) => self.length(length),
            Expected::Any(list) | Expected::All(list) => {
                for expect in list {
                    self.expectation(expect, scenario);
                }
            }
            Expected::Fields(fields) => {
                fields.enhanced.iter().for_each(|(text, _)| self.text(text));
                fields.within.iter().for_each(|(length, _)| self.length(length));
                if let Some((pattern, _)) = &fields.text {
                    self.capturing(pattern, false, scenario);
                }
                if let Some((pattern, _)) = &fields.not {
                    self.pattern(pattern, false);
                }
            }
        }
    }

    fn capturing(&mut self, pattern: &Pattern, whole_reply: bool, scenario: &Scenario) {
        for name in self.pattern(pattern, whole_reply) {
            let at = pattern.text.source.find(&format!("<{name}>")).map_or(0, |at| at + 1);
            let span = pattern.text.span_of(&(at..at + name.len()));
            self.assign(&name, span, scenario);
        }
    }

    /// Checks a pattern and returns the names it captures.
    fn pattern(&mut self, pattern: &Pattern, whole_reply: bool) -> Vec<String> {
        self.text(&pattern.text);
        if pattern.text.inserts_patterns() {
            return Vec::new();
        }
        let source = pattern.text.with_placeholder("0");
        let literal = pattern.text.is_literal();
        // A literal pattern is kept compiled for the run.
        let checked = pattern.compile(&source).and_then(|regex| {
            if whole_reply && pattern.text.is_literal_up_to(4) {
                pattern::refuse_too_wide(&source)?;
            }
            Ok(regex)
        });
        match checked {
            Ok(regex) => pattern::group_names(&regex).map(str::to_owned).collect(),
            Err(fault) => {
                let range = fault.range.filter(|_| literal);
                let span = range.map_or(pattern.text.span, |range| pattern.text.span_of(&range));
                let mut diagnostic = Diagnostic::error(span, fault.message);
                diagnostic.footnotes.extend(fault.help.map(super::Footnote::Help));
                self.diagnostics.push(diagnostic);
                Vec::new()
            }
        }
    }

    // --- templates ---------------------------------------------------------------------------------------------

    fn text(&mut self, text: &Text) {
        if !text.has_statements() {
            return text.expressions().for_each(|expression| self.expression(&expression));
        }
        // What a loop or `set` of the text declares is known in its expressions.
        let mut from_outside = match statement_names(text) {
            Ok(names) => names,
            Err(error) => return self.diagnostics.push(error.into_diagnostic()),
        };
        for expression in text.expressions() {
            for (name, range) in self.operations(&expression).unwrap_or_default() {
                if from_outside.remove(&name) {
                    self.variable(&name, expression.span_of(&range));
                }
            }
        }
        for name in from_outside {
            let at = text.source.find(&name).unwrap_or(0);
            self.variable(&name, text.span_of(&(at..at + name.len())));
        }
    }

    fn expression(&mut self, expression: &Expression) {
        for (name, range) in self.operations(expression).unwrap_or_default() {
            self.variable(&name, expression.span_of(&range));
        }
    }

    /// Checks the functions, filters and tests of an expression and returns the variables it reads.
    fn operations(&mut self, expression: &Expression) -> Option<Vec<(String, Range<usize>)>> {
        let names = match expression.names() {
            Ok(names) => names,
            Err(error) => {
                self.diagnostics.push(error.into_diagnostic());
                return None;
            }
        };
        for (name, range) in &names.functions {
            if !self.templates.has_function(name) {
                let known = self.templates.functions();
                self.unknown("function", name, expression.span_of(range), known.iter().map(String::as_str));
            }
        }
        for (name, range) in &names.methods {
            let error = Diagnostic::error(expression.span_of(range), format!("values have no method `{name}`"));
            let is_filter = self.templates.has_filter(name);
            let help = is_filter.then(|| format!("`{name}` is a filter: write `VALUE | {name}`"));
            self.diagnostics.push(help.into_iter().fold(error, Diagnostic::help));
        }
        for (name, range) in &names.filters {
            if !self.templates.has_filter(name) {
                let known = super::builtin::FILTERS.into_iter().chain(COMMON_FILTERS);
                self.unknown("filter", name, expression.span_of(range), known);
            }
        }
        for (name, range) in &names.tests {
            if !self.templates.has_test(name) {
                self.unknown("test", name, expression.span_of(range), ["defined", "undefined", "none", "in"]);
            }
        }
        Some(names.variables)
    }

    fn variable(&mut self, name: &str, span: Span) {
        self.used.insert(name.to_owned());
        let known =
            self.names.contains(name) || names_of(self.side).contains(&name) || self.templates.has_function(name);
        if known {
            return;
        }
        let known: Vec<String> = self.names.iter().cloned().collect();
        self.unknown("name", name, span, known.iter().map(String::as_str));
    }

    fn unknown<'k>(&mut self, kind: &str, name: &str, span: Span, known: impl IntoIterator<Item = &'k str>) {
        let error = Diagnostic::error(span, format!("unknown {kind} `{name}`"));
        self.diagnostics.push(match similar(name, known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if kind == "name" => {
                let error = error.help("declare it under `vars` or `secrets`, or capture it in a step before this one");
                let broken_step_may_give_it = [format!("?<{name}>"), format!("?P<{name}>"), format!("{name}:")]
                    .iter()
                    .any(|text| self.source.contains(text));
                if broken_step_may_give_it { error.following() } else { error }
            }
            None => error,
        });
    }

    /// `connect` and file names use variables only, so that no server chooses what is reached or read.
    fn text_of_vars(&mut self, text: &Text) {
        self.text(text);
        for expression in text.expressions() {
            let Ok(names) = expression.names() else { continue };
            let foreign: Vec<&(String, Range<usize>)> = names
                .variables
                .iter()
                .filter(|(name, _)| !self.vars.contains(name) && self.names.contains(name))
                .collect();
            for (name, range) in foreign {
                self.error(
                    expression.span_of(range),
                    format!("`{name}` cannot be used here: only `vars` may choose hosts and files"),
                );
            }
        }
    }

    fn data(&mut self, data: &Data) {
        match data {
            Data::Text(text) => self.text(text),
            Data::List(items) => items.iter().for_each(|item| self.data(item)),
            Data::Map(entries) => entries.iter().for_each(|(_, entry)| self.data(entry)),
            Data::Bool(_) | Data::Int(_) | Data::Float(_) => {}
        }
    }

    fn length(&mut self, length: &Length) {
        if let Length::Template(text) = length {
            self.text(text);
        }
    }

    // --- files -------------------------------------------------------------------------------------------------

    fn file(&mut self, text: &Text) {
        self.text_of_vars(text);
        let Some(name) = self.known_text(text) else { return };
        if let Err(message) = resolve_file(self.context.file_root.as_deref(), &name) {
            let message = self.without_secret(text, message);
            let help = "a scenario reads files below its own folder; `--file-root DIR` moves that";
            self.diagnostics.push(Diagnostic::error(text.span, message).help(help));
        }
    }

    /// The templates in a file are checked like those of the scenario. Whether it can be read was checked before.
    pub(super) fn templated_file(&mut self, file: &Text) {
        let path = self.known_text(file).and_then(|name| resolve_file(self.context.file_root.as_deref(), &name).ok());
        let Some(content) = path.and_then(|path| std::fs::read_to_string(path).ok()) else { return };
        match Text::from_file(&content, file.span) {
            Ok(text) => self.text(&text),
            Err(error) => self.diagnostics.push(error.into_diagnostic()),
        }
    }

    /// What a text renders to, where that is known already.
    fn known_text(&self, text: &Text) -> Option<String> {
        if text.is_literal() {
            return Some(text.source.clone());
        }
        let variables = self.context.variables.as_ref()?;
        let rendered = self.templates.render(text, Mode::Plain, variables).ok()?;
        String::from_utf8(rendered.bytes).ok()
    }

    // --- lints -------------------------------------------------------------------------------------------------

    fn cases(&mut self, scenario: &Scenario) {
        for (name, data) in scenario.cases.iter().flat_map(|case| &case.values) {
            self.data(data);
            if !self.vars.contains(&name.name) {
                let known: Vec<String> = self.vars.iter().cloned().collect();
                self.unknown("variable", &name.name, name.span, known.iter().map(String::as_str));
            }
        }
    }

    fn unused(&mut self, scenario: &Scenario) {
        let vars = scenario.vars.iter().map(|var| (&var.name, "variable"));
        let secrets = scenario.secrets.iter().map(|secret| (secret, "secret"));
        for (named, kind) in vars.chain(secrets) {
            if !self.used.contains(&named.name) {
                let warning = Diagnostic::warning(named.span, format!("the {kind} `{}` is never used", named.name));
                self.diagnostics.push(warning);
            }
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(span, message));
    }
}

/// The names that every step of a side sees.
fn names_of(side: Side) -> [&'static str; 3] {
    match side {
        Side::Client => ["reply", "extensions", "tls"],
        Side::Server => ["message", "server", "tls"],
    }
}

/// A step as a pipelined group sends it.
fn without_expectations(step: &Step) -> Step {
    let mut silent = Step { expect: None, ..step.clone() };
    if let Action::Group(group) = &mut silent.action {
        group.steps = group.steps.iter().map(without_expectations).collect();
    }
    silent
}

/// The path of a file that a scenario names, if it may be read.
///
/// Regular files below `root` only, symbolic links resolved, no component that starts with a dot.
pub(crate) fn resolve_file(root: Option<&Path>, name: &str) -> Result<PathBuf, String> {
    let Some(root) = root else {
        return Err(format!("`{name}` may not be read: an untrusted scenario reads no file"));
    };
    let relative = Path::new(name);
    let hidden = |component: Component<'_>| match component {
        Component::Normal(part) => part.to_string_lossy().starts_with('.'),
        _ => false,
    };
    if relative.components().any(hidden) {
        return Err(format!("`{name}` may not be read: a part of it starts with a dot"));
    }
    let root =
        root.canonicalize().map_err(|error| format!("cannot read the folder of `{name}`: {}", reason(&error)))?;
    let path =
        root.join(relative).canonicalize().map_err(|error| format!("cannot read `{name}`: {}", reason(&error)))?;
    let Ok(below) = path.strip_prefix(&root) else {
        return Err(format!("`{name}` may not be read: it lies outside of the scenario's folder"));
    };
    if below.components().any(hidden) {
        return Err(format!("`{name}` may not be read: a part of its path starts with a dot"));
    }
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(path),
        Ok(_) => Err(format!("`{name}` is not a regular file")),
        Err(error) => Err(format!("cannot read `{name}`: {}", reason(&error))),
    }
}

/// An error of the operating system in words, without its number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
