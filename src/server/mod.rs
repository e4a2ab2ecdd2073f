//! The other side of the conversation: the sandbox server that `run --sandbox` and `serve --sandbox` start.
//!
//! From the wire inwards: `sandbox` owns listeners, its `connection` the sockets, `dialogue` cuts the client's octets into
//! command lines and mail data, `protocol` answers them; the last two do no input or output, so that every rule of the
//! RFCs is tested without a socket. An `audience` hears it all; a `rulebook` may answer in the protocol's place. `reception`
//! takes the messages in and `store` keeps them; `log` shows what happens.
//!
//! Scripted servers are played by `play::server`; here are the parts that know no script: `peer`, a client's connection,
//! `acceptor`, its TLS, and `fallback`, the protocol that hears the steps. Their rules are played by the same `dialogue`.

mod acceptor;
mod address;
mod answer;
mod audience;
mod auth;
mod certificate;
mod counts;
mod dialogue;
mod fallback;
mod listening;
mod log;
mod mail_sink;
mod parameters;
mod peer;
mod protocol;
mod received;
mod reception;
mod remarks;
mod rulebook;
mod sandbox;
mod serve;
mod settings;
mod store;
mod tls;
mod transaction;

pub(crate) use acceptor::{
    Accepted, Acceptor, AcceptorFault, Choice, HandshakeFailure, Signer, TlsOffer, TlsStream, certificate_fault,
    key_fault,
};
pub(crate) use audience::{Audience, MessageEnd};
pub(crate) use auth::Login;
pub(crate) use certificate::{Authority, Wish, with_loopback};
pub(crate) use dialogue::{After, Input, ServerDialogue};
pub(crate) use fallback::{Fallback, FallbackSettings};
pub(crate) use listening::{ListenFault, cannot_listen};
pub(crate) use log::{Detail, Log, LogLine, LogSpeaker};
pub(crate) use mail_sink::Discard;
pub(crate) use peer::{HandshakeTrouble, Peer, PeerTrouble};
pub(crate) use received::{MailListener, ReceivedMail};
pub(crate) use rulebook::{Arrival, Interjection, Interjector, RuleFault, Rulebook};
pub(crate) use sandbox::{DEFAULT_HOST_NAME, Sandbox, SandboxOptions};
pub(crate) use serve::{Limits, SandboxServed, serve};
pub(crate) use settings::{DEFAULT_MAX_MESSAGE_SIZE, IDLE};
pub(crate) use store::{Form, Store};
pub(crate) use tls::{ClientCertificates, Identity, SandboxTls};
