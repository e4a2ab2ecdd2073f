//! What only the whole scenario shows: cases, secrets that decide, and names that nothing reads.

use super::Checker;
use crate::scenario::source::{Diagnostic, DiagnosticKind, Span};
use crate::scenario::variables::WITHOUT_VALUE;
use crate::scenario::{Data, Flow, Scenario};
use std::collections::HashSet;

impl Checker<'_> {
    pub(super) fn cases(&mut self, scenario: &Scenario) {
        for (name, data) in scenario.cases.iter().flat_map(|case| &case.values) {
            self.data(data);
            if !self.vars.contains(&name.name) {
                let known: Vec<String> = self.vars.iter().cloned().collect();
                self.unknown("variable", &name.name, name.span, known.iter().map(String::as_str));
            }
        }
    }

    /// What no secret may decide; where an error stands already, it is said.
    pub(super) fn secrets_that_decide(&mut self, scenario: &Scenario) {
        let said: HashSet<Span> = self.diagnostics.iter().filter(|one| one.is_error()).map(|one| one.span).collect();
        let faults = Flow::of(scenario).faults(self.context.untrusted);
        self.diagnostics.extend(faults.into_iter().filter(|fault| !said.contains(&fault.span)));
    }

    pub(super) fn unused(&mut self, scenario: &Scenario) {
        for var in &scenario.vars {
            // One that is read must be given; one that nothing reads was left empty by oversight.
            if let (Data::Missing(span), false) = (&var.default, self.used.contains(&var.name.name)) {
                self.diagnostics.push(Diagnostic::error(*span, WITHOUT_VALUE.0).help(WITHOUT_VALUE.1));
                self.used.insert(var.name.name.clone());
            }
        }
        let vars = scenario.vars.iter().map(|var| (&var.name, "variable", DiagnosticKind::UnusedVariable));
        let secrets = scenario.secrets.iter().map(|secret| (secret, "secret", DiagnosticKind::Any));
        // The column that names the cases is of use as a name alone.
        let columns = scenario.cases.first().map_or(0, |case| case.values.len());
        let naming = scenario.naming_column().filter(|_| columns > 1);
        for (named, what, kind) in vars.chain(secrets) {
            if !self.used.contains(&named.name) && naming != Some(named.name.as_str()) {
                let warning = Diagnostic::warning(named.span, format!("the {what} `{}` is never used", named.name));
                self.diagnostics.push(warning.kind(kind));
            }
        }
    }
}
