//! The wire's words, pure: no I/O, and nothing of ours is imported here.

pub mod auth;
pub mod extension;
pub mod mail_data;
pub mod provider;
pub mod reply;
pub mod status;
