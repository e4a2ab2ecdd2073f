//! What a server offered in its last EHLO reply, split into keywords only when somebody asks.

use crate::smtp::extension::Extensions;
use crate::smtp::reply::Reply;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// The extensions of a session; none before EHLO and after a TLS handshake (RFC 3207 section 4.2).
#[derive(Debug, Default)]
pub(crate) struct Offered {
    reply: Option<Arc<Reply>>,
    extensions: OnceLock<Extensions>,
}

impl Offered {
    pub(super) fn by(reply: Arc<Reply>) -> Offered {
        Offered { reply: Some(reply), extensions: OnceLock::new() }
    }

    /// Whether an EHLO was answered: a server may offer nothing.
    pub(crate) fn is_known(&self) -> bool {
        self.reply.is_some()
    }
}

impl Deref for Offered {
    type Target = Extensions;

    fn deref(&self) -> &Extensions {
        let parse = |reply: &Arc<Reply>| Extensions::parse(reply.texts());
        self.extensions.get_or_init(|| self.reply.as_ref().map(parse).unwrap_or_default())
    }
}
