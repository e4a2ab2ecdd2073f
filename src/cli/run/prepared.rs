//! What there is to play, and what is known of each before it is played.
//!
//! Made by `prepare`, taken apart by `run` and `results`.

use crate::report::finding::Finding;
use crate::report::model::ScenarioReport;
use crate::report::values::Values;
use crate::run::{Play, Settings};
use crate::scenario::{Diagnostic, Scenario, Variables};
use std::sync::Arc;

/// What there is to play.
#[derive(Default)]
pub(super) struct Prepared {
    /// Everything that was selected, in the order it was named.
    pub(super) items: Vec<Selected>,
    /// What of it is played.
    pub(super) plays: Vec<Play>,
    /// For each play its item.
    pub(super) item_of_play: Vec<usize>,
    /// YAML files of folders that are no scenarios.
    pub(super) left_out: u64,
    /// What options passed over.
    pub(super) not_selected: u64,
    /// What was asked for and cannot be done, beside what is wrong with a scenario.
    pub(super) errors: Vec<String>,
}

/// One scenario with one set of variables.
pub(super) enum Selected {
    /// It cannot be run.
    Broken(Box<ScenarioReport>),
    /// It is played.
    Play(Announced),
}

/// What is known of a scenario before it is played.
pub(super) struct Announced {
    pub(super) id: String,
    pub(super) position: u64,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) warnings: Vec<Diagnostic>,
    /// What the ticket reports that it stands in.
    pub(super) finding: Option<Finding>,
    /// What is played, for a report that holds it.
    pub(super) source: Option<Box<Playable>>,
}

/// A scenario with its values, and how it is played.
pub(super) struct Playable {
    pub(super) scenario: Arc<Scenario>,
    pub(super) variables: Variables,
    pub(super) settings: Settings,
    /// Its place among the scenario's cases.
    case: Option<usize>,
}

impl Announced {
    pub(super) fn of(scenario: &Scenario, label: &str, warnings: Vec<Diagnostic>) -> Announced {
        let path = scenario.sources.name().to_owned();
        let name = scenario.name.clone().unwrap_or_else(|| if label.is_empty() { path.clone() } else { String::new() });
        Announced {
            id: String::new(),
            position: 0,
            name: format!("{name} {label}").trim().to_owned(),
            path,
            warnings,
            finding: None,
            source: None,
        }
    }
}

impl Playable {
    pub(super) fn of(play: &Play, case: Option<usize>) -> Playable {
        let (scenario, variables) = (play.scenario.clone(), play.variables.clone());
        Playable { scenario, variables, settings: play.settings.clone(), case }
    }

    /// The values that it is played with, for a report.
    pub(super) fn values(&self) -> Values {
        Values::of(&self.scenario, &self.variables, self.case)
    }
}
