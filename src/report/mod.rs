//! What the user reads: one file a format. Nothing is decided here.
//!
//! `collect` turns outcomes into the [`Report`], plain data that `json` writes as it is; every other format is made from
//! that. Only `human`, the screen, shows outcomes as they come, and `live` the lines of the shell.

pub mod audit;
mod cases;
pub mod catalogue;
pub mod collect;
pub mod explanation;
pub(crate) mod exposition;
pub mod finding;
pub mod format;
pub mod github;
pub(crate) use github::{data as annotation_data, property as annotation_property};
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod latency;
pub mod live;
pub mod load;
pub mod markdown;
pub mod merge;
pub mod model;
pub mod nagios;
pub mod probe;
pub mod prometheus;
#[cfg(test)]
pub(crate) mod samples;
pub mod tap;
pub mod values;
mod words;
pub(crate) use words::counted;

pub use format::Format;
pub use model::Report;
