//! One scenario played: a client over its sessions, a server on each connection.
//!
//! Both sides own a [`stage`] and share what must mean the same: groups and iterations, the forms of `expect`,
//! time, and the words for what diverged. The loops are two: a client has sessions, replies that are owed, attempts and
//! pipelines; a connection has one peer and what the sandbox hears. `run` says when something is played, `host` lets
//! connections in.

mod applies;
pub(crate) mod client;
pub(crate) mod diagnose;
pub(crate) mod divergence;
mod door;
pub(crate) mod expect;
pub(crate) mod expected;
pub(crate) mod group;
pub(crate) mod outcome;
mod outside;
mod passed;
mod program;
pub(crate) mod props;
pub(crate) mod rewrite;
pub(crate) mod scope;
pub(crate) mod server;
mod settings;
pub(crate) mod stage;
pub(crate) mod step_number;
mod stop;

pub(crate) use divergence::what_came;
pub use divergence::{Cause, Divergence, Kind};
pub use outcome::{
    CertificateOutcome, ClaimOutcome, Handshake, Outcome, RunVerdict, SessionOutcome, StepOutcome, Verdict,
};
pub use outside::OutsideClient;
pub use passed::{PassedStep, PassedSteps};
pub use program::{ClientEnd, ClientExit, ClientProgram};
pub use rewrite::Rewrite;
pub use settings::{Settings, SharedSandbox};
pub use step_number::{StepNumber, StepSide};
pub use stop::Stop;
