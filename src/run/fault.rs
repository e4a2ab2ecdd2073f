//! What keeps a run from beginning: the machine, or more jobs than it has room for.

use std::fmt;
use std::io;

/// Why nothing is played.
#[derive(Debug)]
pub enum RunFault {
    /// The system gives no thread or no runtime.
    System(io::Error),
    /// The sandbox cannot be started.
    Sandbox(io::Error),
    /// The process may not open as many files as the jobs need.
    Descriptors {
        /// The jobs that were asked for.
        jobs: usize,
        /// How many open files they need.
        needed: u64,
        /// How many the system allows.
        allowed: u64,
        /// How many jobs there is room for.
        room: u64,
    },
}

impl fmt::Display for RunFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunFault::System(error) => write!(formatter, "the run could not be started: {error}"),
            RunFault::Sandbox(error) => write!(formatter, "the sandbox: {error}"),
            RunFault::Descriptors { jobs, needed, allowed, room } => write!(
                formatter,
                "`--jobs {jobs}` needs {needed} open files, but this process may have {allowed}: raise the limit \
                 (`ulimit -n {needed}`), or give at most `--jobs {}`",
                room.max(&1)
            ),
        }
    }
}

impl std::error::Error for RunFault {}
