//! Why a scenario cannot stand alone.

use crate::scenario::{MAX_YAML_SIZE, Misread};
use std::fmt;

/// What keeps a scenario from being given with a report, for a person. No secret stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotPortable {
    /// It would be too large.
    TooLarge,
    /// A secret stands where no name can stand for it.
    Secret(&'static str),
    /// A file of it, or the scenario itself, cannot be read or does not pass the checks.
    Unusable(String),
}

impl NotPortable {
    pub(super) fn unusable(reason: impl Into<String>) -> NotPortable {
        NotPortable::Unusable(reason.into())
    }
}

impl fmt::Display for NotPortable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotPortable::TooLarge => {
                write!(formatter, "with its files it would be larger than the {MAX_YAML_SIZE} bytes of a scenario")
            }
            NotPortable::Secret(where_it_stands) => write!(formatter, "a secret stands in {where_it_stands}"),
            NotPortable::Unusable(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for NotPortable {}

impl From<Misread> for NotPortable {
    fn from(misread: Misread) -> NotPortable {
        NotPortable::Unusable(misread.into())
    }
}
