//! What the texts of a scenario mean in one run: which file, which port.
//!
//! Responsible for rendering them with the names that are known at their place; `tree` looks them up by where they stand.

use super::NotPortable;
use crate::scenario::address::split_address;
use crate::scenario::{
    Action, Address, Bdat, Chance, Connect, Mode, Scenario, Span, Step, Templates, Text, Variables, render_data,
    resolve_file,
};
use crate::smtp::ports::{SMTP_PORT, SUBMISSIONS_PORT};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What texts mean, by their place.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) files: HashMap<Span, Result<PathBuf, NotPortable>>,
    /// Whether TLS comes first, for each address that is connected to.
    pub(super) implicit_tls: HashMap<Span, bool>,
    /// The port of each address that is connected to.
    pub(super) ports: HashMap<Span, u16>,
}

/// Renders all files and addresses of a scenario.
pub(super) fn places(scenario: &Scenario, variables: &Variables, root: Option<&Path>) -> Places {
    let mut finder = Finder { places: Places::default(), templates: Templates::new(Chance::seeded(0)), root };
    finder.steps(scenario.opening.as_slice(), variables);
    finder.steps(&scenario.steps, variables);
    finder.steps(&scenario.finally, variables);
    finder.places
}

struct Finder<'a> {
    places: Places,
    templates: Templates,
    root: Option<&'a Path>,
}

impl Finder<'_> {
    fn steps(&mut self, steps: &[Step], scope: &Variables) {
        for step in steps {
            match &step.action {
                Action::Data(data) | Action::Bdat(Bdat { data, .. }) => {
                    data.files().into_iter().for_each(|file| self.file(file, scope));
                }
                Action::Connect(connect) => self.connect(connect, scope),
                Action::Group(group) => {
                    let mut inner = scope.clone();
                    for (name, data) in &group.bindings {
                        if let Ok((value, _)) = render_data(data, &self.templates, &inner) {
                            std::sync::Arc::make_mut(&mut inner.values).insert(name.name.clone(), value);
                        }
                    }
                    self.steps(&group.steps, &inner);
                }
                _ => {}
            }
        }
    }

    fn file(&mut self, file: &Text, scope: &Variables) {
        let found = self.text(file, scope).and_then(|name| resolve_file(self.root, &name).map_err(NotPortable::from));
        self.places.files.insert(file.span, found);
    }

    fn connect(&mut self, connect: &Connect, scope: &Variables) {
        let number = |port: &Option<Text>| port.as_ref().and_then(|port| self.text(port, scope).ok()?.parse().ok());
        let port = match &connect.address {
            Address::Joined(text) => {
                self.text(text, scope).ok().and_then(|whole| split_address(whole.trim()).ok()).map(|(_, port)| port)
            }
            Address::Split { port, .. } | Address::Mx { port, .. } => number(port),
            Address::Unix(_) => None,
        };
        let port = port.unwrap_or(SMTP_PORT);
        let chosen = connect.implicit_tls.as_ref().and_then(|tls| self.templates.chosen(tls, scope).ok());
        let implicit = chosen.map_or(port == SUBMISSIONS_PORT, |tls| tls.0);
        self.places.ports.insert(connect.span(), port);
        self.places.implicit_tls.insert(connect.span(), implicit);
    }

    fn text(&self, text: &Text, scope: &Variables) -> Result<String, NotPortable> {
        let rendered =
            self.templates.render(text, Mode::Line, scope).map_err(|error| NotPortable::unusable(error.message))?;
        String::from_utf8(rendered.bytes).map_err(|_| NotPortable::unusable(format!("`{}` is not UTF-8", text.source)))
    }
}
