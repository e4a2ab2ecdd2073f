//! The start page of the exporter: what can be probed, and the verdicts of the last probes.
//!
//! Responsible for its words and links only; it loads nothing and runs no script. Called by the exporter.

use super::{environment, policy, put, words};
use crate::report::model::ScenarioReport;
use crate::report::probe::Failure;
use crate::visible::inert;
use minijinja::context;
use minijinja::value::Value;
use std::io;

/// What stands on the page.
pub(crate) struct StartPage<'a> {
    pub(crate) scenarios: Vec<ScenarioRow>,
    /// The newest first.
    pub(crate) probes: Vec<ProbeRow<'a>>,
}

/// A scenario that can be probed.
pub(crate) struct ScenarioRow {
    pub(crate) name: String,
    /// What it says of itself; may be empty.
    pub(crate) title: String,
    pub(crate) file: String,
}

/// A probe that is over.
pub(crate) struct ProbeRow<'a> {
    pub(crate) number: u64,
    pub(crate) scenario: &'a str,
    pub(crate) target: &'a str,
    pub(crate) report: &'a ScenarioReport,
}

/// Writes the page.
pub(crate) fn write(page: &StartPage<'_>, output: &mut dyn io::Write) -> io::Result<()> {
    let style = super::STYLE.replace('\r', "");
    let scenarios: Vec<Value> = page.scenarios.iter().map(scenario).collect();
    let probes: Vec<Value> = page.probes.iter().map(probe).collect();
    let values = context! {
        // A form sends to the page's own host.
        policy => policy(&style, "").replace("form-action 'none'", "form-action 'self'"),
        style => Value::from_safe_string(style),
        version => env!("CARGO_PKG_VERSION"),
        scenarios,
        probes,
    };
    put(&environment()?, "start.html", &values, output)
}

fn scenario(row: &ScenarioRow) -> Value {
    context! { name => inert(&row.name), title => inert(&row.title), file => inert(&row.file) }
}

fn probe(row: &ProbeRow<'_>) -> Value {
    let report = row.report;
    context! {
        number => row.number,
        scenario => inert(row.scenario),
        target => inert(row.target),
        class => words::class(report.verdict),
        mark => words::mark(report.verdict),
        word => Failure::of(report).map_or("success", Failure::word),
        took => words::took(report.duration),
        // `2026-11-28 21:31:20`: the rest is in the report.
        started => inert(report.started.get(..19).unwrap_or_default()).replace('T', " "),
        headline => report.divergences.first().map(|one| inert(&one.diagnostic.message)),
    }
}
