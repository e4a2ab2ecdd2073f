//! The words of the wire, pure: no I/O, and nothing of ours is imported here.

pub mod auth;
pub(crate) mod closing;
pub(crate) mod command;
pub(crate) mod dialogue;
pub mod enhanced_status;
pub mod explanation;
pub mod extension;
pub mod idiom;
pub mod mail_data;
pub(crate) mod message;
pub(crate) mod no_reply;
pub(crate) mod offer;
pub(crate) mod parameter;
pub mod ports;
pub mod provider;
pub mod question;
pub mod reply;
pub mod reply_code;
pub mod status;
pub(crate) mod stranger;
