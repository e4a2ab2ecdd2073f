//! Which rule answers a line, and what it says.
//!
//! Responsible for what `rules:` of a scenario mean, on whichever server: `rules` plays them after the steps of a server,
//! `rulebook` in front of the sandbox. Not responsible for sending.

use crate::net::wire::Drip;
use crate::play::expect::Comparer;
use crate::play::scope::ScopeNames;
use crate::play::server::message::ReceivedMessage;
use crate::play::server::observing::ObservedClient;
use crate::play::server::reply::ReplySpeech;
use crate::play::server::scope::ServerScope;
use crate::play::server::tally::Tally;
use crate::play::stage::shown_capture;
use crate::scenario::server::{Per, Rule};
use crate::scenario::{Mode, Rendered, TemplateError, Templates, Text, value_from_bytes};
use crate::secret::Masker;
use crate::server::{Accepted, Interjection};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// For each rule how many commands matched it on this connection.
    pub(crate) matched: &'a mut [u64],
    /// The same on all of them.
    pub(crate) tally: &'a Tally,
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
            let Some(count) = self.count(index, rule)? else { continue };
            if count > rule.after && rule.times.is_none_or(|times| count <= rule.after + times) {
                self.tally.answered(index);
                if rule.answers() {
                    return Ok(Some(rule));
                }
            }
        }
        Ok(None)
    }

    /// How many lines have matched it, with this one; none where a value that it counts over is not known yet.
    fn count(&mut self, index: usize, rule: &Rule) -> Result<Option<u64>, TemplateError> {
        let values = match &rule.per {
            Per::Connection => {
                return Ok(self.matched.get_mut(index).map(|count| {
                    *count += 1;
                    *count
                }));
            }
            Per::Server => None,
            Per::Values(texts) => {
                let known = texts.iter().flat_map(Text::names).all(|name| self.names.knows(&name));
                if !known {
                    return Ok(None);
                }
                let scope = self.scope();
                let render = |text| Ok(self.templates.render(text, Mode::Plain, &scope)?.bytes);
                Some(texts.iter().map(render).collect::<Result<Vec<_>, TemplateError>>()?)
            }
        };
        Ok(Some(self.tally.matched(index, values)))
    }

    pub(crate) fn scope(&self) -> ServerScope<'_> {
        ServerScope { names: self.names, message: self.message, tls: self.tls, observed: self.observed }
    }
}

/// What `rule` does now; `may_tell` is whether a secret, or what a secret `decides`, may be sent to this client.
pub(crate) fn ruling(
    rule: &Rule,
    comparer: &Comparer<'_>,
    may_tell: bool,
    decides: bool,
) -> Result<Interjection, TemplateError> {
    let speech = ReplySpeech { templates: comparer.templates, scope: comparer.scope };
    let refusal = |span| {
        let message = "a secret would go over a plain connection to another machine".to_owned();
        TemplateError { message, span, help: Some("allow it with `--insecure-secrets`".to_owned()) }
    };
    if decides && !may_tell {
        return Err(refusal(rule.reply.as_ref().map_or(rule.span, |reply| reply.span)));
    }
    let reply = rule.reply.as_ref().map(|reply| {
        let rendered = speech.reply(reply)?;
        if rendered.secret && !may_tell { Err(refusal(reply.span)) } else { Ok(rendered) }
    });
    let pace = rule.pace.as_ref().map(|pace| {
        let every = comparer.length(&pace.every)?;
        Ok(Drip { octets: pace.bytes, every })
    });
    let delay = rule.delay.as_ref().map(|delay| comparer.length(delay)).transpose()?;
    let Rendered { bytes, shown, secret } = reply.transpose()?.unwrap_or_default();
    Ok(Interjection {
        delay: delay.unwrap_or_default(),
        bytes,
        shown,
        secret,
        pace: pace.transpose()?,
        closing: rule.close,
    })
}
