//! What all connections of one sandbox share: its name, its limits, whom it lets in, and the names of messages.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::auth::Login;
use crate::smtp::auth::Mechanism;

/// How long a silent client is waited for when nothing else is said (RFC 5321 4.5.3.2.7).
pub(crate) const IDLE: Duration = Duration::from_secs(300);
/// The SIZE that is announced when nothing else is said, in octets.
pub(crate) const DEFAULT_MAX_MESSAGE_SIZE: u64 = 256 * 1024 * 1024;

/// How the sandbox answers.
pub(crate) struct SandboxSettings {
    /// The name in the greeting and the EHLO reply.
    pub(crate) host_name: String,
    /// LMTP (RFC 2033) instead of SMTP.
    pub(crate) lmtp: bool,
    /// Octets of a message; 0 means no limit (RFC 1870).
    pub(crate) max_message_size: u64,
    /// The logins that AUTH takes.
    pub(crate) accept: Vec<Login>,
    /// The mechanisms that may be used; `None` stands for all that can be.
    pub(crate) mechanisms: Option<Vec<Mechanism>>,
    /// A client has to log in before MAIL (RFC 4954 6).
    pub(crate) require_auth: bool,
    /// A client has to start TLS before nearly everything (RFC 3207 4).
    pub(crate) require_tls: bool,
    /// STARTTLS is not offered, and not known.
    pub(crate) without_starttls: bool,
    /// The `tls-server-end-point` of the server's certificate (RFC 5929 4), once there is one.
    pub(crate) end_point: OnceLock<Vec<u8>>,
    /// Where the names of messages come from.
    pub(crate) queue_ids: QueueIds,
}

/// Names for messages, none of them twice: ten characters of `[0-9A-Z]`.
pub(crate) struct QueueIds(AtomicU64);

impl QueueIds {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const BITS: u32 = 50;

    /// Starts the series anywhere.
    pub(crate) fn starting_at(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }

    /// An odd factor makes a permutation of the 50-bit numbers: neighbours look different and none comes twice.
    pub(crate) fn next(&self) -> String {
        let number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let digit = |place: u32| {
            let [low_octet, ..] = (number >> (5 * place)).to_le_bytes();
            char::from(Self::ALPHABET[usize::from(low_octet & 31)])
        };
        (0..Self::BITS / 5).rev().map(digit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn queue_ids_are_ten_characters_and_unique() {
        let ids = QueueIds::starting_at(u64::MAX - 5_000);
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let id = ids.next();
            assert!(id.len() == 10 && id.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()), "{id}");
            assert!(seen.insert(id));
        }
    }
}
