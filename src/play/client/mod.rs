//! The client of a scenario: its steps one by one until one diverges, then `finally`.
//!
//! `player` is the loop, `steps` what each step does; a step works on its [`ground`](ground::StepAt).

mod attempts;
mod bdat;
mod certificate;
mod content;
mod disclosure;
pub(crate) mod endpoint;
mod expecting;
pub(crate) mod greeting;
mod ground;
mod guard;
mod login;
mod mail;
mod mechanism;
mod message;
mod opening;
mod pace;
mod pipeline;
pub(crate) mod player;
pub(crate) mod sessions;
mod steps;
mod veil;
mod way;

pub use disclosure::BoundSecrets;
pub(crate) use disclosure::{disclosures, hosts_of, places_of, secrets_by_host, unbound, with_placeholders};
pub(crate) use endpoint::{every_exchanger, file_root};
pub(crate) use message::media_type_of;
