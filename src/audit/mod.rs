//! The audit: which checks there are, which of them are about a target, and what an outcome says about it.
//!
//! A check is a scenario of `scenarios/audit/`, as anybody could have written it; its id is the file's name, its group the
//! folder. Nothing is played here: `cli::audit` plays checks by the schedule of `run`, and `report::audit` shows results.

mod catalogue;
mod client;
mod judge;
mod judge_client;
mod makes;
mod target;

pub(crate) use catalogue::{Check, CheckChoice, checks, client_probe, probe};
pub(crate) use client::{Expects, HOST, Habits, MESSAGE, RECIPIENT, SENDER, USER};
pub(crate) use judge::{CheckVerdict, ENDED_EARLY, Judged, in_words, judge, played_again_after};
pub(crate) use judge_client::{judge_client, told};
pub(crate) use makes::make_of;
/// Why a check is not played, or none of a client's can be, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotPlayed(pub(crate) String);

pub(crate) use target::{COLUMNS, Role, Target};
