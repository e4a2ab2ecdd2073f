//! A signal before the first connection: while scenarios are read and checked, and secrets are asked for.
//!
//! Once something is played, `run::play_all` hears signals itself and ends with what there is.

use crate::cli::report_files::ReportFiles;
use crate::cli::{INTERRUPTED, screen};
use crate::report::Report;
use crate::run::on_signal;
use std::sync::{Arc, Mutex, PoisonError};

/// The files of the reports, until something is played.
#[derive(Clone)]
pub(super) struct EarlyEnd {
    files: Arc<Mutex<Option<ReportFiles>>>,
}

impl EarlyEnd {
    /// Nothing is played yet, and a signal ends the process at once.
    pub(super) fn of(files: ReportFiles) -> EarlyEnd {
        EarlyEnd { files: Arc::new(Mutex::new(Some(files))) }
    }

    /// From now on a signal ends the program in a report that nothing was played.
    pub(super) fn watch(&self) {
        let watched = self.clone();
        on_signal(move || {
            if let Some(files) = watched.over() {
                end(files);
            }
        });
    }

    /// The time of it is over; the first to ask gets the files.
    pub(super) fn over(&self) -> Option<ReportFiles> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for the end that a signal has begun.
    pub(super) fn wait() -> ! {
        loop {
            std::thread::park();
        }
    }
}

fn end(files: ReportFiles) {
    screen::restore_echo();
    let message = "interrupted before anything was played";
    screen::notice(&format!("error: {message}"));
    let errors = vec![message.to_owned()];
    let report = Report { interrupted: true, exit_code: INTERRUPTED, errors, ..Report::begin() };
    if let Err(message) = files.write(&report) {
        screen::notice(&format!("error: {message}"));
    }
    std::process::exit(INTERRUPTED.into());
}
