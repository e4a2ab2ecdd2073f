//! `smtp-script schema`: the JSON Schema of the scenario language.

use super::screen;
use crate::scenario::SCHEMA;

/// Prints the schema; 0.
pub(super) fn schema() -> u8 {
    screen::result(SCHEMA);
    0
}
