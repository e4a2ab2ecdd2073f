//! The client of a scenario: its steps one by one until one diverges, then `finally`.
//!
//! `player` is the loop, `steps` what each step does; a step works on its [`ground`](ground::StepAt).

mod attempts;
mod bdat;
mod certificate;
mod content;
pub(crate) mod endpoint;
mod expecting;
pub(crate) mod ground;
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

pub(crate) use endpoint::{every_exchanger, file_root, secrets_by_host};
pub(crate) use message::media_type_of;
