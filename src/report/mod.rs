//! What the user reads: one file a format, all derived from the outcome. Nothing is decided here.

pub mod human;
