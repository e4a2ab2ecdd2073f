//! What is wrong with a text that must be something: an address, a duration, a size, a file that may be read.
//!
//! Whoever knows where the text stands makes a diagnostic of it; on the command line it is shown as it is.

use std::fmt;

/// Why a text cannot be read as what it must be, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread(String);

impl Misread {
    pub(crate) fn new(message: impl Into<String>) -> Misread {
        Misread(message.into())
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Misread {}

impl From<Misread> for String {
    fn from(misread: Misread) -> String {
        misread.0
    }
}
