//! What templates see during a run: variables, secrets, captures, and the state of the step's session.

use crate::net::certificate::PeerCertificate;
use crate::net::tls::TlsFacts;
use crate::scenario::{Flow, Scope, Secret, Variables, value_from_bytes, weight_of};
use crate::session::{Answered, Observed, ObservedKind, Offered, Session};
use crate::smtp::status::EnhancedStatusCode;
use minijinja::value::{Object, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The names of one run and their values.
#[derive(Debug, Clone)]
pub(crate) struct ScopeNames {
    values: Arc<BTreeMap<String, Value>>,
    secrets: Arc<BTreeMap<String, Secret>>,
    tainted: Arc<BTreeSet<String>>,
    flow: Arc<Flow>,
}

/// What a name stood for before it was bound.
#[derive(Debug)]
pub(crate) struct Binding {
    name: String,
    before: Option<(Value, bool)>,
}

/// The names as one step sees them.
pub(crate) struct StepScope<'a> {
    pub(crate) names: &'a ScopeNames,
    pub(crate) session: Option<&'a Session>,
    pub(crate) diverged: Option<bool>,
}

impl Binding {
    pub(crate) fn is_of(&self, name: &str) -> bool {
        self.name == name
    }
}

impl ScopeNames {
    pub(crate) fn new(variables: &Variables) -> ScopeNames {
        ScopeNames {
            values: variables.values.clone(),
            secrets: variables.secrets.clone(),
            tainted: Arc::new(variables.tainted.clone()),
            flow: variables.flow.clone(),
        }
    }

    /// What of the scenario depends on a secret.
    pub(crate) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Whether it has a value.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.secrets.contains_key(name)
    }

    /// Gives a name a value for a while; [`ScopeNames::restore`] takes it back.
    pub(crate) fn bind(&mut self, name: &str, value: Value, secret: bool) -> Binding {
        let before = self.values.get(name).cloned().map(|value| (value, self.tainted.contains(name)));
        self.set(name, value, secret);
        Binding { name: name.to_owned(), before }
    }

    /// Undoes a binding.
    pub(crate) fn restore(&mut self, binding: Binding) {
        match binding.before {
            Some((value, secret)) => self.set(&binding.name, value, secret),
            None => {
                Arc::make_mut(&mut self.values).remove(&binding.name);
                self.taint(&binding.name, false);
            }
        }
    }

    /// Gives a name a value; `secret` tells whether it depends on a secret.
    pub(crate) fn set(&mut self, name: &str, value: Value, secret: bool) {
        Arc::make_mut(&mut self.values).insert(name.to_owned(), value);
        self.taint(name, secret);
    }

    /// Says whether a name depends on a secret. What stays as it was costs nothing.
    fn taint(&mut self, name: &str, secret: bool) {
        if secret {
            Arc::make_mut(&mut self.tainted).insert(name.to_owned());
        } else if self.tainted.contains(name) {
            Arc::make_mut(&mut self.tainted).remove(name);
        }
    }

    /// The secrets by their names.
    pub(crate) fn secrets(&self) -> &BTreeMap<String, Secret> {
        &self.secrets
    }
}

impl Scope for ScopeNames {
    fn context(&self) -> Value {
        StepScope { names: self, session: None, diverged: None }.context()
    }

    fn is_secret(&self, name: &str) -> bool {
        self.secrets.contains_key(name) || self.tainted.contains(name) || self.flow.taints(name)
    }

    fn held(&self) -> usize {
        self.values.values().map(|value| weight_of(value).unwrap_or(0)).sum()
    }
}

impl Scope for StepScope<'_> {
    fn context(&self) -> Value {
        Value::from_object(ScopeValues {
            values: self.names.values.clone(),
            secrets: self.names.secrets.clone(),
            answer: self.session.and_then(|session| session.last_answer().cloned()),
            observed: self.session.and_then(|session| session.observed().cloned()),
            extensions: self.session.map(|session| session.extensions().clone()),
            tls: self.session.and_then(|session| session.tls().cloned()),
            diverged: self.diverged,
        })
    }

    fn is_secret(&self, name: &str) -> bool {
        let echo = || self.session.and_then(Session::last_answer).is_some_and(|answer| answer.holds_secret);
        let seen = || self.session.and_then(Session::observed).is_some_and(|observed| observed.holds_secret);
        self.names.is_secret(name) || name == "reply" && (echo() || seen())
    }

    fn held(&self) -> usize {
        self.names.held()
    }
}

/// The names as minijinja looks them up.
#[derive(Debug)]
struct ScopeValues {
    values: Arc<BTreeMap<String, Value>>,
    secrets: Arc<BTreeMap<String, Secret>>,
    answer: Option<Answered>,
    observed: Option<Observed>,
    extensions: Option<Arc<Offered>>,
    tls: Option<Arc<TlsFacts>>,
    diverged: Option<bool>,
}

