//! Marks that the user gives, for a notation that can't be learned.
//!
//! Responsible for `--client` and `--server`: a line in which one of the patterns is found is that side's, and what follows
//! the match, or what its group `line` matched, is the line of SMTP.

use super::WantedSession;
use super::mistake;
use super::text::{LineRole, TextLine};
use crate::scenario::{Diagnostic, compile_pattern};
use std::borrow::Cow;

/// Puts the marks of `curl -v` in place of what the patterns match.
pub(super) fn mark(lines: &mut [TextLine<'_>], wanted: &WantedSession<'_>) -> Result<(), Diagnostic> {
    let (Some(client), Some(server)) = (wanted.client, wanted.server) else { return Ok(()) };
    let compiled = |option: &str, pattern: &str| {
        let help = "a pattern of what stands before each line of this side, such as `\\[out\\] `; the part after its match is the line";
        compile_pattern(pattern)
            .map_err(|_| mistake(format!("`{pattern}` is not a valid pattern for `{option}`")).help(help))
    };
    let sides = [(compiled("--client", client)?, '>'), (compiled("--server", server)?, '<')];
    for line in lines {
        let found = sides.iter().find_map(|(pattern, mark)| {
            let (end, inner) = pattern.place_of("line", line.text.as_bytes())?;
            let rest = match inner {
                Some(inner) => line.text.get(inner),
                None => line.text.get(end..),
            };
            Some(format!("{mark} {}", rest?))
        });
        match found {
            Some(text) => line.text = Cow::Owned(text),
            // No mark, and so of neither side.
            None if line.text.starts_with(['<', '>']) => line.role = LineRole::Noise,
            None => {}
        }
    }
    Ok(())
}
