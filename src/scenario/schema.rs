//! The JSON Schema of the scenario language, for editors: they complete keys, explain them and mark mistakes.
//!
//! Responsible for handing out `docs/scenario.schema.json`, in which the schema is written by hand. Not responsible for
//! checking scenarios: `parse` and `check` do that, and `tests/schema.rs` holds the schema against them. Called by
//! `smtp-script schema`.

/// The schema (JSON Schema, draft 2020-12).
///
/// It takes the scenarios that [`check`](crate::check()) takes, but for spellings that are hardly meant: `repeat: true`, a
/// secret named like `a-b`, a bare word as the list of `for_each`. What depends on names, files, or on what a pattern means
/// only `check` sees.
pub const SCHEMA: &str = include_str!("../../docs/scenario.schema.json");
