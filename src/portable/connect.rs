//! `connect` as it was played: the server of `--to`, the mail exchanger of this run, and no files.

use super::edits::{Pair, TextEdits, column, end, is_in_brackets, pair, pairs, start};
use super::tree::Work;
use crate::scenario::write::yaml_text::as_text;
use crate::scenario::yaml::Node;
use crate::smtp::ports::SUBMISSIONS_PORT;

/// TLS options that name files.
const FILES: [&str; 3] = ["ca_file", "client_certificate", "client_key"];
/// The keys of which one says where a connection goes.
const PLACES: [&str; 3] = ["host", "unix", "mx"];

impl Work<'_> {
    pub(super) fn connect(&mut self, at: Pair<'_>, text: &str, edits: &mut TextEdits) {
        let value = at.value;
        self.tls_files(value, text, edits);
        let place = PLACES.iter().find_map(|key| pair(value, key));
        let address = place.map_or(value, |place| place.value);
        let implicit = self.places.implicit_tls.get(&address.span).copied().unwrap_or(false);
        if let Some((host, port)) = self.settings.to.clone() {
            let tls = (implicit != (port == SUBMISSIONS_PORT)).then_some(if implicit { "implicit" } else { "none" });
            match place {
                None => edits.replace_value(text, at, &joined(&host, port, tls)),
                Some(place) => other_place(value, place, &instead(value, &host, port, tls), (text, edits)),
            }
        } else if let (Some(exchanger), Some(place)) = (&self.settings.exchanger, pair(value, "mx"))
            && let Some(every) = pair(value, "every")
        {
            edits.replace_value(text, place, &as_text(exchanger));
            edits.replace(start(place.key)..end(place.key, text), "host");
            drop_entry(value, every, "# played with one of the mail exchangers", (text, edits));
        }
    }

    /// TLS options that name files are left out: the language has no other place for them.
    pub(super) fn tls_files(&mut self, options: &Node, text: &str, edits: &mut TextEdits) {
        for entry in FILES.iter().filter_map(|key| pair(options, key)) {
            let key = entry.key.scalar().map_or("", |scalar| scalar.text.as_str());
            let name = entry.value.scalar().map_or("", |scalar| scalar.text.as_str());
            let notice = format!("`{key}` is left out: `{name}` is not part of this report");
            drop_entry(options, entry, &format!("# {key} is left out"), (text, edits));
            self.notices.push(self.masker.mask_text(&notice));
        }
    }
}

/// The entries that take the place of `host`, `unix` or `mx`.
fn instead(value: &Node, host: &str, port: u16, tls: Option<&str>) -> Vec<String> {
    let mut entries = vec![format!("host: {}", quoted(host)), format!("port: {port}")];
    entries.extend(tls.filter(|_| pair(value, "tls").is_none()).map(|mode| format!("tls: {mode}")));
    entries
}

fn other_place(value: &Node, place: Pair<'_>, entries: &[String], (text, edits): (&str, &mut TextEdits)) {
    let braces = is_in_brackets(value, text);
    let indentation = column(text, start(place.key));
    let between = if braces { ", ".to_owned() } else { format!("\n{:indentation$}", "") };
    if braces {
        edits.replace(start(place.key)..place.end(text), entries.join(&between));
    } else {
        edits.replace_entry(text, place, entries.join(&between));
    }
    for entry in ["port", "every"].iter().filter_map(|key| pair(value, key)) {
        drop_entry(value, entry, "# another server stood in", (text, &mut *edits));
    }
}

/// Takes an entry out; in a block a comment stands for it.
fn drop_entry(map: &Node, entry: Pair<'_>, comment: &str, (text, edits): (&str, &mut TextEdits)) {
    if is_in_brackets(map, text) {
        edits.remove_from_braces(text, entry);
    } else if pairs(map).first().is_some_and(|first| first.key.span == entry.key.span) && pairs(map).len() > 1 {
        // Behind a dash a comment would end the item: the first entry makes room for the next one.
        let next = start(pairs(map)[1].key);
        edits.replace(start(entry.key)..next, "");
    } else {
        edits.replace_entry(text, entry, comment);
    }
}

fn joined(host: &str, port: u16, tls: Option<&str>) -> String {
    let bare = host.trim_matches(['[', ']']);
    match tls {
        None if bare.contains(':') => format!("\"[{bare}]:{port}\""),
        None => format!("{bare}:{port}"),
        Some(mode) => format!("{{host: {}, port: {port}, tls: {mode}}}", quoted(host)),
    }
}

fn quoted(host: &str) -> String {
    as_text(host.trim_matches(['[', ']']))
}
