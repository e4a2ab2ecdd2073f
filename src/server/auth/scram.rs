//! SCRAM from the server's side (RFC 5802, RFC 7677).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Gate, SaslServer, ServerTurn, encoded};
use crate::smtp::auth::Mechanism;
use crate::smtp::auth::scram::{BINDING_NAME, ClientFirst, Hash, ScramKeys, ServerFirst, auth_message};

/// RFC 7677 4 wants as many at least.
const ITERATIONS: u32 = 4096;

pub(super) const MALFORMED: &str = "501 5.5.2 Cannot read the SCRAM message";
/// RFC 5802 6: somebody may have removed the `-PLUS` mechanisms from the EHLO reply.
const DOWNGRADED: &str = "535 5.7.8 The client did not see that channel binding is offered";
const NOT_BOUND: &str = "535 5.7.8 The exchange is not bound to this TLS session";

/// Which SCRAM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Variant {
    hash: Hash,
    plus: bool,
}

impl Variant {
    pub(super) fn of(mechanism: Mechanism) -> Self {
        Self { hash: mechanism.scram_hash().unwrap_or(Hash::Sha256), plus: mechanism.binds_channel() }
    }
}

/// The client's proof is waited for.
#[derive(Debug, PartialEq)]
pub(crate) struct Final {
    hash: Hash,
    first: ClientFirst,
    user: String,
    challenge: String,
    server_first: ServerFirst,
}

/// Answers the client's first message with nonce, salt and iteration count.
pub(super) fn first(variant: Variant, message: &[u8], gate: Gate<'_>) -> ServerTurn {
    let first = str::from_utf8(message).ok().and_then(ClientFirst::parse);
    let Some(first) = first.filter(|first| !first.nonce().is_empty()) else { return ServerTurn::Refused(MALFORMED) };
    let Some(user) = first.user() else { return ServerTurn::Refused(MALFORMED) };
    match first.gs2_header.split(',').next().unwrap_or_default() {
        "n" if !variant.plus => {}
        "y" if !variant.plus && gate.end_point.is_none() => {}
        "y" => return ServerTurn::Refused(DOWNGRADED),
        flag if variant.plus && flag.strip_prefix("p=") == Some(BINDING_NAME) => {}
        flag if flag == "n" || flag.starts_with("p=") => return ServerTurn::Refused(NOT_BOUND),
        _ => return ServerTurn::Refused(MALFORMED),
    }
    let nonce = format!("{}{:032x}", first.nonce(), fastrand::u128(..));
    let server_first = ServerFirst { nonce, salt: fastrand::u128(..).to_be_bytes().to_vec(), iterations: ITERATIONS };
    let salt = STANDARD.encode(&server_first.salt);
    let challenge = format!("r={},s={salt},i={ITERATIONS}", server_first.nonce);
    let reply = encoded(&challenge);
    ServerTurn::Challenge(
        SaslServer::ScramFinal(Box::new(Final { hash: variant.hash, first, user, challenge, server_first })),
        reply,
    )
}

impl Final {
    /// Answers the client's proof with the server's signature, if it is right.
    pub(super) fn judge(&self, message: &[u8], gate: Gate<'_>) -> ServerTurn {
        let parts = str::from_utf8(message).ok().and_then(|message| message.rsplit_once(",p="));
        let Some((without_proof, proof)) = parts else { return ServerTurn::Refused(MALFORMED) };
        let Ok(proof) = STANDARD.decode(proof) else { return ServerTurn::Refused(MALFORMED) };
        let expected = self.first.final_without_proof(gate.end_point.unwrap_or_default(), &self.server_first.nonce);
        if without_proof != expected {
            return ServerTurn::Refused(NOT_BOUND);
        }
        let auth_message = auth_message(&self.first, &self.challenge, without_proof);
        let mut keys = gate
            .passwords_of(self.user.as_bytes())
            .map(|password| ScramKeys::derive(self.hash, password, &self.server_first));
        match keys.find(|keys| keys.proof(&auth_message) == proof) {
            Some(keys) => {
                let signature = STANDARD.encode(keys.server_signature(&auth_message));
                ServerTurn::Challenge(SaslServer::ScramEnd, encoded(&format!("v={signature}")))
            }
            None => ServerTurn::Verdict(false),
        }
    }
}
