//! The server of a scenario on one connection: its steps one by one until one diverges.
//!
//! `actor` is the loop, `steps` what each step does, `connection` what is known of the client. What comes after the steps
//! is `crate::host`'s business.

pub(crate) mod actor;
mod answering;
pub(crate) mod connection;
mod expecting;
mod handshake;
mod hearing;
pub(crate) mod message;
pub(crate) mod observing;
pub(crate) mod offer;
pub(crate) mod record;
pub(crate) mod reply;
pub(crate) mod scope;
pub(crate) mod script;
mod steps;
pub(crate) mod tally;
mod words;
