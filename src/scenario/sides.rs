//! Which side of a conversation may have which key in a step.
//!
//! Responsible for one table, which `parse` reads: the keys of a step, who may write them, and what they belong to.

/// The side that a step is played by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What a key of a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What the step does: one of these.
    Action,
    /// What is read, and what is answered to it.
    Dialogue,
    /// How the step is played.
    Modifier,
    /// How a group is played.
    Group,
}

/// Which steps of a side may have a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    Never,
    Any,
    /// Those that have one of these keys; otherwise this helps.
    Beside(&'static [&'static str], Option<&'static str>),
}

/// A key of a step.
pub(super) struct StepKey {
    pub(super) key: &'static str,
    pub(super) role: Role,
    client: Use,
    server: Use,
}

use Role::{Action, Dialogue, Group, Modifier};
use Use::{Any, Beside, Never};

const GROUPS: Use = Beside(&["steps", "include"], Some("put the steps it is for under `steps:`"));

/// Every key that a step may have, of either side.
const STEP_KEYS: [StepKey; 35] = [
    row("send", Action, Any, Never),
    row("raw", Action, Any, Any),
    row("data", Action, Any, Never),
    row("message", Action, Any, Never),
    row("bdat", Action, Any, Never),
    row("starttls", Action, Any, Any),
    row("tls", Action, Any, Any),
    row("auth", Action, Any, Never),
    row("assert", Action, Any, Any),
    row("set", Action, Any, Any),
    row("sleep", Action, Any, Any),
    row("skip", Action, Any, Any),
    row("connect", Action, Any, Never),
    row("close", Action, Any, Any),
    row("steps", Action, Any, Any),
    row("include", Action, Any, Any),
    row("expect", Dialogue, Any, Any),
    row("observe", Dialogue, Any, Any),
    row("receive", Dialogue, Never, Any),
    row("delay", Dialogue, Never, Beside(&["reply", "raw"], Some("to wait otherwise, write `- sleep: 1s`"))),
    row("reply", Dialogue, Never, Any),
    row("name", Modifier, Any, Any),
    row("when", Modifier, Any, Any),
    row("session", Modifier, Any, Never),
    row("timeout", Modifier, Any, Any),
    row("on_divergence", Modifier, Any, Any),
    row(
        "fails",
        Modifier,
        Beside(&["connect", "starttls", "tls"], Some("to expect a refusal, write `expect: 5xx`")),
        Beside(&["starttls", "tls"], Some("a command is expected with `expect`")),
    ),
    row(
        "warn",
        Modifier,
        Beside(&["assert"], Some("write `assert: CONDITION` beside it; `warn` is the condition that warns")),
        Beside(&["assert"], Some("write `assert: CONDITION` beside it; `warn` is the condition that warns")),
    ),
    row(
        "pace",
        Modifier,
        Beside(&["send", "raw", "data", "message", "bdat"], None),
        Beside(&["reply", "raw"], Some("put it beside what is sent")),
    ),
    row("repeat", Group, GROUPS, GROUPS),
    row("for_each", Group, GROUPS, GROUPS),
    row("retry", Group, GROUPS, Never),
    row("pipeline", Group, GROUPS, Never),
    row("vars", Group, GROUPS, GROUPS),
    row("requires", Group, GROUPS, GROUPS),
];

const fn row(key: &'static str, role: Role, client: Use, server: Use) -> StepKey {
    StepKey { key, role, client, server }
}

/// What a key of a step is for.
pub(super) fn role_of(key: &str) -> Option<Role> {
    STEP_KEYS.iter().find(|row| row.key == key).map(|row| row.role)
}

impl StepKey {
    /// Which steps of a side may have it.
    pub(super) fn of(&self, side: Side) -> Use {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }
}

impl Side {
    /// How its steps are called in messages.
    pub(super) fn step(self) -> &'static str {
        match self {
            Side::Client => "a step",
            Side::Server => "a server's step",
        }
    }

    /// The keys that its steps may have.
    pub(super) fn step_keys(self) -> impl Iterator<Item = &'static StepKey> {
        STEP_KEYS.iter().filter(move |key| !matches!(key.of(self), Never))
    }

    /// The names of the keys with one of these roles, in the order of the roles.
    pub(super) fn keys(self, roles: &[Role]) -> Vec<&'static str> {
        let of_role = |role: &Role| {
            let role = *role;
            self.step_keys().filter(move |key| key.role == role).map(|key| key.key)
        };
        roles.iter().flat_map(of_role).collect()
    }

    /// All of them, beginning with what its steps are mostly made of.
    pub(super) fn all_keys(self) -> Vec<&'static str> {
        match self {
            Side::Client => self.keys(&[Action, Dialogue, Modifier, Group]),
            Side::Server => self.keys(&[Dialogue, Action, Modifier, Group]),
        }
    }
}
