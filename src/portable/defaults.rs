//! What a scenario has from the defaults of its folder, written into it.
//!
//! Called by `tree` after the scenario's own entries are edited, since a text is changed at its own offsets only.

use super::NotPortable;
use super::edits::{TextEdits, column, is_in_brackets, pair, pairs, start};
use super::tree::Work;
use crate::scenario::yaml::{self, Node};
use crate::scenario::{DEFAULTS_INDEX, Named, Scope as _};
use std::fmt::Write as _;

impl Work<'_> {
    /// Writes in the defaults that the scenario takes; its secrets are declared with the others, later.
    pub(super) fn defaults(&mut self, root: &Node, text: &str, edits: &mut TextEdits) -> Result<(), NotPortable> {
        let scenario = self.scenario;
        let Some(source) = scenario.sources.file(DEFAULTS_INDEX).filter(|_| scenario.has_defaults) else {
            return Ok(());
        };
        let all = yaml::read(&source.text, DEFAULTS_INDEX).map_err(|error| NotPortable::unusable(error.message))?;
        let Some(first) = pairs(root).first().map(|first| start(first.key)) else { return Ok(()) };
        let mut before = String::new();
        let opening = scenario.opening.as_ref().is_some_and(|opening| opening.head.span.file == DEFAULTS_INDEX);
        if let Some(connect) = pair(&all, "connect").filter(|_| opening) {
            let mut own = TextEdits::default();
            self.connect(connect, &source.text, &mut own);
            before.push_str(&own.apply(&source.text, start(connect.key)..connect.end(&source.text)));
            before.push('\n');
        }
        if let (Some(timeout), None, None) = (pair(&all, "timeout"), pair(root, "timeout"), self.settings.timeout) {
            before.push_str(&source.text[start(timeout.key)..timeout.end(&source.text)]);
            before.push('\n');
        }
        let entries: Vec<String> = self.shared_vars();
        match pair(root, "vars").map(|vars| vars.value) {
            _ if entries.is_empty() => {}
            None => _ = writeln!(before, "vars:\n  {}", entries.join("\n  ")),
            Some(own) if is_in_brackets(own, text) => {
                let comma = if pairs(own).is_empty() { "" } else { ", " };
                edits.replace(start(own) + 1..start(own) + 1, format!("{}{comma}", entries.join(", ")));
            }
            Some(own) => {
                let end = format!("\n{:1$}", "", column(text, start(own)));
                edits.replace(start(own)..start(own), format!("{}{end}", entries.join(&end)));
            }
        }
        edits.replace(first..first, before);
        Ok(())
    }

    /// The variables, with the values that they had.
    fn shared_vars(&self) -> Vec<String> {
        let shared = self.scenario.vars.iter().map(|var| &var.name).filter(|name| is_shared(name));
        let entry = |name: &Named| {
            let value = self.variables.values.get(&name.name).filter(|_| !self.variables.is_secret(&name.name))?;
            Some(format!("{}: {}", name.name, self.value(value)))
        };
        shared.filter_map(entry).collect()
    }
}

/// Whether a name stands in the defaults of the folder.
pub(super) fn is_shared(name: &Named) -> bool {
    name.span.file == DEFAULTS_INDEX
}
