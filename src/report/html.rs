//! The report as one HTML page that opens from disk, needs no network, and says the essentials without JavaScript.
//!
//! Responsible for the order of the page and for what may act in it: a Content-Security-Policy lets in nothing but the
//! page's own style and script, by their hashes, and every text passes an escape. The templates of `html/` are written one
//! after the other, so that a report of any size is never held twice. `details` makes the data that the script builds a
//! scenario's inside from once it is opened, `figures` what is shown of a run under load.

mod advice;
mod details;
mod figures;
pub(crate) mod start;
mod summary;
mod timeline;
mod words;

use super::model::{Report, ScenarioReport};
use crate::visible::inert;
use advice::PageDiagnostic;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::io;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// The parts of the page in the order they are written; `scenario.html` comes once for each. `start.html` is a page of its own.
const TEMPLATES: [(&str, &str); 6] = [
    ("head.html", include_str!("html/head.html")),
    ("load.html", include_str!("html/load.html")),
    ("list.html", include_str!("html/list.html")),
    ("scenario.html", include_str!("html/scenario.html")),
    ("foot.html", include_str!("html/foot.html")),
    ("start.html", include_str!("html/start.html")),
];

/// Where no more than this many scenarios did not follow their script, they stand open from the start.
const OPEN_AT_MOST: usize = 5;

/// The list is split into lists of this many scenarios: a browser lays out only those that are in sight.
const CHUNK: usize = 100;
const NEXT_CHUNK: &str = "</ol>\n<ol>\n";

/// Writes the page.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, output: &mut dyn io::Write) -> io::Result<()> {
    let templates = environment()?;
    let (style, script) = (STYLE.replace('\r', ""), SCRIPT.replace('\r', ""));
    let policy = policy(&style, &script);
    let (style, script) = (Value::from_safe_string(style), Value::from_safe_string(script));
    let head = Value::from(Serde(summary::head(report)));
    put(&templates, "head.html", &context! { head, policy, style }, output)?;
    if let Some(load) = &report.load {
        put(&templates, "load.html", &context! { load => Value::from(Serde(figures::figures(load))) }, output)?;
    }
    let failed = report.scenarios.iter().filter(|scenario| scenario.verdict.is_failure()).count();
    put(&templates, "list.html", &list(report), output)?;
    let mut anchors = Anchors::default();
    let rows = report.scenarios.iter().enumerate().map(|(order, scenario)| (order, anchors.of(&scenario.id), scenario));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|(_, _, scenario)| words::rank(scenario.verdict));
    for (index, (order, anchor, scenario)) in rows.into_iter().enumerate() {
        if index > 0 && index % CHUNK == 0 {
            output.write_all(NEXT_CHUNK.as_bytes())?;
        }
        let tells = !scenario.divergences.is_empty() || !scenario.errors.is_empty();
        let open = failed <= OPEN_AT_MOST && tells;
        put(&templates, "scenario.html", &row(scenario, order, &anchor, open)?, output)?;
    }
    put(&templates, "foot.html", &context! { version => inert(&report.program.version), script }, output)
}

fn list(report: &Report) -> Value {
    let chips: Vec<Value> = summary::parts(report).into_iter().map(|part| Value::from(Serde(part))).collect();
    context! { chips, count => words::count(length_of(report.scenarios.len())), examples => report.load.is_some() }
}

fn environment() -> io::Result<Environment<'static>> {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.map_err(io::Error::other)?);
    for (name, source) in TEMPLATES {
        templates.add_template(name, source).map_err(io::Error::other)?;
    }
    Ok(templates)
}

fn put(templates: &Environment<'_>, name: &str, context: &Value, output: &mut dyn io::Write) -> io::Result<()> {
    let template = templates.get_template(name).map_err(io::Error::other)?;
    // Rendered first: what the output refuses is then reported in its own words.
    let text = template.render(context).map_err(io::Error::other)?;
    output.write_all(text.as_bytes())
}

/// What may act in the page: its own style and script, and a picture that is part of it.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let (style, script) = (hash(style), hash(script));
    format!(
        "default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; form-action 'none'"
    )
}

/// What stands in the page of one scenario before it is opened, and the data for what is built then.
fn row(scenario: &ScenarioReport, order: usize, anchor: &str, open: bool) -> io::Result<Value> {
    let headline = scenario.divergences.first().map(|one| &one.diagnostic).or(scenario.errors.first());
    let attempts = scenario.attempts.iter().enumerate().map(|(index, attempt)| {
        context! { number => index + 1, message => inert(&attempt.message), took => words::took(attempt.duration) }
    });
    let told = PageDiagnostic::all(scenario).into_iter().map(|one| Value::from(Serde(one)));
    Ok(context! {
        anchor, order, open,
        class => words::class(scenario.verdict),
        mark => words::mark(scenario.verdict),
        word => words::word(scenario.verdict),
        name => inert(&scenario.name),
        path => inert(&scenario.path),
        tags => scenario.tags.iter().map(|tag| inert(tag)).collect::<Vec<_>>(),
        seconds => scenario.duration,
        took => (scenario.duration > 0.0).then(|| words::took(scenario.duration)),
        headline => headline.map(|diagnostic| inert(&diagnostic.message)),
        attempts => attempts.collect::<Vec<_>>(),
        told => told.collect::<Vec<_>>(),
        notices => scenario.notices.iter().map(|notice| inert(notice)).collect::<Vec<_>>(),
        data => Value::from_safe_string(details::json(scenario)?),
    })
}

fn length_of(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Names for the places of the page, each given once.
#[derive(Default)]
struct Anchors(HashSet<String>);

impl Anchors {
    /// A name that can stand after `#` as it is, the same for the same report.
    fn of(&mut self, id: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._/-".contains(c) { c } else { '-' };
        let name: String = id.chars().map(plain).collect();
        let mut anchor = format!("scenario:{name}");
        let mut turn = 2;
        while !self.0.insert(anchor.clone()) {
            anchor = format!("scenario:{name}:{turn}");
            turn += 1;
        }
        anchor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_told_apart() {
        let mut anchors = Anchors::default();
        let given = ["a b.yaml", "a\"b.yaml", "a-b.yaml"].map(|id| anchors.of(id));
        assert_eq!(given, ["scenario:a-b.yaml", "scenario:a-b.yaml:2", "scenario:a-b.yaml:3"]);
    }

    #[test]
    fn nothing_ends_style_or_script_early() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }
}
