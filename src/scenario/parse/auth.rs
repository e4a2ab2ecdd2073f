//! The action `auth`.

use super::super::{Action, Auth, Expectation, Expected};
use super::{Decoder, Node};

const AUTH_KEYS: [&str; 6] = ["mechanism", "username", "password", "token", "authzid", "initial_response"];

impl Decoder<'_> {
    pub(super) fn auth(&mut self, node: &Node) -> Option<Action> {
        let entries = self.entries(node, "`auth`", &[&AUTH_KEYS])?;
        let mut text = |key: &str| entries.entry(key).and_then(|entry| self.text_of(entry));
        let (mechanism, username, password) = (text("mechanism"), text("username"), text("password"));
        let (token, authzid) = (text("token"), text("authzid"));
        let initial_response = self.flag(&entries, "initial_response", true);
        Some(Action::Auth(Box::new(Auth { mechanism, username, password, token, authzid, initial_response })))
    }
}

/// Whether it compares the last reply of an exchange, and does not read by itself.
pub(super) fn compares_a_reply(expectation: &Expectation) -> bool {
    match &expectation.kind {
        Expected::Pattern(_) | Expected::Code(_) | Expected::Fields(_) => true,
        Expected::Any(list) | Expected::All(list) => list.iter().all(compares_a_reply),
        Expected::Line(_) | Expected::Raw(_) | Expected::Closed(_) | Expected::Silence(_) => false,
    }
}
