//! The other side of the conversation: the sandbox server that `run --sandbox` and `serve --sandbox` start.
//!
//! From the wire inwards: `sandbox` owns sockets and TLS, `dialogue` cuts the client's octets into command lines and
//! mail data, `protocol` answers them; the last two do no input or output, so that every rule of the RFCs is tested
//! without a socket.

mod acceptor;
mod address;
mod auth;
mod certificate;
mod dialogue;
mod fallback;
mod mail_data;
mod mail_sink;
mod parameters;
mod peer;
mod protocol;
mod sandbox;

pub(crate) use acceptor::{Accepted, Acceptor, Choice, TlsOffer};
pub(crate) use auth::Login;
pub(crate) use certificate::Authority;
pub(crate) use fallback::{Fallback, FallbackSettings, Said};
pub(crate) use peer::{Drip, MAX_LINE, Peer, PeerTrouble};
pub(crate) use protocol::Next;
pub(crate) use sandbox::{Sandbox, SandboxOptions};
