//! What templates of a server see: variables, secrets, captures of the connection, its message and its TLS.

use crate::play::scope::{CertificateView, ScopeNames, chain_value};
use crate::play::server::message::ReceivedMessage;
use crate::play::server::observing::ObservedClient;
use crate::scenario::Scope;
use crate::server::Accepted;
use minijinja::value::{Object, Value};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// The names as a step of a server sees them.
pub(crate) struct ServerScope<'a> {
    pub(crate) names: &'a ScopeNames,
    pub(crate) message: Option<&'a Arc<ReceivedMessage>>,
    pub(crate) tls: Option<&'a Arc<Accepted>>,
    pub(crate) observed: Option<&'a Arc<ObservedClient>>,
}

impl Scope for ServerScope<'_> {
    fn context(&self) -> Value {
        Value::from_object(ServerScopeValues {
            inner: self.names.context(),
            message: self.message.cloned(),
            tls: self.tls.cloned(),
            observed: self.observed.cloned(),
        })
    }

    fn is_secret(&self, name: &str) -> bool {
        self.names.is_secret(name)
            || name == "message" && self.message.is_some_and(|message| message.holds_secret)
            || name == "observed" && self.observed.is_some_and(|observed| observed.holds_secret)
    }

    fn held(&self) -> usize {
        self.names.held()
    }
}

#[derive(Debug)]
struct ServerScopeValues {
    inner: Value,
    message: Option<Arc<ReceivedMessage>>,
    tls: Option<Arc<Accepted>>,
    observed: Option<Arc<ObservedClient>>,
}

impl Object for ServerScopeValues {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "message" => self.message.clone().map(Value::from_dyn_object),
            "tls" => Some(self.tls.clone().map_or(Value::from(()), |tls| Value::from_object(TlsView(tls)))),
            // A variable of that name, of a file that observes nothing, stays what it is.
            "observed" => {
                let own = || self.inner.get_item(key).ok().filter(|value| !value.is_undefined());
                self.observed.clone().map(Value::from_dyn_object).or_else(own)
            }
            _ => self.inner.get_item(key).ok().filter(|value| !value.is_undefined()),
        }
    }
}

/// `tls.version`, `cipher`, `server_name`, `verified`, `certificate`, `chain`: the client's, where it sent
/// one.
#[derive(Debug)]
struct TlsView(Arc<Accepted>);

impl Object for TlsView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "version" => Some(Value::from(self.0.version.clone())),
            "cipher" => Some(Value::from(self.0.cipher.clone())),
            "server_name" => Some(self.0.server_name.clone().map_or(Value::from(()), Value::from)),
            "verified" => Some(Value::from(self.0.verified)),
            "chain" => Some(chain_value(&self.0.client)),
            "certificate" => {
                Some(self.0.certificate().map_or(Value::from(()), |it| Value::from_object(CertificateView(it))))
            }
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

/// `server.address`, `host`, `port`; of a connection its number, from 1, and the client's address too.
pub(crate) fn server_value(address: SocketAddr, connection: Option<(usize, SocketAddr)>) -> Value {
    let mut map = BTreeMap::from([
        ("address", Value::from(address.to_string())),
        ("host", Value::from(address.ip().to_string())),
        ("port", Value::from(address.port())),
    ]);
    if let Some((number, client)) = connection {
        map.insert("connection", Value::from(number));
        map.insert("client", Value::from(client.to_string()));
        map.insert("client_host", Value::from(client.ip().to_string()));
    }
    Value::from(map)
}
