//! Where a step stands: on which side, in `finally`, and its path through the groups.
//!
//! The one place where the text of a number is taken apart: `7`, `2.3`, `finally 1`, `server.2.1.3`.

use std::fmt;
use std::sync::Arc;

/// The number of a step, of a connection, or of a server as a whole. The top-level `connect` has an empty one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct StepNumber {
    text: Arc<str>,
    side: StepSide,
    finally: bool,
    /// Where the path begins in the text.
    path_at: usize,
}

/// Whose step it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum StepSide {
    /// The client's.
    #[default]
    Client,
    /// The server's, as a whole.
    Server,
    /// The server's on this connection, counted from 1.
    Connection(usize),
}

impl StepNumber {
    /// As it is written in reports and transcripts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, to be kept.
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whose step it is.
    #[must_use]
    pub fn side(&self) -> StepSide {
        self.side
    }

    /// Whether it stands in `finally`.
    #[must_use]
    pub fn is_finally(&self) -> bool {
        self.finally
    }

    /// `2.3`: its place among the steps of its side; empty of a connection as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[self.path_at..]
    }

    /// Whether `other` is a step of this group.
    #[must_use]
    pub fn holds(&self, other: &StepNumber) -> bool {
        let inner = other.text.strip_prefix(&*self.text).is_some_and(|rest| rest.starts_with('.'));
        inner && !self.path().is_empty()
    }
}

impl From<Arc<str>> for StepNumber {
    fn from(text: Arc<str>) -> StepNumber {
        let (side, path_at) = match text.strip_prefix("server") {
            Some("") => (StepSide::Server, text.len()),
            Some(rest) if rest.starts_with(" rule ") => (StepSide::Server, "server ".len()),
            Some(rest) => {
                let digits = rest.trim_start_matches('.').split('.').next().unwrap_or_default();
                let at = (text.len() - rest.len() + 1 + digits.len() + 1).min(text.len());
                digits.parse().map_or((StepSide::Client, 0), |number| (StepSide::Connection(number), at))
            }
            None => (StepSide::Client, 0),
        };
        let finally = text.starts_with("finally ");
        let path_at = if finally { "finally ".len() } else { path_at };
        StepNumber { text, side, finally, path_at }
    }
}

impl From<String> for StepNumber {
    fn from(text: String) -> StepNumber {
        Arc::<str>::from(text).into()
    }
}

impl From<&str> for StepNumber {
    fn from(text: &str) -> StepNumber {
        Arc::<str>::from(text).into()
    }
}

impl fmt::Display for StepNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_apart() {
        for (text, side, finally, path) in [
            ("", StepSide::Client, false, ""),
            ("7", StepSide::Client, false, "7"),
            ("2.3", StepSide::Client, false, "2.3"),
            ("finally 1.2", StepSide::Client, true, "1.2"),
            ("server", StepSide::Server, false, ""),
            ("server.2", StepSide::Connection(2), false, ""),
            ("server.12.1.3", StepSide::Connection(12), false, "1.3"),
        ] {
            let number = StepNumber::from(text);
            assert_eq!((number.side(), number.is_finally(), number.path()), (side, finally, path), "{text}");
            assert_eq!(number.to_string(), text);
        }
    }

    #[test]
    fn groups_hold_their_steps() {
        let holds = |group: &str, step: &str| StepNumber::from(group).holds(&step.into());
        assert!(holds("2", "2.1") && holds("2", "2.1.4") && holds("finally 1", "finally 1.2"));
        assert!(holds("server.1.2", "server.1.2.1"));
        assert!(!holds("2", "2") && !holds("2", "20.1") && !holds("", "1") && !holds("1", "finally 1.2"));
    }
}
