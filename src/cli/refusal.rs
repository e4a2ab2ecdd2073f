//! Why a command was not carried out as asked: the user's to mend, exit code 2.
//!
//! Responsible for how such a reason is shown, and for those of files that cannot be read or written, which every command
//! words alike.

use super::{USAGE, screen};
use crate::run::RunFault;
use crate::scenario::{Misread, reason};
use std::fmt;
use std::io::{self, Read as _};
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

/// The most octets of a list that an option names: of values, targets, secrets.
pub(super) const MOST_OF_A_LIST: u64 = 16 * 1024 * 1024;

/// The text of a file, unless it is larger than `most` octets: a device has no end, nor has a file with holes.
pub(super) fn text_of(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if read as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} octets")));
    }
    Ok(text)
}

/// The octets of a file that an option names.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(path).map_err(|error| Refusal::unreadable(path, &error))
}
