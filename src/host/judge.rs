//! Which rule answers a line, and what it says.
//!
//! Responsible for what `rules:` of a scenario mean, on whichever server: `rules` plays them behind the steps of a server,
//! `rulebook` in front of the sandbox. Not responsible for sending.

use crate::net::wire::Drip;
use crate::play::expect::Comparer;
use crate::play::scope::ScopeNames;
use crate::play::server::message::ReceivedMessage;
use crate::play::server::observing::ObservedClient;
use crate::play::server::reply::ReplySpeech;
use crate::play::server::scope::ServerScope;
use crate::play::stage::shown_capture;
use crate::scenario::server::Rule;
use crate::scenario::{Rendered, TemplateError, Templates, value_from_bytes};
use crate::secret::Masker;
use crate::server::Accepted;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What rules look at on one connection.
pub(crate) struct Judge<'a> {
    pub(crate) templates: &'a Templates,
    pub(crate) masker: &'a Masker,
    pub(crate) names: &'a mut ScopeNames,
    /// What is captured, as it is shown, where a report is made of it.
    pub(crate) captures: Option<&'a mut BTreeMap<String, String>>,
    pub(crate) message: Option<&'a Arc<ReceivedMessage>>,
    pub(crate) tls: Option<&'a Arc<Accepted>>,
    pub(crate) observed: Option<&'a Arc<ObservedClient>>,
    /// For each rule how many commands matched it on this connection, and on all of them.
    pub(crate) matched: &'a mut [u64],
    pub(crate) matched_by_all: &'a Mutex<Vec<u64>>,
}

/// What a rule does, rendered.
pub(crate) struct Ruling {
    pub(crate) delay: Duration,
    pub(crate) reply: Option<Rendered>,
    pub(crate) pace: Option<Drip>,
}

impl Judge<'_> {
    /// The first rule that answers this line. Each rule counts the lines that match it, and what it captures of a `secret`
    /// line is a secret.
    pub(crate) fn first<'r>(
        &mut self,
        rules: &'r [Rule],
        line: &[u8],
        secret: bool,
    ) -> Result<Option<&'r Rule>, TemplateError> {
        for (index, rule) in rules.iter().enumerate() {
            let captures = {
                let scope = self.scope();
                let comparer = Comparer { templates: self.templates, scope: &scope, masker: self.masker };
                let Some(captures) = comparer.compiled(&rule.pattern)?.0.captures(line) else { continue };
                captures
            };
            let secret = secret || self.masker.finds(line);
            for (name, bytes) in captures {
                if let Some(captures) = &mut self.captures {
                    captures.insert(name.clone(), shown_capture(self.masker, &bytes, secret));
                }
                self.names.set(&name, value_from_bytes(bytes), secret);
            }
            if let Some(when) = &rule.when
                && !self.templates.evaluate(when, &self.scope())?.is_true()
            {
                continue;
            }
            let count = self.count(index, rule.counts_all);
            if count > rule.after && rule.times.is_none_or(|times| count <= rule.after + times) {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    fn count(&mut self, rule: usize, of_all: bool) -> u64 {
        let mut all = self.matched_by_all.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = if of_all { all.as_mut_slice() } else { &mut *self.matched };
        counts.get_mut(rule).map_or(0, |count| {
            *count += 1;
            *count
        })
    }

    pub(crate) fn scope(&self) -> ServerScope<'_> {
        ServerScope { names: self.names, message: self.message, tls: self.tls, observed: self.observed }
    }
}

impl Ruling {
    /// What `rule` says now; `may_tell` is whether a secret may be told to this client.
    pub(crate) fn of(rule: &Rule, comparer: &Comparer<'_>, may_tell: bool) -> Result<Ruling, TemplateError> {
        let speech = ReplySpeech { templates: comparer.templates, scope: comparer.scope };
        let reply = rule.reply.as_ref().map(|reply| {
            let rendered = speech.reply(reply)?;
            if rendered.secret && !may_tell {
                let message = "a secret would go over a plain connection to another machine".to_owned();
                let help = Some("allow it with `--insecure-secrets`".to_owned());
                return Err(TemplateError { message, span: reply.span, help });
            }
            Ok(rendered)
        });
        let pace = rule.pace.as_ref().map(|pace| {
            let every = comparer.length(&pace.every)?;
            Ok(Drip { octets: pace.bytes, every })
        });
        let delay = rule.delay.as_ref().map(|delay| comparer.length(delay)).transpose()?;
        Ok(Ruling { delay: delay.unwrap_or_default(), reply: reply.transpose()?, pace: pace.transpose()? })
    }
}
