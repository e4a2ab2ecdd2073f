//! The sandbox's protocol beside the steps of a scripted server, for the rules that follow them.
//!
//! Responsible for its state: which commands of the steps took effect. It answers nothing until the steps are over;
//! `play::server` reports what came, `host::rules` takes the protocol from here.

use super::acceptor::Accepted;
use super::answer::BadLine;
use super::auth::Login;
use super::mail_sink::Discard;
use super::protocol::Protocol;
use super::settings::{DEFAULT_MAX_MESSAGE_SIZE, QueueIds, SandboxSettings};
use std::sync::{Arc, OnceLock};

/// What all connections of one scripted server share.
#[derive(Clone)]
pub(crate) struct FallbackSettings(Arc<SandboxSettings>);

impl FallbackSettings {
    /// Takes any user name with one of these passwords. Nobody is offered a login that nobody could pass.
    pub(crate) fn new(passwords: impl Iterator<Item = String>) -> FallbackSettings {
        let accept: Vec<Login> = passwords.map(|password| Login::AnyUser { password }).collect();
        FallbackSettings(Arc::new(SandboxSettings {
            host_name: "server.smtp-script.example".to_owned(),
            lmtp: false,
            max_message_size: DEFAULT_MAX_MESSAGE_SIZE,
            mechanisms: accept.is_empty().then(Vec::new),
            require_auth: false,
            require_tls: false,
            without_starttls: false,
            accept,
            end_point: OnceLock::new(),
            queue_ids: QueueIds::starting_at(fastrand::u64(..)),
        }))
    }
}

/// The sandbox's side of one connection.
pub(crate) struct Fallback {
    protocol: Protocol<Discard>,
}

impl Fallback {
    pub(crate) fn new(settings: &FallbackSettings) -> Fallback {
        Fallback { protocol: Protocol::new(settings.0.clone(), Discard) }
    }

    /// The protocol, for rules that follow the steps.
    pub(crate) fn into_protocol(self) -> Protocol<Discard> {
        self.protocol
    }

    /// Hears a line as it came, with its end.
    pub(crate) fn line(&mut self, line: &[u8]) {
        _ = match BadLine::text_of(line) {
            Ok(text) => self.protocol.line(text),
            Err(refusal) => self.protocol.bad_line(refusal),
        };
    }

    pub(crate) fn content(&mut self, octets: &[u8]) {
        self.protocol.content(octets);
    }

    pub(crate) fn mail_data_ended(&mut self) {
        self.protocol.mail_data_ended();
    }

    pub(crate) fn tls_started(&mut self, accepted: &Accepted) {
        self.protocol.tls_started(accepted.facts());
    }

    /// A message was refused by someone else: the transaction is over.
    pub(crate) fn forget_message(&mut self) {
        self.protocol.overruled(true);
    }
}
