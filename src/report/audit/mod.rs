//! The audit as its readers see it: data, the terminal, a matrix, what changed since another one.
//!
//! Nothing is decided here: verdicts come from `crate::audit`. `scenarios` makes scenarios of results, so that the formats
//! of test runners and monitors write them as they write a run.

mod diff;
mod human;
mod markdown;
mod matrix;
mod model;
mod prometheus;
mod scenarios;

pub use diff::{Change, Difference, differences, screen as diff_screen};
pub(super) use diff::{csv as diff_csv, markdown as diff_markdown};
pub(super) use human::grades;
pub use human::screen;
pub(super) use markdown::markdown;
pub use matrix::{MatrixForm, write as write_matrix};
pub use model::{Audit, AuditCheck, AuditTarget, AuditVerdict, CheckResult, Grade, LevelGrade};
pub(super) use prometheus::of_audit;
pub(super) use scenarios::with_scenarios;
