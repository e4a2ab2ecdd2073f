//! The JSON Schema of the scenario language, for editors: they complete keys, explain them and mark mistakes.
//!
//! Responsible for handing out `docs/scenario.schema.json`, in which the schema is written by hand. Not responsible for
//! checking scenarios: `parse` and `check` do that, and `tests/schema.rs` holds the schema against them. Called by
//! `smtp-script schema`.

/// The schema (JSON Schema, draft 2020-12).
///
/// It refuses nothing that [`check`](crate::check()) takes, so that an editor never marks what is right. What depends on
/// names, files, or on what a pattern means only `check` sees.
pub const SCHEMA: &str = include_str!("../../docs/scenario.schema.json");
