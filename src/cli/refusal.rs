//! Why a command was not carried out as asked: the user's to mend, exit code 2.
//!
//! Responsible for how such a reason is shown, and for those of files that cannot be read or written, which every command
//! words alike.

use super::{USAGE, screen};
use crate::run::RunFault;
use crate::scenario::{Misread, reason};
use std::fmt;
use std::io;
use std::path::Path;

/// What kept a command from being carried out as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal(String);

impl Refusal {
    /// A file, or a folder, could not be read.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Refusal {
        Refusal(format!("cannot read `{}`: {}", path.display(), reason(error)))
    }

    /// A file could not be written.
    pub(super) fn unwritable(path: &Path, error: &io::Error) -> Refusal {
        Refusal(format!("cannot write `{}`: {}", path.display(), reason(error)))
    }

    /// Several of them as one, where there is any.
    pub(super) fn of_all(refusals: &[Refusal]) -> Result<(), Refusal> {
        if refusals.is_empty() {
            return Ok(());
        }
        let messages: Vec<&str> = refusals.iter().map(|refusal| refusal.0.as_str()).collect();
        Err(Refusal(messages.join("\nerror: ")))
    }

    /// Shows it on standard error, and gives the exit code.
    pub(super) fn show(&self) -> u8 {
        screen::notice(&format!("error: {self}"));
        USAGE
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Refusal {
        Refusal(message)
    }
}

impl From<Misread> for Refusal {
    fn from(misread: Misread) -> Refusal {
        Refusal(misread.into())
    }
}

impl From<RunFault> for Refusal {
    fn from(fault: RunFault) -> Refusal {
        Refusal(fault.to_string())
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Refusal {
        Refusal(message.to_owned())
    }
}

/// The octets of a file that an option names.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(path).map_err(|error| Refusal::unreadable(path, &error))
}
