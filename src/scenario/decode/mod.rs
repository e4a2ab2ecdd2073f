//! Turns a YAML tree into a [`Scenario`], collecting every mistake on the way.
//!
//! Responsible for the shape of the file: which keys a mapping may have, of which type, and which stand together. What
//! depends on names, files or patterns is checked in `check`. Nothing stops at the first error.

use super::source::{Diagnostic, Sources, Span};
use super::step::{Action, Head, Step};
use super::yaml::{Node, Value};
use super::{Data, Named, Scenario, Var, yaml};
use advice::as_mapping;
use decoder::{Decoder, KeyValue};
use std::sync::{Arc, OnceLock};

mod actions;
mod advice;
mod cases;
mod claim;
mod connection;
mod content;
mod decoder;
pub(super) mod defaults;
mod entries;
mod expect;
mod forms;
mod group;
mod include;
mod message;
mod reply;
mod rules;
mod server;
mod steps;
mod tls;

pub(super) const TOP_KEYS: [&str; 17] = [
    "name",
    "description",
    "tags",
    "level",
    "rfc",
    "why",
    "mend",
    "requires",
    "vars",
    "secrets",
    "cases",
    "cases_from",
    "server",
    "connect",
    "timeout",
    "steps",
    "finally",
];

/// Reads one scenario from the first file of `sources`; a second one has the defaults of its folder.
///
/// Even with errors the parts that could be read come back, so that further checks find further mistakes.
pub(crate) fn parse(sources: Sources, includes: &Includes<'_>) -> (Option<Scenario>, Vec<Diagnostic>, Sources) {
    let text = sources.file(0).map_or("", |source| source.text.as_str());
    let whole = Span::default().with_range(0, text.find('\n').unwrap_or(text.len()));
    if text.trim().is_empty() {
        let empty = Diagnostic::error(whole, "this file is empty").help("a scenario needs `steps:`");
        return (None, vec![empty], sources);
    }
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_blank) {
        let empty = Diagnostic::error(whole, "this file holds comments only").help("a scenario needs `steps:`");
        return (None, vec![empty], sources);
    }
    let mut root = match yaml::read(text, 0) {
        Ok(root) => root,
        Err(error) => return (None, vec![error], sources),
    };
    let has_defaults = sources.included().next().is_some();
    let mut decoder = Decoder::new(sources, includes);
    if has_defaults && let Err(error) = defaults::merge(&mut decoder, &mut root) {
        return (None, vec![error], decoder.end().1);
    }
    let mut scenario = scenario(&mut decoder, &root);
    if let Some(scenario) = scenario.as_mut().filter(|_| has_defaults) {
        scenario.has_defaults = true;
        defaults::keep_what_is_read(scenario);
    }
    let (mut errors, sources) = decoder.end();
    forms::advise(&root, &mut errors);
    (scenario, errors, sources)
}

/// Reads a file that a scenario includes, by its name as written: its path for messages, and its text.
pub(crate) type Includes<'a> = dyn Fn(&str) -> Result<(String, String), String> + 'a;

fn scenario(decoder: &mut Decoder<'_>, root: &Node) -> Option<Scenario> {
    let entries = decoder.entries(root, "a scenario", &[&TOP_KEYS])?;
    if entries.entry("steps").is_none() && entries.entry("server").is_none() {
        let first = entries.list.first().map_or(root.span, |entry| entry.key_span);
        decoder.complain(without_steps(decoder, first));
    }
    decoder.refuse_host_at_the_top(root);
    let connect = entries
        .entry("connect")
        .and_then(|entry| decoder.part(|lost| lost.opening(entry.value), |decoder| opening(decoder, entry)));
    let steps = entries.entry("steps").map(|entry| steps::steps(decoder, entry, "")).unwrap_or_default();
    let finally = entries.entry("finally").map(|entry| steps::steps(decoder, entry, "finally ")).unwrap_or_default();
    let part = |decoder: &mut Decoder<'_>, node| decoder.part(|lost| lost.list(node), |decoder| vars(decoder, node));
    let vars = entries.value("vars").map(|node| part(decoder, node));
    let secrets = entries.value("secrets");
    let secrets = secrets.map(|node| decoder.part(|lost| lost.list(node), |decoder| secrets_named(decoder, node)));
    let server = entries.entry("server").and_then(|entry| server::server(decoder, entry)).map(Arc::new);
    Some(Scenario {
        is_of_ticket: false,
        has_defaults: false,
        is_built_in: false,
        naming: OnceLock::new(),
        typed: Vec::new(),
        name: entries.value("name").and_then(|node| decoder.plain_text(node)),
        description: entries.value("description").and_then(|node| decoder.plain_text(node)),
        tags: entries
            .value("tags")
            .map(|node| decoder.names(node))
            .unwrap_or_default()
            .into_iter()
            .map(|tag| tag.name)
            .collect(),
        claim: claim::claim(decoder, &entries),
        requires: entries.value("requires").map(|node| claim::requirements(decoder, node)).unwrap_or_default(),
        vars: vars.unwrap_or_default(),
        secrets: secrets.unwrap_or_default(),
        timeout: entries.value("timeout").and_then(|node| decoder.known_length(node)),
        cases: cases::cases(decoder, &entries),
        opening: connect,
        steps,
        finally,
        server,
        lost: std::mem::take(&mut decoder.lost),
        sources: decoder.sources.clone(),
    })
}

/// Names, without values.
fn secrets_named(decoder: &mut Decoder<'_>, node: &Node) -> Vec<Named> {
    let names = decoder.names(node);
    for named in &names {
        if let Some((name, _)) = named.name.split_once(['=', ':']) {
            let error = Diagnostic::error(named.span, "a secret is named here, without its value");
            decoder.complain(error.help(format!("write `[{name}]`; the value is given where it is run")));
        } else if named.name.contains('-') {
            let plain = named.name.replace('-', "_");
            let text = format!("`{}` cannot be read: in a template `-` is a minus sign", named.name);
            let help = format!("write `{plain}`, and read it as `<<{plain}>>`");
            decoder.complain(Diagnostic::error(named.span, text).help(help));
        }
    }
    names
}

fn without_steps(decoder: &Decoder<'_>, first: Span) -> Diagnostic {
    let is_defaults = decoder.sources.name().ends_with(defaults::DEFAULTS_FILE);
    Diagnostic::error(first, "this file has no `steps`").help(if is_defaults {
        "it has what the files beside it have in common: name one of them, or the folder"
    } else {
        "a scenario needs `steps:`, or `server:` for the server's side"
    })
}

fn opening(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Step> {
    let connect = connection::connect(decoder, entry.value)?;
    let mut head = Head::bare("", entry.value_span());
    head.timeout.clone_from(&connect.timeout);
    let session = connect.session.clone();
    Some(Step { head, session, action: Action::Connect(Box::new(connect)), ..Step::default() })
}

fn vars(decoder: &mut Decoder<'_>, node: &Node) -> Vec<Var> {
    let Value::Map(entries) = &node.value else {
        decoder.wrong_type_with(node, "a mapping of names to values", as_mapping(node));
        return Vec::new();
    };
    let mut vars = Vec::new();
    for (key, value) in entries {
        let missing = value.is_null().then_some(Data::Missing(value.span));
        if let (Some(name), Some(default)) = (decoder.named(key), missing.or_else(|| decoder.data(value))) {
            vars.push(Var { name, default });
        }
    }
    vars
}
