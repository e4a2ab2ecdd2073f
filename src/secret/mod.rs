//! What may be shown of secrets and credentials: the one door for all text that comes from outside.
//!
//! `masker` finds the secrets of a run in what others sent; `auth` knows what a client's login carries.
//! Called by whatever keeps, shows or writes text: transcript, recording, shell, the servers' log, reports and tickets.

mod auth;
mod escapes;
mod forms;
mod masker;
mod proof;
mod said;
mod seeds;
mod stretch;
mod typed;
mod view;

pub(crate) use auth::{AuthWatch, Carried, RESPONSE, credentials, is_rememberable, shown};
pub(crate) use masker::Masker;
pub(crate) use typed::{is_in_clear, logins_in, typed, typed_in_text};
