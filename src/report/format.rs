//! The formats of a report by name, and the one door through which a report becomes any of them.
//!
//! Responsible for names and for who writes what; each format's own file writes it. Called by `cli`.

use super::audit::{self, MatrixForm};
use super::{Report, github, html, json, junit, markdown, nagios, prometheus, tap};
use crate::scenario::similar;
use std::fmt;
use std::io;
use std::str::FromStr;

/// What a report can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The report as it is: what every other format is made from.
    Json,
    /// One page that opens from disk.
    Html,
    /// JUnit's XML, for CI servers.
    Junit,
    /// TAP 14.
    Tap,
    /// For the textfile collector of Prometheus's node exporter.
    Prometheus,
    /// The status line of a plugin of Nagios and its relatives.
    Nagios,
    /// The summary of a job of GitHub Actions.
    Github,
    /// A table of everything: rows are scenarios or checks, columns cases or targets.
    Matrix(MatrixForm),
    /// One scenario as a ticket that a person reads and the program plays again.
    Markdown,
}

/// What a format leaves to choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// JUnit: one test case for a whole scenario instead of one for each step.
    pub junit_by_scenario: bool,
    /// Whether it goes to standard output, which a CI runner may search for commands.
    pub printed: bool,
}

/// Writes `report` as `format`.
///
/// # Errors
/// What the output says.
pub fn write(format: Format, report: &Report, options: &Options, output: &mut dyn io::Write) -> io::Result<()> {
    if let Some(changes) = &report.changes {
        return match format {
            Format::Json => json::write(report, output),
            Format::Matrix(MatrixForm::Csv) => output.write_all(audit::diff_csv(changes).as_bytes()),
            _ => output.write_all(audit::diff_markdown(changes).as_bytes()),
        };
    }
    let with_scenarios =
        report.audit.as_ref().filter(|_| format != Format::Json).map(|_| audit::with_scenarios(report));
    let report = with_scenarios.as_ref().unwrap_or(report);
    match format {
        Format::Matrix(form) => audit::write_matrix(report, form, output),
        Format::Json => json::write(report, output),
        Format::Html => html::write(report, output),
        Format::Junit => junit::write(report, options.junit_by_scenario, output),
        Format::Tap => tap::write(report, output),
        Format::Prometheus => prometheus::write(report, output),
        Format::Nagios => nagios::write(report, output),
        Format::Github => github::write(report, output),
        Format::Markdown => markdown::write(report, options.printed, output),
    }
}

impl Format {
    /// Every format, in the order they are listed to the user.
    pub const ALL: &[Format] = &[
        Format::Json,
        Format::Html,
        Format::Markdown,
        Format::Junit,
        Format::Tap,
        Format::Prometheus,
        Format::Nagios,
        Format::Github,
        Format::Matrix(MatrixForm::Markdown),
    ];

    /// Whether what changed between two audits can be written so.
    #[must_use]
    pub fn writes_changes(self) -> bool {
        matches!(self, Format::Json | Format::Markdown | Format::Matrix(MatrixForm::Csv))
    }

    /// The name that the user gives.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Html => "html",
            Format::Junit => "junit",
            Format::Tap => "tap",
            Format::Prometheus => "prometheus",
            Format::Nagios => "nagios",
            Format::Github => "github",
            Format::Markdown => "markdown",
            Format::Matrix(_) => "matrix",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Format, String> {
        let known = || Format::ALL.iter().map(|format| format.name());
        if let Some(format) = Format::ALL.iter().find(|format| format.name() == name) {
            return Ok(*format);
        }
        if name == "ticket" {
            return Ok(Format::Markdown);
        }
        let list: Vec<String> = known().map(|name| format!("`{name}`")).collect();
        let near = similar(name, known()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let name = crate::visible(name.as_bytes());
        Err(format!("expected one of {}, got `{name}`{near}", list.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(*format));
        }
        assert_eq!("ticket".parse(), Ok(Format::Markdown));
    }

    #[test]
    fn a_mistyped_name_is_answered_with_the_nearest() {
        let error = "jsno".parse::<Format>().unwrap_err();
        assert!(error.starts_with("expected one of `json`") && error.ends_with("did you mean `json`?"), "{error}");
        assert!(!"pdf\u{1b}".parse::<Format>().unwrap_err().contains('\u{1b}'));
    }
}
