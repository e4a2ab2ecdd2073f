//! The JSON report, written and read, and its JSON Schema.

use super::model::{Report, VERSION};
use std::io;

/// Writes the report, indented so that two of them can be compared line by line.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, output: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, report)?;
    output.write_all(b"\n")
}

/// Reads a report that [`write()`] wrote.
///
/// # Errors
/// A message for a person: it is no JSON, no report, or of another version.
pub fn read(text: &str) -> Result<Report, String> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let versioned: Versioned =
        serde_json::from_str(text).map_err(|error| format!("this is no report of smtp-script: {error}"))?;
    if versioned.version != VERSION {
        let version = versioned.version;
        return Err(format!("a report of version {version}: this program reads version {VERSION}"));
    }
    serde_json::from_str(text).map_err(|error| format!("this is no report of smtp-script: {error}"))
}

/// The JSON Schema of the report, as docs/report.schema.json has it.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Report);
    schema.insert("title".to_owned(), "A report of smtp-script".into());
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
