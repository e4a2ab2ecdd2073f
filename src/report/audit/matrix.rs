//! A matrix of what came of everything: rows are checks or scenarios, columns are targets or cases.
//!
//! Responsible for Markdown, CSV and one page of HTML. A cell of the CSV is `pass`, `fail 250`, `n/a` or `blocked` and
//! nothing else, so that a spreadsheet and `diff` can read it.

use super::model::{Audit, AuditTarget, AuditVerdict};
use crate::report::Report;
use crate::report::model::{Level, ScenarioReport, Verdict};
use crate::report::words;
use crate::run::what_came;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// The forms of a matrix, by the extension of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatrixForm {
    /// A table for people.
    Markdown,
    /// RFC 4180.
    Csv,
    /// A page that opens from disk.
    Html,
}

impl MatrixForm {
    /// By the extension of the file.
    #[must_use]
    pub fn of(path: &Path) -> Option<MatrixForm> {
        match path.extension()?.to_str()? {
            "md" => Some(MatrixForm::Markdown),
            "csv" => Some(MatrixForm::Csv),
            "html" | "htm" => Some(MatrixForm::Html),
            _ => None,
        }
    }
}

/// What one check came to for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    verdict: AuditVerdict,
    got: String,
    /// All that there is to say about it.
    told: String,
}

#[derive(Debug, Default)]
struct Row {
    check: String,
    name: String,
    rfc: String,
    level: String,
    cells: BTreeMap<String, Cell>,
}

#[derive(Debug, Default)]
struct Matrix {
    columns: Vec<String>,
    rows: Vec<Row>,
    /// For each column what is said below the table.
    notes: Vec<String>,
}

/// Writes the matrix of a report.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, form: MatrixForm, output: &mut dyn io::Write) -> io::Result<()> {
    let matrix = match &report.audit {
        Some(audit) => Matrix::of_audit(audit),
        None => Matrix::of_scenarios(&report.scenarios),
    };
    let text = match form {
        MatrixForm::Csv => matrix.csv(),
        MatrixForm::Markdown => matrix.markdown(),
        MatrixForm::Html => matrix.html(),
    };
    output.write_all(text.as_bytes())
}

impl Matrix {
    fn of_audit(audit: &Audit) -> Matrix {
        let rows = audit.checks.iter().map(|check| Row {
            check: check.id.clone(),
            name: check.name.clone(),
            rfc: check.rfc.join(", "),
            level: words::level(check.level).to_uppercase(),
            cells: check
                .results
                .iter()
                .map(|(target, result)| {
                    let parts = [
                        ("sent", result.sent.as_str()),
                        ("came", &result.came),
                        ("wanted", &result.wanted),
                        ("reason", result.reason.as_deref().unwrap_or_default()),
                        ("why", check.why.as_deref().unwrap_or_default()),
                    ];
                    let mut told: Vec<String> = parts
                        .iter()
                        .filter(|(_, text)| !text.is_empty())
                        .map(|(key, text)| format!("{key}: {text}"))
                        .collect();
                    if result.verdict == AuditVerdict::Fail {
                        told.extend(check.mend.iter().map(|(make, what)| format!("mend ({make}): {what}")));
                    }
                    let got = result.got.clone().unwrap_or_default();
                    (target.clone(), Cell { verdict: result.verdict, got, told: told.join("\n") })
                })
                .collect(),
        });
        Matrix {
            columns: audit.targets.iter().map(|target| target.name.clone()).collect(),
            rows: rows.collect(),
            notes: audit.targets.iter().map(note).collect(),
        }
    }

    /// Scenarios are rows; what stands after a scenario's file in its id, its case, is the column.
    fn of_scenarios(scenarios: &[ScenarioReport]) -> Matrix {
        let mut matrix = Matrix::default();
        for scenario in scenarios {
            let file = scenario.path.trim_start_matches("./");
            let label = scenario.id.strip_prefix(file).unwrap_or(&scenario.id).trim();
            let column = label.trim_start_matches("[case ").trim_start_matches('[').trim_end_matches(']');
            let column = if column.is_empty() { "result" } else { column }.to_owned();
            if !matrix.columns.contains(&column) {
                matrix.columns.push(column.clone());
            }
            let place = matrix.rows.iter().position(|row| row.check == file).unwrap_or_else(|| {
                let level = scenario.level.map(|level| words::level(level).to_uppercase()).unwrap_or_default();
                let (check, name, rfc) = (file.to_owned(), String::new(), scenario.rfc.join(", "));
                matrix.rows.push(Row { check, name, rfc, level, cells: BTreeMap::new() });
                matrix.rows.len() - 1
            });
            matrix.rows[place].cells.insert(column, Cell::of(scenario));
        }
        matrix
    }

    fn csv(&self) -> String {
        let mut text = format!(
            "check,rfc,level,{}\r\n",
            self.columns.iter().map(|name| field(name)).collect::<Vec<_>>().join(",")
        );
        for row in &self.rows {
            let cells = self.columns.iter().map(|column| row.cells.get(column).map(Cell::word).unwrap_or_default());
            let start = [row.check.clone(), row.rfc.clone(), row.level.to_lowercase()];
            let all: Vec<String> = start.into_iter().chain(cells).map(|cell| field(&cell)).collect();
            text.push_str(&all.join(","));
            text.push_str("\r\n");
        }
        text
    }

