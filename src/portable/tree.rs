//! The walk over a scenario's YAML that finds what another machine would not have.
//!
//! Responsible for values, cases, included files and files that are sent. The order in which files are included must be
//! that of `scenario::parse`: the n-th one is the n-th of the scenario's sources.

use super::NotPortable;
use super::edits::{Pair, TextEdits, column, end, is_in_brackets, items, moved, pair, pairs, start};
use super::embed::{EmbedUse, embedded};
use super::mask::Mask;
use super::places::Places;
use super::written;
use crate::run::{Settings, media_type_of};
use crate::scenario::write::literal;
use crate::scenario::write::yaml_text::as_text;
use crate::scenario::yaml::{self, Node, Value};
use crate::scenario::{Chance, Scenario, Scope as _, Templates, Variables, render_data};
use crate::secret::Masker;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What is known of the scenario and of the run.
pub(super) struct Work<'a> {
    pub(super) places: Places,
    pub(super) scenario: &'a Scenario,
    pub(super) variables: &'a Variables,
    pub(super) settings: &'a Settings,
    pub(super) masker: &'a Masker,
    /// How many files were included so far.
    pub(super) included: u32,
    pub(super) notices: Vec<String>,
}

type TreeDone = Result<(), NotPortable>;

impl Work<'_> {
    /// The text of the whole scenario.
    pub(super) fn document(mut self, root: &Node) -> Result<(String, Vec<String>), NotPortable> {
        let scenario = self.scenario;
        let text = scenario.sources.file(0).map_or("", |source| source.text.as_str());
        let mut edits = TextEdits::default();
        if let Some(vars) = pair(root, "vars") {
            self.vars(vars, text, &mut edits);
        }
        for table in ["cases", "cases_from"].into_iter().filter_map(|key| pair(root, key)) {
            edits.replace_entry(text, table, "# the case that was played stands in `vars`");
        }
        if let Some(connect) = pair(root, "connect") {
            self.connect(connect, text, &mut edits);
        }
        for key in ["steps", "finally"] {
            if let Some(steps) = pair(root, key) {
                self.steps(steps.value, text, &mut edits)?;
            }
        }
        self.timeout(root, text, &mut edits);
        if scenario.has_defaults {
            self.defaults(root, text, &mut edits)?;
        }
        self.mask().file(text, root, &mut edits)?;
        let script = edits.apply(text, 0..text.len());
        let lines = script.lines().filter(|line| !line.starts_with("# yaml-language-server:"));
        let script = lines.collect::<Vec<_>>().join("\n");
        Ok((format!("{}\n", script.trim_start_matches(['\n', '\r'])), self.notices))
    }

    fn mask(&self) -> Mask<'_> {
        let names = self.scenario.secrets.iter().map(|secret| secret.name.as_str()).collect();
        Mask { masker: self.masker, names }
    }

    fn timeout(&self, root: &Node, text: &str, edits: &mut TextEdits) {
        let Some(timeout) = self.settings.timeout.map(written) else { return };
        match (pair(root, "timeout"), pair(root, "steps")) {
            (Some(own), _) => edits.replace_value(text, own, &timeout),
            (None, Some(steps)) if !is_in_brackets(root, text) => {
                let indentation = column(text, start(steps.key));
                let at = start(steps.key);
                edits.replace(at..at, format!("timeout: {timeout}\n{:indentation$}", ""));
            }
            _ => {}
        }
    }

    /// Writes in what was not the default.
    fn vars(&self, vars: Pair<'_>, text: &str, edits: &mut TextEdits) {
        let templates = Templates::new(Chance::seeded(0));
        for var in &self.scenario.vars {
            let name = var.name.name.as_str();
            let (Some(value), Some(entry)) = (self.variables.values.get(name), pair(vars.value, name)) else {
                continue;
            };
            let own = render_data(&var.default, &templates, self.variables);
            let unchanged = own.is_ok_and(|(own, _)| own == *value);
            if !unchanged && !self.variables.is_secret(name) {
                edits.replace_value(text, entry, &self.value(value));
            }
        }
    }

    pub(super) fn value(&self, value: &minijinja::value::Value) -> String {
        use minijinja::value::ValueKind;
        let list = || value.try_iter().into_iter().flatten();
        match value.kind() {
            ValueKind::Number | ValueKind::Bool => value.to_string(),
            ValueKind::Seq => format!("[{}]", list().map(|item| self.value(&item)).collect::<Vec<_>>().join(", ")),
            ValueKind::Map => {
                let entry = |key: minijinja::value::Value| {
                    let item = value.get_item(&key).unwrap_or_default();
                    format!("{}: {}", as_text(&key.to_string()), self.value(&item))
                };
                format!("{{{}}}", list().map(entry).collect::<Vec<_>>().join(", "))
            }
            _ => as_text(&self.masker.mask_text(&literal(&value.to_string()))),
        }
    }

    fn steps(&mut self, list: &Node, text: &str, edits: &mut TextEdits) -> TreeDone {
        for item in items(list) {
            for entry in pairs(item) {
                let key = entry.key.scalar().map_or("", |scalar| scalar.text.as_str());
                match key {
                    "connect" => self.connect(entry, text, edits),
                    "starttls" | "tls" => self.tls_files(entry.value, text, edits),
                    "data" | "bdat" => self.mail_data(item, entry, text, edits)?,
                    "message" => self.attachments(entry.value, text, edits)?,
                    "steps" => self.steps(entry.value, text, edits)?,
                    "include" => self.include(item, entry, text, edits)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    // --- included files ----------------------------------------------------------------------------------------

    /// The steps of another file as a group, in place.
    fn include(&mut self, item: &Node, entry: Pair<'_>, text: &str, edits: &mut TextEdits) -> TreeDone {
        self.included += 1;
        let scenario = self.scenario;
        let source = scenario
            .sources
            .file(self.included)
            .ok_or_else(|| NotPortable::unusable("an included file is not known"))?;
        let inner_text = source.text.as_str();
        let root = yaml::read(inner_text, self.included).map_err(|error| NotPortable::unusable(error.message))?;
        if is_in_brackets(item, text) {
            return Err(NotPortable::unusable("`include` stands in braces"));
        }
        let list = pair(&root, "steps").map_or(&root, |steps| steps.value);
        let mut inner = TextEdits::default();
        self.steps(list, inner_text, &mut inner)?;
        self.mask().file(inner_text, &root, &mut inner)?;
        let at = column(text, start(entry.key));
        let given = pair(item, "vars");
        let defaults = defaults(&root, given, (inner_text, &inner), at + 2);
        let steps = part(list, (inner_text, &inner), at + 2);
        let name = entry.value.scalar().map_or("", |scalar| scalar.text.as_str());
        let lead = if is_in_brackets(list, inner_text) {
            " ".to_owned()
        } else {
            self.masker.mask_text(&format!("  # those of {name}\n{:1$}", "", at + 2))
        };
        let vars = match given {
            None if !defaults.is_empty() => format!("vars:{defaults}\n{:at$}", ""),
            _ => String::new(),
        };
        if let Some(given) = given.filter(|_| !defaults.is_empty()) {
            self.more_vars(given, &defaults, text, edits);
        }
        edits.replace_entry(text, entry, format!("{vars}steps:{lead}{steps}"));
        Ok(())
    }

    /// Adds the defaults of an included file to the variables that it is given.
    fn more_vars(&self, given: Pair<'_>, defaults: &str, text: &str, edits: &mut TextEdits) {
        let inner = column(text, start(given.key)) + 2;
        let entry = |one: Pair<'_>| {
            let from = column(text, start(one.key));
            format!("\n{:inner$}{}", "", moved(&text[start(one.key)..one.end(text)], from, inner))
        };
        let own: String = pairs(given.value).into_iter().map(entry).collect();
        edits.replace_entry(text, given, self.masker.mask_text(&format!("vars:{own}{defaults}")));
    }

    // --- files that are sent -----------------------------------------------------------------------------------

    fn mail_data(&mut self, step: &Node, entry: Pair<'_>, text: &str, edits: &mut TextEdits) -> TreeDone {
        if let Some(message) = pair(entry.value, "message") {
            return self.attachments(message.value, text, edits);
        }
        let Some(file) = pair(entry.value, "file") else { return Ok(()) };
        let is = |key: &str, word: &str| {
            pair(entry.value, key).and_then(|it| it.value.scalar()).is_some_and(|scalar| scalar.text == word)
        };
        let how = match () {
            () if is("template", "true") => EmbedUse::Template,
            () if is("line_endings", "keep") => EmbedUse::Octets,
            () => EmbedUse::Lines,
        };
        let content = self.embed(file.value, how)?;
        let others = pairs(entry.value)
            .into_iter()
            .filter(|it| it.key.scalar().is_none_or(|key| !matches!(key.text.as_str(), "file" | "template")));
        let others: Vec<String> = others.map(|it| text[start(it.key)..it.end(text)].to_owned()).collect();
        let braces = is_in_brackets(entry.value, text);
        if braces && is_in_brackets(step, text) {
            let entries: Vec<String> = std::iter::once(content.in_braces()).chain(others).collect();
            edits.replace(start(entry.value)..end(entry.value, text), format!("{{{}}}", entries.join(", ")));
            return Ok(());
        }
        let outer = column(text, start(entry.key));
        let inner = if braces { outer + 2 } else { column(text, start(file.key)) };
        let mut block = format!("{}:", &text[start(entry.key)..end(entry.key, text)]);
        for other in others {
            _ = write!(block, "\n{:inner$}{other}", "");
        }
        _ = write!(block, "\n{:inner$}{}", "", content.in_block(inner));
        edits.replace_entry(text, entry, block);
        Ok(())
    }

    fn embed(&mut self, file: &Node, how: EmbedUse) -> Result<super::embed::Embedded, NotPortable> {
        let name = file.scalar().map_or("", |scalar| scalar.text.as_str());
        let path = self.path(file)?;
        let content = embedded(&path, name, how, self.masker).map_err(|error| {
            NotPortable::unusable(format!("cannot read `{name}`: {}", crate::scenario::reason(&error)))
        })?;
        if let super::embed::Embedded::Filler { note, .. } = &content {
            self.notices.push(self.masker.mask_text(note));
        }
        Ok(content)
    }

    fn path(&self, file: &Node) -> Result<PathBuf, NotPortable> {
        self.places
            .files
            .get(&file.span)
            .cloned()
            .unwrap_or_else(|| Err(NotPortable::unusable("the name of a file is not known")))
    }

    fn attachments(&mut self, message: &Node, text: &str, edits: &mut TextEdits) -> TreeDone {
        let Some(list) = pair(message, "attach") else { return Ok(()) };
        let in_braces = is_in_brackets(list.value, text);
        for item in items(list.value) {
            let file = match &item.value {
                Value::Map(_) => pair(item, "file").map(|file| file.value),
                _ => Some(item),
            };
            let Some(file) = file else { continue };
            let content = self.embed(file, EmbedUse::Attachment)?;
            let file_name = self.path(file)?.file_name().map(|name| name.to_string_lossy().into_owned());
            let file_name = file_name.unwrap_or_default();
            let label = |key: &str, own: &str| {
                let given = pair(item, key).map(|it| text[start(it.key)..it.end(text)].to_owned());
                given.unwrap_or_else(|| format!("{key}: {}", as_text(&literal(own))))
            };
            let labels = [label("name", &file_name), label("type", media_type_of(&file_name))];
            let range = start(item)..end(item, text);
            if in_braces {
                edits.replace(range, format!("{{{}, {}}}", labels.join(", "), content.in_braces()));
            } else {
                let inner = column(text, range.start);
                let lines = labels.join(&format!("\n{:inner$}", ""));
                edits.replace(range, format!("{lines}\n{:inner$}{}", "", content.in_block(inner)));
            }
        }
        Ok(())
    }
}

/// The variables of an included file that it is not given: each on a line of its own, `indentation` in.
fn defaults(root: &Node, given: Option<Pair<'_>>, source: (&str, &TextEdits), indentation: usize) -> String {
    let (text, edits) = source;
    let is_given = |one: &Pair<'_>| {
        let name = one.key.scalar().map_or("", |scalar| scalar.text.as_str());
        given.is_some_and(|given| pair(given.value, name).is_some())
    };
    let vars = pair(root, "vars").map(|vars| pairs(vars.value)).unwrap_or_default();
    let entry = |one: Pair<'_>| {
        let content = edits.apply(text, start(one.key)..one.end(text));
        format!("\n{:indentation$}{}", "", moved(&content, column(text, start(one.key)), indentation))
    };
    vars.into_iter().filter(|one| !is_given(one)).map(entry).collect()
}

/// The text of a node, moved to stand `indentation` in.
fn part(node: &Node, (text, edits): (&str, &TextEdits), indentation: usize) -> String {
    let end = end(node, text);
    let comment = text[end..].split('\n').next().filter(|rest| rest.trim_start().starts_with('#'));
    let content = edits.apply(text, start(node)..end + comment.map_or(0, str::len));
    moved(&content, column(text, start(node)), indentation)
}
