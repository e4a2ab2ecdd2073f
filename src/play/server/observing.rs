//! `observe` of a server: takes down what a client does, whatever it is, and judges nothing.
//!
//! Responsible for telling apart what may come in place of a command line, and for `observed` in templates.

use crate::net::clock;
use crate::play::server::connection::Pending;
use crate::play::server::steps::{ServerStepAt, ServerStepDone};
use crate::scenario::{Length, value_from_bytes};
use crate::server::PeerTrouble;
use crate::session::ObservedKind;
use crate::smtp::command::{CommandLine, without_end};
use crate::smtp::offer::TLS_HANDSHAKE;
use minijinja::value::{Object, Value};
use std::sync::Arc;

/// What a client did.
#[derive(Debug)]
pub(crate) struct ObservedClient {
    kind: ObservedKind,
    /// What came, without the end of a line.
    bytes: Vec<u8>,
    /// Whether a secret stands in it.
    pub(crate) holds_secret: bool,
}

impl ServerStepAt<'_> {
    /// Waits for this long for the next thing that the client does. The beginning of a TLS handshake stays for a step `tls`.
    pub(super) async fn observe(&mut self, length: &Length) -> ServerStepDone {
        let length = self.on.stage.bounded(self.length(length)?);
        let due = clock::Instant::now() + length;
        let first = self.on.peer.first_octet(length).await;
        if first == Some(TLS_HANDSHAKE[0]) && !self.on.peer.is_tls() {
            self.on.stage.log.note(&self.on.session, "the client begins a TLS handshake");
            self.note(ObservedKind::Tls, Vec::new(), false);
            return Ok(());
        }
        let left = due.saturating_duration_since(clock::Instant::now());
        let (kind, bytes, secret) = match self.on.peer.read_line(left).await {
            Ok(line) => {
                let secret = self.on.hear_line(&line);
                let content = without_end(&line).to_vec();
                self.on.chunk = CommandLine::parse(&content).bdat();
                self.on.pending = Pending::Line(line);
                // The octet of an alert that says which one may be that of a line end.
                match ObservedKind::of_bytes(&content) {
                    ObservedKind::Alert => (ObservedKind::Alert, content, secret),
                    _ => (ObservedKind::Line, content, secret),
                }
            }
            Err(trouble) => self.end_or_octets(trouble),
        };
        self.note(kind, bytes, secret);
        self.refuse_cut_short(self.step.head.span)
    }

    fn end_or_octets(&mut self, trouble: PeerTrouble) -> (ObservedKind, Vec<u8>, bool) {
        let (kind, bytes) = match trouble {
            PeerTrouble::Timeout { arrived, .. } => (ObservedKind::Silence, arrived),
            PeerTrouble::Closed { arrived } => {
                self.on.stage.log.ended(false);
                self.on.stage.log.note(&self.on.session, "closed by the client");
                (ObservedKind::Closed, arrived)
            }
            PeerTrouble::Broken { reset, reason, arrived } => {
                self.on.stage.log.ended(reset);
                self.on.stage.log.note(&self.on.session, &reason);
                (ObservedKind::Reset, arrived)
            }
            PeerTrouble::TooLong { bytes, .. } | PeerTrouble::TlsBegun { bytes } => (ObservedKind::Bytes, bytes),
            PeerTrouble::NotTls { reason } => {
                self.on.stage.log.note(&self.on.session, &reason);
                (ObservedKind::Bytes, Vec::new())
            }
        };
        if bytes.is_empty() {
            return (kind, bytes, false);
        }
        let secret = self.on.hear_bytes(&bytes);
        (ObservedKind::of_bytes(&bytes), bytes, secret)
    }

    fn note(&mut self, kind: ObservedKind, bytes: Vec<u8>, credentials: bool) {
        let holds_secret = credentials || self.on.is_secret(&bytes);
        self.on.stage.log.observed(kind);
        self.on.observed = Some(Arc::new(ObservedClient { kind, bytes, holds_secret }));
    }
}

impl ObservedClient {
    /// The first word of a line, in upper case; empty where what came is no line.
    fn verb(&self) -> String {
        let word = self.bytes.split(|byte| *byte == b' ').next().filter(|_| self.kind == ObservedKind::Line);
        String::from_utf8_lossy(word.unwrap_or_default()).to_uppercase()
    }
}

impl Object for ObservedClient {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "kind" => Some(Value::from(self.kind.name())),
            "bytes" | "text" => Some(value_from_bytes(self.bytes.clone())),
            "verb" => Some(Value::from(self.verb())),
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}
