//! The JSON report, written and read, and its JSON Schema.

use super::model::{Report, VERSION};
use crate::visible::{acts_or_hides, commands_a_runner, inert, without_commands};
use std::io;

/// Writes the report, indented so that two of them can be compared line by line.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, output: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut Harmless(output), report)?;
    output.write_all(b"\n")
}

/// What is written may be printed in a job, whose runner obeys `##[error]` wherever it stands in a line. JSON can say the
/// sign in another way, and each text of it comes in pieces that no escape cuts.
struct Harmless<'o>(&'o mut dyn io::Write);

impl io::Write for Harmless<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(piece).ok().filter(|text| commands_a_runner(text)) {
            Some(text) => self.0.write_all(text.replace("##", "#\\u0023").as_bytes())?,
            None => self.0.write_all(piece)?,
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
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
    let report = serde_json::from_str::<serde_json::Value>(text).and_then(|mut report| {
        make_inert(&mut report, false);
        serde_json::from_value(report)
    });
    report.map_err(|error| format!("this is no report of smtp-script: {error}"))
}

/// A report may be somebody else's: no character of its texts acts on what shows it. YAML keeps the characters that only
/// cannot be seen and the words that only a runner obeys, or it would not be the same scenario.
fn make_inert(value: &mut serde_json::Value, is_yaml: bool) {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            let acts = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
            let acts_in_words = || text.contains(acts_or_hides) || without_commands(text) != *text;
            if text.contains(acts) || (!is_yaml && acts_in_words()) {
                *text = text.split('\t').map(inert).collect::<Vec<_>>().join("\t");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| make_inert(value, is_yaml)),
        Value::Object(fields) => {
            for (key, value) in fields {
                make_inert(value, key == "script" || key == "recording");
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
