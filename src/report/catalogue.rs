//! The built-in scenarios, as a person reads them and as a machine does.
//!
//! Responsible for layout only. Which scenarios are shown is decided by the caller.

use super::human::Styled;
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The version of the JSON form. It rises when a member changes its meaning or goes.
const JSON_VERSION: u32 = 1;

const HEADING: Style = Style::new().bold();
const NAME: Style = AnsiColor::Cyan.on_default();

/// What is shown about a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name: the path below `scenarios/`, without `.yaml`.
    pub name: &'static str,
    /// What it shows, in one line.
    pub title: String,
    /// More about it.
    pub description: String,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// Where it connects to, as written.
    pub hosts: Vec<String>,
    /// Its variables, as `NAME=DEFAULT`.
    pub variables: Vec<String>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
}

/// One line for each. Ends with a line feed.
#[must_use]
pub fn overview(entries: &[Listed], styled: Styled) -> String {
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut screen = String::new();
    for entry in entries {
        let name = styled.paint(NAME, &format!("{:width$}", entry.name));
        _ = writeln!(screen, "{name}  {}", entry.title);
    }
    screen
}

/// Everything about each. Ends with a line feed.
#[must_use]
pub fn details(entries: &[Listed], styled: Styled) -> String {
    let one = |entry: &Listed| {
        let mut screen = format!("{}  {}\n", styled.paint(NAME, entry.name), styled.paint(HEADING, &entry.title));
        if !entry.description.is_empty() {
            _ = writeln!(screen, "  {}", entry.description.trim_end().replace('\n', "\n  "));
        }
        for (what, list) in [
            ("tags", &entry.tags),
            ("connects to", &entry.hosts),
            ("variables", &entry.variables),
            ("secrets", &entry.secrets),
        ] {
            let shown = if list.is_empty() { "none".to_owned() } else { list.join(", ") };
            _ = writeln!(screen, "  {what}: {shown}");
        }
        screen
    };
    entries.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// All of them for a machine. Ends with a line feed.
#[must_use]
pub fn json(entries: &[Listed]) -> String {
    let one = |entry: &Listed| {
        let Listed { name, title, description, tags, hosts, variables, secrets } = entry;
        let variables: serde_json::Map<String, Value> = variables
            .iter()
            .filter_map(|it| it.split_once('='))
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        json!({
            "name": name, "title": title, "description": description, "tags": tags, "hosts": hosts,
            "variables": variables, "secrets": secrets,
        })
    };
    let all: Vec<Value> = entries.iter().map(one).collect();
    let whole = json!({"version": JSON_VERSION, "scenarios": all});
    format!("{whole:#}\n")
}
