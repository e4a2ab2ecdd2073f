//! What may be shown of secrets and credentials: the one door for all text that comes from outside.
//!
//! `masker` finds the secrets of a run in what others sent. Called by whatever keeps, shows or writes text: transcript,
//! recording, shell, the servers' log, reports and tickets.

mod escapes;
mod forms;
mod masker;
mod proof;
mod seeds;
mod stretch;
mod view;

pub(crate) use masker::Masker;
