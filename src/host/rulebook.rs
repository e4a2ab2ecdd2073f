//! The rules of a scenario in front of the sandbox: `serve --sandbox --rules FILE`.
//!
//! Responsible for what rules see of a connection that somebody else serves. Which rule answers is `judge`'s business, what
//! the protocol makes of an answer the sandbox's.

use crate::host::judge::{Judge, ruling};
use crate::play::Settings;
use crate::play::expect::Comparer;
use crate::play::scope::ScopeNames;
use crate::play::server::message::ReceivedMessage;
use crate::play::server::reply::may_tell;
use crate::play::server::scope::{ServerScope, server_value};
use crate::play::server::tally::{Tally, unmet};
use crate::scenario::server::{Rule, Server};
use crate::scenario::{Chance, Diagnostic, Scenario, Span, TemplateError, Templates, Variables};
use crate::secret::Masker;
use crate::server::{Accepted, Arrival, Interjection, Interjector, RuleFault, Rulebook};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The rules of a scenario, for a sandbox.
pub(crate) struct SandboxRules {
    scenario: Scenario,
    server: Arc<Server>,
    names: ScopeNames,
    templates: Templates,
    masker: Masker,
    insecure_secrets: bool,
    /// How often they matched and answered, on all connections.
    tally: Tally,
    /// A rule could not be obeyed.
    faulty: AtomicBool,
}

/// They on one connection.
struct Reading {
    rules: Arc<SandboxRules>,
    client: SocketAddr,
    names: ScopeNames,
    /// As it comes, and as the rules see it when it is there.
    incoming: Option<ReceivedMessage>,
    message: Option<Arc<ReceivedMessage>>,
    tls: Option<Arc<Accepted>>,
    matched: Vec<u64>,
}

impl SandboxRules {
    /// The rules of a scenario that holds nothing else of a server.
    ///
    /// # Errors
    /// What else it holds, with its place.
    pub(crate) fn of(
        scenario: &Scenario,
        variables: &Variables,
        settings: &Settings,
    ) -> Result<SandboxRules, Box<Diagnostic>> {
        let server = scenario.server.clone().unwrap_or_default();
        if let Some((span, what)) = server.beside_rules() {
            let message = format!("rules in front of the sandbox stand alone, but there is {what}");
            let help = "leave it to the options of `serve --sandbox`, or play the file with `serve FILE`";
            return Err(Box::new(Diagnostic::error(span, message).help(help)));
        }
        Ok(SandboxRules {
            scenario: scenario.clone(),
            names: ScopeNames::new(variables),
            templates: Templates::new(settings.seed.map_or_else(Chance::fresh, Chance::seeded)),
            masker: Masker::of(variables),
            insecure_secrets: settings.insecure_secrets,
            tally: Tally::new(server.rules.len()),
            faulty: AtomicBool::new(false),
            server,
        })
    }

    /// Whether a rule could not be obeyed: the scenario is at fault, as with a divergence.
    pub(crate) fn is_faulty(&self) -> bool {
        self.faulty.load(Ordering::SeqCst)
    }

    /// Which rules did not answer as often as they must, each with its place.
    pub(crate) fn unmet(&self) -> Vec<String> {
        let answers = self.tally.answers(&self.server.rules);
        let said = answers.into_iter().filter_map(|(rule, count)| Some((rule.span, unmet(rule, count)?)));
        said.map(|(span, text)| format!("{}: {text}", self.place(span))).collect()
    }

    /// For the log: the place, and what is wrong there.
    fn fault(&self, error: &TemplateError) -> RuleFault {
        self.faulty.store(true, Ordering::SeqCst);
        let help = error.help.as_ref().map(|help| format!(" (help: {help})")).unwrap_or_default();
        let text = format!("{}: {}{help}", self.place(error.span), error.message);
        RuleFault(format!("a rule cannot be obeyed: {}", self.masker.mask_text(&text)))
    }

    fn place(&self, span: Span) -> String {
        let sources = &self.scenario.sources;
        let position = sources.position(span);
        let name = sources.file(span.file).map_or("", |file| &file.name);
        format!("{name}:{}:{}", position.line, position.column)
    }
}

impl Rulebook for SandboxRules {
    fn open(self: Arc<Self>, arrival: Arrival) -> Box<dyn Interjector> {
        let mut names = self.names.clone();
        let number = usize::try_from(arrival.number).unwrap_or(usize::MAX);
        names.set("server", server_value(arrival.server, Some((number, arrival.client))), false);
        Box::new(Reading {
            client: arrival.client,
            names,
            incoming: None,
            message: None,
            tls: None,
            matched: vec![0; self.server.rules.len()],
            rules: self,
        })
    }
}

impl Interjector for Reading {
    fn tls_started(&mut self, accepted: Arc<Accepted>) {
        self.tls = Some(accepted);
    }

    fn message_begins(&mut self, goes_on: bool) {
        self.incoming = Some(ReceivedMessage::going_on(&mut self.message, goes_on));
    }

    fn content(&mut self, octets: &[u8]) {
        if let Some(incoming) = &mut self.incoming {
            incoming.push(octets);
        }
    }

    fn answer(&mut self, line: &[u8], secret: bool) -> Result<Option<Interjection>, RuleFault> {
        if let Some(mut message) = self.incoming.take() {
            message.holds_secret = self.rules.masker.finds(message.bytes());
            self.message = Some(Arc::new(message));
        }
        let rules = self.rules.clone();
        let rule = self.judge(&rules).first(&rules.server.rules, line, secret).map_err(|error| rules.fault(&error))?;
        let Some(rule) = rule else { return Ok(None) };
        self.said(rule).map(Some).map_err(|error| rules.fault(&error))
    }
}

impl Reading {
    fn judge<'a>(&'a mut self, rules: &'a SandboxRules) -> Judge<'a> {
        Judge {
            templates: &rules.templates,
            masker: &rules.masker,
            names: &mut self.names,
            captures: None,
            message: self.message.as_ref(),
            tls: self.tls.as_ref(),
            observed: None,
            matched: &mut self.matched,
            tally: &rules.tally,
        }
    }

    fn said(&self, rule: &Rule) -> Result<Interjection, TemplateError> {
        let rules = &self.rules;
        let (message, tls) = (self.message.as_ref(), self.tls.as_ref());
        let scope = ServerScope { names: &self.names, message, tls, observed: None };
        let comparer = Comparer { templates: &rules.templates, scope: &scope, masker: &rules.masker };
        let decides = self.names.flow().secrets_deciding_at(rule.span).is_some();
        let may_tell = may_tell(self.client, self.tls.is_some(), rules.insecure_secrets);
        let ruling = ruling(rule, &comparer, may_tell, decides)?;
        let shown = if ruling.secret { ruling.shown } else { String::from_utf8_lossy(&ruling.bytes).into_owned() };
        let shown = shown.replace("\r\n", "\n");
        let shown = shown.strip_suffix('\n').unwrap_or(&shown).replace('\n', "\r\n");
        Ok(Interjection { shown: rules.masker.mask_text(&shown), ..ruling })
    }
}