    fn markdown(&self) -> String {
        let head: Vec<String> = self.columns.iter().map(|name| plain(name)).collect();
        let mut text =
            format!("| check | RFC | level | {} |\n|---|---|---|{}\n", head.join(" | "), ":-:|".repeat(head.len()));
        for row in &self.rows {
            let cells: Vec<String> =
                self.columns.iter().map(|column| row.cells.get(column).map(Cell::mark).unwrap_or_default()).collect();
            let (check, rfc) = (plain(&row.check), plain(&row.rfc));
            _ = writeln!(text, "| {check} | {rfc} | {} | {} |", row.level, cells.join(" | "));
        }
        text.push_str("\n✓ passed, ✗ failed with what came, – does not apply, ? it was not brought to it\n");
        if !self.notes.is_empty() {
            text.push('\n');
            self.notes.iter().for_each(|note| _ = writeln!(text, "- {}", plain(note)));
        }
        text
    }

    fn html(&self) -> String {
        let mut body = String::new();
        let head =
            self.columns.iter().map(|name| format!("<th scope=col>{}</th>", html(name))).collect::<Vec<_>>().concat();
        for row in &self.rows {
            let cells: String = self
                .columns
                .iter()
                .map(|column| row.cells.get(column).map_or_else(|| "<td></td>".to_owned(), Cell::html))
                .collect();
            _ = writeln!(
                body,
                "<tr data-level=\"{level}\" data-rfc=\"{rfc}\"><th scope=row title=\"{name}\">{check}</th><td>{rfc}</td><td>{level}</td>{cells}</tr>",
                level = html(&row.level),
                rfc = html(&row.rfc),
                name = html(&row.name),
                check = html(&row.check),
            );
        }
        let notes = self.notes.iter().map(|note| format!("<li>{}</li>", html(note))).collect::<Vec<_>>().concat();
        PAGE.replace("@HEAD@", &head).replace("@NOTES@", &notes).replace("@ROWS@", &body)
    }
}

/// The page around the table.
const PAGE: &str = include_str!("matrix.html");

impl Cell {
    fn of(scenario: &ScenarioReport) -> Cell {
        let verdict = match scenario.verdict {
            Verdict::Followed | Verdict::Flaky => AuditVerdict::Pass,
            Verdict::Diverged | Verdict::Warned => AuditVerdict::Fail,
            Verdict::NotApplicable => AuditVerdict::NotApplicable,
            Verdict::Unreachable | Verdict::Broken | Verdict::Interrupted | Verdict::NotPlayed => AuditVerdict::Blocked,
        };
        let first = scenario.divergences.first();
        let got = first.map(|one| what_came(one.reply_code, &one.kind));
        let told = first.map(|one| one.diagnostic.message.clone()).or_else(|| scenario.reason.clone());
        Cell { verdict, got: got.unwrap_or_default(), told: told.unwrap_or_default() }
    }

    fn word(&self) -> String {
        match self.verdict {
            AuditVerdict::Fail => format!("fail {}", self.got).trim().to_owned(),
            other => other.word().to_owned(),
        }
    }

    fn mark(&self) -> String {
        match self.verdict {
            AuditVerdict::Pass => "✓".to_owned(),
            AuditVerdict::Fail => format!("✗ {}", self.got).trim().to_owned(),
            AuditVerdict::NotApplicable => "–".to_owned(),
            AuditVerdict::Blocked => "?".to_owned(),
        }
    }

    fn html(&self) -> String {
        let class = match self.verdict {
            AuditVerdict::Pass => "pass",
            AuditVerdict::Fail => "fail",
            AuditVerdict::NotApplicable => "na",
            AuditVerdict::Blocked => "blocked",
        };
        let mark = html(&self.mark());
        if self.told.is_empty() {
            return format!("<td class={class}>{mark}</td>");
        }
        format!("<td class={class}><details><summary>{mark}</summary><pre>{}</pre></details></td>", html(&self.told))
    }
}

fn note(target: &AuditTarget) -> String {
    let figures = [(Level::Must, "MUST"), (Level::Should, "SHOULD"), (Level::May, "MAY")].map(|(level, word)| {
        let figures = target.grade.of(level);
        format!("{word} {}/{}", figures.passed, figures.applicable)
    });
    let make = target.make.as_ref().map(|make| format!(", looks like {make}")).unwrap_or_default();
    let (skipped, blocked) = (target.not_applicable, target.blocked);
    let role = &target.role;
    let what = if target.is_client() { role.clone() } else { format!("{}:{}, {role}{make}", target.host, target.port) };
    format!("{} ({what}): {}, n/a {skipped}, blocked {blocked}", target.name, figures.join(", "))
}

/// A field of RFC 4180. What a spreadsheet would take for a formula is quoted as text.
pub(super) fn field(text: &str) -> String {
    let text = words::line(text);
    let text = if text.trim_start().starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A cell of a table in Markdown, in which nothing becomes a picture, a mention, or a link that hides where it leads.
pub(super) fn plain(text: &str) -> String {
    let text = words::line(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('`', "\\`");
    text.replace('[', "\\[").replace('@', "&#64;")
}

fn html(text: &str) -> String {
    let text: Vec<String> = words::lines(text);
    text.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
