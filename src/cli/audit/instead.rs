//! What `audit` and `audit-client` do in place of an audit: list the checks, explain one, compare two audits.
//!
//! Responsible for the options; the answers stand in `catalogue` and `diff`.

use super::{ChoiceArguments, ResultArguments, catalogue, diff};
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::library::CheckLibrary;
use clap::ArgGroup;
use std::path::PathBuf;

/// The group of the arguments that name whom an audit is of.
pub(super) const SUBJECTS: &str = "subjects";

/// Options in place of an audit.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Instead of an audit")]
pub(super) struct InsteadArguments {
    /// List all checks: id, RFC, level, and what each is about
    #[arg(long, conflicts_with = SUBJECTS)]
    list: bool,
    /// Explain one check, and show its scenario
    #[arg(long, value_name = "ID", conflicts_with_all = [SUBJECTS, "list"])]
    explain: Option<String>,
    /// Say what changed between two audits, from the JSON reports that `--report json=FILE` wrote
    #[arg(long, num_args = 2, value_names = ["OLD.json", "NEW.json"], conflicts_with_all = [SUBJECTS, "list", "explain"])]
    diff: Vec<PathBuf>,
}

/// Those whom an audit is of, by any of the arguments that name some.
pub(super) fn subjects() -> ArgGroup {
    ArgGroup::new(SUBJECTS).multiple(true)
}

impl InsteadArguments {
    /// Answers what was asked, and gives the exit code; `None` where an audit is wanted.
    pub(super) fn answer(
        &self,
        library: CheckLibrary,
        choice: &ChoiceArguments,
        results: &ResultArguments,
    ) -> Result<Option<u8>, Refusal> {
        if let [old, new] = self.diff.as_slice() {
            return diff::diff(old, new, results.fail_on.0, &results.reports).map(Some);
        }
        if let Some(id) = &self.explain {
            return catalogue::explain(&catalogue::all(library)?, id, library).map(Some);
        }
        if self.list {
            screen::result(&catalogue::list(&choice.of(library)?, library));
            return Ok(Some(0));
        }
        Ok(None)
    }
}
