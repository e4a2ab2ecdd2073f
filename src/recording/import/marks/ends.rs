//! Sides that no arrow or word tells, but a part of the prefix: the address of who speaks, a name, a number of a socket.
//!
//! Responsible for finding that part, where the same marks stand before the lines of both sides: its values before
//! commands are others than those before replies.

use super::{LogSide, MarkStart, shape, start_of};
use crate::recording::import::wrap;
use std::collections::HashMap;

/// How many parts of a prefix are tried.
const MAX_COLUMNS: usize = 10;
/// How many different values the parts of both sides may have: more are times.
const MAX_VALUES: usize = 24;

/// A part of the prefix, by its number, and whose lines its values stand before.
pub(super) struct MarkEnds {
    column: usize,
    values: HashMap<String, LogSide>,
}

/// How often a value stands before lines of the client and of the server.
type ValueUse = HashMap<String, (usize, usize)>;

impl MarkEnds {
    /// The first part that tells the sides of all lines.
    pub(super) fn learn<'l>(lines: impl Iterator<Item = &'l str>) -> Option<MarkEnds> {
        let mut columns: Vec<ValueUse> = vec![ValueUse::new(); MAX_COLUMNS];
        for line in lines {
            let Some(MarkStart { at, side, .. }) = start_of(line) else { continue };
            let values = shape::columns(wrap::split_opener(&line[..at]).0);
            for (number, used) in columns.iter_mut().enumerate() {
                let Some(value) = values.get(number).filter(|_| used.len() <= MAX_VALUES) else { continue };
                let counts = used.entry((*value).to_owned()).or_default();
                *(if side == LogSide::Client { &mut counts.0 } else { &mut counts.1 }) += 1;
            }
        }
        let found = columns.into_iter().enumerate().find(|(_, used)| tells(used))?;
        let side = |(value, (client, server)): (String, (usize, usize))| {
            (value, if client > server { LogSide::Client } else { LogSide::Server })
        };
        Some(MarkEnds { column: found.0, values: found.1.into_iter().map(side).collect() })
    }

    /// Whose line it is that has this prefix.
    pub(super) fn side(&self, prefix: &str) -> Option<LogSide> {
        self.values.get(*shape::columns(prefix).get(self.column)?).copied()
    }
}

/// Whether each value stands before lines of one side, but for lines of a message that look like the other's, and values
/// come again.
fn tells(used: &ValueUse) -> bool {
    let is_told = used.values().all(|(client, server)| client.min(server) * 4 <= *client.max(server));
    let clients: usize = used.values().map(|(client, _)| client).sum();
    let servers: usize = used.values().map(|(_, server)| server).sum();
    is_told && used.len() <= MAX_VALUES && clients >= 2 && servers >= 2 && used.len() * 2 <= clients + servers
}