impl Object for ScopeValues {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        match name {
            "reply" => match self.observed.clone() {
                Some(observed) => Some(Value::from_object(ObservedView(observed))),
                None => self.answer.clone().map(|answer| Value::from_object(ReplyView(answer))),
            },
            "extensions" => self.extensions.clone().map(|extensions| Value::from_object(ExtensionsView(extensions))),
            "tls" => Some(self.tls.clone().map_or(Value::from(()), |tls| Value::from_object(ClientTlsView(tls)))),
            "diverged" => self.diverged.map(Value::from),
            _ => {
                let secret = || self.secrets.get(name).map(|secret| Value::from(secret.expose()));
                self.values.get(name).cloned().or_else(secret)
            }
        }
    }
}

/// `reply.code`, `enhanced`, `lines`, `text`, `elapsed`.
#[derive(Debug)]
struct ReplyView(Answered);

impl Object for ReplyView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let reply = &self.0.reply;
        match key.as_str()? {
            "code" => Some(Value::from(reply.code())),
            "enhanced" => {
                let code = reply.texts().next().and_then(EnhancedStatusCode::at_start_of);
                Some(code.map_or(Value::from(()), |code| Value::from(code.to_string())))
            }
            "lines" => {
                Some(Value::from(reply.lines().map(|line| value_from_bytes(line.to_vec())).collect::<Vec<Value>>()))
            }
            "text" => Some(value_from_bytes(reply.texts().collect::<Vec<_>>().join(&b'\n'))),
            "elapsed" => Some(Value::from(self.0.elapsed.as_secs_f64())),
            "kind" => Some(Value::from(ObservedKind::Reply.name())),
            "bytes" => Some(value_from_bytes(reply.raw().to_vec())),
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

/// What came in place of a reply: it has no code and no lines.
#[derive(Debug)]
struct ObservedView(Observed);

impl Object for ObservedView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "kind" => Some(Value::from(self.0.kind.name())),
            "bytes" | "text" => Some(value_from_bytes(self.0.bytes.clone())),
            // A number, so that `reply.code >= 400` can be asked whatever came.
            "code" => Some(Value::from(0)),
            "enhanced" => Some(Value::from(())),
            "lines" => Some(Value::from(Vec::<Value>::new())),
            "elapsed" => Some(Value::from(self.0.elapsed.as_secs_f64())),
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

/// `extensions.SIZE` is a number, a keyword without parameters `true`, any other its parameters.
#[derive(Debug)]
struct ExtensionsView(Arc<Offered>);

impl Object for ExtensionsView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let keyword = key.as_str()?;
        let parameters = self.0.parameters(keyword)?;
        Some(match parameters {
            [] => Value::from(true),
            _ if keyword.eq_ignore_ascii_case("SIZE") => self.0.size().map_or(Value::from(true), Value::from),
            words => Value::from(words.join(" ")),
        })
    }

    /// What is empty is false, as everywhere in templates: the server offers nothing.
    fn is_true(self: &Arc<Self>) -> bool {
        self.0.iter().next().is_some()
    }
}

/// `tls.version`, `cipher`, `verified`, `certificate`, `chain`, `channel_binding`.
#[derive(Debug)]
struct ClientTlsView(Arc<TlsFacts>);

impl Object for ClientTlsView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "version" => Some(Value::from(self.0.version.clone())),
            "cipher" => Some(Value::from(self.0.cipher.clone())),
            "verified" => Some(Value::from(self.0.verified)),
            "channel_binding" => Some(self.0.end_point.clone().map_or(Value::from(()), value_from_bytes)),
            "chain" => Some(chain_value(&self.0.chain)),
            "certificate" => {
                Some(self.0.certificate.clone().map_or(Value::from(()), |it| Value::from_object(CertificateView(it))))
            }
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

/// The certificates that the other side sent, each as [`CertificateView`] has it; what can't be read is none.
pub(crate) fn chain_value(chain: &[Vec<u8>]) -> Value {
    let read = |der: &Vec<u8>| {
        PeerCertificate::from_der(der).map_or(Value::from(()), |it| Value::from_object(CertificateView(it)))
    };
    chain.iter().map(read).collect()
}

#[derive(Debug)]
pub(crate) struct CertificateView(pub(crate) PeerCertificate);

impl Object for CertificateView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let certificate = &self.0;
        match key.as_str()? {
            "subject" => Some(Value::from(certificate.subject.clone())),
            "issuer" => Some(Value::from(certificate.issuer.clone())),
            "names" => Some(Value::from(certificate.names.clone())),
            "not_after" => Some(Value::from(certificate.not_after.to_string())),
            "days_left" => Some(Value::from(certificate.days_left(jiff::Timestamp::now()))),
            "key" => Some(Value::from(certificate.key.clone())),
            "key_bits" => Some(Value::from(certificate.key_bits)),
            "signature" => Some(Value::from(certificate.signature.clone())),
            "self_issued" => Some(Value::from(certificate.is_self_issued())),
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}
